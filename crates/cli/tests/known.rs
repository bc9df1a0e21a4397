//! What is known of W and H before a fit.

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
    let parse = |line: &str| line.split(',').skip(1).filter_map(|field| field.parse().ok()).collect();
    text.lines().skip(1).map(parse).filter(|row: &Vec<f64>| !row.is_empty()).collect()
}

const KNOWN: [f64; 4] = [0.5, 0.0, 0.25, 0.25];
const OTHER: [f64; 4] = [0.0, 0.5, 0.5, 0.0];

/// Mixtures of the two, with names.
fn mixtures(dir: &Path) {
    let mut text = "sample,a,b,c,d\n".to_owned();
    for i in 0..12 {
        let (x, y) = ((i % 4) as f64, (i % 3) as f64);
        let row: Vec<String> = (0..4).map(|j| (x * KNOWN[j] + y * OTHER[j]).to_string()).collect();
        text += &format!("s{i},{}\n", row.join(","));
    }
    fs::write(dir.join("v.csv"), text).unwrap();
}

/// A known component is taken by its columns' names, kept, and the other one is found.
#[test]
fn known_components_are_kept_by_their_names() {
    let dir = tempdir().unwrap();
    mixtures(dir.path());
    fs::write(dir.path().join("known.csv"), "name,d,c,b,a,e\nK,0.25,0.25,0,0.5,9\n").unwrap();
    let done = orthant(dir.path(), "fit v.csv -k 2 --fixed-h known.csv --tol 1e-12 --format csv -o out");
    assert!(done.status.success(), "{}", said(&done));
    assert!(said(&done).contains("1 of its columns are not in the data"), "{}", said(&done));
    let h = numbers(&dir.path().join("out/H.csv"));
    assert_eq!(h[0], KNOWN);
    let sum: f64 = h[1].iter().sum();
    for (h, truth) in h[1].iter().zip(OTHER) {
        assert!((h / sum - truth).abs() < 0.01, "{h} {sum} {truth}");
    }
    // an entry that is empty is found
    fs::write(dir.path().join("known.csv"), "name,a,b,c,d\nK,0.5,0,,0.25\n").unwrap();
    let done = orthant(dir.path(), "fit v.csv -k 2 --fixed-h known.csv --upper-w 10 --format csv -o out");
    assert!(done.status.success(), "{}", said(&done));
    let h = numbers(&dir.path().join("out/H.csv"));
    assert_eq!((h[0][0], h[0][1], h[0][3]), (0.5, 0.0, 0.25));
    let explained = orthant(dir.path(), "fit v.csv -k 2 --fixed-h known.csv --explain");
    assert!(explained.status.success(), "{}", said(&explained));
}

/// Bounds are numbers or files, and hold.
#[test]
fn bounds_hold() {
    let dir = tempdir().unwrap();
    mixtures(dir.path());
    fs::write(dir.path().join("upper.csv"), "name,a,b,c,d\n1,0.4,1,1,1\n2,1,1,1,0.125\n").unwrap();
    let done =
        orthant(dir.path(), "fit v.csv -k 2 --loss kl --upper-h upper.csv --lower-w 0.1 --format csv -o out");
    assert!(done.status.success(), "{}", said(&done));
    let (w, h) = (numbers(&dir.path().join("out/W.csv")), numbers(&dir.path().join("out/H.csv")));
    assert!(h[0][0] <= 0.4 && h[1][3] <= 0.125, "{h:?}");
    assert!(w.iter().flatten().all(|&w| w >= 0.1), "{w:?}");
}

/// Wrong ones name the file and the place, or what goes.
#[test]
fn wrong_ones_are_refused_with_words() {
    let dir = tempdir().unwrap();
    mixtures(dir.path());
    let refused = |files: &[(&str, &str)], line: &str, words: &[&str]| {
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let done = orthant(dir.path(), line);
        assert!(matches!(done.status.code(), Some(1 | 2)), "{line}");
        for word in words {
            assert!(said(&done).contains(word), "{line}: {}", said(&done));
        }
    };
    let fit = "fit v.csv -k 2 -o out --fixed-h k.csv";
    refused(&[("k.csv", "name,a,b,c,d\nK,1,1,-2,1\n")], fit, &["k.csv", "line 2", "negative"]);
    refused(&[("k.csv", "name,d,c,b,a\nK,1,1,-2,1\n")], fit, &["k.csv", "field 4"]);
    refused(&[("k.csv", "name,p,q,r,s\nK,1,1,2,1\n")], fit, &["none of its columns", "\"p\""]);
    refused(&[("k.csv", "name,a,a,c,d\nK,1,1,2,1\n")], fit, &["several columns"]);
    refused(&[("k.csv", "name,a,b,c,d\nK,,,,\n")], fit, &["NaN throughout"]);
    refused(&[("k.csv", "name,a,b,c,d\nK,1,1,1,1\nL,2,2,2,1\n")], fit, &["fixed throughout"]);
    refused(&[("k.csv", "1,1,1\n")], fit, &["1×3", "2×4"]);
    refused(&[("k.csv", "1,1,1,1\n")], &format!("{fit} --upper-h 0.5"), &["k.csv", "within the bounds"]);
    refused(&[], &format!("{fit} --solver anls"), &["solver anls", "hals"]);
    refused(&[], &format!("{fit} --minibatch"), &["--minibatch"]);
    refused(&[], &format!("{fit} --scale h-sum"), &["scale"]);
    refused(&[], "fit v.csv -k 2 -o out --upper-w -1", &["upper bound of W"]);
    refused(&[], "fit v.csv -k 2 -o out --lower-w 2 --upper-w 1", &["upper bound there"]);
    refused(&[], "fit v.csv -k 2 -o out --upper-w nowhere.csv", &["nowhere.csv"]);
}
