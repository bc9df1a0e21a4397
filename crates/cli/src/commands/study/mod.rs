//! `orthant study`: many fits in, a table of ranks and a recommendation out.

use std::path::PathBuf;

use orthant::{EntryWeights, Error};
use orthant_io::{AnyTable, Precision, Scalar, Source};
use orthant_report::{About, Report};
use orthant_study::{Ended, Plan, Ranks, Recipe, Study, StudyError, Variation};

use crate::failure::{in_data, size};
use crate::interrupt::Interrupt;
use crate::print::{self, Beside, count};
use crate::progress::Jobs;
use crate::{Failure, inputs, repeat, say};

pub use args::{RankList, StableArgs, StudyArgs};

mod args;
mod commands;
mod printed;

/// Runs the command.
pub fn run(args: &StudyArgs) -> Result<(), Failure> {
    start_threads(args)?;
    let interrupt = Interrupt::listen()?;
    let source = args.read.open(&args.input)?;
    match args.how.precision().unwrap_or(source.precision()) {
        Precision::Float32 => run_in::<f32>(args, source, &interrupt),
        Precision::Float64 => run_in::<f64>(args, source, &interrupt),
    }
}

fn run_in<T: Scalar>(args: &StudyArgs, source: Source<'_>, interrupt: &Interrupt) -> Result<(), Failure> {
    let table: AnyTable<T> = args.read.read(&args.input, source)?;
    let studying = Studying::new(args, table, &[], origin()?, interrupt)?;
    let mut beside = Beside::results(args.out.is_some());
    studying.run(&mut beside, false)?;
    beside.end()
}

/// Starts the threads that are asked for.
pub fn start_threads(args: &StudyArgs) -> Result<(), Failure> {
    if let Some(threads) = args.options()?.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        pool.map_err(|e| Failure::Run(format!("cannot start {threads} threads: {e}")))?;
    }
    Ok(())
}

/// A study of a table, as it is asked for.
pub struct Studying<'a, T: Scalar> {
    pub args: &'a StudyArgs,
    pub table: AnyTable<T>,
    pub weights: Option<EntryWeights<T>>,
    /// The files that it reads.
    pub inputs: Vec<PathBuf>,
    origin: serde_json::Value,
    recipe: Recipe,
    pub interrupt: &'a Interrupt,
}

impl<'a, T: Scalar> Studying<'a, T> {
    /// Of the table of the arguments' input; `more` are other files that are read.
    pub fn new(
        args: &'a StudyArgs,
        table: AnyTable<T>,
        more: &[PathBuf],
        origin: serde_json::Value,
        interrupt: &'a Interrupt,
    ) -> Result<Self, Failure> {
        let read = std::iter::once(&args.input).chain(args.weights.path()).chain(more);
        let inputs: Vec<PathBuf> = read.flat_map(Source::files).collect();
        if let Some(dir) = &args.out {
            let written = ["study.json", "table.csv", "manifest.json", "report.html"];
            inputs::keep(&inputs, written.map(|name| dir.join(name)))?;
        }
        let weights = args.weights.read::<T>(&args.read)?;
        let recipe = Recipe::default();
        Ok(Self { args, table, weights, inputs, origin, recipe, interrupt })
    }

    /// With consensus factors made by another recipe.
    pub fn recipe(self, recipe: Recipe) -> Self {
        Self { recipe, ..self }
    }

    /// Does it, prints and writes what it found; nothing comes back of a plan or a shard. Unless components are picked next, it says how.
    pub fn run(&self, beside: &mut Beside, picks: bool) -> Result<Option<Ranks<T>>, Failure> {
        let Self { args, table, weights, interrupt, .. } = self;
        let mut study: Study<T> = args.study()?.cancel(interrupt.cancel()).origin(self.origin.clone());
        if let Some(weights) = weights {
            study = study.entry_weights(weights.clone());
        }
        let input = args.input.display().to_string();
        let failed = |e| failure(e, table, &input);
        let plan = study.plan(table).map_err(failed)?;
        if args.explain {
            print::now(|out| explain(out, &plan, &input))?;
            return Ok(None);
        }
        if !args.quiet {
            let (m, n) = (table.nrows(), table.ncols());
            let line = describe(&plan);
            beside.print(|out| writeln!(out, "{input}: {m}×{n}, {}, {line}", T::PRECISION))?;
        }
        let mut jobs = Jobs::new(args.quiet);
        interrupt.studying();
        let mut show = |ended: &Ended| {
            // what is held out of too little data is remarked with the table
            if let Some(reason) = ended.failed.as_ref().filter(|_| !ended.key.kind.holds_out()) {
                jobs.say(&format!("{} failed: {reason}", ended.key));
            }
            jobs.show(ended.done, ended.jobs, ended.key.rank);
        };
        let ended = match &args.out {
            Some(dir) => study.fit_into_observed(table, dir, &mut show),
            None => study.fit_observed(table, &mut show),
        };
        jobs.clear();
        let ranks = match ended {
            Err(StudyError::Interrupted { done, jobs }) => {
                say::note(&match &args.out {
                    Some(dir) => format!(
                        "{done} of {} done and kept in {}: the same command goes on from there",
                        count(jobs, "fit", "fits"),
                        dir.display()
                    ),
                    None => format!("{done} of {} done; --out keeps them", count(jobs, "fit", "fits")),
                });
                return Err(Failure::Interrupted);
            }
            ended => ended.map_err(failed)?.recipe(self.recipe),
        };
        if let (Some(shard), Some(dir)) = (args.shard, &args.out) {
            let (shard, dir) = (format!("{}/{}", shard.index, shard.of), dir.display());
            if !args.quiet {
                beside.print(|out| {
                    writeln!(out, "shard {shard} is done; when all are, the same command without --shard makes the table in {dir}")
                })?;
            }
            return Ok(None);
        }
        if let Some(dir) = &args.out {
            ranks.write_into(dir)?;
        }
        if !args.quiet {
            beside.print(|out| printed::table(out, &ranks))?;
        }
        if let Some(dir) = &args.out {
            let mut saved = "study.json, table.csv".to_owned();
            if !args.no_report {
                report(args, &ranks, table, weights.as_ref(), interrupt)?.write_into(dir)?;
                saved += ", report.html, figures";
            }
            let dir = dir.display();
            if !args.quiet {
                beside.print(|out| match ranks.recommendation().rank.filter(|_| !picks) {
                    Some(k) => writeln!(
                        out,
                        "saved in {dir}: {saved}; `orthant pick {dir} -k {k}` writes the components"
                    ),
                    None => writeln!(out, "saved in {dir}: {saved}"),
                })?;
            }
        }
        Ok(Some(ranks))
    }
}

