//! The library's errors as Python's, in words that scikit-learn's users know.

use orthant::Error;
use pyo3::PyErr;
use pyo3::exceptions::{PyMemoryError, PyRuntimeError, PyValueError};

/// The exception that `whom`, a class or a function, raises.
pub fn raise(error: &Error, whom: &str) -> PyErr {
    let text = match *error {
        Error::Negative { operand, row, col, value } => format!(
            "Negative values in data passed to {whom} (input {}): {value} at row {row}, column {col}",
            named(operand)
        ),
        Error::NonFinite { operand, row, col, value } => {
            let what = if value.is_nan() { "NaN" } else { "infinity" };
            let name = named(operand);
            format!(
                "Input {name} contains {what}: the first is at row {row}, column {col}.\n{whom} does not accept missing values \
                 encoded as NaN natively."
            )
        }
        Error::ZeroInNonPositiveBeta { row, col, count } => format!(
            "When beta_loss <= 0 and X contains zeros, the solver may diverge. Please add small values to X, or use a positive \
             beta_loss. X contains {count}, the first at row {row}, column {col}."
        ),
        _ => error.to_string(),
    };
    match error {
        Error::MemoryLimit { .. } | Error::TooLarge { .. } => PyMemoryError::new_err(text),
        Error::Panicked { .. } | Error::Threads { .. } => PyRuntimeError::new_err(text),
        _ => PyValueError::new_err(text),
    }
}

/// The data is X in Python.
fn named(operand: &'static str) -> &'static str {
    if operand == "V" { "X" } else { operand }
}
