//! The table of faults, by the command: its cases as files of every kind, by every update that they concern.

mod common;
#[path = "common/files.rs"]
mod files;
#[allow(dead_code, reason = "shared with the tests of the crate")]
#[path = "../../verify/tests/laws/faults/rows.rs"]
mod rows;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use common::{Ran, dir, file, listing, orthant};
use files::{KINDS, Kind, array, doubles, integers, npz};
use orthant::{Dense, Loss, Update};
use orthant_io::{ReadOptions, read_matrix};
use rows::{Call, Case, Fault, Gives, Number, Table, dense, table, times};

/// The folder of all runs, and the models in it by loss and number of features.
struct Bench {
    dir: tempfile::TempDir,
    models: HashMap<(u64, usize), String>,
    wrong: Vec<String>,
}

fn run(dir: &Path, args: &[String]) -> Ran {
    orthant(dir).args(args).output().expect("the command starts").into()
}

fn read(path: impl AsRef<Path>) -> Dense<f64> {
    let table = read_matrix::<f64>(path, &ReadOptions::default()).unwrap();
    Dense::copy_of(table.view())
}

/// Losses and updates that a case concerns; no update is the command's own choice.
fn methods(case: &Case) -> Vec<(f64, Option<String>)> {
    if let Some(solver) = &case.options.solver {
        return case.betas().iter().map(|&beta| (beta, Some(solver.clone()))).collect();
    }
    let updates = |beta| Update::ALL.iter().filter(move |u| u.minimises(Loss::from_beta(beta)));
    let all = |&beta: &f64| {
        let named = updates(beta).map(move |update| (beta, Some(update.name().to_owned())));
        std::iter::once((beta, None)).chain(named)
    };
    case.betas().iter().flat_map(all).collect()
}

/// The flags of a case's options, and what it starts from.
fn flags(case: &Case, dir: &Path) -> Vec<String> {
    let o = &case.options;
    let mut flags = vec!["-q".to_owned(), "-k".to_owned(), o.k.unwrap_or(2).to_string()];
    let mut flag = |name: &str, value: Option<String>| {
        flags.extend(value.map(|value| format!("--{name}={value}")));
    };
    let number = |x: &Option<Number>| x.as_ref().map(|x| x.real().to_string());
    flag("init", o.init.clone());
    flag("tol", number(&o.tol));
    flag("max-iter", Some(o.max_iter.unwrap_or(30).to_string()));
    flag("alpha-w", number(&o.alpha_w));
    flag("alpha-h", number(&o.alpha_h));
    flag("l1-ratio", number(&o.l1_ratio));
    flag("scale", o.scale.clone());
    flag("stop", o.stop.clone());
    flag("sweeps", o.sweeps.map(|n| n.to_string()));
    flag("extrapolate", o.extrapolate.then(|| "on".to_owned()));
    flag("products", o.products.clone());
    flag("threads", Some(o.threads.unwrap_or(1).to_string()));
    flag("memory-limit", o.memory_limit.map(|bytes| format!("{bytes}B")));
    flag("max-seconds", o.max_seconds.map(|s| s.to_string()));
    for (name, given) in [("shuffle", o.shuffle), ("compress", o.compress)] {
        flags.extend(given.then(|| format!("--{name}")));
    }
    if let Some(start) = &case.start {
        for (name, flag, rows) in
            [("W.npy", "--start-w=W.npy", &start.w), ("H.npy", "--start-h=H.npy", &start.h)]
        {
            file(dir, name, Kind::Npy.write(&dense(rows)));
            flags.push(flag.to_owned());
        }
    }
    flags
}

