//! What the driver iterates in a fit: an alternation, with its stopping rule.

use super::Problem;
use crate::drive::{Process, Reached, Run};
use crate::iterate::{Alternation, Verdict};
use crate::stop::{Criterion, Figures};
use crate::{Error, Loss, Real};

/// An alternation with what ends it.
pub(super) struct Fitting<'a, 'p, T: Real, A> {
    problem: &'a Problem<'p, T>,
    pass: &'a mut A,
    pub criterion: Criterion,
}

impl<'a, 'p, T: Real, A: Alternation<T>> Fitting<'a, 'p, T, A> {
    /// With the figures of the start. Takes the sums that the first iteration begins with.
    pub fn new(problem: &'a Problem<'p, T>, pass: &'a mut A) -> Result<Self, Error> {
        let options = &problem.nmf.options;
        let stop = options.stopping();
        pass.sweep_outer(false)?;
        let at_start = if Criterion::needs_start(stop) { (2.0 * pass.exact_loss()?).sqrt() } else { 0.0 };
        if problem.by_columns {
            pass.sweep_inner(false)?;
        }
        if !pass.pair().of_user().1.gram.iter().all(|g| g.is_finite()) || !at_start.is_finite() {
            return Err(Error::Diverged { iteration: 0 });
        }
        let criterion = Criterion::new(stop, at_start, options.rank, 8.0 * T::EPSILON.to_f64());
        let extrapolated = problem.choice.method.is_extrapolated();
        let criterion = if extrapolated { criterion.extrapolated(options.penalises()) } else { criterion };
        Ok(Self { problem, pass, criterion })
    }
}

impl<T: Real, A: Alternation<T>> Process<T> for Fitting<'_, '_, T, A> {
    fn iterate(&mut self, number: usize) -> Result<Reached, Error> {
        let pass = &mut *self.pass;
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
}

/// √(2·loss/ΣV^β) from which on a fit is exact: what rounding in the products leaves; and in double precision no less than
/// where the loss is rounding beside ΣV^β, unless the tolerance asks for more.
fn exactness<T: Real>(loss: Loss, tol: f64) -> f64 {
    let (products, sums) = (16.0 * T::EPSILON.to_f64(), 4.0 * f64::EPSILON.sqrt());
    // a divergence is a difference of sums in double precision, whatever is asked
    products.max(if loss.is_quadratic() { sums.min(tol) } else { sums })
}
