//! Laws of what is solved to the end: half-steps of the exact methods, and `transform` for every loss.
//!
//! Law 3 has its own minimum, of every set of components by Gaussian elimination; 32 to 37 have slopes and divergences
//! by the formula.

use orthant::{Dense, Error, Loss, Method, Model, Nmf, Penalty, Real, Transform};
use orthant_verify::compare::{cast, difference, first_other_bit, is_non_negative, max_abs};
use orthant_verify::fits::{fixed, step, trace};
use orthant_verify::layout::{Layout, Stored};
use orthant_verify::oracle::{self, Sum};
use orthant_verify::strategies::{Data, Numbers, Recipe, cases, penalties, positive_recipes, recipes};
use proptest::prelude::*;

const LOSSES: [Loss; 3] = [Loss::KullbackLeibler, Loss::ItakuraSaito, Loss::Beta(1.5)];

fn rows<T: Real>(a: &Dense<T>, which: &[usize]) -> Dense<T> {
    Dense::from_fn(which.len(), a.ncols(), |i, j| a[(which[i], j)])
}

/// Components that overlap, every column in one of them at least.
fn components(recipe: &Recipe) -> Dense<f64> {
    let mut numbers = Numbers::new(recipe.seed ^ 0x55);
    Dense::from_fn(recipe.k, recipe.n, |t, j| {
        let own = if j % recipe.k == t { 1.0 } else { 0.0 };
        own + 0.5 * numbers.uniform() * if numbers.uniform() < 0.5 { 1.0 } else { 0.0 }
    })
}

/// Data that the loss allows: no zeros for β ≤ 0.
fn data(recipe: &Recipe, loss: Loss) -> Dense<f64> {
    let v = recipe.build().v;
    if loss.beta() > 0.0 {
        return v;
    }
    Dense::from_fn(v.nrows(), v.ncols(), |i, j| if v[(i, j)] == 0.0 { 0.01 } else { v[(i, j)] })
}

fn model<T: Real>(h: &Dense<T>, penalty: Penalty, loss: Loss) -> Model<T> {
    Model::from_components(h.clone(), penalty).unwrap().with_loss(loss).unwrap()
}

/// d(v | p), by the formula.
fn divergence(beta: f64, v: f64, p: f64) -> f64 {
    if v == p {
        return 0.0;
    }
    match beta {
        1.0 if v == 0.0 => p,
        1.0 => v * (v / p).ln() - v + p,
        0.0 => v / p - (v / p).ln() - 1.0,
        b if v == 0.0 => p.powf(b) / b,
        b => (v.powf(b) + (b - 1.0) * p.powf(b) - b * v * p.powf(b - 1.0)) / (b * (b - 1.0)),
    }
}

/// D(v | wH) and l1·Σw + ½·l2·‖w‖², of row i.
fn parts(
    v: &Dense<f64>,
    w: &Dense<f64>,
    h: &Dense<f64>,
    penalty: Penalty,
    loss: Loss,
    i: usize,
) -> (f64, f64) {
    let weights = oracle::weights(penalty, v.nrows(), v.ncols());
    let ht = h.transposed();
    let (mut fit, mut penalised) = (Sum::default(), Sum::default());
    for j in 0..v.ncols() {
        // where no component has an entry, nothing depends on w
        if ht.row(j).iter().any(|&x| x > 0.0) {
            fit.add(divergence(loss.beta(), v[(i, j)], oracle::dot(w.row(i), ht.row(j))));
        }
    }
    for &x in w.row(i) {
        penalised.add(weights.l1_w * x + 0.5 * weights.l2_w * x * x);
    }
    (fit.value(), penalised.value())
}

fn objective(v: &Dense<f64>, w: &Dense<f64>, h: &Dense<f64>, penalty: Penalty, loss: Loss, i: usize) -> f64 {
    let (fit, penalised) = parts(v, w, h, penalty, loss, i);
    fit + penalised
}

fn size(v: &Dense<f64>, loss: Loss, i: usize) -> f64 {
    v.row(i).iter().filter(|&&x| x > 0.0).map(|x| x.powf(loss.beta())).sum()
}

