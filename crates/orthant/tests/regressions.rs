//! Faults that were found once.

use orthant::{Dense, Error, Init, Loss, Method, Model, Nmf, Penalty, Stop, StopReason, Warning};

/// A row far smaller or larger than the rest of its batch was measured by the batch's scale: its squares underflowed,
/// and it came back unsolved.
#[test]
fn transform_solves_each_row_at_its_own_scale() {
    let h = Dense::from_vec(vec![1.0_f32, 1.0, 0.0, 0.0, 1.0, 1.0], 2, 3).unwrap();
    for l1_ratio in [0.0, 1.0] {
        let penalty = Penalty { alpha_w: 0.01, alpha_h: None, l1_ratio };
        let model = Model::from_components(h.clone(), penalty).unwrap();
        let row = [1.0_f32, 2.0, 3.0];
        let alone = Dense::from_vec(row.to_vec(), 1, 3).unwrap();
        let alone = model.transform(&alone).unwrap();
        for scale in [1e30_f32, 1e-23, 1e-38] {
            let mut batch = row.to_vec();
            batch.extend(row.map(|x| x * scale));
            let both = Dense::from_vec(batch.clone(), 2, 3).unwrap();
            let both = model.transform(&both).unwrap();
            assert_eq!(both.row(0), alone.row(0), "{scale}");
            let second = Dense::from_vec(batch[3..].to_vec(), 1, 3).unwrap();
            assert_eq!(both.row(1), model.transform(&second).unwrap().row(0), "{scale}");
        }
    }
    let plain = Model::from_components(h, Penalty::default()).unwrap();
    for scale in [1e30_f32, 1.0, 1e-23] {
        let v = Dense::from_vec(vec![scale, 2.0 * scale, 3.0 * scale], 1, 3).unwrap();
        let w = plain.transform(&v).unwrap();
        // the normal equations: 2a + b = 3, a + 2b = 5
        for (found, expected) in w.row(0).iter().zip([1.0 / 3.0, 7.0 / 3.0]) {
            assert!((found / scale - expected).abs() < 1e-4, "{scale}: {found}");
        }
    }
}

/// A start out of range gave factors of zeros and a residual that was no number. scikit-learn's methods have it as it is; for the
/// others it is brought to the size of the data, which is said.
#[test]
fn a_start_out_of_range_is_an_error_or_is_rescaled() {
    let v = Dense::from_fn(8, 6, |i, j| (i + j + 1) as f32);
    let start = Init::Custom { w: Dense::from_fn(8, 2, |_, _| 1.0), h: Dense::from_fn(2, 6, |_, _| 1e20) };
    for method in [Method::cd(), Method::mu(Loss::Frobenius)] {
        let outcome = Nmf::new(2).method(method).init(start.clone()).fit(&v);
        assert!(
            matches!(outcome, Err(Error::Diverged { .. })),
            "{method:?}: {:?}",
            outcome.map(|f| f.report)
        );
    }
    let fit = Nmf::new(2).method(Method::hals()).init(start).fit(&v).unwrap();
    assert!(fit.report.relative_error < 1e-3, "{}", fit.report.relative_error);
    let said = |w: &Warning| matches!(w, Warning::StartScale { rescaled: true, .. });
    assert!(fit.report.warnings.iter().any(said), "{:?}", fit.report.warnings);
}

/// The entry named was the largest one squared.
#[test]
fn a_loss_out_of_range_names_the_largest_entry() {
    let v = Dense::from_fn(5, 4, |i, j| if (i * j) % 3 == 1 { 1e300 } else { 1e290 });
    match Nmf::<f64>::new(1).fit(&v) {
        Err(Error::LossOverflow { max }) => assert_eq!(max, 1e300),
        other => panic!("{:?}", other.map(|f| f.report)),
    }
}

/// A tolerance given before the method was forgotten.
#[test]
fn options_hold_in_any_order() {
    let v = Dense::from_fn(30, 20, |i, j| ((i * 7 + j * 5) % 13) as f64);
    let one = Nmf::new(3).tol(1e-9).max_iter(50).method(Method::mu(Loss::Frobenius)).fit(&v).unwrap();
    let other = Nmf::new(3).method(Method::mu(Loss::Frobenius)).max_iter(50).tol(1e-9).fit(&v).unwrap();
    assert_eq!(one.report.iterations, other.report.iterations);
    assert_eq!(one.report.stop_reason, StopReason::MaxIterations);
    let ruled = Nmf::new(3).stop(Stop::Progress { tol: 0.5 }).method(Method::cd()).fit(&v).unwrap();
    assert!(ruled.report.iterations < 5 && ruled.report.violation_ratio.is_none());
}

/// Multiplicative updates keep zeros: a start of nothing else was reported as converged.
#[test]
fn multiplicative_updates_refuse_a_start_of_zeros() {
    let v = Dense::from_fn(6, 5, |i, j| (i + j) as f64);
    let ones = |r, c| Dense::from_fn(r, c, |_, _| 1.0);
    for (w, h) in [(Dense::zeros(6, 2), ones(2, 5)), (ones(6, 2), Dense::zeros(2, 5))] {
        let start = Init::Custom { w, h };
        let refused = Nmf::new(2).method(Method::mu(Loss::Frobenius)).init(start.clone()).fit(&v);
        assert!(matches!(refused, Err(Error::Unsupported { .. })));
        let fit = Nmf::new(2).init(start.clone()).fit(&v).unwrap();
        let Init::Custom { h, .. } = start else { unreachable!() };
        let zero_h = h.as_slice().iter().all(|&x| x == 0.0);
        assert_eq!(fit.report.warnings.contains(&Warning::ZeroStart), zero_h);
        assert!(fit.report.relative_error < 0.5);
    }
}
