//! Components that are like few others, as cNMF leaves them out (Kotliar et al. 2019, doi:10.7554/eLife.43803).

use rayon::prelude::*;

use super::quantile::median;
use super::units::{Units, dot};

/// The share of the replicates that are neighbours.
const NEIGHBOURS: f64 = 0.30;

/// The mean Euclidean distance of each component, at length 1, to its nearest others: as many as 0.3 of the replicates, and at
/// least one. By replicate and component. 0 of a single replicate, which has none like its own.
///
/// Cost: (R·k)²·n, in memory for R·k distances a thread.
pub fn densities(replicates: &[Units]) -> Vec<Vec<f64>> {
    let all: Vec<&[f64]> =
        replicates.iter().flat_map(|units| (0..units.len()).map(|t| units.row(t))).collect();
    let neighbours =
        ((NEIGHBOURS * replicates.len() as f64) as usize).max(1).min(all.len().saturating_sub(1));
    let mean = |(i, x): (usize, &&[f64])| {
        if replicates.len() == 1 || neighbours == 0 {
            return 0.0;
        }
        let others = all.iter().enumerate().filter(|&(j, _)| j != i);
        let mut squares: Vec<f64> =
            others.map(|(_, y)| (dot(x, x) + dot(y, y) - 2.0 * dot(x, y)).max(0.0)).collect();
        squares.select_nth_unstable_by(neighbours - 1, f64::total_cmp);
        squares.truncate(neighbours);
        // in order, so that the sum does not depend on how they were selected
        squares.sort_unstable_by(f64::total_cmp);
        squares.iter().map(|square| square.sqrt()).sum::<f64>() / neighbours as f64
    };
    let flat: Vec<f64> = all.par_iter().enumerate().map(mean).collect();
    let mut flat = flat.into_iter();
    replicates.iter().map(|units| flat.by_ref().take(units.len()).collect()).collect()
}

/// The least threshold that is found: what is nearer than this to its like is as good as the same.
const NEAR: f64 = 0.05;
/// The largest, which is cNMF's.
const FAR: f64 = 0.5;

/// The threshold that goes with the data: five robust standard deviations above the median, from 0.05 to 0.5.
pub fn automatic_threshold(densities: &[Vec<f64>]) -> f64 {
    let all: Vec<f64> = densities.iter().flatten().copied().collect();
    let middle = median(&all);
    let deviations: Vec<f64> = all.iter().map(|x| (x - middle).abs()).collect();
    (middle + 5.0 * 1.4826 * median(&deviations)).clamp(NEAR, FAR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::hash;

    #[test]
    fn as_by_all_distances() {
        let entry = |r: usize, e: usize| (hash(&format!("{r}-{e}")) % 17) as f64;
        let units: Vec<Units> =
            (0..11).map(|r| Units::of(4, (0..8).map(|e| entry(r, e)).collect())).collect();
        let all: Vec<Vec<f64>> = units.iter().flat_map(|u| (0..2).map(|t| u.row(t).to_vec())).collect();
        let found = densities(&units);
        for (i, x) in all.iter().enumerate() {
            let distance = |y: &Vec<f64>| x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt();
            let mut distances: Vec<f64> = all.iter().map(distance).collect();
            distances.sort_by(f64::total_cmp);
            // itself comes first; int(0.3·11) = 3 neighbours
            let expected = distances[1..4].iter().sum::<f64>() / 3.0;
            assert!((found[i / 2][i % 2] - expected).abs() < 1e-7, "{} for {expected}", found[i / 2][i % 2]);
        }
    }

    #[test]
    fn the_threshold_follows_the_bulk() {
        let even = vec![vec![0.1, 0.11, 0.12], vec![0.1, 0.11, 0.9]];
        // the median is 0.11, and the median deviation 0.01
        assert!((automatic_threshold(&even) - (0.11 + 0.05 * 1.4826)).abs() < 1e-12);
        assert_eq!(automatic_threshold(&[vec![0.9, 1.0, 1.1]]), 0.5);
        assert_eq!(automatic_threshold(&[vec![1e-6, 1e-6, 2e-6]]), 0.05);
        assert_eq!(densities(&[Units::of(2, vec![1.0, 0.0])]), [vec![0.0]]);
    }
}
