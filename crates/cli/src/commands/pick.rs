//! `orthant pick`: the components of a study that came back, as the results of a fit.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Parser;
use orthant::View;
use orthant_io::{AnyTable, Format, Precision, Scalar, Source, Staged};
use orthant_study::{Consensus, Density, Ranks, Recipe};
use serde_json::Value;

use crate::args::{Cli, Command};
use crate::commands::programs::{self, ProgramsArgs};
use crate::commands::signatures;
use crate::commands::study::{StableArgs, StudyArgs, failure};
use crate::factor_format::FormatArgs;
use crate::fitting::Fitted;
use crate::interrupt::Interrupt;
use crate::pictured::{PICTURED, Pictured};
use crate::print::{self, Beside, count, figure};
use crate::results::{self, Results, component_names};
use crate::strongest::{self, Strongest};
use crate::{Failure, say};

const SPREAD: &str = "spread.npz";
const COMPONENTS: &str = "components.csv";
const LABELS: &str = "labels.csv";
const DENSITY: &str = "density.csv";
/// What is written beside the results of a fit.
pub const FILES: [&str; 4] = [SPREAD, COMPONENTS, LABELS, DENSITY];

/// Write the components of a study that came back in its fits
///
/// The components of all fits of K components are matched one to one, those that are like few others are left out (--density), and
/// of each cluster the median is taken. W is then found of all the data, with these components as they are.
///
/// Written to OUT are the results of a fit (W, H, report.json, model.safetensors), for `orthant show`, `transform` and
/// `reconstruct`, and spread.npz (quartiles and standard errors of each entry of H over the fits, at sum 1), components.csv
/// (silhouette, support, size and strongest features of each component), labels.csv (the component that gives most to each
/// sample) and density.csv (which components of which fits were left out).
///
/// The data is read again, as the study read it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orthant pick study                     the recommended number of components, in study/k07 or the like
  orthant pick study -k 7 -o seven
  orthant pick study -k 7 --density 0.1  without components further than this from their neighbours, as cNMF
  orthant show study/k07")]
pub struct PickArgs {
    /// The folder of the study
    study: PathBuf,
    /// Number of components [default: the recommended one]
    #[arg(short = 'k', long = "components", value_name = "K", value_parser = crate::args::at_least_one)]
    #[arg(allow_negative_numbers = true)]
    rank: Option<usize>,
    /// Directory for the results, made if need be [default: k and the number, in the study]
    #[arg(short, long = "out", value_name = "OUT")]
    out: Option<PathBuf>,
    /// Leave components out whose mean distance to their nearest like ones is not below this, at most 2: auto finds it, off keeps
    /// all
    #[arg(long, value_name = "auto|off|X", default_value = "auto", allow_negative_numbers = true)]
    density: Density,
    /// The data, if it has been moved since the study
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    #[command(flatten)]
    formats: FormatArgs,
    /// Features to print of each component [default: 8, and 0 where the columns have no names]
    #[arg(long, value_name = "N", conflicts_with = "quiet")]
    top: Option<usize>,
    /// No summary
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    stable: StableArgs,
}

/// Runs the command.
pub fn run(args: &PickArgs) -> Result<(), Failure> {
    let interrupt = Interrupt::listen()?;
    match orthant_study::precision(&args.study)? {
        Precision::Float32 => run_in::<f32>(args, &interrupt),
        Precision::Float64 => run_in::<f64>(args, &interrupt),
    }
}

