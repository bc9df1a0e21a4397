//! Every figure of a factorisation by β-divergence, and its multiplicative steps, by triple loops in double precision
//! with compensated sums.
//!
//! ```text
//! F(W, H) = Σ d_β(v, p) + l1_W Σ|W| + ½ l2_W ‖W‖² + l1_H Σ|H| + ½ l2_H ‖H‖²,  P = WH
//!
//! d(v | p) = (v^β + (β−1)·p^β − β·v·p^(β−1)) / (β·(β−1)),  and its limits at β = 0 and 1
//! ∂d/∂p    = p^(β−1) − v·p^(β−2)
//! ```

use orthant::{Dense, Loss, Method, Penalty, Real, Update};

use crate::oracle::{Sum, norm_squared, product, times_transposed, weights};

/// A sum, and the sum of the magnitudes of its terms: what its rounding is measured by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figure {
    /// The sum.
    pub value: f64,
    /// Of the magnitudes.
    pub size: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    value: Sum,
    size: Sum,
}

impl Sums {
    fn add(&mut self, x: f64) {
        self.value.add(x);
        self.size.add(x.abs());
    }

    fn figure(self) -> Figure {
        Figure { value: self.value.value(), size: self.size.value() }
    }
}

/// d_β(v | p); its terms go to `sums`.
fn add_divergence(v: f64, p: f64, beta: f64, sums: &mut Sums) {
    if beta == 2.0 {
        sums.value.add(0.5 * (v - p) * (v - p));
        sums.size.add(0.5 * (v * v + p * p));
    } else if beta == 1.0 {
        sums.add(p);
        if v > 0.0 {
            sums.add(v * (v / p).ln());
            sums.add(-v);
        }
    } else if beta == 0.0 {
        sums.add(v / p);
        sums.add(-(v / p).ln());
        sums.add(-1.0);
    } else {
        // with v = 0 and β > 0 only the first is left
        sums.add(p.powf(beta) / beta);
        if v > 0.0 || beta < 0.0 {
            sums.add(v.powf(beta) / (beta * (beta - 1.0)));
            sums.add(-v * p.powf(beta - 1.0) / (beta - 1.0));
        }
    }
}

/// Σ d_β(V | WH).
pub fn divergence(v: &Dense<f64>, w: &Dense<f64>, h: &Dense<f64>, beta: f64) -> Figure {
    let (p, mut sums) = (product(w, h), Sums::default());
    for (v, p) in v.as_slice().iter().zip(p.as_slice()) {
        add_divergence(*v, *p, beta, &mut sums);
    }
    sums.figure()
}

/// F(W, H), penalties included.
pub fn objective(v: &Dense<f64>, w: &Dense<f64>, h: &Dense<f64>, penalty: Penalty, beta: f64) -> Figure {
    let on = weights(penalty, v.nrows(), v.ncols());
    let (p, mut sums) = (product(w, h), Sums::default());
    for (v, p) in v.as_slice().iter().zip(p.as_slice()) {
        add_divergence(*v, *p, beta, &mut sums);
    }
    for (x, l1, l2) in [(w, on.l1_w, on.l2_w), (h, on.l1_h, on.l2_h)] {
        x.as_slice().iter().for_each(|x| sums.add(l1 * x));
        sums.add(0.5 * l2 * norm_squared(x));
    }
    sums.figure()
}

/// What a fit that explains nothing leaves: D(V|0) for β > 1, else D(V|v̄) with the mean of V; of V that is all alike, where
/// that is 0, ½ΣV^β.
pub fn unexplained(v: &Dense<f64>, beta: f64) -> f64 {
    let size = size(v, beta);
    if beta > 1.0 {
        return size / (beta * (beta - 1.0));
    }
    let (m, n) = (v.nrows(), v.ncols());
    let mean = v.as_slice().iter().sum::<f64>() / (m * n) as f64;
    let (w, h) = (Dense::from_fn(m, 1, |_, _| mean), Dense::from_fn(1, n, |_, _| 1.0));
    let none = divergence(v, &w, &h, beta).value;
    if none > 1e-12 * size.abs() { none } else { 0.5 * size }
}