/// The bytes of the case's V in a file of that kind; none where that cannot hold it.
fn bytes(case: &Case, table: &Table, kind: Kind, like: bool) -> Option<Vec<u8>> {
    let v = if like { case.like(&table.data) } else { case.data(&table.data) };
    if case.integers {
        let rows = case.whole(&table.data);
        // a file of doubles has no integers above 2^53
        return Some(if like {
            if kind == Kind::Single { Kind::Npy } else { kind }.write(&v)
        } else {
            integers(kind, &rows)
        });
    }
    if let Some(parts) = &case.parts {
        let format = match kind {
            Kind::Csr => "csr",
            Kind::Csc => "csc",
            _ => return None,
        };
        let (m, n) = parts.shape;
        let turned = kind == Kind::Csc;
        if like {
            return Some(kind.write(&if turned { v.transposed() } else { v }));
        }
        let shape = if turned { (n, m) } else { (m, n) };
        let values = array("<f8", &doubles(&parts.values));
        return Some(npz(format, shape, &parts.indptr, &parts.indices, &values));
    }
    let exact = |x: &f64| x.is_nan() || f64::from(*x as f32) == *x;
    let mut starts = case.start.iter().flat_map(|start| [dense(&start.w), dense(&start.h)]);
    if kind == Kind::Single && !starts.all(|factor| factor.as_slice().iter().all(exact)) {
        return None;
    }
    (kind != Kind::Single || v.as_slice().iter().all(exact)).then(|| kind.write(&v))
}

fn features(case: &Case, table: &Table, kind: Kind) -> usize {
    match &case.parts {
        Some(parts) if kind == Kind::Csc => parts.shape.0,
        Some(parts) => parts.shape.1,
        None => case.data(&table.data).ncols(),
    }
}

impl Bench {
    fn new() -> Self {
        Self { dir: dir(), models: HashMap::new(), wrong: Vec::new() }
    }

    /// A model for that loss and number of features.
    fn model(&mut self, beta: f64, n: usize) -> String {
        let path = self.dir.path();
        let make = || {
            let name = format!("model{beta}of{n}");
            let v = Dense::from_fn(6, n, |i, j| 1.0 + ((3 * i + 5 * j) % 7) as f64);
            file(path, "known.npy", Kind::Npy.write(&v));
            let args = ["fit", "known.npy", "-q", "-k", "2", &format!("--loss={beta}"), "-o", &name];
            run(path, &args.map(str::to_owned)).ends(0);
            name
        };
        self.models.entry((beta.to_bits(), n)).or_insert_with(make).clone()
    }

    /// The arguments of a call with that file, and where it writes.
    fn args(
        &mut self,
        call: Call,
        case: &Case,
        (beta, solver): (f64, Option<&str>),
        name: &str,
        n: usize,
    ) -> Vec<String> {
        let beta_of = case.options.beta.as_ref().map_or(beta, Number::real);
        let mut args: Vec<String> = match call {
            Call::Transform => {
                let model = self.model(beta, n);
                ["transform", "-q", "-o", "out.npy", &model, name].map(str::to_owned).into()
            }
            _ => ["fit", name, "-o", "out", &format!("--loss={beta_of}")].map(str::to_owned).into(),
        };
        match call {
            Call::Fit => {
                args.extend(solver.map(|solver| format!("--solver={solver}")));
                args.extend(flags(case, self.dir.path()));
            }
            Call::Batches => {
                args.extend(["--minibatch", "-q", "-k", "2", "--batch-size", "2"].map(str::to_owned))
            }
            Call::Transform => {}
        }
        if name.ends_with(".csv") {
            args.extend(["--header=no", "--labels=no"].map(str::to_owned));
        }
        args
    }

    fn clear(&self) {
        let path = self.dir.path();
        let _ = std::fs::remove_dir_all(path.join("out"));
        let _ = std::fs::remove_file(path.join("out.npy"));
    }

    /// W and H, or W alone, that a call wrote.
    fn written(&self, call: Call) -> (Dense<f64>, Option<Dense<f64>>) {
        let path = self.dir.path();
        match call {
            Call::Transform => (read(path.join("out.npy")), None),
            _ => (read(path.join("out/W.npy")), Some(read(path.join("out/H.npy")))),
        }
    }

    /// One call with one file.
    fn one(
        &mut self,
        what: &str,
        case: &Case,
        table: &Table,
        call: Call,
        method: (f64, Option<&str>),
        kind: Kind,
    ) {
        let Some(bytes) = bytes(case, table, kind, false) else { return };
        self.clear();
        file(self.dir.path(), kind.name(), &bytes);
        let args = self.args(call, case, method, kind.name(), features(case, table, kind));
        let before = listing(self.dir.path());
        let ran = run(self.dir.path(), &args);
        let line = args.join(" ");
        let outcome = match (&case.error, case.gives) {
            (Some(name), _) => refused(case, table, name, &ran, kind).and_then(|()| {
                let after = listing(self.dir.path());
                holds(before == after, || format!("it left {after:?}"))
            }),
            (None, Some(gives)) if ran.code == Some(0) => {
                self.given(case, table, gives, &ran, (call, method, kind))
            }
            _ => Err(format!("exit code {:?}, {}", ran.code, ran.err)),
        };
        let unchanged = std::fs::read(self.dir.path().join(kind.name())).unwrap() == bytes;
        let outcome = outcome.and_then(|()| holds(unchanged, || "the input is another".to_owned()));
        if let Err(how) = outcome {
            self.wrong.push(format!("{what}: orthant {line}: {how}"));
        }
    }

