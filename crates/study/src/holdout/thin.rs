//! Counts shared out among folds.
//!
//! If a count is Poisson, the parts of it that a multinomial draw gives to K folds are independent: what a fit of all but one fold
//! says of that fold is an honest test (Neufeld et al. 2024, arXiv 2301.07276). Zeros stay zeros.

use orthant::{Csr, Dense, Error, Matrix, Real};
use rand_distr::{Binomial, Distribution};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::data::{self, Builder, Part, each};

/// V without its part in a fold, and that part, of a matrix by rows with counts. All folds of one `seed` add up to V. The draws of
/// a row are a stream of its own.
pub fn split<T: Real>(
    v: &Matrix<'_, T>,
    folds: usize,
    fold: usize,
    seed: u32,
) -> Result<(Part<T>, Csr<'static, T>), Error> {
    let (m, n) = (v.nrows(), v.ncols());
    let (mut train, mut test) = (Builder::new(), Builder::new());
    let mut dense = matches!(v, Matrix::Dense(_)).then(|| Dense::zeros(m, n));
    for i in 0..m {
        let mut stream = data::stream(&format!("{seed}/thin-data/{i}"));
        each(v, i, |j, x| {
            let count = x.to_f64() as u64;
            // zeros take no draws, so that they may be stored or not
            let held = if count == 0 { 0 } else { share(count, folds, fold, &mut stream) };
            if held > 0 {
                test.push(j as u32, T::from_f64(held as f64));
            }
            let rest = T::from_f64((count - held) as f64);
            match &mut dense {
                Some(dense) => dense[(i, j)] = rest,
                None if count > held => train.push(j as u32, rest),
                None => {}
            }
        });
        train.end_row();
        test.end_row();
    }
    let train = match dense {
        Some(dense) => Part::Dense(dense),
        None => Part::Sparse(train.build(m, n)?),
    };
    Ok((train, test.build(m, n)?))
}

/// What one fold gets of a count. The stream moves on by the draws for all folds.
fn share(count: u64, folds: usize, fold: usize, stream: &mut Xoshiro256PlusPlus) -> u64 {
    let (mut left, mut held) = (count, 0);
    for f in 0..folds {
        let given = match folds - f {
            1 => left,
            rest => Binomial::new(left, 1.0 / rest as f64).map_or(0, |binomial| binomial.sample(stream)),
        };
        left -= given;
        if f == fold {
            held = given;
        }
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;
    use orthant::ToMatrix;

    #[test]
    fn folds_add_up_and_dense_is_sparse() {
        let v = Dense::from_fn(40, 25, |i, j| ((i * j) % 7 * (i % 3)) as f64);
        let sparse = Csr::of_dense(&v);
        let mut sum = Dense::<f64>::zeros(40, 25);
        for fold in 0..4 {
            let (train, test) = split(&v.to_matrix().unwrap(), 4, fold, 5).unwrap();
            let (other, of_sparse) = split(&sparse.to_matrix().unwrap(), 4, fold, 5).unwrap();
            let (Part::Dense(train), Part::Sparse(other)) = (train, other) else { panic!("as they came") };
            assert_eq!(train, other.to_dense());
            let test = test.to_dense();
            assert_eq!(test, of_sparse.to_dense());
            for i in 0..40 {
                for j in 0..25 {
                    assert_eq!(train[(i, j)] + test[(i, j)], v[(i, j)]);
                    sum[(i, j)] += test[(i, j)];
                }
            }
        }
        assert_eq!(sum, v);
    }

    /// Mean and variance of the part of a fold are those of a binomial, and two folds' parts of Poisson counts are uncorrelated.
    #[test]
    fn parts_are_binomial() {
        for (count, folds) in [(3.0, 5), (1000.0, 4)] {
            let v = Dense::from_fn(300, 100, |_, _| count);
            let parts: Vec<f64> =
                split(&v.to_matrix().unwrap(), folds, 1, 9).unwrap().1.to_dense().as_slice().to_vec();
            let mean = parts.iter().sum::<f64>() / 3e4;
            let variance = parts.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 3e4;
            let p = 1.0 / folds as f64;
            let deviation = (count * p * (1.0 - p)).sqrt();
            assert!((mean - count * p).abs() < 4.0 * deviation / 3e4_f64.sqrt(), "{mean}");
            assert!((variance / deviation.powi(2) - 1.0).abs() < 0.05, "{variance}");
        }
    }
}
