//! Entries one a line: row, column, number.

use std::io::Read;
use std::path::Path;

use super::corrupt;
use super::header::{Field, Header, Symmetry};
use super::lines::{Fields, Lines};
use super::number::{entry, whole};
use crate::convert::Gather;
use crate::sparse::Coordinates;
use crate::text::excerpt;
use crate::{IoError, Order, Place, Scalar, SparseTable};

/// Bytes of the shortest line of an entry.
const SHORTEST: u64 = 4;

/// Reads the entries. Before the file has shown them, no more room is taken for them than its length speaks for.
pub(super) fn read<T: Scalar>(
    mut lines: Lines<impl Read>,
    header: &Header,
    entries: u64,
    len: Option<u64>,
    path: &Path,
) -> Result<SparseTable<T>, IoError> {
    let too_large = || header.too_large(path);
    let (Ok(rows), Ok(cols)) = (usize::try_from(header.rows), usize::try_from(header.cols)) else {
        return Err(too_large());
    };
    let copies = if header.symmetry == Symmetry::General { 1 } else { 2 };
    let room = len.map_or(0, |len| entries.min(len / SHORTEST).saturating_mul(copies));
    let mut list = Coordinates::<T>::with_room(usize::try_from(room).unwrap_or(0));
    let (mut found, mut above) = (0, None);
    while let Some((line, text)) = lines.next_filled(path)? {
        if found == entries {
            return Err(corrupt(path, line, format_args!("an entry more than the {entries} announced")));
        }
        found += 1;
        let (row, col, x) = parse(text, line, header, path)?;
        list.push(row, col, x).ok_or_else(too_large)?;
        if header.symmetry == Symmetry::General {
            continue;
        }
        if row != col {
            // an entry and its mirror image, both written, would count twice
            if *above.get_or_insert(row < col) != (row < col) {
                return Err(corrupt(path, line, "an entry of the other triangle than those before"));
            }
            let mirrored = if header.symmetry == Symmetry::Skew { -x } else { x };
            list.push(col, row, mirrored).ok_or_else(too_large)?;
        } else if header.symmetry == Symmetry::Skew && x != T::ZERO {
            return Err(corrupt(path, line, "the diagonal of a skew-symmetric matrix is 0"));
        }
    }
    if found < entries {
        let path = path.to_owned();
        return Err(IoError::MissingEntries { path, line: header.line, expected: entries, found });
    }
    list.table(rows, cols, "Matrix Market", path)
}

/// Gathers the entries by lines, for the file at `to`: by columns if they follow one another by columns and not by rows, or else by rows.
/// Those that come before it is known which are kept in memory.
pub(super) fn gather<T: Scalar>(
    mut lines: Lines<impl Read>,
    header: &Header,
    entries: u64,
    path: &Path,
    to: &Path,
) -> Result<Gather<T>, IoError> {
    const FORMAT: &str = "Matrix Market";
    let too_large = || header.too_large(path);
    let (Ok(rows), Ok(cols)) = (usize::try_from(header.rows), usize::try_from(header.cols)) else {
        return Err(too_large());
    };
    let mut found = 0;
    let mut first: Vec<(u32, u32, T)> = Vec::new();
    let (mut by_rows, mut by_columns) = (true, true);
    let mut last = None;
    let mut pending = (Vec::new(), Vec::new());
    let mut gather: Option<Gather<T>> = None;
    let put = |gather: &mut Gather<T>, pending: &mut _, (row, col, x): (u32, u32, T)| {
        let (line, index) = match gather.order() {
            Order::RowMajor => (row, col),
            Order::ColMajor => (col, row),
        };
        gather.entry(pending, (line as usize, index, x), (FORMAT, path))
    };
    while let Some((line, text)) = lines.next_filled(path)? {
        if found == entries {
            return Err(corrupt(path, line, format_args!("an entry more than the {entries} announced")));
        }
        found += 1;
        let entry @ (row, col, _) = parse(text, line, header, path)?;
        if let Some((above, before)) = last.replace((row, col)) {
            // within a line they may come in any order
            by_rows &= row >= above;
            by_columns &= col >= before;
            if !by_rows && !by_columns {
                return Err(IoError::Unsorted { path: path.to_owned(), line });
            }
        }
        if let Some(gather) = &mut gather {
            put(gather, &mut pending, entry)?;
        } else if by_rows && by_columns {
            first.try_reserve(1).map_err(|_| too_large())?;
            first.push(entry);
        } else {
            let order = if by_rows { Order::RowMajor } else { Order::ColMajor };
            let gather = gather.insert(Gather::new(order, (rows, cols), to)?);
            first.drain(..).try_for_each(|entry| put(gather, &mut pending, entry))?;
            put(gather, &mut pending, entry)?;
        }
    }
    if found < entries {
        let path = path.to_owned();
        return Err(IoError::MissingEntries { path, line: header.line, expected: entries, found });
    }
    let mut gather = match gather {
        Some(gather) => gather,
        None => {
            let mut gather = Gather::new(Order::RowMajor, (rows, cols), to)?;
            first.drain(..).try_for_each(|entry| put(&mut gather, &mut pending, entry))?;
            gather
        }
    };
    gather.end_line(&mut pending, (FORMAT, path))?;
    Ok(gather)
}

/// Row and column, from 0, and the number.
#[inline]
fn parse<T: Scalar>(text: &[u8], line: u64, header: &Header, path: &Path) -> Result<(u32, u32, T), IoError> {
    let mut fields = Fields(text);
    let mut index = |at: u32, what: &str, count: u64| {
        let field = fields.next().unwrap_or_default();
        match whole(field) {
            // sides are at most 2³², as the header's check has it
            Some(i) if i >= 1 && i <= count => Ok((i - 1) as u32),
            _ => {
                let (text, s) = (excerpt(field), if count == 1 { "" } else { "s" });
                let reason = format_args!("field {at}: '{text}' is none of the {count} {what}{s}, from 1");
                Err(corrupt(path, line, reason))
            }
        }
    };
    let row = index(1, "row", header.rows)?;
    let col = index(2, "column", header.cols)?;
    let x = if header.field == Field::Pattern {
        T::ONE
    } else {
        let field = fields.next().unwrap_or_default();
        entry(field, header.field == Field::Integer).map_err(|bad| {
            let place = Place::of(path, row as usize, col as usize);
            bad.at::<T>(field, Place { line: Some(line), field: Some(3), ..place })
        })?
    };
    match fields.next() {
        None => Ok((row, col, x)),
        Some(more) => {
            let more = excerpt(more);
            Err(corrupt(path, line, format_args!("'{more}' follows what should be the whole entry")))
        }
    }
}
