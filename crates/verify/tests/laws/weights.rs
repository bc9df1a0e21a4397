//! Rows and columns that count unlike: a weight is how often a line is there.

use std::ops::ControlFlow;

use orthant::{
    Cancel, Dense, EntryWeights, Error, Factor, Holdout, Init, Iteration, Loss, Method, Missing, Model, Nmf,
    Penalty, Scale, StopReason, Transform, Update,
};
use orthant_verify::fits::{fixed, step_with};
use orthant_verify::forms::methods;
use orthant_verify::layout::{Layout, Stored};
use orthant_verify::made::{drawn, positive};
use orthant_verify::oracle;
use orthant_verify::strategies::Numbers;

const LOSSES: [Loss; 3] = [Loss::Frobenius, Loss::KullbackLeibler, Loss::Beta(1.5)];
const LAYOUTS: [Layout; 4] = [Layout::RowMajor, Layout::ColMajor, Layout::Csr, Layout::Csc];

/// From the start as it is, to the scale that the iterations end with.
fn plain(nmf: Nmf<f64>) -> Nmf<f64> {
    let Method { update, loss, .. } = nmf.options().method;
    let nmf = nmf.scale(Scale::None);
    if update == Update::Auto && loss == Loss::Frobenius { nmf.compress(false) } else { nmf }
}

/// Which row each is, where row i is there `counts[i]` times.
fn repeated(counts: &[f64]) -> Vec<usize> {
    counts.iter().enumerate().flat_map(|(i, &count)| vec![i; count as usize]).collect()
}

fn rows_of(x: &Dense<f64>, at: &[usize]) -> Dense<f64> {
    Dense::from_fn(at.len(), x.ncols(), |i, j| x[(at[i], j)])
}

fn columns_of(x: &Dense<f64>, at: &[usize]) -> Dense<f64> {
    Dense::from_fn(x.nrows(), at.len(), |i, j| x[(i, at[j])])
}

fn near(a: &Dense<f64>, b: &Dense<f64>, tolerance: f64, what: &str) {
    assert_eq!((a.nrows(), a.ncols()), (b.nrows(), b.ncols()), "{what}");
    let most = b.as_slice().iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    for (a, b) in a.as_slice().iter().zip(b.as_slice()) {
        assert!((a - b).abs() <= tolerance * most, "{what}: {a} {b}");
    }
}

/// The method with as many sweeps on any shape.
fn alike(method: Method) -> Method {
    let once = method.sweeps(1);
    if once.check().is_ok() { once } else { method }
}

/// The penalties that go with weights of lines for a loss.
fn penalties(loss: Loss) -> Vec<Penalty> {
    let mut all = vec![Penalty::default()];
    if loss == Loss::Frobenius {
        all.push(Penalty { alpha_w: 0.01, alpha_h: Some(0.03), l1_ratio: 0.0 });
    }
    if loss == Loss::KullbackLeibler {
        all.push(Penalty { alpha_w: 0.01, alpha_h: Some(0.02), l1_ratio: 1.0 });
    }
    all
}

/// Law 29. With every method, in every layout, and with the penalties.
#[test]
fn a_line_of_weight_two_is_there_twice() {
    let (m, n, k) = (11, 9, 3);
    let (rows, columns): (Vec<f64>, Vec<f64>) =
        ((0..m).map(|i| (1 + i % 3) as f64).collect(), (0..n).map(|j| (1 + j % 4) as f64).collect());
    let (at_rows, at_columns) = (repeated(&rows), repeated(&columns));
    let (v, w, h) = (positive(m, n, 1), drawn(m, k, 2), drawn(k, n, 3));
    let often = columns_of(&rows_of(&v, &at_rows), &at_columns);
    for method in methods(&LOSSES).into_iter().map(alike) {
        for penalty in penalties(method.loss) {
            let whole = fixed(method, penalty, &rows_of(&w, &at_rows), &columns_of(&h, &at_columns), 4);
            let whole = plain(whole).fit(&often).unwrap();
            for layout in LAYOUTS {
                let what = format!("{method} {layout:?} {penalty:?}");
                let stored = Stored::new(&v, layout);
                let counted = plain(fixed(method, penalty, &w, &h, 4));
                let counted = counted.row_weights(&rows).column_weights(&columns);
                let counted = counted.fit(&stored).unwrap();
                near(&rows_of(&counted.w, &at_rows), &whole.w, 1e-10, &what);
                near(
                    &columns_of(counted.model.components(), &at_columns),
                    whole.model.components(),
                    1e-10,
                    &what,
                );
                let (a, b) = (counted.report.objective, whole.report.objective);
                assert!((a - b).abs() < 1e-10 * b, "{what}: {a} {b}");
                assert_eq!(counted.report.iterations, whole.report.iterations);
            }
        }
    }
}

