//! Fits by lists of what is observed: rows that are each solved by themselves, with and without weights.

use orthant::{
    Checkpoint, Csr, Dense, EntryWeights, Error, Init, Loss, Matrix, Method, Missing, Nmf, Penalty, ToMatrix,
    Update,
};
use orthant_verify::compare::cast;
use orthant_verify::fits::{fixed, trace};
use orthant_verify::made::planted;
use orthant_verify::oracle;
use orthant_verify::strategies::Numbers;

const LOSSES: [Loss; 4] = [Loss::Frobenius, Loss::KullbackLeibler, Loss::ItakuraSaito, Loss::Beta(1.5)];

/// The methods that go by lists.
fn methods() -> Vec<Method> {
    let of = |loss| {
        let mut all = vec![Method::auto(loss), Method::mm(loss), Method::mu(loss)];
        if loss == Loss::Frobenius {
            all.extend([Method::hals().sweeps(2), Method::hals().extrapolated(), Method::cd()]);
        }
        if loss == Loss::KullbackLeibler {
            all.extend([Method::newton(), Method::newton().extrapolated()]);
        }
        all
    };
    LOSSES.into_iter().flat_map(of).collect()
}

/// Positive data, and weights of which a share is 0; something of each line counts.
fn problem(m: usize, n: usize, share: f64, seed: u64) -> (Dense<f64>, Dense<f64>) {
    let mut v = planted(m, n, 3, 0.1, seed);
    v.as_mut_slice().iter_mut().for_each(|x| *x += 0.05);
    let mut numbers = Numbers::new(seed + 1);
    let weights = Dense::from_fn(m, n, |i, j| {
        let (drawn, size) = (numbers.uniform(), 0.2 + 3.0 * numbers.uniform());
        if drawn < share && i % n != j && j % m != i { 0.0 } else { size }
    });
    (v, weights)
}

fn start(m: usize, n: usize, k: usize) -> (Dense<f64>, Dense<f64>) {
    let mut numbers = Numbers::new(77);
    let mut part = |rows, cols| Dense::from_fn(rows, cols, |_, _| 0.1 + numbers.uniform());
    (part(m, k), part(k, n))
}

/// Σ ω·d(v | p) by plain loops.
fn loss(v: &Dense<f64>, weights: &Dense<f64>, w: &Dense<f64>, h: &Dense<f64>, beta: f64) -> f64 {
    let wh = oracle::product(w, h);
    let one = |x: f64| Dense::from_vec(vec![x], 1, 1).unwrap();
    let terms = v.as_slice().iter().zip(wh.as_slice()).zip(weights.as_slice());
    terms
        .filter(|(_, weight)| **weight > 0.0)
        .map(|((v, p), weight)| weight * oracle::divergence(&one(*v), &one(*p), &one(1.0), beta))
        .sum()
}

fn penalties(w: &Dense<f64>, h: &Dense<f64>, penalty: Penalty) -> f64 {
    let zeros = Dense::zeros(w.nrows(), h.ncols());
    oracle::objective(&zeros, w, h, penalty) - oracle::objective(&zeros, w, h, Penalty::default())
}

/// The objective falls, and the loss that a fit ends with is the true one, with weights and penalties.
#[test]
fn the_weighted_objective_falls_and_is_told_truly() {
    let (m, n, k) = (45, 33, 3);
    for (share, seed) in [(0.0, 1), (0.4, 2), (0.85, 3)] {
        let (v, weights) = problem(m, n, share, seed);
        let (w, h) = start(m, n, k);
        for method in methods() {
            let beta = method.loss.beta();
            for alpha in [0.0, 0.002] {
                let penalty = Penalty { alpha_w: alpha, alpha_h: None, l1_ratio: 0.5 };
                let what = format!("{method:?} {share} {alpha}");
                let nmf =
                    fixed(method, penalty, &w, &h, 12).entry_weights(EntryWeights::new(&weights).unwrap());
                let (fit, steps) = trace(&nmf, &v).expect(&what);
                let truth = loss(&v, &weights, &fit.w, fit.model.components(), beta);
                assert!(
                    (fit.report.loss - truth).abs() <= 1e-9 * truth,
                    "{what}: {} {truth}",
                    fit.report.loss
                );
                let descends = !fit.report.plan.method.extrapolate.unwrap_or(false)
                    && (method.update != Update::Mu || (1.0..=2.0).contains(&beta) && alpha == 0.0);
                let objective = |w: &Dense<f64>, h: &Dense<f64>| {
                    loss(&v, &weights, w, h, beta) + penalties(w, h, penalty)
                };
                let mut before = objective(&w, &h);
                for s in &steps {
                    let after = objective(&s.w, &s.h);
                    assert!(
                        (s.objective - after).abs() <= 1e-9 * after || !descends,
                        "{what}: {} {after}",
                        s.objective
                    );
                    assert!(!descends || after <= before * (1.0 + 1e-10), "{what}: {before} {after}");
                    before = after;
                }
            }
        }
    }
}

