//! The walk over the rows of a factor.
//!
//! ```text
//! for each lane, side by side                 a lane has sums of its own
//!     for each block of its rows
//!         read      those of S beside them    once, for both that follow
//!         complete  what is not observed of S is XYᵀ, here and again before the sums
//!         moves     x ← the update of x
//!         sums      what the other factor needs
//!     after 1024 rows of a long lane          what is summed so far is set aside
//! reduce the sums                             in a fixed tree
//! ```
//!
//! Which worker takes which lane depends on time, and what it computes does not: neither threads nor the size of a block
//! change a bit of what a lane sums row by row.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use orthant_kernel::{Isa, Real, allocate};

use super::lines::Lines;
use crate::Error;
use crate::cancel::Halt;
use crate::known::Limits;
use crate::lanes::Lanes;
use crate::ranks::Shared;
use crate::reduce::{Reducer, Slots};
use crate::source::{Memory, Rows, Source};

/// What is done with the rows of a factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// They are summed.
    Sum,
    /// The same, and how far an update would move them.
    Measure,
    /// They are updated, and summed then.
    Update,
}

impl Mode {
    /// An update, or the sums alone.
    pub fn updates(update: bool) -> Self {
        if update { Self::Update } else { Self::Sum }
    }
}

/// Some rows of a factor.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub lane: usize,
    /// Their numbers.
    pub rows: Range<usize>,
    /// Their elements among those of the lane.
    pub of_lane: Range<usize>,
}

/// What half of an iteration does with the rows of one factor: the mathematics of an update.
pub(super) trait HalfStep<T: Real>: Sync {
    /// What a worker computes with.
    type Work: Send;
    /// What a lane adds up.
    type Sums: Sums;

    /// What is read beside the rows, if anything is.
    fn source(&self) -> Option<&dyn Source<T>>;

    /// The factor that the rows stand against, with a floor under the product: XYᵀ takes the place of what is not observed of S.
    fn opposite(&self) -> (&[T], T);

    /// Whether [`sums`](Self::sums) looks at rows of S.
    fn sums_rows(&self) -> bool;

    /// What bounds the entries of the rows, if anything does: they are within, and are extrapolated no further.
    fn limits(&self) -> Option<&Limits<T>> {
        None
    }

    /// Updates the rows x, and adds how far they moved; nothing where they are only summed.
    fn moves(
        &self,
        _at: &Span,
        _s: Option<&mut Rows<'_, T>>,
        _x: &mut [T],
        _work: &mut Self::Work,
        _sums: &mut Self::Sums,
    ) {
    }

    /// Adds what is needed of the rows as they are then.
    fn sums(
        &self,
        at: &Span,
        s: Option<&mut Rows<'_, T>>,
        x: &Lines<'_, T>,
        work: &mut Self::Work,
        sums: &mut Self::Sums,
    );
}

/// What a lane adds up, and how lanes are added.
pub(super) trait Sums: Shared {
    /// Puts it at nothing.
    fn clear(&mut self);
    /// Adds those of another lane.
    fn add(&mut self, other: &Self);
    /// Adds the squares of what takes the place of what is not observed while rows move, …
    fn complete_moves(&mut self, _squares: f64) {}
    /// … and while they are summed.
    fn complete_sums(&mut self, _squares: f64) {}
    /// Sets aside what a long lane has summed so far, so that rounding does not grow with its rows.
    fn flush(&mut self, _lane: usize) {}
    /// Takes it up again.
    fn restore(&mut self, _lane: usize) {}
}

/// A worker's own memory.
#[derive(Debug)]
pub(super) struct Worker<T, W> {
    /// To read rows of S with, …
    pub rows: Memory<T>,
    /// … and of the transpose that is kept beside it.
    pub transposed: Option<Memory<T>>,
    pub work: W,
}

/// Whose rows stand beside those of a factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// Those of S.
    Rows,
    /// Those of its transpose, if that is kept.
    Columns,
}

