//! A matrix of the user's as a source: dense or sparse, by rows or by columns.

use orthant_kernel::{Real, View};

use super::{DenseSource, Estimate, Lists, Source, Sources, SparseSource, Unobserved};
use crate::lanes::MAX_LANES;
use crate::lines::SparseLines;
use crate::{Error, Matrix, Products};

/// How the sums over rows of a sparse matrix are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SparsePlan {
    /// Lanes, each with sums of its own.
    pub lanes: usize,
    /// From the transpose, which is kept beside the matrix, instead.
    pub transpose: bool,
}

/// What is not observed of dense data, by its lines, and by those across where these are read too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Partial<'a, T> {
    pub along: &'a Unobserved,
    pub across: Option<&'a Unobserved>,
    /// What stands in its place, along and across, where it is not what the iterations make of it.
    pub estimate: Option<[&'a Estimate<T>; 2]>,
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
        Self::along(v.by_columns(), v, scale, products, plan, workers, None)
    }

    /// The same of dense data that is not observed everywhere.
    ///
    /// # Errors
    /// Likewise.
    pub fn partial(
        v: &'a Matrix<'_, T>,
        scale: T,
        products: Products,
        plan: &SparsePlan,
        partial: Partial<'a, T>,
    ) -> Result<Self, Error> {
        Self::along(v.by_columns(), v, scale, products, plan, 1, Some(partial))
    }

    /// What is observed of V, by rows and, where these are read, by columns, times `scale`.
    pub fn lists(
        lists: &'a Lists<'_, T>,
        across: Option<&'a Lists<'_, T>>,
        scale: T,
        workers: usize,
    ) -> Self {
        let source = |lists: &'a Lists<'_, T>| -> Box<dyn Source<T> + 'a> {
            let rows = SparseLines::Here(lists.values.by_ref());
            let source = SparseSource::new(rows, scale, MAX_LANES, false, workers > 1);
            let source = source.expect("lists are in memory");
            Box::new(source.weighted(lists.weights.as_deref()))
        };
        Self { rows: source(lists), transpose: across.map(source) }
    }

    /// V by rows, which it must [have](Matrix::with_rows).
    ///
    /// # Errors
    /// Whatever keeps it from being read.
    pub fn by_rows(v: &'a Matrix<'_, T>, scale: T, plan: &SparsePlan, workers: usize) -> Result<Self, Error> {
        Self::along(false, v, scale, Products::Fused, plan, workers, None)
    }

    fn along(
        by_columns: bool,
        v: &'a Matrix<'_, T>,
        scale: T,
        products: Products,
        plan: &SparsePlan,
        workers: usize,
        partial: Option<Partial<'a, T>>,
    ) -> Result<Self, Error> {
        let lines = match v {
            Matrix::OutOfCore(part) => {
                let rows: Box<dyn Source<T> + 'a> = match part.entries() {
                    None => Box::new(DenseSource::new(part.clone(), scale, products)?),
                    Some(lines) => Box::new(SparseSource::new(lines, scale, plan.lanes, true, workers > 1)?),
                };
                return Ok(Self { rows, transpose: None });
            }
            Matrix::Dense(view) => {
                let s = if by_columns { view.transposed() } else { *view };
                let source =
                    |s: View<'a, T>, unobserved, estimate| -> Result<Box<dyn Source<T> + 'a>, Error> {
                        Ok(Box::new(DenseSource::new(s, scale, products)?.but(unobserved, estimate)))
                    };
                let [along, across] = match partial.and_then(|partial| partial.estimate) {
                    Some(both) => both.map(Some),
                    None => [None, None],
                };
                let transpose = if plan.transpose {
                    let unobserved = partial.and_then(|partial| partial.across);
                    Some(source(s.transposed(), unobserved, across)?)
                } else {
                    None
                };
                return Ok(Self { rows: source(s, partial.map(|partial| partial.along), along)?, transpose });
            }
            Matrix::Csr(lines) => lines,
            Matrix::Csc(v) => v.transposed(),
        };
        let source = |lines| -> Result<Box<dyn Source<T> + 'a>, Error> {
            let lines = SparseLines::Here(lines);
            Ok(Box::new(SparseSource::new(lines, scale, plan.lanes, !plan.transpose, workers > 1)?))
        };
        let transpose = plan.transpose.then(|| source(lines.to_transposed())).transpose()?;
        Ok(Self { rows: source(lines.by_ref())?, transpose })
    }

    /// Both.
    pub fn sources(&self) -> Sources<'_, T> {
        Sources { rows: &*self.rows, transpose: self.transpose.as_deref() }
    }
}
