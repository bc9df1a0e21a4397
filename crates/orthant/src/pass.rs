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
//! Nothing is allocated inside an iteration.

use std::sync::{Mutex, PoisonError};

use orthant_kernel::rows::{self, Step};
use orthant_kernel::{Isa, Real, View, accumulate, accumulator_stride, scan};

use crate::alternation::{Alternation, Figures, Fixed};
use crate::factor::Factor;
use crate::init::Generator;
use crate::penalty::Weights;
use crate::reduce::{Reducer, lane, split};
use crate::rule::{Half, Rule};
use crate::source::{Block, Source};

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
    b: Vec<T>,
    /// XᵀX, k×stride.
    g: Vec<T>,
    sum: f64,
    /// ⟨SY, X⟩, where Y does not change.
    cross: f64,
    step: Step,
}

impl<T: Real> Sums<T> {
    fn new(cols: usize, k: usize) -> Self {
        let stride = accumulator_stride::<T>(k);
        Self {
            b: vec![T::ZERO; cols * stride],
            g: vec![T::ZERO; k * stride],
            sum: 0.0,
            cross: 0.0,
            step: Step::default(),
        }
    }

    fn clear(&mut self) {
        self.b.fill(T::ZERO);
        self.g.fill(T::ZERO);
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
        self.sum += other.sum;
        self.cross += other.cross;
        self.step.merge(other.step);
    }
}

/// Residual and stationarity of the factors as they stand.
#[derive(Clone, Copy, Debug, Default)]
struct Residual {
    /// ‖S − XYᵀ‖², from the residual itself.
    squares: f64,
    /// The coordinate steps that remain in X, squared, in the units of S.
    movement: f64,
}

