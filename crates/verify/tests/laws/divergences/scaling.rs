//! Laws of scale: the library's own rule has no unit, whatever the loss.

use orthant::{Dense, Fit, Init, Loss, Method, Nmf, Penalty, Real, Scale};
use orthant_verify::compare::first_other_bit;
use orthant_verify::divergences::size;
use orthant_verify::fits::{Step, trace};
use orthant_verify::layout::{Layout, Stored};
use orthant_verify::strategies::{Problem, Recipe, cases, recipes};
use proptest::prelude::*;

use super::{losses, suits_single_precision};

fn times<T: Real>(a: &Dense<T>, by: f64) -> Dense<T> {
    Dense::from_fn(a.nrows(), a.ncols(), |i, j| T::from_f64(a[(i, j)].to_f64() * by))
}

/// Entries whose powers of two reach below the normal range count as 0.
fn kept<T: Real>(a: &Dense<T>, by: f64) -> Dense<T> {
    let normal = if T::NAME == "float64" { f64::MIN_POSITIVE } else { f64::from(f32::MIN_POSITIVE) };
    let low = normal / T::EPSILON.to_f64();
    let keep = |x: T| if x.to_f64() < low || x.to_f64() * by < low { T::ZERO } else { x };
    Dense::from_fn(a.nrows(), a.ncols(), |i, j| keep(a[(i, j)]))
}

/// The library's own rules for a loss.
fn own(loss: Loss) -> Vec<Method> {
    let alternating = [Method::mm(loss)].into_iter();
    let joint = [Method::joint_mm(), Method::joint_mm().extrapolated()].into_iter();
    alternating.chain(joint.filter(|method| method.loss == loss)).collect()
}

fn scales_by_powers_of_four<T: Real>(
    p: &Problem<T>,
    recipe: &Recipe,
    method: Method,
    exponent: i32,
    layout: Layout,
    custom: bool,
) -> Result<(), TestCaseError> {
    let by = 2f64.powi(exponent);
    let fit = |v: &Dense<T>, by: f64| {
        let nmf = Nmf::new(recipe.k).method(method).seed(recipe.seed as u32).scale(Scale::None).max_iter(30);
        let start =
            if custom { Init::Custom { w: times(&p.w, by), h: times(&p.h, by) } } else { Init::Random };
        nmf.init(start).fit(&Stored::new(v, layout)).unwrap()
    };
    let (plain, scaled): (Fit<T>, Fit<T>) = (fit(&p.v, 1.0), fit(&times(&p.v, by * by), by));
    prop_assert_eq!(plain.report.iterations, scaled.report.iterations);
    prop_assert_eq!(plain.report.stop_reason, scaled.report.stop_reason);
    let pairs = [(&scaled.w, &plain.w), (scaled.model.components(), plain.model.components())];
    for (name, (scaled, plain)) in ["W", "H"].into_iter().zip(pairs) {
        let other = first_other_bit(&kept(scaled, 1.0 / by), &times(&kept(plain, by), by));
        prop_assert_eq!(other, None, "{}, {} 4^{}", name, T::NAME, exponent);
    }
    let unit = by.powf(2.0 * method.loss.beta());
    for (a, b) in [
        (scaled.report.loss, plain.report.loss * unit),
        (scaled.report.objective, plain.report.objective * unit),
        (scaled.report.reconstruction_error.powi(2), plain.report.reconstruction_error.powi(2) * unit),
        (scaled.report.relative_error, plain.report.relative_error),
        (scaled.report.kkt_residual, plain.report.kkt_residual),
    ] {
        prop_assert!((a - b).abs() <= 1e-12 * b, "{} and {}", a, b);
    }
    Ok(())
}

fn layouts() -> impl Strategy<Value = Layout> {
    proptest::sample::select(vec![Layout::RowMajor, Layout::ColMajor, Layout::Csr, Layout::Csc])
}

proptest! {
    #![proptest_config(cases(64))]

    /// Law 11. V·4^p gives W·2^p, H·2^p and the same number of iterations, from generated and scaled starts.
    #[test]
    fn a_power_of_four_moves_exponents_only(
        recipe in recipes(), loss in losses(), p in -8..8_i32, layout in layouts(), custom in any::<bool>(),
    ) {
        // products of the Frobenius loss' own units are another file's
        prop_assume!(!loss.is_quadratic());
        let problem = recipe.build_for(loss);
        for method in own(loss) {
            scales_by_powers_of_four(&problem, &recipe, method, p, layout, custom)?;
            if suits_single_precision(&recipe, loss) {
                scales_by_powers_of_four(&problem.cast::<f32>(), &recipe, method, p, layout, custom)?;
            }
        }
    }

    /// Law 11. The same for powers far outside the exponents in which products of entries are safe.
    #[test]
    fn extreme_powers_of_four_move_exponents_only(
        recipe in recipes(), loss in losses(), up in any::<bool>(), layout in layouts(), custom in any::<bool>(),
    ) {
        prop_assume!(!loss.is_quadratic());
        let problem = recipe.build_for(loss);
        let sign = if up { 1 } else { -1 };
        // the loss scales with 4^βp, which is to be a number
        for method in own(loss) {
            scales_by_powers_of_four(&problem, &recipe, method, sign * 140, layout, custom)?;
            if suits_single_precision(&recipe, loss) && !matches!(recipe.data, orthant_verify::strategies::Data::LowRank) {
                scales_by_powers_of_four(&problem.cast::<f32>(), &recipe, method, sign * 20, layout, custom)?;
            }
        }
    }

    /// Law 12. V·c gives F·c^β in every iteration.
    #[test]
    fn the_objective_scales_with_the_power_beta(
        recipe in recipes(), loss in losses(), c in prop_oneof![1e-5..1.0, 1.0..1e5], layout in layouts(),
    ) {
        let v = recipe.build_for(loss).v;
        for method in own(loss) {
            let traced = |v: &Dense<f64>| -> (Fit<f64>, Vec<Step<f64>>) {
                let nmf = Nmf::new(recipe.k).method(method).seed(recipe.seed as u32).init(Init::Random);
                trace(&nmf.tol(0.0).max_iter(20).penalty(Penalty::default()), &Stored::new(v, layout)).unwrap()
            };
            let ((_, steps), (_, scaled)) = (traced(&v), traced(&times(&v, c)));
            let beta = loss.beta();
            let unit = size(&v, beta);
            for (s, other) in steps.iter().zip(&scaled) {
                let back = other.objective / c.powf(beta);
                prop_assert!((back - s.objective).abs() <= 1e-10 * unit, "{} and {}", back, s.objective);
            }
        }
    }
}

/// Law 11. The library's own rule scales all data alike. scikit-learn's leaves data of ordinary size alone.
#[test]
fn the_power_that_is_folded_in_is_reported() {
    use orthant_verify::strategies::Data;
    let recipe = Recipe { m: 20, n: 15, k: 3, data: Data::Uniform, zeros_in_start: false, seed: 1 };
    let v = times(&recipe.build().v, 64.0);
    for loss in [Loss::KullbackLeibler, Loss::Beta(0.5)] {
        let scale = |method, v: &Dense<f64>| {
            Nmf::new(3)
                .method(method)
                .init(Init::Random)
                .max_iter(2)
                .fit(v)
                .unwrap()
                .report
                .plan
                .scale_exponent
        };
        assert_eq!(scale(Method::mm(loss), &v), 2);
        assert_eq!(scale(Method::mu(loss), &v), 0);
        assert!(scale(Method::mu(loss), &times(&v, 1e-8)) < 0);
    }
}
