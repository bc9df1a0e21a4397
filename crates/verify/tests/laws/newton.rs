//! Laws of Newton's coordinate descent for Kullback–Leibler.

use orthant::{Dense, Init, Loss, Method, Nmf, Penalty, Real, Scale, Stop, Warning};
use orthant_verify::compare::{cast, first_other_bit, is_non_negative, unit_roundoff, worst_entry};
use orthant_verify::divergences::{clear_of_floors, divergence, objective, remaining, size, steepest};
use orthant_verify::fits::{fixed, step, trace};
use orthant_verify::layout::{ALL, Layout, Stored};
use orthant_verify::made::log_counts;
use orthant_verify::newton;
use orthant_verify::oracle;
use orthant_verify::strategies::{
    Data, Numbers, Problem, Recipe, cases, penalties, positive_recipes, recipes,
};
use proptest::prelude::*;

const KL: Loss = Loss::KullbackLeibler;
const DEFAULT: Method = Method::newton();
/// Below this share of the largest, entries are compared with that share: p is moved along, and rounds where it shrinks.
const LEAST: f64 = 1e-3;

fn layouts() -> impl Strategy<Value = Layout> {
    proptest::sample::select(vec![
        Layout::RowMajor,
        Layout::ColMajor,
        Layout::EverySecond,
        Layout::Csr,
        Layout::Csc,
    ])
}

fn sweeps() -> impl Strategy<Value = Method> {
    (1..5_usize).prop_map(|sweeps| Method::newton().sweeps(sweeps))
}

/// F falls and is what the oracle says; factors are non-negative and finite.
fn falls<T: Real>(
    p: &Problem<T>,
    method: Method,
    penalty: Penalty,
    layout: Layout,
) -> Result<(), TestCaseError> {
    let v = cast::<T, f64>(&p.v);
    let (fit, steps) = trace(&fixed(method, penalty, &p.w, &p.h, 8), &Stored::new(&p.v, layout)).unwrap();
    let mut before = objective(&v, &cast(&p.w), &cast(&p.h), penalty, 1.0);
    let share = (1e-12_f64).max(16.0 * (p.h.nrows() + 4) as f64 * unit_roundoff::<T>());
    for (number, s) in steps.iter().enumerate() {
        prop_assert!(is_non_negative(&s.w) && is_non_negative(&s.h), "{} iteration {number}", T::NAME);
        let (w, h) = (cast::<T, f64>(&s.w), cast::<T, f64>(&s.h));
        if !clear_of_floors::<T>(method, &v, &w, &h) {
            return Ok(());
        }
        let after = objective(&v, &w, &h, penalty, 1.0);
        prop_assert!(
            after.value <= before.value + 64.0 * unit_roundoff::<T>() * before.size.max(after.size),
            "{} {layout:?} iteration {}: F rose from {} by {:e}, terms add up to {}",
            T::NAME,
            number + 1,
            before.value,
            after.value - before.value,
            after.size
        );
        let off = (s.objective - after.value).abs();
        prop_assert!(off <= share * after.size, "objective {} reported, {} true", s.objective, after.value);
        before = after;
    }
    let (w, h) = (cast::<T, f64>(&fit.w), cast::<T, f64>(fit.model.components()));
    let loss = divergence(&v, &w, &h, 1.0);
    prop_assert!((fit.report.loss - loss.value).abs() <= share * loss.size);
    Ok(())
}

/// Times a power of ten.
fn stronger(penalty: Penalty, power: i32) -> Penalty {
    let times = |alpha: f64| alpha * 10f64.powi(power);
    Penalty { alpha_w: times(penalty.alpha_w), alpha_h: penalty.alpha_h.map(times), ..penalty }
}

fn times<T: Real>(a: &Dense<T>, by: f64) -> Dense<T> {
    Dense::from_fn(a.nrows(), a.ncols(), |i, j| T::from_f64(a[(i, j)].to_f64() * by))
}

