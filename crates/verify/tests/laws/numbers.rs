//! What users read off a fit: scales, shares, errors, ends; on small data of the kinds on which they were once wrong.

use std::time::Instant;

use orthant::{Csr, Dense, Error, Fit, Init, Loss, Method, Nmf, Penalty, Real, Scale, Update, Warning};
use orthant_verify::compare::{cast, is_non_negative};
use orthant_verify::divergences::{LOSSES, divergence};
use orthant_verify::forms::methods;
use orthant_verify::layout::{Layout, Stored};
use orthant_verify::oracle;
use orthant_verify::strategies::{Numbers, cases, recipes};
use proptest::prelude::*;

const KL: Loss = Loss::KullbackLeibler;
const LAYOUTS: [Layout; 4] = [Layout::RowMajor, Layout::ColMajor, Layout::Csr, Layout::Csc];

/// Every method that is the library's own.
fn own() -> Vec<Method> {
    methods(&LOSSES).into_iter().filter(|method| !method.is_compatible()).collect()
}

fn table(rows: &[&[f64]]) -> Dense<f64> {
    Dense::from_fn(rows.len(), rows[0].len(), |i, j| rows[i][j])
}

/// Poisson numbers, by how many uniform factors keep the product above e^-rate.
fn poisson(numbers: &mut Numbers, rate: f64) -> f64 {
    let (least, mut product, mut count) = ((-rate).exp(), numbers.uniform(), 0.0);
    while product > least {
        product *= numbers.uniform();
        count += 1.0;
    }
    count
}

/// Rows of H sum to 1 or are 0, components stand in the order of their totals, and no entry of W is beyond what V
/// has.
fn assert_scale_is_sane<T: Real>(v: &Dense<T>, fit: &Fit<T>, what: &str) {
    let (w, h) = (cast::<T, f64>(&fit.w), cast::<T, f64>(fit.model.components()));
    let epsilon = T::EPSILON.to_f64();
    for t in 0..h.nrows() {
        let sum: f64 = h.row(t).iter().sum();
        let off = (sum - 1.0).abs();
        assert!(sum == 0.0 || off <= 4.0 * epsilon * h.ncols() as f64, "{what}: row {t} of H sums to {sum}");
    }
    let totals: Vec<f64> = fit.report.components.iter().map(|c| c.total).collect();
    assert!(totals.is_sorted_by(|a, b| a >= b), "{what}: {totals:?}");
    for (t, total) in totals.iter().enumerate() {
        let column: f64 = (0..w.nrows()).map(|i| w[(i, t)]).sum::<f64>() * h.row(t).iter().sum::<f64>();
        assert!((total - column).abs() <= 1e-12 * column, "{what}: {total} for {column}");
    }
    let shares: f64 = fit.report.components.iter().map(|c| c.share).sum();
    assert!(
        (shares - 1.0).abs() < 1e-12 || totals.iter().all(|t| *t == 0.0),
        "{what}: shares add up to {shares}"
    );
    // down there a product far above the data costs little or nothing, beside one that is below it; ALS
    // does not promise to descend
    let bounded = fit.report.loss_function.beta() > 0.0 && fit.report.plan.method.update != Update::Als;
    if T::NAME == "float64" && bounded {
        let row = |i: usize| v.row(i).iter().map(|x| x.to_f64()).sum::<f64>();
        let most = (0..v.nrows()).map(row).fold(0.0, f64::max);
        let largest = w.as_slice().iter().copied().fold(0.0, f64::max);
        assert!(largest <= 4.0 * most, "{what}: W has {largest}, a row of V adds up to {most}");
    }
}

/// Law 52. Small tables have factors of their own size, by every method and from several seeds.
#[test]
fn tables_that_fit_on_a_line_have_factors_of_their_size() {
    let tables = [
        table(&[&[3.0, 0.0], &[0.0, 1.0]]),
        table(&[&[1.0, 2.0], &[2.0, 1.0]]),
        table(&[&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], &[7.0, 8.0, 9.0]]),
        table(&[&[5.0, 0.0, 0.0], &[0.0, 5.0, 0.0], &[0.0, 0.0, 5.0]]),
        table(&[&[1e6, 1.0], &[1.0, 1e-6], &[2.0, 2.0]]),
    ];
    for v in &tables {
        // data without zeros for losses that cannot have them
        let positive = Dense::from_fn(v.nrows(), v.ncols(), |i, j| v[(i, j)].max(1e-3));
        for method in own() {
            let v = if method.loss.beta() <= 0.0 { &positive } else { v };
            for k in 1..=2 {
                for seed in 0..3 {
                    let fit = Nmf::new(k).method(method).seed(seed).max_iter(2000).fit(v).unwrap();
                    assert_scale_is_sane(v, &fit, &format!("{method:?} k={k} seed {seed} of {v:?}"));
                }
            }
        }
    }
    let fit = Nmf::new(1).fit(&tables[0]).unwrap();
    assert!(fit.report.converged(), "{}", fit.report.stop_reason);
    assert!((fit.report.loss - 0.5).abs() < 1e-9, "{}", fit.report.loss);
}

