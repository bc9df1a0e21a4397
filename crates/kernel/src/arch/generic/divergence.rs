//! Element-wise parts of β-divergences: ratios and powers of V and P = X·Yᵀ, and the divergence itself.
//!
//! Plain loops over short buffers, compiled for each instruction set. Powers with 2·exponent a whole number are products
//! and square roots; others call the library's `powf`.

use crate::Real;
use crate::arch::Op;
use crate::arch::vector::Vector;

/// Elements that are worked on together.
const CHUNK: usize = 64;

/// An exponent, prepared.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Exponent {
    /// Half of a whole number.
    Halves(i32),
    Any(f64),
}

impl Exponent {
    pub fn new(e: f64) -> Self {
        let twice = 2.0 * e;
        if twice == twice.trunc() && twice.abs() <= 16.0 { Self::Halves(twice as i32) } else { Self::Any(e) }
    }

    /// out = x^e.
    #[inline(always)]
    fn raise<T: Real>(self, x: &[T; CHUNK], out: &mut [T; CHUNK]) {
        match self {
            Self::Any(e) => {
                let e = T::from_f64(e);
                for l in 0..CHUNK {
                    out[l] = x[l].powf(e);
                }
            }
            Self::Halves(twice) => {
                let mut power = [T::ONE; CHUNK];
                if twice % 2 != 0 {
                    for l in 0..CHUNK {
                        power[l] = x[l].sqrt();
                    }
                }
                for _ in 0..twice.unsigned_abs() / 2 {
                    for l in 0..CHUNK {
                        power[l] *= x[l];
                    }
                }
                if twice < 0 {
                    for l in 0..CHUNK {
                        power[l] = T::ONE / power[l];
                    }
                }
                *out = power;
            }
        }
    }
}

/// P becomes V∘P^(β−2), and Q, if asked for, P^(β−1); P is raised to `floor` first, in Q only for β < 1.
pub struct Ratios<'a, T> {
    pub v: &'a [T],
    pub p: &'a mut [T],
    pub q: Option<&'a mut [T]>,
    pub beta: f64,
    pub floor: T,
}

#[inline(always)]
fn load<T: Real>(from: &[T], pad: T) -> [T; CHUNK] {
    let mut out = [pad; CHUNK];
    out[..from.len()].copy_from_slice(from);
    out
}

impl<T: Real> Op<T> for Ratios<'_, T> {
    type Out = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let Self { v, p, q, beta, floor } = self;
        if beta == 1.0 {
            // one division, for one rounding
            for (p, &v) in p.iter_mut().zip(v) {
                *p = v / if *p > floor { *p } else { floor };
            }
            return;
        }
        let (lower, upper) = (Exponent::new(beta - 2.0), Exponent::new(beta - 1.0));
        let mut raised = [T::ZERO; CHUNK];
        let mut q = q;
        for (c, (v, p)) in v.chunks(CHUNK).zip(p.chunks_mut(CHUNK)).enumerate() {
            let plain = load(p, T::ONE);
            let mut floored = plain;
            if beta < 2.0 {
                for x in &mut floored {
                    *x = if *x > floor { *x } else { floor };
                }
            }
            if let Some(q) = &mut q {
                upper.raise(if beta < 1.0 { &floored } else { &plain }, &mut raised);
                let q = &mut q[c * CHUNK..][..p.len()];
                q.copy_from_slice(&raised[..q.len()]);
            }
            lower.raise(&floored, &mut raised);
            for (l, p) in p.iter_mut().enumerate() {
                *p = v[l] * raised[l];
            }
        }
    }
}

