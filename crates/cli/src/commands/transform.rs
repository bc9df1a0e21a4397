//! `orthant transform`: weights of new samples under a fitted model.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use orthant::{Dense, MiniBatchNmf, Missing, Nmf, Options, Transform};
use orthant_io::{AnySavedModel, AnyTable, Names, Order, OutputFormat, SavedModel, Scalar, Source, write_to};

use crate::args::{ReadArgs, at_least_one, at_least_zero, bytes};
use crate::factor_format::of_matrix;
use crate::failure::in_data;
use crate::{Failure, components, inputs, out_of_core, print, results, say};

/// Find the weights W of new samples, with the components as they were learnt
///
/// INPUT is any file that `orthant fit` reads, with the same columns as the data of the fit, and any number of rows; a
/// row's weights do not depend on the other rows. The loss and the penalty on W of the fit apply here too.
///
/// MODEL can also be a matrix with a component in each row, such as an H.npy or H.csv: the loss is then the Frobenius loss,
/// without penalties. Where the columns of both files have names, those of the data must be the same and in the same order;
/// --match-names takes them by name.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orthant transform out new.csv                  print the weights as csv
  orthant transform out new.csv -o W_new.npy
  orthant transform out new.csv --format json    print them as rows of numbers
  orthant transform out new.csv --compatible     what scikit-learn's transform gives
  orthant transform H.csv new.csv --match-names  components of any origin, columns in any order")]
pub struct TransformArgs {
    /// Directory of a fit, a model.safetensors, or a matrix of components
    model: PathBuf,
    /// The new data; - is standard input
    input: PathBuf,
    /// Where to write W: .npy, .csv, .tsv or .json [default: csv to standard output]
    #[arg(short, long = "out", value_name = "FILE")]
    out: Option<PathBuf>,
    /// The format, whatever the name of the file [default: as its name ends; csv to standard output]
    #[arg(long, value_name = "npy|csv|tsv|json", value_parser = of_matrix)]
    format: Option<OutputFormat>,
    /// A row is done when the steps that remain are at most this share of its norm [default: 1e-8]
    #[arg(long, value_name = "T", value_parser = at_least_zero, allow_negative_numbers = true)]
    tol: Option<f64>,
    /// Sweeps that a row may take before it is solved by pivoting (Frobenius loss only) [default: 200]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    max_sweeps: Option<usize>,
    /// scikit-learn's transform, number for number: all rows together, by the method, the tolerance and the iteration
    /// limit of the fit, which must be by cd, mu or mini-batches
    #[arg(long, conflicts_with_all = ["tol", "max_sweeps", "memory_limit"])]
    compatible: bool,
    /// Take the columns of the data by their names, in any order, and leave others out; one that is not there is an error
    #[arg(long)]
    match_names: bool,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    threads: Option<usize>,
    /// The most memory to take besides the data, such as 500MB or 2GiB; data of an npy file that is more than that is not loaded,
    /// but read where it is needed [default: no limit; data that memory has no room for is not loaded]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    memory_limit: Option<usize>,
    /// No summary
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    read: ReadArgs,
}

/// Runs the command.
pub fn run(args: &TransformArgs) -> Result<(), Failure> {
    let model = results::model_path(&args.model);
    format(args)?;
    if let Some(out) = &args.out {
        let mut read = Source::files(&args.input);
        read.push(model.clone());
        inputs::keep(&read, [out])?;
        results::keep(&[out], &model)?;
    }
    match components::load(&model)? {
        AnySavedModel::F32(saved) => run_in(args, &saved),
        AnySavedModel::F64(saved) => run_in(args, &saved),
    }
}

fn run_in<T: Scalar>(args: &TransformArgs, saved: &SavedModel<T>) -> Result<(), Failure> {
    let compatible = args.compatible.then(|| compatible_options(args, saved)).transpose()?;
    let missing = args
        .read
        .missing()
        .unwrap_or_else(|| saved.manifest.options.as_ref().map_or(Missing::None, |o| o.missing));
    let source = args.read.open_with(&args.input, missing)?;
    let room = out_of_core::room::<T>(args.memory_limit, &source, saved.model.rank());
    let needed = args.match_names || missing != Missing::None || saved.model.column_weights().is_some();
    let table: AnyTable<T> =
        out_of_core::read(&args.read, &args.input, source, room, |order| needed || order == Order::ColMajor)?;
    let table = match (args.match_names, &saved.manifest.columns) {
        (true, Some(learnt)) => by_name(args, learnt, table)?,
        (true, None) => {
            let model = args.model.display();
            return Err(Failure::Run(format!(
                "{model}: its columns have no names that --match-names could go by"
            )));
        }
        (false, _) => table,
    };
    same_features(args, saved, &table)?;
    let (found, expected) = (table.ncols(), saved.model.n_features());
    if found != expected {
        let instead = match (table.nrows() == expected, args.read.transposes()) {
            (false, _) => "",
            (true, false) => "; it has as many rows: --transpose takes these for columns",
            (true, true) => "; it has as many without --transpose",
        };
        return Err(Failure::Run(format!(
            "{}: {found} columns, but the model in {} was fitted to {expected}{instead}",
            args.input.display(),
            args.model.display()
        )));
    }
    let w = match compatible {
        Some(options) => as_scikit_learn(args, &Options { missing, ..options.clone() }, saved, &table)?,
        None => row_by_row(args, missing, saved, &table)?,
    };
    let components = results::component_names("component", w.ncols());
    let cols = table.row_names().is_some() || table.col_names().is_some();
    let names = Names { rows: table.row_names(), cols: cols.then_some(&components) };
    let format = format(args)?;
    let Some(path) = &args.out else {
        return print::now(|out| write_to(out, format, w.view(), names).map(drop));
    };
    results::write(path, format, "W", w.view(), names, args.quiet)
}

