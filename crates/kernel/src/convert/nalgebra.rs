//! nalgebra: `DMatrix`, which lies by columns.

use nalgebra::DMatrix;

use crate::{Dense, Real};

/// Copies the elements.
///
/// ```
/// use nalgebra::DMatrix;
/// use orthant_kernel::Dense;
/// let a: DMatrix<f64> = Dense::from_fn(2, 3, |i, j| (3 * i + j) as f64).into();
/// assert_eq!(a, DMatrix::from_row_slice(2, 3, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
/// ```
impl<T: Real> From<Dense<T>> for DMatrix<T> {
    fn from(x: Dense<T>) -> Self {
        Self::from_row_slice(x.nrows(), x.ncols(), x.as_slice())
    }
}

/// Copies the elements.
///
/// ```
/// use nalgebra::DMatrix;
/// use orthant_kernel::Dense;
/// let a: Dense<f64> = DMatrix::from_row_slice(2, 3, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]).into();
/// assert_eq!(a.row(1), [3.0, 4.0, 5.0]);
/// ```
impl<T: Real> From<DMatrix<T>> for Dense<T> {
    fn from(a: DMatrix<T>) -> Self {
        Self::from_fn(a.nrows(), a.ncols(), |i, j| a[(i, j)])
    }
}
