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
//! Where the transpose is kept beside S (a [twin](Source::twin)), B is not summed: its rows are Sᵀ's numerators, taken where
//! the update of Y wants them.
//!
//! With [`extrapolation`](crate::extrapolation) the same loops work on [`Lines`]: rows with their copies. The factor
//! that is updated second is then seen ahead of where the objective is taken. By columns that is the inner one, and a
//! restart costs a half pass for its sums.
//!
//! Nothing is allocated inside an iteration.

use std::sync::{Mutex, PoisonError};

use orthant_kernel::rows::Step;
use orthant_kernel::{Buffer, Isa, accumulator_stride, gram, scan as products};

use crate::Real;
use crate::alternation::{Alternation, Figures, Fixed};
use crate::extrapolation::{Along, Lines, Schedule, Trail, Turn, split_lines};
use crate::factor::{Factor, scale_is_free};
use crate::init::{Generator, RandomState};
use crate::penalty::Weights;
use crate::reduce::{Lanes, Reducer, split};
use crate::rule::{Half, Rule};
use crate::scan;
use crate::source::{Block, Source};
use figures::{Measured, Steps, WideGram};

mod figures;
#[cfg(test)]
mod tests;

/// The loss in Gram form is not trusted below this many ε·‖S‖²: the residual itself is taken instead.
const CANCELLED: f64 = 256.0;

/// How a pass is cut and who works on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Rows of a cache block.
    pub block: usize,
    pub workers: usize,
}

/// What a lane adds up.
#[derive(Debug)]
struct Sums<T> {
    /// SᵀX, cols×stride, and what the source puts aside of it.
    b: Buffer<T>,
    /// XᵀX, k×stride.
    g: Buffer<T>,
    /// The same of the rows that the other factor sees, where these are others.
    ahead: Buffer<T>,
    /// What is put aside of these two in long lanes.
    aside: [Buffer<T>; 2],
    sum: f64,
    /// ⟨SY, X⟩, where the sums do not tell it.
    cross: f64,
    step: Step,
}

