//! The loop: one pass over V an iteration.
//!
//! ```text
//! for each lane, for each row block S_b               S = V by rows, or Vᵀ by columns
//!     A_b  = S_b Y                                    numerators
//!     X_b ← rule(X_b; A_b, YᵀY)                       each row on its own
//!     B   += S_bᵀ X_b ;  G += X_bᵀ X_b                while S_b is in cache
//! reduce (B, G)                                       lanes, in a fixed tree
//! Y ← rule(Y; B, G)                                   rows of Y, side by side
//! ½‖S − XYᵀ‖² = ½(‖S‖² − 2⟨B,Y⟩ + ⟨G,YᵀY⟩)            at (X, new Y)
//! ```
//!
//! By rows X = W and Y = Hᵀ, and an iteration is a pass and then the update of Y. By columns X = Hᵀ and Y = W: one
//! half pass for (B, G) of the starting H comes first, and an iteration is the update of Y and then a pass. Either
//! way the sequence is W₁, H₁, W₂, H₂, …
//!
//! With [`extrapolation`](crate::extrapolation) the same loops work on [`Lines`]: rows with their copies. The factor
//! that is updated second is then seen ahead of where the objective is taken. By columns that is the inner one, and a
//! restart costs a half pass for its sums.
//!
//! Nothing is allocated inside an iteration.

use std::sync::{Mutex, PoisonError};

use orthant_kernel::rows::Step;
use orthant_kernel::{Buffer, Isa, Real, accumulator_stride, gram, scan};

use crate::alternation::{Alternation, Figures, Fixed};
use crate::extrapolation::{Lines, Schedule, Trail, Turn, split_lines};
use crate::factor::Factor;
use crate::init::Generator;
use crate::penalty::Weights;
use crate::reduce::{Reducer, lane, split};
use crate::rule::{Half, Rule};
use crate::source::{Block, Source};
use figures::Residual;

mod figures;
#[cfg(test)]
mod tests;

/// The loss in Gram form is not trusted below this many ε·‖S‖²: the residual itself is taken instead.
const CANCELLED: f64 = 256.0;

/// How a pass is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub lanes: usize,
    pub block: usize,
    pub workers: usize,
}

/// What a lane adds up.
#[derive(Debug)]
struct Sums<T> {
    /// SᵀX, cols×stride.
    b: Buffer<T>,
    /// XᵀX, k×stride.
    g: Buffer<T>,
    /// The same of the rows that the other factor sees, where these are others.
    ahead: Buffer<T>,
    sum: f64,
    /// ⟨SY, X⟩, where the sums do not tell it.
    cross: f64,
    step: Step,
}

impl<T: Real> Sums<T> {
    fn new(cols: usize, k: usize) -> Self {
        let stride = accumulator_stride::<T>(k);
        Self {
            b: Buffer::zeros(cols * stride),
            g: Buffer::zeros(k * stride),
            ahead: Buffer::default(),
            sum: 0.0,
            cross: 0.0,
            step: Step::default(),
        }
    }

    fn clear(&mut self) {
        self.b.fill(T::ZERO);
        self.g.fill(T::ZERO);
        self.ahead.fill(T::ZERO);
        self.sum = 0.0;
        self.cross = 0.0;
        self.step = Step::default();
    }

    fn add(&mut self, other: &Self) {
        for (x, y) in self.b.iter_mut().zip(&other.b) {
            *x += *y;
        }
        for (x, y) in self.g.iter_mut().zip(&other.g) {
            *x += *y;
        }
        for (x, y) in self.ahead.iter_mut().zip(&other.ahead) {
            *x += *y;
        }
        self.sum += other.sum;
        self.cross += other.cross;
        self.step.merge(other.step);
    }
}

#[derive(Debug)]
struct Scratch<T> {
    block: Vec<T>,
    a: Buffer<T>,
    rule: Vec<T>,
    residual: Vec<T>,
}

