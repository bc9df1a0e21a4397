//! From options and data to a finished fit.

use std::sync::Arc;

use orthant_kernel::{Dense, Isa};

use crate::cancel::Halt;
use crate::checkpoint::Said;
use crate::choice::{self, Choice};
use crate::clock::Instant;
use crate::drive::{Known, Terms, drive};
use crate::iterate::{Alternation, Factor, Figures, Fixed, Joint, Layout, Quadratic, Ratio, Schedule};
use crate::known::{self, Limits};
use crate::nmf::{Fit, Nmf};
use crate::observe::{Observer, Watch};
use crate::random::Generator;
use crate::ranks::Ranks;
use crate::report::{Plan, Report, StopReason, Warning};
use crate::rule::Majorizer;
use crate::rule::Setup;
use crate::shape::Shape;
use crate::source::{self, Estimate, Lists, Partial, Stored, Unobserved};
use crate::{Component, Error, Matrix, Model, Observed, Real, Update, check, scale, scan, threads};

mod compressed;
#[cfg(test)]
mod ended_tests;
pub(crate) mod holdout;
pub(crate) mod lists;
mod process;
mod resume;
pub(crate) mod sampled;
mod start;
pub(crate) mod weighted;

use process::Fitting;
use resume::Begun;
pub(crate) use start::init_factors;

pub(crate) fn fit<T: Real>(
    nmf: &Nmf<T>,
    v: &Matrix<'_, T>,
    given: Option<&Dense<T>>,
    observer: &mut (dyn Observer<T> + Send),
) -> Result<Fit<T>, Error> {
    let checked = nmf.ranks.agree(check::ranks(nmf, v, given));
    let fit = checked.and_then(|()| on_rank(nmf, v, given, observer));
    let fit = nmf.ranks.agree(fit);
    nmf.ranks.go_on();
    fit
}

