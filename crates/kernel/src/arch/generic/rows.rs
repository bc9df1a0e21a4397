//! Updates of the rows of a factor X (rows×k) from their numerators A (rows×k) and a Gram matrix G (k×k).
//!
//! The coordinate sweeps run across rows: a group of rows is transposed into a tile, one register of rows to a
//! coordinate, so that the dependency from coordinate to coordinate stays within each lane. A row's arithmetic is
//! the same whichever lane, tile or block it falls in.

use std::cmp::Ordering;

use super::power::pow;
use crate::Real;
use crate::arch::vector::{Op, Vector};

/// Most rows in a tile, over all instruction sets and element types.
pub(crate) const TILE_ROWS: usize = 64;

/// Sums over rows that a sweep yields, each taken per row in the element type and added row by row in double.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Step {
    /// Σ|projected gradient| before each coordinate's update, over the first sweep: scikit-learn's violation.
    pub violation: f64,
    /// Σ G_tt·(step)² over the first sweep: the squared movement of X·Yᵀ, one coordinate at a time.
    pub movement: f64,
}

impl Step {
    /// Adds another's sums.
    pub fn merge(&mut self, other: Self) {
        self.violation += other.violation;
        self.movement += other.movement;
    }
}

/// `sweeps` rounds of x_t ← [x_t − (Σ_r G_tr x_r − A_t + l1)/G_tt]₊ over t in `order`, for every row.
pub struct Sweeps<'a, T> {
    pub x: &'a mut [T],
    pub a: &'a [T],
    /// Elements from one row of A to the next.
    pub a_stride: usize,
    /// k×k, with the L2 weight added to its diagonal.
    pub gram: &'a [T],
    pub l1: T,
    pub k: usize,
    /// The coordinates in the order of their turns.
    pub order: &'a [usize],
    pub sweeps: usize,
    /// At least `scratch_len(k)`.
    pub scratch: &'a mut [T],
    pub step: &'a mut Step,
}

/// Scratch that the sweeps need: two tiles, and room to align them.
pub(crate) fn scratch_len(k: usize) -> usize {
    2 * k * TILE_ROWS + 64
}

/// Two tiles of k×[`TILE_ROWS`] elements, aligned to a cache line, in `scratch`.
#[inline(always)]
fn tiles<T: Real>(scratch: &mut [T], k: usize) -> (&mut [T], &mut [T]) {
    let skip = scratch.as_ptr().align_offset(64).min(64);
    let (x, a) = scratch[skip..].split_at_mut(k * TILE_ROWS);
    (x, &mut a[..k * TILE_ROWS])
}

/// Rows `0..rows` of `from` (`stride` apart, k long) to columns of `to` (k×width), less `shift`; zero beyond.
#[inline(always)]
unsafe fn gather<V: Vector>(
    from: &[V::Elem],
    stride: usize,
    to: &mut [V::Elem],
    rows: usize,
    k: usize,
    width: usize,
    shift: V::Elem,
) {
    assert!(rows <= width && to.len() >= k * width && (rows == 0 || from.len() >= (rows - 1) * stride + k));
    for i in (0..width).step_by(V::LANES) {
        for t in (0..k).step_by(V::LANES) {
            let (count, long) = (rows.saturating_sub(i).min(V::LANES), (k - t).min(V::LANES));
            let wide = (width - i).min(V::LANES);
            // SAFETY: `count` rows of `from` from row i on, each with `long` elements from t on; as many rows of `to` from
            // row t on, `wide` elements each from column i on. With no row left nothing is read.
            unsafe {
                let from = from.as_ptr().wrapping_add(i * stride + t);
                let to = to.as_mut_ptr().add(t * width + i);
                transpose::<V>((from, stride), (to, width), (count, long), (long, wide), shift);
            }
        }
    }
}

/// to (k×rows) = the transpose of `from` (rows×k).
pub struct Transpose<'a, T> {
    pub from: &'a [T],
    pub to: &'a mut [T],
    pub k: usize,
}

