//! The time that a fit takes.
//!
//! `wasm32-unknown-unknown` says nothing of its host, and so has no clock: the standard library's panics there. Every time is 0 on it, and
//! a limit of time is refused.

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub use std::time::Instant;

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub use stopped::Instant;

use std::time::Duration;

use crate::Error;

/// Refuses a limit of time where nothing tells it.
///
/// # Errors
/// [`Error::Unsupported`].
pub fn check_limit(limit: Option<Duration>) -> Result<(), Error> {
    if cfg!(all(target_family = "wasm", target_os = "unknown")) && limit.is_some() {
        return Err(Error::Unsupported {
            what: "a limit of time on wasm32-unknown-unknown, which has no clock,".into(),
            supported:
                "a limit of iterations goes everywhere, and an observer can end a fit by its host's clock"
                    .into(),
        });
    }
    Ok(())
}

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod stopped {
    use std::time::Duration;

    /// A time of which nothing is known.
    #[derive(Clone, Copy, Debug)]
    pub struct Instant;

    impl Instant {
        pub fn now() -> Self {
            Self
        }

        pub fn elapsed(&self) -> Duration {
            Duration::ZERO
        }
    }
}
