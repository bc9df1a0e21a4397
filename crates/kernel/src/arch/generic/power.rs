//! Logarithm, exponential and power without branches: plain code that loops over it vectorise.

use crate::Real;
use crate::arch::vector::Vector;

/// Elements that are worked on together.
pub(crate) const CHUNK: usize = 64;

// ln 2 in two parts, of which the first has 32 trailing zeros: its multiples are exact
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// a·b + c, as the instruction set does it best.
#[inline(always)]
fn mul_add<V: Vector>(a: f64, b: f64, c: f64) -> f64 {
    if V::FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// m and e of a positive normal number m·2ᵉ, m from 1 to 2.
#[inline(always)]
pub(crate) fn parts(x: f64) -> (f64, f64) {
    const MANTISSA: u64 = (1 << 52) - 1;
    // adding 2⁵² to a small whole number is putting it in the mantissa
    const MAGIC: u64 = 0x4330_0000_0000_0000;
    let bits = x.to_bits();
    let m = f64::from_bits(bits & MANTISSA | 1.0_f64.to_bits());
    (m, f64::from_bits(bits >> 52 | MAGIC) - (f64::from_bits(MAGIC) + 1023.0))
}

/// Natural logarithm of a positive normal number, to 2 ulp: exponent and mantissa m in [√½, √2], then
/// ln m = 2·artanh((m − 1)/(m + 1)) by its series, whose eleventh term is below 2⁻⁵⁵ there; even and odd terms are summed
/// apart. For 0 and subnormals, −709 or so; a number comes of what is none, too.
#[inline(always)]
pub(crate) fn ln<V: Vector>(x: f64) -> f64 {
    let (m, e) = parts(x);
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

/// eˣ to 2 ulp: x = n·ln 2 + r with |r| ≤ ½·ln 2, and the series of eʳ, whose fourteenth power is below 2⁻⁵⁷. x counts as −708
/// to 709.
#[inline(always)]
pub(crate) fn exp<V: Vector>(x: f64) -> f64 {
    // adding 1.5·2⁵² rounds to a whole number and leaves it in the low bits
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    let x = if x < -708.0 { -708.0 } else { x };
    let x = if x > 709.0 { 709.0 } else { x };
    let shifted = mul_add::<V>(x, std::f64::consts::LOG2_E, MAGIC);
    let n = shifted - MAGIC;
    let r = mul_add::<V>(n, -LN2_LOW, mul_add::<V>(n, -LN2_HIGH, x));
    let w = r * r;
    // Σ rⁿ⁻²/n! for n from 2 to 13, even and odd n apart
    let term = |n: u32| 1.0 / (2..=n).map(f64::from).product::<f64>();
    let (mut even, mut odd) = (term(12), term(13));
    for n in [10, 8, 6, 4, 2] {
        even = mul_add::<V>(even, w, term(n));
        odd = mul_add::<V>(odd, w, term(n + 1));
    }
    let series = 1.0 + mul_add::<V>(w, mul_add::<V>(odd, r, even), r);
    series * f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52)
}

/// xᵉ for x that is 0 or normal, to (2 + 3·|e·ln x|) units in the last place of a double; what is no number, or infinite, becomes none.
#[inline(always)]
pub(crate) fn pow<V: Vector>(x: f64, e: f64) -> f64 {
    let at_zero = if e > 0.0 { 0.0 } else { f64::INFINITY };
    let power = exp::<V>(e * ln::<V>(x)) + 0.0 * x;
    if x == 0.0 { at_zero } else { power }
}

/// An exponent, prepared: powers with 2·exponent a whole number are products and square roots.
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
    pub fn raise<V: Vector, T: Real>(self, x: &[T; CHUNK], out: &mut [T; CHUNK]) {
        match self {
            Self::Any(e) => {
                for l in 0..CHUNK {
                    out[l] = T::from_f64(pow::<V>(x[l].to_f64(), e));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::portable::Group;

    type Portable = Group<f64, 2>;

    #[test]
    fn the_logarithm_is_the_librarys_to_two_units() {
        each(logarithm::<Portable>);
        #[cfg(target_arch = "x86_64")]
        each(logarithm::<crate::arch::x86_64::avx2::F64x4>);
    }

    /// Numbers near 1, and of every size.
    fn each(check: impl Fn(f64)) {
        let mut state = 1_u64;
        for i in 0..200_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let near = 1.0 + (state >> 12) as f64 * 2f64.powi(-52) - 0.5;
            let far = f64::from_bits((state >> 2).clamp(1 << 52, 0x7fe << 52));
            for x in [near, far, 1.0 + f64::from(i) * f64::EPSILON] {
                check(x);
            }
        }
    }

    fn logarithm<V: Vector>(x: f64) {
        let (ours, theirs) = (ln::<V>(x), x.ln());
        let unit = f64::EPSILON * theirs.abs().max(f64::MIN_POSITIVE);
        assert!((ours - theirs).abs() <= 2.0 * unit, "ln {x:e}: {ours:e} and {theirs:e}");
    }

    #[test]
    fn the_power_is_the_librarys_to_what_it_says() {
        each(power::<Portable>);
        #[cfg(target_arch = "x86_64")]
        each(power::<crate::arch::x86_64::avx2::F64x4>);
    }

    fn power<V: Vector>(x: f64) {
        for e in [-1.7, -0.3, 0.3, 0.37, 1.3] {
            let theirs = x.powf(e);
            if !(1e-307..=1e307).contains(&theirs) {
                continue;
            }
            let ours = pow::<V>(x, e);
            let units = 2.0 + 3.0 * (e * x.ln()).abs();
            assert!(
                (ours - theirs).abs() <= units * f64::EPSILON * theirs,
                "{x:e} to the {e}: {ours:e} and {theirs:e}"
            );
        }
    }

    #[test]
    fn the_ends_of_the_range_are_in_order() {
        assert_eq!(ln::<Portable>(1.0), 0.0);
        assert!(ln::<Portable>(0.0).is_finite());
        assert_eq!(pow::<Portable>(1.0, 0.37), 1.0);
        assert_eq!((pow::<Portable>(0.0, 0.3), pow::<Portable>(0.0, -0.3)), (0.0, f64::INFINITY));
        assert!(pow::<Portable>(f64::NAN, 0.3).is_nan() && pow::<Portable>(f64::INFINITY, 0.3).is_nan());
        assert_eq!(exp::<Portable>(0.0), 1.0);
        assert!(exp::<Portable>(-1e9) < 1e-300 && exp::<Portable>(1e9).is_finite());
    }

    #[test]
    fn exponents_are_exact_in_halves() {
        for (e, x, expected) in [(-1.5, 4.0, 0.125), (2.0, 3.0, 9.0), (0.0, 7.0, 1.0), (0.5, 9.0, 3.0)] {
            let mut out = [0.0; CHUNK];
            Exponent::new(e).raise::<Portable, f64>(&[x; CHUNK], &mut out);
            assert_eq!(out[5], expected);
        }
    }
}
