//! The progress bar of a fit.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use orthant::{Iteration, Real};

use crate::say;

/// A line on a terminal's standard error; nothing anywhere else.
pub struct Progress {
    bar: ProgressBar,
    shown: Option<Instant>,
}

impl Progress {
    /// A bar, unless `quiet`.
    pub fn new(quiet: bool) -> Self {
        if quiet || !io::stderr().is_terminal() {
            return Self { bar: ProgressBar::hidden(), shown: None };
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len}  {msg}")
            .expect("the template is a constant");
        bar.set_style(style.progress_chars("━━╌"));
        Self { bar, shown: None }
    }

    /// Shows an iteration, ten times a second at most.
    pub fn show<T: Real>(&mut self, it: &Iteration<'_, T>) {
        let now = Instant::now();
        let fresh = self.shown.is_some_and(|at| now - at < Duration::from_millis(100));
        if self.bar.is_hidden() || fresh {
            return;
        }
        self.shown = Some(now);
        self.bar.set_message(message(it.objective, it.relative_error, it.number, it.elapsed));
        self.bar.set_length(it.max_iter as u64);
        self.bar.set_position(it.number as u64);
    }

    /// Takes the line away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// The same of many fits.
pub struct Jobs {
    bar: ProgressBar,
    began: Instant,
    /// How many were done when the first one ended.
    before: Option<usize>,
}

impl Jobs {
    /// A bar, unless `quiet`.
    pub fn new(quiet: bool) -> Self {
        let Progress { bar, .. } = Progress::new(quiet);
        Self { bar, began: Instant::now(), before: None }
    }

    /// Shows that a fit of `rank` components has ended.
    pub fn show(&mut self, done: usize, jobs: usize, rank: usize) {
        let before = *self.before.get_or_insert(done - 1);
        let left = time_left(self.began.elapsed(), done - before, jobs - done);
        self.bar.set_length(jobs as u64);
        self.bar.set_position(done as u64);
        self.bar.set_message(format!("k = {rank}, {left} left"));
    }

    /// Says something above the bar.
    pub fn say(&self, message: &str) {
        self.bar.suspend(|| say::warning(message));
    }

    /// Takes the line away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// The time that `left` more fits will take if they take as long as those that are done.
fn time_left(elapsed: Duration, done: usize, left: usize) -> String {
    let seconds = elapsed.as_secs_f64() / done.max(1) as f64 * left as f64;
    match seconds {
        s if s < 99.5 => format!("{s:.0} s"),
        s if s < 99.5 * 60.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

fn message(loss: f64, relative: f64, number: usize, elapsed: Duration) -> String {
    let rate = number as f64 / elapsed.as_secs_f64().max(1e-9);
    let rate = if rate < 100.0 { format!("{rate:.1}") } else { format!("{rate:.0}") };
    format!("loss {loss:.6e}  relative error {relative:.5}  {rate} it/s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left() {
        let left = |seconds, done, left| time_left(Duration::from_secs(seconds), done, left);
        assert_eq!([left(10, 5, 6), left(10, 1, 60), left(100, 1, 360)], ["12 s", "10 min", "10.0 h"]);
    }

    #[test]
    fn loss_error_and_rate() {
        let text = message(12345.678, 0.1234567, 30, Duration::from_secs(2));
        assert_eq!(text, "loss 1.234568e4  relative error 0.12346  15.0 it/s");
        assert!(message(0.0, 0.0, 1000, Duration::from_millis(10)).ends_with(" 100000 it/s"));
    }
}
