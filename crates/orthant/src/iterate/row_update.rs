//! Rows of a factor by a [rule](crate::rule) for the Frobenius loss.
//!
//! ```text
//! A_b  = S_b Y                        numerators, or known already
//! X_b ← rule(X_b; A_b, YᵀY)
//! B   += S_bᵀ X_b ;  G += X_bᵀ X_b
//! ```

use orthant_kernel::{Buffer, Isa, Real, allocate, scan as products};

use super::factor::Factor;
use super::lines::Lines;
use super::moving::{Group, Moving};
use super::projection::Projection;
use super::sums::GramSums;
use super::visit::{HalfStep, Span};
use crate::known::Limits;
use crate::penalty::Weights;
use crate::rule::{Rule, Subproblem};
use crate::source::{Rows, Source};

/// What a worker computes with.
#[derive(Debug)]
pub(super) struct Work<T> {
    /// Numerators.
    pub a: Buffer<T>,
    pub rule: Vec<T>,
    pub residual: Vec<T>,
    /// A row of a product.
    pub row: Vec<T>,
}

/// The other factor's Gram matrix as an update wants it.
#[derive(Debug)]
pub(super) struct Coupling<T> {
    gram: Vec<T>,
    diagonal: Vec<T>,
    pub order: Vec<usize>,
}

impl<T: Real> Coupling<T> {
    pub fn new(k: usize) -> Self {
        Self { gram: allocate::filled(k * k, T::ZERO), diagonal: vec![T::ZERO; k], order: (0..k).collect() }
    }

    /// For the update of `of` against the factor with this Gram matrix.
    pub fn subproblem<'a>(&'a mut self, gram: &[T], of: &Factor<T>) -> Subproblem<'a, T> {
        let k = self.diagonal.len();
        let (l1, l2) = of.weights.elements();
        self.gram.copy_from_slice(gram);
        for t in 0..k {
            self.gram[t * k + t] += l2;
            self.diagonal[t] = self.gram[t * k + t];
        }
        let Self { gram, diagonal, order } = self;
        Subproblem { gram, diagonal, l1, order, sweeps: of.sweeps }
    }
}

/// Where the numerators of some rows come from.
#[derive(Clone, Copy)]
pub(super) enum Numerators<'a, T: Real> {
    /// Rows of S or of its transpose, times the other factor.
    Computed { source: &'a dyn Source<T>, operand: &'a [T] },
    /// They are known for all rows; with the elements from one row to the next.
    Known(&'a [T], usize),
    /// R times the sums of a pass.
    Lifted(&'a [T], Projection<'a, T>),
    /// Computed of the free components, and known of the others, rows of k; 0 where there are none.
    Free { source: &'a dyn Source<T>, moving: &'a Moving<T>, known: &'a [T] },
    /// Sums of a pass over the free components.
    Summed(&'a [T], &'a Moving<T>),
}

/// A row update of a factor from numerators and the other factor's Gram matrix.
pub(super) struct RowUpdate<'a, T: Real> {
    pub numerators: Numerators<'a, T>,
    pub rule: &'a dyn Rule<T>,
    pub subproblem: Subproblem<'a, T>,
    pub k: usize,
    pub isa: Isa,
    pub weights: Weights,
    /// Bounds of X, if it has any.
    pub limits: Option<&'a Limits<T>>,
    /// Whether ⟨A, X⟩ is needed.
    pub crosses: bool,
    /// Whether B is summed of the rows read, …
    pub accumulates: bool,
    /// … and of which components, if not of all.
    pub summed: Summed<'a, T>,
    /// Where the rows are projected to.
    pub projection: Option<Projection<'a, T>>,
}

/// The components that a pass sums.
#[derive(Clone, Copy)]
pub(super) enum Summed<'a, T> {
    All,
    /// Those that are free, with ⟨A, X⟩ of the others by their numerators, if there are any.
    Free(&'a Moving<T>, &'a [T]),
    /// Some that are known.
    Known(&'a Group),
}

impl<'a, T: Real> Numerators<'a, T> {
    /// What rows of S are multiplied with, if they are read.
    fn opposite(&self) -> (&[T], T) {
        let operand = match self {
            Self::Computed { operand, .. } => operand,
            Self::Free { moving, .. } => &moving.operand[..],
            _ => &[][..],
        };
        (operand, T::ZERO)
    }

