//! From options and data to a finished fit.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use orthant_kernel::{Dense, Isa, Real, View};

use crate::nmf::{Fit, Method, Nmf, Start};
use crate::observe::{Iteration, Observer, TimeLimit};
use crate::pass::{Factor, Layout, Pass};
use crate::penalty::Weights;
use crate::report::{HistoryPoint, Plan, Report, StopReason, Warning};
use crate::rule::{Coordinate, Multiplicative, Rule, sweeps};
use crate::source::{DenseSource, Source};
use crate::stop::{Criterion, Seen};
use crate::{Error, Model, init, reduce, scan};

/// The most sweeps over a factor that HALS takes by itself in an iteration.
const MOST_SWEEPS: usize = 4;

/// The loss in Gram form is not trusted below this many ε·‖V‖²: the residual itself is taken instead.
const CANCELLED: f64 = 256.0;

pub(crate) fn fit<T: Real, O: Observer<T> + Send>(
    nmf: &Nmf<T>,
    v: View<'_, T>,
    observer: &mut O,
) -> Result<Fit<T>, Error> {
    let began = Instant::now();
    let (m, n) = (v.nrows(), v.ncols());
    check_shape(nmf, m, n)?;
    let mut warnings = Vec::new();
    if nmf.rank > m.min(n) {
        warnings.push(Warning::RankAboveDimensions { rank: nmf.rank, rows: m, cols: n });
    }
    if (nmf.penalty.alpha_w == 0.0) != (nmf.penalty.alpha_h() == 0.0) {
        warnings.push(Warning::ScaleAmbiguity);
    }
    let (out, used) = on_threads(nmf.threads, |workers| run(nmf, v, observer, workers, began))?;
    let mut fit = out?;
    if let Some(asked) = nmf.threads.filter(|&asked| asked > used) {
        warnings.push(Warning::ThreadsClamped { asked, used });
    }
    warnings.append(&mut fit.report.warnings);
    fit.report.warnings = warnings;
    fit.report.seconds_total = began.elapsed().as_secs_f64();
    Ok(fit)
}

fn check_shape<T: Real>(nmf: &Nmf<T>, m: usize, n: usize) -> Result<(), Error> {
    if m == 0 || n == 0 {
        return Err(Error::Empty { rows: m, cols: n });
    }
    let k = nmf.rank;
    for (what, rows, cols) in [("W", m, k), ("H", k, n), ("HHᵀ", k, k)] {
        // room for padding and for a few of them, in bytes
        let bytes = rows.checked_mul(cols).and_then(|x| x.checked_mul(64 * size_of::<T>()));
        if bytes.is_none_or(|b| b > isize::MAX as usize) {
            return Err(Error::TooLarge { what, rows, cols });
        }
    }
    if let Start::Custom { w, h } = &nmf.start {
        for (operand, x, expected) in [("W", w, (m, k)), ("H", h, (k, n))] {
            let found = (x.nrows(), x.ncols());
            if found != expected {
                return Err(Error::ShapeMismatch { operand, expected, found });
            }
            scan::entries(operand, x.view())?;
            if nmf.method == Method::Mu && x.as_slice().iter().all(|&x| x == T::ZERO) {
                return Err(Error::Unsupported {
                    what: format!("starting multiplicative updates at {operand} = 0, where they would stay,"),
                    supported: "Mu goes from a start with positive entries, Cd and Hals from any",
                });
            }
        }
    }
    Ok(())
}

/// Runs `f(workers)` on as many threads as asked, or in the rayon pool at hand; a panic becomes an error. Also returns
/// the number of threads.
pub(crate) fn on_threads<R: Send>(
    threads: Option<usize>,
    f: impl FnOnce(usize) -> R + Send,
) -> Result<(R, usize), Error> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let used = threads.map_or_else(rayon::current_num_threads, |asked| asked.min(cores));
    let work = AssertUnwindSafe(|| -> Result<R, Error> {
        match threads {
            _ if used == 1 => Ok(f(1)),
            None => Ok(rayon::scope(|_| f(used))),
            Some(_) => {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(used).build();
                let pool = pool.map_err(|e| Error::Threads { message: e.to_string() })?;
                Ok(pool.install(|| f(used)))
            }
        }
    });
    match catch_unwind(work) {
        Ok(out) => Ok((out?, used)),
        Err(payload) => {
            let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
            let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
            Err(Error::Panicked { message: text.unwrap_or_else(|| "no message".into()) })
        }
    }
}

/// Rows of a cache block: about half a megabyte of S, in multiples of every register tile.
fn block_rows<T>(cols: usize) -> usize {
    const TILES: usize = 48;
    let rows = (512 * 1024) / (cols.max(1) * size_of::<T>());
    (rows / TILES * TILES).clamp(TILES, 5 * TILES)
}

