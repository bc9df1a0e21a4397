//! A short identity of a matrix, to tell whether a model and a file belong together.

use std::cell::RefCell;

use orthant::Dense;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::scalar::little_endian_bytes;
use crate::{FileLines, IoError, Order, Precision, Scalar, SparseTable, Table};

/// Shape, layout, precision and a 128-bit hash of a matrix.
///
/// The hash is XXH3-128 (seed 0) of the elements as they were used: in memory order, as little-endian bytes of
/// their precision, nothing before or after. The same numbers in C and in Fortran order, or read as `float32`
/// and as `float64`, therefore have different fingerprints. It detects accidents, not attacks.
///
/// Of a sparse matrix it is that of scipy's `indptr`, as integers of 64 bits, then `indices`, of 32 bits, then `data`, all
/// little-endian, by rows or by columns as [`order`](Self::order) says.
///
/// ```
/// use orthant_io::{Fingerprint, Order, Table};
/// let a = Table::new(vec![1.0, 2.0], 1, 2, Order::RowMajor)?;
/// let b = Table::new(vec![1.0, 2.5], 1, 2, Order::RowMajor)?;
/// assert_eq!(Fingerprint::of(&a), Fingerprint::of(&a.clone()));
/// assert_ne!(Fingerprint::of(&a), Fingerprint::of(&b));
/// # Ok::<(), orthant::LayoutError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// Order of the elements.
    pub order: Order,
    /// Their precision.
    pub dtype: Precision,
    /// The hash, 32 hexadecimal digits.
    pub xxh3_128: String,
    /// Entries of a sparse matrix; nothing for a dense one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nnz: Option<usize>,
}

impl Fingerprint {
    /// The fingerprint of a table, in one pass over its elements.
    pub fn of<T: Scalar>(table: &Table<T>) -> Self {
        Self::dense(table.data(), table.nrows(), table.ncols(), table.order())
    }

    /// The fingerprint of a factor: that of the table which is read from a file with it.
    ///
    /// ```
    /// use orthant::Dense;
    /// use orthant_io::{Fingerprint, Order, Table};
    /// let table = Table::new(vec![1.0, 2.0], 1, 2, Order::RowMajor)?;
    /// let factor = Dense::from_vec(vec![1.0, 2.0], 1, 2).unwrap();
    /// assert_eq!(Fingerprint::of_factor(&factor), Fingerprint::of(&table));
    /// # Ok::<(), orthant::LayoutError>(())
    /// ```
    pub fn of_factor<T: Scalar>(factor: &Dense<T>) -> Self {
        Self::dense(factor.as_slice(), factor.nrows(), factor.ncols(), Order::RowMajor)
    }

    fn dense<T: Scalar>(data: &[T], rows: usize, cols: usize, order: Order) -> Self {
        let mut hash = Xxh3::new();
        for chunk in data.chunks(1 << 16) {
            hash.update(&little_endian_bytes(chunk));
        }
        let xxh3_128 = format!("{:032x}", hash.digest128());
        Self { rows, cols, order, dtype: T::PRECISION, xxh3_128, nnz: None }
    }

    /// The fingerprint of a table whose elements are read when they are needed: that of the same table in memory.
    ///
    /// # Errors
    /// Those of reading.
    pub fn of_lines<T: Scalar>(file: &FileLines<T>) -> Result<Self, IoError> {
        let hash = RefCell::new(Xxh3::new());
        let of_values = |part: &[T]| hash.borrow_mut().update(&little_endian_bytes(part));
        match file {
            FileLines::Dense(lines) => lines.each(of_values)?,
            FileLines::Sparse(lines) => {
                for &start in lines.offsets() {
                    hash.borrow_mut().update(&(start as u64).to_le_bytes());
                }
                let of_indices = |part: &[u32]| {
                    let bytes: Vec<u8> = part.iter().flat_map(|i| i.to_le_bytes()).collect();
                    hash.borrow_mut().update(&bytes);
                };
                lines.each(of_indices, of_values)?;
            }
        }
        let hash = hash.into_inner();
        let xxh3_128 = format!("{:032x}", hash.digest128());
        let (rows, cols, order, nnz) = (file.nrows(), file.ncols(), file.order(), file.nnz());
        Ok(Self { rows, cols, order, dtype: T::PRECISION, xxh3_128, nnz })
    }

    /// The fingerprint of a sparse table, in two passes over its entries.
    ///
    /// ```
    /// use orthant::Csr;
    /// use orthant_io::{Fingerprint, SparseTable};
    /// let csr = Csr::<f64>::new(2, 3, vec![0, 1, 2], vec![0_u32, 2], vec![1.0, 2.0])?;
    /// let fingerprint = Fingerprint::of_sparse(&SparseTable::by_rows(csr));
    /// assert_eq!((fingerprint.rows, fingerprint.cols, fingerprint.nnz), (2, 3, Some(2)));
    /// # Ok::<(), orthant::SparseError>(())
    /// ```
    pub fn of_sparse<T: Scalar>(table: &SparseTable<T>) -> Self {
        let lines = table.lines();
        let mut hash = Xxh3::new();
        let mut end = 0_u64;
        hash.update(&end.to_le_bytes());
        for i in 0..lines.nrows() {
            end += lines.row_nnz(i) as u64;
            hash.update(&end.to_le_bytes());
        }
        let mut bytes = Vec::new();
        for i in 0..lines.nrows() {
            bytes.clear();
            // indices are below 2³²
            lines.row(i).for_each(|(j, _)| bytes.extend((j as u32).to_le_bytes()));
            hash.update(&bytes);
        }
        let mut values = Vec::new();
        for i in 0..lines.nrows() {
            values.clear();
            values.extend(lines.row(i).map(|(_, x)| x));
            hash.update(&little_endian_bytes(&values));
        }
        Self {
            rows: table.nrows(),
            cols: table.ncols(),
            order: table.order(),
            dtype: T::PRECISION,
            xxh3_128: format!("{:032x}", hash.digest128()),
            nnz: Some(table.nnz()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        let t = Table::new(vec![1.0, 2.0, 3.0, 4.0], 2, 2, Order::RowMajor).unwrap();
        let f = Fingerprint::of(&t);
        let whole = xxhash_rust::xxh3::xxh3_128(bytemuck::cast_slice(t.data()));
        assert_eq!(f.xxh3_128, format!("{whole:032x}"));
        // the empty input's digest, as the specification lists it
        let none = Table::<f64>::new(vec![], 0, 3, Order::RowMajor).unwrap();
        assert_eq!(Fingerprint::of(&none).xxh3_128, "99aa06d3014798d86001c324468d497f");
    }
}
