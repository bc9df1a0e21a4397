//! 512-bit registers (AVX-512F).

use std::arch::x86_64::*;

use super::avx512_tiles::{partial, whole};
use crate::arch::tile::Tile;
use crate::arch::vector::{Op, Vector};

macro_rules! avx512 {
    ($name:ident, $t:ident, $raw:ident, $mask:ident, $lanes:literal, $doc:literal, $set1:ident, $loadu:ident,
     $maskload:ident, $storeu:ident, $maskstore:ident, $add:ident, $sub:ident, $mul:ident, $div:ident, $recip:ident, $max:ident,
     $min:ident, $fma:ident, $cmp:ident, $blend:ident, $int:ident, $permute:ident, $one:ident, $two:ident, $three:ident) => {
        #[doc = $doc]
        #[derive(Clone, Copy)]
        pub struct $name($raw);

        impl Vector for $name {
            type Elem = $t;
            const LANES: usize = $lanes;
            const REGISTERS: usize = 32;
            const FUSED: bool = true;

            #[inline(always)]
            unsafe fn splat(x: $t) -> Self {
                // SAFETY: AVX-512F by the trait's contract.
                Self(unsafe { $set1(x) })
            }
            #[inline(always)]
            unsafe fn load(p: *const $t) -> Self {
                // SAFETY: AVX-512F and a readable pointer by the trait's contract.
                Self(unsafe { $loadu(p) })
            }
            #[inline(always)]
            unsafe fn load_partial(p: *const $t, n: usize) -> Self {
                // SAFETY: as `load`; masked-off lanes are not touched.
                Self(unsafe { $maskload(((1u32 << n) - 1) as $mask, p) })
            }
            #[inline(always)]
            unsafe fn store(self, p: *mut $t) {
                // SAFETY: AVX-512F and a writable pointer by the trait's contract.
                unsafe { $storeu(p, self.0) }
            }
            #[inline(always)]
            unsafe fn store_partial(self, p: *mut $t, n: usize) {
                // SAFETY: as `store`; masked-off lanes are not touched.
                unsafe { $maskstore(p, ((1u32 << n) - 1) as $mask, self.0) }
            }
            #[inline(always)]
            unsafe fn add(self, b: Self) -> Self {
                // SAFETY: AVX-512F by the trait's contract.
                Self(unsafe { $add(self.0, b.0) })
            }
            #[inline(always)]
            unsafe fn sub(self, b: Self) -> Self {
                // SAFETY: AVX-512F by the trait's contract.
                Self(unsafe { $sub(self.0, b.0) })
            }
            #[inline(always)]
            unsafe fn mul(self, b: Self) -> Self {
                // SAFETY: AVX-512F by the trait's contract.
                Self(unsafe { $mul(self.0, b.0) })
            }
            #[inline(always)]
            unsafe fn div(self, b: Self) -> Self {
                // SAFETY: AVX-512F by the trait's contract.
                Self(unsafe { $div(self.0, b.0) })
            }
            #[inline(always)]
            unsafe fn recip(self) -> Self {
                // SAFETY: AVX-512F by the trait's contract.
                Self(unsafe { $recip(self.0) })
            }
            #[inline(always)]
            unsafe fn max(self, b: Self) -> Self {
                // SAFETY: AVX-512F by the trait's contract.
                Self(unsafe { $max(self.0, b.0) })
            }
            #[inline(always)]
            unsafe fn min(self, b: Self) -> Self {
                // SAFETY: AVX-512F by the trait's contract.
                Self(unsafe { $min(self.0, b.0) })
            }
            #[inline(always)]
            unsafe fn mul_add(self, b: Self, c: Self) -> Self {
                // SAFETY: AVX-512F by the trait's contract.
                Self(unsafe { $fma(self.0, b.0, c.0) })
            }
            #[inline(always)]
            unsafe fn if_zero(self, a: Self, b: Self) -> Self {
                // SAFETY: AVX-512F by the trait's contract.
                Self(unsafe { $blend($cmp::<_CMP_EQ_OQ>(self.0, $set1(0.0)), b.0, a.0) })
            }
            #[inline(always)]
            unsafe fn if_positive(self, a: Self, b: Self) -> Self {
                // SAFETY: AVX-512F by the trait's contract.
                Self(unsafe { $blend($cmp::<_CMP_GT_OQ>(self.0, $set1(0.0)), b.0, a.0) })
            }
            unsafe fn apart<O: Op<$t>>(op: O) -> O::Out {
                // SAFETY: AVX-512F by the trait's contract; the operands are the caller's promise.
                unsafe { run::<Self, O>(op) }
            }
            #[inline(always)]
            unsafe fn exchange<const S: usize>(self, b: Self) -> (Self, Self) {
                // lane l of the results is lane l − (l & S), or that and S, of self or (LANES on) of b
                const fn lanes<const S: usize>(odd: usize) -> [$int; $lanes] {
                    let mut all = [0; $lanes];
                    let mut l = 0;
                    while l < $lanes {
                        all[l] = ((l & !S) | odd | if l & S == 0 { 0 } else { $lanes }) as $int;
                        l += 1;
                    }
                    all
                }
                // SAFETY: AVX-512F by the trait's contract; the arrays are as large as a register.
                unsafe {
                    let low = _mm512_loadu_si512(const { &lanes::<S>(0) }.as_ptr().cast());
                    let high = _mm512_loadu_si512(const { &lanes::<S>(S) }.as_ptr().cast());
                    (Self($permute(self.0, low, b.0)), Self($permute(self.0, high, b.0)))
                }
            }
            #[inline(always)]
            unsafe fn prefetch(p: *const $t) {
                // SAFETY: SSE by the trait's contract; a prefetch does not fault.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) }
            }
            #[inline(always)]
            unsafe fn along<const R: usize, const NV: usize>(tile: Tile<$t>) -> bool {
                // SAFETY: AVX-512F and the tile's operands by the trait's contract.
                unsafe {
                    match (R, NV, tile.tail == $lanes) {
                        (18, 1, true) => whole::$one(tile),
                        (18, 1, false) => partial::$one(tile),
                        (14, 2, true) => whole::$two(tile),
                        (14, 2, false) => partial::$two(tile),
                        (9, 3, true) => whole::$three(tile),
                        (9, 3, false) => partial::$three(tile),
                        _ => return false,
                    }
                }
                true
            }
        }
    };
}

