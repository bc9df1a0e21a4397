//! `--report` of `orthant fit` and `orthant topics`.

mod common;

use std::fs;
use std::path::Path;

use common::{COUNTS, dir, file, listing, run};
use orthant_io::{Names, write_colour, write_matrix};

fn page(out: impl AsRef<Path>) -> String {
    fs::read_to_string(out.as_ref().join("report.html")).unwrap()
}

#[track_caller]
fn has(page: &str, words: &[&str]) {
    words.iter().for_each(|words| assert!(page.contains(words), "{words}: {page}"));
}

const FILES: [&str; 7] =
    ["H.csv", "H.npy", "W.csv", "W.npy", "model.safetensors", "report.html", "report.json"];

#[test]
fn a_page_is_written_with_the_results() {
    let d = dir();
    let counts = file(d.path(), "counts.csv", COUNTS);
    let ran = run(d.path(), "fit counts.csv -k 2 --seed 4 -o out --report").ends(0);
    assert!(ran.out.ends_with("model.safetensors, W.csv, H.csv, report.html\n"), "{}", ran.out);
    assert_eq!(listing(&d.path().join("out")), FILES);
    let first = page(d.path().join("out"));
    has(
        &first,
        &[
            "<title>Fit of counts.csv</title>",
            "2 components explain ",
            "The fit converged after ",
            "8 samples with 5 features (float64); loss frobenius, method ",
            ">apple</text>",
            ">bolt</text>",
            "d6 (",
            "<pre>orthant fit counts.csv -k 2 --seed 4 -o out --report</pre>",
            "XXH3-128",
            "KKT residual",
        ],
    );
    // what is said in the report stands on the page, too
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(d.path().join("out/report.json")).unwrap()).unwrap();
    let hash = report["input"]["xxh3_128"].as_str().unwrap();
    let iterations = report["iterations"].as_u64().unwrap();
    has(&first, &[hash, &format!("converged after {iterations} iterations")]);
    for component in report["components"].as_array().unwrap() {
        has(&first, &[&format!("{:.2} %</text>", 100.0 * component["share"].as_f64().unwrap())]);
    }
    // the same page from any place, on any number of threads, whatever is printed and written beside
    assert!(!first.contains(d.path().to_str().unwrap()));
    let path = counts.to_str().unwrap();
    let elsewhere = dir();
    for more in [
        "--threads 1",
        "--threads 2 --json",
        "--print --quiet",
        "--top 1 --format npy",
        "--format tsv,csv --checkpoint kept",
    ] {
        run(elsewhere.path(), &format!("fit {path} --seed 4 --report -k2 -o {} {more}", "a/b")).ends(0);
        assert!(page(elsewhere.path().join("a/b")) == first, "{more}");
    }
}

#[test]
fn a_page_of_an_earlier_fit_is_gone_and_that_of_others_kept() {
    let d = dir();
    file(d.path(), "counts.csv", COUNTS);
    let out = d.path().join("out");
    run(d.path(), "fit counts.csv -k 2 -q -o out --report").ends(0);
    run(d.path(), "fit counts.csv -k 3 -q -o out").ends(0);
    assert!(!out.join("report.html").exists());
    run(d.path(), "fit counts.csv -k 2 -q -o out --report").ends(0);
    run(d.path(), "fit counts.csv -k 3 -q -o out --report").ends(0);
    has(&page(&out), &["3 components explain"]);
    for others in ["mine", "<!DOCTYPE html>\n<html><title>content=\"orthant fit\"</title></html>"] {
        file(&out, "report.html", others);
        run(d.path(), "fit counts.csv -k 2 -q -o out").ends(0);
        assert_eq!(page(&out), others);
    }
    // one that is an input
    fs::write(out.join("report.html"), COUNTS).unwrap();
    let ran = run(d.path(), "fit out/report.html -k 2 -q -o out --report").ends(1);
    assert!(ran.err.contains("cannot write out/report.html: it is an input file"), "{}", ran.err);
    run(d.path(), "fit out/report.html -k 2 -q -o out").ends(0);
    assert_eq!(page(&out), COUNTS);
    // a page is a part of results that nothing else is written over
    run(d.path(), "fit counts.csv -k 2 -q -o out --report").ends(0);
    let ran = run(d.path(), "reconstruct out -o out/report.html --format csv");
    assert!(ran.code != Some(0), "{}", ran.err);
    has(&page(&out), &["2 components explain"]);
}

