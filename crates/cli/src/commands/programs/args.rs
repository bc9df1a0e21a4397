//! What can be typed of gene expression programs, and which way round counts are.

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use orthant::Missing;
use orthant_io::{AnyTable, Edge, Remark, Scalar};
use orthant_study::{Genes, Holdout, Variation};

use crate::Failure;
use crate::args::at_least_one;
use crate::commands::study::{RankList, StudyArgs};
use crate::factor_format::FormatArgs;

/// Find gene expression programs in the counts of single cells, as cNMF does
///
/// INPUT has raw counts: cells in rows and genes in columns, or the other way round (--cells). Cells and genes without a count are left
/// out, the genes are chosen that vary most for their mean (--genes), and each is scaled to unit variance. Then it is `orthant study`
/// with other defaults, and its options apply, but for those that need counts or weigh entries. Of the fits of the recommended number of programs, or of each of --pick, those
/// spectra are left out that are like few others (--density-threshold), and of each cluster the median is taken. The usages of
/// cells are fitted again, and every program is computed over all genes.
///
/// Written to OUT is what `orthant study` writes, genes.tsv (how each gene varies, and which are fitted) and k_selection.tsv (stability
/// and error of each number of programs, as cNMF has them); and to a folder for each number, such as OUT/k07, what `orthant pick`
/// writes, usages.tsv, spectra.tsv, spectra_tpm.tsv, scores.tsv, top_genes.tsv and density_histogram.tsv.
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "orthant programs <INPUT> [-k <K>] [-n <N>] [-o <OUT>] [--pick <K>] [OPTIONS]")]
#[command(mut_arg("ranks", |arg| arg.default_value("5..10").help("Numbers of programs: 5..10 is from 5 to 10, both included; several with commas between")))]
#[command(mut_arg("replicates", |arg| arg.default_value("100").help("Fits of each number of programs, from starts of their own")))]
#[command(mut_arg("input", |arg| arg.help("Raw counts, as of `orthant fit`: .h5ad, 10x .h5, a 10x folder, .loom, .npz, .mtx or a table")))]
#[command(mut_arg("transpose", |arg| arg.hide(true)))]
#[command(mut_arg("missing", |arg| arg.hide(true)))]
#[command(mut_arg("entry_weights", |arg| arg.hide(true)))]
#[command(mut_arg("uncertainties", |arg| arg.hide(true)))]
#[command(mut_arg("observed", |arg| arg.hide(true)))]
#[command(after_help = "\
Examples:
  orthant programs counts.h5ad -k 5..10 -n 20 -o out     the recommended programs, in out/k07 or the like
  orthant programs counts.h5ad -k 5..10 -n 20 -o out --pick 7 --density-threshold 0.1
                                                         7 programs, from the fits that are there
  orthant programs counts.h5ad -k 5..15 -n 20 -o out     more numbers of programs: only what is new is fitted
  orthant programs counts.h5ad --layer counts -o out --cnmf-names
                                                         … and files for tools that read cNMF's
  orthant programs filtered_feature_bc_matrix/ -k 7 -o out")]
pub struct ProgramsArgs {
    #[command(flatten)]
    study: StudyArgs,
    /// How many genes are fitted: those that vary most for their mean
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = at_least_one, allow_negative_numbers = true)]
    #[arg(help_heading = "Programs")]
    genes: usize,
    /// Which genes are fitted: a file with the name of a gene in each line
    #[arg(long, value_name = "FILE", conflicts_with = "genes", help_heading = "Programs")]
    pub genes_file: Option<PathBuf>,
    /// Take numbers with fractions for counts, as estimated or corrected counts have them
    #[arg(long, help_heading = "Programs")]
    fractions: bool,
    /// Where the cells are: in rows or in columns; auto takes columns for the folders of 10x that have them there, and else rows
    #[arg(long, value_enum, default_value_t, value_name = "auto|rows|columns", hide_possible_values = true)]
    #[arg(help_heading = "Programs")]
    cells: Where,
    /// The numbers of programs to write, as of -k [default: the recommended one]
    #[arg(long, value_name = "K", allow_hyphen_values = true, help_heading = "Programs")]
    pub pick: Option<RankList>,
    /// Leave spectra out whose mean distance to their nearest like ones is not below this, at most 2, which keeps all
    #[arg(long, value_name = "X", default_value_t = 0.5, value_parser = threshold, allow_negative_numbers = true)]
    #[arg(help_heading = "Programs")]
    pub density_threshold: f64,
    /// Write to OUT/NAME as well, under cNMF's own names [NAME if it is not given: cNMF]
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "cNMF")]
    #[arg(requires = "out", value_parser = folder_name, help_heading = "Programs")]
    pub cnmf_names: Option<String>,
    #[command(flatten)]
    pub formats: FormatArgs,
}

