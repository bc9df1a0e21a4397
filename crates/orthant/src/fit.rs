//! From options and data to a finished fit.

use std::ops::ControlFlow;
use std::time::Instant;

use orthant_kernel::{Dense, Isa};

use crate::alternation::{Alternation, Fixed};
use crate::choice::{Choice, Extent};
use crate::extrapolation::Schedule;
use crate::factor::Factor;
use crate::init::Generator;
use crate::joint::JointPass;
use crate::nmf::{Fit, Method, Nmf};
use crate::observe::{Iteration, Observer, TimeLimit};
use crate::pass::{Layout, Pass};
use crate::ratio::RatioPass;
use crate::report::{Compression, HistoryPoint, Plan, Report, StopReason, Warning};
use crate::rule::{Coordinate, LeastSquares, Majorizer, Multiplicative, Pivoting, ProjectedGradient, Rule};
use crate::source::{MatrixSource, Source};
use crate::stop::{Criterion, Seen};
use crate::{Error, Loss, Matrix, Model, Real, Start, check, init, reduce, scan, threads};

mod compressed;
pub(crate) mod sampled;

pub(crate) fn fit<T: Real>(
    nmf: &Nmf<T>,
    v: &Matrix<'_, T>,
    given: Option<&Dense<T>>,
    observer: &mut (dyn Observer<T> + Send),
) -> Result<Fit<T>, Error> {
    let began = Instant::now();
    nmf.check()?;
    let (m, n) = (v.nrows(), v.ncols());
    check::shapes(nmf, v, given)?;
    let mut warnings = Vec::new();
    if nmf.rank > m.min(n) {
        warnings.push(Warning::RankAboveDimensions { rank: nmf.rank, rows: m, cols: n });
    }
    if given.is_none() && (nmf.penalty.alpha_w == 0.0) != (nmf.penalty.alpha_h() == 0.0) {
        warnings.push(Warning::ScaleAmbiguity);
    }
    let (out, used) = threads::on(nmf.threads, |workers| run(nmf, v, given, observer, workers, began))?;
    let mut fit = out?;
    warnings.extend(threads::clamped(nmf.threads, used));
    warnings.append(&mut fit.report.warnings);
    fit.report.warnings = warnings;
    fit.report.seconds_total = began.elapsed().as_secs_f64();
    Ok(fit)
}

fn run<T: Real>(
    nmf: &Nmf<T>,
    v: &Matrix<'_, T>,
    given: Option<&Dense<T>>,
    observer: &mut (dyn Observer<T> + Send),
    workers: usize,
    began: Instant,
) -> Result<Fit<T>, Error> {
    let problem = Problem::new(nmf, v, given, workers, began)?;
    let found = problem.found;
    if found.max == 0.0 {
        return Ok(problem.all_zero());
    }
    let source = problem.source()?;
    let layout = problem.layout(&source);
    let isa = Isa::detect();
    let mut compression = None;
    let found_on_sample = match problem.choice.sample {
        Some(rows) => {
            let (start, done) = problem.sampled(rows)?;
            compression = Some(done);
            start
        }
        None => None,
    };
    let near = found_on_sample.is_some();
    let (mut factors, warnings) = problem.factors(&source, found_on_sample)?;
    if let Some(columns) = problem.choice.sketch {
        let done;
        (factors, done) = problem.compressed(factors, columns, &source)?;
        compression = Some(done);
    }
    let Factors { inner, outer, generator } = factors;
    let shuffle = nmf.shuffle.then(|| generator.clone());
    let pair = (inner, outer);
    let fixed = problem.fixed();
    let (k, squares) = (nmf.rank, found.squares);
    let method = problem.choice.method;
    let loss = method.loss();
    if !loss.is_quadratic() {
        let compatible = method.is_compatible();
        let rule = if compatible { Majorizer::compatible(loss) } else { Majorizer::guaranteed(loss) };
        let newton = method.is_newton();
        let (size, by_columns) = (problem.size, problem.by_columns);
        if method.is_joint() {
            let mut pass = JointPass::new(&source, rule, k, layout, size, pair, by_columns);
            if method.is_accelerated() {
                pass = pass.extrapolated(Schedule::joint());
            }
            return problem.iterate(pass, layout, observer, warnings, None, generator);
        }
        let mut pass = RatioPass::new(&source, rule, newton, k, layout, size, pair, by_columns, fixed);
        if method.is_accelerated() {
            pass = pass.extrapolated(if newton { Schedule::new() } else { Schedule::momentum() });
        }
        return problem.iterate(pass, layout, observer, warnings, None, generator);
    }
    let workers = layout.workers;
    let rule: Box<dyn Rule<T>> = match method {
        Method::Auto(_) => unreachable!("it was resolved"),
        Method::Accelerated { .. } | Method::Cd | Method::Hals { .. } => Box::new(Coordinate { isa }),
        Method::Newton { .. }
        | Method::AcceleratedNewton { .. }
        | Method::AcceleratedMm(_)
        | Method::JointMm
        | Method::AcceleratedJointMm => unreachable!("their losses are not quadratic"),
        Method::Mu(_) | Method::Mm(_) => Box::new(Multiplicative { isa, compatible: method.is_compatible() }),
        Method::Als => Box::new(LeastSquares::new(k, workers)),
        Method::Anls => Box::new(Pivoting::new(k, workers)),
        Method::ProjectedGradient => Box::new(ProjectedGradient::new(k, workers)),
    };
    let mut pass = Pass::new(&source, rule, k, layout, squares, pair).fixed(fixed).shuffled(shuffle);
    if matches!(method, Method::Accelerated { .. }) {
        let schedule = if near { Schedule::near() } else { Schedule::new() };
        pass = pass.extrapolated(schedule, problem.by_columns);
    }
    problem.iterate(pass, layout, observer, warnings, compression, generator)
}

