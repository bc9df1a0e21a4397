//! Archives written by scipy and numpy themselves, by the writer, and damaged ones.

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use orthant::Csr;
use orthant_io::{
    AnyTable, Extent, Format, IoError, Order, Precision, ReadOptions, Scalar, Source, SparseStorage,
    SparseTable, Staged, read_any, read_matrix, write_npz,
};
use rawzip::{CompressionMethod, ZipArchiveWriter};

const V: [[f64; 3]; 4] = [[1.0, 0.0, 2.5], [0.0; 3], [0.0, 3.0, 0.0], [4.0, 0.5, 0.0]];
const N: [[f64; 3]; 4] = [[1.0, 0.0, 2.0], [0.0; 3], [0.0, 3.0, 0.0], [4.0, 5.0, 0.0]];

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sparse").join(name)
}

fn open(name: &str) -> Source<'static> {
    Source::open(data(name), &ReadOptions::default()).unwrap()
}

fn read<T: Scalar>(name: &str) -> Result<AnyTable<T>, IoError> {
    read_any(data(name), &ReadOptions::default())
}

fn read_bytes(bytes: &[u8], options: &ReadOptions) -> Result<AnyTable<f64>, IoError> {
    Source::from_reader("x.npz", bytes, Some(bytes.len() as u64), options)?.read_any()
}

fn sparse<T: Scalar>(table: AnyTable<T>) -> SparseTable<T> {
    match table {
        AnyTable::Sparse(table) => table,
        other => panic!("not sparse: {other:?}"),
    }
}

/// All entries of a sparse table, row by row.
fn rows<T: Scalar>(table: &SparseTable<T>) -> Vec<Vec<f64>> {
    let v = match table.storage() {
        SparseStorage::ByRows(v) => v.to_dense(),
        SparseStorage::ByColumns(v) => v.to_dense(),
    };
    (0..v.nrows()).map(|i| v.row(i).iter().map(|x| x.to_f64()).collect()).collect()
}

/// An npy file with this header.
fn npy(descr: &str, shape: &str, body: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}}}");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(body);
    file
}