#[test]
fn a_page_needs_results_to_go_with() {
    let d = dir();
    file(d.path(), "counts.csv", COUNTS);
    run(d.path(), "fit counts.csv -k 2 -q -o out").ends(0);
    run(d.path(), "fit counts.csv -k 2 --print --report").ends(2);
    run(d.path(), "fit counts.csv -k 2 -o out --explain --report").ends(2);
    let ran = run(d.path(), "transform out counts.csv -o new.npy --report").ends(2);
    assert!(ran.err.contains("unexpected argument '--report'"), "{}", ran.err);
    run(d.path(), "topics counts.csv --model out -o new --report").ends(2);
    run(d.path(), "topics counts.csv --lines -k 2 --report").ends(2);
    assert_eq!(listing(&d.path().join("out")).len(), 6);
}

/// A single row, a single component, nothing at all, nothing left, and an end by a limit of time.
#[test]
fn fits_of_next_to_nothing_have_a_page() {
    let d = dir();
    file(d.path(), "counts.csv", COUNTS);
    file(d.path(), "row.csv", "a,b,c\n1,0,3\n");
    file(d.path(), "zero.csv", "a,b\n0,0\n0,0\n0,0\n");
    let emptied =
        ["3 components explain nothing of the data.", "3 components of 3 are zero throughout: 0 to 2."];
    for (line, words) in [
        ("row.csv -k 1", &["1 component explains", "1 sample with 3 features"][..]),
        ("row.csv -k 3", &["3 components explain", "factorisation is not unique"]),
        ("zero.csv -k 2", &["The data is all zero, and so are the components."]),
        ("counts.csv -k 1 --f32", &["1 component explains", "(float32)"]),
        ("counts.csv -k 3 --alpha-w 100 --l1-ratio 1", &emptied),
        (
            "counts.csv -k 2 --max-iter 1",
            &["The fit ended at its limit of 1 iteration, before it converged."],
        ),
        (
            "counts.csv -k 2 --minibatch --batch-size 3 --loss kl",
            &["loss of a batch", " passes over the data", "of 3 rows"],
        ),
        (
            "counts.csv -k 2 --solver mu --tol 0 --max-iter 100000000 --max-seconds 0.3",
            &[
                "The fit was ended by its time limit after ",
                "The fit was ended from outside: another run can end",
            ],
        ),
        ("counts.csv -k 2 --holdout 0.1", &["Of 4 entries held out the mean loss is ", "fold 0, seed 0"]),
    ] {
        run(d.path(), &format!("fit {line} -q --report -o out")).ends(0);
        has(&page(d.path().join("out")), words);
    }
    file(d.path(), "holes.csv", COUNTS.replacen(",0", ",NA", 10));
    assert!(!page(d.path().join("out")).contains("are missing"));
    for (options, words) in [("", "converged"), ("--holdout 0.1", "held out")] {
        run(d.path(), &format!("fit holes.csv -k 2 --missing nan {options} -q --report -o out")).ends(0);
        has(&page(d.path().join("out")), &["25 % of the entries are missing", "--missing nan", words]);
    }
    file(d.path(), "known.csv", "name,apple,pear,plum,bolt,nut\nmetal,0,0,0,0.55,0.45\nplums,,,0.2,,\n");
    file(d.path(), "weights.csv", "doc,third\nd1,\nd2,0\n");
    run(d.path(), "fit counts.csv -k 3 --fixed-h known.csv --fixed-w weights.csv -q --report -o out").ends(0);
    has(
        &page(d.path().join("out")),
        &[
            "Known before: component 0; its row of H was given, and kept as it is.",
            "Known before: component 1; its row of H was given in part; that part was kept.",
            "Known before: component 0; its column of W was given in part; that part was kept.",
            "component 1 (known)",
            "component 2, ",
        ],
    );
}

