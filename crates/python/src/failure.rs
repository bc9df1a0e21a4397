//! The library's errors as Python's, in words that scikit-learn's users know.

use std::io;

use orthant::Error;
use orthant_io::IoError;
use orthant_study::StudyError;
use pyo3::PyErr;
use pyo3::exceptions::{PyMemoryError, PyOSError, PyRuntimeError, PyTimeoutError, PyValueError};

/// The exception that `whom`, a class or a function, raises.
pub fn raise(error: &Error, whom: &str) -> PyErr {
    let text = match *error {
        Error::Negative { operand, row, col, value } => format!(
            "Negative values in data passed to {whom} (input {}).\nThe first is {value} at row {row}, column {col} (counting from 0).",
            named(operand)
        ),
        Error::NonFinite { operand, row, col, value } => {
            let name = named(operand);
            let at = format!("The first is at row {row}, column {col} (counting from 0).");
            if value.is_nan() {
                format!(
                    "Input {name} contains NaN.\n{whom} does not accept missing values encoded as NaN natively. {at} NMF with \
                     missing='nan' takes them as not observed."
                )
            } else {
                format!("Input {name} contains infinity or a value too large for its type.\n{at}")
            }
        }
        Error::ZeroInNonPositiveBeta { row, col, count } => format!(
            "When beta_loss <= 0 and X contains zeros, the solver may diverge. Please add small values to X, or use a positive \
             beta_loss. X contains {count}, the first at row {row}, column {col}."
        ),
        Error::RangeTooWide { row, col, value, max } => format!(
            "X has the entry {value:e} at row {row}, column {col} (counting from 0), which is 0 beside the largest, {max:e}, in \
             this precision: beta_loss <= 0 needs it. Raise it, or use a positive beta_loss or float64."
        ),
        _ => error.to_string(),
    };
    match error {
        Error::MemoryLimit { .. } | Error::OutOfMemory { .. } | Error::TooLarge { .. } => {
            PyMemoryError::new_err(text)
        }
        Error::TimeLimit { .. } => PyTimeoutError::new_err(text),
        Error::Unreadable { .. } => PyOSError::new_err(text),
        Error::Communication { .. } | Error::Panicked { .. } | Error::Threads { .. } => {
            PyRuntimeError::new_err(text)
        }
        _ => PyValueError::new_err(text),
    }
}

/// The exception for a file.
pub fn raise_io(error: &IoError) -> PyErr {
    match error {
        // the kind of OSError that Python has for what the system said
        IoError::Read { source, .. } | IoError::Write { source, .. } => {
            io::Error::new(source.kind(), error.to_string()).into()
        }
        _ => PyValueError::new_err(error.to_string()),
    }
}

/// The exception for a study.
pub fn raise_study(error: &StudyError, whom: &str) -> PyErr {
    match error {
        StudyError::Fit(error) => raise(error, whom),
        StudyError::Io(error) => raise_io(error),
        StudyError::Locked { .. } => PyOSError::new_err(error.to_string()),
        _ => PyValueError::new_err(error.to_string()),
    }
}

/// The data is X in Python.
fn named(operand: &'static str) -> &'static str {
    match operand {
        "V" => "X",
        "weights" => "entry_weight",
        other => other,
    }
}
