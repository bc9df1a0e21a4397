//! Texts of datasets and attributes, in any of HDF5's ways to store them.

use std::path::Path;

use hdf5_pure::{AttrValue, Datatype, Group, VlenStringReadOptions};

use super::{Data, corrupt, failed, numbers};
use crate::IoError;

/// The longest text of a fixed length that is read.
const LONGEST: u32 = 1024;

/// The names in a dataset, which must be `count`.
pub(super) fn names(data: &Data, count: usize, path: &Path) -> Result<Vec<String>, IoError> {
    // looked at first, so that no more is read than there are rows or columns
    let found = data.shape.iter().fold(1_u64, |n, &side| n.saturating_mul(side));
    if found != count as u64 {
        return Err(corrupt(path, format!("{} has {found} names for {count}", data.name)));
    }
    texts(data, path)
}

/// All texts of a dataset.
pub(super) fn texts(data: &Data, path: &Path) -> Result<Vec<String>, IoError> {
    let wrong = |e| failed(&data.name, path, e);
    numbers::fits(data, path)?;
    match data.set.datatype().map_err(wrong)? {
        Datatype::String { size: 0..=LONGEST, .. } => data.set.read_string().map_err(wrong),
        Datatype::VariableLength { .. } => {
            // texts that lie once and are meant a million times are no names
            let most = usize::try_from(data.file_len).unwrap_or(usize::MAX);
            let options = VlenStringReadOptions::new().with_max_payload_bytes(most);
            data.set.read_vlen_strings(options).map_err(wrong)
        }
        Datatype::FixedPoint { .. } => {
            let numbers: Vec<i128> = numbers::integers(data, path)?;
            Ok(numbers.iter().map(i128::to_string).collect())
        }
        _ => Err(corrupt(path, format!("{} is no text of at most {LONGEST} bytes", data.name))),
    }
}

/// The attribute of that name, if it is a text.
pub(super) fn attribute(of: &Group, name: &str) -> Option<String> {
    of.attrs().ok()?.get(name).and_then(AttrValue::as_str).map(str::to_owned)
}
