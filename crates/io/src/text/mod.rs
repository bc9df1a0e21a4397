//! Matrices in text: lines of fields, perhaps with names at the edges.

mod layout;
mod records;

use std::io::BufRead;
use std::path::Path;

use layout::{Labels, Layout};
pub(crate) use records::Split;
use records::{Record, Records, room};

use crate::{IoError, Order, Place, ReadOptions, Scalar, Table};

/// Reads a whole text file.
pub(crate) fn read<T: Scalar>(
    input: impl BufRead,
    split: Split,
    options: &ReadOptions,
    path: &Path,
) -> Result<Table<T>, IoError> {
    let mut records = Records::new(input, split, path);
    let mut record = Record::default();
    // the first two lines tell where the names are
    let mut first = Vec::new();
    while first.len() < 2 && records.next(&mut record)? {
        first.push(record.clone());
    }
    let layout = Layout::of(first.first(), first.get(1), options);
    let mut rows =
        Rows { path, layout, col_names: None, ncols: None, row_names: vec![], lines: vec![], data: vec![] };
    for (i, record) in first.iter().enumerate() {
        if i == 0 && layout.header {
            rows.header(record);
        } else {
            rows.push(record, i == 0)?;
        }
    }
    while records.next(&mut record)? {
        rows.push(&record, false)?;
    }
    Ok(rows.finish())
}

/// The rows read so far.
struct Rows<'a, T> {
    path: &'a Path,
    layout: Layout,
    col_names: Option<Vec<String>>,
    ncols: Option<usize>,
    row_names: Vec<String>,
    lines: Vec<u64>,
    data: Vec<T>,
}

impl<T: Scalar> Rows<'_, T> {
    fn header(&mut self, record: &Record) {
        let names = (usize::from(self.layout.corner)..record.len()).map(|i| word(record.field(i)));
        let names: Vec<_> = names.collect();
        self.ncols = Some(names.len());
        self.col_names = Some(names);
    }

    fn push(&mut self, record: &Record, first_row: bool) -> Result<(), IoError> {
        let labelled = usize::from(self.layout.labels != Labels::None);
        let expected = labelled + *self.ncols.get_or_insert(record.len() - labelled);
        if record.len() != expected {
            let (path, line, found) = (self.path.to_owned(), record.line, record.len());
            return Err(IoError::Ragged { path, line, expected, found });
        }
        if labelled == 1 {
            let label = record.field(0);
            if self.layout.labels == Labels::Guessed
                && layout::has_digits(label)
                && layout::number(label).is_some()
            {
                let (path, line) = (self.path.to_owned(), record.line);
                return Err(IoError::AmbiguousLabels { path, line, text: word(label) });
            }
            self.row_names.push(word(label));
        }
        let room = room(&mut self.lines, 1).and_then(|()| room(&mut self.data, record.len() - labelled));
        room.map_err(IoError::read(self.path))?;
        self.lines.push(record.line);
        for i in labelled..record.len() {
            let field = record.field(i);
            let col = i - labelled;
            let x = layout::number(field).ok_or_else(|| IoError::NotANumber {
                place: self.place(record, col),
                text: excerpt(field),
                first_row: first_row && !self.layout.told,
            })?;
            let t = T::from_f64(x);
            // "1e999" is a number that no double holds; "inf" says what it is
            if !t.is_finite() && (x.is_finite() || layout::has_digits(field)) {
                let (place, value) = (self.place(record, col), excerpt(field));
                return Err(IoError::OutOfRange { place, value, precision: T::PRECISION });
            }
            if layout::is_another_integer(field, x) {
                return Err(IoError::PrecisionLoss { place: self.place(record, col), value: excerpt(field) });
            }
            self.data.push(t);
        }
        Ok(())
    }

    fn place(&self, record: &Record, col: usize) -> Box<Place> {
        let labelled = self.layout.labels != Labels::None;
        Box::new(Place {
            path: self.path.to_owned(),
            line: Some(record.line),
            field: Some(col + 1 + usize::from(labelled)),
            row: self.lines.len() - 1,
            col,
            row_name: labelled.then(|| word(record.field(0))),
            col_name: self.col_names.as_ref().and_then(|n| n.get(col).cloned()),
        })
    }

    fn finish(mut self) -> Table<T> {
        self.data.shrink_to_fit();
        let ncols = self.ncols.unwrap_or(0);
        let mut table = Table::new(self.data, self.lines.len(), ncols, Order::RowMajor)
            .expect("every row has the same number of fields");
        table.row_names = (self.layout.labels != Labels::None).then_some(self.row_names);
        table.col_names = self.col_names;
        table.lines = Some(self.lines);
        table
    }
}

fn word(field: &[u8]) -> String {
    String::from_utf8_lossy(field.trim_ascii()).into_owned()
}

/// Enough of a field to recognise it in a message.
pub(crate) fn excerpt(field: &[u8]) -> String {
    let text = word(field);
    match text.char_indices().nth(40) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}
