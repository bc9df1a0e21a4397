//! Every figure of a factorisation by triple loops in double precision with compensated sums.
//!
//! Slow and plain on purpose: nothing here shares code with the solvers. Names follow the formula
//!
//! ```text
//! F(W, H) = ½‖V − WH‖² + l1_W Σ|W| + ½ l2_W ‖W‖² + l1_H Σ|H| + ½ l2_H ‖H‖²
//! ```
//!
//! with V m×n, W m×k and H k×n.

use orthant::{Dense, Method, Penalty, Update};

/// A sum that carries its rounding error along (Neumaier), products included: about twice double precision.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    high: f64,
    low: f64,
}

impl Sum {
    /// Adds `x`.
    pub fn add(&mut self, x: f64) {
        let sum = self.high + x;
        self.low += if self.high.abs() >= x.abs() { (self.high - sum) + x } else { (x - sum) + self.high };
        self.high = sum;
    }

    /// Adds `a`·`b`, with the product's rounding error.
    pub fn add_product(&mut self, a: f64, b: f64) {
        let product = a * b;
        self.low += a.mul_add(b, -product);
        self.add(product);
    }

    /// The sum, rounded once.
    pub fn value(self) -> f64 {
        self.high + self.low
    }
}

/// Σ x·y.
pub fn dot<'a>(x: impl IntoIterator<Item = &'a f64>, y: impl IntoIterator<Item = &'a f64>) -> f64 {
    let mut sum = Sum::default();
    for (a, b) in x.into_iter().zip(y) {
        sum.add_product(*a, *b);
    }
    sum.value()
}

/// ‖A‖².
pub fn norm_squared(a: &Dense<f64>) -> f64 {
    dot(a.as_slice(), a.as_slice())
}

/// A·Bᵀ for A p×r and B q×r.
pub fn times_transposed(a: &Dense<f64>, b: &Dense<f64>) -> Dense<f64> {
    assert_eq!(a.ncols(), b.ncols(), "inner extents");
    Dense::from_fn(a.nrows(), b.nrows(), |i, j| dot(a.row(i), b.row(j)))
}

/// A·B.
pub fn product(a: &Dense<f64>, b: &Dense<f64>) -> Dense<f64> {
    times_transposed(a, &b.transposed())
}

/// The absolute weights of the penalties.
#[derive(Clone, Copy, Debug)]
pub struct Weights {
    /// On Σ|W|.
    pub l1_w: f64,
    /// On ½‖W‖².
    pub l2_w: f64,
    /// On Σ|H|.
    pub l1_h: f64,
    /// On ½‖H‖².
    pub l2_h: f64,
}

/// The weights that a penalty has on m×n data, in scikit-learn's parametrisation.
pub fn weights(penalty: Penalty, m: usize, n: usize) -> Weights {
    let (alpha_w, alpha_h) = (penalty.alpha_w, penalty.alpha_h.unwrap_or(penalty.alpha_w));
    let (m, n, ratio) = (m as f64, n as f64, penalty.l1_ratio);
    Weights {
        l1_w: n * alpha_w * ratio,
        l2_w: n * alpha_w * (1.0 - ratio),
        l1_h: m * alpha_h * ratio,
        l2_h: m * alpha_h * (1.0 - ratio),
    }
}

/// V − WH.
pub fn residual(v: &Dense<f64>, w: &Dense<f64>, h: &Dense<f64>) -> Dense<f64> {
    let ht = h.transposed();
    Dense::from_fn(v.nrows(), v.ncols(), |i, j| {
        let mut sum = Sum::default();
        sum.add(v[(i, j)]);
        for (a, b) in w.row(i).iter().zip(ht.row(j)) {
            sum.add_product(-a, *b);
        }
        sum.value()
    })
}

/// ½‖V − WH‖².
pub fn loss(v: &Dense<f64>, w: &Dense<f64>, h: &Dense<f64>) -> f64 {
    0.5 * norm_squared(&residual(v, w, h))
}

