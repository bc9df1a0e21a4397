//! Rows of a factor by majorisation–minimisation of a β-divergence.
//!
//! ```text
//! P    = X_b Yᵀ                                 tile by tile, never held whole
//! N, D = (S_b∘P^(β−2))·Y, P^(β−1)·Y             or known already
//! X_b ← rule(X_b; N, D)
//! P    = X_b Yᵀ                                 with the new X_b
//! B   += (S_b∘P^(β−2))ᵀ X_b ;  C += (P^(β−1))ᵀ X_b ;  loss += d_β(S_b | P)
//! ```
//!
//! For β = 1 P^(β−1) is 1: D and C are column sums of Y and of X.

use orthant_kernel::rows::{self, Least, Majorant};
use orthant_kernel::{Buffer, Isa, Real};

use super::lines::Lines;
use super::sums::{RatioSums, add_columns};
use super::visit::{HalfStep, Span};
use crate::known::Limits;
use crate::penalty::Weights;
use crate::rule::{Majorizer, bounded};
use crate::source::{Packed, Rows as SourceRows, Source};

/// What a worker computes with.
#[derive(Debug)]
pub(super) struct Work<T> {
    pub n: Buffer<T>,
    pub d: Buffer<T>,
    pub tiles: Buffer<T>,
}

/// Rows of a matrix for all rows of a factor, `stride` elements apart; with a stride of 0 one row stands for all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a, T> {
    pub all: &'a [T],
    pub stride: usize,
}

impl<'a, T> Rows<'a, T> {
    /// From row `first` on.
    fn from(self, first: usize) -> &'a [T] {
        &self.all[first * self.stride..]
    }
}

/// What is wanted of rows, once they are updated, besides their own sums.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted {
    /// B and C.
    pub sums: bool,
    /// The loss.
    pub loss: bool,
    /// Column sums of the rows as updated, before they are extrapolated: the operand of the other factor's update.
    pub updated: bool,
}

/// The half-step; it reads rows of S, or of its transpose, where N is not known or something of them is wanted.
pub(super) struct Majorize<'a, T: Real> {
    pub source: Option<&'a dyn Source<T>>,
    pub y: Packed<'a, T>,
    /// N, where it is known.
    pub n: Option<Rows<'a, T>>,
    /// D, where it is.
    pub d: Option<Rows<'a, T>>,
    pub rule: Majorizer<T>,
    pub majorant: Majorant,
    pub least: Least<T>,
    pub weights: Weights,
    /// Bounds of X, if it has any.
    pub limits: Option<&'a Limits<T>>,
    pub wanted: Wanted,
    pub isa: Isa,
}

impl<T: Real> HalfStep<T> for Majorize<'_, T> {
    type Work = Work<T>;
    type Sums = RatioSums<T>;

    fn source(&self) -> Option<&dyn Source<T>> {
        self.source
    }

    fn opposite(&self) -> (&[T], T) {
        (self.y.y, self.rule.beta.floor())
    }

    fn sums_rows(&self) -> bool {
        self.wanted.sums || self.wanted.loss
    }

    fn limits(&self) -> Option<&Limits<T>> {
        self.limits
    }

    fn moves(
        &self,
        at: &Span,
        s: Option<&mut SourceRows<'_, T>>,
        x: &mut [T],
        work: &mut Work<T>,
        sums: &mut RatioSums<T>,
    ) {
        let (k, first) = (self.y.k, at.rows.start);
        let Work { n, d, tiles } = work;
        let d_len = d.len().min(x.len());
        if let (None, Some(s)) = (self.n, s) {
            let (n, d) = (&mut n[..x.len()], &mut d[..d_len]);
            s.ratio_numerators(&self.rule.beta, x, self.y, n, d, tiles, None);
        }
        let (n, n_stride) = self.n.map_or((&n[..], k), |n| (n.from(first), n.stride));
        let (d, d_stride) = self.d.map_or((&d[..], k), |d| (d.from(first), d.stride));
        let (l1, l2) = self.weights.elements();
        let bounds = self.limits.map(|limits| limits.rows(&at.rows));
        let moved = &mut sums.step.movement;
        let before = bounds.map(|b| bounded::slopes(x, (n, n_stride), (d, d_stride), k, (l1, l2), b, *moved));
        *moved = rows::majorize(
            self.isa,
            x,
            n,
            n_stride,
            d,
            d_stride,
            k,
            (l1, l2),
            self.majorant,
            self.rule.floor,
            self.least,
            *moved,
        );
        if let Some((bounds, before)) = bounds.zip(before) {
            bounds.hold(x);
            *moved = before;
        }
    }

    fn sums(
        &self,
        _: &Span,
        s: Option<&mut SourceRows<'_, T>>,
        x: &Lines<'_, T>,
        work: &mut Work<T>,
        sums: &mut RatioSums<T>,
    ) {
        let (beta, tiles) = (&self.rule.beta, &mut work.tiles);
        if let Some(s) = s {
            if self.wanted.sums {
                let RatioSums { b, c, loss, .. } = sums;
                s.ratio_accumulate(beta, x.x, self.y, b, c, tiles, self.wanted.loss.then_some(loss));
            } else if self.wanted.loss {
                sums.loss = s.divergence(beta, x.x, self.y, tiles, sums.loss);
            }
        }
        sums.rows_done(x, self.weights);
        if self.wanted.updated {
            add_columns(&mut sums.operand_columns, x.updated());
        }
    }
}
