//! The two floating-point types that everything is written for.

use std::borrow::Cow;
use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A real number type with kernels: `f32` or `f64`.
///
/// Sealed: the kernels are hand-laid for these two.
///
/// ```
/// use orthant_kernel::Real;
/// fn half<T: Real>(x: T) -> T {
///     x * T::from_f64(0.5)
/// }
/// assert_eq!(half(3.0_f32), 1.5);
/// ```
pub trait Real:
    sealed::Sealed
    + crate::buffer::Zero
    + crate::arch::dispatch::Kernels
    + crate::gemm::Typed
    + bytemuck::Pod
    + Default
    + Debug
    + Display
    + PartialOrd
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Sum
{
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// Spacing between 1 and the next representable number (2ε for unit roundoff ε).
    const EPSILON: Self;
    /// A square below which a number has lost bits to subnormals, or would in a quotient: smallest normal over ε.
    const NEGLIGIBLE: Self;
    /// The type's name as numpy spells it: `"float32"` or `"float64"`.
    const NAME: &'static str;
    /// Rounds a double to this type.
    fn from_f64(x: f64) -> Self;
    /// Widens exactly to a double.
    fn to_f64(self) -> f64;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Magnitude.
    fn abs(self) -> Self;
    /// Power.
    fn powf(self, e: Self) -> Self;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// The larger of the two; `other` where `self` is NaN.
    fn max(self, other: Self) -> Self;
}

macro_rules! real {
    ($t:ident, $name:literal) => {
        impl Real for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const EPSILON: Self = $t::EPSILON;
            const NEGLIGIBLE: Self = $t::MIN_POSITIVE / $t::EPSILON;
            const NAME: &'static str = $name;
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $t::sqrt(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $t::abs(self)
            }
            #[inline(always)]
            fn powf(self, e: Self) -> Self {
                $t::powf(self, e)
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                $t::is_finite(self)
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                $t::max(self, other)
            }
        }
    };
}

real!(f32, "float32");
real!(f64, "float64");

/// The elements as little-endian bytes: without a copy on every machine that is little-endian itself.
///
/// ```
/// assert_eq!(*orthant_kernel::little_endian_bytes(&[1.0_f32, 0.0]), [0, 0, 128, 63, 0, 0, 0, 0]);
/// ```
pub fn little_endian_bytes<T: Real>(data: &[T]) -> Cow<'_, [u8]> {
    let native: &[u8] = bytemuck::cast_slice(data);
    if cfg!(target_endian = "little") {
        return Cow::Borrowed(native);
    }
    let mut bytes = native.to_vec();
    bytes.chunks_exact_mut(size_of::<T>()).for_each(<[u8]>::reverse);
    Cow::Owned(bytes)
}
