//! Looking at V row by row, and copies of parts of it.

use orthant::{Csr, Dense, EntryWeights, Error, Matrix, Real, ToMatrix};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use xxhash_rust::xxh3::Xxh3;

use crate::error::unsupported;
use crate::key::hash;

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
    no_count(v).is_none()
}

/// The row, the column and the value of the first entry that is not such a number.
pub fn no_count<T: Real>(v: &Matrix<'_, T>) -> Option<(usize, usize, f64)> {
    let most = 1.0 / T::EPSILON.to_f64();
    first(v, |x| !(x >= 0.0 && x <= most && x.fract() == 0.0))
}

/// Whether no entry is above 0.
pub fn is_zero<T: Real>(v: &Matrix<'_, T>) -> bool {
    first(v, |x| x > 0.0).is_none()
}

/// The sum of all entries.
pub fn total<T: Real>(v: &Matrix<'_, T>) -> f64 {
    let mut total = 0.0;
    first(v, |x| {
        total += x;
        false
    });
    total
}

/// The row, the column and the value of the first entry for which a condition holds: of a sparse matrix, of the first stored one.
pub fn first<T: Real>(v: &Matrix<'_, T>, mut holds: impl FnMut(f64) -> bool) -> Option<(usize, usize, f64)> {
    let mut in_row = |v: &Csr<'_, T>| {
        (0..v.nrows()).find_map(|i| v.row(i).map(|(j, x)| (i, j, x.to_f64())).find(|(.., x)| holds(*x)))
    };
    match v {
        Matrix::Csr(v) => in_row(v),
        Matrix::Csc(v) => in_row(v.transposed()).map(|(j, i, x)| (i, j, x)),
        Matrix::Dense(v) => (0..v.nrows())
            .find_map(|i| (0..v.ncols()).map(|j| (i, j, v.at(i, j).to_f64())).find(|(.., x)| holds(*x))),
        Matrix::OutOfCore(_) => unreachable!("studied data is in memory"),
    }
}

/// The stream of random numbers that has this name.
pub fn stream(name: &str) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(hash(name))
}

/// The numbers below `count` in a random order, which has this name.
pub fn shuffled(count: usize, name: &str) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..count).collect();
    numbers.sort_by_cached_key(|number| hash(&format!("{name}/{number}")));
    numbers
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

/// A copy of a matrix [by rows](by_rows), in each row of which `replace` has replaced the entries: of a sparse one, those that are
/// stored.
pub fn replaced<T: Real>(
    v: &Matrix<'_, T>,
    mut replace: impl FnMut(usize, &mut [T]),
) -> Result<Part<T>, Error> {
    let (m, n) = (v.nrows(), v.ncols());
    if matches!(v, Matrix::Dense(_)) {
        let mut out = Dense::zeros(m, n);
        for (i, row) in out.as_mut_slice().chunks_exact_mut(n.max(1)).enumerate() {
            each(v, i, |j, x| row[j] = x);
            replace(i, row);
        }
        return Ok(Part::Dense(out));
    }
    let mut out = Builder::new();
    for i in 0..m {
        each(v, i, |j, x| out.push(j as u32, x));
        replace(i, out.row_mut());
        out.end_row();
    }
    out.build(m, n).map(Part::Sparse)
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

    /// The values of the row that has not ended.
    pub fn row_mut(&mut self) -> &mut [T] {
        &mut self.values[self.starts[self.starts.len() - 1]..]
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

/// A part with all its entries.
#[cfg(test)]
pub fn dense<T: Real>(part: &Part<T>) -> Dense<T> {
    match part {
        Part::Dense(v) => v.clone(),
        Part::Sparse(v) => v.to_dense(),
    }
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
