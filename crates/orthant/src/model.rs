//! A fitted model: the components, and what they say of new data.

use std::sync::Arc;

use orthant_kernel::{Dense, View};

use crate::error::invalid;
use crate::line_weights::LineWeights;
use crate::options::check_loss;
use crate::{Cancel, Error, Loss, Missing, Penalty, Real, ToMatrix, ToView};

/// The components H (k×n) with the penalties they were learnt under.
///
/// With the feature `safetensors` it is saved and loaded as the command and the Python package do; with `serde` it goes into any format
/// that serde has, and what is no model is refused when it is read.
///
/// ```
/// use orthant::{Dense, Model, Penalty};
/// let h = Dense::from_vec(vec![1.0, 0.0, 2.0, 0.0, 3.0, 0.0], 2, 3).unwrap();
/// let model = Model::from_components(h, Penalty::default())?;
/// let v = Dense::from_vec(vec![2.0, 6.0, 4.0], 1, 3).unwrap();
/// let w = model.transform(&v)?;
/// assert_eq!(w.row(0), &[2.0, 2.0]);
/// assert_eq!(model.inverse_transform(&w)?.row(0), v.row(0));
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "Parts<T>", bound(deserialize = "T: Real + serde::Deserialize<'de>"))
)]
pub struct Model<T> {
    h: Dense<T>,
    penalty: Penalty,
    loss: Loss,
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_slice"))]
    column_weights: Option<Arc<[f64]>>,
}

/// What a serialised model says, which may be no model.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(bound = "T: Real + serde::Deserialize<'de>")]
struct Parts<T> {
    h: Dense<T>,
    penalty: Penalty,
    loss: Loss,
    column_weights: Option<Vec<f64>>,
}

#[cfg(feature = "serde")]
fn as_slice<S: serde::Serializer>(weights: &Option<Arc<[f64]>>, to: S) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(&weights.as_deref(), to)
}

#[cfg(feature = "serde")]
impl<T: Real> TryFrom<Parts<T>> for Model<T> {
    type Error = Error;

    fn try_from(parts: Parts<T>) -> Result<Self, Error> {
        Self::checked(parts.h, parts.penalty, parts.loss, parts.column_weights.as_deref())
    }
}

/// How `transform` is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Transform {
    /// A row is done when its remaining coordinate steps, in the data's units, are at most `tol` times the
    /// row's norm; at least 0, default 1e-8 (no less than rounding lets be seen). For other losses than the Frobenius
    /// one: when √(Σ_t |g_t·s_t| / Σ_j v_j^β) is at most `tol`, with slopes g and coordinate steps s, so that
    /// neither rescaled components nor a rescaled row change anything.
    pub tol: f64,
    /// For the Frobenius loss, the sweeps of coordinate descent that a row may take, at least 1; default 200. Rows
    /// that are not done by then are solved exactly, by block principal pivoting: components that nearly depend on
    /// each other need it.
    pub max_sweeps: usize,
    /// Which entries of the new rows are not observed; default none. A row must have an observed entry.
    pub missing: Missing,
    /// Threads, at least 1; default the rayon pool that the call runs in.
    pub threads: Option<usize>,
    /// The most bytes that it may take besides V, W with them, if there is a limit.
    pub memory_limit: Option<usize>,
    /// A flag that ends it, with [`Error::Interrupted`], within half a second.
    pub cancel: Option<Cancel>,
}

impl Default for Transform {
    fn default() -> Self {
        Self {
            tol: 1e-8,
            max_sweeps: 200,
            missing: Missing::None,
            threads: None,
            memory_limit: None,
            cancel: None,
        }
    }
}

impl Transform {
    fn check(&self) -> Result<(), Error> {
        if self.tol.is_nan() || self.tol < 0.0 {
            return Err(invalid("tol", self.tol, "a number of at least 0"));
        }
        if self.max_sweeps == 0 {
            return Err(invalid("max_sweeps", 0, "at least 1"));
        }
        if self.threads == Some(0) {
            return Err(invalid("threads", 0, "at least 1"));
        }
        Ok(())
    }
}

