//! A short identity of a matrix, to tell whether a model and a file belong together.

use std::fmt;

use orthant_kernel::{View, little_endian_bytes};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::lines::{DenseLines, Near, SparseLines};
use crate::{Error, Matrix, Real, ToMatrix};

/// Single or double precision, as numpy names them.
///
/// ```
/// use orthant::file::Precision;
/// assert_eq!(Precision::of::<f32>(), Precision::Float32);
/// assert_eq!(Precision::Float64.to_string(), "float64");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// `f32`.
    Float32,
    /// `f64`.
    Float64,
}

impl Precision {
    /// That of a type of numbers.
    pub fn of<T: Real>() -> Self {
        if size_of::<T>() == 4 { Self::Float32 } else { Self::Float64 }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Float32 => "float32",
            Self::Float64 => "float64",
        })
    }
}

/// How the elements of a matrix follow one another.
///
/// ```
/// use orthant::file::{Fingerprint, Order};
/// use orthant::View;
/// let by_columns = View::col_major(&[1.0, 2.0, 3.0, 4.0], 2, 2)?;
/// assert_eq!(by_columns.at(0, 1), 3.0);
/// assert_eq!(Fingerprint::of(&by_columns)?.order, Order::ColMajor);
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Row after row: C order.
    RowMajor,
    /// Column after column: Fortran order.
    ColMajor,
}

impl Order {
    /// The other one: that of the same elements as the transposed matrix.
    #[must_use]
    pub fn transposed(self) -> Self {
        match self {
            Self::RowMajor => Self::ColMajor,
            Self::ColMajor => Self::RowMajor,
        }
    }
}

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
/// use orthant::{Dense, file::Fingerprint};
/// let a = Dense::from_vec(vec![1.0, 2.0], 1, 2)?;
/// let b = Dense::from_vec(vec![1.0, 2.5], 1, 2)?;
/// assert_eq!(Fingerprint::of(&a)?, Fingerprint::of(&a.clone())?);
/// assert_ne!(Fingerprint::of(&a)?, Fingerprint::of(&b)?);
/// # Ok::<(), orthant::Error>(())
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
    /// The fingerprint of a matrix as it lies in memory, or wherever it is read from, in one pass over its elements or two over
    /// its entries. Elements with room between them count as a copy by rows.
    ///
    /// ```
    /// use orthant::{Csr, file::Fingerprint};
    /// let csr = Csr::<f64>::new(2, 3, vec![0, 1, 2], vec![0_u32, 2], vec![1.0, 2.0])?;
    /// let fingerprint = Fingerprint::of(&csr)?;
    /// assert_eq!((fingerprint.rows, fingerprint.cols, fingerprint.nnz), (2, 3, Some(2)));
    /// # Ok::<(), orthant::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::CorruptSparse`], and [`Error::Unreadable`] for what is not in memory.
    pub fn of<T: Real>(v: &impl ToMatrix<T>) -> Result<Self, Error> {
        let v = v.to_matrix()?;
        let mut hash = Xxh3::new();
        let (rows, cols) = (v.nrows(), v.ncols());
        let order = match &v {
            Matrix::Dense(v) => dense(&mut hash, *v),
            _ => {
                match (v.sparse_lines(), v.dense_lines()) {
                    (Some(lines), _) => sparse(&mut hash, &lines)?,
                    (_, lines) => read(&mut hash, &lines.expect("it is dense"))?,
                }
                if v.by_columns() { Order::ColMajor } else { Order::RowMajor }
            }
        };
        let xxh3_128 = format!("{:032x}", hash.digest128());
        Ok(Self { rows, cols, order, dtype: Precision::of::<T>(), xxh3_128, nnz: v.nnz() })
    }
}

fn dense<T: Real>(hash: &mut Xxh3, v: View<'_, T>) -> Order {
    if let Some(data) = v.as_contiguous() {
        data.chunks(1 << 16).for_each(|chunk| hash.update(&little_endian_bytes(chunk)));
        let by_columns = v.row_stride().unsigned_abs() < v.col_stride().unsigned_abs();
        return if by_columns { Order::ColMajor } else { Order::RowMajor };
    }
    for i in 0..v.nrows() {
        let row: Vec<T> = (0..v.ncols()).map(|j| v.at(i, j)).collect();
        hash.update(&little_endian_bytes(&row));
    }
    Order::RowMajor
}

/// Lines that are read, some at a time.
fn read<T: Real>(hash: &mut Xxh3, lines: &DenseLines<'_, T>) -> Result<(), Error> {
    let (count, together, mut room) = (lines.nrows(), lines.together(), Vec::new());
    for start in (0..count).step_by(together) {
        let block = lines.read(start..count.min(start + together), &mut room)?;
        hash.update(&little_endian_bytes(block.as_contiguous().expect("it is a copy")));
    }
    Ok(())
}

fn sparse<T: Real>(hash: &mut Xxh3, lines: &SparseLines<'_, T>) -> Result<(), Error> {
    let count = lines.nrows();
    (0..=count).for_each(|i| hash.update(&(lines.entries_before(i) as u64).to_le_bytes()));
    let (mut near, mut bytes) = (Near::default(), Vec::new());
    for i in 0..count {
        bytes.clear();
        // indices are below 2³²
        lines.each(i, &mut near, |j, _| bytes.extend((j as u32).to_le_bytes()))?;
        hash.update(&bytes);
    }
    let mut values = Vec::new();
    for i in 0..count {
        values.clear();
        lines.each(i, &mut near, |_, x| values.push(x))?;
        hash.update(&little_endian_bytes(&values));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use orthant_kernel::Dense;

    #[test]
    fn the_hash_is_the_published_one() {
        let data = [1.0, 2.0, 3.0, 4.0];
        let f = Fingerprint::of(&View::row_major(&data, 2, 2).unwrap()).unwrap();
        let whole = xxhash_rust::xxh3::xxh3_128(bytemuck::cast_slice(&data));
        assert_eq!(f.xxh3_128, format!("{whole:032x}"));
        // the empty input's digest, as the specification lists it
        let none = Dense::<f64>::zeros(0, 3);
        assert_eq!(Fingerprint::of(&none).unwrap().xxh3_128, "99aa06d3014798d86001c324468d497f");
    }

    #[test]
    fn elements_with_room_between_them_count_as_a_copy() {
        let data: Vec<f64> = (0..12).map(f64::from).collect();
        let strided = View::strided(&data, 0, 3, 2, 4, 2).unwrap();
        let copy = Dense::from_vec(vec![0.0, 2.0, 4.0, 6.0, 8.0, 10.0], 3, 2).unwrap();
        assert_eq!(Fingerprint::of(&strided).unwrap(), Fingerprint::of(&copy).unwrap());
    }
}