/// Law 29. With holes, and weights of entries beside those of lines.
#[test]
fn so_it_is_where_entries_are_missing_or_weighted() {
    let (m, n, k) = (11, 9, 2);
    let rows: Vec<f64> = (0..m).map(|i| (1 + i % 3) as f64).collect();
    let at = repeated(&rows);
    let (full, w, h) = (positive(m, n, 4), drawn(m, k, 5), drawn(k, n, 6));
    let v = Dense::from_fn(m, n, |i, j| if (3 * i + j) % 7 == 0 { f64::NAN } else { full[(i, j)] });
    let entries = Dense::from_fn(m, n, |i, j| ((i + 2 * j) % 4) as f64);
    let weights = |x: &Dense<f64>| EntryWeights::new(x).unwrap();
    for method in [Method::hals().sweeps(1), Method::mm(Loss::KullbackLeibler), Method::mm(Loss::Beta(1.5))] {
        let counted = fixed(method, Penalty::default(), &w, &h, 4).scale(Scale::None).missing(Missing::Nan);
        let whole = fixed(method, Penalty::default(), &rows_of(&w, &at), &h, 4).scale(Scale::None);
        let (counted, whole) = (counted.row_weights(&rows), whole.missing(Missing::Nan));
        let check = |counted: &Nmf<f64>, whole: &Nmf<f64>| {
            let (a, b) = (counted.fit(&v).unwrap(), whole.fit(&rows_of(&v, &at)).unwrap());
            near(a.model.components(), b.model.components(), 1e-10, &format!("{method}"));
            near(&rows_of(&a.w, &at), &b.w, 1e-10, &format!("{method}"));
        };
        check(&counted, &whole);
        check(
            &counted.clone().entry_weights(weights(&entries)),
            &whole.clone().entry_weights(weights(&rows_of(&entries, &at))),
        );
    }
}

/// Law 29. With given components, with what is known of the factors, and in what an observer and a checkpoint see.
#[test]
fn so_it_is_with_known_parts_and_for_observers() {
    let (m, n, k) = (12, 8, 3);
    let (rows, columns): (Vec<f64>, Vec<f64>) =
        ((0..m).map(|i| (1 + i % 3) as f64).collect(), (0..n).map(|j| (1 + j % 2) as f64).collect());
    let (at_rows, at_columns) = (repeated(&rows), repeated(&columns));
    let (v, w, h) = (positive(m, n, 7), drawn(m, k, 8), drawn(k, n, 9));
    let often = columns_of(&rows_of(&v, &at_rows), &at_columns);
    let whole_start = (rows_of(&w, &at_rows), columns_of(&h, &at_columns));
    for method in [Method::hals(), Method::newton(), Method::mm(Loss::Beta(1.5))].map(alike) {
        let of = |w: &Dense<f64>, h: &Dense<f64>| {
            let first = Dense::from_fn(1, h.ncols(), |_, j| h[(0, j)]);
            let upper = Dense::from_fn(w.nrows(), k, |i, t| 0.5 + w[(i, t)]);
            let known = [Factor::new().upper(upper).lower(0.01), Factor::new().fixed(&first).upper(1.2)];
            let [of_w, of_h] = known;
            fixed(method, Penalty::default(), w, h, 3).w(of_w).h(of_h)
        };
        let counted = of(&w, &h).row_weights(&rows).column_weights(&columns);
        let whole = of(&whole_start.0, &whole_start.1);
        let what = method.to_string();
        let (a, b) = (counted.fit(&v).unwrap(), whole.fit(&often).unwrap());
        near(&rows_of(&a.w, &at_rows), &b.w, 1e-10, &what);
        near(&columns_of(a.model.components(), &at_columns), b.model.components(), 1e-10, &what);
        assert_eq!(a.model.components().row(0), h.row(0));
        let (a, b) = (step_with(&counted, &v).unwrap(), step_with(&whole, &often).unwrap());
        near(&rows_of(&a.0, &at_rows), &b.0, 1e-10, &what);
        near(&columns_of(&a.1, &at_columns), &b.1, 1e-10, &what);
        if method.update != Update::Mm {
            // W alone is where each row is at its best, whatever it counts
            let alone = Nmf::new(k).method(method).tol(1e-14).max_iter(3000);
            let counted = alone.clone().row_weights(&rows).fit_weights(&v, &h).unwrap();
            near(&counted.w, &alone.fit_weights(&v, &h).unwrap().w, 1e-6, &what);
            assert_eq!(counted.model.components(), &h);
        }
    }
    // on from a checkpoint to the same bits
    let nmf =
        fixed(Method::hals(), Penalty::default(), &w, &h, 6).row_weights(&rows).column_weights(&columns);
    let mut kept = None;
    let mut keep = |it: &Iteration<'_, f64>| {
        if it.number == 3 {
            kept = it.checkpoint().ok();
        }
        ControlFlow::<StopReason>::Continue(())
    };
    let through = nmf.fit_observed(&v, &mut keep).unwrap();
    let resumed = nmf.clone().checkpoint(kept.unwrap()).fit(&v).unwrap();
    assert_eq!((&resumed.w, resumed.model.components()), (&through.w, through.model.components()));
    let other = nmf.row_weights(&[2.0; 12]).checkpoint(through_checkpoint(&v, &w, &h, &rows));
    assert!(matches!(other.fit(&v).unwrap_err(), Error::CheckpointMismatch { .. }));
}

