//! Laws of a single step, from a given start. Everything is a sum of non-negative terms, so that tolerances hold entry
//! by entry.

use orthant::{Dense, Method, Penalty, Real};
use orthant_verify::compare::{cast, first_other_bit, is_non_negative, unit_roundoff, worst_entry};
use orthant_verify::divergences::{clear_of_floors, rule, step as reference};
use orthant_verify::fits::{fixed, step, trace};
use orthant_verify::layout::{ALL, Layout, Stored};
use orthant_verify::strategies::{Numbers, Problem, Recipe, cases, penalties, positive_recipes, recipes};
use proptest::prelude::*;

use super::{methods, permuted_cols, permuted_rows, rescaled, suits_single_precision};

/// Below this share of the largest, entries are compared with that share: scikit-learn's rule puts entries to 0.
const LEAST: f64 = 1e-4;

fn apart<T: Real, U: Real>(a: &(Dense<T>, Dense<T>), b: &(Dense<U>, Dense<U>)) -> f64 {
    worst_entry(&a.0, &b.0, LEAST).max(worst_entry(&a.1, &b.1, LEAST))
}

/// A factor that has become all zero is no start.
fn stuck(w: &Dense<f64>, h: &Dense<f64>) -> bool {
    [w, h].iter().any(|a| a.as_slice().iter().all(|&x| x == 0.0))
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
    let last = &steps[steps.len() - 1];
    prop_assert_eq!(first_other_bit(&fit.w, &last.w), None);
    prop_assert_eq!(first_other_bit(fit.model.components(), &last.h), None);
    let r = &fit.report;
    prop_assert!(r.objective.is_finite() && r.relative_error.is_finite() && r.kkt_residual.is_finite());
    Ok(())
}

