//! Sources of row blocks: what a pass reads.
//!
//! A source is a matrix S whose rows are cheap to visit in order. That is V itself where its rows are contiguous, and
//! Vᵀ where its columns are; the pass does not know which. Each iteration visits each block once.

use std::ops::Range;

use orthant_kernel::Real;

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

/// What a block answers for a quadratic loss.
pub trait Block<T> {
    /// out (rows×k) = S_b·Y, with Y cols×k.
    fn numerators(&self, y: &[T], k: usize, out: &mut [T]);
    /// acc (cols×stride) += S_bᵀ·Z, with Z rows×k and the kernel's
    /// [`accumulator_stride`](orthant_kernel::accumulator_stride).
    fn accumulate(&self, z: &[T], k: usize, acc: &mut [T]);
    /// `sum` + ‖S_b − X·Yᵀ‖², with X rows×k, Y cols×k and the kernel's
    /// [`residual_scratch_len`](orthant_kernel::scan::residual_scratch_len) of scratch.
    fn squared_residual(&self, x: &[T], y: &[T], k: usize, scratch: &mut [T], sum: f64) -> f64;
}
