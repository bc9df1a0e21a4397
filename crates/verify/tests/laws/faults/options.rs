//! Options that are out of range, do not go together, or are extreme.

use orthant::{
    Dense, Error, Init, Loss, Method, MiniBatchNmf, Model, Nmf, Penalty, Products, Stop, StopReason, Support,
    Transform, Update, Warning,
};
use orthant_verify::divergences;
use orthant_verify::fits::{fixed, trace};
use orthant_verify::forms::FORMS;
use orthant_verify::layout::Stored;
use orthant_verify::oracle;

use super::{LOSSES, ORDERS, OWN, all, custom, problem, zero};

/// Fault 39. A huge L1 penalty empties both factors within three iterations.
#[test]
fn a_huge_penalty_empties_both_factors() {
    let p = problem();
    for layout in ORDERS {
        let v = Stored::new(&p.v, layout);
        for method in [Method::cd(), OWN, Method::hals().sweeps(1)] {
            let penalty = Penalty { alpha_w: 1e8, alpha_h: None, l1_ratio: 1.0 };
            for start in [Init::Random, custom(&p)] {
                let fit = Nmf::new(3).method(method).penalty(penalty).init(start).fit(&v).unwrap();
                assert!(zero(&fit.w) && zero(fit.model.components()), "{method:?} {layout:?}");
                assert!(fit.report.iterations <= 3, "{method:?}: {} iterations", fit.report.iterations);
                assert!(fit.report.converged(), "{method:?}: {}", fit.report.stop_reason);
                let half = 0.5 * oracle::norm_squared(&p.v);
                assert!((fit.report.objective - half).abs() <= 1e-13 * half);
            }
        }
    }
}

/// Fault 40. A penalty on one factor only is warned of: the other can take over its scale.
#[test]
fn a_penalty_on_one_factor_is_warned_of() {
    let v = problem().v;
    let warned = |alpha_w, alpha_h| {
        let penalty = Penalty { alpha_w, alpha_h, l1_ratio: 0.5 };
        let fit = Nmf::new(3).penalty(penalty).fit(&v).unwrap();
        fit.report.warnings.contains(&Warning::ScaleAmbiguity)
    };
    assert!(warned(0.1, Some(0.0)) && warned(0.0, Some(0.1)));
    assert!(!warned(0.1, None) && !warned(0.0, None) && !warned(0.1, Some(0.2)));
}

/// Fault 41. An option outside its range is an error that names it and what is allowed.
#[test]
fn options_outside_their_ranges_are_refused() {
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
        for method in all() {
            invalid(Nmf::new(2).method(method).tol(bad), "tol");
        }
        invalid(Nmf::new(2).stop(Stop::ErrorDecrease { tol: bad }), "tol");
    }
    for method in all() {
        invalid(Nmf::new(2).method(method).max_iter(0), "max_iter");
    }
    invalid(Nmf::new(2).block(0), "block");
    invalid(Nmf::new(2).method(Method::hals().sweeps(0)), "sweeps");
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

/// Fault 42. A tolerance of 0 takes every iteration, unless there is nothing to move.
#[test]
fn tolerance_zero_takes_every_iteration() {
    let p = problem();
    for layout in ORDERS {
        let v = Stored::new(&p.v, layout);
        for (method, stop) in [
            (Method::cd(), Stop::Violation { tol: 0.0 }),
            (Method::cd(), Stop::Progress { tol: 0.0 }),
            (OWN, Stop::Progress { tol: 0.0 }),
            (OWN, Stop::Violation { tol: 0.0 }),
            (OWN, Stop::ErrorDecrease { tol: 0.0 }),
            (Method::mu(Loss::Frobenius), Stop::ErrorDecrease { tol: 0.0 }),
            (Method::mu(Loss::Frobenius), Stop::Progress { tol: 0.0 }),
            (Method::mu(Loss::KullbackLeibler), Stop::ErrorDecrease { tol: 0.0 }),
            (Method::mm(Loss::Beta(0.5)), Stop::Progress { tol: 0.0 }),
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
            (Method::mu(Loss::Frobenius), Stop::ErrorDecrease { tol: 0.0 }),
            (Method::mu(Loss::KullbackLeibler), Stop::ErrorDecrease { tol: 0.0 }),
            (Method::mm(Loss::KullbackLeibler), Stop::Progress { tol: 0.0 }),
        ] {
            let nmf = Nmf::new(1).method(method).stop(stop).max_iter(35);
            let fit = nmf.fit(&Stored::new(&exact, layout)).unwrap();
            assert_eq!((fit.report.iterations, fit.report.stop_reason), (35, StopReason::MaxIterations));
            // a divergence is a difference of sums
            let floor = if method.loss.is_quadratic() { 1e-14 } else { 1e-7 };
            assert!(fit.report.relative_error < floor, "{method:?}: {}", fit.report.relative_error);
        }
        // nothing to move: the first violation is 0
        let start = Init::Custom { w: Dense::zeros(13, 3), h: Dense::zeros(3, 9) };
        let fit = Nmf::sklearn(3).tol(0.0).max_iter(50).init(start).fit(&v).unwrap();
        assert_eq!((fit.report.iterations, fit.report.stop_reason), (1, StopReason::Converged));
    }
}

