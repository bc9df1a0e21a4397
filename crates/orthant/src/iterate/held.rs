//! The bytes that a loop takes, both factors included, before there is one.
//!
//! It follows what `new` and `finish` of the loops allocate, line by line; `tests/predicted.rs` compares it with what they do
//! allocate. What is said of the pair and of sums stands beside these.

use std::sync::Mutex;

use orthant_kernel::newton::scratch_len as newton_len;
use orthant_kernel::{Buffer, Real, accumulator_stride, divergence, scan};

use super::extrapolation::Schedule;
use super::lines::{Lines, copies_bytes};
use super::prepared::Prepared;
use super::quadratic::outer_lanes;
use super::residual::{Measured, WideGram};
use super::sums::{GramSums, RatioSums};
use super::{joint, ratio};
use crate::lanes::MAX_LANES;
use crate::reduce::accumulators;
use crate::rule::cholesky::Definite;
use crate::rule::nnls::Nnls;
use crate::rule::scratch_len;
use crate::source::{Reading, UNFOLDED};
use crate::{Method, Update};

/// A method on data of that shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held<'a> {
    pub reading: Reading<'a>,
    pub method: Method,
    /// Whether sparse data is worked on at its entries.
    pub by_entries: bool,
    pub k: usize,
    /// Rows of a block, if they were asked for.
    pub block: Option<usize>,
    /// Whether H does not change.
    pub fixed: bool,
    /// Rows of R, where the rows that are read are those of L in a product L·Rᵀ.
    pub product: Option<usize>,
    /// Whether the sums of a divergence's updates are asked for the loss before Y is updated.
    pub loss_is_due: bool,
}

