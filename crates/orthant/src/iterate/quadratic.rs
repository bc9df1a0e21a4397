//! The loop for the Frobenius loss: one pass over V an iteration.
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
//! Where the [transpose](Source::transpose) is kept beside S, B is not summed: its rows are Sᵀ's numerators, computed where
//! the update of Y wants them.
//!
//! With [`extrapolation`](super::extrapolation) the same loop works on rows with their copies. The factor that is updated
//! second is then an operand of the other one's update at another point than the objective's. By columns that is the inner
//! one, and a restart costs a half pass for its sums.
//!
//! Nothing is allocated inside an iteration.

use std::sync::{Mutex, PoisonError};

use orthant_kernel::{Buffer, Isa, accumulator_stride, scan as products};

use super::extrapolation::Schedule;
use super::factor::Factor;
use super::lines::{Lines, Role};
use super::pair::{Fixed, Pair};
use super::prepared::Prepared;
use super::residual::{Measured, Steps, WideGram};
use super::sums::GramSums;
use super::visit::{Beside, HalfStep, Mode, Span, Walk, Worker};
use super::{Alternation, Figures, Layout};
use crate::init::{Generator, RandomState};
use crate::penalty::Weights;
use crate::reduce::{Lanes, Reducer, Slots, split};
use crate::rule::{Rule, Subproblem};
use crate::source::{Block, Source};
use crate::{Real, scan};

/// The loss in Gram form is not trusted below this many ε·‖S‖²: the residual itself is taken instead.
const CANCELLED: f64 = 256.0;

/// The norms of components, from their Gram matrix.
fn norms<T: Real>(gram: &[T], k: usize) -> impl Iterator<Item = f64> + Clone {
    gram.iter().step_by(k + 1).map(|g| g.to_f64().sqrt())
}

/// What a worker computes with.
#[derive(Debug)]
pub(super) struct Work<T> {
    /// Numerators.
    pub a: Buffer<T>,
    pub rule: Vec<T>,
    pub residual: Vec<T>,
}

/// The other factor's Gram matrix as an update wants it.
#[derive(Debug)]
pub(super) struct Coupling<T> {
    gram: Vec<T>,
    diagonal: Vec<T>,
    order: Vec<usize>,
}

impl<T: Real> Coupling<T> {
    fn new(k: usize) -> Self {
        Self { gram: vec![T::ZERO; k * k], diagonal: vec![T::ZERO; k], order: (0..k).collect() }
    }

    /// For the update of `of` against the factor with this Gram matrix.
    pub fn subproblem<'a>(&'a mut self, gram: &[T], of: &Factor<T>) -> Subproblem<'a, T> {
        let k = self.diagonal.len();
        let (l1, l2) = of.weights.elements();
        self.gram.copy_from_slice(gram);
        for t in 0..k {
            self.gram[t * k + t] += l2;
            self.diagonal[t] = self.gram[t * k + t];
        }
        let Self { gram, diagonal, order } = self;
        Subproblem { gram, diagonal, l1, order, sweeps: of.sweeps }
    }
}

/// X, in a pass over the rows of S.
struct Inner<'a, T: Real, S: Source<T>> {
    source: &'a S,
    rule: &'a dyn Rule<T>,
    subproblem: Subproblem<'a, T>,
    y: &'a [T],
    k: usize,
    isa: Isa,
    weights: Weights,
    /// Where Y does not change, A of each lane, and whether it is known.
    kept: Option<(&'a Slots<&'a mut [T]>, bool)>,
    /// Whether ⟨A, X⟩ is needed.
    crosses: bool,
    /// Whether B is.
    accumulates: bool,
}

