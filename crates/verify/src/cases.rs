//! Many fits, each drawn from a number: every method in turn with each of its losses, in every layout and both precisions, on one to
//! four threads, with penalties and without; and so weights alone, `transform` and mini-batches.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;

use orthant::{
    Checkpoint, Dense, Error, InitKind, Iteration, Loss, Method, MiniBatchNmf, Model, Nmf, Observer, Penalty,
    Products, Real, Report, StopReason, Support,
};

use crate::drawn::{Drawn, Kind};
use crate::forms::FORMS;
use crate::layout::{ALL, Layout, Stored};
use crate::strategies::Numbers;

const BETAS: [f64; 7] = [-0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0];

/// What is done with the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// A fit of both factors.
    Fit,
    /// W alone, for a given H.
    Weights,
    /// New samples, for a given H.
    Transform,
    /// A fit by mini-batches.
    Batches,
}

/// A fit in a form that prints on one line.
#[derive(Clone, Debug)]
pub struct Case {
    /// What is done.
    pub task: Task,
    method: Method,
    loss: Loss,
    /// With what.
    pub drawn: Drawn,
    layout: Layout,
    start: Option<InitKind>,
    compress: Option<bool>,
    shuffle: bool,
    blas: bool,
    block: Option<usize>,
    memory: Option<usize>,
    iterations: usize,
    stops: bool,
    /// On how many threads.
    pub threads: usize,
}

/// Up to 400 rows and columns, which are several blocks and lanes; sometimes only one or a few.
fn shape(numbers: &mut Numbers) -> (usize, usize, usize) {
    let mut from = |low: usize, high: usize| low + numbers.below(high - low + 1);
    match from(0, 9) {
        0 => (1, from(1, 40), from(1, 4)),
        1 => (from(1, 40), 1, from(1, 4)),
        2 => (from(2, 400), from(2, 400), 1),
        3 | 4 => (from(2, 300), from(2, 300), 17),
        _ => (from(30, 400), from(30, 400), from(2, 40)),
    }
}

/// What comes of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// A hash of the bits of all of it but the times: factors, history and figures.
    pub bits: u64,
    /// Iterations, or steps of mini-batches.
    pub iterations: usize,
}

impl Case {
    /// The case of that number.
    pub fn new(number: u64) -> Self {
        let mut numbers = Numbers::new(number);
        let form = FORMS[number as usize % FORMS.len()];
        let methods = form.methods(&BETAS.map(Loss::from_beta));
        let method = methods[numbers.below(methods.len())];
        let loss = method.loss;
        let task = match numbers.below(12) {
            0 => Task::Weights,
            1 => Task::Transform,
            2 => Task::Batches,
            _ => Task::Fit,
        };
        let penalty = match numbers.below(3) {
            0 => Kind::ALL[1 + numbers.below(3)].draw(&mut numbers),
            _ => Penalty::default(),
        };
        let size = shape(&mut numbers);
        let drawn = Drawn::new(&mut numbers, size, 3, penalty);
        let layout = ALL[numbers.below(ALL.len())];
        let mut now_and_then = |of: usize| numbers.below(of) == 0;
        let (shuffle, blas) = (now_and_then(4), now_and_then(8));
        let sweeps = now_and_then(3).then_some(2).filter(|_| method.update.takes_sweeps());
        let compress = now_and_then(3).then_some(true);
        let block = now_and_then(4).then_some(13);
        let memory = now_and_then(8).then_some(400_000);
        let (stops, start) = (now_and_then(2), now_and_then(2));
        let start = start.then(|| InitKind::ALL[numbers.below(8)]);
        let (iterations, threads) = (1 + numbers.below(150), 1 + numbers.below(4));
        Self {
            task,
            method: Method { sweeps, ..method },
            loss,
            layout,
            start,
            block,
            memory,
            iterations,
            stops,
            threads,
            // where they go with the method
            compress: compress.filter(|_| method.compresses() == Support::Yes),
            shuffle: shuffle && method.shuffles() == Support::Yes,
            blas: blas && loss.is_quadratic() && !layout.is_sparse(),
            drawn,
        }
    }

    fn nmf<T: Real>(&self) -> Nmf<T> {
        let p = &self.drawn;
        let mut nmf = Nmf::new(p.k).method(self.method).penalty(p.penalty).seed(p.recipe.seed as u32);
        nmf = nmf.max_iter(self.iterations).threads(self.threads).shuffle(self.shuffle);
        if let Some(start) = self.start.and_then(InitKind::init) {
            nmf = nmf.init(start);
        }
        if let Some(compress) = self.compress {
            nmf = nmf.compress(compress);
        }
        if let Some(block) = self.block {
            nmf = nmf.block(block);
        }
        if let Some(bytes) = self.memory {
            nmf = nmf.memory_limit(bytes);
        }
        if self.blas {
            nmf = nmf.products(Products::Gemm);
        }
        if self.stops { nmf } else { nmf.tol(0.0) }
    }

