//! Models as files: those that the command writes and reads.

use std::collections::BTreeMap;
use std::path::PathBuf;

use numpy::PyArray1;
use orthant::{Dense, Loss, Model, Options, Penalty, Report};
use orthant_io::{AnySavedModel, Fingerprint, FitSummary, Manifest, SavedModel};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::{Deserialize, Serialize};

use crate::arrays::dense;
use crate::failure::{raise, raise_io};
use crate::options::BatchOptions;
use crate::parameters::parameters;
use crate::results::{reason, to_array};
use crate::{Number, by_dtype};

/// What a file says of a fit that an estimator has no use for, but keeps for the next file.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Record {
    report: Option<FitSummary>,
    input: Option<Fingerprint>,
    weights: Option<Fingerprint>,
}

/// That of a fit, as text; nothing where a figure is no number.
pub fn record(report: &Report) -> Option<String> {
    let record = Record { report: Some(FitSummary::of(report)), ..Record::default() };
    let text = serde_json::to_string(&record).ok()?;
    serde_json::from_str::<Record>(&text).is_ok().then_some(text)
}

/// What a file has besides the components.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Beside {
    path: PathBuf,
    /// The names of the columns.
    columns: Option<Vec<String>>,
    column_weights: Option<Vec<f64>>,
    record: Option<String>,
    attachments: BTreeMap<String, String>,
}

/// Writes a model.
#[pyfunction]
#[pyo3(signature = (h, options, batches, beside))]
pub fn model_save<'py>(
    py: Python<'py>,
    h: &Bound<'py, PyAny>,
    options: &Bound<'py, PyAny>,
    batches: bool,
    beside: Beside,
) -> PyResult<()> {
    let (options, whom) = if batches {
        let options: BatchOptions = options.extract()?;
        (options.options()?, options.common.whom)
    } else {
        let options: crate::options::Options = options.extract()?;
        (options.options()?, options.whom)
    };
    by_dtype!(py, h, save_as(options, &whom, beside))
}

fn save_as<'py, T: Number>(
    py: Python<'py>,
    h: &Bound<'py, PyAny>,
    options: Options,
    whom: &str,
    beside: Beside,
) -> PyResult<()> {
    let raised = |error| raise(&error, whom);
    let mut model = Model::from_components(dense::<T>(h)?, options.penalty).map_err(raised)?;
    model = model.with_loss(options.method.loss).map_err(raised)?;
    if let Some(weights) = &beside.column_weights {
        model = model.with_column_weights(weights).map_err(raised)?;
    }
    let record: Record =
        beside.record.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let mut saved = SavedModel::new(model);
    // a file names the rule that was in force
    saved.manifest.options = Some(Options { stop: Some(options.stopping()), tol: None, ..options });
    saved.manifest.columns = beside.columns;
    saved.manifest.report = record.report;
    saved.manifest.input = record.input;
    saved.manifest.weights = record.weights;
    saved.attachments = beside.attachments;
    let path = beside.path;
    py.detach(|| saved.save(path)).map_err(|error| raise_io(&error))
}

/// What a file has.
#[pyfunction]
pub fn model_load(py: Python<'_>, path: PathBuf) -> PyResult<Bound<'_, PyDict>> {
    match py.detach(|| AnySavedModel::load(path)).map_err(|error| raise_io(&error))? {
        AnySavedModel::F32(saved) => loaded(py, saved),
        AnySavedModel::F64(saved) => loaded(py, saved),
    }
}

fn loaded<T: Number>(py: Python<'_>, saved: SavedModel<T>) -> PyResult<Bound<'_, PyDict>> {
    let SavedModel { model, manifest, attachments } = saved;
    let h: Dense<T> = model.components().clone();
    let Manifest { orthant, penalty, loss, column_weights, options, columns, report, input, weights, .. } =
        manifest;
    let out = PyDict::new(py);
    out.set_item("h", to_array(py, h))?;
    out.set_item("writer", orthant)?;
    out.set_item("column_weights", column_weights.map(|weights| PyArray1::from_vec(py, weights)))?;
    out.set_item("columns", columns)?;
    out.set_item("attachments", attachments)?;
    out.set_item("parameters", fitted_by(py, options.as_ref(), penalty, loss)?)?;
    out.set_item("batches", options.and_then(|options| batches(py, &options).transpose()).transpose()?)?;
    out.set_item("report", report.as_ref().map(|report| figures(py, report)).transpose()?)?;
    // what was read can be written
    let record = serde_json::to_string(&Record { report, input, weights }).expect("strings and numbers");
    out.set_item("record", record)?;
    Ok(out)
}

/// The parameters of the fit; the loss and the penalties alone where a file says no more.
fn fitted_by<'py>(
    py: Python<'py>,
    options: Option<&Options>,
    penalty: Penalty,
    loss: Loss,
) -> PyResult<Bound<'py, PyDict>> {
    let out = match options {
        Some(options) => {
            let out = parameters(py, options)?;
            out.set_item("tol", options.stopping().tol())?;
            out.set_item("max_seconds", options.max_time.map(|time| time.as_secs_f64()))?;
            out.set_item("holdout", options.holdout.map(|holdout| holdout.fraction))?;
            out
        }
        None => PyDict::new(py),
    };
    // what `transform` goes by
    out.set_item("beta_loss", loss.beta())?;
    out.set_item("alpha_W", penalty.alpha_w)?;
    out.set_item("alpha_H", penalty.alpha_h)?;
    out.set_item("l1_ratio", penalty.l1_ratio)?;
    Ok(out)
}

/// What mini-batches have besides.
fn batches<'py>(py: Python<'py>, options: &Options) -> PyResult<Option<Bound<'py, PyDict>>> {
    let Some(batches) = &options.minibatch else { return Ok(None) };
    let out = PyDict::new(py);
    out.set_item("batch_size", batches.batch_size)?;
    out.set_item("forget_factor", batches.forget_factor)?;
    out.set_item("fresh_restarts", batches.fresh_restarts)?;
    out.set_item("fresh_restarts_max_iter", batches.fresh_restarts_max_iter)?;
    out.set_item("transform_max_iter", batches.transform_max_iter)?;
    out.set_item("max_no_improvement", batches.max_no_improvement)?;
    Ok(Some(out))
}

/// How a fit ended, under the names of `fitted`.
fn figures<'py>(py: Python<'py>, report: &FitSummary) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("n_iter", report.iterations)?;
    out.set_item("reconstruction_err", report.reconstruction_error)?;
    out.set_item("stop_reason", reason(report.stop_reason))?;
    out.set_item("warnings", report.warnings.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    Ok(out)
}
