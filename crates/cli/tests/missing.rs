//! Entries that are not observed, and entries with weights.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::tempdir;

fn orthant(dir: &Path, line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_orthant")).args(line.split(' ')).current_dir(dir).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn numbers(path: &Path) -> Vec<Vec<f64>> {
    let text = fs::read_to_string(path).unwrap();
    let parse = |line: &str| line.split(',').filter_map(|field| field.parse().ok()).collect();
    text.lines().map(parse).filter(|row: &Vec<f64>| !row.is_empty()).collect()
}

/// WH of what is saved in `out`.
fn product(out: &Path) -> Vec<Vec<f64>> {
    let (w, h) = (numbers(&out.join("W.csv")), numbers(&out.join("H.csv")));
    let entry = |w: &Vec<f64>, j: usize| w.iter().zip(&h).map(|(w, h)| w * h[j]).sum::<f64>();
    w.iter().map(|w| (0..h[0].len()).map(|j| entry(w, j)).collect()).collect()
}

const TABLE: &str = "x,y,z\n1,2,3\n2,,6\n3,6,NA\n4,8,12\n.,10,15\n";

/// A table of rank one gives its holes away.
#[test]
fn empty_fields_and_na_are_not_observed() {
    let dir = tempdir().unwrap();
    fs::write(dir.path().join("t.csv"), TABLE).unwrap();
    let plain = orthant(dir.path(), "fit t.csv -k 1 -o out");
    assert_eq!(plain.status.code(), Some(1));
    assert!(said(&plain).contains("--missing nan"), "{}", said(&plain));
    let done = orthant(dir.path(), "fit t.csv -k 1 --missing nan --tol 1e-12 --format csv -o out");
    assert!(done.status.success(), "{}", said(&done));
    let wh = product(&dir.path().join("out"));
    for (i, row) in wh.iter().enumerate() {
        for (j, p) in row.iter().enumerate() {
            let truth = ((i + 1) * (j + 1)) as f64;
            assert!((p - truth).abs() < 1e-3 * truth, "{i} {j}: {p}");
        }
    }
    let report = fs::read_to_string(dir.path().join("out/report.json")).unwrap();
    assert!(report.contains("\"observed\"") && report.contains("\"entries\": 12"), "{report}");
    // new rows are taken as the fit took its own
    fs::write(dir.path().join("new.csv"), "x,y,z\n,4,6\n").unwrap();
    let weights = orthant(dir.path(), "transform out new.csv");
    let w: f64 = String::from_utf8_lossy(&weights.stdout).lines().last().unwrap().trim().parse().unwrap();
    let fitted = numbers(&dir.path().join("out/W.csv"));
    assert!((w - fitted[1][0]).abs() < 1e-4 * w, "{w} {fitted:?}");
    let whole = orthant(dir.path(), "transform out new.csv --missing none");
    assert_eq!(whole.status.code(), Some(1));
}

#[test]
fn ratings_that_are_not_listed_are_unknown() {
    let dir = tempdir().unwrap();
    let mut list = String::from("user,item,rating\n");
    for (i, j) in (0..12_usize)
        .flat_map(|i| (0..9_usize).map(move |j| (i, j)))
        .filter(|(i, j)| (i * 5 + j * 3) % 4 != 0)
    {
        list += &format!("u{i},i{j},{}\n", (i % 3 + 1) * (j % 4 + 1));
    }
    fs::write(dir.path().join("r.csv"), &list).unwrap();
    let explained = orthant(dir.path(), "fit r.csv -k 1 --triplets --missing zeros --explain -o none");
    let text = String::from_utf8_lossy(&explained.stdout).into_owned();
    assert!(text.contains("from the list of what is observed of it"), "{text}");
    let done =
        orthant(dir.path(), "fit r.csv -k 1 --triplets --missing zeros --tol 1e-10 --format csv -o out");
    assert!(done.status.success(), "{}", said(&done));
    let wh = product(&dir.path().join("out"));
    // users and items come in the order in which they are listed
    let (users, items): (Vec<_>, Vec<_>) = (names(&list, 0), names(&list, 1));
    for (row, i) in wh.iter().zip(users) {
        for (p, j) in row.iter().zip(&items) {
            let truth = ((i % 3 + 1) * (j % 4 + 1)) as f64;
            assert!((p - truth).abs() < 1e-3 * truth, "{i} {j}: {p}");
        }
    }
    let nan = orthant(dir.path(), "fit r.csv -k 1 --triplets --missing nan -o none");
    assert!(
        nan.status.code() == Some(2) && said(&nan).contains("sparse data with missing = nan"),
        "{}",
        said(&nan)
    );
}

fn names(list: &str, field: usize) -> Vec<usize> {
    let mut seen = Vec::new();
    for line in list.lines().skip(1) {
        let number = line.split(',').nth(field).unwrap()[1..].parse().unwrap();
        if !seen.contains(&number) {
            seen.push(number);
        }
    }
    seen
}

