//! The bytes that reading V takes, and multiplying with it, before there is a source to ask.

use orthant_kernel::{Buffer, Isa, Real};

use super::sparse::MANY;
use super::{SparsePlan, Unobserved, sparse_block_rows, transpose_bytes, transposing_bytes};
use crate::column_sums::ColumnSums;
use crate::lanes::{MAX_LANES, lanes};
use crate::reduce::accumulators;
use crate::shape::Shape;

/// V, how its passes are cut, and by how many workers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading<'a> {
    pub v: &'a Shape,
    pub plan: SparsePlan,
    pub workers: usize,
    /// Bytes of a second-level cache, which blocks follow.
    pub cache: usize,
}

impl Reading<'_> {
    /// The number of lanes of S.
    pub fn lanes(&self) -> usize {
        self.plan.lanes
    }

    /// The number of lanes of the transpose that is kept beside it.
    pub fn lanes_across(&self) -> usize {
        if self.v.entries.is_some() { MAX_LANES } else { lanes(self.v.lines().1) }
    }

    /// Rows of a block of S.
    pub fn block<T: Real>(&self, k: usize) -> usize {
        let (rows, cols) = self.v.lines();
        self.rows_of_block::<T>(rows, cols, k)
    }

    /// Rows of a block of its transpose.
    pub fn block_across<T: Real>(&self, k: usize) -> usize {
        let (rows, cols) = self.v.lines();
        self.rows_of_block::<T>(cols, rows, k)
    }

    fn rows_of_block<T: Real>(&self, rows: usize, cols: usize, k: usize) -> usize {
        let block = match self.v.entries {
            None => orthant_kernel::block_rows::<T>(Isa::detect(), self.cache, cols, k),
            Some(entries) => sparse_block_rows::<T>(self.cache, rows, entries, k),
        };
        block.min(rows)
    }

    /// What a worker reads blocks of S with.
    pub fn memory<T>(&self, block: usize) -> usize {
        match self.v.entries {
            Some(_) => {
                let of_lane = self.v.entries_of_lane(self.lanes(), super::sparse::ROW);
                self.v.lines_of_s.most(block).min(of_lane) * self.v.unfolded
            }
            None if self.v.copied => block * self.v.lines().1 * size_of::<T>(),
            None => 0,
        }
    }

    /// What a worker reads blocks of the transpose with: of dense data columns, and of sparse data entries as kernels read them.
    pub fn memory_across<T>(&self, block: usize) -> usize {
        match self.v.entries {
            Some(_) if self.v.scaled => {
                let of_lane = self.v.entries_of_lane_across(self.lanes_across(), super::sparse::ROW);
                self.v.lines_across.most(block).min(of_lane) * size_of::<T>()
            }
            Some(_) => 0,
            None => block * self.v.lines().0 * size_of::<T>(),
        }
    }

    /// What is kept of V in another form.
    pub fn stored<T>(&self) -> usize {
        // lists are a copy of V, but of sparse data by rows, and weights go by rows and by columns
        let lists = match self.v.entries {
            Some(entries) if self.v.lists => {
                transpose_bytes::<T>(entries, self.v.m) + 2 * entries * size_of::<T>()
            }
            _ => 0,
        };
        let edges = 2 * self.lanes() * size_of::<usize>() + lists;
        match self.v.entries {
            Some(entries) if self.plan.transpose => transpose_bytes::<T>(entries, self.v.lines().1) + edges,
            _ => edges + self.unobserved(),
        }
    }

    /// The pattern of what is not observed, by the lines and, if they are read too, by those across; and what a start has in its place.
    fn unobserved(&self) -> usize {
        let (rows, cols) = self.v.lines();
        match self.v.unobserved {
            0 => 0,
            count => {
                let across = if self.plan.transpose { Unobserved::bytes(count, cols) } else { 0 };
                Unobserved::bytes(count, rows) + across + 2 * (rows + cols) * size_of::<f64>()
            }
        }
    }

    /// What is needed besides while that is made.
    pub fn storing<T>(&self) -> usize {
        let cols = self.v.lines().1;
        match self.v.entries {
            Some(_) if self.plan.transpose => transposing_bytes(cols),
            Some(_) if self.long() => {
                let workers = self.workers.min(self.lanes());
                workers * cols * size_of::<u32>() + self.v.near::<T>(self.v.lines().0, workers)
            }
            _ => 0,
        }
    }

    /// Whether a lane of S has more rows than are summed one after the other.
    pub fn long(&self) -> bool {
        self.v.entries.is_some() && self.v.long_lanes(self.lanes())
    }

    /// Columns of which sums are set aside in a lane, at most.
    pub fn heavy(&self) -> usize {
        let (_, cols) = self.v.lines();
        match self.v.entries {
            Some(_) if self.long() && !self.plan.transpose => {
                let of_lane = self.v.entries_of_lane(self.lanes(), super::sparse::ROW);
                cols.min(of_lane / MANY)
            }
            _ => 0,
        }
    }

    /// Sums of `cols` columns for k columns of a factor, in a lane of S.
    pub fn column_sums<T: Real>(&self, cols: usize, k: usize) -> usize {
        let heavy = if cols == 0 { 0 } else { self.heavy() };
        Buffer::<T>::bytes(ColumnSums::<T>::len(cols, k)) + Buffer::<T>::bytes(ColumnSums::<T>::len(heavy, k))
    }

    /// A product of V, or if so of its transpose, with l columns: what it takes meanwhile, and the result.
    pub fn times<T: Real>(&self, transposed: bool, l: usize) -> (usize, usize) {
        let (rows, cols) = self.v.lines();
        if transposed == self.v.by_columns {
            let result = Buffer::<T>::bytes(rows * l);
            return (result + self.workers * self.memory::<T>(self.block::<T>(l)), result);
        }
        let result = Buffer::<T>::bytes(cols * l);
        if self.plan.transpose {
            return (result + self.workers * self.memory_across::<T>(self.block_across::<T>(l)), result);
        }
        let sums = self.column_sums::<T>(cols, l);
        let summing = accumulators(self.lanes(), self.workers) * sums + self.scratch::<T>(l);
        (summing.max(sums + result), result)
    }

    /// What workers multiply blocks with, where the products are only summed.
    pub fn scratch<T: Real>(&self, l: usize) -> usize {
        let block = self.block::<T>(l);
        self.workers * (self.memory::<T>(block) + block * l * size_of::<T>())
    }

    /// VᵀV times l columns: likewise.
    pub fn gram_times<T: Real>(&self, l: usize) -> (usize, usize) {
        if !self.v.by_columns && !self.plan.transpose {
            return self.times::<T>(true, l);
        }
        let ((first, product), (second, result)) = (self.times::<T>(false, l), self.times::<T>(true, l));
        (first.max(product + second), result)
    }
}
