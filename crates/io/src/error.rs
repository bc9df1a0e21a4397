//! What can go wrong with a file: which one, where in it, and what would do.

use std::fmt;
use std::path::PathBuf;

use orthant::file::FileError;

use crate::Precision;

/// An entry's place in a file. Lines and fields count from 1, as editors do; rows and columns from 0.
///
/// ```
/// use orthant_io::{ReadOptions, Source};
/// let table = Source::from_reader("a.csv", &b"x,y\n1,2\n\n3,4\n"[..], None, &ReadOptions::default())?.read::<f64>()?;
/// let place = table.locate(1, 0);
/// assert_eq!((place.line, place.field), (Some(4), Some(1)));
/// assert_eq!(place.to_string(), "a.csv: line 4, field 1 (row 1, column 0 \"x\")");
/// # Ok::<(), orthant_io::IoError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// Its line, for text, from 1.
    pub line: Option<u64>,
    /// The field of that line, for text, from 1; a row's name counts as one.
    pub field: Option<usize>,
    /// Row of the matrix, from 0.
    pub row: usize,
    /// Column of the matrix, from 0.
    pub col: usize,
    /// The row's name.
    pub row_name: Option<String>,
    /// The column's name.
    pub col_name: Option<String>,
}

impl Place {
    /// A place of which nothing but row and column is known.
    pub(crate) fn of(path: impl Into<PathBuf>, row: usize, col: usize) -> Self {
        Self { path: path.into(), line: None, field: None, row, col, row_name: None, col_name: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |name: &Option<String>| name.as_ref().map(|n| format!(" {n:?}")).unwrap_or_default();
        write!(f, "{}: ", self.path.display())?;
        let (row, col) = (self.row, self.col);
        let (row_name, col_name) = (name(&self.row_name), name(&self.col_name));
        match (self.line, self.field) {
            (Some(line), Some(field)) => {
                write!(f, "line {line}, field {field} (row {row}{row_name}, column {col}{col_name})")
            }
            _ => write!(f, "row {row}{row_name}, column {col}{col_name} (counting from 0)"),
        }
    }
}

/// Every way in which reading or writing can fail.
///
/// ```
/// use orthant_io::{IoError, ReadOptions, Source};
/// let text = &b"1,2\n3,four\n"[..];
/// let error = Source::from_reader("a.csv", text, None, &ReadOptions::default())?.read::<f64>().unwrap_err();
/// assert_eq!(error.to_string(), "a.csv: line 2, field 2 (row 1, column 1): 'four' is not a number");
/// assert!(matches!(error, IoError::NotANumber { .. }));
/// # Ok::<(), IoError>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IoError {
    /// The system could not open or read a file.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system could not write a file. What stood there before is unharmed.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Neither the content nor the name says what a file is.
    #[error(
        "{}: neither text nor another kind of file that can be read: tables of text (csv, tsv and their kin), npy, npz, mtx, \
         xlsx, ods, h5ad, h5 (10x), png, jpg, and these packed as gz, bz2, xz, zst or zip",
        path.display()
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// A known kind of file that is not read here.
    #[error("{}: this is {what}; {instead}", path.display())]
    UnsupportedFormat {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// What to do.
        instead: &'static str,
    },
    /// A name whose ending is not a kind of file that can be written.
    #[error("{}: cannot tell what to write from this name; it must end in {allowed}", path.display())]
    UnknownOutput {
        /// The file.
        path: PathBuf,
        /// The endings that work.
        allowed: &'static str,
    },
    /// A file that is damaged or breaks its format's rules.
    #[error("{}: not a valid {format} file: {reason}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What it should be.
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A file that ends before its data does.
    #[error("{}: cut short: it should have {expected} bytes but ends after {found}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// The bytes that its header announces, header included.
        expected: u64,
        /// The bytes that are there.
        found: u64,
    },
    /// A text file with fewer entries than one of its lines announces.
    #[error("{}: cut short: line {line} announces {expected} entries, but {found} follow", path.display())]
    MissingEntries {
        /// The file.
        path: PathBuf,
        /// The line that announces them, from 1.
        line: u64,
        /// How many it announces.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// A sparse matrix where one with all its entries was asked for.
    #[error("{}: this is a sparse matrix, {rows}×{cols}: read it with read_any", path.display())]
    Sparse {
        /// The file.
        path: PathBuf,
        /// Its rows.
        rows: u64,
        /// Its columns.
        cols: u64,
    },
    /// A file of several matrices, of which [`ReadOptions::layer`](crate::ReadOptions::layer) names none.
    #[error("{}: it holds several matrices ({}): say which by ReadOptions::layer", path.display(), names.join(", "))]
    SeveralMatrices {
        /// The file.
        path: PathBuf,
        /// What they are called.
        names: Vec<String>,
    },
    /// Pictures of a folder that are not of one size and depth, and so cannot be the rows of a matrix.
    #[error(
        "{}: {found}, but {} has {expected}; scale one of them, or move it elsewhere",
        path.display(),
        other.display()
    )]
    DifferentPictures {
        /// The first file that differs.
        path: PathBuf,
        /// Its width, height and bits.
        found: String,
        /// The first file of the folder.
        other: PathBuf,
        /// Its width, height and bits.
        expected: String,
    },
    /// A folder with several files, each of which could be meant.
    #[error("{}: a folder with several matrices: name the one that is meant: {}", path.display(), files.join(", "))]
    SeveralFiles {
        /// The folder.
        path: PathBuf,
        /// What is in it.
        files: Vec<String>,
    },
    /// A layer that a file does not have.
    #[error("{}: there is no layer '{layer}' in it{}", path.display(), layers(available))]
    NoLayer {
        /// The file.
        path: PathBuf,
        /// The name that was asked for.
        layer: String,
        /// Those that there are.
        available: Vec<String>,
    },
    /// A type of features that a file does not have.
    #[error("{}: there are no features of type '{feature_type}' in it{}", path.display(), types(available))]
    NoFeatureType {
        /// The file.
        path: PathBuf,
        /// The type that was asked for.
        feature_type: String,
        /// Those that there are.
        available: Vec<String>,
    },
    /// A dataset of HDF5 that is packed in a way that is not read.
    #[error(
        "{}: {dataset} is packed by {filter}, which is not read; write the file again with gzip, lzf, or without compression",
        path.display()
    )]
    UnsupportedFilter {
        /// The file.
        path: PathBuf,
        /// The dataset in it.
        dataset: String,
        /// What it is packed by.
        filter: String,
    },
    /// An element type that is no real number, or is wider than a double.
    #[error("{}: elements of type {dtype} cannot be read; what can: float16 to float64, integers, bool", path.display())]
    UnsupportedDtype {
        /// The file.
        path: PathBuf,
        /// The type, as numpy writes it.
        dtype: String,
    },
    /// An array that does not have two dimensions.
    #[error("{}: an array of shape {shape:?} is no matrix: reshape it to two dimensions, samples in rows", path.display())]
    NotAMatrix {
        /// The file.
        path: PathBuf,
        /// Its shape.
        shape: Vec<u64>,
    },
    /// More elements than memory or a count can hold.
    #[error("{}: a matrix of {rows}×{cols} does not fit in memory", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its rows.
        rows: u64,
        /// Its columns.
        cols: u64,
    },
    /// A sparse matrix of so many rows or columns for its entries that nearly all of them are empty. What a fit or a
    /// transpose needs for each of them would be far beyond the size of the file.
    #[error(
        "{}: {rows}×{cols} with {entries} entries: at most {most} rows or columns are read for so few; leave out those \
         that are empty",
        path.display()
    )]
    MostlyEmpty {
        /// The file.
        path: PathBuf,
        /// Its rows.
        rows: u64,
        /// Its columns.
        cols: u64,
        /// Its entries.
        entries: u64,
        /// The most rows or columns for as many entries.
        most: u64,
    },
    /// An integer that no double holds exactly.
    #[error(
        "{place}: {value} has no exact double (integers are exact up to 2^53): scale or round the data first"
    )]
    PrecisionLoss {
        /// Where.
        place: Box<Place>,
        /// The integer.
        value: String,
    },
    /// A finite number that is infinite in the precision asked for.
    #[error("{place}: {value} is beyond the range of {precision}")]
    OutOfRange {
        /// Where.
        place: Box<Place>,
        /// The number.
        value: String,
        /// The precision asked for.
        precision: Precision,
    },
    /// A field of a text file that is no number.
    #[error("{place}: {}", not_a_number(text, *first_row))]
    NotANumber {
        /// Where.
        place: Box<Place>,
        /// The text that stands there.
        text: String,
        /// Whether it is in the first line, which may have been meant as a header.
        first_row: bool,
    },
    /// A field of a table without a value.
    #[error(
        "{place}: {}: a missing value; take it as not observed by ReadOptions::missing, fill it in, or leave out its row, or its \
         column by ReadOptions::drop",
        empty(text)
    )]
    Missing {
        /// Where.
        place: Box<Place>,
        /// What stands there.
        text: String,
    },
    /// Columns of a table that hold words.
    #[error("{}: {}", path.display(), words(columns, text, *triplets))]
    TextColumns {
        /// The file.
        path: PathBuf,
        /// Their names, or their numbers from 1.
        columns: Vec<String>,
        /// What the first of them begins with.
        text: String,
        /// The table has three columns, and could be a list of entries.
        triplets: bool,
    },
    /// A column that is to be left out and is not there.
    #[error("{}: there is no column {column:?} to leave out; there are {}", path.display(), some_of(available, *width))]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// Its name.
        column: String,
        /// The fields of the first line.
        available: Vec<String>,
        /// The number of columns.
        width: usize,
    },
    /// A list of entries whose lines are no triplets.
    #[error(
        "{}: line {line} has {found} fields that are not left out; a list of entries has three: row, column, number \
         (ReadOptions::drop leaves columns out)",
        path.display()
    )]
    NotTriplets {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Its fields.
        found: usize,
    },
    /// Something that can be read in two ways.
    #[error("{}: line {line}: '{text}': {settle}", path.display())]
    Ambiguous {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What stands there.
        text: String,
        /// Which option settles it.
        settle: &'static str,
    },
    /// An option that does not go with a kind of file.
    #[error("{}: {what}", path.display())]
    NotForThis {
        /// The file.
        path: PathBuf,
        /// Which, and why.
        what: &'static str,
    },
    /// A line of a text file with more or fewer fields than the first.
    #[error("{}: line {line} has {found} fields, but the lines before it have {expected}", path.display())]
    Ragged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Fields that it should have.
        expected: usize,
        /// Fields that it has.
        found: usize,
    },
    /// A number in a first column that was taken for the rows' names, because the first row has text there.
    #[error(
        "{}: line {line} begins with the number {text}, but the first column looked like names of rows; \
         say which it is in ReadOptions::labels",
        path.display()
    )]
    AmbiguousLabels {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The number.
        text: String,
    },
    /// A quotation mark that is never closed.
    #[error("{}: the quotation mark opened on line {line} is never closed", path.display())]
    UnclosedQuote {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
    },
    /// A model file of a version that this build does not know.
    #[error("{}: model format version {found}; this build reads version {supported}", path.display())]
    ModelVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The version that can be read.
        supported: u64,
    },
    /// A checkpoint of a version that this build does not know.
    #[error("{}: checkpoint format version {found}; this build reads version {supported}", path.display())]
    CheckpointVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
        /// The version that can be read.
        supported: &'static str,
    },
    /// A model of another precision than was asked for.
    #[error("{}: the model is {found}, but {expected} was asked for", path.display())]
    ModelPrecision {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        expected: Precision,
        /// What it is.
        found: Precision,
    },
    /// A model whose numbers cannot be a model: negative, not finite or empty.
    #[error("{}: {source}", path.display())]
    ModelInvalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with them.
        source: orthant::Error,
    },
    /// A file whose elements are read when they are needed has been changed since it was opened.
    #[error("{}: changed while it was read", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A name that does not end as the files that are converted to do.
    #[error(
        "cannot convert to {}: {}", path.display(),
        if *.sparse { "a sparse matrix is written as .npz" } else { "a matrix is written as .npz, or a dense one as .npy" }
    )]
    NotConverted {
        /// The file.
        path: PathBuf,
        /// Whether the matrix is sparse.
        sparse: bool,
    },
    /// Entries that do not follow one another by rows or by columns, where they have to.
    #[error(
        "{}: line {line}: the entries do not follow one another by rows nor by columns, as they have to where they are more than \
         fits in memory; sort the lines behind the header, as by `sort -k2,2n -k1,1n`",
        path.display()
    )]
    Unsorted {
        /// The file.
        path: PathBuf,
        /// The first line that is in neither order.
        line: u64,
    },
    /// Data that is not in memory, and could not be read.
    #[error(transparent)]
    Data(#[from] orthant::Error),
}

