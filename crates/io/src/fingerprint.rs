//! A short identity of a matrix, to tell whether a model and a file belong together.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::scalar::little_endian_bytes;
use crate::{Order, Precision, Scalar, Table};

/// Shape, layout, precision and a 128-bit hash of a matrix.
///
/// The hash is XXH3-128 (seed 0) of the elements as they were used: in memory order, as little-endian bytes of
/// their precision, nothing before or after. The same numbers in C and in Fortran order, or read as `float32`
/// and as `float64`, therefore have different fingerprints. It detects accidents, not attacks.
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
}

impl Fingerprint {
    /// The fingerprint of a table, in one pass over its elements.
    pub fn of<T: Scalar>(table: &Table<T>) -> Self {
        let mut hash = Xxh3::new();
        for chunk in table.data().chunks(1 << 16) {
            hash.update(&little_endian_bytes(chunk));
        }
        Self {
            rows: table.nrows(),
            cols: table.ncols(),
            order: table.order(),
            dtype: T::PRECISION,
            xxh3_128: format!("{:032x}", hash.digest128()),
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
