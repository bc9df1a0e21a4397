//! The runner: `cargo run --release -p orthant-fuzz -- --seconds 600 [TARGET…]`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::process::ExitCode;
use std::time::Duration;

use orthant_fuzz::corpus::{Corpus, regressions};
use orthant_fuzz::parent::{Failure, Limits, run};
use orthant_fuzz::targets::{ALL, Target, named};
use orthant_fuzz::worker;

/// Milliseconds from which on the slowest input is written to the folder for temporary files.
const SLOW: u64 = 300;

const USAGE: &str = "\
orthant-fuzz [--seconds N] [--inputs N] [--seed N] [TARGET…]

Runs the regressions, the seeds and mutations of both through every target, or those named, for N seconds in all (10 unless it
is said) or N mutations each. An input that fails is written to regressions/TARGET, where it is run first from then on.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == worker::FLAG) {
        return worker::main(&arguments[1..]);
    }
    match parse(&arguments) {
        Ok(asked) => fuzz(&asked),
        Err(message) => {
            eprintln!("{message}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

struct Asked {
    seconds: u64,
    inputs: Option<u64>,
    seed: u64,
    targets: Vec<Target>,
}

fn parse(arguments: &[String]) -> Result<Asked, String> {
    let mut asked = Asked { seconds: 10, inputs: None, seed: 1, targets: Vec::new() };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut number = || {
            let text = rest.next().ok_or(format!("{argument} needs a number"))?;
            text.parse::<u64>().map_err(|_| format!("{text} is no number"))
        };
        match argument.as_str() {
            "--seconds" => asked.seconds = number()?,
            "--inputs" => asked.inputs = Some(number()?),
            "--seed" => asked.seed = number()?,
            name => asked.targets.push(named(name).ok_or_else(|| {
                let names: Vec<_> = ALL.iter().map(|target| target.name).collect();
                format!("there is no target {name}; there are {}", names.join(", "))
            })?),
        }
    }
    if asked.targets.is_empty() {
        asked.targets = ALL.to_vec();
    }
    Ok(asked)
}

fn fuzz(asked: &Asked) -> ExitCode {
    let share = Duration::from_secs(asked.seconds) / asked.targets.len() as u32;
    let program = std::env::current_exe().expect("this program's own path");
    let mut failed = false;
    println!(
        "| target | inputs | seconds | inputs/s | slowest, ms | failures |\n|---|---:|---:|---:|---:|---:|"
    );
    for target in &asked.targets {
        let mut limits = Limits { seed: asked.seed, ..Limits::default() };
        match asked.inputs {
            Some(inputs) => limits.inputs = Corpus::new(target, 0).fixed.len() as u64 + inputs,
            None => limits.time = share,
        }
        let outcome = run(&program, target, &limits);
        let seconds = outcome.time.as_secs_f64();
        let (name, inputs, failures) = (target.name, outcome.inputs, outcome.failures.len());
        let (rate, slowest) = (inputs as f64 / seconds, outcome.slowest.1);
        println!("| {name} | {inputs} | {seconds:.1} | {rate:.0} | {slowest} | {failures} |");
        if slowest >= SLOW {
            let input = Corpus::new(target, asked.seed).input(outcome.slowest.0);
            let path = Failure { input, message: String::new() }.save(&std::env::temp_dir());
            eprintln!("{name}: {} took {slowest} ms", path.display());
        }
        for failure in outcome.failures {
            failed = true;
            let path = failure.save(&regressions(target));
            eprintln!("{}: {}: {}", target.name, path.display(), failure.message);
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
