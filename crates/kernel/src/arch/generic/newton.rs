//! Newton's steps along one coordinate after another, for Kullback–Leibler: a row x of a factor with p = x·Yᵀ at hand.
//!
//! ```text
//! for each coordinate t                      y = Y's column t, c its sum over all columns of V
//!     r = y/p                                one pass over the columns, with p from the last coordinate's step
//!     N = Σ v·r   h = Σ v·r² + l2   ρ = max r where v > 0
//!     g = c + l1 + l2·x_t − N
//!     x_t moves, and p with it when the next coordinate passes by
//! ```
//!
//! What a step is and why it descends is said by the front, `newton.rs`.

use super::rows::turn;
use crate::Real;
use crate::arch::vector::{Op, Vector};

/// Columns of a tile of Y, as it is packed.
pub const TILE: usize = crate::divergence::TILE.1;

/// λ up to which a whole step descends: −λ − ln(1 − λ) ≤ λ².
const WHOLE: f64 = 0.6838;

/// p is computed anew where an entry has shrunk to less of itself, as its rounding has not.
const KEPT: f64 = 1.0 / 64.0;

/// Rows that are worked on together, at most.
pub const TOGETHER: usize = 4;

/// Registers of p that are summed side by side.
const CHAINS: usize = 4;

/// One row.
#[derive(Default)]
pub struct Row<'a, T> {
    /// The row of V, at the columns that Y has here.
    pub v: &'a [T],
    /// Where v is 0, so is Y.
    pub positive: bool,
    /// Yᵀ in tiles of k×256, the last one narrower.
    pub packed: &'a [T],
    /// The row of the factor, k.
    pub x: &'a mut [T],
    /// Becomes x·Yᵀ.
    pub p: &'a mut [T],
    /// Bounds of x, k; nothing where there are none.
    pub lower: &'a [T],
    pub upper: &'a [T],
    /// Becomes what the first sweep moved.
    pub movement: f64,
    /// What is left of the entry of p that has shrunk most since p was computed.
    pub kept: T,
}

/// Some rows' steps, coordinate by coordinate: while one waits for a sum, the next is under way.
pub struct Newton<'a, 'b, T> {
    pub rows: &'b mut [Row<'a, T>],
    /// Σ of the columns of Y, over all of V's columns.
    pub columns: &'a [T],
    pub l1: T,
    pub l2: T,
    pub sweeps: usize,
    /// What p counts as at least, where it is divided by.
    pub floor: T,
    /// Moves p along at the end too; else it is left behind by the last coordinate's step.
    pub whole: bool,
}

/// A coordinate's derivatives.
#[derive(Clone, Copy, Default)]
struct Slopes<T> {
    /// Σ v·y/p.
    above: T,
    /// Σ v·(y/p)².
    curvature: T,
    /// max y/p where v > 0.
    steepest: T,
    /// Σ v where p is next to nothing beside y, if the curvature overflows.
    bare: T,
}

/// The same, lane by lane.
struct Running<V> {
    above: V,
    curvature: V,
    steepest: V,
}

impl<V: Vector> Running<V> {
    /// Adds some entries, with p no less than its floor.
    #[inline(always)]
    unsafe fn look<const POSITIVE: bool>(&mut self, y: V, p: V, v: V) {
        // SAFETY: V's instruction set is the caller's proof.
        unsafe {
            let r = y.mul(p.recip());
            let w = v.mul(r);
            self.above = self.above.add(w);
            self.curvature = w.mul_add(r, self.curvature);
            let counted = if POSITIVE { r } else { v.if_positive(r, V::splat(V::Elem::from_f64(0.0))) };
            self.steepest = self.steepest.max(counted);
        }
    }
}

/// In blocks of half a register, or of halves of that: those of `x` and of `y` put together by `f`.
#[inline(always)]
unsafe fn fold<V: Vector>(x: V, y: V, half: usize, f: impl Fn(V, V) -> V) -> V {
    // SAFETY: V's instruction set is the caller's proof.
    let (even, odd) = unsafe {
        match half {
            8 => x.exchange::<8>(y),
            4 => x.exchange::<4>(y),
            2 => x.exchange::<2>(y),
            _ => x.exchange::<1>(y),
        }
    };
    f(even, odd)
}

