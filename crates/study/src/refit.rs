//! W of all of V for components that stay as they are.

use orthant::{Cancel, Dense, EntryWeights, Error, Fit, Matrix, Nmf, Options, Report};
use orthant_io::Scalar;

/// Fits W alone, with these options but for those of starts and scales, which given components leave no room for.
///
/// # Errors
/// As of a fit; [`Error::Interrupted`] once the flag is raised, as what was cut short says nothing.
pub fn weights<T: Scalar>(
    v: &Matrix<'_, T>,
    h: &Dense<T>,
    options: &Options,
    weights: Option<&EntryWeights<T>>,
    cancel: &Cancel,
) -> Result<Fit<T>, Error> {
    let fit = nmf(options, weights, cancel).fit_weights(v, h)?;
    if cancel.is_cancelled() { Err(Error::Interrupted) } else { Ok(fit) }
}

/// The fit of [`weights`].
pub fn nmf<T: Scalar>(options: &Options, weights: Option<&EntryWeights<T>>, cancel: &Cancel) -> Nmf<T> {
    let options = Options { init: None, compress: None, scale: None, ..options.clone() };
    let nmf = Nmf::from_options(options).cancel(cancel);
    match weights {
        Some(weights) => nmf.entry_weights(weights.clone()),
        None => nmf,
    }
}

/// A fit of varied data as one of V: W, losses and shares are those of V with its components, iterations and why it stopped its own.
///
/// # Errors
/// As of [`weights`].
pub fn of_varied<T: Scalar>(
    fit: Fit<T>,
    v: &Matrix<'_, T>,
    options: &Options,
    entry_weights: Option<&EntryWeights<T>>,
    cancel: &Cancel,
) -> Result<Fit<T>, Error> {
    let Report { iterations, stop_reason, .. } = fit.report;
    let mut of_v = weights(v, fit.model.components(), options, entry_weights, cancel)?;
    (of_v.report.iterations, of_v.report.stop_reason) = (iterations, stop_reason);
    Ok(of_v)
}
