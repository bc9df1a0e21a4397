//! What the processor can do at most, for rates to be compared with.

use std::hint::black_box;

use crate::Real;
use crate::arch::vector::Vector;
use crate::arch::{Isa, Op};

/// Independent chains: enough to hide the latency of two multiply-adds a cycle, few enough for 16 registers.
const CHAINS: usize = 12;

/// Multiply-adds, round after round.
#[doc(hidden)]
pub struct Chains<T> {
    rounds: usize,
    factor: T,
}

impl<T: Real> Op<T> for Chains<T> {
    type Out = usize;

    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) -> usize {
        // SAFETY: V's instruction set is the caller's proof; a register fits in `out`.
        unsafe {
            let (x, y) = (V::splat(black_box(self.factor)), V::splat(black_box(self.factor)));
            let mut sums: [V; CHAINS] = std::array::from_fn(|c| V::splat(black_box(T::from_f64(c as f64))));
            for _ in 0..self.rounds {
                for sum in &mut sums {
                    *sum = sum.mul_add(x, y);
                }
            }
            let mut out = [T::ZERO; 64];
            for sum in sums {
                sum.store(out.as_mut_ptr());
                black_box(&out);
            }
        }
        2 * self.rounds * CHAINS * V::LANES
    }
}

/// Does `rounds` rounds of multiply-adds on registers alone and returns how many flops they were.
///
/// ```
/// use orthant_kernel::{Isa, probe};
/// assert_eq!(probe::multiply_adds::<f64>(Isa::PORTABLE, 10), 2 * 10 * 12 * 2);
/// ```
pub fn multiply_adds<T: Real>(isa: Isa, rounds: usize) -> usize {
    // SAFETY: the kernel has no operands.
    unsafe { T::chains(isa, Chains { rounds, factor: T::from_f64(0.5) }) }
}
