//! Factorisation by mini-batches of rows: scikit-learn's `MiniBatchNMF`, for data that comes in parts or is too much to
//! read many times.
//!
//! # Problem
//! min Σ d_β(V | WH) + penalties as for the other methods, W and H ≥ 0, from `batch_size` rows of V at a time.
//!
//! # Update
//! ```text
//! for each batch V_b, in order and over again
//!     W_b ← one multiplicative step, or with fresh restarts as many as it takes from a constant
//!     N, D = (V_b∘P^(β−2))ᵀW_b, P^(β−1)ᵀW_b                 P = W_b H
//!     A ← ρA + N∘H^(1/γ);   B ← ρB + D + l1 + l2·H          ρ = forget_factor^(batch_size/m)
//!     H ← (A/B)^γ
//! ```
//!
//! # Cost
//! A step costs 8 flops (β = 1) or 12 for each entry of the batch and component, and A and B, n×k each.
//!
//! # Guarantees
//! None for a single step. With one batch and a forget factor of 0 it is the multiplicative update.
//!
//! # Stopping
//! From the second step on: ‖H − H_before‖ ≤ tol·‖H‖; or the exponentially weighted average of the batches' costs has
//! not fallen for `max_no_improvement` steps.
//!
//! # Parity
//! `sklearn.decomposition.MiniBatchNMF` of scikit-learn 1.9, to rounding. Known difference: a batch that is all zero
//! leaves A and B as they are.
//!
//! # References
//! Lefèvre, Bach & Févotte, Online algorithms for nonnegative matrix factorization with the Itakura–Saito divergence,
//! WASPAA 2011, doi:10.1109/ASPAA.2011.6082314. Serizel, Essid & Richard, Mini-batch stochastic approaches for
//! accelerated multiplicative updates in nonnegative matrix factorisation with beta-divergence, MLSP 2016,
//! doi:10.1109/MLSP.2016.7738818.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use orthant_kernel::Dense;

use crate::available;
use crate::cancel::Halt;
use crate::choice::across;
use crate::clock::Instant;
use crate::nmf::given;
use crate::observe::{Iteration, Observer};
use crate::random::{Generator, RandomState};
use crate::report::{Report, StopReason};
use crate::shape::Shape;
use crate::{
    BatchOptions, Cancel, Checkpoint, Error, Init, InitKind, Loss, Matrix, Method, Model, Options, Penalty,
    Real, ToMatrix, check, scan, threads,
};

use batch::Data;
pub use batch::Learnt;
pub use explain::BatchExplanation;
pub(crate) use explain::explain;
use fitting::Fitting;
pub use online::Online;

mod batch;
mod bytes;
mod explain;
mod fitting;
mod online;
mod pass;

/// Factorisation by mini-batches of rows, with scikit-learn's updates, stopping and numbers.
///
/// ```
/// use orthant::{Dense, Loss, MiniBatchNmf};
/// let v = Dense::from_fn(60, 12, |i, j| if (i + j) % 2 == 0 { 3.0 } else { 1.0 });
/// let fit = MiniBatchNmf::<f64>::new(2).batch_size(20).loss(Loss::KullbackLeibler).fit(&v)?;
/// assert_eq!((fit.w.nrows(), fit.model.components().ncols()), (60, 12));
/// assert!(fit.report.relative_error < 0.05);
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct MiniBatchNmf<T> {
    /// But for those of mini-batches, which stand apart.
    options: Options,
    batches: BatchOptions,
    /// The start of the kind that the options name, with its factors if these are given.
    init: Option<Init<T>>,
    random: Generator,
    cancel: Option<Cancel>,
    /// What to go on from.
    checkpoint: Option<Arc<Checkpoint>>,
}

/// A finished fit by mini-batches.
#[derive(Clone, Debug)]
pub struct MiniBatchFit<T> {
    /// W, m×k.
    pub w: Dense<T>,
    /// H (k×n) with what `transform` needs.
    pub model: Model<T>,
    /// Why it stopped, and every figure. `iterations` counts passes over V that were begun; `history` has a point for each
    /// step, with the mean cost of its batch.
    pub report: Report,
    /// Batches that were worked on.
    pub steps: usize,
    /// What [`MiniBatchNmf::resume`] goes on from; none of data that is all zero.
    pub learnt: Option<Learnt<T>>,
    /// The [generator](MiniBatchNmf::random_state), if one was given, as the fit left it.
    pub random_state: Option<RandomState>,
}

