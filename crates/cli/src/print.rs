//! Everything that is printed on standard output.

use std::io::{self, Write};

use crate::{Failure, closed};

/// Prints, and sees to it that it has arrived.
pub fn now(print: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    if closed::stdout() {
        return Err(Failure::Run("cannot write to standard output: it is closed".into()));
    }
    let mut out = io::stdout().lock();
    Ok(print(&mut out).and_then(|()| out.flush())?)
}

/// What a command prints that saves results too: these are saved whatever becomes of standard output.
pub struct Beside {
    saves: bool,
    failed: Option<Failure>,
}

impl Beside {
    /// Without results to save, a failure to print ends the command.
    pub fn results(saves: bool) -> Self {
        Self { saves, failed: None }
    }

    /// Prints, unless that has failed before.
    pub fn print(&mut self, print: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        if self.failed.is_none() {
            match now(print) {
                Err(failure) if self.saves => self.failed = Some(failure),
                printed => return printed,
            }
        }
        Ok(())
    }

    /// The first failure, once all is saved.
    pub fn end(self) -> Result<(), Failure> {
        self.failed.map_or(Ok(()), Err)
    }
}
