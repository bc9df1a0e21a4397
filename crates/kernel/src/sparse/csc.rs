//! A sparse matrix by columns.

use super::{Csr, Indices, Indptr, SparseError, Values};
use crate::{Dense, Real};

/// A sparse matrix by columns: scipy's `csc`. It is the [`Csr`] of its transpose.
///
/// ```
/// use orthant_kernel::Csc;
/// let v = Csc::<f64>::new(2, 3, &[0_i64, 1, 1, 3][..], &[0_i64, 0, 1][..], &[1.0, 2.0, 3.0][..])?;
/// assert_eq!(v.to_dense().as_slice(), [1.0, 0.0, 2.0, 0.0, 0.0, 3.0]);
/// # Ok::<(), orthant_kernel::SparseError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Csc<'a, T: Real>(Csr<'a, T>);

impl<'a, T: Real> Csc<'a, T> {
    /// A matrix over its parts: where each column begins, the row of each entry, and the entries.
    ///
    /// # Errors
    /// As [`Csr::new`].
    pub fn new(
        nrows: usize,
        ncols: usize,
        indptr: impl Into<Indptr<'a>>,
        indices: impl Into<Indices<'a>>,
        values: impl Into<Values<'a, T>>,
    ) -> Result<Self, SparseError> {
        Csr::new(ncols, nrows, indptr, indices, values).map(Self)
    }

    /// The same with the zeros that are stored among the entries, as [`Csr::keeping_zeros`].
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn keeping_zeros(
        nrows: usize,
        ncols: usize,
        indptr: impl Into<Indptr<'a>>,
        indices: impl Into<Indices<'a>>,
        values: impl Into<Values<'a, T>>,
    ) -> Result<Self, SparseError> {
        Csr::keeping_zeros(ncols, nrows, indptr, indices, values).map(Self)
    }

    /// The transpose of a matrix by rows.
    pub fn of_transposed(transposed: Csr<'a, T>) -> Self {
        Self(transposed)
    }

    /// The transpose, by rows.
    pub fn transposed(&self) -> &Csr<'a, T> {
        &self.0
    }

    /// Number of rows.
    pub fn nrows(&self) -> usize {
        self.0.ncols()
    }

    /// Number of columns.
    pub fn ncols(&self) -> usize {
        self.0.nrows()
    }

    /// Number of entries.
    pub fn nnz(&self) -> usize {
        self.0.nnz()
    }

    /// The same matrix by rows, in memory of its own.
    pub fn to_csr(&self) -> Csr<'static, T> {
        self.0.to_transposed()
    }

    /// All entries, in a matrix that has the others too.
    ///
    /// # Panics
    /// If that cannot be held.
    pub fn to_dense(&self) -> Dense<T> {
        self.to_csr().to_dense()
    }
}
