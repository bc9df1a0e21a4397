//! Entries that are not observed have no part in a fit, and the others all of theirs.

use orthant::{
    Dense, Error, Init, Loss, Missing, Model, Nmf, Observed, Penalty, Real, Transform, Update, Warning,
};
use orthant_verify::compare::cast;
use orthant_verify::fits::{fixed, step, step_with, trace};
use orthant_verify::forms::methods;
use orthant_verify::layout::{Layout, Stored};
use orthant_verify::made::planted;
use orthant_verify::oracle;
use orthant_verify::strategies::Numbers;

const LOSSES: [Loss; 4] = [Loss::Frobenius, Loss::KullbackLeibler, Loss::ItakuraSaito, Loss::Beta(1.5)];
const LAYOUTS: [Layout; 4] = [Layout::RowMajor, Layout::ColMajor, Layout::PaddedRows, Layout::EverySecond];

/// Positive data, and the same with NaN for a share of its entries; something of each line is observed.
fn holes(m: usize, n: usize, share: f64, seed: u64) -> (Dense<f64>, Dense<f64>) {
    let mut v = planted(m, n, 3, 0.1, seed);
    v.as_mut_slice().iter_mut().for_each(|x| *x += 0.05);
    let mut numbers = Numbers::new(seed + 1);
    let with = Dense::from_fn(m, n, |i, j| {
        let missing = numbers.uniform() < share && i % n != j && j % m != i;
        if missing { f64::NAN } else { v[(i, j)] }
    });
    (v, with)
}

fn start(m: usize, n: usize, k: usize, seed: u64) -> (Dense<f64>, Dense<f64>) {
    let mut numbers = Numbers::new(seed);
    let mut part = |rows, cols| Dense::from_fn(rows, cols, |_, _| 0.1 + numbers.uniform());
    (part(m, k), part(k, n))
}

/// D over the observed entries, by plain loops.
fn loss(v: &Dense<f64>, w: &Dense<f64>, h: &Dense<f64>, beta: f64) -> f64 {
    let wh = oracle::product(w, h);
    let mut sum = 0.0;
    for (v, p) in v.as_slice().iter().zip(wh.as_slice()).filter(|(v, _)| !v.is_nan()) {
        let one = |x: f64| Dense::from_vec(vec![x], 1, 1).unwrap();
        sum += oracle::divergence(&one(*v), &one(*p), &one(1.0), beta);
    }
    sum
}

/// V with WH where it is not observed.
fn filled(v: &Dense<f64>, w: &Dense<f64>, h: &Dense<f64>) -> Dense<f64> {
    let wh = oracle::product(w, h);
    Dense::from_fn(v.nrows(), v.ncols(), |i, j| if v[(i, j)].is_nan() { wh[(i, j)] } else { v[(i, j)] })
}

fn near<T: Real>(a: &Dense<T>, b: &Dense<f64>, tolerance: f64, what: &str) {
    let most = b.as_slice().iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    for (a, b) in a.as_slice().iter().zip(b.as_slice()) {
        assert!((a.to_f64() - b).abs() <= tolerance * most, "{what}: {} {b}", a.to_f64());
    }
}

/// Law 50. Where all is observed the bits are those of a fit that does not ask.
#[test]
fn all_observed_is_not_asked() {
    let (v, _) = holes(70, 40, 0.0, 3);
    for method in methods(&LOSSES) {
        for missing in [Missing::Nan, Missing::Zeros] {
            let nmf = Nmf::new(3).method(method).max_iter(7).seed(5);
            let (plain, asked) = (nmf.fit(&v).unwrap(), nmf.clone().missing(missing).fit(&v).unwrap());
            assert_eq!((&plain.w, &plain.model), (&asked.w, &asked.model), "{method:?} {missing}");
            assert_eq!(asked.report.observed, None);
        }
    }
}

/// The transposed problem, whose first update is that of H.
fn turned(x: &Dense<f64>) -> Dense<f64> {
    x.transposed()
}

