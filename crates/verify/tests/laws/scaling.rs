//! Laws of scale: the library's own personality has no unit.

use orthant::{Dense, Fit, Loss, Method, Nmf, Plan, Real, Scale, Update};
use orthant_verify::compare::{cast, first_other_bit, weakest};
use orthant_verify::fits::{Step, trace};
use orthant_verify::layout::{Layout, Stored};
use orthant_verify::oracle;
use orthant_verify::strategies::{Data, Recipe, cases, recipes};
use proptest::prelude::*;

fn own<T: Real>(recipe: &Recipe, method: Method, max_iter: usize) -> Nmf<T> {
    Nmf::new(recipe.k).method(method).seed(recipe.seed as u32).scale(Scale::None).max_iter(max_iter)
}

fn fit<T: Real>(v: &Dense<T>, recipe: &Recipe, method: Method, max_iter: usize, layout: Layout) -> Fit<T> {
    own(recipe, method, max_iter).fit(&Stored::new(v, layout)).unwrap()
}

/// Of the rows that are not all zero, the one whose largest entry is smallest.
fn faintest<T: Real>(a: &Dense<T>) -> f64 {
    let largest = |i: usize| a.row(i).iter().fold(0.0, |top: f64, x| top.max(x.to_f64()));
    (0..a.nrows()).map(largest).filter(|&x| x > 0.0).fold(f64::INFINITY, f64::min)
}

fn times<T: Real>(v: &Dense<T>, by: f64) -> Dense<T> {
    Dense::from_fn(v.nrows(), v.ncols(), |i, j| T::from_f64(v[(i, j)].to_f64() * by))
}

fn scales_by_powers_of_four<T: Real>(
    v: &Dense<T>,
    recipe: &Recipe,
    method: Method,
    p: i32,
    layout: Layout,
) -> Result<(), TestCaseError> {
    let (plain, steps) = trace(&own(recipe, method, 40), &Stored::new(v, layout)).unwrap();
    let scaled = fit(&times(v, 4f64.powi(p)), recipe, method, 40, layout);
    // a component may die away through all exponents; from the first product of three entries (a Gram matrix' and
    // a factor's) that underflows on, bits are lost
    let least = steps.iter().map(|s| faintest(&s.w.transposed()).min(faintest(&s.h)));
    let least = least.fold(f64::INFINITY, f64::min);
    let roundoff = T::EPSILON.to_f64();
    let normal = if T::NAME == "float64" { f64::MIN_POSITIVE } else { f64::from(f32::MIN_POSITIVE) };
    let by = 2f64.powi(p);
    // the smallest scale on which either fit computes, or gives its result
    let folded = |plan: &Plan, by: f64| by * 2f64.powi(-plan.scale_exponent);
    let read = folded(&plain.report.plan, 1.0).min(folded(&scaled.report.plan, by)).min(1.0);
    if (least * read).powi(3) < normal / roundoff || least * by < normal / roundoff {
        return Ok(());
    }
    prop_assert_eq!(plain.report.iterations, scaled.report.iterations);
    prop_assert_eq!(plain.report.stop_reason, scaled.report.stop_reason);
    // nor are entries compared whose products underflow in either fit
    let least = read.min(by);
    let kept = |a: &Dense<T>, to_plain: f64| {
        let keep = |x: f64| if (x * to_plain * least).powi(3) < normal / roundoff { 0.0 } else { x };
        Dense::from_fn(a.nrows(), a.ncols(), |i, j| T::from_f64(keep(a[(i, j)].to_f64())))
    };
    let pairs = [(&scaled.w, &plain.w), (scaled.model.components(), plain.model.components())];
    for (name, (scaled, plain)) in ["W", "H"].into_iter().zip(pairs) {
        let other = first_other_bit(&kept(scaled, 1.0 / by), &times(&kept(plain, 1.0), by));
        prop_assert_eq!(other, None, "{}, {} 4^{}", name, T::NAME, p);
    }
    Ok(())
}

fn own_methods() -> impl Strategy<Value = Method> {
    proptest::sample::select(vec![
        Method::hals(),
        Method::hals().sweeps(1),
        Method::hals().sweeps(4),
        Method::hals().extrapolated(),
        Method::mm(Loss::Frobenius),
    ])
}

