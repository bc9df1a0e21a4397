//! Extrapolation of both factors, with restarts: fewer passes over V to a given loss.
//!
//! With X the factor that an iteration updates first and Y the other one, X̂ and Ŷ where their updates start, and Ȳ the
//! last Y that was accepted (X̄ likewise):
//!
//! ```text
//! X' = rule(X̂; Ŷ)      X̂ ← max(X' + β(X' − X̄D), X'/1024)
//! Y' = rule(Ŷ; X̂)      Ŷ ← max(Y' + β(Y' − Ȳ), Y'/1024)
//! F(X̂, Y') above the best so far by more than its rounding:
//!     back to the best pair,  β̄ ← the β before,  β ← β/1.5
//! otherwise it is the best pair:
//!     X̄ ← X', Ȳ ← Y',  β ← min(β̄, 1.01·β),  β̄ ← min(1, 1.005·β̄)
//! ```
//!
//! D is diagonal and brings X̄ to the scale of X'. A component keeps its product where X_t is multiplied by what Y_t is divided
//! by, and X' answers to the scale of Ŷ: D_t is the size of the Ŷ_t that X̄ was updated against over that of the one that X' was
//! (norms where Gram matrices are at hand, sums elsewhere). With D = I a change of scale would be carried on from either factor
//! to the other, and grow with every iteration, which F does not see; so it is carried on by Y alone, and dies away as β is
//! below 1. (With a D for Y too, divergences took longer.) After a restart D is I, as X goes on from X̂; and it is I throughout
//! with penalties on both factors, which fix the scale. What is left of X' and Y' at least keeps a component from ending at 0
//! in one step too far, where it would stay.
//!
//! F(X̂, Y') costs nothing: it follows from the sums that the update of Y takes. β starts at ½; after a start on a sample
//! at ⅕, and grows by 1.05: where the plain rule is fast as it is, near a minimum, more only carries it past.
//!
//! The first iterations are the plain rule's, with β = 0 and as many sweeps as it takes. They decide which minimum a fit ends
//! in: extrapolated from the start, it is often another one than the plain rule's, and higher as often as lower. After a
//! start on a sample there are none, as the minimum is decided.
//!
//! For divergences Newton's steps are extrapolated in the same way; F(X̂, Y') is what they compute on the way.
//! Multiplicative updates know F(X̂, Ŷ) from the P that the next ones begin with, and shrink and grow by factors: they go
//! ahead in logarithms, and both factors are judged where they have gone to:
//!
//! ```text
//! X' = rule(X̂; Ŷ)      X̂ ← X'∘(X'/X̄D)^β
//! Y' = rule(Ŷ; X̂)      Ŷ ← Y'∘(Y'/Ȳ)^β
//! F(X̂, Ŷ) above the best so far by more than its rounding:
//!     back to the best pair, t ← 0; after the second time in a row the rule is the one that descends,
//!     as in the first iteration
//! otherwise t ← t + 1;  β = t/(t + 1.5)
//! ```
//!
//! The rule is the multiplicative update with the exponent 1, which for β from 1 to 2 descends; for others it need not, but
//! moves twice as far as the one that does (for Itakura–Saito, in logarithms), and is seldom too bold. In trials each of the
//! two ways to move β did better with the rule that has it.
//!
//! Both factors at once go ahead in the same way, with t/(t + 12). The rule is the power 3/2 of the step, but
//! where β is 0 the step itself, which descends.
//!
//! Cost: the rule's, and 2(m + n)k flops. Memory: two or three more copies of either factor; rows are copied and
//! extrapolated inside the pass, while they are in cache, and copies change their roles between passes without being
//! moved. Guarantee: the best pair never gets worse; a restart goes back to it with a smaller β, and with β = 0 an
//! iteration is the plain rule's, which descends. What β is and whether an iteration was accepted is settled after it,
//! from its reduced figures, so that neither threads nor blocks matter.
//!
//! Ang & Gillis, Accelerating nonnegative matrix factorization algorithms using extrapolation, Neural Computation
//! 31(2), 2019, doi:10.1162/neco_a_01157, algorithm 3 with projection (hp = 3), the other factor first. Their restart
//! goes back to (X̄, Ȳ) and compares with the iteration before; to go back to the best pair takes as many passes, and
//! cannot leave the reference above what has been reached. Momentum that begins anew when the objective rises: O'Donoghue &
//! Candès, Adaptive restart for accelerated gradient schemes, Foundations of Computational Mathematics 15, 2015,
//! doi:10.1007/s10208-013-9150-3.

