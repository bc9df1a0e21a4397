//! The statistics of many fits, each on plain numbers.

pub mod assignment;
pub mod centre;
pub mod density;
pub mod information;
pub mod matching;
pub mod quantile;
pub mod samples;
pub mod silhouette;
pub mod stability;
pub mod units;
