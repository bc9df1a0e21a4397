//! The two products of the pass, by register tiles of R rows of V × k columns of a factor.
//!
//! Operation, with rows of V adjacent in their columns (column stride 1) and factors row-major:
//!
//! ```text
//! numerators   out (rows×k)  = V (rows×cols) · Y (cols×k)
//! accumulate   acc (cols×stride) += Vᵀ · Z (rows×k)
//! ```
//!
//! V is broadcast element by element from where it lies and never packed. Both products keep a tile of their result
//! in registers: `numerators` one of R rows of `out`, streaming Y along R rows of V; `accumulate` one of R rows of
//! `acc`, streaming Z down R columns of V, which the first product has left in the second-level cache. k is cut in
//! panels of two registers (three, if that is all of it), the last register masked; rows of `acc` are
//! padded to whole registers instead. Panels are the innermost loop, while V's part of a tile is in the first-level
//! cache.
//!
//! Every element of `out` is a sum over columns in ascending order within chunks of [`chunk_columns`], chunks in
//! ascending order; every element of `acc` gets its rows in ascending order. Neither depends on the tile that a
//! row falls in, nor on how the rows are cut in blocks.

use crate::arch::tile::Tile;
use crate::arch::vector::{Op, Vector};
use crate::{Real, View};

/// Bytes of Y that a chunk of columns spans: it stays in a second-level cache while the block's rows pass over it.
const CHUNK_BYTES: usize = 256 * 1024;

/// Columns of V that are summed before the sum is added to the total: a function of k and the element alone.
pub(crate) fn chunk_columns<T>(k: usize) -> usize {
    let columns = CHUNK_BYTES / (k.max(1) * size_of::<T>());
    let power = usize::BITS - 1 - columns.max(1).leading_zeros();
    (1usize << power).clamp(64, 1024)
}

/// Elements from one row of an accumulator of k columns to the next: whole registers of any instruction set that
/// multiplies with this k.
pub(crate) fn stride<T>(k: usize) -> usize {
    let register = if k * size_of::<T>() <= 32 { 32 } else { 64 };
    k.next_multiple_of(register / size_of::<T>())
}

/// A panel of k: its registers, and the lanes in use of the last.
#[derive(Clone, Copy)]
struct Panel {
    registers: usize,
    tail: usize,
}

/// The panel of k that begins at column `start`: two registers, and one that is left over; three only at once.
#[inline(always)]
fn panel<V: Vector>(k: usize, start: usize) -> Panel {
    let left = (k - start).div_ceil(V::LANES);
    let registers = if left == 3 && start == 0 { 3 } else { left.min(2) };
    let lanes = (k - start).min(registers * V::LANES);
    Panel { registers, tail: lanes - (registers - 1) * V::LANES }
}

pub struct Numerators<'a, T> {
    pub v: View<'a, T>,
    pub y: &'a [T],
    pub k: usize,
    pub out: &'a mut [T],
}

pub struct Accumulate<'a, T> {
    pub v: View<'a, T>,
    pub z: &'a [T],
    pub k: usize,
    pub acc: &'a mut [T],
    /// Only what is on the diagonal and to the right of it, and what shares a tile with that.
    pub upper: bool,
}

impl<T: Real> Op<T> for Numerators<'_, T> {
    type Out = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let Self { v, y, k, out } = self;
        let (rows, cols) = (v.nrows(), v.ncols());
        let chunk = chunk_columns::<T>(k);
        out.fill(T::ZERO);
        let mut first = 0;
        while first < cols {
            let terms = chunk.min(cols - first);
            let mut i = 0;
            while i < rows {
                let count = lines::<V>(k, rows - i);
                let mut start = 0;
                while start < k {
                    let Panel { registers, tail } = panel::<V>(k, start);
                    // SAFETY: `count` rows from row i ≤ rows of V and of `out` on; `terms` columns from `first` on, as many rows
                    // of Y; the panel is inside k.
                    unsafe {
                        let tile = Tile {
                            v: v.as_ptr().offset(i as isize * v.row_stride()).add(first),
                            v_stride: v.row_stride(),
                            terms,
                            y: y.as_ptr().add(first * k + start),
                            y_stride: k,
                            out: out.as_mut_ptr().add(i * k + start),
                            out_stride: k,
                            tail,
                        };
                        along::<V>(tile, count, registers);
                    }
                    start += registers * V::LANES;
                }
                i += count;
            }
            first += terms;
        }
    }
}

