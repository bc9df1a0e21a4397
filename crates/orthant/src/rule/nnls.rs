//! Non-negative least squares for one row, exactly: min ½xGxᵀ − bxᵀ over x ≥ 0, by block principal pivoting.
//!
//! A solution is a set P of components, those above 0: on it x_P = G_PP⁻¹b_P, and y = Gx − b ≥ 0 off it. Pivoting
//! guesses P, and moves over what has the wrong sign, all at once as long as that gets fewer; else the last wrong one
//! alone, with which it ends for every positive definite G (Murty).
//!
//! What rounding makes of nearly singular sets could still lead it round in circles. After 5k + 20 exchanges the row is
//! solved again as Lawson & Hanson do, from the x it came from: components enter one by one, the objective falls with
//! every step, and x never leaves x ≥ 0.

use super::cholesky::{Definite, dot, factorise, gather, packed, solve};
use orthant_kernel::allocate;

/// Elements that the kept factors of a workspace may have together, if one is not larger.
const KEPT: usize = 1 << 18;
/// Factors kept, at most.
const MOST_KEPT: usize = 32;

/// Everything that solving a row needs. Nothing is allocated afterwards.
#[derive(Debug)]
pub(crate) struct Nnls {
    /// The linear term, to be set before each row.
    pub b: Vec<f64>,
    /// Where the row comes from, and then its solution.
    pub x: Vec<f64>,
    /// The unconstrained solution on the set, 0 off it.
    z: Vec<f64>,
    /// Gz − b.
    y: Vec<f64>,
    passive: Vec<bool>,
    /// The members of the set, in order.
    which: Vec<usize>,
    compact: Vec<f64>,
    factors: Factors,
}

/// The latest factors of some sets. A factor depends on its set and G alone, so it does not matter to a bit whether it
/// was kept or made anew.
#[derive(Debug)]
struct Factors {
    kept: Vec<Kept>,
    next: usize,
}

#[derive(Debug)]
struct Kept {
    valid: bool,
    set: Vec<bool>,
    l: Vec<f64>,
}

impl Factors {
    fn of(&mut self, g: &Definite, set: &[bool], which: &[usize]) -> &[f64] {
        let found = self.kept.iter().position(|kept| kept.valid && kept.set == set);
        let at = found.unwrap_or_else(|| {
            let at = self.next;
            self.next = (at + 1) % self.kept.len();
            let kept = &mut self.kept[at];
            kept.set.copy_from_slice(set);
            gather(&g.gram, g.k, which, &mut kept.l);
            // G was made positive definite, and with it every part of it: a pivot cannot vanish
            factorise(&mut kept.l, which.len(), 0.0);
            kept.valid = true;
            at
        });
        &self.kept[at].l
    }
}

impl Nnls {
    pub fn new(k: usize) -> Self {
        let kept = || Kept { valid: false, set: vec![false; k], l: allocate::filled(packed(k), 0.0) };
        let count = (KEPT / packed(k)).clamp(1, MOST_KEPT);
        Self {
            b: vec![0.0; k],
            x: vec![0.0; k],
            z: vec![0.0; k],
            y: vec![0.0; k],
            passive: vec![false; k],
            which: Vec::with_capacity(k),
            compact: vec![0.0; k],
            factors: Factors { kept: std::iter::repeat_with(kept).take(count).collect(), next: 0 },
        }
    }

    /// Bytes of one.
    pub fn bytes(k: usize) -> usize {
        let count = (KEPT / packed(k)).clamp(1, MOST_KEPT);
        count * (size_of::<Kept>() + k + packed(k) * size_of::<f64>()) + 7 * k * size_of::<f64>()
    }

    /// For another G.
    pub fn forget(&mut self) {
        self.factors.kept.iter_mut().for_each(|kept| kept.valid = false);
    }

