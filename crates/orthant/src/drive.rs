//! The driver: iterations until one is the last, of a fit, of a fit by mini-batches or on a sketch.

use std::time::Instant;

use crate::iterate::Verdict;
use crate::observe::{Iteration, Watch};
use crate::report::{HistoryPoint, StopReason};
use crate::{Error, Real};

/// What is iterated.
pub(crate) trait Process<T> {
    /// Does the iteration of that number, counted from 1.
    fn iterate(&mut self, number: usize) -> Result<Reached, Error>;

    /// Whether it was the last one by the stopping rule, or as nothing but rounding is left. The run has its figures.
    fn converged(&mut self, run: &Run, reached: &Reached) -> bool;

    /// W and Hᵀ as they stand.
    fn factors(&self) -> (&[T], &[T]);
}

/// The figures of an iteration, for V as it is scaled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    pub loss: f64,
    pub objective: f64,
    pub relative_error: f64,
    pub violation: f64,
    pub step: f64,
    pub verdict: Verdict,
}

impl Reached {
    fn restarted(&self) -> bool {
        self.verdict != Verdict::Accepted
    }
}

/// What holds for all iterations of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub max_iter: usize,
    pub rank: usize,
    /// V is scaled by 2^-exponent, and factors by the root of that.
    pub exponent: i32,
    /// What the root of a loss is multiplied by to be in the user's units.
    pub root_units: f64,
    /// When the fit was called.
    pub began: Instant,
}

impl Terms {
    /// A loss in the user's units.
    pub fn in_units(&self, loss: f64) -> f64 {
        loss * self.root_units * self.root_units
    }
}

/// What is known of a fit between iterations, besides its factors.
#[derive(Debug)]
pub(crate) struct Run {
    /// Iterations done.
    pub iterations: usize,
    pub history: Vec<HistoryPoint>,
    /// When the first one began, in seconds since the fit was called.
    pub seconds_start: f64,
    /// √(2·loss) and the objective of the best factors so far.
    pub best: (f64, f64),
}

/// Iterations that a history has room for from the start.
pub(crate) fn history_len(max_iter: usize) -> usize {
    max_iter.min(1 << 16)
}

impl Run {
    fn new(terms: &Terms) -> Self {
        Self {
            iterations: 0,
            history: Vec::with_capacity(history_len(terms.max_iter)),
            seconds_start: terms.began.elapsed().as_secs_f64(),
            best: (f64::INFINITY, f64::INFINITY),
        }
    }

    /// Adds an iteration.
    ///
    /// # Errors
    /// [`Error::Diverged`] where the objective is not finite and no restart can mend that.
    fn record(&mut self, reached: &Reached, terms: &Terms) -> Result<(), Error> {
        self.iterations += 1;
        let objective = reached.objective;
        // a restart recovers from steps that went too far
        let recovers = reached.verdict == Verdict::Restarted && self.best.1 < f64::INFINITY;
        if !objective.is_finite() && !recovers {
            return Err(Error::Diverged { iteration: self.iterations });
        }
        self.history.push(HistoryPoint {
            iteration: self.iterations,
            objective: if objective.is_finite() { terms.in_units(objective).min(f64::MAX) } else { f64::MAX },
            restarted: reached.restarted(),
            seconds: terms.began.elapsed().as_secs_f64(),
        });
        if !reached.restarted() {
            self.best = ((2.0 * reached.loss).sqrt(), objective);
        }
        Ok(())
    }
}

/// Iterates until the stopping rule is met, the limit is reached or the observers end it.
///
/// # Errors
/// [`Error::Diverged`] where the objective is not finite and no restart can mend that; and those of the process.
pub(crate) fn drive<T: Real, P: Process<T>>(
    process: &mut P,
    terms: &Terms,
    watch: &mut Watch<'_, T>,
) -> Result<(StopReason, Run), Error> {
    let mut run = Run::new(terms);
    loop {
        let reached = process.iterate(run.iterations + 1)?;
        run.record(&reached, terms)?;
        let converged = process.converged(&run, &reached);
        let (w, ht) = process.factors();
        let iteration = Iteration {
            number: run.iterations,
            max_iter: terms.max_iter,
            objective: terms.in_units(reached.objective).min(f64::MAX),
            loss: terms.in_units(reached.loss).min(f64::MAX),
            relative_error: reached.relative_error,
            step: reached.step,
            restarted: reached.restarted(),
            elapsed: terms.began.elapsed(),
            w,
            ht,
            rank: terms.rank,
            factor_exponent: terms.exponent / 2,
        };
        if let Some(reason) = watch.ends(&iteration, converged) {
            return Ok((reason, run));
        }
    }
}