impl<T: Real> Op<T> for Transpose<'_, T> {
    type Out = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let Self { from, to, k } = self;
        let rows = from.len() / k;
        // SAFETY: V's instruction set is the caller's proof.
        unsafe { gather::<V>(from, k, to, rows, k, rows, T::ZERO) }
    }
}

/// Columns of `from` (k×width) to the first rows of `to`, k long.
#[inline(always)]
unsafe fn scatter<V: Vector>(from: &[V::Elem], to: &mut [V::Elem], rows: usize, k: usize, width: usize) {
    assert!(rows <= width && from.len() >= k * width && to.len() >= rows * k);
    for i in (0..rows).step_by(V::LANES) {
        for t in (0..k).step_by(V::LANES) {
            let (count, long) = ((rows - i).min(V::LANES), (k - t).min(V::LANES));
            // SAFETY: the mirror image of `gather`.
            unsafe {
                let from = from.as_ptr().add(t * width + i);
                let to = to.as_mut_ptr().add(i * k + t);
                transpose::<V>((from, width), (to, k), (long, V::LANES), (count, long), V::Elem::ZERO);
            }
        }
    }
}

/// The transpose of a block of `inner` = rows × columns (at most a register each way, zeros beyond), less `shift`, of
/// which `outer` = rows × columns are stored. Pointers come with the distance of their rows.
#[inline(always)]
unsafe fn transpose<V: Vector>(
    from: (*const V::Elem, usize),
    to: (*mut V::Elem, usize),
    inner: (usize, usize),
    outer: (usize, usize),
    shift: V::Elem,
) {
    // SAFETY: the operands are the caller's.
    unsafe {
        match const { V::LANES } {
            16 => transpose_in::<V, 16>(from, to, inner, outer, shift),
            8 => transpose_in::<V, 8>(from, to, inner, outer, shift),
            4 => transpose_in::<V, 4>(from, to, inner, outer, shift),
            _ => transpose_in::<V, 2>(from, to, inner, outer, shift),
        }
    }
}

/// The same in N = LANES registers.
#[inline(always)]
unsafe fn transpose_in<V: Vector, const N: usize>(
    (from, from_stride): (*const V::Elem, usize),
    (to, to_stride): (*mut V::Elem, usize),
    inner: (usize, usize),
    outer: (usize, usize),
    shift: V::Elem,
) {
    // SAFETY: `inner` and `outer` say what exists at the two ends.
    unsafe {
        let mut block = [V::splat(V::Elem::ZERO); N];
        for r in 0..N {
            if r < inner.0 {
                let row = from.add(r * from_stride);
                block[r] = if inner.1 == N { V::load(row) } else { V::load_partial(row, inner.1) };
            }
        }
        turn::<V, N>(&mut block);
        let shift = V::splat(shift);
        for r in 0..N {
            if r < outer.0 {
                let (row, x) = (to.add(r * to_stride), block[r].sub(shift));
                if outer.1 == N {
                    x.store(row);
                } else {
                    x.store_partial(row, outer.1);
                }
            }
        }
    }
}

/// The transpose of N = LANES registers: in each of log₂ N rounds pairs of rows exchange blocks.
#[inline(always)]
pub(super) unsafe fn turn<V: Vector, const N: usize>(block: &mut [V; N]) {
    // SAFETY: V's instruction set is the caller's proof.
    unsafe {
        if N >= 16 {
            exchange::<V, N, 8>(block);
        }
        if N >= 8 {
            exchange::<V, N, 4>(block);
        }
        if N >= 4 {
            exchange::<V, N, 2>(block);
        }
        exchange::<V, N, 1>(block);
    }
}

#[inline(always)]
unsafe fn exchange<V: Vector, const N: usize, const S: usize>(block: &mut [V; N]) {
    for r in 0..N {
        if r & S == 0 {
            // SAFETY: V's instruction set is the caller's proof.
            (block[r], block[r + S]) = unsafe { block[r].exchange::<S>(block[r + S]) };
        }
    }
}

