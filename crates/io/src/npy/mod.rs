//! numpy's array files.
//!
//! The format is a magic number, a version, the length of a header, the header (a Python dictionary with the
//! element type, the order and the shape) and the elements. Header and elements are read here rather than by a
//! library so that a hostile header can neither exhaust memory nor overflow, and elements arrive in bulk.

mod decode;
mod header;
mod integers;
mod lines;
mod stored;
mod write;

#[cfg(feature = "h5")]
pub(crate) use decode::half;
pub(crate) use decode::{read_data, read_vector};
pub(crate) use header::{Header, Raw, read_header, read_raw};
pub(crate) use integers::read_integers;
pub use lines::NpyLines;
#[cfg(feature = "h5")]
pub(crate) use stored::Stamp;
pub(crate) use stored::Stored;
pub(crate) use write::{write, write_header, write_header_of};
