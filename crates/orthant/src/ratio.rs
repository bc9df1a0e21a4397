//! The loop for divergences: like [`pass`](crate::pass), but with V itself in both updates.
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
//! where N, D and the rule stand, nothing is summed, and the reduce does the same with rows of Sᵀ, of the twin below.
//!
//! The loss is told on the way: by columns from the P that B and C are of; by rows it makes the N and D that the next update
//! begins with. An iteration has two products XYᵀ, loss included; by rows it reads V twice, by columns once. With [`extrapolation`](crate::extrapolation) the
//! same loops work on [`Lines`].
//!
//! For β = 1 D and C are column sums of Y and of X, and there is only one accumulator; and where the transpose is kept beside
//! S (a [twin](crate::source::Source::twin)) there is none: B are the numerators of Sᵀ, taken where the update of Y wants them. The sequence is W₁, H₁, W₂, …
//! by rows and by columns, as in `pass`. Nothing is allocated inside an iteration.

use std::sync::{Mutex, PoisonError};

use orthant_kernel::newton::{Half, Told};
use orthant_kernel::rows::{self, Least, Step};
use orthant_kernel::{Buffer, Isa, accumulator_stride, divergence};

use crate::Real;
use crate::alternation::{Alternation, Figures, Fixed};
use crate::extrapolation::{Along, Lines, Schedule, Trail, Turn, split_lines};
use crate::factor::{Factor, scale_is_free};
use crate::pass::{Layout, side_lanes};
use crate::penalty::Weights;
use crate::reduce::{Lanes, Reducer, Slots, split};
use crate::rule::Majorizer;
use crate::source::{Packed, RatioBlock, Ratios, Source};

/// What a lane adds up.
#[derive(Debug)]
pub(crate) struct Sums<T> {
    /// (S∘P^(β−2))ᵀ·X, cols×stride.
    pub b: Buffer<T>,
    /// (P^(β−1))ᵀ·X, cols×stride; empty for β = 1.
    c: Buffer<T>,
    /// Column sums of the factor that was updated, …
    columns: Vec<f64>,
    /// … and of the rows of it that the other factor sees, where these are others.
    pub ahead: Vec<f64>,
    /// Σx², where an L2 penalty asks for it.
    squares: f64,
    /// Loss.
    pub loss: f64,
    pub step: Step,
}

impl<T: Real> Sums<T> {
    /// With B of so many columns, and C if `both`.
    pub fn new(cols: usize, k: usize, both: bool) -> Self {
        let len = cols * accumulator_stride::<T>(k);
        Self {
            b: Buffer::zeros(len),
            c: Buffer::zeros(if both { len } else { 0 }),
            columns: vec![0.0; k],
            ahead: Vec::new(),
            squares: 0.0,
            loss: 0.0,
            step: Step::default(),
        }
    }

    pub fn clear(&mut self) {
        self.b.fill(T::ZERO);
        self.c.fill(T::ZERO);
        self.columns.fill(0.0);
        self.ahead.fill(0.0);
        self.squares = 0.0;
        self.loss = 0.0;
        self.step = Step::default();
    }

    /// Puts aside what a long lane has summed so far, or takes it up again.
    pub fn fold<S: Source<T>>(&mut self, source: &S, lane: usize, back: bool) {
        let stride = accumulator_stride::<T>(self.columns.len());
        for sums in [&mut self.b, &mut self.c].into_iter().filter(|sums| !sums.is_empty()) {
            if back { source.unfold(lane, sums, stride) } else { source.fold(lane, sums, stride) }
        }
    }

    pub fn add(&mut self, other: &Self) {
        for (mine, others) in [(&mut self.b, &other.b), (&mut self.c, &other.c)] {
            mine.iter_mut().zip(others).for_each(|(x, y)| *x += *y);
        }
        self.columns.iter_mut().zip(&other.columns).for_each(|(x, y)| *x += y);
        self.ahead.iter_mut().zip(&other.ahead).for_each(|(x, y)| *x += y);
        self.squares += other.squares;
        self.loss += other.loss;
        self.step.merge(other.step);
    }

    /// Adds finished rows.
    pub fn rows_done(&mut self, lines: &Lines<'_, T>, updated: bool, weights: Weights) {
        let x = lines.current(updated);
        add_columns(&mut self.columns, x);
        if weights.l2 > 0.0 {
            for row in x.chunks_exact(self.columns.len()) {
                self.squares += row.iter().map(|x| x.to_f64() * x.to_f64()).sum::<f64>();
            }
        }
        if lines.looks_ahead(updated) {
            add_columns(&mut self.ahead, lines.seen(updated));
        }
    }
}