/// A sweep of coordinate descent over each row with its own Gram matrix, by plain loops.
#[test]
fn a_step_of_coordinates_is_that_of_each_row_by_itself() {
    for (m, n, k) in [(45, 33, 3), (1, 9, 1), (12, 1, 2), (70, 20, 17)] {
        let (v, weights) = problem(m, n, 0.4, 5);
        let (w0, h0) = start(m, n, k);
        let half = |v: &Dense<f64>, weights: &Dense<f64>, x: &Dense<f64>, y: &Dense<f64>| {
            // x·yᵀ ≈ v, y n×k
            let mut out = x.clone();
            for i in 0..v.nrows() {
                let sum =
                    |f: &dyn Fn(usize) -> f64| (0..v.ncols()).map(|j| weights[(i, j)] * f(j)).sum::<f64>();
                let gram = Dense::from_fn(k, k, |t, r| sum(&|j| y[(j, t)] * y[(j, r)]));
                let numerators = Dense::from_fn(1, k, |_, t| sum(&|j| v[(i, j)] * y[(j, t)]));
                let mut row = Dense::from_vec(out.row(i).to_vec(), 1, k).unwrap();
                oracle::sweep(&mut row, &gram, &numerators);
                (0..k).for_each(|t| out[(i, t)] = row[(0, t)]);
            }
            out
        };
        let w1 = half(&v, &weights, &w0, &h0.transposed());
        let h1 = half(&v.transposed(), &weights.transposed(), &h0.transposed(), &w1).transposed();
        let nmf = fixed(Method::cd(), Penalty::default(), &w0, &h0, 1)
            .entry_weights(EntryWeights::new(&weights).unwrap());
        let (_, steps) = trace(&nmf, &v).unwrap();
        for (found, expected) in [(&steps[0].w, &w1), (&steps[0].h, &h1)] {
            for (a, b) in found.as_slice().iter().zip(expected.as_slice()) {
                assert!((a - b).abs() <= 1e-9, "{m}×{n}, {k}: {a} {b}");
            }
        }
    }
}

/// A multiplicative step, by plain loops.
#[test]
fn a_step_of_majorisation_is_the_formula() {
    let (m, n, k) = (30, 21, 4);
    let (v, weights) = problem(m, n, 0.5, 6);
    let (w0, h0) = start(m, n, k);
    for loss in LOSSES.into_iter().filter(|loss| *loss != Loss::Frobenius) {
        let beta = loss.beta();
        let gamma = if beta < 1.0 { 1.0 / (2.0 - beta) } else { 1.0 };
        let half = |v: &Dense<f64>, weights: &Dense<f64>, x: &Dense<f64>, y: &Dense<f64>| {
            let p = oracle::product(x, &y.transposed());
            Dense::from_fn(x.nrows(), k, |i, t| {
                let sum = |f: &dyn Fn(usize) -> f64| {
                    (0..v.ncols()).map(|j| weights[(i, j)] * f(j) * y[(j, t)]).sum::<f64>()
                };
                let up = sum(&|j| v[(i, j)] * p[(i, j)].powf(beta - 2.0));
                let down = sum(&|j| p[(i, j)].powf(beta - 1.0));
                x[(i, t)] * (up / down).powf(gamma)
            })
        };
        let w1 = half(&v, &weights, &w0, &h0.transposed());
        let h1 = half(&v.transposed(), &weights.transposed(), &h0.transposed(), &w1).transposed();
        let nmf = fixed(Method::mm(loss), Penalty::default(), &w0, &h0, 1);
        let (_, steps) = trace(&nmf.entry_weights(EntryWeights::new(&weights).unwrap()), &v).unwrap();
        for (found, expected) in [(&steps[0].w, &w1), (&steps[0].h, &h1)] {
            for (a, b) in found.as_slice().iter().zip(expected.as_slice()) {
                assert!((a - b).abs() <= 1e-9 * b, "{loss}: {a} {b}");
            }
        }
    }
}

