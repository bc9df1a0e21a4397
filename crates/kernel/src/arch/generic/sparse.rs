//! The products of the pass for sparse rows, by the entries.
//!
//! ```text
//! Gather    out (rows×k)  = S·Y,  Y cols×k: for each row a sum of the rows of Y that its entries point at
//! Scatter   acc (cols×stride) += Sᵀ·Z,  Z rows×k: each row of Z onto the rows of acc that its entries point at
//! AtEntries p_e = x·y_e for the entries of a row, and what Kullback–Leibler or the residual makes of it
//! ```
//!
//! k is cut in panels of at most eight registers, which stay in registers while a row's entries pass by: of the result in
//! `Gather` and of the row in the other two. Panels are the outermost loop.
//!
//! Each element of `out` is summed over a row's entries in order, in chunks of 1024, in a number of chains that depends on
//! the panel alone; each element of `acc` gets its rows in ascending order. Neither depends on how rows are cut in blocks.

use super::dense::{load_row, store_row};
use super::divergence::Divergence;
use super::scan::Pair;
use crate::Real;
use crate::arch::vector::{Op, Vector};
use crate::sparse::SparseRows;

/// Entries of a row that are summed before the sum is added to the total.
const CHUNK: usize = 1024;

/// Registers of a panel, at most.
const MOST: usize = 8;

/// Elements that [`Dots`] may write beyond the last: a register, less one.
pub(super) const SLACK: usize = 15;

pub struct Gather<'a, T> {
    pub rows: SparseRows<'a, T>,
    pub y: &'a [T],
    /// From one row of Y to the next.
    pub y_stride: usize,
    pub k: usize,
    pub out: &'a mut [T],
    /// Adds to what is in `out`.
    pub add: bool,
}

pub struct Scatter<'a, T> {
    pub rows: SparseRows<'a, T>,
    pub z: &'a [T],
    pub k: usize,
    pub acc: &'a mut [T],
}

/// What is made of P = X·Yᵀ at the entries of V, some entries of a row at a time; for β = 1.
pub struct AtEntries<'a, T> {
    pub v: SparseRows<'a, T>,
    pub x: &'a [T],
    pub y: &'a [T],
    /// From one row of Y to the next.
    pub y_stride: usize,
    pub k: usize,
    pub floor: T,
    pub lowest: T,
    pub ignore: T,
    pub to: To<'a, T>,
    /// Adds Σ v·ln(v/p) − v, or for [`To::Residual`] Σ v(v − 2p).
    pub sum: Option<&'a mut f64>,
}

/// What becomes of P.
pub enum To<'a, T> {
    /// (V∘P⁻¹)·Y, rows×k.
    Numerators(&'a mut [T]),
    /// += (V∘P⁻¹)ᵀ·X, cols×stride.
    Sums(&'a mut [T]),
    /// Both.
    Both(&'a mut [T], &'a mut [T]),
    /// Nothing but the sum.
    Divergence,
    Residual,
}

/// x·y_e for a row x and rows of Y.
pub(super) struct Dots<'a, T> {
    /// Rows of Y.
    pub indices: &'a [u32],
    pub x: &'a [T],
    pub y: &'a [T],
    pub y_stride: usize,
    pub k: usize,
    /// One for each index, and [`SLACK`].
    pub out: &'a mut [T],
}

/// Entries of a row that are worked on together: their rows of Y are in the first-level cache when they are wanted again.
pub(super) const TOGETHER: usize = 64;

/// Where a panel's operands begin and how far apart their rows are.
#[derive(Clone, Copy)]
struct Panel<T> {
    /// Y or Z, at the panel's first column.
    from: *const T,
    /// From one row of that to the next.
    from_stride: usize,
    /// The result.
    to: *mut T,
    /// From one row of the result to the next.
    to_stride: usize,
    k: usize,
    /// The panel's first column.
    start: usize,
    /// Lanes in use of the last register.
    tail: usize,
}

/// What is done with a panel of NV registers, in C chains, the last register masked if PARTIAL.
trait Work<V: Vector>: Copy {
    /// # Safety
    /// The processor has V's instruction set; the panel's operands exist.
    unsafe fn on<const NV: usize, const C: usize, const PARTIAL: bool>(self, panel: Panel<V::Elem>);
}

