//! `orthant fit`: a matrix in, W, H, a report and a model out.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use orthant::{Fit, Iteration, Loss, Method, Penalty, Products, StopReason};
use orthant_io::{FitOptions, Precision, ReadOptions, Scalar, Source, Staged, Table};

use crate::args::{TextArgs, at_least_one, at_least_zero, share};
use crate::failure::in_data;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::{Failure, numpy_text, results, say};

/// Factorise a matrix
///
/// INPUT is npy (any real type, C or Fortran order), csv, tsv, txt (white space, # comments), png or jpg (grey
/// levels); text and npy may be packed as .gz. Samples are rows, features columns. Names in a first line or a
/// first column of text are found and kept.
///
/// Written to OUT: W.npy (one row of weights for each sample), H.npy (one component in each row), report.json (why
/// it stopped, the loss after every iteration, timings) and model.safetensors (for `orthant transform` and
/// `orthant reconstruct`); for data with names also W.csv and H.csv. All of them appear at the end, or none.
///
/// Ctrl-C ends the fit after the current iteration and saves its best so far; a second one ends at once.
#[derive(Debug, clap::Args)]
#[command(override_usage = "orthant fit <INPUT> -k <K> -o <OUT> [OPTIONS]")]
#[command(after_help = "\
Examples:
  orthant fit counts.csv -k 16 -o out
  orthant fit X.npy -k 32 --alpha-w 0.01 --l1-ratio 1 --max-seconds 60 -o out
  orthant fit examples/six-by-two.csv -k 2 --solver cd --init random --seed 0 --print")]
pub struct FitArgs {
    /// The data: .npy, .csv, .tsv, .txt, .png or .jpg
    input: PathBuf,
    /// Number of components
    #[arg(short = 'k', long = "components", value_name = "K", value_parser = at_least_one)]
    #[arg(allow_negative_numbers = true)]
    rank: usize,
    /// Directory for the results, made if need be
    #[arg(short, long = "out", value_name = "OUT", required_unless_present = "print")]
    out: Option<PathBuf>,
    /// Print W and H, the iterations and the error, as numpy prints arrays
    #[arg(long)]
    print: bool,
    /// No progress bar and no summary
    #[arg(short, long)]
    quiet: bool,

    /// The update: hals is the fastest to a given loss; cd and mu are scikit-learn's, number for number
    #[arg(long, value_enum, default_value_t = Solver::Hals, help_heading = "Method")]
    solver: Solver,
    /// Sweeps over each factor for each read of the data (hals only) [default: chosen from the shape]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    #[arg(help_heading = "Method")]
    sweeps: Option<usize>,
    /// Where to start: random gives the numbers of scikit-learn's init="random" for the same seed
    #[arg(long, value_enum, default_value_t = Init::Random, help_heading = "Method")]
    init: Init,
    /// Seed of the start
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Method")]
    seed: u32,

    /// Penalty on W, in scikit-learn's scaling
    #[arg(long, value_name = "A", value_parser = at_least_zero, allow_negative_numbers = true)]
    #[arg(help_heading = "Penalties")]
    alpha_w: Option<f64>,
    /// Penalty on H [default: the same as on W]
    #[arg(long, value_name = "A", value_parser = at_least_zero, allow_negative_numbers = true)]
    #[arg(help_heading = "Penalties")]
    alpha_h: Option<f64>,
    /// Share of L1, which makes entries zero, in both penalties: 0 is all L2 [default: 0]
    #[arg(long, value_name = "R", value_parser = share, allow_negative_numbers = true)]
    #[arg(help_heading = "Penalties")]
    l1_ratio: Option<f64>,

    /// Iteration limit [default: 500; with cd and mu 200]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    #[arg(help_heading = "Stopping")]
    max_iter: Option<usize>,
    /// Tolerance of the solver's own stopping rule; 0 never stops early [default: 1e-5; with cd and mu 1e-4]
    #[arg(long, value_name = "T", value_parser = at_least_zero, allow_negative_numbers = true)]
    #[arg(help_heading = "Stopping")]
    tol: Option<f64>,
    /// Time limit, looked at after every iteration
    #[arg(long, value_name = "S", value_parser = at_least_zero, allow_negative_numbers = true)]
    #[arg(help_heading = "Stopping")]
    max_seconds: Option<f64>,

    /// Threads; the result is the same to the bit on any number [default: all cores]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    #[arg(help_heading = "Computing")]
    threads: Option<usize>,
    /// Single precision: half the memory [default: as the npy file has it, else double]
    #[arg(long, conflicts_with = "f64", help_heading = "Computing")]
    f32: bool,
    /// Double precision
    #[arg(long, help_heading = "Computing")]
    f64: bool,
    /// What multiplies the data with the factors: fused reads it once an iteration
    #[arg(long, value_enum, default_value_t = Product::Fused, help_heading = "Computing")]
    products: Product,

