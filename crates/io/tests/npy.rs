//! Array files written by numpy itself, and damaged ones.

use std::path::{Path, PathBuf};

use orthant::View;
use orthant_io::{
    Format, IoError, Names, Order, Precision, ReadOptions, Scalar, Source, Table, read_matrix, write_matrix,
};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn read<T: Scalar>(name: &str) -> Result<Table<T>, IoError> {
    read_matrix(data(name), &ReadOptions::default())
}

/// A version 1.0 file with this header and these bytes.
fn npy(header: &str, body: &[u8]) -> Vec<u8> {
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(body);
    file
}

fn read_bytes<T: Scalar>(bytes: &[u8], len: Option<u64>) -> Result<Table<T>, IoError> {
    Source::from_reader("x.npy", bytes, len, &ReadOptions::default())?.read()
}

#[test]
fn every_element_type_in_either_byte_order() {
    let names =
        "f2 f4 f8 f2_big f4_big f8_big i1 i2 i4 i8 i2_big i4_big i8_big u1 u2 u4 u8 u2_big u4_big u8_big";
    for name in names.split(' ') {
        let file = format!("{name}.npy");
        let want = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!(read::<f64>(&file).unwrap().data(), want, "{name}");
        let single = read::<f32>(&file).unwrap();
        assert_eq!(single.data(), want.map(|x| x as f32), "{name}");
        assert_eq!((single.nrows(), single.ncols(), single.order()), (2, 3, Order::RowMajor));
        let precision = Source::open(data(&file), &ReadOptions::default()).unwrap().precision();
        let is_single = name.starts_with("f2") || name.starts_with("f4");
        assert_eq!(precision == Precision::Float32, is_single, "{name}");
    }
    assert_eq!(read::<f64>("bool.npy").unwrap().data(), [0.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
}

#[test]
fn newer_format_versions() {
    for name in ["version_2.npy", "version_3.npy"] {
        assert_eq!(read::<f64>(name).unwrap().data()[5], 5.0);
    }
}

#[test]
fn fortran_order_is_kept() {
    for name in ["fortran_f8.npy", "fortran_i4.npy"] {
        let table = read::<f64>(name).unwrap();
        assert_eq!(table.order(), Order::ColMajor);
        assert_eq!(table.data(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(table.view().at(1, 0), 3.0);
        assert_eq!(table.view().at(0, 2), 2.0);
    }
}

#[test]
fn integers_beyond_a_double_are_named() {
    let error = read::<f64>("beyond_u8.npy").unwrap_err();
    assert!(
        error.to_string().contains("row 1, column 1 (counting from 0): 9007199254740993 has no exact"),
        "{error}"
    );
    // column-major: the place is still row and column
    let error = read::<f32>("beyond_i8.npy").unwrap_err();
    assert!(
        matches!(&error, IoError::PrecisionLoss { place, value } if (place.row, place.col) == (0, 2) && value == "-9007199254740993"),
        "{error}"
    );
}

#[test]
fn doubles_beyond_a_single_are_named() {
    assert_eq!(read::<f64>("beyond_f4.npy").unwrap().data()[1], 1e300);
    let error = read::<f32>("beyond_f4.npy").unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("row 0, column 1 (counting from 0): 1e300 is beyond the range of float32")
    );
    // an infinity is no overflow: the fit refuses it
    let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1)}";
    let table = read_bytes::<f32>(&npy(header, &f64::INFINITY.to_le_bytes()), None).unwrap();
    assert_eq!(table.data()[0], f32::INFINITY);
}

#[test]
fn what_is_no_real_matrix_is_refused() {
    for (name, dtype) in
        [("complex.npy", "<c16"), ("strings.npy", "<U1"), ("records.npy", "[('a', '<f8'), ('b', '<i4')]")]
    {
        let error = read::<f64>(name).unwrap_err();
        assert!(matches!(&error, IoError::UnsupportedDtype { dtype: d, .. } if d == dtype), "{error}");
    }
    for (name, wanted) in [("vector.npy", vec![3]), ("cube.npy", vec![2, 2, 2])] {
        let error = read::<f64>(name).unwrap_err();
        assert!(matches!(&error, IoError::NotAMatrix { shape, .. } if *shape == wanted), "{error}");
    }
}

#[test]
fn a_file_cut_anywhere_is_truncated() {
    let whole = std::fs::read(data("f8.npy")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cut.npy");
    for cut in 8..whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let error = read_matrix::<f64>(&path, &ReadOptions::default()).unwrap_err();
        let IoError::Truncated { expected, found, .. } = error else { panic!("{cut}: {error}") };
        assert_eq!(found, cut as u64);
        assert!(expected > found && expected <= whole.len() as u64);
        // and through a pipe, whose length nobody knows
        let error = read_bytes::<f32>(&whole[..cut], None).unwrap_err();
        assert!(matches!(error, IoError::Truncated { found, .. } if found == cut as u64), "{error}");
    }
    assert!(matches!(read_bytes::<f64>(&whole[..6], None), Err(IoError::Truncated { found: 6, .. })));
}

#[test]
fn a_header_that_claims_more_than_the_file_holds_allocates_nothing() {
    for (shape, dtype) in
        [("(1000000000000, 1000000)", "<f8"), ("(1099511627776, 4)", "|u1"), ("(1000000, 1000000)", "<f8")]
    {
        let header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}");
        let bytes = npy(&header, &[0; 64]);
        let error = read_bytes::<f64>(&bytes, Some(bytes.len() as u64)).unwrap_err();
        assert!(matches!(error, IoError::Truncated { .. } | IoError::TooLarge { .. }), "{error}");
        let error = read_bytes::<f64>(&bytes, None).unwrap_err();
        assert!(matches!(error, IoError::Truncated { .. } | IoError::TooLarge { .. }), "{error}");
    }
    for shape in ["(18446744073709551615, 18446744073709551615)", "(9223372036854775807, 2)"] {
        let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}");
        let error = read_bytes::<f64>(&npy(&header, &[]), None).unwrap_err();
        assert!(matches!(error, IoError::TooLarge { .. }), "{error}");
    }
}