/// A checked problem, laid out. Everything inside is for V·4^-p; `exponent` is 2p.
struct Problem<'a, T: Real> {
    nmf: &'a Nmf<T>,
    choice: Choice,
    v: &'a Matrix<'a, T>,
    scale: T,
    exponent: i32,
    found: scan::Found,
    /// ΣV^β: what the loss is compared with.
    size: f64,
    by_columns: bool,
    /// H, if only W is to be found.
    given: Option<&'a Dense<T>>,
    workers: usize,
    began: Instant,
}

/// The factors to start from, and the generator as their making left it.
struct Factors<T> {
    inner: Factor<T>,
    outer: Factor<T>,
    generator: Generator,
}

impl<'a, T: Real> Problem<'a, T> {
    /// Looks at all of V.
    fn new(
        nmf: &'a Nmf<T>,
        v: &'a Matrix<'a, T>,
        given: Option<&'a Dense<T>>,
        workers: usize,
        began: Instant,
    ) -> Result<Self, Error> {
        let choice = Choice::new(nmf, &Extent::of(v), given.is_some(), workers)?;
        let method = choice.method;
        let loss = method.loss();
        let mut found = scan::data(v, T::ONE, workers)?;
        let exponent = scan::scale_exponent(found.max, 2, scan::Safe::of::<T>(method));
        let scale = scan::scale_by(T::ONE, -exponent);
        if exponent != 0 {
            found = scan::data(v, scale, workers)?;
        }
        let size = if loss.is_quadratic() { found.squares } else { scan::size(v, scale, loss, workers)? };
        let by_columns = v.by_columns();
        Ok(Self { nmf, choice, v, scale, exponent, found, size, by_columns, given, workers, began })
    }

