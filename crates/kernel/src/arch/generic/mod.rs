//! The kernels, each written once over [`Vector`](super::vector::Vector).

pub(crate) mod dense;
pub(crate) mod divergence;
pub(crate) mod newton;
pub(crate) mod power;
pub(crate) mod rows;
pub(crate) mod sparse;