impl Held<'_> {
    /// Everything that there is while it iterates, or computes the final figures.
    pub fn bytes<T: Real>(&self) -> usize {
        if self.reading.v.lists {
            return self.pair::<T>() + self.rowwise::<T>();
        }
        let of_loop = match (self.method.loss.is_quadratic(), self.method.is_joint()) {
            (true, _) => self.quadratic::<T>(),
            (_, true) => self.joint::<T>(),
            _ => self.ratio::<T>(),
        };
        self.pair::<T>() + of_loop
    }

    /// The loop over rows that are each solved by themselves.
    fn rowwise<T: Real>(&self) -> usize {
        use super::rowwise::BLOCK;
        let (k, s, (rows, cols)) = (self.k, size_of::<T>(), self.rows());
        let lines = [(self.reading.v.lines_of_s, rows), (self.reading.v.lines_across, cols)];
        let lines = &lines[..if self.outer_is_fixed() { 1 } else { 2 }];
        let entries = lines.iter().map(|(lines, _)| lines.most(BLOCK)).max().unwrap_or(0);
        let longest = lines.iter().map(|(lines, _)| lines.longest).max().unwrap_or(0);
        let prepared = lines.iter().map(|&(_, rows)| Buffer::<T>::bytes(Prepared::<T>::strided_len(rows, k)));
        let tiles = if self.method.is_newton() { newton_len(None, longest, k) } else { 0 };
        // lists grow to twice what they have to hold at most
        let worker = 2 * (2 * entries + longest * k) * s
            + 2 * Buffer::<T>::bytes(BLOCK * k)
            + Buffer::<T>::bytes(k * accumulator_stride::<T>(k))
            + (k * k + k + scratch_len(1, k)) * s
            + Buffer::<T>::bytes(tiles);
        let sums = self.reducer::<RatioSums<T>>(MAX_LANES, RatioSums::<T>::bytes(0, k, false));
        self.reading.workers * worker
            + prepared.sum::<usize>()
            + lines.len() * sums
            + self.slots::<T>(MAX_LANES)
    }

    /// Rows of X and of Y.
    fn rows(&self) -> (usize, usize) {
        let (rows, cols) = self.reading.v.lines();
        (rows, self.product.unwrap_or(cols))
    }

    fn by_columns(&self) -> bool {
        self.reading.v.by_columns
    }

    /// Whether the outer factor is the one that does not change.
    fn outer_is_fixed(&self) -> bool {
        self.fixed && !self.by_columns()
    }

    /// Whether there are denominators beside numerators.
    fn both(&self) -> bool {
        !self.method.loss.is_quadratic() && self.method.loss.beta() != 1.0
    }

    /// Columns that a lane sums for.
    fn summed(&self) -> usize {
        if self.reading.plan.transpose || self.outer_is_fixed() { 0 } else { self.reading.v.lines().1 }
    }

    /// The factors, and their copies.
    fn pair<T: Real>(&self) -> usize {
        let (k, (rows, cols)) = (self.k, self.rows());
        let own = |rows| Buffer::<T>::bytes(rows * k) + k * k * size_of::<T>();
        own(rows) + own(cols) + self.copies::<T>()
    }

    /// The copies of factors that are extrapolated.
    fn copies<T: Real>(&self) -> usize {
        if !self.method.is_extrapolated() {
            return 0;
        }
        let (rows, cols) = self.rows();
        let (of_w, of_h) = if self.by_columns() { (cols, rows) } else { (rows, cols) };
        let schedule = match self.method {
            method if method.loss.is_quadratic() || method.is_newton() => Schedule::new(),
            method => Schedule::momentum(method.loss),
        };
        copies_bytes::<T>(schedule.role(false), of_w, self.k)
            + copies_bytes::<T>(schedule.role(true), of_h, self.k)
    }

    /// A reducer of what takes `each` bytes.
    fn reducer<A>(&self, lanes: usize, each: usize) -> usize {
        accumulators(lanes, self.reading.workers) * (each + size_of::<A>())
            + 2 * lanes * size_of::<Option<A>>()
    }

    /// The rows of factors by lanes, where these do not stand on the stack.
    fn slots<T>(&self, lanes: usize) -> usize {
        if lanes > MAX_LANES { lanes * size_of::<Mutex<Lines<'_, T>>>() } else { 0 }
    }

    fn block<T: Real>(&self) -> usize {
        let rows = self.reading.v.lines().0;
        self.block.map_or_else(|| self.reading.block::<T>(self.k), |asked| asked.min(rows))
    }

    /// Rows of a block that are kept while their steps are measured: no more than a lane has, which with few entries are more.
    fn measured(&self, block: usize) -> usize {
        let (rows, cols) = self.rows();
        let entries = self.reading.v.entries.unwrap_or(0);
        block.min(
            (entries + 8 * rows.max(cols)).div_ceil(8 * self.reading.lanes()).max(cols.div_ceil(MAX_LANES)),
        )
    }

    /// The lanes of Y: their number, and the rows of the longest.
    fn outer_lanes(&self) -> (usize, usize) {
        let lanes = outer_lanes(self.rows().1);
        match self.reading.plan.transpose {
            true => (self.reading.lanes_across(), 0),
            false => (lanes.count(), lanes.longest()),
        }
    }

    fn quadratic<T: Real>(&self) -> usize {
        let (k, reading, (rows, cols), s) = (self.k, self.reading, self.rows(), size_of::<T>());
        let (transposes, width) = (reading.plan.transpose, self.product.map(|_| reading.v.lines().1));
        let (lanes, (outer_lanes, longest)) = (reading.lanes(), self.outer_lanes());
        let block = self.block::<T>();
        let outer_block = if transposes { reading.block_across::<T>(k) } else { longest }.max(1);
        // products with the components of H that are known are kept, and only the others are summed
        let known = match transposes || width.is_some() || self.fixed || reading.v.unobserved > 0 {
            true => 0,
            false => reading.v.known,
        };
        let kept = match (known > 0, self.by_columns()) {
            (false, _) => 0,
            (true, false) => rows * k * s + Buffer::<T>::bytes(cols * (k - known)),
            (true, true) => cols * known * s + Buffer::<T>::bytes(cols * (k - known)),
        };
        let all = transposes || width.is_some() || known > 0;
        let numerators = if all { block.max(outer_block) } else { block };
        let scratch = scratch_len(block.max(outer_block), k).max(block * k);
        let worker = reading.memory::<T>(block)
            + if transposes { reading.memory_across::<T>(outer_block) } else { 0 }
            + Buffer::<T>::bytes(numerators * k)
            + (scratch + scan::residual_scratch_len(k) + width.map_or(0, |_| cols)) * s
            + k * size_of::<f64>();
        let extrapolated = self.method.is_extrapolated();
        let sums = reading.column_sums::<T>(self.summed(), k - known);
        let of_inner = GramSums::<T>::bytes(sums, k, reading.long(), extrapolated && self.by_columns());
        let long_across = transposes && reading.v.long_across;
        let sums = Buffer::<T>::bytes(width.unwrap_or(0) * accumulator_stride::<T>(k));
        let of_outer = GramSums::<T>::bytes(sums, k, long_across, extrapolated && !self.by_columns());
        let wide = if reading.v.entries.is_some() {
            self.reducer::<WideGram>(lanes, WideGram::bytes(k))
                + self.reducer::<WideGram>(outer_lanes, WideGram::bytes(k))
        } else {
            0
        };
        let strided = |rows| {
            if reading.v.entries.is_some() {
                Buffer::<T>::bytes(Prepared::<T>::strided_len(rows, k))
            } else {
                0
            }
        };
        // SᵀX of the final figures, when there are no copies any more, or SY of a Y that does not change
        let products = match (self.outer_is_fixed(), transposes) {
            (true, _) => rows * k * s,
            (_, true) => (cols * k * s).saturating_sub(self.copies::<T>()),
            _ => 0,
        };
        reading.workers * worker
            + self.reducer::<GramSums<T>>(lanes, of_inner)
            + self.reducer::<GramSums<T>>(outer_lanes, of_outer)
            + self.reducer::<Measured>(lanes, 0)
            + wide
            + Buffer::<T>::bytes(width.unwrap_or(0) * k)
            + strided(cols)
            + if transposes { strided(rows) } else { 0 }
            + (k * k + k) * s
            + k * size_of::<usize>()
            + products
            + kept
            + self.rule()
            + self.slots::<T>(lanes).max(self.slots::<T>(outer_lanes))
    }

    /// What the rules that solve in double precision take.
    fn rule(&self) -> usize {
        let (k, workers) = (self.k, self.reading.workers);
        match self.method.update {
            Update::Anls => Definite::bytes(k) + workers * Nnls::bytes(k),
            Update::Als => Definite::bytes(k) + workers * k * size_of::<f64>(),
            Update::ProjectedGradient => (k * k + k + workers * 6 * k) * size_of::<f64>(),
            _ => 0,
        }
    }

    fn ratio<T: Real>(&self) -> usize {
        let (k, reading, (rows, cols), s) = (self.k, self.reading, self.rows(), size_of::<T>());
        let (transposes, newton, both) = (reading.plan.transpose, self.method.is_newton(), self.both());
        let (lanes, (outer_lanes, _)) = (reading.lanes(), self.outer_lanes());
        let block = self.block::<T>();
        let outer_block = if transposes { reading.block_across::<T>(k) } else { block }.max(1);
        let unfolded = |block: usize, cols| match reading.v.entries {
            Some(_) if !self.by_entries => block.min(UNFOLDED) * cols * s,
            _ => 0,
        };
        let steps = match (newton, reading.v.entries) {
            (false, _) => 0,
            (true, None) => newton_len(Some(if transposes { rows.max(cols) } else { cols }), 0, k),
            (true, Some(_)) => {
                let across = if transposes { reading.v.lines_across.longest } else { 0 };
                newton_len(None, reading.v.lines_of_s.longest.max(across), k)
            }
        };
        let worker = reading.memory::<T>(block)
            + unfolded(block, cols)
            + if transposes {
                reading.memory_across::<T>(outer_block) + unfolded(outer_block, rows)
            } else {
                0
            }
            + Buffer::<T>::bytes(block.max(outer_block) * k) * if both { 2 } else { 1 }
            + Buffer::<T>::bytes(divergence::scratch_len(k).max(steps))
            + self.measured(block.max(outer_block)) * k * s;
        let next = ratio::numerators_len(rows, k, false, self.by_columns() || self.loss_is_due, newton);
        let sums = reading.column_sums::<T>(self.summed(), k);
        reading.workers * worker
            + Buffer::<T>::bytes(next) * if both { 2 } else { 1 }
            + self.prepared::<T>(cols)
            + if transposes { self.prepared::<T>(rows) } else { 0 }
            + self.reducer::<RatioSums<T>>(lanes, RatioSums::<T>::bytes(sums, k, both))
            + self.reducer::<RatioSums<T>>(outer_lanes, RatioSums::<T>::bytes(0, k, both))
            + self.reducer::<f64>(lanes, 0)
            + self.slots::<T>(lanes).max(self.slots::<T>(outer_lanes))
    }

    /// A factor as blocks of a divergence read it.
    fn prepared<T: Real>(&self, rows: usize) -> usize {
        let strided = || Prepared::<T>::strided_len(rows, self.k);
        let at_entries = self.by_entries && self.reading.v.entries.is_some();
        Buffer::<T>::bytes(if at_entries { strided() } else { rows * self.k })
    }

    fn joint<T: Real>(&self) -> usize {
        let (k, reading, (rows, cols)) = (self.k, self.reading, self.rows());
        let (lanes, outer_lanes) = (reading.lanes(), outer_lanes(cols).count());
        let block = self.block::<T>().max(1);
        let at_entries = self.by_entries && reading.v.entries.is_some();
        let tiles = if at_entries { 0 } else { divergence::scratch_len(k) };
        let worker = reading.memory::<T>(block)
            + Buffer::<T>::bytes(tiles)
            + self.measured(block) * k * size_of::<T>();
        let sums = reading.column_sums::<T>(cols, k);
        reading.workers * worker
            + Buffer::<T>::bytes(joint::numerators_len(rows, k))
            + self.prepared::<T>(cols)
            + self.reducer::<RatioSums<T>>(lanes, RatioSums::<T>::bytes(sums, k, false))
            + self.reducer::<RatioSums<T>>(lanes, RatioSums::<T>::bytes(0, k, false))
            + self.reducer::<RatioSums<T>>(outer_lanes, RatioSums::<T>::bytes(0, k, false))
            + self.slots::<T>(lanes).max(self.slots::<T>(outer_lanes))
    }
}
