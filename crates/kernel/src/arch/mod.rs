//! Instruction sets: which there are, and running a generic kernel on one.

pub(crate) mod generic;
pub(crate) mod portable;
pub(crate) mod vector;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86_64;

use std::sync::OnceLock;

use generic::dense::{Accumulate, Numerators, TileRows};
use generic::divergence::{Ahead, Divergence, Ratios};
use generic::newton::{Columns, Newton};
use generic::rows::{Distance, Majorize, Multiply, Solve, Sweeps, Transpose};
use generic::sparse::{AtEntries, Gather, Residual, Scatter};
use vector::Vector;

use crate::Real;
use crate::probe::Chains;
use crate::scan::{Pair, Scan, ScanRows};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// An instruction set that this processor has: a value of this type is the proof.
///
/// ```
/// use orthant_kernel::Isa;
/// assert!(Isa::available().contains(&Isa::detect()));
/// assert_eq!(Isa::available()[0].name(), "portable");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(Kind);

impl Isa {
    /// Plain Rust, on every processor.
    pub const PORTABLE: Self = Self(Kind::Portable);

    /// The widest that this processor has; or the one that the environment variable `ORTHANT_ISA` names, as it was when
    /// this was first called, if the processor has it (see [`asked_for`](Self::asked_for)).
    pub fn detect() -> Self {
        static FOUND: OnceLock<Isa> = OnceLock::new();
        *FOUND.get_or_init(|| Self::asked_for().ok().flatten().unwrap_or_else(Self::widest))
    }

    /// What `ORTHANT_ISA` asks for, if it is set: to see what a narrower processor would compute.
    ///
    /// # Errors
    /// Its value, if this processor has nothing by that name.
    pub fn asked_for() -> Result<Option<Self>, String> {
        let Some(name) = std::env::var_os("ORTHANT_ISA") else { return Ok(None) };
        let name = name.to_string_lossy();
        Self::available()
            .into_iter()
            .find(|isa| isa.name() == name)
            .map(Some)
            .ok_or_else(|| name.into_owned())
    }

    fn widest() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if avx2 && is_x86_feature_detected!("avx512f") {
                return Self(Kind::Avx512);
            }
            if avx2 {
                return Self(Kind::Avx2);
            }
        }
        Self::PORTABLE
    }

    /// All that this processor has, narrowest first.
    pub fn available() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "only x86-64 has more"))]
        let mut all = vec![Self::PORTABLE];
        #[cfg(target_arch = "x86_64")]
        {
            match Self::widest().0 {
                Kind::Portable => {}
                Kind::Avx2 => all.push(Self(Kind::Avx2)),
                Kind::Avx512 => all.extend([Self(Kind::Avx2), Self(Kind::Avx512)]),
            }
        }
        all
    }

    /// The one to multiply with k columns of `T`: half a 512-bit register does no better than a whole 256-bit one.
    pub(crate) fn for_width<T>(self, k: usize) -> Self {
        #[cfg(target_arch = "x86_64")]
        if self.0 == Kind::Avx512 && k * size_of::<T>() <= 32 {
            return Self(Kind::Avx2);
        }
        let _ = k;
        self
    }

    /// The one to gather and scatter rows of k columns with: three 256-bit registers move fewer bytes than two of 512 that
    /// are not filled by more.
    pub(crate) fn for_rows<T>(self, k: usize) -> Self {
        #[cfg(target_arch = "x86_64")]
        if self.0 == Kind::Avx512 && (65..=96).contains(&(k * size_of::<T>())) {
            return Self(Kind::Avx2);
        }
        self.for_width::<T>(k)
    }

    /// Its name: `"portable"`, `"avx2"` or `"avx512"`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512",
        }
    }
}

impl Default for Isa {
    fn default() -> Self {
        Self::detect()
    }
}

