//! Single cells through the command: folders of 10x in every shape, choices among several matrices, results in h5ad.

mod common;

use std::io::{Read, Write};
use std::path::Path;

use common::{dir, file, orthant, run};
use orthant_io::{ReadOptions, read_matrix};

/// Four genes by three cells.
const MATRIX: &str = "%%MatrixMarket matrix coordinate integer general\n%metadata_json: {\"format_version\": 2}\n\
    4 3 9\n1 1 3\n1 3 1\n2 1 1\n2 2 4\n3 2 2\n3 3 5\n4 1 2\n4 2 1\n4 3 7\n";
const GENES: &str = "ENSG1\tDDX\nENSG2\tMIR\nENSG3\tOR4\nENSG4\tCD8\n";
const CELLS: &str = "AAA-1\nCCC-1\nGGG-1\n";

fn typed(kinds: [&str; 4]) -> String {
    let lines = GENES.lines().zip(kinds);
    lines.map(|(gene, kind)| format!("{gene}\t{kind}\n")).collect()
}

fn packed(dir: &Path, name: &str, text: &str) {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(text.as_bytes()).unwrap();
    file(dir, name, gz.finish().unwrap());
}

/// The names of the rows of W and of the columns of H.
fn names(out: &Path) -> [Option<Vec<String>>; 2] {
    let read = |name| read_matrix::<f64>(out.join(name), &ReadOptions::default()).ok();
    [
        read("W.csv").and_then(|w| w.row_names().map(<[String]>::to_vec)),
        read("H.csv").and_then(|h| h.col_names().map(<[String]>::to_vec)),
    ]
}

fn some(names: &str) -> Option<Vec<String>> {
    Some(names.split(' ').map(str::to_owned).collect())
}

