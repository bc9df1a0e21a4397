//! What the command reads of a table, and what it says of it.

mod common;

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use common::{COUNTS, Ran, dir, file, orthant, run};

#[track_caller]
fn warns(d: &Path, name: &str, content: &str, args: &str, shape: &str, warnings: &[&str]) {
    file(d, name, content);
    let ran = run(d, &format!("fit {name} {args} -k 1 --print")).ends(0);
    let lines: Vec<String> =
        warnings.iter().map(|text| format!("orthant: warning: {name}: {text}\n")).collect();
    assert_eq!(ran.err, lines.concat(), "{name}");
    assert!(ran.out.starts_with(&format!("{name}: {shape}")), "{}", ran.out);
}

#[test]
fn a_guess_is_said_with_the_argument_that_overrides_it() {
    let d = dir();
    let d = d.path();
    let ids = "id,a,b\n101,3,1\n102,1,2\n103,5,1\n";
    let guess = "the whole numbers in the first column (\"id\") were taken for the names of the rows; --labels=no takes them \
                 for data";
    warns(d, "ids.csv", ids, "", "3×2", &[guess]);
    warns(d, "ids.csv", ids, "--labels=no", "3×3", &[]);
    let years = "country,1990,1991\nFR,3,1\nDE,1,4\n";
    let guess = "the numbers in line 1, from 1990, were taken for the names of the columns; --header=no takes them for data";
    warns(d, "years.csv", years, "", "2×2", &[guess]);
    warns(d, "years.csv", years, "--header=no", "3×2", &[]);
    let twice = ["1 name is given to several rows: \"A\"", "1 name is given to several columns: \"s1\""];
    warns(d, "twice.csv", "gene,s1,s1,s2\nA,1,2,3\nA,4,5,6\nB,7,8,1\n", "", "3×3", &twice);
    let ratings = "user,item,rating\n1,10,5\n1,11,3\n2,10,4\n3,12,1\n2,12,2\n";
    let hint = "each line looks like an entry of a matrix (row, column, number); --triplets reads it as one";
    warns(d, "ratings.csv", ratings, "", "5×3", &[hint]);
    warns(d, "ratings.csv", ratings, "--triplets", "3×3, 5 entries", &[]);
}

#[test]
fn errors_name_arguments() {
    let d = dir();
    let d = d.path();
    let says = |name: &str, content: &str, args: &str, code: i32, parts: &[&str]| {
        file(d, name, content);
        let ran = run(d, &format!("fit {name} {args} -k 1 --print")).ends(code);
        assert!(ran.err.starts_with("orthant: error: ") && !ran.err.contains("ReadOptions"), "{}", ran.err);
        assert!(parts.iter().all(|part| ran.err.contains(part)), "{}", ran.err);
    };
    says("iris.csv", "a,kind\n1,x\n2,y\n", "", 1, &["column \"kind\" holds words", "--drop=kind"]);
    run(d, "fit iris.csv --drop kind -k 1 -q --print").ends(0);
    run(d, "fit iris.csv --drop 2 -k 1 -q --print").ends(0);
    says("iris.csv", "a,kind\n1,x\n2,y\n", "--drop sort", 2, &["no column \"sort\""]);
    says("gap.csv", "a,b\n1,2\n,4\n", "", 1, &["line 3, field 1", "fill it in", "--drop"]);
    says("nan.csv", "a,b\n1,2\nNaN,4\n", "", 1, &["line 3, field 1", "NaN", "--missing nan"]);
    says("either.csv", "a;b\n1,234;2\n", "", 1, &["line 2: '1,234'", "--decimal=,"]);
    run(d, "fit either.csv --decimal , -k 1 -q --print").ends(0);
    says("header.csv", "gene,1,2,3\nTP53,0,4,1\nMYC,5,0,2\n", "", 1, &["--header=yes or --header=no"]);
    says("v.csv", "1,2\n", "--delimiter :", 2, &["one of , ; | tab and blanks"]);
    says("v.csv", "1,2\n", "--decimal :", 2, &["'.' or ','"]);
    says("v.csv", "1,2\n", "--triplets --labels yes", 2, &["cannot be used with"]);
    says(
        "v.mtx",
        "%%MatrixMarket matrix coordinate integer general\n1 1 1\n1 1 1\n",
        "--drop a",
        2,
        &["v.mtx: --drop and triplets are for tables"],
    );
}

