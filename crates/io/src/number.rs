//! From the numbers of a file to elements: exactly, or not at all.

use crate::{IoError, Place, Scalar};

/// Why a number of a file cannot be an element.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// An integer that no double holds.
    Inexact(String),
    /// Finite, but not in the precision asked for.
    OutOfRange(String),
}

impl Unfit {
    /// The error, with the number's place.
    pub fn at<T: Scalar>(self, place: Place) -> IoError {
        let place = Box::new(place);
        match self {
            Self::Inexact(value) => IoError::PrecisionLoss { place, value },
            Self::OutOfRange(value) => IoError::OutOfRange { place, value, precision: T::PRECISION },
        }
    }
}

/// A double in the precision asked for. Infinities and NaN are what they are.
#[inline(always)]
pub(crate) fn element<T: Scalar>(x: f64) -> Result<T, Unfit> {
    let t = T::from_f64(x);
    if x.is_finite() && !t.is_finite() { Err(Unfit::OutOfRange(format!("{x:e}"))) } else { Ok(t) }
}

/// The double that an integer is, given the nearest.
#[inline(always)]
pub(crate) fn exact<I: Into<i128> + ToString + Copy>(integer: I, double: f64) -> Result<f64, Unfit> {
    if double as i128 == integer.into() { Ok(double) } else { Err(Unfit::Inexact(integer.to_string())) }
}