/// Each half of a step is that of a step on data with WH where it is missing, as WH stands then.
#[test]
fn a_step_takes_what_is_missing_to_be_the_product() {
    for (m, n, k) in [(67, 41, 3), (1, 9, 1), (30, 1, 1), (130, 17, 5), (40, 25, 17)] {
        let (_, v) = holes(m, n, 0.2, 7);
        let (w, h) = start(m, n, k, 11);
        for method in methods(&LOSSES) {
            for layout in LAYOUTS {
                let what = format!("{method:?} {layout:?} {m}×{n}, {k}");
                let stored = Stored::new(&v, layout);
                let nmf = fixed(method, Penalty::default(), &w, &h, 1).missing(Missing::Nan).compress(false);
                let (w1, h1) = step_with(&nmf, &stored).expect(&what);
                let whole = |v: &Dense<f64>, w: &Dense<f64>, h: &Dense<f64>| {
                    step(method, Penalty::default(), v, w, h).expect(&what)
                };
                let (w2, at_once) = whole(&filled(&v, &w, &h), &w, &h);
                let joint = nmf.fit(&stored).unwrap().report.plan.method.update == Update::JointMm;
                let h2 = match joint {
                    true => at_once,
                    false => turned(&whole(&turned(&filled(&v, &w2, &h)), &turned(&h), &turned(&w2)).0),
                };
                near(&w1, &w2, 1e-9, &what);
                near(&h1, &h2, 1e-9, &what);
            }
        }
    }
}

/// The objective over what is observed falls, and the loss that a fit ends with is the true one, penalties or not.
#[test]
fn the_observed_objective_falls_and_is_told_truly() {
    let (m, n, k) = (60, 45, 3);
    for (share, seed) in [(0.05, 1), (0.5, 2), (0.9, 3)] {
        let (_, v) = holes(m, n, share, seed);
        let (w, h) = start(m, n, k, 11);
        for method in methods(&LOSSES) {
            let beta = method.loss.beta();
            for alpha in [0.0, 0.001] {
                let penalty = Penalty { alpha_w: alpha, alpha_h: None, l1_ratio: 0.5 };
                let what = format!("{method:?} {share} {alpha}");
                let nmf = fixed(method, penalty, &w, &h, 12).missing(Missing::Nan).compress(false);
                let (fit, steps) = trace(&nmf, &v).expect(&what);
                let truth = loss(&v, &fit.w, fit.model.components(), beta);
                assert!(
                    (fit.report.loss - truth).abs() <= 1e-9 * truth,
                    "{what}: {} {truth}",
                    fit.report.loss
                );
                assert_eq!(
                    fit.report.observed.unwrap().entries,
                    v.as_slice().iter().filter(|x| !x.is_nan()).count()
                );
                let zeros = Dense::zeros(m, n);
                let objective = |w: &Dense<f64>, h: &Dense<f64>| {
                    let at_zero = |penalty| oracle::objective(&zeros, w, h, penalty);
                    loss(&v, w, h, beta) + at_zero(penalty) - at_zero(Penalty::default())
                };
                // scikit-learn's multiplicative updates descend from β = 1 to 2 alone, and als does not
                let descends = method.extrapolate == Some(false)
                    && method.update != Update::Als
                    && (method.update != Update::Mu || (1.0..=2.0).contains(&beta));
                let mut before = objective(&w, &h);
                for s in steps.iter().filter(|_| descends) {
                    let after = objective(&s.w, &s.h);
                    assert!(after <= before * (1.0 + 1e-9), "{what}: {before} {after}");
                    before = after;
                }
            }
        }
    }
}

/// A fit that has converged is stationary over what is observed, whichever way it went.
#[test]
fn limits_are_stationary() {
    let (m, n, k) = (40, 30, 2);
    let (_, v) = holes(m, n, 0.3, 9);
    for method in
        methods(&[Loss::Frobenius]).into_iter().filter(|m| ![Update::Mu, Update::Als].contains(&m.update))
    {
        let nmf =
            Nmf::new(k).method(method).missing(Missing::Nan).max_iter(4000).tol(1e-9).init(Init::Random);
        let fit = nmf.fit(&v).unwrap();
        let (w, h) = (&fit.w, fit.model.components());
        let r = Dense::from_fn(m, n, |i, j| {
            let p: f64 = (0..k).map(|t| w[(i, t)] * h[(t, j)]).sum();
            if v[(i, j)].is_nan() { 0.0 } else { p - v[(i, j)] }
        });
        let slope = |x: f64, g: f64| if x > 0.0 { g.abs() } else { (-g).max(0.0) };
        let mut worst: f64 = 0.0;
        for t in 0..k {
            for i in 0..m {
                let g: f64 = (0..n).map(|j| r[(i, j)] * h[(t, j)]).sum();
                worst = worst.max(slope(w[(i, t)], g).min(w[(i, t)] + 1e-9));
            }
            for j in 0..n {
                let g: f64 = (0..m).map(|i| r[(i, j)] * w[(i, t)]).sum();
                worst = worst.max(slope(h[(t, j)], g).min(h[(t, j)] + 1e-9));
            }
        }
        let size = v.as_slice().iter().filter(|x| !x.is_nan()).fold(0.0, |a: f64, x| a + x * x).sqrt();
        assert!(worst < 1e-2 * size, "{method:?}: {worst} of {size}");
        assert!(fit.report.kkt_residual < 2e-3, "{method:?} {}", fit.report.kkt_residual);
    }
}

