//! What lanes add up.

use orthant_kernel::rows::Step;
use orthant_kernel::{Buffer, Isa, Real, accumulator_stride, gram};

use super::factor::Factor;
use super::lines::Lines;
use super::visit::Sums;
use crate::Error;
use crate::column_sums::{ColumnSums, HeavyColumns, add};
use crate::penalty::Weights;
use crate::ranks::Shared;
use crate::state::{State, elements, save_elements, state};

/// XᵀX, k×[`accumulator_stride`], one triangle.
#[derive(Debug, Default)]
pub(super) struct Gram<T> {
    pub sum: Buffer<T>,
    /// What is set aside of it, in long lanes.
    flushed: Buffer<T>,
}

impl<T: Real> Gram<T> {
    pub fn new(k: usize, long: bool) -> Self {
        let len = k * accumulator_stride::<T>(k);
        Self { sum: Buffer::zeros(len), flushed: Buffer::zeros(if long { len } else { 0 }) }
    }

    fn flush(&mut self) {
        add(&mut self.flushed, &self.sum);
        self.sum.fill(T::ZERO);
    }

    fn restore(&mut self) {
        add(&mut self.sum, &self.flushed);
        self.flushed.fill(T::ZERO);
    }

    /// Both triangles, k×k; nothing where it is not kept.
    pub fn copy_to(&self, to: &mut [T], k: usize) {
        let stride = accumulator_stride::<T>(k);
        for t in 0..if to.is_empty() { 0 } else { k } {
            for r in t..k {
                to[t * k + r] = self.sum[t * stride + r];
                to[r * k + t] = self.sum[t * stride + r];
            }
        }
    }
}

/// What a lane adds up for the Frobenius loss.
#[derive(Debug)]
pub(super) struct GramSums<T> {
    /// SᵀX, cols×stride.
    pub b: ColumnSums<T>,
    /// XᵀX.
    pub gram: Gram<T>,
    /// The same of the rows that the other factor is updated against, where these are others.
    pub operand_gram: Gram<T>,
    sum: f64,
    /// ⟨SY, X⟩, where the sums do not have it.
    pub cross: f64,
    /// The same of components that are known, where only the others are summed.
    pub known: f64,
    /// Σ of the squares of what stands for what is not observed of S: in SY, and in SᵀX.
    pub completed: [f64; 2],
    pub step: Step,
}

impl<T: Real> GramSums<T> {
    /// Bytes of one with that much for B; `long` as in [`new`](Self::new), and with the Gram matrix of other rows if so.
    pub fn bytes(b: usize, k: usize, long: bool, others: bool) -> usize {
        let gram = Buffer::<T>::bytes(k * accumulator_stride::<T>(k)) * if long { 2 } else { 1 };
        b + gram * if others { 2 } else { 1 }
    }

    /// With B of so many columns and components.
    pub fn new(cols: usize, of_b: usize, k: usize, heavy: HeavyColumns, long: bool) -> Self {
        Self {
            b: ColumnSums::new(cols, of_b, heavy),
            gram: Gram::new(k, long),
            operand_gram: Gram::default(),
            sum: 0.0,
            cross: 0.0,
            known: 0.0,
            completed: [0.0; 2],
            step: Step::default(),
        }
    }

    /// Adds finished rows to the Gram matrices and, where a penalty asks for it, to Σ|x|.
    pub fn rows_done(&mut self, isa: Isa, lines: &Lines<'_, T>, k: usize, weights: Weights) {
        let x = lines.current();
        gram(isa, x, k, &mut self.gram.sum);
        if lines.differ() {
            gram(isa, lines.operand(), k, &mut self.operand_gram.sum);
        }
        if weights.l1 > 0.0 {
            for row in x.chunks_exact(k) {
                self.sum += row.iter().map(|x| x.to_f64()).sum::<f64>();
            }
        }
    }

