//! Dense data that is not in memory: what reads it, and a part of it as a matrix.

use std::fmt::Debug;
use std::ops::Range;

use orthant_kernel::{Dense, Real, View, allocate};

use crate::{Error, Matrix, ToMatrix};

/// Bytes that a reader may take on each thread.
const READER: usize = 1 << 16;

/// Elements that are read together where each line is looked at by itself.
const TOGETHER: usize = 1 << 16;

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

/// A matrix whose elements are [read](ReadLines) when they are needed, or some consecutive lines of it.
///
/// Fits of any loss take it, with penalties, fixed entries and bounds, and so do mini-batches and `transform` where its lines are
/// rows. Memory then holds the factors and a block of lines for each thread. The result is that of the same data in memory, to the
/// bit. What needs all of V by rows and by columns, or a copy of it, is refused: Newton's steps for both factors, missing entries,
/// weights, and entries that are held out.
#[derive(Clone, Debug)]
pub struct OutOfCore<'a, T> {
    reader: &'a dyn ReadLines<T>,
    lines: Range<usize>,
}

impl<'a, T: Real> OutOfCore<'a, T> {
    /// All that `reader` reads.
    pub fn new(reader: &'a dyn ReadLines<T>) -> Self {
        let lines = if reader.by_columns() { reader.ncols() } else { reader.nrows() };
        Self { reader, lines: 0..lines }
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

    /// Hands over all of it, some lines at a time.
    ///
    /// # Errors
    /// Whatever keeps them from being read.
    #[cfg(feature = "safetensors")]
    pub(crate) fn each(&self, mut f: impl FnMut(&[T])) -> Result<(), Error> {
        let line = if self.by_columns() { self.nrows() } else { self.ncols() };
        let together = together(line);
        let mut room = Vec::new();
        for start in (0..self.lines.len()).step_by(together) {
            let lines = start..self.lines.len().min(start + together);
            allocate::resize(&mut room, lines.len() * line, T::ZERO);
            self.read(lines, &mut room)?;
            f(&room);
        }
        Ok(())
    }

    fn read(&self, lines: Range<usize>, out: &mut [T]) -> Result<(), Error> {
        self.reader.read(self.lines.start + lines.start..self.lines.start + lines.end, out)
    }
}

impl<T: Real> ToMatrix<T> for OutOfCore<'_, T> {
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        Ok(Matrix::OutOfCore(self.clone()))
    }
}

/// The lines of dense data, in memory or not.
#[derive(Clone, Debug)]
pub(crate) enum DenseLines<'a, T: Real> {
    /// The rows of this, which is V or Vᵀ.
    Here(View<'a, T>),
    OutOfCore(OutOfCore<'a, T>),
}

impl<'a, T: Real> From<View<'a, T>> for DenseLines<'a, T> {
    fn from(rows: View<'a, T>) -> Self {
        Self::Here(rows)
    }
}

impl<'a, T: Real> From<OutOfCore<'a, T>> for DenseLines<'a, T> {
    fn from(lines: OutOfCore<'a, T>) -> Self {
        Self::OutOfCore(lines)
    }
}

impl<'a, T: Real> DenseLines<'a, T> {
    /// Number of lines.
    pub fn nrows(&self) -> usize {
        match self {
            Self::Here(view) => view.nrows(),
            Self::OutOfCore(v) => v.lines.len(),
        }
    }

    /// Elements of a line.
    pub fn ncols(&self) -> usize {
        match self {
            Self::Here(view) => view.ncols(),
            Self::OutOfCore(v) if v.by_columns() => v.reader.nrows(),
            Self::OutOfCore(v) => v.reader.ncols(),
        }
    }

    /// Those lines where they lie, if their elements are adjacent there.
    pub fn in_place(&self, lines: Range<usize>) -> Option<View<'a, T>> {
        match self {
            Self::Here(view) if view.col_stride() == 1 || view.ncols() == 1 => Some(view.rows(lines)),
            _ => None,
        }
    }

    /// A copy of those lines, one after the other.
    ///
    /// # Errors
    /// Whatever keeps them from being read.
    pub fn copy_to(&self, lines: Range<usize>, out: &mut [T]) -> Result<(), Error> {
        match self {
            Self::Here(view) => view.rows(lines).copy_to(out),
            Self::OutOfCore(v) => v.read(lines, out)?,
        }
        Ok(())
    }

    /// Those lines: where they lie, or copied to `room`.
    ///
    /// # Errors
    /// Whatever keeps them from being read.
    pub fn read<'b>(&self, lines: Range<usize>, room: &'b mut Vec<T>) -> Result<View<'b, T>, Error>
    where
        'a: 'b,
    {
        if let Some(view) = self.in_place(lines.clone()) {
            return Ok(view);
        }
        let (rows, cols) = (lines.len(), self.ncols());
        allocate::resize(room, rows * cols, T::ZERO);
        self.copy_to(lines, room)?;
        Ok(View::row_major(room, rows, cols)?)
    }

    /// How many lines are worth reading together where each is looked at by itself.
    pub fn together(&self) -> usize {
        match self {
            Self::Here(_) => 1,
            Self::OutOfCore(_) => together(self.ncols()),
        }
    }

    /// All elements as rows of a matrix of their own.
    ///
    /// # Errors
    /// Whatever keeps them from being read.
    pub fn to_dense(&self) -> Result<Dense<T>, Error> {
        let mut out = Dense::zeros(self.nrows(), self.ncols());
        self.copy_to(0..self.nrows(), out.as_mut_slice())?;
        Ok(out)
    }
}

/// Bytes that readers of data which is not in memory take.
pub(crate) fn readers(out_of_core: bool, workers: usize) -> usize {
    if out_of_core { workers * READER } else { 0 }
}

/// How many lines of that many elements are worth reading together, where they are not in memory.
pub(crate) fn together(elements: usize) -> usize {
    (TOGETHER / elements.max(1)).max(1)
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
