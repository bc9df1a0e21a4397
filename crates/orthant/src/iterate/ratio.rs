//! The loop for β-divergences: like [`quadratic`](super::quadratic), but with V itself in both updates.
//!
//! ```text
//! for each lane, for each row block S_b                     S = V by rows, or Vᵀ by columns
//!     P    = X_b Yᵀ                                         tile by tile, never held whole
//!     N, D = (S_b∘P^(β−2))·Y, P^(β−1)·Y
//!     X_b ← rule(X_b; N, D)
//!     P    = X_b Yᵀ                                         with the new X_b
//!     B   += (S_b∘P^(β−2))ᵀ X_b ;  C += (P^(β−1))ᵀ X_b
//! reduce (B, C)                                             lanes, in a fixed tree
//! Y ← rule(Y; B, C)                                         rows of Y, side by side
//! ```
//!
//! Kullback–Leibler by [Newton's steps](crate::rule::newton) needs V itself for Y too: the rows of a block take their sweeps
//! where N, D and the rule stand, nothing is summed, and the reduce does the same with rows of Sᵀ, of the transpose below.
//!
//! The loss is a by-product: by columns of the P that B and C are of; by rows it makes the N and D that the next update
//! begins with. An iteration has two products XYᵀ, loss included; by rows it reads V twice, by columns once. With
//! [`extrapolation`](super::extrapolation) the same loop works on rows with their copies.
//!
//! For β = 1 D and C are column sums of Y and of X, and there is only one accumulator; and where the
//! [transpose](crate::source::Source::transpose) is kept beside S there is none: B are the numerators of Sᵀ, computed where the
//! update of Y wants them. The sequence is W₁, H₁, W₂, … by rows and by columns, as in `quadratic`. Nothing is allocated inside
//! an iteration.

use std::sync::{Mutex, PoisonError};

use orthant_kernel::rows::{Least, Step};
use orthant_kernel::{Buffer, Isa, Real, accumulator_stride, divergence};

use super::extrapolation::Schedule;
use super::factor::Factor;
use super::lines::{Lines, Role, plain_lines};
use super::majorize::{Majorize, Rows, Wanted, Work};
use super::newton::Newton;
use super::pair::{Fixed, Pair};
use super::prepared::Prepared;
use super::quadratic::outer_lanes;
use super::sums::{Columns, RatioSums};
use super::visit::{Beside, HalfStep, Mode, Span, Walk, Worker};
use super::{Alternation, Figures, Layout};
use crate::Error;
use crate::ranks::Ranks;
use crate::reduce::{Reducer, Slots, split};
use crate::rule::Majorizer;
use crate::source::{Packed, Rows as SourceRows, Source, Sources};
use crate::state::{State, restore_sums, save_made};

/// The loss, and on the way N and D of the next update of X.
struct Loss<'a, 'n, T: Real> {
    source: &'a dyn Source<T>,
    rule: Majorizer<T>,
    y: Packed<'a, T>,
    /// N and D of each lane, if they are wanted.
    next: Option<[&'a Slots<&'n mut [T]>; 2]>,
}

impl<T: Real> HalfStep<T> for Loss<'_, '_, T> {
    type Work = Work<T>;
    type Sums = f64;

    fn source(&self) -> Option<&dyn Source<T>> {
        Some(self.source)
    }

    fn opposite(&self) -> (&[T], T) {
        (self.y.y, self.rule.beta.floor())
    }

    fn sums_rows(&self) -> bool {
        true
    }

    fn sums(
        &self,
        at: &Span,
        s: Option<&mut SourceRows<'_, T>>,
        x: &Lines<'_, T>,
        work: &mut Work<T>,
        loss: &mut f64,
    ) {
        let (s, beta, tiles) = (s.expect("rows are read"), &self.rule.beta, &mut work.tiles);
        let Some(next) = self.next else {
            *loss = s.divergence(beta, x.x, self.y, tiles, *loss);
            return;
        };
        let [mut n, mut d] = next.map(|all| all[at.lane].lock().unwrap_or_else(PoisonError::into_inner));
        let d = d.get_mut(at.of_lane.clone()).unwrap_or_default();
        s.ratio_numerators(beta, x.x, self.y, &mut n[at.of_lane.clone()], d, tiles, Some(loss));
    }
}

