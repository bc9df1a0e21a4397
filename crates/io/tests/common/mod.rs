//! What tests of several formats read tables with.

use orthant_io::{AnyTable, Scalar, SparseStorage};

/// All entries, row by row.
pub fn rows<T: Scalar>(table: &AnyTable<T>) -> Vec<Vec<f64>> {
    let at = |i, j| match table {
        AnyTable::Dense(table) => table.view().at(i, j),
        AnyTable::Sparse(table) => match table.storage() {
            SparseStorage::ByRows(v) => v.to_dense()[(i, j)],
            SparseStorage::ByColumns(v) => v.to_dense()[(i, j)],
        },
        AnyTable::OutOfCore(file) => file.load().unwrap().view().at(i, j),
    };
    (0..table.nrows()).map(|i| (0..table.ncols()).map(|j| at(i, j).to_f64()).collect()).collect()
}
