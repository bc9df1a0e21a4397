//! Sources of row blocks: what a pass reads.
//!
//! A source is a matrix S whose rows are cheap to visit in order. That is V itself where its rows are contiguous, and
//! Vᵀ where its columns are; the pass does not know which. Each iteration visits each block once.

use std::ops::Range;

use orthant_kernel::divergence::Beta;
use orthant_kernel::newton::{Half, Told};
use orthant_kernel::{Isa, accumulator_stride, second_level_cache};

use crate::Real;
use crate::column_sums::HeavyColumns;
use crate::reduce::{Lanes, lanes};
use crate::twofold::Twofold;

pub use dense::Dense as DenseSource;
pub(crate) use matrix::MatrixSource;
pub use product::Product;
pub use sparse::Sparse as SparseSource;
pub(crate) use sparse::{block_rows as sparse_block_rows, read_stride};

mod dense;
mod matrix;
mod product;
mod sparse;

/// A matrix that is visited row block by row block.
///
/// Blocks are worked on inside a worker that holds an accumulator: their methods must not wait for other workers, nor
/// call rayon.
pub trait Source<T: Real>: Sync {
    /// A block of consecutive rows.
    type Block<'a>: Block<T>
    where
        Self: 'a;
    /// What a worker needs to read blocks.
    type Scratch: Send;

    /// Rows of S.
    fn rows(&self) -> usize;
    /// Columns of S.
    fn cols(&self) -> usize;
    /// Where rows are cut in lanes that each sum for themselves: by the data alone.
    fn lanes(&self) -> Lanes {
        Lanes::even(self.rows(), lanes(self.rows()))
    }
    /// Rows of a cache block, for factors of k columns.
    fn block_rows(&self, k: usize) -> usize {
        orthant_kernel::block_rows::<T>(Isa::detect(), second_level_cache(), self.width(), k)
    }
    /// Scratch for blocks of at most `rows` rows.
    fn scratch(&self, rows: usize) -> Self::Scratch;
    /// The rows of `range`, with `scratch` to unfold them in.
    fn block<'a>(&'a self, range: Range<usize>, scratch: &'a mut Self::Scratch) -> Self::Block<'a>;

    /// The transpose as a source of its own, if it is kept: sums over rows of S are then products with its rows, and
    /// nothing is accumulated.
    fn transpose(&self) -> Option<&Self> {
        None
    }
    /// Elements from one row of Y to the next that blocks read it best by: k, unless Y is to be copied for it.
    fn row_stride(&self, k: usize) -> usize {
        k
    }
    /// The columns with very many terms in a lane, for each lane; nothing where there are none.
    fn heavy_columns(&self) -> HeavyColumns {
        HeavyColumns::default()
    }
    /// Whether the residual of blocks is computed by their entries and the factors' Gram matrices: then
    /// [`Block::squared_residual`] leaves ‖XYᵀ‖² out.
    fn residual_by_entries(&self) -> bool {
        false
    }

    /// Whether blocks stand for L_b·Rᵀ and are multiplied without R (cols×width): Y is to be projected to RᵀY, and sums
    /// LᵀZ are to be lifted to R·(LᵀZ).
    fn projects(&self) -> bool {
        false
    }
    /// Columns that blocks are multiplied over.
    fn width(&self) -> usize {
        self.cols()
    }
    /// acc (width×stride) += R_bᵀ·Y_b for the rows `range` of R and of Y.
    fn project(&self, _range: Range<usize>, _y: &[T], _k: usize, _acc: &mut [T]) {}
    /// Puts finished sums (width×stride) into the form that [`lift`](Self::lift) takes, and that projected Y has: width×k
    /// at their head.
    fn compact(&self, _sums: &mut [T], _k: usize) {}
    /// Rows `range` of SᵀZ and the elements from one to the next, from compact sums; with range×k of scratch.
    fn lift<'a>(
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
    /// out (rows×k) = S_b·Y, with Y cols×k, its rows a [`row_stride`](Source::row_stride) or k apart; where the source [projects](Source::projects), L_b·Y with Y width×k.
    fn numerators(&self, y: &[T], k: usize, out: &mut [T]);
    /// acc (cols×stride) += S_bᵀ·Z, with Z rows×k and the kernel's
    /// [`accumulator_stride`]; where the source projects, width×stride += L_bᵀ·Z.
    fn accumulate(&self, z: &[T], k: usize, acc: &mut [T]);
    /// `sum` + ‖S_b − X·Yᵀ‖², with X rows×k, Y cols×k and the kernel's
    /// [`residual_scratch_len`](orthant_kernel::scan::residual_scratch_len) of scratch. Where the residual is
    /// [computed by entries](Source::residual_by_entries), without ‖X·Yᵀ‖².
    fn squared_residual(
        &mut self,
        how: Residual,
        x: &[T],
        y: &[T],
        k: usize,
        scratch: &mut [T],
        sum: Twofold,
    ) -> Twofold;
}

