//! The loop where rows of V are observed at few places, or entries have weights: each row of either factor is a problem of its
//! own, from the lists of what is observed of it.
//!
//! ```text
//! for each row i of V, over its observed j                    and then for each column, likewise
//!     β = 2:  a = Σ ω v h_j,  G = Σ ω h_j h_jᵀ;  w ← rule(w; a, G)
//!     β = 1:  d = Σ ω h_j;  w ← Newton's steps on Σ ω (p − v·ln p)
//!     else:   N = Σ ω v p^(β−2) h_j,  D = Σ ω p^(β−1) h_j;  w ← rule(w; N, D)
//! F = Σ ω d(v | p)                                            in the second of the two
//! ```
//!
//! Rows of W stand beside those of V and rows of Hᵀ beside those of a transpose, whatever the layout of V. Nothing is summed over
//! rows: an iteration takes z·k(k + 1) flops for each factor under the Frobenius loss, with z observed entries, and some 10zk
//! under the others. What is not observed has no part in F, nor in an update: F falls as it does where all is.
//!
//! Kim & Choi, Weighted nonnegative matrix factorization, ICASSP 2009, doi:10.1109/ICASSP.2009.4959890.

use std::sync::Mutex;

use orthant_kernel::newton::{Figures as Steps, Subproblem as Shared};
use orthant_kernel::rows::{self, Least};
use orthant_kernel::{Buffer, Isa, Real, accumulator_stride, allocate, gram, newton, sparse};

use super::extrapolation::Schedule;
use super::lines::{Lines, plain_lines};
use super::pair::{Fixed, Pair};
use super::prepared::Prepared;
use super::sums::{Columns, RatioSums};
use super::visit::{Beside, HalfStep, Mode, Span, Walk, Worker};
use super::{Alternation, Figures, Layout};
use crate::known::{Bounds, Limits};
use crate::penalty::Weights;
use crate::reduce::Reducer;
use crate::rule::{Majorizer, Rule, Subproblem, bounded};
use crate::source::{Rows, Source, Sources, SparseRows};
use crate::state::State;
use crate::{Error, Loss};

/// How a row is solved.
pub(crate) enum Solver<T> {
    /// By a rule for the Frobenius loss that needs nothing beforehand, from its own Gram matrix.
    Squares(Box<dyn Rule<T>>),
    /// For Kullback–Leibler.
    Newton(Majorizer<T>),
    Majorize(Majorizer<T>),
}

/// What a worker computes with.
#[derive(Debug, Default)]
struct Work<T> {
    /// P at the entries of a block, and values in the place of V's.
    p: Vec<T>,
    values: Vec<T>,
    /// Numerators, and denominators.
    n: Buffer<T>,
    d: Buffer<T>,
    /// Rows of the other factor that a row meets, and their Gram matrix: padded, and compact.
    met: Vec<T>,
    gram: Buffer<T>,
    compact: Vec<T>,
    diagonal: Vec<T>,
    scratch: Vec<T>,
    tiles: Buffer<T>,
}

/// The half-step.
struct RowStep<'a, T: Real> {
    source: &'a dyn Source<T>,
    solver: &'a Solver<T>,
    loss: Loss,
    /// The other factor, and the elements from one row of it to the next.
    y: &'a [T],
    stride: usize,
    k: usize,
    isa: Isa,
    weights: Weights,
    /// Bounds of the rows, if they have any.
    limits: Option<&'a Limits<T>>,
    sweeps: usize,
    order: &'a [usize],
    least: Least<T>,
    /// Steps are measured, and not made.
    measures: bool,
    with_loss: bool,
}

