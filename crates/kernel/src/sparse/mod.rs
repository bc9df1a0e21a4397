//! Sparse matrices, and what the pass asks of their rows.
//!
//! | | |
//! |---|---|
//! | [`Csr`], [`Csc`] | matrices over parts of any index and value type |
//! | [`numerators`], [`accumulate`] | S·Y and Sᵀ·Z |
//! | [`at_entries`] | X·Yᵀ at the entries |
//! | [`residual_entries`] | what ‖S − XYᵀ‖² has of the entries |
//! | [`ratio_numerators`], [`ratio_accumulate`], [`ratio_joint`], [`ratio_sum`] | the same for Kullback–Leibler |

pub use csc::Csc;
pub use csr::{Csr, SparseError};
pub use divergence::{SparseOperands, ratio_accumulate, ratio_joint, ratio_numerators, ratio_sum};
pub use parts::{Indices, Indptr, Values};
pub(crate) use products::stride_of;
pub use products::{accumulate, at_entries, numerators, residual_entries, row_stride};
pub use rows::{SparseRows, Unfolded};

mod csc;
mod csr;
mod divergence;
mod parts;
mod products;
mod rows;
