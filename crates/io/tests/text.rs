//! Text with and without names, and every way in which it can be wrong.

use std::path::Path;

use orthant::View;
use orthant_io::{Detect, IoError, Names, ReadOptions, Source, Table, read_matrix, write_matrix};

fn options(header: Detect, labels: Detect) -> ReadOptions {
    ReadOptions { header, labels, ..ReadOptions::default() }
}

fn read_as(name: &str, text: &str, options: ReadOptions) -> Result<Table<f64>, IoError> {
    Source::from_reader(name, text.as_bytes(), None, &options)?.read()
}

fn csv(text: &str) -> Result<Table<f64>, IoError> {
    read_as("t.csv", text, ReadOptions::default())
}

/// Shape, data, names of rows and of columns joined by blanks ("" for none).
fn summary(table: &Table<f64>) -> (usize, usize, Vec<f64>, String, String) {
    let join = |n: Option<&[String]>| n.map(|n| n.join(" ")).unwrap_or_default();
    (table.nrows(), table.ncols(), table.data().to_vec(), join(table.row_names()), join(table.col_names()))
}

#[test]
fn names_are_found() {
    let want = |rows: &str, cols: &str| (2, 2, vec![1.0, 2.0, 3.0, 4.5], rows.to_owned(), cols.to_owned());
    for (text, rows, cols) in [
        ("1,2\n3,4.5\n", "", ""),
        ("x,y\n1,2\n3,4.5", "", "x y"),
        ("id,x,y\na,1,2\nb,3,4.5\n", "a b", "x y"),
        ("a,1,2\nb,3,4.5\n", "a b", ""),
        // pandas: an empty corner, with names or with counted columns and rows
        (",x,y\n7,1,2\n8,3,4.5\n", "7 8", "x y"),
        (",0,1\n0,1,2\n1,3,4.5\n", "0 1", "0 1"),
        (",2023,2024\na,1,2\nb,3,4.5\n", "a b", "2023 2024"),
        // R: a header one field short, quoted
        ("\"x\",\"y\"\n\"a\",1,2\n\"b\",3,4.5\n", "a b", "x y"),
        ("x,y\n7,1,2\n8,3,4.5\n", "7 8", "x y"),
        // odds and ends: byte order mark, CRLF, blanks, exponents, signs, quoted numbers
        ("\u{feff}x,y\r\n 1 ,+2e0\r\n\r\n\"3\", 45E-1 \r\n", "", "x y"),
        ("# made by hand\n# twice\nx,y\n1,2\n3,4.5\n", "", "x y"),
    ] {
        assert_eq!(
            summary(&csv(text).unwrap_or_else(|e| panic!("{text:?}: {e}"))),
            want(rows, cols),
            "{text:?}"
        );
        let tabs = text.replace(',', "\t");
        let table = read_as("t.tsv", &tabs, ReadOptions::default()).unwrap();
        assert_eq!(summary(&table), want(rows, cols), "{tabs:?}");
    }
    let text = "# x y\n1 2\n\n3  4.5 # last\n";
    assert_eq!(summary(&read_as("t.txt", text, ReadOptions::default()).unwrap()), want("", ""));
    let text = "x y\na 1 2\nb\t3 4.5";
    assert_eq!(summary(&read_as("t.txt", text, ReadOptions::default()).unwrap()), want("a b", "x y"));
}

#[test]
fn options_overrule_what_is_found() {
    let numbers = "5,6\n1,2\n";
    let table = read_as("t.csv", numbers, options(Detect::Yes, Detect::Auto)).unwrap();
    assert_eq!(summary(&table), (1, 2, vec![1.0, 2.0], String::new(), "5 6".into()));
    let table = read_as("t.csv", numbers, options(Detect::Auto, Detect::Yes)).unwrap();
    assert_eq!(summary(&table), (2, 1, vec![6.0, 2.0], "5 1".into(), String::new()));
    let table = read_as("t.csv", numbers, options(Detect::Yes, Detect::Yes)).unwrap();
    assert_eq!(summary(&table), (1, 1, vec![2.0], "1".into(), "6".into()));
    // a mixed header is an error with advice, and read when one says so
    let mixed = "gene,7,b\nx,1,2\n";
    let error = csv(mixed).unwrap_err();
    assert!(error.to_string().contains("line 1, field 3"), "{error}");
    assert!(error.to_string().contains("if this line is a header, say so"), "{error}");
    let table = read_as("t.csv", mixed, options(Detect::Yes, Detect::Auto)).unwrap();
    assert_eq!(summary(&table), (1, 2, vec![1.0, 2.0], "x".into(), "7 b".into()));
    let error = read_as("t.csv", "x,y\n1,2\n", options(Detect::No, Detect::No)).unwrap_err();
    assert!(error.to_string().ends_with("'x' is not a number"), "{error}");
}

