//! Checkpoints of fits as files.
//!
//! A file is safetensors: the state as a tensor of bytes, and in the metadata what it is of as JSON, with the version of the
//! format and a hash of both.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use orthant::{Checkpoint, Iteration, Real, StopReason};
use safetensors::tensor::{Dtype, TensorView};
use xxhash_rust::xxh3::Xxh3;

use crate::IoError;
use crate::model::open_safetensors;
use crate::write::write_file;

/// The version that this build writes and reads. It changes with what a fit keeps between iterations.
const FORMAT: &str = "1";

/// The keys of the metadata.
const VERSION: &str = "orthant.checkpoint";
const OF: &str = "of";
const HASH: &str = "xxh3_128";

/// The tensor.
const STATE: &str = "state";

/// Writes a checkpoint, whole or not at all: one that stood there before is replaced once the new one is on disk.
///
/// # Errors
/// [`IoError::Write`].
///
/// ```
/// use std::ops::ControlFlow;
/// use orthant::{Dense, Iteration, Nmf, StopReason};
/// use orthant_io::{read_checkpoint, write_checkpoint};
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("fit.checkpoint");
/// let v = Dense::from_fn(30, 20, |i, j| ((i * j) % 7) as f64);
/// let nmf = Nmf::new(3).tol(0.0).max_iter(40);
///
/// let mut written = Ok(());
/// nmf.fit_observed(&v, &mut |it: &Iteration<'_, f64>| {
///     written = write_checkpoint(&path, &it.checkpoint().unwrap());
///     if it.number < 10 { ControlFlow::Continue(()) } else { ControlFlow::Break(StopReason::Observer) }
/// })?;
/// written?;
///
/// let resumed = nmf.clone().checkpoint(read_checkpoint(&path)?).fit(&v)?;
/// assert_eq!(resumed.w, nmf.fit(&v)?.w);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_checkpoint(path: impl AsRef<Path>, checkpoint: &Checkpoint) -> Result<(), IoError> {
    write_file(path.as_ref(), |out| {
        let of = serde_json::to_string(checkpoint)?;
        let state = checkpoint.state();
        let metadata = [(VERSION, FORMAT.to_owned()), (HASH, hash(&of, state)), (OF, of)];
        let metadata: HashMap<String, String> = metadata.map(|(key, text)| (key.to_owned(), text)).into();
        let tensor = TensorView::new(Dtype::U8, vec![state.len()], state).map_err(std::io::Error::other)?;
        let file =
            safetensors::serialize([(STATE, tensor)], Some(metadata)).map_err(std::io::Error::other)?;
        out.write_all(&file)
    })
}

/// Reads a checkpoint.
///
/// # Errors
/// [`IoError::Read`]; [`IoError::Corrupt`] for what is no checkpoint or does not have the hash that it says; and
/// [`IoError::CheckpointVersion`]. Whether it goes with a fit is for that to say:
/// [`CheckpointMismatch`](orthant::Error::CheckpointMismatch).
pub fn read_checkpoint(path: impl AsRef<Path>) -> Result<Checkpoint, IoError> {
    let path = path.as_ref();
    let bytes = fs::read(path).map_err(IoError::read(path))?;
    let corrupt = |reason: String| IoError::Corrupt { path: path.to_owned(), format: "checkpoint", reason };
    let (file, metadata) = open_safetensors(&bytes, path, "checkpoint")?;
    let text = |key| {
        metadata.get(key).ok_or_else(|| corrupt("a safetensors file, but not one of a checkpoint".to_owned()))
    };
    let found = text(VERSION)?;
    if found != FORMAT {
        let (path, found) = (path.to_owned(), found.clone());
        return Err(IoError::CheckpointVersion { path, found, supported: FORMAT });
    }
    let (of, expected) = (text(OF)?, text(HASH)?);
    let tensor = file.tensor(STATE).map_err(|_| corrupt("it has no state".to_owned()))?;
    if hash(of, tensor.data()) != *expected {
        return Err(corrupt("its content is not what was written".to_owned()));
    }
    let checkpoint: Checkpoint = serde_json::from_str(of).map_err(|e| corrupt(e.to_string()))?;
    Ok(checkpoint.with_state(tensor.data().to_vec()))
}

fn hash(of: &str, state: &[u8]) -> String {
    let mut hash = Xxh3::new();
    hash.update(of.as_bytes());
    hash.update(state);
    format!("{:032x}", hash.digest128())
}

/// Writes checkpoints of a fit now and then, and when it ends.
///
/// ```
/// use std::ops::ControlFlow;
/// use std::time::Duration;
/// use orthant::{Dense, Iteration, Nmf, StopReason};
/// use orthant_io::{Checkpoints, read_checkpoint};
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("fit.checkpoint");
/// let v = Dense::from_fn(30, 20, |i, j| ((i * j) % 7) as f64);
///
/// let mut checkpoints = Checkpoints::new(&path, Duration::from_secs(60));
/// let mut written = Ok(());
/// let fit = Nmf::new(3).fit_observed(&v, &mut |it: &Iteration<'_, f64>| {
///     written = checkpoints.observe(it);
///     ControlFlow::<StopReason>::Continue(())
/// })?;
/// written?;
/// assert_eq!(read_checkpoint(&path)?.iterations(), fit.report.iterations);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Checkpoints {
    path: PathBuf,
    every: Duration,
    last: Instant,
    /// Whether the next iteration is written, where that was asked before.
    due: Option<bool>,
}

impl Checkpoints {
    /// To `path`, once `every` has passed since the last one.
    pub fn new(path: impl AsRef<Path>, every: Duration) -> Self {
        Self { path: path.as_ref().to_owned(), every, last: Instant::now(), due: None }
    }

    /// Whether the next iteration, which `ends` the fit or not, is written: what an observer answers that is asked whether it
    /// [wants the factors](orthant::Observer::wants_factors).
    pub fn is_due(&mut self, ends: Option<StopReason>) -> bool {
        *self.due.insert(self.is_time(ends))
    }

    fn is_time(&self, ends: Option<StopReason>) -> bool {
        ends.is_some() || self.last.elapsed() >= self.every
    }

    /// Writes one if it is time for it, or the fit ends with this iteration.
    ///
    /// # Errors
    /// As [`write_checkpoint`]; the next one is tried when it is due.
    pub fn observe<T: Real>(&mut self, iteration: &Iteration<'_, T>) -> Result<(), IoError> {
        if !self.due.take().unwrap_or_else(|| self.is_time(iteration.ends)) {
            return Ok(());
        }
        let written = iteration
            .checkpoint()
            .map_err(IoError::from)
            .and_then(|checkpoint| write_checkpoint(&self.path, &checkpoint));
        // that took its own time
        self.last = Instant::now();
        written
    }
}
