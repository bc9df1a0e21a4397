//! faer: `Mat`, which lies by columns.

use faer::Mat;

use crate::{Dense, Real};

/// Copies the elements.
///
/// ```
/// use faer::{Mat, mat};
/// use orthant_kernel::Dense;
/// let a: Mat<f64> = Dense::from_fn(2, 3, |i, j| (3 * i + j) as f64).into();
/// assert_eq!(a, mat![[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]);
/// ```
impl<T: Real> From<Dense<T>> for Mat<T> {
    fn from(x: Dense<T>) -> Self {
        Self::from_fn(x.nrows(), x.ncols(), |i, j| x[(i, j)])
    }
}

/// Copies the elements.
///
/// ```
/// use faer::mat;
/// use orthant_kernel::Dense;
/// let a: Dense<f64> = mat![[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]].into();
/// assert_eq!(a.row(1), [3.0, 4.0, 5.0]);
/// ```
impl<T: Real> From<Mat<T>> for Dense<T> {
    fn from(a: Mat<T>) -> Self {
        Self::from_fn(a.nrows(), a.ncols(), |i, j| a[(i, j)])
    }
}
