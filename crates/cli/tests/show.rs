//! The features that weigh most in each component, as `orthant fit` and `orthant show` print them.

mod common;

use std::path::Path;

use common::{dir, file, run};

/// The sum of two products of a column and a row, one of fruit and one of hardware. Their totals are 18 and 27, and the shares
/// of the features those in their rows.
const BLOCKS: &str = "\
doc,apple,pear,plum,bolt,nut
d0,3,2,1,0,0
d1,6,4,2,0,0
d2,0,0,0,5,4
d3,0,0,0,10,8
";
const HARDWARE: &str = "component 0 (total 27, 60.0 %): bolt 0.556, nut 0.444";
const FRUIT: &str = "component 1 (total 18, 40.0 %): apple 0.500, pear 0.333, plum 0.167";

/// The lines on components.
fn components(out: &str) -> Vec<&str> {
    out.lines().filter(|line| line.starts_with("component ")).collect()
}

fn fitted(dir: &Path) -> String {
    file(dir, "v.csv", BLOCKS);
    run(dir, "fit v.csv -k 2 --tol 1e-9 -o out").ends(0).out
}

#[test]
fn a_fit_of_named_columns_prints_a_line_for_each_component() {
    let d = dir();
    let out = fitted(d.path());
    let lines = components(&out);
    assert_eq!(lines, [HARDWARE, FRUIT], "what the other part has is next to nothing");
    let run = |more: &str| run(d.path(), &format!("fit v.csv -k 2 --tol 1e-9 {more}")).ends(0).out;
    let out = run("--top 1 -o one");
    assert_eq!(
        components(&out),
        ["component 0 (total 27, 60.0 %): bolt 0.556", "component 1 (total 18, 40.0 %): apple 0.500"]
    );
    assert_eq!(components(&run("--top 0 -o none")).len(), 0);
    assert_eq!(run("-q -o quiet"), "");
    // by whatever way the names come
    assert!(components(&run("--loss kl -o kl"))[0].starts_with(HARDWARE));
    file(d.path(), "long.csv", "r,a,3\nr,b,1\ns,a,6\ns,b,2\n");
    let ran = common::run(d.path(), "fit long.csv --triplets --header no -k 1 -o long").ends(0);
    assert_eq!(components(&ran.out), ["component 0 (total 12, 100.0 %): a 0.750, b 0.250"]);
}

#[test]
fn show_prints_the_same_again() {
    let d = dir();
    let printed = fitted(d.path());
    for of in ["out", "out/model.safetensors"] {
        let shown = run(d.path(), &format!("show {of}")).ends(0);
        assert!(shown.out.starts_with(&format!("{of}: 4×5, float64, 2 components\n")), "{}", shown.out);
        assert_eq!(components(&shown.out), components(&printed));
        assert!(shown.out.lines().nth(1).unwrap().contains(": relative error 0.00"), "{}", shown.out);
        assert_eq!(shown.err, "");
    }
    let shown = run(d.path(), "show out --top 2").ends(0);
    assert_eq!(components(&shown.out)[1], "component 1 (total 18, 40.0 %): apple 0.500, pear 0.333");
    // twice the weights, twice the totals; how the fit ended is not said of them
    let doubled = "3,0\n6,0\n0,9\n0,18\n";
    file(d.path(), "w.csv", doubled);
    let shown = run(d.path(), "show out --weights w.csv --top 1").ends(0);
    assert_eq!(
        components(&shown.out),
        ["component 0 (total 9, 25.0 %): bolt 0.556", "component 1 (total 27, 75.0 %): apple 0.500"]
    );
    assert!(!shown.out.contains("relative error"), "{}", shown.out);
}

