//! faer: `Mat` and `MatRef` of any strides in, `Mat` out.

use faer::{Mat, MatRef};
use orthant_kernel::{Dense, Real, View};

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
        Self::from_fn(x.nrows(), x.ncols(), |i, j| x[(i, j)])
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
