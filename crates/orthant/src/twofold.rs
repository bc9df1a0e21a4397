//! Sums of products in twice the precision of a double: near an exact fit the terms of a loss cancel but for their last bits.
//!
//! A number is the unevaluated sum of two doubles, known to about 2⁻¹⁰⁴ of itself. Dekker, A floating-point technique for
//! extending the available precision, Numerische Mathematik 18, 1971, doi:10.1007/BF01397083.

use crate::state::state;

/// high + low, where low is what rounding to high has left.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Twofold {
    high: f64,
    low: f64,
}

state!(Twofold: high, low);

impl From<f64> for Twofold {
    fn from(high: f64) -> Self {
        Self { high, low: 0.0 }
    }
}

impl Twofold {
    /// a·b, exactly, for numbers between 2⁻⁴⁸⁵ and 2⁴⁸⁵.
    pub fn product(a: f64, b: f64) -> Self {
        // halves of 26 bits, whose products are exact
        let split = |x: f64| {
            let far = 134_217_729.0 * x;
            let high = far - (far - x);
            (high, x - high)
        };
        let high = a * b;
        let ((ah, al), (bh, bl)) = (split(a), split(b));
        Self { high, low: ((ah * bh - high) + ah * bl + al * bh) + al * bl }
    }

    pub fn plus(self, other: Self) -> Self {
        let high = self.high + other.high;
        let back = high - self.high;
        let left = (self.high - (high - back)) + (other.high - back);
        Self::sum(high, left + (self.low + other.low))
    }

    pub fn times(self, factor: f64) -> Self {
        let product = Self::product(self.high, factor);
        Self::sum(product.high, product.low + self.low * factor)
    }

    /// The product of two such numbers.
    pub fn times_twofold(self, other: Self) -> Self {
        let product = self.times(other.high);
        Self::sum(product.high, product.low + self.high * other.low)
    }

    /// What `f` makes of a running sum that was kept in single doubles.
    pub fn after(self, f: impl FnOnce(f64) -> f64) -> Self {
        Self { high: f(self.high), ..self }
    }

    /// Rounded.
    pub fn to_f64(self) -> f64 {
        self.high + self.low
    }

    /// Of a number and a much smaller one.
    fn sum(high: f64, low: f64) -> Self {
        let sum = high + low;
        Self { high: sum, low: low - (sum - high) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_exact_and_sums_cancel_to_the_last_bits() {
        // (1 + 2⁻⁵²)² = 1 + 2⁻⁵¹ + 2⁻¹⁰⁴
        let next = 1.0 + f64::EPSILON;
        let square = Twofold::product(next, next);
        let left = square.plus((-1.0).into()).plus((-2.0 * f64::EPSILON).into());
        assert_eq!(left.to_f64(), f64::EPSILON * f64::EPSILON);
        // 3·(1/3 + rest) is 1
        let third = Twofold { high: 1.0 / 3.0, low: 1.850_371_707_708_594e-17 };
        assert!((third.times(3.0).plus((-1.0).into())).to_f64().abs() < 1e-32);
    }

    #[test]
    fn sums_of_whole_numbers_beyond_a_double() {
        let large = 2.0_f64.powi(60);
        let sum = Twofold::from(large).plus(1.0.into()).plus(1.0.into()).plus((-large).into());
        assert_eq!(sum.to_f64(), 2.0);
    }
}