/// A factorisation under way: S ≈ X·Yᵀ.
pub(crate) struct Ratio<'a, T: Real> {
    source: Sources<'a, T>,
    rule: Majorizer<T>,
    /// Steps by Newton instead, which needs the transpose.
    newton: bool,
    k: usize,
    isa: Isa,
    /// ΣS^β.
    size: f64,
    pair: Pair<T>,
    /// β is computed at the entries of S.
    by_entries: bool,
    /// What becomes of small entries of X, and of Y.
    least: [Least<T>; 2],
    /// Sweeps of the plain rule, with which an extrapolated fit begins.
    plain_sweeps: usize,
    inner_columns: Columns<T>,
    outer_columns: Columns<T>,
    /// N and D at X and Y, rows×k, where a loss makes them on the way, and whether they are known: the next update of X needs
    /// them.
    next: [Buffer<T>; 2],
    next_is_known: bool,
    /// The loss at X and Y, where a pass has made it on the way; and whether every pass is to.
    loss: Option<f64>,
    loss_is_due: bool,
    /// Y as blocks of S read it, and X as blocks of the transpose do.
    y: Prepared<T>,
    x: Prepared<T>,
    inner: Walk,
    outer: Walk,
    sums: Option<RatioSums<T>>,
    of_inner: Reducer<RatioSums<T>>,
    of_outer: Reducer<RatioSums<T>>,
    losses: Reducer<f64>,
    /// Who share the lanes of S.
    ranks: Ranks,
    memory: Vec<Mutex<Worker<T, Work<T>>>>,
}

impl<'a, T: Real> Ratio<'a, T> {
    /// `size` is ΣS^β.
    pub fn new(
        source: Sources<'a, T>,
        rule: Majorizer<T>,
        newton: bool,
        k: usize,
        layout: Layout,
        size: f64,
        pair: Pair<T>,
    ) -> Self {
        let alone = layout.halt_alone();
        let Layout { block, workers, halt, ranks } = layout;
        let Sources { rows: s, transpose } = source;
        let (extent, isa) = (s.extent(), Isa::detect());
        let (rows, cols) = (extent.rows, extent.cols);
        let (both, block) = (!rule.beta.is_kullback_leibler(), block.min(rows));
        let (fixed, by_columns) = (pair.fixed, pair.by_columns);
        // Newton's steps take row by row as long as a block of other steps
        let most = if newton { 16 } else { usize::MAX };
        let inner = Walk::new(Beside::Rows, s.lanes(), block.min(most), k, &halt);
        let lanes = transpose.map_or_else(|| outer_lanes(cols), |s| s.lanes());
        let outer_block = transpose.map_or(block, |s| s.extent().block_rows::<T>(k).min(cols)).max(1);
        let outer = Walk::new(Beside::Columns, lanes, outer_block.min(most), k, &alone);
        let summed = if fixed == Fixed::Outer || transpose.is_some() { 0 } else { cols };
        let by_entries = extent.by_entries(&rule.beta);
        debug_assert!(
            !newton || transpose.is_some() || fixed == Fixed::Outer,
            "Newton's steps of Y need rows of the transpose"
        );
        debug_assert!(transpose.is_none() || !both, "the transpose has numerators of Kullback–Leibler");
        let newton_len = match newton {
            true => extent.newton_len(k).max(transpose.map_or(0, |s| s.extent().newton_len(k))),
            false => 0,
        };
        let prepared = |s: &dyn Source<T>, rows| match by_entries {
            true => Prepared::strided(&s.extent(), k),
            false => Prepared::tiles(rows, k),
        };
        let memory = |s: &dyn Source<T>, rows| s.memory(rows).for_divergence(&s.extent(), rows, &rule.beta);
        let worker = || {
            let numerators = || Buffer::zeros(block.max(outer_block) * k);
            Mutex::new(Worker {
                rows: memory(s, block),
                transposed: transpose.map(|s| memory(s, outer_block)),
                work: Work {
                    n: numerators(),
                    d: if both { numerators() } else { Buffer::default() },
                    tiles: Buffer::zeros(divergence::scratch_len(k).max(newton_len)),
                },
            })
        };
        let lanes = inner.lanes.count();
        Self {
            source,
            rule,
            newton,
            k,
            isa,
            size,
            by_entries,
            least: [rule.least(by_columns), rule.least(!by_columns)],
            plain_sweeps: 1,
            inner_columns: Columns::of(if by_entries { &pair.inner.x } else { &[] }, k),
            outer_columns: Columns::new(k),
            next: [Buffer::default(), Buffer::default()],
            next_is_known: false,
            loss: None,
            loss_is_due: by_columns || newton && fixed == Fixed::Outer,
            y: prepared(s, cols),
            x: transpose.map_or_else(|| Prepared::as_it_is(k), |s| prepared(s, rows)),
            sums: None,
            of_inner: Reducer::new(lanes, workers, || RatioSums::new(summed, k, both, s.heavy_columns()))
                .over(&ranks),
            of_outer: Reducer::new(outer.lanes.count(), workers, || {
                RatioSums::new(0, k, both, Default::default())
            }),
            losses: Reducer::new(lanes, workers, || 0.0).over(&ranks),
            ranks,
            pair,
            inner,
            outer,
            memory: std::iter::repeat_with(worker).take(workers).collect(),
        }
    }

