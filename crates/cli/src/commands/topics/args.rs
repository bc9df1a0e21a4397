//! What can be typed, and what it asks for.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use orthant::{Loss, Method, Options};
use orthant_text::{Column, Frequency, ReadOptions, StopWords, Tokenizer, Vectorizer, Weighting};

use crate::args::{at_least_one, at_least_zero, bytes};
use crate::checkpoint::CheckpointArgs;
use crate::factor_format::FormatArgs;
use crate::print::count;
use crate::{Failure, say};

/// Find the topics of texts, or those of new texts under topics found before
///
/// A PATH is a text file, which is a document or with --lines has one in each line, a folder, of which every text file in
/// it and below is a document, a csv or tsv file with a document in each row (--column), a jsonl file with one in each
/// line, or a json file with an array of strings or of objects. All may be packed as .gz. Text is UTF-8. The name - is that of standard input.
///
/// Words are runs of two letters, digits or underscores at least, in lower case. Those that are in almost every
/// document, in one alone, or on a list of stop words say nothing of topics and are left out. What is left is weighted
/// by tf-idf, as scikit-learn's TfidfVectorizer does, or counted, and factorised: documents × words ≈ documents ×
/// topics · topics × words.
///
/// Printed are the words that weigh most in each topic, with their shares of it, and the topics that weigh most in each
/// document, with theirs. Written to OUT: topics.json and documents.csv with the same, W.csv, H.csv, W.npy and H.npy
/// with all the numbers, report.json, and model.safetensors, which has the words too: --model OUT finds their topics in
/// other documents.
#[derive(Debug, clap::Args)]
#[command(override_usage = "\
orthant topics <PATH>... -k <K> [-o <OUT>] [OPTIONS]
       orthant topics <PATH>... --model <OUT> [-o <NEW>] [OPTIONS]")]
#[command(after_help = "\
Examples:
  orthant topics articles/ -k 10
  orthant topics articles/ -k 10 -o topics --report    … and topics/report.html, a page to look at
  orthant topics articles/ --extension md,txt -k 20 -o topics
  orthant topics titles.txt --lines -k 8               each line is a document
  orthant topics reviews.csv --column text --name-column id -k 8 --loss kl
  orthant topics --model topics new.txt                what a new document is about
  orthant topics letters/ -k 5 --stop-words de --min-df 3 --max-df 0.5")]
pub struct TopicsArgs {
    /// Text files, folders of them, csv, tsv, json or jsonl files
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Directory of topics found before, or its model.safetensors: finds these in the documents
    #[arg(long, value_name = "OUT", conflicts_with_all = ["Learning", "CheckpointArgs"])]
    model: Option<PathBuf>,
    /// Directory for the results, made if need be
    #[arg(short, long = "out", value_name = "OUT")]
    out: Option<PathBuf>,
    #[command(flatten)]
    formats: FormatArgs,
    /// Only the topics and the documents: no progress bar, no summary
    #[arg(short, long)]
    quiet: bool,
    /// Words to print of a topic
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = at_least_one)]
    #[arg(allow_negative_numbers = true)]
    words: usize,
    /// Documents to print: a number, all or none [default: 20; with --model all]
    #[arg(long, value_name = "N|all|none", value_parser = documents)]
    documents: Option<Most>,
    /// Threads; the result is the same to the bit on any number [default: all cores]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    threads: Option<usize>,

    /// Column of csv and tsv files, or field of json and jsonl, that is the text: its name, or its number from 0
    #[arg(long, value_name = "NAME", help_heading = "Documents")]
    column: Option<Column>,
    /// Column or field that names the documents [default: their number]
    #[arg(long, value_name = "NAME", help_heading = "Documents")]
    name_column: Option<Column>,
    /// The first line of csv and tsv files is a document too, not the columns' names
    #[arg(long, help_heading = "Documents")]
    no_header: bool,
    /// Each line of text files is a document, and not the whole file
    #[arg(long, help_heading = "Documents")]
    lines: bool,
    /// Read only the files of folders that end so, such as md,txt [default: all that are text]
    #[arg(long, value_name = "EXT", value_delimiter = ',', help_heading = "Documents")]
    extension: Vec<String>,

    #[command(flatten)]
    learning: Learning,
    // a group with another one inside would have no members to conflict with
    #[command(flatten)]
    checkpoint: CheckpointArgs,
}

/// What only finding topics needs.
#[derive(Debug, clap::Args)]
struct Learning {
    /// Number of topics
    #[arg(short = 'k', long = "topics", value_name = "K", value_parser = at_least_one)]
    #[arg(allow_negative_numbers = true, required_unless_present = "model")]
    rank: Option<usize>,

