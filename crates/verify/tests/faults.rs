//! What happens with bad and extreme input: an error that names the place, or the exact result stated here.
//!
//! [`TABLE`] lists every case by its number, with the tests that pin it down or the reason why it cannot occur.

use std::ops::ControlFlow;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use orthant::{
    Cancel, Dense, Error, Fit, Iteration, Loss, Method, Model, Nmf, Penalty, Real, Start, Stop, StopReason,
    Transform, View, Warning,
};
use orthant_verify::compare::{cast, difference, first_other_bit, is_non_negative};
use orthant_verify::fits::{METHODS, fixed, trace};
use orthant_verify::layout::{ALL, Layout, Stored};
use orthant_verify::oracle;
use orthant_verify::strategies::{Data, Numbers, Problem, Recipe};

enum Answer {
    Tests(&'static [fn()]),
    NotHere(&'static str),
}
use Answer::{NotHere, Tests};

const NO_MASKS: &str = "there are no masks or weights";
const NO_FILES: &str = "fits read matrices in memory; files are the affair of the crate that reads them";
const NO_SPARSE: &str = "all data is dense";
const NO_DIVERGENCES: &str = "the only loss is the Frobenius norm";

const TABLE: [(u32, &str, Answer); 61] = [
    (1, "NaN entry", Tests(&[fault_01_nan])),
    (2, "infinite entry", Tests(&[fault_02_infinity])),
    (3, "negative entry", Tests(&[fault_03_negative])),
    (4, "negative zero", Tests(&[fault_04_negative_zero])),
    (5, "no rows or no columns", Tests(&[fault_05_empty])),
    (6, "rank 0", Tests(&[fault_06_rank_zero])),
    (7, "rank too large for an SVD start", NotHere("no start uses an SVD")),
    (8, "rank above both sides", Tests(&[fault_08_rank_above_the_sides])),
    (9, "rank 1", Tests(&[fault_09_rank_one_is_perrons])),
    (10, "1×1", Tests(&[fault_10_one_by_one])),
    (11, "one row or one column", Tests(&[fault_11_single_lines_are_exact])),
    (12, "all zero", Tests(&[fault_12_all_zero])),
    (13, "all zero, β ≤ 0", NotHere(NO_DIVERGENCES)),
    (14, "a zero row", Tests(&[fault_14_and_15_zero_lines])),
    (15, "a zero column", Tests(&[fault_14_and_15_zero_lines])),
    (16, "a zero with β ≤ 0", NotHere(NO_DIVERGENCES)),
    (17, "subnormal entries", Tests(&[fault_17_subnormal])),
    (18, "entries of 1e±200 in f64", Tests(&[fault_18_huge_and_tiny])),
    (19, "entries of 1e±30 in f32", Tests(&[fault_19_huge_and_tiny_in_single_precision])),
    (20, "KL of tiny data", NotHere(NO_DIVERGENCES)),
    (21, "lines of very different scale", Tests(&[fault_21_lines_of_different_scale])),
    (22, "integers", NotHere("element types are f32 and f64; files of integers are widened by their reader")),
    (23, "u64 above 2^53", NotHere("as 22")),
    (24, "stored zeros", NotHere(NO_SPARSE)),
    (25, "duplicate entries", NotHere(NO_SPARSE)),
    (26, "unsorted indices", NotHere(NO_SPARSE)),
    (27, "corrupt sparse structure", NotHere(NO_SPARSE)),
    (28, "CSC, CSR and dense", NotHere(NO_SPARSE)),
    (29, "more than 2^31 stored entries", NotHere(NO_SPARSE)),
    (30, "extents that overflow", Tests(&[fault_30_extents_that_overflow])),
    (31, "memory above the budget", NotHere("there is no memory budget")),
    (32, "memory layouts", Tests(&[fault_32_layouts])),
    (33, "read-only data", Tests(&[fault_33_read_only])),
    (34, "custom start", Tests(&[fault_34_custom_start])),
    (35, "custom H all zero", Tests(&[fault_35_zero_start])),
    (36, "identical start components", NotHere("no start is judged beyond an H that is all zero")),
    (37, "a component that dies", Tests(&[fault_37_dead_component, fault_37_dying_component])),
    (38, "zero Hessian with L1", Tests(&[fault_38_zero_hessian])),
    (39, "huge α", Tests(&[fault_39_huge_alpha])),
    (40, "α on one factor only", Tests(&[fault_40_one_sided_penalty])),
    (41, "options outside their ranges", Tests(&[fault_41_invalid_parameters])),
    (42, "tolerance 0", Tests(&[fault_42_tolerance_zero])),
    (43, "L2 in MU with β < 2", NotHere(NO_DIVERGENCES)),
    (44, "rules and criteria that do not fit", Tests(&[fault_44_unsupported])),
    (45, "rank-deficient Gram in BPP", NotHere("there is no block principal pivoting")),
    (46, "exact fits", Tests(&[fault_46_exact_fits])),
    (47, "rank-deficient NNDSVD", NotHere("no start uses an SVD")),
    (48, "masked lines", NotHere(NO_MASKS)),
    (49, "bad weights", NotHere(NO_MASKS)),
    (50, "transform with other features", Tests(&[fault_50_other_features])),
    (51, "partial_fit", NotHere("there is no partial fit")),
    (52, "file cut short", NotHere(NO_FILES)),
    (53, "disk full", NotHere(NO_FILES)),
    (54, "kill -9", NotHere("there are no checkpoints")),
    (55, "corrupt checkpoint", NotHere("there are no checkpoints")),
    (56, "cancel, time limit, observer", Tests(&[fault_56_cancel, fault_56_time_limit, fault_56_observer])),
    (57, "panic in a callback", Tests(&[fault_57_panicking_observer])),
    (58, "number of threads", Tests(&[fault_58_threads])),
    (59, "a rank lost", NotHere("fits run in one process")),
    (
        60,
        "the loss stops being finite",
        NotHere("these rules are monotone from finite starts: see 18 and 21"),
    ),
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

const OWN: Method = Method::Hals { sweeps: None };
const FITTED: [Method; 3] = [Method::Cd, OWN, Method::Mu(Loss::Frobenius)];
const ORDERS: [Layout; 2] = [Layout::RowMajor, Layout::ColMajor];

fn problem() -> Problem<f64> {
    Recipe { m: 13, n: 9, k: 3, data: Data::Uniform, zeros_in_start: false, seed: 7 }.build()
}

fn custom<T: Real>(p: &Problem<T>) -> Start<T> {
    Start::Custom { w: p.w.clone(), h: p.h.clone() }
}

fn zero<T: Real>(a: &Dense<T>) -> bool {
    a.as_slice().iter().all(|x| x.to_f64().to_bits() == 0)
}

/// Every way in which a bad entry of V can arrive must end in the same error.
fn refused<T: Real>(bad: f64, right: impl Fn(&Error, usize, usize) -> bool) {
    let p = problem().cast::<T>();
    let model = Model::from_components(p.h.clone(), Penalty::default()).unwrap();
    for (row, col) in [(0, 0), (5, 4), (12, 8), (12, 0), (0, 8)] {
        let mut v = p.v.clone();
        v[(row, col)] = T::from_f64(bad);
        for layout in ALL {
            let stored = Stored::new(&v, layout);
            for method in FITTED {
                for start in [Start::Random, custom(&p)] {
                    let error = Nmf::new(3).method(method).start(start).fit(&stored).unwrap_err();
                    assert!(right(&error, row, col), "{layout:?} {method:?} ({row}, {col}): {error:?}");
                }
            }
            let error = model.transform(&stored).unwrap_err();
            assert!(right(&error, row, col), "transform {layout:?} ({row}, {col}): {error:?}");
        }
    }
}

fn non_finite(error: &Error, expected: f64, place: (usize, usize)) -> bool {
    matches!(error, &Error::NonFinite { operand: "V", row, col, value }
        if (row, col) == place && (value == expected || value.is_nan() && expected.is_nan()))
}

#[test]
fn fault_01_nan() {
    refused::<f64>(f64::NAN, |e, row, col| non_finite(e, f64::NAN, (row, col)));
    refused::<f32>(f64::NAN, |e, row, col| non_finite(e, f64::NAN, (row, col)));
    // deep inside a matrix that several threads look through
    let mut v = Numbers::new(1).matrix(2000, 70);
    v[(1777, 69)] = f64::NAN;
    for layout in ORDERS {
        let error = Nmf::new(2).threads(2).fit(&Stored::new(&v, layout)).unwrap_err();
        assert!(non_finite(&error, f64::NAN, (1777, 69)), "{error:?}");
    }
    let mut h = problem().h;
    h[(1, 2)] = f64::NAN;
    let error = Model::from_components(h, Penalty::default()).unwrap_err();
    assert!(matches!(error, Error::NonFinite { operand: "H", row: 1, col: 2, .. }), "{error:?}");
}

#[test]
fn fault_02_infinity() {
    for bad in [f64::INFINITY, f64::NEG_INFINITY] {
        refused::<f64>(bad, |e, row, col| non_finite(e, bad, (row, col)));
        refused::<f32>(bad, |e, row, col| non_finite(e, bad, (row, col)));
    }
}

#[test]
fn fault_03_negative() {
    fn negative(error: &Error, expected: f64, place: (usize, usize)) -> bool {
        matches!(error, &Error::Negative { operand: "V", row, col, value }
            if (row, col) == place && value == expected)
    }
    for bad in [-0.5, -1e30, f64::from(-f32::from_bits(1))] {
        refused::<f64>(bad, |e, row, col| negative(e, bad, (row, col)));
        refused::<f32>(bad, |e, row, col| negative(e, f64::from(bad as f32), (row, col)));
    }
    refused::<f64>(-f64::from_bits(1), |e, row, col| negative(e, -f64::from_bits(1), (row, col)));
}

#[test]
fn fault_04_negative_zero() {
    let recipe = Recipe { m: 14, n: 11, k: 3, data: Data::Sparse, zeros_in_start: true, seed: 2 };
    let p = recipe.build();
    let flip = |a: &Dense<f64>| {
        Dense::from_fn(a.nrows(), a.ncols(), |i, j| if a[(i, j)] == 0.0 { -0.0 } else { a[(i, j)] })
    };
    let q = Problem { v: flip(&p.v), w: flip(&p.w), h: flip(&p.h) };
    for method in METHODS {
        for layout in ORDERS {
            for own in [true, false] {
                let fit = |p: &Problem<f64>| {
                    let start = if own { Start::Random } else { custom(p) };
                    let nmf = Nmf::new(3).method(method).tol(0.0).max_iter(4).start(start);
                    nmf.fit(&Stored::new(&p.v, layout)).unwrap()
                };
                let (plus, minus) = (fit(&p), fit(&q));
                assert_eq!(first_other_bit(&minus.w, &plus.w), None, "{method:?} {layout:?}");
                let h = plus.model.components();
                assert_eq!(first_other_bit(minus.model.components(), h), None, "{method:?} {layout:?}");
            }
        }
    }
    let weights = |v, h| Model::from_components(h, Penalty::default()).unwrap().transform(v).unwrap();
    assert_eq!(first_other_bit(&weights(&q.v, q.h.clone()), &weights(&p.v, p.h.clone())), None);
}

#[test]
fn fault_05_empty() {
    for (rows, cols) in [(0, 4), (4, 0), (0, 0)] {
        let v = Dense::<f64>::zeros(rows, cols);
        for method in FITTED {
            let error = Nmf::new(2).method(method).fit(&v).unwrap_err();
            assert_eq!(error, Error::Empty { rows, cols });
        }
        let error = Model::from_components(v, Penalty::default()).unwrap_err();
        assert_eq!(error, Error::Empty { rows, cols });
    }
    let model = Model::from_components(problem().h, Penalty::default()).unwrap();
    match model.transform(&Dense::<f64>::zeros(0, 9)) {
        Err(error) => assert_eq!(error, Error::Empty { rows: 0, cols: 9 }),
        Ok(w) => assert_eq!((w.nrows(), w.ncols()), (0, 3)),
    }
}

#[test]
fn fault_06_rank_zero() {
    for method in FITTED {
        let error = Nmf::new(0).method(method).fit(&problem().v).unwrap_err();
        assert_eq!(error, Error::InvalidRank { rank: 0 });
    }
}

#[test]
fn fault_08_rank_above_the_sides() {
    for layout in ORDERS {
        for method in FITTED {
            let v = Stored::new(&problem().v, layout);
            for rank in [10, 14, 40] {
                let fit = Nmf::new(rank).method(method).fit(&v).unwrap();
                let expected = Warning::RankAboveDimensions { rank, rows: 13, cols: 9 };
                assert!(fit.report.warnings.contains(&expected), "{rank}: {:?}", fit.report.warnings);
                assert!(is_non_negative(&fit.w) && is_non_negative(fit.model.components()));
            }
            let fit = Nmf::new(9).method(method).fit(&v).unwrap();
            let above = |w: &Warning| matches!(w, Warning::RankAboveDimensions { .. });
            assert!(!fit.report.warnings.iter().any(above));
        }
    }
}

#[test]
fn fault_09_rank_one_is_perrons() {
    let v = problem().v;
    // the leading singular pair by power iteration, positive as V is
    let mut x = Dense::from_vec(vec![1.0; 9], 1, 9).unwrap();
    let mut y = Dense::zeros(1, 13);
    for _ in 0..500 {
        y = oracle::times_transposed(&x, &v);
        let norm = oracle::norm_squared(&y).sqrt();
        y.as_mut_slice().iter_mut().for_each(|e| *e /= norm);
        x = oracle::product(&y, &v);
        let norm = oracle::norm_squared(&x).sqrt();
        x.as_mut_slice().iter_mut().for_each(|e| *e /= norm);
    }
    let sigma = oracle::dot(oracle::product(&y, &v).as_slice(), x.as_slice());
    let best = Dense::from_fn(13, 9, |i, j| sigma * y[(0, i)] * x[(0, j)]);
    for layout in ORDERS {
        for method in METHODS {
            let fit =
                Nmf::new(1).method(method).tol(0.0).max_iter(300).fit(&Stored::new(&v, layout)).unwrap();
            let d = difference(&oracle::product(&fit.w, fit.model.components()), &best);
            assert!(d <= 1e-10, "{method:?} {layout:?} differs by {d:e}");
        }
    }
}

#[test]
fn fault_10_one_by_one() {
    for method in FITTED {
        for rank in [1, 2, 3] {
            for x in [1.0, 3.7, 1e-3, 12345.678, 1.0 + f64::EPSILON] {
                let fit = Nmf::new(rank).method(method).fit(&Dense::from_fn(1, 1, |_, _| x)).unwrap();
                let wh = oracle::product(&fit.w, fit.model.components())[(0, 0)];
                assert!((wh - x).abs() <= 4.0 * f64::EPSILON * x, "{method:?} rank {rank}: {wh} for {x}");
                let x = x as f32;
                let fit = Nmf::new(rank).method(method).fit(&Dense::from_fn(1, 1, |_, _| x)).unwrap();
                let wh = oracle::product(&cast(&fit.w), &cast(fit.model.components()))[(0, 0)];
                let off = (wh - f64::from(x)).abs();
                assert!(off <= 4.0 * f64::from(f32::EPSILON * x), "{method:?} rank {rank}: {wh} for {x}");
            }
        }
    }
    for x in [1e-100, 1e100] {
        let fit = Nmf::new(1).fit(&Dense::from_fn(1, 1, |_, _| x)).unwrap();
        let wh = oracle::product(&fit.w, fit.model.components())[(0, 0)];
        assert!((wh - x).abs() <= 4.0 * f64::EPSILON * x, "{wh} for {x}");
    }
}

#[test]
fn fault_11_single_lines_are_exact() {
    let line = |count| Dense::from_fn(1, count, |_, j| ((7 * j + 3) % 11) as f64);
    for count in [1, 2, 17, 300] {
        for v in [line(count), line(count).transposed()] {
            for method in FITTED {
                for rank in [1, 2, 5] {
                    for layout in ORDERS {
                        let fit = Nmf::new(rank).method(method).fit(&Stored::new(&v, layout)).unwrap();
                        let d = difference(&oracle::product(&fit.w, fit.model.components()), &v);
                        let shape = (v.nrows(), v.ncols());
                        assert!(d <= 4e-15, "{method:?} {shape:?} rank {rank} {layout:?} is off by {d:e}");
                    }
                }
            }
        }
    }
}

#[test]
fn fault_12_all_zero() {
    fn check<T: Real>() {
        let p = problem().cast::<T>();
        let v = Dense::<T>::zeros(13, 9);
        for layout in ORDERS {
            for method in METHODS {
                for start in [Start::Random, custom(&p)] {
                    let fit = Nmf::new(3).method(method).start(start).fit(&Stored::new(&v, layout)).unwrap();
                    assert!(zero(&fit.w) && zero(fit.model.components()), "{method:?} {layout:?}");
                    let r = &fit.report;
                    assert_eq!(r.stop_reason, StopReason::ZeroData);
                    assert!(r.converged());
                    assert_eq!((r.loss, r.objective, r.iterations), (0.0, 0.0, 0));
                    assert_eq!((r.reconstruction_error, r.relative_error, r.kkt_residual), (0.0, 0.0, 0.0));
                }
            }
        }
        let model = Model::from_components(p.h, Penalty::default()).unwrap();
        assert!(zero(&model.transform(&v).unwrap()));
    }
    check::<f64>();
    check::<f32>();
}

#[test]
fn fault_14_and_15_zero_lines() {
    fn check<T: Real>() {
        let (rows, cols) = ([0, 4, 12], [2, 8]);
        let p = problem().cast::<T>();
        let mut v = p.v.clone();
        for i in 0..13 {
            for j in 0..9 {
                if rows.contains(&i) || cols.contains(&j) {
                    v[(i, j)] = T::ZERO;
                }
            }
        }
        let empty = |fit: &Fit<T>, what: &str| {
            let h = fit.model.components();
            for i in rows {
                assert!(fit.w.row(i).iter().all(|x| x.to_f64().to_bits() == 0), "W row {i}, {what}");
            }
            for j in cols {
                assert!((0..h.nrows()).all(|t| h[(t, j)].to_f64().to_bits() == 0), "H column {j}, {what}");
            }
        };
        for layout in ORDERS {
            let stored = Stored::new(&v, layout);
            for method in METHODS {
                for penalty in [Penalty::default(), Penalty { alpha_w: 0.01, alpha_h: None, l1_ratio: 0.5 }] {
                    for iterations in [1, 30] {
                        let what = format!("{} {method:?} {layout:?} {iterations} iterations", T::NAME);
                        let nmf = fixed(method, penalty, &p.w, &p.h, iterations);
                        empty(&nmf.fit(&stored).unwrap(), &what);
                        empty(&nmf.start(Start::Random).fit(&stored).unwrap(), &what);
                    }
                }
            }
            let model = Model::from_components(p.h.clone(), Penalty::default()).unwrap();
            let w = model.transform(&stored).unwrap();
            for i in rows {
                assert!(w.row(i).iter().all(|x| x.to_f64().to_bits() == 0), "transform, row {i}");
            }
        }
    }
    check::<f64>();
    check::<f32>();
}

/// Fits of V·2^(2p) and of V, by the library's own rules: the same bits but for the exponents.
fn equivariant<T: Real>(v: &Dense<T>, exponent: i32) {
    let times = |a: &Dense<T>, by: i32| {
        // in two steps, each within range
        let (one, two) = (2f64.powi(by / 2), 2f64.powi(by - by / 2));
        Dense::from_fn(a.nrows(), a.ncols(), |i, j| T::from_f64(a[(i, j)].to_f64() * one * two))
    };
    for layout in ORDERS {
        let fit = |v: &Dense<T>| Nmf::new(2).max_iter(25).fit(&Stored::new(v, layout)).unwrap();
        let (plain, scaled) = (fit(v), fit(&times(v, 2 * exponent)));
        assert_eq!(plain.report.iterations, scaled.report.iterations, "2^{}", 2 * exponent);
        assert_eq!(first_other_bit(&scaled.w, &times(&plain.w, exponent)), None, "2^{}", 2 * exponent);
        let h = times(plain.model.components(), exponent);
        assert_eq!(first_other_bit(scaled.model.components(), &h), None, "2^{}", 2 * exponent);
    }
}

#[test]
fn fault_17_subnormal() {
    // entries of at most 5 bits, so that they stay exact below the normal range
    let v = Recipe { m: 12, n: 8, k: 2, data: Data::Counts, zeros_in_start: false, seed: 5 }.build().v;
    equivariant(&v, -535);
    equivariant(&cast::<f64, f32>(&v), -73);
}

#[test]
fn fault_18_huge_and_tiny() {
    let v = problem().v;
    for exponent in [332, -332, 249] {
        // entries of about 1e200 would have a loss of 1e400
        if exponent == 332 {
            let big = Dense::from_fn(13, 9, |i, j| v[(i, j)] * 1e200);
            for method in FITTED {
                let error = Nmf::new(3).method(method).fit(&big).unwrap_err();
                assert!(matches!(error, Error::LossOverflow { max } if max > 1e199), "{error:?}");
            }
        } else {
            equivariant(&v, exponent);
        }
    }
    for by in [1e-200, 1e140, 1e-300] {
        let other = Dense::from_fn(13, 9, |i, j| v[(i, j)] * by);
        for method in FITTED {
            let nmf = Nmf::new(3).method(method).tol(0.0).max_iter(10);
            let fit = nmf.fit(&other).unwrap();
            assert!(is_non_negative(&fit.w) && is_non_negative(fit.model.components()));
            assert!(fit.report.kkt_residual.is_finite() && fit.report.relative_error.is_finite());
            let product = |f: &Fit<f64>, by: f64| {
                let w = Dense::from_fn(f.w.nrows(), 3, |i, t| f.w[(i, t)] / by.sqrt());
                let h = f.model.components();
                oracle::product(&w, &Dense::from_fn(3, h.ncols(), |t, j| h[(t, j)] / by.sqrt()))
            };
            let d = difference(&product(&fit, by), &product(&nmf.fit(&v).unwrap(), 1.0));
            assert!(d <= 1e-9, "{method:?} times {by:e}: differs by {d:e}");
        }
    }
}

#[test]
fn fault_19_huge_and_tiny_in_single_precision() {
    let v = problem().cast::<f32>().v;
    equivariant(&v, 50);
    equivariant(&v, -50);
    for by in [1e30_f32, 1e-30] {
        let other = Dense::from_fn(13, 9, |i, j| v[(i, j)] * by);
        for method in FITTED {
            let nmf = Nmf::new(3).method(method).tol(0.0).max_iter(10);
            let (plain, fit) = (nmf.fit(&v).unwrap(), nmf.fit(&other).unwrap());
            assert!(is_non_negative(&fit.w) && is_non_negative(fit.model.components()));
            let (a, b) = (plain.report.relative_error, fit.report.relative_error);
            assert!((a - b).abs() <= 1e-4 * a, "{method:?} times {by:e}: {a} and {b}");
        }
    }
}

#[test]
fn fault_21_lines_of_different_scale() {
    let p = problem();
    let scale = |at: usize, count: usize| 10f64.powf(24.0 * at as f64 / (count - 1) as f64 - 12.0);
    for (by_row, by_col) in [(true, false), (false, true)] {
        let v = Dense::from_fn(13, 9, |i, j| {
            let row = if by_row { scale(i, 13) } else { 1.0 };
            p.v[(i, j)] * row * if by_col { scale(j, 9) } else { 1.0 }
        });
        for layout in ORDERS {
            for method in METHODS {
                let nmf = Nmf::new(3).method(method).tol(0.0).max_iter(30);
                let (fit, steps) = trace(&nmf, &Stored::new(&v, layout)).unwrap();
                assert!(fit.report.objective.is_finite() && fit.report.kkt_residual.is_finite());
                let mut last = f64::INFINITY;
                for s in &steps {
                    assert!(is_non_negative(&s.w) && is_non_negative(&s.h));
                    let now = oracle::loss(&v, &s.w, &s.h).sqrt();
                    let slack = 64.0 * f64::EPSILON * oracle::norm_squared(&v).sqrt();
                    assert!(now <= last + slack, "{method:?} {layout:?}: {now} after {last}");
                    last = now;
                }
            }
        }
    }
}

#[test]
fn fault_30_extents_that_overflow() {
    let data = [0.5_f64; 4];
    assert!(View::row_major(&data, usize::MAX, 2).is_err());
    // a matrix that is one element over and over: W would hold 2^63 elements
    let v = View::strided(&data, 0, 1 << 62, 2, 0, 0).unwrap();
    let error = Nmf::new(1 << 20).fit(&v).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
}

#[test]
fn fault_32_layouts() {
    let p = Recipe { m: 37, n: 29, k: 5, data: Data::Sparse, zeros_in_start: true, seed: 3 }.build();
    for method in METHODS {
        let nmf = fixed(method, Penalty::default(), &p.w, &p.h, 1);
        let copy = nmf.fit(&p.v).unwrap();
        for layout in ALL {
            let stored = Stored::new(&p.v, layout);
            let fit = nmf.fit(&stored).unwrap();
            let d =
                difference(&fit.w, &copy.w).max(difference(fit.model.components(), copy.model.components()));
            assert!(d <= 1e-12, "{method:?} {layout:?} differs by {d:e}");
            if !fit.report.plan.by_columns {
                assert_eq!(first_other_bit(&fit.w, &copy.w), None, "{method:?} {layout:?}");
            }
        }
    }
}

#[test]
fn fault_33_read_only() {
    // a static without interior mutability lies in memory that cannot be written
    static DATA: [f64; 12] = [1.0, 1.0, 2.0, 1.0, 3.0, 1.2, 4.0, 1.0, 5.0, 0.8, 6.0, 1.0];
    for v in [View::row_major(&DATA, 6, 2).unwrap(), View::col_major(&DATA, 6, 2).unwrap()] {
        for method in FITTED {
            let fit = Nmf::new(2).method(method).fit(&v).unwrap();
            fit.model.transform(&v).unwrap();
        }
    }
    let p = problem();
    for layout in ALL {
        let stored = Stored::new(&p.v, layout);
        let bits = |s: &Stored<f64>| s.buffer().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        let before = bits(&stored);
        let fit = Nmf::new(3).fit(&stored).unwrap();
        fit.model.transform(&stored).unwrap();
        assert_eq!(bits(&stored), before, "{layout:?}");
    }
}

#[test]
fn fault_34_custom_start() {
    let p = problem();
    let start = custom(&p);
    for method in METHODS {
        let nmf = Nmf::new(3).method(method).start(start.clone());
        nmf.fit(&p.v).unwrap();
        nmf.fit(&Stored::new(&p.v, Layout::ColMajor)).unwrap();
        assert_eq!(start, custom(&p), "{method:?} changed its start");
        let refused = |w: &Dense<f64>, h: &Dense<f64>| {
            Nmf::new(3)
                .method(method)
                .start(Start::Custom { w: w.clone(), h: h.clone() })
                .fit(&p.v)
                .unwrap_err()
        };
        for (rows, cols) in [(12, 3), (13, 4), (3, 13)] {
            let error = refused(&Dense::zeros(rows, cols), &p.h);
            let expected = Error::ShapeMismatch { operand: "W", expected: (13, 3), found: (rows, cols) };
            assert_eq!(error, expected);
        }
        for (rows, cols) in [(2, 9), (3, 10), (9, 3)] {
            let error = refused(&p.w, &Dense::zeros(rows, cols));
            let expected = Error::ShapeMismatch { operand: "H", expected: (3, 9), found: (rows, cols) };
            assert_eq!(error, expected);
        }
        for bad in [f64::NAN, f64::INFINITY, -1.0] {
            let (mut w, mut h) = (p.w.clone(), p.h.clone());
            w[(12, 1)] = bad;
            h[(1, 8)] = bad;
            for (error, place) in [(refused(&w, &p.h), ("W", 12, 1)), (refused(&p.w, &h), ("H", 1, 8))] {
                let named = match error {
                    Error::NonFinite { operand, row, col, .. } if !bad.is_finite() => (operand, row, col),
                    Error::Negative { operand, row, col, value } if value == bad => (operand, row, col),
                    _ => panic!("{bad}: {error:?}"),
                };
                assert_eq!(named, place);
            }
        }
    }
}

#[test]
fn fault_35_zero_start() {
    let p = problem();
    for layout in ORDERS {
        let v = Stored::new(&p.v, layout);
        for method in [Method::Cd, OWN] {
            let start = Start::Custom { w: p.w.clone(), h: Dense::zeros(3, 9) };
            let fit = Nmf::new(3).method(method).start(start).fit(&v).unwrap();
            assert!(fit.report.warnings.contains(&Warning::ZeroStart), "{:?}", fit.report.warnings);
            assert!(fit.report.relative_error < 0.5, "{method:?}: {}", fit.report.relative_error);
        }
        let start = Start::Custom { w: p.w.clone(), h: Dense::zeros(3, 9) };
        // zeros stay zeros under multiplicative updates: nothing could ever be learnt
        let outcome = Nmf::new(3).method(Method::Mu(Loss::Frobenius)).start(start).fit(&v);
        assert!(outcome.is_err(), "{:?}", outcome.map(|fit| fit.report));
    }
}

/// A component whose H is zero with a W that is not: whatever follows, no stale value survives.
#[test]
fn fault_37_dead_component() {
    let mut p = problem();
    for j in 0..9 {
        p.h[(1, j)] = 0.0;
    }
    for layout in ORDERS {
        for method in METHODS {
            let nmf = fixed(method, Penalty::default(), &p.w, &p.h, 200);
            let fit = nmf.fit(&Stored::new(&p.v, layout)).unwrap();
            let h = fit.model.components();
            let true_loss = oracle::loss(&p.v, &fit.w, h);
            assert!((fit.report.loss - true_loss).abs() <= 1e-12 * oracle::norm_squared(&p.v));
            if method != Method::Mu(Loss::Frobenius) {
                let alive =
                    |t: usize| (0..9).any(|j| h[(t, j)] > 0.0) && (0..13).any(|i| fit.w[(i, t)] > 0.0);
                assert!((0..3).all(alive), "{method:?} {layout:?}");
            }
        }
    }
}

/// Where V has lines of zeros every sweep leaves a component 10⁻⁸ of itself. Its square underflows long before it
/// does, and a step over a square that has lost its bits would be of any size.
#[test]
fn fault_37_dying_component() {
    let ridge_on_w = Penalty { alpha_w: 0.005330635629466442, alpha_h: Some(0.0), l1_ratio: 0.0 };
    let ridge_on_h = Penalty { alpha_w: 0.0, alpha_h: Some(0.0036783309783140145), l1_ratio: 0.0 };
    for (recipe, penalty) in [
        (
            Recipe { m: 34, n: 1, k: 2, data: Data::ZeroLines, zeros_in_start: true, seed: 783014957 },
            ridge_on_w,
        ),
        (
            Recipe { m: 4, n: 5, k: 11, data: Data::ZeroLines, zeros_in_start: false, seed: 107047384 },
            ridge_on_h,
        ),
    ] {
        let p = recipe.build().cast::<f32>();
        let nmf = fixed(Method::Hals { sweeps: Some(3) }, penalty, &p.w, &p.h, 12);
        let (fit, steps) = trace(&nmf, &p.v).unwrap();
        for s in &steps {
            assert!(is_non_negative(&s.w) && is_non_negative(&s.h) && s.objective.is_finite());
        }
        assert!(fit.report.objective <= steps[0].objective);
    }
}

#[test]
fn fault_38_zero_hessian() {
    let mut p = problem();
    for j in 0..9 {
        p.h[(1, j)] = 0.0;
    }
    for layout in ORDERS {
        let v = Stored::new(&p.v, layout);
        for method in [Method::Cd, Method::Hals { sweeps: Some(2) }] {
            let lasso = Penalty { alpha_w: 1e-3, alpha_h: Some(0.0), l1_ratio: 1.0 };
            let fit = fixed(method, lasso, &p.w, &p.h, 1).fit(&v).unwrap();
            let column: Vec<f64> = (0..13).map(|i| fit.w[(i, 1)]).collect();
            assert!(column.iter().all(|&x| x == 0.0), "{method:?} {layout:?}: {column:?}");
            // the mirror: W's second column is now zero, so H's second row follows if H has an L1 penalty
            let (mut w, h) = (p.w.clone(), problem().h);
            for i in 0..13 {
                w[(i, 1)] = 0.0;
            }
            let huge = Penalty { alpha_w: 1e6, alpha_h: Some(1e-3), l1_ratio: 1.0 };
            let fit = fixed(method, huge, &w, &h, 1).fit(&v).unwrap();
            assert!(zero(&fit.w) && zero(fit.model.components()), "{method:?} {layout:?}");
        }
    }
}

#[test]
fn fault_39_huge_alpha() {
    let p = problem();
    for layout in ORDERS {
        let v = Stored::new(&p.v, layout);
        for method in [Method::Cd, OWN, Method::Hals { sweeps: Some(1) }] {
            let penalty = Penalty { alpha_w: 1e8, alpha_h: None, l1_ratio: 1.0 };
            for start in [Start::Random, custom(&p)] {
                let fit = Nmf::new(3).method(method).penalty(penalty).start(start).fit(&v).unwrap();
                assert!(zero(&fit.w) && zero(fit.model.components()), "{method:?} {layout:?}");
                assert!(fit.report.iterations <= 3, "{method:?}: {} iterations", fit.report.iterations);
                assert!(fit.report.converged(), "{method:?}: {}", fit.report.stop_reason);
                let half = 0.5 * oracle::norm_squared(&p.v);
                assert!((fit.report.objective - half).abs() <= 1e-13 * half);
            }
        }
    }
}

#[test]
fn fault_40_one_sided_penalty() {
    let v = problem().v;
    let warned = |alpha_w, alpha_h| {
        let penalty = Penalty { alpha_w, alpha_h, l1_ratio: 0.5 };
        let fit = Nmf::new(3).penalty(penalty).fit(&v).unwrap();
        fit.report.warnings.contains(&Warning::ScaleAmbiguity)
    };
    assert!(warned(0.1, Some(0.0)) && warned(0.0, Some(0.1)));
    assert!(!warned(0.1, None) && !warned(0.0, None) && !warned(0.1, Some(0.2)));
}

#[test]
fn fault_41_invalid_parameters() {
    let v = problem().v;
    let invalid = |nmf: Nmf<f64>, expected: &str| match nmf.fit(&v).unwrap_err() {
        Error::InvalidParam { name, value, allowed } => {
            assert_eq!(name, expected);
            assert!(!value.is_empty() && !allowed.is_empty());
        }
        other => panic!("{expected}: {other:?}"),
    };
    let plain = Penalty::default();
    for bad in [-1.0, -1e-300, f64::NAN, f64::INFINITY] {
        invalid(Nmf::new(2).penalty(Penalty { alpha_w: bad, ..plain }), "alpha_w");
        invalid(Nmf::new(2).penalty(Penalty { alpha_h: Some(bad), ..plain }), "alpha_h");
        let penalty = Penalty { alpha_w: bad, ..plain };
        let error = Model::from_components(problem().h, penalty).unwrap_err();
        assert!(matches!(error, Error::InvalidParam { name: "alpha_w", .. }), "{error:?}");
    }
    for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        invalid(Nmf::new(2).penalty(Penalty { l1_ratio: bad, ..plain }), "l1_ratio");
    }
    for bad in [-1e-9, f64::NAN, f64::NEG_INFINITY] {
        for method in FITTED {
            invalid(Nmf::new(2).method(method).tol(bad), "tol");
        }
        invalid(Nmf::new(2).stop(Stop::ErrorDecrease { tol: bad }), "tol");
    }
    for method in FITTED {
        invalid(Nmf::new(2).method(method).max_iter(0), "max_iter");
    }
    invalid(Nmf::new(2).block(0), "block");
    invalid(Nmf::new(2).method(Method::Hals { sweeps: Some(0) }), "sweeps");
    let model = Model::from_components(problem().h, plain).unwrap();
    let options = Transform::default();
    for (bad, expected) in [
        (Transform { tol: f64::NAN, ..options.clone() }, "tol"),
        (Transform { tol: -1.0, ..options.clone() }, "tol"),
        (Transform { max_sweeps: 0, ..options.clone() }, "max_sweeps"),
        (Transform { threads: Some(0), ..options }, "threads"),
    ] {
        let error = model.transform_with(&v, &bad).unwrap_err();
        assert!(matches!(error, Error::InvalidParam { name, .. } if name == expected), "{error:?}");
    }
}

#[test]
fn fault_42_tolerance_zero() {
    let p = problem();
    for layout in ORDERS {
        let v = Stored::new(&p.v, layout);
        for (method, stop) in [
            (Method::Cd, Stop::Violation { tol: 0.0 }),
            (Method::Cd, Stop::Progress { tol: 0.0 }),
            (OWN, Stop::Progress { tol: 0.0 }),
            (OWN, Stop::Violation { tol: 0.0 }),
            (OWN, Stop::ErrorDecrease { tol: 0.0 }),
            (Method::Mu(Loss::Frobenius), Stop::ErrorDecrease { tol: 0.0 }),
            (Method::Mu(Loss::Frobenius), Stop::Progress { tol: 0.0 }),
        ] {
            for max_iter in [1, 7, 40] {
                let fit = Nmf::new(3).method(method).stop(stop).max_iter(max_iter).fit(&v).unwrap();
                assert_eq!(fit.report.iterations, max_iter, "{method:?} {stop:?} {layout:?}");
                assert_eq!(fit.report.stop_reason, StopReason::MaxIterations);
            }
        }
        // not even a fit that is exact at once, and stays so, stops by itself
        let exact = Dense::from_fn(8, 5, |i, j| ((i + 1) * (j + 2)) as f64);
        for (method, stop) in [
            (OWN, Stop::Progress { tol: 0.0 }),
            (Method::Mu(Loss::Frobenius), Stop::ErrorDecrease { tol: 0.0 }),
        ] {
            let nmf = Nmf::new(1).method(method).stop(stop).max_iter(35);
            let fit = nmf.fit(&Stored::new(&exact, layout)).unwrap();
            assert_eq!((fit.report.iterations, fit.report.stop_reason), (35, StopReason::MaxIterations));
            assert!(fit.report.relative_error < 1e-14);
        }
        // nothing to move: the first violation is 0
        let start = Start::Custom { w: Dense::zeros(13, 3), h: Dense::zeros(3, 9) };
        let fit = Nmf::sklearn(3).tol(0.0).max_iter(50).start(start).fit(&v).unwrap();
        assert_eq!((fit.report.iterations, fit.report.stop_reason), (1, StopReason::Converged));
    }
}

#[test]
fn fault_44_unsupported() {
    let error =
        Nmf::new(2).method(Method::Mu(Loss::Frobenius)).stop(Stop::Violation { tol: 1e-4 }).fit(&problem().v);
    match error.unwrap_err() {
        Error::Unsupported { what, supported } => {
            assert!(what.contains("violation") && supported.contains("Progress"), "{what}; {supported}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn fault_46_exact_fits() {
    fn check<T: Real>(tolerance: f64) {
        let p = Recipe { m: 30, n: 22, k: 3, data: Data::LowRank, zeros_in_start: false, seed: 9 };
        let v = cast::<f64, T>(&p.build().v);
        let v64 = cast::<T, f64>(&v);
        for layout in ORDERS {
            for method in FITTED {
                let nmf = Nmf::new(4).method(method).tol(0.0).max_iter(3000);
                let fit = nmf.fit(&Stored::new(&v, layout)).unwrap();
                let (w, h) = (cast(&fit.w), cast(fit.model.components()));
                let true_error = oracle::norm_squared(&oracle::residual(&v64, &w, &h)).sqrt();
                let told = fit.report.reconstruction_error;
                let floor = T::EPSILON.to_f64() * oracle::norm_squared(&v64).sqrt();
                assert!(
                    (told - true_error).abs() <= tolerance * true_error + floor,
                    "{} {method:?} {layout:?}: {told:e} reported, {true_error:e} true",
                    T::NAME
                );
                assert!(fit.report.loss >= 0.0 && fit.report.history.iter().all(|x| x.objective >= 0.0));
            }
        }
    }
    check::<f64>(1e-6);
    check::<f32>(1e-2);
}

#[test]
fn fault_50_other_features() {
    let model = Model::from_components(problem().h, Penalty::default()).unwrap();
    for cols in [1, 8, 10] {
        let error = model.transform(&Dense::<f64>::zeros(5, cols)).unwrap_err();
        assert_eq!(error, Error::ShapeMismatch { operand: "V", expected: (5, 9), found: (5, cols) });
    }
    for cols in [2, 4] {
        let error = model.inverse_transform(&Dense::<f64>::zeros(5, cols)).unwrap_err();
        assert_eq!(error, Error::ShapeMismatch { operand: "W", expected: (5, 3), found: (5, cols) });
    }
}

/// What a fit that was cut off must still be: its last iteration, told truly.
fn assert_best_so_far(fit: &Fit<f64>, v: &Dense<f64>) {
    let h = fit.model.components();
    assert!(is_non_negative(&fit.w) && is_non_negative(h));
    assert_eq!(fit.report.history.len(), fit.report.iterations);
    let loss = oracle::loss(v, &fit.w, h);
    assert!((fit.report.loss - loss).abs() <= 1e-10 * oracle::norm_squared(v));
    let best = fit.report.history.iter().map(|point| point.objective).fold(f64::INFINITY, f64::min);
    assert!(loss <= best + 1e-10 * oracle::norm_squared(v), "{loss} at the end, {best} on the way");
}

fn endless(method: Method) -> Nmf<f64> {
    Nmf::new(3).method(method).tol(0.0).max_iter(usize::MAX)
}

#[test]
fn fault_56_cancel() {
    let v = problem().v;
    for method in FITTED {
        let cancel = Cancel::new();
        let from_outside = cancel.clone();
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            from_outside.cancel();
        });
        let fit = endless(method).cancel(&cancel).fit(&v).unwrap();
        killer.join().unwrap();
        assert_eq!(fit.report.stop_reason, StopReason::Interrupted, "{method:?}");
        assert_best_so_far(&fit, &v);
    }
}

#[test]
fn fault_56_time_limit() {
    let v = problem().v;
    for method in FITTED {
        let begin = Instant::now();
        let fit = endless(method).max_time(Duration::from_millis(30)).fit(&v).unwrap();
        assert!(begin.elapsed() >= Duration::from_millis(30));
        assert_eq!(fit.report.stop_reason, StopReason::TimeLimit, "{method:?}");
        assert!(!fit.report.converged());
        assert_best_so_far(&fit, &v);
        let fit = endless(method).max_time(Duration::ZERO).fit(&v).unwrap();
        assert_eq!((fit.report.iterations, fit.report.stop_reason), (1, StopReason::TimeLimit));
    }
}

#[test]
fn fault_56_observer() {
    let v = problem().v;
    for layout in ORDERS {
        for method in FITTED {
            let mut seen = None;
            let mut third = |it: &Iteration<'_, f64>| {
                seen = Some(it.factors());
                if it.number == 3 {
                    ControlFlow::Break(StopReason::Observer)
                } else {
                    ControlFlow::Continue(())
                }
            };
            let fit = endless(method).fit_observed(&Stored::new(&v, layout), &mut third).unwrap();
            assert_eq!((fit.report.iterations, fit.report.stop_reason), (3, StopReason::Observer));
            assert_best_so_far(&fit, &v);
            let (w, h) = seen.unwrap();
            assert_eq!(first_other_bit(&w, &fit.w), None);
            assert_eq!(first_other_bit(&h, fit.model.components()), None);
        }
    }
}

#[test]
fn fault_57_panicking_observer() {
    for threads in [1, 2] {
        for layout in ORDERS {
            let (done, outcome) = mpsc::channel();
            // in a thread of its own, so that a deadlock is a failure and not a hang
            std::thread::spawn(move || {
                let v = Stored::new(&problem().v, layout);
                let mut panics = |it: &Iteration<'_, f64>| -> ControlFlow<StopReason> {
                    assert!(it.number < 2, "the observer has had enough");
                    ControlFlow::Continue(())
                };
                let first = Nmf::new(3).threads(threads).tol(0.0).fit_observed(&v, &mut panics).map(|_| ());
                let second = Nmf::new(3).threads(threads).fit(&v).map(|_| ());
                done.send((first, second)).unwrap();
            });
            let (first, second) = outcome.recv_timeout(Duration::from_secs(60)).expect("no deadlock");
            match first.unwrap_err() {
                Error::Panicked { message } => assert!(message.contains("had enough"), "{message}"),
                other => panic!("{other:?}"),
            }
            second.expect("a later fit is not harmed");
        }
    }
}

#[test]
fn fault_58_threads() {
    let v = problem().v;
    let error = Nmf::new(2).threads(0).fit(&v).unwrap_err();
    assert!(matches!(error, Error::InvalidParam { name: "threads", .. }), "{error:?}");
    let cores = std::thread::available_parallelism().unwrap().get();
    let one = Nmf::new(2).threads(1).fit(&v).unwrap();
    let many = Nmf::new(2).threads(cores + 1000).fit(&v).unwrap();
    let told = Warning::ThreadsClamped { asked: cores + 1000, used: many.report.plan.threads };
    assert!(many.report.warnings.contains(&told), "{:?}", many.report.warnings);
    assert!((1..=cores).contains(&many.report.plan.threads));
    assert!(!one.report.warnings.iter().any(|w| matches!(w, Warning::ThreadsClamped { .. })));
    assert_eq!(first_other_bit(&many.w, &one.w), None);
}
