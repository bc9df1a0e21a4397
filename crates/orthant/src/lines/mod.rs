//! The rows of V, or its columns where these are the closer ones, wherever they are: in memory, or read when they are needed.

pub(crate) use dense::{DenseLines, together};
pub(crate) use sparse::{Entries, Near, SparseLines, near_bytes};

mod dense;
mod sparse;
