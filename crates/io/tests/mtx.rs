//! Matrix Market files written by scipy and by hand, and damaged ones.

mod common;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use common::rows;
use orthant_io::{
    AnyTable, Extent, Format, IoError, Order, Precision, ReadOptions, Scalar, Source, SparseStorage,
    SparseTable, read_any, read_matrix,
};
use proptest::prelude::*;

const V: [[f64; 3]; 4] = [[1.0, 0.0, 2.5], [0.0; 3], [0.0, 3.0, 0.0], [4.0, 0.5, 0.0]];
const N: [[f64; 3]; 4] = [[1.0, 0.0, 2.0], [0.0; 3], [0.0, 3.0, 0.0], [4.0, 5.0, 0.0]];

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sparse").join(name)
}

fn open(text: &str, len: Option<u64>) -> Result<Source<'_>, IoError> {
    Source::from_reader("v.mtx", text.as_bytes(), len, &ReadOptions::default())
}

/// Read with the length known and unknown, which must not matter.
fn read<T: Scalar>(text: &str) -> Result<AnyTable<T>, IoError> {
    let known = open(text, Some(text.len() as u64)).and_then(Source::read_any);
    let unknown = open(text, None).and_then(Source::read_any);
    match (&known, &unknown) {
        (Ok(a), Ok(b)) => assert_eq!(a, b),
        (Err(a), Err(b)) => assert_eq!(a.to_string(), b.to_string()),
        _ => panic!("{known:?} but {unknown:?}"),
    }
    known
}

fn sparse<T: Scalar>(table: AnyTable<T>) -> SparseTable<T> {
    match table {
        AnyTable::Sparse(table) => table,
        other => panic!("not sparse: {other:?}"),
    }
}

/// A coordinate file of real numbers with these lines.
fn coordinate(sizes: &str, lines: &str) -> String {
    format!("%%MatrixMarket matrix coordinate real general\n{sizes}\n{lines}")
}

fn message(text: &str) -> String {
    read::<f64>(text).unwrap_err().to_string()
}

