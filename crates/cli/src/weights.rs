//! The W that goes with a saved model.

use std::path::{Path, PathBuf};

use orthant::Error;
use orthant_io::{Fingerprint, ReadOptions, SavedModel, Scalar, Table, read_matrix};

use crate::failure::in_matrix;
use crate::print::count;
use crate::{Failure, results};

/// The file of W beside a model.
pub fn beside(model: &Path) -> PathBuf {
    model.with_file_name(results::WEIGHTS)
}

/// Reads W from a file: one that stands beside the `model` it was found with, or another that is `given`.
pub fn load<T: Scalar>(
    path: &Path,
    model: &Path,
    saved: &SavedModel<T>,
    given: bool,
) -> Result<Table<T>, Failure> {
    let w = read_matrix::<T>(path, &ReadOptions::default())?;
    let of_the_fit = saved.manifest.weights.as_ref().filter(|_| !given);
    if of_the_fit.is_some_and(|found| *found != Fingerprint::of(&w)) {
        return Err(Failure::Run(format!(
            "{}: not the weights that were found with the model in {}; if they go together all the same, say \
             --weights {0}",
            path.display(),
            model.display()
        )));
    }
    all_non_negative(&w, path)?;
    let (found, expected) = (w.ncols(), saved.model.rank());
    if found != expected {
        return Err(Failure::Run(format!(
            "{}: {}, but the model has {}",
            path.display(),
            count(found, "column", "columns"),
            count(expected, "component", "components")
        )));
    }
    Ok(w)
}

/// Refuses a W with entries that no weights can be.
fn all_non_negative<T: Scalar>(w: &Table<T>, path: &Path) -> Result<(), Failure> {
    let view = w.view();
    for row in 0..w.nrows() {
        for col in 0..w.ncols() {
            let (operand, value) = ("W", view.at(row, col).to_f64());
            let error = match value {
                _ if !value.is_finite() => Error::NonFinite { operand, row, col, value },
                _ if value < 0.0 => Error::Negative { operand, row, col, value },
                _ => continue,
            };
            let failure = in_matrix(&error, operand, |row, col| w.locate(row, col), path);
            return Err(failure.unwrap_or_else(|| error.into()));
        }
    }
    Ok(())
}
