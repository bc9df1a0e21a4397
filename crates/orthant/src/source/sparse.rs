//! Sparse matrices by their lines: the rows of CSR, the columns of CSC.

use std::ops::Range;

use orthant_kernel::divergence::Beta;
use orthant_kernel::newton::{self, Half, Told};
use orthant_kernel::sparse::{self, SparseOperands};
use orthant_kernel::{Csr, Isa, SparseRows, Unfolded, View, accumulator_stride, second_level_cache};

use rayon::prelude::*;

use super::dense::DenseBlock;
use super::{Block, Packed, RatioBlock, Ratios, Residual, Source};
use crate::Real;
use crate::column_sums::HeavyColumns;
use crate::reduce::Lanes;
use crate::twofold::Twofold;

/// What a row costs besides its entries, in entries.
const ROW: usize = 8;

/// Sums of a column with more terms than this in a lane are set aside as often as rounding needs it.
const MANY: usize = 2048;

/// Bytes of a factor that may be copied for each pass over S.
const COPIED: usize = 8 << 20;

/// Rows whose indices are counted together.
const COUNTED: usize = 1024;

/// Rows that are unfolded together, where all elements are wanted.
const UNFOLDED: usize = 48;

/// A sparse matrix by rows, times a power of two. Lanes have about the same number of entries.
#[derive(Debug)]
pub struct Sparse<'a, T: Real> {
    rows: Csr<'a, T>,
    scale: T,
    isa: Isa,
    lanes: Lanes,
    heavy: HeavyColumns,
}

impl<'a, T: Real> Sparse<'a, T> {
    /// `rows` times `scale`, a power of two, in so many lanes; `summed` tells whether they are summed over. The rayon pool at
    /// hand looks at the entries, if it is to work in `parallel`.
    pub fn new(rows: Csr<'a, T>, scale: T, lanes: usize, summed: bool, parallel: bool) -> Self {
        let lanes = Lanes::weighted(rows.nrows(), lanes, |i| rows.entries_before(i) + ROW * i);
        let heavy = if summed { heavy(&rows, &lanes, parallel) } else { HeavyColumns::default() };
        Self { rows, scale, isa: Isa::detect(), lanes, heavy }
    }
}

/// The columns that have many terms in a lane, for each lane; nothing where no lane is long.
fn heavy<T: Real>(rows: &Csr<'_, T>, lanes: &Lanes, parallel: bool) -> HeavyColumns {
    if !lanes.long() {
        return HeavyColumns::default();
    }
    let of_lane = |l: usize| {
        let range = lanes.range(l);
        // where a column's sums are set aside every 1024 rows, that is to be little beside what it sums
        let many = MANY.max(range.len() / 64);
        let (mut counts, mut unfolded) = (vec![0_u32; rows.ncols()], Unfolded::default());
        for (part, _) in lanes.blocks(l, COUNTED) {
            for &j in rows.block(part, T::ONE, &mut unfolded).indices() {
                counts[j as usize] += 1;
            }
        }
        let columns = counts.iter().enumerate().filter(|(_, count)| **count as usize > many);
        columns.map(|(j, _)| j as u32).collect()
    };
    let all = 0..lanes.count();
    if parallel { all.into_par_iter().map(of_lane).collect() } else { all.map(of_lane).collect() }
}

/// Rows of a cache block of a sparse matrix: as many as fill a second-level cache with their entries or with what is computed
/// of them, which pass through it; what is to stay there are the rows of the other factor, and then the sums.
pub(crate) fn block_rows<T>(rows: usize, entries: usize, k: usize) -> usize {
    let cache = second_level_cache();
    let (of_s, of_x) = ((entries / rows.max(1) + 1) * (4 + size_of::<T>()), 2 * k * size_of::<T>());
    (cache / of_s).min(cache / of_x).clamp(16, 512)
}

/// What a worker needs to read blocks of a sparse matrix.
#[derive(Debug)]
pub struct SparseScratch<T> {
    unfolded: Unfolded<T>,
    /// A row of X in double precision.
    row: Vec<f64>,
    /// Some rows of S in full, where all elements are wanted.
    full: Vec<T>,
}

/// Elements from one row to the next that a factor of so many rows is read best by.
pub(crate) fn read_stride<T>(rows: usize, k: usize) -> usize {
    let stride = sparse::row_stride::<T>(k);
    if rows * stride * size_of::<T>() <= COPIED { stride } else { k }
}

