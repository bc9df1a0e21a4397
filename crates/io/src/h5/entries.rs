//! The entries of a sparse matrix that stay in an HDF5 file.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::Data;
use super::numbers::{Kind, fits, some_elements, some_integers};
use crate::npy::Stamp;
use crate::sparse::Entries;
use crate::{IoError, Place, Scalar};

/// Entries that are read at a time: what the library makes of them comes besides, and the chunks that it keeps.
const TOGETHER: usize = 1 << 16;

/// Indices and values as datasets of a file, of which whoever reads them unpacks the chunks.
pub(super) struct Chunks {
    indices: Data,
    values: Data,
    path: PathBuf,
    /// The file, to be asked whether it is as it was.
    file: File,
    was: Stamp,
}

impl Chunks {
    /// Those in the file at `path`.
    pub fn new(indices: Data, values: Data, path: &Path) -> Result<Self, IoError> {
        let file = File::open(path).map_err(IoError::read(path))?;
        let was = Stamp::of(&file.metadata().map_err(IoError::read(path))?);
        fits(&indices, path)?;
        fits(&values, path)?;
        Kind::of(&values, path)?;
        Ok(Self { indices, values, path: path.to_owned(), file, was })
    }
}

impl fmt::Debug for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").field("path", &self.path).finish_non_exhaustive()
    }
}

impl<T: Scalar> Entries<T> for Chunks {
    fn path(&self) -> &Path {
        &self.path
    }

    fn counts(&self) -> [usize; 2] {
        [&self.indices, &self.values].map(|data| usize::try_from(data.size()).unwrap_or(usize::MAX))
    }

    fn indices(&self, first: usize, out: &mut [u32]) -> Result<(), IoError> {
        for (i, out) in out.chunks_mut(TOGETHER).enumerate() {
            let start = (first + i * TOGETHER) as u64;
            let some = Some(start..start + out.len() as u64);
            out.copy_from_slice(&some_integers(&self.indices, some, &self.path)?);
        }
        self.was.unchanged(&self.file, &self.path)
    }

    fn values(&self, first: usize, out: &mut [T], place: &dyn Fn(usize) -> Place) -> Result<(), IoError> {
        for (i, out) in out.chunks_mut(TOGETHER).enumerate() {
            let start = first + i * TOGETHER;
            let some = Some(start as u64..(start + out.len()) as u64);
            out.copy_from_slice(&some_elements(&self.values, some, &self.path, |at| place(start + at))?);
        }
        self.was.unchanged(&self.file, &self.path)
    }
}
