//! `orthant reconstruct`: W·H as a matrix or an image.

use std::path::{Path, PathBuf};

use orthant::Error;
use orthant_io::{
    AnySavedModel, Fingerprint, Names, OutputFormat, ReadOptions, SavedModel, Scalar, Source, Table,
    read_matrix,
};

use crate::failure::in_matrix;
use crate::{Failure, inputs, results};

/// Multiply W and H: what the factors keep of the data
///
/// W is that of the fit unless --weights gives another, for instance from `orthant transform`; a W.npy beside the model
/// that is of another fit is an error. A fit of an image becomes an image again with -o NAME.png.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orthant reconstruct out -o approx.npy
  orthant fit photo.png -k 40 -o photo && orthant reconstruct photo -o approx.png")]
pub struct ReconstructArgs {
    /// Directory of a fit, or a model.safetensors
    model: PathBuf,
    /// Where to write W·H: .npy, .csv, .tsv, .json or .png (grey levels, rounded and clipped to 0..255)
    #[arg(short, long = "out", value_name = "FILE")]
    out: PathBuf,
    /// Another W [default: W.npy beside the model]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// No summary
    #[arg(short, long)]
    quiet: bool,
}

/// Runs the command.
pub fn run(args: &ReconstructArgs) -> Result<(), Failure> {
    OutputFormat::of(&args.out)?;
    let path = results::model_path(&args.model);
    let mut read = Source::files(weights(args, &path));
    read.push(path.clone());
    inputs::keep(&read, [&args.out])?;
    results::keep(&[&args.out], &path)?;
    match AnySavedModel::load(&path)? {
        AnySavedModel::F32(saved) => run_in(args, &path, &saved),
        AnySavedModel::F64(saved) => run_in(args, &path, &saved),
    }
}

/// The file of W.
fn weights(args: &ReconstructArgs, model: &Path) -> PathBuf {
    args.weights.clone().unwrap_or_else(|| model.with_file_name(results::WEIGHTS))
}

fn run_in<T: Scalar>(args: &ReconstructArgs, model: &Path, saved: &SavedModel<T>) -> Result<(), Failure> {
    let path = weights(args, model);
    let w = read_matrix::<T>(&path, &ReadOptions::default())?;
    let of_the_fit = saved.manifest.weights.as_ref().filter(|_| args.weights.is_none());
    if of_the_fit.is_some_and(|found| *found != Fingerprint::of(&w)) {
        return Err(Failure::Run(format!(
            "{}: not the weights that were found with the model in {}; if they go together all the same, say \
                 --weights {0}",
            path.display(),
            model.display()
        )));
    }
    all_non_negative(&w, &path)?;
    let v = saved.model.inverse_transform(&w).map_err(|e| match e {
        Error::ShapeMismatch { expected, found, .. } => Failure::Run(format!(
            "{}: {} columns, but the model has {} components",
            path.display(),
            found.1,
            expected.1
        )),
        e => e.into(),
    })?;
    let names = Names { rows: w.row_names(), cols: saved.manifest.columns.as_deref() };
    results::write(&args.out, "W·H", v.view(), names, args.quiet)
}

/// Refuses a W with entries that no weights can be.
fn all_non_negative<T: Scalar>(w: &Table<T>, path: &Path) -> Result<(), Failure> {
    let view = w.view();
    for row in 0..w.nrows() {
        for col in 0..w.ncols() {
            let (operand, value) = ("W", view.at(row, col).to_f64());
            let error = match value {
                _ if !value.is_finite() => Error::NonFinite { operand, row, col, value },
                _ if value < 0.0 => Error::Negative { operand, row, col, value },
                _ => continue,
            };
            let failure = in_matrix(&error, operand, |row, col| w.locate(row, col), path);
            return Err(failure.unwrap_or_else(|| error.into()));
        }
    }
    Ok(())
}
