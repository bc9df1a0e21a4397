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
//! For [divergences](crate::ratio) Newton's steps are extrapolated in the same way; F(X̂, Y') is what they tell on the way.
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
//! [Both factors at once](crate::joint) go ahead in the same way, with t/(t + 12). The rule is the power 3/2 of the step, but
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

use std::ops::Range;

use orthant_kernel::{Buffer, Isa, divergence};

use crate::reduce::{Lanes, Slots, cuts};
use crate::{Loss, Real};

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

/// What is left at least of an entry that is extrapolated.
const LEAST: f64 = 1.0 / 1024.0;

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
        Self { beta, accepted: None, pace, best: f64::INFINITY, in_a_row: 0, plain }
    }

    /// β from 0 towards 1, and after a restart again; of multiplicative updates.
    pub fn momentum(loss: Loss) -> Self {
        Self::delayed(DELAY, if loss.exponent() < 1.0 { PLAIN_ROOT } else { PLAIN_WHOLE })
    }

    /// The same for both factors at once.
    pub fn joint() -> Self {
        Self::delayed(JOINT_DELAY, 0)
    }

    fn delayed(delay: f64, plain: u32) -> Self {
        let pace = Pace::Momentum { accepted: 0, delay };
        Self { beta: 0.0, accepted: None, pace, best: f64::INFINITY, in_a_row: 0, plain }
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

/// Which of the factors an iteration updates first, where the objective is of (X̂, Y'); or that it is of (X̂, Ŷ).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    First,
    Second,
    /// Both are judged where the next updates start.
    Either,
}

/// What is extrapolated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Along {
    /// The difference, as above; what is left of an entry is a 1024th.
    Difference,
    /// Its logarithm: X̂ = X'·(X'/X̄)^β, which stays positive; the quotient as 1/1024 to 1024.
    Ratio,
}

/// The copies that are kept of one factor, beside its x.
///
/// | | x after an update | `point` | `accepted` | `next` |
/// |---|---|---|---|---|
/// | first | X̂, new | X̂ of the best pair | X̄ | X' |
/// | second | Y' | Ŷ | Ȳ, also of the best pair | |
/// | either | X̂, new | X̂ before, of the best pair | X̄ | X' |
#[derive(Debug)]
pub(crate) struct Trail<T> {
    pub turn: Turn,
    along: Along,
    point: Buffer<T>,
    accepted: Buffer<T>,
    next: Buffer<T>,
    /// At the start and after a restart both factors are those of the best pair, and nothing is known of a direction.
    fresh: bool,
    beta: f64,
    /// What positive entries go to at least, along their logarithms.
    least: T,
    /// The sizes of the other factor's components that `accepted` was updated against, those of the update at hand, and their
    /// quotients: what brings `accepted` to the scale of the updated rows. All 1 where it is not to be rescaled.
    rescaled: bool,
    met: Vec<f64>,
    meets: Vec<f64>,
    by: Vec<T>,
    /// Gram matrices of `accepted` and of `point`, where they are the other factor's business.
    pub accepted_gram: Vec<T>,
    pub point_gram: Vec<T>,
}

impl<T: Real> Trail<T> {
    /// From `x`, rows of k. What was accepted is `rescaled` where nothing but the other factor fixes a component's scale, and
    /// this is the factor that an iteration updates first.
    pub fn new(turn: Turn, along: Along, x: &[T], k: usize, beta: f64, rescaled: bool) -> Self {
        let like = |kept: bool| Buffer::zeros(if kept { x.len() } else { 0 });
        let (first, second) = (turn != Turn::Second, turn == Turn::Second);
        let gram = || vec![T::ZERO; if second { k * k } else { 0 }];
        Self {
            turn,
            along,
            point: if first { x.to_vec().into() } else { like(true) },
            accepted: if second { x.to_vec().into() } else { like(true) },
            next: like(first),
            fresh: true,
            beta,
            least: T::ZERO,
            rescaled,
            met: vec![0.0; k],
            meets: vec![0.0; k],
            by: vec![T::ONE; k],
            accepted_gram: gram(),
            point_gram: gram(),
        }
    }

    /// With entries that go no lower, so that their products stay normal numbers.
    #[must_use]
    pub fn at_least(self, least: T) -> Self {
        Self { least, ..self }
    }

    /// What the other factor is updated against: the rows, unless they are x, and their Gram matrix likewise.
    pub fn seen(&self) -> Option<(&[T], &[T])> {
        match (self.turn, self.fresh) {
            (Turn::First | Turn::Either, _) => None,
            (Turn::Second, true) => Some((&self.accepted, &self.accepted_gram)),
            (Turn::Second, false) => Some((&self.point, &self.point_gram)),
        }
    }

    /// Before an update against components of these sizes.
    pub fn meet(&mut self, sizes: impl Iterator<Item = f64>) {
        if !self.rescaled {
            return;
        }
        // what a restart goes back to has the scale of what it meets
        let alike = self.fresh;
        self.meets.iter_mut().zip(sizes).for_each(|(meets, size)| *meets = size);
        for ((by, met), meets) in self.by.iter_mut().zip(&self.met).zip(&self.meets) {
            let quotient = T::from_f64(met / meets);
            *by = if !alike && quotient > T::ZERO && quotient.is_finite() { quotient } else { T::ONE };
        }
    }

