//! What each loss wants of rows of S, written once over the forms that rows have.

mod divergence;
mod frobenius;

pub(crate) use frobenius::Residual;
