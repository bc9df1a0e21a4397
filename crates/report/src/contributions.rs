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
}

impl<'a, T: Scalar> Contributions<'a, T> {
    pub fn new(w: &'a Dense<T>, h: &Dense<T>) -> Self {
        let sums = (0..h.nrows()).map(|t| h.row(t).iter().map(|x| x.to_f64()).sum()).collect();
        Self { w, sums }
    }

    /// What component t gives to sample i.
    pub fn of(&self, i: usize, t: usize) -> f64 {
        self.w[(i, t)].to_f64() * self.sums[t]
    }

    /// The sum of a sample.
    pub fn sample(&self, i: usize) -> f64 {
        (0..self.sums.len()).map(|t| self.of(i, t)).sum()
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
        let all: Vec<f64> = (0..self.w.nrows()).map(|i| self.sample(i)).collect();
        let of = |&t: &usize| {
            let some = all.iter().enumerate().filter(|(_, all)| **all > 0.0);
            let mut shares: Vec<f64> = some.map(|(i, all)| self.of(i, t) / all).collect();
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
