//! Prints a line for each of many fits, with a hash of all that came of it but the times: factors, history and figures. A
//! change that is to move no bit prints the same lines before and after:
//!
//!     cargo run --release -p orthant-verify --example fingerprints > before.txt
//!
//! The arguments are the number of fits (default 400) and the number of the first (default 1). Fit number i is the same in
//! every run. Every method takes its turn with each of its losses, in every layout and both precisions, on one to four
//! threads, with penalties and without; so do weights alone, `transform` and mini-batches. The hash is the standard library's,
//! and kernels differ between instruction sets: compare runs of one compiler on one processor.

#![allow(clippy::print_stdout)]

use std::hash::{DefaultHasher, Hash, Hasher};

use orthant::{
    Dense, Error, InitKind, Loss, Method, MiniBatchNmf, Model, Nmf, Penalty, Products, Real, Report, Support,
};
use orthant_verify::drawn::{Drawn, Kind};
use orthant_verify::forms::FORMS;
use orthant_verify::layout::{ALL, Layout, Stored};
use orthant_verify::strategies::Numbers;

const BETAS: [f64; 7] = [-0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0];

/// What is done with the data.
#[derive(Clone, Copy, Debug)]
enum Task {
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
#[derive(Debug)]
struct Case {
    task: Task,
    method: Method,
    loss: Loss,
    drawn: Drawn,
    layout: Layout,
    start: Option<InitKind>,
    compress: Option<bool>,
    shuffle: bool,
    blas: bool,
    block: Option<usize>,
    memory: Option<usize>,
    iterations: usize,
    stops: bool,
    threads: usize,
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

impl Case {
    fn new(number: u64) -> Self {
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

    /// Does what is to be done, and adds what comes of it to `bits`.
    fn run<T: Real>(&self, bits: &mut Bits) -> Result<(), Error> {
        let p = &self.drawn;
        let v: Dense<T> = p.data(self.loss);
        let stored = Stored::new(&v, self.layout);
        let h =
            Dense::from_fn(p.k, v.ncols(), |t, j| T::from_f64(((7 * t + 3 * j) % 11) as f64 / 8.0 + 0.01));
        match self.task {
            Task::Fit => {
                let fit = self.nmf::<T>().fit(&stored)?;
                bits.factor(&fit.w);
                bits.factor(fit.model.components());
                bits.report(&fit.report);
            }
            Task::Weights => {
                let fit = self.nmf::<T>().fit_weights(&stored, &h)?;
                bits.factor(&fit.w);
                bits.report(&fit.report);
            }
            Task::Transform => {
                let model = Model::from_components(h, p.penalty)?.with_loss(self.loss)?;
                bits.factor(&model.transform(&stored)?);
            }
            Task::Batches => {
                let mut nmf = MiniBatchNmf::new(p.k).loss(self.loss).penalty(p.penalty).batch_size(31);
                nmf = nmf.max_iter(self.iterations.min(20)).threads(self.threads).seed(p.recipe.seed as u32);
                let fit = nmf.fresh_restarts(self.shuffle).fit(&stored)?;
                bits.factor(&fit.w);
                bits.factor(fit.model.components());
                bits.report(&fit.report);
            }
        }
        Ok(())
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

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| arguments.next().map_or(default, |a| a.parse().expect("a whole number"));
    let (fits, first): (u64, u64) = (number(400), number(1));
    for number in first..first + fits {
        let case = Case::new(number);
        let mut bits = Bits::default();
        let done = if case.drawn.single { case.run::<f32>(&mut bits) } else { case.run::<f64>(&mut bits) };
        match done {
            Ok(()) => println!("{number} {:016x} {case:?}", bits.0.finish()),
            Err(error) => println!("{number} {error} {case:?}"),
        }
    }
}
