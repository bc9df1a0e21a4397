//! What is between two iterations and within one.
//!
//! | file | |
//! |---|---|
//! | `pair` | both factors: which is updated first, which is fixed, how they are extrapolated |
//! | `factor`, `lines`, `extrapolation` | one factor, its rows with their copies, and when a step is accepted |
//! | `visit` | the walk over the rows of a factor: lanes, blocks, workers |
//! | `prepared`, `projection`, `sums` | a factor as blocks read it; a product in place of S; what lanes add up |
//! | `quadratic`, `row_update`, `residual` | the loop for the Frobenius loss, its steps, and its final figures |
//! | `ratio`, `majorize`, `newton` | the loop for β-divergences, and the two kinds of steps it takes |
//! | `rowwise` | the loop where rows are observed at few places, or entries have weights |
//! | `held` | what all of that takes of memory |
//! | `joint` | the loop for Kullback–Leibler with both factors majorised at once |

use orthant_kernel::Real;

use crate::Error;
use crate::cancel::Halt;
use crate::random::RandomState;
use crate::ranks::Ranks;
use crate::state::State;

pub(crate) use extrapolation::{Schedule, Verdict};
pub(crate) use factor::{Factor, negligible};
pub(crate) use held::Held;
pub(crate) use joint::Joint;
pub(crate) use pair::{Fixed, Pair};
pub(crate) use projection::Projection;
pub(crate) use quadratic::Quadratic;
pub(crate) use ratio::Ratio;
pub(crate) use rowwise::{Rowwise, Solver};

pub mod extrapolation;
mod factor;
mod held;
mod joint;
mod lines;
mod majorize;
mod moving;
mod newton;
mod pair;
mod prepared;
mod projection;
mod quadratic;
mod ratio;
mod residual;
mod row_update;
mod rowwise;
mod sums;
#[cfg(test)]
mod tests;
mod visit;

/// How a pass is cut and who works on it.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Rows of a cache block.
    pub block: usize,
    pub workers: usize,
    /// What ends it early.
    pub halt: Halt,
    /// Who share the lanes.
    pub ranks: Ranks,
}

impl Layout {
    /// What ends a walk that each rank does by itself: nothing where there are several, which would stop at other rows.
    pub fn halt_alone(&self) -> Halt {
        if self.ranks.is_one() { self.halt.clone() } else { Halt::default() }
    }
}

/// The factors as they stand, from the residual itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    /// The loss.
    pub loss: f64,
    /// How far from stationary, over the size of V.
    pub remaining: f64,
}

/// Two factors of S ≈ X·Yᵀ that are updated in turn: X, the inner one, in a pass over the rows of S; Y, the outer one,
/// from what the pass has summed. What reads S fails where rows of it cannot be read.
pub(crate) trait Alternation<T: Real>: State {
    /// X and Y.
    fn pair(&self) -> &Pair<T>;
    /// X and Y, to be judged.
    fn pair_mut(&mut self) -> &mut Pair<T>;
    /// One pass over S: X updated from Y (if `update`), then the sums that the update of Y needs (unless Y is fixed).
    fn sweep_inner(&mut self, update: bool) -> Result<(), Error>;
    /// The update of Y from the sums of the last pass (if `update`), and what the next pass needs to know of it.
    fn sweep_outer(&mut self, update: bool) -> Result<(), Error>;
    /// Whether the sums of a pass hold whatever Y becomes, so that with X fixed one pass serves every update of Y.
    fn sums_last(&self) -> bool {
        false
    }
    /// The loss, once each factor has been swept.
    fn loss(&mut self) -> Result<f64, Error>;
    /// The loss from the residual itself, in one pass over S, at any time.
    fn exact_loss(&mut self) -> Result<f64, Error>;
    /// How far a loss may be from the true one.
    fn rounding(&self, loss: f64) -> f64;
    /// How far the last iteration moved, over the size of V; it does not change when components are rescaled.
    fn step(&self) -> f64;
    /// The final figures, of the best pair of factors, which is then in place; in one pass over S, or two. Rows that are to
    /// be exactly 0 become so.
    fn finish(&mut self) -> Result<Figures, Error>;
    /// The stream that the order of coordinates was drawn from, if one was, as it stands.
    fn stream(&self) -> Option<&RandomState> {
        None
    }
    /// Solves that needed a regularised Gram matrix.
    fn regularized(&self) -> usize {
        0
    }
    /// Completes what is kept for the rows of X, of which each rank has those of its lanes.
    fn gather(&mut self) -> Result<(), Error>;
    /// X and Y.
    fn into_pair(self) -> Pair<T>;

    /// Takes the sums that the first iteration begins with.
    fn begin(&mut self) -> Result<(), Error> {
        self.sweep_outer(false)?;
        if self.pair().by_columns { self.sweep_inner(false) } else { Ok(()) }
    }

    /// An iteration: the update of W and then that of H, but of what is fixed. In the `first` one the last sweep was not of an
    /// inner factor that is fixed.
    fn iterate(&mut self, first: bool) -> Result<(), Error> {
        match self.pair().fixed {
            Fixed::Neither if self.pair().by_columns => {
                self.sweep_outer(true)?;
                self.sweep_inner(true)
            }
            Fixed::Neither => {
                self.sweep_inner(true)?;
                self.sweep_outer(true)
            }
            Fixed::Outer => self.sweep_inner(true),
            Fixed::Inner => {
                if !first && !self.sums_last() {
                    self.sweep_inner(false)?;
                }
                self.sweep_outer(true)
            }
        }
    }

    /// Gives up an iteration that has not ended. Extrapolated factors are to go back to the best pair, the others stay with the
    /// rows that have moved.
    fn abandon(&mut self) {
        self.pair_mut().abandon();
    }

    /// The verdict on the iteration that ended with this loss and objective. To be asked once per iteration.
    fn judge(&mut self, loss: f64, objective: f64) -> Verdict {
        let rounding = self.rounding(loss);
        self.pair_mut().judge(objective, rounding)
    }
}
