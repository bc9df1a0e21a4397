//! Running on threads.

use std::panic::{AssertUnwindSafe, catch_unwind};

use orthant_kernel::{OutOfMemory, allocate};

use crate::{Error, Warning, available};

/// As many threads as are used where so many are asked for.
pub(crate) fn used(asked: Option<usize>) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    asked.map_or_else(rayon::current_num_threads, |asked| asked.min(cores))
}

/// What to say if more threads were asked for than there are cores.
pub(crate) fn clamped(asked: Option<usize>, used: usize) -> Option<Warning> {
    asked.filter(|&asked| asked > used).map(|asked| Warning::ThreadsClamped { asked, used })
}

/// Runs `f(workers)` on as many threads as asked, or in the rayon pool at hand; a panic becomes an error. Also returns
/// the number of threads.
pub(crate) fn on<R: Send>(
    threads: Option<usize>,
    f: impl FnOnce(usize) -> R + Send,
) -> Result<(R, usize), Error> {
    let used = used(threads);
    let out = caught(|| match threads {
        _ if used == 1 => Ok(f(1)),
        None => Ok(rayon::scope(|_| f(used))),
        Some(_) => {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(used).build();
            let pool = pool.map_err(|e| Error::Threads { message: e.to_string() })?;
            Ok(pool.install(|| f(used)))
        }
    })?;
    Ok((out, used))
}

/// Makes an error of a panic, and of an allocation that has failed.
pub(crate) fn caught<R>(work: impl FnOnce() -> Result<R, Error>) -> Result<R, Error> {
    let failed = |need: usize| Error::OutOfMemory {
        need,
        have: available::available_memory().unwrap_or(0).min(need.saturating_sub(1)),
    };
    if !allocate::set_aside() {
        return Err(failed(1));
    }
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(out) => out,
        Err(payload) if payload.is::<OutOfMemory>() => {
            Err(failed(payload.downcast_ref::<OutOfMemory>().map_or(0, |failed| failed.bytes)))
        }
        Err(payload) => {
            let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
            let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
            Err(Error::Panicked { message: text.unwrap_or_else(|| "no message".into()) })
        }
    }
}
