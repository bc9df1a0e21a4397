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

use orthant_kernel::{Buffer, Isa, View, allocate};

use crate::drive::{Process, Reached, Run, Terms, drive};
use crate::init::{Operand, gram, gram_bytes, kept_by_products, orthonormal, orthonormal_bytes};
use crate::iterate::{Alternation, Held, Layout, Pair, Projection, Quadratic, Schedule, Verdict};
use crate::lanes::lanes;
use crate::observe::Watch;
use crate::random::{Generator, RandomState};
use crate::rule::Coordinate;
use crate::shape::Shape;
use crate::source::{DenseSource, Reading, Sources, SparsePlan};
use crate::{Error, Method, Products, Real};

/// Columns that the sketch has beyond k.
pub(crate) const OVERSAMPLED: usize = 20;
/// Iterations on the product, at most.
const MOST_ITERATIONS: usize = 120;
/// The iterations on the product end where this number of them in a row …
const STRETCH: usize = 5;
/// … lower the best objective by less than this of itself.
const PROGRESS: f64 = 1e-3;

/// Columns of the sketch of an m×n matrix.
pub(crate) fn columns(m: usize, n: usize, k: usize) -> usize {
    (k + OVERSAMPLED).min(m).min(n)
}

/// What a [`Sketch`] of l columns takes beside the factors to start from, to be made, iterated on from copies of these and compared
/// with; and what products keep after the start, if they do, and after the basis in any case.
pub(crate) fn bytes<T: Real>(
    reading: &Reading<'_>,
    k: usize,
    l: usize,
    block: Option<usize>,
    kept_before: usize,
) -> usize {
    let (m, n, workers) = (reading.v.m, reading.v.n, reading.workers);
    let (rows, cols) = reading.v.lines();
    let (of_z, of_a) = (Buffer::<T>::bytes(n * l), Buffer::<T>::bytes(m * l));
    let multiplying = n * l * size_of::<T>() + reading.gram_times::<T>(l).0;
    let making = orthonormal_bytes::<T>(n, l)
        .max(of_z + reading.times::<T>(false, l).0)
        .max(of_z + of_a + gram_bytes::<T>(m, l, workers));
    let left = Shape::dense::<T>(rows, l, reading.v.by_columns);
    let plan = SparsePlan { lanes: lanes(rows), transpose: false };
    let held = Held {
        reading: Reading { v: &left, plan, ..*reading },
        method: Method::hals().extrapolated(),
        by_entries: false,
        k,
        block,
        fixed: false,
        product: Some(cols),
        loss_is_due: false,
    };
    let copies = Buffer::<T>::bytes(m * k) + Buffer::<T>::bytes(n * k) + 2 * k * k * size_of::<T>();
    let grams = gram_bytes::<T>(m.max(n), k, workers) + 2 * k * k * size_of::<f64>();
    let comparing = copies + grams.max(reading.scratch::<T>(k));
    let with_basis = making.max(of_z + of_a + held.bytes::<T>().max(comparing));
    (kept_before + multiplying).max(kept_by_products() + with_basis)
}

/// V, as far as `columns` columns reach.
pub(crate) struct Sketch<'a, T: Real> {
    operand: Operand<'a, T>,
    /// L and R, row-major: what is iterated on is L·Rᵀ.
    left: Buffer<T>,
    right: Buffer<T>,
    /// Their columns.
    width: usize,
    /// ‖A·Zᵀ‖².
    squares: f64,
    workers: usize,
}

