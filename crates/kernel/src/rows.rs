//! Updates of the rows of a factor X (rows×k, row-major) from numerators A (rows×k, rows `a_stride` apart) and a
//! Gram matrix G (k×k).
//!
//! Each row is on its own: its result does not depend, to the bit, on the rows beside it.

use crate::arch::generic::rows::{self, Distance, Majorize, Multiply, Solve, Sweeps};
pub use crate::arch::generic::rows::{Least, Majorant, Step};
use crate::isa::Isa;
use crate::{Real, View, numerators};

/// Elements of scratch that [`sweeps`] and [`solve`] need.
pub fn scratch_len(k: usize) -> usize {
    rows::scratch_len(k)
}

fn check<T>(x: &[T], a: &[T], a_stride: usize, gram: &[T], k: usize, scratch: &[T]) {
    assert!(k > 0 && x.len().is_multiple_of(k), "X is rows×k");
    assert!(a_stride >= k, "rows of A do not overlap");
    assert_eq!(a.len(), x.len() / k * a_stride, "A is rows×a_stride");
    assert_eq!(gram.len(), k * k, "G is k×k");
    assert!(scratch.len() >= scratch_len(k), "scratch holds scratch_len(k)");
}

/// `count` rounds of x_t ← [x_t − (Σ_r G_tr x_r − A_t + l1)/G_tt]₊ over t in `order`, for every row.
///
/// This is coordinate descent (HALS) for min ½‖V − XYᵀ‖² + l1·ΣX + ½ l2·‖X‖², X ≥ 0, where G is YᵀY with l2 added to
/// its diagonal and A = VY. `order` has the k coordinates in the order of their turns. Where G_tt is 0, or [negligible](Real::NEGLIGIBLE), the
/// coordinate becomes 0 if l1 > 0 and stays otherwise. The first
/// round's sums are added to `step`. 2k² flops per row and round.
///
/// ```
/// use orthant_kernel::{Isa, rows};
/// let mut x = [1.0, 1.0];
/// let mut scratch = vec![0.0; rows::scratch_len(2)];
/// let mut step = rows::Step::default();
/// rows::sweeps(Isa::detect(), &mut x, &[4.0, 3.0], 2, &[2.0, 1.0, 1.0, 2.0], 0.0, &[0, 1], 1, &mut scratch, &mut step);
/// assert_eq!(x, [1.5, 0.75]);
/// assert_eq!(step.violation, 1.0 + 0.5); // at the second coordinate x is [1.5, 1]
/// ```
///
/// # Panics
/// If an extent does not match, or `count` is 0.
pub fn sweeps<T: Real>(
    isa: Isa,
    x: &mut [T],
    a: &[T],
    a_stride: usize,
    gram: &[T],
    l1: T,
    order: &[usize],
    count: usize,
    scratch: &mut [T],
    step: &mut Step,
) {
    let k = order.len();
    check(x, a, a_stride, gram, k, scratch);
    assert!(order.iter().all(|&t| t < k), "coordinates below k");
    assert!(count > 0, "at least one sweep");
    // SAFETY: the extents were just checked.
    unsafe { T::sweeps(isa, Sweeps { x, a, a_stride, gram, l1, k, order, sweeps: count, scratch, step }) }
}

/// The same rounds, for each row until Σ G_tt·(step)² ≤ its entry of `enough`, or `max_sweeps`.
///
/// Leaves each row's last sum in `left` and returns the most rounds that a row took.
///
/// # Panics
/// If an extent does not match.
pub fn solve<T: Real>(
    isa: Isa,
    x: &mut [T],
    a: &[T],
    gram: &[T],
    l1: T,
    k: usize,
    enough: &[T],
    max_sweeps: usize,
    scratch: &mut [T],
    left: &mut [T],
) -> usize {
    check(x, a, k, gram, k, scratch);
    assert_eq!(enough.len() * k, x.len(), "one threshold a row");
    assert_eq!(left.len(), enough.len(), "one sum a row");
    let mut sweeps = 0;
    // SAFETY: the extents were just checked.
    unsafe {
        T::solve(isa, Solve { x, a, gram, l1, k, enough, max_sweeps, scratch, left, sweeps: &mut sweeps });
    }
    sweeps
}

