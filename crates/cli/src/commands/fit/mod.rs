//! `orthant fit`: a matrix in, W, H, a report and a model out.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use orthant::{Dense, Error, Init, Nmf, StopReason};
use orthant_io::{
    Annotation, AnyTable, Order, OutputFormat, Parameter, Precision, ReadOptions, Scalar, Source, Staged,
    Table, check_annotatable, read_matrix,
};

use crate::checkpoint::Kept;
use crate::failure::{in_data, in_matrix};
use crate::fitting::{Besides, Fitted, Fitting};
use crate::interrupt::Interrupt;
use crate::pictured::{PICTURED, Pictured};
use crate::print::{self, Beside};
use crate::ranks::Ranks;
use crate::results::{self, PAGE, Results, factor_file};
use crate::strongest::{self, Strongest};
use crate::{Failure, numpy_text, out_of_core, repeat, report, say};

use args::Job;
pub use args::{FitArgs, HowArgs};

mod args;

/// Runs the command.
pub fn run(args: &FitArgs, ranks: &Ranks) -> Result<(), Failure> {
    let job = args.job()?;
    let interrupt = Interrupt::listen()?;
    let source = job.read.open(&job.input)?;
    match job.precision.unwrap_or(source.precision()) {
        Precision::Float32 => run_in::<f32>(&job, source, &interrupt, ranks),
        Precision::Float64 => run_in::<f64>(&job, source, &interrupt, ranks),
    }
}