/// The other factor's Gram matrix as an update wants it.
#[derive(Debug)]
struct Coupling<T> {
    gram: Vec<T>,
    diagonal: Vec<T>,
    order: Vec<usize>,
}

impl<T: Real> Coupling<T> {
    fn new(k: usize) -> Self {
        Self { gram: vec![T::ZERO; k * k], diagonal: vec![T::ZERO; k], order: (0..k).collect() }
    }

    /// For the update of `of` against the factor with this Gram matrix.
    fn half<'a>(&'a mut self, gram: &[T], of: &Factor<T>) -> Half<'a, T> {
        let k = self.diagonal.len();
        let (l1, l2) = of.weights.elements();
        self.gram.copy_from_slice(gram);
        for t in 0..k {
            self.gram[t * k + t] += l2;
            self.diagonal[t] = self.gram[t * k + t];
        }
        let Self { gram, diagonal, order } = self;
        Half { gram, diagonal, l1, l2, order, sweeps: of.sweeps }
    }
}

/// A factorisation under way: S ≈ X·Yᵀ.
pub(crate) struct Pass<'a, T, S> {
    source: &'a S,
    rule: Box<dyn Rule<T>>,
    k: usize,
    isa: Isa,
    layout: Layout,
    /// ‖S‖².
    squares: f64,
    inner: Factor<T>,
    outer: Factor<T>,
    fixed: Fixed,
    /// S·Y, rows×k, kept from the first pass on where Y does not change.
    kept: Vec<T>,
    /// Where the order of the coordinates comes from, if it is drawn.
    shuffle: Option<Generator>,
    /// How the factors are extrapolated, if they are, and whether the last iteration was accepted.
    schedule: Option<Schedule>,
    verdict: Option<bool>,
    /// The last loss is from the residual itself.
    exact: bool,
    /// Y as blocks are multiplied with it, where that is not Y itself.
    entered: Buffer<T>,
    /// B and G of the last pass, and what it was reduced with.
    sums: Option<Sums<T>>,
    reducer: Reducer<Sums<T>>,
    side: Reducer<Sums<T>>,
    figures: Reducer<Residual>,
    side_lanes: usize,
    coupling: Coupling<T>,
    scratch: Vec<Mutex<Scratch<T>>>,
}

/// Lanes of the update at the reduce: by 64 rows or more, whatever else.
pub(crate) fn side_lanes(rows: usize) -> usize {
    let count = 1 << (rows / 64).clamp(1, crate::reduce::MAX_LANES).ilog2();
    crate::reduce::short(rows).max(count)
}

impl<'a, T: Real, S: Source<T>> Pass<'a, T, S> {
    /// `squares` is ‖S‖².
    pub fn new(
        source: &'a S,
        rule: Box<dyn Rule<T>>,
        k: usize,
        layout: Layout,
        squares: f64,
        (inner, outer): (Factor<T>, Factor<T>),
    ) -> Self {
        let Layout { lanes, block, workers } = layout;
        let (rows, cols) = (source.rows(), source.cols());
        let side = side_lanes(cols);
        let block = block.min(rows);
        let side_rows = cols.div_ceil(side);
        let spare = rule.scratch_len(block.max(side_rows), k).max(block * k);
        let entered = if source.enters() { source.width() } else { 0 };
        let numerators = if source.enters() { block.max(side_rows) } else { block };
        let scratch = || {
            Mutex::new(Scratch {
                block: vec![T::ZERO; source.scratch_len(block)],
                a: Buffer::zeros(numerators * k),
                rule: vec![T::ZERO; spare],
                residual: vec![T::ZERO; scan::residual_scratch_len(k)],
            })
        };
        Self {
            source,
            rule,
            k,
            isa: Isa::detect(),
            layout: Layout { block, ..layout },
            squares,
            inner,
            outer,
            fixed: Fixed::Neither,
            kept: Vec::new(),
            shuffle: None,
            schedule: None,
            verdict: None,
            exact: false,
            entered: Buffer::zeros(entered * k),
            sums: None,
            reducer: Reducer::new(lanes, workers, || Sums::new(source.width(), k)),
            side: Reducer::new(side, workers, || Sums::new(entered, k)),
            figures: Reducer::new(lanes, workers, Residual::default),
            side_lanes: side,
            coupling: Coupling::new(k),
            scratch: std::iter::repeat_with(scratch).take(workers).collect(),
        }
    }

