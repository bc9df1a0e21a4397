//! Multiplicative noise: V∘U with U uniform from 1 − ε to 1 + ε, as in NMFk (Alexandrov et al. 2013,
//! doi:10.1016/j.celrep.2012.12.008, and its successors).
//!
//! The mean of U is 1, so that the noise has no bias; its variance is ε²/3. Zeros stay zeros, and what is missing stays missing.

use orthant::{Error, Matrix, Real};
use rand_distr::{Distribution, Uniform};

use crate::data::{self, Part, stream};

/// The data of a replicate. The draws of a row are a stream of its own, in which zeros take no part: they may be stored or not.
///
/// # Panics
/// If `bound` is not above 0 and at most 1.
pub fn scattered<T: Real>(
    v: &Matrix<'_, T>,
    bound: f64,
    seed: u32,
    replicate: usize,
) -> Result<Part<T>, Error> {
    let factors = Uniform::new_inclusive(1.0 - bound, 1.0 + bound).expect("the bound is checked");
    data::replaced(v, |i, row| {
        let mut stream = stream(&format!("{seed}/noise-data/{replicate}/{i}"));
        for x in row.iter_mut().filter(|x| **x != T::ZERO) {
            let y = T::from_f64(x.to_f64() * factors.sample(&mut stream));
            // the largest numbers stay below infinity
            if y.is_finite() {
                *x = y;
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dense;
    use orthant::{Csr, Dense, ToMatrix};

    /// Bounds, and the mean and the variance of a uniform number within five standard errors.
    #[test]
    fn noise_is_uniform_and_has_no_bias() {
        let (m, n, bound) = (400, 100, 0.2);
        let v = Dense::from_fn(m, n, |i, j| (1 + (i * 7 + j) % 5) as f64);
        let new = dense(&scattered(&v.to_matrix().unwrap(), bound, 4, 2).unwrap());
        let ratios: Vec<f64> = new.as_slice().iter().zip(v.as_slice()).map(|(x, y)| x / y).collect();
        assert!(ratios.iter().all(|x| (0.8 - 1e-12..=1.2 + 1e-12).contains(x)));
        let count = (m * n) as f64;
        let mean = ratios.iter().sum::<f64>() / count;
        let variance = ratios.iter().map(|x| (x - 1.0).powi(2)).sum::<f64>() / count;
        let expected = bound * bound / 3.0;
        assert!((mean - 1.0).abs() < 5.0 * (expected / count).sqrt(), "{mean}");
        // the fourth moment of a uniform number is ε⁴/5
        let error = ((bound.powi(4) / 5.0 - expected.powi(2)) / count).sqrt();
        assert!((variance - expected).abs() < 5.0 * error, "{variance}");
        let reach = |x: f64| ratios.iter().filter(|ratio| (*ratio - x).abs() < 0.005).count();
        assert!(reach(0.8) > 0 && reach(1.2) > 0);
    }

    #[test]
    fn zeros_and_missing_entries_stay_and_dense_is_sparse() {
        let v = Dense::from_fn(12, 9, |i, j| ((i * j) % 4) as f64);
        let sparse = Csr::of_dense(&v);
        let new = dense(&scattered(&v.to_matrix().unwrap(), 0.5, 1, 0).unwrap());
        assert_eq!(new, dense(&scattered(&sparse.to_matrix().unwrap(), 0.5, 1, 0).unwrap()));
        assert!(new.as_slice().iter().zip(v.as_slice()).all(|(x, y)| (*x == 0.0) == (*y == 0.0)));
        let huge = Dense::from_vec(vec![f64::MAX, f64::NAN, 0.0, 1.0], 1, 4).unwrap();
        for replicate in 0..20 {
            let new = dense(&scattered(&huge.to_matrix().unwrap(), 1.0, 1, replicate).unwrap());
            assert!(new[(0, 0)].is_finite() && new[(0, 1)].is_nan() && new[(0, 2)] == 0.0);
        }
    }
}
