//! One factor and what is kept about it.

use orthant_kernel::Real;
use orthant_kernel::rows::Step;

use crate::penalty::Weights;

/// One factor, rows of k.
#[derive(Debug)]
pub(crate) struct Factor<T> {
    pub x: Vec<T>,
    pub weights: Weights,
    pub sweeps: usize,
    /// XᵀX, k×k, where the loss is quadratic.
    pub gram: Vec<T>,
    /// Σ|x|, kept where an L1 penalty asks for it.
    pub sum: f64,
    /// Σx², kept where an L2 penalty asks for it.
    pub squares: f64,
    /// Of the last update.
    pub step: Step,
}

impl<T: Real> Factor<T> {
    pub fn new(x: Vec<T>, k: usize, weights: Weights, sweeps: usize) -> Self {
        let gram = vec![T::ZERO; k * k];
        Self { x, weights, sweeps, gram, sum: 0.0, squares: 0.0, step: Step::default() }
    }

    /// The penalty's value from the entries themselves, in double precision.
    pub fn exact_penalty(&self) -> f64 {
        let (mut sum, mut squares) = (0.0, 0.0);
        for x in &self.x {
            sum += x.to_f64();
            squares += x.to_f64() * x.to_f64();
        }
        self.weights.value(sum, squares)
    }

    /// The penalty's value, from the sums that the last update kept.
    pub fn penalty(&self) -> f64 {
        self.weights.value(self.sum, self.squares)
    }
}