#[derive(Debug)]
struct Scratch<T> {
    block: Vec<T>,
    a: Vec<T>,
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
    1 << (rows / 64).clamp(1, crate::reduce::MAX_LANES).ilog2()
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
        let scratch = || {
            Mutex::new(Scratch {
                block: vec![T::ZERO; source.scratch_len(block)],
                a: vec![T::ZERO; block * k],
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
            sums: None,
            reducer: Reducer::new(lanes, workers, || Sums::new(cols, k)),
            side: Reducer::new(side, workers, || Sums::new(0, k)),
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
        let half = self.coupling.half(&self.outer.gram, &self.inner);
        if update {
            self.rule.prepare(&half);
        }
        let fixed = self.fixed == Fixed::Outer;
        let known = !self.kept.is_empty();
        if fixed && !known {
            self.kept = vec![T::ZERO; self.inner.x.len()];
        }
        let kept = split(&mut self.kept, k, layout.lanes);
        let (source, rule, scratch) = (self.source, &*self.rule, &self.scratch);
        let y = &self.outer.x[..];
        let weights = self.inner.weights;
        let slots = split(&mut self.inner.x, k, layout.lanes);
        let sums = self.reducer.run(
            |l, worker, out| {
                out.clear();
                let mut x = slots[l].lock().unwrap_or_else(PoisonError::into_inner);
                let mut kept = kept[l].lock().unwrap_or_else(PoisonError::into_inner);
                let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let Scratch { block, a, rule: spare, .. } = &mut *scratch;
                let range = lane(source.rows(), layout.lanes, l);
                for (b, x) in x.chunks_mut(layout.block * k).enumerate() {
                    let (start, count) = (range.start + b * layout.block, x.len() / k);
                    if fixed {
                        let a = &mut kept[b * layout.block * k..][..count * k];
                        if !known {
                            source.block(start..start + count, block).numerators(y, k, a);
                        }
                        if update {
                            rule.update(x, a, k, &half, spare, &mut out.step);
                        }
                        out.cross = scan::inner_product(isa, a, k, x, k, out.cross);
                    } else {
                        let s = source.block(start..start + count, block);
                        if update {
                            let a = &mut a[..count * k];
                            s.numerators(y, k, a);
                            rule.update(x, a, k, &half, spare, &mut out.step);
                        }
                        s.accumulate(x, k, &mut out.b);
                    }
                    rows_done(isa, x, k, weights, out);
                }
            },
            Sums::add,
        );
        self.inner.take(&sums, k);
        self.sums = Some(sums);
    }

    /// The update of Y from B and G (if `update`), and its Gram matrix.
    fn at_the_reduce(&mut self, update: bool) {
        if update {
            self.draw_order();
        }
        let (k, isa, lanes) = (self.k, self.isa, self.side_lanes);
        let stride = accumulator_stride::<T>(k);
        let half = self.coupling.half(&self.inner.gram, &self.outer);
        if update {
            self.rule.prepare(&half);
        }
        let (rule, scratch) = (&*self.rule, &self.scratch);
        let b = self.sums.as_ref().map_or(&[][..], |s| &s.b[..]);
        let weights = self.outer.weights;
        let rows = self.outer.x.len() / k;
        let slots = split(&mut self.outer.x, k, lanes);
        let sums = self.side.run(
            |l, worker, out| {
                out.clear();
                let mut y = slots[l].lock().unwrap_or_else(PoisonError::into_inner);
                if update {
                    let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                    let range = lane(rows, lanes, l);
                    let b = &b[range.start * stride..range.end * stride];
                    rule.update(&mut y, b, stride, &half, &mut scratch.rule, &mut out.step);
                }
                rows_done(isa, &y, k, weights, out);
            },
            Sums::add,
        );
        self.outer.take(&sums, k);
        self.side.give_back(sums);
    }

    /// ½‖S − XYᵀ‖², from the sums of the last pass and ‖S‖².
    fn gram_loss(&mut self) -> f64 {
        let squares = self.squares;
        let quadratic: f64 =
            self.inner.gram.iter().zip(&self.outer.gram).map(|(a, b)| a.to_f64() * b.to_f64()).sum();
        if self.fixed == Fixed::Outer {
            let cross = self.sums.as_ref().expect("a pass came before").cross;
            return 0.5 * (squares - 2.0 * cross + quadratic);
        }
        let (k, isa, lanes) = (self.k, self.isa, self.side_lanes);
        let stride = accumulator_stride::<T>(k);
        let b = &self.sums.as_ref().expect("a pass came before").b[..];
        let y = &self.outer.x[..];
        let rows = y.len() / k;
        let sums = self.side.run(
            |l, _, out| {
                let r = lane(rows, lanes, l);
                let (b, y) = (&b[r.start * stride..r.end * stride], &y[r.start * k..r.end * k]);
                out.sum = scan::inner_product(isa, b, stride, y, k, 0.0);
            },
            |a, b| a.sum += b.sum,
        );
        let cross = sums.sum;
        self.side.give_back(sums);
        0.5 * (squares - 2.0 * cross + quadratic)
    }

    /// ‖S − XYᵀ‖² from the residual itself. With `last`, first puts rows of X at 0 whose numerators are all 0 (see
    /// [`clear_empty`](Self::clear_empty)), and takes the steps that remain in X. Reads S once.
    fn measure(&mut self, last: bool) -> Residual {
        let (k, isa, layout) = (self.k, self.isa, self.layout);
        let (source, scratch) = (self.source, &self.scratch);
        let half = self.coupling.half(&self.outer.gram, &self.inner);
        let y = &self.outer.x[..];
        let slots = split(&mut self.inner.x, k, layout.lanes);
        let figures = self.figures.run(
            |l, worker, out| {
                *out = Residual::default();
                let mut x = slots[l].lock().unwrap_or_else(PoisonError::into_inner);
                let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let Scratch { block, a, rule: d, residual } = &mut *scratch;
                let range = lane(source.rows(), layout.lanes, l);
                for (b, x) in x.chunks_mut(layout.block * k).enumerate() {
                    let (start, count) = (range.start + b * layout.block, x.len() / k);
                    let s = source.block(start..start + count, block);
                    if last {
                        let (a, d) = (&mut a[..count * k], &mut d[..count * k]);
                        s.numerators(y, k, a);
                        clear(x, a, k, k);
                        rows::products(isa, x, half.gram, k, d);
                        out.movement = rows::distance(isa, x, a, k, d, half.diagonal, half.l1, out.movement);
                    }
                    out.squares = s.squared_residual(x, y, k, residual, out.squares);
                }
            },
            |a, b| {
                a.squares += b.squares;
                a.movement += b.movement;
            },
        );
        self.figures.give_back(figures);
        figures
    }

    /// The steps that remain in Y, squared, by the sums of the last pass.
    fn outer_movement(&mut self) -> f64 {
        let k = self.k;
        let stride = accumulator_stride::<T>(k);
        let half = self.coupling.half(&self.inner.gram, &self.outer);
        let b = &self.sums.as_ref().expect("a pass came before").b[..];
        let mut scratch = self.scratch[0].lock().unwrap_or_else(PoisonError::into_inner);
        let rows = (scratch.rule.len() / k).max(1);
        let mut movement = 0.0;
        for (y, b) in self.outer.x.chunks(rows * k).zip(b.chunks(rows * stride)) {
            let d = &mut scratch.rule[..y.len()];
            rows::products(self.isa, y, half.gram, k, d);
            movement = rows::distance(self.isa, y, b, stride, d, half.diagonal, half.l1, movement);
        }
        movement
    }

    /// Puts rows of Y at 0 whose numerators are all 0, where 0 is the exact minimiser: columns of S without an entry,
    /// which rounding can keep from vanishing entirely.
    fn clear_empty(&mut self) {
        let b = &self.sums.as_ref().expect("a pass came before").b;
        if clear(&mut self.outer.x, b, accumulator_stride::<T>(self.k), self.k) {
            self.at_the_reduce(false);
        }
    }
}

impl<T: Real, S: Source<T>> Alternation<T> for Pass<'_, T, S> {
    fn sweep_inner(&mut self, update: bool) {
        self.pass(update);
    }

    fn sweep_outer(&mut self, update: bool) {
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
        if loss < CANCELLED * T::EPSILON.to_f64() * self.squares { self.exact_loss() } else { loss }
    }

    fn exact_loss(&mut self) -> f64 {
        0.5 * self.measure(false).squares
    }

    fn step(&self) -> f64 {
        ((self.inner.step.movement + self.outer.step.movement) / self.squares).sqrt()
    }

    fn finish(&mut self) -> Figures {
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
        (self.inner.x, self.outer.x)
    }
}

/// Puts rows of X (k long) at 0 where A (`stride` apart) is 0 throughout; whether that changed anything.
fn clear<T: Real>(x: &mut [T], a: &[T], stride: usize, k: usize) -> bool {
    let mut changed = false;
    for (x, a) in x.chunks_exact_mut(k).zip(a.chunks_exact(stride)) {
        if a[..k].iter().all(|&a| a == T::ZERO) {
            changed |= x.iter().any(|&x| x != T::ZERO);
            x.fill(T::ZERO);
        }
    }
    changed
}

impl<T: Real> Factor<T> {
    fn take(&mut self, sums: &Sums<T>, k: usize) {
        let stride = accumulator_stride::<T>(k);
        for (to, from) in self.gram.chunks_exact_mut(k).zip(sums.g.chunks_exact(stride)) {
            to.copy_from_slice(&from[..k]);
        }
        self.sum = sums.sum;
        self.squares =
            if self.weights.l2 > 0.0 { (0..k).map(|t| self.gram[t * k + t].to_f64()).sum() } else { 0.0 };
        self.step = sums.step;
    }
}

/// Adds finished rows to the Gram matrix and, if asked, to Σ|x|.
fn rows_done<T: Real>(isa: Isa, x: &[T], k: usize, weights: Weights, out: &mut Sums<T>) {
    let view = View::row_major(x, x.len() / k, k).expect("rows of k");
    accumulate(isa, view, x, k, &mut out.g);
    if weights.l1 > 0.0 {
        for row in x.chunks_exact(k) {
            out.sum += row.iter().map(|x| x.to_f64()).sum::<f64>();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::Products;
    use crate::rule::Coordinate;
    use crate::source::DenseSource;

    /// Counts how often each row is visited.
    struct Counting<'a> {
        inner: DenseSource<'a, f64>,
        visits: Vec<AtomicUsize>,
    }

    impl Source<f64> for Counting<'_> {
        type Block<'b>
            = <DenseSource<'b, f64> as Source<f64>>::Block<'b>
        where
            Self: 'b;
        fn rows(&self) -> usize {
            self.inner.rows()
        }
        fn cols(&self) -> usize {
            self.inner.cols()
        }
        fn scratch_len(&self, rows: usize) -> usize {
            self.inner.scratch_len(rows)
        }
        fn block<'b>(&'b self, range: Range<usize>, scratch: &'b mut [f64]) -> Self::Block<'b> {
            for i in range.clone() {
                self.visits[i].fetch_add(1, Ordering::Relaxed);
            }
            self.inner.block(range, scratch)
        }
    }

    #[test]
    fn an_iteration_visits_each_row_once() {
        let (m, n, k) = (1000, 30, 5);
        let data: Vec<f64> = (0..m * n).map(|i| ((i * 37) % 101) as f64).collect();
        let view = View::row_major(&data, m, n).unwrap();
        let inner = DenseSource::new(view, 1.0, Products::Fused).unwrap();
        let source = Counting { inner, visits: (0..m).map(|_| AtomicUsize::new(0)).collect() };
        let factor = |rows: usize| {
            let x = (0..rows * k).map(|i| ((i * 13) % 7) as f64 + 0.5).collect();
            Factor::new(x, k, Weights::default(), 2)
        };
        let layout = Layout { lanes: 8, block: 17, workers: 3 };
        let squares: f64 = data.iter().map(|x| x * x).sum();
        let factors = (factor(m), factor(n));
        let mut pass = Pass::new(&source, Box::new(Coordinate::default()), k, layout, squares, factors);
        let visits = |times: usize| {
            assert!(source.visits.iter().all(|v| v.swap(0, Ordering::Relaxed) == times));
        };
        pass.sweep_outer(false);
        visits(0);
        for _ in 0..3 {
            pass.sweep_inner(true);
            pass.sweep_outer(true);
            assert!(pass.gram_loss() > 0.0);
            visits(1);
        }
        pass.measure(true);
        visits(1);
    }
}