    /// With a factor that does not change.
    #[must_use]
    pub fn fixed(self, fixed: Fixed) -> Self {
        Self { fixed, ..self }
    }

    /// Taking the coordinates in an order drawn for each update.
    #[must_use]
    pub fn shuffled(self, generator: Option<Generator>) -> Self {
        // from here on one stream, also of a seed, which begins it anew
        let own = |mut g: Generator| Generator::State(g.with(|stream| stream.clone()));
        Self { shuffle: generator.map(own), ..self }
    }

    /// Extrapolating both factors; W is the outer one `by_columns`.
    #[must_use]
    pub fn extrapolated(mut self, schedule: Schedule, by_columns: bool) -> Self {
        let k = self.k;
        let turns = if by_columns { (Turn::Second, Turn::First) } else { (Turn::First, Turn::Second) };
        self.inner.trail = Some(Trail::new(turns.0, &self.inner.x, k, schedule.beta));
        self.outer.trail = Some(Trail::new(turns.1, &self.outer.x, k, schedule.beta));
        let ahead = k * accumulator_stride::<T>(k);
        let second = if by_columns { &mut self.reducer } else { &mut self.side };
        second.each(|sums| sums.ahead = Buffer::zeros(ahead));
        self.schedule = Some(schedule);
        self
    }

    /// Gives the copies of both factors their roles for the next iteration, if one has been judged since. By columns
    /// a restart takes the sums of the best pair, which no pass has made.
    fn settle(&mut self) {
        let Some(accepted) = self.verdict.take() else { return };
        let beta = self.schedule.map_or(0.0, |schedule| schedule.beta);
        self.inner.settle(accepted, beta);
        self.outer.settle(accepted, beta);
        if !accepted && self.inner.has_turn(Turn::Second) {
            self.pass(false);
        } else if !accepted && self.source.enters() {
            self.at_the_reduce(false);
        }
    }

    /// The next update's order.
    fn draw_order(&mut self) {
        if let Some(generator) = &mut self.shuffle {
            generator.with(|stream| stream.permute(&mut self.coupling.order));
        }
    }

    /// One pass over S: X updated from Y (if `update`), then B and G from X.
    fn pass(&mut self, update: bool) {
        if let Some(sums) = self.sums.take() {
            self.reducer.give_back(sums);
        }
        if update {
            self.draw_order();
        }
        let (k, isa, layout) = (self.k, self.isa, self.layout);
        let half = self.coupling.half(self.outer.seen_gram(), &self.inner);
        if update {
            self.rule.prepare(&half);
        }
        let crossing = update && self.inner.has_turn(Turn::Second);
        let fixed = self.fixed == Fixed::Outer;
        let known = !self.kept.is_empty();
        if fixed && !known {
            self.kept = vec![T::ZERO; self.inner.x.len()];
        }
        let kept = split(&mut self.kept, k, layout.lanes);
        let (source, rule, scratch) = (self.source, &*self.rule, &self.scratch);
        let y = if self.entered.is_empty() { self.outer.seen() } else { &self.entered };
        let weights = self.inner.weights;
        let slots = split_lines(&mut self.inner.x, self.inner.trail.as_mut(), k, layout.lanes);
        let mut sums = self.reducer.run(
            |l, worker, out| {
                out.clear();
                let mut lines = slots[l].lock().unwrap_or_else(PoisonError::into_inner);
                let mut kept = kept[l].lock().unwrap_or_else(PoisonError::into_inner);
                let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let Scratch { block, a, rule: spare, .. } = &mut *scratch;
                let range = lane(source.rows(), layout.lanes, l);
                for at in range.clone().step_by(layout.block) {
                    let rows = at..range.end.min(at + layout.block);
                    let elements = (at - range.start) * k..(rows.end - range.start) * k;
                    let mut x = lines.part(elements.clone());
                    if fixed {
                        let a = &mut kept[elements];
                        if !known {
                            source.block(rows, block).numerators(y, k, a);
                        }
                        if update {
                            rule.update(x.x, a, k, &half, spare, &mut out.step);
                        }
                        out.cross = scan::inner_product(isa, a, k, x.x, k, out.cross);
                    } else {
                        let a = &mut a[..rows.len() * k];
                        let s = source.block(rows, block);
                        if update {
                            x.begin();
                            s.numerators(y, k, a);
                            rule.update(x.x, a, k, &half, spare, &mut out.step);
                            if crossing {
                                out.cross = scan::inner_product(isa, a, k, x.x, k, out.cross);
                            }
                            x.end();
                        }
                        s.accumulate(x.seen(update), k, &mut out.b);
                    }
                    rows_done(isa, &x, update, k, weights, out);
                }
            },
            Sums::add,
        );
        self.inner.take(&sums, k, update);
        source.gather(&mut sums.b, k);
        self.sums = Some(sums);
    }

