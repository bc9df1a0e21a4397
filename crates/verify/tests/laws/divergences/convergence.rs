//! Where fits end.

use orthant::{Dense, Init, Loss, Method, Nmf, Penalty, Stop};
use orthant_verify::compare::difference;
use orthant_verify::divergences::{LOSSES, divergence, methods, remaining, rule, size, steepest};
use orthant_verify::fits::fixed;
use orthant_verify::layout::{Layout, Stored};
use orthant_verify::oracle;
use orthant_verify::strategies::{Data, Numbers, Problem, Recipe};

fn problem(loss: Loss, seed: u64) -> Problem<f64> {
    Recipe { m: 24, n: 19, k: 3, data: Data::Uniform, zeros_in_start: false, seed }.build_for(loss)
}

/// Law 38. A converged fit is stationary and says how nearly.
#[test]
fn a_converged_fit_is_stationary() {
    let mixed = Penalty { alpha_w: 1e-3, alpha_h: None, l1_ratio: 0.5 };
    for method in methods().into_iter().filter(|m| !m.loss.is_quadratic()) {
        let (beta, own) = rule(method);
        // the smaller γ, the slower
        let tol = if beta < 0.0 { 1e-7_f64 } else { 1e-9 };
        for penalty in [Penalty::default(), mixed] {
            let (seed, layout) = if own { (1, Layout::RowMajor) } else { (2, Layout::ColMajor) };
            let p = problem(method.loss, seed);
            let nmf = fixed(method, penalty, &p.w, &p.h, 100_000).stop(Stop::Progress { tol });
            let fit = nmf.fit(&Stored::new(&p.v, layout)).unwrap();
            assert!(fit.report.converged(), "{method:?}: {}", fit.report.stop_reason);
            let h = fit.model.components();
            let left = remaining(&p.v, &fit.w, h, penalty, beta);
            let told = fit.report.kkt_residual;
            assert!((told - left).abs() <= 1e-6 * left + 1e-14, "{method:?}: {told} reported, {left} true");
            assert!(left <= tol.sqrt(), "{method:?}: {left} left");
            // nor does anything that is nearly 0 still grow noticeably
            let steep = steepest(&p.v, &fit.w, h, penalty, beta);
            assert!(steep <= 0.02, "{method:?} {penalty:?}: numerators are up to {steep} above denominators");
        }
    }
}

/// Law 39. Where nothing is penalised, the best scale of WH makes Σp^(β−1)(p − v) vanish.
#[test]
fn a_converged_fit_satisfies_eulers_identity() {
    for method in methods() {
        let (beta, _) = rule(method);
        let p = problem(method.loss, 5);
        let nmf = fixed(method, Penalty::default(), &p.w, &p.h, 100_000).stop(Stop::Progress { tol: 1e-9 });
        let fit = nmf.fit(&p.v).unwrap();
        let wh = oracle::product(&fit.w, fit.model.components());
        let mut sum = oracle::Sum::default();
        for (p, v) in wh.as_slice().iter().zip(p.v.as_slice()) {
            sum.add(p.powf(beta - 1.0) * (p - v));
        }
        let share = sum.value().abs() / size(&p.v, beta);
        assert!(share <= 1e-4, "{method:?}: {share}");
    }
}

/// Law 44. From the best of rank k with a component of next to nothing added, rank k + 1 ends no higher.
#[test]
fn another_component_never_hurts() {
    let mut all: Vec<Method> = LOSSES.into_iter().map(Method::mm).collect();
    all.push(Method::hals());
    for method in all {
        let loss = method.loss;
        let p = problem(loss, 9);
        let mut numbers = Numbers::new(4);
        let (mut w, mut h) =
            (Dense::from_fn(24, 1, |i, _| p.w[(i, 0)]), Dense::from_fn(1, 19, |_, j| p.h[(0, j)]));
        let mut last = f64::INFINITY;
        for k in 1..6 {
            let nmf = Nmf::new(k).method(method).tol(0.0).max_iter(60).init(Init::Custom { w, h });
            let fit = nmf.fit(&p.v).unwrap();
            let components = fit.model.components();
            let now = divergence(&p.v, &fit.w, components, loss.beta());
            assert!(now.value <= last + 1e-9 * now.size, "{method:?} rank {k}: {} after {last}", now.value);
            last = now.value;
            w = Dense::from_fn(
                24,
                k + 1,
                |i, t| if t < k { fit.w[(i, t)] } else { 1e-8 * numbers.uniform() },
            );
            h = Dense::from_fn(
                k + 1,
                19,
                |t, j| if t < k { components[(t, j)] } else { 1e-4 * numbers.uniform() },
            );
        }
    }
}

/// Law 42, 43. Every exact fit finds a factorisation that is unique. R·Rᵀ for this R has no other of rank 3 where
/// a < ½ (Laurberg et al., Theorems on positive data: on the uniqueness of NMF, 2008,
/// doi:10.1155/2008/764206, example 2).
#[test]
fn a_unique_factorisation_is_found() {
    let a = 0.25;
    let r = [[a, 1.0, 0.0], [1.0, a, 0.0], [a, 0.0, 1.0], [1.0, 0.0, a], [0.0, a, 1.0], [0.0, 1.0, a]];
    let r = Dense::from_fn(6, 3, |i, t| r[i][t]);
    let v = oracle::times_transposed(&r, &r);
    let unit = |w: &Dense<f64>| {
        // columns of length 1, in the order of their largest entries' rows
        let wt = w.transposed();
        let mut columns: Vec<Vec<f64>> = (0..3)
            .map(|t| {
                let norm = oracle::dot(wt.row(t), wt.row(t)).sqrt();
                wt.row(t).iter().map(|x| x / norm).collect()
            })
            .collect();
        columns.sort_by(|a, b| b.partial_cmp(a).expect("numbers"));
        Dense::from_fn(3, 6, |t, i| columns[t][i])
    };
    for method in [Method::hals(), Method::cd(), Method::anls()] {
        let fits = (0..8).map(|seed| {
            Nmf::new(3)
                .method(method)
                .init(Init::Random)
                .seed(seed)
                .tol(0.0)
                .max_iter(20_000)
                .fit(&v)
                .unwrap()
        });
        let exact: Vec<_> = fits.filter(|fit| fit.report.relative_error < 1e-12).collect();
        assert!(!exact.is_empty(), "{method:?} found no exact fit");
        for fit in exact {
            let d = difference(&unit(&fit.w), &unit(&r));
            assert!(
                d <= 1e-6,
                "{method:?}: W differs by {d:e} at an error of {:e}",
                fit.report.relative_error
            );
            let d = difference(&unit(&fit.model.components().transposed()), &unit(&r));
            assert!(d <= 1e-6, "{method:?}: H differs by {d:e}");
        }
    }
}
