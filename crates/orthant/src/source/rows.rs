//! Some rows of a source, in one of two forms.

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
#[derive(Clone, Copy, Debug)]
pub(crate) struct DenseRows<'a, T: Real> {
    pub view: View<'a, T>,
    pub isa: Isa,
    /// Who makes products with them, if not the fused kernels.
    pub backend: Option<Backend>,
}

/// Rows of a sparse matrix, with memory for what is computed of them.
#[derive(Debug)]
pub(crate) struct SparseRows<'a, T: Real> {
    pub rows: Entries<'a, T>,
    pub isa: Isa,
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