impl<T: Real> Sums<T> {
    fn new(cols: usize, k: usize, folds: bool) -> Self {
        let stride = accumulator_stride::<T>(k);
        Self {
            b: Buffer::zeros(cols * stride),
            g: Buffer::zeros(k * stride),
            ahead: Buffer::default(),
            aside: [Buffer::zeros(if folds { k * stride } else { 0 }), Buffer::default()],
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

    /// Puts aside what a long lane has summed so far.
    fn fold<S: Source<T>>(&mut self, source: &S, lane: usize, stride: usize) {
        if !self.b.is_empty() {
            source.fold(lane, &mut self.b, stride);
        }
        self.fold_grams();
    }

    fn fold_grams(&mut self) {
        for (sum, aside) in [&mut self.g, &mut self.ahead].into_iter().zip(&mut self.aside) {
            add(aside, sum);
            sum.fill(T::ZERO);
        }
    }

    /// Takes all of it up again.
    fn unfold<S: Source<T>>(&mut self, source: &S, lane: usize, stride: usize) {
        if !self.b.is_empty() {
            source.unfold(lane, &mut self.b, stride);
        }
        self.unfold_grams();
    }

    fn unfold_grams(&mut self) {
        for (sum, aside) in [&mut self.g, &mut self.ahead].into_iter().zip(&mut self.aside) {
            add(sum, aside);
            aside.fill(T::ZERO);
        }
    }

    fn add(&mut self, other: &Self) {
        add(&mut self.b, &other.b);
        add(&mut self.g, &other.g);
        add(&mut self.ahead, &other.ahead);
        self.sum += other.sum;
        self.cross += other.cross;
        self.step.merge(other.step);
    }
}

/// The norms of components, from their Gram matrix.
fn norms<T: Real>(gram: &[T], k: usize) -> impl Iterator<Item = f64> + Clone {
    gram.iter().step_by(k + 1).map(|g| g.to_f64().sqrt())
}

fn add<T: Real>(sums: &mut [T], others: &[T]) {
    sums.iter_mut().zip(others).for_each(|(x, y)| *x += *y);
}

/// A worker's own memory; `B` is what blocks are read with.
#[derive(Debug)]
struct Scratch<T, B> {
    block: B,
    /// The same for blocks of the twin.
    twin: Option<B>,
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
        Half { gram, diagonal, l1, order, sweeps: of.sweeps }
    }
}

/// A factorisation under way: S ≈ X·Yᵀ.
pub(crate) struct Pass<'a, T: Real, S: Source<T>> {
    source: &'a S,
    rule: Box<dyn Rule<T>>,
    k: usize,
    isa: Isa,
    layout: Layout,
    lanes: Lanes,
    /// ‖S‖².
    squares: f64,
    inner: Factor<T>,
    outer: Factor<T>,
    fixed: Fixed,
    /// S·Y, rows×k, kept from the first pass on where Y does not change.
    kept: Vec<T>,
    /// Where the order of the coordinates comes from, if it is drawn.
    shuffle: Option<Generator>,
    /// How the factors are extrapolated, if they are.
    schedule: Option<Schedule>,
    /// Whether components whose scales have drifted apart are brought back.
    balances: bool,
    /// The last loss is from the residual itself.
    exact: bool,
    /// Y as blocks are multiplied with it, where that is not Y itself.
    entered: Buffer<T>,
    /// Y, and with a twin X, where blocks read them at another stride.
    padded: [Buffer<T>; 2],
    /// B and G of the last pass, and what it was reduced with.
    sums: Option<Sums<T>>,
    reducer: Reducer<Sums<T>>,
    side: Reducer<Sums<T>>,
    figures: Reducer<Measured>,
    /// XᵀX and YᵀY in double precision, where the residual is told by entries.
    wide: Option<[Reducer<WideGram>; 2]>,
    side_lanes: Lanes,
    /// Rows of Y that are updated together.
    side_block: usize,
    /// ⟨S, XYᵀ⟩, where an update knows it.
    cross: f64,
    coupling: Coupling<T>,
    scratch: Vec<Mutex<Scratch<T, S::Scratch>>>,
}