impl<T: Real> Op<T> for Sweeps<'_, T> {
    type Out = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(mut self) {
        let rows = self.x.len() / self.k;
        let mut i = 0;
        while i < rows {
            let left = rows - i;
            // SAFETY: the tile's rows exist; V's instruction set is the caller's proof.
            i += unsafe {
                if left > 3 * V::LANES {
                    self.tile::<V, 4>(i, left)
                } else if left > 2 * V::LANES {
                    self.tile::<V, 3>(i, left)
                } else if left > V::LANES {
                    self.tile::<V, 2>(i, left)
                } else {
                    self.tile::<V, 1>(i, left)
                }
            };
        }
    }
}

impl<T: Real> Sweeps<'_, T> {
    /// Sweeps over up to P registers of rows from row `i` on; returns their number.
    #[inline(always)]
    unsafe fn tile<V: Vector<Elem = T>, const P: usize>(&mut self, i: usize, left: usize) -> usize {
        let (k, width) = (self.k, P * V::LANES);
        let rows = left.min(width);
        let range = i * k..(i + rows) * k;
        let (x, a) = tiles(self.scratch, k);
        // SAFETY: V's instruction set is the caller's proof.
        unsafe {
            gather::<V>(&self.x[range.clone()], k, x, rows, k, width, T::ZERO);
            gather::<V>(&self.a[i * self.a_stride..], self.a_stride, a, rows, k, width, self.l1);
        }
        let mut measured = [T::ZERO; TILE_ROWS];
        let mut moved = [T::ZERO; TILE_ROWS];
        // SAFETY: tiles of k×width; the gram is k×k; width ≤ TILE_ROWS.
        unsafe {
            let (violation, movement) =
                sweep::<V, P, true>(x.as_mut_ptr(), a.as_ptr(), self.gram, self.l1, self.order);
            for _ in 1..self.sweeps {
                sweep::<V, P, false>(x.as_mut_ptr(), a.as_ptr(), self.gram, self.l1, self.order);
            }
            for p in 0..P {
                violation[p].store(measured.as_mut_ptr().add(p * V::LANES));
                movement[p].store(moved.as_mut_ptr().add(p * V::LANES));
            }
        }
        for r in 0..rows {
            self.step.violation += measured[r].to_f64();
            self.step.movement += moved[r].to_f64();
        }
        // SAFETY: V's instruction set is the caller's proof.
        unsafe { scatter::<V>(x, &mut self.x[range], rows, k, width) };
        rows
    }
}

/// The gradient of coordinate t: Σ_r G_tr x_r − a_t, in two chains.
#[inline(always)]
unsafe fn gradient<V: Vector, const P: usize>(
    x: *const V::Elem,
    a: *const V::Elem,
    row: &[V::Elem],
    t: usize,
) -> [V; P] {
    let width = P * V::LANES;
    // SAFETY: x and a are tiles of k×width, k = row.len() > t.
    unsafe {
        let zero = V::splat(V::Elem::ZERO);
        let mut even = [zero; P];
        let mut odd = [zero; P];
        for p in 0..P {
            even[p] = zero.sub(V::load(a.add(t * width + p * V::LANES)));
        }
        let mut x = x;
        let mut pairs = row.chunks_exact(2);
        for pair in &mut pairs {
            let (g0, g1) = (V::splat(pair[0]), V::splat(pair[1]));
            for p in 0..P {
                even[p] = g0.mul_add(V::load(x.add(p * V::LANES)), even[p]);
                odd[p] = g1.mul_add(V::load(x.add(width + p * V::LANES)), odd[p]);
            }
            x = x.add(2 * width);
        }
        if let [last] = pairs.remainder() {
            let g = V::splat(*last);
            for p in 0..P {
                even[p] = g.mul_add(V::load(x.add(p * V::LANES)), even[p]);
            }
        }
        for p in 0..P {
            even[p] = even[p].add(odd[p]);
        }
        even
    }
}

/// [x − g/h]₊.
#[inline(always)]
unsafe fn coordinate<V: Vector>(x: V, g: V, reciprocal: V::Elem) -> V {
    // SAFETY: V's instruction set is the caller's proof.
    unsafe { x.sub(g.mul(V::splat(reciprocal))).max(V::splat(V::Elem::ZERO)) }
}

