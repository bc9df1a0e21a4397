//! Sources of row blocks: what a pass reads.
//!
//! A source is a matrix S whose rows are cheap to visit in order. That is V itself where its rows are contiguous, and
//! Vᵀ where its columns are; the pass does not know which. Each iteration visits each block once.

use std::ops::Range;

use orthant_kernel::divergence::Beta;
use orthant_kernel::{Real, accumulator_stride};

pub use dense::Dense as DenseSource;
pub use product::Product;

mod dense;
mod product;

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

    /// Whether blocks stand for L_b·Rᵀ and are multiplied without R (cols×width): Y is to enter as RᵀY, and sums
    /// LᵀZ are to leave as R·(LᵀZ).
    fn enters(&self) -> bool {
        false
    }
    /// Columns that blocks are multiplied over.
    fn width(&self) -> usize {
        self.cols()
    }
    /// acc (width×stride) += R_bᵀ·Y_b for the rows `range` of R and of Y.
    fn enter(&self, _range: Range<usize>, _y: &[T], _k: usize, _acc: &mut [T]) {}
    /// Puts finished sums (width×stride) into the form that [`leave`](Self::leave) takes, and that Y enters in: width×k
    /// at their head.
    fn gather(&self, _sums: &mut [T], _k: usize) {}
    /// Rows `range` of SᵀZ and the elements from one to the next, from gathered sums; with range×k of scratch.
    fn leave<'a>(
        &self,
        range: Range<usize>,
        sums: &'a [T],
        k: usize,
        _scratch: &'a mut [T],
    ) -> (&'a [T], usize) {
        let stride = accumulator_stride::<T>(k);
        (&sums[range.start * stride..range.end * stride], stride)
    }
}

/// What a block answers for the quadratic loss: three products.
pub trait Block<T> {
    /// out (rows×k) = S_b·Y, with Y cols×k; where the source [enters](Source::enters), L_b·Y with Y width×k.
    fn numerators(&self, y: &[T], k: usize, out: &mut [T]);
    /// acc (cols×stride) += S_bᵀ·Z, with Z rows×k and the kernel's
    /// [`accumulator_stride`]; where the source enters, width×stride += L_bᵀ·Z.
    fn accumulate(&self, z: &[T], k: usize, acc: &mut [T]);
    /// `sum` + ‖S_b − X·Yᵀ‖², with X rows×k, Y cols×k and the kernel's
    /// [`residual_scratch_len`](orthant_kernel::scan::residual_scratch_len) of scratch.
    fn squared_residual(&self, x: &[T], y: &[T], k: usize, scratch: &mut [T], sum: f64) -> f64;
}

/// A source that answers for divergences too.
pub trait Ratios<T: Real>: Source<T> {
    /// A block of consecutive rows.
    type Ratio<'a>: RatioBlock<T>
    where
        Self: 'a;

    /// The rows of `range`, with `scratch` to unfold them in, as [`Source::block`].
    fn ratios<'a>(&'a self, range: Range<usize>, scratch: &'a mut [T]) -> Self::Ratio<'a>;
}

/// What a block answers for a divergence: three products.
pub trait RatioBlock<T> {
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
