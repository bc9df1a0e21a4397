//! Studies: many fits of several ranks, the table of what they say, and the consensus of a rank.
//!
//! All runs on threads that are made for the call, so that nothing of it waits in the pool that a process has once: a child of
//! `fork` would not have its threads.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::{PyArray1, PyArray2, PyArrayMethods};
use orthant::{EntryWeights, Error, Missing};
use orthant_io::{Precision, Scalar};
use orthant_report::{About, Report};
use orthant_study::{
    COLUMNS, Consensus, Density, Ended, Holdout, Kind, Member, Packed, Recipe, Spread, Study, StudyError,
    Thresholds, Variation,
};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use rayon::ThreadPoolBuilder;

use crate::arrays::Data;
use crate::failure::{raise, raise_study};
use crate::options::Options;
use crate::parameters::parameters;
use crate::results::fitted;
use crate::run::{Watch, run};
use crate::{Number, by_dtype, entry_weights};

/// Who raises errors.
const WHOM: &str = "Study";

/// A job that has ended, as Python sees it: jobs that are done, all jobs, the number of components.
type Job = (usize, usize, usize);

/// What a study has besides the options of its fits.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct StudyOptions {
    fits: Options,
    ranks: Vec<usize>,
    replicates: usize,
    vary: String,
    holdout: String,
    folds: usize,
    thresholds: Limits,
    /// The folder.
    path: Option<PathBuf>,
    /// Whether consensus factors are made as cNMF makes them.
    as_cnmf: bool,
}

/// The thresholds of stability: mean and least silhouette, support, cosine.
type Limits = (f64, f64, f64, f64);

fn thresholds((silhouette_mean, silhouette_min, support, cosine): Limits) -> Thresholds {
    Thresholds { silhouette_mean, silhouette_min, support, cosine }
}

/// What a study found.
#[pyclass(frozen, module = "orthant._orthant")]
pub struct Ranks {
    pub of: Of,
    limits: Limits,
    as_cnmf: bool,
}

#[derive(Clone)]
pub enum Of {
    F32(Arc<orthant_study::Ranks<f32>>),
    F64(Arc<orthant_study::Ranks<f64>>),
}

/// How often samples are put together, and which samples.
type Samples<'py> = (Bound<'py, PyArray2<f64>>, Bound<'py, PyArray1<i64>>);

/// The arguments of `study_unpack`.
type Pickled<'py> = (String, Vec<(String, Bound<'py, PyBytes>)>, Limits, bool);

/// At the precision of a study.
macro_rules! by_precision {
    ($of:expr, $ranks:ident => $value:expr) => {
        match $of {
            $crate::study::Of::F32($ranks) => $value,
            $crate::study::Of::F64($ranks) => $value,
        }
    };
}
pub(crate) use by_precision;

fn recipe(as_cnmf: bool) -> Recipe {
    if as_cnmf { Recipe::Cnmf } else { Recipe::Shares }
}

/// Which of the two it is.
trait Kept: Scalar {
    fn kept(ranks: orthant_study::Ranks<Self>) -> Of;
}

impl Kept for f32 {
    fn kept(ranks: orthant_study::Ranks<Self>) -> Of {
        Of::F32(Arc::new(ranks))
    }
}

impl Kept for f64 {
    fn kept(ranks: orthant_study::Ranks<Self>) -> Of {
        Of::F64(Arc::new(ranks))
    }
}

/// Runs `work` on `threads` threads of its own, beside Python.
pub fn beside<R: Send + 'static>(
    py: Python<'_>,
    threads: usize,
    show: Option<&Py<PyAny>>,
    whom: &'static str,
    work: impl FnOnce(&mut Watch<Job>) -> Result<R, StudyError> + Send + 'static,
) -> PyResult<R> {
    let done = run(py, 1, whom, show, move |watch: &mut Watch<Job>| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("orthant-{i}"));
        let pool = pool.build().map_err(|e| Error::Threads { message: e.to_string() })?;
        Ok(pool.install(|| work(watch)))
    })?;
    done.map_err(|error| raise_study(&error, whom))
}

