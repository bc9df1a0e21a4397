//! What can be looked at as a dense matrix without a copy, and what results can become.

use orthant_kernel::{Dense, Real, View};

/// A matrix that can be looked at as a [`View`], whatever its layout: a factor for
/// [`Model::inverse_transform`](crate::Model::inverse_transform). Data to factorise is any [`ToMatrix`](crate::ToMatrix).
///
/// Implemented for [`View`], [`Dense`] and, with the features of those names, for the matrices and views of
/// faer, nalgebra and ndarray. For a plain slice, make a [`View`] with its extents and strides.
pub trait ToView<T: Real> {
    /// A view of all elements.
    fn to_view(&self) -> View<'_, T>;
}

impl<T: Real> ToView<T> for View<'_, T> {
    fn to_view(&self) -> View<'_, T> {
        *self
    }
}

impl<T: Real> ToView<T> for Dense<T> {
    fn to_view(&self) -> View<'_, T> {
        self.view()
    }
}

impl<T: Real, M: ToView<T> + ?Sized> ToView<T> for &M {
    fn to_view(&self) -> View<'_, T> {
        (**self).to_view()
    }
}

/// A matrix of another library, made of a result.
///
/// Implemented, with the features of those names, for faer's `Mat`, nalgebra's `DMatrix` (copies, column-major) and
/// ndarray's `Array2` (takes the elements over). `.into()` does the same, and makes a [`Dense`] of each of them too.
pub trait FromDense<T: Real> {
    /// The same matrix in the library's own layout.
    fn from_dense(x: Dense<T>) -> Self;
}