fn layers(available: &[String]) -> String {
    match available {
        [] => ", nor any other".to_owned(),
        some => format!("; there are: {}", some.join(", ")),
    }
}

fn types(available: &[String]) -> String {
    match available {
        [] => "; its features have no types".to_owned(),
        some => format!("; there are: {}", some.join(", ")),
    }
}

fn not_a_number(text: &str, first_row: bool) -> String {
    let mut message = match text.trim() {
        "" => "the field is empty".to_owned(),
        _ => format!("'{text}' is not a number"),
    };
    if let Some(advice) = crate::text::advice(text) {
        message = format!("{message}; {advice}");
    }
    if first_row {
        message.push_str(" (if this line is a header, say so in ReadOptions::header)");
    }
    message
}

fn empty(text: &str) -> String {
    match text {
        "" => "the field is empty".to_owned(),
        _ => format!("'{text}'"),
    }
}

fn words(columns: &[String], text: &str, triplets: bool) -> String {
    let names =
        |columns: &[String]| columns.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    let mut message = match columns {
        [one] => format!(
            "column {one:?} holds words, such as '{text}', and no numbers; leave it out by ReadOptions::drop={}",
            in_shell(one)
        ),
        _ => {
            let shown = &columns[..columns.len().min(8)];
            let more = if columns.len() > shown.len() { ", …" } else { "" };
            format!(
                "columns {}{more} hold words, such as '{text}', and no numbers; leave each out by ReadOptions::drop=NAME",
                names(shown)
            )
        }
    };
    if triplets {
        message.push_str(
            "; if each line is an entry of a matrix (row, column, number), say ReadOptions::triplets",
        );
    }
    message
}