/// What happened in a transform.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TransformReport {
    /// Rows that did not reach the tolerance: 0 for the Frobenius loss, unless the tolerance is near rounding. For other
    /// losses there can be some where a row or its components spread over many decades, above all with β < 1.
    pub unconverged_rows: usize,
    /// The most sweeps that a row took; for other losses than the Frobenius one, the most Newton steps.
    pub sweeps: usize,
    /// The largest remaining step of a row over its norm, or what takes its place for other losses (see
    /// [`Transform::tol`]).
    pub kkt_residual: f64,
    /// Threads used: no more than there are cores.
    pub threads: usize,
}

impl<T: Real> Model<T> {
    /// A model from components H (k×n), for instance another program's.
    ///
    /// # Errors
    /// [`Error::NonFinite`] or [`Error::Negative`] for an entry, [`Error::Empty`], [`Error::InvalidParam`] for the
    /// penalty.
    pub fn from_components(h: Dense<T>, penalty: Penalty) -> Result<Self, Error> {
        penalty.check()?;
        if h.nrows() == 0 || h.ncols() == 0 {
            return Err(Error::Empty { rows: h.nrows(), cols: h.ncols() });
        }
        T::check_entries("H", h.view())?;
        Ok(Self::new(h, penalty, Loss::Frobenius))
    }

    /// The same components, learnt under another loss than the Frobenius one: `transform` minimises it too.
    ///
    /// ```
    /// use orthant::{Dense, Loss, Model, Penalty};
    /// let h = Dense::from_vec(vec![1.0_f64, 2.0, 3.0], 1, 3).unwrap();
    /// let model = Model::from_components(h, Penalty::default())?.with_loss(Loss::KullbackLeibler)?;
    /// // one component: the weight that keeps the sum
    /// let w = model.transform(&Dense::from_vec(vec![4.0, 4.0, 4.0], 1, 3).unwrap())?;
    /// assert!((w[(0, 0)] - 2.0).abs() < 1e-9);
    /// # Ok::<(), orthant::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidParam`] for a β that is not finite.
    pub fn with_loss(self, loss: Loss) -> Result<Self, Error> {
        check_loss(loss)?;
        Ok(Self { loss, ..self })
    }

    /// A model that something else has told.
    #[cfg(feature = "serde")]
    pub(crate) fn checked(
        h: Dense<T>,
        penalty: Penalty,
        loss: Loss,
        column_weights: Option<&[f64]>,
    ) -> Result<Self, Error> {
        let model = Self::from_components(h, penalty)?.with_loss(loss)?;
        match column_weights {
            Some(weights) => model.with_column_weights(weights),
            None => Ok(model),
        }
    }

    pub(crate) fn new(h: Dense<T>, penalty: Penalty, loss: Loss) -> Self {
        Self { h, penalty, loss, column_weights: None }
    }

    /// The same components, learnt where columns [count](crate::Nmf::column_weights) unlike: `transform` counts them so too.
    ///
    /// ```
    /// use orthant::{Dense, Model, Penalty};
    /// let h = Dense::from_vec(vec![1.0_f64, 1.0], 1, 2).unwrap();
    /// let model = Model::from_components(h, Penalty::default())?.with_column_weights(&[3.0, 1.0])?;
    /// // one component: the weighted mean
    /// let w = model.transform(&Dense::from_vec(vec![4.0, 8.0], 1, 2).unwrap())?;
    /// assert!((w[(0, 0)] - 5.0).abs() < 1e-9);
    /// # Ok::<(), orthant::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] for another number of weights than columns, [`Error::NonFinite`], [`Error::Negative`];
    /// [`Error::InvalidParam`] if all are 0; [`Error::Unsupported`] for a loss with β ≤ 0.
    pub fn with_column_weights(self, weights: &[f64]) -> Result<Self, Error> {
        let lines = LineWeights { columns: Some(weights.into()), ..LineWeights::default() };
        let lines = lines.checked(1, self.n_features())?;
        if lines.is_some() && self.loss.beta() <= 0.0 {
            return Err(Error::Unsupported {
                what: format!("column weights for {}", self.loss),
                supported: "they go with losses of β > 0".into(),
            });
        }
        Ok(self.counting(lines.and_then(|lines| lines.columns)))
    }

    /// The same, where columns count so.
    pub(crate) fn counting(self, column_weights: Option<Arc<[f64]>>) -> Self {
        Self { column_weights, ..self }
    }

