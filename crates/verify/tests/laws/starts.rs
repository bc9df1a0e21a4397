//! Laws of starts, and of the scales that a fit leaves free.

use orthant::{
    Dense, Error, Init, InitKind, Loss, Method, MiniBatchNmf, Nmf, RandomState, Real, Scale, Warning,
};
use orthant_verify::compare::{cast, difference, first_other_bit, is_non_negative, max_abs};
use orthant_verify::layout::{Layout, Stored};
use orthant_verify::oracle;
use orthant_verify::strategies::{Numbers, cases, recipes};
use proptest::prelude::*;

/// Samples that are mixtures of `pure` ones, with the pure ones among them.
fn separable(m: usize, n: usize, k: usize, seed: u64) -> (Dense<f64>, Dense<f64>) {
    let mut numbers = Numbers::new(seed);
    let h = numbers.matrix(k, n);
    let order = numbers.permutation(m);
    let mut w = numbers.matrix(m, k);
    for t in 0..k {
        for r in 0..k {
            w[(order[t], r)] = if r == t { 1.0 + t as f64 } else { 0.0 };
        }
    }
    (oracle::product(&w, &h), h)
}

/// Law 41. Successive projection finds the pure samples of separable data, by rows and by columns.
#[test]
fn successive_projection_is_exact_on_separable_data() {
    for (m, n, k, seed) in [(30, 20, 4, 1), (9, 40, 7, 2), (200, 12, 5, 3), (6, 6, 6, 4), (50, 3, 1, 5)] {
        let (v, h) = separable(m, n, k, seed);
        for layout in [Layout::RowMajor, Layout::ColMajor] {
            let stored = Stored::new(&v, layout);
            let (w0, h0) = Nmf::new(k).init(Init::Spa).init_factors(&stored).unwrap();
            let size = oracle::norm_squared(&v).sqrt();
            let left = (2.0 * oracle::loss(&v, &w0, &h0)).sqrt() / size;
            assert!(left < 1e-8, "{m}×{n}, {k} {layout:?}: {left:e} is left");
            // each of the parts, up to its scale, is a row of H
            for t in 0..k {
                let cosine =
                    |a: &[f64], b: &[f64]| oracle::dot(a, b) / (oracle::dot(a, a) * oracle::dot(b, b)).sqrt();
                let best = (0..k).map(|r| cosine(h.row(t), h0.row(r))).fold(0.0, f64::max);
                assert!(best > 1.0 - 1e-12, "part {t}: {best}");
            }
        }
    }
}

fn balances_and_keeps_the_product<T: Real>(
    v: &Dense<T>,
    k: usize,
    method: Method,
) -> Result<(), TestCaseError> {
    let fit = Nmf::<T>::new(k).method(method).init(Init::Random).max_iter(3).tol(0.0).fit(v).unwrap();
    let (before, roundoff) = (fit.clone(), T::EPSILON.to_f64() / 2.0);
    let after = fit.rescaled(Scale::Balanced);
    let product = |w: &Dense<T>, h: &Dense<T>| oracle::product(&cast(w), &cast(h));
    let a = product(&before.w, before.model.components());
    let b = product(&after.w, after.model.components());
    // half the spacing of subnormal numbers, against the largest entry beside it
    let spacing = if T::NAME == "float32" { f64::from(f32::from_bits(1)) } else { f64::from_bits(1) };
    let largest = [&after.w, after.model.components()].map(max_abs).into_iter().fold(0.0, f64::max);
    let nothing = 2.0 * k as f64 * spacing * largest;
    for (x, y) in a.as_slice().iter().zip(b.as_slice()) {
        // two roundings a term, of terms without signs; and what subnormal entries cannot hold
        let enough = 8.0 * roundoff * x + nothing;
        prop_assert!((x - y).abs() <= enough, "{} and {}", x, y);
    }
    let (wt, h) = (cast::<T, f64>(&after.w).transposed(), cast::<T, f64>(after.model.components()));
    for t in 0..k {
        let of = |a: &Dense<f64>| oracle::dot(a.row(t), a.row(t)).sqrt();
        let (w, h) = (of(&wt), of(&h));
        prop_assert!((w - h).abs() <= 1e-6 * w + 1e-30, "component {}: {} and {}", t, w, h);
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(64))]

    /// Law 19. Balancing components keeps WH, and gives both factors the same share of each component.
    #[test]
    fn balancing_keeps_the_product(recipe in recipes(), mu in any::<bool>()) {
        let method = if mu { Method::mu(Loss::Frobenius) } else { Method::hals() };
        let p = recipe.build();
        balances_and_keeps_the_product(&p.v, recipe.k, method)?;
    }

    /// Every start is non-negative and finite whatever V, on any number of threads the same, and a start of c·V is √c
    /// times that of V for those that are the library's own or random.
    #[test]
    fn starts_are_sound(recipe in recipes(), seed in any::<u32>()) {
        let p = recipe.build();
        for kind in InitKind::ALL {
            let Some(start) = kind.init() else { continue };
            let nmf = Nmf::<f64>::new(recipe.k).init(start).seed(seed);
            let (w, h) = match nmf.clone().threads(1).init_factors(&p.v) {
                Ok(found) => found,
                Err(Error::RankTooLargeForInit { .. }) => {
                    prop_assert!(recipe.k > recipe.m.min(recipe.n), "{}", kind.name());
                    continue;
                }
                Err(other) => return Err(TestCaseError::fail(format!("{}: {other}", kind.name()))),
            };
            prop_assert!(is_non_negative(&w) && is_non_negative(&h), "{}", kind.name());
            prop_assert_eq!((w.nrows(), w.ncols()), (recipe.m, recipe.k));
            prop_assert_eq!((h.nrows(), h.ncols()), (recipe.k, recipe.n));
            let (w2, h2) = nmf.clone().threads(2).init_factors(&p.v).unwrap();
            prop_assert!(first_other_bit(&w, &w2).is_none() && first_other_bit(&h, &h2).is_none(), "{}", kind.name());
            let own = matches!(
                kind,
                InitKind::Random | InitKind::ScaledRandom | InitKind::ExactNndsvd | InitKind::ExactNndsvda
                    | InitKind::Spa
            );
            if own {
                let scaled = Dense::from_fn(recipe.m, recipe.n, |i, j| p.v[(i, j)] * 2f64.powi(-40));
                let (ws, hs) = nmf.init_factors(&scaled).unwrap();
                let expected = |a: &Dense<f64>| Dense::from_fn(a.nrows(), a.ncols(), |i, j| a[(i, j)] * 2f64.powi(-20));
                let (dw, dh) = (difference(&ws, &expected(&w)), difference(&hs, &expected(&h)));
                prop_assert!(dw.max(dh) <= 1e-9, "{}: {:e} and {:e}", kind.name(), dw, dh);
            }
        }
    }
}