/// The β-divergence of x from y, of which `d` is the difference x − y: the textbook's formulas, in terms of d/y so
/// that no digits cancel where x and y are near.
fn divergence_of(x: f64, y: f64, d: f64, beta: f64) -> f64 {
    if beta == 2.0 {
        return 0.5 * d * d;
    }
    if x == 0.0 && y == 0.0 {
        return 0.0;
    }
    if x == 0.0 {
        return if beta > 0.0 { y.powf(beta) / beta } else { f64::INFINITY };
    }
    if y == 0.0 {
        return if beta > 1.0 { x.powf(beta) / (beta * (beta - 1.0)) } else { f64::INFINITY };
    }
    let t = d / y;
    let log = if t.abs() < 0.5 { t.ln_1p() } else { (x / y).ln() };
    if beta == 1.0 {
        x * log - d
    } else if beta == 0.0 {
        t - log
    } else if log.abs() < 1.0 {
        y.powf(beta) * ((beta * log).exp_m1() - beta * t) / (beta * (beta - 1.0))
    } else {
        // far apart nothing cancels, and a power of its own is safer than a quotient's
        let sum = x.powf(beta) + (beta - 1.0) * y.powf(beta) - beta * x * y.powf(beta - 1.0);
        sum / (beta * (beta - 1.0))
    }
}

/// The β-divergence of V from WH: ½‖V − WH‖² for 2, Kullback and Leibler's for 1, Itakura and Saito's for 0, with
/// 0·log 0 = 0. Infinite where WH is 0, V is not and β ≤ 1, or where V alone is 0 and β ≤ 0.
pub fn divergence(v: &Dense<f64>, w: &Dense<f64>, h: &Dense<f64>, beta: f64) -> f64 {
    let (wh, r) = (product(w, h), residual(v, w, h));
    let mut sum = Sum::default();
    for (at, &x) in v.as_slice().iter().enumerate() {
        let term = divergence_of(x, wh.as_slice()[at], r.as_slice()[at], beta);
        if term == f64::INFINITY {
            return term;
        }
        sum.add(term);
    }
    sum.value()
}

/// Σ xᵝ over the entries that are not 0: the size of the terms of which a β-divergence is the difference.
pub fn power_sum(v: &Dense<f64>, beta: f64) -> f64 {
    let mut sum = Sum::default();
    v.as_slice().iter().filter(|x| **x != 0.0).for_each(|x| sum.add(x.powf(beta)));
    sum.value()
}

/// F(W, H), penalties included.
pub fn objective(v: &Dense<f64>, w: &Dense<f64>, h: &Dense<f64>, penalty: Penalty) -> f64 {
    let weights = weights(penalty, v.nrows(), v.ncols());
    let total = |a: &Dense<f64>| {
        let mut sum = Sum::default();
        a.as_slice().iter().for_each(|x| sum.add(x.abs()));
        sum.value()
    };
    let mut sum = Sum::default();
    sum.add(loss(v, w, h));
    sum.add_product(weights.l1_w, total(w));
    sum.add_product(0.5 * weights.l2_w, norm_squared(w));
    sum.add_product(weights.l1_h, total(h));
    sum.add_product(0.5 * weights.l2_h, norm_squared(h));
    sum.value()
}

/// ∂F/∂W (m×k) and ∂F/∂H (k×n), from the residual.
pub fn gradients(
    v: &Dense<f64>,
    w: &Dense<f64>,
    h: &Dense<f64>,
    penalty: Penalty,
) -> (Dense<f64>, Dense<f64>) {
    let weights = weights(penalty, v.nrows(), v.ncols());
    let r = residual(v, w, h);
    let (mut gw, mut gh) = (times_transposed(&r, h), product(&w.transposed(), &r));
    for (g, x) in gw.as_mut_slice().iter_mut().zip(w.as_slice()) {
        *g = weights.l1_w + weights.l2_w * x - *g;
    }
    for (g, x) in gh.as_mut_slice().iter_mut().zip(h.as_slice()) {
        *g = weights.l1_h + weights.l2_h * x - *g;
    }
    (gw, gh)
}

/// Σ over the coordinates of one factor of (the step to the coordinate's minimum)²·(its Hessian): the squared
/// change of WH that the remaining coordinate steps would make, which no rescaling of components alters.
fn remaining_squared(x: &Dense<f64>, gradient: &Dense<f64>, hessian: &[f64]) -> f64 {
    let mut sum = Sum::default();
    for i in 0..x.nrows() {
        for t in 0..x.ncols() {
            if hessian[t] > 0.0 {
                let step = (-gradient[(i, t)] / hessian[t]).max(-x[(i, t)]);
                sum.add_product(step * hessian[t], step);
            }
        }
    }
    sum.value()
}

/// The Hessian of each coordinate of W: ‖H_t‖² + l2, for the k components.
fn hessians(components: &Dense<f64>, l2: f64) -> Vec<f64> {
    (0..components.nrows()).map(|t| dot(components.row(t), components.row(t)) + l2).collect()
}

