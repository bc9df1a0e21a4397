//! Rows of a factor by [Newton's steps](crate::rule::newton), for Kullback–Leibler.
//!
//! Either factor needs rows of S itself, or of the transpose: nothing is summed but the factor's own columns. The steps
//! compute the loss on the way; where they are only measured it is computed after them.

use orthant_kernel::Real;

use orthant_kernel::newton::{Figures, Subproblem};

use super::lines::Lines;
use super::majorize::Work;
use super::sums::RatioSums;
use super::visit::{HalfStep, Span};
use crate::known::Limits;
use crate::penalty::Weights;
use crate::rule::Majorizer;
use crate::source::{Packed, Rows, Source};

/// The half-step.
pub(super) struct Newton<'a, T: Real> {
    pub source: Option<&'a dyn Source<T>>,
    pub y: Packed<'a, T>,
    /// Column sums of Y.
    pub columns: &'a [T],
    pub rule: Majorizer<T>,
    pub weights: Weights,
    /// Bounds of X, if it has any.
    pub limits: Option<&'a Limits<T>>,
    pub sweeps: usize,
    /// Whether the steps add up the loss, …
    pub with_loss: bool,
    /// … or it is added up after them.
    pub loss_after: bool,
}

impl<T: Real> HalfStep<T> for Newton<'_, T> {
    type Work = Work<T>;
    type Sums = RatioSums<T>;

    fn source(&self) -> Option<&dyn Source<T>> {
        self.source
    }

    fn opposite(&self) -> (&[T], T) {
        (self.y.y, self.rule.beta.floor())
    }

    fn sums_rows(&self) -> bool {
        self.loss_after
    }

    fn limits(&self) -> Option<&Limits<T>> {
        self.limits
    }

    fn moves(
        &self,
        at: &Span,
        s: Option<&mut Rows<'_, T>>,
        x: &mut [T],
        work: &mut Work<T>,
        sums: &mut RatioSums<T>,
    ) {
        let (beta, (l1, l2)) = (&self.rule.beta, self.weights.elements());
        let bounds =
            self.limits.map(|limits| limits.rows(&at.rows)).map(|bounds| (bounds.lower, bounds.upper));
        let subproblem =
            Subproblem { columns: self.columns, l1, l2, sweeps: self.sweeps, floor: beta.floor(), bounds };
        let divergence = self.with_loss.then_some((beta, &mut sums.loss));
        let figures = Figures { movement: &mut sums.step.movement, divergence };
        let s = s.expect("Newton's steps need rows of S or of its transpose");
        s.newton(subproblem, x, self.y, &mut work.tiles, figures);
    }

    fn sums(
        &self,
        _: &Span,
        s: Option<&mut Rows<'_, T>>,
        x: &Lines<'_, T>,
        work: &mut Work<T>,
        sums: &mut RatioSums<T>,
    ) {
        if let (Some(s), true) = (s, self.loss_after) {
            sums.loss = s.divergence(&self.rule.beta, x.x, self.y, &mut work.tiles, sums.loss);
        }
        sums.rows_done(x, self.weights);
    }
}
