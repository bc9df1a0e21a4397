//! What the loops hold besides the factors, in elements; each part says its own.

use orthant_kernel::Real;

use super::majorize::Work as RatioWork;
use super::prepared::Prepared;
use super::sums::{GramSums, RatioSums};
use super::{joint, ratio, row_update};
use crate::Method;
use crate::shape::Shape;
use crate::source::Memory;

/// A method on data of that shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held<'a> {
    pub v: &'a Shape,
    pub method: Method,
    /// Whether the transpose is kept beside S.
    pub transpose: bool,
    /// Whether sparse data is worked on at its entries.
    pub by_entries: bool,
    pub k: usize,
}

impl Held<'_> {
    /// Columns that a lane has sums of, for each of B and C.
    fn cols(&self) -> usize {
        if self.transpose { 0 } else { self.v.lines().1 }
    }

    /// Whether there are both.
    fn both(&self) -> bool {
        !self.method.loss.is_quadratic() && self.method.loss.beta() != 1.0
    }

    /// Rows of k that a lane has of sums over rows of S.
    pub fn summed(&self) -> usize {
        self.cols() * if self.both() { 2 } else { 1 }
    }

    /// The sums of a lane.
    pub fn lane<T: Real>(&self) -> usize {
        match self.method.loss.is_quadratic() {
            true => GramSums::<T>::len(self.cols(), self.k),
            false => RatioSums::<T>::len(self.cols(), self.k, self.both()),
        }
    }

    /// What a worker reads rows with and computes with.
    pub fn worker<T: Real>(&self) -> usize {
        let of_rows = match self.method.loss.is_quadratic() {
            true => row_update::Work::<T>::most(self.k),
            false => RatioWork::<T>::most(self.k, self.v, self.method.is_newton()),
        };
        // divergences may read V at another scale
        let scaled = !self.method.loss.is_quadratic();
        of_rows + Memory::<T>::most(self.v, self.by_entries, self.transpose, scaled)
    }

    /// Factors as blocks read them, and numerators that are kept from one half-step to the next.
    pub fn beside_factors<T: Real>(&self) -> usize {
        let (rows, cols) = self.v.lines();
        let strided = |rows| match self.v.entries {
            Some(_) if self.by_entries => Prepared::<T>::strided_len(rows, self.k),
            _ => 0,
        };
        let kept = match (self.method.is_joint(), self.method.loss.is_quadratic()) {
            (true, _) => joint::numerators_len(rows, self.k),
            (_, true) => 0,
            _ => ratio::numerators_len(rows, self.k, self.both(), self.v.by_columns, self.method.is_newton()),
        };
        strided(cols) + if self.transpose { strided(rows) } else { 0 } + kept
    }
}
