//! Problems for property tests.
//!
//! A [`Recipe`] is what a test prints and shrinks: a few words that build the same problem anywhere.

use orthant::{Dense, Loss, Penalty, Real};
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::compare::cast;

/// What V is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// Uniform on [0, 1).
    Uniform,
    /// Uniform, four of five entries zero.
    Sparse,
    /// Uniform, a quarter of the rows and of the columns zero.
    ZeroLines,
    /// A product of rank min(k, m, n), half of whose factors' entries are zero.
    LowRank,
    /// Powers of ten from 1e-6 to 1e6.
    WideRange,
    /// Small whole numbers.
    Counts,
    /// A product of rank min(k, m, n), each entry up to a tenth more or less.
    Noisy,
    /// Three uniform rows, repeated with changes of 1e-6.
    NearDuplicates,
}

/// Shape, contents and start of a problem, in a form that prints on one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Rows of V.
    pub m: usize,
    /// Columns of V.
    pub n: usize,
    /// Rank.
    pub k: usize,
    /// Contents of V.
    pub data: Data,
    /// Whether a fifth of the start's entries are zero.
    pub zeros_in_start: bool,
    /// Seed of the numbers.
    pub seed: u64,
}

/// A matrix with a start.
#[derive(Clone)]
pub struct Problem<T> {
    /// V, m×n; never all zero.
    pub v: Dense<T>,
    /// W, m×k; never all zero.
    pub w: Dense<T>,
    /// H, k×n; never all zero.
    pub h: Dense<T>,
}

impl<T: Real> Problem<T> {
    /// The same problem, rounded to another precision.
    #[must_use]
    pub fn cast<U: Real>(&self) -> Problem<U> {
        Problem { v: cast(&self.v), w: cast(&self.w), h: cast(&self.h) }
    }
}

/// SplitMix64, for numbers that depend on nothing but the seed.
#[derive(Clone, Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform on [0, 1).
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * 2f64.powi(-53)
    }

    /// Uniform below `count`, which must not be 0.
    pub fn below(&mut self, count: usize) -> usize {
        (self.bits() % count as u64) as usize
    }

    /// A permutation of 0..`count`.
    pub fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for i in (1..count).rev() {
            order.swap(i, self.below(i + 1));
        }
        order
    }

    /// A matrix of uniform numbers.
    pub fn matrix(&mut self, nrows: usize, ncols: usize) -> Dense<f64> {
        Dense::from_fn(nrows, ncols, |_, _| self.uniform())
    }

    fn thin(&mut self, a: &mut Dense<f64>, zeros: f64) {
        a.as_mut_slice().iter_mut().for_each(|x| {
            if self.uniform() < zeros {
                *x = 0.0;
            }
        });
    }
}

impl Recipe {
    /// V and the start, with positive data where `loss` asks for it.
    pub fn build_for(&self, loss: Loss) -> Problem<f64> {
        let mut p = self.build();
        if loss.beta() <= 0.0 {
            let small = p.v.as_slice().iter().sum::<f64>() / (16 * self.m * self.n) as f64;
            p.v.as_mut_slice().iter_mut().filter(|x| **x == 0.0).for_each(|x| *x = small);
        }
        p
    }

    /// V and the start.
    pub fn build(&self) -> Problem<f64> {
        let &Self { m, n, k, data, zeros_in_start, seed } = self;
        let mut numbers = Numbers::new(seed);
        let mut v = match data {
            Data::Uniform => numbers.matrix(m, n),
            Data::Sparse => {
                let mut v = numbers.matrix(m, n);
                numbers.thin(&mut v, 0.8);
                v
            }
            Data::ZeroLines => {
                let mut v = numbers.matrix(m, n);
                let rows: Vec<bool> = (0..m).map(|_| numbers.uniform() < 0.25).collect();
                let cols: Vec<bool> = (0..n).map(|_| numbers.uniform() < 0.25).collect();
                for i in 0..m {
                    for j in 0..n {
                        if rows[i] || cols[j] {
                            v[(i, j)] = 0.0;
                        }
                    }
                }
                v
            }
            Data::LowRank => {
                let rank = k.min(m).min(n);
                let (mut a, mut b) = (numbers.matrix(m, rank), numbers.matrix(rank, n));
                numbers.thin(&mut a, 0.5);
                numbers.thin(&mut b, 0.5);
                crate::oracle::product(&a, &b)
            }
            Data::WideRange => Dense::from_fn(m, n, |_, _| 10f64.powf(12.0 * numbers.uniform() - 6.0)),
            Data::Counts => Dense::from_fn(m, n, |_, _| numbers.below(5) as f64),
            Data::Noisy => {
                let rank = k.min(m).min(n);
                let (a, b) = (numbers.matrix(m, rank), numbers.matrix(rank, n));
                let product = crate::oracle::product(&a, &b);
                Dense::from_fn(m, n, |i, j| product[(i, j)] * (0.9 + 0.2 * numbers.uniform()))
            }
            Data::NearDuplicates => {
                let rows = numbers.matrix(3, n);
                Dense::from_fn(m, n, |i, j| rows[(i % 3, j)] * (1.0 + 1e-6 * numbers.uniform()))
            }
        };
        if v.as_slice().iter().all(|&x| x == 0.0) {
            v[(m / 2, n / 2)] = 1.0;
        }
        let mean = v.as_slice().iter().sum::<f64>() / (m * n) as f64;
        let scale = 2.0 * (mean / k as f64).sqrt();
        let mut start = |nrows, ncols| {
            let mut a = Dense::from_fn(nrows, ncols, |_, _| scale * numbers.uniform());
            if zeros_in_start {
                numbers.thin(&mut a, 0.2);
            }
            // multiplicative updates refuse a start of nothing but zeros
            if a.as_slice().iter().all(|&x| x == 0.0) {
                a[(0, 0)] = scale;
            }
            a
        };
        let (w, h) = (start(m, k), start(k, n));
        Problem { v, w, h }
    }
}

