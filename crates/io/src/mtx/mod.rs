//! Matrix Market files: coordinates of the entries, or all entries column by column, in text.
//!
//! Boisvert, Pozo, Remington: The Matrix Market Exchange Formats, NISTIR 5935, 1996. Beyond it, `unsigned-integer`
//! is read as `integer`, as recent libraries write it; comments and blank lines may stand anywhere after the banner.

mod array;
mod coordinate;
pub(crate) mod folder;
mod header;
mod lines;
mod number;

use std::io::BufRead;
use std::path::{Path, PathBuf};

use header::{Header, Layout};
use lines::Lines;

use crate::{AnyTable, Extent, IoError, Scalar};

/// A file whose first lines are read.
pub(crate) struct MatrixMarket<R> {
    header: Header,
    lines: Lines<R>,
    /// Bytes of the file, where known.
    len: Option<u64>,
}

impl<R: BufRead> MatrixMarket<R> {
    /// Reads up to the line that says how large the matrix is.
    pub fn open(input: R, len: Option<u64>, path: &Path) -> Result<Self, IoError> {
        let mut lines = Lines::new(input);
        let header = Header::read(&mut lines, path)?;
        header.check(path)?;
        Ok(Self { header, lines, len })
    }

    pub fn extent(&self) -> Extent {
        self.header.extent()
    }

    /// Reads the entries. Names come from the files beside `folder`, the path of the file where it has one.
    pub fn read<T: Scalar>(self, folder: Option<&PathBuf>, path: &Path) -> Result<AnyTable<T>, IoError> {
        let Self { header, lines, len } = self;
        let mut table = match header.layout {
            Layout::Coordinate { entries } => {
                AnyTable::Sparse(coordinate::read(lines, &header, entries, len, path)?)
            }
            Layout::Array => AnyTable::Dense(array::read(lines, &header, len, path)?),
        };
        if let Some(path) = folder
            && let Some([rows, cols]) = folder::names(path, table.nrows(), table.ncols())?
        {
            table.set_names(Some(rows), Some(cols));
        }
        Ok(table)
    }
}

/// A file that breaks the format's rules on `line`.
fn corrupt(path: &Path, line: u64, reason: impl std::fmt::Display) -> IoError {
    let reason = format!("line {line}: {reason}");
    IoError::Corrupt { path: path.to_owned(), format: "Matrix Market", reason }
}
