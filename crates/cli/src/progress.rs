//! The progress bar of a fit.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use orthant::{Iteration, Real};

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

fn message(loss: f64, relative: f64, number: usize, elapsed: Duration) -> String {
    let rate = number as f64 / elapsed.as_secs_f64().max(1e-9);
    let rate = if rate < 100.0 { format!("{rate:.1}") } else { format!("{rate:.0}") };
    format!("loss {loss:.6e}  relative error {relative:.5}  {rate} it/s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_error_and_rate() {
        let text = message(12345.678, 0.1234567, 30, Duration::from_secs(2));
        assert_eq!(text, "loss 1.234568e4  relative error 0.12346  15.0 it/s");
        assert!(message(0.0, 0.0, 1000, Duration::from_millis(10)).ends_with(" 100000 it/s"));
    }
}