    #[command(flatten)]
    text: TextArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Solver {
    Hals,
    Cd,
    Mu,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Init {
    Random,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Product {
    Fused,
    Gemm,
    Blas,
}

/// What the arguments ask for.
struct Job {
    input: PathBuf,
    read: ReadOptions,
    precision: Option<Precision>,
    options: FitOptions,
    threads: Option<usize>,
    max_time: Option<Duration>,
    out: Option<PathBuf>,
    print: bool,
    quiet: bool,
}

impl FitArgs {
    fn job(&self) -> Result<Job, Failure> {
        let method = match (self.solver, self.sweeps) {
            (Solver::Hals, sweeps) => Method::Hals { sweeps },
            (Solver::Cd, None) => Method::Cd,
            (Solver::Mu, None) => Method::Mu(Loss::Frobenius),
            (Solver::Cd | Solver::Mu, Some(_)) => {
                return Err(Failure::Usage(
                    "--sweeps goes with --solver hals; cd and mu take one sweep".into(),
                ));
            }
        };
        if self.l1_ratio.is_some() && self.alpha_w.is_none() && self.alpha_h.is_none() {
            return Err(Failure::Usage(
                "--l1-ratio divides a penalty: give --alpha-w or --alpha-h too".into(),
            ));
        }
        let max_time = match self.max_seconds.map(Duration::try_from_secs_f64) {
            Some(Err(_)) => return Err(Failure::Usage("--max-seconds is more than can be counted".into())),
            Some(Ok(limit)) => Some(limit),
            None => None,
        };
        let Init::Random = self.init;
        let mut options = FitOptions::new(self.rank, method);
        options.seed = self.seed;
        options.products = match self.products {
            Product::Fused => Products::Fused,
            Product::Gemm => Products::Gemm,
            Product::Blas => Products::Blas,
        };
        options.penalty = Penalty {
            alpha_w: self.alpha_w.unwrap_or(0.0),
            alpha_h: self.alpha_h,
            l1_ratio: self.l1_ratio.unwrap_or(0.0),
        };
        options.max_iter = self.max_iter.unwrap_or(options.max_iter);
        if let Some(tol) = self.tol {
            options = options.tol(tol);
        }
        let precision = match (self.f32, self.f64) {
            (true, _) => Some(Precision::Float32),
            (_, true) => Some(Precision::Float64),
            _ => None,
        };
        Ok(Job {
            input: self.input.clone(),
            read: self.text.options(),
            precision,
            options,
            threads: self.threads,
            max_time,
            out: self.out.clone(),
            print: self.print,
            quiet: self.quiet,
        })
    }
}

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
    let staged = job.out.as_ref().map(Staged::in_dir).transpose()?;
    let table: Table<T> = source.read()?;
    interrupt.fitting();
    if !job.quiet {
        let (m, n, k) = (table.nrows(), table.ncols(), job.options.rank);
        let mut out = io::stdout().lock();
        writeln!(out, "{}: {m}×{n}, {}, {k} components", job.input.display(), T::PRECISION)?;
        out.flush()?;
    }
    let fit = fit(job, &table, interrupt)?;
    for warning in &fit.report.warnings {
        say::warning(warning);
    }
    if let Some(staged) = staged {
        results::save(staged, &job.input, &job.options, &table, &fit)?;
    }
    if !job.quiet {
        summary(&fit, job.out.as_deref(), table.col_names().is_some() || table.row_names().is_some())?;
    }
    if job.print { print(&fit) } else { Ok(()) }
}

fn fit<T: Scalar>(job: &Job, table: &Table<T>, interrupt: &Interrupt) -> Result<Fit<T>, Failure> {
    let mut nmf = job.options.nmf::<T>().cancel(interrupt.cancel());
    if let Some(threads) = job.threads {
        nmf = nmf.threads(threads);
    }
    if let Some(limit) = job.max_time {
        nmf = nmf.max_time(limit);
    }
    let mut progress = Progress::new(job.options.max_iter, job.quiet);
    let fitted = nmf.fit_observed(table, &mut |it: &Iteration<'_, T>| {
        progress.show(it);
        ControlFlow::<StopReason>::Continue(())
    });
    progress.clear();
    fitted.map_err(|e| in_data(e, table, &job.input.display().to_string()))
}

fn summary<T: Scalar>(fit: &Fit<T>, dir: Option<&Path>, named: bool) -> io::Result<()> {
    let report = &fit.report;
    let (m, k, n) = (fit.w.nrows(), fit.w.ncols(), fit.model.n_features());
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} after {} iterations, {:.3} s: relative error {:.6}, loss {:.6e}",
        report.stop_reason, report.iterations, report.seconds_total, report.relative_error, report.objective
    )?;
    let Some(dir) = dir else { return Ok(()) };
    let saved =
        if report.stop_reason == StopReason::Interrupted { "best so far saved in" } else { "saved in" };
    let tables = if named { ", W.csv, H.csv" } else { "" };
    let dir = dir.display();
    writeln!(out, "{saved} {dir}: W.npy ({m}×{k}), H.npy ({k}×{n}), report.json, model.safetensors{tables}")
}

fn print<T: Scalar>(fit: &Fit<T>) -> Result<(), Failure> {
    let h = fit.model.components();
    let mut out = io::stdout().lock();
    writeln!(out, "W =\n{}", numpy_text::matrix(fit.w.view()))?;
    writeln!(out, "H =\n{}", numpy_text::matrix(h.view()))?;
    writeln!(out, "iterations = {}", fit.report.iterations)?;
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