impl<T: Real> RowStep<'_, T> {
    /// The rows of S, in `values` times f(v, p) times how much each counts, with P at hand if it is asked for.
    fn times<'v>(
        s: &SparseRows<'_, T>,
        p: Option<&[T]>,
        f: impl Fn(T, T) -> T,
        values: &'v mut Vec<T>,
    ) -> &'v [T] {
        values.clear();
        let p = |e: usize| p.map_or(T::ONE, |p| p[e]);
        let of = s.rows.values().iter().enumerate().map(|(e, &v)| f(v, p(e)));
        match s.weights {
            None => values.extend(of),
            Some(weights) => values.extend(of.zip(weights).map(|(x, &w)| x * w)),
        }
        values
    }

    /// Each row from its own Gram matrix.
    fn squares(
        &self,
        rule: &dyn Rule<T>,
        s: &SparseRows<'_, T>,
        x: &mut [T],
        bounds: Option<Bounds<'_, T>>,
        work: &mut Work<T>,
        sums: &mut RatioSums<T>,
    ) {
        let (k, stride, (l1, l2)) = (self.k, accumulator_stride::<T>(self.k), self.weights.elements());
        let Work { values, n: a, met, gram: padded, compact, diagonal, scratch, .. } = work;
        let values = Self::times(s, None, |v, _| v, values);
        let a = &mut a[..x.len()];
        sparse::numerators(self.isa, s.rows.with_values(values), self.y, k, a);
        let mut before = 0;
        for (i, (x, a)) in x.chunks_exact_mut(k).zip(a.chunks_exact(k)).enumerate() {
            let indices = s.rows.row(i).0;
            let weights = s.weights.map(|weights| &weights[before..before + indices.len()]);
            before += indices.len();
            met.clear();
            for (e, &j) in indices.iter().enumerate() {
                let y = &self.y[j as usize * self.stride..][..k];
                match weights {
                    None => met.extend_from_slice(y),
                    Some(weights) => {
                        let root = weights[e].sqrt();
                        met.extend(y.iter().map(|y| *y * root));
                    }
                }
            }
            padded.fill(T::ZERO);
            gram(self.isa, met, k, padded);
            for t in 0..k {
                for r in t..k {
                    (compact[t * k + r], compact[r * k + t]) =
                        (padded[t * stride + r], padded[t * stride + r]);
                }
                compact[t * k + t] += l2;
                diagonal[t] = compact[t * k + t];
            }
            let subproblem =
                Subproblem { gram: compact, diagonal, l1, order: self.order, sweeps: self.sweeps };
            let step = &mut sums.step;
            match bounds.map(|bounds| bounds.part(i * k..(i + 1) * k)) {
                None if self.measures => {
                    let d = &mut scratch[..k];
                    rows::products(self.isa, x, compact, k, d);
                    step.movement = rows::distance(self.isa, x, a, k, d, diagonal, l1, step.movement);
                }
                None => rule.update(x, a, k, &subproblem, scratch, step),
                Some(bounds) if self.measures => {
                    step.movement = bounded::distance(x, a, k, &subproblem, bounds, scratch, step.movement);
                }
                Some(bounds) => rule.update_within(x, a, k, &subproblem, bounds, scratch, step),
            }
        }
    }

    /// Each row by Newton's steps with its own Σ ω h.
    fn newton(
        &self,
        rule: &Majorizer<T>,
        s: &SparseRows<'_, T>,
        x: &mut [T],
        bounds: Option<Bounds<'_, T>>,
        work: &mut Work<T>,
        sums: &mut RatioSums<T>,
    ) {
        let (k, (l1, l2)) = (self.k, self.weights.elements());
        let Work { values, d, tiles, .. } = work;
        let d = &mut d[..x.len()];
        sparse::numerators(
            self.isa,
            s.rows.with_values(Self::times(s, None, |_, _| T::ONE, values)),
            self.y,
            k,
            d,
        );
        let weighted = s.rows.with_values(Self::times(s, None, |v, _| v, values));
        for (i, (x, columns)) in x.chunks_exact_mut(k).zip(d.chunks_exact(k)).enumerate() {
            let bounds = bounds.map(|bounds| bounds.part(i * k..(i + 1) * k)).map(|b| (b.lower, b.upper));
            let shared = Shared { columns, l1, l2, sweeps: self.sweeps, floor: rule.beta.floor(), bounds };
            let steps = Steps { movement: &mut sums.step.movement, divergence: None };
            newton::sparse(self.isa, shared, weighted.rows(i..i + 1), self.y, x, tiles, steps);
        }
    }

    /// All rows by the majoriser's minimum.
    fn majorize(
        &self,
        rule: &Majorizer<T>,
        s: &SparseRows<'_, T>,
        x: &mut [T],
        bounds: Option<Bounds<'_, T>>,
        work: &mut Work<T>,
        sums: &mut RatioSums<T>,
    ) {
        let (k, (l1, l2), floor) = (self.k, self.weights.elements(), rule.beta.floor());
        let Work { p, values, n, d, .. } = work;
        let (n, d) = (&mut n[..x.len()], &mut d[..x.len()]);
        allocate::resize(p, s.rows.nnz(), T::ZERO);
        sparse::at_entries(self.isa, s.rows, x, self.y, k, p);
        p.iter_mut().for_each(|p| *p = p.max(floor));
        let power = |p: T, e: f64| match e {
            0.0 => T::ONE,
            1.0 => p,
            -1.0 => T::ONE / p,
            -2.0 => T::ONE / (p * p),
            e => T::from_f64(p.to_f64().powf(e)),
        };
        let beta = self.loss.beta();
        let ratios = Self::times(s, Some(p), |v, p| v * power(p, beta - 2.0), values);
        sparse::numerators(self.isa, s.rows.with_values(ratios), self.y, k, n);
        let powers = Self::times(s, Some(p), |_, p| power(p, beta - 1.0), values);
        sparse::numerators(self.isa, s.rows.with_values(powers), self.y, k, d);
        let majorant = rule.majorant(l2, true);
        let moved = &mut sums.step.movement;
        let before = bounds.map(|bounds| bounded::slopes(x, (n, k), (d, k), k, (l1, l2), bounds, *moved));
        *moved =
            rows::majorize(self.isa, x, n, k, d, k, k, (l1, l2), majorant, rule.floor, self.least, *moved);
        if let Some((bounds, before)) = bounds.zip(before) {
            bounds.hold(x);
            *moved = before;
        }
    }
}

