//! Extrapolated methods for divergences against plain loops, and what they promise.

use orthant::{Dense, Error, Init, Loss, Method, Nmf, Penalty, Real, Stop, Update};
use orthant_verify::compare::{cast, first_other_bit, is_non_negative, unit_roundoff, worst_entry};
use orthant_verify::divergences::{LOSSES, clear_of_floors, objective, remaining, rule, size, steepest};
use orthant_verify::extrapolated;
use orthant_verify::fits::{fixed, trace};
use orthant_verify::layout::{Layout, Stored};
use orthant_verify::made::log_counts;
use orthant_verify::oracle;
use orthant_verify::strategies::{Data, Numbers, Problem, Recipe, cases, penalties, positive_recipes};
use proptest::prelude::*;

const KL: Loss = Loss::KullbackLeibler;
const MIXED: Penalty = Penalty { alpha_w: 1e-3, alpha_h: Some(2e-3), l1_ratio: 0.5 };
const LAYOUTS: [Layout; 4] = [Layout::RowMajor, Layout::ColMajor, Layout::Csr, Layout::Csc];

/// Momentum for every loss that has it, of both factors at once, and Newton's steps.
fn methods() -> Vec<Method> {
    let losses = LOSSES.into_iter().filter(|loss| !loss.is_quadratic());
    let newton = [1, 3].map(|sweeps| Method::newton().extrapolated().sweeps(sweeps));
    losses
        .map(|loss| Method::mm(loss).extrapolated())
        .chain([Method::joint_mm().extrapolated()])
        .chain(newton)
        .collect()
}

/// Law 47. Every iteration's factors, objective and restart are the plain loops', in four layouts.
#[test]
fn every_iteration_is_the_plain_loops_one() {
    let mut restarts = [0; 3];
    for (at, method) in methods().into_iter().enumerate() {
        let (beta, _) = rule(method);
        let kind = match method.update {
            Update::Newton => 0,
            Update::JointMm => 1,
            _ => 2,
        };
        let plain = extrapolated::plain_iterations(method);
        // momentum that grows slowly is restarted late
        let iterations = plain + if kind == 1 { 60 } else { 25 };
        for (m, n, k) in [(31, 22, 4), (12, 37, 5), (20, 20, 1), (6, 9, 3)] {
            for penalty in [Penalty::default(), MIXED] {
                let data = [Data::Uniform, Data::LowRank, Data::Counts][(m + k) % 3];
                let seed = (m * n * k + at) as u64;
                let p = Recipe { m, n, k, data, zeros_in_start: false, seed }.build_for(method.loss);
                let told = extrapolated::run(method, &p.v, (&p.w, &p.h), penalty, iterations);
                for layout in LAYOUTS {
                    let nmf = fixed(method, penalty, &p.w, &p.h, iterations);
                    let (fit, steps) = trace(&nmf, &Stored::new(&p.v, layout)).unwrap();
                    for (number, (s, told)) in steps.iter().zip(&told).enumerate() {
                        let what =
                            format!("{method:?} {m}×{n} k={k} {data:?} {layout:?}, iteration {number}");
                        if !clear_of_floors::<f64>(method, &p.v, &told.w, &told.h) {
                            break;
                        }
                        let unit = objective(&p.v, &told.w, &told.h, penalty, beta).size;
                        let restarted = fit.report.history[number].restarted;
                        if restarted != told.restarted {
                            // only where the objective stands still may rounding tell
                            let best = told.objective.min(fit.report.objective);
                            assert!((told.objective - best).abs() <= 1e-9 * unit, "{what}");
                            break;
                        }
                        restarts[kind] += usize::from(restarted);
                        let off = (s.objective - told.objective).abs() / unit;
                        assert!(off <= 1e-13, "{what}: objectives {off:e} apart");
                        let apart = worst_entry(
                            &oracle::product(&s.w, &s.h),
                            &oracle::product(&told.w, &told.h),
                            1e-3,
                        );
                        // small entries of a product come apart after some ten extrapolated updates
                        let tolerance = 5e-11 * 1.8_f64.powi((number as i32 - plain as i32 - 12).max(0));
                        assert!(apart <= tolerance, "{what}: {apart:e} apart");
                    }
                }
            }
        }
    }
    assert!(restarts.iter().all(|&count| count > 20), "{restarts:?} restarts were compared");
}