    /// Does what is to be done.
    ///
    /// # Errors
    /// Those of the call.
    pub fn run<T: Real>(&self) -> Result<Outcome, Error> {
        self.observed(None, &mut |_: &Iteration<'_, T>| ControlFlow::Continue(()))
    }

    /// The checkpoint after an iteration of a fit, which ends with it.
    ///
    /// # Errors
    /// Those of the call.
    ///
    /// # Panics
    /// If there is no such iteration.
    pub fn interrupted<T: Real>(&self, at: usize) -> Result<Checkpoint, Error> {
        let mut kept = None;
        self.observed(None, &mut |it: &Iteration<'_, T>| {
            if it.number < at {
                return ControlFlow::Continue(());
            }
            kept = it.checkpoint().ok();
            ControlFlow::Break(StopReason::Observer)
        })?;
        Ok(kept.expect("the fit gets there"))
    }

    /// What comes of going on from a checkpoint.
    ///
    /// # Errors
    /// Those of the call.
    pub fn resumed<T: Real>(&self, checkpoint: Checkpoint) -> Result<Outcome, Error> {
        self.observed(Some(checkpoint), &mut |_: &Iteration<'_, T>| ControlFlow::Continue(()))
    }

    fn observed<T: Real>(
        &self,
        from: Option<Checkpoint>,
        observer: &mut (impl Observer<T> + Send),
    ) -> Result<Outcome, Error> {
        let p = &self.drawn;
        let v: Dense<T> = p.data(self.loss);
        let stored = Stored::new(&v, self.layout);
        let h =
            Dense::from_fn(p.k, v.ncols(), |t, j| T::from_f64(((7 * t + 3 * j) % 11) as f64 / 8.0 + 0.01));
        let mut bits = Bits::default();
        let mut iterations = 0;
        let nmf = || match &from {
            Some(checkpoint) => self.nmf::<T>().checkpoint(checkpoint.clone()),
            None => self.nmf::<T>(),
        };
        match self.task {
            Task::Fit => {
                let fit = nmf().fit_observed(&stored, observer)?;
                bits.factor(&fit.w);
                bits.factor(fit.model.components());
                bits.report(&fit.report);
                iterations = fit.report.history.len();
            }
            Task::Weights => {
                let fit = nmf().fit_weights_observed(&stored, &h, observer)?;
                bits.factor(&fit.w);
                bits.report(&fit.report);
                iterations = fit.report.history.len();
            }
            Task::Transform => {
                let model = Model::from_components(h, p.penalty)?.with_loss(self.loss)?;
                bits.factor(&model.transform(&stored)?);
            }
            Task::Batches => {
                let mut nmf = MiniBatchNmf::new(p.k).loss(self.loss).penalty(p.penalty).batch_size(31);
                nmf = nmf.max_iter(self.iterations.min(20)).threads(self.threads).seed(p.recipe.seed as u32);
                nmf = nmf.fresh_restarts(self.shuffle);
                if let Some(checkpoint) = &from {
                    nmf = nmf.checkpoint(checkpoint.clone());
                }
                let fit = nmf.fit_observed(&stored, observer)?;
                bits.factor(&fit.w);
                bits.factor(fit.model.components());
                bits.report(&fit.report);
                iterations = fit.report.history.len();
            }
        }
        Ok(Outcome { bits: bits.0.finish(), iterations })
    }
}

/// The bits of all that was added.
#[derive(Default)]
struct Bits(DefaultHasher);

impl Bits {
    fn numbers(&mut self, numbers: &[f64]) {
        numbers.iter().for_each(|x| x.to_bits().hash(&mut self.0));
    }

    fn factor<T: Real>(&mut self, x: &Dense<T>) {
        (x.nrows(), x.ncols()).hash(&mut self.0);
        x.as_slice().iter().for_each(|x| x.to_f64().to_bits().hash(&mut self.0));
    }

    fn report(&mut self, report: &Report) {
        report.stop_reason.to_string().hash(&mut self.0);
        report.iterations.hash(&mut self.0);
        report.warnings.len().hash(&mut self.0);
        self.numbers(&[report.objective, report.loss, report.reconstruction_error, report.kkt_residual]);
        for point in &report.history {
            self.numbers(&[point.objective]);
            point.restarted.hash(&mut self.0);
        }
        report.components.iter().for_each(|of| self.numbers(&[of.total, of.share]));
    }
}
