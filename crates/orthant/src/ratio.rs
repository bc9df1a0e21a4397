//! The loop for divergences: like [`pass`](crate::pass), with V read once an iteration, but V itself in both updates.
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
//! For β = 1 D and C are column sums of Y and of X, and there is only one accumulator. The sequence is W₁, H₁, W₂, …
//! by rows and by columns, as in `pass`. Nothing is allocated inside an iteration.

use std::sync::{Mutex, PoisonError};

use orthant_kernel::rows::{self, Step};
use orthant_kernel::{Isa, Real, accumulator_stride, divergence};

use crate::alternation::{Alternation, Figures, Fixed};
use crate::factor::Factor;
use crate::pass::{Layout, side_lanes};
use crate::penalty::Weights;
use crate::reduce::{Reducer, lane, split};
use crate::rule::Majorizer;
use crate::source::{Packed, RatioBlock, Ratios};

/// What a lane adds up.
#[derive(Debug)]
struct Sums<T> {
    /// (S∘P^(β−2))ᵀ·X, cols×stride.
    b: Vec<T>,
    /// (P^(β−1))ᵀ·X, cols×stride; empty for β = 1.
    c: Vec<T>,
    /// Column sums of the factor that was updated.
    columns: Vec<f64>,
    /// Σx², where an L2 penalty asks for it.
    squares: f64,
    /// Loss.
    loss: f64,
    step: Step,
}

impl<T: Real> Sums<T> {
    fn new(cols: usize, k: usize, both: bool) -> Self {
        let len = cols * accumulator_stride::<T>(k);
        Self {
            b: vec![T::ZERO; len],
            c: vec![T::ZERO; if both { len } else { 0 }],
            columns: vec![0.0; k],
            squares: 0.0,
            loss: 0.0,
            step: Step::default(),
        }
    }

    fn clear(&mut self) {
        self.b.fill(T::ZERO);
        self.c.fill(T::ZERO);
        self.columns.fill(0.0);
        self.squares = 0.0;
        self.loss = 0.0;
        self.step = Step::default();
    }

    fn add(&mut self, other: &Self) {
        for (mine, others) in [(&mut self.b, &other.b), (&mut self.c, &other.c)] {
            mine.iter_mut().zip(others).for_each(|(x, y)| *x += *y);
        }
        self.columns.iter_mut().zip(&other.columns).for_each(|(x, y)| *x += y);
        self.squares += other.squares;
        self.loss += other.loss;
        self.step.merge(other.step);
    }

    /// Adds finished rows.
    fn rows_done(&mut self, x: &[T], weights: Weights) {
        for row in x.chunks_exact(self.columns.len()) {
            for (sum, x) in self.columns.iter_mut().zip(row) {
                *sum += x.to_f64();
            }
            if weights.l2 > 0.0 {
                self.squares += row.iter().map(|x| x.to_f64() * x.to_f64()).sum::<f64>();
            }
        }
    }
}

#[derive(Debug)]
struct Scratch<T> {
    block: Vec<T>,
    n: Vec<T>,
    d: Vec<T>,
    /// A copy of rows, to see what an update would do.
    copy: Vec<T>,
    tiles: Vec<T>,
}

/// A factorisation under way: S ≈ X·Yᵀ.
pub(crate) struct RatioPass<'a, T, S> {
    source: &'a S,
    rule: Majorizer<T>,
    k: usize,
    isa: Isa,
    layout: Layout,
    /// ΣS^β.
    size: f64,
    inner: Factor<T>,
    outer: Factor<T>,
    inner_is_h: bool,
    /// Below what entries of X become 0.
    inner_least: T,
    fixed: Fixed,
    /// Column sums of X and of Y.
    inner_columns: Vec<T>,
    outer_columns: Vec<T>,
    /// Y as the kernels read it, if it is.
    packed: Vec<T>,
    is_packed: bool,
    sums: Option<Sums<T>>,
    reducer: Reducer<Sums<T>>,
    side: Reducer<Sums<T>>,
    losses: Reducer<f64>,
    side_lanes: usize,
    scratch: Vec<Mutex<Scratch<T>>>,
}

