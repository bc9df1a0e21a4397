//! The loop for Kullback–Leibler with both factors majorised at once: one P = XYᵀ an iteration.
//!
//! ```text
//! for each lane, for each row block S_b                     S = V by rows, or Vᵀ by columns
//!     P   = X_b Yᵀ                                          tile by tile, never held whole
//!     N   = (S_b∘P⁻¹)·Y ;  B += (S_b∘P⁻¹)ᵀ X_b ;  F += d₁(S_b | P)
//! reduce B and F                                            lanes, in a fixed tree
//! is F accepted?                                            or back to the best pair, and the pass again
//! W ← rule(W; its sums, ΣH)                                 rows of a factor, side by side
//! H ← rule(H; its sums, ΣW)                                 likewise; ΣW is the new one's
//! ```
//!
//! N and B are of the same X and Y: with v shared among components as p is, D(V | XYᵀ) is majorised in both factors together,
//! and the rule makes that least in W and then in H. The numerators of H do not see the new W, as those of
//! [`ratio`](super::ratio) do. In return an iteration has one product XYᵀ in place of two: 6zk flops with z elements or
//! entries, loss included, and one read of V.
//!
//! With [`extrapolation`](super::extrapolation) the objective is of the factors where the pass finds them, so that a verdict is
//! there before anything is updated. A restart needs the pass again, for the best pair.
//!
//! By rows and by columns the sequence is W₁, H₁, W₂, …, though both are at hand. A transpose that is kept beside S would
//! want a P of its own and is not used. Nothing is allocated inside an iteration.
//!
//! Marmin, Goulart & Févotte, Joint majorization-minimization for nonnegative matrix factorization with the β-divergence,
//! Signal Processing 209, 2023, arXiv:2106.15214.

use std::sync::{Mutex, PoisonError};

use orthant_kernel::{Buffer, Isa, Real, accumulator_stride, divergence};

use super::extrapolation::Schedule;
use super::lines::Lines;
use super::majorize::{Majorize, Rows, Wanted, Work};
use super::pair::Pair;
use super::prepared::Prepared;
use super::quadratic::outer_lanes;
use super::ratio::rounding;
use super::sums::{Columns, RatioSums};
use super::visit::{Beside, HalfStep, Mode, Span, Walk, Worker};
use super::{Alternation, Figures, Layout};
use crate::Error;
use crate::column_sums::HeavyColumns;
use crate::ranks::Ranks;
use crate::reduce::{Reducer, Slots, split};
use crate::rule::Majorizer;
use crate::source::{Packed, Rows as SourceRows, Source};
use crate::state::{State, restore_sums, save_made};

/// One of the factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Inner,
    Outer,
}

/// N, B and the loss, all of one P.
struct Look<'a, 'n, T: Real> {
    source: &'a dyn Source<T>,
    rule: Majorizer<T>,
    y: Packed<'a, T>,
    n: &'a Slots<&'n mut [T]>,
}

impl<T: Real> HalfStep<T> for Look<'_, '_, T> {
    type Work = Work<T>;
    type Sums = RatioSums<T>;

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
        sums: &mut RatioSums<T>,
    ) {
        let mut n = self.n[at.lane].lock().unwrap_or_else(PoisonError::into_inner);
        let n = &mut n[at.of_lane.clone()];
        let s = s.expect("rows are read");
        s.ratio_joint(&self.rule.beta, x.x, self.y, n, &mut sums.b, &mut work.tiles, &mut sums.loss);
    }
}

/// A factorisation under way: S ≈ X·Yᵀ.
pub(crate) struct Joint<'a, T: Real> {
    source: &'a dyn Source<T>,
    rule: Majorizer<T>,
    k: usize,
    isa: Isa,
    /// ΣS.
    size: f64,
    pair: Pair<T>,
    /// The loss is computed at the entries of S.
    by_entries: bool,
    inner_columns: Columns<T>,
    outer_columns: Columns<T>,
    /// N at X and Y, rows×k, …
    n: Buffer<T>,
    /// … B, …
    sums: Option<RatioSums<T>>,
    /// … and the loss, while both factors are as the pass has read them.
    loss: Option<f64>,
    /// Y as blocks read it.
    y: Prepared<T>,
    inner: Walk,
    outer: Walk,
    /// Who share the lanes of S.
    ranks: Ranks,
    looks: Reducer<RatioSums<T>>,
    of_inner: Reducer<RatioSums<T>>,
    of_outer: Reducer<RatioSums<T>>,
    memory: Vec<Mutex<Worker<T, Work<T>>>>,
}

