//! Products with the components of H that are to be found, where the others are known.
//!
//! If H_F is known, so is V·H_Fᵀ after one pass, and VᵀW_F is not needed by any update. A pass then multiplies V with the free
//! components alone: 4mn(k − |F|) flops an iteration in place of 4mnk. Only ⟨V, WH⟩ in the Gram form of the loss is put together of both.
//!
//! By rows, Y is Hᵀ: the numerators S·Y of known components stay from the first pass on. By columns, X is Hᵀ, and the sums SᵀX of
//! known components do.

use orthant_kernel::{Buffer, Real, accumulator_stride, allocate};

use super::pair::Pair;
use super::quadratic::Quadratic;
use super::row_update::{Numerators, RowUpdate, Summed};
use super::visit::Mode;
use crate::Error;
use crate::known::Limits;

/// Which components of H are free.
#[derive(Debug)]
pub(super) struct Moving<T> {
    k: usize,
    free: Vec<usize>,
    known: Vec<usize>,
    /// Of Y the free components, a row for each of Y.
    pub operand: Buffer<T>,
    /// By columns: SᵀX of the known components, a row for each of Y.
    pub sums: Vec<T>,
}

impl<T: Real> Moving<T> {
    /// Where some components of H are fixed throughout; Y has so many rows.
    pub fn of(limits: Option<&Limits<T>>, k: usize, rows: usize) -> Option<Self> {
        let known = limits?.known();
        if known.is_empty() {
            return None;
        }
        let free: Vec<usize> = (0..k).filter(|t| !known.contains(t)).collect();
        Some(Self { k, operand: Buffer::zeros(rows * free.len()), free, known, sums: Vec::new() })
    }

    /// How many components are free.
    pub fn count(&self) -> usize {
        self.free.len()
    }

    /// Takes the free components of Y.
    pub fn take(&mut self, y: &[T]) {
        gather(y, self.k, &self.free, self.free.len(), &mut self.operand);
    }

    /// The free components of some rows of X.
    pub fn gather<'a>(&self, x: &[T], out: &'a mut [T]) -> &'a [T] {
        let out = &mut out[..x.len() / self.k * self.free.len()];
        gather(x, self.k, &self.free, self.free.len(), out);
        out
    }

    /// Rows of k of which the free components are those of `compact`, `stride` apart, and the known ones those of `known`, rows of k;
    /// 0 if there are none.
    pub fn put_together(&self, compact: &[T], stride: usize, known: &[T], out: &mut [T]) {
        for (i, out) in out.chunks_exact_mut(self.k).enumerate() {
            self.free.iter().zip(&compact[i * stride..]).for_each(|(&t, &x)| out[t] = x);
            self.known.iter().for_each(|&t| out[t] = known.get(i * self.k + t).copied().unwrap_or(T::ZERO));
        }
    }

    /// Rows `first` and on of SᵀX, put together of sums of the free components and what is known.
    pub fn numerators(&self, b: &[T], first: usize, out: &mut [T]) {
        let (stride, count) = (accumulator_stride::<T>(self.free.len()), self.known.len());
        for (i, out) in out.chunks_exact_mut(self.k).enumerate() {
            self.free.iter().zip(&b[(first + i) * stride..]).for_each(|(&t, &x)| out[t] = x);
            for (f, &t) in self.known.iter().enumerate() {
                out[t] = self.sums.get((first + i) * count + f).copied().unwrap_or(T::ZERO);
            }
        }
    }

    /// `sum` + ⟨A, X⟩ over the known components of some rows of k.
    pub fn cross(&self, a: &[T], x: &[T], mut sum: f64) -> f64 {
        for (a, x) in a.chunks_exact(self.k).zip(x.chunks_exact(self.k)) {
            sum += self.known.iter().map(|&t| a[t].to_f64() * x[t].to_f64()).sum::<f64>();
        }
        sum
    }

    /// ⟨SᵀX, Y⟩ over the known components of all rows, by columns.
    pub fn cross_of_sums(&self, y: &[T]) -> f64 {
        let mut sum = 0.0;
        for (b, y) in self.sums.chunks_exact(self.known.len()).zip(y.chunks_exact(self.k)) {
            sum += b.iter().zip(&self.known).map(|(b, &t)| b.to_f64() * y[t].to_f64()).sum::<f64>();
        }
        sum
    }

    /// The known components, as many at a time as are free: what a pass can sum.
    pub fn groups(&self) -> Vec<Group> {
        let count = self.free.len();
        self.known.chunks(count).map(|of| Group { k: self.k, components: of.to_vec(), count }).collect()
    }

    /// Takes the sums of one group from those of a pass; `at` is the number of the groups before.
    pub fn take_sums(&mut self, at: usize, group: &Group, b: &[T]) {
        let (stride, count, known) =
            (accumulator_stride::<T>(group.count), group.components.len(), self.known.len());
        let rows = b.len() / stride;
        if self.sums.is_empty() {
            self.sums = allocate::filled(rows * known, T::ZERO);
        }
        for (to, from) in self.sums.chunks_exact_mut(known).zip(b.chunks_exact(stride)) {
            to[at * group.count..][..count].copy_from_slice(&from[..count]);
        }
    }
}

impl<T: Real> Quadratic<'_, T> {
    /// SᵀX of the components that are known, by columns.
    pub(super) fn keep_sums(&mut self) -> Result<(), Error> {
        let Some(groups) =
            self.moving.as_ref().filter(|m| self.pair.by_columns && m.sums.is_empty()).map(Moving::groups)
        else {
            return Ok(());
        };
        let (k, isa, source) = (self.k, self.isa, self.source.rows);
        for (at, group) in groups.iter().enumerate() {
            let Pair { inner, outer, .. } = &mut self.pair;
            let step = RowUpdate {
                numerators: Numerators::Computed { source, operand: &[] },
                rule: &*self.rule,
                subproblem: self.coupling.subproblem(outer.operand_gram(), inner),
                k,
                isa,
                weights: inner.weights,
                limits: None,
                crosses: false,
                accumulates: true,
                summed: Summed::Known(group),
                projection: None,
            };
            let lines = inner.lines(Mode::Sum, k, &self.inner.lanes);
            let sums = self.inner.visit(&lines, Mode::Sum, &step, &mut self.of_inner, &self.memory)?;
            drop(lines);
            let moving = self.moving.as_mut().expect("there are groups of it");
            moving.take_sums(at, group, &sums.b);
            self.of_inner.give_back(sums);
        }
        Ok(())
    }
}

/// Some components.
#[derive(Debug)]
pub(super) struct Group {
    k: usize,
    components: Vec<usize>,
    /// The components that a pass sums; those beyond are 0.
    count: usize,
}

impl Group {
    /// The components that a pass sums.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Those of some rows of k.
    pub fn gather<'a, T: Real>(&self, x: &[T], out: &'a mut [T]) -> &'a [T] {
        let out = &mut out[..x.len() / self.k * self.count];
        gather(x, self.k, &self.components, self.count, out);
        out
    }
}

/// The named ones of each k elements, with as many to a row as `count`: 0 beyond them.
fn gather<T: Real>(x: &[T], k: usize, components: &[usize], count: usize, out: &mut [T]) {
    for (x, out) in x.chunks_exact(k).zip(out.chunks_exact_mut(count)) {
        out.fill(T::ZERO);
        out.iter_mut().zip(components).for_each(|(out, &t)| *out = x[t]);
    }
}
