//! `orthant show`: what a saved fit found, in lines to read.

use std::path::{Path, PathBuf};

use orthant::{Dense, Loss};
use orthant_io::{
    AnySavedModel, FitSummary, Names, OutputFormat, Precision, SavedModel, Scalar, write_colour, write_matrix,
};
use serde::Serialize;

use crate::commands::topics;
use crate::pictured::Pictured;
use crate::print::count;
use crate::sheet::{self, Ink};
use crate::strongest::{self, Strong, Strongest};
use crate::{Failure, inputs, print, results, say, weights};

/// Print what a fit found, from its results: how it ended, and the features that weigh most in each component
///
/// A line for each component has its number (its row of H, from 0), its total in the units of the data, its share of all
/// totals, and the names of the features with their shares of its row of H, but for those below a thousandth of the first one's.
/// Where the columns of the data had no names, it has the total and the share alone.
///
/// Read are model.safetensors and W.npy beside it. A W.npy that is of another fit is an error unless --weights names it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orthant show out
  orthant show out --top 20
  orthant show faces --parts parts.png
  orthant show out --json | jq '.components[].features[0].name'")]
pub struct ShowArgs {
    /// Directory of a fit or of topics, or a model.safetensors
    model: PathBuf,
    /// Features to print of each component; 0 is for totals and shares alone [default: 8]
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Another W, of which the totals are [default: W.npy beside the model]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Draw the components of a folder of pictures as one picture, a png: each is as bright as its own largest entry allows
    #[arg(long, value_name = "FILE")]
    parts: Option<PathBuf>,
    /// Print one object with all of this, for programs: numbers have all their digits
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Shown<'a> {
    model: String,
    rows: usize,
    columns: usize,
    dtype: Precision,
    loss: Loss,
    /// How the fit ended, unless the weights are others than its own.
    report: Option<&'a FitSummary>,
    components: Vec<Strong<'a>>,
}

/// Runs the command.
pub fn run(args: &ShowArgs) -> Result<(), Failure> {
    let path = results::model_path(&args.model);
    match AnySavedModel::load(&path)? {
        AnySavedModel::F32(saved) => run_in(args, &path, &saved),
        AnySavedModel::F64(saved) => run_in(args, &path, &saved),
    }
}

fn run_in<T: Scalar>(args: &ShowArgs, path: &Path, saved: &SavedModel<T>) -> Result<(), Failure> {
    let columns = saved.manifest.columns.as_deref();
    if args.top.is_some_and(|top| top > 0) && columns.is_none() {
        return Err(strongest::no_names(path));
    }
    let weights = args.weights.clone().unwrap_or_else(|| weights::beside(path));
    let w = weights::load(&weights, path, saved, args.weights.is_some())?;
    // the figures of the fit are not those of another W
    let report = saved.manifest.report.as_ref().filter(|_| args.weights.is_none());
    for warning in report.iter().flat_map(|report| &report.warnings) {
        say::warning(warning);
    }
    let component = if saved.attachments.contains_key(topics::WORDS) { "topic" } else { "component" };
    if let Some(parts) = &args.parts {
        draw(parts, path, saved)?;
    }
    let strongest = Strongest { component, w: w.view(), h: saved.model.components(), columns };
    let top = args.top.unwrap_or(strongest::TOP);
    if args.json {
        let shown = Shown {
            model: args.model.display().to_string(),
            rows: w.nrows(),
            columns: saved.model.n_features(),
            dtype: T::PRECISION,
            loss: saved.manifest.loss,
            report,
            components: strongest.list(top),
        };
        let text = print::json(&shown)?;
        return print::now(|out| out.write_all(text.as_bytes()));
    }
    print::now(|out| {
        let (m, n, k) = (w.nrows(), saved.model.n_features(), w.ncols());
        let components = count(k, component, &format!("{component}s"));
        writeln!(out, "{}: {m}×{n}, {}, {components}", args.model.display(), T::PRECISION)?;
        if let Some(report) = report {
            writeln!(out, "{}", outcome(report, saved))?;
        }
        strongest.print(out, top)
    })
}

/// Draws the components, if each of them is a picture.
fn draw<T: Scalar>(parts: &Path, model: &Path, saved: &SavedModel<T>) -> Result<(), Failure> {
    let pictured = Pictured::in_model(saved, model)?.filter(|pictured| pictured.in_each_row);
    let Some(pictured) = pictured else {
        let model = model.display();
        return Err(Failure::Usage(format!(
            "--parts draws the components of a folder of pictures; the model in {model} is of other data: leave --parts out"
        )));
    };
    if OutputFormat::of(parts).ok() != Some(OutputFormat::Png) {
        return Err(Failure::Usage(format!("--parts {}: its name has to end in .png", parts.display())));
    }
    inputs::keep(&[model, &weights::beside(model)], [parts])?;
    results::keep(&[parts], model)?;
    let h = saved.model.components();
    let h = Dense::from_fn(h.nrows(), h.ncols(), |t, j| h[(t, j)].to_f64());
    let rows: Vec<&[f64]> = (0..h.nrows()).map(|t| h.row(t)).collect();
    let size = (pictured.rows, pictured.columns);
    if pictured.channels == 3 {
        write_colour(parts, sheet::parts_in_colour(&rows, size).view())?;
    } else {
        write_matrix(parts, sheet::parts(&rows, size, Ink::Light).view(), Names::default())?;
    }
    Ok(())
}

/// How the fit ended, in a line.
fn outcome<T: Scalar>(report: &FitSummary, saved: &SavedModel<T>) -> String {
    let FitSummary { stop_reason, iterations, objective, relative_error, seconds, .. } = report;
    let by_batches = saved.manifest.options.as_ref().is_some_and(|options| options.minibatch.is_some());
    let (one, many) = if by_batches { ("pass", "passes") } else { ("iteration", "iterations") };
    let done = count(*iterations, one, many);
    let loss = match saved.manifest.loss {
        Loss::Frobenius => "loss".to_owned(),
        other => format!("{other} loss"),
    };
    format!(
        "{stop_reason} after {done}, {seconds:.3} s: relative error {relative_error:.6}, {loss} {objective:.6e}"
    )
}
