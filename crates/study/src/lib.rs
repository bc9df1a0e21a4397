//! How many components a non-negative matrix factorisation has, and which of them can be trusted.
//!
//! One fit says neither. A [`Study`] makes many: of several ranks, each from several starts, and each on data of which a part is
//! held out. [`Ranks`] then has a [row](Row) of figures for each rank, a [recommendation](Recommendation) with its reason, and the
//! [consensus](Consensus) of the fits of a rank: the components that came back, how far they are spread, and W of all data on them.
//!
//! A job is a [`Key`]; its seed is a hash of that. Its bits depend on V, the options and the key alone, and not on threads, on
//! the order of jobs, on which machine does which, or on whether a run was ended and gone on with.
//!
//! ```
//! use orthant::Dense;
//! use orthant_study::Study;
//! let v = Dense::from_fn(30, 12, |i, j| if i % 2 == j % 2 { ((i * 5 + j) % 7 + 1) as f64 } else { 0.0 });
//! let dir = tempfile::tempdir()?;
//! let study = Study::new(2..=3).replicates(3).seed(1);
//! let ranks = study.fit_into(&v, dir.path().join("study"))?;
//! assert_eq!(ranks.table().len(), 2);
//! // what is there is kept: two more fits a rank
//! let more = study.replicates(5).fit_into(&v, dir.path().join("study"))?;
//! assert_eq!(more.table()[0].fits, 5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use consensus::{Consensus, Member, PickedComponent};
pub use detail::Cosines;
pub use error::StudyError;
pub use key::{Key, Kind};
pub use options::{Density, Holdout, Recipe, Shard, Thresholds};
pub use packed::Packed;
pub use programs::{Cells, Gene, Genes, Overdispersion, Programs};
pub use ranks::{KSelection, Ranks, SampleConsensus, precision};
pub use recommend::{Recommendation, Rule, stable};
pub use run::Ended;
pub use similarity::Similarity;
pub use stats::centre::Spread;
pub use stats::quantile::quantile;
pub use study::{Plan, Study};
pub use table::{COLUMNS, ComponentRow, FitFigures, Row};
pub use variation::Variation;

mod consensus;
mod data;
mod detail;
mod error;
mod folder;
mod holdout;
mod job;
mod key;
mod options;
mod output;
mod packed;
pub mod programs;
mod ranks;
mod recommend;
mod record;
mod refit;
mod run;
mod similarity;
mod stats;
mod study;
mod table;
mod variation;

/// The code in `docs/programs.md`, compiled and run with the documentation's examples.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/programs.md")]
struct ProgramsPage;

/// The code in `docs/study.md`, compiled and run with the documentation's examples.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/study.md")]
struct Page;