/// Whether the columns of V are the closer ones in memory.
pub(crate) fn by_columns<T: Real>(v: View<'_, T>) -> bool {
    v.nrows() > 1 && v.ncols() > 1 && v.row_stride().unsigned_abs() < v.col_stride().unsigned_abs()
}

fn run<T: Real, O: Observer<T>>(
    nmf: &Nmf<T>,
    v: View<'_, T>,
    observer: &mut O,
    workers: usize,
    began: Instant,
) -> Result<Fit<T>, Error> {
    let by_columns = by_columns(v);
    let mut found = scan::data(v, by_columns, T::ONE, workers)?;
    let exponent = scan::scale_exponent::<T>(found.max, 2);
    let scale = scan::scale_by(T::ONE, -exponent);
    if exponent != 0 {
        found = scan::data(v, by_columns, scale, workers)?;
    }
    let s = if by_columns { v.transposed() } else { v };
    let source = DenseSource::new(s, scale, nmf.products)?;
    let layout = Layout {
        lanes: reduce::lanes(source.rows()),
        block: nmf.block.unwrap_or_else(|| block_rows::<T>(source.cols())),
        workers,
    };
    let problem = Problem { nmf, v, scale, exponent, found, by_columns, layout, began };
    if found.max == 0.0 {
        return Ok(problem.all_zero());
    }
    let isa = Isa::detect();
    match nmf.method {
        Method::Cd | Method::Hals { .. } => problem.iterate(&source, Coordinate { isa }, observer),
        Method::Mu => problem.iterate(&source, Multiplicative { isa }, observer),
    }
}

/// A checked problem, laid out. Everything inside is for V·4^-p; `exponent` is 2p.
struct Problem<'a, T> {
    nmf: &'a Nmf<T>,
    v: View<'a, T>,
    scale: T,
    exponent: i32,
    found: scan::Found,
    by_columns: bool,
    layout: Layout,
    began: Instant,
}

