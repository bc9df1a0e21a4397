//! numpy's archives: a zip file of npy files, which scipy keeps the parts of a sparse matrix in.

mod archive;
mod scipy;
mod write;

use std::fs::File;
use std::path::Path;

pub(crate) use archive::Archive;
use scipy::Stored;
pub(crate) use write::{write, write_named};

use crate::npy::Header;
use crate::{AnyTable, Extent, IoError, Precision, Scalar};

/// An archive whose matrix is found but not read.
pub(crate) struct Npz {
    archive: Archive,
    content: Content,
}

enum Content {
    Dense { name: String, header: Header, rows: u64, cols: u64 },
    Sparse(Stored),
}

impl Npz {
    /// Finds the matrix: scipy's, or else the only array of two dimensions or the array called `layer`.
    pub fn open(file: File, layer: Option<&str>, path: &Path) -> Result<Self, IoError> {
        let archive = Archive::open(file, "npz", path)?;
        let names = archive.names();
        let scipys = ["format", "shape", "data"].iter().all(|part| names.iter().any(|n| n == part));
        if let Some(layer) = layer.filter(|_| scipys) {
            let (path, layer) = (path.to_owned(), layer.to_owned());
            return Err(IoError::NoLayer { path, layer, available: vec![] });
        }
        let content = if scipys {
            Content::Sparse(Stored::open(&archive)?)
        } else {
            let name = choose(&archive, names, layer)?;
            let mut array = archive.array(&name)?;
            let header = array.header()?;
            let (rows, cols) = header.sides(&array.path)?;
            Content::Dense { name, header, rows, cols }
        };
        let found = Self { archive, content };
        found.extent().check(path)?;
        Ok(found)
    }

    pub fn extent(&self) -> Extent {
        match &self.content {
            Content::Dense { rows, cols, .. } => Extent { rows: *rows, cols: *cols, nnz: None },
            Content::Sparse(stored) => stored.extent(),
        }
    }

    pub fn precision(&self) -> Precision {
        match &self.content {
            Content::Dense { header, .. } => header.precision(),
            Content::Sparse(stored) => stored.precision(),
        }
    }

    pub fn read<T: Scalar>(self) -> Result<AnyTable<T>, IoError> {
        Ok(match self.content {
            Content::Dense { name, .. } => AnyTable::Dense(self.archive.array(&name)?.matrix()?),
            Content::Sparse(stored) => AnyTable::Sparse(stored.read(&self.archive)?),
        })
    }
}

/// The name of the array that is meant.
fn choose(archive: &Archive, mut names: Vec<String>, layer: Option<&str>) -> Result<String, IoError> {
    let path = archive.path.clone();
    if names.is_empty() {
        let what = "a zip archive without arrays of numpy";
        let instead = "export one matrix as csv, or save it with numpy.save or scipy.sparse.save_npz";
        return Err(IoError::UnsupportedFormat { path, what, instead });
    }
    if let Some(layer) = layer {
        return match names.iter().position(|name| name == layer) {
            Some(at) => Ok(names.swap_remove(at)),
            None => Err(IoError::NoLayer { path, layer: layer.to_owned(), available: names }),
        };
    }
    let mut matrices = Vec::new();
    for name in &names {
        if archive.array(name)?.raw_header()?.shape.len() == 2 {
            matrices.push(name.clone());
        }
    }
    match matrices.len() {
        // which its own header then says is none
        0 => Ok(names.swap_remove(0)),
        1 => Ok(matrices.swap_remove(0)),
        _ => Err(IoError::SeveralMatrices { path, names: matrices }),
    }
}