proptest! {
    #![proptest_config(cases(96))]

    /// Law 8. F does not rise, also under penalties that rule it and from starts far off, where steps are
    /// damped.
    #[test]
    fn newtons_steps_never_raise_the_objective(
        recipe in positive_recipes(), method in sweeps(), penalty in penalties(), strength in 0..6_i32,
        layout in layouts(), far in -4..3_i32,
    ) {
        let mut p = recipe.build_for(KL);
        for x in p.w.as_mut_slice().iter_mut().chain(p.h.as_mut_slice()) {
            *x *= 10f64.powi(far);
        }
        let penalty = stronger(penalty, strength);
        falls(&p, method, penalty, layout)?;
        falls(&p.cast::<f32>(), method, penalty, layout)?;
    }

    /// Law 17, 20, 21, 47. One iteration in every layout is the plain loops', so that sparse is dense and
    /// columns are rows.
    #[test]
    fn a_step_is_the_plain_loops_in_every_layout(
        recipe in positive_recipes(), method in sweeps(), penalty in penalties(), layout in 0..ALL.len(),
    ) {
        prop_assume!(recipe.data != Data::WideRange);
        let p = recipe.build_for(KL);
        let stored = Stored::new(&p.v, ALL[layout]);
        let count = method.sweeps.unwrap();
        let (mut w, mut h) = (p.w.clone(), p.h.clone());
        for number in 1..=3 {
            let ours = step(method, penalty, &stored, &w, &h).unwrap();
            newton::step(&p.v, &mut w, &mut h, penalty, count);
            let d = worst_entry(&ours.0, &w, LEAST).max(worst_entry(&ours.1, &h, LEAST));
            prop_assert!(d <= 1e-9, "step {} in {:?} differs by {:e}", number, ALL[layout], d);
            if [&w, &h].iter().any(|a| a.as_slice().iter().all(|&x| x == 0.0)) {
                break;
            }
        }
    }

    /// Law 11. V·4^p gives W·2^p, H·2^p and the same number of iterations.
    #[test]
    fn a_power_of_four_moves_exponents_only(
        recipe in recipes(), layout in layouts(), power in prop_oneof![-8..8_i32, Just(-140), Just(140)],
    ) {
        let v = recipe.build_for(KL).v;
        let by = 2f64.powi(power);
        let fit = |v: &Dense<f64>| {
            let nmf = Nmf::new(recipe.k).method(DEFAULT).seed(recipe.seed as u32).init(Init::Random);
            let nmf = nmf.scale(Scale::None).max_iter(12);
            nmf.fit(&Stored::new(v, layout)).unwrap()
        };
        let (plain, scaled) = (fit(&v), fit(&times(&v, by * by)));
        prop_assert_eq!(plain.report.iterations, scaled.report.iterations);
        prop_assert_eq!(first_other_bit(&times(&scaled.w, 1.0 / by), &plain.w), None);
        prop_assert_eq!(first_other_bit(&times(scaled.model.components(), 1.0 / by), plain.model.components()), None);
        let (a, b) = (scaled.report.objective, plain.report.objective * by * by);
        prop_assert!((a - b).abs() <= 1e-12 * b, "{} and {}", a, b);
    }

    /// Law 14, 15. Permuting rows and columns of V and the start permutes the factors after a step.
    #[test]
    fn permuting_rows_and_columns_permutes_the_result(
        recipe in recipes(), method in sweeps(), penalty in penalties(), seed in any::<u64>(),
    ) {
        prop_assume!(recipe.data != Data::WideRange);
        let p = recipe.build_for(KL);
        let mut numbers = Numbers::new(seed);
        let (rows, cols) = (numbers.permutation(recipe.m), numbers.permutation(recipe.n));
        let of = |a: &Dense<f64>, rows: &dyn Fn(usize) -> usize, cols: &dyn Fn(usize) -> usize| {
            Dense::from_fn(a.nrows(), a.ncols(), |i, j| a[(rows(i), cols(j))])
        };
        let (by_rows, by_cols, same) = (|i: usize| rows[i], |j: usize| cols[j], |t: usize| t);
        let plain = step(method, penalty, &p.v, &p.w, &p.h).unwrap();
        let (w, h) = (of(&p.w, &by_rows, &same), of(&p.h, &same, &by_cols));
        let other = step(method, penalty, &of(&p.v, &by_rows, &by_cols), &w, &h).unwrap();
        let d = worst_entry(&other.0, &of(&plain.0, &by_rows, &same), LEAST)
            .max(worst_entry(&other.1, &of(&plain.1, &same, &by_cols), LEAST));
        prop_assert!(d <= 1e-9, "differs by {:e}", d);
    }
}

/// Law 27. Whole fits in single precision end within a thousandth of the objective of double precision.
#[test]
fn single_precision_ends_near_double() {
    let v = log_counts(90, 70, 5, 3);
    for method in [DEFAULT, Method::newton().sweeps(3)] {
        let double = Nmf::new(5).method(method).seed(1).tol(0.0).max_iter(60).fit(&v).unwrap().report;
        let single =
            Nmf::new(5).method(method).seed(1).tol(0.0).max_iter(60).fit(&cast::<f64, f32>(&v)).unwrap();
        let (a, b) = (single.report.objective, double.objective);
        assert!((a - b).abs() <= 1e-3 * b, "{a} and {b}");
    }
}

