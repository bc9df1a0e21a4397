//! `mpirun orthant`: the bits of one process, and an end for all ranks where one has met its own.
#![cfg(feature = "mpi")]

mod common;
#[path = "common/files.rs"]
mod files;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Ran, dir, file, listing, run};
use files::Kind;
use orthant::Dense;
use orthant_io::{Names, read_checkpoint, write_matrix};

fn mpirun(dir: &Path, ranks: usize, args: &str) -> Command {
    let mut command = Command::new("mpirun");
    // the machine may have fewer cores than ranks, and a container its only user
    command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
    command.args(["-n", &ranks.to_string(), "--oversubscribe", env!("CARGO_BIN_EXE_orthant")]);
    command.args(args.split_whitespace()).current_dir(dir).stdin(Stdio::null());
    command
}

fn on(dir: &Path, ranks: usize, args: &str) -> Ran {
    mpirun(dir, ranks, args).output().expect("mpirun starts").into()
}

fn factors(dir: &Path, out: &str) -> [Vec<u8>; 2] {
    ["W.npy", "H.npy"].map(|name| fs::read(dir.join(out).join(name)).unwrap())
}

/// Two in three elements are 0.
fn v(m: usize, n: usize) -> Dense<f64> {
    let element = |i: usize, j: usize| ((i * 31 + j * 17) % 101 + i * j % 7) as f64 / 101.0;
    Dense::from_fn(m, n, |i, j| if (i * 7 + j * 5) % 3 == 0 { element(i, j) } else { 0.0 })
}

fn write(dir: &Path, kind: Kind, v: &Dense<f64>) {
    file(dir, kind.name(), kind.write(v));
}

/// So little that one process reads the file in each pass, as ranks do.
const LITTLE: &str = "--memory-limit 4MB --threads 1";

/// Law 26.
#[test]
fn a_fit_on_ranks_has_the_bits_of_one_process() {
    let d = dir();
    let v = v(900, 170);
    for kind in [Kind::Npy, Kind::Fortran, Kind::Csr, Kind::Csc] {
        write(d.path(), kind, &v);
        let name = kind.name();
        for options in ["--solver hals --alpha-w 0.01", "--loss kl --solver mm --init random"] {
            let fit = format!("fit {name} -k 5 {options} --max-iter 12 --seed 3");
            run(d.path(), &format!("{fit} {LITTLE} -o alone")).ends(0);
            for ranks in [2, 3] {
                let ran = on(d.path(), ranks, &format!("{fit} --threads 1 -o shared")).ends(0);
                let lines = ran.out.lines().filter(|line| line.contains(name)).count();
                let warnings = ran.err.matches("not converged").count();
                assert_eq!((lines, warnings), (1, 1), "one of them speaks: {}{}", ran.out, ran.err);
                assert!(
                    factors(d.path(), "shared") == factors(d.path(), "alone"),
                    "{name} {options}, {ranks} ranks"
                );
                fs::remove_dir_all(d.path().join("shared")).unwrap();
            }
        }
    }
}

#[test]
fn what_one_rank_finds_is_said_once_and_ends_all() {
    let d = dir();
    let mut last = v(400, 40);
    last[(399, 7)] = -2.0;
    write(d.path(), Kind::Npy, &last);
    write(d.path(), Kind::Csv, &v(30, 20));
    for (args, code, says) in [
        // the last rank reads it
        ("fit v.npy -k 3 -o out", 1, "-2 is negative"),
        ("fit v.csv -k 3 -o out", 1, "`orthant convert` writes one that they can share"),
        ("fit none.npy -k 3 -o out", 1, "none.npy"),
        ("fit v.npy -k 3 --init spa -o out", 2, "spa"),
        ("fit v.npy -k 3 --minibatch -o out", 2, "--minibatch goes on one process"),
        ("fit v.npy -k 3 --missing nan --solver hals -o out", 2, "missing"),
    ] {
        let ran = on(d.path(), 3, args);
        assert_eq!(ran.code, Some(code), "{args}: {}", ran.err);
        let errors: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("orthant: error:")).collect();
        assert_eq!(errors.len(), 1, "{args}: {}", ran.err);
        assert!(errors[0].contains(says), "{args}: {}", errors[0]);
    }
    assert_eq!(listing(d.path()), ["v.csv", "v.npy"]);
}

/// The processes that `mpirun` has started.
#[cfg(target_os = "linux")]
fn ranks_of(mpirun: &Child) -> Vec<u32> {
    let id = mpirun.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    children.split_whitespace().map(|id| id.parse().unwrap()).collect()
}

/// Law 30 and faults 54 and 59.
#[cfg(target_os = "linux")]
#[test]
fn a_rank_that_is_killed_ends_all_and_another_number_of_them_goes_on() {
    let d = dir();
    write_matrix(d.path().join("v.npy"), v(2000, 300).view(), Names::default()).unwrap();
    let fit = "fit v.npy -k 12 --solver hals --tol 0 --max-iter 300 --threads 1";
    run(d.path(), &format!("{fit} --memory-limit 4MB -o whole")).ends(0);
    let mut killed = mpirun(d.path(), 3, &format!("{fit} -o parts --checkpoint c --every 0"));
    let mut killed = killed.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !d.path().join("c").exists() {
        assert!(Instant::now() < deadline && killed.try_wait().unwrap().is_none(), "no checkpoint");
        sleep(Duration::from_millis(1));
    }
    let last = *ranks_of(&killed).last().expect("mpirun has ranks");
    assert!(Command::new("kill").args(["-9", &last.to_string()]).status().unwrap().success());
    let dead = Instant::now();
    while killed.try_wait().unwrap().is_none() {
        assert!(dead.elapsed() < Duration::from_secs(30), "the others go on");
        sleep(Duration::from_millis(10));
    }
    assert!(!killed.wait().unwrap().success());
    assert!(!d.path().join("parts/W.npy").exists(), "a fit that did not end has results");
    assert!(read_checkpoint(d.path().join("c")).unwrap().iterations() >= 1);
    let ran = on(d.path(), 2, &format!("{fit} -o parts --checkpoint c --resume")).ends(0);
    assert!(ran.out.contains("going on after iteration "), "{}", ran.out);
    assert!(factors(d.path(), "parts") == factors(d.path(), "whole"));
}

#[test]
fn a_study_is_cut_into_as_many_shards() {
    let d = dir();
    write(d.path(), Kind::Npy, &v(60, 30));
    let study = "study v.npy -k 2..4 -n 4 --max-iter 30 --threads 1 --seed 5";
    run(d.path(), &format!("{study} -o alone")).ends(0);
    on(d.path(), 2, &format!("{study} -o shared")).ends(0);
    let jobs = |out: &str| listing(&d.path().join(out).join("jobs"));
    assert_eq!(jobs("shared"), jobs("alone"));
    // what is left is the table
    run(d.path(), &format!("{study} -o shared")).ends(0);
    let table = |out: &str| fs::read_to_string(d.path().join(out).join("table.csv")).unwrap();
    assert_eq!(table("shared"), table("alone"));
}