fn piped(d: &Path, args: &str, content: &[u8]) -> Ran {
    let mut child = orthant(d)
        .args(args.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(content).unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn standard_input() {
    let d = dir();
    let d = d.path();
    let path = file(d, "counts.csv", COUNTS);
    let want = run(d, "fit counts.csv -k 2 -q --print").ends(0).out;
    let names = if cfg!(unix) { &["-", "/dev/stdin"][..] } else { &["-"] };
    for name in names {
        let ran = piped(d, &format!("fit {name} -k 2 -q --print"), COUNTS.as_bytes()).ends(0);
        assert_eq!((ran.out.as_str(), ran.err.as_str()), (want.as_str(), ""));
    }
    // whatever its kind
    run(d, "fit counts.csv -k 2 -q -o o").ends(0);
    let h = std::fs::read(d.join("o/H.npy")).unwrap();
    let ran = piped(d, "fit - -k 1 --print", &h).ends(0);
    assert!(ran.out.starts_with("-: 2×5"), "{}", ran.out);
    let ran = piped(d, "transform o -", COUNTS.as_bytes()).ends(0);
    assert_eq!(ran.out, run(d, &format!("transform o {}", path.display())).ends(0).out);
    let ran = piped(d, "fit - -k 1 --print", b"1,2\n3,x\n").ends(1);
    assert!(ran.err.starts_with("orthant: error: standard input: line 2, field 2"), "{}", ran.err);
}

/// W of data that is W·H, whatever the file of H.
#[test]
fn components_from_a_plain_matrix() {
    let d = dir();
    let d = d.path();
    let h = "g1,g2,g3,g4\n9,0,1,0\n0,8,0,2\n";
    file(d, "H.csv", h);
    file(d, "named.csv", ",g1,g2,g3,g4\np,9,0,1,0\nq,0,8,0,2\n");
    file(d, "H.txt", "9 0 1 0\n0 8 0 2\n");
    file(d, "new.csv", "cell,g1,g2,g3,g4\nc1,9,0,1,0\nc2,18,8,2,2\n");
    for model in ["H.csv", "named.csv", "H.txt"] {
        let ran = run(d, &format!("transform {model} new.csv")).ends(0);
        assert_eq!((ran.out.as_str(), ran.err.as_str()), (",component_0,component_1\nc1,1,0\nc2,2,1\n", ""));
    }
    run(d, "fit new.csv -k 2 -q -o o").ends(0);
    let of_model = run(d, "transform o new.csv -q -o of_model.csv").ends(0);
    assert_eq!(of_model.err, "");
    for model in ["o/H.npy", "o/H.csv"] {
        assert_eq!(run(d, &format!("transform {model} new.csv -o of_h.csv")).ends(0).err, "");
        let read = |name: &str| std::fs::read_to_string(d.join(name)).unwrap();
        assert_eq!(read("of_h.csv"), read("of_model.csv"), "{model}");
    }
    file(d, "negative.csv", "1,-2\n");
    let ran = run(d, "transform negative.csv new.csv").ends(1);
    assert!(
        ran.err.contains("negative.csv: line 1, field 2 (row 0, column 1): -2 is negative"),
        "{}",
        ran.err
    );
    let ran = run(d, "transform H.csv new.csv --compatible").ends(2);
    assert!(ran.err.contains("does not say how it was fitted"), "{}", ran.err);
}

#[test]
fn columns_by_name() {
    let d = dir();
    let d = d.path();
    file(d, "H.csv", "g1,g2,g3,g4\n9,0,1,0\n0,8,0,2\n");
    file(d, "permuted.csv", "cell,g4,g3,g2,g1\nn1,0,1,0,9\nn2,2,2,8,18\n");
    let ran = run(d, "transform H.csv permuted.csv").ends(1);
    assert!(
        ran.err.contains("column 0 (counting from 0) is \"g4\"") && ran.err.contains("--match-names"),
        "{}",
        ran.err
    );
    let want = ",component_0,component_1\nn1,1,0\nn2,2,1\n";
    let ran = run(d, "transform H.csv permuted.csv --match-names").ends(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), (want, ""));
    // more columns, which are left out, and one that is not there
    file(d, "more.csv", "cell,g4,x,g3,g2,y,g1\nn1,0,7,1,0,5,9\nn2,2,7,2,8,5,18\n");
    let ran = run(d, "transform H.csv more.csv --match-names").ends(0);
    assert_eq!(ran.out, want);
    assert_eq!(
        ran.err,
        "orthant: warning: more.csv: 2 of its 6 columns are unknown to the model and left out\n"
    );
    file(d, "fewer.csv", "cell,g4,g1\nn1,0,9\n");
    let ran = run(d, "transform H.csv fewer.csv --match-names").ends(1);
    assert!(
        ran.err.contains("2 of the 4 columns that H.csv was fitted to are not in it; the first is \"g2\""),
        "{}",
        ran.err
    );
    file(d, "twice.csv", "cell,g4,g3,g2,g1,g1\nn1,0,1,0,9,9\n");
    let ran = run(d, "transform H.csv twice.csv --match-names").ends(1);
    assert!(ran.err.contains("several columns are called \"g1\""), "{}", ran.err);
    file(d, "plain.csv", "9,0,1,0\n0,8,0,2\n");
    let ran = run(d, "transform H.csv plain.csv --match-names").ends(1);
    assert!(ran.err.contains("plain.csv: its columns have no names"), "{}", ran.err);
    let ran = run(d, "transform plain.csv permuted.csv --match-names").ends(1);
    assert!(ran.err.contains("plain.csv: its columns have no names"), "{}", ran.err);
    // sparse data, by rows and by columns
    let list = "cell,gene,n\nn1,g3,1\nn1,g1,9\nn2,g4,2\nn2,g3,2\nn2,x,5\nn2,g2,8\nn2,g1,18\n";
    file(d, "list.csv", list);
    let ran = run(d, "transform H.csv list.csv --triplets --match-names").ends(0);
    assert_eq!(ran.out, want);
    let turned = list.lines().map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        format!("{},{},{}\n", fields[1], fields[0], fields[2])
    });
    file(d, "turned.csv", turned.collect::<String>());
    let ran = run(d, "transform H.csv turned.csv --triplets --transpose --match-names").ends(0);
    assert_eq!(ran.out, want);
}

