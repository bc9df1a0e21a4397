//! What fits start from.

use orthant::{Dense, Error, Init, InitKind, Loss, Method, Nmf, Penalty, Warning};
use orthant_verify::compare::is_non_negative;
use orthant_verify::divergences;
use orthant_verify::fits::{METHODS, fixed, trace};
use orthant_verify::layout::{Layout, Stored};
use orthant_verify::oracle;
use orthant_verify::strategies::{Data, Recipe};

use super::{DIVERGENCES, ORDERS, OWN, batches, custom, problem, stepped, zero};

/// Fault 34. A custom start of another shape or with bad entries is an error that names the place. A good one
/// is not written to.
#[test]
fn a_custom_start_is_checked_and_left_alone() {
    let p = problem();
    let start = custom(&p);
    for method in stepped() {
        let nmf = Nmf::new(3).method(method).init(start.clone());
        nmf.fit(&p.v).unwrap();
        nmf.fit(&Stored::new(&p.v, Layout::ColMajor)).unwrap();
        assert_eq!(start, custom(&p), "{method:?} changed its start");
        let refused = |w: &Dense<f64>, h: &Dense<f64>| {
            Nmf::new(3)
                .method(method)
                .init(Init::Custom { w: w.clone(), h: h.clone() })
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

/// Fault 35. A start whose H is all zero is fitted with a warning where the method can leave it, and is
/// refused elsewhere.
#[test]
fn a_zero_start_is_left_or_refused() {
    let p = problem();
    for layout in ORDERS {
        let v = Stored::new(&p.v, layout);
        let newton = [Method::newton(), Method::newton().extrapolated()];
        for method in newton.into_iter().chain([Method::cd(), OWN]) {
            let start = Init::Custom { w: p.w.clone(), h: Dense::zeros(3, 9) };
            let fit = Nmf::new(3).method(method).init(start).fit(&v).unwrap();
            assert!(fit.report.warnings.contains(&Warning::ZeroStart), "{:?}", fit.report.warnings);
            assert!(fit.report.relative_error < 0.7, "{method:?}: {}", fit.report.relative_error);
        }
        let start = Init::Custom { w: p.w.clone(), h: Dense::zeros(3, 9) };
        // zeros stay zeros under multiplicative updates: nothing could ever be learnt
        for method in
            DIVERGENCES.into_iter().filter(|m| !newton.contains(m)).chain([Loss::Frobenius].map(Method::mu))
        {
            let outcome = Nmf::new(3).method(method).init(start.clone()).fit(&v);
            assert!(outcome.is_err(), "{method:?}: {:?}", outcome.map(|fit| fit.report));
        }
    }
}

/// Fault 37. No stale value of a component whose H is zero, with a W that is not, survives, whatever follows.
#[test]
fn a_dead_component_leaves_no_stale_value() {
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
            if !method.update.keeps_zeros() {
                let alive =
                    |t: usize| (0..9).any(|j| h[(t, j)] > 0.0) && (0..13).any(|i| fit.w[(i, t)] > 0.0);
                assert!((0..3).all(alive), "{method:?} {layout:?}");
            }
        }
    }
}

/// Fault 37. A component that dies takes no step out of bounds. Where V has lines of zeros every sweep leaves
/// it 10⁻⁸ of itself. Its square underflows long before it does, and a step over a square that has lost its
/// bits would be of any size.
#[test]
fn a_dying_component_stays_finite() {
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
        let nmf = fixed(Method::hals().sweeps(3), penalty, &p.w, &p.h, 12);
        let (fit, steps) = trace(&nmf, &p.v).unwrap();
        for s in &steps {
            assert!(is_non_negative(&s.w) && is_non_negative(&s.h) && s.objective.is_finite());
        }
        assert!(fit.report.objective <= steps[0].objective);
    }
}

