//! `orthant fit`, `transform` and `reconstruct` on small data.

mod common;

use common::{COUNTS, dir, file, listing, run};
use orthant_io::{ReadOptions, read_matrix};
use serde_json::Value;

#[test]
fn the_six_by_two_example_prints_scikit_learns_numbers() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let ran = run(
        root.as_ref(),
        "fit examples/six-by-two.csv -k 2 --solver cd --init random --seed 0 --print --quiet",
    );
    let ran = ran.ends(0);
    assert_eq!(
        ran.out,
        "\
W =
[[0.         0.46880684]
 [0.55699523 0.3894146 ]
 [1.00331638 0.41925352]
 [1.6733999  0.22926926]
 [2.34349311 0.03927954]
 [2.78981512 0.06911798]]
H =
[[2.09783018 0.30560234]
 [2.13443044 2.13171694]]
iterations = 30
error = 0.00115993492160
"
    );
    assert_eq!(ran.err, "");
}

#[test]
fn a_table_with_names_goes_all_the_way_round() {
    let d = dir();
    file(d.path(), "counts.csv", COUNTS);
    let ran = run(d.path(), "fit counts.csv -k 2 --seed 3 -o out/deep").ends(0);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(
        lines[0].starts_with("counts.csv: 8×5, float64, 2 components; 320 B of data and up to "),
        "{}",
        lines[0]
    );
    assert!(lines[1].starts_with("converged after "), "{}", lines[1]);
    assert!(ran.out.ends_with("report.json, model.safetensors, W.csv, H.csv\n"), "{}", ran.out);
    assert_eq!(ran.err, "", "nothing in a pipe");
    let out = d.path().join("out/deep");
    assert_eq!(listing(&out), ["H.csv", "H.npy", "W.csv", "W.npy", "model.safetensors", "report.json"]);

    let w = read_matrix::<f64>(out.join("W.npy"), &ReadOptions::default()).unwrap();
    let named = read_matrix::<f64>(out.join("W.csv"), &ReadOptions::default()).unwrap();
    assert_eq!(w.data(), named.data());
    assert_eq!((w.nrows(), w.ncols()), (8, 2));
    assert_eq!(named.row_names().unwrap()[7], "d7");
    let h = read_matrix::<f64>(out.join("H.csv"), &ReadOptions::default()).unwrap();
    assert_eq!(h.col_names().unwrap(), ["apple", "pear", "plum", "bolt", "nut"]);
    assert_eq!(h.row_names().unwrap(), ["component_0", "component_1"]);

    let report: Value = serde_json::from_slice(&std::fs::read(out.join("report.json")).unwrap()).unwrap();
    assert_eq!(report["stop_reason"], "converged");
    assert_eq!(report["input"]["rows"], 8);
    assert_eq!(report["options"]["seed"], 3);
    assert_eq!(report["history"].as_array().unwrap().len() as u64, report["iterations"].as_u64().unwrap());
    assert!(report["relative_error"].as_f64().unwrap() < 0.1);

    // new samples, in a file that has them in another number
    file(d.path(), "new.csv", "doc,apple,pear,plum,bolt,nut\nn0,30,20,10,0,0\nn1,0,0,0,0,0\n");
    let ran = run(d.path(), "transform out/deep new.csv").ends(0);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines[0], ",component_0,component_1");
    assert!(lines[1].starts_with("n0,") && lines[2] == "n1,0,0", "{}", ran.out);
    let ran = run(d.path(), "transform out/deep/model.safetensors new.csv -o new.npy").ends(0);
    assert_eq!(ran.out, "saved W (2×2) in new.npy\n");
    assert_eq!(read_matrix::<f64>(d.path().join("new.npy"), &ReadOptions::default()).unwrap().nrows(), 2);

    // W·H, with the names of the columns, close to the data
    run(d.path(), "reconstruct out/deep -o approx.csv").ends(0);
    let approx = read_matrix::<f64>(d.path().join("approx.csv"), &ReadOptions::default()).unwrap();
    let counts = read_matrix::<f64>(d.path().join("counts.csv"), &ReadOptions::default()).unwrap();
    assert_eq!(approx.col_names(), counts.col_names());
    assert!(approx.data().iter().zip(counts.data()).all(|(a, b)| (a - b).abs() < 0.8));
    let ran = run(d.path(), "reconstruct out/deep --weights new.npy -o new.json").ends(0);
    assert_eq!(ran.out, "saved W·H (2×5) in new.json\n");
}

#[test]
fn an_image_is_compressed_and_comes_back() {
    let d = dir();
    let pixels: Vec<f64> = (0..48 * 64).map(|p| (p / 64 * 5) as f64 * ((p % 64) as f64 / 63.0)).collect();
    let view = orthant::View::row_major(&pixels, 48, 64).unwrap();
    orthant_io::write_matrix(d.path().join("photo.png"), view, orthant_io::Names::default()).unwrap();
    run(d.path(), "fit photo.png -k 3 -o photo").ends(0);
    let ran = run(d.path(), "reconstruct photo -o approx.png").ends(0);
    assert_eq!(ran.out, "saved W·H (48×64) in approx.png\n");
    let read = |name| read_matrix::<f64>(d.path().join(name), &ReadOptions::default()).unwrap();
    assert!(
        read("photo.png").data().iter().zip(read("approx.png").data()).all(|(a, b)| (a - b).abs() <= 2.0)
    );
}