    fn source(&self) -> Result<MatrixSource<'a, T>, Error> {
        MatrixSource::new(self.v, self.scale, self.nmf.products, &self.choice.sparse, self.workers)
    }

    /// How a pass over a source is cut.
    fn layout(&self, source: &impl Source<T>) -> Layout {
        let block = self.nmf.block.unwrap_or_else(|| source.block_rows(self.nmf.rank)).min(source.rows());
        Layout { block, workers: self.workers }
    }

    /// The factor that does not change: H, if it is given.
    fn fixed(&self) -> Fixed {
        match (self.given.is_some(), self.by_columns) {
            (false, _) => Fixed::Neither,
            (true, false) => Fixed::Outer,
            (true, true) => Fixed::Inner,
        }
    }

    fn plan(&self, block: usize) -> Plan {
        let Choice { method, sketch, sample, sweeps, sparse, lanes, .. } = self.choice;
        let summed = !sparse.twin && self.fixed() != Fixed::Outer;
        Plan {
            method,
            by_columns: self.by_columns,
            lanes,
            block,
            threads: self.workers,
            sketch,
            sample,
            sweeps,
            isa: Isa::detect().name(),
            products: self.nmf.products,
            accumulators: if summed { reduce::accumulators(lanes, self.workers) } else { 0 },
            transpose: sparse.twin,
            scale_exponent: self.exponent / 2,
        }
    }

    /// A matrix of the user's, in the units of the scaled V.
    fn scaled(&self, x: Dense<T>) -> Vec<T> {
        let mut x = x.into_vec();
        // adding 0 makes -0 a 0
        x.iter_mut().for_each(|x| *x = scan::scale_by(*x, -self.exponent / 2) + T::ZERO);
        x
    }

    /// A factor of the scaled V, in the user's units.
    fn unscaled(&self, mut x: Vec<T>) -> Vec<T> {
        let p = self.exponent / 2;
        if p != 0 {
            x.iter_mut().for_each(|x| *x = scan::scale_by(*x, p));
        }
        x
    }

    /// W and Hᵀ to start from, for the scaled V.
    fn start(
        &self,
        generator: &mut Generator,
        source: &MatrixSource<'_, T>,
    ) -> Result<(Vec<T>, Vec<T>), Error> {
        let Self { nmf, v, scale, workers, .. } = *self;
        let k = nmf.rank;
        if let Some(h) = self.given {
            let w = if !self.choice.method.loss().is_quadratic() || self.choice.method.multiplies() {
                (init::mean(v, scale, workers > 1) / T::from_f64(k as f64)).sqrt()
            } else {
                T::ZERO
            };
            return Ok((vec![w; v.nrows() * k], self.scaled(h.transposed())));
        }
        let default = nmf.default_start(v.nrows(), v.ncols());
        let start = nmf.start.as_ref().unwrap_or(&default);
        if let Start::Custom { w, h } = start {
            return Ok((self.scaled(w.clone()), self.scaled(h.transposed())));
        }
        let data = init::Data { v, scale, source, workers };
        init::generate(start, &data, k, generator)
    }

    /// The factors to start from: those that were found, if any were.
    fn factors(
        &self,
        source: &MatrixSource<'_, T>,
        found: sampled::Found<T>,
    ) -> Result<(Factors<T>, Vec<Warning>), Error> {
        let Self { nmf, v, by_columns, exponent, .. } = *self;
        let Choice { method, sweeps, .. } = self.choice;
        let (m, n, k) = (v.nrows(), v.ncols(), nmf.rank);
        let (p, beta) = (exponent / 2, method.loss().beta());
        let mut generator = nmf.random.clone();
        let (w, ht) = match found {
            Some(factors) => factors,
            None => self.start(&mut generator, source)?,
        };
        let mut warnings = Vec::new();
        if method.multiplies() && matches!(nmf.start, Some(Start::Custom { .. })) {
            // also where it is memory that has decided so
            check::not_zero("W", &w)?;
            check::not_zero("H", &ht)?;
        }
        if ht.iter().all(|&x| x == T::ZERO) {
            warnings.push(Warning::ZeroStart);
        }
        if method.multiplies() && self.given.is_none() {
            let zeros = w.iter().chain(&ht).filter(|&&x| x == T::ZERO).count();
            if zeros > 0 {
                warnings.push(Warning::LockedZeros { count: zeros });
            }
        }
        // coordinates that move in turn come apart
        let in_turn = method.goes_in_turn();
        let alike = if in_turn || self.given.is_some() { None } else { identical(&w, &ht, k) };
        if let Some((first, second)) = alike {
            warnings.push(Warning::IdenticalComponents { first, second });
        }
        let w = Factor::new(w, k, nmf.penalty.on_w(n).scaled(p, beta), sweeps.0);
        let ht = Factor::new(ht, k, nmf.penalty.on_h(m).scaled(p, beta), sweeps.1);
        let (inner, outer) = if by_columns { (ht, w) } else { (w, ht) };
        Ok((Factors { inner, outer, generator }, warnings))
    }

    fn iterate<A: Alternation<T>>(
        &self,
        mut pass: A,
        layout: Layout,
        observer: &mut (dyn Observer<T> + Send),
        mut warnings: Vec<Warning>,
        compression: Option<Compression>,
        generator: Generator,
    ) -> Result<Fit<T>, Error> {
        let Self { nmf, v, by_columns, exponent, size, .. } = *self;
        let (m, n, k) = (v.nrows(), v.ncols(), nmf.rank);
        let method = self.choice.method;
        let (p, beta) = (exponent / 2, method.loss().beta());
        let fixed = self.fixed();
        let stop = nmf.stopping();
        let penalised = nmf.penalty.alpha_w > 0.0 || nmf.penalty.alpha_h() > 0.0;
        // a loss in the user's units: that of V·4^-p has 4^-βp of it, and its root 2^-βp
        let root = (f64::from(p) * beta).exp2();
        let unit = |loss: f64| loss * root * root;
        let relative = |loss: f64| (2.0 * loss / size).sqrt();

        pass.sweep_outer(false);
        let at_start = if Criterion::needs_start(stop) { (2.0 * pass.exact_loss()).sqrt() } else { 0.0 };
        if by_columns {
            pass.sweep_inner(false);
        }
        let of_h = if by_columns { pass.inner() } else { pass.outer() };
        if !of_h.gram.iter().all(|g| g.is_finite()) || !at_start.is_finite() {
            return Err(Error::Diverged { iteration: 0 });
        }
        let mut criterion = Criterion::new(stop, at_start);
        let mut history = Vec::with_capacity(nmf.max_iter.min(1 << 16));
        let seconds_start = self.began.elapsed().as_secs_f64();

        let (mut cancel, mut limit) = (nmf.cancel.clone(), nmf.max_time.map(TimeLimit));

        let mut best = (f64::INFINITY, f64::INFINITY);
        let mut number = 0;
        let stop_reason = loop {
            number += 1;
            match fixed {
                Fixed::Neither if by_columns => {
                    pass.sweep_outer(true);
                    pass.sweep_inner(true);
                }
                Fixed::Neither => {
                    pass.sweep_inner(true);
                    pass.sweep_outer(true);
                }
                Fixed::Outer => pass.sweep_inner(true),
                Fixed::Inner => {
                    if number > 1 && !pass.sums_last() {
                        pass.sweep_inner(false);
                    }
                    pass.sweep_outer(true);
                }
            }
            let loss = pass.loss();
            let objective = loss + pass.inner().penalty() + pass.outer().penalty();
            let violation = pass.inner().step.violation + pass.outer().step.violation;
            let step = pass.step();
            let error = (2.0 * loss).sqrt();
            // a restart recovers from steps that went too far
            let restarted = !pass.judge(loss, objective);
            if !objective.is_finite() && (!restarted || pass.is_stuck() || best.1 == f64::INFINITY) {
                return Err(Error::Diverged { iteration: number });
            }
            let elapsed = self.began.elapsed();
            history.push(HistoryPoint {
                iteration: number,
                objective: if objective.is_finite() { unit(objective) } else { f64::MAX },
                restarted,
                seconds: elapsed.as_secs_f64(),
            });
            let exact = !penalised && relative(loss) <= exactness::<T>(method.loss());
            let least_fall = if method.goes_in_turn() && method.loss().is_quadratic() {
                0.5 * step * step * size
            } else {
                0.0
            };
            if !restarted {
                best = (error, objective);
            }
            let seen = Seen {
                iteration: number,
                violation,
                error: best.0,
                objective: best.1,
                step,
                least_fall,
                exact,
            };
            let stuck = pass.is_stuck() && stop.tol() > 0.0;
            let converged = criterion.met(&seen) && !restarted || stuck;

            let (w, ht) =
                if by_columns { (pass.outer(), pass.inner()) } else { (pass.inner(), pass.outer()) };
            let iteration = Iteration {
                number,
                max_iter: nmf.max_iter,
                objective: unit(objective),
                loss: unit(loss),
                relative_error: relative(loss),
                step,
                restarted,
                elapsed,
                w: &w.x,
                ht: &ht.x,
                rank: k,
                factor_exponent: p,
            };
            let seen = observer.observe(&iteration);
            if converged {
                break StopReason::Converged;
            }
            if let ControlFlow::Break(reason) = seen {
                break reason;
            }
            if let Some(ControlFlow::Break(reason)) = cancel.as_mut().map(|c| c.observe(&iteration)) {
                break reason;
            }
            if let Some(ControlFlow::Break(reason)) = limit.as_mut().map(|t| t.observe(&iteration)) {
                break reason;
            }
            if number == nmf.max_iter {
                break StopReason::MaxIterations;
            }
        };

        let last = pass.finish();
        let penalties = pass.inner().exact_penalty() + pass.outer().exact_penalty();
        let objective = unit(last.loss + penalties);
        if !objective.is_finite() {
            return Err(Error::LossOverflow { max: self.found.max });
        }
        if stop_reason == StopReason::MaxIterations && stop.tol() > 0.0 {
            warnings.push(Warning::NotConverged { max_iter: nmf.max_iter });
        }
        if pass.regularized() > 0 {
            warnings.push(Warning::Regularized { count: pass.regularized() });
        }
        let report = Report {
            stop_reason,
            iterations: number,
            compression,
            loss_function: method.loss(),
            objective,
            loss: unit(last.loss),
            reconstruction_error: (2.0 * last.loss).sqrt() * root,
            relative_error: relative(last.loss),
            kkt_residual: last.remaining,
            violation_ratio: criterion.ratio,
            history,
            seconds_start,
            seconds_total: 0.0,
            plan: self.plan(layout.block),
            warnings,
        };
        let random_state = generator.into_state().map(|drawn| pass.stream().cloned().unwrap_or(drawn));
        let (inner, outer) = pass.into_factors();
        let (w, ht) = if by_columns { (outer, inner) } else { (inner, outer) };
        let w = Dense::from_vec(self.unscaled(w), m, k).expect("W is m×k");
        let h = match self.given {
            Some(h) => h.clone(),
            None => Dense::from_vec(self.unscaled(ht), n, k).expect("Hᵀ is n×k").transposed(),
        };
        Ok(Fit { w, model: Model::new(h, nmf.penalty, method.loss()), report, random_state })
    }

    fn all_zero(&self) -> Fit<T> {
        let (m, n, k) = (self.v.nrows(), self.v.ncols(), self.nmf.rank);
        let loss = self.choice.method.loss();
        let report = Report {
            stop_reason: StopReason::ZeroData,
            iterations: 0,
            compression: None,
            loss_function: loss,
            objective: 0.0,
            loss: 0.0,
            reconstruction_error: 0.0,
            relative_error: 0.0,
            kkt_residual: 0.0,
            violation_ratio: None,
            history: Vec::new(),
            seconds_start: self.began.elapsed().as_secs_f64(),
            seconds_total: 0.0,
            plan: self.plan(0),
            warnings: Vec::new(),
        };
        let h = self.given.cloned().unwrap_or_else(|| Dense::zeros(k, n));
        let model = Model::new(h, self.nmf.penalty, loss);
        Fit { w: Dense::zeros(m, k), model, report, random_state: self.nmf.random.clone().into_state() }
    }
}

