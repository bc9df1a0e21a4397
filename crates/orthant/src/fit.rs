//! From options and data to a finished fit.

use std::ops::ControlFlow;
use std::time::Instant;

use orthant_kernel::{Dense, Isa};

use crate::alternation::{Alternation, Fixed};
use crate::choice::{Choice, Extent};
use crate::extrapolation::Schedule;
use crate::factor::{self, Factor};
use crate::init::Generator;
use crate::joint::JointPass;
use crate::nmf::{Fit, Nmf};
use crate::observe::{Iteration, Observer, TimeLimit};
use crate::pass::{Layout, Pass};
use crate::ratio::RatioPass;
use crate::report::{Compression, HistoryPoint, Plan, Report, StopReason, Warning};
use crate::rule::Majorizer;
use crate::source::{MatrixSource, Source};
use crate::stop::{Criterion, Seen};
use crate::update::Setup;
use crate::{
    Component, Error, Loss, Matrix, Model, Real, Start, Update, check, init, reduce, scale, scan, threads,
};

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
    if nmf.options.rank > m.min(n) {
        warnings.push(Warning::RankAboveDimensions { rank: nmf.options.rank, rows: m, cols: n });
    }
    if given.is_none() && (nmf.options.penalty.alpha_w == 0.0) != (nmf.options.penalty.alpha_h() == 0.0) {
        warnings.push(Warning::ScaleAmbiguity);
    }
    let (out, used) =
        threads::on(nmf.options.threads, |workers| run(nmf, v, given, observer, workers, began))?;
    let mut fit = out?;
    warnings.extend(threads::clamped(nmf.options.threads, used));
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
    let (mut factors, mut warnings) = problem.factors(&source, found_on_sample)?;
    if let Some(columns) = problem.choice.sketch {
        let done;
        (factors, done) = problem.compressed(factors, columns, &source)?;
        compression = Some(done);
    }
    let Factors { inner, outer, generator } = factors;
    let shuffle = nmf.options.shuffle.then(|| generator.clone());
    let pair = (inner, outer);
    let fixed = problem.fixed();
    let (n, k, squares) = (v.ncols(), nmf.options.rank, found.squares);
    let negligible = factor::negligible(&pair.0.x, &pair.1.x, k);
    let method = problem.choice.method;
    let loss = method.loss;
    if !loss.is_quadratic() {
        let compatible = method.is_compatible();
        let rule = if compatible {
            Majorizer::compatible(loss, problem.exponent)
        } else {
            Majorizer::guaranteed(loss)
        };
        let rule = rule.at_least(negligible);
        if loss.beta() < 1.0 && !compatible && problem.size.smallest < rule.beta.floor().to_f64() {
            let largest = scan::scale_by(found.max, -problem.exponent);
            warnings.push(Warning::RangeTooWide { ratio: problem.size.smallest / largest });
        }
        let newton = method.is_newton();
        let (size, by_columns) = (problem.size.powers, problem.by_columns);
        if method.is_joint() {
            let mut pass = JointPass::new(&source, rule, k, layout, size, pair, by_columns);
            if method.is_extrapolated() {
                pass = pass.extrapolated(Schedule::joint());
            }
            return problem.iterate(pass, layout, observer, warnings, None, generator);
        }
        let mut pass = RatioPass::new(&source, rule, newton, k, layout, size, pair, by_columns, fixed);
        if method.is_extrapolated() {
            let schedule = if newton { Schedule::newton() } else { Schedule::momentum(loss) };
            pass = pass.extrapolated(schedule, method.plain().sweeps_over(n, k));
        }
        return problem.iterate(pass, layout, observer, warnings, None, generator);
    }
    let setup = Setup { isa, k, workers: layout.workers, exponent: problem.exponent, negligible };
    let rule = method.update.rule(&setup).expect("updates for the Frobenius loss have a rule");
    let mut pass = Pass::new(&source, rule, k, layout, squares, pair).fixed(fixed).shuffled(shuffle);
    if method.update == Update::Als {
        pass = pass.balanced();
    }
    if method.is_extrapolated() {
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
    /// What the loss is compared with.
    size: scan::Size,
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
        let choice = Choice::new::<T>(&nmf.options, &Extent::of(v), given.is_some(), workers)?;
        let method = choice.method;
        let loss = method.loss;
        let mut found = scan::data(v, T::ONE, workers)?;
        let exponent = scan::scale_exponent(found.max, 2, scan::Safe::of::<T>(method));
        let scale = scan::scale_by(T::ONE, -exponent);
        if exponent != 0 {
            found = scan::data(v, scale, workers)?;
        }
        let size = if loss.is_quadratic() {
            scan::Size::quadratic(found.squares)
        } else {
            scan::size(v, scale, loss, workers)?
        };
        let by_columns = v.by_columns();
        Ok(Self { nmf, choice, v, scale, exponent, found, size, by_columns, given, workers, began })
    }

    fn source(&self) -> Result<MatrixSource<'a, T>, Error> {
        MatrixSource::new(self.v, self.scale, self.nmf.options.products, &self.choice.sparse, self.workers)
    }

    /// How a pass over a source is cut.
    fn layout(&self, source: &impl Source<T>) -> Layout {
        let block = self
            .nmf
            .options
            .block
            .unwrap_or_else(|| source.block_rows(self.nmf.options.rank))
            .min(source.rows());
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
            products: self.nmf.options.products,
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
        let k = nmf.options.rank;
        if let Some(h) = self.given {
            let w = if !self.choice.method.loss.is_quadratic() || self.choice.method.keeps_zeros() {
                (init::mean(v, scale, workers > 1) / T::from_f64(k as f64)).sqrt()
            } else {
                T::ZERO
            };
            return Ok((vec![w; v.nrows() * k], self.scaled(h.transposed())));
        }
        let default = nmf.options.default_start(v.nrows(), v.ncols());
        let start = nmf.start.as_ref().unwrap_or(&default);
        if let Start::Custom { w, h } = start {
            return Ok((self.scaled(w.clone()), self.scaled(h.transposed())));
        }
        let data = init::Data { v, scale, source, workers };
        init::generate(start, &data, k, generator)
    }

    /// A start that is given, at V's size: one that is further from it than 2²⁰⁰ times (2⁶⁰ in single precision) is multiplied by
    /// powers of two, and one whose factors are as far from each other is shared out alike, unless the method is to have it as
    /// it is.
    fn sized(&self, mut w: Vec<T>, mut ht: Vec<T>, warnings: &mut Vec<Warning>) -> (Vec<T>, Vec<T>) {
        let most = if T::NAME == "float32" { 60.0 } else { 200.0 };
        let k = self.nmf.options.rank;
        let size = |x: &[T]| {
            let mut most = vec![T::ZERO; k];
            for row in x.chunks_exact(k) {
                most.iter_mut().zip(row).for_each(|(most, x)| *most = most.max(*x));
            }
            most.into_iter().map(|x| x.to_f64().log2())
        };
        let of_v = self.found.max.log2() - f64::from(self.exponent);
        // of the component whose product is largest
        let largest = size(&w).zip(size(&ht)).max_by(|a, b| (a.0 + a.1).total_cmp(&(b.0 + b.1)));
        let Some((of_w, of_h)) = largest.filter(|(w, h)| (w + h).is_finite()) else { return (w, ht) };
        let (apart, uneven) = (of_v - of_w - of_h, of_h - of_w);
        let (far, uneven_by, rescaled) =
            (apart.abs() > most, uneven.abs() > most, !self.choice.method.is_compatible());
        if far {
            warnings.push(Warning::StartScale { exponent: apart as i32, rescaled });
        }
        if rescaled && (far || uneven_by) {
            let both = if far { apart / 2.0 } else { 0.0 };
            let [on_w, on_h] = [uneven / 2.0 + both, both - uneven / 2.0].map(|e| e.round() as i32);
            w.iter_mut().for_each(|x| *x = scan::scale_by(*x, on_w));
            ht.iter_mut().for_each(|x| *x = scan::scale_by(*x, on_h));
        }
        (w, ht)
    }

    /// Whether V is one row or one column, which one component fits exactly, and no start or penalty asks for another answer.
    fn is_line(&self) -> bool {
        let drawn = matches!(self.nmf.start, None | Some(Start::Random | Start::ScaledRandom));
        self.v.nrows().min(self.v.ncols()) == 1 && drawn && self.nmf.options.is_free(self.given.is_some())
    }

    /// W and Hᵀ with that row or column in the first component, and nothing in the others.
    fn line(&self) -> (Vec<T>, Vec<T>) {
        let (m, n, k) = (self.v.nrows(), self.v.ncols(), self.nmf.options.rank);
        let (mut w, mut ht) = (vec![T::ZERO; m * k], vec![T::ZERO; n * k]);
        let along = if m == 1 { &mut ht } else { &mut w };
        let mut put = |at: usize, x: T| along[at * k] = x * self.scale;
        match self.v {
            Matrix::Dense(v) => (0..m).for_each(|i| (0..n).for_each(|j| put(i + j, v.at(i, j)))),
            Matrix::Csr(v) => (0..m).for_each(|i| v.row(i).for_each(|(j, x)| put(i + j, x))),
            Matrix::Csc(v) => (0..n).for_each(|j| v.transposed().row(j).for_each(|(i, x)| put(i + j, x))),
        }
        // of one size, or single precision could not hold the squares of both
        let largest = along.iter().fold(T::ZERO, |most, x| most.max(*x));
        let half = (largest.to_f64().log2() / 2.0).floor() as i32;
        along.iter_mut().for_each(|x| *x = scan::scale_by(*x, -half));
        let other = if m == 1 { &mut w } else { &mut ht };
        other[0] = scan::scale_by(T::ONE, half);
        (w, ht)
    }

    /// The factors to start from: those that were found, if any were.
    fn factors(
        &self,
        source: &MatrixSource<'_, T>,
        found: sampled::Found<T>,
    ) -> Result<(Factors<T>, Vec<Warning>), Error> {
        let Self { nmf, v, by_columns, exponent, .. } = *self;
        let Choice { method, sweeps, .. } = self.choice;
        let (m, n, k) = (v.nrows(), v.ncols(), nmf.options.rank);
        let (p, beta) = (exponent / 2, method.loss.beta());
        let mut generator = nmf.random.clone();
        let (w, ht) = match found {
            Some(factors) => factors,
            None if self.is_line() => self.line(),
            None => self.start(&mut generator, source)?,
        };
        let mut warnings = Vec::new();
        let line = self.given.is_none() && self.is_line();
        let started = self.given.is_none() && matches!(nmf.start, Some(Start::Custom { .. }));
        let (w, mut ht) = if started { self.sized(w, ht, &mut warnings) } else { (w, ht) };
        if method.is_newton() && self.given.is_none() && !started && !line {
            init::fill_zero_rows(&mut ht, k);
        }
        if method.keeps_zeros() && matches!(nmf.start, Some(Start::Custom { .. })) {
            // also where it is memory that has decided so
            check::not_zero("W", &w)?;
            check::not_zero("H", &ht)?;
        }
        if ht.iter().all(|&x| x == T::ZERO) {
            warnings.push(Warning::ZeroStart);
        }
        if method.keeps_zeros() && self.given.is_none() && !line {
            let zeros = w.iter().chain(&ht).filter(|&&x| x == T::ZERO).count();
            if zeros > 0 {
                warnings.push(Warning::LockedZeros { count: zeros });
            }
        }
        // coordinates that move in turn come apart
        let in_turn = method.goes_in_turn();
        let alike = if in_turn || self.given.is_some() || line { None } else { identical(&w, &ht, k) };
        if let Some((first, second)) = alike {
            warnings.push(Warning::IdenticalComponents { first, second });
        }
        let w = Factor::new(w, k, nmf.options.penalty.on_w(n).scaled(p, beta), sweeps.0);
        let ht = Factor::new(ht, k, nmf.options.penalty.on_h(m).scaled(p, beta), sweeps.1);
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
        let (m, n, k) = (v.nrows(), v.ncols(), nmf.options.rank);
        let method = self.choice.method;
        let (p, beta) = (exponent / 2, method.loss.beta());
        let fixed = self.fixed();
        let stop = nmf.options.stopping();
        let penalised = nmf.options.penalises();
        // a loss in the user's units: that of V·4^-p has 4^-βp of it, and its root 2^-βp
        let root = (f64::from(p) * beta).exp2();
        let unit = |loss: f64| loss * root * root;
        let relative = |loss: f64| size.relative_error(loss);

        pass.sweep_outer(false);
        let at_start = if Criterion::needs_start(stop) { (2.0 * pass.exact_loss()).sqrt() } else { 0.0 };
        if by_columns {
            pass.sweep_inner(false);
        }
        let of_h = if by_columns { pass.inner() } else { pass.outer() };
        if !of_h.gram.iter().all(|g| g.is_finite()) || !at_start.is_finite() {
            return Err(Error::Diverged { iteration: 0 });
        }
        let exactness = exactness::<T>(method.loss, stop.tol());
        let mut criterion = Criterion::new(stop, at_start, k, 8.0 * T::EPSILON.to_f64());
        if method.is_extrapolated() {
            criterion = criterion.extrapolated(penalised);
        }
        let mut history = Vec::with_capacity(nmf.options.max_iter.min(1 << 16));
        let seconds_start = self.began.elapsed().as_secs_f64();

        let (mut cancel, mut limit) = (nmf.cancel.clone(), nmf.options.max_time.map(TimeLimit));

        let negligible = factor::negligible(&pass.inner().x, &pass.outer().x, k);
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
                objective: if objective.is_finite() { unit(objective).min(f64::MAX) } else { f64::MAX },
                restarted,
                seconds: elapsed.as_secs_f64(),
            });
            let exact = !penalised && (2.0 * loss / size.powers).sqrt() <= exactness;
            let least_fall = if method.goes_in_turn() && method.loss.is_quadratic() {
                0.5 * step * step * size.powers
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
                max_iter: nmf.options.max_iter,
                objective: unit(objective).min(f64::MAX),
                loss: unit(loss).min(f64::MAX),
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
            if number == nmf.options.max_iter {
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
            warnings.push(Warning::NotConverged { max_iter: nmf.options.max_iter });
        }
        if pass.regularized() > 0 {
            warnings.push(Warning::Regularized { count: pass.regularized() });
        }
        let empty = |factor: &Factor<T>| factor.x.iter().all(|&x| x <= negligible);
        // L2 penalties alone lead towards 0 and never there; below β = 1 there are worse fits than none
        let nothing = beta > 1.0 && relative(last.loss) > 0.999;
        if penalised && (nothing || empty(pass.inner()) || empty(pass.outer())) {
            let weights = (n as f64 * nmf.options.penalty.alpha_w, m as f64 * nmf.options.penalty.alpha_h());
            let mean = (self.found.squares / (m as f64 * n as f64)).sqrt();
            let enough = method.loss.is_quadratic().then(|| mean * f64::from(exponent).exp2());
            warnings.push(Warning::Emptied { weights, enough });
        }
        let random_state = generator.into_state().map(|drawn| pass.stream().cloned().unwrap_or(drawn));
        let (inner, outer) = pass.into_factors();
        let (w, ht) = if by_columns { (outer, inner) } else { (inner, outer) };
        let mut w = Dense::from_vec(self.unscaled(w), m, k).expect("W is m×k");
        let mut h = match self.given {
            Some(h) => h.clone(),
            None => Dense::from_vec(self.unscaled(ht), n, k).expect("Hᵀ is n×k").transposed(),
        };
        let scale = nmf.options.scaling(self.given.is_some());
        scale::apply(scale, &mut w, &mut h);
        scale::clear_subnormal(&mut w);
        if self.given.is_none() {
            scale::clear_subnormal(&mut h);
        }
        let report = Report {
            stop_reason,
            iterations: number,
            compression,
            loss_function: method.loss,
            objective,
            loss: unit(last.loss),
            reconstruction_error: (2.0 * last.loss).sqrt() * root,
            relative_error: relative(last.loss),
            kkt_residual: last.remaining,
            violation_ratio: criterion.ratio,
            scale,
            components: scale::components(&w, &h),
            history,
            seconds_start,
            seconds_total: 0.0,
            plan: self.plan(layout.block),
            warnings,
        };
        Ok(Fit { w, model: Model::new(h, nmf.options.penalty, method.loss), report, random_state })
    }

    fn all_zero(&self) -> Fit<T> {
        let (m, n, k) = (self.v.nrows(), self.v.ncols(), self.nmf.options.rank);
        let loss = self.choice.method.loss;
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
            scale: self.nmf.options.scaling(self.given.is_some()),
            components: vec![Component { total: 0.0, share: 0.0 }; k],
            history: Vec::new(),
            seconds_start: self.began.elapsed().as_secs_f64(),
            seconds_total: 0.0,
            plan: self.plan(0),
            warnings: Vec::new(),
        };
        let h = self.given.cloned().unwrap_or_else(|| Dense::zeros(k, n));
        let model = Model::new(h, self.nmf.options.penalty, loss);
        Fit { w: Dense::zeros(m, k), model, report, random_state: self.nmf.random.clone().into_state() }
    }
}

/// √(2·loss/ΣV^β) from which on a fit is exact: what rounding in the products leaves; and in double precision no less than
/// where the loss is rounding beside ΣV^β, unless the tolerance asks for more.
fn exactness<T: Real>(loss: Loss, tol: f64) -> f64 {
    let (products, sums) = (16.0 * T::EPSILON.to_f64(), 4.0 * f64::EPSILON.sqrt());
    // a divergence is a difference of sums in double precision, whatever is asked
    products.max(if loss.is_quadratic() { sums.min(tol) } else { sums })
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
    threads::on(nmf.options.threads, |workers| {
        let problem = Problem::new(nmf, v, None, workers, began)?;
        let source = problem.source()?;
        let (w, ht) = problem.start(&mut nmf.random.clone(), &source)?;
        let (w, ht) = (problem.unscaled(w), problem.unscaled(ht));
        let ht = Dense::from_vec(ht, n, nmf.options.rank)?;
        Ok((Dense::from_vec(w, m, nmf.options.rank)?, ht.transposed()))
    })?
    .0
}