    /// Extrapolating both factors: majorisation from where the objective is of, Newton's steps of the first to be updated.
    /// The plain rule, with which that begins, takes `plain_sweeps` sweeps.
    #[must_use]
    pub fn extrapolated(mut self, schedule: Schedule, plain_sweeps: usize) -> Self {
        self.plain_sweeps = plain_sweeps;
        let k = self.k;
        self.pair.extrapolate(schedule, k, [false, true].map(|of_h| self.rule.least(of_h).raise));
        let Pair { inner, outer, .. } = &self.pair;
        for (factor, reducer) in [(inner, &mut self.of_inner), (outer, &mut self.of_outer)] {
            if factor.has_role(Role::Second) {
                reducer.each(|sums| sums.operand_columns = vec![0.0; k]);
            }
        }
        self
    }

    /// Begins an iteration, if one has been judged since. A restart computes anew what belongs to the best pair.
    fn begin_iteration(&mut self) -> Result<(), Error> {
        let Some(accepted) = self.pair.begin_iteration() else { return Ok(()) };
        self.y.keep(accepted && !self.pair.outer.has_role(Role::Second));
        if !accepted {
            self.forget()?;
            if self.pair.by_columns && self.source.transpose.is_none() {
                return self.update_inner(Mode::Sum, Wanted { sums: true, ..Wanted::default() });
            }
        }
        Ok(())
    }

    /// Forgets what is known of the factors but themselves.
    fn forget(&mut self) -> Result<(), Error> {
        self.pair.inner.gather(&self.ranks, self.k, &self.inner.lanes)?;
        self.inner_columns.take_rows(self.pair.inner.operand());
        self.outer_columns.take_rows(self.pair.outer.operand());
        self.y.keep(false);
        (self.next_is_known, self.loss) = (false, None);
        Ok(())
    }

    /// Ends extrapolation with the best pair in place.
    fn end_extrapolation(&mut self) -> Result<(), Error> {
        if self.pair.finish().is_none() {
            return Ok(());
        }
        if let Some(sums) = self.sums.take() {
            self.of_inner.give_back(sums);
        }
        self.of_inner.each(|sums| sums.operand_columns = Vec::new());
        self.of_outer.each(|sums| sums.operand_columns = Vec::new());
        self.forget()
    }

    /// Raises small results of the inner factor to `negligible`, whatever the rule makes of them.
    pub fn keep_from(&mut self, negligible: T) {
        self.least[0] = Least { zero: T::ZERO, raise: negligible };
    }

