//! The model file with a path, its manifest and what is attached to it. [`orthant::file`] has what is in it.

mod open;
mod saved;

pub use open::open_safetensors;
pub use saved::{AnySavedModel, SavedModel};
