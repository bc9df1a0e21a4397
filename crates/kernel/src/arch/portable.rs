//! Plain Rust, for every processor; 128-bit groups that compilers turn into whatever vectors there are.

use super::vector::{Op, Vector};

/// A group of `N` numbers.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub struct Group<T, const N: usize>([T; N]);

macro_rules! group {
    ($t:ident, $n:literal, $($lane:literal)*) => {
        impl Vector for Group<$t, $n> {
            type Elem = $t;
            const LANES: usize = $n;
            const REGISTERS: usize = 16;
            const FUSED: bool = false;

            #[inline(always)]
            unsafe fn splat(x: $t) -> Self {
                Self([x; $n])
            }
            #[inline(always)]
            unsafe fn load(p: *const $t) -> Self {
                // SAFETY: the caller's pointer is valid for LANES elements, of any alignment.
                Self(unsafe { p.cast::<[$t; $n]>().read_unaligned() })
            }
            #[inline(always)]
            unsafe fn load_partial(p: *const $t, n: usize) -> Self {
                let mut out = [0.0; $n];
                for (i, x) in out.iter_mut().enumerate().take(n) {
                    // SAFETY: i < n, for which the caller's pointer is valid.
                    *x = unsafe { *p.add(i) };
                }
                Self(out)
            }
            #[inline(always)]
            unsafe fn store(self, p: *mut $t) {
                // SAFETY: the caller's pointer is valid for LANES elements, of any alignment.
                unsafe { p.cast::<[$t; $n]>().write_unaligned(self.0) }
            }
            #[inline(always)]
            unsafe fn store_partial(self, p: *mut $t, n: usize) {
                for (i, x) in self.0.iter().enumerate().take(n) {
                    // SAFETY: i < n, for which the caller's pointer is valid.
                    unsafe { *p.add(i) = *x }
                }
            }
            #[inline(always)]
            unsafe fn add(self, b: Self) -> Self {
                Self([$(self.0[$lane] + b.0[$lane]),*])
            }
            #[inline(always)]
            unsafe fn sub(self, b: Self) -> Self {
                Self([$(self.0[$lane] - b.0[$lane]),*])
            }
            #[inline(always)]
            unsafe fn mul(self, b: Self) -> Self {
                Self([$(self.0[$lane] * b.0[$lane]),*])
            }
            #[inline(always)]
            unsafe fn div(self, b: Self) -> Self {
                Self([$(self.0[$lane] / b.0[$lane]),*])
            }
            #[inline(always)]
            unsafe fn max(self, b: Self) -> Self {
                Self([$(if self.0[$lane] > b.0[$lane] { self.0[$lane] } else { b.0[$lane] }),*])
            }
            #[inline(always)]
            unsafe fn min(self, b: Self) -> Self {
                Self([$(if self.0[$lane] < b.0[$lane] { self.0[$lane] } else { b.0[$lane] }),*])
            }
            #[inline(always)]
            unsafe fn mul_add(self, b: Self, c: Self) -> Self {
                // two roundings: a fused multiply-add without the instruction is a slow library call
                Self([$(self.0[$lane] * b.0[$lane] + c.0[$lane]),*])
            }
            #[inline(always)]
            unsafe fn if_zero(self, a: Self, b: Self) -> Self {
                Self([$(if self.0[$lane] == 0.0 { a.0[$lane] } else { b.0[$lane] }),*])
            }
            #[inline(always)]
            unsafe fn if_positive(self, a: Self, b: Self) -> Self {
                Self([$(if self.0[$lane] > 0.0 { a.0[$lane] } else { b.0[$lane] }),*])
            }
            unsafe fn apart<O: Op<$t>>(op: O) -> O::Out {
                // SAFETY: plain Rust needs no instruction set; the operands are the caller's promise.
                unsafe { run::<Self, O>(op) }
            }
            unsafe fn part<O: Op<$t>>(op: O) -> O::Out {
                // SAFETY: as above.
                unsafe { run::<Self, O>(op) }
            }
            #[inline(always)]
            unsafe fn exchange<const S: usize>(self, b: Self) -> (Self, Self) {
                let pick = |odd: usize| {
                    let lane = |l: usize| {
                        let from = (l & !S) | odd;
                        if l & S == 0 { self.0[from] } else { b.0[from] }
                    };
                    Self([$(lane($lane)),*])
                };
                (pick(0), pick(S))
            }
        }
    };
}

group!(f32, 4, 0 1 2 3);
group!(f64, 2, 0 1);

/// Runs `op` in plain Rust, apart from its caller.
///
/// # Safety
/// The operands of `op` satisfy its contract.
#[inline(never)]
pub(crate) unsafe fn run<V: Vector, O: Op<V::Elem>>(op: O) -> O::Out {
    // SAFETY: the caller's promise.
    unsafe { op.run::<V>() }
}
