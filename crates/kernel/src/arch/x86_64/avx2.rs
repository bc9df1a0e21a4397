//! 256-bit registers (AVX2 with FMA).

use std::arch::x86_64::*;

use crate::arch::vector::{Op, Vector};

/// All-ones words, then zeros: a window over it is the mask of the first n lanes.
static MASK32: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
static MASK64: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];

macro_rules! avx2 {
    ($name:ident, $t:ident, $raw:ident, $lanes:literal, $table:ident, $doc:literal, $set1:ident, $loadu:ident,
     $maskload:ident, $storeu:ident, $storepart:ident, $add:ident, $sub:ident, $mul:ident, $div:ident, $recip:ident, $max:ident,
     $min:ident, $fma:ident, $cmp:ident, $blend:ident, $exchange:ident) => {
        #[doc = $doc]
        #[derive(Clone, Copy)]
        pub struct $name($raw);

        impl Vector for $name {
            type Elem = $t;
            const LANES: usize = $lanes;
            const REGISTERS: usize = 16;
            const FUSED: bool = true;

            #[inline(always)]
            unsafe fn splat(x: $t) -> Self {
                // SAFETY: AVX2 by the trait's contract.
                Self(unsafe { $set1(x) })
            }
            #[inline(always)]
            unsafe fn load(p: *const $t) -> Self {
                // SAFETY: AVX2 and a readable pointer by the trait's contract.
                Self(unsafe { $loadu(p) })
            }
            #[inline(always)]
            unsafe fn load_partial(p: *const $t, n: usize) -> Self {
                debug_assert!(n < $lanes);
                // SAFETY: as `load`, masked-off lanes are not touched; the window over the table starts at
                // LANES − n ≤ LANES and spans LANES words.
                unsafe { Self($maskload(p, _mm256_loadu_si256($table.as_ptr().add($lanes - n).cast()))) }
            }
            #[inline(always)]
            unsafe fn store(self, p: *mut $t) {
                // SAFETY: AVX2 and a writable pointer by the trait's contract.
                unsafe { $storeu(p, self.0) }
            }
            #[inline(always)]
            unsafe fn store_partial(self, p: *mut $t, n: usize) {
                debug_assert!(n < $lanes);
                // SAFETY: as `store`, of the first n lanes.
                unsafe { $storepart(p, n, self.0) }
            }
            #[inline(always)]
            unsafe fn add(self, b: Self) -> Self {
                // SAFETY: AVX2 by the trait's contract.
                Self(unsafe { $add(self.0, b.0) })
            }
            #[inline(always)]
            unsafe fn sub(self, b: Self) -> Self {
                // SAFETY: AVX2 by the trait's contract.
                Self(unsafe { $sub(self.0, b.0) })
            }
            #[inline(always)]
            unsafe fn mul(self, b: Self) -> Self {
                // SAFETY: AVX2 by the trait's contract.
                Self(unsafe { $mul(self.0, b.0) })
            }
            #[inline(always)]
            unsafe fn div(self, b: Self) -> Self {
                // SAFETY: AVX2 by the trait's contract.
                Self(unsafe { $div(self.0, b.0) })
            }
            #[inline(always)]
            unsafe fn recip(self) -> Self {
                // SAFETY: AVX2 and FMA by the trait's contract.
                Self(unsafe { $recip(self.0) })
            }
            #[inline(always)]
            unsafe fn max(self, b: Self) -> Self {
                // SAFETY: AVX2 by the trait's contract.
                Self(unsafe { $max(self.0, b.0) })
            }
            #[inline(always)]
            unsafe fn min(self, b: Self) -> Self {
                // SAFETY: AVX2 by the trait's contract.
                Self(unsafe { $min(self.0, b.0) })
            }
            #[inline(always)]
            unsafe fn mul_add(self, b: Self, c: Self) -> Self {
                // SAFETY: AVX2 and FMA by the trait's contract.
                Self(unsafe { $fma(self.0, b.0, c.0) })
            }
            #[inline(always)]
            unsafe fn if_zero(self, a: Self, b: Self) -> Self {
                // SAFETY: AVX2 by the trait's contract.
                Self(unsafe { $blend(b.0, a.0, $cmp::<_CMP_EQ_OQ>(self.0, $set1(0.0))) })
            }
            #[inline(always)]
            unsafe fn if_positive(self, a: Self, b: Self) -> Self {
                // SAFETY: AVX2 by the trait's contract.
                Self(unsafe { $blend(b.0, a.0, $cmp::<_CMP_GT_OQ>(self.0, $set1(0.0))) })
            }
            unsafe fn apart<O: Op<$t>>(op: O) -> O::Out {
                // SAFETY: AVX2 and FMA by the trait's contract; the operands are the caller's promise.
                unsafe { run::<Self, O>(op) }
            }
            #[inline(always)]
            unsafe fn exchange<const S: usize>(self, b: Self) -> (Self, Self) {
                // SAFETY: AVX2 by the trait's contract.
                unsafe { $exchange::<S>(self, b) }
            }
            #[inline(always)]
            unsafe fn prefetch(p: *const $t) {
                // SAFETY: SSE by the trait's contract; a prefetch does not fault.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) }
            }
        }
    };
}

