//! Coordinate descent for the Kullback–Leibler divergence: rows x of a factor, one coordinate after another, by Newton's
//! steps that cannot raise the objective.
//!
//! For a row v of V, the other factor Y (cols×k) and p = x·Yᵀ, each coordinate's part of
//! F(x) = Σ (p − v·ln p) + l1·Σx + ½·l2·‖x‖² has, with r = y/p for Y's column y,
//!
//! ```text
//! g = Σy + l1 + l2·x_t − Σ v·r      h = Σ v·r² + l2      ρ = max r where v > 0
//! m = x_t·Σv·r / (Σy + l1)          the multiplicative step; its closed form for l2 > 0
//! g ≤ 0:  x_t ← max(x_t − g/h, m)
//! g > 0:  d = min(g/h, x_t);  x_t ← min(x_t − d, m) if ρ·d ≤ 0.6838, else min(x_t − min(g/h / (1 + ρ·g/h), x_t), m)
//! ```
//!
//! h falls with x_t, so that to the right a Newton step stays short of the minimum, and so does m on either side. To the
//! left h grows no faster than 1/(1 − ρs)² after a step s: F falls by g·s − h·(−ρs − ln(1 − ρs))/ρ² at least, which for
//! s ≤ g/h is positive up to ρs = 0.6838, and the damped step ends before the minimum. So F never rises, but for rounding
//! and where the floor under p is active.
//!
//! Where p is next to nothing beside y, so that h overflows, x_t becomes Σv of those columns over Σy + l1, where a row that
//! nothing else explains is best: short of the minimum too.
//!
//! p is computed at the start and moved along with x; where an entry that v has may have shrunk to a 64th, which its rounding
//! does not, it is computed anew. The figures are of this p. A sweep takes a reciprocal and some eight other operations for each element of V (dense) or
//! entry (sparse), times k. Four rows are worked on together; held are their p and V and, of sparse ones, Y at their entries.
//!
//! Hsieh & Dhillon, Fast coordinate descent methods with variable selection for non-negative matrix factorization, KDD
//! 2011, doi:10.1145/2020408.2020577 (section 3.2). Hien & Gillis, Algorithms for nonnegative matrix factorization with
//! the Kullback–Leibler divergence, Journal of Scientific Computing 87, 2021, doi:10.1007/s10915-021-01504-0 (scalar
//! Newton), whose bound by self-concordance, 1/√(smallest v) in place of ρ/√h, is never smaller.

use crate::arch::generic::divergence::Divergence;
use crate::arch::generic::newton::{Columns, Newton, Row, TILE, TOGETHER};
use crate::divergence::Beta;
use crate::isa::Isa;
use crate::products::holds;
use crate::sparse::SparseRows;
use crate::{Real, View};

/// Entries of a sparse row are taken in whole numbers of these.
const WHOLE: usize = 16;

/// What all rows of a factor share.
#[derive(Clone, Copy, Debug)]
pub struct Subproblem<'a, T> {
    /// Column sums of Y, k.
    pub columns: &'a [T],
    /// L1 weight.
    pub l1: T,
    /// L2 weight.
    pub l2: T,
    /// Sweeps over the coordinates.
    pub sweeps: usize,
    /// p is divided by as if it were at least this.
    pub floor: T,
    /// Lower and upper bounds of X, rows×k each, if it has any; X is within them. A step ends at a bound that it meets: F is convex
    /// along a coordinate, so that it falls up to there.
    pub bounds: Option<(&'a [T], &'a [T])>,
}

impl<'a, T> Subproblem<'a, T> {
    /// The bounds of k elements of X from `at` on; nothing where there are none.
    fn bounds_of(&self, at: usize, k: usize) -> (&'a [T], &'a [T]) {
        self.bounds.map_or((&[], &[]), |(lower, upper)| (&lower[at..at + k], &upper[at..at + k]))
    }
}

