//! Numbers of a dataset, block by block.

use std::path::Path;

use hdf5_metno as hdf5;

use hdf5::types::{FloatSize, IntSize, TypeDescriptor};
use hdf5::{Dataset, H5Type, Hyperslab, SliceOrIndex};

use super::corrupt;
use crate::number::{Unfit, element, exact};
use crate::{IoError, Place, Scalar};

/// Bytes read at a time, at least, but for chunks of the file, which are read whole.
const BLOCK: usize = 1 << 19;

/// The most bytes that one of the file can stand for: zstd's runs, the densest of the filters in use.
const MOST_UNPACKED: u64 = 1 << 15;
/// Bytes of elements that need not be in the file at all: those that were never written have the fill value.
const FILLED: u64 = 1 << 27;

/// The type of the elements.
pub(super) fn descriptor(data: &Dataset, path: &Path) -> Result<TypeDescriptor, IoError> {
    let dtype = data.dtype().map_err(|e| corrupt(path, e))?;
    // what is no such type at all has no name either
    dtype.to_descriptor().map_err(|_| unsupported(path, format!("of {} bytes", dtype.size())))
}

fn unsupported(path: &Path, dtype: String) -> IoError {
    IoError::UnsupportedDtype { path: path.to_owned(), dtype }
}

/// All elements of a vector or matrix, rows one after another; `place` says where one of them stands.
pub(super) fn elements<T: Scalar>(
    data: &Dataset,
    path: &Path,
    place: impl FnOnce(usize) -> Place,
) -> Result<Vec<T>, IoError> {
    use IntSize::U8;
    use TypeDescriptor::{Boolean, Float, Integer, Unsigned};
    let read = match descriptor(data, path)? {
        Float(FloatSize::U8) => append(data, path, |x: f64| element(x)),
        Float(_) => append(data, path, |x: f32| element(x.into())),
        Integer(U8) => append(data, path, |x: i64| exact(x, x as f64).and_then(element)),
        Integer(_) => append(data, path, |x: i32| element(x.into())),
        Unsigned(U8) => append(data, path, |x: u64| exact(x, x as f64).and_then(element)),
        Unsigned(_) => append(data, path, |x: u32| element(x.into())),
        Boolean => append(data, path, |x: bool| element(u8::from(x).into())),
        other => return Err(unsupported(path, other.to_string())),
    };
    read?.map_err(|(e, unfit): (usize, Unfit)| unfit.at::<T>(place(e)))
}

/// All elements of a vector, which must be integers that an `I` can be.
pub(super) fn integers<I: TryFrom<i128>>(data: &Dataset, path: &Path) -> Result<Vec<I>, IoError> {
    let fit = |x: i128| I::try_from(x).map_err(|_| x);
    let read = match descriptor(data, path)? {
        TypeDescriptor::Integer(_) => append(data, path, |x: i64| fit(x.into())),
        TypeDescriptor::Unsigned(_) => append(data, path, |x: u64| fit(x.into())),
        other => return Err(corrupt(path, format!("{} must be integers, not {other}", data.name()))),
    };
    read?.map_err(|(e, x)| corrupt(path, format!("element {e} of {} is {x}", data.name())))
}

/// Every element as `of` makes it, or the first that it refuses, with its number.
type Made<E, R> = Result<Vec<E>, (usize, R)>;

fn append<N: H5Type + Copy, E, R>(
    data: &Dataset,
    path: &Path,
    of: impl Fn(N) -> Result<E, R>,
) -> Result<Made<E, R>, IoError> {
    let shape = data.shape();
    let too_large = || {
        let side = |i: usize| shape.get(i).map_or(1, |&n| n as u64);
        IoError::TooLarge { path: path.to_owned(), rows: side(0), cols: side(1) }
    };
    let count = shape.iter().try_fold(1_usize, |n, &x| n.checked_mul(x)).ok_or_else(too_large)?;
    let bytes = count.checked_mul(size_of::<N>()).ok_or_else(too_large)? as u64;
    let stored = data.storage_size();
    if bytes > stored.saturating_mul(MOST_UNPACKED).max(FILLED) {
        let reason = format!("{} is to have {count} elements, but has {stored} bytes", data.name());
        return Err(corrupt(path, reason));
    }
    let mut out = Vec::new();
    out.try_reserve_exact(count).map_err(|_| too_large())?;
    let (lines, length) = match shape[..] {
        [lines] => (lines, 1),
        [lines, length] => (lines, length),
        _ => return Err(corrupt(path, format!("{} has {} dimensions", data.name(), shape.len()))),
    };
    if count == 0 {
        return Ok(Ok(out));
    }
    // no chunk is unpacked twice
    let chunk = data.chunk().map_or(1, |chunk| chunk[0].max(1));
    let step = (BLOCK / (length * size_of::<N>())).max(1).div_ceil(chunk).saturating_mul(chunk);
    let mut start = 0;
    while start < lines {
        let end = lines.min(start.saturating_add(step));
        let block = if shape.len() == 1 {
            data.read_slice_1d::<N, _>(start..end).map(|block| block.into_raw_vec_and_offset().0)
        } else {
            let block = Hyperslab::from(vec![SliceOrIndex::from(start..end), SliceOrIndex::from(..)]);
            data.read_slice_2d::<N, _>(block).map(|block| block.into_raw_vec_and_offset().0)
        };
        for x in block.map_err(|e| corrupt(path, e))? {
            match of(x) {
                Ok(x) => out.push(x),
                Err(refused) => return Ok(Err((out.len(), refused))),
            }
        }
        start = end;
    }
    Ok(Ok(out))
}