#[test]
fn folders_of_every_shape() {
    let kinds = typed(["Gene Expression"; 4]);
    type Files<'a> = &'a [(&'a str, &'a str, bool)];
    let shapes: [(&str, Files<'_>); 6] = [
        (
            "old",
            &[("matrix.mtx", MATRIX, false), ("genes.tsv", GENES, false), ("barcodes.tsv", CELLS, false)],
        ),
        (
            "new",
            &[
                ("matrix.mtx.gz", MATRIX, true),
                ("features.tsv.gz", &kinds, true),
                ("barcodes.tsv.gz", CELLS, true),
            ],
        ),
        (
            "prefix",
            &[
                ("GSM1_PDAC_matrix.mtx", MATRIX, false),
                ("GSM1_PDAC_genes.tsv", GENES, false),
                ("GSM1_PDAC_barcodes.tsv", CELLS, false),
                ("README.txt", "of no use", false),
            ],
        ),
        (
            "prefix, packed",
            &[
                ("GSM2.matrix.mtx.gz", MATRIX, true),
                ("GSM2.features.tsv.gz", &kinds, true),
                ("GSM2.barcodes.tsv.gz", CELLS, true),
            ],
        ),
        (
            "packed and not",
            &[
                ("matrix.mtx", MATRIX, false),
                ("matrix.mtx.gz", MATRIX, true),
                ("features.tsv.gz", &kinds, true),
                ("barcodes.tsv", CELLS, false),
            ],
        ),
        (
            "inside",
            &[
                ("hg19/matrix.mtx", MATRIX, false),
                ("hg19/genes.tsv", GENES, false),
                ("hg19/barcodes.tsv", CELLS, false),
            ],
        ),
    ];
    for (shape, files) in shapes {
        let d = dir();
        std::fs::create_dir_all(d.path().join("cells/hg19")).unwrap();
        for &(name, text, gz) in files {
            let name = format!("cells/{name}");
            if gz {
                packed(d.path(), &name, text);
            } else {
                file(d.path(), &name, text);
            }
        }
        let ran = run(d.path(), "fit cells -k 2 -o out --transpose").ends(0);
        assert!(ran.out.starts_with("cells: 3×4, 9 entries"), "{shape}: {}", ran.out);
        assert_eq!(ran.err, "", "{shape}");
        assert_eq!(
            names(&d.path().join("out")),
            [some("AAA-1 CCC-1 GGG-1"), some("DDX MIR OR4 CD8")],
            "{shape}"
        );
        // as it is, genes are the samples
        let ran = run(d.path(), "fit cells -k 2 -o turned").ends(0);
        assert!(ran.out.starts_with("cells: 4×3, 9 entries"), "{shape}: {}", ran.out);
        let said = "orthant: warning: cells: its rows are features (genes), its columns cells, and features become the samples; \
                    --transpose makes it cells\n";
        assert_eq!(ran.err, said, "{shape}");
    }
}

#[test]
fn a_folder_with_cells_in_rows() {
    let d = dir();
    std::fs::create_dir(d.path().join("cells")).unwrap();
    let turned: Vec<String> = MATRIX
        .lines()
        .skip(3)
        .map(|line| {
            let [i, j, x] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            format!("{j} {i} {x}\n")
        })
        .collect();
    let text = format!("%%MatrixMarket matrix coordinate integer general\n3 4 9\n{}", turned.concat());
    file(d.path(), "cells/matrix.mtx", text);
    file(d.path(), "cells/genes.tsv", GENES);
    file(d.path(), "cells/barcodes.tsv", CELLS);
    let ran = run(d.path(), "fit cells -k 2 -o out").ends(0);
    assert_eq!(ran.err, "");
    assert_eq!(names(&d.path().join("out")), [some("AAA-1 CCC-1 GGG-1"), some("DDX MIR OR4 CD8")]);
    let ran = run(d.path(), "fit cells -k 2 -o out --transpose").ends(0);
    assert!(
        ran.err.contains("its rows are cells, its columns features (genes), and --transpose makes"),
        "{}",
        ran.err
    );
}

#[test]
fn names_that_do_not_fit() {
    let three_genes = GENES.rsplit_once("ENSG4").unwrap().0;
    let five_cells = format!("{CELLS}TTT-1\nTAT-1\n");
    for (genes, cells, warnings, rows, cols) in [
        (
            GENES,
            "AAA-1\nCCC-1\n",
            &["barcodes.tsv has 2 names for 3 columns"][..],
            None,
            some("DDX MIR OR4 CD8"),
        ),
        (GENES, &five_cells, &["barcodes.tsv has 5 names for 3 columns"], None, some("DDX MIR OR4 CD8")),
        (three_genes, CELLS, &["genes.tsv has 3 names for 4 rows"], some("AAA-1 CCC-1 GGG-1"), None),
        (
            three_genes,
            "AAA-1\n",
            &["genes.tsv has 3 names for 4 rows", "barcodes.tsv has 1 names for 3 columns"],
            None,
            None,
        ),
    ] {
        let d = dir();
        std::fs::create_dir(d.path().join("cells")).unwrap();
        file(d.path(), "cells/matrix.mtx", MATRIX);
        file(d.path(), "cells/genes.tsv", genes);
        file(d.path(), "cells/barcodes.tsv", cells);
        let ran = run(d.path(), "fit cells -k 2 -o out --transpose").ends(0);
        assert_eq!(ran.err.lines().count(), warnings.len(), "{}", ran.err);
        for warning in warnings {
            assert!(ran.err.contains(&format!("orthant: warning: cells: {warning}: these")), "{}", ran.err);
        }
        assert_eq!(names(&d.path().join("out")), [rows, cols]);
    }
    // one file of names alone
    let d = dir();
    std::fs::create_dir(d.path().join("cells")).unwrap();
    file(d.path(), "cells/matrix.mtx", MATRIX);
    file(d.path(), "cells/genes.tsv", GENES);
    run(d.path(), "fit cells -k 2 -o out --transpose").ends(0);
    assert_eq!(names(&d.path().join("out")), [None, some("DDX MIR OR4 CD8")]);
}

#[test]
fn folders_with_several_matrices_or_none() {
    let d = dir();
    for folder in ["two", "none", "nested/hg19", "nested/mm10"] {
        std::fs::create_dir_all(d.path().join(folder)).unwrap();
    }
    file(d.path(), "two/a_matrix.mtx", MATRIX);
    packed(d.path(), "two/b_matrix.mtx.gz", MATRIX);
    file(d.path(), "none/counts.txt", "1 2\n");
    file(d.path(), "nested/hg19/matrix.mtx", MATRIX);
    file(d.path(), "nested/mm10/matrix.mtx", MATRIX);
    for (folder, want) in [
        (
            "two",
            "two: a folder with several matrices: name the one that is meant: a_matrix.mtx, b_matrix.mtx.gz",
        ),
        ("nested", "name the one that is meant: hg19/matrix.mtx, mm10/matrix.mtx"),
        (
            "none",
            "none: this is a folder without a matrix.mtx or matrix.mtx.gz, and without png and jpg files; name the file that is meant",
        ),
    ] {
        let ran = run(d.path(), &format!("fit {folder} -k 1 -o out")).ends(1);
        assert!(ran.err.contains(want), "{}", ran.err);
    }
    run(d.path(), "fit two/b_matrix.mtx.gz -k 1 -o out").ends(0);
}

#[test]
fn types_of_features() {
    let d = dir();
    std::fs::create_dir(d.path().join("cells")).unwrap();
    packed(d.path(), "cells/matrix.mtx.gz", MATRIX);
    let kinds = ["Gene Expression", "Antibody Capture", "Gene Expression", "Peaks"];
    packed(d.path(), "cells/features.tsv.gz", &typed(kinds));
    packed(d.path(), "cells/barcodes.tsv.gz", CELLS);
    let ran = run(d.path(), "fit cells -k 1 -o out --transpose").ends(0);
    let said = "warning: cells: features of several types are read: \"Gene Expression\" (2), \"Antibody Capture\" (1), \"Peaks\" (1); \
                --feature-type chooses one";
    assert!(ran.err.contains(said), "{}", ran.err);
    for (kind, shape, of) in [
        ("Gene Expression", "3×2, 4 entries", "DDX OR4"),
        ("Antibody Capture", "3×1, 2 entries", "MIR"),
        ("Peaks", "3×1, 3 entries", "CD8"),
    ] {
        let arguments = ["fit", "cells", "-k", "1", "-o", "out", "--transpose", "--feature-type", kind];
        let ran = common::Ran::from(orthant(d.path()).args(arguments).output().unwrap()).ends(0);
        assert!(ran.out.starts_with(&format!("cells: {shape}")), "{}", ran.out);
        assert_eq!(ran.err, "");
        assert_eq!(names(&d.path().join("out")), [some("AAA-1 CCC-1 GGG-1"), some(of)]);
    }
    let ran = run(d.path(), "fit cells -k 1 -o out --feature-type RNA").ends(1);
    let want =
        "there are no features of type 'RNA' in it; there are: Gene Expression, Antibody Capture, Peaks";
    assert!(ran.err.contains(want), "{}", ran.err);
    // no types to choose from
    std::fs::remove_file(d.path().join("cells/features.tsv.gz")).unwrap();
    file(d.path(), "cells/genes.tsv", GENES);
    file(d.path(), "v.csv", "1,2\n3,4\n");
    for input in ["cells", "v.csv"] {
        let ran = run(d.path(), &format!("fit {input} -k 1 -o out --feature-type RNA")).ends(1);
        assert!(ran.err.contains("its features have no types"), "{}", ran.err);
    }
}

/// A file of the readers' tests, unpacked.
fn fixture(dir: &Path, from: &str, name: &str) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../io/tests/data");
    let mut bytes = Vec::new();
    let packed = std::fs::File::open(data.join(format!("{from}.gz"))).unwrap();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    file(dir, name, bytes);
}

