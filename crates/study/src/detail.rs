//! What a report shows of a rank beyond its row: the middle of each kind of component, and how alike all of them are.

use std::collections::BTreeMap;

use orthant_io::{Fingerprint, Scalar};
use rayon::prelude::*;

use crate::ranks::Ranks;
use crate::stats::units::dot;
use crate::{Member, StudyError, Thresholds};

/// How alike components are: their cosines, in an order of the caller's.
#[derive(Clone, Debug, PartialEq)]
pub struct Cosines {
    /// Where each row of the matrix begins in that order; one number more than there are rows, the last being how many components
    /// there are.
    pub bounds: Vec<usize>,
    /// The mean cosine of the components of two rows, with themselves among them.
    pub matrix: Vec<f64>,
}

impl<T: Scalar> Ranks<T> {
    /// What is studied: its shape and its hash.
    pub fn input(&self) -> &Fingerprint {
        &self.manifest.input
    }

    /// The release that the fits were made by.
    pub fn version(&self) -> &str {
        &self.manifest.orthant
    }

    /// What a rank needs to be called stable.
    pub fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }

    /// Ranks of which every fit failed, each with the reason of the first.
    pub fn without_fits(&self) -> &[(usize, String)] {
        &self.failed
    }

    /// Each rank with the number of its fits that are compared, those that failed among them.
    ///
    /// # Errors
    /// [`StudyError::Io`].
    pub fn replicates(&self) -> Result<Vec<(usize, usize)>, StudyError> {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for key in self.keys()?.into_iter().filter(|key| !key.kind.holds_out()) {
            *counts.entry(key.rank).or_default() += 1;
        }
        Ok(counts.into_iter().collect())
    }

    /// The mean of each kind of component at Euclidean length 1, in the order of [`Row::components`](crate::Row::components). A
    /// component that is 0 in every fit stays 0.
    ///
    /// # Errors
    /// [`StudyError::NoRank`], [`StudyError::NoFits`], [`StudyError::Io`].
    pub fn centres(&self, rank: usize) -> Result<Vec<Vec<f64>>, StudyError> {
        let centres = self.fits_of(rank)?.clusters.centres;
        Ok((0..centres.len()).map(|c| centres.row(c).to_vec()).collect())
    }

    /// The cosines of components of a rank's fits, each with each. Where there are more than `most`, neighbours in that order share a
    /// row, and the matrix has means: those of two rows are the inner product of the rows' mean vectors, so that no larger matrix is made.
    ///
    /// # Errors
    /// [`StudyError::NoRank`], [`StudyError::NoFits`], [`StudyError::Io`].
    ///
    /// # Panics
    /// If a member is of no fit of that rank, or `most` is 0.
    pub fn cosines(&self, rank: usize, order: &[Member], most: usize) -> Result<Cosines, StudyError> {
        let matched = self.fits_of(rank)?;
        let unit = |member: &Member| {
            let r =
                matched.replicates.iter().position(|&r| r == member.replicate).expect("a fit of the rank");
            matched.units[r].row(member.row)
        };
        let rows = order.len().min(most);
        let bounds: Vec<usize> = (0..=rows).map(|b| b * order.len() / rows.max(1)).collect();
        let means: Vec<Vec<f64>> = bounds
            .windows(2)
            .map(|bound| {
                let mut mean = vec![0.0; matched.clusters.centres.n()];
                for member in &order[bound[0]..bound[1]] {
                    mean.iter_mut().zip(unit(member)).for_each(|(mean, x)| *mean += x);
                }
                let count = (bound[1] - bound[0]) as f64;
                mean.iter_mut().for_each(|x| *x /= count);
                mean
            })
            .collect();
        let row = |a: &Vec<f64>| means.iter().map(|b| dot(a, b)).collect::<Vec<f64>>();
        let matrix = means.par_iter().map(row).collect::<Vec<_>>().concat();
        Ok(Cosines { bounds, matrix })
    }
}

#[cfg(test)]
mod tests {
    use orthant::Dense;

    use crate::{Density, Study};

    /// By plain loops over the components of the consensus' members.
    #[test]
    fn cosines_are_means_over_the_members_of_two_rows() {
        let v = Dense::from_fn(24, 9, |i, j| {
            ((i * 7 + j * 5) % 11) as f64 + f64::from(u8::from(i % 3 == j % 3)) * 9.0
        });
        let ranks = Study::new([3]).replicates(5).fit(&v).unwrap();
        let members = ranks.consensus(&v, 3, Density::Off).unwrap().members;
        let full = ranks.cosines(3, &members, 100).unwrap();
        assert_eq!(full.bounds, (0..=15).collect::<Vec<_>>());
        let component = |e: usize| -> Vec<f64> {
            let fits = ranks.fits_of(3).unwrap();
            fits.fits[members[e].replicate].h.row(members[e].row).to_vec()
        };
        let cosine = |x: &[f64], y: &[f64]| {
            let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
            product(x, y) / (product(x, x) * product(y, y)).sqrt()
        };
        let plain: Vec<Vec<f64>> =
            (0..15).map(|a| (0..15).map(|b| cosine(&component(a), &component(b))).collect()).collect();
        for (a, row) in plain.iter().enumerate() {
            for (b, expected) in row.iter().enumerate() {
                assert!((full.matrix[a * 15 + b] - expected).abs() < 1e-12);
            }
        }
        let few = ranks.cosines(3, &members, 4).unwrap();
        assert_eq!(few.bounds, [0, 3, 7, 11, 15]);
        let mean: f64 =
            (3..7).flat_map(|a| (11..15).map(move |b| (a, b))).map(|(a, b)| plain[a][b]).sum::<f64>() / 16.0;
        assert!((few.matrix[4 + 3] - mean).abs() < 1e-12);
        assert_eq!(ranks.replicates().unwrap(), [(3, 5)]);
        let centres = ranks.centres(3).unwrap();
        assert_eq!(centres.len(), 3);
        assert!(centres.iter().all(|centre| (centre.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-12));
    }
}
