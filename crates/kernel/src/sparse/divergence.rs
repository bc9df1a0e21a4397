//! Kullback–Leibler on sparse rows: all that needs V is at its entries, and the rest are column sums.
//!
//! With P = X·Yᵀ, V∘P⁻¹ is 0 where V is, and P⁰ = 1 everywhere: the numerators of both updates, and what the divergence has
//! beyond ΣP, are sums over the entries; and ΣP is the inner product of the column sums of X and of Y. P is made there alone,
//! some entries of a row at a time, and the rows of Y that it needs are still in the first-level cache when they are wanted
//! again.

use super::SparseRows;
use super::products::stride_of;
use crate::arch::generic::sparse::{AtEntries, To};
use crate::divergence::Beta;
use crate::isa::Isa;
use crate::products::holds;
use crate::{Real, accumulator_stride};

/// The operands that all of them share.
#[derive(Clone, Copy, Debug)]
pub struct SparseOperands<'a, T: Real> {
    /// V, rows×cols.
    pub v: SparseRows<'a, T>,
    /// X, rows×k.
    pub x: &'a [T],
    /// Y, cols×k, its rows [as far apart](super::row_stride) as its length says.
    pub y: &'a [T],
    /// Columns of X and of Y.
    pub k: usize,
}

impl<T: Real> SparseOperands<'_, T> {
    fn run(&self, isa: Isa, beta: &Beta<T>, to: To<'_, T>, sum: Option<&mut f64>) {
        let Self { v, x, y, k } = *self;
        assert!(k > 0, "k is at least 1");
        assert!(beta.is_kullback_leibler(), "β is 1");
        assert!(holds(x.len(), v.nrows(), k), "X is rows×k");
        let y_stride = stride_of(y, v.ncols(), k);
        if let To::Numerators(n) | To::Both(n, _) = &to {
            assert_eq!(n.len(), x.len(), "N is rows×k");
        }
        if let To::Sums(b) | To::Both(_, b) = &to {
            assert!(holds(b.len(), v.ncols(), accumulator_stride::<T>(k)), "B is cols×stride");
        }
        let Beta { floor, lowest, ignore, .. } = *beta;
        // SAFETY: the extents were just checked, and indices are below the number of columns.
        unsafe {
            T::at_entries(
                isa.for_rows::<T>(k),
                AtEntries { v, x, y, y_stride, k, floor, lowest, ignore, to, sum },
            )
        }
    }
}

/// N = (V∘P⁻¹)·Y, rows×k; and, if `sum` is given, [`ratio_sum`] on the way, from the same P. A row's result does not
/// depend on the rows beside it. 4·nnz·k flops.
///
/// ```
/// use orthant_kernel::{Csr, Isa, Unfolded, divergence::Beta, sparse};
/// let v = Csr::<f64>::new(1, 3, &[0_usize, 2][..], &[0_u32, 2][..], &[2.0, 9.0][..])?;
/// let (x, y) = ([2.0], [1.0, 5.0, 3.0]); // P = [2, 10, 6]
/// let mut scratch = Unfolded::default();
/// let operands = sparse::SparseOperands { v: v.block(0..1, 1.0, &mut scratch), x: &x, y: &y, k: 1 };
/// let mut n = [0.0];
/// sparse::ratio_numerators(Isa::detect(), &Beta::new(1.0, 1e-300, 0.0), operands, &mut n, None);
/// assert_eq!(n, [1.0 + 1.5 * 3.0]);
/// # Ok::<(), orthant_kernel::SparseError>(())
/// ```
///
/// # Panics
/// If an extent does not match, or for another β than 1.
pub fn ratio_numerators<T: Real>(
    isa: Isa,
    beta: &Beta<T>,
    operands: SparseOperands<'_, T>,
    n: &mut [T],
    sum: Option<&mut f64>,
) {
    operands.run(isa, beta, To::Numerators(n), sum);
}

/// B += (V∘P⁻¹)ᵀ·X, cols×k with rows [`accumulator_stride`] apart; and, if `sum` is given, [`ratio_sum`] on the way. Rows
/// are added in ascending order, one rounding each, so that consecutive calls over blocks of rows do what one call does, to
/// the bit. 4·nnz·k flops.
///
/// # Panics
/// If an extent does not match, or for another β than 1.
pub fn ratio_accumulate<T: Real>(
    isa: Isa,
    beta: &Beta<T>,
    operands: SparseOperands<'_, T>,
    b: &mut [T],
    sum: Option<&mut f64>,
) {
    operands.run(isa, beta, To::Sums(b), sum);
}

/// What [`ratio_numerators`] and [`ratio_accumulate`] make, and `sum` what [`ratio_sum`] makes of it, all from one P and to the
/// bit. 6·nnz·k flops, where the two take 8.
///
/// ```
/// use orthant_kernel::{Csr, Isa, Unfolded, accumulator_stride, divergence::Beta, sparse};
/// let v = Csr::<f64>::new(1, 3, &[0_usize, 2][..], &[0_u32, 2][..], &[2.0, 9.0][..])?;
/// let (x, y) = ([2.0], [1.0, 5.0, 3.0]); // P = [2, 10, 6]
/// let mut scratch = Unfolded::default();
/// let operands = sparse::SparseOperands { v: v.block(0..1, 1.0, &mut scratch), x: &x, y: &y, k: 1 };
/// let stride = accumulator_stride::<f64>(1);
/// let (mut n, mut b, mut sum) = ([0.0], vec![0.0; 3 * stride], 0.0);
/// sparse::ratio_joint(Isa::detect(), &Beta::new(1.0, 1e-300, 0.0), operands, &mut n, &mut b, &mut sum);
/// assert_eq!((n[0], b[0], b[stride], b[2 * stride]), (1.0 + 1.5 * 3.0, 2.0, 0.0, 1.5 * 2.0));
/// # Ok::<(), orthant_kernel::SparseError>(())
/// ```
///
/// # Panics
/// If an extent does not match, or for another β than 1.
pub fn ratio_joint<T: Real>(
    isa: Isa,
    beta: &Beta<T>,
    operands: SparseOperands<'_, T>,
    n: &mut [T],
    b: &mut [T],
    sum: &mut f64,
) {
    operands.run(isa, beta, To::Both(n, b), Some(sum));
}

/// `sum` + Σ v·ln(v/p) − v over the entries: with ΣP over everything, Σ d₁(V | P). In double precision from products in the
/// element type; rows add in order, so that calls over consecutive blocks do what one call does, to the bit. 2·nnz·k flops
/// and a logarithm an entry.
///
/// # Panics
/// If an extent does not match, or for another β than 1.
pub fn ratio_sum<T: Real>(isa: Isa, beta: &Beta<T>, operands: SparseOperands<'_, T>, mut sum: f64) -> f64 {
    operands.run(isa, beta, To::Divergence, Some(&mut sum));
    sum
}
