//! Sparse matrices by their lines: the rows of CSR, the columns of CSC.

use std::ops::Range;

use orthant_kernel::{Isa, Real, allocate};
use rayon::prelude::*;

use super::{Extent, Memory, Rows, Source, SparseRows, Storage};
use crate::Error;
use crate::column_sums::HeavyColumns;
use crate::lanes::Lanes;
use crate::lines::SparseLines;
use crate::shape::Shape;

/// What a row costs besides its entries, in entries.
pub(super) const ROW: usize = 8;

/// Sums of a column with more terms than this in a lane are set aside as often as rounding needs it.
pub(super) const MANY: usize = 2048;

/// A sparse matrix by rows, times a power of two. Lanes have about the same number of entries.
#[derive(Debug)]
pub(crate) struct SparseSource<'a, T: Real> {
    rows: SparseLines<'a, T>,
    scale: T,
    isa: Isa,
    /// The most entries of a row.
    longest: usize,
    lanes: Lanes,
    heavy: HeavyColumns,
    weights: Option<&'a [T]>,
}

impl<'a, T: Real> SparseSource<'a, T> {
    /// `rows` times `scale`, a power of two, in `lanes` lanes; `summed` tells whether they are summed over. The rayon pool at
    /// hand looks at the entries, if it is to work in `parallel`.
    ///
    /// # Errors
    /// Whatever keeps the entries from being read.
    pub fn new(
        rows: SparseLines<'a, T>,
        scale: T,
        lanes: usize,
        summed: bool,
        parallel: bool,
    ) -> Result<Self, Error> {
        let lanes = lanes_by_entries(rows.nrows(), lanes, |i| rows.entries_before(i));
        let heavy = if summed { heavy(&rows, &lanes, parallel)? } else { HeavyColumns::default() };
        let longest = rows.longest();
        Ok(Self { rows, scale, isa: Isa::detect(), longest, lanes, heavy, weights: None })
    }

    /// Whose entries count so much each.
    #[must_use]
    pub fn weighted(self, weights: Option<&'a [T]>) -> Self {
        Self { weights, ..self }
    }
}

/// The columns that have many terms in a lane, for each lane; nothing where no lane is long.
fn heavy<T: Real>(rows: &SparseLines<'_, T>, lanes: &Lanes, parallel: bool) -> Result<HeavyColumns, Error> {
    if !lanes.long() {
        return Ok(HeavyColumns::default());
    }
    let of_lane = |l: usize| {
        let range = lanes.range(l);
        // where a column's sums are set aside every 1024 rows, that is to be little beside what it sums
        let many = MANY.max(range.len() / 64);
        let (mut counts, mut room) = (allocate::filled(rows.ncols(), 0_u32), rows.room(0, false));
        for part in rows.near(range) {
            for &j in rows.read(part, T::ONE, &mut room)?.indices() {
                counts[j as usize] += 1;
            }
        }
        let columns = counts.iter().enumerate().filter(|(_, count)| **count as usize > many);
        Ok(columns.map(|(j, _)| j as u32).collect())
    };
    let all = 0..lanes.count();
    let columns: Result<Vec<Vec<u32>>, Error> =
        if parallel { all.into_par_iter().map(of_lane).collect() } else { all.map(of_lane).collect() };
    Ok(columns?.into_iter().collect())
}

/// Bytes of a transpose with `entries` entries and `rows` rows.
pub(crate) fn transpose_bytes<T>(entries: usize, rows: usize) -> usize {
    entries * (size_of::<u32>() + size_of::<T>()) + (rows + 1) * size_of::<usize>()
}

/// Bytes that are needed besides while it is made: where the next entry of each row goes.
pub(crate) fn transposing_bytes(rows: usize) -> usize {
    rows * size_of::<usize>()
}

/// Bytes of a copy that has rows of a matrix which is sparse by columns.
pub(crate) fn with_rows_bytes<T>(v: &Shape) -> usize {
    match v.entries {
        Some(entries) if v.by_columns => transpose_bytes::<T>(entries, v.m),
        _ => 0,
    }
}

/// The cuts of `lanes` lanes of about the same number of entries each.
pub(crate) fn lanes_by_entries(rows: usize, lanes: usize, before: impl Fn(usize) -> usize) -> Lanes {
    Lanes::weighted(rows, lanes, |i| before(i) + ROW * i)
}

impl<T: Real> Source<T> for SparseSource<'_, T> {
    fn extent(&self) -> Extent {
        let storage = Storage::Sparse { entries: self.rows.nnz(), longest: self.longest };
        Extent { rows: self.rows.nrows(), cols: self.rows.ncols(), storage, partial: false }
    }

    fn lanes(&self) -> Lanes {
        self.lanes.clone()
    }

    fn heavy_columns(&self) -> HeavyColumns {
        self.heavy.clone()
    }

    fn memory(&self, rows: usize) -> Memory<T> {
        let blocks = (0..self.lanes.count()).flat_map(|l| self.lanes.blocks(l, rows));
        let most = blocks.map(|(rows, _)| self.rows.range_nnz(rows)).max().unwrap_or(0);
        let unfolded = self.rows.room(most, self.scale != T::ONE);
        Memory { copy: Vec::new(), unfolded, row: Vec::new(), full: Vec::new() }
    }

    fn read<'a>(&'a self, range: Range<usize>, memory: &'a mut Memory<T>) -> Result<Rows<'a, T>, Error> {
        let Memory { unfolded, row, full, .. } = memory;
        let weights = self.weights.map(|weights| {
            let before = |i| self.rows.entries_before(i);
            &weights[before(range.start)..before(range.end)]
        });
        let rows = self.rows.read(range, self.scale, unfolded)?;
        Ok(Rows::Sparse(SparseRows { rows, weights, isa: self.isa, row, full }))
    }
}
