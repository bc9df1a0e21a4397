//! Parity with scikit-learn: the same starts, from them the same steps, the same number of iterations, the same
//! loss, and the same weights for a fixed H; for NMF with both solvers and every loss, and for MiniBatchNMF.
//!
//! Data is in C or Fortran order, or csr or csc. Of csc with beta other than 2 scikit-learn's multiplicative updates are
//! wrong (`bug_11` of `sklearn_bugs.rs`): it is asked about the same matrix by rows.
//!
//! The reference cases are files that `scripts/reference` writes: a few are kept beside this test, many more
//! are read from the folder that the environment variable `ORTHANT_REFERENCE` names.
//!
//! | what | tolerance in f64 | in f32 |
//! |---|---|---|
//! | W and H after 1 and 5 iterations (1 and 3 passes or batches), max|difference| over the matrix' largest entry | 1e-10 | 64·k·2⁻²⁴ a step |
//! | iterations until tol = 1e-2, 1e-3 and 1e-4 (mini-batches: steps until 1e-2 and 1e-4) | equal | ±1, ±10 where every tenth tests the criterion, ± a pass |
//! | loss of the whole fit by the oracle, relative; `reconstruction_err_` squared | 1e-6 | 1e-6; – |
//! | a random start | the same bits | the same bits |
//! | a start from the SVD | 1e-8 | 1e-4 |
//! | W and H a step after it | 1e-8 | 1e-3 |
//! | iterations of a whole fit from it | equal | a tenth more or fewer |
//! | weights of `transform` | 1e-8 | 1e-4 |
//! | iterations of `transform` | equal | as above |
//!
//! Where scikit-learn's own answer moves by more than an eighth of a tolerance when its input changes by one unit
//! in the last place (exact fits, components that are nothing but rounding, long fits in f32), eight times what it
//! moved by is allowed instead; and counts may be any that it then comes to. Some of its answers are wrong or not
//! finite, and are not compared. Each of these exceptions is of a class that `tests/data/sklearn/exceptions.json`
//! explains; those of the committed cases are listed there one by one, and at least nine of ten cases in f64
//! have none.
//!
//! Two differences are meant. A row or column of X that is all zero has weights of exactly 0 here; scikit-learn keeps
//! the start's beside a component that is all zero. And a coordinate without curvature but with an L1 penalty becomes
//! 0 here, its minimum; scikit-learn leaves it. The first is allowed for in the comparison, which the second ends.

mod listing;
mod minibatch;
mod nmf;
mod outcome;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use listing::{Case, Listing};
use npyz::Deserialize;
use orthant::Real;
use outcome::{Exceptions, Outcome};

fn run<'a, T: Real + Deserialize>(case: &'a Case, folder: &Path) -> Outcome<'a> {
    match case.solver.as_str() {
        "minibatch" => minibatch::run::<T>(case, folder),
        _ => nmf::run::<T>(case, folder),
    }
}

#[expect(clippy::print_stderr, reason = "a parity run says what it compared")]
fn report(listing: &Listing, outcomes: &[Outcome<'_>]) {
    let mut strata = BTreeMap::<(String, &str), usize>::new();
    for case in &listing.cases {
        *strata.entry((format!("{} beta {}", case.solver, case.beta), case.dtype.as_str())).or_default() += 1;
    }
    eprintln!("{} cases of scikit-learn {}", listing.cases.len(), listing.scikit_learn);
    for ((stratum, dtype), count) in &strata {
        eprintln!("  {stratum}, {dtype}: {count}");
    }
    for (exception, allowed) in outcomes.iter().flat_map(|o| &o.exceptions) {
        match allowed {
            Some(allowed) => {
                eprintln!(
                    "  {} {}: {}, allowed {allowed:.1e}",
                    exception.case, exception.what, exception.class
                )
            }
            None => eprintln!("  {} {}: {}, not compared", exception.case, exception.what, exception.class),
        }
    }
    let mut classes = BTreeMap::<&str, usize>::new();
    for (exception, _) in outcomes.iter().flat_map(|o| &o.exceptions) {
        *classes.entry(&exception.class).or_default() += 1;
    }
    for (class, count) in classes {
        eprintln!("{count} × {class}");
    }
}

#[expect(clippy::print_stderr, reason = "a parity run says what it compared")]
fn compare(folder: &Path, committed: bool) {
    let (listing, exceptions) = (Listing::read(folder), Exceptions::read());
    let outcomes: Vec<Outcome<'_>> = listing
        .cases
        .iter()
        .map(|case| match case.dtype.as_str() {
            "float64" => run::<f64>(case, folder),
            "float32" => run::<f32>(case, folder),
            other => panic!("{}: dtype {other}", case.name),
        })
        .collect();
    report(&listing, &outcomes);
    let all = outcomes.iter().filter(|o| o.double).count();
    let exact = outcomes.iter().filter(|o| o.double && o.exceptions.is_empty()).count();
    eprintln!("{exact} of the {all} in f64 compared in everything at the full tolerances");

    let complaints: Vec<&str> =
        outcomes.iter().flat_map(|o| o.complaints.iter().map(String::as_str)).collect();
    assert!(complaints.is_empty(), "{} disagreements:\n{}", complaints.len(), complaints.join("\n"));
    assert!(outcomes.iter().all(|o| o.strict > 0 || !o.exceptions.is_empty()), "a case compared nothing");
    exceptions.explain(&outcomes);
    if committed {
        exceptions.match_committed(&outcomes);
    }
    assert!(10 * exact >= 9 * all, "too few cases are compared in full");
}

#[test]
fn committed_cases_agree_with_scikit_learn() {
    compare(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sklearn"), true);
}

#[test]
fn random_starts_of_sparse_data_have_the_same_bits() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sklearn");
    let listing = Listing::read(&folder);
    let drawn: Vec<&Case> = listing.cases.iter().filter(|c| c.is_sparse() && c.draws_start()).collect();
    assert!(drawn.len() >= 8, "{} cases", drawn.len());
    let other: Vec<String> = drawn
        .into_iter()
        .filter_map(|case| match case.dtype.as_str() {
            "float64" => nmf::other_bits::<f64>(case, &folder),
            _ => nmf::other_bits::<f32>(case, &folder),
        })
        .collect();
    assert!(other.is_empty(), "{}", other.join("\n"));
}

#[test]
fn live_cases_agree_with_scikit_learn() {
    if let Some(folder) = std::env::var_os("ORTHANT_REFERENCE") {
        compare(&PathBuf::from(folder), false);
    }
}
