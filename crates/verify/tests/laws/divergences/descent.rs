//! Laws of the objective: that it falls, and that what is reported is true.

use orthant::{Dense, Loss, Method, Penalty, Real};
use orthant_verify::compare::{cast, unit_roundoff};
use orthant_verify::divergences::{clear_of_floors, cut_off, divergence, objective, rule, unexplained};
use orthant_verify::fits::{fixed, trace};
use orthant_verify::layout::{ALL, Layout, Stored};
use orthant_verify::strategies::{Problem, cases, lassos, penalties, positive_recipes, recipes};
use proptest::prelude::*;

use super::{layouts, losses, methods, suits_single_precision};

/// F falls over 12 iterations, as long as no floor is in the way. Returns how many iterations that was.
fn falls<T: Real>(
    p: &Problem<T>,
    method: Method,
    penalty: Penalty,
    layout: Layout,
) -> Result<usize, TestCaseError> {
    let (beta, own) = rule(method);
    let v = cast::<T, f64>(&p.v);
    let nmf = fixed(method, penalty, &p.w, &p.h, 12);
    let (_, steps) = trace(&nmf, &Stored::new(&p.v, layout)).unwrap();
    let (mut w, mut h) = (cast::<T, f64>(&p.w), cast::<T, f64>(&p.h));
    let mut before = objective(&v, &w, &h, penalty, beta);
    for (number, s) in steps.iter().enumerate() {
        let (w_after, h_after) = (cast::<T, f64>(&s.w), cast::<T, f64>(&s.h));
        // each half of the step has its own P
        let clear = |w: &Dense<f64>, h: &Dense<f64>| clear_of_floors::<T>(method, &v, w, h);
        let cut = !own && beta <= 1.0 && cut_off(&v, (&w, &h), (&w_after, &h_after));
        if cut || !clear(&w, &h) || !clear(&w_after, &h) || !clear(&w_after, &h_after) {
            return Ok(number);
        }
        let after = objective(&v, &w_after, &h_after, penalty, beta);
        prop_assert!(
            after.value <= before.value + 64.0 * unit_roundoff::<T>() * before.size.max(after.size),
            "{} iteration {}: F rose from {} by {:e}, terms add up to {}",
            T::NAME,
            number + 1,
            before.value,
            after.value - before.value,
            after.size
        );
        (w, h, before) = (w_after, h_after, after);
    }
    Ok(steps.len())
}

/// Times a power of ten.
fn stronger(penalty: Penalty, power: i32) -> Penalty {
    let times = |alpha: f64| alpha * 10f64.powi(power);
    Penalty { alpha_w: times(penalty.alpha_w), alpha_h: penalty.alpha_h.map(times), ..penalty }
}

