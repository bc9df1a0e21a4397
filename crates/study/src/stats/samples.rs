//! How often two samples are put together: the consensus matrix of R fits, and what is read from it without the m×m of it.
//!
//! C_ij is the share of the fits that give samples i and j the same label (Brunet et al. 2004, doi:10.1073/pnas.0308531101).

use kodama::{Method, linkage};
use rayon::prelude::*;

use crate::key::hash;

/// The label of a sample with no weight on any component.
pub const UNLABELLED: u16 = u16::MAX;

/// Pairs that are looked at for [`ambiguous`], where there are more.
const PAIRS: u64 = 1_000_000;

/// Rows for which [`cophenetic`] is computed, where there are more.
pub const ROWS: usize = 2000;

/// Samples by their labels: how many have a in one fit and b in the other, squared and summed.
fn squared_table(a: &[u16], b: &[u16]) -> u128 {
    let width = |x: &[u16]| x.iter().filter(|&&l| l != UNLABELLED).max().map_or(1, |&l| usize::from(l) + 2);
    let (rows, columns) = (width(a), width(b));
    let place = |label: u16, width: usize| if label == UNLABELLED { width - 1 } else { usize::from(label) };
    let mut counts = vec![0_u64; rows * columns];
    for (&x, &y) in a.iter().zip(b) {
        counts[place(x, rows) * columns + place(y, columns)] += 1;
    }
    counts.into_iter().map(|count| u128::from(count).pow(2)).sum()
}

/// Σ 4·(C_ij − ½)²/m², which is 1 where all fits agree (Kim & Park 2007, doi:10.1093/bioinformatics/btm134).
///
/// ΣC is the sum of the squared sizes of clusters over R, and ΣC² that of the squared entries of all R² tables of two fits' labels
/// over R². So it is exact, at R²·m/2 steps, and in memory that does not depend on m.
pub fn dispersion(labels: &[&[u16]]) -> f64 {
    let (r, m) = (labels.len(), labels.first().map_or(0, |labels| labels.len()));
    let own: Vec<u128> = labels.par_iter().map(|labels| squared_table(labels, &vec![0; m])).collect();
    let once: u128 = own.iter().sum();
    let pairs: Vec<(usize, usize)> = (0..r).flat_map(|a| (0..a).map(move |b| (a, b))).collect();
    let twice: u128 = pairs.par_iter().map(|&(a, b)| squared_table(labels[a], labels[b])).sum();
    // the table of a fit with itself has the sizes on its diagonal
    let squares = (once + 2 * twice) as f64 / (r * r) as f64;
    1.0 + 4.0 * (squares - once as f64 / r as f64) / (m as f64).powi(2)
}

/// The share of pairs of samples that some fits put together and others do not: with C above 0.1 and up to 0.9 (PAC: Șenbabaoğlu
/// et al. 2014, doi:10.1038/srep06207). All pairs of up to 1414 samples, else a million that are drawn. None of fewer than two.
pub fn ambiguous(labels: &[&[u16]]) -> Option<f64> {
    let m = labels.first().map_or(0, |labels| labels.len()) as u64;
    let all = m.saturating_mul(m.saturating_sub(1)) / 2;
    let is_ambiguous = |i: usize, j: usize| {
        let together = labels.iter().filter(|labels| labels[i] == labels[j]).count();
        10 * together > labels.len() && 10 * together <= 9 * labels.len()
    };
    if all == 0 {
        return None;
    }
    if all <= PAIRS {
        let of = |i: usize| (0..i).filter(|&j| is_ambiguous(i, j)).count();
        return Some((0..m as usize).into_par_iter().map(of).sum::<usize>() as f64 / all as f64);
    }
    let drawn = |pair: u64| {
        let h = hash(&format!("pair/{pair}"));
        let i = ((h >> 32) * m) >> 32;
        // another one, each as likely
        let j = (i + 1 + (((h & 0xffff_ffff) * (m - 1)) >> 32)) % m;
        is_ambiguous(i as usize, j as usize)
    };
    Some((0..PAIRS).into_par_iter().filter(|&pair| drawn(pair)).count() as f64 / PAIRS as f64)
}

/// All rows, or `most` of them that are drawn by their number, in ascending order.
pub fn some_rows(m: usize, most: usize) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..m).collect();
    if m > most {
        rows.sort_by_cached_key(|row| hash(&format!("row/{row}")));
        rows.truncate(most);
        rows.sort_unstable();
    }
    rows
}

