//! sprs: `CsMat`, its views and all others of any index type, by rows and by columns in.

use std::borrow::Cow;
use std::ops::Deref;

use orthant_kernel::{Csc, Csr, Indices, Indptr, Real, Values};
use sprs::{CsMatBase, SpIndex};

use crate::{Error, Matrix, ToMatrix};

impl<T, I, S, N, V> ToMatrix<T> for CsMatBase<T, I, S, N, V>
where
    T: Real,
    I: SpIndex,
    S: Deref<Target = [I]>,
    N: Deref<Target = [I]>,
    V: Deref<Target = [T]>,
    for<'a> Indptr<'a>: From<&'a [I]>,
    for<'a> Indices<'a>: From<&'a [I]>,
{
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        let indptr = match self.proper_indptr() {
            Cow::Borrowed(indptr) => Indptr::from(indptr),
            // a slice of rows begins at 0 again
            Cow::Owned(indptr) => {
                let indptr: Vec<usize> = indptr.iter().map(|i| i.index()).collect();
                <Indptr<'_> as From<Vec<usize>>>::from(indptr)
            }
        };
        let (indices, values) = (self.indices(), Values::real(self.data()));
        Ok(if self.is_csr() {
            Matrix::Csr(Csr::new(self.rows(), self.cols(), indptr, indices, values)?)
        } else {
            Matrix::Csc(Csc::new(self.rows(), self.cols(), indptr, indices, values)?)
        })
    }
}