/// Distance from stationarity: the root of the squared remaining coordinate steps of both factors, in the
/// data's units, over ‖V‖.
pub fn kkt_residual(v: &Dense<f64>, w: &Dense<f64>, h: &Dense<f64>, penalty: Penalty) -> f64 {
    let weights = weights(penalty, v.nrows(), v.ncols());
    let (gw, gh) = gradients(v, w, h, penalty);
    let on_w = remaining_squared(w, &gw, &hessians(h, weights.l2_w));
    let on_h = remaining_squared(&h.transposed(), &gh.transposed(), &hessians(&w.transposed(), weights.l2_h));
    ((on_w + on_h) / norm_squared(v)).sqrt()
}

/// The same for one row of W alone, over that row of V's norm (0 where the row is zero and nothing remains).
pub fn row_residual(v: &Dense<f64>, w: &Dense<f64>, h: &Dense<f64>, penalty: Penalty, row: usize) -> f64 {
    let weights = weights(penalty, v.nrows(), v.ncols());
    let one = |a: &Dense<f64>| Dense::from_fn(1, a.ncols(), |_, j| a[(row, j)]);
    let (v, w) = (one(v), one(w));
    let r = residual(&v, &w, h);
    let mut gradient = times_transposed(&r, h);
    for (g, x) in gradient.as_mut_slice().iter_mut().zip(w.as_slice()) {
        *g = weights.l1_w + weights.l2_w * x - *g;
    }
    let remaining = remaining_squared(&w, &gradient, &hessians(h, weights.l2_w)).sqrt();
    if remaining == 0.0 { 0.0 } else { remaining / norm_squared(&v).sqrt() }
}

/// One coordinate-descent sweep over a factor `x` (rows × k), given the Gram matrix of the other (k×k, its L2
/// weight on the diagonal) and the products `numer` (rows × k, less the L1 weight). Component by component,
/// rows inside, the gradient summed in ascending order. Returns Σ|projected gradient|, each taken before its
/// coordinate moves.
///
/// Where the Hessian is 0 the objective is linear in the coordinate: with a positive slope its minimum is at 0.
pub fn sweep(x: &mut Dense<f64>, gram: &Dense<f64>, numer: &Dense<f64>) -> f64 {
    let mut violation = 0.0;
    for t in 0..x.ncols() {
        for i in 0..x.nrows() {
            let mut gradient = -numer[(i, t)];
            for r in 0..x.ncols() {
                gradient += gram[(t, r)] * x[(i, r)];
            }
            let projected = if x[(i, t)] == 0.0 { gradient.min(0.0) } else { gradient };
            violation += projected.abs();
            let hessian = gram[(t, t)];
            if hessian != 0.0 {
                x[(i, t)] = (x[(i, t)] - gradient / hessian).max(0.0);
            } else if gradient > 0.0 {
                x[(i, t)] = 0.0;
            }
        }
    }
    violation
}

/// `sweeps` sweeps over `x`, for data `v` (rows × columns) and the other factor `y` (k × columns).
fn sweep_factor(x: &mut Dense<f64>, v: &Dense<f64>, y: &Dense<f64>, l1: f64, l2: f64, sweeps: usize) -> f64 {
    let (mut gram, mut numer) = (times_transposed(y, y), times_transposed(v, y));
    for t in 0..gram.nrows() {
        gram[(t, t)] += l2;
    }
    numer.as_mut_slice().iter_mut().for_each(|a| *a -= l1);
    let mut violation = 0.0;
    for _ in 0..sweeps {
        violation += sweep(x, &gram, &numer);
    }
    violation
}

/// One iteration of coordinate descent: `sweeps` over W, the products anew, `sweeps` over H. Returns the
/// violation (scikit-learn's, for one sweep).
pub fn descent_step(
    v: &Dense<f64>,
    w: &mut Dense<f64>,
    h: &mut Dense<f64>,
    penalty: Penalty,
    sweeps: usize,
) -> f64 {
    let weights = weights(penalty, v.nrows(), v.ncols());
    let on_w = sweep_factor(w, v, h, weights.l1_w, weights.l2_w, sweeps);
    let mut ht = h.transposed();
    let on_h = sweep_factor(&mut ht, &v.transposed(), &w.transposed(), weights.l1_h, weights.l2_h, sweeps);
    *h = ht.transposed();
    on_w + on_h
}

