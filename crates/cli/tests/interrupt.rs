//! Ctrl-C, as a terminal sends it.
#![cfg(unix)]

mod common;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use common::{dir, listing, orthant};
use orthant::Dense;
use orthant_io::{Names, ReadOptions, read_matrix, write_matrix};

/// A fit that would run for hours, started and past its first line of output.
struct Fit {
    child: Child,
    out: BufReader<ChildStdout>,
    err: BufReader<ChildStderr>,
    /// What was read of standard error so far.
    said: String,
}

impl Fit {
    fn start(dir: &Path, options: &str) -> Self {
        Self::of(dir, 600, &format!("-k 20 {options}"))
    }

    /// Of data with m rows.
    fn of(dir: &Path, m: usize, options: &str) -> Self {
        let v = Dense::from_fn(m, 400, |i, j| ((i * 31 + j * 17) % 101) as f64 / 101.0);
        write_matrix(dir.join("v.npy"), v.view(), Names::default()).unwrap();
        let args = format!("fit v.npy --tol 0 --max-iter 100000000 {options} -o out");
        let mut child = orthant(dir)
            .args(args.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let out = BufReader::new(child.stdout.take().unwrap());
        let err = BufReader::new(child.stderr.take().unwrap());
        let mut fit = Self { child, out, err, said: String::new() };
        let mut line = String::new();
        fit.out.read_line(&mut line).unwrap();
        assert!(line.starts_with(&format!("v.npy: {m}×400, float64, ")), "{line}");
        // well into the fit
        std::thread::sleep(Duration::from_millis(300));
        fit
    }

    /// Waits for a file.
    fn wait_for(&mut self, path: &Path) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !path.exists() {
            assert!(Instant::now() < deadline && self.child.try_wait().unwrap().is_none());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for a line on standard error.
    fn hear(&mut self) {
        self.err.read_line(&mut self.said).unwrap();
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().expect("kill").success());
    }

    /// Exit code, standard output and standard error.
    fn end(mut self) -> (Option<i32>, String, String) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                panic!("it did not end");
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let mut out = String::new();
        self.out.read_to_string(&mut out).unwrap();
        self.err.read_to_string(&mut self.said).unwrap();
        (status.code(), out, std::mem::take(&mut self.said))
    }
}

