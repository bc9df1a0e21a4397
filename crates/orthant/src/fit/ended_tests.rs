//! Fits that are ended inside an iteration.

use std::ops::Range;
use std::thread;

use super::*;
use crate::{
    Cancel, Init, LocalCommunicator, Loss, Method, MiniBatchNmf, OutOfCore, ReadLines, Scale, Update, Warning,
};

const M: usize = 130;
const N: usize = 70;
const K: usize = 4;

fn entry(i: usize, j: usize) -> f64 {
    ((i * 7919 + j * 104_729 + i * j) % 101) as f64 / 10.0 + 0.05
}

fn data(by_columns: bool) -> Dense<f64> {
    if by_columns { Dense::from_fn(N, M, |j, i| entry(i, j)) } else { Dense::from_fn(M, N, entry) }
}

fn nmf(method: Method, iterations: usize) -> Nmf<f64> {
    let nmf = Nmf::new(K).method(method).init(Init::Random).seed(3).scale(Scale::None);
    nmf.tol(0.0).max_iter(iterations).threads(1).compress(false)
}

/// D(V|WH) by plain loops.
fn loss(loss: Loss, w: &Dense<f64>, h: &Dense<f64>) -> f64 {
    let mut sum = 0.0;
    for i in 0..M {
        for j in 0..N {
            let (v, p) = (entry(i, j), (0..K).map(|t| w[(i, t)] * h[(t, j)]).sum::<f64>());
            sum += match loss.beta() {
                2.0 => 0.5 * (v - p).powi(2),
                1.0 => v * (v / p).ln() - v + p,
                0.0 => v / p - (v / p).ln() - 1.0,
                beta => {
                    (v.powf(beta) + (beta - 1.0) * p.powf(beta) - beta * v * p.powf(beta - 1.0))
                        / (beta * (beta - 1.0))
                }
            };
        }
    }
    sum
}

/// Every method that a fit can have, of four losses.
fn methods() -> Vec<Method> {
    let losses = [Loss::Frobenius, Loss::KullbackLeibler, Loss::ItakuraSaito, Loss::Beta(1.5)];
    let each = |loss| {
        Update::ALL.iter().flat_map(move |&update| {
            [false, true].map(|on| Method { extrapolate: Some(on), ..Method::new(loss, update) })
        })
    };
    losses.into_iter().flat_map(each).filter(|method| method.check().is_ok()).collect()
}

#[test]
fn extrapolated_fits_go_back_to_their_best_pair_and_others_keep_the_rows_that_moved() {
    let (mut inside, mut measured) = (0, 0);
    for method in methods() {
        for by_columns in [false, true] {
            let v = data(by_columns);
            let view = if by_columns { v.view().transposed() } else { v.view() };
            let fits: Vec<_> = (1..6).map(|n| nmf(method, n).fit(&view).unwrap()).collect();
            for (checks, renews) in (1..160).step_by(13).flat_map(|c| [(c, false), (c, true)]) {
                let what = format!("{method:?} by_columns {by_columns} {checks} {renews}");
                let ended = nmf(method, 5).cancel(&Cancel::after(checks, renews)).fit(&view);
                let ended = match ended {
                    Err(Error::Interrupted) => continue,
                    ended => ended.expect(&what),
                };
                let report = &ended.report;
                if report.stop_reason != StopReason::Interrupted {
                    continue;
                }
                inside += 1;
                let unmeasured = report.warnings.contains(&Warning::Unmeasured);
                assert!(!(unmeasured && renews), "{what}");
                let done = report.iterations;
                assert!(report.history.len() == done && (1..5).contains(&done), "{what}");
                let (w, h) = (&ended.w, ended.model.components());
                assert!(
                    w.as_slice().iter().chain(h.as_slice()).all(|x| x.is_finite() && *x >= 0.0),
                    "{what}"
                );
                let (before, after) = (&fits[done - 1], &fits[done]);
                let (old, new) = (before.model.components(), after.model.components());
                if report.plan.method.is_extrapolated() {
                    assert_eq!((w, h), (&before.w, old), "{what}");
                } else {
                    let moved = |i: usize| w.row(i) == after.w.row(i) || w.row(i) == before.w.row(i);
                    assert!((0..M).all(moved), "{what}: a row of W is of neither iteration");
                    let column = |x: &Dense<f64>, j: usize| (0..K).map(|t| x[(t, j)]).collect::<Vec<_>>();
                    let moved = |j| column(h, j) == column(new, j) || column(h, j) == column(old, j);
                    assert!((0..N).all(moved), "{what}: a column of H is of neither iteration");
                }
                let truth = loss(method.loss, w, h);
                if !unmeasured {
                    measured += 1;
                    assert!((report.loss - truth).abs() <= 1e-9 * truth, "{what}: {} {truth}", report.loss);
                } else if report.plan.method.is_extrapolated() {
                    // in Gram form
                    assert!((report.loss - truth).abs() <= 1e-8 * truth, "{what}: {} {truth}", report.loss);
                } else {
                    let last = report.history[done - 1].objective;
                    assert!((report.loss - last).abs() <= 1e-8 * last, "{what}: {} {last}", report.loss);
                }
            }
        }
    }
    assert!(inside > 200 && measured > 100, "{inside} {measured}");
}

