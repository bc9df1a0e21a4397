//! In which formats W and H are written, and the names that results have.

mod common;

use std::fs;
use std::path::Path;

use common::{COUNTS, dir, file, listing, run};
use orthant_io::{AnySavedModel, ReadOptions, read_matrix};

fn lines(path: impl AsRef<Path>) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

/// The first fields of the lines but the first.
fn labels(lines: &[String], delimiter: char) -> Vec<&str> {
    lines[1..].iter().map(|line| line.split(delimiter).next().unwrap()).collect()
}

const ROWS: [&str; 8] = ["d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7"];

#[test]
fn what_a_fit_keeps_of_the_data_has_its_names() {
    let d = dir();
    let d = d.path();
    file(d, "v.csv", COUNTS);
    for formats in ["", "--format npy,csv", "--format csv", "--format tsv"] {
        run(d, &format!("fit v.csv -k 2 -q {formats} -o out")).ends(0);
        for (name, delimiter) in [("approx.csv", ','), ("approx.tsv", '\t')] {
            run(d, &format!("reconstruct out -q -o {name}")).ends(0);
            let lines = lines(d.join(name));
            assert_eq!(lines[0].replace(delimiter, ","), ",apple,pear,plum,bolt,nut", "{formats}");
            assert_eq!(labels(&lines, delimiter), ROWS, "{formats}");
        }
        // the product itself, by plain loops
        let AnySavedModel::F64(saved) = AnySavedModel::load(d.join("out/model.safetensors")).unwrap() else {
            panic!()
        };
        let h = saved.model.components();
        let w = ["W.npy", "W.csv", "W.tsv"]
            .map(|name| d.join("out").join(name))
            .into_iter()
            .find(|path| path.exists());
        let w = read_matrix::<f64>(w.unwrap(), &ReadOptions::default()).unwrap();
        let v = read_matrix::<f64>(d.join("approx.csv"), &ReadOptions::default()).unwrap();
        for (i, j) in (0..8).flat_map(|i| (0..5).map(move |j| (i, j))) {
            let sum: f64 = (0..2).map(|t| w.view().at(i, t) * h[(t, j)]).sum();
            assert!((v.view().at(i, j) - sum).abs() <= 1e-12 * sum.max(1.0), "{formats}: {i}, {j}");
        }
        fs::remove_dir_all(d.join("out")).unwrap();
    }
    // npy has no names, and a table of another fit has none for this one
    run(d, "fit v.csv -k 2 -q --format npy -o out").ends(0);
    run(d, "reconstruct out -q -o approx.csv").ends(0);
    assert_eq!(lines(d.join("approx.csv"))[0], "apple,pear,plum,bolt,nut");
    run(d, "fit v.csv -k 2 --seed 4 --max-iter 1 -q --format csv -o other").ends(0);
    fs::copy(d.join("other/W.csv"), d.join("out/W.csv")).unwrap();
    run(d, "reconstruct out -q -o approx.csv").ends(0);
    assert_eq!(lines(d.join("approx.csv"))[0], "apple,pear,plum,bolt,nut");
    // and weights that are given have their own
    run(d, "transform out v.csv -q -o w.csv").ends(0);
    run(d, "reconstruct out --weights w.csv -q -o approx.csv").ends(0);
    assert_eq!(labels(&lines(d.join("approx.csv")), ','), ROWS);
}

#[test]
fn the_formats_are_those_asked_for() {
    let d = dir();
    let d = d.path();
    file(d, "v.csv", COUNTS);
    let plain: String = COUNTS.lines().skip(1).map(|line| format!("{}\n", &line[3..])).collect();
    file(d, "plain.csv", plain);
    for (args, factors) in [
        ("v.csv", &["H.csv", "H.npy", "W.csv", "W.npy"][..]),
        ("v.csv --format npy", &["H.npy", "W.npy"]),
        ("v.csv --format tsv,npy", &["H.npy", "H.tsv", "W.npy", "W.tsv"]),
        ("plain.csv --format csv", &["H.csv", "W.csv"]),
        ("plain.csv --format tsv --f32", &["H.tsv", "W.tsv"]),
        ("v.csv --format tsv --format tsv", &["H.tsv", "W.tsv"]),
        ("plain.csv", &["H.npy", "W.npy"]),
    ] {
        // into the results of the one before, of which nothing is left
        let ran = run(d, &format!("fit {args} -k 2 --top 0 -o out")).ends(0);
        let mut expected = [factors, &["model.safetensors", "report.json"]].concat();
        assert_eq!(listing(&d.join("out")), expected, "{args}");
        let said = ran.out.lines().last().unwrap().split_once(": ").unwrap().1.to_owned();
        let mut said: Vec<&str> = said.split(", ").map(|file| file.split(' ').next().unwrap()).collect();
        said.sort_unstable();
        expected.sort_unstable();
        assert_eq!(said, expected, "{}", ran.out);
        // the weights are found in whatever they are
        let shown = run(d, "show out").ends(0).out;
        assert!(shown.starts_with("out: 8×5, "), "{shown}");
        run(d, "reconstruct out -q -o approx.npy").ends(0);
    }
    let tab = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
    run(d, "fit v.csv -k 2 -q --format tsv -o out").ends(0);
    assert_eq!(tab(&lines(d.join("out/W.tsv"))[0]), ["", "component_0", "component_1"]);
    assert_eq!(tab(&lines(d.join("out/H.tsv"))[0]), ["", "apple", "pear", "plum", "bolt", "nut"]);
    run(d, "fit plain.csv -k 2 -q --format csv -o out").ends(0);
    let table = lines(d.join("out/W.csv"));
    assert_eq!((table.len(), table[0].as_str()), (9, "component_0,component_1"));
    assert_eq!(labels(&lines(d.join("out/H.csv")), ','), ["component_1"]);
}

