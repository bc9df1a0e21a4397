//! `orthant programs`: a study of the counts of single cells, and the programs of the recommended number, or of several.

use std::path::{Path, PathBuf};

use orthant_io::{AnyTable, Format, Precision, Scalar, Source, Staged};
use orthant_study::{Consensus, Density, Programs, Ranks, Recipe, StudyError};

use crate::commands::pick::{self, Picked};
use crate::commands::study::{StudyArgs, Studying, failure, origin, start_threads};
use crate::interrupt::Interrupt;
use crate::print::{Beside, significant};
use crate::{Failure, inputs, results, say};
use cnmf::Files;
use prepared::Prepared;
use tables::{GENES, K_SELECTION, PROGRAM};

pub use args::ProgramsArgs;
pub use tables::FILES;

mod args;
mod cnmf;
mod prepared;
mod tables;

/// Where the origin of a study says which way round its counts are.
const CELLS: &str = "cells";
/// Genes of a program that are printed.
const TOP: usize = 8;

/// Runs the command.
pub fn run(args: &ProgramsArgs) -> Result<(), Failure> {
    args.check()?;
    let study = args.study();
    start_threads(study)?;
    let interrupt = Interrupt::listen()?;
    let source = study.read.open(&study.input)?;
    match study.how.precision().unwrap_or(source.precision()) {
        Precision::Float32 => run_in::<f32>(args, source, &interrupt),
        Precision::Float64 => run_in::<f64>(args, source, &interrupt),
    }
}

fn run_in<T: Scalar>(args: &ProgramsArgs, source: Source<'_>, interrupt: &Interrupt) -> Result<(), Failure> {
    let format = source.format();
    let (prepared, study) = Prepared::<T>::read(args, source, None, Path::new("."))?;
    let mut origin = origin()?;
    origin[CELLS] = if study.read.transposes() { "columns" } else { "rows" }.into();
    let more: Vec<PathBuf> = args.genes_file.iter().cloned().collect();
    let studying = Studying::new(&study, prepared.table()?, &more, origin, interrupt)?.recipe(Recipe::Cnmf);
    if let Some(dir) = &study.out {
        let asked = args.pick.as_ref().unwrap_or(&study.ranks).0.iter();
        let names = args.cnmf_names.iter().flat_map(|name| {
            let all = asked.clone().flat_map(|&k| Files::new(name, k, args.density_threshold).all());
            all.map(|file| dir.join(name).join(file)).collect::<Vec<_>>()
        });
        inputs::keep(
            &studying.inputs,
            [GENES, K_SELECTION].map(|name| dir.join(name)).into_iter().chain(names),
        )?;
    }
    let mut beside = Beside::results(study.out.is_some());
    if !study.quiet {
        beside.print(|out| prepared.print(out))?;
    }
    let Some(ranks) = studying.run(&mut beside, true)? else { return beside.end() };
    if let Some(dir) = &study.out {
        let found = ranks.k_selection(&studying.table, interrupt.cancel())?;
        let mut staged = Staged::in_dir(dir)?;
        tables::stage_genes(&mut staged, &prepared)?;
        tables::stage_k_selection(&mut staged, &found)?;
        staged.commit()?;
    }
    let recommended = ranks.recommendation().rank;
    let picked = args.pick.as_ref().map_or_else(|| recommended.into_iter().collect(), |pick| pick.0.clone());
    if picked.is_empty() {
        say::note(&format!("{}: --pick K writes K programs", ranks.recommendation().reason));
    }
    // a number whose spectra are left out keeps none of the others back
    let mut failed = Vec::new();
    for k in picked {
        match (Writing { args, studying: &studying, prepared: &prepared, format }).of(&ranks, k, &mut beside)
        {
            Err(Failure::Run(why)) => failed.push(why),
            ended => ended?,
        }
    }
    if failed.is_empty() { beside.end() } else { Err(Failure::Run(failed.join("; "))) }
}

/// What programs are written of.
struct Writing<'a, T: Scalar> {
    args: &'a ProgramsArgs,
    studying: &'a Studying<'a, T>,
    prepared: &'a Prepared<T>,
    format: Format,
}