impl<T: Real, S: Source<T>> HalfStep<T> for Inner<'_, T, S> {
    type Rows<'b>
        = Option<S::Block<'b>>
    where
        Self: 'b;
    type Memory = S::Scratch;
    type Work = Work<T>;
    type Sums = GramSums<T>;

    fn read<'b>(&'b self, at: &Span, memory: Option<&'b mut S::Scratch>) -> Self::Rows<'b> {
        let memory = memory.expect("rows of S are read");
        let Some((kept, known)) = self.kept else { return Some(self.source.block(at.rows.clone(), memory)) };
        if !known {
            let mut a = kept[at.lane].lock().unwrap_or_else(PoisonError::into_inner);
            self.source.block(at.rows.clone(), memory).numerators(self.y, self.k, &mut a[at.of_lane.clone()]);
        }
        None
    }

    fn moves(
        &self,
        at: &Span,
        s: &mut Option<S::Block<'_>>,
        x: &mut [T],
        work: &mut Work<T>,
        sums: &mut GramSums<T>,
    ) {
        let (k, Work { a, rule: scratch, .. }) = (self.k, work);
        if let Some((kept, _)) = self.kept {
            let a = kept[at.lane].lock().unwrap_or_else(PoisonError::into_inner);
            let a = &a[at.of_lane.clone()];
            self.rule.update(x, a, k, &self.subproblem, scratch, &mut sums.step);
        }
        if let Some(s) = s {
            let a = &mut a[..x.len()];
            s.numerators(self.y, k, a);
            self.rule.update(x, a, k, &self.subproblem, scratch, &mut sums.step);
            if self.crosses {
                sums.cross = products::inner_product(self.isa, a, k, x, k, sums.cross);
            }
        }
    }

    fn sums(
        &self,
        at: &Span,
        s: &mut Option<S::Block<'_>>,
        x: &Lines<'_, T>,
        _: &mut Work<T>,
        sums: &mut GramSums<T>,
    ) {
        let k = self.k;
        if let Some((kept, _)) = self.kept {
            let a = kept[at.lane].lock().unwrap_or_else(PoisonError::into_inner);
            sums.cross = products::inner_product(self.isa, &a[at.of_lane.clone()], k, x.x, k, sums.cross);
        }
        if let (Some(s), true) = (s, self.accumulates) {
            s.accumulate(x.operand(), k, &mut sums.b);
        }
        sums.rows_done(self.isa, x, k, self.weights);
    }
}

/// Y, from the sums of a pass or in one over rows of the transpose.
struct Outer<'a, T: Real, S: Source<T>> {
    source: &'a S,
    transpose: Option<&'a S>,
    rule: &'a dyn Rule<T>,
    subproblem: Subproblem<'a, T>,
    x: &'a [T],
    b: &'a [T],
    k: usize,
    isa: Isa,
    weights: Weights,
}

impl<T: Real, S: Source<T>> HalfStep<T> for Outer<'_, T, S> {
    type Rows<'b>
        = Option<S::Block<'b>>
    where
        Self: 'b;
    type Memory = S::Scratch;
    type Work = Work<T>;
    type Sums = GramSums<T>;

    fn read<'b>(&'b self, at: &Span, memory: Option<&'b mut S::Scratch>) -> Self::Rows<'b> {
        self.transpose.zip(memory).map(|(s, memory)| s.block(at.rows.clone(), memory))
    }

    fn moves(
        &self,
        at: &Span,
        s: &mut Option<S::Block<'_>>,
        y: &mut [T],
        work: &mut Work<T>,
        sums: &mut GramSums<T>,
    ) {
        let (k, Work { a, rule: scratch, .. }) = (self.k, work);
        match s {
            Some(s) => {
                let a = &mut a[..y.len()];
                s.numerators(self.x, k, a);
                self.rule.update(y, a, k, &self.subproblem, scratch, &mut sums.step);
                sums.cross = products::inner_product(self.isa, a, k, y, k, sums.cross);
            }
            None => {
                let (b, stride) = self.source.lift(at.rows.clone(), self.b, k, a);
                self.rule.update(y, b, stride, &self.subproblem, scratch, &mut sums.step);
            }
        }
    }

    fn sums(
        &self,
        at: &Span,
        _: &mut Option<S::Block<'_>>,
        y: &Lines<'_, T>,
        _: &mut Work<T>,
        sums: &mut GramSums<T>,
    ) {
        self.source.project(at.rows.clone(), y.operand(), self.k, &mut sums.b);
        sums.rows_done(self.isa, y, self.k, self.weights);
    }
}

/// ⟨B, Y⟩, from the sums of a pass.
struct Cross<'a, T: Real, S: Source<T>> {
    source: &'a S,
    b: &'a [T],
    k: usize,
    isa: Isa,
}

impl<T: Real, S: Source<T>> HalfStep<T> for Cross<'_, T, S> {
    type Rows<'b>
        = ()
    where
        Self: 'b;
    type Memory = S::Scratch;
    type Work = Work<T>;
    type Sums = GramSums<T>;

    fn read(&self, _: &Span, _: Option<&mut S::Scratch>) {}

    fn moves(&self, _: &Span, (): &mut (), _: &mut [T], _: &mut Work<T>, _: &mut GramSums<T>) {}

    fn sums(&self, at: &Span, (): &mut (), y: &Lines<'_, T>, work: &mut Work<T>, sums: &mut GramSums<T>) {
        let (b, stride) = self.source.lift(at.rows.clone(), self.b, self.k, &mut work.a);
        sums.cross = products::inner_product(self.isa, b, stride, y.x, self.k, sums.cross);
    }
}