/// A name as a shell takes it for one word.
fn in_shell(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_alphanumeric() || "._-".contains(c));
    if plain { name.to_owned() } else { format!("{name:?}") }
}

fn some_of(names: &[String], width: usize) -> String {
    let shown: Vec<String> = names.iter().take(8).map(|name| format!("{name:?}")).collect();
    let more = if names.len() > 8 { ", …" } else { "" };
    match width {
        0 => "none".to_owned(),
        _ => format!("{}{more}, or the numbers 1 to {width}", shown.join(", ")),
    }
}

impl From<FileError> for IoError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Read { path, source } => Self::Read { path, source },
            FileError::Write { path, source } => Self::Write { path, source },
            FileError::Version { path, found, supported } => Self::ModelVersion { path, found, supported },
            FileError::Precision { path, expected, found } => Self::ModelPrecision { path, expected, found },
            FileError::TooLarge { path, rows, cols } => {
                Self::TooLarge { path, rows: rows as u64, cols: cols as u64 }
            }
            FileError::Invalid { path, source } => Self::ModelInvalid { path, source },
            FileError::Corrupt { path, reason } => Self::Corrupt { path, format: "model", reason },
        }
    }
}

impl IoError {
    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Read { path, source }
    }

    pub(crate) fn write(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Write { path, source }
    }
}
