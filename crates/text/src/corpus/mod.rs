//! Documents and where they come from.

mod column;
mod folder;
mod json_array;
mod json_lines;
mod plain;
mod records;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

pub use column::Column;
pub(crate) use plain::utf8;

use crate::TextError;

/// A text with a name.
///
/// ```
/// use orthant_text::Document;
/// let document = Document { name: "a.txt".into(), text: "red apples".into() };
/// assert_eq!(document.as_ref(), "red apples");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The file it is from, or what its row calls it.
    pub name: String,
    /// The text.
    pub text: String,
}

/// The text.
impl AsRef<str> for Document {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

/// A file in a folder that is no text, and what would have been the error had it been given by itself:
/// [`TextError::NotUtf8`], [`TextError::Nul`] or [`TextError::Gzip`].
///
/// ```
/// use orthant_text::{Corpus, ReadOptions, TextError};
/// let dir = tempfile::tempdir()?;
/// std::fs::write(dir.path().join("a.txt"), "text")?;
/// std::fs::write(dir.path().join("b.bin"), [0, 1, 2])?;
/// let corpus = Corpus::read(&[dir.path()], &ReadOptions::default())?;
/// assert!(corpus.skipped[0].path.ends_with("b.bin"));
/// assert!(matches!(corpus.skipped[0].reason, TextError::Nul { line: 1, .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Skipped {
    /// The file.
    pub path: PathBuf,
    /// Why it is no text.
    pub reason: TextError,
}

/// How to read files.
///
/// ```
/// use orthant_text::ReadOptions;
/// let options = ReadOptions { extensions: vec!["md".into(), "txt".into()], ..ReadOptions::default() };
/// assert!(options.header && options.column.is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    /// The endings of the files that are read from folders, in either case; all if there are none.
    pub extensions: Vec<String>,
    /// The column of a table, or the field of JSON objects, that has the text.
    pub column: Option<Column>,
    /// The column or field that has the documents' names. Without it, rows have their numbers, from 0.
    pub name_column: Option<Column>,
    /// Whether the first line of a table has the columns' names; default `true`.
    pub header: bool,
    /// Whether each line of a text file is a document, and not the file; default `false`. Lines of white space are none.
    pub lines: bool,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { extensions: Vec::new(), column: None, name_column: None, header: true, lines: false }
    }
}

/// Documents, in order.
///
/// ```
/// use orthant_text::{Corpus, Document, Vectorizer};
/// let document = Document { name: "1".into(), text: "red apples".into() };
/// let corpus = Corpus { documents: vec![document], ..Corpus::default() };
/// assert_eq!(Vectorizer::default().fit(&corpus.documents)?.vocabulary().terms(), ["apples", "red"]);
/// # Ok::<(), orthant_text::TextError>(())
/// ```
#[derive(Debug, Default)]
pub struct Corpus {
    /// The documents.
    pub documents: Vec<Document>,
    /// Files found in folders that are no text.
    pub skipped: Vec<Skipped>,
}

impl Corpus {
    /// Reads files and folders, in the order given.
    ///
    /// | path | documents |
    /// |---|---|
    /// | folder | every file in it and below that is UTF-8 text without a NUL byte, whole, in the order of their paths |
    /// | `.csv`, `.tsv`, `.tab` | the rows' fields in [`ReadOptions::column`] |
    /// | `.jsonl`, `.ndjson` | the same field of the object on every line |
    /// | `.json` | the strings of an array, or the same field of its objects |
    /// | any other file | its whole text, or with [`ReadOptions::lines`] each of its lines |
    /// | `-` | as a text file: standard input |
    /// | any of these files, packed by gzip | the same (`.csv.gz` is a table) |
    ///
    /// In folders, tables are text as other files are; and symbolic links and what is no file are left alone, so that none is
    /// read twice. Other files than text are passed over and noted in [`Corpus::skipped`]. A file's document has its path
    /// for a name, beginning with that given, and a line's has the number of the line after it: `notes.txt:3`. Empty
    /// documents are kept.
    ///
    /// ```
    /// use orthant_text::{Corpus, ReadOptions};
    /// let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("reviews.tsv");
    /// std::fs::write(&path, "id\treview\nr7\tgood and cheap\nr9\tgood\n")?;
    /// let options = ReadOptions { column: Some("review".into()), name_column: Some(0.into()), ..ReadOptions::default() };
    /// let corpus = Corpus::read(&[path], &options)?;
    /// assert_eq!((corpus.documents[1].name.as_str(), corpus.documents[1].text.as_str()), ("r9", "good"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TextError`]: what cannot be read, with its place; columns that a table does not have; options that none of the
    /// paths can use; and [`TextError::NoDocuments`].
    pub fn read<P: AsRef<Path>>(paths: &[P], options: &ReadOptions) -> Result<Self, TextError> {
        let kinds: Vec<_> = paths.iter().map(|path| Kind::of(path.as_ref())).collect::<Result<_, _>>()?;
        options.check(&kinds)?;
        if paths.iter().filter(|path| path.as_ref() == Path::new(STANDARD_INPUT)).count() > 1 {
            return Err(TextError::StandardInputTwice);
        }
        let mut corpus = Self::default();
        for (path, kind) in paths.iter().zip(kinds) {
            let path = path.as_ref();
            match kind {
                Kind::Folder => folder::read(path, options, &mut corpus)?,
                Kind::Table { delimiter } => table::read(path, delimiter, options, &mut corpus.documents)?,
                Kind::JsonLines => json_lines::read(path, options, &mut corpus.documents)?,
                Kind::JsonArray => json_array::read(path, options, &mut corpus.documents)?,
                Kind::Text => corpus.documents.extend(plain::read(path, options)?),
            }
        }
        if corpus.documents.is_empty() {
            let paths = paths.iter().map(|path| path.as_ref().to_owned()).collect();
            return Err(TextError::NoDocuments { paths, skipped: corpus.skipped.len() });
        }
        Ok(corpus)
    }