    /// The update of Y from B and G (if `update`), and its Gram matrix.
    fn at_the_reduce(&mut self, update: bool) {
        if update {
            self.draw_order();
        }
        let (k, isa, lanes) = (self.k, self.isa, self.side_lanes);
        let half = self.coupling.half(self.inner.seen_gram(), &self.outer);
        if update {
            self.rule.prepare(&half);
        }
        let (source, rule, scratch) = (self.source, &*self.rule, &self.scratch);
        let b = self.sums.as_ref().map_or(&[][..], |s| &s.b[..]);
        let weights = self.outer.weights;
        let rows = self.outer.x.len() / k;
        let slots = split_lines(&mut self.outer.x, self.outer.trail.as_mut(), k, lanes);
        let mut sums = self.side.run(
            |l, worker, out| {
                out.clear();
                let mut y = slots[l].lock().unwrap_or_else(PoisonError::into_inner);
                let range = lane(rows, lanes, l);
                if update {
                    let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                    let Scratch { a, rule: spare, .. } = &mut *scratch;
                    y.begin();
                    let (b, stride) = source.leave(range.clone(), b, k, a);
                    rule.update(y.x, b, stride, &half, spare, &mut out.step);
                    y.end();
                }
                source.enter(range, y.seen(update), k, &mut out.b);
                rows_done(isa, &y, update, k, weights, out);
            },
            Sums::add,
        );
        self.outer.take(&sums, k, update);
        if !self.entered.is_empty() {
            source.gather(&mut sums.b, k);
            let len = self.entered.len();
            self.entered.copy_from_slice(&sums.b[..len]);
        }
        self.side.give_back(sums);
    }

    /// ½‖S − XYᵀ‖², from the sums of the last pass and ‖S‖².
    fn gram_loss(&mut self) -> f64 {
        let squares = self.squares;
        let quadratic: f64 =
            self.inner.gram.iter().zip(&self.outer.gram).map(|(a, b)| a.to_f64() * b.to_f64()).sum();
        if self.fixed == Fixed::Outer || self.inner.has_turn(Turn::Second) {
            let cross = self.sums.as_ref().expect("a pass came before").cross;
            return 0.5 * (squares - 2.0 * cross + quadratic);
        }
        let (k, isa, lanes) = (self.k, self.isa, self.side_lanes);
        let (source, scratch) = (self.source, &self.scratch);
        let b = &self.sums.as_ref().expect("a pass came before").b[..];
        let y = &self.outer.x[..];
        let rows = y.len() / k;
        let sums = self.side.run(
            |l, worker, out| {
                let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let r = lane(rows, lanes, l);
                let (b, stride) = source.leave(r.clone(), b, k, &mut scratch.a);
                out.sum = scan::inner_product(isa, b, stride, &y[r.start * k..r.end * k], k, 0.0);
            },
            |a, b| a.sum += b.sum,
        );
        let cross = sums.sum;
        self.side.give_back(sums);
        0.5 * (squares - 2.0 * cross + quadratic)
    }
}

