//! Factorisation by mini-batches of rows: scikit-learn's `MiniBatchNMF`, for data that comes in parts or is too much to
//! read many times.
//!
//! # Problem
//! min Σ d_β(V | WH) + penalties as for the other methods, W and H ≥ 0, from rows of V seen `batch_size` at a time.
//!
//! # Update
//! ```text
//! for each batch V_b, in order and over again
//!     W_b ← one multiplicative step, or with fresh restarts as many as it takes from a constant
//!     N, D = (V_b∘P^(β−2))ᵀW_b, P^(β−1)ᵀW_b                 P = W_b H
//!     A ← ρA + N∘H^(1/γ);   B ← ρB + D + l1 + l2·H          ρ = forget_factor^(batch_size/m)
//!     H ← (A/B)^γ
//! ```
//!
//! # Cost
//! A step costs 8 flops (β = 1) or 12 for each entry of the batch and component, and A and B, n×k each.
//!
//! # Guarantees
//! None for a single step. With one batch and a forget factor of 0 it is the multiplicative update.
//!
//! # Stopping
//! From the second step on: ‖H − H_before‖ ≤ tol·‖H‖; or the exponentially weighted average of the batches' costs has
//! not fallen for `max_no_improvement` steps.
//!
//! # Parity
//! `sklearn.decomposition.MiniBatchNMF` of scikit-learn 1.9, to rounding. Known difference: a batch that is all zero
//! leaves A and B as they are.
//!
//! # References
//! Lefèvre, Bach & Févotte, Online algorithms for nonnegative matrix factorization with the Itakura–Saito divergence,
//! WASPAA 2011, doi:10.1109/ASPAA.2011.6082314. Serizel, Essid & Richard, Mini-batch stochastic approaches for
//! accelerated multiplicative updates in nonnegative matrix factorisation with beta-divergence, MLSP 2016,
//! doi:10.1109/MLSP.2016.7738818.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use orthant_kernel::{Dense, Isa, Real, View, accumulator_stride};

use crate::alternation::{Alternation, Fixed};
use crate::factor::Factor;
use crate::fit::{block_rows, on_threads, threads_warning};
use crate::init::{Generator, RandomState};
use crate::nmf::{check_loss, invalid};
use crate::observe::{Iteration, Observer, TimeLimit};
use crate::pass::Layout;
use crate::penalty::Weights;
use crate::ratio::RatioPass;
use crate::report::{HistoryPoint, Plan, Report, StopReason, Warning};
use crate::rule::Majorizer;
use crate::source::DenseSource;
use crate::{Cancel, Error, Loss, Method, Model, Penalty, Products, Start, ToView, init, reduce, scan};

/// Factorisation by mini-batches of rows, with scikit-learn's updates, stopping and numbers.
///
/// ```
/// use orthant::{Dense, Loss, MiniBatchNmf};
/// let v = Dense::from_fn(60, 12, |i, j| if (i + j) % 2 == 0 { 3.0 } else { 1.0 });
/// let fit = MiniBatchNmf::<f64>::new(2).batch_size(20).loss(Loss::KullbackLeibler).fit(&v)?;
/// assert_eq!((fit.w.nrows(), fit.model.components().ncols()), (60, 12));
/// assert!(fit.report.relative_error < 0.05);
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct MiniBatchNmf<T> {
    rank: usize,
    loss: Loss,
    start: Option<Start<T>>,
    penalty: Penalty,
    random: Generator,
    batch_size: usize,
    forget_factor: f64,
    fresh_restarts: bool,
    fresh_restarts_max_iter: usize,
    transform_max_iter: Option<usize>,
    max_no_improvement: Option<usize>,
    tol: f64,
    max_iter: usize,
    max_time: Option<Duration>,
    threads: Option<usize>,
    cancel: Option<Cancel>,
}

