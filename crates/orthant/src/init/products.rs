//! V·Y and Vᵀ·Y on all threads, with the same bits on any number of them.
//!
//! V is read where it lies, along its closer dimension: of S, which is V or Vᵀ, a block of rows at a time. Rows of S·X
//! have nothing to do with one another; Sᵀ·X is summed row by row in the lanes of [`reduce`](crate::reduce), and these
//! in its fixed tree. 2mnl flops for l columns, and one read of V; l·n elements for each accumulator of the tree.

use std::sync::{Mutex, PoisonError};

use orthant_kernel::{Real, View, accumulator_stride};

use crate::fit::by_columns;
use crate::reduce::{MAX_LANES, Reducer, lane, lanes, split};
use crate::source::{Block, DenseSource, Source};
use crate::{Error, Products};

/// A block of S to copy, where it has to be, is of about this size.
const BLOCK_BYTES: usize = 512 * 1024;

/// `scale`·V, to multiply with.
pub(crate) struct Operand<'a, T: Real> {
    source: DenseSource<'a, T>,
    /// S is Vᵀ.
    by_columns: bool,
    block: usize,
    workers: usize,
}

impl<'a, T: Real> Operand<'a, T> {
    /// `scale` is a power of two.
    pub fn new(v: View<'a, T>, scale: T, workers: usize) -> Result<Self, Error> {
        let by_columns = by_columns(v);
        let s = if by_columns { v.transposed() } else { v };
        let block = (BLOCK_BYTES / (s.ncols().max(1) * size_of::<T>())).clamp(16, 240);
        Ok(Self { source: DenseSource::new(s, scale, Products::Fused)?, by_columns, block, workers })
    }

    /// V·Y, with Y n×l; or Vᵀ·Y, with Y m×l, if `transposed`. Row-major.
    pub fn times(&self, transposed: bool, y: &[T], l: usize) -> Vec<T> {
        if transposed == self.by_columns { self.rows_times(y, l) } else { self.sum_of_rows(y, l) }
    }

    /// Vᵀ·(V·Y), with Y n×l. Where the rows of V are the closer ones, V is read once.
    pub fn gram_times(&self, y: &[T], l: usize) -> Vec<T> {
        if self.by_columns {
            return self.times(true, &self.times(false, y, l), l);
        }
        let (cols, stride) = (self.source.cols(), accumulator_stride::<T>(l));
        let (rows, copy) = (self.source.rows(), self.source.scratch_len(self.block));
        let count = lanes(rows);
        let scratch = self.scratch(copy + self.block.min(rows) * l);
        let sum = Reducer::new(count, self.workers, || vec![T::ZERO; cols * stride]).run(
            |which, worker, sum| {
                sum.fill(T::ZERO);
                let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let (copy, out) = scratch.split_at_mut(copy);
                let mut range = lane(rows, count, which);
                while !range.is_empty() {
                    let end = range.end.min(range.start + self.block);
                    let out = &mut out[..(end - range.start) * l];
                    let block = self.source.block(range.start..end, copy);
                    block.numerators(y, l, out);
                    block.accumulate(out, l, sum);
                    range.start = end;
                }
            },
            |a, b| a.iter_mut().zip(b).for_each(|(a, &b)| *a += b),
        );
        sum.chunks_exact(stride).flat_map(|row| row[..l].iter().copied()).collect()
    }

    /// S·Y.
    fn rows_times(&self, y: &[T], l: usize) -> Vec<T> {
        let rows = self.source.rows();
        let mut out = vec![T::ZERO; rows * l];
        let slots = split(&mut out, l, MAX_LANES);
        let scratch = self.scratch(self.source.scratch_len(self.block));
        Reducer::new(MAX_LANES, self.workers, || ()).run(
            |which, worker, ()| {
                let mut out = slots[which].lock().unwrap_or_else(PoisonError::into_inner);
                let mut copy = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let mut start = lane(rows, MAX_LANES, which).start;
                for out in out.chunks_mut(self.block * l) {
                    let end = start + out.len() / l;
                    self.source.block(start..end, &mut copy).numerators(y, l, out);
                    start = end;
                }
            },
            |(), ()| {},
        );
        out
    }

