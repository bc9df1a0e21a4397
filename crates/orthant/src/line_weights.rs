//! How much whole rows and columns of V count.

use std::sync::Arc;

use orthant_kernel::{Dense, Real, View, allocate};

use crate::error::invalid;
use crate::known::{self, Names};
use crate::{Csc, Error, Factor, Loss, Matrix, Penalty};

/// How often each row counts, and each column: the loss is Σ r_i·c_j·d(v_ij | (WH)_ij), and a penalty of a row of W counts r_i times,
/// that of a column of H c_j times.
#[derive(Clone, Debug, Default)]
pub(crate) struct LineWeights {
    pub rows: Option<Arc<[f64]>>,
    pub columns: Option<Arc<[f64]>>,
}

impl LineWeights {
    /// Those of which some are not 1, of an m×n matrix.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`], [`Error::NonFinite`], [`Error::Negative`]; [`Error::InvalidParam`] where all are 0.
    pub fn checked(&self, m: usize, n: usize) -> Result<Option<Self>, Error> {
        let of = |weights: &Option<Arc<[f64]>>,
                  name: &'static str,
                  operand: &'static str,
                  count: usize,
                  column: bool| {
            let Some(weights) = weights else { return Ok(None) };
            let at = |at: usize, other: usize| if column { (other, at) } else { (at, other) };
            if weights.len() != count {
                return Err(Error::ShapeMismatch {
                    operand,
                    expected: at(count, 1),
                    found: at(weights.len(), 1),
                });
            }
            for (i, &value) in weights.iter().enumerate() {
                let (row, col) = at(i, 0);
                if !value.is_finite() {
                    return Err(Error::NonFinite { operand, row, col, value });
                }
                if value < 0.0 {
                    return Err(Error::Negative { operand, row, col, value });
                }
            }
            if weights.iter().all(|&x| x == 0.0) {
                return Err(invalid(name, "0 throughout", "a number above 0 for one at least"));
            }
            Ok((!weights.iter().all(|&x| x == 1.0)).then(|| Arc::clone(weights)))
        };
        let lines = Self {
            rows: of(&self.rows, "row_weights", "row weights", m, false)?,
            columns: of(&self.columns, "column_weights", "column weights", n, true)?,
        };
        Ok((lines.rows.is_some() || lines.columns.is_some()).then_some(lines))
    }

    /// What entry (i, j) counts.
    pub fn of_entry(&self, i: usize, j: usize) -> f64 {
        let of =
            |weights: &Option<Arc<[f64]>>, at: usize| weights.as_ref().map_or(1.0, |weights| weights[at]);
        of(&self.rows, i) * of(&self.columns, j)
    }

    /// What all m×n entries count.
    pub fn sum(&self, m: usize, n: usize) -> f64 {
        let of = |weights: &Option<Arc<[f64]>>, count: usize| {
            weights.as_ref().map_or(count as f64, |weights| weights.iter().sum())
        };
        of(&self.rows, m) * of(&self.columns, n)
    }

    /// The penalty of the fit of V with its lines scaled: its α are per row and column, which are counted by their weights.
    pub fn penalty(&self, penalty: Penalty) -> Penalty {
        let mean = |weights: &Option<Arc<[f64]>>| {
            weights.as_ref().map_or(1.0, |weights| weights.iter().sum::<f64>() / weights.len() as f64)
        };
        Penalty {
            alpha_w: penalty.alpha_w * mean(&self.columns),
            alpha_h: Some(penalty.alpha_h() * mean(&self.rows)),
            ..penalty
        }
    }

    /// What V's lines are multiplied by, so that each entry of the product counts alike: d(sv | sp) is s^β·d(v | p).
    ///
    /// # Errors
    /// [`Error::InvalidParam`] if the β-th root of a weight cannot be represented in `T`.
    pub fn scales<T: Real>(&self, loss: Loss) -> Result<LineScales, Error> {
        let of = |weights: &Option<Arc<[f64]>>, name: &'static str| {
            let Some(weights) = weights else { return Ok(None) };
            let mut scales = allocate::room(weights.len());
            for &weight in &**weights {
                let scale = weight.powf(1.0 / loss.beta());
                let element = T::from_f64(scale);
                if !element.is_finite() || (element == T::ZERO) != (weight == 0.0) {
                    let allowed =
                        format!("0, or a number whose {}-th root is one in {}", loss.beta(), T::NAME);
                    return Err(invalid(name, weight, allowed));
                }
                scales.push(scale);
            }
            Ok(Some(scales))
        };
        Ok(LineScales { rows: of(&self.rows, "row_weights")?, columns: of(&self.columns, "column_weights")? })
    }
}

/// What rows and columns are multiplied by.
#[derive(Debug)]
pub(crate) struct LineScales {
    pub rows: Option<Vec<f64>>,
    pub columns: Option<Vec<f64>>,
}

