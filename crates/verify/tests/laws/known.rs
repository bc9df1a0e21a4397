//! What is known of a factor stays as it is, bounds hold, and the fit is as good as it can be within them.

use orthant::{
    Bound, Dense, EntryWeights, Error, Factor, Init, Loss, Method, Missing, Nmf, Penalty, Scale, Update,
    Warning,
};
use orthant_verify::fits::{fixed, trace};
use orthant_verify::forms::methods;
use orthant_verify::layout::{Layout, Stored};
use orthant_verify::made::{drawn, positive};
use orthant_verify::oracle;
use orthant_verify::strategies::Numbers;

const LOSSES: [Loss; 4] = [Loss::Frobenius, Loss::KullbackLeibler, Loss::ItakuraSaito, Loss::Beta(1.5)];
const LAYOUTS: [Layout; 4] = [Layout::RowMajor, Layout::ColMajor, Layout::Csr, Layout::Csc];

/// Every method that knows bounds.
fn all() -> Vec<Method> {
    methods(&LOSSES).into_iter().filter(|method| method.update.takes_bounds()).collect()
}

/// One known component of H, and single entries of others and of W; bounds of the rest.
fn known(m: usize, n: usize, k: usize, seed: u64) -> [Factor<f64>; 2] {
    let mut numbers = Numbers::new(seed);
    let h = Dense::from_fn(k, n, |t, _| {
        let (known, x) = (numbers.uniform() < 0.2, numbers.uniform());
        if t == 0 || known && t < k - 1 { x } else { f64::NAN }
    });
    let w = Dense::from_fn(m, k, |i, t| if (i + t) % 7 == 3 { 0.25 } else { f64::NAN });
    let upper = Dense::from_fn(k, n, |t, j| if (t + j) % 3 == 0 { 1.0 } else { f64::INFINITY });
    [Factor::new().fixed(&w).lower(0.01).upper(1.5), Factor::new().fixed(&h).upper(upper)]
}

/// By plain loops: how far an entry is outside, with what is fixed counted as bounds of both sides.
fn violations(
    x: &Dense<f64>,
    lower: impl Fn(usize, usize) -> f64,
    upper: impl Fn(usize, usize) -> f64,
) -> f64 {
    let mut most: f64 = 0.0;
    for i in 0..x.nrows() {
        for t in 0..x.ncols() {
            most = most.max(lower(i, t) - x[(i, t)]).max(x[(i, t)] - upper(i, t));
        }
    }
    most
}

/// D over all entries, by plain loops.
fn loss(v: &Dense<f64>, w: &Dense<f64>, h: &Dense<f64>, beta: f64) -> f64 {
    oracle::divergence(v, w, h, beta)
}

/// What is fixed is kept to the bit and no bound is passed, in every method and layout, extrapolated or not, also by the factors
/// that an observer sees; and the objective falls where the method descends.
#[test]
fn what_is_known_holds_and_the_objective_falls() {
    for (m, n, k) in [(67, 41, 3), (30, 20, 2), (140, 33, 5)] {
        let v = positive(m, n, 3);
        let [of_w, of_h] = known(m, n, k, 9);
        let (w, h) = (drawn(m, k, 5), drawn(k, n, 6));
        for method in all() {
            for layout in LAYOUTS {
                let what = format!("{method:?} {layout:?} {m}×{n}, {k}");
                let nmf = fixed(method, Penalty::default(), &w, &h, 12)
                    .w(of_w.clone())
                    .h(of_h.clone())
                    .compress(false);
                let (fit, steps) = trace(&nmf, &Stored::new(&v, layout)).expect(&what);
                let fixed_w = |i: usize, t: usize| (i + t) % 7 == 3;
                let outside = |w: &Dense<f64>, h: &Dense<f64>| {
                    let of_w = violations(
                        w,
                        |i, t| if fixed_w(i, t) { 0.25 } else { 0.01 },
                        |i, t| if fixed_w(i, t) { 0.25 } else { 1.5 },
                    );
                    let of_h =
                        violations(h, |_, _| 0.0, |t, j| if (t + j) % 3 == 0 { 1.0 } else { f64::INFINITY });
                    of_w.max(of_h)
                };
                assert_eq!(outside(&fit.w, fit.model.components()), 0.0, "{what}");
                let mut numbers = Numbers::new(9);
                for t in 0..k {
                    for j in 0..n {
                        let (known, x) = (numbers.uniform() < 0.2, numbers.uniform());
                        if t == 0 || known && t < k - 1 {
                            assert_eq!(
                                fit.model.components()[(t, j)].to_bits(),
                                x.to_bits(),
                                "{what} {t} {j}"
                            );
                        }
                    }
                }
                let beta = method.loss.beta();
                let descends = method.extrapolate == Some(false)
                    && (method.update != Update::Mu || (1.0..=2.0).contains(&beta));
                let mut before = f64::INFINITY;
                for (s, point) in steps.iter().zip(&fit.report.history) {
                    assert_eq!(outside(&s.w, &s.h), 0.0, "{what}");
                    let after = loss(&v, &s.w, &s.h, beta);
                    assert!(!descends || after <= before * (1.0 + 1e-9), "{what}: {before} {after}");
                    let told = point.objective;
                    assert!((told - after).abs() <= 1e-7 * after, "{what}: {told} {after}");
                    before = after;
                }
                let truth = loss(&v, &fit.w, fit.model.components(), beta);
                assert!(
                    (fit.report.loss - truth).abs() <= 1e-8 * truth,
                    "{what}: {} {truth}",
                    fit.report.loss
                );
            }
        }
    }
}