/// An outlier that counts next to nothing pulls next to nowhere.
#[test]
fn entries_count_as_much_as_a_file_says() {
    let dir = tempdir().unwrap();
    fs::write(dir.path().join("t.csv"), "1,2,3\n2,400,6\n3,6,9\n4,8,12\n").unwrap();
    fs::write(dir.path().join("w.csv"), "1,1,1\n1,0,1\n1,1,1\n1,1,1\n").unwrap();
    fs::write(dir.path().join("u.csv"), "1,1,1\n1,1e6,1\n1,1,1\n1,1,1\n").unwrap();
    for how in ["--entry-weights w.csv", "--observed w.csv", "--uncertainties u.csv"] {
        let done =
            orthant(dir.path(), &format!("fit t.csv -k 1 {how} --f64 --tol 1e-12 --format csv -o out"));
        assert!(done.status.success(), "{}", said(&done));
        let wh = product(&dir.path().join("out"));
        assert!((wh[1][1] - 4.0).abs() < 1e-2, "{how}: {wh:?}");
    }
    let both = orthant(dir.path(), "fit t.csv -k 1 --observed w.csv --uncertainties u.csv -o none");
    assert_eq!(both.status.code(), Some(2));
    let batches = orthant(dir.path(), "fit t.csv -k 1 --observed w.csv --minibatch -o none");
    assert_eq!(batches.status.code(), Some(2));
    let saved = orthant(dir.path(), "fit t.csv -k 1 --observed w.csv --format csv -o .");
    assert!(saved.status.success(), "{}", said(&saved));
}

#[test]
fn bad_weights_are_named() {
    let dir = tempdir().unwrap();
    fs::write(dir.path().join("t.csv"), "1,2\n3,4\n5,6\n").unwrap();
    for (weights, how, words) in [
        ("1,1\n1,-2\n1,1\n", "--entry-weights", "w.csv: line 2, field 2 (row 1, column 1): -2 is negative"),
        (
            "1,1\n1,nan\n1,1\n",
            "--entry-weights",
            "w.csv: line 2, field 2 (row 1, column 1): NaN is not finite",
        ),
        ("1,1\n1,0\n1,1\n", "--uncertainties", "w.csv: uncertainties = 0 is not possible: above 0"),
        ("1,1\n1,1\n", "--entry-weights", "weights is 2×2, but 3×2 is needed"),
        ("0,0\n0,0\n0,0\n", "--observed", "no entry of V is observed"),
    ] {
        fs::write(dir.path().join("w.csv"), weights).unwrap();
        let done = orthant(dir.path(), &format!("fit t.csv -k 1 {how} w.csv -o out"));
        assert!(done.status.code() == Some(1) && said(&done).contains(words), "{how}: {}", said(&done));
    }
}

#[test]
fn lines_without_observations_are_named() {
    let dir = tempdir().unwrap();
    for (table, words) in [
        ("x,y\n1,\n2,NA\n", "column 1 (counting from 0) has no observed entry"),
        ("x,y\n1,2\n,\n", "row 1 (counting from 0) has no observed entry"),
        ("x,y\nNA,NA\n,\n", "no entry of V is observed"),
    ] {
        fs::write(dir.path().join("t.csv"), table).unwrap();
        let done = orthant(dir.path(), "fit t.csv -k 1 --missing nan -o out");
        assert!(done.status.code() == Some(1) && said(&done).contains(words), "{}", said(&done));
    }
}

/// The last line and the report give the error of held-out entries; wrong shares are refused.
#[test]
fn held_out_entries_are_told_of() {
    let dir = tempdir().unwrap();
    let rows: Vec<String> = (0..30)
        .map(|i| {
            (0..20).map(|j| (((i % 5 + 1) * (j % 4 + 1)) as f64).to_string()).collect::<Vec<_>>().join(",")
        })
        .collect();
    fs::write(dir.path().join("v.csv"), rows.join("\n")).unwrap();
    let mean = |line: &str| {
        let done = orthant(dir.path(), line);
        assert!(done.status.success(), "{}", said(&done));
        let told = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(told.contains("mean loss of 60 entries held out"), "{told}");
        let report = fs::read_to_string(dir.path().join("out/report.json")).unwrap();
        let at = report.find("\"mean\":").unwrap();
        report[at + 7..].split([',', '}']).next().unwrap().trim().parse::<f64>().unwrap()
    };
    let (first, other) = (
        mean("fit v.csv -k 1 --holdout 0.1 --tol 1e-10 -o out"),
        mean("fit v.csv -k 1 --holdout 0.1 --holdout-fold 3 --holdout-seed 5 --tol 1e-10 -o out"),
    );
    // one component explains all, also of what it has not seen
    assert!(first < 1e-4 && other < 1e-4, "{first} {other}");
    for wrong in
        ["--holdout 0", "--holdout 0.7", "--holdout x", "--holdout-fold 2", "--holdout 0.1 --holdout-fold 10"]
    {
        let done = orthant(dir.path(), &format!("fit v.csv -k 1 -o out {wrong}"));
        assert_eq!(done.status.code(), Some(2), "{wrong}: {}", said(&done));
    }
}
