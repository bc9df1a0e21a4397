//! `orthant reconstruct`: W·H as a matrix or an image.

use std::path::{Path, PathBuf};

use orthant::Dense;
use orthant_io::{
    AnySavedModel, Names, OutputFormat, ReadOptions, SavedModel, Scalar, Source, Table, read_matrix,
    write_colour,
};

use crate::pictured::Pictured;
use crate::sheet::{GAP, GAP_GREY};
use crate::{Failure, inputs, print, results, weights};

/// Multiply W and H: what the factors keep of the data
///
/// W is that of the fit unless --weights gives another, for instance from `orthant transform`; a W.npy beside the model
/// that is of another fit is an error. In csv and tsv the rows and columns have the names of the data, which those of rows have
/// from the W.csv or W.tsv of the fit. A fit of an image becomes an image again with -o NAME.png.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orthant reconstruct out -o approx.npy
  orthant fit photo.png -k 40 -o photo && orthant reconstruct photo -o approx.png
  orthant reconstruct photo -o both.png --beside photo.png")]
pub struct ReconstructArgs {
    /// Directory of a fit, or a model.safetensors
    model: PathBuf,
    /// Where to write W·H: .npy, .csv, .tsv, .json or .png (rounded and clipped to 0..255; in colour
    /// where the fit kept it by --channels)
    #[arg(short, long = "out", value_name = "FILE")]
    out: PathBuf,
    /// Another W [default: W.npy beside the model]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Draw the picture that was fitted beside what is left of it, and print the relative error and how many numbers are saved
    #[arg(long, value_name = "FILE", conflicts_with = "weights")]
    beside: Option<PathBuf>,
    /// No summary
    #[arg(short, long)]
    quiet: bool,
}

/// Runs the command.
pub fn run(args: &ReconstructArgs) -> Result<(), Failure> {
    OutputFormat::of(&args.out)?;
    let path = results::model_path(&args.model);
    let mut read = Source::files(weights(args, &path));
    read.extend(args.beside.clone());
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
    let pictured = Pictured::in_model(saved, model)?;
    if let Some(original) = &args.beside {
        return beside(args, model, saved, pictured, original, &v);
    }
    match pictured {
        Some(Pictured { channels: 3, in_each_row: false, .. }) if format == OutputFormat::Png => {
            return draw(args, "W·H", 3, &v);
        }
        Some(Pictured { channels: 3, .. }) if format == OutputFormat::Png => {
            return Err(Failure::Usage(format!(
                "{}: its rows are pictures in colour, and W·H is no picture; write npy, csv, tsv or json",
                args.model.display()
            )));
        }
        _ => {}
    }
    // only these have names
    let of_the_fit = args.weights.is_none() && matches!(format, OutputFormat::Csv | OutputFormat::Tsv);
    let rows =
        if of_the_fit { weights::row_names(model, saved) } else { w.row_names().map(<[String]>::to_vec) };
    let names = Names { rows: rows.as_deref(), cols: saved.manifest.columns.as_deref() };
    results::write(&args.out, format, "W·H", v.view(), names, args.quiet)
}

/// Writes a picture of one channel or of three, and says so.
fn draw<T: Scalar>(args: &ReconstructArgs, what: &str, channels: usize, v: &Dense<T>) -> Result<(), Failure> {
    if channels == 1 {
        return results::write(&args.out, OutputFormat::Png, what, v.view(), Names::default(), args.quiet);
    }
    let clipped = write_colour(&args.out, v.view())?;
    results::written(&args.out, what, v.view(), clipped, args.quiet)
}

/// Draws the original beside the approximation, and prints how far they are apart.
fn beside<T: Scalar>(
    args: &ReconstructArgs,
    model: &Path,
    saved: &SavedModel<T>,
    pictured: Option<Pictured>,
    original: &Path,
    approx: &Dense<T>,
) -> Result<(), Failure> {
    if OutputFormat::of(&args.out)? != OutputFormat::Png {
        return Err(Failure::Usage("--beside draws a picture: let the name of --out end in .png".into()));
    }
    let Some(Pictured { columns, channels, .. }) = pictured.filter(|pictured| !pictured.in_each_row) else {
        return Err(Failure::Usage(format!(
            "--beside goes with the fit of a picture, and the model in {} is of other data: leave it out",
            model.display()
        )));
    };
    let options = ReadOptions { channels: channels == 3, ..ReadOptions::default() };
    let v: Table<T> = read_matrix(original, &options)?;
    let of_the_fit = saved.manifest.input.as_ref() == Some(&v.fingerprint());
    if !of_the_fit || (v.nrows(), v.ncols()) != (approx.nrows(), approx.ncols()) {
        return Err(Failure::Run(format!(
            "{}: not the picture that the model in {} was fitted to",
            original.display(),
            model.display()
        )));
    }
    let v = v.view();
    let width = 2 * columns + GAP;
    let both = Dense::from_fn(v.nrows(), channels * width, |i, j| {
        let (channel, x) = (j / width * columns, j % width);
        match x {
            _ if x < columns => v.at(i, channel + x),
            _ if x >= columns + GAP => approx[(i, channel + x - columns - GAP)],
            _ => T::from_f64(GAP_GREY),
        }
    });
    draw(args, "the picture and W·H", channels, &both)?;
    if args.quiet {
        return Ok(());
    }
    let (mut apart, mut size) = (0.0, 0.0);
    for (i, j) in (0..v.nrows()).flat_map(|i| (0..v.ncols()).map(move |j| (i, j))) {
        let (x, y) = (v.at(i, j).to_f64(), approx[(i, j)].to_f64());
        apart += (x - y) * (x - y);
        size += x * x;
    }
    let error = if size > 0.0 { (apart / size).sqrt() } else { 0.0 };
    let (all, kept) = (v.nrows() * v.ncols(), saved.model.rank() * (v.nrows() + v.ncols()));
    let share = 100.0 * kept as f64 / all as f64;
    print::now(|out| {
        writeln!(
            out,
            "relative error {error:.6}; W and H have {kept} numbers, {share:.1} % of the {all} of the picture"
        )
    })
}
