//! What a reader tells of a file that it could read: guesses, and what it left out.

use std::collections::HashSet;
use std::fmt;

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
        }
    }
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
