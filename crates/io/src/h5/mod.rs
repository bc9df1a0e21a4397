//! HDF5 files of annotated matrices: AnnData's, 10x Genomics' and loom's.

mod anndata;
mod annotate;
mod entries;
mod file;
mod loom;
mod numbers;
mod tenx;
mod words;

use std::path::Path;
use std::sync::Arc;

pub use annotate::{Annotation, Parameter, check_annotatable};
use entries::Chunks;
use file::{Data, Object, Opened, failed};
use numbers::Kind;

use crate::convert::{Gather, Lines};
use crate::feature_types::FeatureTypes;
use crate::names::make_unique;
use crate::sparse::{Parts, SparseLines, row_and_col};
use crate::{
    AnyTable, Edge, Extent, FileLines, IoError, Order, Place, Precision, ReadOptions, Scalar, Table,
};

/// A file whose matrix is found but not read.
pub(crate) struct Hdf5 {
    matrix: Matrix,
    row_names: Option<Data>,
    col_names: Option<Data>,
    /// Equal names of columns are to be told apart.
    unique_cols: bool,
    /// What kinds of features the columns are, and which of them are meant.
    types: Option<FeatureTypes>,
    nrows: usize,
    ncols: usize,
    precision: Precision,
}

enum Matrix {
    /// Rows one after another; of the transpose if the order is by columns.
    Dense {
        order: Order,
        data: Data,
    },
    Sparse {
        order: Order,
        indptr: Data,
        indices: Data,
        data: Data,
    },
}

impl Matrix {
    /// The sparse matrix whose parts are in this group.
    fn sparse(order: Order, file: &Opened<'_>, group: &str) -> Result<Self, IoError> {
        let part = |name: &str| file.data(&format!("{group}/{name}"));
        Ok(Self::Sparse { order, indptr: part("indptr")?, indices: part("indices")?, data: part("data")? })
    }

    /// The entries of a sparse matrix.
    fn nnz(&self) -> Option<u64> {
        match self {
            Self::Dense { .. } => None,
            Self::Sparse { data, .. } => Some(data.size()),
        }
    }

    fn entries(&self) -> &Data {
        match self {
            Self::Dense { data, .. } | Self::Sparse { data, .. } => data,
        }
    }
}

impl Hdf5 {
    /// Finds the matrix in the file at `file`, which messages call `path`.
    pub fn open(file: &Path, options: &ReadOptions, path: &Path) -> Result<Self, IoError> {
        let (file, layer) = (Opened::open(file, path)?, options.layer.as_deref());
        let found = if file.object("X")?.is_some()
            || file.object("obs")?.is_some() && file.object("var")?.is_some()
        {
            anndata::find(&file, layer)?
        } else if file.group("row_attrs")?.is_some() && file.group("col_attrs")?.is_some() {
            loom::find(&file, layer)?
        } else if let Some(found) = tenx::find(&file, options)? {
            return Ok(found);
        } else {
            let what = "an HDF5 file that is neither AnnData's nor 10x Genomics' nor loom's";
            let instead =
                "write it with anndata (.h5ad), or save its matrix with scipy.sparse.save_npz or numpy.save";
            return Err(IoError::UnsupportedFormat { path: path.to_owned(), what, instead });
        };
        FeatureTypes::none(options, path)?;
        Ok(found)
    }

    /// A matrix of this shape, without names.
    fn of(matrix: Matrix, shape: &[u64], path: &Path) -> Result<Self, IoError> {
        let &[rows, cols] = shape else {
            return Err(IoError::NotAMatrix { path: path.to_owned(), shape: shape.to_vec() });
        };
        let precision = Kind::of(matrix.entries(), path)?.precision();
        Extent { rows, cols, nnz: matrix.nnz() }.check(path)?;
        let side =
            |n| usize::try_from(n).map_err(|_| IoError::TooLarge { path: path.to_owned(), rows, cols });
        let (nrows, ncols) = (side(rows)?, side(cols)?);
        let (row_names, col_names, types) = (None, None, None);
        Ok(Self { matrix, row_names, col_names, unique_cols: false, types, nrows, ncols, precision })
    }

    pub fn extent(&self) -> Extent {
        let cols = self.types.as_ref().map_or(self.ncols, FeatureTypes::kept);
        Extent { rows: self.nrows as u64, cols: cols as u64, nnz: self.matrix.nnz() }
    }

    pub fn precision(&self) -> Precision {
        self.precision
    }