proptest! {
    #![proptest_config(cases(96))]

    /// Law 1. Factors are non-negative and finite after every step, in both precisions.
    #[test]
    fn factors_are_non_negative_and_finite_after_every_step(
        recipe in recipes(), method in methods(), penalty in penalties(),
    ) {
        let p = recipe.build_for(method.loss);
        stays_non_negative_and_finite(&p, method, penalty)?;
        if suits_single_precision(&recipe, method.loss) {
            stays_non_negative_and_finite(&p.cast::<f32>(), method, penalty)?;
        }
    }

    /// Law 13. An entry that starts as 0 stays 0.
    #[test]
    fn zeros_stay_zeros(recipe in recipes(), method in methods(), penalty in penalties()) {
        let p = Recipe { zeros_in_start: true, ..recipe }.build_for(method.loss);
        let (_, steps) = trace(&fixed(method, penalty, &p.w, &p.h, 5), &p.v).unwrap();
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
        let p = recipe.build_for(method.loss);
        let order = Numbers::new(seed).permutation(recipe.m);
        let plain = step(method, penalty, &p.v, &p.w, &p.h).unwrap();
        let (v, w) = (permuted_rows(&p.v, &order), permuted_rows(&p.w, &order));
        let other = step(method, penalty, &v, &w, &p.h).unwrap();
        let d = apart(&other, &(permuted_rows(&plain.0, &order), plain.1));
        prop_assert!(d <= 1e-12, "differs by {:e}", d);
    }

    /// Law 15. Permuting the columns of V and of the start permutes those of H after a step.
    #[test]
    fn permuting_columns_permutes_h(
        recipe in recipes(), method in methods(), penalty in penalties(), seed in any::<u64>(),
    ) {
        let p = recipe.build_for(method.loss);
        let order = Numbers::new(seed).permutation(recipe.n);
        let plain = step(method, penalty, &p.v, &p.w, &p.h).unwrap();
        let (v, h) = (permuted_cols(&p.v, &order), permuted_cols(&p.h, &order));
        let other = step(method, penalty, &v, &p.w, &h).unwrap();
        let d = apart(&other, &(plain.0, permuted_cols(&plain.1, &order)));
        prop_assert!(d <= 1e-12, "differs by {:e}", d);
    }

    /// Law 16. Permuting the components of the start permutes those of both factors after a step.
    #[test]
    fn permuting_components_permutes_both_factors(
        recipe in recipes(), method in methods(), penalty in penalties(), seed in any::<u64>(),
    ) {
        let p = recipe.build_for(method.loss);
        let order = Numbers::new(seed).permutation(recipe.k);
        let plain = step(method, penalty, &p.v, &p.w, &p.h).unwrap();
        let (w, h) = (permuted_cols(&p.w, &order), permuted_rows(&p.h, &order));
        let other = step(method, penalty, &p.v, &w, &h).unwrap();
        let d = apart(&other, &(permuted_cols(&plain.0, &order), permuted_rows(&plain.1, &order)));
        prop_assert!(d <= 1e-12, "differs by {:e}", d);
    }

    /// Law 17. The transposed fit starts half a step later, from H₀ᵀ and W₁ᵀ, and goes through H₁ᵀ, W₂ᵀ, …;
    /// but not where both halves of a step begin with one WH.
    #[test]
    fn the_transpose_with_start_and_order_swapped_is_the_transpose(
        recipe in positive_recipes(), method in methods(), penalty in penalties(),
    ) {
        prop_assume!(method != Method::joint_mm());
        let p = recipe.build_for(method.loss);
        let swapped = Penalty { alpha_w: penalty.alpha_h(), alpha_h: Some(penalty.alpha_w), ..penalty };
        let (_, steps) = trace(&fixed(method, penalty, &p.w, &p.h, 3), &p.v).unwrap();
        let vt = p.v.transposed();
        let mut h_before = &p.h;
        for pair in steps.windows(2) {
            if stuck(&pair[0].w, h_before) {
                break;
            }
            let (w, h) = (h_before.transposed(), pair[0].w.transposed());
            let ours = step(method, swapped, &vt, &w, &h).unwrap();
            let d = apart(&ours, &(pair[0].h.transposed(), pair[1].w.transposed()));
            prop_assert!(d <= 1e-11, "differs by {:e}", d);
            h_before = &pair[0].h;
        }
    }

    /// Law 17. Column-major data goes through the same factors as row-major data.
    #[test]
    fn column_major_data_follows_the_same_sequence(
        recipe in recipes(), method in methods(), penalty in penalties(),
    ) {
        let p = recipe.build_for(method.loss);
        let by_columns = Stored::new(&p.v, Layout::ColMajor);
        let (_, by_rows) = trace(&fixed(method, penalty, &p.w, &p.h, 4), &p.v).unwrap();
        let (mut w, mut h) = (&p.w, &p.h);
        for s in &by_rows {
            if stuck(w, h) {
                break;
            }
            let ours = step(method, penalty, &by_columns, w, h).unwrap();
            let d = apart(&ours, &(s.w.clone(), s.h.clone()));
            prop_assert!(d <= 1e-12, "a step differs by {:e}", d);
            (w, h) = (&s.w, &s.h);
        }
        // and uninterrupted, where the order of the factors has to carry over from pass to pass
        let (fit, steps) = trace(&fixed(method, penalty, &p.w, &p.h, 4), &by_columns).unwrap();
        prop_assert!(fit.report.plan.by_columns || recipe.m == 1 || recipe.n == 1);
        let mut before = (p.w.clone(), p.h.clone());
        for (number, (s, next)) in steps.iter().zip(&by_rows).enumerate() {
            if !clear_of_floors::<f64>(method, &p.v, &before.0, &before.1) {
                break;
            }
            let d = apart(&(s.w.clone(), s.h.clone()), &(next.w.clone(), next.h.clone()));
            prop_assert!(d <= 1e-12 * 100f64.powi(number as i32), "iteration {} differs by {:e}", number, d);
            before = (next.w.clone(), next.h.clone());
        }
    }

    /// Law 18. Components that are rescaled by powers of two stay so, and the loss keeps its bits.
    #[test]
    fn rescaled_components_stay_rescaled(
        recipe in recipes(), method in methods(), exponents in proptest::collection::vec(-6..6_i32, 40),
    ) {
        let p = recipe.build_for(method.loss);
        let by = |t: usize| 2f64.powi(exponents[t]);
        let (w, h) = rescaled(&p.w, &p.h, &by);
        let none = Penalty::default();
        let (plain, steps) = trace(&fixed(method, none, &p.w, &p.h, 3), &p.v).unwrap();
        // scikit-learn's rule puts entries to 0 by their own size
        let cut = |a: &Dense<f64>| a.as_slice().iter().any(|&x| x > 0.0 && x < 2f64.powi(-45));
        let own = rule(method).1;
        prop_assume!(own || !steps.iter().any(|s| cut(&s.w) || cut(&s.h)));
        let (other, scaled_steps) = trace(&fixed(method, none, &w, &h, 3), &p.v).unwrap();
        for (s, scaled) in steps.iter().zip(&scaled_steps) {
            let (w, h) = rescaled(&s.w, &s.h, &by);
            prop_assert_eq!(first_other_bit(&scaled.w, &w), None);
            prop_assert_eq!(first_other_bit(&scaled.h, &h), None);
            prop_assert_eq!(s.loss.to_bits(), scaled.loss.to_bits());
        }
        prop_assert_eq!(plain.report.loss.to_bits(), other.report.loss.to_bits());
    }

    /// Law 27. A step in single precision is that in double precision but for rounding.
    #[test]
    fn single_precision_is_near_double(
        recipe in positive_recipes(), method in methods(), penalty in penalties(),
    ) {
        prop_assume!(suits_single_precision(&recipe, method.loss));
        let single = recipe.build_for(method.loss).cast::<f32>();
        let double = single.cast::<f64>(); // the same numbers
        let a = step(method, penalty, &single.v, &single.w, &single.h).unwrap();
        let b = step(method, penalty, &double.v, &double.w, &double.h).unwrap();
        // the wider range of double precision has lower floors
        let clear = |w, h| clear_of_floors::<f32>(method, &double.v, w, h);
        prop_assume!(clear(&double.w, &double.h) && clear(&b.0, &double.h) && clear(&cast(&a.0), &double.h));
        let power = 1.0 + (rule(method).0 - 2.0).abs();
        let tolerance = 64.0 * power * (recipe.k + 4) as f64 * unit_roundoff::<f32>();
        let d = apart(&a, &b);
        prop_assert!(d <= tolerance, "a step differs by {:e}", d);
    }

    /// Law 47. A step in one pass over V is the oracle's in two, in every layout.
    #[test]
    fn one_pass_is_the_two_pass_reference(
        recipe in recipes(), method in methods(), penalty in penalties(), layout in 0..ALL.len(),
    ) {
        let p = recipe.build_for(method.loss);
        let stored = Stored::new(&p.v, ALL[layout]);
        let (mut w, mut h) = (p.w.clone(), p.h.clone());
        for number in 1..=3 {
            if stuck(&w, &h) {
                break;
            }
            let ours = step(method, penalty, &stored, &w, &h).unwrap();
            reference(method, &p.v, &mut w, &mut h, penalty);
            let d = apart(&ours, &(w.clone(), h.clone()));
            prop_assert!(d <= 1e-12, "step {} in {:?} differs by {:e}", number, ALL[layout], d);
        }
    }
}