/// C_ij of these rows, for i < j: (0, 1), (0, 2), …, (1, 2), …
pub fn consensus(labels: &[&[u16]], rows: &[usize]) -> Vec<f64> {
    let of = |a: usize| {
        let together =
            move |b: usize| labels.iter().filter(|labels| labels[rows[a]] == labels[rows[b]]).count();
        (a + 1..rows.len()).map(move |b| together(b) as f64 / labels.len() as f64).collect::<Vec<f64>>()
    };
    (0..rows.len()).into_par_iter().map(of).collect::<Vec<_>>().concat()
}

/// What average linkage on 1 − C finds.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// The correlation of 1 − C with the heights at which pairs come together; 1 where either does not vary.
    pub cophenetic: f64,
    /// The samples in the order of the tree's leaves.
    pub order: Vec<usize>,
}

/// Average linkage on 1 − C, of `rows` samples with C as [`consensus`] has it.
pub fn tree(consensus: &[f64], rows: usize) -> Tree {
    if rows < 2 {
        return Tree { cophenetic: 1.0, order: (0..rows).collect() };
    }
    let distances: Vec<f64> = consensus.iter().map(|c| 1.0 - c).collect();
    let dendrogram = linkage(&mut distances.clone(), rows, Method::Average);
    let mut heights = vec![0.0; distances.len()];
    let place = |i: usize, j: usize| {
        let (i, j) = (i.min(j), i.max(j));
        i * (2 * rows - i - 1) / 2 + (j - i - 1)
    };
    let mut leaves: Vec<Vec<usize>> = (0..rows).map(|row| vec![row]).collect();
    for step in dendrogram.steps() {
        let mut left = std::mem::take(&mut leaves[step.cluster1]);
        let mut right = std::mem::take(&mut leaves[step.cluster2]);
        for &i in &left {
            for &j in &right {
                heights[place(i, j)] = step.dissimilarity;
            }
        }
        left.append(&mut right);
        leaves.push(left);
    }
    let order = leaves.pop().unwrap_or_default();
    Tree { cophenetic: correlation(&distances, &heights), order }
}

