//! What happens with bad and extreme input: an error that names the place, or the exact result stated here.
//!
//! [`TABLE`] lists every case by its number, with the tests that pin it down or the reason why it cannot occur.

mod batches;
mod entries;
mod options;
mod running;
mod shapes;
mod sparse;
mod starts;

use orthant::{Dense, Loss, Method, MiniBatchNmf, Real, Start};
use orthant_verify::fits::METHODS;
use orthant_verify::layout::Layout;
use orthant_verify::strategies::{Data, Problem, Recipe};

use batches::*;
use entries::*;
use options::*;
use running::*;
use shapes::*;
use sparse::*;
use starts::*;

enum Answer {
    Tests(&'static [fn()]),
    NotHere(&'static str),
}
use Answer::{NotHere, Tests};

const NO_MASKS: &str = "there are no masks or weights";
const NO_FILES: &str = "fits read matrices in memory; files are the affair of the crate that reads them";

const TABLE: [(u32, &str, Answer); 61] = [
    (1, "NaN entry", Tests(&[fault_01_nan])),
    (2, "infinite entry", Tests(&[fault_02_infinity])),
    (3, "negative entry", Tests(&[fault_03_negative])),
    (4, "negative zero", Tests(&[fault_04_negative_zero])),
    (5, "no rows or no columns", Tests(&[fault_05_empty])),
    (6, "rank 0", Tests(&[fault_06_rank_zero])),
    (7, "rank too large for an SVD start", Tests(&[fault_07_rank_too_large_for_the_start])),
    (8, "rank above both sides", Tests(&[fault_08_rank_above_the_sides])),
    (9, "rank 1", Tests(&[fault_09_rank_one_is_perrons])),
    (10, "1×1", Tests(&[fault_10_one_by_one])),
    (11, "one row or one column", Tests(&[fault_11_single_lines_are_exact])),
    (12, "all zero", Tests(&[fault_12_all_zero, fault_12_all_zero_batches])),
    (13, "all zero, β ≤ 0", Tests(&[fault_13_and_16_zeros_under_beta_at_most_zero])),
    (14, "a zero row", Tests(&[fault_14_and_15_zero_lines, fault_14_zero_rows_in_batches])),
    (15, "a zero column", Tests(&[fault_14_and_15_zero_lines])),
    (16, "a zero with β ≤ 0", Tests(&[fault_13_and_16_zeros_under_beta_at_most_zero])),
    (17, "subnormal entries", Tests(&[fault_17_subnormal])),
    (18, "entries of 1e±200 in f64", Tests(&[fault_18_huge_and_tiny])),
    (19, "entries of 1e±30 in f32", Tests(&[fault_19_huge_and_tiny_in_single_precision])),
    (20, "KL of tiny data", Tests(&[fault_20_tiny_data])),
    (21, "lines of very different scale", Tests(&[fault_21_lines_of_different_scale])),
    // of dense data element types are f32 and f64; files of integers are widened by their reader
    (22, "integers", Tests(&[fault_22_integers])),
    (23, "u64 above 2^53", Tests(&[fault_23_integers_that_are_not_exact])),
    (24, "stored zeros", Tests(&[fault_24_stored_zeros])),
    (25, "duplicate entries", Tests(&[fault_25_duplicates])),
    (26, "unsorted indices", Tests(&[fault_26_unsorted_indices])),
    (27, "corrupt sparse structure", Tests(&[fault_27_corrupt_parts, fault_27_changed_parts])),
    (28, "CSC, CSR and dense", Tests(&[fault_28_rows_columns_and_dense])),
    (29, "more than 2^31 stored entries", Tests(&[fault_29_more_than_32_bits])),
    (30, "extents that overflow", Tests(&[fault_30_extents_that_overflow])),
    (31, "memory above the budget", Tests(&[fault_31_memory_above_the_budget])),
    (32, "memory layouts", Tests(&[fault_32_layouts])),
    (33, "read-only data", Tests(&[fault_33_read_only])),
    (34, "custom start", Tests(&[fault_34_custom_start])),
    (35, "custom H all zero", Tests(&[fault_35_zero_start])),
    (36, "identical start components", Tests(&[fault_36_identical_components, fault_36_locked_zeros])),
    (37, "a component that dies", Tests(&[fault_37_dead_component, fault_37_dying_component])),
    (38, "zero Hessian with L1", Tests(&[fault_38_zero_hessian])),
    (39, "huge α", Tests(&[fault_39_huge_alpha, fault_39_huge_alpha_under_other_losses])),
    (40, "α on one factor only", Tests(&[fault_40_one_sided_penalty])),
    (
        41,
        "options outside their ranges",
        Tests(&[fault_41_invalid_parameters, fault_41_invalid_losses_and_batches]),
    ),
    (42, "tolerance 0", Tests(&[fault_42_tolerance_zero])),
    (43, "L2 in MU with β < 2", Tests(&[fault_43_ridge_under_kullback_leibler])),
    (
        44,
        "rules and criteria that do not fit",
        Tests(&[fault_44_unsupported, fault_44_every_pair_says_what_it_is]),
    ),
    (45, "rank-deficient Gram in BPP", Tests(&[fault_45_rank_deficient_gram])),
    (46, "exact fits", Tests(&[fault_46_exact_fits])),
    (47, "rank-deficient NNDSVD", Tests(&[fault_47_rank_deficient_nndsvd])),
    (48, "masked lines", NotHere(NO_MASKS)),
    (49, "bad weights", NotHere(NO_MASKS)),
    (50, "transform with other features", Tests(&[fault_50_other_features, fault_50_other_components])),
    (51, "partial_fit", Tests(&[fault_51_partial_fit])),
    (52, "file cut short", NotHere(NO_FILES)),
    (53, "disk full", NotHere(NO_FILES)),
    (54, "kill -9", NotHere("there are no checkpoints")),
    (55, "corrupt checkpoint", NotHere("there are no checkpoints")),
    (
        56,
        "cancel, time limit, observer",
        Tests(&[fault_56_cancel, fault_56_time_limit, fault_56_observer, fault_56_batches]),
    ),
    (57, "panic in a callback", Tests(&[fault_57_panicking_observer])),
    (58, "number of threads", Tests(&[fault_58_threads])),
    (59, "a rank lost", NotHere("fits run in one process")),
    (60, "the loss stops being finite", Tests(&[fault_60_start_with_zero_lines])),
    (61, "fits side by side", NotHere("a law of determinism, tested with law 31")),
];

#[test]
fn every_fault_has_an_answer() {
    for (at, (number, case, answer)) in TABLE.iter().enumerate() {
        assert_eq!(*number as usize, at + 1, "{case}");
        match answer {
            Tests(tests) => assert!(!tests.is_empty(), "{number} {case}"),
            NotHere(reason) => assert!(!reason.is_empty(), "{number} {case}"),
        }
    }
}

const OWN: Method = Method::hals();
const FITTED: [Method; 6] = [
    Method::cd(),
    OWN,
    Method::mu(Loss::Frobenius),
    Method::mm(Loss::Frobenius),
    Method::anls(),
    Method::projected_gradient(),
];
/// Other losses that take zeros in V.
const DIVERGENCES: [Method; 12] = [
    Method::newton(),
    Method::newton().extrapolated(),
    Method::mm(Loss::KullbackLeibler).extrapolated(),
    Method::mm(Loss::Beta(0.3)).extrapolated(),
    Method::joint_mm(),
    Method::joint_mm().extrapolated(),
    Method::mu(Loss::KullbackLeibler),
    Method::mm(Loss::KullbackLeibler),
    Method::mu(Loss::Beta(0.5)),
    Method::mm(Loss::Beta(0.3)),
    Method::mm(Loss::Beta(1.5)),
    Method::mu(Loss::Beta(3.0)),
];
/// What batches are tested with.
const LOSSES: [Loss; 4] = [Loss::Frobenius, Loss::KullbackLeibler, Loss::Beta(0.5), Loss::Beta(1.5)];
const ORDERS: [Layout; 4] = [Layout::RowMajor, Layout::ColMajor, Layout::Csr, Layout::Csc];

fn problem() -> Problem<f64> {
    Recipe { m: 13, n: 9, k: 3, data: Data::Uniform, zeros_in_start: false, seed: 7 }.build()
}

fn custom<T: Real>(p: &Problem<T>) -> Start<T> {
    Start::Custom { w: p.w.clone(), h: p.h.clone() }
}

fn zero<T: Real>(a: &Dense<T>) -> bool {
    a.as_slice().iter().all(|x| x.to_f64().to_bits() == 0)
}

/// Every method as it is fitted with.
fn all() -> impl Iterator<Item = Method> {
    FITTED.into_iter().chain(DIVERGENCES)
}

/// Every method with a fixed number of sweeps.
fn stepped() -> impl Iterator<Item = Method> {
    METHODS.into_iter().chain(DIVERGENCES)
}

/// Those that fit a single line, or a single number, at once: with an exponent of 1.
fn exact_at_once() -> impl Iterator<Item = Method> {
    all().filter(|m| (1.0..=2.0).contains(&m.loss.beta()))
}

fn batches<T: Real>(loss: Loss) -> MiniBatchNmf<T> {
    MiniBatchNmf::new(3).loss(loss).start(Start::Random).batch_size(5)
}
