//! What can be typed of a study.

use std::path::PathBuf;
use std::str::FromStr;

use orthant::Options;
use orthant_io::Scalar;
use orthant_study::{Holdout, Shard, Study, Thresholds, Variation};

use crate::Failure;
use crate::args::{ReadArgs, at_least_one, from_zero_to_one};
use crate::commands::fit::HowArgs;
use crate::entry_weights::WeightArgs;

/// Find out how many components there are, and which come back
///
/// Of each number of components in -k many fits are made, each from a start of its own (--vary also varies their data), and some of
/// data of which a part is held out. The table has a line for each number: how much of the data the best fit explains; the loss on what was held out; how much
/// alike the components of different fits are (silhouettes, support, instability), and how alike samples are put together
/// (cophenetic correlation, dispersion, PAC). Below it is a recommendation with its reason, and what other rules would pick.
///
/// What is held out: a random share of every count (thin), or a quarter of the data by halves of its rows and columns (block).
///
/// INPUT and all options but those below are as of `orthant fit`. With -o a folder keeps the result of each fit: the same command
/// goes on where a run ended, with more -k or -n it extends the study, and --shard 3/16 does a sixteenth of it on one of several
/// machines. `orthant pick OUT` writes the components that came back.
///
/// Written to OUT: report.html (a page with the recommendation, its reasons and figures), figures (the same figures as SVG files),
/// study.json (the recommendation, its reasons, the table), table.csv, manifest.json (what is studied), and jobs.
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "orthant study <INPUT> [-k <K>] [-n <N>] [-o <OUT>] [OPTIONS]")]
#[command(after_help = "\
Examples:
  orthant study counts.csv                                  2 to 12 components, 30 fits of each: the table
  orthant study cells.npz -k 2..15 -n 100 --loss kl -o study
  orthant study cells.npz -k 2..15 -n 100 --loss kl -o study --explain
  orthant study catalogue.csv --loss kl --vary resample     counts that are drawn again for each fit
  orthant study big.npy -k 5,10,20 -o study --shard 3/16    one of 16 machines with a common folder
  orthant study big.npy -k 5,10,20 -o study                 what they have left, and the table
  orthant pick study -k 7                                   the components that came back")]
pub struct StudyArgs {
    /// The data, as of `orthant fit`
    pub input: PathBuf,
    /// Numbers of components: 2..12 is from 2 to 12, both included; several with commas between
    #[arg(
        short = 'k',
        long = "components",
        value_name = "K",
        default_value = "2..12",
        allow_hyphen_values = true
    )]
    pub ranks: RankList,
    /// Fits of each number of components, from starts of their own
    #[arg(short = 'n', long, value_name = "N", default_value_t = 30, value_parser = at_least_one)]
    #[arg(allow_negative_numbers = true)]
    pub replicates: usize,
    /// Folder of the study, made if need be; what is there is kept
    #[arg(short, long = "out", value_name = "OUT")]
    pub out: Option<PathBuf>,
    /// What differs between the fits of a number of components besides their starts: nothing (starts); the counts, drawn again with
    /// the totals of the samples (resample); every entry, times a number of its own from 1-E to 1+E (noise=E, 0.015 by default);
    /// the samples, of which each fit has a random share (rows=SHARE, 0.8 by default) or one half (halves)
    #[arg(long, value_name = "starts|resample|noise|rows|halves", default_value_t = Variation::Starts)]
    pub vary: Variation,
    /// How data is held out: thin for counts, block for any data, window for dense data and where entries are missing or weighted,
    /// none; auto is the first of these that goes with the data
    #[arg(long, value_name = "auto|thin|block|window|none", default_value_t = Holdout::Auto)]
    pub holdout: Holdout,
    /// Parts that counts are shared out among by --holdout thin
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = at_least_one, allow_negative_numbers = true)]
    pub folds: usize,
    /// Do a part of the fits, the I-th of N, beside other processes or machines; a run without it makes the table
    #[arg(long, value_name = "I/N", requires = "out")]
    pub shard: Option<Shard>,
    /// No report.html, and no figures
    #[arg(long, requires = "out")]
    pub no_report: bool,
    /// Print what would be done, with the memory it would take, and do nothing
    #[arg(long)]
    pub explain: bool,
    /// No progress bar, and no table
    #[arg(short, long)]
    pub quiet: bool,
    #[command(flatten)]
    pub stable: StableArgs,

    #[command(flatten)]
    pub how: HowArgs,
    #[command(flatten)]
    pub read: ReadArgs,
    #[command(flatten)]
    pub weights: WeightArgs,
}

