//! The front door: options, and the call that fits.

use std::time::Duration;

use orthant_kernel::{Dense, Real};

use crate::observe::{Cancel, Iteration, Observer};
use crate::{Error, Model, Penalty, Report, StopReason, ToView, fit};

/// How the factors are updated. A method carries its loss; all of these minimise ½‖V − WH‖² plus penalties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Method {
    /// Coordinate descent, one sweep over each factor an iteration: scikit-learn's `solver="cd"`, step by step.
    Cd,
    /// The same coordinate updates, several sweeps for each read of V: fewer reads to a given loss.
    Hals {
        /// Sweeps over each factor an iteration, at least 1; `None` takes as many as cost half as much again as
        /// the products, but at most 4. [`Plan::sweeps`](crate::Plan::sweeps) tells the number.
        sweeps: Option<usize>,
    },
    /// Multiplicative updates (Lee & Seung): scikit-learn's `solver="mu"` with the Frobenius loss, step by step.
    Mu,
}

/// When to stop before the iteration limit. A tolerance of 0 never does, but where nothing moves at all.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Stop {
    /// scikit-learn's for coordinate descent: Σ|projected gradient| over an iteration is at most `tol` times the
    /// first iteration's (also at once where that is 0, whatever `tol`).
    Violation {
        /// Tolerance, at least 0.
        tol: f64,
    },
    /// scikit-learn's for multiplicative updates: over 10 iterations ‖V − WH‖ fell by less than `tol` times its
    /// value at the start.
    ErrorDecrease {
        /// Tolerance, at least 0.
        tol: f64,
    },
    /// The library's own: over an iteration the objective fell by no more than `tol` times itself, *and*
    /// [`Iteration::step`], which does not change when components are rescaled, is at most √tol; or nothing but
    /// rounding is left of the loss. For CD and HALS the fall is taken as at least ½·step²·‖V‖², which rounding in
    /// the loss cannot hide.
    Progress {
        /// Tolerance, at least 0.
        tol: f64,
    },
}

impl Stop {
    /// The tolerance.
    pub fn tol(self) -> f64 {
        let (Self::Violation { tol } | Self::ErrorDecrease { tol } | Self::Progress { tol }) = self;
        tol
    }
}

/// Where the iteration starts.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Start<T> {
    /// √(mean(V)/k)·|N(0,1)|, H drawn before W, from numpy's legacy generator: the very numbers of
    /// scikit-learn's `init="random"` with the same integer seed.
    Random,
    /// Given factors, W m×k and H k×n. They are read, never changed.
    Custom {
        /// W, m×k.
        w: Dense<T>,
        /// H, k×n.
        h: Dense<T>,
    },
}

/// What multiplies V with the factors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Products {
    /// The fused kernels: V is read once an iteration.
    #[default]
    Fused,
    /// Pure-Rust gemm, block by block.
    Gemm,
    /// BLAS gemm, block by block. Needs the feature `blas` or `openblas`.
    Blas,
}

/// Non-negative matrix factorisation of V (m×n, samples in rows) into W (m×k) · H (k×n).
///
/// ```
/// use orthant::{Dense, Nmf};
/// // two parts, mixed
/// let v = Dense::from_fn(20, 12, |i, j| if (i + j) % 2 == 0 { 3.0 } else { 1.0 });
/// let fit = Nmf::<f64>::new(2).seed(1).fit(&v)?;
/// assert!(fit.report.relative_error < 1e-3);
/// assert_eq!((fit.w.nrows(), fit.w.ncols()), (20, 2));
/// assert_eq!(fit.model.components().ncols(), 12);
/// # Ok::<(), orthant::Error>(())
/// ```
///
/// [`Nmf::new`] is the library's own personality: fast to a given loss. [`Nmf::sklearn`] has the same start,
/// updates and stopping as `sklearn.decomposition.NMF(k, init="random", solver="cd")`, and its numbers.
///
/// Cost of an iteration: 4mnk flops for the products and 2(m+n)k² a sweep; V is read once, and a
/// second time where the loss is below 256·ε·‖V‖², so small that only the residual itself can tell it. Memory: V as given,
/// the factors, and the accumulators that [`Plan::accumulators`](crate::Plan::accumulators) counts.
#[derive(Clone, Debug)]
pub struct Nmf<T> {
    pub(crate) rank: usize,
    pub(crate) method: Method,
    pub(crate) start: Start<T>,
    pub(crate) penalty: Penalty,
    pub(crate) stop: Option<Stop>,
    pub(crate) tol: Option<f64>,
    pub(crate) max_iter: usize,
    pub(crate) max_time: Option<Duration>,
    pub(crate) seed: u32,
    pub(crate) threads: Option<usize>,
    pub(crate) products: Products,
    pub(crate) block: Option<usize>,
    pub(crate) cancel: Option<Cancel>,
}

