//! Steps of the rows of a factor whose entries have bounds.
//!
//! Along one entry F is convex, quadratic under the Frobenius loss: its minimiser between the bounds is the bound nearest to the free
//! one. A majoriser that is separable has the same property for all entries at once.
//!
//! Coordinate sweeps hold the gradient g = xG − a + l1 of a row and move it along: 2k² flops to begin with, and 2k for each entry that
//! moves. Fixed entries take no more than their part of the beginning.

use orthant_kernel::Real;
use orthant_kernel::rows::Step;

use super::Subproblem;
use crate::known::Bounds;

/// Sweeps over the coordinates of rows X, within bounds as long as X; what the first one moves is added to `step`. `g` has room for k.
pub(crate) fn sweeps<T: Real>(
    x: &mut [T],
    a: &[T],
    a_stride: usize,
    subproblem: &Subproblem<'_, T>,
    bounds: Bounds<'_, T>,
    g: &mut [T],
    step: &mut Step,
) {
    let Subproblem { gram, diagonal, l1, order, sweeps } = *subproblem;
    let k = diagonal.len();
    let g = &mut g[..k];
    for (i, (x, a)) in x.chunks_exact_mut(k).zip(a.chunks(a_stride)).enumerate() {
        let bounds = bounds.part(i * k..(i + 1) * k);
        gradient(x, a, gram, l1, g);
        for sweep in 0..sweeps {
            for &t in order.iter().filter(|&&t| !bounds.is_fixed(t)) {
                let (from, slope, curvature) = (x[t], g[t], diagonal[t]);
                let to = bounds.nearest(t, target(from, slope, curvature, l1));
                let by = to - from;
                if sweep == 0 {
                    step.violation += bounds.slope(t, from, slope).to_f64().abs();
                    step.movement += curvature.to_f64() * by.to_f64() * by.to_f64();
                }
                if by != T::ZERO {
                    x[t] = to;
                    add_scaled(g, by, &gram[t * k..(t + 1) * k]);
                }
            }
        }
    }
}

/// `sum` + Σ G_tt·(step)² of what a step of each entry by itself, within its bounds, would move.
pub(crate) fn distance<T: Real>(
    x: &[T],
    a: &[T],
    a_stride: usize,
    subproblem: &Subproblem<'_, T>,
    bounds: Bounds<'_, T>,
    g: &mut [T],
    mut sum: f64,
) -> f64 {
    let Subproblem { gram, diagonal, l1, .. } = *subproblem;
    let k = diagonal.len();
    let g = &mut g[..k];
    for (i, (x, a)) in x.chunks_exact(k).zip(a.chunks(a_stride)).enumerate() {
        let bounds = bounds.part(i * k..(i + 1) * k);
        gradient(x, a, gram, l1, g);
        for t in 0..k {
            let by = (bounds.nearest(t, target(x[t], g[t], diagonal[t], l1)) - x[t]).to_f64();
            sum += diagonal[t].to_f64() * by * by;
        }
    }
    sum
}

/// `sum` + Σ x·|slope| over all rows, with the slopes D + l1 + l2·x − N that bounds do not hold back. Rows of N and D are as far apart
/// as their strides say; with a stride of 0 there is one for all.
pub(crate) fn slopes<T: Real>(
    x: &[T],
    (n, n_stride): (&[T], usize),
    (d, d_stride): (&[T], usize),
    k: usize,
    (l1, l2): (T, T),
    bounds: Bounds<'_, T>,
    mut sum: f64,
) -> f64 {
    for (i, x) in x.chunks_exact(k).enumerate() {
        for (t, &x) in x.iter().enumerate() {
            let slope = d[i * d_stride + t] + l1 + l2 * x - n[i * n_stride + t];
            sum += (x * bounds.slope(i * k + t, x, slope)).to_f64().abs();
        }
    }
    sum
}

/// xG − a + l1.
fn gradient<T: Real>(x: &[T], a: &[T], gram: &[T], l1: T, g: &mut [T]) {
    g.iter_mut().zip(a).for_each(|(g, &a)| *g = l1 - a);
    for (&x, row) in x.iter().zip(gram.chunks_exact(g.len())).filter(|(x, _)| **x != T::ZERO) {
        add_scaled(g, x, row);
    }
}

fn add_scaled<T: Real>(g: &mut [T], by: T, row: &[T]) {
    g.iter_mut().zip(row).for_each(|(g, &row)| *g += by * row);
}

/// Where an entry would go without bounds, as in [`coordinate`](super::coordinate): where it does not matter it stays, or goes to 0 under
/// an L1 penalty.
fn target<T: Real>(from: T, slope: T, curvature: T, l1: T) -> T {
    if curvature > T::NEGLIGIBLE {
        from - slope / curvature
    } else if l1 > T::ZERO {
        T::ZERO
    } else {
        from
    }
}
