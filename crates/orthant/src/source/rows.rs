//! Some rows of a source, in one of two forms.

use orthant_kernel::gaps::{self, Gaps};
use orthant_kernel::gemm::Backend;
use orthant_kernel::{Isa, Real, SparseRows as Entries, View};

/// Sparse rows that are written out together, where all elements are wanted.
pub(crate) const UNFOLDED: usize = 48;

/// Consecutive rows.
#[derive(Debug)]
pub(crate) enum Rows<'a, T: Real> {
    Dense(DenseRows<'a, T>),
    Sparse(SparseRows<'a, T>),
}

/// Rows of a dense matrix, columns adjacent.
#[derive(Debug)]
pub(crate) struct DenseRows<'a, T: Real> {
    elements: Elements<'a, T>,
    pub isa: Isa,
    /// Who makes products with them, if not the fused kernels.
    pub backend: Option<Backend>,
}

#[derive(Debug)]
enum Elements<'a, T: Real> {
    Whole(View<'a, T>),
    /// A copy, in which what is not observed can be written.
    Partial {
        copy: &'a mut [T],
        gaps: Gaps<'a>,
        cols: usize,
    },
}

impl<'a, T: Real> DenseRows<'a, T> {
    /// All of whose elements are there.
    pub fn whole(view: View<'a, T>, isa: Isa, backend: Option<Backend>) -> Self {
        Self { elements: Elements::Whole(view), isa, backend }
    }

    /// Of `cols` columns, of which the elements at `gaps` are to be [completed](Rows::complete) before others are asked for.
    pub fn partial(
        copy: &'a mut [T],
        gaps: Gaps<'a>,
        cols: usize,
        isa: Isa,
        backend: Option<Backend>,
    ) -> Self {
        Self { elements: Elements::Partial { copy, gaps, cols }, isa, backend }
    }

    pub fn view(&self) -> View<'_, T> {
        match &self.elements {
            Elements::Whole(view) => *view,
            Elements::Partial { copy, gaps, cols } => {
                View::row_major(copy, gaps.nrows(), *cols).expect("rows×cols elements")
            }
        }
    }
}

impl<T: Real> Rows<'_, T> {
    /// Puts XYᵀ, `floor` at least, in place of what is not observed; Σ of its squares. With X rows×k and Y cols×k.
    pub fn complete(&mut self, x: &[T], y: &[T], k: usize, floor: T) -> f64 {
        match self {
            Self::Dense(DenseRows { elements: Elements::Partial { copy, gaps, .. }, isa, .. }) => {
                gaps::fill(*isa, copy, *gaps, x, y, k, floor, 0.0)
            }
            _ => 0.0,
        }
    }
}

/// Rows of a sparse matrix, with memory for what is computed of them.
#[derive(Debug)]
pub(crate) struct SparseRows<'a, T: Real> {
    pub rows: Entries<'a, T>,
    pub isa: Isa,
    /// How much each entry counts, where that is not 1.
    pub weights: Option<&'a [T]>,
    /// A row of X in double precision.
    pub row: &'a mut Vec<f64>,
    /// Some rows written out.
    pub full: &'a mut Vec<T>,
}

/// A factor of k columns, as it is and packed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packed<'a, T> {
    /// Rows of k, or [further apart](super::Extent::row_stride).
    pub y: &'a [T],
    /// The kernel's tiles; nothing where β is [computed at the entries](super::Extent::by_entries).
    pub packed: &'a [T],
    /// k.
    pub k: usize,
}