#[test]
fn bad_fields_are_named() {
    for (text, message) in [
        ("1,2\n3,four\n", "t.csv: line 2, field 2 (row 1, column 1): 'four' is not a number"),
        (
            "x,y\n\n1,2\n3,\n",
            "t.csv: line 4, field 2 (row 1, column 1 \"y\"): the field is empty: a missing value; take it as not observed by ReadOptions::missing, fill it in, or leave out its row, or its column by ReadOptions::drop",
        ),
        ("id,x\na,1\nb,1;2\n", "t.csv: line 3, field 2 (row 1 \"b\", column 0 \"x\"): '1;2' is not a number"),
        ("1,2\n1e999,2\n", "t.csv: line 2, field 1 (row 1, column 0): 1e999 is beyond the range of float64"),
        ("1,2\n3,4,5\n", "t.csv: line 2 has 3 fields, but the lines before it have 2"),
        ("x,y,z\n1,2\n", "t.csv: line 2 has 2 fields, but the lines before it have 3"),
        ("a,1,2\nb,3\n", "t.csv: line 2 has 2 fields, but the lines before it have 3"),
        ("1,2\n\"3,4\n5,6\n", "t.csv: the quotation mark opened on line 2 is never closed"),
        (
            "a,1,2\n5,3,4\n",
            "t.csv: line 2 begins with the number 5, but the first column looked like names of rows; say which it is \
             in ReadOptions::labels",
        ),
    ] {
        assert_eq!(csv(text).unwrap_err().to_string(), message, "{text:?}");
    }
    let long = format!("1,2\n3,{}\n", "é".repeat(200));
    assert!(csv(&long).unwrap_err().to_string().contains(&format!("'{}…'", "é".repeat(40))));
    // single precision has its own range
    let source = Source::from_reader("t.csv", &b"1e39\n"[..], None, &ReadOptions::default()).unwrap();
    assert!(matches!(source.read::<f32>(), Err(IoError::OutOfRange { .. })));
}

#[test]
fn integers_that_no_double_is_are_named() {
    for wrong in [
        "9007199254740993",
        "-9007199254740993",
        "18446744073709551615",
        "0009007199254740993",
        &"3".repeat(50),
    ] {
        let error = csv(&format!("1,2\n3,{wrong}\n")).unwrap_err();
        let IoError::PrecisionLoss { ref place, ref value } = error else { panic!("{error}") };
        assert_eq!((place.line, place.field, place.row, place.col), (Some(2), Some(2), 1, 1), "{wrong}");
        assert!(wrong.starts_with(value.trim_end_matches('…')), "{value}");
    }
    // doubles, and the shortest texts of such
    for x in [9007199254740992_f64, 1152921504606846976.0, 1e22, 1e23, 1.7e300, 0.1 + 0.2] {
        assert_eq!(csv(&format!("{x},1\n")).unwrap().data()[0], x, "{x}");
    }
    assert_eq!(csv("9007199254740993.0,1\n").unwrap().data()[0], 9007199254740992.0, "decimals are rounded");
}

#[test]
fn values_that_the_fit_refuses_are_read_and_located() {
    let table = csv("# note\nx,y\n1,-2\nnan,inf\n").unwrap();
    assert_eq!(table.view().at(0, 1), -2.0);
    assert!(table.view().at(1, 0).is_nan() && table.view().at(1, 1) == f64::INFINITY);
    let error = orthant::Nmf::new(1).fit(&table).unwrap_err();
    let orthant::Error::Negative { row, col, .. } = error else { panic!("{error}") };
    assert_eq!(table.locate(row, col).to_string(), "t.csv: line 3, field 2 (row 0, column 1 \"y\")");
}

#[test]
fn nearly_nothing() {
    for (text, shape) in
        [("", (0, 0)), ("\n\n", (0, 0)), ("x,y\n", (0, 2)), ("# only\n", (0, 0)), ("7", (1, 1))]
    {
        let table = csv(text).unwrap();
        assert_eq!((table.nrows(), table.ncols()), shape, "{text:?}");
    }
}

#[test]
fn numpys_own_text() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    for name in ["savetxt.txt", "savetxt.csv", "savetxt.csv.gz"] {
        let table = read_matrix::<f64>(data.join(name), &ReadOptions::default()).unwrap();
        assert_eq!((table.nrows(), table.ncols()), (2, 3), "{name}");
        assert_eq!(table.data(), [0.0, 0.125, 0.25, 0.375, 0.5, 0.625], "{name}");
    }
}

#[test]
fn names_that_say_nothing_and_foreign_files() {
    let read = |name: &str, bytes: &'static [u8]| {
        Source::from_reader(name, bytes, None, &ReadOptions::default()).unwrap_err().to_string()
    };
    assert!(Source::from_reader("data.bin", &b"1,2\n"[..], None, &ReadOptions::default()).is_ok());
    assert!(read("data.npz", b"PK\x03\x04....").contains("not a valid npz file"));
    let hdf5 = read("data.h5", b"\x89HDF\r\n\x1a\n");
    assert!(hdf5.contains("not a valid HDF5"), "{hdf5}");
    let missing = read_matrix::<f64>("no/such/file.csv", &ReadOptions::default()).unwrap_err();
    assert!(missing.to_string().starts_with("cannot read no/such/file.csv: "), "{missing}");
}

#[test]
fn text_round_trips_to_the_bit() {
    let values = [0.1, 1.0 / 3.0, 1e-300, 5e-324, 1e300, 123456789.0, 0.0, f64::MAX, 1e16, 2e-5];
    let rows = ["plain".to_owned(), "with \"quotes\", and\nmore".to_owned()];
    let cols = ["a", "b", "c,d", "e", "#f"].map(str::to_owned);
    let dir = tempfile::tempdir().unwrap();
    for name in ["t.csv", "t.tsv"] {
        let path = dir.path().join(name);
        let view = View::row_major(&values, 2, 5).unwrap();
        write_matrix(&path, view, Names { rows: Some(&rows), cols: Some(&cols) }).unwrap();
        let table = read_matrix::<f64>(&path, &ReadOptions::default()).unwrap();
        assert_eq!(table.data(), values);
        assert_eq!((table.row_names().unwrap(), table.col_names().unwrap()), (&rows[..], &cols[..]));
        write_matrix(&path, view, Names::default()).unwrap();
        let table = read_matrix::<f64>(&path, &ReadOptions::default()).unwrap();
        assert_eq!((table.data(), table.row_names(), table.col_names()), (&values[..], None, None));
    }
}