/// The relative error that rounding leaves of an exact fit.
fn exactness<T: Real>(loss: Loss) -> f64 {
    let products = 16.0 * T::EPSILON.to_f64();
    // a divergence is a difference of sums in double precision
    if loss.is_quadratic() { products } else { products.max(4.0 * f64::EPSILON.sqrt()) }
}

/// The first two components that are the same in both factors: updates can never tell them apart.
fn identical<T: Real>(w: &[T], ht: &[T], k: usize) -> Option<(usize, usize)> {
    let same = |a: usize, b: usize| w.chunks_exact(k).chain(ht.chunks_exact(k)).all(|row| row[a] == row[b]);
    (0..k).flat_map(|a| (a + 1..k).map(move |b| (a, b))).find(|&(a, b)| same(a, b))
}

/// The start alone, in the user's units.
pub(crate) fn start_factors<T: Real>(nmf: &Nmf<T>, v: &Matrix<'_, T>) -> Result<(Dense<T>, Dense<T>), Error> {
    let began = Instant::now();
    nmf.check()?;
    let (m, n) = (v.nrows(), v.ncols());
    check::shapes(nmf, v, None)?;
    threads::on(nmf.threads, |workers| {
        let problem = Problem::new(nmf, v, None, workers, began)?;
        let source = problem.source()?;
        let (w, ht) = problem.start(&mut nmf.random.clone(), &source)?;
        let (w, ht) = (problem.unscaled(w), problem.unscaled(ht));
        let ht = Dense::from_vec(ht, n, nmf.rank)?;
        Ok((Dense::from_vec(w, m, nmf.rank)?, ht.transposed()))
    })?
    .0
}