/// Whether a coordinate does not matter to the fit: its component is 0, or so small that its square has no bits left
/// to divide by.
#[inline(always)]
fn dead<T: Real>(h: T) -> bool {
    h <= T::NEGLIGIBLE
}

/// One sweep over the tile; with MEASURE, the violation and the movement of each row.
#[inline(always)]
unsafe fn sweep<V: Vector, const P: usize, const MEASURE: bool>(
    x: *mut V::Elem,
    a: *const V::Elem,
    gram: &[V::Elem],
    l1: V::Elem,
    order: &[usize],
) -> ([V; P], [V; P]) {
    // SAFETY: x and a are tiles of k×width, gram is k×k, `order` has k entries below k.
    unsafe {
        let zero = V::splat(V::Elem::ZERO);
        let mut sums = ([zero; P], [zero; P]);
        if const { V::REGISTERS == 32 } {
            let mut turns = order.chunks_exact(4);
            for t in &mut turns {
                let t = [t[0], t[1], t[2], t[3]];
                together::<V, P, 4, MEASURE>(x, a, gram, l1, order.len(), t, &mut sums);
            }
            for &t in turns.remainder() {
                together::<V, P, 1, MEASURE>(x, a, gram, l1, order.len(), [t], &mut sums);
            }
        } else {
            let mut turns = order.chunks_exact(2);
            for t in &mut turns {
                together::<V, P, 2, MEASURE>(x, a, gram, l1, order.len(), [t[0], t[1]], &mut sums);
            }
            for &t in turns.remainder() {
                together::<V, P, 1, MEASURE>(x, a, gram, l1, order.len(), [t], &mut sums);
            }
        }
        sums
    }
}

/// The turns of C coordinates, one after the other. Their gradients are taken together, so that the tile is loaded
/// once for all of them; each then gets what the turns before it have moved.
#[inline(always)]
unsafe fn together<V: Vector, const P: usize, const C: usize, const MEASURE: bool>(
    x: *mut V::Elem,
    a: *const V::Elem,
    gram: &[V::Elem],
    l1: V::Elem,
    k: usize,
    turns: [usize; C],
    (violation, movement): &mut ([V; P], [V; P]),
) {
    let width = P * V::LANES;
    let gram = gram.as_ptr();
    // SAFETY: x and a are tiles of k×width, gram is k×k, coordinates are below k.
    unsafe {
        let zero = V::splat(V::Elem::ZERO);
        let mut g = [[zero; P]; C];
        for c in 0..C {
            for p in 0..P {
                g[c][p] = zero.sub(V::load(a.add(turns[c] * width + p * V::LANES)));
            }
        }
        let rows = turns.map(|t| gram.add(t * k));
        for r in 0..k {
            let mut xr = [zero; P];
            for p in 0..P {
                xr[p] = V::load(x.add(r * width + p * V::LANES));
            }
            for c in 0..C {
                let coefficient = V::splat(*rows[c].add(r));
                for p in 0..P {
                    g[c][p] = coefficient.mul_add(xr[p], g[c][p]);
                }
            }
        }
        for c in 0..C {
            let t = turns[c];
            let h = *rows[c].add(t);
            let column = x.add(t * width);
            let reciprocal = V::Elem::ONE / h;
            for p in 0..P {
                let at = column.add(p * V::LANES);
                let old = V::load(at);
                if MEASURE {
                    let projected = old.if_zero(g[c][p].min(zero), g[c][p]);
                    let magnitude = projected.max(zero.sub(projected));
                    violation[p] = violation[p].add(magnitude);
                }
                let new = if !dead(h) {
                    coordinate(old, g[c][p], reciprocal)
                } else if l1 > V::Elem::ZERO {
                    // a penalty wants it at 0, else it stays, for its partner to be fitted to
                    zero
                } else {
                    old
                };
                let moved = new.sub(old);
                if MEASURE && !dead(h) {
                    movement[p] = moved.mul(V::splat(h)).mul_add(moved, movement[p]);
                }
                new.store(at);
                for later in c + 1..C {
                    g[later][p] = V::splat(*rows[later].add(t)).mul_add(moved, g[later][p]);
                }
            }
        }
    }
}