/// How the rows of a factor are cut.
#[derive(Debug)]
pub(super) struct Walk {
    pub beside: Beside,
    pub lanes: Lanes,
    /// Rows of a block.
    pub block: usize,
    pub k: usize,
    pub isa: Isa,
    /// Asked before each block.
    pub halt: Halt,
}

/// Rows whose update takes no longer than a moment, so that a walk that is to end does, by k and sweeps over a row.
pub(super) fn rows_of_a_moment(k: usize, sweeps: usize) -> usize {
    // operations of a second or less
    const MOMENT: usize = 1 << 30;
    (MOMENT / (k * k).saturating_mul(sweeps).max(1)).max(1)
}

impl Walk {
    /// Over rows in those lanes, by blocks of `block` rows of k.
    pub fn new(beside: Beside, lanes: Lanes, block: usize, k: usize, halt: &Halt) -> Self {
        Self { beside, lanes, block, k, isa: Isa::detect(), halt: halt.clone() }
    }

    /// Goes through all rows, or those of its lanes where the reducer shares these with other ranks; the sums are to be given back
    /// to it.
    ///
    /// # Errors
    /// Of the first lane of which rows could not be read, or that was to end early.
    pub fn visit<T: Real, H: HalfStep<T>>(
        &self,
        lines: &Slots<Lines<'_, T>>,
        mode: Mode,
        step: &H,
        reducer: &mut Reducer<H::Sums>,
        workers: &[Mutex<Worker<T, H::Work>>],
    ) -> Result<H::Sums, Error> {
        let k = self.k;
        let partial = step.source().is_some_and(|source| source.extent().partial);
        reducer.try_sum(
            |lane, worker, sums| {
                sums.clear();
                let mut lines = lines[lane].lock().unwrap_or_else(PoisonError::into_inner);
                let mut worker = workers[worker].lock().unwrap_or_else(PoisonError::into_inner);
                let Worker { rows: of_rows, transposed, work } = &mut *worker;
                let mut memory = match self.beside {
                    Beside::Rows => Some(of_rows),
                    Beside::Columns => transposed.as_mut(),
                };
                let (first, mut before) = (self.lanes.range(lane).start, Vec::new());
                let (mut flushed, mut halted) = (false, Ok(()));
                for (rows, flushes) in self.lanes.blocks(lane, self.block) {
                    let of_lane = (rows.start - first) * k..(rows.end - first) * k;
                    let mut x = lines.part(of_lane.clone());
                    halted = halted.and_then(|()| self.halt.check());
                    if halted.is_err() {
                        if mode == Mode::Update {
                            x.begin();
                        }
                        continue;
                    }
                    let at = Span { lane, rows, of_lane };
                    let mut s = match step.source().zip(memory.as_deref_mut()) {
                        None => None,
                        Some((source, memory)) => Some(source.read(at.rows.clone(), memory)?),
                    };
                    if let (true, Some(s)) = (partial && mode != Mode::Sum, &mut s) {
                        let (y, floor) = step.opposite();
                        sums.complete_moves(s.complete(x.x, y, k, floor));
                    }
                    match mode {
                        Mode::Sum => {}
                        Mode::Measure => {
                            before.clear();
                            allocate::reserve(&mut before, x.x.len());
                            before.extend_from_slice(x.x);
                            step.moves(&at, s.as_mut(), x.x, work, sums);
                            x.x.copy_from_slice(&before);
                        }
                        Mode::Update => {
                            x.begin();
                            step.moves(&at, s.as_mut(), x.x, work, sums);
                            x.end(self.isa);
                            if let Some(limits) = step.limits() {
                                limits.rows(&at.rows).hold(x.extrapolated());
                            }
                        }
                    }
                    if let (true, Some(s)) = (partial && step.sums_rows(), &mut s) {
                        let (y, floor) = step.opposite();
                        sums.complete_sums(s.complete(x.operand(), y, k, floor));
                    }
                    step.sums(&at, s.as_mut(), &x, work, sums);
                    if flushes {
                        sums.flush(lane);
                        flushed = true;
                    }
                }
                if flushed {
                    sums.restore(lane);
                }
                halted
            },
            H::Sums::add,
        )
    }
}
