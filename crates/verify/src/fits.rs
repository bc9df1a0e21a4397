//! Fits of a fixed number of iterations from a given start.

use std::ops::ControlFlow;

use orthant::{Dense, Error, Fit, Init, Iteration, Loss, Method, Nmf, Penalty, Real, StopReason, ToMatrix};

/// A fit that makes exactly `iterations` steps of `method` from (w, h), unless nothing is left to do.
pub fn fixed<T: Real>(
    method: Method,
    penalty: Penalty,
    w: &Dense<T>,
    h: &Dense<T>,
    iterations: usize,
) -> Nmf<T> {
    Nmf::new(h.nrows())
        .method(method)
        .tol(0.0)
        .max_iter(iterations)
        .penalty(penalty)
        .init(Init::Custom { w: w.clone(), h: h.clone() })
}

/// One step of `method` from (w, h), as an observer sees it: a fit ends by putting rows to zero that only tend to it.
///
/// # Errors
/// As the fit.
pub fn step<T: Real>(
    method: Method,
    penalty: Penalty,
    v: &impl ToMatrix<T>,
    w: &Dense<T>,
    h: &Dense<T>,
) -> Result<(Dense<T>, Dense<T>), Error> {
    step_with(&fixed(method, penalty, w, h, 1), v)
}

/// The first step of a fit, as an observer sees it.
///
/// # Errors
/// As the fit.
pub fn step_with<T: Real>(nmf: &Nmf<T>, v: &impl ToMatrix<T>) -> Result<(Dense<T>, Dense<T>), Error> {
    let mut factors = None;
    let mut keep = |it: &Iteration<'_, T>| {
        factors = Some(it.factors());
        ControlFlow::Break(StopReason::Observer)
    };
    nmf.fit_observed(v, &mut keep)?;
    Ok(factors.expect("data that is not all zero takes a step"))
}

/// What an iteration left behind.
#[derive(Clone, Debug)]
pub struct Step<T> {
    /// W after it.
    pub w: Dense<T>,
    /// H after it.
    pub h: Dense<T>,
    /// The loss that it reported.
    pub loss: f64,
    /// The objective that it reported.
    pub objective: f64,
}

/// Runs a fit and keeps every iteration's factors.
///
/// # Errors
/// As the fit.
pub fn trace<T: Real>(nmf: &Nmf<T>, v: &impl ToMatrix<T>) -> Result<(Fit<T>, Vec<Step<T>>), Error> {
    let mut steps = Vec::new();
    let mut keep = |it: &Iteration<'_, T>| {
        let (w, h) = it.factors();
        steps.push(Step { w, h, loss: it.loss, objective: it.objective });
        ControlFlow::<StopReason>::Continue(())
    };
    let fit = nmf.fit_observed(v, &mut keep)?;
    Ok((fit, steps))
}

/// The methods, each with a fixed number of sweeps.
pub const METHODS: [Method; 5] = [
    Method::cd(),
    Method::hals().sweeps(1),
    Method::hals().sweeps(3),
    Method::mu(Loss::Frobenius),
    Method::mm(Loss::Frobenius),
];
