//! Known signatures, from a table.

use std::path::Path;

use orthant_io::{ReadOptions, Table, read_matrix};

use crate::Failure;

/// Signatures with their names, over the mutation types of a catalogue in its order.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    pub names: Vec<String>,
    pub signatures: Vec<Vec<f64>>,
}

impl Known {
    /// Reads a table with a signature in each column, or in each row. Its mutation types are found by the names of the catalogue's
    /// `n`; where one of the two has no names, they are in the same order.
    pub fn read(path: &Path, types: Option<&[String]>, n: usize) -> Result<Self, Failure> {
        let table: Table<f64> = read_matrix(path, &ReadOptions::default())?;
        let failed = |why: String| Failure::Run(format!("{}: {why}", path.display()));
        let view = table.view();
        if view.nrows() == 0 || view.ncols() == 0 {
            return Err(failed("there are no signatures in it".into()));
        }
        for (i, j) in (0..view.nrows()).flat_map(|i| (0..view.ncols()).map(move |j| (i, j))) {
            if !(view.at(i, j) >= 0.0 && view.at(i, j).is_finite()) {
                let place = table.locate(i, j);
                return Err(Failure::Run(format!(
                    "{place}: {} is not a number of at least 0",
                    view.at(i, j)
                )));
            }
        }
        let in_columns = |rows: &[usize]| Self {
            names: names(table.col_names(), view.ncols()),
            signatures: (0..view.ncols()).map(|j| rows.iter().map(|&i| view.at(i, j)).collect()).collect(),
        };
        let in_rows = |columns: &[usize]| Self {
            names: names(table.row_names(), view.nrows()),
            signatures: (0..view.nrows()).map(|i| columns.iter().map(|&j| view.at(i, j)).collect()).collect(),
        };
        let all: Vec<usize> = (0..n).collect();
        match (types, table.row_names(), table.col_names()) {
            (Some(types), rows, columns) if rows.is_some() || columns.is_some() => {
                match (places(types, rows), places(types, columns)) {
                    (Ok(rows), _) => Ok(in_columns(&rows)),
                    (_, Ok(columns)) => Ok(in_rows(&columns)),
                    (Err(missing), Err(_)) => Err(failed(format!(
                        "neither a row nor a column is called '{missing}', as a mutation type of the catalogue is"
                    ))),
                }
            }
            _ if view.nrows() == n => Ok(in_columns(&all)),
            _ if view.ncols() == n => Ok(in_rows(&all)),
            _ => Err(failed(format!(
                "{}×{}, and the catalogue has {n} mutation types: one side has to be that, or both files need their names",
                view.nrows(),
                view.ncols()
            ))),
        }
    }
}

/// Where each of these names stands; the first that does not.
fn places<'a>(types: &'a [String], names: Option<&[String]>) -> Result<Vec<usize>, &'a str> {
    let names = names.unwrap_or_default();
    let place = |of: &'a String| names.iter().position(|name| name == of).ok_or(of.as_str());
    types.iter().map(place).collect()
}

fn names(names: Option<&[String]>, count: usize) -> Vec<String> {
    names.map_or_else(|| (0..count).map(|t| format!("known_{t}")).collect(), <[String]>::to_vec)
}
