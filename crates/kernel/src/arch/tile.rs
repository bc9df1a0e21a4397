//! A tile of a product, as registers that have a kernel of their own for it are given it.

/// A tile of the result, R rows of k: where its operands begin and how far apart they are, in elements.
#[derive(Clone, Copy)]
pub struct Tile<T> {
    /// V, R lines side by side.
    pub v: *const T,
    /// From one row of V to the next.
    pub v_stride: isize,
    /// Terms of the sum.
    pub terms: usize,
    /// The factor, a row for each term.
    pub y: *const T,
    /// From one row of the factor to the next.
    pub y_stride: usize,
    /// The result.
    pub out: *mut T,
    /// From one row of the result to the next.
    pub out_stride: usize,
    /// Lanes in use of the last register of a row.
    pub tail: usize,
}
