//! Starts workers, limits their memory and time, and finds the input that ended one.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::corpus::Corpus;
use crate::targets::Target;
use crate::worker;

/// How long and with what a target is run.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The seed of the mutations.
    pub seed: u64,
    /// The inputs, fixed ones included.
    pub inputs: u64,
    /// The time for all of them.
    pub time: Duration,
    /// The processor's time for one; where the system does not say it, by the clock.
    pub one: Duration,
    /// Kilobytes of address space.
    pub kilobytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let time = Duration::from_secs(3600 * 24 * 365);
        Self { seed: 1, inputs: u64::MAX, time, one: Duration::from_secs(20), kilobytes: 1 << 20 }
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Inputs that were run.
    pub inputs: u64,
    /// How long they took.
    pub time: Duration,
    /// The input of the last worker that took longest, with its milliseconds.
    pub slowest: (u64, u64),
    /// The first of the failures of each kind.
    pub failures: Vec<Failure>,
}

/// An input for which a property does not hold.
#[derive(Debug)]
pub struct Failure {
    /// The input.
    pub input: Vec<u8>,
    /// What happened.
    pub message: String,
}

impl Failure {
    /// Writes the input to a file of the folder, whose name follows from the content.
    pub fn save(&self, folder: &Path) -> PathBuf {
        fs::create_dir_all(folder).expect("a folder for the input");
        let hash = self.input.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let path = folder.join(format!("{hash:016x}"));
        fs::write(&path, &self.input).expect("room for the input");
        path
    }
}

/// After so many different failures a target is left alone.
const MOST_FAILURES: usize = 20;

/// Runs a target in workers of `program`.
pub fn run(program: &Path, target: &Target, limits: &Limits) -> Outcome {
    let corpus = Corpus::new(target, limits.seed);
    let begin = Instant::now();
    let (mut failures, mut kinds) = (Vec::new(), BTreeSet::new());
    let (mut next, mut slowest) = (0, (0, 0));
    while next < limits.inputs && failures.len() < MOST_FAILURES {
        let fixed = next < corpus.fixed.len() as u64;
        let left = limits.time.saturating_sub(begin.elapsed());
        if left.is_zero() && !fixed {
            break;
        }
        let worked = session(program, target, limits, next, left);
        next = worked.next;
        slowest = worked.slowest;
        for (n, message) in worked.failed {
            if kinds.insert(kind(&message)) {
                failures.push(Failure { input: corpus.input(n), message });
            }
        }
        if worked.done {
            break;
        }
    }
    Outcome { inputs: next, time: begin.elapsed(), slowest, failures }
}

/// A message without its numbers, so that failures alike count once.
fn kind(message: &str) -> String {
    message.chars().filter(|c| !c.is_ascii_digit()).take(160).collect()
}

/// What a worker did.
#[derive(Default)]
struct Worked {
    /// Inputs that failed, and how.
    failed: Vec<(u64, String)>,
    /// The input to go on with.
    next: u64,
    /// The slowest input with its milliseconds.
    slowest: (u64, u64),
    /// Whether it came to its end.
    done: bool,
}

fn session(program: &Path, target: &Target, limits: &Limits, first: u64, left: Duration) -> Worked {
    let scratch = tempfile::tempdir_in(memory()).expect("a folder for a worker");
    let progress = scratch.path().join("progress");
    fs::write(&progress, []).expect("room for the progress of a worker");
    // the shell sets the limit of memory; where it cannot, it goes without
    let script =
        format!("ulimit -v {} 2>/dev/null; ulimit -c 0 2>/dev/null; exec \"$0\" \"$@\"", limits.kilobytes);
    let mut child = Command::new("sh")
        .args(["-c", &script])
        .arg(program)
        .args([worker::FLAG, target.name])
        .args([limits.seed, first, limits.inputs].map(|n| n.to_string()))
        .arg(left.as_millis().to_string())
        .arg(&progress)
        // arenas and stacks of threads count as address space
        .envs([("MALLOC_ARENA_MAX", "2"), ("RAYON_NUM_THREADS", "2")])
        .env("TMPDIR", scratch.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a worker starts");
    let out = collected(child.stdout.take().expect("it is piped"));
    let err = collected(child.stderr.take().expect("it is piped"));
    let ended = watch(&mut child, &progress, limits.one);
    let (out, err) = (out.join().expect("its output is read"), err.join().expect("its output is read"));
    let mut worked = Worked { next: first, ..Worked::default() };
    for line in out.lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (n, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let Ok(n) = n.parse() else { continue };
        match word {
            "panic" => worked.failed.push((n, rest.to_owned())),
            "slowest" => worked.slowest = (n, rest.parse().unwrap_or_default()),
            "done" => (worked.next, worked.done) = (n, true),
            _ => {}
        }
    }
    if !worked.done {
        let at = last(&progress).unwrap_or(first);
        let said = err.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        worked.failed.push((at, format!("{ended}: {said}")));
        worked.next = at + 1;
    }
    worked
}

/// A folder in memory, where there is one: every input of some readers is a file.
fn memory() -> PathBuf {
    let shared = PathBuf::from("/dev/shm");
    if shared.is_dir() { shared } else { std::env::temp_dir() }
}

fn collected(mut from: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // what was read before an error is all that can be said
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Waits for a worker, and ends it where an input takes too long.
fn watch(child: &mut Child, progress: &Path, one: Duration) -> String {
    let begin = Instant::now();
    let time = |child: &Child| spent(child.id()).unwrap_or_else(|| begin.elapsed());
    let (mut at, mut since, mut clock, mut pause) = (None, Duration::ZERO, Instant::now(), 2);
    loop {
        if let Some(status) = child.try_wait().expect("a worker can be waited for") {
            return format!("the process ended ({status})");
        }
        let now = last(progress);
        if now != at {
            (at, since, clock) = (now, time(child), Instant::now());
        }
        // one that waits for something spends no time
        if time(child).saturating_sub(since) > one || clock.elapsed() > 10 * one {
            child.kill().expect("a worker can be ended");
            child.wait().expect("a worker can be waited for");
            return format!("an input took longer than {} s", one.as_secs());
        }
        thread::sleep(Duration::from_millis(pause));
        pause = (pause * 2).min(100);
    }
}

/// The time that all threads of a process have had a processor for.
fn spent(process: u32) -> Option<Duration> {
    let line = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // behind the name, which may have spaces, are the state and then numbers: user and system time are the 11th and 12th
    let mut numbers =
        line.rsplit_once(')')?.1.split_whitespace().skip(12).map_while(|n| n.parse::<u64>().ok());
    Some(Duration::from_millis(10 * numbers.next()?.checked_add(numbers.next()?)?))
}

/// The number that a worker wrote last.
fn last(progress: &Path) -> Option<u64> {
    let bytes = fs::read(progress).ok()?;
    bytes.try_into().ok().map(u64::from_le_bytes)
}
