//! NMF with coordinate descent and with multiplicative updates.

use std::path::Path;

use npyz::Deserialize;
use orthant::{Dense, Fit, Init, Real};
use orthant_verify::compare::{cast, first_other_bit, max_abs, unit_roundoff};
use orthant_verify::layout::Stored;
use orthant_verify::oracle;

use super::listing::{Arrays, Case, rows};
use super::outcome::{EMPTY, Loss, NON_FINITE, Outcome, UNDETERMINED};

/// A factor with the rows at 0 for which the data is all zero.
fn cleared<T: Real>(factor: &Dense<T>, x: &Dense<T>) -> Dense<T> {
    let empty: Vec<bool> = (0..x.nrows()).map(|i| x.row(i).iter().all(|&e| e == T::ZERO)).collect();
    Dense::from_fn(factor.nrows(), factor.ncols(), |i, t| if empty[i] { T::ZERO } else { factor[(i, t)] })
}

/// The reported error with scikit-learn's floor in place of zeros of WH under positive entries, where these cost something finite
/// and are reported as they are.
fn floored_error<T: Real>(case: &Case, x: &Dense<T>, fit: &Fit<T>) -> f64 {
    let (error, power) = (fit.report.reconstruction_error, case.beta - 1.0);
    if power <= 0.0 || power >= 1.0 {
        return error;
    }
    let floor = f64::from(f32::EPSILON);
    let (v, p) = (cast::<T, f64>(x), oracle::product(&cast(&fit.w), &cast(fit.model.components())));
    let below = v.as_slice().iter().zip(p.as_slice()).filter(|&(&v, &p)| v > floor && p < floor);
    let less: f64 = below.map(|(v, p)| v * (floor.powf(power) - p.powf(power)) / power).sum();
    (error.powi(2) - 2.0 * less).sqrt()
}

/// The start, made anew, beside scikit-learn's; whether rounding decides what it is.
pub fn compare_start<T: Real>(
    out: &mut Outcome<'_>,
    v: &Stored<T>,
    (w0, h0): (&Dense<T>, &Dense<T>),
) -> bool {
    let case = out.case;
    let (w, h) = case.nmf_from_seed().init_factors(v).expect("a start");
    if case.draws_start() {
        for (what, a, b) in [("W", &w, w0), ("H", &h, h0)] {
            if case.draws_start() {
                let other = first_other_bit(a, b);
                out.check(other.is_none(), || format!("another random start: {what} at {other:?}"));
            } else {
                out.near(&format!("the random start's {what}"), a, b, 8.0 * unit_roundoff::<T>());
            }
        }
        return false;
    }
    let tolerance: f64 = if out.double { 1e-8 } else { 1e-4 };
    let allowed = tolerance.max(8.0 * case.spread.start);
    if filled_by_chance(out, v) || filled_elsewhere(out, v, [(&w, w0), (&h, h0)], allowed) {
        out.except(UNDETERMINED, "the start", None);
        return true;
    }
    let tolerance = out.allowed("the start", tolerance, case.spread.start);
    out.near("the start's W", &w, w0, tolerance);
    out.near("the start's H", &h, h0, tolerance);
    false
}

/// Where a random start has other bits than scikit-learn's.
pub fn other_bits<T: Real + Deserialize>(case: &Case, folder: &Path) -> Option<String> {
    let mut arrays = Arrays::open(folder, case);
    let x = arrays.data::<T>(case);
    let first = case.batches.as_ref().map_or(case.m, |sizes| sizes[0]);
    let (w, h) = case.nmf_from_seed().init_factors(&case.stored(&rows(&x, 0, first))).expect("a start");
    let (w0, h0) = (arrays.matrix::<T>("W0"), arrays.matrix::<T>("H0"));
    first_other_bit(&w, &w0).or(first_other_bit(&h, &h0)).map(|at| format!("{}: {at}", case.name))
}

/// Whether rounding decides what is 0 in singular vectors in f32, so that another entry gets the next random number:
/// there are entries among the rest that are next to nothing.
fn filled_by_chance<T: Real>(out: &Outcome<'_>, v: &Stored<T>) -> bool {
    if out.double || out.case.init != "nndsvdar" {
        return false;
    }
    let (w, h) = out.case.nmf_from_seed().init(Init::Nndsvd).init_factors(v).expect("a start");
    [w, h].iter().any(|a| {
        let least =
            a.as_slice().iter().filter(|x| **x > T::ZERO).fold(f64::INFINITY, |m, x| m.min(x.to_f64()));
        least < 1e-4 * max_abs(a)
    })
}

