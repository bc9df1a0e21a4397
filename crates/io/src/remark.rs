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
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
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
