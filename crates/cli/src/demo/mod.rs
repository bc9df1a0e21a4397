//! What `orthant demo` shows: the data, the loss curve and the sheets of images.

pub mod curve;
pub mod digits;
pub mod sheet;
