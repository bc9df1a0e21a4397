//! The kernels, each written once over [`Vector`](super::vector::Vector).

pub(crate) mod chains;
pub(crate) mod dense;
pub(crate) mod divergence;
pub(crate) mod gaps;
pub(crate) mod newton;
pub(crate) mod power;
pub(crate) mod rows;
pub(crate) mod scan;
pub(crate) mod sparse;
