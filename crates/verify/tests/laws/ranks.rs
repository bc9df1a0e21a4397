//! Law 26: a fit that several ranks share has the bits of one process, and what happens to one rank ends all.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use orthant::{
    Cancel, Checkpoint, Communicator, Dense, Error, Factor, Fit, Init, InitKind, Iteration,
    LocalCommunicator, Loss, Method, Nmf, Observer, OutOfCore, Penalty, Real, Stop, StopReason, ToMatrix,
    Update,
};
use orthant_verify::compare::cast;
use orthant_verify::forms::methods;
use orthant_verify::made::{drawn, positive};

use crate::out_of_core::{Lines, data, same_fit};
use crate::out_of_core_sparse::{self as sparse, Entries};

const LOSSES: [Loss; 5] =
    [Loss::Frobenius, Loss::KullbackLeibler, Loss::ItakuraSaito, Loss::Beta(1.5), Loss::Beta(3.0)];

/// What each of so many ranks makes of `f(rank, communicator)`.
fn on_ranks<R: Send>(size: usize, f: impl Fn(usize, Arc<dyn Communicator>) -> R + Sync) -> Vec<R> {
    std::thread::scope(|scope| {
        let f = &f;
        let start = |(rank, one): (usize, LocalCommunicator)| scope.spawn(move || f(rank, Arc::new(one)));
        let all: Vec<_> = LocalCommunicator::new(size).into_iter().enumerate().map(start).collect();
        all.into_iter().map(|rank| rank.join().unwrap()).collect()
    })
}

fn shared<T: Real>(nmf: &Nmf<T>, v: &(impl ToMatrix<T> + Sync), size: usize) -> Vec<Result<Fit<T>, Error>> {
    on_ranks(size, |_, one| nmf.clone().communicator(one).fit(v))
}

/// The fit on one process and on some numbers of ranks.
fn check_of<T: Real>(nmf: &Nmf<T>, v: &(impl ToMatrix<T> + Sync), sizes: &[usize], what: &str) {
    let alone = nmf.fit(v).unwrap();
    for &size in sizes {
        for fit in shared(nmf, v, size) {
            same_fit(&fit.unwrap(), &alone, &format!("{what} on {size} ranks"));
        }
    }
}

/// By rows and by columns.
fn check<T: Real>(nmf: &Nmf<T>, v: &Dense<T>, sizes: &[usize], what: &str) {
    for by_columns in [false, true] {
        let lines = Lines::new(v, by_columns);
        check_of(nmf, &OutOfCore::new(&lines), sizes, &format!("{what}, by columns {by_columns}"));
    }
}

/// The same of sparse data.
fn check_sparse<T: Real>(nmf: &Nmf<T>, v: &Dense<T>, sizes: &[usize], what: &str) {
    for by_columns in [false, true] {
        let entries = Entries::new(v, by_columns);
        check_of(nmf, &entries.read(), sizes, &format!("{what}, sparse, by columns {by_columns}"));
    }
}

fn every_method<T: Real>(m: usize, n: usize, k: usize) {
    let (v, entries) = (data::<T>(m, n), sparse::data::<T>(m, n, 6));
    for method in methods(&LOSSES).into_iter().filter(|method| method.update != Update::Newton) {
        let penalty = Penalty { alpha_w: 1e-3, alpha_h: Some(2e-3), l1_ratio: 0.5 };
        let nmf = Nmf::new(k).method(method).max_iter(7).seed(3);
        let what = format!("{method} with {}", method.loss);
        check(&nmf, &v, &[2, 3], &what);
        if method.loss != Loss::ItakuraSaito {
            check_sparse(&nmf.clone().penalty(penalty), &entries, &[3], &format!("{what} and penalties"));
        }
    }
}

/// Law 26.
#[test]
fn every_method_has_the_bits_of_one_process() {
    every_method::<f64>(130, 110, 3);
    every_method::<f32>(110, 70, 4);
}

