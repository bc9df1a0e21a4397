//! nalgebra-sparse: `CsrMatrix` and `CscMatrix` in.

use nalgebra_sparse::{CscMatrix, CsrMatrix};
use orthant_kernel::{Csc, Csr, Real, Values};

use crate::{Error, Matrix, ToMatrix};

impl<T: Real> ToMatrix<T> for CsrMatrix<T> {
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        let (indptr, indices, values) = self.csr_data();
        Ok(Matrix::Csr(Csr::new(self.nrows(), self.ncols(), indptr, indices, Values::real(values))?))
    }
}

impl<T: Real> ToMatrix<T> for CscMatrix<T> {
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        let (indptr, indices, values) = self.csc_data();
        Ok(Matrix::Csc(Csc::new(self.nrows(), self.ncols(), indptr, indices, Values::real(values))?))
    }
}