/// An iteration is restarted if, and only if, its objective is above the best; the result is the best.
fn restarts_and_returns_the_best<T: Real>(
    p: &Problem<T>,
    method: Method,
    penalty: Penalty,
    layout: Layout,
) -> Result<(), TestCaseError> {
    let (beta, _) = rule(method);
    let v = cast::<T, f64>(&p.v);
    let nmf = fixed(method, penalty, &p.w, &p.h, 40);
    let (fit, steps) = trace(&nmf, &Stored::new(&p.v, layout)).unwrap();
    let (mut best, mut at) = (f64::INFINITY, 0);
    let epsilon = T::EPSILON.to_f64();
    let rounding = 4.0 * f64::max(epsilon * epsilon, f64::EPSILON) * size(&v, beta) * (1.0 + 1e-6);
    for (number, (point, s)) in fit.report.history.iter().zip(&steps).enumerate() {
        prop_assert!(is_non_negative(&s.w) && is_non_negative(&s.h), "{:?} iteration {}", method, number);
        if point.restarted {
            prop_assert!(point.objective > best, "{} restarted, best {}", point.objective, best);
        } else {
            prop_assert!(point.objective <= best + rounding, "{} after {}", point.objective, best);
            (best, at) = (best.min(point.objective), number);
        }
    }
    // what is returned is the last that was accepted, to the bit, but for numbers that underflow has taken bits of
    let h = fit.model.components();
    let normal = if T::NAME == "float32" { f64::from(f32::MIN_POSITIVE) } else { f64::MIN_POSITIVE };
    let kept = |x: T| if x.to_f64() < normal { T::ZERO } else { x };
    let kept = |a: &Dense<T>| Dense::from_fn(a.nrows(), a.ncols(), |i, j| kept(a[(i, j)]));
    prop_assert_eq!(first_other_bit(&fit.w, &kept(&steps[at].w)), None);
    prop_assert_eq!(first_other_bit(h, &kept(&steps[at].h)), None);
    let truth = objective(&v, &cast(&fit.w), &cast(h), penalty, beta);
    let share = (1e-12_f64).max(16.0 * (p.h.nrows() + 4) as f64 * unit_roundoff::<T>());
    let off = (fit.report.objective - truth.value).abs();
    prop_assert!(off <= share * truth.size, "{} reported, {} true", fit.report.objective, truth.value);
    Ok(())
}

proptest! {
    #![proptest_config(cases(128))]

    /// Law 9. An iteration is restarted if, and only if, its objective is above the best. The best is
    /// returned.
    #[test]
    fn every_rise_restarts_and_the_best_is_returned(
        recipe in positive_recipes(), which in 0..methods().len(), penalty in penalties(), layout in 0..LAYOUTS.len(),
    ) {
        prop_assume!(recipe.data != Data::WideRange);
        let method = methods()[which];
        let p = recipe.build_for(method.loss);
        restarts_and_returns_the_best(&p, method, penalty, LAYOUTS[layout])?;
        if method.loss.beta() >= 0.0 {
            restarts_and_returns_the_best(&p.cast::<f32>(), method, penalty, LAYOUTS[layout])?;
        }
    }
}

/// Law 38. A converged fit is stationary and says how nearly.
#[test]
fn a_converged_fit_is_stationary() {
    for method in methods() {
        let (beta, _) = rule(method);
        for (penalty, layout) in [(Penalty::default(), Layout::RowMajor), (MIXED, Layout::ColMajor)] {
            let recipe = Recipe { m: 24, n: 19, k: 3, data: Data::Uniform, zeros_in_start: false, seed: 1 };
            let p = recipe.build_for(method.loss);
            let tol = 1e-10_f64;
            let nmf = fixed(method, penalty, &p.w, &p.h, 100_000).stop(Stop::Progress { tol });
            let fit = nmf.fit(&Stored::new(&p.v, layout)).unwrap();
            assert!(fit.report.converged(), "{method:?}: {}", fit.report.stop_reason);
            let h = fit.model.components();
            let (told, left) = (fit.report.kkt_residual, remaining(&p.v, &fit.w, h, penalty, beta));
            assert!((told - left).abs() <= 0.5 * left + 1e-12, "{method:?}: {told} reported, {left} true");
            // the last step was from where the factors had been extrapolated to
            assert!(left <= 3.0 * tol.sqrt(), "{method:?}: {left} left");
            let steep = steepest(&p.v, &fit.w, h, penalty, beta);
            // an entry that multiplications have brought near to 0 comes back by so much an iteration
            assert!(steep <= 0.03, "{method:?} {penalty:?}: numerators are up to {steep} above denominators");
        }
    }
}

/// What extrapolation is for: the loss that plain updates reach, in fewer iterations; sums over five starts.
#[test]
fn the_loss_of_two_hundred_plain_iterations_takes_fewer() {
    let counts = log_counts(150, 100, 6, 2);
    let v = Dense::from_fn(150, 100, |i, j| counts[(i, j)] + 0.05);
    for loss in LOSSES.into_iter().filter(|loss| !loss.is_quadratic()) {
        let mut needed = 0;
        for seed in 0..5 {
            let nmf = |method| Nmf::<f64>::new(6).method(method).init(Init::Random).seed(seed).tol(0.0);
            let goal = nmf(Method::mm(loss)).max_iter(200).fit(&v).unwrap().report.objective;
            let fit = nmf(Method::mm(loss).extrapolated()).max_iter(200).fit(&v).unwrap();
            let reached = |point: &orthant::HistoryPoint| !point.restarted && point.objective <= goal;
            needed += fit.report.history.iter().position(reached).unwrap_or(200);
        }
        // without momentum at first: long where the guaranteed exponent is below 1; for 3 momentum alone has to do
        let most = match loss.beta() {
            beta if beta < 1.0 => 450,
            beta if beta < 2.0 => 400,
            _ => 600,
        };
        assert!(needed <= most, "{loss}: {needed} iterations for what takes 1000");
    }
}

