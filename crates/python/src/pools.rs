//! Threads: a pool for each fit under way, kept for the next.
//!
//! Fits do not share a pool, so that none waits for another's work, and one that is called by another's callback has threads of
//! its own. A child of `fork` has none of its parent's threads: there, what the parent kept is left alone and pools are built
//! anew. The list is only looked at with the interpreter's lock held, which also holds off `os.fork`, so that no child begins
//! with the list locked.

use std::mem;
use std::sync::{Mutex, PoisonError};

use orthant::Error;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Pools that no fit uses.
static IDLE: Mutex<Vec<Idle>> = Mutex::new(Vec::new());
/// How many are kept.
const MOST: usize = 4;

struct Idle {
    process: u32,
    pool: ThreadPool,
}

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Entries times components below which more threads than one cost more than they save.
const SMALL: usize = 1 << 17;

/// Threads to fit a matrix with `entries` entries on: as many as asked for, but not more than there are cores, and one where
/// there is little to do. It changes no bit of a result.
pub fn threads(asked: usize, entries: usize, rank: usize) -> usize {
    if entries.saturating_mul(rank) < SMALL { 1 } else { asked.clamp(1, cores()) }
}

/// A pool of `threads` threads.
pub fn take(_locked: Python<'_>, threads: usize) -> Result<ThreadPool, Error> {
    let process = std::process::id();
    let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    // a parent's: its threads are not here, and would be waited for
    let (ours, parents): (Vec<Idle>, Vec<Idle>) = idle.drain(..).partition(|idle| idle.process == process);
    parents.into_iter().for_each(mem::forget);
    *idle = ours;
    if let Some(at) = idle.iter().position(|idle| idle.pool.current_num_threads() == threads) {
        return Ok(idle.swap_remove(at).pool);
    }
    drop(idle);
    let pool = ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("orthant-{i}")).build();
    pool.map_err(|e| Error::Threads { message: e.to_string() })
}

/// Keeps a pool for the next fit.
pub fn give_back(_locked: Python<'_>, pool: ThreadPool) {
    let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    if idle.len() == MOST {
        idle.remove(0);
    }
    idle.push(Idle { process: std::process::id(), pool });
}