/// Law 26. More ranks than lanes, lanes of many rows, numbers that are scaled, and losses that need another pass: of fits so near that
/// only the residual itself tells it, in double precision and in twice that.
#[test]
fn odd_problems_have_the_bits_of_one_process() {
    for (m, n, k) in [(1, 1, 1), (1, 40, 2), (40, 1, 2), (7, 5, 9), (2500, 3, 2)] {
        for loss in [Loss::Frobenius, Loss::KullbackLeibler] {
            let nmf = Nmf::new(k).method(Method::auto(loss)).max_iter(6);
            check(&nmf, &data::<f64>(m, n), &[2, 5, 7], &format!("{m}×{n} {loss}"));
        }
    }
    let v = data::<f32>(70, 60);
    let large = Dense::from_fn(70, 60, |i, j| v[(i, j)] * 1e30);
    check(&Nmf::new(3).max_iter(6), &large, &[3], "large");
    let long = data::<f32>(9000, 4);
    check(&Nmf::new(2).update(Update::Hals).max_iter(3), &long, &[3], "long lanes");
    let (w, h) = (drawn(120, 2, 1), drawn(2, 100, 2));
    let exact = Dense::from_fn(120, 100, |i, j| if (i + j) % 2 == 0 { w[(i, 0)] * h[(0, j)] } else { 0.0 });
    for stop in [Stop::Progress { tol: 0.0 }, Stop::ErrorDecrease { tol: 1e-12 }] {
        let nmf = Nmf::new(2).stop(stop).max_iter(200);
        check(&nmf, &exact, &[3], "an exact fit");
        check_sparse(&nmf, &exact, &[3], "an exact fit");
        check_sparse(
            &Nmf::new(2).stop(stop).max_iter(200),
            &cast::<f64, f32>(&exact),
            &[2],
            "an exact fit, f32",
        );
    }
}

/// Law 26. Starts, a sketch and a sample; known parts; H given.
#[test]
fn every_start_has_the_bits_of_one_process() {
    let v = sparse::data::<f64>(120, 110, 6);
    for &start in InitKind::ALL.iter().filter(|&&start| start != InitKind::Custom && start != InitKind::Spa) {
        let nmf = Nmf::new(4).init(start.init().unwrap()).update(Update::Hals).max_iter(4).seed(2);
        check(&nmf, &v, &[3], &format!("{start:?}"));
        check_sparse(&nmf, &v, &[2], &format!("{start:?}"));
    }
    let sketched = Nmf::new(3).compress(true).max_iter(7);
    check(&sketched, &data::<f32>(260, 190), &[3], "a sketch");
    check_sparse(&sketched, &sparse::data::<f32>(260, 190, 9), &[3], "a sketch");
    let entries = Entries::new(&v, false);
    assert!(Nmf::new(2).fit(&entries.read()).unwrap().report.plan.sample.is_some());
    check_sparse(&Nmf::new(2).max_iter(7), &v, &[3], "a sample");
    let parts = Dense::from_fn(4, 110, |t, j| if t == 0 { (j % 5) as f64 } else { f64::NAN });
    check(&Nmf::new(4).h(Factor::new().fixed(&parts)).max_iter(7), &v, &[3], "a known component");

    let h = drawn(3, 110, 4);
    for by_columns in [false, true] {
        let lines = Lines::new(&v, by_columns);
        let v = OutOfCore::new(&lines);
        for loss in [Loss::Frobenius, Loss::KullbackLeibler] {
            let nmf = Nmf::new(3).update(if loss.is_quadratic() { Update::Hals } else { Update::Mm });
            let nmf = nmf.loss(loss).max_iter(9);
            let alone = nmf.fit_weights(&v, &h).unwrap();
            for fit in on_ranks(3, |_, one| nmf.clone().communicator(one).fit_weights(&v, &h)) {
                same_fit(&fit.unwrap(), &alone, &format!("H given, {loss}, by columns {by_columns}"));
            }
        }
    }
}

/// Takes a checkpoint and the factors after one iteration, and asks for nothing else.
struct Taking {
    at: usize,
    taken: Option<(Checkpoint, Dense<f64>)>,
}