/// Adds rows, as long as the sums.
pub(crate) fn add_columns<T: Real>(sums: &mut [f64], rows: &[T]) {
    for row in rows.chunks_exact(sums.len()) {
        sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x.to_f64());
    }
}

/// N and D by lanes, where they are known or are to be; else nothing.
fn split_known<'a, T: Real>(
    ahead: &'a mut [Buffer<T>; 2],
    known: bool,
    k: usize,
    lanes: &Lanes,
) -> [Slots<&'a mut [T]>; 2] {
    ahead.each_mut().map(|all| {
        let width = if known && !all.is_empty() { k } else { 0 };
        split(all, width, lanes)
    })
}

/// A worker's own memory; `B` is what blocks are read with.
#[derive(Debug)]
struct Scratch<T, B> {
    block: B,
    /// The same for blocks of the twin.
    twin: Option<B>,
    n: Buffer<T>,
    d: Buffer<T>,
    /// A copy of rows, to see what an update would do.
    copy: Buffer<T>,
    tiles: Buffer<T>,
}

/// A factorisation under way: S ≈ X·Yᵀ.
pub(crate) struct RatioPass<'a, T: Real, S: Source<T>> {
    source: &'a S,
    rule: Majorizer<T>,
    /// Steps by Newton instead, which needs a twin.
    newton: bool,
    k: usize,
    isa: Isa,
    layout: Layout,
    lanes: Lanes,
    /// ΣS^β.
    size: f64,
    inner: Factor<T>,
    outer: Factor<T>,
    inner_is_h: bool,
    /// β is taken at the entries of S.
    by_entries: bool,
    /// Below what entries of X become 0.
    inner_least: Least<T>,
    fixed: Fixed,
    /// How the factors are extrapolated, if they are.
    schedule: Option<Schedule>,
    /// Sweeps of the plain rule, with which an extrapolated fit begins.
    plain_sweeps: usize,
    inner_columns: Columns<T>,
    outer_columns: Columns<T>,
    /// N and D at X and Y, rows×k, where a loss makes them on the way, and whether they are known: the next update of X needs
    /// them.
    ahead: [Buffer<T>; 2],
    is_ahead: bool,
    /// The loss at X and Y, where a pass has told it on the way; and whether every pass is to.
    told: Option<f64>,
    telling: bool,
    /// Y as blocks read it, if not as it is: in the kernel's tiles, or at another stride, as X with a twin; and whether it is.
    packed: [Buffer<T>; 2],
    padded: [Buffer<T>; 2],
    is_packed: bool,
    sums: Option<Sums<T>>,
    reducer: Reducer<Sums<T>>,
    side: Reducer<Sums<T>>,
    losses: Reducer<f64>,
    side_lanes: Lanes,
    /// Rows of Y that are updated together.
    side_block: usize,
    scratch: Vec<Mutex<Scratch<T, S::Scratch>>>,
}

/// Column sums of a factor, as the loss wants them, and, as elements, of the rows that the other factor sees.
#[derive(Debug)]
pub(crate) struct Columns<T> {
    pub sums: Vec<f64>,
    pub elements: Vec<T>,
}

impl<T: Real> Columns<T> {
    fn new(k: usize) -> Self {
        Self { sums: vec![0.0; k], elements: vec![T::ZERO; k] }
    }

    /// Of rows of k.
    pub fn of(x: &[T], k: usize) -> Self {
        let mut columns = Self::new(k);
        columns.take_rows(x);
        columns
    }

    pub fn take_rows(&mut self, x: &[T]) {
        let Self { sums, elements } = self;
        sums.fill(0.0);
        add_columns(sums, x);
        elements.iter_mut().zip(sums).for_each(|(to, from)| *to = T::from_f64(*from));
    }

    /// Of the rows that the other factor sees.
    pub fn seen(&self) -> impl Iterator<Item = f64> {
        self.elements.iter().map(|x| x.to_f64())
    }

    /// Those of rows as they were left, `updated` or not.
    pub fn take(&mut self, sums: &Sums<T>, updated: bool) {
        self.sums.copy_from_slice(&sums.columns);
        let seen = if updated && !sums.ahead.is_empty() { &sums.ahead } else { &sums.columns };
        for (to, from) in self.elements.iter_mut().zip(seen) {
            *to = T::from_f64(*from);
        }
    }
}

