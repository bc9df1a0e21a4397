//! What the processor can do at most, for rates to be compared with.

use crate::Real;
use crate::arch::generic::chains::Chains;
use crate::isa::Isa;

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
