//! Multiply-adds on registers alone.

use std::hint::black_box;

use crate::Real;
use crate::arch::vector::{Op, Vector};

/// Independent chains: enough to hide the latency of two multiply-adds a cycle, few enough for 16 registers.
const CHAINS: usize = 12;

/// Multiply-adds, round after round.
#[doc(hidden)]
pub struct Chains<T> {
    pub(crate) rounds: usize,
    pub(crate) factor: T,
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
