//! The arrays of a compressed matrix, as a file has them.

use std::path::Path;

use orthant::{Csc, Csr, SparseError};

use crate::{IoError, Order, Scalar, SparseTable};

/// Where each line begins, the place of each entry in its line, and the entries. Lines are rows or columns, by the
/// order.
pub(crate) struct Parts<T> {
    pub order: Order,
    pub nrows: usize,
    pub ncols: usize,
    pub indptr: Vec<usize>,
    pub indices: Vec<u32>,
    pub values: Vec<T>,
}

impl<T: Scalar> Parts<T> {
    /// The matrix, if they are one; it comes from a file of kind `format`.
    pub fn table(self, format: &'static str, path: &Path) -> Result<SparseTable<T>, IoError> {
        let Self { order, nrows, ncols, indptr, indices, values } = self;
        let table = match order {
            Order::RowMajor => Csr::new(nrows, ncols, indptr, indices, values).map(SparseTable::by_rows),
            Order::ColMajor => Csc::new(nrows, ncols, indptr, indices, values).map(SparseTable::by_columns),
        };
        table.map_err(|e| match e {
            SparseError::TooLarge { .. } => {
                IoError::TooLarge { path: path.to_owned(), rows: nrows as u64, cols: ncols as u64 }
            }
            e => IoError::Corrupt { path: path.to_owned(), format, reason: e.to_string() },
        })
    }
}

/// Row and column of entry `e` of a compressed matrix whose parts need not be right.
pub(crate) fn row_and_col(order: Order, indptr: &[usize], indices: &[u32], e: usize) -> (usize, usize) {
    let line = indptr.partition_point(|&start| start <= e).saturating_sub(1);
    let index = indices.get(e).map_or(0, |&i| i as usize);
    match order {
        Order::RowMajor => (line, index),
        Order::ColMajor => (index, line),
    }
}
