//! Sources of rows: what a pass reads.
//!
//! A source is a matrix S whose rows are cheap to visit in order. That is V itself where its rows are contiguous, and
//! Vᵀ where its columns are; the pass does not know which. Each iteration reads each row once.

use std::ops::Range;

use orthant_kernel::{Isa, Real, Unfolded, newton, second_level_cache, sparse as entries};
use orthant_kernel::{allocate, divergence::Beta};

use crate::Error;
use crate::column_sums::HeavyColumns;
use crate::lanes::Lanes;

pub(crate) use dense::DenseSource;
pub(crate) use lists::Lists;
pub(crate) use reading::Reading;
pub(crate) use rows::{DenseRows, Packed, Rows, SparseRows, UNFOLDED};
pub(crate) use sparse::{
    SparseSource, lanes_by_entries, transpose_bytes, transposing_bytes, with_rows_bytes,
};
pub(crate) use stored::{Partial, SparsePlan, Stored};
pub(crate) use unobserved::{Counts, Estimate, Unobserved};

mod dense;
mod lists;
mod reading;
mod rows;
mod sparse;
mod stored;
mod unobserved;

/// A matrix that is read some rows at a time.
///
/// Rows are read by a worker that holds an accumulator: reading must not wait for other workers, nor call rayon.
pub(crate) trait Source<T: Real>: Sync {
    /// Its sides and how it is stored.
    fn extent(&self) -> Extent;

    /// Where rows are cut in lanes that each sum for themselves: by the data alone.
    fn lanes(&self) -> Lanes;

    /// The columns with very many terms in a lane, for each lane; nothing where there are none.
    fn heavy_columns(&self) -> HeavyColumns {
        HeavyColumns::default()
    }

    /// What a worker needs to read at most `rows` rows at a time.
    fn memory(&self, rows: usize) -> Memory<T>;

    /// The rows of `range`.
    ///
    /// # Errors
    /// Whatever keeps it from reading them. Nothing does where they are in memory.
    fn read<'a>(&'a self, range: Range<usize>, memory: &'a mut Memory<T>) -> Result<Rows<'a, T>, Error>;
}

/// The sides of a source, and what it costs to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub rows: usize,
    pub cols: usize,
    pub storage: Storage,
    /// Whether rows are to be [completed](Rows::complete) where they are not observed.
    pub partial: bool,
}

/// How the rows of a source are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    Dense,
    Sparse {
        entries: usize,
        /// The most entries of a row.
        longest: usize,
    },
}

/// Bytes of a factor that may be copied for each pass over S.
const COPIED: usize = 8 << 20;

impl Extent {
    pub fn is_sparse(&self) -> bool {
        self.storage != Storage::Dense
    }

    /// Rows of a cache block, for factors of k columns.
    pub fn block_rows<T: Real>(&self, k: usize) -> usize {
        match self.storage {
            Storage::Dense => {
                orthant_kernel::block_rows::<T>(Isa::detect(), second_level_cache(), self.cols, k)
            }
            Storage::Sparse { entries, .. } => {
                sparse_block_rows::<T>(second_level_cache(), self.rows, entries, k)
            }
        }
    }

    /// Elements from one row of Y to the next that the rows are multiplied best by: k, unless Y is to be copied for it.
    pub fn row_stride<T: Real>(&self, k: usize) -> usize {
        if self.is_sparse() { read_stride::<T>(self.cols, k) } else { k }
    }

    /// Whether this β is computed at the entries, and its loss leaves ΣP out.
    pub fn by_entries<T: Real>(&self, beta: &Beta<T>) -> bool {
        self.is_sparse() && beta.is_kullback_leibler()
    }

    /// Elements of scratch that Newton's steps need.
    pub fn newton_len(&self, k: usize) -> usize {
        match self.storage {
            Storage::Dense => newton::scratch_len(Some(self.cols), 0, k),
            Storage::Sparse { longest, .. } => newton::scratch_len(None, longest, k),
        }
    }
}

/// Rows of a block of a sparse matrix: as many as fill a second-level `cache` of so many bytes with their entries or with what is
/// computed of them, which pass through it; what is to stay there are the rows of the other factor, and then the sums.
pub(crate) fn sparse_block_rows<T>(cache: usize, rows: usize, entries: usize, k: usize) -> usize {
    let (of_s, of_x) = ((entries / rows.max(1) + 1) * (4 + size_of::<T>()), 2 * k * size_of::<T>());
    (cache / of_s).min(cache / of_x).clamp(16, 512)
}

/// Elements from one row to the next that a factor of `rows` rows is read best by: where rows are not whole quarters of
/// cache lines, a copy is worth it as long as it is small.
pub(crate) fn read_stride<T>(rows: usize, k: usize) -> usize {
    let stride = entries::row_stride::<T>(k);
    if rows * stride * size_of::<T>() <= COPIED { stride } else { k }
}

/// What a worker needs to read rows.
#[derive(Debug)]
pub(crate) struct Memory<T> {
    /// Copies of elements that cannot be read where they are.
    copy: Vec<T>,
    unfolded: Unfolded<T>,
    /// A row of X in double precision.
    row: Vec<f64>,
    /// Some sparse rows written out, where all elements are wanted.
    full: Vec<T>,
}

impl<T: Real> Memory<T> {
    /// With room for sparse rows written out, as the products of this β with them need.
    #[must_use]
    pub fn for_divergence(mut self, extent: &Extent, rows: usize, beta: &Beta<T>) -> Self {
        if extent.is_sparse() && !extent.by_entries(beta) {
            self.full = allocate::filled(rows.min(UNFOLDED) * extent.cols, T::ZERO);
        }
        self
    }
}

/// A source, and its transpose where that is kept beside it: sums over rows are then products with rows of the transpose, and
/// nothing is accumulated.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'a, T> {
    pub rows: &'a dyn Source<T>,
    pub transpose: Option<&'a dyn Source<T>>,
}

impl<'a, T: Real> Sources<'a, T> {
    /// Without a transpose.
    pub fn of(rows: &'a dyn Source<T>) -> Self {
        Self { rows, transpose: None }
    }
}
