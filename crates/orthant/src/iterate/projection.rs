//! S = L·Rᵀ of two thin matrices: blocks are rows of L, and what they are multiplied with goes through R.

use std::ops::Range;

use orthant_kernel::{Isa, Real, View, accumulate, accumulator_stride, numerators};

/// R, cols×width, where a source has the rows of L: Y is projected to RᵀY before it is multiplied, and sums LᵀX are lifted to
/// R·(LᵀX). 2·cols·width·k flops for each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Projection<'a, T: Real> {
    right: View<'a, T>,
    isa: Isa,
}

impl<'a, T: Real> Projection<'a, T> {
    pub fn new(right: View<'a, T>) -> Self {
        Self { right, isa: Isa::detect() }
    }

    /// Rows of R: columns of S.
    pub fn cols(&self) -> usize {
        self.right.nrows()
    }

    /// Columns of L and of R.
    pub fn width(&self) -> usize {
        self.right.ncols()
    }

    /// acc (width×stride) += R_bᵀ·Y_b for the rows `range` of R and of Y.
    pub fn project(&self, range: Range<usize>, y: &[T], k: usize, acc: &mut [T]) {
        accumulate(self.isa, self.right.rows(range), y, k, acc);
    }

    /// Puts finished sums (width×stride) into the form that [`lift`](Self::lift) takes, and that projected Y has: width×k
    /// at their head.
    pub fn compact(&self, sums: &mut [T], k: usize) {
        let stride = accumulator_stride::<T>(k);
        for row in 1..self.width() {
            sums.copy_within(row * stride..row * stride + k, row * k);
        }
    }

    /// Rows `range` of SᵀX (range×k), from compact sums.
    pub fn lift(&self, range: Range<usize>, sums: &[T], k: usize, out: &mut [T]) {
        numerators(self.isa, self.right.rows(range), &sums[..self.width() * k], k, out);
    }

    /// A row of S, from one of L.
    pub fn row(&self, left: &[T], out: &mut [T]) {
        numerators(self.isa, self.right, left, 1, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Products;
    use crate::iterate::{Alternation, Factor, Layout, Pair, Quadratic};
    use crate::penalty::Weights;
    use crate::rule::Coordinate;
    use crate::rule::tests::numbers;
    use crate::source::DenseSource;

    /// What goes through R, and the residual, against the product itself.
    #[test]
    fn a_product_is_read_as_the_matrix_that_it_is() {
        for (rows, cols, width, k) in [(23, 31, 5, 4), (9, 4, 17, 3), (1, 6, 2, 1), (40, 1, 1, 9)] {
            let signed = |seed, count| numbers(seed, count).iter().map(|x| x - 0.3).collect::<Vec<f64>>();
            let (left, right) = (signed(1, rows * width), signed(2, cols * width));
            let at = |i: usize, j: usize| -> f64 {
                (0..width).map(|t| left[i * width + t] * right[j * width + t]).sum()
            };
            let (x, y) = (numbers(3, rows * k), numbers(4, cols * k));
            let projection = Projection::new(View::row_major(&right, cols, width).unwrap());
            assert_eq!((projection.cols(), projection.width()), (cols, width));

            // RᵀY, in two parts
            let stride = accumulator_stride::<f64>(k);
            let mut projected = vec![0.0; width * stride];
            for range in [0..cols / 2, cols / 2..cols] {
                projection.project(range.clone(), &y[range.start * k..range.end * k], k, &mut projected);
            }
            projection.compact(&mut projected, k);
            for (s, t) in (0..width).flat_map(|s| (0..k).map(move |t| (s, t))) {
                let exact: f64 = (0..cols).map(|j| right[j * width + s] * y[j * k + t]).sum();
                assert!((projected[s * k + t] - exact).abs() < 1e-12);
            }

            // a row, and sums lifted
            let (mut row, mut lifted) = (vec![0.0; cols], vec![0.0; cols * k]);
            projection.row(&left[(rows - 1) * width..], &mut row);
            assert!(row.iter().enumerate().all(|(j, s)| (s - at(rows - 1, j)).abs() < 1e-12));
            projection.lift(0..cols, &projected[..width * k], k, &mut lifted);
            for (j, t) in (0..cols).flat_map(|j| (0..k).map(move |t| (j, t))) {
                let exact: f64 = (0..width).map(|s| right[j * width + s] * projected[s * k + t]).sum();
                assert!((lifted[j * k + t] - exact).abs() < 1e-12);
            }

            // the loop's loss, in Gram form and from the residual
            let source = View::row_major(&left, rows, width).unwrap();
            let source = DenseSource::new(source, 1.0, Products::Fused).unwrap();
            let size: f64 =
                (0..rows).flat_map(|i| (0..cols).map(move |j| (i, j))).map(|(i, j)| at(i, j).powi(2)).sum();
            let factor = |x: &[f64]| Factor::new(x.to_vec(), k, Weights::default(), 1);
            let rule = Box::new(Coordinate::default());
            let layout = Layout { block: 7, workers: 2, halt: Default::default(), ranks: Default::default() };
            let pair = Pair::new(factor(&x), factor(&y), false);
            let mut pass = Quadratic::of_product(&source, projection, rule, k, layout, size, pair);
            pass.begin().unwrap();
            for _ in 0..3 {
                let loss_of = |pair: &Pair<f64>| {
                    let of_xy = |i: usize, j: usize| -> f64 {
                        (0..k).map(|t| pair.inner.x[i * k + t] * pair.outer.x[j * k + t]).sum()
                    };
                    let squares = |i: usize| (0..cols).map(move |j| (i, j));
                    0.5 * (0..rows)
                        .flat_map(squares)
                        .map(|(i, j)| (at(i, j) - of_xy(i, j)).powi(2))
                        .sum::<f64>()
                };
                let (exact, expected) = (pass.exact_loss().unwrap(), loss_of(pass.pair()));
                assert!((exact - expected).abs() < 1e-10 * size, "{exact}, {expected}");
                pass.iterate(false).unwrap();
                let (loss, expected) = (pass.loss().unwrap(), loss_of(pass.pair()));
                assert!((loss - expected).abs() < 1e-10 * size, "{loss}, {expected}");
            }
        }
    }
}