fn layouts() -> impl Strategy<Value = Layout> {
    proptest::sample::select(vec![Layout::RowMajor, Layout::ColMajor, Layout::Csr, Layout::Csc])
}

proptest! {
    #![proptest_config(cases(64))]

    /// Law 11. V·4^p gives W·2^p, H·2^p and the same number of iterations.
    #[test]
    fn a_power_of_four_moves_exponents_only(
        recipe in recipes(), method in own_methods(), p in -8..8_i32, layout in layouts(),
    ) {
        let problem = recipe.build();
        scales_by_powers_of_four(&problem.v, &recipe, method, p, layout)?;
        scales_by_powers_of_four(&problem.cast::<f32>().v, &recipe, method, p, layout)?;
    }

    /// Law 11. The same for powers far outside the exponents in which products of entries are safe.
    #[test]
    fn extreme_powers_of_four_move_exponents_only(
        recipe in recipes(), method in own_methods(), up in any::<bool>(), layout in layouts(),
    ) {
        let problem = recipe.build();
        let sign = if up { 1 } else { -1 };
        scales_by_powers_of_four(&problem.v, &recipe, method, sign * 220, layout)?;
        // multiplied again and again, entries of such data leave the range of f32, in one unit before the other
        if recipe.data != Data::WideRange || method.update != Update::Mm {
            scales_by_powers_of_four(&problem.cast::<f32>().v, &recipe, method, sign * 40, layout)?;
        }
    }

    /// Law 12. V·c gives F·c² in every iteration.
    #[test]
    fn the_objective_scales_with_the_square(
        recipe in recipes(), method in own_methods(), c in prop_oneof![1e-5..1.0, 1.0..1e5], layout in layouts(),
    ) {
        let v = recipe.build().v;
        let (plain, steps) = traced(&v, &recipe, method, layout);
        let (scaled, scaled_steps) = traced(&times(&v, c), &recipe, method, layout);
        // relative to ½‖V‖², the objective of W = H = 0
        let unit = 0.5 * oracle::norm_squared(&v);
        let mut clear = true;
        for (s, other) in steps.iter().zip(&scaled_steps) {
            // a component that has shrunk to rounding comes back in a direction that is rounding's, too
            clear &= weakest(&s.w, &s.h) >= 1e-3;
            if clear {
                let d = (other.objective / (c * c) - s.objective).abs();
                prop_assert!(d <= 1e-10 * unit, "{} and {}", other.objective / (c * c), s.objective);
            }
        }
        if clear {
            prop_assert_eq!(plain.report.iterations, scaled.report.iterations);
            let d = (scaled.report.objective / (c * c) - plain.report.objective).abs();
            prop_assert!(d <= 1e-10 * unit);
        }
    }
}

fn traced(v: &Dense<f64>, recipe: &Recipe, method: Method, layout: Layout) -> (Fit<f64>, Vec<Step<f64>>) {
    trace(&own(recipe, method, 20).tol(0.0), &Stored::new(v, layout)).unwrap()
}

/// Law 11. Where V leaves the safe range, a scaled copy of each block is read, and the plan says so.
#[test]
fn the_power_that_is_folded_in_is_reported() {
    let recipe = Recipe { m: 30, n: 20, k: 3, data: Data::Uniform, zeros_in_start: false, seed: 1 };
    let v = recipe.build().v;
    let method = Method::hals();
    assert_eq!(fit(&v, &recipe, method, 3, Layout::RowMajor).report.plan.scale_exponent, 0);
    let far = fit(&times(&v, 4f64.powi(220)), &recipe, method, 3, Layout::RowMajor);
    assert!(far.report.plan.scale_exponent > 100, "{}", far.report.plan.scale_exponent);
    let small = cast::<f64, f32>(&times(&v, 4f64.powi(-50)));
    let far = fit(&small, &recipe, method, 3, Layout::RowMajor);
    assert!(far.report.plan.scale_exponent < -10, "{}", far.report.plan.scale_exponent);
}