/// m, n and k: single rows and columns, rank 1, ranks above both sides, and sizes of every remainder to 4, 8
/// and 16.
pub fn shapes() -> impl Strategy<Value = (usize, usize, usize)> {
    prop_oneof![
        1 => (Just(1_usize), 1..40_usize, 1..5_usize),
        1 => (1..40_usize, Just(1_usize), 1..5_usize),
        2 => (2..50_usize, 2..50_usize, Just(1_usize)),
        2 => (2..9_usize, 2..9_usize, 9..20_usize),
        6 => (2..70_usize, 2..70_usize, 1..18_usize),
        1 => (60..150_usize, 60..150_usize, 1..40_usize),
    ]
}

/// Any problem.
pub fn recipes() -> impl Strategy<Value = Recipe> {
    let data = prop_oneof![
        Just(Data::Uniform),
        Just(Data::Sparse),
        Just(Data::ZeroLines),
        Just(Data::LowRank),
        Just(Data::WideRange),
        Just(Data::Counts),
    ];
    (shapes(), data, any::<bool>(), any::<u32>()).prop_map(|((m, n, k), data, zeros_in_start, seed)| Recipe {
        m,
        n,
        k,
        data,
        zeros_in_start,
        seed: u64::from(seed),
    })
}

/// Problems whose start has no zeros.
pub fn positive_recipes() -> impl Strategy<Value = Recipe> {
    recipes().prop_map(|r| Recipe { zeros_in_start: false, ..r })
}

/// No penalty, L1, L2 and mixtures, on both factors or on one.
pub fn penalties() -> impl Strategy<Value = Penalty> {
    let ratio = prop_oneof![Just(0.0), Just(1.0), 0.1..0.9];
    prop_oneof![
        2 => Just(Penalty::default()),
        1 => (1e-4..0.05, ratio.clone())
            .prop_map(|(alpha_w, l1_ratio)| Penalty { alpha_w, alpha_h: None, l1_ratio }),
        1 => (1e-4..0.05, 1e-4..0.05, ratio.clone())
            .prop_map(|(alpha_w, alpha_h, l1_ratio)| Penalty { alpha_w, alpha_h: Some(alpha_h), l1_ratio }),
        1 => (1e-4..0.05, ratio.clone())
            .prop_map(|(alpha_w, l1_ratio)| Penalty { alpha_w, alpha_h: Some(0.0), l1_ratio }),
        1 => (1e-4..0.05, ratio)
            .prop_map(|(alpha_h, l1_ratio)| Penalty { alpha_w: 0.0, alpha_h: Some(alpha_h), l1_ratio }),
    ]
}

/// Penalties without L2.
pub fn lassos() -> impl Strategy<Value = Penalty> {
    penalties().prop_map(|penalty| Penalty { l1_ratio: 1.0, ..penalty })
}

/// `cases` cases a property, or as many as the environment variable `PROPTEST_CASES` says.
pub fn cases(cases: u32) -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    // a failing recipe is printed whole and belongs into a test of its own, not into a file of seeds
    Config {
        cases: asked.unwrap_or(cases),
        failure_persistence: None,
        max_global_rejects: u32::MAX,
        ..Config::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::is_non_negative;

    proptest! {
        #![proptest_config(cases(128))]
        #[test]
        fn recipes_build_valid_problems(recipe in recipes()) {
            let p = recipe.build();
            prop_assert!(is_non_negative(&p.v) && is_non_negative(&p.w) && is_non_negative(&p.h));
            prop_assert!(p.v.as_slice().iter().any(|&x| x > 0.0));
            prop_assert_eq!((p.w.nrows(), p.w.ncols()), (recipe.m, recipe.k));
            prop_assert_eq!((p.h.nrows(), p.h.ncols()), (recipe.k, recipe.n));
        }
    }

    #[test]
    fn a_permutation_holds_every_index_once() {
        let mut order = Numbers::new(3).permutation(50);
        assert_ne!(order, (0..50).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..50).collect::<Vec<_>>());
    }
}