/// Sweeps over each row until its steps are small: the convex problem min ½‖v − xYᵀ‖² + l1·Σx, x ≥ 0.
pub struct Solve<'a, T> {
    pub x: &'a mut [T],
    pub a: &'a [T],
    /// k×k, with the L2 weight added to its diagonal.
    pub gram: &'a [T],
    pub l1: T,
    pub k: usize,
    /// For each row, the squared norm Σ G_tt·(step)² at which it is done.
    pub enough: &'a [T],
    pub max_sweeps: usize,
    pub scratch: &'a mut [T],
    /// For each row, Σ G_tt·(step)² of its last sweep.
    pub left: &'a mut [T],
    /// The most sweeps that a row took.
    pub sweeps: &'a mut usize,
}

impl<T: Real> Op<T> for Solve<'_, T> {
    type Out = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let (k, width) = (self.k, V::LANES);
        let total = self.x.len() / k;
        let mut lane = [T::ZERO; TILE_ROWS];
        for i in (0..total).step_by(width) {
            let rows = width.min(total - i);
            let range = i * k..(i + rows) * k;
            let (x, a) = tiles(self.scratch, k);
            // SAFETY: V's instruction set is the caller's proof.
            unsafe {
                gather::<V>(&self.x[range.clone()], k, x, rows, k, width, T::ZERO);
                gather::<V>(&self.a[range.clone()], k, a, rows, k, width, self.l1);
            }
            // 1 in the lanes that still move; lanes beyond the rows start at rest
            let mut active = [T::ZERO; TILE_ROWS];
            active[..rows].fill(T::ONE);
            let mut done = 0;
            while done < self.max_sweeps && active[..rows].contains(&T::ONE) {
                // SAFETY: tiles of k×width, a k×k gram; `active` and `lane` hold a register.
                unsafe {
                    let live = V::load(active.as_ptr());
                    masked_sweep(x.as_mut_ptr(), a.as_ptr(), self.gram, self.l1, k, live)
                        .store(lane.as_mut_ptr());
                }
                done += 1;
                for r in 0..rows {
                    if active[r] > T::ZERO {
                        self.left[i + r] = lane[r];
                        // a NaN, as from an overflow, ends the row too
                        if lane[r].partial_cmp(&self.enough[i + r]) != Some(Ordering::Greater) {
                            active[r] = T::ZERO;
                        }
                    }
                }
            }
            *self.sweeps = done.max(*self.sweeps);
            // SAFETY: V's instruction set is the caller's proof.
            unsafe { scatter::<V>(x, &mut self.x[range], rows, k, width) };
        }
    }
}

/// One sweep over the lanes in which `live` is positive; returns each lane's movement.
#[inline(always)]
unsafe fn masked_sweep<V: Vector>(
    x: *mut V::Elem,
    a: *const V::Elem,
    gram: &[V::Elem],
    l1: V::Elem,
    k: usize,
    live: V,
) -> V {
    // SAFETY: x and a are tiles of k×LANES, gram is k×k.
    unsafe {
        let zero = V::splat(V::Elem::ZERO);
        let mut movement = zero;
        for (t, row) in gram.chunks_exact(k).enumerate() {
            let h = row[t];
            let at = x.add(t * V::LANES);
            let old = V::load(at);
            if dead(h) {
                if l1 > V::Elem::ZERO {
                    live.if_positive(zero, old).store(at);
                }
                continue;
            }
            let [g] = gradient::<V, 1>(x, a, row, t);
            let new = live.if_positive(coordinate(old, g, V::Elem::ONE / h), old);
            let d = new.sub(old);
            movement = d.mul(V::splat(h)).mul_add(d, movement);
            new.store(at);
        }
        movement
    }
}

/// What becomes of small results of a multiplicative step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Least<T> {
    /// Results below this become 0.
    pub zero: T,
    /// Results below this that are not 0 become this.
    pub raise: T,
}

