//! A fit as commands run it: with a progress bar, and ended early by Ctrl-C.

use std::fmt;
use std::ops::ControlFlow;

use orthant::{
    EntryWeights, Error, Fit, Init, Iteration, Loss, MiniBatchFit, MiniBatchNmf, Nmf, Observer, Options,
    Report, StopReason, ToMatrix,
};
use orthant_io::{AnyTable, Checkpoints, Scalar};

use crate::Failure;
use crate::checkpoint::Kept;
use crate::failure::size;
use crate::interrupt::Interrupt;
use crate::known::Known;
use crate::line_weights::Lines;
use crate::print::{count, significant};
use crate::progress::Progress;
use crate::ranks::Ranks;
use crate::say;

/// A finished fit, with the number of batches that it took, if it went by batches.
pub struct Fitted<T> {
    pub fit: Fit<T>,
    pub steps: Option<usize>,
}

/// What a fit is, apart from the data.
pub struct Fitting<'a> {
    pub options: &'a Options,
    /// No progress bar.
    pub quiet: bool,
    /// Where it is kept while it runs.
    pub kept: Option<&'a Kept>,
    /// Who share it.
    pub ranks: &'a Ranks,
}

/// What sees the iterations.
struct Show<'a> {
    interrupt: &'a Interrupt,
    progress: Progress,
    checkpoints: Option<Checkpoints>,
}

impl<T: Scalar> Observer<T> for Show<'_> {
    fn wants_factors(&mut self, _: usize, ends: Option<StopReason>) -> bool {
        self.checkpoints.as_mut().is_some_and(|checkpoints| checkpoints.is_due(ends))
    }

    fn observe(&mut self, it: &Iteration<'_, T>) -> ControlFlow<StopReason> {
        // from now on there is something to save
        self.interrupt.fitting();
        self.progress.show(it);
        if let Some(Err(error)) = self.checkpoints.as_mut().map(|checkpoints| checkpoints.observe(it)) {
            // the fit is worth more than its checkpoint, and the last one that was written is whole
            say::fresh_line();
            say::warning(format_args!("no checkpoint was written: {error}"));
        }
        ControlFlow::Continue(())
    }
}

impl Fitting<'_> {
    /// Runs it, from `start` or as the options say.
    pub fn run<T: Scalar>(
        &self,
        v: &impl ToMatrix<T>,
        start: Option<Init<T>>,
        besides: &Besides<T>,
        interrupt: &Interrupt,
    ) -> Result<Fitted<T>, Error> {
        if let Some(limit) = self.options.max_time {
            interrupt.limit(limit);
        }
        let mut show = Show {
            interrupt,
            progress: Progress::new(self.quiet),
            checkpoints: self.kept.filter(|_| self.ranks.is_first()).map(Kept::checkpoints),
        };
        // the two builders have these options in common
        macro_rules! run {
            ($nmf:expr) => {{
                let mut nmf = $nmf.cancel(interrupt.cancel());
                if let Some(start) = start {
                    nmf = nmf.init(start);
                }
                if let Some(checkpoint) = self.kept.and_then(Kept::from) {
                    nmf = nmf.checkpoint(checkpoint.clone());
                }
                nmf.fit_observed(v, &mut show)
            }};
        }
        let options = self.options.clone();
        let fitted = if options.minibatch.is_some() {
            run!(MiniBatchNmf::<T>::from_options(options)).map(|by_batches| {
                let MiniBatchFit { w, model, report, steps, random_state, .. } = by_batches;
                Fitted { fit: Fit { w, model, report, random_state }, steps: Some(steps) }
            })
        } else {
            run!(self.ranks.of(besides.of(Nmf::<T>::from_options(options))))
                .map(|fit| Fitted { fit, steps: None })
        };
        // also one that a limit has ended before its first iteration
        interrupt.fitting();
        show.progress.clear();
        fitted
    }

    /// What is about to be fitted, in a line: shape, density, and the memory that it will take.
    pub fn describe<T: Scalar>(&self, table: &AnyTable<T>, besides: &Besides<T>) -> Result<String, Error> {
        let (m, n, k) = (table.nrows(), table.ncols(), self.options.rank);
        let mut line = format!("{m}×{n}");
        let entries = match table {
            AnyTable::Dense(_) => None,
            AnyTable::Sparse(table) => Some(table.nnz()),
            AnyTable::OutOfCore(file) => file.nnz(),
        };
        if let Some(entries) = entries {
            let density = entries as f64 / (m as f64 * n as f64).max(1.0);
            line += &format!(", {} ({} %)", count(entries, "entry", "entries"), significant(100.0 * density));
        }
        line += &format!(", {}, {}", T::PRECISION, count(k, "component", "components"));
        let options = self.options.clone();
        let (data, working) = if options.minibatch.is_none() {
            let plan = besides.of(Nmf::<T>::from_options(options)).explain(table)?;
            (plan.data_bytes, plan.working_bytes)
        } else {
            let working = MiniBatchNmf::<T>::from_options(options).working_bytes(table)?;
            (table.to_matrix()?.bytes(), working)
        };
        let kept =
            if matches!(table, AnyTable::OutOfCore(_)) { " in its file, read in each pass," } else { "" };
        line += &format!("; {} of data{kept} and up to {} besides", size(data), size(working));
        Ok(line)
    }
}

/// What is said of a fit besides options and data.
pub struct Besides<T> {
    /// How much entries count.
    pub weights: Option<EntryWeights<T>>,
    /// How often rows and columns count.
    pub lines: Lines,
    /// What is known of W and H.
    pub known: Known<T>,
}

impl<T: Scalar> Besides<T> {
    /// Nothing.
    pub fn nothing() -> Self {
        Self { weights: None, lines: Lines::default(), known: Known::nothing() }
    }

    /// An error about it.
    pub fn failure(&self, error: &Error) -> Option<Failure> {
        self.known.failure(error).or_else(|| self.lines.failure(error))
    }

    /// A fit of which that is said.
    pub fn of(&self, nmf: Nmf<T>) -> Nmf<T> {
        let nmf = self.lines.of(self.known.of(nmf));
        match &self.weights {
            Some(weights) => nmf.entry_weights(weights.clone()),
            None => nmf,
        }
    }
}

impl<T> Fitted<T> {
    /// How it ended, in a line.
    pub fn outcome(&self) -> impl fmt::Display {
        let Self { fit: Fit { report, .. }, steps } = self;
        let Report { iterations: done, stop_reason, seconds_total, relative_error, objective, .. } = report;
        let iterations = |n| count(n, "iteration", "iterations");
        let done = match (steps, report.compression) {
            (None, None) => iterations(*done),
            (None, Some(first)) => {
                let on = if report.plan.sample.is_some() { "sample" } else { "sketch" };
                format!("{} and {} on a {on}", iterations(*done), first.iterations)
            }
            (Some(steps), _) => {
                format!("{} in {}", count(*steps, "step", "steps"), count(*done, "pass", "passes"))
            }
        };
        let loss = match report.loss_function {
            Loss::Frobenius => "loss".to_owned(),
            other => format!("{other} loss"),
        };
        let predicted = report.heldout.map_or_else(String::new, |heldout| {
            format!(
                "; mean loss of {} held out {:.6e}, of the others {:.6e}",
                count(heldout.entries - heldout.infinite, "entry", "entries"),
                heldout.mean,
                heldout.fitted_mean
            )
        });
        format!(
            "{stop_reason} after {done}, {seconds_total:.3} s: relative error {relative_error:.6}, {loss} {objective:.6e}{predicted}"
        )
    }
}
