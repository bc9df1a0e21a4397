//! ndarray: two-dimensional arrays and views of any strides in, `Array2` out.

use ndarray::{Array2, ArrayBase, Data, Ix2};
use orthant_kernel::{Dense, Real, View};

use crate::{Error, FromDense, Matrix, ToMatrix, ToView};

impl<T: Real, S: Data<Elem = T>> ToView<T> for ArrayBase<S, Ix2> {
    fn to_view(&self) -> View<'_, T> {
        let (nrows, ncols) = self.dim();
        let strides = self.strides();
        // SAFETY: an array holds its elements at these strides from its pointer on, borrowed with `self`.
        unsafe { View::from_raw_parts(self.as_ptr(), nrows, ncols, strides[0], strides[1]) }
    }
}

impl<T: Real> FromDense<T> for Array2<T> {
    fn from_dense(x: Dense<T>) -> Self {
        x.into()
    }
}

impl<T: Real, S: Data<Elem = T>> ToMatrix<T> for ArrayBase<S, Ix2> {
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        Ok(Matrix::Dense(self.to_view()))
    }
}