impl<T: Real> Least<T> {
    /// Leaves results as they are.
    pub const NONE: Self = Self { zero: T::ZERO, raise: T::ZERO };

    /// The result in place of `x`.
    #[inline(always)]
    pub fn of(self, x: T) -> T {
        if x < self.zero || x == T::ZERO {
            T::ZERO
        } else if x < self.raise {
            self.raise
        } else {
            x
        }
    }
}

/// x ← x∘A/(D + l1), elementwise, with 0 in the denominator replaced; D = X·G, l2 included in G.
pub struct Multiply<'a, T> {
    pub x: &'a mut [T],
    pub a: &'a [T],
    /// Elements from one row of A to the next.
    pub a_stride: usize,
    pub d: &'a [T],
    pub k: usize,
    pub l1: T,
    /// What a zero denominator becomes.
    pub floor: T,
    pub least: Least<T>,
}

impl<T: Real> Op<T> for Multiply<'_, T> {
    type Out = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let Self { x, a, a_stride, d, k, l1, floor, least } = self;
        for (i, row) in x.chunks_exact_mut(k).enumerate() {
            let (a, d) = (&a[i * a_stride..][..k], &d[i * k..][..k]);
            for t in 0..k {
                let below = d[t] + l1;
                let new = row[t] * a[t] / if below == T::ZERO { floor } else { below };
                row[t] = least.of(new);
            }
        }
    }
}

/// How a multiplicative step takes the penalties in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Majorant {
    /// x ← x·(N/(D + l1 + l2·x))^exponent.
    Ratio {
        /// The exponent.
        exponent: f64,
    },
    /// x ← x·(2N/(b + √(b² + 4·l2·xN)))^exponent, b = D + l1: with the exponent 1 the root of l2·x² + b·x = x₀·N, exact for
    /// Kullback–Leibler with L2.
    Root {
        /// The exponent.
        exponent: f64,
    },
}

/// A multiplicative step from N and D, element by element.
pub struct Majorize<'a, T> {
    pub x: &'a mut [T],
    pub n: &'a [T],
    /// Elements from one row of N to the next.
    pub n_stride: usize,
    pub d: &'a [T],
    /// Elements from one row of D to the next; 0 if all rows have the same.
    pub d_stride: usize,
    pub k: usize,
    pub l1: T,
    pub l2: T,
    pub majorant: Majorant,
    /// What a zero denominator becomes.
    pub floor: T,
    pub least: Least<T>,
    /// The sum so far of x·|D + l1 + l2·x − N|, to which rows add in order.
    pub sum: f64,
}

impl<T: Real> Op<T> for Majorize<'_, T> {
    type Out = f64;

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) -> f64 {
        let Self { l2, majorant, floor, .. } = self;
        let or_floor = |x: T| if x == T::ZERO { floor } else { x };
        match majorant {
            Majorant::Root { exponent } => {
                let four = T::from_f64(4.0);
                let below =
                    |linear: T, product: T| or_floor(linear + (linear * linear + four * l2 * product).sqrt());
                if exponent == 1.0 {
                    return self.each(|x, n, linear, _| {
                        let product = x * n;
                        (product + product) / below(linear, product)
                    });
                }
                if exponent == 1.5 {
                    return self.each(|x, n, linear, _| {
                        let ratio = (n + n) / below(linear, x * n);
                        x * (ratio * ratio.sqrt())
                    });
                }
                self.each(|x, n, linear, _| {
                    let ratio = (n + n) / below(linear, x * n);
                    x * T::from_f64(pow::<V>(ratio.to_f64(), exponent))
                })
            }
            Majorant::Ratio { exponent: 1.0 } => self.each(|x, n, _, below| x * (n / or_floor(below))),
            Majorant::Ratio { exponent: 0.5 } => self.each(|x, n, _, below| x * (n / or_floor(below)).sqrt()),
            Majorant::Ratio { exponent: 1.5 } => self.each(|x, n, _, below| {
                let ratio = n / or_floor(below);
                x * (ratio * ratio.sqrt())
            }),
            Majorant::Ratio { exponent } => self
                .each(|x, n, _, below| x * T::from_f64(pow::<V>((n / or_floor(below)).to_f64(), exponent))),
        }
    }
}

