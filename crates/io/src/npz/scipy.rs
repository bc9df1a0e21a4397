//! The parts of a sparse matrix as `scipy.sparse.save_npz` stores them.

use std::path::Path;

use super::archive::Archive;
use crate::npy::Header;
use crate::sparse::{Coordinates, Parts, row_and_col};
use crate::{Extent, IoError, Order, Place, Precision, Scalar, SparseTable};

enum Layout {
    /// scipy's `csr` and `csc`.
    Compressed(Order),
    /// scipy's `coo`.
    Coordinates,
}

/// What is known of the matrix ahead of its entries.
pub(super) struct Stored {
    layout: Layout,
    rows: u64,
    cols: u64,
    data: Header,
}

impl Stored {
    pub fn open(archive: &Archive) -> Result<Self, IoError> {
        let path = archive.path.clone();
        let unsupported = |what| {
            let instead = "save its .tocsr() with scipy.sparse.save_npz (what can be read: csr, csc, coo)";
            Err(IoError::UnsupportedFormat { path: path.clone(), what, instead })
        };
        let corrupt = |reason| IoError::Corrupt { path: path.clone(), format: "npz", reason };
        let layout = match archive.array("format")?.word()?.as_str() {
            "csr" => Layout::Compressed(Order::RowMajor),
            "csc" => Layout::Compressed(Order::ColMajor),
            "coo" => Layout::Coordinates,
            "bsr" => return unsupported("a sparse matrix in blocks (bsr)"),
            "dia" => return unsupported("a sparse matrix of diagonals (dia)"),
            other => return Err(corrupt(format!("the format '{other}' of a sparse matrix is not known"))),
        };
        let shape = archive.array("shape")?.integers()?;
        let [rows, cols] = shape[..] else { return Err(IoError::NotAMatrix { path, shape }) };
        let data = archive.array("data")?.header()?;
        if data.shape.len() != 1 {
            return Err(corrupt(format!("the entries (data) are an array of shape {:?}", data.shape)));
        }
        Ok(Self { layout, rows, cols, data })
    }

    pub fn extent(&self) -> Extent {
        Extent { rows: self.rows, cols: self.cols, nnz: Some(self.data.shape[0]) }
    }

    pub fn precision(&self) -> Precision {
        self.data.precision()
    }

    /// Bytes that it takes in memory, if its lines lie one after another.
    pub fn bytes<T>(&self) -> Option<usize> {
        let Layout::Compressed(order) = self.layout else { return None };
        let lines = if order == Order::RowMajor { self.rows } else { self.cols };
        let entry = (size_of::<u32>() + size_of::<T>()) as u64;
        let entries = self.data.shape[0].saturating_mul(entry);
        let bytes = entries.saturating_add(lines.saturating_add(1).saturating_mul(size_of::<usize>() as u64));
        Some(usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// Rows, columns, and which of them lie one after another.
    pub fn shape(&self, path: &Path) -> Result<((usize, usize), Order), IoError> {
        let order = match self.layout {
            Layout::Compressed(order) => order,
            Layout::Coordinates => Order::RowMajor,
        };
        match (usize::try_from(self.rows), usize::try_from(self.cols)) {
            (Ok(rows), Ok(cols)) => Ok(((rows, cols), order)),
            _ => Err(IoError::TooLarge { path: path.to_owned(), rows: self.rows, cols: self.cols }),
        }
    }

    pub fn read<T: Scalar>(&self, archive: &Archive) -> Result<SparseTable<T>, IoError> {
        let path = archive.path.clone();
        let (nrows, ncols) = self.shape(&path)?.0;
        match self.layout {
            Layout::Compressed(order) => {
                let indptr = archive.array("indptr")?.integers()?;
                let indices = archive.array("indices")?.integers()?;
                let values = archive.array("data")?.vector(|e| {
                    let (row, col) = row_and_col(order, &indptr, &indices, e);
                    Place::of(&path, row, col)
                })?;
                Parts { order, nrows, ncols, indptr, indices, values }.table("npz", &path)
            }
            Layout::Coordinates => {
                let [rows, cols] = coordinates(archive)?;
                let at = |x: &[u32], e: usize| x.get(e).map_or(0, |&i| i as usize);
                let values =
                    archive.array("data")?.vector(|e| Place::of(&path, at(&rows, e), at(&cols, e)))?;
                Coordinates { rows, cols, values }.table(nrows, ncols, "npz", &path)
            }
        }
    }
}

/// Rows and columns: two arrays, or the two rows of one.
fn coordinates(archive: &Archive) -> Result<[Vec<u32>; 2], IoError> {
    if archive.names().iter().any(|name| name == "row") {
        let rows = archive.array("row")?.integers()?;
        let cols = archive.array("col")?.integers()?;
        return Ok([rows, cols]);
    }
    let mut rows = archive.array("coords")?.integers()?;
    let cols = rows.split_off(rows.len() / 2);
    Ok([rows, cols])
}
