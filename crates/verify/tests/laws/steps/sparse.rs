//! What is sparse gives what the same matrix gives when it is dense, by rows and by columns.
//!
//! Law 47 holds the rules with a naive reference to its steps in every layout; here are all methods, starts and losses
//! beside the dense path, which has other kernels, and shapes that lead to each way through the sparse one.

use orthant::{
    Dense, Fit, Init, InitKind, Loss, Method, MiniBatchNmf, Model, Nmf, Penalty, Real, StopReason,
};
use orthant_verify::compare::{
    after_step, cast, difference, first_other_bit, max_abs, unit_roundoff, worst_entry,
};
use orthant_verify::divergences;
use orthant_verify::fits::{fixed, step};
use orthant_verify::layout::{Layout, Stored};
use orthant_verify::made::{log_counts, planted};
use orthant_verify::strategies::{Data, Numbers, Problem, Recipe, cases, penalties, positive_recipes};
use proptest::prelude::*;

const SPARSE: [Layout; 3] = [Layout::Csr, Layout::Csc, Layout::Untidy];
const MIXED: Penalty = Penalty { alpha_w: 2e-3, alpha_h: Some(1e-3), l1_ratio: 0.5 };
const KL: Loss = Loss::KullbackLeibler;

/// Every method; those that choose their sweeps by the number of entries with a fixed number.
fn methods() -> Vec<Method> {
    let descent = [
        Method::cd(),
        Method::hals().sweeps(1),
        Method::hals().sweeps(3),
        Method::hals().extrapolated().sweeps(2),
        Method::projected_gradient(),
    ];
    descent.into_iter().chain(EXACT).chain(divergences::methods()).collect()
}

/// Half-steps that solve with the Gram matrix, whose condition is in their rounding.
const EXACT: [Method; 2] = [Method::als(), Method::anls()];

/// How far two steps from an H of `before` are apart.
fn apart<T: Real>(
    method: Method,
    v: &Dense<T>,
    before: &Dense<T>,
    a: &(Dense<T>, Dense<T>),
    b: &(Dense<T>, Dense<T>),
) -> f64 {
    if method.loss.is_quadratic() {
        let weak = if T::NAME == "float64" { 1e-3 } else { 0.1 };
        return after_step(v, before, (&a.0, &a.1), (&b.0, &b.1), weak).worst();
    }
    // sums of terms without signs, but for entries that scikit-learn's rule puts to 0
    worst_entry(&a.0, &b.0, 1e-4).max(worst_entry(&a.1, &b.1, 1e-4))
}

/// The law's 1e-12, and in single precision law 27's.
fn tolerance<T: Real>(method: Method, k: usize) -> f64 {
    let beta = method.loss.beta();
    match (T::NAME == "float64", beta == 2.0) {
        (true, _) => 1e-12,
        (false, true) => 64.0 * k as f64 * unit_roundoff::<T>(),
        (false, false) => 64.0 * (k + 4) as f64 * (1.0 + (beta - 2.0).abs()) * unit_roundoff::<T>(),
    }
}

/// One step on dense data, on its rows and on its columns.
fn step_is_that_on_dense_data<T: Real>(
    p: &Problem<T>,
    method: Method,
    penalty: Penalty,
    layouts: &[Layout],
) -> Result<(), String> {
    let enough = tolerance::<T>(method, p.h.nrows());
    let of = |layout| step(method, penalty, &Stored::new(&p.v, layout), &p.w, &p.h).unwrap();
    let dense = of(Layout::RowMajor);
    let all: Vec<_> = layouts.iter().map(|&layout| (layout, of(layout))).collect();
    for (layout, ours) in &all {
        let d = apart(method, &p.v, &p.h, ours, &dense);
        if d > enough {
            return Err(format!("{} {method:?}: {layout:?} and dense differ by {d:e}", T::NAME));
        }
        let d = apart(method, &p.v, &p.h, ours, &all[0].1);
        if d > enough {
            return Err(format!("{} {method:?}: {layout:?} and {:?} differ by {d:e}", T::NAME, all[0].0));
        }
    }
    Ok(())
}

