//! In which order jobs are done, and by which threads. No bit of a result depends on it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use orthant::{Error, Matrix};
use orthant_io::Scalar;
use rayon::prelude::*;

use crate::folder::Folder;
use crate::holdout::{block::Blocks, thin};
use crate::job::{self, Shared};
use crate::record::{Outcome, Record};
use crate::study::{Plan, Study};
use crate::{Holdout, Key, Kind, StudyError, data};

/// Records that are written at once, and how long the first of them may wait for the others.
const BATCH: usize = 64;
const WAIT: Duration = Duration::from_secs(1);

/// What fits that run side by side may take where it is more than V, in bytes.
const SIDE_BY_SIDE: usize = 256 << 20;

/// A job that has ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Which.
    pub key: Key,
    /// Jobs that have ended, those of earlier runs among them.
    pub done: usize,
    /// Jobs in all.
    pub jobs: usize,
    /// Why it failed, if it did.
    pub failed: Option<String>,
}

/// What happens with a record.
trait Sink<T> {
    fn put(&mut self, record: Record<T>) -> Result<(), StudyError>;
}

/// What the study will do.
pub fn plan<T: Scalar>(study: &Study<T>, v: &Matrix<'_, T>, holdout: Holdout) -> Result<Plan, Error> {
    let jobs = study.jobs(holdout);
    let fits = jobs.iter().filter(|key| !key.kind.holds_out()).count();
    let threads = rayon::current_num_threads();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = study.fit.threads.unwrap_or(threads).min(cores);
    let single = study.largest(holdout).threads(1).explain(v)?;
    let allowed = study.fit.memory_limit.unwrap_or(SIDE_BY_SIDE.max(v.bytes()));
    // the data of a fit are its own where they differ from V
    let varied = if study.variation.is_starts() { 0 } else { v.bytes() };
    if let Some(have) = study.fit.memory_limit.filter(|have| single.working_bytes + varied > *have) {
        return Err(Error::MemoryLimit { need: single.working_bytes + varied, have });
    }
    let jobs_at_once = (allowed / (single.working_bytes + varied).max(1)).clamp(1, threads);
    // what a limit of memory leaves out of a fit depends on its threads: it has one wherever there is a limit
    let side_by_side = (jobs_at_once > 1 || study.fit.memory_limit.is_some()).then_some(jobs_at_once);
    let largest = match side_by_side {
        Some(_) => single,
        None => study.largest(holdout).threads(threads).explain(v)?,
    };
    // parts of V, and its rows where it is by columns, are copies; those of windows are the fits' own
    let parts = if matches!(holdout, Holdout::Thin | Holdout::Block) { v.bytes() } else { 0 };
    let rows = if matches!(v, Matrix::Csc(_)) { v.bytes() } else { 0 };
    let at_once = (largest.working_bytes + varied).saturating_mul(side_by_side.unwrap_or(1));
    let working_bytes = parts + rows + at_once;
    let (held_out, data_bytes, variation) = (jobs.len() - fits, v.bytes(), study.variation);
    Ok(Plan { fits, variation, held_out, holdout, side_by_side, threads, data_bytes, working_bytes, largest })
}

/// Does the jobs; their records come back in order.
pub fn in_memory<T: Scalar>(
    study: &Study<T>,
    v: &Matrix<'_, T>,
    jobs: &[Key],
    observer: &mut dyn FnMut(&Ended),
) -> Result<Vec<Record<T>>, StudyError> {
    struct Kept<T>(Vec<Record<T>>);
    impl<T: Scalar> Sink<T> for Kept<T> {
        fn put(&mut self, record: Record<T>) -> Result<(), StudyError> {
            self.0.push(record);
            Ok(())
        }
    }
    let mut kept = Kept(Vec::new());
    run(study, v, jobs, 0, mode(study, v, jobs)?, &mut kept, observer)?;
    kept.0.sort_unstable_by_key(|record| record.key);
    Ok(kept.0)
}

