//! The few vector operations that the generic kernels are written in.

use super::tile::Tile;
use crate::Real;

/// A register of [`LANES`](Self::LANES) numbers.
///
/// # Safety of every method
/// The processor must have the instruction set that the type stands for; [`Isa`](super::Isa) proves it. Loads and
/// stores take any alignment; their pointer must be valid for `LANES` elements, or for `n` in the `_partial` forms.
pub trait Vector: Copy {
    /// The element.
    type Elem: Real;
    /// Elements in a register.
    const LANES: usize;
    /// Architectural registers, which bound the register tiles.
    const REGISTERS: usize;
    /// Whether a multiply-add is one instruction, with one rounding.
    const FUSED: bool;

    /// All lanes `x`.
    unsafe fn splat(x: Self::Elem) -> Self;
    /// `LANES` elements from `p`.
    unsafe fn load(p: *const Self::Elem) -> Self;
    /// `n` < `LANES` elements from `p`, the other lanes zero.
    unsafe fn load_partial(p: *const Self::Elem, n: usize) -> Self;
    /// `LANES` elements to `p`.
    unsafe fn store(self, p: *mut Self::Elem);
    /// The first `n` < `LANES` lanes to `p`.
    unsafe fn store_partial(self, p: *mut Self::Elem, n: usize);
    /// self + b.
    unsafe fn add(self, b: Self) -> Self;
    /// self − b.
    unsafe fn sub(self, b: Self) -> Self;
    /// self · b.
    unsafe fn mul(self, b: Self) -> Self;
    /// self / b.
    unsafe fn div(self, b: Self) -> Self;
    /// 1/self, of a normal number with a normal result: rounded, or in f32 within 4 units where that takes a fraction of the
    /// time.
    #[inline(always)]
    unsafe fn recip(self) -> Self {
        // SAFETY: the caller's proof.
        unsafe { Self::splat(Real::from_f64(1.0)).div(self) }
    }
    /// The larger; `b` where the two are equal or either is NaN.
    unsafe fn max(self, b: Self) -> Self;
    /// The smaller; `b` where the two are equal or either is NaN.
    unsafe fn min(self, b: Self) -> Self;
    /// self · b + c, fused where the instruction set fuses.
    unsafe fn mul_add(self, b: Self, c: Self) -> Self;
    /// `a` in the lanes where self is 0, else `b`.
    unsafe fn if_zero(self, a: Self, b: Self) -> Self;
    /// `a` in the lanes where self > 0, else `b`.
    unsafe fn if_positive(self, a: Self, b: Self) -> Self;
    /// With lanes in blocks of S: the even blocks of self, each followed by that of `b`; and the odd ones of both.
    unsafe fn exchange<const S: usize>(self, b: Self) -> (Self, Self);
    /// Runs `op` as a function of its own, which others that run it apart share. Compilers take time more than in proportion
    /// to a function's size; where one kernel is made of others it runs them apart.
    ///
    /// # Safety
    /// The operands of `op` satisfy its contract.
    unsafe fn apart<O: Op<Self::Elem>>(op: O) -> O::Out;
    /// Runs `op` as a part of a kernel that calls it for a few entries at a time: in line, as a call would take a tenth of the
    /// time; but apart where speed matters less than the compiler's time.
    ///
    /// # Safety
    /// As of [`apart`](Self::apart).
    #[inline(always)]
    unsafe fn part<O: Op<Self::Elem>>(op: O) -> O::Out {
        // SAFETY: the caller's promise.
        unsafe { op.run::<Self>() }
    }
    /// Asks for the cache line at `p`, which need not be valid.
    #[inline(always)]
    unsafe fn prefetch(_p: *const Self::Elem) {}

    /// `out` += V·Y on a tile of R rows and NV registers, if there is a kernel for this size that does better than the
    /// generic one: each element's terms in ascending order in one chain from 0, which is added to `out`.
    ///
    /// # Safety
    /// The tile's operands exist.
    #[inline(always)]
    unsafe fn along<const R: usize, const NV: usize>(_tile: Tile<Self::Elem>) -> bool {
        false
    }
}

/// A kernel written once over [`Vector`].
pub trait Op<T: Real> {
    /// What it returns.
    type Out;
    /// Runs with registers `V`. Implementations are `#[inline(always)]`, so that the body is compiled for the
    /// instruction set of the function it lands in.
    ///
    /// # Safety
    /// The processor has the instruction set of `V`; the operands satisfy what the kernel's safe front checked.
    unsafe fn run<V: Vector<Elem = T>>(self) -> Self::Out;
}