/// A finished fit by mini-batches.
#[derive(Clone, Debug)]
pub struct MiniBatchFit<T> {
    /// W, m×k.
    pub w: Dense<T>,
    /// H (k×n) with what `transform` needs.
    pub model: Model<T>,
    /// Why it stopped, and every figure. `iterations` counts passes over V that were begun; `history` has a point for each
    /// step, with the mean cost of its batch.
    pub report: Report,
    /// Batches that were worked on.
    pub steps: usize,
}

impl<T: Real> MiniBatchNmf<T> {
    /// `rank` components with scikit-learn's defaults: batches of 1024, forget factor 0.7, tolerance 1e-4, at most 200
    /// passes, and 10 steps without improvement.
    pub fn new(rank: usize) -> Self {
        Self {
            rank,
            loss: Loss::Frobenius,
            start: None,
            penalty: Penalty::default(),
            random: Generator::Seed(0),
            batch_size: 1024,
            forget_factor: 0.7,
            fresh_restarts: false,
            fresh_restarts_max_iter: 30,
            transform_max_iter: None,
            max_no_improvement: Some(10),
            tol: 1e-4,
            max_iter: 200,
            max_time: None,
            threads: None,
            cancel: None,
        }
    }

    /// The loss; default [`Loss::Frobenius`].
    #[must_use]
    pub fn loss(self, loss: Loss) -> Self {
        Self { loss, ..self }
    }

    /// Where to start; default [`Start::Nndsvda`], or [`Start::Random`] if the rank is above the smaller side of V.
    #[must_use]
    pub fn start(self, start: Start<T>) -> Self {
        Self { start: Some(start), ..self }
    }

    /// L1 and L2 penalties; default none. On H they are scaled by the rows of a batch.
    #[must_use]
    pub fn penalty(self, penalty: Penalty) -> Self {
        Self { penalty, ..self }
    }

    /// Seed of the start; default 0.
    #[must_use]
    pub fn seed(self, seed: u32) -> Self {
        Self { random: Generator::Seed(seed), ..self }
    }

    /// A generator that every use continues.
    #[must_use]
    pub fn random_state(self, state: RandomState) -> Self {
        Self { random: Generator::State(state), ..self }
    }

    /// Rows in a batch, at least 1; default 1024.
    #[must_use]
    pub fn batch_size(self, rows: usize) -> Self {
        Self { batch_size: rows, ..self }
    }

    /// What is left of the past after a whole pass over V, from 0 to 1; default 0.7.
    #[must_use]
    pub fn forget_factor(self, share: f64) -> Self {
        Self { forget_factor: share, ..self }
    }

    /// Whether each step solves for W from a constant instead of continuing; default not.
    #[must_use]
    pub fn fresh_restarts(self, fresh: bool) -> Self {
        Self { fresh_restarts: fresh, ..self }
    }

    /// The most updates of W in a fresh restart, at least 1; default 30.
    #[must_use]
    pub fn fresh_restarts_max_iter(self, max_iter: usize) -> Self {
        Self { fresh_restarts_max_iter: max_iter, ..self }
    }

    /// The most updates of W in [`transform`](Self::transform) and, with fresh restarts, at the end of a fit; default the
    /// limit of passes.
    #[must_use]
    pub fn transform_max_iter(self, max_iter: usize) -> Self {
        Self { transform_max_iter: Some(max_iter), ..self }
    }

    /// Steps without improvement after which a fit ends; `None` for no such limit; default 10.
    #[must_use]
    pub fn max_no_improvement(self, steps: Option<usize>) -> Self {
        Self { max_no_improvement: steps, ..self }
    }

    /// Tolerance on the change of H in a step, at least 0; default 1e-4.
    #[must_use]
    pub fn tol(self, tol: f64) -> Self {
        Self { tol, ..self }
    }

    /// The most passes over V, at least 1; default 200.
    #[must_use]
    pub fn max_iter(self, max_iter: usize) -> Self {
        Self { max_iter, ..self }
    }

    /// Time limit, looked at after every step.
    #[must_use]
    pub fn max_time(self, limit: Duration) -> Self {
        Self { max_time: Some(limit), ..self }
    }