/// Data that each loss allows, none of it wide: powers of numbers over twelve decades leave single precision.
fn narrow(recipe: &Recipe) -> Recipe {
    let data = if recipe.data == Data::WideRange { Data::Sparse } else { recipe.data };
    Recipe { data, ..*recipe }
}

proptest! {
    #![proptest_config(cases(64))]

    /// Law 20, 21. A step on sparse data is that on dense data, by every method and from any start.
    #[test]
    fn a_step_on_sparse_data_is_that_on_dense_data(
        recipe in positive_recipes(), method in proptest::sample::select(methods()), penalty in penalties(),
    ) {
        let recipe = narrow(&recipe);
        // what a singular Gram matrix leaves open is not compared
        let solves = EXACT.contains(&method);
        prop_assume!(!solves || 2 * recipe.k <= recipe.m.min(recipe.n) && recipe.data != Data::LowRank);
        let p = recipe.build_for(method.loss);
        let held = step_is_that_on_dense_data(&p, method, penalty, &SPARSE);
        prop_assert!(held.is_ok(), "{:?}", held);
        if !solves {
            let held = step_is_that_on_dense_data(&p.cast::<f32>(), method, penalty, &SPARSE);
            prop_assert!(held.is_ok(), "{:?}", held);
        }
    }
}

/// A matrix for one of the ways through the sparse pass.
struct Shape {
    name: &'static str,
    v: Dense<f64>,
    k: usize,
    /// Whether every component finds data to be determined by.
    regular: bool,
}

fn matrix(m: usize, n: usize, seed: u64, share: impl Fn(usize, usize) -> f64) -> Dense<f64> {
    let mut numbers = Numbers::new(seed);
    Dense::from_fn(m, n, |i, j| {
        let (x, at) = (0.05 + numbers.uniform(), numbers.uniform());
        if at < share(i, j) { x } else { 0.0 }
    })
}

/// Rows enough that sums are put aside, of which every one has an entry in the first column.
fn long() -> Dense<f64> {
    matrix(9000, 60, 1, |_, j| if j == 0 { 1.0 } else { 0.02 })
}

fn shapes() -> Vec<Shape> {
    let of = |name, v, k, regular| Shape { name, v, k, regular };
    let empty = |i: usize, j: usize| [0, 13, 49].contains(&i) || [0, 7, 39].contains(&j);
    vec![
        of(
            "neighbouring rows that hold half of the entries",
            matrix(3000, 40, 2, |i, j| if (1000..1075).contains(&i) || j == i % 40 { 1.0 } else { 0.0 }),
            5,
            true,
        ),
        of(
            "three rows that hold half of the entries",
            matrix(60, 900, 3, |i, _| if i % 25 == 7 { 1.0 } else { 0.05 }),
            17,
            true,
        ),
        of("a full column in long lanes", long(), 3, true),
        of("a full row in long lanes", long().transposed(), 3, true),
        of("rows of every length", matrix(120, 120, 4, |i, j| if j < i { 1.0 } else { 0.0 }), 8, true),
        of("rank 1", matrix(70, 50, 5, |_, _| 0.1), 1, true),
        of("rank 17", matrix(70, 50, 6, |_, _| 0.6), 17, true),
        of("empty lines", matrix(50, 40, 7, |i, j| if empty(i, j) { 0.0 } else { 0.3 }), 4, true),
        of("one row", matrix(1, 200, 8, |_, _| 0.4), 2, false),
        of("one column", matrix(200, 1, 9, |_, _| 0.4), 2, false),
        of("one entry", matrix(30, 20, 10, |i, j| if (i, j) == (11, 19) { 1.0 } else { 0.0 }), 2, false),
    ]
}