/// ΣV^β: the size of the data, as the loss measures it.
pub fn size(v: &Dense<f64>, beta: f64) -> f64 {
    let mut sum = Sum::default();
    v.as_slice().iter().filter(|&&v| v > 0.0).for_each(|v| sum.add(v.powf(beta)));
    sum.value()
}

/// The two parts of a factor's gradient: N = (V∘P^(β−2))·Yᵀ with P at least `floor` for β < 2, and D = P^(β−1)·Yᵀ with
/// the same for β < 1. `x` is rows×k, `y` k×columns. Where P = 0 and no floor is given, its entry counts for nothing.
fn parts(v: &Dense<f64>, x: &Dense<f64>, y: &Dense<f64>, beta: f64, floor: f64) -> (Dense<f64>, Dense<f64>) {
    let p = product(x, y);
    let raised = |at: (usize, usize), e: f64, floored: bool| {
        let p = if floored { p[at].max(floor) } else { p[at] };
        if p == 0.0 && e < 0.0 { 0.0 } else { p.powf(e) }
    };
    let shape = (v.nrows(), v.ncols());
    let ratios = Dense::from_fn(shape.0, shape.1, |i, j| v[(i, j)] * raised((i, j), beta - 2.0, beta < 2.0));
    let powers = Dense::from_fn(shape.0, shape.1, |i, j| raised((i, j), beta - 1.0, beta < 1.0));
    (times_transposed(&ratios, y), times_transposed(&powers, y))
}

/// ∂F/∂W (m×k) and ∂F/∂H (k×n).
pub fn gradients(
    v: &Dense<f64>,
    w: &Dense<f64>,
    h: &Dense<f64>,
    penalty: Penalty,
    beta: f64,
) -> (Dense<f64>, Dense<f64>) {
    let on = weights(penalty, v.nrows(), v.ncols());
    let of = |v: &Dense<f64>, x: &Dense<f64>, y: &Dense<f64>, l1: f64, l2: f64| {
        let (n, d) = parts(v, x, y, beta, 0.0);
        Dense::from_fn(x.nrows(), x.ncols(), |i, t| d[(i, t)] - n[(i, t)] + l1 + l2 * x[(i, t)])
    };
    let on_w = of(v, w, h, on.l1_w, on.l2_w);
    let on_h = of(&v.transposed(), &h.transposed(), &w.transposed(), on.l1_h, on.l2_h);
    (on_w, on_h.transposed())
}

/// Σ x·|∂F/∂x| over both factors and ΣV^β, which no rescaling of components alters without penalties.
pub fn remaining(v: &Dense<f64>, w: &Dense<f64>, h: &Dense<f64>, penalty: Penalty, beta: f64) -> f64 {
    let (gw, gh) = gradients(v, w, h, penalty, beta);
    let mut sum = Sum::default();
    for (x, g) in [(w, &gw), (h, &gh)] {
        x.as_slice().iter().zip(g.as_slice()).for_each(|(x, g)| sum.add_product(*x, g.abs()));
    }
    sum.value() / size(v, beta)
}

/// The largest share by which an entry's numerator is above its denominator: how steeply F falls where it falls most.
/// At a minimum it is 0, also where entries are 0.
pub fn steepest(v: &Dense<f64>, w: &Dense<f64>, h: &Dense<f64>, penalty: Penalty, beta: f64) -> f64 {
    let on = weights(penalty, v.nrows(), v.ncols());
    let of = |v: &Dense<f64>, x: &Dense<f64>, y: &Dense<f64>, l1: f64, l2: f64| {
        let (n, d) = parts(v, x, y, beta, 0.0);
        let mut top = 0.0_f64;
        for at in 0..x.as_slice().len() {
            let below = d.as_slice()[at] + l1 + l2 * x.as_slice()[at];
            if below > 0.0 {
                top = top.max(n.as_slice()[at] / below - 1.0);
            }
        }
        top
    };
    of(v, w, h, on.l1_w, on.l2_w).max(of(&v.transposed(), &h.transposed(), &w.transposed(), on.l1_h, on.l2_h))
}

/// scikit-learn's floor under P, of the same value in both precisions.
const FLOOR: f64 = f32::EPSILON as f64;

/// Below what scikit-learn makes an entry 0.
const LEAST: f64 = f64::EPSILON;

