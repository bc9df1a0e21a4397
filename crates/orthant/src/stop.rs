//! When to stop.

use crate::Stop;

/// So many iterations in a row of an extrapolated fit are to lower the objective by next to nothing: it goes down in steps of
/// very different size. Under penalties, where one component slowly takes over from another, it rests for longer.
const EXTRAPOLATED: u32 = 5;
const EXTRAPOLATED_PENALISED: u32 = 10;

/// A stopping rule with what it has seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Criterion {
    rule: Stop,
    /// Violation of the first iteration, or error at the start.
    first: f64,
    /// Error ten iterations ago, or objective one iteration ago.
    previous: f64,
    /// How small a step is to be, for [`Stop::Progress`].
    near: f64,
    /// How many iterations in a row are to lower the objective by next to nothing, for [`Stop::Progress`], and how many have.
    enough: u32,
    in_a_row: u32,
    /// Violation, last over first.
    pub ratio: Option<f64>,
}

/// Figures of an iteration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub iteration: usize,
    pub violation: f64,
    /// √(2·loss), and the objective, of the best factors so far.
    pub error: f64,
    pub objective: f64,
    /// Movement over ‖V‖.
    pub step: f64,
    /// What the steps taken make the objective fall by at the least; 0 for rules of which that is not known.
    pub least_fall: f64,
    /// The loss is no more than what rounding leaves.
    pub exact: bool,
}

impl Criterion {
    /// `start` is ‖V − W₀H₀‖, for rules that compare with it; steps are known to `rounding`.
    pub fn new(rule: Stop, start: f64, rank: usize, rounding: f64) -> Self {
        let previous = if matches!(rule, Stop::Progress { .. }) { f64::INFINITY } else { start };
        // one component has one best answer: it is to be that near, and not only its loss
        let near = if rank == 1 { rule.tol().max(rounding) } else { rule.tol().sqrt() };
        Self { rule, first: start, previous, near, enough: 1, in_a_row: 0, ratio: None }
    }

    /// The same for an extrapolated fit, `penalised` or not.
    #[must_use]
    pub fn extrapolated(self, penalised: bool) -> Self {
        Self { enough: if penalised { EXTRAPOLATED_PENALISED } else { EXTRAPOLATED }, ..self }
    }

    /// Whether the rule needs the error at the start.
    pub fn needs_start(rule: Stop) -> bool {
        matches!(rule, Stop::ErrorDecrease { tol } if tol > 0.0)
    }

    /// Whether this iteration is the last.
    pub fn met(&mut self, seen: &Seen) -> bool {
        match self.rule {
            Stop::Violation { tol } => {
                if seen.iteration == 1 {
                    self.first = seen.violation;
                }
                let ratio = if self.first == 0.0 { 0.0 } else { seen.violation / self.first };
                self.ratio = Some(ratio);
                ratio <= tol
            }
            Stop::ErrorDecrease { tol } => {
                if tol == 0.0 || !seen.iteration.is_multiple_of(10) {
                    return false;
                }
                let fall = (self.previous - seen.error) / self.first;
                self.previous = seen.error;
                fall < tol
            }
            Stop::Progress { tol } => {
                let fall = self.previous - seen.objective;
                self.previous = seen.objective;
                let small = fall.max(seen.least_fall) <= tol * seen.objective && seen.step <= self.near;
                self.in_a_row = if small { self.in_a_row + 1 } else { 0 };
                tol > 0.0 && (seen.exact || self.in_a_row >= self.enough)
            }
        }
    }
}
