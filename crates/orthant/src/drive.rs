//! The driver: iterations until one is the last, of a fit, of a fit by mini-batches or on a sketch.

use crate::clock::Instant;
use crate::iterate::Verdict;
use crate::observe::{Iteration, Saving, Watch};
use crate::report::{HistoryPoint, StopReason};
use crate::state::{State, damaged};
use crate::{Checkpoint, Error, Real};

/// What is iterated.
pub(crate) trait Process<T> {
    /// Does the iteration of that number, counted from 1.
    fn iterate(&mut self, number: usize) -> Result<Reached, Error>;

    /// Whether it was the last one by the stopping rule, or as nothing but rounding is left. The run has its figures.
    fn converged(&mut self, run: &Run, reached: &Reached) -> bool;

    /// W and Hᵀ as they stand.
    fn factors(&self) -> (&[T], &[T]);

    /// Completes the factors, of which ranks have rows of their own.
    fn gather(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// Gives up an iteration that has not ended, so that the factors can be returned.
    fn abandon(&mut self) {}

    /// It as it stands after the last iteration of the run; of what no user observes, none.
    ///
    /// # Errors
    /// Whatever keeps V from being read.
    fn checkpoint(&self, _run: &Run) -> Result<Option<Checkpoint>, Error> {
        Ok(None)
    }
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

/// What is known of factors without reading V for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub loss: f64,
    pub objective: f64,
    /// How far they moved last, over the size of V.
    pub step: f64,
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
    /// What those say of themselves, if anything is known: of factors that can be returned.
    pub known: Option<Known>,
    /// Whether the last one was so by the stopping rule.
    pub converged: bool,
    /// Seconds that the fit had taken when it was gone on with.
    pub seconds_before: f64,
}

/// Iterations that a history has room for from the start.
pub(crate) fn history_len(max_iter: usize) -> usize {
    max_iter.min(1 << 16)
}

impl Run {
    pub fn new(terms: &Terms) -> Self {
        Self {
            iterations: 0,
            history: Vec::with_capacity(history_len(terms.max_iter)),
            seconds_start: terms.began.elapsed().as_secs_f64(),
            best: (f64::INFINITY, f64::INFINITY),
            known: None,
            converged: false,
            seconds_before: 0.0,
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
            seconds: self.seconds_before + terms.began.elapsed().as_secs_f64(),
        });
        if !reached.restarted() {
            let Reached { loss, step, .. } = *reached;
            self.known = Some(Known { loss, objective, step });
            self.best = ((2.0 * reached.loss).sqrt(), objective);
        }
        Ok(())
    }
}

impl State for Run {
    fn save(&self, to: &mut Vec<u8>) {
        self.iterations.save(to);
        for point in &self.history {
            (point.objective, point.restarted).save(to);
            point.seconds.save(to);
        }
        (self.seconds_start, self.best).save(to);
        self.converged.save(to);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        self.iterations.restore(from)?;
        self.history.clear();
        for iteration in 1..=self.iterations {
            let (mut figures, mut seconds) = ((0.0, false), 0.0);
            figures.restore(from)?;
            seconds.restore(from)?;
            let (objective, restarted) = figures;
            self.history.push(HistoryPoint { iteration, objective, restarted, seconds });
        }
        let mut rest = (0.0, (0.0, 0.0));
        rest.restore(from)?;
        (self.seconds_start, self.best) = rest;
        self.seconds_before = self.history.last().map_or(0.0, |last| last.seconds);
        self.converged.restore(from)?;
        if from.is_empty() { Ok(()) } else { Err(damaged("its state is longer than it can be")) }
    }
}

/// Iterates until the stopping rule is met, the limit is reached, the observers end it or an iteration is ended that takes too
/// long; from a run that has begun, whose process is as it left it.
///
/// # Errors
/// [`Error::Diverged`] where the objective is not finite and no restart can mend that; and those of the process, which before anything
/// is known of factors can be that it was to end.
pub(crate) fn drive<T: Real, P: Process<T>>(
    process: &mut P,
    terms: &Terms,
    watch: &mut Watch<'_, T>,
    mut run: Run,
) -> Result<(StopReason, Run), Error> {
    if run.converged {
        return Ok((StopReason::Converged, run));
    }
    while run.iterations < terms.max_iter {
        let iterated = process.iterate(run.iterations + 1);
        let reached = match watch.agree(iterated) {
            Ok(reached) => reached,
            Err(error) => {
                let reason = StopReason::of(&error).filter(|_| run.known.is_some()).ok_or(error)?;
                watch.go_on();
                process.abandon();
                return Ok((reason, run));
            }
        };
        run.record(&reached, terms)?;
        run.converged = process.converged(&run, &reached);
        let elapsed = terms.began.elapsed();
        let last = run.iterations == terms.max_iter;
        let (ends, shown) = watch.looks(run.iterations, elapsed, run.converged, last)?;
        if shown {
            process.gather()?;
        }
        let (w, ht) = process.factors();
        let iteration = Iteration {
            number: run.iterations,
            max_iter: terms.max_iter,
            objective: terms.in_units(reached.objective).min(f64::MAX),
            loss: terms.in_units(reached.loss).min(f64::MAX),
            relative_error: reached.relative_error,
            step: reached.step,
            restarted: reached.restarted(),
            elapsed,
            w,
            ht,
            rank: terms.rank,
            factor_exponent: terms.exponent / 2,
            scales: None,
            ends,
            saving: Saving(&|| process.checkpoint(&run)),
        };
        if let Some(reason) = watch.ends(&iteration, run.converged)? {
            return Ok((reason, run));
        }
    }
    Ok((StopReason::MaxIterations, run))
}
