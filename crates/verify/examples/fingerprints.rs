//! Prints a line for each of many fits, with a hash of all that came of it but the times: factors, history and figures. A
//! change that is to move no bit prints the same lines before and after:
//!
//!     cargo run --release -p orthant-verify --example fingerprints > before.txt
//!
//! The arguments are the number of fits (default 400) and the number of the first (default 1). Fit number i is the same in
//! every run. Every method takes its turn with each of its losses, in every layout and both precisions, on one to four
//! threads, with penalties and without; so do weights alone, `transform` and mini-batches. The hash is the standard library's,
//! and kernels differ between instruction sets: compare runs of one compiler on one processor.

#![allow(clippy::print_stdout)]

use orthant_verify::cases::Case;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| arguments.next().map_or(default, |a| a.parse().expect("a whole number"));
    let (fits, first): (u64, u64) = (number(400), number(1));
    for number in first..first + fits {
        let case = Case::new(number);
        match if case.drawn.single { case.run::<f32>() } else { case.run::<f64>() } {
            Ok(outcome) => println!("{number} {:016x} {case:?}", outcome.bits),
            Err(error) => println!("{number} {error} {case:?}"),
        }
    }
}