/// Does it with each panel of k, of the operands that begin at `from` and, if the result has columns too, at `to`.
#[inline(always)]
unsafe fn panels<V: Vector>(whole: Panel<V::Elem>, to_moves: bool, work: impl Work<V>) {
    let k = whole.k;
    let mut start = 0;
    while start < k {
        let registers = (k - start).div_ceil(V::LANES).min(MOST);
        let lanes = (k - start).min(registers * V::LANES);
        let tail = lanes - (registers - 1) * V::LANES;
        // SAFETY: the panel is inside k; the operands are the caller's.
        unsafe {
            let (from, to) = (whole.from.add(start), whole.to.add(if to_moves { start } else { 0 }));
            let panel = Panel { from, to, start, tail, ..whole };
            match (registers, tail == V::LANES) {
                (1, true) => work.on::<1, 4, false>(panel),
                (1, false) => work.on::<1, 4, true>(panel),
                (2, true) => work.on::<2, 4, false>(panel),
                (2, false) => work.on::<2, 4, true>(panel),
                (3, true) => work.on::<3, 4, false>(panel),
                (3, false) => work.on::<3, 4, true>(panel),
                (4, true) => work.on::<4, 2, false>(panel),
                (4, false) => work.on::<4, 2, true>(panel),
                (5, true) => work.on::<5, 1, false>(panel),
                (5, false) => work.on::<5, 1, true>(panel),
                (6, true) => work.on::<6, 1, false>(panel),
                (6, false) => work.on::<6, 1, true>(panel),
                (7, true) => work.on::<7, 1, false>(panel),
                (7, false) => work.on::<7, 1, true>(panel),
                (_, true) => work.on::<MOST, 1, false>(panel),
                (_, false) => work.on::<MOST, 1, true>(panel),
            }
        }
        start += registers * V::LANES;
    }
}

impl<T: Real> Op<T> for Gather<'_, T> {
    type Out = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let Self { rows, y, y_stride: from_stride, k, out, add } = self;
        let (from, to, to_stride) = (y.as_ptr(), out.as_mut_ptr(), k);
        let whole = Panel { from, from_stride, to, to_stride, k, start: 0, tail: 0 };
        // SAFETY: Y has a row for every index, and `out` one for every row.
        unsafe { panels::<V>(whole, true, Gathering { rows, add }) }
    }
}

#[derive(Clone, Copy)]
struct Gathering<'a, T> {
    rows: SparseRows<'a, T>,
    add: bool,
}

impl<V: Vector> Work<V> for Gathering<'_, V::Elem> {
    #[inline(always)]
    unsafe fn on<const NV: usize, const C: usize, const PARTIAL: bool>(self, panel: Panel<V::Elem>) {
        let Self { rows, add } = self;
        let Panel { from, from_stride, to, to_stride, tail, .. } = panel;
        // SAFETY: the panel's operands, of which Y has a row for every index.
        unsafe {
            for i in 0..rows.nrows() {
                let (indices, values) = rows.row(i);
                let to = to.add(i * to_stride);
                let mut total =
                    if add { load_row::<V, NV, PARTIAL>(to, tail) } else { [V::splat(V::Elem::ZERO); NV] };
                let mut first = 0;
                while first < indices.len() {
                    let end = indices.len().min(first + CHUNK);
                    let mut sum = [[V::splat(V::Elem::ZERO); NV]; C];
                    let mut e = first;
                    while e + C <= end {
                        for c in 0..C {
                            let y = from.add(*indices.get_unchecked(e + c) as usize * from_stride);
                            let v = V::splat(*values.get_unchecked(e + c));
                            let y = load_row::<V, NV, PARTIAL>(y, tail);
                            for t in 0..NV {
                                sum[c][t] = v.mul_add(y[t], sum[c][t]);
                            }
                        }
                        e += C;
                    }
                    while e < end {
                        let y = from.add(*indices.get_unchecked(e) as usize * from_stride);
                        let v = V::splat(*values.get_unchecked(e));
                        let y = load_row::<V, NV, PARTIAL>(y, tail);
                        for t in 0..NV {
                            sum[0][t] = v.mul_add(y[t], sum[0][t]);
                        }
                        e += 1;
                    }
                    for t in 0..NV {
                        for c in 1..C {
                            sum[0][t] = sum[0][t].add(sum[c][t]);
                        }
                        total[t] = total[t].add(sum[0][t]);
                    }
                    first = end;
                }
                store_row::<V, NV, PARTIAL>(total, to, tail);
            }
        }
    }
}

