//! MPI as the [`Communicator`] of a fit.
//!
//! A program that `mpirun` starts several times joins the others with [`Mpi::join`], and gives the communicator to
//! [`Nmf::communicator`](orthant::Nmf::communicator). To build it takes an MPI (Debian: `libopenmpi-dev`) and libclang
//! (`libclang-dev`).
//!
//! ```no_run
//! use std::sync::Arc;
//! use orthant::{Error, Nmf, OutOfCore, ReadLines};
//! use orthant_mpi::Mpi;
//!
//! fn fit(file: &dyn ReadLines<f32>) -> Result<(), Error> {
//!     let mpi = Arc::new(Mpi::join()?);
//!     // on every rank the same result, to the bit that of one process
//!     let fit = Nmf::new(20).communicator(mpi.clone()).fit(&OutOfCore::new(file))?;
//!     # let _ = fit;
//!     Ok(())
//! }
//! ```

use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use mpi::Threading;
use mpi::collective::CommunicatorCollectives;
use mpi::datatype::{Partition, PartitionMut};
use mpi::topology::{Communicator as _, SimpleCommunicator};
use orthant::{Communicator, Error};

/// Bytes of all ranks together that go in one call of MPI at most, which counts in numbers of 31 bits.
const AT_ONCE: usize = 1 << 30;

/// All processes that `mpirun` has started.
///
/// One thread makes all calls of MPI, which may so have been built without threads. MPI ends when this is dropped, on all ranks
/// together.
#[derive(Debug)]
pub struct Mpi {
    rank: usize,
    size: usize,
    /// A call, and what comes of it. Nothing where MPI ends.
    calls: Mutex<Option<Calls>>,
    thread: Option<JoinHandle<()>>,
}

type Calls = (Sender<Call>, Receiver<Vec<Vec<u8>>>);

/// What the thread that calls MPI is asked for.
enum Call {
    Gather(Vec<u8>),
    Exchange(Vec<Vec<u8>>),
    Abort(i32),
}

fn lost(reason: &str) -> Error {
    Error::Communication { reason: format!("MPI: {reason}") }
}

impl Mpi {
    /// Starts MPI in this process, which can be done once. Alone, without `mpirun`, there is one rank.
    ///
    /// # Errors
    /// [`Error::Communication`] where MPI was started before, and [`Error::Threads`].
    pub fn join() -> Result<Self, Error> {
        let (call, called) = channel();
        let (answer, answered) = channel();
        let (numbers, of_world) = channel();
        let serve = move || {
            let Some((universe, _)) = mpi::initialize_with_threading(Threading::Funneled) else { return };
            let world = Everybody(universe.world());
            if numbers.send(world.numbers()).is_ok() {
                world.serve(&called, &answer);
            }
        };
        let thread = thread::Builder::new().name("MPI".to_owned()).spawn(serve);
        let thread = Some(thread.map_err(|e| Error::Threads { message: e.to_string() })?);
        let (rank, size) = of_world.recv().map_err(|_| lost("it was started before in this process"))?;
        Ok(Self { rank, size, calls: Mutex::new(Some((call, answered))), thread })
    }

    /// Ends all ranks with this exit code, at once: for an error of this one that the others cannot hear of.
    pub fn abort(&self, code: i32) {
        // nothing comes back
        drop(self.call(Call::Abort(code)));
    }

    fn call(&self, call: Call) -> Result<Vec<Vec<u8>>, Error> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = calls.as_ref().and_then(|(to, from)| to.send(call).ok().and_then(|()| from.recv().ok()));
        answer.ok_or_else(|| lost("it has ended"))
    }
}

impl Drop for Mpi {
    fn drop(&mut self) {
        self.calls.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.thread.take() {
            // a panic has printed its message where it happened
            drop(thread.join());
        }
    }
}

impl Communicator for Mpi {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn all_gather(&self, part: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        self.call(Call::Gather(part.to_vec()))
    }