/// Lines that are read, as several ranks share them.
#[derive(Debug)]
struct Lines {
    v: Dense<f64>,
    by_columns: bool,
}

impl ReadLines<f64> for Lines {
    fn nrows(&self) -> usize {
        M
    }

    fn ncols(&self) -> usize {
        N
    }

    fn by_columns(&self) -> bool {
        self.by_columns
    }

    fn read(&self, lines: Range<usize>, out: &mut [f64]) -> Result<(), Error> {
        let length = self.v.ncols();
        out.copy_from_slice(&self.v.as_slice()[lines.start * length..lines.end * length]);
        Ok(())
    }
}

#[test]
fn ranks_end_where_one_of_them_is_ended() {
    let mut inside = 0;
    for method in methods().into_iter().filter(|method| method.update != Update::Newton) {
        for by_columns in [false, true] {
            let lines = Lines { v: data(by_columns), by_columns };
            for (checks, renews) in (2..60).step_by(8).flat_map(|c| [(c, false), (c, true)]) {
                let what = format!("{method:?} by_columns {by_columns} {checks} {renews}");
                let fits: Vec<_> = thread::scope(|scope| {
                    let fit = |(rank, one)| {
                        let cancel = if rank == 1 { Cancel::after(checks, renews) } else { Cancel::new() };
                        let nmf = nmf(method, 5).cancel(&cancel).communicator(Arc::new(one));
                        let lines = &lines;
                        scope.spawn(move || nmf.fit(&OutOfCore::new(lines)))
                    };
                    let ranks: Vec<_> = LocalCommunicator::new(3).into_iter().enumerate().map(fit).collect();
                    ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
                });
                let Ok(first) = &fits[0] else {
                    assert!(
                        fits.iter().all(|fit| matches!(fit, Err(Error::Interrupted))),
                        "{what}: {fits:?}"
                    );
                    continue;
                };
                inside += usize::from(first.report.stop_reason == StopReason::Interrupted);
                for fit in &fits[1..] {
                    let fit = fit.as_ref().expect(&what);
                    assert_eq!(fit.report.iterations, first.report.iterations, "{what}");
                    assert_eq!(
                        (&fit.w, fit.model.components()),
                        (&first.w, first.model.components()),
                        "{what}"
                    );
                    assert_eq!(fit.report.loss.to_bits(), first.report.loss.to_bits(), "{what}");
                }
            }
        }
    }
    assert!(inside > 40, "{inside}");
}

