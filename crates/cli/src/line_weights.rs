//! How much rows and columns of the data count, from files with a number for each.

use std::path::{Path, PathBuf};

use orthant::{Error, Nmf};
use orthant_io::{AnyTable, ReadOptions, Scalar, Table, read_matrix};

use crate::Failure;
use crate::failure::in_matrix;
use crate::known::{Names, matched};
use crate::say;

/// Which files say so.
#[derive(Clone, Debug, clap::Args)]
#[group(multiple = true)]
pub struct LineWeightArgs {
    /// How often each row counts, its penalty too: a file with a number of at least 0 for each, in one column or one row. Rows with
    /// names are taken by the names that the data has. A row of weight 0 is fitted by what the others find
    #[arg(long, value_name = "FILE", conflicts_with = "minibatch", help_heading = "Data")]
    row_weights: Option<PathBuf>,
    /// How often each column counts, likewise; new rows that are transformed by the model are fitted by them too
    #[arg(long, value_name = "FILE", conflicts_with = "minibatch", help_heading = "Data")]
    column_weights: Option<PathBuf>,
}

/// Weights of rows and of columns.
#[derive(Default)]
pub struct Lines {
    rows: Option<Weights>,
    columns: Option<Weights>,
}

/// Those of one file.
struct Weights {
    path: PathBuf,
    table: Table<f64>,
    /// Where the file has each line's, if it has them by name.
    at: Option<Vec<usize>>,
    of_lines: Vec<f64>,
}

impl LineWeightArgs {
    /// The files.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.row_weights.iter().chain(&self.column_weights)
    }

    /// Reads them, for that data.
    pub fn read<T: Scalar>(&self, data: &AnyTable<T>) -> Result<Lines, Failure> {
        let read = |path: &Option<PathBuf>, what, names| {
            path.as_ref().map(|path| Weights::read(path, what, names)).transpose()
        };
        Ok(Lines {
            rows: read(&self.row_weights, "rows", data.row_names())?,
            columns: read(&self.column_weights, "columns", data.col_names())?,
        })
    }
}

impl Lines {
    /// A fit by these weights.
    pub fn of<T: Scalar>(&self, mut nmf: Nmf<T>) -> Nmf<T> {
        if let Some(rows) = &self.rows {
            nmf = nmf.row_weights(&rows.of_lines);
        }
        if let Some(columns) = &self.columns {
            nmf = nmf.column_weights(&columns.of_lines);
        }
        nmf
    }

    /// An error about them.
    pub fn failure(&self, error: &Error) -> Option<Failure> {
        let of = |weights: &Option<Weights>, operand: &str, option: &str| {
            let weights = weights.as_ref()?;
            let place = |row: usize, col: usize| weights.place(row.max(col));
            match error {
                Error::InvalidParam { name, value, allowed } if *name == option => Some(Failure::Run(
                    format!("{}: {value} is not possible: {allowed}", weights.path.display()),
                )),
                _ => in_matrix(
                    error,
                    operand,
                    |row, col| {
                        let (row, col) = place(row, col);
                        weights.table.locate(row, col)
                    },
                    &weights.path,
                ),
            }
        };
        of(&self.rows, "row weights", "row_weights")
            .or_else(|| of(&self.columns, "column weights", "column_weights"))
    }
}

impl Weights {
    fn read(path: &Path, what: &str, wanted: Option<&[String]>) -> Result<Self, Failure> {
        let table: Table<f64> = read_matrix(path, &ReadOptions { missing: true, ..ReadOptions::default() })?;
        say::remarks_of_factor(path, table.remarks());
        let (m, n) = (table.nrows(), table.ncols());
        if m != 1 && n != 1 {
            return Err(Failure::Run(format!(
                "{}: {m}×{n}, but weights are one number for each of the {what} of the data, in one column or one row",
                path.display()
            )));
        }
        let own = if n == 1 { table.row_names() } else { table.col_names() };
        let at = own.zip(wanted).map(|(own, wanted)| by_name(path, what, own, wanted)).transpose()?;
        let mut weights = Self { path: path.to_owned(), table, at, of_lines: Vec::new() };
        let count = weights.at.as_ref().map_or(m * n, Vec::len);
        let view = weights.table.view();
        weights.of_lines = (0..count)
            .map(|line| {
                let (row, col) = weights.place(line);
                view.at(row, col)
            })
            .collect();
        Ok(weights)
    }

    /// Where the file has the weight of a line.
    fn place(&self, line: usize) -> (usize, usize) {
        let at = self.at.as_ref().and_then(|at| at.get(line).copied()).unwrap_or(line);
        if self.table.ncols() == 1 { (at, 0) } else { (0, at) }
    }
}

/// Where the weights of the lines of the data are by their names; every line has one.
fn by_name(path: &Path, what: &str, own: &[String], wanted: &[String]) -> Result<Vec<usize>, Failure> {
    let found = matched(&Names { path, what, own, wanted })?;
    let missing = found.iter().position(Option::is_none);
    if let Some(at) = missing {
        return Err(Failure::Run(format!("{}: it has no weight for {:?}", path.display(), wanted[at])));
    }
    Ok(found.into_iter().flatten().collect())
}
