//! All entries, column by column.

use std::io::Read;
use std::path::Path;

use super::corrupt;
use super::header::{Field, Header, Symmetry};
use super::lines::{Fields, Lines};
use super::number::entry;
use crate::{IoError, Order, Place, Scalar, Table};

/// Reads the entries, of one triangle where the matrix is symmetric. Room is taken as the file shows them.
pub(super) fn read<T: Scalar>(
    mut lines: Lines<impl Read>,
    header: &Header,
    len: Option<u64>,
    path: &Path,
) -> Result<Table<T>, IoError> {
    let too_large = || header.too_large(path);
    let sides = (usize::try_from(header.rows), usize::try_from(header.cols));
    let (Ok(rows), Ok(cols)) = sides else { return Err(too_large()) };
    let all = rows.checked_mul(cols).ok_or_else(too_large)?;
    all.checked_mul(size_of::<T>()).filter(|&b| b <= isize::MAX as usize).ok_or_else(too_large)?;
    let (expected, diagonal) = match header.symmetry {
        Symmetry::General => (all, 0),
        Symmetry::Symmetric => ((all + rows) / 2, 0),
        Symmetry::Skew => ((all - rows) / 2, 1),
    };
    // the first row of each column that is written
    let first = |col: usize| if header.symmetry == Symmetry::General { 0 } else { col + diagonal };

    let mut data: Vec<T> = Vec::new();
    // a digit and what divides it from the next
    let room = len.map_or(0, |len| usize::try_from(len / 2).unwrap_or(0).min(expected));
    data.try_reserve_exact(room).map_err(|_| too_large())?;
    let (mut row, mut col) = (first(0), 0);
    while let Some((line, text)) = lines.next_filled(path)? {
        for (at, field) in Fields(text).enumerate() {
            if data.len() == expected {
                return Err(corrupt(path, line, format_args!("more than {expected} numbers")));
            }
            let x = entry(field, header.field == Field::Integer).map_err(|bad| {
                let place = Place::of(path, row, col);
                bad.at::<T>(field, Place { line: Some(line), field: Some(at + 1), ..place })
            })?;
            data.try_reserve(1).map_err(|_| too_large())?;
            data.push(x);
            row += 1;
            if row == rows {
                col += 1;
                row = first(col);
            }
        }
    }
    if data.len() < expected {
        let (path, line) = (path.to_owned(), header.line);
        let (expected, found) = (expected as u64, data.len() as u64);
        return Err(IoError::MissingEntries { path, line, expected, found });
    }
    if header.symmetry != Symmetry::General {
        data = unfolded(&data, rows, header.symmetry, first).ok_or_else(too_large)?;
    }
    data.shrink_to_fit();
    Ok(Table::new(data, rows, cols, Order::ColMajor).expect("rows times columns numbers were read"))
}

/// Both triangles of a square matrix from one; nothing if there is no room.
fn unfolded<T: Scalar>(
    triangle: &[T],
    n: usize,
    symmetry: Symmetry,
    first: impl Fn(usize) -> usize,
) -> Option<Vec<T>> {
    let mut all = Vec::new();
    all.try_reserve_exact(n * n).ok()?;
    all.resize(n * n, T::ZERO);
    let mut rest = triangle.iter();
    for col in 0..n {
        for (row, &x) in (first(col)..n).zip(&mut rest) {
            all[row * n + col] = if symmetry == Symmetry::Skew { -x } else { x };
            all[col * n + row] = x;
        }
    }
    Some(all)
}
