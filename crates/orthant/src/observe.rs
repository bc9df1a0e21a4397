//! Looking at a fit while it runs, and stopping it.

use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

use orthant_kernel::{Dense, Real};

use crate::line_weights::LineScales;
use crate::ranks::Ranks;
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
    /// Called before [`observe`](Self::observe): whether that will ask iteration `number`, which `ends` the fit or not, for its factors
    /// or for a checkpoint. Where several [ranks](crate::Communicator) work on the fit, these are first brought together, which
    /// takes the time of sending W; where every rank's observer says no, they are not, and rows of other ranks are old. By default yes.
    fn wants_factors(&mut self, _number: usize, _ends: Option<StopReason>) -> bool {
        true
    }

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
    fn wants_factors(&mut self, _: usize, _: Option<StopReason>) -> bool {
        false
    }

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
    limit: Option<Duration>,
    ranks: Ranks,
}

/// Why a fit can end, in an order that all ranks have.
const REASONS: [StopReason; 6] = [
    StopReason::Converged,
    StopReason::MaxIterations,
    StopReason::TimeLimit,
    StopReason::Interrupted,
    StopReason::Observer,
    StopReason::ZeroData,
];

/// As many bytes as it takes to tell it to other ranks.
fn code(reason: Option<StopReason>) -> u8 {
    reason.and_then(|reason| REASONS.iter().position(|other| *other == reason)).map_or(0, |at| at as u8 + 1)
}

/// The reason that the first rank with one has.
fn first(codes: impl Iterator<Item = u8>) -> Option<StopReason> {
    codes.filter_map(|code| REASONS.get(usize::from(code).checked_sub(1)?).copied()).next()
}

impl<'a, T> Watch<'a, T> {
    pub fn new(
        observer: &'a mut (dyn Observer<T> + Send),
        cancel: Option<Cancel>,
        limit: Option<Duration>,
        ranks: Ranks,
    ) -> Self {
        Self { observer, cancel, limit, ranks }
    }

    /// Where the fit goes on in spite of an error that all ranks know of.
    pub fn go_on(&self) {
        self.ranks.go_on();
    }

    /// The outcome of an iteration on all ranks.
    pub fn agree<R>(&self, outcome: Result<R, Error>) -> Result<R, Error> {
        self.ranks.agree(outcome)
    }

    /// Why the fit ends with an iteration whatever observers say, and whether one of them wants to look at the factors.
    ///
    /// # Errors
    /// Those of other ranks.
    pub fn looks(
        &mut self,
        number: usize,
        elapsed: Duration,
        converged: bool,
        last: bool,
    ) -> Result<(Option<StopReason>, bool), Error> {
        let cancelled = self.cancel.as_ref().is_some_and(Cancel::is_cancelled);
        let late = self.limit.is_some_and(|limit| elapsed >= limit);
        let early =
            if cancelled { Some(StopReason::Interrupted) } else { late.then_some(StopReason::TimeLimit) };
        let ends = |early| {
            converged.then_some(StopReason::Converged).or(early).or(last.then_some(StopReason::MaxIterations))
        };
        if self.ranks.is_one() {
            return Ok((ends(early), false));
        }
        let all = self.ranks.all_gather(&[code(early)])?;
        let ends = ends(first(all.iter().flatten().copied()));
        let wants = self.observer.wants_factors(number, ends);
        let wanted = self.ranks.all_gather(&[u8::from(wants)])?.iter().flatten().any(|wants| *wants != 0);
        Ok((ends, wanted))
    }

    /// Shows the observer an iteration; why the fit ends with it, if it does.
    ///
    /// # Errors
    /// Those of other ranks.
    pub fn ends(
        &mut self,
        iteration: &Iteration<'_, T>,
        converged: bool,
    ) -> Result<Option<StopReason>, Error> {
        let mut answer = self.observer.observe(iteration).break_value();
        if !self.ranks.is_one() {
            answer = first(self.ranks.all_gather(&[code(answer)])?.into_iter().flatten());
        }
        // what the observer asks for comes before what would have ended the fit without having converged
        Ok(if converged { iteration.ends } else { answer.or(iteration.ends) })
    }
}

impl<T> Observer<T> for Cancel {
    fn wants_factors(&mut self, _: usize, _: Option<StopReason>) -> bool {
        false
    }

    fn observe(&mut self, _: &Iteration<'_, T>) -> ControlFlow<StopReason> {
        if self.is_cancelled() {
            ControlFlow::Break(StopReason::Interrupted)
        } else {
            ControlFlow::Continue(())
        }
    }
}
