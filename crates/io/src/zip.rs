//! Zip archives: numpy's, spreadsheets, and any that hold a file which can be read.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::IoError;
use crate::format::Book;
use crate::npz::Archive;

/// What an archive is, by the names of its members.
pub(crate) enum Kind {
    Npz,
    Spreadsheet(Book),
    /// The file of this name is wanted.
    Member(String),
}

/// Finds out what an archive is. Of several files `layer` names the one that is wanted.
pub(crate) fn kind(file: &File, layer: Option<&str>, path: &Path) -> Result<Kind, IoError> {
    let format = if path.extension().is_some_and(|ending| ending == "npz") { "npz" } else { "zip" };
    let file = file.try_clone().map_err(IoError::read(path))?;
    let archive = Archive::open(file, format, path)?;
    let has = |name: &str| archive.files().any(|file| file == name);
    if has("xl/workbook.xml") {
        return Ok(Kind::Spreadsheet(Book::Xlsx));
    }
    if has("mimetype") && has("content.xml") {
        return Ok(Kind::Spreadsheet(Book::Ods));
    }
    // folders, and what macOS and others put beside the files
    let hidden = |name: &str| name.split('/').any(|part| part.starts_with('.') || part == "__MACOSX");
    let files = archive.files().filter(|name| !name.ends_with('/') && !hidden(name));
    let mut names: Vec<String> = files.map(str::to_owned).collect();
    if format == "npz" || !names.is_empty() && names.iter().all(|name| name.ends_with(".npy")) {
        return Ok(Kind::Npz);
    }
    match layer {
        Some(layer) if names.iter().any(|name| name == layer) => Ok(Kind::Member(layer.to_owned())),
        Some(layer) => {
            Err(IoError::NoLayer { path: path.to_owned(), layer: layer.to_owned(), available: names })
        }
        None if names.len() == 1 => Ok(Kind::Member(names.remove(0))),
        None if names.is_empty() => {
            let reason = "there is no file in it".to_owned();
            Err(IoError::Corrupt { path: path.to_owned(), format, reason })
        }
        None => Err(IoError::SeveralMatrices { path: path.to_owned(), names }),
    }
}

/// A file of an archive, unpacked.
pub(crate) struct Member {
    /// The archive's path with the file's name.
    pub path: PathBuf,
    pub file: File,
    pub len: u64,
}

impl Member {
    /// Unpacks a file to a temporary one.
    pub fn open(file: File, name: &str, path: &Path) -> Result<Self, IoError> {
        let archive = Archive::open(file, "zip", path)?;
        let (mut bytes, _) = archive.member(name, &format!("file '{name}'"))?;
        let mut file = tempfile::tempfile().map_err(IoError::read(path))?;
        let len = std::io::copy(&mut bytes, &mut file).map_err(IoError::read(path))?;
        file.seek(SeekFrom::Start(0)).map_err(IoError::read(path))?;
        Ok(Self { path: path.join(name), file, len })
    }
}