#[test]
fn empty_shapes_are_read() {
    for (rows, cols) in [(0, 3), (3, 0), (0, 0)] {
        let header = format!("{{'descr': '<i8', 'fortran_order': True, 'shape': ({rows}, {cols})}}");
        let table = read_bytes::<f64>(&npy(&header, &[]), None).unwrap();
        assert_eq!((table.nrows(), table.ncols()), (rows, cols));
    }
}

#[test]
fn content_goes_before_name() {
    let bytes = std::fs::read(data("f8.npy")).unwrap();
    let source = Source::from_reader("matrix.csv", &bytes[..], None, &ReadOptions::default()).unwrap();
    assert_eq!(source.format(), Format::Npy);
}

#[test]
fn more_than_one_chunk_round_trips_in_both_precisions() {
    let (m, n) = (701, 307);
    let values: Vec<f64> = (0..m * n).map(|i| (i as f64).sqrt()).collect();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("big.npy");
    write_matrix(&path, View::row_major(&values, m, n).unwrap(), Names::default()).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 128 + 8 * (m * n) as u64);
    let back = read_matrix::<f64>(&path, &ReadOptions::default()).unwrap();
    assert_eq!(back.data(), values);
    let single = read_matrix::<f32>(&path, &ReadOptions::default()).unwrap();
    assert!(single.data().iter().zip(&values).all(|(&a, &b)| a == b as f32));
    // a transposed view is written in C order of what it shows
    write_matrix(&path, View::row_major(&values, m, n).unwrap().transposed(), Names::default()).unwrap();
    let back = read_matrix::<f64>(&path, &ReadOptions::default()).unwrap();
    assert_eq!((back.nrows(), back.ncols(), back.view().at(306, 700)), (n, m, values[m * n - 1]));
}
