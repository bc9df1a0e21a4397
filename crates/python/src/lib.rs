//! The native part of the Python package `orthant`: arrays in without a copy, factors and figures out.
//!
//! What scikit-learn's users know (classes, parameters, warnings, messages) is written in Python, over the functions and the
//! class here. Each takes the interpreter's lock only to look at its arguments and to hand over its results: `run.rs` tells how.

mod arrays;
mod failure;
mod model;
mod options;
mod parameters;
mod pools;
mod programs;
mod read;
mod results;
mod run;
mod study;

use numpy::Element;
use orthant::{
    Dense, EntryWeights, Factor, Init, MiniBatchNmf, Missing, Model, Nmf, RandomState, Transform, Values,
};
use orthant_io::Scalar;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use arrays::{Data, dense};
use failure::raise;
use options::{BatchOptions, Options};
use results::{fitted, learnt, online, to_array};
use run::{Watch, run};

/// An element type that numpy and the library share.
trait Number: Scalar + Element {
    /// Entries of a sparse matrix.
    fn values(entries: &[Self]) -> Values<'_, Self>;
}

impl Number for f32 {
    fn values(entries: &[Self]) -> Values<'_, Self> {
        entries.into()
    }
}

impl Number for f64 {
    fn values(entries: &[Self]) -> Values<'_, Self> {
        entries.into()
    }
}

/// Calls a function at the element type of `x`: of the array, or of the values of a sparse matrix's parts.
macro_rules! by_dtype {
    ($py:ident, $x:ident, $f:ident($($arg:expr),*)) => {{
        use numpy::{PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
        let values = match $x.cast::<PyUntypedArray>() {
            Ok(dense) => dense.clone(),
            Err(_) => $x.getattr("data")?.cast_into::<PyUntypedArray>()?,
        };
        let dtype = values.dtype();
        if dtype.is_equiv_to(&numpy::dtype::<f64>($py)) {
            $f::<f64>($py, $x, $($arg),*)
        } else if dtype.is_equiv_to(&numpy::dtype::<f32>($py)) {
            $f::<f32>($py, $x, $($arg),*)
        } else {
            Err(PyTypeError::new_err(format!("the data is of {dtype}; float32 and float64 are factorised")))
        }
    }};
}

use by_dtype;

/// Factorises `x`: from W and H if they are given; to W alone if `update_h` is false.
#[pyfunction]
#[pyo3(signature = (x, options, w=None, h=None, update_h=true, weights=None, observed=None, known=None, lines=None))]
fn fit<'py>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
    options: Options,
    w: Option<&Bound<'py, PyAny>>,
    h: Option<&Bound<'py, PyAny>>,
    update_h: bool,
    weights: Option<&Bound<'py, PyAny>>,
    observed: Option<&Bound<'py, PyAny>>,
    known: Option<[Known<'py>; 2]>,
    lines: Option<[Option<Vec<f64>>; 2]>,
) -> PyResult<Bound<'py, PyDict>> {
    by_dtype!(py, x, fit_as(options, w, h, update_h, weights, observed, known, lines))
}