impl<T: Real> HalfStep<T> for RowStep<'_, T> {
    type Work = Work<T>;
    type Sums = RatioSums<T>;

    fn source(&self) -> Option<&dyn Source<T>> {
        Some(self.source)
    }

    fn opposite(&self) -> (&[T], T) {
        (self.y, T::ZERO)
    }

    fn sums_rows(&self) -> bool {
        self.with_loss
    }

    fn limits(&self) -> Option<&Limits<T>> {
        self.limits
    }

    fn moves(
        &self,
        at: &Span,
        s: Option<&mut Rows<'_, T>>,
        x: &mut [T],
        work: &mut Work<T>,
        sums: &mut RatioSums<T>,
    ) {
        let Some(Rows::Sparse(s)) = s else { unreachable!("lists are sparse") };
        let bounds = self.limits.map(|limits| limits.rows(&at.rows));
        match self.solver {
            Solver::Squares(rule) => self.squares(&**rule, s, x, bounds, work, sums),
            Solver::Newton(rule) => self.newton(rule, s, x, bounds, work, sums),
            Solver::Majorize(rule) => self.majorize(rule, s, x, bounds, work, sums),
        }
    }

    fn sums(
        &self,
        _: &Span,
        s: Option<&mut Rows<'_, T>>,
        x: &Lines<'_, T>,
        work: &mut Work<T>,
        sums: &mut RatioSums<T>,
    ) {
        if let (Some(Rows::Sparse(s)), true) = (s, self.with_loss) {
            let p = &mut work.p;
            allocate::resize(p, s.rows.nnz(), T::ZERO);
            sparse::at_entries(self.isa, s.rows, x.x, self.y, self.k, p);
            let weight = |e: usize| s.weights.map_or(1.0, |weights| weights[e].to_f64());
            let all = s.rows.values().iter().zip(&*p).enumerate();
            sums.loss += all.map(|(e, (v, p))| weight(e) * self.loss.of(v.to_f64(), p.to_f64())).sum::<f64>();
        }
        sums.rows_done(x, self.weights);
    }
}

/// A factorisation under way: V ≈ W·H where it is observed.
pub(crate) struct Rowwise<'a, T: Real> {
    /// The rows of V, and its columns, unless H does not change.
    source: Sources<'a, T>,
    solver: Solver<T>,
    loss_function: Loss,
    k: usize,
    isa: Isa,
    /// Σ ω·v^β.
    size: f64,
    /// W and Hᵀ.
    pair: Pair<T>,
    columns: [Columns<T>; 2],
    loss: Option<f64>,
    /// Y as rows of V read it, and X as columns do.
    y: Prepared<T>,
    x: Prepared<T>,
    inner: Walk,
    outer: Walk,
    order: Vec<usize>,
    of_inner: Reducer<RatioSums<T>>,
    of_outer: Reducer<RatioSums<T>>,
    memory: Vec<Mutex<Worker<T, Work<T>>>>,
}

/// Rows that are solved together.
pub(super) const BLOCK: usize = 64;