/// Law 20, 21. A step on sparse data is that on dense data on each way through the pass: sums in lanes and
/// products with a transpose, of rows and of columns, put aside or not.
#[test]
fn a_step_on_data_of_every_shape_is_that_on_dense_data() {
    let mut transposed = [0, 0];
    for (seed, shape) in (1..).zip(shapes()) {
        let (m, n) = (shape.v.nrows(), shape.v.ncols());
        let mut numbers = Numbers::new(seed);
        let scale = 2.0 * (shape.v.as_slice().iter().sum::<f64>() / (m * n * shape.k) as f64).sqrt();
        let mut start = |m, n| Dense::from_fn(m, n, |_, _| scale * (0.1 + numbers.uniform()));
        let (w, h) = (start(m, shape.k), start(shape.k, n));
        let p = Problem { v: shape.v, w, h };
        let all = [
            Method::cd(),
            Method::hals().sweeps(3),
            Method::hals().extrapolated().sweeps(2),
            Method::mm(Loss::Frobenius),
            Method::mu(KL),
            Method::mm(KL),
            Method::mm(Loss::Beta(0.5)),
        ];
        let exact = if shape.regular { &EXACT[..] } else { &[] };
        for &method in all.iter().chain(exact) {
            for penalty in [Penalty::default(), MIXED] {
                let held = step_is_that_on_dense_data(&p, method, penalty, &SPARSE[..2]);
                assert!(held.is_ok(), "{}, {penalty:?}: {held:?}", shape.name);
            }
            if !EXACT.contains(&method) {
                let held = step_is_that_on_dense_data(&p.cast::<f32>(), method, MIXED, &SPARSE[..2]);
                assert!(held.is_ok(), "{}: {held:?}", shape.name);
            }
        }
        for (layout, reached) in SPARSE.into_iter().zip(&mut transposed) {
            let fit = fixed(Method::cd(), MIXED, &p.w, &p.h, 1).fit(&Stored::new(&p.v, layout)).unwrap();
            let plan = &fit.report.plan;
            *reached |= if plan.transpose { 1 } else { 2 };
            if shape.name.ends_with("long lanes") && plan.by_columns == (m < n) {
                // longer than what is summed one after the other, with more terms than a column may have
                assert!(!plan.transpose && m.max(n) / plan.lanes > 2048, "{plan:?}");
            }
        }
    }
    assert_eq!(transposed, [3, 3], "plans with and without a transpose, by rows and by columns");
}

/// Law 20, 21. No entry at all is zero data, whatever the method, the start and the order.
#[test]
fn data_without_entries_is_zero_data() {
    for layout in SPARSE {
        let v = Stored::new(&Dense::<f64>::zeros(20, 15), layout);
        for method in methods().into_iter().filter(|m| m.loss.beta() > 0.0) {
            for start in InitKind::ALL.into_iter().filter_map(InitKind::init) {
                let fit = Nmf::new(3).method(method).init(start).fit(&v).unwrap();
                assert_eq!(fit.report.stop_reason, StopReason::ZeroData);
                assert_eq!((max_abs(&fit.w), max_abs(fit.model.components())), (0.0, 0.0));
            }
        }
    }
}

/// Data of ranks that starts by singular vectors find, with entries that are 0.
fn determined() -> [(Dense<f64>, usize); 2] {
    [(planted(80, 60, 4, 0.05, 3), 4), (log_counts(90, 120, 5, 2), 5)]
}

/// Law 20, 21. Starts have the same numbers but for rounding: in means, and in singular vectors.
#[test]
fn starts_on_sparse_data_are_those_on_dense_data() {
    fn check<T: Real>(v: &Dense<f64>, k: usize, (of_mean, of_svd): (f64, f64)) {
        let v = cast::<f64, T>(v);
        for kind in InitKind::ALL {
            let Some(start) = kind.init() else { continue };
            let nmf = Nmf::<T>::new(k).init(start).seed(7);
            let (w, h) = nmf.init_factors(&v).unwrap();
            for layout in SPARSE {
                let (ours_w, ours_h) = nmf.init_factors(&Stored::new(&v, layout)).unwrap();
                let d = difference(&ours_w, &w).max(difference(&ours_h, &h));
                let drawn = matches!(kind, InitKind::Random | InitKind::ScaledRandom);
                let enough = if drawn { of_mean } else { of_svd };
                assert!(d <= enough, "{} {} {layout:?}: differs by {d:e}", T::NAME, kind.name());
            }
        }
    }
    for (v, k) in determined() {
        check::<f64>(&v, k, (1e-14, 1e-9));
        check::<f32>(&v, k, (1e-6, 1e-3));
    }
}

