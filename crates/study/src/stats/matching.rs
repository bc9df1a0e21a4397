//! Components of many fits, matched one to one.
//!
//! Every replicate gives each cluster one member, so that the sum of the cosines between members and centres is as large as it
//! can be: assignment and new centres in turn, from several starts.

use super::assignment::assign;
use super::units::{Units, dot, normalise};

/// The most rounds from one start.
const ROUNDS: usize = 100;

/// Which cluster each component of each replicate belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Clusters {
    /// By replicate and component; none of a component that was left out.
    pub labels: Vec<Vec<Option<usize>>>,
    /// Means of the members, at length 1.
    pub centres: Units,
    /// The sum of the cosines between members and centres.
    pub score: f64,
}

impl Clusters {
    /// The members of a cluster as replicate and component, by replicate.
    pub fn members(&self, cluster: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let of = move |(r, labels): (usize, &Vec<Option<usize>>)| {
            labels.iter().position(|&label| label == Some(cluster)).map(|t| (r, t))
        };
        self.labels.iter().enumerate().filter_map(of)
    }
}

/// Matches the components of replicates, which have k each, from each of the replicates in `starts` as the first centres. Of
/// several results the one of the largest score is kept, and the earliest of equal ones.
///
/// Cost: R·k²·n for a round.
///
/// # Panics
/// If there is no start.
pub fn match_replicates(replicates: &[Units], starts: &[usize]) -> Clusters {
    let all: Vec<Vec<usize>> = replicates.iter().map(|units| (0..units.len()).collect()).collect();
    let mut seen: Vec<Vec<usize>> = Vec::new();
    let mut best: Option<Clusters> = None;
    for &start in starts {
        let clusters = rounds(replicates, &all, replicates[start].clone(), |labels| {
            let partition = partition(labels);
            let known = seen.contains(&partition);
            if !known {
                seen.push(partition);
            }
            known
        });
        let Some(clusters) = clusters else { continue };
        if best.as_ref().is_none_or(|best| clusters.score > best.score) {
            best = Some(clusters);
        }
    }
    best.expect("there is a start")
}

/// Goes on from centres with the components that are `kept`, by replicate.
pub fn rematch(replicates: &[Units], kept: &[Vec<usize>], centres: &Units) -> Clusters {
    rounds(replicates, kept, centres.clone(), |_| false).expect("nothing is known before")
}

/// Numbers of clusters that do not depend on the start: the component of the first replicate that is in them.
fn partition(labels: &[Vec<Option<usize>>]) -> Vec<usize> {
    let place =
        |label: Option<usize>| labels[0].iter().position(|&first| first == label).unwrap_or(usize::MAX);
    labels.iter().flatten().map(|&label| place(label)).collect()
}

/// Rounds until no label changes. Ends without a result where labels are `known`, as another start has led there.
fn rounds(
    replicates: &[Units],
    kept: &[Vec<usize>],
    mut centres: Units,
    mut known: impl FnMut(&[Vec<Option<usize>>]) -> bool,
) -> Option<Clusters> {
    let (k, n) = (centres.len(), centres.n());
    let mut labels: Vec<Vec<Option<usize>>> = Vec::new();
    for _ in 0..ROUNDS {
        let mut next = Vec::with_capacity(replicates.len());
        for (units, kept) in replicates.iter().zip(kept) {
            let cosines = |&t: &usize| (0..k).map(|c| dot(units.row(t), centres.row(c))).collect::<Vec<_>>();
            let score: Vec<f64> = kept.iter().flat_map(cosines).collect();
            let mut of = vec![None; units.len()];
            for (&t, c) in kept.iter().zip(assign(&score, kept.len(), k)) {
                of[t] = Some(c);
            }
            next.push(of);
        }
        if next == labels {
            break;
        }
        if known(&next) {
            return None;
        }
        labels = next;
        centres = means(replicates, &labels, k, n, &centres);
    }
    let cosine = |(units, labels): (&Units, &Vec<Option<usize>>)| -> f64 {
        let of = |(t, label): (usize, &Option<usize>)| label.map(|c| dot(units.row(t), centres.row(c)));
        labels.iter().enumerate().filter_map(of).sum()
    };
    let score = replicates.iter().zip(&labels).map(cosine).sum();
    Some(Clusters { labels, centres, score })
}

