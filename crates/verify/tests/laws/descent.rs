//! Laws of the objective: that it falls, and that what is reported is true.

use orthant::{Dense, Init, Loss, Method, Nmf, Penalty, Real, Stop};
use orthant_verify::compare::{cast, unit_roundoff};
use orthant_verify::fits::{METHODS, fixed, trace};
use orthant_verify::layout::{Layout, Stored};
use orthant_verify::oracle;
use orthant_verify::strategies::{Problem, cases, penalties, positive_recipes, recipes};
use proptest::prelude::*;

/// F from the start on, by the oracle, and ‖V‖.
fn objectives<T: Real>(
    p: &Problem<T>,
    method: Method,
    penalty: Penalty,
    iterations: usize,
    layout: Layout,
) -> (Vec<f64>, f64) {
    let v = cast::<T, f64>(&p.v);
    let f = |w: &Dense<T>, h: &Dense<T>| oracle::objective(&v, &cast(w), &cast(h), penalty);
    let stored = Stored::new(&p.v, layout);
    let (_, steps) = trace(&fixed(method, penalty, &p.w, &p.h, iterations), &stored).unwrap();
    let mut all = vec![f(&p.w, &p.h)];
    all.extend(steps.iter().map(|s| f(&s.w, &s.h)));
    (all, oracle::norm_squared(&v).sqrt())
}

fn falls<T: Real>(
    p: &Problem<T>,
    method: Method,
    penalty: Penalty,
    layout: Layout,
) -> Result<(), TestCaseError> {
    let (all, norm) = objectives(p, method, penalty, 12, layout);
    for (number, pair) in all.windows(2).enumerate() {
        let (before, after) = (pair[0].sqrt(), pair[1].sqrt());
        prop_assert!(
            after <= before + 64.0 * unit_roundoff::<T>() * norm,
            "{} iteration {}: √F rose from {} by {:e}, ‖V‖ = {}",
            T::NAME,
            number + 1,
            before,
            after - before,
            norm
        );
    }
    Ok(())
}

/// The loss that each iteration reports, which it has from the Gram matrices, and the report at the end.
fn reports_truly<T: Real>(
    p: &Problem<T>,
    method: Method,
    penalty: Penalty,
    layout: Layout,
) -> Result<(), TestCaseError> {
    let v = cast::<T, f64>(&p.v);
    let norm2 = oracle::norm_squared(&v);
    let tolerance = if T::NAME == "float64" {
        1e-10 * norm2
    } else {
        64.0 * p.h.nrows() as f64 * unit_roundoff::<T>() * norm2
    };
    let stored = Stored::new(&p.v, layout);
    let (fit, steps) = trace(&fixed(method, penalty, &p.w, &p.h, 6), &stored).unwrap();
    for s in &steps {
        let (w, h) = (cast(&s.w), cast(&s.h));
        let (loss, objective) = (oracle::loss(&v, &w, &h), oracle::objective(&v, &w, &h, penalty));
        prop_assert!((s.loss - loss).abs() <= tolerance, "loss {} reported, {} true", s.loss, loss);
        let penalised = objective - loss;
        prop_assert!(
            (s.objective - objective).abs() <= tolerance + 1e-6 * penalised,
            "objective {} reported, {} true",
            s.objective,
            objective
        );
    }
    let (w, h) = (cast(&fit.w), cast(fit.model.components()));
    let (loss, objective) = (oracle::loss(&v, &w, &h), oracle::objective(&v, &w, &h, penalty));
    let r = &fit.report;
    // the report's own figures come from the residual, whose entries are rounded as the factors' products
    let (roundoff, k) = (unit_roundoff::<T>(), p.h.nrows() as f64);
    let close = |a: f64, b: f64, penalised: f64, what: &str| {
        let rounding = 64.0 * roundoff * penalised
            + 8.0 * k * roundoff * norm2.sqrt() * loss.sqrt()
            + (8.0 * k * roundoff).powi(2) * norm2;
        prop_assert!((a - b).abs() <= 1e-10 * b + rounding, "{}: {} reported, {} true", what, a, b);
        Ok(())
    };
    close(r.loss, loss, 0.0, "loss")?;
    close(r.objective, objective, objective - loss, "objective")?;
    close(r.reconstruction_error.powi(2), 2.0 * loss, 0.0, "reconstruction error, squared")?;
    close(r.relative_error.powi(2) * norm2, 2.0 * loss, 0.0, "relative error, squared, times ‖V‖²")?;
    prop_assert_eq!(r.history.len(), r.iterations);
    for (point, s) in r.history.iter().zip(&steps) {
        prop_assert_eq!(point.objective.to_bits(), s.objective.to_bits());
    }
    Ok(())
}