/// Fault 38. A coordinate without curvature but with an L1 penalty becomes 0.
#[test]
fn a_coordinate_without_curvature_becomes_zero_under_l1() {
    let mut p = problem();
    for j in 0..9 {
        p.h[(1, j)] = 0.0;
    }
    for layout in ORDERS {
        let v = Stored::new(&p.v, layout);
        for method in [Method::cd(), Method::hals().sweeps(2)] {
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

/// Fault 36. Components that start the same stay so under multiplicative updates, and the report says it.
#[test]
fn identical_components_are_warned_of() {
    let mut p = problem();
    (0..13).for_each(|i| p.w[(i, 2)] = p.w[(i, 0)]);
    (0..9).for_each(|j| p.h[(2, j)] = p.h[(0, j)]);
    let told = Warning::IdenticalComponents { first: 0, second: 2 };
    for layout in ORDERS {
        for method in stepped() {
            let fit =
                fixed(method, Penalty::default(), &p.w, &p.h, 5).fit(&Stored::new(&p.v, layout)).unwrap();
            let h = fit.model.components();
            let same =
                (0..13).all(|i| fit.w[(i, 0)] == fit.w[(i, 2)]) && (0..9).all(|j| h[(0, j)] == h[(2, j)]);
            let warned = fit.report.warnings.contains(&told);
            assert_eq!(warned, same, "{method:?} {layout:?}: {:?}", fit.report.warnings);
            let plain = problem();
            let fit = fixed(method, Penalty::default(), &plain.w, &plain.h, 1).fit(&plain.v).unwrap();
            assert!(!fit.report.warnings.iter().any(|w| matches!(w, Warning::IdenticalComponents { .. })));
        }
    }
}

/// Fault 36. Zeros of a start that multiplicative updates keep are counted in a warning.
#[test]
fn zeros_that_stay_are_warned_of() {
    let mut p = problem();
    for at in [(0, 0), (5, 2), (12, 1)] {
        p.w[at] = 0.0;
    }
    p.h[(1, 8)] = 0.0;
    let told = Warning::LockedZeros { count: 4 };
    for method in stepped() {
        let fit = fixed(method, Penalty::default(), &p.w, &p.h, 3).fit(&p.v).unwrap();
        let keeps = method.update.keeps_zeros();
        assert_eq!(fit.report.warnings.contains(&told), keeps, "{method:?} {:?}", fit.report.warnings);
    }
    let fit = batches::<f64>(Loss::KullbackLeibler).init(custom(&p)).fit(&p.v).unwrap();
    assert!(fit.report.warnings.contains(&told), "{:?}", fit.report.warnings);
    let locked = |w: &Warning| matches!(w, Warning::LockedZeros { .. });
    let plain = problem();
    for method in DIVERGENCES {
        let fit = Nmf::new(3).method(method).init(custom(&plain)).fit(&plain.v).unwrap();
        assert!(!fit.report.warnings.iter().any(locked), "{method:?}");
    }
}

/// Fault 60. Where a line of WH is 0 but V is not, every loss is still a number, in either precision.
#[test]
fn a_start_with_zero_lines_has_finite_losses() {
    for method in divergences::methods() {
        let mut p = problem();
        (0..3).for_each(|t| p.w[(4, t)] = 0.0);
        (0..3).for_each(|t| p.h[(t, 6)] = 0.0);
        p.v.as_mut_slice().iter_mut().for_each(|x| *x += 0.01);
        for layout in ORDERS {
            for penalty in [Penalty::default(), Penalty { alpha_w: 0.01, alpha_h: None, l1_ratio: 0.5 }] {
                let fit = fixed(method, penalty, &p.w, &p.h, 10).fit(&Stored::new(&p.v, layout)).unwrap();
                assert!(is_non_negative(&fit.w) && is_non_negative(fit.model.components()), "{method:?}");
                assert!(fit.report.objective.is_finite(), "{method:?}");
                let p = p.cast::<f32>();
                let fit = fixed(method, penalty, &p.w, &p.h, 10).fit(&Stored::new(&p.v, layout)).unwrap();
                assert!(is_non_negative(&fit.w) && is_non_negative(fit.model.components()), "{method:?}");
                assert!(fit.report.objective.is_finite(), "{method:?}");
            }
        }
    }
}

/// Fault 7. A rank above the number of singular vectors is an error of the starts that take them.
#[test]
fn a_rank_too_large_for_the_start_is_refused() {
    let v = problem().v;
    for kind in [InitKind::Nndsvd, InitKind::Nndsvda, InitKind::Nndsvdar, InitKind::ExactNndsvd] {
        for method in stepped() {
            let start = kind.init().unwrap();
            let error = Nmf::<f64>::new(10).method(method).init(start).fit(&v).unwrap_err();
            assert_eq!(error, Error::RankTooLargeForInit { rank: 10, rows: 13, cols: 9 }, "{method:?}");
        }
    }
}

/// Fault 45. Components that depend on each other are solved with a little help and a warning, and never NaN.
#[test]
fn a_rank_deficient_gram_is_solved_and_said() {
    let v = problem().v;
    let p = problem();
    // the same component three times, and more of them than V has columns
    let twins = Dense::from_fn(12, 9, |t, j| p.h[(t % 3 / 2, j)]);
    let weights = Dense::from_fn(13, 12, |i, t| p.w[(i, t % 3)]);
    for method in [Method::als(), Method::anls()] {
        for layout in ORDERS {
            let nmf = Nmf::new(12).method(method).max_iter(20).tol(0.0);
            let start = Init::Custom { w: weights.clone(), h: twins.clone() };
            let fit = nmf.init(start).fit(&Stored::new(&v, layout)).unwrap();
            assert!(is_non_negative(&fit.w) && is_non_negative(fit.model.components()));
            let told =
                fit.report.warnings.iter().any(|w| matches!(w, Warning::Regularized { count } if *count > 0));
            assert!(told, "{method:?} {layout:?}: {:?}", fit.report.warnings);
            if method == Method::anls() {
                // no better than exact, and no worse than one component alone
                let one = Nmf::new(1).fit(&v).unwrap().report.objective;
                assert!(fit.report.objective <= one, "{} and {one}", fit.report.objective);
            }
        }
    }
}

/// Fault 47. Every start takes data of rank 2 at rank 4, of ordinary size and tiny.
#[test]
fn rank_deficient_data_is_started_from() {
    let p = problem();
    let low = oracle::product(
        &Dense::from_fn(13, 2, |i, t| p.w[(i, t)]),
        &Dense::from_fn(2, 9, |t, j| p.h[(t, j)]),
    );
    for kind in InitKind::ALL {
        let Some(start) = kind.init() else { continue };
        for by in [1.0, 1e-13, 1e13] {
            let v = Dense::from_fn(13, 9, |i, j| by * low[(i, j)]);
            for layout in ORDERS {
                let nmf = Nmf::<f64>::new(4).init(start.clone());
                let (w, h) = nmf.init_factors(&Stored::new(&v, layout)).unwrap();
                assert!(is_non_negative(&w) && is_non_negative(&h), "{} times {by:e}", kind.name());
                let fit = nmf.max_iter(300).fit(&v).unwrap();
                let error = fit.report.relative_error;
                assert!(error < 1e-2, "{} times {by:e}: error {error:e}", kind.name());
            }
        }
    }
}
