//! What `orthant demo` shows: the data and the loss curve.

pub mod curve;
pub mod digits;
