//! The directory that a fit leaves behind.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use orthant::{Fit, Report, View};
use orthant_io::{
    Fingerprint, FitOptions, FitSummary, Names, SavedModel, Scalar, Staged, Table, write_matrix,
};

use crate::{Failure, say};

/// The file names, for whoever reads the directory.
pub const WEIGHTS: &str = "W.npy";
pub const MODEL: &str = "model.safetensors";

/// The model of a directory, or a model file itself.
pub fn model_path(given: &Path) -> PathBuf {
    if given.is_dir() { given.join(MODEL) } else { given.to_owned() }
}

/// Writes one matrix in the format that its name asks for, and says so unless `quiet`.
pub fn write<T: Scalar>(
    path: &Path,
    what: &str,
    view: View<'_, T>,
    names: Names<'_>,
    quiet: bool,
) -> Result<(), Failure> {
    let clipped = write_matrix(path, view, names)?;
    let (m, n) = (view.nrows(), view.ncols());
    if clipped > 0 {
        say::warning(format_args!("{clipped} of {} entries are outside 0..255 and were clipped", m * n));
    }
    if !quiet {
        writeln!(io::stdout(), "saved {what} ({m}×{n}) in {}", path.display())?;
    }
    Ok(())
}

/// `report.json`: the fit's report, with what was fitted and how.
#[derive(serde::Serialize)]
struct Record<'a> {
    orthant: &'a str,
    file: String,
    input: &'a Fingerprint,
    options: &'a FitOptions,
    /// Batches that were worked on.
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<usize>,
    #[serde(flatten)]
    report: &'a Report,
}

/// Writes everything, or nothing.
pub fn save<T: Scalar>(
    mut staged: Staged,
    input: &Path,
    options: &FitOptions,
    table: &Table<T>,
    fit: &Fit<T>,
    steps: Option<usize>,
) -> Result<(), Failure> {
    let h = fit.model.components();
    staged.npy(WEIGHTS, fit.w.view())?;
    staged.npy("H.npy", h.view())?;
    let (rows, cols) = (table.row_names(), table.col_names());
    if rows.is_some() || cols.is_some() {
        let components: Vec<String> = (0..h.nrows()).map(|t| format!("component_{t}")).collect();
        staged.csv("W.csv", fit.w.view(), Names { rows, cols: Some(&components) })?;
        staged.csv("H.csv", h.view(), Names { rows: Some(&components), cols })?;
    }
    let fingerprint = Fingerprint::of(table);
    let record = Record {
        orthant: env!("CARGO_PKG_VERSION"),
        file: input.display().to_string(),
        input: &fingerprint,
        options,
        steps,
        report: &fit.report,
    };
    staged.json("report.json", &record)?;
    let mut saved = SavedModel::new(fit.model.clone());
    saved.manifest.options = Some(options.clone());
    saved.manifest.input = Some(fingerprint);
    saved.manifest.columns = cols.map(<[String]>::to_vec);
    saved.manifest.report = Some(FitSummary::of(&fit.report));
    staged.file(MODEL, |out| saved.write_to(out))?;
    staged.commit()?;
    Ok(())
}