    /// Threads, at least 1. The default is the rayon pool that the call runs in. The result is the same to the bit on
    /// any number.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        Self { threads: Some(threads), ..self }
    }

    /// A flag that ends the fit after its current step.
    #[must_use]
    pub fn cancel(self, cancel: &Cancel) -> Self {
        Self { cancel: Some(cancel.clone()), ..self }
    }

    /// Factorises `v`, which is not copied.
    ///
    /// # Errors
    /// As [`Nmf::fit`](crate::Nmf::fit).
    pub fn fit(&self, v: &impl ToView<T>) -> Result<MiniBatchFit<T>, Error> {
        self.fit_observed(v, &mut |_: &Iteration<'_, T>| ControlFlow::<StopReason>::Continue(()))
    }

    /// The same, showing every step to `observer`: its number, the objective and error of its batch, and the factors.
    ///
    /// # Errors
    /// As [`fit`](Self::fit); a panic in the observer is [`Error::Panicked`].
    pub fn fit_observed(
        &self,
        v: &impl ToView<T>,
        observer: &mut (impl Observer<T> + Send),
    ) -> Result<MiniBatchFit<T>, Error> {
        let began = Instant::now();
        self.check()?;
        let v = v.to_view();
        let (out, used) =
            on_threads(self.threads, |workers| Fitting::new(self, v, workers)?.run(observer, began))?;
        let mut fit = out?;
        fit.report.warnings.extend(threads_warning(self.threads, used));
        fit.report.seconds_total = began.elapsed().as_secs_f64();
        Ok(fit)
    }

    /// W (m×k) for new rows with H (k×n) as it is: what scikit-learn's `MiniBatchNMF.transform` does. Multiplicative
    /// updates of all rows together from a constant, until W moves by no more than the tolerance.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and [`Error::ShapeMismatch`] for another number of columns or components.
    pub fn transform(&self, v: &impl ToView<T>, h: &Dense<T>) -> Result<Dense<T>, Error> {
        self.check()?;
        let v = v.to_view();
        let expected = (self.rank, v.ncols());
        if (h.nrows(), h.ncols()) != expected {
            return Err(Error::ShapeMismatch { operand: "H", expected, found: (h.nrows(), h.ncols()) });
        }
        scan::entries("H", h.view())?;
        let (m, k) = (v.nrows(), self.rank);
        on_threads(self.threads, |workers| {
            let data = Data::new(self, v, None, workers)?;
            if data.found.max == 0.0 {
                return Ok(Dense::zeros(m, k));
            }
            let ht = data.to_scaled(h.transposed().into_vec());
            let w = data.solve_w(v, &ht, self.transform_max_iter.unwrap_or(self.max_iter));
            Ok(Dense::from_vec(data.to_user(w), m, k)?)
        })?
        .0
    }

    /// Learning from batches as they come: [`Online::partial_fit`].
    ///
    /// # Errors
    /// [`Error`] for an option outside its range.
    pub fn online(&self) -> Result<Online<T>, Error> {
        self.check()?;
        Ok(Online { options: self.clone(), state: None, steps: 0 })
    }

    fn check(&self) -> Result<(), Error> {
        if self.rank == 0 {
            return Err(Error::InvalidRank { rank: self.rank });
        }
        self.penalty.check()?;
        check_loss(self.loss)?;
        if self.tol.is_nan() || self.tol < 0.0 {
            return Err(invalid("tol", self.tol, "a number of at least 0"));
        }
        if !(0.0..=1.0).contains(&self.forget_factor) {
            return Err(invalid("forget_factor", self.forget_factor, "a number from 0 to 1"));
        }
        for (name, value) in [
            ("batch_size", Some(self.batch_size)),
            ("max_iter", Some(self.max_iter)),
            ("fresh_restarts_max_iter", Some(self.fresh_restarts_max_iter)),
            ("transform_max_iter", self.transform_max_iter),
            ("max_no_improvement", self.max_no_improvement),
            ("threads", self.threads),
        ] {
            if value == Some(0) {
                return Err(invalid(name, 0, "at least 1"));
            }
        }
        Ok(())
    }

    /// The share of the past that a batch of this many rows of `m` leaves.
    fn rho(&self, m: usize) -> f64 {
        self.forget_factor.powf(self.batch_size.min(m) as f64 / m as f64)
    }
}

