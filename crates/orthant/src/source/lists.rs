//! What is observed of V as lists: for each row the columns, the values, and how much each counts.

use orthant_kernel::{Csr, Real, allocate};

use super::unobserved::Counts;
use crate::{EntryWeights, Matrix, Missing};

/// The observed entries of V, by rows. All others have no part in a fit.
#[derive(Clone, Debug)]
pub(crate) struct Lists<'a, T: Real> {
    /// Zeros that are observed among them.
    pub values: Csr<'a, T>,
    /// Above 0, one for each; all are 1 where there are none.
    pub weights: Option<Vec<T>>,
}

impl<'a, T: Real> Lists<'a, T> {
    /// What is observed of V: of dense V what is not missing, of sparse V what is stored if zeros are missing; and with `weights`
    /// of it what counts more than 0.
    pub fn of(v: &'a Matrix<'a, T>, missing: Missing, weights: Option<&EntryWeights<T>>) -> Self {
        let (m, n) = (v.nrows(), v.ncols());
        if let (Matrix::Csr(v), None, Missing::Zeros) = (v, weights, missing) {
            return Self { values: v.by_ref(), weights: None };
        }
        let rows = v.with_rows();
        let (mut indptr, mut indices, mut values, mut all) =
            (allocate::room(m + 1), Vec::new(), Vec::new(), Vec::new());
        indptr.push(0_usize);
        for i in 0..m {
            let mut put = |j: usize, x: T| {
                indices.push(j as u32);
                values.push(x);
            };
            match (&rows, weights) {
                (Matrix::Dense(v), None) => {
                    (0..n)
                        .map(|j| (j, v.at(i, j)))
                        .filter(|(_, x)| !missing.is_missing(*x))
                        .for_each(|(j, x)| put(j, x));
                }
                (Matrix::Dense(v), Some(weights)) => {
                    for (j, w) in weights.row(i).filter(|&(j, _)| !missing.is_missing(v.at(i, j))) {
                        put(j, v.at(i, j));
                        all.push(w);
                    }
                }
                (Matrix::Csr(v), None) => v.row(i).for_each(|(j, x)| put(j, x)),
                (Matrix::Csr(v), Some(weights)) => {
                    let mut stored = v.row(i).peekable();
                    for (j, w) in weights.row(i) {
                        while stored.next_if(|(at, _)| *at < j).is_some() {}
                        let x = stored.next_if(|(at, _)| *at == j).map(|(_, x)| x);
                        if let Some(x) = x.or((missing != Missing::Zeros).then_some(T::ZERO)) {
                            put(j, x);
                            all.push(w);
                        }
                    }
                }
                (Matrix::Csc(_) | Matrix::OutOfCore(_), _) => unreachable!("rows are in memory"),
            }
            indptr.push(indices.len());
        }
        let values = Csr::keeping_zeros(m, n, indptr, indices, values).expect("columns ascend in every row");
        Self { values, weights: weights.map(|_| all) }
    }

    /// The same by columns.
    pub fn transposed(&self) -> Lists<'static, T> {
        let turned = |weights: &Vec<T>| {
            let turned = self.values.with_values(weights).to_transposed();
            let mut out = allocate::room(weights.len());
            (0..turned.nrows()).for_each(|j| out.extend(turned.row(j).map(|(_, w)| w)));
            out
        };
        Lists { values: self.values.to_transposed(), weights: self.weights.as_ref().map(turned) }
    }

    /// How much entry `e` counts.
    fn weight(&self, e: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights[e].to_f64())
    }

    /// `f(value, weight)` of each entry, in order.
    pub fn each(&self, mut f: impl FnMut(f64, f64)) {
        let mut e = 0;
        for i in 0..self.values.nrows() {
            for (_, x) in self.values.row(i) {
                f(x.to_f64(), self.weight(e));
                e += 1;
            }
        }
    }

    /// The mean of the entries, by their weights.
    pub fn mean(&self) -> f64 {
        let (mut sum, mut all) = (0.0, 0.0);
        self.each(|x, w| (sum, all) = (sum + w * x, all + w));
        sum / all
    }

    /// Σ ω·v^β.
    pub fn powers(&self, beta: f64) -> f64 {
        let mut sum = 0.0;
        self.each(|x, w| sum += if x == 0.0 { 0.0 } else { w * x.powf(beta) });
        sum
    }

    /// What is observed of rows, and of columns.
    pub fn observed(&self, rank: usize) -> [Counts; 2] {
        let (m, n) = (self.values.nrows(), self.values.ncols());
        let mut of_columns = vec![0; n];
        (0..m).for_each(|i| self.values.row(i).for_each(|(j, _)| of_columns[j] += 1));
        [Counts::of((0..m).map(|i| self.values.row_nnz(i)), rank), Counts::of(of_columns.into_iter(), rank)]
    }
}
