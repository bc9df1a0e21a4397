//! The two products of the pass, and the residual, for sparse rows.

use super::SparseRows;
use crate::arch::generic::sparse::{AtEntries, Gather, Products, Residual, Scatter, To};
use crate::isa::Isa;
use crate::products::holds;
use crate::{Real, accumulator_stride};

/// out = S·Y, with S rows×cols, Y cols×k and `out` rows×k, both row-major. Rows of Y are [as far apart](row_stride) as its
/// length says.
///
/// Each element is summed over the row's entries in an order that depends on k, the element type and the instruction set
/// alone, so a row's result does not depend on the rows beside it. 2·nnz·k flops.
///
/// ```
/// use orthant_kernel::{Csr, Isa, Unfolded, sparse};
/// let s = Csr::<f64>::new(2, 3, &[0_usize, 2, 3][..], &[0_u32, 2, 1][..], &[1.0, 2.0, 3.0][..])?;
/// let mut out = [0.0; 2];
/// sparse::numerators(Isa::detect(), s.block(0..2, 1.0, &mut Unfolded::default()), &[1.0, 10.0, 100.0], 1, &mut out);
/// assert_eq!(out, [201.0, 30.0]);
/// # Ok::<(), orthant_kernel::SparseError>(())
/// ```
///
/// # Panics
/// If an extent does not match.
pub fn numerators<T: Real>(isa: Isa, rows: SparseRows<'_, T>, y: &[T], k: usize, out: &mut [T]) {
    assert!(k > 0, "k is at least 1");
    let y_stride = stride_of(y, rows.ncols(), k);
    assert!(holds(out.len(), rows.nrows(), k), "out is rows×k");
    // SAFETY: the extents were just checked, and indices are below the number of columns.
    unsafe { T::gather(isa.for_rows::<T>(k), Gather { rows, y, y_stride, k, out, add: false }) }
}

/// Elements from one row of Y to the next, for k columns, if it is to be gathered from: whole quarters of a cache line, so
/// that a row does not touch more lines than it must.
///
/// ```
/// use orthant_kernel::sparse::row_stride;
/// assert_eq!((row_stride::<f32>(10), row_stride::<f32>(20), row_stride::<f64>(32)), (16, 24, 32));
/// ```
pub fn row_stride<T>(k: usize) -> usize {
    k.next_multiple_of(32 / size_of::<T>())
}

/// Elements from one row of Y, which has `cols` of at least k, to the next.
pub(crate) fn stride_of<T>(y: &[T], cols: usize, k: usize) -> usize {
    let stride = y.len() / cols.max(1);
    assert!(stride >= k && holds(y.len(), cols, stride) || cols == 0, "Y is cols×k");
    stride
}

/// acc += Sᵀ·Z, with S rows×cols, Z rows×k and `acc` cols×k, both row-major; rows of `acc` are [`accumulator_stride`]
/// apart, and what is beyond their k elements is unspecified but finite.
///
/// Rows are added in ascending order, one rounding each (two without a fused multiply-add), so that consecutive calls over
/// blocks of rows do what one call over all of them does, to the bit. 2·nnz·k flops.
///
/// # Panics
/// If an extent does not match.
pub fn accumulate<T: Real>(isa: Isa, rows: SparseRows<'_, T>, z: &[T], k: usize, acc: &mut [T]) {
    assert!(k > 0, "k is at least 1");
    assert!(holds(z.len(), rows.nrows(), k), "Z is rows×k");
    assert!(holds(acc.len(), rows.ncols(), accumulator_stride::<T>(k)), "acc is cols×stride");
    // SAFETY: the extents were just checked, and indices are below the number of columns.
    unsafe { T::scatter(isa.for_rows::<T>(k), Scatter { rows, z, k, acc }) }
}

/// `sum` + Σ v(v − 2p) over the entries of S, with P = X·Yᵀ: with ⟨XᵀX, YᵀY⟩, which is ΣP² over everything, ‖S − P‖².
///
/// Sums are in double precision; products in the element type, or in double precision too if `wide`, at a few times the
/// cost. X is rows×k, Y cols×k, and `row` has room for k numbers. Rows add in order, so that calls over consecutive blocks
/// of rows do what one call does, to the bit. 2·nnz·k flops.
///
/// # Panics
/// If an extent does not match.
pub fn residual_entries<T: Real>(
    isa: Isa,
    rows: SparseRows<'_, T>,
    x: &[T],
    y: &[T],
    k: usize,
    wide: bool,
    row: &mut [f64],
    mut sum: f64,
) -> f64 {
    assert!(k > 0 && holds(x.len(), rows.nrows(), k), "X is rows×k");
    let y_stride = stride_of(y, rows.ncols(), k);
    if wide {
        let row = &mut row[..k];
        // SAFETY: the kernel has no contract beyond its types.
        return unsafe { T::residual(isa, Residual { rows, x, y, y_stride, row, sum }) };
    }
    let (floor, ignore) = (T::ZERO, T::ZERO);
    let op = AtEntries {
        v: rows,
        x,
        y,
        y_stride,
        k,
        floor,
        lowest: floor,
        ignore,
        to: To::Residual,
        sum: Some(&mut sum),
    };
    // SAFETY: the extents were just checked.
    unsafe { T::at_entries(isa.for_rows::<T>(k), op) }
    sum
}

/// X·Yᵀ at the entries of S, in their order, with X rows×k and Y cols×k. 2·nnz·k flops.
///
/// ```
/// use orthant_kernel::{Csr, Isa, Unfolded, sparse};
/// let v = Csr::<f64>::new(1, 3, &[0_usize, 2][..], &[0_u32, 2][..], &[2.0, 9.0][..])?;
/// let (mut scratch, mut p) = (Unfolded::default(), [0.0; 2]);
/// sparse::at_entries(Isa::detect(), v.block(0..1, 1.0, &mut scratch), &[2.0], &[1.0, 5.0, 3.0], 1, &mut p);
/// assert_eq!(p, [2.0, 6.0]);
/// # Ok::<(), orthant_kernel::SparseError>(())
/// ```
///
/// # Panics
/// If an extent does not match.
pub fn at_entries<T: Real>(isa: Isa, rows: SparseRows<'_, T>, x: &[T], y: &[T], k: usize, out: &mut [T]) {
    assert!(k > 0 && holds(x.len(), rows.nrows(), k), "X is rows×k");
    assert_eq!(out.len(), rows.nnz(), "an element for each entry");
    let y_stride = stride_of(y, rows.ncols(), k);
    // SAFETY: the extents were just checked, and indices are below the number of columns.
    unsafe { T::products(isa.for_rows::<T>(k), Products { rows, x, y, y_stride, k, out }) }
}