#[test]
fn the_default_start_is_scikit_learns_for_its_methods() {
    let mut numbers = Numbers::new(8);
    let v = numbers.matrix(9, 6);
    let same = |nmf: Nmf<f64>, start: Init<f64>| {
        let (a, b) = (nmf.init_factors(&v).unwrap(), nmf.clone().init(start).init_factors(&v).unwrap());
        first_other_bit(&a.0, &b.0).is_none() && first_other_bit(&a.1, &b.1).is_none()
    };
    for method in [Method::cd(), Method::mu(Loss::KullbackLeibler)] {
        assert!(same(Nmf::new(4).method(method), Init::Nndsvda));
        assert!(same(Nmf::new(7).method(method), Init::Random));
    }
    for method in [Method::hals(), Method::mm(Loss::ItakuraSaito), Method::anls()] {
        assert!(same(Nmf::new(4).method(method), Init::ScaledRandom));
    }
}

/// A seed begins the stream anew for each use, a generator goes on: then the fill of nndsvdar has other numbers.
#[test]
fn a_generator_goes_on_where_a_seed_begins_anew() {
    let mut numbers = Numbers::new(9);
    let v = Dense::from_fn(12, 10, |i, j| if (i / 4) == (j / 4) { numbers.uniform() } else { 0.0 });
    let nmf = || Nmf::<f64>::sklearn(3).init(Init::Nndsvdar);
    let by_seed = nmf().seed(5).init_factors(&v).unwrap();
    let by_state = nmf().random_state(RandomState::new(5)).init_factors(&v).unwrap();
    assert!(first_other_bit(&by_seed.0, &by_state.0).is_some());
    // the singular vectors are the same, so only what was 0 differs
    let zeros = nmf().init(Init::Nndsvd).seed(5).init_factors(&v).unwrap();
    for ((z, a), b) in zeros.0.as_slice().iter().zip(by_seed.0.as_slice()).zip(by_state.0.as_slice()) {
        assert!(*z == 0.0 || (z == a && z == b));
    }
    let random = || Nmf::<f64>::sklearn(3).init(Init::Random);
    let (a, b) = (
        random().seed(5).init_factors(&v).unwrap(),
        random().random_state(RandomState::new(5)).init_factors(&v).unwrap(),
    );
    assert!(first_other_bit(&a.0, &b.0).is_none());
}

#[test]
fn an_svd_start_above_the_sides_is_refused_everywhere() {
    let v = Numbers::new(1).matrix(7, 4);
    for kind in InitKind::ALL {
        let Some(start) = kind.init::<f64>() else { continue };
        let needs = !matches!(kind, InitKind::Random | InitKind::ScaledRandom | InitKind::Spa);
        let refused = |error: Option<Error>| {
            matches!(error, Some(Error::RankTooLargeForInit { rank: 5, rows: 7, cols: 4 }))
        };
        let fit = Nmf::new(5).init(start.clone()).fit(&v);
        assert_eq!(refused(fit.err()), needs, "{}", kind.name());
        let batches = MiniBatchNmf::new(5).init(start).fit(&v);
        assert_eq!(refused(batches.err()), needs, "{}", kind.name());
    }
}

#[test]
fn zeros_and_twins_in_a_start_are_warned_of() {
    let v = Numbers::new(2).matrix(8, 6);
    let mut numbers = Numbers::new(3);
    let (mut w, mut h) = (numbers.matrix(8, 3), numbers.matrix(3, 6));
    w[(2, 1)] = 0.0;
    h[(0, 5)] = 0.0;
    let custom = || Init::Custom { w: w.clone(), h: h.clone() };
    let fit = Nmf::new(3).method(Method::mm(Loss::KullbackLeibler)).init(custom()).fit(&v).unwrap();
    assert!(fit.report.warnings.contains(&Warning::LockedZeros { count: 2 }));
    assert_eq!((fit.w[(2, 1)], fit.model.components()[(0, 5)]), (0.0, 0.0));
    let fit = Nmf::new(3).init(custom()).fit(&v).unwrap();
    assert!(!fit.report.warnings.iter().any(|w| matches!(w, Warning::LockedZeros { .. })));
}