proptest! {
    #![proptest_config(cases(48))]

    /// Law 52. Drawn problems have factors of their own size, in every layout and in both precisions.
    #[test]
    fn scales_are_sane(recipe in recipes(), which in 0..own().len(), layout in 0..LAYOUTS.len()) {
        let method = own()[which];
        let v = recipe.build_for(method.loss).v;
        let nmf = Nmf::new(recipe.k).method(method).max_iter(80);
        match nmf.fit(&Stored::new(&v, LAYOUTS[layout])) {
            Ok(fit) => assert_scale_is_sane(&v, &fit, &format!("{method:?}")),
            Err(error) => prop_assert!(matches!(error, Error::ZeroInNonPositiveBeta { .. }), "{error}"),
        }
        let v = cast::<f64, f32>(&v);
        let nmf = Nmf::<f32>::new(recipe.k).method(method).max_iter(80);
        if let Ok(fit) = nmf.fit(&Stored::new(&v, LAYOUTS[layout])) {
            assert_scale_is_sane(&v, &fit, &format!("{method:?} float32"));
        }
    }
}

/// Extrapolation once carried a change of scale from one factor to the other, larger every time.
#[test]
fn long_fits_do_not_run_away() {
    let mut numbers = Numbers::new(5);
    let table = Dense::from_fn(4, 2, |i, _| if i == 1 { 0.0 } else { 0.1 + 0.8 * numbers.uniform() });
    let square = Numbers::new(7).matrix(12, 9);
    for method in own() {
        for v in [&table, &square] {
            let v = Dense::from_fn(v.nrows(), v.ncols(), |i, j| {
                v[(i, j)].max(if method.loss.beta() <= 0.0 { 1e-3 } else { 0.0 })
            });
            for k in [1, 3] {
                let nmf = Nmf::new(k).method(method).seed(3).init(Init::Random).tol(0.0).max_iter(1500);
                let mut widest = 0.0_f64;
                let mut look = |it: &orthant::Iteration<'_, f64>| {
                    let (w, h) = it.factors();
                    let largest = |x: &Dense<f64>| x.as_slice().iter().copied().fold(0.0, f64::max);
                    widest = widest.max(largest(&w)).max(largest(&h));
                    std::ops::ControlFlow::<orthant::StopReason>::Continue(())
                };
                nmf.fit_observed(&v, &mut look).unwrap();
                // als is brought back where norms are 2^64 apart, 2^32 for either factor
                let most = if method == Method::als() { 1e12 } else { 1e6 };
                assert!(widest < most, "{method:?} k={k}: entries up to {widest:e}");
            }
        }
    }
}

/// Rows of counts around the profiles of some clusters, and the cluster of each; one profile a cluster.
fn clusters(
    sizes: &[usize],
    features: usize,
    depth: f64,
    overlap: f64,
    seed: u64,
) -> (Dense<f64>, Vec<usize>) {
    let mut numbers = Numbers::new(seed);
    let k = sizes.len();
    let profiles = Dense::from_fn(k, features, |t, j| {
        let mine = j * k / features == t;
        numbers.uniform() * if mine { 1.0 } else { overlap }
    });
    let labels: Vec<usize> =
        sizes.iter().enumerate().flat_map(|(t, &size)| std::iter::repeat_n(t, size)).collect();
    let mut v = Dense::zeros(labels.len(), features);
    for (i, &t) in labels.iter().enumerate() {
        let size = depth * (0.5 + numbers.uniform());
        let all: f64 = profiles.row(t).iter().sum();
        for j in 0..features {
            v[(i, j)] = poisson(&mut numbers, size * profiles[(t, j)] / all);
        }
    }
    (v, labels)
}

/// The share of rows whose largest weight is that of their cluster's component.
fn told_apart(w: &Dense<f64>, labels: &[usize], k: usize) -> f64 {
    let mut votes = vec![vec![0_usize; k]; k];
    let largest = |i: usize| (0..k).max_by(|&a, &b| w[(i, a)].total_cmp(&w[(i, b)])).unwrap();
    for (i, &label) in labels.iter().enumerate() {
        votes[largest(i)][label] += 1;
    }
    let right: usize = votes.iter().map(|votes| votes.iter().max().unwrap()).sum();
    right as f64 / labels.len() as f64
}