use super::lines::{Role, Space};
use crate::state::{State, state};
use crate::{Error, Loss};

/// β at the start.
const BETA: f64 = 0.5;
/// What a restart divides β by.
const ETA: f64 = 1.5;
/// Growth of β, and of its limit, with every iteration that is accepted.
const GAMMA: f64 = 1.01;
/// β at a start that is near to a minimum already, and its growth.
const BETA_NEAR: f64 = 0.2;
const GAMMA_NEAR: f64 = 1.05;
const GAMMA_OF_LIMIT: f64 = 1.005;
/// How many iterations momentum takes to be ½; of both factors at once, which sooner would carry into higher minima.
const DELAY: f64 = 1.5;
const JOINT_DELAY: f64 = 12.0;

/// Iterations of the plain rule at first: of coordinate descent, of Newton's steps, and of multiplicative updates where those
/// of exponent 1 descend, and where it takes a smaller one.
const PLAIN: u32 = 5;
const PLAIN_NEWTON: u32 = 50;
const PLAIN_WHOLE: u32 = 10;
const PLAIN_ROOT: u32 = 60;

/// So many restarts in a row leave less than a hundredth of β.
const MOST_IN_A_ROW: u32 = 12;

/// With momentum, the third restart in a row is of the plain rule at its most careful.
const MOST_WITH_MOMENTUM: u32 = 3;

/// How β moves.
#[derive(Clone, Copy, Debug)]
enum Pace {
    /// By a factor, under a limit that remembers what went wrong; `before` is β an iteration ago.
    Growing { limit: f64, growth: f64, before: f64 },
    /// t/(t + delay) after t iterations in a row that were accepted.
    Momentum { accepted: u32, delay: f64 },
}

/// What the objective of an iteration says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is the lowest so far, to rounding; or nothing is extrapolated.
    Accepted,
    /// It rose: the next iteration goes back to the best pair of factors.
    Restarted,
    /// It rose so often in a row that the plain rule itself, which descends, has stopped to: nothing but rounding is left.
    Stuck,
}

/// β, what decides it, and the verdict on the last iteration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    pub beta: f64,
    /// Whether the last iteration was accepted, until the factors have been settled by it.
    accepted: Option<bool>,
    pace: Pace,
    /// The lowest objective so far.
    best: f64,
    /// Restarts one after another.
    in_a_row: u32,
    /// Iterations of the plain rule still to come.
    plain: u32,
    rescales: bool,
}

state!(Schedule: beta, accepted, pace, best, in_a_row, plain, rescales);

impl State for Pace {
    fn save(&self, to: &mut Vec<u8>) {
        match self {
            Self::Growing { limit, growth, before } => [*limit, *growth, *before].save(to),
            Self::Momentum { accepted, delay } => (*accepted, *delay).save(to),
        }
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        match self {
            Self::Growing { limit, growth, before } => {
                let mut all = [0.0; 3];
                all.restore(from)?;
                [*limit, *growth, *before] = all;
            }
            Self::Momentum { accepted, delay } => {
                accepted.restore(from)?;
                delay.restore(from)?;
            }
        }
        Ok(())
    }
}

impl Schedule {
    /// Of coordinate descent.
    pub fn new() -> Self {
        Self::growing(BETA, GAMMA, PLAIN)
    }

    /// Of Newton's steps.
    pub fn newton() -> Self {
        Self::growing(BETA, GAMMA, PLAIN_NEWTON)
    }

    /// From a start that is near to a minimum already.
    pub fn near() -> Self {
        Self::growing(BETA_NEAR, GAMMA_NEAR, 0)
    }

    /// From another β, with its growth, after `plain` iterations of the plain rule.
    pub fn growing(from: f64, growth: f64, plain: u32) -> Self {
        let pace = Pace::Growing { limit: 1.0, growth, before: from };
        let beta = if plain > 0 { 0.0 } else { from };
        Self { beta, accepted: None, pace, best: f64::INFINITY, in_a_row: 0, plain, rescales: true }
    }

