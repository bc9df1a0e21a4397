//! A borrowed matrix of any strides.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use crate::Real;

/// The extents and strides that were asked for do not fit in the slice, or not in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayoutError {
    /// Rows asked for.
    pub nrows: usize,
    /// Columns asked for.
    pub ncols: usize,
    /// Elements in the slice.
    pub len: usize,
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a {}×{} matrix with these strides does not lie inside a slice of {} elements",
            self.nrows, self.ncols, self.len
        )
    }
}

impl std::error::Error for LayoutError {}

/// A read-only view of an `nrows`×`ncols` matrix with any strides, negative ones included.
///
/// Strides count elements. Row-major data has `(ncols, 1)`, column-major `(1, nrows)`.
///
/// ```
/// use orthant_kernel::View;
/// let data = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// let v = View::row_major(&data, 2, 3)?;
/// assert_eq!(v.at(1, 0), 4.0);
/// assert_eq!(v.transposed().at(0, 1), 4.0);
/// // rows in reverse order
/// let r = View::strided(&data, 3, 2, 3, -3, 1)?;
/// assert_eq!(r.at(0, 0), 4.0);
/// # Ok::<(), orthant_kernel::LayoutError>(())
/// ```
#[derive(Clone, Copy)]
pub struct View<'a, T> {
    ptr: *const T,
    nrows: usize,
    ncols: usize,
    row_stride: isize,
    col_stride: isize,
    marker: PhantomData<&'a [T]>,
}

// SAFETY: a view is a shared borrow of plain numbers, as `&[T]` is.
unsafe impl<T: Sync> Send for View<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for View<'_, T> {}

impl<'a, T: Real> View<'a, T> {
    /// A contiguous row-major matrix over `data`, which must hold exactly `nrows·ncols` elements.
    ///
    /// # Errors
    /// [`LayoutError`] if the length differs.
    pub fn row_major(data: &'a [T], nrows: usize, ncols: usize) -> Result<Self, LayoutError> {
        Self::contiguous(data, nrows, ncols, ncols as isize, 1)
    }

    /// A contiguous column-major matrix over `data`, which must hold exactly `nrows·ncols` elements.
    ///
    /// # Errors
    /// [`LayoutError`] if the length differs.
    pub fn col_major(data: &'a [T], nrows: usize, ncols: usize) -> Result<Self, LayoutError> {
        Self::contiguous(data, nrows, ncols, 1, nrows as isize)
    }

    fn contiguous(
        data: &'a [T],
        nrows: usize,
        ncols: usize,
        row_stride: isize,
        col_stride: isize,
    ) -> Result<Self, LayoutError> {
        if nrows.checked_mul(ncols) != Some(data.len()) {
            return Err(LayoutError { nrows, ncols, len: data.len() });
        }
        // SAFETY: every (i, j) lies inside `data`, whose length is nrows·ncols.
        Ok(unsafe { Self::from_raw_parts(data.as_ptr(), nrows, ncols, row_stride, col_stride) })
    }

    /// A view whose element (i, j) is `data[offset + i·row_stride + j·col_stride]`.
    ///
    /// # Errors
    /// [`LayoutError`] if any element would lie outside `data`.
    pub fn strided(
        data: &'a [T],
        offset: usize,
        nrows: usize,
        ncols: usize,
        row_stride: isize,
        col_stride: isize,
    ) -> Result<Self, LayoutError> {
        let error = LayoutError { nrows, ncols, len: data.len() };
        if nrows > 0 && ncols > 0 {
            let far = |count: usize, stride: isize| -> Option<i128> {
                Some(i128::try_from(count - 1).ok()? * stride as i128)
            };
            let (r, c) = (far(nrows, row_stride).ok_or(error)?, far(ncols, col_stride).ok_or(error)?);
            let low = (offset as i128).checked_add(r.min(0)).and_then(|x| x.checked_add(c.min(0)));
            let high = (offset as i128).checked_add(r.max(0)).and_then(|x| x.checked_add(c.max(0)));
            if low.is_none_or(|x| x < 0) || high.is_none_or(|x| x >= data.len() as i128) {
                return Err(error);
            }
        } else if offset > data.len() {
            return Err(error);
        }
        // SAFETY: the lowest and the highest element address were just checked against the slice.
        Ok(unsafe { Self::from_raw_parts(data.as_ptr().add(offset), nrows, ncols, row_stride, col_stride) })
    }

