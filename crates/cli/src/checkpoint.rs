//! Keeping a fit while it runs, and going on with it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use orthant::{Checkpoint, Error};
use orthant_io::{Checkpoints, read_checkpoint};

use crate::args::at_least_zero;
use crate::{Failure, inputs, say};

/// Seconds from one checkpoint to the next.
const EVERY: f64 = 60.0;

/// Whether and where a fit is kept.
#[derive(Clone, Debug, clap::Args)]
pub struct CheckpointArgs {
    /// Keep the fit as it stands in FILE, now and then and when it ends
    #[arg(long, value_name = "FILE", help_heading = "Checkpoints")]
    checkpoint: Option<PathBuf>,
    /// Seconds from one checkpoint to the next [default: 60]
    #[arg(long, value_name = "S", value_parser = at_least_zero, allow_negative_numbers = true)]
    #[arg(requires = "checkpoint", help_heading = "Checkpoints")]
    every: Option<f64>,
    /// Go on from the checkpoint, if it is there, with the same data and the same options but for --max-iter,
    /// --max-seconds and --threads: the result is, to the bit, that of a fit without a break
    #[arg(long, requires = "checkpoint", help_heading = "Checkpoints")]
    resume: bool,
}

/// A file that a fit is kept in, with what is gone on from.
pub struct Kept {
    path: PathBuf,
    every: Duration,
    from: Option<Checkpoint>,
}

impl CheckpointArgs {
    /// Whether a fit is to be kept.
    pub fn are_given(&self) -> bool {
        self.checkpoint.is_some()
    }

    /// Looks at the file. It may be none of the inputs; one that is there is gone on from, and never overwritten by a fit from
    /// the beginning.
    pub fn open(&self, read: &[PathBuf]) -> Result<Option<Kept>, Failure> {
        let Some(path) = &self.checkpoint else { return Ok(None) };
        inputs::keep(read, [path])?;
        let every = Duration::try_from_secs_f64(self.every.unwrap_or(EVERY))
            .map_err(|_| Failure::Usage("--every is more than can be counted".into()))?;
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.display();
        if !folder.is_dir() {
            return Err(Failure::Run(format!("{name}: there is no folder {}", folder.display())));
        }
        let there = path.exists();
        if there && !self.resume {
            return Err(Failure::Run(format!(
                "{name} is there already: --resume goes on from it; to begin anew, remove it or choose another --checkpoint"
            )));
        }
        if !there && self.resume {
            say::note(&format!("there is no checkpoint {name} yet: the fit begins at its start"));
        }
        let from = there.then(|| read_checkpoint(path)).transpose()?;
        Ok(Some(Kept { path: path.clone(), every, from }))
    }
}

impl Kept {
    /// What is gone on from.
    pub fn from(&self) -> Option<&Checkpoint> {
        self.from.as_ref()
    }

    /// What is gone on from, in a line.
    pub fn describe(&self) -> Option<String> {
        let at = self.from()?.iterations();
        Some(format!("{}: going on after iteration {at}", self.path.display()))
    }

    /// What writes the file.
    pub fn checkpoints(&self) -> Checkpoints {
        Checkpoints::new(&self.path, self.every)
    }

    /// An error about the checkpoint.
    pub fn failure(&self, error: &Error) -> Option<Failure> {
        match error {
            Error::CheckpointMismatch { .. } => {
                Some(Failure::Run(format!("{}: {error}", self.path.display())))
            }
            _ => None,
        }
    }
}
