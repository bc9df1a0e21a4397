//! The lines of a file and the fields of a line.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::corrupt;
use crate::IoError;

/// The longest line that is read: the format itself allows 1024 characters.
const LONGEST: u64 = 1 << 16;

pub(super) struct Lines<R> {
    input: BufReader<R>,
    raw: Vec<u8>,
    /// The line in `raw`, from 1.
    line: u64,
}

impl<R: Read> Lines<R> {
    pub fn new(input: R) -> Self {
        Self { input: BufReader::with_capacity(1 << 16, input), raw: Vec::new(), line: 0 }
    }

    /// The next line, whatever it is, with its number; none at the end.
    pub fn next(&mut self, path: &Path) -> Result<Option<(u64, &[u8])>, IoError> {
        self.raw.clear();
        let mut limited = (&mut self.input).take(LONGEST);
        if limited.read_until(b'\n', &mut self.raw).map_err(IoError::read(path))? == 0 {
            return Ok(None);
        }
        self.line += 1;
        if self.raw.len() as u64 == LONGEST && !self.raw.ends_with(b"\n") {
            return Err(corrupt(path, self.line, format_args!("longer than {LONGEST} bytes")));
        }
        Ok(Some((self.line, &self.raw)))
    }

    /// The next line that is neither blank nor a comment.
    pub fn next_filled(&mut self, path: &Path) -> Result<Option<(u64, &[u8])>, IoError> {
        loop {
            if self.next(path)?.is_none() {
                return Ok(None);
            }
            let start = self.raw.iter().position(|b| !b.is_ascii_whitespace());
            if let Some(start) = start.filter(|&s| self.raw[s] != b'%') {
                return Ok(Some((self.line, &self.raw[start..])));
            }
        }
    }
}

/// What white space divides.
pub(super) struct Fields<'a>(pub &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let start = self.0.iter().position(|b| !b.is_ascii_whitespace())?;
        let rest = &self.0[start..];
        let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        let (field, rest) = rest.split_at(end);
        self.0 = rest;
        Some(field)
    }
}
