//! nalgebra: matrices, views and slices of any size and strides in, `DMatrix` out.

use nalgebra::{DMatrix, Dim, RawStorage};
use orthant_kernel::{Dense, Real, View};

use crate::{Error, FromDense, Matrix, ToMatrix, ToView};

impl<T, R, C, S> ToView<T> for nalgebra::Matrix<T, R, C, S>
where
    T: Real,
    R: Dim,
    C: Dim,
    S: RawStorage<T, R, C>,
{
    fn to_view(&self) -> View<'_, T> {
        let (nrows, ncols) = self.shape();
        let (r, c) = self.strides();
        // SAFETY: a storage holds its elements at these strides from its pointer on, borrowed with `self`.
        unsafe { View::from_raw_parts(self.as_ptr(), nrows, ncols, r as isize, c as isize) }
    }
}

impl<T: Real> FromDense<T> for DMatrix<T> {
    fn from_dense(x: Dense<T>) -> Self {
        x.into()
    }
}

impl<T, R, C, S> ToMatrix<T> for nalgebra::Matrix<T, R, C, S>
where
    T: Real,
    R: Dim,
    C: Dim,
    S: RawStorage<T, R, C>,
{
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        Ok(Matrix::Dense(self.to_view()))
    }
}
