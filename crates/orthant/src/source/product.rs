//! A product L·Rᵀ of two thin matrices in place of what it is near to.

use std::ops::Range;

use orthant_kernel::{Buffer, Isa, View, accumulate, accumulator_stride, numerators, scan};

use super::{Block, Residual, Source};
use crate::Real;
use crate::twofold::Twofold;

/// S = L·Rᵀ, with L rows×width and R cols×width, both row-major. S itself is never formed: what blocks of it are asked
/// for goes through R once a pass and through L row by row, 2·(rows + cols)·width·k flops for each of the two products.
#[derive(Debug)]
pub struct Product<T> {
    left: Buffer<T>,
    right: Buffer<T>,
    width: usize,
    isa: Isa,
}

impl<T: Real> Product<T> {
    /// L (rows×width) and R (cols×width).
    ///
    /// # Panics
    /// If their elements are not whole rows.
    pub fn new(left: Vec<T>, right: Vec<T>, width: usize) -> Self {
        let whole = width > 0 && left.len().is_multiple_of(width) && right.len().is_multiple_of(width);
        assert!(whole, "L and R have rows of {width}");
        Self { left: left.into(), right: right.into(), width, isa: Isa::detect() }
    }

    /// Rows `range` of a factor.
    fn rows_of<'a>(&self, factor: &'a [T], range: Range<usize>) -> View<'a, T> {
        let rows = &factor[range.start * self.width..range.end * self.width];
        View::row_major(rows, range.len(), self.width).expect("whole rows")
    }
}

impl<T: Real> Source<T> for Product<T> {
    type Block<'b>
        = ProductBlock<'b, T>
    where
        Self: 'b;
    /// A row of S.
    type Scratch = Vec<T>;

    fn rows(&self) -> usize {
        self.left.len() / self.width
    }

    fn cols(&self) -> usize {
        self.right.len() / self.width
    }

    fn scratch(&self, _rows: usize) -> Vec<T> {
        vec![T::ZERO; self.cols()]
    }

    fn block<'b>(&'b self, range: Range<usize>, scratch: &'b mut Vec<T>) -> ProductBlock<'b, T> {
        let right = self.rows_of(&self.right, 0..self.cols());
        ProductBlock { left: self.rows_of(&self.left, range), right, isa: self.isa, row: scratch }
    }

    fn projects(&self) -> bool {
        true
    }

    fn width(&self) -> usize {
        self.width
    }

    fn project(&self, range: Range<usize>, y: &[T], k: usize, acc: &mut [T]) {
        accumulate(self.isa, self.rows_of(&self.right, range), y, k, acc);
    }

    fn compact(&self, sums: &mut [T], k: usize) {
        let stride = accumulator_stride::<T>(k);
        for row in 1..self.width {
            sums.copy_within(row * stride..row * stride + k, row * k);
        }
    }

    fn lift<'a>(
        &self,
        range: Range<usize>,
        sums: &'a [T],
        k: usize,
        scratch: &'a mut [T],
    ) -> (&'a [T], usize) {
        let out = &mut scratch[..range.len() * k];
        numerators(self.isa, self.rows_of(&self.right, range), &sums[..self.width * k], k, out);
        (out, k)
    }
}

/// Rows of a product, as far as they are known without R.
#[derive(Debug)]
pub struct ProductBlock<'a, T: Real> {
    left: View<'a, T>,
    right: View<'a, T>,
    isa: Isa,
    /// A row of S.
    row: &'a mut [T],
}

impl<T: Real> Block<T> for ProductBlock<'_, T> {
    fn numerators(&self, y: &[T], k: usize, out: &mut [T]) {
        numerators(self.isa, self.left, y, k, out);
    }

    fn accumulate(&self, z: &[T], k: usize, acc: &mut [T]) {
        accumulate(self.isa, self.left, z, k, acc);
    }

    /// Row by row, at 2·cols·width flops each.
    fn squared_residual(
        &mut self,
        _how: Residual,
        x: &[T],
        y: &[T],
        k: usize,
        scratch: &mut [T],
        mut sum: Twofold,
    ) -> Twofold {
        let row = &mut self.row[..self.right.nrows()];
        for (i, x) in x.chunks_exact(k).enumerate() {
            let left = self.left.row(i).expect("rows of L are contiguous");
            numerators(self.isa, self.right, left, 1, row);
            let s = View::row_major(row, 1, row.len()).expect("a row");
            sum = sum.after(|sum| scan::squared_residual(self.isa, s, x, y, k, scratch, sum));
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::tests::numbers;

    /// What blocks of a product answer, against the product itself.
    #[test]
    fn a_product_answers_as_the_matrix_that_it_is() {
        for (rows, cols, width, k) in [(23, 31, 5, 4), (9, 4, 17, 3), (1, 6, 2, 1), (40, 1, 1, 9)] {
            let signed = |seed, count| numbers(seed, count).iter().map(|x| x - 0.3).collect::<Vec<f64>>();
            let (left, right) = (signed(1, rows * width), signed(2, cols * width));
            let at = |i: usize, j: usize| -> f64 {
                (0..width).map(|t| left[i * width + t] * right[j * width + t]).sum()
            };
            let (x, y) = (numbers(3, rows * k), numbers(4, cols * k));
            let source = Product::new(left.clone(), right.clone(), width);
            assert_eq!((source.rows(), source.cols(), source.width()), (rows, cols, width));
            let stride = accumulator_stride::<f64>(k);
            let mut projected = vec![0.0; width * stride];
            for range in [0..cols / 2, cols / 2..cols] {
                source.project(range.clone(), &y[range.start * k..range.end * k], k, &mut projected);
            }
            source.compact(&mut projected, k);
            let mut scratch = source.scratch(rows);
            let mut residual = vec![0.0; scan::residual_scratch_len(k)];
            let (mut a, mut sums, mut squares) =
                (vec![0.0; rows * k], vec![0.0; width * stride], Twofold::default());
            for range in [0..rows / 3, rows / 3..rows] {
                let elements = range.start * k..range.end * k;
                let mut block = source.block(range, &mut scratch);
                block.numerators(&projected[..width * k], k, &mut a[elements.clone()]);
                block.accumulate(&x[elements.clone()], k, &mut sums);
                let x = &x[elements];
                squares = block.squared_residual(Residual::Quick, x, &y, k, &mut residual, squares);
            }
            source.compact(&mut sums, k);
            let mut b = vec![0.0; cols * k];
            let (part, b_stride) = source.lift(0..cols, &sums, k, &mut b);
            assert_eq!(b_stride, k);
            let mut expected = 0.0;
            for i in 0..rows {
                for t in 0..k {
                    let exact: f64 = (0..cols).map(|j| at(i, j) * y[j * k + t]).sum();
                    assert!((a[i * k + t] - exact).abs() < 1e-12);
                }
                for j in 0..cols {
                    let xy: f64 = (0..k).map(|t| x[i * k + t] * y[j * k + t]).sum();
                    expected += (at(i, j) - xy).powi(2);
                }
            }
            for j in 0..cols {
                for t in 0..k {
                    let exact: f64 = (0..rows).map(|i| at(i, j) * x[i * k + t]).sum();
                    assert!((part[j * k + t] - exact).abs() < 1e-12);
                }
            }
            assert!((squares.to_f64() - expected).abs() < 1e-10 * expected);
        }
    }
}
