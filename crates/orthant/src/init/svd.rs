//! The leading singular triplets of V without a copy of it.
//!
//! V ≈ U·diag(s)·Xᵀ, U m×k and X n×k with orthonormal columns, s₁ ≥ … ≥ s_k ≥ 0. Both ways work on A, the one of V and
//! Vᵀ that has no more columns than rows, and end with the same step on a basis Q of a space of A's rows:
//!
//! ```text
//! P = orthonormal(A Q)          A's columns, as far as they are in reach
//! Aᵀ P = X diag(s) Yᵀ           a thin decomposition of a thin matrix
//! U = P Y
//! ```
//!
//! Each triplet then gets the sign that makes the largest entry of its column of U positive (the first such entry).
//! Products with V are of the data's precision, everything else is of double precision.

use faer::Mat;
use orthant_kernel::{Buffer, View, allocate};

use super::Data;
use super::dense::{
    Thin, column_major, kept_by_products, lower_factor, mat_bytes, orthonormal, orthonormal_bytes, row_major,
    sure, thin, thin_bytes,
};
use super::products::Operand;
use crate::random::RandomState;
use crate::source::{DenseSource, Reading, Sources, transpose_bytes, transposing_bytes};
use crate::{Error, Products, Real};

/// Columns that the basis has beyond the k asked for.
const OVERSAMPLED: usize = 10;
/// A matrix with no more elements than this is decomposed whole.
const SMALL: usize = 1 << 18;
/// Rounds of [`leading`], at most.
const MOST_ROUNDS: usize = 30;
/// Change of a singular value, relative to itself, at which it counts as found, besides rounding of the largest.
const CONVERGED: f64 = 1e-12;

/// k triplets, the largest first.
#[derive(Debug)]
pub(super) struct Triplets<T> {
    /// m×k, row-major.
    pub u: Vec<T>,
    pub s: Vec<T>,
    /// n×k, row-major.
    pub x: Vec<T>,
}

impl<T: Real> Triplets<T> {
    /// From the left and right vectors of A, which is Vᵀ if `transposed`.
    fn of(left: Vec<T>, s: &[f64], right: Vec<T>, transposed: bool) -> Self {
        let k = s.len();
        let (mut u, mut x) = if transposed { (right, left) } else { (left, right) };
        for t in 0..k {
            let column = u.iter().skip(t).step_by(k);
            let largest = column.fold(T::ZERO, |a, &b| if b.abs() > a.abs() { b } else { a });
            if largest < T::ZERO {
                u.iter_mut().skip(t).step_by(k).for_each(|x| *x = -*x);
                x.iter_mut().skip(t).step_by(k).for_each(|x| *x = -*x);
            }
        }
        Self { u, s: s.iter().map(|&s| T::from_f64(s)).collect(), x }
    }
}

/// The triplets that scikit-learn's randomized method finds with the same stream, to rounding.
///
/// Subspace iteration from a normal Q of k + 10 columns: 7 rounds where k is less than a tenth of the shorter side,
/// else 4, with an LU factorisation after each product to keep the columns apart. Rank at most the shorter side.
///
/// Reads V 2·rounds + 2 times, at 2mn(k + 10) flops; the factorisations take (m + n)(k + 10)² a round.
/// Halko, Martinsson & Tropp, Finding structure with randomness, SIAM Review 53 (2011), algorithm 4.4,
/// doi:10.1137/090771806.
pub(super) fn randomized<T: Real>(
    operand: &Operand<'_, T>,
    (m, n): (usize, usize),
    k: usize,
    stream: &mut RandomState,
    workers: usize,
) -> Result<Triplets<T>, Error> {
    let (transposed, shorter) = (m < n, m.min(n));
    let rounds = if (k as f64) < 0.1 * shorter as f64 { 7 } else { 4 };
    let mut l = k + OVERSAMPLED;
    let mut q = normal(shorter, l, stream);
    for _ in 0..rounds {
        for side in [transposed, !transposed] {
            q = operand.times(side, &q, l)?;
            (q, l) = lower_factor(q, l);
        }
    }
    let last = Projected::of(operand, transposed, q, l)?;
    last.triplets(k, transposed, workers)
}

