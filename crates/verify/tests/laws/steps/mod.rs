//! Laws of a single step, from a given start, and of sparse data.

mod sparse;

use orthant::{Dense, Loss, Method, Penalty, Products, Real};
use orthant_verify::compare::{after_step, cast, first_other_bit, is_non_negative, unit_roundoff, weakest};
use orthant_verify::fits::{METHODS, fixed, step, step_with, trace};
use orthant_verify::layout::{ALL, Layout, Stored};
use orthant_verify::oracle;
use orthant_verify::strategies::{
    Data, Numbers, Problem, Recipe, cases, penalties, positive_recipes, recipes,
};
use proptest::prelude::*;

fn methods() -> impl Strategy<Value = Method> {
    proptest::sample::select(METHODS.to_vec())
}

fn permuted_rows<T: Real>(a: &Dense<T>, order: &[usize]) -> Dense<T> {
    Dense::from_fn(a.nrows(), a.ncols(), |i, j| a[(order[i], j)])
}

fn permuted_cols<T: Real>(a: &Dense<T>, order: &[usize]) -> Dense<T> {
    Dense::from_fn(a.nrows(), a.ncols(), |i, j| a[(i, order[j])])
}

/// The factors' difference after a step on V from an H of `before`.
fn apart<T: Real, U: Real, A: Real, B: Real>(
    v: &Dense<A>,
    before: &Dense<B>,
    a: &(Dense<T>, Dense<T>),
    b: &(Dense<U>, Dense<U>),
) -> f64 {
    // a thousandth is three of the digits between the tolerance of 1e-12 and rounding
    let weak = if T::NAME == "float64" { 1e-3 } else { 0.1 };
    after_step(v, before, (&a.0, &a.1), (&b.0, &b.1), weak).worst()
}

/// Multiplicative updates refuse to start from a factor that is all zero.
fn stuck(method: Method, w: &Dense<f64>, h: &Dense<f64>) -> bool {
    method.update.keeps_zeros() && [w, h].iter().any(|a| a.as_slice().iter().all(|&x| x == 0.0))
}

fn stays_non_negative_and_finite<T: Real>(
    p: &Problem<T>,
    method: Method,
    penalty: Penalty,
) -> Result<(), TestCaseError> {
    let (fit, steps) = trace(&fixed(method, penalty, &p.w, &p.h, 8), &p.v).unwrap();
    for (number, s) in steps.iter().enumerate() {
        prop_assert!(is_non_negative(&s.w) && is_non_negative(&s.h), "{} iteration {number}", T::NAME);
        prop_assert!(s.loss.is_finite() && s.loss >= 0.0 && s.objective >= s.loss);
    }
    // the result is the last iteration's, but for rows of W and columns of H that were only tending to 0
    let last = &steps[steps.len() - 1];
    let lines = |result: &Dense<T>, last: &Dense<T>| {
        (0..result.nrows()).all(|i| {
            let same = result.row(i).iter().zip(last.row(i)).all(|(a, b)| a == b);
            same || result.row(i).iter().all(|&x| x == T::ZERO)
        })
    };
    prop_assert!(lines(&fit.w, &last.w));
    prop_assert!(lines(&fit.model.components().transposed(), &last.h.transposed()));
    Ok(())
}

