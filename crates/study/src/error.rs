//! What can go wrong with a study.

use std::path::PathBuf;

use orthant::Error;
use orthant_io::IoError;

/// Every way in which a study can fail. Jobs that were done before it stay done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StudyError {
    /// The data or an option is none that can be fitted.
    #[error(transparent)]
    Fit(#[from] Error),
    /// Data that is to be resampled and has an entry that is not a count.
    #[error(
        "{value}, at row {row}, column {col} (counting from 0), is not a count: resampling needs whole numbers of at least 0; vary starts, \
         noise, rows and halves go with any data"
    )]
    NotCounts {
        /// Its row, from 0.
        row: usize,
        /// Its column, from 0.
        col: usize,
        /// The entry.
        value: f64,
    },
    /// Data in which programs are to be found, with an entry that is not an expression count.
    #[error(
        "{value}, at row {row}, column {col} (counting from 0), is not a count: programs are found in raw counts, {}",
        instead(*value, *fractions)
    )]
    NotExpression {
        /// Its row, from 0.
        row: usize,
        /// Its column, from 0.
        col: usize,
        /// The entry.
        value: f64,
        /// Whether fractions were taken for counts.
        fractions: bool,
    },
    /// Data in which programs are to be found, without a count above 0.
    #[error("there is no count above 0 in {of}: programs need counts of genes in cells")]
    NoExpression {
        /// The data, or a part of it.
        of: &'static str,
    },
    /// More programs than there are cells, or genes that are fitted.
    #[error("{rank} programs are more than the {there} {of} that there are: choose fewer programs")]
    TooManyPrograms {
        /// The number of programs.
        rank: usize,
        /// The number of cells, or genes.
        there: usize,
        /// Which of them.
        of: &'static str,
    },
    /// Usages of programs by which scores cannot be computed.
    #[error(
        "the usages of the programs have no scores: their products are out of range; choose fewer programs"
    )]
    Degenerate,
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),
    /// A folder that holds something else, or nothing.
    #[error("{}: not a study: {reason}", path.display())]
    NotAStudy {
        /// The folder.
        path: PathBuf,
        /// What is missing, or in the way.
        reason: String,
    },
    /// A folder that holds the study of other data, or with other options.
    #[error(
        "{}: the study there is another one: {differences}; choose another folder, or the data and the options of that one",
        path.display()
    )]
    Different {
        /// The folder.
        path: PathBuf,
        /// What it has and what was asked for.
        differences: String,
    },
    /// Another process works on the folder.
    #[error(
        "{}: another run works on this study: wait for its end, or divide the jobs among shards, which can run side by side",
        path.display()
    )]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The flag was raised before all jobs were done.
    #[error("interrupted with {done} of {jobs} jobs done")]
    Interrupted {
        /// Jobs that are done, those of earlier runs among them.
        done: usize,
        /// Jobs in all.
        jobs: usize,
    },
    /// A rank that was not studied.
    #[error("{rank} components were not studied; there are fits of {ranks}")]
    NoRank {
        /// The rank.
        rank: usize,
        /// Those that there are.
        ranks: String,
    },
    /// A rank of which no replicate is left.
    #[error("no fit of {rank} components came to an end: {reason}")]
    NoFits {
        /// The rank.
        rank: usize,
        /// Why the first of them failed.
        reason: String,
    },
    /// A density threshold that leaves a component without members.
    #[error(
        "the density threshold {threshold:.3} leaves nothing of component {component} of {rank}: its densest member is at {smallest:.3}; \
         raise the threshold above that, keep all (density off), or choose a smaller rank"
    )]
    Filtered {
        /// The rank.
        rank: usize,
        /// The component, from 0, as they were matched.
        component: usize,
        /// The threshold.
        threshold: f64,
        /// The smallest mean distance of its members to their neighbours.
        smallest: f64,
    },
}

/// What to give instead of data that is not counts.
pub(crate) fn instead(value: f64, fractions: bool) -> &'static str {
    if !value.is_finite() {
        "which are finite"
    } else if value < 0.0 {
        "which are never below 0, as scaled or centred data is; take the counts before it was"
    } else if fractions {
        "or fractions of them"
    } else {
        "and a fraction is what logarithms or normalisation leave; take the counts before that, or say that counts may be fractions"
    }
}

/// An option outside its range.
pub(crate) fn invalid(name: &'static str, value: impl ToString, allowed: &'static str) -> Error {
    Error::InvalidParam { name, value: value.to_string(), allowed: allowed.into() }
}

/// Options that do not go together.
pub(crate) fn unsupported(what: impl Into<String>, supported: impl Into<String>) -> Error {
    Error::Unsupported { what: what.into(), supported: supported.into().into() }
}
