//! The two products of the pass, by register tiles of R rows of V × k columns of a factor.
//!
//! Operation, with rows of V adjacent in their columns (column stride 1) and factors row-major:
//!
//! ```text
//! numerators   out (rows×k)  = V (rows×cols) · Y (cols×k)
//! accumulate   acc (cols×stride) += Vᵀ · Z (rows×k)
//! ```
//!
//! V is broadcast element by element from where it lies and never packed. `numerators` keeps a tile of `out` in
//! registers and streams Y; `accumulate` keeps a tile of Z and loads, updates and stores rows of `acc`. k is cut
//! in panels of up to four registers (three where there are 16), the last one masked; rows of `acc` are padded to
//! whole registers instead, because a masked store cannot forward to the load of the row after it.
//!
//! Every element of `out` is a sum over columns in ascending order within chunks of [`chunk_columns`], chunks in
//! ascending order; every element of `acc` gets its rows in ascending order. Neither depends on the tile that a
//! row falls in, nor on how the rows are cut in blocks.

use crate::arch::Op;
use crate::arch::vector::Vector;
use crate::{Real, View};

/// Bytes of Y that a chunk of columns spans: it stays in a second-level cache while the block's rows pass over it.
const CHUNK_BYTES: usize = 256 * 1024;

/// Columns of V that are summed before the sum is added to the total: a function of k and the element alone.
pub(crate) fn chunk_columns<T>(k: usize) -> usize {
    let columns = CHUNK_BYTES / (k.max(1) * size_of::<T>());
    let power = usize::BITS - 1 - columns.max(1).leading_zeros();
    (1usize << power).clamp(64, 4096)
}

/// Elements from one row of an accumulator of k columns to the next: whole registers of any instruction set that
/// multiplies with this k.
pub(crate) fn stride<T>(k: usize) -> usize {
    let register = if k * size_of::<T>() <= 32 { 32 } else { 64 };
    k.next_multiple_of(register / size_of::<T>())
}

/// Number of panels that k is cut in, and the registers of the widest.
fn panels<V: Vector>(k: usize) -> (usize, usize) {
    let registers = k.div_ceil(V::LANES);
    let widest = if V::REGISTERS == 32 { 4 } else { 3 };
    let count = registers.div_ceil(widest);
    (count, registers.div_ceil(count))
}

pub(crate) struct Numerators<'a, T> {
    pub v: View<'a, T>,
    pub y: &'a [T],
    pub k: usize,
    pub out: &'a mut [T],
}

pub(crate) struct Accumulate<'a, T> {
    pub v: View<'a, T>,
    pub z: &'a [T],
    pub k: usize,
    pub acc: &'a mut [T],
}

/// A tile's operands: V from one row and column on, a factor panel, and where the result goes.
#[derive(Clone, Copy)]
struct Panel<T> {
    v: *const T,
    v_stride: isize,
    rows: usize,
    cols: usize,
    k: usize,
    /// Lanes in use of the panel's last register.
    tail: usize,
}

impl<T: Real> Op<T> for Numerators<'_, T> {
    type Out = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let Self { v, y, k, out } = self;
        let (rows, cols) = (v.nrows(), v.ncols());
        let chunk = chunk_columns::<T>(k);
        let (count, width) = panels::<V>(k);
        let mut first = 0;
        loop {
            let n = chunk.min(cols - first);
            for p in 0..count {
                let start = p * width * V::LANES;
                let lanes = (k - start).min(width * V::LANES);
                let nv = lanes.div_ceil(V::LANES);
                // SAFETY: row 0, column `first` ≤ cols of V; Y and `out` from column `start` < k on.
                unsafe {
                    let panel = Panel {
                        v: v.as_ptr().add(first),
                        v_stride: v.row_stride(),
                        rows,
                        cols: n,
                        k,
                        tail: lanes - (nv - 1) * V::LANES,
                    };
                    let y = y.as_ptr().add(first * k + start);
                    let out = out.as_mut_ptr().add(start);
                    numerators_panel::<V>(panel, nv, y, out, first == 0);
                }
            }
            first += n;
            if first >= cols {
                break;
            }
        }
    }
}

