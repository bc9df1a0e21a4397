//! What can go wrong between text and terms: where, and what would do.

use std::fmt;
use std::path::PathBuf;

use crate::{Column, Frequency};

/// Every way in which reading or counting documents can fail. Lines count from 1, as editors do; columns, rows and terms
/// from 0.
///
/// ```
/// use orthant_text::{Corpus, ReadOptions, TextError};
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("reviews.csv");
/// std::fs::write(&path, "id,review\n7,fine\n")?;
/// let options = ReadOptions { column: Some("text".into()), ..ReadOptions::default() };
/// let error = Corpus::read(&[&path], &options).unwrap_err();
/// assert!(error.to_string().ends_with("reviews.csv: there is no column \"text\"; there are \"id\", \"review\""));
/// assert!(matches!(error, TextError::NoSuchColumn { .. }));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// The system could not open or read a file or folder.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Standard input, given more than once: it can be read once.
    #[error(
        "- is given more than once, and standard input can be read once: give it once, or files for the others"
    )]
    StandardInputTwice,
    /// A file packed by gzip that cannot be unpacked.
    #[error("{}: packed by gzip, but damaged: {source}", path.display())]
    Gzip {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: std::io::Error,
    },
    /// Bytes that are no UTF-8.
    #[error("{}: line {line} is not UTF-8 text: save the file as UTF-8", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The line; of a row that spans lines, the first.
        line: u64,
    },
    /// A NUL byte, which text does not have.
    #[error("{}: line {line} has a NUL byte: this is no text, or none in UTF-8", path.display())]
    Nul {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
    },
    /// A table or a file of JSON lines, and nothing that says which column or field is the text.
    #[error("{}: say which column is the text; there are {}", path.display(), Listed(available))]
    ColumnNeeded {
        /// The file.
        path: PathBuf,
        /// Its columns, or the fields of its first line.
        available: Vec<String>,
    },
    /// A column that a table does not have.
    #[error("{}: there is no column {column}; there are {}", path.display(), Listed(available))]
    NoSuchColumn {
        /// The file.
        path: PathBuf,
        /// The column asked for.
        column: Column,
        /// Those that it has: their names, or, without a header, their numbers.
        available: Vec<String>,
    },
    /// A row of a table with more or fewer fields than the first.
    #[error("{}: line {line} has {found} fields, but the lines before it have {expected}", path.display())]
    Ragged {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// Fields that it should have.
        expected: usize,
        /// Fields that it has.
        found: usize,
    },
    /// A quotation mark that is never closed.
    #[error("{}: a quotation mark opened on line {line} or after it is never closed", path.display())]
    UnclosedQuote {
        /// The file.
        path: PathBuf,
        /// The line on which the row begins.
        line: u64,
    },
    /// A line that is no JSON object.
    #[error("{}: line {line} is not a JSON object: {reason}", path.display())]
    NotJson {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A `.json` file that is no array.
    #[error(
        "{}: not a JSON array of strings or of objects: {reason}; with an object on each line it is a jsonl file", path.display()
    )]
    NotJsonArray {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An element of a JSON array that is no document.
    #[error("{}: element {element} (counting from 0): {reason}", path.display())]
    JsonElement {
        /// The file.
        path: PathBuf,
        /// Its place, from 0.
        element: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A field that a JSON object does not have.
    #[error("{}: line {line} has no field {field:?}; it has {}", path.display(), Listed(available))]
    NoSuchField {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// The field asked for.
        field: String,
        /// Those that it has.
        available: Vec<String>,
    },
    /// A field of a JSON object that is no text.
    #[error("{}: line {line}: field {field:?} is {found}, not {allowed}", path.display())]
    FieldType {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// The field.
        field: String,
        /// What it is.
        found: &'static str,
        /// What it may be.
        allowed: &'static str,
    },
    /// Nothing to read, or nothing to count.
    #[error("{}", no_documents(paths, *skipped))]
    NoDocuments {
        /// Where they were looked for.
        paths: Vec<PathBuf>,
        /// Files there that are no text.
        skipped: usize,
    },
    /// An option with a value that it cannot have.
    #[error("{option} cannot be {value}: {allowed}")]
    Option {
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// No list of stop words for a language.
    #[error("there are no stop words for the language {language:?}; there are some for {}", available.join(", "))]
    UnknownLanguage {
        /// The language asked for.
        language: String,
        /// Those that there are, by their ISO 639-1 codes.
        available: &'static [&'static str],
    },
    /// Limits that no document frequency can satisfy.
    #[error("of {documents} documents, max_df = {max_df} is fewer than min_df = {min_df}")]
    Limits {
        /// The fewest documents.
        min_df: Frequency,
        /// The most documents.
        max_df: Frequency,
        /// All documents.
        documents: usize,
    },
    /// No terms: documents without a token, or with none but stop words.
    #[error("there is no term: the documents are empty, or have no words but stop words")]
    EmptyVocabulary,
    /// No terms within the limits of document frequency.
    #[error(
        "none of {distinct} terms is in at least min_df = {min_df} and at most max_df = {max_df} documents: \
         lower the one or raise the other"
    )]
    NothingLeft {
        /// The terms that there were.
        distinct: usize,
        /// The fewest documents.
        min_df: Frequency,
        /// The most documents.
        max_df: Frequency,
    },
    /// Terms out of order.
    #[error("term {column}, {term:?}, does not come after {before:?}: terms ascend, and none is there twice")]
    TermOrder {
        /// The term's column.
        column: usize,
        /// The term before it.
        before: String,
        /// The term.
        term: String,
    },
    /// Numbers that are not one for each term.
    #[error("{part} has {found} numbers for {expected} terms")]
    PartLength {
        /// Which numbers.
        part: &'static str,
        /// The terms.
        expected: usize,
        /// The numbers.
        found: usize,
    },
    /// A factor that would make weights negative, endless or none.
    #[error("the idf of term {column}, {term:?}, is {value}: it must be above 0 and finite")]
    Idf {
        /// The term's column.
        column: usize,
        /// The term.
        term: String,
        /// The factor.
        value: f64,
    },
}

impl TextError {
    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Read { path, source }
    }
}

/// Names in a message: not too many.
struct Listed<'a>(&'a [String]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 20;
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (i, name) in self.0.iter().take(MOST).enumerate() {
            write!(f, "{}{name:?}", if i == 0 { "" } else { ", " })?;
        }
        match self.0.len().saturating_sub(MOST) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

fn no_documents(paths: &[PathBuf], skipped: usize) -> String {
    let mut message = "there are no documents".to_owned();
    for (i, path) in paths.iter().enumerate() {
        message.push_str(if i == 0 { " in " } else { ", " });
        message.push_str(&path.display().to_string());
    }
    match skipped {
        0 => message,
        1 => message + "; a file was passed over that is no UTF-8 text",
        _ => format!("{message}; {skipped} files were passed over that are no UTF-8 text"),
    }
}