/// Neither threads nor the size of a block change a bit.
#[test]
fn threads_and_blocks_change_no_bit() {
    let (_, v) = holes(230, 60, 0.3, 5);
    for method in methods(&LOSSES) {
        for layout in [Layout::RowMajor, Layout::ColMajor] {
            let v = Stored::new(&v, layout);
            let nmf = Nmf::new(4).method(method).missing(Missing::Nan).max_iter(5);
            let one = nmf.clone().threads(1).fit(&v).unwrap();
            let other = nmf.threads(2).block(7).fit(&v).unwrap();
            assert_eq!((&one.w, &one.model), (&other.w, &other.model), "{method:?} {layout:?}");
        }
    }
}

/// A line, or everything, without an observed entry.
#[test]
fn lines_without_observations_are_refused() {
    let (_, v) = holes(12, 9, 0.2, 5);
    for (line, at) in [("row", 4), ("column", 7)] {
        let v = Dense::from_fn(12, 9, |i, j| {
            if [i, j][usize::from(line == "column")] == at { f64::NAN } else { v[(i, j)] }
        });
        for layout in LAYOUTS {
            let error = Nmf::new(2).missing(Missing::Nan).fit(&Stored::new(&v, layout)).unwrap_err();
            assert_eq!(error, Error::Unobserved { line, at });
        }
    }
    let nothing = Dense::from_fn(12, 9, |_, _| f64::NAN);
    assert_eq!(Nmf::new(2).missing(Missing::Nan).fit(&nothing).unwrap_err(), Error::NoObservations);
    assert_eq!(
        Nmf::new(2).missing(Missing::Zeros).fit(&Dense::<f64>::zeros(3, 4)).unwrap_err(),
        Error::NoObservations
    );
    let mut v = v;
    v[(3, 3)] = f64::INFINITY;
    assert!(matches!(
        Nmf::new(2).missing(Missing::Nan).fit(&v),
        Err(Error::NonFinite { row: 3, col: 3, .. })
    ));
    v[(3, 3)] = -1.0;
    assert!(matches!(Nmf::new(2).missing(Missing::Nan).fit(&v), Err(Error::Negative { row: 3, col: 3, .. })));
}

/// What is seen of data with gaps is told.
#[test]
fn few_observations_are_remarked() {
    let v = Dense::from_fn(6, 8, |i, j| {
        if i == 2 && j > 1 || i > 2 && j == 5 { f64::NAN } else { 1.0 + (i * j) as f64 }
    });
    let fit = Nmf::new(4).missing(Missing::Nan).fit(&v).unwrap();
    assert!(fit.report.warnings.contains(&Warning::FewObserved { rows: 1, columns: 1, rank: 4 }));
    let expected = Observed { entries: 39, fewest_in_row: (2, 2), fewest_in_column: (5, 2) };
    assert_eq!(fit.report.observed, Some(expected));
}

/// Zeros that are missing are as NaN in their place.
#[test]
fn zeros_can_be_missing() {
    let (_, v) = holes(50, 30, 0.5, 5);
    let zeros = Dense::from_fn(50, 30, |i, j| if v[(i, j)].is_nan() { 0.0 } else { v[(i, j)] });
    for method in methods(&LOSSES) {
        let nmf = Nmf::new(3).method(method).max_iter(6);
        let a = nmf.clone().missing(Missing::Nan).fit(&v).unwrap();
        let b = nmf.missing(Missing::Zeros).fit(&zeros).unwrap();
        assert_eq!((&a.w, &a.model, a.report.loss), (&b.w, &b.model, b.report.loss), "{method:?}");
    }
}

