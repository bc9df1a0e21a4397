//! The switch from one generation of results to the next, by one rename.
//!
//! A folder of results may hold other files, may be a mount point, the working directory or the target of a link: it
//! cannot be exchanged as a whole. And a name after the other cannot be renamed: a process killed between two renames
//! would leave W of one fit with H of another. So the names lead through one link while they change. In the hidden folder
//! `.orthant-….tmp`, inside that of the results, are the new files, links to the old ones, and `now`:
//!
//! | step | `W.npy` leads to | a reader finds |
//! |---|---|---|
//! | `old/W.npy` is made a second name of `W.npy`, and the link `now` → `old` | itself | the old results |
//! | every name becomes a link into `now/`, one rename each | itself, or `now/W.npy`, which is the same file | the old results |
//! | `now` → `new`, by one rename | `now/W.npy`, the new file | **the new results** |
//! | every link is replaced by the file that it leads to, one rename each | the same file | the new results |
//! | the hidden folder is removed | itself | the new results |
//!
//! A name that only the new results have is a link to nothing before the switch, and one that only the old ones have is a
//! link to nothing after it: for whoever opens it there is no such file. So every file of a folder is of one generation after
//! each step, for every program and without any recovery. [`finish`] does the last two steps from whatever a killed
//! process left: it reads from `now` which generation that is.
//!
//! The folder's lock is held throughout, so that two processes switch one after the other.
//!
//! Where the file system has no symbolic links, names are renamed one after the other ([`in_turn`]); so they are where
//! the system is not Unix. There the fingerprints in the model and in the report show whether files belong together.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

use super::lock::FolderLock;
use super::scratch::{Scratch, sync};
use crate::IoError;

/// Where the files of a generation are, in the hidden folder.
pub(super) const NEW: &str = "new";
const OLD: &str = "old";
/// The link to one of them.
const NOW: &str = "now";

/// Gives the files in `scratch/new` their names in `dir`, and takes the names in `gone` away. The folder's lock is held.
///
/// On an error before the switch the old results stand, on one after it the new ones. The hidden folder stays where it is
/// if links still lead there, for the next process to finish.
pub(super) fn switch(
    dir: &Path,
    scratch: Scratch,
    names: &[String],
    gone: &[&str],
    _lock: Option<&FolderLock>,
) -> Result<(), IoError> {
    let gone: Vec<&str> = gone.iter().copied().filter(|name| exists(&dir.join(name))).collect();
    for name in names.iter().map(String::as_str).chain(gone.iter().copied()) {
        let path = dir.join(name);
        if fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir()) {
            return Err(IoError::write(&path)(ErrorKind::IsADirectory.into()));
        }
    }
    let (hidden, now) = (scratch.path(), scratch.path().join(NOW));
    if symlink(Path::new(OLD), &now).is_err() {
        return in_turn(dir, hidden, names, &gone);
    }
    let switched = lead_through(dir, hidden, names, &gone).and_then(|()| {
        let next = hidden.join("next");
        symlink(Path::new(NEW), &next).and_then(|()| fs::rename(&next, &now)).map_err(IoError::write(dir))
    });
    sync(hidden);
    match finish(dir, hidden) {
        Ok(()) => switched,
        Err(e) => {
            scratch.abandon();
            switched.and(Err(IoError::write(dir)(e)))
        }
    }
}

/// Makes every name a link through `now`, which leads to the old files.
fn lead_through(dir: &Path, scratch: &Path, names: &[String], gone: &[&str]) -> Result<(), IoError> {
    let old = scratch.join(OLD);
    fs::create_dir(&old).map_err(IoError::write(&old))?;
    let all = || names.iter().map(String::as_str).chain(gone.iter().copied());
    for name in all() {
        let path = dir.join(name);
        keep(&path, &old.join(name)).map_err(IoError::write(&path))?;
    }
    sync(&old);
    sync(scratch);
    // links lead on from the folder that they are in
    let through = Path::new(scratch.file_name().expect("a name was made for it")).join(NOW);
    for name in all() {
        let (path, link) = (dir.join(name), scratch.join("link"));
        symlink(&through.join(name), &link)
            .and_then(|()| fs::rename(&link, &path))
            .map_err(IoError::write(&path))?;
    }
    sync(dir);
    Ok(())
}

/// Gives a file a second name, or copies it where the system refuses that. A link stays one, to the same place.
fn keep(path: &Path, second: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_symlink() => match fs::canonicalize(path) {
            Ok(target) => symlink(&target, second),
            // it leads nowhere
            Err(_) => Ok(()),
        },
        Ok(_) => fs::hard_link(path, second).or_else(|_| {
            fs::copy(path, second)?;
            File::open(second)?.sync_all()
        }),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    }
}

/// Replaces the links of `dir` that lead through `scratch` by the files at their ends; those that lead nowhere go.
pub(super) fn finish(dir: &Path, scratch: &Path) -> io::Result<()> {
    let Some(folder) = scratch.file_name() else { return Ok(()) };
    let (through, now) = (Path::new(folder).join(NOW), scratch.join(NOW));
    // none were made before it
    if !exists(&now) {
        return Ok(());
    }
    let entries = fs::read_dir(dir)?.collect::<io::Result<Vec<_>>>()?;
    for entry in entries {
        let (name, path) = (entry.file_name(), entry.path());
        if fs::read_link(&path).is_ok_and(|target| target == through.join(&name)) {
            match fs::rename(now.join(&name), &path) {
                Err(e) if e.kind() == ErrorKind::NotFound => fs::remove_file(&path)?,
                renamed => renamed?,
            }
        }
    }
    sync(dir);
    Ok(())
}

/// One rename after another.
fn in_turn(dir: &Path, scratch: &Path, names: &[String], gone: &[&str]) -> Result<(), IoError> {
    for name in names {
        let path = dir.join(name);
        fs::rename(scratch.join(NEW).join(name), &path).map_err(IoError::write(&path))?;
    }
    for name in gone {
        let path = dir.join(name);
        fs::remove_file(&path).map_err(IoError::write(&path))?;
    }
    sync(dir);
    Ok(())
}

/// Whether there is anything of that name, be it a link to nothing.
fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}
