//! Data: a dense or a sparse matrix, borrowed.

use std::ops::Range;

use orthant_kernel::{Csc, Csr, Dense, Real, View};

use crate::lines::{DenseLines, SparseLines};
use crate::out_of_core::OutOfCore;
use crate::{Error, ToView};

/// What is factorised: V, m×n, samples in rows. It borrows its elements, or its entries, or what reads them.
///
/// ```
/// use orthant::{Csr, Matrix, Nmf};
/// let v = Csr::<f64>::new(2, 3, &[0_usize, 2, 3][..], &[0_u32, 2, 1][..], &[1.0, 2.0, 3.0][..])?;
/// let matrix = Matrix::Csr(v);
/// assert_eq!((matrix.nrows(), matrix.ncols(), matrix.nnz()), (2, 3, Some(3)));
/// assert!(Nmf::new(2).fit(&matrix)?.report.relative_error < 1e-6);
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Debug)]
pub enum Matrix<'a, T: Real> {
    /// All elements, at any strides.
    Dense(View<'a, T>),
    /// The entries that are not 0, by rows.
    Csr(Csr<'a, T>),
    /// The entries that are not 0, by columns.
    Csc(Csc<'a, T>),
    /// All elements, or the entries that are not 0, read when they are needed.
    OutOfCore(OutOfCore<'a, T>),
}

impl<T: Real> Matrix<'_, T> {
    /// Number of rows, m.
    pub fn nrows(&self) -> usize {
        match self {
            Self::Dense(v) => v.nrows(),
            Self::Csr(v) => v.nrows(),
            Self::Csc(v) => v.nrows(),
            Self::OutOfCore(v) => v.nrows(),
        }
    }

    /// Number of columns, n.
    pub fn ncols(&self) -> usize {
        match self {
            Self::Dense(v) => v.ncols(),
            Self::Csr(v) => v.ncols(),
            Self::Csc(v) => v.ncols(),
            Self::OutOfCore(v) => v.ncols(),
        }
    }

    /// Number of entries of a sparse matrix.
    pub fn nnz(&self) -> Option<usize> {
        self.sparse_lines().map(|lines| lines.nnz())
    }

    /// Bytes of its elements, in memory or not, or of its parts.
    pub fn bytes(&self) -> usize {
        let dense = self.nrows().saturating_mul(self.ncols()).saturating_mul(size_of::<T>());
        self.sparse_lines().map_or(dense, |lines| lines.bytes())
    }

    /// The same matrix, borrowed.
    pub fn by_ref(&self) -> Matrix<'_, T> {
        match self {
            Self::Dense(v) => Matrix::Dense(*v),
            Self::Csr(v) => Matrix::Csr(v.by_ref()),
            Self::Csc(v) => Matrix::Csc(Csc::of_transposed(v.transposed().by_ref())),
            Self::OutOfCore(v) => Matrix::OutOfCore(v.clone()),
        }
    }

    /// Vᵀ, borrowed, of what is in memory.
    pub(crate) fn transposed(&self) -> Matrix<'_, T> {
        match self {
            Self::Dense(v) => Matrix::Dense(v.transposed()),
            Self::Csr(v) => Matrix::Csc(Csc::of_transposed(v.by_ref())),
            Self::Csc(v) => Matrix::Csr(v.transposed().by_ref()),
            Self::OutOfCore(_) => unreachable!("weights need data in memory"),
        }
    }

    /// Whether the columns are the closer ones in memory.
    pub(crate) fn by_columns(&self) -> bool {
        match self {
            Self::Dense(v) => {
                v.nrows() > 1
                    && v.ncols() > 1
                    && v.row_stride().unsigned_abs() < v.col_stride().unsigned_abs()
            }
            Self::Csr(_) => false,
            Self::Csc(_) => true,
            Self::OutOfCore(v) => v.by_columns(),
        }
    }

    /// The lines of a sparse matrix: the rows, or the columns where it is by columns.
    pub(crate) fn sparse_lines(&self) -> Option<SparseLines<'_, T>> {
        match self {
            Self::Dense(_) => None,
            Self::Csr(v) => Some(SparseLines::Here(v.by_ref())),
            Self::Csc(v) => Some(SparseLines::Here(v.transposed().by_ref())),
            Self::OutOfCore(v) => v.entries(),
        }
    }

    /// The lines of a dense matrix.
    pub(crate) fn dense_lines(&self) -> Option<DenseLines<'_, T>> {
        match self {
            Self::Dense(v) => Some(DenseLines::Here(if self.by_columns() { v.transposed() } else { *v })),
            Self::OutOfCore(v) if v.entries().is_none() => Some(DenseLines::OutOfCore(v.clone())),
            _ => None,
        }
    }

    /// The same matrix, of which the rows of a range can be had: sparse columns are copied.
    pub(crate) fn with_rows(&self) -> Matrix<'_, T> {
        match self {
            Self::Csc(v) => Matrix::Csr(v.to_csr()),
            _ => self.by_ref(),
        }
    }

    /// The rows of `range`, of a matrix that [has](Self::with_rows) them.
    pub(crate) fn rows(&self, range: Range<usize>) -> Matrix<'_, T> {
        match self {
            Self::Dense(v) => Matrix::Dense(v.rows(range)),
            Self::Csr(v) => Matrix::Csr(v.rows(range)),
            Self::Csc(_) => unreachable!("rows were copied first"),
            Self::OutOfCore(v) => Matrix::OutOfCore(v.part(range)),
        }
    }

    /// All elements times `scale`, those that are 0 included.
    ///
    /// # Errors
    /// Whatever keeps them from being read.
    pub(crate) fn to_dense(&self, scale: T) -> Result<Dense<T>, Error> {
        let mut out = match self {
            Self::Dense(v) => Dense::copy_of(*v),
            Self::Csr(v) => v.to_dense(),
            Self::Csc(v) => v.to_dense(),
            Self::OutOfCore(v) => {
                let lines = match v.entries() {
                    Some(lines) => lines.to_dense()?,
                    None => DenseLines::OutOfCore(v.clone()).to_dense()?,
                };
                if v.by_columns() { lines.transposed() } else { lines }
            }
        };
        out.as_mut_slice().iter_mut().for_each(|x| *x *= scale);
        Ok(out)
    }
}

/// A matrix that can be looked at as a [`Matrix`] without a copy.
///
/// Implemented for [`Matrix`], [`View`], [`Dense`], [`Csr`] and [`Csc`] and, with the features of those names, for the
/// matrices and views of faer (dense and sparse), nalgebra, nalgebra-sparse, ndarray and sprs.
pub trait ToMatrix<T: Real> {
    /// The matrix, borrowed.
    ///
    /// # Errors
    /// [`Error::CorruptSparse`] for a sparse matrix whose parts are none.
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error>;
}

impl<T: Real> ToMatrix<T> for Matrix<'_, T> {
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        Ok(self.by_ref())
    }
}

impl<T: Real> ToMatrix<T> for View<'_, T> {
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        Ok(Matrix::Dense(*self))
    }
}

impl<T: Real> ToMatrix<T> for Dense<T> {
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        Ok(Matrix::Dense(self.to_view()))
    }
}

impl<T: Real> ToMatrix<T> for Csr<'_, T> {
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        Ok(Matrix::Csr(self.by_ref()))
    }
}

impl<T: Real> ToMatrix<T> for Csc<'_, T> {
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        Ok(Matrix::Csc(Csc::of_transposed(self.transposed().by_ref())))
    }
}

impl<T: Real, M: ToMatrix<T> + ?Sized> ToMatrix<T> for &M {
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        (**self).to_matrix()
    }
}