/// Law 28, 29, 50. An entry that counts 1 or not at all is observed or not; one that counts 2 counts as two.
#[test]
fn weights_are_multiplicities() {
    let (m, n, k) = (24, 17, 3);
    let (v, weights) = problem(m, n, 0.3, 8);
    let pattern = Dense::from_fn(m, n, |i, j| f64::from(u8::from(weights[(i, j)] > 0.0)));
    let (w, h) = start(m, n, k);
    for method in methods() {
        let nmf = fixed(method, Penalty::default(), &w, &h, 8);
        let by_weights = nmf.clone().entry_weights(EntryWeights::new(&pattern).unwrap()).fit(&v).unwrap();
        let observed = nmf.clone().entry_weights(EntryWeights::observed(&pattern).unwrap()).fit(&v).unwrap();
        assert_eq!((&by_weights.w, &by_weights.model), (&observed.w, &observed.model), "{method:?}");
        // NaN where nothing is observed is the same to all
        let holes = Dense::from_fn(m, n, |i, j| if pattern[(i, j)] > 0.0 { v[(i, j)] } else { f64::NAN });
        let other =
            Dense::from_fn(m, n, |i, j| if pattern[(i, j)] > 0.0 { v[(i, j)] } else { (i * j) as f64 });
        for v in [&holes, &other] {
            let fit = nmf.clone().entry_weights(EntryWeights::observed(&pattern).unwrap()).fit(v).unwrap();
            assert_eq!((&fit.w, &fit.model), (&observed.w, &observed.model), "{method:?}");
        }
        // each row twice, or twice its weight
        let twice = |x: &Dense<f64>| Dense::from_fn(2 * x.nrows(), x.ncols(), |i, j| x[(i % x.nrows(), j)]);
        let doubled = Dense::from_fn(m, n, |i, j| 2.0 * pattern[(i, j)]);
        let heavy = nmf.clone().entry_weights(EntryWeights::new(&doubled).unwrap()).fit(&v).unwrap();
        let of_twice = fixed(method, Penalty::default(), &twice(&w), &h, 8);
        let both =
            of_twice.entry_weights(EntryWeights::new(&twice(&pattern)).unwrap()).fit(&twice(&v)).unwrap();
        for (a, b) in heavy.model.components().as_slice().iter().zip(both.model.components().as_slice()) {
            assert!((a - b).abs() <= 1e-9 * (a + b) + 1e-12, "{method:?}: {a} {b}");
        }
        assert!((heavy.report.loss - both.report.loss).abs() <= 1e-9 * both.report.loss, "{method:?}");
    }
}

/// Where all entries count 1, a step is a plain one.
#[test]
fn weights_of_one_are_none() {
    let (m, n, k) = (40, 25, 3);
    let (v, _) = problem(m, n, 0.0, 4);
    let ones = EntryWeights::new(&Dense::from_fn(m, n, |_, _| 1.0)).unwrap();
    let (w, h) = start(m, n, k);
    for method in methods().into_iter().filter(|m| m.extrapolate != Some(true) && m.update != Update::Auto) {
        let nmf = fixed(method, Penalty { alpha_w: 0.001, alpha_h: None, l1_ratio: 0.5 }, &w, &h, 5);
        let (plain, weighted) = (nmf.fit(&v).unwrap(), nmf.entry_weights(ones.clone()).fit(&v).unwrap());
        for (a, b) in plain.w.as_slice().iter().zip(weighted.w.as_slice()) {
            assert!((a - b).abs() <= 1e-8 * (a + b) + 1e-10, "{method:?}: {a} {b}");
        }
    }
}

/// Sparse data whose zeros are missing, by rows and by columns, and dense data of which as little is observed.
#[test]
fn zeros_of_sparse_data_can_be_missing() {
    let (m, n, k) = (60, 45, 2);
    let (v, weights) = problem(m, n, 0.9, 9);
    let zeros = Dense::from_fn(m, n, |i, j| if weights[(i, j)] > 0.0 { v[(i, j)] } else { 0.0 });
    let csr = Csr::of_dense(&zeros);
    let csc = orthant::Csc::of_transposed(Csr::of_dense(&zeros.transposed()));
    let (w, h) = start(m, n, k);
    for method in methods() {
        let nmf = fixed(method, Penalty::default(), &w, &h, 10).missing(Missing::Zeros);
        let by_rows = nmf.fit(&csr).unwrap();
        let seen = by_rows.report.observed.unwrap();
        assert_eq!(seen.entries, csr.nnz());
        for fit in [
            nmf.fit(&csc).unwrap(),
            nmf.clone().threads(1).fit(&csr).unwrap(),
            nmf.threads(2).fit(&csr).unwrap(),
        ] {
            assert_eq!(
                (&fit.w, &fit.model, fit.report.loss),
                (&by_rows.w, &by_rows.model, by_rows.report.loss)
            );
        }
        let pattern = EntryWeights::observed(&csr).unwrap();
        let dense = fixed(method, Penalty::default(), &w, &h, 10).entry_weights(pattern).fit(&zeros).unwrap();
        assert_eq!((&dense.w, &dense.model), (&by_rows.w, &by_rows.model), "{method:?}");
        let truth = loss(
            &v,
            &Dense::from_fn(m, n, |i, j| f64::from(u8::from(zeros[(i, j)] > 0.0))),
            &by_rows.w,
            by_rows.model.components(),
            method.loss.beta(),
        );
        assert!((by_rows.report.loss - truth).abs() <= 1e-9 * truth, "{method:?}");
    }
}