/// Lanes of the update at the reduce: by 64 rows or more, whatever else.
pub(crate) fn side_lanes(rows: usize) -> Lanes {
    let count = 1 << (rows / 64).clamp(1, crate::reduce::MAX_LANES).ilog2();
    Lanes::even(rows, crate::reduce::short(rows).max(count))
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
        let Layout { block, workers } = layout;
        let (rows, cols) = (source.rows(), source.cols());
        let block = block.min(rows);
        let (lanes, twin) = (source.lanes(), source.twin());
        let side = twin.map_or_else(|| side_lanes(cols), Source::lanes);
        let side_block = twin.map_or(side.longest(), |twin| twin.block_rows(k).min(cols)).max(1);
        let spare = rule.scratch_len(block.max(side_block), k).max(block * k);
        let entered = if source.enters() { source.width() } else { 0 };
        let computed = source.enters() || twin.is_some();
        let numerators = if computed { block.max(side_block) } else { block };
        let summed = if twin.is_some() { 0 } else { source.width() + source.spare() };
        let scratch = || {
            Mutex::new(Scratch {
                block: source.scratch(block),
                twin: twin.map(|twin| twin.scratch(side_block)),
                a: Buffer::zeros(numerators * k),
                rule: vec![T::ZERO; spare],
                residual: vec![T::ZERO; products::residual_scratch_len(k)],
            })
        };
        Self {
            source,
            rule,
            k,
            isa: Isa::detect(),
            layout: Layout { block, ..layout },
            squares,
            side_block,
            cross: 0.0,
            inner,
            outer,
            fixed: Fixed::Neither,
            kept: Vec::new(),
            shuffle: None,
            schedule: None,
            balances: false,
            exact: false,
            entered: Buffer::zeros(entered * k),
            padded: [(Some(source), cols), (twin, rows)].map(|(s, rows)| match s.map(|s| s.row_stride(k)) {
                Some(stride) if stride != k => Buffer::zeros(rows * stride),
                _ => Buffer::default(),
            }),
            sums: None,
            reducer: Reducer::new(lanes.count(), workers, || Sums::new(summed, k, lanes.fold())),
            side: Reducer::new(side.count(), workers, || Sums::new(entered, k, side.fold())),
            figures: Reducer::new(lanes.count(), workers, Measured::default),
            wide: source
                .residual_by_entries()
                .then(|| [&lanes, &side].map(|l| Reducer::new(l.count(), workers, || WideGram::new(k)))),
            lanes,
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

    /// For a rule that lets the scales of W and H drift apart, until they would leave the range of the elements. Penalties hold
    /// them.
    #[must_use]
    pub fn balanced(self) -> Self {
        let penalised = self.inner.weights.penalises() || self.outer.weights.penalises();
        Self { balances: self.fixed == Fixed::Neither && !penalised, ..self }
    }

    /// Multiplies components of X, and divides those of Y, by powers of two where their norms are 2⁶⁴ or more apart. No bit
    /// of XYᵀ changes, nor of what any rule makes of it.
    fn balance(&mut self) {
        const FAR: f64 = 64.0;
        let k = self.k;
        let apart = norms(&self.outer.gram, k).zip(norms(&self.inner.gram, k));
        let by = apart
            .map(|(y, x)| y.log2() - x.log2())
            .map(|apart| if apart.is_finite() && apart.abs() >= FAR { (apart / 2.0) as i32 } else { 0 });
        if by.clone().all(|e| e == 0) {
            return;
        }
        let by: Vec<i32> = by.collect();
        let scale = |rows: &mut [T], stride: usize, sign: i32| {
            for row in rows.chunks_exact_mut(stride) {
                row.iter_mut().zip(&by).for_each(|(x, e)| *x = scan::scale_by(*x, sign * e));
            }
        };
        for (factor, sign) in [(&mut self.inner, 1), (&mut self.outer, -1)] {
            scale(&mut factor.x, k, sign);
            for (row, e) in factor.gram.chunks_exact_mut(k).zip(&by) {
                row.iter_mut().for_each(|g| *g = scan::scale_by(*g, sign * e));
            }
            scale(&mut factor.gram, k, sign);
        }
        if let Some(sums) = &mut self.sums {
            scale(&mut sums.b, accumulator_stride::<T>(k), 1);
        }
    }

    /// Extrapolating both factors; W is the outer one `by_columns`.
    #[must_use]
    pub fn extrapolated(mut self, schedule: Schedule, by_columns: bool) -> Self {
        let k = self.k;
        let turns = if by_columns { (Turn::Second, Turn::First) } else { (Turn::First, Turn::Second) };
        let free = scale_is_free(&self.inner, &self.outer);
        let trail = |turn, x: &[T]| {
            let rescaled = free && turn == Turn::First;
            Some(Trail::new(turn, Along::Difference, x, k, schedule.beta, rescaled))
        };
        self.inner.trail = trail(turns.0, &self.inner.x);
        self.outer.trail = trail(turns.1, &self.outer.x);
        let ahead = k * accumulator_stride::<T>(k);
        let (second, lanes) =
            if by_columns { (&mut self.reducer, &self.lanes) } else { (&mut self.side, &self.side_lanes) };
        second.each(|sums| {
            sums.ahead = Buffer::zeros(ahead);
            sums.aside[1] = Buffer::zeros(if lanes.fold() { ahead } else { 0 });
        });
        self.schedule = Some(schedule);
        self
    }

    /// Gives the copies of both factors their roles for the next iteration, if one has been judged since. By columns
    /// a restart takes the sums of the best pair, which no pass has made.
    fn settle(&mut self) {
        if self.balances {
            self.balance();
        }
        let Some(schedule) = &mut self.schedule else { return };
        let Some(accepted) = schedule.take_accepted() else { return };
        let beta = schedule.beta;
        self.inner.settle(accepted, beta);
        self.outer.settle(accepted, beta);
        if !accepted && self.inner.has_turn(Turn::Second) {
            self.pass(false);
        } else if !accepted && self.source.enters() {
            self.at_the_reduce(false);
        }
    }

    /// What the last pass has summed for the update of Y: SᵀX with rows [`accumulator_stride`] apart, and XᵀX.
    pub fn sums_of_outer(&self) -> (&[T], &[T]) {
        (&self.sums.as_ref().expect("a pass came before").b, &self.inner.gram)
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
            self.inner.meet(norms(self.outer.seen_gram(), k));
        }
        let twin = self.source.twin().is_some();
        let crossing = update && (self.inner.has_turn(Turn::Second) || twin);
        let fixed = self.fixed == Fixed::Outer;
        let known = !self.kept.is_empty();
        if fixed && !known {
            self.kept = vec![T::ZERO; self.inner.x.len()];
        }
        let (lanes, stride) = (&self.lanes, accumulator_stride::<T>(k));
        let kept = split(&mut self.kept, k, lanes);
        let (source, rule, scratch) = (self.source, &*self.rule, &self.scratch);
        let y_stride = source.row_stride(k);
        let y = match self.entered.is_empty() {
            true if update || (fixed && !known) => self.outer.padded(k, y_stride, &mut self.padded[0]),
            true => self.outer.seen(),
            false => &self.entered,
        };
        let weights = self.inner.weights;
        let slots = split_lines(&mut self.inner.x, self.inner.trail.as_mut(), k, lanes);
        let mut sums = self.reducer.run(
            |l, worker, out| {
                out.clear();
                let mut lines = slots[l].lock().unwrap_or_else(PoisonError::into_inner);
                let mut kept = kept[l].lock().unwrap_or_else(PoisonError::into_inner);
                let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let Scratch { block, a, rule: spare, .. } = &mut *scratch;
                let first = lanes.range(l).start;
                let mut folded = false;
                for (rows, folds) in lanes.blocks(l, layout.block) {
                    let elements = (rows.start - first) * k..(rows.end - first) * k;
                    let mut x = lines.part(elements.clone());
                    if fixed {
                        let a = &mut kept[elements];
                        if !known {
                            source.block(rows, block).numerators(y, k, a);
                        }
                        if update {
                            rule.update(x.x, a, k, &half, spare, &mut out.step);
                        }
                        out.cross = products::inner_product(isa, a, k, x.x, k, out.cross);
                    } else {
                        let a = &mut a[..rows.len() * k];
                        let s = source.block(rows, block);
                        if update {
                            x.begin();
                            s.numerators(y, k, a);
                            rule.update(x.x, a, k, &half, spare, &mut out.step);
                            if crossing {
                                out.cross = products::inner_product(isa, a, k, x.x, k, out.cross);
                            }
                            x.end(isa);
                        }
                        if !twin {
                            s.accumulate(x.seen(update), k, &mut out.b);
                        }
                    }
                    rows_done(isa, &x, update, k, weights, out);
                    if folds {
                        out.fold(source, l, stride);
                        folded = true;
                    }
                }
                if folded {
                    out.unfold(source, l, stride);
                }
            },
            Sums::add,
        );
        self.inner.take(&sums, k, update);
        if crossing || fixed {
            self.cross = sums.cross;
        }
        source.gather(&mut sums.b, k);
        self.sums = Some(sums);
    }

    /// The update of Y from B and G (if `update`), and its Gram matrix.
    fn at_the_reduce(&mut self, update: bool) {
        if update {
            self.draw_order();
        }
        let (k, isa, lanes, block) = (self.k, self.isa, &self.side_lanes, self.side_block);
        let half = self.coupling.half(self.inner.seen_gram(), &self.outer);
        if update {
            self.rule.prepare(&half);
            self.outer.meet(norms(self.inner.seen_gram(), k));
        }
        let (source, rule, scratch) = (self.source, &*self.rule, &self.scratch);
        let twin = source.twin();
        let x = match twin {
            Some(twin) if update => self.inner.padded(k, twin.row_stride(k), &mut self.padded[1]),
            _ => self.inner.seen(),
        };
        let b = self.sums.as_ref().map_or(&[][..], |s| &s.b[..]);
        let weights = self.outer.weights;
        let slots = split_lines(&mut self.outer.x, self.outer.trail.as_mut(), k, lanes);
        let mut sums = self.side.run(
            |l, worker, out| {
                out.clear();
                let mut lines = slots[l].lock().unwrap_or_else(PoisonError::into_inner);
                let first = lanes.range(l).start;
                let mut folded = false;
                for (rows, folds) in lanes.blocks(l, block) {
                    let mut y = lines.part((rows.start - first) * k..(rows.end - first) * k);
                    if update {
                        let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                        let Scratch { twin: memory, a, rule: spare, .. } = &mut *scratch;
                        y.begin();
                        let (b, stride) = match (twin, memory) {
                            (Some(twin), Some(memory)) => {
                                let a = &mut a[..rows.len() * k];
                                twin.block(rows.clone(), memory).numerators(x, k, a);
                                (&*a, k)
                            }
                            _ => source.leave(rows.clone(), b, k, a),
                        };
                        rule.update(y.x, b, stride, &half, spare, &mut out.step);
                        if twin.is_some() {
                            out.cross = products::inner_product(isa, b, stride, y.x, k, out.cross);
                        }
                        y.end(isa);
                    }
                    source.enter(rows, y.seen(update), k, &mut out.b);
                    rows_done(isa, &y, update, k, weights, out);
                    if folds {
                        out.fold_grams();
                        folded = true;
                    }
                }
                if folded {
                    out.unfold_grams();
                }
            },
            Sums::add,
        );
        self.outer.take(&sums, k, update);
        if update && twin.is_some() {
            self.cross = sums.cross;
        }
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
        let known = self.inner.has_turn(Turn::Second) || self.source.twin().is_some();
        if self.fixed == Fixed::Outer || known {
            return 0.5 * (squares - 2.0 * self.cross + quadratic);
        }
        let (k, isa, lanes) = (self.k, self.isa, &self.side_lanes);
        let (source, scratch) = (self.source, &self.scratch);
        let b = &self.sums.as_ref().expect("a pass came before").b[..];
        let y = &self.outer.x[..];
        let sums = self.side.run(
            |l, worker, out| {
                let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let r = lanes.range(l);
                let (b, stride) = source.leave(r.clone(), b, k, &mut scratch.a);
                out.sum = products::inner_product(isa, b, stride, &y[r.start * k..r.end * k], k, 0.0);
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

    fn schedule(&mut self) -> Option<&mut Schedule> {
        self.schedule.as_mut()
    }

    fn rounding(&self, loss: f64) -> f64 {
        self.loss_rounding(loss)
    }

    fn exact_loss(&mut self) -> f64 {
        0.5 * self.measure(Steps::Ignored).squares.to_f64()
    }

    fn step(&self) -> f64 {
        ((self.inner.step.movement + self.outer.step.movement) / self.squares).sqrt()
    }

    fn finish(&mut self) -> Figures {
        self.retire();
        let changes = self.fixed != Fixed::Outer;
        let products = if changes { self.outer_products() } else { Vec::new() };
        if changes {
            self.clear_empty(&products);
        }
        let residual = self.measure(if self.fixed == Fixed::Inner { Steps::Ignored } else { Steps::Cleared });
        let outer = if changes { self.outer_movement(&products) } else { 0.0 };
        self.of(residual, outer)
    }

    fn regularized(&self) -> usize {
        self.rule.regularized()
    }

    fn stream(&self) -> Option<&RandomState> {
        match &self.shuffle {
            Some(Generator::State(stream)) => Some(stream),
            _ => None,
        }
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
