//! Eleven faults of scikit-learn's `NMF` (seen in 1.9), each with the right answer here.

use orthant::{
    Csc, Csr, Dense, Error, Fit, Init, Loss, Matrix, Method, MiniBatchNmf, Model, Nmf, Penalty, Real, Scale,
    Stop,
};
use orthant_verify::compare::{cast, first_other_bit, is_non_negative};
use orthant_verify::divergences::{divergence, objective, remaining};
use orthant_verify::fits::{fixed, trace};
use orthant_verify::layout::{Layout, Stored};
use orthant_verify::oracle;
use orthant_verify::strategies::{Data, Numbers, Recipe};

const KL: Loss = Loss::KullbackLeibler;
const MULTIPLICATIVE: [Method; 4] =
    [Method::mu(Loss::Frobenius), Method::mu(KL), Method::mm(KL), Method::mm(Loss::Beta(0.5))];

/// Whole numbers with a mean that is a product's, as counts are.
fn counts(m: usize, n: usize, k: usize) -> Dense<f64> {
    let mut numbers = Numbers::new(1);
    let rate = oracle::product(&numbers.matrix(m, k), &numbers.matrix(k, n));
    Dense::from_fn(m, n, |i, j| {
        // Knuth's: how many uniform factors keep the product above e^-rate
        let (least, mut product, mut count) = ((-3.0 * rate[(i, j)]).exp(), numbers.uniform(), 0.0);
        while product > least {
            product *= numbers.uniform();
            count += 1.0;
        }
        count
    })
}

/// min over w ≥ 0 of the KL divergence with an L1 weight, by expectation–maximisation in plain loops: convex, so that
/// there is only one value.
fn optimum(v: &Dense<f64>, h: &Dense<f64>, penalty: Penalty) -> f64 {
    let l1 = oracle::weights(penalty, v.nrows(), v.ncols()).l1_w;
    let mut w = Dense::from_fn(v.nrows(), h.nrows(), |_, _| 1.0);
    for _ in 0..20_000 {
        let p = oracle::product(&w, h);
        for i in 0..v.nrows() {
            for t in 0..h.nrows() {
                let mut up = 0.0;
                let mut below = l1;
                for j in 0..v.ncols() {
                    below += h[(t, j)];
                    if v[(i, j)] > 0.0 {
                        up += v[(i, j)] / p[(i, j)] * h[(t, j)];
                    }
                }
                w[(i, t)] *= up / below;
            }
        }
    }
    let on_h = Penalty { alpha_h: Some(0.0), ..penalty };
    objective(v, &w, h, on_h, 1.0).value
}

/// There the column sums of H were changed in place by the penalty, which so grew with every iteration.
#[test]
fn bug_01_weights_under_kl_and_l1_do_not_drift() {
    let v = counts(60, 30, 4);
    let penalty = Penalty { alpha_w: 0.02, alpha_h: Some(0.0), l1_ratio: 1.0 };
    for method in [Method::mu(KL), Method::mm(KL)] {
        let h = Nmf::new(4).method(method).max_iter(200).fit(&v).unwrap().model.components().clone();
        let best = optimum(&v, &h, penalty);
        for layout in [Layout::RowMajor, Layout::ColMajor] {
            let stored = Stored::new(&v, layout);
            let after = |iterations| {
                let nmf = Nmf::new(4).method(method).penalty(penalty).tol(0.0).max_iter(iterations);
                let fit = nmf.fit_weights(&stored, &h).unwrap();
                objective(&v, &fit.w, &h, penalty, 1.0).value
            };
            let (early, late) = (after(50), after(5000));
            assert!(late <= early, "{method:?} {layout:?}: {late} after {early}");
            assert!(
                (late - best).abs() <= 1e-8 * best,
                "{method:?} {layout:?}: {late}, the optimum is {best}"
            );
        }
    }
}

/// There floors of 1e-7 in the data's own units put everything to 0.
#[test]
fn bug_02_kl_of_small_data_is_not_zero() {
    let v = counts(30, 20, 3);
    let small = Dense::from_fn(30, 20, |i, j| v[(i, j)] * 1e-8);
    for method in [Method::mu(KL), Method::mm(KL)] {
        let nmf = Nmf::new(3).method(method).init(Init::Random).tol(0.0).max_iter(200);
        let (plain, fit) = (nmf.fit(&v).unwrap(), nmf.fit(&small).unwrap());
        let p = oracle::product(&fit.w, fit.model.components());
        let (all, of_v) = (p.as_slice().iter().sum::<f64>(), small.as_slice().iter().sum::<f64>());
        assert!((all - of_v).abs() <= 1e-9 * of_v, "{method:?}: WH adds up to {all}, V to {of_v}");
        let expected = plain.report.loss * 1e-8;
        assert!((fit.report.loss - expected).abs() <= 1e-6 * expected, "{method:?}: {}", fit.report.loss);
        let small = cast::<f64, f32>(&small);
        let nmf = Nmf::<f32>::new(3).method(method).init(Init::Random).tol(0.0).max_iter(200);
        let loss = nmf.fit(&small).unwrap().report.loss;
        assert!((loss - expected).abs() <= 1e-2 * expected, "{method:?} float32: {loss}");
    }
}