/// Data in a safe range of exponents: V·2^-exponent, with W and H over half of it.
struct Data<'a, T> {
    options: &'a MiniBatchNmf<T>,
    rule: Majorizer<T>,
    found: scan::Found,
    exponent: i32,
    scale: T,
    workers: usize,
}

impl<'a, T: Real> Data<'a, T> {
    /// Looks at all of V; an exponent that is known is kept.
    fn new(
        options: &'a MiniBatchNmf<T>,
        v: View<'_, T>,
        exponent: Option<i32>,
        workers: usize,
    ) -> Result<Self, Error> {
        let (m, n) = (v.nrows(), v.ncols());
        if m == 0 || n == 0 {
            return Err(Error::Empty { rows: m, cols: n });
        }
        crate::fit::check_sizes::<T>(m, n, options.rank)?;
        let loss = options.loss;
        let by_columns = crate::fit::by_columns(v);
        let found = scan::data(v, by_columns, T::ONE, workers)?;
        if loss.beta() <= 0.0 {
            scan::size(v, by_columns, T::ONE, loss, workers)?;
        }
        let safe = scan::Safe::of::<T>(Method::Mu(loss));
        let exponent = exponent.unwrap_or_else(|| scan::scale_exponent(found.max, 2, safe));
        let (rule, scale) = (Majorizer::compatible(loss), scan::scale_by(T::ONE, -exponent));
        Ok(Self { options, rule, found, exponent, scale, workers })
    }

    fn to_scaled(&self, mut x: Vec<T>) -> Vec<T> {
        x.iter_mut().for_each(|x| *x = scan::scale_by(*x, -self.exponent / 2) + T::ZERO);
        x
    }

    fn to_user(&self, mut x: Vec<T>) -> Vec<T> {
        if self.exponent != 0 {
            x.iter_mut().for_each(|x| *x = scan::scale_by(*x, self.exponent / 2));
        }
        x
    }

    /// A loss in the user's units over one in the scaled.
    fn unit(&self) -> f64 {
        (f64::from(self.exponent) * self.options.loss.beta()).exp2()
    }

    /// The weights on W and on H for a part of V.
    fn weights(&self, v: View<'_, T>) -> (Weights, Weights) {
        let (p, beta, penalty) = (self.exponent / 2, self.options.loss.beta(), self.options.penalty);
        (penalty.on_w(v.ncols()).scaled(p, beta), penalty.on_h(v.nrows()).scaled(p, beta))
    }

    fn layout(&self, v: View<'_, T>) -> Layout {
        Layout { lanes: reduce::lanes(v.nrows()), block: block_rows::<T>(v.ncols()), workers: self.workers }
    }

    /// Calls `f` with the pass over the rows of `v` from W and Hᵀ.
    fn pass<R>(
        &self,
        v: View<'_, T>,
        w: Vec<T>,
        ht: &[T],
        fixed: Fixed,
        f: impl FnOnce(&mut RatioPass<'_, T, DenseSource<'_, T>>) -> R,
    ) -> (R, Vec<T>) {
        let k = self.options.rank;
        let source =
            DenseSource::new(v, self.scale, Products::Fused).expect("fused products are always there");
        let (on_w, on_h) = self.weights(v);
        let factors = (Factor::new(w, k, on_w, 1), Factor::new(ht.to_vec(), k, on_h, 1));
        let mut pass = RatioPass::new(&source, self.rule, k, self.layout(v), 1.0, factors, false, fixed);
        pass.sweep_outer(false);
        let out = f(&mut pass);
        (out, pass.into_factors().0)
    }

