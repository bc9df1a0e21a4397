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
//! Where the [transpose](Sources) is kept beside S, B is not summed: its rows are Sᵀ's numerators, computed where
//! the update of Y wants them.
//!
//! With [`extrapolation`](super::extrapolation) the same loop works on rows with their copies. The factor that is updated
//! second is then an operand of the other one's update at another point than the objective's. By columns that is the inner
//! one, and a restart costs a half pass for its sums.
//!
//! Nothing is allocated inside an iteration.

use std::sync::Mutex;

use orthant_kernel::{Buffer, Isa, Real, accumulator_stride, allocate, scan as products};

use super::extrapolation::Schedule;
use super::factor::Factor;
use super::lines::Role;
use super::moving::Moving;
use super::pair::{Fixed, Pair};
use super::prepared::Prepared;
use super::projection::Projection;
use super::residual::{Measured, Products, Steps, WideGram};
use super::row_update::{Coupling, Cross, Numerators, RowUpdate, Summed, Work};
use super::sums::GramSums;
use super::visit::{Beside, Mode, Walk, Worker, rows_of_a_moment};
use super::{Alternation, Figures, Layout};
use crate::column_sums::HeavyColumns;
use crate::lanes::Lanes;
use crate::random::{Generator, RandomState};
use crate::ranks::Ranks;
use crate::reduce::{Reducer, split};
use crate::rule::Rule;
use crate::source::{Source, Sources};
use crate::state::{State, restore_made, restore_sums, save_made};
use crate::{Error, scan};

/// The loss in Gram form is not trusted below this many ε·‖S‖²: the residual itself is taken instead.
const CANCELLED: f64 = 256.0;

/// The norms of components, from their Gram matrix.
fn norms<T: Real>(gram: &[T], k: usize) -> impl Iterator<Item = f64> + Clone {
    gram.iter().step_by(k + 1).map(|g| g.to_f64().sqrt())
}

/// The numerators of Y: from rows of the transpose, times X as they read it, or from the sums of the last pass.
fn outer_numerators<'a, T: Real>(
    source: Sources<'a, T>,
    projection: Option<Projection<'a, T>>,
    sums: Option<&'a GramSums<T>>,
    x: &'a Prepared<T>,
    inner: &'a Factor<T>,
    moving: Option<&'a Moving<T>>,
    k: usize,
) -> Numerators<'a, T> {
    let b = sums.map_or(&[][..], |sums| &sums.b);
    if let Some(moving) = moving {
        return Numerators::Summed(b, moving);
    }
    match (source.transpose, projection) {
        (Some(source), _) => Numerators::Computed { source, operand: x.of(inner).y },
        (None, Some(projection)) => Numerators::Lifted(b, projection),
        (None, None) => Numerators::Known(b, accumulator_stride::<T>(k)),
    }
}

/// A factorisation under way: S ≈ X·Yᵀ.
pub(crate) struct Quadratic<'a, T: Real> {
    pub(super) source: Sources<'a, T>,
    /// R, where S is a product L·Rᵀ and the source has the rows of L.
    pub(super) projection: Option<Projection<'a, T>>,
    pub(super) rule: Box<dyn Rule<T>>,
    pub(super) k: usize,
    pub(super) isa: Isa,
    pub(super) workers: usize,
    /// Who share the lanes of S.
    pub(super) ranks: Ranks,
    /// ‖S‖².
    pub(super) squares: f64,
    pub(super) pair: Pair<T>,
    /// S·Y, rows×k, kept from the first pass on where Y does not change, or some components of it do not.
    kept: Vec<T>,
    /// The components of H that are free, where the others are known.
    pub(super) moving: Option<Moving<T>>,
    /// Where the order of the coordinates comes from, if it is drawn.
    shuffle: Option<Generator>,
    /// Whether components whose scales have drifted apart are brought back.
    balances: bool,
    /// Solves that needed a regularised Gram matrix before the fit was gone on with.
    regularized_before: usize,
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
    pub(super) of_inner: Reducer<GramSums<T>>,
    pub(super) of_outer: Reducer<GramSums<T>>,
    pub(super) figures: Reducer<Measured>,
    /// XᵀX and YᵀY in double precision, where the residual is computed by entries.
    pub(super) wide: Option<[Reducer<WideGram>; 2]>,
    /// ⟨S, XYᵀ⟩, where an update knows it.
    cross: f64,
    pub(super) coupling: Coupling<T>,
    pub(super) memory: Vec<Mutex<Worker<T, Work<T>>>>,
}