impl<T: Real> Op<T> for Accumulate<'_, T> {
    type Out = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let Self { v, z, k, acc, upper } = self;
        let stride = stride::<T>(k);
        let (rows, cols) = (v.nrows(), v.ncols());
        let mut j = 0;
        while j < cols {
            let count = lines::<V>(k, cols - j);
            let mut start = 0;
            while start < k {
                let Panel { registers, tail } = panel::<V>(k, start);
                if upper && start + registers * V::LANES <= j {
                    start += registers * V::LANES;
                    continue;
                }
                // SAFETY: `count` columns from column j < cols of V on, as many rows of `acc`, which hold whole registers; all
                // rows of V and of Z; the panel is inside k.
                unsafe {
                    let tile = Tile {
                        v: v.as_ptr().add(j),
                        v_stride: v.row_stride(),
                        terms: rows,
                        y: z.as_ptr().add(start),
                        y_stride: k,
                        out: acc.as_mut_ptr().add(j * stride + start),
                        out_stride: stride,
                        tail,
                    };
                    down::<V>(tile, count, registers);
                }
                start += registers * V::LANES;
            }
            j += count;
        }
    }
}

/// Lines of V in the tallest tile with this number of registers per row.
pub(crate) const fn tallest<V: Vector>(registers: usize) -> usize {
    match (V::REGISTERS == 32, registers) {
        (true, 1) => 18,
        (true, 2) => 14,
        (true, _) => 9,
        (false, 1) => 12,
        (false, 2) => 6,
        (false, _) => 4,
    }
}

/// Asks for the lines of the tallest tile for k columns.
pub struct TileRows {
    pub k: usize,
}

impl<T: Real> Op<T> for TileRows {
    type Out = usize;

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) -> usize {
        tallest::<V>(panel::<V>(self.k, 0).registers)
    }
}

/// Lines of V for the next tile, if `left` are left.
#[inline(always)]
fn lines<V: Vector>(k: usize, left: usize) -> usize {
    let most = tallest::<V>(panel::<V>(k, 0).registers);
    match left {
        _ if left >= most => most,
        8.. if most > 9 => 8,
        4.. => 4,
        _ => 1,
    }
}

/// Calls the kernel of a tile's size, lines × registers.
macro_rules! by_size {
    ($v:ident, $kernel:ident, $tile:ident, $size:expr, [$(($r:literal, $nv:literal))*]) => {
        match ($size, $tile.tail == $v::LANES) {
            $(
                (($r, $nv), true) => $kernel::<$v, $r, $nv, false>($tile),
                (($r, $nv), false) => $kernel::<$v, $r, $nv, true>($tile),
            )*
            (size, _) => unreachable!("no tile of {size:?}"),
        }
    };
}

/// `out` += V·Y on a tile: R rows of V and of `out`.
#[inline(always)]
unsafe fn along<V: Vector>(tile: Tile<V::Elem>, lines: usize, registers: usize) {
    let size = (lines, registers);
    // SAFETY: the operands are the caller's tile.
    unsafe {
        if const { V::REGISTERS == 32 } {
            by_size!(
                V,
                along_tile,
                tile,
                size,
                [(18, 1)(14, 1)(8, 1)(4, 1)(1, 1)(14, 2)(8, 2)(4, 2)(1, 2)(9, 3)(4, 3)(1, 3)]
            );
        } else {
            by_size!(
                V,
                along_tile,
                tile,
                size,
                [(12, 1)(8, 1)(6, 1)(4, 1)(1, 1)(6, 2)(4, 2)(1, 2)(4, 3)(1, 3)]
            );
        }
    }
}

/// `out` += Vᵀ·Z on a tile: R columns of V, R rows of `out`.
#[inline(always)]
unsafe fn down<V: Vector>(tile: Tile<V::Elem>, lines: usize, registers: usize) {
    let size = (lines, registers);
    // SAFETY: the operands are the caller's tile.
    unsafe {
        if const { V::REGISTERS == 32 } {
            by_size!(
                V,
                down_tile,
                tile,
                size,
                [(18, 1)(14, 1)(8, 1)(4, 1)(1, 1)(14, 2)(8, 2)(4, 2)(1, 2)(9, 3)(4, 3)(1, 3)]
            );
        } else {
            by_size!(
                V,
                down_tile,
                tile,
                size,
                [(12, 1)(8, 1)(6, 1)(4, 1)(1, 1)(6, 2)(4, 2)(1, 2)(4, 3)(1, 3)]
            );
        }
    }
}

