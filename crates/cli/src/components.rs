//! Components to transform by: a saved model, or a matrix with a component in each row.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use orthant::{Dense, Model, Penalty};
use orthant_io::{AnySavedModel, Precision, ReadOptions, SavedModel, Scalar, Source, Table};

use crate::failure::in_matrix;
use crate::{Failure, say};

/// Loads a model file, or else a matrix.
pub fn load(path: &Path) -> Result<AnySavedModel, Failure> {
    if is_model(path) {
        return Ok(AnySavedModel::load(path)?);
    }
    let source = Source::open(path, &ReadOptions::default())?;
    Ok(match source.precision() {
        Precision::Float32 => AnySavedModel::F32(of_matrix(path, source.read()?)?),
        Precision::Float64 => AnySavedModel::F64(of_matrix(path, source.read()?)?),
    })
}

/// By its name, or as the length of its header, eight bytes, is followed by JSON.
fn is_model(path: &Path) -> bool {
    let mut head = [0; 9];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    path.extension().is_some_and(|ending| ending == "safetensors") || read.is_ok() && head[7..] == *b"\0{"
}

fn of_matrix<T: Scalar>(path: &Path, h: Table<T>) -> Result<SavedModel<T>, Failure> {
    say::remarks_of_factor(path, h.remarks());
    let model = Model::from_components(Dense::copy_of(h.view()), Penalty::default()).map_err(|error| {
        let at = |row, col| h.locate(row, col);
        in_matrix(&error, "H", at, path)
            .unwrap_or_else(|| Failure::Run(format!("{}: {error}", path.display())))
    })?;
    let mut saved = SavedModel::new(model);
    saved.manifest.columns = h.col_names().map(<[String]>::to_vec);
    Ok(saved)
}