    /// The same with other components.
    pub(crate) fn with_components(self, h: Dense<T>) -> Self {
        Self { h, ..self }
    }

    /// The same as weights of a matrix with such columns.
    pub(crate) fn lines(&self) -> Option<LineWeights> {
        let columns = self.column_weights.clone()?;
        Some(LineWeights { columns: Some(columns), ..LineWeights::default() })
    }

    /// How much columns count, if not all count once.
    pub fn column_weights(&self) -> Option<&[f64]> {
        self.column_weights.as_deref()
    }

    /// H, k×n: one component a row.
    pub fn components(&self) -> &Dense<T> {
        &self.h
    }

    /// Number of components k.
    pub fn rank(&self) -> usize {
        self.h.nrows()
    }

    /// Number of features n, the columns of V.
    pub fn n_features(&self) -> usize {
        self.h.ncols()
    }

    /// The penalties it was learnt under; the one on W applies in `transform` too.
    pub fn penalty(&self) -> Penalty {
        self.penalty
    }

    /// What it was learnt to minimise, penalties aside.
    pub fn loss(&self) -> Loss {
        self.loss
    }

    /// W for new rows: argmin over W ≥ 0 of D(V|WH) plus the penalty on W, row by row.
    ///
    /// A row's result does not depend on the other rows, to the bit. For losses with β from 1 to 2 it is the minimum;
    /// for others, which can have several, one at which no coordinate step is left.
    ///
    /// Cost: for the Frobenius loss V is read once, 2nk flops per row and 2k² for each of some dozen sweeps. For other
    /// losses nk² flops for each of some dozen Newton steps a row, in double precision.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] if `v` has another number of columns; its entries as in a fit.
    /// [`Error::ZeroInNonPositiveBeta`] for an entry of 0 under a loss with β ≤ 0. [`Error::OutOfMemory`].
    pub fn transform(&self, v: &impl ToMatrix<T>) -> Result<Dense<T>, Error> {
        Ok(self.transform_with(v, &Transform::default())?.0)
    }

    /// The same with a tolerance, limits and a report.
    ///
    /// # Errors
    /// As [`transform`](Self::transform), [`Error::InvalidParam`], and [`Error::MemoryLimit`].
    pub fn transform_with(
        &self,
        v: &impl ToMatrix<T>,
        options: &Transform,
    ) -> Result<(Dense<T>, TransformReport), Error> {
        options.check()?;
        T::transform(self, &v.to_matrix()?, options)
    }

    /// The bytes that [`transform_with`](Self::transform_with) takes besides `v`, at most, W with them.
    ///
    /// ```
    /// use orthant::{Dense, Model, Penalty, Transform};
    /// let model = Model::from_components(Dense::<f32>::zeros(4, 50), Penalty::default())?;
    /// let v = Dense::zeros(3000, 50);
    /// assert!(model.working_bytes(&v, &Transform::default())? > 3000 * 4 * size_of::<f32>());
    /// # Ok::<(), orthant::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`transform_with`](Self::transform_with), for options and shapes.
    pub fn working_bytes(&self, v: &impl ToMatrix<T>, options: &Transform) -> Result<usize, Error> {
        options.check()?;
        let v = v.to_matrix()?;
        if v.ncols() != self.n_features() {
            let expected = (v.nrows(), self.n_features());
            return Err(Error::ShapeMismatch { operand: "V", expected, found: (v.nrows(), v.ncols()) });
        }
        Ok(T::transform_bytes(self, &v, options))
    }

    /// W·H, m×n.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] if `w` has not k columns, [`Error::TooLarge`] if the product cannot be held.
    pub fn inverse_transform(&self, w: &impl ToView<T>) -> Result<Dense<T>, Error> {
        let w: View<'_, T> = w.to_view();
        if w.ncols() != self.rank() {
            return Err(Error::ShapeMismatch {
                operand: "W",
                expected: (w.nrows(), self.rank()),
                found: (w.nrows(), w.ncols()),
            });
        }
        let elements = w.nrows().checked_mul(self.n_features());
        if elements.is_none_or(|e| e > isize::MAX as usize / size_of::<T>()) {
            return Err(Error::TooLarge { what: "W·H", rows: w.nrows(), cols: self.n_features() });
        }
        Ok(T::product(w, self.h.view()))
    }
}
