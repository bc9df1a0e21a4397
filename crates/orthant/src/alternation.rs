//! What the driver asks of a factorisation under way, whatever the loss.

use crate::extrapolation::{Schedule, Verdict};
use crate::factor::Factor;
use crate::init::RandomState;

/// The factors as they stand, from the residual itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    /// The loss.
    pub loss: f64,
    /// How far from stationary, over the size of V.
    pub remaining: f64,
}

/// The factor that does not change, if one does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fixed {
    Neither,
    Inner,
    Outer,
}

/// Two factors of S ≈ X·Yᵀ that are updated in turn: X, the inner one, in a pass over the rows of S; Y, the outer one,
/// from what the pass has summed.
pub(crate) trait Alternation<T> {
    /// One pass over S: X updated from Y (if `update`), then the sums that the update of Y needs (unless Y is fixed).
    fn sweep_inner(&mut self, update: bool);
    /// The update of Y from the sums of the last pass (if `update`), and what the next pass needs to know of it.
    fn sweep_outer(&mut self, update: bool);
    /// Whether the sums of a pass hold whatever Y becomes, so that with X fixed one pass serves every update of Y.
    fn sums_last(&self) -> bool;
    /// X.
    fn inner(&self) -> &Factor<T>;
    /// Y.
    fn outer(&self) -> &Factor<T>;
    /// The loss, once each factor has been swept.
    fn loss(&mut self) -> f64;
    /// How the factors are extrapolated, if they are.
    fn schedule(&mut self) -> Option<&mut Schedule>;
    /// How far a loss may be from the true one.
    fn rounding(&self, loss: f64) -> f64;
    /// The verdict on the iteration that ended with this loss and objective. To be asked once an iteration.
    fn judge(&mut self, loss: f64, objective: f64) -> Verdict {
        let rounding = self.rounding(loss);
        self.schedule().map_or(Verdict::Accepted, |schedule| schedule.judge(objective, rounding))
    }
    /// An iteration: the update of W and then that of H, which is the inner factor `by_columns`; but of what is fixed. In the
    /// `first` one the last sweep was not of an inner factor that is fixed.
    fn iterate(&mut self, fixed: Fixed, by_columns: bool, first: bool) {
        match fixed {
            Fixed::Neither if by_columns => {
                self.sweep_outer(true);
                self.sweep_inner(true);
            }
            Fixed::Neither => {
                self.sweep_inner(true);
                self.sweep_outer(true);
            }
            Fixed::Outer => self.sweep_inner(true),
            Fixed::Inner => {
                if !first && !self.sums_last() {
                    self.sweep_inner(false);
                }
                self.sweep_outer(true);
            }
        }
    }
    /// The loss from the residual itself, in one pass over S, at any time.
    fn exact_loss(&mut self) -> f64;
    /// How far the last iteration moved, over the size of V; it does not change when components are rescaled.
    fn step(&self) -> f64;
    /// The final figures, of the best pair of factors, which is then in place; in one pass over S, or two. Rows that are to
    /// be exactly 0 become so.
    fn finish(&mut self) -> Figures;
    /// The stream that the order of coordinates was drawn from, if one was, as it stands.
    fn stream(&self) -> Option<&RandomState> {
        None
    }
    /// Solves that needed a regularised Gram matrix.
    fn regularized(&self) -> usize;
    /// X and Y.
    fn into_factors(self) -> (Vec<T>, Vec<T>);
}
