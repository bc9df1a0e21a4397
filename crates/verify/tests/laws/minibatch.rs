//! Laws of mini-batches.

use std::ops::ControlFlow;

use orthant::{Dense, Init, Iteration, Loss, Method, MiniBatchFit, MiniBatchNmf, Penalty, Real, StopReason};
use orthant_verify::compare::{cast, first_other_bit, is_non_negative, worst_entry};
use orthant_verify::divergences::{LOSSES, divergence, objective};
use orthant_verify::fits::{fixed, trace};
use orthant_verify::layout::{ALL, Layout, Stored};
use orthant_verify::strategies::{Numbers, Problem, Recipe, cases, penalties, positive_recipes, recipes};
use proptest::prelude::*;

type Factors<T> = (Dense<T>, Dense<T>);

fn from<T: Real>(p: &Problem<T>, loss: Loss, penalty: Penalty) -> MiniBatchNmf<T> {
    MiniBatchNmf::new(p.h.nrows())
        .loss(loss)
        .penalty(penalty)
        .tol(0.0)
        .max_no_improvement(None)
        .init(Init::Custom { w: p.w.clone(), h: p.h.clone() })
}

fn traced<T: Real>(nmf: &MiniBatchNmf<T>, v: &Stored<T>) -> (MiniBatchFit<T>, Vec<Factors<T>>) {
    let mut steps = Vec::new();
    let mut keep = |it: &Iteration<'_, T>| {
        steps.push(it.factors());
        ControlFlow::<StopReason>::Continue(())
    };
    let fit = nmf.fit_observed(v, &mut keep).unwrap();
    (fit, steps)
}

fn losses() -> impl Strategy<Value = Loss> {
    proptest::sample::select(LOSSES.to_vec())
}

proptest! {
    #![proptest_config(cases(64))]

    /// Law 1. Factors are non-negative and finite after every batch, whatever its size.
    #[test]
    fn factors_are_non_negative_and_finite_after_every_step(
        recipe in recipes(), loss in losses(), penalty in penalties(), batch in 1..40_usize,
    ) {
        let p = recipe.build_for(loss);
        let nmf = from(&p, loss, penalty).batch_size(batch).max_iter(3);
        let (fit, steps) = traced(&nmf, &Stored::new(&p.v, Layout::RowMajor));
        prop_assert_eq!(fit.steps, 3 * recipe.m.div_ceil(batch.min(recipe.m)));
        prop_assert_eq!((fit.report.iterations, steps.len(), fit.report.history.len()), (3, fit.steps, fit.steps));
        for (w, h) in &steps {
            prop_assert!(is_non_negative(w) && is_non_negative(h));
        }
        prop_assert!(fit.report.objective.is_finite() && fit.report.objective >= fit.report.loss);
    }

    /// Law 48. With one batch that forgets everything, a step is the multiplicative update.
    #[test]
    fn one_batch_without_memory_is_the_multiplicative_update(
        recipe in positive_recipes(), loss in losses(), penalty in penalties(), layout in 0..ALL.len(),
    ) {
        let p = recipe.build_for(loss);
        let v = Stored::new(&p.v, ALL[layout]);
        let (_, expected) = trace(&fixed(Method::mu(loss), penalty, &p.w, &p.h, 3), &p.v).unwrap();
        for batch in [recipe.m, recipe.m + 7] {
            let nmf = from(&p, loss, penalty).batch_size(batch).forget_factor(0.0).max_iter(3);
            let (_, steps) = traced(&nmf, &v);
            for (number, ((w, h), s)) in steps.iter().zip(&expected).enumerate() {
                let d = worst_entry(w, &s.w, 1e-4).max(worst_entry(h, &s.h, 1e-4));
                prop_assert!(d <= 1e-10, "step {} in {:?} differs by {:e}", number, ALL[layout], d);
            }
        }
    }

    /// Law 13. An entry that starts as 0 is 0 after every batch.
    #[test]
    fn zeros_stay_zeros(recipe in recipes(), loss in losses(), batch in 1..40_usize) {
        let p = Recipe { zeros_in_start: true, ..recipe }.build_for(loss);
        let nmf = from(&p, loss, Penalty::default()).batch_size(batch).max_iter(2);
        for (w, h) in traced(&nmf, &Stored::new(&p.v, Layout::RowMajor)).1 {
            for (start, now) in [(&p.w, &w), (&p.h, &h)] {
                for (&a, &b) in start.as_slice().iter().zip(now.as_slice()) {
                    prop_assert!(a != 0.0 || b.to_bits() == 0, "{} became {}", a, b);
                }
            }
        }
    }

    /// Law 45. The loss and the objective that are reported are the oracle's.
    #[test]
    fn reported_losses_are_the_oracles(
        recipe in positive_recipes(), loss in losses(), penalty in penalties(), batch in 5..40_usize,
    ) {
        let p = recipe.build_for(loss);
        let nmf = from(&p, loss, penalty).batch_size(batch).max_iter(2);
        let (fit, _) = traced(&nmf, &Stored::new(&p.v, Layout::RowMajor));
        let h = fit.model.components();
        // below its floors the rule counts otherwise
        prop_assume!(orthant_verify::divergences::clear_of_floors::<f64>(Method::mu(loss), &p.v, &fit.w, h));
        let (d, all) = (
            divergence(&p.v, &fit.w, h, loss.beta()),
            objective(&p.v, &fit.w, h, penalty, loss.beta()),
        );
        let off = (fit.report.loss - d.value).abs();
        prop_assert!(off <= 1e-12 * d.size, "loss {} reported, {} true", fit.report.loss, d.value);
        let off = (fit.report.objective - all.value).abs();
        prop_assert!(off <= 1e-12 * all.size, "objective {} reported, {} true", fit.report.objective, all.value);
    }
}