    /// W from a constant, by at most `max_iter` updates.
    fn solve_w(&self, v: View<'_, T>, ht: &[T], max_iter: usize) -> Vec<T> {
        let k = self.options.rank;
        let average = (init::mean(v, self.scale, self.workers > 1) / T::from_f64(k as f64)).sqrt();
        let mut before = vec![average; v.nrows() * k];
        let tol = self.options.tol;
        let (_, w) = self.pass(v, before.clone(), ht, Fixed::Outer, |pass| {
            pass.keep_small();
            for _ in 0..max_iter {
                pass.sweep_inner(true);
                let w = &pass.inner().x;
                if tol > 0.0 && change(w, &before) <= tol {
                    break;
                }
                before.copy_from_slice(w);
            }
        });
        w
    }

    /// A step on the rows of `v`: the new W, the mean cost and the loss at it with the old H; and H and its sums updated.
    fn step(&self, v: View<'_, T>, w: Option<Vec<T>>, state: &mut State<T>) -> (Vec<T>, f64, f64) {
        let options = self.options;
        let least = self.rule.least(false);
        let (w, update) = match w {
            Some(w) => (w, true),
            None => {
                let mut w = self.solve_w(v, &state.ht, options.fresh_restarts_max_iter);
                w.iter_mut().filter(|x| **x < least).for_each(|x| *x = T::ZERO);
                (w, false)
            }
        };
        let (on_w, on_h) = self.weights(v);
        let loss = options.loss;
        let State { ht, numerator, denominator, rho, .. } = state;
        let before = ht.clone();
        let ((cost, distance), w) = self.pass(v, w, &before, Fixed::Neither, |pass| {
            pass.sweep_inner(update);
            let distance = pass.exact_loss();
            let cost = distance + doubled(on_w, &pass.inner().x) + doubled(on_h, &before);
            let (k, stride) = (options.rank, accumulator_stride::<T>(options.rank));
            let (b, c, columns) = pass.sums_of_outer();
            let (l1, l2) = on_h.elements::<T>();
            let gamma = loss.exponent();
            let raised = |x: T, e: f64| if e == 1.0 { x } else { x.powf(T::from_f64(e)) };
            let least = self.rule.least(true);
            let rho = T::from_f64(*rho);
            for (j, row) in ht.chunks_exact_mut(k).enumerate() {
                for (t, h) in row.iter_mut().enumerate() {
                    let at = j * k + t;
                    let mut d = if loss.beta() == 1.0 {
                        // as there: a component without weights has a denominator of 1
                        if columns[t] == T::ZERO { T::ONE } else { columns[t] }
                    } else {
                        c[j * stride + t]
                    };
                    d += l1 + l2 * *h;
                    if d == T::ZERO {
                        d = self.rule.floor;
                    }
                    numerator[at] = rho * numerator[at] + b[j * stride + t] * raised(*h, 1.0 / gamma);
                    denominator[at] = rho * denominator[at] + d;
                    let new = raised(numerator[at] / denominator[at], gamma);
                    *h = if new < least { T::ZERO } else { new };
                }
            }
            (cost / v.nrows() as f64, distance)
        });
        (w, cost, distance)
    }
}

/// l1·Σx + l2·Σx²: as there, without a half.
fn doubled<T: Real>(weights: Weights, x: &[T]) -> f64 {
    let (mut sum, mut squares) = (0.0, 0.0);
    for x in x {
        sum += x.to_f64();
        squares += x.to_f64() * x.to_f64();
    }
    weights.value(sum, 2.0 * squares)
}

/// ‖x − before‖ / ‖x‖.
fn change<T: Real>(x: &[T], before: &[T]) -> f64 {
    let (mut moved, mut size) = (0.0, 0.0);
    for (x, b) in x.iter().zip(before) {
        moved += (x.to_f64() - b.to_f64()).powi(2);
        size += x.to_f64() * x.to_f64();
    }
    (moved / size).sqrt()
}

