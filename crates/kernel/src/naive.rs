//! The oracle: every kernel as plain loops in double precision, for tests to compare with.

use crate::rows::{Least, Majorant, Step};
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

/// X·Yᵀ at (i, j).
fn product<T: Real>(x: &[T], y: &[T], k: usize, (i, j): (usize, usize)) -> f64 {
    sum((0..k).map(|t| x[i * k + t].to_f64() * y[j * k + t].to_f64()))
}

/// (V∘P^(β−2))·Y and P^(β−1)·Y with P = X·Yᵀ, both rows×k; see
/// [`divergence::numerators`](crate::divergence::numerators). For β < 2 the first has P of at least `floor`, for β < 1
/// the second too.
pub fn ratio_numerators<T: Real>(
    v: View<'_, T>,
    x: &[T],
    y: &[T],
    k: usize,
    beta: f64,
    floor: f64,
) -> (Vec<f64>, Vec<f64>) {
    let mut out = (vec![0.0; v.nrows() * k], vec![0.0; v.nrows() * k]);
    for i in 0..v.nrows() {
        let p: Vec<f64> = (0..v.ncols()).map(|j| product(x, y, k, (i, j))).collect();
        let raised = |p: f64, floored: bool| if floored { p.max(floor) } else { p };
        let ratio = |j: usize| v.at(i, j).to_f64() * raised(p[j], beta < 2.0).powf(beta - 2.0);
        let ratios: Vec<f64> = (0..v.ncols()).map(ratio).collect();
        let powers: Vec<f64> = p.iter().map(|&p| raised(p, beta < 1.0).powf(beta - 1.0)).collect();
        for t in 0..k {
            let times_y = |a: &[f64]| sum((0..v.ncols()).map(|j| a[j] * y[j * k + t].to_f64()));
            out.0[i * k + t] = times_y(&ratios);
            out.1[i * k + t] = times_y(&powers);
        }
    }
    out
}

/// (V∘P^(β−2))ᵀ·X and (P^(β−1))ᵀ·X, both cols×k; see [`divergence::accumulate`](crate::divergence::accumulate).
pub fn ratio_accumulate<T: Real>(
    v: View<'_, T>,
    x: &[T],
    y: &[T],
    k: usize,
    beta: f64,
    floor: f64,
) -> (Vec<f64>, Vec<f64>) {
    ratio_numerators(v.transposed(), y, x, k, beta, floor)
}

/// Σ d_β(V, X·Yᵀ), and the sum of the magnitudes of what it is a sum of, which its rounding is measured by; see
/// [`divergence::sum`](crate::divergence::sum). For β < 2 what V is divided by is at least `floor`, for β < 0 all of P;
/// entries of V up to `ignore` count as 0.
pub fn divergence<T: Real>(
    v: View<'_, T>,
    x: &[T],
    y: &[T],
    k: usize,
    beta: f64,
    (floor, ignore): (f64, f64),
) -> (f64, f64) {
    let mut terms = Vec::new();
    for i in 0..v.nrows() {
        for j in 0..v.ncols() {
            let (v, p) = (v.at(i, j).to_f64(), product(x, y, k, (i, j)));
            let floored = p.max(floor);
            let kept = v > ignore;
            let mut term = |x: f64| terms.push(x);
            if beta == 1.0 {
                term(p);
                if kept {
                    term(v * (v / floored).ln());
                    term(-v);
                }
            } else if beta == 0.0 {
                term(-1.0);
                if kept {
                    term(v / floored);
                    term(-(v / floored).ln());
                }
            } else {
                term(if beta < 0.0 { floored } else { p }.powf(beta) / beta);
                if kept {
                    term(v.powf(beta) / (beta * (beta - 1.0)));
                    term(-v * if beta < 2.0 { floored } else { p }.powf(beta - 1.0) / (beta - 1.0));
                }
            }
        }
    }
    (sum(terms.iter().copied()), sum(terms.iter().map(|x| x.abs())))
}

/// A multiplicative step of every row of X from numerators N and denominators D, both rows×k; see
/// [`rows::majorize`](crate::rows::majorize). Returns Σ x·|gradient| over the old X.
pub fn majorize(
    x: &mut [f64],
    n: &[f64],
    d: &[f64],
    (l1, l2): (f64, f64),
    majorant: Majorant,
    floor: f64,
    least: Least<f64>,
) -> f64 {
    let mut left = Vec::new();
    for (i, x) in x.iter_mut().enumerate() {
        let (linear, old) = (d[i] + l1, *x);
        let below = linear + l2 * old;
        left.push(old * (below - n[i]).abs());
        let or_floor = |x: f64| if x == 0.0 { floor } else { x };
        let new = match majorant {
            Majorant::Ratio { exponent } => old * (n[i] / or_floor(below)).powf(exponent),
            Majorant::Root { exponent } => {
                let below = or_floor(linear + (linear * linear + 4.0 * l2 * old * n[i]).sqrt());
                old * (2.0 * n[i] / below).powf(exponent)
            }
        };
        *x = match new {
            new if new < least.zero => 0.0,
            new if new > 0.0 => new.max(least.raise),
            new => new,
        };
    }
    sum(left)
}