/// One multiplicative update of `x` for data `v` (rows × columns) and the other factor `y` (k × columns).
fn multiply_factor(x: &mut Dense<f64>, v: &Dense<f64>, y: &Dense<f64>, l1: f64, l2: f64) {
    let (gram, numer) = (times_transposed(y, y), times_transposed(v, y));
    let mut denom = times_transposed(x, &gram);
    for (at, d) in denom.as_mut_slice().iter_mut().enumerate() {
        *d += l1;
        *d += l2 * x.as_slice()[at];
        if *d == 0.0 {
            *d = f64::from(f32::EPSILON);
        }
    }
    for (at, x) in x.as_mut_slice().iter_mut().enumerate() {
        *x *= numer.as_slice()[at] / denom.as_slice()[at];
    }
}

/// One iteration of multiplicative updates: W, the products anew, H.
pub fn multiplicative_step(v: &Dense<f64>, w: &mut Dense<f64>, h: &mut Dense<f64>, penalty: Penalty) {
    let weights = weights(penalty, v.nrows(), v.ncols());
    multiply_factor(w, v, h, weights.l1_w, weights.l2_w);
    let mut ht = h.transposed();
    multiply_factor(&mut ht, &v.transposed(), &w.transposed(), weights.l1_h, weights.l2_h);
    *h = ht.transposed();
}

