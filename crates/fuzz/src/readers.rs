//! A target for each kind of file that is read.
//!
//! Whatever the bytes: no panic, an error that says something, or a matrix that is what its reader says it is.

use std::cell::LazyCell;
use std::fs;
use std::path::PathBuf;

use orthant::{Model, Real};
use orthant_io::{AnySavedModel, AnyTable, Decimal, Delimiter, Detect, IoError, ReadOptions, Scalar, Source};
use orthant_text::{Column, Corpus, Fitted, TextError};
use tempfile::TempDir;

thread_local! {
    /// A folder for the readers of files.
    static FOLDER: LazyCell<TempDir> = LazyCell::new(|| tempfile::tempdir().expect("a folder for files"));
}

/// Writes a file of the target's folder.
pub(crate) fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = FOLDER.with(|folder| folder.path().join(name));
    fs::write(&path, bytes).expect("room for an input");
    path
}

/// Reads bytes in both precisions, with and without their length, with options that depend on them.
fn matrix(name: &str, data: &[u8]) {
    let detect = [Detect::Auto, Detect::Yes, Detect::No];
    let by = data.iter().fold(data.len(), |sum, &byte| sum + usize::from(byte));
    let (header, labels) = (detect[by % 3], detect[by / 3 % 3]);
    let layer = ["raw", "layers", "arr_0", "X"][by / 9 % 4];
    let layer = Some(layer.to_owned()).filter(|_| by % 64 == 63);
    let feature_type = Some("Gene Expression".to_owned()).filter(|_| by % 32 == 31);
    let delimiter = Delimiter::ALL.get(by / 36 % 8).copied();
    let decimal = [None, None, Some(Decimal::Comma), Some(Decimal::Point)][by / 288 % 4];
    let drop = if by % 7 == 6 { vec![(by % 5).to_string()] } else { vec![] };
    let triplets = by % 5 == 4;
    let options = ReadOptions { header, labels, layer, feature_type, ..ReadOptions::default() };
    read::<f64>(name, data, Some(data.len() as u64), &ReadOptions::default());
    read::<f32>(name, data, None, &options);
    read::<f32>(name, data, None, &ReadOptions { delimiter, decimal, drop, triplets, ..options });
}

fn read<T: Scalar>(name: &str, data: &[u8], len: Option<u64>, options: &ReadOptions) {
    let read = || -> Result<_, IoError> {
        let source = Source::from_reader(name, data, len, options)?;
        source.precision();
        Ok((source.extent(), source.read_any::<T>()?))
    };
    match read() {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok((extent, table)) => {
            assert!(
                table.remarks().iter().all(|remark| remark.to_string().lines().count() == 1),
                "one line each"
            );
            if let Some(extent) = extent {
                assert_eq!((extent.rows, extent.cols), (table.nrows() as u64, table.ncols() as u64));
            }
            is_consistent(&table);
        }
    }
}

fn is_consistent<T: Real>(table: &AnyTable<T>) {
    let (m, n) = (table.nrows(), table.ncols());
    assert!(table.row_names().is_none_or(|names| names.len() == m), "a name for each row");
    assert!(table.col_names().is_none_or(|names| names.len() == n), "a name for each column");
    assert!(!table.locate(m.saturating_sub(1), n.saturating_sub(1)).to_string().is_empty());
    match table {
        AnyTable::Dense(table) => assert_eq!(table.data().len(), m * n),
        AnyTable::Sparse(table) => assert!((0.0..=1.0).contains(&table.density())),
        AnyTable::OutOfCore(_) => unreachable!("what is read is in memory"),
    }
}

/// numpy's arrays.
pub fn npy(data: &[u8]) {
    matrix("a.npy", data);
}

/// numpy's archives.
pub fn npz(data: &[u8]) {
    matrix("a.npz", data);
}

/// Text with commas.
pub fn csv(data: &[u8]) {
    matrix("a.csv", data);
}

/// Text with tabs.
pub fn tsv(data: &[u8]) {
    matrix("a.tsv", data);
}

/// Text with white space.
pub fn txt(data: &[u8]) {
    matrix("a.txt", data);
}

/// Matrix Market files.
pub fn mtx(data: &[u8]) {
    matrix("a.mtx", data);
}

