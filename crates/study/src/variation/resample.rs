//! Counts drawn again: the parametric bootstrap of SigProfilerExtractor (Islam et al. 2022, doi:10.1016/j.xgen.2022.100179).
//!
//! A row with total N and entries v_j becomes a multinomial draw of N with probabilities v_j/N. Totals of rows stay, zeros stay zeros,
//! entry j has mean v_j and variance v_j(1 − v_j/N). The draw goes along the row: what entry j gets of the counts that are left is
//! binomial, with probability v_j over the sum of the entries from j on.

use orthant::{Error, Matrix, Real};
use rand_distr::{Binomial, Distribution};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::StudyError;
use crate::data::{self, Part, stream};
use crate::error::unsupported;

/// Up to here all whole numbers are doubles, and a sum of them is exact.
const MOST: f64 = (1_u64 << 53) as f64;

/// Refuses what cannot be drawn again.
///
/// # Errors
/// [`StudyError::NotCounts`], [`Error::Unsupported`].
pub fn check<T: Real>(v: &Matrix<'_, T>, beta: f64, whole: bool) -> Result<(), StudyError> {
    if !whole {
        return Err(unsupported(
            "resampling data of which entries are missing or weighted",
            "vary starts and noise go with it",
        )
        .into());
    }
    if let Some((row, col, value)) = data::no_count(v) {
        return Err(StudyError::NotCounts { row, col, value });
    }
    if beta <= 0.0 {
        return Err(unsupported(
            "resampling under a loss of β ≤ 0, which needs every entry above 0",
            "loss kl goes with resampled counts, and vary noise with this loss",
        )
        .into());
    }
    if data::total(v) > MOST {
        return Err(unsupported(
            "resampling counts of which there are more than 2^53",
            "vary noise goes with any data",
        )
        .into());
    }
    Ok(())
}

/// The counts of a replicate. The draws of a row are a stream of its own, in which zeros take no part: they may be stored or not.
pub fn counts<T: Real>(v: &Matrix<'_, T>, seed: u32, replicate: usize) -> Result<Part<T>, Error> {
    data::replaced(v, |i, row| draw(row, &mut stream(&format!("{seed}/resample-data/{replicate}/{i}"))))
}

fn draw<T: Real>(row: &mut [T], stream: &mut Xoshiro256PlusPlus) {
    // the sum of the entries that are to come, and the counts that they get
    let mut mass: u64 = row.iter().map(|x| x.to_f64() as u64).sum();
    let mut left = mass;
    for x in row {
        let count = x.to_f64() as u64;
        if count == 0 {
            continue;
        }
        let share = count as f64 / mass as f64;
        let drawn = match count == mass {
            true => left,
            false => Binomial::new(left, share).map_or(0, |binomial| binomial.sample(stream)).min(left),
        };
        (mass, left) = (mass - count, left - drawn);
        *x = T::from_f64(drawn as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dense;
    use orthant::{Csr, Dense, ToMatrix};

    fn drawn(v: &Dense<f64>, seed: u32, replicate: usize) -> Dense<f64> {
        dense(&counts(&v.to_matrix().unwrap(), seed, replicate).unwrap())
    }

    /// Means, variances and covariances of a multinomial, each within five standard errors of 20,000 draws.
    #[test]
    fn moments_are_those_of_a_multinomial() {
        const DRAWS: usize = 20_000;
        // few and many counts, so that both of the binomial's ways are taken, and shares on either side of a half
        for row in [[3.0, 0.0, 1.0, 6.0, 2.0], [40.0, 900.0, 0.0, 7.0, 253.0]] {
            let total: f64 = row.iter().sum();
            let v = Dense::from_fn(DRAWS, row.len(), |_, j| row[j]);
            let draws = drawn(&v, 3, 1);
            let count = DRAWS as f64;
            let mean = |of: &dyn Fn(&[f64]) -> f64| (0..DRAWS).map(|i| of(draws.row(i))).sum::<f64>() / count;
            for (j, &x) in row.iter().enumerate() {
                let variance = x * (1.0 - x / total);
                assert!((mean(&|row| row[j]) - x).abs() <= 5.0 * (variance / count).sqrt(), "mean of {x}");
                let found = mean(&|row| (row[j] - x).powi(2));
                // the variance of a squared deviation is up to 3 times its square, and more for rare counts
                let error = ((2.0 * variance.powi(2) + variance) / count).sqrt();
                assert!((found - variance).abs() <= 5.0 * error, "variance of {x}: {found} {variance}");
                for (l, &y) in row.iter().enumerate().filter(|(l, _)| *l != j) {
                    let covariance = -x * y / total;
                    let found = mean(&|row| (row[j] - x) * (row[l] - y));
                    let error = ((variance * y + covariance.powi(2)) / count).sqrt();
                    assert!(
                        (found - covariance).abs() <= 5.0 * error + 1e-12,
                        "{x}, {y}: {found} {covariance}"
                    );
                }
            }
        }
    }

    #[test]
    fn totals_and_zeros_stay_and_dense_is_sparse() {
        let v = Dense::from_fn(40, 25, |i, j| if i == 7 { 0.0 } else { ((i * j) % 7 * (i % 3)) as f64 });
        let sparse = Csr::of_dense(&v);
        let mut replicates = Vec::new();
        for replicate in 0..3 {
            let new = drawn(&v, 5, replicate);
            let of_sparse = counts(&sparse.to_matrix().unwrap(), 5, replicate).unwrap();
            assert_eq!(new, dense(&of_sparse));
            for i in 0..40 {
                let sum = |x: &[f64]| x.iter().sum::<f64>();
                assert_eq!(sum(new.row(i)), sum(v.row(i)));
                assert!((0..25).all(|j| v[(i, j)] > 0.0 || new[(i, j)] == 0.0));
            }
            assert!(!replicates.contains(&new));
            replicates.push(new);
        }
        assert!(drawn(&v, 6, 0) != replicates[0]);
    }

    /// Sums that are as large as they may be, and entries that are next to nothing beside others.
    #[test]
    fn large_and_small_counts_keep_their_totals() {
        let row = [2f64.powi(52), 1.0, 2f64.powi(40), 3.0, 2f64.powi(51)];
        let v = Dense::from_fn(50, 5, |_, j| row[j]);
        check(&v.to_matrix().unwrap(), 1.0, true).unwrap_err();
        let v = Dense::from_fn(1, 5, |_, j| row[j]);
        check(&v.to_matrix().unwrap(), 1.0, true).unwrap();
        for replicate in 0..200 {
            let new = drawn(&v, 1, replicate);
            let sum = |row: &[f64]| row.iter().map(|x| *x as u64).sum::<u64>();
            assert_eq!(sum(new.row(0)), sum(&row));
        }
    }
}
