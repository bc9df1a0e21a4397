//! What is known of W and H before a fit, from files and numbers.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use orthant::{Bound, Dense, Error, Factor, Nmf};
use orthant_io::{AnyTable, ReadOptions, Scalar, Table, read_matrix};
use orthant_report::Known as Fixed;

use crate::Failure;
use crate::failure::in_matrix;
use crate::say;

/// What is said to be known.
#[derive(Clone, Debug, clap::Args)]
#[group(multiple = true)]
pub struct KnownArgs {
    /// Components that are known: a file with one in each row, which are the first rows of H and are kept, or with entries that are
    /// NaN or empty, which are found. Columns with names are taken by the names that the data has
    #[arg(long, value_name = "FILE", conflicts_with = "minibatch", help_heading = "Known parts")]
    fixed_h: Option<PathBuf>,
    /// Columns of W that are known, likewise: its first ones. Rows with names are taken by the names that the data has
    #[arg(long, value_name = "FILE", conflicts_with = "minibatch", help_heading = "Known parts")]
    fixed_w: Option<PathBuf>,
    /// No entry of H is below this number, or below the one at its place in this file
    #[arg(long, value_name = "NUMBER|FILE", conflicts_with = "minibatch", help_heading = "Known parts")]
    #[arg(allow_negative_numbers = true)]
    lower_h: Option<Limit>,
    /// Nor above this one
    #[arg(long, value_name = "NUMBER|FILE", conflicts_with = "minibatch", help_heading = "Known parts")]
    #[arg(allow_negative_numbers = true)]
    upper_h: Option<Limit>,
    /// The same of W
    #[arg(long, value_name = "NUMBER|FILE", conflicts_with = "minibatch", help_heading = "Known parts")]
    #[arg(allow_negative_numbers = true)]
    lower_w: Option<Limit>,
    /// And above
    #[arg(long, value_name = "NUMBER|FILE", conflicts_with = "minibatch", help_heading = "Known parts")]
    #[arg(allow_negative_numbers = true)]
    upper_w: Option<Limit>,
}

/// A bound.
#[derive(Clone, Debug)]
enum Limit {
    Number(f64),
    File(PathBuf),
}

impl FromStr for Limit {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.parse().map_or_else(|_| Self::File(text.into()), Self::Number))
    }
}

/// What is known, and where it comes from.
pub struct Known<T> {
    factors: [Factor<T>; 2],
    files: Vec<Read<T>>,
}

/// A file that has been read.
struct Read<T> {
    /// What messages call it.
    operand: &'static str,
    path: PathBuf,
    table: Table<T>,
    /// The row and column of the file at each row and column of the factor, where they were taken by name.
    rows: Option<Vec<Option<usize>>>,
    columns: Option<Vec<Option<usize>>>,
}

impl KnownArgs {
    /// The files.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        let limits = [&self.lower_h, &self.upper_h, &self.lower_w, &self.upper_w];
        let files = limits.into_iter().filter_map(|limit| match limit {
            Some(Limit::File(path)) => Some(path),
            _ => None,
        });
        self.fixed_h.iter().chain(&self.fixed_w).chain(files)
    }

    /// Reads them, for that data.
    pub fn read<T: Scalar>(&self, data: &AnyTable<T>) -> Result<Known<T>, Failure> {
        let mut files = Vec::new();
        let mut known =
            |fixed: &Option<PathBuf>, lower: &Option<Limit>, upper: &Option<Limit>, of: [&'static str; 3]| {
                let mut factor = Factor::new();
                let mut read = |operand, path: &PathBuf| {
                    let read = Read::new(operand, path, data)?;
                    let matrix = read.matrix();
                    files.push(read);
                    Ok::<_, Failure>(matrix)
                };
                if let Some(path) = fixed {
                    factor = factor.fixed(&read(of[0], path)?);
                }
                let mut bound = |operand, limit: &Limit| match limit {
                    Limit::Number(number) => Ok::<_, Failure>(Bound::All(T::from_f64(*number))),
                    Limit::File(path) => Ok(Bound::Each(read(operand, path)?)),
                };
                if let Some(limit) = lower {
                    factor = factor.lower(bound(of[1], limit)?);
                }
                if let Some(limit) = upper {
                    factor = factor.upper(bound(of[2], limit)?);
                }
                Ok::<_, Failure>(factor)
            };
        let of_w = ["fixed W", "lower bound of W", "upper bound of W"];
        let of_h = ["fixed H", "lower bound of H", "upper bound of H"];
        let w = known(&self.fixed_w, &self.lower_w, &self.upper_w, of_w)?;
        let h = known(&self.fixed_h, &self.lower_h, &self.upper_h, of_h)?;
        Ok(Known { factors: [w, h], files })
    }
}

impl<T: Scalar> Known<T> {
    /// Nothing.
    pub fn nothing() -> Self {
        Self { factors: [Factor::new(), Factor::new()], files: Vec::new() }
    }