    /// Asks for the loss right after each update of X, before that of Y.
    pub fn ask_for_loss(&mut self) {
        self.loss_is_due = true;
    }

    /// What the last pass has summed for the update of Y: B and C with rows
    /// [`accumulator_stride`] apart, and the column sums of X.
    pub fn sums_of_outer(&self) -> (&[T], &[T], &[T]) {
        let sums = self.summed();
        (&sums.b, &sums.c, &self.inner_columns.elements)
    }

    /// Sweeps over a factor: one where its steps are only measured.
    fn sweeps(&self, factor: &Factor<T>, mode: Mode) -> usize {
        match self.pair.schedule {
            _ if mode != Mode::Update => 1,
            Some(schedule) if schedule.is_plain() => self.plain_sweeps,
            _ => factor.sweeps,
        }
    }

    /// Whether the rule that descends is to be taken.
    fn is_careful(&self) -> bool {
        self.pair.schedule.is_none_or(|schedule| schedule.is_careful())
    }

    /// One pass over S: the steps of X, and then what is wanted of them.
    fn update_inner(&mut self, mode: Mode, wanted: Wanted) -> Result<(), Error> {
        self.y.refresh(&self.pair.outer);
        if let Some(sums) = self.sums.take() {
            self.of_inner.give_back(sums);
        }
        let (k, isa, rule, source) = (self.k, self.isa, self.rule, self.source);
        let (sweeps, careful) = (self.sweeps(&self.pair.inner, mode), self.is_careful());
        let (columns, updates) = (&self.outer_columns, mode == Mode::Update);
        let Pair { inner, outer, .. } = &mut self.pair;
        if updates {
            inner.meet(columns.sizes());
        }
        let (y, weights, limits) = (self.y.of(outer), inner.weights, inner.limits.clone());
        let limits = limits.as_deref();
        let lines = inner.lines(mode, k, &self.inner.lanes);
        let sums = if self.newton {
            let (with_loss, loss_after) = (wanted.loss && updates, wanted.loss && !updates);
            let columns = &columns.elements;
            let source = Some(source.rows);
            let step = Newton { source, y, columns, rule, weights, limits, sweeps, with_loss, loss_after };
            self.inner.visit(&lines, mode, &step, &mut self.of_inner, &self.memory)?
        } else {
            let known = |all| Rows { all, stride: k };
            let next = self.next_is_known.then_some(&self.next);
            let shared = rule.beta.is_kullback_leibler();
            let step = Majorize {
                source: Some(source.rows),
                y,
                n: next.map(|[n, _]| known(n)),
                d: match shared {
                    true => Some(Rows { all: &columns.elements, stride: 0 }),
                    false => next.map(|[_, d]| known(d)),
                },
                rule,
                majorant: rule.majorant(weights.elements().1, careful),
                least: self.least[0],
                weights,
                limits,
                wanted: Wanted { sums: wanted.sums && source.transpose.is_none(), ..wanted },
                isa,
            };
            self.inner.visit(&lines, mode, &step, &mut self.of_inner, &self.memory)?
        };
        drop(lines);
        self.inner_columns.take(&sums, updates);
        self.next_is_known &= !updates;
        self.loss = wanted.loss.then(|| sums.loss + self.away_from_entries());
        self.sums = Some(sums);
        Ok(())
    }

