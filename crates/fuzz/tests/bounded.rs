//! The regressions, the seeds and a fixed number of damaged inputs, of every target.

use std::path::Path;
use std::time::{Duration, Instant};

use orthant_fuzz::corpus::Corpus;
use orthant_fuzz::parent::{Limits, run};
use orthant_fuzz::targets::{ALL, named};

fn runner() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_orthant-fuzz"))
}

#[test]
fn no_input_breaks_a_reader_or_a_fit() {
    let mut failed = Vec::new();
    for target in ALL {
        let fixed = Corpus::new(target, 1).fixed.len() as u64;
        let outcome = run(runner(), target, &Limits { inputs: fixed + target.bounded, ..Limits::default() });
        assert!(outcome.inputs == fixed + target.bounded || !outcome.failures.is_empty(), "{outcome:?}");
        for failure in outcome.failures {
            let path = failure.save(Path::new(env!("CARGO_TARGET_TMPDIR")));
            failed.push(format!("{}: {}: {}", target.name, path.display(), failure.message));
        }
    }
    assert!(failed.is_empty(), "copy these inputs to crates/fuzz/regressions/TARGET:\n{}", failed.join("\n"));
}

#[test]
fn every_way_to_fail_is_noticed() {
    for (name, message) in [
        ("trap_panic", "a trap"),
        ("trap_abort", "the process ended"),
        ("trap_loop", "took longer"),
        ("trap_stack", "the process ended"),
        ("trap_memory", "the process ended"),
    ] {
        let limits = Limits { inputs: 2, one: Duration::from_secs(1), ..Limits::default() };
        let begin = Instant::now();
        let outcome = run(runner(), &named(name).unwrap(), &limits);
        let messages: Vec<_> = outcome.failures.iter().map(|failure| failure.message.as_str()).collect();
        assert!(messages.iter().any(|text| text.contains(message)), "{name}: {messages:?}");
        assert_eq!(outcome.inputs, 2, "the run goes on after an input that ended a worker");
        assert!(begin.elapsed() < Duration::from_secs(60), "{name}");
    }
}
