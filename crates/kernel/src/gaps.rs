//! Entries of dense rows that are not there.

use crate::Real;
use crate::arch::generic::gaps::Fill;
use crate::isa::Isa;
use crate::products::holds;

/// The columns that each of some consecutive rows has no entry in.
#[derive(Clone, Copy, Debug)]
pub struct Gaps<'a> {
    /// Ascending, one for each row and the end of the last; the first is where `columns` begins.
    starts: &'a [usize],
    columns: &'a [u32],
    ncols: usize,
}

impl<'a> Gaps<'a> {
    /// Of rows of `ncols` columns; `starts` has one more than there are rows.
    ///
    /// # Panics
    /// If `starts` does not ascend, does not fit `columns`, or a column is not below `ncols`.
    pub fn new(starts: &'a [usize], columns: &'a [u32], ncols: usize) -> Self {
        assert!(!starts.is_empty() && starts.is_sorted(), "one start for each row, and an end");
        assert_eq!(starts[starts.len() - 1] - starts[0], columns.len(), "as many columns");
        assert!(columns.iter().all(|&j| (j as usize) < ncols), "columns are below {ncols}");
        Self { starts, columns, ncols }
    }

    /// Number of rows.
    pub fn nrows(&self) -> usize {
        self.starts.len() - 1
    }

    /// Those of row `i`.
    ///
    /// # Panics
    /// If `i` is out of range.
    pub fn row(&self, i: usize) -> &'a [u32] {
        &self.columns[self.starts[i] - self.starts[0]..self.starts[i + 1] - self.starts[0]]
    }
}

/// Writes X·Yᵀ, or `floor` where it is less, into the gaps of rows×cols elements, and nothing elsewhere: with X rows×k and Y
/// cols×k. Returns `sum` + Σp² over them, in double precision. A row's result does not depend on the rows beside it.
/// 2k flops a gap.
///
/// ```
/// use orthant_kernel::{Isa, gaps::{Gaps, fill}};
/// let mut rows = [1.0, f64::NAN, 3.0];
/// let (x, y) = ([2.0], [1.0, 5.0, 3.0]); // P = [2, 10, 6]
/// let squares = fill(Isa::detect(), &mut rows, Gaps::new(&[0, 1], &[1], 3), &x, &y, 1, 0.0, 0.0);
/// assert_eq!((rows, squares), ([1.0, 10.0, 3.0], 100.0));
/// ```
///
/// # Panics
/// If an extent does not match.
pub fn fill<T: Real>(
    isa: Isa,
    rows: &mut [T],
    gaps: Gaps<'_>,
    x: &[T],
    y: &[T],
    k: usize,
    floor: T,
    sum: f64,
) -> f64 {
    assert!(k > 0, "k is at least 1");
    assert!(holds(rows.len(), gaps.nrows(), gaps.ncols), "rows×cols elements");
    assert!(holds(x.len(), gaps.nrows(), k), "X is rows×k");
    assert!(holds(y.len(), gaps.ncols, k), "Y is cols×k");
    // SAFETY: the extents were just checked, and columns are below the number of columns.
    unsafe { T::fill(isa.for_rows::<T>(k), Fill { rows, gaps, x, y, k, floor, sum }) }
}
