//! Projected gradients with a line search: each row a few steps down its gradient, cut off at 0. Choose it to compare
//! with; coordinate descent is as cheap a step and goes further.
//!
//! # Problem
//! For every row x of a factor, with v the row of V (or column) and Y the other factor (cols×k):
//! min f(x) = ½‖v − xYᵀ‖² + l1·Σ_t x_t + ½·l2·‖x‖² over x ≥ 0.
//!
//! # Update
//! ```text
//! g = Gx − a + l1;  α = 1                               G = YᵀY + l2·I,  a = vY
//! up to 10 times, until the projected gradient is at most 1e-3 of its first norm
//!     d(α) = max(x − α·g/diag G, 0) − x
//!     enough(α):  (1−σ)·g·d + ½·dGd ≤ 0                 σ = 0.01: f falls by σ·|g·d| at least, exactly so
//!     if enough(α)  take α/β while that is enough and moves on       β = 0.1
//!     else          take α·β until it is enough
//!     x += d;  g += Gd
//! ```
//! Lin searches one step for a whole factor; here each row is a problem of its own and has its own, as there is no
//! search over all rows inside one pass. And the gradient is taken in the components' own units (divided by G's
//! diagonal), so that rescaled components take the same steps; α is then without units, and 1 a fair start. Where
//! G_tt = 0 (a dead component), x_t becomes 0 if l1 > 0 and stays otherwise.
//!
//! # Shapes
//! X rows×k in place, A rows×k, G k×k.
//!
//! # Cost
//! 2k² flops per row for every step tried, two or more for each of the 10; no pass over V.
//!
//! # Guarantees
//! Does not raise the objective: every step taken satisfies its condition, and where none does x stays. A zero can
//! become positive again.
//!
//! # Stopping quantity
//! Movement: what a coordinate step from the old X would be.
//!
//! # Numerics
//! In double precision throughout, also for single-precision factors, from G and a in the factors' own precision. At
//! most 20 steps are tried in a search.
//!
//! # Determinism
//! A row's arithmetic, its number of steps included, is the same in any block.
//!
//! # Parity
//! None: scikit-learn dropped its `solver="pg"` in 0.19. With one row, and G's diagonal all 1, it is Lin's
//! `nlssubprob`.
//!
//! # Options
//! None: the constants are Lin's.
//!
//! # References
//! Lin, Projected gradient methods for nonnegative matrix factorization, Neural Computation 19(10), 2007,
//! doi:10.1162/neco.2007.19.10.2756, algorithm 4 and equation 17.

use orthant_kernel::{Isa, Real};
use orthant_kernel::{allocate, rows::Step};

use super::cholesky::dot;
use super::workspaces::Workspaces;
use super::{Rule, Subproblem, movement};
use crate::rule::{Descriptor, Setup};

/// Steps that a row takes in a half-step, at most.
const STEPS: usize = 10;
/// Steps that a search tries, at most.
const TRIALS: usize = 20;
/// Share of the linear prediction that a step must attain.
const SIGMA: f64 = 0.01;
/// From one step tried to the next smaller one.
const BETA: f64 = 0.1;
/// Share of the projected gradient's first norm at which a row is done.
const ENOUGH: f64 = 1e-3;

/// A line search that descends.
pub(crate) const PG: Descriptor = Descriptor::FROBENIUS;

pub(crate) fn rule<T: Real>(setup: &Setup<T>) -> Box<dyn Rule<T>> {
    Box::new(ProjectedGradient::new(setup.k, setup.workers))
}

/// The rule.
#[derive(Debug)]
pub(crate) struct ProjectedGradient {
    isa: Isa,
    gram: Vec<f64>,
    /// G's diagonal; infinite where a component is dead, which then does not move.
    diagonal: Vec<f64>,
    work: Workspaces<Row>,
}

/// A row under way.
#[derive(Debug)]
struct Row {
    x: Vec<f64>,
    g: Vec<f64>,
    /// The step tried, and G times it.
    trial: Trial,
    /// The best step so far.
    best: Trial,
}

#[derive(Debug)]
struct Trial {
    d: Vec<f64>,
    gd: Vec<f64>,
}

impl Trial {
    fn new(k: usize) -> Self {
        Self { d: vec![0.0; k], gd: vec![0.0; k] }
    }
}

impl Row {
    fn new(k: usize) -> Self {
        Self { x: vec![0.0; k], g: vec![0.0; k], trial: Trial::new(k), best: Trial::new(k) }
    }

    /// Tries a step of α: whether it lowers f enough.
    fn enough(&mut self, alpha: f64, gram: &[f64], diagonal: &[f64]) -> bool {
        let k = self.x.len();
        let Trial { d, gd } = &mut self.trial;
        for t in 0..k {
            let to = self.x[t] - alpha * self.g[t] / diagonal[t];
            d[t] = if to > 0.0 { to } else { 0.0 } - self.x[t];
        }
        for t in 0..k {
            gd[t] = dot(&gram[t * k..(t + 1) * k], d);
        }
        (1.0 - SIGMA) * dot(&self.g, d) + 0.5 * dot(d, gd) <= 0.0
    }

