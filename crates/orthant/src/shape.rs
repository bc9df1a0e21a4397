//! What is known of V before it is read.

use orthant_kernel::{Csr, Real, Unfolded};

use crate::Matrix;
use crate::known::Limits;
use crate::lanes::{MAX_LANES, lanes};
use crate::lines::{SparseLines, near_bytes};
use crate::source::lanes_by_entries;

/// Lines of a sparse matrix whose entries [`Lines::most`] counts together.
pub(crate) const TOGETHER: usize = 512;

/// How the entries of a sparse matrix are spread over its lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    /// The most entries of a line.
    pub longest: usize,
    /// The most entries of [`TOGETHER`] consecutive lines.
    pub densest: usize,
}

impl Lines {
    /// From where each line begins, and where the last one ends.
    fn of(lines: usize, before: impl Fn(usize) -> usize) -> Self {
        let most = |count: usize| {
            let ends = (count.min(lines)..=lines).map(|end| before(end) - before(end - count.min(lines)));
            ends.max().unwrap_or(0)
        };
        Self { longest: most(1), densest: most(TOGETHER) }
    }

    /// The most entries that `count` consecutive lines have, at most.
    pub fn most(&self, count: usize) -> usize {
        let densest = self.densest.saturating_mul(count.div_ceil(TOGETHER));
        densest.min(self.longest.saturating_mul(count))
    }
}

/// What is known of V when choices are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub m: usize,
    pub n: usize,
    /// Entries, if V is sparse.
    pub entries: Option<usize>,
    pub by_columns: bool,
    pub bytes: usize,
    /// Whether blocks of dense rows of S are copied to be read, …
    pub copied: bool,
    /// … because they are not in memory.
    pub out_of_core: bool,
    /// Entries of dense data that are not observed.
    pub unobserved: usize,
    /// Whether the entries are what is observed, and each row is solved by itself.
    pub lists: bool,
    /// Bytes of what bounds the factors, …
    pub bounds: usize,
    /// … and the components of H that are known by it.
    pub known: usize,
    /// The lines of sparse data, and those across, which are counted where they [matter](Self::across).
    pub lines_of_s: Lines,
    pub lines_across: Lines,
    /// The numbers of lanes, as a power of two each, of which one is long; and whether one of the most lanes across is.
    long_lanes: u64,
    pub long_across: bool,
    /// Whether what is read is times a power of two.
    pub scaled: bool,
    /// Bytes of an entry that is unfolded to be read: of the index and of the value that do not lie as kernels read them.
    pub unfolded: usize,
}

impl Shape {
    pub fn of<T: Real>(v: &Matrix<'_, T>) -> Self {
        let by_columns = v.by_columns();
        let copied = match v {
            Matrix::Dense(v) if by_columns => v.row_stride() != 1,
            Matrix::Dense(v) => v.col_stride() != 1 && v.ncols() > 1,
            Matrix::OutOfCore(v) => v.entries().is_none(),
            _ => false,
        };
        let lines = v.sparse_lines();
        let lines = lines.as_ref();
        Self {
            m: v.nrows(),
            n: v.ncols(),
            entries: v.nnz(),
            by_columns,
            bytes: v.bytes(),
            copied,
            out_of_core: matches!(v, Matrix::OutOfCore(_)),
            unobserved: 0,
            lists: false,
            bounds: 0,
            known: 0,
            lines_of_s: lines.map_or_else(Lines::default, |v| Lines::of(v.nrows(), |i| v.entries_before(i))),
            lines_across: Lines::default(),
            long_lanes: lines.map_or(0, long_lanes),
            long_across: false,
            scaled: false,
            unfolded: lines.map_or(0, |v| v.unfolded_bytes(false)),
        }
    }

    /// Of a dense matrix with so many lines of so many elements each, which are contiguous.
    pub fn dense<T>(lines: usize, elements: usize, by_columns: bool) -> Self {
        let (m, n) = if by_columns { (elements, lines) } else { (lines, elements) };
        Self {
            m,
            n,
            entries: None,
            by_columns,
            bytes: m * n * size_of::<T>(),
            copied: false,
            out_of_core: false,
            unobserved: 0,
            lists: false,
            bounds: 0,
            known: 0,
            lines_of_s: Lines::default(),
            lines_across: Lines::default(),
            long_lanes: 0,
            long_across: false,
            scaled: false,
            unfolded: 0,
        }
    }

    /// Of a sparse matrix of which no more is known than its sides and entries, which are taken to be spread evenly.
    pub fn sparse<T>(m: usize, n: usize, entries: usize, by_columns: bool) -> Self {
        let shape =
            Self::dense::<T>(if by_columns { n } else { m }, if by_columns { m } else { n }, by_columns);
        let lines = |lines: usize| {
            let longest = entries.div_ceil(lines.max(1));
            Lines { longest, densest: entries.min(longest * TOGETHER) }
        };
        let (rows, cols) = shape.lines();
        let bytes = entries * (size_of::<u32>() + size_of::<T>()) + (rows + 1) * size_of::<usize>();
        Self { entries: Some(entries), bytes, lines_of_s: lines(rows), lines_across: lines(cols), ..shape }
    }

    /// Of what is read times a power of two, if it is `scaled`; rows that are then copied.
    #[must_use]
    pub fn read_scaled<T: Real>(self, v: &Matrix<'_, T>, scaled: bool) -> Self {
        let unfolded = v.sparse_lines().map_or(0, |v| v.unfolded_bytes(scaled));
        Self { copied: self.copied || scaled && self.entries.is_none(), scaled, unfolded, ..self }
    }

    /// Of dense data of which so many entries are not observed.
    #[must_use]
    pub fn but(self, unobserved: usize) -> Self {
        Self { copied: self.copied || unobserved > 0, unobserved, ..self }
    }