    /// A view from a pointer to element (0, 0), for matrices of other libraries.
    ///
    /// # Safety
    /// `ptr` must be aligned and not null, also for an empty matrix. For every i < `nrows` and j < `ncols`, `ptr.offset(i·row_stride + j·col_stride)` must be inside one
    /// allocation, initialised, and not written during `'a`.
    pub unsafe fn from_raw_parts(
        ptr: *const T,
        nrows: usize,
        ncols: usize,
        row_stride: isize,
        col_stride: isize,
    ) -> Self {
        Self { ptr, nrows, ncols, row_stride, col_stride, marker: PhantomData }
    }

    /// Number of rows.
    pub fn nrows(&self) -> usize {
        self.nrows
    }

    /// Number of columns.
    pub fn ncols(&self) -> usize {
        self.ncols
    }

    /// Elements from one row to the next.
    pub fn row_stride(&self) -> isize {
        self.row_stride
    }

    /// Elements from one column to the next.
    pub fn col_stride(&self) -> isize {
        self.col_stride
    }

    /// Pointer to element (0, 0).
    pub fn as_ptr(&self) -> *const T {
        self.ptr
    }

    /// Element (i, j).
    ///
    /// # Panics
    /// If i or j is out of range.
    #[inline]
    pub fn at(&self, i: usize, j: usize) -> T {
        assert!(i < self.nrows && j < self.ncols, "({i}, {j}) in {}×{}", self.nrows, self.ncols);
        // SAFETY: in range, so inside the borrowed data by the constructors' contract.
        unsafe { *self.ptr.offset(i as isize * self.row_stride + j as isize * self.col_stride) }
    }

    /// The transpose, without moving anything.
    #[must_use]
    pub fn transposed(&self) -> Self {
        Self {
            nrows: self.ncols,
            ncols: self.nrows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..*self
        }
    }

    /// The rows of `range`.
    ///
    /// # Panics
    /// If the range does not lie inside the rows.
    #[must_use]
    pub fn rows(&self, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= self.nrows, "rows {range:?} of {}", self.nrows);
        // an empty range or row may lie anywhere, and is never read
        let ptr = self.ptr.wrapping_offset((range.start as isize).wrapping_mul(self.row_stride));
        Self { ptr, nrows: range.len(), ..*self }
    }

    /// The columns of `range`.
    ///
    /// # Panics
    /// If the range does not lie inside the columns.
    #[must_use]
    pub fn cols(&self, range: Range<usize>) -> Self {
        self.transposed().rows(range).transposed()
    }

    /// Row `i` as a slice, where columns are adjacent.
    ///
    /// # Panics
    /// If `i` is out of range.
    pub fn row(&self, i: usize) -> Option<&'a [T]> {
        assert!(i < self.nrows, "row {i} of {}", self.nrows);
        if self.col_stride != 1 && self.ncols > 1 {
            return None;
        }
        // SAFETY: row i is inside the borrowed data and its elements are adjacent (or at most one).
        Some(unsafe {
            let start =
                if self.ncols == 0 { self.ptr } else { self.ptr.offset(i as isize * self.row_stride) };
            std::slice::from_raw_parts(start, self.ncols)
        })
    }

    /// All elements as one slice in memory order, where they are contiguous in row-major or column-major order.
    pub fn as_contiguous(&self) -> Option<&'a [T]> {
        let (m, n) = (self.nrows, self.ncols);
        let rows = (n <= 1 || self.col_stride == 1) && (m <= 1 || self.row_stride == n as isize);
        let cols = (m <= 1 || self.row_stride == 1) && (n <= 1 || self.col_stride == m as isize);
        if !(rows || cols) {
            return None;
        }
        // SAFETY: the m·n elements follow one another from (0, 0).
        Some(unsafe { std::slice::from_raw_parts(self.ptr, m * n) })
    }

    /// Copies into `out`, row-major.
    ///
    /// # Panics
    /// If `out` does not hold `nrows·ncols` elements.
    pub fn copy_to(&self, out: &mut [T]) {
        assert_eq!(out.len(), self.nrows * self.ncols, "destination length");
        if self.ncols == 0 {
            return;
        }
        if self.col_stride() != 1 && self.row_stride() == 1 && self.ncols > 1 {
            return self.turn_to(out);
        }
        for (i, dst) in out.chunks_exact_mut(self.ncols).enumerate() {
            match self.row(i) {
                Some(src) => dst.copy_from_slice(src),
                None => {
                    for (j, d) in dst.iter_mut().enumerate() {
                        *d = self.at(i, j);
                    }
                }
            }
        }
    }

    /// Columns that are contiguous, by blocks that stay in registers or near: cache lines are read and written whole.
    fn turn_to(&self, out: &mut [T]) {
        const SIDE: usize = 16;
        let columns = self.transposed();
        let column = |j: usize| columns.row(j).expect("it is contiguous");
        for (first, out) in (0..self.nrows).step_by(SIDE).zip(out.chunks_mut(SIDE * self.ncols)) {
            let rows = out.len() / self.ncols;
            for left in (0..self.ncols).step_by(SIDE) {
                let cols = SIDE.min(self.ncols - left);
                let mut block = [[T::ZERO; SIDE]; SIDE];
                for j in 0..cols {
                    let column = &column(left + j)[first..first + rows];
                    match <&[T; SIDE]>::try_from(column) {
                        Ok(column) => (0..SIDE).for_each(|i| block[i][j] = column[i]),
                        Err(_) => column.iter().zip(&mut block).for_each(|(&x, line)| line[j] = x),
                    }
                }
                for (line, out) in block.iter().zip(out.chunks_exact_mut(self.ncols)) {
                    let out = &mut out[left..left + cols];
                    match <&mut [T; SIDE]>::try_from(&mut *out) {
                        Ok(out) => *out = *line,
                        Err(_) => out.copy_from_slice(&line[..cols]),
                    }
                }
            }
        }
    }
}

