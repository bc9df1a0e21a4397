//! Looking at V row by row, and copies of parts of it.

use orthant::{Csr, Dense, EntryWeights, Error, Matrix, Real, ToMatrix};
use xxhash_rust::xxh3::Xxh3;

use crate::error::unsupported;

/// Refuses data that is not in memory.
///
/// # Errors
/// [`Error::Unsupported`].
pub fn in_memory<T: Real>(v: &Matrix<'_, T>) -> Result<(), Error> {
    match v {
        Matrix::OutOfCore(_) => Err(unsupported(
            "a study of data that is not in memory",
            "each of its fits would read it in every pass; one fit at a time does",
        )),
        _ => Ok(()),
    }
}

/// The same matrix, of which rows can be looked at: sparse columns are copied.
pub fn by_rows<'a, T: Real>(v: &'a Matrix<'_, T>) -> Matrix<'a, T> {
    match v {
        Matrix::Csc(v) => Matrix::Csr(v.to_csr()),
        _ => v.by_ref(),
    }
}

/// Calls `f` with the column and the value of each entry of a row, of a matrix [by rows](by_rows): of a sparse one, of each that is
/// stored.
pub fn each<T: Real>(v: &Matrix<'_, T>, i: usize, mut f: impl FnMut(usize, T)) {
    match v {
        Matrix::Dense(v) => (0..v.ncols()).for_each(|j| f(j, v.at(i, j))),
        Matrix::Csr(v) => v.row(i).for_each(|(j, x)| f(j, x)),
        Matrix::Csc(_) | Matrix::OutOfCore(_) => unreachable!("rows are in memory"),
    }
}

/// Whether every entry is a whole number of at least 0 that is exact.
pub fn is_counts<T: Real>(v: &Matrix<'_, T>) -> bool {
    let most = 1.0 / T::EPSILON.to_f64();
    let whole = |x: T| {
        let x = x.to_f64();
        x >= 0.0 && x <= most && x.fract() == 0.0
    };
    match v {
        Matrix::Dense(v) => (0..v.nrows()).all(|i| (0..v.ncols()).all(|j| whole(v.at(i, j)))),
        Matrix::Csr(v) => (0..v.nrows()).all(|i| v.row(i).all(|(_, x)| whole(x))),
        Matrix::Csc(v) => {
            let v = v.transposed();
            (0..v.nrows()).all(|i| v.row(i).all(|(_, x)| whole(x)))
        }
        Matrix::OutOfCore(_) => unreachable!("studied data is in memory"),
    }
}

/// A matrix of its own.
#[derive(Debug)]
pub enum Part<T: Real> {
    /// All entries.
    Dense(Dense<T>),
    /// Those that are not 0.
    Sparse(Csr<'static, T>),
}

impl<T: Real> ToMatrix<T> for Part<T> {
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        match self {
            Self::Dense(v) => v.to_matrix(),
            Self::Sparse(v) => v.to_matrix(),
        }
    }
}

/// The rows and columns of these numbers, which ascend, of a matrix [by rows](by_rows).
pub fn select<T: Real>(v: &Matrix<'_, T>, rows: &[usize], columns: &[usize]) -> Result<Part<T>, Error> {
    match v {
        Matrix::Dense(v) => {
            Ok(Part::Dense(Dense::from_fn(rows.len(), columns.len(), |i, j| v.at(rows[i], columns[j]))))
        }
        _ => {
            let mut place = vec![None; v.ncols()];
            columns.iter().enumerate().for_each(|(to, &j)| place[j] = Some(to as u32));
            let mut out = Builder::new();
            for &i in rows {
                each(v, i, |j, x| {
                    if let Some(to) = place[j] {
                        out.push(to, x);
                    }
                });
                out.end_row();
            }
            out.build(rows.len(), columns.len()).map(Part::Sparse)
        }
    }
}

/// The transpose of a part.
pub fn transposed<T: Real>(part: &Part<T>) -> Part<T> {
    match part {
        Part::Dense(v) => Part::Dense(v.transposed()),
        Part::Sparse(v) => Part::Sparse(v.to_transposed()),
    }
}

/// A sparse matrix as it grows row by row.
pub struct Builder<T> {
    starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<T>,
}

impl<T: Real> Builder<T> {
    pub fn new() -> Self {
        Self { starts: vec![0], columns: Vec::new(), values: Vec::new() }
    }

    pub fn push(&mut self, column: u32, x: T) {
        self.columns.push(column);
        self.values.push(x);
    }

    pub fn end_row(&mut self) {
        self.starts.push(self.columns.len());
    }

    pub fn build(self, m: usize, n: usize) -> Result<Csr<'static, T>, Error> {
        Ok(Csr::new(m, n, self.starts, self.columns, self.values)?)
    }
}

/// What to say of data that stands otherwise in memory.
pub const OTHER_ORDER: &str =
    ", which lies in another order in memory, rows or columns first; the bits of fits depend on that";

/// XXH3-128 of the weights of entries: of row, column and weight of each.
pub fn fingerprint_of_weights<T: Real>(weights: &EntryWeights<T>) -> String {
    let mut hash = Xxh3::new();
    for (i, j, weight) in weights.iter() {
        hash.update(&(i as u64).to_le_bytes());
        hash.update(&(j as u64).to_le_bytes());
        hash.update(&weight.to_f64().to_le_bytes());
    }
    format!("{:032x}", hash.digest128())
}

#[cfg(test)]
mod tests {
    use super::*;
    use orthant::View;

    #[test]
    fn counts_are_whole_and_exact() {
        let counts = |x: &[f64]| is_counts(&Matrix::Dense(View::row_major(x, 1, x.len()).unwrap()));
        assert!(counts(&[0.0, 3.0, 1e6]));
        assert!(!counts(&[0.5]) && !counts(&[-1.0]) && !counts(&[f64::NAN]) && !counts(&[1e300]));
    }

    #[test]
    fn parts_are_the_same_dense_and_sparse() {
        let v = Dense::from_fn(5, 4, |i, j| if (i + j) % 2 == 0 { (i * 4 + j) as f64 } else { 0.0 });
        let sparse = Csr::of_dense(&v);
        let (rows, columns) = ([0, 3, 4], [1, 2]);
        let (Part::Dense(a), Part::Sparse(b)) = (
            select(&v.to_matrix().unwrap(), &rows, &columns).unwrap(),
            select(&sparse.to_matrix().unwrap(), &rows, &columns).unwrap(),
        ) else {
            panic!("as they came")
        };
        assert_eq!(a, b.to_dense());
        assert_eq!(a[(1, 0)], v[(3, 1)]);
    }
}