#[test]
fn several_matrices_in_the_words_of_the_command() {
    let d = dir();
    let two = Path::new(env!("CARGO_MANIFEST_DIR")).join("../io/tests/data/sparse/two.npz");
    std::fs::copy(two, d.path().join("two.npz")).unwrap();
    fixture(d.path(), "sparse/two_genomes.h5", "genomes.h5");
    fixture(d.path(), "sparse/layers.h5ad", "layers.h5ad");
    fixture(d.path(), "cells/layers.loom", "layers.loom");
    for (arguments, want) in [
        ("two.npz", "two.npz: it holds several matrices: say which by --layer NAME; there are: w, h"),
        ("two.npz --layer x", "two.npz: there is no layer 'x' in it; there are: w, h, n"),
        (
            "genomes.h5",
            "genomes.h5: it holds several matrices: say which by --layer NAME; there are: GRCh38, mm10",
        ),
        ("layers.h5ad --layer x", "there is no layer 'x' in it; there are: counts, scaled, raw"),
        ("layers.loom --layer x", "there is no layer 'x' in it; there are: spliced"),
    ] {
        let ran = run(d.path(), &format!("fit {arguments} -k 1 -o out")).ends(1);
        assert!(ran.err.contains(want), "{}", ran.err);
        assert!(!ran.err.contains("ReadOptions"), "{}", ran.err);
    }
}

