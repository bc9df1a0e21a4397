//! One matrix in many memory layouts.

use orthant::{Dense, Real, ToView, View};

/// How a matrix lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Rows one after another.
    RowMajor,
    /// Columns one after another.
    ColMajor,
    /// Row-major with a gap after every row.
    PaddedRows,
    /// Column-major with a gap after every column.
    PaddedCols,
    /// Row-major, the last row first in memory.
    RowsReversed,
    /// Row-major, everything backwards.
    BothReversed,
    /// Column-major, everything backwards.
    ColsReversed,
    /// Neither rows nor columns adjacent: every second element of every second row.
    EverySecond,
}

/// Every layout.
pub const ALL: [Layout; 8] = [
    Layout::RowMajor,
    Layout::ColMajor,
    Layout::PaddedRows,
    Layout::PaddedCols,
    Layout::RowsReversed,
    Layout::BothReversed,
    Layout::ColsReversed,
    Layout::EverySecond,
];

/// A matrix stored in some layout. Elements in the gaps are NaN, so that one that is read shows.
#[derive(Clone, Debug)]
pub struct Stored<T> {
    data: Vec<T>,
    offset: usize,
    nrows: usize,
    ncols: usize,
    row_stride: isize,
    col_stride: isize,
}

impl<T: Real> Stored<T> {
    /// Stores a copy of `a`.
    pub fn new(a: &Dense<T>, layout: Layout) -> Self {
        let (m, n) = (a.nrows() as isize, a.ncols() as isize);
        let (row_stride, col_stride) = match layout {
            Layout::RowMajor => (n, 1),
            Layout::ColMajor => (1, m),
            Layout::PaddedRows => (n + 3, 1),
            Layout::PaddedCols => (1, m + 5),
            Layout::RowsReversed => (-n, 1),
            Layout::BothReversed => (-n, -1),
            Layout::ColsReversed => (-1, -m),
            Layout::EverySecond => (4 * n, 2),
        };
        let back = |count: isize, stride: isize| if stride < 0 { (count - 1).max(0) * -stride } else { 0 };
        let reach = |count: isize, stride: isize| (count - 1).max(0) * stride.abs();
        let offset = (back(m, row_stride) + back(n, col_stride)) as usize;
        let len = (reach(m, row_stride) + reach(n, col_stride) + 1) as usize;
        let mut data = vec![T::from_f64(f64::NAN); len];
        for i in 0..a.nrows() {
            for j in 0..a.ncols() {
                let at = offset as isize + i as isize * row_stride + j as isize * col_stride;
                data[at as usize] = a[(i, j)];
            }
        }
        Self { data, offset, nrows: a.nrows(), ncols: a.ncols(), row_stride, col_stride }
    }

    /// The whole buffer, gaps included.
    pub fn buffer(&self) -> &[T] {
        &self.data
    }
}

impl<T: Real> ToView<T> for Stored<T> {
    fn to_view(&self) -> View<'_, T> {
        View::strided(&self.data, self.offset, self.nrows, self.ncols, self.row_stride, self.col_stride)
            .expect("the buffer was made for these strides")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_holds_the_same_matrix() {
        for (m, n) in [(3, 4), (1, 5), (5, 1), (1, 1)] {
            let a = Dense::from_fn(m, n, |i, j| (10 * i + j) as f64);
            for layout in ALL {
                assert_eq!(Dense::copy_of(Stored::new(&a, layout).to_view()), a, "{layout:?}");
            }
        }
    }
}
