//! 10x Genomics' files (`.h5`).
//!
//! They hold genes × cells by columns. A column is a cell, so that read as rows they are cells × genes, samples in rows.
//! Cell Ranger 3 and later call the group `matrix`; before, there was one for each genome, called after it. Names of genes
//! are made unique, as those of folders are. From version 3 on features can be of several types.

use super::{Data, Hdf5, Matrix, Opened, corrupt, words};
use crate::feature_types::FeatureTypes;
use crate::{IoError, Order, ReadOptions};

/// The matrix, or that of the genome called [`ReadOptions::layer`]; nothing if this is no such file.
pub(super) fn find(file: &Opened<'_>, options: &ReadOptions) -> Result<Option<Hdf5>, IoError> {
    let mut groups = Vec::new();
    for name in file.groups()? {
        if let Some(features) = features(file, &name)? {
            groups.push((name, features));
        }
    }
    let path = file.path.to_owned();
    let names = |groups: Vec<(String, Data)>| groups.into_iter().map(|(name, _)| name).collect();
    let at = match &options.layer {
        _ if groups.is_empty() => return Ok(None),
        None if groups.len() == 1 => 0,
        None => return Err(IoError::SeveralMatrices { path, names: names(groups) }),
        Some(layer) => match groups.iter().position(|(name, _)| name == layer) {
            Some(at) => at,
            None => return Err(IoError::NoLayer { path, layer: layer.clone(), available: names(groups) }),
        },
    };
    let (group, features) = groups.swap_remove(at);
    read(file, &group, features, options).map(Some)
}

/// The names of the genes of a group that is such a matrix.
fn features(file: &Opened<'_>, group: &str) -> Result<Option<Data>, IoError> {
    for part in ["barcodes", "data", "indices", "indptr", "shape"] {
        if file.find(&format!("{group}/{part}"))?.is_none() {
            return Ok(None);
        }
    }
    for name in ["features/name", "features/id", "gene_names", "genes"] {
        if let Some(data) = file.find(&format!("{group}/{name}"))? {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

fn read(file: &Opened<'_>, group: &str, features: Data, options: &ReadOptions) -> Result<Hdf5, IoError> {
    let path = file.path;
    let shape = file.data(&format!("{group}/shape"))?;
    if shape.size() != 2 {
        return Err(corrupt(path, "the shape must be two numbers"));
    }
    let mut shape: Vec<u64> = shape.integers(path)?;
    shape.reverse();
    let mut found = Hdf5::of(Matrix::sparse(Order::RowMajor, file, group)?, &shape, path)?;
    found.row_names = Some(file.data(&format!("{group}/barcodes"))?);
    found.col_names = Some(features);
    found.unique_cols = true;
    match file.find(&format!("{group}/features/feature_type"))? {
        Some(types) => {
            let types = words::names(&types, found.ncols, path)?;
            found.types = Some(FeatureTypes::new(types, options, path)?);
        }
        None => FeatureTypes::none(options, path)?,
    }
    Ok(found)
}