impl<'a, T: Real, S: Ratios<T>> RatioPass<'a, T, S> {
    /// `size` is ΣS^β.
    pub fn new(
        source: &'a S,
        rule: Majorizer<T>,
        k: usize,
        layout: Layout,
        size: f64,
        (inner, outer): (Factor<T>, Factor<T>),
        inner_is_h: bool,
        fixed: Fixed,
    ) -> Self {
        let Layout { lanes, block, workers } = layout;
        let (rows, cols) = (source.rows(), source.cols());
        let (both, block, side) = (!rule.beta.is_kullback_leibler(), block.min(rows), side_lanes(cols));
        let summed = if fixed == Fixed::Outer { 0 } else { cols };
        let scratch = || {
            let rows = || vec![T::ZERO; block * k];
            Mutex::new(Scratch {
                block: vec![T::ZERO; source.scratch_len(block)],
                n: rows(),
                d: if both { rows() } else { Vec::new() },
                copy: rows(),
                tiles: vec![T::ZERO; divergence::scratch_len(k)],
            })
        };
        Self {
            source,
            rule,
            k,
            isa: Isa::detect(),
            layout: Layout { block, ..layout },
            size,
            inner,
            outer,
            inner_is_h,
            inner_least: rule.least(inner_is_h),
            fixed,
            inner_columns: vec![T::ZERO; k],
            outer_columns: vec![T::ZERO; k],
            packed: vec![T::ZERO; cols * k],
            is_packed: false,
            sums: None,
            reducer: Reducer::new(lanes, workers, || Sums::new(summed, k, both)),
            side: Reducer::new(side, workers, || Sums::new(0, k, both)),
            losses: Reducer::new(lanes, workers, || 0.0),
            side_lanes: side,
            scratch: std::iter::repeat_with(scratch).take(workers).collect(),
        }
    }

    /// Leaves results of the inner factor that are next to nothing as they are.
    pub fn keep_small(&mut self) {
        self.inner_least = T::ZERO;
    }

    /// What the last pass has summed for the update of Y: B and C with rows
    /// [`accumulator_stride`] apart, and the column sums of X.
    pub fn sums_of_outer(&self) -> (&[T], &[T], &[T]) {
        let sums = self.summed();
        (&sums.b, &sums.c, &self.inner_columns)
    }

    fn pack(&mut self) {
        if !self.is_packed {
            divergence::pack(&self.outer.x, self.k, &mut self.packed);
            self.is_packed = true;
        }
    }