/// What the sweeps compute of the rows on the way.
#[derive(Debug)]
pub struct Figures<'a, T> {
    /// Σ max(x_t before, x_t after)·|g| over the first sweep is added to this, but where a bound holds x_t back: 0 where the rows
    /// are stationary, and the same when components are rescaled.
    pub movement: &'a mut f64,
    /// Σ d₁(v | p) after the last sweep is added to the number, if there is one; of a sparse row without Σp.
    pub divergence: Option<(&'a Beta<T>, &'a mut f64)>,
}

/// Entries that sparse rows which are worked on together have at most, but for one that has more by itself.
const MOST: usize = 1 << 14;

/// Elements of scratch that rows with `columns` columns need, or sparse ones with at most `entries` entries each: p and V,
/// and for sparse ones Y at the entries too. It had better begin a cache line.
pub fn scratch_len(columns: Option<usize>, entries: usize, k: usize) -> usize {
    columns.map_or_else(
        || {
            let one = entries.next_multiple_of(WHOLE);
            (k + 2) * one.max(MOST.min(TOGETHER * one))
        },
        |columns| 2 * TOGETHER * columns.next_multiple_of(WHOLE),
    )
}

/// Some rows' steps and their figures; of sparse rows over their own entries.
fn steps<'a, T: Real>(
    isa: Isa,
    subproblem: Subproblem<'a, T>,
    rows: &mut [Row<'a, T>],
    entries: Option<&[usize]>,
    figures: &mut Figures<'_, T>,
) {
    let Subproblem { columns, l1, l2, sweeps, floor, .. } = subproblem;
    let whole = figures.divergence.is_some();
    // SAFETY: V and p have as many elements as Y has columns here, which the fronts see to.
    unsafe { T::newton(isa, Newton { rows, columns, l1, l2, sweeps, floor, whole }) };
    for (r, row) in rows.iter().enumerate() {
        *figures.movement += row.movement;
        if let Some((beta, sum)) = &mut figures.divergence {
            let len = entries.map_or(row.v.len(), |entries| entries[r]);
            let (v, p, entries_only) = (&row.v[..len], &row.p[..len], entries.is_some());
            let op = Divergence {
                v,
                p,
                beta: 1.0,
                floor: beta.floor,
                lowest: beta.lowest,
                ignore: beta.ignore,
                entries_only,
            };
            // SAFETY: the kernel has no contract beyond its types.
            **sum += unsafe { T::divergence(isa, op) };
        }
    }
}

