//! Rows of a sparse matrix as the kernels read them.

use std::ops::Range;

use super::SparseError;
use crate::{Real, allocate};

/// Where [`Csr::block`](super::Csr::block) unfolds what does not lie as the kernels read it, and where entries are read to from
/// elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Unfolded<T> {
    pub(super) indices: Vec<u32>,
    pub(super) values: Vec<T>,
}

impl<T: Real> Unfolded<T> {
    /// With room for so many entries.
    pub fn with_room(entries: usize) -> Self {
        Self { indices: allocate::room(entries), values: allocate::room(entries) }
    }

    /// Rows of `ncols` columns whose entries `read` writes, columns and values, times `scale`. `starts` says where each row begins
    /// among the entries of the whole matrix and where the last one ends; the first of them is row `first` of that.
    ///
    /// ```
    /// use orthant_kernel::{SparseError, Unfolded};
    /// let mut room = Unfolded::<f64>::default();
    /// let rows = room.fill(&[7, 9, 10], 3, 4, 0.5, |columns, values| {
    ///     columns.copy_from_slice(&[0, 2, 1]);
    ///     values.copy_from_slice(&[2.0, 4.0, 6.0]);
    ///     Ok::<(), SparseError>(())
    /// })?;
    /// assert_eq!(rows.row(0), (&[0, 2][..], &[1.0, 2.0][..]));
    /// let untidy = room.fill(&[0, 2], 3, 4, 1.0, |columns, _| {
    ///     columns.copy_from_slice(&[2, 0]);
    ///     Ok::<(), SparseError>(())
    /// });
    /// assert_eq!(untidy.unwrap_err(), SparseError::Order { line: 4 });
    /// # Ok::<(), SparseError>(())
    /// ```
    ///
    /// # Errors
    /// Those of `read`, and [`SparseError::Order`], [`SparseError::Index`] and [`SparseError::Zero`] for entries that are not as
    /// those of a [`Csr`](super::Csr): nothing is read by them.
    ///
    /// # Panics
    /// If `starts` is empty or falls.
    pub fn fill<'b, E: From<SparseError>>(
        &'b mut self,
        starts: &'b [usize],
        ncols: usize,
        first: usize,
        scale: T,
        read: impl FnOnce(&mut [u32], &mut [T]) -> Result<(), E>,
    ) -> Result<SparseRows<'b, T>, E> {
        let count = starts[starts.len() - 1] - starts[0];
        let (indices, values) = (room(&mut self.indices, count), room(&mut self.values, count));
        read(indices, values)?;
        for (line, ends) in (first..).zip(starts.windows(2)) {
            let row = &indices[ends[0] - starts[0]..ends[1] - starts[0]];
            // without a branch, so that compilers vectorise it
            let next = row.get(1..).unwrap_or_default();
            let ascends = row.iter().zip(next).fold(true, |ascends, (a, b)| ascends & (a < b));
            if !ascends {
                return Err(SparseError::Order { line }.into());
            }
            if let Some(&last) = row.last().filter(|&&last| last as usize >= ncols) {
                let entry = ends[1] - 1;
                return Err(SparseError::Index { line, entry, index: last.into(), bound: ncols }.into());
            }
        }
        if values.iter().fold(false, |zero, x| zero | (*x == T::ZERO)) {
            let at = starts[0] + values.iter().position(|x| *x == T::ZERO).unwrap_or(0);
            let line = first + starts.partition_point(|&start| start <= at) - 1;
            return Err(SparseError::Zero { line }.into());
        }
        if scale != T::ONE {
            values.iter_mut().for_each(|x| *x *= scale);
        }
        Ok(SparseRows { indptr: starts, indices, values, ncols })
    }

    /// The indices and values of some of the entries that were last [read](Self::fill), counted from the first of them.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn entries(&self, range: Range<usize>) -> (&[u32], &[T]) {
        (&self.indices[range.clone()], &self.values[range])
    }
}

/// The first `len` elements, of a vector that may have to grow.
pub(super) fn room<T: Default + Clone>(x: &mut Vec<T>, len: usize) -> &mut [T] {
    if x.len() < len {
        allocate::resize(x, len, T::default());
    }
    &mut x[..len]
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
