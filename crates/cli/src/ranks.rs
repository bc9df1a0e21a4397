//! Processes that `mpirun` has started together: the ranks of one fit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use orthant::{Communicator, Nmf, Real};

use crate::{Failure, say};

#[cfg(feature = "mpi")]
type Mpi = orthant_mpi::Mpi;

/// What launchers say of a process that is one of several: its number and how many there are.
const SAID: [(&str, &str); 4] = [
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    // srun --mpi=pmix
    ("PMIX_RANK", "SLURM_NTASKS"),
    ("PMI_RANK", "PMI_SIZE"),
    ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),
];

/// The number of this process and how many there are, where a launcher has started several.
pub fn launched() -> Option<(usize, usize)> {
    let number = |name: &str| std::env::var(name).ok()?.parse::<usize>().ok();
    let numbers = SAID.iter().find_map(|(rank, size)| Some((number(rank)?, number(size)?)));
    numbers.filter(|(rank, size)| *size > 1 && rank < size)
}

/// This process among those that work with it.
#[derive(Debug, Default)]
pub struct Ranks {
    #[cfg(feature = "mpi")]
    mpi: Option<Arc<Mpi>>,
    /// The others know how this one has fared, or do not wait for it.
    settled: AtomicBool,
}

impl Ranks {
    /// Joins the others, if there are any, for a command that goes on several.
    ///
    /// # Errors
    /// Where there are, and this program cannot work with them.
    pub fn join(goes_on_several: bool) -> Result<Self, Failure> {
        let Some((rank, size)) = launched() else { return Ok(Self::default()) };
        if rank > 0 {
            // the first one speaks for all
            say::nothing_more();
        }
        if !goes_on_several {
            return Err(Failure::Usage(format!(
                "mpirun has started {size} of this command, which goes on one process: `orthant fit` shares a fit among several, and \
                 `orthant study -o DIR` its fits"
            )));
        }
        Self::start(size)
    }

    #[cfg(feature = "mpi")]
    fn start(_size: usize) -> Result<Self, Failure> {
        let mpi = Mpi::join().map_err(|e| Failure::Run(e.to_string()))?;
        Ok(Self { mpi: Some(Arc::new(mpi)), ..Self::default() })
    }

    #[cfg(not(feature = "mpi"))]
    fn start(size: usize) -> Result<Self, Failure> {
        Err(Failure::Run(format!(
            "mpirun has started {size} of this program, which was built without MPI: each would do all of the work; build it by `cargo \
             build --release -p orthant-cli --features mpi`"
        )))
    }

    fn communicator(&self) -> Option<Arc<dyn Communicator>> {
        #[cfg(feature = "mpi")]
        return self.mpi.clone().map(|mpi| mpi as Arc<dyn Communicator>);
        #[cfg(not(feature = "mpi"))]
        None
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.communicator().map_or(1, |communicator| communicator.size())
    }

    /// Whether there are others.
    pub fn are_several(&self) -> bool {
        self.count() > 1
    }

    /// Whether this one prints and saves.
    pub fn is_first(&self) -> bool {
        self.communicator().is_none_or(|communicator| communicator.rank() == 0)
    }

    /// A fit that all of them share.
    pub fn of<T: Real>(&self, nmf: Nmf<T>) -> Nmf<T> {
        match self.communicator().filter(|_| self.are_several()) {
            Some(communicator) => nmf.communicator(communicator),
            None => nmf,
        }
    }

    /// Goes on where all have come so far: the fit, whose outcome all know, comes next.
    ///
    /// # Errors
    /// What one of them has failed with.
    pub fn together(&self) -> Result<(), Failure> {
        self.tell(None)
    }

    /// Says how the command has ended, if the others may still wait for this one.
    pub fn settle(&self, outcome: Result<(), Failure>) -> Result<(), Failure> {
        if self.settled.load(Ordering::Relaxed) {
            return outcome;
        }
        let others = self.tell(outcome.as_ref().err());
        outcome.and(others)
    }

    /// Ends all ranks at once, where this one cannot go on and the others may wait for it.
    pub fn abort(&self) {
        #[cfg(feature = "mpi")]
        if let Some(mpi) = self.mpi.as_ref().filter(|_| self.are_several()) {
            mpi.abort(101);
        }
    }

    fn tell(&self, failure: Option<&Failure>) -> Result<(), Failure> {
        self.settled.store(true, Ordering::Relaxed);
        let Some(communicator) = self.communicator() else { return Ok(()) };
        // the same exit code on all, of which mpirun takes any
        let text = failure.map_or_else(String::new, |failure| match failure {
            Failure::Usage(message) => format!("u{message}"),
            other => format!("r{other}"),
        });
        let all = communicator.all_gather(text.as_bytes()).map_err(|e| Failure::Run(e.to_string()))?;
        match all.iter().position(|text| !text.is_empty()) {
            Some(rank) if failure.is_none() => {
                let text = format!("rank {rank}: {}", String::from_utf8_lossy(&all[rank][1..]));
                Err(if all[rank][0] == b'u' { Failure::Usage(text) } else { Failure::Run(text) })
            }
            _ => Ok(()),
        }
    }
}