    /// β from 0 towards 1, and after a restart again; of multiplicative updates.
    pub fn momentum(loss: Loss) -> Self {
        Self::delayed(DELAY, if loss.exponent() < 1.0 { PLAIN_ROOT } else { PLAIN_WHOLE })
    }

    /// The same for both factors at once.
    pub fn joint() -> Self {
        Self { rescales: false, ..Self::delayed(JOINT_DELAY, 0) }
    }

    fn delayed(delay: f64, plain: u32) -> Self {
        let pace = Pace::Momentum { accepted: 0, delay };
        Self { beta: 0.0, accepted: None, pace, best: f64::INFINITY, in_a_row: 0, plain, rescales: true }
    }

    /// The verdict on the iteration that ended at `objective`, known to `rounding`. Moves β.
    pub fn judge(&mut self, objective: f64, rounding: f64) -> Verdict {
        let accepted = self.moved(objective, rounding);
        self.accepted = Some(accepted);
        match accepted {
            true => Verdict::Accepted,
            false if self.in_a_row >= self.most_in_a_row() => Verdict::Stuck,
            false => Verdict::Restarted,
        }
    }

    /// Whether the last iteration was accepted; nothing, if it has been asked since.
    pub fn take_accepted(&mut self) -> Option<bool> {
        self.accepted.take()
    }

    /// The iteration at hand does not count: the factors go back to the best pair, unless they are that and it has not begun.
    pub fn abandon(&mut self) {
        self.accepted = self.accepted.or(Some(false));
    }

    /// Moves β by an objective; whether that is accepted.
    fn moved(&mut self, objective: f64, rounding: f64) -> bool {
        // also what is no number is no success
        let accepted = objective <= self.best + rounding && objective.is_finite();
        if accepted {
            self.in_a_row = 0;
            self.best = self.best.min(objective);
        } else {
            self.in_a_row += 1;
        }
        if self.plain > 0 {
            self.plain -= 1;
            if let (0, Pace::Growing { before, .. }) = (self.plain, &self.pace) {
                self.beta = *before;
            }
            return accepted;
        }
        self.beta = match &mut self.pace {
            Pace::Growing { limit, growth, before } => {
                let beta = std::mem::replace(before, self.beta);
                if accepted {
                    let next = limit.min(*growth * self.beta);
                    *limit = (GAMMA_OF_LIMIT * *limit).min(1.0);
                    next
                } else {
                    *limit = beta;
                    self.beta / ETA
                }
            }
            Pace::Momentum { accepted: count, delay } => {
                *count = if accepted { *count + 1 } else { 0 };
                f64::from(*count) / (f64::from(*count) + *delay)
            }
        };
        accepted
    }

    fn most_in_a_row(&self) -> u32 {
        match self.pace {
            Pace::Growing { .. } => MOST_IN_A_ROW,
            Pace::Momentum { .. } => MOST_WITH_MOMENTUM,
        }
    }

    /// Whether what is extrapolated are entries or their logarithms.
    pub fn space(&self) -> Space {
        match self.pace {
            Pace::Growing { .. } => Space::Linear,
            Pace::Momentum { .. } => Space::Log,
        }
    }

    /// The role of W, or of H, which is updated second.
    pub fn role(&self, of_h: bool) -> Role {
        match self.pace {
            Pace::Growing { .. } if of_h => Role::Second,
            Pace::Growing { .. } => Role::First,
            Pace::Momentum { .. } => Role::Either,
        }
    }

    /// Whether the factor that is updated first is brought to the scale of what it is updated against. Both at once do not
    /// answer to each other's scale: momentum alone carries a change of it on, and it dies away.
    pub fn rescales(&self) -> bool {
        self.rescales
    }

    /// Whether the iteration at hand is the plain rule's.
    pub fn is_plain(&self) -> bool {
        self.plain > 0
    }

    /// Whether a rule that descends is to take the place of one that promises nothing: where that has failed by itself, and at
    /// first, when the plain rule is asked for or there is nothing to compare with.
    pub fn is_careful(&self) -> bool {
        self.is_plain() || self.in_a_row >= 2 || self.best == f64::INFINITY
    }
}
