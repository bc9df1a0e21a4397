//! The arrays of an archive.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::DeflateDecoder;
use rawzip::{
    CompressionMethod, ErrorKind, FileReader, RECOMMENDED_BUFFER_SIZE, ZipArchive, ZipArchiveEntryWayfinder,
};

use crate::npy::{self, Header, Raw};
use crate::read::read_up_to;
use crate::{IoError, Place, Scalar, Table};

/// The most bytes that a name has.
const MOST_NAME: usize = 1 << 16;

/// The most bytes that deflate makes of one.
const MOST_UNPACKED: u64 = 1032;

pub(crate) struct Archive {
    zip: ZipArchive<FileReader>,
    members: Vec<Member>,
    /// Where each name is among them: of two with the same name the later one, as Python's zipfile has it.
    by_name: HashMap<String, usize>,
    /// Bytes of the file.
    len: u64,
    /// What the archive is called in messages.
    format: &'static str,
    pub path: PathBuf,
}

/// An entry of the archive's directory.
struct Member {
    name: String,
    method: CompressionMethod,
    encrypted: bool,
    place: ZipArchiveEntryWayfinder,
}

impl Archive {
    pub fn open(file: File, format: &'static str, path: &Path) -> Result<Self, IoError> {
        let len = file.metadata().map_err(IoError::read(path))?.len();
        let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
        let failed = |e| error(e, format, path);
        let zip = ZipArchive::from_file(file, &mut buffer).map_err(failed)?;
        let mut members = Vec::new();
        let mut entries = zip.entries(&mut buffer);
        while let Some(entry) = entries.next_entry().map_err(failed)? {
            members.push(Member {
                name: String::from_utf8_lossy(entry.file_path().as_bytes()).into_owned(),
                method: entry.compression_method(),
                encrypted: entry.flags().is_encrypted(),
                place: entry.wayfinder(),
            });
        }
        let by_name = members.iter().enumerate().map(|(at, member)| (member.name.clone(), at)).collect();
        Ok(Self { zip, members, by_name, len, format, path: path.to_owned() })
    }

    /// The names of all members, in the order of the archive.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.name.as_str())
    }

    /// The names of the arrays, in the order of the archive.
    pub fn names(&self) -> Vec<String> {
        let names = self.members.iter().map(|member| &member.name);
        names.filter_map(|name| name.strip_suffix(".npy").map(str::to_owned)).collect()
    }

    pub(super) fn array(&self, name: &str) -> Result<Array<'_>, IoError> {
        let (bytes, len) = self.member(&format!("{name}.npy"), &format!("array '{name}'"))?;
        Ok(Array { bytes, len, path: self.path.join(format!("{name}.npy")) })
    }

    /// Where the bytes of an array are in the file, if they are not packed.
    pub(super) fn place(&self, name: &str) -> Result<Option<u64>, IoError> {
        let member = self.by_name.get(&format!("{name}.npy")).map(|&at| &self.members[at]);
        let plain = |member: &&Member| member.method == CompressionMethod::STORE && !member.encrypted;
        let Some(member) = member.filter(plain) else { return Ok(None) };
        let entry = self.zip.get_entry(member.place).map_err(|e| error(e, self.format, &self.path))?;
        Ok(Some(entry.compressed_data_range().0))
    }

    /// The header of an array that is not packed, as one of the file; and the array's name in messages.
    pub(super) fn in_file(&self, name: &str, header: Header) -> Result<(Header, PathBuf), IoError> {
        let place = self.place(name)?.unwrap_or(0);
        let offset = header.offset.saturating_add(place);
        Ok((Header { offset, ..header }, self.path.join(format!("{name}.npy"))))
    }

    /// The file.
    pub(super) fn into_file(self) -> File {
        self.zip.into_inner().into_inner()
    }

    /// The `count` words of an array, if there is an array of words with this name.
    pub(super) fn names_of(&self, name: &str, count: usize) -> Result<Option<Vec<String>>, IoError> {
        if !self.by_name.contains_key(&format!("{name}.npy")) {
            return Ok(None);
        }
        self.array(name)?.words(count)
    }

    /// What a member holds, and how long it is, where that can be relied on. Messages call it `what`.
    pub fn member(&self, file: &str, what: &str) -> Result<(Box<dyn Read + '_>, Option<u64>), IoError> {
        let corrupt = |reason| IoError::Corrupt { path: self.path.clone(), format: self.format, reason };
        let member = self.by_name.get(file).map(|&at| &self.members[at]);
        let member = member.ok_or_else(|| corrupt(format!("there is no {what} in it")))?;
        if member.encrypted {
            return Err(corrupt(format!("the {what} is encrypted")));
        }
        let entry = self.zip.get_entry(member.place).map_err(|e| error(e, self.format, &self.path))?;
        let packed = entry.reader();
        let bytes: Box<dyn Read> = match member.method {
            CompressionMethod::STORE => Box::new(entry.verifying_reader(packed)),
            CompressionMethod::DEFLATE => Box::new(entry.verifying_reader(DeflateDecoder::new(packed))),
            other => {
                let reason = format!("the {what} is packed by method {other:?}; deflate can be read");
                return Err(corrupt(reason));
            }
        };
        // what the archive says of itself is believed as far as it can be true
        let most = member.place.compressed_size_hint().min(self.len).saturating_mul(MOST_UNPACKED);
        let len = Some(member.place.uncompressed_size_hint()).filter(|&len| len <= most);
        Ok((bytes, len))
    }
}

