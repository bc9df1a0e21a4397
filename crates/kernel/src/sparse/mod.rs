//! Sparse matrices, and what the pass asks of their rows.

pub use csr::{Csc, Csr, SparseError, SparseRows, Unfolded};
pub use parts::{Indices, Indptr, Values};

mod csr;
mod parts;