/// What is called stable.
#[derive(Clone, Debug, clap::Args)]
pub struct StableArgs {
    /// The least mean silhouette of components that are called stable
    #[arg(long, value_name = "X", default_value_t = Thresholds::default().silhouette_mean)]
    #[arg(value_parser = from_zero_to_one, allow_negative_numbers = true, help_heading = "Stability")]
    stable_mean: f64,
    /// The least silhouette of any of them
    #[arg(long, value_name = "X", default_value_t = Thresholds::default().silhouette_min)]
    #[arg(value_parser = from_zero_to_one, allow_negative_numbers = true, help_heading = "Stability")]
    stable_min: f64,
    /// The least share of the fits in which any of them comes back
    #[arg(long, value_name = "X", default_value_t = Thresholds::default().support)]
    #[arg(value_parser = from_zero_to_one, allow_negative_numbers = true, help_heading = "Stability")]
    stable_support: f64,
    /// The cosine to the middle of its like from which a component counts as come back
    #[arg(long, value_name = "X", default_value_t = Thresholds::default().cosine)]
    #[arg(value_parser = from_zero_to_one, allow_negative_numbers = true, help_heading = "Stability")]
    stable_cosine: f64,
}

impl StableArgs {
    /// As the library has them.
    pub fn thresholds(&self) -> Thresholds {
        Thresholds {
            silhouette_mean: self.stable_mean,
            silhouette_min: self.stable_min,
            support: self.stable_support,
            cosine: self.stable_cosine,
        }
    }
}

impl StudyArgs {
    /// The options of the fits.
    pub fn options(&self) -> Result<Options, Failure> {
        self.how.options(1, &self.read)
    }

    /// The study.
    pub fn study<T: Scalar>(&self) -> Result<Study<T>, Failure> {
        let study = Study::new(self.ranks.0.iter().copied())
            .options(self.options()?)
            .replicates(self.replicates)
            .vary(self.vary)
            .holdout(self.holdout)
            .folds(self.folds)
            .thresholds(self.stable.thresholds());
        Ok(match self.shard {
            Some(shard) => study.shard(shard),
            None => study,
        })
    }
}

/// Numbers of components, as they are typed.
#[derive(Clone, Debug, PartialEq)]
pub struct RankList(pub Vec<usize>);

/// More of them are a slip of the hand.
const MOST: usize = 10_000;

impl FromStr for RankList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || "numbers of at least 1 are needed, such as 7, 2..12 (both included) or 2..5,8,10".to_owned();
        let number = |text: &str| text.trim().parse().ok().filter(|&k: &usize| k > 0).ok_or_else(wrong);
        let mut ranks = Vec::new();
        for part in text.split(',') {
            let (first, last) = match part.split_once("..") {
                Some((first, last)) => (number(first)?, number(last.strip_prefix('=').unwrap_or(last))?),
                None => (number(part)?, number(part)?),
            };
            if first > last {
                return Err(format!("{first}..{last} counts down: {last}..{first} is meant"));
            }
            if last - first >= MOST {
                return Err(format!("{first}..{last} are more than {MOST} numbers"));
            }
            ranks.extend(first..=last);
        }
        ranks.sort_unstable();
        ranks.dedup();
        Ok(Self(ranks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_ranks() {
        let list = |text: &str| text.parse::<RankList>().map(|list| list.0);
        assert_eq!(list("7"), Ok(vec![7]));
        assert_eq!(list("2..5"), Ok(vec![2, 3, 4, 5]));
        assert_eq!(list("10, 2..=3,3"), Ok(vec![2, 3, 10]));
        for wrong in ["", "0", "2..", "..5", "5..2", "-1", "a", "1..99999999", "2...4"] {
            assert!(list(wrong).is_err(), "{wrong}");
        }
    }
}
