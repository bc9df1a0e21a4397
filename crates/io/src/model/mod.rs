//! The model file: one safetensors file with the components and a manifest.
//!
//! | part | content |
//! |---|---|
//! | tensor `H` | the components, k×n, row-major, `F32` or `F64` |
//! | metadata key `orthant` | the [`Manifest`] as JSON |
//! | metadata keys `orthant.NAME` | [attachments](SavedModel::attachments), of any format |
//!
//! Any safetensors reader gets at both; `safetensors.numpy.load_file("model.safetensors")["H"]` does in Python.

mod manifest;
mod open;
mod saved;

pub use manifest::{FitSummary, Manifest};
pub use open::open_safetensors;
pub(crate) use saved::check_offsets;
pub use saved::{AnySavedModel, SavedModel};
