//! `orthant fit`: a matrix in, W, H, a report and a model out.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use orthant::{Dense, Error, Fit, Iteration, Loss, Start, StopReason};
use orthant_io::{Precision, ReadOptions, Scalar, Source, Staged, Table, read_matrix};

use crate::failure::{in_data, in_matrix};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::{Failure, numpy_text, results, say};

pub use args::FitArgs;
use args::Job;

mod args;

/// Runs the command.
pub fn run(args: &FitArgs) -> Result<(), Failure> {
    let job = args.job()?;
    let interrupt = Interrupt::listen()?;
    let source = Source::open(&job.input, &job.read)?;
    match job.precision.unwrap_or(source.precision()) {
        Precision::Float32 => run_in::<f32>(&job, source, &interrupt),
        Precision::Float64 => run_in::<f64>(&job, source, &interrupt),
    }
}

fn run_in<T: Scalar>(job: &Job, source: Source<'_>, interrupt: &Interrupt) -> Result<(), Failure> {
    // a directory that cannot be written is better known before the work than after it
    let out = job.out.as_ref().filter(|_| !job.explain);
    let staged = out.map(Staged::in_dir).transpose()?;
    let table: Table<T> = source.read()?;
    if job.explain {
        return explain(job, &table);
    }
    let given = job.start.as_ref().map(Given::read).transpose()?;
    interrupt.fitting();
    if !job.quiet {
        let (m, n, k) = (table.nrows(), table.ncols(), job.options.rank);
        let mut out = io::stdout().lock();
        writeln!(out, "{}: {m}×{n}, {}, {k} components", job.input.display(), T::PRECISION)?;
        out.flush()?;
    }
    let fitted = fit(job, &table, given.as_ref(), interrupt).map_err(|e| {
        given
            .as_ref()
            .and_then(|given| given.failure(&e))
            .unwrap_or_else(|| in_data(e, &table, &job.input.display().to_string()))
    })?;
    let Fitted { fit, steps } = &fitted;
    for warning in &fit.report.warnings {
        say::warning(warning);
    }
    if let Some(staged) = staged {
        results::save(staged, &job.input, &job.options, &table, fit, *steps)?;
    }
    if !job.quiet {
        let named = table.col_names().is_some() || table.row_names().is_some();
        summary(&fitted, job.out.as_deref(), named)?;
    }
    if job.print { print(&fitted) } else { Ok(()) }
}

/// Prints the plan of the fit.
fn explain<T: Scalar>(job: &Job, table: &Table<T>) -> Result<(), Failure> {
    let nmf = job.options.nmf::<T>();
    let nmf = match job.threads {
        Some(threads) => nmf.threads(threads),
        None => nmf,
    };
    let plan = nmf.explain(table).map_err(|e| in_data(e, table, &job.input.display().to_string()))?;
    write!(io::stdout().lock(), "{plan}")?;
    Ok(())
}

/// Factors to start from.
struct Given<'a, T> {
    files: &'a (PathBuf, PathBuf),
    w: Table<T>,
    h: Table<T>,
}

impl<'a, T: Scalar> Given<'a, T> {
    fn read(files: &'a (PathBuf, PathBuf)) -> Result<Self, Failure> {
        let options = ReadOptions::default();
        Ok(Self { files, w: read_matrix(&files.0, &options)?, h: read_matrix(&files.1, &options)? })
    }

    fn start(&self) -> Start<T> {
        Start::Custom { w: Dense::copy_of(self.w.view()), h: Dense::copy_of(self.h.view()) }
    }

    /// An error about one of them.
    fn failure(&self, error: &Error) -> Option<Failure> {
        in_matrix(error, "W", &self.w, &self.files.0)
            .or_else(|| in_matrix(error, "H", &self.h, &self.files.1))
    }
}

/// A finished fit, with the number of batches that it took, if it went by batches.
struct Fitted<T> {
    fit: Fit<T>,
    steps: Option<usize>,
}