/// The loss and whether it is the library's own rule.
///
/// # Panics
/// For a method of the Frobenius loss alone.
pub fn rule(method: Method) -> (f64, bool) {
    match method.update {
        Update::Mu => (method.loss.beta(), false),
        Update::Mm | Update::Newton | Update::JointMm => (method.loss.beta(), true),
        _ => panic!("{method:?} has no divergence"),
    }
}

/// One multiplicative update of `x` (rows×k) for data `v` and the other factor `y` (k×columns): scikit-learn's with its
/// floors, or the library's own; `bold` with the exponent 1 whatever the loss.
pub(crate) fn update(
    method: Method,
    v: &Dense<f64>,
    x: &mut Dense<f64>,
    y: &Dense<f64>,
    (l1, l2): (f64, f64),
    of_h: bool,
    bold: bool,
) {
    let (beta, own) = rule(method);
    let parts = parts(v, x, y, beta, if own { 0.0 } else { FLOOR });
    let mut exponent = 1.0;
    if beta < 1.0 {
        exponent = 1.0 / (2.0 - beta);
    } else if beta > 2.0 {
        exponent = 1.0 / (beta - 1.0);
    }
    if own && l2 > 0.0 && beta < 2.0 {
        // for β = 1 the majorant itself has a minimum in closed form
        exponent = if beta == 1.0 { 1.0 } else { 1.0 / (3.0 - beta) };
    }
    if bold {
        exponent = 1.0;
    }
    multiply(method, x, &parts, (l1, l2), of_h, exponent);
}

/// The update of `x` from the two parts of its gradient.
fn multiply(
    method: Method,
    x: &mut Dense<f64>,
    (n, d): &(Dense<f64>, Dense<f64>),
    (l1, l2): (f64, f64),
    of_h: bool,
    exponent: f64,
) {
    let (beta, own) = rule(method);
    for (at, x) in x.as_mut_slice().iter_mut().enumerate() {
        let (n, linear) = (n.as_slice()[at], d.as_slice()[at] + l1);
        let below = linear + l2 * *x;
        let new = if n == 0.0 {
            0.0
        } else if own && l2 > 0.0 && beta == 1.0 {
            // the positive root of l2·x² + linear·x = x₀·n
            let root = 2.0 * *x * n / (linear + (linear * linear + 4.0 * l2 * *x * n).sqrt());
            *x * (root / *x).powf(exponent)
        } else {
            *x * (n / below).powf(exponent)
        };
        let zeroed = !own && (beta < 1.0 || of_h && beta <= 1.0);
        *x = if *x == 0.0 || zeroed && new < LEAST { 0.0 } else { new };
    }
}

/// One update of both factors for Kullback–Leibler from the WH that they begin with: W, and then Hᵀ, whose denominators alone
/// are the new W's.
pub(crate) fn update_both(
    v: &Dense<f64>,
    (w, ht): (&mut Dense<f64>, &mut Dense<f64>),
    penalty: Penalty,
    exponent: f64,
) {
    let on = weights(penalty, v.nrows(), v.ncols());
    let vt = v.transposed();
    let of_w = parts(v, w, &ht.transposed(), 1.0, 0.0);
    let mut of_h = parts(&vt, ht, &w.transposed(), 1.0, 0.0);
    multiply(Method::joint_mm(), w, &of_w, (on.l1_w, on.l2_w), false, exponent);
    of_h.1 = parts(&vt, ht, &w.transposed(), 1.0, 0.0).1;
    multiply(Method::joint_mm(), ht, &of_h, (on.l1_h, on.l2_h), true, exponent);
}

/// The update of W alone.
pub fn update_weights(method: Method, v: &Dense<f64>, w: &mut Dense<f64>, h: &Dense<f64>, penalty: Penalty) {
    let on = weights(penalty, v.nrows(), v.ncols());
    update(method, v, w, h, (on.l1_w, on.l2_w), false, false);
}

/// One iteration, reading V twice: W, then with the new W, H; but for [`Update::JointMm`] both at once.
pub fn step(method: Method, v: &Dense<f64>, w: &mut Dense<f64>, h: &mut Dense<f64>, penalty: Penalty) {
    if method == Method::joint_mm() {
        let mut ht = h.transposed();
        update_both(v, (w, &mut ht), penalty, 1.0);
        *h = ht.transposed();
        return;
    }
    update_weights(method, v, w, h, penalty);
    let on = weights(penalty, v.nrows(), v.ncols());
    let mut ht = h.transposed();
    update(method, &v.transposed(), &mut ht, &w.transposed(), (on.l1_h, on.l2_h), true, false);
    *h = ht.transposed();
}