avx512!(
    F32x16,
    f32,
    __m512,
    __mmask16,
    16,
    "Sixteen `f32`.",
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_maskz_loadu_ps,
    _mm512_storeu_ps,
    _mm512_mask_storeu_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_mul_ps,
    _mm512_div_ps,
    recip_f32,
    _mm512_max_ps,
    _mm512_min_ps,
    _mm512_fmadd_ps,
    _mm512_cmp_ps_mask,
    _mm512_mask_blend_ps,
    i32,
    _mm512_permutex2var_ps,
    f32_18x1,
    f32_14x2,
    f32_9x3
);
avx512!(
    F64x8,
    f64,
    __m512d,
    __mmask8,
    8,
    "Eight `f64`.",
    _mm512_set1_pd,
    _mm512_loadu_pd,
    _mm512_maskz_loadu_pd,
    _mm512_storeu_pd,
    _mm512_mask_storeu_pd,
    _mm512_add_pd,
    _mm512_sub_pd,
    _mm512_mul_pd,
    _mm512_div_pd,
    recip_f64,
    _mm512_max_pd,
    _mm512_min_pd,
    _mm512_fmadd_pd,
    _mm512_cmp_pd_mask,
    _mm512_mask_blend_pd,
    i64,
    _mm512_permutex2var_pd,
    f64_18x1,
    f64_14x2,
    f64_9x3
);

/// The processor's estimate, to 14 bits, and a step of Newton's.
#[inline]
#[target_feature(enable = "avx512f")]
fn recip_f32(x: __m512) -> __m512 {
    let r = _mm512_rcp14_ps(x);
    _mm512_mul_ps(r, _mm512_fnmadd_ps(x, r, _mm512_set1_ps(2.0)))
}

/// Two steps would take as long as a division.
#[inline]
#[target_feature(enable = "avx512f")]
fn recip_f64(x: __m512d) -> __m512d {
    _mm512_div_pd(_mm512_set1_pd(1.0), x)
}

/// Runs `op` compiled for AVX-512F, AVX2 and FMA, apart from its caller.
///
/// # Safety
/// The processor has them; the operands of `op` satisfy its contract.
#[target_feature(enable = "avx512f,avx2,fma")]
#[inline(never)]
pub(crate) unsafe fn run<V: Vector, O: Op<V::Elem>>(op: O) -> O::Out {
    // SAFETY: this function's own features, and the caller's promise.
    unsafe { op.run::<V>() }
}