/// The state of a fit by other weights of its columns.
fn through_checkpoint(v: &Dense<f64>, w: &Dense<f64>, h: &Dense<f64>, rows: &[f64]) -> orthant::Checkpoint {
    let nmf = fixed(Method::hals(), Penalty::default(), w, h, 2).row_weights(rows);
    let mut kept = None;
    let mut keep = |it: &Iteration<'_, f64>| {
        kept = it.checkpoint().ok();
        ControlFlow::<StopReason>::Continue(())
    };
    nmf.fit_observed(v, &mut keep).unwrap();
    kept.unwrap()
}

/// Weights of 1 are none, to the bit; weights of rows times those of columns are weights of entries.
#[test]
fn weights_of_lines_are_weights_of_their_entries() {
    let (m, n, k) = (13, 10, 3);
    let (v, w, h) = (positive(m, n, 10), drawn(m, k, 11), drawn(k, n, 12));
    let mut numbers = Numbers::new(13);
    let rows: Vec<f64> = (0..m).map(|_| 0.1 + 3.0 * numbers.uniform()).collect();
    let columns: Vec<f64> = (0..n).map(|_| 0.1 + 3.0 * numbers.uniform()).collect();
    let entries = EntryWeights::new(&Dense::from_fn(m, n, |i, j| rows[i] * columns[j])).unwrap();
    for method in [
        Method::hals().sweeps(1),
        Method::mm(Loss::KullbackLeibler),
        Method::mu(Loss::KullbackLeibler),
        Method::mm(Loss::Beta(1.5)),
        Method::mm(Loss::Beta(0.5)),
    ] {
        let nmf = fixed(method, Penalty::default(), &w, &h, 5).scale(Scale::None);
        let plain = nmf.fit(&v).unwrap();
        let ones = nmf.clone().row_weights(&[1.0; 13]).column_weights(&[1.0; 10]).fit(&v).unwrap();
        assert_eq!((&ones.w, ones.model.components()), (&plain.w, plain.model.components()));
        assert_eq!(ones.model.column_weights(), None);
        let lines = nmf.clone().row_weights(&rows).column_weights(&columns).fit(&v).unwrap();
        let entries = nmf.entry_weights(entries.clone()).fit(&v).unwrap();
        near(&lines.w, &entries.w, 1e-10, &method.to_string());
        near(lines.model.components(), entries.model.components(), 1e-10, &method.to_string());
        let (a, b) = (lines.report.objective, entries.report.objective);
        assert!((a - b).abs() < 1e-10 * b, "{method}: {a} {b}");
        // by plain loops
        let wh = oracle::product(&lines.w, lines.model.components());
        let one = |x: f64| Dense::from_vec(vec![x], 1, 1).unwrap();
        let loss = |i: usize, j: usize| {
            let d = oracle::divergence(&one(v[(i, j)]), &one(wh[(i, j)]), &one(1.0), method.loss.beta());
            rows[i] * columns[j] * d
        };
        let sum: f64 = (0..m).map(|i| (0..n).map(|j| loss(i, j)).sum::<f64>()).sum();
        assert!((sum - lines.report.loss).abs() < 1e-9 * sum, "{method}: {sum} {}", lines.report.loss);
    }
    // β ≤ 0: rows alone
    let nmf = fixed(Method::mm(Loss::ItakuraSaito), Penalty::default(), &w, &h, 5).scale(Scale::None);
    let alone = EntryWeights::new(&Dense::from_fn(m, n, |i, _| rows[i])).unwrap();
    let (a, b) = (nmf.clone().row_weights(&rows).fit(&v).unwrap(), nmf.entry_weights(alone).fit(&v).unwrap());
    assert_eq!((&a.w, a.model.components()), (&b.w, b.model.components()));
}

