//! The command line: what can be typed. What it means is in `commands`.

use std::fmt::Debug;
use std::path::Path;
use std::str::FromStr;

use bytesize::ByteSize;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ColorChoice, Parser, Subcommand, ValueEnum};
use orthant::{Missing, Update};
use orthant_io::{AnyTable, Decimal, Delimiter, Detect, IoError, ReadOptions, Scalar, Source};

use crate::commands::completions::CompletionsArgs;
use crate::commands::convert::ConvertArgs;
use crate::commands::demo::DemoArgs;
use crate::commands::fit::FitArgs;
use crate::commands::man::ManArgs;
use crate::commands::pick::PickArgs;
use crate::commands::programs::ProgramsArgs;
use crate::commands::reconstruct::ReconstructArgs;
use crate::commands::show::ShowArgs;
use crate::commands::signatures::SignaturesArgs;
use crate::commands::study::StudyArgs;
use crate::commands::topics::TopicsArgs;
use crate::commands::transform::TransformArgs;
use crate::say;

const ABOUT: &str = "Non-negative matrix factorization: V ≈ W·H with no entry below zero";

const LONG_ABOUT: &str = "\
Non-negative matrix factorization: V ≈ W·H with no entry below zero.

V is the data, m×n: a sample (document, image, cell) in each row, a feature
(word, pixel, gene) in each column. H, k×n, holds k components: parts, topics,
programs. W, m×k, holds how much of each component a sample has.

If your data has an observation in each COLUMN, say --transpose; or keep it as it
is, and read Hᵀ as the weights and W as the components.

Sparse data stays sparse: zeros cost neither memory nor time.

`transform` returns W for new samples, with H as it was learnt.";

const EXAMPLES: &str = "\
Examples:
  orthant demo                                factorise handwritten digits, draw the parts
  orthant fit counts.csv -k 16 -o out         write W, H, a report and a model to out/
  orthant fit X.npy -k 10 --solver cd -o out  as NMF(10, init=\"random\", random_state=0)
  orthant fit cells.h5ad -k 20 --loss kl -o programs
  orthant transform out new.csv -o new_W.npy  the weights of new samples
  orthant show out                            what a fit found, by the names of the columns
  orthant topics articles/ -k 10              topics of texts, by their words
  orthant study counts.csv -k 2..12 -o study  how many components there are …
  orthant pick study -k 7                     … and those that came back in many fits
  orthant programs counts.h5ad -o out         gene expression programs of single cells
  orthant convert cells.h5ad cells.npz        a file that a fit need not load
  orthant fit photo.png -k 40 -o photo        compress an image …
  orthant reconstruct photo -o approx.png     … and look at what is left of it

`orthant help fit` tells more of a command than `orthant fit -h`.

Exit codes: 0 done (also where Ctrl-C ended a fit early and its best was saved),
1 failed, 2 wrong arguments, 130 ended by Ctrl-C with nothing saved.";

/// The `orthant` command.
#[derive(Debug, Parser)]
#[command(name = "orthant", version, about = ABOUT, long_about = LONG_ABOUT, after_help = EXAMPLES)]
#[command(arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// Colour in help and in messages; auto is on terminals, and not where NO_COLOR is set
    #[arg(
        long,
        global = true,
        value_name = "auto|always|never",
        default_value_t,
        hide_possible_values = true
    )]
    pub color: ColorChoice,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Fit(Box<FitArgs>),
    Transform(TransformArgs),
    Reconstruct(ReconstructArgs),
    Show(ShowArgs),
    Topics(Box<TopicsArgs>),
    Study(Box<StudyArgs>),
    Pick(PickArgs),
    Convert(ConvertArgs),
    Programs(Box<ProgramsArgs>),
    Signatures(Box<SignaturesArgs>),
    Demo(DemoArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// How to read a matrix.
#[derive(Clone, Debug, clap::Args)]
pub struct ReadArgs {
    /// Take rows for columns and columns for rows: for files with a sample in each column, as 10x folders have it
    #[arg(long, help_heading = "Data")]
    transpose: bool,
    /// Which matrix of a file with several: a layer of h5ad, or raw; a layer of loom; an array of npz; a genome of 10x h5; a
    /// sheet of a spreadsheet; a file of a zip
    #[arg(long, value_name = "NAME", help_heading = "Data")]
    layer: Option<String>,
    /// Which features of 10x data with several types, such as "Gene Expression"
    #[arg(long, value_name = "NAME", help_heading = "Data")]
    feature_type: Option<String>,
    /// Whether the first line of a table holds the columns' names
    #[arg(long, value_enum, default_value_t, value_name = "auto|yes|no", hide_possible_values = true)]
    #[arg(help_heading = "Data")]
    header: Edge,
    /// Whether the first column of a table holds the rows' names
    #[arg(long, value_enum, default_value_t, value_name = "auto|yes|no", hide_possible_values = true)]
    #[arg(help_heading = "Data")]
    labels: Edge,
    /// What stands between the fields of a text: ',' ';' '|' tab, or blanks for runs of them [default: found]
    #[arg(long, value_name = "D", help_heading = "Data")]
    delimiter: Option<Delimiter>,
    /// The decimal mark of a text: '.' or ',' [default: found]
    #[arg(long, value_name = "MARK", value_parser = decimal, help_heading = "Data")]
    decimal: Option<Decimal>,
    /// Leave a column of a table out, by its name or by its number from 1; can be given several times
    #[arg(long, value_name = "COLUMN", help_heading = "Data")]
    drop: Vec<String>,
    /// Which entries are not observed and have no part in the fit: nan, also empty fields, NA and the like of tables, or zeros
    /// [default: none; of transform, as in the fit]
    #[arg(long, value_parser = named::<Missing>(&["none", "nan", "zeros"]), value_name = "none|nan|zeros")]
    #[arg(hide_possible_values = true, help_heading = "Data")]
    missing: Option<Missing>,
    /// Each line of a table is an entry of a sparse matrix: the name of its row, the name of its column, a number
    #[arg(long, conflicts_with = "labels", help_heading = "Data")]
    triplets: bool,
    /// Keep the colour of pictures: the levels of red, green and blue side by side, and not their grey levels
    #[arg(long, conflicts_with = "transpose", help_heading = "Data")]
    channels: bool,
}

/// Standard input, as it is called among arguments.
const STANDARD_INPUT: &str = "-";

/// A decimal mark.
fn decimal(text: &str) -> Result<Decimal, String> {
    match text {
        "." => Ok(Decimal::Point),
        "," => Ok(Decimal::Comma),
        _ => Err("'.' or ',' is needed".into()),
    }
}

impl ReadArgs {
    /// Which entries are not observed, if it is said.
    pub fn missing(&self) -> Option<Missing> {
        self.missing
    }

    /// Opens the file; of the name `-`, standard input.
    pub fn open(&self, path: &Path) -> Result<Source<'static>, IoError> {
        self.open_with(path, Missing::None)
    }

    /// The same of data of which such entries are not observed, unless the arguments say otherwise.
    pub fn open_with(&self, path: &Path, missing: Missing) -> Result<Source<'static>, IoError> {
        let options = ReadOptions {
            header: self.header.0,
            labels: self.labels.0,
            layer: self.layer.clone(),
            feature_type: self.feature_type.clone(),
            delimiter: self.delimiter,
            decimal: self.decimal,
            drop: self.drop.clone(),
            missing: self.missing.unwrap_or(missing) == Missing::Nan,
            triplets: self.triplets,
            channels: self.channels,
        };
        if path == Path::new(STANDARD_INPUT) {
            return Source::from_reader("standard input", std::io::stdin(), None, &options);
        }
        Source::open(path, &options)
    }

    /// Reads the matrix of an opened file, and says what its reader remarks.
    pub fn read<T: Scalar>(&self, path: &Path, source: Source<'_>) -> Result<AnyTable<T>, IoError> {
        Ok(self.turned(path, source.read_any()?))
    }

    /// A matrix that was read as it is asked for; says what its reader remarks.
    pub fn turned<T: Scalar>(&self, path: &Path, table: AnyTable<T>) -> AnyTable<T> {
        say::remarks(path, table.remarks(), self.transpose);
        if self.transpose { table.transposed() } else { table }
    }

    /// The matrix that is named.
    pub fn layer(&self) -> Option<&str> {
        self.layer.as_deref()
    }

    /// Whether pictures keep their colour.
    pub fn keeps_channels(&self) -> bool {
        self.channels
    }

    /// The same, and whether it is turned round as it is said here.
    pub fn turning(self, transpose: bool) -> Self {
        Self { transpose, ..self }
    }

    /// Whether it is turned round.
    pub fn transposes(&self) -> bool {
        self.transpose
    }
}

