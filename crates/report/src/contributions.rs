//! What components give to samples, from W and H.

use orthant::Dense;
use orthant_io::Scalar;
use orthant_study::quantile;

use crate::figures::usage::Usage;

/// Of each sample and component the sum of the row of W·H that comes from it.
pub struct Contributions<'a, T> {
    w: &'a Dense<T>,
    /// The sums of the rows of H.
    sums: Vec<f64>,
    /// The sum of each sample.
    samples: Vec<f64>,
}

impl<'a, T: Scalar> Contributions<'a, T> {
    pub fn new(w: &'a Dense<T>, h: &Dense<T>) -> Self {
        let sums: Vec<f64> = (0..h.nrows()).map(|t| h.row(t).iter().map(|x| x.to_f64()).sum()).collect();
        let sample = |i: usize| w.row(i).iter().zip(&sums).map(|(x, sum)| x.to_f64() * sum).sum();
        let samples = (0..w.nrows()).map(sample).collect();
        Self { w, sums, samples }
    }

    /// What component t gives to sample i.
    pub fn of(&self, i: usize, t: usize) -> f64 {
        self.w[(i, t)].to_f64() * self.sums[t]
    }

    /// The share of sample i that this is.
    pub fn share(&self, i: usize, t: usize) -> f64 {
        if self.samples[i] > 0.0 { self.of(i, t) / self.samples[i] } else { 0.0 }
    }

    /// The sums of rows of H.
    pub fn sums(&self) -> &[f64] {
        &self.sums
    }

    /// Which component gives most to each sample; none to one of zeros.
    pub fn labels(&self) -> Vec<Option<usize>> {
        let label = |i: usize| {
            let most =
                (0..self.sums.len()).reduce(|a, b| if self.of(i, b) > self.of(i, a) { b } else { a })?;
            (self.of(i, most) > 0.0).then_some(most)
        };
        (0..self.w.nrows()).map(label).collect()
    }

    /// How much samples use each of some components, with the component that gives most to each sample.
    pub fn usage(&self, components: &[usize], labels: &[Option<usize>]) -> Vec<Usage> {
        let some: Vec<usize> = (0..self.w.nrows()).filter(|&i| self.samples[i] > 0.0).collect();
        let of = |&t: &usize| {
            let mut shares: Vec<f64> = some.iter().map(|&i| self.share(i, t)).collect();
            // quantiles of numbers in order cost little
            shares.sort_unstable_by(f64::total_cmp);
            Usage {
                component: t,
                shares: [0.05, 0.25, 0.5, 0.75, 0.95]
                    .map(|q| if shares.is_empty() { 0.0 } else { quantile(&shares, q) }),
                samples: labels.iter().filter(|label| **label == Some(t)).count(),
            }
        };
        components.iter().map(of).collect()
    }
}