fn run_in<T: Scalar>(args: &PickArgs, interrupt: &Interrupt) -> Result<(), Failure> {
    let ranks: Ranks<T> = Ranks::open(&args.study, args.stable.thresholds())?;
    let rank = args.rank.or(ranks.recommendation().rank).ok_or_else(|| {
        Failure::Run(format!(
            "{}: nothing is recommended ({}): say -k K",
            args.study.display(),
            ranks.recommendation().reason
        ))
    })?;
    let Studied { args: studied, programs, folder } = studied(&ranks, args)?;
    let out = args.out.clone().unwrap_or_else(|| args.study.join(format!("k{rank:02}")));
    let inputs: Vec<PathBuf> =
        std::iter::once(&studied.input).chain(studied.weights.path()).flat_map(Source::files).collect();
    let more = if programs.is_some() { &programs::FILES[..] } else { &[] };
    results::keep_inputs(&inputs, &out, &args.formats, &[&FILES[..], more].concat())?;
    let source = studied.read.open(&studied.input)?;
    let format = source.format();
    let mut begun = None;
    let table: AnyTable<T>;
    let mut ranks = ranks;
    match &programs {
        Some(args) => {
            let origin = ranks.origin().unwrap_or(&Value::Null);
            let read = programs::Begun::read(args, source, origin, &folder)?;
            (begun, table) = (Some(read.0), read.1);
            ranks = ranks.recipe(Recipe::Cnmf);
        }
        None => table = studied.read.read(&studied.input, source)?,
    }
    let weights = studied.weights.read::<T>(&studied.read)?;
    if args.top.is_some_and(|top| top > 0) && table.col_names().is_none() {
        return Err(strongest::no_names(&studied.input));
    }
    let input = studied.input.display().to_string();
    let found = ranks
        .consensus_with(&table, rank, args.density, weights.as_ref(), interrupt.cancel())
        .map_err(|e| failure(e, &table, &input))?;
    for remark in &found.remarks {
        say::warning(remark);
    }
    Picked { found: &found, table: &table, args: &studied, format, formats: &args.formats }.save(
        &out,
        |staged| match &begun {
            Some(begun) => begun.stage(staged, &found, interrupt),
            None => Ok(()),
        },
    )?;
    let mut beside = Beside::results(true);
    if !args.quiet {
        let columns = table.col_names();
        let top = args.top.unwrap_or(if columns.is_some() { strongest::TOP } else { 0 });
        beside.print(|out| {
            summary(out, &found, ranks.table().iter().find(|row| row.k == rank).map_or(0, |row| row.fits))
        })?;
        let (w, h) = (found.fit.w.view(), found.fit.model.components());
        beside.print(|out| Strongest { component: "component", w, h, columns }.print(out, top))?;
        let dir = out.display();
        beside.print(|out| {
            let more: String = more.iter().map(|name| format!(", {name}")).collect();
            writeln!(out, "saved in {dir}: W, H, report.json, model.safetensors, {SPREAD}, {COMPONENTS}, {LABELS}, {DENSITY}{more}")
        })?;
    }
    beside.end()
}

/// A consensus of a study with these arguments, to be written.
pub struct Picked<'a, T: Scalar> {
    pub found: &'a Consensus<T>,
    pub table: &'a AnyTable<T>,
    pub args: &'a StudyArgs,
    /// Of the file of the table.
    pub format: Format,
    pub formats: &'a FormatArgs,
}

impl<T: Scalar> Picked<'_, T> {
    /// Writes the results of a fit, what is known of the components, and what `more` stages: all or nothing.
    pub fn save(
        &self,
        out: &Path,
        more: impl FnOnce(&mut Staged) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let Self { found, table, args, .. } = *self;
        let fitted = Fitted { fit: found.fit.clone(), steps: None };
        let results = Results {
            file: args.input.display().to_string(),
            options: &found.options,
            table,
            fitted: &fitted,
            component: "component",
            formats: &self.formats.of(table.col_names().is_some() || table.row_names().is_some()),
            fingerprint: OnceCell::new(),
        };
        let pictured = Pictured::of(self.format, &args.read, &args.input, table)?;
        let pictured = pictured.map(|pictured| Ok((PICTURED.to_owned(), print::json(&pictured)?)));
        let attachments: BTreeMap<_, _> = pictured.into_iter().collect::<Result<_, Failure>>()?;
        let mut staged = Staged::in_dir(out)?;
        results.stage(&mut staged, attachments)?;
        stage(&mut staged, found, table)?;
        more(&mut staged)?;
        staged.commit()?;
        Ok(())
    }
}

/// What a study was begun with.
struct Studied {
    /// With the data where it is now.
    args: StudyArgs,
    /// Those of programs.
    programs: Option<Box<ProgramsArgs>>,
    /// Where it was begun.
    folder: PathBuf,
}

impl Studied {
    fn of(args: StudyArgs) -> Self {
        Self { args, programs: None, folder: PathBuf::from(".") }
    }
}

/// The arguments that the study was begun with.
fn studied<T: Scalar>(ranks: &Ranks<T>, args: &PickArgs) -> Result<Studied, Failure> {
    let study = args.study.display();
    let origin = ranks.origin().unwrap_or(&Value::Null);
    let words = origin["arguments"].as_array().and_then(|words| {
        let words = words.iter().map(Value::as_str).collect::<Option<Vec<&str>>>()?;
        parsed(words.into_iter().map(OsString::from), origin)
    });
    let Some(mut found) = words else {
        // of a study that Python or Rust began
        let Some(data) = &args.data else {
            return Err(Failure::Run(format!(
                "{study}: it does not say where its data is; name it by --data FILE"
            )));
        };
        if ranks.is_weighted() {
            return Err(Failure::Run(format!(
                "{study}: its entries are weighted, and it does not say by which file; in Python, Study.consensus takes the weights"
            )));
        }
        let words = ["study", "--missing", ranks.options().missing.name(), "--"].map(OsString::from);
        return parsed(words.into_iter().chain([data.clone().into_os_string()]), origin)
            .ok_or_else(|| Failure::Run(format!("{}: no name of a file", data.display())));
    };
    let folder = Path::new(origin["folder"].as_str().unwrap_or("."));
    folder.clone_into(&mut found.folder);
    let of = &mut found.args;
    of.weights = of.weights.seen_from(folder);
    match &args.data {
        Some(data) => of.input.clone_from(data),
        None if of.input == Path::new("-") => {
            return Err(Failure::Run(format!(
                "{study}: its data came from standard input; name it by --data FILE"
            )));
        }
        None => {
            of.input = folder.join(&of.input);
            if !of.input.exists() {
                let input = of.input.display();
                return Err(Failure::Run(format!(
                    "{study}: its data, {input}, is not there; name it by --data FILE"
                )));
            }
        }
    }
    Ok(found)
}

