//! Errors as the command shows them: which file, where in it, what is allowed.

use std::fmt;
use std::io;
use std::path::Path;

use bytesize::ByteSize;
use orthant::{Error, Real};
use orthant_io::{AnyTable, FileLines, IoError, Place};
use orthant_text::TextError;

use crate::say;

/// Why the command did not do what it was asked to.
#[derive(Debug)]
pub enum Failure {
    /// The arguments make no sense: exit code 2.
    Usage(String),
    /// It could not be done: exit code 1.
    Run(String),
    /// Nobody reads standard output any more.
    ClosedPipe,
    /// Ctrl-C ended it with nothing saved: exit code 130.
    Interrupted,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Usage(message) | Self::Run(message) => message,
            Self::ClosedPipe => "nobody reads its standard output any more",
            Self::Interrupted => "interrupted",
        })
    }
}

impl From<IoError> for Failure {
    fn from(error: IoError) -> Self {
        match error {
            IoError::UnknownOutput { .. } | IoError::NotConverted { .. } => Self::Usage(error.to_string()),
            IoError::AmbiguousLabels { path, line, text } => Self::Run(format!(
                "{}: line {line} begins with the number {text}, but the first column looked like names of rows; say \
                 which it is by --labels yes or --labels no",
                path.display()
            )),
            IoError::NotANumber { place, text, first_row: true } => Self::Run(format!(
                "{place}: '{text}' is not a number; if this line is a header although it has numbers in it, say \
                 --header yes"
            )),
            IoError::NotForThis { .. } | IoError::NoColumn { .. } => {
                Self::Usage(say::in_flags(&error.to_string()))
            }
            IoError::SeveralMatrices { path, names } => Self::Run(format!(
                "{}: it holds several matrices: say which by --layer NAME; there are: {}",
                path.display(),
                names.join(", ")
            )),
            _ => Self::Run(say::in_flags(&error.to_string())),
        }
    }
}

/// From writing to standard output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ClosedPipe,
            _ => Self::Run(format!("cannot write to standard output: {error}")),
        }
    }
}

/// A library error about options alone.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::InvalidParam { name, value, allowed } => {
                let flag = name.replace('_', "-");
                Self::Usage(format!("--{flag} {value} is not possible: {allowed}"))
            }
            Error::InvalidRank { .. } | Error::Unsupported { .. } => Self::Usage(error.to_string()),
            _ => Self::Run(error.to_string()),
        }
    }
}

/// An error about texts or their words; columns and options by the names that arguments have.
impl From<TextError> for Failure {
    fn from(error: TextError) -> Self {
        match error {
            TextError::Option { option, value, allowed } => {
                let flag = option.replace('_', "-");
                Self::Usage(format!("--{flag} {value} is not possible: {allowed}"))
            }
            TextError::ColumnNeeded { .. } => Self::Usage(format!("{error}: --column NAME")),
            TextError::UnknownLanguage { .. } | TextError::Limits { .. } | TextError::StandardInputTwice => {
                Self::Usage(error.to_string())
            }
            _ => Self::Run(error.to_string()),
        }
    }
}

/// A library error about the data in `table`, read from `file`: with the place in the file.
pub fn in_data<T: Real>(error: Error, table: &AnyTable<T>, file: &str) -> Failure {
    let at = |row, col| table.locate(row, col);
    if let Some(failure) = in_matrix(&error, "V", at, file.as_ref()) {
        return failure;
    }
    match error {
        Error::ZeroInNonPositiveBeta { row, col, count } => {
            let instead = match table {
                AnyTable::Sparse(_) | AnyTable::OutOfCore(FileLines::Sparse(_)) => {
                    "fit sparse data with --loss kl or frobenius"
                }
                AnyTable::Dense(_) | AnyTable::OutOfCore(FileLines::Dense(_)) => {
                    "add a small number to all of them, or fit with --loss kl"
                }
            };
            Failure::Run(format!(
                "{}: 0, the first of {count} such; the loss is, like any β of at most 0, needs every entry above 0: {instead}",
                at(row, col)
            ))
        }
        Error::RangeTooWide { row, col, value, max } => Failure::Run(format!(
            "{}: {value:e} is 0 beside the largest entry, {max:e}, in this precision; the loss is, like any β of at most 0, \
             infinite there: raise it, or fit with --loss kl or --f64",
            at(row, col)
        )),
        Error::Empty { rows, cols } => {
            Failure::Run(format!("{file}: {rows} rows and {cols} columns: there is nothing to factorise"))
        }
        Error::MemoryLimit { need, have } => Failure::Run(format!(
            "{file}: it takes {} besides the data, more than --memory-limit {}",
            size(need),
            size(have)
        )),
        Error::OutOfMemory { need, have } => Failure::Run(format!(
            "{file}: {} are needed besides the data, and {} can be had: lower the number of components, take another start, or \
             allow more memory",
            size(need),
            size(have)
        )),
        Error::LossOverflow { .. } | Error::TooLarge { .. } | Error::WeightOverflow { .. } => {
            Failure::Run(format!("{file}: {error}"))
        }
        other => other.into(),
    }
}

/// Bytes as a person reads them.
pub fn size(bytes: usize) -> impl fmt::Display {
    ByteSize::b(bytes as u64).display().iec()
}

/// A library error about the entries or the shape of `operand`, whose entries are found `at` places of `file`.
pub fn in_matrix(
    error: &Error,
    operand: &str,
    at: impl Fn(usize, usize) -> Place,
    file: &Path,
) -> Option<Failure> {
    let message = match *error {
        Error::Negative { operand: o, row, col, value } if o == operand => {
            format!("{}: {value} is negative; every entry must be at least 0", at(row, col))
        }
        Error::NonFinite { operand: o, row, col, value } if o == operand && o == "V" && value.is_nan() => {
            format!(
                "{}: {value} is not finite; every entry must be a number of at least 0: take missing values as not \
             observed by --missing nan, fill them in, or leave out their rows or columns",
                at(row, col)
            )
        }
        Error::NonFinite { operand: o, row, col, value } if o == operand => {
            format!("{}: {value} is not finite; every entry must be a number of at least 0", at(row, col))
        }
        Error::ShapeMismatch { operand: o, expected, found } if o == operand => {
            let (m, n) = expected;
            format!("{}: {}×{}, but {operand} must be {m}×{n} here", file.display(), found.0, found.1)
        }
        _ => return None,
    };
    Some(Failure::Run(message))
}
