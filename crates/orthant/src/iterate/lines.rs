//! The rows of a factor with the copies that [extrapolation](super::extrapolation) keeps of them.

use std::ops::Range;

use orthant_kernel::{Buffer, Isa, Real, allocate, divergence};

use crate::Error;
use crate::lanes::Lanes;
use crate::ranks::Ranks;
use crate::reduce::{Slots, cuts};
use crate::state::state;

/// What is left at least of an entry that is extrapolated.
const LEAST: f64 = 1.0 / 1024.0;

/// Whether an iteration updates a factor first or second, where the objective is of (X̂, Y'); or that it is of (X̂, Ŷ).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    First,
    Second,
    /// Both are judged where the next updates start.
    Either,
}

/// Whether entries are extrapolated themselves or by their logarithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    /// Themselves; at least a 1024th of an entry is left.
    Linear,
    /// X̂ = X'·(X'/X̄)^β, which stays positive; the quotient as 1/1024 to 1024.
    Log,
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
    pub role: Role,
    space: Space,
    point: Buffer<T>,
    accepted: Buffer<T>,
    next: Buffer<T>,
    /// Whether `point` holds what the iteration at hand starts from, as its update has begun; else that is x.
    pub begun: bool,
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

/// Bytes of the copies of a factor with so many rows, in that role.
pub(super) fn copies_bytes<T: Real>(role: Role, rows: usize, k: usize) -> usize {
    let (copies, grams) = if role == Role::Second { (2, 2) } else { (3, 0) };
    copies * Buffer::<T>::bytes(rows * k) + (grams * k * k + k) * size_of::<T>() + 2 * k * size_of::<f64>()
}

impl<T: Real> Trail<T> {
    /// From `x`, rows of k. What was accepted is `rescaled` where nothing but the other factor fixes a component's scale, and
    /// this is the factor that an iteration updates first.
    pub fn new(role: Role, space: Space, x: &[T], k: usize, beta: f64, rescaled: bool) -> Self {
        let like = |kept: bool| Buffer::zeros(if kept { x.len() } else { 0 });
        let (first, second) = (role != Role::Second, role == Role::Second);
        let gram = || allocate::filled(if second { k * k } else { 0 }, T::ZERO);
        Self {
            role,
            space,
            point: if first { x.into() } else { like(true) },
            accepted: if second { x.into() } else { like(true) },
            next: like(first),
            begun: true,
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

    /// Completes the copies of rows of which each rank has those of its lanes.
    pub fn gather(&mut self, ranks: &Ranks, k: usize, lanes: &Lanes) -> Result<(), Error> {
        let copies = [&mut self.point, &mut self.accepted, &mut self.next];
        copies.into_iter().try_for_each(|copy| ranks.gather(copy, k, lanes))
    }

    /// With entries that go no lower, so that their products stay normal numbers.
    #[must_use]
    pub fn at_least(self, least: T) -> Self {
        Self { least, ..self }
    }

    /// What the other factor is updated against: the rows, unless they are x, and their Gram matrix likewise.
    pub fn operand(&self) -> Option<(&[T], &[T])> {
        match (self.role, self.fresh) {
            (Role::First | Role::Either, _) => None,
            (Role::Second, true) => Some((&self.accepted, &self.accepted_gram)),
            (Role::Second, false) => Some((&self.point, &self.point_gram)),
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
    pub fn begin_iteration(&mut self, x: &mut Buffer<T>, gram: &mut Vec<T>, accepted: bool, beta: f64) {
        (self.begun, self.fresh) = (false, !accepted);
        self.beta = beta;
        if !accepted {
            if self.role == Role::Either {
                std::mem::swap(&mut self.point, x);
            }
            return;
        }
        std::mem::swap(&mut self.met, &mut self.meets);
        match self.role {
            Role::Either => std::mem::swap(&mut self.accepted, &mut self.next),
            Role::First => {
                std::mem::swap(&mut self.accepted, &mut self.next);
                std::mem::swap(&mut self.point, x);
            }
            Role::Second => {
                std::mem::swap(&mut self.accepted, x);
                std::mem::swap(&mut self.accepted_gram, gram);
            }
        }
    }

    /// The best pair's rows, given those of the last iteration and whether it was accepted.
    pub fn best(self, x: Buffer<T>, accepted: bool) -> Buffer<T> {
        match (accepted, self.role) {
            (true, _) => x,
            (false, Role::Either) if !self.begun => x,
            (false, Role::First | Role::Either) => self.point,
            (false, Role::Second) => self.accepted,
        }
    }
}

// the sizes that were met before, and the quotients, are those of an update that is done
state!(Trail<T>: point, accepted, next, fresh, beta, meets, accepted_gram, point_gram);

/// Some rows of a factor with their copies. Without a [`Trail`] nothing happens to them but updates.
#[derive(Debug)]
pub(crate) struct Lines<'a, T> {
    pub x: &'a mut [T],
    point: &'a mut [T],
    accepted: &'a mut [T],
    next: &'a mut [T],
    motion: Option<Motion<'a, T>>,
    /// Whether x is that of an update since.
    updated: bool,
}

/// How rows are extrapolated.
#[derive(Clone, Copy, Debug)]
struct Motion<'a, T> {
    role: Role,
    space: Space,
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
            motion: self.motion,
            updated: self.updated,
        }
    }