#[test]
fn the_largest_weight_tells_the_cluster_whatever_the_seed() {
    let sets = [
        clusters(&[40, 15, 8], 24, 100.0, 0.25, 1),
        clusters(&[60, 20, 10], 30, 80.0, 0.2, 2),
        clusters(&[20, 20, 20, 20], 32, 90.0, 0.2, 3),
        clusters(&[100, 12], 20, 60.0, 0.3, 4),
        clusters(&[30, 30, 15], 60, 150.0, 0.3, 5),
        clusters(&[50, 10], 12, 200.0, 0.4, 6),
    ];
    for (number, (v, labels)) in sets.iter().enumerate() {
        let k = 1 + labels.iter().max().unwrap();
        for loss in [Loss::Frobenius, KL] {
            for seed in 0..20 {
                let fit = Nmf::new(k).method(Method::auto(loss)).seed(seed).fit(v).unwrap();
                let share = told_apart(&fit.w, labels, k);
                assert!(share >= 0.98, "set {number}, {loss}, seed {seed}: {share}");
            }
        }
    }
}

/// A floor of 2⁻²³ in the units of V, not in those that V is scaled to.
#[test]
fn one_large_entry_does_not_spoil_the_other_rows() {
    for large in [2e7, 3e9, 1e15, 1e30] {
        let v = table(&[&[1.0, 2.0, 3.0], &[large, large / 2.0, large / 3.0]]);
        // auto's restarts know an objective to the rounding of its largest terms
        for (method, near) in [(Method::mu(KL), 1e-6), (Method::mm(KL), 1e-6), (Method::auto(KL), 1e-5)] {
            let nmf = Nmf::new(2).method(method).init(Init::Random).max_iter(4000).tol(0.0);
            let fit = nmf.fit(&v).unwrap();
            let p = oracle::product(&fit.w, fit.model.components());
            let sum: f64 = p.row(0).iter().sum();
            assert!((sum - 6.0).abs() < near, "{method:?} {large:e}: the first row of WH is {:?}", p.row(0));
            let truth = divergence(&v, &fit.w, fit.model.components(), 1.0);
            let off = (fit.report.loss - truth.value).abs();
            assert!(
                off <= 1e-12 * truth.size,
                "{method:?} {large:e}: {} reported, {} true",
                fit.report.loss,
                truth.value
            );
        }
    }
}

/// Extrapolated steps once put all of both factors at 0, where a penalty keeps them.
#[test]
fn penalties_do_not_empty_a_divergence() {
    let mut numbers = Numbers::new(11);
    let mut tables = vec![table(&[&[1.0, 0.0, 2.0, 4.0], &[0.0, 3.0, 1.0, 0.0], &[2.0, 1.0, 0.0, 5.0]])];
    for (m, n) in [(5, 4), (8, 8), (3, 12)] {
        tables.push(Dense::from_fn(m, n, |_, _| poisson(&mut numbers, 2.0)));
    }
    for v in &tables {
        for (alpha, l1_ratio) in [(100.0, 1.0), (10.0, 1.0), (10.0, 0.5), (30.0, 0.0)] {
            for start in [Init::Random, Init::ScaledRandom] {
                let penalty = Penalty { alpha_w: alpha, alpha_h: None, l1_ratio };
                let of = |method| {
                    let nmf = Nmf::new(2).method(method).penalty(penalty).init(start.clone()).max_iter(3000);
                    nmf.fit(v).unwrap().report.objective
                };
                let (auto, newton) = (of(Method::auto(KL)), of(Method::newton()));
                assert!(
                    auto <= 1.01 * newton,
                    "{alpha} {l1_ratio} of {v:?}: {auto}, by Newton's steps {newton}"
                );
            }
        }
    }
}

/// Law 53. Entries that shrink in single precision are normal numbers or 0.
#[test]
fn no_factor_has_a_subnormal_number() {
    let mut numbers = Numbers::new(3);
    let v =
        Dense::from_fn(60, 40, |i, j| if (i / 10 + j / 10) % 3 == 0 { 1.0 + numbers.uniform() } else { 0.0 });
    let positive = Dense::from_fn(60, 40, |i, j| v[(i, j)] + 1e-3 * (1.0 + ((i * j) % 7) as f64));
    for method in own().into_iter().chain(LOSSES.map(Method::mu)) {
        let v = if method.loss.beta() <= 0.0 { &positive } else { &v };
        for layout in LAYOUTS {
            let v = cast::<f64, f32>(v);
            let nmf = Nmf::<f32>::new(6).method(method).init(Init::Random).tol(0.0).max_iter(400);
            let fit = nmf.fit(&Stored::new(&v, layout)).unwrap();
            for x in fit.w.as_slice().iter().chain(fit.model.components().as_slice()) {
                assert!(*x == 0.0 || x.is_normal(), "{method:?} {layout:?}: {x:e}");
            }
        }
    }
}