/// Does the jobs of a study of `x`: all, or those that its folder does not have.
#[pyfunction]
#[pyo3(signature = (x, options, weights=None, observed=None))]
pub fn study_fit(
    py: Python<'_>,
    x: &Bound<'_, PyAny>,
    options: StudyOptions,
    weights: Option<&Bound<'_, PyAny>>,
    observed: Option<&Bound<'_, PyAny>>,
) -> PyResult<Ranks> {
    by_dtype!(py, x, study_fit_as(options, weights, observed))
}

fn study_fit_as<T: Number + Kept>(
    py: Python<'_>,
    x: &Bound<'_, PyAny>,
    options: StudyOptions,
    weights: Option<&Bound<'_, PyAny>>,
    observed: Option<&Bound<'_, PyAny>>,
) -> PyResult<Ranks> {
    let StudyOptions { fits, ranks, replicates, vary, holdout, folds, thresholds: limits, path, as_cnmf } =
        options;
    let data = Data::<T>::new(x)?;
    let zeros = fits.missing()? == Missing::Zeros;
    let threads = fits.threads;
    let holdout: Holdout = holdout.parse().map_err(|error: Error| raise(&error, WHOM))?;
    let variation: Variation = vary.parse().map_err(|error: Error| raise(&error, WHOM))?;
    let mut study = Study::<T>::new(ranks)
        .options(orthant::Options { threads: Some(threads), ..fits.options()? })
        .replicates(replicates)
        .vary(variation)
        .holdout(holdout)
        .folds(folds)
        .thresholds(thresholds(limits));
    if let Some(weights) = entry_weights(weights, observed, WHOM)? {
        study = study.entry_weights(weights);
    }
    let of = beside(py, threads, fits.watch.as_ref(), WHOM, move |watch| {
        let v = data.stored(zeros)?;
        let study = study.cancel(&watch.cancel);
        let mut show = |ended: &Ended| _ = watch.tell(|| (ended.done, ended.jobs, ended.key.rank));
        let ranks = match path {
            Some(path) => {
                let ranks = study.fit_into_observed(&v, &path, &mut show)?;
                ranks.write_into(&path)?;
                ranks
            }
            None => study.fit_observed(&v, &mut show)?,
        };
        Ok(T::kept(ranks.recipe(recipe(as_cnmf))))
    })?;
    Ok(Ranks { of, limits, as_cnmf })
}

/// The study in a folder.
#[pyfunction]
pub fn study_open(py: Python<'_>, path: PathBuf, limits: Limits, threads: usize) -> PyResult<Ranks> {
    let of = beside(py, threads, None, WHOM, move |_| {
        let thresholds = thresholds(limits);
        Ok(match orthant_study::precision(&path)? {
            Precision::Float32 => f32::kept(orthant_study::Ranks::open(&path, thresholds)?),
            Precision::Float64 => f64::kept(orthant_study::Ranks::open(&path, thresholds)?),
        })
    })?;
    Ok(Ranks { of, limits, as_cnmf: false })
}

/// The study that was pickled.
#[pyfunction]
pub fn study_unpack(
    py: Python<'_>,
    manifest: String,
    jobs: Vec<(String, Vec<u8>)>,
    limits: Limits,
    as_cnmf: bool,
) -> PyResult<Ranks> {
    let of = beside(py, 1, None, WHOM, move |_| {
        let (packed, thresholds) = (Packed { manifest, jobs }, thresholds(limits));
        Ok(match packed.precision()? {
            Precision::Float32 => f32::kept(packed.unpack(thresholds)?.recipe(recipe(as_cnmf))),
            Precision::Float64 => f64::kept(packed.unpack(thresholds)?.recipe(recipe(as_cnmf))),
        })
    })?;
    Ok(Ranks { of, limits, as_cnmf })
}

