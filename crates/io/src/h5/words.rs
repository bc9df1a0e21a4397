//! Texts of datasets and attributes, in any of HDF5's ways to store them.

use std::path::Path;

use hdf5_metno as hdf5;

use hdf5::types::{FixedAscii, FixedUnicode, TypeDescriptor, VarLenAscii, VarLenUnicode};
use hdf5::{Container, Dataset, Location};

use super::corrupt;
use crate::IoError;

/// The longest text of a fixed length that is read.
const LONGEST: usize = 1024;

/// The names in a dataset, which must be `count`.
pub(super) fn names(data: &Dataset, count: usize, path: &Path) -> Result<Vec<String>, IoError> {
    // looked at first, so that no more is read than there are rows or columns
    if data.size() != count {
        return Err(corrupt(path, format!("{} has {} names for {count}", data.name(), data.size())));
    }
    texts(data).map_err(|e| corrupt(path, format!("{}: {e}", data.name())))
}

/// The attribute of that name, if it is a text.
pub(super) fn attribute(of: &Location, name: &str) -> Option<String> {
    let attribute = of.attr(name).ok()?;
    let texts = if attribute.size() == 1 { texts(&attribute).ok()? } else { vec![] };
    texts.into_iter().next()
}

fn texts(data: &Container) -> hdf5::Result<Vec<String>> {
    macro_rules! read {
        ($t:ty) => {
            Ok(data.read_raw::<$t>()?.iter().map(|x| text(x.as_bytes())).collect())
        };
    }
    match data.dtype()?.to_descriptor()? {
        TypeDescriptor::VarLenUnicode => read!(VarLenUnicode),
        TypeDescriptor::VarLenAscii => read!(VarLenAscii),
        TypeDescriptor::FixedAscii(0..=32) => read!(FixedAscii<32>),
        TypeDescriptor::FixedAscii(0..=LONGEST) => read!(FixedAscii<LONGEST>),
        TypeDescriptor::FixedUnicode(0..=32) => read!(FixedUnicode<32>),
        TypeDescriptor::FixedUnicode(0..=LONGEST) => read!(FixedUnicode<LONGEST>),
        TypeDescriptor::Integer(_) => Ok(data.read_raw::<i64>()?.iter().map(i64::to_string).collect()),
        other => Err(format!("{other} is no text of at most {LONGEST} bytes").into()),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
