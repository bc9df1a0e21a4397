//! Ctrl-C: the first one during a fit ends it with what it has, the next one ends the command.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use orthant::Cancel;

use crate::{Failure, say};

/// The exit code of a command that Ctrl-C ended, as shells have it.
const INTERRUPTED: i32 = 130;

/// Listens for Ctrl-C, and for a request to terminate, from here to the end of the process.
pub struct Interrupt {
    cancel: Cancel,
    /// A fit is running, so that there is something to save.
    fitting: Arc<AtomicBool>,
}

impl Interrupt {
    /// Starts listening. Until [`fitting`](Self::fitting) a Ctrl-C ends the command at once.
    pub fn listen() -> Result<Self, Failure> {
        let (cancel, fitting) = (Cancel::new(), Arc::new(AtomicBool::new(false)));
        let (flag, armed) = (cancel.clone(), Arc::clone(&fitting));
        ctrlc::set_handler(move || {
            if !armed.load(Ordering::SeqCst) || flag.is_cancelled() {
                process::exit(INTERRUPTED);
            }
            flag.cancel();
            say::fresh_line();
            say::note("interrupted: finishing this iteration, then saving (Ctrl-C again to end at once)");
        })
        .map_err(|e| Failure::Run(format!("cannot listen for Ctrl-C: {e}")))?;
        Ok(Self { cancel, fitting })
    }

    /// From now on the first Ctrl-C raises [`cancel`](Self::cancel).
    pub fn fitting(&self) {
        self.fitting.store(true, Ordering::SeqCst);
    }

    /// The flag to hand to the fit.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }
}