    /// What the same call gives for other data.
    fn other(
        &mut self,
        case: &Case,
        method: (f64, Option<&str>),
        call: Call,
        (name, bytes): (&str, Vec<u8>),
        n: usize,
    ) -> (Dense<f64>, Option<Dense<f64>>) {
        self.clear();
        file(self.dir.path(), name, bytes);
        let args = self.args(call, case, method, name, n);
        run(self.dir.path(), &args).ends(0);
        self.written(call)
    }

    fn given(
        &mut self,
        case: &Case,
        table: &Table,
        gives: Gives,
        ran: &Ran,
        (call, method, kind): (Call, (f64, Option<&str>), Kind),
    ) -> Result<(), String> {
        let (w, h) = self.written(call);
        let report = std::fs::read_to_string(self.dir.path().join("out/report.json")).unwrap_or_default();
        let ends = |x: &f64| x.is_finite() && *x >= 0.0 && x.is_sign_positive();
        let all = || w.as_slice().iter().chain(h.iter().flat_map(|h| h.as_slice()));
        holds(all().all(ends), || format!("{w:?} {h:?}"))?;
        let none = |x: &f64| x.to_bits() == 0;
        let v = case.data(&table.data);
        match gives {
            Gives::Finite => {}
            Gives::ZeroFactors | Gives::Emptied => {
                holds(all().all(none), || format!("{w:?} {h:?}"))?;
            }
            Gives::ZeroLines => {
                let rows = case.rows.iter().all(|&i| w.row(i).iter().all(none));
                let columns =
                    |h: &Dense<f64>| case.columns.iter().all(|&j| (0..h.nrows()).all(|t| none(&h[(t, j)])));
                holds(rows && h.as_ref().is_none_or(columns), || format!("{w:?} {h:?}"))?;
            }
            Gives::Same => {
                let bytes = bytes(case, table, kind, true).expect("as the case's own");
                let n = features(case, table, kind);
                let (other_w, other_h) = self.other(case, method, call, (kind.name(), bytes), n);
                // what is wrong is shown with the input that it is about
                file(self.dir.path(), kind.name(), self::bytes(case, table, kind, false).unwrap());
                holds(w == other_w && h == other_h, || format!("{w:?} {h:?}, not {other_w:?} {other_h:?}"))?;
            }
            Gives::Scaled => {
                let n = v.ncols();
                let plain = kind.write(&dense(&table.data));
                let other = self.other(case, method, call, (&format!("plain-{}", kind.name()), plain), n);
                let (_, h) = (&w, h.as_ref().unwrap());
                let d = apart(&product(&w, h, case.times), &product(&other.0, other.1.as_ref().unwrap(), 0));
                holds(d <= if kind == Kind::Single { 1e-3 } else { 1e-9 }, || format!("differs by {d:e}"))?;
            }
            Gives::Exact => {
                let d = apart(&product(&w, h.as_ref().unwrap(), 0), &v);
                holds(d <= if kind == Kind::Single { 1e-5 } else { 1e-6 }, || format!("differs by {d:e}"))?;
            }
            Gives::LeadingPair => {
                let p = product(&w, h.as_ref().unwrap(), 0);
                // at the best of rank one both factors are what the other makes of V
                let d = stationary(&v, &p);
                holds(d <= if kind == Kind::Single { 1e-5 } else { 1e-9 }, || format!("differs by {d:e}"))?;
            }
        }
        if let Some(iterations) = case.iterations {
            let said: serde_json::Value = serde_json::from_str(&report).unwrap();
            holds(said["iterations"] == iterations, || format!("iterations: {}", said["iterations"]))?;
        }
        if let Some(text) = &case.warns {
            let said =
                ran.err.lines().any(|line| line.starts_with("orthant: warning: ") && line.contains(text));
            holds(said, || format!("{}, and not {text}", ran.err))?;
        }
        Ok(())
    }
}

