//! faer: `Mat` and `MatRef` of any strides, and sparse matrices by rows and by columns in, `Mat` out.

use faer::Index;
use faer::sparse::{SparseColMat, SparseColMatRef, SparseRowMat, SparseRowMatRef};
use faer::{Mat, MatRef};
use orthant_kernel::{Csc, Csr, Dense, Indices, Indptr, Real, Values, View};

use crate::{Error, FromDense, Matrix, ToMatrix, ToView};

impl<T: Real> ToView<T> for MatRef<'_, T> {
    fn to_view(&self) -> View<'_, T> {
        // SAFETY: a `MatRef` is a shared borrow of elements at these strides, for at least as long as `self`.
        unsafe {
            let (r, c) = (self.row_stride(), self.col_stride());
            View::from_raw_parts(self.as_ptr(), self.nrows(), self.ncols(), r, c)
        }
    }
}

impl<T: Real> ToView<T> for Mat<T> {
    fn to_view(&self) -> View<'_, T> {
        let m = self.as_ref();
        // SAFETY: as above, for the borrow of `self`.
        unsafe { View::from_raw_parts(m.as_ptr(), m.nrows(), m.ncols(), m.row_stride(), m.col_stride()) }
    }
}

impl<T: Real> FromDense<T> for Mat<T> {
    fn from_dense(x: Dense<T>) -> Self {
        x.into()
    }
}

impl<T: Real> ToMatrix<T> for MatRef<'_, T> {
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        Ok(Matrix::Dense(self.to_view()))
    }
}

impl<T: Real> ToMatrix<T> for Mat<T> {
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        Ok(Matrix::Dense(self.to_view()))
    }
}

/// The lines of a sparse matrix, which are copied only if there is room between them.
fn lines<'a, T: Real, I: Index>(
    (count, length): (usize, usize),
    starts: &'a [I],
    counts: Option<&[I]>,
    indices: &'a [I],
    values: &'a [T],
) -> Result<Csr<'a, T>, Error>
where
    Indptr<'a>: From<&'a [I]>,
    Indices<'a>: From<&'a [I]>,
{
    let Some(counts) = counts else {
        return Ok(Csr::new(count, length, starts, indices, Values::real(values))?);
    };
    let (mut indptr, mut columns, mut entries) = (vec![0], Vec::<u32>::new(), Vec::new());
    for (start, count) in starts.iter().zip(counts) {
        let range = start.zx()..start.zx() + count.zx();
        columns.extend(indices[range.clone()].iter().map(|i| i.zx() as u32));
        entries.extend_from_slice(&values[range]);
        indptr.push(columns.len());
    }
    Ok(Csr::new(count, length, indptr, columns, Values::from(entries))?)
}

impl<T: Real, I: Index> ToMatrix<T> for SparseRowMatRef<'_, I, T>
where
    for<'a> Indptr<'a>: From<&'a [I]>,
    for<'a> Indices<'a>: From<&'a [I]>,
{
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        let s = self.symbolic();
        let shape = (s.nrows(), s.ncols());
        Ok(Matrix::Csr(lines(shape, s.row_ptr(), s.row_nnz(), s.col_idx(), self.val())?))
    }
}

impl<T: Real, I: Index> ToMatrix<T> for SparseColMatRef<'_, I, T>
where
    for<'a> Indptr<'a>: From<&'a [I]>,
    for<'a> Indices<'a>: From<&'a [I]>,
{
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        let s = self.symbolic();
        let shape = (s.ncols(), s.nrows());
        let columns = lines(shape, s.col_ptr(), s.col_nnz(), s.row_idx(), self.val())?;
        Ok(Matrix::Csc(Csc::of_transposed(columns)))
    }
}

impl<T: Real, I: Index> ToMatrix<T> for SparseRowMat<I, T>
where
    for<'a> Indptr<'a>: From<&'a [I]>,
    for<'a> Indices<'a>: From<&'a [I]>,
{
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        let s = self.symbolic();
        let shape = (s.nrows(), s.ncols());
        Ok(Matrix::Csr(lines(shape, s.row_ptr(), s.row_nnz(), s.col_idx(), self.val())?))
    }
}

impl<T: Real, I: Index> ToMatrix<T> for SparseColMat<I, T>
where
    for<'a> Indptr<'a>: From<&'a [I]>,
    for<'a> Indices<'a>: From<&'a [I]>,
{
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        let s = self.symbolic();
        let shape = (s.ncols(), s.nrows());
        let columns = lines(shape, s.col_ptr(), s.col_nnz(), s.row_idx(), self.val())?;
        Ok(Matrix::Csc(Csc::of_transposed(columns)))
    }
}