/// D = X·G, the other half of the gradient, for [`multiply`] and [`distance`]. X and D are rows×k, G is k×k.
///
/// # Panics
/// If an extent does not match.
pub fn products<T: Real>(isa: Isa, x: &[T], gram: &[T], k: usize, d: &mut [T]) {
    assert!(k > 0 && x.len().is_multiple_of(k), "X is rows×k");
    let view = View::row_major(x, x.len() / k, k).expect("X is rows×k");
    numerators(isa, view, gram, k, d);
}

/// x ← x∘A/(D + l1), elementwise: the multiplicative update, with D = X·G and an L2 weight on G's diagonal. A zero
/// denominator becomes `floor`; `least` says what small results become.
///
/// # Panics
/// If an extent does not match.
pub fn multiply<T: Real>(
    isa: Isa,
    x: &mut [T],
    a: &[T],
    a_stride: usize,
    d: &[T],
    k: usize,
    l1: T,
    floor: T,
    least: Least<T>,
) {
    check_elementwise(x, a, a_stride, d, k);
    // SAFETY: the kernel has no contract beyond the extents just checked.
    unsafe { T::multiply(isa, Multiply { x, a, a_stride, d, k, l1, floor, least }) }
}

/// A multiplicative step for any β-divergence with numerators N and denominators D (rows `n_stride` and `d_stride`
/// apart; a `d_stride` of 0 has one row of D for all), as `majorant` says. A zero denominator becomes `floor`; `least` says
/// what small results become. Returns `sum` + Σ x·|D + l1 + l2·x − N| over the old x: x times the gradient, which is 0
/// where x is stationary.
///
/// ```
/// use orthant_kernel::{Isa, rows};
/// let mut x = [2.0, 3.0];
/// let plain = rows::Majorant::Ratio { exponent: 1.0 };
/// let left = rows::majorize(Isa::detect(), &mut x, &[4.0, 1.0], 2, &[2.0, 1.0], 0, 2, (0.0, 0.0), plain, 1e-9, rows::Least::NONE, 0.0);
/// assert_eq!((x, left), ([4.0, 3.0], 4.0));
/// ```
///
/// # Panics
/// If an extent does not match.
pub fn majorize<T: Real>(
    isa: Isa,
    x: &mut [T],
    n: &[T],
    n_stride: usize,
    d: &[T],
    d_stride: usize,
    k: usize,
    (l1, l2): (T, T),
    majorant: Majorant,
    floor: T,
    least: Least<T>,
    sum: f64,
) -> f64 {
    assert!(k > 0 && x.len().is_multiple_of(k), "X is rows×k");
    let rows = x.len() / k;
    for (what, a, stride) in [("N", n, n_stride), ("D", d, d_stride)] {
        assert!(stride >= k || stride == 0, "rows of {what} do not overlap");
        assert!(rows == 0 || a.len() >= (rows - 1) * stride + k, "{what} is rows×stride");
    }
    let op = Majorize { x, n, n_stride, d, d_stride, k, l1, l2, majorant, floor, least, sum };
    // SAFETY: the kernel has no contract beyond the extents just checked.
    unsafe { T::majorize(isa, op) }
}

/// `sum` + Σ G_tt·(x_t − [x_t − (D_t − A_t + l1)/G_tt]₊)² over all rows: how far X is from stationary, in the units
/// of V. `diagonal` is G's, an L2 weight included. It does not change when components are rescaled.
///
/// # Panics
/// If an extent does not match.
pub fn distance<T: Real>(
    isa: Isa,
    x: &[T],
    a: &[T],
    a_stride: usize,
    d: &[T],
    diagonal: &[T],
    l1: T,
    sum: f64,
) -> f64 {
    check_elementwise(x, a, a_stride, d, diagonal.len());
    // SAFETY: the kernel has no contract beyond the extents just checked.
    unsafe { T::distance(isa, Distance { x, a, a_stride, d, diagonal, l1, sum }) }
}

fn check_elementwise<T>(x: &[T], a: &[T], a_stride: usize, d: &[T], k: usize) {
    assert!(k > 0 && x.len().is_multiple_of(k), "X is rows×k");
    assert!(a_stride >= k, "rows of A do not overlap");
    assert_eq!(a.len(), x.len() / k * a_stride, "A is rows×a_stride");
    assert_eq!(d.len(), x.len(), "D is rows×k");
}