impl<'a, T: Real, S: Ratios<T>> RatioPass<'a, T, S> {
    /// `size` is ΣS^β.
    pub fn new(
        source: &'a S,
        rule: Majorizer<T>,
        newton: bool,
        k: usize,
        layout: Layout,
        size: f64,
        (inner, outer): (Factor<T>, Factor<T>),
        inner_is_h: bool,
        fixed: Fixed,
    ) -> Self {
        let Layout { block, workers } = layout;
        let (rows, cols) = (source.rows(), source.cols());
        let (both, block) = (!rule.beta.is_kullback_leibler(), block.min(rows));
        let (lanes, twin) = (source.lanes(), source.twin());
        let side = twin.map_or_else(|| side_lanes(cols), Source::lanes);
        let side_block = twin.map_or(block, |twin| twin.block_rows(k).min(cols)).max(1);
        let summed = if fixed == Fixed::Outer || twin.is_some() { 0 } else { cols + source.spare() };
        let by_entries = source.by_entries(&rule.beta);
        debug_assert!(
            !newton || twin.is_some() || fixed == Fixed::Outer,
            "Newton's steps of Y need rows of the transpose"
        );
        let packed = if by_entries { 0 } else { cols * k };
        let packed_x = if by_entries || twin.is_none() { 0 } else { rows * k };
        let newton_len =
            if newton { source.newton_len(k).max(twin.map_or(0, |s| s.newton_len(k))) } else { 0 };
        let inner_columns = Columns::of(if by_entries { &inner.x } else { &[] }, k);
        let scratch = || {
            let rows = || Buffer::zeros(block.max(side_block) * k);
            Mutex::new(Scratch {
                block: source.ratio_scratch(block, &rule.beta),
                twin: twin.map(|twin| twin.ratio_scratch(side_block, &rule.beta)),
                n: rows(),
                d: if both { rows() } else { Buffer::default() },
                copy: rows(),
                tiles: Buffer::zeros(divergence::scratch_len(k).max(newton_len)),
            })
        };
        Self {
            source,
            rule,
            newton,
            k,
            isa: Isa::detect(),
            layout: Layout { block, ..layout },
            size,
            inner,
            outer,
            inner_is_h,
            inner_least: rule.least(inner_is_h),
            fixed,
            inner_columns,
            outer_columns: Columns::new(k),
            packed: [Buffer::zeros(packed), Buffer::zeros(packed_x)],
            padded: [(by_entries.then_some(source), cols), (twin, rows)].map(|(s, rows)| {
                match s.map(|s| s.row_stride(k)) {
                    Some(stride) if stride != k => Buffer::zeros(rows * stride),
                    _ => Buffer::default(),
                }
            }),
            is_packed: false,
            schedule: None,
            plain_sweeps: 1,
            ahead: [Buffer::default(), Buffer::default()],
            is_ahead: false,
            told: None,
            telling: inner_is_h || newton && fixed == Fixed::Outer,
            sums: None,
            reducer: Reducer::new(lanes.count(), workers, || Sums::new(summed, k, both)),
            side: Reducer::new(side.count(), workers, || Sums::new(0, k, both)),
            losses: Reducer::new(lanes.count(), workers, || 0.0),
            by_entries,
            lanes,
            side_lanes: side,
            side_block,
            scratch: std::iter::repeat_with(scratch).take(workers).collect(),
        }
    }

    /// Extrapolating both factors: majorisation from where the objective is of, Newton's steps of the first to be updated.
    /// The plain rule, with which that begins, takes `plain_sweeps` sweeps.
    #[must_use]
    pub fn extrapolated(mut self, schedule: Schedule, plain_sweeps: usize) -> Self {
        self.plain_sweeps = plain_sweeps;
        let k = self.k;
        let (turns, along) = match (self.newton, self.inner_is_h) {
            (false, _) => ((Turn::Either, Turn::Either), Along::Ratio),
            (true, false) => ((Turn::First, Turn::Second), Along::Difference),
            (true, true) => ((Turn::Second, Turn::First), Along::Difference),
        };
        let free = scale_is_free(&self.inner, &self.outer);
        let rule = self.rule;
        let trail = |turn, x: &[T], is_w: bool| {
            let trail = Trail::new(turn, along, x, k, schedule.beta, free && is_w);
            Some(trail.at_least(rule.least(!is_w).raise))
        };
        self.inner.trail = trail(turns.0, &self.inner.x, !self.inner_is_h);
        self.outer.trail = trail(turns.1, &self.outer.x, self.inner_is_h);
        for (turn, reducer) in [(turns.0, &mut self.reducer), (turns.1, &mut self.side)] {
            if turn == Turn::Second {
                reducer.each(|sums| sums.ahead = vec![0.0; k]);
            }
        }
        self.schedule = Some(schedule);
        self
    }