/// A 0 that is stored is observed where such matrices are made for it.
#[test]
fn stored_zeros_are_observed() {
    let v = Csr::<f64>::keeping_zeros(2, 2, &[0_usize, 2, 3][..], &[0_u32, 1, 0][..], &[1.0, 0.0, 2.0][..])
        .unwrap();
    let fit = Nmf::new(1).missing(Missing::Zeros).tol(1e-12).max_iter(2000).fit(&v).unwrap();
    assert_eq!(fit.report.observed.unwrap().entries, 3);
    let (w, h) = (&fit.w, fit.model.components());
    // column 1 is 0 and says nothing else
    assert!(w[(0, 0)] * h[(0, 1)] < 1e-6 && (w[(1, 0)] * h[(0, 0)] - 2.0).abs() < 1e-6);
}

/// Planted ratings come back from a fifth of them.
#[test]
fn what_is_not_stored_is_found_again() {
    let (m, n, k) = (220, 150, 3);
    let (full, mut numbers) = (planted(m, n, k, 0.0, 8), Numbers::new(5));
    let pattern = Dense::from_fn(m, n, |i, j| {
        f64::from(u8::from(numbers.uniform() < 0.25 || i % n == j || j % m == i))
    });
    let nmf = Nmf::new(k)
        .tol(1e-10)
        .max_iter(3000)
        .seed(2)
        .entry_weights(EntryWeights::observed(&pattern).unwrap());
    let fit = nmf.fit(&full).unwrap();
    let wh = oracle::product(&fit.w, fit.model.components());
    let (mut off, mut size) = (0.0, 0.0);
    for ((x, p), seen) in full.as_slice().iter().zip(wh.as_slice()).zip(pattern.as_slice()) {
        if *seen == 0.0 {
            off += (x - p).powi(2);
            size += x * x;
        }
    }
    assert!((off / size).sqrt() < 0.01, "{}", (off / size).sqrt());
}

/// A fit that is gone on with has the bits of one that was not ended, and other weights are other data.
#[test]
fn fits_with_weights_resume() {
    let (m, n, k) = (40, 30, 3);
    let (v, weights) = problem(m, n, 0.3, 8);
    for method in methods() {
        let nmf = Nmf::new(k).method(method).tol(0.0).max_iter(9).seed(3);
        let weighted = nmf.clone().entry_weights(EntryWeights::new(&weights).unwrap());
        let mut kept: Option<Checkpoint> = None;
        let mut keep = |it: &orthant::Iteration<'_, f64>| {
            if it.number == 4 {
                kept = it.checkpoint().ok();
            }
            std::ops::ControlFlow::<orthant::StopReason>::Continue(())
        };
        let whole = weighted.fit_observed(&v, &mut keep).unwrap();
        let kept = kept.unwrap();
        let resumed = weighted.clone().checkpoint(kept.clone()).fit(&v).unwrap();
        assert_eq!((&whole.w, &whole.model), (&resumed.w, &resumed.model), "{method:?}");
        let others = nmf
            .clone()
            .entry_weights(EntryWeights::new(&Dense::from_fn(m, n, |i, j| weights[(i, j)] * 2.0)).unwrap());
        assert!(matches!(others.checkpoint(kept).fit(&v), Err(Error::CheckpointMismatch { .. })));
    }
}

