//! What is held out of a fit has no part in it, and the fit's loss there is told truly.

use orthant::{Csr, Dense, EntryWeights, Error, Fit, Holdout, Loss, Method, MiniBatchNmf, Missing, Nmf};
use orthant_verify::layout::{Layout, Stored};
use orthant_verify::made::planted;
use orthant_verify::strategies::Numbers;

fn data(m: usize, n: usize) -> Dense<f64> {
    let mut v = planted(m, n, 3, 0.1, 5);
    v.as_mut_slice().iter_mut().for_each(|x| *x += 0.05);
    v
}

fn out(fraction: f64, fold: usize) -> Holdout {
    Holdout { fraction, fold, seed: 7 }
}

/// The windows of a fold cover each entry once, a row has as many of them out as the next, and places depend on the seed.
#[test]
fn the_folds_hold_each_entry_out_once() {
    for (m, n, fraction) in [(30, 41, 0.05), (7, 3, 0.5), (200, 19, 0.1), (1, 64, 0.3), (64, 1, 0.25)] {
        let folds = out(fraction, 0).folds();
        let mut count = Dense::<f64>::zeros(m, n);
        for fold in 0..folds {
            for i in 0..m {
                let mut of_row = 0;
                for j in (0..n).filter(|&j| out(fraction, fold).is_out(i, j, n)) {
                    count[(i, j)] += 1.0;
                    of_row += 1;
                }
                assert!((of_row as f64 - n as f64 / folds as f64).abs() <= 2.0, "{of_row} of {n}");
            }
        }
        assert!(count.as_slice().iter().all(|&x| x == 1.0), "{m}×{n} {fraction}");
    }
    let differ = (0..1000)
        .filter(|&j| out(0.1, 0).is_out(0, j, 1000) != Holdout { seed: 8, ..out(0.1, 0) }.is_out(0, j, 1000));
    assert!(differ.count() > 100);
}

fn loss_by_loops(
    v: &Dense<f64>,
    fit: &Fit<f64>,
    weight: impl Fn(usize, usize) -> f64,
    loss: Loss,
) -> (f64, f64) {
    let (h, mut sum, mut all) = (fit.model.components(), 0.0, 0.0);
    for i in 0..v.nrows() {
        for j in 0..v.ncols() {
            let (x, w) = (v[(i, j)], weight(i, j));
            let p: f64 = (0..h.nrows()).map(|t| fit.w[(i, t)] * h[(t, j)]).sum();
            // infinite
            if w > 0.0 && (x == 0.0 || p > 0.0 || loss == Loss::Frobenius) {
                sum += w * match loss {
                    Loss::Frobenius => 0.5 * (x - p) * (x - p),
                    _ if x == 0.0 => p,
                    _ => x * (x / p).ln() - x + p,
                };
                all += w;
            }
        }
    }
    (sum, all)
}

fn near(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-9 * b.abs(), "{a} {b}");
}

/// Law 50. A fit with entries held out is, to the bit, that of data in which they are missing, in every layout, and no bit of its factors
/// depends on what stands there; its figures are those of plain loops.
#[test]
fn what_is_held_out_is_missing_from_the_fit() {
    let (m, n) = (60, 43);
    let v = data(m, n);
    let mut numbers = Numbers::new(3);
    for loss in [Loss::Frobenius, Loss::KullbackLeibler] {
        for layout in [Layout::RowMajor, Layout::ColMajor, Layout::EverySecond] {
            for fold in [0, 4] {
                let holdout = out(0.1, fold);
                let holes =
                    Dense::from_fn(m, n, |i, j| if holdout.is_out(i, j, n) { f64::NAN } else { v[(i, j)] });
                let nmf = Nmf::new(3).method(Method::auto(loss)).max_iter(30).seed(2);
                let fit = nmf.clone().holdout(holdout).fit(&Stored::new(&v, layout)).unwrap();
                let order = if layout == Layout::ColMajor { Layout::ColMajor } else { Layout::RowMajor };
                let missing = nmf.clone().missing(Missing::Nan).fit(&Stored::new(&holes, order)).unwrap();
                assert!(fit.w == missing.w && fit.model == missing.model, "{loss} {layout:?}");
                let heldout = fit.report.heldout.unwrap();
                let weight = |i, j| if holdout.is_out(i, j, n) { 1.0 } else { 0.0 };
                let (sum, all) = loss_by_loops(&v, &fit, weight, loss);
                assert_eq!((heldout.entries as f64, heldout.infinite), (all, 0));
                near(heldout.loss, sum);
                near(heldout.mean, sum / all);
                near(heldout.fitted_mean, fit.report.loss / ((m * n) as f64 - all));
                let garbage = Dense::from_fn(m, n, |i, j| {
                    if holdout.is_out(i, j, n) { 1e6 * numbers.uniform() } else { v[(i, j)] }
                });
                let other = nmf.holdout(holdout).fit(&Stored::new(&garbage, layout)).unwrap();
                assert!(fit.w == other.w && fit.model == other.model, "{loss} {layout:?}");
                assert!(other.report.heldout.unwrap().loss > heldout.loss);
            }
        }
    }
}