/// Law 38, 39. A converged fit is stationary and says how nearly. Without penalties WH adds up as V does.
#[test]
fn a_converged_fit_is_stationary() {
    let mixed = Penalty { alpha_w: 1e-3, alpha_h: None, l1_ratio: 0.5 };
    for layout in [Layout::RowMajor, Layout::ColMajor, Layout::Csr, Layout::Csc] {
        for penalty in [Penalty::default(), mixed] {
            let recipe = Recipe { m: 24, n: 19, k: 3, data: Data::Uniform, zeros_in_start: false, seed: 3 };
            let p = recipe.build_for(KL);
            let tol = 1e-11_f64;
            let nmf = fixed(DEFAULT, penalty, &p.w, &p.h, 100_000).stop(Stop::Progress { tol });
            let fit = nmf.fit(&Stored::new(&p.v, layout)).unwrap();
            assert!(fit.report.converged(), "{}", fit.report.stop_reason);
            let h = fit.model.components();
            let left = remaining(&p.v, &fit.w, h, penalty, 1.0);
            let told = fit.report.kkt_residual;
            assert!(left <= tol.sqrt() && told <= tol.sqrt(), "{layout:?}: {told} reported, {left} true");
            // the figure is taken coordinate by coordinate, the oracle's of all at once
            assert!((told - left).abs() <= 0.5 * left + 1e-12, "{layout:?}: {told} reported, {left} true");
            let steep = steepest(&p.v, &fit.w, h, penalty, 1.0);
            assert!(steep <= 1e-3, "numerators are up to {steep} above denominators");
            if penalty == Penalty::default() {
                let (wh, v) = (oracle::product(&fit.w, h).as_slice().iter().sum::<f64>(), size(&p.v, 1.0));
                assert!((wh - v).abs() <= 1e-5 * v, "{wh} and {v}");
            }
        }
    }
}

/// Fewer passes to a loss, and as good an end, as multiplicative updates: means of five starts.
#[test]
fn newton_is_where_multiplicative_updates_are_after_five_times_the_passes() {
    let v = log_counts(300, 200, 8, 2);
    let (mut by_newton, mut by_mm) = (0.0, 0.0);
    for seed in 0..5 {
        let after = |method, passes| {
            Nmf::new(8).method(method).seed(seed).tol(0.0).max_iter(passes).fit(&v).unwrap().report.objective
        };
        by_newton += after(Method::newton().sweeps(2), 40);
        by_mm += after(Method::mm(KL), 200);
    }
    assert!(by_newton <= by_mm, "{by_newton} by Newton's steps, {by_mm} by multiplicative updates");
}

/// With H given the problem is convex: every row ends where `transform` ends, which shares no code.
#[test]
fn weights_for_given_components_are_those_of_transform() {
    let recipe = Recipe { m: 20, n: 30, k: 4, data: Data::Uniform, zeros_in_start: false, seed: 5 };
    let p = recipe.build_for(KL);
    for layout in [Layout::RowMajor, Layout::ColMajor, Layout::Csr, Layout::Csc] {
        let v = Stored::new(&p.v, layout);
        let nmf = Nmf::new(4).method(DEFAULT).tol(0.0).max_iter(3000);
        let ours = nmf.fit_weights(&v, &p.h).unwrap();
        let theirs = ours.model.transform(&v).unwrap();
        let of = |w: &Dense<f64>| divergence(&p.v, w, &p.h, 1.0).value;
        let (a, b) = (of(&ours.w), of(&theirs));
        assert!((a - b).abs() <= 1e-9 * b, "{layout:?}: {a} and {b}");
        assert!(ours.report.history.windows(2).all(|h| h[1].objective <= h[0].objective * (1.0 + 1e-12)));
    }
}

/// Entries of 0 can grow, so that no start locks anything; and rows of zeros end at 0.
#[test]
fn zeros_leave_and_empty_rows_are_zero() {
    let mut v = Numbers::new(2).matrix(12, 10);
    v.as_mut_slice()[30..40].fill(0.0);
    let (mut w, h) = (Numbers::new(3).matrix(12, 3), Numbers::new(4).matrix(3, 10));
    (0..12).for_each(|i| w[(i, i % 3)] = 0.0);
    for layout in [Layout::RowMajor, Layout::Csc] {
        let nmf = fixed(DEFAULT, Penalty::default(), &w, &h, 50);
        let fit = nmf.fit(&Stored::new(&v, layout)).unwrap();
        let left = (0..12).filter(|i| fit.w[(*i, i % 3)] > 0.0).count();
        assert!(left >= 4, "{left} zeros left");
        assert!(fit.w.row(3).iter().all(|x| x.to_bits() == 0), "{:?}", fit.w.row(3));
        assert!(!fit.report.warnings.iter().any(|w| matches!(w, Warning::LockedZeros { .. })));
    }
}
