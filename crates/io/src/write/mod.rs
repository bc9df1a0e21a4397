//! The front door for writing a matrix, and the directory that is written as a whole.
//!
//! A file is written in a hidden folder ([`scratch`]) and renamed; the files of a result get their names all at once
//! ([`switch`]).

mod delimited;
mod json;
mod lock;
mod scratch;
mod staged;
mod switch;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use orthant::{Cancel, Csr, View};
use scratch::Scratch;
pub use staged::Staged;

use crate::{IoError, OutputFormat, Scalar, npy, picture};

/// Names for the rows and columns of a csv or tsv file.
///
/// ```
/// use orthant_io::Names;
/// let cols = ["a".to_owned(), "b".to_owned()];
/// let names = Names { rows: None, cols: Some(&cols) };
/// assert_eq!(names.cols.unwrap().len(), 2);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a> {
    /// One for each row.
    pub rows: Option<&'a [String]>,
    /// One for each column.
    pub cols: Option<&'a [String]>,
}

/// Writes a matrix in the format that the name's ending asks for ([`OutputFormat`]), whole or not at all: a file
/// that stood there before is replaced only once the new one is on disk. Names go into csv and tsv only.
///
/// Returns how many entries were clipped, which only a PNG needs.
///
/// # Errors
/// [`IoError::UnknownOutput`], [`IoError::Write`].
///
/// # Panics
/// If `names` are not as many as the rows or columns.
///
/// ```
/// use orthant::{Csr, View};
/// use orthant_io::{Names, ReadOptions, read_matrix, write_matrix};
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("levels.png");
/// let clipped = write_matrix(&path, View::row_major(&[0.2, 99.6, 300.0, 255.0], 2, 2)?, Names::default())?;
/// assert_eq!(clipped, 1);
/// assert_eq!(read_matrix::<f64>(&path, &ReadOptions::default())?.data(), &[0.0, 100.0, 255.0, 255.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_matrix<T: Scalar>(
    path: impl AsRef<Path>,
    view: View<'_, T>,
    names: Names<'_>,
) -> Result<usize, IoError> {
    let format = OutputFormat::of(path.as_ref())?;
    write_matrix_as(path, format, view, names)
}

/// Writes a matrix as [`write_matrix`] does, in a format that the name need not end in.
///
/// # Errors
/// [`IoError::Write`].
///
/// # Panics
/// If `names` are not as many as the rows or columns.
///
/// ```
/// use orthant::View;
/// use orthant_io::{Names, OutputFormat, write_matrix_as};
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("weights.txt");
/// write_matrix_as(&path, OutputFormat::Tsv, View::row_major(&[1.0, 0.5], 1, 2)?, Names::default())?;
/// assert_eq!(std::fs::read(&path)?, b"1\t0.5\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_matrix_as<T: Scalar>(
    path: impl AsRef<Path>,
    format: OutputFormat,
    view: View<'_, T>,
    names: Names<'_>,
) -> Result<usize, IoError> {
    let mut clipped = 0;
    write_file(path.as_ref(), |out| {
        clipped = write_to(out, format, view, names)?;
        Ok(())
    })?;
    Ok(clipped)
}

/// Writes a matrix of which a third of the columns each are the levels of red, green and blue, as
/// [`ReadOptions::channels`](crate::ReadOptions::channels) reads a picture: as a PNG in colour, rounded and clipped to 0..255,
/// whole or not at all. Returns how many entries were clipped.
///
/// # Errors
/// [`IoError::Write`], also for an image without pixels.
///
/// # Panics
/// If the number of columns is no multiple of three.
///
/// ```
/// use orthant::View;
/// use orthant_io::{ReadOptions, read_matrix, write_colour};
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("red-and-blue.png");
/// let levels = [255.0, 0.0, 0.0, 0.0, 0.0, 255.0];
/// write_colour(&path, View::row_major(&levels, 1, 6)?)?;
/// let options = ReadOptions { channels: true, ..ReadOptions::default() };
/// assert_eq!(read_matrix::<f64>(&path, &options)?.data(), &levels);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_colour<T: Scalar>(path: impl AsRef<Path>, view: View<'_, T>) -> Result<usize, IoError> {
    assert!(view.ncols().is_multiple_of(3), "three channels");
    let mut clipped = 0;
    write_file(path.as_ref(), |out| {
        clipped = picture::write(out, view, 3)?;
        Ok(())
    })?;
    Ok(clipped)
}

