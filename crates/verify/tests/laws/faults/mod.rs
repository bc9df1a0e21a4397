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

use orthant::{Dense, Init, Loss, Method, MiniBatchNmf, Real};
use orthant_verify::fits::METHODS;
use orthant_verify::layout::Layout;
use orthant_verify::strategies::{Data, Problem, Recipe};

use super::checkpoints::{a_checkpoint_of_anything_else_is_refused, a_damaged_state_is_refused};
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
    (1, "NaN entry", Tests(&[a_nan_is_refused_by_its_place])),
    (2, "infinite entry", Tests(&[an_infinity_is_refused_by_its_place])),
    (3, "negative entry", Tests(&[a_negative_entry_is_refused_by_its_place])),
    (4, "negative zero", Tests(&[a_negative_zero_is_zero])),
    (5, "no rows or no columns", Tests(&[data_without_rows_or_columns_is_refused])),
    (6, "rank 0", Tests(&[rank_zero_is_refused])),
    (7, "rank too large for an SVD start", Tests(&[a_rank_too_large_for_the_start_is_refused])),
    (8, "rank above both sides", Tests(&[a_rank_above_the_sides_is_warned_of])),
    (9, "rank 1", Tests(&[rank_one_is_perrons])),
    (10, "1×1", Tests(&[a_single_number_is_fitted_exactly])),
    (11, "one row or one column", Tests(&[single_lines_are_fitted_exactly])),
    (12, "all zero", Tests(&[data_of_zeros_has_zero_factors, batches_of_zeros_have_zero_factors])),
    (13, "all zero, β ≤ 0", Tests(&[zeros_under_beta_at_most_zero_are_refused])),
    (14, "a zero row", Tests(&[zero_lines_have_zero_weights, zero_rows_in_batches_have_zero_weights])),
    (15, "a zero column", Tests(&[zero_lines_have_zero_weights])),
    (16, "a zero with β ≤ 0", Tests(&[zeros_under_beta_at_most_zero_are_refused])),
    (17, "subnormal entries", Tests(&[subnormal_entries_move_exponents_only])),
    (18, "entries of 1e±200 in f64", Tests(&[huge_and_tiny_entries_are_fitted_or_refused])),
    (19, "entries of 1e±30 in f32", Tests(&[huge_and_tiny_entries_are_fitted_in_single_precision])),
    (20, "KL of tiny data", Tests(&[tiny_data_is_fitted_as_ordinary_data_is])),
    (21, "lines of very different scale", Tests(&[lines_of_different_scale_never_raise_the_loss])),
    // of dense data element types are f32 and f64; files of integers are widened by their reader
    (22, "integers", Tests(&[integers_of_every_type_are_widened_exactly])),
    (23, "u64 above 2^53", Tests(&[integers_that_are_not_exact_are_refused])),
    (24, "stored zeros", Tests(&[stored_zeros_are_no_entries])),
    (25, "duplicate entries", Tests(&[duplicates_are_added_up])),
    (26, "unsorted indices", Tests(&[the_order_of_indices_does_not_matter])),
    (
        27,
        "corrupt sparse structure",
        Tests(&[corrupt_parts_are_refused, changed_parts_are_refused_or_added_up]),
    ),
    (28, "CSC, CSR and dense", Tests(&[rows_columns_and_dense_take_the_same_step])),
    (29, "more than 2^31 stored entries", Tests(&[offsets_beyond_32_bits_are_not_cut_off])),
    (30, "extents that overflow", Tests(&[extents_that_overflow_are_refused])),
    (31, "memory above the budget", Tests(&[memory_above_the_budget_is_refused])),
    (32, "memory layouts", Tests(&[memory_layouts_take_the_same_step])),
    (33, "read-only data", Tests(&[read_only_data_is_only_read])),
    (34, "custom start", Tests(&[a_custom_start_is_checked_and_left_alone])),
    (35, "custom H all zero", Tests(&[a_zero_start_is_left_or_refused])),
    (
        36,
        "identical start components",
        Tests(&[identical_components_are_warned_of, zeros_that_stay_are_warned_of]),
    ),
    (
        37,
        "a component that dies",
        Tests(&[a_dead_component_leaves_no_stale_value, a_dying_component_stays_finite]),
    ),
    (38, "zero Hessian with L1", Tests(&[a_coordinate_without_curvature_becomes_zero_under_l1])),
    (
        39,
        "huge α",
        Tests(&[a_huge_penalty_empties_both_factors, a_huge_penalty_shrinks_the_factors_of_other_losses]),
    ),
    (40, "α on one factor only", Tests(&[a_penalty_on_one_factor_is_warned_of])),
    (
        41,
        "options outside their ranges",
        Tests(&[
            options_outside_their_ranges_are_refused,
            losses_and_options_of_batches_outside_their_ranges_are_refused,
        ]),
    ),
    (42, "tolerance 0", Tests(&[tolerance_zero_takes_every_iteration])),
    (43, "L2 in MU with β < 2", Tests(&[a_ridge_raises_the_objective_of_mu_and_not_of_mm])),
    (
        44,
        "rules and criteria that do not fit",
        Tests(&[a_criterion_that_does_not_fit_is_refused, every_pair_does_what_the_table_says]),
    ),
    (45, "rank-deficient Gram in BPP", Tests(&[a_rank_deficient_gram_is_solved_and_said])),
    (46, "exact fits", Tests(&[exact_fits_tell_their_error_truly])),
    (47, "rank-deficient NNDSVD", Tests(&[rank_deficient_data_is_started_from])),
    (48, "masked lines", NotHere(NO_MASKS)),
    (49, "bad weights", NotHere(NO_MASKS)),
    (
        50,
        "transform with other features",
        Tests(&[transform_refuses_other_features, fit_weights_refuses_other_components]),
    ),
    (51, "partial_fit", Tests(&[a_bad_batch_leaves_what_was_learnt])),
    (52, "file cut short", NotHere(NO_FILES)),
    (53, "disk full", NotHere(NO_FILES)),
    (
        54,
        "kill -9",
        NotHere(
            "a law of checkpoints, tested with law 30, and of the command, which tests it with its files",
        ),
    ),
    (
        55,
        "corrupt checkpoint",
        Tests(&[a_checkpoint_of_anything_else_is_refused, a_damaged_state_is_refused]),
    ),
    (
        56,
        "cancel, time limit, observer",
        Tests(&[
            a_cancelled_fit_returns_the_best_so_far,
            a_time_limit_returns_the_best_so_far,
            an_observer_ends_a_fit_where_it_says,
            batches_end_where_they_are_stopped,
        ]),
    ),
    (57, "panic in a callback", Tests(&[a_panicking_observer_harms_no_later_fit])),
    (58, "number of threads", Tests(&[threads_are_between_one_and_the_cores])),
    (59, "a rank lost", NotHere("fits run in one process")),
    (60, "the loss stops being finite", Tests(&[a_start_with_zero_lines_has_finite_losses])),
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

fn custom<T: Real>(p: &Problem<T>) -> Init<T> {
    Init::Custom { w: p.w.clone(), h: p.h.clone() }
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
    MiniBatchNmf::new(3).loss(loss).init(Init::Random).batch_size(5)
}
