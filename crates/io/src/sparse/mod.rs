//! Sparse matrices read from files, and how they are put together.

mod any;
mod coordinates;
mod parts;
mod table;

pub use any::AnyTable;
pub(crate) use coordinates::Coordinates;
use parts::Parts;
pub use table::{SparseStorage, SparseTable};
