//! What can go wrong with the file of a model.

use std::path::{Path, PathBuf};

use super::Precision;

/// Every way in which writing or reading a model can fail.
///
/// ```
/// use orthant::{Model, file::FileError};
/// let error = Model::<f64>::load("no such file").unwrap_err();
/// assert!(matches!(error, FileError::Read { .. }));
/// assert!(error.to_string().starts_with("cannot read no such file: "));
/// ```
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system could not open or read the file.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system could not write the file. What stood there before is unharmed.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that is damaged, or none of a model.
    #[error("{}: not a valid model file: {reason}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A version of the file that this build does not know.
    #[error("{}: model format version {found}; this build reads version {supported}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The version that can be read.
        supported: u64,
    },
    /// A model of another precision than was asked for.
    #[error("{}: the model is {found}, but {expected} was asked for", path.display())]
    Precision {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        expected: Precision,
        /// What it is.
        found: Precision,
    },
    /// More elements than memory can hold.
    #[error("{}: a matrix of {rows}×{cols} does not fit in memory", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Rows of H.
        rows: usize,
        /// Columns of H.
        cols: usize,
    },
    /// Numbers that cannot be a model's: negative, not finite or none.
    #[error("{}: {source}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with them.
        source: crate::Error,
    },
}

/// A damaged file.
pub(super) fn corrupt(path: &Path, reason: impl ToString) -> FileError {
    FileError::Corrupt { path: path.to_owned(), reason: reason.to_string() }
}