    fn all_to_all(&self, parts: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Error> {
        self.call(Call::Exchange(parts.to_vec()))
    }
}

/// Parts of a message, of which each but the last has `most` bytes.
fn pieces(longest: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    (0..longest.div_ceil(most)).map(move |piece| piece * most..(piece + 1) * most)
}

/// What a piece has of a message of that length.
fn within(piece: &Range<usize>, len: usize) -> Range<usize> {
    piece.start.min(len)..piece.end.min(len)
}

/// Counts and places of parts that lie one after the other.
fn places(lens: impl Iterator<Item = usize>) -> (Vec<i32>, Vec<i32>) {
    let mut at = 0;
    lens.map(|len| {
        let place = (len as i32, at);
        at += len as i32;
        place
    })
    .unzip()
}

/// MPI's communicator of all processes, in the thread that calls it.
struct Everybody(SimpleCommunicator);

impl Everybody {
    /// The rank, and how many there are.
    fn numbers(&self) -> (usize, usize) {
        let number = |i: i32| usize::try_from(i).unwrap_or(0);
        (number(self.0.rank()), number(self.0.size()))
    }

    /// Makes the calls that come, until none can.
    fn serve(&self, calls: &Receiver<Call>, answers: &Sender<Vec<Vec<u8>>>) {
        for call in calls {
            let answer = match call {
                Call::Gather(part) => self.gather(&part),
                Call::Exchange(parts) => self.exchange(&parts),
                Call::Abort(code) => self.0.abort(code),
            };
            if answers.send(answer).is_err() {
                return;
            }
        }
    }

    /// The lengths of messages that each rank has for all, in the order of ranks.
    fn lengths(&self, mine: &[u64]) -> Vec<usize> {
        let mut all = vec![0_u64; mine.len() * self.numbers().1];
        self.0.all_gather_into(mine, &mut all[..]);
        all.into_iter().map(|len| len as usize).collect()
    }

    fn gather(&self, part: &[u8]) -> Vec<Vec<u8>> {
        let lens = self.lengths(&[part.len() as u64]);
        self.in_pieces(&lens, lens.iter().copied().max().unwrap_or(0), |piece, to| {
            self.0.all_gather_varcount_into(&part[within(piece, part.len())], to);
        })
    }

    fn exchange(&self, parts: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mine: Vec<u64> = parts.iter().map(|part| part.len() as u64).collect();
        let (rank, size) = self.numbers();
        // who gives how much to whom
        let lengths = self.lengths(&mine);
        let given: Vec<usize> = lengths.chunks(size).map(|of_rank| of_rank[rank]).collect();
        let mut sent: Vec<u8> = Vec::new();
        self.in_pieces(&given, lengths.iter().copied().max().unwrap_or(0), |piece, to| {
            sent.clear();
            parts.iter().for_each(|part| sent.extend(&part[within(piece, part.len())]));
            let (counts, starts) = places(parts.iter().map(|part| within(piece, part.len()).len()));
            self.0.all_to_all_varcount_into(&Partition::new(&sent[..], counts, starts), to);
        })
    }

    /// Messages of these lengths, which `call` receives piece by piece; the longest of any rank has `longest` bytes.
    fn in_pieces(
        &self,
        lens: &[usize],
        longest: usize,
        mut call: impl FnMut(&Range<usize>, &mut PartitionMut<'_, [u8], Vec<i32>, Vec<i32>>),
    ) -> Vec<Vec<u8>> {
        let mut all: Vec<Vec<u8>> = lens.iter().map(|&len| Vec::with_capacity(len)).collect();
        let mut together: Vec<u8> = Vec::new();
        for piece in pieces(longest, AT_ONCE / self.numbers().1) {
            let (counts, starts) = places(lens.iter().map(|&len| within(&piece, len).len()));
            together.resize(counts.iter().sum::<i32>() as usize, 0);
            call(&piece, &mut PartitionMut::new(&mut together[..], counts, starts));
            let mut rest = &together[..];
            for (to, &len) in all.iter_mut().zip(lens) {
                let (bytes, others) = rest.split_at(within(&piece, len).len());
                to.extend(bytes);
                rest = others;
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_messages_of_any_length() {
        for (len, longest, most) in [(0, 0, 4), (0, 9, 4), (9, 9, 4), (8, 9, 4), (3, 12, 4), (12, 12, 5)] {
            let covered: Vec<usize> = pieces(longest, most).flat_map(|piece| within(&piece, len)).collect();
            assert_eq!(covered, (0..len).collect::<Vec<_>>(), "{len} of {longest} by {most}");
        }
    }
}
