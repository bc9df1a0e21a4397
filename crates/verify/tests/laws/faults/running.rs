//! Fits that are watched, stopped, and run on many threads.

use std::ops::ControlFlow;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use orthant::{
    Cancel, Dense, Error, Fit, Iteration, Loss, Method, MiniBatchNmf, Nmf, Scale, StopReason, Warning,
};
use orthant_verify::compare::{first_other_bit, is_non_negative};
use orthant_verify::divergences;
use orthant_verify::layout::Stored;
use orthant_verify::oracle;

use super::{LOSSES, ORDERS, all, batches, problem};

/// What a fit that was cut off must still be: the true figures of its last iteration.
fn assert_best_so_far(fit: &Fit<f64>, v: &Dense<f64>) {
    let h = fit.model.components();
    assert!(is_non_negative(&fit.w) && is_non_negative(h));
    assert_eq!(fit.report.history.len(), fit.report.iterations);
    let d = divergences::divergence(v, &fit.w, h, fit.report.loss_function.beta());
    let (loss, slack) = (d.value, 1e-10 * d.size.max(oracle::norm_squared(v)));
    assert!((fit.report.loss - loss).abs() <= slack);
    let best = fit.report.history.iter().map(|point| point.objective).fold(f64::INFINITY, f64::min);
    assert!(loss <= best + slack, "{loss} at the end, {best} on the way");
}

fn endless(method: Method) -> Nmf<f64> {
    Nmf::new(3).method(method).scale(Scale::None).tol(0.0).max_iter(usize::MAX)
}

/// Fault 56. A fit that is cancelled ends with the best so far, and says so.
#[test]
fn a_cancelled_fit_returns_the_best_so_far() {
    let v = problem().v;
    for method in all() {
        let cancel = Cancel::new();
        let from_outside = cancel.clone();
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            from_outside.cancel();
        });
        let fit = endless(method).cancel(&cancel).fit(&v).unwrap();
        killer.join().unwrap();
        assert_eq!(fit.report.stop_reason, StopReason::Interrupted, "{method:?}");
        assert_best_so_far(&fit, &v);
    }
}

/// Fault 56. A fit whose time is over ends with the best so far, and says so.
#[test]
fn a_time_limit_returns_the_best_so_far() {
    let v = problem().v;
    for method in all() {
        let begin = Instant::now();
        let fit = endless(method).max_time(Duration::from_millis(30)).fit(&v).unwrap();
        assert!(begin.elapsed() >= Duration::from_millis(30));
        assert_eq!(fit.report.stop_reason, StopReason::TimeLimit, "{method:?}");
        assert!(!fit.report.converged());
        assert_best_so_far(&fit, &v);
        let fit = endless(method).max_time(Duration::ZERO).fit(&v).unwrap();
        assert_eq!((fit.report.iterations, fit.report.stop_reason), (1, StopReason::TimeLimit));
    }
}

/// Fault 56. An observer ends a fit with the factors that it has seen.
#[test]
fn an_observer_ends_a_fit_where_it_says() {
    let v = problem().v;
    for layout in ORDERS {
        for method in all() {
            let mut seen = None;
            let mut third = |it: &Iteration<'_, f64>| {
                seen = Some(it.factors());
                if it.number == 3 {
                    ControlFlow::Break(StopReason::Observer)
                } else {
                    ControlFlow::Continue(())
                }
            };
            let fit = endless(method).fit_observed(&Stored::new(&v, layout), &mut third).unwrap();
            assert_eq!((fit.report.iterations, fit.report.stop_reason), (3, StopReason::Observer));
            assert_best_so_far(&fit, &v);
            let (w, h) = seen.unwrap();
            assert_eq!(first_other_bit(&w, &fit.w), None);
            assert_eq!(first_other_bit(&h, fit.model.components()), None);
        }
    }
}

