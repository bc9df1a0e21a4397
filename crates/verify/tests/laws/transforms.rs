//! Laws of `transform`: the weights of new rows under given components.

use orthant::{Dense, Error, Loss, Model, Nmf, Penalty, Real, Transform};
use orthant_verify::compare::{cast, difference, first_other_bit, is_non_negative, max_abs};
use orthant_verify::layout::{ALL, Stored};
use orthant_verify::oracle;
use orthant_verify::strategies::{Numbers, Recipe, cases, penalties, recipes};
use proptest::prelude::*;

fn rows<T: Real>(a: &Dense<T>, which: &[usize]) -> Dense<T> {
    Dense::from_fn(which.len(), a.ncols(), |i, j| a[(which[i], j)])
}

/// Components that overlap, but not so much that a row takes forever.
fn components(recipe: &Recipe) -> Dense<f64> {
    let mut numbers = Numbers::new(recipe.seed ^ 0x55);
    Dense::from_fn(recipe.k, recipe.n, |t, j| {
        let own = if j % recipe.k == t { 1.0 } else { 0.0 };
        own + 0.5 * numbers.uniform() * if numbers.uniform() < 0.5 { 1.0 } else { 0.0 }
    })
}

fn independent<T: Real>(recipe: &Recipe, penalty: Penalty, seed: u64) -> Result<(), TestCaseError> {
    let (v, h) = (cast::<f64, T>(&recipe.build().v), cast::<f64, T>(&components(recipe)));
    let model = Model::from_components(h, penalty).unwrap();
    let whole = model.transform(&v).unwrap();
    let mut numbers = Numbers::new(seed);
    let order = numbers.permutation(recipe.m);
    let count = 1 + numbers.below(recipe.m);
    for which in [&order[..], &order[..count], &order[..1]] {
        let part = model.transform(&rows(&v, which)).unwrap();
        prop_assert_eq!(first_other_bit(&part, &rows(&whole, which)), None, "{} rows {:?}", T::NAME, which);
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(64))]

    /// Law 32. A row's weights have the same bits alone and among others, in both precisions.
    #[test]
    fn a_row_does_not_depend_on_the_others(
        recipe in recipes(), penalty in penalties(), seed in any::<u64>(),
    ) {
        independent::<f64>(&recipe, penalty, seed)?;
        independent::<f32>(&recipe, penalty, seed)?;
    }

    /// Law 20, 21. Weights are the same in every layout, dense and sparse.
    #[test]
    fn layouts_give_the_same_weights(recipe in recipes(), penalty in penalties()) {
        let v = recipe.build().v;
        let model = Model::from_components(components(&recipe), penalty).unwrap();
        let plain = model.transform(&v).unwrap();
        for layout in ALL {
            let other = model.transform(&Stored::new(&v, layout)).unwrap();
            let d = difference(&other, &plain);
            prop_assert!(d <= 1e-7, "{:?} differs by {:e}", layout, d);
        }
    }

    /// Law 33. Every row of weights is stationary to the tolerance that was asked for.
    #[test]
    fn every_row_is_stationary(recipe in recipes(), penalty in penalties(), exponent in 3..11_i32) {
        let v = recipe.build().v;
        let h = components(&recipe);
        let model = Model::from_components(h.clone(), penalty).unwrap();
        let options = Transform { tol: 10f64.powi(-exponent), ..Transform::default() };
        let (w, report) = model.transform_with(&v, &options).unwrap();
        prop_assert!(is_non_negative(&w));
        prop_assert_eq!(report.unconverged_rows, 0);
        prop_assert!(report.kkt_residual <= options.tol, "{:e}", report.kkt_residual);
        for i in 0..recipe.m {
            let left = oracle::row_residual(&v, &w, &h, penalty, i);
            prop_assert!(left <= options.tol * 1.01 + 1e-14, "row {}: {:e} left, tol {:e}", i, left, options.tol);
        }
    }

    /// Law 34. Weights of the data that was fitted are no worse than the fit's own.
    #[test]
    fn transforming_the_data_fits_it_no_worse(recipe in recipes(), penalty in penalties()) {
        let v = recipe.build().v;
        let fit = Nmf::new(recipe.k).penalty(penalty).max_iter(15).seed(recipe.seed as u32).fit(&v).unwrap();
        let h = fit.model.components();
        // fitted components may nearly depend on each other, and then sweeps do not end
        let (w, report) = fit.model.transform_with(&v, &Transform::default()).unwrap();
        prop_assert_eq!(report.unconverged_rows, 0);
        let (fitted, again) = (oracle::objective(&v, &fit.w, h, penalty), oracle::objective(&v, &w, h, penalty));
        prop_assert!(
            again <= fitted + 1e-7 * oracle::norm_squared(&v),
            "{} from the fit, {} from the transform", fitted, again
        );
    }

    /// Law 35. V = WH with well-conditioned H gives W back.
    #[test]
    fn an_exact_product_gives_its_weights_back(recipe in recipes()) {
        prop_assume!(recipe.n >= recipe.k);
        let h = components(&recipe);
        let w = Numbers::new(recipe.seed ^ 0x77).matrix(recipe.m, recipe.k);
        let v = oracle::product(&w, &h);
        let model = Model::from_components(h, Penalty::default()).unwrap();
        let options = Transform { tol: 1e-13, ..Transform::default() };
        let (back, _) = model.transform_with(&v, &options).unwrap();
        // the components overlap by chance; where they nearly depend on each other there is no way back
        let gram = oracle::times_transposed(model.components(), model.components());
        prop_assume!(diagonally_dominant(&gram));
        let d = difference(&back, &w);
        prop_assert!(d <= 1e-8, "differs by {:e} of {}", d, max_abs(&w));
    }

    #[test]
    fn a_model_gives_its_product_back(recipe in recipes()) {
        let p = recipe.build();
        let model = Model::from_components(p.h.clone(), Penalty::default()).unwrap();
        let d = difference(&model.inverse_transform(&p.w).unwrap(), &oracle::product(&p.w, &p.h));
        prop_assert!(d <= 1e-14 * (4 + recipe.k) as f64, "differs by {:e}", d);
    }
}

/// Weights that no element can be are an error that names the row, and no infinity.
#[test]
fn weights_beyond_the_range_are_an_error() {
    fn check<T: Real>(large: f64) {
        let h = cast::<f64, T>(&Dense::from_fn(1, 2, |_, j| if j == 0 { 1e-6 } else { 0.0 }));
        let v = cast::<f64, T>(&Dense::from_fn(3, 2, |i, _| if i == 1 { large } else { 1.0 }));
        for loss in [Loss::Frobenius, Loss::KullbackLeibler, Loss::Beta(1.5)] {
            let model =
                Model::from_components(h.clone(), Penalty::default()).unwrap().with_loss(loss).unwrap();
            let error = model.transform(&v).map(drop);
            assert_eq!(error, Err(Error::WeightOverflow { row: 1 }), "{loss}");
        }
    }
    check::<f32>(1e37);
    check::<f64>(1e307);
}

fn diagonally_dominant(gram: &Dense<f64>) -> bool {
    (0..gram.nrows()).all(|t| gram.row(t).iter().sum::<f64>() < 1.9 * gram[(t, t)])
}