    /// How many entries of each component are fixed.
    pub fn fixed(&self, components: usize) -> Vec<Fixed> {
        let mut fixed = vec![Fixed::default(); components];
        for file in self.files.iter().filter(|file| file.operand.starts_with("fixed")) {
            let matrix = file.matrix();
            for i in 0..matrix.nrows() {
                for j in (0..matrix.ncols()).filter(|&j| !matrix[(i, j)].to_f64().is_nan()) {
                    let (component, of_h) = if file.operand.ends_with('H') { (i, true) } else { (j, false) };
                    let Some(fixed) = fixed.get_mut(component) else { continue };
                    *if of_h { &mut fixed.of_h } else { &mut fixed.of_w } += 1;
                }
            }
        }
        fixed
    }

    /// A fit in which it is known.
    pub fn of(&self, nmf: Nmf<T>) -> Nmf<T> {
        let [w, h] = self.factors.clone();
        nmf.w(w).h(h)
    }

    /// An error about it.
    pub fn failure(&self, error: &Error) -> Option<Failure> {
        let wrong = |name: &str| ["fixed ", "lower ", "upper "].iter().any(|start| name.starts_with(start));
        let file = |name| self.files.iter().find(|file| file.operand == name);
        match error {
            Error::InvalidParam { name, value, allowed } if wrong(name) => {
                let of =
                    file(*name).map_or_else(|| (*name).to_owned(), |file| file.path.display().to_string());
                Some(Failure::Usage(format!("{of}: {value} is not possible: {allowed}")))
            }
            Error::Negative { operand, .. } | Error::NonFinite { operand, .. }
                if wrong(operand) && file(*operand).is_none() =>
            {
                Some(Failure::Usage(format!("the {operand} must be a finite number of at least 0")))
            }
            _ => self.files.iter().find_map(|file| {
                let place = |of: &Option<Vec<Option<usize>>>, at: usize| {
                    of.as_ref().map_or(Some(at), |of| of[at]).unwrap_or(at)
                };
                let locate = |row, col| file.table.locate(place(&file.rows, row), place(&file.columns, col));
                in_matrix(error, file.operand, locate, &file.path)
            }),
        }
    }
}

impl<T: Scalar> Read<T> {
    fn new(operand: &'static str, path: &Path, data: &AnyTable<T>) -> Result<Self, Failure> {
        let table: Table<T> = read_matrix(path, &ReadOptions { missing: true, ..ReadOptions::default() })?;
        say::remarks_of_factor(path, table.remarks());
        let of_h = operand.ends_with('H');
        let (own, wanted) = match of_h {
            true => (table.col_names(), data.col_names()),
            false => (table.row_names(), data.row_names()),
        };
        let what = if of_h { "columns" } else { "rows" };
        let found =
            own.zip(wanted).map(|(own, wanted)| taken(&Names { path, what, own, wanted })).transpose()?;
        let (rows, columns) = if of_h { (None, found) } else { (found, None) };
        Ok(Self { operand, path: path.to_path_buf(), table, rows, columns })
    }

    /// The matrix at the places of the factor; what the file has no name for is free.
    fn matrix(&self) -> Dense<T> {
        let view = self.table.view();
        let all = |of: &Option<Vec<Option<usize>>>, len: usize| {
            of.clone().unwrap_or_else(|| (0..len).map(Some).collect::<Vec<_>>())
        };
        let (rows, columns) = (all(&self.rows, view.nrows()), all(&self.columns, view.ncols()));
        let nowhere = match self.operand {
            operand if operand.starts_with("fixed") => f64::NAN,
            operand if operand.starts_with("upper") => f64::INFINITY,
            _ => 0.0,
        };
        Dense::from_fn(rows.len(), columns.len(), |i, j| match (rows[i], columns[j]) {
            (Some(row), Some(col)) => view.at(row, col),
            _ => T::from_f64(nowhere),
        })
    }
}

/// The names of lines that a file has, and those of the data.
pub struct Names<'a> {
    /// The file.
    pub path: &'a Path,
    /// Rows or columns.
    pub what: &'a str,
    /// Its names.
    pub own: &'a [String],
    /// The data's.
    pub wanted: &'a [String],
}

/// Where the names of the data are among those of a file.
pub fn matched(names: &Names<'_>) -> Result<Vec<Option<usize>>, Failure> {
    let Names { path, what, own, wanted } = *names;
    let at: HashMap<&str, usize> = own.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    let path = path.display();
    if at.len() < own.len() {
        return Err(Failure::Run(format!(
            "{path}: several {what} have the same name, so they cannot be told apart"
        )));
    }
    let found: Vec<Option<usize>> = wanted.iter().map(|name| at.get(name.as_str()).copied()).collect();
    let count = found.iter().flatten().count();
    if count == 0 {
        return Err(Failure::Run(format!(
            "{path}: none of its {what} has a name that the data has; its first is {:?}, the data's {:?}",
            own.first().map_or("", String::as_str),
            wanted.first().map_or("", String::as_str)
        )));
    }
    if count < own.len() {
        say::warning(format_args!(
            "{path}: {} of its {what} are not in the data, and are left out",
            own.len() - count
        ));
    }
    Ok(found)
}

/// The same of known parts, where lines that the file does not have are free.
fn taken(names: &Names<'_>) -> Result<Vec<Option<usize>>, Failure> {
    let found = matched(names)?;
    let free = found.iter().filter(|at| at.is_none()).count();
    if free > 0 {
        let Names { path, what, .. } = names;
        say::warning(format_args!(
            "{}: {free} {what} of the data are not in it, and are free",
            path.display()
        ));
    }
    Ok(found)
}
