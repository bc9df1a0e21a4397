//! Extrapolation of both factors, with restarts: fewer passes over V to a given loss.
//!
//! With X the factor that an iteration updates first and Y the other one, X̂ and Ŷ where their updates start, and Ȳ the
//! last Y that was accepted (X̄ likewise):
//!
//! ```text
//! X' = rule(X̂; Ŷ)      X̂ ← [X' + β(X' − X̄)]₊
//! Y' = rule(Ŷ; X̂)      Ŷ ← [Y' + β(Y' − Ȳ)]₊
//! F(X̂, Y') above the best so far by more than its rounding:
//!     back to the best pair,  β̄ ← the β before,  β ← β/1.5
//! otherwise it is the best pair:
//!     X̄ ← X', Ȳ ← Y',  β ← min(β̄, 1.01·β),  β̄ ← min(1, 1.005·β̄)
//! ```
//!
//! F(X̂, Y') costs nothing: it follows from the sums that the update of Y takes. β starts at ½; after a start on a sample
//! at ⅕, and grows by 1.05: where the plain rule is fast as it is, near a minimum, more only carries it past.
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
//! cannot leave the reference above what has been reached.

use std::ops::Range;

use orthant_kernel::{Buffer, Real};

use crate::reduce::{Lanes, Slots, cuts};

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

/// So many restarts in a row leave less than a hundredth of β.
const MOST_IN_A_ROW: u32 = 12;

/// β, and what decides it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    pub beta: f64,
    limit: f64,
    growth: f64,
    /// β an iteration ago.
    before: f64,
    /// The lowest objective so far.
    best: f64,
    /// Restarts one after another.
    in_a_row: u32,
}

impl Schedule {
    pub fn new() -> Self {
        Self::from(BETA)
    }

    /// From a start that is near to a minimum already.
    pub fn near() -> Self {
        Self { growth: GAMMA_NEAR, ..Self::from(BETA_NEAR) }
    }

    /// From another β.
    pub fn from(beta: f64) -> Self {
        Self { beta, limit: 1.0, growth: GAMMA, before: beta, best: f64::INFINITY, in_a_row: 0 }
    }

    /// Whether the iteration that ended at `objective`, known to `rounding`, is accepted. Moves β.
    pub fn judge(&mut self, objective: f64, rounding: f64) -> bool {
        // also what is no number is no success
        let accepted = objective <= self.best + rounding && objective.is_finite();
        if accepted {
            self.in_a_row = 0;
            self.best = self.best.min(objective);
            self.before = self.beta;
            self.beta = self.limit.min(self.growth * self.beta);
            self.limit = (GAMMA_OF_LIMIT * self.limit).min(1.0);
        } else {
            self.in_a_row += 1;
            self.limit = self.before;
            self.before = self.beta;
            self.beta /= ETA;
        }
        accepted
    }

    /// Whether the plain rule itself, which descends, has stopped to: nothing but rounding is left.
    pub fn is_stuck(&self) -> bool {
        self.in_a_row >= MOST_IN_A_ROW
    }
}

/// Which of the factors an iteration updates first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    First,
    Second,
}

/// The copies that are kept of one factor, beside its x.
///
/// | | x after an update | `point` | `accepted` | `next` |
/// |---|---|---|---|---|
/// | first | X̂, new | X̂ of the best pair | X̄ | X' |
/// | second | Y' | Ŷ | Ȳ, also of the best pair | |
#[derive(Debug)]
pub(crate) struct Trail<T> {
    pub turn: Turn,
    point: Buffer<T>,
    accepted: Buffer<T>,
    next: Buffer<T>,
    /// At the start and after a restart both factors are those of the best pair, and nothing is known of a direction.
    fresh: bool,
    beta: T,
    /// Gram matrices of `accepted` and of `point`, where they are the other factor's business.
    pub accepted_gram: Vec<T>,
    pub point_gram: Vec<T>,
}

impl<T: Real> Trail<T> {
    /// From `x`, rows of k.
    pub fn new(turn: Turn, x: &[T], k: usize, beta: f64) -> Self {
        let like = |kept: bool| Buffer::zeros(if kept { x.len() } else { 0 });
        let (first, second) = (turn == Turn::First, turn == Turn::Second);
        let gram = || vec![T::ZERO; if second { k * k } else { 0 }];
        Self {
            turn,
            point: if first { x.to_vec().into() } else { like(true) },
            accepted: if second { x.to_vec().into() } else { like(true) },
            next: like(first),
            fresh: true,
            beta: T::from_f64(beta),
            accepted_gram: gram(),
            point_gram: gram(),
        }
    }

    /// What the other factor is updated against: the rows, unless they are x, and their Gram matrix likewise.
    pub fn seen(&self) -> Option<(&[T], &[T])> {
        match (self.turn, self.fresh) {
            (Turn::First, _) => None,
            (Turn::Second, true) => Some((&self.accepted, &self.accepted_gram)),
            (Turn::Second, false) => Some((&self.point, &self.point_gram)),
        }
    }

    /// Gives the copies the roles that they have after an iteration.
    pub fn settle(&mut self, x: &mut Buffer<T>, gram: &mut Vec<T>, accepted: bool, beta: f64) {
        self.fresh = !accepted;
        self.beta = T::from_f64(beta);
        if !accepted {
            return;
        }
        match self.turn {
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
            (false, Turn::First) => self.point,
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
    how: Option<(Turn, bool, T)>,
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
            Some((Turn::Second, true, _)) => self.x.copy_from_slice(self.accepted),
            Some(_) => self.x.copy_from_slice(self.point),
        }
    }

    /// Extrapolates from the updated x.
    pub fn end(&mut self) {
        let ahead = |x: T, from: T, beta: T| (x + beta * (x - from)).max(T::ZERO);
        match self.how {
            None => {}
            Some((Turn::First, fresh, beta)) => {
                self.next.copy_from_slice(self.x);
                let from = if fresh { &*self.point } else { &*self.accepted };
                self.x.iter_mut().zip(from).for_each(|(x, &from)| *x = ahead(*x, from, beta));
            }
            Some((Turn::Second, _, beta)) => {
                for ((to, &x), &from) in self.point.iter_mut().zip(&*self.x).zip(&*self.accepted) {
                    *to = ahead(x, from, beta);
                }
            }
        }
    }

    /// The rows that the objective is of: x, or where it was not `updated`, those of the best pair.
    pub fn current(&self, updated: bool) -> &[T] {
        match self.how {
            Some((Turn::Second, ..)) if !updated => self.accepted,
            _ => self.x,
        }
    }

    /// The rows that the other factor will be updated against.
    pub fn seen(&self, updated: bool) -> &[T] {
        match self.how {
            Some((Turn::Second, ..)) if updated => self.point,
            _ => self.current(updated),
        }
    }

    /// Whether those are other rows.
    pub fn looks_ahead(&self, updated: bool) -> bool {
        updated && matches!(self.how, Some((Turn::Second, ..)))
    }
}

/// Cuts a factor into the lanes' rows.
pub(crate) fn split_lines<'a, T: Real>(
    x: &'a mut [T],
    trail: Option<&'a mut Trail<T>>,
    k: usize,
    lanes: &Lanes,
) -> Slots<Lines<'a, T>> {
    let how = trail.as_ref().map(|trail| (trail.turn, trail.fresh, trail.beta));
    let (mut point, mut accepted, mut next): (&mut [T], &mut [T], &mut [T]) = Default::default();
    if let Some(trail) = trail {
        (point, accepted, next) = (&mut trail.point, &mut trail.accepted, &mut trail.next);
    }
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