/// √(Σ |g_t·s_t| / Σ v^β) of row i. Curvatures are those at the row's mean, where p is below it and β from 1 to 2.
fn remaining(v: &Dense<f64>, w: &Dense<f64>, h: &Dense<f64>, penalty: Penalty, loss: Loss, i: usize) -> f64 {
    let (weights, beta) = (oracle::weights(penalty, v.nrows(), v.ncols()), loss.beta());
    let ht = h.transposed();
    let p: Vec<f64> = (0..v.ncols()).map(|j| oracle::dot(w.row(i), ht.row(j))).collect();
    let used = (0..v.ncols()).filter(|&j| ht.row(j).iter().any(|&x| x > 0.0)).count();
    let mean = (size(v, loss, i) / used as f64).powf(1.0 / beta);
    let least = if (1.0..2.0).contains(&beta) { mean } else { 0.0 };
    let mut gain = Sum::default();
    for t in 0..h.nrows() {
        let x = w[(i, t)];
        let (mut slope, mut curvature) = (Sum::default(), Sum::default());
        slope.add(weights.l1_w);
        slope.add_product(weights.l2_w, x);
        curvature.add(weights.l2_w);
        for j in (0..v.ncols()).filter(|&j| h[(t, j)] > 0.0) {
            let p = p[j].max(1e-90);
            slope.add_product(h[(t, j)] * p.powf(beta - 2.0), p - v[(i, j)]);
            curvature.add(h[(t, j)] * h[(t, j)] * p.max(least).powf(beta - 2.0));
        }
        if curvature.value() > 0.0 {
            let own = (-slope.value() / curvature.value()).max(-x);
            gain.add((slope.value() * own).abs());
        }
    }
    let gain = gain.value();
    if gain == 0.0 { 0.0 } else { (gain / size(v, loss, i)).sqrt() }
}

/// What the best of many steps in a single coordinate makes the objective of row i fall by, over Σ v^β.
fn gain(v: &Dense<f64>, w: &Dense<f64>, h: &Dense<f64>, penalty: Penalty, loss: Loss, i: usize) -> f64 {
    let (v, w) = (rows(v, &[i]), rows(w, &[i]));
    // the weights of a penalty do not depend on the number of rows
    let f = |w: &Dense<f64>| objective(&v, w, h, penalty, loss, 0);
    let (now, size) = (f(&w), size(&v, loss, 0));
    let mut best = 0.0_f64;
    for t in (0..h.nrows()).filter(|&t| h.row(t).iter().any(|&x| x > 0.0)) {
        let most = max_abs(&v) / h.row(t).iter().fold(0.0, |a: f64, &x| a.max(x));
        for exponent in (0..60).step_by(3) {
            let step = 0.5_f64.powi(exponent);
            for to in [w[(0, t)] + most * step, w[(0, t)] * (1.0 - step), w[(0, t)] * (1.0 + step)] {
                let mut other = w.clone();
                other[(0, t)] = to;
                let after = f(&other);
                if after.is_finite() {
                    best = best.max((now - after) / size);
                }
            }
        }
    }
    best
}

/// min ½xGx − bx over x ≥ 0: the lowest over all sets of components.
fn enumerate(gram: &Dense<f64>, b: &[f64]) -> (f64, Vec<f64>) {
    let k = b.len();
    let value =
        |x: &[f64]| -> f64 { (0..k).map(|t| x[t] * (0.5 * oracle::dot(gram.row(t), x) - b[t])).sum() };
    let mut best = (0.0, vec![0.0; k]);
    for mask in 1_u32..1 << k {
        let set: Vec<usize> = (0..k).filter(|t| mask >> t & 1 == 1).collect();
        let p = set.len();
        let mut m: Vec<Vec<f64>> =
            set.iter().map(|&t| set.iter().map(|&s| gram[(t, s)]).chain([b[t]]).collect()).collect();
        let mut singular = false;
        for c in 0..p {
            let pivot = (c..p).max_by(|&x, &y| m[x][c].abs().total_cmp(&m[y][c].abs())).unwrap();
            m.swap(c, pivot);
            singular |= m[c][c].abs() <= 1e-10 * gram[(set[c], set[c])];
            for r in (0..p).filter(|&r| r != c) {
                let factor = m[r][c] / m[c][c];
                for j in c..=p {
                    m[r][j] -= factor * m[c][j];
                }
            }
        }
        let mut x = vec![0.0; k];
        (0..p).for_each(|c| x[set[c]] = m[c][p] / m[c][c]);
        if !singular && x.iter().all(|&x| x >= 0.0) && value(&x) < best.0 {
            best = (value(&x), x);
        }
    }
    best
}