/// What a row or a column of weight 0 holds changes no bit of the others, but for the scale of components, which counts all of H; it is
/// fitted by what they found.
#[test]
fn a_line_of_weight_zero_has_no_part() {
    let (m, n, k) = (12, 9, 2);
    let v = positive(m, n, 14);
    let other = Dense::from_fn(m, n, |i, j| if i == 4 || j == 2 { 7.0 + (i * j) as f64 } else { v[(i, j)] });
    let rows: Vec<f64> = (0..m).map(|i| if i == 4 { 0.0 } else { 1.0 + (i % 2) as f64 }).collect();
    let columns: Vec<f64> = (0..n).map(|j| if j == 2 { 0.0 } else { 1.0 + (j % 3) as f64 }).collect();
    let (rest_rows, rest_columns): (Vec<usize>, Vec<usize>) =
        ((0..m).filter(|&i| i != 4).collect(), (0..n).filter(|&j| j != 2).collect());
    for (loss, penalty) in
        LOSSES.into_iter().flat_map(|loss| penalties(loss).into_iter().map(move |p| (loss, p)))
    {
        for layout in LAYOUTS {
            let nmf = Nmf::new(k).loss(loss).penalty(penalty).row_weights(&rows).column_weights(&columns);
            let nmf = nmf.init(Init::Nndsvda).tol(1e-9).max_iter(3000);
            let fit = nmf.fit(&Stored::new(&v, layout)).unwrap();
            let changed = nmf.fit(&Stored::new(&other, layout)).unwrap();
            let (h, g) = (fit.model.components(), changed.model.components());
            let what = format!("{loss} {layout:?}");
            if penalty == Penalty::default() {
                // the scale of a component counts all columns
                near(
                    &oracle::product(&rows_of(&fit.w, &rest_rows), &columns_of(h, &rest_columns)),
                    &oracle::product(&rows_of(&changed.w, &rest_rows), &columns_of(g, &rest_columns)),
                    1e-13,
                    &what,
                );
            } else {
                assert_eq!(rows_of(&fit.w, &rest_rows), rows_of(&changed.w, &rest_rows), "{what}");
                assert_eq!(columns_of(h, &rest_columns), columns_of(g, &rest_columns), "{what}");
            }
            // that row and that column: a model of the others tells them
            let w = fit.model.transform(&rows_of(&v, &[4])).unwrap();
            near(&rows_of(&fit.w, &[4]), &w, 1e-12, &what);
            assert!(h.as_slice().iter().all(|x| x.is_finite()) && (0..k).any(|t| h[(t, 2)] > 0.0), "{what}");
            // with W as it is, no step of an entry of that column lowers its own loss with the penalty
            let of_column = |h: &[f64]| {
                let penalised = penalty.alpha_h() * rows.iter().sum::<f64>();
                let (l1, l2) = (penalised * penalty.l1_ratio, penalised * (1.0 - penalty.l1_ratio));
                let one = |x: f64| Dense::from_vec(vec![x], 1, 1).unwrap();
                let d = |i: usize| {
                    let p: f64 = (0..k).map(|t| fit.w[(i, t)] * h[t]).sum();
                    rows[i] * oracle::divergence(&one(v[(i, 2)]), &one(p), &one(1.0), loss.beta())
                };
                let of_h = h.iter().map(|x| l1 * x + 0.5 * l2 * x * x).sum::<f64>();
                (0..m).filter(|&i| i != 4).map(d).sum::<f64>() + of_h
            };
            let column: Vec<f64> = (0..k).map(|t| h[(t, 2)]).collect();
            let best = of_column(&column);
            for t in 0..k {
                for step in [-1e-3, 1e-3] {
                    let mut moved = column.clone();
                    moved[t] = (moved[t] * (1.0 + step)).max(0.0);
                    assert!(of_column(&moved) >= best * (1.0 - 1e-12), "{what} {t}");
                }
            }
        }
    }
}

