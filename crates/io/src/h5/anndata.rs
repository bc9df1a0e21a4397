//! AnnData's files (`.h5ad`): `X` and other layers, observations in rows, variables in columns.
//!
//! A sparse matrix is a group with scipy's parts, its layout and shape said by attributes, which before anndata 0.7 had
//! other names. Names stand in one of the columns of `obs` and `var`, which an attribute tells; before 0.7 these were
//! tables of records, and give none.

use hdf5_pure::{AttrValue, Group};

use super::{Data, Hdf5, Matrix, Object, Opened, corrupt, words};
use crate::{IoError, Order};

/// The matrix of that layer: `X` if none is named, `raw` the one that was put aside before variables were chosen.
pub(super) fn find(file: &Opened<'_>, layer: Option<&str>) -> Result<Hdf5, IoError> {
    let layer = layer.unwrap_or("X");
    let in_layers = format!("layers/{layer}");
    let (matrix, variables) = match layer {
        "X" => ("X", "var"),
        _ if file.object(&in_layers)?.is_some() => (in_layers.as_str(), "var"),
        "raw" => ("raw/X", "raw/var"),
        _ => return Err(no_layer(file, layer)?),
    };
    let mut found = match file.object(matrix)? {
        None => return Err(no_layer(file, layer)?),
        Some(Object::Group(group)) => {
            let (order, shape) = layout(file, matrix, &group)?;
            Hdf5::of(Matrix::sparse(order, file, matrix)?, &shape, file.path)?
        }
        Some(Object::Data(data)) => {
            let shape = data.shape.clone();
            Hdf5::of(Matrix::Dense { order: Order::RowMajor, data }, &shape, file.path)?
        }
    };
    found.row_names = index(file, "obs")?;
    found.col_names = index(file, variables)?;
    Ok(found)
}

/// Whether a sparse matrix is by rows or by columns, and its shape.
fn layout(file: &Opened<'_>, name: &str, group: &Group) -> Result<(Order, Vec<u64>), IoError> {
    let attributes = group.attrs().map_err(|e| super::failed(name, file.path, e))?;
    let text = |name| attributes.get(name).and_then(AttrValue::as_str);
    let order = match text("encoding-type").or_else(|| text("h5sparse_format")) {
        Some("csr_matrix" | "csr") => Order::RowMajor,
        Some("csc_matrix" | "csc") => Order::ColMajor,
        other => {
            let other = other.unwrap_or("nothing");
            let reason = format!("/{name} is {other}; what can be read: csr_matrix, csc_matrix, array");
            return Err(corrupt(file.path, reason));
        }
    };
    let shape = attributes.get("shape").or_else(|| attributes.get("h5sparse_shape"));
    let shape = shape.and_then(AttrValue::to_u64s);
    let shape = shape.ok_or_else(|| corrupt(file.path, format!("/{name} has no shape")))?;
    Ok((order, shape))
}

/// The column of names of a table, if it has one.
fn index(file: &Opened<'_>, table: &str) -> Result<Option<Data>, IoError> {
    let Some(group) = file.group(table)? else { return Ok(None) };
    let Some(name) = words::attribute(&group, "_index") else { return Ok(None) };
    match file.find(&format!("{table}/{name}"))? {
        Some(data) => Ok(Some(data)),
        // strings of which some may be missing are a group
        None => file.find(&format!("{table}/{name}/values")),
    }
}

fn no_layer(file: &Opened<'_>, layer: &str) -> Result<IoError, IoError> {
    let mut available = file.members("layers")?;
    if file.object("raw/X")?.is_some() {
        available.push("raw".to_owned());
    }
    Ok(IoError::NoLayer { path: file.path.to_owned(), layer: layer.to_owned(), available })
}
