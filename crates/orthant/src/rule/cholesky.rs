//! Cholesky factors of small symmetric matrices, in double precision.
//!
//! Solvers factorise one k×k matrix a half-step, or one for every set of components that some row uses. That is on the
//! path of every row, on matrices of a few dozen rows, in memory that must be there beforehand: a call into a library
//! for each of them costs more than the work. So the forty lines are here.
//!
//! L is packed by rows: row i begins at i(i+1)/2 and has i+1 entries. Sums have a fixed order.

use orthant_kernel::{Real, allocate};

/// Elements of a packed triangle of p rows.
pub(crate) fn packed(p: usize) -> usize {
    p * (p + 1) / 2
}

/// Independent sums: the order of addition is fixed by this constant alone.
const CHAINS: usize = 8;

/// Σ x·y.
pub(crate) fn dot(x: &[f64], y: &[f64]) -> f64 {
    let mut sums = [0.0; CHAINS];
    let (mut a, mut b) = (x.chunks_exact(CHAINS), y.chunks_exact(CHAINS));
    for (a, b) in (&mut a).zip(&mut b) {
        for l in 0..CHAINS {
            sums[l] += a[l] * b[l];
        }
    }
    for (l, (a, b)) in a.remainder().iter().zip(b.remainder()).enumerate() {
        sums[l] += a * b;
    }
    sums.iter().sum()
}

/// y += c·x.
pub(crate) fn add_scaled(y: &mut [f64], c: f64, x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += c * x;
    }
}

/// L from the lower triangle of p rows in its place. False, with the triangle spoilt, where a pivot is no more than
/// `share` of its diagonal entry: then the matrix is not positive definite as far as rounding lets be seen.
pub(crate) fn factorise(l: &mut [f64], p: usize, share: f64) -> bool {
    for i in 0..p {
        let (above, row) = l.split_at_mut(packed(i));
        let row = &mut row[..=i];
        for j in 0..i {
            let other = &above[packed(j)..packed(j + 1)];
            row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
        }
        let pivot = row[i] - dot(&row[..i], &row[..i]);
        // a NaN is no pivot either
        if pivot.is_nan() || pivot <= share * row[i] {
            return false;
        }
        row[i] = pivot.sqrt();
    }
    true
}

/// x ← (LLᵀ)⁻¹x, p = x.len(). 2p² flops.
pub(crate) fn solve(l: &[f64], x: &mut [f64]) {
    for i in 0..x.len() {
        let row = &l[packed(i)..packed(i + 1)];
        x[i] = (x[i] - dot(&row[..i], &x[..i])) / row[i];
    }
    for i in (0..x.len()).rev() {
        let row = &l[packed(i)..packed(i + 1)];
        x[i] /= row[i];
        let (x, last) = x.split_at_mut(i);
        add_scaled(x, -last[0], &row[..i]);
    }
}

/// A Gram matrix in double precision, positive definite: where it is not, as far as its own rounding lets be seen, the
/// diagonal is raised by λ times itself, λ = 10kε, 100kε, … until it is.
///
/// To raise each entry by its own share keeps what rescaling of components keeps. Solvers add the same `raised`·x to
/// the right-hand side, x being where they come from: that is a proximal step, which finds the minimum up to
/// ½λ·Σ G_tt·(change of x_t)² ≤ ½λ‖v‖² and cannot raise the objective.
#[derive(Debug)]
pub(crate) struct Definite {
    pub k: usize,
    /// k×k, raised.
    pub gram: Vec<f64>,
    /// √G_tt; 0 for a dead component, whose G_tt has no bits left to divide by.
    pub root: Vec<f64>,
    /// What the diagonal was raised by: all 0, mostly.
    pub raised: Vec<f64>,
    /// The components that are not dead.
    pub live: Vec<usize>,
    /// L of the live ones.
    pub factor: Vec<f64>,
}

