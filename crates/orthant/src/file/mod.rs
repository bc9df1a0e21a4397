//! The model file, and what it says of its model: one safetensors file with the components and a manifest.
//!
//! | part | content |
//! |---|---|
//! | tensor `H` | the components, k×n, row-major, `F32` or `F64` |
//! | metadata key `orthant` | the [`Manifest`] as JSON |
//! | metadata keys `orthant.NAME` | attachments: texts of any format |
//!
//! [`Model::save`] and [`Model::load`] write and read it. The command and the Python package have the same file, and each reads
//! what the others wrote. Any safetensors reader gets at the parts; `safetensors.numpy.load_file("model.safetensors")["H"]`
//! does in Python.
//!
//! [`encode`] and [`decode`] have the manifest and the attachments too. `orthant-io` has both with a path as `SavedModel`.

mod codec;
mod error;
mod fingerprint;
mod manifest;
mod open;
mod save;

pub use codec::{Decoded, decode, encode, precision_of};
pub use error::FileError;
pub use fingerprint::{Fingerprint, Order, Precision};
pub use manifest::{FitSummary, Manifest};
pub use open::open_safetensors;

#[cfg(doc)]
use crate::Model;
