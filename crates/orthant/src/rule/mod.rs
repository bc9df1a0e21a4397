//! Update rules: new rows of a factor from their numerators and the other factor's Gram matrix.
//!
//! One rule serves both factors: rows of W from (V·Hᵀ, HHᵀ), columns of H from (VᵀW, WᵀW).

use orthant_kernel::Real;
use orthant_kernel::rows::Step;

pub use coordinate::{Coordinate, sweeps};
pub(crate) use majorizer::Majorizer;
pub use multiplicative::Multiplicative;

mod coordinate;
mod majorizer;
mod multiplicative;

/// What a half-step knows: the other factor's Gram matrix with the L2 weight on its diagonal, and the L1 weight.
#[derive(Clone, Copy, Debug)]
pub struct Half<'a, T> {
    /// k×k, compact.
    pub gram: &'a [T],
    /// Its diagonal, k long.
    pub diagonal: &'a [T],
    /// L1 weight.
    pub l1: T,
    /// L2 weight, which the diagonal holds already.
    pub l2: T,
    /// The coordinates in the order of their turns, for rules that take them in turn.
    pub order: &'a [usize],
    /// Sweeps over the coordinates, for rules that sweep.
    pub sweeps: usize,
}

/// A row-wise update for a quadratic loss.
pub trait Rule<T: Real>: Send + Sync {
    /// Called before each half-step, once, for what all rows share.
    fn prepare(&mut self, _half: &Half<'_, T>) {}

    /// Elements of scratch that `rows` rows of k need.
    fn scratch_len(&self, rows: usize, k: usize) -> usize {
        scratch_len(rows, k)
    }

    /// Half-steps and rows that needed a regularised Gram matrix so far.
    fn regularized(&self) -> usize {
        0
    }

    /// Updates rows X (rows×k) given numerators A (rows×k, rows `a_stride` apart), adding to `step` row by row.
    ///
    /// A row's result must not depend on the rows beside it. `scratch` holds
    /// [`scratch_len`](Self::scratch_len) elements.
    fn update(
        &self,
        x: &mut [T],
        a: &[T],
        a_stride: usize,
        half: &Half<'_, T>,
        scratch: &mut [T],
        step: &mut Step,
    );
}

/// Scratch that any rule needs for `rows` rows of k.
pub(crate) fn scratch_len(rows: usize, k: usize) -> usize {
    orthant_kernel::rows::scratch_len(k).max(rows * k)
}
