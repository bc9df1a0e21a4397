//! The directory that a fit leaves behind.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use orthant::{Options, Report, View};
use orthant_io::{
    AnyTable, Fingerprint, FitSummary, Names, OutputFormat, SavedModel, Scalar, Staged, write_matrix_as,
    write_to,
};

use crate::factor_format::FormatArgs;
use crate::fitting::Fitted;
use crate::{Failure, inputs, print, say};

/// The file names, for whoever reads the directory. W and H come in several formats.
pub const WEIGHTS: [&str; 3] = ["W.npy", "W.csv", "W.tsv"];
const COMPONENTS: [&str; 3] = ["H.npy", "H.csv", "H.tsv"];
pub const MODEL: &str = "model.safetensors";
const REPORT: &str = "report.json";
/// What `--report` writes.
pub const PAGE: &str = "report.html";
/// What `orthant topics` writes besides.
pub const TOPICS: &str = "topics.json";
pub const DOCUMENTS: &str = "documents.csv";

/// Refuses to write results, and files of the names in `more`, into `dir` where one of them would overwrite an input, or take
/// one away.
pub fn keep_inputs(
    inputs: &[PathBuf],
    dir: &Path,
    formats: &FormatArgs,
    more: &[&str],
) -> Result<(), Failure> {
    let asked = formats.of(true);
    let factors = asked.iter().flat_map(|format| ["W", "H"].map(|factor| factor_file(factor, *format)));
    let factors: Vec<PathBuf> = factors.map(|name| dir.join(name)).collect();
    let more = more.iter().map(|name| dir.join(name));
    let written = factors.into_iter().chain([REPORT, MODEL].map(|name| dir.join(name)));
    let gone = earlier().map(|name| dir.join(name)).filter(|path| is_stale(path));
    inputs::keep(inputs, more.chain(written).chain(gone))
}

/// The name of the file of a factor.
pub fn factor_file(factor: &str, format: OutputFormat) -> String {
    format!("{factor}.{}", format.ending())
}

/// Refuses to write a single file over one of the results that a model is part of: those of `model`, which is used, and
/// those of any other in the folder of the output. The rest would no longer go with it.
pub fn keep(outputs: &[impl AsRef<Path>], model: &Path) -> Result<(), Failure> {
    let names = || earlier().chain([REPORT, MODEL]);
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
fn earlier() -> impl Iterator<Item = &'static str> {
    WEIGHTS.into_iter().chain(COMPONENTS).chain([TOPICS, DOCUMENTS, PAGE])
}

/// Whether a file of these names is a part of an earlier result. There is another part of it beside, and tables of others are
/// told from it by their first lines.
fn is_stale(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let beside = |other: &str| other != name && path.with_file_name(other).is_file();
    let Some(ending) = path.extension().filter(|_| path.is_file()) else { return false };
    if ending == "npy" {
        return beside(MODEL) || name == WEIGHTS[0] && is_stale(&path.with_file_name(DOCUMENTS));
    }
    WEIGHTS.into_iter().chain([MODEL]).any(beside)
        && opening(path).is_ok_and(|[first, second]| is_ours(name, &first, &second))
}

/// The first two lines of a file.
pub fn opening(path: &Path) -> io::Result<[String; 2]> {
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
    match name {
        TOPICS => first == "[" && second == "  {",
        PAGE => orthant_report::Report::is_of_fit(&format!("{first}\n{second}")),
        _ if COMPONENTS.contains(&name) => {
            let line = if first.starts_with([',', '\t']) { second } else { first };
            !line.starts_with([',', '\t']) && names_components(line)
        }
        _ => names_components(first),
    }
}

/// Whether a line of a table begins with the name of a component, after the corner where the rows have names too.
pub fn names_components(line: &str) -> bool {
    let mut fields = line.split([',', '\t']).skip_while(|field| field.is_empty());
    fields.next().is_some_and(|field| ["component_0", "topic_0"].contains(&field))
}

/// The model of a directory, or a model file itself.
pub fn model_path(given: &Path) -> PathBuf {
    if given.is_dir() { given.join(MODEL) } else { given.to_owned() }
}

