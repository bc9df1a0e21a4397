//! Ranks: processes that work on one fit together, each on lanes of its own.
//!
//! Every rank runs the whole fit on the same options and data. Where lanes of V are summed, a rank sums only its own, and the sums of
//! all ranks are added in the order of the one tree that the lanes have: the result is that of one process, to the bit. A large sum
//! is cut into one part for each rank, which adds that part for all and gives it to all.
//!
//! Whatever decides how a fit goes on is the same on all ranks, or is exchanged: an error or the end of a time limit on one of them
//! comes with the next exchange to all.

use std::fmt::Debug;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use orthant_kernel::Real;

use crate::Error;
use crate::lanes::{Lanes, lane};
use crate::state::{State, elements, save_elements};

pub use local::LocalCommunicator;

mod local;
mod tree;

pub(crate) use tree::{Few, Shared, nodes, sum};

/// How the processes that work on one fit reach one another: MPI's communicator, or what stands for it.
///
/// The calls are collective: every rank makes the same ones in the same order, from one thread at a time, and each returns once
/// all have. Messages are bytes, and may be empty.
///
/// The crate `orthant-mpi` has one for MPI; [`LocalCommunicator`] is one between threads.
pub trait Communicator: Debug + Send + Sync {
    /// The number of this process among them, from 0.
    fn rank(&self) -> usize;

    /// How many there are.
    fn size(&self) -> usize;

    /// Gives `part` to all ranks. Returns the parts of all, in the order of their ranks.
    ///
    /// # Errors
    /// [`Error::Communication`], which ends the fit.
    fn all_gather(&self, part: &[u8]) -> Result<Vec<Vec<u8>>, Error>;

    /// Gives `parts[r]` to rank r. Returns what each rank has given to this one, in their order.
    ///
    /// # Errors
    /// [`Error::Communication`], which ends the fit.
    fn all_to_all(&self, parts: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Error>;
}

/// What an exchange is about. Ranks that have come to different ones do not do the same work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum About {
    /// Whether a step has succeeded.
    Step,
    /// Sums of lanes.
    Sum,
    /// Rows of a factor.
    Rows,
    /// Bytes of each rank.
    Bytes,
}

/// The ranks of a fit; by default one alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranks(Option<Arc<Team>>);

#[derive(Debug)]
struct Team {
    communicator: Arc<dyn Communicator>,
    /// All ranks know of an error, with which they return to where the fit ends or goes on in spite of it.
    settled: AtomicBool,
}

/// Communicators are equal where they are one.
impl PartialEq for Ranks {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Ranks {
    /// Those of a communicator.
    pub fn new(communicator: Arc<dyn Communicator>) -> Self {
        let team = || Team { communicator, settled: AtomicBool::new(false) };
        Self(Some(Arc::new(team())))
    }

    /// Whether there is nobody to exchange anything with.
    pub fn is_one(&self) -> bool {
        self.size() == 1
    }

    /// How many there are.
    pub fn size(&self) -> usize {
        self.0.as_ref().map_or(1, |team| team.communicator.size())
    }

    /// The number of this one.
    pub fn rank(&self) -> usize {
        self.0.as_ref().map_or(0, |team| team.communicator.rank())
    }

    /// The lanes that a rank sums, where there are `lanes`.
    fn lanes_of(&self, rank: usize, lanes: usize) -> Range<usize> {
        lane(lanes, self.size(), rank)
    }

    /// The lanes that this one sums.
    pub fn lanes(&self, lanes: usize) -> Range<usize> {
        self.lanes_of(self.rank(), lanes)
    }

    /// The same outcome on all ranks: that of each where all have succeeded, and else the error of the first that has one. An error
    /// that work cannot go on from comes before one that only ends it.
    ///
    /// # Errors
    /// That of this rank, or what another one had.
    pub fn agree<R>(&self, outcome: Result<R, Error>) -> Result<R, Error> {
        let Some(team) = self.0.as_ref().filter(|_| !self.is_one()) else { return outcome };
        if outcome.is_err() && team.settled.load(Ordering::Relaxed) {
            return outcome;
        }
        let status = outcome.as_ref().map(|_| &[][..]);
        self.exchange(About::Step, status)?;
        outcome
    }

    /// To be called by all where the work goes on in spite of an error that all ranks know of, and where it has ended.
    pub fn go_on(&self) {
        if let Some(team) = &self.0 {
            team.settled.store(false, Ordering::Relaxed);
        }
    }

    /// Gives `mine` to all ranks. Returns what each has given, in their order.
    pub fn all_gather(&self, mine: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        self.exchange(About::Bytes, Ok(mine))
    }

