//! Everything that is printed on standard output.

use std::io::{self, Write};

use serde::Serialize;

use crate::{Failure, closed};

/// Prints, and sees to it that it has arrived.
pub fn now(print: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    if closed::stdout() {
        return Err(Failure::Run("cannot write to standard output: it is closed".into()));
    }
    let mut out = io::stdout().lock();
    Ok(print(&mut out).and_then(|()| out.flush())?)
}

/// A value as indented JSON. Numbers that JSON lacks (NaN, infinities) become null.
pub fn json(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Failure::Run(format!("no JSON: {e}")))?;
    Ok(text + "\n")
}

/// A number of things: `1 row`, `2 rows`.
pub fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Three significant digits, and no exponent but for numbers that would be mostly zeros.
pub fn figure(x: f64) -> String {
    if x != 0.0 && !(1e-4..1e9).contains(&x) { format!("{x:.2e}") } else { significant(x) }
}

/// Three significant digits.
pub fn significant(x: f64) -> String {
    let digits = if x > 0.0 { (2 - x.log10().floor() as i32).clamp(0, 12) as usize } else { 0 };
    let text = format!("{x:.digits$}");
    if digits == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits() {
        for (x, text) in [
            (0.5, "0.5"),
            (8.0, "8"),
            (12.345, "12.3"),
            (100.0, "100"),
            (0.0, "0"),
            (0.000_333_33, "0.000333"),
        ] {
            assert_eq!((significant(x).as_str(), figure(x).as_str()), (text, text));
        }
        assert_eq!([1.25e-7, 3.0e12].map(figure), ["1.25e-7", "3.00e12"]);
    }

    #[test]
    fn one_is_singular() {
        let said = [0, 1, 2].map(|n| count(n, "pass", "passes"));
        assert_eq!(said, ["0 passes", "1 pass", "2 passes"]);
    }
}
