//! What tests of several formats read tables with.

use orthant_io::{AnyTable, Scalar, SparseStorage};

/// All entries, row by row.
pub fn rows<T: Scalar>(table: &AnyTable<T>) -> Vec<Vec<f64>> {
    if let AnyTable::OutOfCore(file) = table {
        return rows(&file.load().unwrap());
    }
    let at = |i, j| match table {
        AnyTable::Dense(table) => table.view().at(i, j),
        AnyTable::Sparse(table) => match table.storage() {
            SparseStorage::ByRows(v) => v.to_dense()[(i, j)],
            SparseStorage::ByColumns(v) => v.to_dense()[(i, j)],
        },
        AnyTable::OutOfCore(_) => unreachable!("it is loaded"),
    };
    (0..table.nrows()).map(|i| (0..table.ncols()).map(|j| at(i, j).to_f64()).collect()).collect()
}