    /// What a factor keeps of its last update, or of a walk without.
    pub fn keep_in(&self, factor: &mut Factor<T>, k: usize, updated: bool) {
        // the factor that is updated first keeps one Gram matrix only
        self.gram.copy_to(&mut factor.gram, k);
        if let Some(trail) = &mut factor.trail {
            if updated {
                self.operand_gram.copy_to(&mut trail.point_gram, k);
            } else {
                self.gram.copy_to(&mut trail.accepted_gram, k);
            }
        }
        factor.sum = self.sum;
        factor.squares = match factor.weights.l2 > 0.0 {
            true => (0..k).map(|t| factor.gram[t * k + t].to_f64()).sum(),
            false => 0.0,
        };
        factor.step = self.step;
    }
}

// what is summed for the update of the other factor; the rest is taken from it at once
state!(GramSums<T>: b);

impl<T: Real> Sums for GramSums<T> {
    fn clear(&mut self) {
        self.b.clear();
        self.gram.sum.fill(T::ZERO);
        self.operand_gram.sum.fill(T::ZERO);
        self.sum = 0.0;
        self.cross = 0.0;
        self.known = 0.0;
        self.completed = [0.0; 2];
        self.step = Step::default();
    }

    fn add(&mut self, other: &Self) {
        self.b.add(&other.b);
        self.merge(other);
    }

    fn complete_moves(&mut self, squares: f64) {
        self.completed[0] += squares;
    }

    fn complete_sums(&mut self, squares: f64) {
        self.completed[1] += squares;
    }

    fn flush(&mut self, lane: usize) {
        self.b.flush(lane);
        self.gram.flush();
        self.operand_gram.flush();
    }

    fn restore(&mut self, lane: usize) {
        self.b.restore(lane);
        self.gram.restore();
        self.operand_gram.restore();
    }
}

impl<T: Real> Shared for GramSums<T> {
    type Element = T;

    fn arrays(&mut self) -> Vec<&mut [T]> {
        vec![&mut self.b]
    }

    fn pack(&self, to: &mut Vec<u8>) {
        save_elements(&self.gram.sum, to);
        save_elements(&self.operand_gram.sum, to);
        [self.sum, self.cross, self.known].save(to);
        self.completed.save(to);
        self.step.save(to);
    }

    fn unpack(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        elements(&mut self.gram.sum, from)?;
        elements(&mut self.operand_gram.sum, from)?;
        let mut sums = [0.0; 3];
        sums.restore(from)?;
        [self.sum, self.cross, self.known] = sums;
        self.completed.restore(from)?;
        self.step.restore(from)
    }

    fn merge(&mut self, other: &Self) {
        add(&mut self.gram.sum, &other.gram.sum);
        add(&mut self.operand_gram.sum, &other.operand_gram.sum);
        self.sum += other.sum;
        self.cross += other.cross;
        self.known += other.known;
        self.completed.iter_mut().zip(other.completed).for_each(|(sum, other)| *sum += other);
        self.step.merge(other.step);
    }
}

/// What a lane adds up for a β-divergence.
#[derive(Debug)]
pub(super) struct RatioSums<T> {
    /// (S∘P^(β−2))ᵀ·X, cols×stride.
    pub b: ColumnSums<T>,
    /// (P^(β−1))ᵀ·X, cols×stride; empty for β = 1.
    pub c: ColumnSums<T>,
    /// Column sums of the factor that was updated, …
    columns: Vec<f64>,
    /// … and of the rows of it that the other factor is updated against, where these are others.
    pub operand_columns: Vec<f64>,
    /// Σx², where an L2 penalty asks for it.
    squares: f64,
    /// The loss.
    pub loss: f64,
    pub step: Step,
}

impl<T: Real> RatioSums<T> {
    /// Bytes of one with that much for B, and C if `both`.
    pub fn bytes(b: usize, k: usize, both: bool) -> usize {
        b * if both { 2 } else { 1 } + 2 * k * size_of::<f64>()
    }

    /// With B of `cols` columns, and C if `both`.
    pub fn new(cols: usize, k: usize, both: bool, heavy: HeavyColumns) -> Self {
        Self {
            b: ColumnSums::new(cols, k, heavy.clone()),
            c: if both { ColumnSums::new(cols, k, heavy) } else { ColumnSums::none() },
            columns: vec![0.0; k],
            operand_columns: Vec::new(),
            squares: 0.0,
            loss: 0.0,
            step: Step::default(),
        }
    }

