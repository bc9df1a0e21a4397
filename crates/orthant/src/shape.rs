//! What is known of V before it is read.

use orthant_kernel::Real;

use crate::Matrix;

/// What is known of V when choices are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub m: usize,
    pub n: usize,
    /// Entries, if V is sparse.
    pub entries: Option<usize>,
    pub by_columns: bool,
    pub bytes: usize,
    /// Whether blocks are copied to be read.
    pub copied: bool,
}

impl Shape {
    pub fn of<T: Real>(v: &Matrix<'_, T>) -> Self {
        let copied = matches!(v, Matrix::Dense(v) if v.col_stride() != 1) && !v.by_columns();
        Self {
            m: v.nrows(),
            n: v.ncols(),
            entries: v.nnz(),
            by_columns: v.by_columns(),
            bytes: v.bytes(),
            copied,
        }
    }

    /// Rows and columns of S.
    pub fn lines(&self) -> (usize, usize) {
        if self.by_columns { (self.n, self.m) } else { (self.m, self.n) }
    }
}
