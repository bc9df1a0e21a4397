//! Data that a fit has not seen.

pub mod block;
pub mod loss;
pub mod overdispersion;
pub mod thin;

/// Divisions of rows and columns into halves, of four folds each.
pub const DIVISIONS: usize = 3;