/// Whether P is clear of the floors that `method` has in precision `T`, where V is not 0 as well.
pub fn clear_of_floors<T: Real>(method: Method, v: &Dense<f64>, w: &Dense<f64>, h: &Dense<f64>) -> bool {
    let (beta, own) = rule(method);
    if beta == 2.0 {
        return true;
    }
    let max = v.as_slice().iter().fold(0.0_f64, |a, &b| a.max(b));
    let least = match (own, T::NAME == "float32") {
        (false, _) => FLOOR,
        // in units in which the largest entry is between 1 and 4
        (true, true) => max * f64::max(-80.0 / (2.0 - beta).max(0.0), -100.0).exp2(),
        (true, false) => max * f64::max(-600.0 / (2.0 - beta).max(0.0), -600.0).exp2(),
    };
    let p = product(w, h);
    v.as_slice().iter().zip(p.as_slice()).all(|(&v, &p)| p >= 2.0 * least || v == 0.0 && p == 0.0)
}

/// Whether an entry that was positive became 0 though its line of V is not all zero.
pub fn cut_off(
    v: &Dense<f64>,
    before: (&Dense<f64>, &Dense<f64>),
    after: (&Dense<f64>, &Dense<f64>),
) -> bool {
    let lines = |v: &Dense<f64>, before: &Dense<f64>, after: &Dense<f64>| {
        (0..v.nrows()).any(|i| {
            let cut = before.row(i).iter().zip(after.row(i)).any(|(&a, &b)| a > 0.0 && b == 0.0);
            cut && v.row(i).iter().any(|&v| v > 0.0)
        })
    };
    lines(v, before.0, after.0) || lines(&v.transposed(), &before.1.transposed(), &after.1.transposed())
}

/// The losses that laws are tested with.
pub const LOSSES: [Loss; 8] = [
    Loss::Frobenius,
    Loss::KullbackLeibler,
    Loss::ItakuraSaito,
    Loss::Beta(0.5),
    Loss::Beta(1.5),
    Loss::Beta(3.0),
    Loss::Beta(-1.0),
    Loss::Beta(0.3),
];