#[test]
fn topics_are_shown_by_their_words() {
    let d = dir();
    std::fs::create_dir(d.path().join("docs")).unwrap();
    for i in 0..4 {
        let text = ["violin orchestra violin ", "anchor harbour "][i % 2].repeat(1 + i);
        file(d.path(), &format!("docs/{i}.txt"), text);
    }
    run(d.path(), "topics docs -k 2 -q -o topics").ends(0);
    let shown = run(d.path(), "show topics --top 1").ends(0);
    let lines: Vec<&str> = shown.out.lines().filter(|line| line.starts_with("topic ")).collect();
    assert!(lines.len() == 2 && lines[0].starts_with("topic 0 (total "), "{}", shown.out);
    assert!(shown.out.contains(": violin 0."), "{}", shown.out);
}

#[test]
fn columns_without_names_have_totals_alone() {
    let d = dir();
    file(d.path(), "v.txt", "3 1\n6 2\n");
    let ran = run(d.path(), "fit v.txt -k 1 -o out").ends(0);
    assert_eq!(components(&ran.out).len(), 0, "{}", ran.out);
    assert!(ran.out.starts_with("v.txt: 2×2, float64, 1 component; "), "{}", ran.out);
    let shown = run(d.path(), "show out").ends(0);
    assert_eq!(components(&shown.out), ["component 0 (total 12, 100.0 %)"]);
    assert!(shown.out.starts_with("out: 2×2, float64, 1 component\n"), "{}", shown.out);
    for args in ["fit v.txt -k 1 --top 3 -o again", "show out --top 3"] {
        let ran = run(d.path(), args).ends(1);
        assert!(ran.err.contains("its columns have no names that --top could print"), "{args}: {}", ran.err);
    }
    run(d.path(), "fit v.txt -k 1 --top 0 -o again").ends(0);
    for with in ["--quiet", "--explain"] {
        let ran = run(d.path(), &format!("fit v.txt -k 1 --top 3 {with} -o again")).ends(2);
        assert!(ran.err.contains("cannot be used with"), "{}", ran.err);
    }
}

#[test]
fn numbers_of_one_are_singular() {
    let d = dir();
    fitted(d.path());
    let out = run(d.path(), "fit v.csv -k 1 --solver mu --max-iter 1 -o one").ends(0).out;
    assert!(out.contains(", 1 component; ") && out.contains(" after 1 iteration, "), "{out}");
    let out = run(d.path(), "fit v.csv -k 1 --minibatch --max-iter 1 -o batch").ends(0).out;
    assert!(out.contains(" after 1 step in 1 pass, "), "{out}");
    let out = run(d.path(), "show batch").ends(0).out;
    assert!(out.contains(" after 1 pass, "), "{out}");
    file(d.path(), "one.csv", "r,a,3\n");
    let out = run(d.path(), "fit one.csv --triplets --header no -k 1 -o sparse").ends(0).out;
    assert!(out.contains(": 1×1, 1 entry (100 %)"), "{out}");
}

#[test]
fn results_that_do_not_go_together_are_errors() {
    let d = dir();
    fitted(d.path());
    let other = orthant::View::row_major(&[1.0, 2.0], 1, 2).unwrap();
    orthant_io::write_matrix(d.path().join("out/W.npy"), other, orthant_io::Names::default()).unwrap();
    let ran = run(d.path(), "show out").ends(1);
    assert!(ran.err.contains("not the weights that were found with the model"), "{}", ran.err);
    file(d.path(), "w.csv", "1,-2\n");
    let ran = run(d.path(), "show out --weights w.csv").ends(1);
    assert!(ran.err.contains("w.csv: ") && ran.err.contains("-2"), "{}", ran.err);
    file(d.path(), "w.csv", "1\n2\n");
    let ran = run(d.path(), "show out --weights w.csv").ends(1);
    assert!(ran.err.contains("w.csv: 1 column, but the model has 2 components"), "{}", ran.err);
    // the same numbers in W.csv are as good
    std::fs::remove_file(d.path().join("out/W.npy")).unwrap();
    run(d.path(), "show out").ends(0);
    std::fs::remove_file(d.path().join("out/W.csv")).unwrap();
    let ran = run(d.path(), "show out").ends(1);
    assert!(ran.err.contains("cannot read out/W.npy"), "{}", ran.err);
}
