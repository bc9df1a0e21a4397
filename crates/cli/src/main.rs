//! The `orthant` command.
//!
//! Each command is a file in `commands`: it takes its arguments, turns them into the options of the libraries, and
//! runs. Nothing else in the workspace prints.

mod args;
mod checkpoint;
mod closed;
mod color;
mod commands;
mod components;
mod demo;
mod entry_weights;
mod factor_format;
mod failure;
mod fitting;
mod inputs;
mod interrupt;
mod known;
mod line_weights;
mod numpy_text;
mod out_of_core;
mod pictured;
mod print;
mod progress;
mod ranks;
mod repeat;
mod report;
mod results;
mod say;
mod sheet;
mod strongest;
mod weights;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::ExitCode;

use clap::Parser;
use orthant::OutOfMemory;

use args::{Cli, Command};
use failure::Failure;
use orthant_study::Shard;
use ranks::Ranks;

fn main() -> ExitCode {
    let mut cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            color::set(color::asked_for(std::env::args_os()));
            if e.use_stderr() {
                say::usage(&e);
                return ExitCode::from(2);
            }
            // help and version were asked for
            return end(print::now(|_| e.print()));
        }
    };
    color::set(cli.color);
    let joined = match &mut cli.command {
        Command::Study(args) if args.out.is_some() => {
            // its fits have nothing to say to one another
            if let Some((rank, of)) = ranks::launched() {
                args.shard.get_or_insert(Shard { index: rank + 1, of });
            }
            Ok(Ranks::default())
        }
        command => Ranks::join(matches!(command, Command::Fit(_))),
    };
    let ranks = match joined {
        Ok(ranks) => ranks,
        Err(failure) => return end(Err(failure)),
    };
    let run = || match cli.command {
        Command::Fit(args) => ranks.settle(commands::fit::run(&args, &ranks)),
        Command::Transform(args) => commands::transform::run(&args),
        Command::Reconstruct(args) => commands::reconstruct::run(&args),
        Command::Show(args) => commands::show::run(&args),
        Command::Topics(args) => commands::topics::run(&args),
        Command::Study(args) => commands::study::run(&args),
        Command::Programs(args) => commands::programs::run(&args),
        Command::Signatures(args) => commands::signatures::run(&args),
        Command::Pick(args) => commands::pick::run(&args),
        Command::Convert(args) => commands::convert::run(&args),
        Command::Demo(args) => commands::demo::run(&args),
        Command::Completions(args) => commands::completions::run(&args),
        Command::Man(args) => commands::man::run(&args),
    };
    // what is read and written is allocated outside of fits, which make errors of this themselves
    let done = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| {
        match payload.downcast_ref::<OutOfMemory>() {
            Some(OutOfMemory { bytes }) => {
                Err(Failure::Run(format!("{} of memory cannot be had", failure::size(*bytes))))
            }
            None => {
                ranks.abort();
                resume_unwind(payload)
            }
        }
    });
    end(ranks.settle(done))
}

/// Says what went wrong, if anything did, and returns the exit code.
fn end(done: Result<(), Failure>) -> ExitCode {
    match done {
        // a closed pipe is the reader's decision, as in `orthant fit … --print | head`
        Ok(()) | Err(Failure::ClosedPipe) => ExitCode::SUCCESS,
        Err(Failure::Interrupted) => ExitCode::from(interrupt::CODE),
        Err(Failure::Usage(message)) => {
            say::error(&message);
            ExitCode::from(2)
        }
        Err(Failure::Run(message)) => {
            say::error(&message);
            ExitCode::FAILURE
        }
    }
}