impl<T: Scalar> Writing<'_, T> {
    /// Writes and prints the programs of a number of them.
    fn of(&self, ranks: &Ranks<T>, k: usize, beside: &mut Beside) -> Result<(), Failure> {
        let Self { args, studying, prepared, format } = *self;
        let (study, cancel) = (studying.args, studying.interrupt.cancel());
        let density = Density::Below(args.density_threshold);
        let found = ranks.consensus_with(&studying.table, k, density, None, cancel).map_err(|e| match e {
            StudyError::Filtered { threshold, smallest, .. } => Failure::Run(format!(
                "k = {k}: --density-threshold {threshold} leaves no spectrum of one of the programs, whose densest one is at {smallest:.3}: \
                 take a threshold above that (2 keeps all), or --pick fewer programs"
            )),
            e => failure(e, &studying.table, &study.input.display().to_string()),
        })?;
        for remark in &found.remarks {
            say::warning(remark);
        }
        let programs = Programs::of(&prepared.cells, &found, cancel)?;
        let mut saved = None;
        if let Some(dir) = &study.out {
            let out = dir.join(format!("k{k:02}"));
            let files = [&pick::FILES[..], &FILES].concat();
            results::keep_inputs(&studying.inputs, &out, &args.formats, &files)?;
            Picked { found: &found, table: &studying.table, args: study, format, formats: &args.formats }
                .save(&out, |staged| tables::stage(staged, &programs, &found.members, prepared))?;
            if let Some(name) = &args.cnmf_names {
                Files::new(name, k, args.density_threshold).write(&dir.join(name), &programs, prepared)?;
            }
            saved = Some(out);
        }
        if study.quiet {
            return Ok(());
        }
        let kept = found.members.iter().filter(|member| member.component.is_some()).count();
        let all = found.members.len();
        beside.print(|out| {
            writeln!(
                out,
                "{k} programs from {kept} of {all} spectra with a density below {}",
                args.density_threshold
            )
        })?;
        beside.print(|out| {
            lines(&programs, prepared.gene_names()).iter().try_for_each(|line| writeln!(out, "{line}"))
        })?;
        if let Some(dir) = saved {
            let more = args.cnmf_names.as_ref().map_or(String::new(), |name| {
                let place = studying.args.out.iter().map(|out| out.join(name).display().to_string());
                format!("; and {}, as cNMF has it", place.collect::<String>())
            });
            let files = FILES.join(", ");
            beside.print(|out| {
                writeln!(
                    out,
                    "saved in {}: {files}, W, H, report.json and the rest of `orthant pick`{more}",
                    dir.display()
                )
            })?;
        }
        Ok(())
    }
}

/// A line for each program: its share of the usages, and the genes of the largest scores.
fn lines(programs: &Programs, genes: &[String]) -> Vec<String> {
    let usages = &programs.usages;
    let mut shares = vec![0.0; usages.ncols()];
    for i in 0..usages.nrows() {
        let total: f64 = usages.row(i).iter().sum();
        if total > 0.0 {
            shares.iter_mut().zip(usages.row(i)).for_each(|(share, x)| *share += x / total);
        }
    }
    let all: f64 = shares.iter().sum();
    let line = |(t, top): (usize, Vec<usize>)| {
        let genes: Vec<String> =
            top.iter().map(|&j| format!("{} {}", genes[j], significant(programs.scores[(t, j)]))).collect();
        format!("{PROGRAM} {t} ({:.1} % of usage): {}", 100.0 * shares[t] / all, genes.join(", "))
    };
    programs.top_genes(TOP).into_iter().enumerate().map(line).collect()
}

/// What `orthant pick` writes of a study of programs, beside what it always does.
pub struct Begun<T: Scalar> {
    prepared: Prepared<T>,
}

impl<T: Scalar> Begun<T> {
    /// Reads the counts again, as the study read them, with the table that was fitted.
    pub fn read(
        args: &ProgramsArgs,
        source: Source<'_>,
        origin: &serde_json::Value,
        folder: &Path,
    ) -> Result<(Self, AnyTable<T>), Failure> {
        let (prepared, _) = Prepared::read(args, source, Some(origin[CELLS] == "columns"), folder)?;
        let table = prepared.table()?;
        Ok((Self { prepared }, table))
    }

    /// Stages the tables of the programs of a consensus.
    pub fn stage(
        &self,
        staged: &mut Staged,
        found: &Consensus<T>,
        interrupt: &Interrupt,
    ) -> Result<(), Failure> {
        let programs = Programs::of(&self.prepared.cells, found, interrupt.cancel())?;
        tables::stage(staged, &programs, &found.members, &self.prepared)
    }
}

/// The study of these arguments, as it was begun.
pub fn begun(args: &ProgramsArgs, origin: &serde_json::Value) -> StudyArgs {
    args.study_of(origin[CELLS] == "columns")
}
