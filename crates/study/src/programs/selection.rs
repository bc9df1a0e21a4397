//! Some columns of a sparse matrix, with other values.

use orthant::{Csr, Error, Real};

/// A matrix by rows, as its parts.
#[derive(Clone, Debug)]
pub struct Rows<T> {
    pub starts: Vec<usize>,
    pub columns: Vec<u32>,
    pub values: Vec<T>,
}

impl<T: Real> Rows<T> {
    pub fn new() -> Self {
        Self { starts: vec![0], columns: Vec::new(), values: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    pub fn end_row(&mut self) {
        self.starts.push(self.columns.len());
    }

    /// The columns and the values of a row.
    pub fn row(&self, i: usize) -> impl Iterator<Item = (usize, T)> + '_ {
        let range = self.starts[i]..self.starts[i + 1];
        self.columns[range.clone()].iter().zip(&self.values[range]).map(|(&j, &x)| (j as usize, x))
    }

    /// The columns that have a place in `to`, there, with the values that `value` makes of their row, their column here and their value.
    pub fn select<U: Real>(&self, to: &[Option<u32>], value: impl Fn(usize, usize, f64) -> f64) -> Rows<U> {
        let mut out = Rows::new();
        for i in 0..self.len() {
            for (j, x) in self.row(i) {
                if let Some(place) = to[j] {
                    out.columns.push(place);
                    out.values.push(U::from_f64(value(i, j, x.to_f64())));
                }
            }
            out.end_row();
        }
        out
    }

    /// As a matrix with `n` columns.
    pub fn into_matrix(self, n: usize) -> Result<Csr<'static, T>, Error> {
        Ok(Csr::new(self.len(), n, self.starts, self.columns, self.values)?)
    }
}