/// What is learnt: H, and what it is a quotient of.
#[derive(Clone, Debug)]
struct State<T> {
    /// Hᵀ, n×k, in scaled units.
    ht: Vec<T>,
    numerator: Vec<T>,
    denominator: Vec<T>,
    rho: f64,
    exponent: i32,
}

impl<T: Real> State<T> {
    fn new(ht: Vec<T>, rho: f64, exponent: i32) -> Self {
        let (numerator, denominator) = (ht.clone(), vec![T::ONE; ht.len()]);
        Self { ht, numerator, denominator, rho, exponent }
    }
}

/// W and Hᵀ to start from, in scaled units.
fn start<T: Real>(data: &Data<'_, T>, v: View<'_, T>) -> Result<(Vec<T>, Vec<T>), Error> {
    let options = data.options;
    let (m, n, k) = (v.nrows(), v.ncols(), options.rank);
    let default = if k <= m.min(n) { Start::Nndsvda } else { Start::Random };
    let chosen = options.start.as_ref().unwrap_or(&default);
    if let Start::Custom { w, h } = chosen {
        for (operand, x, expected) in [("W", w, (m, k)), ("H", h, (k, n))] {
            crate::fit::check_factor(operand, x, expected, true)?;
        }
        return Ok((data.to_scaled(w.clone().into_vec()), data.to_scaled(h.transposed().into_vec())));
    }
    init::generate(chosen, v, data.scale, k, &mut options.random.clone(), data.workers)
}

/// A fit of all of V under way.
struct Fitting<'a, T> {
    data: Data<'a, T>,
    v: View<'a, T>,
}

impl<'a, T: Real> Fitting<'a, T> {
    fn new(options: &'a MiniBatchNmf<T>, v: View<'a, T>, workers: usize) -> Result<Self, Error> {
        Ok(Self { data: Data::new(options, v, None, workers)?, v })
    }