    /// Gives the copies of both factors their roles for the next iteration, if one has been judged since. A restart takes
    /// what belongs to the best pair anew.
    fn settle(&mut self) {
        let Some(schedule) = &mut self.schedule else { return };
        let Some(accepted) = schedule.take_accepted() else { return };
        let beta = schedule.beta;
        self.inner.settle(accepted, beta);
        self.outer.settle(accepted, beta);
        self.is_packed &= accepted && !self.outer.has_turn(Turn::Second);
        if !accepted {
            self.forget();
            if self.inner_is_h && self.source.twin().is_none() {
                self.pass(What { sums: true, ..What::default() });
            }
        }
    }

    /// Forgets what is known of the factors but themselves.
    fn forget(&mut self) {
        self.inner_columns.take_rows(self.inner.seen());
        self.outer_columns.take_rows(self.outer.seen());
        (self.is_packed, self.is_ahead, self.told) = (false, false, None);
    }

    /// The best pair of factors, for good.
    fn retire(&mut self) {
        let Some(mut schedule) = self.schedule.take() else { return };
        let accepted = schedule.take_accepted().unwrap_or(true);
        if let Some(sums) = self.sums.take() {
            self.reducer.give_back(sums);
        }
        self.inner.retire(accepted);
        self.outer.retire(accepted);
        self.reducer.each(|sums| sums.ahead = Vec::new());
        self.side.each(|sums| sums.ahead = Vec::new());
        self.forget();
    }

    /// Raises small results of the inner factor to `negligible`, whatever the rule makes of them.
    pub fn keep_from(&mut self, negligible: T) {
        self.inner_least = Least { zero: T::ZERO, raise: negligible };
    }

    /// Asks for the loss right after each update of X, before that of Y.
    pub fn tell(&mut self) {
        self.telling = true;
    }

    /// What the last pass has summed for the update of Y: B and C with rows
    /// [`accumulator_stride`] apart, and the column sums of X.
    pub fn sums_of_outer(&self) -> (&[T], &[T], &[T]) {
        let sums = self.summed();
        (&sums.b, &sums.c, &self.inner_columns.elements)
    }

    /// Sweeps over a factor: one where its steps are only measured.
    fn sweeps(&self, factor: &Factor<T>, update: bool) -> usize {
        match self.schedule {
            _ if !update => 1,
            Some(schedule) if schedule.is_plain() => self.plain_sweeps,
            _ => factor.sweeps,
        }
    }

    fn pack(&mut self) {
        if !self.is_packed {
            if self.by_entries {
                self.outer.padded(self.k, self.source.row_stride(self.k), &mut self.padded[0]);
            } else {
                divergence::pack(self.outer.seen(), self.k, &mut self.packed[0]);
            }
            self.is_packed = true;
        }
    }