fn run_in<T: Scalar>(
    job: &Job,
    source: Source<'_>,
    interrupt: &Interrupt,
    ranks: &Ranks,
) -> Result<(), Failure> {
    // a directory that cannot be written is better known before the work than after it
    let out = job.out.as_ref().filter(|_| !job.explain);
    let start = job.start.iter().flat_map(|(w, h)| [w, h]);
    let besides = start.chain(job.weights.path()).chain(job.lines.paths()).chain(job.known.paths());
    let inputs: Vec<PathBuf> = std::iter::once(&job.input).chain(besides).flat_map(Source::files).collect();
    let copy = job.obsm.as_ref().and_then(|_| job.input.file_name()?.to_str());
    if let Some(dir) = out {
        let more: Vec<&str> = copy.into_iter().chain(job.report.then_some(PAGE)).collect();
        results::keep_inputs(&inputs, dir, &job.formats, &more)?;
    }
    if job.obsm.is_some() {
        check_annotatable(&job.input)?;
    }
    let kept = job.checkpoint.open(&inputs)?;
    let out = out.filter(|_| ranks.is_first());
    let staged =
        out.map(Staged::in_dir).transpose()?.map(|staged| staged.cancelled_by(interrupt.stop().clone()));
    let mut beside = Beside::results(staged.is_some());
    let format = source.format();
    let weighted = job.weights.path().is_some() || job.lines.paths().next().is_some();
    if ranks.are_several() && job.options.minibatch.is_some() {
        return Err(Failure::Usage(
            "--minibatch goes on one process; several ranks share a fit of all rows".into(),
        ));
    }
    let table: AnyTable<T> = if ranks.are_several() {
        out_of_core::shared(&job.read, &job.input, source)?
    } else {
        let room = out_of_core::room::<T>(job.options.memory_limit, &source, job.options.rank);
        out_of_core::read(&job.read, &job.input, source, room, |order| {
            weighted || job.options.needs_memory(order == Order::ColMajor).is_some()
        })?
    };
    let pictured = Pictured::of(format, &job.read, &job.input, &table)?;
    let besides = Besides {
        weights: job.weights.read::<T>(&job.read)?,
        lines: job.lines.read(&table)?,
        known: job.known.read(&table)?,
    };
    if job.explain {
        return if ranks.is_first() { explain(job, &besides, &table) } else { Ok(()) };
    }
    if job.top.is_some_and(|top| top > 0) && table.col_names().is_none() {
        return Err(strongest::no_names(&job.input));
    }
    let given = job.start.as_ref().map(Given::read).transpose()?;
    let input = job.input.display().to_string();
    let failed = |e| {
        let of_start = given.as_ref().and_then(|given| given.failure(&e));
        let of_checkpoint = || kept.as_ref().and_then(|kept| kept.failure(&e));
        let of_besides = || besides.failure(&e);
        of_start.or_else(of_checkpoint).or_else(of_besides).unwrap_or_else(|| in_data(e, &table, &input))
    };
    let quiet = job.quiet || !ranks.is_first();
    let fitting = Fitting { options: &job.options, quiet, kept: kept.as_ref(), ranks };
    let in_words = !quiet && !job.json;
    if in_words {
        let line = fitting.describe(&table, &besides).map_err(failed)?;
        beside.print(|out| writeln!(out, "{input}: {line}"))?;
        if let Some(line) = kept.as_ref().and_then(Kept::describe) {
            beside.print(|out| writeln!(out, "{line}"))?;
        }
    }
    ranks.together()?;
    let fitted =
        fitting.run(&table, given.as_ref().map(Given::start), &besides, interrupt).map_err(failed)?;
    for warning in &fitted.fit.report.warnings {
        say::warning(warning);
    }
    let formats = job.formats.of(table.col_names().is_some() || table.row_names().is_some());
    let results = Results {
        file: input.clone(),
        options: &job.options,
        table: &table,
        fitted: &fitted,
        component: "component",
        formats: &formats,
        fingerprint: OnceCell::new(),
    };
    let mut record = None;
    if let Some(mut staged) = staged {
        interrupt.saving();
        let attached = pictured.map(|pictured| Ok((PICTURED.to_owned(), print::json(&pictured)?)));
        let attachments: BTreeMap<_, _> = attached.into_iter().collect::<Result<_, Failure>>()?;
        record = Some(results.stage(&mut staged, attachments).map_err(|e| interrupt.failure(e))?);
        if let (Some(name), Some(copy)) = (&job.obsm, copy) {
            let parameters = parameters(job, &fitted);
            let results = Annotation {
                name,
                weights: fitted.fit.w.view(),
                components: fitted.fit.model.components().view(),
                parameters: &parameters,
            };
            staged.h5ad(copy, &job.input, &results).map_err(|e| interrupt.failure(Failure::from(e)))?;
        }
        if job.report {
            let known = besides.known.fixed(job.options.rank);
            let beside = report::Beside {
                data: repeat::data(&job.input),
                pictured,
                known,
                ..report::Beside::default()
            };
            report::stage(&mut staged, &results, &beside).map_err(|e| interrupt.failure(e))?;
        }
        staged.commit()?;
    }
    if in_words {
        beside.print(|out| {
            writeln!(out, "{}", fitted.outcome())?;
            components(out, &fitted, table.col_names(), job.top.unwrap_or(strongest::TOP))?;
            summary(out, &fitted, job, &formats, copy)
        })?;
    }
    if job.print && ranks.is_first() {
        beside.print(|out| factors(out, &fitted))?;
    }
    if job.json && ranks.is_first() {
        let record = record.map_or_else(|| results.report(), Ok)?;
        beside.print(|out| out.write_all(record.as_bytes()))?;
    }
    beside.end()
}

/// What `uns` says of a fit.
fn parameters<T: Scalar>(job: &Job, fitted: &Fitted<T>) -> Vec<(&'static str, Parameter)> {
    let (options, report) = (&job.options, &fitted.fit.report);
    let mut said = vec![
        ("software", Parameter::Text(format!("orthant {}", env!("CARGO_PKG_VERSION")))),
        ("n_components", Parameter::Integer(options.rank as i64)),
        ("loss", Parameter::Text(options.method.loss.to_string())),
        ("solver", Parameter::Text(options.method.update.to_string())),
        ("seed", Parameter::Integer(options.seed.into())),
        ("iterations", Parameter::Integer(report.iterations as i64)),
        ("relative_error", Parameter::Real(report.relative_error)),
    ];
    if let Some(layer) = job.read.layer() {
        said.push(("layer", Parameter::Text(layer.to_owned())));
    }
    said
}

/// Prints the plan of the fit.
fn explain<T: Scalar>(job: &Job, besides: &Besides<T>, table: &AnyTable<T>) -> Result<(), Failure> {
    let plan = besides.of(Nmf::<T>::from_options(job.options.clone())).explain(table).map_err(|e| {
        let failure = besides.failure(&e);
        failure.unwrap_or_else(|| in_data(e, table, &job.input.display().to_string()))
    })?;
    print::now(|out| write!(out, "{plan}"))
}

