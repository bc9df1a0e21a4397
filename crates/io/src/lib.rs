//! Files for [`orthant`]: matrices in, factors and models out.
//!
//! | file | read | written |
//! |---|---|---|
//! | `.npy` (any real dtype, C or Fortran order, either byte order) | yes | yes |
//! | tables of text (csv, tsv and their kin under any name, gct), with or without names | yes | csv, tsv |
//! | lists of entries ([`ReadOptions::triplets`]) and svmlight, sparse | yes | |
//! | spreadsheets: `.xlsx`, `.ods` | yes | |
//! | `.png`, `.jpg` as grey levels or in colour, and folders of them with a picture in each row | yes | png |
//! | `.mtx` (Matrix Market: coordinates or all entries, general or symmetric; with 10x's names beside it) | yes | |
//! | `.npz`: scipy's sparse matrices (`csr`, `csc`, `coo`), or numpy's arrays, one of them | yes | `csr` |
//! | `.h5ad` (AnnData: `X`, a layer, `raw`) | yes | results into a copy |
//! | `.h5` (10x Genomics), `.loom` | yes | |
//! | any of these packed as `.gz`, `.bz2`, `.xz`, `.zst` or `.zip` | yes | |
//! | `.json` (rows of numbers) | | yes |
//! | `model.safetensors`: the components with a manifest | yes | yes |
//! | a [checkpoint](orthant::Checkpoint) of a fit | yes | yes |
//!
//! A program that reads no matrices, or few kinds, compiles in less time without these features, all of which are on by default:
//!
//! | feature | what it reads |
//! |---|---|
//! | `h5` | `.h5ad`, 10x Genomics' `.h5`, `.loom` |
//! | `spreadsheets` | `.xlsx`, `.ods` |
//! | `packed` | `.bz2`, `.xz`, `.zst`; `.gz` and `.zip` are always read |
//!
//! A file of a kind that is left out is an error that names the feature.
//!
//! Reading goes through [`read_matrix`], [`read_any`] where a matrix may be sparse, or [`Source`] where the precision
//! should follow the file or its extent be known first. Every file is written beside its final place and renamed into it, so that a failure leaves the previous one whole.
//!
//! ```
//! use orthant::Nmf;
//! use orthant_io::{ReadOptions, Staged, read_matrix};
//!
//! let dir = tempfile::tempdir()?;
//! let path = dir.path().join("counts.csv");
//! std::fs::write(&path, "doc,apple,pear,plum\nd1,2,0,1\nd2,4,0,2\nd3,0,3,0\n")?;
//!
//! let table = read_matrix::<f64>(&path, &ReadOptions::default())?;
//! assert_eq!((table.nrows(), table.ncols()), (3, 3));
//! assert_eq!(table.col_names().unwrap()[1], "pear");
//!
//! let fit = Nmf::new(2).fit(&table)?;
//! let mut out = Staged::in_dir(dir.path().join("out"))?;
//! out.npy("W.npy", fit.w.view())?;
//! out.npy("H.npy", fit.model.components().view())?;
//! out.commit()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use checkpoint::{Checkpoints, read_checkpoint, write_checkpoint};
pub use convert::{Conversion, Converted, convert};
pub use error::{IoError, Place};
pub use extent::Extent;
pub use file_lines::FileLines;
pub use format::{Format, OutputFormat};
#[cfg(feature = "h5")]
pub use h5::{Annotation, Parameter, check_annotatable};
pub use model::{AnySavedModel, SavedModel, open_safetensors};
pub use npy::NpyLines;
pub use orthant::file::{Fingerprint, FitSummary, Manifest, Order, Precision};
pub use read::{Detect, ReadOptions, Source, read_any, read_matrix};
pub use remark::{Edge, Remark};
pub use scalar::Scalar;
pub use sparse::{AnyTable, SparseLines, SparseStorage, SparseTable};
pub use table::Table;
pub use text::{Decimal, Delimiter};
pub use write::{Names, Staged, write_colour, write_matrix, write_matrix_as, write_npz, write_to};

#[cfg(not(feature = "h5"))]
use absent::h5;
#[cfg(not(feature = "spreadsheets"))]
use absent::spreadsheet;

#[cfg(not(all(feature = "h5", feature = "packed", feature = "spreadsheets")))]
mod absent;
mod at;
mod checkpoint;
mod convert;
mod error;
mod extent;
mod feature_types;
mod file_lines;
mod format;
#[cfg(feature = "h5")]
mod h5;
mod model;
mod mtx;
mod names;
mod npy;
mod npz;
mod number;
mod packed;
mod picture;
mod read;
mod remark;
mod scalar;
mod sparse;
#[cfg(feature = "spreadsheets")]
mod spreadsheet;
mod table;
mod text;
mod write;
mod zip;
