//! What entries V may hold.

use orthant::{Dense, Error, Fit, Init, Loss, Method, Model, Nmf, Penalty, Real, Scale, StopReason};
use orthant_verify::compare::{cast, difference, first_other_bit, is_non_negative};
use orthant_verify::divergences;
use orthant_verify::fits::{METHODS, fixed, trace};
use orthant_verify::layout::{ALL, Layout, Stored};
use orthant_verify::oracle;
use orthant_verify::strategies::{Data, Numbers, Problem, Recipe};

use super::{FITTED, LOSSES, ORDERS, OWN, all, batches, custom, problem, stepped, zero};

/// Every way in which a bad entry of V can arrive must end in the same error.
fn refused<T: Real>(bad: f64, right: impl Fn(&Error, usize, usize) -> bool) {
    let p = problem().cast::<T>();
    let model = Model::from_components(p.h.clone(), Penalty::default()).unwrap();
    for (row, col) in [(0, 0), (5, 4), (12, 8), (12, 0), (0, 8)] {
        let mut v = p.v.clone();
        v[(row, col)] = T::from_f64(bad);
        for layout in ALL {
            let stored = Stored::new(&v, layout);
            for method in all() {
                for start in [Init::Random, custom(&p)] {
                    let error = Nmf::new(3).method(method).init(start).fit(&stored).unwrap_err();
                    assert!(right(&error, row, col), "{layout:?} {method:?} ({row}, {col}): {error:?}");
                }
                let error = Nmf::new(3).method(method).fit_weights(&stored, &p.h).unwrap_err();
                assert!(right(&error, row, col), "W, {layout:?} {method:?} ({row}, {col}): {error:?}");
            }
            for loss in LOSSES {
                let batches = batches::<T>(loss);
                for error in [
                    batches.fit(&stored).unwrap_err(),
                    batches.clone().init(custom(&p)).fit(&stored).unwrap_err(),
                    batches.online().unwrap().partial_fit(&stored).unwrap_err(),
                    batches.transform(&stored, &p.h).unwrap_err(),
                ] {
                    assert!(right(&error, row, col), "{layout:?} {loss} ({row}, {col}): {error:?}");
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

/// Fault 1. NaN is an error that names its place.
#[test]
fn a_nan_is_refused_by_its_place() {
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

/// Fault 2. An infinity of either sign is an error that names its place.
#[test]
fn an_infinity_is_refused_by_its_place() {
    for bad in [f64::INFINITY, f64::NEG_INFINITY] {
        refused::<f64>(bad, |e, row, col| non_finite(e, bad, (row, col)));
        refused::<f32>(bad, |e, row, col| non_finite(e, bad, (row, col)));
    }
}

/// Fault 3. A negative entry, however small, is an error that names its place.
#[test]
fn a_negative_entry_is_refused_by_its_place() {
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

/// Fault 4. A negative zero in V or the start is as good as a positive one, to the bit.
#[test]
fn a_negative_zero_is_zero() {
    let recipe = Recipe { m: 14, n: 11, k: 3, data: Data::Sparse, zeros_in_start: true, seed: 2 };
    let p = recipe.build();
    let flip = |a: &Dense<f64>| {
        Dense::from_fn(a.nrows(), a.ncols(), |i, j| if a[(i, j)] == 0.0 { -0.0 } else { a[(i, j)] })
    };
    let q = Problem { v: flip(&p.v), w: flip(&p.w), h: flip(&p.h) };
    for method in stepped() {
        for layout in ORDERS {
            for own in [true, false] {
                let fit = |p: &Problem<f64>| {
                    let start = if own { Init::Random } else { custom(p) };
                    let nmf = Nmf::new(3).method(method).tol(0.0).max_iter(4).init(start);
                    nmf.fit(&Stored::new(&p.v, layout)).unwrap()
                };
                let (plus, minus) = (fit(&p), fit(&q));
                assert_eq!(first_other_bit(&minus.w, &plus.w), None, "{method:?} {layout:?}");
                let h = plus.model.components();
                assert_eq!(first_other_bit(minus.model.components(), h), None, "{method:?} {layout:?}");
            }
        }
    }
    for layout in ALL {
        let weights = |p: &Problem<f64>| {
            let model = Model::from_components(p.h.clone(), Penalty::default()).unwrap();
            model.transform(&Stored::new(&p.v, layout)).unwrap()
        };
        assert_eq!(first_other_bit(&weights(&q), &weights(&p)), None, "{layout:?}");
    }
}

/// Fault 12. Data of zeros has zero factors at once, and the report says why.
#[test]
fn data_of_zeros_has_zero_factors() {
    fn check<T: Real>() {
        let p = problem().cast::<T>();
        let v = Dense::<T>::zeros(13, 9);
        for layout in ORDERS {
            for method in stepped() {
                for start in [Init::Random, custom(&p)] {
                    let fit = Nmf::new(3).method(method).init(start).fit(&Stored::new(&v, layout)).unwrap();
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
        for layout in ORDERS {
            assert!(zero(&model.transform(&Stored::new(&v, layout)).unwrap()), "{layout:?}");
        }
    }
    check::<f64>();
    check::<f32>();
}

/// Fault 14, 15. Rows of W and columns of H are exactly 0 where V's are.
#[test]
fn zero_lines_have_zero_weights() {
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
            for method in stepped() {
                for penalty in [Penalty::default(), Penalty { alpha_w: 0.01, alpha_h: None, l1_ratio: 0.5 }] {
                    for iterations in [1, 30] {
                        let what = format!("{} {method:?} {layout:?} {iterations} iterations", T::NAME);
                        let nmf = fixed(method, penalty, &p.w, &p.h, iterations);
                        empty(&nmf.fit(&stored).unwrap(), &what);
                        empty(&nmf.init(Init::Random).fit(&stored).unwrap(), &what);
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

const UNITLESS: [Method; 4] =
    [OWN, Method::newton(), Method::mm(Loss::KullbackLeibler), Method::mm(Loss::Beta(0.3))];

/// Fits of V·2^(2p) and of V, by the library's own rules: the same bits but for the exponents.
fn equivariant<T: Real>(v: &Dense<T>, exponent: i32, methods: &[Method]) {
    let times = |a: &Dense<T>, by: i32| {
        // in two steps, each within range
        let (one, two) = (2f64.powi(by / 2), 2f64.powi(by - by / 2));
        Dense::from_fn(a.nrows(), a.ncols(), |i, j| T::from_f64(a[(i, j)].to_f64() * one * two))
    };
    for layout in ORDERS {
        for &method in methods {
            let nmf = Nmf::new(2).method(method).scale(Scale::None).max_iter(25);
            let fit = |v: &Dense<T>| nmf.fit(&Stored::new(v, layout)).unwrap();
            let (plain, scaled) = (fit(v), fit(&times(v, 2 * exponent)));
            assert_eq!(plain.report.iterations, scaled.report.iterations, "2^{}", 2 * exponent);
            assert_eq!(first_other_bit(&scaled.w, &times(&plain.w, exponent)), None, "2^{}", 2 * exponent);
            let h = times(plain.model.components(), exponent);
            assert_eq!(first_other_bit(scaled.model.components(), &h), None, "2^{}", 2 * exponent);
        }
    }
}

/// Fault 17. Subnormal entries give the bits that normal ones do, but for exponents.
#[test]
fn subnormal_entries_move_exponents_only() {
    // entries of at most 5 bits, so that they stay exact below the normal range
    let v = Recipe { m: 12, n: 8, k: 2, data: Data::Counts, zeros_in_start: false, seed: 5 }.build().v;
    // no single factor makes them of order 1, and powers that are no products round as they lie
    equivariant(&v, -535, &UNITLESS[..2]);
    equivariant(&cast::<f64, f32>(&v), -73, &UNITLESS[..2]);
}

/// Fault 18. Huge and tiny entries are fitted as others are, unless the loss is beyond a double: that is an
/// error.
#[test]
fn huge_and_tiny_entries_are_fitted_or_refused() {
    let v = problem().v;
    for exponent in [332, -332, 249] {
        // entries of about 1e200 would have a loss of 1e400
        if exponent == 332 {
            let big = Dense::from_fn(13, 9, |i, j| v[(i, j)] * 1e200);
            for (method, layout) in FITTED.into_iter().flat_map(|m| ORDERS.map(|layout| (m, layout))) {
                let error = Nmf::new(3).method(method).fit(&Stored::new(&big, layout)).unwrap_err();
                assert!(matches!(error, Error::LossOverflow { max } if max > 1e199), "{layout:?}: {error:?}");
            }
        } else {
            equivariant(&v, exponent, &UNITLESS);
        }
    }
    for by in [1e-200, 1e140, 1e-300] {
        let other = Dense::from_fn(13, 9, |i, j| v[(i, j)] * by);
        // the cube of the third is beyond a double
        let small = all().filter(|m| m.loss.beta() <= 2.0);
        for (method, layout) in small.flat_map(|m| ORDERS.map(|layout| (m, layout))) {
            // scikit-learn's default start has V's mean for its zeros, whatever the scale
            let nmf = Nmf::new(3).method(method).init(Init::Random).tol(0.0).max_iter(10);
            let fit = nmf.fit(&Stored::new(&other, layout)).unwrap();
            assert!(is_non_negative(&fit.w) && is_non_negative(fit.model.components()));
            assert!(fit.report.kkt_residual.is_finite() && fit.report.relative_error.is_finite());
            let product = |f: &Fit<f64>, by: f64| {
                let w = Dense::from_fn(f.w.nrows(), 3, |i, t| f.w[(i, t)] / by.sqrt());
                let h = f.model.components();
                oracle::product(&w, &Dense::from_fn(3, h.ncols(), |t, j| h[(t, j)] / by.sqrt()))
            };
            let plain = nmf.fit(&Stored::new(&v, layout)).unwrap();
            let d = difference(&product(&fit, by), &product(&plain, 1.0));
            assert!(d <= 1e-9, "{method:?} {layout:?} times {by:e}: differs by {d:e}");
        }
    }
}

/// Fault 19. Huge and tiny entries are fitted as others are in single precision too.
#[test]
fn huge_and_tiny_entries_are_fitted_in_single_precision() {
    let v = problem().cast::<f32>().v;
    equivariant(&v, 50, &UNITLESS);
    equivariant(&v, -50, &UNITLESS);
    for by in [1e30_f32, 1e-30] {
        let other = Dense::from_fn(13, 9, |i, j| v[(i, j)] * by);
        for (method, layout) in all().flat_map(|m| ORDERS.map(|layout| (m, layout))) {
            // scikit-learn's default start has V's mean for its zeros, whatever the scale
            let nmf = Nmf::new(3).method(method).init(Init::Random).tol(0.0).max_iter(10);
            let fit = |v| nmf.fit(&Stored::new(v, layout)).unwrap();
            let (plain, fit) = (fit(&v), fit(&other));
            assert!(is_non_negative(&fit.w) && is_non_negative(fit.model.components()));
            let (a, b) = (plain.report.relative_error, fit.report.relative_error);
            assert!((a - b).abs() <= 1e-4 * a, "{method:?} {layout:?} times {by:e}: {a} and {b}");
        }
    }
}

/// Fault 21. Lines over 24 decades leave factors finite and never raise the loss.
#[test]
fn lines_of_different_scale_never_raise_the_loss() {
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

/// Fault 13, 16. The error names the first zero and their number, however V comes and whatever it is for.
#[test]
fn zeros_under_beta_at_most_zero_are_refused() {
    fn check<T: Real>() {
        let p = problem().cast::<T>();
        let mut some = p.v.clone();
        for at in [(3, 7), (3, 8), (12, 0), (11, 8)] {
            some[at] = T::ZERO;
        }
        some[(11, 8)] = T::from_f64(-0.0);
        let none = Dense::<T>::zeros(13, 9);
        for (v, first, count) in [(&some, (3, 7), 4), (&none, (0, 0), 117)] {
            let expected = Error::ZeroInNonPositiveBeta { row: first.0, col: first.1, count };
            for layout in ALL {
                let v = Stored::new(v, layout);
                for loss in [Loss::ItakuraSaito, Loss::Beta(0.0), Loss::Beta(-1.0), Loss::Beta(-0.3)] {
                    for method in [Method::mu(loss), Method::mm(loss)] {
                        let nmf = Nmf::<T>::new(3).method(method);
                        assert_eq!(nmf.fit(&v).unwrap_err(), expected, "{method:?} {layout:?}");
                        assert_eq!(
                            nmf.clone().threads(2).fit(&v).unwrap_err(),
                            expected,
                            "{method:?} {layout:?}"
                        );
                        assert_eq!(nmf.fit_weights(&v, &p.h).unwrap_err(), expected, "{method:?} {layout:?}");
                        assert_eq!(
                            nmf.init(custom(&p)).fit(&v).unwrap_err(),
                            expected,
                            "{method:?} {layout:?}"
                        );
                    }
                    let batches = batches::<T>(loss);
                    assert_eq!(batches.fit(&v).unwrap_err(), expected, "{loss} {layout:?}");
                    assert_eq!(batches.transform(&v, &p.h).unwrap_err(), expected, "{loss} {layout:?}");
                    let mut online = batches.online().unwrap();
                    assert_eq!(online.partial_fit(&v).unwrap_err(), expected, "{loss} {layout:?}");
                    online.partial_fit(&p.v).unwrap();
                    assert_eq!(online.partial_fit(&v).unwrap_err(), expected, "{loss} {layout:?}");
                    assert_eq!(online.steps(), 1);
                }
            }
        }
        let said =
            Nmf::<T>::new(3).method(Method::mm(Loss::ItakuraSaito)).fit(&some).unwrap_err().to_string();
        assert!(said.contains("row 3, column 7") && said.contains("4 entries"), "{said}");
    }
    check::<f64>();
    check::<f32>();
}

/// Fault 20. Tiny data has the loss of ordinary data, scaled. scikit-learn's absolute floors turn the
/// Kullback–Leibler factors of data of 1e-8 to zero, and its error with them.
#[test]
fn tiny_data_is_fitted_as_ordinary_data_is() {
    fn check<T: Real>(tolerance: f64) {
        let p = problem();
        let v = cast::<f64, T>(&Dense::from_fn(13, 9, |i, j| p.v[(i, j)] + 0.05));
        for by in [1e-8, 1e-12, 1e8] {
            let other = Dense::from_fn(13, 9, |i, j| T::from_f64(v[(i, j)].to_f64() * by));
            for loss in [Loss::KullbackLeibler, Loss::ItakuraSaito, Loss::Beta(0.5)] {
                for method in [Method::mu(loss), Method::mm(loss)] {
                    for layout in ORDERS {
                        let what = format!("{} {method:?} {layout:?} times {by:e}", T::NAME);
                        let nmf = Nmf::<T>::new(3).method(method).init(Init::Random).tol(0.0).max_iter(60);
                        let plain = nmf.fit(&Stored::new(&v, layout)).unwrap();
                        let fit = nmf.fit(&Stored::new(&other, layout)).unwrap();
                        let h = fit.model.components();
                        assert!(is_non_negative(&fit.w) && is_non_negative(h), "{what}");
                        for x in [&fit.w, h] {
                            let zeros = x.as_slice().iter().filter(|&&x| x == T::ZERO).count();
                            assert!(zeros < x.as_slice().len() / 3, "{zeros} zeros, {what}");
                        }
                        let expected = plain.report.loss * by.powf(loss.beta());
                        let off = (fit.report.loss - expected).abs();
                        assert!(off <= tolerance * expected, "{what}: {} for {expected}", fit.report.loss);
                        let d = divergences::divergence(&cast(&other), &cast(&fit.w), &cast(h), loss.beta());
                        let off = (fit.report.loss - d.value).abs();
                        assert!(off <= tolerance * d.value, "{what}: {} for {}", fit.report.loss, d.value);
                    }
                }
                let nmf = batches::<T>(loss).max_iter(20).tol(0.0).max_no_improvement(None);
                for layout in [Layout::RowMajor, Layout::Csr, Layout::Csc] {
                    let (plain, fit) = (nmf.fit(&v).unwrap(), nmf.fit(&Stored::new(&other, layout)).unwrap());
                    let expected = plain.report.loss * by.powf(loss.beta());
                    let off = (fit.report.loss - expected).abs();
                    // A and B begin with H and 1, which have units: only the size of the loss is the same
                    let what = format!("batches, {loss} {layout:?} {by:e}");
                    assert!(off <= 0.5 * expected, "{what}: {} for {expected}", fit.report.loss);
                }
            }
        }
    }
    check::<f64>(1e-6);
    check::<f32>(2e-2);
}

/// Fault 12. Batches of zeros have zero factors, and W alone is zero beside the H that was given.
#[test]
fn batches_of_zeros_have_zero_factors() {
    fn check<T: Real>() {
        let v = Dense::<T>::zeros(13, 9);
        let p = problem().cast::<T>();
        for layout in ORDERS {
            let v = Stored::new(&v, layout);
            for loss in LOSSES {
                let batches = batches::<T>(loss);
                let fit = batches.fit(&v).unwrap();
                assert!(zero(&fit.w) && zero(fit.model.components()) && fit.steps == 0, "{loss} {layout:?}");
                assert_eq!((fit.report.stop_reason, fit.report.objective), (StopReason::ZeroData, 0.0));
                assert!(zero(&batches.transform(&v, &p.h).unwrap()), "{loss} {layout:?}");
            }
            for method in all() {
                let fit = Nmf::new(3).method(method).fit_weights(&v, &p.h).unwrap();
                assert!(zero(&fit.w), "{method:?} {layout:?}");
                assert_eq!(first_other_bit(fit.model.components(), &p.h), None, "{method:?} {layout:?}");
                assert_eq!(fit.report.stop_reason, StopReason::ZeroData);
            }
        }
    }
    check::<f64>();
    check::<f32>();
}

/// Fault 14. Rows of W are exactly 0 where those of V are, in a whole batch of them or beside others.
#[test]
fn zero_rows_in_batches_have_zero_weights() {
    let p = problem();
    let mut v = p.v.clone();
    // a whole batch of them, and one beside others
    for i in [0, 1, 2, 3, 4, 7] {
        (0..9).for_each(|j| v[(i, j)] = 0.0);
    }
    for (loss, layout) in LOSSES.into_iter().flat_map(|loss| ORDERS.map(|layout| (loss, layout))) {
        let v = Stored::new(&v, layout);
        let fit = batches::<f64>(loss).max_iter(4).fit(&v).unwrap();
        let w = batches::<f64>(loss).transform(&v, fit.model.components()).unwrap();
        for i in [0, 1, 2, 3, 4, 7] {
            for w in [&fit.w, &w] {
                assert!(
                    w.row(i).iter().all(|x| x.to_bits() == 0),
                    "{loss} {layout:?} row {i}: {:?}",
                    w.row(i)
                );
            }
        }
        assert!(is_non_negative(&fit.w) && is_non_negative(fit.model.components()));
    }
}
