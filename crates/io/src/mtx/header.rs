//! The banner and the line of sizes.

use std::io::Read;
use std::path::Path;

use super::corrupt;
use super::lines::{Fields, Lines};
use super::number::whole;
use crate::text::excerpt;
use crate::{Extent, IoError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// A line for each entry, and how many there are.
    Coordinate { entries: u64 },
    /// All entries, column by column.
    Array,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Real,
    Integer,
    /// No numbers: every entry is 1.
    Pattern,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symmetry {
    General,
    /// One triangle stands for both.
    Symmetric,
    /// One triangle stands for both; the other has the opposite signs.
    Skew,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub layout: Layout,
    pub field: Field,
    pub symmetry: Symmetry,
    pub rows: u64,
    pub cols: u64,
    /// The line that says so, from 1.
    pub line: u64,
}

impl Header {
    pub fn read(lines: &mut Lines<impl Read>, path: &Path) -> Result<Self, IoError> {
        let first = lines.next(path)?.map_or(&[][..], |(_, first)| first);
        let (coordinate, field, symmetry) = banner(first, path)?;
        let (line, sizes) = lines
            .next_filled(path)?
            .ok_or_else(|| corrupt(path, 1, "it ends before the line that gives the sizes"))?;
        let sizes: Option<Vec<u64>> = Fields(sizes).map(whole).collect();
        let (layout, rows, cols) = match (coordinate, sizes.as_deref()) {
            (true, Some(&[rows, cols, entries])) => (Layout::Coordinate { entries }, rows, cols),
            (false, Some(&[rows, cols])) => (Layout::Array, rows, cols),
            (true, _) => return Err(corrupt(path, line, "rows, columns and entries must be three numbers")),
            (false, _) => return Err(corrupt(path, line, "rows and columns must be two numbers")),
        };
        if symmetry != Symmetry::General && rows != cols {
            return Err(corrupt(path, line, format_args!("{rows}×{cols} is not symmetric")));
        }
        Ok(Self { layout, field, symmetry, rows, cols, line })
    }

    pub fn extent(&self) -> Extent {
        let nnz = match self.layout {
            Layout::Coordinate { entries } if self.symmetry == Symmetry::General => Some(entries),
            Layout::Coordinate { entries } => Some(entries.saturating_mul(2)),
            Layout::Array => None,
        };
        Extent { rows: self.rows, cols: self.cols, nnz }
    }

    /// Refuses sides that no matrix has, or that the entries of a sparse one do not account for.
    pub fn check(&self, path: &Path) -> Result<(), IoError> {
        if self.layout != Layout::Array && self.rows.max(self.cols) > 1 << 32 {
            return Err(self.too_large(path));
        }
        self.extent().check(path)
    }

    pub fn too_large(&self, path: &Path) -> IoError {
        IoError::TooLarge { path: path.to_owned(), rows: self.rows, cols: self.cols }
    }
}

/// `%%MatrixMarket matrix coordinate real general`: whether it is coordinates, of what, and how symmetric.
fn banner(line: &[u8], path: &Path) -> Result<(bool, Field, Symmetry), IoError> {
    let words: Vec<String> =
        Fields(line).map(|word| String::from_utf8_lossy(word).to_ascii_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let unknown = |what: &str, word: &str| {
        corrupt(path, 1, format_args!("'{}' is no {what} that is known", excerpt(word.as_bytes())))
    };
    let unsupported = |what, instead| IoError::UnsupportedFormat { path: path.to_owned(), what, instead };
    let &["%%matrixmarket", object, layout, field, symmetry] = words.as_slice() else {
        return Err(corrupt(path, 1, "it must be '%%MatrixMarket matrix' and three words more"));
    };
    if object != "matrix" {
        return Err(unknown("object", object));
    }
    let coordinate = match layout {
        "coordinate" => true,
        "array" => false,
        _ => return Err(unknown("layout", layout)),
    };
    let field = match field {
        "real" => Field::Real,
        "integer" | "unsigned-integer" => Field::Integer,
        "pattern" if coordinate => Field::Pattern,
        "complex" => {
            let what = "a Matrix Market file of complex numbers";
            return Err(unsupported(what, "what can be read: real, integer and pattern"));
        }
        _ => return Err(unknown("kind of numbers", field)),
    };
    let symmetry = match symmetry {
        "general" => Symmetry::General,
        "symmetric" => Symmetry::Symmetric,
        "skew-symmetric" => Symmetry::Skew,
        "hermitian" => {
            let what = "a Hermitian Matrix Market file";
            return Err(unsupported(what, "what can be read: general, symmetric and skew-symmetric"));
        }
        _ => return Err(unknown("symmetry", symmetry)),
    };
    Ok((coordinate, field, symmetry))
}
