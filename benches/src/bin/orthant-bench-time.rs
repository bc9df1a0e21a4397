//! Times whole fits until their objective is at a target, for the comparison with scikit-learn.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use orthant::{Error, Iteration, Loss, Method, Nmf, Real, Solver, Start, StopReason, View};
use orthant_io::ReadOptions;

/// Fits DATA until the objective is at most LOSS, RUNS times, and prints one line of JSON.
#[derive(Parser)]
struct Args {
    /// The matrix, an npy file
    #[arg(long)]
    data: PathBuf,
    /// Components
    #[arg(long)]
    k: usize,
    /// Seed of the random start
    #[arg(long, default_value_t = 0)]
    seed: u32,
    /// hals, cd, mu, mm, als, anls or pg
    #[arg(long, default_value = "hals")]
    solver: String,
    /// frobenius, kl, is or a β
    #[arg(long, default_value = "frobenius", allow_negative_numbers = true)]
    loss: Loss,
    /// Sweeps over each factor an iteration, for hals
    #[arg(long)]
    sweeps: Option<usize>,
    /// Objective to stop at; below 0 for none
    #[arg(long, allow_negative_numbers = true)]
    target: f64,
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
    let table = orthant_io::read_matrix::<T>(&args.data, &ReadOptions::default())?;
    let v: View<'_, T> = table.view();
    let method = match args.solver.parse::<Solver>()?.method(args.loss)? {
        Method::Hals { .. } => Method::Hals { sweeps: args.sweeps },
        method => method,
    };
    // the start of scikit-learn's init="random"
    let nmf = Nmf::<T>::new(args.k).method(method).start(Start::Random);
    let nmf = nmf.seed(args.seed).threads(args.threads).max_iter(args.max_iter);
    let mut seconds = Vec::new();
    let mut last = None;
    for _ in 0..args.runs {
        let start = Instant::now();
        let fit = nmf.clone().tol(0.0).fit_observed(&v, &mut |it: &Iteration<'_, T>| {
            if it.objective <= args.target {
                ControlFlow::Break(StopReason::Observer)
            } else {
                ControlFlow::Continue(())
            }
        })?;
        seconds.push(start.elapsed().as_secs_f64());
        last = Some(fit.report);
    }
    let report =
        last.ok_or(Error::InvalidParam { name: "runs", value: "0".into(), allowed: "at least 1" })?;
    let converged = nmf.fit(&v)?.report;
    println!(
        "{}",
        serde_json::json!({
            "seconds": seconds,
            "iterations": report.iterations,
            "loss": report.objective,
            "final_loss": converged.objective,
            "final_iterations": converged.iterations,
            "final_seconds": converged.seconds_total,
            "sweeps": report.plan.sweeps,
            "isa": report.plan.isa,
        })
    );
    Ok(())
}