    /// The files that [`read`](Self::read) opens: those given, and those in folders. None of them is opened, and standard
    /// input is none.
    ///
    /// ```
    /// use orthant_text::{Corpus, ReadOptions};
    /// let dir = tempfile::tempdir()?;
    /// std::fs::write(dir.path().join("a.txt"), "text")?;
    /// std::fs::write(dir.path().join("b.json"), "{}")?;
    /// let options = ReadOptions { extensions: vec!["txt".into()], ..ReadOptions::default() };
    /// assert_eq!(Corpus::files(&[dir.path()], &options)?, [dir.path().join("a.txt")]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TextError::Read`] of a path that is not there, or of a folder.
    pub fn files<P: AsRef<Path>>(paths: &[P], options: &ReadOptions) -> Result<Vec<PathBuf>, TextError> {
        let mut files = Vec::new();
        for path in paths {
            let path = path.as_ref();
            match Kind::of(path)? {
                _ if path == Path::new(STANDARD_INPUT) => {}
                Kind::Folder => files.extend(folder::files(path, &options.extensions)?),
                Kind::Table { .. } | Kind::JsonLines | Kind::JsonArray | Kind::Text => {
                    files.push(path.to_owned())
                }
            }
        }
        Ok(files)
    }
}

/// Standard input, as a path.
const STANDARD_INPUT: &str = "-";

/// What is at a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    Table { delimiter: u8 },
    JsonLines,
    JsonArray,
    Text,
}

impl Kind {
    fn of(path: &Path) -> Result<Self, TextError> {
        if path == Path::new(STANDARD_INPUT) {
            return Ok(Self::Text);
        }
        if fs::metadata(path).map_err(TextError::read(path))?.is_dir() {
            return Ok(Self::Folder);
        }
        Ok(match plain::extension(path).as_deref() {
            Some("csv") => Self::Table { delimiter: b',' },
            Some("tsv" | "tab") => Self::Table { delimiter: b'\t' },
            Some("jsonl" | "ndjson") => Self::JsonLines,
            Some("json") => Self::JsonArray,
            _ => Self::Text,
        })
    }
}

impl ReadOptions {
    /// Refuses what none of the paths can use.
    fn check(&self, kinds: &[Kind]) -> Result<(), TextError> {
        let column = |column: &Option<Column>| column.as_ref().map(Column::to_string);
        let extensions = (!self.extensions.is_empty()).then(|| self.extensions.join(","));
        let tables =
            kinds.iter().any(|kind| matches!(kind, Kind::Table { .. } | Kind::JsonLines | Kind::JsonArray));
        let folders = kinds.contains(&Kind::Folder);
        let texts = folders || kinds.contains(&Kind::Text);
        let lines = self.lines.then(|| "true".to_owned());
        let for_tables = "it is for csv, tsv, tab, json, jsonl and ndjson files, and none is given";
        for (option, value, usable, allowed) in [
            ("column", column(&self.column), tables, for_tables),
            ("name_column", column(&self.name_column), tables, for_tables),
            ("extensions", extensions, folders, "it is for folders, and none is given"),
            ("lines", lines, texts, "it is for text files and folders, and none is given"),
        ] {
            if let Some(value) = value.filter(|_| !usable) {
                return Err(TextError::Option { option, value, allowed });
            }
        }
        Ok(())
    }
}