    /// Puts x where its update starts.
    pub fn begin(&mut self) {
        match self.motion {
            None => {}
            Some(Motion { role: Role::Either, .. }) => self.point.copy_from_slice(self.x),
            Some(Motion { role: Role::Second, fresh: true, .. }) => self.x.copy_from_slice(self.accepted),
            Some(_) => self.x.copy_from_slice(self.point),
        }
    }

    /// Extrapolates from the updated x.
    pub fn end(&mut self, isa: Isa) {
        self.updated = true;
        let Some(Motion { role, space, fresh, beta, least, by }) = self.motion else { return };
        let (to, from) = match role {
            Role::Second => {
                self.point.copy_from_slice(self.x);
                (&mut *self.point, &*self.accepted)
            }
            Role::First | Role::Either => {
                self.next.copy_from_slice(self.x);
                (&mut *self.x, if fresh { &*self.point } else { &*self.accepted })
            }
        };
        match space {
            _ if beta == 0.0 => {}
            Space::Linear => {
                let (beta, left) = (T::from_f64(beta), T::from_f64(LEAST));
                for (to, from) in to.chunks_exact_mut(by.len()).zip(from.chunks_exact(by.len())) {
                    for ((x, &from), &by) in to.iter_mut().zip(from).zip(by) {
                        *x = (*x + beta * (*x - by * from)).max(*x * left);
                    }
                }
            }
            Space::Log => {
                divergence::ahead(isa, to, from, by, beta);
                to.iter_mut().filter(|x| **x < least && **x > T::ZERO).for_each(|x| *x = least);
            }
        }
    }

    /// The rows that were extrapolated to; those that were updated where nothing is extrapolated.
    pub fn extrapolated(&mut self) -> &mut [T] {
        if self.differ() { self.point } else { self.x }
    }

    /// The rows that the objective is of: x, or where it was not updated, those of the best pair.
    pub fn current(&self) -> &[T] {
        match self.motion {
            Some(Motion { role: Role::Second, .. }) if !self.updated => self.accepted,
            _ => self.x,
        }
    }

    /// The rows that the other factor will be updated against.
    pub fn operand(&self) -> &[T] {
        if self.differ() { self.point } else { self.current() }
    }

    /// Whether those are other rows.
    pub fn differ(&self) -> bool {
        self.updated && matches!(self.motion, Some(Motion { role: Role::Second, .. }))
    }

    /// The rows as the last update made them, whatever they were extrapolated to.
    pub fn updated(&self) -> &[T] {
        match self.motion {
            Some(Motion { role: Role::First | Role::Either, .. }) => self.next,
            _ => self.x,
        }
    }
}

/// Rows without copies, cut into the lanes' rows.
pub(super) fn plain_lines<'a, T: Real>(x: &'a mut [T], k: usize, lanes: &Lanes) -> Slots<Lines<'a, T>> {
    split_lines(x, None, k, lanes)
}

/// Cuts a factor into the lanes' rows.
pub(crate) fn split_lines<'a, T: Real>(
    x: &'a mut [T],
    trail: Option<&'a mut Trail<T>>,
    k: usize,
    lanes: &Lanes,
) -> Slots<Lines<'a, T>> {
    let (mut point, mut accepted, mut next): (&mut [T], &mut [T], &mut [T]) = Default::default();
    let motion = trail.map(|trail| {
        let Trail { role, space, fresh, beta, least, .. } = *trail;
        (point, accepted, next) = (&mut trail.point, &mut trail.accepted, &mut trail.next);
        Motion { role, space, fresh, beta, least, by: &trail.by }
    });
    let [mut x, mut point, mut accepted, mut next] =
        [x, point, accepted, next].map(|all| cuts(all, k, lanes));
    Slots::new(lanes.count(), |l| Lines {
        x: x(l),
        point: point(l),
        accepted: accepted(l),
        next: next(l),
        motion,
        updated: false,
    })
}