proptest! {
    #![proptest_config(cases(96))]

    /// Law 1. Factors are non-negative and finite after every step, in both precisions.
    #[test]
    fn factors_are_non_negative_and_finite_after_every_step(
        recipe in recipes(), method in methods(), penalty in penalties(),
    ) {
        let p = recipe.build();
        stays_non_negative_and_finite(&p, method, penalty)?;
        stays_non_negative_and_finite(&p.cast::<f32>(), method, penalty)?;
    }

    /// Law 13. An entry that starts as 0 stays 0 under multiplicative updates.
    #[test]
    fn multiplicative_updates_keep_zeros(recipe in recipes(), penalty in penalties()) {
        let p = Recipe { zeros_in_start: true, ..recipe }.build();
        let (_, steps) = trace(&fixed(Method::mu(Loss::Frobenius), penalty, &p.w, &p.h, 5), &p.v).unwrap();
        for s in &steps {
            for (start, now) in [(&p.w, &s.w), (&p.h, &s.h)] {
                for (&a, &b) in start.as_slice().iter().zip(now.as_slice()) {
                    prop_assert!(a != 0.0 || b.to_bits() == 0, "{} became {}", a, b);
                }
            }
        }
    }

    /// Law 14. Permuting the rows of V and of the start permutes those of W after a step.
    #[test]
    fn permuting_rows_permutes_w(
        recipe in recipes(), method in methods(), penalty in penalties(), seed in any::<u64>(),
    ) {
        let p = recipe.build();
        let order = Numbers::new(seed).permutation(recipe.m);
        let plain = step(method, penalty, &p.v, &p.w, &p.h).unwrap();
        let v = permuted_rows(&p.v, &order);
        let other = step(method, penalty, &v, &permuted_rows(&p.w, &order), &p.h).unwrap();
        let d = apart(&v, &p.h, &other, &(permuted_rows(&plain.0, &order), plain.1));
        prop_assert!(d <= 1e-12, "differs by {:e}", d);
    }

    /// Law 15. Permuting the columns of V and of the start permutes those of H after a step.
    #[test]
    fn permuting_columns_permutes_h(
        recipe in recipes(), method in methods(), penalty in penalties(), seed in any::<u64>(),
    ) {
        let p = recipe.build();
        let order = Numbers::new(seed).permutation(recipe.n);
        let plain = step(method, penalty, &p.v, &p.w, &p.h).unwrap();
        let (v, h) = (permuted_cols(&p.v, &order), permuted_cols(&p.h, &order));
        let other = step(method, penalty, &v, &p.w, &h).unwrap();
        let d = apart(&v, &h, &other, &(plain.0, permuted_cols(&plain.1, &order)));
        prop_assert!(d <= 1e-12, "differs by {:e}", d);
    }

    /// Law 17. The transpose goes through the transposed factors. W is updated first in every fit, and of the
    /// transpose that is H: so the transposed fit starts half a step later, and from H₀ᵀ and W₁ᵀ goes through
    /// H₁ᵀ, W₂ᵀ, H₂ᵀ, W₃ᵀ.
    #[test]
    fn the_transpose_with_start_and_order_swapped_is_the_transpose(
        recipe in positive_recipes(), method in methods(), penalty in penalties(),
    ) {
        let p = recipe.build();
        let swapped = Penalty {
            alpha_w: penalty.alpha_h(), alpha_h: Some(penalty.alpha_w), ..penalty
        };
        let (_, steps) = trace(&fixed(method, penalty, &p.w, &p.h, 3), &p.v).unwrap();
        let vt = p.v.transposed();
        let mut h_before = &p.h;
        for pair in steps.windows(2) {
            if stuck(method, &pair[0].w, h_before) {
                break;
            }
            let before = pair[0].w.transposed();
            let ours = step(method, swapped, &vt, &h_before.transposed(), &before).unwrap();
            let d = apart(&vt, &before, &ours, &(pair[0].h.transposed(), pair[1].w.transposed()));
            prop_assert!(d <= 1e-11, "differs by {:e}", d);
            h_before = &pair[0].h;
        }
    }

    /// Law 17. Which way V lies in memory decides how the pass runs, not which factor comes first.
    #[test]
    fn column_major_data_follows_the_same_sequence(
        recipe in recipes(), method in methods(), penalty in penalties(),
    ) {
        let p = recipe.build();
        let by_columns = Stored::new(&p.v, Layout::ColMajor);
        let (_, by_rows) = trace(&fixed(method, penalty, &p.w, &p.h, 4), &p.v).unwrap();
        let (mut w, mut h) = (&p.w, &p.h);
        for s in &by_rows {
            if stuck(method, w, h) {
                break;
            }
            let ours = step(method, penalty, &by_columns, w, h).unwrap();
            let d = apart(&p.v, h, &ours, &(s.w.clone(), s.h.clone()));
            prop_assert!(d <= 1e-12, "a step differs by {:e}", d);
            (w, h) = (&s.w, &s.h);
        }
        // and uninterrupted, where the phase shift has to carry over from pass to pass
        let (fit, steps) = trace(&fixed(method, penalty, &p.w, &p.h, 4), &by_columns).unwrap();
        prop_assert!(fit.report.plan.by_columns || recipe.m == 1 || recipe.n == 1);
        let mut before = &p.h;
        for (s, next) in steps.iter().zip(&by_rows) {
            // a component that has shrunk to rounding comes back in a direction that is rounding's, too
            if weakest(&s.w, before).min(weakest(&s.w, &s.h)) < 1e-3 {
                break;
            }
            let d = apart(&p.v, before, &(s.w.clone(), s.h.clone()), &(next.w.clone(), next.h.clone()));
            prop_assert!(d <= 1e-9, "differs by {:e}", d);
            before = &s.h;
        }
    }

    /// Law 18. Components that are rescaled by powers of two stay so, and the loss keeps its bits.
    #[test]
    fn rescaled_components_stay_rescaled(
        recipe in recipes(), method in methods(), exponents in proptest::collection::vec(-6..6_i32, 40),
    ) {
        let p = recipe.build();
        let by = |t: usize| 2f64.powi(exponents[t]);
        let rescaled = |w: &Dense<f64>, h: &Dense<f64>| {
            (
                Dense::from_fn(w.nrows(), w.ncols(), |i, t| w[(i, t)] * by(t)),
                Dense::from_fn(h.nrows(), h.ncols(), |t, j| h[(t, j)] / by(t)),
            )
        };
        let (w, h) = rescaled(&p.w, &p.h);
        let none = Penalty::default();
        let (plain, steps) = trace(&fixed(method, none, &p.w, &p.h, 3), &p.v).unwrap();
        let (other, scaled_steps) = trace(&fixed(method, none, &w, &h, 3), &p.v).unwrap();
        prop_assert_eq!(plain.report.loss.to_bits(), other.report.loss.to_bits());
        for (s, scaled) in steps.iter().zip(&scaled_steps) {
            let (w, h) = rescaled(&s.w, &s.h);
            prop_assert_eq!(first_other_bit(&scaled.w, &w), None);
            prop_assert_eq!(first_other_bit(&scaled.h, &h), None);
            prop_assert_eq!(s.loss.to_bits(), scaled.loss.to_bits());
        }
    }

    /// Law 27. A step in single precision is that in double precision but for rounding.
    #[test]
    fn single_precision_is_near_double(
        recipe in positive_recipes(), method in methods(), penalty in penalties(),
    ) {
        let single = recipe.build().cast::<f32>();
        let double = single.cast::<f64>(); // the same numbers
        let a = step(method, penalty, &single.v, &single.w, &single.h).unwrap();
        let b = step(method, penalty, &double.v, &double.w, &double.h).unwrap();
        let d = apart(&single.v, &single.h, &a, &b);
        prop_assert!(d <= 64.0 * recipe.k as f64 * unit_roundoff::<f32>(), "a step differs by {:e}", d);
    }

    /// Law 47. A step in one pass over V is the oracle's in two, in every layout.
    #[test]
    fn one_pass_is_the_two_pass_reference(
        recipe in recipes(), method in methods(), penalty in penalties(), layout in 0..ALL.len(),
    ) {
        let p = recipe.build();
        let stored = Stored::new(&p.v, ALL[layout]);
        let (mut w, mut h) = (p.w.clone(), p.h.clone());
        for number in 1..=3 {
            if stuck(method, &w, &h) {
                break;
            }
            let ours = step(method, penalty, &stored, &w, &h).unwrap();
            let before = h.clone();
            oracle::step(method, &p.v, &mut w, &mut h, penalty);
            let d = apart(&p.v, &before, &ours, &(w.clone(), h.clone()));
            prop_assert!(d <= 1e-12, "step {} in {:?} differs by {:e}", number, ALL[layout], d);
        }
    }

    /// Law 47. A step with products by gemm is the oracle's.
    #[test]
    fn gemm_products_take_the_same_step(
        recipe in recipes(), method in methods(), penalty in penalties(), by_columns in any::<bool>(),
    ) {
        let p = recipe.build();
        let stored = Stored::new(&p.v, if by_columns { Layout::ColMajor } else { Layout::RowMajor });
        let (mut w, mut h) = (p.w.clone(), p.h.clone());
        oracle::step(method, &p.v, &mut w, &mut h, penalty);
        let mut engines = vec![Products::Gemm];
        if cfg!(feature = "openblas") {
            engines.push(Products::Blas);
        }
        for products in engines {
            let nmf = fixed(method, penalty, &p.w, &p.h, 1).products(products);
            prop_assert_eq!(nmf.fit(&stored).unwrap().report.plan.products, products);
            let ours = step_with(&nmf, &stored).unwrap();
            let d = apart(&p.v, &p.h, &ours, &(w.clone(), h.clone()));
            prop_assert!(d <= 1e-12, "{:?} differs by {:e}", products, d);
        }
    }

    /// Law 47. The violation ratio that coordinate descent stops by is the oracle's.
    #[test]
    fn the_violation_ratio_is_the_references(recipe in positive_recipes(), penalty in penalties()) {
        let p = recipe.build();
        // Where data, start or residual have zeros, coordinates tend to 0, and whether rounding has already put
        // one there decides what a positive gradient counts for.
        prop_assume!(2 * recipe.k <= recipe.m.min(recipe.n));
        prop_assume!(matches!(recipe.data, Data::Uniform | Data::WideRange));
        let (mut w, mut h) = (p.w.clone(), p.h.clone());
        let (mut first, mut last) = (0.0, 0.0);
        for iterations in 1..5 {
            let before = h.clone();
            last = oracle::descent_step(&p.v, &mut w, &mut h, penalty, 1);
            if iterations == 1 {
                first = last;
            }
            // what comes back from a component of rounding is rounding's
            if weakest(&w, &before).min(weakest(&w, &h)) < 1e-3 {
                break;
            }
            let report = fixed(Method::cd(), penalty, &p.w, &p.h, iterations).fit(&p.v).unwrap().report;
            let (told, expected) = (report.violation_ratio.unwrap(), last / first);
            // each projected gradient is a difference of sums that have the first one's size
            prop_assert!((told - expected).abs() <= 1e-10 * expected + 1e-12, "{} and {}", told, expected);
        }
        prop_assert!(last.is_finite());
    }
}

/// Law 27. A fit of f32 data ends within a thousandth of the objective that double precision reaches.
#[test]
fn a_whole_fit_in_single_precision_reaches_the_same_objective() {
    for (seed, method) in [(1, Method::cd()), (2, Method::hals()), (3, Method::mu(Loss::Frobenius))] {
        let mut numbers = Numbers::new(seed);
        let v = cast::<f64, f32>(&numbers.matrix(60, 45));
        let nmf = |max_iter| (orthant::Nmf::<f32>::new(6).method(method).max_iter(max_iter), max_iter);
        let (single, max_iter) = nmf(300);
        let single = single.fit(&v).unwrap().report.objective;
        let double = orthant::Nmf::<f64>::new(6).method(method).max_iter(max_iter);
        let double = double.fit(&cast::<f32, f64>(&v)).unwrap().report.objective;
        assert!((single - double).abs() <= 1e-3 * double, "{method:?}: {single} and {double}");
    }
}