/// Law 20, 21. Whole fits from each start end at the same objective.
#[test]
fn a_fit_of_sparse_data_ends_where_that_of_dense_data_does() {
    for (v, k) in determined() {
        let positive = Dense::from_fn(v.nrows(), v.ncols(), |i, j| v[(i, j)] + 0.1);
        let mut numbers = Numbers::new(5);
        let custom = Init::Custom { w: numbers.matrix(v.nrows(), k), h: numbers.matrix(k, v.ncols()) };
        let few = [
            Method::cd(),
            Method::hals().extrapolated().sweeps(2),
            Method::newton().sweeps(2),
            Method::mm(KL),
        ];
        let by_method = methods().into_iter().map(|method| (method, custom.clone()));
        let by_start = few
            .into_iter()
            .flat_map(|m| InitKind::ALL.into_iter().filter_map(InitKind::init).map(move |s| (m, s)));
        for (method, start) in by_method.chain(by_start) {
            let data = if method.loss.beta() > 0.0 { &v } else { &positive };
            let name = start.kind().name();
            let nmf = Nmf::new(k).method(method).penalty(MIXED).init(start).tol(0.0).max_iter(25);
            let dense = nmf.fit(data).unwrap().report;
            for layout in SPARSE {
                let report = nmf.fit(&Stored::new(data, layout)).unwrap().report;
                let off = (report.objective - dense.objective).abs();
                let what = format!("{method:?} from {name} {layout:?}");
                assert!(
                    off <= 1e-6 * dense.objective,
                    "{what}: {} and {}",
                    report.objective,
                    dense.objective
                );
                let off = (report.loss - dense.loss).abs();
                assert!(off <= 1e-6 * dense.loss, "{what}: {} and {}", report.loss, dense.loss);
                let off = (report.kkt_residual - dense.kkt_residual).abs();
                assert!(off <= 1e-4 * dense.kkt_residual, "{what}: KKT residuals off by {off}");
            }
        }
    }
}

/// Law 20, 21. The library's own choices, which depend on the number of entries, lead to as good a fit.
#[test]
fn the_default_fits_sparse_data_as_well_as_dense_data() {
    let v = planted(300, 200, 4, 0.05, 3);
    let nmf = Nmf::new(4).tol(1e-9).max_iter(2000);
    let dense = nmf.fit(&v).unwrap().report.loss;
    for layout in SPARSE {
        for compress in [false, true] {
            let loss = nmf.clone().compress(compress).fit(&Stored::new(&v, layout)).unwrap().report.loss;
            assert!((loss - dense).abs() <= 1e-6 * dense, "{layout:?} {compress}: {loss} and {dense}");
        }
    }
}

