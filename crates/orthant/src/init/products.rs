//! V·Y and Vᵀ·Y on all threads, with the same bits on any number of them.
//!
//! V is read as a source, along its closer dimension: of S, which is V or Vᵀ, a block of rows at a time. Rows of S·X
//! have nothing to do with one another; Sᵀ·X is summed row by row in the source's lanes, and these in a fixed tree; or it is
//! rows of the transpose, where that is kept beside S. 2mnl flops for l columns (of sparse data 2l for each entry), and one
//! read of V; l·n elements for each accumulator of the tree.

use std::sync::{Mutex, PoisonError};

use orthant_kernel::{Buffer, accumulator_stride, allocate};

use crate::cancel::Halt;
use crate::column_sums::ColumnSums;
use crate::ranks::Ranks;
use crate::reduce::{Reducer, split};
use crate::source::{Rows, Source, Sources};
use crate::{Error, Real};

/// A source, to multiply with.
pub(crate) struct Operand<'a, T> {
    source: Sources<'a, T>,
    /// S is Vᵀ.
    by_columns: bool,
    workers: usize,
    halt: Halt,
    /// Who share the lanes.
    ranks: Ranks,
}

impl<'a, T: Real> Operand<'a, T> {
    /// `by_columns` tells that the source is Vᵀ.
    pub fn new(source: Sources<'a, T>, by_columns: bool, workers: usize) -> Self {
        Self { source, by_columns, workers, halt: Halt::default(), ranks: Ranks::default() }
    }

    /// That ends early, between two blocks.
    #[must_use]
    pub fn halted_by(self, halt: &Halt) -> Self {
        Self { halt: halt.clone(), ..self }
    }

    /// Where each of those ranks multiplies lanes of its own. The products are the same on all.
    #[must_use]
    pub fn over(self, ranks: &Ranks) -> Self {
        Self { ranks: ranks.clone(), ..self }
    }

    /// V·Y, with Y n×l; or Vᵀ·Y, with Y m×l, if `transposed`. Row-major.
    pub fn times(&self, transposed: bool, y: &[T], l: usize) -> Result<Vec<T>, Error> {
        if transposed == self.by_columns {
            self.rows_times(self.source.rows, y, l)
        } else if let Some(transpose) = self.source.transpose {
            self.rows_times(transpose, y, l)
        } else {
            self.sum_of_rows(l, |range, block, _, sum| {
                block.accumulate(&y[range.start * l..range.end * l], l, sum)
            })
        }
    }

    /// Vᵀ·(V·Y), with Y n×l. Where the rows of V are the closer ones, and summed over, V is read once.
    pub fn gram_times(&self, y: &[T], l: usize) -> Result<Vec<T>, Error> {
        if self.by_columns || self.source.transpose.is_some() {
            return self.times(true, &self.times(false, y, l)?, l);
        }
        self.sum_of_rows(l, |_, block, out, sum| {
            block.numerators(y, l, out);
            block.accumulate(out, l, sum);
        })
    }

    /// S·Y, of S or its transpose.
    fn rows_times(&self, source: &dyn Source<T>, y: &[T], l: usize) -> Result<Vec<T>, Error> {
        let (extent, lanes) = (source.extent(), source.lanes());
        let block = extent.block_rows::<T>(l).min(extent.rows);
        let mut out = Buffer::roomy(extent.rows * l);
        let slots = split(&mut out, l, &lanes);
        let scratch = self.scratch(|| source.memory(block));
        Reducer::new(lanes.count(), self.workers, || ()).over(&self.ranks).try_sum(
            |which, worker, ()| {
                let mut out = slots[which].lock().unwrap_or_else(PoisonError::into_inner);
                let mut memory = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let first = lanes.range(which).start;
                for (rows, _) in lanes.blocks(which, block) {
                    self.halt.check()?;
                    let out = &mut out[(rows.start - first) * l..(rows.end - first) * l];
                    source.read(rows, &mut memory)?.numerators(y, l, out);
                }
                Ok(())
            },
            |(), ()| {},
        )?;
        drop(slots);
        self.ranks.gather(&mut out, l, &lanes)?;
        Ok(out)
    }

