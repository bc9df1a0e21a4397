//! A fit on threads of its own, while the calling one lets go of the interpreter's lock, looks for Ctrl-C and calls the
//! callback.
//!
//! Ctrl-C ends the work within half a second. Where a step that cannot be ended takes longer, the call does not wait for it: the
//! thread keeps the arrays that it reads until then.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use orthant::{Cancel, Error, Iteration, Observer, OutOfMemory, Real, StopReason};
use orthant_io::Checkpoints;
use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;

use crate::failure::raise;
use crate::pools;

/// How often Ctrl-C is looked for.
const LOOK: Duration = Duration::from_millis(50);
/// How long a fit may take to end after it.
const PATIENCE: Duration = Duration::from_millis(500);

/// A finished iteration, as Python sees it: number, limit, objective, loss, relative error, step, restarted, seconds.
pub type Snapshot = (usize, usize, f64, f64, f64, f64, bool, f64);

/// What the calling thread hears of.
enum News<R, S> {
    Step(S),
    Done(R),
}

/// The work's end of it, which shows Python an `S` after each step: of a fit, an iteration.
pub struct Watch<S = Snapshot> {
    pub cancel: Cancel,
    /// Threads to fit on: those of the pool that the work runs in.
    pub threads: usize,
    /// What writes checkpoints, if any are to be written.
    pub checkpoints: Option<Checkpoints>,
    /// Why the last one was not written, if it was not.
    pub unwritten: Option<String>,
    /// Where steps are reported to, and from where the answer comes whether to go on, if there is an observer.
    wanted: Option<(Notify<S>, Receiver<bool>)>,
}

type Notify<S> = Box<dyn Fn(S) -> bool + Send>;

impl<S> Watch<S> {
    /// The one thread, where the work is not in a pool.
    pub fn one(&self) -> Option<usize> {
        (self.threads == 1).then_some(1)
    }

    /// Shows Python a step, if it wants to see any; whether to go on.
    pub fn tell(&self, step: impl FnOnce() -> S) -> bool {
        self.wanted.as_ref().is_none_or(|(notify, answers)| notify(step()) && answers.recv().unwrap_or(false))
    }

    /// Tells a builder of it.
    pub fn threads<B>(&self, builder: B, set: impl FnOnce(B, usize) -> B) -> B {
        if self.threads == 1 { set(builder, 1) } else { builder }
    }
}

impl<T: Real> Observer<T> for Watch {
    fn observe(&mut self, it: &Iteration<'_, T>) -> ControlFlow<StopReason> {
        if let Some(checkpoints) = &mut self.checkpoints {
            // the fit is worth more than its checkpoint
            self.unwritten =
                checkpoints.observe(it).err().map(|error| error.to_string()).or(self.unwritten.take());
        }
        let snapshot = || {
            (
                it.number,
                it.max_iter,
                it.objective,
                it.loss,
                it.relative_error,
                it.step,
                it.restarted,
                it.elapsed.as_secs_f64(),
            )
        };
        if self.tell(snapshot) { ControlFlow::Continue(()) } else { ControlFlow::Break(StopReason::Observer) }
    }
}

/// Runs `work` on `threads` threads; `watch` is called with each step, and ends the work by returning true or by raising
/// StopIteration.
pub fn run<R: Send + 'static, S: Send + 'static + for<'py> IntoPyObject<'py>>(
    py: Python<'_>,
    threads: usize,
    whom: &str,
    watch: Option<&Py<PyAny>>,
    work: impl FnOnce(&mut Watch<S>) -> Result<R, Error> + Send + 'static,
) -> PyResult<R> {
    // one thread needs no pool
    let pool = match threads {
        1 => None,
        _ => Some(pools::take(py, threads).map_err(|error| raise(&error, whom))?),
    };
    let (report, mut news) = channel();
    let (answer, answers) = channel();
    let cancel = Cancel::new();
    let wanted = watch.map(|_| {
        let report: Sender<News<_, S>> = report.clone();
        let notify: Notify<S> = Box::new(move |step| report.send(News::Step(step)).is_ok());
        (notify, answers)
    });
    let mut ours = Watch { cancel: cancel.clone(), threads, checkpoints: None, unwritten: None, wanted };
    let thread = std::thread::Builder::new().name("orthant".into()).spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(|| match &pool {
            Some(pool) => pool.install(|| work(&mut ours)),
            None => work(&mut ours),
        }));
        // of what is made before a fit
        let result = result.unwrap_or_else(|payload| match payload.downcast_ref() {
            Some(&OutOfMemory { bytes: need }) => Err(Error::OutOfMemory { need, have: 0 }),
            None => resume_unwind(payload),
        });
        // nobody may be listening any more
        let heard = report.send(News::Done((result, pool)));
        if heard.is_err() {
            // what the work held goes when the interpreter's lock is next taken: now
            let _ = Python::try_attach(|_| ());
        }
    });
    thread.map_err(|e| raise(&Error::Threads { message: e.to_string() }, whom))?;

    let mut raised: Option<PyErr> = None;
    let mut since: Option<Instant> = None;
    loop {
        let heard;
        (heard, news) = py.detach(move || (news.recv_timeout(LOOK), news));
        match heard {
            Ok(News::Done((result, pool))) => {
                if let Some(pool) = pool {
                    pools::give_back(py, pool);
                }
                return match raised {
                    Some(error) => Err(error),
                    None => result.map_err(|error| raise(&error, whom)),
                };
            }
            Ok(News::Step(step)) => {
                let goes_on = match watch {
                    Some(watch) if raised.is_none() => goes_on(py, watch, step).unwrap_or_else(|error| {
                        raised = Some(error);
                        false
                    }),
                    _ => false,
                };
                // the fit waits for it
                let _ = answer.send(goes_on);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                let lost = Error::Panicked { message: "the fit's thread ended".into() };
                return Err(raised.unwrap_or_else(|| raise(&lost, whom)));
            }
        }
        if raised.is_none()
            && let Err(error) = py.check_signals()
        {
            raised = Some(error);
        }
        if let Some(error) = raised.take() {
            cancel.cancel();
            if since.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                return Err(error);
            }
            raised = Some(error);
        }
    }
}

/// Whether the callback lets the fit go on.
fn goes_on<'py, S: IntoPyObject<'py>>(py: Python<'py>, watch: &Py<PyAny>, step: S) -> PyResult<bool> {
    match watch.call1(py, (step,)) {
        Ok(answer) => Ok(!answer.is_truthy(py)?),
        Err(error) if error.is_instance_of::<PyStopIteration>(py) => Ok(false),
        Err(error) => Err(error),
    }
}