/// a·b + c, as the instruction set does it best.
#[inline(always)]
fn mul_add<V: Vector>(a: f64, b: f64, c: f64) -> f64 {
    if V::FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// Natural logarithm of a positive normal number, to 2 ulp: exponent and mantissa m in [√½, √2], then
/// ln m = 2·artanh((m − 1)/(m + 1)) by its series, whose eleventh term is below 2⁻⁵⁵ there; even and odd terms are summed
/// apart. No branches, so that loops over it vectorise. For 0 and subnormals, −709 or so.
#[inline(always)]
pub(crate) fn ln<V: Vector>(x: f64) -> f64 {
    // ln 2 in two parts, of which the first has 32 trailing zeros: its multiples are exact
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    const MANTISSA: u64 = (1 << 52) - 1;
    // adding 2⁵² to a small whole number is putting it in the mantissa
    const MAGIC: u64 = 0x4330_0000_0000_0000;
    let bits = x.to_bits();
    let m = f64::from_bits(bits & MANTISSA | 1.0_f64.to_bits());
    let e = f64::from_bits(bits >> 52 | MAGIC) - (f64::from_bits(MAGIC) + 1023.0);
    let above = m > std::f64::consts::SQRT_2;
    let m = if above { 0.5 * m } else { m };
    let e = if above { e + 1.0 } else { e };
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let w = z * z;
    // Σ zⁿ⁻¹/(2n + 1) for n from 1 to 10
    let term = |n: i32| 1.0 / f64::from(2 * n + 1);
    let (mut odd, mut even) = (term(9), term(10));
    for n in [7, 5, 3, 1] {
        odd = mul_add::<V>(odd, w, term(n));
        even = mul_add::<V>(even, w, term(n + 1));
    }
    let tail = 2.0 * s * z * mul_add::<V>(even, z, odd);
    e * LN2_HIGH + (2.0 * s + (tail + e * LN2_LOW))
}

/// Σ d_β(v | p) over a stretch, in double precision.
pub struct Divergence<'a, T> {
    pub v: &'a [T],
    pub p: &'a [T],
    pub beta: f64,
    pub floor: T,
    /// Entries of V up to this count as 0.
    pub ignore: T,
    /// Leaves out what d(v | p) has for v = 0; for β = 1.
    pub entries_only: bool,
}

/// Independent sums of a stretch.
const SUMS: usize = 8;

impl<T: Real> Op<T> for Divergence<'_, T> {
    type Out = f64;

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) -> f64 {
        match (self.beta, self.entries_only) {
            (1.0, true) => self.logarithms::<V, KULLBACK_LEIBLER_OF_ENTRIES>(),
            (1.0, false) => self.logarithms::<V, KULLBACK_LEIBLER>(),
            (0.0, _) => self.logarithms::<V, ITAKURA_SAITO>(),
            _ => self.powers(),
        }
    }
}

const KULLBACK_LEIBLER: u8 = 0;
const KULLBACK_LEIBLER_OF_ENTRIES: u8 = 1;
const ITAKURA_SAITO: u8 = 2;

#[inline(always)]
fn pad<T: Real>(from: &[T]) -> [T; SUMS] {
    let mut out = [T::ONE; SUMS];
    out[..from.len()].copy_from_slice(from);
    out
}

