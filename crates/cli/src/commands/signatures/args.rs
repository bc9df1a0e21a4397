//! What can be typed of mutational signatures, and which way round a catalogue is.

use std::path::PathBuf;

use clap::ValueEnum;
use orthant_io::{AnyTable, Scalar};

use crate::Failure;
use crate::args::at_least_one;
use crate::commands::study::StudyArgs;
use crate::factor_format::FormatArgs;

/// Find mutational signatures in a catalogue of mutations
///
/// INPUT is a table of counts: a mutation type in each row and a sample in each column, or the other way round (--samples). It is
/// `orthant study` with other defaults: the Kullback-Leibler loss, 1 to 25 signatures, 100 fits of each, every one of counts that are
/// drawn again with the totals of the samples, and a share of all counts held out to test on. The recommended number of signatures is
/// then written as `orthant pick` does. All options of `orthant study` apply.
///
/// With --known the signatures are compared with known ones, such as those of COSMIC: a table with a mutation type in each row, named as
/// in INPUT, and a signature in each column. Each signature gets a known one of its own, so that the sum of their cosines is as
/// large as it can be.
///
/// Written to OUT is what `orthant study` writes, and to a folder of its own, such as OUT/k04, what `orthant pick` writes and
/// signatures.tsv (a mutation type in each row, a signature in each column; each sums to 1), activities.tsv (the mutations of
/// each sample that come from each signature), and with --known similarity.tsv.
#[derive(Clone, Debug, clap::Args)]
#[command(
    override_usage = "orthant signatures <INPUT> [-k <K>] [-n <N>] [-o <OUT>] [--known <FILE>] [OPTIONS]"
)]
#[command(mut_arg("ranks", |arg| arg.default_value("1..25").help("Numbers of signatures: 1..25 is from 1 to 25, both included")))]
#[command(mut_arg("replicates", |arg| arg.default_value("100").help("Fits of each number of signatures")))]
#[command(mut_arg("vary", |arg| arg.default_value("resample")))]
#[command(mut_arg("loss", |arg| arg.default_value("kl")))]
#[command(mut_arg("input", |arg| arg.help("The catalogue: a table of counts, with names")))]
#[command(mut_arg("transpose", |arg| arg.hide(true)))]
#[command(after_help = "\
Examples:
  orthant signatures catalogue.tsv -o out                        1 to 25 signatures; the recommended ones in out/k04 or the like
  orthant signatures catalogue.tsv -o out --known COSMIC.txt     … and what they are most like
  orthant signatures catalogue.tsv -o out --known COSMIC.txt --pick 5
                                                                 those of 5 signatures, from the fits that are there
  orthant signatures catalogue.tsv -k 2..8 -n 20                 quicker, and nothing written")]
pub struct SignaturesArgs {
    #[command(flatten)]
    study: StudyArgs,
    /// Where the samples are: in columns or in rows; auto takes rows where the columns are named as mutation types, such as A[C>A]A,
    /// AC>CA or 1:Del:C:0, and else columns
    #[arg(long, value_enum, default_value_t, value_name = "auto|columns|rows", hide_possible_values = true)]
    samples: Samples,
    /// Known signatures to compare with: a table with the names of the mutation types, and a signature in each column or row
    #[arg(long, value_name = "FILE")]
    pub known: Option<PathBuf>,
    /// The number of signatures to write [default: the recommended one]
    #[arg(long, value_name = "K", value_parser = at_least_one, allow_negative_numbers = true)]
    pub pick: Option<usize>,
    #[command(flatten)]
    pub formats: FormatArgs,
}

/// Where the samples of a catalogue are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Samples {
    #[default]
    Auto,
    Columns,
    Rows,
}

impl SignaturesArgs {
    /// The study of a catalogue as it is read here.
    pub fn study(&self) -> &StudyArgs {
        &self.study
    }

    /// The study of a catalogue of which it is known where its samples are.
    pub fn into_study(self, in_columns: bool) -> StudyArgs {
        StudyArgs { read: self.study.read.turning(in_columns), ..self.study }
    }

    /// Refuses what does not go together.
    pub fn check(&self) -> Result<(), Failure> {
        if self.study.read.transposes() {
            return Err(Failure::Usage(
                "--transpose is not an option of signatures: --samples columns or --samples rows says how the catalogue is".into(),
            ));
        }
        match self.pick {
            Some(k) if !self.study.ranks.0.contains(&k) => {
                Err(Failure::Usage(format!("--pick {k} is none of the numbers of signatures in -k")))
            }
            _ => Ok(()),
        }
    }

    /// Whether the samples are in columns, of a catalogue as its file has it.
    pub fn are_columns<T: Scalar>(&self, catalogue: &AnyTable<T>) -> bool {
        let are_types =
            |names: Option<&[String]>| names.is_some_and(|names| names.iter().all(|name| is_type(name)));
        match self.samples {
            Samples::Auto => !are_types(catalogue.col_names()) || are_types(catalogue.row_names()),
            Samples::Columns => true,
            Samples::Rows => false,
        }
    }
}

/// Whether a name is that of a mutation type: of a substitution of one base or more, or of an insertion or deletion.
fn is_type(name: &str) -> bool {
    name.contains('>') || name.contains(":Del:") || name.contains(":Ins:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_mutation_types() {
        assert!(["A[C>A]A", "T:A[C>A]A", "AC>CA", "1:Del:C:0", "5:Ins:R:2"].into_iter().all(is_type));
        assert!(["PD4120a", "SBS1", "S 1", ""].into_iter().all(|name| !is_type(name)));
    }
}