#[test]
fn an_exact_fit_is_converged() {
    let numbers = Numbers::new(4).matrix(4, 6);
    let duplicates = Dense::from_fn(12, 6, |i, j| numbers[(i % 3, j)]);
    let product = oracle::product(&Numbers::new(5).matrix(20, 3), &Numbers::new(6).matrix(3, 15));
    let ones = Dense::from_fn(9, 7, |_, _| 1.0);
    let blocks = Dense::from_fn(12, 12, |i, j| if i / 4 == j / 4 { 2.0 } else { 0.0 });
    for (v, k) in [(&duplicates, 3), (&duplicates, 4), (&product, 3), (&ones, 1), (&blocks, 3)] {
        for layout in LAYOUTS {
            for seed in 0..4 {
                let fit = Nmf::new(k).seed(seed).max_iter(3000).fit(&Stored::new(v, layout)).unwrap();
                let report = &fit.report;
                let exact = report.relative_error < 1e-7;
                // some seeds end beside the exact fit, where they converge too
                assert!(report.converged(), "{layout:?} k={k} seed {seed}: {}", report.loss);
                assert!(
                    exact || report.relative_error > 1e-4,
                    "{layout:?} k={k} seed {seed}: {}",
                    report.relative_error
                );
            }
        }
    }
}

#[test]
fn penalties_that_empty_everything_say_so() {
    let v = Numbers::new(2).matrix(30, 20);
    let fit = |alpha_w, l1_ratio| {
        Nmf::new(3).penalty(Penalty { alpha_w, alpha_h: None, l1_ratio }).fit(&v).unwrap()
    };
    let emptied = |fit: &Fit<f64>| fit.report.warnings.iter().any(|w| matches!(w, Warning::Emptied { .. }));
    let mean = (oracle::norm_squared(&v) / 600.0).sqrt();
    for l1_ratio in [0.0, 0.5, 1.0] {
        let all = fit(2.0 * mean, l1_ratio);
        assert!(emptied(&all), "{l1_ratio}: {:?}", all.report.warnings);
        let largest = all.w.as_slice().iter().copied().fold(0.0, f64::max);
        assert!(
            all.report.relative_error > 0.999 && (l1_ratio == 0.0 || largest == 0.0),
            "{l1_ratio}: {largest}"
        );
    }
    for alpha in [0.0, 1e-4, 1e-2] {
        assert!(!emptied(&fit(alpha, 0.5)), "{alpha}");
    }
    // the root mean square is enough, whatever the data
    let text = fit(mean, 0.0).report.warnings.iter().map(ToString::to_string).collect::<String>();
    assert!(text.contains("the penalties leave no component"), "{text}");
}

/// The figure is 0 for a fit that is V, and 1 for one that explains nothing.
#[test]
fn relative_errors_are_between_nothing_and_all() {
    let v = Dense::from_fn(14, 9, |i, j| 0.1 + ((i * 7 + j * 3) % 11) as f64);
    let mean = v.as_slice().iter().sum::<f64>() / 126.0;
    for loss in LOSSES {
        let beta = loss.beta();
        let none = if beta > 1.0 {
            oracle::power_sum(&v, beta) / (beta * (beta - 1.0))
        } else {
            let (w, h) = (Dense::from_fn(14, 1, |_, _| mean), Dense::from_fn(1, 9, |_, _| 1.0));
            divergence(&v, &w, &h, beta).value
        };
        for layout in LAYOUTS {
            for scale in [1.0, 1e-6, 1e6] {
                let scaled = Dense::from_fn(14, 9, |i, j| scale * v[(i, j)]);
                let fit = Nmf::new(2).method(Method::auto(loss)).fit(&Stored::new(&scaled, layout)).unwrap();
                let expected = (fit.report.loss / (none * scale.powf(beta))).sqrt();
                let off = (fit.report.relative_error - expected).abs();
                assert!(
                    off <= 1e-9 * expected,
                    "{loss} {layout:?}: {} for {expected}",
                    fit.report.relative_error
                );
                assert!(fit.report.relative_error < 1.0, "{loss}");
            }
        }
        let exact = oracle::product(
            &Dense::from_fn(14, 1, |i, _| 1.0 + i as f64),
            &Dense::from_fn(1, 9, |_, j| 2.0 + j as f64),
        );
        let fit = Nmf::new(1).method(Method::auto(loss)).max_iter(5000).fit(&exact).unwrap();
        assert!(fit.report.relative_error < 1e-6, "{loss}: {}", fit.report.relative_error);
        // of what is all alike there is nothing to explain
        let fit = Nmf::new(1).method(Method::auto(loss)).fit(&Dense::from_fn(5, 5, |_, _| 3.0)).unwrap();
        assert!(fit.report.relative_error < 1e-6, "{loss}: {}", fit.report.relative_error);
    }
}