/// Fault 57. A panic in an observer is an error with its message, without a deadlock, and later fits go on.
#[test]
fn a_panicking_observer_harms_no_later_fit() {
    for threads in [1, 2] {
        for layout in ORDERS {
            let (done, outcome) = mpsc::channel();
            // in a thread of its own, so that a deadlock is a failure and not a hang
            std::thread::spawn(move || {
                let v = Stored::new(&problem().v, layout);
                let mut panics = |it: &Iteration<'_, f64>| -> ControlFlow<StopReason> {
                    assert!(it.number < 2, "the observer has had enough");
                    ControlFlow::Continue(())
                };
                let first = Nmf::new(3).threads(threads).tol(0.0).fit_observed(&v, &mut panics).map(|_| ());
                let second = Nmf::new(3).threads(threads).fit(&v).map(|_| ());
                done.send((first, second)).unwrap();
            });
            let (first, second) = outcome.recv_timeout(Duration::from_secs(60)).expect("no deadlock");
            match first.unwrap_err() {
                Error::Panicked { message } => assert!(message.contains("had enough"), "{message}"),
                other => panic!("{other:?}"),
            }
            second.expect("a later fit is not harmed");
        }
    }
}

/// Fault 58. No threads are an error, and more than the cores are that many, with a warning.
#[test]
fn threads_are_between_one_and_the_cores() {
    let v = problem().v;
    let error = Nmf::new(2).threads(0).fit(&v).unwrap_err();
    assert!(matches!(error, Error::InvalidParam { name: "threads", .. }), "{error:?}");
    let cores = std::thread::available_parallelism().unwrap().get();
    let one = Nmf::new(2).threads(1).fit(&v).unwrap();
    let many = Nmf::new(2).threads(cores + 1000).fit(&v).unwrap();
    let told = Warning::ThreadsClamped { asked: cores + 1000, used: many.report.plan.threads };
    assert!(many.report.warnings.contains(&told), "{:?}", many.report.warnings);
    assert!((1..=cores).contains(&many.report.plan.threads));
    assert!(!one.report.warnings.iter().any(|w| matches!(w, Warning::ThreadsClamped { .. })));
    assert_eq!(first_other_bit(&many.w, &one.w), None);
}

/// Fault 56. Mini-batches end after the batch in which they are cancelled, timed out or stopped by the observer.
#[test]
fn batches_end_where_they_are_stopped() {
    let v = problem().v;
    let endless = |loss: Loss| -> MiniBatchNmf<f64> {
        batches(loss).tol(0.0).max_no_improvement(None).max_iter(usize::MAX)
    };
    for loss in LOSSES {
        let cancel = Cancel::new();
        cancel.cancel();
        let fit = endless(loss).cancel(&cancel).fit(&v).unwrap();
        assert_eq!((fit.report.stop_reason, fit.steps), (StopReason::Interrupted, 1), "{loss}");
        let fit = endless(loss).max_time(Duration::ZERO).fit(&v).unwrap();
        assert_eq!((fit.report.stop_reason, fit.steps), (StopReason::TimeLimit, 1), "{loss}");
        let mut seen = None;
        let mut fifth = |it: &Iteration<'_, f64>| {
            seen = Some(it.factors());
            if it.number == 5 { ControlFlow::Break(StopReason::Observer) } else { ControlFlow::Continue(()) }
        };
        // 13 rows by 5 are 3 steps a pass
        let fit = endless(loss).fit_observed(&v, &mut fifth).unwrap();
        assert_eq!((fit.report.stop_reason, fit.steps, fit.report.iterations), (StopReason::Observer, 5, 2));
        let (w, h) = seen.unwrap();
        assert_eq!(first_other_bit(&w, &fit.w), None, "{loss}");
        assert_eq!(first_other_bit(&h, fit.model.components()), None, "{loss}");
        let mut panics = |_: &Iteration<'_, f64>| -> ControlFlow<StopReason> { panic!("enough") };
        let error = endless(loss).fit_observed(&v, &mut panics).unwrap_err();
        assert!(matches!(error, Error::Panicked { ref message } if message.contains("enough")), "{error:?}");
    }
}