impl<'a, T: Real> Sketch<'a, T> {
    /// Reads V, which has n columns, two or three times.
    pub fn new(
        source: Sources<'a, T>,
        by_columns: bool,
        n: usize,
        columns: usize,
        generator: &Generator,
        layout: &Layout,
    ) -> Result<Self, Error> {
        let (l, workers) = (columns, layout.workers);
        let operand = Operand::new(source, by_columns, workers).halted_by(&layout.halt).over(&layout.ranks);
        let mut stream = generator.clone().with(RandomState::fork);
        let omega = allocate::collected((0..n * l).map(|_| T::from_f64(stream.random_sample() - 0.5)));
        let product = operand.gram_times(&omega, l)?;
        drop(omega);
        let (z, l) = orthonormal(product, l);
        let a = operand.times(false, &z, l)?;
        // Z is orthonormal
        let squares = gram(&a, l, workers).iter().step_by(l + 1).sum();
        let (left, right) = if by_columns { (z, a) } else { (a, z) };
        Ok(Self { operand, left: left.into(), right: right.into(), width: l, squares, workers })
    }

    /// The rows of L, which iterations read in place of V.
    pub fn source(&self) -> Result<DenseSource<'_, T>, Error> {
        let left = View::row_major(&self.left, self.left.len() / self.width, self.width)?;
        DenseSource::new(left, T::ONE, Products::Fused)
    }

    /// Extrapolated coordinate descent on the product, from a pair of factors; the best pair, and the run.
    ///
    /// # Errors
    /// [`Error::Diverged`].
    pub fn iterate(
        &self,
        pair: Pair<T>,
        layout: Layout,
        terms: Terms,
        watch: &mut Watch<'_, T>,
    ) -> Result<(Pair<T>, Run), Error> {
        let rule = Box::new(Coordinate { isa: Isa::detect() });
        let source = self.source()?;
        let right = View::row_major(&self.right, self.right.len() / self.width, self.width)?;
        let projection = Projection::new(right);
        let pass = Quadratic::of_product(&source, projection, rule, terms.rank, layout, self.squares, pair);
        let mut process = OnSketch {
            pass: pass.extrapolated(Schedule::new()),
            least: f64::INFINITY,
            before: f64::INFINITY,
        };
        watch.agree(process.pass.begin())?;
        let (_, run) =
            drive(&mut process, &Terms { max_iter: MOST_ITERATIONS, ..terms }, watch, Run::new(&terms))?;
        let mut pass = process.pass;
        pass.pair_mut().finish();
        Ok((pass.into_pair(), run))
    }

    /// ½‖V − WH‖², to the rounding of the data's precision; in half a pass over V.
    pub fn loss(&self, squares: f64, w: &[T], ht: &[T], k: usize) -> Result<f64, Error> {
        let (of_w, of_h) = (gram(w, k, self.workers), gram(ht, k, self.workers));
        let quadratic: f64 = of_w.iter().zip(&of_h).map(|(a, b)| a * b).sum();
        Ok(0.5 * (squares - 2.0 * self.operand.inner_product(w, ht, k)? + quadratic))
    }
}

/// Iterations on a product.
struct OnSketch<'a, T: Real> {
    pass: Quadratic<'a, T>,
    /// The least objective, and what it was a stretch ago.
    least: f64,
    before: f64,
}

impl<T: Real> Process<T> for OnSketch<'_, T> {
    fn iterate(&mut self, number: usize) -> Result<Reached, Error> {
        self.pass.iterate(number == 1)?;
        let loss = self.pass.loss()?;
        let objective = self.pass.pair().objective(loss);
        self.least = self.least.min(objective);
        let (step, verdict) = (self.pass.step(), self.pass.judge(loss, objective));
        Ok(Reached { loss, objective, relative_error: 0.0, violation: 0.0, step, verdict })
    }

    /// One by one they go up and down.
    fn converged(&mut self, run: &Run, reached: &Reached) -> bool {
        if !run.iterations.is_multiple_of(STRETCH) || reached.verdict == Verdict::Stuck {
            return reached.verdict == Verdict::Stuck;
        }
        let before = std::mem::replace(&mut self.before, self.least);
        before - self.least <= PROGRESS * self.least
    }

    fn abandon(&mut self) {
        self.pass.abandon();
    }

    fn factors(&self) -> (&[T], &[T]) {
        let (w, ht) = self.pass.pair().of_user();
        (&w.x, &ht.x)
    }
}