/// The page of a study.
fn report<T: Scalar>(
    args: &StudyArgs,
    ranks: &Ranks<T>,
    table: &AnyTable<T>,
    weights: Option<&EntryWeights<T>>,
    interrupt: &Interrupt,
) -> Result<Report, Failure> {
    let commands = commands::commands(ranks)?;
    let input = args.input.display().to_string();
    let data = repeat::data(&args.input);
    let about = About { data: &data, features: table.col_names(), commands: &commands };
    Report::of(ranks, table, weights, &about, interrupt.cancel()).map_err(|e| failure(e, table, &input))
}

/// What is about to be done, in a line.
fn describe(plan: &Plan) -> String {
    let held_out = match plan.held_out {
        0 => String::new(),
        held_out => format!(" and {held_out} with data held out ({})", plan.holdout),
    };
    let varied = match plan.variation {
        Variation::Starts => String::new(),
        variation => format!(" of varied data ({variation})"),
    };
    format!(
        "{}{varied}{held_out}; {} of data and up to {} besides",
        count(plan.fits, "fit", "fits"),
        size(plan.data_bytes),
        size(plan.working_bytes)
    )
}

/// Prints the plan.
fn explain(out: &mut dyn std::io::Write, plan: &Plan, input: &str) -> std::io::Result<()> {
    writeln!(out, "{input}: {}", describe(plan))?;
    writeln!(out, "each fit is of {}", plan.variation.describe())?;
    let threads = count(plan.side_by_side.unwrap_or(plan.threads), "thread", "threads");
    match plan.side_by_side {
        Some(1) => writeln!(out, "one fit after the other, on one thread")?,
        Some(_) => writeln!(out, "{threads}, each with fits of its own, the largest first")?,
        None => writeln!(out, "one fit after the other, on {threads}")?,
    }
    writeln!(out, "a fit of the largest rank:\n{}", plan.largest)
}

/// The command line and where it was typed, by which the data is found again.
pub fn origin() -> Result<serde_json::Value, Failure> {
    let arguments = repeat::arguments();
    let folder = std::env::current_dir().ok().and_then(|dir| dir.into_os_string().into_string().ok());
    // without these the data has to be named again
    Ok(serde_json::json!({ "arguments": arguments, "folder": folder }))
}

/// What went wrong, with the place in the file.
pub fn failure<T: Scalar>(error: StudyError, table: &AnyTable<T>, file: &str) -> Failure {
    match error {
        StudyError::Fit(Error::InvalidParam { name: "ranks", value, allowed }) => {
            Failure::Usage(format!("--components {value} is not possible: {allowed}"))
        }
        StudyError::Fit(Error::Interrupted) => Failure::Interrupted,
        StudyError::Fit(error) => in_data(error, table, file),
        StudyError::NotCounts { row, col, value } => Failure::Run(format!(
            "{}: {value} is not a count: resampling needs whole numbers of at least 0; --vary starts, noise, rows and halves go with \
             any data",
            table.locate(row, col)
        )),
        StudyError::Io(error) => error.into(),
        error => Failure::Run(error.to_string()),
    }
}

impl From<StudyError> for Failure {
    fn from(error: StudyError) -> Self {
        match error {
            StudyError::Fit(Error::Interrupted) => Self::Interrupted,
            StudyError::Fit(error) => error.into(),
            StudyError::Io(error) => error.into(),
            error => Self::Run(error.to_string()),
        }
    }
}
