//! Numbers of a dataset, block by block.

use std::ops::Range;
use std::path::Path;

use hdf5_pure::{Chunk, ChunkIndex, Dataset, Datatype, DatatypeByteOrder, Error, Layout};

use super::file::too_new;
use super::{Data, corrupt, failed};
use crate::npy::half;
use crate::number::{Unfit, element, exact};
use crate::{IoError, Place, Precision, Scalar};

/// Bytes read at a time, at least, but for chunks of the file, which are read whole.
const BLOCK: usize = 1 << 19;

/// The most bytes that one of the file can stand for: runs that LZF or deflate packed, which differences made long.
const MOST_UNPACKED: u64 = 1 << 15;
/// Bytes of elements that need not be in the file at all: those that were never written have the fill value.
const FILLED: u64 = 1 << 27;

/// The kinds of numbers that are read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// float16, in this order of bytes.
    Half(DatatypeByteOrder),
    /// float32.
    Single,
    /// float64.
    Double,
    Signed,
    Unsigned,
    /// An enumeration of FALSE and TRUE.
    Bool,
}

impl Kind {
    /// That of the elements, if they are numbers.
    pub fn of(data: &Data, path: &Path) -> Result<Self, IoError> {
        let unsupported = |dtype: String| IoError::UnsupportedDtype { path: path.to_owned(), dtype };
        let dtype = data.set.datatype().map_err(|e| failed(&data.name, path, e))?;
        match &dtype {
            Datatype::FloatingPoint { size: 2, byte_order, layout }
                if (layout.exponent_size, layout.mantissa_size) == (5, 10) =>
            {
                Ok(Self::Half(*byte_order))
            }
            Datatype::FloatingPoint { size: 4, .. } => Ok(Self::Single),
            Datatype::FloatingPoint { size: 8, .. } => Ok(Self::Double),
            Datatype::FixedPoint { size: 1 | 2 | 4 | 8, layout, .. } => {
                Ok(if layout.signed { Self::Signed } else { Self::Unsigned })
            }
            Datatype::Enumeration { size: 1, members, .. }
                if members.iter().map(|member| member.name.as_str()).eq(["FALSE", "TRUE"]) =>
            {
                Ok(Self::Bool)
            }
            other => {
                let named = data.set.dtype().map(|dtype| dtype.to_string());
                Err(unsupported(named.unwrap_or_else(|_| format!("of {} bytes", other.type_size()))))
            }
        }
    }

    pub fn precision(self) -> Precision {
        if matches!(self, Self::Half(_) | Self::Single) { Precision::Float32 } else { Precision::Float64 }
    }
}

/// All elements of a vector or matrix, rows one after another; `place` says where one of them stands.
pub(super) fn elements<T: Scalar>(
    data: &Data,
    path: &Path,
    place: impl FnOnce(usize) -> Place,
) -> Result<Vec<T>, IoError> {
    some_elements(data, None, path, place)
}

/// The same of some of the lines only: of a vector, elements.
pub(super) fn some_elements<T: Scalar>(
    data: &Data,
    some: Option<Range<u64>>,
    path: &Path,
    place: impl FnOnce(usize) -> Place,
) -> Result<Vec<T>, IoError> {
    let data = (data, some);
    let read = match Kind::of(data.0, path)? {
        Kind::Double => append(data, path, Dataset::read_f64_rows, element),
        Kind::Half(order) => append(data, path, |set, start, rows| halves(set, order, start, rows), element),
        Kind::Single => append(data, path, Dataset::read_f32_rows, |x| element(x.into())),
        Kind::Signed => append(data, path, Dataset::read_i64_rows, |x| exact(x, x as f64).and_then(element)),
        Kind::Unsigned => {
            append(data, path, Dataset::read_u64_rows, |x| exact(x, x as f64).and_then(element))
        }
        Kind::Bool => append(data, path, Dataset::read_u8_rows, |x| element(f64::from(u8::from(x != 0)))),
    };
    read?.map_err(|(e, unfit): (usize, Unfit)| unfit.at::<T>(place(e)))
}

/// Half precision, which the library does not convert.
fn halves(set: &Dataset, order: DatatypeByteOrder, start: u64, rows: u64) -> Result<Vec<f64>, Error> {
    let of = if order == DatatypeByteOrder::BigEndian { u16::from_be_bytes } else { u16::from_le_bytes };
    let bytes = set.read_raw_rows(start, rows)?;
    Ok(bytes.as_chunks::<2>().0.iter().map(|&pair| half(of(pair))).collect())
}

/// All elements of a vector, which must be integers that an `I` can be.
pub(super) fn integers<I: TryFrom<i128>>(data: &Data, path: &Path) -> Result<Vec<I>, IoError> {
    some_integers(data, None, path)
}