/// A test that fails leaves none behind.
impl Drop for Fit {
    fn drop(&mut self) {
        // an error says that it has ended already
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[test]
fn the_first_one_saves_the_best_so_far() {
    let minibatch = "--minibatch --batch-size 100 --max-no-improvement none";
    for (signal, options) in [("INT", "--report"), ("TERM", ""), ("HUP", ""), ("INT", minibatch)] {
        let d = dir();
        let mut fit = Fit::start(d.path(), &format!("{options} --checkpoint c --every 0"));
        fit.wait_for(&d.path().join("c"));
        assert!(!d.path().join("out/W.npy").exists());
        fit.signal(signal);
        let (code, out, err) = fit.end();
        assert_eq!(code, Some(0), "{out}{err}");
        assert!(err.contains("interrupted: saving the best so far"), "{err}");
        assert!(out.contains("interrupted after ") && out.contains("best so far saved in out"), "{out}");
        let out = d.path().join("out");
        let mut files = vec!["H.npy", "W.npy", "model.safetensors", "report.json"];
        if options == "--report" {
            files.insert(3, "report.html");
            let page = std::fs::read_to_string(out.join("report.html")).unwrap();
            assert!(page.contains("The fit was interrupted after "), "{page}");
        }
        assert_eq!(listing(&out), files);
        let report: serde_json::Value =
            serde_json::from_slice(&std::fs::read(out.join("report.json")).unwrap()).unwrap();
        assert_eq!(report["stop_reason"], "interrupted");
        assert!(report["iterations"].as_u64().unwrap() >= 1);
        // what was saved is the fit that the report describes
        let read = |name: &str| read_matrix::<f64>(out.join(name), &ReadOptions::default()).unwrap();
        let (w, h, v) = (read("W.npy"), read("H.npy"), read("../v.npy"));
        let (w, h, v) = (w.view(), h.view(), v.view());
        let mut squares = 0.0;
        for i in 0..600 {
            for j in 0..400 {
                let wh: f64 = (0..20).map(|t| w.at(i, t) * h.at(t, j)).sum();
                squares += (v.at(i, j) - wh).powi(2);
            }
        }
        let said = report["reconstruction_error"].as_f64().unwrap();
        assert!((squares.sqrt() - said).abs() < 1e-9 * said.max(1.0), "{} {said}", squares.sqrt());
    }
}

#[test]
fn the_second_one_ends_at_once_and_saves_nothing() {
    let d = dir();
    // iterations of a second or more
    let mut fit = Fit::start(d.path(), "--sweeps 10000 --no-compress --checkpoint c --every 0");
    fit.wait_for(&d.path().join("c"));
    fit.signal("INT");
    fit.hear();
    fit.signal("INT");
    let (code, _, err) = fit.end();
    assert_eq!(code, Some(130), "{err}");
    assert_eq!(err.matches("interrupted: ").count(), 1, "{err}");
    assert_eq!(listing(&d.path().join("out")), [""; 0]);
}

/// Nothing is there to be saved, so that the first one ends all: an iteration that takes for ever, and a start that takes long.
#[test]
fn before_the_first_iteration_has_ended_one_ends_the_command_at_once() {
    for (signal, m, options) in [
        ("INT", 600, "-k 20 --sweeps 1000000000"),
        ("TERM", 600, "-k 20 --sweeps 1000000000"),
        ("HUP", 60_000, "-k 300 --init spa --solver hals"),
    ] {
        let d = dir();
        let fit = Fit::of(d.path(), m, options);
        fit.signal(signal);
        let begun = Instant::now();
        let (code, _, err) = fit.end();
        assert_eq!((code, err.as_str()), (Some(130), ""), "{signal}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{signal}");
        assert_eq!(listing(&d.path().join("out")), [""; 0]);
    }
}

/// Iterations of many seconds: the second one is ended.
#[test]
fn within_a_long_iteration_it_is_heard_and_the_best_is_saved() {
    let d = dir();
    let mut fit = Fit::start(d.path(), "--sweeps 60000 --no-compress --checkpoint c --every 0");
    fit.wait_for(&d.path().join("c"));
    fit.signal("INT");
    let begun = Instant::now();
    let (code, out, err) = fit.end();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(code, Some(0), "{err}");
    assert!(
        out.contains("interrupted after 1 iteration,") && out.contains("best so far saved in out"),
        "{out}"
    );
    let report = std::fs::read(d.path().join("out/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["iterations"], 1);
    // and the fit goes on from the end of its first iteration
    let args =
        "fit v.npy -k 20 --tol 0 --max-iter 1 --sweeps 60000 --no-compress --checkpoint c --resume -o again";
    let again = orthant(d.path()).args(args.split_whitespace()).output().unwrap();
    assert_eq!(again.status.code(), Some(0), "{}", String::from_utf8_lossy(&again.stderr));
    let read = |name: &str| std::fs::read(d.path().join(name)).unwrap();
    assert_eq!(read("again/W.npy"), read("out/W.npy"));
    assert_eq!(read("again/H.npy"), read("out/H.npy"));
}

#[test]
fn a_time_limit_ends_a_start_that_knows_none() {
    let d = dir();
    // a singular value decomposition of minutes
    let v = Dense::from_fn(3000, 2500, |i, j| ((i * 31 + j * 17 + i * j) % 101) as f64);
    write_matrix(d.path().join("v.npy"), v.view(), Names::default()).unwrap();
    let begun = Instant::now();
    let args = "fit v.npy -k 700 --init exact-nndsvd --max-seconds 1 -o out";
    let fit = orthant(d.path()).args(args.split_whitespace()).output().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    let err = String::from_utf8_lossy(&fit.stderr);
    assert_eq!(fit.status.code(), Some(1), "{err}");
    assert!(err.contains("the time limit of 1 s passed before the first iteration had ended"), "{err}");
    assert_eq!(listing(&d.path().join("out")), [""; 0]);
}

#[test]
fn nothing_is_left_of_a_command_that_is_interrupted_before_it_fits() {
    let d = dir();
    // a pipe that never says anything
    let mut child = orthant(d.path())
        .args("fit /dev/stdin -k 2 --print".split(' '))
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
    let deadline = Instant::now() + Duration::from_secs(30);
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
