//! What a reader tells of a file that it could read: guesses, and what it left out.

use std::collections::HashSet;
use std::fmt;

use crate::Delimiter;

/// One edge of a file's matrix.
///
/// ```
/// assert_eq!(orthant_io::Edge::Rows.to_string(), "rows");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Its rows.
    Rows,
    /// Its columns.
    Columns,
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rows => "rows",
            Self::Columns => "columns",
        })
    }
}

/// Something that a user of a file should know although it was read: a guess that could be wrong, with the option that overrides
/// it, or what was left out.
///
/// A table has its remarks in the order in which they came up: [`Table::remarks`](crate::Table::remarks). Each is one line.
/// Rows and columns are those of the file, also in a transposed table.
///
/// ```
/// use orthant_io::{Edge, ReadOptions, Remark, Source};
/// let text = &b"gene,s1,s1\nA,1,2\nB,3,4\n"[..];
/// let table = Source::from_reader("a.csv", text, None, &ReadOptions::default())?.read::<f64>()?;
/// let expected = Remark::DuplicateNames { of: Edge::Columns, count: 1, first: "s1".into() };
/// assert_eq!(table.remarks(), [expected]);
/// assert_eq!(table.remarks()[0].to_string(), "1 name is given to several columns: \"s1\"");
/// # Ok::<(), orthant_io::IoError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remark {
    /// Rows, or columns, that share a name.
    DuplicateNames {
        /// Which.
        of: Edge,
        /// Different names that occur more than once.
        count: usize,
        /// The one that is repeated first.
        first: String,
    },
    /// Two delimiters fit the first lines equally well.
    Delimiter {
        /// The one that was taken.
        taken: Delimiter,
        /// The other one.
        other: Delimiter,
    },
    /// Numbers in the first line were taken for the names of the columns.
    NumbersAsHeader {
        /// The line, from 1.
        line: u64,
        /// The first number.
        first: String,
    },
    /// A comment above the table was taken for the names of the columns.
    CommentAsHeader {
        /// The line, from 1.
        line: u64,
    },
    /// Whole numbers in the first column were taken for the names of the rows.
    NumbersAsLabels {
        /// The name of the column.
        column: String,
    },
    /// Whole numbers in the first column were taken for data, and could be names of rows.
    LabelsAsNumbers {
        /// The name of the column.
        column: String,
    },
    /// Each row could be an entry of a matrix: a row's name, a column's name, a number.
    LooksLikeTriplets,
    /// Entries of a list with the same row and column as an earlier one. They were added.
    RepeatedEntries {
        /// How many.
        count: usize,
    },
    /// Names that are not UTF-8 were taken for Windows-1252.
    Encoding,
    /// The targets of an svmlight file, which are no part of the matrix.
    TargetsLeftOut {
        /// What its columns are counted from: 0 or 1.
        counted_from: u32,
    },
    /// Whether the features of 10x Genomics' folder are its rows, as Cell Ranger writes them, or its columns.
    Features {
        /// The edge along which they are; cells are along the other.
        along: Edge,
    },
    /// Names that were left out because there are not as many as there are rows, or columns.
    NamesDoNotFit {
        /// The file that they are in, beside the matrix.
        file: String,
        /// How many there are.
        names: usize,
        /// Whether they would be those of rows.
        of: Edge,
        /// How many rows, or columns, there are.
        count: u64,
    },
    /// A picture in colour, or pictures of a folder, of which the grey levels were read.
    Colour,
    /// Files of a folder of pictures that are no pictures by their names.
    FilesLeftOut {
        /// How many.
        count: usize,
        /// The name of the first.
        first: String,
    },
    /// Features of several types in one matrix, of which none was chosen.
    FeatureTypes {
        /// Each type, and how many features are of it.
        counts: Vec<(String, usize)>,
    },
}

/// Types of features that a line names.
const SHOWN: usize = 8;

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Features { along: Edge::Rows } => {
                f.write_str("its rows are features (genes), its columns cells")
            }
            Self::Features { along: Edge::Columns } => {
                f.write_str("its rows are cells, its columns features (genes)")
            }
            Self::Colour => f.write_str(
                "colour was read as grey levels; ReadOptions::channels keeps red, green and blue",
            ),
            Self::FilesLeftOut { count: 1, first } => {
                write!(f, "1 file is neither png nor jpg by its name and was left out: {first}")
            }
            Self::FilesLeftOut { count, first } => {
                write!(f, "{count} files are neither png nor jpg by their names and were left out; the first is {first}")
            }
            Self::NamesDoNotFit { file, names, of, count } => {
                write!(f, "{file} has {names} names for {count} {of}: these {of} get none")
            }
            Self::FeatureTypes { counts } => {
                let mut said: Vec<String> =
                    counts.iter().take(SHOWN).map(|(name, count)| format!("{name:?} ({count})")).collect();
                if counts.len() > SHOWN {
                    said.push(format!("{} more", counts.len() - SHOWN));
                }
                let said = said.join(", ");
                write!(f, "features of several types are read: {said}; ReadOptions::feature_type chooses one")
            }
            Self::DuplicateNames { of, count: 1, first } => {
                write!(f, "1 name is given to several {of}: {first:?}")
            }
            Self::DuplicateNames { of, count, first } => {
                write!(f, "{count} names are given to several {of} each; the first is {first:?}")
            }
            Self::Delimiter { taken, other } => write!(
                f,
                "fields could be separated by '{taken}' or '{other}', and '{taken}' was taken; ReadOptions::delimiter={other} \
                 takes the other"
            ),
            Self::NumbersAsHeader { line, first } => write!(
                f,
                "the numbers in line {line}, from {first}, were taken for the names of the columns; \
                 ReadOptions::header=no takes them for data"
            ),
            Self::CommentAsHeader { line } => write!(
                f,
                "the names of the columns were taken from the comment in line {line}; ReadOptions::header=no leaves them out"
            ),
            Self::NumbersAsLabels { column } => write!(
                f,
                "the whole numbers in the first column{} were taken for the names of the rows; ReadOptions::labels=no takes \
                 them for data",
                quoted(column)
            ),
            Self::LabelsAsNumbers { column } => write!(
                f,
                "the first column{} was taken for data; if its whole numbers only tell the rows apart, say \
                 ReadOptions::labels=yes",
                quoted(column)
            ),
            Self::LooksLikeTriplets => f.write_str(
                "each line looks like an entry of a matrix (row, column, number); ReadOptions::triplets reads it as one",
            ),
            Self::RepeatedEntries { count } => {
                write!(f, "{count} entries have the row and the column of an earlier one, and were added to it")
            }
            Self::Encoding => f.write_str("names that are not UTF-8 were read as Windows-1252; save it as UTF-8 if they are wrong"),
            Self::TargetsLeftOut { counted_from } => {
                write!(f, "svmlight: the targets were left out, and columns counted from {counted_from}")
            }
        }
    }
}

/// A name in brackets, if there is one.
fn quoted(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(" ({name:?})") }
}

/// The remark on names that are not distinct.
pub(crate) fn of_duplicates(of: Edge, names: Option<&[String]>) -> Option<Remark> {
    let (mut seen, mut repeated, mut first) = (HashSet::new(), HashSet::new(), None);
    for name in names? {
        if !seen.insert(name) && repeated.insert(name) {
            first.get_or_insert(name);
        }
    }
    Some(Remark::DuplicateNames { of, count: repeated.len(), first: first?.clone() })
}