/// [`Detect`] as an argument.
#[derive(Clone, Copy, Debug, Default)]
struct Edge(Detect);

impl ValueEnum for Edge {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self(Detect::Auto), Self(Detect::Yes), Self(Detect::No)]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self.0 {
            Detect::Auto => "auto",
            Detect::Yes => "yes",
            Detect::No => "no",
        }))
    }
}

/// A finite number of at least 0.
pub fn at_least_zero(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x >= 0.0 && x.is_finite() => Ok(x),
        _ => Err("a number of at least 0 is needed".into()),
    }
}

/// A share of L1.
pub fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if (0.0..=1.0).contains(&x) => Ok(x),
        _ => Err("a number from 0 (all L2) to 1 (all L1) is needed".into()),
    }
}

/// A whole number of at least 1.
pub fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if n >= 1 => Ok(n),
        _ => Err("a whole number of at least 1 is needed".into()),
    }
}

/// A number from 0 to 1.
pub fn from_zero_to_one(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if (0.0..=1.0).contains(&x) => Ok(x),
        _ => Err("a number from 0 to 1 is needed".into()),
    }
}

/// A share of entries to hold out.
pub fn held_out(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x > 0.0 && x <= 0.5 => Ok(x),
        _ => Err("a number above 0 and of at most 0.5 is needed".into()),
    }
}

/// A number of bytes, with or without a unit.
pub fn bytes(text: &str) -> Result<usize, String> {
    let size = text.parse::<ByteSize>().ok().and_then(|size| usize::try_from(size.as_u64()).ok());
    size.filter(|size| *size > 0).ok_or_else(|| "a size is needed, such as 500MB or 2GiB".into())
}

/// A limit, or none.
#[derive(Clone, Copy, Debug)]
pub struct Limit(pub Option<usize>);

/// A whole number of at least 1, or `none`.
pub fn limit(text: &str) -> Result<Limit, String> {
    match text {
        "none" => Ok(Limit(None)),
        number => at_least_one(number)
            .map(|n| Limit(Some(n)))
            .map_err(|_| "a whole number of at least 1, or none, is needed".into()),
    }
}

/// An update by its name; the long help has a line for each.
pub fn update() -> impl TypedValueParser<Value = Update> {
    PossibleValuesParser::new(
        Update::ALL.iter().map(|update| PossibleValue::new(update.name()).help(update.summary())),
    )
    .map(|name: String| name.parse().expect("the library reads its own names"))
}

/// One of the library's names for a `T`.
pub fn named<T>(names: &[&'static str]) -> impl TypedValueParser<Value = T> + use<T>
where
    T: FromStr<Err: Debug> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names.iter().copied())
        .map(|name: String| name.parse().expect("the library reads its own names"))
}
