//! The rows of a table, parsed by several threads.

use std::path::Path;

use rayon::prelude::*;

use super::number::{self, is_missing};
use super::{Delimiter, Layout, Record, Records, excerpt, word};
use crate::{IoError, Order, Place, Remark, Scalar, Table};

/// The rows read so far.
pub(crate) struct Rows<'a, T> {
    path: &'a Path,
    layout: Layout,
    part: Part<T>,
}

/// Rows that follow one another.
struct Part<T> {
    row_names: Vec<String>,
    /// A name was no UTF-8.
    guessed: bool,
    lines: Vec<u64>,
    data: Vec<T>,
}

impl<T> Default for Part<T> {
    fn default() -> Self {
        Self { row_names: vec![], guessed: false, lines: vec![], data: vec![] }
    }
}

impl<'a, T: Scalar> Rows<'a, T> {
    pub fn new(path: &'a Path, layout: Layout) -> Self {
        Self { path, layout, part: Part::default() }
    }

    /// Adds the rows in text that ends where one does, cut at `marks`; returns the line behind them.
    pub fn extend(
        &mut self,
        text: &[u8],
        line: u64,
        delimiter: Delimiter,
        marks: &[usize],
    ) -> Result<u64, IoError> {
        let cuts =
            std::iter::once(0).chain(marks.iter().map(|&mark| mark.min(text.len()))).chain([text.len()]);
        let cuts: Vec<usize> = cuts.collect();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &text[cut[0]..cut[1].max(cut[0])]).collect();
        let counts: Vec<u64> =
            pieces.par_iter().map(|piece| memchr::memchr_iter(b'\n', piece).count() as u64).collect();
        let (mut starts, mut next) = (Vec::new(), line);
        for count in counts {
            starts.push(next);
            next += count;
        }
        let first = self.part.lines.is_empty();
        let parts: Vec<(Part<T>, Result<(), Problem>)> = pieces
            .par_iter()
            .zip(&starts)
            .map(|(piece, &line)| {
                let mut part = Part::default();
                let done = part.parse(piece, line, delimiter, &self.layout);
                (part, done)
            })
            .collect();
        for (part, done) in parts {
            let before = self.part.lines.len();
            self.append(part).map_err(IoError::read(self.path))?;
            done.map_err(|problem| problem.error(self, first && before == 0))?;
        }
        Ok(next)
    }

    fn append(&mut self, part: Part<T>) -> std::io::Result<()> {
        let Part { row_names, guessed, lines, data } = part;
        if self.part.lines.is_empty() {
            self.part = Part { row_names, guessed, lines, data };
            return Ok(());
        }
        self.part.guessed |= guessed;
        room(&mut self.part.row_names, row_names.len())?;
        room(&mut self.part.lines, lines.len())?;
        room(&mut self.part.data, data.len())?;
        self.part.row_names.extend(row_names);
        self.part.lines.extend(lines);
        self.part.data.extend(data);
        Ok(())
    }

    /// The table.
    pub fn finish(mut self, remarks: &mut Vec<Remark>) -> Table<T> {
        self.part.data.shrink_to_fit();
        let ncols = self.layout.columns.len();
        let mut table = Table::new(self.part.data, self.part.lines.len(), ncols, Order::RowMajor)
            .expect("every row has the same number of fields");
        if self.part.guessed {
            remarks.push(Remark::Encoding);
        }
        table.row_names = self.layout.labels.map(|_| self.part.row_names);
        table.col_names = self.layout.col_names;
        table.lines = Some(self.part.lines);
        table.fields = Some(self.layout.columns);
        table
    }
}

/// What is wrong with a row.
enum Problem {
    NoRoom(std::io::Error),
    Ragged { line: u64, found: usize },
    Label { line: u64, text: String },
    Field { line: u64, label: Option<String>, col: usize, text: String, kind: Kind },
}

enum Kind {
    Word,
    Missing,
    Beyond,
    /// An integer that no double is.
    Inexact,
}