/// One iteration of `method`, reading V twice: first for W, then, with the new W, for H.
///
/// # Panics
/// For a method without a fixed number of sweeps.
pub fn step(method: Method, v: &Dense<f64>, w: &mut Dense<f64>, h: &mut Dense<f64>, penalty: Penalty) {
    match (method.update, method.sweeps) {
        (Update::Cd, _) => {
            descent_step(v, w, h, penalty, 1);
        }
        (Update::Hals, Some(sweeps)) => {
            descent_step(v, w, h, penalty, sweeps);
        }
        (Update::Mu | Update::Mm, _) if method.loss.is_quadratic() => multiplicative_step(v, w, h, penalty),
        _ => panic!("{method:?} has no fixed reference"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategies::{Data, Recipe};

    fn penalised() -> Penalty {
        Penalty { alpha_w: 0.02, alpha_h: Some(0.03), l1_ratio: 0.4 }
    }

    fn problem() -> (Dense<f64>, Dense<f64>, Dense<f64>) {
        let p = Recipe { m: 7, n: 5, k: 3, data: Data::Uniform, zeros_in_start: false, seed: 1 }.build();
        (p.v, p.w, p.h)
    }

    #[test]
    fn a_compensated_sum_keeps_what_plain_summation_loses() {
        let mut sum = Sum::default();
        for x in [1e100, 1.0, -1e100] {
            sum.add(x);
        }
        assert_eq!(sum.value(), 1.0);
        let mut sum = Sum::default();
        let a = 1.0 + f64::EPSILON;
        sum.add_product(a, a);
        sum.add(-1.0);
        sum.add(-2.0 * f64::EPSILON);
        assert_eq!(sum.value(), f64::EPSILON * f64::EPSILON);
    }

    /// Law 46. The gradient is the objective's finite difference.
    #[test]
    fn the_gradient_is_the_objectives_finite_difference() {
        let (v, w, h) = problem();
        let (gw, gh) = gradients(&v, &w, &h, penalised());
        let f = |w: &Dense<f64>, h: &Dense<f64>| objective(&v, w, h, penalised());
        let step = 1e-4; // central differences of a quadratic are exact but for rounding
        for i in 0..w.nrows() {
            for t in 0..w.ncols() {
                let (mut up, mut down) = (w.clone(), w.clone());
                up[(i, t)] += step;
                down[(i, t)] -= step;
                let slope = (f(&up, &h) - f(&down, &h)) / (2.0 * step);
                assert!((slope - gw[(i, t)]).abs() <= 1e-6, "W({i}, {t}): {slope} and {}", gw[(i, t)]);
            }
        }
        for t in 0..h.nrows() {
            for j in 0..h.ncols() {
                let (mut up, mut down) = (h.clone(), h.clone());
                up[(t, j)] += step;
                down[(t, j)] -= step;
                let slope = (f(&w, &up) - f(&w, &down)) / (2.0 * step);
                assert!((slope - gh[(t, j)]).abs() <= 1e-6, "H({t}, {j}): {slope} and {}", gh[(t, j)]);
            }
        }
    }

    #[test]
    fn the_divergence_is_the_textbooks() {
        let (v, w, h) = problem();
        let wh = product(&w, &h);
        let pairs = || v.as_slice().iter().zip(wh.as_slice());
        for beta in [2.0, 1.0, 0.0, 0.5, 1.5, 3.0, -1.0] {
            let plain: f64 = pairs()
                .map(|(&x, &y)| match beta {
                    1.0 => x * (x / y).ln() - x + y,
                    0.0 => x / y - (x / y).ln() - 1.0,
                    _ => {
                        (x.powf(beta) + (beta - 1.0) * y.powf(beta) - beta * x * y.powf(beta - 1.0))
                            / (beta * (beta - 1.0))
                    }
                })
                .sum();
            let found = divergence(&v, &w, &h, beta);
            assert!((found - plain).abs() <= 1e-12 * plain, "{found} and {plain} for {beta}");
            assert!(divergence(&wh, &w, &h, beta) <= 1e-30 * power_sum(&wh, beta));
            // near V the divergence is ½ Σ (x − y)² yᵝ⁻², and no digits of it cancel
            let near = Dense::from_fn(v.nrows(), v.ncols(), |i, j| wh[(i, j)] * (1.0 + 1e-7));
            let square = 0.5e-14 * power_sum(&wh, beta);
            let found = divergence(&near, &w, &h, beta);
            assert!((found - square).abs() <= 1e-6 * square, "{found} and {square} for {beta}");
        }
        assert!((divergence(&v, &w, &h, 2.0) - loss(&v, &w, &h)).abs() <= 1e-15 * loss(&v, &w, &h));
    }

    #[test]
    fn a_divergence_at_zero_is_its_limit() {
        let one = |x: f64| Dense::from_vec(vec![x], 1, 1).unwrap();
        let of = |x: f64, y: f64, beta: f64| divergence(&one(x), &one(y), &one(1.0), beta);
        for (beta, limit) in [(2.0, 4.5), (1.0, 3.0), (0.5, 2.0 * 3.0_f64.sqrt()), (3.0, 9.0)] {
            assert!((of(0.0, 3.0, beta) - limit).abs() <= 1e-15 * limit);
            assert!((of(1e-30, 3.0, beta) - limit).abs() <= 1e-12 * limit);
        }
        for beta in [0.0, -1.0] {
            assert_eq!(of(0.0, 3.0, beta), f64::INFINITY);
        }
        for beta in [1.0, 0.5, 0.0, -1.0] {
            assert_eq!(of(3.0, 0.0, beta), f64::INFINITY);
        }
        assert!((of(3.0, 0.0, 3.0) - 4.5).abs() <= 1e-15);
        assert_eq!(of(0.0, 0.0, 1.0), 0.0);
    }

    #[test]
    fn the_reference_steps_lower_the_objective() {
        for sweeps in [1, 3] {
            let (v, mut w, mut h) = problem();
            let mut last = objective(&v, &w, &h, penalised());
            for _ in 0..20 {
                descent_step(&v, &mut w, &mut h, penalised(), sweeps);
                let now = objective(&v, &w, &h, penalised());
                assert!(now <= last * (1.0 + 1e-14), "{now} after {last}");
                last = now;
            }
        }
        let (v, mut w, mut h) = problem();
        let mut last = objective(&v, &w, &h, penalised());
        for _ in 0..20 {
            multiplicative_step(&v, &mut w, &mut h, penalised());
            let now = objective(&v, &w, &h, penalised());
            assert!(now <= last * (1.0 + 1e-14), "{now} after {last}");
            last = now;
        }
    }

    #[test]
    fn the_residual_from_stationarity_vanishes_at_a_minimum_and_ignores_scales() {
        let (v, mut w, mut h) = problem();
        let start = kkt_residual(&v, &w, &h, Penalty::default());
        let rescale = |a: &Dense<f64>, by: &dyn Fn(usize, usize) -> f64| {
            Dense::from_fn(a.nrows(), a.ncols(), |i, j| a[(i, j)] * by(i, j))
        };
        let scaled_w = rescale(&w, &|_, t| [4.0, 0.5, 8.0][t]);
        let scaled_h = rescale(&h, &|t, _| [0.25, 2.0, 0.125][t]);
        let other = kkt_residual(&v, &scaled_w, &scaled_h, Penalty::default());
        assert!((start - other).abs() <= 1e-14 * start);
        for _ in 0..20_000 {
            descent_step(&v, &mut w, &mut h, Penalty::default(), 1);
        }
        assert!(kkt_residual(&v, &w, &h, Penalty::default()) < 1e-9);
        assert!(start > 1e-2);
    }
}
