//! Sparse matrices read from files, and how they are put together.

mod any;
mod coordinates;
mod lines;
mod parts;
mod select;
mod table;

pub use any::AnyTable;
pub(crate) use coordinates::Coordinates;
pub(crate) use lines::Entries;
pub use lines::SparseLines;
#[cfg(feature = "h5")]
pub(crate) use lines::check_starts;
pub(crate) use parts::{Parts, row_and_col};
pub use table::{SparseStorage, SparseTable};