impl<'a, T: Real> Rowwise<'a, T> {
    /// `size` is Σ ω·v^β; the pair has W as the inner factor.
    pub fn new(
        source: Sources<'a, T>,
        solver: Solver<T>,
        loss_function: Loss,
        k: usize,
        layout: Layout,
        size: f64,
        pair: Pair<T>,
    ) -> Self {
        let Layout { workers, halt, .. } = layout;
        let Sources { rows: s, transpose } = source;
        let isa = Isa::detect();
        debug_assert!(!pair.by_columns, "rows of W stand beside those of V");
        debug_assert!(transpose.is_some() || pair.fixed == Fixed::Outer, "rows of H need the transpose");
        let of = |beside, s: &dyn Source<T>| {
            let extent = s.extent();
            Walk::new(beside, s.lanes(), BLOCK.min(extent.rows).max(1), k, &halt)
        };
        let inner = of(Beside::Rows, s);
        let outer = of(Beside::Columns, transpose.unwrap_or(s));
        let rule = match &solver {
            Solver::Squares(rule) => rule.scratch_len(1, k).max(k),
            _ => 0,
        };
        let newton_len = match solver {
            Solver::Newton(_) => {
                s.extent().newton_len(k).max(transpose.map_or(0, |s| s.extent().newton_len(k)))
            }
            _ => 0,
        };
        let worker = || {
            Mutex::new(Worker {
                rows: s.memory(BLOCK),
                transposed: transpose.map(|s| s.memory(BLOCK)),
                work: Work {
                    n: Buffer::zeros(BLOCK * k),
                    d: Buffer::zeros(BLOCK * k),
                    gram: Buffer::zeros(k * accumulator_stride::<T>(k)),
                    compact: allocate::filled(k * k, T::ZERO),
                    diagonal: vec![T::ZERO; k],
                    scratch: allocate::filled(rule, T::ZERO),
                    tiles: Buffer::zeros(newton_len),
                    ..Work::default()
                },
            })
        };
        let reducer = |walk: &Walk| {
            Reducer::new(walk.lanes.count(), workers, || RatioSums::new(0, k, false, Default::default()))
        };
        Self {
            source,
            solver,
            loss_function,
            k,
            isa,
            size,
            columns: [Columns::of(&pair.inner.x, k), Columns::of(&pair.outer.x, k)],
            loss: None,
            y: Prepared::strided(&s.extent(), k),
            x: transpose.map_or_else(|| Prepared::as_it_is(k), |s| Prepared::strided(&s.extent(), k)),
            of_inner: reducer(&inner),
            of_outer: reducer(&outer),
            inner,
            outer,
            order: (0..k).collect(),
            pair,
            memory: std::iter::repeat_with(worker).take(workers).collect(),
        }
    }

    /// Extrapolating both factors.
    #[must_use]
    pub fn extrapolated(mut self, schedule: Schedule) -> Self {
        let k = self.k;
        self.pair.extrapolate(schedule, k, [T::ZERO; 2]);
        self.of_outer.each(|sums| sums.operand_columns = vec![0.0; k]);
        self
    }

    /// Begins an iteration, if one has been judged since.
    fn begin_iteration(&mut self) {
        if self.pair.begin_iteration() == Some(false) {
            self.forget();
        }
    }

    /// Forgets what is known of the factors but themselves.
    fn forget(&mut self) {
        self.columns[0].take_rows(self.pair.inner.operand());
        self.columns[1].take_rows(self.pair.outer.operand());
        self.loss = None;
    }

    fn is_quadratic(&self) -> bool {
        self.loss_function.is_quadratic()
    }

    /// The rows of W, or of Hᵀ if `of_h`.
    fn walk(&mut self, of_h: bool, mode: Mode, with_loss: bool) -> Result<(), Error> {
        let (k, isa, source) = (self.k, self.isa, self.source);
        let Pair { inner, outer, .. } = &mut self.pair;
        let (walk, reducer) =
            if of_h { (&self.outer, &mut self.of_outer) } else { (&self.inner, &mut self.of_inner) };
        let (factor, other, prepared) =
            if of_h { (outer, &*inner, &mut self.x) } else { (inner, &*outer, &mut self.y) };
        if mode == Mode::Update {
            factor.meet(self.columns[usize::from(!of_h)].sizes());
        }
        prepared.copy(other);
        let source = if of_h { source.transpose.expect("H changes") } else { source.rows };
        let y = prepared.of(other).y;
        let (least, sweeps) = match &self.solver {
            Solver::Majorize(rule) => (rule.least(of_h), 1),
            _ if mode == Mode::Update => (Least::NONE, factor.sweeps),
            _ => (Least::NONE, 1),
        };
        let (weights, limits) = (factor.weights, factor.limits.clone());
        let lines = factor.lines(mode, k, &walk.lanes);
        let step = RowStep {
            source,
            solver: &self.solver,
            loss: self.loss_function,
            y,
            stride: y.len() / source.extent().cols,
            k,
            isa,
            weights,
            limits: limits.as_deref(),
            sweeps,
            order: &self.order,
            least,
            measures: mode == Mode::Measure,
            with_loss,
        };
        let sums = walk.visit(&lines, mode, &step, reducer, &self.memory)?;
        drop(lines);
        self.columns[usize::from(of_h)].take(&sums, mode == Mode::Update);
        let factor = if of_h { &mut self.pair.outer } else { &mut self.pair.inner };
        if mode == Mode::Measure {
            factor.step = sums.step;
        } else {
            sums.keep_in(factor);
        }
        self.loss = with_loss.then_some(sums.loss);
        let reducer = if of_h { &mut self.of_outer } else { &mut self.of_inner };
        reducer.give_back(sums);
        Ok(())
    }
}

