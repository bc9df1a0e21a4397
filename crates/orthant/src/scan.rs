//! Checking data before anything is computed with it.

use orthant_kernel::{Isa, Real, View, scan};

use crate::reduce::{Reducer, lane, lanes};
use crate::{Error, Loss, Method};

/// What the whole of V holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Found {
    /// The largest entry.
    pub max: f64,
    /// Σ v², in double precision.
    pub squares: f64,
}

/// Looks at every entry of V, `by_columns` where those are the closer ones, on `workers` threads.
///
/// # Errors
/// [`Error::NonFinite`] or [`Error::Negative`] for the first offending entry in row-major order.
pub(crate) fn data<T: Real>(
    v: View<'_, T>,
    by_columns: bool,
    scale: T,
    workers: usize,
) -> Result<Found, Error> {
    let s = if by_columns { v.transposed() } else { v };
    let count = lanes(s.nrows());
    let isa = Isa::detect();
    let empty = || scan::Scan { valid: true, max: 0.0, squares: 0.0 };
    let mut reducer = Reducer::new(count, workers, empty);
    let found = reducer.run(
        |l, _, out| {
            *out = empty();
            let mut copy = Vec::new();
            for i in lane(s.nrows(), count, l) {
                let mut row = s.rows(i..i + 1);
                if s.col_stride() != 1 && s.ncols() > 1 {
                    copy.resize(s.ncols(), T::ZERO);
                    row.copy_to(&mut copy);
                    row = View::row_major(&copy, 1, s.ncols()).expect("one row");
                }
                let found = scan::scan(isa, row, scale, out.squares);
                out.valid &= found.valid;
                out.max = out.max.max(found.max);
                out.squares = found.squares;
            }
        },
        |a, b| {
            a.valid &= b.valid;
            a.max = a.max.max(b.max);
            a.squares += b.squares;
        },
    );
    if !found.valid {
        entries("V", v)?;
    }
    Ok(Found { max: found.max, squares: found.squares })
}

/// Checks every entry, one by one in row-major order.
///
/// # Errors
/// [`Error::NonFinite`] or [`Error::Negative`] for the first offending entry.
pub(crate) fn entries<T: Real>(operand: &'static str, v: View<'_, T>) -> Result<(), Error> {
    for row in 0..v.nrows() {
        for col in 0..v.ncols() {
            let value = v.at(row, col).to_f64();
            if !value.is_finite() {
                return Err(Error::NonFinite { operand, row, col, value });
            }
            if value < 0.0 {
                return Err(Error::Negative { operand, row, col, value });
            }
        }
    }
    Ok(())
}

/// The exponents that V's largest entry may have for V to be used as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Safe {
    low: i32,
    high: i32,
    /// As far as one factor reaches.
    reach: i32,
}

impl Safe {
    /// Where no product or sum of squares can overflow or lose precision to subnormals.
    pub fn squares<T: Real>() -> Self {
        let (safe, reach) = if T::NAME == "float32" { (20, 126) } else { (200, 1022) };
        Self { low: -safe, high: safe, reach }
    }

    /// For a method: other losses take powers of entries and have floors under them. scikit-learn's floors are
    /// absolute, so that its method keeps data of ordinary size as it is; the library's own scales all data alike.
    pub fn of<T: Real>(method: Method) -> Self {
        let squares = Self::squares::<T>();
        match method {
            _ if method.loss().is_quadratic() => squares,
            Method::Mu(_) => Self { low: -10, high: 20, ..squares },
            _ => Self { low: 0, high: 1, ..squares },
        }
    }
}

/// The exponent e for which data with this largest entry is to be divided by 2^e, a multiple of `step`: 0 inside the
/// safe range.
pub(crate) fn scale_exponent(max: f64, step: i32, safe: Safe) -> i32 {
    if max == 0.0 {
        return 0;
    }
    // log2 of a subnormal f64 is exact enough: a step more or less is as good
    let exponent = max.log2().floor() as i32;
    if (safe.low..=safe.high).contains(&exponent) {
        0
    } else {
        (exponent.div_euclid(step) * step).clamp(-safe.reach, safe.reach)
    }
}

/// 2^e as an element, in two factors where one would leave the range.
pub(crate) fn scale_by<T: Real>(x: T, e: i32) -> T {
    let half = e / 2;
    x * T::from_f64(2f64.powi(half)) * T::from_f64(2f64.powi(e - half))
}

/// ΣV^β for scale·V, in double precision: the size that a loss is compared with.
///
/// # Errors
/// [`Error::ZeroInNonPositiveBeta`].
pub(crate) fn size<T: Real>(
    v: View<'_, T>,
    by_columns: bool,
    scale: T,
    loss: Loss,
    workers: usize,
) -> Result<f64, Error> {
    let beta = loss.beta();
    let s = if by_columns { v.transposed() } else { v };
    let count = lanes(s.nrows());
    let mut reducer = Reducer::new(count, workers, || (0.0, 0_usize));
    let (sum, zeros) = reducer.run(
        |l, _, out| {
            *out = (0.0, 0);
            let mut row = vec![T::ZERO; s.ncols()];
            for i in lane(s.nrows(), count, l) {
                s.rows(i..i + 1).copy_to(&mut row);
                out.0 += row.iter().map(|&x| power((x * scale).to_f64(), beta)).sum::<f64>();
                out.1 += row.iter().filter(|&&x| x == T::ZERO).count();
            }
        },
        |a, b| {
            a.0 += b.0;
            a.1 += b.1;
        },
    );
    if beta <= 0.0 && zeros > 0 {
        let mut places = (0..v.nrows()).flat_map(|i| (0..v.ncols()).map(move |j| (i, j)));
        let (row, col) = places.find(|&(i, j)| v.at(i, j) == T::ZERO).expect("there is one");
        return Err(Error::ZeroInNonPositiveBeta { row, col, count: zeros });
    }
    Ok(sum)
}

fn power(x: f64, beta: f64) -> f64 {
    if beta == 1.0 { x } else { x.powf(beta) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_zero_in_the_safe_range_and_even_outside() {
        assert_eq!(scale_exponent(1.0, 2, Safe::squares::<f32>()), 0);
        assert_eq!(scale_exponent(1e6, 2, Safe::squares::<f32>()), 0);
        assert_eq!(scale_exponent(1e30, 2, Safe::squares::<f32>()), 98);
        assert_eq!(scale_exponent(1e-30, 2, Safe::squares::<f32>()), -100);
        assert_eq!(scale_exponent(1e30, 2, Safe::squares::<f64>()), 0);
        assert_eq!(scale_exponent(5e-324, 2, Safe::squares::<f64>()), -1022);
    }
}
