//! A process that runs inputs one after another and says which one it is at.

use std::any::Any;
use std::fs::OpenOptions;
use std::io::{Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::corpus::Corpus;
use crate::targets;

/// The first argument of a worker; then come the target, the seed, the first input, the one after the last, the limit of
/// milliseconds and the file for its progress.
pub const FLAG: &str = "--worker";

/// Where the last panic was.
static PLACE: Mutex<String> = Mutex::new(String::new());

/// Runs the inputs. The number of each is in the progress file before it begins. A panic is a line on standard output; the last
/// lines are `slowest` with an input and its milliseconds, and `done` with the number of the input after the last.
pub fn main(arguments: &[String]) -> ExitCode {
    let [target, seed, first, last, milliseconds, progress] = arguments else { return ExitCode::from(2) };
    let number = |text: &String| text.parse::<u64>().expect("a number from the parent");
    let target = targets::named(target).expect("a target from the parent");
    let corpus = Corpus::new(&target, number(seed));
    let end = Instant::now() + Duration::from_millis(number(milliseconds));
    let mut progress = OpenOptions::new().write(true).open(progress).expect("the parent's file");
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        *PLACE.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }));
    let mut out = std::io::stdout();
    let (mut n, last) = (number(first), number(last));
    let mut slowest = (Duration::ZERO, n);
    while n < last && (n < corpus.fixed.len() as u64 || Instant::now() < end) {
        let input = corpus.input(n);
        progress.rewind().and_then(|()| progress.write_all(&n.to_le_bytes())).expect("room for a number");
        let begin = Instant::now();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.run)(&input))) {
            let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner).clone();
            writeln!(out, "panic {n} {place}: {}", message(&*panic)).expect("the parent reads");
        }
        slowest = slowest.max((begin.elapsed(), n));
        n += 1;
    }
    writeln!(out, "slowest {} {}", slowest.1, slowest.0.as_millis()).expect("the parent reads");
    writeln!(out, "done {n}").expect("the parent reads");
    ExitCode::SUCCESS
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    text.replace('\n', " ")
}
