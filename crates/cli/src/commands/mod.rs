//! The commands, one a file.

pub mod completions;
pub mod convert;
pub mod demo;
pub mod fit;
pub mod man;
pub mod pick;
pub mod programs;
pub mod reconstruct;
pub mod show;
pub mod signatures;
pub mod study;
pub mod topics;
pub mod transform;
