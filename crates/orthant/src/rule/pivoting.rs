//! Non-negative least squares, exactly: each half-step finds the minimum over its factor (ANLS). Choose it where the
//! last digits of a fit matter, or components nearly depend on each other; a half-step costs more than a sweep.
//!
//! # Problem
//! For every row x of a factor, with v the row of V (or column) and Y the other factor (cols×k):
//! min ½‖v − xYᵀ‖² + l1·Σ_t x_t + ½·l2·‖x‖² over x ≥ 0.
//!
//! # Update
//! ```text
//! P = {t : x_t > 0}                                     G = YᵀY + l2·I,  b = vY − l1
//! repeat
//!     x_P = G_PP⁻¹ b_P;  y = Gx − b off P
//!     wrong = {t in P : x_t < 0} and {t off P : y_t < 0}
//!     none                        done
//!     fewer than ever, or         exchange all of them
//!     up to 3 times more
//!     else                        exchange the one of the largest index
//! ```
//! After 5k + 20 exchanges, which only rounding can cause, the row is solved as Lawson & Hanson do instead. Where G is
//! not positive definite as far as its rounding lets be seen, its diagonal is raised by λ times itself, λ the first of
//! 10kε, 100kε, … with which it is, and b by as much of the old x, twice: a solution near the old x, in effect. Where
//! G_tt = 0 (a dead component), x_t becomes 0 if l1 > 0 and stays otherwise.
//!
//! # Shapes
//! X rows×k in place, A rows×k, G k×k.
//!
//! # Cost
//! For each exchange 4k² flops at most, and p³/3 for a set of p components whose factor is not one of the last few (up
//! to 32, in 2 MiB a worker or in one factor if that is larger). Sets settle as a fit converges: then one exchange a
//! row. No pass over V.
//!
//! # Guarantees
//! Each half-step ends at the minimum over its factor, so that the objective does not rise; a limit point of the
//! iteration is stationary (Grippo & Sciandrone). With a raised diagonal it is the minimum to within ½λ‖v‖².
//!
//! # Stopping quantity
//! Movement: what a coordinate step from the old X would be.
//!
//! # Numerics
//! In double precision throughout, also for single-precision factors, from G and a in the factors' own precision. A
//! sign counts as wrong beyond 16kε of the row's size, in the units of V.
//!
//! # Determinism
//! A row's arithmetic is the same in any block: a set's factor depends on the set and G alone, whichever row asked for
//! it first.
//!
//! # Parity
//! None: scikit-learn has no such solver. Subproblem-steps are those of every exact method, `scipy.optimize.nnls` among them.
//!
//! # Options
//! None.
//!
//! # References
//! Kim & Park, Fast nonnegative matrix factorization: an active-set-like method and comparisons, SIAM Journal on
//! Scientific Computing 33(6), 2011, doi:10.1137/110821172. Portugal, Júdice & Vicente, A comparison of block pivoting
//! and interior-point algorithms for linear least squares problems with nonnegative variables, Mathematics of
//! Computation 63, 1994, doi:10.1090/S0025-5718-1994-1250776-4. Lawson & Hanson, Solving least squares problems, 1974,
//! chapter 23. Grippo & Sciandrone, On the convergence of the block nonlinear Gauss–Seidel method under convex
//! constraints, Operations Research Letters 26(3), 2000, doi:10.1016/S0167-6377(99)00074-7.

use std::sync::atomic::{AtomicUsize, Ordering};

use orthant_kernel::rows::Step;
use orthant_kernel::{Isa, Real};

use super::cholesky::Definite;
use super::nnls::Nnls;
use super::workspaces::Workspaces;
use super::{Rule, Subproblem, movement};
use crate::rule::{Descriptor, Setup};

/// Exact half-steps.
pub(crate) const ANLS: Descriptor = Descriptor::FROBENIUS;

pub(crate) fn rule<T: Real>(setup: &Setup<T>) -> Box<dyn Rule<T>> {
    Box::new(Pivoting::new(setup.k, setup.workers))
}

