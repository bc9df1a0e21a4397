//! Laws of coordinate descent in a drawn order.

use orthant::{Dense, Nmf, Penalty, RandomState};
use orthant_verify::compare::{after_step, first_other_bit, unit_roundoff};
use orthant_verify::fits::{fixed, step_with, trace};
use orthant_verify::layout::{Layout, Stored};
use orthant_verify::oracle;
use orthant_verify::strategies::{Recipe, cases, penalties, recipes};
use proptest::prelude::*;

const CD: orthant::Method = orthant::Method::cd();

fn shuffled(p: &orthant_verify::strategies::Problem<f64>, penalty: Penalty, iterations: usize) -> Nmf<f64> {
    fixed(CD, penalty, &p.w, &p.h, iterations).shuffle(true)
}

/// One iteration with the components of each factor in a given order.
fn in_order(
    v: &Dense<f64>,
    (w, h): (&Dense<f64>, &Dense<f64>),
    penalty: Penalty,
    (on_w, on_h): (&[usize], &[usize]),
) -> (Dense<f64>, Dense<f64>) {
    let weights = oracle::weights(penalty, v.nrows(), v.ncols());
    let sweep = |v: &Dense<f64>, x: &Dense<f64>, y: &Dense<f64>, l1: f64, l2: f64, order: &[usize]| {
        // components renumbered, swept in turn, and numbered back
        let columns = |a: &Dense<f64>| Dense::from_fn(a.nrows(), a.ncols(), |i, t| a[(i, order[t])]);
        let y = Dense::from_fn(y.nrows(), y.ncols(), |t, j| y[(order[t], j)]);
        let mut x = columns(x);
        let (mut gram, mut numer) = (oracle::times_transposed(&y, &y), oracle::times_transposed(v, &y));
        (0..gram.nrows()).for_each(|t| gram[(t, t)] += l2);
        numer.as_mut_slice().iter_mut().for_each(|a| *a -= l1);
        oracle::sweep(&mut x, &gram, &numer);
        let mut back = x.clone();
        for i in 0..x.nrows() {
            for (t, &at) in order.iter().enumerate() {
                back[(i, at)] = x[(i, t)];
            }
        }
        back
    };
    let w = sweep(v, w, h, weights.l1_w, weights.l2_w, on_w);
    let ht = sweep(&v.transposed(), &h.transposed(), &w.transposed(), weights.l1_h, weights.l2_h, on_h);
    (w, ht.transposed())
}

proptest! {
    #![proptest_config(cases(64))]

    /// Law 2. √F does not rise, whatever order is drawn.
    #[test]
    fn descent_in_any_order_never_raises_the_objective(
        recipe in recipes(), penalty in penalties(), by_columns in any::<bool>(), seed in any::<u32>(),
    ) {
        let p = recipe.build();
        let v = Stored::new(&p.v, if by_columns { Layout::ColMajor } else { Layout::RowMajor });
        let (_, steps) = trace(&shuffled(&p, penalty, 12).seed(seed), &v).unwrap();
        let slack = 64.0 * unit_roundoff::<f64>() * oracle::norm_squared(&p.v).sqrt();
        let mut last = oracle::objective(&p.v, &p.w, &p.h, penalty).sqrt();
        for s in &steps {
            let now = oracle::objective(&p.v, &s.w, &s.h, penalty).sqrt();
            prop_assert!(now <= last + slack, "{} after {}", now, last);
            last = now;
        }
    }

    /// Law 31. A seed draws the same orders again, and gives the same bits.
    #[test]
    fn the_same_seed_gives_the_same_bits(recipe in recipes(), penalty in penalties(), seed in any::<u32>()) {
        let p = recipe.build();
        let fit = || shuffled(&p, penalty, 6).seed(seed).fit(&p.v).unwrap();
        let (a, b) = (fit(), fit());
        prop_assert_eq!(first_other_bit(&a.w, &b.w), None);
        prop_assert_eq!(first_other_bit(a.model.components(), b.model.components()), None);
    }

    #[test]
    fn with_one_component_there_is_nothing_to_shuffle(recipe in recipes(), penalty in penalties()) {
        let p = Recipe { k: 1, ..recipe }.build();
        let (a, b) = (shuffled(&p, penalty, 6), fixed(CD, penalty, &p.w, &p.h, 6));
        let (a, b) = (a.fit(&p.v).unwrap(), b.fit(&p.v).unwrap());
        prop_assert_eq!(first_other_bit(&a.w, &b.w), None);
        prop_assert_eq!(first_other_bit(a.model.components(), b.model.components()), None);
    }

    /// Law 47. Each half-step takes the order that is drawn for it: W's first, then H's, from the seed's own
    /// stream, whichever way V lies.
    #[test]
    fn each_half_step_takes_the_order_that_is_drawn_for_it(
        recipe in recipes(), penalty in penalties(), by_columns in any::<bool>(), seed in any::<u32>(),
    ) {
        let p = recipe.build();
        let v = Stored::new(&p.v, if by_columns { Layout::ColMajor } else { Layout::RowMajor });
        let mut stream = RandomState::new(seed);
        let orders = (stream.permutation(recipe.k), stream.permutation(recipe.k));
        let ours = step_with(&shuffled(&p, penalty, 1).seed(seed), &v).unwrap();
        let theirs = in_order(&p.v, (&p.w, &p.h), penalty, (&orders.0, &orders.1));
        let d = after_step(&p.v, &p.h, (&ours.0, &ours.1), (&theirs.0, &theirs.1), 1e-3).worst();
        prop_assert!(d <= 1e-12, "differs by {:e}", d);
    }
}
