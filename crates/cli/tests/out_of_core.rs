//! Data that stays in its file, and is read in each pass.

mod common;

use std::fs;
use std::path::Path;

use common::{dir, run};
use orthant::Dense;
use orthant_io::{Names, write_matrix};

/// 4.6 MiB of single precision.
fn write_data(dir: &Path) {
    let v = Dense::from_fn(3000, 400, |i, j| ((i * 31 + j * 17) % 101 + 1) as f32 / 101.0);
    write_matrix(dir.join("v.npy"), v.view(), Names::default()).unwrap();
    let v = Dense::from_fn(3000, 400, |i, j| if i == 2999 && j == 7 { -1.0 } else { (i + j) as f32 });
    write_matrix(dir.join("negative.npy"), v.view(), Names::default()).unwrap();
}

fn results(dir: &Path, out: &str) -> [Vec<u8>; 2] {
    ["W.npy", "H.npy"].map(|name| fs::read(dir.join(out).join(name)).unwrap())
}

/// So little that the data is not loaded, and enough for the factors.
const LITTLE: &str = "--memory-limit 4MB --threads 2";

#[test]
fn a_fit_of_data_in_its_file_has_the_bits_of_one_in_memory() {
    let d = dir();
    write_data(d.path());
    let fits = [
        "-k 4 --solver hals --max-iter 20",
        "-k 4 --loss is --solver mm --max-iter 10",
        "-k 3 --transpose --solver hals --max-iter 10",
        "-k 4 --solver hals --init scaled-random --alpha-w 0.1 --max-iter 10",
        "-k 3 --minibatch --init random --max-iter 3",
    ];
    for fit in fits {
        let there = run(d.path(), &format!("fit v.npy {fit} -o whole")).ends(0);
        assert!(there.out.contains("4.6 MiB of data and up to"), "{}", there.out);
        let ran = run(d.path(), &format!("fit v.npy {fit} {LITTLE} -o parts")).ends(0);
        assert!(ran.out.contains("4.6 MiB of data in its file, read in each pass, and up to"), "{}", ran.out);
        assert!(results(d.path(), "parts") == results(d.path(), "whole"), "{fit}");
        let input = |out: &str| -> serde_json::Value {
            let report = fs::read_to_string(d.path().join(out).join("report.json")).unwrap();
            serde_json::from_str::<serde_json::Value>(&report).unwrap()["input"].clone()
        };
        assert_eq!(input("parts"), input("whole"), "the fingerprint");
    }
    let explained = run(d.path(), &format!("fit v.npy -k 4 {LITTLE} --explain")).ends(0);
    assert!(explained.out.contains("it is not in memory, and each pass reads it"), "{}", explained.out);
}

#[test]
fn what_needs_the_data_in_memory_loads_it() {
    let d = dir();
    write_data(d.path());
    for fit in [
        "-k 2 --missing nan --solver hals",
        "-k 2 --loss kl --solver newton",
        "-k 2 --holdout 0.1 --solver hals",
    ] {
        let ran = run(d.path(), &format!("fit v.npy {fit} {LITTLE} --max-iter 3 -o out"));
        assert!(
            ran.out.contains("4.6 MiB of data and up to") || ran.err.contains("besides the data"),
            "{} {}",
            ran.out,
            ran.err
        );
    }
}

#[test]
fn new_rows_in_a_file_have_the_bits_of_rows_in_memory() {
    let d = dir();
    write_data(d.path());
    for loss in ["frobenius", "kl"] {
        run(d.path(), &format!("fit v.npy -k 3 --loss {loss} --max-iter 5 -o out")).ends(0);
        run(d.path(), "transform out v.npy -o whole.npy").ends(0);
        run(d.path(), &format!("transform out v.npy -o parts.npy {LITTLE}")).ends(0);
        assert!(
            fs::read(d.path().join("whole.npy")).unwrap() == fs::read(d.path().join("parts.npy")).unwrap()
        );
    }
}

#[test]
fn a_bad_entry_is_named_as_ever() {
    let d = dir();
    write_data(d.path());
    let whole = run(d.path(), "fit negative.npy -k 3 -o out").ends(1);
    assert!(whole.err.contains("row 2999, column 7"), "{}", whole.err);
    assert_eq!(run(d.path(), &format!("fit negative.npy -k 3 -o out {LITTLE}")).ends(1).err, whole.err);
    assert!(!d.path().join("out").exists());
}

