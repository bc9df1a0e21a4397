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
//! [`ratio`](crate::ratio) do. In return an iteration has one product XYᵀ in place of two: 6zk flops with z elements or
//! entries, loss included, and one read of V.
//!
//! With [`extrapolation`](crate::extrapolation) the objective is of the factors where the pass finds them, so that a verdict is
//! there before anything is updated. A restart needs the pass again, for the best pair.
//!
//! By rows and by columns the sequence is W₁, H₁, W₂, …, though both are at hand. A transpose that is kept beside S would
//! want a P of its own and is not used. Nothing is allocated inside an iteration.
//!
//! Marmin, Goulart & Févotte, Joint majorization-minimization for nonnegative matrix factorization with the β-divergence,
//! Signal Processing 209, 2023, arXiv:2106.15214.

use std::sync::{Mutex, PoisonError};

use orthant_kernel::{Buffer, Isa, accumulator_stride, divergence, rows};

use crate::Real;
use crate::alternation::{Alternation, Figures};
use crate::extrapolation::{Along, Schedule, Trail, Turn, split_lines};
use crate::factor::Factor;
use crate::pass::{Layout, side_lanes};
use crate::ratio::{Columns, Sums, add_columns, keep, rounding};
use crate::reduce::{Lanes, Reducer, split};
use crate::rule::Majorizer;
use crate::source::{Packed, RatioBlock, Ratios, Source};

/// A worker's own memory; `B` is what blocks are read with.
#[derive(Debug)]
struct Scratch<T, B> {
    block: B,
    /// A copy of rows, to see what an update would do.
    copy: Buffer<T>,
    tiles: Buffer<T>,
}

/// One of the factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Inner,
    Outer,
}

/// What is done with the rows of a factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// They are summed.
    Sum,
    /// The same, and how far they would move.
    Measure,
    /// They are updated, and summed then.
    Update,
}

/// A factorisation under way: S ≈ X·Yᵀ.
pub(crate) struct JointPass<'a, T: Real, S: Source<T>> {
    source: &'a S,
    rule: Majorizer<T>,
    k: usize,
    isa: Isa,
    block: usize,
    lanes: Lanes,
    side_lanes: Lanes,
    /// ΣS.
    size: f64,
    inner: Factor<T>,
    outer: Factor<T>,
    inner_is_h: bool,
    /// The loss is told at the entries of S.
    by_entries: bool,
    /// How the factors are extrapolated, if they are.
    schedule: Option<Schedule>,
    inner_columns: Columns<T>,
    outer_columns: Columns<T>,
    /// N at X and Y, rows×k, …
    n: Buffer<T>,
    /// … B, …
    sums: Option<Sums<T>>,
    /// … and the loss, while both factors are as the pass has read them.
    told: Option<f64>,
    /// Y as blocks read it: in the kernel's tiles, or at another stride.
    packed: Buffer<T>,
    looks: Reducer<Sums<T>>,
    of_inner: Reducer<Sums<T>>,
    of_outer: Reducer<Sums<T>>,
    scratch: Vec<Mutex<Scratch<T, S::Scratch>>>,
}

impl<'a, T: Real, S: Ratios<T>> JointPass<'a, T, S> {
    /// `size` is ΣS.
    pub fn new(
        source: &'a S,
        rule: Majorizer<T>,
        k: usize,
        layout: Layout,
        size: f64,
        (inner, outer): (Factor<T>, Factor<T>),
        inner_is_h: bool,
    ) -> Self {
        let Layout { block, workers } = layout;
        let (rows, cols) = (source.rows(), source.cols());
        let (lanes, side) = (source.lanes(), side_lanes(cols));
        let (block, by_entries) = (block.min(rows).max(1), source.by_entries(&rule.beta));
        debug_assert!(rule.beta.is_kullback_leibler(), "P⁰ is 1");
        let stride = source.row_stride(k);
        let packed = match by_entries {
            true if stride == k => 0,
            true => cols * stride,
            false => cols * k,
        };
        let scratch = || {
            Mutex::new(Scratch {
                block: source.scratch(block),
                copy: Buffer::zeros(block * k),
                tiles: Buffer::zeros(if by_entries { 0 } else { divergence::scratch_len(k) }),
            })
        };
        let without = |lanes: &Lanes| Reducer::new(lanes.count(), workers, || Sums::new(0, k, false));
        Self {
            source,
            rule: rule.joint(),
            k,
            isa: Isa::detect(),
            block,
            size,
            inner_is_h,
            by_entries,
            schedule: None,
            inner_columns: Columns::of(&inner.x, k),
            outer_columns: Columns::of(&outer.x, k),
            n: Buffer::zeros(rows * k),
            sums: None,
            told: None,
            packed: Buffer::zeros(packed),
            looks: Reducer::new(lanes.count(), workers, || Sums::new(cols + source.spare(), k, false)),
            of_inner: without(&lanes),
            of_outer: without(&side),
            scratch: std::iter::repeat_with(scratch).take(workers).collect(),
            inner,
            outer,
            lanes,
            side_lanes: side,
        }
    }