/// Lanes of the update at the reduce: by 64 rows or more, whatever else.
pub(super) fn outer_lanes(rows: usize) -> Lanes {
    let count = 1 << (rows / 64).clamp(1, crate::lanes::MAX_LANES).ilog2();
    Lanes::even(rows, crate::lanes::short(rows).max(count))
}

impl<'a, T: Real> Quadratic<'a, T> {
    /// `squares` is ‖S‖².
    pub fn new(
        source: Sources<'a, T>,
        rule: Box<dyn Rule<T>>,
        k: usize,
        layout: Layout,
        squares: f64,
        pair: Pair<T>,
    ) -> Self {
        Self::of(source, None, rule, k, layout, squares, pair)
    }

    /// Of L·Rᵀ, which is never formed: `source` has the rows of L. `squares` is ‖L·Rᵀ‖².
    pub fn of_product(
        source: &'a dyn Source<T>,
        projection: Projection<'a, T>,
        rule: Box<dyn Rule<T>>,
        k: usize,
        layout: Layout,
        squares: f64,
        pair: Pair<T>,
    ) -> Self {
        Self::of(Sources::of(source), Some(projection), rule, k, layout, squares, pair)
    }

    fn of(
        source: Sources<'a, T>,
        projection: Option<Projection<'a, T>>,
        rule: Box<dyn Rule<T>>,
        k: usize,
        layout: Layout,
        squares: f64,
        pair: Pair<T>,
    ) -> Self {
        let alone = layout.halt_alone();
        let Layout { block, workers, halt, ranks } = layout;
        let Sources { rows: s, transpose } = source;
        let (extent, isa) = (s.extent(), Isa::detect());
        let cols = projection.map_or(extent.cols, |projection| projection.cols());
        let block = block.min(extent.rows);
        let most = rows_of_a_moment(k, pair.inner.sweeps.max(pair.outer.sweeps));
        let inner = Walk::new(Beside::Rows, s.lanes(), block.min(most), k, &halt);
        let lanes = transpose.map_or_else(|| outer_lanes(cols), |s| s.lanes());
        let outer_block =
            transpose.map_or(lanes.longest(), |s| s.extent().block_rows::<T>(k).min(cols)).max(1);
        let outer = Walk::new(Beside::Columns, lanes, outer_block.min(most), k, &alone);
        let scratch = rule.scratch_len(block.max(outer_block), k).max(block * k);
        let projected = projection.map_or(0, |projection| projection.width());
        // products with a sketch take little, and what is not observed is another at each pass
        let moves =
            projection.is_none() && transpose.is_none() && !extent.partial && pair.fixed == Fixed::Neither;
        let of_h = if pair.by_columns { &pair.inner } else { &pair.outer };
        let moving =
            of_h.limits.as_deref().filter(|_| moves).and_then(|of| Moving::of(Some(of), k, extent.cols));
        let computed = projection.is_some() || transpose.is_some() || moving.is_some();
        let numerators = if computed { block.max(outer_block) } else { block };
        let summed = if transpose.is_some() || pair.fixed == Fixed::Outer { 0 } else { extent.cols };
        let of_b = moving.as_ref().map_or(k, Moving::count);
        let worker = || {
            Mutex::new(Worker {
                rows: s.memory(block),
                transposed: transpose.map(|s| s.memory(outer_block)),
                work: Work {
                    a: Buffer::zeros(numerators * k),
                    rule: allocate::filled(scratch, T::ZERO),
                    residual: allocate::filled(products::residual_scratch_len(k), T::ZERO),
                    row: allocate::filled(if projection.is_some() { cols } else { 0 }, T::ZERO),
                },
            })
        };
        let reducer = |walk: &Walk, cols, of_b, heavy: HeavyColumns| {
            let (count, long) = (walk.lanes.count(), walk.lanes.long());
            Reducer::new(count, workers, || GramSums::new(cols, of_b, k, heavy.clone(), long))
        };
        let of_inner = reducer(&inner, summed, of_b, s.heavy_columns()).over(&ranks);
        let mut quadratic = Self {
            source,
            projection,
            rule,
            k,
            isa,
            workers,
            squares,
            cross: 0.0,
            pair,
            kept: Vec::new(),
            moving,
            shuffle: None,
            balances: false,
            regularized_before: 0,
            exact: false,
            projected: Buffer::zeros(projected * k),
            y: Prepared::strided(&extent, k),
            x: transpose.map_or_else(|| Prepared::as_it_is(k), |s| Prepared::strided(&s.extent(), k)),
            sums: None,
            of_inner,
            of_outer: reducer(&outer, projected, k, HeavyColumns::default()),
            figures: Reducer::new(inner.lanes.count(), workers, Measured::default).over(&ranks),
            wide: None,
            inner,
            outer,
            coupling: Coupling::new(k),
            memory: std::iter::repeat_with(worker).take(workers).collect(),
            ranks,
        };
        quadratic.wide = extent.is_sparse().then(|| quadratic.wide_grams());
        quadratic
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
    fn begin_iteration(&mut self) -> Result<(), Error> {
        if self.balances {
            self.balance();
        }
        match self.pair.begin_iteration() {
            Some(false) if self.pair.inner.has_role(Role::Second) => self.update_inner(Mode::Sum),
            Some(false) if self.projection.is_some() => self.update_outer(Mode::Sum),
            _ => Ok(()),
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

    /// S·Y for all rows, where Y does not change.
    fn keep_numerators(&mut self) -> Result<(), Error> {
        self.y.copy(&self.pair.outer);
        let (k, source) = (self.k, self.source.rows);
        let mut kept = allocate::filled(self.pair.inner.x.len(), T::ZERO);
        let out = split(&mut kept, k, &self.inner.lanes);
        let step = Products { source, operand: self.y.of(&self.pair.outer).y, k, out: &out };
        let lines = self.pair.inner.lines(Mode::Sum, k, &self.inner.lanes);
        let sums = self.inner.visit(&lines, Mode::Sum, &step, &mut self.of_inner, &self.memory)?;
        self.of_inner.give_back(sums);
        drop(out);
        self.kept = kept;
        Ok(())
    }

    /// One pass over S: X updated from Y, if so, then B and G from X.
    pub(super) fn update_inner(&mut self, mode: Mode) -> Result<(), Error> {
        if let Some(sums) = self.sums.take() {
            self.of_inner.give_back(sums);
        }
        let (updates, fixed) = (mode == Mode::Update, self.pair.fixed == Fixed::Outer);
        if updates {
            self.draw_order();
        }
        // what is not observed is another at each pass
        let keeps = fixed && !self.source.rows.extent().partial;
        let by_rows = self.moving.is_some() && !self.pair.by_columns;
        if (keeps || by_rows) && self.kept.is_empty() {
            self.keep_numerators()?;
        }
        self.keep_sums()?;
        let (k, isa, Sources { rows: source, transpose }) = (self.k, self.isa, self.source);
        let Pair { inner, outer, .. } = &mut self.pair;
        let subproblem = self.coupling.subproblem(outer.operand_gram(), inner);
        if updates {
            self.rule.prepare(&subproblem);
            inner.meet(norms(outer.operand_gram(), k));
        }
        if updates && !fixed {
            self.y.copy(outer);
        }
        if let Some(moving) = &mut self.moving {
            moving.take(outer.operand());
        }
        let operand = if self.projection.is_some() { &self.projected } else { self.y.of(outer).y };
        let moving = self.moving.as_ref();
        let limits = inner.limits.clone();
        let crosses = updates && (fixed || inner.has_role(Role::Second) || transpose.is_some());
        let step = RowUpdate {
            numerators: match (keeps, moving) {
                (true, _) => Numerators::Known(&self.kept, k),
                (_, Some(moving)) => Numerators::Free { source, moving, known: &self.kept },
                (false, None) => Numerators::Computed { source, operand },
            },
            rule: &*self.rule,
            subproblem,
            k,
            isa,
            weights: inner.weights,
            limits: limits.as_deref(),
            crosses,
            accumulates: transpose.is_none() && !fixed,
            summed: moving.map_or(Summed::All, |moving| Summed::Free(moving, &self.kept)),
            projection: None,
        };
        let lines = inner.lines(mode, k, &self.inner.lanes);
        let mut sums = self.inner.visit(&lines, mode, &step, &mut self.of_inner, &self.memory)?;
        drop(lines);
        sums.keep_in(inner, k, updates);
        if crosses {
            self.cross = sums.cross;
        }
        if let Some(projection) = &self.projection {
            projection.compact(&mut sums.b, k);
        }
        self.sums = Some(sums);
        Ok(())
    }

    /// The update of Y from B and G, if so, and its Gram matrix.
    pub(super) fn update_outer(&mut self, mode: Mode) -> Result<(), Error> {
        let updates = mode == Mode::Update;
        if updates {
            self.draw_order();
        }
        self.keep_sums()?;
        let (k, isa, transposes) = (self.k, self.isa, self.source.transpose.is_some());
        let Pair { inner, outer, .. } = &mut self.pair;
        let subproblem = self.coupling.subproblem(inner.operand_gram(), outer);
        if updates {
            self.rule.prepare(&subproblem);
            outer.meet(norms(inner.operand_gram(), k));
            if transposes {
                self.x.copy(inner);
            }
        }
        let limits = outer.limits.clone();
        let crosses = updates && transposes;
        let step = RowUpdate {
            numerators: outer_numerators(
                self.source,
                self.projection,
                self.sums.as_ref(),
                &self.x,
                inner,
                self.moving.as_ref(),
                k,
            ),
            rule: &*self.rule,
            subproblem,
            k,
            isa,
            weights: outer.weights,
            limits: limits.as_deref(),
            crosses,
            accumulates: false,
            summed: Summed::All,
            projection: self.projection,
        };
        let lines = outer.lines(mode, k, &self.outer.lanes);
        let mut sums = self.outer.visit(&lines, mode, &step, &mut self.of_outer, &self.memory)?;
        drop(lines);
        sums.keep_in(outer, k, updates);
        if crosses {
            self.cross = sums.cross;
        }
        if let Some(projection) = &self.projection {
            projection.compact(&mut sums.b, k);
            let len = self.projected.len();
            self.projected.copy_from_slice(&sums.b[..len]);
        }
        self.of_outer.give_back(sums);
        Ok(())
    }

    /// ½‖S − XYᵀ‖², from the sums of the last pass and ‖S‖².
    pub(super) fn gram_loss(&mut self) -> Result<f64, Error> {
        let (k, isa) = (self.k, self.isa);
        let Pair { inner, outer, fixed, .. } = &mut self.pair;
        let quadratic: f64 = inner.gram.iter().zip(&outer.gram).map(|(a, b)| a.to_f64() * b.to_f64()).sum();
        let known = *fixed == Fixed::Outer || inner.has_role(Role::Second) || self.source.transpose.is_some();
        if !known {
            let step = Cross {
                numerators: outer_numerators(
                    self.source,
                    self.projection,
                    self.sums.as_ref(),
                    &self.x,
                    inner,
                    self.moving.as_ref(),
                    k,
                ),
                k,
                isa,
            };
            let lines = outer.lines(Mode::Sum, k, &self.outer.lanes);
            let sums = self.outer.visit(&lines, Mode::Sum, &step, &mut self.of_outer, &self.memory)?;
            self.cross = sums.cross;
            self.of_outer.give_back(sums);
        }
        let of_known = match &self.moving {
            Some(moving) if known => moving.cross_of_sums(&outer.x),
            _ => self.sums.as_ref().map_or(0.0, |sums| sums.known),
        };
        // ⟨S, XYᵀ⟩ is of SY where an update knew it
        let completed = self.sums.as_ref().map_or(0.0, |sums| sums.completed[usize::from(!known)]);
        Ok(0.5 * (self.squares + completed - 2.0 * (self.cross + of_known) + quadratic))
    }
}

/// Copies, and products with a factor that does not change, are made anew.
impl<T: Real> State for Quadratic<'_, T> {
    fn save(&self, to: &mut Vec<u8>) {
        self.pair.save(to);
        self.cross.save(to);
        self.exact.save(to);
        self.regularized().save(to);
        save_made(self.shuffle.as_ref(), to);
        save_made(self.sums.as_ref(), to);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        self.pair.restore(from)?;
        self.cross.restore(from)?;
        self.exact.restore(from)?;
        self.regularized_before.restore(from)?;
        restore_made(self.shuffle.as_mut(), from)?;
        restore_sums(&mut self.sums, || self.of_inner.idle(), from)
    }
}

impl<T: Real> Alternation<T> for Quadratic<'_, T> {
    fn pair(&self) -> &Pair<T> {
        &self.pair
    }

    fn pair_mut(&mut self) -> &mut Pair<T> {
        &mut self.pair
    }

    fn sweep_inner(&mut self, update: bool) -> Result<(), Error> {
        self.begin_iteration()?;
        self.update_inner(Mode::updates(update))
    }

    fn sweep_outer(&mut self, update: bool) -> Result<(), Error> {
        self.begin_iteration()?;
        self.update_outer(Mode::updates(update))
    }

    fn sums_last(&self) -> bool {
        !self.source.rows.extent().partial
    }

    fn loss(&mut self) -> Result<f64, Error> {
        let loss = self.gram_loss()?;
        self.exact = loss < CANCELLED * T::EPSILON.to_f64() * self.squares;
        if self.exact { self.exact_loss() } else { Ok(loss) }
    }

    fn exact_loss(&mut self) -> Result<f64, Error> {
        Ok(0.5 * self.measure(Steps::Ignored)?.squares.to_f64())
    }

    fn rounding(&self, loss: f64) -> f64 {
        self.loss_rounding(loss)
    }

    fn step(&self) -> f64 {
        (self.pair.movement() / self.squares).sqrt()
    }

    fn finish(&mut self) -> Result<Figures, Error> {
        self.end_extrapolation()?;
        let fixed = self.pair.fixed;
        let changes = fixed != Fixed::Outer;
        let products = if changes { self.outer_products()? } else { Vec::new() };
        if changes {
            self.clear_empty(&products)?;
        }
        let residual = self.measure(if fixed == Fixed::Inner { Steps::Ignored } else { Steps::Cleared })?;
        let outer = if changes { self.outer_movement(&products) } else { 0.0 };
        Ok(self.of_residual(residual, outer))
    }

    fn stream(&self) -> Option<&RandomState> {
        match &self.shuffle {
            Some(Generator::State(stream)) => Some(stream),
            _ => None,
        }
    }

    fn regularized(&self) -> usize {
        self.regularized_before + self.rule.regularized()
    }

    fn gather(&mut self) -> Result<(), Error> {
        self.pair.inner.gather(&self.ranks, self.k, &self.inner.lanes)
    }

    fn into_pair(self) -> Pair<T> {
        self.pair
    }
}