#[test]
fn what_is_guessed_of_factors_is_said_too() {
    let d = dir();
    let d = d.path();
    file(d, "v.csv", "3,1\n6,2\n5,2\n");
    file(d, "h.csv", "1,2\n");
    file(d, "w.csv", "id,a\n101,3\n102,1\n103,2\n");
    let said = "orthant: warning: w.csv: the whole numbers in the first column (\"id\") were taken for the names of the rows; if that \
                is wrong, save it as npy\n";
    let ran = run(d, "fit v.csv -k 1 --start-w w.csv --start-h h.csv -q -o out").ends(0);
    assert_eq!(ran.err, said);
    for args in ["reconstruct out --weights w.csv -q -o v.npy", "show out --weights w.csv"] {
        assert_eq!(run(d, args).ends(0).err, said, "{args}");
    }
    // nothing is guessed of what a fit has written
    run(d, "fit v.csv -k 1 --format csv -q -o out").ends(0);
    assert_eq!(run(d, "show out").ends(0).err, "");
    // a remark without advice on how to read is said as it is
    file(d, "twice.csv", "id,a,a\nx,3,1\n");
    let ran = run(d, "transform twice.csv v.csv -q -o w.npy").ends(0);
    assert_eq!(ran.err, "orthant: warning: twice.csv: 1 name is given to several columns: \"a\"\n");
}