/// Sparse data, by rows and by columns, has the page of the dense, but for its fingerprint and what follows from sums in another order.
#[test]
fn data_of_every_kind_has_a_page() {
    let d = dir();
    let sparse = "%%MatrixMarket matrix coordinate real general\n3 4 5\n1 1 2\n1 3 4\n2 2 3\n3 1 1\n3 4 5\n";
    file(d.path(), "v.mtx", sparse);
    for options in ["", "--transpose"] {
        run(d.path(), &format!("fit v.mtx -k 2 {options} -q --report -o out")).ends(0);
        has(&page(d.path().join("out")), &[">feature 0</text>", "sample 0 ("]);
    }
    // as wavelengths are
    let mut spectra = "name,400,410,420,430,440,450,460,470,480\n".to_owned();
    for i in 0..6 {
        let row: Vec<String> = (0..9).map(|j| ((i * j) % 5).to_string()).collect();
        spectra += &format!("s{i},{}\n", row.join(","));
    }
    file(d.path(), "spectra.csv", spectra);
    run(d.path(), "fit spectra.csv --header yes -k 2 -q --report -o out").ends(0);
    let found = page(d.path().join("out"));
    has(&found, &["figure id=\"profiles\"", ">400</text>", ">480</text>", "<polyline class=\"line-a\""]);
    assert!(!found.contains("figure id=\"features\""));
}

#[test]
fn components_of_pictures_are_pictures() {
    let d = dir();
    for folder in ["grey", "colour"] {
        fs::create_dir(d.path().join(folder)).unwrap();
    }
    for i in 0..5 {
        let level = |j: usize| ((i * 7 + j * 3) % 11 * 20) as f64;
        let grey: Vec<f64> = (0..12).map(level).collect();
        let view = orthant::View::row_major(&grey, 3, 4).unwrap();
        write_matrix(d.path().join(format!("grey/{i}.png")), view, Names::default()).unwrap();
        let colour: Vec<f64> = (0..36).map(level).collect();
        let view = orthant::View::row_major(&colour, 3, 12).unwrap();
        write_colour(d.path().join(format!("colour/{i}.png")), view).unwrap();
    }
    for (line, pictures) in [
        ("grey -k 3", 3),
        ("colour -k 2 --channels", 2),
        ("grey/0.png -k 2", 2),
        ("colour/0.png -k 4 --channels", 4),
        // without its sides a picture is a matrix
        ("grey/0.png -k 2 --transpose", 0),
    ] {
        run(d.path(), &format!("fit {line} -q --report -o out")).ends(0);
        assert_eq!(page(d.path().join("out")).matches("<image class=\"photo\"").count(), pictures, "{line}");
    }
}

#[test]
fn topics_have_words_and_documents() {
    let d = dir();
    let docs = d.path().join("docs");
    fs::create_dir(&docs).unwrap();
    for i in 0..6 {
        let words = ["apple pear plum cherry", "bolt nut screw washer"][i % 2];
        let text = format!("<b>Text\u{202e} {i}</b>\n{}\nand more\n", [words; 3].join(" "));
        file(&docs, &format!("text{i}.txt"), text);
    }
    let ran = run(d.path(), "topics docs -k 2 -o out --report").ends(0);
    assert!(ran.out.contains("model.safetensors, report.html\n"), "{}", ran.out);
    let found = page(d.path().join("out"));
    has(
        &found,
        &[
            "<title>Topics of docs</title>",
            "2 topics explain ",
            "6 documents with ",
            ">cherry</text>",
            ">washer</text>",
            "docs/text0.txt (100 %)",
            "&lt;b&gt;Text\u{fffd} 0&lt;/b&gt; apple pear plum",
            "<pre>orthant topics docs -k 2 -o out --report</pre>",
        ],
    );
    // by its place on the machine it is the same page, but for what was typed
    let (place, elsewhere) = (docs.to_str().unwrap(), dir());
    run(elsewhere.path(), &format!("topics {place} -k 2 -o out --report -q --threads 1 --documents none"))
        .ends(0);
    assert!(page(elsewhere.path().join("out")) == found);
    run(d.path(), "topics docs docs/text0.txt docs/text1.txt -k 2 -o out --report -q --ldavis l.json")
        .ends(0);
    has(&page(d.path().join("out")), &["<title>Topics of docs and 2 more</title>"]);
    run(d.path(), "topics docs -k 2 -o out -q").ends(0);
    assert!(!d.path().join("out/report.html").exists());
}
