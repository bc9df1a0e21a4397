//! The sum of lanes in a fixed order.
//!
//! Workers take lanes in order, each into an accumulator of its
//! own; whoever finishes the second of two siblings adds them, up a fixed binary tree. Which worker does what depends
//! on timing, what is added to what does not: the sum is the same to the bit on any number of workers.
//!
//! With `workers + log₂(lanes)` accumulators nobody waits for ever: lanes are started in order, so if no lane is in
//! flight the finished ones are a prefix of the lanes, which the tree holds in at most log₂(lanes) parts.

use std::ops::{Index, Range};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use orthant_kernel::allocate;

use crate::Error;
use crate::lanes::{Lanes, MAX_LANES};
use crate::ranks::{Ranks, Shared, nodes, sum};

/// Accumulators alive at once, at most.
pub fn accumulators(lanes: usize, workers: usize) -> usize {
    workers.min(lanes) + lanes.ilog2() as usize
}

/// Cuts the rows of `x` (k long; or nothing) into the lanes' slices.
pub(crate) fn split<'a, T>(x: &'a mut [T], k: usize, lanes: &Lanes) -> Slots<&'a mut [T]> {
    Slots::new(lanes.count(), cuts(x, k, lanes))
}

/// The lanes' slices one after the other; empty ones beyond, and of nothing.
pub(crate) fn cuts<'a, 'l, T>(
    x: &'a mut [T],
    k: usize,
    lanes: &'l Lanes,
) -> impl FnMut(usize) -> &'a mut [T] + use<'a, 'l, T> {
    let mut rest = x;
    move |l| {
        let count = if l < lanes.count() { lanes.range(l).len() * k } else { 0 };
        let (head, tail) = std::mem::take(&mut rest).split_at_mut_checked(count).unwrap_or_default();
        rest = tail;
        head
    }
}

/// Something for each lane, by its number. Up to [`MAX_LANES`] are on the stack, so that a pass allocates nothing.
pub(crate) enum Slots<S> {
    Few([Mutex<S>; MAX_LANES]),
    Many(Vec<Mutex<S>>),
}

impl<S> Slots<S> {
    /// From `next(lane)`, called for each lane in turn, and perhaps for some beyond.
    pub fn new(lanes: usize, mut next: impl FnMut(usize) -> S) -> Self {
        if lanes <= MAX_LANES {
            Self::Few(std::array::from_fn(|l| Mutex::new(next(l))))
        } else {
            Self::Many((0..lanes).map(|l| Mutex::new(next(l))).collect())
        }
    }
}

impl<S> Index<usize> for Slots<S> {
    type Output = Mutex<S>;

    fn index(&self, lane: usize) -> &Mutex<S> {
        match self {
            Self::Few(slots) => &slots[lane],
            Self::Many(slots) => &slots[lane],
        }
    }
}

/// A pool of accumulators, reused from pass to pass: a reduction allocates nothing.
#[derive(Debug)]
pub(crate) struct Reducer<A> {
    lanes: usize,
    workers: usize,
    /// Who share the lanes.
    ranks: Ranks,
    state: Mutex<State<A>>,
    freed: Condvar,
}

#[derive(Debug)]
struct State<A> {
    free: Vec<A>,
    /// Finished nodes of the tree that wait for their sibling; node 1 is the root, lanes are the leaves.
    finished: Vec<Option<A>>,
    /// The lane that is taken next, and the one that no longer is.
    next: usize,
    end: usize,
    failed: bool,
}

/// Wakes everybody if a worker panics while it holds an accumulator.
struct Alarm<'a, A>(&'a Reducer<A>);

impl<A> Drop for Alarm<'_, A> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().failed = true;
            self.0.freed.notify_all();
        }
    }
}

impl<A: Send> Reducer<A> {
    pub fn new(lanes: usize, workers: usize, accumulator: impl FnMut() -> A) -> Self {
        let workers = workers.min(lanes);
        let free =
            allocate::collected(std::iter::repeat_with(accumulator).take(accumulators(lanes, workers)));
        let state = State {
            free,
            finished: allocate::collected((0..2 * lanes).map(|_| None)),
            next: 0,
            end: lanes,
            failed: false,
        };
        Self { lanes, workers, ranks: Ranks::default(), state: Mutex::new(state), freed: Condvar::new() }
    }

