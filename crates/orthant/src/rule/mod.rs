//! Update rules: new rows of a factor from their numerators and the other factor's Gram matrix.
//!
//! One rule serves both factors: rows of W from (V·Hᵀ, HHᵀ), columns of H from (VᵀW, WᵀW).

use orthant_kernel::Real;
use orthant_kernel::rows::Step;

pub use coordinate::{Coordinate, sweeps};
pub use multiplicative::Multiplicative;

mod coordinate;
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
    /// Sweeps over the coordinates, for rules that sweep.
    pub sweeps: usize,
}

/// A row-wise update for a quadratic loss.
pub trait Rule<T: Real>: Sync {
    /// Updates rows X (rows×k) given numerators A (rows×k, rows `a_stride` apart), adding to `step` row by row.
    ///
    /// A row's result must not depend on the rows beside it. `scratch` holds
    /// the kernel's [`scratch_len`](orthant_kernel::rows::scratch_len) or rows·k elements, whichever is more.
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