/// Whether all that differs in a start in f32 are entries that singular vectors leave next to nothing in the one and 0 in the
/// other, which the mean then takes the place of; and these are less than one in a thousand.
fn filled_elsewhere<T: Real>(
    out: &Outcome<'_>,
    v: &Stored<T>,
    pairs: [(&Dense<T>, &Dense<T>); 2],
    tolerance: f64,
) -> bool {
    if out.double || !matches!(out.case.init.as_str(), "nndsvda" | "default") {
        return false;
    }
    let (w, h) = out.case.nmf_from_seed().init(Init::Nndsvd).init_factors(v).expect("a start");
    let mut elsewhere = 0;
    for (cut, (ours, theirs)) in [w, h].iter().zip(pairs) {
        let (least, entries) = (tolerance * max_abs(theirs), cut.as_slice().iter());
        let fill = entries.clone().zip(ours.as_slice()).find(|(cut, _)| **cut == T::ZERO);
        let filled = |x: f64| fill.is_some_and(|(_, fill)| (fill.to_f64() - x).abs() <= least);
        for ((cut, ours), theirs) in entries.zip(ours.as_slice()).zip(theirs.as_slice()) {
            let (cut, ours, theirs) = (cut.to_f64(), ours.to_f64(), theirs.to_f64());
            if (ours - theirs).abs() <= least {
                continue;
            }
            if cut > least || theirs > least && !filled(theirs) {
                return false;
            }
            elsewhere += 1;
        }
    }
    elsewhere > 0 && 1000 * elsewhere < out.case.k * (out.case.m + out.case.n)
}

/// Whether scikit-learn's own loss is infinite, and its error what is left of NaN: β < 0 where WH has zeros.
fn infinite(case: &Case, w: &Dense<f64>, h: &Dense<f64>) -> bool {
    case.beta < 0.0 && oracle::product(w, h).as_slice().contains(&0.0)
}

/// How far a count may be from scikit-learn's. Multiplicative updates look at their criterion every tenth
/// iteration.
fn slack(out: &Outcome<'_>) -> usize {
    match (out.double, out.case.solver.as_str()) {
        (true, _) => 0,
        (false, "mu") => 10,
        (false, _) => 1,
    }
}

pub fn run<'a, T: Real + Deserialize>(case: &'a Case, folder: &Path) -> Outcome<'a> {
    let mut out = Outcome::new::<T>(case);
    if let Some(reason) = &case.exception {
        out.except(reason, "all of it", None);
        return out;
    }
    let mut arrays = Arrays::open(folder, case);
    let x = arrays.data::<T>(case);
    let (v, xt) = (case.stored(&x), x.transposed());
    let (w0, h0) = (arrays.matrix::<T>("W0"), arrays.matrix::<T>("H0"));
    let nmf = case.nmf_from_start(&w0, &h0);
    let mut expected = |w: &str, h: &str| {
        let (w, h) = (arrays.matrix::<T>(w), arrays.matrix::<T>(h));
        (cleared(&w, &x), cleared(&h.transposed(), &xt).transposed())
    };

    let a_step = 64.0 * case.k as f64 * unit_roundoff::<T>();
    for (&steps, &spread) in &case.spread.steps {
        let what = format!("after {steps} steps");
        if out.comparable(&what, steps) {
            let fit = nmf.clone().tol(0.0).max_iter(steps).fit(&v).expect("a fit");
            let (w, h) = expected(&format!("W{steps}"), &format!("H{steps}"));
            let tolerance = if out.double { 1e-10 } else { steps as f64 * a_step };
            let tolerance = out.allowed(&what, tolerance, spread);
            out.near(&format!("W {what}"), &fit.w, &w, tolerance);
            out.near(&format!("H {what}"), fit.model.components(), &h, tolerance);
        }
    }

    let (w, h) = expected("W", "H");
    let theirs = Loss::new(case, &x, &w, &h);
    let parts = out.parts(theirs.is_rounding());
    let infinite = infinite(case, &cast(&w0), &cast(&h0));
    let last = case.n_iter_at.len() - 1;
    for (at, &(tol, n_iter, least, most)) in case.n_iter_at.iter().enumerate() {
        let what = format!("until tol {tol}");
        if !out.comparable(&what, n_iter) {
            continue;
        }
        if infinite {
            out.except(NON_FINITE, &what, None);
            continue;
        }
        if parts {
            out.except(UNDETERMINED, &what, None);
            continue;
        }
        let fit = nmf.clone().tol(tol).fit(&v).expect("a fit");
        let found = fit.report.iterations;
        let slack = slack(&out);
        out.count(&format!("iterations {what}"), found, (n_iter, least, most), slack);
        if at != last || found != n_iter {
            continue;
        }
        let tolerance = out.loss((&fit.w, fit.model.components()), &theirs);
        if out.double {
            let (error, given) = (floored_error(case, &x, &fit), case.reconstruction_err.expect("an error"));
            // scikit-learn adds up terms of the size of Σ xᵝ, for sparse data always, and their rounding stays
            let sums = if case.beta == 2.0 && !case.is_sparse() {
                0.0
            } else {
                1e-13 * oracle::power_sum(&theirs.x, case.beta)
            };
            let d = (error.powi(2) - given.powi(2)).abs();
            out.check(
                error == given || d <= tolerance * error.powi(2) + 2.0 * theirs.rounding + sums,
                || format!("reconstruction error {error:e}, scikit-learn {given:e}"),
            );
        }
    }

    if case.init != "custom" {
        let by_chance = compare_start(&mut out, &v, (&w0, &h0));
        from_seed(&mut out, &v, &expected("W1", "H1"), (parts, by_chance));
    }
    transform(&mut out, &x, &mut arrays);
    out
}

