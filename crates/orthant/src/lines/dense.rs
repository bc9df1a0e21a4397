//! The lines of dense data: a view's, or what is read.

use std::ops::Range;

use orthant_kernel::{Dense, Real, View, allocate};

use crate::{Error, OutOfCore};

/// Elements that are read together where each line is looked at by itself.
const TOGETHER: usize = 1 << 16;

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
            Self::OutOfCore(v) => v.sides().0,
        }
    }

    /// Elements of a line.
    pub fn ncols(&self) -> usize {
        match self {
            Self::Here(view) => view.ncols(),
            Self::OutOfCore(v) => v.sides().1,
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

/// How many lines of that many elements are worth reading together, where they are not in memory.
pub(crate) fn together(elements: usize) -> usize {
    (TOGETHER / elements.max(1)).max(1)
}