/// A finished fit.
#[derive(Clone, Debug)]
pub struct Fit<T> {
    /// W, m×k: the weights of each sample.
    pub w: Dense<T>,
    /// H (k×n, the components) with what `transform` needs.
    pub model: Model<T>,
    /// Why it stopped, and every figure.
    pub report: Report,
}

impl<T: Real> Nmf<T> {
    /// `rank` components by [`Method::Hals`] until [`Stop::Progress`] at 1e-5, at most 500 iterations.
    pub fn new(rank: usize) -> Self {
        Self {
            rank,
            method: Method::Hals { sweeps: None },
            start: Start::Random,
            penalty: Penalty::default(),
            stop: None,
            tol: None,
            max_iter: 500,
            max_time: None,
            seed: 0,
            threads: None,
            products: Products::Fused,
            block: None,
            cancel: None,
        }
    }

    /// `rank` components as scikit-learn's default solver does it: [`Method::Cd`] until [`Stop::Violation`] at
    /// 1e-4, at most 200 iterations, from `init="random"`.
    ///
    /// ```
    /// use orthant::{Dense, Nmf};
    /// let x = [1.0, 1.0, 2.0, 1.0, 3.0, 1.2, 4.0, 1.0, 5.0, 0.8, 6.0, 1.0];
    /// let x = Dense::from_vec(x.to_vec(), 6, 2).unwrap();
    /// let fit = Nmf::<f64>::sklearn(2).seed(0).fit(&x)?;
    /// assert_eq!(fit.report.iterations, 30);
    /// assert!((fit.report.reconstruction_error - 0.00115993492160).abs() < 1e-13);
    /// # Ok::<(), orthant::Error>(())
    /// ```
    pub fn sklearn(rank: usize) -> Self {
        Self { max_iter: 200, ..Self::new(rank).method(Method::Cd) }
    }

    /// The update. Unless [`stop`](Self::stop) says otherwise, the stopping rule is the one that belongs to it:
    /// [`Stop::Violation`] for CD and [`Stop::ErrorDecrease`] for MU (1e-4 both, as scikit-learn),
    /// [`Stop::Progress`] (1e-5) for HALS.
    #[must_use]
    pub fn method(self, method: Method) -> Self {
        Self { method, ..self }
    }

    /// The stopping rule, with its tolerance.
    #[must_use]
    pub fn stop(self, stop: Stop) -> Self {
        Self { stop: Some(stop), tol: None, ..self }
    }

    /// The tolerance of the stopping rule, whichever it is.
    #[must_use]
    pub fn tol(self, tol: f64) -> Self {
        Self { tol: Some(tol), ..self }
    }

    /// The stopping rule in force.
    pub(crate) fn stopping(&self) -> Stop {
        let mut rule = self.stop.unwrap_or(match self.method {
            Method::Cd => Stop::Violation { tol: 1e-4 },
            Method::Mu => Stop::ErrorDecrease { tol: 1e-4 },
            Method::Hals { .. } => Stop::Progress { tol: 1e-5 },
        });
        let (Stop::Violation { tol } | Stop::ErrorDecrease { tol } | Stop::Progress { tol }) = &mut rule;
        *tol = self.tol.unwrap_or(*tol);
        rule
    }

