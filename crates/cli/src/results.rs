//! The directory that a fit leaves behind.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use orthant::{Options, Report, View};
use orthant_io::{AnyTable, Fingerprint, FitSummary, Names, SavedModel, Scalar, Staged, write_matrix};

use crate::fitting::Fitted;
use crate::{Failure, inputs, say};

/// The file names, for whoever reads the directory.
pub const WEIGHTS: &str = "W.npy";
pub const MODEL: &str = "model.safetensors";
const COMPONENTS: &str = "H.npy";
const NAMED_WEIGHTS: &str = "W.csv";
const NAMED_COMPONENTS: &str = "H.csv";
const REPORT: &str = "report.json";

/// What [`Results::stage`] may write into a directory: the tables only of data with names.
const FILES: [&str; 6] = [WEIGHTS, COMPONENTS, NAMED_WEIGHTS, NAMED_COMPONENTS, REPORT, MODEL];

/// Refuses to write results, and files of the names in `more`, into `dir` where one of them would overwrite an input.
pub fn keep_inputs(inputs: &[PathBuf], dir: &Path, more: &[&str]) -> Result<(), Failure> {
    inputs::keep(inputs, more.iter().chain(&FILES).map(|name| dir.join(name)))
}

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
    options: &'a Options,
    /// Batches that were worked on.
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<usize>,
    #[serde(flatten)]
    report: &'a Report,
}

/// What was fitted and what came of it.
pub struct Results<'a, T: Scalar> {
    /// What the data is called.
    pub input: String,
    pub options: &'a Options,
    pub table: &'a AnyTable<T>,
    pub fitted: &'a Fitted<T>,
    /// What the components are called, with their numbers behind.
    pub component: &'a str,
}

impl<T: Scalar> Results<'_, T> {
    /// Stages the factors, with names if the data has any, the report, and the model with what is attached to it.
    pub fn stage(self, staged: &mut Staged, attachments: BTreeMap<String, String>) -> Result<(), Failure> {
        let Self { input, options, table, fitted: Fitted { fit, steps }, component } = self;
        // a record names the rule that was in force
        let options = Options { stop: Some(options.stopping()), tol: None, ..options.clone() };
        let h = fit.model.components();
        staged.npy(WEIGHTS, fit.w.view())?;
        staged.npy(COMPONENTS, h.view())?;
        let (rows, cols) = (table.row_names(), table.col_names());
        if rows.is_some() || cols.is_some() {
            let components = component_names(component, h.nrows());
            staged.csv(NAMED_WEIGHTS, fit.w.view(), Names { rows, cols: Some(&components) })?;
            staged.csv(NAMED_COMPONENTS, h.view(), Names { rows: Some(&components), cols })?;
        }
        let fingerprint = match table {
            AnyTable::Dense(table) => Fingerprint::of(table),
            AnyTable::Sparse(table) => Fingerprint::of_sparse(table),
        };
        let record = Record {
            orthant: env!("CARGO_PKG_VERSION"),
            file: input,
            input: &fingerprint,
            options: &options,
            steps: *steps,
            report: &fit.report,
        };
        staged.json(REPORT, &record)?;
        let mut saved = SavedModel::new(fit.model.clone());
        saved.manifest.options = Some(options);
        saved.manifest.input = Some(fingerprint);
        saved.manifest.columns = cols.map(<[String]>::to_vec);
        saved.manifest.report = Some(FitSummary::of(&fit.report));
        saved.attachments = attachments;
        staged.file(MODEL, |out| saved.write_to(out))?;
        Ok(())
    }
}

/// `component_0`, `component_1`, …
pub fn component_names(component: &str, k: usize) -> Vec<String> {
    (0..k).map(|t| format!("{component}_{t}")).collect()
}
