//! Loom files: a dense matrix of genes × cells, read by columns as cells × genes, samples in rows.
//!
//! Other layers have its shape. Names of genes and cells are among the attributes of rows and columns, under the names that
//! loompy and velocyto give them.

use super::{Data, Hdf5, Matrix, Opened, corrupt};
use crate::{IoError, Order};

/// The matrix, or the layer of that name.
pub(super) fn find(file: &Opened<'_>, layer: Option<&str>) -> Result<Hdf5, IoError> {
    let at = layer.map_or_else(|| "matrix".to_owned(), |layer| format!("layers/{layer}"));
    let Some(data) = file.find(&at)? else {
        let Some(layer) = layer else { return Err(corrupt(file.path, "there is no dataset /matrix")) };
        let (path, layer, available) = (file.path.to_owned(), layer.to_owned(), file.members("layers")?);
        return Err(IoError::NoLayer { path, layer, available });
    };
    let shape: Vec<u64> = data.shape.iter().rev().copied().collect();
    let mut found = Hdf5::of(Matrix::Dense { order: Order::ColMajor, data }, &shape, file.path)?;
    found.row_names = first(file, "col_attrs", &["CellID", "obs_names", "Barcode"])?;
    found.col_names = first(file, "row_attrs", &["Gene", "var_names", "Accession"])?;
    found.unique_cols = true;
    Ok(found)
}

/// The first of these attributes that there is.
fn first(file: &Opened<'_>, group: &str, names: &[&str]) -> Result<Option<Data>, IoError> {
    for name in names {
        if let Some(data) = file.find(&format!("{group}/{name}"))? {
            return Ok(Some(data));
        }
    }
    Ok(None)
}
