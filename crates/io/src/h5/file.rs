//! An open file, and what is in it by path.

use std::path::Path;

use hdf5_pure::{Dataset, Error, File, FormatError, Group};

use super::{corrupt, numbers};
use crate::IoError;

/// A file of HDF5, of which no more is in memory than is being read.
pub(super) struct Opened<'a> {
    file: File,
    /// Its length in bytes.
    len: u64,
    /// What messages call it.
    pub path: &'a Path,
}

/// A dataset, and where it is.
pub(super) struct Data {
    /// Its path, for messages.
    pub name: String,
    pub set: Box<Dataset>,
    pub shape: Vec<u64>,
    /// Bytes of the whole file.
    pub file_len: u64,
}

/// What is at a path.
pub(super) enum Object {
    Group(Group),
    Data(Data),
}

impl<'a> Opened<'a> {
    /// Opens the file at `file`.
    pub fn open(file: &Path, path: &'a Path) -> Result<Self, IoError> {
        let len = std::fs::metadata(file).map_err(IoError::read(path))?.len();
        let file = File::open_streaming(file).map_err(|e| corrupt(path, e))?;
        Ok(Self { file, len, path })
    }

    /// The groups at the root, by name.
    pub fn groups(&self) -> Result<Vec<String>, IoError> {
        let mut names = self.file.root().groups().map_err(|e| corrupt(self.path, e))?;
        names.sort();
        Ok(names)
    }

    /// What is at this path from the root, if anything.
    pub fn object(&self, at: &str) -> Result<Option<Object>, IoError> {
        match self.file.group(at) {
            Ok(group) => Ok(Some(Object::Group(group))),
            Err(Error::Format(FormatError::PathNotFound(_))) => Ok(None),
            // what is on the way to it, or the thing itself
            Err(Error::NotAGroup(_)) => match self.file.dataset(at) {
                Ok(set) => self.data_of(at, set).map(Object::Data).map(Some),
                Err(Error::NotAGroup(_) | Error::NotADataset(_)) => Ok(None),
                Err(e) => Err(failed(at, self.path, e)),
            },
            Err(e) => Err(failed(at, self.path, e)),
        }
    }

    /// The dataset at this path, if there is one.
    pub fn find(&self, at: &str) -> Result<Option<Data>, IoError> {
        Ok(match self.object(at)? {
            Some(Object::Data(data)) => Some(data),
            _ => None,
        })
    }

    /// The dataset at this path, which must be there.
    pub fn data(&self, at: &str) -> Result<Data, IoError> {
        self.find(at)?.ok_or_else(|| corrupt(self.path, format!("there is no dataset /{at}")))
    }

    /// The group at this path, if there is one.
    pub fn group(&self, at: &str) -> Result<Option<Group>, IoError> {
        Ok(match self.object(at)? {
            Some(Object::Group(group)) => Some(group),
            _ => None,
        })
    }

    /// The names of what is in a group, sorted; none where there is no group.
    pub fn members(&self, at: &str) -> Result<Vec<String>, IoError> {
        let Some(group) = self.group(at)? else { return Ok(vec![]) };
        let wrong = |e| failed(at, self.path, e);
        let mut names = group.groups().map_err(wrong)?;
        names.extend(group.datasets().map_err(wrong)?);
        names.sort();
        Ok(names)
    }

    fn data_of(&self, at: &str, set: Dataset) -> Result<Data, IoError> {
        let name = format!("/{at}");
        let shape = set.shape().map_err(|e| failed(&name, self.path, e))?;
        Ok(Data { name, set: Box::new(set), shape, file_len: self.len })
    }
}

impl Data {
    /// Elements.
    pub fn size(&self) -> u64 {
        self.shape.iter().fold(1, |n: u64, &side| n.saturating_mul(side))
    }

    pub fn too_large(&self, path: &Path) -> IoError {
        let side = |i: usize| self.shape.get(i).copied().unwrap_or(1);
        IoError::TooLarge { path: path.to_owned(), rows: side(0), cols: side(1) }
    }

    /// The integers in it.
    pub fn integers<I: TryFrom<i128>>(&self, path: &Path) -> Result<Vec<I>, IoError> {
        numbers::integers(self, path)
    }
}

/// What the library says of `what`.
pub(super) fn failed(what: &str, path: &Path, error: Error) -> IoError {
    if let Error::Format(FormatError::UnsupportedFilter(id)) = error {
        let (path, dataset) = (path.to_owned(), what.to_owned());
        return IoError::UnsupportedFilter { path, dataset, filter: filter(id) };
    }
    if let Error::Format(FormatError::InvalidLayoutVersion(5)) = error {
        return too_new(path);
    }
    corrupt(path, format!("{what}: {error}"))
}

/// Chunks as the latest versions of the format keep them.
pub(super) fn too_new(path: &Path) -> IoError {
    let what = "an HDF5 file with chunks in a format that is not read yet";
    let instead = "write it again with the default format (in h5py libver=\"earliest\")";
    IoError::UnsupportedFormat { path: path.to_owned(), what, instead }
}

/// A filter that is not read, by the number that is registered for it.
fn filter(id: u16) -> String {
    match id {
        4 => "szip".to_owned(),
        5 => "n-bit".to_owned(),
        307 => "bzip2".to_owned(),
        32001 => "blosc".to_owned(),
        32004 => "lz4".to_owned(),
        32008 => "bitshuffle".to_owned(),
        32013 => "zfp".to_owned(),
        32015 => "zstd".to_owned(),
        32026 => "blosc2".to_owned(),
        other => format!("filter {other}"),
    }
}
