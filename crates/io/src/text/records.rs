//! Text cut into lines and fields, with the line that each record begins on.

use std::io::{self, BufRead};
use std::ops::Range;
use std::path::Path;

use csv_core::ReadRecordResult;

use crate::IoError;
use crate::lines::read_line;

/// What stands between fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Split {
    /// One character, with the quoting rules of csv. Lines before the first record that begin with `#` are
    /// comments.
    Delimiter(u8),
    /// Any white space; everything after a `#` is a comment.
    WhiteSpace,
}

/// One line of fields.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    /// The line it begins on, from 1.
    pub line: u64,
    text: Vec<u8>,
    fields: Vec<Range<usize>>,
}

impl Record {
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    pub fn field(&self, i: usize) -> &[u8] {
        &self.text[self.fields[i].clone()]
    }
}

/// Reads records from text. Blank lines are skipped.
pub(super) struct Records<'a, R> {
    input: R,
    path: &'a Path,
    split: Split,
    csv: csv_core::Reader,
    /// The line in `raw`, from 1.
    line: u64,
    raw: Vec<u8>,
    ends: Vec<usize>,
    begun: bool,
}

impl<'a, R: BufRead> Records<'a, R> {
    pub fn new(input: R, split: Split, path: &'a Path) -> Self {
        let mut builder = csv_core::ReaderBuilder::new();
        builder.terminator(csv_core::Terminator::Any(b'\n'));
        if let Split::Delimiter(delimiter) = split {
            builder.delimiter(delimiter);
        }
        let csv = builder.build();
        Self { input, path, split, csv, line: 0, raw: vec![], ends: vec![0; 64], begun: false }
    }