impl<T: Real> Source<T> for Sparse<'_, T> {
    type Block<'b>
        = SparseBlock<'b, T>
    where
        Self: 'b;
    type Scratch = SparseScratch<T>;

    fn rows(&self) -> usize {
        self.rows.nrows()
    }

    fn cols(&self) -> usize {
        self.rows.ncols()
    }

    fn lanes(&self) -> Lanes {
        self.lanes.clone()
    }

    fn block_rows(&self, k: usize) -> usize {
        block_rows::<T>(self.rows.nrows(), self.rows.nnz(), k)
    }

    fn scratch(&self, rows: usize) -> SparseScratch<T> {
        let blocks = (0..self.lanes.count()).flat_map(|l| self.lanes.blocks(l, rows));
        let most = blocks.map(|(rows, _)| self.rows.range_nnz(rows)).max().unwrap_or(0);
        let unfolded = self.rows.scratch(most, self.scale != T::ONE);
        SparseScratch { unfolded, row: Vec::new(), full: Vec::new() }
    }

    fn block<'b>(&'b self, range: Range<usize>, scratch: &'b mut SparseScratch<T>) -> SparseBlock<'b, T> {
        let SparseScratch { unfolded, row, full } = scratch;
        SparseBlock { rows: self.rows.block(range, self.scale, unfolded), isa: self.isa, row, full }
    }

    /// Where rows are not whole quarters of cache lines, a copy is worth it as long as it is small.
    fn row_stride(&self, k: usize) -> usize {
        read_stride::<T>(self.cols(), k)
    }

    fn heavy_columns(&self) -> HeavyColumns {
        self.heavy.clone()
    }

    fn residual_by_entries(&self) -> bool {
        true
    }
}

impl<T: Real> Ratios<T> for Sparse<'_, T> {
    type Ratio<'b>
        = SparseBlock<'b, T>
    where
        Self: 'b;

    fn ratios<'b>(&'b self, range: Range<usize>, scratch: &'b mut SparseScratch<T>) -> SparseBlock<'b, T> {
        self.block(range, scratch)
    }

    fn by_entries(&self, beta: &Beta<T>) -> bool {
        beta.is_kullback_leibler()
    }

    fn ratio_scratch(&self, rows: usize, beta: &Beta<T>) -> SparseScratch<T> {
        let full = if self.by_entries(beta) { 0 } else { rows.min(UNFOLDED) * self.cols() };
        SparseScratch { full: vec![T::ZERO; full], ..self.scratch(rows) }
    }

    fn newton_len(&self, k: usize) -> usize {
        let most = (0..self.rows.nrows()).map(|i| self.rows.row_nnz(i)).max().unwrap_or(0);
        newton::scratch_len(None, most, k)
    }
}

/// Rows of a sparse matrix.
#[derive(Debug)]
pub struct SparseBlock<'a, T: Real> {
    rows: SparseRows<'a, T>,
    isa: Isa,
    row: &'a mut Vec<f64>,
    full: &'a mut Vec<T>,
}

impl<T: Real> SparseBlock<'_, T> {
    /// Calls `f` with some rows at a time in full, and their range.
    fn in_full(&mut self, mut f: impl FnMut(View<'_, T>, Range<usize>)) {
        let (rows, cols) = (self.rows.nrows(), self.rows.ncols());
        for start in (0..rows).step_by(UNFOLDED) {
            let range = start..rows.min(start + UNFOLDED);
            let len = range.len() * cols;
            if self.full.len() < len {
                self.full.resize(len, T::ZERO);
            }
            let full = &mut self.full[..len];
            self.rows.rows(range.clone()).unfold(full);
            f(View::row_major(full, range.len(), cols).expect("as many elements"), range);
        }
    }

    /// `sum` + Σ v(v − 2p) over the entries, for P = X·Yᵀ.
    fn twofold(&mut self, x: &[T], y: &[T], mut sum: Twofold) -> Twofold {
        let k = self.row.len();
        for (i, x) in x.chunks_exact(k).enumerate() {
            self.row.iter_mut().zip(x).for_each(|(to, x)| *to = -2.0 * x.to_f64());
            let (indices, values) = self.rows.row(i);
            for (&j, v) in indices.iter().zip(values) {
                let (v, y) = (v.to_f64(), &y[j as usize * k..][..k]);
                let terms = self.row.iter().zip(y).filter(|(x, y)| **x != 0.0 && **y != T::ZERO);
                let left =
                    terms.fold(v.into(), |left: Twofold, (&x, y)| left.plus(Twofold::product(x, y.to_f64())));
                sum = sum.plus(left.times(v));
            }
        }
        sum
    }

    fn operands<'b>(&'b self, x: &'b [T], y: Packed<'b, T>) -> SparseOperands<'b, T> {
        SparseOperands { v: self.rows, x, y: y.y, k: y.k }
    }
}