/// The arguments of `orthant study`, if they are such or those of another command that makes a study.
fn parsed(words: impl Iterator<Item = OsString>, origin: &Value) -> Option<Studied> {
    match Cli::try_parse_from(std::iter::once("orthant".into()).chain(words)).ok()?.command {
        Command::Study(found) => Some(Studied::of(*found)),
        Command::Signatures(found) => Some(Studied::of(signatures::begun(*found, origin))),
        Command::Programs(found) => {
            Some(Studied { programs: Some(found.clone()), ..Studied::of(programs::begun(&found, origin)) })
        }
        _ => None,
    }
}

/// How it ended, in a few lines.
fn summary<T: Scalar>(out: &mut dyn Write, found: &Consensus<T>, fits: usize) -> io::Result<()> {
    let kept = found.members.iter().filter(|member| member.component.is_some()).count();
    let threshold = found.threshold.map_or(String::new(), |x| format!(" within a density of {}", figure(x)));
    let components = count(found.components.len(), "component", "components");
    writeln!(
        out,
        "{components} from {}: {kept} of {}{threshold}",
        count(fits, "fit", "fits"),
        found.members.len()
    )?;
    let report = &found.fit.report;
    writeln!(
        out,
        "relative error {:.6}, loss {:.6e}: {} % above the best fit",
        report.relative_error,
        report.loss,
        figure(100.0 * found.gap.max(0.0))
    )?;
    for (t, component) in found.components.iter().enumerate() {
        writeln!(
            out,
            "component {t}: silhouette {:.3}, in {:.0} % of the fits",
            component.silhouette,
            100.0 * component.support
        )?;
    }
    Ok(())
}

/// Stages what goes beside the results of a fit.
fn stage<T: Scalar>(staged: &mut Staged, found: &Consensus<T>, table: &AnyTable<T>) -> Result<(), Failure> {
    let n = table.ncols();
    let flat = |of: fn(&orthant_study::Spread) -> &Vec<f64>| -> Vec<f64> {
        found.spread.iter().flat_map(|spread| of(spread).iter().copied()).collect()
    };
    let arrays = [
        ("q25", flat(|spread| &spread.q25)),
        ("q50", flat(|spread| &spread.q50)),
        ("q75", flat(|spread| &spread.q75)),
        ("sem", flat(|spread| &spread.sem)),
    ];
    let views: Vec<(&str, View<'_, f64>)> = arrays
        .iter()
        .map(|(name, data)| (*name, View::row_major(data, found.spread.len(), n).expect("a row a component")))
        .collect();
    staged.arrays(SPREAD, &views)?;
    let names = component_names("component", found.components.len());
    let h = found.fit.model.components();
    let strongest =
        Strongest { component: "component", w: found.fit.w.view(), h, columns: table.col_names() };
    let features: Vec<String> =
        strongest.list(strongest::TOP).iter().map(|strong| strong.names().join("; ")).collect();
    let lines = found.components.iter().zip(&names).zip(&features).map(|((component, name), features)| {
        let numbers = [
            component.silhouette,
            component.support,
            component.members as f64,
            component.total,
            component.share,
        ];
        let numbers = numbers.map(|x| x.to_string());
        std::iter::once(name.clone()).chain(numbers).chain([features.clone()]).collect()
    });
    let head = ["component", "silhouette", "support", "members", "total", "share", "features"];
    csv_file(staged, COMPONENTS, &head, lines)?;
    let row_name = |i: usize| table.row_names().map_or_else(|| i.to_string(), |names| names[i].clone());
    let of = |component: Option<usize>| component.map_or(String::new(), |t| names[t].clone());
    let lines = found.labels.iter().enumerate().map(|(i, &label)| vec![row_name(i), of(label)]);
    csv_file(staged, LABELS, &["sample", "component"], lines)?;
    let lines = found.members.iter().map(|member| {
        vec![
            member.replicate.to_string(),
            member.row.to_string(),
            of(member.component),
            member.density.to_string(),
        ]
    });
    csv_file(staged, DENSITY, &["replicate", "row", "component", "density"], lines)
}

/// Stages a table with these names of columns.
fn csv_file(
    staged: &mut Staged,
    name: &str,
    head: &[&str],
    lines: impl Iterator<Item = Vec<String>>,
) -> Result<(), Failure> {
    staged.file(name, |out| {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(head)?;
        for line in lines {
            csv.write_record(line)?;
        }
        csv.flush()
    })?;
    Ok(())
}