    /// Those of some rows, and the elements from one to the next.
    fn of<'b>(
        &'b self,
        at: &Span,
        s: Option<&mut Rows<'_, T>>,
        k: usize,
        a: &'b mut [T],
        scratch: &mut [T],
    ) -> (&'b [T], usize) {
        let len = at.of_lane.len();
        match self {
            Self::Computed { operand, .. } => {
                let a = &mut a[..len];
                s.expect("rows are read").numerators(operand, k, a);
                (a, k)
            }
            Self::Known(all, stride) => (&all[at.rows.start * stride..at.rows.end * stride], *stride),
            Self::Lifted(sums, projection) => {
                let a = &mut a[..len];
                projection.lift(at.rows.clone(), sums, k, a);
                (a, k)
            }
            Self::Free { moving, known, .. } => {
                let (a, count) = (&mut a[..len], moving.count());
                let compact = &mut scratch[..at.rows.len() * count];
                s.expect("rows are read").numerators(&moving.operand, count, compact);
                let known = known.get(at.rows.start * k..at.rows.end * k).unwrap_or_default();
                moving.put_together(compact, count, known, a);
                (a, k)
            }
            Self::Summed(b, moving) => {
                let a = &mut a[..len];
                moving.numerators(b, at.rows.start, a);
                (a, k)
            }
        }
    }
}

impl<T: Real> HalfStep<T> for RowUpdate<'_, T> {
    type Work = Work<T>;
    type Sums = GramSums<T>;

    fn source(&self) -> Option<&dyn Source<T>> {
        match self.numerators {
            Numerators::Computed { source, .. } | Numerators::Free { source, .. } => Some(source),
            _ => None,
        }
    }

    fn opposite(&self) -> (&[T], T) {
        self.numerators.opposite()
    }

    fn sums_rows(&self) -> bool {
        self.accumulates
    }

    fn limits(&self) -> Option<&Limits<T>> {
        self.limits
    }

    /// X_b ← rule(X_b; A_b, YᵀY)
    fn moves(
        &self,
        at: &Span,
        s: Option<&mut Rows<'_, T>>,
        x: &mut [T],
        work: &mut Work<T>,
        sums: &mut GramSums<T>,
    ) {
        let (k, Work { a, rule: scratch, .. }) = (self.k, work);
        let (a, stride) = self.numerators.of(at, s, k, a, scratch);
        match self.limits {
            None => self.rule.update(x, a, stride, &self.subproblem, scratch, &mut sums.step),
            Some(limits) => {
                let bounds = limits.rows(&at.rows);
                self.rule.update_within(x, a, stride, &self.subproblem, bounds, scratch, &mut sums.step);
            }
        }
        if self.crosses {
            sums.cross = products::inner_product(self.isa, a, stride, x, k, sums.cross);
        }
    }

    /// B += S_bᵀ X_b, G += X_bᵀ X_b
    fn sums(
        &self,
        at: &Span,
        s: Option<&mut Rows<'_, T>>,
        x: &Lines<'_, T>,
        work: &mut Work<T>,
        sums: &mut GramSums<T>,
    ) {
        if let (Some(s), true) = (s, self.accumulates) {
            match self.summed {
                Summed::All => s.accumulate(x.operand(), self.k, &mut sums.b),
                Summed::Free(moving, known) => {
                    s.accumulate(moving.gather(x.operand(), &mut work.rule), moving.count(), &mut sums.b);
                    if let Some(known) = known.get(at.rows.start * self.k..at.rows.end * self.k) {
                        sums.known = moving.cross(known, x.current(), sums.known);
                    }
                }
                Summed::Known(group) => {
                    let compact = group.gather(x.operand(), &mut work.rule);
                    s.accumulate(compact, group.count(), &mut sums.b);
                }
            }
        }
        if let Some(projection) = &self.projection {
            projection.project(at.rows.clone(), x.operand(), self.k, &mut sums.b);
        }
        sums.rows_done(self.isa, x, self.k, self.weights);
    }
}

/// ⟨A, X⟩.
pub(super) struct Cross<'a, T: Real> {
    pub numerators: Numerators<'a, T>,
    pub k: usize,
    pub isa: Isa,
}

impl<T: Real> HalfStep<T> for Cross<'_, T> {
    type Work = Work<T>;
    type Sums = GramSums<T>;

    fn source(&self) -> Option<&dyn Source<T>> {
        None
    }

    fn opposite(&self) -> (&[T], T) {
        self.numerators.opposite()
    }

    fn sums_rows(&self) -> bool {
        false
    }

    fn sums(
        &self,
        at: &Span,
        s: Option<&mut Rows<'_, T>>,
        x: &Lines<'_, T>,
        work: &mut Work<T>,
        sums: &mut GramSums<T>,
    ) {
        let (a, stride) = self.numerators.of(at, s, self.k, &mut work.a, &mut work.rule);
        sums.cross = products::inner_product(self.isa, a, stride, x.x, self.k, sums.cross);
    }
}