fn fit_as<'py, T: Number>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
    options: Options,
    w: Option<&Bound<'py, PyAny>>,
    h: Option<&Bound<'py, PyAny>>,
    update_h: bool,
    weights: Option<&Bound<'py, PyAny>>,
    observed: Option<&Bound<'py, PyAny>>,
    known: Option<[Known<'py>; 2]>,
    lines: Option<[Option<Vec<f64>>; 2]>,
) -> PyResult<Bound<'py, PyDict>> {
    let data = Data::<T>::new(x)?;
    let whom = options.whom.clone();
    let mut nmf: Nmf<T> = options.nmf()?;
    if let Some(weights) = entry_weights(weights, observed, &whom)? {
        nmf = nmf.entry_weights(weights);
    }
    if let Some([of_w, of_h]) = known {
        nmf = nmf.w(factor(of_w)?).h(factor(of_h)?);
    }
    let [rows, columns] = lines.unwrap_or_default();
    if let Some(rows) = rows {
        nmf = nmf.row_weights(&rows);
    }
    if let Some(columns) = columns {
        nmf = nmf.column_weights(&columns);
    }
    let zeros = options.missing()? == Missing::Zeros;
    let (w, h) = (w.map(dense::<T>).transpose()?, h.map(dense::<T>).transpose()?);
    let given = match (w, h) {
        (_, Some(h)) if !update_h => Some(h),
        (Some(w), Some(h)) => {
            nmf = nmf.init(Init::Custom { w, h });
            None
        }
        _ => None,
    };
    let threads = pools::threads(options.threads, data.entries(), options.rank);
    let (checkpoints, from) = options.kept()?;
    if let Some(from) = from {
        nmf = nmf.checkpoint(from);
    }
    let (fit, plan, unwritten) =
        run(py, threads, &whom, options.watch.as_ref(), move |watch: &mut Watch| {
            let v = data.stored(zeros)?;
            let nmf = watch.threads(nmf.cancel(&watch.cancel), Nmf::threads);
            watch.checkpoints = checkpoints;
            let (fit, plan) = match &given {
                Some(h) => (nmf.fit_weights_observed(&v, h, watch)?, None),
                None => {
                    let plan = nmf.explain(&v)?.to_string();
                    (nmf.fit_observed(&v, watch)?, Some(plan))
                }
            };
            Ok((fit, plan, watch.unwritten.take()))
        })?;
    let out = fitted(py, fit.w, fit.model.components(), &fit.report)?;
    out.set_item("explanation", plan)?;
    out.set_item("unwritten", unwritten)?;
    out.set_item("random_state", drawn(fit.random_state))?;
    Ok(out)
}

/// How much entries count: by weights, or by which are observed.
fn entry_weights<T: Number>(
    weights: Option<&Bound<'_, PyAny>>,
    observed: Option<&Bound<'_, PyAny>>,
    whom: &str,
) -> PyResult<Option<EntryWeights<T>>> {
    let raised = |error| raise(&error, whom);
    let weights = match (weights, observed) {
        (Some(weights), _) => EntryWeights::new(&Data::<T>::new(weights)?.matrix().map_err(raised)?),
        (_, Some(pattern)) => EntryWeights::observed(&Data::<T>::new(pattern)?.matrix().map_err(raised)?),
        _ => return Ok(None),
    };
    weights.map(Some).map_err(raised)
}

/// What is known of a factor: what is fixed, and lower and upper bounds.
type Known<'py> = (Option<Bound<'py, PyAny>>, Option<Bound<'py, PyAny>>, Option<Bound<'py, PyAny>>);

fn factor<T: Number>((fixed, lower, upper): Known<'_>) -> PyResult<Factor<T>> {
    let bound = |bound: &Bound<'_, PyAny>| match dense::<T>(bound) {
        Ok(each) => Ok::<_, PyErr>(orthant::Bound::Each(each)),
        Err(_) => Ok(orthant::Bound::All(T::from_f64(bound.extract()?))),
    };
    let mut factor = Factor::new();
    if let Some(fixed) = fixed {
        factor = factor.fixed(&dense::<T>(&fixed)?);
    }
    if let Some(lower) = lower {
        factor = factor.lower(bound(&lower)?);
    }
    if let Some(upper) = upper {
        factor = factor.upper(bound(&upper)?);
    }
    Ok(factor)
}

/// W for `x` by the components `h`, each row on its own, with columns that count as `columns` says.
#[pyfunction]
#[pyo3(signature = (x, h, options, columns=None))]
fn transform<'py>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
    h: &Bound<'py, PyAny>,
    options: Options,
    columns: Option<Vec<f64>>,
) -> PyResult<Bound<'py, PyAny>> {
    by_dtype!(py, x, transform_as(h, options, columns))
}

