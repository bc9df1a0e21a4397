//! Dense matrices of any strides.

use std::ops::Range;

use orthant_kernel::{Isa, Real, Unfolded, View};
use orthant_kernel::{allocate, gemm::Backend};

use super::unobserved::{Estimate, Unobserved};
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
    unobserved: Option<&'a Unobserved>,
    /// What stands in its place; where there is none, rows are to be completed.
    estimate: Option<&'a Estimate<T>>,
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
        Ok(Self { view, scale, isa: Isa::detect(), backend, unobserved: None, estimate: None })
    }

    /// Of which that is not observed.
    #[must_use]
    pub fn but(self, unobserved: Option<&'a Unobserved>, estimate: Option<&'a Estimate<T>>) -> Self {
        Self { unobserved, estimate, ..self }
    }

    fn in_place(&self) -> bool {
        (self.view.col_stride() == 1 || self.view.ncols() == 1)
            && self.scale == T::ONE
            && self.unobserved.is_none()
    }
}

impl<T: Real> Source<T> for DenseSource<'_, T> {
    fn extent(&self) -> Extent {
        Extent {
            rows: self.view.nrows(),
            cols: self.view.ncols(),
            storage: Storage::Dense,
            partial: self.unobserved.is_some() && self.estimate.is_none(),
        }
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
        let view = self.view.rows(range.clone());
        if self.in_place() {
            return Ok(Rows::Dense(DenseRows::whole(view, self.isa, self.backend)));
        }
        let copy = &mut memory.copy[..rows * cols];
        view.copy_to(copy);
        if self.scale != T::ONE {
            copy.iter_mut().for_each(|x| *x *= self.scale);
        }
        if let Some(unobserved) = self.unobserved {
            let gaps = unobserved.rows(range.clone());
            let partial = DenseRows::partial(copy, gaps, cols, self.isa, self.backend);
            let mut rows = Rows::Dense(partial);
            if let Some(estimate) = self.estimate {
                let (x, y) = estimate.factors(range);
                rows.complete(x, y, 1, T::ZERO);
            }
            return Ok(rows);
        }
        let view = View::row_major(copy, rows, cols).expect("as many elements");
        Ok(Rows::Dense(DenseRows::whole(view, self.isa, self.backend)))
    }
}
