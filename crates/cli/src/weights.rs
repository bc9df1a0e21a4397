//! The W that goes with a saved model.

use std::path::{Path, PathBuf};

use orthant::Error;
use orthant_io::{Decimal, Delimiter, Detect, ReadOptions, SavedModel, Scalar, Table, read_matrix};

use crate::failure::in_matrix;
use crate::print::count;
use crate::results::{WEIGHTS, names_components, opening};
use crate::{Failure, say};

/// The file of W beside a model: the first of its formats that is there.
pub fn beside(model: &Path) -> PathBuf {
    let mut files = WEIGHTS.map(|name| model.with_file_name(name)).into_iter();
    files.clone().find(|file| file.exists()).or_else(|| files.next()).expect("W has a format")
}

/// The names of the rows of the data: a table of W beside the model has them, if it is of the same fit.
pub fn row_names<T: Scalar>(model: &Path, saved: &SavedModel<T>) -> Option<Vec<String>> {
    let tables = WEIGHTS[1..].iter().map(|name| model.with_file_name(name));
    let mut tables = tables.filter_map(|path| read_matrix::<T>(&path, &as_written(&path)).ok());
    let found = tables.find(|w| saved.manifest.weights.as_ref() == Some(&w.fingerprint()))?;
    found.row_names().map(<[String]>::to_vec)
}

/// How to read a W that a fit wrote: names are there or not, and nothing is guessed.
fn as_written(path: &Path) -> ReadOptions {
    let Ok([first, _]) = opening(path) else { return ReadOptions::default() };
    let named = names_components(&first);
    let say = |yes| if yes { Detect::Yes } else { Detect::No };
    let delimiter = path.extension().is_some_and(|ending| ending == "tsv").then_some(Delimiter::Tab);
    ReadOptions {
        header: say(named),
        labels: say(named && first.starts_with([',', '\t'])),
        delimiter: Some(delimiter.unwrap_or(Delimiter::Comma)),
        decimal: Some(Decimal::Point),
        ..ReadOptions::default()
    }
}

/// Reads W from a file: one that stands beside the `model` it was found with, or another that is `given`.
pub fn load<T: Scalar>(
    path: &Path,
    model: &Path,
    saved: &SavedModel<T>,
    given: bool,
) -> Result<Table<T>, Failure> {
    let table = !given && path.extension().is_some_and(|ending| ending != "npy");
    let options = if table { as_written(path) } else { ReadOptions::default() };
    let w = read_matrix::<T>(path, &options)?;
    if given {
        say::remarks_of_factor(path, w.remarks());
    }
    let of_the_fit = saved.manifest.weights.as_ref().filter(|_| !given);
    if of_the_fit.is_some_and(|found| *found != w.fingerprint()) {
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
