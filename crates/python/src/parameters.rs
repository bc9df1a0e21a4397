//! The options of fits under the names that `NMF` has for them.

use orthant::{Missing, Options, Products, Stop};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Options as `NMF` has them.
pub fn parameters<'py>(py: Python<'py>, options: &Options) -> PyResult<Bound<'py, PyDict>> {
    let stop = options.stop.map(|stop| match stop {
        Stop::Violation { .. } => "violation",
        Stop::ErrorDecrease { .. } => "error-decrease",
        Stop::Progress { .. } => "progress",
        _ => "other",
    });
    let products = match options.products {
        Products::Fused => "fused",
        Products::Gemm => "gemm",
        Products::Blas => "blas",
        _ => "other",
    };
    let method = options.method;
    let missing = (options.missing != Missing::None).then(|| options.missing.name());
    let out = PyDict::new(py);
    out.set_item("solver", method.update.name())?;
    out.set_item("beta_loss", method.loss.beta())?;
    out.set_item("init", options.init.map(orthant::InitKind::name))?;
    out.set_item("tol", options.tol)?;
    out.set_item("max_iter", options.max_iter)?;
    out.set_item("random_state", options.seed)?;
    out.set_item("alpha_W", options.penalty.alpha_w)?;
    out.set_item("alpha_H", options.penalty.alpha_h)?;
    out.set_item("l1_ratio", options.penalty.l1_ratio)?;
    out.set_item("shuffle", options.shuffle)?;
    out.set_item("scale", options.scale.map(orthant::Scale::name))?;
    out.set_item("stop", stop)?;
    out.set_item("extrapolate", method.extrapolate)?;
    out.set_item("sweeps", method.sweeps)?;
    out.set_item("compress", options.compress)?;
    out.set_item("memory_limit", options.memory_limit)?;
    out.set_item("missing", missing)?;
    out.set_item("products", products)?;
    Ok(out)
}