/// Both rules with each of [`LOSSES`], and the joint one.
pub fn methods() -> Vec<Method> {
    let alternating = LOSSES.into_iter().flat_map(|loss| [Method::mu(loss), Method::mm(loss)]);
    alternating.chain([Method::joint_mm()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle;
    use crate::strategies::{Data, Recipe};

    fn problem() -> (Dense<f64>, Dense<f64>, Dense<f64>) {
        let p = Recipe { m: 7, n: 5, k: 3, data: Data::Uniform, zeros_in_start: false, seed: 1 }.build();
        let lift = |a: &Dense<f64>| Dense::from_fn(a.nrows(), a.ncols(), |i, j| a[(i, j)] + 0.1);
        (lift(&p.v), lift(&p.w), lift(&p.h))
    }

    const PENALTY: Penalty = Penalty { alpha_w: 0.02, alpha_h: Some(0.03), l1_ratio: 0.4 };

    #[test]
    fn the_divergence_is_its_integral() {
        // d(v|v) = 0 and ∂d/∂p = p^(β−1) − v·p^(β−2): Simpson's rule from v to p
        for loss in LOSSES {
            for (v, p) in [(1.0, 2.0), (2.0, 0.5), (0.3, 0.31), (5.0, 1.0)] {
                let beta = loss.beta();
                let slope = |p: f64| p.powf(beta - 1.0) - v * p.powf(beta - 2.0);
                let (count, mut sum) = (2000, 0.0);
                for i in 0..=count {
                    let weight = if i == 0 || i == count { 1.0 } else { 2.0 + 2.0 * (i % 2) as f64 };
                    sum += weight * slope(v + (p - v) * f64::from(i) / f64::from(count));
                }
                let expected = sum * (p - v) / (3.0 * f64::from(count));
                let one = |x| Dense::from_fn(1, 1, |_, _| x);
                let found = divergence(&one(v), &one(1.0), &one(p), beta);
                assert!((found.value - expected).abs() <= 1e-9 * found.size, "{loss} {v} {p}");
            }
        }
    }

    #[test]
    fn an_entry_of_zero_costs_its_product() {
        let zero = Dense::zeros(1, 1);
        let half = Dense::from_fn(1, 1, |_, _| 0.5);
        for (beta, expected) in [(1.0, 0.25), (0.5, 1.0), (1.5, 0.125 / 1.5), (2.0, 0.03125)] {
            assert!((divergence(&zero, &half, &half, beta).value - expected).abs() < 1e-15, "{beta}");
            assert_eq!(divergence(&zero, &zero, &half, beta).value, 0.0);
        }
    }

    /// Law 46. The gradient is the objective's finite difference, for every loss.
    #[test]
    fn the_gradient_is_the_objectives_finite_difference_for_every_loss() {
        let (v, w, h) = problem();
        for loss in LOSSES {
            let beta = loss.beta();
            let (gw, gh) = gradients(&v, &w, &h, PENALTY, beta);
            let f = |w: &Dense<f64>, h: &Dense<f64>| objective(&v, w, h, PENALTY, beta).value;
            let scale = objective(&v, &w, &h, PENALTY, beta).size;
            let step = 1e-5;
            let check = |x: &Dense<f64>, g: &Dense<f64>, f: &dyn Fn(&Dense<f64>) -> f64| {
                for i in 0..x.nrows() {
                    for t in 0..x.ncols() {
                        let (mut up, mut down) = (x.clone(), x.clone());
                        up[(i, t)] += step;
                        down[(i, t)] -= step;
                        let slope = (f(&up) - f(&down)) / (2.0 * step);
                        let off = (slope - g[(i, t)]).abs();
                        assert!(off <= 1e-6 * scale, "{loss} ({i}, {t}): {slope} and {}", g[(i, t)]);
                    }
                }
            };
            check(&w, &gw, &|w| f(w, &h));
            check(&h, &gh, &|h| f(&w, h));
        }
    }

    #[test]
    fn the_reference_steps_lower_the_objective_and_end_stationary() {
        for method in methods() {
            let (beta, own) = rule(method);
            for penalty in [Penalty::default(), PENALTY] {
                if !own && penalty == PENALTY && beta < 2.0 {
                    continue; // an L2 penalty there raises it
                }
                let (v, mut w, mut h) = problem();
                let mut last = objective(&v, &w, &h, penalty, beta).value;
                let start = remaining(&v, &w, &h, penalty, beta);
                for _ in 0..400 {
                    step(method, &v, &mut w, &mut h, penalty);
                    let now = objective(&v, &w, &h, penalty, beta);
                    assert!(now.value <= last + 1e-14 * now.size, "{method:?}: {} after {last}", now.value);
                    last = now.value;
                }
                let end = remaining(&v, &w, &h, penalty, beta);
                assert!(end < 0.1 * start, "{method:?}: {end} after {start}");
            }
        }
    }

    #[test]
    fn for_the_frobenius_loss_they_are_the_other_oracles() {
        let (v, w, h) = problem();
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-14 * b.abs().max(1.0);
        assert!(close(divergence(&v, &w, &h, 2.0).value, oracle::loss(&v, &w, &h)));
        assert!(close(objective(&v, &w, &h, PENALTY, 2.0).value, oracle::objective(&v, &w, &h, PENALTY)));
        let (a, b) = (gradients(&v, &w, &h, PENALTY, 2.0), oracle::gradients(&v, &w, &h, PENALTY));
        for (a, b) in [(a.0, b.0), (a.1, b.1)] {
            assert!(a.as_slice().iter().zip(b.as_slice()).all(|(a, b)| (a - b).abs() < 1e-13));
        }
        let (mut ours, mut theirs) = ((w.clone(), h.clone()), (w, h));
        step(Method::mu(Loss::Frobenius), &v, &mut ours.0, &mut ours.1, PENALTY);
        oracle::multiplicative_step(&v, &mut theirs.0, &mut theirs.1, PENALTY);
        for (a, b) in [(ours.0, theirs.0), (ours.1, theirs.1)] {
            assert!(a.as_slice().iter().zip(b.as_slice()).all(|(a, b)| close(*a, *b)));
        }
    }
}
