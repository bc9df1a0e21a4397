//! What W·H says of entries that it was not fitted to.

use orthant::{Dense, Loss, Matrix, Real};

use crate::data::each;
use crate::stats::units::dot;

/// The weight of the marginals in a prediction under a divergence. An entry that W·H holds for impossible would cost
/// infinitely much otherwise, and that alone would decide.
const MARGINALS: f64 = 1e-3;
/// The share of a mean row (and column) that is added to each, so that none is empty.
const ADDED: f64 = 0.01;

/// W and H in double precision, W·H times `factor` being the prediction.
pub struct Prediction {
    k: usize,
    w: Vec<f64>,
    /// By columns: n×k.
    ht: Vec<f64>,
    factor: f64,
}

impl Prediction {
    /// Of W, m×k, and H, k×n.
    pub fn new<T: Real>(w: &Dense<T>, h: &Dense<T>, factor: f64) -> Self {
        let f64s = |x: &[T]| x.iter().map(|x| x.to_f64()).collect();
        Self { k: h.nrows(), w: f64s(w.as_slice()), ht: f64s(h.transposed().as_slice()), factor }
    }

    fn at(&self, i: usize, j: usize) -> f64 {
        let (k, x) = (self.k, &self.w);
        self.factor * dot(&x[i * k..][..k], &self.ht[j * k..][..k])
    }

    /// The sum of all entries.
    pub fn sum(&self) -> f64 {
        let sums = |x: &[f64]| {
            let mut sums = vec![0.0; self.k];
            x.chunks_exact(self.k).for_each(|row| sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x));
            sums
        };
        self.factor * dot(&sums(&self.w), &sums(&self.ht))
    }

    /// The sum of their squares, from the two Gram matrices.
    pub fn squares(&self) -> f64 {
        let gram = |x: &[f64]| {
            let mut gram = vec![0.0; self.k * self.k];
            for row in x.chunks_exact(self.k) {
                for (a, line) in row.iter().zip(gram.chunks_exact_mut(self.k)) {
                    line.iter_mut().zip(row).for_each(|(g, b)| *g += a * b);
                }
            }
            gram
        };
        self.factor.powi(2) * dot(&gram(&self.w), &gram(&self.ht))
    }

    /// Σ v·p over the entries of a matrix by rows, and Σ v².
    pub fn products<T: Real>(&self, v: &Matrix<'_, T>) -> (f64, f64) {
        let (mut products, mut squares) = (0.0, 0.0);
        for i in 0..v.nrows() {
            each(v, i, |j, x| {
                let x = x.to_f64();
                if x != 0.0 {
                    products += x * self.at(i, j);
                    squares += x * x;
                }
            });
        }
        (products, squares)
    }
}

/// The loss of a prediction on the entries of a matrix by rows, all of them, the zeros of sparse data among them. Under a divergence
/// the prediction is (1 − λ)·P + λ·E with λ = 0.001, where E has P's sum and is in proportion to the sums of `rows` and
/// `columns` of what was fitted.
pub fn loss<T: Real>(
    loss: Loss,
    prediction: &Prediction,
    v: &Matrix<'_, T>,
    rows: &[f64],
    columns: &[f64],
) -> f64 {
    let (m, n) = (v.nrows(), v.ncols());
    if loss.beta() == 2.0 {
        let (products, squares) = prediction.products(v);
        return (0.5 * (squares - 2.0 * products + prediction.squares())).max(0.0);
    }
    let sum = prediction.sum();
    let (rows, columns) = (shares(rows), shares(columns));
    let at =
        |i: usize, j: usize| (1.0 - MARGINALS) * prediction.at(i, j) + MARGINALS * sum * rows[i] * columns[j];
    let mut total = 0.0;
    if loss.beta() == 1.0 {
        // all predictions add up to the same sum
        total = sum;
        for i in 0..m {
            each(v, i, |j, x| {
                let x = x.to_f64();
                if x > 0.0 {
                    total += x * (x / at(i, j)).ln() - x;
                }
            });
        }
        return total;
    }
    for i in 0..m {
        let mut row = vec![0.0; n];
        each(v, i, |j, x| row[j] = x.to_f64());
        total += row.iter().enumerate().map(|(j, &x)| divergence(loss.beta(), x, at(i, j))).sum::<f64>();
    }
    total
}

