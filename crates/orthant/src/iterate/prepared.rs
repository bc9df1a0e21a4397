//! A factor in the form that blocks of a source read it in.

use orthant_kernel::{Buffer, Real, divergence};

use super::factor::Factor;
use crate::source::{Extent, Packed, read_stride};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    AsItIs,
    /// With this many elements from one row to the next.
    Strided(usize),
    /// The kernel's tiles.
    Tiles,
}

/// The rows of a factor that the other one is updated against, or a copy of them that blocks read better.
#[derive(Debug)]
pub(super) struct Prepared<T> {
    form: Form,
    copy: Buffer<T>,
    k: usize,
    /// Whether the copy is of the factor as it stands.
    current: bool,
}

impl<T: Real> Prepared<T> {
    fn new(form: Form, len: usize, k: usize) -> Self {
        Self { form, copy: Buffer::zeros(len), k, current: false }
    }

    /// For products with the entries of a source, with as many columns as the factor has rows.
    pub fn strided(source: &Extent, k: usize) -> Self {
        match source.row_stride::<T>(k) {
            stride if stride == k => Self::as_it_is(k),
            stride => Self::new(Form::Strided(stride), source.cols * stride, k),
        }
    }

    /// Elements of [`strided`](Self::strided) for a factor of `rows` rows.
    pub fn strided_len(rows: usize, k: usize) -> usize {
        match read_stride::<T>(rows, k) {
            stride if stride == k => 0,
            stride => rows * stride,
        }
    }

    /// For XYᵀ tile by tile.
    pub fn tiles(rows: usize, k: usize) -> Self {
        Self::new(Form::Tiles, rows * k, k)
    }

    pub fn as_it_is(k: usize) -> Self {
        Self::new(Form::AsItIs, 0, k)
    }

    /// Makes the copy.
    pub fn copy(&mut self, factor: &Factor<T>) {
        let (k, rows) = (self.k, factor.operand());
        match self.form {
            Form::AsItIs => {}
            Form::Strided(stride) => {
                for (to, from) in self.copy.chunks_exact_mut(stride).zip(rows.chunks_exact(k)) {
                    to[..k].copy_from_slice(from);
                }
            }
            Form::Tiles => divergence::pack(rows, k, &mut self.copy),
        }
        self.current = true;
    }

    /// Makes it, unless it is of the factor as it stands.
    pub fn refresh(&mut self, factor: &Factor<T>) {
        if !self.current {
            self.copy(factor);
        }
    }

    /// Says whether the copy is still of the factor as it stands, where it was.
    pub fn keep(&mut self, current: bool) {
        self.current &= current;
    }

    /// What blocks read.
    pub fn of<'a>(&'a self, factor: &'a Factor<T>) -> Packed<'a, T> {
        let k = self.k;
        match self.form {
            Form::AsItIs => Packed { y: factor.operand(), packed: &[], k },
            Form::Strided(_) => Packed { y: &self.copy, packed: &[], k },
            Form::Tiles => Packed { y: factor.operand(), packed: &self.copy, k },
        }
    }
}