/// Fault 44. A criterion that does not go with the rule is an error that names one that does.
#[test]
fn a_criterion_that_does_not_fit_is_refused() {
    let error =
        Nmf::new(2).method(Method::mu(Loss::Frobenius)).stop(Stop::Violation { tol: 1e-4 }).fit(&problem().v);
    match error.unwrap_err() {
        Error::Unsupported { what, supported } => {
            assert!(what.contains("violation") && supported.contains("Progress"), "{what}; {supported}");
        }
        other => panic!("{other:?}"),
    }
}

/// Fault 41. A β that is NaN or infinite is refused, and so are options of mini-batches outside their ranges.
#[test]
fn losses_and_options_of_batches_outside_their_ranges_are_refused() {
    let p = problem();
    let named = |error: Error, expected: &str| match error {
        Error::InvalidParam { name, value, allowed } => {
            assert_eq!(name, expected);
            assert!(!value.is_empty() && !allowed.is_empty());
        }
        other => panic!("{expected}: {other:?}"),
    };
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let loss = Loss::Beta(bad);
        for method in [Method::mu(loss), Method::mm(loss)] {
            named(Nmf::new(2).method(method).fit(&p.v).unwrap_err(), "beta");
            named(Nmf::new(3).method(method).fit_weights(&p.v, &p.h).unwrap_err(), "beta");
        }
        named(MiniBatchNmf::new(2).loss(loss).fit(&p.v).unwrap_err(), "beta");
        named(MiniBatchNmf::<f64>::new(2).loss(loss).online().unwrap_err(), "beta");
        let model = Model::from_components(p.h.clone(), Penalty::default()).unwrap();
        named(model.with_loss(loss).unwrap_err(), "beta");
        assert!(bad.to_string().parse::<Loss>().is_err());
    }
    let new = || MiniBatchNmf::<f64>::new(3);
    let invalid = |nmf: MiniBatchNmf<f64>, expected: &str| {
        named(nmf.fit(&p.v).unwrap_err(), expected);
        named(nmf.transform(&p.v, &p.h).unwrap_err(), expected);
        named(nmf.online().unwrap_err(), expected);
    };
    invalid(new().batch_size(0), "batch_size");
    invalid(new().max_iter(0), "max_iter");
    invalid(new().fresh_restarts_max_iter(0), "fresh_restarts_max_iter");
    invalid(new().transform_max_iter(0), "transform_max_iter");
    invalid(new().max_no_improvement(Some(0)), "max_no_improvement");
    invalid(new().threads(0), "threads");
    for bad in [-1e-9, f64::NAN] {
        invalid(new().tol(bad), "tol");
        invalid(new().penalty(Penalty { alpha_w: bad, ..Penalty::default() }), "alpha_w");
        invalid(new().forget_factor(bad), "forget_factor");
    }
    invalid(new().forget_factor(1.0 + 1e-9), "forget_factor");
    assert_eq!(MiniBatchNmf::new(0).fit(&p.v).unwrap_err(), Error::InvalidRank { rank: 0 });
}

/// Fault 43. scikit-learn puts L2 in the denominator, which for β < 2 is no longer a majorant: its objective
/// rises where that of the library's own rule goes down.
#[test]
fn a_ridge_raises_the_objective_of_mu_and_not_of_mm() {
    let v = Dense::from_fn(3, 2, |i, j| 1.0 + 0.1 * (i + 2 * j) as f64);
    let penalty = Penalty { alpha_w: 5000.0, alpha_h: Some(4000.0), l1_ratio: 0.0 };
    for loss in [Loss::KullbackLeibler, Loss::Beta(1.5), Loss::Beta(0.5), Loss::ItakuraSaito] {
        let (w, h) = (Dense::from_fn(3, 1, |_, _| 0.003), Dense::from_fn(1, 2, |_, _| 0.003));
        let f = |w: &Dense<f64>, h: &Dense<f64>| divergences::objective(&v, w, h, penalty, loss.beta()).value;
        for layout in ORDERS {
            let stored = Stored::new(&v, layout);
            let objectives = |method| {
                let (_, steps) = trace(&fixed(method, penalty, &w, &h, 30), &stored).unwrap();
                let mut all = vec![f(&w, &h)];
                all.extend(steps.iter().map(|s| f(&s.w, &s.h)));
                all
            };
            let own = objectives(Method::mm(loss));
            assert!(
                own.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-14)),
                "{loss} {layout:?}: {own:?}"
            );
            let theirs = objectives(Method::mu(loss));
            if loss == Loss::KullbackLeibler {
                assert!(
                    theirs.windows(2).any(|pair| pair[1] > 1.1 * pair[0]),
                    "{loss} {layout:?}: {theirs:?}"
                );
            }
            assert!(own[30] <= theirs[30] * (1.0 + 1e-6), "{loss} {layout:?}: {own:?} {theirs:?}");
        }
    }
}

