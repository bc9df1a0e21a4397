//! Several files that appear together, or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use orthant::{Cancel, Csr, View};
use serde::Serialize;

use super::lock::FolderLock;
use super::scratch::Scratch;
use super::switch::{NEW, switch};
use super::{Names, write_to};
use crate::{IoError, OutputFormat, Scalar, npz};

/// Tells a file of an earlier result from others of its name.
type Stale = fn(&Path) -> bool;

/// Files for one directory, each written in full into a hidden folder there until [`commit`](Self::commit) gives all of
/// them their names at once. Whoever reads the directory finds all the old files or all the new ones, also where the process
/// is killed at any moment, where the disk is full and where another process writes there at the same time. (Where there
/// are no symbolic links, names are changed one after the other.)
///
/// Other files of the directory stay as they are. What a killed process left is removed by the next that writes there.
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
    /// Where the files are written, from the first one on.
    scratch: Option<Scratch>,
    names: Vec<String>,
    /// Names to take away, if the file is one of an earlier result.
    gone: Vec<(String, Stale)>,
    cancel: Cancel,
}

impl Staged {
    /// Makes the directory if need be, removes what dead processes left there, and checks that it can be written to.
    ///
    /// # Errors
    /// [`IoError::Write`].
    pub fn in_dir(dir: impl AsRef<Path>) -> Result<Self, IoError> {
        let dir = dir.as_ref().to_owned();
        let made = !dir.exists();
        fs::create_dir_all(&dir).map_err(IoError::write(&dir))?;
        let cancel = Cancel::new();
        let mut staged = Self { dir, made, scratch: None, names: vec![], gone: vec![], cancel };
        // tried, and made again when there is something to write: a fit that is killed leaves nothing
        staged.scratch()?;
        Ok(staged)
    }

    /// Ends the writing of a file with an error once the flag is raised. [`commit`](Self::commit) does not look at it.
    ///
    /// ```
    /// use orthant::Cancel;
    /// use orthant_io::Staged;
    /// let dir = tempfile::tempdir()?;
    /// let stop = Cancel::new();
    /// let mut staged = Staged::in_dir(dir.path())?.cancelled_by(stop.clone());
    /// stop.cancel();
    /// assert!(staged.json("report.json", &1).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn cancelled_by(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// The hidden folder, taken out.
    fn scratch(&mut self) -> Result<Scratch, IoError> {
        let make = || {
            let scratch = Scratch::new(&self.dir)?;
            fs::create_dir(scratch.path().join(NEW))?;
            Ok(scratch)
        };
        self.scratch.take().map_or_else(make, Ok).map_err(IoError::write(&self.dir))
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
        let scratch = self.scratch()?;
        let new = self.scratch.insert(scratch).path().join(NEW).join(name);
        Scratch::write(&new, &self.cancel, fill).map_err(IoError::write(self.dir.join(name)))?;
        self.names.push(name.to_owned());
        Ok(())
    }

    /// Takes a file of an earlier result away when the new files get their names, unless one of them has its name. `stale`
    /// looks at the file by then, when nobody else writes results there, and tells it from others of that name.
    ///
    /// ```
    /// use orthant_io::Staged;
    /// let dir = tempfile::tempdir()?;
    /// std::fs::write(dir.path().join("old.csv"), "1,2")?;
    /// let mut staged = Staged::in_dir(dir.path())?;
    /// staged.json("new.json", &[1, 2])?;
    /// staged.remove_if("old.csv", |path| std::fs::read(path).is_ok_and(|text| text == b"1,2"));
    /// assert!(dir.path().join("old.csv").exists());
    /// staged.commit()?;
    /// assert!(!dir.path().join("old.csv").exists() && dir.path().join("new.json").exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remove_if(&mut self, name: &str, stale: fn(&Path) -> bool) {
        self.gone.push((name.to_owned(), stale));
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

    /// Stages several matrices by their names, as `numpy.load` reads them.
    ///
    /// # Errors
    /// [`IoError::Write`].
    ///
    /// ```
    /// use orthant::Dense;
    /// use orthant_io::{ReadOptions, Staged, read_matrix};
    /// let dir = tempfile::tempdir()?;
    /// let (a, b) = (Dense::from_fn(2, 3, |i, j| (i + j) as f64), Dense::zeros(1, 1));
    /// let mut staged = Staged::in_dir(dir.path())?;
    /// staged.arrays("both.npz", &[("a", a.view()), ("b", b.view())])?;
    /// staged.commit()?;
    /// let options = ReadOptions { layer: Some("a".into()), ..ReadOptions::default() };
    /// assert_eq!(read_matrix::<f64>(dir.path().join("both.npz"), &options)?.data(), a.as_slice());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn arrays(&mut self, name: &str, arrays: &[(&str, View<'_, f64>)]) -> Result<(), IoError> {
        self.file(name, |out| npz::write_named(out, arrays))
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

    /// Stages a copy of AnnData's file at `from`, to which results are added ([`check_annotatable`](crate::check_annotatable)
    /// says to which that is possible).
    ///
    /// # Errors
    /// [`IoError::Read`], [`IoError::Write`].
    #[cfg(feature = "h5")]
    pub fn h5ad<T: Scalar>(
        &mut self,
        name: &str,
        from: &Path,
        results: &crate::Annotation<'_, T>,
    ) -> Result<(), IoError> {
        let mut source = fs::File::open(from).map_err(IoError::read(from))?;
        self.file(name, |out| io::copy(&mut source, out).map(drop))?;
        let scratch = self.scratch()?;
        let new = self.scratch.insert(scratch).path().join(NEW).join(name);
        results.add(&new).map_err(IoError::write(self.dir.join(name)))
    }

    /// Gives every file its name, all at once, and returns the paths.
    ///
    /// # Errors
    /// [`IoError::Write`]. All data is on disk by then, so only a directory that changed in the meantime can bring that
    /// about, or one in the place of a file.
    pub fn commit(mut self) -> Result<Vec<PathBuf>, IoError> {
        let scratch = self.scratch()?;
        let lock = FolderLock::take(&self.dir).map_err(IoError::write(&self.dir))?;
        if let Some(lock) = &lock {
            scratch.clear_others(&self.dir, lock).map_err(IoError::write(&self.dir))?;
        }
        let stale =
            |(name, stale): &&(String, Stale)| !self.names.contains(name) && stale(&self.dir.join(name));
        let gone: Vec<&str> = self.gone.iter().filter(stale).map(|(name, _)| name.as_str()).collect();
        switch(&self.dir, scratch, &self.names, &gone, lock.as_ref())?;
        self.made = false;
        Ok(self.names.iter().map(|name| self.dir.join(name)).collect())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        self.scratch = None;
        if self.made {
            // succeeds only while the directory is empty
            let _ = fs::remove_dir(&self.dir);
        }
    }
}
