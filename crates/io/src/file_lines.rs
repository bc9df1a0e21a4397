//! A matrix that stays in its file.

use std::path::Path;

use orthant::{Error, Matrix, OutOfCore, ToMatrix};

use crate::{AnyTable, Fingerprint, IoError, NpyLines, Order, Place, Scalar, SparseLines};

/// A matrix whose elements or entries are read from their file when they are needed.
///
/// [`Source::read_within`](crate::Source::read_within) makes it of a file that is too large.
#[derive(Clone, Debug, PartialEq)]
pub enum FileLines<T> {
    /// All elements.
    Dense(NpyLines<T>),
    /// Those that are not 0.
    Sparse(SparseLines<T>),
}

macro_rules! either {
    ($self:expr, $lines:ident => $call:expr) => {
        match $self {
            Self::Dense($lines) => $call,
            Self::Sparse($lines) => $call,
        }
    };
}

impl<T> FileLines<T> {
    /// The file.
    pub fn path(&self) -> &Path {
        either!(self, lines => lines.path())
    }

    /// Number of rows.
    pub fn nrows(&self) -> usize {
        either!(self, lines => lines.nrows())
    }

    /// Number of columns.
    pub fn ncols(&self) -> usize {
        either!(self, lines => lines.ncols())
    }

    /// Number of entries of a sparse matrix.
    pub fn nnz(&self) -> Option<usize> {
        match self {
            Self::Dense(_) => None,
            Self::Sparse(lines) => Some(lines.nnz()),
        }
    }

    /// Whether its lines are rows or columns.
    pub fn order(&self) -> Order {
        either!(self, lines => lines.order())
    }

    /// The names of the rows, if the file has them.
    pub fn row_names(&self) -> Option<&[String]> {
        either!(self, lines => lines.row_names())
    }

    /// The names of the columns, if the file has them.
    pub fn col_names(&self) -> Option<&[String]> {
        either!(self, lines => lines.col_names())
    }

    /// Rows for columns and columns for rows. Moves nothing.
    #[must_use]
    pub fn transposed(self) -> Self {
        match self {
            Self::Dense(lines) => Self::Dense(lines.transposed()),
            Self::Sparse(lines) => Self::Sparse(lines.transposed()),
        }
    }

    /// Where an element stands.
    pub fn locate(&self, row: usize, col: usize) -> Place {
        either!(self, lines => lines.locate(row, col))
    }
}

impl<T: Scalar> FileLines<T> {
    /// The fingerprint of the same table in memory, which is read for it once.
    ///
    /// # Errors
    /// Whatever keeps the file from being read.
    pub fn fingerprint(&self) -> Result<Fingerprint, IoError> {
        either!(self, lines => lines.fingerprint())
    }

    /// All of it, in memory.
    ///
    /// # Errors
    /// [`IoError::TooLarge`] if there is no memory for it, and whatever keeps the file from being read.
    pub fn load(&self) -> Result<AnyTable<T>, IoError> {
        match self {
            Self::Dense(lines) => lines.load().map(AnyTable::Dense),
            Self::Sparse(lines) => lines.load().map(AnyTable::Sparse),
        }
    }
}

impl<T: Scalar> ToMatrix<T> for FileLines<T> {
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        Ok(Matrix::OutOfCore(match self {
            Self::Dense(lines) => OutOfCore::new(lines),
            Self::Sparse(lines) => OutOfCore::sparse(lines)?,
        }))
    }
}