/// Law 20, 21, 32. Weights for given components are the same: by `transform`, of a row alone or among others,
/// and by fits of W alone.
#[test]
fn weights_of_sparse_data_are_those_of_dense_data() {
    let (v, k) = (matrix(90, 70, 11, |i, _| if i % 10 == 3 { 0.0 } else { 0.15 }), 5);
    let h = matrix(k, 70, 12, |t, j| if j % k == t { 1.0 } else { 0.4 });
    for loss in [Loss::Frobenius, KL, Loss::Beta(1.5), Loss::Beta(0.5)] {
        for penalty in [Penalty::default(), MIXED] {
            let model = Model::from_components(h.clone(), penalty).unwrap().with_loss(loss).unwrap();
            let dense = model.transform(&v).unwrap();
            for layout in SPARSE {
                let w = model.transform(&Stored::new(&v, layout)).unwrap();
                let d = difference(&w, &dense);
                assert!(d <= 1e-7, "{loss} {layout:?} differs by {d:e}");
                // law 32: a row alone, or among others
                for which in [vec![0], vec![5, 3, 89], (20..60).collect()] {
                    let part = Dense::from_fn(which.len(), 70, |i, j| v[(which[i], j)]);
                    let expected = Dense::from_fn(which.len(), k, |i, t| w[(which[i], t)]);
                    let part = model.transform(&Stored::new(&part, layout)).unwrap();
                    assert_eq!(first_other_bit(&part, &expected), None, "{loss} {layout:?} rows {which:?}");
                }
            }
        }
        let method = if loss.is_quadratic() { Method::cd() } else { Method::mm(loss) };
        let nmf = Nmf::new(k).method(method).penalty(MIXED).tol(0.0).max_iter(10);
        let dense: Fit<f64> = nmf.fit_weights(&v, &h).unwrap();
        for layout in SPARSE {
            let fit = nmf.fit_weights(&Stored::new(&v, layout), &h).unwrap();
            let d = difference(&fit.w, &dense.w);
            assert!(d <= 1e-11, "{method:?} {layout:?} differs by {d:e}");
        }
    }
}

/// Law 20, 21. Mini-batches of rows give the same, of a matrix by columns too: whole fits, and batches that
/// come one by one.
#[test]
fn batches_of_sparse_data_are_those_of_dense_data() {
    // a whole batch of nothing, and a last one of three rows
    let v = matrix(83, 40, 13, |i, _| if (20..30).contains(&i) { 0.0 } else { 0.2 });
    let mut numbers = Numbers::new(14);
    let (w, h) = (numbers.matrix(83, 4), numbers.matrix(4, 40));
    for loss in [Loss::Frobenius, KL, Loss::Beta(1.5), Loss::Beta(0.5)] {
        for (penalty, fresh) in [(Penalty::default(), false), (MIXED, true)] {
            let nmf = MiniBatchNmf::new(4).loss(loss).penalty(penalty).batch_size(10).fresh_restarts(fresh);
            let nmf = nmf.init(Init::Custom { w: w.clone(), h: h.clone() }).tol(0.0).max_iter(3);
            let nmf = nmf.max_no_improvement(None);
            let dense = nmf.fit(&v).unwrap();
            let online = |layout| {
                let mut online = nmf.clone().init(Init::Random).online().unwrap();
                for first in [0, 30, 60] {
                    let part = Dense::from_fn(20, 40, |i, j| v[(first + i, j)]);
                    online.partial_fit(&Stored::new(&part, layout)).unwrap();
                }
                online.model().unwrap().components().clone()
            };
            for layout in SPARSE {
                let fit = nmf.fit(&Stored::new(&v, layout)).unwrap();
                let what = format!("{loss} {layout:?} fresh {fresh}");
                assert_eq!(fit.steps, dense.steps, "{what}");
                let (ours, theirs) = (fit.model.components(), dense.model.components());
                let d = difference(&fit.w, &dense.w).max(difference(ours, theirs));
                assert!(d <= 1e-10, "{what} differs by {d:e}");
                let off = (fit.report.objective - dense.report.objective).abs();
                assert!(off <= 1e-10 * dense.report.objective, "{what}: objectives are off by {off:e}");
                let d = difference(&online(layout), &online(Layout::RowMajor));
                assert!(d <= 1e-10, "{what}, as they come, differs by {d:e}");
                let ours = nmf.transform(&Stored::new(&v, layout), theirs).unwrap();
                let d = difference(&ours, &nmf.transform(&v, theirs).unwrap());
                assert!(d <= 1e-10, "{what}, transform, differs by {d:e}");
            }
        }
    }
}
