//! Element-wise parts of β-divergences: ratios and powers of V and P = X·Yᵀ, and the divergence itself.
//!
//! Plain loops over short buffers, compiled for each instruction set, which vectorise.

use super::power::{CHUNK, Exponent, exp, ln, parts, pow};
use crate::Real;
use crate::arch::vector::{Op, Vector};

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
        let Self { beta, floor, .. } = self;
        if beta == 1.0 {
            // one division, for one rounding
            for (p, &v) in self.p.iter_mut().zip(self.v) {
                *p = v / if *p > floor { *p } else { floor };
            }
            return;
        }
        if beta == 0.0 {
            let mut q = self.q;
            for (l, (p, &v)) in self.p.iter_mut().zip(self.v).enumerate() {
                let reciprocal = T::ONE / if *p > floor { *p } else { floor };
                *p = v * reciprocal * reciprocal;
                if let Some(q) = &mut q {
                    q[l] = reciprocal;
                }
            }
            return;
        }
        let (lower, upper) = match (Exponent::new(beta - 2.0), Exponent::new(beta - 1.0)) {
            (Exponent::Any(lower), Exponent::Any(upper)) => return self.by_logarithms::<V>(lower, upper),
            halves => halves,
        };
        let Self { v, p, q, .. } = self;
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
                upper.raise::<V, T>(if beta < 1.0 { &floored } else { &plain }, &mut raised);
                let q = &mut q[c * CHUNK..][..p.len()];
                q.copy_from_slice(&raised[..q.len()]);
            }
            lower.raise::<V, T>(&floored, &mut raised);
            for (l, p) in p.iter_mut().enumerate() {
                *p = v[l] * raised[l];
            }
        }
    }
}

impl<T: Real> Ratios<'_, T> {
    /// For exponents that no products make: one logarithm of P serves both powers.
    #[inline(always)]
    fn by_logarithms<V: Vector>(self, lower: f64, upper: f64) {
        let Self { v, p, mut q, beta, floor } = self;
        let least = ln::<V>(floor.to_f64());
        for (c, (v, p)) in v.chunks(CHUNK).zip(p.chunks_mut(CHUNK)).enumerate() {
            let plain = load(p, T::ONE);
            let (mut logs, mut floored) = ([0.0; CHUNK], [0.0; CHUNK]);
            for l in 0..CHUNK {
                let x = plain[l].to_f64();
                // what is no number, or infinite, stays none
                logs[l] = ln::<V>(x) + 0.0 * x;
                floored[l] = if beta < 2.0 && x <= floor.to_f64() { least } else { logs[l] };
            }
            if let Some(q) = &mut q {
                let from = if beta < 1.0 { &floored } else { &logs };
                let mut raised = [T::ZERO; CHUNK];
                for l in 0..CHUNK {
                    let power = T::from_f64(exp::<V>(upper * from[l]));
                    raised[l] = if beta >= 1.0 && plain[l] == T::ZERO { T::ZERO } else { power };
                }
                let q = &mut q[c * CHUNK..][..p.len()];
                q.copy_from_slice(&raised[..q.len()]);
            }
            let mut raised = [T::ZERO; CHUNK];
            for l in 0..CHUNK {
                let power = T::from_f64(exp::<V>(lower * floored[l]));
                raised[l] = if beta > 2.0 && plain[l] == T::ZERO { T::ZERO } else { power };
            }
            for (l, p) in p.iter_mut().enumerate() {
                *p = v[l] * raised[l];
            }
        }
    }
}

/// x ← x·(x/(d·from))^β: as far again as from `d·from`, in logarithms. The quotient counts as 1/1024 to 1024; where `from` is
/// 0, x stays. The factors d are those of a row, and repeat.
pub struct Ahead<'a, T> {
    pub x: &'a mut [T],
    pub from: &'a [T],
    pub by: &'a [T],
    pub beta: f64,
}

impl<T: Real> Op<T> for Ahead<'_, T> {
    type Out = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        const MOST: f64 = 1024.0;
        let Self { x, from, by, beta } = self;
        let mut at = 0;
        for (x, from) in x.chunks_mut(CHUNK).zip(from.chunks(CHUNK)) {
            let (now, before) = (load(x, T::ONE), load(from, T::ONE));
            let mut factors = [0.0; CHUNK];
            for factor in &mut factors {
                *factor = by[at].to_f64();
                at = if at + 1 == by.len() { 0 } else { at + 1 };
            }
            let mut ahead = [T::ZERO; CHUNK];
            for l in 0..CHUNK {
                let (now, before) = (now[l].to_f64(), before[l].to_f64());
                let ratio = now / (factors[l] * before);
                let ratio = if ratio < MOST { ratio } else { MOST };
                let ratio = if ratio > 1.0 / MOST { ratio } else { 1.0 / MOST };
                let far = now * pow::<V>(ratio, beta);
                ahead[l] = T::from_f64(if before > 0.0 { far } else { now });
            }
            let len = x.len();
            x.copy_from_slice(&ahead[..len]);
        }
    }
}

