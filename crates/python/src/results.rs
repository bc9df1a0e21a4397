//! Factors as arrays, which take the elements over, and figures as a dict.

use numpy::{PyArray1, PyArray2, PyArrayMethods};
use orthant::{Dense, Learnt, Report, StopReason};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::Number;
use crate::arrays::dense;
use crate::model::record;

/// A matrix, not copied.
pub fn to_array<T: Number>(py: Python<'_>, x: Dense<T>) -> Bound<'_, PyArray2<T>> {
    let shape = [x.nrows(), x.ncols()];
    PyArray1::from_vec(py, x.into_vec()).reshape(shape).expect("as many elements")
}

/// Why a fit stopped, in a word.
pub fn reason(stop: StopReason) -> &'static str {
    match stop {
        StopReason::Converged => "converged",
        StopReason::MaxIterations => "max_iter",
        StopReason::TimeLimit => "max_seconds",
        StopReason::Interrupted => "interrupted",
        StopReason::Observer => "callback",
        StopReason::ZeroData => "zero_data",
        _ => "other",
    }
}

/// What a fit has found.
pub fn fitted<'py, T: Number>(
    py: Python<'py>,
    w: Dense<T>,
    h: &Dense<T>,
    report: &Report,
) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("w", to_array(py, w))?;
    out.set_item("h", to_array(py, h.clone()))?;
    out.set_item("n_iter", report.iterations)?;
    out.set_item("reconstruction_err", report.reconstruction_error)?;
    out.set_item("objective", report.objective)?;
    out.set_item("heldout", report.heldout.map(|heldout| heldout.mean))?;
    out.set_item("kkt_residual", report.kkt_residual)?;
    out.set_item("stop_reason", reason(report.stop_reason))?;
    let curve = report.history.iter().map(|point| point.objective).collect();
    out.set_item("loss_curve", PyArray1::from_vec(py, curve))?;
    let totals = report.components.iter().map(|component| component.total).collect();
    out.set_item("component_totals", PyArray1::from_vec(py, totals))?;
    out.set_item("record", record(report))?;
    out.set_item("warnings", report.warnings.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    Ok(out)
}

/// What was learnt, to be kept.
pub fn learnt<T: Number>(py: Python<'_>, learnt: Learnt<T>) -> PyResult<Bound<'_, PyDict>> {
    let Learnt { components, numerator, denominator, rho, scale_exponent, steps } = learnt;
    let out = PyDict::new(py);
    out.set_item("components", to_array(py, components))?;
    out.set_item("numerator", to_array(py, numerator))?;
    out.set_item("denominator", to_array(py, denominator))?;
    out.set_item("rho", rho)?;
    out.set_item("scale_exponent", scale_exponent)?;
    out.set_item("steps", steps)?;
    Ok(out)
}

/// The reverse.
pub fn online<T: Number>(before: &Bound<'_, PyDict>) -> PyResult<Learnt<T>> {
    let item = |name: &str| before.as_any().get_item(name);
    Ok(Learnt {
        components: dense(&item("components")?)?,
        numerator: dense(&item("numerator")?)?,
        denominator: dense(&item("denominator")?)?,
        rho: item("rho")?.extract()?,
        scale_exponent: item("scale_exponent")?.extract()?,
        steps: item("steps")?.extract()?,
    })
}