/// Rows of a dense V: X, rows×k, against Y (cols×k), [packed](crate::divergence::pack). A row's result does not depend on the
/// rows beside it.
///
/// ```
/// use orthant_kernel::{Isa, View, divergence, newton};
/// let v = View::row_major(&[2.0_f64, 4.0, 9.0, 3.0], 2, 2)?;
/// let y = [1.0, 2.0]; // one component
/// let mut packed = [0.0; 2];
/// divergence::pack(&y, 1, &mut packed);
/// let (mut x, mut movement) = ([0.5, 0.5], 0.0);
/// let mut scratch = vec![0.0; newton::scratch_len(Some(2), 0, 1)];
/// let subproblem = newton::Subproblem { columns: &[3.0], l1: 0.0, l2: 0.0, sweeps: 9, floor: 1e-300, bounds: None };
/// let figures = newton::Figures { movement: &mut movement, divergence: None };
/// newton::dense(Isa::detect(), subproblem, v, &packed, &mut x, &mut scratch, figures);
/// // with one component the minimum is at Σv/Σy
/// assert!((x[0] - 2.0).abs() < 1e-12 && (x[1] - 4.0).abs() < 1e-12);
/// # Ok::<(), orthant_kernel::LayoutError>(())
/// ```
///
/// # Panics
/// If an extent does not match or the columns of V are not adjacent.
pub fn dense<T: Real>(
    isa: Isa,
    subproblem: Subproblem<'_, T>,
    v: View<'_, T>,
    packed: &[T],
    x: &mut [T],
    scratch: &mut [T],
    mut figures: Figures<'_, T>,
) {
    let k = subproblem.columns.len();
    assert!(k > 0, "k is at least 1");
    assert!(holds(x.len(), v.nrows(), k), "X is rows×k");
    assert!(
        subproblem.bounds.is_none_or(|(lower, upper)| lower.len() == x.len() && upper.len() == x.len()),
        "bounds are rows×k"
    );
    assert!(holds(packed.len(), v.ncols(), k), "Y is cols×k");
    let cols = v.ncols();
    for (first, x) in (0..v.nrows()).step_by(TOGETHER).zip(x.chunks_mut(TOGETHER * k)) {
        let mut left = &mut *scratch;
        let mut rows: [Row<'_, T>; TOGETHER] = Default::default();
        for (r, (row, x)) in rows.iter_mut().zip(x.chunks_exact_mut(k)).enumerate() {
            let (p, near);
            (p, left) = left.split_at_mut(cols.next_multiple_of(WHOLE));
            (near, left) = left.split_at_mut(cols.next_multiple_of(WHOLE));
            // it is read again for every coordinate, and may lie across cache lines
            near[..cols].copy_from_slice(v.row(first + r).expect("columns are adjacent"));
            let v = &near[..cols];
            // no early end, so that it vectorises
            let positive = v.iter().fold(true, |all, &v| all & (v > T::ZERO));
            let (lower, upper) = subproblem.bounds_of((first + r) * k, k);
            *row = Row { v, positive, packed, x, p: &mut p[..cols], lower, upper, ..Row::default() };
        }
        let count = TOGETHER.min(v.nrows() - first);
        steps(isa, subproblem, &mut rows[..count], None, &mut figures);
    }
}

/// Rows of a sparse V: X, rows×k, against Y (cols×k), whose rows are [as far apart](crate::sparse::row_stride) as its length
/// says. A row's result does not depend on the rows beside it. `scratch` is [`scratch_len`] for the row with the most entries.
///
/// # Panics
/// If an extent does not match.
pub fn sparse<T: Real>(
    isa: Isa,
    subproblem: Subproblem<'_, T>,
    v: SparseRows<'_, T>,
    y: &[T],
    x: &mut [T],
    scratch: &mut [T],
    mut figures: Figures<'_, T>,
) {
    let k = subproblem.columns.len();
    assert!(k > 0, "k is at least 1");
    assert!(holds(x.len(), v.nrows(), k), "X is rows×k");
    assert!(
        subproblem.bounds.is_none_or(|(lower, upper)| lower.len() == x.len() && upper.len() == x.len()),
        "bounds are rows×k"
    );
    let y_stride = crate::sparse::stride_of(y, v.ncols(), k);
    let (mut first, mut rest) = (0, x);
    while first < v.nrows() {
        let padded = |i: usize| v.row(i).0.len().next_multiple_of(WHOLE);
        let (mut count, mut sum) = (1, padded(first));
        while count < TOGETHER && first + count < v.nrows() && sum + padded(first + count) <= MOST {
            sum += padded(first + count);
            count += 1;
        }
        let x;
        (x, rest) = rest.split_at_mut(count * k);
        let mut left = &mut *scratch;
        let mut rows: [Row<'_, T>; TOGETHER] = Default::default();
        let mut entries = [0; TOGETHER];
        for (r, (row, x)) in rows.iter_mut().zip(x.chunks_exact_mut(k)).enumerate() {
            let (indices, values) = v.row(first + r);
            entries[r] = indices.len();
            let len = indices.len().next_multiple_of(WHOLE);
            let (padded, p, packed);
            (padded, left) = left.split_at_mut(len);
            (p, left) = left.split_at_mut(len);
            (packed, left) = left.split_at_mut(k * len);
            padded[..values.len()].copy_from_slice(values);
            padded[values.len()..].fill(T::ZERO);
            for (out, indices) in packed.chunks_mut(k * TILE).zip(indices.chunks(TILE)) {
                // SAFETY: indices are below the number of rows of Y, and tiles have whole numbers of registers.
                unsafe { T::columns(isa, Columns { indices, y, y_stride, k, out }) };
            }
            let (lower, upper) = subproblem.bounds_of((first + r) * k, k);
            *row = Row { v: padded, positive: true, packed, x, p, lower, upper, ..Row::default() };
        }
        steps(isa, subproblem, &mut rows[..count], Some(&entries), &mut figures);
        first += count;
    }
}
