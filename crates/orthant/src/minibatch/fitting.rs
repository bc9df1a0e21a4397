//! A fit of all of V, batch after batch.

use std::ops::Range;
use std::sync::OnceLock;

use orthant_kernel::{Dense, Isa, allocate};

use super::batch::{Data, Learning, change, start};
use super::{MiniBatchFit, MiniBatchNmf};
use crate::cancel::Halt;
use crate::checkpoint::{self, Said};
use crate::clock::Instant;
use crate::drive::{Known, Process, Reached, Run, Terms, drive};
use crate::iterate::{Factor, Figures, Fixed, Layout, Verdict};
use crate::observe::{Observer, Watch};
use crate::penalty::Weights;
use crate::random::Generator;
use crate::ranks::Ranks;
use crate::report::{Plan, Report, StopReason, Warning};
use crate::state::{State, state};
use crate::{
    Checkpoint, Component, Error, Matrix, Method, Missing, Model, Products, Real, Scale, reduce, scale, scan,
};

/// A fit of all of V under way.
pub(super) struct Fitting<'a, T: Real> {
    data: Data<'a, T>,
    v: &'a Matrix<'a, T>,
}

impl<'a, T: Real> Fitting<'a, T> {
    pub fn new(
        nmf: &'a MiniBatchNmf<T>,
        v: &'a Matrix<'a, T>,
        workers: usize,
        halt: Halt,
    ) -> Result<Self, Error> {
        Ok(Self { data: Data::new(nmf, v, None, workers, halt)?, v })
    }

