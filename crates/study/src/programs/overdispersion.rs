//! Which genes vary more between cells than their mean lets expect.

use std::ops::Range;

use serde::Serialize;

use crate::stats::quantile::{median, of_sorted};

/// The genes of the largest means, from which the least coefficient of variation is taken.
const TOP: usize = 20;
/// The quantiles between which genes are ordinary.
const ORDINARY: Range<f64> = 0.1..0.9;

/// How a gene varies over the cells, in transcripts per million.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Gene {
    /// The mean.
    pub mean: f64,
    /// The variance, divided by the number of cells.
    pub variance: f64,
    /// The variance over the mean.
    pub fano: f64,
    /// What is expected of that at this mean.
    pub expected: f64,
    /// The one over the other: the larger, the more the gene varies for reasons of its own.
    pub ratio: f64,
}

/// The figures of all genes, as cNMF has them.
///
/// With means μ, variances σ² and Fano factors f = σ²/μ of the genes, a = min σ/μ over the 20 genes of largest mean, and b² the median of f
/// over the genes whose μ and f are both between the 10 % and 90 % quantiles of all, without these. Expected is f = a²μ + b².
///
/// ```
/// use orthant_study::Overdispersion;
/// let variances: Vec<f64> = (1..=50).map(|j| if j == 7 { 90.0 } else { f64::from(j) }).collect();
/// let means: Vec<f64> = (1..=50).map(f64::from).collect();
/// let found = Overdispersion::of(&means, &variances);
/// assert_eq!(found.strongest(1), [6]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Overdispersion {
    /// The figures of each gene.
    pub genes: Vec<Gene>,
    /// The least coefficient of variation of a gene of large mean.
    pub a: f64,
    /// The root of the ordinary Fano factor.
    pub b: f64,
}

impl Overdispersion {
    /// Of the means, all above 0, and the variances of genes. Where no gene is ordinary, b² is the median over all of them.
    ///
    /// Cost: sorts the genes.
    pub fn of(means: &[f64], variances: &[f64]) -> Self {
        let fano: Vec<f64> = means.iter().zip(variances).map(|(mean, variance)| variance / mean).collect();
        let mut largest: Vec<usize> = (0..means.len()).collect();
        largest.sort_by(|&i, &j| means[j].total_cmp(&means[i]));
        let variation = largest.iter().take(TOP).map(|&j| variances[j].sqrt() / means[j]);
        let a = variation.min_by(f64::total_cmp).unwrap_or(0.0);
        let (of_means, of_fano) = (ordinary(means), ordinary(&fano));
        let inside: Vec<f64> = means
            .iter()
            .zip(&fano)
            .filter(|&(&mean, &fano)| within(mean, &of_means) && within(fano, &of_fano))
            .map(|(_, &fano)| fano)
            .collect();
        let b = median(if inside.is_empty() { &fano } else { &inside }).sqrt();
        let gene = |((&mean, &variance), &fano): ((&f64, &f64), &f64)| {
            let expected = a * a * mean + b * b;
            let ratio = if expected > 0.0 { fano / expected } else { 0.0 };
            Gene { mean, variance, fano, expected, ratio }
        };
        Self { genes: means.iter().zip(variances).zip(&fano).map(gene).collect(), a, b }
    }

    /// The genes of the largest ratios, at most `count`, in the order of all; of equal ones the first.
    pub fn strongest(&self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.genes.len()).collect();
        order.sort_by(|&i, &j| self.genes[j].ratio.total_cmp(&self.genes[i].ratio));
        order.truncate(count);
        order.sort_unstable();
        order
    }
}

fn ordinary(x: &[f64]) -> Range<f64> {
    let mut sorted = x.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    of_sorted(&sorted, ORDINARY.start)..of_sorted(&sorted, ORDINARY.end)
}

/// Without the ends.
fn within(x: f64, range: &Range<f64>) -> bool {
    x > range.start && x < range.end
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: 11 genes with means 1, …, 11, so that quantiles are genes.
    #[test]
    fn by_hand() {
        let means: Vec<f64> = (1..=11).map(f64::from).collect();
        // the second gene has more than the quantiles of the Fano factors, 6 and 13.5, leave in
        let fano = [4.0, 13.5, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 100.0];
        let variances: Vec<f64> = means.iter().zip(&fano).map(|(mean, fano)| mean * fano).collect();
        let found = Overdispersion::of(&means, &variances);
        // σ/μ = √(f/μ) is least at μ = 10, where f = 13
        assert!((found.a - 1.3_f64.sqrt()).abs() < 1e-15);
        // 7, …, 12 for the means 4, …, 9; at 3, and at 2 and 10 of the means, the quantiles themselves are
        assert!((found.b - 9.5_f64.sqrt()).abs() < 1e-15);
        let last = found.genes[10];
        assert!((last.expected - (1.3 * 11.0 + 9.5)).abs() < 1e-12 && last.fano == 100.0);
        assert!((last.ratio - 100.0 / 23.8).abs() < 1e-12);
        assert_eq!(found.strongest(1), [10]);
        assert_eq!(found.strongest(100).len(), 11);
    }

    #[test]
    fn few_genes_and_equal_ones() {
        let found = Overdispersion::of(&[2.0, 2.0], &[4.0, 4.0]);
        assert_eq!(found.b, 2.0_f64.sqrt());
        assert_eq!(found.strongest(1), [0]);
        let constant = Overdispersion::of(&[2.0, 3.0], &[0.0, 0.0]);
        assert!(constant.genes.iter().all(|gene| gene.ratio == 0.0));
        assert_eq!(Overdispersion::of(&[], &[]).strongest(3), [0; 0]);
    }
}
