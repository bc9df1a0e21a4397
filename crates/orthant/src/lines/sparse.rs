//! The lines of sparse data: those of a matrix in memory, or what is read.

use std::ops::Range;

use orthant_kernel::{Csr, Dense, Real, SparseError, SparseRows, Unfolded};

use crate::{Error, ReadSparseLines};

/// Entries that are read together where each line is looked at by itself.
const NEAR: usize = 1 << 13;

/// The lines of sparse data, in memory or not.
#[derive(Clone, Debug)]
pub(crate) enum SparseLines<'a, T: Real> {
    /// The rows of this, which is V or Vᵀ.
    Here(Csr<'a, T>),
    OutOfCore(Entries<'a, T>),
}

/// Consecutive lines whose entries are read.
#[derive(Clone, Debug)]
pub(crate) struct Entries<'a, T> {
    reader: &'a dyn ReadSparseLines<T>,
    /// The first of them.
    first: usize,
    /// Where each begins, and where the last one ends.
    starts: &'a [usize],
    length: usize,
}

impl<'a, T: Real> Entries<'a, T> {
    /// Those lines.
    pub fn new(reader: &'a dyn ReadSparseLines<T>, lines: Range<usize>) -> Self {
        let length = if reader.by_columns() { reader.nrows() } else { reader.ncols() };
        Self { reader, first: lines.start, starts: &reader.starts()[lines.start..=lines.end], length }
    }

    /// The lines of `range` times `scale`, read to `room`.
    fn read<'b>(
        &'b self,
        range: Range<usize>,
        scale: T,
        room: &'b mut Unfolded<T>,
    ) -> Result<SparseRows<'b, T>, Error> {
        let starts = &self.starts[range.start..=range.end];
        let lines = self.first + range.start..self.first + range.end;
        let first = lines.start;
        let read = |indices: &mut [u32], values: &mut [T]| {
            self.reader.read(lines, indices, values).map_err(Unread::Reader)
        };
        room.fill(starts, self.length, first, scale, read).map_err(Error::from)
    }

    /// The indices and values of line `i`, which is read with those after it unless it is near.
    fn near<'b>(&self, i: usize, near: &'b mut Near<T>) -> Result<(&'b [u32], &'b [T]), Error> {
        let Near { lines, end: last, room } = near;
        if !lines.contains(&i) {
            // nothing is near while reading fails
            *lines = 0..0;
            let most = self.starts[i] + NEAR;
            let end = self.starts.partition_point(|&start| start <= most) - 1;
            let read = i..end.min(*last).max(i + 1);
            self.read(read.clone(), T::ONE, room)?;
            *lines = read;
        }
        let first = self.starts[lines.start];
        Ok(room.entries(self.starts[i] - first..self.starts[i + 1] - first))
    }
}

/// Why entries could not be read, or are not in order.
enum Unread {
    Reader(Error),
    Entries(SparseError),
}

impl From<SparseError> for Unread {
    fn from(error: SparseError) -> Self {
        Self::Entries(error)
    }
}

impl From<Unread> for Error {
    fn from(error: Unread) -> Self {
        match error {
            Unread::Reader(error) => error,
            Unread::Entries(untidy @ (SparseError::Order { .. } | SparseError::Zero { .. })) => {
                Self::Unsupported {
                    what: format!("sparse data that is not in memory of which {untidy}"),
                    supported: "in memory it is tidied; what is read has its entries in ascending order, each once, and \
                                no zeros"
                        .into(),
                }
            }
            Unread::Entries(error) => error.into(),
        }
    }
}

impl<'a, T: Real> SparseLines<'a, T> {
    /// Number of lines.
    pub fn nrows(&self) -> usize {
        match self {
            Self::Here(v) => v.nrows(),
            Self::OutOfCore(v) => v.starts.len() - 1,
        }
    }

    /// Elements of a line.
    pub fn ncols(&self) -> usize {
        match self {
            Self::Here(v) => v.ncols(),
            Self::OutOfCore(v) => v.length,
        }
    }

    /// Number of entries.
    pub fn nnz(&self) -> usize {
        self.entries_before(self.nrows())
    }

    /// Entries in the lines before line `i`, which may be one beyond the last.
    pub fn entries_before(&self, i: usize) -> usize {
        match self {
            Self::Here(v) => v.entries_before(i),
            Self::OutOfCore(v) => v.starts[i] - v.starts[0],
        }
    }

