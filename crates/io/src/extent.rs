//! How large a matrix is, before it is read.

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