impl<T: Real> Op<T> for Accumulate<'_, T> {
    type Out = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let Self { v, z, k, acc } = self;
        let stride = stride::<T>(k);
        let (rows, cols) = (v.nrows(), v.ncols());
        let chunk = chunk_columns::<T>(k);
        let (count, width) = panels::<V>(k);
        let mut first = 0;
        while first < cols {
            let n = chunk.min(cols - first);
            for p in 0..count {
                let start = p * width * V::LANES;
                let lanes = (k - start).min(width * V::LANES);
                let nv = lanes.div_ceil(V::LANES);
                // SAFETY: row 0, column `first` < cols of V; Z and `acc` from column `start` < k on.
                unsafe {
                    let panel = Panel {
                        v: v.as_ptr().add(first),
                        v_stride: v.row_stride(),
                        rows,
                        cols: n,
                        k,
                        tail: lanes - (nv - 1) * V::LANES,
                    };
                    let z = z.as_ptr().add(start);
                    let acc = acc.as_mut_ptr().add(first * stride + start);
                    accumulate_panel::<V>(panel, nv, z, acc, stride);
                }
            }
            first += n;
        }
    }
}

/// Picks the tile for a panel of `nv` registers: as many rows as the registers hold.
macro_rules! by_width {
    ($v:ident, $rows:ident, $panel:expr, $nv:expr, $($args:expr),*) => {{
        let panel = $panel;
        let whole = panel.tail == $v::LANES;
        if const { $v::REGISTERS == 32 } {
            match ($nv, whole) {
                (1, true) => $rows::<$v, 16, 1, false>(panel, $($args),*),
                (1, false) => $rows::<$v, 16, 1, true>(panel, $($args),*),
                (2, true) => $rows::<$v, 12, 2, false>(panel, $($args),*),
                (2, false) => $rows::<$v, 12, 2, true>(panel, $($args),*),
                (3, true) => $rows::<$v, 8, 3, false>(panel, $($args),*),
                (3, false) => $rows::<$v, 8, 3, true>(panel, $($args),*),
                (_, true) => $rows::<$v, 6, 4, false>(panel, $($args),*),
                (_, false) => $rows::<$v, 6, 4, true>(panel, $($args),*),
            }
        } else {
            match ($nv, whole) {
                (1, true) => $rows::<$v, 12, 1, false>(panel, $($args),*),
                (1, false) => $rows::<$v, 12, 1, true>(panel, $($args),*),
                (2, true) => $rows::<$v, 6, 2, false>(panel, $($args),*),
                (2, false) => $rows::<$v, 6, 2, true>(panel, $($args),*),
                (_, true) => $rows::<$v, 4, 3, false>(panel, $($args),*),
                (_, false) => $rows::<$v, 4, 3, true>(panel, $($args),*),
            }
        }
    }};
}

#[inline(always)]
unsafe fn numerators_panel<V: Vector>(
    panel: Panel<V::Elem>,
    nv: usize,
    y: *const V::Elem,
    out: *mut V::Elem,
    fresh: bool,
) {
    // SAFETY: the operands are those of `Numerators`.
    unsafe { by_width!(V, numerators_rows, panel, nv, y, out, fresh) }
}

#[inline(always)]
unsafe fn accumulate_panel<V: Vector>(
    panel: Panel<V::Elem>,
    nv: usize,
    z: *const V::Elem,
    acc: *mut V::Elem,
    stride: usize,
) {
    // SAFETY: the operands are those of `Accumulate`.
    unsafe { by_width!(V, accumulate_rows, panel, nv, z, acc, stride) }
}

/// Rows in tiles of R, then of 4, then one by one.
macro_rules! in_tiles {
    ($panel:expr, $r:ident, |$i:ident| $($tile:tt)*) => {{
        let rows = $panel.rows;
        let mut $i = 0;
        while $i + $r <= rows {
            tile!($r, $($tile)*);
            $i += $r;
        }
        while $i + 4 <= rows {
            tile!(4, $($tile)*);
            $i += 4;
        }
        while $i < rows {
            tile!(1, $($tile)*);
            $i += 1;
        }
    }};
}

macro_rules! tile {
    ($r:tt, $f:ident, $v:ident, $nv:ident, $partial:ident, $($args:expr),*) => {
        $f::<$v, $r, $nv, $partial>($($args),*)
    };
}

#[inline(always)]
unsafe fn numerators_rows<V: Vector, const R: usize, const NV: usize, const PARTIAL: bool>(
    panel: Panel<V::Elem>,
    y: *const V::Elem,
    out: *mut V::Elem,
    fresh: bool,
) {
    // SAFETY: tiles cover rows 0..rows once each; row i of V and of `out` exist.
    unsafe {
        in_tiles!(
            panel,
            R,
            |i| numerators_tile,
            V,
            NV,
            PARTIAL,
            panel,
            panel.v.offset(i as isize * panel.v_stride),
            y,
            out.add(i * panel.k),
            fresh
        )
    }
}

