//! AnnData's files (`.h5ad`): `X` and other layers, observations in rows, variables in columns.
//!
//! A sparse matrix is a group with scipy's parts, its layout and shape said by attributes, which before anndata 0.7 had
//! other names. Names stand in one of the columns of `obs` and `var`, which an attribute tells; before 0.7 these were
//! tables of records, and give none.

use std::path::Path;

use hdf5_metno as hdf5;

use hdf5::{Dataset, File, Group};

use super::{Hdf5, Matrix, corrupt, words};
use crate::{IoError, Order};

/// The matrix of that layer: `X` if none is named, `raw` the one that was put aside before variables were chosen.
pub(super) fn find(file: &File, layer: Option<&str>, path: &Path) -> Result<Hdf5, IoError> {
    let layer = layer.unwrap_or("X");
    let (matrix, variables) = match layer {
        "X" => ("X".to_owned(), "var"),
        name if file.group("layers").is_ok_and(|layers| layers.link_exists(name)) => {
            (format!("layers/{name}"), "var")
        }
        "raw" => ("raw/X".to_owned(), "raw/var"),
        other => return Err(no_layer(file, other, path)),
    };
    let mut found = if let Ok(group) = file.group(&matrix) {
        let (layout, shape) = layout(&group, path)?;
        Hdf5::of(Matrix::sparse(layout, &group, path)?, &shape, path)?
    } else {
        let data = file.dataset(&matrix).map_err(|_| no_layer(file, layer, path))?;
        let shape = data.shape();
        Hdf5::of(Matrix::Dense(data), &shape, path)?
    };
    found.row_names = index(file, "obs");
    found.col_names = index(file, variables);
    Ok(found)
}

/// Whether a sparse matrix is by rows or by columns, and its shape.
fn layout(group: &Group, path: &Path) -> Result<(Order, Vec<usize>), IoError> {
    let written =
        words::attribute(group, "encoding-type").or_else(|| words::attribute(group, "h5sparse_format"));
    let order = match written.as_deref() {
        Some("csr_matrix" | "csr") => Order::RowMajor,
        Some("csc_matrix" | "csc") => Order::ColMajor,
        other => {
            let (name, other) = (group.name(), other.unwrap_or("nothing"));
            let reason = format!("{name} is {other}; what can be read: csr_matrix, csc_matrix, array");
            return Err(corrupt(path, reason));
        }
    };
    let shape = group.attr("shape").or_else(|_| group.attr("h5sparse_shape"));
    let shape = shape.and_then(|shape| shape.read_raw::<usize>());
    Ok((order, shape.map_err(|e| corrupt(path, e))?))
}

/// The column of names of a table, if it has one.
fn index(file: &File, table: &str) -> Option<Dataset> {
    let table = file.group(table).ok()?;
    let name = words::attribute(&table, "_index")?;
    // strings of which some may be missing are a group
    table.dataset(&name).or_else(|_| table.dataset(&format!("{name}/values"))).ok()
}

fn no_layer(file: &File, layer: &str, path: &Path) -> IoError {
    let names = file.group("layers").and_then(|layers| layers.member_names());
    let mut available = names.unwrap_or_default();
    if file.group("raw").is_ok_and(|raw| raw.link_exists("X")) {
        available.push("raw".to_owned());
    }
    IoError::NoLayer { path: path.to_owned(), layer: layer.to_owned(), available }
}
