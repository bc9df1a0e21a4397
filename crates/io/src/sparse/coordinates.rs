//! Entries as a list, each with its row and column.

use std::path::Path;

use super::Parts;
use crate::{Extent, IoError, Order, Scalar, SparseTable};

/// A list of entries in any order, whose parts need not be right.
#[derive(Debug, Default)]
pub(crate) struct Coordinates<T> {
    pub rows: Vec<u32>,
    pub cols: Vec<u32>,
    pub values: Vec<T>,
}

impl<T: Scalar> Coordinates<T> {
    /// An empty list, with room for some entries if it can be had.
    pub fn with_room(entries: usize) -> Self {
        let (mut rows, mut cols, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let room = rows.try_reserve_exact(entries).is_ok() && cols.try_reserve_exact(entries).is_ok();
        if room && values.try_reserve_exact(entries).is_ok() {
            return Self { rows, cols, values };
        }
        Self::default()
    }

    /// Appends an entry; nothing if there is no room for it.
    pub fn push(&mut self, row: u32, col: u32, value: T) -> Option<()> {
        if self.values.len() == self.values.capacity() {
            self.rows.try_reserve(1).ok()?;
            self.cols.try_reserve(1).ok()?;
            self.values.try_reserve(1).ok()?;
        }
        self.rows.push(row);
        self.cols.push(col);
        self.values.push(value);
        Some(())
    }

    /// The matrix: by columns if the entries follow one another by columns and not by rows, or else by rows. A list
    /// that is in order already is not copied; out of order, it is for a moment held twice. The list comes from a file of
    /// kind `format`.
    pub fn table(
        mut self,
        nrows: usize,
        ncols: usize,
        format: &'static str,
        path: &Path,
    ) -> Result<SparseTable<T>, IoError> {
        let corrupt = |reason| IoError::Corrupt { path: path.to_owned(), format, reason };
        let entries = Some(self.values.len() as u64);
        Extent { rows: nrows as u64, cols: ncols as u64, nnz: entries }.check(path)?;
        let counts = [self.rows.len(), self.cols.len(), self.values.len()];
        if counts[0] != counts[2] || counts[1] != counts[2] {
            let [rows, cols, values] = counts;
            return Err(corrupt(format!("{rows} rows and {cols} columns of {values} entries")));
        }
        for (what, indices, bound) in [("row", &self.rows, nrows), ("column", &self.cols, ncols)] {
            if let Some(e) = indices.iter().position(|&i| i as usize >= bound) {
                let (i, last) = (indices[e], bound as i128 - 1);
                return Err(corrupt(format!("entry {e} is in {what} {i}, outside 0 to {last}")));
            }
        }
        self.rows.shrink_to_fit();
        self.cols.shrink_to_fit();
        self.values.shrink_to_fit();
        let by_columns = self.cols.is_sorted() && !self.rows.is_sorted();
        let (order, count, lines, indices) = if by_columns {
            (Order::ColMajor, ncols, self.cols, self.rows)
        } else {
            (Order::RowMajor, nrows, self.rows, self.cols)
        };
        let too_large =
            || IoError::TooLarge { path: path.to_owned(), rows: nrows as u64, cols: ncols as u64 };
        let mut indptr: Vec<usize> = Vec::new();
        let room = count.checked_add(1).and_then(|n| indptr.try_reserve_exact(n).ok().map(|()| n));
        indptr.resize(room.ok_or_else(too_large)?, 0);
        for &line in &lines {
            indptr[line as usize + 1] += 1;
        }
        for i in 0..count {
            indptr[i + 1] += indptr[i];
        }
        let (indices, values) = if lines.is_sorted() {
            (indices, self.values)
        } else {
            gathered(&indptr, &lines, &indices, &self.values).ok_or_else(too_large)?
        };
        Parts { order, nrows, ncols, indptr, indices, values }.table(format, path)
    }
}

/// Indices and values line by line, in each line in the order in which they were listed; nothing if there is no room.
fn gathered<T: Scalar>(indptr: &[usize], lines: &[u32], from: &[u32], x: &[T]) -> Option<(Vec<u32>, Vec<T>)> {
    let (mut next, mut indices, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let starts = &indptr[..indptr.len() - 1];
    next.try_reserve_exact(starts.len()).ok()?;
    indices.try_reserve_exact(from.len()).ok()?;
    values.try_reserve_exact(from.len()).ok()?;
    next.extend_from_slice(starts);
    indices.resize(from.len(), 0);
    values.resize(from.len(), T::ZERO);
    for (e, &line) in lines.iter().enumerate() {
        let at = &mut next[line as usize];
        indices[*at] = from[e];
        values[*at] = x[e];
        *at += 1;
    }
    Some((indices, values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(entries: &[(u32, u32, f64)]) -> SparseTable<f64> {
        let mut list = Coordinates::with_room(0);
        entries.iter().for_each(|&(i, j, x)| list.push(i, j, x).unwrap());
        list.table(3, 2, "list", "list".as_ref()).unwrap()
    }

    #[test]
    fn the_order_is_that_of_the_list() {
        let by_rows = table(&[(0, 1, 1.0), (2, 0, 2.0), (2, 1, 3.0)]);
        let by_columns = table(&[(2, 0, 2.0), (0, 1, 1.0), (2, 1, 3.0)]);
        let neither = table(&[(2, 1, 3.0), (0, 1, 1.0), (2, 0, 2.0)]);
        let duplicates = table(&[(2, 1, 4.0), (0, 1, 1.0), (2, 0, 2.0), (2, 1, -1.0), (1, 1, 0.0)]);
        assert_eq!(by_rows.order(), Order::RowMajor);
        assert_eq!(by_columns.order(), Order::ColMajor);
        assert_eq!(by_rows, neither.clone());
        assert_eq!(duplicates, neither);
        assert_eq!(by_columns.lines().to_transposed(), *by_rows.lines());
        assert_eq!(table(&[(1, 1, 1.0)]).order(), Order::RowMajor);
        assert_eq!(table(&[]).nnz(), 0);
    }
}
