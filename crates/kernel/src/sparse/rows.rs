//! Rows of a sparse matrix as the kernels read them.

use std::ops::Range;

use crate::Real;

/// Where [`Csr::block`](super::Csr::block) unfolds what does not lie as the kernels read it.
#[derive(Clone, Debug, Default)]
pub struct Unfolded<T> {
    pub(super) indices: Vec<u32>,
    pub(super) values: Vec<T>,
}

/// Some rows of a sparse matrix, as the kernels read them.
#[derive(Clone, Copy, Debug)]
pub struct SparseRows<'a, T> {
    /// Ascending, one for each row and the end of the last; the first is where `indices` and `values` begin.
    pub(super) indptr: &'a [usize],
    /// Below `ncols`.
    pub(super) indices: &'a [u32],
    /// As many.
    pub(super) values: &'a [T],
    pub(super) ncols: usize,
}

impl<'a, T: Real> SparseRows<'a, T> {
    /// One row, of indices that are below `ncols`.
    pub(crate) fn one(indptr: &'a [usize; 2], indices: &'a [u32], values: &'a [T], ncols: usize) -> Self {
        Self { indptr, indices, values, ncols }
    }

    /// The same places with other values.
    ///
    /// # Panics
    /// If there are not as many.
    pub fn with_values(&self, values: &'a [T]) -> Self {
        assert_eq!(values.len(), self.indices.len(), "a value for each entry");
        Self { values, ..*self }
    }

    /// Number of rows.
    pub fn nrows(&self) -> usize {
        self.indptr.len() - 1
    }

    /// Number of columns.
    pub fn ncols(&self) -> usize {
        self.ncols
    }

    /// Number of entries.
    pub fn nnz(&self) -> usize {
        self.indices.len()
    }

    /// The values of all rows, one after the other.
    pub fn values(&self) -> &'a [T] {
        self.values
    }

    /// The columns of all entries, row after row.
    pub fn indices(&self) -> &'a [u32] {
        self.indices
    }

    /// The columns and values of row `i`.
    ///
    /// # Panics
    /// If `i` is out of range.
    #[inline]
    pub fn row(&self, i: usize) -> (&'a [u32], &'a [T]) {
        let range = self.indptr[i] - self.indptr[0]..self.indptr[i + 1] - self.indptr[0];
        (&self.indices[range.clone()], &self.values[range])
    }

    /// The rows of `range`.
    ///
    /// # Panics
    /// If the range does not lie inside the rows.
    pub fn rows(&self, range: Range<usize>) -> Self {
        let indptr = &self.indptr[range.start..=range.end];
        let entries = indptr[0] - self.indptr[0]..indptr[range.len()] - self.indptr[0];
        let (indices, values) = (&self.indices[entries.clone()], &self.values[entries]);
        Self { indptr, indices, values, ncols: self.ncols }
    }

    /// Writes all entries into `out`, rows×cols and row-major.
    ///
    /// # Panics
    /// If `out` is of another size.
    pub fn unfold(&self, out: &mut [T]) {
        assert!(crate::products::holds(out.len(), self.nrows(), self.ncols), "out is rows×cols");
        out.fill(T::ZERO);
        if self.ncols == 0 {
            return;
        }
        for (i, out) in out.chunks_exact_mut(self.ncols).enumerate() {
            let (indices, values) = self.row(i);
            for (&j, &x) in indices.iter().zip(values) {
                out[j as usize] = x;
            }
        }
    }
}
