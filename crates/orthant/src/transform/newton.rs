//! Projected Newton steps for one row: min F(w) = Σ_j d_β(v_j | p_j) + l1·Σw + ½·l2·‖w‖² over w ≥ 0, p = wH.
//!
//! ```text
//! w = the best multiple of (1, …, 1), then 8 multiplicative updates
//! repeat
//!     g_t  = Σ_j h_tj p^{β−2} (p − v) + l1 + l2·w_t
//!     f_t  = Σ_j h_tj² p^{β−2} + l2                          the curvature of a perfect fit (see below)
//!     s_t  = max(−g_t/f_t, −w_t)                             coordinate steps
//!     done if √(Σ |g_t·s_t| / Σ v^β) ≤ tol
//!     A    = {t : g_t > 0, w_t √max(f_t, M_tt) small}        about to meet 0: these take coordinate steps
//!     P    = {t : w_t > 0 or g_t < 0} less A
//!     d_P  = −(M_PP + λ·diag f)⁻¹ g_P
//!     w    = max(w + αd, 0), α = 1, ½, ¼, …                  until F falls by 1e-4·|g·(change of w)|
//! ```
//! M is the Hessian, Σ_j h_tj h_sj p^{β−3} ((β−1)p + (2−β)v) + l2. For β from 1 to 2 it has no negative eigenvalue, and
//! the minimum is the only one. For other β it can have: then each term's weight becomes p^{β−2} at least, and what is
//! found is a stationary point. λ is 0 as long as M_PP is positive definite and steps are not halved four times; then it grows a
//! hundredfold, and falls tenfold with each whole step. Where α < 1, a multiplicative
//! update follows, and where no α does it takes the step's place: it cannot raise F, and goes far at once where p is
//! far below v.
//!
//! The measure is what coordinate steps would still gain, over the size of the row. It does not change when
//! components or the row are rescaled, and for β = 2 it is the Frobenius one but for coordinates on their way to 0,
//! which count for more. In f, for 1 ≤ β < 2, p is at least the row's mean (Σ v^β / n)^{1/β} over the n columns: the
//! curvature at p = 0, next to v = 0, is infinite, but holds no component back for longer than a first tiny step.
//!
//! Near the minimum F cannot tell steps apart any more: one that it sees neither fall nor rise is taken. If ten of
//! these, or of failed ones, do not halve the measure, that is as far as rounding lets it go.
//!
//! For β < 2, entries v_j > 0 with p_j = 0 are infinitely steep, and for β ≤ 1 infinitely far: from p_j < v_j no step
//! goes below a tenth of p_j, from above none below a tenth of v_j. Columns in which no component has an entry do not depend on w and are left out.
//!
//! Bertsekas, Projected Newton methods for optimization problems with simple constraints, SIAM Journal on Control and
//! Optimization 20(2), 1982, doi:10.1137/0320018. Févotte & Idier, Algorithms for nonnegative matrix factorization with
//! the β-divergence, Neural Computation 23(9), 2011, doi:10.1162/NECO_a_00168.

use orthant_kernel::{Dense, allocate};

use super::times_power;
use crate::penalty::Weights;
use crate::rule::cholesky::{add_scaled, dot, factorise, gather, packed, solve};
use crate::{Loss, Real};

/// Newton steps for a row, at most.
const STEPS: usize = 500;
/// Multiplicative updates before the first.
const UPDATES: usize = 8;
/// Halvings of a step, at most.
const HALVINGS: usize = 40;
/// Steps that F does not see, or that fail, before it gives up.
const BLIND: usize = 10;
/// Halvings that call for damping, and the λ of the first.
const SHORT: usize = 4;
const DAMPING: f64 = 1e-6;
/// Share of the linear prediction that a step must attain.
const SIGMA: f64 = 1e-4;
/// The share of p, or of v if that is less, that a step leaves of it where p = 0 is infinitely steep.
const INSIDE: f64 = 0.1;
/// Changes of F below this share of what they are the sum of are rounding.
const ROUNDING: f64 = 16.0 * f64::EPSILON;
/// What stands for p = 0 in a power.
const TINY: f64 = 1e-100;
/// Penalties that no gradient can outweigh stay finite.
const MOST: f64 = 1e60;

/// H as the steps read it: in double precision, every component over a power of two.
pub(super) struct Components {
    k: usize,
    beta: f64,
    /// The exponent of multiplicative updates.
    gamma: f64,
    weights: Weights,
    /// Hᵀ of the columns below, ×k.
    ht: Vec<f64>,
    /// Σ of these.
    sums: Vec<f64>,
    /// Columns in which a component has an entry.
    pub columns: Vec<usize>,
    /// The place of each column of H among those, if it has one.
    places: Vec<Option<u32>>,
    /// The powers of two of the components.
    pub exponents: Vec<i32>,
}

