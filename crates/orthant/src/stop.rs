//! When to stop.

use std::str::FromStr;

use crate::Error;
use crate::error::invalid;
use crate::state::state;

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
    /// scikit-learn's for multiplicative updates: over 10 iterations √(2·D(V|WH)), which is ‖V − WH‖ for the Frobenius
    /// loss, fell by less than `tol` times its value at the start.
    ErrorDecrease {
        /// Tolerance, at least 0.
        tol: f64,
    },
    /// The library's own: over an iteration the objective fell by no more than `tol` times itself, *and*
    /// [`Iteration::step`](crate::Iteration::step), which does not change when components are rescaled, is at most √tol; or nothing but
    /// rounding is left of the loss. For CD and HALS, extrapolated or not, the fall is taken as at least
    /// ½·step²·‖V‖², which rounding in the loss cannot hide. Extrapolated, it is the best objective so far that has to
    /// fall; five iterations in a row have to lower it by no more (ten with penalties), as an extrapolated fit goes down in
    /// steps of very different size; and no restarted iteration is the last, unless the objective rose in as many in a row as show that
    /// nothing but rounding is left (twelve; three of extrapolated multiplicative updates).
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

    /// The same rule with another tolerance.
    #[must_use]
    pub(crate) fn at(mut self, tol: f64) -> Self {
        let (Self::Violation { tol: old } | Self::ErrorDecrease { tol: old } | Self::Progress { tol: old }) =
            &mut self;
        *old = tol;
        self
    }
}

/// A rule by its name, with the tolerance that it has by default: 1e-4, and 1e-5 of `progress`.
///
/// ```
/// use orthant::Stop;
/// assert_eq!("error-decrease".parse::<Stop>()?, Stop::ErrorDecrease { tol: 1e-4 });
/// # Ok::<(), orthant::Error>(())
/// ```
impl FromStr for Stop {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "violation" => Ok(Self::Violation { tol: 1e-4 }),
            "error-decrease" => Ok(Self::ErrorDecrease { tol: 1e-4 }),
            "progress" => Ok(Self::Progress { tol: 1e-5 }),
            _ => Err(invalid("stop", text, "violation, error-decrease or progress")),
        }
    }
}

/// So many iterations in a row of an extrapolated fit are to lower the objective by next to nothing: it goes down in steps of
/// very different size. Under penalties, where one component slowly takes over from another, it rests for longer.
const EXTRAPOLATED: u32 = 5;
const EXTRAPOLATED_PENALISED: u32 = 10;

/// A stopping rule with what it has figures.
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
pub(crate) struct Figures {
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

state!(Criterion: first, previous, in_a_row, ratio);

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
    pub fn met(&mut self, figures: &Figures) -> bool {
        match self.rule {
            Stop::Violation { tol } => {
                if figures.iteration == 1 {
                    self.first = figures.violation;
                }
                let ratio = if self.first == 0.0 { 0.0 } else { figures.violation / self.first };
                self.ratio = Some(ratio);
                ratio <= tol
            }
            Stop::ErrorDecrease { tol } => {
                if tol == 0.0 || !figures.iteration.is_multiple_of(10) {
                    return false;
                }
                let fall = (self.previous - figures.error) / self.first;
                self.previous = figures.error;
                fall < tol
            }
            Stop::Progress { tol } => {
                let fall = self.previous - figures.objective;
                self.previous = figures.objective;
                let small =
                    fall.max(figures.least_fall) <= tol * figures.objective && figures.step <= self.near;
                self.in_a_row = if small { self.in_a_row + 1 } else { 0 };
                tol > 0.0 && (figures.exact || self.in_a_row >= self.enough)
            }
        }
    }
}
