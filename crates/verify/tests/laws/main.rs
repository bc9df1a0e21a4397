//! The laws, faults and comparisons that this crate's README lists, in one program: what they share is compiled and linked
//! once. `cargo test -p orthant-verify --test laws determinism::` runs a part of them.

mod acceleration;
mod bound;
mod capability;
mod checkpoints;
mod descent;
mod determinism;
mod divergences;
mod exact;
mod extrapolated;
mod faults;
mod guarantees;
mod holdout;
mod known;
mod layers;
mod lists;
mod minibatch;
mod missing;
mod newton;
mod numbers;
mod out_of_core;
mod out_of_core_sparse;
mod page;
mod parity;
mod random;
mod ranks;
mod scaling;
mod shuffle;
mod sklearn_bugs;
mod starts;
mod steps;
mod transforms;
mod weights;