    /// Gives the copies the roles that they have after an iteration.
    pub fn settle(&mut self, x: &mut Buffer<T>, gram: &mut Vec<T>, accepted: bool, beta: f64) {
        self.fresh = !accepted;
        self.beta = beta;
        if !accepted {
            if self.turn == Turn::Either {
                std::mem::swap(&mut self.point, x);
            }
            return;
        }
        std::mem::swap(&mut self.met, &mut self.meets);
        match self.turn {
            Turn::Either => std::mem::swap(&mut self.accepted, &mut self.next),
            Turn::First => {
                std::mem::swap(&mut self.accepted, &mut self.next);
                std::mem::swap(&mut self.point, x);
            }
            Turn::Second => {
                std::mem::swap(&mut self.accepted, x);
                std::mem::swap(&mut self.accepted_gram, gram);
            }
        }
    }

    /// The best pair's rows, given those of the last iteration and whether it was accepted.
    pub fn best(self, x: Buffer<T>, accepted: bool) -> Buffer<T> {
        match (accepted, self.turn) {
            (true, _) => x,
            (false, Turn::First | Turn::Either) => self.point,
            (false, Turn::Second) => self.accepted,
        }
    }
}

/// Some rows of a factor with their copies. Without a [`Trail`] nothing happens to them but updates.
#[derive(Debug)]
pub(crate) struct Lines<'a, T> {
    pub x: &'a mut [T],
    point: &'a mut [T],
    accepted: &'a mut [T],
    next: &'a mut [T],
    how: Option<How<'a, T>>,
}

#[derive(Clone, Copy, Debug)]
struct How<'a, T> {
    turn: Turn,
    along: Along,
    fresh: bool,
    beta: f64,
    least: T,
    by: &'a [T],
}

impl<T: Real> Lines<'_, T> {
    /// Those rows of them, given as elements.
    pub fn part(&mut self, range: Range<usize>) -> Lines<'_, T> {
        fn cut<T>(all: &mut [T], range: Range<usize>) -> &mut [T] {
            if all.is_empty() { all } else { &mut all[range] }
        }
        Lines {
            x: &mut self.x[range.clone()],
            point: cut(self.point, range.clone()),
            accepted: cut(self.accepted, range.clone()),
            next: cut(self.next, range),
            how: self.how,
        }
    }

    /// Puts x where its update starts.
    pub fn begin(&mut self) {
        match self.how {
            None => {}
            Some(How { turn: Turn::Either, .. }) => self.point.copy_from_slice(self.x),
            Some(How { turn: Turn::Second, fresh: true, .. }) => self.x.copy_from_slice(self.accepted),
            Some(_) => self.x.copy_from_slice(self.point),
        }
    }

    /// Extrapolates from the updated x.
    pub fn end(&mut self, isa: Isa) {
        let Some(How { turn, along, fresh, beta, least, by }) = self.how else { return };
        let (to, from) = match turn {
            Turn::Second => {
                self.point.copy_from_slice(self.x);
                (&mut *self.point, &*self.accepted)
            }
            Turn::First | Turn::Either => {
                self.next.copy_from_slice(self.x);
                (&mut *self.x, if fresh { &*self.point } else { &*self.accepted })
            }
        };
        match along {
            _ if beta == 0.0 => {}
            Along::Difference => {
                let (beta, left) = (T::from_f64(beta), T::from_f64(LEAST));
                for (to, from) in to.chunks_exact_mut(by.len()).zip(from.chunks_exact(by.len())) {
                    for ((x, &from), &by) in to.iter_mut().zip(from).zip(by) {
                        *x = (*x + beta * (*x - by * from)).max(*x * left);
                    }
                }
            }
            Along::Ratio => {
                divergence::ahead(isa, to, from, by, beta);
                to.iter_mut().filter(|x| **x < least && **x > T::ZERO).for_each(|x| *x = least);
            }
        }
    }

    /// The rows that the objective is of: x, or where it was not `updated`, those of the best pair.
    pub fn current(&self, updated: bool) -> &[T] {
        match self.how {
            Some(How { turn: Turn::Second, .. }) if !updated => self.accepted,
            _ => self.x,
        }
    }

    /// The rows that the other factor will be updated against.
    pub fn seen(&self, updated: bool) -> &[T] {
        match self.how {
            Some(How { turn: Turn::Second, .. }) if updated => self.point,
            _ => self.current(updated),
        }
    }

    /// The rows as the last update made them, whatever they were extrapolated to.
    pub fn updated(&self) -> &[T] {
        match self.how {
            Some(How { turn: Turn::First | Turn::Either, .. }) => self.next,
            _ => self.x,
        }
    }

    /// Whether those are other rows.
    pub fn looks_ahead(&self, updated: bool) -> bool {
        updated && matches!(self.how, Some(How { turn: Turn::Second, .. }))
    }
}

/// Cuts a factor into the lanes' rows.
pub(crate) fn split_lines<'a, T: Real>(
    x: &'a mut [T],
    trail: Option<&'a mut Trail<T>>,
    k: usize,
    lanes: &Lanes,
) -> Slots<Lines<'a, T>> {
    let (mut point, mut accepted, mut next): (&mut [T], &mut [T], &mut [T]) = Default::default();
    let how = trail.map(|trail| {
        let Trail { turn, along, fresh, beta, least, .. } = *trail;
        (point, accepted, next) = (&mut trail.point, &mut trail.accepted, &mut trail.next);
        How { turn, along, fresh, beta, least, by: &trail.by }
    });
    let [mut x, mut point, mut accepted, mut next] =
        [x, point, accepted, next].map(|all| cuts(all, k, lanes));
    Slots::new(lanes.count(), |l| Lines {
        x: x(l),
        point: point(l),
        accepted: accepted(l),
        next: next(l),
        how,
    })
}
