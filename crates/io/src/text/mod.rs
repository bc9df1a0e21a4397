//! Tables of text, whoever wrote them: lines of fields, perhaps with names at the edges.

mod blocks;
mod columns;
mod dialect;
mod layout;
mod number;
mod preamble;
mod records;
mod rows;
mod svmlight;
mod triplets;

use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;

use blocks::Blocks;
pub use dialect::Delimiter;
use dialect::Dialect;
pub(crate) use layout::{Layout, Line};
pub use number::Decimal;
pub(crate) use number::advice;
use preamble::Preamble;
use records::{Record, Records, ends};
pub(crate) use rows::Rows;

use crate::{AnyTable, IoError, ReadOptions, Remark, Scalar};

/// Bytes and lines that are looked at before anything is decided.
const SAMPLE: (usize, usize) = (1 << 16, 12);
/// Lines that the layout is found from.
const LINES: usize = 100;
/// Bytes that a thread reads at a time.
const BLOCK: usize = 1 << 22;

/// Reads a whole text.
pub(crate) fn read<'a, T: Scalar>(
    input: Box<dyn BufRead + 'a>,
    options: &ReadOptions,
    path: &Path,
) -> Result<AnyTable<T>, IoError> {
    let mut text = Blocks::new(input).map_err(IoError::read(path))?;
    text.begin(SAMPLE.0, SAMPLE.1).map_err(IoError::read(path))?;
    if text.buffer.iter().any(|&b| b == 0 || (b < b' ' && !b"\t\n\r\x0b\x0c\x1a".contains(&b))) {
        return Err(IoError::UnknownFormat { path: path.to_owned() });
    }
    let mut remarks = Vec::new();
    let whole =
        if text.ended { text.buffer.len() } else { ends(&text.buffer, Delimiter::Blanks, &mut []).last };
    let preamble = Preamble::of(&text.buffer[..whole], path)?;
    let sample = &text.buffer[preamble.bytes.min(whole)..whole];
    if svmlight::is_svmlight(sample) && options.delimiter.is_none() {
        return svmlight::read(text, &preamble, options, path);
    }
    let line = preamble.lines + 1;
    let dialect = match preamble.gct {
        Some(_) => Dialect { delimiter: Delimiter::Tab, decimal: Decimal::Point },
        None => Dialect::of(sample, line, options, &mut remarks, path)?,
    };
    if let (true, Some(at)) = (text.ended, ends(sample, dialect.delimiter, &mut []).open) {
        let line = line + memchr::memchr_iter(b'\n', &sample[..at]).count() as u64;
        return Err(IoError::UnclosedQuote { path: path.to_owned(), line });
    }
    let mut lines = first_lines(sample, line, dialect.delimiter);
    let dropped = preamble.gct.map_or(0..0, |gct| 1..1 + gct.descriptions);
    let body_from = preamble.gct.map_or(0, |gct| gct.column_descriptions);
    lines.drain(1.min(lines.len())..(1 + body_from).min(lines.len()));
    if options.triplets {
        return triplets::read(text, &preamble, dialect, &lines, options, remarks, path);
    }
    let drop: Vec<usize> = dropped.collect();
    let forced = preamble.gct.map(|_| ReadOptions {
        header: crate::Detect::Yes,
        labels: crate::Detect::Yes,
        ..options.clone()
    });
    let mut layout =
        Layout::of(&lines, dialect.decimal, &drop, forced.as_ref().unwrap_or(options), &mut remarks, path)?;
    if let Some(names) = preamble.names_above(&layout, dialect.delimiter, options) {
        layout.col_names = Some(names);
        remarks.push(Remark::CommentAsHeader { line: preamble.lines });
    }
    layout::judge(&lines, &layout, &mut remarks, path)?;
    let skipped = usize::from(layout.header) + body_from;
    let mut rows = Rows::new(path, layout);
    let (start, line) = behind(&text.buffer, preamble.bytes, line, dialect.delimiter, skipped);
    let part = Part { start, line, delimiter: dialect.delimiter };
    part.each(text, rayon::current_num_threads(), path, |body, line, marks| {
        rows.extend(body, line, dialect.delimiter, marks)
    })?;
    let mut table = rows.finish(&mut remarks);
    table.remarks = remarks;
    Ok(AnyTable::Dense(table))
}