/// min ½‖v − xY‖² + l1 Σx + ½ l2‖x‖² within bounds, a row at a time, by projected gradients in plain loops: convex, with one answer.
fn box_rows(
    v: &Dense<f64>,
    h: &Dense<f64>,
    penalty: (f64, f64),
    lower: &Dense<f64>,
    upper: &Dense<f64>,
) -> Dense<f64> {
    let (k, n) = (h.nrows(), h.ncols());
    let gram = oracle::times_transposed(h, h);
    let size: f64 = (0..k).map(|t| gram[(t, t)]).sum::<f64>() + penalty.1;
    let mut w = lower.clone();
    for i in 0..v.nrows() {
        for _ in 0..200_000 {
            let mut moved: f64 = 0.0;
            let slopes: Vec<f64> = (0..k)
                .map(|t| {
                    let a: f64 = (0..n).map(|j| v[(i, j)] * h[(t, j)]).sum();
                    (0..k).map(|r| gram[(t, r)] * w[(i, r)]).sum::<f64>() - a
                        + penalty.0
                        + penalty.1 * w[(i, t)]
                })
                .collect();
            for (t, slope) in slopes.iter().enumerate() {
                let to = (w[(i, t)] - slope / size).clamp(lower[(i, t)], upper[(i, t)]);
                moved = moved.max((to - w[(i, t)]).abs());
                w[(i, t)] = to;
            }
            if moved < 1e-15 {
                break;
            }
        }
    }
    w
}

/// With H given the problem is convex, and its minimiser within bounds that of plain projected gradients, with penalties and without.
#[test]
fn with_h_given_rows_are_those_of_projected_gradients() {
    let (m, n, k) = (23, 17, 4);
    let (v, h) = (positive(m, n, 4), drawn(k, n, 8));
    let upper = Dense::from_fn(m, k, |i, t| if (i + t) % 4 == 0 { 0.2 } else { 0.7 });
    let lower = Dense::from_fn(m, k, |i, t| if (2 * i + t) % 5 == 0 { 0.1 } else { 0.0 });
    for penalty in [Penalty::default(), Penalty { alpha_w: 0.01, alpha_h: None, l1_ratio: 0.4 }] {
        let weights = oracle::weights(penalty, m, n);
        let expected = box_rows(&v, &h, (weights.l1_w, weights.l2_w), &lower, &upper);
        for method in [Method::hals(), Method::cd(), Method::auto(Loss::Frobenius)] {
            for layout in LAYOUTS {
                let known = Factor::new().lower(lower.clone()).upper(upper.clone());
                let nmf = Nmf::new(k).method(method).penalty(penalty).tol(0.0).max_iter(3000).w(known);
                let fit = nmf.fit_weights(&Stored::new(&v, layout), &h).unwrap();
                for (a, b) in fit.w.as_slice().iter().zip(expected.as_slice()) {
                    assert!((a - b).abs() < 1e-10, "{method:?} {layout:?}: {a} {b}");
                }
                assert!(fit.report.kkt_residual < 1e-9, "{}", fit.report.kkt_residual);
            }
        }
    }
}