#[test]
fn files_of_others_stay_whatever_the_format() {
    let d = dir();
    let d = d.path();
    file(d, "v.csv", COUNTS);
    fs::create_dir(d.join("out")).unwrap();
    for name in ["W.npy", "H.npy", "W.csv", "H.csv"] {
        file(&d.join("out"), name, "1,2\n3,4\n");
    }
    run(d, "fit v.csv -k 2 -q --format tsv -o out").ends(0);
    for name in ["W.npy", "H.npy", "W.csv", "H.csv"] {
        assert_eq!(fs::read(d.join("out").join(name)).unwrap(), b"1,2\n3,4\n", "{name}");
    }
    // nor is an input written over
    file(d, "W.tsv", "1\t2\n3\t4\n");
    let ran = run(d, "fit W.tsv -k 1 --format tsv -o .").ends(1);
    assert!(ran.err.contains("cannot write ./W.tsv: it is "), "{}", ran.err);
    run(d, "fit W.tsv -k 1 -q -o .").ends(0);
    assert_eq!(lines(d.join("W.tsv")), ["1\t2", "3\t4"]);
}

#[test]
fn weights_of_new_samples_have_the_format_asked_for() {
    let d = dir();
    let d = d.path();
    file(d, "v.csv", COUNTS);
    run(d, "fit v.csv -k 2 -q -o out").ends(0);
    let json = run(d, "transform out v.csv --format json").ends(0).out;
    let rows: Vec<Vec<f64>> = serde_json::from_str(&json).unwrap();
    assert_eq!((rows.len(), rows[0].len()), (8, 2));
    run(d, "transform out v.csv -q --format npy -o w.dat").ends(0);
    let w = read_matrix::<f64>(d.join("w.dat"), &ReadOptions::default()).unwrap();
    assert_eq!(w.data(), rows.concat());
    let tsv = run(d, "transform out v.csv --format tsv").ends(0).out;
    assert!(tsv.starts_with("\tcomponent_0\tcomponent_1\nd0\t"), "{tsv}");
    let ran = run(d, "transform out v.csv -o w.dat").ends(2);
    assert!(ran.err.contains(".npy, .csv, .tsv, .png or .json"), "{}", ran.err);
    for (wrong, allowed) in [
        ("transform out v.csv --format png", "npy, csv, tsv or json is needed"),
        ("fit v.csv -k 2 --format json -o new", "npy, csv or tsv is needed"),
        ("fit v.csv -k 2 --format h5ad -o new", "--write-obsm NAME"),
        ("fit v.csv -k 2 --format parquet -o new", "npy, csv or tsv is needed"),
        ("fit v.csv -k 2 --format csv --print", "--out <OUT>"),
        ("fit v.csv -k 2 --format csv -o new --explain", "leave one of them out"),
        ("topics v.csv --column 0 -k 2 --format csv", "--out <OUT>"),
    ] {
        let ran = run(d, wrong).ends(2);
        assert!(ran.err.contains(allowed), "{wrong}: {}", ran.err);
    }
    assert!(!d.join("new").exists());
}

#[test]
fn topics_have_the_format_asked_for_too() {
    let d = dir();
    let d = d.path();
    fs::create_dir(d.join("docs")).unwrap();
    for (i, words) in
        ["apple pear plum", "apple pear fig", "bolt nut gear", "bolt nut cog"].iter().enumerate()
    {
        file(d, &format!("docs/{i}.txt"), format!("{words} and {words}\n"));
    }
    let ran = run(d, "topics docs -k 2 --min-df 1 --format tsv -o out").ends(0);
    assert!(
        ran.out.ends_with("documents.csv, W.tsv, H.tsv, report.json, model.safetensors\n"),
        "{}",
        ran.out
    );
    let factors = ["H.tsv", "W.tsv", "documents.csv", "model.safetensors", "report.json", "topics.json"];
    assert_eq!(listing(&d.join("out")), factors);
    assert!(lines(d.join("out/W.tsv"))[1].starts_with("docs/0.txt\t"));
    let ran = run(d, "topics docs --model out --format csv,npy -o new").ends(0);
    assert!(ran.out.ends_with("saved in new: documents.csv, W.npy, W.csv\n"), "{}", ran.out);
    assert_eq!(lines(d.join("new/W.csv"))[0], ",topic_0,topic_1");
    run(d, "show out --top 1").ends(0);
}