fn words(x: &[i64]) -> Vec<u8> {
    x.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// An array of one dimension.
fn vector(x: &[i64]) -> Vec<u8> {
    npy("<i8", &format!("({},)", x.len()), &words(x))
}

/// An archive with these files.
fn archive(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipArchiveWriter::new(vec![]);
    for (name, bytes) in files {
        let entry = zip.new_file(name).compression_method(CompressionMethod::DEFLATE).start();
        let (mut entry, config) = entry.unwrap();
        let mut out = config.wrap(DeflateEncoder::new(&mut entry, Compression::default()));
        out.write_all(bytes).unwrap();
        let (packed, descriptor) = out.finish().unwrap();
        packed.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    zip.finish().unwrap()
}

/// What scipy stores of a matrix, with one part left out or another.
fn stored(other: &str, bytes: Option<Vec<u8>>) -> Vec<u8> {
    let mut files = vec![
        ("format.npy", npy("|S3", "()", b"csr")),
        ("shape.npy", vector(&[2, 3])),
        ("indptr.npy", vector(&[0, 1, 2])),
        ("indices.npy", vector(&[0, 2])),
        ("data.npy", vector(&[1, 5])),
    ];
    files.retain(|(name, _)| *name != other);
    if let Some(bytes) = bytes {
        files.push((other, bytes));
    }
    archive(&files)
}

#[test]
fn every_element_type() {
    for dtype in ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"] {
        let name = format!("csr_{dtype}.npz");
        assert_eq!(rows(&sparse(read::<f64>(&name).unwrap())), N, "{name}");
        assert_eq!(rows(&sparse(read::<f32>(&name).unwrap())), N, "{name}");
        let want = if dtype == "f4" { Precision::Float32 } else { Precision::Float64 };
        assert_eq!(open(&name).precision(), want, "{name}");
    }
    let ones = N.map(|row| row.map(|x| f64::from(u8::from(x != 0.0))));
    assert_eq!(rows(&sparse(read::<f64>("csr_bool.npz").unwrap())), ones);
    // half precision, big-endian, its format a text rather than bytes
    assert_eq!(rows(&sparse(read::<f64>("csr_f2.npz").unwrap())), V);
    assert_eq!(open("csr_f2.npz").precision(), Precision::Float32);
    let error = read::<f64>("complex.npz").unwrap_err();
    assert!(matches!(&error, IoError::UnsupportedDtype { dtype, .. } if dtype == "<c16"), "{error}");
}

#[test]
fn every_index_type_and_layout() {
    for (name, order) in [
        ("csr", Order::RowMajor),
        ("csc", Order::ColMajor),
        ("coo", Order::RowMajor),
        ("stored", Order::ColMajor),
        ("index_i8", Order::RowMajor),
        ("index_big", Order::RowMajor),
        ("index_mixed", Order::RowMajor),
        ("coords", Order::RowMajor),
        ("untidy", Order::RowMajor),
    ] {
        let name = format!("{name}.npz");
        let source = open(&name);
        assert_eq!((source.format(), source.precision()), (Format::Npz, Precision::Float64), "{name}");
        let nnz = if name == "untidy.npz" { 7 } else { 5 };
        assert_eq!(source.extent(), Some(Extent { rows: 4, cols: 3, nnz: Some(nnz) }), "{name}");
        let table = sparse(source.read_any::<f64>().unwrap());
        assert_eq!(
            (rows(&table), table.order(), table.nnz()),
            (V.map(Vec::from).to_vec(), order, 5),
            "{name}"
        );
        // from a stream that cannot go back
        let bytes = std::fs::read(data(&name)).unwrap();
        let streamed = sparse(read_bytes(&bytes, &ReadOptions::default()).unwrap());
        assert_eq!((rows(&streamed), streamed.order()), (rows(&table), order), "{name}");
        assert!(matches!(open(&name).read::<f64>(), Err(IoError::Sparse { rows: 4, cols: 3, .. })));
    }
}

#[test]
fn other_layouts_of_scipy_are_named() {
    for (name, what) in [("bsr", "a sparse matrix in blocks (bsr)"), ("dia", "of diagonals (dia)")] {
        let error = read::<f64>(&format!("{name}.npz")).unwrap_err();
        assert!(matches!(error, IoError::UnsupportedFormat { .. }), "{error}");
        assert!(error.to_string().contains(what), "{error}");
        assert!(error.to_string().contains("what can be read: csr, csc, coo"), "{error}");
    }
    let error = read_bytes(&stored("format.npy", Some(npy("|S3", "()", b"xyz"))), &ReadOptions::default());
    assert!(error.unwrap_err().to_string().contains("the format 'xyz' of a sparse matrix is not known"));
}

#[test]
fn entries_that_cannot_be_are_named_by_row_and_column() {
    let error = read::<f64>("beyond_i8.npz").unwrap_err();
    let named = "beyond_i8.npz: row 1, column 1 (counting from 0): 9007199254740993 has no exact double";
    assert!(error.to_string().contains(named), "{error}");
    assert!(read::<f64>("beyond_f4.npz").is_ok());
    let error = read::<f32>("beyond_f4.npz").unwrap_err();
    let named = "beyond_f4.npz: row 0, column 1 (counting from 0): 1e300 is beyond the range of float32";
    assert!(error.to_string().contains(named), "{error}");
}

#[test]
fn arrays_that_are_dense() {
    for (name, order, precision) in
        [("dense", Order::RowMajor, Precision::Float64), ("dense_named", Order::ColMajor, Precision::Float32)]
    {
        let source = open(&format!("{name}.npz"));
        assert_eq!(source.extent(), Some(Extent { rows: 4, cols: 3, nnz: None }));
        assert_eq!(source.precision(), precision);
        let table = source.read::<f64>().unwrap();
        assert_eq!(table.order(), order);
        assert!((0..4).all(|i| (0..3).all(|j| table.view().at(i, j) == V[i][j])), "{name}");
    }
    let error = read::<f64>("two.npz").unwrap_err();
    assert!(matches!(&error, IoError::SeveralMatrices { names, .. } if names == &["w", "h"]), "{error}");
    assert!(error.to_string().contains("it holds several matrices (w, h): say which by ReadOptions::layer"));
    let layer = |layer: &str| ReadOptions { layer: Some(layer.to_owned()), ..ReadOptions::default() };
    let h = read_matrix::<f64>(data("two.npz"), &layer("h")).unwrap();
    assert_eq!((h.nrows(), h.ncols(), h.view().at(2, 0)), (3, 4, 2.5));
    let error = read_matrix::<f64>(data("two.npz"), &layer("x")).unwrap_err();
    assert!(error.to_string().ends_with("there is no layer 'x' in it; there are: w, h, n"), "{error}");
    let error = read_matrix::<f64>(data("two.npz"), &layer("n")).unwrap_err();
    assert!(matches!(&error, IoError::NotAMatrix { shape, .. } if shape == &[2]), "{error}");
    let error = read::<f64>("vector.npz").unwrap_err();
    assert!(error.to_string().contains("vector.npz/x.npy: an array of shape [2] is no matrix"), "{error}");
}

#[test]
fn a_layer_of_what_has_none_is_an_error() {
    let options = ReadOptions { layer: Some("counts".into()), ..ReadOptions::default() };
    let error = Source::from_reader("v.csv", &b"1,2\n"[..], None, &options).unwrap_err();
    assert_eq!(error.to_string(), "v.csv: there is no layer 'counts' in it, nor any other");
    // the parts of a sparse matrix are no matrices
    let options = ReadOptions { layer: Some("data".into()), ..options };
    let error = read_any::<f64>(data("csr.npz"), &options).unwrap_err();
    assert!(error.to_string().ends_with("csr.npz: there is no layer 'data' in it, nor any other"), "{error}");
}

#[test]
fn parts_that_are_no_matrix() {
    for (part, bytes, want) in [
        ("indptr.npy", None, "there is no array 'indptr' in it"),
        ("indices.npy", None, "there is no array 'indices' in it"),
        ("indptr.npy", Some(vector(&[0, 2])), "2 offsets (indptr), but 3 are needed"),
        ("indptr.npy", Some(vector(&[0, 2, 1])), "line 1 ends before it begins (indptr)"),
        ("indptr.npy", Some(vector(&[0, 1, -2])), "x.npz/indptr.npy: not a valid npy file: element 2 is -2"),
        ("indptr.npy", Some(vector(&[0, 1, i64::MAX])), "2 indices and 2 values, but the last offset"),
        ("indices.npy", Some(vector(&[0, 3])), "entry 1, in line 1, has index 3, outside 0 to 2"),
        ("indices.npy", Some(vector(&[0, -1])), "x.npz/indices.npy: not a valid npy file: element 1 is -1"),
        ("indices.npy", Some(npy("<f8", "(2,)", &words(&[0, 0]))), "these must be integers"),
        ("data.npy", Some(vector(&[1])), "2 indices and 1 values"),
        ("data.npy", Some(npy("<i8", "(2, 1)", &words(&[1, 5]))), "the entries (data) are an array of shape"),
        ("data.npy", Some(npy("<i8", "(2,)", &words(&[1]))), "x.npz/data.npy: cut short"),
        ("shape.npy", Some(vector(&[2, 3, 4])), "an array of shape [2, 3, 4] is no matrix"),
        ("shape.npy", Some(vector(&[-2, 3])), "element 0 is -2"),
        (
            "shape.npy",
            Some(vector(&[2, 1 << 40])),
            "2×1099511627776 with 2 entries: at most 4194304 rows or columns",
        ),
        (
            "format.npy",
            Some(npy("<i8", "()", &words(&[1]))),
            "x.npz/format.npy: not a valid npy file: this must be a word",
        ),
        ("format.npy", Some(npy("|S999999999", "()", b"csr")), "this must be a word"),
    ] {
        let error = read_bytes(&stored(part, bytes), &ReadOptions::default()).unwrap_err().to_string();
        assert!(error.contains(want), "{part}: {error}");
    }
    let coo = |row: &[i64], col: &[i64]| {
        archive(&[
            ("format.npy", npy("|S3", "()", b"coo")),
            ("shape.npy", vector(&[2, 3])),
            ("row.npy", vector(row)),
            ("col.npy", vector(col)),
            ("data.npy", vector(&[1, 5])),
        ])
    };
    for (row, col, want) in [
        (&[0, 2][..], &[0, 0][..], "entry 1 is in row 2, outside 0 to 1"),
        (&[0, 1], &[3, 0], "entry 0 is in column 3, outside 0 to 2"),
        (&[0], &[0, 1], "1 rows and 2 columns of 2 entries"),
        (&[0, 1], &[0], "2 rows and 1 columns of 2 entries"),
    ] {
        let error = read_bytes(&coo(row, col), &ReadOptions::default()).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }
    assert!(read_bytes(&coo(&[0, 1], &[2, 2]), &ReadOptions::default()).is_ok());
    let sheet = archive(&[("xl/workbook.xml", b"<xml/>".to_vec())]);
    let error = read_bytes(&sheet, &ReadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("not a valid spreadsheet file"), "{error}");
    let other = archive(&[("notes.txt", b"1 2\n".to_vec())]);
    let error = read_bytes(&other, &ReadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("a zip archive without arrays of numpy"), "{error}");
}

#[test]
fn an_array_that_claims_more_than_it_has_allocates_nothing() {
    for shape in ["(1000000000000,)", "(9223372036854775807,)"] {
        for part in ["data.npy", "indices.npy", "indptr.npy"] {
            let bytes = stored(part, Some(npy("<i8", shape, &words(&[1, 5]))));
            let error = read_bytes(&bytes, &ReadOptions::default()).unwrap_err();
            assert!(matches!(error, IoError::Truncated { .. } | IoError::TooLarge { .. }), "{error}");
        }
    }
}

#[test]
fn damage_anywhere_is_an_error_or_the_same_matrix() {
    for name in ["csc.npz", "stored.npz", "dense.npz"] {
        let whole = std::fs::read(data(name)).unwrap();
        for cut in 0..whole.len() {
            assert!(read_bytes(&whole[..cut], &ReadOptions::default()).is_err(), "{name} {cut}");
        }
        let all = read_bytes(&whole, &ReadOptions::default()).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            // names, dates and the like may change; entries are summed up in the archive
            if let Ok(table) = read_bytes(&bytes, &ReadOptions::default()) {
                assert_eq!(table, all, "{name} {at}");
            }
        }
    }
}