    pub fn run(
        self,
        observer: &mut (dyn Observer<T> + Send),
        began: Instant,
    ) -> Result<MiniBatchFit<T>, Error> {
        let Self { data, v } = self;
        let nmf = data.nmf;
        let (m, n, k) = (v.nrows(), v.ncols(), nmf.options.rank);
        let mut warnings = Vec::new();
        if k > m.min(n) {
            warnings.push(Warning::RankAboveDimensions { rank: k, rows: m, cols: n });
        }
        if (nmf.options.penalty.alpha_w == 0.0) != (nmf.options.penalty.alpha_h() == 0.0) {
            warnings.push(Warning::ScaleAmbiguity);
        }
        let batch = nmf.batches.batch_size.min(m);
        let mut report = data.empty_report(v, batch, began)?;
        if data.found.max == 0.0 {
            let model = Model::new(Dense::zeros(k, n), nmf.options.penalty, nmf.loss_function());
            report.warnings = warnings;
            report.components = vec![Component { total: 0.0, share: 0.0 }; k];
            let random_state = nmf.random.clone().into_state();
            let w = Dense::zeros(m, k);
            return Ok(MiniBatchFit { w, model, report, steps: 0, learnt: None, random_state });
        }
        let (mut resumed, mut identity) = (None, OnceLock::new());
        let ((w, ht), mut generator) = match &nmf.checkpoint {
            None => start(&data, v)?,
            Some(checkpoint) => {
                identity = checkpoint.check(|| checkpoint::Data::of(v), &nmf.options(), false)?.into();
                warnings = checkpoint.said().warnings;
                resumed = Some(checkpoint.state());
                ((allocate::filled(m * k, T::ZERO), allocate::filled(n * k, T::ZERO)), nmf.random.clone())
            }
        };
        let zeros = w.iter().chain(&ht).filter(|&&x| x == T::ZERO).count();
        if zeros > 0 && resumed.is_none() {
            warnings.push(Warning::LockedZeros { count: zeros });
        }
        if let Some(state) = &mut resumed {
            generator.restore(state)?;
        }
        let state = Learning::new(ht, nmf.rho(m), data.exponent);
        let per_pass = m.div_ceil(batch);
        let size =
            scan::size(v, data.scale, Missing::None, nmf.loss_function(), data.workers, &Ranks::default())?;
        let terms = Terms {
            max_iter: nmf.options.max_iter.saturating_mul(per_pass),
            rank: k,
            exponent: data.exponent,
            root_units: (f64::from(data.exponent / 2) * nmf.loss_function().beta()).exp2(),
            began,
        };
        let mut watch = Watch::new(observer, nmf.cancel.clone(), nmf.options.max_time, Ranks::default());
        let said = Said { warnings: warnings.clone(), compression: None };
        let progress = Progress::default();
        let mut batches =
            Batches { data: &data, v, batch, per_pass, size, w, state, progress, generator, said, identity };
        let mut run = Run::new(&terms);
        if let Some(state) = &mut resumed {
            batches.restore(state)?;
            run.restore(state)?;
        }
        let (stop_reason, run) = drive(&mut batches, &terms, &mut watch, run)?;
        let steps = run.iterations;
        let rows = batches.rows(steps.max(1)).len() as f64;
        let Batches { mut w, state, generator, .. } = batches;
        report.seconds_start = run.seconds_start;
        report.seconds_total = run.seconds_before;
        report.history = run.history;
        if nmf.batches.fresh_restarts {
            data.halt.renew();
            let most = nmf.batches.transform_max_iter.unwrap_or(nmf.options.max_iter);
            // else the rows stay as their batches left them
            if let Some(solved) = unless_ended(data.solve_w(v, &state.ht, most))? {
                w = solved;
            }
        }
        report.iterations = steps.div_ceil(per_pass);
        if report.iterations == nmf.options.max_iter && nmf.options.stopping().tol() > 0.0 {
            warnings.push(Warning::NotConverged { max_iter: nmf.options.max_iter });
        }
        data.halt.renew();
        let (figures, w) = data.pass(v, w, &state.ht, Fixed::Neither, |pass, squares| pass.figures(squares));
        let figures = unless_ended(figures)?;
        let (on_w, on_h) = data.weights(v);
        let penalties = |weights: Weights, x: &[T]| Factor::new(x, k, weights, 1).exact_penalty();
        let size_of_figures =
            if nmf.loss_function().is_quadratic() { size.powers.sqrt() } else { size.powers };
        let (figures, objective) = match (figures, run.known) {
            (Some(Figures { loss, remaining }), _) => {
                let penalties = penalties(on_w, &w) + penalties(on_h, &state.ht);
                (Figures { loss, remaining: remaining / size_of_figures }, loss + penalties)
            }
            (None, known) => {
                warnings.push(Warning::Unmeasured);
                // as its batch is to all of V
                let Known { loss, objective, step } = known.expect("a step has ended");
                (Figures { loss: loss * m as f64 / rows, remaining: step }, objective * m as f64)
            }
        };
        report.stop_reason = stop_reason;
        report.loss = terms.in_units(figures.loss);
        report.objective = terms.in_units(objective);
        report.reconstruction_error = (2.0 * report.loss).sqrt();
        report.relative_error = size.relative_error(figures.loss);
        report.kkt_residual = figures.remaining;
        report.warnings = warnings;
        if !report.objective.is_finite() {
            return Err(Error::LossOverflow { max: data.found.max });
        }
        let learnt = state.learnt(k, steps);
        let h = Dense::copy_of(learnt.components.view());
        let w = Dense::from_vec(data.to_user(w), m, k)?;
        report.components = scale::components(&w, &h);
        let model = Model::new(h, nmf.options.penalty, nmf.loss_function());
        let random_state = generator.into_state();
        Ok(MiniBatchFit { w, model, report, steps, learnt: Some(learnt), random_state })
    }
}

/// What has been computed, unless that was to end before.
fn unless_ended<R>(result: Result<R, Error>) -> Result<Option<R>, Error> {
    match result {
        Err(error) if StopReason::of(&error).is_some() => Ok(None),
        result => result.map(Some),
    }
}

impl<T: Real> Data<'_, T> {
    fn empty_report(&self, v: &Matrix<'_, T>, batch: usize, began: Instant) -> Result<Report, Error> {
        let first = v.rows(0..batch);
        let (source, Layout { block, workers, .. }) = self.source(&first)?;
        let lanes = source.sources().rows.lanes().count();
        Ok(Report {
            stop_reason: StopReason::ZeroData,
            iterations: 0,
            compression: None,
            observed: None,
            heldout: None,
            loss_function: self.nmf.loss_function(),
            objective: 0.0,
            loss: 0.0,
            reconstruction_error: 0.0,
            relative_error: 0.0,
            kkt_residual: 0.0,
            violation_ratio: None,
            scale: Scale::None,
            components: Vec::new(),
            history: Vec::new(),
            seconds_start: began.elapsed().as_secs_f64(),
            seconds_total: 0.0,
            plan: Plan {
                method: Method::mu(self.nmf.loss_function()),
                by_columns: false,
                lanes,
                block,
                threads: workers,
                sketch: None,
                sample: None,
                sweeps: (1, 1),
                isa: Isa::detect().name(),
                products: Products::Fused,
                accumulators: reduce::accumulators(lanes, workers),
                transpose: false,
                scale_exponent: self.exponent / 2,
            },
            warnings: Vec::new(),
        })
    }
}

