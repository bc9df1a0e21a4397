//! Data that is not in memory: what reads it, and a part of it as a matrix.

use std::fmt::Debug;
use std::ops::Range;

use orthant_kernel::{Real, SparseError};

use crate::lines::{Entries, SparseLines};
use crate::{Error, Matrix, ToMatrix};

/// A dense matrix that is read some lines at a time, whenever they are needed: from a file, from another machine, or made
/// anew. A fit reads all of it once in each iteration, or twice.
///
/// A *line* is a row, or a column where the matrix lies [by columns](Self::by_columns). Several threads read at the same time, and
/// the same line has to have the same elements each time.
///
/// `orthant-io` has one for files of numpy.
///
/// ```
/// use std::ops::Range;
/// use orthant::{Dense, Error, Nmf, OutOfCore, ReadLines};
///
/// /// Element (i, j) is i mod 3 + j mod 2, and nothing is stored.
/// #[derive(Debug)]
/// struct Made;
///
/// impl ReadLines<f64> for Made {
///     fn nrows(&self) -> usize { 600 }
///     fn ncols(&self) -> usize { 8 }
///     fn read(&self, lines: Range<usize>, out: &mut [f64]) -> Result<(), Error> {
///         for (i, row) in lines.zip(out.chunks_exact_mut(8)) {
///             row.iter_mut().enumerate().for_each(|(j, x)| *x = (i % 3 + j % 2) as f64);
///         }
///         Ok(())
///     }
/// }
///
/// let nmf = Nmf::new(2);
/// let fit = nmf.fit(&OutOfCore::new(&Made))?;
/// let in_memory = Dense::from_fn(600, 8, |i, j| (i % 3 + j % 2) as f64);
/// assert_eq!(nmf.fit(&in_memory)?.w, fit.w, "to the bit");
/// # Ok::<(), Error>(())
/// ```
pub trait ReadLines<T>: Debug + Sync {
    /// Number of rows, m.
    fn nrows(&self) -> usize;

    /// Number of columns, n.
    fn ncols(&self) -> usize;

    /// Whether the lines that are read are columns.
    fn by_columns(&self) -> bool {
        false
    }

    /// Writes the elements of those lines, one line after the other, to `out`, which is as long as they are. What a fit is predicted to
    /// take counts 64 KiB for this on each thread.
    ///
    /// # Errors
    /// [`Error::Unreadable`] with what keeps it from reading them, which ends the fit.
    fn read(&self, lines: Range<usize>, out: &mut [T]) -> Result<(), Error>;
}

/// A sparse matrix of which some lines are read at a time, as [`ReadLines`] does of a dense one: rows, or columns where the matrix lies
/// [by columns](Self::by_columns).
///
/// The entries of a line come in ascending order of their indices, each at most once, and none is 0: the lines of a matrix in memory are
/// tidied, and those that are read cannot be. `orthant-io` has one for files of scipy.
///
/// ```
/// use std::ops::Range;
/// use orthant::{Csr, Error, Nmf, OutOfCore, ReadSparseLines};
///
/// /// A matrix by rows in memory stands for a file.
/// #[derive(Debug)]
/// struct File(Vec<usize>, Vec<u32>, Vec<f64>);
///
/// impl ReadSparseLines<f64> for File {
///     fn nrows(&self) -> usize { 300 }
///     fn ncols(&self) -> usize { 8 }
///     fn starts(&self) -> &[usize] { &self.0 }
///     fn read(&self, lines: Range<usize>, indices: &mut [u32], values: &mut [f64]) -> Result<(), Error> {
///         let entries = self.0[lines.start]..self.0[lines.end];
///         indices.copy_from_slice(&self.1[entries.clone()]);
///         values.copy_from_slice(&self.2[entries]);
///         Ok(())
///     }
/// }
///
/// let columns = (0..300).flat_map(|i| [i % 3, 3 + i % 5]).collect();
/// let file = File((0..=300).map(|i| 2 * i).collect(), columns, vec![1.5; 600]);
/// let nmf = Nmf::new(2);
/// let fit = nmf.fit(&OutOfCore::sparse(&file)?)?;
/// let in_memory = Csr::<f64>::new(300, 8, &file.0[..], &file.1[..], &file.2[..])?;
/// assert_eq!(nmf.fit(&in_memory)?.w, fit.w, "to the bit");
/// # Ok::<(), Error>(())
/// ```
pub trait ReadSparseLines<T>: Debug + Sync {
    /// Number of rows, m.
    fn nrows(&self) -> usize;

    /// Number of columns, n ≤ 2³².
    fn ncols(&self) -> usize;

    /// Whether the lines that are read are columns.
    fn by_columns(&self) -> bool {
        false
    }

    /// Where each line begins among the entries, and where the last one ends: scipy's `indptr`. It stays in memory, and is always the
    /// same.
    fn starts(&self) -> &[usize];

    /// Writes the index of each entry of those lines, one line after the other, and its value. Both slices are as long as the
    /// lines have entries. What a fit is predicted to take counts 64 KiB for this on each thread.
    ///
    /// # Errors
    /// [`Error::Unreadable`] with what keeps it from reading them, which ends the fit.
    fn read(&self, lines: Range<usize>, indices: &mut [u32], values: &mut [T]) -> Result<(), Error>;
}