/// Whether an m×n matrix is so small, or its basis would be so large, that it is decomposed whole.
fn decomposes_whole(m: usize, n: usize, k: usize) -> bool {
    m.saturating_mul(n) <= SMALL || m.min(n) <= 4 * k
}

/// The triplets to rounding, the same for any seed.
///
/// V is decomposed whole (in a copy in double precision) where it has at most 2¹⁸ elements, or where its shorter side
/// is at most 4k, so that the basis of the other way would be of half its size: 14mn² flops or so, on one thread.
/// Otherwise a subspace of 2k dimensions, and at least k + 10, is iterated until no singular value changes any more,
/// or for 30 rounds: what has not settled by then are vectors of nearly equal singular values, of which any mixture
/// is as good. Such a round reads V twice, at 4mnl flops for l dimensions. Golub & Van Loan, Matrix Computations,
/// 4th ed. (2013), section 8.2.4.
pub(super) fn leading<T: Real>(data: &Data<'_, T>, k: usize) -> Result<Triplets<T>, Error> {
    let Data { v, workers, .. } = *data;
    let operand = &data.operand();
    let (m, n) = (v.nrows(), v.ncols());
    let (transposed, shorter) = (m < n, m.min(n));
    if decomposes_whole(m, n, k) {
        let whole = data.whole()?;
        let all = if transposed { whole.view().transposed() } else { whole.view() };
        sure(mat_bytes(all.nrows(), all.ncols()));
        let a = Mat::from_fn(all.nrows(), all.ncols(), |i, j| all.at(i, j).to_f64());
        drop(whole);
        let Thin { u, s, v } = thin(a)?;
        return Ok(Triplets::of(row_major(&u, k), &s[..k], row_major(&v, k), transposed));
    }
    let l = (k + k.max(OVERSAMPLED)).min(shorter);
    let mut q = normal(shorter, l, &mut RandomState::new(0));
    let mut before = vec![0.0; k];
    let mut round = 0;
    loop {
        round += 1;
        let projected = Projected::of(operand, transposed, q, l)?;
        let s = &projected.thin.s;
        let rounding = 8.0 * T::EPSILON.to_f64() * s[0];
        let settled = s.iter().zip(&before).all(|(s, before)| (s - before).abs() <= CONVERGED * s + rounding);
        if settled || round == MOST_ROUNDS {
            return projected.triplets(k, transposed, workers);
        }
        before.copy_from_slice(&s[..k]);
        q = row_major(&projected.thin.u, l);
    }
}

/// What [`randomized`] takes, and its triplets with it.
pub(super) fn randomized_bytes<T: Real>(reading: &Reading<'_>, k: usize) -> usize {
    let (m, n) = (reading.v.m, reading.v.n);
    let (transposed, shorter) = (m < n, m.min(n));
    let (mut l, mut most, mut q) = (k + OVERSAMPLED, 0, shorter * (k + OVERSAMPLED) * size_of::<T>());
    for side in [transposed, !transposed] {
        let (multiplying, product) = reading.times::<T>(side, l);
        let rows = if side { n } else { m };
        let lower = rows * l.min(rows) * size_of::<T>();
        most = most.max(q + multiplying).max(product + rows * size_of::<usize>() + lower);
        (q, l) = (lower, l.min(rows));
    }
    most.max(projected_bytes::<T>(reading, k, l))
}