/// Under Kullback–Leibler likewise: no slope along an entry points into the bounds, by plain loops.
#[test]
fn with_h_given_no_slope_points_inwards_under_kullback_leibler() {
    let (m, n, k) = (23, 17, 4);
    let (v, h) = (positive(m, n, 4), drawn(k, n, 8));
    let w_of = |method, layout| {
        let nmf =
            Nmf::new(k).method(method).tol(1e-15).max_iter(50_000).w(Factor::new().lower(0.05).upper(0.5));
        nmf.fit_weights(&Stored::new(&v, layout), &h).unwrap().w
    };
    let kl = Loss::KullbackLeibler;
    for (method, tolerance) in [(Method::newton(), 1e-6), (Method::auto(kl), 1e-6), (Method::mm(kl), 1e-4)] {
        for layout in LAYOUTS {
            let w = w_of(method, layout);
            let (mut at_lower, mut at_upper, mut inside) = (0, 0, 0);
            for i in 0..m {
                let p: Vec<f64> = (0..n).map(|j| (0..k).map(|t| w[(i, t)] * h[(t, j)]).sum()).collect();
                for t in 0..k {
                    let slope: f64 = (0..n).map(|j| h[(t, j)] * (1.0 - v[(i, j)] / p[j])).sum();
                    let x = w[(i, t)];
                    let bad = match x {
                        0.05 => -slope,
                        0.5 => slope,
                        _ => slope.abs(),
                    };
                    *(if x == 0.05 {
                        &mut at_lower
                    } else if x == 0.5 {
                        &mut at_upper
                    } else {
                        &mut inside
                    }) += 1;
                    assert!(bad < tolerance * n as f64, "{method:?} {layout:?}: {x} {slope}");
                }
            }
            assert!(at_lower > 3 && at_upper > 3 && inside > 3, "{at_lower} {at_upper} {inside}");
        }
    }
}

/// A fit of both factors ends where no slope of either points into its bounds, and says so in its KKT residual.
/// Both are bounded above too: else a component could shrink in H for ever to make less of its lower bound in W.
#[test]
fn limits_are_stationary_within_the_bounds() {
    let (m, n, k) = (16, 12, 2);
    let v = positive(m, n, 12);
    let h = Dense::from_fn(k, n, |t, j| if t == 0 { ((j % 5) as f64) / 4.0 } else { f64::NAN });
    let least = 1e-9;
    for method in [Method::hals(), Method::hals().extrapolated(), Method::auto(Loss::Frobenius)] {
        for layout in LAYOUTS {
            let nmf = Nmf::new(k)
                .method(method)
                .tol(0.0)
                .max_iter(5000)
                .seed(3)
                .compress(false)
                .h(Factor::new().fixed(&h).upper(2.0))
                .w(Factor::new().lower(0.02).upper(1.5));
            let fit = nmf.fit(&Stored::new(&v, layout)).unwrap();
            let (w, h) = (&fit.w, fit.model.components());
            let (of_w, of_h) = oracle::gradients(&v, w, h, Penalty::default());
            // extrapolation can leave an entry a rounding error away from its bound
            let inward = |x: f64, slope: f64, lower: f64, upper: f64| match x {
                x if x <= lower * (1.0 + 1e-14) => (-slope).max(0.0),
                x if x >= upper * (1.0 - 1e-14) => slope.max(0.0),
                _ => slope.abs(),
            };
            let size = oracle::norm_squared(&v).sqrt();
            for i in 0..m {
                for t in 0..k {
                    let bad = inward(w[(i, t)], of_w[(i, t)], 0.02, 1.5);
                    assert!(bad < least * size, "{method:?} {layout:?} W {i} {t}: {bad}");
                }
            }
            for t in 1..k {
                for j in 0..n {
                    let bad = inward(h[(t, j)], of_h[(t, j)], 0.0, 2.0);
                    assert!(bad < least * size, "{method:?} {layout:?} H {t} {j}: {bad}");
                }
            }
            assert!(fit.report.kkt_residual < least, "{method:?} {layout:?}: {}", fit.report.kkt_residual);
        }
    }
}