impl<T: Real> Op<T> for Scatter<'_, T> {
    type Out = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let Self { rows, z, k, acc } = self;
        let to_stride = super::dense::stride::<T>(k);
        let (from, from_stride, to) = (z.as_ptr(), k, acc.as_mut_ptr());
        let whole = Panel { from, from_stride, to, to_stride, k, start: 0, tail: 0 };
        // SAFETY: Z has a row for every row, and `acc` one for every index, with room for whole registers.
        unsafe { panels::<V>(whole, true, Scattering { rows }) }
    }
}

#[derive(Clone, Copy)]
struct Scattering<'a, T> {
    rows: SparseRows<'a, T>,
}

impl<V: Vector> Work<V> for Scattering<'_, V::Elem> {
    #[inline(always)]
    unsafe fn on<const NV: usize, const C: usize, const PARTIAL: bool>(self, panel: Panel<V::Elem>) {
        let rows = self.rows;
        let Panel { from, from_stride, to, to_stride, tail, .. } = panel;
        // SAFETY: the panel's operands, of which the result has a row for every index.
        unsafe {
            for i in 0..rows.nrows() {
                let (indices, values) = rows.row(i);
                let z = load_row::<V, NV, PARTIAL>(from.add(i * from_stride), tail);
                for e in 0..indices.len() {
                    let to = to.add(*indices.get_unchecked(e) as usize * to_stride);
                    let v = V::splat(*values.get_unchecked(e));
                    let mut sum = load_row::<V, NV, false>(to, 0);
                    for t in 0..NV {
                        sum[t] = v.mul_add(z[t], sum[t]);
                    }
                    store_row::<V, NV, false>(sum, to, 0);
                }
            }
        }
    }
}

impl<T: Real> Op<T> for AtEntries<'_, T> {
    type Out = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let Self { v, x, y, y_stride, k, floor, lowest, ignore, to, mut sum } = self;
        let residual = matches!(to, To::Residual);
        let (mut n, mut acc) = match to {
            To::Numerators(n) => (Some(n), None),
            To::Sums(acc) => (None, Some(acc)),
            To::Both(n, acc) => (Some(n), Some(acc)),
            To::Divergence | To::Residual => (None, None),
        };
        let mut p = [T::ZERO; TOGETHER + SLACK];
        for i in 0..v.nrows() {
            let (indices, values) = v.row(i);
            let x = &x[i * k..(i + 1) * k];
            if let Some(n) = &mut n
                && indices.is_empty()
            {
                n[i * k..(i + 1) * k].fill(T::ZERO);
            }
            for (c, (indices, values)) in indices.chunks(TOGETHER).zip(values.chunks(TOGETHER)).enumerate() {
                // SAFETY: Y has a row for every index and X is one row; there is room behind the last element.
                unsafe { V::part(Dots { indices, x, y, y_stride, k, out: &mut p[..indices.len() + SLACK] }) }
                let p = &mut p[..indices.len()];
                if let Some(sum) = &mut sum {
                    // SAFETY: neither kernel has a contract beyond its types.
                    **sum += unsafe {
                        if residual {
                            V::apart(Pair::times(values, values)) - 2.0 * V::apart(Pair::times(values, p))
                        } else {
                            let (beta, entries_only) = (1.0, true);
                            V::part(Divergence { v: values, p, beta, floor, lowest, ignore, entries_only })
                        }
                    };
                }
                if n.is_none() && acc.is_none() {
                    continue;
                }
                for (p, &v) in p.iter_mut().zip(values) {
                    *p = v / if *p > floor { *p } else { floor };
                }
                let ends = [0, indices.len()];
                let rows = SparseRows::one(&ends, indices, p, v.ncols());
                // SAFETY: Y has a row for every index and the sums have one; N has a row for every row, and X is one.
                unsafe {
                    if let Some(n) = &mut n {
                        let out = &mut n[i * k..(i + 1) * k];
                        V::part(Gather { rows, y, y_stride, k, out, add: c > 0 });
                    }
                    if let Some(acc) = &mut acc {
                        V::part(Scatter { rows, z: x, k, acc });
                    }
                }
            }
        }
    }
}