avx2!(
    F32x8,
    f32,
    __m256,
    8,
    MASK32,
    "Eight `f32`.",
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_maskload_ps,
    _mm256_storeu_ps,
    store_part_f32,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    _mm256_div_ps,
    recip_f32,
    _mm256_max_ps,
    _mm256_min_ps,
    _mm256_fmadd_ps,
    _mm256_cmp_ps,
    _mm256_blendv_ps,
    exchange_f32
);
avx2!(
    F64x4,
    f64,
    __m256d,
    4,
    MASK64,
    "Four `f64`.",
    _mm256_set1_pd,
    _mm256_loadu_pd,
    _mm256_maskload_pd,
    _mm256_storeu_pd,
    store_part_f64,
    _mm256_add_pd,
    _mm256_sub_pd,
    _mm256_mul_pd,
    _mm256_div_pd,
    recip_f64,
    _mm256_max_pd,
    _mm256_min_pd,
    _mm256_fmadd_pd,
    _mm256_cmp_pd,
    _mm256_blendv_pd,
    exchange_f64
);

/// The first n < 8 lanes, in halves, pairs and one: masked stores take dozens of cycles on some processors.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store_part_f32(mut p: *mut f32, n: usize, x: __m256) {
    // SAFETY: what is written are n elements from p on.
    unsafe {
        let mut rest = _mm256_castps256_ps128(x);
        if n & 4 != 0 {
            _mm_storeu_ps(p, rest);
            p = p.add(4);
            rest = _mm256_extractf128_ps::<1>(x);
        }
        if n & 2 != 0 {
            _mm_storel_pd(p.cast(), _mm_castps_pd(rest));
            p = p.add(2);
            rest = _mm_movehl_ps(rest, rest);
        }
        if n & 1 != 0 {
            _mm_store_ss(p, rest);
        }
    }
}

/// The first n < 4 lanes, likewise.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store_part_f64(mut p: *mut f64, n: usize, x: __m256d) {
    // SAFETY: what is written are n elements from p on.
    unsafe {
        let mut rest = _mm256_castpd256_pd128(x);
        if n & 2 != 0 {
            _mm_storeu_pd(p, rest);
            p = p.add(2);
            rest = _mm256_extractf128_pd::<1>(x);
        }
        if n & 1 != 0 {
            _mm_store_sd(p, rest);
        }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
unsafe fn exchange_f32<const S: usize>(a: F32x8, b: F32x8) -> (F32x8, F32x8) {
    let (a, b) = (a.0, b.0);
    let (even, odd) = match S {
        1 => (
            _mm256_blend_ps::<0b1010_1010>(a, _mm256_moveldup_ps(b)),
            _mm256_blend_ps::<0b1010_1010>(_mm256_movehdup_ps(a), b),
        ),
        2 => {
            let (a, b) = (_mm256_castps_pd(a), _mm256_castps_pd(b));
            (_mm256_castpd_ps(_mm256_unpacklo_pd(a, b)), _mm256_castpd_ps(_mm256_unpackhi_pd(a, b)))
        }
        _ => (_mm256_permute2f128_ps::<0x20>(a, b), _mm256_permute2f128_ps::<0x31>(a, b)),
    };
    (F32x8(even), F32x8(odd))
}

#[inline]
#[target_feature(enable = "avx2")]
unsafe fn exchange_f64<const S: usize>(a: F64x4, b: F64x4) -> (F64x4, F64x4) {
    let (a, b) = (a.0, b.0);
    let (even, odd) = match S {
        1 => (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b)),
        _ => (_mm256_permute2f128_pd::<0x20>(a, b), _mm256_permute2f128_pd::<0x31>(a, b)),
    };
    (F64x4(even), F64x4(odd))
}

/// The processor's estimate, to 11 bits, and a step of Newton's.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn recip_f32(x: __m256) -> __m256 {
    let r = _mm256_rcp_ps(x);
    _mm256_mul_ps(r, _mm256_fnmadd_ps(x, r, _mm256_set1_ps(2.0)))
}

/// There is no estimate for these.
#[inline]
#[target_feature(enable = "avx2")]
fn recip_f64(x: __m256d) -> __m256d {
    _mm256_div_pd(_mm256_set1_pd(1.0), x)
}

/// Runs `op` compiled for AVX2 and FMA, apart from its caller.
///
/// # Safety
/// The processor has them; the operands of `op` satisfy its contract.
#[target_feature(enable = "avx2,fma")]
#[inline(never)]
pub(crate) unsafe fn run<V: Vector, O: Op<V::Elem>>(op: O) -> O::Out {
    // SAFETY: this function's own features, and the caller's promise.
    unsafe { op.run::<V>() }
}
