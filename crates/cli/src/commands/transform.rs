//! `orthant transform`: weights of new samples under a fitted model.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use orthant::{Error, Transform};
use orthant_io::{
    AnySavedModel, Names, OutputFormat, ReadOptions, SavedModel, Scalar, Table, read_matrix, write_to,
};

use crate::args::{TextArgs, at_least_one, at_least_zero};
use crate::failure::in_data;
use crate::{Failure, results, say};

/// Find the weights W of new samples, with the components as they were learnt
///
/// INPUT has the same columns as the data of the fit, and any number of rows; a row's weights do not depend on the
/// other rows. The penalty on W of the fit applies here too.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orthant transform out new.csv                  print the weights as csv
  orthant transform out new.csv -o W_new.npy")]
pub struct TransformArgs {
    /// Directory of a fit, or a model.safetensors
    model: PathBuf,
    /// The new data
    input: PathBuf,
    /// Where to write W: .npy, .csv, .tsv or .json [default: csv to standard output]
    #[arg(short, long = "out", value_name = "FILE")]
    out: Option<PathBuf>,
    /// A row is done when the steps that remain are at most this share of its norm [default: 1e-8]
    #[arg(long, value_name = "T", value_parser = at_least_zero, allow_negative_numbers = true)]
    tol: Option<f64>,
    /// Sweeps that a row may take [default: 10000]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    max_sweeps: Option<usize>,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    threads: Option<usize>,
    /// No summary
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    text: TextArgs,
}

/// Runs the command.
pub fn run(args: &TransformArgs) -> Result<(), Failure> {
    if let Some(out) = &args.out {
        OutputFormat::of(out)?;
    }
    match AnySavedModel::load(results::model_path(&args.model))? {
        AnySavedModel::F32(saved) => run_in(args, &saved),
        AnySavedModel::F64(saved) => run_in(args, &saved),
    }
}

fn run_in<T: Scalar>(args: &TransformArgs, saved: &SavedModel<T>) -> Result<(), Failure> {
    let options: ReadOptions = args.text.options();
    let table: Table<T> = read_matrix(&args.input, &options)?;
    same_features(args, saved, &table)?;
    let defaults = Transform::default();
    let transform = Transform {
        tol: args.tol.unwrap_or(defaults.tol),
        max_sweeps: args.max_sweeps.unwrap_or(defaults.max_sweeps),
        threads: args.threads,
    };
    let (w, report) = saved.model.transform_with(&table, &transform).map_err(|e| match e {
        Error::ShapeMismatch { operand: "V", expected, found } => Failure::Run(format!(
            "{}: {} columns, but the model in {} was fitted to {}",
            args.input.display(),
            found.1,
            args.model.display(),
            expected.1
        )),
        e => in_data(e, &table, &args.input.display().to_string()),
    })?;
    if report.unconverged_rows > 0 {
        say::warning(format_args!(
            "{} of {} rows had not reached the tolerance after {} sweeps",
            report.unconverged_rows,
            w.nrows(),
            transform.max_sweeps
        ));
    }
    let components: Vec<String> = (0..w.ncols()).map(|t| format!("component_{t}")).collect();
    let cols = table.row_names().is_some() || table.col_names().is_some();
    let names = Names { rows: table.row_names(), cols: cols.then_some(&components) };
    let Some(path) = &args.out else {
        let mut out = io::stdout().lock();
        write_to(&mut out, OutputFormat::Csv, w.view(), names)?;
        out.flush()?;
        return Ok(());
    };
    results::write(path, "W", w.view(), names, args.quiet)
}

/// Names that differ mean columns in another order, or other columns: a result would mean nothing.
fn same_features<T: Scalar>(
    args: &TransformArgs,
    saved: &SavedModel<T>,
    table: &Table<T>,
) -> Result<(), Failure> {
    let (Some(learnt), Some(new)) = (&saved.manifest.columns, table.col_names()) else { return Ok(()) };
    if learnt.len() != new.len() {
        return Ok(());
    }
    let Some(j) = (0..new.len()).find(|&j| learnt[j] != new[j]) else { return Ok(()) };
    let (input, model): (&Path, &Path) = (&args.input, &args.model);
    Err(Failure::Run(format!(
        "{}: column {j} (counting from 0) is {:?}, but {:?} in the data that {} was fitted to: put the columns in the \
         same order",
        input.display(),
        new[j],
        learnt[j],
        model.display()
    )))
}
