//! What the driver iterates in a fit: an alternation, with its stopping rule.

use super::Problem;
use super::resume::Begun;
use crate::drive::{Known, Process, Reached, Run, Terms};
use crate::iterate::{Alternation, Verdict};
use crate::state::State;
use crate::stop::{Criterion, Figures};
use crate::{Checkpoint, Error, Loss, Real, StopReason};

/// An alternation with what ends it.
pub(super) struct Fitting<'a, 'p, T: Real, A> {
    problem: &'a Problem<'p, T>,
    pass: &'a mut A,
    begun: &'a Begun<'p, T>,
    pub criterion: Criterion,
    /// What ended it before the first iteration.
    ended: Option<Error>,
}

impl<'a, 'p, T: Real, A: Alternation<T>> Fitting<'a, 'p, T, A> {
    /// With the figures of the start, and the sums that the first iteration begins with; or as it stood, with its run.
    pub fn new(
        problem: &'a Problem<'p, T>,
        pass: &'a mut A,
        begun: &'a Begun<'p, T>,
        terms: &Terms,
    ) -> Result<(Self, Run), Error> {
        let Some(mut state) = begun.state else {
            let (at_start, ended) = match problem.nmf.ranks.agree(Self::begin(problem, pass)) {
                // where that takes too long there is a result all the same
                Err(error) if begun.known.is_some() && StopReason::of(&error).is_some() => {
                    problem.nmf.ranks.go_on();
                    (0.0, Some(error))
                }
                begun => (begun?, None),
            };
            let run = Run { known: begun.known, ..Run::new(terms) };
            let criterion = Self::criterion(problem, at_start);
            return Ok((Self { criterion, problem, pass, begun, ended }, run));
        };
        let (mut criterion, mut run) = (Self::criterion(problem, 0.0), Run::new(terms));
        pass.restore(&mut state)?;
        criterion.restore(&mut state)?;
        run.restore(&mut state)?;
        let (error, objective) = run.best;
        run.known = Some(Known { loss: 0.5 * error * error, objective, step: pass.step() });
        problem.check_given(pass.pair())?;
        Ok((Self { criterion, problem, pass, begun, ended: None }, run))
    }

    /// Takes the sums that the first iteration begins with; the error of the start, where the stopping rule compares with it.
    fn begin(problem: &Problem<'p, T>, pass: &mut A) -> Result<f64, Error> {
        let stop = problem.nmf.options.stopping();
        pass.sweep_outer(false)?;
        let at_start = if Criterion::needs_start(stop) { (2.0 * pass.exact_loss()?).sqrt() } else { 0.0 };
        if problem.by_columns {
            pass.sweep_inner(false)?;
        }
        if !pass.pair().of_user().1.gram.iter().all(|g| g.is_finite()) || !at_start.is_finite() {
            return Err(Error::Diverged { iteration: 0 });
        }
        Ok(at_start)
    }

    fn criterion(problem: &Problem<'p, T>, at_start: f64) -> Criterion {
        let options = &problem.nmf.options;
        let stop = options.stopping();
        let criterion = Criterion::new(stop, at_start, options.rank, 8.0 * T::EPSILON.to_f64());
        let extrapolated = problem.choice.method.is_extrapolated();
        if extrapolated { criterion.extrapolated(options.penalises()) } else { criterion }
    }
}

impl<T: Real, A: Alternation<T>> Process<T> for Fitting<'_, '_, T, A> {
    fn iterate(&mut self, number: usize) -> Result<Reached, Error> {
        let pass = &mut *self.pass;
        self.ended.take().map_or(Ok(()), Err)?;
        pass.iterate(number == 1)?;
        let loss = pass.loss()?;
        let pair = pass.pair();
        let objective = pair.objective(loss);
        Ok(Reached {
            loss,
            objective,
            relative_error: self.problem.size.relative_error(loss),
            violation: pair.inner.step.violation + pair.outer.step.violation,
            step: pass.step(),
            verdict: pass.judge(loss, objective),
        })
    }

    fn converged(&mut self, run: &Run, reached: &Reached) -> bool {
        let Problem { nmf, choice, size, .. } = self.problem;
        let (method, tol) = (choice.method, nmf.options.stopping().tol());
        let exactly = (2.0 * reached.loss / size.powers).sqrt() <= exactness::<T>(method.loss, tol);
        let descends_by_steps = method.goes_in_turn() && method.loss.is_quadratic();
        let step = reached.step;
        let met = self.criterion.met(&Figures {
            iteration: run.iterations,
            violation: reached.violation,
            error: run.best.0,
            objective: run.best.1,
            step,
            least_fall: if descends_by_steps { 0.5 * step * step * size.powers } else { 0.0 },
            exact: !nmf.options.penalises() && exactly,
        });
        met && reached.verdict == Verdict::Accepted || reached.verdict == Verdict::Stuck && tol > 0.0
    }

    fn factors(&self) -> (&[T], &[T]) {
        let (w, ht) = self.pass.pair().of_user();
        (&w.x, &ht.x)
    }

    fn gather(&mut self) -> Result<(), Error> {
        self.pass.gather()
    }

    fn abandon(&mut self) {
        self.pass.abandon();
    }

    fn checkpoint(&self, run: &Run) -> Result<Option<Checkpoint>, Error> {
        let checkpoint = self.problem.checkpoint(self.begun, run.iterations, |state| {
            self.pass.save(state);
            self.criterion.save(state);
            run.save(state);
        })?;
        Ok(Some(checkpoint))
    }
}

/// √(2·loss/ΣV^β) from which on a fit is exact: what rounding in the products leaves; and in double precision no less than
/// where the loss is rounding beside ΣV^β, unless the tolerance asks for more.
fn exactness<T: Real>(loss: Loss, tol: f64) -> f64 {
    let (products, sums) = (16.0 * T::EPSILON.to_f64(), 4.0 * f64::EPSILON.sqrt());
    // a divergence is a difference of sums in double precision, whatever is asked
    products.max(if loss.is_quadratic() { sums.min(tol) } else { sums })
}
