//! What a call is told, as the Python half has checked it.

use std::time::Duration;

use numpy::PyReadonlyArray1;
use orthant::init::RandomState;
use orthant::{Loss, MiniBatchNmf, Nmf, Penalty, Scale, Solver, Start, StartKind};
use pyo3::prelude::*;

use crate::Number;
use crate::arrays::words;
use crate::failure::raise;

/// What fits have in common; the keys of a dict.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Options {
    /// Who raises errors.
    pub whom: String,
    pub rank: usize,
    pub solver: String,
    pub beta: f64,
    pub init: Option<String>,
    pub tol: f64,
    pub max_iter: usize,
    pub alpha_w: f64,
    pub alpha_h: f64,
    pub l1_ratio: f64,
    pub shuffle: bool,
    /// Of the components; none leaves it to the method.
    pub scale: Option<String>,
    pub seed: u32,
    /// numpy's generator in the place of a seed: key, position and cached normal.
    pub state: Option<State>,
    pub threads: usize,
    pub max_seconds: Option<f64>,
    /// Called with each iteration.
    pub watch: Option<Py<PyAny>>,
}

/// What mini-batches have besides.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct BatchOptions {
    pub common: Options,
    pub batch_size: usize,
    pub forget_factor: f64,
    pub fresh_restarts: bool,
    pub fresh_restarts_max_iter: usize,
    pub transform_max_iter: Option<usize>,
    pub max_no_improvement: Option<usize>,
}

/// numpy's generator.
pub struct State(RandomState);

impl<'py> FromPyObject<'_, 'py> for State {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let (key, pos, cached): (PyReadonlyArray1<'py, u32>, usize, Option<f64>) = object.extract()?;
        let state = RandomState::from_numpy(&words(&key), pos, cached);
        Ok(Self(state.map_err(|error| raise(&error, "random_state"))?))
    }
}

impl Options {
    pub fn loss(&self) -> Loss {
        Loss::from_beta(self.beta)
    }

    pub fn penalty(&self) -> Penalty {
        Penalty { alpha_w: self.alpha_w, alpha_h: Some(self.alpha_h), l1_ratio: self.l1_ratio }
    }

    fn start<T>(&self) -> PyResult<Option<Start<T>>> {
        let Some(name) = &self.init else { return Ok(None) };
        let kind: StartKind = name.parse().map_err(|error| raise(&error, &self.whom))?;
        Ok(kind.start())
    }

    pub fn nmf<T: Number>(&self) -> PyResult<Nmf<T>> {
        let solver: Solver = self.solver.parse().map_err(|error| raise(&error, &self.whom))?;
        let method = solver.method(self.loss()).map_err(|error| raise(&error, &self.whom))?;
        let mut nmf = Nmf::new(self.rank)
            .method(method)
            .tol(self.tol)
            .max_iter(self.max_iter)
            .penalty(self.penalty())
            .shuffle(self.shuffle);
        if let Some(name) = &self.scale {
            nmf = nmf.scale(name.parse::<Scale>().map_err(|error| raise(&error, &self.whom))?);
        }
        nmf = match &self.state {
            Some(State(state)) => nmf.random_state(state.clone()),
            None => nmf.seed(self.seed),
        };
        if let Some(start) = self.start()? {
            nmf = nmf.start(start);
        }
        if let Some(seconds) = self.max_seconds {
            nmf = nmf.max_time(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
        }
        Ok(nmf)
    }
}

impl BatchOptions {
    pub fn nmf<T: Number>(&self) -> PyResult<MiniBatchNmf<T>> {
        let common = &self.common;
        let mut nmf = MiniBatchNmf::new(common.rank)
            .loss(common.loss())
            .tol(common.tol)
            .max_iter(common.max_iter)
            .penalty(common.penalty())
            .batch_size(self.batch_size)
            .forget_factor(self.forget_factor)
            .fresh_restarts(self.fresh_restarts)
            .fresh_restarts_max_iter(self.fresh_restarts_max_iter)
            .max_no_improvement(self.max_no_improvement);
        nmf = match &common.state {
            Some(State(state)) => nmf.random_state(state.clone()),
            None => nmf.seed(common.seed),
        };
        if let Some(start) = common.start()? {
            nmf = nmf.start(start);
        }
        if let Some(most) = self.transform_max_iter {
            nmf = nmf.transform_max_iter(most);
        }
        if let Some(seconds) = common.max_seconds {
            nmf = nmf.max_time(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
        }
        Ok(nmf)
    }
}
