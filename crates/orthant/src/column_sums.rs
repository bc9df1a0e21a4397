//! Sums over the rows of a lane, for each column.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use orthant_kernel::{Buffer, Real, accumulator_stride};

use crate::Error;
use crate::ranks::Shared;
use crate::state::State;

/// For each lane, columns of which sums are set aside now and then, so that rounding does not grow with the rows.
pub type HeavyColumns = Arc<[Vec<u32>]>;

pub(crate) fn add<T: Real>(sums: &mut [T], others: &[T]) {
    sums.iter_mut().zip(others).for_each(|(x, y)| *x += *y);
}

/// Sums over the rows of a lane for each column of S: rows of k, [`accumulator_stride`] apart.
#[derive(Debug)]
pub(crate) struct ColumnSums<T> {
    sums: Buffer<T>,
    /// What was set aside of columns with very many terms.
    flushed: Buffer<T>,
    heavy: HeavyColumns,
    stride: usize,
}

impl<T: Real> ColumnSums<T> {
    /// Elements of one with `cols` columns, where none is heavy.
    pub fn len(cols: usize, k: usize) -> usize {
        cols * accumulator_stride::<T>(k)
    }

    pub fn new(cols: usize, k: usize, heavy: HeavyColumns) -> Self {
        let stride = accumulator_stride::<T>(k);
        let most = if cols == 0 { 0 } else { heavy.iter().map(Vec::len).max().unwrap_or(0) };
        Self { sums: Buffer::zeros(cols * stride), flushed: Buffer::zeros(most * stride), heavy, stride }
    }

    /// Of nothing.
    pub fn none() -> Self {
        Self {
            sums: Buffer::default(),
            flushed: Buffer::default(),
            heavy: HeavyColumns::default(),
            stride: 1,
        }
    }

    pub fn clear(&mut self) {
        self.sums.fill(T::ZERO);
        self.flushed.fill(T::ZERO);
    }

    pub fn add(&mut self, other: &Self) {
        add(&mut self.sums, &other.sums);
    }

    /// Sets aside the sums of columns that have very many terms in a lane.
    pub fn flush(&mut self, lane: usize) {
        self.exchange(lane, |sum, flushed| {
            add(flushed, sum);
            sum.fill(T::ZERO);
        });
    }

    /// Takes them up again.
    pub fn restore(&mut self, lane: usize) {
        self.exchange(lane, |sum, flushed| {
            add(sum, flushed);
            flushed.fill(T::ZERO);
        });
    }

    fn exchange(&mut self, lane: usize, with: impl Fn(&mut [T], &mut [T])) {
        let (stride, Some(heavy)) = (self.stride, self.heavy.get(lane)) else { return };
        for (flushed, &j) in self.flushed.chunks_exact_mut(stride).zip(heavy) {
            with(&mut self.sums[j as usize * stride..][..stride], flushed);
        }
    }
}

impl<T: Real> Shared for ColumnSums<T> {
    type Element = T;

    fn arrays(&mut self) -> Vec<&mut [T]> {
        vec![&mut self.sums]
    }

    fn pack(&self, _: &mut Vec<u8>) {}

    fn unpack(&mut self, _: &mut &[u8]) -> Result<(), Error> {
        Ok(())
    }

    fn merge(&mut self, _: &Self) {}
}

/// Between walks: nothing is set aside.
impl<T: Real> State for ColumnSums<T> {
    fn save(&self, to: &mut Vec<u8>) {
        self.sums.save(to);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        self.sums.restore(from)
    }
}

impl<T> Deref for ColumnSums<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.sums
    }
}

impl<T> DerefMut for ColumnSums<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.sums
    }
}