impl<T: Real> Divergence<'_, T> {
    /// Σ of the terms, for β = 1 and 0.
    #[inline(always)]
    fn logarithms<V: Vector, const WHICH: u8>(&self) -> f64 {
        let mut sums = [0.0; SUMS];
        let (mut v, mut p) = (self.v.chunks_exact(SUMS), self.p.chunks_exact(SUMS));
        for (v, p) in (&mut v).zip(&mut p) {
            self.eight::<V, WHICH>(v, p, &mut sums);
        }
        let len = v.remainder().len();
        if len > 0 {
            let mut rest = [0.0; SUMS];
            let (v, p) = (pad(v.remainder()), pad(p.remainder()));
            self.eight::<V, WHICH>(&v, &p, &mut rest);
            for l in 0..SUMS {
                sums[l] += if l < len { rest[l] } else { 0.0 };
            }
        }
        ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]))
    }

    /// Adds the terms of so many entries.
    #[inline(always)]
    fn eight<V: Vector, const WHICH: u8>(&self, v: &[T], p: &[T], sums: &mut [f64; SUMS]) {
        let (floor, ignore) = (self.floor.to_f64(), self.ignore.to_f64());
        for l in 0..SUMS {
            let (x, p) = (v[l].to_f64(), p[l].to_f64());
            let floored = if p > floor { p } else { floor };
            let ratio = x / floored;
            let log = ln::<V>(ratio);
            let (positive, always) = match WHICH {
                ITAKURA_SAITO => (ratio - log, -1.0),
                KULLBACK_LEIBLER => (x * log - x, p),
                _ => (x * log - x, 0.0),
            };
            sums[l] += always + if x > ignore { positive } else { 0.0 };
        }
    }

    /// Σ of the terms, for any other β.
    #[inline(always)]
    fn powers(self) -> f64 {
        let Self { v, p, beta, floor, ignore, .. } = self;
        let (floor, ignore) = (floor.to_f64(), ignore.to_f64());
        let (to_beta, below) = (Exponent::new(beta), Exponent::new(beta - 1.0));
        let scale = 1.0 / (beta * (beta - 1.0));
        let mut total = 0.0;
        for (v, p) in v.chunks(CHUNK).zip(p.chunks(CHUNK)) {
            // beyond the end v = p = 1, which are no distance apart
            let (mut x, mut plain) = ([1.0; CHUNK], [1.0; CHUNK]);
            for (l, (v, p)) in v.iter().zip(p).enumerate() {
                x[l] = v.to_f64();
                plain[l] = p.to_f64();
            }
            let mut floored = plain;
            for f in &mut floored {
                *f = f.max(floor);
            }
            let (mut xb, mut pb, mut p1) = ([0.0; CHUNK], [0.0; CHUNK], [0.0; CHUNK]);
            to_beta.raise(&x, &mut xb);
            to_beta.raise(if beta < 0.0 { &floored } else { &plain }, &mut pb);
            below.raise(if beta < 2.0 { &floored } else { &plain }, &mut p1);
            let mut sums = [0.0; SUMS];
            for l in 0..CHUNK {
                let positive = xb[l] - beta * x[l] * p1[l];
                let positive = if x[l] > ignore { positive } else { 0.0 };
                let term = scale * (positive + (beta - 1.0) * pb[l]);
                sums[l % SUMS] += if l < v.len() { term } else { 0.0 };
            }
            total += sums.iter().sum::<f64>();
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_the_librarys_to_two_units() {
        logarithm::<crate::arch::portable::Group<f64, 2>>();
        #[cfg(target_arch = "x86_64")]
        logarithm::<crate::arch::x86_64::avx2::F64x4>();
    }

    fn logarithm<V: Vector>() {
        let mut state = 1_u64;
        for i in 0..200_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let near = 1.0 + (state >> 12) as f64 * 2f64.powi(-52) - 0.5;
            let far = f64::from_bits((state >> 2).clamp(1 << 52, 0x7fe << 52));
            for x in [near, far, 1.0 + i as f64 * f64::EPSILON] {
                let (ours, theirs) = (ln::<V>(x), x.ln());
                let unit = f64::EPSILON * theirs.abs().max(f64::MIN_POSITIVE);
                assert!((ours - theirs).abs() <= 2.0 * unit, "ln {x:e}: {ours:e} and {theirs:e}");
            }
        }
        assert_eq!(ln::<V>(1.0), 0.0);
        assert!(ln::<V>(0.0).is_finite());
    }

    #[test]
    fn exponents_are_exact_in_halves() {
        for (e, x, expected) in [(-1.5, 4.0, 0.125), (2.0, 3.0, 9.0), (0.0, 7.0, 1.0), (0.5, 9.0, 3.0)] {
            let mut out = [0.0; CHUNK];
            Exponent::new(e).raise(&[x; CHUNK], &mut out);
            assert_eq!(out[5], expected);
        }
        let mut out = [0.0_f64; CHUNK];
        Exponent::new(0.3).raise(&[2.0; CHUNK], &mut out);
        assert_eq!(out[0], 2f64.powf(0.3));
    }
}
