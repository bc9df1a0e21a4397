//! HDF5 files of annotated matrices: AnnData's and 10x Genomics'.

mod anndata;
mod numbers;
mod tenx;
mod words;

use std::path::Path;

use hdf5_metno as hdf5;

use hdf5::types::{FloatSize, TypeDescriptor};
use hdf5::{Dataset, File, Group};

use crate::names::make_unique;
use crate::sparse::{Parts, row_and_col};
use crate::{AnyTable, Extent, IoError, Order, Place, Precision, Scalar, Table};

/// A file whose matrix is found but not read.
pub(crate) struct Hdf5 {
    matrix: Matrix,
    row_names: Option<Dataset>,
    col_names: Option<Dataset>,
    /// Equal names of columns are to be told apart.
    unique_cols: bool,
    nrows: usize,
    ncols: usize,
    precision: Precision,
}

enum Matrix {
    Dense(Dataset),
    Sparse { order: Order, indptr: Dataset, indices: Dataset, data: Dataset },
}

impl Matrix {
    /// The parts of a sparse matrix.
    fn sparse(order: Order, group: &Group, path: &Path) -> Result<Self, IoError> {
        let part = |name| group.dataset(name).map_err(|e| corrupt(path, e));
        let (indptr, indices, data) = (part("indptr")?, part("indices")?, part("data")?);
        Ok(Self::Sparse { order, indptr, indices, data })
    }

    /// The entries of a sparse matrix.
    fn nnz(&self) -> Option<u64> {
        match self {
            Self::Dense(_) => None,
            Self::Sparse { data, .. } => Some(data.size() as u64),
        }
    }

    fn entries(&self) -> &Dataset {
        match self {
            Self::Dense(data) | Self::Sparse { data, .. } => data,
        }
    }
}

impl Hdf5 {
    /// Finds the matrix in the file at `file`, which messages call `path`.
    pub fn open(file: &Path, layer: Option<&str>, path: &Path) -> Result<Self, IoError> {
        let file = File::open(file).map_err(|e| corrupt(path, e))?;
        if file.link_exists("X") || file.link_exists("obs") && file.link_exists("var") {
            return anndata::find(&file, layer, path);
        }
        if let Some(found) = tenx::find(&file, layer, path) {
            return found;
        }
        let what = "an HDF5 file that is neither AnnData's nor 10x Genomics'";
        let instead =
            "write it with anndata (.h5ad), or save its matrix with scipy.sparse.save_npz or numpy.save";
        Err(IoError::UnsupportedFormat { path: path.to_owned(), what, instead })
    }

    /// A matrix of this shape, without names.
    fn of(matrix: Matrix, shape: &[usize], path: &Path) -> Result<Self, IoError> {
        let &[nrows, ncols] = shape else {
            let shape = shape.iter().map(|&n| n as u64).collect();
            return Err(IoError::NotAMatrix { path: path.to_owned(), shape });
        };
        let dtype = numbers::descriptor(matrix.entries(), path)?;
        let found = Extent { rows: nrows as u64, cols: ncols as u64, nnz: matrix.nnz() };
        found.check(path)?;
        let single = matches!(dtype, TypeDescriptor::Float(FloatSize::U2 | FloatSize::U4));
        let precision = if single { Precision::Float32 } else { Precision::Float64 };
        Ok(Self { matrix, row_names: None, col_names: None, unique_cols: false, nrows, ncols, precision })
    }

    pub fn extent(&self) -> Extent {
        Extent { rows: self.nrows as u64, cols: self.ncols as u64, nnz: self.matrix.nnz() }
    }

    pub fn precision(&self) -> Precision {
        self.precision
    }

    pub fn read<T: Scalar>(self, path: &Path) -> Result<AnyTable<T>, IoError> {
        let (nrows, ncols) = (self.nrows, self.ncols);
        let mut table = match self.matrix {
            Matrix::Dense(data) => {
                let data = numbers::elements(&data, path, |e| Place::of(path, e / ncols, e % ncols))?;
                let table = Table::new(data, nrows, ncols, Order::RowMajor);
                AnyTable::Dense(table.expect("rows times columns elements were read"))
            }
            Matrix::Sparse { order, indptr, indices, data } => {
                let (indptr, indices) =
                    (numbers::integers(&indptr, path)?, numbers::integers(&indices, path)?);
                let values = numbers::elements(&data, path, |e| {
                    let (row, col) = row_and_col(order, &indptr, &indices, e);
                    Place::of(path, row, col)
                })?;
                let parts = Parts { order, nrows, ncols, indptr, indices, values };
                AnyTable::Sparse(parts.table("HDF5", path)?)
            }
        };
        let names = |data: Option<Dataset>, count| data.map(|d| words::names(&d, count, path)).transpose();
        let rows = names(self.row_names, nrows)?;
        let mut cols = names(self.col_names, ncols)?;
        if let Some(cols) = cols.as_deref_mut().filter(|_| self.unique_cols) {
            make_unique(cols);
        }
        table.set_names(rows, cols);
        Ok(table)
    }
}

fn corrupt(path: &Path, reason: impl ToString) -> IoError {
    IoError::Corrupt { path: path.to_owned(), format: "HDF5", reason: reason.to_string() }
}
