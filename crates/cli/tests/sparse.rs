//! Sparse files through every command.

mod common;

use std::path::Path;

use common::{dir, file, run};
use orthant::Csr;
use orthant_io::{ReadOptions, read_matrix, write_npz};

/// Eight cells by five genes, two programs: every row of `rows` says which genes, and how often.
const ROWS: [[f64; 5]; 8] = [
    [3.0, 2.0, 1.0, 0.0, 0.0],
    [6.0, 4.0, 2.0, 0.0, 0.0],
    [0.0, 0.0, 0.0, 5.0, 4.0],
    [0.0; 5],
    [3.0, 2.0, 1.0, 5.0, 4.0],
    [9.0, 6.0, 3.0, 0.0, 0.0],
    [0.0, 0.0, 0.0, 15.0, 12.0],
    [6.0, 4.0, 2.0, 5.0, 4.0],
];

/// As Matrix Market has it, a gene in each row as in a folder of 10x.
fn genes_by_cells() -> String {
    let entries: Vec<String> = (0..8)
        .flat_map(|i| (0..5).map(move |j| (i, j)))
        .filter(|&(i, j)| ROWS[i][j] != 0.0)
        .map(|(i, j)| format!("{} {} {}\n", j + 1, i + 1, ROWS[i][j]))
        .collect();
    let count = entries.len();
    format!("%%MatrixMarket matrix coordinate integer general\n5 8 {count}\n{}", entries.concat())
}

/// A folder of 10x, with names.
fn folder(dir: &Path) {
    std::fs::create_dir(dir.join("cells")).unwrap();
    file(dir, "cells/matrix.mtx", genes_by_cells());
    let genes: String = (0..5).map(|j| format!("ENS{j}\tgene{j}\tGene Expression\n")).collect();
    file(dir, "cells/features.tsv", genes);
    file(dir, "cells/barcodes.tsv", (0..8).map(|i| format!("AAC{i}-1\n")).collect::<String>());
}

fn npz(dir: &Path) {
    let csr = Csr::of_dense(&orthant::Dense::from_fn(8, 5, |i, j| ROWS[i][j]));
    write_npz(dir.join("v.npz"), &csr).unwrap();
}

fn factor(path: impl AsRef<Path>) -> Vec<f64> {
    read_matrix::<f64>(path, &ReadOptions::default()).unwrap().data().to_vec()
}

#[test]
fn a_10x_folder_goes_all_the_way_round_with_its_names() {
    let d = dir();
    folder(d.path());
    let ran = run(d.path(), "fit cells --transpose -k 2 --loss kl -o out").ends(0);
    let first = ran.out.lines().next().unwrap();
    assert!(first.starts_with("cells: 8×5, 23 entries (57.5 %), float64, 2 components; "), "{first}");
    assert!(ran.out.ends_with("W.csv, H.csv\n"), "{}", ran.out);
    let read =
        |name: &str| read_matrix::<f64>(d.path().join("out").join(name), &ReadOptions::default()).unwrap();
    let (w, h) = (read("W.csv"), read("H.csv"));
    assert_eq!(w.row_names().unwrap()[7], "AAC7-1");
    assert_eq!(h.col_names().unwrap().len(), 5);
    assert!(h.col_names().unwrap()[4].contains("gene4"), "{:?}", h.col_names());
    // two programs are all there is
    for (i, row) in ROWS.iter().enumerate() {
        for (j, &v) in row.iter().enumerate() {
            let wh: f64 = (0..2).map(|t| w.view().at(i, t) * h.view().at(t, j)).sum();
            assert!((wh - v).abs() < 0.02 * (1.0 + v), "({i}, {j}): {wh} for {v}");
        }
    }
    // new cells, and a hint to who has them the other way round
    let ran = run(d.path(), "transform out cells --transpose").ends(0);
    assert!(ran.out.lines().nth(4).unwrap().starts_with("AAC3-1,0,0"), "{}", ran.out);
    let ran = run(d.path(), "transform out cells").ends(1);
    assert!(ran.err.contains("8 columns") && ran.err.contains("--transpose"), "{}", ran.err);
}