/// Near an exact fit the residual was once taken element by element.
#[test]
fn a_residual_costs_entries_and_factors() {
    let (m, n) = (200_000, 300_000);
    let indptr: Vec<usize> =
        (0..=m).map(|i| usize::from(i > 0) + usize::from(i > 1) + usize::from(i == m)).collect();
    let v = Csr::<f64>::new(m, n, indptr, vec![0_u32, 1, n as u32 - 2], vec![3.0, 1.0, 5.0]).unwrap();
    let began = Instant::now();
    let fit = Nmf::new(3).fit(&v).unwrap();
    assert!(fit.report.loss < 1e-12, "{}", fit.report.loss);
    assert!(fit.report.converged());
    let seconds = began.elapsed().as_secs_f64();
    // element by element it is six minutes; some seconds leave room for a busy machine
    assert!(seconds < 60.0, "{seconds} s");
}

/// Σ(V − WH)² of sparse data in double precision, to the last digits that the factors leave of it.
#[test]
fn a_residual_near_zero_is_the_true_one() {
    for seed in 0..6 {
        let mut numbers = Numbers::new(seed);
        let (m, n, k) = (40, 30, 3);
        let thin = |x: f64| if x < 0.6 { 0.0 } else { x };
        let w = Dense::from_fn(m, k, |_, _| thin(numbers.uniform()));
        let h = Dense::from_fn(k, n, |_, _| thin(numbers.uniform()));
        let mut v = oracle::product(&w, &h);
        let noise = 10.0_f64.powi(-8 - seed as i32);
        v.as_mut_slice().iter_mut().for_each(|x| *x *= 1.0 + noise * numbers.uniform());
        for layout in [Layout::Csr, Layout::Csc] {
            let nmf = Nmf::new(k).method(Method::hals().sweeps(1)).max_iter(1).tol(0.0);
            let fit =
                nmf.init(Init::Custom { w: w.clone(), h: h.clone() }).fit(&Stored::new(&v, layout)).unwrap();
            let truth = oracle::loss(&v, &fit.w, fit.model.components());
            // the oracle's own products are rounded: by as much as the entries have in common with the residual's size
            let rounding = 4.0 * f64::EPSILON * (oracle::norm_squared(&v) * truth).sqrt()
                + 1e-31 * oracle::norm_squared(&v);
            let off = (fit.report.loss - truth).abs();
            assert!(off <= rounding, "{layout:?} {noise:e}: {:e} for {truth:e}", fit.report.loss);
        }
    }
}

#[test]
fn one_component_is_the_best_one_to_the_tolerance() {
    let v = Dense::from_fn(13, 9, |i, j| 0.2 + ((i * 5 + j * 7) % 13) as f64);
    let apart = |fit: &Fit<f64>, best: &Dense<f64>| {
        let p = oracle::product(&fit.w, fit.model.components());
        let pairs = p.as_slice().iter().zip(best.as_slice());
        pairs.map(|(p, b)| (p - b).abs() / b).fold(0.0, f64::max)
    };
    // Kullback–Leibler: the products of the sums
    let (all, rows): (f64, Vec<f64>) =
        (v.as_slice().iter().sum(), (0..13).map(|i| v.row(i).iter().sum()).collect());
    let columns: Vec<f64> = (0..9).map(|j| (0..13).map(|i| v[(i, j)]).sum()).collect();
    let kl = Dense::from_fn(13, 9, |i, j| rows[i] * columns[j] / all);
    // the others by their plain iterations to the end
    let plain = |loss: Loss, steps: usize| {
        let beta = loss.beta();
        let (mut w, mut h): (Vec<f64>, Vec<f64>) = (vec![1.0; 13], vec![1.0; 9]);
        for _ in 0..steps {
            let below: f64 = h.iter().map(|h| h.powf(beta)).sum();
            for (i, w) in w.iter_mut().enumerate() {
                *w = (0..9).map(|j| v[(i, j)] * h[j].powf(beta - 1.0)).sum::<f64>() / below;
            }
            let below: f64 = w.iter().map(|w| w.powf(beta)).sum();
            for (j, h) in h.iter_mut().enumerate() {
                *h = (0..13).map(|i| v[(i, j)] * w[i].powf(beta - 1.0)).sum::<f64>() / below;
            }
        }
        Dense::from_fn(13, 9, |i, j| w[i] * h[j])
    };
    for method in own() {
        let loss = method.loss;
        let best = if loss == KL { kl.clone() } else { plain(loss, 400) };
        let fit = Nmf::new(1).method(method).tol(1e-12).max_iter(20_000).fit(&v).unwrap();
        let off = apart(&fit, &best);
        // momentum overshoots by less than objectives, known to their rounding, can show
        let momentum = method.extrapolate == Some(true) && method.update != Update::Hals;
        assert!(
            off <= if momentum { 1e-6 } else { 1e-10 },
            "{method:?}: {off:e} after {}, {}",
            fit.report.iterations,
            fit.report.stop_reason
        );
    }
}