fn holds(what: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if what { Ok(()) } else { Err(otherwise()) }
}

/// Whether the command ended as the case says, with one line that names the file.
fn refused(case: &Case, table: &Table, name: &str, ran: &Ran, kind: Kind) -> Result<(), String> {
    let words = &table.errors[name];
    let text = case.fill(case.says.get("command").unwrap_or(&words.command));
    let (row, col) = case.at.unwrap_or_default();
    let place = case.at.is_none() || ran.err.contains(&format!("row {row}, column {col}"));
    let of_data = words.exit == 1 && case.start.is_none() && !case.says.contains_key("command");
    let named = !of_data || words.is == "RankTooLargeForInit" || ran.err.contains(kind.name());
    // clap adds lines on how to go on
    let lines = words.exit == 2 || ran.err.lines().count() == 1;
    let said = ran.err.starts_with("orthant: error: ") && ran.err.contains(&text) && place && named && lines;
    holds(ran.code == Some(words.exit) && said && ran.out.is_empty(), || {
        format!("exit code {:?}, {}{}\n  in place of {}: {text}", ran.code, ran.out, ran.err, words.exit)
    })
}

fn product(w: &Dense<f64>, h: &Dense<f64>, exponent: i32) -> Dense<f64> {
    let entry = |i, j| {
        let one = |t| times(w[(i, t)], -(exponent / 2)) * times(h[(t, j)], exponent / 2 - exponent);
        (0..h.nrows()).map(one).sum()
    };
    Dense::from_fn(w.nrows(), h.ncols(), entry)
}

/// The largest difference over the largest entry.
fn apart(a: &Dense<f64>, b: &Dense<f64>) -> f64 {
    let top = b.as_slice().iter().fold(0.0, |top: f64, x| top.max(x.abs()));
    a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| (a - b).abs() / top).fold(0.0, f64::max)
}

/// How far p, of rank one, is from V Vᵀ p / ‖Vᵀu‖², which is p at the leading pair.
fn stationary(v: &Dense<f64>, p: &Dense<f64>) -> f64 {
    let (m, n) = (v.nrows(), v.ncols());
    let u: Vec<f64> = (0..m).map(|i| p.row(i).iter().sum()).collect();
    let norm: f64 = u.iter().map(|x| x * x).sum();
    let x: Vec<f64> = (0..n).map(|j| (0..m).map(|i| v[(i, j)] * u[i]).sum::<f64>() / norm).collect();
    let norm: f64 = x.iter().map(|x| x * x).sum();
    let y: Vec<f64> = (0..m).map(|i| (0..n).map(|j| v[(i, j)] * x[j]).sum::<f64>() / norm).collect();
    apart(&Dense::from_fn(m, n, |i, j| y[i] * x[j]), p)
}

/// As many at a time as there are cores.
fn run_all(range: std::ops::RangeInclusive<u32>) {
    let (table, next) = (table(), AtomicUsize::new(0));
    let faults: Vec<&Fault> = table.faults.iter().filter(|fault| range.contains(&fault.number)).collect();
    let worker = || {
        let mut bench = Bench::new();
        while let Some(fault) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
            run_one(fault, &table, &mut bench);
        }
        bench.wrong
    };
    let wrong: Vec<String> = thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let first = &wrong[..wrong.len().min(40)];
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), first.join("\n"));
}

fn run_one(fault: &Fault, table: &Table, bench: &mut Bench) {
    for (number, case) in fault.cases.iter().enumerate() {
        if case.faces.as_ref().is_some_and(|faces| !faces.iter().any(|face| face == "command")) {
            continue;
        }
        let what = format!("fault {}, case {number}", fault.number);
        for &call in case.calls() {
            let methods = match call {
                Call::Fit => methods(case),
                _ => case.betas().iter().map(|&beta| (beta, None)).collect(),
            };
            for (at, (beta, solver)) in methods.iter().enumerate() {
                // every kind of file by the first, and one or another by each
                for (which, kind) in KINDS.into_iter().enumerate() {
                    let sparse = matches!(kind, Kind::Csr | Kind::Csc);
                    if at == 0 || at % KINDS.len() == which || case.parts.is_some() && sparse {
                        bench.one(&what, case, table, call, (*beta, solver.as_deref()), kind);
                    }
                }
            }
        }
    }
}

