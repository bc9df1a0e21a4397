//! Checkpoints: files, and the state in them, which a hash keeps from damage but not from malice.

use std::cell::LazyCell;
use std::ops::ControlFlow;

use orthant::{Checkpoint, Dense, Iteration, Loss, Method, Nmf, StopReason};
use orthant_io::{read_checkpoint, write_checkpoint};

use crate::readers::file;

/// What is gone on with: extrapolated by Gram matrices, by Newton's steps, by ratios and by both factors at once, and a random order.
const METHODS: [Method; 5] = [
    Method::hals().extrapolated(),
    Method::newton().extrapolated(),
    Method::mm(Loss::Beta(1.5)).extrapolated(),
    Method::joint_mm().extrapolated(),
    Method::cd(),
];

fn data() -> Dense<f64> {
    Dense::from_fn(7, 5, |i, j| ((i * 3 + j * j) % 5) as f64)
}

fn nmf(method: Method) -> Nmf<f64> {
    let nmf = Nmf::new(2).method(method).tol(0.0).max_iter(8).threads(1);
    if method == Method::cd() { nmf.shuffle(true) } else { nmf }
}

/// A checkpoint of the fit by that method.
pub fn kept(method: usize) -> Checkpoint {
    let mut kept = None;
    let mut observer = |it: &Iteration<'_, f64>| {
        kept = it.checkpoint().ok();
        if it.number < 4 { ControlFlow::Continue(()) } else { ControlFlow::Break(StopReason::Observer) }
    };
    nmf(METHODS[method]).fit_observed(&data(), &mut observer).expect("the data can be fitted");
    kept.expect("it has an iteration")
}

thread_local! {
    static KEPT: LazyCell<Vec<Checkpoint>> = LazyCell::new(|| (0..METHODS.len()).map(kept).collect());
}

fn goes_on_or_says_why(checkpoint: Checkpoint, method: Method) {
    match nmf(method).checkpoint(checkpoint).fit(&data()) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(fit) => {
            let factors = fit.w.as_slice().iter().chain(fit.model.components().as_slice());
            assert!(
                factors.into_iter().all(|x| x.is_finite() && *x >= 0.0),
                "a factor has what none can have"
            );
        }
    }
}

/// A state: a byte that chooses the method, and the bytes of the state.
pub fn state(data: &[u8]) {
    let [method, state @ ..] = data else { return };
    let method = usize::from(*method) % METHODS.len();
    let checkpoint = KEPT.with(|kept| kept[method].clone());
    goes_on_or_says_why(checkpoint.with_state(state.to_vec()), METHODS[method]);
}

/// A file.
pub fn checkpoint(data: &[u8]) {
    match read_checkpoint(file("fit.checkpoint", data)) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(checkpoint) => {
            METHODS.into_iter().for_each(|method| goes_on_or_says_why(checkpoint.clone(), method))
        }
    }
}

/// The seeds of both: of each method a state with the byte that chooses it, and a file.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    let path = file("seed.checkpoint", b"");
    let mut seeds = Vec::new();
    for method in 0..METHODS.len() {
        let kept = kept(method);
        seeds.push((format!("state/{method}"), [&[method as u8], kept.state()].concat()));
        write_checkpoint(&path, &kept).expect("room for a file");
        seeds.push((format!("checkpoint/{method}"), std::fs::read(&path).expect("the file is there")));
    }
    seeds
}