/// What [`leading`] takes, and its triplets with it.
pub(super) fn leading_bytes<T: Real>(reading: &Reading<'_>, k: usize) -> usize {
    let (m, n) = (reading.v.m, reading.v.n);
    let (transposed, longer, shorter) = (m < n, m.max(n), m.min(n));
    if decomposes_whole(m, n, k) {
        // sparse columns are written out by rows
        let by_rows = match reading.v.entries {
            Some(entries) if reading.v.by_columns => {
                transpose_bytes::<T>(entries, m) + transposing_bytes(m).max(m * n * size_of::<T>())
            }
            _ => m * n * size_of::<T>(),
        };
        let vectors = mat_bytes(longer, shorter) + mat_bytes(shorter, shorter);
        let triplets = Buffer::<T>::bytes(longer * k) + Buffer::<T>::bytes(shorter * k);
        let copying = m * n * size_of::<T>() + mat_bytes(longer, shorter);
        let decomposing = thin_bytes(longer, shorter).max(vectors + triplets);
        return by_rows.max(copying).max(kept_by_products() + decomposing);
    }
    let l = (k + k.max(OVERSAMPLED)).min(shorter);
    // the next basis is made of the last one's vectors
    let next = Buffer::<T>::bytes(shorter * l);
    let kept = Buffer::<T>::bytes(longer * l) + mat_bytes(shorter, l) + mat_bytes(l, l);
    let again = next + reading.times::<T>(transposed, l).0;
    projected_bytes::<T>(reading, k, l).max(kept_by_products() + (kept + next).max(again))
}

/// What a [`Projected`] takes while it is made of l columns, and its triplets.
fn projected_bytes<T: Real>(reading: &Reading<'_>, k: usize, l: usize) -> usize {
    let (m, n) = (reading.v.m, reading.v.n);
    let (transposed, longer, shorter) = (m < n, m.max(n), m.min(n));
    let q = Buffer::<T>::bytes(shorter * l);
    let (first, _) = reading.times::<T>(transposed, l);
    let left = Buffer::<T>::bytes(longer * l);
    let (second, product) = reading.times::<T>(!transposed, l);
    let (u, v) = (mat_bytes(shorter, l), mat_bytes(l, l));
    let (of_left, of_right) = (Buffer::<T>::bytes(longer * k), Buffer::<T>::bytes(shorter * k));
    let decomposing = orthonormal_bytes::<T>(longer, l)
        .max(left + second)
        .max(left + product + u)
        .max(left + thin_bytes(shorter, l))
        .max(left + u + v + of_right)
        .max(left + v + of_right + Buffer::<T>::bytes(l * k) + of_left);
    // products of decompositions keep memory from the first one on
    (q + first).max(kept_by_products() + decomposing)
}

/// A, projected to a basis of a space of its rows.
struct Projected<T> {
    /// P, with as many columns as the basis.
    left: Vec<T>,
    /// Aᵀ P = X diag(s) Yᵀ.
    thin: Thin,
}

impl<T: Real> Projected<T> {
    fn of(operand: &Operand<'_, T>, transposed: bool, q: Vec<T>, l: usize) -> Result<Self, Error> {
        let product = operand.times(transposed, &q, l)?;
        drop(q);
        let (left, l) = orthonormal(product, l);
        let thin = thin(column_major(operand.times(!transposed, &left, l)?, l))?;
        Ok(Self { left, thin })
    }

    fn triplets(self, k: usize, transposed: bool, workers: usize) -> Result<Triplets<T>, Error> {
        let Self { left, thin: Thin { u, s, v } } = self;
        let l = s.len();
        let right = row_major(&u, k);
        drop(u);
        let view = View::row_major(&left, left.len() / l, l)?;
        let source = DenseSource::new(view, T::ONE, Products::Fused)?;
        let left = Operand::new(Sources::of(&source), false, workers).times(false, &row_major(&v, k), k)?;
        Ok(Triplets::of(left, &s[..k], right, transposed))
    }
}

