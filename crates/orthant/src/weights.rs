//! How much entries of V count.

use orthant_kernel::Real;

use crate::out_of_core::needs_memory;
use crate::{Error, Matrix, ToMatrix};

/// How much each entry of V counts: the loss is Σ ω_ij·d(v_ij | (WH)_ij). Entries that count 0 are not observed.
///
/// ```
/// use orthant::{Dense, EntryWeights, Nmf};
/// // measured with uncertainties u: each counts 1/u²
/// let v = Dense::from_fn(20, 12, |i, j| ((i % 3 + 1) * (j % 4 + 1)) as f64);
/// let u = Dense::from_fn(20, 12, |i, j| 0.1 + ((i + j) % 5) as f64 / 10.0);
/// let fit = Nmf::new(1).entry_weights(EntryWeights::of_uncertainties(&u)?).fit(&v)?;
/// assert!(fit.report.relative_error < 1e-6);
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct EntryWeights<T> {
    pub(crate) shape: (usize, usize),
    /// Where each row begins, and the end of the last.
    starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<T>,
}

impl<T: Real> EntryWeights<T> {
    /// The weights in a matrix of V's shape, dense or sparse; what a sparse one does not store counts 0.
    ///
    /// # Errors
    /// [`Error::NonFinite`] and [`Error::Negative`] with the place.
    pub fn new(weights: &impl ToMatrix<T>) -> Result<Self, Error> {
        Self::of(&weights.to_matrix()?, "weights", |w| w)
    }

    /// 1 where a matrix of V's shape is not 0, or where a sparse one stores an entry: what is observed.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn observed(pattern: &impl ToMatrix<T>) -> Result<Self, Error> {
        Self::of(&pattern.to_matrix()?, "observed", |_| T::ONE)
    }

    /// 1/u² for uncertainties u in a matrix of V's shape.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`Error::InvalidParam`] for an uncertainty of 0.
    pub fn of_uncertainties(uncertainties: &impl ToMatrix<T>) -> Result<Self, Error> {
        let matrix = uncertainties.to_matrix()?;
        let (m, n) = (matrix.nrows(), matrix.ncols());
        let weights = Self::of(&matrix, "uncertainties", |u| T::ONE / (u * u))?;
        let whole = matrix.nnz().is_none_or(|nnz| nnz == m * n) && weights.values.len() == m * n;
        if !whole || weights.values.iter().any(|w| !w.is_finite()) {
            return Err(Error::InvalidParam {
                name: "uncertainties",
                value: "0".into(),
                allowed: "above 0, and 1/u² a finite number".into(),
            });
        }
        Ok(weights)
    }

    fn of(matrix: &Matrix<'_, T>, operand: &'static str, weight: impl Fn(T) -> T) -> Result<Self, Error> {
        let (m, n) = (matrix.nrows(), matrix.ncols());
        let (mut starts, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
        let rows = matrix.with_rows();
        for row in 0..m {
            let mut put = |col: usize, x: T| {
                let value = x.to_f64();
                if !value.is_finite() {
                    return Err(Error::NonFinite { operand, row, col, value });
                }
                if value < 0.0 {
                    return Err(Error::Negative { operand, row, col, value });
                }
                if value > 0.0 {
                    columns.push(col as u32);
                    values.push(weight(x));
                }
                Ok(())
            };
            match &rows {
                Matrix::Dense(v) => (0..n).try_for_each(|j| put(j, v.at(row, j)))?,
                Matrix::Csr(v) => v.row(row).try_for_each(|(j, x)| put(j, x))?,
                Matrix::Csc(_) => unreachable!("rows were copied"),
                Matrix::OutOfCore(_) => return Err(needs_memory("weights")),
            }
            starts.push(columns.len());
        }
        Ok(Self { shape: (m, n), starts, columns, values })
    }

    /// The entries that count, row by row: row, column and weight.
    ///
    /// ```
    /// use orthant::{Dense, EntryWeights};
    /// let weights = EntryWeights::new(&Dense::from_fn(2, 2, |i, j| (i * j) as f64))?;
    /// assert_eq!(weights.iter().collect::<Vec<_>>(), [(1, 1, 1.0)]);
    /// # Ok::<(), orthant::Error>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (usize, usize, T)> + '_ {
        (0..self.shape.0).flat_map(|i| self.row(i).map(move |(j, weight)| (i, j, weight)))
    }

    /// Those of some entries; the others count nothing.
    pub(crate) fn only(&self, stays: impl Fn(usize, usize) -> bool) -> Self {
        let (mut starts, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
        for i in 0..self.shape.0 {
            for (j, weight) in self.row(i).filter(|&(j, _)| stays(i, j)) {
                columns.push(j as u32);
                values.push(weight);
            }
            starts.push(columns.len());
        }
        Self { shape: self.shape, starts, columns, values }
    }

    /// Those of m×n entries that count as `weight` says of their row and column, and by those weights where there are any.
    pub(crate) fn of_entries(
        weight: impl Fn(usize, usize) -> f64,
        also: Option<&Self>,
        (m, n): (usize, usize),
    ) -> Self {
        let (mut starts, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
        for i in 0..m {
            let mut put = |j: usize, also: f64| {
                let both = T::from_f64(also * weight(i, j));
                if both > T::ZERO {
                    columns.push(j as u32);
                    values.push(both);
                }
            };
            match also {
                Some(also) => also.row(i).for_each(|(j, also)| put(j, also.to_f64())),
                None => (0..n).for_each(|j| put(j, 1.0)),
            }
            starts.push(columns.len());
        }
        Self { shape: (m, n), starts, columns, values }
    }

    /// The columns that count in a row, and how much.
    pub(crate) fn row(&self, i: usize) -> impl Iterator<Item = (usize, T)> + '_ {
        let range = self.starts[i]..self.starts[i + 1];
        self.columns[range.clone()].iter().zip(&self.values[range]).map(|(&j, &w)| (j as usize, w))
    }
}