/// The rule.
#[derive(Debug)]
pub(crate) struct Pivoting {
    isa: Isa,
    gram: Definite,
    regularized: AtomicUsize,
    work: Workspaces<Nnls>,
}

impl Pivoting {
    /// For k components and at most `workers` workers at a time.
    pub fn new(k: usize, workers: usize) -> Self {
        Self {
            isa: Isa::detect(),
            gram: Definite::new(k),
            regularized: AtomicUsize::new(0),
            work: Workspaces::new(workers, || Nnls::new(k)),
        }
    }
}

impl<T: Real> Rule<T> for Pivoting {
    fn prepare(&mut self, subproblem: &Subproblem<'_, T>) {
        *self.regularized.get_mut() += usize::from(self.gram.set(subproblem.gram));
        self.work.each(Nnls::forget);
    }

    fn regularized(&self) -> usize {
        self.regularized.load(Ordering::Relaxed)
    }

    fn update(
        &self,
        x: &mut [T],
        a: &[T],
        a_stride: usize,
        subproblem: &Subproblem<'_, T>,
        scratch: &mut [T],
        step: &mut Step,
    ) {
        movement(self.isa, x, a, a_stride, subproblem, scratch, step);
        let gram = &self.gram;
        let l1 = subproblem.l1.to_f64();
        // the second from where the first came to, which is near, wherever the row came from
        let solves = if gram.raised.iter().any(|&r| r > 0.0) { 2 } else { 1 };
        self.work.with(|nnls| {
            for (x, a) in x.chunks_exact_mut(gram.k).zip(a.chunks_exact(a_stride)) {
                // nothing pulls on any component: 0, as G has no negative entry
                if gram.live.iter().all(|&t| a[t] <= subproblem.l1) {
                    gram.live.iter().for_each(|&t| x[t] = T::ZERO);
                }
                for t in 0..gram.k {
                    let lost = l1 > 0.0 && gram.root[t] == 0.0;
                    nnls.x[t] = if lost { 0.0 } else { x[t].to_f64() };
                }
                for _ in 0..solves {
                    for t in 0..gram.k {
                        nnls.b[t] = a[t].to_f64() - l1 + gram.raised[t] * nnls.x[t];
                    }
                    if !nnls.minimise(gram) {
                        self.regularized.fetch_add(1, Ordering::Relaxed);
                    }
                }
                for (to, from) in x.iter_mut().zip(&nnls.x) {
                    *to = T::from_f64(*from);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::tests::{data, objective, products, subproblem};

    #[test]
    fn a_half_step_leaves_no_coordinate_step_and_never_raises_a_row() {
        for (k, cols, l1, l2) in
            [(1, 7, 0.0, 0.0), (4, 30, 0.0, 0.0), (17, 60, 0.3, 0.0), (9, 40, 0.2, 0.1), (12, 5, 0.0, 0.0)]
        {
            let rows = 23;
            let p = data(rows, cols, k, 7);
            let (gram, diagonal, a) = products(&p.y, &p.v, k, l2);
            let mut rule = Pivoting::new(k, 2);
            let subproblem = subproblem(&gram, &diagonal, l1);
            rule.prepare(&subproblem);
            let mut scratch = vec![0.0; Rule::<f64>::scratch_len(&rule, rows, k)];
            let mut x = p.x.clone();
            let (mut first, mut second) = (Step::default(), Step::default());
            rule.update(&mut x, &a, k, &subproblem, &mut scratch, &mut first);
            for r in 0..rows {
                let f = |x: &[f64]| {
                    objective(&p.y, &p.v[r * cols..(r + 1) * cols], &x[r * k..(r + 1) * k], l1, l2)
                };
                assert!(f(&x) <= f(&p.x), "row {r}");
            }
            rule.update(&mut x, &a, k, &subproblem, &mut scratch, &mut second);
            let size: f64 = p.v.iter().map(|v| v * v).sum();
            assert!(first.movement > 1e-6 * size && second.movement < 1e-24 * size, "{second:?} of {size}");
            let raised = usize::from(k > cols);
            assert_eq!(Rule::<f64>::regularized(&rule), raised);
        }
    }
}
