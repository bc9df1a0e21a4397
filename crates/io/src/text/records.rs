//! Text cut into lines and fields, with the line that each record begins on.

use std::borrow::Cow;
use std::ops::Range;

use csv_core::ReadRecordResult;
use memchr::{memchr, memchr_iter, memrchr};

use super::Delimiter;

/// One line of fields.
#[derive(Debug, Default)]
pub(super) struct Record<'a> {
    /// The line it begins on, from 1.
    pub line: u64,
    /// The text that `fields` are ranges of.
    text: Cow<'a, [u8]>,
    fields: Vec<Range<usize>>,
    /// The first field is in quotes, and no other is.
    pub first_quoted: bool,
}

impl Record<'_> {
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    pub fn field(&self, i: usize) -> &[u8] {
        &self.text[self.fields[i].clone()]
    }

    pub fn fields(&self) -> impl Iterator<Item = &[u8]> {
        self.fields.iter().map(|range| &self.text[range.clone()])
    }
}

/// Reads records from text that ends where a record does. Blank lines are skipped.
pub(super) struct Records<'a> {
    text: &'a [u8],
    /// Bytes of `text` that were read.
    pub at: usize,
    /// The line that begins there, from 1.
    pub line: u64,
    delimiter: Delimiter,
    csv: csv_core::Reader,
    ends: Vec<usize>,
}

impl<'a> Records<'a> {
    /// Of text whose first line has the number `line`.
    pub fn new(text: &'a [u8], line: u64, delimiter: Delimiter) -> Self {
        let mut builder = csv_core::ReaderBuilder::new();
        if let Some(byte) = delimiter.byte() {
            builder.delimiter(byte);
        }
        Self { text, at: 0, line, delimiter, csv: builder.build(), ends: vec![0; 64] }
    }

    /// Reads the next record into `record`; false at the end.
    pub fn next(&mut self, record: &mut Record<'a>) -> bool {
        while self.at < self.text.len() {
            let rest = &self.text[self.at..];
            let (line, step) = match memchr(b'\n', rest) {
                Some(end) => (&rest[..end], end + 1),
                None => (rest, rest.len()),
            };
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            record.line = self.line;
            // tabs alone are a record of empty fields where tabs separate
            if line.iter().all(|&b| b == b' ' || b == b'\r') {
                self.advance(step);
                continue;
            }
            record.fields.clear();
            let quotes = memchr(b'"', line).is_some();
            match self.delimiter.byte() {
                Some(delimiter) if !quotes => {
                    record.first_quoted = false;
                    record.text = Cow::Borrowed(line);
                    let mut start = 0;
                    for end in memchr_iter(delimiter, line) {
                        record.fields.push(start..end);
                        start = end + 1;
                    }
                    record.fields.push(start..line.len());
                    self.advance(step);
                }
                Some(_) => {
                    record.first_quoted = line.starts_with(b"\"") && memchr_iter(b'"', line).count() == 2;
                    self.quoted(rest, record);
                }
                None => {
                    record.first_quoted = line.starts_with(b"\"") && memchr_iter(b'"', line).count() == 2;
                    split_at_blanks(line, record);
                    self.advance(step);
                }
            }
            if record.len() > 0 {
                return true;
            }
        }
        false
    }

    fn advance(&mut self, bytes: usize) {
        let from = self.at;
        self.at += bytes;
        self.line += memchr_iter(b'\n', &self.text[from..self.at]).count() as u64;
    }

    /// A record with quotes, which may span lines.
    fn quoted(&mut self, rest: &[u8], record: &mut Record<'a>) {
        self.csv.reset();
        let text = record.text.to_mut();
        text.clear();
        let (mut read, mut written, mut ended) = (0, 0, 0);
        loop {
            // room for what is left of the line, and again until a quoted field is over
            let line = memchr(b'\n', &rest[read..]).map_or(rest.len() - read, |end| end + 1);
            text.resize(written + line + 1, 0);
            let (result, nin, nout, nend) =
                self.csv.read_record(&rest[read..read + line], &mut text[written..], &mut self.ends[ended..]);
            read += nin;
            written += nout;
            ended += nend;
            match result {
                ReadRecordResult::Record | ReadRecordResult::End => break,
                ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                ReadRecordResult::InputEmpty | ReadRecordResult::OutputFull => {}
            }
        }
        // of a line's end with two characters the automaton takes the first
        if rest[..read].ends_with(b"\r") && rest.get(read) == Some(&b'\n') {
            read += 1;
        }
        let mut start = 0;
        for &end in &self.ends[..ended] {
            record.fields.push(start..end);
            start = end;
        }
        self.advance(read);
    }
}

/// Fields between runs of blanks and tabs, in quotes or not. What follows a `#` where a field could begin is a comment.
fn split_at_blanks<'a>(line: &'a [u8], record: &mut Record<'a>) {
    let mut text = Cow::Borrowed(line);
    let mut at = 0;
    while at < line.len() {
        if line[at].is_ascii_whitespace() {
            at += 1;
            continue;
        }
        match line[at] {
            b'#' => break,
            b'"' => {
                if let Some((word, end)) = in_quotes(&line[at..]) {
                    let text = text.to_mut();
                    let start = text.len();
                    text.extend(word);
                    record.fields.push(start..text.len());
                    at += end;
                    continue;
                }
            }
            _ => {}
        }
        let end = line[at..].iter().position(u8::is_ascii_whitespace).map_or(line.len(), |n| at + n);
        record.fields.push(at..end);
        at = end;
    }
    record.text = text;
}