    /// Reads the next record into `record`; false at the end.
    pub fn next(&mut self, record: &mut Record) -> Result<bool, IoError> {
        record.fields.clear();
        record.text.clear();
        while self.read_line()? {
            if let (Split::WhiteSpace, Some(hash)) = (self.split, self.raw.iter().position(|&b| b == b'#')) {
                self.raw.truncate(hash);
            }
            let comment =
                matches!(self.split, Split::Delimiter(_)) && !self.begun && self.raw.starts_with(b"#");
            // tabs alone are a record of empty fields where tabs separate
            if comment || self.raw.iter().all(|b| matches!(b, b' ' | b'\n' | b'\r')) {
                continue;
            }
            record.line = self.line;
            match self.split {
                Split::WhiteSpace => self.split_white_space(record)?,
                Split::Delimiter(_) => self.split_delimited(record)?,
            }
            if record.len() > 0 {
                self.begun = true;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// One line into `raw`, its ending made `\n` whatever it was; false at the end of the text.
    fn read_line(&mut self) -> Result<bool, IoError> {
        self.raw.clear();
        if read_line(&mut self.input, &mut self.raw).map_err(IoError::read(self.path))? == 0 {
            return Ok(false);
        }
        if self.raw.ends_with(b"\n") {
            self.raw.pop();
        }
        if self.raw.ends_with(b"\r") {
            self.raw.pop();
        }
        self.raw.push(b'\n');
        // a byte order mark is no part of the first field
        if self.line == 0 && self.raw.starts_with(b"\xef\xbb\xbf") {
            self.raw.drain(..3);
        }
        self.line += 1;
        Ok(true)
    }

    fn split_white_space(&self, record: &mut Record) -> Result<(), IoError> {
        room(&mut record.text, self.raw.len()).map_err(IoError::read(self.path))?;
        record.text.extend_from_slice(&self.raw);
        let mut start = None;
        for (i, b) in record.text.iter().enumerate() {
            match (b.is_ascii_whitespace(), start) {
                (false, None) => start = Some(i),
                (true, Some(from)) => {
                    room(&mut record.fields, 1).map_err(IoError::read(self.path))?;
                    record.fields.push(from..i);
                    start = None;
                }
                _ => {}
            }
        }
        // a comment cut the line's ending off
        if let Some(from) = start {
            record.fields.push(from..record.text.len());
        }
        Ok(())
    }

    /// Feeds lines to the csv automaton until it has a record: more than one where a quoted field spans lines.
    fn split_delimited(&mut self, record: &mut Record) -> Result<(), IoError> {
        let (mut read, mut written, mut ended) = (0, 0, 0);
        loop {
            // a field is never longer than the text that it comes from
            let length = written + self.raw.len() - read + 1;
            let more = length.saturating_sub(record.text.len());
            room(&mut record.text, more).map_err(IoError::read(self.path))?;
            record.text.resize(length, 0);
            let (result, nin, nout, nend) =
                self.csv.read_record(&self.raw[read..], &mut record.text[written..], &mut self.ends[ended..]);
            read += nin;
            written += nout;
            ended += nend;
            match result {
                ReadRecordResult::Record | ReadRecordResult::End => break,
                ReadRecordResult::OutputFull => {}
                ReadRecordResult::OutputEndsFull => {
                    let count = self.ends.len();
                    room(&mut self.ends, count).map_err(IoError::read(self.path))?;
                    self.ends.resize(2 * count, 0);
                }
                ReadRecordResult::InputEmpty => {
                    read = 0;
                    if !self.read_line()? {
                        return Err(IoError::UnclosedQuote { path: self.path.to_owned(), line: record.line });
                    }
                }
            }
        }
        let mut start = 0;
        room(&mut record.fields, ended).map_err(IoError::read(self.path))?;
        for &end in &self.ends[..ended] {
            record.fields.push(start..end);
            start = end;
        }
        Ok(())
    }
}

/// Makes room for `more` elements, or says that there is none.
pub(super) fn room<T>(list: &mut Vec<T>, more: usize) -> io::Result<()> {
    list.try_reserve(more).map_err(|_| io::ErrorKind::OutOfMemory.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, split: Split) -> Vec<(u64, Vec<String>)> {
        let mut records = Records::new(text.as_bytes(), split, Path::new("t"));
        let (mut record, mut out) = (Record::default(), vec![]);
        while records.next(&mut record).unwrap() {
            let fields = (0..record.len()).map(|i| String::from_utf8_lossy(record.field(i)).into_owned());
            out.push((record.line, fields.collect()));
        }
        out
    }

    fn strings(fields: &[&str]) -> Vec<String> {
        fields.iter().map(|&f| f.to_owned()).collect()
    }

    #[test]
    fn lines_are_counted_through_blanks_comments_and_quotes() {
        let text = "\u{feff}# made by hand\n\n a,b\r\n\"x\n\ny\",\"1\"\"2\"\n  \r\n3,,\n#,4";
        let want =
            [(3, strings(&[" a", "b"])), (4, strings(&["x\n\ny", "1\"2"])), (8, strings(&["3", "", ""]))];
        let got = all(text, Split::Delimiter(b','));
        assert_eq!(got[..3], want);
        // a hash after the first record is text
        assert_eq!(got[3], (9, strings(&["#", "4"])));
    }

    #[test]
    fn white_space_and_comments() {
        let text = "# x y\n1  2\t3 # end\n\n   \n 4 5 6\r\n7#8\n9";
        let got = all(text, Split::WhiteSpace);
        let want = [
            (2, strings(&["1", "2", "3"])),
            (5, strings(&["4", "5", "6"])),
            (6, strings(&["7"])),
            (7, strings(&["9"])),
        ];
        assert_eq!(got, want);
    }

    #[test]
    fn tabs_keep_empty_fields_and_long_lines_fit() {
        assert_eq!(all("\t\t\n1\t\t2", Split::Delimiter(b'\t'))[0].1.len(), 3);
        let long = vec!["123456789"; 1000].join(",");
        assert_eq!(all(&long, Split::Delimiter(b','))[0].1.len(), 1000);
    }

    #[test]
    fn an_open_quote_is_reported_where_it_opens() {
        let mut records = Records::new(&b"1,2\n3,\"4\n5,6\n"[..], Split::Delimiter(b','), Path::new("t"));
        let mut record = Record::default();
        assert!(records.next(&mut record).unwrap());
        let error = records.next(&mut record).unwrap_err();
        assert!(matches!(error, IoError::UnclosedQuote { line: 2, .. }), "{error}");
    }
}