    pub fn read<T: Scalar>(self, path: &Path) -> Result<AnyTable<T>, IoError> {
        let (nrows, ncols) = (self.nrows, self.ncols);
        let mut table = match &self.matrix {
            Matrix::Dense { order, data } => {
                let length = data.shape.get(1).map_or(1, |&n| (n as usize).max(1));
                let place = |e| match *order {
                    Order::RowMajor => Place::of(path, e / length, e % length),
                    Order::ColMajor => Place::of(path, e % length, e / length),
                };
                let data = numbers::elements(data, path, place)?;
                let table = Table::new(data, nrows, ncols, *order);
                AnyTable::Dense(table.expect("rows times columns elements were read"))
            }
            Matrix::Sparse { order, indptr, indices, data } => {
                let order = *order;
                let (indptr, indices) = (indptr.integers(path)?, indices.integers(path)?);
                let values = numbers::elements(data, path, |e| {
                    let (row, col) = row_and_col(order, &indptr, &indices, e);
                    Place::of(path, row, col)
                })?;
                let parts = Parts { order, nrows, ncols, indptr, indices, values };
                AnyTable::Sparse(parts.table("HDF5", path)?)
            }
        };
        let [rows, cols] = self.names(path)?;
        table.set_names(rows, cols);
        match self.types {
            Some(types) => types.choose(table, Edge::Columns),
            None => Ok(table),
        }
    }

    /// The names of the rows and of the columns, where the file has them.
    fn names(&self, path: &Path) -> Result<[Option<Vec<String>>; 2], IoError> {
        let names = |data: &Option<Data>, count| {
            data.as_ref().map(|data| words::names(data, count, path)).transpose()
        };
        let (rows, mut cols) = (names(&self.row_names, self.nrows)?, names(&self.col_names, self.ncols)?);
        if let Some(cols) = cols.as_deref_mut().filter(|_| self.unique_cols) {
            make_unique(cols);
        }
        Ok([rows, cols])
    }

    /// Whether its entries can be read some at a time.
    pub fn has_lines(&self) -> bool {
        matches!(self.matrix, Matrix::Sparse { .. }) && self.types.is_none()
    }

    /// Bytes that it takes in memory, if its entries can stay in the file.
    pub fn bytes<T>(&self) -> Option<usize> {
        let Matrix::Sparse { order, data, .. } = &self.matrix else { return None };
        if self.types.is_some() {
            return None;
        }
        let lines = if *order == Order::RowMajor { self.nrows } else { self.ncols };
        let entries = usize::try_from(data.size()).unwrap_or(usize::MAX);
        let bytes = entries.saturating_mul(size_of::<u32>() + size_of::<T>());
        Some(bytes.saturating_add((lines + 1).saturating_mul(size_of::<usize>())))
    }

    /// The matrix where it is, which must be [able to stay](Self::bytes).
    pub fn lines<T: Scalar>(self, path: &Path) -> Result<FileLines<T>, IoError> {
        let shape = (self.nrows, self.ncols);
        let [rows, cols] = self.names(path)?;
        let Matrix::Sparse { order, indptr, indices, data } = self.matrix else {
            unreachable!("its entries can stay")
        };
        let starts = indptr.integers(path)?;
        let entries = Arc::new(Chunks::new(indices, data, path)?);
        let lines = SparseLines::new(shape, order, starts, entries, "HDF5")?;
        Ok(FileLines::Sparse(lines.named(rows, cols)))
    }

    /// The lines of what [has](Self::has_lines) them, for the file at `to`.
    pub fn gather<T: Scalar>(self, path: &Path, to: &Path) -> Result<Lines<T>, IoError> {
        /// Entries that are read together: many chunks, as one that is cut is unpacked twice.
        const TOGETHER: u64 = 1 << 20;
        let shape = (self.nrows, self.ncols);
        let Matrix::Sparse { order, indptr, indices, data } = &self.matrix else {
            unreachable!("it has lines")
        };
        let offsets: Vec<usize> = indptr.integers(path)?;
        numbers::fits(indices, path)?;
        numbers::fits(data, path)?;
        let count = indices.size().min(data.size());
        let mut gather = Gather::new(*order, shape, to)?;
        // what has been read, and how much of it has been taken
        let (mut read, mut taken, mut end) = ((Vec::<u32>::new(), Vec::<T>::new()), 0, 0_u64);
        gather.all(&offsets, ("HDF5", path), |mut want, of_indices, of_values| {
            while want > 0 {
                if taken == read.0.len() {
                    let next = end.saturating_add(TOGETHER).min(count);
                    if next == end {
                        break;
                    }
                    let some = || Some(end..next);
                    read.0 = numbers::some_integers(indices, some(), path)?;
                    let of_read = &read.0;
                    read.1 = numbers::some_elements(data, some(), path, |at| {
                        let line =
                            offsets.partition_point(|&start| start <= end as usize + at).saturating_sub(1);
                        let index = of_read.get(at).map_or(0, |&i| i as usize);
                        match order {
                            Order::RowMajor => Place::of(path, line, index),
                            Order::ColMajor => Place::of(path, index, line),
                        }
                    })?;
                    (taken, end) = (0, next);
                }
                let some = taken..read.0.len().min(taken + want);
                want -= some.len();
                taken = some.end;
                of_indices.extend_from_slice(&read.0[some.clone()]);
                of_values.extend_from_slice(&read.1[some]);
            }
            Ok(())
        })?;
        let [rows, cols] = self.names(path)?;
        Ok(Lines { gather, rows, cols, remarks: Vec::new() })
    }
}

fn corrupt(path: &Path, reason: impl ToString) -> IoError {
    IoError::Corrupt { path: path.to_owned(), format: "HDF5", reason: reason.to_string() }
}
