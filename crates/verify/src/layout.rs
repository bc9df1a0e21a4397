//! One matrix in many memory layouts, dense and sparse.

use orthant::{Csc, Csr, Dense, Error, Matrix, Real, ToMatrix, ToView, Values, View};

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
    /// The entries that are not 0, by rows.
    Csr,
    /// The same by columns.
    Csc,
    /// By rows with indices of 64 bits, backwards, some entries in two halves, and zeros between them.
    Untidy,
}

/// Every layout.
pub const ALL: [Layout; 11] = [
    Layout::RowMajor,
    Layout::ColMajor,
    Layout::PaddedRows,
    Layout::PaddedCols,
    Layout::RowsReversed,
    Layout::BothReversed,
    Layout::ColsReversed,
    Layout::EverySecond,
    Layout::Csr,
    Layout::Csc,
    Layout::Untidy,
];

impl Layout {
    /// Whether only entries are stored.
    pub fn is_sparse(self) -> bool {
        matches!(self, Self::Csr | Self::Csc | Self::Untidy)
    }
}

/// A matrix stored in some layout. Elements in the gaps are NaN, so that one that is read shows.
#[derive(Clone, Debug)]
pub enum Stored<T: Real> {
    /// Elements at strides.
    Strided(Strided<T>),
    /// Entries by rows.
    Csr(Csr<'static, T>),
    /// Entries by columns.
    Csc(Csc<'static, T>),
    /// Parts that are yet to be put in order.
    Parts(Parts<T>),
}

/// The parts of a sparse matrix by rows, as another library may have them.
#[derive(Clone, Debug)]
pub struct Parts<T> {
    shape: (usize, usize),
    indptr: Vec<i64>,
    indices: Vec<i64>,
    values: Vec<T>,
}

impl<T: Real> Parts<T> {
    fn new(a: &Dense<T>) -> Self {
        let half = T::from_f64(0.5);
        let (mut indptr, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
        for i in 0..a.nrows() {
            let mut rest = Vec::new();
            for (j, &x) in a.row(i).iter().enumerate().rev() {
                let (part, other) = (x * half, x - x * half);
                if (i + j) % 3 == 0 && part + other == x {
                    indices.push(j as i64);
                    values.push(part);
                    rest.push((j as i64, other));
                } else if x != T::ZERO || (i + j) % 2 == 0 {
                    indices.push(j as i64);
                    values.push(x);
                }
            }
            for (j, x) in rest {
                indices.push(j);
                values.push(x);
            }
            indptr.push(indices.len() as i64);
        }
        Self { shape: (a.nrows(), a.ncols()), indptr, indices, values }
    }

    fn matrix(&self) -> Result<Csr<'_, T>, Error> {
        let (m, n) = self.shape;
        Ok(Csr::new(m, n, &self.indptr[..], &self.indices[..], Values::real(&self.values))?)
    }
}

/// Elements at strides, in a buffer with gaps.
#[derive(Clone, Debug)]
pub struct Strided<T> {
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
        match layout {
            Layout::Csr => Self::Csr(Csr::of_dense(a)),
            Layout::Csc => Self::Csc(Csc::of_transposed(Csr::of_dense(&a.transposed()))),
            Layout::Untidy => Self::Parts(Parts::new(a)),
            _ => Self::Strided(Strided::new(a, layout)),
        }
    }

    /// The whole buffer, gaps included; of a sparse matrix the values.
    pub fn buffer(&self) -> Vec<T> {
        let all = |v: &Csr<'_, T>| {
            (0..v.nrows()).flat_map(|i| v.row(i).map(|(_, x)| x).collect::<Vec<_>>()).collect()
        };
        match self {
            Self::Strided(v) => v.data.clone(),
            Self::Csr(v) => all(v),
            Self::Csc(v) => all(v.transposed()),
            Self::Parts(v) => v.values.clone(),
        }
    }
}

impl<T: Real> ToMatrix<T> for Stored<T> {
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        match self {
            Self::Strided(v) => Ok(Matrix::Dense(v.to_view())),
            Self::Csr(v) => v.to_matrix(),
            Self::Csc(v) => v.to_matrix(),
            Self::Parts(v) => Ok(Matrix::Csr(v.matrix()?)),
        }
    }
}

impl<T: Real> Strided<T> {
    fn new(a: &Dense<T>, layout: Layout) -> Self {
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
            Layout::Csr | Layout::Csc | Layout::Untidy => unreachable!("no strides"),
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
}

impl<T: Real> ToView<T> for Strided<T> {
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
                let stored = Stored::new(&a, layout);
                let found = match stored.to_matrix().unwrap() {
                    Matrix::Dense(v) => Dense::copy_of(v),
                    Matrix::Csr(v) => v.to_dense(),
                    Matrix::Csc(v) => v.to_dense(),
                    Matrix::OutOfCore(_) => unreachable!("layouts are in memory"),
                };
                assert_eq!(found, a, "{layout:?}");
            }
        }
    }
}