/// Law 23. Neither threads nor blocks change a bit of a fit within bounds.
#[test]
fn threads_and_blocks_change_no_bit() {
    let (m, n, k) = (300, 70, 4);
    let v = positive(m, n, 3);
    let [of_w, of_h] = known(m, n, k, 9);
    for method in all() {
        for layout in LAYOUTS {
            let nmf = Nmf::new(k).method(method).max_iter(6).seed(2).w(of_w.clone()).h(of_h.clone());
            let of = |nmf: Nmf<f64>| {
                let fit = nmf.fit(&Stored::new(&v, layout)).unwrap();
                (fit.w, fit.model.components().clone())
            };
            let one = of(nmf.clone().threads(1));
            assert!(one == of(nmf.clone().threads(2)), "{method:?} {layout:?}");
            assert!(one == of(nmf.threads(2).block(7)), "{method:?} {layout:?}");
        }
    }
}

/// Bounds that exclude nothing change nothing but rounding.
#[test]
fn bounds_that_exclude_nothing_change_nothing() {
    let (m, n, k) = (50, 40, 3);
    let v = positive(m, n, 3);
    for method in all() {
        let nmf = Nmf::new(k).method(method).max_iter(5).seed(2).scale(Scale::None).compress(false);
        let plain = nmf.fit(&v).unwrap();
        let wide = nmf.w(Factor::new().upper(1e9)).h(Factor::new().upper(1e9)).fit(&v).unwrap();
        for (a, b) in plain.w.as_slice().iter().zip(wide.w.as_slice()) {
            assert!((a - b).abs() <= 1e-8 * (1.0 + a.abs()), "{method:?}: {a} {b}");
        }
    }
}

/// Also where entries are missing, by either way, or have weights; and in single precision.
#[test]
fn what_is_known_goes_with_missing_entries_and_weights() {
    let (m, n, k) = (40, 30, 3);
    let v = positive(m, n, 3);
    let [of_w, of_h] = known(m, n, k, 9);
    let first: Vec<f64> = {
        let mut numbers = Numbers::new(9);
        (0..n).map(|_| (numbers.uniform(), numbers.uniform()).1).collect()
    };
    for share in [10, 2] {
        let with =
            Dense::from_fn(m, n, |i, j| if (i * 7 + j * 3) % share == 0 { f64::NAN } else { v[(i, j)] });
        for method in all() {
            let nmf = Nmf::new(k).method(method).max_iter(300).seed(2).w(of_w.clone()).h(of_h.clone());
            let check = |fit: Result<orthant::Fit<f64>, Error>| {
                let fit = match fit {
                    Err(Error::Unsupported { .. }) => return,
                    fit => fit.unwrap(),
                };
                assert_eq!(fit.model.components().row(0), first, "{method:?} {share}");
                assert!(fit.w.as_slice().iter().all(|&x| (0.01..=1.5).contains(&x)), "{method:?} {share}");
                assert!(fit.report.relative_error < 0.7, "{method:?} {share}: {}", fit.report.relative_error);
            };
            check(nmf.clone().missing(Missing::Nan).fit(&with));
            let weights = Dense::from_fn(m, n, |i, j| ((i + j) % share) as f64);
            check(nmf.entry_weights(EntryWeights::new(&weights).unwrap()).fit(&v));
        }
    }
    let v = Dense::from_fn(m, n, |i, j| v[(i, j)] as f32);
    let h = Dense::from_fn(1, n, |_, j| (j % 3) as f32);
    let fit = Nmf::new(k).h(Factor::new().fixed(&h).lower(1e-3)).fit(&v);
    // the known zeros are below the bound
    assert!(matches!(fit, Err(Error::InvalidParam { name: "fixed H", .. })), "{fit:?}");
    let fit = Nmf::new(k).h(Factor::new().fixed(&h)).fit(&v).unwrap();
    assert_eq!(fit.model.components().row(0), h.row(0));
}

