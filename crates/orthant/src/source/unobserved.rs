//! The entries of dense data that are not observed, as a pattern made once.

use std::ops::Range;

use orthant_kernel::gaps::Gaps;
use orthant_kernel::{Real, View, allocate};

use crate::lanes::{Lanes, lanes};
use crate::reduce::{Reducer, split};
use crate::{Error, Missing};

/// The columns that rows have no observed entry in.
#[derive(Debug)]
pub(crate) struct Unobserved {
    /// One for each row, and the end of the last.
    starts: Vec<usize>,
    columns: Vec<u32>,
    ncols: usize,
}

/// Rows or columns of what is observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    /// The fewest observed entries of a line, and the first line that has no more.
    pub fewest: usize,
    /// The most.
    pub most: usize,
    pub at: usize,
    /// Lines with fewer observed entries than there are components.
    pub below_rank: usize,
}

impl Unobserved {
    /// Those of `s`; nothing where all is observed. Reads it twice. `may` is asked whether so many bytes may be taken.
    pub fn of<T: Real>(
        s: View<'_, T>,
        missing: Missing,
        workers: usize,
        may: impl FnOnce(usize) -> Result<(), Error>,
    ) -> Result<Option<Self>, Error> {
        if missing == Missing::None {
            return Ok(None);
        }
        let (rows, cols) = (s.nrows(), s.ncols());
        let cut = Lanes::even(rows, lanes(rows));
        let mut starts = allocate::filled(rows + 1, 0_usize);
        let slots = split(&mut starts[1..], 1, &cut);
        over_rows(s, &cut, workers, |lane, i, row| {
            let mut counts = slots[lane].lock().expect("nothing panics");
            counts[i] = row.iter().filter(|x| missing.is_missing(**x)).count();
        });
        drop(slots);
        for i in 0..rows {
            starts[i + 1] += starts[i];
        }
        let count = starts[rows];
        if count == 0 {
            return Ok(None);
        }
        may(count * size_of::<u32>() + starts.len() * size_of::<usize>())?;
        let mut columns = allocate::filled(count, 0_u32);
        let ends = (0..cut.count()).map(|lane| starts[cut.range(lane).end]).collect::<Vec<_>>();
        let slots = parts(&mut columns, &ends);
        over_rows(s, &cut, workers, |lane, i, row| {
            let first = cut.range(lane).start;
            let mut columns = slots[lane].lock().expect("nothing panics");
            let range = starts[first + i] - starts[first]..starts[first + i + 1] - starts[first];
            let found = row.iter().enumerate().filter(|(_, x)| missing.is_missing(**x));
            columns[range].iter_mut().zip(found).for_each(|(to, (j, _))| *to = j as u32);
        });
        drop(slots);
        Ok(Some(Self { starts, columns, ncols: cols }))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.columns.len()
    }

    /// Number of rows.
    pub fn nrows(&self) -> usize {
        self.starts.len() - 1
    }

    /// Bytes of so many in rows of a matrix.
    pub fn bytes(count: usize, rows: usize) -> usize {
        count * size_of::<u32>() + (rows + 1) * size_of::<usize>()
    }

    /// Those of a row.
    pub fn row(&self, i: usize) -> &[u32] {
        &self.columns[self.starts[i]..self.starts[i + 1]]
    }

    /// Those of some rows, as kernels read them.
    pub fn rows(&self, rows: Range<usize>) -> Gaps<'_> {
        let starts = &self.starts[rows.start..=rows.end];
        Gaps::new(starts, &self.columns[starts[0]..starts[rows.len()]], self.ncols)
    }

    /// The same by columns.
    pub fn transposed(&self) -> Self {
        let mut starts = allocate::filled(self.ncols + 1, 0_usize);
        self.columns.iter().for_each(|&j| starts[j as usize + 1] += 1);
        for j in 0..self.ncols {
            starts[j + 1] += starts[j];
        }
        let (mut next, mut columns) = (starts.clone(), allocate::filled(self.columns.len(), 0_u32));
        for i in 0..self.nrows() {
            for &j in self.row(i) {
                columns[next[j as usize]] = i as u32;
                next[j as usize] += 1;
            }
        }
        Self { starts, columns, ncols: self.nrows() }
    }

    /// What is observed of rows, and of columns.
    pub fn observed(&self, rank: usize) -> [Counts; 2] {
        let mut of_columns = vec![self.nrows(); self.ncols];
        self.columns.iter().for_each(|&j| of_columns[j as usize] -= 1);
        let of_rows = (0..self.nrows()).map(|i| self.ncols - self.row(i).len());
        [Counts::of(of_rows, rank), Counts::of(of_columns.into_iter(), rank)]
    }
}

