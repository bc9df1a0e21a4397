//! The text files of a folder.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Corpus, ReadOptions, Skipped, plain};
use crate::TextError;

/// Reads every text file below `root`, if its name has one of the extensions or there are none.
pub(super) fn read(root: &Path, options: &ReadOptions, corpus: &mut Corpus) -> Result<(), TextError> {
    for path in files(root, &options.extensions)? {
        match plain::read(&path, options) {
            Ok(documents) => corpus.documents.extend(documents),
            Err(reason @ (TextError::NotUtf8 { .. } | TextError::Nul { .. } | TextError::Gzip { .. })) => {
                corpus.skipped.push(Skipped { path, reason });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Every file below `root` whose name has one of the extensions, or every one if there are none, in the order of their
/// paths. Links are not followed, so that there are no loops.
pub(super) fn files(root: &Path, extensions: &[String]) -> Result<Vec<PathBuf>, TextError> {
    let extensions: Vec<_> = extensions.iter().map(|e| e.trim_start_matches('.').to_lowercase()).collect();
    let wanted = |path: &Path| {
        extensions.is_empty() || plain::extension(path).is_some_and(|e| extensions.contains(&e))
    };
    let (mut folders, mut files) = (vec![root.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(TextError::read(&folder))? {
            let entry = entry.map_err(TextError::read(&folder))?;
            let kind = entry.file_type().map_err(TextError::read(entry.path()))?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() && wanted(&entry.path()) {
                files.push(entry.path());
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}