fn exponent(largest: f64) -> i32 {
    if largest > 0.0 { largest.log2().floor() as i32 } else { 0 }
}

impl Components {
    pub fn new<T: Real>(h: &Dense<T>, loss: Loss, weights: Weights) -> Self {
        let (k, n) = (h.nrows(), h.ncols());
        let largest = |t: usize| h.row(t).iter().fold(0.0, |a: f64, x| a.max(x.to_f64()));
        let exponents: Vec<i32> = (0..k).map(|t| exponent(largest(t))).collect();
        let mut columns = allocate::room(n);
        columns.extend((0..n).filter(|&j| (0..k).any(|t| h[(t, j)] > T::ZERO)));
        let entry = |j: usize, t: usize| times_power(h[(t, j)].to_f64(), -exponents[t]);
        let mut ht = allocate::room(columns.len() * k);
        columns.iter().for_each(|&j| ht.extend((0..k).map(|t| entry(j, t))));
        let sums = (0..k).map(|t| ht.iter().skip(t).step_by(k).sum()).collect();
        let mut places = allocate::filled(n, None);
        columns.iter().enumerate().for_each(|(at, &j)| places[j] = Some(at as u32));
        let (beta, gamma) = (loss.beta(), loss.exponent());
        Self { k, beta, gamma, weights, ht, sums, columns, places, exponents }
    }

    /// Bytes of those of an H with n columns.
    pub fn bytes(k: usize, n: usize) -> usize {
        (n * (k + 2) + 2 * k) * size_of::<f64>()
    }

    /// Whether entries of 0 are no more than a slope: d₁(0 | p) = p.
    fn drops_zeros(&self) -> bool {
        self.beta == 1.0
    }

    /// The columns of H that a row's steps read, given its own copy of them, if it has one.
    fn lines<'a>(&'a self, own: &'a [f64]) -> std::slice::ChunksExact<'a, f64> {
        (if self.drops_zeros() || !own.is_empty() { own } else { &self.ht[..] }).chunks_exact(self.k)
    }
}

/// p = wH.
fn product(lines: std::slice::ChunksExact<'_, f64>, w: &[f64], p: &mut [f64]) {
    for (p, h) in p.iter_mut().zip(lines) {
        *p = dot(h, w);
    }
}

/// x^e, quick where it can be.
fn power(x: f64, e: f64) -> f64 {
    match e {
        0.0 => 1.0,
        -1.0 => 1.0 / x,
        -2.0 => 1.0 / (x * x),
        -0.5 => 1.0 / x.sqrt(),
        1.0 => x,
        e => x.powf(e),
    }
}

/// d(v | q) − d(v | p), without taking two large numbers apart; and the size of what it is the difference of.
fn change(beta: f64, v: f64, p: f64, q: f64) -> (f64, f64) {
    let log = if (q - p).abs() < 0.5 * p { ((q - p) / p).ln_1p() } else { (q / p).ln() };
    // (q^s − p^s)/s
    let powers = |s: f64| match s {
        1.0 => q - p,
        0.0 => log,
        s if p > 0.0 && q > 0.0 => power(p, s) * (s * log).exp_m1() / s,
        s => (q.powf(s) - p.powf(s)) / s,
    };
    let (up, down) = (powers(beta), if v > 0.0 { v * powers(beta - 1.0) } else { 0.0 });
    (up - down, up.abs() + down.abs())
}

/// A row under way, with all memory that it takes.
pub(super) struct Newton {
    /// The row, in the columns that matter: for β = 1 those with an entry.
    v: Vec<f64>,
    /// Hᵀ of those, for β = 1 and for rows that are not observed everywhere.
    ht: Vec<f64>,
    /// How many columns it is observed in.
    observed: usize,
    /// The slope of what is left out.
    rest: Vec<f64>,
    /// Its weights.
    pub w: Vec<f64>,
    p: Vec<f64>,
    /// p^{β−2}.
    steep: Vec<f64>,
    l1: Vec<f64>,
    l2: Vec<f64>,
    g: Vec<f64>,
    curvature: Vec<f64>,
    d: Vec<f64>,
    to: Vec<f64>,
    to_p: Vec<f64>,
    hessian: Vec<f64>,
    factor: Vec<f64>,
    part: Vec<f64>,
    passive: Vec<usize>,
    /// Σ v^β.
    size: f64,
    /// Σ p·|∂F/∂p|: what rounding in p is a share of.
    whole: f64,
    /// The least p that counts in a curvature.
    least: f64,
}