/// A start by singular vectors has no component for a block that stands apart. Newton's steps could not leave zeros of both
/// factors; the best single component of Kullback–Leibler is known, and has none.
#[test]
fn newtons_steps_find_what_a_start_left_out() {
    let v = Dense::from_fn(9, 7, |i, j| match (i < 6, j < 4) {
        (true, true) => 1.0 + ((3 * i + 2 * j) % 5) as f64,
        (false, false) => 0.25 + ((i + j) % 3) as f64 / 8.0,
        _ => 0.0,
    });
    let total: f64 = v.as_slice().iter().sum();
    let row = |i: usize| v.row(i).iter().sum::<f64>();
    let col = |j: usize| (0..9).map(|i| v[(i, j)]).sum::<f64>();
    for start in [Init::Nndsvd, Init::ExactNndsvd, Init::Spa] {
        for method in [Method::newton(), Method::newton().extrapolated(), Method::auto(KL)] {
            for layout in LAYOUTS {
                let stored = Stored::new(&v, layout);
                let fit = Nmf::new(1).method(method).init(start.clone()).tol(1e-12).fit(&stored).unwrap();
                let p = oracle::product(&fit.w, fit.model.components());
                for i in 0..9 {
                    for j in 0..7 {
                        let best = row(i) * col(j) / total;
                        let found = p[(i, j)];
                        assert!(
                            (found - best).abs() <= 1e-5 * best,
                            "{method:?} {start:?}: {found} for {best}"
                        );
                    }
                }
            }
        }
    }
}

/// Entries of W that shrink in single precision can grow again: on sparse counts `mu` ends where it does in double precision, or
/// a little below.
#[test]
fn small_entries_grow_again_in_single_precision() {
    let mut numbers = Numbers::new(8);
    // topics with words of their own, and documents of a few topics
    let topics = Dense::from_fn(24, 400, |_, _| numbers.uniform().powi(24));
    let shares = Dense::from_fn(600, 24, |_, _| 2.0 * numbers.uniform().powi(12));
    let rates = oracle::product(&shares, &topics);
    let v = Dense::from_fn(600, 400, |i, j| poisson(&mut numbers, 0.2 * rates[(i, j)]));
    let method = Method::mu(KL);
    let double = Nmf::<f64>::new(24).method(method).init(Init::Nndsvda).tol(0.0).max_iter(200);
    let double = double.fit(&Stored::new(&v, Layout::Csr)).unwrap();
    let small = double.w.as_slice().iter().filter(|x| **x > 0.0 && **x < 1e-19).count();
    assert!(small > 1000, "only {small} entries shrink");
    let single = Nmf::<f32>::new(24).method(method).init(Init::Nndsvda).tol(0.0).max_iter(200);
    let single = single.fit(&Stored::new(&cast::<f64, f32>(&v), Layout::Csr)).unwrap();
    let pairs = double.w.as_slice().iter().zip(single.w.as_slice());
    let ended = pairs.filter(|&(&x, &y)| x > 0.0 && y == 0.0).count();
    assert_eq!(ended, 0, "entries that became 0 cannot grow");
    let loss = |w: &Dense<f64>, h: &Dense<f64>| divergence(&v, w, h, 1.0).value;
    let found = loss(&cast(&single.w), &cast(single.model.components()));
    let expected = loss(&double.w, double.model.components());
    let off = found / expected - 1.0;
    assert!((-1e-3..1e-4).contains(&off), "{found} in single precision, {expected} in double: {off:e}");
}