    /// Entries in the lines of `range`.
    pub fn range_nnz(&self, range: Range<usize>) -> usize {
        self.entries_before(range.end) - self.entries_before(range.start)
    }

    /// The most entries that a line has.
    pub fn longest(&self) -> usize {
        (0..self.nrows()).map(|i| self.range_nnz(i..i + 1)).max().unwrap_or(0)
    }

    /// Bytes of the parts of the matrix; as it would be in memory, where it is not.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Here(v) => v.bytes(),
            Self::OutOfCore(v) => self.nnz() * (size_of::<u32>() + size_of::<T>()) + size_of_val(v.starts),
        }
    }

    /// Bytes of an entry that is [read](Self::read) to its room, times a scale or not.
    pub fn unfolded_bytes(&self, scaled: bool) -> usize {
        match self {
            Self::Here(v) => v.unfolded_bytes(scaled),
            Self::OutOfCore(_) => size_of::<u32>() + size_of::<T>(),
        }
    }

    /// Room for reading at most so many entries, times a scale that is 1 or not.
    pub fn room(&self, entries: usize, scaled: bool) -> Unfolded<T> {
        match self {
            Self::Here(v) => v.scratch(entries, scaled),
            Self::OutOfCore(_) => Unfolded::with_room(entries),
        }
    }

    /// The lines of `range` as the kernels read them, times `scale`: where they lie, or in `room`.
    ///
    /// # Errors
    /// Whatever keeps them from being read.
    pub fn read<'b>(
        &'b self,
        range: Range<usize>,
        scale: T,
        room: &'b mut Unfolded<T>,
    ) -> Result<SparseRows<'b, T>, Error> {
        match self {
            Self::Here(v) => Ok(v.block(range, scale, room)),
            Self::OutOfCore(v) => v.read(range, scale, room),
        }
    }

    /// The lines of `range` in parts of few entries, or of one line.
    pub fn near(&self, range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        self.parts(range, NEAR)
    }

    /// The same in parts of at most so many entries, or of one line.
    pub fn parts(&self, range: Range<usize>, entries: usize) -> impl Iterator<Item = Range<usize>> {
        let mut start = range.start;
        std::iter::from_fn(move || {
            let first = start;
            (first < range.end).then(|| {
                let most = self.entries_before(first) + entries;
                start = first + 1;
                while start < range.end && self.entries_before(start + 1) <= most {
                    start += 1;
                }
                first..start
            })
        })
    }

    /// Calls `entry(index, value)` for each entry of line `i`, in ascending order. The lines after one that is read come with it, and
    /// stay `near`.
    ///
    /// # Errors
    /// Whatever keeps the lines from being read.
    pub fn each(&self, i: usize, near: &mut Near<T>, mut entry: impl FnMut(usize, T)) -> Result<(), Error> {
        match self {
            Self::Here(v) => v.row(i).for_each(|(j, x)| entry(j, x)),
            Self::OutOfCore(v) => {
                let (indices, values) = v.near(i, near)?;
                indices.iter().zip(values).for_each(|(&j, &x)| entry(j as usize, x));
            }
        }
        Ok(())
    }

    /// All elements as rows of a matrix of their own.
    ///
    /// # Errors
    /// Whatever keeps them from being read.
    pub fn to_dense(&self) -> Result<Dense<T>, Error> {
        let (mut out, mut near) = (Dense::zeros(self.nrows(), self.ncols()), Near::default());
        for i in 0..self.nrows() {
            self.each(i, &mut near, |j, x| out[(i, j)] = x)?;
        }
        Ok(out)
    }
}

/// Lines that have been read, of which each is looked at by itself.
#[derive(Debug)]
pub(crate) struct Near<T> {
    lines: Range<usize>,
    /// No line from here on is read.
    end: usize,
    room: Unfolded<T>,
}

impl<T> Near<T> {
    /// Only lines before this one are asked for from now on.
    pub fn end(&mut self, line: usize) {
        self.end = line;
    }
}

impl<T: Real> Default for Near<T> {
    fn default() -> Self {
        Self { lines: 0..0, end: usize::MAX, room: Unfolded::default() }
    }
}

/// Bytes of that, of so many entries, of which the longest line has so many.
pub(crate) fn near_bytes<T>(entries: usize, longest: usize) -> usize {
    NEAR.min(entries).max(longest) * (size_of::<u32>() + size_of::<T>())
}
