//! A start found on a product of thin matrices that is near to V: most iterations then read no V.
//!
//! ```text
//! Ω  n×l, uniform                   l = min(k + 20, m, n)
//! Z  = orthonormal(Vᵀ(VΩ))          one power iteration
//! A  = VZ                           V ≈ A·Zᵀ
//! (W, H) from the start, by extrapolated HALS on A·Zᵀ in place of V
//! ```
//!
//! The iterations on V then go on from there, unless F on V is no lower than at the start.
//!
//! Cost: the sketch reads V twice (by columns three times) at 6mnl flops, with 4nl² for the basis, which is found in
//! double precision; an iteration takes 4(m + n)lk and the sweeps; to look at F, V is read twice more at 4mnk. Memory:
//! (m + n)l elements, while it lasts. Guarantee: no worse than the start. W and H are non-negative by the same updates
//! as ever. Both layouts have the same Z, but for rounding. Randomness: a stream of its own, so that the start is the same
//! with and without.
//!
//! Erichson, Mendible, Wihlborn & Kutz, Randomized nonnegative matrix factorization, Pattern Recognition Letters 104
//! (2018), doi:10.1016/j.patrec.2018.01.007; Tepper & Sapiro, Compressed nonnegative matrix factorization is fast and
//! accurate, IEEE Transactions on Signal Processing 64(9), 2016, doi:10.1109/TSP.2016.2516971. Theirs are updates that
//! need signs split or factors projected; here the product is only what the ordinary pass reads.

use std::time::{Duration, Instant};

use orthant_kernel::Isa;

use crate::init::{Generator, Operand, RandomState, gram, orthonormal};
use crate::iterate::{Alternation, Layout, Pair, Quadratic, Schedule, Verdict};
use crate::rule::Coordinate;
use crate::source::{MatrixSource, Product};
use crate::{Cancel, Real};

/// Columns that the sketch has beyond k.
pub(crate) const OVERSAMPLED: usize = 20;
/// Iterations on the product, at most.
const MOST_ITERATIONS: usize = 120;
/// The iterations on the product end where so many in a row …
const STRETCH: usize = 5;
/// … lower the best objective by less than this of itself.
const PROGRESS: f64 = 1e-3;

/// Columns of the sketch of an m×n matrix.
pub(crate) fn columns(m: usize, n: usize, k: usize) -> usize {
    (k + OVERSAMPLED).min(m).min(n)
}

/// What may end the iterations early.
pub(crate) struct Limits<'a> {
    pub began: Instant,
    pub max_time: Option<Duration>,
    pub cancel: Option<&'a Cancel>,
}

impl Limits<'_> {
    fn reached(&self) -> bool {
        self.max_time.is_some_and(|limit| self.began.elapsed() >= limit)
            || self.cancel.is_some_and(Cancel::is_cancelled)
    }
}

/// V, as far as `columns` columns reach.
pub(crate) struct Sketch<'a, T: Real> {
    operand: Operand<'a, MatrixSource<'a, T>>,
    product: Product<T>,
    /// ‖A·Zᵀ‖².
    squares: f64,
    workers: usize,
}

impl<'a, T: Real> Sketch<'a, T> {
    /// Reads V, which has n columns, two or three times.
    pub fn new(
        source: &'a MatrixSource<'_, T>,
        by_columns: bool,
        n: usize,
        columns: usize,
        generator: &Generator,
        workers: usize,
    ) -> Self {
        let l = columns;
        let operand = Operand::new(source, by_columns, workers);
        let mut stream = generator.clone().with(RandomState::fork);
        let omega: Vec<T> = (0..n * l).map(|_| T::from_f64(stream.random_sample() - 0.5)).collect();
        let (z, l) = orthonormal(&operand.gram_times(&omega, l), l);
        let a = operand.times(false, &z, l);
        // Z is orthonormal
        let squares = gram(&a, l, workers).iter().step_by(l + 1).sum();
        let (left, right) = if by_columns { (z, a) } else { (a, z) };
        Self { operand, product: Product::new(left, right, l), squares, workers }
    }

    /// What iterations read in place of V.
    pub fn product(&self) -> &Product<T> {
        &self.product
    }

    /// Extrapolated coordinate descent on the product, from a pair of factors; the best pair, and the number of iterations.
    pub fn iterate(&self, pair: Pair<T>, k: usize, layout: Layout, limits: &Limits<'_>) -> (Pair<T>, usize) {
        let rule = Box::new(Coordinate { isa: Isa::detect() });
        let pass = Quadratic::new(&self.product, rule, k, layout, self.squares, pair);
        let mut pass = pass.extrapolated(Schedule::new());
        pass.begin();
        let (mut best, mut mark) = (f64::INFINITY, f64::INFINITY);
        let mut number = 0;
        while number < MOST_ITERATIONS && !limits.reached() {
            number += 1;
            pass.iterate(number == 1);
            let loss = pass.loss();
            let objective = pass.pair().objective(loss);
            if pass.judge(loss, objective) == Verdict::Stuck {
                break;
            }
            best = objective.min(best);
            // one by one they go up and down
            if number.is_multiple_of(STRETCH) {
                if mark - best <= PROGRESS * best {
                    break;
                }
                mark = best;
            }
        }
        pass.pair_mut().finish();
        (pass.into_pair(), number)
    }

    /// ½‖V − WH‖², to the rounding of the data's precision; in half a pass over V.
    pub fn loss(&self, squares: f64, w: &[T], ht: &[T], k: usize) -> f64 {
        let (of_w, of_h) = (gram(w, k, self.workers), gram(ht, k, self.workers));
        let quadratic: f64 = of_w.iter().zip(&of_h).map(|(a, b)| a * b).sum();
        0.5 * (squares - 2.0 * self.operand.inner_product(w, ht, k) + quadratic)
    }
}