    /// The steps of Y, from the sums of the last pass or in one over rows of the transpose.
    fn update_outer(&mut self, mode: Mode) -> Result<Step, Error> {
        let (k, isa, rule) = (self.k, self.isa, self.rule);
        let (sweeps, careful) = (self.sweeps(&self.pair.outer, mode), self.is_careful());
        let (columns, updates) = (&self.inner_columns, mode == Mode::Update);
        let Pair { inner, outer, fixed, by_columns, .. } = &mut self.pair;
        if updates {
            outer.meet(columns.sizes());
        }
        let with_loss = self.newton && updates && (!*by_columns || *fixed == Fixed::Inner);
        let source = self.source.transpose.filter(|_| mode != Mode::Sum);
        if source.is_some() {
            self.x.copy(inner);
        }
        let (x, weights, limits) = (self.x.of(inner), outer.weights, outer.limits.clone());
        let limits = limits.as_deref();
        let lines = outer.lines(mode, k, &self.outer.lanes);
        let sums = if self.newton {
            let columns = &columns.elements;
            let step =
                Newton { source, y: x, columns, rule, weights, limits, sweeps, with_loss, loss_after: false };
            self.outer.visit(&lines, mode, &step, &mut self.of_outer, &self.memory)?
        } else {
            let stride = accumulator_stride::<T>(k);
            let (b, c) = self.sums.as_ref().map_or((&[][..], &[][..]), |s| (&s.b[..], &s.c[..]));
            let step = Majorize {
                source,
                y: x,
                n: source.is_none().then_some(Rows { all: b, stride }),
                d: Some(match rule.beta.is_kullback_leibler() {
                    true => Rows { all: &columns.elements, stride: 0 },
                    false => Rows { all: c, stride },
                }),
                rule,
                majorant: rule.majorant(weights.elements().1, careful),
                least: self.least[1],
                weights,
                limits,
                wanted: Wanted::default(),
                isa,
            };
            self.outer.visit(&lines, mode, &step, &mut self.of_outer, &self.memory)?
        };
        drop(lines);
        self.outer_columns.take(&sums, updates);
        let step = sums.step;
        if mode != Mode::Measure {
            sums.keep_in(outer);
        }
        self.y.keep(!updates);
        if updates {
            let loss = with_loss.then(|| sums.loss + self.away_from_entries());
            (self.next_is_known, self.loss) = (false, loss);
        }
        self.of_outer.give_back(sums);
        Ok(step)
    }

    /// The loss at the factors as they stand, without floors under P.
    fn unfloored_loss(&mut self) -> Result<f64, Error> {
        let (beta, due) = (self.rule.beta, self.loss_is_due);
        self.rule.beta = beta.unfloored();
        (self.loss, self.loss_is_due) = (None, true);
        let loss = self.exact_loss();
        (self.rule.beta, self.loss_is_due) = (beta, due);
        loss
    }

    /// Room for N and D of the next update.
    fn numerators(&self) -> [Buffer<T>; 2] {
        let len = self.pair.inner.x.len();
        [len, if self.rule.beta.is_kullback_leibler() { 0 } else { len }].map(Buffer::zeros)
    }

    /// What a loss at the entries leaves out: ΣP.
    fn away_from_entries(&self) -> f64 {
        if self.by_entries { self.inner_columns.product(&self.outer_columns) } else { 0.0 }
    }

    fn summed(&self) -> &RatioSums<T> {
        self.sums.as_ref().expect("a pass came before")
    }
}

/// Elements of the numerators and denominators that a loss leaves for the next update of `rows` rows.
pub(super) fn numerators_len(rows: usize, k: usize, both: bool, by_columns: bool, newton: bool) -> usize {
    if by_columns || newton { 0 } else { rows * k * if both { 2 } else { 1 } }
}

/// What a divergence of data of that size is known to.
pub(super) fn rounding<T: Real>(size: f64) -> f64 {
    4.0 * (T::EPSILON.to_f64() * T::EPSILON.to_f64()).max(f64::EPSILON) * size
}

/// Copies are made anew.
impl<T: Real> State for Ratio<'_, T> {
    fn save(&self, to: &mut Vec<u8>) {
        self.pair.save(to);
        self.inner_columns.save(to);
        self.outer_columns.save(to);
        self.loss.save(to);
        save_made(self.sums.as_ref(), to);
        self.next_is_known.save(to);
        if self.next_is_known {
            self.next.iter().for_each(|all| all.save(to));
        }
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        self.pair.restore(from)?;
        self.inner_columns.restore(from)?;
        self.outer_columns.restore(from)?;
        self.loss.restore(from)?;
        restore_sums(&mut self.sums, || self.of_inner.idle(), from)?;
        self.next_is_known.restore(from)?;
        self.y.keep(false);
        if self.next_is_known {
            self.next = self.numerators();
            self.next.iter_mut().try_for_each(|all| all.restore(from))?;
        }
        Ok(())
    }
}