/// Whether every row of X is the minimum for data V (rows×columns) and components Y.
fn minimal(x: &Dense<f64>, v: &Dense<f64>, y: &Dense<f64>, l1: f64, l2: f64) -> Result<(), TestCaseError> {
    let (mut gram, numer) = (oracle::times_transposed(y, y), oracle::times_transposed(v, y));
    (0..gram.nrows()).for_each(|t| gram[(t, t)] += l2);
    for i in 0..v.nrows() {
        let b: Vec<f64> = numer.row(i).iter().map(|a| a - l1).collect();
        let (least, _) = enumerate(&gram, &b);
        let x = x.row(i);
        let value: f64 = (0..x.len()).map(|t| x[t] * (0.5 * oracle::dot(gram.row(t), x) - b[t])).sum();
        let norm = oracle::dot(v.row(i), v.row(i));
        prop_assert!(value <= least + 1e-9 * norm, "row {}: {} and {} of {}", i, value, least, norm);
    }
    Ok(())
}

fn scaled<T: Real>(a: &Dense<T>, by: f64) -> Dense<T> {
    Dense::from_fn(a.nrows(), a.ncols(), |i, j| T::from_f64(a[(i, j)].to_f64() * by))
}

proptest! {
    #![proptest_config(cases(48))]

    /// Law 3. A half-step of anls is the lowest of all sets of components.
    #[test]
    fn an_exact_half_step_is_the_minimum_over_its_factor(
        recipe in recipes(), k in 1..7_usize, penalty in penalties(), by_columns in any::<bool>(),
    ) {
        let recipe = Recipe { k, m: recipe.m.min(25), n: recipe.n.min(25), ..recipe };
        let p = recipe.build();
        let layout = if by_columns { Layout::ColMajor } else { Layout::RowMajor };
        let (w, h) = step(Method::anls(), penalty, &Stored::new(&p.v, layout), &p.w, &p.h).unwrap();
        prop_assert!(is_non_negative(&w) && is_non_negative(&h));
        let weights = oracle::weights(penalty, recipe.m, recipe.n);
        minimal(&w, &p.v, &p.h, weights.l1_w, weights.l2_w)?;
        minimal(&h.transposed(), &p.v.transposed(), &w.transposed(), weights.l1_h, weights.l2_h)?;
    }

    #[test]
    fn exact_half_steps_and_projected_gradients_do_not_raise_the_objective(
        recipe in recipes(), penalty in penalties(), by_columns in any::<bool>(),
    ) {
        let p = recipe.build();
        let layout = if by_columns { Layout::ColMajor } else { Layout::RowMajor };
        let norm2 = oracle::norm_squared(&p.v);
        for method in [Method::anls(), Method::projected_gradient()] {
            let nmf = fixed(method, penalty, &p.w, &p.h, 8);
            let (_, steps) = trace(&nmf, &Stored::new(&p.v, layout)).unwrap();
            let mut last = oracle::objective(&p.v, &p.w, &p.h, penalty);
            for s in steps {
                let now = oracle::objective(&p.v, &s.w, &s.h, penalty);
                // products with nearly dependent components say no more of the objective than this
                prop_assert!(now <= last + 1e-13 * norm2, "{:?}: {} after {} of {}", method, now, last, norm2);
                last = now;
            }
        }
    }

    /// Law 32. A row's weights have the same bits alone and among others, whatever the loss.
    #[test]
    fn a_row_does_not_depend_on_the_others_whatever_the_loss(
        recipe in recipes(), penalty in penalties(), seed in any::<u64>(),
    ) {
        for loss in LOSSES {
            let h = components(&recipe);
            let v = data(&recipe, loss);
            let model = model(&h, penalty, loss);
            let whole = model.transform(&v).unwrap();
            let mut numbers = Numbers::new(seed);
            let order = numbers.permutation(recipe.m);
            let count = 1 + numbers.below(recipe.m);
            for which in [&order[..], &order[..count], &order[..1]] {
                let part = model.transform(&rows(&v, which)).unwrap();
                prop_assert_eq!(first_other_bit(&part, &rows(&whole, which)), None, "{}", loss);
            }
            let other = model.transform(&Stored::new(&v, Layout::EverySecond)).unwrap();
            prop_assert_eq!(first_other_bit(&other, &whole), None, "{}", loss);
        }
    }

    /// Law 33. Every row of weights is stationary to the tolerance that was asked for, whatever the loss.
    #[test]
    fn every_row_is_stationary_whatever_the_loss(recipe in recipes(), penalty in penalties()) {
        for loss in LOSSES {
            let h = components(&recipe);
            let v = data(&recipe, loss);
            let (w, report) = model(&h, penalty, loss).transform_with(&v, &Transform::default()).unwrap();
            prop_assert!(is_non_negative(&w));
            // dependent components, or data over twelve decades: next to p = 0 slopes turn around within nothing, so
            // that for convex losses F itself is asked; for others a few rows come to rest with a little left
            let hard = recipe.k > recipe.n || recipe.data == Data::WideRange;
            let share = if loss.beta() < 1.0 { 4 } else { 10 };
            let few = if hard { 1 + recipe.m / share } else { 0 };
            prop_assert!(report.unconverged_rows <= few, "{} {:?}", loss, report);
            for i in 0..recipe.m {
                let slopes = remaining(&v, &w, &h, penalty, loss, i);
                prop_assert!(slopes <= 1.01 * report.kkt_residual + 1e-12, "{} row {}: {:e}", loss, i, slopes);
                let (left, tol) = match (hard, loss.beta() >= 1.0) {
                    (false, _) => (slopes, 2e-8),
                    (true, false) => (slopes, 1e-2),
                    (true, true) => (gain(&v, &w, &h, penalty, loss, i).sqrt(), 1e-5),
                };
                prop_assert!(left <= tol, "{} row {}: {:e} left", loss, i, left);
                if v.row(i).iter().all(|&x| x == 0.0) {
                    prop_assert!(w.row(i).iter().all(|x| x.to_bits() == 0), "row {} is zero", i);
                }
            }
        }
    }

    /// Law 34. No other weights fit better, near or far, for β from 1 to 2.
    #[test]
    fn no_other_weights_fit_better(recipe in recipes(), penalty in penalties(), seed in any::<u64>()) {
        // where there is one minimum
        for loss in [Loss::KullbackLeibler, Loss::Beta(1.5), Loss::Beta(1.1), Loss::Frobenius] {
            let h = components(&recipe);
            let v = data(&recipe, loss);
            let w = model(&h, penalty, loss).transform(&v).unwrap();
            let mut numbers = Numbers::new(seed);
            // any weights, and some beside these
            let near = Dense::from_fn(recipe.m, recipe.k, |i, t| {
                w[(i, t)] * (1.0 + 0.1 * (numbers.uniform() - 0.5)) + 1e-3 * numbers.uniform() * max_abs(&w)
            });
            let far = scaled(&recipe.build().w, 0.5);
            for other in [near, far] {
                for i in 0..recipe.m {
                    let (ours, theirs) = (
                        objective(&v, &w, &h, penalty, loss, i),
                        objective(&v, &other, &h, penalty, loss, i),
                    );
                    let rounding = 1e-12 * size(&v, loss, i);
                    // infinitely far ones are no match
                    prop_assert!(!theirs.is_finite() || ours <= theirs + rounding, "{} row {}: {} and {}", loss, i, ours, theirs);
                }
            }
        }
    }

    /// Law 35. V = WH with well-conditioned H gives W back, whatever the loss.
    #[test]
    fn an_exact_product_gives_its_weights_back_whatever_the_loss(recipe in recipes()) {
        prop_assume!(recipe.n >= recipe.k);
        let h = components(&recipe);
        let gram = oracle::times_transposed(&h, &h);
        prop_assume!((0..recipe.k).all(|t| gram.row(t).iter().sum::<f64>() < 1.9 * gram[(t, t)]));
        let w = Numbers::new(recipe.seed ^ 0x77).matrix(recipe.m, recipe.k);
        let v = oracle::product(&w, &h);
        for loss in [Loss::KullbackLeibler, Loss::Beta(1.5), Loss::Beta(1.2), Loss::Beta(1.9)] {
            let options = Transform { tol: 1e-12, ..Transform::default() };
            let (back, _) = model(&h, Penalty::default(), loss).transform_with(&v, &options).unwrap();
            let d = difference(&back, &w);
            prop_assert!(d <= 1e-6, "{} differs by {:e} of {}", loss, d, max_abs(&w));
        }
    }

    /// Law 36. A larger penalty fits no better and weighs no more.
    #[test]
    fn more_penalty_fits_less_and_weighs_less(recipe in positive_recipes(), l1_ratio in 0.0..1.0_f64) {
        for loss in [Loss::Frobenius, Loss::KullbackLeibler, Loss::Beta(1.5)] {
            let h = components(&recipe);
            let v = data(&recipe, loss);
            let unit = Penalty { alpha_w: 1.0, alpha_h: None, l1_ratio };
            let mut last: Option<Vec<(f64, f64)>> = None;
            for alpha_w in [0.0, 1e-4, 1e-2, 0.1, 1.0] {
                let w = model(&h, Penalty { alpha_w, ..unit }, loss).transform(&v).unwrap();
                let now: Vec<_> = (0..recipe.m).map(|i| parts(&v, &w, &h, unit, loss, i)).collect();
                for (i, (now, last)) in now.iter().zip(last.iter().flatten()).enumerate() {
                    let rounding = 1e-10 * size(&v, loss, i);
                    prop_assert!(now.0 >= last.0 - rounding, "{} row {}: fit {:?} after {:?}", loss, i, now, last);
                    prop_assert!(
                        now.1 <= last.1 * (1.0 + 1e-6) + rounding,
                        "{} row {}: weight {:?} after {:?}", loss, i, now, last
                    );
                }
                last = Some(now);
            }
        }
    }

    /// Law 37. An L1 weight above every entry of VHᵀ gives W = 0, and one below does not.
    #[test]
    fn a_penalty_above_every_product_gives_zero(recipe in recipes()) {
        let h = components(&recipe);
        let v = recipe.build().v;
        let most = max_abs(&oracle::times_transposed(&v, &h));
        let with = |share: f64| {
            let alpha_w = share * most / recipe.n as f64;
            model(&h, Penalty { alpha_w, alpha_h: None, l1_ratio: 1.0 }, Loss::Frobenius).transform(&v).unwrap()
        };
        prop_assert!(with(1.0 + 1e-9).as_slice().iter().all(|x| x.to_bits() == 0));
        prop_assert!(with(0.999).as_slice().iter().any(|&x| x > 0.0));
    }

    #[test]
    fn rescaled_rows_have_rescaled_weights(recipe in recipes(), exponent in -40..40_i32) {
        for loss in LOSSES {
            let h = components(&recipe);
            let v = data(&recipe, loss);
            let model = model(&h, Penalty::default(), loss);
            let (plain, power) = (model.transform(&v).unwrap(), 2f64.powi(exponent));
            let other = model.transform(&scaled(&v, power)).unwrap();
            prop_assert_eq!(first_other_bit(&other, &scaled(&plain, power)), None, "{}", loss);
        }
    }
}