fn transform_as<'py, T: Number>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
    h: &Bound<'py, PyAny>,
    options: Options,
    columns: Option<Vec<f64>>,
) -> PyResult<Bound<'py, PyAny>> {
    let data = Data::<T>::new(x)?;
    let h = dense::<T>(h)?;
    let (penalty, loss, missing) = (options.penalty(), options.loss(), options.missing()?);
    let threads = pools::threads(options.threads, data.entries(), h.nrows());
    let w = run(py, threads, &options.whom, None, move |watch: &mut Watch| {
        let cancel = Some(watch.cancel.clone());
        let how = Transform { threads: watch.one(), cancel, missing, ..Transform::default() };
        let mut model = Model::from_components(h, penalty)?.with_loss(loss)?;
        if let Some(columns) = &columns {
            model = model.with_column_weights(columns)?;
        }
        model.transform_with(&data.matrix()?, &how)
    })?;
    Ok(to_array(py, w.0).into_any())
}

/// Factorises `x` by mini-batches.
#[pyfunction]
#[pyo3(signature = (x, options, w=None, h=None))]
fn minibatch_fit<'py>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
    options: BatchOptions,
    w: Option<&Bound<'py, PyAny>>,
    h: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    by_dtype!(py, x, minibatch_fit_as(options, w, h))
}

fn minibatch_fit_as<'py, T: Number>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
    options: BatchOptions,
    w: Option<&Bound<'py, PyAny>>,
    h: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let data = Data::<T>::new(x)?;
    let whom = options.common.whom.clone();
    let mut nmf = started(options.nmf::<T>()?, w, h)?;
    let common = &options.common;
    let (checkpoints, from) = common.kept()?;
    if let Some(from) = from {
        nmf = nmf.checkpoint(from);
    }
    let threads = pools::threads(common.threads, data.entries(), common.rank);
    let (fit, plan, unwritten) = run(py, threads, &whom, common.watch.as_ref(), move |watch: &mut Watch| {
        let v = data.matrix()?;
        let nmf = watch.threads(nmf.cancel(&watch.cancel), MiniBatchNmf::threads);
        watch.checkpoints = checkpoints;
        let plan = nmf.explain(&v)?.to_string();
        let fit = nmf.fit_observed(&v, watch)?;
        Ok((fit, plan, watch.unwritten.take()))
    })?;
    let out = fitted(py, fit.w, fit.model.components(), &fit.report)?;
    out.set_item("n_steps", fit.steps)?;
    out.set_item("explanation", plan)?;
    out.set_item("unwritten", unwritten)?;
    out.set_item("learnt", fit.learnt.map(|l| learnt(py, l)).transpose()?)?;
    out.set_item("random_state", drawn(fit.random_state))?;
    Ok(out)
}

/// Learns from one batch more: from what was learnt before, or as the first.
#[pyfunction]
#[pyo3(signature = (x, options, before=None, w=None, h=None))]
fn minibatch_step<'py>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
    options: BatchOptions,
    before: Option<&Bound<'py, PyDict>>,
    w: Option<&Bound<'py, PyAny>>,
    h: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    by_dtype!(py, x, minibatch_step_as(options, before, w, h))
}

fn minibatch_step_as<'py, T: Number>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
    options: BatchOptions,
    before: Option<&Bound<'py, PyDict>>,
    w: Option<&Bound<'py, PyAny>>,
    h: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let data = Data::<T>::new(x)?;
    let whom = options.common.whom.clone();
    let nmf = started(options.nmf::<T>()?, w, h)?;
    let before = before.map(online::<T>).transpose()?;
    let common = &options.common;
    let threads = pools::threads(common.threads, data.entries(), common.rank);
    let online = run(py, threads, &whom, None, move |watch: &mut Watch| {
        let nmf = watch.threads(nmf.cancel(&watch.cancel), MiniBatchNmf::threads);
        let mut online = match &before {
            Some(before) => nmf.resume(before)?,
            None => nmf.online()?,
        };
        online.partial_fit(&data.matrix()?)?;
        Ok(online)
    })?;
    let out = PyDict::new(py);
    out.set_item("learnt", online.learnt().map(|l| learnt(py, l)).transpose()?)?;
    out.set_item("random_state", drawn(online.random_state()))?;
    Ok(out)
}