/// One array, to be read from its beginning.
pub(super) struct Array<'a> {
    bytes: Box<dyn Read + 'a>,
    /// Bytes of it, where that can be relied on.
    len: Option<u64>,
    /// The archive's path with the array's name.
    pub path: PathBuf,
}

impl Array<'_> {
    pub fn raw_header(&mut self) -> Result<Raw, IoError> {
        Ok(npy::read_raw(&mut self.bytes, self.len, &self.path)?.0)
    }

    /// What the array says of itself, as far as it can be true of its bytes.
    pub fn header(&mut self) -> Result<Header, IoError> {
        let header = npy::read_header(&mut self.bytes, self.len, &self.path)?;
        header.check(self.len, &self.path)?;
        Ok(header)
    }

    pub fn matrix<T: Scalar>(mut self) -> Result<Table<T>, IoError> {
        let header = self.header()?;
        let table = npy::read_data(&mut self.bytes, &header, self.len, &self.path)?;
        self.check()?;
        Ok(table)
    }

    /// All elements, in their order; `place` says where one of them stands.
    pub fn vector<T: Scalar>(mut self, place: impl FnOnce(usize) -> Place) -> Result<Vec<T>, IoError> {
        let header = self.header()?;
        let data = npy::read_vector(&mut self.bytes, &header, self.len, &self.path, place)?;
        self.check()?;
        Ok(data)
    }

    /// All elements, in their order, which must be integers that an `I` can be.
    pub fn integers<I: TryFrom<i128>>(mut self) -> Result<Vec<I>, IoError> {
        let header = self.header()?;
        let data = npy::read_integers(&mut self.bytes, &header, self.len, &self.path)?;
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
        let mut limited = (&mut self.bytes).take(width * length);
        limited.read_to_end(&mut bytes).map_err(IoError::read(&self.path))?;
        self.check()?;
        // the words that are looked for are plain letters in any encoding
        bytes.retain(|&b| b != 0);
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The `count` words that a vector of text has; nothing of another array.
    pub fn words(mut self, count: usize) -> Result<Option<Vec<String>>, IoError> {
        let Raw { descr, shape, .. } = self.raw_header()?;
        let corrupt =
            |path: &Path, reason: String| IoError::Corrupt { path: path.to_owned(), format: "npy", reason };
        let big = descr.starts_with('>');
        let (kind, length) = descr.trim_start_matches(['|', '<', '=', '>']).split_at_checked(1).unzip();
        let width = match kind {
            Some("S") => 1,
            Some("U") => 4,
            _ => return Ok(None),
        };
        let ([found], Some(length)) = (&shape[..], length.and_then(|n| n.parse::<usize>().ok())) else {
            return Ok(None);
        };
        if *found != count as u64 {
            return Err(corrupt(&self.path, format!("there are {found} names, but {count} are needed")));
        }
        let (mut names, mut bytes) = (Vec::new(), Vec::new());
        let size = length.checked_mul(width).filter(|&size| size <= MOST_NAME);
        let size = size.ok_or_else(|| corrupt(&self.path, format!("names of {length} characters")))?;
        bytes.resize(size, 0);
        for i in 0..count {
            let got = read_up_to(&mut self.bytes, &mut bytes).map_err(IoError::read(&self.path))?;
            if got < size {
                return Err(corrupt(&self.path, format!("it ends in name {i} of {count}")));
            }
            names.push(match width {
                1 => String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned(),
                _ => {
                    let of = if big { u32::from_be_bytes } else { u32::from_le_bytes };
                    let characters = bytes.as_chunks::<4>().0.iter().map(|&c| char::from_u32(of(c)));
                    let name: String = characters.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
                    name.trim_end_matches('\0').to_owned()
                }
            });
        }
        self.check()?;
        Ok(Some(names))
    }

    /// Reads on to the end, where the archive's sum of the bytes is compared.
    fn check(&mut self) -> Result<(), IoError> {
        io::copy(&mut self.bytes, &mut io::sink()).map_err(IoError::read(&self.path))?;
        Ok(())
    }
}

fn error(error: rawzip::Error, format: &'static str, path: &Path) -> IoError {
    match error.into_kind() {
        ErrorKind::IO(source) => IoError::Read { path: path.to_owned(), source },
        kind => IoError::Corrupt { path: path.to_owned(), format, reason: kind.to_string() },
    }
}
