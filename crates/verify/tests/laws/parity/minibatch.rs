//! MiniBatchNMF: fits, sequences of `partial_fit`, and its transform.

use std::path::Path;

use npyz::Deserialize;
use orthant::{Dense, MiniBatchNmf, Online, Real};
use orthant_verify::compare::{first_other_bit, unit_roundoff};

use super::listing::{Arrays, Case, rows};
use super::nmf::compare_start;
use super::outcome::{Loss, Outcome};

/// Steps of one pass over the data, by which the tolerance in f32 grows.
fn a_pass(case: &Case) -> usize {
    case.m.div_ceil(case.batch_size.expect("the rows of a batch"))
}

fn step_tolerance<T: Real>(out: &Outcome<'_>, steps: usize) -> f64 {
    if out.double { 1e-10 } else { (64 * out.case.k * steps) as f64 * unit_roundoff::<T>() }
}

pub fn run<'a, T: Real + Deserialize>(case: &'a Case, folder: &Path) -> Outcome<'a> {
    let mut out = Outcome::new::<T>(case);
    if let Some(reason) = &case.exception {
        out.except(reason, "all of it", None);
        return out;
    }
    let mut arrays = Arrays::open(folder, case);
    let x = arrays.data::<T>(case);
    let (w0, h0) = (arrays.matrix::<T>("W0"), arrays.matrix::<T>("H0"));
    let model = case.minibatch_from_start(&w0, &h0);
    if case.init != "custom" {
        let first = case.batches.as_ref().map_or(case.m, |sizes| sizes[0]);
        compare_start(&mut out, &case.stored(&rows(&x, 0, first)), (&w0, &h0));
    }
    match &case.batches {
        Some(sizes) => partial_fits(&mut out, &model, &x, sizes, &mut arrays),
        None => whole_fits(&mut out, &model, &x, &mut arrays),
    }

    let theirs = case.transform.as_ref().expect("a transform");
    if let Some(reason) = &theirs.exception {
        out.except(reason, "transform", None);
    } else {
        let (h, expected) = (arrays.matrix::<T>("H"), arrays.matrix::<T>("WT"));
        let w = model.tol(1e-4).transform(&case.stored(&x), &h).expect("weights");
        let tolerance = if out.double { 1e-8 } else { 1e-4 };
        let tolerance = out.allowed("transform", tolerance, theirs.spread);
        out.near("W of transform", &w, &expected, tolerance);
    }
    out
}

fn whole_fits<T: Real + Deserialize>(
    out: &mut Outcome<'_>,
    model: &MiniBatchNmf<T>,
    x: &Dense<T>,
    arrays: &mut Arrays,
) {
    let case = out.case;
    let (v, a_pass) = (case.stored(x), a_pass(case));
    let passes = |model: &MiniBatchNmf<T>, count: usize| {
        model.clone().tol(0.0).max_no_improvement(None).max_iter(count).fit(&v).expect("a fit")
    };
    for (&count, &spread) in &case.spread.steps {
        let what = format!("after {count} passes");
        let fit = passes(model, count);
        out.check(fit.steps == count * a_pass, || format!("{} steps {what}", fit.steps));
        let tolerance = step_tolerance::<T>(out, count * a_pass);
        let tolerance = out.allowed(&what, tolerance, spread);
        let (w, h) = (arrays.matrix(&format!("W{count}")), arrays.matrix(&format!("H{count}")));
        out.near(&format!("W {what}"), &fit.w, &w, tolerance);
        out.near(&format!("H {what}"), fit.model.components(), &h, tolerance);
    }

    // in f32 the smoothed loss may rise or fall by its last place, a pass sooner or later
    let slack = if out.double { 0 } else { a_pass };
    let (w, h) = (arrays.matrix::<T>("W"), arrays.matrix::<T>("H"));
    let last = case.n_steps_at.len() - 1;
    for (at, &(tol, n_steps, least, most)) in case.n_steps_at.iter().enumerate() {
        let fit = model.clone().tol(tol).fit(&v).expect("a fit");
        out.count(&format!("steps until tol {tol}"), fit.steps, (n_steps, least, most), slack);
        if at == last && fit.steps == n_steps {
            let passes = case.n_iter.expect("passes");
            out.count("passes", fit.report.iterations, (passes, passes, passes), 0);
            out.loss((&fit.w, fit.model.components()), &Loss::new(case, x, &w, &h));
        }
    }

    let Some(seeded) = &case.from_seed else { return };
    let fit = passes(&case.minibatch_from_seed(), 1);
    if case.draws_start() {
        let given = passes(model, 1);
        let other = first_other_bit(fit.model.components(), given.model.components());
        out.check(other.is_none(), || format!("H after a pass from the seed at {other:?}"));
    } else {
        let tolerance = if out.double { 1e-8 } else { 1e-3 };
        let tolerance = out.allowed("a pass from the seed", tolerance, seeded.spread);
        let (w, h) = (arrays.matrix("W1"), arrays.matrix("H1"));
        out.near("W after a pass from the seed", &fit.w, &w, tolerance);
        out.near("H after a pass from the seed", fit.model.components(), &h, tolerance);
    }
    let &(tol, ..) = case.n_steps_at.last().expect("a whole fit");
    let fit = case.minibatch_from_seed().tol(tol).fit(&v).expect("a fit");
    let more = if out.double || case.draws_start() { 0 } else { seeded.count.0 / 10 };
    out.count("steps from the seed", fit.steps, seeded.count, slack + more);
}

fn partial_fits<T: Real + Deserialize>(
    out: &mut Outcome<'_>,
    model: &MiniBatchNmf<T>,
    x: &Dense<T>,
    sizes: &[usize],
    arrays: &mut Arrays,
) {
    let case = out.case;
    let mut online = model.clone().tol(1e-4).online().expect("options");
    let mut first = 0;
    for (at, &size) in sizes.iter().enumerate() {
        online.partial_fit(&case.stored(&rows(x, first, size))).expect("a step");
        first += size;
        let count = at + 1;
        if let Some(&spread) = case.spread.steps.get(&count) {
            let what = format!("after {count} batches");
            let tolerance = step_tolerance::<T>(out, count);
            let tolerance = out.allowed(&what, tolerance, spread);
            out.near(
                &format!("H {what}"),
                &components(&online),
                &arrays.matrix(&format!("H{count}")),
                tolerance,
            );
        }
    }
    assert_eq!(first, x.nrows(), "{}", case.name);
    // weights of all of X for our H and for scikit-learn's
    let v = case.stored(x);
    let w = model.clone().tol(1e-4).transform(&v, &components(&online)).expect("weights");
    let theirs = Loss::new(case, x, &arrays.matrix("W"), &arrays.matrix("H"));
    out.loss((&w, &components(&online)), &theirs);

    if let Some(seeded) = &case.from_seed {
        let mut online = case.minibatch_from_seed().tol(1e-4).online().expect("options");
        online.partial_fit(&case.stored(&rows(x, 0, sizes[0]))).expect("a step");
        let tolerance = if out.double { 1e-8 } else { 1e-3 };
        let tolerance = out.allowed("a batch from the seed", tolerance, seeded.spread);
        out.near("H after a batch from the seed", &components(&online), &arrays.matrix("H1"), tolerance);
    }
}

fn components<T: Real>(online: &Online<T>) -> Dense<T> {
    online.model().expect("a batch with an entry").components().clone()
}