fn descents() -> impl Strategy<Value = Method> {
    let all: Vec<_> = METHODS.into_iter().filter(|m| !m.update.keeps_zeros()).collect();
    proptest::sample::select(all)
}

fn layouts() -> impl Strategy<Value = Layout> {
    proptest::sample::select(vec![Layout::RowMajor, Layout::ColMajor, Layout::EverySecond])
}

proptest! {
    #![proptest_config(cases(96))]

    /// Law 2. √F does not rise, whatever the penalties.
    #[test]
    fn coordinate_descent_never_raises_the_objective(
        recipe in recipes(), method in descents(), penalty in penalties(), layout in layouts(),
    ) {
        let p = recipe.build();
        falls(&p, method, penalty, layout)?;
        falls(&p.cast::<f32>(), method, penalty, layout)?;
    }

    /// Law 4, 6. √F does not rise from a positive start, so that no floor under a denominator is active. L1
    /// and L2 in the denominator keep the law for this loss.
    #[test]
    fn multiplicative_updates_never_raise_the_objective(
        recipe in positive_recipes(), penalty in penalties(), layout in layouts(),
    ) {
        let p = recipe.build();
        for method in [Method::mu(Loss::Frobenius), Method::mm(Loss::Frobenius)] {
            falls(&p, method, penalty, layout)?;
            falls(&p.cast::<f32>(), method, penalty, layout)?;
        }
    }

    /// Law 45. Reported losses and objectives are the oracle's, of every iteration and of the result.
    #[test]
    fn reported_losses_are_the_residuals(
        recipe in recipes(), method in proptest::sample::select(METHODS.to_vec()), penalty in penalties(),
        layout in layouts(),
    ) {
        let p = recipe.build();
        reports_truly(&p, method, penalty, layout)?;
        reports_truly(&p.cast::<f32>(), method, penalty, layout)?;
    }
}

/// Law 38. What the report calls the distance from stationarity is the oracle's, and is small once a fit says
/// that it converged.
#[test]
fn a_converged_fit_is_stationary() {
    let methods = [Method::cd(), Method::hals(), Method::hals().sweeps(2), Method::mu(Loss::Frobenius)];
    let mixed = Penalty { alpha_w: 1e-3, alpha_h: None, l1_ratio: 0.5 };
    for method in methods {
        for penalty in [Penalty::default(), mixed] {
            for (seed, layout) in [(1, Layout::RowMajor), (2, Layout::ColMajor)] {
                let recipe = orthant_verify::strategies::Recipe {
                    m: 40,
                    n: 31,
                    k: 5,
                    data: orthant_verify::strategies::Data::Uniform,
                    zeros_in_start: false,
                    seed,
                };
                let p = recipe.build();
                // multiplicative updates creep towards zeros that descent reaches in a step
                let tol = if method == Method::mu(Loss::Frobenius) { 1e-6 } else { 1e-8 };
                let nmf = Nmf::new(recipe.k)
                    .method(method)
                    .stop(Stop::Progress { tol })
                    .penalty(penalty)
                    .max_iter(100_000)
                    .init(Init::Custom { w: p.w.clone(), h: p.h.clone() });
                let fit = nmf.fit(&Stored::new(&p.v, layout)).unwrap();
                assert!(fit.report.converged(), "{method:?}: {:?}", fit.report.stop_reason);
                let true_residual = oracle::kkt_residual(&p.v, &fit.w, fit.model.components(), penalty);
                let told = fit.report.kkt_residual;
                assert!(
                    (told - true_residual).abs() <= 1e-6 * true_residual,
                    "{method:?}: {told} reported, {true_residual} true"
                );
                assert!(true_residual <= tol.sqrt(), "{method:?}: {true_residual}");
            }
        }
    }
}

/// Law 39. Where nothing is penalised, the best scale of WH makes ⟨WH, WH⟩ = ⟨V, WH⟩.
#[test]
fn a_converged_fit_satisfies_eulers_identity() {
    let p = orthant_verify::strategies::Recipe {
        m: 33,
        n: 26,
        k: 4,
        data: orthant_verify::strategies::Data::Uniform,
        zeros_in_start: false,
        seed: 5,
    }
    .build();
    for method in [Method::cd(), Method::hals(), Method::mu(Loss::Frobenius)] {
        let nmf = Nmf::new(4).method(method).stop(Stop::Progress { tol: 1e-8 }).max_iter(100_000);
        let fit = nmf.init(Init::Custom { w: p.w.clone(), h: p.h.clone() }).fit(&p.v).unwrap();
        let wh = oracle::product(&fit.w, fit.model.components());
        let squares = oracle::norm_squared(&wh);
        let with_v = oracle::dot(wh.as_slice(), p.v.as_slice());
        assert!((squares - with_v).abs() <= 1e-4 * with_v, "{method:?}: {squares} and {with_v}");
    }
}