/// The loss that is reported has no floor where a zero of WH costs something finite, and leaves no entry of V out.
#[test]
fn small_entries_count_in_the_loss_of_every_divergence() {
    let v = Dense::from_fn(8, 6, |i, j| match (i, j) {
        (7, _) | (_, 5) => 0.0,
        _ if (i + j) % 3 == 0 => 4e-8,
        _ => 1.0 + ((2 * i + j) % 4) as f64,
    });
    for beta in [1.1, 1.5, 1.8, 2.5, 3.0] {
        for method in [Method::mu(Loss::Beta(beta)), Method::mm(Loss::Beta(beta))] {
            // zeros that stay, under positive entries
            let (mut w, h) = (Numbers::new(3).matrix(8, 2), Numbers::new(4).matrix(2, 6));
            w[(2, 0)] = 0.0;
            w[(2, 1)] = 0.0;
            for layout in LAYOUTS {
                let start = Init::Custom { w: w.clone(), h: h.clone() };
                let fit = Nmf::new(2).method(method).init(start).tol(0.0).max_iter(20);
                let fit = fit.fit(&Stored::new(&v, layout)).unwrap();
                let truth = divergence(&v, &fit.w, fit.model.components(), beta);
                let (reported, true_loss) = (fit.report.loss, truth.value);
                assert!(
                    (reported - true_loss).abs() <= 1e-12 * truth.size,
                    "{method:?}: {reported:e}, {true_loss:e}"
                );
            }
        }
    }
}