#[pymethods]
impl Ranks {
    /// The type of the data's elements.
    #[getter]
    fn dtype(&self) -> &'static str {
        match self.of {
            Of::F32(_) => "float32",
            Of::F64(_) => "float64",
        }
    }

    /// The table by columns, and the recommendation.
    fn summary<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        by_precision!(&self.of, ranks => summary(py, ranks))
    }

    /// What the study was made with.
    fn parameters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        by_precision!(&self.of, ranks => parameters_of_study(py, ranks))
    }

    /// The consensus of a rank, for the data of the study.
    #[pyo3(signature = (x, rank, density, threads, weights=None, observed=None))]
    fn consensus<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        rank: usize,
        density: &str,
        threads: usize,
        weights: Option<&Bound<'py, PyAny>>,
        observed: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let density: Density = density.parse().map_err(|error: Error| raise(&error, WHOM))?;
        by_precision!(&self.of, ranks => consensus(py, ranks, x, rank, density, threads, weights, observed))
    }

    /// How often samples are put together by the fits of a rank, and which samples.
    fn sample_consensus<'py>(&self, py: Python<'py>, rank: usize, most: usize) -> PyResult<Samples<'py>> {
        let of = self.of.clone();
        let found = beside(
            py,
            1,
            None,
            WHOM,
            move |_| by_precision!(&of, ranks => ranks.sample_consensus(rank, most)),
        )?;
        let count = found.rows.len();
        let matrix = PyArray1::from_vec(py, found.matrix).reshape([count, count])?;
        Ok((matrix, PyArray1::from_vec(py, found.rows.iter().map(|&row| row as i64).collect())))
    }

    /// The page of the study, for its data, which it calls `name`.
    #[pyo3(signature = (x, name, features, command, threads, weights=None, observed=None))]
    fn report(
        &self,
        py: Python<'_>,
        x: &Bound<'_, PyAny>,
        name: String,
        features: Option<Vec<String>>,
        command: String,
        threads: usize,
        weights: Option<&Bound<'_, PyAny>>,
        observed: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        by_precision!(&self.of, ranks => {
            report(py, ranks, x, (name, features, command), threads, entry_weights(weights, observed, WHOM)?)
        })
    }

    /// For pickles: all that the study has.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Pickled<'py>)> {
        let packed = by_precision!(&self.of, ranks => ranks.pack());
        let Packed { manifest, jobs } = packed.map_err(|error| raise_study(&error, WHOM))?;
        let jobs = jobs.into_iter().map(|(name, bytes)| (name, PyBytes::new(py, &bytes))).collect();
        let unpack = py.import("orthant._orthant")?.getattr("study_unpack")?;
        Ok((unpack, (manifest, jobs, self.limits, self.as_cnmf)))
    }
}

fn summary<'py, T: Scalar>(py: Python<'py>, ranks: &orthant_study::Ranks<T>) -> PyResult<Bound<'py, PyDict>> {
    let table = PyDict::new(py);
    for (name, value) in COLUMNS {
        let column = ranks.table().iter().map(|row| value(row).unwrap_or(f64::NAN)).collect();
        table.set_item(name, PyArray1::from_vec(py, column))?;
    }
    let found = ranks.recommendation();
    let rules = PyDict::new(py);
    for rule in &found.rules {
        rules.set_item(rule.name, rule.rank)?;
    }
    let out = PyDict::new(py);
    out.set_item("table", table)?;
    out.set_item("rank", found.rank)?;
    out.set_item("reason", &found.reason)?;
    out.set_item("stable", &found.stable)?;
    out.set_item("rules", rules)?;
    out.set_item("remarks", &found.remarks)?;
    out.set_item("holdout", ranks.holdout().map(Kind::name))?;
    out.set_item("overdispersion", ranks.overdispersion())?;
    Ok(out)
}

fn parameters_of_study<'py, T: Scalar>(
    py: Python<'py>,
    ranks: &orthant_study::Ranks<T>,
) -> PyResult<Bound<'py, PyDict>> {
    let keys = ranks.keys().map_err(|error| raise_study(&error, WHOM))?;
    let mut studied: Vec<usize> = keys.iter().map(|key| key.rank).collect();
    studied.sort_unstable();
    studied.dedup();
    let fits = keys.iter().filter(|key| !key.kind.holds_out());
    let out = parameters(py, ranks.options())?;
    out.set_item("n_components", studied)?;
    out.set_item("n_replicates", fits.map(|key| key.replicate + 1).max().unwrap_or(1))?;
    out.set_item("vary", ranks.variation().to_string())?;
    out.set_item("holdout", ranks.holdout().map_or("none", Kind::name))?;
    out.set_item("n_folds", ranks.folds())?;
    Ok(out)
}