    /// Where to start; default [`Start::Random`].
    #[must_use]
    pub fn start(self, start: Start<T>) -> Self {
        Self { start, ..self }
    }

    /// Seed of the random start; default 0.
    #[must_use]
    pub fn seed(self, seed: u32) -> Self {
        Self { seed, ..self }
    }

    /// L1 and L2 penalties; default none.
    #[must_use]
    pub fn penalty(self, penalty: Penalty) -> Self {
        Self { penalty, ..self }
    }

    /// Iteration limit, at least 1.
    #[must_use]
    pub fn max_iter(self, max_iter: usize) -> Self {
        Self { max_iter, ..self }
    }

    /// Time limit, looked at after every iteration.
    #[must_use]
    pub fn max_time(self, limit: Duration) -> Self {
        Self { max_time: Some(limit), ..self }
    }

    /// Threads, at least 1. The default is the rayon pool that the call runs in. The result is the same to the
    /// bit on any number.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        Self { threads: Some(threads), ..self }
    }

    /// What multiplies V with the factors; default [`Products::Fused`].
    #[must_use]
    pub fn products(self, products: Products) -> Self {
        Self { products, ..self }
    }

    /// Rows of V (columns, if it is column-major) in a cache block, instead of the built-in choice. With the
    /// fused kernels the result is the same to the bit for any size.
    #[must_use]
    pub fn block(self, rows: usize) -> Self {
        Self { block: Some(rows), ..self }
    }

    /// A flag that ends the fit after its current iteration.
    #[must_use]
    pub fn cancel(self, cancel: &Cancel) -> Self {
        Self { cancel: Some(cancel.clone()), ..self }
    }

    /// Factorises `v`, which is not copied.
    ///
    /// # Errors
    /// [`Error`], if `v` has entries that are negative or not finite, or is empty; or an option is outside its
    /// range. Not converging is no error: see [`Report::stop_reason`].
    pub fn fit(&self, v: &impl ToView<T>) -> Result<Fit<T>, Error> {
        self.fit_observed(v, &mut |_: &Iteration<'_, T>| std::ops::ControlFlow::<StopReason>::Continue(()))
    }

    /// The same, showing every iteration to `observer`.
    ///
    /// # Errors
    /// As [`fit`](Self::fit); a panic in the observer is [`Error::Panicked`].
    pub fn fit_observed(
        &self,
        v: &impl ToView<T>,
        observer: &mut (impl Observer<T> + Send),
    ) -> Result<Fit<T>, Error> {
        self.check()?;
        fit::fit(self, v.to_view(), observer)
    }

    fn check(&self) -> Result<(), Error> {
        if self.rank == 0 {
            return Err(Error::InvalidRank { rank: self.rank });
        }
        self.penalty.check()?;
        let tol = self.stopping().tol();
        if tol.is_nan() || tol < 0.0 {
            return Err(invalid("tol", tol, "a number of at least 0"));
        }
        if self.max_iter == 0 {
            return Err(invalid("max_iter", 0, "at least 1"));
        }
        if self.threads == Some(0) {
            return Err(invalid("threads", 0, "at least 1"));
        }
        if self.block == Some(0) {
            return Err(invalid("block", 0, "at least 1"));
        }
        if (self.method == Method::Hals { sweeps: Some(0) }) {
            return Err(invalid("sweeps", 0, "at least 1"));
        }
        if self.method == Method::Mu && matches!(self.stopping(), Stop::Violation { .. }) {
            return Err(Error::Unsupported {
                what: "stopping multiplicative updates on the violation, which they do not have,".into(),
                supported: "Mu goes with ErrorDecrease or Progress, Cd and Hals with any",
            });
        }
        Ok(())
    }
}

pub(crate) fn invalid(name: &'static str, value: impl ToString, allowed: &'static str) -> Error {
    Error::InvalidParam { name, value: value.to_string(), allowed }
}