/// The unit of the data is nothing to the library's own methods, in single precision too: also where it is no power of 4.
#[test]
fn data_of_any_scale_is_fitted_alike_in_single_precision() {
    let mut v = log_counts(80, 60, 4, 7);
    v.as_mut_slice().iter_mut().for_each(|x| *x += 0.1);
    for loss in [KL, Loss::ItakuraSaito] {
        for method in [Method::auto(loss), Method::mm(loss)] {
            let fit = |by: f64| {
                let v = Dense::from_fn(80, 60, |i, j| (v[(i, j)] * by) as f32);
                Nmf::<f32>::new(4).method(method).seed(3).tol(0.0).max_iter(60).fit(&v).unwrap()
            };
            let plain = fit(1.0);
            for by in [1e-8, 1e8] {
                let scaled = fit(by);
                let back = scaled.report.objective / by.powf(loss.beta());
                let off = (back - plain.report.objective).abs() / plain.report.objective;
                assert!(off <= 1e-6, "{method:?} by {by:e}: {back} and {}", plain.report.objective);
                let of = |fit: &orthant::Fit<f32>| {
                    oracle::product(&cast::<f32, f64>(&fit.w), &cast::<f32, f64>(fit.model.components()))
                };
                let product = Dense::from_fn(80, 60, |i, j| of(&scaled)[(i, j)] / by);
                let apart = worst_entry(&product, &of(&plain), 1e-3);
                assert!(apart <= 1e-4, "{method:?} by {by:e}: {apart} apart");
            }
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let v = Numbers::new(1).matrix(6, 5);
    for loss in [Loss::Frobenius, Loss::Beta(2.0)] {
        let fit = Nmf::<f64>::new(2).method(Method::mm(loss).extrapolated()).fit(&v);
        let Err(Error::Unsupported { what, supported }) = fit else { panic!("{loss} was fitted") };
        assert!(
            what.contains("extrapolation of mm") && supported.contains("auto and hals can be extrapolated"),
            "{supported}"
        );
    }
    for method in [Method::joint_mm(), Method::joint_mm().extrapolated()] {
        let fit = Nmf::<f64>::new(2).method(method).loss(Loss::ItakuraSaito).fit(&v);
        let Err(Error::Unsupported { what, supported }) = fit else { panic!("{method} takes another loss") };
        assert!(what.contains("joint-mm") && supported.contains("goes with kullback-leibler"), "{supported}");
    }
    for method in [Method::newton().sweeps(0), Method::newton().extrapolated().sweeps(0)] {
        let fit = Nmf::<f64>::new(2).method(method).fit(&v);
        assert!(matches!(fit, Err(Error::InvalidParam { name: "sweeps", .. })), "{method:?}");
    }
}

/// Where little memory may be taken, the automatic choice does without the transpose, and then without copies.
#[test]
fn the_automatic_choice_takes_what_memory_allows() {
    let v = Numbers::new(1).matrix(400, 300);
    let v = Stored::new(&v, Layout::Csr);
    let nmf = Nmf::<f64>::new(5).method(Method::auto(KL)).max_iter(3);
    let full = nmf.explain(&v).unwrap();
    assert_eq!((full.plan.method, full.plan.transpose), (Method::newton().extrapolated(), true));
    let mut seen = vec![full.plan.method];
    // what decides is reckoned for more workers than there may be here
    let (mut limit, mut least) = (full.working_bytes * 8, 0);
    while let Ok(fit) = nmf.clone().memory_limit(limit).fit(&v) {
        if seen.last() != Some(&fit.report.plan.method) {
            seen.push(fit.report.plan.method);
        }
        least = limit;
        limit -= limit / 200;
    }
    let expected =
        [Method::newton().extrapolated(), Method::newton(), Method::mm(KL).extrapolated(), Method::mm(KL)];
    assert_eq!(seen, expected);
    // what memory leaves is refused like what is asked for
    let start = Init::Custom { w: Numbers::new(3).matrix(400, 5), h: Dense::zeros(5, 300) };
    let from_zero = nmf.clone().init(start);
    assert!(from_zero.fit(&v).is_ok());
    let little = from_zero.memory_limit(least).fit(&v);
    assert!(matches!(little, Err(Error::Unsupported { .. })), "{:?}", little.map(|fit| fit.report));
    let weights = nmf.fit_weights(&v, &Numbers::new(2).matrix(5, 300)).unwrap();
    assert_eq!(weights.report.plan.method, Method::newton());
    let same = Nmf::<f64>::new(5).method(Method::auto(Loss::Beta(1.0))).explain(&v).unwrap();
    assert_eq!(same.plan.method, full.plan.method);
    let other = Nmf::<f64>::new(5).method(Method::auto(Loss::Beta(0.5))).explain(&v).unwrap();
    assert_eq!(other.plan.method, Method::mm(Loss::Beta(0.5)).extrapolated());
}