/// Elements of V times those.
pub(crate) struct ScaledElements<T>(Vec<T>);

impl LineScales {
    /// Bytes of [`ScaledElements`].
    pub fn bytes<T: Real>(v: &Matrix<'_, T>) -> usize {
        v.nnz().unwrap_or_else(|| v.nrows().saturating_mul(v.ncols())).saturating_mul(size_of::<T>())
    }

    /// Bytes of the numbers themselves.
    pub fn own_bytes(&self) -> usize {
        let of = |scales: &Option<Vec<f64>>| scales.as_ref().map_or(0, |scales| size_of_val(&scales[..]));
        of(&self.rows) + of(&self.columns)
    }

    /// V's elements in the order of its layout.
    pub fn elements<T: Real>(&self, v: &Matrix<'_, T>) -> ScaledElements<T> {
        let of = |scales: &Option<Vec<f64>>, at: usize| scales.as_ref().map_or(1.0, |scales| scales[at]);
        let scaled =
            |x: T, i: usize, j: usize| T::from_f64(x.to_f64() * (of(&self.rows, i) * of(&self.columns, j)));
        let mut out = allocate::room(Self::bytes(v) / size_of::<T>());
        let (m, n) = (v.nrows(), v.ncols());
        match v {
            Matrix::Dense(v) if by_columns(v) => {
                (0..n).for_each(|j| out.extend((0..m).map(|i| scaled(v.at(i, j), i, j))));
            }
            Matrix::Dense(v) => (0..m).for_each(|i| out.extend((0..n).map(|j| scaled(v.at(i, j), i, j)))),
            Matrix::Csr(v) => (0..m).for_each(|i| out.extend(v.row(i).map(|(j, x)| scaled(x, i, j)))),
            Matrix::Csc(v) => {
                (0..n).for_each(|j| out.extend(v.transposed().row(j).map(|(i, x)| scaled(x, i, j))));
            }
            Matrix::OutOfCore(_) => unreachable!("weights need data in memory"),
        }
        ScaledElements(out)
    }

    /// V with those elements.
    pub fn matrix<'a, T: Real>(
        &self,
        v: &'a Matrix<'_, T>,
        elements: &'a ScaledElements<T>,
    ) -> Result<Matrix<'a, T>, Error> {
        let ScaledElements(x) = elements;
        Ok(match v {
            Matrix::Dense(v) if by_columns(v) => Matrix::Dense(View::col_major(x, v.nrows(), v.ncols())?),
            Matrix::Dense(v) => Matrix::Dense(View::row_major(x, v.nrows(), v.ncols())?),
            Matrix::Csr(v) => Matrix::Csr(v.with_values(x)),
            Matrix::Csc(v) => Matrix::Csc(Csc::of_transposed(v.transposed().with_values(x))),
            Matrix::OutOfCore(_) => unreachable!("weights need data in memory"),
        })
    }

    /// W (m×k) times its rows' scales, or divided by them; what is divided by 0 is 0.
    pub fn scale_w<T: Real>(&self, w: &mut Dense<T>, divide: bool) {
        let k = w.ncols();
        if let Some(scales) = &self.rows {
            for (row, &by) in w.as_mut_slice().chunks_exact_mut(k).zip(scales) {
                row.iter_mut().for_each(|x| *x = times(*x, by, divide));
            }
        }
    }

    /// H (k×n) likewise, by columns.
    pub fn scale_h<T: Real>(&self, h: &mut Dense<T>, divide: bool) {
        let n = h.ncols();
        if let Some(scales) = &self.columns {
            for row in h.as_mut_slice().chunks_exact_mut(n) {
                row.iter_mut().zip(scales).for_each(|(x, &by)| *x = times(*x, by, divide));
            }
        }
    }

    /// What is known of W (m×k) and of H (k×n), for the fit of V with its lines scaled.
    pub fn known<T: Real>(
        &self,
        [w, h]: &[Factor<T>; 2],
        (m, n): (usize, usize),
        k: usize,
    ) -> [Factor<T>; 2] {
        let of = |factor: &Factor<T>, names: &Names, scales: &Option<Vec<f64>>, count: usize| match scales {
            Some(scales) => factor.times(names, (count, k), |i, x| times(x, scales[i], false)),
            None => factor.clone(),
        };
        [of(w, &known::W, &self.rows, m), of(h, &known::H, &self.columns, n)]
    }
}

/// Whether elements stand column after column.
fn by_columns<T: Real>(v: &View<'_, T>) -> bool {
    v.row_stride().unsigned_abs() < v.col_stride().unsigned_abs()
}

fn times<T: Real>(x: T, by: f64, divide: bool) -> T {
    match divide {
        true if by == 0.0 => T::ZERO,
        true => T::from_f64(x.to_f64() / by),
        false => T::from_f64(x.to_f64() * by),
    }
}
