//! The directory that a fit leaves behind.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use orthant::{Options, Report, View};
use orthant_io::{AnyTable, Fingerprint, FitSummary, Names, SavedModel, Scalar, Staged, write_matrix};

use crate::fitting::Fitted;
use crate::{Failure, inputs, print, say};

/// The file names, for whoever reads the directory.
pub const WEIGHTS: &str = "W.npy";
pub const MODEL: &str = "model.safetensors";
const COMPONENTS: &str = "H.npy";
const NAMED_WEIGHTS: &str = "W.csv";
const NAMED_COMPONENTS: &str = "H.csv";
const REPORT: &str = "report.json";
/// What `orthant topics` writes besides.
pub const TOPICS: &str = "topics.json";
pub const DOCUMENTS: &str = "documents.csv";

/// What [`Results::stage`] may write into a directory: the tables only of data with names.
const FILES: [&str; 6] = [WEIGHTS, COMPONENTS, NAMED_WEIGHTS, NAMED_COMPONENTS, REPORT, MODEL];

/// Refuses to write results, and files of the names in `more`, into `dir` where one of them would overwrite an input.
pub fn keep_inputs(inputs: &[PathBuf], dir: &Path, more: &[&str]) -> Result<(), Failure> {
    let written = more.iter().chain(&FILES).map(|name| dir.join(name));
    inputs::keep(
        inputs,
        written.chain(TABLES.map(|name| dir.join(name)).into_iter().filter(|path| is_stale(path))),
    )
}

/// Refuses to write a single file over one of the results that a model is part of: those of `model`, which is used, and
/// those of any other in the folder of the output. The rest would no longer go with it.
pub fn keep(outputs: &[impl AsRef<Path>], model: &Path) -> Result<(), Failure> {
    let names = || FILES.into_iter().chain([TOPICS, DOCUMENTS]);
    let used = model.file_name().filter(|name| *name == MODEL).map(|_| inputs::folder(model));
    for output in outputs.iter().map(AsRef::as_ref) {
        let dir = inputs::folder(output);
        let beside = output.file_name().is_some_and(|file| names().any(|name| file == name))
            && dir.join(MODEL).exists();
        let linked =
            || used.and_then(|dir| names().map(|name| dir.join(name)).find(|of| inputs::same(of, output)));
        let of = if beside { Some(output.to_owned()) } else { linked() };
        if let Some(of) = of {
            return Err(Failure::Run(format!(
                "cannot write {}: {} belongs to the results of a fit, and the others would no longer go with it; choose \
                 another --out",
                output.display(),
                of.display()
            )));
        }
    }
    Ok(())
}

/// What some results have and others do not: an earlier one may have left it beside the new W and H.
const TABLES: [&str; 4] = [NAMED_WEIGHTS, NAMED_COMPONENTS, TOPICS, DOCUMENTS];

/// Whether a file of these names is a part of an earlier result. Files of others are told from it by their first lines.
fn is_stale(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    path.with_file_name(WEIGHTS).is_file()
        && opening(path).is_ok_and(|[first, second]| is_ours(name, &first, &second))
}

/// The first two lines of a file.
fn opening(path: &Path) -> io::Result<[String; 2]> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // two lines, however many columns there are
    let mut lines = BufReader::new(File::open(path)?.take(1 << 28)).lines();
    let mut next = || lines.next().unwrap_or(Ok(String::new()));
    Ok([next()?, next()?])
}

/// Whether a file of this name begins as it does when it is written here.
fn is_ours(name: &str, first: &str, second: &str) -> bool {
    // component names, after the corner where the rows have names too
    let components = |line: &str| {
        let mut fields = line.split(',').skip_while(|field| field.is_empty());
        fields.next().is_some_and(|field| ["component_0", "topic_0"].contains(&field))
    };
    match name {
        TOPICS => first == "[" && second == "  {",
        NAMED_COMPONENTS => {
            let line = if first.starts_with(',') { second } else { first };
            !line.starts_with(',') && components(line)
        }
        _ => components(first),
    }
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
        print::now(|out| writeln!(out, "saved {what} ({m}×{n}) in {}", path.display()))?;
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
    factors: Factors<'a>,
    /// Batches that were worked on.
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<usize>,
    #[serde(flatten)]
    report: &'a Report,
}

/// The fingerprints of the factors, to tell whether the files beside the report are of the same fit.
#[derive(serde::Serialize)]
struct Factors<'a> {
    #[serde(rename = "W")]
    w: &'a Fingerprint,
    #[serde(rename = "H")]
    h: &'a Fingerprint,
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
    /// Stages the factors, with names if the data has any, the report, and the model with what is attached to it. The
    /// tables of an earlier result go.
    pub fn stage(self, staged: &mut Staged, attachments: BTreeMap<String, String>) -> Result<(), Failure> {
        let Self { input, options, table, fitted: Fitted { fit, steps }, component } = self;
        // a record names the rule that was in force
        let options = Options { stop: Some(options.stopping()), tol: None, ..options.clone() };
        let h = fit.model.components();
        for name in TABLES {
            staged.remove_if(name, is_stale);
        }
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
        let weights = Fingerprint::of_factor(&fit.w);
        let record = Record {
            orthant: env!("CARGO_PKG_VERSION"),
            file: input,
            input: &fingerprint,
            factors: Factors { w: &weights, h: &Fingerprint::of_factor(h) },
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
        saved.manifest.weights = Some(weights);
        saved.attachments = attachments;
        staged.file(MODEL, |out| saved.write_to(out))?;
        Ok(())
    }
}

/// `component_0`, `component_1`, …
pub fn component_names(component: &str, k: usize) -> Vec<String> {
    (0..k).map(|t| format!("{component}_{t}")).collect()
}
