//! The two types of numbers, and the solvers compiled for each.
//!
//! rustc compiles generic code in the crate that uses it. If the solvers were generic up to the public methods, every
//! program, test and benchmark would compile all of them again. [`Engine`] ends that: its two implementations are not
//! generic, so that the solvers are compiled once for each precision, with this crate, and others link them.
//! A public method that does more than set an option goes through it.

use orthant_kernel::{Dense, View, gemm};

use crate::clock::Instant;
use crate::minibatch::{BatchExplanation, MiniBatchFit, MiniBatchNmf, Online};
use crate::nmf::{Fit, Nmf};
use crate::{Error, Explanation, Matrix, Model, Observer, Transform, TransformReport};
use crate::{explain, fit, minibatch, scan, threads, transform};

/// A real number type with solvers: `f32` or `f64`.
///
/// Sealed: the kernels are written for these two, and the solvers are compiled for both within this crate, not in the
/// crates that use it. What one can compute with is in [`orthant_kernel::Real`].
///
/// ```
/// use orthant::{Dense, Error, Nmf, Real};
/// fn rank_one_error<T: Real>(v: &Dense<T>) -> Result<f64, Error> {
///     Ok(Nmf::new(1).fit(v)?.report.relative_error)
/// }
/// assert!(rank_one_error(&Dense::from_fn(4, 3, |i, j| (i * j) as f32))? < 1e-3);
/// assert!(rank_one_error(&Dense::from_fn(4, 3, |i, j| (i * j) as f64))? < 1e-6);
/// # Ok::<(), Error>(())
/// ```
pub trait Real: orthant_kernel::Real + Engine {}

impl Real for f32 {}
impl Real for f64 {}

/// The entry points of the solvers. Nobody outside this crate can name it.
pub trait Engine: Sized {
    /// [`Nmf::fit_observed`], and with H given [`Nmf::fit_weights_observed`].
    fn fit(
        options: &Nmf<Self>,
        v: &Matrix<'_, Self>,
        given: Option<&Dense<Self>>,
        observer: &mut (dyn Observer<Self> + Send),
    ) -> Result<Fit<Self>, Error>
    where
        Self: Real;

    /// [`Nmf::init_factors`].
    fn init_factors(options: &Nmf<Self>, v: &Matrix<'_, Self>) -> Result<(Dense<Self>, Dense<Self>), Error>
    where
        Self: Real;

    /// [`Nmf::explain`].
    fn explain(options: &Nmf<Self>, v: &Matrix<'_, Self>) -> Result<Explanation, Error>
    where
        Self: Real;

    /// [`Model::transform_with`].
    fn transform(
        model: &Model<Self>,
        v: &Matrix<'_, Self>,
        options: &Transform,
    ) -> Result<(Dense<Self>, TransformReport), Error>
    where
        Self: Real;

    /// [`Model::working_bytes`], of data with as many columns.
    fn transform_bytes(model: &Model<Self>, v: &Matrix<'_, Self>, options: &Transform) -> usize
    where
        Self: Real;

    /// [`MiniBatchNmf::working_bytes`].
    fn batches_bytes(options: &MiniBatchNmf<Self>, v: &Matrix<'_, Self>) -> Result<usize, Error>
    where
        Self: Real;

    /// [`MiniBatchNmf::explain`].
    fn explain_batches(options: &MiniBatchNmf<Self>, v: &Matrix<'_, Self>) -> Result<BatchExplanation, Error>
    where
        Self: Real;

    /// [`Model::inverse_transform`], of matrices that fit together.
    fn product(w: View<'_, Self>, h: View<'_, Self>) -> Dense<Self>
    where
        Self: Real;

    /// Refuses the first entry that cannot be a factor's.
    fn check_entries(operand: &'static str, x: View<'_, Self>) -> Result<(), Error>
    where
        Self: Real;

    /// [`MiniBatchNmf::fit_observed`], for a call that began a moment ago.
    fn fit_batches(
        options: &MiniBatchNmf<Self>,
        v: &Matrix<'_, Self>,
        observer: &mut (dyn Observer<Self> + Send),
        began: Instant,
    ) -> Result<MiniBatchFit<Self>, Error>
    where
        Self: Real;

    /// [`MiniBatchNmf::transform`].
    fn transform_batches(
        options: &MiniBatchNmf<Self>,
        v: &Matrix<'_, Self>,
        h: &Dense<Self>,
    ) -> Result<Dense<Self>, Error>
    where
        Self: Real;

    /// [`Online::partial_fit`].
    fn partial_fit(online: &mut Online<Self>, batch: &Matrix<'_, Self>) -> Result<(), Error>
    where
        Self: Real;
}

macro_rules! compiled_for {
    ($($t:ty),*) => {$(
        impl Engine for $t {
            fn fit(
                options: &Nmf<Self>,
                v: &Matrix<'_, Self>,
                given: Option<&Dense<Self>>,
                observer: &mut (dyn Observer<Self> + Send),
            ) -> Result<Fit<Self>, Error> {
                fit::fit(options, v, given, observer)
            }

            fn init_factors(
                options: &Nmf<Self>,
                v: &Matrix<'_, Self>,
            ) -> Result<(Dense<Self>, Dense<Self>), Error> {
                fit::init_factors(options, v)
            }

            fn explain(options: &Nmf<Self>, v: &Matrix<'_, Self>) -> Result<Explanation, Error> {
                explain::explain(options, v)
            }

            fn transform(
                model: &Model<Self>,
                v: &Matrix<'_, Self>,
                options: &Transform,
            ) -> Result<(Dense<Self>, TransformReport), Error> {
                transform::transform(model, v, options)
            }

            fn transform_bytes(model: &Model<Self>, v: &Matrix<'_, Self>, options: &Transform) -> usize {
                transform::working_bytes(model, v, options, threads::used(options.threads))
            }

            fn batches_bytes(options: &MiniBatchNmf<Self>, v: &Matrix<'_, Self>) -> Result<usize, Error> {
                minibatch::working_bytes(options, v)
            }

            fn explain_batches(
                options: &MiniBatchNmf<Self>,
                v: &Matrix<'_, Self>,
            ) -> Result<BatchExplanation, Error> {
                minibatch::explain(options, v)
            }

            fn product(w: View<'_, Self>, h: View<'_, Self>) -> Dense<Self> {
                let mut out = Dense::zeros(w.nrows(), h.ncols());
                gemm::gemm(gemm::Backend::Rust, w, h, out.as_mut_slice(), h.ncols(), false);
                out
            }

            fn check_entries(operand: &'static str, x: View<'_, Self>) -> Result<(), Error> {
                scan::entries(operand, x)
            }

            fn fit_batches(
                options: &MiniBatchNmf<Self>,
                v: &Matrix<'_, Self>,
                observer: &mut (dyn Observer<Self> + Send),
                began: Instant,
            ) -> Result<MiniBatchFit<Self>, Error> {
                minibatch::fit(options, v, observer, began)
            }

            fn transform_batches(
                options: &MiniBatchNmf<Self>,
                v: &Matrix<'_, Self>,
                h: &Dense<Self>,
            ) -> Result<Dense<Self>, Error> {
                minibatch::transform(options, v, h)
            }

            fn partial_fit(online: &mut Online<Self>, batch: &Matrix<'_, Self>) -> Result<(), Error> {
                online.learn(batch)
            }
        }
    )*};
}

compiled_for!(f32, f64);
