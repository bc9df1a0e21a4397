//! Laws of checkpoints: a fit that is gone on with is the fit that was not interrupted.

use orthant::{Checkpoint, Dense, Error, Iteration, Loss, Method, Nmf, Real, StopReason};
use orthant_verify::cases::{Case, Task};
use orthant_verify::layout::{Layout, Stored};
use orthant_verify::strategies::Numbers;
use std::ops::ControlFlow;

/// Compares a case with the same in two parts, the second on another number of threads: whether there was something to compare.
fn goes_on<T: Real>(number: u64, case: &Case, failed: &mut Vec<String>) -> bool {
    let Ok(whole) = case.run::<T>() else { return false };
    if whole.iterations == 0 {
        return false;
    }
    let mut numbers = Numbers::new(number);
    for at in [1 + numbers.below(whole.iterations), whole.iterations] {
        let kept = case.interrupted::<T>(at).unwrap();
        assert_eq!(kept.iterations(), at);
        let mut other = case.clone();
        other.threads = 3 - case.threads;
        let resumed = match other.resumed::<T>(kept.clone()) {
            // two threads hold more than one
            Err(Error::MemoryLimit { .. }) => case.resumed::<T>(kept),
            resumed => resumed,
        };
        if resumed.as_ref() != Ok(&whole) {
            failed.push(format!("{number} after {at} of {}: {resumed:?}: {case:?}", whole.iterations));
        }
    }
    true
}

/// Law 30: every method, loss, start, layout and precision, weights alone and mini-batches; at an iteration in the middle and
/// at the last one.
#[test]
fn a_fit_that_is_gone_on_with_has_the_bits_of_one_that_was_not_interrupted() {
    // three of each form of a method; a hundred in the long run
    let cases = if std::env::var_os("ORTHANT_RANDOM_PROBLEMS").is_some() { 1400 } else { 42 };
    let (mut compared, mut batches, mut failed) = (0, 0, Vec::new());
    for number in 1..=cases {
        let mut case = Case::new(number);
        // more than there are cores would be remarked
        case.threads = 1 + case.threads % 2;
        let done = match case.drawn.single {
            true => goes_on::<f32>(number, &case, &mut failed),
            false => goes_on::<f64>(number, &case, &mut failed),
        };
        compared += u64::from(done);
        batches += u64::from(done && case.task == Task::Batches);
    }
    assert!(failed.is_empty(), "{} differ:\n{}", failed.len(), failed.join("\n"));
    assert!(compared >= cases * 7 / 10 && batches >= cases / 30, "{compared} fits, {batches} by batches");
}

fn data() -> Dense<f64> {
    let mut v = Numbers::new(5).matrix(40, 30);
    v.as_mut_slice().iter_mut().step_by(4).for_each(|x| *x = 0.0);
    v
}

fn kept(nmf: &Nmf<f64>, v: &Dense<f64>) -> Checkpoint {
    let mut kept = None;
    nmf.fit_observed(v, &mut |it: &Iteration<'_, f64>| {
        kept = it.checkpoint().ok();
        if it.number < 5 { ControlFlow::Continue(()) } else { ControlFlow::Break(StopReason::Observer) }
    })
    .unwrap();
    kept.unwrap()
}

fn mismatch<R>(done: Result<R, Error>, says: &str) {
    match done.map(drop) {
        Err(Error::CheckpointMismatch { reason }) => assert!(reason.contains(says), "{reason}"),
        other => panic!("{other:?}"),
    }
}

/// Fault 55: of other data, in another layout or precision, and of other options.
#[test]
fn a_checkpoint_of_anything_else_is_refused() {
    let v = data();
    let nmf = Nmf::new(3).tol(0.0).max_iter(20);
    let checkpoint = kept(&nmf, &v);
    let with = |nmf: &Nmf<f64>| nmf.clone().checkpoint(checkpoint.clone());
    assert!(with(&nmf).fit(&v).is_ok());
    assert!(with(&nmf.clone().max_iter(30).threads(2)).fit(&v).is_ok());

    mismatch(with(&nmf.clone().seed(1)).fit(&v), "seed: 0, and here seed: 1");
    mismatch(with(&nmf.clone().tol(1e-3)).fit(&v), "other options");
    mismatch(with(&Nmf::new(4).tol(0.0).max_iter(20)).fit(&v), "rank: 3, and here rank: 4");
    mismatch(with(&nmf.clone().method(Method::mm(Loss::KullbackLeibler))).fit(&v), "other options");
    let mut exchanged = v.clone();
    let rows: Vec<f64> = v.row(1).iter().chain(v.row(0)).copied().collect();
    exchanged.as_mut_slice()[..60].copy_from_slice(&rows);
    mismatch(with(&nmf).fit(&exchanged), "data with other entries");
    mismatch(with(&nmf).fit(&Stored::new(&v, Layout::ColMajor)), "40×30 by columns");
    mismatch(with(&nmf).fit(&Stored::new(&v, Layout::Csr)), "sparse data");
    let single = Dense::from_fn(40, 30, |i, j| v[(i, j)] as f32);
    mismatch(
        Nmf::<f32>::from_options(nmf.options().clone()).checkpoint(checkpoint.clone()).fit(&single),
        "float32",
    );
    let h = Dense::from_fn(3, 30, |t, j| (t + j) as f64);
    mismatch(with(&nmf).fit_weights(&v, &h), "H was fitted");
}

/// Fault 55: a state that is cut short, or has an entry that no factor has, is an error and nothing else.
#[test]
fn a_damaged_state_is_refused() {
    let v = data();
    for method in [Method::auto(Loss::Frobenius), Method::mu(Loss::KullbackLeibler), Method::joint_mm()] {
        let nmf = Nmf::new(3).method(method).tol(0.0).max_iter(20);
        let checkpoint = kept(&nmf, &v);
        let state = checkpoint.state().to_vec();
        let with = |state: Vec<u8>| nmf.clone().checkpoint(checkpoint.clone().with_state(state)).fit(&v);
        for len in (0..state.len()).step_by(97).chain([state.len() - 1]) {
            mismatch(with(state[..len].to_vec()), "damaged");
        }
        mismatch(with([&state[..], &[0]].concat()), "longer");
        let mut numbers = Numbers::new(1);
        for _ in 0..200 {
            let mut other = state.clone();
            let at = numbers.below(other.len());
            other[at] ^= 1 << numbers.below(8);
            if let Ok(fit) = with(other) {
                assert!(fit.w.as_slice().iter().all(|x| x.is_finite() && *x >= 0.0));
            }
        }
    }
}

/// The other H is not taken for the one that the checkpoint has.
#[test]
fn weights_go_on_with_the_same_components_only() {
    let v = data();
    let h = Dense::from_fn(3, 30, |t, j| ((t + 2) * j % 7) as f64);
    let nmf = Nmf::new(3).tol(0.0).max_iter(20);
    let mut kept = None;
    let whole = nmf
        .fit_weights_observed(&v, &h, &mut |it: &Iteration<'_, f64>| {
            if it.number == 5 {
                kept = it.checkpoint().ok();
            }
            ControlFlow::<StopReason>::Continue(())
        })
        .unwrap();
    let resumed = nmf.clone().checkpoint(kept.unwrap());
    assert_eq!(resumed.fit_weights(&v, &h).unwrap().w, whole.w);
    let other = Dense::from_fn(3, 30, |t, j| ((t + 2) * j % 5) as f64);
    mismatch(resumed.fit_weights(&v, &other), "not the one that is given");
}