/// Faults 1 to 16.
#[test]
fn every_case_of_entries_is_as_the_table_says() {
    run_all(1..=16);
}

/// Faults 17 to 61.
#[test]
fn every_other_case_is_as_the_table_says() {
    run_all(17..=61);
}

/// Faults 29 and 30.
#[test]
fn extents_beyond_all_memory_are_refused() {
    let d = dir();
    let header = |shape: &[usize]| files::npy("<f8", false, shape, &doubles(&[1.0, 2.0]));
    for (name, content, text) in [
        ("a.npy", header(&[1 << 40, 1 << 40]), "a.npy: "),
        ("b.npy", header(&[usize::MAX, 2]), "b.npy: "),
        (
            "c.npz",
            npz("csr", (1, 1 << 40), &[0, 1], &[(1 << 40) - 1], &array("<f8", &doubles(&[1.0]))),
            "c.npz: ",
        ),
        (
            "d.mtx",
            b"%%MatrixMarket matrix coordinate real general\n1 1099511627776 1\n1 1099511627776 1\n".to_vec(),
            "d.mtx: ",
        ),
        (
            "e.mtx",
            b"%%MatrixMarket matrix array real general\n4294967296 4294967296\n1\n".to_vec(),
            "e.mtx: ",
        ),
    ] {
        file(d.path(), name, content);
        for call in ["fit", "fit --minibatch"] {
            let ran = common::run(d.path(), &format!("{call} {name} -k 2 -o out")).ends(1);
            assert!(ran.err.starts_with("orthant: error: ") && ran.err.contains(text), "{name}: {}", ran.err);
            assert!(!d.path().join("out").exists(), "{name}");
        }
    }
    // factors that no memory holds, of a file that is small
    file(d.path(), "v.csv", "1,2\n3,4\n");
    let ran = common::run(d.path(), "fit v.csv -k 9223372036854775807 -o out").ends(1);
    assert!(ran.err.contains("more than can be addressed") && ran.err.contains("v.csv"), "{}", ran.err);
}

/// Fault 32.
#[test]
fn either_order_of_a_file_gives_the_same_factors() {
    let d = dir();
    let v = dense(&table().data);
    for kind in [Kind::Npy, Kind::Fortran, Kind::Csv] {
        file(d.path(), kind.name(), kind.write(&v));
    }
    for update in Update::ALL.iter().filter(|update| update.minimises(Loss::Frobenius)) {
        let name = update.name();
        let fit = |file: &str, out: &str| {
            let args =
                format!("fit {file} -k 2 --solver {name} --init random --max-iter 3 --tol 0 -q -o {out}");
            common::run(d.path(), &args).ends(0);
            (read(d.path().join(out).join("W.npy")), read(d.path().join(out).join("H.npy")))
        };
        let (w, h) = fit("v.npy", "rows");
        let (other_w, other_h) = fit("fortran.npy", "columns");
        let d = apart(&other_w, &w).max(apart(&other_h, &h));
        assert!(d <= 1e-11, "{name}: {d:e}");
        assert_eq!(fit("v.csv --header no --labels no", "text"), (w, h), "{name}");
    }
}

/// Fault 52.
#[test]
fn a_file_cut_anywhere_is_an_error() {
    let d = dir();
    let v = dense(&table().data);
    for kind in [Kind::Npy, Kind::Fortran, Kind::Single, Kind::Csr, Kind::Csc] {
        let whole = kind.write(&v);
        for end in (0..whole.len()).step_by(17).chain([whole.len() - 1]) {
            file(d.path(), kind.name(), &whole[..end]);
            let ran = common::run(d.path(), &format!("fit {} -k 2 -q -o out", kind.name())).ends(1);
            let named = ran.err.starts_with("orthant: error: ") && ran.err.contains(kind.name());
            assert!(named && ran.err.lines().count() == 1, "{kind:?} to {end}: {}", ran.err);
            assert!(!d.path().join("out").exists(), "{kind:?} to {end}");
        }
    }
}