    /// Extrapolating both factors, from where the objective is of.
    #[must_use]
    pub fn extrapolated(mut self, schedule: Schedule) -> Self {
        let k = self.k;
        for (factor, is_h) in [(&mut self.inner, self.inner_is_h), (&mut self.outer, !self.inner_is_h)] {
            // neither factor answers to the scale of the other: a change of it is carried on by momentum alone, and dies away
            let trail = Trail::new(Turn::Either, Along::Ratio, &factor.x, k, schedule.beta, false);
            factor.trail = Some(trail.at_least(self.rule.least(is_h).raise));
        }
        // W goes on from where its update has led, but the denominators of H are the sums of that
        let first = if self.inner_is_h { &mut self.of_outer } else { &mut self.of_inner };
        first.each(|sums| sums.ahead = vec![0.0; k]);
        self.schedule = Some(schedule);
        self
    }

    /// The factor that an iteration updates first: W.
    fn first(&self) -> Which {
        if self.inner_is_h { Which::Outer } else { Which::Inner }
    }

    /// Gives the copies of both factors their roles for the next iteration, if one has been judged since. A restart takes
    /// what belongs to the best pair anew.
    fn settle(&mut self) {
        let Some(schedule) = &mut self.schedule else { return };
        let Some(accepted) = schedule.take_accepted() else { return };
        let beta = schedule.beta;
        self.inner.settle(accepted, beta);
        self.outer.settle(accepted, beta);
        if !accepted {
            self.forget();
        }
    }

    /// Forgets what a pass has made of other factors.
    fn forget(&mut self) {
        self.inner_columns.take_rows(&self.inner.x);
        self.outer_columns.take_rows(&self.outer.x);
        self.told = None;
    }

    /// The best pair of factors, for good.
    fn retire(&mut self) {
        let Some(mut schedule) = self.schedule.take() else { return };
        let accepted = schedule.take_accepted().unwrap_or(true);
        self.inner.retire(accepted);
        self.outer.retire(accepted);
        self.of_inner.each(|sums| sums.ahead = Vec::new());
        self.of_outer.each(|sums| sums.ahead = Vec::new());
        let told = self.told.filter(|_| accepted);
        self.forget();
        self.told = told;
    }

    /// The pass over S, unless the factors are as the last one has read them: the loss, N and B.
    fn look(&mut self) -> f64 {
        if let Some(told) = self.told {
            return told;
        }
        let (k, block, beta) = (self.k, self.block, self.rule.beta);
        let (source, scratch, lanes) = (self.source, &self.scratch, &self.lanes);
        let y = if self.by_entries {
            Packed { y: self.outer.padded(k, source.row_stride(k), &mut self.packed), packed: &[], k }
        } else {
            divergence::pack(&self.outer.x, k, &mut self.packed);
            Packed { y: &self.outer.x, packed: &self.packed, k }
        };
        if let Some(sums) = self.sums.take() {
            self.looks.give_back(sums);
        }
        let x = &self.inner.x;
        let slots = split(&mut self.n, k, lanes);
        let sums = self.looks.run(
            |l, worker, out| {
                out.clear();
                let mut n = slots[l].lock().unwrap_or_else(PoisonError::into_inner);
                let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let Scratch { block: memory, tiles, .. } = &mut *scratch;
                let first = lanes.range(l).start;
                let mut folded = false;
                for (rows, folds) in lanes.blocks(l, block) {
                    let x = &x[rows.start * k..rows.end * k];
                    let n = &mut n[(rows.start - first) * k..(rows.end - first) * k];
                    source.ratios(rows, memory).ratio_joint(&beta, x, y, n, &mut out.b, tiles, &mut out.loss);
                    if folds {
                        out.fold(source, l, false);
                        folded = true;
                    }
                }
                if folded {
                    out.fold(source, l, true);
                }
            },
            Sums::add,
        );
        let loss = (sums.loss + self.all()).max(0.0);
        self.sums = Some(sums);
        self.told = Some(loss);
        loss
    }

    /// What a loss at the entries leaves out: ΣP = ⟨column sums of X, column sums of Y⟩.
    fn all(&self) -> f64 {
        let pairs = self.inner_columns.sums.iter().zip(&self.outer_columns.sums);
        if self.by_entries { pairs.map(|(x, y)| x * y).sum() } else { 0.0 }
    }