fn normal<T: Real>(rows: usize, cols: usize, stream: &mut RandomState) -> Vec<T> {
    allocate::collected((0..rows * cols).map(|_| T::from_f64(stream.standard_normal())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::testing::of_view;

    fn leading_of(v: View<'_, f64>, k: usize, workers: usize) -> Triplets<f64> {
        of_view(v, 1.0, workers, |data| leading(data, k)).unwrap()
    }

    /// Σ s_t u_t x_tᵀ for s_t falling by `ratio`, from random vectors that are nearly orthogonal.
    fn falling(m: usize, n: usize, ratio: f64) -> Vec<f64> {
        let mut r = RandomState::new(5);
        let (a, b) = (normal::<f64>(m, 8, &mut r), normal::<f64>(n, 8, &mut r));
        let at = |i: usize, j: usize| {
            (0..8).map(|t| a[i * 8 + t].abs() * b[j * 8 + t].abs() * ratio.powi(t as i32)).sum()
        };
        (0..m * n).map(|i| at(i / n, i % n)).collect()
    }

    /// ‖V x − s u‖ and ‖Vᵀ u − s x‖ over s₁, and how far from orthonormal U and X are.
    fn residual(v: View<'_, f64>, k: usize, found: &Triplets<f64>) -> f64 {
        let (vx, vu) = of_view(v, 1.0, 1, |data| {
            (
                data.operand().times(false, &found.x, k).unwrap(),
                data.operand().times(true, &found.u, k).unwrap(),
            )
        });
        let mut worst = 0.0_f64;
        for (left, right) in [(&vx, &found.u), (&vu, &found.x)] {
            for (i, (a, b)) in left.iter().zip(right).enumerate() {
                let off = (a - found.s[i % k] * b).abs() / found.s[0];
                assert!(off.is_finite());
                worst = worst.max(off);
            }
            for s in 0..k {
                for t in 0..k {
                    let dot: f64 = right.chunks_exact(k).map(|row| row[s] * row[t]).sum();
                    worst = worst.max((dot - f64::from(s == t)).abs());
                }
            }
        }
        worst
    }

    #[test]
    fn both_ways_find_singular_triplets() {
        for (m, n) in [(40, 40), (90, 33), (33, 90), (1200, 1000), (950, 1150)] {
            let data = falling(m, n, 0.3);
            let v = View::row_major(&data, m, n).unwrap();
            let exact = leading_of(v, 4, 1);
            assert!(residual(v, 4, &exact) < 1e-11, "{m}×{n}: {}", residual(v, 4, &exact));
            let stream = &mut RandomState::new(1);
            let found = of_view(v, 1.0, 1, |data| randomized(&data.operand(), (m, n), 4, stream, 1)).unwrap();
            assert!(residual(v, 4, &found) < 1e-11, "{m}×{n}: {}", residual(v, 4, &found));
            for (a, b) in found.u.iter().chain(&found.x).zip(exact.u.iter().chain(&exact.x)) {
                assert!((a - b).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn a_slowly_falling_spectrum_settles() {
        let (m, n, k) = (1300, 900, 3);
        let data = falling(m, n, 0.85);
        let v = View::row_major(&data, m, n).unwrap();
        let found = leading_of(v, k, 2);
        assert!(residual(v, k, &found) < 1e-9, "{}", residual(v, k, &found));
    }

    #[test]
    fn rank_deficient_data_has_zero_values_and_finite_vectors() {
        for (m, n) in [(12, 7), (7, 12), (30, 30)] {
            for data in [vec![0.0; m * n], vec![1.0; m * n]] {
                let v = View::row_major(&data, m, n).unwrap();
                let stream = &mut RandomState::new(1);
                let random = of_view(v, 1.0, 1, |data| randomized(&data.operand(), (m, n), 5, stream, 1));
                for found in [leading_of(v, 5, 1), random.unwrap()] {
                    let norm = data.iter().sum::<f64>().sqrt();
                    assert!(
                        (found.s[0] - norm).abs() < 1e-12 && found.s[1..].iter().all(|s| s.abs() < 1e-12)
                    );
                    assert!(found.u.iter().chain(&found.x).all(|x| x.is_finite()));
                }
            }
        }
    }
}