/// Steps that were not ended leave no trace.
#[test]
fn fits_by_batches_keep_what_their_whole_steps_have_learnt() {
    let v = data(false);
    let mut inside = 0;
    for loss in [Loss::Frobenius, Loss::KullbackLeibler] {
        for fresh in [false, true] {
            let nmf = MiniBatchNmf::<f64>::new(K).loss(loss).batch_size(32).fresh_restarts(fresh).max_iter(3);
            let nmf = nmf.init(Init::Random).tol(0.0).max_no_improvement(None).threads(1);
            for checks in (1..400).step_by(9) {
                let ended = match nmf.clone().cancel(&Cancel::after(checks, false)).fit(&v) {
                    Err(Error::Interrupted) => continue,
                    ended => ended.unwrap(),
                };
                if ended.report.stop_reason != StopReason::Interrupted {
                    continue;
                }
                inside += 1;
                assert!(ended.report.warnings.contains(&Warning::Unmeasured));
                assert!(ended.report.loss.is_finite() && ended.report.relative_error > 0.0);
                let mut stop = |it: &crate::Iteration<'_, f64>| match it.number == ended.steps {
                    true => std::ops::ControlFlow::Break(StopReason::Observer),
                    false => std::ops::ControlFlow::Continue(()),
                };
                let whole = nmf.fit_observed(&v, &mut stop).unwrap();
                assert_eq!(ended.learnt, whole.learnt, "{loss} {fresh} {checks}");
            }
        }
    }
    assert!(inside > 40, "{inside}");
}

#[test]
fn starts_and_transforms_are_ended() {
    let v = Dense::from_fn(600, 500, |i, j| ((i * 7919 + j * 104_729 + i * j) % 101) as f64 + 1.0);
    let starts = [
        Init::ScaledRandom,
        Init::Nndsvd,
        Init::Nndsvda,
        Init::Nndsvdar,
        Init::ExactNndsvd,
        Init::ExactNndsvda,
        Init::Spa,
    ];
    for start in starts {
        let nmf = Nmf::<f64>::new(5).method(Method::hals()).init(start.clone()).threads(1);
        // the scan asks once a lane, and the start before each block
        let scanned = crate::lanes::lanes(600);
        for checks in [0, 1, scanned, scanned + 1, scanned + 2] {
            let ended = nmf.clone().cancel(&Cancel::after(checks, false)).init_factors(&v);
            assert_eq!(ended.err(), Some(Error::Interrupted), "{start:?} after {checks}");
        }
    }
    for loss in [Loss::Frobenius, Loss::KullbackLeibler] {
        let h = Dense::from_fn(3, 500, |t, j| ((t * 7 + j) % 5) as f64 + 0.5);
        let model =
            Model::from_components(h.clone(), crate::Penalty::default()).unwrap().with_loss(loss).unwrap();
        let transformed = |cancel: Cancel| {
            let how =
                crate::Transform { threads: Some(1), cancel: Some(cancel), ..crate::Transform::default() };
            model.transform_with(&v, &how)
        };
        assert_eq!(transformed(Cancel::after(3, false)).err(), Some(Error::Interrupted));
        assert!(transformed(Cancel::after(usize::MAX, false)).is_ok());
        let batches = MiniBatchNmf::<f64>::new(3).loss(loss).cancel(&Cancel::after(20, false)).threads(1);
        assert_eq!(batches.transform(&v, &h).err(), Some(Error::Interrupted));
    }
}

/// A limit that passes while a sketch is iterated on, or right after that.
#[test]
fn what_a_sketch_has_led_to_is_a_result() {
    let v = Dense::from_fn(900, 300, |i, j| {
        (0..6).map(|t| (((i * (t + 3)) % 17) * ((j * (t + 5)) % 13)) as f64).sum::<f64>()
            + ((i * j) % 7) as f64
    });
    let nmf = Nmf::<f64>::new(4).compress(true).seed(1).threads(1);
    let mut results = 0;
    for checks in (100..4000).step_by(60) {
        let ended = match nmf.clone().cancel(&Cancel::after(checks, false)).fit(&v) {
            Err(Error::Interrupted) => continue,
            ended => ended.unwrap(),
        };
        let report = &ended.report;
        if report.stop_reason != StopReason::Interrupted || report.iterations > 0 {
            continue;
        }
        results += 1;
        assert!(report.compression.is_some_and(|c| c.kept) && report.warnings.contains(&Warning::Unmeasured));
        let (w, h) = (&ended.w, ended.model.components());
        let mut truth = 0.0;
        for i in 0..900 {
            for j in 0..300 {
                let p: f64 = (0..4).map(|t| w[(i, t)] * h[(t, j)]).sum();
                truth += 0.5 * (v[(i, j)] - p).powi(2);
            }
        }
        assert!((report.loss - truth).abs() <= 1e-9 * truth, "{} {truth}", report.loss);
    }
    assert!(results > 0);
}
