//! V·Y and Vᵀ·Y on all threads, with the same bits on any number of them.
//!
//! V is read as a source, along its closer dimension: of S, which is V or Vᵀ, a block of rows at a time. Rows of S·X
//! have nothing to do with one another; Sᵀ·X is summed row by row in the source's lanes, and these in a fixed tree; or it is
//! rows of the transpose, where that is kept beside S. 2mnl flops for l columns (of sparse data 2l for each entry), and one
//! read of V; l·n elements for each accumulator of the tree.

use std::sync::{Mutex, PoisonError};

use orthant_kernel::accumulator_stride;

use crate::Real;
use crate::column_sums::ColumnSums;
use crate::reduce::{Lanes, Reducer, split};
use crate::source::{Block, Source};

/// A source, to multiply with.
pub(crate) struct Operand<'a, S> {
    source: &'a S,
    /// S is Vᵀ.
    by_columns: bool,
    workers: usize,
}

impl<'a, S> Operand<'a, S> {
    /// `by_columns` tells that the source is Vᵀ.
    pub fn new(source: &'a S, by_columns: bool, workers: usize) -> Self {
        Self { source, by_columns, workers }
    }

    /// V·Y, with Y n×l; or Vᵀ·Y, with Y m×l, if `transposed`. Row-major.
    pub fn times<T: Real>(&self, transposed: bool, y: &[T], l: usize) -> Vec<T>
    where
        S: Source<T>,
    {
        if transposed == self.by_columns {
            self.rows_times(self.source, y, l)
        } else if let Some(transpose) = self.source.transpose() {
            self.rows_times(transpose, y, l)
        } else {
            self.sum_of_rows(l, |range, block, _, sum| {
                block.accumulate(&y[range.start * l..range.end * l], l, sum)
            })
        }
    }

    /// Vᵀ·(V·Y), with Y n×l. Where the rows of V are the closer ones, and summed over, V is read once.
    pub fn gram_times<T: Real>(&self, y: &[T], l: usize) -> Vec<T>
    where
        S: Source<T>,
    {
        if self.by_columns || self.source.transpose().is_some() {
            return self.times(true, &self.times(false, y, l), l);
        }
        self.sum_of_rows(l, |_, block, out, sum| {
            block.numerators(y, l, out);
            block.accumulate(out, l, sum);
        })
    }

    /// S·Y, of S or its transpose.
    fn rows_times<T: Real>(&self, source: &S, y: &[T], l: usize) -> Vec<T>
    where
        S: Source<T>,
    {
        let (lanes, block) = (source.lanes(), source.block_rows(l).min(source.rows()));
        let mut out = vec![T::ZERO; source.rows() * l];
        let slots = split(&mut out, l, &lanes);
        let scratch = self.scratch(|| source.scratch(block));
        Reducer::new(lanes.count(), self.workers, || ()).run(
            |which, worker, ()| {
                let mut out = slots[which].lock().unwrap_or_else(PoisonError::into_inner);
                let mut memory = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let first = lanes.range(which).start;
                for (rows, _) in lanes.blocks(which, block) {
                    let out = &mut out[(rows.start - first) * l..(rows.end - first) * l];
                    source.block(rows, &mut memory).numerators(y, l, out);
                }
            },
            |(), ()| {},
        );
        drop(slots);
        out
    }

    /// Sums of n×l that `add(rows, block, scratch, sum)` adds a block to, with rows×l of scratch.
    fn sum_of_rows<T: Real>(
        &self,
        l: usize,
        add: impl Fn(std::ops::Range<usize>, &S::Block<'_>, &mut [T], &mut [T]) + Sync,
    ) -> Vec<T>
    where
        S: Source<T>,
    {
        let source = self.source;
        let (cols, stride) = (source.cols(), accumulator_stride::<T>(l));
        let (lanes, block) = (source.lanes(), source.block_rows(l).min(source.rows()));
        let scratch = self.scratch(|| (source.scratch(block), vec![T::ZERO; block * l]));
        let heavy = source.heavy_columns();
        let zeros = || ColumnSums::new(cols, l, heavy.clone());
        let sum = Reducer::new(lanes.count(), self.workers, zeros).run(
            |which, worker, sum| {
                sum.clear();
                let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let (memory, out) = &mut *scratch;
                let mut flushed = false;
                for (rows, flushes) in lanes.blocks(which, block) {
                    let out = &mut out[..rows.len() * l];
                    add(rows.clone(), &source.block(rows, memory), out, sum);
                    if flushes {
                        sum.flush(which);
                        flushed = true;
                    }
                }
                if flushed {
                    sum.restore(which);
                }
            },
            ColumnSums::add,
        );
        sum.chunks_exact(stride).take(cols).flat_map(|row| row[..l].iter().copied()).collect()
    }

    /// ⟨V·Y, X⟩ in double precision, with X m×l and Y n×l.
    pub fn inner_product<T: Real>(&self, x: &[T], y: &[T], l: usize) -> f64
    where
        S: Source<T>,
    {
        let (x, y) = if self.by_columns { (y, x) } else { (x, y) };
        let source = self.source;
        let (lanes, block): (Lanes, _) = (source.lanes(), source.block_rows(l).min(source.rows()));
        let scratch = self.scratch(|| (source.scratch(block), vec![T::ZERO; block * l]));
        Reducer::new(lanes.count(), self.workers, || 0.0).run(
            |which, worker, sum| {
                *sum = 0.0;
                let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let (memory, out) = &mut *scratch;
                for (rows, _) in lanes.blocks(which, block) {
                    let out = &mut out[..rows.len() * l];
                    let x = &x[rows.start * l..rows.end * l];
                    source.block(rows, memory).numerators(y, l, out);
                    *sum += out.iter().zip(x).map(|(a, b)| a.to_f64() * b.to_f64()).sum::<f64>();
                }
            },
            |a, b| *a += b,
        )
    }

    fn scratch<B>(&self, one: impl FnMut() -> B) -> Vec<Mutex<B>> {
        std::iter::repeat_with(one).take(self.workers).map(Mutex::new).collect()
    }
}

#[cfg(test)]
mod tests {
    use orthant_kernel::{Csr, Dense, View};

