//! Memory in double precision for as many workers as there are.

use std::sync::{Mutex, PoisonError};

/// One workspace a worker, made beforehand. Which one a caller gets depends on timing, so that nothing in it may
/// matter to a result.
#[derive(Debug)]
pub(crate) struct Workspaces<W>(Vec<Mutex<W>>);

impl<W> Workspaces<W> {
    pub fn new(workers: usize, make: impl Fn() -> W) -> Self {
        Self((0..workers.max(1)).map(|_| Mutex::new(make())).collect())
    }

    /// Each of them, between passes.
    pub fn each(&mut self, mut f: impl FnMut(&mut W)) {
        self.0.iter_mut().for_each(|w| f(w.get_mut().unwrap_or_else(PoisonError::into_inner)));
    }

    /// Calls `f` with one that is free; waits where more callers came than there are workers.
    pub fn with<R>(&self, f: impl FnOnce(&mut W) -> R) -> R {
        let free = self.0.iter().find_map(|w| w.try_lock().ok());
        let mut w = free.unwrap_or_else(|| self.0[0].lock().unwrap_or_else(PoisonError::into_inner));
        f(&mut w)
    }
}