/// Writes a sparse matrix as `scipy.sparse.load_npz` reads it, a `csr`, whole or not at all.
///
/// # Errors
/// [`IoError::Write`].
///
/// ```
/// use orthant::Csr;
/// use orthant_io::{AnyTable, ReadOptions, SparseTable, read_any, write_npz};
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("v.npz");
/// let v = Csr::<f32>::new(2, 3, vec![0, 1, 2], vec![0_u32, 2], vec![1.0, 2.0])?;
/// write_npz(&path, &v)?;
/// let AnyTable::Sparse(table) = read_any::<f32>(&path, &ReadOptions::default())? else { panic!("sparse it was") };
/// assert_eq!((table.nrows(), table.ncols(), table.nnz()), (2, 3, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_npz<T: Scalar>(path: impl AsRef<Path>, v: &Csr<'_, T>) -> Result<(), IoError> {
    write_file(path.as_ref(), |out| T::write_npz(out, v))
}

/// Writes a matrix to any writer. Returns how many entries were clipped, which only a PNG needs.
///
/// # Errors
/// What the writer says; also for an image without pixels.
///
/// # Panics
/// If `names` are not as many as the rows or columns.
///
/// ```
/// use orthant::{Csr, View};
/// use orthant_io::{Names, OutputFormat, write_to};
/// let mut text = Vec::new();
/// let rows = ["d1".to_owned(), "d2".to_owned()];
/// let names = Names { rows: Some(&rows), cols: None };
/// write_to(&mut text, OutputFormat::Csv, View::row_major(&[1.0, 0.25, 3.0, 1e-9], 2, 2)?, names)?;
/// assert_eq!(text, b"d1,1,0.25\nd2,3,1e-9\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_to<T: Scalar>(
    out: &mut dyn Write,
    format: OutputFormat,
    view: View<'_, T>,
    names: Names<'_>,
) -> io::Result<usize> {
    T::write(out, format, view, names)
}

pub(crate) fn entries<T: Scalar>(
    out: &mut dyn Write,
    format: OutputFormat,
    view: View<'_, T>,
    names: Names<'_>,
) -> io::Result<usize> {
    match format {
        OutputFormat::Npy => npy::write(out, view)?,
        OutputFormat::Csv => delimited::write(out, b',', view, names)?,
        OutputFormat::Tsv => delimited::write(out, b'\t', view, names)?,
        OutputFormat::Json => json::write(out, view)?,
        OutputFormat::Png => return picture::write(out, view, 1),
    }
    Ok(0)
}

/// Writes one file in a hidden folder beside it, and renames it. What is no regular file (a device, a pipe) is written to
/// directly; a link is followed.
pub(crate) fn write_file(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), IoError> {
    match fs::metadata(path) {
        Ok(meta) if !meta.is_file() => {
            let mut out = BufWriter::new(File::create(path).map_err(IoError::write(path))?);
            fill(&mut out).and_then(|()| out.flush()).map_err(IoError::write(path))
        }
        _ => {
            if fs::read_link(path).is_ok() {
                // it may lead through the results of a killed process, which are put right by that
                Scratch::new(folder(path)).map_err(IoError::write(path))?;
            }
            let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
            let parent = folder(&target);
            let write = || {
                let scratch = Scratch::new(parent)?;
                let file = scratch.path().join("file");
                Scratch::write(&file, &Cancel::new(), fill)?;
                fs::rename(&file, &target)
            };
            write().map_err(IoError::write(path))?;
            scratch::sync(parent);
            Ok(())
        }
    }
}

/// The folder that a file is in.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Appends the fewest digits that read back as the same number, with an exponent where plain digits would be
/// mostly zeros.
fn shortest<T: Scalar>(text: &mut String, x: T) {
    let size = x.to_f64().abs();
    let plain = size == 0.0 || (1e-5..1e16).contains(&size);
    let written = if plain { write!(text, "{x}") } else { write!(text, "{x:?}") };
    written.expect("a String takes any text");
}
