//! Coordinate descent (HALS): each coordinate of a row set to its minimiser, one after the other. Choose it always,
//! unless numbers of multiplicative updates are to be matched.
//!
//! # Problem
//! For every row x of a factor, with v the row of V (or column) and Y the other factor (cols×k):
//! min ½‖v − xYᵀ‖² + l1·Σ_t x_t + ½·l2·‖x‖² over x ≥ 0.
//!
//! # Update
//! ```text
//! for each sweep
//!     for t in 0..k                                 in this order, or in one drawn for each half-step
//!         g   = Σ_r G_tr x_r − a_t + l1            G = YᵀY + l2·I,  a = vY
//!         x_t = max(x_t − g / G_tt, 0)
//! ```
//! Where G_tt = 0 (a dead component without L2), or too small to divide by, x_t does not matter: it becomes 0 if
//! l1 > 0 and stays otherwise, so that its partner can be fitted to it.
//!
//! # Shapes
//! X rows×k in place, A rows×k, G k×k; nothing else is read.
//!
//! # Cost
//! 2k² flops per row and sweep; no pass over V.
//!
//! # Guarantees
//! Every coordinate's update does not raise the objective. A zero can become positive again. A component whose
//! partner is dead stays (l1 = 0) or dies with it (l1 > 0).
//!
//! # Stopping quantities
//! Over the first sweep: Σ|projected gradient| before each update, the projection being min(0, g) where x_t = 0
//! (scikit-learn's violation); and Σ G_tt·Δ², the movement in the units of V.
//!
//! # Numerics
//! The division is by a reciprocal. G_tt counts as 0 below the smallest normal number over ε, where it has no bits left
//! to divide by (components of norm 1e-16 in f32, 1e-146 in f64). Sums run over ascending r in two chains.
//!
//! # Determinism
//! A row's arithmetic is the same in any lane, tile or block.
//!
//! # Parity
//! One sweep over W, then one over H, is `_update_cdnmf_fast` of scikit-learn 1.9 without shuffling, to rounding
//! (1e-10 relative a step in f64). Known difference: scikit-learn leaves a coordinate with G_tt = 0 at its old value
//! also under an L1 penalty.
//!
//! # Options
//! `sweeps`: 1 for CD. HALS sweeps over a factor as often as costs half as much again as the products with V, 1 to 4 times;
//! extrapolated up to 5 times.
//!
//! # References
//! Cichocki, Zdunek & Amari, Hierarchical ALS algorithms for nonnegative matrix and 3D tensor factorization, ICA 2007,
//! doi:10.1007/978-3-540-74494-8_22. Cichocki & Phan, Fast local algorithms for large scale nonnegative matrix and
//! tensor factorizations, IEICE Trans. Fundamentals E92-A(3), 2009, doi:10.1587/transfun.E92.A.708. Number of
//! sweeps: Gillis & Glineur, Accelerated multiplicative updates and hierarchical ALS algorithms for nonnegative
//! matrix factorization, Neural Computation 24(4), 2012, doi:10.1162/NECO_a_00256, section 3.

use orthant_kernel::rows::{self, Step};
use orthant_kernel::{Isa, Real};

use super::{Rule, Subproblem, bounded};
use crate::known::Bounds;
use crate::rule::{Descriptor, Losses, Setup, Sweeps};
use crate::{Loss, Stop};

/// Several sweeps for each read of V.
pub(crate) const HALS: Descriptor = Descriptor {
    extrapolates: Losses::Only(Loss::Frobenius),
    in_turn: true,
    bounded: true,
    sweeps: Sweeps::AsPays(4, 5),
    violation: true,
    ..Descriptor::FROBENIUS
};

/// scikit-learn's.
pub(crate) const CD: Descriptor = Descriptor {
    in_turn: true,
    bounded: true,
    stop: Stop::Violation { tol: 1e-4 },
    violation: true,
    shuffles: true,
    compatible: true,
    ..Descriptor::FROBENIUS
};

pub(crate) fn rule<T: Real>(setup: &Setup<T>) -> Box<dyn Rule<T>> {
    Box::new(Coordinate { isa: setup.isa })
}

/// The rule; sweeps come with the half-step.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Coordinate {
    /// The instruction set.
    pub isa: Isa,
}

impl<T: Real> Rule<T> for Coordinate {
    fn update(
        &self,
        x: &mut [T],
        a: &[T],
        a_stride: usize,
        subproblem: &Subproblem<'_, T>,
        scratch: &mut [T],
        step: &mut Step,
    ) {
        rows::sweeps(
            self.isa,
            x,
            a,
            a_stride,
            subproblem.gram,
            subproblem.l1,
            subproblem.order,
            subproblem.sweeps,
            scratch,
            step,
        );
    }

    fn update_within(
        &self,
        x: &mut [T],
        a: &[T],
        a_stride: usize,
        subproblem: &Subproblem<'_, T>,
        bounds: Bounds<'_, T>,
        scratch: &mut [T],
        step: &mut Step,
    ) {
        bounded::sweeps(x, a, a_stride, subproblem, bounds, scratch, step);
    }
}

/// Sweeps over a factor of `rows` rows against one of `cols`, where the products cost rows·cols·k: as many more as
/// cost half the products, 1 + ½·(cols·rows + rows·k)/(rows·k + rows) for each row, but at most `most`.
pub(crate) fn sweeps(cols: usize, k: usize, most: usize) -> usize {
    let ratio = (cols as f64 + k as f64) / (k as f64 + 1.0);
    ((1.0 + 0.5 * ratio) as usize).clamp(1, most)
}

#[cfg(test)]
mod tests {
    use super::sweeps;

    #[test]
    fn more_sweeps_go_with_more_columns() {
        // 2000×2000 at rank 32 could afford 31
        assert_eq!(sweeps(2000, 32, 4), 4);
        assert_eq!(sweeps(64, 32, 4), 2);
    }
}