/// In single precision rows of any size, where nothing can be seen of their squares.
#[test]
fn single_precision_rows_of_any_size_have_the_same_weights() {
    let recipe = Recipe { m: 12, n: 30, k: 5, data: Data::Uniform, zeros_in_start: false, seed: 11 };
    let h = cast::<f64, f32>(&components(&recipe));
    for loss in LOSSES {
        let v = cast::<f64, f32>(&data(&recipe, loss));
        let model = model(&h, Penalty::default(), loss);
        let plain = model.transform(&v).unwrap();
        for by in [1e-8, 1e8, 1e-30] {
            let other = model.transform(&scaled(&v, by)).unwrap();
            let d = difference(&scaled(&other, 1.0 / by), &plain);
            assert!(d <= 2e-6, "{loss}, times {by:e}: {d:e}");
        }
    }
}

/// Σv/Σh for Kullback–Leibler, mean(v/h) for Itakura–Saito, and Σ v h^{β−1}/Σ h^β for any β.
#[test]
fn one_component_has_its_closed_form() {
    let mut numbers = Numbers::new(5);
    let (v, h) = (numbers.matrix(9, 14), numbers.matrix(1, 14));
    for beta in [-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.5, 3.0] {
        let w = model(&h, Penalty::default(), Loss::from_beta(beta)).transform(&v).unwrap();
        for i in 0..9 {
            let sum = |f: &dyn Fn(f64, f64) -> f64| {
                v.row(i).iter().zip(h.row(0)).map(|(v, h)| f(*v, *h)).sum::<f64>()
            };
            let expected = sum(&|v, h| v * h.powf(beta - 1.0)) / sum(&|_, h| h.powf(beta));
            assert!((w[(i, 0)] / expected - 1.0).abs() < 1e-9, "β = {beta}: {} and {expected}", w[(i, 0)]);
        }
    }
    // with an L1 penalty: Σv/(Σh + l1)
    let penalty = Penalty { alpha_w: 0.1, alpha_h: None, l1_ratio: 1.0 };
    let w = model(&h, penalty, Loss::KullbackLeibler).transform(&v).unwrap();
    let below = h.row(0).iter().sum::<f64>() + 1.4;
    for i in 0..9 {
        assert!((w[(i, 0)] * below / v.row(i).iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }
}

/// Losses that are not convex still end where nothing is left to do.
#[test]
fn other_losses_end_where_they_are_stationary() {
    for (seed, data) in [(1, Data::Uniform), (2, Data::Counts), (3, Data::LowRank), (4, Data::WideRange)] {
        let recipe = Recipe { m: 15, n: 25, k: 6, data, zeros_in_start: false, seed };
        let h = components(&recipe);
        for beta in [-1.0, -0.5, 0.5, 0.9, 2.1, 2.5, 3.0] {
            let loss = Loss::from_beta(beta);
            let v = self::data(&recipe, loss);
            for penalty in [Penalty::default(), Penalty { alpha_w: 0.01, alpha_h: None, l1_ratio: 0.5 }] {
                let (w, report) = model(&h, penalty, loss).transform_with(&v, &Transform::default()).unwrap();
                assert_eq!(report.unconverged_rows, 0, "β = {beta} {data:?}: {report:?}");
                for i in 0..recipe.m {
                    let left = remaining(&v, &w, &h, penalty, loss, i);
                    assert!(left <= 2e-8, "β = {beta} {data:?} row {i}: {left:e} left");
                }
            }
        }
    }
}

#[test]
fn a_zero_under_a_loss_that_cannot_have_it_is_an_error() {
    let mut v = Numbers::new(1).matrix(6, 5);
    v[(2, 3)] = 0.0;
    v[(4, 0)] = 0.0;
    let h = Numbers::new(2).matrix(2, 5);
    for beta in [0.0, -1.0] {
        let error = model(&h, Penalty::default(), Loss::from_beta(beta)).transform(&v).unwrap_err();
        assert_eq!(error, Error::ZeroInNonPositiveBeta { row: 2, col: 3, count: 2 });
    }
    assert!(model(&h, Penalty::default(), Loss::Beta(0.5)).transform(&v).is_ok());
}

/// Six rows make twelve components: they depend on each other, and sweeps alone took millions.
#[test]
fn dependent_components_are_solved_too() {
    let recipe =
        Recipe { m: 6, n: 19, k: 12, data: Data::WideRange, zeros_in_start: false, seed: 1_964_245_847 };
    let v = recipe.build().v;
    let fit = Nmf::new(12).max_iter(15).seed(recipe.seed as u32).fit(&v).unwrap();
    let (w, report) = fit.model.transform_with(&v, &Transform::default()).unwrap();
    assert_eq!(report.unconverged_rows, 0, "{report:?}");
    let h = fit.model.components();
    for i in 0..6 {
        let penalty = Penalty::default();
        let f = |w: &Dense<f64>| objective(&v, w, h, penalty, Loss::Frobenius, i);
        let rounding = 1e-13 * size(&v, Loss::Frobenius, i);
        assert!(f(&w) <= f(&fit.w) + rounding, "row {i}: {} and {}", f(&w), f(&fit.w));
    }
}
