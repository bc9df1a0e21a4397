//! The tables of programs.

use orthant::Dense;
use orthant_io::{Scalar, Staged};
use orthant_study::{KSelection, Member, Programs};

use super::prepared::Prepared;
use crate::Failure;
use crate::results::component_names;

/// What a program is called, with its number behind.
pub const PROGRAM: &str = "program";
pub const USAGES: &str = "usages.tsv";
pub const SPECTRA: &str = "spectra.tsv";
pub const SPECTRA_TPM: &str = "spectra_tpm.tsv";
pub const SCORES: &str = "scores.tsv";
pub const TOP_GENES: &str = "top_genes.tsv";
pub const HISTOGRAM: &str = "density_histogram.tsv";
/// What is written of a number of programs beside the files of `orthant pick`.
pub const FILES: [&str; 6] = [USAGES, SPECTRA, SPECTRA_TPM, SCORES, TOP_GENES, HISTOGRAM];
pub const GENES: &str = "genes.tsv";
pub const K_SELECTION: &str = "k_selection.tsv";
/// Names in `top_genes.tsv`.
const TOP: usize = 100;
/// The width of a bar of the histogram of densities.
const BAR: f64 = 0.02;
/// No density is above √2, the distance of directions without a common gene.
const BARS: usize = 71;

/// Stages the tables of programs.
pub fn stage<T: Scalar>(
    staged: &mut Staged,
    programs: &Programs,
    members: &[Member],
    prepared: &Prepared<T>,
) -> Result<(), Failure> {
    let k = programs.usages.ncols();
    let names = component_names(PROGRAM, k);
    let (cells, genes) = (prepared.cell_names(), prepared.gene_names());
    let fitted: Vec<String> = prepared.cells.chosen().iter().map(|&j| genes[j].clone()).collect();
    let head = |first: &str| heads(first, &names);
    matrix(staged, USAGES, head("cell"), cells, |i| programs.usages.row(i).to_vec())?;
    matrix(staged, SPECTRA, head("gene"), &fitted, |j| column(&programs.spectra, j))?;
    matrix(staged, SPECTRA_TPM, head("gene"), genes, |j| column(&programs.spectra_tpm, j))?;
    matrix(staged, SCORES, head("gene"), genes, |j| column(&programs.scores, j))?;
    let top = programs.top_genes(TOP);
    let lines = (0..top.first().map_or(0, Vec::len)).map(|place| {
        let names = top.iter().map(|of| genes[of[place]].clone());
        std::iter::once((place + 1).to_string()).chain(names).collect()
    });
    tsv(staged, TOP_GENES, &head("place"), lines)?;
    let mut counts = [0_usize; BARS];
    for member in members {
        counts[((member.density / BAR) as usize).min(BARS - 1)] += 1;
    }
    let edge = |bar: usize| format!("{:.2}", bar as f64 * BAR);
    let lines =
        counts.iter().enumerate().map(|(bar, count)| vec![edge(bar), edge(bar + 1), count.to_string()]);
    tsv(staged, HISTOGRAM, &["from", "to", "spectra"].map(str::to_owned), lines)
}

/// Stages how each gene varies.
pub fn stage_genes<T: Scalar>(staged: &mut Staged, prepared: &Prepared<T>) -> Result<(), Failure> {
    let mut fitted = vec!["no"; prepared.gene_names().len()];
    prepared.cells.chosen().iter().for_each(|&j| fitted[j] = "yes");
    let genes = prepared.cells.overdispersion().genes.iter().zip(prepared.gene_names()).zip(fitted);
    let lines = genes.map(|((gene, name), fitted)| {
        let figures = [gene.mean, gene.variance, gene.fano, gene.expected, gene.ratio].map(|x| x.to_string());
        std::iter::once(name.clone()).chain(figures).chain([fitted.to_owned()]).collect()
    });
    let head = ["gene", "mean", "variance", "fano", "expected_fano", "fano_ratio", "fitted"];
    tsv(staged, GENES, &head.map(str::to_owned), lines)
}

/// Stages stability and error of each number of programs.
pub fn stage_k_selection(staged: &mut Staged, found: &[KSelection]) -> Result<(), Failure> {
    let line = |of: &KSelection| {
        vec![of.rank.to_string(), of.silhouette.to_string(), of.prediction_error.to_string()]
    };
    let head = ["k", "silhouette", "prediction_error"].map(str::to_owned);
    tsv(staged, K_SELECTION, &head, found.iter().map(line))
}

/// The names of columns, after that of the names of rows.
pub fn heads(first: &str, names: &[String]) -> Vec<String> {
    std::iter::once(first.to_owned()).chain(names.iter().cloned()).collect()
}

/// A column of a matrix.
fn column(of: &Dense<f64>, j: usize) -> Vec<f64> {
    (0..of.nrows()).map(|t| of[(t, j)]).collect()
}

/// Stages a matrix with a name for each row.
pub fn matrix(
    staged: &mut Staged,
    name: &str,
    head: Vec<String>,
    rows: &[String],
    row: impl Fn(usize) -> Vec<f64>,
) -> Result<(), Failure> {
    let line = |(i, name): (usize, &String)| {
        std::iter::once(name.clone()).chain(row(i).iter().map(ToString::to_string)).collect()
    };
    tsv(staged, name, &head, rows.iter().enumerate().map(line))
}

fn tsv(
    staged: &mut Staged,
    name: &str,
    head: &[String],
    lines: impl Iterator<Item = Vec<String>>,
) -> Result<(), Failure> {
    staged.file(name, |out| {
        let mut tsv = csv::WriterBuilder::new().delimiter(b'\t').from_writer(out);
        tsv.write_record(head)?;
        for line in lines {
            tsv.write_record(&line)?;
        }
        tsv.flush()
    })?;
    Ok(())
}