impl<T: Real> State for Rowwise<'_, T> {
    fn save(&self, to: &mut Vec<u8>) {
        self.pair.save(to);
        self.columns.iter().for_each(|columns| columns.save(to));
        self.loss.save(to);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        self.pair.restore(from)?;
        self.columns.iter_mut().try_for_each(|columns| columns.restore(from))?;
        self.loss.restore(from)
    }
}

impl<T: Real> Alternation<T> for Rowwise<'_, T> {
    fn pair(&self) -> &Pair<T> {
        &self.pair
    }

    fn pair_mut(&mut self) -> &mut Pair<T> {
        &mut self.pair
    }

    fn sweep_inner(&mut self, update: bool) -> Result<(), Error> {
        self.begin_iteration();
        let last = self.pair.fixed == Fixed::Outer;
        if update { self.walk(false, Mode::Update, last) } else { Ok(()) }
    }

    fn sweep_outer(&mut self, update: bool) -> Result<(), Error> {
        self.begin_iteration();
        if update { self.walk(true, Mode::Update, true) } else { Ok(()) }
    }

    fn loss(&mut self) -> Result<f64, Error> {
        self.exact_loss()
    }

    fn exact_loss(&mut self) -> Result<f64, Error> {
        if let Some(loss) = self.loss {
            return Ok(loss);
        }
        // the rows of the last update, whatever an extrapolation has made of them
        let k = self.k;
        self.y.copy(&self.pair.outer);
        let source = self.source.rows;
        let y = self.y.of(&self.pair.outer).y;
        let step = RowStep {
            source,
            solver: &self.solver,
            loss: self.loss_function,
            y,
            stride: y.len() / source.extent().cols,
            k,
            isa: self.isa,
            weights: self.pair.inner.weights,
            limits: None,
            sweeps: 1,
            order: &self.order,
            least: Least::NONE,
            measures: true,
            with_loss: true,
        };
        let lines = plain_lines(&mut self.pair.inner.x, k, &self.inner.lanes);
        let sums = self.inner.visit(&lines, Mode::Sum, &step, &mut self.of_inner, &self.memory)?;
        drop(lines);
        let loss = sums.loss;
        self.of_inner.give_back(sums);
        self.loss = Some(loss);
        Ok(loss)
    }

    fn rounding(&self, loss: f64) -> f64 {
        if !self.is_quadratic() {
            return super::ratio::rounding::<T>(self.size);
        }
        let entries = T::EPSILON.to_f64() * (self.k as f64 * self.size).sqrt();
        entries * (2.0 * loss).sqrt() + entries * entries
    }

    fn step(&self) -> f64 {
        let moved = self.pair.movement() / self.size;
        if self.is_quadratic() { moved.sqrt() } else { moved }
    }

    fn finish(&mut self) -> Result<Figures, Error> {
        if self.pair.finish().is_some() {
            self.of_outer.each(|sums| sums.operand_columns = Vec::new());
            self.forget();
        }
        let fixed = self.pair.fixed;
        self.walk(false, Mode::Measure, true)?;
        let loss = self.loss.expect("the walk made it");
        let mut moved = self.pair.inner.step.movement;
        if fixed != Fixed::Outer {
            self.walk(true, Mode::Measure, false)?;
            moved += self.pair.outer.step.movement;
        }
        let remaining = moved / self.size;
        Ok(Figures { loss, remaining: if self.is_quadratic() { remaining.sqrt() } else { remaining } })
    }

    /// Lists are in memory, and one rank has all of them.
    fn gather(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn into_pair(self) -> Pair<T> {
        self.pair
    }
}