fn reports_truly<T: Real>(
    p: &Problem<T>,
    method: Method,
    penalty: Penalty,
    layout: Layout,
) -> Result<(), TestCaseError> {
    let (beta, _) = rule(method);
    let v = cast::<T, f64>(&p.v);
    // products of k are in the element type
    let power = 1.0 + beta.abs();
    let share = (1e-12_f64).max(8.0 * power * (p.h.nrows() + 4) as f64 * unit_roundoff::<T>());
    let (fit, steps) = trace(&fixed(method, penalty, &p.w, &p.h, 6), &Stored::new(&p.v, layout)).unwrap();
    for s in &steps {
        let (w, h) = (cast::<T, f64>(&s.w), cast::<T, f64>(&s.h));
        if !clear_of_floors::<T>(method, &v, &w, &h) {
            return Ok(());
        }
        let (loss, all) = (divergence(&v, &w, &h, beta), objective(&v, &w, &h, penalty, beta));
        let off = (s.loss - loss.value).abs();
        prop_assert!(off <= share * loss.size, "loss {} reported, {} true", s.loss, loss.value);
        let off = (s.objective - all.value).abs();
        prop_assert!(off <= share * all.size, "objective {} reported, {} true", s.objective, all.value);
    }
    let (w, h) = (cast::<T, f64>(&fit.w), cast::<T, f64>(fit.model.components()));
    let (loss, all) = (divergence(&v, &w, &h, beta), objective(&v, &w, &h, penalty, beta));
    let (r, nothing) = (&fit.report, unexplained(&v, beta));
    prop_assert_eq!(r.loss_function, method.loss);
    for (name, told, truth, unit) in [
        ("loss", r.loss, loss.value, loss.size),
        ("objective", r.objective, all.value, all.size),
        ("½·reconstruction error²", 0.5 * r.reconstruction_error.powi(2), loss.value, loss.size),
        ("relative error²·D₀", r.relative_error.powi(2) * nothing, loss.value, loss.size),
    ] {
        prop_assert!((told - truth).abs() <= share * unit, "{}: {} reported, {} true", name, told, truth);
    }
    prop_assert_eq!(r.history.len(), r.iterations);
    for (point, s) in r.history.iter().zip(&steps) {
        prop_assert_eq!(point.objective.to_bits(), s.objective.to_bits());
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(128))]

    /// Law 4, 6. F does not rise, also under penalties that rule it and from starts far below, from where a
    /// step that does not minimise a majorant overshoots.
    #[test]
    fn mm_never_raises_the_objective_whatever_the_penalties(
        recipe in positive_recipes(), loss in losses(), penalty in penalties(), strength in 0..6_i32,
        layout in layouts(), below in 0..5_i32,
    ) {
        let mut p = recipe.build_for(loss);
        for x in p.w.as_mut_slice().iter_mut().chain(p.h.as_mut_slice()) {
            *x *= 10f64.powi(-below);
        }
        let penalty = stronger(penalty, strength);
        falls(&p, Method::mm(loss), penalty, layout)?;
        if suits_single_precision(&recipe, loss) {
            falls(&p.cast::<f32>(), Method::mm(loss), penalty, layout)?;
        }
    }

    /// Law 7. F does not rise where both factors are updated at once, in every layout: dense by rows and by
    /// columns, and sparse.
    #[test]
    fn joint_updates_never_raise_the_objective_whatever_the_penalties(
        recipe in positive_recipes(), penalty in penalties(), strength in 0..6_i32, layout in 0..ALL.len(),
        below in 0..5_i32,
    ) {
        let mut p = recipe.build_for(Loss::KullbackLeibler);
        for x in p.w.as_mut_slice().iter_mut().chain(p.h.as_mut_slice()) {
            *x *= 10f64.powi(-below);
        }
        let penalty = stronger(penalty, strength);
        falls(&p, Method::joint_mm(), penalty, ALL[layout])?;
        falls(&p.cast::<f32>(), Method::joint_mm(), penalty, ALL[layout])?;
    }

    /// Law 5. F does not rise with L1 in the denominator, as scikit-learn puts it, nor for β ≥ 2 with L2.
    #[test]
    fn mu_never_raises_the_objective_with_l1_or_for_beta_from_2_on_with_l2(
        recipe in positive_recipes(), loss in losses(), lasso in lassos(), any in penalties(),
        strength in 0..6_i32, layout in layouts(),
    ) {
        let p = recipe.build_for(loss);
        let penalty = if loss.beta() >= 2.0 { any } else { lasso };
        let penalty = stronger(penalty, strength);
        falls(&p, Method::mu(loss), penalty, layout)?;
        if suits_single_precision(&recipe, loss) {
            falls(&p.cast::<f32>(), Method::mu(loss), penalty, layout)?;
        }
    }

    /// Law 45. Reported losses and objectives are the oracle's, of every iteration and of the result.
    #[test]
    fn reported_losses_are_the_oracles(
        recipe in recipes(), method in methods(), penalty in penalties(), layout in layouts(),
    ) {
        let p = recipe.build_for(method.loss);
        reports_truly(&p, method, penalty, layout)?;
        if suits_single_precision(&recipe, method.loss) {
            reports_truly(&p.cast::<f32>(), method, penalty, layout)?;
        }
    }
}

/// Law 4, 5, 6, 7. The floors do not hide the laws: on plain data every loss goes through all 12 iterations.
#[test]
fn on_plain_data_every_objective_falls_to_the_end() {
    use orthant_verify::strategies::{Data, Recipe};
    let mixed = Penalty { alpha_w: 0.02, alpha_h: Some(0.01), l1_ratio: 0.5 };
    let lasso = Penalty { l1_ratio: 1.0, ..mixed };
    for method in orthant_verify::divergences::methods() {
        let (beta, own) = rule(method);
        for layout in [Layout::RowMajor, Layout::ColMajor, Layout::Csr, Layout::Csc] {
            let recipe = Recipe { m: 40, n: 31, k: 5, data: Data::Uniform, zeros_in_start: false, seed: 8 };
            let p = recipe.build_for(method.loss);
            for penalty in [Penalty::default(), lasso, mixed] {
                if own || beta >= 2.0 || penalty != mixed {
                    assert_eq!(falls(&p, method, penalty, layout).unwrap(), 12, "{method:?} {penalty:?}");
                    let single = p.cast::<f32>();
                    assert_eq!(
                        falls(&single, method, penalty, layout).unwrap(),
                        12,
                        "{method:?} {penalty:?}"
                    );
                }
            }
        }
    }
}