fn data<T: Real>() -> Dense<T> {
    let v = Numbers::new(11).matrix(2400, 40);
    cast(&Dense::from_fn(2400, 40, |i, j| v[(i, j)] + 0.01))
}

/// Threads do not matter, neither to a fit nor to learning online.
fn assert_threads_do_not_matter<T: Real>(layout: Layout) {
    let mut dense = data::<T>();
    let mut losses = vec![Loss::Frobenius, Loss::KullbackLeibler, Loss::Beta(0.3)];
    if layout.is_sparse() {
        dense.as_mut_slice().iter_mut().filter(|x| x.to_f64() < 0.3).for_each(|x| *x = T::ZERO);
    } else {
        losses.push(Loss::ItakuraSaito);
    }
    let v = Stored::new(&dense, layout);
    let parts = [0, 800, 1600].map(|first| {
        let part = Dense::from_fn(800, dense.ncols(), |i, j| dense[(first + i, j)]);
        Stored::new(&part, layout)
    });
    for loss in losses {
        for fresh in [false, true] {
            let nmf = MiniBatchNmf::<T>::new(4).loss(loss).init(Init::Random).seed(3).batch_size(900);
            let nmf = nmf.max_iter(2).fresh_restarts(fresh).fresh_restarts_max_iter(4);
            let run = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let fit = nmf.fit(&v).unwrap();
                    let mut online = nmf.online().unwrap();
                    parts.iter().for_each(|part| online.partial_fit(part).unwrap());
                    let h = fit.model.components().clone();
                    let w = nmf.transform(&v, &h).unwrap();
                    (fit, online.model().unwrap(), w)
                })
            };
            let (reference, learnt, weights) = run(1);
            assert!(reference.report.plan.lanes >= 8, "{:?}", reference.report.plan);
            for threads in [2, 3, 8] {
                let (fit, model, w) = run(threads);
                let what = format!("{} {layout:?} {loss} {threads} threads", T::NAME);
                assert_eq!(first_other_bit(&fit.w, &reference.w), None, "{what}");
                let h = reference.model.components();
                assert_eq!(first_other_bit(fit.model.components(), h), None, "{what}");
                assert_eq!(fit.report.objective.to_bits(), reference.report.objective.to_bits(), "{what}");
                assert_eq!(first_other_bit(model.components(), learnt.components()), None, "online, {what}");
                assert_eq!(first_other_bit(&w, &weights), None, "transform, {what}");
            }
        }
    }
}

/// Law 23. Fits, learning online and `transform` have the same bits on any number of threads.
#[test]
fn the_number_of_threads_does_not_matter() {
    assert_threads_do_not_matter::<f64>(Layout::RowMajor);
    assert_threads_do_not_matter::<f32>(Layout::RowMajor);
}

/// Law 23. Any number of threads gives the same bits, of sparse data by rows and by columns.
#[test]
fn the_number_of_threads_does_not_matter_to_sparse_data() {
    assert_threads_do_not_matter::<f64>(Layout::Csr);
    assert_threads_do_not_matter::<f32>(Layout::Csc);
}

/// Law 31. A seed gives the same bits again, and another seed gives others.
#[test]
fn the_same_seed_gives_the_same_bits() {
    let v = data::<f64>();
    let fit = |seed| {
        let nmf = MiniBatchNmf::new(4).loss(Loss::KullbackLeibler).init(Init::Random).batch_size(500);
        nmf.seed(seed).max_iter(2).fit(&v).unwrap()
    };
    let (a, b, c) = (fit(1), fit(1), fit(2));
    assert_eq!(first_other_bit(&a.w, &b.w), None);
    assert_eq!(first_other_bit(a.model.components(), b.model.components()), None);
    assert!(first_other_bit(&a.w, &c.w).is_some());
}

/// Learning online from a fit's batches in their order, each from a fresh W, is the fit with fresh restarts, but that
/// each knows the past by its own first batch: with batches of one size and no memory there is no difference.
#[test]
fn learning_online_is_fitting_with_fresh_restarts() {
    let v = data::<f64>();
    for loss in [Loss::Frobenius, Loss::KullbackLeibler, Loss::ItakuraSaito] {
        let p =
            Problem { v: v.clone(), w: Numbers::new(2).matrix(2400, 3), h: Numbers::new(3).matrix(3, 40) };
        let nmf = from(&p, loss, Penalty::default()).batch_size(600).forget_factor(0.0).max_iter(1);
        let fit = nmf.clone().fresh_restarts(true).fit(&v).unwrap();
        // the start of learning online has the first batch's rows
        let first = Dense::from_fn(600, 3, |i, t| p.w[(i, t)]);
        let nmf = nmf.init(Init::Custom { w: first, h: p.h.clone() });
        let mut online = nmf.online().unwrap();
        for batch in 0..4 {
            online.partial_fit(&v.view().rows(600 * batch..600 * (batch + 1))).unwrap();
        }
        assert_eq!(online.steps(), 4);
        let d = worst_entry(online.model().unwrap().components(), fit.model.components(), 1e-6);
        assert!(d <= 1e-12, "{loss}: differs by {d:e}");
    }
}