impl Newton {
    /// Bytes of one, with n columns and rows of at most so many entries, which are observed everywhere or not.
    pub fn bytes(k: usize, n: usize, entries: usize, loss: Loss, partial: bool) -> usize {
        let own = if loss.beta() == 1.0 || partial { entries.min(n) * k } else { 0 };
        (4 * n + own + k * k + packed(k) + 10 * k) * size_of::<f64>()
    }

    /// For rows that have at most so many entries, and are observed everywhere or not.
    pub fn new(c: &Components, entries: usize, partial: bool) -> Self {
        let (k, n) = (c.k, c.columns.len());
        let of = |len: usize| allocate::filled(len, 0.0);
        Self {
            v: allocate::room(n),
            ht: allocate::room(if c.drops_zeros() || partial { entries.min(n) * k } else { 0 }),
            observed: n,
            rest: of(k),
            w: of(k),
            p: of(n),
            steep: of(n),
            l1: of(k),
            l2: of(k),
            g: of(k),
            curvature: of(k),
            d: of(k),
            to: of(k),
            to_p: of(n),
            hessian: of(k * k),
            factor: of(packed(k)),
            part: of(k),
            passive: Vec::with_capacity(k),
            size: 0.0,
            whole: 0.0,
            least: 0.0,
        }
    }

    /// Takes a row of V by its entries: columns of H in ascending order, and numbers that are not 0.
    pub fn set(&mut self, c: &Components, entries: impl Iterator<Item = (usize, f64)>) {
        self.observed = c.columns.len();
        let Self { v, ht, rest, .. } = self;
        v.clear();
        ht.clear();
        rest.fill(0.0);
        let placed = entries.filter_map(|(j, x)| c.places[j].map(|at| (at as usize, x)));
        if !c.drops_zeros() {
            allocate::resize(v, c.columns.len(), 0.0);
            placed.for_each(|(at, x)| v[at] = x);
            return;
        }
        rest.copy_from_slice(&c.sums);
        for (at, x) in placed {
            let h = &c.ht[at * c.k..(at + 1) * c.k];
            v.push(x);
            ht.extend_from_slice(h);
            rest.iter_mut().zip(h).for_each(|(r, h)| *r -= h);
        }
        // where all columns have an entry, what is left is rounding
        let some = v.len() < c.columns.len();
        rest.iter_mut().for_each(|r| *r = if some { r.max(0.0) } else { 0.0 });
    }

    /// Takes a row by its observed entries, zeros with them: columns of H in ascending order.
    pub fn set_partial(&mut self, c: &Components, entries: impl Iterator<Item = (usize, f64)>) {
        let Self { v, ht, rest, observed, .. } = self;
        v.clear();
        ht.clear();
        rest.fill(0.0);
        *observed = 0;
        for (at, x) in entries.filter_map(|(j, x)| c.places[j].map(|at| (at as usize, x))) {
            let h = &c.ht[at * c.k..(at + 1) * c.k];
            *observed += 1;
            if x == 0.0 && c.drops_zeros() {
                rest.iter_mut().zip(h).for_each(|(r, h)| *r += h);
            } else {
                v.push(x);
                ht.extend_from_slice(h);
            }
        }
    }

    /// Divides v by a power of two that brings its largest entry into [1, 2), and returns its exponent.
    pub fn scale(&mut self) -> i32 {
        let exponent = exponent(self.v.iter().fold(0.0, |a: f64, &x| a.max(x)));
        self.v.iter_mut().for_each(|x| *x = times_power(*x, -exponent));
        exponent
    }

