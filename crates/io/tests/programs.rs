//! Tables as programs export them, written by the programs themselves: `scripts/table_fixtures.py`.

use std::path::{Path, PathBuf};

use orthant_io::{AnyTable, Edge, ReadOptions, Remark, SparseTable, Table, read_any, read_matrix};

/// The numbers in nearly all of the files.
const VALUES: [f64; 12] = [3.0, 0.0, 1.25, 0.0, 2.75, 4.0, 5.5, 1.0, 0.0, 1.0, 1.0, 0.125];
const ROWS: &str = "alpha|beta|gamma 1|delta";
const COLUMNS: &str = "s1|s2|s3";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tables").join(name)
}

fn read(name: &str) -> Table<f64> {
    read_matrix(path(name), &ReadOptions::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn names(names: Option<&[String]>) -> String {
    names.map(|names| names.join("|")).unwrap_or_default()
}

#[track_caller]
fn holds(name: &str, rows: &str, columns: &str, remarks: &[Remark]) {
    let table = read(name);
    assert_eq!((table.nrows(), table.ncols()), (4, 3), "{name}");
    assert_eq!(table.data(), VALUES, "{name}");
    assert_eq!(names(table.row_names()), rows, "{name}");
    assert_eq!(names(table.col_names()), columns, "{name}");
    assert_eq!(table.remarks(), remarks, "{name}");
}

#[test]
fn names_on_both_edges() {
    for name in [
        "pandas-index.csv",
        "pandas-named-index.csv",
        "pandas-tab.tsv",
        "pandas-semicolon-comma.csv",
        "pandas.xlsx",
        "pandas.ods",
        "polars.csv",
        "polars-bar.csv",
        "polars-semicolon-comma.csv",
        "r-write-table.txt",
        "r-write-table-tab.txt",
        "r-write-table-na.txt",
        "r-write-csv.csv",
        "r-write-csv2.csv",
    ] {
        holds(name, ROWS, COLUMNS, &[]);
    }
}

#[test]
fn names_on_one_edge_or_none() {
    holds("pandas-no-index.csv", "", COLUMNS, &[]);
    holds("r-write-csv-no-names.csv", "", COLUMNS, &[]);
    holds("numpy.txt", "", "", &[]);
    holds("numpy-semicolon", "", "", &[]);
    holds("numpy-header.csv", "", COLUMNS, &[Remark::CommentAsHeader { line: 1 }]);
}

#[test]
fn counted_rows_and_columns() {
    holds("pandas-counted.csv", "0|1|2|3", COLUMNS, &[]);
    holds("pandas-id.csv", "0|1|2|3", COLUMNS, &[Remark::NumbersAsLabels { column: "id".into() }]);
    holds("r-write-csv-counted.csv", "1|2|3|4", COLUMNS, &[]);
    holds("pandas-plain.csv", "0|1|2|3", "0|1|2", &[]);
    let header = |line, first: &str| Remark::NumbersAsHeader { line, first: first.into() };
    holds("pandas-plain-no-index.csv", "", "0|1|2", &[header(1, "0")]);
    holds("pandas-years.csv", ROWS, "1990|1991|1992", &[header(1, "1990")]);
}

#[test]
fn truth_is_one_and_zero() {
    let truth = VALUES.map(|x| f64::from(u8::from(x > 1.0)));
    for name in ["pandas-bool.csv", "polars-bool.csv", "r-logical.csv"] {
        let table = read(name);
        assert_eq!((table.data(), names(table.col_names()).as_str()), (&truth[..], COLUMNS), "{name}");
    }
}

#[test]
fn missing_values_are_errors_that_say_what_to_do() {
    for (name, place) in [
        (
            "pandas-missing.csv",
            "line 2, field 2 (row 0, column 1 \"s2\"): the field is empty: a missing value",
        ),
        ("r-missing.csv", "line 2, field 3 (row 0 \"alpha\", column 1 \"s2\"): 'NA': a missing value"),
    ] {
        let error = read_matrix::<f64>(path(name), &ReadOptions::default()).unwrap_err().to_string();
        assert!(error.contains(place) && error.contains("ReadOptions::drop"), "{error}");
    }
}

#[test]
fn encodings() {
    let rows = "alpha|Zürich|gamma 1|delta";
    holds("pandas-utf-8-sig.csv", rows, COLUMNS, &[]);
    holds("pandas-utf-16.csv", rows, COLUMNS, &[]);
    holds("pandas-latin-1.csv", rows, COLUMNS, &[Remark::Encoding]);
}

#[test]
fn packed_files() {
    for ending in ["gz", "bz2", "xz", "zst", "zip"] {
        holds(&format!("pandas.csv.{ending}"), ROWS, COLUMNS, &[]);
    }
}

#[test]
fn a_sheet_is_named_where_there_are_two() {
    let error = read_matrix::<f64>(path("two-sheets.xlsx"), &ReadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("(first, second)") && error.contains("ReadOptions::layer"), "{error}");
    for (sheet, factor) in [("first", 1.0), ("second", 2.0)] {
        let options = ReadOptions { layer: Some(sheet.into()), ..ReadOptions::default() };
        let table = read_matrix::<f64>(path("two-sheets.xlsx"), &options).unwrap();
        assert_eq!(table.data(), VALUES.map(|x| factor * x));
        assert_eq!((names(table.row_names()), names(table.col_names())), (ROWS.into(), COLUMNS.into()));
        assert_eq!(table.locate(1, 2).line, Some(3), "the row of the sheet");
    }
    let options = ReadOptions { layer: Some("third".into()), ..ReadOptions::default() };
    let error = read_matrix::<f64>(path("two-sheets.xlsx"), &options).unwrap_err().to_string();
    assert!(error.contains("there are: first, second"), "{error}");
}

fn dense(table: &SparseTable<f64>) -> Vec<f64> {
    use orthant::ToMatrix;
    let mut all = vec![0.0; table.nrows() * table.ncols()];
    let matrix = table.to_matrix().unwrap();
    let n = table.ncols();
    match matrix {
        orthant::Matrix::Csr(csr) => {
            (0..table.nrows()).for_each(|i| csr.row(i).for_each(|(j, x)| all[i * n + j] = x));
        }
        orthant::Matrix::Csc(csc) => {
            let rows = csc.transposed();
            (0..n).for_each(|j| rows.row(j).for_each(|(i, x)| all[i * n + j] = x));
        }
        other => panic!("a sparse table is dense: {other:?}"),
    }
    all
}

#[test]
fn svmlight_as_scikit_learn_writes_it() {
    for (name, counted_from) in [("sklearn-zero-based.svmlight", 0), ("sklearn-one-based.svmlight", 1)] {
        let AnyTable::Sparse(table) = read_any::<f64>(path(name), &ReadOptions::default()).unwrap() else {
            panic!("{name} is sparse")
        };
        assert_eq!((table.nrows(), table.ncols(), table.nnz()), (4, 3, 9), "{name}");
        assert_eq!(dense(&table), VALUES, "{name}");
        assert_eq!(table.remarks(), [Remark::TargetsLeftOut { counted_from }], "{name}");
    }
}

#[test]
fn a_list_of_entries() {
    let options = ReadOptions { triplets: true, ..ReadOptions::default() };
    let AnyTable::Sparse(table) = read_any::<f64>(path("pandas-long.csv"), &options).unwrap() else {
        panic!("a list of entries is sparse")
    };
    // in the order in which names come up
    assert_eq!(names(table.row_names()), "alpha|gamma 1|delta|beta");
    assert_eq!(names(table.col_names()), COLUMNS);
    let rows = [0, 2, 3, 1].map(|i| VALUES[3 * i..3 * i + 3].to_vec()).concat();
    assert_eq!(dense(&table), rows);
    assert_eq!(table.remarks(), []);
    let error = read_any::<f64>(path("pandas-long.csv"), &ReadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("ReadOptions::drop=sample") && error.contains("ReadOptions::triplets"), "{error}");
    assert_eq!(Edge::Rows.to_string(), "rows");
}
