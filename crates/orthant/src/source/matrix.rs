//! A matrix of the user's as a source: dense or sparse, by rows or by columns.

use std::ops::Range;

use orthant_kernel::divergence::Beta;
use orthant_kernel::newton::{Half, Told};

use super::dense::DenseBlock;
use super::sparse::{SparseBlock, SparseScratch};
use super::{Block, DenseSource, Packed, RatioBlock, Ratios, Residual, Source, SparseSource};
use crate::choice::SparsePlan;
use crate::column_sums::HeavyColumns;
use crate::reduce::Lanes;
use crate::twofold::Twofold;
use crate::{Error, Matrix, Products, Real};

/// S: V by rows, or Vᵀ where the columns of V are the closer ones. It may have its transpose beside it: a sparse one in memory
/// of its own, a dense one as the same elements, of which blocks are copied.
#[derive(Debug)]
pub(crate) enum MatrixSource<'a, T: Real> {
    Dense(DenseSource<'a, T>, Option<Box<Self>>),
    Sparse(SparseSource<'a, T>, Option<Box<Self>>),
}

impl<'a, T: Real> MatrixSource<'a, T> {
    /// `v` times `scale`, a power of two; if it is sparse, laid out as planned.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for products that are not there.
    pub fn new(
        v: &'a Matrix<'_, T>,
        scale: T,
        products: Products,
        plan: &SparsePlan,
        workers: usize,
    ) -> Result<Self, Error> {
        Self::along(v.by_columns(), v, scale, products, plan, workers)
    }

    /// V by rows, which it must [have](Matrix::with_rows).
    pub fn by_rows(v: &'a Matrix<'_, T>, scale: T, plan: &SparsePlan, workers: usize) -> Self {
        Self::along(false, v, scale, Products::Fused, plan, workers).expect("fused products are always there")
    }

    fn along(
        by_columns: bool,
        v: &'a Matrix<'_, T>,
        scale: T,
        products: Products,
        plan: &SparsePlan,
        workers: usize,
    ) -> Result<Self, Error> {
        let lines = match v {
            Matrix::Dense(view) => {
                let s = if by_columns { view.transposed() } else { *view };
                let source = |s| DenseSource::new(s, scale, products);
                let transpose = match plan.transpose {
                    true => Some(Box::new(Self::Dense(source(s.transposed())?, None))),
                    false => None,
                };
                return Ok(Self::Dense(source(s)?, transpose));
            }
            Matrix::Csr(lines) => lines,
            Matrix::Csc(v) => v.transposed(),
        };
        let source = |lines| SparseSource::new(lines, scale, plan.lanes, !plan.transpose, workers > 1);
        let transpose = plan.transpose.then(|| Box::new(Self::Sparse(source(lines.to_transposed()), None)));
        Ok(Self::Sparse(source(lines.by_ref()), transpose))
    }
}

/// Calls the method of whichever it is.
macro_rules! either {
    ($self:expr, $s:ident => $call:expr) => {
        match $self {
            Self::Dense($s, _) => $call,
            Self::Sparse($s, _) => $call,
        }
    };
}

/// The same of a block.
macro_rules! each {
    ($self:expr, $b:ident => $call:expr) => {
        match $self {
            Self::Dense($b) => $call,
            Self::Sparse($b) => $call,
        }
    };
}

/// Blocks of either.
#[derive(Debug)]
pub(crate) enum MatrixBlock<'a, T: Real> {
    Dense(DenseBlock<'a, T>),
    Sparse(SparseBlock<'a, T>),
}

/// Scratch of either.
#[derive(Debug)]
pub(crate) enum MatrixScratch<T> {
    Dense(Vec<T>),
    Sparse(SparseScratch<T>),
}

impl<T: Real> Source<T> for MatrixSource<'_, T> {
    type Block<'b>
        = MatrixBlock<'b, T>
    where
        Self: 'b;
    type Scratch = MatrixScratch<T>;

    fn rows(&self) -> usize {
        either!(self, s => s.rows())
    }

    fn cols(&self) -> usize {
        either!(self, s => s.cols())
    }

    fn lanes(&self) -> Lanes {
        either!(self, s => s.lanes())
    }

    fn block_rows(&self, k: usize) -> usize {
        either!(self, s => s.block_rows(k))
    }

    fn scratch(&self, rows: usize) -> MatrixScratch<T> {
        match self {
            Self::Dense(s, _) => MatrixScratch::Dense(s.scratch(rows)),
            Self::Sparse(s, _) => MatrixScratch::Sparse(s.scratch(rows)),
        }
    }

    fn block<'b>(&'b self, range: Range<usize>, scratch: &'b mut MatrixScratch<T>) -> MatrixBlock<'b, T> {
        match (self, scratch) {
            (Self::Dense(s, _), MatrixScratch::Dense(scratch)) => MatrixBlock::Dense(s.block(range, scratch)),
            (Self::Sparse(s, _), MatrixScratch::Sparse(scratch)) => {
                MatrixBlock::Sparse(s.block(range, scratch))
            }
            _ => unreachable!("scratch of the other kind"),
        }
    }

    fn transpose(&self) -> Option<&Self> {
        match self {
            Self::Dense(_, transpose) | Self::Sparse(_, transpose) => transpose.as_deref(),
        }
    }

    fn row_stride(&self, k: usize) -> usize {
        either!(self, s => s.row_stride(k))
    }

    fn heavy_columns(&self) -> HeavyColumns {
        either!(self, s => s.heavy_columns())
    }

    fn residual_by_entries(&self) -> bool {
        either!(self, s => s.residual_by_entries())
    }
}

impl<T: Real> Block<T> for MatrixBlock<'_, T> {
    fn numerators(&self, y: &[T], k: usize, out: &mut [T]) {
        each!(self, b => b.numerators(y, k, out));
    }

    fn accumulate(&self, z: &[T], k: usize, acc: &mut [T]) {
        each!(self, b => b.accumulate(z, k, acc));
    }

    fn squared_residual(
        &mut self,
        how: Residual,
        x: &[T],
        y: &[T],
        k: usize,
        scratch: &mut [T],
        sum: Twofold,
    ) -> Twofold {
        each!(self, b => b.squared_residual(how, x, y, k, scratch, sum))
    }
}