/// X·Yᵀ at the entries.
pub struct Products<'a, T> {
    pub rows: SparseRows<'a, T>,
    pub x: &'a [T],
    pub y: &'a [T],
    /// From one row of Y to the next.
    pub y_stride: usize,
    pub k: usize,
    /// One for each entry.
    pub out: &'a mut [T],
}

impl<T: Real> Op<T> for Products<'_, T> {
    type Out = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let Self { rows, x, y, y_stride, k, mut out } = self;
        let mut p = [T::ZERO; TOGETHER + SLACK];
        for i in 0..rows.nrows() {
            let x = &x[i * k..(i + 1) * k];
            for indices in rows.row(i).0.chunks(TOGETHER) {
                // SAFETY: Y has a row for every index and X is one row; there is room behind the last element.
                unsafe { V::part(Dots { indices, x, y, y_stride, k, out: &mut p[..indices.len() + SLACK] }) }
                let (to, rest) = out.split_at_mut(indices.len());
                to.copy_from_slice(&p[..indices.len()]);
                out = rest;
            }
        }
    }
}

impl<T: Real> Op<T> for Dots<'_, T> {
    type Out = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let Self { indices, x, y, y_stride: from_stride, k, out } = self;
        out.fill(T::ZERO);
        let (from, to) = (y.as_ptr(), out.as_mut_ptr());
        let whole = Panel { from, from_stride, to, to_stride: 0, k, start: 0, tail: 0 };
        // SAFETY: Y has a row for every index, and `out` an element, with room for a whole register behind the last.
        unsafe { panels::<V>(whole, false, Dotting { indices, x }) }
    }
}

#[derive(Clone, Copy)]
struct Dotting<'a, T> {
    indices: &'a [u32],
    x: &'a [T],
}

impl<V: Vector> Work<V> for Dotting<'_, V::Elem> {
    #[inline(always)]
    unsafe fn on<const NV: usize, const C: usize, const PARTIAL: bool>(self, panel: Panel<V::Elem>) {
        let Self { indices, x } = self;
        let Panel { from, from_stride, to, start, tail, .. } = panel;
        let Some(&last) = indices.last() else { return };
        // the last few, and the last one for all beyond
        let mut rest = [last; SLACK + 1];
        let whole = indices.len() / V::LANES * V::LANES;
        rest[..indices.len() - whole].copy_from_slice(&indices[whole..]);
        // SAFETY: the panel's operands, X being one row.
        unsafe {
            let x = load_row::<V, NV, PARTIAL>(x.as_ptr().add(start), tail);
            let mut e = 0;
            while e < indices.len() {
                let indices = if e < whole { indices.as_ptr().add(e) } else { rest.as_ptr() };
                let group = Group::<V, NV, PARTIAL> { indices, x, y: from, y_stride: from_stride, tail };
                let to = to.add(e);
                V::load(to).add(group.across()).store(to);
                e += V::LANES;
            }
        }
    }
}

/// x∘y_e for a register of entries.
struct Group<V: Vector, const NV: usize, const PARTIAL: bool> {
    indices: *const u32,
    x: [V; NV],
    y: *const V::Elem,
    y_stride: usize,
    tail: usize,
}

