//! Checking data before anything is computed with it.

use orthant_kernel::{Isa, Real, View, scan};

use crate::Error;
use crate::reduce::{Reducer, lane, lanes};

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

/// The exponent e for which data with this largest entry is to be divided by 2^e, a multiple of `step`: 0 inside a wide
/// range in which no product or sum of squares can overflow or lose precision to subnormals.
pub(crate) fn scale_exponent<T: Real>(max: f64, step: i32) -> i32 {
    let safe = if T::NAME == "float32" { 20 } else { 200 };
    if max == 0.0 {
        return 0;
    }
    // log2 of a subnormal f64 is exact enough: a step more or less is as good
    let exponent = max.log2().floor() as i32;
    // as far as one factor reaches
    let reach = if T::NAME == "float32" { 126 } else { 1022 };
    if exponent.abs() <= safe { 0 } else { (exponent.div_euclid(step) * step).clamp(-reach, reach) }
}

/// 2^e as an element, in two factors where one would leave the range.
pub(crate) fn scale_by<T: Real>(x: T, e: i32) -> T {
    let half = e / 2;
    x * T::from_f64(2f64.powi(half)) * T::from_f64(2f64.powi(e - half))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_zero_in_the_safe_range_and_even_outside() {
        assert_eq!(scale_exponent::<f32>(1.0, 2), 0);
        assert_eq!(scale_exponent::<f32>(1e6, 2), 0);
        assert_eq!(scale_exponent::<f32>(1e30, 2), 98);
        assert_eq!(scale_exponent::<f32>(1e-30, 2), -100);
        assert_eq!(scale_exponent::<f64>(1e30, 2), 0);
        assert_eq!(scale_exponent::<f64>(5e-324, 2), -1022);
    }
}