    /// Replaces x ≥ 0 by the solution for `b`; false where pivoting did not end and it took the slower way. Dead
    /// components of x stay as they are.
    pub fn minimise(&mut self, g: &Definite) -> bool {
        for t in 0..g.k {
            self.passive[t] = g.root[t] > 0.0 && self.x[t] > 0.0;
        }
        let tol = self.tolerance(g);
        let pivoted = self.pivot(g, tol, 5 * g.k + 20);
        if pivoted {
            for &t in &g.live {
                self.x[t] = if self.z[t] > 0.0 { self.z[t] } else { 0.0 };
            }
        } else {
            self.descend(g, tol, 3 * g.k + 20);
        }
        pivoted
    }

    /// What is rounding alone, in the units of the row: a share of its norm, as far as the components can tell that. A
    /// b_t below 0 is a penalty's, and says nothing of the row: over a tiny component it would be any size.
    fn tolerance(&self, g: &Definite) -> f64 {
        let size = g.live.iter().map(|&t| self.b[t].max(0.0) / g.root[t]).fold(0.0, f64::max);
        16.0 * g.k as f64 * f64::EPSILON * size
    }

    /// z and y for the set.
    fn on_the_set(&mut self, g: &Definite) {
        let Self { b, z, y, passive, which, compact, factors, .. } = self;
        which.clear();
        which.extend((0..g.k).filter(|&t| passive[t]));
        let l = factors.of(g, passive, which);
        let part = &mut compact[..which.len()];
        for (to, &t) in part.iter_mut().zip(&*which) {
            *to = b[t];
        }
        solve(l, part);
        z.fill(0.0);
        for (from, &t) in part.iter().zip(&*which) {
            z[t] = *from;
        }
        for &t in &g.live {
            y[t] = if passive[t] { 0.0 } else { dot(&g.gram[t * g.k..(t + 1) * g.k], z) - b[t] };
        }
    }

    fn wrong(&self, g: &Definite, t: usize, tol: f64) -> bool {
        if self.passive[t] { self.z[t] * g.root[t] < -tol } else { self.y[t] < -tol * g.root[t] }
    }

    /// Exchanges until every sign is right.
    fn pivot(&mut self, g: &Definite, tol: f64, exchanges: usize) -> bool {
        let (mut fewest, mut chances) = (g.k + 1, 3);
        for _ in 0..=exchanges {
            self.on_the_set(g);
            let wrong = g.live.iter().filter(|&&t| self.wrong(g, t, tol)).count();
            if wrong == 0 {
                return true;
            }
            let all = wrong < fewest || chances > 0;
            if wrong < fewest {
                (fewest, chances) = (wrong, 3);
            } else if chances > 0 {
                chances -= 1;
            }
            for &t in g.live.iter().rev() {
                if self.wrong(g, t, tol) {
                    self.passive[t] = !self.passive[t];
                    if !all {
                        break;
                    }
                }
            }
        }
        false
    }

    /// From x on, down to the minimum on its set and on to larger sets.
    fn descend(&mut self, g: &Definite, tol: f64, entries: usize) {
        for t in 0..g.k {
            self.passive[t] = g.root[t] > 0.0 && self.x[t] > 0.0;
        }
        let mut entered = None;
        for _ in 0..=entries {
            self.on_the_set(g);
            // where the slope was below 0 and the step is not above, the slope was rounding
            if entered.is_some_and(|t: usize| self.z[t] <= 0.0) {
                return;
            }
            while !self.step(g) {
                self.on_the_set(g);
            }
            let slope = |t: usize| self.y[t] / g.root[t];
            let outside = g.live.iter().copied().filter(|&t| !self.passive[t]);
            let Some(t) = outside.min_by(|&a, &b| slope(a).total_cmp(&slope(b))) else { return };
            if slope(t) >= -tol {
                return;
            }
            self.passive[t] = true;
            entered = Some(t);
        }
    }