/// Fault 44. What the table of capabilities says is what happens.
#[test]
fn every_pair_does_what_the_table_says() {
    let p = problem();
    let unsupported = |error: Error, what_says: &[&str], supported_says: &[&str]| match error {
        Error::Unsupported { what, supported } => {
            assert!(what_says.iter().all(|s| what.contains(s)), "{what}");
            assert!(supported_says.iter().all(|s| supported.contains(s)), "{supported}");
        }
        other => panic!("{other:?}"),
    };
    for form in FORMS {
        for loss in divergences::LOSSES {
            let method = form.of(loss);
            let minimises = form.update.minimises(loss);
            let goes = minimises && (!form.extrapolated || form.update.extrapolates(loss));
            match Nmf::new(3).method(method).max_iter(2).fit(&p.v) {
                Ok(fit) => assert!(goes && fit.report.loss_function == loss, "{method:?}"),
                Err(error) => {
                    assert!(!goes, "{method:?}: {error}");
                    let (update, loss) = (form.update.name(), loss.to_string());
                    let goes_with = match form.update {
                        Update::Newton | Update::JointMm => "kullback-leibler",
                        _ => "frobenius",
                    };
                    match minimises {
                        true => unsupported(error, &["extrapolation", update, &loss], &[&loss, "auto"]),
                        false => {
                            unsupported(error, &[update, &loss], &[update, goes_with, &loss, "mu", "mm"])
                        }
                    }
                }
            }
        }
    }
    for method in all() {
        let nmf = || Nmf::new(3).method(method).init(custom(&p)).max_iter(2);
        match (method.shuffles(), nmf().shuffle(true).fit(&p.v)) {
            (Support::Yes, outcome) => assert!(outcome.is_ok()),
            (_, outcome) => unsupported(outcome.unwrap_err(), &["shuffling", method.update.name()], &["cd"]),
        }
        for products in [Products::Fused, Products::Gemm] {
            let outcome = nmf().products(products).fit(&p.v);
            match method.multiplies_by(products) {
                Support::Yes => assert!(outcome.is_ok(), "{method:?} {products:?}"),
                _ => {
                    let loss = method.loss.to_string();
                    unsupported(outcome.unwrap_err(), &["gemm", &loss], &["Frobenius", "fused"]);
                }
            }
        }
        for stop in
            [Stop::Violation { tol: 0.1 }, Stop::ErrorDecrease { tol: 0.1 }, Stop::Progress { tol: 0.1 }]
        {
            let outcome = nmf().stop(stop).fit(&p.v);
            match method.stops_by(stop) {
                Support::Yes => assert!(outcome.is_ok(), "{method:?} {stop:?}"),
                _ => unsupported(outcome.unwrap_err(), &["violation"], &["Progress"]),
            }
        }
    }
    // the same refusals where only W is to be found
    let error = Nmf::new(3).method(OWN).shuffle(true).fit_weights(&p.v, &p.h).unwrap_err();
    unsupported(error, &["shuffling"], &["cd"]);
    let kl = Method::mm(Loss::KullbackLeibler);
    let error = Nmf::new(3).method(kl).products(Products::Gemm).fit_weights(&p.v, &p.h).unwrap_err();
    unsupported(error, &["gemm"], &["fused"]);
}

/// Fault 39. No gradient outweighs it: under L1 everything becomes 0 or shrinks towards it, and nothing stops
/// being a number.
#[test]
fn a_huge_penalty_shrinks_the_factors_of_other_losses() {
    let p = problem();
    let penalty = Penalty { alpha_w: 1e8, alpha_h: None, l1_ratio: 1.0 };
    for loss in LOSSES {
        for method in [Method::mu(loss), Method::mm(loss)] {
            let fit = fixed(method, penalty, &p.w, &p.h, 50).fit(&p.v).unwrap();
            let product = oracle::product(&fit.w, fit.model.components());
            assert!(product.as_slice().iter().all(|&x| (0.0..1e-6).contains(&x)), "{method:?}");
            assert!(fit.report.objective.is_finite(), "{method:?}");
        }
    }
}