impl<T: Real> fmt::Debug for View<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("nrows", &self.nrows)
            .field("ncols", &self.ncols)
            .field("row_stride", &self.row_stride)
            .field("col_stride", &self.col_stride)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strides_out_of_the_slice_are_refused() {
        let d = [0.0_f64; 6];
        assert!(View::row_major(&d, 2, 3).is_ok());
        assert!(View::row_major(&d, 2, 2).is_err());
        assert!(View::row_major(&d, usize::MAX, 2).is_err());
        assert!(View::strided(&d, 0, 2, 3, 3, 1).is_ok());
        assert!(View::strided(&d, 1, 2, 3, 3, 1).is_err());
        assert!(View::strided(&d, 0, 2, 3, -3, 1).is_err());
        assert!(View::strided(&d, 3, 2, 3, -3, 1).is_ok());
        assert!(View::strided(&d, 5, 2, 3, -3, -1).is_ok());
        assert!(View::strided(&d, 0, usize::MAX, 2, isize::MAX, isize::MAX).is_err());
        let far = (usize::MAX, isize::MAX, isize::MIN);
        assert!(View::strided(&d, 0, far.0, far.0, far.1, far.1).is_err());
        assert!(View::strided(&d, 5, far.0, far.0, far.2, far.2).is_err());
        assert!(View::strided(&d, 0, 100, 100, 0, 0).is_ok());
        assert!(View::strided(&d, 7, 0, 3, 1, 1).is_err());
    }

    #[test]
    fn sub_views_agree_with_indexing() {
        let d: Vec<f64> = (0..12).map(f64::from).collect();
        let v = View::strided(&d, 11, 3, 4, -4, -1).unwrap();
        assert_eq!(v.at(0, 0), 11.0);
        let s = v.rows(1..3).cols(2..4);
        assert_eq!(s.at(0, 0), v.at(1, 2));
        assert_eq!(s.at(1, 1), v.at(2, 3));
        assert_eq!(v.rows(3..3).nrows(), 0);
        let mut out = [0.0; 12];
        v.copy_to(&mut out);
        assert_eq!(out[5], v.at(1, 1));
        assert!(v.as_contiguous().is_none());
    }

    #[test]
    fn copies_are_row_major_whatever_the_strides() {
        let d: Vec<f64> = (0..7000).map(f64::from).collect();
        for (rows, cols) in [(1, 1), (1, 40), (40, 1), (15, 17), (16, 16), (33, 47), (48, 2), (3, 64)] {
            for (by_row, by_col) in [(1, 100), (1, rows as isize), (100, 1), (2, 90)] {
                let v = View::strided(&d, 3, rows, cols, by_row, by_col).unwrap();
                let mut out = vec![-1.0; rows * cols];
                v.copy_to(&mut out);
                for (at, x) in out.iter().enumerate() {
                    assert_eq!(*x, v.at(at / cols, at % cols), "{rows}×{cols} by {by_row}, {by_col} at {at}");
                }
            }
        }
    }
}