impl<T: Real> Block<T> for SparseBlock<'_, T> {
    fn numerators(&self, y: &[T], k: usize, out: &mut [T]) {
        sparse::numerators(self.isa, self.rows, y, k, out);
    }

    fn accumulate(&self, z: &[T], k: usize, acc: &mut [T]) {
        let stride = accumulator_stride::<T>(k);
        sparse::accumulate(self.isa, self.rows, z, k, &mut acc[..self.rows.ncols() * stride]);
    }

    fn squared_residual(
        &mut self,
        how: Residual,
        x: &[T],
        y: &[T],
        k: usize,
        _scratch: &mut [T],
        sum: Twofold,
    ) -> Twofold {
        self.row.resize(k, 0.0);
        if how == Residual::Twofold {
            return self.twofold(x, y, sum);
        }
        let Self { rows, isa, row, .. } = self;
        sum.after(|sum| sparse::residual_entries(*isa, *rows, x, y, k, how == Residual::Wide, row, sum))
    }
}

impl<T: Real> RatioBlock<T> for SparseBlock<'_, T> {
    fn ratio_numerators(
        &mut self,
        beta: &Beta<T>,
        x: &[T],
        y: Packed<'_, T>,
        n: &mut [T],
        d: &mut [T],
        scratch: &mut [T],
        mut sum: Option<&mut f64>,
    ) {
        if beta.is_kullback_leibler() {
            return sparse::ratio_numerators(self.isa, beta, self.operands(x, y), n, sum);
        }
        let (isa, k) = (self.isa, y.k);
        self.in_full(|full, rows| {
            let at = rows.start * k..rows.end * k;
            let (n, d) = (&mut n[at.clone()], &mut d[at.clone()]);
            DenseBlock::new(full, isa).ratio_numerators(beta, &x[at], y, n, d, scratch, sum.as_deref_mut());
        });
    }

    fn ratio_accumulate(
        &mut self,
        beta: &Beta<T>,
        x: &[T],
        y: Packed<'_, T>,
        b: &mut [T],
        d: &mut [T],
        scratch: &mut [T],
        mut sum: Option<&mut f64>,
    ) {
        let (isa, k) = (self.isa, y.k);
        let len = self.rows.ncols() * accumulator_stride::<T>(k);
        let b = &mut b[..len];
        if beta.is_kullback_leibler() {
            return sparse::ratio_accumulate(isa, beta, self.operands(x, y), b, sum);
        }
        let d = &mut d[..len];
        self.in_full(|full, rows| {
            let x = &x[rows.start * k..rows.end * k];
            DenseBlock::new(full, isa).ratio_accumulate(beta, x, y, b, d, scratch, sum.as_deref_mut());
        });
    }

    fn ratio_joint(
        &mut self,
        beta: &Beta<T>,
        x: &[T],
        y: Packed<'_, T>,
        n: &mut [T],
        b: &mut [T],
        _scratch: &mut [T],
        sum: &mut f64,
    ) {
        let b = &mut b[..self.rows.ncols() * accumulator_stride::<T>(y.k)];
        sparse::ratio_joint(self.isa, beta, self.operands(x, y), n, b, sum);
    }

    fn divergence(
        &mut self,
        beta: &Beta<T>,
        x: &[T],
        y: Packed<'_, T>,
        scratch: &mut [T],
        mut sum: f64,
    ) -> f64 {
        if beta.is_kullback_leibler() {
            return sparse::ratio_sum(self.isa, beta, self.operands(x, y), sum);
        }
        let (isa, k) = (self.isa, y.k);
        self.in_full(|full, rows| {
            let x = &x[rows.start * k..rows.end * k];
            sum = DenseBlock::new(full, isa).divergence(beta, x, y, scratch, sum);
        });
        sum
    }

    fn newton(
        &mut self,
        half: Half<'_, T>,
        x: &mut [T],
        y: Packed<'_, T>,
        scratch: &mut [T],
        told: Told<'_, T>,
    ) {
        newton::sparse(self.isa, half, self.rows, y.y, x, scratch, told);
    }
}