    /// Sᵀ·X.
    fn sum_of_rows(&self, x: &[T], l: usize) -> Vec<T> {
        let (rows, cols) = (self.source.rows(), self.source.cols());
        let (count, stride) = (lanes(rows), accumulator_stride::<T>(l));
        let scratch = self.scratch(self.source.scratch_len(self.block));
        let sum = Reducer::new(count, self.workers, || vec![T::ZERO; cols * stride]).run(
            |which, worker, sum| {
                sum.fill(T::ZERO);
                let mut copy = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let mut range = lane(rows, count, which);
                while !range.is_empty() {
                    let end = range.end.min(range.start + self.block);
                    let block = self.source.block(range.start..end, &mut copy);
                    block.accumulate(&x[range.start * l..end * l], l, sum);
                    range.start = end;
                }
            },
            |a, b| a.iter_mut().zip(b).for_each(|(a, &b)| *a += b),
        );
        sum.chunks_exact(stride).flat_map(|row| row[..l].iter().copied()).collect()
    }

    /// ⟨V·Y, X⟩ in double precision, with X m×l and Y n×l.
    pub fn inner_product(&self, x: &[T], y: &[T], l: usize) -> f64 {
        let (x, y) = if self.by_columns { (y, x) } else { (x, y) };
        let rows = self.source.rows();
        let count = lanes(rows);
        let copy = self.source.scratch_len(self.block);
        let scratch = self.scratch(copy + self.block.min(rows) * l);
        Reducer::new(count, self.workers, || 0.0).run(
            |which, worker, sum| {
                *sum = 0.0;
                let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let (copy, out) = scratch.split_at_mut(copy);
                let mut range = lane(rows, count, which);
                while !range.is_empty() {
                    let end = range.end.min(range.start + self.block);
                    let out = &mut out[..(end - range.start) * l];
                    self.source.block(range.start..end, copy).numerators(y, l, out);
                    let x = &x[range.start * l..end * l];
                    *sum += out.iter().zip(x).map(|(a, b)| a.to_f64() * b.to_f64()).sum::<f64>();
                    range.start = end;
                }
            },
            |a, b| *a += b,
        )
    }

    fn scratch(&self, len: usize) -> Vec<Mutex<Vec<T>>> {
        (0..self.workers).map(|_| Mutex::new(vec![T::ZERO; len])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_layout_gives_the_products() {
        let (m, n, l) = (37, 23, 5);
        let entry = |i: usize| ((i * 7919 + 13) % 101) as f64 / 64.0;
        let data: Vec<f64> = (0..4 * m * n).map(entry).collect();
        let views = [
            View::strided(&data, 0, m, n, n as isize, 1).unwrap(),
            View::strided(&data, 0, m, n, 1, m as isize).unwrap(),
            View::strided(&data, 2 * n * (m - 1), m, n, -2 * n as isize, 2).unwrap(),
            View::strided(&data, 1, m, n, 3, 3 * m as isize).unwrap(),
        ];
        let y: Vec<f64> = (0..n * l).map(|i| entry(i + 5) - 0.8).collect();
        let z: Vec<f64> = (0..m * l).map(|i| entry(i + 9) - 0.8).collect();
        for v in views {
            for scale in [1.0, 0.25] {
                for workers in [1, 2] {
                    let operand = Operand::new(v, scale, workers).unwrap();
                    let (vy, vz) = (operand.times(false, &y, l), operand.times(true, &z, l));
                    let mut sum = 0.0;
                    for i in 0..m {
                        for t in 0..l {
                            let exact: f64 = (0..n).map(|j| scale * v.at(i, j) * y[j * l + t]).sum();
                            assert!((vy[i * l + t] - exact).abs() < 1e-12);
                            sum += exact * z[i * l + t];
                        }
                    }
                    for j in 0..n {
                        for t in 0..l {
                            let exact: f64 = (0..m).map(|i| scale * v.at(i, j) * z[i * l + t]).sum();
                            assert!((vz[j * l + t] - exact).abs() < 1e-12);
                        }
                    }
                    assert!((operand.inner_product(&z, &y, l) - sum).abs() < 1e-10);
                    let (two, one) = (operand.times(true, &vy, l), operand.gram_times(&y, l));
                    assert!(one.iter().zip(&two).all(|(a, b)| (a - b).abs() < 1e-11));
                }
            }
        }
    }

    /// A million equal terms, whose roundings are all alike, in f32: the lanes keep them from adding up.
    #[test]
    fn sums_over_a_million_rows_do_not_drift() {
        let m = 1_000_000;
        let (v, x) = (vec![0.1_f32; m], vec![0.7_f32; m]);
        let sum = Operand::new(View::row_major(&v, m, 1).unwrap(), 1.0, 2).unwrap().times(true, &x, 1)[0];
        let exact = m as f64 * f64::from(0.1_f32) * f64::from(0.7_f32);
        assert!((f64::from(sum) / exact - 1.0).abs() < 1e-5, "{sum} against {exact}");
    }
}
