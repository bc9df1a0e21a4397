//! Matrices written so that a fit can read them where they are.
//!
//! A file is an archive of arrays as numpy and scipy write them, which are not packed: `indptr`, `indices`, `data`, `shape` and
//! `format` of a sparse matrix, `matrix` of a dense one, and `row_names` and `column_names` of either. Numbers take as many bytes as they
//! need: indices of 16 bits up to 65,536 columns, and whole numbers of 8, 16 or 32.
//!
//! Where the matrix does not fit in memory, its lines are gathered in two files without a name, until it is known how long they are and
//! how many bytes their numbers need.

mod gather;
mod width;

use std::path::Path;

pub(crate) use gather::{Entries, Gather, Lines};
pub(crate) use width::Found;

use crate::{AnyTable, IoError, Names, Order, Remark, Scalar, Source, Table, npz, write};

/// Writes a matrix so that [`Source::read_within`] can leave it in its file: as `npz`, or a dense one as `npy` if the name ends so, where
/// names of rows and columns have no place. `numpy.load` and `scipy.sparse.load_npz` read these too.
///
/// The file is written whole or not at all.
///
/// # Errors
/// [`IoError::NotConverted`] for another ending, or that of `npy` for a sparse matrix; [`IoError::Write`]; and those of reading.
///
/// ```
/// use orthant_io::{AnyTable, Order, ReadOptions, Source, Table, convert, read_any};
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("v.npz");
/// let names = Some(vec!["apple".into(), "pear".into()]);
/// let table = Table::new(vec![1.0, 2.0, 3.0, 255.0], 2, 2, Order::RowMajor)?.named(None, names);
/// convert(&AnyTable::Dense(table), &path)?;
/// assert_eq!(read_any::<f64>(&path, &ReadOptions::default())?.col_names().unwrap(), ["apple", "pear"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn convert<T: Scalar>(table: &AnyTable<T>, path: impl AsRef<Path>) -> Result<(), IoError> {
    T::convert(table, path.as_ref())
}

pub(crate) fn table<T: Scalar>(table: &AnyTable<T>, path: &Path) -> Result<(), IoError> {
    let names = Names { rows: table.row_names(), cols: table.col_names() };
    match table {
        AnyTable::Dense(table) => dense(table, names, path),
        AnyTable::Sparse(table) => {
            check(true, path)?;
            let mut gather = Gather::new(table.order(), (table.nrows(), table.ncols()), path)?;
            gather.lines_of(table.lines())?;
            sparse(gather, names, path)
        }
        AnyTable::OutOfCore(file) => self::table(&file.load()?, path),
    }
}

/// How [`Source::convert`] goes.
#[derive(Clone, Copy, Debug)]
pub struct Conversion {
    /// Bytes up to which a matrix is loaded at once.
    pub memory: usize,
    /// Rows for columns and columns for rows.
    pub transposed: bool,
}

/// What [`Source::convert`] has written.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// Rows.
    pub nrows: usize,
    /// Columns.
    pub ncols: usize,
    /// Entries of a sparse matrix.
    pub nnz: Option<usize>,
    /// What the reader had to say of the file.
    pub remarks: Vec<Remark>,
}

pub(crate) fn source<T: Scalar>(
    source: Source<'_>,
    options: Conversion,
    path: &Path,
) -> Result<Converted, IoError> {
    check(source.extent().is_some_and(|extent| extent.nnz.is_some()), path)?;
    if source.bytes::<T>().is_none_or(|bytes| bytes <= options.memory) || !source.has_lines() {
        let table = source.read_any::<T>()?;
        let table = if options.transposed { table.transposed() } else { table };
        convert(&table, path)?;
        let nnz = match &table {
            AnyTable::Sparse(table) => Some(table.nnz()),
            _ => None,
        };
        let (nrows, ncols, remarks) = (table.nrows(), table.ncols(), table.remarks().to_vec());
        return Ok(Converted { nrows, ncols, nnz, remarks });
    }
    let lines = source.gather::<T>(path)?;
    let Lines { gather, rows, cols, remarks } = if options.transposed { lines.transposed() } else { lines };
    let ((nrows, ncols), nnz) = (gather.shape(), Some(gather.nnz()));
    sparse(gather, Names { rows: rows.as_deref(), cols: cols.as_deref() }, path)?;
    Ok(Converted { nrows, ncols, nnz, remarks })
}

/// Refuses names of files that do not suit what is to be written.
fn check(sparse: bool, path: &Path) -> Result<(), IoError> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    match ending.as_deref() {
        Some("npz") => Ok(()),
        Some("npy") if !sparse => Ok(()),
        _ => Err(IoError::NotConverted { path: path.to_owned(), sparse }),
    }
}

fn dense<T: Scalar>(table: &Table<T>, names: Names<'_>, path: &Path) -> Result<(), IoError> {
    check(false, path)?;
    let archive = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npz"));
    let columns = table.order() == Order::ColMajor;
    let (shape, names) = ((table.nrows(), table.ncols()), archive.then_some(names));
    write::write_file(path, |out| npz::write_dense(out, table.data(), shape, columns, names))
}

fn sparse<T: Scalar>(gather: Gather<T>, names: Names<'_>, path: &Path) -> Result<(), IoError> {
    let mut found = gather.finish()?;
    write::write_file(path, |out| npz::write_gathered(out, &mut found, names))
}
