//! The two products of the pass: V·Y and B += Vᵀ·Z.

use crate::arch::generic::dense::{self, Accumulate, Numerators, TileRows};
use crate::isa::Isa;
use crate::{Real, View};

/// Whether a slice of `len` holds exactly rows·cols elements.
pub(crate) fn holds(len: usize, rows: usize, cols: usize) -> bool {
    rows.checked_mul(cols) == Some(len)
}

fn check<T: Real>(v: &View<'_, T>, k: usize) {
    assert!(k > 0, "k is at least 1");
    assert!(v.col_stride() == 1 || v.ncols() <= 1, "the columns of V are adjacent");
}

/// Elements from one row of an accumulator to the next: k rounded up to whole registers.
///
/// ```
/// use orthant_kernel::accumulator_stride;
/// assert_eq!(accumulator_stride::<f32>(5), 8);
/// assert_eq!(accumulator_stride::<f32>(17), 32);
/// assert_eq!(accumulator_stride::<f64>(8), 8);
/// ```
pub fn accumulator_stride<T: Real>(k: usize) -> usize {
    dense::stride::<T>(k)
}

/// Rows of V in the tallest register tile for k columns of a factor.
///
/// ```
/// assert_eq!(orthant_kernel::tile_rows::<f64>(orthant_kernel::Isa::PORTABLE, 4), 6);
/// ```
pub fn tile_rows<T: Real>(isa: Isa, k: usize) -> usize {
    // SAFETY: the kernel has no operands.
    unsafe { T::tile_rows(isa.for_width::<T>(k), TileRows { k }) }
}

/// out = V·Y, with V rows×cols (columns adjacent, any row stride), Y cols×k and `out` rows×k, both row-major.
///
/// Each element is summed over ascending columns, in chunks of a constant length that depends on k and the element
/// type alone, so a row's result does not depend on the rows beside it. 2·rows·cols·k flops.
///
/// # Panics
/// If an extent does not match.
pub fn numerators<T: Real>(isa: Isa, v: View<'_, T>, y: &[T], k: usize, out: &mut [T]) {
    check(&v, k);
    assert!(holds(y.len(), v.ncols(), k), "Y is cols×k");
    assert!(holds(out.len(), v.nrows(), k), "out is rows×k");
    if v.ncols() == 0 {
        out.fill(T::ZERO);
        return;
    }
    if v.nrows() == 0 {
        return;
    }
    // SAFETY: the extents were just checked, and V is a view.
    unsafe { T::numerators(isa.for_width::<T>(k), Numerators { v, y, k, out }) }
}

/// acc += Vᵀ·Z, with V rows×cols (columns adjacent, any row stride), Z rows×k and `acc` cols×k, both row-major; rows
/// of `acc` are [`accumulator_stride`] apart, and what is beyond their k elements is unspecified but finite.
///
/// Rows are added to each element in ascending order, one rounding each (two without a fused multiply-add), so that
/// consecutive calls over blocks of rows do what one call over all of them does, to the bit. 2·rows·cols·k flops.
///
/// ```
/// use orthant_kernel::{Isa, View, accumulate};
/// let v = View::row_major(&[1.0_f32, 2.0, 3.0, 4.0], 2, 2)?;
/// let mut acc = [0.0; 16]; // two rows of 1, padded to 8
/// accumulate(Isa::detect(), v, &[1.0, 10.0], 1, &mut acc);
/// assert_eq!((acc[0], acc[8]), (31.0, 42.0));
/// # Ok::<(), orthant_kernel::LayoutError>(())
/// ```
///
/// # Panics
/// If an extent does not match.
pub fn accumulate<T: Real>(isa: Isa, v: View<'_, T>, z: &[T], k: usize, acc: &mut [T]) {
    check(&v, k);
    assert!(holds(z.len(), v.nrows(), k), "Z is rows×k");
    assert!(holds(acc.len(), v.ncols(), accumulator_stride::<T>(k)), "acc is cols×stride");
    if v.nrows() == 0 || v.ncols() == 0 {
        return;
    }
    // SAFETY: the extents were just checked, and V is a view.
    unsafe { T::accumulate(isa.for_width::<T>(k), Accumulate { v, z, k, acc, upper: false }) }
}

/// G += XᵀX, with X rows×k row-major and `acc` k×k, its rows [`accumulator_stride`] apart: on the diagonal and to the
/// right of it, to the bit what [`accumulate`] does; elsewhere unspecified. About rows·k² flops.
///
/// ```
/// use orthant_kernel::{Isa, gram};
/// let mut acc = [0.0; 16]; // two rows of 2, padded to 8
/// gram(Isa::detect(), &[1.0_f32, 2.0, 3.0, 4.0], 2, &mut acc);
/// assert_eq!((acc[0], acc[1], acc[9]), (10.0, 14.0, 20.0));
/// ```
///
/// # Panics
/// If an extent does not match.
pub fn gram<T: Real>(isa: Isa, x: &[T], k: usize, acc: &mut [T]) {
    assert!(k > 0 && x.len().is_multiple_of(k), "X is rows×k");
    assert!(holds(acc.len(), k, accumulator_stride::<T>(k)), "acc is k×stride");
    if x.is_empty() {
        return;
    }
    let v = View::row_major(x, x.len() / k, k).expect("X is rows×k");
    // SAFETY: the extents were just checked, and V is a view.
    unsafe { T::accumulate(isa.for_width::<T>(k), Accumulate { v, z: x, k, acc, upper: true }) }
}