/// There a stored zero, or any index twice, raises an error for every loss but the first: the products are taken where X
/// is not 0, and are not as many as its entries.
#[test]
fn bug_03_stored_zeros_are_zeros_whatever_the_loss() {
    let p = Recipe { m: 25, n: 18, k: 3, data: Data::Sparse, zeros_in_start: false, seed: 3 }.build();
    // every zero of three rows and of every second column is stored
    let (mut indptr, mut indices, mut values) = (vec![0_usize], Vec::new(), Vec::new());
    for i in 0..25 {
        for (j, &x) in p.v.row(i).iter().enumerate() {
            if x > 0.0 || i % 9 == 4 || j % 2 == 0 {
                indices.push(j as u32);
                values.push(if x == 0.0 && i % 2 == 0 { -0.0 } else { x });
            }
        }
        indptr.push(values.len());
    }
    assert!(values.contains(&0.0));
    let stored = Csr::<f64>::new(25, 18, &indptr[..], &indices[..], &values[..]).unwrap();
    for method in [Method::mu(Loss::Frobenius), Method::mu(KL), Method::mm(KL), Method::mm(Loss::Beta(0.5))] {
        let nmf = fixed(method, Penalty::default(), &p.w, &p.h, 50);
        let dense = nmf.fit(&p.v).unwrap();
        for v in [Matrix::Csr(stored.by_ref()), Matrix::Csc(Csc::of_transposed(stored.to_transposed()))] {
            let fit = nmf.fit(&v).unwrap();
            let d = divergence(&p.v, &fit.w, fit.model.components(), method.loss.beta());
            assert!((fit.report.loss - d.value).abs() <= 1e-10 * d.size, "{method:?}");
            let off = (fit.report.loss - dense.report.loss).abs();
            assert!(off <= 1e-6 * dense.report.loss, "{method:?}: {off:e} from dense data");
        }
    }
}

#[test]
fn bug_04_negative_data_is_refused_by_every_entry() {
    let p = Recipe { m: 8, n: 6, k: 2, data: Data::Uniform, zeros_in_start: false, seed: 4 }.build();
    let mut v = p.v.clone();
    v[(5, 2)] = -1e-3;
    let refused = |error: Error| {
        assert_eq!(error, Error::Negative { operand: "V", row: 5, col: 2, value: -1e-3 });
    };
    let start = Init::Custom { w: p.w.clone(), h: p.h.clone() };
    for method in MULTIPLICATIVE.into_iter().chain([Method::cd(), Method::hals()]) {
        refused(Nmf::new(2).method(method).init(start.clone()).fit(&v).unwrap_err());
        refused(Nmf::new(2).method(method).fit_weights(&v, &p.h).unwrap_err());
    }
    for loss in [Loss::Frobenius, KL, Loss::ItakuraSaito] {
        let batches = MiniBatchNmf::new(2).loss(loss).init(start.clone());
        refused(batches.fit(&v).unwrap_err());
        refused(batches.transform(&v, &p.h).unwrap_err());
        refused(batches.online().unwrap().partial_fit(&v).unwrap_err());
        let model = Model::from_components(p.h.clone(), Penalty::default()).unwrap().with_loss(loss).unwrap();
        refused(model.transform(&v).unwrap_err());
    }
}