/// Σ d_β(v | p) over a stretch, in double precision.
pub struct Divergence<'a, T> {
    pub v: &'a [T],
    pub p: &'a [T],
    pub beta: f64,
    pub floor: T,
    /// Up to what entries of P count as the floor.
    pub lowest: T,
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
            (0.0, _) => self.itakura_saito::<V>(),
            _ => self.powers::<V>(),
        }
    }
}

const KULLBACK_LEIBLER: u8 = 0;
const KULLBACK_LEIBLER_OF_ENTRIES: u8 = 1;

#[inline(always)]
fn pad<T: Real>(from: &[T]) -> [T; SUMS] {
    let mut out = [T::ONE; SUMS];
    out[..from.len()].copy_from_slice(from);
    out
}

impl<T: Real> Divergence<'_, T> {
    /// Σ of the terms, for β = 0: a sum of logarithms is that of a product, whose exponents are summed apart.
    #[inline(always)]
    fn itakura_saito<V: Vector>(&self) -> f64 {
        // products of as many mantissas stay in the range
        const TOGETHER: usize = 512 * SUMS;
        let [floor, lowest, ignore] = [self.floor, self.lowest, self.ignore].map(T::to_f64);
        let mut total = 0.0;
        for (v, p) in self.v.chunks(TOGETHER).zip(self.p.chunks(TOGETHER)) {
            let (mut sums, mut products, mut exponents) = ([0.0; SUMS], [1.0; SUMS], [0.0; SUMS]);
            for (v, p) in v.chunks(CHUNK).zip(p.chunks(CHUNK)) {
                // beyond the end, entries that count as 0
                let (v, p) = (load(v, T::ZERO), load(p, T::ONE));
                let (mut ratios, mut terms) = ([0.0; CHUNK], [0.0; CHUNK]);
                for l in 0..CHUNK {
                    let (x, p) = (v[l].to_f64(), p[l].to_f64());
                    let ratio = x / if p > lowest { p } else { floor };
                    // NaN and infinity are counted too
                    terms[l] = if x > ignore { ratio } else { 0.0 } + 0.0 * p;
                    ratios[l] = if x > ignore { ratio } else { 1.0 };
                }
                for at in (0..CHUNK).step_by(SUMS) {
                    for l in 0..SUMS {
                        let (mantissa, exponent) = parts(ratios[at + l]);
                        products[l] *= mantissa;
                        exponents[l] += exponent;
                        sums[l] += terms[at + l];
                    }
                }
            }
            for l in 0..SUMS {
                sums[l] -= ln::<V>(products[l]) + exponents[l] * std::f64::consts::LN_2;
            }
            total +=
                ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
            total -= v.len() as f64;
        }
        total
    }

    /// Σ of the terms, for β = 1.
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

    /// Adds the terms of `SUMS` entries, one to each sum.
    #[inline(always)]
    fn eight<V: Vector, const WHICH: u8>(&self, v: &[T], p: &[T], sums: &mut [f64; SUMS]) {
        let [floor, lowest, ignore] = [self.floor, self.lowest, self.ignore].map(T::to_f64);
        for l in 0..SUMS {
            let (x, p) = (v[l].to_f64(), p[l].to_f64());
            let floored = if p > lowest { p } else { floor };
            let ratio = x / floored;
            let log = ln::<V>(ratio);
            let (positive, always) = match WHICH {
                KULLBACK_LEIBLER => (x * log - x, p),
                _ => (x * log - x, 0.0),
            };
            sums[l] += always + if x > ignore { positive } else { 0.0 };
        }
    }

    /// Σ of the terms, for any other β.
    #[inline(always)]
    fn powers<V: Vector>(self) -> f64 {
        let Self { v, p, beta, floor, lowest, ignore, .. } = self;
        let [floor, lowest, ignore] = [floor, lowest, ignore].map(T::to_f64);
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
                *f = if *f > lowest { *f } else { floor };
            }
            let (mut xb, mut pb, mut p1) = ([0.0; CHUNK], [0.0; CHUNK], [0.0; CHUNK]);
            to_beta.raise::<V, f64>(&x, &mut xb);
            to_beta.raise::<V, f64>(if beta < 0.0 { &floored } else { &plain }, &mut pb);
            below.raise::<V, f64>(if beta < 2.0 { &floored } else { &plain }, &mut p1);
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
