//! Dense matrices of any strides.

use std::ops::Range;

use orthant_kernel::divergence::{self, Beta, Operands};
use orthant_kernel::gemm::{Backend, gemm};
use orthant_kernel::newton::{self, Half, Told};
use orthant_kernel::{Isa, View, accumulate, accumulator_stride, numerators, scan};

use super::{Block, Packed, RatioBlock, Ratios, Residual, Source};
use crate::twofold::Twofold;
use crate::{Error, Products, Real};

/// A dense matrix. Blocks of rows with adjacent columns are read where they lie; others are copied one by one, which
/// changes nothing in what is computed.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a, T: Real> {
    view: View<'a, T>,
    scale: T,
    isa: Isa,
    backend: Option<Backend>,
}

impl<'a, T: Real> Dense<'a, T> {
    /// `view` times `scale`, a power of two.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for [`Products::Blas`] without the feature.
    pub fn new(view: View<'a, T>, scale: T, products: Products) -> Result<Self, Error> {
        let backend = match products {
            Products::Fused => None,
            Products::Gemm => Some(Backend::Rust),
            #[cfg(feature = "blas")]
            Products::Blas => Some(Backend::Blas),
            #[cfg(not(feature = "blas"))]
            Products::Blas => {
                return Err(Error::Unsupported {
                    what: "BLAS in a build without the feature `blas` or `openblas`".into(),
                    supported: "products are Fused or Gemm here".into(),
                });
            }
        };
        Ok(Self { view, scale, isa: Isa::detect(), backend })
    }

    fn in_place(&self) -> bool {
        (self.view.col_stride() == 1 || self.view.ncols() == 1) && self.scale == T::ONE
    }
}

impl<T: Real> Source<T> for Dense<'_, T> {
    type Block<'b>
        = DenseBlock<'b, T>
    where
        Self: 'b;
    type Scratch = Vec<T>;

    fn rows(&self) -> usize {
        self.view.nrows()
    }

    fn cols(&self) -> usize {
        self.view.ncols()
    }

    fn scratch(&self, rows: usize) -> Vec<T> {
        vec![T::ZERO; if self.in_place() { 0 } else { rows * self.cols() }]
    }

    fn block<'b>(&'b self, range: Range<usize>, scratch: &'b mut Vec<T>) -> DenseBlock<'b, T> {
        let (rows, cols) = (range.len(), self.cols());
        let mut view = self.view.rows(range);
        if !self.in_place() {
            let copy = &mut scratch[..rows * cols];
            view.copy_to(copy);
            for x in copy.iter_mut() {
                *x *= self.scale;
            }
            view = View::row_major(copy, rows, cols).expect("as many elements");
        }
        DenseBlock { view, isa: self.isa, backend: self.backend }
    }
}

impl<T: Real> Ratios<T> for Dense<'_, T> {
    type Ratio<'b>
        = DenseBlock<'b, T>
    where
        Self: 'b;

    fn ratios<'b>(&'b self, range: Range<usize>, scratch: &'b mut Vec<T>) -> DenseBlock<'b, T> {
        self.block(range, scratch)
    }

    fn newton_len(&self, k: usize) -> usize {
        newton::scratch_len(Some(self.cols()), 0, k)
    }
}

/// Rows of a dense matrix, columns adjacent.
#[derive(Clone, Copy, Debug)]
pub struct DenseBlock<'a, T: Real> {
    view: View<'a, T>,
    isa: Isa,
    backend: Option<Backend>,
}

impl<T: Real> Block<T> for DenseBlock<'_, T> {
    fn numerators(&self, y: &[T], k: usize, out: &mut [T]) {
        match self.backend {
            None => numerators(self.isa, self.view, y, k, out),
            Some(backend) => {
                let y = View::row_major(y, self.view.ncols(), k).expect("Y is cols×k");
                gemm(backend, self.view, y, out, k, false);
            }
        }
    }

    fn accumulate(&self, z: &[T], k: usize, acc: &mut [T]) {
        match self.backend {
            None => accumulate(self.isa, self.view, z, k, acc),
            Some(backend) => {
                let z = View::row_major(z, self.view.nrows(), k).expect("Z is rows×k");
                gemm(backend, self.view.transposed(), z, acc, accumulator_stride::<T>(k), true);
            }
        }
    }

    fn squared_residual(
        &mut self,
        _how: Residual,
        x: &[T],
        y: &[T],
        k: usize,
        scratch: &mut [T],
        sum: Twofold,
    ) -> Twofold {
        sum.after(|sum| scan::squared_residual(self.isa, self.view, x, y, k, scratch, sum))
    }
}

impl<T: Real> RatioBlock<T> for DenseBlock<'_, T> {
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
        divergence::numerators(self.isa, beta, self.operands(x, y), n, d, scratch, sum);
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
        divergence::accumulate(self.isa, beta, self.operands(x, y), b, d, scratch, sum);
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
        divergence::joint(self.isa, beta, self.operands(x, y), n, b, scratch, sum);
    }

    fn divergence(&mut self, beta: &Beta<T>, x: &[T], y: Packed<'_, T>, scratch: &mut [T], sum: f64) -> f64 {
        divergence::sum(self.isa, beta, self.operands(x, y), scratch, sum)
    }

    fn newton(
        &mut self,
        half: Half<'_, T>,
        x: &mut [T],
        y: Packed<'_, T>,
        scratch: &mut [T],
        told: Told<'_, T>,
    ) {
        newton::dense(self.isa, half, self.view, y.packed, x, scratch, told);
    }
}

impl<'b, T: Real> DenseBlock<'b, T> {
    /// Rows of a matrix in full, columns adjacent.
    pub(super) fn new(view: View<'b, T>, isa: Isa) -> Self {
        Self { view, isa, backend: None }
    }

    fn operands<'a>(&'a self, x: &'a [T], y: Packed<'a, T>) -> Operands<'a, T> {
        let Packed { y, packed, k, .. } = y;
        Operands { v: self.view, x, y, packed, k }
    }
}