    /// Sums of n×l that `add(rows, block, scratch, sum)` adds a block to, with rows×l of scratch.
    fn sum_of_rows(
        &self,
        l: usize,
        add: impl Fn(std::ops::Range<usize>, &Rows<'_, T>, &mut [T], &mut [T]) + Sync,
    ) -> Result<Vec<T>, Error> {
        let source = self.source.rows;
        let (extent, lanes, stride) = (source.extent(), source.lanes(), accumulator_stride::<T>(l));
        let block = extent.block_rows::<T>(l).min(extent.rows);
        let scratch = self.scratch(|| (source.memory(block), allocate::filled(block * l, T::ZERO)));
        let heavy = source.heavy_columns();
        let zeros = || ColumnSums::new(extent.cols, l, heavy.clone());
        let sum = Reducer::new(lanes.count(), self.workers, zeros).over(&self.ranks).try_sum(
            |which, worker, sum| {
                sum.clear();
                let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let (memory, out) = &mut *scratch;
                let mut flushed = false;
                for (rows, flushes) in lanes.blocks(which, block) {
                    self.halt.check()?;
                    let out = &mut out[..rows.len() * l];
                    add(rows.clone(), &source.read(rows, memory)?, out, sum);
                    if flushes {
                        sum.flush(which);
                        flushed = true;
                    }
                }
                if flushed {
                    sum.restore(which);
                }
                Ok(())
            },
            ColumnSums::add,
        )?;
        let mut out = Buffer::roomy(extent.cols * l);
        for (to, row) in out.chunks_exact_mut(l).zip(sum.chunks_exact(stride)) {
            to.copy_from_slice(&row[..l]);
        }
        Ok(out)
    }

    /// ⟨V·Y, X⟩ in double precision, with X m×l and Y n×l.
    pub fn inner_product(&self, x: &[T], y: &[T], l: usize) -> Result<f64, Error> {
        let (x, y) = if self.by_columns { (y, x) } else { (x, y) };
        let source = self.source.rows;
        let (extent, lanes) = (source.extent(), source.lanes());
        let block = extent.block_rows::<T>(l).min(extent.rows);
        let scratch = self.scratch(|| (source.memory(block), allocate::filled(block * l, T::ZERO)));
        Reducer::new(lanes.count(), self.workers, || 0.0).over(&self.ranks).try_sum(
            |which, worker, sum| {
                *sum = 0.0;
                let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let (memory, out) = &mut *scratch;
                for (rows, _) in lanes.blocks(which, block) {
                    let out = &mut out[..rows.len() * l];
                    let x = &x[rows.start * l..rows.end * l];
                    self.halt.check()?;
                    source.read(rows, memory)?.numerators(y, l, out);
                    *sum += out.iter().zip(x).map(|(a, b)| a.to_f64() * b.to_f64()).sum::<f64>();
                }
                Ok(())
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
    use crate::source::SparsePlan;
    use crate::source::Stored;
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
            let full = v.to_dense(1.0).unwrap();
            for scale in [1.0, 0.25] {
                for workers in [1, 2] {
                    let source = Stored::new(&v, scale, Products::Fused, &plan, 2).unwrap();
                    let operand = Operand::new(source.sources(), v.by_columns(), workers);
                    let (vy, vz) =
                        (operand.times(false, &y, l).unwrap(), operand.times(true, &z, l).unwrap());
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
                    assert!((operand.inner_product(&z, &y, l).unwrap() - sum).abs() < 1e-10);
                    let (two, one) =
                        (operand.times(true, &vy, l).unwrap(), operand.gram_times(&y, l).unwrap());
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
        let source = Stored::new(&v, 1.0, Products::Fused, &SparsePlan::default(), 2).unwrap();
        let sum = Operand::new(source.sources(), false, 2).times(true, &x, 1).unwrap()[0];
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
                Stored::new(&v, 1.0, Products::Fused, &SparsePlan { lanes: 4, transpose }, 2).unwrap();
            let sums = Operand::new(source.sources(), false, 2).times(true, &x, 1).unwrap();
            for (j, sum) in sums.iter().enumerate() {
                let count = if j == 0 { m } else { m / 50 };
                let exact = count as f64 * f64::from(0.1_f32) * f64::from(0.7_f32);
                assert!((f64::from(*sum) / exact - 1.0).abs() < 1e-5, "{sum} against {exact} in column {j}");
            }
        }
    }
}