/// Each as a share of the sum, none of them 0.
fn shares(sums: &[f64]) -> Vec<f64> {
    let mean = sums.iter().sum::<f64>() / sums.len() as f64;
    let added = if mean > 0.0 { ADDED * mean } else { 1.0 };
    let all = sums.iter().sum::<f64>() + added * sums.len() as f64;
    sums.iter().map(|sum| (sum + added) / all).collect()
}

/// d_β(x|y) for y > 0.
fn divergence(beta: f64, x: f64, y: f64) -> f64 {
    match beta {
        0.0 => x / y - (x / y).ln() - 1.0,
        1.0 if x == 0.0 => y,
        1.0 => x * (x / y).ln() - x + y,
        _ => {
            (x.powf(beta) + (beta - 1.0) * y.powf(beta) - beta * x * y.powf(beta - 1.0))
                / (beta * (beta - 1.0))
        }
    }
}

/// The sums of rows and of columns of a matrix by rows.
pub fn marginals<T: Real>(v: &Matrix<'_, T>) -> (Vec<f64>, Vec<f64>) {
    let (mut rows, mut columns) = (vec![0.0; v.nrows()], vec![0.0; v.ncols()]);
    for (i, row) in rows.iter_mut().enumerate() {
        each(v, i, |j, x| {
            *row += x.to_f64();
            columns[j] += x.to_f64();
        });
    }
    (rows, columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use orthant::{Csr, ToMatrix};

    #[test]
    fn as_by_plain_loops() {
        let w = Dense::from_fn(9, 2, |i, t| ((i + 2 * t) % 4) as f64 + 0.1);
        let h = Dense::from_fn(2, 7, |t, j| ((3 * j + t) % 5) as f64 + 0.2);
        let v = Dense::from_fn(9, 7, |i, j| ((i * j) % 3) as f64);
        let (rows, columns) = ([2.0; 9], [1.0, 2.0, 3.0, 0.0, 5.0, 6.0, 7.0]);
        let p = |i: usize, j: usize| 0.25 * (w[(i, 0)] * h[(0, j)] + w[(i, 1)] * h[(1, j)]);
        let all: f64 = (0..9).flat_map(|i| (0..7).map(move |j| p(i, j))).sum();
        let q = |i: usize, j: usize| {
            let mean = 24.0 / 7.0;
            let column = (columns[j] + 0.01 * mean) / (24.0 + 0.07 * mean);
            0.999 * p(i, j) + 0.001 * all * column / 9.0
        };
        let prediction = Prediction::new(&w, &h, 0.25);
        let sparse = Csr::of_dense(&v);
        for beta in [2.0, 1.0, 1.5, 0.5] {
            let entry = |i: usize, j: usize| {
                let x = v[(i, j)];
                match beta {
                    2.0 => 0.5 * (x - p(i, j)).powi(2),
                    1.0 => (if x > 0.0 { x * (x / q(i, j)).ln() } else { 0.0 }) - x + q(i, j),
                    b => {
                        x.powf(b) / (b * (b - 1.0)) + q(i, j).powf(b) / b
                            - x * q(i, j).powf(b - 1.0) / (b - 1.0)
                    }
                }
            };
            let expected: f64 =
                (0..9).flat_map(|i| (0..7).map(move |j| (i, j))).map(|(i, j)| entry(i, j)).sum();
            for v in [v.to_matrix().unwrap(), sparse.to_matrix().unwrap()] {
                let found = loss(Loss::from_beta(beta), &prediction, &v, &rows, &columns);
                assert!((found - expected).abs() < 1e-9 * expected, "β = {beta}: {found} for {expected}");
            }
        }
    }

    #[test]
    fn what_is_held_for_impossible_costs_a_finite_sum() {
        let (w, h) = (Dense::from_fn(2, 1, |i, _| i as f64), Dense::from_fn(1, 2, |_, j| j as f64));
        let v = Dense::from_fn(2, 2, |_, _| 1.0);
        for beta in [1.0, 0.0] {
            let prediction = Prediction::new(&w, &h, 1.0);
            let v = v.to_matrix().unwrap();
            assert!(loss(Loss::from_beta(beta), &prediction, &v, &[0.0, 1.0], &[0.0, 1.0]).is_finite());
        }
    }
}