#[test]
fn a_line_is_fitted_exactly_by_every_method() {
    let line = |count: usize| Dense::from_fn(1, count, |_, j| 1.0 + ((7 * j + 3) % 11) as f64);
    for count in [1, 2, 17] {
        for scale in [1.0, 1e-30, 1e30] {
            for v in [line(count), line(count).transposed()] {
                let v = Dense::from_fn(v.nrows(), v.ncols(), |i, j| scale * v[(i, j)]);
                for method in own() {
                    for k in [1, 2, 5] {
                        for layout in LAYOUTS {
                            let fit = Nmf::new(k).method(method).fit(&Stored::new(&v, layout)).unwrap();
                            let p = oracle::product(&fit.w, fit.model.components());
                            let pairs = p.as_slice().iter().zip(v.as_slice());
                            let off = pairs.map(|(p, v)| (p - v).abs() / v).fold(0.0, f64::max);
                            assert!(
                                off <= 8.0 * f64::EPSILON,
                                "{method:?} k={k} {layout:?}: {off:e} of {v:?}"
                            );
                            assert!(fit.report.converged());
                            assert_scale_is_sane(&v, &fit, "a line");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn objectives_that_overflow_on_the_way_are_finite_in_the_history() {
    let v = table(&[&[1e160, 2e160], &[3e160, 4.1e160]]);
    for seed in 0..4 {
        let fit = Nmf::new(2).init(Init::Random).seed(seed).fit(&v);
        match fit {
            Ok(fit) => {
                assert!(fit.report.history.iter().all(|point| point.objective.is_finite()));
                assert!(fit.report.objective.is_finite());
            }
            Err(error) => assert!(matches!(error, Error::LossOverflow { .. }), "{error}"),
        }
    }
}

#[test]
fn starts_of_any_size_lead_to_the_data() {
    let v = Numbers::new(9).matrix(20, 15);
    let (w, h) = (Numbers::new(1).matrix(20, 3), Numbers::new(2).matrix(3, 15));
    let scaled = |x: &Dense<f64>, by: f64| Dense::from_fn(x.nrows(), x.ncols(), |i, j| by * x[(i, j)]);
    for method in own() {
        let plain =
            Nmf::new(3).method(method).init(Init::Custom { w: w.clone(), h: h.clone() }).max_iter(300);
        let v = Dense::from_fn(20, 15, |i, j| v[(i, j)] + 0.1);
        let best = plain.fit(&v).unwrap();
        assert!(!best.report.warnings.iter().any(|w| matches!(w, Warning::StartScale { .. })));
        for (of_w, of_h) in [(1e-300, 1e-5), (1e300, 1e5), (1e-300, 1e300), (1e-150, 1e-150)] {
            let start = Init::Custom { w: scaled(&w, of_w), h: scaled(&h, of_h) };
            let fit = plain.clone().init(start).fit(&v).unwrap();
            let far = (of_w * 1e10 * of_h < 1e5) || of_w * 1e-10 * of_h > 1e-5;
            let warned =
                fit.report.warnings.iter().any(|w| matches!(w, Warning::StartScale { rescaled: true, .. }));
            assert_eq!(warned, far && (of_w * of_h - 1.0).abs() > 0.5, "{method:?} {of_w:e} {of_h:e}");
            let (a, b) = (fit.report.loss, best.report.loss);
            assert!(a <= 1.5 * b + 1e-6, "{method:?} from {of_w:e} and {of_h:e}: {a}, else {b}");
        }
    }
    let start = Init::Custom { w: scaled(&w, 1e-300), h: scaled(&h, 1e-5) };
    let fit = Nmf::sklearn(3).init(start).fit(&v).unwrap();
    assert!(fit.report.warnings.iter().any(|w| matches!(w, Warning::StartScale { rescaled: false, .. })));
}

#[test]
fn a_scale_can_be_asked_for_where_it_is_free() {
    let v = Numbers::new(3).matrix(25, 18);
    let h_max = Nmf::new(3).scale(Scale::HMax).fit(&v).unwrap();
    for t in 0..3 {
        let largest = h_max.model.components().row(t).iter().copied().fold(0.0, f64::max);
        assert!((largest - 1.0).abs() < 1e-14);
    }
    let default = Nmf::new(3).fit(&v).unwrap();
    assert_eq!((default.report.scale, h_max.report.scale), (Scale::HSum, Scale::HMax));
    // the same factorisation
    let none = Nmf::new(3).scale(Scale::None).fit(&v).unwrap();
    assert_eq!(none.report.loss.to_bits(), default.report.loss.to_bits());
    let again = none.rescaled(Scale::HSum);
    assert_eq!((again.w, again.model.components()), (default.w.clone(), default.model.components()));
    // weights of rows that were fitted are those of the fit
    let w = default.model.transform(&v).unwrap();
    let truth = oracle::loss(&v, &w, default.model.components());
    assert!((truth - default.report.loss).abs() <= 1e-3 * truth, "{truth} and {}", default.report.loss);
    let penalty = Penalty { alpha_w: 0.1, ..Penalty::default() };
    for scale in [Scale::HSum, Scale::HMax, Scale::Balanced] {
        let error = Nmf::new(3).penalty(penalty).scale(scale).fit(&v).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        let h = default.model.components();
        let error = Nmf::new(3).scale(scale).fit_weights(&v, h).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        assert!(is_non_negative(&Nmf::sklearn(3).scale(scale).fit(&v).unwrap().w));
    }
    assert_eq!(Nmf::new(3).penalty(penalty).fit(&v).unwrap().report.scale, Scale::None);
    assert_eq!(Nmf::sklearn(3).fit(&v).unwrap().report.scale, Scale::None);
    let start = Init::Custom { w: default.w.clone(), h: default.model.components().clone() };
    assert_eq!(Nmf::new(3).init(start).fit(&v).unwrap().report.scale, Scale::None);
    assert!("h-mean".parse::<Scale>().is_err());
    assert_eq!(Scale::ALL.map(|scale| scale.name().parse::<Scale>().unwrap()), Scale::ALL);
}

/// Law 45. The loss reported is that of the factors, over twelve decades, and not of a product with
/// floors under it.
#[test]
fn the_loss_is_that_of_the_factors_over_twelve_decades() {
    fn check<T: Real>(v: &Dense<f64>, method: Method, layout: Layout) {
        let beta = method.loss.beta();
        let nmf = Nmf::<T>::new(4).method(method).init(Init::Random).max_iter(60).tol(0.0);
        let v = cast::<f64, T>(v);
        let stored = Stored::new(&v, layout);
        let fit = match nmf.fit(&stored) {
            Ok(fit) => fit,
            Err(error) => panic!("{} {method:?} {layout:?}: {error}", T::NAME),
        };
        let truth = divergence(&cast(&v), &cast(&fit.w), &cast(fit.model.components()), beta);
        let enough = 64.0 * T::EPSILON.to_f64() * truth.size;
        let off = (fit.report.loss - truth.value).abs();
        assert!(
            off <= enough,
            "{} {method:?} {layout:?}: {} reported, {} true",
            T::NAME,
            fit.report.loss,
            truth.value
        );
    }
    let mut numbers = Numbers::new(21);
    let (r, c) = (numbers.matrix(9, 1), numbers.matrix(1, 8));
    let v = Dense::from_fn(9, 8, |i, j| {
        10.0_f64.powf(6.0 * r[(i, 0)] + 6.0 * c[(0, j)] - 6.0) * (0.5 + numbers.uniform())
    });
    for method in methods(&LOSSES) {
        for layout in [Layout::RowMajor, Layout::ColMajor] {
            check::<f64>(&v, method, layout);
            check::<f32>(&v, method, layout);
        }
    }
}