impl Counts {
    pub fn of(lines: impl Iterator<Item = usize>, rank: usize) -> Self {
        let mut counts = Self { fewest: usize::MAX, most: 0, at: 0, below_rank: 0 };
        for (at, observed) in lines.enumerate() {
            if observed < counts.fewest {
                (counts.fewest, counts.at) = (observed, at);
            }
            counts.most = counts.most.max(observed);
            counts.below_rank += usize::from(observed < rank);
        }
        counts
    }
}

/// A slice cut where each of some parts ends.
fn parts<'a>(mut all: &'a mut [u32], ends: &[usize]) -> Vec<std::sync::Mutex<&'a mut [u32]>> {
    let mut from = 0;
    ends.iter()
        .map(|&end| {
            let (part, rest) = std::mem::take(&mut all).split_at_mut(end - from);
            (all, from) = (rest, end);
            std::sync::Mutex::new(part)
        })
        .collect()
}

/// `one(lane, row of the lane, its elements)` for each row.
fn over_rows<T: Real>(s: View<'_, T>, cut: &Lanes, workers: usize, one: impl Fn(usize, usize, &[T]) + Sync) {
    Reducer::new(cut.count(), workers, || ()).run(
        |lane, _, ()| {
            let mut copy = Vec::new();
            for (at, i) in cut.range(lane).enumerate() {
                match s.row(i) {
                    Some(row) => one(lane, at, row),
                    None => {
                        allocate::resize(&mut copy, s.ncols(), T::ZERO);
                        s.rows(i..i + 1).copy_to(&mut copy);
                        one(lane, at, &copy);
                    }
                }
            }
        },
        |(), ()| {},
    );
}

/// What stands in for unobserved entries while a fit starts: for row i and column j the mean of the row times that of the
/// column, over the mean of all, each of what is observed.
#[derive(Debug)]
pub(crate) struct Estimate<T> {
    /// By rows, over the root of the mean of all, and by columns likewise.
    of_rows: Vec<T>,
    of_columns: Vec<T>,
    /// The mean.
    pub mean: f64,
    /// Σ of its squares over what is unobserved.
    pub squares: f64,
}

impl<T: Real> Estimate<T> {
    /// Of `s` times `scale`, which is observed but for that.
    pub fn of(s: View<'_, T>, scale: T, unobserved: &Unobserved) -> Self {
        let (rows, cols) = (s.nrows(), s.ncols());
        let (mut by_rows, mut by_columns) = (vec![0.0; rows], vec![0.0; cols]);
        let mut row = allocate::filled(cols, T::ZERO);
        let mut counts = vec![rows; cols];
        unobserved.columns.iter().for_each(|&j| counts[j as usize] -= 1);
        for i in 0..rows {
            s.rows(i..i + 1).copy_to(&mut row);
            unobserved.row(i).iter().for_each(|&j| row[j as usize] = T::ZERO);
            for (sum, x) in by_columns.iter_mut().zip(&row) {
                let x = (*x * scale).to_f64();
                *sum += x;
                by_rows[i] += x;
            }
        }
        let total: f64 = by_rows.iter().sum();
        let mean = total / (rows as f64 * cols as f64 - unobserved.count() as f64);
        let root = if mean > 0.0 { mean.sqrt() } else { 1.0 };
        let part = |sum: f64, count: usize| T::from_f64(sum / count.max(1) as f64 / root);
        let of_rows = by_rows.iter().enumerate();
        let of_rows: Vec<T> = of_rows.map(|(i, &sum)| part(sum, cols - unobserved.row(i).len())).collect();
        let of_columns: Vec<T> =
            by_columns.iter().zip(counts).map(|(&sum, count)| part(sum, count)).collect();
        let square = |i: usize, j: u32| (of_rows[i] * of_columns[j as usize]).to_f64().powi(2);
        let squares = (0..rows).flat_map(|i| unobserved.row(i).iter().map(move |&j| (i, j)));
        let squares = squares.map(|(i, j)| square(i, j)).sum();
        Self { of_rows, of_columns, mean, squares }
    }

    /// Of some rows, and of all columns: factors of one component.
    pub fn factors(&self, rows: Range<usize>) -> (&[T], &[T]) {
        (&self.of_rows[rows], &self.of_columns)
    }

    /// The same by columns.
    #[must_use]
    pub fn transposed(&self) -> Self {
        let (of_rows, of_columns) = (self.of_columns.clone(), self.of_rows.clone());
        Self { of_rows, of_columns, ..*self }
    }
}