/// Writes one matrix, and says so unless `quiet`.
pub fn write<T: Scalar>(
    path: &Path,
    format: OutputFormat,
    what: &str,
    view: View<'_, T>,
    names: Names<'_>,
    quiet: bool,
) -> Result<(), Failure> {
    let clipped = write_matrix_as(path, format, view, names)?;
    written(path, what, view, clipped, quiet)
}

/// Says that a matrix was written, unless `quiet`, and that entries of it were clipped.
pub fn written<T: Scalar>(
    path: &Path,
    what: &str,
    view: View<'_, T>,
    clipped: usize,
    quiet: bool,
) -> Result<(), Failure> {
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
    file: &'a str,
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
    pub file: String,
    pub options: &'a Options,
    pub table: &'a AnyTable<T>,
    pub fitted: &'a Fitted<T>,
    /// What the components are called, with their numbers behind.
    pub component: &'a str,
    /// Those of W and H.
    pub formats: &'a [OutputFormat],
    /// That of the data, once it was asked for.
    pub fingerprint: OnceCell<Fingerprint>,
}

impl<T: Scalar> Results<'_, T> {
    /// The text of `report.json`.
    pub fn report(&self) -> Result<String, Failure> {
        self.record(&self.input()?, &Fingerprint::of(&self.fitted.fit.w)?)
    }

    /// Stages the factors, with names where the format and the data have them, the report, and the model with what is attached
    /// to it. The tables of an earlier result go. Returns the text of `report.json`.
    pub fn stage(
        &self,
        staged: &mut Staged,
        attachments: BTreeMap<String, String>,
    ) -> Result<String, Failure> {
        let Self { table, fitted: Fitted { fit, .. }, component, formats, .. } = self;
        let h = fit.model.components();
        for name in earlier() {
            staged.remove_if(name, is_stale);
        }
        let (rows, cols) = (table.row_names(), table.col_names());
        let components = component_names(component, h.nrows());
        // by which a table is known for one of a fit, too
        let components = Some(&components[..]);
        for &format in *formats {
            let (of_w, of_h) = (Names { rows, cols: components }, Names { rows: components, cols });
            staged
                .file(&factor_file("W", format), |out| write_to(out, format, fit.w.view(), of_w).map(drop))?;
            staged.file(&factor_file("H", format), |out| write_to(out, format, h.view(), of_h).map(drop))?;
        }
        let (input, weights) = (self.input()?, Fingerprint::of(&fit.w)?);
        let report = self.record(&input, &weights)?;
        staged.file(REPORT, |out| out.write_all(report.as_bytes()))?;
        let mut saved = SavedModel::new(fit.model.clone());
        saved.manifest.options = Some(self.options());
        saved.manifest.input = Some(input);
        saved.manifest.columns = cols.map(<[String]>::to_vec);
        saved.manifest.report = Some(FitSummary::of(&fit.report));
        saved.manifest.weights = Some(weights);
        saved.attachments = attachments;
        staged.file(MODEL, |out| saved.write_to(out))?;
        Ok(report)
    }

    /// A record names the rule that was in force.
    fn options(&self) -> Options {
        Options { stop: Some(self.options.stopping()), tol: None, ..self.options.clone() }
    }

    /// The fingerprint of the data, which is read for it once.
    ///
    /// # Errors
    /// Those of reading data that is not in memory.
    pub fn input(&self) -> Result<Fingerprint, Failure> {
        if let Some(known) = self.fingerprint.get() {
            return Ok(known.clone());
        }
        let found = match self.table {
            AnyTable::Dense(table) => table.fingerprint(),
            AnyTable::Sparse(table) => table.fingerprint(),
            AnyTable::OutOfCore(file) => file.fingerprint()?,
        };
        Ok(self.fingerprint.get_or_init(|| found).clone())
    }

    fn record(&self, input: &Fingerprint, weights: &Fingerprint) -> Result<String, Failure> {
        let Fitted { fit, steps } = self.fitted;
        let record = Record {
            orthant: env!("CARGO_PKG_VERSION"),
            file: &self.file,
            input,
            factors: Factors { w: weights, h: &Fingerprint::of(fit.model.components())? },
            options: &self.options(),
            steps: *steps,
            report: &fit.report,
        };
        print::json(&record)
    }
}

/// `component_0`, `component_1`, …
pub fn component_names(component: &str, k: usize) -> Vec<String> {
    (0..k).map(|t| format!("{component}_{t}")).collect()
}