/// Fault 49, and what does not go together.
#[test]
fn weights_and_what_does_not_go_with_them_are_refused() {
    let v = Dense::from_fn(6, 5, |i, j| (i + j) as f64 + 1.0);
    let with = |x: f64| Dense::from_fn(6, 5, |i, j| if (i, j) == (2, 3) { x } else { 1.0 });
    let at = |error: Error| match error {
        Error::Negative { operand, row, col, .. } | Error::NonFinite { operand, row, col, .. } => {
            (operand, row, col)
        }
        other => panic!("{other}"),
    };
    for x in [-1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(at(EntryWeights::new(&with(x)).unwrap_err()), ("weights", 2, 3));
    }
    assert!(matches!(EntryWeights::of_uncertainties(&with(0.0)), Err(Error::InvalidParam { .. })));
    let ones = EntryWeights::new(&with(1.0)).unwrap();
    let wide = Dense::from_fn(6, 6, |i, j| (i + j) as f64);
    assert!(matches!(
        Nmf::new(2).entry_weights(ones.clone()).fit(&wide),
        Err(Error::ShapeMismatch { operand: "weights", expected: (6, 6), found: (6, 5) })
    ));
    let nothing = EntryWeights::new(&Dense::<f64>::zeros(6, 5)).unwrap();
    assert_eq!(Nmf::new(2).entry_weights(nothing).fit(&v).unwrap_err(), Error::NoObservations);
    let column = Dense::from_fn(6, 5, |_, j| f64::from(u8::from(j != 2)));
    let lost = EntryWeights::new(&column).unwrap();
    assert_eq!(
        Nmf::new(2).entry_weights(lost).fit(&v).unwrap_err(),
        Error::Unobserved { line: "column", at: 2 }
    );
    let unsupported = |nmf: Nmf<f64>, v: &Matrix<'_, f64>| {
        assert!(matches!(nmf.fit(v), Err(Error::Unsupported { .. })), "{:?}", nmf.options());
        assert!(matches!(nmf.explain(v), Err(Error::Unsupported { .. })) || nmf.options().init.is_some());
    };
    let dense = v.to_matrix().unwrap();
    for method in [
        Method::anls(),
        Method::als(),
        Method::projected_gradient(),
        Method::joint_mm(),
        Method::mm(Loss::ItakuraSaito).extrapolated(),
    ] {
        unsupported(Nmf::new(2).method(method).entry_weights(ones.clone()), &dense);
    }
    unsupported(Nmf::new(2).init(Init::Nndsvda).entry_weights(ones.clone()), &dense);
    unsupported(Nmf::new(2).missing(Missing::Nan), &Matrix::Csr(Csr::of_dense(&v)));
    // an observed 0 under a loss that has none
    let zero = with(0.0);
    let is = Nmf::new(2).loss(Loss::ItakuraSaito);
    assert!(matches!(
        is.clone().entry_weights(ones).fit(&zero),
        Err(Error::ZeroInNonPositiveBeta { row: 2, col: 3, count: 1 })
    ));
    assert!(is.missing(Missing::Zeros).fit(&Csr::of_dense(&zero)).is_ok());
}

/// Single precision goes the same way.
#[test]
fn single_precision_agrees() {
    let (v, weights) = problem(60, 40, 0.4, 5);
    let (w, h) = start(60, 40, 3);
    for method in methods() {
        let double =
            fixed(method, Penalty::default(), &w, &h, 4).entry_weights(EntryWeights::new(&weights).unwrap());
        let double = double.fit(&v).unwrap().report.loss;
        let single = fixed::<f32>(method, Penalty::default(), &cast(&w), &cast(&h), 4);
        let weights = EntryWeights::new(&cast::<f64, f32>(&weights)).unwrap();
        let single = single.entry_weights(weights).fit(&cast::<f64, f32>(&v)).unwrap().report.loss;
        assert!((single - double).abs() <= 2e-3 * double, "{method:?}: {single} {double}");
    }
}

/// Rows that are given only W to find, by components that stay.
#[test]
fn weights_of_samples_alone() {
    let (m, n, k) = (30, 20, 3);
    let (v, weights) = problem(m, n, 0.3, 8);
    let (_, h) = start(m, n, k);
    for method in methods() {
        let nmf = Nmf::new(k)
            .method(method)
            .tol(1e-12)
            .max_iter(3000)
            .entry_weights(EntryWeights::new(&weights).unwrap());
        let fit = nmf.fit_weights(&v, &h).unwrap();
        assert_eq!(fit.model.components(), &h);
        let found = loss(&v, &weights, &fit.w, &h, method.loss.beta());
        let auto = Nmf::new(k).method(Method::auto(method.loss)).tol(1e-12).max_iter(3000);
        let best = auto.entry_weights(EntryWeights::new(&weights).unwrap()).fit_weights(&v, &h).unwrap();
        let best = loss(&v, &weights, &best.w, &h, method.loss.beta());
        assert!(found <= best * (1.0 + 1e-3), "{method:?}: {found} {best}");
    }
}