/// Factors to start from.
struct Given<'a, T> {
    files: &'a (PathBuf, PathBuf),
    w: Table<T>,
    h: Table<T>,
}

impl<'a, T: Scalar> Given<'a, T> {
    fn read(files: &'a (PathBuf, PathBuf)) -> Result<Self, Failure> {
        let options = ReadOptions::default();
        let read = |path| {
            let table: Table<T> = read_matrix(path, &options)?;
            say::remarks_of_factor(path, table.remarks());
            Ok::<_, Failure>(table)
        };
        Ok(Self { files, w: read(&files.0)?, h: read(&files.1)? })
    }

    fn start(&self) -> Init<T> {
        Init::Custom { w: Dense::copy_of(self.w.view()), h: Dense::copy_of(self.h.view()) }
    }

    /// An error about one of them.
    fn failure(&self, error: &Error) -> Option<Failure> {
        let (w, h) = self.files;
        in_matrix(error, "W", |row, col| self.w.locate(row, col), w)
            .or_else(|| in_matrix(error, "H", |row, col| self.h.locate(row, col), h))
    }
}

fn components<T: Scalar>(
    out: &mut dyn Write,
    fitted: &Fitted<T>,
    columns: Option<&[String]>,
    top: usize,
) -> io::Result<()> {
    if columns.is_none() || top == 0 {
        return Ok(());
    }
    let (w, h) = (fitted.fit.w.view(), fitted.fit.model.components());
    Strongest { component: "component", w, h, columns }.print(out, top)
}

/// What was saved.
fn summary<T: Scalar>(
    out: &mut dyn Write,
    fitted: &Fitted<T>,
    job: &Job,
    formats: &[OutputFormat],
    copy: Option<&str>,
) -> io::Result<()> {
    let fit = &fitted.fit;
    let (m, k, n) = (fit.w.nrows(), fit.w.ncols(), fit.model.n_features());
    let Some(dir) = &job.out else { return Ok(()) };
    let saved =
        if fit.report.stop_reason == StopReason::Interrupted { "best so far saved in" } else { "saved in" };
    let dir = dir.display();
    let file = |factor| formats.iter().map(move |format| factor_file(factor, *format));
    let (mut w, mut h) = (file("W"), file("H"));
    let (first_w, first_h) = (w.next().unwrap_or_default(), h.next().unwrap_or_default());
    let more: String = w.zip(h).map(|(w, h)| format!(", {w}, {h}")).collect();
    let page = if job.report { ", report.html" } else { "" };
    writeln!(
        out,
        "{saved} {dir}: {first_w} ({m}×{k}), {first_h} ({k}×{n}), report.json, model.safetensors{more}{page}"
    )?;
    copy.map_or(Ok(()), |copy| writeln!(out, "with them in obsm, varm and uns: {dir}/{copy}"))
}

fn factors<T: Scalar>(out: &mut dyn Write, fitted: &Fitted<T>) -> io::Result<()> {
    let Fitted { fit, steps } = fitted;
    let h = fit.model.components();
    writeln!(out, "W =\n{}", numpy_text::matrix(fit.w.view()))?;
    writeln!(out, "H =\n{}", numpy_text::matrix(h.view()))?;
    writeln!(out, "iterations = {}", fit.report.iterations)?;
    if let Some(steps) = steps {
        writeln!(out, "steps = {steps}")?;
    }
    writeln!(out, "error = {}", significant(fit.report.reconstruction_error))
}

/// Twelve significant digits without an exponent, unless these would be mostly zeros.
fn significant(x: f64) -> String {
    let exponent = format!("{x:.11e}").split_once('e').and_then(|(_, e)| e.parse::<i32>().ok()).unwrap_or(0);
    match usize::try_from(11 - exponent) {
        Ok(decimals) if exponent >= -5 => format!("{x:.decimals$}"),
        _ => format!("{x:.11e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_digits() {
        for (x, text) in [
            (0.001159934921601, "0.00115993492160"),
            (12.5, "12.5000000000"),
            (0.0, "0.00000000000"),
            (1.25e-9, "1.25000000000e-9"),
            (123456789012345.0, "1.23456789012e14"),
        ] {
            assert_eq!(significant(x), text);
        }
    }
}
