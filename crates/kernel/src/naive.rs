//! The oracle: every kernel as plain loops in double precision, for tests to compare with.

use crate::rows::Step;
use crate::{Real, View};

/// A sum with its rounding errors carried along (Neumaier's compensated summation).
pub fn sum(terms: impl IntoIterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0);
    for x in terms {
        let next = sum + x;
        lost += if sum.abs() >= x.abs() { (sum - next) + x } else { (x - next) + sum };
        sum = next;
    }
    sum + lost
}

/// V·Y with Y cols×k, as rows×k.
pub fn numerators<T: Real>(v: View<'_, T>, y: &[T], k: usize) -> Vec<f64> {
    let mut out = vec![0.0; v.nrows() * k];
    for i in 0..v.nrows() {
        for t in 0..k {
            for j in 0..v.ncols() {
                out[i * k + t] += v.at(i, j).to_f64() * y[j * k + t].to_f64();
            }
        }
    }
    out
}

/// Vᵀ·Z with Z rows×k, as cols×k.
pub fn accumulate<T: Real>(v: View<'_, T>, z: &[T], k: usize) -> Vec<f64> {
    numerators(v.transposed(), z, k)
}

/// `count` rounds of coordinate descent on every row of X; see [`rows::sweeps`](crate::rows::sweeps).
pub fn sweeps(x: &mut [f64], a: &[f64], gram: &[f64], l1: f64, order: &[usize], count: usize) -> Step {
    let k = order.len();
    let mut step = Step::default();
    for (x, a) in x.chunks_exact_mut(k).zip(a.chunks_exact(k)) {
        for round in 0..count {
            for &t in order {
                let h = gram[t * k + t];
                let g = (0..k).map(|r| gram[t * k + r] * x[r]).sum::<f64>() - a[t] + l1;
                let new = match h {
                    0.0 if l1 > 0.0 => 0.0,
                    0.0 => x[t],
                    h => (x[t] - g / h).max(0.0),
                };
                if round == 0 {
                    step.violation += if x[t] == 0.0 { g.min(0.0).abs() } else { g.abs() };
                    step.movement += h * (new - x[t]).powi(2);
                }
                x[t] = new;
            }
        }
    }
    step
}

/// The multiplicative update of every row of X; see [`rows::multiply`](crate::rows::multiply).
pub fn multiply(x: &mut [f64], a: &[f64], gram: &[f64], l1: f64, floor: f64, k: usize) {
    for (x, a) in x.chunks_exact_mut(k).zip(a.chunks_exact(k)) {
        let old = x.to_vec();
        for t in 0..k {
            let below = (0..k).map(|r| gram[t * k + r] * old[r]).sum::<f64>() + l1;
            x[t] = old[t] * a[t] / if below == 0.0 { floor } else { below };
        }
    }
}

/// ‖V − X·Yᵀ‖²; see [`scan::squared_residual`](crate::scan::squared_residual).
pub fn squared_residual<T: Real>(v: View<'_, T>, x: &[T], y: &[T], k: usize) -> f64 {
    let entries = (0..v.nrows()).flat_map(|i| (0..v.ncols()).map(move |j| (i, j)));
    sum(entries.map(|(i, j)| {
        let product: f64 = (0..k).map(|t| x[i * k + t].to_f64() * y[j * k + t].to_f64()).sum();
        (v.at(i, j).to_f64() - product).powi(2)
    }))
}
