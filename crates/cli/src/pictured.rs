//! What a model says of the pictures that it was fitted to.

use std::path::Path;

use orthant_io::{AnyTable, Format, IoError, ReadOptions, SavedModel, Scalar, Source, read_matrix};
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::args::ReadArgs;

/// What it is called among a model's attachments.
pub const PICTURED: &str = "picture";

/// The size of a picture, or of each picture of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pictured {
    /// Rows of pixels.
    pub rows: usize,
    /// Columns of pixels.
    pub columns: usize,
    /// 1 for grey levels, 3 for colour.
    pub channels: usize,
    /// Whether each row of the data is a picture, and not the data one.
    pub in_each_row: bool,
}

impl Pictured {
    /// That of an input of this format, unless it is none of pictures, or their pixels are turned round.
    pub fn of<T: Scalar>(
        format: Format,
        read: &ReadArgs,
        input: &Path,
        table: &AnyTable<T>,
    ) -> Result<Option<Self>, IoError> {
        let channels = if read.keeps_channels() { 3 } else { 1 };
        Ok(match format {
            _ if read.transposes() => None,
            Format::Png | Format::Jpeg => {
                let (rows, columns) = (table.nrows(), table.ncols() / channels);
                Some(Self { rows, columns, channels, in_each_row: false })
            }
            Format::Pictures => {
                let Some(first) = Source::files(input).into_iter().next() else { return Ok(None) };
                let first = read_matrix::<f32>(first, &ReadOptions::default())?;
                let (rows, columns) = (first.nrows(), first.ncols());
                Some(Self { rows, columns, channels, in_each_row: true })
            }
            _ => None,
        })
    }

    /// That of a model.
    pub fn in_model<T: Scalar>(saved: &SavedModel<T>, path: &Path) -> Result<Option<Self>, Failure> {
        let Some(text) = saved.attachments.get(PICTURED) else { return Ok(None) };
        let wrong = |what: String| Failure::Run(format!("{}: its pictures: {what}", path.display()));
        let pictured: Self = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        let Self { rows, columns, channels, in_each_row } = pictured;
        let rows = if in_each_row { rows } else { 1 };
        let levels = rows.checked_mul(columns).and_then(|pixels| pixels.checked_mul(channels));
        if levels != Some(saved.model.n_features()) || ![1, 3].contains(&channels) {
            return Err(wrong(format!("{text} does not go with {} features", saved.model.n_features())));
        }
        Ok(Some(pictured))
    }
}
