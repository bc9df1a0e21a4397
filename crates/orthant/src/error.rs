//! What can go wrong, with the value, the place and what is allowed.

use std::borrow::Cow;

use orthant_kernel::{LayoutError, SparseError};

/// Every way in which a call can fail.
///
/// Positions count from zero, rows first. `operand` names the matrix: `"V"` for the data, `"W"` and `"H"` for
/// a start or a model.
///
/// ```
/// use orthant::{Error, Nmf, View};
/// let v = View::row_major(&[1.0, 2.0, -3.0, 4.0], 2, 2)?;
/// let error = Nmf::<f64>::new(1).fit(&v).unwrap_err();
/// assert!(matches!(error, Error::Negative { row: 1, col: 0, value, .. } if value == -3.0));
/// assert_eq!(error.to_string(), "V has a negative entry, -3, at row 1, column 0 (counting from 0)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A NaN or an infinity in the data or in a start.
    #[error("{operand} has a non-finite entry, {value}, at row {row}, column {col} (counting from 0)")]
    NonFinite {
        /// The matrix.
        operand: &'static str,
        /// Its row.
        row: usize,
        /// Its column.
        col: usize,
        /// The entry.
        value: f64,
    },
    /// An entry below zero in the data or in a start.
    #[error("{operand} has a negative entry, {value}, at row {row}, column {col} (counting from 0)")]
    Negative {
        /// The matrix.
        operand: &'static str,
        /// Its row.
        row: usize,
        /// Its column.
        col: usize,
        /// The entry.
        value: f64,
    },
    /// No rows or no columns.
    #[error("the matrix is {rows}×{cols}: there is nothing in it to work on")]
    Empty {
        /// Its rows.
        rows: usize,
        /// Its columns.
        cols: usize,
    },
    /// A row or a column of which no entry is observed.
    #[error(
        "{line} {at} (counting from 0) has no observed entry: nothing says what it is made of; leave it out"
    )]
    Unobserved {
        /// `"row"` or `"column"`.
        line: &'static str,
        /// Its number.
        at: usize,
    },
    /// Data of which no entry is observed at all.
    #[error("no entry of V is observed")]
    NoObservations,
    /// A rank (number of components) of zero.
    #[error("rank {rank} is not possible: at least one component is needed")]
    InvalidRank {
        /// The rank asked for.
        rank: usize,
    },
    /// A start that takes each component from V itself, which has too few rows or columns.
    #[error(
        "this start cannot find {rank} components in a {rows}×{cols} matrix; a random one has any number"
    )]
    RankTooLargeForInit {
        /// The rank asked for.
        rank: usize,
        /// Rows of V.
        rows: usize,
        /// Columns of V.
        cols: usize,
    },
    /// The singular value decomposition that a start needs did not converge.
    #[error("the singular values of V did not converge; choose another start")]
    SingularValues,
    /// An option outside its range.
    #[error("{name} = {value} is not possible: {allowed}")]
    InvalidParam {
        /// The option.
        name: &'static str,
        /// Its value.
        value: String,
        /// What is possible.
        allowed: Cow<'static, str>,
    },
    /// Options that do not go together.
    #[error("{what} is not supported; {supported}")]
    Unsupported {
        /// What was asked for.
        what: String,
        /// What works.
        supported: Cow<'static, str>,
    },
    /// A matrix of another shape than the call needs.
    #[error("{operand} is {}×{}, but {}×{} is needed", found.0, found.1, expected.0, expected.1)]
    ShapeMismatch {
        /// The matrix.
        operand: &'static str,
        /// The rows and columns that it needs.
        expected: (usize, usize),
        /// The rows and columns that it has.
        found: (usize, usize),
    },
    /// Extents and strides that do not fit in a slice.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// Parts that are no sparse matrix: offsets that fall, indices outside it.
    #[error("the sparse matrix is corrupt: {0}")]
    CorruptSparse(SparseError),
    /// An integer in sparse data that the element type does not hold exactly.
    #[error(
        "{value}, at index {index} of line {line} (counting from 0), is no exact floating-point number: integers are \
         exact up to 2^24 in single and 2^53 in double precision"
    )]
    PrecisionLoss {
        /// The row of a matrix by rows, the column of one by columns.
        line: usize,
        /// The other of the two.
        index: usize,
        /// The integer.
        value: i128,
    },
    /// The fit, or the transform, would take more memory beside the data than it may.
    #[error(
        "the fit would take {need} bytes beside the data, but may take {have}: raise the limit, lower the rank, or take a \
         method with fewer copies (hals, cd)"
    )]
    MemoryLimit {
        /// Bytes that it would take at most.
        need: usize,
        /// Bytes that it may take.
        have: usize,
    },
    /// What is asked for plainly takes more memory than can be had: than is left of the limit of the address space, of the control
    /// group's, or of the machine's memory and swap.
    #[error(
        "{need} bytes are needed beside the data, and {have} can be had: lower the rank, take another start or a method with \
         fewer copies (hals, cd), or allow more memory"
    )]
    OutOfMemory {
        /// Bytes that are needed at most.
        need: usize,
        /// Bytes that can be had.
        have: usize,
    },
    /// More elements than can be counted or addressed.
    #[error("{what} would hold {rows}×{cols} elements, more than can be addressed")]
    TooLarge {
        /// The matrix.
        what: &'static str,
        /// Its rows.
        rows: usize,
        /// Its columns.
        cols: usize,
    },
    /// The loss itself, of order ‖V‖², is beyond what a double can hold.
    #[error(
        "the loss cannot be represented: entries up to {max:e} square beyond the range of a double; scale V down"
    )]
    LossOverflow {
        /// The largest entry.
        max: f64,
    },
    /// Weights of a new row that are larger than any number of the element type.
    #[error("the weights of row {row} (counting from 0) are larger than an element can be: scale V down")]
    WeightOverflow {
        /// The first such row.
        row: usize,
    },
    /// An entry of 0 under a loss with β ≤ 0, which it is infinitely far from any other.
    #[error(
        "V has {count} entries of 0, the first at row {row}, column {col} (counting from 0): a loss with β ≤ 0 needs \
         positive data; add a small number, or take β > 0"
    )]
    ZeroInNonPositiveBeta {
        /// Row of the first.
        row: usize,
        /// Column of the first.
        col: usize,
        /// How many there are.
        count: usize,
    },
    /// An entry that is 0 once V is scaled to order 1, under a loss with β ≤ 0.
    #[error(
        "V has the entry {value:e} at row {row}, column {col} (counting from 0), which is 0 beside the largest, {max:e}, in \
         this precision: a loss with β ≤ 0 needs it; raise it, or take β > 0 or double precision"
    )]
    RangeTooWide {
        /// Row of the first.
        row: usize,
        /// Column of the first.
        col: usize,
        /// The entry.
        value: f64,
        /// The largest entry.
        max: f64,
    },
    /// The factors left the range of the element type: the start, or a penalty, is too far from the data's scale.
    #[error(
        "the loss is not finite after iteration {iteration}: start from factors whose product is of the size of V"
    )]
    Diverged {
        /// The iteration, from 1; 0 is the start itself.
        iteration: usize,
    },
    /// The flag that ends a fit or a transform was raised before there was a result: of a fit, before the first iteration had
    /// ended.
    #[error("interrupted before there was a result")]
    Interrupted,
    /// The time limit passed before there was a result: before the first iteration had ended.
    #[error(
        "the time limit of {seconds} s passed before the first iteration had ended: there is no result; raise it, or take a \
         start that takes less (random)"
    )]
    TimeLimit {
        /// The limit.
        seconds: f64,
    },
    /// Data that is not in memory, and could not be read.
    #[error("{reason}")]
    Unreadable {
        /// What was read, and what kept it from that.
        reason: String,
    },
    /// A [checkpoint](crate::Checkpoint) of another fit, of other data, or damaged.
    #[error("the checkpoint cannot be gone on from: {reason}")]
    CheckpointMismatch {
        /// What does not agree.
        reason: String,
    },
    /// Processes that work on one fit lost one another, or one of them failed.
    #[error("{reason}")]
    Communication {
        /// What went wrong, and on which rank.
        reason: String,
    },
    /// A worker or an observer panicked; the fit was abandoned.
    #[error("a worker or an observer panicked: {message}")]
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// The thread pool could not be started.
    #[error("the thread pool could not be started: {message}")]
    Threads {
        /// What the system said.
        message: String,
    },
}

impl From<SparseError> for Error {
    fn from(error: SparseError) -> Self {
        match error {
            SparseError::Inexact { line, index, value } => Self::PrecisionLoss { line, index, value },
            SparseError::TooLarge { lines, length } => {
                Self::TooLarge { what: "V", rows: lines, cols: length }
            }
            corrupt => Self::CorruptSparse(corrupt),
        }
    }
}

/// An option that has a value which is not allowed.
pub(crate) fn invalid(
    name: &'static str,
    value: impl ToString,
    allowed: impl Into<Cow<'static, str>>,
) -> Error {
    Error::InvalidParam { name, value: value.to_string(), allowed: allowed.into() }
}