/// Does the jobs of the study's shard that have no record in the folder.
pub fn into_folder<T: Scalar>(
    study: &Study<T>,
    v: &Matrix<'_, T>,
    jobs: &[Key],
    folder: &Folder,
    observer: &mut dyn FnMut(&Ended),
) -> Result<(), StudyError> {
    struct Written<'a, T> {
        folder: &'a Folder,
        waiting: Vec<Record<T>>,
        since: Instant,
    }
    impl<T: Scalar> Written<'_, T> {
        fn flush(&mut self) -> Result<(), StudyError> {
            self.folder.write(&std::mem::take(&mut self.waiting))
        }
    }
    impl<T: Scalar> Sink<T> for Written<'_, T> {
        fn put(&mut self, record: Record<T>) -> Result<(), StudyError> {
            if self.waiting.is_empty() {
                self.since = Instant::now();
            }
            self.waiting.push(record);
            if self.waiting.len() >= BATCH || self.since.elapsed() >= WAIT { self.flush() } else { Ok(()) }
        }
    }
    let ours = |at: usize| study.shard.is_none_or(|shard| at % shard.of == shard.index - 1);
    let ours: Vec<Key> = jobs.iter().enumerate().filter(|(at, _)| ours(*at)).map(|(_, key)| *key).collect();
    let done = folder.keys()?;
    let open: Vec<Key> = ours.iter().copied().filter(|key| done.binary_search(key).is_err()).collect();
    let mut written = Written { folder, waiting: Vec::new(), since: Instant::now() };
    let ended = run(study, v, &open, ours.len() - open.len(), mode(study, v, jobs)?, &mut written, observer);
    // what is done is kept, whatever ended the rest
    let flushed = written.flush();
    ended.and(flushed)
}

/// Who does jobs.
#[derive(Clone, Copy, Debug)]
enum Mode {
    /// So many threads, each with jobs of its own.
    SideBySide(usize),
    /// So many threads together, one job after the other.
    Together(usize),
}

fn mode<T: Scalar>(study: &Study<T>, v: &Matrix<'_, T>, jobs: &[Key]) -> Result<Mode, Error> {
    let windows = jobs.iter().any(|key| key.kind == Kind::Window);
    let plan = plan(study, v, if windows { Holdout::Window } else { Holdout::None })?;
    Ok(plan.side_by_side.map_or(Mode::Together(plan.threads), Mode::SideBySide))
}