    /// Runs `work(lane, worker, accumulator)` for every lane and adds up with `add`. The sum is to be given back
    /// before the next run.
    ///
    /// `work` finds the accumulator as an earlier lane left it and must clear it.
    pub fn run(&mut self, work: impl Fn(usize, usize, &mut A) + Sync, add: impl Fn(&mut A, &A) + Sync) -> A {
        self.run_lanes(0..self.lanes, work, add);
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.finished[1].take().expect("every lane has run")
    }

    /// Runs those lanes, and leaves the sums of the largest nodes that they are all of.
    fn run_lanes(
        &mut self,
        lanes: Range<usize>,
        work: impl Fn(usize, usize, &mut A) + Sync,
        add: impl Fn(&mut A, &A) + Sync,
    ) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        (state.next, state.end) = (lanes.start, lanes.end);
        let this = &*self;
        fan(0..this.workers, &|worker| {
            let _alarm = Alarm(this);
            while let Some((lane, mut sum)) = this.take() {
                work(lane, worker, &mut sum);
                this.finish(lane, sum, &add);
            }
        });
    }

    /// Likewise, where the work on a lane can fail.
    ///
    /// # Errors
    /// That of the first lane which has one, whichever comes first in time.
    pub fn try_run(
        &mut self,
        work: impl Fn(usize, usize, &mut A) -> Result<(), Error> + Sync,
        add: impl Fn(&mut A, &A) + Sync,
    ) -> Result<A, Error> {
        let failed = self.try_lanes(0..self.lanes, work, add);
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let sum = state.finished[1].take().expect("every lane has run");
        match failed {
            Ok(()) => Ok(sum),
            Err(error) => {
                self.give_back(sum);
                Err(error)
            }
        }
    }

    /// [`run_lanes`](Self::run_lanes), with the error of the first lane which has one.
    fn try_lanes(
        &mut self,
        lanes: Range<usize>,
        work: impl Fn(usize, usize, &mut A) -> Result<(), Error> + Sync,
        add: impl Fn(&mut A, &A) + Sync,
    ) -> Result<(), Error> {
        let failed = Mutex::new(None::<(usize, Error)>);
        let run = |lane, worker, sum: &mut A| {
            if let Err(error) = work(lane, worker, sum) {
                let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                if failed.as_ref().is_none_or(|(first, _)| lane < *first) {
                    *failed = Some((lane, error));
                }
            }
        };
        self.run_lanes(lanes, run, add);
        let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        failed.map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Each accumulator, between runs.
    pub fn each(&mut self, f: impl FnMut(&mut A)) {
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).free.iter_mut().for_each(f);
    }

    /// One of the accumulators, between runs, to be [given back](Self::give_back).
    pub fn idle(&mut self) -> A {
        let free = &mut self.state.get_mut().unwrap_or_else(PoisonError::into_inner).free;
        free.pop().expect("between runs no more than one is away")
    }

    /// Returns a sum for reuse.
    pub fn give_back(&mut self, sum: A) {
        self.lock().free.push(sum);
    }

    fn take(&self) -> Option<(usize, A)> {
        let mut state = self.lock();
        loop {
            if state.failed || state.next == state.end {
                return None;
            }
            if let Some(sum) = state.free.pop() {
                let lane = state.next;
                state.next += 1;
                return Some((lane, sum));
            }
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn finish(&self, lane: usize, mut sum: A, add: &impl Fn(&mut A, &A)) {
        let mut node = self.lanes + lane;
        loop {
            let mut state = self.lock();
            let sibling = if node == 1 { None } else { state.finished[node ^ 1].take() };
            let Some(sibling) = sibling else {
                state.finished[node] = Some(sum);
                return;
            };
            drop(state);
            // addition commutes to the bit, so it does not matter which of the two came second
            add(&mut sum, &sibling);
            self.lock().free.push(sibling);
            self.freed.notify_one();
            node /= 2;
        }
    }
}

impl<A: Shared> Reducer<A> {
    /// Where each rank sums lanes of its own, in [`try_sum`](Self::try_sum).
    #[must_use]
    pub fn over(self, ranks: &Ranks) -> Self {
        Self { ranks: ranks.clone(), ..self }
    }

    /// [`try_run`](Self::try_run) over the lanes of all ranks. The sum is the same on each.
    ///
    /// # Errors
    /// That of this rank's first lane which has one, or that of another rank.
    pub fn try_sum(
        &mut self,
        work: impl Fn(usize, usize, &mut A) -> Result<(), Error> + Sync,
        add: impl Fn(&mut A, &A) + Sync,
    ) -> Result<A, Error> {
        if self.ranks.is_one() {
            return self.try_run(work, add);
        }
        let (lanes, ranks) = (self.lanes, self.ranks.clone());
        let outcome = self.try_lanes(ranks.lanes(lanes), work, add);
        let State { free, finished, .. } = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let own = nodes(&ranks, ranks.rank(), lanes).into_iter().filter_map(|node| finished[node].take());
        let own = match outcome {
            Ok(()) => Ok(own.collect()),
            Err(error) => {
                free.extend(own);
                Err(error)
            }
        };
        sum(&ranks, lanes, own, free)
    }
}

impl<A> Reducer<A> {
    fn lock(&self) -> MutexGuard<'_, State<A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Calls `f` for each index, side by side where there are threads; for one index, on the spot.
pub(crate) fn fan(range: Range<usize>, f: &(impl Fn(usize) + Sync)) {
    match range.len() {
        0 => {}
        1 => f(range.start),
        n => {
            let middle = range.start + n / 2;
            rayon::join(|| fan(range.start..middle, f), || fan(middle..range.end, f));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Floating-point sums of lanes of very different sizes: any other order would show.
    #[test]
    fn the_sum_does_not_depend_on_the_workers() {
        let tree = |lanes: usize, workers: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(workers).build().unwrap();
            let mut reducer = Reducer::new(lanes, workers, || 0.0_f64);
            pool.install(|| {
                reducer.run(
                    |lane, _, sum| {
                        *sum = (1.0 + lane as f64).sqrt() * 10f64.powi(lane as i32 % 17 - 8);
                        std::thread::sleep(std::time::Duration::from_micros(((lane * 37) % 11) as u64 * 20));
                    },
                    |a, b| *a += b,
                )
            })
            .to_bits()
        };
        for lanes in [4, 8, 64] {
            let one = tree(lanes, 1);
            for workers in [2, 3, 8, 64] {
                for _ in 0..20 {
                    assert_eq!(tree(lanes, workers), one);
                }
            }
        }
    }

    #[test]
    fn the_error_of_the_first_lane_is_returned_and_the_reducer_runs_again() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
        let mut reducer = Reducer::new(64, 4, || 0_usize);
        let failing = |lane: usize, _: usize, sum: &mut usize| {
            *sum = 1;
            // the first to fail is the last one to say so
            if lane == 3 {
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            if lane % 8 == 3 { Err(Error::Empty { rows: lane, cols: 0 }) } else { Ok(()) }
        };
        for _ in 0..3 {
            let error = pool.install(|| reducer.try_run(failing, |a, b| *a += b)).unwrap_err();
            assert!(matches!(error, Error::Empty { rows: 3, .. }), "{error}");
        }
        let counted = |_: usize, _: usize, sum: &mut usize| {
            *sum = 1;
            Ok(())
        };
        assert_eq!(reducer.try_run(counted, |a, b| *a += b).unwrap(), 64);
    }

    #[test]
    fn a_panic_ends_the_reduction_instead_of_blocking_it() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
        let mut reducer = Reducer::new(64, 4, || 0_u64);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.install(|| {
                reducer.run(|lane, _, _| assert!(lane != 9, "lane nine"), |_, _| {});
            });
        }));
        assert!(caught.is_err());
    }
}