    use super::*;
    use crate::choice::SparsePlan;
    use crate::source::MatrixSource;
    use crate::{Matrix, Products};

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
        let csr = Csr::of_dense(&Dense::from_fn(
            m,
            n,
            |i, j| if (i + j) % 3 == 0 { entry(i * n + j) } else { 0.0 },
        ));
        let csc = orthant_kernel::Csc::of_transposed(csr.to_transposed());
        let all = views.map(Matrix::Dense).into_iter().chain([Matrix::Csr(csr), Matrix::Csc(csc)]);
        let plans = [false, true].map(|transpose| SparsePlan { lanes: 4, transpose });
        for (v, plan) in all.flat_map(|v| plans.map(|plan| (v.clone(), plan))) {
            let full = v.to_dense(1.0);
            for scale in [1.0, 0.25] {
                for workers in [1, 2] {
                    let source = MatrixSource::new(&v, scale, Products::Fused, &plan, 2).unwrap();
                    let operand = Operand::new(&source, v.by_columns(), workers);
                    let (vy, vz) = (operand.times(false, &y, l), operand.times(true, &z, l));
                    let mut sum = 0.0;
                    for i in 0..m {
                        for t in 0..l {
                            let exact: f64 = (0..n).map(|j| scale * full[(i, j)] * y[j * l + t]).sum();
                            assert!((vy[i * l + t] - exact).abs() < 1e-12);
                            sum += exact * z[i * l + t];
                        }
                    }
                    for j in 0..n {
                        for t in 0..l {
                            let exact: f64 = (0..m).map(|i| scale * full[(i, j)] * z[i * l + t]).sum();
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
        let v = Matrix::Dense(View::row_major(&v, m, 1).unwrap());
        let source = MatrixSource::new(&v, 1.0, Products::Fused, &SparsePlan::default(), 2).unwrap();
        let sum = Operand::new(&source, false, 2).times(true, &x, 1)[0];
        let exact = m as f64 * f64::from(0.1_f32) * f64::from(0.7_f32);
        assert!((f64::from(sum) / exact - 1.0).abs() < 1e-5, "{sum} against {exact}");
    }

    /// The same of a full column in sparse data, with few lanes and beside columns with few entries.
    #[test]
    fn sums_over_a_million_entries_do_not_drift() {
        let m = 1_000_000;
        let x = vec![0.7_f32; m];
        let indices: Vec<u32> = (0..m).flat_map(|i| [0, 1 + (i % 50) as u32]).collect();
        let indptr: Vec<usize> = (0..=m).map(|i| 2 * i).collect();
        let v = Matrix::Csr(Csr::<f32>::new(m, 51, indptr, indices, vec![0.1_f32; 2 * m]).unwrap());
        for transpose in [false, true] {
            let source =
                MatrixSource::new(&v, 1.0, Products::Fused, &SparsePlan { lanes: 4, transpose }, 2).unwrap();
            let sums = Operand::new(&source, false, 2).times(true, &x, 1);
            for (j, sum) in sums.iter().enumerate() {
                let count = if j == 0 { m } else { m / 50 };
                let exact = count as f64 * f64::from(0.1_f32) * f64::from(0.7_f32);
                assert!((f64::from(*sum) / exact - 1.0).abs() < 1e-5, "{sum} against {exact} in column {j}");
            }
        }
    }
}
