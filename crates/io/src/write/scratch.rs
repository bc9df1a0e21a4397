//! Hidden folders in which files are written before they get their names.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;

use orthant::Cancel;
use tempfile::TempDir;

use super::lock::FolderLock;
use super::switch;

const PREFIX: &str = ".orthant-";
const SUFFIX: &str = ".tmp";
/// The file in it that is locked while its process lives.
const ALIVE: &str = "lock";

/// A hidden folder inside the folder of the results, with a file in it that is locked as long as the process lives.
/// It goes with all it holds when the value is dropped; that of a process that was killed goes when the next one
/// writes into the same folder.
#[derive(Debug)]
pub(super) struct Scratch {
    dir: TempDir,
    /// Locked, and freed after the folder is gone. None where there are no locks: nobody clears the folders of others there.
    alive: Option<File>,
}

impl Scratch {
    /// Clears what dead processes left in `parent`, and makes a folder there.
    pub fn new(parent: &Path) -> io::Result<Self> {
        // a folder without a locked file is that of a dead process for all who hold the lock
        let lock = FolderLock::take(parent)?;
        let dir = tempfile::Builder::new().prefix(PREFIX).suffix(SUFFIX).tempdir_in(parent)?;
        let alive = File::create_new(dir.path().join(ALIVE))?;
        let alive = alive.try_lock().is_ok().then_some(alive);
        let scratch = Self { dir, alive };
        if let Some(lock) = &lock {
            // `commit` says what it cannot do without
            let _ = scratch.clear_others(parent, lock);
        }
        Ok(scratch)
    }

    /// Removes what dead processes of this user left in a folder. A switch that one of them began is finished first.
    pub fn clear_others(&self, parent: &Path, _lock: &FolderLock) -> io::Result<()> {
        let Some(alive) = &self.alive else { return Ok(()) };
        let user = owner(&alive.metadata()?);
        for entry in fs::read_dir(parent)? {
            let entry = entry?;
            if !is_scratch(&entry.file_name()) {
                continue;
            }
            // its process may be removing it just now
            let (path, Ok(meta)) = (entry.path(), entry.metadata()) else { continue };
            // another user could have put anything there, to have it moved by this process
            if owner(&meta) != user {
                continue;
            }
            if meta.is_dir() && is_dead(&path.join(ALIVE)) {
                switch::finish(parent, &path)?;
                // what cannot be removed is in nobody's way
                let _ = fs::remove_dir_all(&path);
            } else if meta.is_file() && is_dead(&path) {
                let _ = fs::remove_file(&path);
            }
        }
        Ok(())
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file and brings it to the disk. Ends early with an error once `cancel` is raised.
    pub fn write(
        path: &Path,
        cancel: &Cancel,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let file = Cancellable { file: File::create(path)?, cancel };
        let mut out = BufWriter::with_capacity(1 << 16, file);
        fill(&mut out)?;
        out.flush()?;
        out.get_ref().file.sync_all()
    }

    /// Leaves the folder where it is, for the next process to finish.
    pub fn abandon(mut self) {
        self.dir.disable_cleanup(true);
    }
}

/// A file that takes no more once the flag is raised.
struct Cancellable<'a> {
    file: File,
    cancel: &'a Cancel,
}

impl Write for Cancellable<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("cancelled"));
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether the name is one that is given here.
fn is_scratch(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
}

/// Whether the file is there no more, or nobody has its lock.
fn is_dead(alive: &Path) -> bool {
    match File::open(alive) {
        Ok(file) => file.try_lock().is_ok(),
        Err(e) => e.kind() == ErrorKind::NotFound,
    }
}

/// The user to whom it belongs.
#[cfg(unix)]
fn owner(meta: &fs::Metadata) -> u32 {
    use std::os::unix::fs::MetadataExt;
    meta.uid()
}

#[cfg(not(unix))]
fn owner(_: &fs::Metadata) {}

/// Makes new names last through a power cut, where the system offers that for folders.
pub(super) fn sync(dir: &Path) {
    if let Ok(dir) = File::open(dir) {
        // some file systems cannot; the files themselves are safe
        let _ = dir.sync_all();
    }
}