fn consensus<'py, T: Number>(
    py: Python<'py>,
    ranks: &Arc<orthant_study::Ranks<T>>,
    x: &Bound<'py, PyAny>,
    rank: usize,
    density: Density,
    threads: usize,
    weights: Option<&Bound<'py, PyAny>>,
    observed: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let zeros = ranks.options().missing == Missing::Zeros;
    let data = Data::<T>::new(x)?;
    let weights = entry_weights::<T>(weights, observed, WHOM)?;
    let ranks = ranks.clone();
    let found = beside(py, threads, None, WHOM, move |watch| {
        ranks.consensus_with(&data.stored(zeros)?, rank, density, weights.as_ref(), &watch.cancel)
    })?;
    let Consensus { fit, options, components, spread, members, threshold, labels, gap, remarks } = found;
    let out = fitted(py, fit.w, fit.model.components(), &fit.report)?;
    let parameters = parameters(py, &options)?;
    parameters.set_item("tol", options.stopping().tol())?;
    out.set_item("parameters", parameters)?;
    let floats = |of: &dyn Fn(&orthant_study::PickedComponent) -> f64| {
        PyArray1::from_vec(py, components.iter().map(of).collect())
    };
    out.set_item("silhouette", floats(&|component| component.silhouette))?;
    out.set_item("support", floats(&|component| component.support))?;
    out.set_item("share", floats(&|component| component.share))?;
    out.set_item("size", integers(py, components.iter().map(|component| Some(component.members))))?;
    let of_entries = |of: fn(&Spread) -> &Vec<f64>| {
        let all: Vec<f64> = spread.iter().flat_map(|spread| of(spread).iter().copied()).collect();
        PyArray1::from_vec(py, all).reshape([spread.len(), fit.model.components().ncols()])
    };
    out.set_item("q25", of_entries(|spread| &spread.q25)?)?;
    out.set_item("q50", of_entries(|spread| &spread.q50)?)?;
    out.set_item("q75", of_entries(|spread| &spread.q75)?)?;
    out.set_item("sem", of_entries(|spread| &spread.sem)?)?;
    out.set_item("members", self::members(py, &members)?)?;
    out.set_item("labels", integers(py, labels.into_iter()))?;
    out.set_item("threshold", threshold)?;
    out.set_item("gap", gap)?;
    out.set_item("remarks", remarks)?;
    Ok(out)
}

/// Every component of every fit, in columns.
pub fn members<'py>(py: Python<'py>, members: &[Member]) -> PyResult<Bound<'py, PyDict>> {
    let every = PyDict::new(py);
    every.set_item("replicate", integers(py, members.iter().map(|member| Some(member.replicate))))?;
    every.set_item("row", integers(py, members.iter().map(|member| Some(member.row))))?;
    every.set_item("component", integers(py, members.iter().map(|member| member.component)))?;
    every
        .set_item("density", PyArray1::from_vec(py, members.iter().map(|member| member.density).collect()))?;
    Ok(every)
}

/// The page of a study of `x`: what it calls the data, the names of the columns, and how the study is made again.
fn report<T: Number>(
    py: Python<'_>,
    ranks: &Arc<orthant_study::Ranks<T>>,
    x: &Bound<'_, PyAny>,
    (name, features, command): (String, Option<Vec<String>>, String),
    threads: usize,
    weights: Option<EntryWeights<T>>,
) -> PyResult<String> {
    let zeros = ranks.options().missing == Missing::Zeros;
    let (data, ranks) = (Data::<T>::new(x)?, ranks.clone());
    beside(py, threads, None, WHOM, move |watch| {
        let (features, commands) = (features.as_deref(), &[command]);
        let about = About { data: &name, features, commands };
        let page = Report::of(&ranks, &data.stored(zeros)?, weights.as_ref(), &about, &watch.cancel)?;
        Ok(page.html().to_owned())
    })
}

/// Numbers from 0, and −1 for none.
fn integers(py: Python<'_>, of: impl Iterator<Item = Option<usize>>) -> Bound<'_, PyArray1<i64>> {
    PyArray1::from_vec(py, of.map(|x| x.map_or(-1, |x| x as i64)).collect())
}
