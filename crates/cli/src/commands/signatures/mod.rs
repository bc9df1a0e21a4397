//! `orthant signatures`: a study of a catalogue of mutations, and the signatures of the recommended number.

use std::io::{self, Write};
use std::path::PathBuf;

use orthant_io::{AnyTable, Precision, Scalar, Source};
use orthant_study::{Consensus, Density, Ranks, Similarity, StudyError};

use crate::commands::pick::{self, Picked};
use crate::commands::study::{StudyArgs, Studying, failure, origin, start_threads};
use crate::interrupt::Interrupt;
use crate::print::Beside;
use crate::strongest::{Strongest, TOP};
use crate::{Failure, results, say};
use known::Known;
use tables::{ACTIVITIES, Found, SIGNATURE, SIGNATURES, SIMILARITY};

pub use args::SignaturesArgs;

mod args;
mod known;
mod tables;

/// Where the origin of a study says which way round its catalogue is.
const SAMPLES: &str = "samples";

/// Runs the command.
pub fn run(args: &SignaturesArgs) -> Result<(), Failure> {
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

fn run_in<T: Scalar>(
    args: &SignaturesArgs,
    source: Source<'_>,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let format = source.format();
    let catalogue: AnyTable<T> = source.read_any()?;
    let in_columns = args.are_columns(&catalogue);
    let study = args.clone().into_study(in_columns);
    let table = study.read.turned(&study.input, catalogue);
    let known = match &args.known {
        Some(path) => Some(Known::read(path, table.col_names(), table.ncols())?),
        None => None,
    };
    let mut origin = origin()?;
    origin[SAMPLES] = if in_columns { "columns" } else { "rows" }.into();
    let more: Vec<PathBuf> = args.known.iter().cloned().collect();
    let studying = Studying::new(&study, table, &more, origin, interrupt)?;
    let mut beside = Beside::results(study.out.is_some());
    let Some(ranks) = studying.run(&mut beside, true)? else { return beside.end() };
    let Some(rank) = args.pick.or(ranks.recommendation().rank) else {
        say::note(&format!("{}: --pick K writes K signatures", ranks.recommendation().reason));
        return beside.end();
    };
    let found = consensus(&studying, &ranks, rank)?;
    let signatures = Found::of(&found.fit);
    let similarity = known.as_ref().map(|known| Similarity::of(&signatures.signatures, &known.signatures));
    if let Some(dir) = &study.out {
        let out = dir.join(format!("k{rank:02}"));
        let more = [SIGNATURES, ACTIVITIES, SIMILARITY];
        results::keep_inputs(&studying.inputs, &out, &args.formats, &[&pick::FILES[..], &more].concat())?;
        let picked =
            Picked { found: &found, table: &studying.table, args: &study, format, formats: &args.formats };
        picked.save(&out, |staged| {
            signatures.stage(staged, &studying.table)?;
            match (&similarity, &known) {
                (Some(similarity), Some(known)) => tables::stage_similarity(staged, similarity, known),
                _ => Ok(()),
            }
        })?;
    }
    if !study.quiet {
        let columns = studying.table.col_names();
        let (w, h) = (found.fit.w.view(), found.fit.model.components());
        let top = if columns.is_some() { TOP } else { 0 };
        beside.print(|out| Strongest { component: SIGNATURE, w, h, columns }.print(out, top))?;
        if let (Some(similarity), Some(known)) = (&similarity, &known) {
            beside.print(|out| print_similarity(out, similarity, known))?;
        }
        if let Some(dir) = &study.out {
            let similar = if similarity.is_some() { ", similarity.tsv" } else { "" };
            beside.print(|out| {
                writeln!(out, "saved in {}/k{rank:02}: {SIGNATURES}, {ACTIVITIES}{similar}, W, H, report.json and the rest of `orthant pick`", dir.display())
            })?;
        }
    }
    beside.end()
}

/// The consensus of a rank: of all components where otherwise one would have no members, as in the report.
fn consensus<T: Scalar>(
    studying: &Studying<'_, T>,
    ranks: &Ranks<T>,
    rank: usize,
) -> Result<Consensus<T>, Failure> {
    let of = |density| {
        let cancel = studying.interrupt.cancel();
        ranks.consensus_with(&studying.table, rank, density, studying.weights.as_ref(), cancel)
    };
    let found = match of(Density::Auto) {
        Err(StudyError::Filtered { .. }) => of(Density::Off),
        found => found,
    };
    let found = found.map_err(|e| failure(e, &studying.table, &studying.args.input.display().to_string()))?;
    for remark in &found.remarks {
        say::warning(remark);
    }
    Ok(found)
}

/// A line for each signature: what it is most like.
fn print_similarity(out: &mut dyn Write, similarity: &Similarity, known: &Known) -> io::Result<()> {
    for (t, cosines) in similarity.cosines.iter().enumerate() {
        let nearest = similarity.nearest[t];
        let like = |at: usize| format!("{} (cosine {:.3})", known.names[at], cosines[at]);
        match similarity.matched[t] {
            Some(at) if at == nearest => writeln!(out, "{SIGNATURE} {t} is most like {}", like(at))?,
            Some(at) => {
                writeln!(out, "{SIGNATURE} {t} goes with {}, and is most like {}", like(at), like(nearest))?
            }
            None => writeln!(out, "{SIGNATURE} {t} goes with none, and is most like {}", like(nearest))?,
        }
    }
    Ok(())
}

/// The study of these arguments, as it was begun.
pub fn begun(args: SignaturesArgs, origin: &serde_json::Value) -> StudyArgs {
    args.into_study(origin[SAMPLES] != "rows")
}
