//! The options of a call, as the Python side has checked them.

use std::path::PathBuf;
use std::time::Duration;

use numpy::PyReadonlyArray1;
use orthant::{Checkpoint, Error, Holdout, Loss, Method, MiniBatchNmf, Missing, Nmf, Penalty, RandomState};
use orthant_io::{Checkpoints, read_checkpoint};
use pyo3::exceptions::PyFileExistsError;
use pyo3::prelude::*;

use crate::Number;
use crate::arrays::words;
use crate::failure::{raise, raise_io};

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
    /// None leaves it to the solver, and the limit of iterations too.
    pub tol: Option<f64>,
    pub max_iter: Option<usize>,
    pub alpha_w: f64,
    /// None is that of W.
    pub alpha_h: Option<f64>,
    pub l1_ratio: f64,
    pub shuffle: bool,
    /// Of the components; none leaves it to the method.
    pub scale: Option<String>,
    /// None leaves it to the solver.
    pub extrapolate: Option<bool>,
    pub sweeps: Option<usize>,
    pub compress: Option<bool>,
    pub memory_limit: Option<usize>,
    /// What is not observed; none is everything observed.
    pub missing: Option<String>,
    /// The share of the entries that is held out.
    pub holdout: Option<f64>,
    pub products: String,
    pub stop: Option<String>,
    pub seed: u32,
    /// numpy's generator in the place of a seed: key, position and cached normal.
    pub state: Option<State>,
    pub threads: usize,
    pub max_seconds: Option<f64>,
    /// The file that the fit is kept in.
    pub checkpoint: Option<PathBuf>,
    pub checkpoint_seconds: f64,
    pub resume: bool,
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
        Penalty { alpha_w: self.alpha_w, alpha_h: self.alpha_h, l1_ratio: self.l1_ratio }
    }

    /// What is not observed.
    pub fn missing(&self) -> PyResult<Missing> {
        let missing = self.missing.as_deref().map(str::parse).transpose();
        Ok(missing.map_err(|error| raise(&error, &self.whom))?.unwrap_or_default())
    }

    /// The options as the crate has them, and what raises its errors.
    pub fn options(&self) -> PyResult<orthant::Options> {
        let raised = |error: Error| raise(&error, &self.whom);
        let update = self.solver.parse().map_err(raised)?;
        let method = Method { loss: self.loss(), update, extrapolate: self.extrapolate, sweeps: self.sweeps };
        method.check().map_err(raised)?;
        let base = orthant::Options::new(self.rank, method);
        let seconds = |seconds| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        Ok(orthant::Options {
            init: self.init.as_deref().map(str::parse).transpose().map_err(raised)?,
            stop: self.stop.as_deref().map(str::parse).transpose().map_err(raised)?,
            tol: self.tol,
            max_iter: self.max_iter.unwrap_or(base.max_iter),
            max_time: self.max_seconds.map(seconds),
            penalty: self.penalty(),
            scale: self.scale.as_deref().map(str::parse).transpose().map_err(raised)?,
            seed: self.seed,
            shuffle: self.shuffle,
            compress: self.compress,
            products: self.products.parse().map_err(raised)?,
            memory_limit: self.memory_limit,
            missing: self.missing()?,
            holdout: self.holdout.map(|fraction| Holdout { fraction, ..Holdout::default() }),
            ..base
        })
    }

    /// What writes checkpoints, if any are to be written, and the one to go on from.
    pub fn kept(&self) -> PyResult<(Option<Checkpoints>, Option<Checkpoint>)> {
        let Some(path) = &self.checkpoint else { return Ok((None, None)) };
        let there = path.exists();
        if there && !self.resume {
            return Err(PyFileExistsError::new_err(format!(
                "{} is there already: resume=True goes on from it; to begin anew, remove it or give another checkpoint",
                path.display()
            )));
        }
        let from = there.then(|| read_checkpoint(path)).transpose().map_err(|error| raise_io(&error))?;
        let every = Duration::try_from_secs_f64(self.checkpoint_seconds).unwrap_or(Duration::MAX);
        Ok((Some(Checkpoints::new(path, every)), from))
    }

    pub fn nmf<T: Number>(&self) -> PyResult<Nmf<T>> {
        let nmf = Nmf::from_options(self.options()?);
        Ok(match &self.state {
            Some(State(state)) => nmf.random_state(state.clone()),
            None => nmf,
        })
    }
}

impl BatchOptions {
    /// The options as the crate has them, and what raises its errors.
    pub fn options(&self) -> PyResult<orthant::Options> {
        let minibatch = Some(orthant::BatchOptions {
            batch_size: self.batch_size,
            forget_factor: self.forget_factor,
            fresh_restarts: self.fresh_restarts,
            fresh_restarts_max_iter: self.fresh_restarts_max_iter,
            transform_max_iter: self.transform_max_iter,
            max_no_improvement: self.max_no_improvement,
        });
        Ok(orthant::Options { minibatch, ..self.common.options()? })
    }

    pub fn nmf<T: Number>(&self) -> PyResult<MiniBatchNmf<T>> {
        let nmf = MiniBatchNmf::from_options(self.options()?);
        Ok(match &self.common.state {
            Some(State(state)) => nmf.random_state(state.clone()),
            None => nmf,
        })
    }
}
