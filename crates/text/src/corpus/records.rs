//! The records of a csv or tsv file, with the line that each begins on.

use std::path::Path;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

use super::plain::{self, Input};
use crate::TextError;

/// Reads records, each of as many fields as the first. Lines that are empty are passed over.
pub(super) struct Records<'a> {
    path: &'a Path,
    input: Input,
    csv: Reader,
    /// A line of the file, and its number, from 1.
    raw: Vec<u8>,
    line: u64,
    /// The last record: the line it begins on, its fields one after the other, and where each ends.
    first_line: u64,
    text: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
    expected: Option<usize>,
}

impl<'a> Records<'a> {
    pub fn open(path: &'a Path, delimiter: u8) -> Result<Self, TextError> {
        Ok(Self {
            path,
            input: Input::open(path)?,
            csv: ReaderBuilder::new().delimiter(delimiter).terminator(Terminator::Any(b'\n')).build(),
            raw: Vec::new(),
            line: 0,
            first_line: 0,
            text: Vec::new(),
            ends: vec![0; 16],
            fields: 0,
            expected: None,
        })
    }

    /// Goes to the next record; false at the end.
    pub fn advance(&mut self) -> Result<bool, TextError> {
        loop {
            if !self.read_line()? {
                return Ok(false);
            }
            if self.raw != b"\n" {
                break;
            }
        }
        self.first_line = self.line;
        self.parse()?;
        let (expected, found) = (*self.expected.get_or_insert(self.fields), self.fields);
        if found != expected {
            let (path, line) = (self.path.to_owned(), self.first_line);
            return Err(TextError::Ragged { path, line, expected, found });
        }
        Ok(true)
    }

    /// Fields of the record.
    pub fn len(&self) -> usize {
        self.fields
    }

    /// A field of the record.
    pub fn field(&self, j: usize) -> Result<String, TextError> {
        let start = if j == 0 { 0 } else { self.ends[j - 1] };
        plain::utf8(self.text[start..self.ends[j]].to_vec(), self.path).map_err(|error| match error {
            // its line is one of the record's
            TextError::NotUtf8 { path, .. } => TextError::NotUtf8 { path, line: self.first_line },
            other => other,
        })
    }

    /// One line into `raw`, its ending made `\n`; false at the end of the file.
    fn read_line(&mut self) -> Result<bool, TextError> {
        self.raw.clear();
        if self.input.read_line(&mut self.raw, self.path)? == 0 {
            return Ok(false);
        }
        for ending in [b'\n', b'\r'] {
            if self.raw.last() == Some(&ending) {
                self.raw.pop();
            }
        }
        self.raw.push(b'\n');
        // a byte order mark is no part of the first field
        if self.line == 0 && self.raw.starts_with(b"\xef\xbb\xbf") {
            self.raw.drain(..3);
        }
        self.line += 1;
        Ok(true)
    }

    /// Feeds lines to the automaton until it has a record: more than one where a field in quotation marks spans lines.
    fn parse(&mut self) -> Result<(), TextError> {
        let (mut read, mut written) = (0, 0);
        self.fields = 0;
        loop {
            // a field is never longer than the text that it comes from
            let room = written + self.raw.len() - read + 1;
            if self.text.len() < room {
                self.text.resize(room, 0);
            }
            let (result, input, output, ends) = self.csv.read_record(
                &self.raw[read..],
                &mut self.text[written..],
                &mut self.ends[self.fields..],
            );
            read += input;
            written += output;
            self.fields += ends;
            match result {
                ReadRecordResult::Record | ReadRecordResult::End => return Ok(()),
                ReadRecordResult::OutputFull => {}
                ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                ReadRecordResult::InputEmpty => {
                    read = 0;
                    if !self.read_line()? {
                        let (path, line) = (self.path.to_owned(), self.first_line);
                        return Err(TextError::UnclosedQuote { path, line });
                    }
                }
            }
        }
    }
}