#[test]
fn what_is_written_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    let dense = orthant::Dense::from_fn(301, 47, |i, j| {
        if (i * 7 + j * 3) % 11 == 0 { (i as f64 + 0.1).sqrt() } else { 0.0 }
    });
    for v in [Csr::of_dense(&dense), Csr::of_dense(&orthant::Dense::zeros(3, 2))] {
        let path = dir.path().join("v.npz");
        write_npz(&path, &v).unwrap();
        let table = sparse(read_any::<f64>(&path, &ReadOptions::default()).unwrap());
        let SparseStorage::ByRows(read) = table.storage() else { panic!("by rows it is written") };
        assert_eq!(read, &v);
    }
    // borrowed parts of other types, some rows of them, in single precision
    let (p, i, x) = ([0_i64, 1, 3, 4], [2_i64, 0, 1, 2], [1_u8, 2, 3, 4]);
    let v = Csr::<f32>::new(3, 3, &p[..], &i[..], &x[..]).unwrap();
    let mut staged = Staged::in_dir(dir.path()).unwrap();
    staged.npz("rows.npz", &v.rows(1..3)).unwrap();
    staged.commit().unwrap();
    let source = Source::open(dir.path().join("rows.npz"), &ReadOptions::default()).unwrap();
    assert_eq!(source.precision(), Precision::Float32);
    assert_eq!(rows(&sparse(source.read_any::<f64>().unwrap())), [[2.0, 3.0, 0.0], [0.0, 0.0, 4.0]]);
}

#[test]
fn a_full_disk_while_writing_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let v = Csr::of_dense(&orthant::Dense::from_fn(40, 40, |i, j| (i * j) as f64));
    let mut staged = Staged::in_dir(dir.path()).unwrap();
    if Path::new("/dev/full").exists() {
        let error = write_npz("/dev/full", &v).unwrap_err();
        assert!(matches!(error, IoError::Write { .. }), "{error}");
    }
    staged.npz("v.npz", &v).unwrap();
    drop(staged);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