impl<T: Real> MiniBatchNmf<T> {
    /// `rank` components with scikit-learn's defaults: batches of 1024, forget factor 0.7, tolerance 1e-4, at most 200
    /// passes, and 10 steps without improvement.
    pub fn new(rank: usize) -> Self {
        Self::from_options(Options::new(rank, Method::mu(Loss::Frobenius)))
    }

    /// A fit with these options, by mini-batches of scikit-learn's size and weight unless the options have others. Only the
    /// loss and the tolerance are taken from the method and the stopping rule.
    pub fn from_options(options: Options) -> Self {
        let init = options.init.and_then(InitKind::init);
        let (batches, random) =
            (options.minibatch.clone().unwrap_or_default(), Generator::Seed(options.seed));
        Self { options, batches, init, random, cancel: None, checkpoint: None }
    }

    /// The options as they stand.
    ///
    /// ```
    /// use orthant::{BatchOptions, MiniBatchNmf};
    /// let options = MiniBatchNmf::<f64>::new(3).batch_size(50).options();
    /// assert_eq!(options.minibatch, Some(BatchOptions { batch_size: 50, ..BatchOptions::default() }));
    /// ```
    pub fn options(&self) -> Options {
        Options { minibatch: Some(self.batches.clone()), ..self.options.clone() }
    }

    /// The loss; default [`Loss::Frobenius`].
    #[must_use]
    pub fn loss(mut self, loss: Loss) -> Self {
        self.options.method = Method::mu(loss);
        self
    }

    /// Where to start; default [`Init::Nndsvda`], or [`Init::Random`] if the rank is above the smaller side of V.
    #[must_use]
    pub fn init(mut self, init: Init<T>) -> Self {
        self.options.init = Some(init.kind());
        Self { init: Some(init), ..self }
    }

    /// L1 and L2 penalties; default none. On H they are scaled by the rows of a batch.
    #[must_use]
    pub fn penalty(mut self, penalty: Penalty) -> Self {
        self.options.penalty = penalty;
        self
    }

    /// Seed of the start; default 0.
    #[must_use]
    pub fn seed(mut self, seed: u32) -> Self {
        self.options.seed = seed;
        Self { random: Generator::Seed(seed), ..self }
    }

    /// A generator that every use continues.
    #[must_use]
    pub fn random_state(self, state: RandomState) -> Self {
        Self { random: Generator::State(state), ..self }
    }

    /// Rows in a batch, at least 1; default 1024.
    #[must_use]
    pub fn batch_size(mut self, rows: usize) -> Self {
        self.batches.batch_size = rows;
        self
    }

    /// What is left of the past after a whole pass over V, from 0 to 1; default 0.7.
    #[must_use]
    pub fn forget_factor(mut self, share: f64) -> Self {
        self.batches.forget_factor = share;
        self
    }

    /// Whether each step solves for W from a constant instead of continuing; default not.
    #[must_use]
    pub fn fresh_restarts(mut self, fresh: bool) -> Self {
        self.batches.fresh_restarts = fresh;
        self
    }

    /// The most updates of W in a fresh restart, at least 1; default 30.
    #[must_use]
    pub fn fresh_restarts_max_iter(mut self, max_iter: usize) -> Self {
        self.batches.fresh_restarts_max_iter = max_iter;
        self
    }

    /// The most updates of W in [`transform`](Self::transform) and, with fresh restarts, at the end of a fit; default the
    /// limit of passes.
    #[must_use]
    pub fn transform_max_iter(mut self, max_iter: usize) -> Self {
        self.batches.transform_max_iter = Some(max_iter);
        self
    }

    /// Steps without improvement after which a fit ends; `None` for no such limit; default 10.
    #[must_use]
    pub fn max_no_improvement(mut self, steps: Option<usize>) -> Self {
        self.batches.max_no_improvement = steps;
        self
    }

