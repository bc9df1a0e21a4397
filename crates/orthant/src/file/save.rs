//! Models at paths.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::{FileError, Manifest, decode, encode};
use crate::{Model, Real};

impl<T: Real> Model<T> {
    /// Writes the [file](crate::file) of this model, whole or not at all: the same that `orthant fit` and Python's `NMF.save` write,
    /// and the command, Python and [`load`](Self::load) read. The name usually ends in `.safetensors`.
    ///
    /// The file says what the model itself knows. [`encode`] makes one that has the options of the fit, the names of features
    /// and other things besides.
    ///
    /// ```
    /// use orthant::{Dense, Model, Nmf};
    /// let v = Dense::from_fn(6, 4, |i, j| (i * j) as f64 + 1.0);
    /// let model = Nmf::new(2).fit(&v)?.model;
    /// let path = std::env::temp_dir().join(format!("orthant-{}.safetensors", std::process::id()));
    /// model.save(&path)?;
    /// let again = Model::load(&path)?;
    /// assert_eq!(again, model);
    /// assert_eq!(again.transform(&v)?, model.transform(&v)?);
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FileError::Write`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), FileError> {
        let path = path.as_ref();
        let write = || replace(path, &encode(self, &Manifest::of(self), &Default::default())?);
        write().map_err(|source| FileError::Write { path: path.to_owned(), source })
    }

    /// Reads the model in a [file](crate::file), whoever wrote it.
    ///
    /// # Errors
    /// [`FileError::Read`], and those of [`decode`]: [`FileError::Precision`] for a model of the other precision, and one for whatever
    /// keeps the file from being a model.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|source| FileError::Read { path: path.to_owned(), source })?;
        Ok(decode(&bytes, path)?.model)
    }
}

/// Puts a file with this content in the place of one that may be there, once it is on disk. What is no regular file (a device,
/// a pipe) is written to directly; a link is followed.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
        return File::create(path)?.write_all(bytes);
    }
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = beside().tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(&target)?;
    Ok(())
}

/// Files that others may read, as far as the process allows it to any file that it makes.
#[cfg(unix)]
fn beside() -> tempfile::Builder<'static, 'static> {
    use std::os::unix::fs::PermissionsExt;
    let mut builder = tempfile::Builder::new();
    builder.permissions(fs::Permissions::from_mode(0o666));
    builder
}

#[cfg(not(unix))]
fn beside() -> tempfile::Builder<'static, 'static> {
    tempfile::Builder::new()
}