/// Batches of rows, one after the other.
struct Batches<'a, T: Real> {
    data: &'a Data<'a, T>,
    v: &'a Matrix<'a, T>,
    /// Rows of a batch, and how many make a pass over V.
    batch: usize,
    per_pass: usize,
    size: scan::Size,
    w: Vec<T>,
    state: Learning<T>,
    progress: Progress,
    /// As the start left it.
    generator: Generator,
    /// What is to be told of the start.
    said: Said,
    /// Which data the fit is of, once a checkpoint has asked for it.
    identity: OnceLock<checkpoint::Data>,
}

/// What changes from batch to batch.
impl<T: Real> State for Batches<'_, T> {
    fn save(&self, to: &mut Vec<u8>) {
        self.w.save(to);
        self.state.save(to);
        self.progress.save(to);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        self.w.restore(from)?;
        self.state.restore(from)?;
        self.progress.restore(from)
    }
}

impl<T: Real> Batches<'_, T> {
    fn rows(&self, number: usize) -> Range<usize> {
        let first = (number - 1) % self.per_pass * self.batch;
        first..self.v.nrows().min(first + self.batch)
    }
}

impl<T: Real> Process<T> for Batches<'_, T> {
    fn iterate(&mut self, number: usize) -> Result<Reached, Error> {
        let range = self.rows(number);
        let (nmf, k) = (self.data.nmf, self.data.nmf.options.rank);
        let rows = &mut self.w[range.start * k..range.end * k];
        let before = allocate::copied(&self.state.ht);
        let given = (!nmf.batches.fresh_restarts).then(|| allocate::copied(rows));
        let (new, cost, distance) = self.data.step(&self.v.rows(range.clone()), given, &mut self.state)?;
        rows.copy_from_slice(&new);
        if !cost.is_finite() || !self.state.ht.iter().all(|h| h.is_finite()) {
            return Err(Error::Diverged { iteration: number });
        }
        let share = range.len() as f64 / self.v.nrows() as f64;
        Ok(Reached {
            loss: distance,
            objective: cost,
            relative_error: self.size.relative_error(distance / share),
            violation: 0.0,
            step: change(&self.state.ht, &before),
            verdict: Verdict::Accepted,
        })
    }

    fn converged(&mut self, run: &Run, reached: &Reached) -> bool {
        let (number, rows) = (run.iterations, self.rows(run.iterations).len());
        self.progress.met(self.data.nmf, number, rows, self.v.nrows(), reached.objective, reached.step)
    }

    fn factors(&self) -> (&[T], &[T]) {
        (&self.w, &self.state.ht)
    }

    fn checkpoint(&self, run: &Run) -> Result<Option<Checkpoint>, Error> {
        let mut state = Vec::new();
        self.generator.save(&mut state);
        self.save(&mut state);
        run.save(&mut state);
        let options = self.data.nmf.options();
        let data = checkpoint::Data::kept(&self.identity, || checkpoint::Data::of(self.v))?;
        Ok(Some(Checkpoint::new(data, options, false, run.iterations, self.said.clone(), state)))
    }
}

/// What the stopping rule keeps from one batch to the next.
#[derive(Debug, Default)]
struct Progress {
    average: Option<f64>,
    least: Option<f64>,
    without: usize,
}

state!(Progress: average, least, without);

impl Progress {
    /// Whether `step`, counted from 1, is the last.
    fn met<T>(
        &mut self,
        nmf: &MiniBatchNmf<T>,
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
        let tol = nmf.options.stopping().tol();
        if tol > 0.0 && moved <= tol {
            return true;
        }
        if self.least.is_none_or(|least| average < least) {
            self.without = 0;
            self.least = Some(average);
        } else {
            self.without += 1;
        }
        nmf.batches.max_no_improvement.is_some_and(|most| self.without >= most)
    }
}
