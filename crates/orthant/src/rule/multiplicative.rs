//! Multiplicative updates for the Frobenius loss: simple, monotone and slow. Choose it to match other programs.
//!
//! # Problem
//! min ½‖V − WH‖² + l1·Σx + ½·l2·‖x‖² over one factor, x ≥ 0.
//!
//! # Update
//! ```text
//! x = x ∘ a / (xG + l1)          G = YᵀY + l2·I,  a = vY;  a denominator of 0 becomes 2⁻²³ (mu) or ∞ (mm)
//! ```
//!
//! # Shapes
//! X rows×k in place, A rows×k, G k×k.
//!
//! # Cost
//! 2k² flops per row and one division per element; no pass over V.
//!
//! # Guarantees
//! Does not raise the objective (Lee & Seung, theorem 1; with an L2 weight on the diagonal of G and L1 in the
//! denominator the same auxiliary function holds). Zeros stay zero: a start with zeros keeps them.
//!
//! # Stopping quantity
//! Its own: the fall of ‖V − WH‖ over 10 iterations against its value at the start. Movement is what a coordinate
//! step from the old X would be.
//!
//! # Determinism
//! A row's arithmetic is the same in any block.
//!
//! # Parity
//! `solver="mu"`, `beta_loss="frobenius"` of scikit-learn 1.9, to rounding (1e-10 relative a step in f64).
//!
//! # References
//! Lee & Seung, Algorithms for non-negative matrix factorization, NIPS 13, 2000, equation 4.

use orthant_kernel::rows::{self, Least, Step};
use orthant_kernel::{Isa, Real};

use super::majorizer::denominator_floor;
use super::{Rule, Subproblem};
use crate::rule::Setup;

pub(crate) fn compatible<T: Real>(setup: &Setup<T>) -> Box<dyn Rule<T>> {
    Box::new(Multiplicative::compatible(setup.exponent, setup.negligible))
}

pub(crate) fn guaranteed<T: Real>(setup: &Setup<T>) -> Box<dyn Rule<T>> {
    Box::new(Multiplicative::guaranteed(setup.negligible))
}

/// The rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Multiplicative<T> {
    isa: Isa,
    /// What a zero denominator becomes.
    floor: T,
    least: Least<T>,
}

impl<T: Real> Multiplicative<T> {
    /// scikit-learn's, for V over 2^`exponent`: a zero denominator becomes 2⁻²³ in the units of V.
    pub fn compatible(exponent: i32, negligible: T) -> Self {
        Self { isa: Isa::detect(), floor: denominator_floor(2.0, exponent), least: raised(negligible) }
    }

    /// The library's own: where a denominator is 0 the entry becomes 0, in whatever units.
    pub fn guaranteed(negligible: T) -> Self {
        Self { isa: Isa::detect(), floor: T::from_f64(f64::INFINITY), least: raised(negligible) }
    }
}

/// Entries do not fall below `negligible`, but those that are 0.
fn raised<T: Real>(negligible: T) -> Least<T> {
    Least { zero: T::ZERO, raise: negligible }
}

impl<T: Real> Rule<T> for Multiplicative<T> {
    fn update(
        &self,
        x: &mut [T],
        a: &[T],
        a_stride: usize,
        subproblem: &Subproblem<'_, T>,
        scratch: &mut [T],
        step: &mut Step,
    ) {
        let k = subproblem.diagonal.len();
        let d = &mut scratch[..x.len()];
        rows::products(self.isa, x, subproblem.gram, k, d);
        step.movement =
            rows::distance(self.isa, x, a, a_stride, d, subproblem.diagonal, subproblem.l1, step.movement);
        rows::multiply(self.isa, x, a, a_stride, d, k, subproblem.l1, self.floor, self.least);
    }
}