#[test]
fn every_solver_and_precision_runs_and_the_same_input_gives_the_same_bytes() {
    let d = dir();
    file(d.path(), "v.txt", "# a comment\n1 2 3\n4 5 6\n7 8 10\n0 1 0\n");
    for (i, options) in [
        "--solver cd",
        "--solver mu --tol 1e-3",
        "--solver hals --sweeps 3",
        "--f32",
        "--products gemm",
        "--alpha-w 0.01 --alpha-h 0.02 --l1-ratio 0.5",
        "--max-iter 4 --tol 0",
        "--max-seconds 0",
        "--threads 1",
    ]
    .iter()
    .enumerate()
    {
        run(d.path(), &format!("fit v.txt -k 2 {options} -q -o a{i}")).ends(0);
        run(d.path(), &format!("fit v.txt -k 2 {options} -q -o b{i}")).ends(0);
        for name in ["W.npy", "H.npy"] {
            let bytes = |x: &str| std::fs::read(d.path().join(format!("{x}{i}")).join(name)).unwrap();
            assert_eq!(bytes("a"), bytes("b"), "{options} {name}");
        }
        let report: Value =
            serde_json::from_slice(&std::fs::read(d.path().join(format!("a{i}/report.json"))).unwrap())
                .unwrap();
        match *options {
            "--max-iter 4 --tol 0" => {
                assert_eq!(
                    (&report["iterations"], &report["stop_reason"]),
                    (&4.into(), &"max_iterations".into())
                );
            }
            "--max-seconds 0" => assert_eq!(report["stop_reason"], "time_limit"),
            "--f32" => assert_eq!(report["input"]["dtype"], "float32"),
            _ => {}
        }
    }
    // a model in single precision serves as one in double does
    let ran = run(d.path(), "transform a3 v.txt").ends(0);
    assert_eq!(ran.out.lines().count(), 4);
    run(d.path(), "reconstruct a3 -o v.npy").ends(0);
    // and the npy file that came of it is fitted in its own precision, unless told otherwise
    assert!(run(d.path(), "fit v.npy -k 1 --print").ends(0).out.contains("float32"));
    assert!(run(d.path(), "fit v.npy -k 1 --print --f64").ends(0).out.contains("float64"));
}

#[test]
fn warnings_go_to_standard_error() {
    let d = dir();
    file(d.path(), "v.csv", "1,2\n3,4\n5,7\n");
    let ran = run(d.path(), "fit v.csv -k 3 --max-iter 1 -q -o out").ends(0);
    assert_eq!(ran.out, "");
    let lines: Vec<&str> = ran.err.lines().collect();
    assert_eq!(lines.len(), 2, "{}", ran.err);
    assert!(lines.iter().all(|l| l.starts_with("orthant: warning: ")), "{}", ran.err);
    // what an image cannot hold
    file(d.path(), "bright.csv", "400,1\n1,300\n");
    run(d.path(), "fit bright.csv -k 2 -q -o bright").ends(0);
    let ran = run(d.path(), "reconstruct bright -o bright.png").ends(0);
    assert_eq!(ran.err, "orthant: warning: 2 of 4 entries are outside 0..255 and were clipped\n");
}

#[test]
fn the_demo_draws_two_sheets() {
    let d = dir();
    let ran = run(d.path(), "demo").ends(0);
    assert!(ran.out.contains("V is 1797×64") && ran.out.contains('•'), "{}", ran.out);
    let demo = d.path().join("orthant-demo");
    assert_eq!(listing(&demo), ["parts.png", "reconstructions.png"]);
    let read = |name| read_matrix::<f64>(demo.join(name), &ReadOptions::default()).unwrap();
    let (parts, pairs) = (read("parts.png"), read("reconstructions.png"));
    assert_eq!((parts.nrows(), pairs.ncols()), (4 * 102 + 6, 10 * 102 + 6));
    // each part has ink, and the reconstructions resemble the originals above them
    for t in 0..16 {
        let tile =
            parts.view().rows(t / 4 * 102 + 6..t / 4 * 102 + 102).cols(t % 4 * 102 + 6..t % 4 * 102 + 102);
        assert!((0..96).any(|i| (0..96).any(|j| tile.at(i, j) == 0.0)), "part {t} is blank");
    }
    let (mut apart, mut ink) = (0.0, 0.0);
    for i in 6..102 {
        for j in 0..pairs.ncols() {
            let (a, b) = (pairs.view().at(i, j), pairs.view().at(i + 102, j));
            apart += (a - b).powi(2);
            ink += (255.0 - a).powi(2);
        }
    }
    assert!(apart < 0.12 * ink, "{}", apart / ink);
}
