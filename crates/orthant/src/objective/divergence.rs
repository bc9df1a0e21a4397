//! d_β(S | P) with P = X·Yᵀ: products with S∘P^(β−2) and P^(β−1), and the loss.
//!
//! Sparse rows have them for β = 1 at their entries, where ΣP is left out of the loss; for any other β they are written out,
//! some at a time, and are dense from there.

use std::ops::Range;

use orthant_kernel::divergence::{self, Beta, Operands};
use orthant_kernel::newton::{self, Figures, Subproblem};
use orthant_kernel::sparse::{self, SparseOperands};
use orthant_kernel::{Real, View, allocate};

use crate::source::{DenseRows, Packed, Rows, SparseRows, UNFOLDED};

impl<T: Real> Rows<'_, T> {
    /// N = (S_b∘P^(β−2))·Y and D = P^(β−1)·Y, rows×k; D is not touched for β = 1. Adds the loss to `sum`, if it is given.
    /// `scratch`, here and below, holds the kernel's [`scratch_len`](orthant_kernel::divergence::scratch_len).
    pub fn ratio_numerators(
        &mut self,
        beta: &Beta<T>,
        x: &[T],
        y: Packed<'_, T>,
        n: &mut [T],
        d: &mut [T],
        scratch: &mut [T],
        mut sum: Option<&mut f64>,
    ) {
        match self {
            Self::Dense(s) => divergence::numerators(s.isa, beta, s.operands(x, y), n, d, scratch, sum),
            Self::Sparse(s) if beta.is_kullback_leibler() => {
                sparse::ratio_numerators(s.isa, beta, s.operands(x, y), n, sum);
            }
            Self::Sparse(s) => s.in_full(y.k, |s, at| {
                let (n, d, x) = (&mut n[at.clone()], &mut d[at.clone()], &x[at]);
                divergence::numerators(s.isa, beta, s.operands(x, y), n, d, scratch, sum.as_deref_mut());
            }),
        }
    }

    /// B += (S_b∘P^(β−2))ᵀ·X and D += (P^(β−1))ᵀ·X, cols×stride; D is not touched for β = 1. Adds the loss to `sum`, if it is
    /// given.
    pub fn ratio_accumulate(
        &mut self,
        beta: &Beta<T>,
        x: &[T],
        y: Packed<'_, T>,
        b: &mut [T],
        d: &mut [T],
        scratch: &mut [T],
        mut sum: Option<&mut f64>,
    ) {
        match self {
            Self::Dense(s) => divergence::accumulate(s.isa, beta, s.operands(x, y), b, d, scratch, sum),
            Self::Sparse(s) if beta.is_kullback_leibler() => {
                sparse::ratio_accumulate(s.isa, beta, s.operands(x, y), b, sum);
            }
            Self::Sparse(s) => s.in_full(y.k, |s, at| {
                divergence::accumulate(s.isa, beta, s.operands(&x[at], y), b, d, scratch, sum.as_deref_mut());
            }),
        }
    }

    /// For Kullback–Leibler N and B, both of one P. Adds the loss to `sum`.
    pub fn ratio_joint(
        &mut self,
        beta: &Beta<T>,
        x: &[T],
        y: Packed<'_, T>,
        n: &mut [T],
        b: &mut [T],
        scratch: &mut [T],
        sum: &mut f64,
    ) {
        match self {
            Self::Dense(s) => divergence::joint(s.isa, beta, s.operands(x, y), n, b, scratch, sum),
            Self::Sparse(s) => sparse::ratio_joint(s.isa, beta, s.operands(x, y), n, b, sum),
        }
    }

    /// `sum` + Σ d_β(S_b | X·Yᵀ), without ΣP where β is [computed at the entries](crate::source::Extent::by_entries).
    pub fn divergence(
        &mut self,
        beta: &Beta<T>,
        x: &[T],
        y: Packed<'_, T>,
        scratch: &mut [T],
        mut sum: f64,
    ) -> f64 {
        match self {
            Self::Dense(s) => divergence::sum(s.isa, beta, s.operands(x, y), scratch, sum),
            Self::Sparse(s) if beta.is_kullback_leibler() => {
                sparse::ratio_sum(s.isa, beta, s.operands(x, y), sum)
            }
            Self::Sparse(s) => {
                s.in_full(y.k, |s, at| {
                    sum = divergence::sum(s.isa, beta, s.operands(&x[at], y), scratch, sum);
                });
                sum
            }
        }
    }

    /// Newton's steps of X for Kullback–Leibler, and what they compute on the way: the loss as above. `scratch` is
    /// [`newton_len`](crate::source::Extent::newton_len).
    pub fn newton(
        &mut self,
        subproblem: Subproblem<'_, T>,
        x: &mut [T],
        y: Packed<'_, T>,
        scratch: &mut [T],
        figures: Figures<'_, T>,
    ) {
        match self {
            Self::Dense(s) => newton::dense(s.isa, subproblem, s.view(), y.packed, x, scratch, figures),
            Self::Sparse(s) => newton::sparse(s.isa, subproblem, s.rows, y.y, x, scratch, figures),
        }
    }
}

impl<T: Real> DenseRows<'_, T> {
    fn operands<'a>(&'a self, x: &'a [T], y: Packed<'a, T>) -> Operands<'a, T> {
        let Packed { y, packed, k, .. } = y;
        Operands { v: self.view(), x, y, packed, k }
    }
}

impl<T: Real> SparseRows<'_, T> {
    fn operands<'a>(&'a self, x: &'a [T], y: Packed<'a, T>) -> SparseOperands<'a, T> {
        SparseOperands { v: self.rows, x, y: y.y, k: y.k }
    }

    /// Calls `f` with some rows at a time written out, and the elements of those rows of X.
    fn in_full(&mut self, k: usize, mut f: impl FnMut(&DenseRows<'_, T>, Range<usize>)) {
        let (rows, cols) = (self.rows.nrows(), self.rows.ncols());
        for start in (0..rows).step_by(UNFOLDED) {
            let range = start..rows.min(start + UNFOLDED);
            let len = range.len() * cols;
            if self.full.len() < len {
                allocate::resize(self.full, len, T::ZERO);
            }
            let full = &mut self.full[..len];
            self.rows.rows(range.clone()).unfold(full);
            let view = View::row_major(full, range.len(), cols).expect("as many elements");
            f(&DenseRows::whole(view, self.isa, None), range.start * k..range.end * k);
        }
    }
}
