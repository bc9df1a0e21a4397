//! The numbers that files are read into.

use std::borrow::Cow;

use orthant::Real;

/// Single or double precision, as numpy names them.
///
/// ```
/// use orthant_io::{Precision, Scalar};
/// assert_eq!(<f32 as Scalar>::PRECISION, Precision::Float32);
/// assert_eq!(Precision::Float64.to_string(), "float64");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// `f32`.
    Float32,
    /// `f64`.
    Float64,
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Float32 => "float32",
            Self::Float64 => "float64",
        })
    }
}

/// `f32` or `f64`: a [`Real`] whose bytes may be read and written as they are.
///
/// ```
/// use orthant_io::{ReadOptions, Scalar, Source};
/// fn rows<T: Scalar>(bytes: &'static [u8]) -> usize {
///     let source = Source::from_reader("a.csv", bytes, None, &ReadOptions::default()).unwrap();
///     source.read::<T>().unwrap().nrows()
/// }
/// assert_eq!(rows::<f32>(b"1,2\n3,4\n"), 2);
/// ```
pub trait Scalar: Real + bytemuck::Pod {
    /// Which of the two.
    const PRECISION: Precision;
}

impl Scalar for f32 {
    const PRECISION: Precision = Precision::Float32;
}

impl Scalar for f64 {
    const PRECISION: Precision = Precision::Float64;
}

/// The elements as little-endian bytes: without a copy on every machine that is little-endian itself.
pub(crate) fn little_endian_bytes<T: Scalar>(data: &[T]) -> Cow<'_, [u8]> {
    let native: &[u8] = bytemuck::cast_slice(data);
    if cfg!(target_endian = "little") {
        return Cow::Borrowed(native);
    }
    let mut bytes = native.to_vec();
    bytes.chunks_exact_mut(size_of::<T>()).for_each(<[u8]>::reverse);
    Cow::Owned(bytes)
}
