//! Kullback–Leibler on sparse rows: all that needs V is at its entries, and the rest are column sums.
//!
//! With P = X·Yᵀ, V∘P⁻¹ is 0 where V is, and P⁰ = 1 everywhere: the numerators of both updates, and what the divergence has
//! beyond ΣP, are sums over the entries. P is made there alone, some entries of a row at a time, and the rows of Y that it
//! needs are still in the first-level cache when they are wanted again.

use super::SparseRows;
use crate::arch::Isa;
use crate::arch::generic::divergence::{Divergence, Ratios};
use crate::arch::generic::sparse::{Dots, Gather, SLACK, Scatter};
use crate::divergence::Beta;
use crate::products::holds;
use crate::{Real, accumulator_stride};

/// Entries of a row that are worked on together.
const CHUNK: usize = 64;

/// The operands that all three share.
#[derive(Clone, Copy, Debug)]
pub struct SparseOperands<'a, T: Real> {
    /// V, rows×cols.
    pub v: SparseRows<'a, T>,
    /// X, rows×k.
    pub x: &'a [T],
    /// Y, cols×k.
    pub y: &'a [T],
    /// Columns of X and of Y.
    pub k: usize,
}

impl<'a, T: Real> SparseOperands<'a, T> {
    fn check(&self, beta: &Beta<T>) {
        let Self { v, x, y, k } = *self;
        assert!(k > 0, "k is at least 1");
        assert!(beta.is_kullback_leibler(), "β is 1");
        assert!(holds(x.len(), v.nrows(), k), "X is rows×k");
        assert!(holds(y.len(), v.ncols(), k), "Y is cols×k");
    }

    /// Calls `f` with the number of a row, whether it is for the first time, the indices and values of some of its entries
    /// and their P, for all of them.
    #[inline]
    pub(super) fn each(&self, isa: Isa, mut f: impl FnMut(usize, bool, &'a [u32], &'a [T], &mut [T])) {
        let Self { v, x, y, k } = *self;
        let mut p = [T::ZERO; CHUNK + SLACK];
        for i in 0..v.nrows() {
            let (indices, values) = v.row(i);
            let x = &x[i * k..(i + 1) * k];
            for (c, (indices, values)) in indices.chunks(CHUNK).zip(values.chunks(CHUNK)).enumerate() {
                let out = &mut p[..indices.len() + SLACK];
                // SAFETY: Y has a row for every index and X is one row; there is room behind the last element.
                unsafe { T::dots(isa, Dots { indices, x, y, k, out }) }
                f(i, c == 0, indices, values, &mut p[..indices.len()]);
            }
        }
    }

    /// The same with V∘P⁻¹ in place of P.
    #[inline]
    fn ratios(&self, isa: Isa, beta: &Beta<T>, mut f: impl FnMut(usize, bool, SparseRows<'_, T>)) {
        let ncols = self.v.ncols();
        self.each(isa, |i, first, indices, values, p| {
            let op = Ratios { v: values, p, q: None, beta: beta.beta, floor: beta.floor };
            // SAFETY: the kernel has no contract beyond its types.
            unsafe { T::ratios(isa, op) }
            f(i, first, SparseRows::one(&[0, indices.len()], indices, p, ncols));
        });
    }
}

/// N = (V∘P⁻¹)·Y, rows×k. A row's result does not depend on the rows beside it. 4·nnz·k flops.
///
/// ```
/// use orthant_kernel::{Csr, Isa, Unfolded, divergence::Beta, sparse};
/// let v = Csr::<f64>::new(1, 3, &[0_usize, 2][..], &[0_u32, 2][..], &[2.0, 9.0][..])?;
/// let (x, y) = ([2.0], [1.0, 5.0, 3.0]); // P = [2, 10, 6]
/// let mut scratch = Unfolded::default();
/// let operands = sparse::SparseOperands { v: v.block(0..1, 1.0, &mut scratch), x: &x, y: &y, k: 1 };
/// let mut n = [0.0];
/// sparse::ratio_numerators(Isa::detect(), &Beta::new(1.0, 1e-300, 0.0), operands, &mut n);
/// assert_eq!(n, [1.0 + 1.5 * 3.0]);
/// # Ok::<(), orthant_kernel::SparseError>(())
/// ```
///
/// # Panics
/// If an extent does not match, or for another β than 1.
pub fn ratio_numerators<T: Real>(isa: Isa, beta: &Beta<T>, operands: SparseOperands<'_, T>, n: &mut [T]) {
    operands.check(beta);
    let SparseOperands { x, y, k, .. } = operands;
    assert_eq!(n.len(), x.len(), "N is rows×k");
    n.fill(T::ZERO);
    let isa = isa.for_width::<T>(k);
    operands.ratios(isa, beta, |i, first, rows| {
        let out = &mut n[i * k..(i + 1) * k];
        // SAFETY: Y has a row for every index.
        unsafe { T::gather(isa, Gather { rows, y, k, out, add: !first }) }
    });
}

/// B += (V∘P⁻¹)ᵀ·X, cols×k with rows [`accumulator_stride`] apart. Rows are added in ascending order, one rounding each, so
/// that consecutive calls over blocks of rows do what one call does, to the bit. 4·nnz·k flops.
///
/// # Panics
/// If an extent does not match, or for another β than 1.
pub fn ratio_accumulate<T: Real>(isa: Isa, beta: &Beta<T>, operands: SparseOperands<'_, T>, b: &mut [T]) {
    operands.check(beta);
    let SparseOperands { v, x, k, .. } = operands;
    assert!(holds(b.len(), v.ncols(), accumulator_stride::<T>(k)), "B is cols×stride");
    let isa = isa.for_width::<T>(k);
    operands.ratios(isa, beta, |i, _, rows| {
        let z = &x[i * k..(i + 1) * k];
        // SAFETY: B has a row for every index, and Z is one row.
        unsafe { T::scatter(isa, Scatter { rows, z, k, acc: &mut *b }) }
    });
}

/// `sum` + Σ d₁(V | P), given the column sums of Y, in double precision from products in the element type; rows add in
/// order, so that calls over consecutive blocks do what one call does, to the bit. 2·nnz·k flops and a logarithm an entry.
///
/// # Panics
/// If an extent does not match, or for another β than 1.
pub fn ratio_sum<T: Real>(
    isa: Isa,
    beta: &Beta<T>,
    operands: SparseOperands<'_, T>,
    columns: &[f64],
    mut sum: f64,
) -> f64 {
    operands.check(beta);
    let SparseOperands { v, x, k, .. } = operands;
    assert_eq!(columns.len(), k, "a sum for each column of Y");
    let isa = isa.for_width::<T>(k);
    let mut row = 0.0;
    let mut done = 0;
    // a row without entries has its ΣP too
    let all = |i: usize| x[i * k..(i + 1) * k].iter().zip(columns).map(|(x, c)| x.to_f64() * c).sum::<f64>();
    operands.each(isa, |i, first, _, values, p| {
        if first {
            while done < i {
                sum += row + all(done);
                row = 0.0;
                done += 1;
            }
        }
        let Beta { beta, floor, ignore } = *beta;
        let op = Divergence { v: values, p, beta, floor, ignore, entries_only: true };
        // SAFETY: the kernel has no contract beyond its types.
        row += unsafe { T::divergence(isa, op) };
    });
    while done < v.nrows() {
        sum += row + all(done);
        row = 0.0;
        done += 1;
    }
    sum
}
