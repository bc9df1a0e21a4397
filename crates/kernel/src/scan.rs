//! Checks and sums over a block of V, in double precision.

use crate::arch::generic::rows::Transpose;
pub use crate::arch::generic::scan::Scan;
use crate::arch::generic::scan::{Pair, ScanRows};
use crate::isa::Isa;
use crate::{Real, View};

/// Scans the rows of `v`, whose columns are adjacent; `squares` is the sum so far, to which rows add in order.
///
/// ```
/// use orthant_kernel::{Isa, View, scan::scan};
/// let found = scan(Isa::detect(), View::row_major(&[1.0, 2.0], 1, 2)?, 1.0, 0.0);
/// assert!(found.valid);
/// assert_eq!((found.max, found.squares), (2.0, 5.0));
/// assert!(!scan(Isa::detect(), View::row_major(&[1.0, f64::NAN], 1, 2)?, 1.0, 0.0).valid);
/// # Ok::<(), orthant_kernel::LayoutError>(())
/// ```
///
/// # Panics
/// If the columns are not adjacent.
pub fn scan<T: Real>(isa: Isa, v: View<'_, T>, scale: T, squares: f64) -> Scan {
    // SAFETY: the kernel has no contract beyond its types.
    unsafe { T::scan(isa, ScanRows { v, scale, squares }) }
}

/// Rows of V that [`squared_residual`] takes at a time, and columns.
const TILE: (usize, usize) = (48, 256);

/// Elements of scratch that [`squared_residual`] needs.
pub fn residual_scratch_len(k: usize) -> usize {
    k * TILE.1 + TILE.0 * TILE.1
}

/// `sum` + ‖V − X·Yᵀ‖², residual by residual (products in the element type, differences and sums in double); V rows×cols with adjacent columns, X rows×k,
/// Y cols×k. Rows add in order, so that calls over consecutive blocks of rows do what one call does, to the bit.
///
/// ```
/// use orthant_kernel::{Isa, View, scan};
/// let mut scratch = vec![0.0; scan::residual_scratch_len(1)];
/// let v = View::row_major(&[2.0, 5.0], 1, 2)?;
/// let sum = scan::squared_residual(Isa::detect(), v, &[2.0], &[1.0, 2.0], 1, &mut scratch, 0.0);
/// assert_eq!(sum, 1.0);
/// # Ok::<(), orthant_kernel::LayoutError>(())
/// ```
///
/// # Panics
/// If an extent does not match.
pub fn squared_residual<T: Real>(
    isa: Isa,
    v: View<'_, T>,
    x: &[T],
    y: &[T],
    k: usize,
    scratch: &mut [T],
    mut sum: f64,
) -> f64 {
    assert_eq!(x.len(), v.nrows() * k, "X is rows×k");
    assert_eq!(y.len(), v.ncols() * k, "Y is cols×k");
    let (yt, product) = scratch[..residual_scratch_len(k)].split_at_mut(k * TILE.1);
    for first in (0..v.nrows()).step_by(TILE.0) {
        let rows = TILE.0.min(v.nrows() - first);
        let x = View::row_major(&x[first * k..(first + rows) * k], rows, k).expect("X is rows×k");
        let mut sums = [0.0; TILE.0];
        for start in (0..v.ncols()).step_by(TILE.1) {
            let cols = TILE.1.min(v.ncols() - start);
            let yt = &mut yt[..k * cols];
            // SAFETY: the kernel checks its extents.
            unsafe { T::transpose(isa, Transpose { from: &y[start * k..(start + cols) * k], to: yt, k }) };
            let product = &mut product[..rows * cols];
            crate::numerators(isa, x, yt, cols, product);
            for (r, p) in product.chunks_exact(cols).enumerate() {
                let row = v.row(first + r).expect("columns are adjacent");
                // SAFETY: the kernel has no contract beyond its types.
                sums[r] += unsafe { T::pair(isa, Pair { a: &row[start..start + cols], b: p, minus: true }) };
            }
        }
        for s in &sums[..rows] {
            sum += s;
        }
    }
    sum
}

/// `sum` + Σ a·b over rows of k elements, `a_stride` and k apart, in double precision; rows add in order.
///
/// # Panics
/// If an extent does not match.
pub fn inner_product<T: Real>(isa: Isa, a: &[T], a_stride: usize, b: &[T], k: usize, mut sum: f64) -> f64 {
    assert_eq!(a.len() * k, b.len() * a_stride, "as many rows");
    for (a, b) in a.chunks_exact(a_stride).zip(b.chunks_exact(k)) {
        // SAFETY: the kernel has no contract beyond its types.
        sum += unsafe { T::pair(isa, Pair { a: &a[..k], b, minus: false }) };
    }
    sum
}