/// Where the cells of a file are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Where {
    #[default]
    Auto,
    Rows,
    Columns,
}

/// A distance between directions of non-negative numbers, or more.
fn threshold(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x > 0.0 && x <= 2.0 => Ok(x),
        _ => Err("a number above 0 and of at most 2 is needed".into()),
    }
}

/// What a folder in OUT can be called.
fn folder_name(text: &str) -> Result<String, String> {
    let plain = !text.is_empty() && !text.starts_with('.') && !text.contains(['/', '\\']);
    if plain { Ok(text.to_owned()) } else { Err("a name without a folder is needed, such as cNMF".into()) }
}

impl ProgramsArgs {
    /// The study of counts as they are read here.
    pub fn study(&self) -> &StudyArgs {
        &self.study
    }

    /// The study of counts of which it is known where the cells are.
    pub fn study_of(&self, in_columns: bool) -> StudyArgs {
        let study = self.study.clone();
        StudyArgs { read: study.read.turning(in_columns), ..study }
    }

    /// Refuses what does not go together.
    pub fn check(&self) -> Result<(), Failure> {
        let usage = |text: &str| Err(Failure::Usage(text.into()));
        if self.study.read.transposes() {
            return usage(
                "--transpose is not an option of programs: --cells columns or --cells rows says how the counts are",
            );
        }
        if self.study.read.missing().is_some_and(|missing| missing != Missing::None) {
            return usage("--missing is not an option of programs: a count that is not there is 0");
        }
        if self.study.weights.path().is_some() {
            return usage("programs takes no weights of entries: orthant study does");
        }
        if self.study.vary == Variation::Resample {
            return usage(
                "--vary resample draws counts again, and scaled counts are none: starts, noise, rows and halves go with them",
            );
        }
        if self.study.holdout == Holdout::Thin {
            return usage(
                "--holdout thin shares counts out, and scaled counts are none: block goes with them",
            );
        }
        let picked = self.pick.iter().flat_map(|pick| &pick.0);
        match picked.copied().find(|k| !self.study.ranks.0.contains(k)) {
            Some(k) => Err(Failure::Usage(format!("--pick {k} is none of the numbers of programs in -k"))),
            None => Ok(()),
        }
    }

    /// Whether the cells are in columns, of counts as their file has them.
    pub fn are_columns<T: Scalar>(&self, counts: &AnyTable<T>) -> bool {
        match self.cells {
            Where::Auto => counts.remarks().contains(&Remark::Features { along: Edge::Rows }),
            Where::Rows => false,
            Where::Columns => true,
        }
    }

    /// Whether fractions are taken for counts.
    pub fn takes_fractions(&self) -> bool {
        self.fractions
    }

    /// The genes that are asked for, of counts with genes in columns. Files are where they are seen from `folder`.
    pub fn genes<T: Scalar>(&self, counts: &AnyTable<T>, folder: &Path) -> Result<Genes, Failure> {
        let Some(path) = &self.genes_file else { return Ok(Genes::Most(self.genes)) };
        let path = folder.join(path);
        let failed = |why: String| Failure::Run(format!("{}: {why}", path.display()));
        let text = fs::read_to_string(&path).map_err(|e| failed(format!("cannot be read: {e}")))?;
        let names: Vec<&str> = text.lines().map(str::trim).filter(|name| !name.is_empty()).collect();
        if names.is_empty() {
            return Err(failed("there is no name of a gene in it".into()));
        }
        let Some(columns) = counts.col_names() else {
            let input = self.study.input.display();
            return Err(Failure::Run(format!(
                "{input}: its genes have no names that --genes-file could choose"
            )));
        };
        let mut places = std::collections::HashMap::with_capacity(columns.len());
        for (j, name) in columns.iter().enumerate() {
            places.entry(name.as_str()).or_insert_with(Vec::new).push(j);
        }
        let unknown: Vec<&str> = names.iter().copied().filter(|name| !places.contains_key(name)).collect();
        if let Some(first) = unknown.first() {
            let (unknown, of) = (unknown.len(), names.len());
            return Err(failed(format!(
                "{unknown} of its {of} names are no genes of the counts, '{first}' among them: one name as in the counts is needed in \
                 each line"
            )));
        }
        let mut chosen = Vec::with_capacity(names.len());
        for name in names {
            match &places[name][..] {
                &[one] => chosen.push(one),
                several => {
                    let several = several.len();
                    return Err(failed(format!("'{name}' is the name of {several} genes of the counts")));
                }
            }
        }
        let mut sorted = chosen.clone();
        sorted.sort_unstable();
        if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(failed(format!("'{}' is there twice", columns[twice[0]])));
        }
        Ok(Genes::Chosen(chosen))
    }
}
