//! The driver: iterations until one is the last.

use super::Problem;
use crate::iterate::{Alternation, Verdict};
use crate::observe::{Iteration, Watch};
use crate::report::{HistoryPoint, StopReason};
use crate::stop::{Criterion, Seen};
use crate::{Error, Loss, Real};

/// What is known of a fit between iterations, besides its factors.
#[derive(Debug)]
pub(super) struct Run {
    /// Iterations done.
    pub iterations: usize,
    pub history: Vec<HistoryPoint>,
    pub criterion: Criterion,
    /// When the first one began, in seconds since the fit was called.
    pub seconds_start: f64,
    /// √(2·loss) and the objective of the best factors so far.
    best: (f64, f64),
}

impl Run {
    fn new(criterion: Criterion, max_iter: usize, seconds_start: f64) -> Self {
        let history = Vec::with_capacity(max_iter.min(1 << 16));
        Self { iterations: 0, history, criterion, seconds_start, best: (f64::INFINITY, f64::INFINITY) }
    }
}

/// The figures of an iteration, for V as it is scaled.
#[derive(Clone, Copy, Debug)]
struct Reached {
    loss: f64,
    objective: f64,
    violation: f64,
    step: f64,
    verdict: Verdict,
}

impl Reached {
    /// Those of the factors as the iteration left them, with the verdict on it.
    fn of<T: Real, A: Alternation<T>>(pass: &mut A) -> Self {
        let loss = pass.loss();
        let pair = pass.pair();
        let objective = pair.objective(loss);
        let violation = pair.inner.step.violation + pair.outer.step.violation;
        let step = pass.step();
        Self { loss, objective, violation, step, verdict: pass.judge(loss, objective) }
    }

    fn restarted(&self) -> bool {
        self.verdict != Verdict::Accepted
    }
}

impl<T: Real> Problem<'_, T> {
    /// Iterates from the factors as they stand until the stopping rule is met, the limit is reached or the observers end it.
    ///
    /// # Errors
    /// [`Error::Diverged`] where the objective is not finite and no restart can mend that.
    pub(super) fn drive<A: Alternation<T>>(
        &self,
        pass: &mut A,
        watch: &mut Watch<'_, T>,
    ) -> Result<(StopReason, Run), Error> {
        let options = &self.nmf.options;
        let criterion = self.criterion(pass)?;
        let mut run = Run::new(criterion, options.max_iter, self.began.elapsed().as_secs_f64());
        loop {
            pass.iterate(run.iterations == 0);
            run.iterations += 1;
            let reached = Reached::of(pass);
            let converged = self.record(&mut run, &reached)?;
            let (w, ht) = pass.pair().of_user();
            let iteration = Iteration {
                number: run.iterations,
                max_iter: options.max_iter,
                objective: self.in_units(reached.objective).min(f64::MAX),
                loss: self.in_units(reached.loss).min(f64::MAX),
                relative_error: self.size.relative_error(reached.loss),
                step: reached.step,
                restarted: reached.restarted(),
                elapsed: self.began.elapsed(),
                w: &w.x,
                ht: &ht.x,
                rank: options.rank,
                factor_exponent: self.exponent / 2,
            };
            if let Some(reason) = watch.ends(&iteration, converged) {
                return Ok((reason, run));
            }
        }
    }

    /// The stopping rule, with the figures of the start. Takes the sums that the first iteration begins with.
    fn criterion<A: Alternation<T>>(&self, pass: &mut A) -> Result<Criterion, Error> {
        let options = &self.nmf.options;
        let stop = options.stopping();
        pass.sweep_outer(false);
        let at_start = if Criterion::needs_start(stop) { (2.0 * pass.exact_loss()).sqrt() } else { 0.0 };
        if self.by_columns {
            pass.sweep_inner(false);
        }
        if !pass.pair().of_user().1.gram.iter().all(|g| g.is_finite()) || !at_start.is_finite() {
            return Err(Error::Diverged { iteration: 0 });
        }
        let criterion = Criterion::new(stop, at_start, options.rank, 8.0 * T::EPSILON.to_f64());
        let extrapolated = self.choice.method.is_extrapolated();
        Ok(if extrapolated { criterion.extrapolated(options.penalises()) } else { criterion })
    }

    /// Adds an iteration to the run; whether it is the last by the stopping rule, or as nothing but rounding is left.
    fn record(&self, run: &mut Run, reached: &Reached) -> Result<bool, Error> {
        let Reached { loss, objective, violation, step, verdict } = *reached;
        // a restart recovers from steps that went too far
        let recovers = verdict == Verdict::Restarted && run.best.1 < f64::INFINITY;
        if !objective.is_finite() && !recovers {
            return Err(Error::Diverged { iteration: run.iterations });
        }
        let of_user = if objective.is_finite() { self.in_units(objective).min(f64::MAX) } else { f64::MAX };
        run.history.push(HistoryPoint {
            iteration: run.iterations,
            objective: of_user,
            restarted: reached.restarted(),
            seconds: self.began.elapsed().as_secs_f64(),
        });
        if !reached.restarted() {
            run.best = ((2.0 * loss).sqrt(), objective);
        }
        let method = self.choice.method;
        let tol = self.nmf.options.stopping().tol();
        let exactly = (2.0 * loss / self.size.powers).sqrt() <= exactness::<T>(method.loss, tol);
        let descends_by_steps = method.goes_in_turn() && method.loss.is_quadratic();
        let met = run.criterion.met(&Seen {
            iteration: run.iterations,
            violation,
            error: run.best.0,
            objective: run.best.1,
            step,
            least_fall: if descends_by_steps { 0.5 * step * step * self.size.powers } else { 0.0 },
            exact: !self.nmf.options.penalises() && exactly,
        });
        Ok(met && !reached.restarted() || verdict == Verdict::Stuck && tol > 0.0)
    }
}

/// √(2·loss/ΣV^β) from which on a fit is exact: what rounding in the products leaves; and in double precision no less than
/// where the loss is rounding beside ΣV^β, unless the tolerance asks for more.
fn exactness<T: Real>(loss: Loss, tol: f64) -> f64 {
    let (products, sums) = (16.0 * T::EPSILON.to_f64(), 4.0 * f64::EPSILON.sqrt());
    // a divergence is a difference of sums in double precision, whatever is asked
    products.max(if loss.is_quadratic() { sums.min(tol) } else { sums })
}