impl<V: Vector, const NV: usize, const PARTIAL: bool> Group<V, NV, PARTIAL> {
    /// The sum of the registers of x∘y_e for the l-th entry.
    ///
    /// # Safety
    /// Of this and of what follows: the processor has V's instruction set, there are as many indices as lanes, and Y has a row
    /// for each.
    #[inline(always)]
    unsafe fn of(&self, l: usize) -> V {
        // SAFETY: the caller's promise.
        unsafe {
            let y = self.y.add(*self.indices.add(l) as usize * self.y_stride);
            let y = load_row::<V, NV, PARTIAL>(y, self.tail);
            let mut sum = self.x[0].mul(y[0]);
            for t in 1..NV {
                sum = self.x[t].mul_add(y[t], sum);
            }
            sum
        }
    }

    /// Lane l of the result is x·y of the l-th entry: its lanes, added pairwise.
    #[inline(always)]
    unsafe fn across(&self) -> V {
        // SAFETY: the caller's promise.
        unsafe {
            match V::LANES {
                2 => fold::<V, 1>(self.of(0), self.of(1)),
                4 => self.four::<1>(0, 1),
                8 => fold::<V, 1>(self.four::<2>(0, 2), self.four::<2>(1, 2)),
                16 => fold::<V, 1>(
                    fold::<V, 2>(self.four::<4>(0, 4), self.four::<4>(2, 4)),
                    fold::<V, 2>(self.four::<4>(1, 4), self.four::<4>(3, 4)),
                ),
                lanes => unreachable!("no register has {lanes} lanes"),
            }
        }
    }

    /// Four entries, `step` apart from `l` on, in blocks of S lanes each.
    #[inline(always)]
    unsafe fn four<const S: usize>(&self, l: usize, step: usize) -> V {
        // SAFETY: the caller's promise.
        unsafe {
            let (a, b) = (self.of(l), self.of(l + 2 * step));
            let (c, d) = (self.of(l + step), self.of(l + 3 * step));
            // blocks of 2S first; S is 1, 2 or 4
            let (even, odd) = match S {
                1 => (fold::<V, 2>(a, b), fold::<V, 2>(c, d)),
                2 => (fold::<V, 4>(a, b), fold::<V, 4>(c, d)),
                _ => (fold::<V, 8>(a, b), fold::<V, 8>(c, d)),
            };
            fold::<V, S>(even, odd)
        }
    }
}

/// Blocks of S lanes of a and of b in turn, each the sum of two of theirs.
#[inline(always)]
unsafe fn fold<V: Vector, const S: usize>(a: V, b: V) -> V {
    // SAFETY: V's instruction set is the caller's proof.
    unsafe {
        let (even, odd) = a.exchange::<S>(b);
        even.add(odd)
    }
}

/// Σ over some rows of Σ_e v_e(v_e − 2·x·y_e), everything in double precision.
pub struct Residual<'a, T> {
    pub rows: SparseRows<'a, T>,
    pub x: &'a [T],
    pub y: &'a [T],
    /// From one row of Y to the next.
    pub y_stride: usize,
    /// Room for a row of X.
    pub row: &'a mut [f64],
    pub sum: f64,
}

impl<T: Real> Op<T> for Residual<'_, T> {
    type Out = f64;

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) -> f64 {
        let Self { rows, x, y, y_stride, row, mut sum } = self;
        let k = row.len();
        for i in 0..rows.nrows() {
            for (to, x) in row.iter_mut().zip(&x[i * k..(i + 1) * k]) {
                *to = x.to_f64();
            }
            let (indices, values) = rows.row(i);
            let mut entries = 0.0;
            for (&j, v) in indices.iter().zip(values) {
                let p = wide_dot(row, &y[j as usize * y_stride..][..k]);
                entries += v.to_f64() * (v.to_f64() - 2.0 * p);
            }
            sum += entries;
        }
        sum
    }
}

/// Σ x·y in double precision, in eight chains.
#[inline(always)]
fn wide_dot<T: Real>(x: &[f64], y: &[T]) -> f64 {
    let mut sums = [0.0; 8];
    let (mut x, mut y) = (x.chunks_exact(8), y.chunks_exact(8));
    for (x, y) in (&mut x).zip(&mut y) {
        for l in 0..8 {
            sums[l] += x[l] * y[l].to_f64();
        }
    }
    for (l, (x, y)) in x.remainder().iter().zip(y.remainder()).enumerate() {
        sums[l] += x * y.to_f64();
    }
    ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]))
}