/// The lanes' sums of `a` and of `b`.
#[inline(always)]
unsafe fn sums<V: Vector>(a: V, b: V) -> (V::Elem, V::Elem) {
    // SAFETY: V's instruction set is the caller's proof; the array holds the widest register.
    unsafe {
        let mut half = V::LANES / 2;
        let mut both = fold(a, b, half, |x, y| x.add(y));
        while half > 1 {
            half /= 2;
            both = fold(both, both, half, |x, y| x.add(y));
        }
        let mut lanes = [V::Elem::ZERO; 16];
        both.store(lanes.as_mut_ptr());
        (lanes[0], lanes[V::LANES / 2])
    }
}

/// The largest lane.
#[inline(always)]
unsafe fn largest<V: Vector>(mut a: V) -> V::Elem {
    // SAFETY: V's instruction set is the caller's proof; the array holds the widest register.
    unsafe {
        let mut half = V::LANES / 2;
        while half > 0 {
            a = fold(a, a, half, |x, y| x.max(y));
            half /= 2;
        }
        let mut lanes = [V::Elem::ZERO; 16];
        a.store(lanes.as_mut_ptr());
        lanes[0]
    }
}

impl<T: Real> Row<'_, T> {
    /// p = x·Yᵀ.
    #[inline(always)]
    unsafe fn product<V: Vector<Elem = T>>(&mut self) {
        let k = self.x.len();
        self.kept = T::ONE;
        for (tile, p) in self.packed.chunks(k * TILE).zip(self.p.chunks_mut(TILE)) {
            let cols = p.len();
            let at = |t: usize, e: usize| tile[t * cols + e..].as_ptr();
            let mut e = 0;
            // SAFETY: V's instruction set is the caller's proof; a tile has `cols` numbers in each of its k lines.
            unsafe {
                while e + CHAINS * V::LANES <= cols {
                    let mut sum = [V::splat(T::ZERO); CHAINS];
                    for (t, &x) in self.x.iter().enumerate() {
                        let (x, y) = (V::splat(x), at(t, e));
                        for (c, sum) in sum.iter_mut().enumerate() {
                            *sum = x.mul_add(V::load(y.add(c * V::LANES)), *sum);
                        }
                    }
                    for (c, sum) in sum.iter().enumerate() {
                        sum.store(p[e + c * V::LANES..].as_mut_ptr());
                    }
                    e += CHAINS * V::LANES;
                }
                while e < cols {
                    let n = V::LANES.min(cols - e);
                    let mut sum = V::splat(T::ZERO);
                    for (t, &x) in self.x.iter().enumerate() {
                        let y = if n == V::LANES { V::load(at(t, e)) } else { V::load_partial(at(t, e), n) };
                        sum = V::splat(x).mul_add(y, sum);
                    }
                    if n == V::LANES {
                        sum.store(p[e..].as_mut_ptr());
                    } else {
                        sum.store_partial(p[e..].as_mut_ptr(), n);
                    }
                    e += n;
                }
            }
        }
    }

    /// p += δ·(column `from` of Y), and the derivatives along column t there.
    #[inline(always)]
    unsafe fn pass<V: Vector<Elem = T>, const POSITIVE: bool>(
        &mut self,
        (from, delta): (usize, T),
        t: usize,
        floor: T,
    ) -> Slopes<T> {
        let k = self.x.len();
        // SAFETY: V's instruction set is the caller's proof; a tile has `cols` numbers in each of its k lines, and v and p
        // have as many beside it.
        unsafe {
            let (zero, floor, delta) = (V::splat(T::ZERO), V::splat(floor), V::splat(delta));
            let mut sum = Running { above: zero, curvature: zero, steepest: zero };
            let len = self.p.len();
            let (mut tile, p, v) = (self.packed.as_ptr(), self.p.as_mut_ptr(), self.v.as_ptr());
            let mut start = 0;
            while start + TILE <= len {
                let (y, moved) = (tile.add(t * TILE), tile.add(from * TILE));
                for e in (0..TILE).step_by(V::LANES) {
                    let at = delta.mul_add(V::load(moved.add(e)), V::load(p.add(start + e)));
                    at.store(p.add(start + e));
                    sum.look::<POSITIVE>(V::load(y.add(e)), at.max(floor), V::load(v.add(start + e)));
                }
                tile = tile.add(k * TILE);
                start += TILE;
            }
            let (cols, p, v) = (len - start, p.add(start), v.add(start));
            let (y, moved) = (tile.add(t * cols), tile.add(from * cols));
            let whole = cols / V::LANES * V::LANES;
            for e in (0..whole).step_by(V::LANES) {
                let at = delta.mul_add(V::load(moved.add(e)), V::load(p.add(e)));
                at.store(p.add(e));
                sum.look::<POSITIVE>(V::load(y.add(e)), at.max(floor), V::load(v.add(e)));
            }
            let n = cols - whole;
            if n > 0 {
                let (p, v) = (p.add(whole), V::load_partial(v.add(whole), n));
                let (y, moved) = (V::load_partial(y.add(whole), n), V::load_partial(moved.add(whole), n));
                let at = delta.mul_add(moved, V::load_partial(p, n));
                at.store_partial(p, n);
                sum.look::<POSITIVE>(y, at.max(floor), v);
            }
            let steepest = largest(sum.steepest);
            let (above, curvature) = sums(sum.above, sum.curvature);
            let bare = if curvature.is_finite() { T::ZERO } else { self.bare(t) };
            Slopes { above, curvature, steepest, bare }
        }
    }

    /// Where a step of coordinate t ends within its bounds, and the slope there; 0 where a bound holds it back.
    #[inline(always)]
    fn within(&self, t: usize, from: T, to: T, slope: T) -> (T, T) {
        let (Some(&lower), Some(&upper)) = (self.lower.get(t), self.upper.get(t)) else { return (to, slope) };
        let held = from <= lower && slope > T::ZERO || from >= upper && slope < T::ZERO;
        let to = if to < lower { lower } else { to };
        (if to > upper { upper } else { to }, if held { T::ZERO } else { slope })
    }

    /// p += δ·(column t of Y).
    #[inline(always)]
    fn follow(&mut self, t: usize, delta: T) {
        let k = self.x.len();
        for (tile, p) in self.packed.chunks(k * TILE).zip(self.p.chunks_mut(TILE)) {
            for (p, &y) in p.iter_mut().zip(&tile[t * (tile.len() / k)..]) {
                *p += delta * y;
            }
        }
    }

    /// Σ v where y/p is beyond what has a square.
    #[cold]
    fn bare(&self, t: usize) -> T {
        let k = self.x.len();
        let far = T::ONE / T::NEGLIGIBLE.sqrt();
        let tiles = self.packed.chunks(k * TILE).zip(self.p.chunks(TILE)).zip(self.v.chunks(TILE));
        let terms = tiles.flat_map(|((tile, p), v)| tile[t * p.len()..].iter().zip(p).zip(v));
        terms.filter(|((y, p), _)| **y > far * **p).map(|(_, v)| *v).sum()
    }
}

