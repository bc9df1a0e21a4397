//! Looking at a fit while it runs, and stopping it.

use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

use orthant_kernel::{Dense, Real};

use crate::line_weights::LineScales;
use crate::{Cancel, Checkpoint, Error, StopReason};

/// A finished iteration, borrowed from the running fit.
#[derive(Debug)]
pub struct Iteration<'a, T> {
    /// Its number, from 1.
    pub number: usize,
    /// The limit.
    pub max_iter: usize,
    /// D(V|WH), which is ½‖V − WH‖² for the Frobenius loss, plus penalties.
    pub objective: f64,
    /// D(V|WH).
    pub loss: f64,
    /// √(D(V|WH)/D₀), as in [`Report::relative_error`](crate::Report::relative_error): ‖V − WH‖/‖V‖ for the Frobenius loss.
    pub relative_error: f64,
    /// An estimate of the KKT residual that costs nothing: the steps that this iteration took first in each
    /// coordinate, in the data's units, over ‖V‖; for other losses Σ|x·∂F/∂x| over ΣV^β, before each update.
    pub step: f64,
    /// Whether the objective rose above the best one, so that the next iteration goes back to the best factors; only
    /// extrapolated methods do. The figures here, and the factors, are this iteration's
    /// all the same.
    pub restarted: bool,
    /// Time since the fit was called.
    pub elapsed: Duration,
    /// Why the fit ends with this iteration, if it does whatever the observer answers.
    pub ends: Option<StopReason>,
    pub(crate) w: &'a [T],
    pub(crate) ht: &'a [T],
    pub(crate) rank: usize,
    /// The factors of V are these times 2 to this.
    pub(crate) factor_exponent: i32,
    /// And divided by these, where V's lines were multiplied.
    pub(crate) scales: Option<&'a LineScales>,
    pub(crate) saving: Saving<'a>,
}

/// How to make a checkpoint of the fit.
#[derive(Clone, Copy)]
pub(crate) struct Saving<'a>(pub &'a dyn Fn() -> Result<Option<Checkpoint>, Error>);

impl fmt::Debug for Saving<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Saving")
    }
}

impl<T: Real> Iteration<'_, T> {
    /// Copies of W (m×k) and H (k×n) as they stand.
    pub fn factors(&self) -> (Dense<T>, Dense<T>) {
        let k = self.rank;
        let scaled = |x: T| crate::scan::scale_by(x, self.factor_exponent);
        let (m, n) = (self.w.len() / k, self.ht.len() / k);
        let mut w = Dense::from_fn(m, k, |i, t| scaled(self.w[i * k + t]));
        let mut h = Dense::from_fn(k, n, |t, j| scaled(self.ht[j * k + t]));
        if let Some(scales) = self.scales {
            scales.scale_w(&mut w, true);
            scales.scale_h(&mut h, true);
        }
        (w, h)
    }

    /// The fit as it stands, to be gone on from by [`Nmf::checkpoint`](crate::Nmf::checkpoint) or
    /// [`MiniBatchNmf::checkpoint`](crate::MiniBatchNmf::checkpoint). The first one of a fit reads V.
    ///
    /// # Errors
    /// [`Error::Unreadable`] for data that is not in memory and cannot be read.
    pub fn checkpoint(&self) -> Result<Checkpoint, Error> {
        Ok((self.saving.0)()?.expect("fits that are observed can be saved"))
    }
}

/// Sees every iteration and may end the fit; the factors so far are then the result.
///
/// Any closure `FnMut(&Iteration<T>) -> ControlFlow<StopReason>` is one.
///
/// ```
/// use std::ops::ControlFlow;
/// use orthant::{Dense, Iteration, Nmf, StopReason};
/// let v = Dense::from_fn(6, 5, |i, j| (i * j) as f64 + 1.0);
/// let fit = Nmf::new(2).fit_observed(&v, &mut |it: &Iteration<'_, f64>| {
///     if it.number == 3 { ControlFlow::Break(StopReason::Observer) } else { ControlFlow::Continue(()) }
/// })?;
/// assert_eq!((fit.report.iterations, fit.report.stop_reason), (3, StopReason::Observer));
/// # Ok::<(), orthant::Error>(())
/// ```
pub trait Observer<T> {
    /// Called after each iteration, by one thread at a time, not always the caller's.
    fn observe(&mut self, iteration: &Iteration<'_, T>) -> ControlFlow<StopReason>;
}

impl<T, F: FnMut(&Iteration<'_, T>) -> ControlFlow<StopReason>> Observer<T> for F {
    fn observe(&mut self, iteration: &Iteration<'_, T>) -> ControlFlow<StopReason> {
        self(iteration)
    }
}

/// Ends the fit once a time has passed since it was called.
///
/// [`Nmf::max_time`](crate::Nmf::max_time) puts one in front of the other observers. On `wasm32-unknown-unknown`, which has no clock, it ends
/// nothing.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimit(pub Duration);

impl<T> Observer<T> for TimeLimit {
    fn observe(&mut self, iteration: &Iteration<'_, T>) -> ControlFlow<StopReason> {
        if iteration.elapsed >= self.0 {
            ControlFlow::Break(StopReason::TimeLimit)
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// Everything that sees the iterations of a fit: what may end it early, and then the caller's observer.
pub(crate) struct Watch<'a, T> {
    observer: &'a mut (dyn Observer<T> + Send),
    cancel: Option<Cancel>,
    limit: Option<TimeLimit>,
}

impl<'a, T> Watch<'a, T> {
    pub fn new(
        observer: &'a mut (dyn Observer<T> + Send),
        cancel: Option<Cancel>,
        max_time: Option<Duration>,
    ) -> Self {
        Self { observer, cancel, limit: max_time.map(TimeLimit) }
    }

    /// Shows all of them an iteration; why the fit ends with it, if it does.
    pub fn ends(&mut self, mut iteration: Iteration<'_, T>, converged: bool) -> Option<StopReason> {
        let cancelled = self.cancel.as_mut().map(|cancel| cancel.observe(&iteration));
        let late = self.limit.as_mut().map(|limit| limit.observe(&iteration));
        let early = [cancelled, late].into_iter().flatten().filter_map(ControlFlow::break_value).next();
        let last = (iteration.number == iteration.max_iter).then_some(StopReason::MaxIterations);
        iteration.ends = converged.then_some(StopReason::Converged).or(early).or(last);
        let answer = self.observer.observe(&iteration).break_value();
        // what the observer asks for comes before what would have ended the fit without having converged
        if converged { iteration.ends } else { answer.or(iteration.ends) }
    }
}

impl<T> Observer<T> for Cancel {
    fn observe(&mut self, _: &Iteration<'_, T>) -> ControlFlow<StopReason> {
        if self.is_cancelled() {
            ControlFlow::Break(StopReason::Interrupted)
        } else {
            ControlFlow::Continue(())
        }
    }
}