/// A factorisation under way: S ≈ X·Yᵀ.
pub(crate) struct Quadratic<'a, T: Real, S: Source<T>> {
    pub(super) source: &'a S,
    rule: Box<dyn Rule<T>>,
    pub(super) k: usize,
    pub(super) isa: Isa,
    pub(super) workers: usize,
    /// ‖S‖².
    pub(super) squares: f64,
    pub(super) pair: Pair<T>,
    /// S·Y, rows×k, kept from the first pass on where Y does not change.
    kept: Vec<T>,
    /// Where the order of the coordinates comes from, if it is drawn.
    shuffle: Option<Generator>,
    /// Whether components whose scales have drifted apart are brought back.
    balances: bool,
    /// The last loss is from the residual itself.
    pub(super) exact: bool,
    /// RᵀY, where S is a product with Rᵀ.
    pub(super) projected: Buffer<T>,
    /// Y as blocks of S read it, and X as blocks of the transpose do.
    y: Prepared<T>,
    x: Prepared<T>,
    pub(super) inner: Walk,
    pub(super) outer: Walk,
    /// B and G of the last pass, and what it was reduced with.
    pub(super) sums: Option<GramSums<T>>,
    of_inner: Reducer<GramSums<T>>,
    pub(super) of_outer: Reducer<GramSums<T>>,
    pub(super) figures: Reducer<Measured>,
    /// XᵀX and YᵀY in double precision, where the residual is computed by entries.
    pub(super) wide: Option<[Reducer<WideGram>; 2]>,
    /// ⟨S, XYᵀ⟩, where an update knows it.
    cross: f64,
    pub(super) coupling: Coupling<T>,
    pub(super) memory: Vec<Mutex<Worker<S::Scratch, Work<T>>>>,
}

/// Lanes of the update at the reduce: by 64 rows or more, whatever else.
pub(super) fn outer_lanes(rows: usize) -> Lanes {
    let count = 1 << (rows / 64).clamp(1, crate::reduce::MAX_LANES).ilog2();
    Lanes::even(rows, crate::reduce::short(rows).max(count))
}

impl<'a, T: Real, S: Source<T>> Quadratic<'a, T, S> {
    /// `squares` is ‖S‖².
    pub fn new(
        source: &'a S,
        rule: Box<dyn Rule<T>>,
        k: usize,
        layout: Layout,
        squares: f64,
        pair: Pair<T>,
    ) -> Self {
        let Layout { block, workers } = layout;
        let (rows, cols, isa) = (source.rows(), source.cols(), Isa::detect());
        let (block, transpose) = (block.min(rows), source.transpose());
        let walk = |beside, lanes, block| Walk { beside, lanes, block, k, isa };
        let inner = walk(Beside::Rows, source.lanes(), block);
        let lanes = transpose.map_or_else(|| outer_lanes(cols), Source::lanes);
        let outer_block = transpose.map_or(lanes.longest(), |s| s.block_rows(k).min(cols)).max(1);
        let outer = walk(Beside::Columns, lanes, outer_block);
        let scratch = rule.scratch_len(block.max(outer_block), k).max(block * k);
        let projected = if source.projects() { source.width() } else { 0 };
        let computed = source.projects() || transpose.is_some();
        let numerators = if computed { block.max(outer_block) } else { block };
        let summed = if transpose.is_some() { 0 } else { source.width() };
        let worker = || {
            Mutex::new(Worker {
                rows: source.scratch(block),
                transposed: transpose.map(|s| s.scratch(outer_block)),
                work: Work {
                    a: Buffer::zeros(numerators * k),
                    rule: vec![T::ZERO; scratch],
                    residual: vec![T::ZERO; products::residual_scratch_len(k)],
                },
            })
        };
        let reducer = |walk: &Walk, cols, heavy| {
            let (count, long) = (walk.lanes.count(), walk.lanes.long());
            Reducer::new(count, workers, || GramSums::new(cols, k, Clone::clone(&heavy), long))
        };
        Self {
            source,
            rule,
            k,
            isa,
            workers,
            squares,
            cross: 0.0,
            pair,
            kept: Vec::new(),
            shuffle: None,
            balances: false,
            exact: false,
            projected: Buffer::zeros(projected * k),
            y: Prepared::strided(source, k),
            x: transpose.map_or_else(|| Prepared::as_it_is(k), |s| Prepared::strided(s, k)),
            sums: None,
            of_inner: reducer(&inner, summed, source.heavy_columns()),
            of_outer: reducer(&outer, projected, Default::default()),
            figures: Reducer::new(inner.lanes.count(), workers, Measured::default),
            wide: source.residual_by_entries().then(|| {
                [&inner, &outer].map(|w| Reducer::new(w.lanes.count(), workers, || WideGram::new(k)))
            }),
            inner,
            outer,
            coupling: Coupling::new(k),
            memory: std::iter::repeat_with(worker).take(workers).collect(),
        }
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
        let Pair { inner, outer, fixed, .. } = &self.pair;
        let penalised = inner.weights.penalises() || outer.weights.penalises();
        Self { balances: *fixed == Fixed::Neither && !penalised, ..self }
    }