/// A fit that a flag ends keeps what it found, with the lines that count nothing: so many that they take longer than a flag waits.
#[test]
fn a_fit_that_is_ended_has_its_lines_of_weight_zero() {
    let (m, n, k) = (60_000, 40, 10);
    let v = Dense::from_fn(m, n, |i, j| 0.1 + ((i * 7 + j * 3) % 11) as f64 * ((i + j) % 3) as f64);
    let rows: Vec<f64> = (0..m).map(|i| if i < 100 { 1.0 + (i % 2) as f64 } else { 0.0 }).collect();
    let flag = Cancel::new();
    let mut raise = |_: &Iteration<'_, f64>| {
        flag.cancel();
        ControlFlow::<StopReason>::Continue(())
    };
    let nmf = Nmf::new(k).loss(Loss::KullbackLeibler).row_weights(&rows).tol(0.0).threads(1).cancel(&flag);
    let fit = nmf.fit_observed(&v, &mut raise).unwrap();
    assert_eq!(fit.report.stop_reason, StopReason::Interrupted);
    let last = fit.model.transform(&rows_of(&v, &[m - 1])).unwrap();
    assert_eq!(rows_of(&fit.w, &[m - 1]), last);
}

/// The model of a fit keeps the weights of columns: the rows that it learnt from are transformed to W, and a row by columns that count
/// twice as one whose columns are there twice.
#[test]
fn models_count_columns_as_their_fit() {
    let (m, n, k) = (30, 10, 2);
    let v = positive(m, n, 20);
    let columns: Vec<f64> = (0..n).map(|j| (1 + j % 3) as f64).collect();
    let at = repeated(&columns);
    for loss in LOSSES {
        for penalty in penalties(loss) {
            let nmf =
                Nmf::new(k).loss(loss).penalty(penalty).column_weights(&columns).tol(1e-12).max_iter(20_000);
            let fit = nmf.fit(&v).unwrap();
            let what = format!("{loss} {penalty:?}");
            assert_eq!(fit.model.column_weights(), Some(&columns[..]));
            near(&fit.model.transform(&v).unwrap(), &fit.w, 1e-4, &what);
            let h = columns_of(fit.model.components(), &at);
            let whole = Model::from_components(h, penalty).unwrap().with_loss(loss).unwrap();
            let (a, b) = (fit.model.transform(&v).unwrap(), whole.transform(&columns_of(&v, &at)).unwrap());
            near(&a, &b, 1e-6, &what);
            let strict = Transform { tol: 1e-13, ..Transform::default() };
            let a = fit.model.transform_with(&v, &strict).unwrap().0;
            near(&a, &whole.transform_with(&columns_of(&v, &at), &strict).unwrap().0, 1e-9, &what);
            let rescaled = fit.clone().rescaled(Scale::HMax);
            assert_eq!(rescaled.model.column_weights(), Some(&columns[..]));
        }
    }
}

/// Held-out entries count as their rows and columns do.
#[test]
fn held_out_entries_count_so_too() {
    let (m, n) = (14, 11);
    let v = positive(m, n, 21);
    let rows: Vec<f64> = (0..m).map(|i| 0.5 + i as f64).collect();
    let nmf = Nmf::new(2).row_weights(&rows).init(Init::Random).max_iter(40);
    let holdout = Holdout { fraction: 0.2, fold: 1, seed: 3 };
    let fit = nmf.holdout(holdout).fit(&v).unwrap();
    let wh = oracle::product(&fit.w, fit.model.components());
    let (mut out, mut within) = ([0.0; 2], [0.0; 2]);
    let seen = fit.report.heldout.unwrap();
    for i in 0..m {
        for j in 0..n {
            let lost = rows[i] * 0.5 * (v[(i, j)] - wh[(i, j)]).powi(2);
            let of = if holdout.is_out(i, j, n) { &mut out } else { &mut within };
            *of = [of[0] + lost, of[1] + rows[i]];
        }
    }
    assert!((seen.loss - out[0]).abs() < 1e-10 * out[0], "{seen:?} {out:?}");
    assert!((seen.mean - out[0] / out[1]).abs() < 1e-10 * seen.mean, "{seen:?} {out:?}");
    assert!(
        (seen.fitted_mean - within[0] / within[1]).abs() < 1e-9 * seen.fitted_mean,
        "{seen:?} {within:?}"
    );
}

