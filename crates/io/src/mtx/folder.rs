//! 10x Genomics' folders: a matrix, with genes and cells in text files beside it.
//!
//! Whatever stands before `matrix.mtx` in the name of the file stands before theirs. Cell Ranger writes genes in rows and
//! cells in columns; where the numbers of names say that it is the other way round, they are taken so.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use crate::feature_types::FeatureTypes;
use crate::names::make_unique;
use crate::{Edge, IoError, ReadOptions, Remark};

const MATRIX: &str = "matrix.mtx";

/// What the files beside a matrix say of it.
pub(crate) struct Names {
    pub rows: Option<Vec<String>>,
    pub cols: Option<Vec<String>>,
    /// Along which edge features are, and their types.
    pub types: Option<(Edge, FeatureTypes)>,
    pub remarks: Vec<Remark>,
}

/// The names for a matrix of this shape at `path`: for those edges that have as many.
///
/// A gene's name is its second column, made unique, or its first where there is but one.
pub(crate) fn names(path: &Path, rows: u64, cols: u64, options: &ReadOptions) -> Result<Names, IoError> {
    let [genes, cells] = files(path);
    let mut found = Names { rows: None, cols: None, types: None, remarks: vec![] };
    let mut features = genes.as_deref().map(|file| lines(file, feature)).transpose()?;
    let cells_names = cells.as_deref().map(|file| lines(file, first)).transpose()?;
    let is = |names: Option<usize>, side| names.is_some_and(|names| names as u64 == side);
    let counts = [features.as_ref().map(Vec::len), cells_names.as_ref().map(Vec::len)];
    let fit = |features, cells| usize::from(is(counts[0], features)) + usize::from(is(counts[1], cells));
    // turned round only if all that there is says so
    let given = counts.iter().flatten().count();
    let along = if fit(rows, cols) < given && fit(cols, rows) == given { Edge::Columns } else { Edge::Rows };
    if let Some(features) = features.as_mut() {
        let types: Vec<String> = features.iter_mut().map(|(_, kind)| std::mem::take(kind)).collect();
        let side = if along == Edge::Rows { rows } else { cols };
        if types.iter().all(String::is_empty) {
            FeatureTypes::none(options, path)?;
        } else if is(counts[0], side) {
            found.types = Some((along, FeatureTypes::new(types, options, path)?));
        } else if options.feature_type.is_some() {
            let reason = format!("{} features for {side} {along} of {}", types.len(), path.display());
            let path = genes.clone().unwrap_or_default();
            return Err(IoError::Corrupt { path, format: "10x", reason });
        }
    } else {
        FeatureTypes::none(options, path)?;
    }
    let features = features.map(|features| {
        let mut names: Vec<String> = features.into_iter().map(|(name, _)| name).collect();
        make_unique(&mut names);
        names
    });
    if given > 0 && (along == Edge::Columns || fit(rows, cols) > 0) {
        found.remarks.push(Remark::Features { along });
    }
    let across = if along == Edge::Rows { Edge::Columns } else { Edge::Rows };
    for (file, names, of) in [(genes, features, along), (cells, cells_names, across)] {
        let (Some(file), Some(names)) = (file, names) else { continue };
        let (side, place) = match of {
            Edge::Rows => (rows, &mut found.rows),
            Edge::Columns => (cols, &mut found.cols),
        };
        if names.len() as u64 == side {
            *place = Some(names);
        } else {
            let file = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.remarks.push(Remark::NamesDoNotFit { file, names: names.len(), of, count: side });
        }
    }
    Ok(found)
}

/// The files of genes and of cells beside `path`.
pub(crate) fn files(path: &Path) -> [Option<PathBuf>; 2] {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let Some(prefix) = prefix(name) else { return [None, None] };
    let find = |kinds: &[&str]| -> Option<PathBuf> {
        let names =
            kinds.iter().flat_map(|kind| [format!("{prefix}{kind}.tsv"), format!("{prefix}{kind}.tsv.gz")]);
        names.map(|name| path.with_file_name(name)).find(|path| path.is_file())
    };
    [find(&["features", "genes"]), find(&["barcodes"])]
}

/// What stands before `matrix.mtx` in a name, if it is one.
fn prefix(name: &str) -> Option<&str> {
    name.strip_suffix(".gz").unwrap_or(name).strip_suffix(MATRIX)
}

/// The matrix in a folder, or in the only one of its folders that has one, if any has; a file is itself.
pub(crate) fn matrix_at(path: &Path) -> Result<Option<PathBuf>, IoError> {
    if !path.is_dir() {
        return Ok(Some(path.to_owned()));
    }
    let entries = entries(path)?;
    let mut found = matrices(&entries);
    if found.is_empty() {
        for folder in entries.iter().filter(|entry| entry.is_dir()) {
            found.extend(matrices(&self::entries(folder)?));
        }
    }
    match found.len() {
        0 | 1 => Ok(found.pop()),
        _ => {
            let name = |file: &PathBuf| file.strip_prefix(path).unwrap_or(file).display().to_string();
            Err(IoError::SeveralFiles { path: path.to_owned(), files: found.iter().map(name).collect() })
        }
    }
}

/// What is in a folder, sorted.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, IoError> {
    let read = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>();
    let mut entries = read().map_err(IoError::read(folder))?;
    entries.sort();
    Ok(entries)
}

/// The matrices among files. One that is there twice, packed and as it is, counts once.
fn matrices(entries: &[PathBuf]) -> Vec<PathBuf> {
    let prefix = |path: &PathBuf| path.file_name().and_then(|name| prefix(name.to_str()?)).map(str::to_owned);
    let mut found: Vec<PathBuf> =
        entries.iter().filter(|path| prefix(path).is_some() && path.is_file()).cloned().collect();
    found.reverse(); // `.gz` before the same without
    found.dedup_by_key(|path| prefix(path));
    found.reverse();
    found
}

/// A line of features: its name, and its type where there is one.
fn feature(line: &str) -> (String, String) {
    let mut fields = line.split('\t').map(str::trim);
    let id = fields.next().unwrap_or_default();
    let (name, kind) = (fields.next().unwrap_or(id), fields.next().unwrap_or_default());
    (name.to_owned(), kind.to_owned())
}

fn first(line: &str) -> String {
    line.split('\t').next().unwrap_or_default().trim().to_owned()
}

/// What `of` makes of each line that is not empty.
fn lines<N>(path: &Path, of: impl Fn(&str) -> N) -> Result<Vec<N>, IoError> {
    let file = File::open(path).map_err(IoError::read(path))?;
    let mut text = Vec::new();
    let read = if path.extension().is_some_and(|e| e == "gz") {
        flate2::bufread::MultiGzDecoder::new(BufReader::new(file)).read_to_end(&mut text)
    } else {
        BufReader::new(file).read_to_end(&mut text)
    };
    read.map_err(IoError::read(path))?;
    let text = String::from_utf8_lossy(&text);
    Ok(text.lines().filter(|line| !line.is_empty()).map(of).collect())
}