impl<T: Real> Problem<'_, T> {
    fn sweeps(&self, cols: usize) -> usize {
        match self.nmf.method {
            Method::Hals { sweeps: Some(count) } => count,
            Method::Hals { sweeps: None } => sweeps(cols, self.nmf.rank, MOST_SWEEPS),
            Method::Cd | Method::Mu => 1,
        }
    }

    fn plan(&self) -> Plan {
        let Layout { lanes, block, workers } = self.layout;
        let (m, n) = (self.v.nrows(), self.v.ncols());
        Plan {
            by_columns: self.by_columns,
            lanes,
            block: block.min(if self.by_columns { n } else { m }),
            threads: workers,
            sweeps: (self.sweeps(n), self.sweeps(m)),
            isa: Isa::detect().name(),
            products: self.nmf.products,
            accumulators: reduce::accumulators(lanes, workers),
            scale_exponent: self.exponent / 2,
        }
    }

    /// W and Hᵀ to start from, for the scaled V.
    fn start(&self) -> (Vec<T>, Vec<T>) {
        match &self.nmf.start {
            Start::Random => {
                let parallel = self.layout.workers > 1;
                let mut generator = init::Generator::Seed(self.nmf.seed);
                init::random(self.v, self.scale, self.nmf.rank, &mut generator, parallel)
            }
            Start::Custom { w, h } => {
                let scaled = |x: Dense<T>| {
                    let mut x = x.into_vec();
                    // adding 0 makes -0 a 0
                    x.iter_mut().for_each(|x| *x = scan::scale_by(*x, -self.exponent / 2) + T::ZERO);
                    x
                };
                (scaled(w.clone()), scaled(h.transposed()))
            }
        }
    }

    fn iterate<S: Source<T>, R: Rule<T>, O: Observer<T>>(
        &self,
        source: &S,
        rule: R,
        observer: &mut O,
    ) -> Result<Fit<T>, Error> {
        let Self { nmf, v, by_columns, exponent, .. } = *self;
        let (m, n, k) = (v.nrows(), v.ncols(), nmf.rank);
        let p = exponent / 2;
        let on_w: Weights = nmf.penalty.on_w(n).scaled(p);
        let on_h: Weights = nmf.penalty.on_h(m).scaled(p);
        let (w, ht) = self.start();
        let mut warnings = Vec::new();
        if ht.iter().all(|&x| x == T::ZERO) {
            warnings.push(Warning::ZeroStart);
        }
        let w = Factor::new(w, k, on_w, self.sweeps(n));
        let ht = Factor::new(ht, k, on_h, self.sweeps(m));
        let (inner, outer) = if by_columns { (ht, w) } else { (w, ht) };
        let mut pass = Pass::new(source, rule, k, self.layout, inner, outer);

        let stop = nmf.stopping();
        let penalised = on_w != Weights::default() || on_h != Weights::default();
        let squares = self.found.squares;
        let norm = squares.sqrt();
        // a loss in the user's units: V·4^-p has 16^-p of it
        let unit = |loss: f64| loss * 2f64.powi(exponent) * 2f64.powi(exponent);
        pass.sweep_outer(false);
        let at_start = if Criterion::needs_start(stop) { pass.measure(false).squares.sqrt() } else { 0.0 };
        if by_columns {
            pass.sweep_inner(false);
        }
        let of_h = if by_columns { &pass.inner.gram } else { &pass.outer.gram };
        if !of_h.iter().all(|g| g.is_finite()) {
            return Err(Error::Diverged { iteration: 0 });
        }
        let mut criterion = Criterion::new(stop, at_start);
        let mut history = Vec::with_capacity(nmf.max_iter.min(1 << 16));
        let seconds_start = self.began.elapsed().as_secs_f64();

        let (mut cancel, mut limit) = (nmf.cancel.clone(), nmf.max_time.map(TimeLimit));

        let mut number = 0;
        let stop_reason = loop {
            number += 1;
            if by_columns {
                pass.sweep_outer(true);
                pass.sweep_inner(true);
            } else {
                pass.sweep_inner(true);
                pass.sweep_outer(true);
            }
            let mut loss = pass.gram_loss(squares);
            if loss < CANCELLED * T::EPSILON.to_f64() * squares {
                loss = 0.5 * pass.measure(false).squares;
            }
            let objective = loss + pass.inner.penalty(k) + pass.outer.penalty(k);
            let violation = pass.inner.step.violation + pass.outer.step.violation;
            let step = (pass.inner.step.movement + pass.outer.step.movement).sqrt() / norm;
            let error = (2.0 * loss).sqrt();
            if !objective.is_finite() {
                return Err(Error::Diverged { iteration: number });
            }
            let elapsed = self.began.elapsed();
            history.push(HistoryPoint {
                iteration: number,
                objective: unit(objective),
                seconds: elapsed.as_secs_f64(),
            });
            let exact = !penalised && error <= 16.0 * T::EPSILON.to_f64() * norm;
            let least_fall = if nmf.method == Method::Mu { 0.0 } else { 0.5 * step * step * squares };
            let seen = Seen { iteration: number, violation, error, objective, step, least_fall, exact };
            let converged = criterion.met(&seen);

            let (w, ht) = if by_columns { (&pass.outer, &pass.inner) } else { (&pass.inner, &pass.outer) };
            let iteration = Iteration {
                number,
                max_iter: nmf.max_iter,
                objective: unit(objective),
                loss: unit(loss),
                relative_error: error / norm,
                step,
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

        pass.clear_empty();
        let last = pass.measure(true);
        let movement = last.movement + pass.outer_movement();
        let loss = 0.5 * last.squares;
        let penalties = pass.inner.exact_penalty() + pass.outer.exact_penalty();
        let objective = unit(loss + penalties);
        if !objective.is_finite() {
            return Err(Error::LossOverflow { max: self.found.max });
        }
        if stop_reason == StopReason::MaxIterations && stop.tol() > 0.0 {
            warnings.push(Warning::NotConverged { max_iter: nmf.max_iter });
        }
        let report = Report {
            stop_reason,
            iterations: number,
            objective,
            loss: unit(loss),
            reconstruction_error: last.squares.sqrt() * 2f64.powi(exponent),
            relative_error: last.squares.sqrt() / norm,
            kkt_residual: movement.sqrt() / norm,
            violation_ratio: criterion.ratio,
            history,
            seconds_start,
            seconds_total: 0.0,
            plan: self.plan(),
            warnings,
        };
        let (inner, outer) = (pass.inner.x, pass.outer.x);
        let (w, ht) = if by_columns { (outer, inner) } else { (inner, outer) };
        let unscaled = |mut x: Vec<T>| {
            if p != 0 {
                x.iter_mut().for_each(|x| *x = scan::scale_by(*x, p));
            }
            x
        };
        let w = Dense::from_vec(unscaled(w), m, k).expect("W is m×k");
        let ht = Dense::from_vec(unscaled(ht), n, k).expect("Hᵀ is n×k");
        Ok(Fit { w, model: Model::new(ht.transposed(), nmf.penalty), report })
    }

    fn all_zero(&self) -> Fit<T> {
        let (m, n, k) = (self.v.nrows(), self.v.ncols(), self.nmf.rank);
        let report = Report {
            stop_reason: StopReason::ZeroData,
            iterations: 0,
            objective: 0.0,
            loss: 0.0,
            reconstruction_error: 0.0,
            relative_error: 0.0,
            kkt_residual: 0.0,
            violation_ratio: None,
            history: Vec::new(),
            seconds_start: self.began.elapsed().as_secs_f64(),
            seconds_total: 0.0,
            plan: self.plan(),
            warnings: Vec::new(),
        };
        Fit { w: Dense::zeros(m, k), model: Model::new(Dense::zeros(k, n), self.nmf.penalty), report }
    }
}