/// What cannot be weighted is said with its place, and with what can.
#[test]
fn wrong_weights_are_refused() {
    let v = positive(5, 4, 22);
    let error = |nmf: Nmf<f64>| nmf.fit(&v).unwrap_err();
    let nmf = || Nmf::<f64>::new(2).init(Init::Random).max_iter(5);
    let rows = |weights: &[f64]| error(nmf().row_weights(weights));
    assert!(matches!(
        rows(&[1.0; 4]),
        Error::ShapeMismatch { operand: "row weights", expected: (5, 1), found: (4, 1) }
    ));
    let columns = error(nmf().column_weights(&[1.0; 5]));
    assert!(matches!(
        columns,
        Error::ShapeMismatch { operand: "column weights", expected: (1, 4), found: (1, 5) }
    ));
    assert!(matches!(
        rows(&[1.0, -2.0, 1.0, 1.0, 1.0]),
        Error::Negative { operand: "row weights", row: 1, col: 0, .. }
    ));
    let nan = error(nmf().column_weights(&[1.0, 1.0, f64::NAN, 1.0]));
    assert!(matches!(nan, Error::NonFinite { operand: "column weights", row: 0, col: 2, .. }));
    assert!(matches!(rows(&[0.0; 5]), Error::InvalidParam { name: "row_weights", .. }));
    let single = Nmf::<f32>::new(2).row_weights(&[1e200, 1.0, 1.0, 1.0, 1.0]);
    let v32 = Dense::from_fn(5, 4, |i, j| v[(i, j)] as f32);
    assert!(matches!(single.fit(&v32).unwrap_err(), Error::InvalidParam { name: "row_weights", .. }));
    let unsupported = |error: Error, words: &[&str]| {
        let said = error.to_string();
        assert!(
            matches!(error, Error::Unsupported { .. }) && words.iter().all(|word| said.contains(word)),
            "{said}"
        );
    };
    let l1 = Penalty { alpha_w: 0.1, alpha_h: Some(0.1), l1_ratio: 1.0 };
    let uneven = [1.0, 2.0, 1.0, 1.0, 1.0];
    unsupported(
        error(nmf().penalty(l1).row_weights(&uneven)),
        &["row weights", "W", "Kullback–Leibler", "entry weights"],
    );
    let is = nmf().loss(Loss::ItakuraSaito);
    unsupported(error(is.clone().column_weights(&uneven[..4])), &["column weights", "β > 0"]);
    unsupported(error(is.penalty(l1).row_weights(&uneven)), &["row weights with a penalty", "β > 0"]);
    let zero = [0.0, 2.0, 1.0, 1.0, 1.0];
    unsupported(error(nmf().row_weights(&zero).w(Factor::new().upper(9.0))), &["of 0", "above 0"]);
    unsupported(error(nmf().row_weights(&zero).missing(Missing::Zeros)), &["of 0", "missing = zeros"]);
    // an entry is named as it is
    let mut bad = v.clone();
    bad.as_mut_slice()[6] = -3.0;
    let said = nmf().row_weights(&uneven).fit(&bad).unwrap_err();
    assert!(matches!(said, Error::Negative { row: 1, col: 2, value, .. } if value == -3.0), "{said}");
    // the penalty of a factor whose lines all count once goes with any loss
    let other = Penalty { alpha_w: 0.0, alpha_h: Some(0.01), l1_ratio: 1.0 };
    nmf().penalty(other).row_weights(&uneven).fit(&v).unwrap();
}

/// The bytes that are predicted are those of the fit of the copy, and the copy.
#[test]
fn the_copy_is_counted() {
    let v = positive(60, 40, 23);
    let nmf = Nmf::<f64>::new(3).init(Init::Random).max_iter(3);
    let plain = nmf.explain(&v).unwrap().working_bytes;
    let weighted = nmf.row_weights(&(0..60).map(|i| 1.0 + i as f64).collect::<Vec<_>>());
    let need = plain + 60 * 40 * 8 + 60 * 8;
    assert_eq!(weighted.explain(&v).unwrap().working_bytes, need);
    weighted.clone().memory_limit(need).fit(&v).unwrap();
    let error = weighted.memory_limit(60 * 40 * 8 - 1).fit(&v).unwrap_err();
    assert!(matches!(error, Error::MemoryLimit { .. }), "{error}");
}