/// New rows are solved over what is observed of them: as on the columns that are, alone.
#[test]
fn transforms_leave_out_what_is_missing() {
    let (m, n, k) = (130, 23, 4);
    for (share, seed) in [(0.1, 3), (0.6, 4), (0.85, 5)] {
        let (_, v) = holes(m, n, share, seed);
        let (_, h) = start(m, n, k, 2);
        for loss in LOSSES {
            for penalty in [Penalty::default(), Penalty { alpha_w: 0.01, alpha_h: None, l1_ratio: 0.3 }] {
                let model = Model::from_components(h.clone(), penalty).unwrap().with_loss(loss).unwrap();
                let how = Transform { missing: Missing::Nan, ..Transform::default() };
                for layout in LAYOUTS {
                    let (w, report) = model.transform_with(&Stored::new(&v, layout), &how).unwrap();
                    assert_eq!(report.unconverged_rows, 0, "{loss} {share} {penalty:?}");
                    for i in 0..m {
                        let seen: Vec<usize> = (0..n).filter(|&j| !v[(i, j)].is_nan()).collect();
                        let row = Dense::from_fn(1, seen.len(), |_, j| v[(i, seen[j])]);
                        let of_row = Dense::from_fn(k, seen.len(), |t, j| h[(t, seen[j])]);
                        // the penalty is on the shape that the model has
                        let alpha_w = penalty.alpha_w * n as f64 / seen.len() as f64;
                        let own = Model::from_components(of_row, Penalty { alpha_w, ..penalty }).unwrap();
                        let own = own.with_loss(loss).unwrap();
                        let expected = own.transform(&row).unwrap();
                        let found = Dense::from_vec(w.row(i).to_vec(), 1, k).unwrap();
                        // the weights themselves where they are the only ones
                        let (found, expected) = match seen.len() >= k {
                            true => (found, expected),
                            false => [found, expected].map(|w| oracle::product(&w, own.components())).into(),
                        };
                        near(&found, &expected, 1e-5, &format!("{loss} {layout:?} row {i}"));
                    }
                }
            }
        }
    }
}

/// Single precision goes the same way.
#[test]
fn single_precision_agrees() {
    let (_, v) = holes(90, 50, 0.2, 5);
    let (w, h) = start(90, 50, 3, 4);
    for method in methods(&LOSSES) {
        let double = fixed(method, Penalty::default(), &w, &h, 3)
            .missing(Missing::Nan)
            .compress(false)
            .fit(&v)
            .unwrap();
        let nmf = fixed::<f32>(method, Penalty::default(), &cast(&w), &cast(&h), 3).missing(Missing::Nan);
        let single = nmf.compress(false).fit(&cast::<f64, f32>(&v)).unwrap();
        let (a, b) = (single.report.loss, double.report.loss);
        assert!((a - b).abs() <= 2e-3 * b, "{method:?}: {a} {b}");
    }
}

/// Planted data comes back from half of its entries.
#[test]
fn what_is_missing_is_found_again() {
    let full = planted(150, 90, 3, 0.0, 8);
    let mut numbers = Numbers::new(3);
    let v = Dense::from_fn(150, 90, |i, j| if numbers.uniform() < 0.5 { f64::NAN } else { full[(i, j)] });
    let fit = Nmf::new(3).missing(Missing::Nan).tol(1e-9).max_iter(3000).fit(&v).unwrap();
    let wh = oracle::product(&fit.w, fit.model.components());
    let (mut off, mut size) = (0.0, 0.0);
    for ((v, x), p) in v.as_slice().iter().zip(full.as_slice()).zip(wh.as_slice()) {
        if v.is_nan() {
            off += (x - p).powi(2);
            size += x * x;
        }
    }
    assert!((off / size).sqrt() < 1e-3, "{}", (off / size).sqrt());
}

/// Weights of samples by components that stay are those of `transform`, which shares no code, in every layout.
#[test]
fn weights_alone_are_the_transforms() {
    let (m, n, k) = (70, 31, 3);
    let (_, v) = holes(m, n, 0.15, 4);
    let (_, h) = start(m, n, k, 2);
    for method in methods(&LOSSES).into_iter().filter(|m| ![Update::Mu, Update::Als].contains(&m.update)) {
        let model =
            Model::from_components(h.clone(), Penalty::default()).unwrap().with_loss(method.loss).unwrap();
        let how = Transform { missing: Missing::Nan, ..Transform::default() };
        let best = loss(&v, &model.transform_with(&v, &how).unwrap().0, &h, method.loss.beta());
        for layout in LAYOUTS {
            let nmf = Nmf::new(k).method(method).tol(1e-10).max_iter(3000).missing(Missing::Nan);
            let fit = nmf.fit_weights(&Stored::new(&v, layout), &h).unwrap();
            let found = loss(&v, &fit.w, &h, method.loss.beta());
            assert!(found <= best * (1.0 + 1e-2), "{method:?} {layout:?}: {found} {best}");
            assert!((fit.report.loss - found).abs() <= 1e-9 * found, "{method:?} {layout:?}");
        }
    }
}
