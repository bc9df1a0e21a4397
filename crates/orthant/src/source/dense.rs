//! Dense matrices of any strides.

use std::ops::Range;

use orthant_kernel::{Isa, Real, Unfolded, View};
use orthant_kernel::{allocate, gemm::Backend};

use super::{DenseRows, Extent, Memory, Rows, Source, Storage};
use crate::reduce::{Lanes, lanes};
use crate::{Error, Products};

/// A dense matrix. Rows with adjacent columns are read where they lie; others are copied, which changes nothing in what is
/// computed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DenseSource<'a, T: Real> {
    view: View<'a, T>,
    scale: T,
    isa: Isa,
    backend: Option<Backend>,
}

impl<'a, T: Real> DenseSource<'a, T> {
    /// `view` times `scale`, a power of two.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for [`Products::Blas`] without the feature.
    pub fn new(view: View<'a, T>, scale: T, products: Products) -> Result<Self, Error> {
        let backend = match products {
            Products::Fused => None,
            Products::Gemm => Some(Backend::Rust),
            #[cfg(feature = "blas")]
            Products::Blas => Some(Backend::Blas),
            #[cfg(not(feature = "blas"))]
            Products::Blas => {
                return Err(Error::Unsupported {
                    what: "BLAS in a build without the feature `blas` or `openblas`".into(),
                    supported: "products are Fused or Gemm here".into(),
                });
            }
        };
        Ok(Self { view, scale, isa: Isa::detect(), backend })
    }

    fn in_place(&self) -> bool {
        (self.view.col_stride() == 1 || self.view.ncols() == 1) && self.scale == T::ONE
    }
}

impl<T: Real> Source<T> for DenseSource<'_, T> {
    fn extent(&self) -> Extent {
        Extent { rows: self.view.nrows(), cols: self.view.ncols(), storage: Storage::Dense }
    }

    fn lanes(&self) -> Lanes {
        Lanes::even(self.view.nrows(), lanes(self.view.nrows()))
    }

    fn memory(&self, rows: usize) -> Memory<T> {
        let len = if self.in_place() { 0 } else { rows * self.view.ncols() };
        Memory {
            copy: allocate::filled(len, T::ZERO),
            unfolded: Unfolded::default(),
            row: Vec::new(),
            full: Vec::new(),
        }
    }

    fn read<'a>(&'a self, range: Range<usize>, memory: &'a mut Memory<T>) -> Result<Rows<'a, T>, Error> {
        let (rows, cols) = (range.len(), self.view.ncols());
        let mut view = self.view.rows(range);
        if !self.in_place() {
            let copy = &mut memory.copy[..rows * cols];
            view.copy_to(copy);
            for x in copy.iter_mut() {
                *x *= self.scale;
            }
            view = View::row_major(copy, rows, cols).expect("as many elements");
        }
        Ok(Rows::Dense(DenseRows { view, isa: self.isa, backend: self.backend }))
    }
}