impl<T: Real, S: Source<T>> Alternation<T> for Pass<'_, T, S> {
    fn sweep_inner(&mut self, update: bool) {
        self.settle();
        self.pass(update);
    }

    fn sweep_outer(&mut self, update: bool) {
        self.settle();
        self.at_the_reduce(update);
    }

    fn sums_last(&self) -> bool {
        true
    }

    fn inner(&self) -> &Factor<T> {
        &self.inner
    }

    fn outer(&self) -> &Factor<T> {
        &self.outer
    }

    fn loss(&mut self) -> f64 {
        let loss = self.gram_loss();
        self.exact = loss < CANCELLED * T::EPSILON.to_f64() * self.squares;
        if self.exact { self.exact_loss() } else { loss }
    }

    fn judge(&mut self, loss: f64, objective: f64) -> bool {
        let rounding = self.rounding(loss);
        let Some(schedule) = &mut self.schedule else { return true };
        let accepted = schedule.judge(objective, rounding);
        self.verdict = Some(accepted);
        accepted
    }

    fn is_stuck(&self) -> bool {
        self.schedule.is_some_and(|schedule| schedule.is_stuck())
    }

    fn exact_loss(&mut self) -> f64 {
        0.5 * self.measure(false).squares
    }

    fn step(&self) -> f64 {
        ((self.inner.step.movement + self.outer.step.movement) / self.squares).sqrt()
    }

    fn finish(&mut self) -> Figures {
        self.retire();
        if self.fixed != Fixed::Outer {
            self.clear_empty();
        }
        let residual = self.measure(self.fixed != Fixed::Inner);
        let outer = if self.fixed == Fixed::Outer { 0.0 } else { self.outer_movement() };
        let remaining = ((residual.movement + outer) / self.squares).sqrt();
        Figures { loss: 0.5 * residual.squares, remaining }
    }

    fn regularized(&self) -> usize {
        self.rule.regularized()
    }

    fn into_factors(self) -> (Vec<T>, Vec<T>) {
        (self.inner.x.into(), self.outer.x.into())
    }
}

impl<T: Real> Factor<T> {
    fn take(&mut self, sums: &Sums<T>, k: usize, updated: bool) {
        let stride = accumulator_stride::<T>(k);
        // the sums are of one triangle; the factor that is updated first keeps one Gram matrix only
        let copy = |to: &mut [T], from: &[T]| {
            for t in 0..if to.is_empty() { 0 } else { k } {
                for r in t..k {
                    to[t * k + r] = from[t * stride + r];
                    to[r * k + t] = from[t * stride + r];
                }
            }
        };
        copy(&mut self.gram, &sums.g);
        if let Some(trail) = &mut self.trail {
            if updated {
                copy(&mut trail.point_gram, &sums.ahead);
            } else {
                copy(&mut trail.accepted_gram, &sums.g);
            }
        }
        self.sum = sums.sum;
        self.squares =
            if self.weights.l2 > 0.0 { (0..k).map(|t| self.gram[t * k + t].to_f64()).sum() } else { 0.0 };
        self.step = sums.step;
    }
}

/// Adds finished rows to the Gram matrices and, if asked, to Σ|x|.
fn rows_done<T: Real>(
    isa: Isa,
    lines: &Lines<'_, T>,
    updated: bool,
    k: usize,
    weights: Weights,
    out: &mut Sums<T>,
) {
    let x = lines.current(updated);
    gram(isa, x, k, &mut out.g);
    if lines.looks_ahead(updated) {
        gram(isa, lines.seen(updated), k, &mut out.ahead);
    }
    if weights.l1 > 0.0 {
        for row in x.chunks_exact(k) {
            out.sum += row.iter().map(|x| x.to_f64()).sum::<f64>();
        }
    }
}