/// The fit as one rank of it does it.
fn on_rank<T: Real>(
    nmf: &Nmf<T>,
    v: &Matrix<'_, T>,
    given: Option<&Dense<T>>,
    observer: &mut (dyn Observer<T> + Send),
) -> Result<Fit<T>, Error> {
    check::in_memory(nmf, v, given.is_some())?;
    if let Some(holdout) = &nmf.options.holdout {
        return holdout::fit(nmf, v, given, observer, holdout);
    }
    let began = Instant::now();
    nmf.check()?;
    let (m, n) = (v.nrows(), v.ncols());
    check::shapes(nmf, v, given)?;
    if let Some(lines) = nmf.lines.checked(m, n)? {
        return weighted::fit(nmf, v, given, observer, &lines);
    }
    let mut warnings = Vec::new();
    if nmf.options.rank > m.min(n) {
        warnings.push(Warning::RankAboveDimensions { rank: nmf.options.rank, rows: m, cols: n });
    }
    if given.is_none() && (nmf.options.penalty.alpha_w == 0.0) != (nmf.options.penalty.alpha_h() == 0.0) {
        warnings.push(Warning::ScaleAmbiguity);
    }
    // ranks that are threads of one process would wait for one another in one pool
    let threads = nmf.options.threads.or_else(|| (!nmf.ranks.is_one()).then(|| threads::used(None)));
    let (out, used) = threads::on(threads, |workers| run(nmf, v, given, observer, workers, began))?;
    let mut fit = out?;
    warnings.extend(threads::clamped(nmf.options.threads, used));
    warnings.append(&mut fit.report.warnings);
    fit.report.warnings = warnings;
    fit.report.seconds_total += began.elapsed().as_secs_f64();
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
    if let Some(lists) = lists::wanted(nmf, v, workers)? {
        return lists::run(nmf, &lists, given, observer, workers, began);
    }
    let problem = Problem::new(nmf, v, given, workers, began)?;
    let found = problem.found;
    if found.max == 0.0 {
        return Ok(problem.all_zero());
    }
    let guess = problem.estimate();
    let stored = problem.source(None)?;
    let source = stored.sources();
    let layout = problem.layout(&source.rows.extent());
    let (isa, block) = (Isa::detect(), layout.block);
    let (pair, mut begun) = match &nmf.checkpoint {
        None => {
            let guessed = guess.as_ref().map(|guess| problem.source(Some(guess))).transpose()?;
            problem.begin(guessed.as_ref().map_or(source, Stored::sources), guess.as_ref())?
        }
        Some(checkpoint) => problem.resume(checkpoint)?,
    };
    let shuffle = nmf.options.shuffle.then(|| begun.generator.clone());
    let (n, k, squares) = (v.ncols(), nmf.options.rank, found.squares);
    let negligible = begun.negligible;
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
        if begun.state.is_none()
            && loss.beta() < 1.0
            && !compatible
            && problem.size.smallest < rule.beta.floor().to_f64()
        {
            let largest = scan::scale_by(found.max, -problem.exponent);
            begun.said.warnings.push(Warning::RangeTooWide { ratio: problem.size.smallest / largest });
        }
        let newton = method.is_newton();
        let size = problem.size.powers;
        if method.is_joint() {
            let mut pass = Joint::new(source.rows, rule, k, layout, size, pair);
            if method.is_extrapolated() {
                pass = pass.extrapolated(Schedule::joint());
            }
            return problem.solve(pass, block, observer, begun);
        }
        let mut pass = Ratio::new(source, rule, newton, k, layout, size, pair);
        if method.is_extrapolated() {
            let schedule = if newton { Schedule::newton() } else { Schedule::momentum(loss) };
            pass = pass.extrapolated(schedule, method.plain().sweeps_over(n, k));
        }
        return problem.solve(pass, block, observer, begun);
    }
    let setup = Setup { isa, k, workers: layout.workers, exponent: problem.exponent, negligible };
    let rule = method.update.rule(&setup).expect("updates for the Frobenius loss have a rule");
    let mut pass = Quadratic::new(source, rule, k, layout, squares, pair).shuffled(shuffle);
    if method.update == Update::Als {
        pass = pass.balanced();
    }
    if method.is_extrapolated() {
        let schedule = if begun.near { Schedule::near() } else { Schedule::new() };
        pass = pass.extrapolated(schedule);
    }
    problem.solve(pass, block, observer, begun)
}

