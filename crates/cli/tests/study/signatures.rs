//! `orthant signatures`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::common::{dir, file, listing, orthant, run};
use super::json;

const SIGNATURES: usize = 4;
const SAMPLES: usize = 20;

/// A row with its name.
type Named = (String, Vec<String>);

/// A number from 0 to 1 that goes with a place.
fn drawn(salt: u64, i: usize, j: usize) -> f64 {
    let mut x = salt ^ ((i as u64) << 32 | j as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for _ in 0..3 {
        x = (x ^ x >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    (x >> 11) as f64 / (1_u64 << 53) as f64
}

/// The 96 types of substitutions.
fn types() -> Vec<String> {
    let bases = ["A", "C", "G", "T"];
    let changes = ["C>A", "C>G", "C>T", "T>A", "T>C", "T>G"];
    let all = changes.iter().flat_map(|change| bases.iter().map(move |before| (change, before)));
    all.flat_map(|(change, before)| bases.iter().map(move |after| format!("{before}[{change}]{after}")))
        .collect()
}

/// Planted signatures, each over the 96 types with a sum of 1.
fn planted() -> Vec<Vec<f64>> {
    let signature = |t: usize| {
        let raw: Vec<f64> = (0..96).map(|j| drawn(t as u64, 1, j).powi(8)).collect();
        let sum: f64 = raw.iter().sum();
        raw.iter().map(|x| x / sum).collect()
    };
    (0..SIGNATURES).map(signature).collect()
}

/// Counts by sample: sums of the planted signatures, with about the variance of Poisson counts.
fn counts() -> Vec<Vec<u64>> {
    let planted = planted();
    let count = |i: usize, j: usize| {
        let mean: f64 = (0..SIGNATURES).map(|t| 4000.0 * drawn(77, i, t).powi(2) * planted[t][j]).sum();
        let normal: f64 = (0..12).map(|u| drawn(100 + u, i, j)).sum::<f64>() - 6.0;
        (mean + mean.sqrt() * normal).round().max(0.0) as u64
    };
    (0..SAMPLES).map(|i| (0..96).map(|j| count(i, j)).collect()).collect()
}

/// A table with types in rows, in this order, and named columns.
fn table(columns: &[Named], order: &[usize]) -> String {
    let types = types();
    let line = |first: &str, of: &dyn Fn(&Named) -> String| {
        std::iter::once(first.to_owned()).chain(columns.iter().map(of)).collect::<Vec<_>>().join("\t") + "\n"
    };
    let mut text = line("Type", &|(name, _)| name.clone());
    order.iter().for_each(|&j| text += &line(&types[j], &|(_, values)| values[j].clone()));
    text
}

/// The same with types in columns.
fn turned(columns: &[Named]) -> String {
    let mut text = format!("Sample\t{}\n", types().join("\t"));
    columns.iter().for_each(|(name, values)| text += &format!("{name}\t{}\n", values.join("\t")));
    text
}

fn text<T: ToString>(prefix: &str, rows: &[Vec<T>]) -> Vec<Named> {
    let row = |(i, row): (usize, &Vec<T>)| (format!("{prefix}{i}"), row.iter().map(T::to_string).collect());
    rows.iter().enumerate().map(row).collect()
}

/// The catalogue, and the planted signatures with their types in another order.
fn write(dir: &Path) {
    let straight: Vec<usize> = (0..96).collect();
    let shuffled: Vec<usize> = (0..96).map(|j| j * 35 % 96).collect();
    file(dir, "catalogue.tsv", table(&text("S", &counts()), &straight));
    file(dir, "known.tsv", table(&text("SBS", &planted()), &shuffled));
}

/// The cells of a tab-separated file, without its first line and column.
fn cells(path: &Path) -> Vec<Vec<f64>> {
    let text = fs::read_to_string(path).unwrap();
    let line = |line: &str| line.split('\t').skip(1).map(|cell| cell.parse().unwrap()).collect();
    text.lines().skip(1).map(line).collect()
}

fn cosine(x: &[f64], y: &[f64]) -> f64 {
    let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    product(x, y) / (product(x, x) * product(y, y)).sqrt()
}

/// For each line of a similarity table its planted signature and the cosine.
fn matches(path: &Path) -> Vec<(usize, f64)> {
    let said = fs::read_to_string(path).unwrap();
    assert!(
        said.starts_with("signature\tmatch\tcosine\tnearest\tnearest_cosine\nsignature_0\tSBS"),
        "{said}"
    );
    let line = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        (cells[1].strip_prefix("SBS").unwrap().parse().unwrap(), cells[2].parse().unwrap())
    };
    said.lines().skip(1).map(line).collect()
}

#[test]
fn planted_signatures_are_found_again() {
    let d = dir();
    let path = |name: &str| d.path().join(name);
    write(d.path());
    let ran = run(d.path(), "signatures catalogue.tsv -k 2..6 -n 6 -o out --known known.tsv").ends(0);
    assert!(
        ran.out.starts_with("catalogue.tsv: 20×96, float64, 30 fits of varied data (resample) and 25 "),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("\nrecommended: k = 4: ") && ran.err.is_empty(), "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("saved in out/k04: signatures.tsv, activities.tsv, similarity.tsv"),
        "{}",
        ran.out
    );
    assert_eq!(json(&path("out/study.json"))["vary"], "resample");
    let jobs = listing(&path("out/jobs"));
    assert_eq!(jobs.iter().filter(|name| name.starts_with("resample-k")).count(), 30);

    // what is written, against what was planted
    let planted = planted();
    let shares = cells(&path("out/k04/signatures.tsv"));
    let activities = cells(&path("out/k04/activities.tsv"));
    assert_eq!((shares.len(), activities.len()), (96, SAMPLES));
    let said = matches(&path("out/k04/similarity.tsv"));
    let mut taken: Vec<usize> = said.iter().map(|(of, _)| *of).collect();
    taken.sort_unstable();
    assert_eq!(taken, [0, 1, 2, 3]);
    for (t, &(of, said)) in said.iter().enumerate() {
        let signature: Vec<f64> = shares.iter().map(|row| row[t]).collect();
        assert!((signature.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let cosine = cosine(&signature, &planted[of]);
        assert!(cosine > 0.95 && (cosine - said).abs() < 1e-9, "{cosine} {said}");
        assert!(
            ran.out.contains(&format!("signature {t} is most like SBS{of} (cosine {said:.3})")),
            "{}",
            ran.out
        );
    }
    for (row, counts) in activities.iter().zip(counts()) {
        let (sum, total) = (row.iter().sum::<f64>(), counts.iter().sum::<u64>() as f64);
        assert!((sum - total).abs() < 1e-3 * total, "{sum} {total}");
    }
    let names = fs::read_to_string(path("out/k04/activities.tsv")).unwrap();
    assert!(names.starts_with("sample\tsignature_0\tsignature_1") && names.contains("\nS19\t"));

    // it is a study: of its page, and of pick, whose results are the same
    let page = fs::read_to_string(path("out/report.html")).unwrap();
    assert!(page.contains("<pre>orthant signatures catalogue.tsv -k 2..6 -n 6 -o study</pre>"), "{page}");
    assert!(page.contains("Each fit is of counts that are drawn again with the totals of the rows"));
    run(d.path(), "pick out -k 4 -o picked --quiet").ends(0);
    for name in ["W.npy", "H.csv", "components.csv", "spread.npz"] {
        assert!(
            fs::read(path("picked").join(name)).unwrap() == fs::read(path("out/k04").join(name)).unwrap(),
            "{name}"
        );
    }
    // others of the same study, without the fits
    let ran = run(d.path(), "signatures catalogue.tsv -k 2..6 -n 6 -o out --pick 3 --format tsv").ends(0);
    assert!(ran.out.contains("saved in out/k03: signatures.tsv, activities.tsv, W, H"), "{}", ran.out);
    assert_eq!(cells(&path("out/k03/signatures.tsv"))[0].len(), 3);
    assert!(path("out/k03/H.tsv").exists() && !path("out/k03/similarity.tsv").exists());
    assert_eq!(listing(&path("out/jobs")), jobs);
    // by the options of a study it is the same study
    let args = "study catalogue.tsv --transpose --loss kl --vary resample -k 2..6 -n 6 -o out --quiet";
    run(d.path(), args).ends(0);
    assert_eq!(listing(&path("out/jobs")), jobs);
}

/// A catalogue with its samples in rows, signatures in rows, and a name on neither side.
#[test]
fn either_way_round() {
    let d = dir();
    let path = |name: &str| d.path().join(name);
    write(d.path());
    file(d.path(), "turned.tsv", turned(&text("S", &counts())));
    file(d.path(), "known_turned.tsv", turned(&text("SBS", &planted())));
    let args = "signatures turned.tsv -k 4 -n 3 --holdout none --no-report --known known_turned.tsv -o a";
    let ran = run(d.path(), args).ends(0);
    assert!(ran.out.starts_with("turned.tsv: 20×96, "), "{}", ran.out);
    assert!(matches(&path("a/k04/similarity.tsv")).iter().all(|(_, cosine)| *cosine > 0.95));
    run(d.path(), "pick a -k 4 --quiet").ends(0);
    // numbers alone: samples are in columns unless it is said that they are in rows
    let numbers = |rows: Vec<Vec<String>>| rows.iter().map(|row| row.join("\t") + "\n").collect::<String>();
    let bare = |rows: Vec<Named>| rows.into_iter().map(|(_, values)| values).collect::<Vec<_>>();
    file(d.path(), "rows.tsv", numbers(bare(text("", &counts()))));
    file(d.path(), "known_rows.tsv", numbers(bare(text("", &planted()))));
    let args = "signatures rows.tsv --samples rows -k 4 -n 3 --holdout none --known known_rows.tsv";
    let ran = run(d.path(), args).ends(0);
    assert!(
        ran.out.starts_with("rows.tsv: 20×96, ") && ran.out.contains("is most like known_2 (cosine 0.9"),
        "{}",
        ran.out
    );
    let ran = run(d.path(), "signatures rows.tsv -k 2 --explain").ends(0);
    assert!(ran.out.contains("each fit is of counts that are drawn again"), "{}", ran.out);
    assert!(run(d.path(), "signatures rows.tsv -k 2 -n 2").ends(0).out.starts_with("rows.tsv: 96×20, "));
}

/// Killed and gone on with, it ends with the bytes of one that was not.
#[test]
fn a_killed_one_goes_on() {
    let d = dir();
    write(d.path());
    let args = "signatures catalogue.tsv -k 3..8 -n 12 --seed 2 --quiet";
    run(d.path(), &format!("{args} -o whole")).ends(0);
    for wait in [150, 400, 700] {
        let mut child = orthant(d.path()).args(format!("{args} -o out").split_whitespace()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        // it may have come to its end
        let _ = child.kill();
        child.wait().unwrap();
    }
    run(d.path(), &format!("{args} -o out")).ends(0);
    let files = |dir: &str| -> BTreeMap<String, Vec<u8>> {
        let folders = ["jobs", "k04"].map(|folder| d.path().join(dir).join(folder));
        let names =
            folders.iter().flat_map(|folder| listing(folder).into_iter().map(move |name| folder.join(name)));
        let kept = names.filter(|path| !path.file_name().unwrap().to_str().unwrap().starts_with('.'));
        kept.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()))
            // these say how long the fit of W took
            .filter(|(name, _)| !["report.json", "model.safetensors"].contains(&&**name))
            .collect()
    };
    let (whole, out) = (files("whole"), files("out"));
    assert!(whole.contains_key("signatures.tsv") && whole.len() > 90, "{:?}", whole.keys());
    let differs: Vec<&String> = whole.keys().filter(|name| whole[*name] != out[*name]).collect();
    assert!(differs.is_empty() && whole.len() == out.len(), "{differs:?}");
}

#[test]
fn what_goes_wrong_is_said() {
    let d = dir();
    write(d.path());
    let refused = |args: &str, code: i32, words: &[&str]| {
        let ran = run(d.path(), args).ends(code);
        assert!(words.iter().all(|words| ran.err.contains(words)), "{args}: {}", ran.err);
    };
    let small =
        |cell: &str| format!("Type\tS0\tS1\tS2\nA[C>A]A\t3\t1\t4\nA[C>A]C\t1\t{cell}\t9\nA[C>A]G\t2\t6\t5\n");
    for (cell, words) in
        [("-5", "-5 is not a count"), ("2.5", "2.5 is not a count"), ("x", "'x' is not a number")]
    {
        file(d.path(), "bad.tsv", small(cell));
        refused("signatures bad.tsv -k 2 -n 2", 1, &["bad.tsv: line 3", "S1", words]);
    }
    file(d.path(), "bad.tsv", small("7"));
    refused("signatures nothing.tsv", 1, &["nothing.tsv"]);
    refused("signatures catalogue.tsv --transpose", 2, &["--samples"]);
    refused("signatures catalogue.tsv -k 2..5 --pick 9", 2, &["--pick 9", "-k"]);
    refused("signatures bad.tsv --format tsv", 2, &["--out"]);
    refused("signatures bad.tsv -k 2 --known none.tsv", 1, &["none.tsv"]);
    refused("signatures bad.tsv -k 2 -o here --known catalogue.tsv --vary noise=3", 2, &["noise=E"]);
    file(d.path(), "other.tsv", "Type\tSBS1\nA[C>A]A\t0.5\nA[C>A]G\t0.5\n");
    refused("signatures bad.tsv -k 2 --known other.tsv", 1, &["other.tsv: ", "'A[C>A]C'", "catalogue"]);
    file(d.path(), "other.tsv", "Type\tSBS1\nA[C>A]A\t0.5\nA[C>A]C\t-0.5\nA[C>A]G\t0.5\n");
    refused(
        "signatures bad.tsv -k 2 --known other.tsv",
        1,
        &["other.tsv: line 3", "-0.5 is not a number of at least 0"],
    );
    file(d.path(), "other.tsv", "0.5\t0.5\n0.1\t0.9\n");
    refused("signatures bad.tsv -k 2 --known other.tsv", 1, &["2×2", "3 mutation types"]);
    // nothing of what it reads is written over
    let args = "signatures catalogue.tsv -k 2 -n 2 -o out --quiet";
    run(d.path(), args).ends(0);
    refused(
        &format!("{args} --known out/k02/signatures.tsv"),
        1,
        &["signatures.tsv", "would be overwritten"],
    );
}
