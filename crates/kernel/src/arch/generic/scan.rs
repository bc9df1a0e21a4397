//! Checks and sums over rows, in double precision.

use crate::arch::vector::{Op, Vector};
use crate::{Real, View};

/// Independent sums in a row: the order of addition is fixed by this constant alone.
const LANES: usize = 16;

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scan {
    /// All entries are finite and at least 0.
    pub valid: bool,
    /// The largest entry; 0 for none. Meaningless where an entry is NaN.
    pub max: f64,
    /// Σ (entry·scale)².
    pub squares: f64,
}

/// A block to look at.
#[doc(hidden)]
pub struct ScanRows<'a, T> {
    pub(crate) v: View<'a, T>,
    pub(crate) scale: T,
    /// Sum after each row, row by row.
    pub(crate) squares: f64,
}

impl<T: Real> Op<T> for ScanRows<'_, T> {
    type Out = Scan;

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) -> Scan {
        let mut out = Scan { valid: true, max: 0.0, squares: self.squares };
        let mut max = [T::ZERO; LANES];
        let mut valid = [true; LANES];
        for i in 0..self.v.nrows() {
            let row = self.v.row(i).expect("columns are adjacent");
            let mut squares = [0.0; LANES];
            let mut chunks = row.chunks_exact(LANES);
            let mut take = |chunk: &[T]| {
                for (l, &x) in chunk.iter().enumerate() {
                    valid[l] &= x >= T::ZERO;
                    max[l] = if x > max[l] { x } else { max[l] };
                    let scaled = (x * self.scale).to_f64();
                    squares[l] += scaled * scaled;
                }
            };
            for chunk in &mut chunks {
                take(chunk);
            }
            take(chunks.remainder());
            out.squares += squares.iter().sum::<f64>();
        }
        for l in 0..LANES {
            out.valid &= valid[l] && max[l].is_finite();
            out.max = out.max.max(max[l].to_f64());
        }
        out
    }
}

/// Σ (a − b)² or Σ a·b.
#[doc(hidden)]
pub struct Pair<'a, T> {
    pub(crate) a: &'a [T],
    pub(crate) b: &'a [T],
    pub(crate) minus: bool,
}

impl<'a, T> Pair<'a, T> {
    /// Σ a·b.
    pub(crate) fn times(a: &'a [T], b: &'a [T]) -> Self {
        Self { a, b, minus: false }
    }
}

impl<T: Real> Op<T> for Pair<'_, T> {
    type Out = f64;

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) -> f64 {
        let mut sums = [0.0; LANES];
        if self.minus {
            pairs(self.a, self.b, |l, x, y| sums[l] += (x - y) * (x - y));
        } else {
            pairs(self.a, self.b, |l, x, y| sums[l] += x * y);
        }
        sums.iter().sum()
    }
}

#[inline(always)]
fn pairs<T: Real>(a: &[T], b: &[T], mut f: impl FnMut(usize, f64, f64)) {
    let (mut a, mut b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    for (a, b) in (&mut a).zip(&mut b) {
        for l in 0..LANES {
            f(l, a[l].to_f64(), b[l].to_f64());
        }
    }
    for (l, (x, y)) in a.remainder().iter().zip(b.remainder()).enumerate() {
        f(l, x.to_f64(), y.to_f64());
    }
}