impl<'a, T: Real> Joint<'a, T> {
    /// `size` is ΣS.
    pub fn new(
        source: &'a dyn Source<T>,
        rule: Majorizer<T>,
        k: usize,
        layout: Layout,
        size: f64,
        pair: Pair<T>,
    ) -> Self {
        let alone = layout.halt_alone();
        let Layout { block, workers, halt, ranks } = layout;
        let (extent, isa) = (source.extent(), Isa::detect());
        let (rows, cols) = (extent.rows, extent.cols);
        let (block, by_entries) = (block.min(rows).max(1), extent.by_entries(&rule.beta));
        debug_assert!(rule.beta.is_kullback_leibler(), "P⁰ is 1");
        let inner = Walk::new(Beside::Rows, source.lanes(), block, k, &halt);
        let outer = Walk::new(Beside::Columns, outer_lanes(cols), block, k, &alone);
        let worker = || {
            Mutex::new(Worker {
                rows: source.memory(block),
                transposed: None,
                work: Work {
                    n: Buffer::default(),
                    d: Buffer::default(),
                    tiles: Buffer::zeros(if by_entries { 0 } else { divergence::scratch_len(k) }),
                },
            })
        };
        let reducer = |walk: &Walk, cols, heavy: HeavyColumns| {
            Reducer::new(walk.lanes.count(), workers, || RatioSums::new(cols, k, false, heavy.clone()))
        };
        Self {
            source,
            rule: rule.joint(),
            k,
            isa,
            size,
            by_entries,
            inner_columns: Columns::of(&pair.inner.x, k),
            outer_columns: Columns::of(&pair.outer.x, k),
            n: Buffer::zeros(rows * k),
            sums: None,
            loss: None,
            y: if by_entries { Prepared::strided(&extent, k) } else { Prepared::tiles(cols, k) },
            looks: reducer(&inner, cols, source.heavy_columns()).over(&ranks),
            of_inner: reducer(&inner, 0, HeavyColumns::default()).over(&ranks),
            of_outer: reducer(&outer, 0, HeavyColumns::default()),
            memory: std::iter::repeat_with(worker).take(workers).collect(),
            pair,
            inner,
            outer,
            ranks,
        }
    }

    /// Extrapolating both factors, from where the objective is of.
    #[must_use]
    pub fn extrapolated(mut self, schedule: Schedule) -> Self {
        let k = self.k;
        self.pair.extrapolate(schedule, k, [false, true].map(|of_h| self.rule.least(of_h).raise));
        // W goes on from where its update has led, but the denominators of H are the sums of that
        let first = if self.pair.by_columns { &mut self.of_outer } else { &mut self.of_inner };
        first.each(|sums| sums.operand_columns = vec![0.0; k]);
        self
    }

    /// The factor that an iteration updates first: W.
    fn first(&self) -> Which {
        if self.pair.by_columns { Which::Outer } else { Which::Inner }
    }

    /// Forgets what a pass has made of other factors.
    fn forget(&mut self) -> Result<(), Error> {
        self.pair.inner.gather(&self.ranks, self.k, &self.inner.lanes)?;
        self.inner_columns.take_rows(&self.pair.inner.x);
        self.outer_columns.take_rows(&self.pair.outer.x);
        self.loss = None;
        Ok(())
    }

    /// Ends extrapolation with the best pair in place.
    fn end_extrapolation(&mut self) -> Result<(), Error> {
        let Some(accepted) = self.pair.finish() else { return Ok(()) };
        self.of_inner.each(|sums| sums.operand_columns = Vec::new());
        self.of_outer.each(|sums| sums.operand_columns = Vec::new());
        let loss = self.loss.filter(|_| accepted);
        self.forget()?;
        self.loss = loss;
        Ok(())
    }

    /// The pass over S, unless the factors are as the last one has read them: the loss, N and B.
    fn look(&mut self) -> Result<f64, Error> {
        if let Some(loss) = self.loss {
            return Ok(loss);
        }
        if let Some(sums) = self.sums.take() {
            self.looks.give_back(sums);
        }
        let (k, lanes, Pair { inner, outer, .. }) = (self.k, &self.inner.lanes, &mut self.pair);
        self.y.copy(outer);
        let n = split(&mut self.n, k, lanes);
        let step = Look { source: self.source, rule: self.rule, y: self.y.of(outer), n: &n };
        let lines = inner.lines(Mode::Sum, k, lanes);
        let sums = self.inner.visit(&lines, Mode::Sum, &step, &mut self.looks, &self.memory)?;
        drop((lines, n));
        // a loss at the entries leaves ΣP out
        let rest = if self.by_entries { self.inner_columns.product(&self.outer_columns) } else { 0.0 };
        let loss = (sums.loss + rest).max(0.0);
        self.sums = Some(sums);
        self.loss = Some(loss);
        Ok(loss)
    }

