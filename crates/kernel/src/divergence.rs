//! What multiplicative updates for a β-divergence need of V and P = X·Yᵀ, block by block: P is made tile by tile and
//! never held whole.
//!
//! | | |
//! |---|---|
//! | [`numerators`] | (V∘P^(β−2))·Y and P^(β−1)·Y, rows×k |
//! | [`accumulate`] | B += (V∘P^(β−2))ᵀ·X and D += (P^(β−1))ᵀ·X, cols×k |
//! | [`joint`] | N and B of both, for β = 1, from one P |
//! | [`sum`] | Σ d_β(V, P), which the first two tell on the way if asked, and the third always |
//!
//! β − 1 and β − 2 with twice a whole number are reached by products and square roots, others by a logarithm and exponentials
//! in double precision, to 2 + 3·|e·ln p| units in its last place.
//!
//! For β = 1 the second of each pair is a column sum of Y or of X, which the caller has at hand. V rows×cols with
//! adjacent columns, X rows×k, Y cols×k, given twice: as it is, and [`pack`]ed.

use crate::arch::generic::divergence::{Ahead, Divergence, Ratios};
use crate::isa::Isa;
use crate::{Real, View};

/// Rows and columns of a tile of P.
pub(crate) const TILE: (usize, usize) = (48, 256);

/// A β with the floors under what is divided by.
///
/// ```
/// use orthant_kernel::divergence::Beta;
/// let kl = Beta::<f64>::new(1.0, 1e-300, 0.0);
/// assert!(kl.is_kullback_leibler());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beta<T> {
    pub(crate) beta: f64,
    pub(crate) floor: T,
    /// Up to what entries of P become the floor, in the divergence.
    pub(crate) lowest: T,
    pub(crate) ignore: T,
}

impl<T: Real> Beta<T> {
    /// Entries of P below `floor` count as `floor`: for β < 2 wherever V is divided by a power of them, for β < 1 in
    /// P^(β−1) too. Entries of V up to `ignore` count as 0 in the divergence.
    pub fn new(beta: f64, floor: T, ignore: T) -> Self {
        Self { beta, floor, lowest: floor, ignore }
    }

    /// The same with a divergence of P as it is: for β ≤ 1 entries of 0 alone count as the floor, or it would be infinite.
    #[must_use]
    pub fn unfloored(self) -> Self {
        let floor = if self.beta > 1.0 { T::ZERO } else { self.floor };
        Self { floor, lowest: T::ZERO, ignore: T::ZERO, ..self }
    }

    /// β.
    pub fn beta(&self) -> f64 {
        self.beta
    }

    /// What entries of P count as at least, where they are divided by.
    pub fn floor(&self) -> T {
        self.floor
    }

    /// Whether P^(β−1) is 1.
    pub fn is_kullback_leibler(&self) -> bool {
        self.beta == 1.0
    }
}

/// Yᵀ of Y (cols×k) as the products read it: k×256 tiles, one after the other. `out` is as long as `y`.
///
/// # Panics
/// If the lengths differ or are no multiple of k.
pub fn pack<T: Real>(y: &[T], k: usize, out: &mut [T]) {
    assert_eq!(y.len(), out.len(), "as long as Y");
    assert!(k > 0 && y.len().is_multiple_of(k), "Y is cols×k");
    for (y, out) in y.chunks(k * TILE.1).zip(out.chunks_mut(k * TILE.1)) {
        let cols = y.len() / k;
        for (j, row) in y.chunks_exact(k).enumerate() {
            for (t, &x) in row.iter().enumerate() {
                out[t * cols + j] = x;
            }
        }
    }
}

/// Elements of scratch that [`numerators`], [`accumulate`], [`joint`] and [`sum`] need.
pub fn scratch_len(k: usize) -> usize {
    2 * TILE.0 * TILE.1 + TILE.0 * k
}

/// The operands that all of them share.
#[derive(Clone, Copy)]
pub struct Operands<'a, T> {
    /// V, rows×cols, columns adjacent.
    pub v: View<'a, T>,
    /// X, rows×k.
    pub x: &'a [T],
    /// Y, cols×k.
    pub y: &'a [T],
    /// The same, packed.
    pub packed: &'a [T],
    /// Columns of X and of Y.
    pub k: usize,
}