#[test]
fn what_scipy_writes() {
    let pattern = V.map(|row| row.map(|x| f64::from(u8::from(x != 0.0))));
    let symmetric = [[2.0, 1.0, 0.0], [1.0, 0.0, 0.25], [0.0, 0.25, 3.0]];
    let skew = [[0.0, -1.0, 0.0], [1.0, 0.0, -0.25], [0.0, 0.25, 0.0]];
    for (name, want, nnz) in [
        ("real", &V[..], Some(5)),
        ("by_columns", &V, Some(5)),
        ("integer", &N, Some(5)),
        ("unsigned", &N, Some(5)),
        ("pattern", &pattern, Some(5)),
        ("symmetric", &symmetric, Some(8)),
        ("skew", &skew, Some(4)),
        ("array", &V, None),
        ("array_integer", &N, None),
        ("array_symmetric", &symmetric, None),
        ("array_skew", &skew, None),
    ] {
        let path = data(&format!("{name}.mtx"));
        let source = Source::open(&path, &ReadOptions::default()).unwrap();
        let (rows_, cols) = (want.len() as u64, 3);
        assert_eq!(source.extent(), Some(Extent { rows: rows_, cols, nnz }), "{name}");
        assert_eq!((source.format(), source.precision()), (Format::MatrixMarket, Precision::Float64));
        let table = source.read_any::<f64>().unwrap();
        assert_eq!(matches!(table, AnyTable::Sparse(_)), nnz.is_some(), "{name}");
        assert_eq!(rows(&table), want, "{name}");
        assert_eq!(rows(&read_any::<f32>(&path, &ReadOptions::default()).unwrap()), want, "{name}");
        assert_eq!((table.row_names(), table.col_names()), (None, None));
    }
    for (name, words) in [("complex", "complex numbers"), ("hermitian", "complex numbers")] {
        let error = read_any::<f64>(data(&format!("{name}.mtx")), &ReadOptions::default()).unwrap_err();
        assert!(matches!(error, IoError::UnsupportedFormat { .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.to_string().contains("what can be read: real, integer and pattern"), "{error}");
    }
    let hermitian = "%%MatrixMarket matrix coordinate real hermitian\n1 1 0\n";
    assert!(message(hermitian).contains("what can be read: general, symmetric and skew-symmetric"));
}

#[test]
fn the_files_own_order_is_kept() {
    let order = |name| sparse(read_any::<f64>(data(name), &ReadOptions::default()).unwrap()).order();
    assert_eq!(order("real.mtx"), Order::RowMajor);
    assert_eq!(order("by_columns.mtx"), Order::ColMajor);
    let AnyTable::Dense(array) = read_any::<f64>(data("array.mtx"), &ReadOptions::default()).unwrap() else {
        panic!("an array is dense")
    };
    assert_eq!(array.order(), Order::ColMajor);
    assert_eq!(array.data()[..4], [1.0, 0.0, 0.0, 4.0]);
}

#[test]
fn a_dense_reader_refuses_coordinates_and_names_the_other() {
    let error = read_matrix::<f64>(data("real.mtx"), &ReadOptions::default()).unwrap_err();
    assert!(matches!(error, IoError::Sparse { rows: 4, cols: 3, .. }), "{error}");
    assert!(error.to_string().ends_with("this is a sparse matrix, 4×3: read it with read_any"), "{error}");
    // before an entry is read
    let claims = coordinate("4 3 1000000", "nonsense");
    assert!(matches!(open(&claims, None).unwrap().read::<f64>(), Err(IoError::Sparse { .. })));
    assert!(read_matrix::<f64>(data("array.mtx"), &ReadOptions::default()).is_ok());
}

#[test]
fn comments_blanks_cases_and_spaces() {
    let text = "%%matrixmarket MATRIX Coordinate REAL General\r\n% by hand\r\n\r\n  %\n\t2 2   2 \r\n%one\n\
                \n 2 1\t-1.5e0 \r\n\n1 2 2";
    let table = read::<f64>(text).unwrap();
    assert_eq!(rows(&table), [[0.0, 2.0], [-1.5, 0.0]]);
    // several numbers of an array on a line
    let text = "%%MatrixMarket matrix array real general\n2 2\n1 2\n3\n 4 \n";
    assert_eq!(rows(&read::<f64>(text).unwrap()), [[1.0, 3.0], [2.0, 4.0]]);
}

#[test]
fn content_and_name_both_tell() {
    let text = coordinate("1 1 1", "1 1 3\n");
    let source = Source::from_reader("v.csv", text.as_bytes(), None, &ReadOptions::default()).unwrap();
    assert_eq!(source.format(), Format::MatrixMarket);
    let error = Source::from_reader("v.mtx", &b"1 1 3\n"[..], None, &ReadOptions::default()).unwrap_err();
    assert!(
        error.to_string().contains("line 1: it must be '%%MatrixMarket matrix' and three words"),
        "{error}"
    );
}

#[test]
fn duplicates_are_summed_and_zeros_left_out() {
    let table = read::<f64>(&coordinate("2 2 5", "2 2 1\n1 1 3\n2 2 2\n1 2 0\n2 1 1\n")).unwrap();
    assert_eq!(rows(&table), [[3.0, 0.0], [1.0, 3.0]]);
    assert_eq!(sparse(table).nnz(), 3);
}

#[test]
fn entries_that_the_fit_refuses_are_read_and_located() {
    let text = coordinate("2 2 3", "1 1 -2\n1 2 nan\n2 2 inf\n");
    let table = sparse(open(&text, None).unwrap().read_any::<f64>().unwrap());
    let SparseStorage::ByRows(v) = table.storage() else { panic!("by rows it is written") };
    let entries: Vec<_> = v.row(0).collect();
    assert!(entries[0] == (0, -2.0) && entries[1].1.is_nan());
    assert_eq!(v.row(1).collect::<Vec<_>>(), [(1, f64::INFINITY)]);
    assert_eq!(table.locate(0, 1).to_string(), "v.mtx: row 0, column 1 (counting from 0)");
}

#[test]
fn every_kind_of_damage_says_where() {
    let c = coordinate;
    let banner = |words: &str| format!("%%MatrixMarket {words}\n1 1 1\n1 1 1\n");
    for (text, want) in [
        (banner("matrix coordinate real"), "line 1: it must be '%%MatrixMarket matrix' and three words more"),
        (banner("vector coordinate real general"), "line 1: 'vector' is no object that is known"),
        (banner("matrix list real general"), "line 1: 'list' is no layout that is known"),
        (banner("matrix coordinate quaternion general"), "line 1: 'quaternion' is no kind of numbers"),
        (banner("matrix array pattern general"), "line 1: 'pattern' is no kind of numbers that is known"),
        (banner("matrix coordinate real cyclic"), "line 1: 'cyclic' is no symmetry that is known"),
        (c("% no sizes", ""), "line 1: it ends before the line that gives the sizes"),
        (c("2 2", "1 1 1\n"), "line 2: rows, columns and entries must be three numbers"),
        (c("2 -2 1", "1 1 1\n"), "line 2: rows, columns and entries must be three numbers"),
        (
            "%%MatrixMarket matrix array real general\n4\n".into(),
            "line 2: rows and columns must be two numbers",
        ),
        ("%%MatrixMarket matrix coordinate real symmetric\n2 3 0\n".into(), "line 2: 2×3 is not symmetric"),
        (c("2 3 1", "0 1 1\n"), "line 3: field 1: '0' is none of the 2 rows, from 1"),
        (c("2 3 1", "3 1 1\n"), "line 3: field 1: '3' is none of the 2 rows, from 1"),
        (c("2 3 1", "2 4 1\n"), "line 3: field 2: '4' is none of the 3 columns, from 1"),
        (c("2 1 1", "2\n"), "line 3: field 2: '' is none of the 1 column, from 1"),
        (c("2 3 1", "x 4 1\n"), "line 3: field 1: 'x' is none of the 2 rows"),
        (c("2 3 1", "-1 4 1\n"), "line 3: field 1: '-1' is none"),
        (c("2 3 1", "2 3 1 7\n"), "line 3: '7' follows what should be the whole entry"),
        (
            "%%MatrixMarket matrix coordinate pattern general\n2 3 1\n2 3 1\n".into(),
            "line 3: '1' follows what should be the whole entry",
        ),
        (c("2 3 1", "% x\n2 3\n"), "line 4, field 3 (row 1, column 2): the field is empty"),
        (c("2 3 2", "1 1 1\n2 3 x7\n"), "v.mtx: line 4, field 3 (row 1, column 2): 'x7' is not a number"),
        (
            c("2 3 1", "2 3 1e999\n"),
            "line 3, field 3 (row 1, column 2): 1e999 is beyond the range of float64",
        ),
        (c("2 3 1", "1 1 1\n\n2 3 1\n"), "line 5: an entry more than the 1 announced"),
        (c("2 3 3", "1 1 1\n2 3 1\n"), "v.mtx: cut short: line 2 announces 3 entries, but 2 follow"),
        (
            "%%MatrixMarket matrix array real general\n2 2\n1\n2\n3\n".into(),
            "v.mtx: cut short: line 2 announces 4 entries, but 3 follow",
        ),
        (
            "%%MatrixMarket matrix array real general\n2 2\n1\n2\n3\n4\n5\n".into(),
            "line 7: more than 4 numbers",
        ),
        (
            "%%MatrixMarket matrix array real general\n2 2\n1\n2\n3 x\n".into(),
            "line 5, field 2 (row 1, column 1): 'x' is not a number",
        ),
        (
            "%%MatrixMarket matrix array integer symmetric\n2 2\n1\n2\n9007199254740993\n".into(),
            "line 5, field 1 (row 1, column 1): 9007199254740993 has no exact double",
        ),
        (
            "%%MatrixMarket matrix coordinate integer general\n2 2 1\n2 1 -9007199254740993\n".into(),
            "line 3, field 3 (row 1, column 0): -9007199254740993 has no exact double",
        ),
        (
            "%%MatrixMarket matrix coordinate real symmetric\n2 2 2\n2 1 1\n1 2 1\n".into(),
            "line 4: an entry of the other triangle than those before",
        ),
        (
            "%%MatrixMarket matrix coordinate real skew-symmetric\n2 2 1\n2 2 1\n".into(),
            "line 3: the diagonal of a skew-symmetric matrix is 0",
        ),
        (c("1 1 1", &"1".repeat(70_000)), "line 3: longer than 65536 bytes"),
    ] {
        let message = message(&text);
        assert!(message.contains(want), "{message}");
    }
    assert!(matches!(read::<f32>(&c("1 1 1", "1 1 1e39\n")), Err(IoError::OutOfRange { .. })));
}

#[test]
fn sizes_that_no_file_has_allocate_nothing() {
    for sizes in [
        "3 3 1000000000000000",
        "3 3 18446744073709551615",
        "4294967297 3 1",
        "3 4294967297 1",
        "18446744073709551615 18446744073709551615 18446744073709551615",
    ] {
        for symmetry in ["general", "symmetric"] {
            let text = format!("%%MatrixMarket matrix coordinate real {symmetry}\n{sizes}\n1 1 1\n");
            let error = read::<f64>(&text).unwrap_err();
            let refused = matches!(
                error,
                IoError::MissingEntries { .. } | IoError::TooLarge { .. } | IoError::Corrupt { .. }
            );
            assert!(refused, "{error}");
        }
    }
    // before any entry is read
    for sizes in ["4294967297 3 1", "3 4294967297 1"] {
        assert!(matches!(read::<f64>(&coordinate(sizes, "nonsense")), Err(IoError::TooLarge { .. })));
    }
    for sizes in ["1000000000 1000000", "18446744073709551615 2", "4294967296 4294967296"] {
        let text = format!("%%MatrixMarket matrix array real general\n{sizes}\n1\n");
        let error = read::<f64>(&text).unwrap_err();
        assert!(matches!(error, IoError::MissingEntries { .. } | IoError::TooLarge { .. }), "{error}");
    }
}

#[test]
fn empty_shapes_are_read() {
    for sizes in ["0 0", "3 0", "0 3"] {
        let shape: Vec<usize> = sizes.split(' ').map(|n| n.parse().unwrap()).collect();
        for text in [
            coordinate(&format!("{sizes} 0"), ""),
            format!("%%MatrixMarket matrix array real general\n{sizes}"),
        ] {
            let table = read::<f64>(&text).unwrap();
            assert_eq!([table.nrows(), table.ncols()], shape[..], "{text}");
        }
    }
    let text = "%%MatrixMarket matrix array real skew-symmetric\n1 1\n";
    assert_eq!(rows(&read::<f64>(text).unwrap()), [[0.0]]);
}

#[test]
fn a_file_cut_anywhere_is_read_or_refused() {
    for name in ["real", "symmetric", "pattern", "array", "array_skew"] {
        let whole = fs::read_to_string(data(&format!("{name}.mtx"))).unwrap();
        let all = rows(&read::<f64>(&whole).unwrap());
        for cut in 0..whole.len() {
            // the last line may have lost its end, or digits that the rest of it does without
            if let Ok(table) = read::<f64>(&whole[..cut]) {
                let last = whole.trim_end().rfind(['\n', ' ']).unwrap();
                assert!(cut > last, "{name} {cut}");
                assert_eq!((table.nrows(), table.ncols()), (all.len(), all[0].len()));
            }
        }
    }
}

fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[test]
fn packed_files_and_their_damage() {
    let whole = pack(&fs::read(data("real.mtx")).unwrap());
    let read = |bytes: &[u8]| {
        Source::from_reader("v.mtx.gz", bytes, Some(bytes.len() as u64), &ReadOptions::default())?
            .read_any::<f64>()
    };
    assert_eq!(rows(&read(&whole).unwrap()), V);
    for cut in 0..whole.len() {
        assert!(read(&whole[..cut]).is_err(), "{cut}");
    }
}

#[test]
fn the_names_of_a_10x_folder() {
    let dir = tempfile::tempdir().unwrap();
    let matrix = fs::read(data("integer.mtx")).unwrap();
    let genes = "ENSG1\tTP53\tGene Expression\nENSG2\tMYC\tGene Expression\nENSG3\tMYC\tx\nENSG4\tMYC\tx\n";
    let cells = "AAAC-1\nAAAG-1\nAACC-1\n";
    let write = |name: &str, content: &[u8]| fs::write(dir.path().join(name), content).unwrap();
    let read = |name: &str| {
        let table = read_any::<f64>(dir.path().join(name), &ReadOptions::default()).unwrap();
        let join = |n: Option<&[String]>| n.map(|n| n.join(" "));
        (join(table.row_names()), join(table.col_names()))
    };
    let unique = (Some("TP53 MYC MYC-1 MYC-2".to_owned()), Some("AAAC-1 AAAG-1 AACC-1".to_owned()));

    write("matrix.mtx", &matrix);
    write("matrix.mtx.gz", &pack(&matrix));
    assert_eq!(read("matrix.mtx"), (None, None));
    // one file of names alone
    write("barcodes.tsv.gz", &pack(cells.as_bytes()));
    assert_eq!(read("matrix.mtx"), (None, unique.1.clone()));
    write("genes.tsv", genes.as_bytes());
    assert_eq!(read("matrix.mtx"), unique);
    assert_eq!(read("matrix.mtx.gz"), unique);
    // the folder itself is the packed one, which is read first
    fs::write(dir.path().join("matrix.mtx"), "damaged").unwrap();
    assert_eq!(read(""), unique);
    write("matrix.mtx", &matrix);
    // newer names go first; one column is the id
    write("features.tsv.gz", &pack(b"a\nb\nb\nc\n"));
    assert_eq!(read("matrix.mtx").0.unwrap(), "a b b-1 c");
    // as many as there are genes, or none of them
    write("features.tsv", b"a\nb\nc\n");
    assert_eq!(read("matrix.mtx"), (None, unique.1.clone()));
    write("features.tsv", b"\xff\nb\r\nc\nd\n");
    assert_eq!(read("matrix.mtx").0.unwrap(), "\u{fffd} b c d");
    // a prefix is that of all three files
    write("GSM1_matrix.mtx", &matrix);
    assert_eq!(read("GSM1_matrix.mtx"), (None, None));
    write("GSM1_features.tsv", genes.as_bytes());
    write("GSM1_barcodes.tsv", cells.as_bytes());
    assert_eq!(read("GSM1_matrix.mtx"), unique);
    // another name is no such folder
    write("counts.mtx", &matrix);
    assert_eq!(read("counts.mtx"), (None, None));
    // a damaged file of names is an error about that file
    write("features.tsv.gz", &pack(genes.as_bytes())[..30]);
    fs::remove_file(dir.path().join("features.tsv")).unwrap();
    let error = read_any::<f64>(dir.path().join("matrix.mtx"), &ReadOptions::default()).unwrap_err();
    assert!(error.to_string().contains("features.tsv.gz"), "{error}");
    // a stream is no file, whatever its name
    let path = dir.path().join("GSM1_matrix.mtx");
    let source = Source::from_reader(path, &matrix[..], None, &ReadOptions::default()).unwrap();
    assert_eq!(source.read_any::<f64>().unwrap().row_names(), None);
}

#[test]
fn turned_round_names_and_places_follow() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write("matrix.mtx", &coordinate("2 3 2", "1 3 -2\n2 1 5\n"));
    write("genes.tsv", "g1\ng2\n");
    write("barcodes.tsv", "c1\nc2\nc3\n");
    let genes = read_any::<f64>(dir.path().join("matrix.mtx"), &ReadOptions::default()).unwrap();
    let cells = genes.clone().transposed();
    assert_eq!(rows(&cells), [[0.0, 5.0], [0.0, 0.0], [-2.0, 0.0]]);
    assert_eq!((cells.row_names(), cells.col_names()), (genes.col_names(), genes.row_names()));
    let place = cells.locate(2, 0);
    assert!(
        place.to_string().ends_with("matrix.mtx: row 2 \"c3\", column 0 \"g1\" (counting from 0)"),
        "{place}"
    );
    assert_eq!(cells.transposed(), genes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the order of the list, the matrix is that of the entries.
    #[test]
    fn lists_in_any_order(
        entries in proptest::collection::vec((0_usize..7, 0_usize..5, -9_i32..10), 0..40),
        sorted in 0..3,
    ) {
        let mut entries = entries;
        match sorted {
            0 => entries.sort(),
            1 => entries.sort_by_key(|&(i, j, _)| (j, i)),
            _ => {}
        }
        let mut want = vec![vec![0.0; 5]; 7];
        let mut lines = String::new();
        for &(i, j, x) in &entries {
            want[i][j] += f64::from(x);
            lines += &format!("{} {} {x}\n", i + 1, j + 1);
        }
        let text = coordinate(&format!("7 5 {}", entries.len()), &lines);
        prop_assert_eq!(rows(&read::<f64>(&text).unwrap()), want);
    }
}
