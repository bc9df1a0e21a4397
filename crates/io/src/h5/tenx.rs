//! 10x Genomics' files (`.h5`).
//!
//! They hold genes × cells by columns. A column is a cell, so that read as rows they are cells × genes, samples in rows.
//! Cell Ranger 3 and later call the group `matrix`; before, there was one for each genome, called after it. Names of genes
//! are made unique, as those of folders are; all kinds of features are kept.

use std::path::Path;

use hdf5_metno as hdf5;

use hdf5::{Dataset, File, Group};

use super::{Hdf5, Matrix, corrupt};
use crate::{IoError, Order};

/// The matrix, or that of the genome called `layer`; nothing if this is no such file.
pub(super) fn find(file: &File, layer: Option<&str>, path: &Path) -> Option<Result<Hdf5, IoError>> {
    let groups: Vec<Group> = file.groups().ok()?.into_iter().filter(|g| features(g).is_some()).collect();
    let name = |group: &Group| group.name().trim_start_matches('/').to_owned();
    let names = || groups.iter().map(name).collect();
    let path_buf = || path.to_owned();
    let group = match (layer, groups.as_slice()) {
        (_, []) => return None,
        (None, [group]) => group,
        (None, _) => return Some(Err(IoError::SeveralMatrices { path: path_buf(), names: names() })),
        (Some(layer), _) => match groups.iter().find(|group| name(group) == layer) {
            Some(group) => group,
            None => {
                let (layer, available) = (layer.to_owned(), names());
                return Some(Err(IoError::NoLayer { path: path_buf(), layer, available }));
            }
        },
    };
    Some(read(group, path))
}

/// The names of the genes of a group that is such a matrix.
fn features(group: &Group) -> Option<Dataset> {
    let all = ["barcodes", "data", "indices", "indptr", "shape"].iter().all(|part| group.link_exists(part));
    let names = ["features/name", "features/id", "gene_names", "genes"];
    names.iter().find_map(|name| group.dataset(name).ok()).filter(|_| all)
}

fn read(group: &Group, path: &Path) -> Result<Hdf5, IoError> {
    let shape = group.dataset("shape").and_then(|shape| {
        if shape.size() == 2 {
            shape.read_raw::<usize>()
        } else {
            Err("the shape must be two numbers".into())
        }
    });
    let mut shape = shape.map_err(|e| corrupt(path, e))?;
    shape.reverse();
    let mut found = Hdf5::of(Matrix::sparse(Order::RowMajor, group, path)?, &shape, path)?;
    found.row_names = Some(group.dataset("barcodes").map_err(|e| corrupt(path, e))?);
    found.col_names = features(group);
    found.unique_cols = true;
    Ok(found)
}