    /// Extrapolating both factors.
    #[must_use]
    pub fn extrapolated(mut self, schedule: Schedule) -> Self {
        let k = self.k;
        self.pair.extrapolate(schedule, k, [T::ZERO; 2]);
        let (second, walk) = match self.pair.by_columns {
            true => (&mut self.of_inner, &self.inner),
            false => (&mut self.of_outer, &self.outer),
        };
        let long = walk.lanes.long();
        second.each(|sums| sums.operand_gram = super::sums::Gram::new(k, long));
        self
    }

    /// Multiplies components of X, and divides those of Y, by powers of two where their norms are 2⁶⁴ or more apart. No bit
    /// of XYᵀ changes, nor of what any rule makes of it.
    fn balance(&mut self) {
        const FAR: f64 = 64.0;
        let k = self.k;
        let Pair { inner, outer, .. } = &mut self.pair;
        let apart = norms(&outer.gram, k).zip(norms(&inner.gram, k));
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
        for (factor, sign) in [(inner, 1), (outer, -1)] {
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

    /// Begins an iteration, if one has been judged since. By columns a restart takes the sums of the best pair, which no pass
    /// has made.
    fn begin_iteration(&mut self) {
        if self.balances {
            self.balance();
        }
        if self.pair.begin_iteration() != Some(false) {
            return;
        }
        if self.pair.inner.has_role(Role::Second) {
            self.update_inner(Mode::Sum);
        } else if self.source.projects() {
            self.update_outer(Mode::Sum);
        }
    }

    /// What the last pass has summed for the update of Y: SᵀX with rows [`accumulator_stride`] apart, and XᵀX.
    pub fn sums_of_outer(&self) -> (&[T], &[T]) {
        (&self.sums.as_ref().expect("a pass came before").b, &self.pair.inner.gram)
    }

    /// The next update's order.
    fn draw_order(&mut self) {
        if let Some(generator) = &mut self.shuffle {
            generator.with(|stream| stream.permute(&mut self.coupling.order));
        }
    }

    /// One pass over S: X updated from Y, if so, then B and G from X.
    pub(super) fn update_inner(&mut self, mode: Mode) {
        if let Some(sums) = self.sums.take() {
            self.of_inner.give_back(sums);
        }
        let updates = mode == Mode::Update;
        if updates {
            self.draw_order();
        }
        let (k, isa, source) = (self.k, self.isa, self.source);
        let Pair { inner, outer, fixed, .. } = &mut self.pair;
        let subproblem = self.coupling.subproblem(outer.operand_gram(), inner);
        if updates {
            self.rule.prepare(&subproblem);
            inner.meet(norms(outer.operand_gram(), k));
        }
        let (fixed, known) = (*fixed == Fixed::Outer, !self.kept.is_empty());
        if fixed && !known {
            self.kept = vec![T::ZERO; inner.x.len()];
        }
        if updates || fixed && !known {
            self.y.copy(outer);
        }
        let kept = split(&mut self.kept, k, &self.inner.lanes);
        let transposes = source.transpose().is_some();
        let crosses = updates && (inner.has_role(Role::Second) || transposes);
        let step = Inner {
            source,
            rule: &*self.rule,
            subproblem,
            y: if self.projected.is_empty() { self.y.of(outer).y } else { &self.projected },
            k,
            isa,
            weights: inner.weights,
            kept: fixed.then_some((&kept, known)),
            crosses,
            accumulates: !transposes,
        };
        let lines = inner.lines(k, &self.inner.lanes);
        let mut sums = self.inner.visit(&lines, mode, &step, &mut self.of_inner, &self.memory);
        drop(lines);
        sums.keep_in(inner, k, updates);
        if crosses || fixed {
            self.cross = sums.cross;
        }
        source.compact(&mut sums.b, k);
        self.sums = Some(sums);
    }

    /// The update of Y from B and G, if so, and its Gram matrix.
    pub(super) fn update_outer(&mut self, mode: Mode) {
        let updates = mode == Mode::Update;
        if updates {
            self.draw_order();
        }
        let (k, isa, source) = (self.k, self.isa, self.source);
        let Pair { inner, outer, .. } = &mut self.pair;
        let subproblem = self.coupling.subproblem(inner.operand_gram(), outer);
        if updates {
            self.rule.prepare(&subproblem);
            outer.meet(norms(inner.operand_gram(), k));
        }
        let transpose = source.transpose().filter(|_| updates);
        if transpose.is_some() {
            self.x.copy(inner);
        }
        let step = Outer {
            source,
            transpose,
            rule: &*self.rule,
            subproblem,
            x: self.x.of(inner).y,
            b: self.sums.as_ref().map_or(&[][..], |sums| &sums.b),
            k,
            isa,
            weights: outer.weights,
        };
        let lines = outer.lines(k, &self.outer.lanes);
        let mut sums = self.outer.visit(&lines, mode, &step, &mut self.of_outer, &self.memory);
        drop(lines);
        sums.keep_in(outer, k, updates);
        if transpose.is_some() {
            self.cross = sums.cross;
        }
        if !self.projected.is_empty() {
            source.compact(&mut sums.b, k);
            let len = self.projected.len();
            self.projected.copy_from_slice(&sums.b[..len]);
        }
        self.of_outer.give_back(sums);
    }

    /// ½‖S − XYᵀ‖², from the sums of the last pass and ‖S‖².
    pub(super) fn gram_loss(&mut self) -> f64 {
        let (k, isa, source) = (self.k, self.isa, self.source);
        let Pair { inner, outer, fixed, .. } = &mut self.pair;
        let quadratic: f64 = inner.gram.iter().zip(&outer.gram).map(|(a, b)| a.to_f64() * b.to_f64()).sum();
        let known = *fixed == Fixed::Outer || inner.has_role(Role::Second) || source.transpose().is_some();
        if !known {
            let b = &self.sums.as_ref().expect("a pass came before").b;
            let step = Cross { source, b, k, isa };
            let lines = outer.lines(k, &self.outer.lanes);
            let sums = self.outer.visit(&lines, Mode::Sum, &step, &mut self.of_outer, &self.memory);
            self.cross = sums.cross;
            self.of_outer.give_back(sums);
        }
        0.5 * (self.squares - 2.0 * self.cross + quadratic)
    }
}

impl<T: Real, S: Source<T>> Alternation<T> for Quadratic<'_, T, S> {
    fn pair(&self) -> &Pair<T> {
        &self.pair
    }

    fn pair_mut(&mut self) -> &mut Pair<T> {
        &mut self.pair
    }

    fn sweep_inner(&mut self, update: bool) {
        self.begin_iteration();
        self.update_inner(Mode::updates(update));
    }

    fn sweep_outer(&mut self, update: bool) {
        self.begin_iteration();
        self.update_outer(Mode::updates(update));
    }

    fn sums_last(&self) -> bool {
        true
    }

    fn loss(&mut self) -> f64 {
        let loss = self.gram_loss();
        self.exact = loss < CANCELLED * T::EPSILON.to_f64() * self.squares;
        if self.exact { self.exact_loss() } else { loss }
    }

    fn exact_loss(&mut self) -> f64 {
        0.5 * self.measure(Steps::Ignored).squares.to_f64()
    }

    fn rounding(&self, loss: f64) -> f64 {
        self.loss_rounding(loss)
    }

    fn step(&self) -> f64 {
        (self.pair.movement() / self.squares).sqrt()
    }

    fn finish(&mut self) -> Figures {
        self.end_extrapolation();
        let fixed = self.pair.fixed;
        let changes = fixed != Fixed::Outer;
        let products = if changes { self.outer_products() } else { Vec::new() };
        if changes {
            self.clear_empty(&products);
        }
        let residual = self.measure(if fixed == Fixed::Inner { Steps::Ignored } else { Steps::Cleared });
        let outer = if changes { self.outer_movement(&products) } else { 0.0 };
        self.of(residual, outer)
    }

    fn stream(&self) -> Option<&RandomState> {
        match &self.shuffle {
            Some(Generator::State(stream)) => Some(stream),
            _ => None,
        }
    }

    fn regularized(&self) -> usize {
        self.rule.regularized()
    }

    fn into_pair(self) -> Pair<T> {
        self.pair
    }
}