/// NV registers of a row, the last of `tail` lanes if PARTIAL.
#[inline(always)]
pub(super) unsafe fn load_row<V: Vector, const NV: usize, const PARTIAL: bool>(
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
pub(super) unsafe fn store_row<V: Vector, const NV: usize, const PARTIAL: bool>(
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
unsafe fn along_tile<V: Vector, const R: usize, const NV: usize, const PARTIAL: bool>(tile: Tile<V::Elem>) {
    // SAFETY: R rows of V, `terms` columns and rows of the factor, R rows of the result.
    unsafe {
        if V::along::<R, NV>(tile) {
            return;
        }
        let Tile { v, v_stride, terms, y, y_stride, out, out_stride, tail, .. } = tile;
        let mut sum = [[V::splat(V::Elem::ZERO); NV]; R];
        for j in 0..terms {
            let y = load_row::<V, NV, PARTIAL>(y.add(j * y_stride), tail);
            for r in 0..R {
                let x = V::splat(*v.offset(r as isize * v_stride + j as isize));
                for c in 0..NV {
                    sum[r][c] = x.mul_add(y[c], sum[r][c]);
                }
            }
        }
        for r in 0..R {
            let out = out.add(r * out_stride);
            let before = load_row::<V, NV, PARTIAL>(out, tail);
            for c in 0..NV {
                sum[r][c] = before[c].add(sum[r][c]);
            }
            store_row::<V, NV, PARTIAL>(sum[r], out, tail);
        }
    }
}

#[inline(always)]
unsafe fn down_tile<V: Vector, const R: usize, const NV: usize, const PARTIAL: bool>(tile: Tile<V::Elem>) {
    let Tile { out, out_stride, .. } = tile;
    // SAFETY: R columns of V, `terms` rows of it and of the factor, R rows of the result with room for whole
    // registers.
    unsafe {
        let mut sum = [[V::splat(V::Elem::ZERO); NV]; R];
        for r in 0..R {
            sum[r] = load_row::<V, NV, false>(out.add(r * out_stride), 0);
        }
        let mut i = 0;
        // the first rows ask for the results of the tile to the right, which would come late
        let early = R.min(tile.terms) / 2 * 2;
        while i < early {
            down_step::<V, R, NV, PARTIAL, true>(&mut sum, tile, i);
            down_step::<V, R, NV, PARTIAL, true>(&mut sum, tile, i + 1);
            i += 2;
        }
        while i + 2 <= tile.terms {
            down_step::<V, R, NV, PARTIAL, false>(&mut sum, tile, i);
            down_step::<V, R, NV, PARTIAL, false>(&mut sum, tile, i + 1);
            i += 2;
        }
        if i < tile.terms {
            down_step::<V, R, NV, PARTIAL, false>(&mut sum, tile, i);
        }
        for r in 0..R {
            store_row::<V, NV, false>(sum[r], out.add(r * out_stride), 0);
        }
    }
}

/// Row i of V and of the factor.
#[inline(always)]
unsafe fn down_step<V: Vector, const R: usize, const NV: usize, const PARTIAL: bool, const EARLY: bool>(
    sum: &mut [[V; NV]; R],
    tile: Tile<V::Elem>,
    i: usize,
) {
    // SAFETY: the tile has a row i; what is prefetched need not exist.
    unsafe {
        let v = tile.v.offset(i as isize * tile.v_stride);
        // the same row of the tile to the right
        for l in 0..(R * size_of::<V::Elem>()).div_ceil(64) {
            V::prefetch(v.wrapping_add(2 * R - 1 - l * (64 / size_of::<V::Elem>())));
        }
        if EARLY {
            let next = tile.out.wrapping_add((R + i) * tile.out_stride);
            for c in 0..NV {
                V::prefetch(next.wrapping_add(c * V::LANES));
            }
        }
        let y = load_row::<V, NV, PARTIAL>(tile.y.add(i * tile.y_stride), tile.tail);
        for r in 0..R {
            let x = V::splat(*v.add(r));
            for c in 0..NV {
                sum[r][c] = x.mul_add(y[c], sum[r][c]);
            }
        }
    }
}