/// The means of members, at length 1; a cluster without any keeps its centre.
fn means(replicates: &[Units], labels: &[Vec<Option<usize>>], k: usize, n: usize, old: &Units) -> Units {
    let mut sums = vec![0.0; k * n];
    for (units, labels) in replicates.iter().zip(labels) {
        for (t, c) in labels.iter().enumerate().filter_map(|(t, label)| Some((t, (*label)?))) {
            sums[c * n..][..n].iter_mut().zip(units.row(t)).for_each(|(sum, x)| *sum += x);
        }
    }
    for (c, sum) in sums.chunks_exact_mut(n).enumerate() {
        if sum.iter().all(|&x| x == 0.0) {
            sum.copy_from_slice(old.row(c));
        }
        normalise(sum);
    }
    Units::of(n, sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::hash;

    fn drawn(case: usize, what: usize) -> f64 {
        (hash(&format!("{case}/{what}")) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Replicates of k planted directions in an order of their own, with noise.
    fn planted(case: usize, replicates: usize, k: usize, noise: f64) -> (Vec<Units>, Vec<Vec<usize>>) {
        let n = 3 * k;
        let mut orders = Vec::new();
        let units = (0..replicates).map(|r| {
            let mut order: Vec<usize> = (0..k).collect();
            order.sort_by_key(|t| hash(&format!("{case} {r} {t}")));
            let rows = order.iter().flat_map(|&c| {
                (0..n).map(move |j| f64::from(j / 3 == c) + noise * drawn(case, (r * k + c) * n + j))
            });
            let units = Units::of(n, rows.collect());
            orders.push(order);
            units
        });
        (units.collect(), orders)
    }

    #[test]
    fn planted_components_are_found_whatever_their_order() {
        let (units, orders) = planted(1, 7, 5, 0.3);
        let clusters = match_replicates(&units, &[3, 0]);
        for (labels, order) in clusters.labels.iter().zip(&orders) {
            for (label, planted) in labels.iter().zip(order) {
                assert_eq!(label.unwrap(), orders[3].iter().position(|c| c == planted).unwrap());
            }
        }
        assert!(clusters.members(2).map(|(r, _)| r).eq(0..7));
    }

    /// No exchange of two labels within a replicate can raise the sum of cosines to the centres, and every start's score is at
    /// most the one that is kept.
    #[test]
    fn the_result_is_a_fixed_point_and_the_best_of_its_starts() {
        for case in 0..20 {
            let (units, _) = planted(case, 6, 4, 3.0);
            let every: Vec<usize> = (0..6).collect();
            let clusters = match_replicates(&units, &every);
            for start in 0..6 {
                assert!(match_replicates(&units, &[start]).score <= clusters.score + 1e-12);
            }
            for (units, labels) in units.iter().zip(&clusters.labels) {
                let cosine = |t: usize, c: usize| dot(units.row(t), clusters.centres.row(c));
                for s in 0..4 {
                    for t in 0..s {
                        let (a, b) = (labels[s].unwrap(), labels[t].unwrap());
                        assert!(cosine(s, a) + cosine(t, b) >= cosine(s, b) + cosine(t, a) - 1e-12);
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_left_out_has_no_label() {
        let (units, _) = planted(2, 3, 3, 0.1);
        let clusters = match_replicates(&units, &[0]);
        let kept = [vec![0, 1, 2], vec![1], vec![]];
        let again = rematch(&units, &kept, &clusters.centres);
        assert_eq!(again.labels[0], clusters.labels[0]);
        assert_eq!(again.labels[1], [None, clusters.labels[1][1], None]);
        assert_eq!(again.labels[2], [None; 3]);
    }
}
