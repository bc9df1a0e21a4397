//! The residual itself, and what is left to do.

use std::sync::PoisonError;

use orthant_kernel::{Buffer, Real, rows};

use super::{Pass, Scratch};
use crate::extrapolation::Turn;
use crate::reduce::{lane, split};
use crate::source::{Block, Source};

/// The Gram form of the loss is known to this many ε·‖S‖².
const ROUNDING: f64 = 2.0;

/// Residual and stationarity of the factors as they stand.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Residual {
    /// ‖S − XYᵀ‖², from the residual itself.
    pub squares: f64,
    /// The coordinate steps that remain in X, squared, in the units of S.
    pub movement: f64,
}

impl<T: Real, S: Source<T>> Pass<'_, T, S> {
    /// ‖S − XYᵀ‖² from the residual itself. With `last`, first puts rows of X at 0 whose numerators are all 0 (see
    /// [`clear_empty`](Self::clear_empty)), and takes the steps that remain in X. Reads S once.
    pub(super) fn measure(&mut self, last: bool) -> Residual {
        let (k, isa, layout) = (self.k, self.isa, self.layout);
        let (source, scratch) = (self.source, &self.scratch);
        let half = self.coupling.half(&self.outer.gram, &self.inner);
        let y = &self.outer.x[..];
        let entered = if self.entered.is_empty() { y } else { &self.entered };
        let slots = split(&mut self.inner.x, k, layout.lanes);
        let figures = self.figures.run(
            |l, worker, out| {
                *out = Residual::default();
                let mut x = slots[l].lock().unwrap_or_else(PoisonError::into_inner);
                let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let Scratch { block, a, rule: d, residual } = &mut *scratch;
                let range = lane(source.rows(), layout.lanes, l);
                for (b, x) in x.chunks_mut(layout.block * k).enumerate() {
                    let (start, count) = (range.start + b * layout.block, x.len() / k);
                    let s = source.block(start..start + count, block);
                    if last {
                        let (a, d) = (&mut a[..count * k], &mut d[..count * k]);
                        s.numerators(entered, k, a);
                        clear(x, a, k, k);
                        rows::products(isa, x, half.gram, k, d);
                        out.movement = rows::distance(isa, x, a, k, d, half.diagonal, half.l1, out.movement);
                    }
                    out.squares = s.squared_residual(x, y, k, residual, out.squares);
                }
            },
            |a, b| {
                a.squares += b.squares;
                a.movement += b.movement;
            },
        );
        self.figures.give_back(figures);
        figures
    }

    /// How far a loss may be from the true one. In Gram form what V, the sums and the Gram matrices have of ‖S‖²; else
    /// what the entries of the residual have.
    pub(super) fn rounding(&self, loss: f64) -> f64 {
        let epsilon = T::EPSILON.to_f64();
        if self.exact {
            let entries = epsilon * (self.k as f64 * self.squares).sqrt();
            entries * (2.0 * loss).sqrt() + entries * entries
        } else {
            ROUNDING * epsilon * self.squares
        }
    }

    /// X and Y; extrapolated, the best pair.
    pub fn into_best(mut self) -> (Buffer<T>, Buffer<T>) {
        let accepted = self.verdict.take().unwrap_or(true);
        self.inner.retire(accepted);
        self.outer.retire(accepted);
        (self.inner.x, self.outer.x)
    }

    /// Ends extrapolation with the best pair in place, and the sums that belong to it.
    pub(super) fn retire(&mut self) {
        if self.schedule.take().is_none() {
            return;
        }
        let accepted = self.verdict.take().unwrap_or(true);
        // by columns the last pass summed what the next one would have seen
        let stale = !accepted || self.inner.has_turn(Turn::Second);
        self.inner.retire(accepted);
        self.outer.retire(accepted);
        if stale {
            self.at_the_reduce(false);
            self.pass(false);
        }
    }

    /// The steps that remain in Y, squared, by the sums of the last pass.
    pub(super) fn outer_movement(&mut self) -> f64 {
        let k = self.k;
        let half = self.coupling.half(&self.inner.gram, &self.outer);
        let b = &self.sums.as_ref().expect("a pass came before").b[..];
        let mut scratch = self.scratch[0].lock().unwrap_or_else(PoisonError::into_inner);
        let Scratch { a, rule: d, .. } = &mut *scratch;
        let rows = (d.len().min(a.len()) / k).max(1);
        let mut movement = 0.0;
        for (at, y) in self.outer.x.chunks(rows * k).enumerate() {
            let range = at * rows..at * rows + y.len() / k;
            let (b, stride) = self.source.leave(range, b, k, a);
            let d = &mut d[..y.len()];
            rows::products(self.isa, y, half.gram, k, d);
            movement = rows::distance(self.isa, y, b, stride, d, half.diagonal, half.l1, movement);
        }
        movement
    }

    /// Puts rows of Y at 0 whose numerators are all 0, where 0 is the exact minimiser: columns of S without an entry,
    /// which rounding can keep from vanishing entirely.
    pub(super) fn clear_empty(&mut self) {
        let k = self.k;
        let b = &self.sums.as_ref().expect("a pass came before").b[..];
        let mut scratch = self.scratch[0].lock().unwrap_or_else(PoisonError::into_inner);
        let rows = (scratch.a.len() / k).max(1);
        let mut changed = false;
        for (at, y) in self.outer.x.chunks_mut(rows * k).enumerate() {
            let range = at * rows..at * rows + y.len() / k;
            let (b, stride) = self.source.leave(range, b, k, &mut scratch.a);
            changed |= clear(y, b, stride, k);
        }
        drop(scratch);
        if changed {
            self.at_the_reduce(false);
        }
    }
}

/// Puts rows of X (k long) at 0 where A (`stride` apart) is 0 throughout; whether that changed anything.
fn clear<T: Real>(x: &mut [T], a: &[T], stride: usize, k: usize) -> bool {
    let mut changed = false;
    for (x, a) in x.chunks_exact_mut(k).zip(a.chunks_exact(stride)) {
        if a[..k].iter().all(|&a| a == T::ZERO) {
            changed |= x.iter().any(|&x| x != T::ZERO);
            x.fill(T::ZERO);
        }
    }
    changed
}