impl<T: Real> Newton<'_, '_, T> {
    /// Where coordinate t goes from x, and its slope.
    #[inline(always)]
    fn step(&self, t: usize, x: T, slopes: Slopes<T>) -> (T, T) {
        let (l1, l2) = (self.l1, self.l2);
        let Slopes { above, curvature, steepest, bare } = slopes;
        let below = self.columns[t] + l1;
        let slope = below + l2 * x - above;
        let h = curvature + l2;
        // of the majorant's minimiser; or, where only x can explain some of v, what these alone ask for: both stop short
        let own = x * above;
        let product = if slope < T::ZERO && !(own >= bare && own.is_finite()) { bare } else { own };
        let multiplied = if l2 > T::ZERO {
            let two = T::ONE + T::ONE;
            let bottom = below + (below * below + two * two * l2 * product).sqrt();
            if bottom > T::ZERO { two * product / bottom } else { T::ZERO }
        } else if below > T::ZERO {
            product / below
        } else {
            x
        };
        if !(h > T::NEGLIGIBLE && h.is_finite()) {
            // no division by what has lost its bits
            return (multiplied, if slope.is_finite() { slope } else { -(product / multiplied) });
        }
        let d = slope / h;
        let newton = if slope <= T::ZERO {
            x - d
        } else {
            let whole = if d < x { d } else { x };
            if steepest * whole <= T::from_f64(WHOLE) {
                x - whole
            } else {
                let damped = d / (T::ONE + steepest * d);
                x - if damped < x { damped } else { x }
            }
        };
        let further = if slope <= T::ZERO { newton > multiplied } else { newton < multiplied };
        (if further { newton } else { multiplied }, slope)
    }
}

