//! Running a kernel on an instruction set.

use super::generic::chains::Chains;
use super::generic::dense::{Accumulate, Numerators, TileRows};
use super::generic::divergence::{Ahead, Divergence, Ratios};
use super::generic::gaps::Fill;
use super::generic::newton::{Columns, Newton};
use super::generic::rows::{Distance, Majorize, Multiply, Solve, Sweeps, Transpose};
use super::generic::scan::{Pair, Scan, ScanRows};
use super::generic::sparse::{AtEntries, Gather, Products, Residual, Scatter};
use super::portable;
use super::vector::{Op, Vector};
#[cfg(target_arch = "x86_64")]
use super::x86_64::{avx2, avx512};
use crate::Real;
use crate::isa::{Isa, Kind};

/// The kernels: the trait that has them, and both of its implementations.
macro_rules! kernels {
    ($($kernel:ident: $op:ty $(=> $out:ty)?;)*) => {
        /// What there is for an element type: its registers, and the kernels compiled for them. The latter are here and not
        /// where they are called so that they are compiled once, with this crate.
        pub trait Kernels: Sized {
            /// The portable group.
            type Portable: Vector<Elem = Self>;
            /// The 256-bit register.
            #[cfg(target_arch = "x86_64")]
            type Avx2: Vector<Elem = Self>;
            /// The 512-bit register.
            #[cfg(target_arch = "x86_64")]
            type Avx512: Vector<Elem = Self>;
            $(
                /// Runs the kernel.
                ///
                /// # Safety
                /// The operands satisfy what its safe front checks.
                unsafe fn $kernel(isa: Isa, op: $op) $(-> $out)?;
            )*
        }

        kernels!(@impl f32, portable::Group<f32, 4>, F32x8, F32x16, $($kernel: $op $(=> $out)?;)*);
        kernels!(@impl f64, portable::Group<f64, 2>, F64x4, F64x8, $($kernel: $op $(=> $out)?;)*);
    };
    (@impl $t:ident, $portable:ty, $avx2:ident, $avx512:ident, $($kernel:ident: $op:ty $(=> $out:ty)?;)*) => {
        impl Kernels for $t {
            type Portable = $portable;
            #[cfg(target_arch = "x86_64")]
            type Avx2 = avx2::$avx2;
            #[cfg(target_arch = "x86_64")]
            type Avx512 = avx512::$avx512;
            $(
                unsafe fn $kernel(isa: Isa, op: $op) $(-> $out)? {
                    // SAFETY: the operands are the caller's promise.
                    unsafe { dispatch::<$t, _>(isa, op) }
                }
            )*
        }
    };
}

kernels! {
    numerators: Numerators<'_, Self>;
    accumulate: Accumulate<'_, Self>;
    tile_rows: TileRows => usize;
    transpose: Transpose<'_, Self>;
    sweeps: Sweeps<'_, Self>;
    solve: Solve<'_, Self>;
    multiply: Multiply<'_, Self>;
    majorize: Majorize<'_, Self> => f64;
    distance: Distance<'_, Self> => f64;
    ratios: Ratios<'_, Self>;
    divergence: Divergence<'_, Self> => f64;
    ahead: Ahead<'_, Self>;
    scan: ScanRows<'_, Self> => Scan;
    pair: Pair<'_, Self> => f64;
    chains: Chains<Self> => usize;
    gather: Gather<'_, Self>;
    scatter: Scatter<'_, Self>;
    at_entries: AtEntries<'_, Self>;
    residual: Residual<'_, Self> => f64;
    newton: Newton<'_, '_, Self>;
    columns: Columns<'_, Self>;
    fill: Fill<'_, Self> => f64;
    products: Products<'_, Self>;
}

/// Runs `op` with the registers of `isa`.
///
/// # Safety
/// The operands of `op` satisfy its contract.
unsafe fn dispatch<T: Real, O: Op<T>>(isa: Isa, op: O) -> O::Out {
    match isa.kind() {
        // SAFETY: plain Rust needs no instruction set; the operands are the caller's promise.
        Kind::Portable => unsafe { portable::run::<T::Portable, O>(op) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: an `Isa` of this kind exists only where AVX2 and FMA were detected.
        Kind::Avx2 => unsafe { avx2::run::<T::Avx2, O>(op) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: an `Isa` of this kind exists only where AVX-512F, AVX2 and FMA were detected.
        Kind::Avx512 => unsafe { avx512::run::<T::Avx512, O>(op) },
    }
}
