//! Both factors of S ≈ X·Yᵀ, and what holds for the two together.

use orthant_kernel::Real;

use super::extrapolation::{Schedule, Verdict};
use super::factor::Factor;
use super::lines::Trail;
use crate::Error;
use crate::state::{State, restore_made, save_made};

/// The factor that does not change, if one does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fixed {
    Neither,
    Inner,
    Outer,
}

/// X, the inner factor, whose rows stand beside those of S, and Y, the outer one.
#[derive(Debug)]
pub(crate) struct Pair<T> {
    pub inner: Factor<T>,
    pub outer: Factor<T>,
    /// The inner factor is H: S is Vᵀ. An iteration updates W first, either way.
    pub by_columns: bool,
    pub fixed: Fixed,
    /// How the factors are extrapolated, if they are.
    pub schedule: Option<Schedule>,
    /// An iteration was given up: the factors have moved, in part, and no sums are theirs.
    abandoned: bool,
}

impl<T: Real> Pair<T> {
    pub fn new(inner: Factor<T>, outer: Factor<T>, by_columns: bool) -> Self {
        Self { inner, outer, by_columns, fixed: Fixed::Neither, schedule: None, abandoned: false }
    }

    /// With a factor that does not change.
    #[must_use]
    pub fn fixed(self, fixed: Fixed) -> Self {
        Self { fixed, ..self }
    }

    /// W and Hᵀ.
    pub fn of_user(&self) -> (&Factor<T>, &Factor<T>) {
        if self.by_columns { (&self.outer, &self.inner) } else { (&self.inner, &self.outer) }
    }

    /// The rows of W and Hᵀ.
    pub fn into_user(self) -> (Vec<T>, Vec<T>) {
        let (inner, outer) = (self.inner.x.into(), self.outer.x.into());
        if self.by_columns { (outer, inner) } else { (inner, outer) }
    }

    /// The objective where the loss is this, by the sums that the last updates kept.
    pub fn objective(&self, loss: f64) -> f64 {
        loss + self.inner.penalty() + self.outer.penalty()
    }

    /// The value of both penalties, from the entries themselves.
    pub fn exact_penalty(&self) -> f64 {
        self.inner.exact_penalty() + self.outer.exact_penalty()
    }

    /// How far the last updates moved both factors, in the units of their steps.
    pub fn movement(&self) -> f64 {
        self.inner.step.movement + self.outer.step.movement
    }

    /// Extrapolates both factors; positive entries of W and of H go to `least` at least, along their logarithms.
    pub fn extrapolate(&mut self, schedule: Schedule, k: usize, least: [T; 2]) {
        let free = scale_is_free(&self.inner, &self.outer);
        for (factor, is_h) in [(&mut self.inner, self.by_columns), (&mut self.outer, !self.by_columns)] {
            let rescaled = free && !is_h && schedule.rescales();
            let trail =
                Trail::new(schedule.role(is_h), schedule.space(), &factor.x, k, schedule.beta, rescaled);
            factor.trail = Some(trail.at_least(least[usize::from(is_h)]));
        }
        self.schedule = Some(schedule);
    }

    /// The verdict on an iteration that ended at `objective`, known to `rounding`.
    pub fn judge(&mut self, objective: f64, rounding: f64) -> Verdict {
        self.schedule.as_mut().map_or(Verdict::Accepted, |schedule| schedule.judge(objective, rounding))
    }

    /// Gives the copies of both factors their roles for the next iteration, if one has been judged since; whether it was
    /// accepted.
    pub fn begin_iteration(&mut self) -> Option<bool> {
        let schedule = self.schedule.as_mut()?;
        let accepted = schedule.take_accepted()?;
        let beta = schedule.beta;
        self.inner.begin_iteration(accepted, beta);
        self.outer.begin_iteration(accepted, beta);
        Some(accepted)
    }

    /// Gives up an iteration that has not ended.
    pub fn abandon(&mut self) {
        self.abandoned = true;
        if let Some(schedule) = &mut self.schedule {
            schedule.abandon();
        }
    }

    /// Ends extrapolation, with the best pair in place; whether the last iteration was accepted, if there was any that was
    /// extrapolated. What has been summed is not of these factors where it was not, or was abandoned.
    pub fn finish(&mut self) -> Option<bool> {
        let abandoned = std::mem::take(&mut self.abandoned);
        let Some(mut schedule) = self.schedule.take() else { return abandoned.then_some(false) };
        let accepted = schedule.take_accepted().unwrap_or(true);
        self.inner.finish(accepted);
        self.outer.finish(accepted);
        Some(accepted && !abandoned)
    }
}

impl<T: Real> State for Pair<T> {
    fn save(&self, to: &mut Vec<u8>) {
        self.inner.save(to);
        self.outer.save(to);
        save_made(self.schedule.as_ref(), to);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        self.inner.restore(from)?;
        self.outer.restore(from)?;
        restore_made(self.schedule.as_mut(), from)
    }
}

/// Whether components can be rescaled, one factor by what the other is divided by, and the objective has no minimum along it.
fn scale_is_free<T>(a: &Factor<T>, b: &Factor<T>) -> bool {
    !(a.weights.penalises() && b.weights.penalises())
}