impl Problem {
    /// The error, of the row behind those that are there.
    fn error<T: Scalar>(self, rows: &Rows<'_, T>, first_row: bool) -> IoError {
        let path = rows.path.to_owned();
        let layout = &rows.layout;
        match self {
            Self::NoRoom(source) => IoError::Read { path, source },
            Self::Ragged { line, found } => IoError::Ragged { path, line, expected: layout.width, found },
            Self::Label { line, text } => IoError::AmbiguousLabels { path, line, text },
            Self::Field { line, label, col, text, kind } => {
                let row = rows.part.lines.len();
                let place = Box::new(Place {
                    path,
                    line: Some(line),
                    field: Some(layout.columns[col] + 1),
                    row,
                    col,
                    row_name: label,
                    col_name: layout.col_names.as_ref().and_then(|names| names.get(col).cloned()),
                });
                match kind {
                    Kind::Word => {
                        let first_row = first_row && row == 0 && !layout.told && !layout.header;
                        IoError::NotANumber { place, text, first_row }
                    }
                    Kind::Missing => IoError::Missing { place, text },
                    Kind::Beyond => IoError::OutOfRange { place, value: text, precision: T::PRECISION },
                    Kind::Inexact => IoError::PrecisionLoss { place, value: text },
                }
            }
        }
    }
}

impl<T: Scalar> Part<T> {
    fn parse(
        &mut self,
        text: &[u8],
        line: u64,
        delimiter: Delimiter,
        layout: &Layout,
    ) -> Result<(), Problem> {
        let mut records = Records::new(text, line, delimiter);
        let mut record = Record::default();
        while records.next(&mut record) {
            self.row(record.line, record.len(), |i| record.field(i), layout)?;
        }
        Ok(())
    }

    #[inline]
    fn row<'r>(
        &mut self,
        line: u64,
        len: usize,
        field: impl Fn(usize) -> &'r [u8],
        layout: &Layout,
    ) -> Result<(), Problem> {
        if len != layout.width {
            return Err(Problem::Ragged { line, found: len });
        }
        room(&mut self.lines, 1)
            .and_then(|()| room(&mut self.data, layout.columns.len()))
            .map_err(Problem::NoRoom)?;
        if let Some(at) = layout.labels {
            let label = field(at);
            if layout.guessed && number::has_digits(label) && number::number(label, layout.decimal).is_some()
            {
                return Err(Problem::Label { line, text: word(label, &mut false) });
            }
            room(&mut self.row_names, 1).map_err(Problem::NoRoom)?;
            self.row_names.push(word(label, &mut self.guessed));
        }
        for (col, &at) in layout.columns.iter().enumerate() {
            let text = field(at);
            let wrong = |kind, text| {
                let label = layout.labels.map(|at| word(field(at), &mut false));
                Problem::Field { line, label, col, text, kind }
            };
            let x = match number::number(text, layout.decimal) {
                Some(x) => x,
                None if layout.missing && is_missing(text) => f64::NAN,
                None => {
                    let kind = if is_missing(text) { Kind::Missing } else { Kind::Word };
                    return Err(wrong(kind, excerpt(text)));
                }
            };
            let t = T::from_f64(x);
            // "1e999" is a number that no double holds; "inf" says what it is
            if !t.is_finite() && (x.is_finite() || number::has_digits(text)) {
                return Err(wrong(Kind::Beyond, excerpt(text)));
            }
            if number::is_another_integer(text, x) {
                return Err(wrong(Kind::Inexact, excerpt(text)));
            }
            self.data.push(t);
        }
        self.lines.push(line);
        Ok(())
    }
}

/// Makes room for `more` elements, or says that there is none.
pub(super) fn room<T>(list: &mut Vec<T>, more: usize) -> std::io::Result<()> {
    list.try_reserve(more).map_err(|_| std::io::ErrorKind::OutOfMemory.into())
}