    /// Tolerance on the change of H in a step, at least 0; default 1e-4.
    #[must_use]
    pub fn tol(mut self, tol: f64) -> Self {
        self.options.tol = Some(tol);
        self
    }

    /// The most passes over V, at least 1; default 200.
    #[must_use]
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.options.max_iter = max_iter;
        self
    }

    /// Time limit of fits, as [`Nmf::max_time`](crate::Nmf::max_time) has it, with a step for an iteration.
    #[must_use]
    pub fn max_time(mut self, limit: Duration) -> Self {
        self.options.max_time = Some(limit);
        self
    }

    /// Threads, at least 1. The default is the rayon pool that the call runs in. The result is the same to the bit on
    /// any number.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.options.threads = Some(threads);
        self
    }

    /// A flag that ends the fit after its current step.
    #[must_use]
    pub fn cancel(self, cancel: &Cancel) -> Self {
        Self { cancel: Some(cancel.clone()), ..self }
    }

    /// Goes on from where an earlier fit of the same data with the same options stood, as [`Nmf::checkpoint`](crate::Nmf::checkpoint)
    /// does. What was learnt from batches that came one by one is gone on from by [`resume`](Self::resume).
    #[must_use]
    pub fn checkpoint(self, checkpoint: Checkpoint) -> Self {
        Self { checkpoint: Some(Arc::new(checkpoint)), ..self }
    }

    /// The most bytes that a fit may take besides V; the factors are among them.
    #[must_use]
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.options.memory_limit = Some(bytes);
        self
    }

    /// The bytes that [`fit`](Self::fit) takes besides `v`, at most, the factors with them.
    ///
    /// ```
    /// use orthant::{Dense, MiniBatchNmf};
    /// let v = Dense::<f32>::zeros(3000, 50);
    /// assert!(MiniBatchNmf::new(4).working_bytes(&v)? > (3000 + 50) * 4 * size_of::<f32>());
    /// # Ok::<(), orthant::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`fit`](Self::fit), for options and shapes.
    pub fn working_bytes(&self, v: &impl ToMatrix<T>) -> Result<usize, Error> {
        T::batches_bytes(self, &v.to_matrix()?)
    }

    /// Factorises `v`, which is not copied.
    ///
    /// # Errors
    /// As [`Nmf::fit`](crate::Nmf::fit).
    pub fn fit(&self, v: &impl ToMatrix<T>) -> Result<MiniBatchFit<T>, Error> {
        self.fit_observed(v, &mut |_: &Iteration<'_, T>| ControlFlow::<StopReason>::Continue(()))
    }

    /// The same, showing every step to `observer`: its number, the objective and error of its batch, and the factors.
    ///
    /// # Errors
    /// As [`fit`](Self::fit); a panic in the observer is [`Error::Panicked`].
    pub fn fit_observed(
        &self,
        v: &impl ToMatrix<T>,
        observer: &mut (impl Observer<T> + Send),
    ) -> Result<MiniBatchFit<T>, Error> {
        let began = Instant::now();
        T::fit_batches(self, &v.to_matrix()?, observer, began)
    }

    /// W (m×k) for new rows with H (k×n) as it is: what scikit-learn's `MiniBatchNMF.transform` does. Multiplicative
    /// updates of all rows together from a constant, until W moves by no more than the tolerance.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and [`Error::ShapeMismatch`] for another number of columns or components.
    pub fn transform(&self, v: &impl ToMatrix<T>, h: &Dense<T>) -> Result<Dense<T>, Error> {
        T::transform_batches(self, &v.to_matrix()?, h)
    }

    /// Learning from batches as they come: [`Online::partial_fit`].
    ///
    /// # Errors
    /// [`Error`] for an option outside its range.
    pub fn online(&self) -> Result<Online<T>, Error> {
        self.check()?;
        Ok(Online::new(self.clone()))
    }

    /// The same, going on from what was learnt before, by a fit or from batches.
    ///
    /// ```
    /// use orthant::{Dense, MiniBatchNmf};
    /// let v = Dense::from_fn(40, 8, |i, j| ((i % 3) * (j % 2) + j) as f64);
    /// let nmf = MiniBatchNmf::<f64>::new(2).batch_size(10).max_iter(2);
    /// let fit = nmf.fit(&v)?;
    /// let mut online = nmf.resume(&fit.learnt.unwrap())?;
    /// online.partial_fit(&v)?;
    /// assert_eq!(online.steps(), fit.steps + 1);
    /// # Ok::<(), orthant::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error`] for an option outside its range, or parts of other shapes than k×n or with entries that are no factors'.
    pub fn resume(&self, learnt: &Learnt<T>) -> Result<Online<T>, Error> {
        self.check()?;
        Online::resumed(self.clone(), learnt)
    }

    fn check(&self) -> Result<(), Error> {
        self.options.check_batches(&self.batches)?;
        given(&self.options, self.init.as_ref())
    }

    /// What ends a call that is no fit, and has no limit of time.
    fn halt(&self) -> Halt {
        Halt::new(Instant::now(), self.cancel.as_ref(), None)
    }

    fn loss_function(&self) -> Loss {
        self.options.method.loss
    }

    /// The share of the past that a batch of this many rows of `m` leaves.
    fn rho(&self, m: usize) -> f64 {
        self.batches.forget_factor.powf(self.batches.batch_size.min(m) as f64 / m as f64)
    }
}

