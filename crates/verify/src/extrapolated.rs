//! Accelerated updates for divergences by plain loops: every iteration with its objective and whether it is taken back.

use orthant::{Dense, Method, Penalty, Update};

use crate::divergences::{self, objective, rule, size};
use crate::newton;
use crate::oracle::weights;

/// An iteration.
pub struct Told {
    /// W and H that the objective is of.
    pub w: Dense<f64>,
    /// H.
    pub h: Dense<f64>,
    /// The objective.
    pub objective: f64,
    /// Whether it was above the best.
    pub restarted: bool,
}

/// What brings components that were updated against some of the sizes `met` to the scale of those updated against `now`.
pub fn quotients(met: &[f64], now: &[f64]) -> Vec<f64> {
    let quotient = |(met, now): (&f64, &f64)| met / now;
    let usable = |by: f64| if by > 0.0 && by.is_finite() { by } else { 1.0 };
    met.iter().zip(now).map(quotient).map(usable).collect()
}

fn columns(x: &Dense<f64>) -> Vec<f64> {
    (0..x.ncols()).map(|t| (0..x.nrows()).map(|i| x[(i, t)]).sum()).collect()
}

/// The factors where updates start, and what the last ones that were accepted had led to.
#[derive(Clone)]
struct Place {
    w: Dense<f64>,
    ht: Dense<f64>,
    plain: (Dense<f64>, Dense<f64>),
    /// Column sums of H that the plain W was updated against.
    met: Option<Vec<f64>>,
}

fn zip(a: &Dense<f64>, b: &Dense<f64>, f: impl Fn(f64, f64) -> f64) -> Dense<f64> {
    Dense::from_fn(a.nrows(), a.ncols(), |i, t| f(a[(i, t)], b[(i, t)]))
}

/// The iterations of the plain rule with which a fit by such a method begins.
pub fn plain_iterations(method: Method) -> usize {
    match method.update {
        Update::Newton => 50,
        Update::Mm if (1.0..=2.0).contains(&method.loss.beta()) => 10,
        Update::Mm => 60,
        _ => 0,
    }
}

/// So many iterations of extrapolated [`Update::Mm`] or [`Update::Newton`], each factor by its own pass over V, or of
/// [`Update::JointMm`].
///
/// # Panics
/// For another method, or without a number of sweeps.
pub fn run(
    method: Method,
    v: &Dense<f64>,
    (w, h): (&Dense<f64>, &Dense<f64>),
    penalty: Penalty,
    iterations: usize,
) -> Vec<Told> {
    let (beta, _) = rule(method);
    let on = weights(penalty, v.nrows(), v.ncols());
    let vt = v.transposed();
    let free = penalty == Penalty::default();
    let start = Place { w: w.clone(), ht: h.transposed(), plain: (w.clone(), h.transposed()), met: None };
    let (mut at, mut best) = (start.clone(), (f64::INFINITY, start));
    let plain = plain_iterations(method);
    let (mut far, mut before, mut limit) = (0.0, 0.5, 1.0);
    let (mut accepted, mut in_a_row) = (0, 0);
    let mut told = Vec::new();
    for number in 0..iterations {
        let half =
            |v: &Dense<f64>, x: &mut Dense<f64>, y: &Dense<f64>, l: (f64, f64), of_h: bool| match method
                .update
            {
                Update::Newton => newton::update(v, x, y, l, method.sweeps.expect("a number of sweeps")),
                Update::Mm => {
                    let bold = number >= plain && in_a_row < 2 && best.0.is_finite();
                    divergences::update(method, v, x, y, l, of_h, bold)
                }
                other => panic!("{other:?}"),
            };
        let ahead = |new: &Dense<f64>, old: &Dense<f64>, met: &Option<Vec<f64>>, now: &[f64]| {
            let by = match met {
                Some(met) if free => quotients(met, now),
                _ => vec![1.0; now.len()],
            };
            let old = Dense::from_fn(old.nrows(), old.ncols(), |i, t| by[t] * old[(i, t)]);
            zip(new, &old, |x, from| match (newton(method), from > 0.0) {
                (true, _) => (x + far * (x - from)).max(x / 1024.0),
                (false, true) => x * (x / from).clamp(1.0 / 1024.0, 1024.0).powf(far),
                (false, false) => x,
            })
        };
        let of_h = columns(&at.ht);
        let (mut new_w, mut new_h) = (at.w.clone(), at.ht.clone());
        if method.update == Update::JointMm {
            // what goes further has momentum
            let exponent = if accepted > 0 { 1.5 } else { 1.0 };
            divergences::update_both(v, (&mut new_w, &mut new_h), penalty, exponent);
        } else {
            half(v, &mut new_w, &at.ht.transposed(), (on.l1_w, on.l2_w), false);
        }
        let far_w = ahead(&new_w, &at.plain.0, &at.met, &of_h);
        if method.update != Update::JointMm {
            half(&vt, &mut new_h, &far_w.transposed(), (on.l1_h, on.l2_h), true);
        }
        let far_h = ahead(&new_h, &at.plain.1, &None, &of_h);
        let judged = if newton(method) { &new_h } else { &far_h }.transposed();
        let now = objective(v, &far_w, &judged, penalty, beta).value;
        let restarted = now > best.0 + 4.0 * f64::EPSILON * size(v, beta);
        if restarted {
            at = best.1.clone();
            // W goes on from what it goes back to
            at.met = None;
            (accepted, in_a_row) = (0, in_a_row + 1);
            (limit, before, far) = (before, far, far / 1.5);
        } else {
            let met = (method.update != Update::JointMm).then_some(of_h);
            at = Place {
                w: far_w.clone(),
                ht: far_h.clone(),
                plain: (new_w, new_h.clone()),
                met: met.clone(),
            };
            let (w, ht) = (far_w.clone(), judged.transposed());
            best = (best.0.min(now), Place { plain: (w.clone(), ht.clone()), w, ht, met });
            (accepted, in_a_row) = (accepted + 1, 0);
            (before, far, limit) = (far, f64::min(limit, 1.01 * far), f64::min(1.0, 1.005 * limit));
        }
        if number < plain {
            far = if newton(method) && number + 1 == plain { 0.5 } else { 0.0 };
            (accepted, before, limit) = (0, 0.5, 1.0);
        } else if !newton(method) {
            let delay = if method.update == Update::JointMm { 12.0 } else { 1.5 };
            far = f64::from(accepted) / (f64::from(accepted) + delay);
        }
        told.push(Told { w: far_w, h: judged, objective: now, restarted });
    }
    told
}

fn newton(method: Method) -> bool {
    method.update == Update::Newton
}