impl Observer<f64> for Taking {
    fn wants_factors(&mut self, number: usize, _: Option<StopReason>) -> bool {
        number == self.at
    }

    fn observe(&mut self, iteration: &Iteration<'_, f64>) -> ControlFlow<StopReason> {
        if iteration.number == self.at {
            self.taken = Some((iteration.checkpoint().unwrap(), iteration.factors().0));
        }
        ControlFlow::Continue(())
    }
}

/// Law 26, 30. A checkpoint that any rank takes is that of one process, and any number of ranks goes on from it.
#[test]
fn checkpoints_go_from_ranks_to_ranks() {
    let v = data::<f64>(130, 70);
    for by_columns in [false, true] {
        let lines = Lines::new(&v, by_columns);
        let v = OutOfCore::new(&lines);
        for method in methods(&[Loss::Frobenius, Loss::KullbackLeibler, Loss::Beta(1.5)]) {
            if method.update == Update::Newton {
                continue;
            }
            let what = format!("{method} with {}, by columns {by_columns}", method.loss);
            let nmf = Nmf::new(3).method(method).max_iter(9).seed(1);
            let mut alone = Taking { at: 4, taken: None };
            let whole = nmf.fit_observed(&v, &mut alone).unwrap();
            let (checkpoint, w) = alone.taken.unwrap();
            let taken = on_ranks(3, |rank, one| {
                // the second rank takes it, and the others only give what they have
                let mut taking = Taking { at: if rank == 1 { 4 } else { 0 }, taken: None };
                let fit = nmf.clone().communicator(one).fit_observed(&v, &mut taking).unwrap();
                same_fit(&fit, &whole, &what);
                taking.taken
            });
            let (of_ranks, w_of_ranks) = taken[1].clone().unwrap();
            assert_eq!(w_of_ranks, w, "{what}");
            // seconds aside
            assert_eq!(of_ranks.state().len(), checkpoint.state().len(), "{what}");
            for size in [1, 2] {
                let resumed = on_ranks(size, |_, one| {
                    nmf.clone().checkpoint(of_ranks.clone()).communicator(one).fit(&v).unwrap()
                });
                resumed.iter().for_each(|fit| same_fit(fit, &whole, &format!("{what}, resumed on {size}")));
            }
        }
    }
}

/// Fault 59. A rank that cannot read ends the others, whenever that is: each has an error, and none waits.
#[test]
fn a_rank_that_fails_ends_all() {
    let v = positive(90, 40, 3);
    let nmf = Nmf::new(3).max_iter(4).threads(1);
    let plain = nmf.clone().compress(false);
    let begun = {
        let mut taking = Taking { at: 1, taken: None };
        plain.fit_observed(&OutOfCore::new(&Lines::new(&v, false)), &mut taking).unwrap();
        taking.taken.unwrap().0
    };
    for nmf in [
        nmf.clone(),
        plain.clone(),
        nmf.clone().loss(Loss::KullbackLeibler),
        // what each rank reads by itself: the mean, and the fingerprint of data that is gone on with
        nmf.clone().init(Init::Random),
        plain.clone().init(Init::Random),
        nmf.init(Init::Nndsvda),
        plain.checkpoint(begun),
    ] {
        let counted = AtomicUsize::new(0);
        on_ranks(3, |rank, one| {
            let lines = Lines::new(&v, false);
            nmf.clone().communicator(one).fit(&OutOfCore::new(&lines)).unwrap();
            if rank == 1 {
                counted.store(lines.reads(), Ordering::Relaxed);
            }
        });
        let all = counted.load(Ordering::Relaxed);
        assert!(all >= 4, "{all} reads");
        for reads in 0..all {
            let outcomes = on_ranks(3, |rank, one| {
                let lines = Lines::for_reads(&v, false, if rank == 1 { reads } else { usize::MAX });
                nmf.clone().communicator(one).fit(&OutOfCore::new(&lines)).map(drop).unwrap_err()
            });
            assert!(matches!(outcomes[1], Error::Unreadable { .. }), "{reads}: {:?}", outcomes[1]);
            for error in [&outcomes[0], &outcomes[2]] {
                let text = error.to_string();
                assert!(matches!(error, Error::Communication { .. }), "{reads}: {text}");
                assert!(text.contains("rank 1 has failed: v.npy: gone"), "{reads}: {text}");
            }
        }
    }
}