impl<T: Real> Majorize<'_, T> {
    /// Takes the step from x, N, D + l1 and D + l1 + l2·x everywhere.
    #[inline(always)]
    fn each(self, step: impl Fn(T, T, T, T) -> T) -> f64 {
        let Self { x, n, n_stride, d, d_stride, k, l1, l2, least, mut sum, .. } = self;
        for (i, x) in x.chunks_exact_mut(k).enumerate() {
            let (n, d) = (&n[i * n_stride..][..k], &d[i * d_stride..][..k]);
            let mut sums = [0.0; SUMS];
            let (mut n, mut d) = (n.chunks_exact(SUMS), d.chunks_exact(SUMS));
            let mut x = x.chunks_exact_mut(SUMS);
            for ((x, n), d) in (&mut x).zip(&mut n).zip(&mut d) {
                let mut new: [T; SUMS] = (&*x).try_into().expect("so many");
                eight(
                    &mut new,
                    n.try_into().expect("so many"),
                    d.try_into().expect("so many"),
                    (l1, l2),
                    least,
                    &step,
                    &mut sums,
                );
                x.copy_from_slice(&new);
            }
            let rest = x.into_remainder();
            if !rest.is_empty() {
                let [mut new, n, d] = [&*rest, n.remainder(), d.remainder()].map(|from| {
                    let mut padded = [T::ZERO; SUMS];
                    padded[..from.len()].copy_from_slice(from);
                    padded
                });
                eight(&mut new, &n, &d, (l1, l2), least, &step, &mut sums);
                rest.copy_from_slice(&new[..rest.len()]);
            }
            sum += sums.iter().sum::<f64>();
        }
        sum
    }
}

/// Eight elements of a multiplicative step.
#[inline(always)]
fn eight<T: Real>(
    x: &mut [T; SUMS],
    n: &[T; SUMS],
    d: &[T; SUMS],
    (l1, l2): (T, T),
    least: Least<T>,
    step: &impl Fn(T, T, T, T) -> T,
    sums: &mut [f64; SUMS],
) {
    for l in 0..SUMS {
        let old = x[l];
        let linear = d[l] + l1;
        let below = linear + l2 * old;
        sums[l] += (old * (below - n[l])).abs().to_f64();
        let new = step(old, n[l], linear, below);
        // a zero stays one, whatever the quotient beside it
        x[l] = if old == T::ZERO { T::ZERO } else { least.of(new) };
    }
}

/// Σ G_tt·(x_t − [x_t − (D_t − A_t + l1)/G_tt]₊)², over every row: what one coordinate step from X would move.
pub struct Distance<'a, T> {
    pub x: &'a [T],
    pub a: &'a [T],
    /// Elements from one row of A to the next.
    pub a_stride: usize,
    pub d: &'a [T],
    pub diagonal: &'a [T],
    pub l1: T,
    /// The sum so far, to which rows add in order.
    pub sum: f64,
}

/// Independent sums in a row: the order of addition is fixed by this constant alone.
const SUMS: usize = 8;

impl<T: Real> Op<T> for Distance<'_, T> {
    type Out = f64;

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(mut self) -> f64 {
        let k = self.diagonal.len();
        for (i, x) in self.x.chunks_exact(k).enumerate() {
            let (a, d) = (&self.a[i * self.a_stride..][..k], &self.d[i * k..][..k]);
            let mut sums = [0.0; SUMS];
            for t in 0..k {
                let h = self.diagonal[t];
                let g = d[t] - a[t] + self.l1;
                let target = x[t] - if dead(h) { T::ZERO } else { g / h };
                let step = (x[t] - if target > T::ZERO { target } else { T::ZERO }).to_f64();
                sums[t % SUMS] += h.to_f64() * step * step;
            }
            self.sum += sums.iter().sum::<f64>();
        }
        self.sum
    }
}