    /// From x towards z, as far as x ≥ 0; what meets 0 leaves the set. Whether nothing does.
    fn step(&mut self, g: &Definite) -> bool {
        let Self { x, z, passive, which, .. } = self;
        let reach = |x: f64, z: f64| match (x > 0.0, z > 0.0) {
            (_, true) => f64::INFINITY,
            (true, false) => x / (x - z),
            (false, false) => 0.0,
        };
        let share = which.iter().map(|&t| reach(x[t], z[t])).fold(1.0, f64::min);
        let mut whole = true;
        for &t in &g.live {
            let meets = passive[t] && reach(x[t], z[t]) <= share;
            x[t] = if passive[t] && !meets { x[t] + share * (z[t] - x[t]) } else { 0.0 };
            passive[t] &= !meets;
            whole &= !meets;
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::tests::{data, numbers, objective, products};

    /// The lowest objective over all sets, each solved by Gaussian elimination with pivoting: 2^k small systems.
    fn enumerate(gram: &[f64], b: &[f64]) -> (f64, Vec<f64>) {
        let k = b.len();
        let mut best = (0.0, vec![0.0; k]);
        for mask in 1_u32..1 << k {
            let set: Vec<usize> = (0..k).filter(|t| mask >> t & 1 == 1).collect();
            let p = set.len();
            let mut m: Vec<Vec<f64>> =
                set.iter().map(|&t| set.iter().map(|&s| gram[t * k + s]).chain([b[t]]).collect()).collect();
            let mut singular = false;
            for c in 0..p {
                let pivot = (c..p).max_by(|&a, &b| m[a][c].abs().total_cmp(&m[b][c].abs())).unwrap();
                m.swap(c, pivot);
                singular |= m[c][c].abs() < 1e-10 * gram[set[c] * k + set[c]];
                for r in (0..p).filter(|&r| r != c) {
                    let f = m[r][c] / m[c][c];
                    for j in c..=p {
                        m[r][j] -= f * m[c][j];
                    }
                }
            }
            let mut x = vec![0.0; k];
            (0..p).for_each(|c| x[set[c]] = m[c][p] / m[c][c]);
            if singular || x.iter().any(|&x| x.is_nan() || x < -1e-12) {
                continue;
            }
            let f = value(gram, b, &x);
            if f < best.0 {
                best = (f, x);
            }
        }
        best
    }

    fn value(gram: &[f64], b: &[f64], x: &[f64]) -> f64 {
        let k = b.len();
        (0..k).map(|t| x[t] * (0.5 * (0..k).map(|s| gram[t * k + s] * x[s]).sum::<f64>() - b[t])).sum()
    }

    /// Components that are independent, dependent, repeated and dead.
    fn cases() -> Vec<(usize, usize, Vec<f64>)> {
        let mut cases = Vec::new();
        for seed in 0..60 {
            for (k, cols) in [(1, 4), (2, 9), (4, 6), (6, 20), (6, 3), (5, 1)] {
                let mut y = numbers(seed, cols * k);
                if seed % 5 == 1 {
                    (0..cols).for_each(|j| y[j * k] = y[j * k + k - 1]);
                }
                if seed % 5 == 2 {
                    (0..cols).for_each(|j| y[j * k + k / 2] = 0.0);
                }
                cases.push((k, cols, y));
            }
        }
        cases
    }

    #[test]
    fn both_ways_find_the_lowest_of_all_sets() {
        for (at, (k, cols, y)) in cases().into_iter().enumerate() {
            let v = numbers(977 + at as u64, cols);
            let (gram, _, b) = products(&y, &v, k, 0.0);
            let mut definite = Definite::new(k);
            let raised = definite.set(&gram);
            let (least, expected) = enumerate(&gram, &b);
            // a proximal step from far away leaves a share of the start
            let size = v.iter().map(|v| v * v).sum::<f64>() + 1e-12;
            for start in [vec![0.0; k], vec![1.0; k], numbers(at as u64, k)] {
                for pivoting in [true, false] {
                    let mut nnls = Nnls::new(k);
                    nnls.b.copy_from_slice(&b);
                    nnls.x.copy_from_slice(&start);
                    // dead components stay
                    (0..k).filter(|&t| definite.root[t] == 0.0).for_each(|t| nnls.x[t] = 0.0);
                    for t in 0..k {
                        nnls.b[t] += definite.raised[t] * nnls.x[t];
                    }
                    if pivoting {
                        assert!(nnls.minimise(&definite), "case {at}");
                    } else {
                        let tol = nnls.tolerance(&definite);
                        nnls.descend(&definite, tol, 100);
                    }
                    let found = value(&gram, &b, &nnls.x);
                    assert!(nnls.x.iter().all(|&x| x >= 0.0));
                    assert!(found <= least + 1e-11 * size, "case {at}: {found} and {least}");
                    if !raised {
                        let unit = expected.iter().fold(1.0, |a: f64, b| a.max(*b));
                        for (x, e) in nnls.x.iter().zip(&expected) {
                            assert!((x - e).abs() <= 1e-9 * unit, "case {at}: {x} and {e}");
                        }
                    }
                }
            }
        }
    }

    /// A penalty over a component of nothing but rounding counted as the row's size, next to which all else was rounding.
    #[test]
    fn a_tiny_penalised_component_does_not_hide_the_others() {
        let (k, cols) = (4, 9);
        let (v, mut y) = (numbers(5, cols), numbers(6, cols * k));
        y.chunks_exact_mut(k).enumerate().for_each(|(j, y)| y[2] = if j == 3 { 4e-16 } else { 0.0 });
        let (gram, _, a) = products(&y, &v, k, 0.0);
        let b: Vec<f64> = a.iter().map(|a| a - 0.2).collect();
        let mut definite = Definite::new(k);
        assert!(!definite.set(&gram));
        let mut nnls = Nnls::new(k);
        nnls.b.copy_from_slice(&b);
        nnls.x[2] = 1.0;
        assert!(nnls.minimise(&definite));
        let (_, expected) = enumerate(&gram, &b);
        assert!(expected.iter().any(|&x| x > 0.0));
        for (x, e) in nnls.x.iter().zip(&expected) {
            assert!((x - e).abs() < 1e-10, "{x} and {e}");
        }
    }

    /// The set of a row may be new, or kept from another row, or forced out in between.
    #[test]
    fn a_rows_bits_do_not_depend_on_the_rows_before_it() {
        let (k, cols, rows) = (11, 30, 200);
        let p = data(rows, cols, k, 21);
        let (gram, _, a) = products(&p.y, &p.v, k, 0.0);
        let mut definite = Definite::new(k);
        definite.set(&gram);
        let solve = |nnls: &mut Nnls, r: usize| {
            nnls.b.copy_from_slice(&a[r * k..(r + 1) * k]);
            nnls.x.copy_from_slice(&p.x[r * k..(r + 1) * k]);
            nnls.minimise(&definite);
            nnls.x.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
        };
        let mut shared = Nnls::new(k);
        let together: Vec<_> = (0..rows).map(|r| solve(&mut shared, r)).collect();
        for r in (0..rows).rev() {
            assert_eq!(solve(&mut Nnls::new(k), r), together[r], "row {r} alone");
            assert_eq!(solve(&mut shared, r), together[r], "row {r} after others");
        }
        let sets: std::collections::HashSet<Vec<bool>> =
            together.iter().map(|x| x.iter().map(|&x| x > 0).collect()).collect();
        assert!(sets.len() > MOST_KEPT, "{} sets", sets.len());
    }

    #[test]
    fn five_hundred_components_are_solved() {
        let (k, cols) = (512, 700);
        let p = data(1, cols, k, 33);
        let (gram, _, a) = products(&p.y, &p.v, k, 0.0);
        let mut definite = Definite::new(k);
        assert!(!definite.set(&gram));
        let mut nnls = Nnls::new(k);
        nnls.b.copy_from_slice(&a);
        assert!(nnls.minimise(&definite));
        let f = objective(&p.y, &p.v, &nnls.x, 0.0, 0.0);
        let norm = p.v.iter().map(|v| v * v).sum::<f64>();
        for t in 0..k {
            let slope: f64 = (0..k).map(|s| gram[t * k + s] * nnls.x[s]).sum::<f64>() - a[t];
            let left = if nnls.x[t] > 0.0 { slope.abs() } else { -slope };
            assert!(left <= 1e-9 * (gram[t * k + t] * norm).sqrt(), "{t}: {left:e}, f = {f}");
        }
    }
}