/// A sparse matrix of counts with names, as text; by rows.
fn write_counts(dir: &Path) {
    let mut text = String::from("%%MatrixMarket matrix coordinate integer general\n");
    let entries: Vec<_> = (0..2500_usize)
        .flat_map(|i| (0..120_usize).filter(move |j| (i * 7 + j * 13) % 3 == 0).map(move |j| (i, j)))
        .collect();
    text += &format!("2500 120 {}\n", entries.len());
    for (i, j) in &entries {
        text += &format!("{} {} {}\n", i + 1, j + 1, (i * 31 + j * 17) % 200 + 1);
    }
    fs::write(dir.join("matrix.mtx"), text).unwrap();
    let lines = |name: &str, count: usize, word: &str| {
        let lines: String = (0..count).map(|i| format!("{word}{i}\n")).collect();
        fs::write(dir.join(name), lines).unwrap();
    };
    lines("features.tsv", 2500, "gene");
    lines("barcodes.tsv", 120, "cell");
}

#[test]
fn a_fit_of_what_was_converted_has_the_bits_of_one_of_the_file() {
    let d = dir();
    write_counts(d.path());
    for (limit, turned) in [("", ""), ("--memory-limit 1kB", " --transpose")] {
        let ran = run(d.path(), &format!("convert matrix.mtx counts.npz {limit}{turned}")).ends(0);
        let shape = if turned.is_empty() { "2500×120" } else { "120×2500" };
        assert!(ran.out.starts_with(&format!("counts.npz: {shape}, 100000 entries; ")), "{}", ran.out);
        let bytes = fs::metadata(d.path().join("counts.npz")).unwrap().len();
        // indices of two bytes and counts of one, and then offsets and names
        assert!((300_000..500_000).contains(&bytes), "{bytes}");
        for fit in [
            "-k 4 --solver hals --max-iter 8 --f32",
            "-k 3 --loss kl --solver mm --max-iter 8 --f32",
            "-k 3 --loss 1.5 --solver mm --max-iter 3 --f32",
        ] {
            run(d.path(), &format!("fit matrix.mtx {fit}{turned} -o whole")).ends(0);
            let ran =
                run(d.path(), &format!("fit counts.npz {fit} --memory-limit 700kB --threads 1 -o parts"))
                    .ends(0);
            let says = format!("{shape}, 100000 entries (33.3 %), float32");
            assert!(
                ran.out.contains(&says) && ran.out.contains("in its file, read in each pass"),
                "{}",
                ran.out
            );
            assert!(results(d.path(), "parts") == results(d.path(), "whole"), "{fit}");
        }
        let shown = run(d.path(), "show parts").ends(0);
        assert!(shown.out.contains(if turned.is_empty() { "cell" } else { "gene" }), "{}", shown.out);
        let ran = run(d.path(), "transform parts counts.npz --memory-limit 500kB -o W.npy");
        if turned.is_empty() {
            ran.ends(0);
        }
    }
}

#[test]
fn what_is_loaded_though_there_is_no_room_says_what_else_there_is() {
    let d = dir();
    write_counts(d.path());
    let ran =
        run(d.path(), "fit matrix.mtx -k 2 --solver hals --max-iter 2 --memory-limit 700kB -o out").ends(0);
    assert!(
        ran.err.contains(
            "1.1 MiB are loaded, and there is room for 683.6 KiB; of a file that `orthant convert` writes"
        ),
        "{}",
        ran.err
    );
}

#[test]
fn converting_answers_wrong_arguments() {
    let d = dir();
    write_counts(d.path());
    for (args, code, says) in [
        ("convert matrix.mtx out.csv", 2, "cannot convert to out.csv: a sparse matrix is written as .npz"),
        ("convert matrix.mtx out.npy", 2, "a sparse matrix is written as .npz"),
        ("convert matrix.mtx matrix.mtx", 1, "it is an input file"),
        ("convert none.mtx out.npz", 1, "none.mtx"),
        ("convert matrix.mtx out.npz --missing nan", 2, "--missing is said where a matrix is fitted"),
        ("convert matrix.mtx", 2, "<OUTPUT>"),
        ("convert matrix.mtx no/out.npz", 1, "cannot write no/out.npz"),
    ] {
        let ran = run(d.path(), args).ends(code);
        assert!(ran.err.contains(says), "{args}: {}", ran.err);
        assert!(!d.path().join("out.npz").exists(), "{args}");
    }
    assert!(run(d.path(), "convert matrix.mtx out.npz -q").ends(0).out.is_empty());
}
