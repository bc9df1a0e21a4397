//! The numbers that files are read into.

use std::io::{self, Write};
use std::path::Path;

use orthant::{Csr, Real, View};

use crate::{
    AnyTable, Conversion, Converted, IoError, Names, OutputFormat, Precision, SavedModel, Source, convert,
    npz, write,
};

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
pub trait Scalar: Real + Codec {
    /// Which of the two.
    const PRECISION: Precision;
}

/// Readers and writers, compiled for each precision with this crate: generic code is compiled anew by every crate that uses
/// it. Nobody outside this crate can name it.
pub trait Codec: Sized {
    /// [`Source::read_any`].
    fn read(source: Source<'_>) -> Result<AnyTable<Self>, IoError>
    where
        Self: Scalar;

    /// [`write_to`](crate::write_to).
    fn write(
        out: &mut dyn Write,
        format: OutputFormat,
        view: View<'_, Self>,
        names: Names<'_>,
    ) -> io::Result<usize>
    where
        Self: Scalar;

    /// Writes a sparse matrix as scipy's archive.
    fn write_npz(out: &mut dyn Write, v: &Csr<'_, Self>) -> io::Result<()>
    where
        Self: Scalar;

    /// [`convert`](crate::convert()).
    fn convert(table: &AnyTable<Self>, path: &Path) -> Result<(), IoError>
    where
        Self: Scalar;

    /// [`Source::convert`].
    fn convert_source(source: Source<'_>, options: Conversion, path: &Path) -> Result<Converted, IoError>
    where
        Self: Scalar;

    /// [`SavedModel::write_to`].
    fn write_model(model: &SavedModel<Self>, out: &mut dyn Write) -> io::Result<()>
    where
        Self: Scalar;

    /// The model in the bytes of a file.
    fn read_model(bytes: &[u8], path: &Path) -> Result<SavedModel<Self>, IoError>
    where
        Self: Scalar;
}

macro_rules! compiled_for {
    ($($t:ty),*) => {$(
        impl Codec for $t {
            fn read(source: Source<'_>) -> Result<AnyTable<Self>, IoError> {
                source.entries()
            }

            fn write(
                out: &mut dyn Write,
                format: OutputFormat,
                view: View<'_, Self>,
                names: Names<'_>,
            ) -> io::Result<usize> {
                write::entries(out, format, view, names)
            }

            fn write_npz(out: &mut dyn Write, v: &Csr<'_, Self>) -> io::Result<()> {
                npz::write(out, v)
            }

            fn convert(table: &AnyTable<Self>, path: &Path) -> Result<(), IoError> {
                convert::table(table, path)
            }

            fn convert_source(
                source: Source<'_>,
                options: Conversion,
                path: &Path,
            ) -> Result<Converted, IoError> {
                convert::source::<Self>(source, options, path)
            }

            fn write_model(model: &SavedModel<Self>, out: &mut dyn Write) -> io::Result<()> {
                model.encode(out)
            }

            fn read_model(bytes: &[u8], path: &Path) -> Result<SavedModel<Self>, IoError> {
                SavedModel::decode(bytes, path)
            }
        }
    )*};
}

compiled_for!(f32, f64);

impl Scalar for f32 {
    const PRECISION: Precision = Precision::Float32;
}

impl Scalar for f64 {
    const PRECISION: Precision = Precision::Float64;
}
