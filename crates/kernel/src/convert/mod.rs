//! Dense matrices into those of other libraries and back. Only the crate of [`Dense`](crate::Dense) can say so.

#[cfg(feature = "faer")]
mod faer;
#[cfg(feature = "nalgebra")]
mod nalgebra;
#[cfg(feature = "ndarray")]
mod ndarray;