impl<T: Real> Alternation<T> for Ratio<'_, T> {
    fn pair(&self) -> &Pair<T> {
        &self.pair
    }

    fn pair_mut(&mut self) -> &mut Pair<T> {
        &mut self.pair
    }

    fn sweep_inner(&mut self, update: bool) -> Result<(), Error> {
        self.begin_iteration()?;
        // by columns the sums are of the factors that the loss is of
        let changes = self.pair.fixed != Fixed::Outer;
        let summed = self.source.transpose.is_none() && changes;
        let loss = update && self.loss_is_due && (summed || self.newton);
        self.update_inner(Mode::updates(update), Wanted { sums: changes, loss, updated: false })?;
        self.sums.as_ref().expect("the pass's").keep_in(&mut self.pair.inner);
        Ok(())
    }

    fn sweep_outer(&mut self, update: bool) -> Result<(), Error> {
        self.begin_iteration()?;
        self.update_outer(Mode::updates(update))?;
        Ok(())
    }

    fn loss(&mut self) -> Result<f64, Error> {
        self.exact_loss()
    }

    fn exact_loss(&mut self) -> Result<f64, Error> {
        if let Some(loss) = self.loss {
            return Ok(loss.max(0.0));
        }
        self.y.refresh(&self.pair.outer);
        // by rows the next update begins with the P that the loss is of
        let primes_next = !self.loss_is_due && !self.newton;
        let k = self.k;
        if primes_next && self.next[0].is_empty() {
            self.next = self.numerators();
        }
        let lanes = &self.inner.lanes;
        let [n, d] = self.next.each_mut().map(|all| {
            let width = if primes_next && !all.is_empty() { k } else { 0 };
            split(all, width, lanes)
        });
        let Pair { inner, outer, .. } = &mut self.pair;
        let next = primes_next.then_some([&n, &d]);
        let step = Loss { source: self.source.rows, rule: self.rule, y: self.y.of(outer), next };
        // the rows of the last update, whatever an extrapolation has made of them
        let lines = plain_lines(&mut inner.x, k, lanes);
        let loss = self.inner.visit(&lines, Mode::Sum, &step, &mut self.losses, &self.memory)?;
        drop((lines, n, d));
        self.next_is_known = primes_next;
        self.losses.give_back(loss);
        Ok((loss + self.away_from_entries()).max(0.0))
    }

    fn rounding(&self, _loss: f64) -> f64 {
        rounding::<T>(self.size)
    }

    fn step(&self) -> f64 {
        self.pair.movement() / self.size
    }

    fn finish(&mut self) -> Result<Figures, Error> {
        self.end_extrapolation()?;
        let fixed = self.pair.fixed;
        let mode = if fixed == Fixed::Inner { Mode::Sum } else { Mode::Measure };
        self.update_inner(mode, Wanted { sums: fixed != Fixed::Outer, loss: true, updated: false })?;
        let of_x = self.summed().step.movement;
        let floored = self.loss.expect("the pass made it").max(0.0);
        let whole = if self.rule.floors_tell() { self.unfloored_loss()? } else { floored };
        // a power of next to nothing can leave the range
        let loss = if whole.is_finite() { whole } else { floored };
        let of_y = if fixed == Fixed::Outer { 0.0 } else { self.update_outer(Mode::Measure)?.movement };
        Ok(Figures { loss, remaining: (of_x + of_y) / self.size })
    }

    fn gather(&mut self) -> Result<(), Error> {
        let (ranks, k, lanes) = (&self.ranks, self.k, &self.inner.lanes);
        self.pair.inner.gather(ranks, k, lanes)?;
        self.next.iter_mut().try_for_each(|all| ranks.gather(all, k, lanes))
    }

    fn into_pair(self) -> Pair<T> {
        self.pair
    }
}
