//! How large a matrix is, before it is read.

use std::path::Path;

use crate::IoError;

/// Rows or columns that a sparse matrix can always have: 32 MB of offsets.
const ALWAYS: u64 = 1 << 22;
/// Rows or columns that it can have for each of its entries, where that is more.
const FOR_AN_ENTRY: u64 = 64;

/// What a file says of its matrix ahead of the entries.
///
/// ```
/// use orthant_io::{Extent, ReadOptions, Source};
/// let text = "%%MatrixMarket matrix coordinate real general\n300 200 5000\n";
/// let source = Source::from_reader("v.mtx", text.as_bytes(), None, &ReadOptions::default())?;
/// assert_eq!(source.extent(), Some(Extent { rows: 300, cols: 200, nnz: Some(5000) }));
/// # Ok::<(), orthant_io::IoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Number of rows.
    pub rows: u64,
    /// Number of columns.
    pub cols: u64,
    /// Of a sparse matrix the most entries that it can have: there are fewer where some are 0 or given twice, or where a
    /// symmetric matrix has a diagonal. Nothing for a dense one.
    pub nnz: Option<u64>,
}

impl Extent {
    /// Refuses a sparse matrix whose sides its entries do not account for.
    pub(crate) fn check(self, path: &Path) -> Result<(), IoError> {
        let Self { rows, cols, nnz: Some(entries) } = self else { return Ok(()) };
        let most = entries.saturating_mul(FOR_AN_ENTRY).max(ALWAYS);
        if rows.max(cols) > most {
            return Err(IoError::MostlyEmpty { path: path.to_owned(), rows, cols, entries, most });
        }
        Ok(())
    }
}
