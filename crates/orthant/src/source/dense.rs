//! Dense matrices of any strides, and those that are not in memory.

use std::ops::Range;

use orthant_kernel::{Isa, Real, Unfolded, View};
use orthant_kernel::{allocate, gemm::Backend};

use super::unobserved::{Estimate, Unobserved};
use super::{DenseRows, Extent, Memory, Rows, Source, Storage};
use crate::lanes::{Lanes, lanes};
use crate::lines::DenseLines;
use crate::{Error, Products};

/// The lines of a dense matrix. Those with adjacent elements are read where they lie; others are copied, which changes nothing in
/// what is computed.
#[derive(Clone, Debug)]
pub(crate) struct DenseSource<'a, T: Real> {
    lines: DenseLines<'a, T>,
    scale: T,
    isa: Isa,
    backend: Option<Backend>,
    unobserved: Option<&'a Unobserved>,
    /// What stands in its place; where there is none, rows are to be completed.
    estimate: Option<&'a Estimate<T>>,
}

impl<'a, T: Real> DenseSource<'a, T> {
    /// `lines` times `scale`, a power of two.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for [`Products::Blas`] without the feature.
    pub fn new(lines: impl Into<DenseLines<'a, T>>, scale: T, products: Products) -> Result<Self, Error> {
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
        Ok(Self { lines: lines.into(), scale, isa: Isa::detect(), backend, unobserved: None, estimate: None })
    }

    /// Of which that is not observed.
    #[must_use]
    pub fn but(self, unobserved: Option<&'a Unobserved>, estimate: Option<&'a Estimate<T>>) -> Self {
        Self { unobserved, estimate, ..self }
    }

    /// Those lines as they lie, if they are to be read so.
    fn in_place(&self, range: Range<usize>) -> Option<View<'a, T>> {
        let as_it_is = self.scale == T::ONE && self.unobserved.is_none();
        self.lines.in_place(range).filter(|_| as_it_is)
    }
}

impl<T: Real> Source<T> for DenseSource<'_, T> {
    fn extent(&self) -> Extent {
        Extent {
            rows: self.lines.nrows(),
            cols: self.lines.ncols(),
            storage: Storage::Dense,
            partial: self.unobserved.is_some() && self.estimate.is_none(),
        }
    }

    fn lanes(&self) -> Lanes {
        Lanes::even(self.lines.nrows(), lanes(self.lines.nrows()))
    }

    fn memory(&self, rows: usize) -> Memory<T> {
        let len = if self.in_place(0..0).is_some() { 0 } else { rows * self.lines.ncols() };
        Memory {
            copy: allocate::filled(len, T::ZERO),
            unfolded: Unfolded::default(),
            row: Vec::new(),
            full: Vec::new(),
        }
    }

    fn read<'a>(&'a self, range: Range<usize>, memory: &'a mut Memory<T>) -> Result<Rows<'a, T>, Error> {
        let (rows, cols) = (range.len(), self.lines.ncols());
        if let Some(view) = self.in_place(range.clone()) {
            return Ok(Rows::Dense(DenseRows::whole(view, self.isa, self.backend)));
        }
        let copy = &mut memory.copy[..rows * cols];
        self.lines.copy_to(range.clone(), copy)?;
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