/// `crates/io/tests/annotate.rs` looks into the copy.
#[test]
fn results_in_a_copy_of_the_file() {
    let d = dir();
    fixture(d.path(), "cells/scanpy.h5ad", "cells.h5ad");
    let before = std::fs::read(d.path().join("cells.h5ad")).unwrap();
    let ran = run(d.path(), "fit cells.h5ad -k 2 -o out --write-obsm NMF --report").ends(0);
    assert!(d.path().join("out/report.html").exists() && d.path().join("out/cells.h5ad").exists());
    assert!(ran.out.contains("with them in obsm, varm and uns: out/cells.h5ad"), "{}", ran.out);
    assert!(std::fs::read(d.path().join("cells.h5ad")).unwrap() == before);
    // a copy is as good as the first
    run(d.path(), "fit out/cells.h5ad -k 2 -o again --write-obsm NMF").ends(0);
    assert_eq!(names(&d.path().join("out")), names(&d.path().join("again")));

    fixture(d.path(), "cells/multiome.h5", "tenx.h5");
    packed(d.path(), "packed.h5ad", "1");
    file(d.path(), "v.csv", "1,2\n3,4\n");
    for (arguments, code, want) in [
        ("cells.h5ad -o .", 1, "cells.h5ad: it is"),
        ("tenx.h5 -o new", 1, "tenx.h5: this is not an AnnData file"),
        ("v.csv -o new", 1, "v.csv: this is no h5ad file"),
        ("cells.h5ad -o new --transpose", 2, "--write-obsm goes with observations as samples"),
        ("cells.h5ad -o new --layer raw", 2, "not with --layer raw"),
        ("cells.h5ad --print", 2, "--out"),
    ] {
        let ran = run(d.path(), &format!("fit {arguments} -k 1 --write-obsm NMF")).ends(code);
        assert!(ran.err.contains(want), "{}", ran.err);
        assert!(!d.path().join("new").exists(), "{arguments}");
    }
}

#[test]
fn programs_are_found_in_h5ad() {
    let d = dir();
    fixture(d.path(), "cells/scanpy.h5ad", "cells.h5ad");
    for layer in ["", " --layer counts"] {
        let args = format!(
            "programs cells.h5ad{layer} -k 2 -n 2 --holdout none --density-threshold 2 --pick 2 -o out{}",
            layer.len()
        );
        let ran = run(d.path(), &args).ends(0);
        let said = "cells.h5ad: 4 cells × 3 genes; 1 cell and 0 genes without a count are left out; 3 genes are fitted";
        assert!(ran.out.starts_with(said), "{}", ran.out);
        assert!(ran.err.contains("1 name is given to several columns: \"MYC\""), "{}", ran.err);
        let scores =
            std::fs::read_to_string(d.path().join(format!("out{}/k02/scores.tsv", layer.len()))).unwrap();
        let genes: Vec<&str> = scores.lines().map(|line| line.split('\t').next().unwrap()).collect();
        assert_eq!(genes, ["gene", "TP53", "MYC", "MYC"]);
    }
    file(d.path(), "genes.txt", "MYC\n");
    let ran = run(d.path(), "programs cells.h5ad -k 1 -n 2 --genes-file genes.txt").ends(1);
    assert!(ran.err.contains("genes.txt: 'MYC' is the name of 2 genes of the counts"), "{}", ran.err);
}