    /// One pass over S, doing with each block what `what` says, in this order.
    fn pass(&mut self, what: What) {
        self.pack();
        if let Some(sums) = self.sums.take() {
            self.reducer.give_back(sums);
        }
        let (k, isa, block, rule) = (self.k, self.isa, self.layout.block, self.rule);
        let (source, scratch, lanes) = (self.source, &self.scratch, &self.lanes);
        let sweeps = self.sweeps(&self.inner, what.update);
        let summing = what.sums && source.twin().is_none();
        let newton = self.newton && what.steps;
        let told = what.loss && (summing || newton && what.update);
        let ahead = split_known(&mut self.ahead, self.is_ahead, k, lanes);
        let is_ahead = self.is_ahead;
        let columns = &self.outer_columns;
        if what.update {
            self.inner.meet(columns.seen());
        }
        let y = Packed { y: read(&self.outer, &self.padded[0]), packed: &self.packed[0], k };
        let weights = self.inner.weights;
        let (l1, l2) = weights.elements();
        let least = self.inner_least;
        let d_stride = if rule.beta.is_kullback_leibler() { 0 } else { k };
        let careful = self.schedule.is_none_or(|schedule| schedule.is_careful());
        let slots = split_lines(&mut self.inner.x, self.inner.trail.as_mut(), k, lanes);
        let sums = self.reducer.run(
            |l, worker, out| {
                out.clear();
                let mut lines = slots[l].lock().unwrap_or_else(PoisonError::into_inner);
                let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let Scratch { block: memory, n, d, copy, tiles, .. } = &mut *scratch;
                let [n_ahead, d_ahead] =
                    [&ahead[0], &ahead[1]].map(|all| all[l].lock().unwrap_or_else(PoisonError::into_inner));
                let first = lanes.range(l).start;
                let mut folded = false;
                for (rows, folds) in lanes.blocks(l, block) {
                    let elements = (rows.start - first) * k..(rows.end - first) * k;
                    let mut part = lines.part(elements.clone());
                    if what.update {
                        part.begin();
                    }
                    let x = &mut *part.x;
                    let len = x.len();
                    let mut s = source.ratios(rows, memory);
                    let d_len = d.len().min(len);
                    if newton {
                        let half =
                            Half { columns: &columns.elements, l1, l2, sweeps, floor: rule.beta.floor() };
                        let to = if what.update {
                            &mut *x
                        } else {
                            copy[..len].copy_from_slice(x);
                            &mut copy[..len]
                        };
                        let divergence = told.then_some((&rule.beta, &mut out.loss));
                        let told = Told { movement: &mut out.step.movement, divergence };
                        s.newton(half, to, y, tiles, told);
                    } else if what.steps {
                        let (n, d) = (&mut n[..len], &mut d[..d_len]);
                        let (n, d) = if is_ahead {
                            (&n_ahead[elements.clone()], d_ahead.get(elements).unwrap_or(&[]))
                        } else {
                            s.ratio_numerators(&rule.beta, x, y, n, d, tiles, None);
                            (&*n, &*d)
                        };
                        let d = if d_stride == 0 { &columns.elements } else { d };
                        let to = if what.update {
                            &mut *x
                        } else {
                            copy[..len].copy_from_slice(x);
                            &mut copy[..len]
                        };
                        let moved = &mut out.step.movement;
                        let majorant = rule.majorant(l2, careful);
                        *moved = rows::majorize(
                            isa,
                            to,
                            n,
                            k,
                            d,
                            d_stride,
                            k,
                            (l1, l2),
                            majorant,
                            rule.floor,
                            least,
                            *moved,
                        );
                    }
                    if what.update {
                        part.end(isa);
                    }
                    let x = &*part.x;
                    if summing {
                        let sum = told.then_some(&mut out.loss);
                        s.ratio_accumulate(&rule.beta, x, y, &mut out.b, &mut out.c, tiles, sum);
                    }
                    if what.loss && !told {
                        out.loss = s.divergence(&rule.beta, x, y, tiles, out.loss);
                    }
                    out.rows_done(&part, what.update, weights);
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
        self.inner_columns.take(&sums, what.update);
        self.is_ahead &= !what.update;
        self.told = what.loss.then(|| sums.loss + self.all());
        self.sums = Some(sums);
    }

    /// The steps of Y from the sums of the last pass: made if `update`, or else only measured.
    fn at_the_reduce(&mut self, steps: bool, update: bool) -> Step {
        let (k, isa, lanes, rule) = (self.k, self.isa, &self.side_lanes, self.rule);
        let sweeps = self.sweeps(&self.outer, update);
        let stride = accumulator_stride::<T>(k);
        let kl = rule.beta.is_kullback_leibler();
        let (b, c) = self.sums.as_ref().map_or((&[][..], &[][..]), |s| (&s.b[..], &s.c[..]));
        let columns = &self.inner_columns;
        if update {
            self.outer.meet(columns.seen());
        }
        let newton = self.newton;
        let tells = newton && update && (!self.inner_is_h || self.fixed == Fixed::Inner);
        let weights = self.outer.weights;
        let (l1, l2) = weights.elements();
        let least = rule.least(!self.inner_is_h);
        let careful = self.schedule.is_none_or(|schedule| schedule.is_careful());
        let block = self.side_block;
        let (scratch, twin) = (&self.scratch, self.source.twin());
        debug_assert!(twin.is_none() || kl, "a twin has numerators of Kullback–Leibler");
        if steps && !self.packed[1].is_empty() {
            divergence::pack(self.inner.seen(), k, &mut self.packed[1]);
        }
        let x = match twin {
            Some(twin) if steps && self.by_entries => {
                self.inner.padded(k, twin.row_stride(k), &mut self.padded[1])
            }
            _ => self.inner.seen(),
        };
        let x = Packed { y: x, packed: &self.packed[1], k };
        let slots = split_lines(&mut self.outer.x, self.outer.trail.as_mut(), k, lanes);
        let sums = self.side.run(
            |l, worker, out| {
                out.clear();
                let mut lines = slots[l].lock().unwrap_or_else(PoisonError::into_inner);
                let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let Scratch { twin: memory, n, d, copy, tiles, .. } = &mut *scratch;
                let range = lanes.range(l);
                for start in range.clone().step_by(block) {
                    let rows = start..range.end.min(start + block);
                    let mut part = lines.part((rows.start - range.start) * k..(rows.end - range.start) * k);
                    if update {
                        part.begin();
                    }
                    let y = &mut *part.x;
                    if let (true, Some(twin), Some(memory)) = (steps && newton, twin, &mut *memory) {
                        let half =
                            Half { columns: &columns.elements, l1, l2, sweeps, floor: rule.beta.floor() };
                        let copy = &mut copy[..y.len()];
                        let to = if update {
                            &mut *y
                        } else {
                            copy.copy_from_slice(y);
                            copy
                        };
                        let divergence = tells.then_some((&rule.beta, &mut out.loss));
                        let told = Told { movement: &mut out.step.movement, divergence };
                        twin.ratios(rows, memory).newton(half, to, x, tiles, told);
                    } else if steps {
                        let range = rows.start * stride..rows.end * stride;
                        let (n, n_stride) = match (twin, &mut *memory) {
                            (Some(twin), Some(memory)) => {
                                let n = &mut n[..y.len()];
                                let mut s = twin.ratios(rows, memory);
                                s.ratio_numerators(&rule.beta, y, x, n, d, tiles, None);
                                (&*n, k)
                            }
                            _ => (&b[range.clone()], stride),
                        };
                        let (d, d_stride) = if kl { (&columns.elements[..], 0) } else { (&c[range], stride) };
                        let copy = &mut copy[..y.len()];
                        let to = if update {
                            &mut *y
                        } else {
                            copy.copy_from_slice(y);
                            copy
                        };
                        let majorant = rule.majorant(l2, careful);
                        let moved = &mut out.step.movement;
                        *moved = rows::majorize(
                            isa,
                            to,
                            n,
                            n_stride,
                            d,
                            d_stride,
                            k,
                            (l1, l2),
                            majorant,
                            rule.floor,
                            least,
                            *moved,
                        );
                    }
                    if update {
                        part.end(isa);
                    }
                    out.rows_done(&part, update, weights);
                }
            },
            Sums::add,
        );
        self.outer_columns.take(&sums, update);
        let step = sums.step;
        if update || !steps {
            keep(&mut self.outer, &sums);
        }
        self.is_packed &= !update;
        if update {
            let loss = tells.then(|| sums.loss + self.all());
            (self.is_ahead, self.told) = (false, loss);
        }
        self.side.give_back(sums);
        step
    }

    /// The loss at the factors as they stand, without floors under P.
    fn unfloored_loss(&mut self) -> f64 {
        let (beta, telling) = (self.rule.beta, self.telling);
        self.rule.beta = beta.unfloored();
        (self.told, self.telling) = (None, true);
        let loss = self.exact_loss();
        (self.rule.beta, self.telling) = (beta, telling);
        loss
    }

    /// What a loss at the entries leaves out: ΣP = ⟨column sums of X, column sums of Y⟩.
    fn all(&self) -> f64 {
        let pairs = self.inner_columns.sums.iter().zip(&self.outer_columns.sums);
        if self.by_entries { pairs.map(|(x, y)| x * y).sum() } else { 0.0 }
    }

    fn summed(&self) -> &Sums<T> {
        self.sums.as_ref().expect("a pass came before")
    }
}

/// What a pass does with each block.
#[derive(Clone, Copy, Debug, Default)]
struct What {
    /// Looks at the step of X …
    steps: bool,
    /// … and makes it.
    update: bool,
    /// Adds up what the update of Y needs.
    sums: bool,
    /// Adds up the loss.
    loss: bool,
}

/// A factor, or its copy at another stride.
fn read<'a, T: Real>(factor: &'a Factor<T>, padded: &'a Buffer<T>) -> &'a [T] {
    if padded.is_empty() { factor.seen() } else { padded }
}

/// What a divergence of data of that size is known to.
pub(crate) fn rounding<T: Real>(size: f64) -> f64 {
    4.0 * (T::EPSILON.to_f64() * T::EPSILON.to_f64()).max(f64::EPSILON) * size
}

/// What a factor keeps of its last update.
pub(crate) fn keep<T: Real>(factor: &mut Factor<T>, sums: &Sums<T>) {
    factor.sum = sums.columns.iter().sum();
    factor.squares = sums.squares;
    factor.step = sums.step;
}

impl<T: Real, S: Ratios<T>> Alternation<T> for RatioPass<'_, T, S> {
    fn sweep_inner(&mut self, update: bool) {
        self.settle();
        // by columns the sums are of the factors that the loss is of
        let summed = self.source.twin().is_none() && self.fixed != Fixed::Outer;
        let tells = self.telling && (summed || self.newton);
        let loss = update && tells;
        self.pass(What { steps: update, update, sums: self.fixed != Fixed::Outer, loss });
        let sums = self.sums.as_ref().expect("the pass's");
        keep(&mut self.inner, sums);
    }

    fn sweep_outer(&mut self, update: bool) {
        self.settle();
        self.at_the_reduce(update, update);
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
        self.exact_loss()
    }

    fn exact_loss(&mut self) -> f64 {
        if let Some(loss) = self.told {
            return loss.max(0.0);
        }
        self.pack();
        // by rows the next update begins with the P that the loss is of
        let looks = !self.telling && !self.newton;
        if looks && self.ahead[0].is_empty() {
            let d = if self.rule.beta.is_kullback_leibler() { 0 } else { self.inner.x.len() };
            self.ahead = [Buffer::zeros(self.inner.x.len()), Buffer::zeros(d)];
        }
        let (k, block, beta) = (self.k, self.layout.block, self.rule.beta);
        let (source, scratch, x, lanes) = (self.source, &self.scratch, &self.inner.x, &self.lanes);
        let y = Packed { y: read(&self.outer, &self.padded[0]), packed: &self.packed[0], k };
        let ahead = split_known(&mut self.ahead, looks, k, lanes);
        let sums = self.losses.run(
            |l, worker, out| {
                *out = 0.0;
                let [mut n, mut d] =
                    [&ahead[0], &ahead[1]].map(|all| all[l].lock().unwrap_or_else(PoisonError::into_inner));
                let first = lanes.range(l).start;
                let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let Scratch { block: memory, tiles, .. } = &mut *scratch;
                for (rows, _) in lanes.blocks(l, block) {
                    let x = &x[rows.start * k..rows.end * k];
                    let of_lane = (rows.start - first) * k..(rows.end - first) * k;
                    let mut s = source.ratios(rows, memory);
                    if looks {
                        let n = &mut n[of_lane.clone()];
                        s.ratio_numerators(
                            &beta,
                            x,
                            y,
                            n,
                            d.get_mut(of_lane).unwrap_or_default(),
                            tiles,
                            Some(out),
                        );
                    } else {
                        *out = s.divergence(&beta, x, y, tiles, *out);
                    }
                }
            },
            |a, b| *a += b,
        );
        drop(ahead);
        self.is_ahead = looks;
        self.losses.give_back(sums);
        (sums + self.all()).max(0.0)
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
        let fixed = self.fixed;
        self.pass(What {
            steps: fixed != Fixed::Inner,
            update: false,
            sums: fixed != Fixed::Outer,
            loss: true,
        });
        let of_x = self.summed().step.movement;
        let told = self.told.expect("the pass told it").max(0.0);
        let whole = if self.rule.floors_tell() { self.unfloored_loss() } else { told };
        // a power of next to nothing can leave the range
        let loss = if whole.is_finite() { whole } else { told };
        let of_y = if fixed == Fixed::Outer { 0.0 } else { self.at_the_reduce(true, false).movement };
        Figures { loss, remaining: (of_x + of_y) / self.size }
    }

    fn regularized(&self) -> usize {
        0
    }

    fn into_factors(self) -> (Vec<T>, Vec<T>) {
        (self.inner.x.into(), self.outer.x.into())
    }
}
