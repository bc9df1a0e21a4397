//! Sources of row blocks: what a pass reads.
//!
//! A source is a matrix S whose rows are cheap to visit in order. That is V itself where its rows are contiguous, and
//! Vᵀ where its columns are; the pass does not know which. Each iteration visits each block once.

use std::ops::Range;

use orthant_kernel::Real;
use orthant_kernel::divergence::Beta;

pub use dense::Dense as DenseSource;

mod dense;

/// A matrix that is visited row block by row block.
///
/// Blocks are worked on inside a worker that holds an accumulator: their methods must not wait for other workers, nor
/// call rayon.
pub trait Source<T: Real>: Sync {
    /// A block of consecutive rows.
    type Block<'a>: Block<T>
    where
        Self: 'a;

    /// Rows of S.
    fn rows(&self) -> usize;
    /// Columns of S.
    fn cols(&self) -> usize;
    /// Elements of scratch that a block of `rows` rows needs.
    fn scratch_len(&self, rows: usize) -> usize;
    /// The rows of `range`, with `scratch` to unfold them in.
    fn block<'a>(&'a self, range: Range<usize>, scratch: &'a mut [T]) -> Self::Block<'a>;
}

/// What a block answers: three products for the quadratic loss, three for divergences.
pub trait Block<T> {
    /// out (rows×k) = S_b·Y, with Y cols×k.
    fn numerators(&self, y: &[T], k: usize, out: &mut [T]);
    /// acc (cols×stride) += S_bᵀ·Z, with Z rows×k and the kernel's
    /// [`accumulator_stride`](orthant_kernel::accumulator_stride).
    fn accumulate(&self, z: &[T], k: usize, acc: &mut [T]);
    /// `sum` + ‖S_b − X·Yᵀ‖², with X rows×k, Y cols×k and the kernel's
    /// [`residual_scratch_len`](orthant_kernel::scan::residual_scratch_len) of scratch.
    fn squared_residual(&self, x: &[T], y: &[T], k: usize, scratch: &mut [T], sum: f64) -> f64;

    /// For a divergence N = (S_b∘P^(β−2))·Y and D = P^(β−1)·Y, rows×k, with P = X·Yᵀ; D is not touched for β = 1. `y` is
    /// cols×k; `scratch`, here and below, holds the kernel's
    /// [`scratch_len`](orthant_kernel::divergence::scratch_len).
    fn ratio_numerators(
        &self,
        beta: &Beta<T>,
        x: &[T],
        y: Packed<'_, T>,
        n: &mut [T],
        d: &mut [T],
        scratch: &mut [T],
    );
    /// B += (S_b∘P^(β−2))ᵀ·X and D += (P^(β−1))ᵀ·X, cols×stride; D is not touched for β = 1.
    fn ratio_accumulate(
        &self,
        beta: &Beta<T>,
        x: &[T],
        y: Packed<'_, T>,
        b: &mut [T],
        d: &mut [T],
        scratch: &mut [T],
    );
    /// `sum` + Σ d_β(S_b | X·Yᵀ).
    fn divergence(&self, beta: &Beta<T>, x: &[T], y: Packed<'_, T>, scratch: &mut [T], sum: f64) -> f64;
}

/// A factor of k columns, as it is and packed.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a, T> {
    /// Rows of k.
    pub y: &'a [T],
    /// The kernel's tiles.
    pub packed: &'a [T],
    /// k.
    pub k: usize,
}