/// A flag that one rank raises, an observer of one rank that has seen enough, and a time limit, which passes for each at another time:
/// all ranks end with the same iteration and the same factors.
#[test]
fn what_ends_one_rank_ends_all_alike() {
    let lines = Lines::new(&positive(400, 120, 3), false);
    let v = OutOfCore::new(&lines);
    let nmf = Nmf::new(4).stop(Stop::Progress { tol: 0.0 }).max_iter(1_000_000);
    let same = |fits: Vec<Fit<f64>>, reason| {
        for fit in &fits {
            assert_eq!((fit.report.stop_reason, fit.report.iterations), (reason, fits[0].report.iterations));
            assert_eq!((&fit.w, fit.model.components()), (&fits[0].w, fits[0].model.components()));
        }
    };
    let cancelled = on_ranks(3, |rank, one| {
        let cancel = Cancel::new();
        let raised = cancel.clone();
        let mut observer = move |it: &Iteration<'_, f64>| {
            if rank == 2 && it.number == 5 {
                raised.cancel();
            }
            ControlFlow::<StopReason>::Continue(())
        };
        nmf.clone().cancel(&cancel).communicator(one).fit_observed(&v, &mut observer).unwrap()
    });
    same(cancelled, StopReason::Interrupted);
    let enough = on_ranks(3, |rank, one| {
        let mut observer = move |it: &Iteration<'_, f64>| match it.number {
            7 if rank == 1 => ControlFlow::Break(StopReason::Observer),
            _ => ControlFlow::Continue(()),
        };
        nmf.clone().communicator(one).fit_observed(&v, &mut observer).unwrap()
    });
    assert_eq!(enough[0].report.iterations, 7);
    same(enough, StopReason::Observer);
    let limited = nmf.max_time(Duration::from_millis(150));
    same(shared(&limited, &v, 3).into_iter().map(Result::unwrap).collect(), StopReason::TimeLimit);
}

/// Ranks with other options or other data, data in memory, and a panic on one rank.
#[test]
fn ranks_that_do_not_go_together_are_errors_on_all() {
    let (a, b) = (Lines::new(&positive(90, 40, 3), false), Lines::new(&positive(91, 40, 3), false));
    let nmf = Nmf::<f64>::new(3).max_iter(3);
    for error in on_ranks(2, |rank, one| {
        let nmf = nmf.clone().communicator(one).seed(rank as u32);
        nmf.fit(&OutOfCore::new(&a)).map(drop).unwrap_err()
    }) {
        assert!(error.to_string().contains("options"), "{error}");
    }
    for error in on_ranks(2, |rank, one| {
        let lines = if rank == 0 { &a } else { &b };
        nmf.clone().communicator(one).fit(&OutOfCore::new(lines)).map(drop).unwrap_err()
    }) {
        assert!(error.to_string().contains("matrix"), "{error}");
    }
    // other numbers, so that one rank finds something else
    let dense = positive(90, 40, 3);
    for error in shared(&nmf, &dense, 2) {
        assert!(matches!(error, Err(Error::Unsupported { .. })));
    }
    let outcomes = on_ranks(3, |rank, one| {
        let mut observer = move |it: &Iteration<'_, f64>| {
            assert!(rank != 0 || it.number < 2, "had enough");
            ControlFlow::<StopReason>::Continue(())
        };
        let lines = Lines::new(&dense, false);
        nmf.clone()
            .communicator(one)
            .fit_observed(&OutOfCore::new(&lines), &mut observer)
            .map(drop)
            .unwrap_err()
    });
    assert!(matches!(&outcomes[0], Error::Panicked { message } if message.contains("had enough")));
    assert!(outcomes[1..].iter().all(|e| e.to_string().contains("rank 0 has failed")), "{outcomes:?}");
}