    /// Goes through the rows of a factor. What moves them has been made by a pass, and is there until the next.
    fn rows(&mut self, which: Which, mode: Mode) -> Result<(), Error> {
        let (k, isa, rule) = (self.k, self.isa, self.rule);
        let b = self.sums.as_ref().map_or(&[][..], |sums| &sums.b);
        let Pair { inner, outer, schedule, by_columns, .. } = &mut self.pair;
        let (factor, n, columns, other, walk, reducer) = match which {
            Which::Inner => {
                let (columns, other) = (&mut self.inner_columns, &self.outer_columns);
                let n = Rows { all: &self.n, stride: k };
                (inner, n, columns, other, &self.inner, &mut self.of_inner)
            }
            Which::Outer => {
                let (columns, other) = (&mut self.outer_columns, &self.inner_columns);
                let n = Rows { all: b, stride: accumulator_stride::<T>(k) };
                (outer, n, columns, other, &self.outer, &mut self.of_outer)
            }
        };
        let of_h = *by_columns == (which == Which::Inner);
        let weights = factor.weights;
        let updates = mode == Mode::Update;
        let step = Majorize {
            source: None,
            y: Packed { y: &[], packed: &[], k },
            n: Some(n),
            d: Some(Rows { all: &other.elements, stride: 0 }),
            rule,
            // further than the majorant's minimum only with momentum
            majorant: rule.majorant(weights.elements().1, schedule.is_none_or(|s| s.beta == 0.0)),
            least: rule.least(of_h),
            weights,
            limits: None,
            wanted: Wanted { updated: updates && schedule.is_some() && !of_h, ..Wanted::default() },
            isa,
        };
        let lines = factor.lines(mode, k, &walk.lanes);
        let sums = walk.visit(&lines, mode, &step, reducer, &self.memory)?;
        drop(lines);
        columns.take(&sums, updates);
        if mode == Mode::Measure {
            factor.step = sums.step;
        } else {
            sums.keep_in(factor);
        }
        reducer.give_back(sums);
        Ok(())
    }

    fn sweep(&mut self, which: Which, update: bool) -> Result<(), Error> {
        if !update {
            return self.rows(which, Mode::Sum);
        }
        if which == self.first() {
            if self.pair.begin_iteration() == Some(false) {
                self.forget()?;
            }
            self.look()?;
        }
        self.loss = None;
        self.rows(which, Mode::Update)
    }
}

/// Elements of the numerators of a factor with `rows` rows.
pub(super) fn numerators_len(rows: usize, k: usize) -> usize {
    rows * k
}

/// Copies are made anew.
impl<T: Real> State for Joint<'_, T> {
    fn save(&self, to: &mut Vec<u8>) {
        self.pair.save(to);
        self.inner_columns.save(to);
        self.outer_columns.save(to);
        self.n.save(to);
        self.loss.save(to);
        save_made(self.sums.as_ref(), to);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        self.pair.restore(from)?;
        self.inner_columns.restore(from)?;
        self.outer_columns.restore(from)?;
        self.n.restore(from)?;
        self.loss.restore(from)?;
        restore_sums(&mut self.sums, || self.looks.idle(), from)
    }
}

impl<T: Real> Alternation<T> for Joint<'_, T> {
    fn pair(&self) -> &Pair<T> {
        &self.pair
    }

    fn pair_mut(&mut self) -> &mut Pair<T> {
        &mut self.pair
    }

    fn sweep_inner(&mut self, update: bool) -> Result<(), Error> {
        self.sweep(Which::Inner, update)
    }

    fn sweep_outer(&mut self, update: bool) -> Result<(), Error> {
        self.sweep(Which::Outer, update)
    }

    fn loss(&mut self) -> Result<f64, Error> {
        self.look()
    }

    fn exact_loss(&mut self) -> Result<f64, Error> {
        self.look()
    }

    fn rounding(&self, _loss: f64) -> f64 {
        rounding::<T>(self.size)
    }

    fn step(&self) -> f64 {
        self.pair.movement() / self.size
    }

    fn finish(&mut self) -> Result<Figures, Error> {
        self.end_extrapolation()?;
        let loss = self.look()?;
        self.rows(Which::Inner, Mode::Measure)?;
        self.rows(Which::Outer, Mode::Measure)?;
        Ok(Figures { loss, remaining: self.step() })
    }

    fn gather(&mut self) -> Result<(), Error> {
        let (ranks, k, lanes) = (&self.ranks, self.k, &self.inner.lanes);
        self.pair.inner.gather(ranks, k, lanes)?;
        ranks.gather(&mut self.n, k, lanes)
    }

    fn into_pair(self) -> Pair<T> {
        self.pair
    }
}
