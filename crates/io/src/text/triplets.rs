//! Entries of a sparse matrix as the rows of a table: the name of a row, the name of a column, and a number.

use std::collections::HashMap;
use std::path::Path;

use super::blocks::Blocks;
use super::dialect::Dialect;
use super::number::{self, is_missing};
use super::preamble::Preamble;
use super::{Line, Part, Record, Records, behind, columns, excerpt, word};
use crate::sparse::Coordinates;
use crate::{AnyTable, Detect, IoError, Place, ReadOptions, Remark, Scalar};

/// Names, each with the number of its row or column, in the order in which they came.
#[derive(Default)]
struct Numbered {
    numbers: HashMap<Vec<u8>, u32>,
    names: Vec<String>,
    guessed: bool,
}

impl Numbered {
    fn of(&mut self, field: &[u8]) -> Option<u32> {
        let field = field.trim_ascii();
        if let Some(&number) = self.numbers.get(field) {
            return Some(number);
        }
        let number = u32::try_from(self.names.len()).ok()?;
        self.names.push(word(field, &mut self.guessed));
        self.numbers.insert(field.to_vec(), number);
        Some(number)
    }
}

/// Reads a list of entries. Those of one pair of names are added.
pub(super) fn read<T: Scalar>(
    text: Blocks<'_>,
    preamble: &Preamble,
    dialect: Dialect,
    lines: &[Line],
    options: &ReadOptions,
    mut remarks: Vec<Remark>,
    path: &Path,
) -> Result<AnyTable<T>, IoError> {
    let Dialect { delimiter, decimal } = dialect;
    let none = Line { line: preamble.lines + 1, fields: vec![], first_quoted: false };
    let first = lines.first().unwrap_or(&none);
    let width = first.fields.len();
    let kept = columns::kept(&first.fields, width, &options.drop, path)?;
    let [row, col, value] = kept[..] else {
        let found = kept.len();
        return Err(IoError::NotTriplets { path: path.to_owned(), line: first.line, found });
    };
    let header = match options.header {
        Detect::Yes => true,
        Detect::No => false,
        Detect::Auto => number::is_word(first.fields[value].as_bytes(), decimal),
    };
    let (mut rows, mut cols, mut entries) =
        (Numbered::default(), Numbered::default(), Coordinates::with_room(0));
    let (mut zeros, mut count) = (0, 0);
    let (start, line) = behind(&text.buffer, preamble.bytes, preamble.lines + 1, delimiter, header.into());
    let too_large =
        || IoError::TooLarge { path: path.to_owned(), rows: u32::MAX.into(), cols: u32::MAX.into() };
    Part { start, line, delimiter }.each(text, 1, path, |body, line, _| {
        let mut records = Records::new(body, line, delimiter);
        let mut record = Record::default();
        while records.next(&mut record) {
            if record.len() != width {
                let (path, line, found) = (path.to_owned(), record.line, record.len());
                return Err(IoError::Ragged { path, line, expected: width, found });
            }
            let (i, j) = (rows.of(record.field(row)), cols.of(record.field(col)));
            let (i, j) = i.zip(j).ok_or_else(too_large)?;
            let field = record.field(value);
            let place = || {
                Box::new(Place {
                    line: Some(record.line),
                    field: Some(value + 1),
                    row_name: Some(rows.names[i as usize].clone()),
                    col_name: Some(cols.names[j as usize].clone()),
                    ..Place::of(path, i as usize, j as usize)
                })
            };
            let Some(x) = number::number(field, decimal) else {
                let text = excerpt(field);
                return Err(match is_missing(field) {
                    true => IoError::Missing { place: place(), text },
                    false => IoError::NotANumber { place: place(), text, first_row: false },
                });
            };
            let t = T::from_f64(x);
            if !t.is_finite() && (x.is_finite() || number::has_digits(field)) {
                return Err(IoError::OutOfRange {
                    place: place(),
                    value: excerpt(field),
                    precision: T::PRECISION,
                });
            }
            if number::is_another_integer(field, x) {
                return Err(IoError::PrecisionLoss { place: place(), value: excerpt(field) });
            }
            zeros += usize::from(x == 0.0);
            count += 1;
            entries.push(i, j, t).ok_or_else(too_large)?;
        }
        Ok(records.line)
    })?;
    let mut table = entries.table(rows.names.len(), cols.names.len(), "list of entries", path)?;
    let repeated = (count - zeros).saturating_sub(table.nnz());
    if repeated > 0 {
        remarks.push(Remark::RepeatedEntries { count: repeated });
    }
    if rows.guessed || cols.guessed {
        remarks.push(Remark::Encoding);
    }
    table.remarks = remarks;
    Ok(AnyTable::Sparse(table.named(Some(rows.names), Some(cols.names))))
}
