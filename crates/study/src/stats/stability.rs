//! How often components come back, and how alike they are then.

use super::matching::Clusters;
use super::units::{Units, dot};

/// For each cluster the share of replicates that have a member within `cosine` of its centre.
pub fn support(replicates: &[Units], clusters: &Clusters, cosine: f64) -> Vec<f64> {
    let mut near = vec![0_usize; clusters.centres.len()];
    for (units, labels) in replicates.iter().zip(&clusters.labels) {
        for (t, c) in labels.iter().enumerate().filter_map(|(t, label)| Some((t, (*label)?))) {
            near[c] += usize::from(dot(units.row(t), clusters.centres.row(c)) >= cosine);
        }
    }
    near.into_iter().map(|near| near as f64 / replicates.len() as f64).collect()
}

/// 1 less the mean cosine of two members of a cluster, from different replicates, averaged over clusters with two members or
/// more. None where there is no such cluster.
///
/// The products of all pairs are (‖Σx‖² − Σ‖x‖²)/2, so that no pair is looked at.
pub fn instability(replicates: &[Units], clusters: &Clusters) -> Option<f64> {
    let n = clusters.centres.n();
    let mut values = Vec::new();
    for c in 0..clusters.centres.len() {
        let (mut sum, mut squares, mut size) = (vec![0.0; n], 0.0, 0.0);
        for (r, t) in clusters.members(c) {
            let x = replicates[r].row(t);
            sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += x);
            squares += dot(x, x);
            size += 1.0;
        }
        if size > 1.0 {
            values.push(1.0 - (dot(&sum, &sum) - squares) / (size * (size - 1.0)));
        }
    }
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::hash;
    use crate::stats::matching::match_replicates;

    #[test]
    fn as_by_all_pairs() {
        let (k, n, replicates) = (3, 5, 6);
        let units: Vec<Units> = (0..replicates)
            .map(|r| {
                let entry = |e: usize| {
                    (hash(&format!("{r} {e}")) % 100) as f64 + 200.0 * f64::from(e.is_multiple_of(n + 1))
                };
                Units::of(n, (0..k * n).map(entry).collect())
            })
            .collect();
        let clusters = match_replicates(&units, &[0, 1]);
        let mut expected = 0.0;
        for c in 0..k {
            let members: Vec<&[f64]> = clusters.members(c).map(|(r, t)| units[r].row(t)).collect();
            for a in 0..replicates {
                for b in 0..a {
                    let cosine: f64 = members[a].iter().zip(members[b]).map(|(x, y)| x * y).sum();
                    expected += (1.0 - cosine) / (k * replicates * (replicates - 1) / 2) as f64;
                }
            }
        }
        let found = instability(&units, &clusters).unwrap();
        assert!((found - expected).abs() < 1e-13, "{found} for {expected}");
        assert_eq!(instability(&units[..1], &match_replicates(&units[..1], &[0])), None);
    }

    #[test]
    fn support_counts_near_members() {
        let near = Units::of(2, vec![1.0, 0.0, 0.0, 1.0]);
        let far = Units::of(2, vec![1.0, 0.0, 1.0, 1.1]);
        let units = vec![near.clone(), near.clone(), near, far];
        let clusters = match_replicates(&units, &[0]);
        assert_eq!(support(&units, &clusters, 0.9), [1.0, 0.75]);
        assert_eq!(support(&units, &clusters, 0.5), [1.0, 1.0]);
    }
}
