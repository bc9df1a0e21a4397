//! Non-negative matrix factorization: V (m×n) ≈ W (m×k) · H (k×n), all non-negative.
pub use orthant_kernel::{Dense, LayoutError, Real, View};

pub use error::Error;
pub use model::{Model, Transform, TransformReport};
pub use nmf::{Fit, Method, Nmf, Products, Start, Stop};
pub use observe::{Cancel, Iteration, Observer, TimeLimit};
pub use penalty::Penalty;
pub use report::{HistoryPoint, Plan, Report, StopReason, Warning};
pub use to_view::{FromDense, ToView};

mod error;
mod model;
mod nmf;
mod observe;
mod report;
mod to_view;

mod fit;
pub mod init;
mod interop;
mod pass;
mod penalty;
pub mod reduce;
pub mod rule;
mod scan;
pub mod source;
mod stop;
mod transform;
