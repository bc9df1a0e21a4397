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
use std::path::Path;

use folder::Names;
use header::{Header, Layout, Symmetry};
use lines::Lines;

use crate::convert::Lines as Gathered;
use crate::feature_types::FeatureTypes;
use crate::{AnyTable, Edge, Extent, IoError, ReadOptions, Scalar};

/// A file whose first lines are read.
pub(crate) struct MatrixMarket<R> {
    header: Header,
    lines: Lines<R>,
    /// Bytes of the file, where known.
    len: Option<u64>,
    /// What the files beside it say.
    names: Option<Names>,
}

impl<R: BufRead> MatrixMarket<R> {
    /// Reads up to the line that says how large the matrix is.
    pub fn open(input: R, len: Option<u64>, path: &Path) -> Result<Self, IoError> {
        let mut lines = Lines::new(input);
        let header = Header::read(&mut lines, path)?;
        header.check(path)?;
        Ok(Self { header, lines, len, names: None })
    }

    /// Reads the names in the files beside it, which is at `path`.
    pub fn name(&mut self, path: &Path, options: &ReadOptions) -> Result<(), IoError> {
        let Extent { rows, cols, .. } = self.header.extent();
        self.names = Some(folder::names(path, rows, cols, options)?);
        Ok(())
    }

    /// That of the features that are chosen.
    pub fn extent(&self) -> Extent {
        let whole = self.header.extent();
        match self.names.as_ref().and_then(|names| names.types.as_ref()) {
            None => whole,
            Some((Edge::Rows, types)) => Extent { rows: types.kept() as u64, ..whole },
            Some((Edge::Columns, types)) => Extent { cols: types.kept() as u64, ..whole },
        }
    }

    /// Reads the entries.
    pub fn read<T: Scalar>(self, options: &ReadOptions, path: &Path) -> Result<AnyTable<T>, IoError> {
        let Self { header, lines, len, names } = self;
        let mut table = match header.layout {
            Layout::Coordinate { entries } => {
                AnyTable::Sparse(coordinate::read(lines, &header, entries, len, path)?)
            }
            Layout::Array => AnyTable::Dense(array::read(lines, &header, len, path)?),
        };
        let Some(Names { rows, cols, types, remarks }) = names else {
            FeatureTypes::none(options, path)?;
            return Ok(table);
        };
        table.set_names(rows, cols);
        table.remark(remarks);
        match types {
            Some((edge, types)) => types.choose(table, edge),
            None => Ok(table),
        }
    }
}

impl<R: BufRead> MatrixMarket<R> {
    /// Whether its entries can be read some at a time.
    pub fn has_lines(&self) -> bool {
        matches!(self.header.layout, Layout::Coordinate { .. })
            && self.header.symmetry == Symmetry::General
            && self.names.as_ref().is_none_or(|names| names.types.is_none())
    }

    /// The lines of what [has](Self::has_lines) them, for the file at `to`.
    pub fn gather<T: Scalar>(self, path: &Path, to: &Path) -> Result<Gathered<T>, IoError> {
        let Self { header, lines, names, .. } = self;
        let Layout::Coordinate { entries } = header.layout else { unreachable!("it has lines") };
        let gather = coordinate::gather(lines, &header, entries, path, to)?;
        let names = names.map(|names| (names.rows, names.cols, names.remarks));
        let (rows, cols, remarks) = names.unwrap_or_default();
        Ok(Gathered { gather, rows, cols, remarks: remarks.into_iter().collect() })
    }
}

/// A file that breaks the format's rules on `line`.
fn corrupt(path: &Path, line: u64, reason: impl std::fmt::Display) -> IoError {
    let reason = format!("line {line}: {reason}");
    IoError::Corrupt { path: path.to_owned(), format: "Matrix Market", reason }
}