pub(crate) fn fit<T: Real>(
    nmf: &MiniBatchNmf<T>,
    v: &Matrix<'_, T>,
    observer: &mut (dyn Observer<T> + Send),
    began: Instant,
) -> Result<MiniBatchFit<T>, Error> {
    nmf.check()?;
    check::has_rows(v, "mini-batches of columns")?;
    available::check(working_bytes(nmf, v)?, nmf.options.memory_limit)?;
    // sparse columns are copied to have rows
    let v = &threads::caught(|| Ok(v.with_rows()))?;
    let halt = Halt::new(began, nmf.cancel.as_ref(), nmf.options.max_time);
    let (out, used) = threads::on(nmf.options.threads, |workers| {
        Fitting::new(nmf, v, workers, halt)?.run(observer, began)
    })?;
    let mut fit = out?;
    fit.report.warnings.extend(threads::clamped(nmf.options.threads, used));
    fit.report.seconds_total += began.elapsed().as_secs_f64();
    Ok(fit)
}

/// The peak of what a fit by mini-batches takes beside V.
pub(crate) fn working_bytes<T: Real>(nmf: &MiniBatchNmf<T>, v: &Matrix<'_, T>) -> Result<usize, Error> {
    nmf.check()?;
    let k = nmf.options.rank;
    check::sizes::<T>(v.nrows(), v.ncols(), k)?;
    let shape = Shape::of(v);
    let shape = if v.nnz().is_some() && shape.by_columns {
        across(shape, v, nmf.options.memory_limit)
    } else {
        shape
    };
    Ok(bytes::of_fit::<T>(&nmf.options, &nmf.batches, &shape, threads::used(nmf.options.threads)))
}

pub(crate) fn transform<T: Real>(
    nmf: &MiniBatchNmf<T>,
    v: &Matrix<'_, T>,
    h: &Dense<T>,
) -> Result<Dense<T>, Error> {
    nmf.check()?;
    check::has_rows(v, "transform of columns")?;
    let v = &threads::caught(|| Ok(v.with_rows()))?;
    let (m, k) = (v.nrows(), nmf.options.rank);
    let (expected, found) = ((k, v.ncols()), (h.nrows(), h.ncols()));
    if found != expected {
        return Err(Error::ShapeMismatch { operand: "H", expected, found });
    }
    scan::entries("H", h.view())?;
    threads::on(nmf.options.threads, |workers| {
        let data = Data::new(nmf, v, None, workers, nmf.halt())?;
        if data.found.max == 0.0 {
            return Ok(Dense::zeros(m, k));
        }
        let ht = data.to_scaled(h.transposed().into_vec());
        let w = data.solve_w(v, &ht, nmf.batches.transform_max_iter.unwrap_or(nmf.options.max_iter))?;
        Ok(Dense::from_vec(data.to_user(w), m, k)?)
    })?
    .0
}
