//! Fits that are kept while they run, killed, and gone on with.
#![cfg(unix)]

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{COUNTS, Ran, dir, file, listing, orthant, run};
use orthant::Dense;
use orthant_io::{Names, read_checkpoint, write_matrix};

/// A fit of some tenths of a second.
const FIT: &str = "fit v.npy -k 12 --tol 0 --max-iter 400";

fn write_data(dir: &Path) {
    let v = Dense::from_fn(500, 300, |i, j| ((i * 31 + j * 17) % 101) as f64 / 101.0);
    write_matrix(dir.join("v.npy"), v.view(), Names::default()).unwrap();
}

fn factors(dir: &Path, out: &str) -> [Vec<u8>; 2] {
    ["W.npy", "H.npy"].map(|name| fs::read(dir.join(out).join(name)).unwrap())
}

#[track_caller]
fn same(dir: &Path, out: &str) {
    assert!(factors(dir, out) == factors(dir, "whole"), "{out} is not as without a break");
}

/// Runs the command until there is a checkpoint, and then kills it.
fn kill(dir: &Path, args: &str) {
    let args = args.split_whitespace();
    let mut child = orthant(dir).args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !dir.join("c").exists() && child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "there is no checkpoint");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Law 30 and fault 54.
#[test]
fn a_fit_that_is_killed_and_gone_on_with_is_the_fit_that_was_not() {
    for options in ["", "--loss kl --solver mm", "--minibatch --batch-size 64 --max-no-improvement none"] {
        let d = dir();
        write_data(d.path());
        let fit = format!("{FIT} {options}");
        run(d.path(), &format!("{fit} -o whole")).ends(0);
        for _ in 0..3 {
            kill(d.path(), &format!("{fit} -o parts --checkpoint c --every 0 --resume"));
        }
        assert!(read_checkpoint(d.path().join("c")).unwrap().iterations() >= 1);
        let ran = run(d.path(), &format!("{fit} -o parts --checkpoint c --resume --threads 2")).ends(0);
        assert!(ran.out.contains("going on after iteration "), "{}", ran.out);
        same(d.path(), "parts");
        // to go on with what has ended is to save it again
        run(d.path(), &format!("{fit} -o again --checkpoint c --resume")).ends(0);
        same(d.path(), "again");
    }
}

#[test]
fn a_time_limit_keeps_the_fit_and_more_iterations_can_be_asked_for() {
    let d = dir();
    write_data(d.path());
    // a limit that is met on a sketch ends what is done there, too
    run(d.path(), &format!("{FIT} --no-compress -o a --checkpoint c --max-seconds 0")).ends(0);
    assert_eq!(read_checkpoint(d.path().join("c")).unwrap().iterations(), 1);
    run(d.path(), "fit v.npy -k 12 --no-compress --tol 0 --max-iter 7 -o b --checkpoint c --resume").ends(0);
    assert_eq!(read_checkpoint(d.path().join("c")).unwrap().iterations(), 7);
    run(d.path(), "fit v.npy -k 12 --no-compress --tol 0 --max-iter 20 -o c20 --checkpoint c --resume")
        .ends(0);
    run(d.path(), "fit v.npy -k 12 --no-compress --tol 0 --max-iter 20 -o whole").ends(0);
    same(d.path(), "c20");
}

#[test]
fn topics_are_kept_too() {
    let d = dir();
    file(
        d.path(),
        "t.csv",
        "text\nred green blue\nblue green sky\ncat dog bird\ndog cat horse\nred sky sky\n",
    );
    let topics = "topics t.csv --column text -k 2 --min-df 1 --tol 0 --max-iter";
    run(d.path(), &format!("{topics} 5 -o a --checkpoint c")).ends(0);
    run(d.path(), &format!("{topics} 30 -o b --checkpoint c --resume")).ends(0);
    run(d.path(), &format!("{topics} 30 -o whole")).ends(0);
    same(d.path(), "b");
}

