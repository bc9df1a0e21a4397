//! Ranks that are threads.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use super::Communicator;
use crate::Error;

/// A communicator between threads of one process: to try out and test what runs on several machines elsewhere.
///
/// Where a thread ends without the others, these have [`Error::Communication`].
///
/// ```
/// use std::sync::Arc;
/// use orthant::{Dense, LocalCommunicator, Nmf, OutOfCore, Error, ReadLines};
/// use std::ops::Range;
///
/// #[derive(Debug)]
/// struct Made;
///
/// impl ReadLines<f64> for Made {
///     fn nrows(&self) -> usize { 600 }
///     fn ncols(&self) -> usize { 8 }
///     fn read(&self, lines: Range<usize>, out: &mut [f64]) -> Result<(), Error> {
///         for (i, row) in lines.zip(out.chunks_exact_mut(8)) {
///             row.iter_mut().enumerate().for_each(|(j, x)| *x = (i % 3 + j % 2) as f64);
///         }
///         Ok(())
///     }
/// }
///
/// let nmf = Nmf::new(2);
/// let fits: Vec<_> = std::thread::scope(|scope| {
///     let ranks = LocalCommunicator::new(3).into_iter().map(|rank| {
///         let nmf = nmf.clone().communicator(Arc::new(rank));
///         scope.spawn(move || nmf.fit(&OutOfCore::new(&Made)))
///     });
///     let ranks: Vec<_> = ranks.collect();
///     ranks.into_iter().map(|rank| rank.join().unwrap()).collect::<Result<_, _>>()
/// })?;
/// let alone = nmf.fit(&OutOfCore::new(&Made))?;
/// assert!(fits.iter().all(|fit| fit.w == alone.w), "to the bit");
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct LocalCommunicator {
    rank: usize,
    to: Vec<Sender<Vec<u8>>>,
    from: Vec<Mutex<Receiver<Vec<u8>>>>,
}

impl LocalCommunicator {
    /// One for each of `size` ranks, in their order.
    pub fn new(size: usize) -> Vec<Self> {
        // senders and receivers by receiving and by sending rank
        let (mut senders, mut receivers) = (vec![Vec::new(); size], Vec::new());
        for _ in 0..size {
            let mut of_rank = Vec::new();
            for to in &mut senders {
                let (sender, receiver) = channel();
                to.push(sender);
                of_rank.push(Mutex::new(receiver));
            }
            receivers.push(of_rank);
        }
        let ends = senders.into_iter().zip(receivers).enumerate();
        ends.map(|(rank, (to, from))| Self { rank, to, from }).collect()
    }

    fn receive(&self) -> Result<Vec<Vec<u8>>, Error> {
        let lost = |rank| Error::Communication { reason: format!("rank {rank} has ended") };
        let next = |(rank, from): (usize, &Mutex<Receiver<Vec<u8>>>)| {
            from.lock().unwrap_or_else(PoisonError::into_inner).recv().map_err(|_| lost(rank))
        };
        self.from.iter().enumerate().map(next).collect()
    }
}

impl Communicator for LocalCommunicator {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.to.len()
    }

    fn all_gather(&self, part: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        // whoever has ended is missed when this one receives
        self.to.iter().for_each(|to| drop(to.send(part.to_vec())));
        self.receive()
    }

    fn all_to_all(&self, parts: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Error> {
        self.to.iter().zip(parts).for_each(|(to, part)| drop(to.send(part.clone())));
        self.receive()
    }
}