impl Definite {
    pub fn new(k: usize) -> Self {
        Self {
            k,
            gram: allocate::filled(k * k, 0.0),
            root: vec![0.0; k],
            raised: vec![0.0; k],
            live: Vec::with_capacity(k),
            factor: allocate::filled(packed(k), 0.0),
        }
    }

    /// Bytes of one.
    pub fn bytes(k: usize) -> usize {
        (k * k + packed(k)) * size_of::<f64>() + 3 * k * size_of::<f64>()
    }

    /// Takes another Gram matrix; whether it had to be raised. About k³/3 flops, allocating nothing.
    pub fn set<T: Real>(&mut self, gram: &[T]) -> bool {
        let k = self.k;
        for (to, from) in self.gram.iter_mut().zip(gram) {
            *to = from.to_f64();
        }
        self.raised.fill(0.0);
        self.live.clear();
        for t in 0..k {
            let dead = gram[t * k + t] <= T::NEGLIGIBLE;
            self.root[t] = if dead { 0.0 } else { self.gram[t * k + t].sqrt() };
            if !dead {
                self.live.push(t);
            }
        }
        let share = k as f64 * T::EPSILON.to_f64();
        let mut lambda = 0.0;
        while !self.factorise(share) && lambda < 1.0 {
            lambda = if lambda == 0.0 { 10.0 * share } else { 10.0 * lambda };
            for &t in &self.live {
                let own = self.root[t] * self.root[t];
                self.raised[t] = lambda * own;
                self.gram[t * k + t] = own + self.raised[t];
            }
        }
        lambda > 0.0
    }

    fn factorise(&mut self, share: f64) -> bool {
        gather(&self.gram, self.k, &self.live, &mut self.factor);
        factorise(&mut self.factor, self.live.len(), share)
    }
}

/// The lower triangle of some rows and columns of a k×k matrix, packed.
pub(crate) fn gather(gram: &[f64], k: usize, which: &[usize], l: &mut [f64]) {
    let mut at = 0;
    for (i, &t) in which.iter().enumerate() {
        let row = &gram[t * k..(t + 1) * k];
        for &s in &which[..=i] {
            l[at] = row[s];
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Symmetric, with known eigenvalues for checking by multiplication alone.
    fn gram(k: usize, n: usize) -> Vec<f64> {
        let y = |j: usize, t: usize| ((j * 7 + t * 13 + j * t) % 11) as f64;
        (0..k * k).map(|at| (0..n).map(|j| y(j, at / k) * y(j, at % k)).sum()).collect()
    }

    #[test]
    fn a_solution_multiplies_back() {
        for k in [1, 2, 7, 8, 9, 23] {
            let mut g = gram(k, 4 * k);
            (0..k).for_each(|t| g[t * k + t] += 1.0);
            let mut definite = Definite::new(k);
            assert!(!definite.set(&g));
            let b: Vec<f64> = (0..k).map(|t| t as f64 - 2.5).collect();
            let mut x = b.clone();
            solve(&definite.factor, &mut x);
            for t in 0..k {
                let back: f64 = (0..k).map(|s| g[t * k + s] * x[s]).sum();
                assert!((back - b[t]).abs() < 1e-9, "{k}: {back} for {}", b[t]);
            }
        }
    }

    #[test]
    fn a_singular_matrix_is_raised_and_a_dead_component_left_out() {
        let k = 6;
        let mut definite = Definite::new(k);
        assert!(definite.set(&gram(k, 3)), "rank 3");
        assert!(definite.raised.iter().all(|&r| r > 0.0));
        let mut g = gram(k, 40);
        for t in 0..k {
            g[t * k + 2] = 0.0;
            g[2 * k + t] = 0.0;
        }
        assert!(!definite.set(&g));
        assert_eq!(definite.live, [0, 1, 3, 4, 5]);
        assert_eq!((definite.root[2], definite.raised[0]), (0.0, 0.0));
        assert!(!definite.set(&vec![0.0; k * k]) && definite.live.is_empty());
    }
}