/// The rest of a text.
struct Part {
    /// Where it begins in the buffer.
    start: usize,
    /// The number of its first line.
    line: u64,
    delimiter: Delimiter,
}

impl Part {
    /// Calls `take` with block after block of whole records, the number of its first line, and where to cut it into `pieces`;
    /// `take` returns the number of the line behind it.
    fn each(
        self,
        mut text: Blocks<'_>,
        pieces: usize,
        path: &Path,
        mut take: impl FnMut(&[u8], u64, &[usize]) -> Result<u64, IoError>,
    ) -> Result<(), IoError> {
        let Self { mut start, mut line, delimiter } = self;
        loop {
            let body = &text.buffer[start.min(text.buffer.len())..];
            let mut marks: Vec<usize> = (1..pieces).map(|i| body.len() / pieces * i).collect();
            let found = ends(body, delimiter, &mut marks);
            if let (true, Some(at)) = (text.ended, found.open) {
                let line = line + memchr::memchr_iter(b'\n', &body[..at]).count() as u64;
                return Err(IoError::UnclosedQuote { path: path.to_owned(), line });
            }
            let end = if text.ended { body.len() } else { found.last };
            line = take(&body[..end], line, &marks)?;
            if text.ended {
                return Ok(());
            }
            text.take(start + end);
            start = 0;
            text.more(BLOCK * pieces).map_err(IoError::read(path))?;
        }
    }
}

/// The first lines as text.
fn first_lines(text: &[u8], line: u64, delimiter: Delimiter) -> Vec<Line> {
    let mut records = Records::new(text, line, delimiter);
    let mut lines = Vec::new();
    loop {
        let mut record = Record::default();
        if lines.len() == LINES || !records.next(&mut record) {
            return lines;
        }
        let fields = record.fields().map(|field| word(field, &mut false)).collect();
        lines.push(Line { line: record.line, fields, first_quoted: record.first_quoted });
    }
}

/// Where the text goes on behind some records, and on which line.
fn behind(text: &[u8], from: usize, line: u64, delimiter: Delimiter, records: usize) -> (usize, u64) {
    let from = from.min(text.len());
    let mut reader = Records::new(&text[from..], line, delimiter);
    let mut record = Record::default();
    for _ in 0..records {
        reader.next(&mut record);
    }
    (from + reader.at, reader.line)
}

/// The number that most of some numbers are; the first of several. 0 of none.
fn usual(numbers: impl Iterator<Item = usize>) -> usize {
    let mut counts: HashMap<usize, (usize, usize)> = HashMap::new();
    for (at, number) in numbers.enumerate() {
        counts.entry(number).or_insert((0, usize::MAX - at)).0 += 1;
    }
    counts.into_iter().max_by_key(|&(_, rank)| rank).map_or(0, |(number, _)| number)
}

/// A field as text: that of Windows-1252 where it is not UTF-8, which sets `guessed`.
fn word(field: &[u8], guessed: &mut bool) -> String {
    let field = field.trim_ascii();
    match str::from_utf8(field) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            *guessed = true;
            encoding_rs::WINDOWS_1252.decode_without_bom_handling(field).0.into_owned()
        }
    }
}

/// Enough of a field to recognise it in a message.
pub(crate) fn excerpt(field: &[u8]) -> String {
    let text = word(field, &mut false);
    match text.char_indices().nth(40) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

fn is_all_words(record: &Record<'_>, decimal: Decimal) -> bool {
    record.fields().all(|field| number::is_word(field, decimal))
}