fn fit<T: Scalar>(
    job: &Job,
    table: &Table<T>,
    given: Option<&Given<'_, T>>,
    interrupt: &Interrupt,
) -> Result<Fitted<T>, Error> {
    let mut progress = Progress::new(job.quiet);
    let mut show = |it: &Iteration<'_, T>| {
        progress.show(it);
        ControlFlow::<StopReason>::Continue(())
    };
    // the two builders have these options in common
    macro_rules! run {
        ($nmf:expr) => {{
            let mut nmf = $nmf.cancel(interrupt.cancel());
            if let Some(given) = given {
                nmf = nmf.start(given.start());
            }
            if let Some(threads) = job.threads {
                nmf = nmf.threads(threads);
            }
            if let Some(limit) = job.max_time {
                nmf = nmf.max_time(limit);
            }
            nmf.fit_observed(table, &mut show)
        }};
    }
    let fitted = match job.options.minibatch::<T>() {
        None => run!(job.options.nmf::<T>()).map(|fit| Fitted { fit, steps: None }),
        Some(nmf) => run!(nmf).map(|by_batches| {
            let orthant::MiniBatchFit { w, model, report, steps } = by_batches;
            Fitted { fit: Fit { w, model, report }, steps: Some(steps) }
        }),
    };
    progress.clear();
    fitted
}

fn summary<T: Scalar>(fitted: &Fitted<T>, dir: Option<&Path>, named: bool) -> io::Result<()> {
    let Fitted { fit, steps } = fitted;
    let report = &fit.report;
    let (m, k, n) = (fit.w.nrows(), fit.w.ncols(), fit.model.n_features());
    let count = match (steps, report.compression) {
        (None, None) => format!("{} iterations", report.iterations),
        (None, Some(sketch)) => {
            format!("{} iterations and {} on a sketch", report.iterations, sketch.iterations)
        }
        (Some(steps), _) => format!("{steps} steps in {} passes", report.iterations),
    };
    let loss = match report.loss_function {
        Loss::Frobenius => "loss".to_owned(),
        other => format!("{other} loss"),
    };
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} after {count}, {:.3} s: relative error {:.6}, {loss} {:.6e}",
        report.stop_reason, report.seconds_total, report.relative_error, report.objective
    )?;
    let Some(dir) = dir else { return Ok(()) };
    let saved =
        if report.stop_reason == StopReason::Interrupted { "best so far saved in" } else { "saved in" };
    let tables = if named { ", W.csv, H.csv" } else { "" };
    let dir = dir.display();
    writeln!(out, "{saved} {dir}: W.npy ({m}×{k}), H.npy ({k}×{n}), report.json, model.safetensors{tables}")
}

fn print<T: Scalar>(fitted: &Fitted<T>) -> Result<(), Failure> {
    let Fitted { fit, steps } = fitted;
    let h = fit.model.components();
    let mut out = io::stdout().lock();
    writeln!(out, "W =\n{}", numpy_text::matrix(fit.w.view()))?;
    writeln!(out, "H =\n{}", numpy_text::matrix(h.view()))?;
    writeln!(out, "iterations = {}", fit.report.iterations)?;
    if let Some(steps) = steps {
        writeln!(out, "steps = {steps}")?;
    }
    writeln!(out, "error = {}", significant(fit.report.reconstruction_error))?;
    out.flush()?;
    Ok(())
}

/// Twelve significant digits without an exponent, unless these would be mostly zeros.
fn significant(x: f64) -> String {
    let exponent = format!("{x:.11e}").split_once('e').and_then(|(_, e)| e.parse::<i32>().ok()).unwrap_or(0);
    match usize::try_from(11 - exponent) {
        Ok(decimals) if exponent >= -5 => format!("{x:.decimals$}"),
        _ => format!("{x:.11e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_digits() {
        for (x, text) in [
            (0.001159934921601, "0.00115993492160"),
            (12.5, "12.5000000000"),
            (0.0, "0.00000000000"),
            (1.25e-9, "1.25000000000e-9"),
            (123456789012345.0, "1.23456789012e14"),
        ] {
            assert_eq!(significant(x), text);
        }
    }
}
