//! Projected alternating least squares: the unconstrained minimiser, negative entries put to 0. Choose it for a quick
//! look, where a loss that goes up now and then does no harm.
//!
//! # Problem
//! For every row x of a factor, with v the row of V (or column) and Y the other factor (cols×k):
//! min ½‖v − xYᵀ‖² + l1·Σ_t x_t + ½·l2·‖x‖² over *all* x, then the projection on x ≥ 0.
//!
//! # Update
//! ```text
//! LLᵀ = G                               once per half-step; G = YᵀY + l2·I,  a = vY
//! x   = max(G⁻¹(a − l1), 0)             by L, row by row
//! ```
//! Where G is not positive definite as far as its rounding lets be seen, G + Λ takes its place, and a + Λx the place of
//! a, with Λ_tt = λ·G_tt and λ the first of 10kε, 100kε, … with which it is: the solution nearest to the old x, in
//! effect. Where G_tt = 0 (a dead component), x_t becomes 0 if l1 > 0 and stays otherwise.
//!
//! # Shapes
//! X rows×k in place, A rows×k, G k×k.
//!
//! # Cost
//! k³/3 flops per half-step and 2k² per row, and as much for the stopping quantity; no pass over V.
//!
//! # Guarantees
//! Each solution is the least-squares one before its projection; the projection can raise the objective, and iterations
//! can cycle. Where no entry is negative, the half-step is exact.
//!
//! # Stopping quantity
//! Movement: what a coordinate step from the old X would be.
//!
//! # Numerics
//! In double precision throughout, also for single-precision factors, from G and a in the factors' own precision.
//!
//! # Determinism
//! A row's arithmetic is the same in any block.
//!
//! # Parity
//! None: scikit-learn has no such solver. MATLAB's `nnmf(…, "algorithm", "als")` updates H before W.
//!
//! # Options
//! None.
//!
//! # References
//! Paatero & Tapper, Positive matrix factorization, Environmetrics 5(2), 1994, doi:10.1002/env.3170050203. Berry,
//! Browne, Langville, Pauca & Plemmons, Algorithms and applications for approximate nonnegative matrix factorization,
//! Computational Statistics & Data Analysis 52(1), 2007, doi:10.1016/j.csda.2006.11.006, section 3.3.

use orthant_kernel::rows::Step;
use orthant_kernel::{Isa, Real};

use super::cholesky::{Definite, solve};
use super::workspaces::Workspaces;
use super::{Rule, Subproblem, movement};
use crate::rule::{Descriptor, Setup};

/// Its projection can raise the objective.
pub(crate) const ALS: Descriptor = Descriptor { descends: false, ..Descriptor::FROBENIUS };

pub(crate) fn rule<T: Real>(setup: &Setup<T>) -> Box<dyn Rule<T>> {
    Box::new(LeastSquares::new(setup.k, setup.workers))
}

/// The rule.
#[derive(Debug)]
pub(crate) struct LeastSquares {
    isa: Isa,
    gram: Definite,
    regularized: usize,
    work: Workspaces<Vec<f64>>,
}

impl LeastSquares {
    /// For k components and at most `workers` workers at a time.
    pub fn new(k: usize, workers: usize) -> Self {
        Self {
            isa: Isa::detect(),
            gram: Definite::new(k),
            regularized: 0,
            work: Workspaces::new(workers, || vec![0.0; k]),
        }
    }
}

impl<T: Real> Rule<T> for LeastSquares {
    fn prepare(&mut self, subproblem: &Subproblem<'_, T>) {
        self.regularized += usize::from(self.gram.set(subproblem.gram));
    }

    fn regularized(&self) -> usize {
        self.regularized
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
        let Definite { k, root, raised, live, factor, .. } = &self.gram;
        let l1 = subproblem.l1.to_f64();
        self.work.with(|b| {
            for (x, a) in x.chunks_exact_mut(*k).zip(a.chunks_exact(a_stride)) {
                let b = &mut b[..live.len()];
                for (b, &t) in b.iter_mut().zip(live) {
                    *b = a[t].to_f64() - l1 + raised[t] * x[t].to_f64();
                }
                solve(factor, b);
                for (b, &t) in b.iter().zip(live) {
                    x[t] = T::from_f64(if *b > 0.0 { *b } else { 0.0 });
                }
                if l1 > 0.0 && live.len() < *k {
                    (0..*k).filter(|&t| root[t] == 0.0).for_each(|t| x[t] = T::ZERO);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::tests::{data, products, subproblem};

    #[test]
    fn a_row_without_negative_entries_solves_the_normal_equations() {
        let (k, rows) = (5, 9);
        let p = data(rows, 40, k, 3);
        let (gram, diagonal, _) = products(&p.y, &p.v, k, 0.5);
        let truth: Vec<f64> = (0..rows * k).map(|i| 0.5 + (i % 7) as f64).collect();
        // numerators of an exact fit, so that the solution is known: a = xG + l1
        let l1 = 0.25;
        let a: Vec<f64> = (0..rows * k)
            .map(|i| (0..k).map(|s| truth[i / k * k + s] * gram[s * k + i % k]).sum::<f64>() + l1)
            .collect();
        let mut rule = LeastSquares::new(k, 1);
        let subproblem = subproblem(&gram, &diagonal, l1);
        rule.prepare(&subproblem);
        let (mut x, mut step) = (p.x.clone(), Step::default());
        let mut scratch = vec![0.0; Rule::<f64>::scratch_len(&rule, rows, k)];
        rule.update(&mut x, &a, k, &subproblem, &mut scratch, &mut step);
        for (x, t) in x.iter().zip(&truth) {
            assert!((x - t).abs() < 1e-9, "{x} and {t}");
        }
        assert!(step.movement > 0.0);
        assert_eq!(Rule::<f64>::regularized(&rule), 0);
    }

    #[test]
    fn a_singular_gram_is_counted_and_negative_entries_become_zero() {
        let (k, rows) = (6, 4);
        let p = data(rows, 3, k, 5); // three columns cannot tell six components apart
        let (gram, diagonal, a) = products(&p.y, &p.v, k, 0.0);
        let mut rule = LeastSquares::new(k, 1);
        let subproblem = subproblem(&gram, &diagonal, 0.0);
        rule.prepare(&subproblem);
        assert_eq!(Rule::<f64>::regularized(&rule), 1);
        let (mut x, mut step) = (p.x.clone(), Step::default());
        let mut scratch = vec![0.0; Rule::<f64>::scratch_len(&rule, rows, k)];
        rule.update(&mut x, &a, k, &subproblem, &mut scratch, &mut step);
        assert!(x.iter().all(|x| x.is_finite() && *x >= 0.0));
        let flipped: Vec<f64> = a.iter().map(|a| -a).collect();
        let mut x = vec![0.0; rows * k];
        rule.update(&mut x, &flipped, k, &subproblem, &mut scratch, &mut step);
        assert!(x.contains(&0.0));
    }
}
