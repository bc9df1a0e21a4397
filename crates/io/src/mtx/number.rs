//! Numbers from the bytes of a field.

use crate::number::{Unfit, element, exact};
use crate::{IoError, Place, Scalar};

/// Digits that are surely an exact double.
const SHORT: usize = 15;

/// Why a field is no entry.
pub(super) enum Bad {
    NotANumber,
    Unfit(Unfit),
}

impl Bad {
    /// The error about `field`, with its place.
    pub fn at<T: Scalar>(self, field: &[u8], place: Place) -> IoError {
        match self {
            Self::NotANumber => {
                let text = crate::text::excerpt(field);
                IoError::NotANumber { place: Box::new(place), text, first_row: false }
            }
            Self::Unfit(unfit) => unfit.at::<T>(place),
        }
    }
}

/// A number of digits only.
#[inline]
pub(super) fn whole(field: &[u8]) -> Option<u64> {
    if field.is_empty() {
        return None;
    }
    field.iter().try_fold(0_u64, |n, b| {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        n.checked_mul(10)?.checked_add(digit.into())
    })
}

/// An entry. Where it must be an integer it is one exactly, or an error; `inf` and `nan` are what they say.
#[inline]
pub(super) fn entry<T: Scalar>(field: &[u8], integer: bool) -> Result<T, Bad> {
    let digits = field.strip_prefix(b"-").unwrap_or(field);
    if digits.len() <= SHORT
        && let Some(n) = whole(digits)
    {
        let x = n as f64;
        return element(if digits.len() < field.len() { -x } else { x }).map_err(Bad::Unfit);
    }
    long(field, integer)
}

fn long<T: Scalar>(field: &[u8], integer: bool) -> Result<T, Bad> {
    let text = str::from_utf8(field).map_err(|_| Bad::NotANumber)?;
    if integer && text.trim_start_matches(['+', '-']).bytes().all(|b| b.is_ascii_digit()) {
        // more digits than this holds are no exact double either
        let x = match text.parse::<i128>() {
            Ok(i) => exact(i, i as f64),
            Err(_) if text.len() > SHORT => Err(Unfit::Inexact(crate::text::excerpt(field))),
            Err(_) => return Err(Bad::NotANumber),
        };
        return x.and_then(element).map_err(Bad::Unfit);
    }
    let x: f64 = text.parse().map_err(|_| Bad::NotANumber)?;
    let t = T::from_f64(x);
    // "1e999" is a number that no double holds; "inf" says what it is
    if !t.is_finite() && (x.is_finite() || field.iter().any(u8::is_ascii_digit)) {
        return Err(Bad::Unfit(Unfit::OutOfRange(crate::text::excerpt(field))));
    }
    Ok(t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling() {
        let read = |text: &str, integer| entry::<f64>(text.as_bytes(), integer).ok();
        for (text, x) in [
            ("0", 0.0_f64),
            ("-0", -0.0),
            ("7", 7.0),
            ("+7", 7.0),
            ("-12", -12.0),
            ("999999999999999", 999_999_999_999_999.0),
            ("9007199254740992", 9_007_199_254_740_992.0),
            ("-9007199254740994", -9_007_199_254_740_994.0),
            ("18446744073709549568", 18_446_744_073_709_549_568.0),
            ("1.5", 1.5),
            ("1e3", 1e3),
            (".5", 0.5),
        ] {
            assert_eq!(read(text, true).map(f64::to_bits), Some(x.to_bits()), "{text}");
            assert_eq!(read(text, false).map(f64::to_bits), Some(x.to_bits()), "{text}");
        }
        assert!(read("nan", false).unwrap().is_nan());
        assert_eq!(read("-inf", false), Some(f64::NEG_INFINITY));
        assert_eq!(read("9007199254740993", false), Some(9_007_199_254_740_992.0));
        let inexact =
            ["9007199254740993", "-9007199254740993", "1234567890123456789012345678901234567890123"];
        for text in inexact {
            let bad = entry::<f64>(text.as_bytes(), true);
            assert!(matches!(bad, Err(Bad::Unfit(Unfit::Inexact(_)))), "{text}");
        }
        for text in ["", "-", "+", "--1", "1,5", "0x1", "1 ", "é", "1d3"] {
            assert!(matches!(entry::<f64>(text.as_bytes(), true), Err(Bad::NotANumber)), "{text}");
            assert!(matches!(entry::<f64>(text.as_bytes(), false), Err(Bad::NotANumber)), "{text}");
        }
        assert!(matches!(entry::<f64>(b"1e999", false), Err(Bad::Unfit(Unfit::OutOfRange(_)))));
        assert!(matches!(entry::<f32>(b"1e39", false), Err(Bad::Unfit(Unfit::OutOfRange(_)))));
        assert_eq!(whole(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(whole(b"18446744073709551616"), None);
    }
}
