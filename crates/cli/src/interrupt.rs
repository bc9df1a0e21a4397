//! Ctrl-C: the first one after an iteration ends the fit with what it has, the next one ends the command. Before the first
//! iteration there is nothing to save, and it ends the command at once, whatever that is busy with. A time limit likewise.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use orthant::{Cancel, Error};

use crate::{Failure, say};

/// The exit code of a command that Ctrl-C ended, as shells have it.
pub const CODE: u8 = 130;

// what the command is doing
const STARTING: u8 = 0;
const FITTING: u8 = 1;
const SAVING: u8 = 2;
const STUDYING: u8 = 3;

/// Listens for Ctrl-C, and for a request to terminate, from here to the end of the process.
pub struct Interrupt {
    doing: Arc<AtomicU8>,
    cancel: Cancel,
    stop: Cancel,
}

impl Interrupt {
    /// Starts listening, also for the terminal that goes away. Until [`fitting`](Self::fitting) any of these ends the command at
    /// once.
    pub fn listen() -> Result<Self, Failure> {
        let (doing, cancel, stop) = (Arc::new(AtomicU8::new(STARTING)), Cancel::new(), Cancel::new());
        let this = Self { doing: Arc::clone(&doing), cancel: cancel.clone(), stop: stop.clone() };
        ctrlc::set_handler(move || {
            let doing = doing.load(Ordering::SeqCst);
            if doing == STARTING {
                process::exit(CODE.into());
            }
            let saving = doing == SAVING;
            if cancel.is_cancelled() {
                // nothing is written before the results are saved; then it is removed by who writes it
                if !saving || stop.is_cancelled() {
                    process::exit(CODE.into());
                }
                stop.cancel();
                return;
            }
            cancel.cancel();
            say::fresh_line();
            say::note(match doing {
                SAVING => "interrupted: saving (Ctrl-C again to end without)",
                STUDYING => "interrupted: keeping the fits that are done (Ctrl-C again to end at once)",
                _ => "interrupted: saving the best so far (Ctrl-C again to end at once)",
            });
        })
        .map_err(|e| Failure::Run(format!("cannot listen for Ctrl-C: {e}")))?;
        Ok(this)
    }

    /// Ends the command `limit` and a second from now if it has nothing to save then: a start can have steps, such as a
    /// singular value decomposition, that know no limit.
    pub fn limit(&self, limit: Duration) {
        let doing = Arc::clone(&self.doing);
        thread::spawn(move || {
            thread::sleep(limit.saturating_add(Duration::from_secs(1)));
            if doing.load(Ordering::SeqCst) == STARTING {
                say::fresh_line();
                say::error(&Error::TimeLimit { seconds: limit.as_secs_f64() }.to_string());
                process::exit(1);
            }
        });
    }

    /// From now on the first Ctrl-C raises [`cancel`](Self::cancel).
    pub fn fitting(&self) {
        self.doing.store(FITTING, Ordering::SeqCst);
    }

    /// From now on the first Ctrl-C raises [`cancel`](Self::cancel), of many fits of which some may be done.
    pub fn studying(&self) {
        self.doing.store(STUDYING, Ordering::SeqCst);
    }

    /// From now on the second Ctrl-C raises [`stop`](Self::stop), and only the third ends the command at once.
    pub fn saving(&self) {
        self.doing.store(SAVING, Ordering::SeqCst);
    }

    /// The flag to hand to the fit.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// The flag that ends the writing of results.
    pub fn stop(&self) -> &Cancel {
        &self.stop
    }

    /// Why something failed while results were saved.
    pub fn failure(&self, failure: impl Into<Failure>) -> Failure {
        if self.stop.is_cancelled() { Failure::Interrupted } else { failure.into() }
    }
}