#[inline(always)]
unsafe fn accumulate_rows<V: Vector, const R: usize, const NV: usize, const PARTIAL: bool>(
    panel: Panel<V::Elem>,
    z: *const V::Elem,
    acc: *mut V::Elem,
    stride: usize,
) {
    // SAFETY: tiles cover rows 0..rows once each; row i of V and of Z exist.
    unsafe {
        in_tiles!(
            panel,
            R,
            |i| accumulate_tile,
            V,
            NV,
            PARTIAL,
            panel,
            panel.v.offset(i as isize * panel.v_stride),
            z.add(i * panel.k),
            acc,
            stride
        )
    }
}

/// NV registers of a row of a factor, the last of `tail` lanes if PARTIAL.
#[inline(always)]
unsafe fn load_row<V: Vector, const NV: usize, const PARTIAL: bool>(
    p: *const V::Elem,
    tail: usize,
) -> [V; NV] {
    // SAFETY: the caller's row holds (NV − 1)·LANES + tail elements from p on.
    unsafe {
        let mut row = [V::splat(V::Elem::ZERO); NV];
        for c in 0..NV {
            row[c] = if PARTIAL && c == NV - 1 {
                V::load_partial(p.add(c * V::LANES), tail)
            } else {
                V::load(p.add(c * V::LANES))
            };
        }
        row
    }
}

#[inline(always)]
unsafe fn store_row<V: Vector, const NV: usize, const PARTIAL: bool>(
    row: [V; NV],
    p: *mut V::Elem,
    tail: usize,
) {
    // SAFETY: the caller's row holds (NV − 1)·LANES + tail elements from p on.
    unsafe {
        for c in 0..NV {
            if PARTIAL && c == NV - 1 {
                row[c].store_partial(p.add(c * V::LANES), tail);
            } else {
                row[c].store(p.add(c * V::LANES));
            }
        }
    }
}

#[inline(always)]
unsafe fn numerators_tile<V: Vector, const R: usize, const NV: usize, const PARTIAL: bool>(
    panel: Panel<V::Elem>,
    v: *const V::Elem,
    y: *const V::Elem,
    out: *mut V::Elem,
    fresh: bool,
) {
    let Panel { v_stride, cols, k, tail, .. } = panel;
    // SAFETY: R rows of V from `v` on with `cols` columns, `cols` rows of Y, R rows of `out`.
    unsafe {
        let mut sum = [[V::splat(V::Elem::ZERO); NV]; R];
        for j in 0..cols {
            let yj = load_row::<V, NV, PARTIAL>(y.add(j * k), tail);
            for r in 0..R {
                let x = V::splat(*v.offset(r as isize * v_stride + j as isize));
                for c in 0..NV {
                    sum[r][c] = x.mul_add(yj[c], sum[r][c]);
                }
            }
        }
        for r in 0..R {
            let out = out.add(r * k);
            if !fresh {
                let before = load_row::<V, NV, PARTIAL>(out, tail);
                for c in 0..NV {
                    sum[r][c] = before[c].add(sum[r][c]);
                }
            }
            store_row::<V, NV, PARTIAL>(sum[r], out, tail);
        }
    }
}

#[inline(always)]
unsafe fn accumulate_tile<V: Vector, const R: usize, const NV: usize, const PARTIAL: bool>(
    panel: Panel<V::Elem>,
    v: *const V::Elem,
    z: *const V::Elem,
    acc: *mut V::Elem,
    stride: usize,
) {
    let Panel { v_stride, cols, k, tail, .. } = panel;
    // SAFETY: R rows of V from `v` on with `cols` columns, R rows of Z, `cols` rows of `acc`, each with room
    // for NV whole registers.
    unsafe {
        let mut zr = [[V::splat(V::Elem::ZERO); NV]; R];
        for r in 0..R {
            zr[r] = load_row::<V, NV, PARTIAL>(z.add(r * k), tail);
        }
        for j in 0..cols {
            let row = acc.add(j * stride);
            let mut sum = load_row::<V, NV, false>(row, tail);
            for r in 0..R {
                let x = V::splat(*v.offset(r as isize * v_stride + j as isize));
                for c in 0..NV {
                    sum[c] = x.mul_add(zr[r][c], sum[c]);
                }
            }
            store_row::<V, NV, false>(sum, row, tail);
        }
    }
}
