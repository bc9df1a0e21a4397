//! Silhouettes by cosine distance, without a matrix of distances.
//!
//! A mean of cosine distances is 1 less a mean of inner products, and that is the product with the sum of a cluster. So the cost
//! is N·k·n for N members in k clusters. P. J. Rousseeuw, J. Comput. Appl. Math. 20 (1987), doi:10.1016/0377-0427(87)90125-7.

use rayon::prelude::*;

use super::matching::Clusters;
use super::units::{Units, dot};

/// How much nearer members are to their own cluster than to the next.
#[derive(Clone, Debug, PartialEq)]
pub struct Silhouettes {
    /// The mean over all members.
    pub mean: f64,
    /// The mean over the members of each cluster; 0 of a cluster without any.
    pub clusters: Vec<f64>,
}

/// The silhouettes (b − a)/max(a, b) of all members: a is a member's mean distance to the others of its cluster, b the smallest
/// of its mean distances to other clusters. It is 0 of a member that is alone, and 1 by convention where there is one cluster.
pub fn silhouettes(replicates: &[Units], clusters: &Clusters) -> Silhouettes {
    let (k, n) = (clusters.centres.len(), clusters.centres.n());
    let mut sums = vec![0.0; k * n];
    let mut sizes = vec![0_usize; k];
    let members = || {
        replicates.iter().zip(&clusters.labels).flat_map(|(units, labels)| {
            labels.iter().enumerate().filter_map(|(t, label)| Some((units.row(t), (*label)?)))
        })
    };
    for (x, c) in members() {
        sums[c * n..][..n].iter_mut().zip(x).for_each(|(sum, x)| *sum += x);
        sizes[c] += 1;
    }
    let mut means = vec![0.0; k];
    for (x, own) in members() {
        let to = |c: usize| dot(x, &sums[c * n..][..n]);
        let others = (0..k).filter(|&c| c != own && sizes[c] > 0);
        let b = others.map(|c| 1.0 - to(c) / sizes[c] as f64).min_by(f64::total_cmp);
        means[own] += match b {
            None => 1.0,
            Some(_) if sizes[own] == 1 => 0.0,
            Some(b) => {
                let rest = (sizes[own] - 1) as f64;
                let a = (rest - (to(own) - dot(x, x))) / rest;
                let most = a.max(b);
                if most > 0.0 { (b - a) / most } else { 0.0 }
            }
        };
    }
    let all: f64 = means.iter().sum();
    let members: usize = sizes.iter().sum();
    means.iter_mut().zip(&sizes).for_each(|(mean, &size)| *mean /= size.max(1) as f64);
    Silhouettes { mean: all / members.max(1) as f64, clusters: means }
}

/// The mean silhouette by Euclidean distances, of all members: what scikit-learn computes of them.
///
/// Cost: N²·n for N members, in memory for N distances a thread.
pub fn euclidean(replicates: &[Units], clusters: &Clusters) -> f64 {
    let k = clusters.centres.len();
    let members: Vec<(&[f64], usize)> = replicates
        .iter()
        .zip(&clusters.labels)
        .flat_map(|(units, labels)| {
            labels.iter().enumerate().filter_map(|(t, label)| Some((units.row(t), (*label)?)))
        })
        .collect();
    let mut sizes = vec![0_usize; k];
    members.iter().for_each(|&(_, c)| sizes[c] += 1);
    if sizes.iter().filter(|&&size| size > 0).count() < 2 {
        return 1.0;
    }
    let squares: Vec<f64> = members.iter().map(|(x, _)| dot(x, x)).collect();
    let one = |(i, &(x, own)): (usize, &(&[f64], usize))| {
        if sizes[own] == 1 {
            return 0.0;
        }
        let mut sums = vec![0.0; k];
        for (j, &(y, c)) in members.iter().enumerate().filter(|&(j, _)| j != i) {
            sums[c] += (squares[i] + squares[j] - 2.0 * dot(x, y)).max(0.0).sqrt();
        }
        let a = sums[own] / (sizes[own] - 1) as f64;
        let others = (0..k).filter(|&c| c != own && sizes[c] > 0).map(|c| sums[c] / sizes[c] as f64);
        let b = others.fold(f64::INFINITY, f64::min);
        let most = a.max(b);
        if most > 0.0 { (b - a) / most } else { 0.0 }
    };
    let each: Vec<f64> = members.par_iter().enumerate().map(one).collect();
    each.iter().sum::<f64>() / members.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::hash;
    use crate::stats::matching::match_replicates;

    /// By all distances, as the definition has it.
    fn plain(points: &[(&[f64], usize)], k: usize) -> Vec<f64> {
        let distance = |x: &[f64], y: &[f64]| {
            let norm = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
            1.0 - x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>() / (norm(x) * norm(y))
        };
        let one = |(i, &(x, own)): (usize, &(&[f64], usize))| {
            let mean = |c: usize| {
                let others = points.iter().enumerate().filter(|&(j, &(_, of))| j != i && of == c);
                let distances: Vec<f64> = others.map(|(_, (y, _))| distance(x, y)).collect();
                distances.iter().sum::<f64>() / distances.len() as f64
            };
            let (a, b) = (mean(own), (0..k).filter(|&c| c != own).map(mean).fold(f64::INFINITY, f64::min));
            if a.is_nan() { 0.0 } else { (b - a) / a.max(b) }
        };
        points.iter().enumerate().map(one).collect()
    }

    #[test]
    fn as_by_all_distances() {
        for (case, (replicates, k)) in [(2, 2), (5, 3), (8, 4), (1, 3)].into_iter().enumerate() {
            let entry = |e: usize| (hash(&format!("{case} {e}")) % 1000) as f64 / 1000.0;
            let units: Vec<Units> = (0..replicates)
                .map(|r| {
                    Units::of(7, (0..7 * k).map(|e| entry(r * 1000 + e) + f64::from(e % k == 0)).collect())
                })
                .collect();
            let clusters = match_replicates(&units, &[0]);
            let points: Vec<(&[f64], usize)> = units
                .iter()
                .zip(&clusters.labels)
                .flat_map(|(units, labels)| (0..k).map(|t| (units.row(t), labels[t].unwrap())))
                .collect();
            let expected = plain(&points, k);
            let found = silhouettes(&units, &clusters);
            let mean = expected.iter().sum::<f64>() / expected.len() as f64;
            assert!((found.mean - mean).abs() < 1e-12, "{} for {mean}", found.mean);
            for c in 0..k {
                let of: Vec<f64> =
                    points.iter().zip(&expected).filter(|((_, own), _)| *own == c).map(|(_, s)| *s).collect();
                assert!((found.clusters[c] - of.iter().sum::<f64>() / of.len() as f64).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn one_cluster_is_one_by_convention_and_zeros_are_near_nothing() {
        let units = vec![Units::of(2, vec![1.0, 2.0]), Units::of(2, vec![2.0, 1.0])];
        assert_eq!(silhouettes(&units, &match_replicates(&units, &[0])).mean, 1.0);
        let units = vec![Units::of(2, vec![0.0, 0.0, 1.0, 0.0]), Units::of(2, vec![0.0, 0.0, 1.0, 0.0])];
        let found = silhouettes(&units, &match_replicates(&units, &[0]));
        assert_eq!(found.clusters, [0.0, 1.0]);
    }
}