/// What there is for an element type: its registers, and the kernels compiled for them. The latter are here and not where
/// they are called so that they are compiled once, with this crate.
pub trait Kernels: Sized {
    /// The portable group.
    type Portable: Vector<Elem = Self>;
    /// The 256-bit register.
    #[cfg(target_arch = "x86_64")]
    type Avx2: Vector<Elem = Self>;
    /// The 512-bit register.
    #[cfg(target_arch = "x86_64")]
    type Avx512: Vector<Elem = Self>;

    /// Runs the kernel.
    ///
    /// # Safety
    /// The operands satisfy what its safe front checks.
    unsafe fn numerators(isa: Isa, op: Numerators<'_, Self>);
    /// Runs the kernel.
    ///
    /// # Safety
    /// The operands satisfy what its safe front checks.
    unsafe fn accumulate(isa: Isa, op: Accumulate<'_, Self>);
    /// Runs the kernel.
    ///
    /// # Safety
    /// The operands satisfy what its safe front checks.
    unsafe fn tile_rows(isa: Isa, op: TileRows) -> usize;
    /// Runs the kernel.
    ///
    /// # Safety
    /// The operands satisfy what its safe front checks.
    unsafe fn transpose(isa: Isa, op: Transpose<'_, Self>);
    /// Runs the kernel.
    ///
    /// # Safety
    /// The operands satisfy what its safe front checks.
    unsafe fn sweeps(isa: Isa, op: Sweeps<'_, Self>);
    /// Runs the kernel.
    ///
    /// # Safety
    /// The operands satisfy what its safe front checks.
    unsafe fn solve(isa: Isa, op: Solve<'_, Self>);
    /// Runs the kernel.
    ///
    /// # Safety
    /// The operands satisfy what its safe front checks.
    unsafe fn multiply(isa: Isa, op: Multiply<'_, Self>);
    /// Runs the kernel.
    ///
    /// # Safety
    /// The operands satisfy what its safe front checks.
    unsafe fn majorize(isa: Isa, op: Majorize<'_, Self>) -> f64;
    /// Runs the kernel.
    ///
    /// # Safety
    /// The operands satisfy what its safe front checks.
    unsafe fn distance(isa: Isa, op: Distance<'_, Self>) -> f64;
    /// Runs the kernel.
    ///
    /// # Safety
    /// The operands satisfy what its safe front checks.
    unsafe fn ratios(isa: Isa, op: Ratios<'_, Self>);
    /// Runs the kernel.
    ///
    /// # Safety
    /// The operands satisfy what its safe front checks.
    unsafe fn divergence(isa: Isa, op: Divergence<'_, Self>) -> f64;
    /// Runs the kernel.
    ///
    /// # Safety
    /// The operands satisfy what its safe front checks.
    unsafe fn ahead(isa: Isa, op: Ahead<'_, Self>);
    /// Runs the kernel.
    ///
    /// # Safety
    /// The operands satisfy what its safe front checks.
    unsafe fn scan(isa: Isa, op: ScanRows<'_, Self>) -> Scan;
    /// Runs the kernel.
    ///
    /// # Safety
    /// The operands satisfy what its safe front checks.
    unsafe fn pair(isa: Isa, op: Pair<'_, Self>) -> f64;
    /// Runs the kernel.
    ///
    /// # Safety
    /// The operands satisfy what its safe front checks.
    unsafe fn chains(isa: Isa, op: Chains<Self>) -> usize;
    /// Runs the kernel.
    ///
    /// # Safety
    /// The operands satisfy what its safe front checks.
    unsafe fn gather(isa: Isa, op: Gather<'_, Self>);
    /// Runs the kernel.
    ///
    /// # Safety
    /// The operands satisfy what its safe front checks.
    unsafe fn scatter(isa: Isa, op: Scatter<'_, Self>);
    /// Runs the kernel.
    ///
    /// # Safety
    /// The operands satisfy what its safe front checks.
    unsafe fn at_entries(isa: Isa, op: AtEntries<'_, Self>);
    /// Runs the kernel.
    ///
    /// # Safety
    /// The operands satisfy what its safe front checks.
    unsafe fn residual(isa: Isa, op: Residual<'_, Self>) -> f64;
    /// Runs the kernel.
    ///
    /// # Safety
    /// The operands satisfy what its safe front checks.
    unsafe fn newton(isa: Isa, op: Newton<'_, '_, Self>);
    /// Runs the kernel.
    ///
    /// # Safety
    /// The operands satisfy what its safe front checks.
    unsafe fn columns(isa: Isa, op: Columns<'_, Self>);
}

macro_rules! kernels {
    ($t:ident, $portable:ty, $avx2:ident, $avx512:ident, $($kernel:ident: $op:ty $(=> $out:ty)?;)*) => {
        impl Kernels for $t {
            type Portable = $portable;
            #[cfg(target_arch = "x86_64")]
            type Avx2 = x86_64::avx2::$avx2;
            #[cfg(target_arch = "x86_64")]
            type Avx512 = x86_64::avx512::$avx512;
            $(
                unsafe fn $kernel(isa: Isa, op: $op) $(-> $out)? {
                    // SAFETY: the operands are the caller's promise.
                    unsafe { dispatch::<$t, _>(isa, op) }
                }
            )*
        }
    };
    ($t:ident, $portable:ty, $avx2:ident, $avx512:ident) => {
        kernels!(
            $t,
            $portable,
            $avx2,
            $avx512,
            numerators: Numerators<'_, $t>;
            accumulate: Accumulate<'_, $t>;
            tile_rows: TileRows => usize;
            transpose: Transpose<'_, $t>;
            sweeps: Sweeps<'_, $t>;
            solve: Solve<'_, $t>;
            multiply: Multiply<'_, $t>;
            majorize: Majorize<'_, $t> => f64;
            distance: Distance<'_, $t> => f64;
            ratios: Ratios<'_, $t>;
            divergence: Divergence<'_, $t> => f64;
            ahead: Ahead<'_, $t>;
            scan: ScanRows<'_, $t> => Scan;
            pair: Pair<'_, $t> => f64;
            chains: Chains<$t> => usize;
            gather: Gather<'_, $t>;
            scatter: Scatter<'_, $t>;
            at_entries: AtEntries<'_, $t>;
            residual: Residual<'_, $t> => f64;
            newton: Newton<'_, '_, $t>;
            columns: Columns<'_, $t>;
        );
    };
}

kernels!(f32, portable::Group<f32, 4>, F32x8, F32x16);
kernels!(f64, portable::Group<f64, 2>, F64x4, F64x8);

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

/// Runs `op` with the registers of `isa`.
///
/// # Safety
/// The operands of `op` satisfy its contract.
pub(crate) unsafe fn dispatch<T: Real, O: Op<T>>(isa: Isa, op: O) -> O::Out {
    match isa.0 {
        // SAFETY: plain Rust needs no instruction set; the operands are the caller's promise.
        Kind::Portable => unsafe { on_portable(op) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: an `Isa` of this kind exists only where AVX2 and FMA were detected.
        Kind::Avx2 => unsafe { on_avx2(op) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: an `Isa` of this kind exists only where AVX-512F, AVX2 and FMA were detected.
        Kind::Avx512 => unsafe { on_avx512(op) },
    }
}

#[inline(never)]
unsafe fn on_portable<T: Real, O: Op<T>>(op: O) -> O::Out {
    // SAFETY: the caller's promise.
    unsafe { op.run::<T::Portable>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
#[inline(never)]
unsafe fn on_avx2<T: Real, O: Op<T>>(op: O) -> O::Out {
    // SAFETY: this function's own features, and the caller's promise.
    unsafe { op.run::<T::Avx2>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
#[inline(never)]
unsafe fn on_avx512<T: Real, O: Op<T>>(op: O) -> O::Out {
    // SAFETY: this function's own features, and the caller's promise.
    unsafe { op.run::<T::Avx512>() }
}