/// What a pair of quotes holds, in which a quote is doubled or follows a backslash, and how long it is; nothing where they do not
/// close before a blank.
fn in_quotes(field: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut word = Vec::new();
    let mut at = 1;
    loop {
        match (*field.get(at)?, field.get(at + 1)) {
            (b'"', None) => return Some((word, at + 1)),
            (b'"', Some(b)) if b.is_ascii_whitespace() => return Some((word, at + 1)),
            (b'"' | b'\\', Some(b'"')) => {
                word.push(b'"');
                at += 2;
            }
            (b'"', _) => return None,
            (b, _) => {
                word.push(b);
                at += 1;
            }
        }
    }
}

/// Where records end in text that begins with one.
pub(super) struct Ends {
    /// The end of the last record that is whole.
    pub last: usize,
    /// The quote that is open at the end of the text.
    pub open: Option<usize>,
}

/// Finds the end of the last record, and the first one at or behind each of `marks`, which are in order and become these ends.
pub(super) fn ends(text: &[u8], delimiter: Delimiter, marks: &mut [usize]) -> Ends {
    let last = memrchr(b'\n', text).map_or(0, |end| end + 1);
    let first_behind = |mark: usize| memchr(b'\n', &text[mark..]).map_or(text.len(), |end| mark + end + 1);
    let Some(delimiter) = delimiter.byte().filter(|_| memchr(b'"', text).is_some()) else {
        marks.iter_mut().for_each(|mark| *mark = first_behind(*mark).min(last));
        return Ends { last, open: None };
    };
    let (mut last, mut open, mut fresh) = (0, None, true);
    let mut passed = 0;
    for (at, &byte) in text.iter().enumerate() {
        match (open, byte) {
            (Some(_), b'"') => (open, fresh) = (None, true), // the second of a pair opens it again
            (Some(_), _) => {}
            (None, b'"') if fresh => open = Some(at),
            (None, b'\n') => {
                (last, fresh) = (at + 1, true);
                while marks.get(passed).is_some_and(|&mark| mark < last) {
                    marks[passed] = last;
                    passed += 1;
                }
            }
            (None, byte) => fresh = byte == delimiter,
        }
    }
    marks[passed..].fill(last);
    Ends { last, open }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, delimiter: Delimiter) -> Vec<(u64, Vec<String>)> {
        let mut records = Records::new(text.as_bytes(), 1, delimiter);
        let (mut record, mut out) = (Record::default(), vec![]);
        while records.next(&mut record) {
            let fields = record.fields().map(|field| String::from_utf8_lossy(field).into_owned());
            out.push((record.line, fields.collect()));
        }
        out
    }

    fn strings(fields: &[&str]) -> Vec<String> {
        fields.iter().map(|&f| f.to_owned()).collect()
    }

    #[test]
    fn lines_are_counted_through_blanks_and_quotes() {
        let text = "\n a,b\r\n\"x\n\ny\",\"1\"\"2\"\r\n  \r\n3,,\n#,4";
        let want = [
            (2, strings(&[" a", "b"])),
            (3, strings(&["x\n\ny", "1\"2"])),
            (7, strings(&["3", "", ""])),
            (8, strings(&["#", "4"])),
        ];
        assert_eq!(all(text, Delimiter::Comma), want);
    }

    #[test]
    fn blanks_quotes_and_comments() {
        let text = "# x y\n1  2\t3 # end\n\n   \n 4 5 6\r\n\"a b\" \"c\"\"d\" \"e\\\"f\" 5\" \"g\"h\n9";
        let want = [
            (2, strings(&["1", "2", "3"])),
            (5, strings(&["4", "5", "6"])),
            (6, strings(&["a b", "c\"d", "e\"f", "5\"", "\"g\"h"])),
            (7, strings(&["9"])),
        ];
        assert_eq!(all(text, Delimiter::Blanks), want);
    }

    #[test]
    fn tabs_keep_empty_fields_and_long_lines_fit() {
        assert_eq!(all("\t\t\n1\t\t2", Delimiter::Tab)[0].1.len(), 3);
        for quote in ["", "\""] {
            let long = vec![format!("{quote}123456789{quote}"); 1000].join(",");
            assert_eq!(all(&long, Delimiter::Comma)[0].1.len(), 1000);
        }
    }

    /// Of texts with quotes, wherever they are cut: the records of the parts are those of the whole.
    #[test]
    fn records_end_outside_quotes() {
        let text = "a,\"b\nc\",d\n\"x\"\"\n\"\"y\",2\n5\" pipe,\"\"\n1,2\n";
        let whole = all(text, Delimiter::Comma);
        assert_eq!(whole.len(), 4);
        for cut in 0..text.len() {
            let mut marks = [cut];
            let found = ends(text.as_bytes(), Delimiter::Comma, &mut marks);
            assert_eq!((found.last, found.open), (text.len(), None));
            let (first, second) = text.split_at(marks[0]);
            let parts = [all(first, Delimiter::Comma), all(second, Delimiter::Comma)].concat();
            let fields = |records: &[(u64, Vec<String>)]| -> Vec<Vec<String>> {
                records.iter().map(|(_, fields)| fields.clone()).collect()
            };
            assert_eq!(fields(&parts), fields(&whole), "cut at {cut}");
        }
        let open = ends(b"1,2\n3,\"4\n5,6\n", Delimiter::Comma, &mut []);
        assert_eq!((open.last, open.open), (4, Some(6)));
    }
}