/// A checked problem, laid out. Everything inside is for V·4^-p; `exponent` is 2p.
struct Problem<'a, T: Real> {
    nmf: &'a Nmf<T>,
    choice: Choice,
    v: &'a Matrix<'a, T>,
    scale: T,
    exponent: i32,
    found: scan::Found,
    /// What is not observed of V, by its lines and by those across where these are read.
    unobserved: Option<[Option<Unobserved>; 2]>,
    /// What is observed, where V is lists of that.
    lists: Option<&'a Lists<'a, T>>,
    /// What the loss is compared with.
    size: scan::Size,
    by_columns: bool,
    /// What bounds W and H, in the units of the scaled V.
    limits: [Option<Arc<Limits<T>>>; 2],
    /// H, if only W is to be found.
    given: Option<&'a Dense<T>>,
    workers: usize,
    began: Instant,
    halt: Halt,
    /// Who share the lanes of V: those of the fit, where V is read by lanes. What is in memory each rank has for itself.
    ranks: Ranks,
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
        Self::of(nmf, v, given, None, workers, began)
    }

    /// The same, where V is those lists.
    fn of(
        nmf: &'a Nmf<T>,
        v: &'a Matrix<'a, T>,
        given: Option<&'a Dense<T>>,
        lists: Option<&'a Lists<'a, T>>,
        workers: usize,
        began: Instant,
    ) -> Result<Self, Error> {
        let missing = nmf.options.missing;
        let shared = matches!(v, Matrix::OutOfCore(_)) && !nmf.ranks.is_one();
        let ranks = if shared { nmf.ranks.clone() } else { Ranks::default() };
        // what each rank does by itself all of them do to its end, or they would have other results
        let halt = match shared || nmf.ranks.is_one() {
            true => Halt::new(began, nmf.cancel.as_ref(), nmf.options.max_time),
            false => Halt::default(),
        };
        let mut found = scan::shared(v, T::ONE, missing, workers, &halt, &ranks)?;
        let unobserved = check::unobserved(nmf, v, workers)?;
        let gaps = unobserved.as_ref().map_or(0, Unobserved::count);
        let exponent = scan::exponent::<T>(nmf.options.method, found.max);
        let limits = nmf.limits(v.nrows(), v.ncols())?;
        let shape = choice::measured(&nmf.options, v, gaps, lists.is_some(), given.is_some(), exponent != 0);
        let shape = shape.bounded(&limits);
        let choice = Choice::new::<T>(&nmf.options, &shape, given.is_some(), workers);
        let choice = check::choice(&nmf.ranks, choice)?;
        let loss = choice.method.loss;
        let scale = scan::scale_by(T::ONE, -exponent);
        if exponent != 0 {
            found = scan::shared(v, scale, missing, workers, &halt, &ranks)?;
        }
        let size = if loss.is_quadratic() || lists.is_some() {
            scan::Size::quadratic(found.squares)
        } else {
            scan::size(v, scale, missing, loss, workers, &ranks)?
        };
        let by_columns = v.by_columns();
        let unobserved = unobserved.map(|along| {
            let across = choice.sparse.transpose.then(|| along.transposed());
            [Some(along), across]
        });
        let mut problem = Self {
            nmf,
            choice,
            v,
            scale,
            exponent,
            found,
            unobserved,
            lists,
            size,
            by_columns,
            limits: limits.map(|of| of.map(|of| Arc::new(of.map(|x| scan::scale_by(x, -exponent / 2))))),
            given,
            workers,
            began,
            halt,
            ranks,
        };
        if let Some(lists) = lists {
            problem.measure_lists(lists);
        }
        Ok(problem)
    }

    /// What stands for what is not observed while the fit starts, along and across.
    fn estimate(&self) -> Option<[Estimate<T>; 2]> {
        let (Matrix::Dense(view), Some([Some(along), _])) = (self.v, &self.unobserved) else { return None };
        let s = if self.by_columns { view.transposed() } else { *view };
        let estimate = Estimate::of(s, self.scale, along);
        let across = estimate.transposed();
        Some([estimate, across])
    }

    /// V as a source; with that in place of what is not observed, or to be completed there.
    fn source<'s>(&'s self, guess: Option<&'s [Estimate<T>; 2]>) -> Result<Stored<'s, T>, Error> {
        let (products, plan) = (self.nmf.options.products, &self.choice.sparse);
        match &self.unobserved {
            Some([Some(along), across]) => {
                let estimate = guess.map(|[along, across]| [along, across]);
                let partial = Partial { along, across: across.as_ref(), estimate };
                Stored::partial(self.v, self.scale, products, plan, partial)
            }
            _ => Stored::new(self.v, self.scale, products, plan, self.workers),
        }
    }

    /// What is observed, where not everything is.
    fn observed(&self) -> Option<(Observed, Warning)> {
        let (m, n, rank) = (self.v.nrows(), self.v.ncols(), self.nmf.options.rank);
        let (entries, counts) = match self.lists {
            Some(lists) => (lists.values.nnz(), lists.observed(rank)),
            None => {
                let along = self.unobserved.as_ref()?[0].as_ref()?;
                let mut counts = along.observed(rank);
                if self.by_columns {
                    counts.reverse();
                }
                (m * n - along.count(), counts)
            }
        };
        let [rows, columns] = counts;
        let observed = Observed {
            entries,
            fewest_in_row: (rows.at, rows.fewest),
            fewest_in_column: (columns.at, columns.fewest),
        };
        Some((observed, Warning::FewObserved { rows: rows.below_rank, columns: columns.below_rank, rank }))
    }

    /// How a pass over a source is cut.
    fn layout(&self, source: &source::Extent) -> Layout {
        let block = self
            .nmf
            .options
            .block
            .unwrap_or_else(|| source.block_rows::<T>(self.nmf.options.rank))
            .min(source.rows);
        Layout { block, workers: self.workers, halt: self.halt.clone(), ranks: self.ranks.clone() }
    }

    /// Whether something else than the data fixes the scale of a factor: H is given, or something is known of W or H.
    fn is_held(&self) -> bool {
        self.given.is_some() || self.nmf.knows()
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
        let (shape, options) = (Shape::of(self.v), &self.nmf.options);
        self.choice.plan(&shape, options, block, self.workers, self.exponent)
    }

    /// A matrix of the user's, in the units of the scaled V.
    fn scaled(&self, mut x: Vec<T>) -> Vec<T> {
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

    /// What the root of a loss of V·4^-p, which has 4^-βp of V's, is multiplied by to be in the user's units.
    fn root_units(&self) -> f64 {
        (f64::from(self.exponent / 2) * self.choice.method.loss.beta()).exp2()
    }

    /// A loss in the user's units.
    fn in_units(&self, loss: f64) -> f64 {
        self.terms(0).in_units(loss)
    }

    /// What holds for all iterations, of which there are at most `max_iter`.
    fn terms(&self, max_iter: usize) -> Terms {
        Terms {
            max_iter,
            rank: self.nmf.options.rank,
            exponent: self.exponent,
            root_units: self.root_units(),
            began: self.began,
        }
    }

    /// Who see the iterations.
    fn watch<'o>(&self, observer: &'o mut (dyn Observer<T> + Send)) -> Watch<'o, T> {
        let Nmf { cancel, options, ranks, .. } = self.nmf;
        Watch::new(observer, cancel.clone(), options.max_time, ranks.clone())
    }

    /// Drives the iterations of an alternation, and makes a fit of the factors that they end with.
    fn solve<A: Alternation<T>>(
        &self,
        mut pass: A,
        block: usize,
        observer: &mut (dyn Observer<T> + Send),
        begun: Begun<'_, T>,
    ) -> Result<Fit<T>, Error> {
        let Self { nmf, v, exponent, size, .. } = *self;
        let (m, n, k) = (v.nrows(), v.ncols(), nmf.options.rank);
        let method = self.choice.method;
        let negligible = begun.negligible;
        let mut watch = self.watch(observer);
        let terms = self.terms(nmf.options.max_iter);
        let (mut fitting, run) = Fitting::new(self, &mut pass, &begun, &terms)?;
        let (stop_reason, run) = drive(&mut fitting, &terms, &mut watch, run)?;
        let violation_ratio = fitting.criterion.ratio;
        let Begun { generator, said: Said { mut warnings, compression }, .. } = begun;

        self.halt.renew();
        let finished = nmf.ranks.agree(pass.finish());
        pass.gather()?;
        let (last, objective) = match (finished, run.known) {
            (Err(error), Some(Known { loss, objective, step })) if StopReason::of(&error).is_some() => {
                nmf.ranks.go_on();
                warnings.push(Warning::Unmeasured);
                (Figures { loss, remaining: step }, objective)
            }
            (last, _) => {
                let last = last?;
                (last, last.loss + pass.pair().exact_penalty())
            }
        };
        let objective = self.in_units(objective);
        if !objective.is_finite() {
            return Err(Error::LossOverflow { max: self.found.max });
        }
        if stop_reason == StopReason::MaxIterations && nmf.options.stopping().tol() > 0.0 {
            warnings.push(Warning::NotConverged { max_iter: nmf.options.max_iter });
        }
        if pass.regularized() > 0 {
            warnings.push(Warning::Regularized { count: pass.regularized() });
        }
        let empty = |factor: &Factor<T>| factor.x.iter().all(|&x| x <= negligible);
        // L2 penalties alone lead towards 0 and never there; below β = 1 there are worse fits than none
        let nothing = method.loss.beta() > 1.0 && size.relative_error(last.loss) > 0.999;
        if nmf.options.penalises() && (nothing || empty(&pass.pair().inner) || empty(&pass.pair().outer)) {
            let weights = (n as f64 * nmf.options.penalty.alpha_w, m as f64 * nmf.options.penalty.alpha_h());
            let mean = (self.found.squares / (m as f64 * n as f64)).sqrt();
            let enough = method.loss.is_quadratic().then(|| mean * f64::from(exponent).exp2());
            warnings.push(Warning::Emptied { weights, enough });
        }
        let observed = self.observed().map(|(observed, few)| {
            warnings.extend(
                Some(few).filter(|few| !matches!(few, Warning::FewObserved { rows: 0, columns: 0, .. })),
            );
            observed
        });
        let random_state = generator.into_state().map(|drawn| pass.stream().cloned().unwrap_or(drawn));
        let (w, ht) = pass.into_pair().into_user();
        let mut w = Dense::from_vec(self.unscaled(w), m, k).expect("W is m×k");
        let mut h = match self.given {
            Some(h) => h.clone(),
            None => Dense::from_vec(self.unscaled(ht), n, k).expect("Hᵀ is n×k").transposed(),
        };
        let scale = nmf.options.scaling(self.is_held());
        scale::apply(scale, &mut w, &mut h);
        scale::clear_subnormal(&mut w);
        if self.given.is_none() {
            scale::clear_subnormal(&mut h);
            nmf.known[1].hold(&known::H, &mut h);
        }
        nmf.known[0].hold(&known::W, &mut w);
        let report = Report {
            stop_reason,
            iterations: run.iterations,
            compression,
            observed,
            heldout: None,
            loss_function: method.loss,
            objective,
            loss: self.in_units(last.loss),
            reconstruction_error: (2.0 * last.loss).sqrt() * self.root_units(),
            relative_error: size.relative_error(last.loss),
            kkt_residual: last.remaining,
            violation_ratio,
            scale,
            components: scale::components(&w, &h),
            history: run.history,
            seconds_start: run.seconds_start,
            seconds_total: run.seconds_before,
            plan: self.plan(block),
            warnings,
        };
        Ok(Fit { w, model: Model::new(h, nmf.options.penalty, method.loss), report, random_state })
    }

    fn all_zero(&self) -> Fit<T> {
        let (m, n, k) = (self.v.nrows(), self.v.ncols(), self.nmf.options.rank);
        let loss = self.choice.method.loss;
        let (mut w, mut h) = (Dense::zeros(m, k), self.given.cloned().unwrap_or_else(|| Dense::zeros(k, n)));
        let [of_w, of_h] = &*self.nmf.known;
        of_w.hold(&known::W, &mut w);
        if self.given.is_none() {
            of_h.hold(&known::H, &mut h);
        }
        // bounds can keep WH from being 0
        let product =
            |i: usize, j: usize| (0..k).map(|t| w[(i, t)].to_f64() * h[(t, j)].to_f64()).sum::<f64>();
        let row = |i: usize| (0..n).map(|j| loss.of(0.0, product(i, j))).sum::<f64>();
        let left: f64 = if self.nmf.knows() { (0..m).map(row).sum() } else { 0.0 };
        let report = Report {
            stop_reason: StopReason::ZeroData,
            iterations: 0,
            compression: None,
            observed: self.observed().map(|(observed, _)| observed),
            heldout: None,
            loss_function: loss,
            objective: left,
            loss: left,
            reconstruction_error: (2.0 * left).sqrt(),
            relative_error: 0.0,
            kkt_residual: 0.0,
            violation_ratio: None,
            scale: self.nmf.options.scaling(self.is_held()),
            components: vec![Component { total: 0.0, share: 0.0 }; k],
            history: Vec::new(),
            seconds_start: self.began.elapsed().as_secs_f64(),
            seconds_total: 0.0,
            plan: self.plan(0),
            warnings: Vec::new(),
        };
        let model = Model::new(h, self.nmf.options.penalty, loss);
        Fit { w, model, report, random_state: self.nmf.random.clone().into_state() }
    }
}