/// Images.
pub fn png(data: &[u8]) {
    matrix("a.png", data);
}

/// Images.
pub fn jpeg(data: &[u8]) {
    matrix("a.jpg", data);
}

/// Whatever gzip packed.
pub fn gz(data: &[u8]) {
    matrix("a.csv.gz", data);
}

/// Whatever other programs packed.
pub fn packed(data: &[u8]) {
    matrix("a", data);
}

/// Spreadsheets.
pub fn sheets(data: &[u8]) {
    matrix("a.xlsx", data);
}

/// Rows of `column:number`.
pub fn svmlight(data: &[u8]) {
    matrix("a.svmlight", data);
}

/// AnnData's, 10x's and loom's files.
pub fn h5(data: &[u8]) {
    matrix("a.h5ad", data);
}

/// The names beside a Matrix Market file.
pub fn names(data: &[u8]) {
    let matrix =
        file("matrix.mtx", b"%%MatrixMarket matrix coordinate integer general\n2 3 2\n1 1 4\n2 3 1\n");
    let packed = data.starts_with(&[0x1f, 0x8b]);
    let (used, other) =
        if packed { ("features.tsv.gz", "features.tsv") } else { ("features.tsv", "features.tsv.gz") };
    let _ = fs::remove_file(matrix.with_file_name(other));
    file(used, data);
    file("barcodes.tsv", b"a\nb\nc\n");
    match orthant_io::read_any::<f64>(&matrix, &ReadOptions::default()) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(table) => is_consistent(&table),
    }
}

/// Models.
pub fn model(data: &[u8]) {
    let path = file("model.safetensors", data);
    match AnySavedModel::load(&path) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(AnySavedModel::F32(saved)) => is_model(&saved.model),
        Ok(AnySavedModel::F64(saved)) => is_model(&saved.model),
    }
}

fn is_model<T: Real>(model: &Model<T>) {
    let h = model.components();
    assert!(h.nrows() > 0 && h.ncols() > 0);
    assert!(h.as_slice().iter().all(|x| x.is_finite() && x.to_f64() >= 0.0), "H of a model");
}

/// What turns texts into rows, as it is kept with a model.
pub fn vocabulary(data: &[u8]) {
    if let Ok(fitted) = serde_json::from_slice::<Fitted>(data) {
        let terms = fitted.vocabulary().len();
        let counts = fitted.tfidf::<f64, _>(&["one two two", "", "Έξι ένα one"]);
        assert_eq!((counts.matrix.nrows(), counts.matrix.ncols()), (3, terms));
    }
}

fn corpus(name: &str, data: &[u8]) {
    let path = file(name, data);
    let column = match data.len() % 3 {
        0 => Some(Column::from("text")),
        1 => Some(Column::from(0)),
        _ => None,
    };
    let is_text = name.ends_with("txt");
    let options = orthant_text::ReadOptions {
        column: column.filter(|_| !is_text),
        name_column: Some(Column::from(1)).filter(|_| !is_text && data.len().is_multiple_of(5)),
        header: is_text || name.ends_with("jsonl") || data.len().is_multiple_of(2),
        lines: is_text && data.len().is_multiple_of(2),
        ..orthant_text::ReadOptions::default()
    };
    let read = || -> Result<(), TextError> {
        let corpus = Corpus::read(&[&path], &options)?;
        let (fitted, weights) =
            orthant_text::Vectorizer::default().fit_transform::<f64, _>(&corpus.documents)?;
        assert_eq!(weights.matrix.nrows(), corpus.documents.len());
        assert_eq!(weights.matrix.ncols(), fitted.vocabulary().len());
        for i in 0..weights.matrix.nrows() {
            assert!(weights.matrix.row(i).all(|(_, x)| x.is_finite() && x > 0.0), "weights of document {i}");
        }
        Ok(())
    };
    if let Err(error) = read() {
        assert!(!error.to_string().is_empty());
    }
}

/// A table of texts.
pub fn corpus_table(data: &[u8]) {
    corpus("texts.csv", data);
}

/// Texts in JSON lines.
pub fn corpus_json(data: &[u8]) {
    corpus("texts.jsonl", data);
}

/// A text.
pub fn corpus_text(data: &[u8]) {
    corpus("text.txt", data);
}
