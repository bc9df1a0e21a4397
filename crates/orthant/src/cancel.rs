//! Ending a fit from outside, between two blocks of its work.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::Error;
use crate::clock::Instant;

/// A flag that ends a fit from another thread or a signal handler.
///
/// The fit ends with its current iteration, or within it where that takes more than 0.3 seconds more.
///
/// ```
/// use orthant::{Cancel, Dense, Nmf, StopReason};
/// let cancel = Cancel::new();
/// cancel.cancel();
/// let v = Dense::from_fn(4, 3, |i, j| (i + j) as f32);
/// let fit = Nmf::new(1).cancel(&cancel).fit(&v)?;
/// assert_eq!((fit.report.iterations, fit.report.stop_reason), (1, StopReason::Interrupted));
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Flag>);

#[derive(Debug, Default)]
struct Flag {
    raised: AtomicBool,
    #[cfg(test)]
    count: Option<tests::Count>,
}

impl Cancel {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the flag: every fit that holds it ends.
    pub fn cancel(&self) {
        self.0.raised.store(true, Ordering::Relaxed);
    }

    /// Whether the flag is raised.
    pub fn is_cancelled(&self) -> bool {
        self.0.raised.load(Ordering::Relaxed)
    }
}

/// Flags are equal where they are one: where either raises both.
impl PartialEq for Cancel {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Cancel {}

/// How long work may go on once it is to end.
const PATIENCE: Duration = Duration::from_millis(300);

/// What ends long work inside an iteration: a raised flag or a time limit, each after a moment in which an iteration may end
/// by itself. Without either it costs nothing.
#[derive(Clone, Default)]
pub(crate) struct Halt(Option<Arc<Ends>>);

struct Ends {
    began: Instant,
    cancel: Option<Cancel>,
    limit: Option<Duration>,
    /// Nanoseconds after the beginning at which the work is to end; 0 while nothing asks for that.
    due: AtomicU64,
}

impl Halt {
    /// Of a fit that began then.
    pub fn new(began: Instant, cancel: Option<&Cancel>, limit: Option<Duration>) -> Self {
        let ends = || Ends { began, cancel: cancel.cloned(), limit, due: AtomicU64::new(0) };
        Self((cancel.is_some() || limit.is_some()).then(|| Arc::new(ends())))
    }

    /// To be asked between two blocks.
    ///
    /// # Errors
    /// [`Error::Interrupted`] or [`Error::TimeLimit`] where the work is to end here.
    pub fn check(&self) -> Result<(), Error> {
        let Some(ends) = &self.0 else { return Ok(()) };
        #[cfg(test)]
        if let Some(count) = ends.cancel.as_ref().and_then(|cancel| cancel.0.count.as_ref()) {
            return count.check();
        }
        let Some(error) = ends.asked() else { return Ok(()) };
        let now = ends.nanoseconds(Duration::ZERO);
        // whoever sees it first says until when
        let first =
            ends.due.compare_exchange(0, ends.nanoseconds(PATIENCE), Ordering::Relaxed, Ordering::Relaxed);
        first.map_or_else(|due| if now < due { Ok(()) } else { Err(error) }, |_| Ok(()))
    }

    /// Gives the work that comes next its own moment.
    pub fn renew(&self) {
        if let Some(ends) = &self.0 {
            ends.due.store(0, Ordering::Relaxed);
            #[cfg(test)]
            if let Some(count) = ends.cancel.as_ref().and_then(|cancel| cancel.0.count.as_ref()) {
                count.renew();
            }
        }
    }
}

impl Ends {
    fn asked(&self) -> Option<Error> {
        if self.cancel.as_ref().is_some_and(Cancel::is_cancelled) {
            return Some(Error::Interrupted);
        }
        let limit = self.limit.filter(|limit| self.began.elapsed() >= *limit)?;
        Some(Error::TimeLimit { seconds: limit.as_secs_f64() })
    }

    /// Nanoseconds from the beginning to so long from now, and never 0.
    fn nanoseconds(&self, from_now: Duration) -> u64 {
        u64::try_from((self.began.elapsed() + from_now).as_nanos()).unwrap_or(u64::MAX).max(1)
    }
}

impl fmt::Debug for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Halt").field(&self.0.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// Ends work by the number of times it asks, not by time.
    #[derive(Debug)]
    pub(super) struct Count {
        left: AtomicUsize,
        renews: bool,
    }

    impl Count {
        pub fn check(&self) -> Result<(), Error> {
            let taken = |left: usize| left.checked_sub(1);
            let left = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken);
            left.map_or(Err(Error::Interrupted), |_| Ok(()))
        }

        pub fn renew(&self) {
            if self.renews {
                self.left.store(usize::MAX, Ordering::Relaxed);
            }
        }
    }

    impl Cancel {
        /// One that ends the work when it has been asked so often; and what comes when the work is renewed too, unless that
        /// `renews` it.
        pub(crate) fn after(checks: usize, renews: bool) -> Self {
            let count = Some(Count { left: checks.into(), renews });
            Self(Arc::new(Flag { raised: AtomicBool::new(false), count }))
        }
    }

    #[test]
    fn work_has_a_moment_to_end_by_itself() {
        let cancel = Cancel::new();
        let halt = Halt::new(Instant::now(), Some(&cancel), None);
        assert!(halt.check().is_ok());
        cancel.cancel();
        assert!(halt.check().is_ok(), "it is only now to end");
        std::thread::sleep(PATIENCE);
        assert!(matches!(halt.check(), Err(Error::Interrupted)));
        halt.renew();
        assert!(halt.check().is_ok(), "what comes next has a moment of its own");
        std::thread::sleep(PATIENCE);
        assert!(halt.check().is_err());
    }

    #[test]
    fn a_limit_ends_work_and_its_absence_does_not() {
        let began = Instant::now();
        let halt = Halt::new(began, None, Some(Duration::ZERO));
        assert!(halt.check().is_ok());
        std::thread::sleep(PATIENCE);
        assert!(matches!(halt.check(), Err(Error::TimeLimit { seconds: 0.0 })));
        assert!(Halt::new(began, None, Some(Duration::from_secs(60))).check().is_ok());
        assert!(Halt::default().check().is_ok());
    }
}