/// Also of sparse data whose zeros are missing, of entries with weights, and of data with missing entries.
#[test]
fn entries_that_are_not_observed_are_not_held_out_either() {
    let (m, n) = (60, 43);
    let mut v = data(m, n);
    for i in 0..m {
        for j in 0..n {
            if (i * 7 + j * 5) % 3 == 0 {
                v[(i, j)] = 0.0;
            }
        }
    }
    let holdout = out(0.2, 1);
    let stored = |i: usize, j: usize| if v[(i, j)] > 0.0 && holdout.is_out(i, j, n) { 1.0 } else { 0.0 };
    for loss in [Loss::Frobenius, Loss::KullbackLeibler] {
        let nmf = Nmf::new(2).method(Method::auto(loss)).max_iter(30).seed(2).holdout(holdout);
        let check = |fit: Fit<f64>, weight: &dyn Fn(usize, usize) -> f64| {
            let heldout = fit.report.heldout.unwrap();
            let (sum, all) = loss_by_loops(&v, &fit, weight, loss);
            near(heldout.loss, sum);
            near(heldout.mean, sum / all);
            (heldout.entries, heldout.infinite)
        };
        let of = |layout| nmf.clone().missing(Missing::Zeros).fit(&Stored::new(&v, layout)).unwrap();
        let (sparse, by_columns, dense) = (of(Layout::Csr), of(Layout::Csc), of(Layout::RowMajor));
        assert!(sparse.w == by_columns.w, "{loss}");
        let (of_sparse, of_dense) = (check(sparse, &stored), check(dense, &stored));
        assert_eq!(of_sparse.0, of_dense.0);
        let weights = Dense::from_fn(m, n, |i, j| ((i + 2 * j) % 4) as f64);
        let weighed = EntryWeights::new(&weights).unwrap();
        let of = |i: usize, j: usize| if holdout.is_out(i, j, n) { weights[(i, j)] } else { 0.0 };
        check(nmf.clone().entry_weights(weighed).fit(&v).unwrap(), &of);
    }
}

/// What cannot be is refused with words.
#[test]
fn wrong_shares_and_data_are_refused() {
    let v = data(20, 15);
    let refused = |error: Error, word: &str| assert!(error.to_string().contains(word), "{error}");
    for fraction in [0.0, -0.1, 0.6, f64::NAN] {
        refused(Nmf::new(2).holdout(out(fraction, 0)).fit(&v).unwrap_err(), "holdout");
    }
    refused(Nmf::new(2).holdout(out(0.1, 10)).fit(&v).unwrap_err(), "10");
    refused(Nmf::new(2).holdout(out(0.1, 0)).fit(&Csr::of_dense(&v)).unwrap_err(), "sparse");
    let batches = MiniBatchNmf::from_options(orthant::Options {
        holdout: Some(out(0.1, 0)),
        minibatch: Some(orthant::BatchOptions::default()),
        ..orthant::Options::new(2, Method::mu(Loss::Frobenius))
    });
    refused(batches.fit(&v).unwrap_err(), "held-out");
    let at = (0..15).find(|&j| out(0.1, 0).is_out(3, j, 15)).unwrap();
    for (x, word) in [(-1.0, "negative"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let mut v = data(20, 15);
        v[(3, at)] = x;
        refused(Nmf::new(2).holdout(out(0.1, 0)).fit(&v).unwrap_err(), word);
    }
    // ten entries are fewer than a window
    let few = (0..20).map(|seed| {
        let holdout = Holdout { fraction: 0.01, fold: 0, seed };
        Nmf::new(1).holdout(holdout).fit(&data(5, 2)).err().map(|error| error.to_string())
    });
    assert!(few.flatten().any(|error| error.contains("one at least of the observed entries")));
    let limited = Nmf::new(2).holdout(out(0.1, 0)).memory_limit(1000).fit(&v).unwrap_err();
    assert!(matches!(limited, Error::MemoryLimit { .. }), "{limited}");
    let nmf = Nmf::new(2).holdout(out(0.1, 0));
    assert!(nmf.explain(&v).unwrap().working_bytes >= Nmf::<f64>::new(2).explain(&v).unwrap().working_bytes);
}
