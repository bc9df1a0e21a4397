//! Non-negative matrix factorization: V (m×n) ≈ W (m×k) · H (k×n), all non-negative.
//!
//! Rows of V are samples, as in scikit-learn: W holds each sample's weights, the rows of H are the components, and
//! [`Model::transform`] returns W for new samples. Data with observations in columns is given transposed
//! ([`View::transposed`] moves nothing).
//!
//! ```
//! use orthant::{Dense, Nmf};
//! let v = Dense::from_fn(30, 20, |i, j| ((i % 3 + 1) * (j % 2 + 1)) as f64);
//! let fit = Nmf::new(1).fit(&v)?;
//! assert!(fit.report.converged());
//! let again = fit.model.transform(&v)?;
//! assert!((again[(4, 0)] - fit.w[(4, 0)]).abs() < 1e-9);
//! # Ok::<(), orthant::Error>(())
//! ```
//!
//! | | |
//! |---|---|
//! | a fit, and its options as data | [`Nmf`], [`Options`] |
//! | a fit by batches of rows | [`MiniBatchNmf`], [`Online`] |
//! | what is minimised | [`Loss`], [`Penalty`] |
//! | how factors are updated | [`Method`], [`Update`]; [`methods`] has the mathematics |
//! | where a fit starts | [`Init`], [`InitKind`] |
//! | when it stops, and what it reports | [`Stop`], [`Report`], [`Observer`] |
//! | to go on from where it stood | [`Checkpoint`] |
//! | data without a copy | [`ToMatrix`] for [`View`], [`Dense`], sparse [`Csr`] and [`Csc`] and, as features, faer, nalgebra, nalgebra-sparse, ndarray, sprs |
//! | data that is not in memory | [`OutOfCore`] |
//! | new samples | [`Model`] |
//! | models as files | `Model::save`, `Model::load` and `file`, with the feature `safetensors` |
//!
//! A result has the same bits on any number of threads.

pub use orthant_kernel::{
    Csc, Csr, Dense, Indices, Indptr, LayoutError, OutOfMemory, SparseError, Values, View,
    little_endian_bytes,
};

pub use available::available_memory;
pub use cancel::Cancel;
pub use checkpoint::Checkpoint;
pub use error::Error;
pub use explain::Explanation;
pub use holdout::{HeldOut, Holdout};
pub use initialization::{Init, InitKind};
pub use known::{Bound, Factor};
pub use loss::{Loss, UnknownLoss};
pub use matrix::{Matrix, ToMatrix};
pub use method::{Method, Support, capability_table};
pub use minibatch::{BatchExplanation, Learnt, MiniBatchFit, MiniBatchNmf, Online};
pub use missing::{Missing, Observed};
pub use model::{Model, Transform, TransformReport};
pub use nmf::{Fit, Nmf};
pub use observe::{Iteration, Observer, TimeLimit};
pub use options::{BatchOptions, Options};
pub use out_of_core::{OutOfCore, ReadLines, ReadSparseLines};
pub use penalty::Penalty;
pub use products::Products;
pub use random::RandomState;
pub use ranks::{Communicator, LocalCommunicator};
pub use real::Real;
pub use report::{Compression, HistoryPoint, Plan, Report, StopReason, Warning};
pub use scale::{Component, Scale};
pub use stop::Stop;
pub use to_view::{FromDense, ToView};
pub use update::Update;
pub use weights::EntryWeights;

mod checkpoint;
mod error;
mod explain;
#[cfg(feature = "safetensors")]
pub mod file;
mod holdout;
mod initialization;
mod known;
mod lanes;
mod lines;
mod loss;
mod matrix;
mod method;
pub mod methods;
mod missing;
mod model;
mod nmf;
mod observe;
mod options;
mod out_of_core;
mod real;
mod report;
mod scale;
mod to_view;
mod update;
mod weights;

mod available;
mod cancel;
mod check;
mod choice;
mod clock;
mod column_sums;
mod compress;
mod drive;
mod fit;
mod init;
mod interop;
mod iterate;
mod line_weights;
mod minibatch;
mod objective;
mod penalty;
mod products;
mod random;
mod ranks;
mod reduce;
mod rule;
mod scan;
mod shape;
mod source;
mod state;
mod stop;
mod threads;
mod transform;
mod twofold;

/// The code in the README, compiled and run with the documentation's examples.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The code in `docs/out-of-core.md`, compiled and run with the documentation's examples.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/out-of-core.md")]
struct OutOfCorePage;

/// The code in `docs/cluster.md`, compiled and run with the documentation's examples.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/cluster.md")]
struct ClusterPage;
