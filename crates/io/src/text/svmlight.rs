//! svmlight's text, which libsvm and scikit-learn write too: a target, then `column:number` for each entry of a row.

use std::path::Path;

use super::blocks::Blocks;
use super::number::number;
use super::preamble::Preamble;
use super::{Decimal, Delimiter, Part, Record, Records, excerpt};
use crate::sparse::Coordinates;
use crate::{AnyTable, IoError, Place, ReadOptions, Remark, Scalar};

/// Whether all lines of a text are of this kind, and one at least has an entry.
pub(super) fn is_svmlight(text: &[u8]) -> bool {
    let mut records = Records::new(text, 1, Delimiter::Blanks);
    let mut record = Record::default();
    let mut entries = 0;
    let mut lines = 0;
    while lines < 20 && records.next(&mut record) {
        lines += 1;
        let target = record.field(0);
        if !target.split(|&b| b == b',').all(|target| number(target, Decimal::Point).is_some()) {
            return false;
        }
        if !record.fields().skip(1).all(|field| entry(field).is_some()) {
            return false;
        }
        entries += record.len() - 1;
    }
    entries > 0
}

/// Column and number; no column for the number of a query, which is no entry.
fn entry(field: &[u8]) -> Option<(Option<u32>, f64)> {
    let colon = field.iter().position(|&b| b == b':')?;
    let (col, x) = (&field[..colon], number(&field[colon + 1..], Decimal::Point)?);
    if col == b"qid" {
        return Some((None, x));
    }
    let digits = !col.is_empty() && col.iter().all(u8::is_ascii_digit);
    Some((Some(str::from_utf8(col).ok().filter(|_| digits)?.parse().ok()?), x))
}

/// Reads the entries. Columns count from 1 unless one of them is 0, as scikit-learn has it.
pub(super) fn read<T: Scalar>(
    text: Blocks<'_>,
    preamble: &Preamble,
    options: &ReadOptions,
    path: &Path,
) -> Result<AnyTable<T>, IoError> {
    if options.triplets || !options.drop.is_empty() || options.decimal.is_some() {
        let what = "ReadOptions::triplets, drop and decimal are for tables with columns, and this is an svmlight file";
        return Err(IoError::NotForThis { path: path.to_owned(), what });
    }
    let (mut entries, mut row, mut first, mut behind) = (Coordinates::with_room(0), 0_u32, u32::MAX, 0_u32);
    let part = Part { start: preamble.bytes, line: preamble.lines + 1, delimiter: Delimiter::Blanks };
    part.each(text, 1, path, |body, line, _| {
        let mut records = Records::new(body, line, Delimiter::Blanks);
        let mut record = Record::default();
        while records.next(&mut record) {
            for (at, field) in record.fields().enumerate().skip(1) {
                let place = || {
                    let place = Place::of(path, row as usize, at - 1);
                    Box::new(Place { line: Some(record.line), field: Some(at + 1), ..place })
                };
                let (col, x) = entry(field).ok_or_else(|| IoError::NotANumber {
                    place: place(),
                    text: excerpt(field),
                    first_row: false,
                })?;
                let Some(col) = col else { continue };
                let t = T::from_f64(x);
                if x.is_finite() && !t.is_finite() {
                    let (value, precision) = (excerpt(field), T::PRECISION);
                    return Err(IoError::OutOfRange { place: place(), value, precision });
                }
                (first, behind) = (first.min(col), behind.max(col.saturating_add(1)));
                let too_large =
                    || IoError::TooLarge { path: path.to_owned(), rows: row.into(), cols: behind.into() };
                entries.push(row, col, t).ok_or_else(too_large)?;
            }
            row += 1;
        }
        Ok(records.line)
    })?;
    let from = u32::from(first > 0 && behind > 0);
    entries.cols.iter_mut().for_each(|col| *col -= from);
    let mut table = entries.table(row as usize, (behind - from.min(behind)) as usize, "svmlight", path)?;
    table.remarks = vec![Remark::TargetsLeftOut { counted_from: from }];
    Ok(AnyTable::Sparse(table))
}