    /// Adds finished rows.
    pub fn rows_done(&mut self, lines: &Lines<'_, T>, weights: Weights) {
        let x = lines.current();
        add_columns(&mut self.columns, x);
        if weights.l2 > 0.0 {
            for row in x.chunks_exact(self.columns.len()) {
                self.squares += row.iter().map(|x| x.to_f64() * x.to_f64()).sum::<f64>();
            }
        }
        if lines.differ() {
            add_columns(&mut self.operand_columns, lines.operand());
        }
    }

    /// What a factor keeps of its last update, or of a walk without.
    pub fn keep_in(&self, factor: &mut Factor<T>) {
        factor.sum = self.columns.iter().sum();
        factor.squares = self.squares;
        factor.step = self.step;
    }
}

state!(RatioSums<T>: b, c);

impl<T: Real> Sums for RatioSums<T> {
    fn clear(&mut self) {
        self.b.clear();
        self.c.clear();
        self.columns.fill(0.0);
        self.operand_columns.fill(0.0);
        self.squares = 0.0;
        self.loss = 0.0;
        self.step = Step::default();
    }

    fn add(&mut self, other: &Self) {
        self.b.add(&other.b);
        self.c.add(&other.c);
        self.merge(other);
    }

    fn flush(&mut self, lane: usize) {
        self.b.flush(lane);
        self.c.flush(lane);
    }

    fn restore(&mut self, lane: usize) {
        self.b.restore(lane);
        self.c.restore(lane);
    }
}

impl<T: Real> Shared for RatioSums<T> {
    type Element = T;

    fn arrays(&mut self) -> Vec<&mut [T]> {
        vec![&mut self.b, &mut self.c]
    }

    fn pack(&self, to: &mut Vec<u8>) {
        save_elements(&self.columns, to);
        save_elements(&self.operand_columns, to);
        [self.squares, self.loss].save(to);
        self.step.save(to);
    }

    fn unpack(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        elements(&mut self.columns, from)?;
        elements(&mut self.operand_columns, from)?;
        let mut sums = [0.0; 2];
        sums.restore(from)?;
        [self.squares, self.loss] = sums;
        self.step.restore(from)
    }

    fn merge(&mut self, other: &Self) {
        self.columns.iter_mut().zip(&other.columns).for_each(|(x, y)| *x += y);
        self.operand_columns.iter_mut().zip(&other.operand_columns).for_each(|(x, y)| *x += y);
        self.squares += other.squares;
        self.loss += other.loss;
        self.step.merge(other.step);
    }
}

impl Sums for f64 {
    fn clear(&mut self) {
        *self = 0.0;
    }

    fn add(&mut self, other: &Self) {
        *self += other;
    }
}

/// Adds rows, as long as the sums.
pub(super) fn add_columns<T: Real>(sums: &mut [f64], rows: &[T]) {
    for row in rows.chunks_exact(sums.len()) {
        sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x.to_f64());
    }
}

/// Column sums of a factor, as the loss wants them, and, as elements, of the rows that the other factor is updated against.
#[derive(Debug)]
pub(super) struct Columns<T> {
    pub sums: Vec<f64>,
    pub elements: Vec<T>,
}

state!(Columns<T>: sums, elements);

impl<T: Real> Columns<T> {
    pub fn new(k: usize) -> Self {
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

    /// Those of rows as they were left, `updated` or not.
    pub fn take(&mut self, sums: &RatioSums<T>, updated: bool) {
        self.sums.copy_from_slice(&sums.columns);
        let operand =
            if updated && !sums.operand_columns.is_empty() { &sums.operand_columns } else { &sums.columns };
        for (to, from) in self.elements.iter_mut().zip(operand) {
            *to = T::from_f64(*from);
        }
    }

    /// The sizes of components, as the other factor is updated against them.
    pub fn sizes(&self) -> impl Iterator<Item = f64> {
        self.elements.iter().map(|x| x.to_f64())
    }

    /// ΣP = ⟨column sums of X, column sums of Y⟩.
    pub fn product(&self, other: &Self) -> f64 {
        self.sums.iter().zip(&other.sums).map(|(x, y)| x * y).sum()
    }
}