#[test]
fn bug_05_huge_data_has_finite_factors() {
    fn check<T: Real>(by: f64, tolerance: f64) {
        let p = Recipe { m: 20, n: 15, k: 3, data: Data::Uniform, zeros_in_start: false, seed: 5 }.build();
        let v = cast::<f64, T>(&p.v);
        let huge = Dense::from_fn(20, 15, |i, j| T::from_f64(v[(i, j)].to_f64() * by));
        for method in MULTIPLICATIVE.into_iter().chain([Method::cd(), Method::hals()]) {
            let nmf =
                Nmf::<T>::new(3).method(method).scale(Scale::None).init(Init::Random).tol(0.0).max_iter(30);
            let plain = nmf.fit(&v).unwrap();
            let fit: Fit<T> = match nmf.fit(&huge) {
                Ok(fit) => fit,
                // the loss itself is beyond a double: said so, and not NaN
                Err(Error::LossOverflow { .. }) => {
                    assert!(method.loss.is_quadratic() && by > 1e150, "{} {method:?}", T::NAME);
                    continue;
                }
                Err(other) => panic!("{} {method:?}: {other:?}", T::NAME),
            };
            let h = fit.model.components();
            assert!(is_non_negative(&fit.w) && is_non_negative(h), "{} {method:?}", T::NAME);
            let (a, b) = (plain.report.relative_error, fit.report.relative_error);
            assert!((a - b).abs() <= tolerance * a, "{} {method:?}: {a} and {b}", T::NAME);
            let mut numbers = plain.w.as_slice().iter().zip(fit.w.as_slice());
            let close = |(x, y): (&T, &T)| {
                let (x, y) = (x.to_f64(), y.to_f64() / by.sqrt());
                (x - y).abs() <= 100.0 * tolerance * (x + 1e-3)
            };
            assert!(numbers.all(close), "{} {method:?}: W is not √{by:e} times as large", T::NAME);
        }
    }
    check::<f64>(1e300, 1e-8);
    check::<f32>(1e30, 1e-4);
}

/// There, of sparse data, the root of a difference that rounding makes negative is no number.
#[test]
fn bug_06_the_error_of_an_exact_fit_is_a_number() {
    let (mut numbers, zeros) = (Numbers::new(6), Penalty::default());
    let (mut w, mut h) = (numbers.matrix(40, 3), numbers.matrix(3, 25));
    // a product with zeros
    (0..40).for_each(|i| w[(i, i % 3)] = 0.0);
    (0..25).for_each(|j| h[((j + 1) % 3, j)] = 0.0);
    (0..25).for_each(|j| h[((j + 2) % 3, j)] = 0.0);
    let v = oracle::product(&w, &h);
    assert!(v.as_slice().iter().filter(|x| **x == 0.0).count() > 300);
    for layout in [Layout::RowMajor, Layout::Csr, Layout::Csc] {
        let stored = Stored::new(&v, layout);
        for method in MULTIPLICATIVE.into_iter().chain([Method::cd(), Method::hals()]) {
            let (fit, steps) = trace(&fixed(method, zeros, &w, &h, 20), &stored).unwrap();
            let r = &fit.report;
            for x in [r.loss, r.objective, r.reconstruction_error, r.relative_error, r.kkt_residual] {
                assert!(x.is_finite() && x >= 0.0, "{method:?} {layout:?}: {x}");
            }
            assert!(steps.iter().all(|s| s.loss.is_finite() && s.loss >= 0.0), "{method:?} {layout:?}");
            assert!(r.relative_error <= 1e-7, "{method:?} {layout:?}: {}", r.relative_error);
        }
        for loss in [Loss::Frobenius, KL] {
            let start = Init::Custom { w: w.clone(), h: h.clone() };
            let r = MiniBatchNmf::new(3).loss(loss).init(start).fit(&stored).unwrap().report;
            assert!(r.reconstruction_error.is_finite() && r.reconstruction_error >= 0.0, "{loss} {layout:?}");
        }
    }
}

/// There a coordinate without curvature keeps a stale value.
#[test]
fn bug_07_a_huge_l1_gives_exact_zeros() {
    let v = Recipe { m: 20, n: 15, k: 3, data: Data::Uniform, zeros_in_start: false, seed: 7 }.build().v;
    let penalty = Penalty { alpha_w: 1e6, alpha_h: None, l1_ratio: 1.0 };
    for method in [Method::cd(), Method::hals()] {
        let fit = Nmf::new(3).method(method).penalty(penalty).fit(&v).unwrap();
        for x in [&fit.w, fit.model.components()] {
            assert!(x.as_slice().iter().all(|x| x.to_bits() == 0), "{method:?}");
        }
        assert!(fit.report.converged());
    }
}

/// There an L2 penalty goes in the denominator whatever the loss, and the objective rises.
#[test]
fn bug_08_kl_with_l2_falls() {
    let v = counts(30, 20, 3);
    for alpha in [0.01, 1.0, 100.0] {
        let penalty = Penalty { alpha_w: alpha, alpha_h: None, l1_ratio: 0.0 };
        let nmf =
            Nmf::new(3).method(Method::mm(KL)).penalty(penalty).init(Init::Random).tol(0.0).max_iter(500);
        let (fit, steps) = trace(&nmf, &v).unwrap();
        let mut last = f64::INFINITY;
        for s in &steps {
            let now = objective(&v, &s.w, &s.h, penalty, 1.0);
            assert!(now.value <= last + 1e-13 * now.size, "α = {alpha}: {} after {last}", now.value);
            last = now.value;
        }
        let left = remaining(&v, &fit.w, fit.model.components(), penalty, 1.0);
        assert!(left <= 1e-3, "α = {alpha}: {left}");
    }
}