/// How a residual that is [computed by entries](Source::residual_by_entries) is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Residual {
    /// By the entries, from products in the element type.
    Quick,
    /// By the entries, all in double precision.
    Wide,
    /// By the entries, in twice that precision.
    Twofold,
}

/// A source that answers for divergences too.
pub trait Ratios<T: Real>: Source<T> {
    /// A block of consecutive rows.
    type Ratio<'a>: RatioBlock<T>
    where
        Self: 'a;

    /// The rows of `range`, with `scratch` to unfold them in, as [`Source::block`].
    fn ratios<'a>(&'a self, range: Range<usize>, scratch: &'a mut Self::Scratch) -> Self::Ratio<'a>;
    /// Whether this β is computed at the entries of S: then [`RatioBlock::divergence`] leaves ΣP out.
    fn by_entries(&self, _beta: &Beta<T>) -> bool {
        false
    }
    /// What a worker needs to read blocks of so many rows for this β.
    fn ratio_scratch(&self, rows: usize, _beta: &Beta<T>) -> Self::Scratch {
        self.scratch(rows)
    }
    /// Elements of scratch that [`RatioBlock::newton`] needs.
    fn newton_len(&self, k: usize) -> usize;
}

/// What a block answers for a divergence: products with V and P.
///
/// The first two add [`divergence`](Self::divergence) to `sum` on the way, if it is given, the third always.
pub trait RatioBlock<T> {
    /// For a divergence N = (S_b∘P^(β−2))·Y and D = P^(β−1)·Y, rows×k, with P = X·Yᵀ; D is not touched for β = 1. `y` is
    /// cols×k; `scratch`, here and below, holds the kernel's
    /// [`scratch_len`](orthant_kernel::divergence::scratch_len).
    fn ratio_numerators(
        &mut self,
        beta: &Beta<T>,
        x: &[T],
        y: Packed<'_, T>,
        n: &mut [T],
        d: &mut [T],
        scratch: &mut [T],
        sum: Option<&mut f64>,
    );
    /// B += (S_b∘P^(β−2))ᵀ·X and D += (P^(β−1))ᵀ·X, cols×stride; D is not touched for β = 1.
    fn ratio_accumulate(
        &mut self,
        beta: &Beta<T>,
        x: &[T],
        y: Packed<'_, T>,
        b: &mut [T],
        d: &mut [T],
        scratch: &mut [T],
        sum: Option<&mut f64>,
    );
    /// For Kullback–Leibler the N and B of both from one P.
    fn ratio_joint(
        &mut self,
        beta: &Beta<T>,
        x: &[T],
        y: Packed<'_, T>,
        n: &mut [T],
        b: &mut [T],
        scratch: &mut [T],
        sum: &mut f64,
    );
    /// `sum` + Σ d_β(S_b | X·Yᵀ), without ΣP where β is [computed at the entries](Ratios::by_entries).
    fn divergence(&mut self, beta: &Beta<T>, x: &[T], y: Packed<'_, T>, scratch: &mut [T], sum: f64) -> f64;
    /// Newton's steps of X for Kullback–Leibler, and what is told of them: the divergence as above. `scratch` is
    /// [`Ratios::newton_len`].
    fn newton(
        &mut self,
        half: Half<'_, T>,
        x: &mut [T],
        y: Packed<'_, T>,
        scratch: &mut [T],
        told: Told<'_, T>,
    );
}

/// A factor of k columns, as it is and packed.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a, T> {
    /// Rows of k.
    pub y: &'a [T],
    /// The kernel's tiles; nothing where β is [computed at the entries](Ratios::by_entries).
    pub packed: &'a [T],
    /// k.
    pub k: usize,
}