    /// Goes through the rows of a factor. What moves them has been made by a pass, and is there until the next.
    fn rows(&mut self, which: Which, how: How) {
        let (k, isa, block, rule) = (self.k, self.isa, self.block, self.rule);
        let b = self.sums.as_ref().map_or(&[][..], |sums| &sums.b);
        let (factor, n, n_stride, columns, other, lanes, reducer) = match which {
            Which::Inner => {
                let (columns, other) = (&mut self.inner_columns, &self.outer_columns);
                (&mut self.inner, &self.n[..], k, columns, other, &self.lanes, &mut self.of_inner)
            }
            Which::Outer => {
                let (columns, other) = (&mut self.outer_columns, &self.inner_columns);
                let stride = accumulator_stride::<T>(k);
                (&mut self.outer, b, stride, columns, other, &self.side_lanes, &mut self.of_outer)
            }
        };
        let (scratch, d, weights) = (&self.scratch, &other.elements, factor.weights);
        let (l1, l2) = weights.elements();
        // further than the majorant's minimum only with momentum
        let majorant = rule.majorant(l2, self.schedule.is_none_or(|schedule| schedule.beta == 0.0));
        let least = rule.least(self.inner_is_h == (which == Which::Inner));
        let slots = split_lines(&mut factor.x, factor.trail.as_mut(), k, lanes);
        let sums = reducer.run(
            |l, worker, out| {
                out.clear();
                let mut lines = slots[l].lock().unwrap_or_else(PoisonError::into_inner);
                let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let copy = &mut scratch.copy;
                let range = lanes.range(l);
                for start in range.clone().step_by(block) {
                    let rows = start..range.end.min(start + block);
                    let mut part = lines.part((rows.start - range.start) * k..(rows.end - range.start) * k);
                    if how == How::Update {
                        part.begin();
                    }
                    if how != How::Sum {
                        let x = &mut *part.x;
                        let to = if how == How::Update {
                            x
                        } else {
                            let copy = &mut copy[..x.len()];
                            copy.copy_from_slice(x);
                            copy
                        };
                        let n = &n[rows.start * n_stride..];
                        let moved = &mut out.step.movement;
                        *moved = rows::majorize(
                            isa,
                            to,
                            n,
                            n_stride,
                            d,
                            0,
                            k,
                            (l1, l2),
                            majorant,
                            rule.floor,
                            least,
                            *moved,
                        );
                    }
                    if how == How::Update {
                        part.end(isa);
                    }
                    out.rows_done(&part, how == How::Update, weights);
                    if how == How::Update && !out.ahead.is_empty() {
                        add_columns(&mut out.ahead, part.updated());
                    }
                }
            },
            Sums::add,
        );
        columns.take(&sums, how == How::Update);
        if how == How::Measure {
            factor.step = sums.step;
        } else {
            keep(factor, &sums);
        }
        reducer.give_back(sums);
    }

    fn sweep(&mut self, which: Which, update: bool) {
        if !update {
            return self.rows(which, How::Sum);
        }
        if which == self.first() {
            self.settle();
            self.look();
        }
        self.told = None;
        self.rows(which, How::Update);
    }
}

impl<T: Real, S: Ratios<T>> Alternation<T> for JointPass<'_, T, S> {
    fn sweep_inner(&mut self, update: bool) {
        self.sweep(Which::Inner, update);
    }

    fn sweep_outer(&mut self, update: bool) {
        self.sweep(Which::Outer, update);
    }

    fn sums_last(&self) -> bool {
        false
    }

    fn inner(&self) -> &Factor<T> {
        &self.inner
    }

    fn outer(&self) -> &Factor<T> {
        &self.outer
    }

    fn loss(&mut self) -> f64 {
        self.look()
    }

    fn exact_loss(&mut self) -> f64 {
        self.look()
    }

    fn schedule(&mut self) -> Option<&mut Schedule> {
        self.schedule.as_mut()
    }

    fn rounding(&self, _loss: f64) -> f64 {
        rounding::<T>(self.size)
    }

    fn step(&self) -> f64 {
        (self.inner.step.movement + self.outer.step.movement) / self.size
    }

    fn finish(&mut self) -> Figures {
        self.retire();
        let loss = self.look();
        self.rows(Which::Inner, How::Measure);
        self.rows(Which::Outer, How::Measure);
        Figures { loss, remaining: self.step() }
    }

    fn regularized(&self) -> usize {
        0
    }

    fn into_factors(self) -> (Vec<T>, Vec<T>) {
        (self.inner.x.into(), self.outer.x.into())
    }
}
