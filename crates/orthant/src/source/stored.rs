//! A matrix of the user's as a source: dense or sparse, by rows or by columns.

use orthant_kernel::Real;

use super::{DenseSource, Source, Sources, SparseSource};
use crate::{Error, Matrix, Products};

/// How the sums over rows of a sparse matrix are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SparsePlan {
    /// Lanes, each with sums of its own.
    pub lanes: usize,
    /// From the transpose, which is kept beside the matrix, instead.
    pub transpose: bool,
}

/// S: V by rows, or Vᵀ where the columns of V are the closer ones. It may have its transpose beside it: a sparse one in memory
/// of its own, a dense one as the same elements, of which rows are copied.
pub(crate) struct Stored<'a, T: Real> {
    rows: Box<dyn Source<T> + 'a>,
    transpose: Option<Box<dyn Source<T> + 'a>>,
}

impl<'a, T: Real> Stored<'a, T> {
    /// `v` times `scale`, a power of two; if it is sparse, laid out as planned.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for products that are not there.
    pub fn new(
        v: &'a Matrix<'_, T>,
        scale: T,
        products: Products,
        plan: &SparsePlan,
        workers: usize,
    ) -> Result<Self, Error> {
        Self::along(v.by_columns(), v, scale, products, plan, workers)
    }

    /// V by rows, which it must [have](Matrix::with_rows).
    pub fn by_rows(v: &'a Matrix<'_, T>, scale: T, plan: &SparsePlan, workers: usize) -> Self {
        Self::along(false, v, scale, Products::Fused, plan, workers).expect("fused products are always there")
    }

    fn along(
        by_columns: bool,
        v: &'a Matrix<'_, T>,
        scale: T,
        products: Products,
        plan: &SparsePlan,
        workers: usize,
    ) -> Result<Self, Error> {
        let lines = match v {
            Matrix::Dense(view) => {
                let s = if by_columns { view.transposed() } else { *view };
                let source = |s| -> Result<Box<dyn Source<T> + 'a>, Error> {
                    Ok(Box::new(DenseSource::new(s, scale, products)?))
                };
                let transpose = if plan.transpose { Some(source(s.transposed())?) } else { None };
                return Ok(Self { rows: source(s)?, transpose });
            }
            Matrix::Csr(lines) => lines,
            Matrix::Csc(v) => v.transposed(),
        };
        let source = |lines| -> Box<dyn Source<T> + 'a> {
            Box::new(SparseSource::new(lines, scale, plan.lanes, !plan.transpose, workers > 1))
        };
        let transpose = plan.transpose.then(|| source(lines.to_transposed()));
        Ok(Self { rows: source(lines.by_ref()), transpose })
    }

    /// Both.
    pub fn sources(&self) -> Sources<'_, T> {
        Sources { rows: &*self.rows, transpose: self.transpose.as_deref() }
    }
}