impl<T: Real> Ratios<T> for MatrixSource<'_, T> {
    type Ratio<'b>
        = MatrixBlock<'b, T>
    where
        Self: 'b;

    fn ratios<'b>(&'b self, range: Range<usize>, scratch: &'b mut MatrixScratch<T>) -> MatrixBlock<'b, T> {
        self.block(range, scratch)
    }

    fn by_entries(&self, beta: &Beta<T>) -> bool {
        either!(self, s => s.by_entries(beta))
    }

    fn ratio_scratch(&self, rows: usize, beta: &Beta<T>) -> MatrixScratch<T> {
        match self {
            Self::Dense(s, _) => MatrixScratch::Dense(s.ratio_scratch(rows, beta)),
            Self::Sparse(s, _) => MatrixScratch::Sparse(s.ratio_scratch(rows, beta)),
        }
    }

    fn newton_len(&self, k: usize) -> usize {
        either!(self, s => s.newton_len(k))
    }
}

impl<T: Real> RatioBlock<T> for MatrixBlock<'_, T> {
    fn ratio_numerators(
        &mut self,
        beta: &Beta<T>,
        x: &[T],
        y: Packed<'_, T>,
        n: &mut [T],
        d: &mut [T],
        scratch: &mut [T],
        sum: Option<&mut f64>,
    ) {
        each!(self, b => b.ratio_numerators(beta, x, y, n, d, scratch, sum));
    }

    fn ratio_accumulate(
        &mut self,
        beta: &Beta<T>,
        x: &[T],
        y: Packed<'_, T>,
        b: &mut [T],
        d: &mut [T],
        scratch: &mut [T],
        sum: Option<&mut f64>,
    ) {
        each!(self, s => s.ratio_accumulate(beta, x, y, b, d, scratch, sum));
    }

    fn ratio_joint(
        &mut self,
        beta: &Beta<T>,
        x: &[T],
        y: Packed<'_, T>,
        n: &mut [T],
        b: &mut [T],
        scratch: &mut [T],
        sum: &mut f64,
    ) {
        each!(self, s => s.ratio_joint(beta, x, y, n, b, scratch, sum));
    }

    fn divergence(&mut self, beta: &Beta<T>, x: &[T], y: Packed<'_, T>, scratch: &mut [T], sum: f64) -> f64 {
        each!(self, b => b.divergence(beta, x, y, scratch, sum))
    }

    fn newton(
        &mut self,
        half: Half<'_, T>,
        x: &mut [T],
        y: Packed<'_, T>,
        scratch: &mut [T],
        told: Told<'_, T>,
    ) {
        each!(self, b => b.newton(half, x, y, scratch, told));
    }
}
