//! The arrays of an archive.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use crate::npy::{self, Header, Raw};
use crate::{IoError, Place, Scalar, Table};

/// Deflate makes at most so many bytes of one.
const MOST_UNPACKED: u64 = 1032;

pub(super) struct Archive {
    zip: ZipArchive<File>,
    /// Bytes of the file.
    len: u64,
    pub path: PathBuf,
}

impl Archive {
    pub fn open(file: File, path: &Path) -> Result<Self, IoError> {
        let len = file.metadata().map_err(IoError::read(path))?.len();
        let zip = ZipArchive::new(file).map_err(|e| error(e, path))?;
        Ok(Self { zip, len, path: path.to_owned() })
    }

    /// The names of the arrays, in the order of the archive.
    pub fn names(&self) -> Vec<String> {
        let names = self.zip.file_names().flatten();
        names.filter_map(|name| name.strip_suffix(".npy").map(str::to_owned)).collect()
    }

    pub fn array(&mut self, name: &str) -> Result<Array<'_>, IoError> {
        let file = format!("{name}.npy");
        let path = self.path.join(&file);
        let entry = self.zip.by_name(&file).map_err(|e| match e {
            ZipError::FileNotFound => {
                let reason = format!("there is no array '{name}' in it");
                IoError::Corrupt { path: self.path.clone(), format: "npz", reason }
            }
            e => error(e, &self.path),
        })?;
        // what the archive says of itself is believed as far as it can be true
        let most = entry.compressed_size().min(self.len).saturating_mul(MOST_UNPACKED);
        let len = Some(entry.size()).filter(|&len| len <= most);
        Ok(Array { entry, len, path })
    }
}

/// One array, to be read from its beginning.
pub(super) struct Array<'a> {
    entry: ZipFile<'a, File>,
    /// Bytes of it, where that can be relied on.
    len: Option<u64>,
    /// The archive's path with the array's name.
    pub path: PathBuf,
}

impl Array<'_> {
    pub fn raw_header(&mut self) -> Result<Raw, IoError> {
        Ok(npy::read_raw(&mut self.entry, self.len, &self.path)?.0)
    }

    pub fn header(&mut self) -> Result<Header, IoError> {
        npy::read_header(&mut self.entry, self.len, &self.path)
    }

    pub fn matrix<T: Scalar>(mut self) -> Result<Table<T>, IoError> {
        let header = self.header()?;
        let table = npy::read_data(&mut self.entry, &header, self.len, &self.path)?;
        self.check()?;
        Ok(table)
    }

    /// All elements, in their order; `place` says where one of them stands.
    pub fn vector<T: Scalar>(mut self, place: impl FnOnce(usize) -> Place) -> Result<Vec<T>, IoError> {
        let header = self.header()?;
        let data = npy::read_vector(&mut self.entry, &header, self.len, &self.path, place)?;
        self.check()?;
        Ok(data)
    }

    /// All elements, in their order, which must be integers that an `I` can be.
    pub fn integers<I: TryFrom<i128>>(mut self) -> Result<Vec<I>, IoError> {
        let header = self.header()?;
        let data = npy::read_integers(&mut self.entry, &header, self.len, &self.path)?;
        self.check()?;
        Ok(data)
    }

    /// The word that a scalar of text is.
    pub fn word(mut self) -> Result<String, IoError> {
        let Raw { descr, shape, .. } = self.raw_header()?;
        let (kind, length) = descr.trim_start_matches(['|', '<', '=', '>']).split_at_checked(1).unzip();
        let width = match kind {
            Some("S") => 1,
            Some("U") => 4,
            _ => 0,
        };
        let length = length.and_then(|n| n.parse().ok()).filter(|&n: &u64| n <= 64).unwrap_or(0);
        if !shape.is_empty() || width * length == 0 {
            let reason = "this must be a word".to_owned();
            return Err(IoError::Corrupt { path: self.path, format: "npy", reason });
        }
        let mut bytes = Vec::new();
        let mut limited = (&mut self.entry).take(width * length);
        limited.read_to_end(&mut bytes).map_err(IoError::read(&self.path))?;
        self.check()?;
        // the words that are looked for are plain letters in any encoding
        bytes.retain(|&b| b != 0);
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Reads on to the end, where the archive's sum of the bytes is compared.
    fn check(&mut self) -> Result<(), IoError> {
        std::io::copy(&mut self.entry, &mut std::io::sink()).map_err(IoError::read(&self.path))?;
        Ok(())
    }
}

fn error(error: ZipError, path: &Path) -> IoError {
    match error {
        ZipError::Io(source) => IoError::Read { path: path.to_owned(), source },
        e => IoError::Corrupt { path: path.to_owned(), format: "npz", reason: e.to_string() },
    }
}
