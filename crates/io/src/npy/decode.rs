//! The elements of an npy file.

use std::any::TypeId;
use std::io::Read;
use std::path::Path;

use super::header::{Header, Kind};
use crate::read::read_up_to;
use crate::{IoError, Order, Scalar, Table};

/// Bytes read at a time: within a core's cache, so that each is touched in main memory once.
const CHUNK: usize = 1 << 19;

/// Reads the elements that follow `header`, in the file's own order, into one vector of the final size.
///
/// Where `len`, the length of the file, is known, it is compared with what the header announces before anything
/// is allocated; where not, the vector grows with what is really read. Bytes after the last element are left
/// alone, as numpy leaves them.
pub(crate) fn read_data<T: Scalar>(
    input: &mut impl Read,
    header: &Header,
    len: Option<u64>,
    path: &Path,
) -> Result<Table<T>, IoError> {
    let too_large = || IoError::TooLarge { path: path.to_owned(), rows: header.rows, cols: header.cols };
    let truncated = |expected, found| IoError::Truncated { path: path.to_owned(), expected, found };
    let width = header.width();
    let sides = (usize::try_from(header.rows), usize::try_from(header.cols));
    let (Ok(rows), Ok(cols)) = sides else { return Err(too_large()) };
    let count = rows.checked_mul(cols).ok_or_else(too_large)?;
    count
        .checked_mul(size_of::<T>().max(width))
        .filter(|&b| b <= isize::MAX as usize)
        .ok_or_else(too_large)?;
    let expected = header.offset.checked_add((count * width) as u64).ok_or_else(too_large)?;
    if let Some(found) = len.filter(|&len| len < expected) {
        return Err(truncated(expected, found));
    }

    let mut data: Vec<T> = Vec::new();
    if len.is_some() {
        data.try_reserve_exact(count).map_err(|_| too_large())?;
    }
    let as_is = !(cfg!(target_endian = "big") ^ header.big_endian)
        && (header.kind == Kind::Float(8) && TypeId::of::<T>() == TypeId::of::<f64>()
            || header.kind == Kind::Float(4) && TypeId::of::<T>() == TypeId::of::<f32>());
    let mut buffer = vec![0_u8; if as_is { 0 } else { CHUNK.min(count * width) }];
    while data.len() < count {
        let start = data.len();
        let n = (CHUNK / width).min(count - start);
        data.try_reserve(n).map_err(|_| too_large())?;
        let got = if as_is {
            data.resize(start + n, T::ZERO);
            read_up_to(input, bytemuck::cast_slice_mut(&mut data[start..])).map_err(IoError::read(path))?
        } else {
            read_up_to(input, &mut buffer[..n * width]).map_err(IoError::read(path))?
        };
        if got < n * width {
            return Err(truncated(expected, header.offset + (start * width + got) as u64));
        }
        if !as_is {
            convert(&buffer[..n * width], header, &mut data)
                .map_err(|(at, bad)| bad.error::<T>(start + at, rows, cols, header.order, path))?;
        }
    }
    Ok(Table::new(data, rows, cols, header.order).expect("rows times columns elements were read"))
}

/// An element that cannot be represented.
enum Bad {
    Inexact(String),
    OutOfRange(f64),
}

impl Bad {
    fn error<T: Scalar>(self, index: usize, rows: usize, cols: usize, order: Order, path: &Path) -> IoError {
        let (row, col) = match order {
            Order::RowMajor => (index / cols, index % cols),
            Order::ColMajor => (index % rows, index / rows),
        };
        let place = crate::Place {
            path: path.to_owned(),
            line: None,
            field: None,
            row,
            col,
            row_name: None,
            col_name: None,
        };
        let place = Box::new(place);
        match self {
            Self::Inexact(value) => IoError::PrecisionLoss { place, value },
            Self::OutOfRange(value) => {
                IoError::OutOfRange { place, value: format!("{value:e}"), precision: T::PRECISION }
            }
        }
    }
}

/// Appends the elements in `bytes`; fails with the index of the first that cannot be represented.
fn convert<T: Scalar>(bytes: &[u8], header: &Header, out: &mut Vec<T>) -> Result<(), (usize, Bad)> {
    macro_rules! as_type {
        ($t:ty, $to:expr) => {
            if header.big_endian {
                each(bytes, out, |b| $to(<$t>::from_be_bytes(b)))
            } else {
                each(bytes, out, |b| $to(<$t>::from_le_bytes(b)))
            }
        };
    }
    match header.kind {
        Kind::Bool => each(bytes, out, |[b]: [u8; 1]| Ok(f64::from(u8::from(b != 0)))),
        Kind::Int(1) => as_type!(i8, |x| Ok(f64::from(x))),
        Kind::Int(2) => as_type!(i16, |x| Ok(f64::from(x))),
        Kind::Int(4) => as_type!(i32, |x| Ok(f64::from(x))),
        Kind::Int(_) => as_type!(i64, |x: i64| exact(x, x as f64)),
        Kind::Uint(1) => as_type!(u8, |x| Ok(f64::from(x))),
        Kind::Uint(2) => as_type!(u16, |x| Ok(f64::from(x))),
        Kind::Uint(4) => as_type!(u32, |x| Ok(f64::from(x))),
        Kind::Uint(_) => as_type!(u64, |x: u64| exact(x, x as f64)),
        Kind::Float(2) => as_type!(u16, |x| Ok(half(x))),
        Kind::Float(4) => as_type!(f32, |x| Ok(f64::from(x))),
        Kind::Float(_) => as_type!(f64, Ok),
    }
}

#[inline(always)]
fn each<T: Scalar, const N: usize>(
    bytes: &[u8],
    out: &mut Vec<T>,
    read: impl Fn([u8; N]) -> Result<f64, Bad>,
) -> Result<(), (usize, Bad)> {
    for (i, &b) in bytes.as_chunks::<N>().0.iter().enumerate() {
        let x = read(b).map_err(|bad| (i, bad))?;
        let t = T::from_f64(x);
        if x.is_finite() && !t.is_finite() {
            return Err((i, Bad::OutOfRange(x)));
        }
        out.push(t);
    }
    Ok(())
}

#[inline(always)]
fn exact<I: Into<i128> + ToString + Copy>(integer: I, double: f64) -> Result<f64, Bad> {
    if double as i128 == integer.into() { Ok(double) } else { Err(Bad::Inexact(integer.to_string())) }
}

/// IEEE half precision, from its bits.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::half;

    #[test]
    fn half_precision() {
        for (bits, value) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 5.960464477539063e-8),
            (0x03ff, 6.097555160522461e-5),
            (0x7c00, f64::INFINITY),
        ] {
            assert_eq!(half(bits), value, "{bits:#x}");
        }
        assert!(half(0x7e00).is_nan());
    }
}
