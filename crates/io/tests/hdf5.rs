//! AnnData's files by anndata itself, those of older versions and of 10x Genomics as these lay them out, and parts that are no
//! matrix. `cells.rs` has the ways in which HDF5 keeps a matrix; `crates/fuzz` damages files.

mod common;

use std::io::Read;
use std::path::{Path, PathBuf};

use common::rows;
use orthant_io::{
    AnyTable, Extent, Format, IoError, Order, Precision, ReadOptions, Scalar, Source, read_any,
};

const V: [[f64; 3]; 4] = [[1.0, 0.0, 2.5], [0.0; 3], [0.0, 3.0, 0.0], [4.0, 0.5, 0.0]];
const N: [[f64; 3]; 4] = [[1.0, 0.0, 2.0], [0.0; 3], [0.0, 3.0, 0.0], [4.0, 5.0, 0.0]];

fn packed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sparse").join(format!("{name}.gz"))
}

/// The file itself.
fn bytes(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(packed(name)).unwrap();
    flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    bytes
}

fn layer(name: &str) -> ReadOptions {
    ReadOptions { layer: Some(name.to_owned()), ..ReadOptions::default() }
}

fn read<T: Scalar>(name: &str, options: &ReadOptions) -> Result<AnyTable<T>, IoError> {
    read_any(packed(name), options)
}

/// The names of rows and of columns, joined by blanks.
fn names<T: Scalar>(table: &AnyTable<T>) -> [Option<String>; 2] {
    [table.row_names(), table.col_names()].map(|names| names.map(|n| n.join(" ")))
}

fn both(rows: &str, cols: &str) -> [Option<String>; 2] {
    [Some(rows.to_owned()), Some(cols.to_owned())]
}

const OBS: &str = "AAAC AAAG AACC AACG";

#[test]
fn annotated_data() {
    let halves = V.map(|row| row.map(|x| f64::from(u8::from(x != 0.0))));
    for (name, want, order, nnz, precision) in [
        ("csr.h5ad", V, Order::RowMajor, Some(5), Precision::Float64),
        ("csc.h5ad", V, Order::ColMajor, Some(5), Precision::Float32),
        ("dense.h5ad", V, Order::RowMajor, None, Precision::Float32),
        ("half.h5ad", V, Order::RowMajor, None, Precision::Float32),
        ("bool.h5ad", halves, Order::RowMajor, Some(5), Precision::Float64),
    ] {
        let source = Source::open(packed(name), &ReadOptions::default()).unwrap();
        assert_eq!(source.format(), Format::Hdf5, "{name}");
        assert_eq!(source.precision(), precision, "{name}");
        assert_eq!(source.extent(), Some(Extent { rows: 4, cols: 3, nnz }), "{name}");
        let table = source.read_any::<f64>().unwrap();
        assert_eq!(rows(&table), want, "{name}");
        let found = match &table {
            AnyTable::Dense(table) => (table.order(), None),
            AnyTable::Sparse(table) => (table.order(), Some(table.nnz() as u64)),
            AnyTable::OutOfCore(_) => unreachable!("it was read"),
        };
        assert_eq!(found, (order, nnz), "{name}");
        assert_eq!(names(&table), both(OBS, "TP53 MYC MYC"), "{name}");
        assert_eq!(rows(&read::<f32>(name, &ReadOptions::default()).unwrap()), want, "{name}");
        let dense = Source::open(packed(name), &ReadOptions::default()).unwrap().read::<f64>();
        assert_eq!(dense.is_ok(), nnz.is_none(), "{name}");
    }
}

#[test]
fn a_file_on_disk_is_read_where_it_lies() {
    let dir = tempfile::tempdir().unwrap();
    // its content tells, not its name
    for name in ["x.h5ad", "x.h5", "x.csv", "x"] {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes("csr.h5ad")).unwrap();
        let table = read_any::<f64>(&path, &ReadOptions::default()).unwrap();
        assert_eq!(rows(&table), V);
        let place = table.locate(2, 1).to_string();
        assert!(place.ends_with(&format!("{name}: row 2 \"AACC\", column 1 \"MYC\" (counting from 0)")));
    }
    let stream = bytes("csr.h5ad");
    let source = Source::from_reader("s.h5ad", &stream[..], None, &ReadOptions::default()).unwrap();
    assert_eq!(rows(&source.read_any::<f64>().unwrap()), V);
}