/// Pearson's correlation; 1 where either does not vary.
fn correlation(x: &[f64], y: &[f64]) -> f64 {
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let (mean_x, mean_y) = (mean(x), mean(y));
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in x.iter().zip(y) {
        let (x, y) = (x - mean_x, y - mean_y);
        xx += x * x;
        yy += y * y;
        xy += x * y;
    }
    // rounding of equal numbers
    let varies = |squares: f64| squares > 1e-20 * x.len() as f64;
    if varies(xx) && varies(yy) { xy / (xx * yy).sqrt() } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(case: usize, replicates: usize, m: usize, k: u64) -> Vec<Vec<u16>> {
        let label = |r: usize, i: usize| match hash(&format!("{case} {r} {i}")) % (k + 3) {
            // mostly of a group of its own, now and then of none
            l if l < k => l as u16,
            l if l == k && i.is_multiple_of(5) => UNLABELLED,
            _ => (i as u64 * k / m as u64) as u16,
        };
        (0..replicates).map(|r| (0..m).map(|i| label(r, i)).collect()).collect()
    }

    fn full(labels: &[&[u16]]) -> Vec<Vec<f64>> {
        let m = labels[0].len();
        let entry = |i: usize, j: usize| {
            labels.iter().map(|l| f64::from(l[i] == l[j])).sum::<f64>() / labels.len() as f64
        };
        (0..m).map(|i| (0..m).map(|j| entry(i, j)).collect()).collect()
    }

    #[test]
    fn dispersion_and_ambiguity_as_by_the_whole_matrix() {
        for (case, (replicates, m, k)) in
            [(1, 7, 2), (2, 1, 3), (10, 30, 3), (13, 40, 5), (20, 25, 1)].into_iter().enumerate()
        {
            let drawn = labels(case, replicates, m, k);
            let drawn: Vec<&[u16]> = drawn.iter().map(Vec::as_slice).collect();
            let c = full(&drawn);
            let sum: f64 = c.iter().flatten().map(|c| 4.0 * (c - 0.5).powi(2)).sum();
            let expected = sum / (m * m) as f64;
            assert!((dispersion(&drawn) - expected).abs() < 1e-12, "case {case}");
            let pairs: Vec<f64> = (0..m).flat_map(|i| c[i][..i].to_vec()).collect();
            // a tenth more or less is no matter of rounding
            let inside = pairs.iter().filter(|&&c| c > 0.1 + 1e-9 && c <= 0.9 + 1e-9).count();
            let expected = (m > 1).then(|| inside as f64 / pairs.len() as f64);
            assert_eq!(ambiguous(&drawn), expected, "case {case}");
        }
    }

    #[test]
    fn pairs_that_are_drawn_are_like_all_pairs() {
        let drawn = labels(9, 10, 3000, 4);
        let drawn: Vec<&[u16]> = drawn.iter().map(Vec::as_slice).collect();
        let all = (0..3000).flat_map(|i| (0..i).map(move |j| (i, j))).filter(|&(i, j)| {
            let together = drawn.iter().filter(|l| l[i] == l[j]).count();
            (2..=9).contains(&together)
        });
        let expected = all.count() as f64 / (3000 * 2999 / 2) as f64;
        // three standard errors of a million draws
        assert!((ambiguous(&drawn).unwrap() - expected).abs() < 0.0015);
    }

    /// The heights of average linkage by its definition: the nearest two clusters by the mean of all their pairs, again and
    /// again.
    fn naive(distances: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let m = distances.len();
        let mut clusters: Vec<Vec<usize>> = (0..m).map(|i| vec![i]).collect();
        let mut heights = vec![vec![0.0; m]; m];
        while clusters.len() > 1 {
            let mut nearest = (f64::INFINITY, 0, 0);
            for a in 0..clusters.len() {
                for b in 0..a {
                    let pairs = clusters[a].iter().flat_map(|&i| clusters[b].iter().map(move |&j| (i, j)));
                    let sum: f64 = pairs.map(|(i, j)| distances[i][j]).sum();
                    let mean = sum / (clusters[a].len() * clusters[b].len()) as f64;
                    if mean < nearest.0 {
                        nearest = (mean, a, b);
                    }
                }
            }
            let (height, a, b) = nearest;
            let joined = clusters.remove(a);
            for &i in &joined {
                for &j in &clusters[b] {
                    heights[i][j] = height;
                    heights[j][i] = height;
                }
            }
            clusters[b].extend(joined);
        }
        heights
    }

    #[test]
    fn cophenetic_correlation_as_by_naive_linkage() {
        for case in 0..6 {
            let (m, replicates) = (24, 41);
            let drawn = labels(100 + case, replicates, m, 3);
            let drawn: Vec<&[u16]> = drawn.iter().map(Vec::as_slice).collect();
            let rows = some_rows(m, ROWS);
            let condensed = consensus(&drawn, &rows);
            // ties are broken in an order of one's own, so distances get a little of their own
            let jittered: Vec<f64> = condensed
                .iter()
                .enumerate()
                .map(|(e, c)| c + (hash(&format!("j{e}")) % 1000) as f64 * 1e-9)
                .collect();
            let mut distances = vec![vec![0.0; m]; m];
            let mut e = 0;
            for i in 0..m {
                for j in i + 1..m {
                    assert_eq!(condensed[e], full(&drawn)[i][j]);
                    distances[i][j] = 1.0 - jittered[e];
                    distances[j][i] = distances[i][j];
                    e += 1;
                }
            }
            let heights = naive(&distances);
            let upper = |x: &[Vec<f64>]| (0..m).flat_map(|i| x[i][i + 1..].to_vec()).collect::<Vec<f64>>();
            let expected = correlation(&upper(&distances), &upper(&heights));
            let found = tree(&jittered, m);
            assert!((found.cophenetic - expected).abs() < 1e-9, "{} for {expected}", found.cophenetic);
            let mut order = found.order.clone();
            order.sort_unstable();
            assert_eq!(order, rows);
        }
    }

    #[test]
    fn fits_that_agree_are_certain() {
        let one: Vec<u16> = vec![0, 0, 1, 1, 2];
        let other: Vec<u16> = vec![2, 2, 0, 0, 1];
        let both = [&one[..], &other[..]];
        assert_eq!((dispersion(&both), ambiguous(&both)), (1.0, Some(0.0)));
        let found = tree(&consensus(&both, &[0, 1, 2, 3, 4]), 5);
        assert!((found.cophenetic - 1.0).abs() < 1e-12);
        // nothing varies where all are together
        assert_eq!(tree(&[1.0; 3], 3).cophenetic, 1.0);
        assert_eq!(some_rows(5000, 10).len(), 10);
    }
}
