//! numpy's archives: a zip file of npy files, which scipy keeps the parts of a sparse matrix in.

mod archive;
mod scipy;
mod write;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use archive::Archive;
use scipy::Stored;
pub(crate) use write::{write, write_dense, write_gathered, write_named};

use crate::npy::{self, Header, NpyLines};
use crate::sparse::{Entries, SparseLines};
use crate::{AnyTable, Extent, FileLines, IoError, Place, Precision, Scalar};

/// The array beside a matrix that says in which precision to compute with it, where its numbers are stored narrower.
pub(crate) const PRECISION: &str = "precision";

/// The arrays beside a matrix that name its rows and its columns.
pub(crate) const NAMES: [&str; 2] = ["row_names", "column_names"];

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
        let said = || self.archive.array(PRECISION).and_then(archive::Array::word).ok();
        match said().as_deref() {
            Some("float32") => return Precision::Float32,
            Some("float64") => return Precision::Float64,
            _ => {}
        }
        match &self.content {
            Content::Dense { header, .. } => header.precision(),
            Content::Sparse(stored) => stored.precision(),
        }
    }

    pub fn read<T: Scalar>(self) -> Result<AnyTable<T>, IoError> {
        let mut table = match &self.content {
            Content::Dense { name, .. } => AnyTable::Dense(self.archive.array(name)?.matrix()?),
            Content::Sparse(stored) => AnyTable::Sparse(stored.read(&self.archive)?),
        };
        let (rows, cols) = (table.nrows(), table.ncols());
        table.set_names(self.archive.names_of(NAMES[0], rows)?, self.archive.names_of(NAMES[1], cols)?);
        Ok(table)
    }

    /// Whether the matrix takes more than `most` bytes in memory, and can be read where it is.
    pub fn stays_in_file<T>(&self, most: usize) -> Result<bool, IoError> {
        let arrays = match &self.content {
            Content::Dense { header, .. } if header.fits::<T>(most) => return Ok(false),
            Content::Dense { name, .. } => vec![name.as_str()],
            Content::Sparse(stored) if stored.bytes::<T>().is_none_or(|bytes| bytes <= most) => {
                return Ok(false);
            }
            Content::Sparse(_) => vec!["indices", "data"],
        };
        for name in arrays {
            if self.archive.place(name)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The matrix where it is, which it must [be able to stay](Self::stays_in_file).
    pub fn lines<T: Scalar>(self) -> Result<FileLines<T>, IoError> {
        let Self { archive, content } = self;
        let path = archive.path.clone();
        let names = |count: (usize, usize)| -> Result<_, IoError> {
            Ok((archive.names_of(NAMES[0], count.0)?, archive.names_of(NAMES[1], count.1)?))
        };
        match content {
            Content::Dense { name, header, .. } => {
                let (header, array) = archive.in_file(&name, header)?;
                let names = names(header.counts(&array)?)?;
                let lines = NpyLines::new(Arc::new(archive.into_file()), header, &path, &array)?;
                Ok(FileLines::Dense(lines.named(names.0, names.1)))
            }
            Content::Sparse(stored) => {
                let (shape, order) = stored.shape(&path)?;
                let names = names(shape)?;
                let starts = archive.array("indptr")?.integers()?;
                let header = |name: &str| archive.in_file(name, archive.array(name)?.header()?);
                let (indices, data) = (header("indices")?, header("data")?);
                let file = Arc::new(archive.into_file());
                let part = |(header, array): (Header, PathBuf)| {
                    npy::Stored::new(file.clone(), header, &path, &array)
                };
                let entries = Arc::new(Arrays { indices: part(indices)?, values: part(data)? });
                let lines = SparseLines::new(shape, order, starts, entries, "npz")?;
                Ok(FileLines::Sparse(lines.named(names.0, names.1)))
            }
        }
    }
}

/// The entries of a sparse matrix in an archive.
#[derive(Debug)]
struct Arrays {
    indices: npy::Stored,
    values: npy::Stored,
}

impl<T: Scalar> Entries<T> for Arrays {
    fn path(&self) -> &Path {
        self.values.path()
    }

    fn counts(&self) -> [usize; 2] {
        [self.indices.len(), self.values.len()]
    }

    fn indices(&self, first: usize, out: &mut [u32]) -> Result<(), IoError> {
        self.indices.indices(first, out)
    }

    fn values(&self, first: usize, out: &mut [T], place: &dyn Fn(usize) -> Place) -> Result<(), IoError> {
        self.values.elements(first, out, place)
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
