//! W alone, with H given; and what a half-step keeps.

use orthant::{Dense, Loss, Method, Nmf, Penalty};
use orthant_verify::compare::{difference, first_other_bit, worst_entry};
use orthant_verify::divergences::update_weights;
use orthant_verify::fits::{fixed, trace};
use orthant_verify::layout::{ALL, Layout, Stored};
use orthant_verify::oracle;
use orthant_verify::strategies::{cases, penalties, positive_recipes, recipes};
use proptest::prelude::*;

use super::methods;

fn row_sums(a: &Dense<f64>) -> Vec<f64> {
    (0..a.nrows()).map(|i| oracle::dot(a.row(i), &vec![1.0; a.ncols()])).collect()
}

fn close(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-12 * b)
}

proptest! {
    #![proptest_config(cases(96))]

    /// Law 47. W alone, with H given, goes through the naive iteration in every layout.
    #[test]
    fn fit_weights_is_the_naive_iteration_over_w(
        recipe in recipes(), method in methods(), penalty in penalties(), layout in 0..ALL.len(),
        iterations in 1..6_usize,
    ) {
        let p = recipe.build_for(method.loss);
        let nmf = Nmf::new(recipe.k).method(method).penalty(penalty).tol(0.0).max_iter(iterations);
        let fit = nmf.fit_weights(&Stored::new(&p.v, ALL[layout]), &p.h).unwrap();
        let mean = p.v.as_slice().iter().sum::<f64>() / (recipe.m * recipe.n) as f64;
        let mut w = Dense::from_fn(recipe.m, recipe.k, |_, _| (mean / recipe.k as f64).sqrt());
        for _ in 0..iterations {
            update_weights(method, &p.v, &mut w, &p.h, penalty);
        }
        let d = worst_entry(&fit.w, &w, 1e-4);
        prop_assert!(d <= 1e-12 * 10f64.powi(iterations as i32), "{:?} differs by {:e}", ALL[layout], d);
        prop_assert_eq!(first_other_bit(fit.model.components(), &p.h), None);
        prop_assert_eq!(fit.report.iterations, iterations);
    }

    /// Law 47. W alone, with H given, is what naive sweeps of coordinate descent make of it.
    #[test]
    fn fit_weights_by_descent_is_the_naive_iteration_over_w(
        recipe in recipes(), penalty in penalties(), sweeps in 1..4_usize, layout in 0..ALL.len(),
    ) {
        let p = recipe.build();
        let on = oracle::weights(penalty, recipe.m, recipe.n);
        let mut gram = oracle::times_transposed(&p.h, &p.h);
        (0..recipe.k).for_each(|t| gram[(t, t)] += on.l2_w);
        let mut numer = oracle::times_transposed(&p.v, &p.h);
        numer.as_mut_slice().iter_mut().for_each(|a| *a -= on.l1_w);
        let mut w = Dense::zeros(recipe.m, recipe.k);
        (0..sweeps).for_each(|_| { oracle::sweep(&mut w, &gram, &numer); });
        let stored = Stored::new(&p.v, ALL[layout]);
        let cd = Nmf::sklearn(recipe.k).penalty(penalty).tol(0.0).max_iter(sweeps);
        let hals = Nmf::new(recipe.k).method(Method::hals().sweeps(sweeps)).penalty(penalty);
        for nmf in [cd, hals.tol(0.0).max_iter(1)] {
            let fit = nmf.fit_weights(&stored, &p.h).unwrap();
            // in the data's units: weights on a component that is rounding are arbitrary
            let d = difference(&oracle::product(&fit.w, &p.h), &oracle::product(&w, &p.h));
            prop_assert!(d <= 1e-10, "{:?} differs by {:e}", ALL[layout], d);
        }
    }

    /// Law 40. Kullback–Leibler updates without penalties keep sums: of the rows when W was updated, of the
    /// columns when H was.
    #[test]
    fn kl_updates_keep_the_sums_of_rows_and_columns(
        recipe in positive_recipes(), own in any::<bool>(), by_columns in any::<bool>(),
    ) {
        let method = if own { Method::mm(Loss::KullbackLeibler) } else { Method::mu(Loss::KullbackLeibler) };
        let p = recipe.build();
        let v = Stored::new(&p.v, if by_columns { Layout::ColMajor } else { Layout::RowMajor });
        let fit = Nmf::new(recipe.k).method(method).tol(0.0).max_iter(3).fit_weights(&v, &p.h).unwrap();
        let (found, expected) = (row_sums(&oracle::product(&fit.w, &p.h)), row_sums(&p.v));
        prop_assert!(close(&found, &expected), "rows: {:?} and {:?}", found, expected);
        let (_, steps) = trace(&fixed(method, Penalty::default(), &p.w, &p.h, 1), &v).unwrap();
        let wh = oracle::product(&steps[0].w, &steps[0].h);
        let (found, expected) = (row_sums(&wh.transposed()), row_sums(&p.v.transposed()));
        prop_assert!(close(&found, &expected), "columns: {:?} and {:?}", found, expected);
    }
}