impl<T: Real> Op<T> for Newton<'_, '_, T> {
    type Out = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let k = self.columns.len();
        // SAFETY: V's instruction set is the caller's proof, and the operands are as long as the front has checked.
        unsafe {
            for row in self.rows.iter_mut() {
                row.movement = 0.0;
                row.product::<V>();
            }
            let least = T::from_f64(KEPT);
            let mut moved = [T::ZERO; TOGETHER];
            for sweep in 0..self.sweeps {
                for t in 0..k {
                    let last = if t == 0 { k - 1 } else { t - 1 };
                    let mut slopes = [Slopes::default(); TOGETHER];
                    for ((row, slopes), &moved) in self.rows.iter_mut().zip(&mut slopes).zip(&moved) {
                        let from = (last, moved);
                        *slopes = if row.positive {
                            row.pass::<V, true>(from, t, self.floor)
                        } else {
                            row.pass::<V, false>(from, t, self.floor)
                        };
                    }
                    for r in 0..self.rows.len() {
                        let from = self.rows[r].x[t];
                        let (to, slope) = self.step(t, from, slopes[r]);
                        let row = &mut self.rows[r];
                        let (to, slope) = row.within(t, from, to, slope);
                        row.x[t] = to;
                        moved[r] = to - from;
                        // no entry of p becomes less than 1 − ρ·|δ| of itself
                        if to < from {
                            row.kept *= T::ONE - slopes[r].steepest * (from - to);
                        }
                        if row.kept < least {
                            row.product::<V>();
                            moved[r] = T::ZERO;
                        }
                        if sweep == 0 {
                            let size = if from > to { from } else { to };
                            row.movement += (size * slope).to_f64().abs();
                        }
                    }
                }
            }
            if self.whole {
                for (row, &moved) in self.rows.iter_mut().zip(&moved) {
                    row.follow(k - 1, moved);
                }
            }
        }
    }
}

/// The tile of some rows of Y: `out` (k×cols) is the transpose of the rows that `indices` name, and 0 beyond these.
pub struct Columns<'a, T> {
    pub indices: &'a [u32],
    pub y: &'a [T],
    /// From one row of Y to the next.
    pub y_stride: usize,
    pub k: usize,
    pub out: &'a mut [T],
}

impl<T: Real> Op<T> for Columns<'_, T> {
    type Out = ();

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        // SAFETY: Y has a row for every index; V's instruction set is the caller's proof.
        unsafe {
            match const { V::LANES } {
                16 => self.blocks::<V, 16>(),
                8 => self.blocks::<V, 8>(),
                4 => self.blocks::<V, 4>(),
                _ => self.blocks::<V, 2>(),
            }
        }
    }
}

impl<T: Real> Columns<'_, T> {
    /// Block by block of N = LANES entries and as many columns.
    #[inline(always)]
    unsafe fn blocks<V: Vector<Elem = T>, const N: usize>(self) {
        let Self { indices, y, y_stride, k, out } = self;
        let cols = out.len() / k;
        for e in (0..cols).step_by(N) {
            for t in (0..k).step_by(N) {
                let long = N.min(k - t);
                // SAFETY: Y has a row for every index; `out` has k lines of `cols`, a multiple of N.
                unsafe {
                    let mut block = [V::splat(T::ZERO); N];
                    for (block, &j) in block.iter_mut().zip(indices.get(e..).unwrap_or(&[])) {
                        let y = y.as_ptr().add(j as usize * y_stride + t);
                        *block = if long == N { V::load(y) } else { V::load_partial(y, long) };
                    }
                    turn::<V, N>(&mut block);
                    for (l, block) in block.iter().enumerate().take(long) {
                        block.store(out.as_mut_ptr().add((t + l) * cols + e));
                    }
                }
            }
        }
    }
}