/// What reads a matrix.
#[derive(Debug)]
enum Reader<'a, T> {
    Dense(&'a dyn ReadLines<T>),
    Sparse(&'a dyn ReadSparseLines<T>),
}

// by hand, as they do not depend on T's
impl<T> Clone for Reader<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Reader<'_, T> {}

impl<T> Reader<'_, T> {
    fn nrows(&self) -> usize {
        match self {
            Self::Dense(reader) => reader.nrows(),
            Self::Sparse(reader) => reader.nrows(),
        }
    }

    fn ncols(&self) -> usize {
        match self {
            Self::Dense(reader) => reader.ncols(),
            Self::Sparse(reader) => reader.ncols(),
        }
    }

    fn by_columns(&self) -> bool {
        match self {
            Self::Dense(reader) => reader.by_columns(),
            Self::Sparse(reader) => reader.by_columns(),
        }
    }

    /// Lines, and the elements of one.
    fn sides(&self) -> (usize, usize) {
        if self.by_columns() { (self.ncols(), self.nrows()) } else { (self.nrows(), self.ncols()) }
    }
}

/// A matrix whose elements, or [entries](ReadSparseLines), are [read](ReadLines) when they are needed, or some consecutive lines of it.
///
/// Fits of any loss take it, with penalties, fixed entries and bounds, and so do mini-batches and `transform` where its lines are
/// rows. Memory then holds the factors and a block of lines for each thread. The result is that of the same data in memory, to the
/// bit, where the same plan is made for both: a transpose beside sparse data, which saves time where columns have few entries, takes
/// memory for all of it. What needs all of V by rows and by columns, or a copy of it, is refused: Newton's steps for both factors,
/// missing entries, weights, and entries that are held out.
#[derive(Clone, Debug)]
pub struct OutOfCore<'a, T> {
    reader: Reader<'a, T>,
    lines: Range<usize>,
}

impl<'a, T: Real> OutOfCore<'a, T> {
    /// All that `reader` reads.
    pub fn new(reader: &'a dyn ReadLines<T>) -> Self {
        let reader = Reader::Dense(reader);
        Self { reader, lines: 0..reader.sides().0 }
    }

    /// All that `reader` reads of a sparse matrix.
    ///
    /// # Errors
    /// [`Error::CorruptSparse`] where [`starts`](ReadSparseLines::starts) are not those of a sparse matrix, and [`Error::TooLarge`] for
    /// lines of more than 2³² elements.
    pub fn sparse(reader: &'a dyn ReadSparseLines<T>) -> Result<Self, Error> {
        let starts = reader.starts();
        let reader = Reader::Sparse(reader);
        let (lines, length) = reader.sides();
        if length as u128 > 1 << 32 {
            return Err(SparseError::TooLarge { lines, length }.into());
        }
        if starts.len().checked_sub(1) != Some(lines) {
            return Err(SparseError::IndptrLength { expected: lines + 1, found: starts.len() }.into());
        }
        if starts[0] != 0 {
            return Err(SparseError::IndptrStart.into());
        }
        if let Some(line) = (0..lines).find(|&i| starts[i] > starts[i + 1]) {
            return Err(SparseError::IndptrFalls { line }.into());
        }
        Ok(Self { reader, lines: 0..lines })
    }

    /// Number of rows.
    pub fn nrows(&self) -> usize {
        if self.by_columns() { self.reader.nrows() } else { self.lines.len() }
    }

    /// Number of columns.
    pub fn ncols(&self) -> usize {
        if self.by_columns() { self.lines.len() } else { self.reader.ncols() }
    }

    /// Whether its lines are columns.
    pub fn by_columns(&self) -> bool {
        self.reader.by_columns()
    }

    /// Some of its lines.
    pub(crate) fn part(&self, lines: Range<usize>) -> Self {
        let start = self.lines.start;
        Self { reader: self.reader, lines: start + lines.start..start + lines.end }
    }

    /// How many lines it has, and the elements of one.
    pub(crate) fn sides(&self) -> (usize, usize) {
        (self.lines.len(), self.reader.sides().1)
    }

    /// Reads those lines of a dense matrix.
    ///
    /// # Errors
    /// Those of the reader.
    pub(crate) fn read(&self, lines: Range<usize>, out: &mut [T]) -> Result<(), Error> {
        let lines = self.lines.start + lines.start..self.lines.start + lines.end;
        match self.reader {
            Reader::Dense(reader) => reader.read(lines, out),
            Reader::Sparse(_) => unreachable!("sparse data has entries to read"),
        }
    }

    /// The lines of a sparse matrix.
    pub(crate) fn entries(&self) -> Option<SparseLines<'a, T>> {
        match self.reader {
            Reader::Dense(_) => None,
            Reader::Sparse(reader) => Some(SparseLines::OutOfCore(Entries::new(reader, self.lines.clone()))),
        }
    }
}

impl<T: Real> ToMatrix<T> for OutOfCore<'_, T> {
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        Ok(Matrix::OutOfCore(self.clone()))
    }
}

/// That this needs V in memory.
pub(crate) fn needs_memory(what: &str) -> Error {
    Error::Unsupported {
        what: format!("{what} with data that is not in memory"),
        supported:
            "it needs V in memory; fits of every loss, with penalties, fixed entries and bounds, do not"
                .into(),
    }
}
