//! The lock of a folder, held while its entries are switched or cleared.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The lock's file. It is there only while somebody holds the lock, or where somebody was killed meanwhile.
const NAME: &str = ".orthant.lock";

/// A lock that one process at a time holds. The system frees it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct FolderLock {
    path: PathBuf,
    /// Open, and with that locked.
    file: File,
}

impl FolderLock {
    /// Waits for the lock; none on a file system that has no locks.
    ///
    /// The lock's file is removed by whoever releases it. One who has waited for a file that is gone by then has locked
    /// nothing that others can find, and begins again.
    pub fn take(dir: &Path) -> io::Result<Option<Self>> {
        let path = dir.join(NAME);
        loop {
            let file = open(&path)?;
            if file.lock().is_err() {
                // best effort: an empty file is all that could stay
                let _ = fs::remove_file(&path);
                return Ok(None);
            }
            if is_at(&file, &path)? {
                return Ok(Some(Self { path, file }));
            }
        }
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // while it is locked, so that nobody removes the next one's; what cannot be removed is locked again next time
        if cfg!(unix) {
            let _ = fs::remove_file(&self.path);
        }
        // closing frees it too
        let _ = self.file.unlock();
    }
}

/// Opens the lock's file. One that another user made may be readable only, which is enough.
fn open(path: &Path) -> io::Result<File> {
    match File::options().read(true).write(true).create(true).truncate(false).open(path) {
        Err(e) if e.kind() == ErrorKind::PermissionDenied => File::open(path).map_err(|_| e),
        opened => opened,
    }
}

/// Whether the path still leads to the open file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let of = |meta: fs::Metadata| (meta.dev(), meta.ino());
    match fs::metadata(path) {
        Ok(there) => Ok(of(there) == of(file.metadata()?)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}

/// The file is never removed there.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}
