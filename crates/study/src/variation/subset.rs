//! Some of the rows: a random share, or either half of a random division.

use orthant::{Error, Matrix, Real};

use crate::data::{Part, select, shuffled};
use crate::error::unsupported;

/// Refuses what has no subsets.
///
/// # Errors
/// [`Error::Unsupported`].
pub fn check(m: usize, weighted: bool) -> Result<(), Error> {
    if weighted {
        return Err(unsupported(
            "fits of some of the rows of data with weights for each entry",
            "vary starts and noise go with it",
        ));
    }
    if m < 2 {
        return Err(unsupported(
            "fits of some of the rows of a single one",
            "vary starts and noise go with it",
        ));
    }
    Ok(())
}

/// A share of the rows, one at least, in their order.
pub fn rows<T: Real>(v: &Matrix<'_, T>, share: f64, seed: u32, replicate: usize) -> Result<Part<T>, Error> {
    let count = ((share * v.nrows() as f64).round() as usize).max(1);
    let mut chosen = shuffled(v.nrows(), &format!("{seed}/rows-data/{replicate}"));
    chosen.truncate(count);
    of_rows(v, chosen)
}

/// Half of the rows: the first of division r/2 for an even replicate r, the second for an odd one.
pub fn half<T: Real>(v: &Matrix<'_, T>, seed: u32, replicate: usize) -> Result<Part<T>, Error> {
    let mut first = shuffled(v.nrows(), &format!("{seed}/halves-data/{}", replicate / 2));
    let second = first.split_off(v.nrows() / 2);
    of_rows(v, if replicate.is_multiple_of(2) { first } else { second })
}

fn of_rows<T: Real>(v: &Matrix<'_, T>, mut chosen: Vec<usize>) -> Result<Part<T>, Error> {
    chosen.sort_unstable();
    let columns: Vec<usize> = (0..v.ncols()).collect();
    select(v, &chosen, &columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dense;
    use orthant::{Csr, Dense, ToMatrix};

    /// The numbers of the rows that are chosen: the first column has them.
    fn numbers(part: &Part<f64>) -> Vec<usize> {
        let part = dense(part);
        (0..part.nrows()).map(|i| part[(i, 0)] as usize).collect()
    }

    #[test]
    fn halves_are_all_rows_and_shares_are_some() {
        let v = Dense::from_fn(11, 3, |i, j| if j == 0 { i as f64 } else { (i * j) as f64 });
        let sparse = Csr::of_dense(&v);
        let (v, sparse) = (v.to_matrix().unwrap(), sparse.to_matrix().unwrap());
        let mut divisions = Vec::new();
        for pair in 0..4 {
            let [a, b] = [0, 1].map(|h| numbers(&half(&v, 1, 2 * pair + h).unwrap()));
            assert_eq!((a.len(), b.len()), (5, 6));
            assert_eq!(numbers(&half(&sparse, 1, 2 * pair).unwrap()), a);
            let mut all = [a.clone(), b].concat();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..11));
            assert!(!divisions.contains(&a));
            divisions.push(a);
        }
        // each row is chosen as often as the others: 600 draws of 8 in 11
        let mut often = [0; 11];
        for replicate in 0..600 {
            let chosen = numbers(&rows(&v, 0.7, 1, replicate).unwrap());
            assert!(chosen.len() == 8 && chosen.windows(2).all(|pair| pair[0] < pair[1]));
            chosen.into_iter().for_each(|i| often[i] += 1);
        }
        let (p, count) = (8.0 / 11.0, 600.0);
        let error = (count * p * (1.0_f64 - p)).sqrt();
        assert!(often.iter().all(|x| (f64::from(*x) - count * p).abs() < 4.0 * error), "{often:?}");
        assert_eq!(numbers(&rows(&v, 0.001, 1, 0).unwrap()).len(), 1);
    }
}