    /// The weights of a row that was divided by 2^e; what is left of the measure, and the number of steps.
    pub fn minimise(&mut self, c: &Components, e: i32, tol: f64) -> (f64, usize) {
        self.w.fill(0.0);
        if self.v.iter().all(|&v| v == 0.0) {
            return (0.0, 0);
        }
        for of_columns in [&mut self.p, &mut self.steep, &mut self.to_p] {
            allocate::resize(of_columns, self.v.len(), 0.0);
        }
        let e = f64::from(e);
        for (t, &b) in c.exponents.iter().enumerate() {
            let b = f64::from(b);
            let scaled = |x: f64, by: f64| if x == 0.0 { x } else { (x * by.exp2()).min(MOST) };
            self.l1[t] = scaled(c.weights.l1, e - b - e * c.beta);
            self.l2[t] = scaled(c.weights.l2, 2.0 * (e - b) - e * c.beta);
        }
        self.size = self.v.iter().filter(|&&v| v > 0.0).map(|&v| v.powf(c.beta)).sum();
        let mean = (self.size / self.observed as f64).powf(1.0 / c.beta);
        self.least = if (1.0..2.0).contains(&c.beta) { mean } else { 0.0 };
        self.start(c);
        let (mut lambda, mut least, mut blind) = (0.0, f64::INFINITY, 0);
        for steps in 0..STEPS {
            self.slopes(c);
            let residual = self.residual();
            if residual <= tol || residual.is_nan() || blind == BLIND {
                return (residual, steps);
            }
            if residual <= 0.5 * least {
                (least, blind) = (residual, 0);
            }
            lambda = self.direct(c, residual, lambda);
            match self.search(c) {
                Some((halvings, seen)) => {
                    blind += usize::from(!seen);
                    if halvings > 0 {
                        self.slopes(c);
                        self.multiply(c);
                    }
                    lambda = match halvings {
                        0 if lambda > 1e-14 => 0.1 * lambda,
                        0 => 0.0,
                        1..SHORT => lambda,
                        _ => f64::max(100.0 * lambda, DAMPING),
                    };
                }
                None => {
                    self.multiply(c);
                    blind += 1;
                    lambda = f64::max(100.0 * lambda, DAMPING);
                }
            }
        }
        self.slopes(c);
        (self.residual(), STEPS)
    }

    fn start(&mut self, c: &Components) {
        let Self { v, ht, rest, w, p, .. } = self;
        let lines = c.lines(ht);
        let live = |t: usize| lines.clone().any(|h| h[t] > 0.0);
        (0..c.k).for_each(|t| w[t] = if live(t) { 1.0 } else { 0.0 });
        product(lines.clone(), w, p);
        // the derivative of F along w vanishes at Σ v p^{β−1} / Σ p^β
        let with = |e: f64| {
            let of = |e: f64| p.iter().map(|&p| power(p, e)).sum::<f64>() + dot(rest, w);
            v.iter().zip(&*p).map(|(v, &p)| v * power(p, e)).sum::<f64>() / of(e + 1.0)
        };
        let best = with(c.beta - 1.0);
        let best = if best.is_finite() && best > 0.0 { best } else { with(0.0) };
        w.iter_mut().for_each(|w| *w *= best);
        product(lines, w, p);
        for _ in 0..UPDATES {
            self.slopes(c);
            self.multiply(c);
        }
    }

    /// g, the curvature and p^{β−2}, at w.
    fn slopes(&mut self, c: &Components) {
        let Self { v, ht, rest, w, p, steep, l1, l2, g, curvature, least, whole, .. } = self;
        *whole = dot(rest, w);
        for t in 0..c.k {
            g[t] = l1[t] + rest[t] + l2[t] * w[t];
            curvature[t] = l2[t];
        }
        for (j, h) in c.lines(ht).enumerate() {
            let at = p[j].max(TINY);
            steep[j] = power(at, c.beta - 2.0);
            let slope = steep[j] * (at - v[j]);
            *whole += at * slope.abs();
            add_scaled(g, slope, h);
            let steep = if at < *least { power(*least, c.beta - 2.0) } else { steep[j] };
            for (f, h) in curvature.iter_mut().zip(h) {
                *f += steep * h * h;
            }
        }
    }

    /// The coordinate's own step.
    fn own(&self, t: usize) -> f64 {
        if self.curvature[t] > 0.0 { (-self.g[t] / self.curvature[t]).max(-self.w[t]) } else { 0.0 }
    }

    fn residual(&self) -> f64 {
        let gain: f64 = (0..self.w.len()).map(|t| (self.g[t] * self.own(t)).abs()).sum();
        (gain / self.size).sqrt()
    }

    /// w ← w∘(Σ h v p^{β−2} / (Σ h p^{β−1} + l1 + l2·w))^γ, given the slopes at w.
    fn multiply(&mut self, c: &Components) {
        self.to.fill(0.0);
        for (j, h) in c.lines(&self.ht).enumerate() {
            add_scaled(&mut self.to, self.steep[j] * self.v[j], h);
        }
        for t in 0..c.k {
            let above = self.to[t];
            // the slope is the denominator less the numerator
            let below = self.g[t] + above;
            if self.w[t] > 0.0 && below > 0.0 {
                self.w[t] *= power(above / below, c.gamma);
            }
        }
        product(c.lines(&self.ht), &self.w, &mut self.p);
    }