#[track_caller]
fn says(ran: Ran, code: i32, text: &str) {
    let ran = ran.ends(code);
    assert!(ran.err.contains(text), "{}", ran.err);
}

/// Fault 55.
#[test]
fn what_cannot_be_gone_on_from_is_an_error_that_says_why() {
    let d = dir();
    file(d.path(), "v.csv", COUNTS);
    let fit = "fit v.csv -k 2 --max-iter 5 --tol 0 -o out --checkpoint c";
    run(d.path(), fit).ends(0);
    let whole = fs::read(d.path().join("c")).unwrap();

    says(run(d.path(), fit), 1, "c is there already: --resume goes on from it");
    assert_eq!(fs::read(d.path().join("c")).unwrap(), whole);
    says(run(d.path(), &format!("{fit} --resume --seed 4")), 1, "c: the checkpoint cannot be gone on from: ");
    says(run(d.path(), &format!("{fit} --resume --loss kl")), 1, "with other options");
    file(d.path(), "v.csv", COUNTS.replace("d7,6", "d7,7"));
    says(run(d.path(), &format!("{fit} --resume")), 1, "it is of data with other entries");
    file(d.path(), "v.csv", COUNTS);
    for at in [3, 100, whole.len() / 2, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[at] ^= 4;
        file(d.path(), "c", &damaged);
        says(run(d.path(), &format!("{fit} --resume")), 1, "c: ");
        file(d.path(), "c", &whole[..at]);
        says(run(d.path(), &format!("{fit} --resume")), 1, "c: ");
    }
    let text = b"\"orthant.checkpoint\":\"1\"";
    let at = whole.windows(text.len()).position(|part| part == text).unwrap();
    let mut newer = whole.clone();
    newer[at + text.len() - 2] = b'9';
    file(d.path(), "c", &newer);
    says(
        run(d.path(), &format!("{fit} --resume")),
        1,
        "checkpoint format version 9; this build reads version 1",
    );
    let model = fs::read(d.path().join("out/model.safetensors")).unwrap();
    file(d.path(), "c", model);
    says(run(d.path(), &format!("{fit} --resume")), 1, "not one of a checkpoint");
}

/// A file that was written when the format's version was new. Where this fails the format has changed, and wants another
/// version: `ORTHANT_ISA=portable orthant fit v.csv -k 2 --tol 0 --max-iter 12 -o out --checkpoint tests/data/version-N.checkpoint`
/// with the data below.
#[test]
fn a_checkpoint_from_before_is_gone_on_from() {
    let d = dir();
    file(d.path(), "v.csv", COUNTS);
    file(d.path(), "c", include_bytes!("data/version-1.checkpoint"));
    let args = "fit v.csv -k 2 --tol 0 --max-iter 20 -o out --checkpoint c --resume";
    let ran = orthant(d.path()).env("ORTHANT_ISA", "portable").args(args.split(' ')).output().unwrap();
    let ran = Ran::from(ran).ends(0);
    assert!(ran.out.contains("going on after iteration 12"), "{}", ran.out);
}

#[test]
fn arguments_that_make_no_sense_are_refused_before_the_fit() {
    let d = dir();
    file(d.path(), "v.csv", COUNTS);
    says(run(d.path(), "fit v.csv -k 2 -o out --resume"), 2, "--checkpoint");
    says(run(d.path(), "fit v.csv -k 2 -o out --every 3"), 2, "--checkpoint");
    says(run(d.path(), "fit v.csv -k 2 --explain --checkpoint c"), 2, "leave one of them out");
    says(run(d.path(), "fit v.csv -k 2 -o out --checkpoint v.csv --resume"), 1, "is an input file");
    says(run(d.path(), "fit v.csv -k 2 -o out --checkpoint no/c"), 1, "no/c: there is no folder no");
    let ran = run(d.path(), "fit v.csv -k 2 -o out --checkpoint c --resume").ends(0);
    assert!(ran.err.contains("there is no checkpoint c yet"), "{}", ran.err);
    assert_eq!(listing(d.path()), ["c", "out", "v.csv"]);
}