#[test]
fn layers() {
    let counts = read::<f64>("layers.h5ad", &layer("counts")).unwrap();
    assert_eq!((rows(&counts), names(&counts)), (N.map(Vec::from).to_vec(), both(OBS, "TP53 MYC MYC")));
    let scaled = read::<f64>("layers.h5ad", &layer("scaled")).unwrap();
    assert!(matches!(scaled, AnyTable::Dense(_)));
    assert_eq!(rows(&scaled), V.map(|row| row.map(|x| 2.0 * x)));
    assert_eq!(rows(&read::<f64>("layers.h5ad", &layer("X")).unwrap()), V);
    let raw = read::<f64>("layers.h5ad", &layer("raw")).unwrap();
    assert_eq!(rows(&raw), N.map(|row| [row, row].concat()));
    assert_eq!(names(&raw), both(OBS, "a b c d e f"));

    let error = read::<f64>("layers.h5ad", &layer("logs")).unwrap_err();
    assert!(matches!(error, IoError::NoLayer { .. }));
    let message = error.to_string();
    assert!(message.ends_with("there is no layer 'logs' in it; there are: counts, scaled, raw"), "{message}");
    let message = read::<f64>("csr.h5ad", &layer("raw")).unwrap_err().to_string();
    assert!(message.ends_with("there is no layer 'raw' in it, nor any other"), "{message}");
    // without X
    let message = read::<f64>("empty.h5ad", &ReadOptions::default()).unwrap_err().to_string();
    assert!(message.ends_with("there is no layer 'X' in it; there are: counts, scaled"), "{message}");
    assert_eq!(rows(&read::<f64>("empty.h5ad", &layer("counts")).unwrap()), N);
}

#[test]
fn before_anndata_0_7() {
    let table = read::<f64>("legacy.h5ad", &ReadOptions::default()).unwrap();
    assert_eq!((rows(&table), names(&table)), (V.map(Vec::from).to_vec(), [None, None]));
}

#[test]
fn cell_ranger() {
    for name in ["cellranger_3.h5", "cellranger_2.h5"] {
        let source = Source::open(packed(name), &ReadOptions::default()).unwrap();
        assert_eq!(source.extent(), Some(Extent { rows: 4, cols: 3, nnz: Some(5) }));
        let table = source.read_any::<f64>().unwrap();
        assert_eq!(rows(&table), N, "{name}");
        assert_eq!(names(&table), both(OBS, "TP53 MYC MYC-1"), "{name}");
        let AnyTable::Sparse(table) = table else { panic!("{name} is sparse") };
        assert_eq!(table.order(), Order::RowMajor);
    }
    let error = read::<f64>("two_genomes.h5", &ReadOptions::default()).unwrap_err();
    assert!(matches!(&error, IoError::SeveralMatrices { names, .. } if names == &["GRCh38", "mm10"]));
    assert_eq!(rows(&read::<f64>("two_genomes.h5", &layer("mm10")).unwrap()), N);
    let error = read::<f64>("two_genomes.h5", &layer("hg19")).unwrap_err();
    assert!(matches!(&error, IoError::NoLayer { available, .. } if available == &["GRCh38", "mm10"]));
    let error = read::<f64>("cellranger_3.h5", &layer("counts")).unwrap_err();
    assert!(matches!(error, IoError::NoLayer { .. }), "{error}");
}

#[test]
fn other_files_of_hdf5_say_what_would_do() {
    let error = read::<f64>("other.h5", &ReadOptions::default()).unwrap_err();
    assert!(matches!(error, IoError::UnsupportedFormat { .. }));
    assert!(
        error.to_string().contains("neither AnnData's nor 10x Genomics' nor loom's; write it with anndata"),
        "{error}"
    );
}

#[test]
fn entries_that_cannot_be_are_named_by_row_and_column() {
    let error = read::<f64>("large.h5ad", &ReadOptions::default()).unwrap_err();
    let want = "row 2, column 1 (counting from 0): 9007199254740993 has no exact double";
    assert!(error.to_string().contains(want), "{error}");
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    let whole = bytes("csr.h5ad");
    for cut in (0..whole.len()).step_by(97) {
        let source = Source::from_reader("x.h5ad", &whole[..cut], None, &ReadOptions::default());
        let error = source.and_then(Source::read_any::<f64>).unwrap_err();
        assert!(matches!(error, IoError::Corrupt { format: "HDF5", .. }), "{cut}: {error}");
    }
}