/// What a file holds decides, not how it holds it: the same numbers come from npz, mtx and csv.
#[test]
fn the_same_matrix_in_any_file() {
    let d = dir();
    npz(d.path());
    file(d.path(), "v.mtx", genes_by_cells());
    let text: String = ROWS.iter().map(|row| row.map(|x| x.to_string()).join(",") + "\n").collect();
    file(d.path(), "v.csv", text);
    for options in ["--solver cd --init random", "--loss kl", "--solver hals --sweeps 2", "--minibatch"] {
        run(d.path(), &format!("fit v.npz -k 2 {options} -q -o npz")).ends(0);
        run(d.path(), &format!("fit v.mtx --transpose -k 2 {options} -q -o mtx")).ends(0);
        run(d.path(), &format!("fit v.csv --header no --labels no -k 2 {options} -q -o csv")).ends(0);
        for name in ["W.npy", "H.npy"] {
            let [npz, mtx, csv] = ["npz", "mtx", "csv"].map(|out| factor(d.path().join(out).join(name)));
            for (a, (b, c)) in npz.iter().zip(mtx.iter().zip(&csv)) {
                assert!((a - b).abs() < 1e-9 && (a - c).abs() < 1e-6, "{options}: {name}: {a}, {b}, {c}");
            }
        }
    }
}

#[test]
fn what_is_known_before_the_fit() {
    let d = dir();
    npz(d.path());
    let ran = run(d.path(), "fit v.npz -k 2 --explain").ends(0);
    let first = ran.out.lines().next().unwrap();
    assert!(first.starts_with("data      8×5, 23 ") && first.contains("entries"), "{first}");
    assert!(ran.out.lines().any(|line| line.starts_with("memory")), "{}", ran.out);
    let ran = run(d.path(), "fit v.npz -k 2 --memory-limit 100B -o out").ends(1);
    assert!(ran.err.contains("--memory-limit 100 B") && ran.err.contains("v.npz"), "{}", ran.err);
    run(d.path(), "fit v.npz -k 2 --memory-limit 1MiB -q -o out").ends(0);
    let ran = run(d.path(), "fit v.npz -k 2 --memory-limit much -o out").ends(2);
    assert!(ran.err.contains("such as 500MB or 2GiB"), "{}", ran.err);
}

#[test]
fn what_sparse_files_cannot_be_is_said() {
    let d = dir();
    npz(d.path());
    let ran = run(d.path(), "fit v.npz -k 2 --loss is -o out").ends(1);
    assert!(ran.err.contains("fit sparse data with --loss kl or frobenius"), "{}", ran.err);
    let ran = run(d.path(), "fit v.npz --layer counts -k 2 -o out").ends(1);
    assert!(ran.err.contains("v.npz") && ran.err.contains("counts"), "{}", ran.err);
    file(d.path(), "bad.mtx", "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 1\n2 2 -4\n");
    let ran = run(d.path(), "fit bad.mtx -k 1 -o out").ends(1);
    assert!(ran.err.contains("bad.mtx") && ran.err.contains("-4 is negative"), "{}", ran.err);
    file(d.path(), "short.mtx", "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 1\n");
    let ran = run(d.path(), "fit short.mtx -k 1 -o out").ends(1);
    assert!(ran.err.contains("short.mtx"), "{}", ran.err);
    assert!(!d.path().join("out").exists());
}

/// AnnData's file, by anndata itself: cells by genes, with names and a layer.
#[test]
fn annotated_data() {
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../io/tests/data/sparse/csr.h5ad.gz");
    let d = dir();
    std::fs::copy(packed, d.path().join("cells.h5ad.gz")).unwrap();
    let ran = run(d.path(), "fit cells.h5ad.gz -k 2 -o out").ends(0);
    assert!(ran.out.starts_with("cells.h5ad.gz: 4×3, 5 entries"), "{}", ran.out);
    let w = read_matrix::<f64>(d.path().join("out/W.csv"), &ReadOptions::default()).unwrap();
    assert_eq!(w.row_names().unwrap(), ["AAAC", "AAAG", "AACC", "AACG"]);
    let ran = run(d.path(), "fit cells.h5ad.gz --layer none -k 2 -o out").ends(1);
    assert!(ran.err.contains("none"), "{}", ran.err);
}
