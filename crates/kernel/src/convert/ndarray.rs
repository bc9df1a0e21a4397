//! ndarray: `Array2`.

use ndarray::Array2;

use crate::{Dense, Real};

/// Takes the elements over.
///
/// ```
/// use ndarray::{Array2, array};
/// use orthant_kernel::Dense;
/// let a: Array2<f64> = Dense::from_fn(2, 3, |i, j| (3 * i + j) as f64).into();
/// assert_eq!(a, array![[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]);
/// ```
impl<T: Real> From<Dense<T>> for Array2<T> {
    fn from(x: Dense<T>) -> Self {
        let shape = (x.nrows(), x.ncols());
        Self::from_shape_vec(shape, x.into_vec()).expect("nrows·ncols elements")
    }
}

/// Takes the elements over where they follow one another by rows, with nothing before or after them, and copies them otherwise.
///
/// ```
/// use ndarray::array;
/// use orthant_kernel::Dense;
/// let a: Dense<f32> = array![[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]].into();
/// assert_eq!(a.row(1), [3.0, 4.0, 5.0]);
/// let turned = Dense::from(array![[0.0, 1.0, 2.0], [3.0, 4.0, 5.0_f32]].reversed_axes());
/// assert_eq!(turned.row(1), [1.0, 4.0]);
/// ```
impl<T: Real> From<Array2<T>> for Dense<T> {
    fn from(a: Array2<T>) -> Self {
        let (m, n) = a.dim();
        let data = if a.is_standard_layout() {
            let (mut data, first) = a.into_raw_vec_and_offset();
            let first = first.unwrap_or(0);
            data.truncate(first + m * n);
            data.drain(..first);
            data
        } else {
            a.iter().copied().collect()
        };
        Self::from_vec(data, m, n).expect("m·n elements")
    }
}