impl<T: Real> Operands<'_, T> {
    fn check(&self, scratch: &[T]) {
        let Self { v, x, y, packed, k } = *self;
        assert!(k > 0, "k is at least 1");
        assert!(v.col_stride() == 1 || v.ncols() <= 1, "the columns of V are adjacent");
        assert!(crate::products::holds(x.len(), v.nrows(), k), "X is rows×k");
        assert!(crate::products::holds(y.len(), v.ncols(), k), "Y is cols×k");
        assert_eq!(packed.len(), y.len(), "Y, packed");
        assert!(scratch.len() >= scratch_len(k), "scratch holds scratch_len(k)");
    }

    /// Makes P tile by tile: calls `f` with the tile's first row and column and P, for the tiles of a row of tiles in
    /// turn. A row's P does not depend on the rows beside it.
    #[inline]
    fn tiles(&self, isa: Isa, scratch: &mut [T], mut f: impl FnMut(Tile, &mut [T], &mut [T], &mut [T])) {
        let Self { v, x, packed, k, .. } = *self;
        let (p, rest) = scratch.split_at_mut(TILE.0 * TILE.1);
        let (q, spare) = rest.split_at_mut(TILE.0 * TILE.1);
        for row in (0..v.nrows()).step_by(TILE.0) {
            let rows = TILE.0.min(v.nrows() - row);
            let x = View::row_major(&x[row * k..(row + rows) * k], rows, k).expect("X is rows×k");
            for col in (0..v.ncols()).step_by(TILE.1) {
                let cols = TILE.1.min(v.ncols() - col);
                let p = &mut p[..rows * cols];
                crate::numerators(isa, x, &packed[col * k..(col + cols) * k], cols, p);
                f(Tile { row, col, rows, cols }, p, &mut q[..rows * cols], spare);
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Tile {
    row: usize,
    col: usize,
    rows: usize,
    cols: usize,
}

/// The divergence of rows of tiles, added up tile by tile.
struct RowSums {
    sums: [f64; TILE.0],
}

impl RowSums {
    fn new() -> Self {
        Self { sums: [0.0; TILE.0] }
    }

    /// Adds that of a tile with this P; and, after the last of a row of tiles, that of its rows in order to `sum`.
    fn tile<T: Real>(
        &mut self,
        isa: Isa,
        beta: &Beta<T>,
        v: View<'_, T>,
        tile: Tile,
        p: &[T],
        sum: &mut f64,
    ) {
        let Beta { beta, floor, lowest, ignore } = *beta;
        let rows = &mut self.sums[..tile.rows];
        for (r, row) in rows.iter_mut().enumerate() {
            let (p, v) = (&p[r * tile.cols..(r + 1) * tile.cols], tile.row_of(v, r));
            let op = Divergence { v, p, beta, floor, lowest, ignore, entries_only: false };
            // SAFETY: the kernel has no contract beyond its types.
            *row += unsafe { T::divergence(isa, op) };
        }
        if tile.col + tile.cols == v.ncols() {
            for row in rows {
                *sum += std::mem::take(row);
            }
        }
    }
}

impl Tile {
    /// What V has in row `r` of the tile.
    fn row_of<'a, T: Real>(&self, v: View<'a, T>, r: usize) -> &'a [T] {
        &v.row(self.row + r).expect("columns are adjacent")[self.col..self.col + self.cols]
    }

    /// Adds `factor`·Y, the tile's rows and columns of it, to N, whose first tile of a row begins it.
    fn times<T: Real>(self, isa: Isa, factor: &[T], y: &[T], k: usize, spare: &mut [T], n: &mut [T]) {
        let Self { row, col, rows, cols } = self;
        let factor = View::row_major(factor, rows, cols).expect("a tile");
        let part = &mut spare[..rows * k];
        crate::numerators(isa, factor, &y[col * k..(col + cols) * k], k, part);
        add(&mut n[row * k..(row + rows) * k], part, col == 0);
    }

    /// Adds `factor`ᵀ·X likewise to B.
    fn onto<T: Real>(self, isa: Isa, factor: &[T], x: &[T], k: usize, b: &mut [T]) {
        let Self { row, col, rows, cols } = self;
        let stride = crate::accumulator_stride::<T>(k);
        let factor = View::row_major(factor, rows, cols).expect("a tile");
        let x = &x[row * k..(row + rows) * k];
        crate::accumulate(isa, factor, x, k, &mut b[col * stride..(col + cols) * stride]);
    }
}

impl<T: Real> Beta<T> {
    /// Makes R of P in place, and Q unless β = 1.
    fn ratios(&self, isa: Isa, v: View<'_, T>, tile: Tile, p: &mut [T], q: &mut [T]) {
        for r in 0..tile.rows {
            let line = r * tile.cols..(r + 1) * tile.cols;
            let v = tile.row_of(v, r);
            let q = (!self.is_kullback_leibler()).then(|| &mut q[line.clone()]);
            let op = Ratios { v, p: &mut p[line], q, beta: self.beta, floor: self.floor };
            // SAFETY: the kernel has no contract beyond its types.
            unsafe { T::ratios(isa, op) }
        }
    }
}

/// out += part, rows of k.
fn add<T: Real>(out: &mut [T], part: &[T], fresh: bool) {
    for (out, &x) in out.iter_mut().zip(part) {
        *out = if fresh { x } else { *out + x };
    }
}

/// `n` = (V∘P^(β−2))·Y and, unless β = 1, `d` = P^(β−1)·Y, both rows×k; and, if `loss` is given, [`sum`] on the way, from the
/// same P. Sums run over ascending tiles of columns; a row's
/// result does not depend on the rows beside it. 4·rows·cols·k flops for β = 1, else 6.
///
/// ```
/// use orthant_kernel::{Isa, View, divergence::{self, Beta, Operands}};
/// let v = View::row_major(&[2.0, 6.0], 1, 2)?;
/// let (x, y) = ([2.0], [1.0, 3.0]); // P = [2, 6]
/// let mut scratch = vec![0.0; divergence::scratch_len(1)];
/// let operands = Operands { v, x: &x, y: &y, packed: &y, k: 1 };
/// let (mut n, mut d) = ([0.0_f64], [0.0]);
/// divergence::numerators(Isa::detect(), &Beta::new(0.0, 1e-9, 0.0), operands, &mut n, &mut d, &mut scratch, None);
/// assert!((n[0] - d[0]).abs() < 1e-12); // stationary
/// # Ok::<(), orthant_kernel::LayoutError>(())
/// ```
///
/// # Panics
/// If an extent does not match.
pub fn numerators<T: Real>(
    isa: Isa,
    beta: &Beta<T>,
    operands: Operands<'_, T>,
    n: &mut [T],
    d: &mut [T],
    scratch: &mut [T],
    mut loss: Option<&mut f64>,
) {
    operands.check(scratch);
    let Operands { v, x, y, k, .. } = operands;
    assert_eq!(n.len(), x.len(), "N is rows×k");
    assert!(beta.is_kullback_leibler() || d.len() == x.len(), "D is rows×k");
    let mut row_sums = RowSums::new();
    operands.tiles(isa, scratch, |tile, p, q, spare| {
        if let Some(sum) = &mut loss {
            row_sums.tile(isa, beta, v, tile, p, sum);
        }
        beta.ratios(isa, v, tile, p, q);
        tile.times(isa, p, y, k, spare, n);
        if !beta.is_kullback_leibler() {
            tile.times(isa, q, y, k, spare, d);
        }
    });
}

/// `b` += (V∘P^(β−2))ᵀ·X and, unless β = 1, `d` += (P^(β−1))ᵀ·X, both cols×k with rows
/// [`accumulator_stride`](crate::accumulator_stride) apart; and, if `loss` is given, [`sum`] on the way. Rows are added in ascending order, one rounding each, so that
/// consecutive calls over blocks of rows do what one call does, to the bit. Flops as in [`numerators`].
///
/// # Panics
/// If an extent does not match.
pub fn accumulate<T: Real>(
    isa: Isa,
    beta: &Beta<T>,
    operands: Operands<'_, T>,
    b: &mut [T],
    d: &mut [T],
    scratch: &mut [T],
    mut loss: Option<&mut f64>,
) {
    operands.check(scratch);
    let Operands { v, x, k, .. } = operands;
    let stride = crate::accumulator_stride::<T>(k);
    assert!(crate::products::holds(b.len(), v.ncols(), stride), "B is cols×stride");
    assert!(beta.is_kullback_leibler() || d.len() == b.len(), "D is cols×stride");
    let mut row_sums = RowSums::new();
    operands.tiles(isa, scratch, |tile, p, q, _| {
        if let Some(sum) = &mut loss {
            row_sums.tile(isa, beta, v, tile, p, sum);
        }
        beta.ratios(isa, v, tile, p, q);
        tile.onto(isa, p, x, k, b);
        if !beta.is_kullback_leibler() {
            tile.onto(isa, q, x, k, d);
        }
    });
}

/// For β = 1 what [`numerators`] and [`accumulate`] make, and `loss` what [`sum`] makes of it, all from one P and to the bit:
/// `n` = (V∘P⁻¹)·Y and `b` += (V∘P⁻¹)ᵀ·X. 6·rows·cols·k flops, where the two take 8.
///
/// ```
/// use orthant_kernel::{Isa, View, accumulator_stride, divergence::{self, Beta, Operands}};
/// let v = View::row_major(&[2.0, 9.0], 1, 2)?;
/// let (x, y) = ([2.0], [1.0, 3.0]); // P = [2, 6]
/// let mut scratch = vec![0.0; divergence::scratch_len(1)];
/// let operands = Operands { v, x: &x, y: &y, packed: &y, k: 1 };
/// let stride = accumulator_stride::<f64>(1);
/// let (mut n, mut b, mut loss) = ([0.0_f64], vec![0.0; 2 * stride], 0.0);
/// divergence::joint(Isa::detect(), &Beta::new(1.0, 1e-300, 0.0), operands, &mut n, &mut b, &mut scratch, &mut loss);
/// assert_eq!((n[0], b[0], b[stride]), (1.0 + 1.5 * 3.0, 2.0, 1.5 * 2.0));
/// assert!((loss - (9.0 * 1.5_f64.ln() - 3.0)).abs() < 1e-14);
/// # Ok::<(), orthant_kernel::LayoutError>(())
/// ```
///
/// # Panics
/// If an extent does not match, or for another β than 1.
pub fn joint<T: Real>(
    isa: Isa,
    beta: &Beta<T>,
    operands: Operands<'_, T>,
    n: &mut [T],
    b: &mut [T],
    scratch: &mut [T],
    loss: &mut f64,
) {
    operands.check(scratch);
    assert!(beta.is_kullback_leibler(), "β is 1");
    let Operands { v, x, y, k, .. } = operands;
    assert_eq!(n.len(), x.len(), "N is rows×k");
    let stride = crate::accumulator_stride::<T>(k);
    assert!(crate::products::holds(b.len(), v.ncols(), stride), "B is cols×stride");
    let mut row_sums = RowSums::new();
    operands.tiles(isa, scratch, |tile, p, q, spare| {
        row_sums.tile(isa, beta, v, tile, p, loss);
        beta.ratios(isa, v, tile, p, q);
        tile.times(isa, p, y, k, spare, n);
        tile.onto(isa, p, x, k, b);
    });
}

/// `sum` + Σ d_β(V, P), in double precision from products in the element type; rows add in order, so that calls over
/// consecutive blocks do what one call does, to the bit. 2·rows·cols·k flops and a logarithm (or powers) an entry.
///
/// # Panics
/// If an extent does not match.
pub fn sum<T: Real>(
    isa: Isa,
    beta: &Beta<T>,
    operands: Operands<'_, T>,
    scratch: &mut [T],
    mut sum: f64,
) -> f64 {
    operands.check(scratch);
    let mut row_sums = RowSums::new();
    operands.tiles(isa, scratch, |tile, p, _, _| {
        row_sums.tile(isa, beta, operands.v, tile, p, &mut sum);
    });
    sum
}

/// x ← x·(x/(d·from))^β for rows of k, with a factor d for each of the k columns: the quotient is taken as 1/1024 at least
/// and 1024 at most, and where `from` is 0, x stays. As far again as x has come from `d·from`, in logarithms, so that what is
/// positive remains so. A logarithm and an exponential an element, both in double precision.
///
/// ```
/// use orthant_kernel::{Isa, divergence};
/// let mut x = [6.0, 0.0, 1.0, 8.0_f64];
/// divergence::ahead(Isa::detect(), &mut x, &[3.0, 1.0, 0.0, 1.0], &[1.0, 2.0], 0.5);
/// assert!((x[0] - 6.0 * 2.0_f64.sqrt()).abs() < 1e-14);
/// assert_eq!(x[1..3], [0.0, 1.0]);
/// assert!((x[3] - 16.0).abs() < 1e-14);
/// ```
///
/// # Panics
/// If the lengths differ, or `by`, the factors, is empty.
pub fn ahead<T: Real>(isa: Isa, x: &mut [T], from: &[T], by: &[T], beta: f64) {
    assert_eq!(x.len(), from.len(), "as many elements");
    assert!(!by.is_empty(), "a factor for each column");
    // SAFETY: the kernel has no contract beyond its types.
    unsafe { T::ahead(isa, Ahead { x, from, by, beta }) }
}