/// The format of W.
fn format(args: &TransformArgs) -> Result<OutputFormat, Failure> {
    Ok(match (args.format, &args.out) {
        (Some(format), _) => format,
        (None, Some(path)) => OutputFormat::of(path)?,
        (None, None) => OutputFormat::Csv,
    })
}

/// By the library's own solver.
fn row_by_row<T: Scalar>(
    args: &TransformArgs,
    missing: Missing,
    saved: &SavedModel<T>,
    table: &AnyTable<T>,
) -> Result<Dense<T>, Failure> {
    let defaults = Transform::default();
    let transform = Transform {
        tol: args.tol.unwrap_or(defaults.tol),
        max_sweeps: args.max_sweeps.unwrap_or(defaults.max_sweeps),
        missing,
        threads: args.threads,
        memory_limit: args.memory_limit,
        cancel: None,
    };
    let (w, report) = saved
        .model
        .transform_with(table, &transform)
        .map_err(|e| in_data(e, table, &args.input.display().to_string()))?;
    if report.unconverged_rows > 0 {
        say::warning(format_args!(
            "{} of {} rows could not be brought to the tolerance: the steps that remain are up to {:.0e} of their size",
            report.unconverged_rows,
            w.nrows(),
            report.kkt_residual
        ));
    }
    Ok(w)
}

/// The options of the fit, if scikit-learn has its method.
fn compatible_options<'a, T>(args: &TransformArgs, saved: &'a SavedModel<T>) -> Result<&'a Options, Failure> {
    let why = match &saved.manifest.options {
        Some(options) if options.minibatch.is_some() || options.method.is_compatible() => return Ok(options),
        Some(options) => format!("was fitted by {}", options.method),
        None => "does not say how it was fitted".to_owned(),
    };
    Err(Failure::Usage(format!(
        "--compatible goes with models fitted by --solver cd, --solver mu or --minibatch; the model in {} {why}: leave \
         --compatible out",
        args.model.display()
    )))
}

/// As scikit-learn would with the options of the fit.
fn as_scikit_learn<T: Scalar>(
    args: &TransformArgs,
    options: &Options,
    saved: &SavedModel<T>,
    table: &AnyTable<T>,
) -> Result<Dense<T>, Failure> {
    let h = saved.model.components();
    // H is given, and W starts from a constant
    let options = Options {
        init: None,
        scale: None,
        threads: args.threads,
        max_time: None,
        memory_limit: args.memory_limit,
        ..options.clone()
    };
    let w = if options.minibatch.is_some() {
        MiniBatchNmf::from_options(options).transform(table, h)
    } else {
        Nmf::from_options(options).fit_weights(table, h).map(|fit| {
            for warning in &fit.report.warnings {
                say::warning(warning);
            }
            fit.w
        })
    };
    w.map_err(|e| in_data(e, table, &args.input.display().to_string()))
}

/// Names that differ mean columns in another order, or other columns: a result would mean nothing.
fn same_features<T: Scalar>(
    args: &TransformArgs,
    saved: &SavedModel<T>,
    table: &AnyTable<T>,
) -> Result<(), Failure> {
    let (Some(learnt), Some(new)) = (&saved.manifest.columns, table.col_names()) else { return Ok(()) };
    if learnt.len() != new.len() {
        return Ok(());
    }
    let Some(j) = (0..new.len()).find(|&j| learnt[j] != new[j]) else { return Ok(()) };
    let (input, model): (&Path, &Path) = (&args.input, &args.model);
    Err(Failure::Run(format!(
        "{}: column {j} (counting from 0) is {:?}, but {:?} in the data that {} was fitted to: put the columns in the \
         same order, or say --match-names",
        input.display(),
        new[j],
        learnt[j],
        model.display()
    )))
}

/// The columns that the model was fitted to, in its order.
fn by_name<T: Scalar>(
    args: &TransformArgs,
    learnt: &[String],
    table: AnyTable<T>,
) -> Result<AnyTable<T>, Failure> {
    let wrong = |what: String| Failure::Run(format!("{}: {what}", args.input.display()));
    let Some(new) = table.col_names() else {
        return Err(wrong("its columns have no names that --match-names could go by".to_owned()));
    };
    let wanted: HashSet<&str> = learnt.iter().map(String::as_str).collect();
    if wanted.len() < learnt.len() {
        let model = args.model.display();
        return Err(Failure::Run(format!(
            "{model}: several of its columns have one name, and --match-names cannot tell them apart"
        )));
    }
    let mut at: HashMap<&str, usize> = HashMap::new();
    for (j, name) in new.iter().enumerate() {
        if wanted.contains(name.as_str()) && at.insert(name, j).is_some() {
            return Err(wrong(format!(
                "several columns are called {name:?}, and --match-names cannot tell them apart"
            )));
        }
    }
    let absent: Vec<&String> = learnt.iter().filter(|name| !at.contains_key(name.as_str())).collect();
    if let Some(first) = absent.first() {
        return Err(wrong(format!(
            "{} of the {} columns that {} was fitted to are not in it; the first is {first:?}",
            absent.len(),
            learnt.len(),
            args.model.display()
        )));
    }
    let columns: Vec<usize> = learnt.iter().map(|name| at[name.as_str()]).collect();
    if columns.len() < new.len() {
        let (left, input) = (new.len() - columns.len(), args.input.display());
        say::warning(format_args!(
            "{input}: {left} of its {} columns are unknown to the model and left out",
            new.len()
        ));
    }
    Ok(table.select_columns(&columns)?)
}