    /// M, of the Hessian or of what stands for it.
    fn matrix(&mut self, c: &Components, exact: bool) {
        let (k, beta) = (c.k, c.beta);
        self.hessian.fill(0.0);
        let largest = self.p.iter().fold(0.0, |a: f64, &p| a.max(p));
        for (j, h) in c.lines(&self.ht).enumerate() {
            let (v, p) = (self.v[j], self.p[j].max(TINY));
            let weight = match exact {
                // where v = 0 it can be infinite at p = 0
                true if v == 0.0 => (beta - 1.0) * power(p.max(1e-12 * largest), beta - 2.0),
                true => self.steep[j] * ((beta - 1.0) + (2.0 - beta) * v / p),
                false => self.steep[j] * f64::max(1.0, (beta - 1.0) + (2.0 - beta) * v / p),
            };
            for t in (0..k).filter(|&t| h[t] > 0.0) {
                add_scaled(&mut self.hessian[t * k..=t * k + t], weight * h[t], &h[..=t]);
            }
        }
        for t in 0..k {
            self.hessian[t * k + t] += self.l2[t];
        }
    }

    /// The direction of the next step, damped by at least λ; the λ it took.
    fn direct(&mut self, c: &Components, residual: f64, mut lambda: f64) -> f64 {
        let k = c.k;
        let small = residual.min(1e-4) * self.size.sqrt();
        let mut exact = true;
        self.matrix(c, true);
        self.passive.clear();
        for t in 0..k {
            let (g, w) = (self.g[t], self.w[t]);
            let curvature = self.curvature[t].max(self.hessian[t * k + t]);
            let meets = g > 0.0 && w * curvature.sqrt() <= small;
            self.d[t] = if curvature > 0.0 { (-g / curvature).max(-w) } else { 0.0 };
            if curvature > 0.0 && !meets && (w > 0.0 || g < 0.0) {
                self.passive.push(t);
            }
        }
        let count = self.passive.len();
        loop {
            gather(&self.hessian, k, &self.passive, &mut self.factor);
            for (i, &t) in self.passive.iter().enumerate() {
                self.factor[packed(i) + i] += lambda * self.curvature[t];
            }
            if factorise(&mut self.factor, count, k as f64 * f64::EPSILON) {
                break;
            }
            if exact && !(1.0..=2.0).contains(&c.beta) {
                exact = false;
                self.matrix(c, false);
            } else if lambda < 1e3 {
                lambda = f64::max(10.0 * lambda, 10.0 * k as f64 * f64::EPSILON);
            } else {
                // numbers out of range: coordinate steps remain
                return lambda;
            }
        }
        let part = &mut self.part[..count];
        for (to, &t) in part.iter_mut().zip(&self.passive) {
            *to = -self.g[t];
        }
        solve(&self.factor, part);
        for (from, &t) in part.iter().zip(&self.passive) {
            self.d[t] = *from;
        }
        lambda
    }

    /// Takes the longest step that lowers F enough: the halvings it took, and whether F could tell.
    fn search(&mut self, c: &Components) -> Option<(usize, bool)> {
        let mut alpha = 1.0;
        for halvings in 0..HALVINGS {
            let (mut slope, mut fall, mut whole) = (0.0, 0.0, self.whole);
            for t in 0..c.k {
                let (w, to) = (self.w[t], (self.w[t] + alpha * self.d[t]).max(0.0));
                self.to[t] = to;
                slope += self.g[t] * (to - w);
                fall += (to - w) * (self.l1[t] + self.rest[t] + 0.5 * self.l2[t] * (to + w));
            }
            product(c.lines(&self.ht), &self.to, &mut self.to_p);
            for j in 0..self.v.len() {
                let (v, p, to) = (self.v[j], self.p[j], self.to_p[j]);
                let inside = v == 0.0 || c.beta >= 2.0 || to >= INSIDE * p.min(v);
                let (by, of) = if inside { change(c.beta, v, p, to) } else { (f64::INFINITY, 0.0) };
                fall += by;
                whole += of;
            }
            let enough = slope < 0.0 && fall <= SIGMA * slope;
            let rounding = ROUNDING * whole;
            if enough || (slope.abs() <= rounding && fall.abs() <= rounding) {
                std::mem::swap(&mut self.w, &mut self.to);
                std::mem::swap(&mut self.p, &mut self.to_p);
                return Some((halvings, enough));
            }
            alpha *= 0.5;
        }
        None
    }
}