    /// With W and H within these bounds.
    #[must_use]
    pub fn bounded<T: Real>(self, limits: &[Option<Limits<T>>; 2]) -> Self {
        let bounds = limits.iter().flatten().map(Limits::bytes).sum();
        let known = limits[1].as_ref().map_or(0, |limits| limits.known().len());
        Self { bounds, known, ..self }
    }

    /// Of what is lists of what is observed, if so.
    #[must_use]
    pub fn as_lists(self, lists: bool) -> Self {
        Self { lists, ..self }
    }

    /// Of the copy by rows of what is sparse by columns, whose lines across have been counted; and of dense data as rows.
    #[must_use]
    pub fn with_rows(self) -> Self {
        match (self.by_columns, self.entries) {
            (false, _) => self,
            (true, None) => Self { by_columns: false, copied: true, ..self },
            (true, Some(_)) => Self {
                by_columns: false,
                lines_of_s: self.lines_across,
                lines_across: self.lines_of_s,
                unfolded: 0,
                ..self
            },
        }
    }

    /// The most that `rows` consecutive rows are, of what has rows.
    pub fn batch<T>(&self, rows: usize) -> Self {
        let rows = rows.min(self.m);
        match self.entries {
            None => Self { m: rows, bytes: rows * self.n * size_of::<T>(), ..*self },
            Some(_) => {
                let entries = self.lines_of_s.most(rows);
                let spread = Self::sparse::<T>(rows, self.n, entries, false);
                let lines_of_s = Lines { densest: entries, ..self.lines_of_s };
                Self { lines_of_s, scaled: self.scaled, unfolded: self.unfolded, ..spread }
            }
        }
    }

    /// With the lines across counted, in one pass over the indices.
    #[must_use]
    pub fn across<T: Real>(self, v: &Matrix<'_, T>) -> Self {
        let (lines_across, long_across) = match v.sparse_lines() {
            Some(SparseLines::Here(lines)) => across(&lines),
            // nothing reads across what is not in memory
            _ => Default::default(),
        };
        Self { lines_across, long_across, ..self }
    }

    /// Whether one of so many lanes, a power of two, has more rows of S than are summed one after the other.
    pub fn long_lanes(&self, lanes: usize) -> bool {
        self.long_lanes >> lanes.ilog2() & 1 == 1
    }

    /// Bytes that readers take on so many threads, where the data is not in memory.
    pub fn readers(&self, workers: usize) -> usize {
        const READER: usize = 1 << 16;
        if self.out_of_core { workers * READER } else { 0 }
    }

    /// Bytes of lines of sparse data that are [near](crate::lines::Near), of at most so many lines, on so many threads.
    pub fn near<T>(&self, lines: usize, workers: usize) -> usize {
        match (self.out_of_core, self.entries) {
            (true, Some(_)) => {
                workers * near_bytes::<T>(self.lines_of_s.most(lines), self.lines_of_s.longest)
            }
            _ => 0,
        }
    }

    /// The most entries of a lane, where lines are cut in so many lanes and each counts as so many entries beside its own.
    pub fn entries_of_lane(&self, lanes: usize, line: usize) -> usize {
        (self.entries.unwrap_or(0) + line * self.lines().0) / lanes + self.lines_of_s.longest
    }

    /// The same of the transpose.
    pub fn entries_of_lane_across(&self, lanes: usize, line: usize) -> usize {
        (self.entries.unwrap_or(0) + line * self.lines().1) / lanes + self.lines_across.longest
    }

    /// Rows and columns of S.
    pub fn lines(&self) -> (usize, usize) {
        if self.by_columns { (self.n, self.m) } else { (self.m, self.n) }
    }
}

/// The numbers of lanes, as powers of two, of which one is long: of those that sparse data is cut in.
fn long_lanes<T: Real>(v: &SparseLines<'_, T>) -> u64 {
    let rows = v.nrows();
    let few = (2..=MAX_LANES.ilog2()).map(|power| 1_usize << power);
    few.chain([lanes(rows)])
        .filter(|&count| rows > count && lanes_by_entries(rows, count, |i| v.entries_before(i)).long())
        .fold(0, |long, count| long | 1 << count.ilog2())
}

/// The columns of a matrix by rows, and whether one of the most lanes of them is long.
fn across<T: Real>(v: &Csr<'_, T>) -> (Lines, bool) {
    const COUNTED: usize = 256;
    let mut ends = vec![0_usize; v.ncols() + 1];
    let mut unfolded = Unfolded::default();
    for first in (0..v.nrows()).step_by(COUNTED) {
        let rows = first..v.nrows().min(first + COUNTED);
        v.block(rows, T::ONE, &mut unfolded).indices().iter().for_each(|&j| ends[j as usize + 1] += 1);
    }
    (1..ends.len()).for_each(|j| ends[j] += ends[j - 1]);
    let long = lanes_by_entries(v.ncols(), MAX_LANES, |j| ends[j]).long();
    (Lines::of(v.ncols(), |j| ends[j]), long)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_lines_are_counted_both_ways() {
        let rows = Csr::<f64>::new(
            3,
            4,
            &[0_usize, 1, 4, 6][..],
            &[1_u32, 0, 1, 3, 1, 2][..],
            &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0][..],
        )
        .unwrap();
        let v = Matrix::Csr(rows);
        let shape = Shape::of(&v).across(&v);
        assert_eq!(shape.lines_of_s, Lines { longest: 3, densest: 6 });
        assert_eq!(shape.lines_across, Lines { longest: 3, densest: 6 });
        assert_eq!(
            (shape.lines_of_s.most(1), shape.lines_of_s.most(2), shape.lines_of_s.most(900)),
            (3, 6, 12)
        );
    }
}