    /// Write what pyLDAvis.prepare takes to this file as well, as JSON: for a page to look around in
    #[arg(long, value_name = "FILE")]
    ldavis: Option<PathBuf>,
    /// Write report.html to OUT as well: a page with the words of each topic, its most typical documents, its share, the course
    /// of the loss, and how to repeat it
    #[arg(long, requires = "out")]
    report: bool,

    /// Words to leave out: a language such as en, a file with a word in each line, or none; several times for several lists
    #[arg(long, value_name = "LANG|FILE|none", default_value = "en", help_heading = "Words")]
    stop_words: Vec<String>,
    /// Leave numbers out, such as 2026
    #[arg(long, help_heading = "Words")]
    no_numbers: bool,
    /// Count runs of 2 to this many words too, from 1 to 10: with 2, 'stock market' beside 'stock' and 'market'
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_least_one)]
    #[arg(allow_negative_numbers = true, help_heading = "Words")]
    ngrams: usize,
    /// The fewest documents that a word must be in: a number, or with a point a share of all
    #[arg(long, value_name = "N|SHARE", default_value = "2", allow_negative_numbers = true)]
    #[arg(help_heading = "Words")]
    min_df: Frequency,
    /// The most documents that it may be in
    #[arg(long, value_name = "N|SHARE", default_value = "0.95", allow_negative_numbers = true)]
    #[arg(help_heading = "Words")]
    max_df: Frequency,
    /// Keep at most this many words, the most frequent ones [default: no limit]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    #[arg(help_heading = "Words")]
    max_features: Option<usize>,
    /// What a word counts in a document [default: tfidf; with --loss kl counts]
    #[arg(
        long,
        value_enum,
        value_name = "tfidf|counts",
        hide_possible_values = true,
        help_heading = "Words"
    )]
    weighting: Option<Weights>,

    /// What to minimise: frobenius (squares), or kl, which suits counts
    #[arg(long, value_enum, default_value_t = Losses::Frobenius, value_name = "frobenius|kl")]
    #[arg(hide_possible_values = true, help_heading = "Method")]
    loss: Losses,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Method")]
    seed: u32,
    /// Limit of iterations [default: 500]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    #[arg(help_heading = "Method")]
    max_iter: Option<usize>,
    /// Tolerance of the stopping rule; 0 never stops early [default: 1e-5]
    #[arg(long, value_name = "T", value_parser = at_least_zero, allow_negative_numbers = true)]
    #[arg(help_heading = "Method")]
    tol: Option<f64>,
    /// Time limit of the fit, kept to a second; an error where it passes before an iteration has ended
    #[arg(long, value_name = "S", value_parser = at_least_zero, allow_negative_numbers = true)]
    #[arg(help_heading = "Method")]
    max_seconds: Option<f64>,
    /// Double precision: twice the memory
    #[arg(long, help_heading = "Method")]
    f64: bool,
    /// The most memory that the fit may take besides the counts, such as 500MB or 2GiB
    #[arg(long, value_name = "SIZE", value_parser = bytes, help_heading = "Method")]
    memory_limit: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Weights {
    Tfidf,
    Counts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Losses {
    Frobenius,
    #[value(alias = "kullback-leibler")]
    Kl,
}

/// At most this number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Most(pub usize);

fn documents(text: &str) -> Result<Most, String> {
    match text {
        "all" => Ok(Most(usize::MAX)),
        "none" => Ok(Most(0)),
        number => number.parse().map(Most).map_err(|_| "a number, all or none is needed".into()),
    }
}

/// What both ways have in common.
pub(super) struct Common {
    pub paths: Vec<PathBuf>,
    pub read: ReadOptions,
    pub out: Option<PathBuf>,
    pub formats: FormatArgs,
    pub quiet: bool,
    pub words: usize,
    pub documents: usize,
    pub threads: Option<usize>,
}

/// How to find topics.
pub(super) struct Learn {
    pub vectorizer: Vectorizer,
    /// The files of stop words.
    pub stop_words: Vec<PathBuf>,
    pub options: Options,
    /// Where to write what pyLDAvis takes.
    pub ldavis: Option<PathBuf>,
    /// Whether there is to be a page.
    pub report: bool,
    pub checkpoint: CheckpointArgs,
    pub double: bool,
}

/// What the arguments ask for.
pub(super) enum Task {
    Learn(Box<Learn>),
    /// With the topics of this model.
    Assign(PathBuf),
}

impl TopicsArgs {
    pub(super) fn task(&self) -> Result<(Common, Task), Failure> {
        let most = self.documents.unwrap_or(Most(if self.model.is_some() { usize::MAX } else { 20 }));
        let common = Common {
            paths: self.paths.clone(),
            read: ReadOptions {
                extensions: self.extension.clone(),
                column: self.column.clone(),
                name_column: self.name_column.clone(),
                header: !self.no_header,
                lines: self.lines,
            },
            out: self.out.clone(),
            formats: self.formats.clone(),
            quiet: self.quiet,
            words: self.words,
            documents: most.0,
            threads: self.threads,
        };
        let task = match &self.model {
            Some(model) => Task::Assign(model.clone()),
            None => Task::Learn(Box::new(self.learning.learn(self.checkpoint.clone())?)),
        };
        Ok((common, task))
    }
}

impl Learning {
    fn learn(&self, checkpoint: CheckpointArgs) -> Result<Learn, Failure> {
        let max_time = match self.max_seconds.map(Duration::try_from_secs_f64) {
            Some(Err(_)) => return Err(Failure::Usage("--max-seconds is more than can be counted".into())),
            Some(Ok(limit)) => Some(limit),
            None => None,
        };
        let loss = match self.loss {
            Losses::Frobenius => Loss::Frobenius,
            Losses::Kl => Loss::KullbackLeibler,
        };
        let weighting = match (self.weighting, self.loss) {
            (Some(Weights::Tfidf), _) | (None, Losses::Frobenius) => Weighting::default(),
            (Some(Weights::Counts), _) | (None, Losses::Kl) => Weighting::counts(),
        };
        let rank = self.rank.expect("needed without --model");
        let mut options = Options::new(rank, Method::auto(loss));
        options.seed = self.seed;
        (options.max_time, options.tol) = (max_time, self.tol);
        options.max_iter = self.max_iter.unwrap_or(options.max_iter);
        options.memory_limit = self.memory_limit;
        let tokenizer = Tokenizer { numbers: !self.no_numbers, ..Tokenizer::default() };
        let vectorizer = Vectorizer {
            tokenizer,
            stop_words: self.stop_words(tokenizer)?,
            ngrams: self.ngrams,
            min_df: self.min_df,
            max_df: self.max_df,
            max_features: self.max_features,
            weighting,
        };
        let stop_words = self.stop_words.iter().filter_map(|list| stop_words_file(list)).collect();
        Ok(Learn {
            vectorizer,
            stop_words,
            options,
            ldavis: self.ldavis.clone(),
            report: self.report,
            checkpoint,
            double: self.f64,
        })
    }

    /// The words of all lists.
    fn stop_words(&self, tokenizer: Tokenizer) -> Result<StopWords, Failure> {
        if self.stop_words.len() > 1 && self.stop_words.iter().any(|list| list == "none") {
            return Err(Failure::Usage("--stop-words none goes with no other list".into()));
        }
        let lists: Vec<StopWords> =
            self.stop_words.iter().map(|list| stop_words(list)).collect::<Result<_, _>>()?;
        let all = lists.iter().cloned().fold(StopWords::default(), StopWords::union);
        for (name, list) in self.stop_words.iter().zip(&lists) {
            // nobody can mend those that come with the command
            if stop_words_file(name).is_some() {
                warn_of_cut(name, list, &all, tokenizer);
            }
        }
        Ok(all)
    }
}

/// Says which words of a list texts never have, because they are cut into others there that are on no list.
fn warn_of_cut(name: &str, list: &StopWords, all: &StopWords, tokenizer: Tokenizer) {
    let left = |word: &str| {
        let mut left = Vec::new();
        tokenizer.each(word, |token| left.extend((!all.contains(token)).then(|| format!("{token:?}"))));
        left
    };
    let mut cut = list.iter().map(|word| (word, left(word))).filter(|(_, left)| !left.is_empty());
    if let Some((word, left)) = cut.next() {
        let words = count(1 + cut.count(), "word matches nothing", "words match nothing");
        say::warning(format_args!(
            "{name}: {words}, as texts are made lower case and cut at all but letters, digits and underscores: write what is left \
             of it instead; of the first, {word:?}, that is {}",
            left.join(", ")
        ));
    }
}

/// What names a file that is there is one.
fn stop_words_file(list: &str) -> Option<PathBuf> {
    let path = PathBuf::from(list);
    (list != "none" && path.is_file()).then_some(path)
}

fn stop_words(list: &str) -> Result<StopWords, Failure> {
    match (stop_words_file(list), list) {
        (Some(path), _) => Ok(StopWords::read(&path)?),
        (None, "none") => Ok(StopWords::default()),
        (None, language) => StopWords::language(language).map_err(|error| {
            Failure::Usage(format!("--stop-words {language}: there is no file of this name, and {error}"))
        }),
    }
}
