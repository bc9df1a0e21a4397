//! Update rules: new rows of a factor from their numerators and the other factor's Gram matrix.
//!
//! One rule serves both factors: rows of W from (V·Hᵀ, HHᵀ), columns of H from (VᵀW, WᵀW).

use orthant_kernel::rows::{self, Step};
use orthant_kernel::{Isa, Real};

use crate::known::Bounds;

pub(crate) use coordinate::{Coordinate, sweeps};
pub(crate) use descriptor::{Descriptor, Losses, Setup, Sweeps};
pub(crate) use majorizer::Majorizer;
pub(crate) use multiplicative::Multiplicative;

pub(crate) mod bounded;
pub(crate) mod cholesky;
pub mod coordinate;
mod descriptor;
pub mod least_squares;
pub mod majorizer;
pub mod multiplicative;
pub mod newton;
pub(crate) mod nnls;
pub mod pivoting;
pub mod projected_gradient;
pub(crate) mod workspaces;

/// The least-squares problem in one factor: the other one's Gram matrix with the L2 weight on its diagonal, and the L1 weight.
#[derive(Clone, Copy, Debug)]
pub struct Subproblem<'a, T> {
    /// k×k, compact.
    pub gram: &'a [T],
    /// Its diagonal, k long.
    pub diagonal: &'a [T],
    /// L1 weight.
    pub l1: T,
    /// The coordinates in the order of their turns, for rules that take them in turn.
    pub order: &'a [usize],
    /// Sweeps over the coordinates, for rules that sweep.
    pub sweeps: usize,
}

/// A row-wise update for a quadratic loss.
pub trait Rule<T: Real>: Send + Sync {
    /// Called before each half-step, once, for what all rows share.
    fn prepare(&mut self, _subproblem: &Subproblem<'_, T>) {}

    /// Elements of scratch that `rows` rows of k need.
    fn scratch_len(&self, rows: usize, k: usize) -> usize {
        scratch_len(rows, k)
    }

    /// Subproblem-steps and rows that needed a regularised Gram matrix so far.
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
        subproblem: &Subproblem<'_, T>,
        scratch: &mut [T],
        step: &mut Step,
    );

    /// The same within bounds as long as X, of an update that [knows them](Descriptor::bounded). Here of a separable majoriser, whose
    /// minimiser is the nearest one within them.
    fn update_within(
        &self,
        x: &mut [T],
        a: &[T],
        a_stride: usize,
        subproblem: &Subproblem<'_, T>,
        bounds: Bounds<'_, T>,
        scratch: &mut [T],
        step: &mut Step,
    ) {
        step.movement = bounded::distance(x, a, a_stride, subproblem, bounds, scratch, step.movement);
        self.update(x, a, a_stride, subproblem, scratch, &mut Step::default());
        bounds.hold(x);
    }
}

/// Scratch that any rule needs for `rows` rows of k.
pub(crate) fn scratch_len(rows: usize, k: usize) -> usize {
    rows::scratch_len(k).max(rows * k)
}

/// Adds to `step` what a coordinate step from X would move, for rules that measure no movement of their own. 2k² flops
/// a row.
fn movement<T: Real>(
    isa: Isa,
    x: &[T],
    a: &[T],
    a_stride: usize,
    subproblem: &Subproblem<'_, T>,
    scratch: &mut [T],
    step: &mut Step,
) {
    let d = &mut scratch[..x.len()];
    rows::products(isa, x, subproblem.gram, subproblem.diagonal.len(), d);
    step.movement = rows::distance(isa, x, a, a_stride, d, subproblem.diagonal, subproblem.l1, step.movement);
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Data, the other factor, and rows to start from.
    pub struct Data {
        /// rows×cols.
        pub v: Vec<f64>,
        /// cols×k.
        pub y: Vec<f64>,
        /// rows×k.
        pub x: Vec<f64>,
    }

    /// SplitMix64 on [0, 1), a third of it put to 0.
    pub fn numbers(seed: u64, count: usize) -> Vec<f64> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 * 2f64.powi(-53)
        };
        (0..count).map(|_| (1.5 * next() - 0.5).max(0.0)).collect()
    }

    pub fn data(rows: usize, cols: usize, k: usize, seed: u64) -> Data {
        Data {
            v: numbers(seed, rows * cols),
            y: numbers(seed ^ 0x1111, cols * k),
            x: numbers(seed ^ 0x2222, rows * k),
        }
    }

    /// YᵀY with l2 on its diagonal, that diagonal, and VY.
    pub fn products(y: &[f64], v: &[f64], k: usize, l2: f64) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let cols = y.len() / k;
        let mut gram: Vec<f64> =
            (0..k * k).map(|at| (0..cols).map(|j| y[j * k + at / k] * y[j * k + at % k]).sum()).collect();
        (0..k).for_each(|t| gram[t * k + t] += l2);
        let diagonal = (0..k).map(|t| gram[t * k + t]).collect();
        let rows = v.len() / cols;
        let a = (0..rows * k)
            .map(|at| (0..cols).map(|j| v[at / k * cols + j] * y[j * k + at % k]).sum())
            .collect();
        (gram, diagonal, a)
    }

    pub fn subproblem<'a>(gram: &'a [f64], diagonal: &'a [f64], l1: f64) -> Subproblem<'a, f64> {
        Subproblem { gram, diagonal, l1, order: &[], sweeps: 1 }
    }

    /// ½‖v − xYᵀ‖² + l1·Σx + ½·l2·‖x‖² of a row, from the residual.
    pub fn objective(y: &[f64], v: &[f64], x: &[f64], l1: f64, l2: f64) -> f64 {
        let k = x.len();
        let fit: f64 = v
            .iter()
            .zip(y.chunks_exact(k))
            .map(|(v, y)| (v - y.iter().zip(x).map(|(y, x)| y * x).sum::<f64>()).powi(2))
            .sum();
        0.5 * fit + x.iter().map(|x| l1 * x + 0.5 * l2 * x * x).sum::<f64>()
    }
}