    fn keep(&mut self) {
        std::mem::swap(&mut self.trial, &mut self.best);
    }

    /// Finds the step from α on, into `best`; the α found, or nothing where none is enough.
    fn search(&mut self, mut alpha: f64, gram: &[f64], diagonal: &[f64]) -> Option<f64> {
        if self.enough(alpha, gram, diagonal) {
            self.keep();
            for _ in 1..TRIALS {
                if !self.enough(alpha / BETA, gram, diagonal) || self.trial.d == self.best.d {
                    break;
                }
                self.keep();
                alpha /= BETA;
            }
            return Some(alpha);
        }
        for _ in 1..TRIALS {
            alpha *= BETA;
            if self.enough(alpha, gram, diagonal) {
                self.keep();
                return Some(alpha);
            }
        }
        None
    }

    /// Σ g²/G_tt over the coordinates that the gradient can move.
    fn projected(&self, diagonal: &[f64]) -> f64 {
        let moves = |t: &usize| self.x[*t] > 0.0 || self.g[*t] < 0.0;
        (0..self.x.len()).filter(moves).map(|t| self.g[t] * self.g[t] / diagonal[t]).sum()
    }

    fn descend(&mut self, gram: &[f64], diagonal: &[f64]) {
        let enough = ENOUGH * ENOUGH * self.projected(diagonal);
        let mut alpha = 1.0;
        for _ in 0..STEPS {
            if self.projected(diagonal) <= enough {
                return;
            }
            let Some(found) = self.search(alpha, gram, diagonal) else { return };
            alpha = found;
            for t in 0..self.x.len() {
                self.x[t] += self.best.d[t];
                self.g[t] += self.best.gd[t];
            }
        }
    }
}

impl ProjectedGradient {
    /// For k components and at most `workers` workers at a time.
    pub fn new(k: usize, workers: usize) -> Self {
        Self {
            isa: Isa::detect(),
            gram: allocate::filled(k * k, 0.0),
            diagonal: vec![0.0; k],
            work: Workspaces::new(workers, || Row::new(k)),
        }
    }
}

impl<T: Real> Rule<T> for ProjectedGradient {
    fn prepare(&mut self, subproblem: &Subproblem<'_, T>) {
        for (to, from) in self.gram.iter_mut().zip(subproblem.gram) {
            *to = from.to_f64();
        }
        for (to, &from) in self.diagonal.iter_mut().zip(subproblem.diagonal) {
            *to = if from <= T::NEGLIGIBLE { f64::INFINITY } else { from.to_f64() };
        }
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
        let Self { gram, diagonal, .. } = self;
        let k = diagonal.len();
        let l1 = subproblem.l1.to_f64();
        self.work.with(|row| {
            for (x, a) in x.chunks_exact_mut(k).zip(a.chunks_exact(a_stride)) {
                for t in 0..k {
                    let lost = l1 > 0.0 && diagonal[t].is_infinite();
                    row.x[t] = if lost { 0.0 } else { x[t].to_f64() };
                }
                for t in 0..k {
                    row.g[t] = dot(&gram[t * k..(t + 1) * k], &row.x) - a[t].to_f64() + l1;
                }
                row.descend(gram, diagonal);
                for (to, from) in x.iter_mut().zip(&row.x) {
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
    fn a_half_step_lowers_every_row_and_many_of_them_reach_the_minimum() {
        for (k, cols, l1, l2) in [(1, 7, 0.0, 0.0), (4, 30, 0.0, 0.0), (6, 40, 0.3, 0.1), (9, 5, 0.0, 0.0)] {
            let rows = 11;
            let p = data(rows, cols, k, 7);
            let (gram, diagonal, a) = products(&p.y, &p.v, k, l2);
            let mut rule = ProjectedGradient::new(k, 1);
            let subproblem = subproblem(&gram, &diagonal, l1);
            rule.prepare(&subproblem);
            let mut scratch = vec![0.0; Rule::<f64>::scratch_len(&rule, rows, k)];
            let mut x = p.x.clone();
            let f = |x: &[f64], r: usize| {
                objective(&p.y, &p.v[r * cols..(r + 1) * cols], &x[r * k..(r + 1) * k], l1, l2)
            };
            let mut last: Vec<f64> = (0..rows).map(|r| f(&x, r)).collect();
            let first = last.clone();
            let mut moved = f64::INFINITY;
            for _ in 0..400 {
                let mut step = Step::default();
                rule.update(&mut x, &a, k, &subproblem, &mut scratch, &mut step);
                moved = step.movement;
                for r in 0..rows {
                    let now = f(&x, r);
                    assert!(now <= last[r] + 1e-13 * first[r], "row {r}: {now} after {}", last[r]);
                    last[r] = now;
                }
            }
            // of dependent components it takes more to reach it
            let near = if k > cols { 1e-4 } else { 1e-16 };
            assert!(moved <= near * p.v.iter().map(|v| v * v).sum::<f64>(), "{k}: {moved:e} left");
        }
    }
}