    /// One pass over S, doing with each block what `what` says, in this order.
    fn pass(&mut self, what: What) {
        self.pack();
        if let Some(sums) = self.sums.take() {
            self.reducer.give_back(sums);
        }
        let (k, isa, layout, rule) = (self.k, self.isa, self.layout, self.rule);
        let (source, scratch) = (self.source, &self.scratch);
        let y = Packed { y: &self.outer.x, packed: &self.packed, k };
        let columns = &self.outer_columns[..];
        let Factor { weights, .. } = self.inner;
        let (l1, l2) = weights.elements();
        let least = self.inner_least;
        let d_stride = if rule.beta.is_kullback_leibler() { 0 } else { k };
        let slots = split(&mut self.inner.x, k, layout.lanes);
        let sums = self.reducer.run(
            |l, worker, out| {
                out.clear();
                let mut x = slots[l].lock().unwrap_or_else(PoisonError::into_inner);
                let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let Scratch { block, n, d, copy, tiles } = &mut *scratch;
                let range = lane(source.rows(), layout.lanes, l);
                for (b, x) in x.chunks_mut(layout.block * k).enumerate() {
                    let (start, len) = (range.start + b * layout.block, x.len());
                    let s = source.ratios(start..start + len / k, block);
                    let d_len = d.len().min(len);
                    if what.steps {
                        let (n, d) = (&mut n[..len], &mut d[..d_len]);
                        s.ratio_numerators(&rule.beta, x, y, n, d, tiles);
                        let d = if d_stride == 0 { columns } else { &*d };
                        let to = if what.update {
                            &mut *x
                        } else {
                            copy[..len].copy_from_slice(x);
                            &mut copy[..len]
                        };
                        let moved = &mut out.step.movement;
                        let majorant = rule.majorant(l2);
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
                    if what.sums {
                        s.ratio_accumulate(&rule.beta, x, y, &mut out.b, &mut out.c, tiles);
                    }
                    if what.loss {
                        out.loss = s.divergence(&rule.beta, x, y, tiles, out.loss);
                    }
                    out.rows_done(x, weights);
                }
            },
            Sums::add,
        );
        take(&mut self.inner_columns, &sums);
        self.sums = Some(sums);
    }

    /// The steps of Y from the sums of the last pass: made if `update`, or else only measured.
    fn at_the_reduce(&mut self, steps: bool, update: bool) -> Step {
        let (k, isa, lanes, rule) = (self.k, self.isa, self.side_lanes, self.rule);
        let stride = accumulator_stride::<T>(k);
        let kl = rule.beta.is_kullback_leibler();
        let (b, c) = self.sums.as_ref().map_or((&[][..], &[][..]), |s| (&s.b[..], &s.c[..]));
        let columns = &self.inner_columns[..];
        let Factor { weights, .. } = self.outer;
        let (l1, l2) = weights.elements();
        let least = rule.least(!self.inner_is_h);
        let rows = self.outer.x.len() / k;
        let block = self.layout.block;
        let scratch = &self.scratch;
        let slots = split(&mut self.outer.x, k, lanes);
        let sums = self.side.run(
            |l, worker, out| {
                out.clear();
                let mut y = slots[l].lock().unwrap_or_else(PoisonError::into_inner);
                let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let first = lane(rows, lanes, l).start;
                for (i, y) in y.chunks_mut(block * k).enumerate() {
                    if steps {
                        let start = (first + i * block) * stride;
                        let range = start..start + y.len() / k * stride;
                        let (d, d_stride) = if kl { (columns, 0) } else { (&c[range.clone()], stride) };
                        let copy = &mut scratch.copy[..y.len()];
                        let to = if update {
                            &mut *y
                        } else {
                            copy.copy_from_slice(y);
                            copy
                        };
                        let (n, majorant) = (&b[range], rule.majorant(l2));
                        let moved = &mut out.step.movement;
                        *moved = rows::majorize(
                            isa,
                            to,
                            n,
                            stride,
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
                    out.rows_done(y, weights);
                }
            },
            Sums::add,
        );
        take(&mut self.outer_columns, &sums);
        let step = sums.step;
        if update || !steps {
            keep(&mut self.outer, &sums);
        }
        self.is_packed &= !update;
        self.side.give_back(sums);
        step
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

fn take<T: Real>(columns: &mut [T], sums: &Sums<T>) {
    for (to, from) in columns.iter_mut().zip(&sums.columns) {
        *to = T::from_f64(*from);
    }
}

fn keep<T: Real>(factor: &mut Factor<T>, sums: &Sums<T>) {
    factor.sum = sums.columns.iter().sum();
    factor.squares = sums.squares;
    factor.step = sums.step;
}

impl<T: Real, S: Ratios<T>> Alternation<T> for RatioPass<'_, T, S> {
    fn sweep_inner(&mut self, update: bool) {
        self.pass(What { steps: update, update, sums: self.fixed != Fixed::Outer, loss: false });
        let sums = self.sums.as_ref().expect("the pass's");
        keep(&mut self.inner, sums);
    }

    fn sweep_outer(&mut self, update: bool) {
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
        self.pack();
        let (k, layout, beta) = (self.k, self.layout, self.rule.beta);
        let (source, scratch, x) = (self.source, &self.scratch, &self.inner.x);
        let y = Packed { y: &self.outer.x, packed: &self.packed, k };
        let sums = self.losses.run(
            |l, worker, out| {
                *out = 0.0;
                let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let Scratch { block, tiles, .. } = &mut *scratch;
                let range = lane(source.rows(), layout.lanes, l);
                for start in range.clone().step_by(layout.block) {
                    let end = range.end.min(start + layout.block);
                    let s = source.ratios(start..end, block);
                    *out = s.divergence(&beta, &x[start * k..end * k], y, tiles, *out);
                }
            },
            |a, b| *a += b,
        );
        self.losses.give_back(sums);
        sums.max(0.0)
    }

    fn step(&self) -> f64 {
        (self.inner.step.movement + self.outer.step.movement) / self.size
    }

    fn finish(&mut self) -> Figures {
        let fixed = self.fixed;
        self.pass(What {
            steps: fixed != Fixed::Inner,
            update: false,
            sums: fixed != Fixed::Outer,
            loss: true,
        });
        let of_x = self.summed().step.movement;
        let loss = self.summed().loss.max(0.0);
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
