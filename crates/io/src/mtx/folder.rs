//! The names of 10x Genomics' folders: genes and cells in text files beside `matrix.mtx`.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use crate::IoError;
use crate::names::make_unique;

/// Names for the rows, which are genes, and for the columns, which are cells; nothing for a file of another name, or
/// without both files of names of these lengths beside it. What stands before `matrix.mtx` in the name of the file
/// stands before theirs.
///
/// A gene's name is its second column, made unique, or its first where there is but one.
pub(super) fn names(path: &Path, rows: usize, cols: usize) -> Result<Option<[Vec<String>; 2]>, IoError> {
    let Some([genes, cells]) = files(path) else { return Ok(None) };
    let mut genes = column(&genes, 1)?;
    let cells = column(&cells, 0)?;
    make_unique(&mut genes);
    Ok((genes.len() == rows && cells.len() == cols).then_some([genes, cells]))
}

/// The files of genes and of cells beside `path`.
pub(crate) fn files(path: &Path) -> Option<[PathBuf; 2]> {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let prefix = name.strip_suffix(".gz").unwrap_or(name).strip_suffix("matrix.mtx")?;
    let find = |kinds: &[&str]| -> Option<PathBuf> {
        let names =
            kinds.iter().flat_map(|kind| [format!("{prefix}{kind}.tsv"), format!("{prefix}{kind}.tsv.gz")]);
        names.map(|name| path.with_file_name(name)).find(|path| path.is_file())
    };
    Some([find(&["features", "genes"])?, find(&["barcodes"])?])
}

/// Column `at` of a file divided by tabs, or the first where a line has fewer.
fn column(path: &Path, at: usize) -> Result<Vec<String>, IoError> {
    let file = File::open(path).map_err(IoError::read(path))?;
    let mut text = Vec::new();
    let read = if path.extension().is_some_and(|e| e == "gz") {
        flate2::bufread::MultiGzDecoder::new(BufReader::new(file)).read_to_end(&mut text)
    } else {
        BufReader::new(file).read_to_end(&mut text)
    };
    read.map_err(IoError::read(path))?;
    let lines = String::from_utf8_lossy(&text);
    let name = |line: &str| {
        let field = line.split('\t').nth(at).or(line.split('\t').next());
        field.unwrap_or_default().trim().to_owned()
    };
    Ok(lines.lines().filter(|line| !line.is_empty()).map(name).collect())
}