/// There the weights of a row depend on the rows that are transformed with it.
#[test]
fn bug_09_a_transformed_row_does_not_depend_on_its_batch() {
    let p = Recipe { m: 23, n: 15, k: 3, data: Data::Uniform, zeros_in_start: false, seed: 9 }.build();
    for loss in [Loss::Frobenius, KL, Loss::Beta(0.5)] {
        let model = Model::from_components(p.h.clone(), Penalty::default()).unwrap().with_loss(loss).unwrap();
        let whole = model.transform(&p.v).unwrap();
        for (first, end) in [(0, 1), (4, 9), (22, 23), (1, 23)] {
            let part = model.transform(&p.v.view().rows(first..end)).unwrap();
            for i in first..end {
                let bits = |w: &[f64]| w.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(part.row(i - first)), bits(whole.row(i)), "{loss} row {i} of {first}..{end}");
            }
        }
    }
}

/// There W and H that were given were overwritten.
#[test]
fn bug_10_a_given_start_is_not_changed() {
    let p = Recipe { m: 20, n: 15, k: 3, data: Data::Uniform, zeros_in_start: false, seed: 10 }.build();
    let start = Init::Custom { w: p.w.clone(), h: p.h.clone() };
    let unchanged = |start: &Init<f64>| {
        let Init::Custom { w, h } = start else { panic!("a given start") };
        first_other_bit(w, &p.w).is_none() && first_other_bit(h, &p.h).is_none()
    };
    for method in MULTIPLICATIVE.into_iter().chain([Method::cd(), Method::hals()]) {
        let nmf = Nmf::new(3).method(method).init(start.clone()).stop(Stop::Progress { tol: 1e-4 });
        let (first, second) = (nmf.fit(&p.v).unwrap(), nmf.fit(&p.v).unwrap());
        assert_eq!(first_other_bit(&first.w, &second.w), None, "{method:?}");
        assert!(unchanged(&start), "{method:?}");
        let h = p.h.clone();
        Nmf::new(3).method(method).fit_weights(&p.v, &h).unwrap();
        assert_eq!(first_other_bit(&h, &p.h), None, "{method:?}");
    }
    for loss in [Loss::Frobenius, KL] {
        let batches = MiniBatchNmf::new(3).loss(loss).init(start.clone()).batch_size(7);
        let (first, second) = (batches.fit(&p.v).unwrap(), batches.fit(&p.v).unwrap());
        assert_eq!(first_other_bit(&first.w, &second.w), None, "{loss}");
        assert!(unchanged(&start), "{loss}");
    }
}

/// There multiplicative updates of csc with a loss other than the first put entries, by columns, beside products that are
/// by rows, and fit another matrix.
#[test]
fn bug_11_columns_are_fitted_as_rows_are() {
    let v = counts(20, 15, 3);
    let mut numbers = Numbers::new(11);
    let (w, h) = (numbers.matrix(20, 3), numbers.matrix(3, 15));
    for loss in [KL, Loss::Beta(0.5), Loss::Beta(1.5), Loss::Beta(3.0)] {
        let beta = loss.beta();
        let csc = Stored::new(&v, Layout::Csc);
        let mut last = divergence(&v, &w, &h, beta).value;
        for s in trace(&fixed(Method::mu(loss), Penalty::default(), &w, &h, 30), &csc).unwrap().1 {
            let now = divergence(&v, &s.w, &s.h, beta);
            assert!(now.value <= last + 1e-12 * now.size, "{loss}: {} after {last}", now.value);
            last = now.value;
        }
        let dense = fixed(Method::mu(loss), Penalty::default(), &w, &h, 30).fit(&v).unwrap().report.loss;
        assert!((last - dense).abs() <= 1e-6 * dense, "{loss}: {last} by columns, {dense} by rows");
        let batches = MiniBatchNmf::new(3).loss(loss).init(Init::Custom { w: w.clone(), h: h.clone() });
        let batches = batches.batch_size(6).max_iter(5);
        let (a, b) = (batches.fit(&csc).unwrap().report.loss, batches.fit(&v).unwrap().report.loss);
        assert!((a - b).abs() <= 1e-6 * b, "batches, {loss}: {a} by columns, {b} by rows");
    }
}