/// W for `x` by the components `h`, all rows together, as scikit-learn's `MiniBatchNMF.transform`.
#[pyfunction]
fn minibatch_transform<'py>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
    h: &Bound<'py, PyAny>,
    options: BatchOptions,
) -> PyResult<Bound<'py, PyAny>> {
    by_dtype!(py, x, minibatch_transform_as(h, options))
}

fn minibatch_transform_as<'py, T: Number>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
    h: &Bound<'py, PyAny>,
    options: BatchOptions,
) -> PyResult<Bound<'py, PyAny>> {
    let data = Data::<T>::new(x)?;
    let h = dense::<T>(h)?;
    let nmf = options.nmf::<T>()?;
    let threads = pools::threads(options.common.threads, data.entries(), h.nrows());
    let w = run(py, threads, &options.common.whom, None, move |watch: &mut Watch| {
        watch.threads(nmf.cancel(&watch.cancel), MiniBatchNmf::threads).transform(&data.matrix()?, &h)
    })?;
    Ok(to_array(py, w).into_any())
}

/// How far numpy's generator is to be moved on, if one was given: words drawn, and the normal kept.
fn drawn(stream: Option<RandomState>) -> Option<(u64, Option<f64>)> {
    stream.map(|stream| (stream.drawn(), stream.cached()))
}

fn started<T: Number>(
    nmf: MiniBatchNmf<T>,
    w: Option<&Bound<'_, PyAny>>,
    h: Option<&Bound<'_, PyAny>>,
) -> PyResult<MiniBatchNmf<T>> {
    match (w, h) {
        (Some(w), Some(h)) => Ok(nmf.init(Init::Custom { w: dense(w)?, h: dense(h)? })),
        _ => Ok(nmf),
    }
}

/// The names of the solvers, and of those of a loss.
#[pyfunction]
#[pyo3(signature = (beta=None))]
fn solvers(beta: Option<f64>) -> Vec<&'static str> {
    let loss = beta.map(orthant::Loss::from_beta);
    let all = orthant::Update::ALL.iter();
    all.filter(|update| loss.is_none_or(|loss| update.minimises(loss))).map(|update| update.name()).collect()
}

/// Cores that this process may use.
#[pyfunction]
fn cores() -> usize {
    pools::cores()
}

#[pymodule]
fn _orthant(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // what is found out once about the processor is found out here, not while another thread may fork
    let _ = Nmf::<f64>::new(1).threads(1).explain(&Dense::<f64>::zeros(1, 1));
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_function(wrap_pyfunction!(fit, module)?)?;
    module.add_function(wrap_pyfunction!(transform, module)?)?;
    module.add_function(wrap_pyfunction!(minibatch_fit, module)?)?;
    module.add_function(wrap_pyfunction!(minibatch_step, module)?)?;
    module.add_function(wrap_pyfunction!(minibatch_transform, module)?)?;
    module.add_function(wrap_pyfunction!(model::model_save, module)?)?;
    module.add_function(wrap_pyfunction!(model::model_load, module)?)?;
    module.add_function(wrap_pyfunction!(read::read, module)?)?;
    module.add_class::<programs::Cells>()?;
    module.add_class::<study::Ranks>()?;
    module.add_function(wrap_pyfunction!(programs::programs_prepare, module)?)?;
    module.add_function(wrap_pyfunction!(programs::programs_found, module)?)?;
    module.add_function(wrap_pyfunction!(programs::programs_k_selection, module)?)?;
    module.add_function(wrap_pyfunction!(programs::programs_spectra, module)?)?;
    module.add_function(wrap_pyfunction!(study::study_fit, module)?)?;
    module.add_function(wrap_pyfunction!(study::study_open, module)?)?;
    module.add_function(wrap_pyfunction!(study::study_unpack, module)?)?;
    module.add_function(wrap_pyfunction!(solvers, module)?)?;
    module.add_function(wrap_pyfunction!(cores, module)?)?;
    Ok(())
}
