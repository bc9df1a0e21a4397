//! Everything that is said to the user beside results: on standard error.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::builder::styling::{AnsiColor, Style};
use clap::error::ErrorKind;
use orthant_io::{Edge, Remark};

/// What stands out, where colours are wanted.
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();

/// Whether another process says what there is to say.
static SILENT: AtomicBool = AtomicBool::new(false);

/// Leaves it to another process to say what there is to say.
pub fn nothing_more() {
    SILENT.store(true, Ordering::Relaxed);
}

/// `orthant: error: …`
pub fn error(message: &str) {
    line(format_args!("orthant: {RED}error:{RED:#} {message}"));
}

/// What is wrong with the arguments; the help itself where there are none.
pub fn usage(error: &clap::Error) {
    let text = error.render().ansi().to_string();
    match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => line(format_args!("{}", text.trim_end())),
        // it begins with `error: ` already
        _ => line(format_args!("orthant: {}", text.trim_end())),
    }
}

/// `orthant: warning: …`
pub fn warning(message: impl Display) {
    line(format_args!("orthant: {YELLOW}warning:{YELLOW:#} {message}"));
}

/// `orthant: …`
pub fn note(message: &str) {
    line(format_args!("orthant: {message}"));
}

/// What a reader remarks on a file that is `transposed` or not, a line each.
pub fn remarks(file: &Path, remarks: &[Remark], transposed: bool) {
    for remark in remarks {
        let more = match remark {
            Remark::Features { along } if (*along == Edge::Rows) == transposed => continue,
            Remark::Features { .. } if transposed => ", and --transpose makes features the samples",
            Remark::Features { .. } => ", and features become the samples; --transpose makes it cells",
            _ => "",
        };
        warning(format_args!("{}: {}{more}", file.display(), in_flags(&remark.to_string())));
    }
}

/// What a reader remarks on a file of a factor, which no option says how to read.
pub fn remarks_of_factor(file: &Path, remarks: &[Remark]) {
    for remark in remarks {
        let text = remark.to_string();
        let instead = |(said, advice): (&str, &str)| {
            advice.contains("ReadOptions::").then(|| format!("{said}; if that is wrong, save it as npy"))
        };
        warning(format_args!(
            "{}: {}",
            file.display(),
            text.split_once(';').and_then(instead).unwrap_or(text.clone())
        ));
    }
}

/// A message of the readers with the options called as arguments are.
pub fn in_flags(message: &str) -> String {
    let mut parts = message.split("ReadOptions::");
    let mut said = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(part.len());
        // a field that is true or false to the reader, and one of several words to the command
        let value = if &part[..end] == "missing" { " nan" } else { "" };
        said.extend(["--", &part[..end].replace('_', "-"), value, &part[end..]]);
    }
    said
}

/// Leaves the line on which a terminal shows a progress bar and `^C`.
pub fn fresh_line() {
    if io::stderr().is_terminal() {
        line(format_args!(""));
    }
}

fn line(text: std::fmt::Arguments<'_>) {
    if SILENT.load(Ordering::Relaxed) {
        return;
    }
    // nowhere is left to say that standard error is gone
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}