    fn run<O: Observer<T>>(self, observer: &mut O, began: Instant) -> Result<MiniBatchFit<T>, Error> {
        let Self { data, v } = self;
        let options = data.options;
        let (m, n, k) = (v.nrows(), v.ncols(), options.rank);
        let mut warnings = Vec::new();
        if k > m.min(n) {
            warnings.push(Warning::RankAboveDimensions { rank: k, rows: m, cols: n });
        }
        if (options.penalty.alpha_w == 0.0) != (options.penalty.alpha_h() == 0.0) {
            warnings.push(Warning::ScaleAmbiguity);
        }
        let batch = options.batch_size.min(m);
        let mut report = data.empty_report(v, batch, began);
        if data.found.max == 0.0 {
            let model = Model::new(Dense::zeros(k, n), options.penalty, options.loss);
            report.warnings = warnings;
            return Ok(MiniBatchFit { w: Dense::zeros(m, k), model, report, steps: 0 });
        }
        let (mut w, ht) = start(&data, v)?;
        let zeros = w.iter().chain(&ht).filter(|&&x| x == T::ZERO).count();
        if zeros > 0 {
            warnings.push(Warning::LockedZeros { count: zeros });
        }
        let mut state = State::new(ht, options.rho(m), data.exponent);
        report.seconds_start = began.elapsed().as_secs_f64();
        let per_pass = m.div_ceil(batch);
        let most = options.max_iter.saturating_mul(per_pass);
        let unit = data.unit();
        let size = scan::size(v, crate::fit::by_columns(v), data.scale, options.loss, data.workers)?;
        let mut progress = Progress::default();
        let (mut cancel, mut limit) = (options.cancel.clone(), options.max_time.map(TimeLimit));
        let mut steps = 0;
        let stop_reason = loop {
            let first = steps % per_pass * batch;
            let range = first..m.min(first + batch);
            let part = v.rows(range.clone());
            let rows = &mut w[range.start * k..range.end * k];
            let before = state.ht.clone();
            let given = (!options.fresh_restarts).then(|| rows.to_vec());
            let (new, cost, distance) = data.step(part, given, &mut state);
            rows.copy_from_slice(&new);
            steps += 1;
            if !cost.is_finite() || !state.ht.iter().all(|h| h.is_finite()) {
                return Err(Error::Diverged { iteration: steps });
            }
            let elapsed = began.elapsed();
            report.history.push(HistoryPoint {
                iteration: steps,
                objective: cost * unit,
                seconds: elapsed.as_secs_f64(),
            });
            let moved = change(&state.ht, &before);
            let converged = progress.met(options, steps, range.len(), m, cost, moved);
            let share = range.len() as f64 / m as f64;
            let step = Iteration {
                number: steps,
                max_iter: most,
                objective: cost * unit,
                loss: distance * unit,
                relative_error: (2.0 * distance / (size * share)).sqrt(),
                step: moved,
                elapsed,
                w: &w,
                ht: &state.ht,
                rank: k,
                factor_exponent: data.exponent / 2,
            };
            let seen = observer.observe(&step);
            if converged {
                break StopReason::Converged;
            }
            if let ControlFlow::Break(reason) = seen {
                break reason;
            }
            if let Some(ControlFlow::Break(reason)) = cancel.as_mut().map(|c| c.observe(&step)) {
                break reason;
            }
            if let Some(ControlFlow::Break(reason)) = limit.as_mut().map(|t| t.observe(&step)) {
                break reason;
            }
            if steps == most {
                break StopReason::MaxIterations;
            }
        };
        if options.fresh_restarts {
            w = data.solve_w(v, &state.ht, options.transform_max_iter.unwrap_or(options.max_iter));
        }
        report.iterations = steps.div_ceil(per_pass);
        if report.iterations == options.max_iter && options.tol > 0.0 {
            warnings.push(Warning::NotConverged { max_iter: options.max_iter });
        }
        let (figures, w) = data.pass(v, w, &state.ht, Fixed::Neither, |pass| pass.finish());
        let (on_w, on_h) = data.weights(v);
        let penalties = |weights: Weights, x: &[T]| Factor::new(x.to_vec(), k, weights, 1).exact_penalty();
        report.stop_reason = stop_reason;
        report.loss = figures.loss * unit;
        report.objective = (figures.loss + penalties(on_w, &w) + penalties(on_h, &state.ht)) * unit;
        report.reconstruction_error = (2.0 * report.loss).sqrt();
        report.relative_error = (2.0 * figures.loss / size).sqrt();
        report.kkt_residual = figures.remaining / size;
        report.warnings = warnings;
        if !report.objective.is_finite() {
            return Err(Error::LossOverflow { max: data.found.max });
        }
        let h = Dense::from_vec(data.to_user(state.ht), n, k)?.transposed();
        let w = Dense::from_vec(data.to_user(w), m, k)?;
        Ok(MiniBatchFit { w, model: Model::new(h, options.penalty, options.loss), report, steps })
    }
}

impl<T: Real> Data<'_, T> {
    fn empty_report(&self, v: View<'_, T>, batch: usize, began: Instant) -> Report {
        let Layout { lanes, block, workers } = self.layout(v.rows(0..batch));
        Report {
            stop_reason: StopReason::ZeroData,
            iterations: 0,
            loss_function: self.options.loss,
            objective: 0.0,
            loss: 0.0,
            reconstruction_error: 0.0,
            relative_error: 0.0,
            kkt_residual: 0.0,
            violation_ratio: None,
            history: Vec::new(),
            seconds_start: began.elapsed().as_secs_f64(),
            seconds_total: 0.0,
            plan: Plan {
                by_columns: false,
                lanes,
                block: block.min(batch),
                threads: workers,
                sweeps: (1, 1),
                isa: Isa::detect().name(),
                products: Products::Fused,
                accumulators: reduce::accumulators(lanes, workers),
                scale_exponent: self.exponent / 2,
            },
            warnings: Vec::new(),
        }
    }
}