/// The same of some of them only.
pub(super) fn some_integers<I: TryFrom<i128>>(
    data: &Data,
    some: Option<Range<u64>>,
    path: &Path,
) -> Result<Vec<I>, IoError> {
    let first = some.as_ref().map_or(0, |some| some.start as usize);
    let (name, data) = (&data.name, (data, some));
    let fit = |x: i128| I::try_from(x).map_err(|_| x);
    let read = match Kind::of(data.0, path)? {
        Kind::Signed => append(data, path, Dataset::read_i64_rows, |x| fit(x.into())),
        Kind::Unsigned => append(data, path, Dataset::read_u64_rows, |x| fit(x.into())),
        _ => return Err(corrupt(path, format!("{name} must be integers"))),
    };
    read?.map_err(|(e, x)| corrupt(path, format!("element {} of {name} is {x}", first + e)))
}

/// Every element as `of` makes it, or the first that it refuses, with its number.
type Made<E, R> = Result<Vec<E>, (usize, R)>;

fn append<N: Copy, E, R>(
    (data, some): (&Data, Option<Range<u64>>),
    path: &Path,
    read: impl Fn(&Dataset, u64, u64) -> Result<Vec<N>, Error>,
    of: impl Fn(N) -> Result<E, R>,
) -> Result<Made<E, R>, IoError> {
    // whoever asks for some of them has asked whether all are there
    let count = if some.is_none() { fits(data, path)? } else { usize::MAX };
    let (lines, length) = match data.shape[..] {
        [lines] => (lines, 1),
        [lines, length] => (lines, length),
        _ => return Err(corrupt(path, format!("{} has {} dimensions", data.name, data.shape.len()))),
    };
    let Range { start: first, end: lines } = some.unwrap_or(0..lines);
    let count = count.min(usize::try_from((lines - first).saturating_mul(length)).unwrap_or(usize::MAX));
    let mut out = Vec::new();
    out.try_reserve_exact(count).map_err(|_| data.too_large(path))?;
    if count == 0 {
        return Ok(Ok(out));
    }
    // no chunk is unpacked twice
    let chunk = data.set.chunk_shape().map_err(|e| failed(&data.name, path, e))?;
    let chunk = chunk.and_then(|chunk| chunk.first().copied()).unwrap_or(1).max(1);
    let line = length.saturating_mul(size_of::<N>() as u64);
    let step = (BLOCK as u64 / line).max(1).div_ceil(chunk).saturating_mul(chunk);
    let mut start = first;
    while start < lines {
        // up to where a chunk ends
        let step = (step - start % step).min(lines - start);
        let block = read(&data.set, start, step).map_err(|e| failed(&data.name, path, e))?;
        if block.len() as u64 != step * length {
            return Err(corrupt(path, format!("{} has fewer elements than it is to have", data.name)));
        }
        for x in block {
            match of(x) {
                Ok(x) => out.push(x),
                Err(refused) => return Ok(Err((out.len(), refused))),
            }
        }
        start = start.saturating_add(step);
    }
    Ok(Ok(out))
}

/// The number of elements, where memory for all of them, and for one chunk, is in proportion to what is in the file.
pub(super) fn fits(data: &Data, path: &Path) -> Result<usize, IoError> {
    let wrong = |e| failed(&data.name, path, e);
    let size = data.set.element_size().map_err(wrong)?;
    let (stored, chunk) = match data.set.layout().map_err(wrong)? {
        Layout::Compact { size } => (size, 0),
        Layout::Contiguous { address: None, .. } => (0, 0),
        Layout::Contiguous { size, .. } => (size, 0),
        Layout::Chunked { index: ChunkIndex::BTreeV2, .. } => return Err(too_new(path)),
        Layout::Chunked { chunk_shape, .. } => {
            let chunks = data.set.chunks().map_err(wrong)?;
            // the library takes memory for a packed chunk before it reads it
            let outside = |chunk: &Chunk| {
                chunk.address.checked_add(chunk.storage_size).is_none_or(|end| end > data.file_len)
            };
            if chunks.iter().any(outside) {
                return Err(corrupt(path, format!("{} has a chunk outside the file", data.name)));
            }
            let stored = chunks.iter().fold(0_u64, |sum, chunk| sum.saturating_add(chunk.storage_size));
            (stored, chunk_shape.iter().fold(size, |n, &side| n.saturating_mul(side)))
        }
        _ => {
            return Err(corrupt(
                path,
                format!("{} is made of parts of other files, which are not read", data.name),
            ));
        }
    };
    // no byte stands for two
    let stored = stored.min(data.file_len);
    let count = data.shape.iter().try_fold(1_u64, |n, &side| n.checked_mul(side));
    let count = count.ok_or_else(|| data.too_large(path))?;
    let bytes = count.checked_mul(size).ok_or_else(|| data.too_large(path))?;
    if bytes.max(chunk) > stored.saturating_mul(MOST_UNPACKED).max(FILLED) {
        let reason = format!("{} is to have {count} elements, but has {stored} bytes", data.name);
        return Err(corrupt(path, reason));
    }
    usize::try_from(count).map_err(|_| data.too_large(path))
}
