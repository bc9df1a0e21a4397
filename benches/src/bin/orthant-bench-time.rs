//! Times whole fits until their objective is at a target, for the comparison with scikit-learn.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use orthant::{Error, InitKind, Iteration, Loss, Method, Nmf, Real, Report, StopReason, ToMatrix};
use orthant_io::ReadOptions;
use orthant_kernel::accumulator_stride;

/// Fits DATA until the objective is at most TARGET or the iteration limit, RUNS times, and prints one line of JSON.
#[derive(Parser)]
struct Args {
    /// The matrix, an npy or npz file
    #[arg(long)]
    data: PathBuf,
    /// Components
    #[arg(long)]
    k: usize,
    /// Seed of the start
    #[arg(long, default_value_t = 0)]
    seed: u32,
    /// As orthant's --solver, or the same after extrapolated-
    #[arg(long, default_value = "hals")]
    solver: String,
    /// frobenius, kl, is or a β
    #[arg(long, default_value = "frobenius", allow_negative_numbers = true)]
    loss: Loss,
    /// The start, as orthant's --init
    #[arg(long, default_value = "random")]
    init: InitKind,
    /// Sweeps over each factor an iteration, for hals and newton
    #[arg(long)]
    sweeps: Option<usize>,
    /// Improve the start on a sketch of the data first
    #[arg(long)]
    compress: bool,
    /// Objective to stop at
    #[arg(long)]
    target: Option<f64>,
    /// Timed fits
    #[arg(long, default_value_t = 1)]
    runs: usize,
    /// Threads
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// In single precision
    #[arg(long)]
    f32: bool,
    /// Iteration limit
    #[arg(long, default_value_t = 1000)]
    max_iter: usize,
    /// Fit once more, until it converges by the solver's own rule
    #[arg(long)]
    converge: bool,
}

/// The method that the options name. All solvers go through here.
fn method(args: &Args) -> Result<Method, Error> {
    let (extrapolate, update) = match args.solver.strip_prefix("extrapolated-") {
        Some(update) => (Some(true), update),
        None => (None, &*args.solver),
    };
    Ok(Method { loss: args.loss, update: update.parse()?, extrapolate, sweeps: args.sweeps })
}

/// The seconds of each iteration but the first, which finds cold caches.
fn iterations(report: &Report) -> Vec<f64> {
    report.history.windows(2).map(|w| w[1].seconds - w[0].seconds).collect()
}

fn median(each: &[f64]) -> Option<f64> {
    let mut each = each.to_vec();
    each.sort_by(f64::total_cmp);
    each.get(each.len() / 2).copied()
}

/// The most memory that this process has had, where the system says.
fn peak_bytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()? * 1024)
}

/// Bytes of the sums that lanes hold at most: the products and a Gram matrix each.
fn lane_bytes<T: Real>(report: &Report, (m, n): (usize, usize), k: usize) -> usize {
    let cols = if report.plan.by_columns { m } else { n };
    report.plan.accumulators * (cols + k) * accumulator_stride::<T>(k) * size_of::<T>()
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = if args.f32 { run::<f32>(&args) } else { run::<f64>(&args) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&*error);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "this program's only way to say what is wrong")]
fn complain(error: &dyn std::error::Error) {
    eprintln!("orthant-bench-time: {error}");
}

#[expect(clippy::print_stdout, reason = "this program's result")]
fn run<T: Real + orthant_io::Scalar>(args: &Args) -> Result<(), Box<dyn std::error::Error>> {
    let method = method(args)?;
    let table = orthant_io::read_any::<T>(&args.data, &ReadOptions::default())?;
    let v = table.to_matrix()?;
    let start = args.init.init().ok_or(Error::InvalidParam {
        name: "init",
        value: args.init.name().into(),
        allowed: "a start that needs no factors".into(),
    })?;
    let nmf = Nmf::<T>::new(args.k).method(method).init(start);
    let mut nmf = nmf.seed(args.seed).threads(args.threads).max_iter(args.max_iter);
    if args.compress {
        nmf = nmf.compress(true);
    }
    let mut seconds = Vec::new();
    let mut last = None;
    for _ in 0..args.runs {
        let start = Instant::now();
        let fit = nmf.clone().tol(0.0).fit_observed(&v, &mut |it: &Iteration<'_, T>| {
            if args.target.is_some_and(|target| it.objective <= target) {
                ControlFlow::Break(StopReason::Observer)
            } else {
                ControlFlow::Continue(())
            }
        })?;
        seconds.push(start.elapsed().as_secs_f64());
        last = Some(fit.report);
    }
    let report =
        last.ok_or(Error::InvalidParam { name: "runs", value: "0".into(), allowed: "at least 1".into() })?;
    let peak = peak_bytes();
    let each = iterations(&report);
    let converged = if args.converge { Some(nmf.fit(&v)?.report) } else { None };
    println!(
        "{}",
        serde_json::json!({
            "seconds": seconds,
            "iterations": report.iterations,
            "iteration_seconds": median(&each),
            "first_seconds": median(&each[..each.len().min(10)]),
            "last_seconds": median(&each[each.len() - each.len().div_ceil(10)..]),
            "loss": report.objective,
            "final_loss": converged.as_ref().map(|r| r.objective),
            "final_iterations": converged.as_ref().map(|r| r.iterations),
            "final_seconds": converged.as_ref().map(|r| r.seconds_total),
            "sketch": report.compression.map(|c| c.iterations),
            "sweeps": report.plan.sweeps,
            "threads": report.plan.threads,
            "isa": report.plan.isa,
            "peak_bytes": peak,
            "lane_bytes": lane_bytes::<T>(&report, (v.nrows(), v.ncols()), args.k),
        })
    );
    Ok(())
}