/// Whole fits that make their own start.
fn from_seed<T: Real>(
    out: &mut Outcome<'_>,
    v: &Stored<T>,
    (w, h): &(Dense<T>, Dense<T>),
    (parts, by_chance): (bool, bool),
) {
    let case = out.case;
    let seeded = case.from_seed.as_ref().expect("fits from the seed");
    let nmf = case.nmf_from_seed();
    if by_chance {
        out.except(UNDETERMINED, "from the seed", None);
        return;
    }
    if out.comparable("a step from the seed", 1) {
        let fit = nmf.clone().tol(0.0).max_iter(1).fit(v).expect("a fit");
        let tolerance = match (out.double, case.draws_start()) {
            (true, true) => 1e-10,
            (true, false) => 1e-8,
            (false, true) => 64.0 * case.k as f64 * unit_roundoff::<T>(),
            (false, false) => 1e-3,
        };
        let tolerance = out.allowed("a step from the seed", tolerance, seeded.spread);
        out.near("W after a step from the seed", &fit.w, w, tolerance);
        out.near("H after a step from the seed", fit.model.components(), h, tolerance);
    }
    let (n_iter, ..) = seeded.count;
    if !out.comparable("from the seed", n_iter) {
        return;
    }
    if parts {
        out.except(UNDETERMINED, "from the seed", None);
    } else {
        let &(tol, ..) = case.n_iter_at.last().expect("a whole fit");
        let fit = nmf.tol(tol).fit(v).expect("a fit");
        // in f32 the last places of an SVD are its algorithm's own
        let more = if out.double || case.draws_start() { 0 } else { n_iter / 10 };
        let slack = slack(out) + more;
        out.count("iterations from the seed", fit.report.iterations, seeded.count, slack);
    }
}

/// Weights for scikit-learn's H.
fn transform<T: Real + Deserialize>(out: &mut Outcome<'_>, x: &Dense<T>, arrays: &mut Arrays) {
    let case = out.case;
    let Some(theirs) = &case.transform else {
        out.except(EMPTY, "transform", None);
        return;
    };
    if let Some(reason) = &theirs.exception {
        out.except(reason, "transform", None);
        return;
    }
    let asked = if case.transform_rows == case.m {
        rows(x, 0, case.m)
    } else {
        Dense::from_fn(case.transform_rows, case.n, |i, j| x[(case.m - 1 - i, j)])
    };
    let (h, w) = (arrays.matrix::<T>("H"), arrays.matrix::<T>("WT"));
    let fit = case.nmf().tol(1e-4).fit_weights(&case.stored(&asked), &h).expect("weights");
    let count = theirs.n_iter.expect("iterations");
    let slack = slack(out);
    out.count("iterations of transform", fit.report.iterations, count, slack);
    if fit.report.iterations == count.0 {
        let tolerance = if out.double { 1e-8 } else { 1e-4 };
        let tolerance = out.allowed("transform", tolerance, theirs.spread);
        out.near("W of transform", &fit.w, &w, tolerance);
    }
}