/// Law 30. A fit with known parts goes on from a checkpoint to the bit, and one with other known parts is refused.
#[test]
fn a_checkpoint_belongs_to_what_is_known() {
    let (m, n, k) = (40, 30, 3);
    let v = positive(m, n, 3);
    let [of_w, of_h] = known(m, n, k, 9);
    for method in all() {
        for layout in LAYOUTS {
            let v = &Stored::new(&v, layout);
            let nmf = Nmf::new(k).method(method).max_iter(9).tol(0.0).seed(2).w(of_w.clone()).h(of_h.clone());
            let whole = nmf.fit(v).unwrap();
            let mut kept = None;
            let mut observer = |iteration: &orthant::Iteration<'_, f64>| {
                if iteration.number == 4 {
                    kept = iteration.checkpoint().ok();
                }
                std::ops::ControlFlow::<orthant::StopReason>::Continue(())
            };
            nmf.fit_observed(v, &mut observer).unwrap();
            let checkpoint = kept.unwrap();
            let resumed = nmf.clone().checkpoint(checkpoint.clone()).fit(v).unwrap();
            assert!(whole.w == resumed.w && whole.model == resumed.model, "{method:?} {layout:?}");
            let other = nmf.w(Factor::new().upper(1.5)).checkpoint(checkpoint).fit(v);
            assert!(matches!(other, Err(Error::CheckpointMismatch { .. })), "{method:?} {layout:?}");
        }
    }
}

/// What is wrong with bounds and known parts is a typed error, and what was moved a remark.
#[test]
fn wrong_bounds_are_refused_with_words() {
    let (m, n, k) = (9, 7, 3);
    let v = positive(m, n, 3);
    let refused = |nmf: Nmf<f64>, word: &str| {
        let error = nmf.fit(&v).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    };
    let nmf = || Nmf::<f64>::new(k);
    let of = |rows, cols, x: f64| Dense::from_fn(rows, cols, |_, _| x);
    let nan = f64::NAN;
    refused(nmf().h(Factor::new().fixed(&of(k, n + 1, 1.0))), "fixed H");
    refused(nmf().h(Factor::new().fixed(&of(k + 1, n, 1.0))), "3×7");
    refused(nmf().w(Factor::new().fixed(&of(m + 1, 1, 1.0))), "fixed W");
    refused(nmf().h(Factor::new().fixed(&of(1, n, nan))), "NaN throughout");
    refused(nmf().h(Factor::new().fixed(&of(k, n, 1.0))), "fixed throughout");
    refused(nmf().w(Factor::new().fixed(&of(m, k, 1.0))), "Vᵀ");
    refused(nmf().h(Factor::new().lower(2.0).upper(1.0)), "upper bound there");
    refused(nmf().h(Factor::new().fixed(&of(1, n, 3.0)).upper(1.0)), "within the bounds there");
    let mut some = of(2, n, 1.0);
    some[(1, 4)] = -1.0;
    let error = nmf().h(Factor::new().fixed(&some)).fit(&v).unwrap_err();
    assert!(matches!(error, Error::Negative { operand: "fixed H", row: 1, col: 4, .. }), "{error}");
    some[(1, 4)] = f64::INFINITY;
    let error = nmf().h(Factor::new().fixed(&some)).fit(&v).unwrap_err();
    assert!(matches!(error, Error::NonFinite { operand: "fixed H", row: 1, col: 4, .. }), "{error}");
    refused(nmf().w(Factor::new().lower(nan)), "lower bound of W");
    refused(nmf().w(Factor::new().lower(-1.0)), "lower bound of W");
    refused(nmf().w(Factor::new().upper(Bound::Each(of(m, k - 1, 1.0)))), "upper bound of W");
    let known = || Factor::new().upper(1.0);
    refused(nmf().update(Update::Anls).w(known()), "with frobenius auto, hals, cd, mm and mu");
    refused(nmf().w(known()).scale(Scale::HSum), "scale");
    let h = drawn(k, n, 3);
    let error = nmf().h(known()).fit_weights(&v, &h).unwrap_err();
    assert!(error.to_string().contains("given"), "{error}");
    let start = Init::Custom { w: drawn(m, k, 1), h: of(k, n, 5.0) };
    let fit = nmf().init(start).h(known()).fit(&v).unwrap();
    assert!(
        fit.report.warnings.contains(&Warning::OutsideBounds { count: k * n }),
        "{:?}",
        fit.report.warnings
    );
    // data without anything in it leaves what is known
    let zeros = Dense::<f64>::zeros(m, n);
    let fit = nmf().w(Factor::new().lower(0.5)).h(Factor::new().fixed(&of(1, n, 1.0))).fit(&zeros).unwrap();
    assert!(fit.model.components().row(0).iter().all(|&x| x == 1.0) && fit.w[(0, 0)] == 0.5);
    assert!((fit.report.loss - 0.125 * (m * n) as f64).abs() < 1e-12, "{}", fit.report.loss);
}
