//! All targets by name.

use crate::{checkpoints, fit, readers, traps};

/// A function that panics if a property does not hold for these bytes.
#[derive(Clone, Copy)]
pub struct Target {
    /// What it is called on the command line, and the name of its folders.
    pub name: &'static str,
    /// The function.
    pub run: fn(&[u8]),
    /// Endings of the files in `crates/io/tests/data` that are seeds too.
    pub endings: &'static [&'static str],
    /// Damaged inputs a test tries.
    pub bounded: u64,
}

const fn target(
    name: &'static str,
    run: fn(&[u8]),
    endings: &'static [&'static str],
    bounded: u64,
) -> Target {
    Target { name, run, endings, bounded }
}

/// Every target that a run without names goes through.
pub const ALL: &[Target] = &[
    target("npy", readers::npy, &["npy"], 3000),
    target("npz", readers::npz, &["npz"], 2000),
    target("csv", readers::csv, &["csv"], 3000),
    target("tsv", readers::tsv, &[], 2000),
    target("txt", readers::txt, &["txt"], 3000),
    target("mtx", readers::mtx, &["mtx"], 3000),
    target("png", readers::png, &["png"], 3000),
    target("jpeg", readers::jpeg, &[], 2000),
    target("gz", readers::gz, &["csv.gz"], 2000),
    target("packed", readers::packed, &[".bz2", ".xz", ".zst", ".zip"], 2000),
    target("sheets", readers::sheets, &[".xlsx", ".ods"], 1500),
    target("svmlight", readers::svmlight, &[".svmlight"], 1000),
    target("names", readers::names, &[], 1000),
    target("model", readers::model, &[], 2000),
    target("checkpoint", checkpoints::checkpoint, &[], 1000),
    target("state", checkpoints::state, &[], 2000),
    target("vocabulary", readers::vocabulary, &[], 2000),
    target("corpus_table", readers::corpus_table, &[], 1000),
    target("corpus_json", readers::corpus_json, &[], 1000),
    target("corpus_text", readers::corpus_text, &[], 1000),
    target("fit", |data| _ = fit::whole(data), &[], 1500),
    target("minibatch", |data| _ = fit::minibatch(data), &[], 1000),
    target("h5", readers::h5, &["h5ad.gz", "h5.gz", "loom.gz"], 3000),
];

/// The target of that name, among them those that fail on purpose.
pub fn named(name: &str) -> Option<Target> {
    ALL.iter().chain(traps::ALL).find(|target| target.name == name).copied()
}
