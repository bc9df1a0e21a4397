//! Shapes, layouts, and what they make exact.

use orthant::{Dense, Error, Init, Loss, Model, Nmf, Penalty, Real, Update, View, Warning};
use orthant_verify::compare::{cast, difference, first_other_bit, is_non_negative};
use orthant_verify::fits::{METHODS, fixed};
use orthant_verify::layout::{ALL, Stored};
use orthant_verify::oracle;
use orthant_verify::strategies::{Data, Recipe};

use super::{FITTED, LOSSES, ORDERS, all, batches, exact_at_once, problem, stepped};

/// Fault 5. Data without rows or columns is an error, by every method.
#[test]
fn data_without_rows_or_columns_is_refused() {
    for (rows, cols) in [(0, 4), (4, 0), (0, 0)] {
        let v = Dense::<f64>::zeros(rows, cols);
        for method in all() {
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

/// Fault 6. Rank 0 is an error, by every method.
#[test]
fn rank_zero_is_refused() {
    for method in all() {
        let error = Nmf::new(0).method(method).fit(&problem().v).unwrap_err();
        assert_eq!(error, Error::InvalidRank { rank: 0 });
    }
}

/// Fault 8. A rank above the sides is fitted, with a warning.
#[test]
fn a_rank_above_the_sides_is_warned_of() {
    for layout in ORDERS {
        for method in all() {
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

/// Fault 9. Rank 1 is the leading pair of singular vectors, which are positive as V is.
#[test]
fn rank_one_is_perrons() {
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

/// Fault 10. A single number is fitted to its last bits, at any rank.
#[test]
fn a_single_number_is_fitted_exactly() {
    for method in exact_at_once() {
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

/// Fault 11. One row or one column is fitted exactly, at any rank.
#[test]
fn single_lines_are_fitted_exactly() {
    let line = |count| Dense::from_fn(1, count, |_, j| ((7 * j + 3) % 11) as f64);
    for count in [1, 2, 17, 300] {
        for v in [line(count), line(count).transposed()] {
            for method in exact_at_once() {
                for rank in [1, 2, 5] {
                    for layout in ORDERS {
                        let fit = Nmf::new(rank).method(method).fit(&Stored::new(&v, layout)).unwrap();
                        let d = difference(&oracle::product(&fit.w, fit.model.components()), &v);
                        let shape = (v.nrows(), v.ncols());
                        // a line search ends a little beside the minimum, and repeated steps stop there; the loss that tells
                        // extrapolated ones that they are exact is of squares
                        let enough = match (method.update, method.extrapolate) {
                            (Update::ProjectedGradient, _) => 1e-12,
                            (Update::Newton, None) => 1e-10,
                            (Update::Newton, _) => 1e-6,
                            _ => 4e-15,
                        };
                        assert!(d <= enough, "{method:?} {shape:?} rank {rank} {layout:?} is off by {d:e}");
                    }
                }
            }
        }
    }
}

/// Fault 30. Extents whose products are no number are an error.
#[test]
fn extents_that_overflow_are_refused() {
    let data = [0.5_f64; 4];
    assert!(View::row_major(&data, usize::MAX, 2).is_err());
    // a matrix that is one element over and over: W would hold 2^63 elements
    let v = View::strided(&data, 0, 1 << 62, 2, 0, 0).unwrap();
    for method in all() {
        let error = Nmf::new(1 << 20).method(method).fit(&v).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
    }
    let error = orthant::MiniBatchNmf::new(1 << 20).fit(&v).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
}

/// Fault 32. A step is the same in every memory layout.
#[test]
fn memory_layouts_take_the_same_step() {
    let p = Recipe { m: 37, n: 29, k: 5, data: Data::Sparse, zeros_in_start: true, seed: 3 }.build();
    for method in stepped() {
        let nmf = fixed(method, Penalty::default(), &p.w, &p.h, 1);
        let copy = nmf.fit(&p.v).unwrap();
        for layout in ALL {
            let stored = Stored::new(&p.v, layout);
            let fit = nmf.fit(&stored).unwrap();
            let d =
                difference(&fit.w, &copy.w).max(difference(fit.model.components(), copy.model.components()));
            assert!(d <= 1e-12, "{method:?} {layout:?} differs by {d:e}");
            if !fit.report.plan.by_columns && !layout.is_sparse() {
                assert_eq!(first_other_bit(&fit.w, &copy.w), None, "{method:?} {layout:?}");
            }
        }
    }
}

/// Fault 33. Nothing is written to V.
#[test]
fn read_only_data_is_only_read() {
    // a static without interior mutability lies in memory that cannot be written
    static DATA: [f64; 12] = [1.0, 1.0, 2.0, 1.0, 3.0, 1.2, 4.0, 1.0, 5.0, 0.8, 6.0, 1.0];
    for v in [View::row_major(&DATA, 6, 2).unwrap(), View::col_major(&DATA, 6, 2).unwrap()] {
        for method in all() {
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

/// Fault 46. The error of a fit that is all but exact is the true one.
#[test]
fn exact_fits_tell_their_error_truly() {
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

/// Fault 50. Rows with other features, or weights with other components, are an error that names both shapes.
#[test]
fn transform_refuses_other_features() {
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

/// Fault 50. Components of another shape, or with bad entries, are an error that names them.
#[test]
fn fit_weights_refuses_other_components() {
    let p = problem();
    for (rows, cols) in [(3, 8), (3, 10), (2, 9), (4, 9), (9, 3)] {
        let h = Dense::from_fn(rows, cols, |_, _| 1.0);
        let expected = Error::ShapeMismatch { operand: "H", expected: (3, 9), found: (rows, cols) };
        for method in all() {
            assert_eq!(Nmf::new(3).method(method).fit_weights(&p.v, &h).unwrap_err(), expected, "{method:?}");
        }
        for loss in LOSSES {
            assert_eq!(batches::<f64>(loss).transform(&p.v, &h).unwrap_err(), expected, "{loss}");
        }
    }
    for (bad, place) in [(f64::NAN, (1, 2)), (f64::INFINITY, (0, 8)), (-1.0, (2, 0))] {
        let mut h = p.h.clone();
        h[place] = bad;
        let named = |error: Error| match error {
            Error::NonFinite { operand: "H", row, col, .. } if !bad.is_finite() => (row, col),
            Error::Negative { operand: "H", row, col, value } if value == bad => (row, col),
            other => panic!("{bad}: {other:?}"),
        };
        for method in all() {
            assert_eq!(named(Nmf::new(3).method(method).fit_weights(&p.v, &h).unwrap_err()), place);
        }
        for loss in LOSSES {
            assert_eq!(named(batches::<f64>(loss).transform(&p.v, &h).unwrap_err()), place);
        }
    }
    let error = Nmf::new(3).init(Init::Random).fit_weights(&p.v, &p.h).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
    let kl = orthant::Method::mm(Loss::KullbackLeibler);
    let error = Nmf::new(3).method(kl).fit_weights(&p.v, &Dense::zeros(3, 9)).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
}
