//! The elements of an npy file.

use std::any::TypeId;
use std::io::Read;
use std::path::Path;

use super::header::{Header, Kind};
use crate::number::{Unfit, element, exact};
use crate::read::read_up_to;
use crate::{IoError, Order, Place, Scalar, Table};

/// Bytes read at a time: within a core's cache, so that each is touched in main memory once.
pub(super) const CHUNK: usize = 1 << 19;

/// Reads the matrix that follows `header`, in the file's own order.
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
    let (rows, cols) = header.sides(path)?;
    let too_large = || IoError::TooLarge { path: path.to_owned(), rows, cols };
    let sides = (usize::try_from(rows), usize::try_from(cols));
    let (Ok(rows), Ok(cols)) = sides else { return Err(too_large()) };
    let data = read_vector(input, header, len, path, |index| match header.order {
        Order::RowMajor => Place::of(path, index / cols, index % cols),
        Order::ColMajor => Place::of(path, index % rows, index / rows),
    })?;
    Ok(Table::new(data, rows, cols, header.order).expect("rows times columns elements were read"))
}

/// Reads all elements that follow `header` into one vector of the final size; `place` says where one of them stands.
pub(crate) fn read_vector<T: Scalar>(
    input: &mut impl Read,
    header: &Header,
    len: Option<u64>,
    path: &Path,
    place: impl FnOnce(usize) -> Place,
) -> Result<Vec<T>, IoError> {
    let mut body = Body::open(input, header, len, size_of::<T>(), path)?;
    let (mut data, count) = (body.vector(len)?, body.count);
    let width = header.width();
    let as_is = is_as_in_memory::<T>(header);
    let mut buffer = vec![0_u8; if as_is { 0 } else { CHUNK.min(count * width) }];
    while data.len() < count {
        let start = data.len();
        let n = (CHUNK / width).min(count - start);
        data.try_reserve(n).map_err(|_| body.too_large())?;
        if as_is {
            data.resize(start + n, T::ZERO);
            body.take(bytemuck::cast_slice_mut(&mut data[start..]))?;
        } else {
            body.take(&mut buffer[..n * width])?;
            data.resize(start + n, T::ZERO);
            let converted = convert(&buffer[..n * width], header, &mut data[start..]);
            if let Err((at, unfit)) = converted {
                return Err(unfit.at::<T>(place(start + at)));
            }
        }
    }
    Ok(data)
}

/// Whether elements of a file are, byte by byte, those in memory.
pub(super) fn is_as_in_memory<T: Scalar>(header: &Header) -> bool {
    !(cfg!(target_endian = "big") ^ header.big_endian)
        && (header.kind == Kind::Float(8) && TypeId::of::<T>() == TypeId::of::<f64>()
            || header.kind == Kind::Float(4) && TypeId::of::<T>() == TypeId::of::<f32>())
}

/// The bytes that follow a header, once it is known that the file can hold them.
pub(super) struct Body<'a, R> {
    input: &'a mut R,
    header: &'a Header,
    path: &'a Path,
    /// Elements.
    pub count: usize,
    /// Bytes that the file should have, header included.
    expected: u64,
    /// Bytes read so far, header included.
    found: u64,
}

impl<'a, R: Read> Body<'a, R> {
    /// `size` is that of an element in memory.
    pub fn open(
        input: &'a mut R,
        header: &'a Header,
        len: Option<u64>,
        size: usize,
        path: &'a Path,
    ) -> Result<Self, IoError> {
        header.check(len, path)?;
        let size = header
            .size()
            .filter(|(count, _)| count.checked_mul(size).is_some_and(|bytes| bytes <= isize::MAX as usize));
        let (count, expected) = size.ok_or_else(|| header.too_large(path))?;
        Ok(Self { input, header, path, count, expected, found: header.offset })
    }

    /// With room for all elements where the file is known to have them.
    pub fn vector<E>(&self, len: Option<u64>) -> Result<Vec<E>, IoError> {
        let mut out = Vec::new();
        if len.is_some() {
            out.try_reserve_exact(self.count).map_err(|_| self.too_large())?;
        }
        Ok(out)
    }

    pub fn take(&mut self, into: &mut [u8]) -> Result<(), IoError> {
        let got = read_up_to(self.input, into).map_err(IoError::read(self.path))?;
        self.found += got as u64;
        if got < into.len() { Err(self.truncated(self.found)) } else { Ok(()) }
    }

    fn truncated(&self, found: u64) -> IoError {
        IoError::Truncated { path: self.path.to_owned(), expected: self.expected, found }
    }

    pub fn too_large(&self) -> IoError {
        self.header.too_large(self.path)
    }
}

/// Writes the elements in `bytes` to `out`, which is as long; fails with the index of the first that cannot be represented.
pub(super) fn convert<T: Scalar>(bytes: &[u8], header: &Header, out: &mut [T]) -> Result<(), (usize, Unfit)> {
    macro_rules! as_type {
        ($t:ty, $to:expr) => {
            if header.big_endian {
                each(bytes, out, |b| $to(<$t>::from_be_bytes(b)))
            } else {
                each(bytes, out, |b| $to(<$t>::from_le_bytes(b)))
            }
        };
    }
    macro_rules! as_small {
        ($t:ty) => {
            if header.big_endian {
                small(bytes, out, |b| f64::from(<$t>::from_be_bytes(b)))
            } else {
                small(bytes, out, |b| f64::from(<$t>::from_le_bytes(b)))
            }
        };
    }
    match header.kind {
        Kind::Bool => small(bytes, out, |[b]: [u8; 1]| f64::from(u8::from(b != 0))),
        Kind::Int(1) => as_small!(i8),
        Kind::Int(2) => as_small!(i16),
        Kind::Int(4) => as_type!(i32, |x| Ok(f64::from(x))),
        Kind::Int(_) => as_type!(i64, |x: i64| exact(x, x as f64)),
        Kind::Uint(1) => as_small!(u8),
        Kind::Uint(2) => as_small!(u16),
        Kind::Uint(4) => as_type!(u32, |x| Ok(f64::from(x))),
        Kind::Uint(_) => as_type!(u64, |x: u64| exact(x, x as f64)),
        Kind::Float(2) => as_type!(u16, |x| Ok(half(x))),
        Kind::Float(4) => as_type!(f32, |x| Ok(f64::from(x))),
        Kind::Float(_) => as_type!(f64, Ok),
    }
}

/// Elements that are exact in any precision: without a check they are converted several at a time.
#[inline(always)]
fn small<T: Scalar, const N: usize>(
    bytes: &[u8],
    out: &mut [T],
    read: impl Fn([u8; N]) -> f64,
) -> Result<(), (usize, Unfit)> {
    out.iter_mut().zip(bytes.as_chunks::<N>().0).for_each(|(to, &b)| *to = T::from_f64(read(b)));
    Ok(())
}

#[inline(always)]
fn each<T: Scalar, const N: usize>(
    bytes: &[u8],
    out: &mut [T],
    read: impl Fn([u8; N]) -> Result<f64, Unfit>,
) -> Result<(), (usize, Unfit)> {
    for (i, (to, &b)) in out.iter_mut().zip(bytes.as_chunks::<N>().0).enumerate() {
        *to = read(b).and_then(element).map_err(|unfit| (i, unfit))?;
    }
    Ok(())
}

/// IEEE half precision, from its bits.
pub(crate) fn half(bits: u16) -> f64 {
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