/// What the stopping rule has seen.
#[derive(Debug, Default)]
struct Progress {
    average: Option<f64>,
    least: Option<f64>,
    without: usize,
}

impl Progress {
    /// Whether `step`, counted from 1, is the last.
    fn met<T>(
        &mut self,
        o: &MiniBatchNmf<T>,
        step: usize,
        rows: usize,
        m: usize,
        cost: f64,
        moved: f64,
    ) -> bool {
        // the first step tells of the start more than of the data
        if step == 1 {
            return false;
        }
        let weight = (rows as f64 / (m as f64 + 1.0)).min(1.0);
        let average = self.average.map_or(cost, |a| a * (1.0 - weight) + cost * weight);
        self.average = Some(average);
        if o.tol > 0.0 && moved <= o.tol {
            return true;
        }
        if self.least.is_none_or(|least| average < least) {
            self.without = 0;
            self.least = Some(average);
        } else {
            self.without += 1;
        }
        o.max_no_improvement.is_some_and(|most| self.without >= most)
    }
}

/// Components that are learnt from batches as they come: scikit-learn's `partial_fit`.
///
/// ```
/// use orthant::{Dense, MiniBatchNmf};
/// let mut online = MiniBatchNmf::<f64>::new(2).online()?;
/// for part in 0..5 {
///     let batch = Dense::from_fn(30, 8, |i, j| ((i + part) % 3 * (j % 2) + j) as f64);
///     online.partial_fit(&batch)?;
/// }
/// assert_eq!(online.steps(), 5);
/// let model = online.model().unwrap();
/// assert_eq!(model.components().ncols(), 8);
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Online<T> {
    options: MiniBatchNmf<T>,
    state: Option<State<T>>,
    steps: usize,
}

impl<T: Real> Online<T> {
    /// Learns from a batch. The first one makes the start and fixes how fast the past is forgotten; a batch without rows
    /// does nothing, and one that is all zero changes nothing but the count.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] for another number of columns than the first batch had; else as
    /// [`MiniBatchNmf::fit`].
    pub fn partial_fit(&mut self, batch: &impl ToView<T>) -> Result<(), Error> {
        let v = batch.to_view();
        let (m, n, k) = (v.nrows(), v.ncols(), self.options.rank);
        let Self { options, state, .. } = self;
        if let Some(state) = &state
            && state.ht.len() != n * k
        {
            let expected = (m, state.ht.len() / k);
            return Err(Error::ShapeMismatch { operand: "V", expected, found: (m, n) });
        }
        if m == 0 && n > 0 {
            return Ok(());
        }
        let learnt = on_threads(options.threads, |workers| -> Result<Option<State<T>>, Error> {
            let data = Data::new(options, v, state.as_ref().map(|s| s.exponent), workers)?;
            if data.found.max == 0.0 {
                return Ok(state.clone());
            }
            let mut next = match state {
                Some(state) => state.clone(),
                None => State::new(start(&data, v)?.1, options.rho(m), data.exponent),
            };
            let (_, cost, _) = data.step(v, None, &mut next);
            if !cost.is_finite() || !next.ht.iter().all(|h| h.is_finite()) {
                return Err(Error::Diverged { iteration: self.steps + 1 });
            }
            Ok(Some(next))
        })?
        .0?;
        self.state = learnt;
        self.steps += 1;
        Ok(())
    }

    /// Batches learnt from.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The components as they stand; none before there was a batch with an entry.
    pub fn model(&self) -> Option<Model<T>> {
        let state = self.state.as_ref()?;
        let k = self.options.rank;
        let ht = state.ht.iter().map(|&h| scan::scale_by(h, state.exponent / 2)).collect();
        let ht = Dense::from_vec(ht, state.ht.len() / k, k).expect("Hᵀ is n×k");
        Some(Model::new(ht.transposed(), self.options.penalty, self.options.loss))
    }
}
