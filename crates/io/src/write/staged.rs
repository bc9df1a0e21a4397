//! Several files that appear together, or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use orthant::{Csr, View};
use serde::Serialize;
use tempfile::NamedTempFile;

use super::{Names, write_to};
use crate::{IoError, OutputFormat, Scalar};

/// Files for one directory, each written in full under a temporary name until [`commit`](Self::commit) renames
/// them all. A full disk, an error or a dropped value leaves what stood there before.
///
/// ```
/// use orthant::{Csr, View};
/// use orthant_io::Staged;
/// let dir = tempfile::tempdir()?;
/// let out = dir.path().join("out");
///
/// let mut staged = Staged::in_dir(&out)?;
/// staged.npy("W.npy", View::row_major(&[1.0, 2.0], 1, 2)?)?;
/// staged.json("report.json", &vec![1, 2, 3])?;
/// assert!(!out.join("W.npy").exists());
/// staged.commit()?;
/// assert!(out.join("W.npy").exists() && out.join("report.json").exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Staged {
    dir: PathBuf,
    /// The directory was made here and is to go again if nothing comes of it.
    made: bool,
    files: Vec<(NamedTempFile, PathBuf)>,
}

impl Staged {
    /// Makes the directory if need be, and checks that it can be written to.
    ///
    /// # Errors
    /// [`IoError::Write`].
    pub fn in_dir(dir: impl AsRef<Path>) -> Result<Self, IoError> {
        let dir = dir.as_ref().to_owned();
        let made = !dir.exists();
        fs::create_dir_all(&dir).map_err(IoError::write(&dir))?;
        let staged = Self { dir, made, files: vec![] };
        temporary(&staged.dir, &staged.dir, |_| Ok(()))?;
        Ok(staged)
    }

    /// Stages a file that `fill` writes.
    ///
    /// # Errors
    /// [`IoError::Write`].
    pub fn file(
        &mut self,
        name: &str,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), IoError> {
        let path = self.dir.join(name);
        let file = temporary(&self.dir, &path, fill)?;
        self.files.push((file, path));
        Ok(())
    }

    /// Stages a matrix as npy.
    ///
    /// # Errors
    /// [`IoError::Write`].
    pub fn npy<T: Scalar>(&mut self, name: &str, view: View<'_, T>) -> Result<(), IoError> {
        self.file(name, |out| write_to(out, OutputFormat::Npy, view, Names::default()).map(drop))
    }

    /// Stages a sparse matrix as `scipy.sparse.load_npz` reads it, a `csr`.
    ///
    /// # Errors
    /// [`IoError::Write`].
    ///
    /// ```
    /// use orthant::Csr;
    /// use orthant_io::Staged;
    /// let dir = tempfile::tempdir()?;
    /// let mut staged = Staged::in_dir(dir.path())?;
    /// staged.npz("v.npz", &Csr::<f64>::new(1, 3, vec![0, 1], vec![2_u32], vec![5.0])?)?;
    /// staged.commit()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn npz<T: Scalar>(&mut self, name: &str, v: &Csr<'_, T>) -> Result<(), IoError> {
        self.file(name, |out| T::write_npz(out, v))
    }

    /// Stages a matrix as csv.
    ///
    /// # Errors
    /// [`IoError::Write`].
    ///
    /// # Panics
    /// If `names` are not as many as the rows or columns.
    pub fn csv<T: Scalar>(&mut self, name: &str, view: View<'_, T>, names: Names<'_>) -> Result<(), IoError> {
        self.file(name, |out| write_to(out, OutputFormat::Csv, view, names).map(drop))
    }

    /// Stages a matrix as a grey PNG, rounded and clipped to 0..255.
    ///
    /// # Errors
    /// [`IoError::Write`].
    pub fn png<T: Scalar>(&mut self, name: &str, view: View<'_, T>) -> Result<(), IoError> {
        self.file(name, |out| write_to(out, OutputFormat::Png, view, Names::default()).map(drop))
    }

    /// Stages any value as indented JSON. Numbers that JSON lacks (NaN, infinities) become null.
    ///
    /// # Errors
    /// [`IoError::Write`].
    pub fn json(&mut self, name: &str, value: &impl Serialize) -> Result<(), IoError> {
        self.file(name, |out| {
            serde_json::to_writer_pretty(&mut *out, value)?;
            out.write_all(b"\n")
        })
    }

    /// Renames every file into its place and returns the paths.
    ///
    /// # Errors
    /// [`IoError::Write`] if a rename fails. All data is on disk by then, so only a directory that changed in the
    /// meantime can bring that about; files renamed before stay.
    pub fn commit(mut self) -> Result<Vec<PathBuf>, IoError> {
        let mut paths = Vec::new();
        for (file, path) in std::mem::take(&mut self.files) {
            file.persist(&path).map_err(|e| IoError::write(&path)(e.error))?;
            self.made = false;
            paths.push(path);
        }
        sync(&self.dir);
        Ok(paths)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        self.files.clear();
        if self.made {
            // succeeds only while the directory is empty
            let _ = fs::remove_dir(&self.dir);
        }
    }
}

/// A filled temporary file in `dir`, on disk, to be renamed to `path`.
pub(super) fn temporary(
    dir: &Path,
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<NamedTempFile, IoError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".orthant-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // as any other new file: what the umask allows
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let write = || {
        let file = builder.tempfile_in(dir)?;
        let mut out = BufWriter::with_capacity(1 << 16, file.as_file());
        fill(&mut out)?;
        out.flush()?;
        drop(out);
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().map_err(IoError::write(path))
}

/// Makes renames last through a power cut, where the system offers that for directories.
pub(super) fn sync(dir: &Path) {
    if let Ok(dir) = File::open(dir) {
        // some file systems cannot; the files themselves are safe
        let _ = dir.sync_all();
    }
}
