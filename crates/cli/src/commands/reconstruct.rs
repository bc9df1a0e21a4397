//! `orthant reconstruct`: W·H as a matrix or an image.

use std::path::{Path, PathBuf};

use orthant_io::{AnySavedModel, Names, OutputFormat, SavedModel, Scalar, Source};

use crate::{Failure, inputs, results, weights};

/// Multiply W and H: what the factors keep of the data
///
/// W is that of the fit unless --weights gives another, for instance from `orthant transform`; a W.npy beside the model
/// that is of another fit is an error. In csv and tsv the rows and columns have the names of the data, which those of rows have
/// from the W.csv or W.tsv of the fit. A fit of an image becomes an image again with -o NAME.png.
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
    args.weights.clone().unwrap_or_else(|| weights::beside(model))
}

fn run_in<T: Scalar>(args: &ReconstructArgs, model: &Path, saved: &SavedModel<T>) -> Result<(), Failure> {
    let w = weights::load(&weights(args, model), model, saved, args.weights.is_some())?;
    let v = saved.model.inverse_transform(&w)?;
    let format = OutputFormat::of(&args.out)?;
    // only these have names
    let of_the_fit = args.weights.is_none() && matches!(format, OutputFormat::Csv | OutputFormat::Tsv);
    let rows =
        if of_the_fit { weights::row_names(model, saved) } else { w.row_names().map(<[String]>::to_vec) };
    let names = Names { rows: rows.as_deref(), cols: saved.manifest.columns.as_deref() };
    results::write(&args.out, format, "W·H", v.view(), names, args.quiet)
}