/// Does jobs, by groups that share their data, the largest ranks first.
fn run<T: Scalar>(
    study: &Study<T>,
    v: &Matrix<'_, T>,
    jobs: &[Key],
    before: usize,
    mode: Mode,
    sink: &mut dyn Sink<T>,
    observer: &mut dyn FnMut(&Ended),
) -> Result<(), StudyError> {
    let mut groups: BTreeMap<(Kind, usize, usize), Vec<Key>> = BTreeMap::new();
    for &key in jobs {
        // what a fit of varied data is of, it makes itself
        let of_data = if key.kind.holds_out() { key.replicate } else { 0 };
        groups.entry((key.kind, of_data, key.fold)).or_default().push(key);
    }
    if groups.is_empty() {
        return Ok(());
    }
    let (Mode::SideBySide(threads) | Mode::Together(threads)) = mode;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|e| Error::Threads { message: e.to_string() })?;
    let rows = data::by_rows(v);
    let seed = study.fit.seed;
    let all = before + jobs.len();
    let mut done = before;
    let stop = AtomicBool::new(false);
    // records are written, and shown, by the thread of the call: fits never wait for one another there
    let (sender, receiver) = sync_channel(BATCH);
    std::thread::scope(|scope| {
        let (rows, stop) = (&rows, &stop);
        let worker = scope.spawn(move || -> Result<(), Error> {
            for ((kind, replicate, fold), mut keys) in groups {
                let shared = match kind {
                    Kind::Start | Kind::Resample | Kind::Noise | Kind::Rows | Kind::Halves => {
                        Shared::Whole(rows.by_ref())
                    }
                    Kind::Window => Shared::Window(study.window(fold)),
                    Kind::Thin => {
                        let (train, test) = thin::split(rows, study.folds, fold, seed)?;
                        Shared::Thinned(train, test)
                    }
                    Kind::Block => Shared::Blocks(Blocks::of(rows, seed, replicate, fold)?),
                };
                keys.sort_unstable_by_key(|key| (Reverse(key.rank), key.replicate));
                let threads = matches!(mode, Mode::SideBySide(_)).then_some(1);
                let one = |&key: &Key| {
                    if stop.load(Ordering::Relaxed) || study.cancel.is_cancelled() {
                        return Err(Error::Interrupted);
                    }
                    let outcome = job::run(study, v, &shared, key, threads)?;
                    sender.send(Record { key, outcome }).map_err(|_| Error::Interrupted)
                };
                match mode {
                    Mode::SideBySide(_) => {
                        pool.install(|| keys.par_iter().with_max_len(1).try_for_each(one))?
                    }
                    Mode::Together(_) => pool.install(|| keys.iter().try_for_each(one))?,
                }
            }
            Ok(())
        });
        let mut written = Ok(());
        for record in receiver {
            if written.is_err() {
                continue;
            }
            let key = record.key;
            let failed = match &record.outcome {
                Outcome::Failed { reason } => Some(reason.clone()),
                _ => None,
            };
            written = sink.put(record);
            if written.is_ok() {
                done += 1;
                observer(&Ended { key, done, jobs: all, failed });
            } else {
                stop.store(true, Ordering::Relaxed);
            }
        }
        written?;
        match worker.join().unwrap_or_else(|payload| resume_unwind(payload)) {
            Err(Error::Interrupted) => Err(StudyError::Interrupted { done, jobs: all }),
            worked => Ok(worked?),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use orthant::{Csr, Dense, Loss, Method, Options, ToMatrix};

    /// Records as bytes.
    fn done<T: Scalar>(study: &Study<T>, v: &Matrix<'_, T>, jobs: &[Key], mode: Mode) -> Vec<(Key, Vec<u8>)> {
        struct Bytes(Vec<(Key, Vec<u8>)>);
        impl<T: Scalar> Sink<T> for Bytes {
            fn put(&mut self, record: Record<T>) -> Result<(), StudyError> {
                let mut bytes = Vec::new();
                record.write_to(&mut bytes).unwrap();
                self.0.push((record.key, bytes));
                Ok(())
            }
        }
        let mut kept = Bytes(Vec::new());
        run(study, v, jobs, 0, mode, &mut kept, &mut |_| {}).unwrap();
        kept.0.sort();
        kept.0
    }

    /// A job's bits do not depend on who does it, or on what else is done.
    #[test]
    fn whoever_does_a_job_its_bits_are_the_same() {
        let dense = Dense::from_fn(60, 40, |i, j| ((i * 7 + j * 11) % 13 * (i % 4)) as f64);
        let sparse = Csr::of_dense(&dense);
        for loss in [Loss::Frobenius, Loss::KullbackLeibler] {
            for v in [dense.to_matrix().unwrap(), sparse.to_matrix().unwrap()] {
                let study =
                    Study::<f64>::new([2, 5]).replicates(3).options(Options::new(1, Method::auto(loss)));
                for holdout in [Holdout::Thin, Holdout::Block, Holdout::Window] {
                    if holdout == Holdout::Window && v.nnz().is_some() {
                        continue;
                    }
                    let jobs = study.jobs(holdout);
                    let expected = done(&study, &v, &jobs, Mode::SideBySide(1));
                    assert_eq!(expected.len(), jobs.len());
                    for mode in [Mode::SideBySide(2), Mode::Together(2), Mode::Together(1)] {
                        assert!(done(&study, &v, &jobs, mode) == expected, "{mode:?}, {loss}");
                    }
                    let alone = done(&study, &v, &jobs[4..5], Mode::SideBySide(2));
                    assert!(expected.contains(&alone[0]));
                }
                for text in ["resample", "noise=0.1", "rows", "halves"] {
                    let study = study.clone().vary(text.parse().unwrap());
                    let jobs = study.jobs(Holdout::None);
                    let expected = done(&study, &v, &jobs, Mode::SideBySide(1));
                    assert_eq!(expected.len(), jobs.len());
                    for mode in [Mode::SideBySide(2), Mode::Together(2)] {
                        assert!(done(&study, &v, &jobs, mode) == expected, "{mode:?}, {loss}, {text}");
                    }
                    let alone = done(&study, &v, &jobs[4..5], Mode::SideBySide(2));
                    assert!(expected.contains(&alone[0]));
                }
            }
        }
    }
}