    /// Completes rows of k, of which each rank has those of its lanes.
    pub fn gather<T: Real>(&self, x: &mut [T], k: usize, lanes: &Lanes) -> Result<(), Error> {
        if self.is_one() || x.is_empty() {
            return Ok(());
        }
        let count = lanes.count();
        let of = |rank: usize| {
            let own = self.lanes_of(rank, count);
            let edge = |lane: usize| {
                if lane == count { lanes.range(count - 1).end } else { lanes.range(lane).start }
            };
            edge(own.start) * k..edge(own.end) * k
        };
        let mut mine = Vec::new();
        save_elements(&x[of(self.rank())], &mut mine);
        for (rank, rows) in self.exchange(About::Rows, Ok(&mine))?.iter().enumerate() {
            if rank != self.rank() {
                elements(&mut x[of(rank)], &mut &rows[..])?;
            }
        }
        Ok(())
    }

    /// Gives the same to all ranks, or an error, and returns what all have given.
    fn exchange(&self, about: About, mine: Result<&[u8], &Error>) -> Result<Vec<Vec<u8>>, Error> {
        let Some(team) = &self.0 else { return mine.map(|part| vec![part.to_vec()]).map_err(Clone::clone) };
        let mut message = vec![about as u8];
        match mine {
            Ok(part) => {
                message.push(0);
                message.extend(part);
            }
            Err(error) => save_error(error, &mut message),
        }
        let settled = |error| {
            team.settled.store(true, Ordering::Relaxed);
            error
        };
        let all = team.communicator.all_gather(&message).map_err(settled)?;
        // an error that work cannot go on from comes before one that only ends it, and what a rank has had before what it has heard
        let failed = |kinds: RangeInclusive<u8>| {
            all.iter().position(|message| message.get(1).is_some_and(|kind| kinds.contains(kind)))
        };
        if let Some(rank) =
            failed(DIVERGED..=OTHER).or_else(|| failed(HEARD..=HEARD)).or_else(|| failed(ENDS))
        {
            let error = match mine {
                Err(error) if rank == self.rank() || kind(error) == OTHER => error.clone(),
                _ => read_error(rank, &all[rank]),
            };
            return Err(settled(error));
        }
        if all.len() != self.size() || all.iter().any(|message| message.get(..2) != Some(&[about as u8, 0])) {
            let reason = "the ranks do not do the same work: they need the same data, options and version";
            return Err(settled(Error::Communication { reason: reason.into() }));
        }
        Ok(all.into_iter().map(|mut message| message.split_off(2)).collect())
    }

    /// Gives a part to each rank.
    fn all_to_all(&self, parts: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Error> {
        let team = self.0.as_ref().expect("one rank has nobody to give to");
        team.communicator.all_to_all(parts).inspect_err(|_| team.settled.store(true, Ordering::Relaxed))
    }
}

/// Kinds of errors, as one byte that is not 0: those that only end the work, a fit that has diverged, any other that a rank has had
/// itself, and what it has heard of others.
const ENDS: RangeInclusive<u8> = INTERRUPTED..=TIME_LIMIT;
const INTERRUPTED: u8 = 1;
const TIME_LIMIT: u8 = 2;
const DIVERGED: u8 = 3;
const OTHER: u8 = 4;
const HEARD: u8 = 5;

fn kind(error: &Error) -> u8 {
    match error {
        Error::Interrupted => INTERRUPTED,
        Error::TimeLimit { .. } => TIME_LIMIT,
        Error::Diverged { .. } => DIVERGED,
        Error::Communication { .. } => HEARD,
        _ => OTHER,
    }
}

/// What kind of error it is, and what it says.
fn save_error(error: &Error, to: &mut Vec<u8>) {
    to.push(kind(error));
    match error {
        Error::Interrupted => {}
        Error::TimeLimit { seconds } => seconds.save(to),
        Error::Diverged { iteration } => iteration.save(to),
        other => to.extend(other.to_string().as_bytes()),
    }
}

/// The error of that rank.
fn read_error(rank: usize, message: &[u8]) -> Error {
    let mut rest = &message[2..];
    let (mut seconds, mut iteration) = (0.0, 0);
    let text = String::from_utf8_lossy(rest).into_owned();
    match message[1] {
        INTERRUPTED => Error::Interrupted,
        TIME_LIMIT if seconds.restore(&mut rest).is_ok() => Error::TimeLimit { seconds },
        DIVERGED if iteration.restore(&mut rest).is_ok() => Error::Diverged { iteration },
        HEARD => Error::Communication { reason: text },
        _ => Error::Communication { reason: format!("rank {rank} has failed: {text}") },
    }
}
