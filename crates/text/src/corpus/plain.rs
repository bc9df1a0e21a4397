//! A file of text, and what all files have in common.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::{Document, ReadOptions, STANDARD_INPUT};
use crate::TextError;

/// Bytes of a line for which room is made at a time.
const PIECE: usize = 1 << 13;

/// Reads a file whole: a document, or one for each line with something on it.
pub(super) fn read(path: &Path, options: &ReadOptions) -> Result<Vec<Document>, TextError> {
    let mut input = Input::open(path)?;
    let mut bytes = Vec::new();
    input.reader.read_to_end(&mut bytes).map_err(|source| input.error(path, source))?;
    if let Some(at) = bytes.iter().position(|&b| b == 0) {
        return Err(TextError::Nul { path: path.to_owned(), line: 1 + lines(&bytes[..at]) });
    }
    let text = utf8(bytes, path)?;
    let name =
        if path == Path::new(STANDARD_INPUT) { "standard input".into() } else { path.display().to_string() };
    if !options.lines {
        return Ok(vec![Document { name, text }]);
    }
    // a byte order mark is no part of the first line
    let lines = text.strip_prefix('\u{feff}').unwrap_or(&text).lines().zip(1_u64..);
    let lines = lines.filter(|(line, _)| !line.trim().is_empty());
    Ok(lines
        .map(|(line, number)| Document { name: format!("{name}:{number}"), text: line.to_owned() })
        .collect())
}

/// An open file, unpacked if it is packed by gzip.
pub(super) struct Input {
    pub reader: Box<dyn BufRead>,
    packed: bool,
}

impl Input {
    pub fn open(path: &Path) -> Result<Self, TextError> {
        let source: Box<dyn Read> = match path == Path::new(STANDARD_INPUT) {
            true => Box::new(io::stdin()),
            false => Box::new(File::open(path).map_err(TextError::read(path))?),
        };
        let mut file = BufReader::new(source);
        let packed = file.fill_buf().map_err(TextError::read(path))?.starts_with(&[0x1f, 0x8b]);
        let reader: Box<dyn BufRead> =
            if packed { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) };
        Ok(Self { reader, packed })
    }

    /// Appends a line to `line`, its ending included, and returns the bytes read: 0 at the end. A line for which there is no
    /// memory is an error, and no abort.
    pub fn read_line(&mut self, line: &mut Vec<u8>, path: &Path) -> Result<usize, TextError> {
        let before = line.len();
        loop {
            let room = line.try_reserve(PIECE).map_err(|_| io::ErrorKind::OutOfMemory.into());
            let piece = room.and_then(|()| (&mut self.reader).take(PIECE as u64).read_until(b'\n', line));
            let got = piece.map_err(|source| self.error(path, source))?;
            if got < PIECE || line.ends_with(b"\n") {
                return Ok(line.len() - before);
            }
        }
    }

    /// What an error in reading it is.
    pub fn error(&self, path: &Path, source: io::Error) -> TextError {
        let path = path.to_owned();
        if self.packed { TextError::Gzip { path, source } } else { TextError::Read { path, source } }
    }
}

/// Bytes as text.
pub(crate) fn utf8(bytes: Vec<u8>, path: &Path) -> Result<String, TextError> {
    String::from_utf8(bytes).map_err(|e| {
        let valid = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        TextError::NotUtf8 { path: path.to_owned(), line: 1 + lines(valid) }
    })
}

/// Ends of lines.
pub(super) fn lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&b| b == b'\n').count() as u64
}

/// The ending of a file's name in lower case, `.gz` left out.
pub(super) fn extension(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').map(|(_, extension)| extension.to_owned())
}
