//! Inputs that nobody would write by hand: damaged files for every reader, and fits of arbitrary matrices with arbitrary options.
//!
//! A [target](targets::Target) is a function of bytes that panics if a property does not hold. Two engines call the same targets:
//!
//! - The runner here needs nothing but stable Rust. It mutates the seeds ([`mutate`]) without knowing what code they reach, and runs
//!   them in [worker processes](worker) with a limit of memory and time, so that it also finds what ends a process. The test
//!   `bounded` runs a fixed number of them; `cargo run --release -p orthant-fuzz -- --seconds 600` goes on as long as it is told.
//! - libFuzzer follows coverage, and so finds its way deeper into a format. It is a package of its own, in the folder `fuzz`.
//!
//! Seeds are in `seeds/TARGET`, beside the files that the readers' own tests use. `regressions/TARGET` has every input that ever
//! failed. Both are always run first.

pub mod checkpoints;
pub mod corpus;
pub mod fit;
pub mod mutate;
pub mod numbers;
pub mod parent;
pub mod readers;
pub mod targets;
pub mod traps;
pub mod worker;
