//! General matrix products through one interface with two backends.
//!
//! [`Backend::Rust`] is the `gemm` crate of the faer project: pure Rust, AVX-512 where there is any, always there.
//! (faer's own front to it, 0.24, sends small products to another crate that writes outside a row-major result.) `Backend::Blas` calls `cblas_?gemm` and needs the feature
//! `openblas` (the system's OpenBLAS, by `blas-src` and `openblas-src`) or `blas`. With `blas` alone the final
//! program chooses the library: it depends on `blas-src` with the feature of its choice (`intel-mkl`, `blis`,
//! `accelerate`, …) and says `extern crate blas_src;`. Give that library one thread: callers here run several.

use crate::{Real, View};

/// Who multiplies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// The crate `gemm`, in Rust, which faer is built on.
    #[default]
    Rust,
    /// The linked CBLAS.
    #[cfg(feature = "blas")]
    Blas,
}

/// C = A·B, or C += A·B if `add`; A m×p and B p×n of any strides, C m×n with rows `stride` apart. One
/// thread. What lies between the rows of C is not touched.
///
/// ```
/// use orthant_kernel::{View, gemm::{Backend, gemm}};
/// let a = View::row_major(&[1.0, 2.0], 1, 2)?;
/// let mut c = [1.0; 2]; // one row of 1, padded to 2
/// gemm(Backend::Rust, a, a.transposed(), &mut c, 2, true);
/// assert_eq!(c, [6.0, 1.0]);
/// # Ok::<(), orthant_kernel::LayoutError>(())
/// ```
///
/// # Panics
/// If the extents do not match.
pub fn gemm<T: Real>(
    backend: Backend,
    a: View<'_, T>,
    b: View<'_, T>,
    c: &mut [T],
    stride: usize,
    add: bool,
) {
    assert_eq!(a.ncols(), b.nrows(), "inner extents");
    assert!(stride >= b.ncols(), "rows of C do not overlap");
    assert!(crate::products::holds(c.len(), a.nrows(), stride), "C is m×stride");
    if c.is_empty() {
        return;
    }
    if a.ncols() == 0 {
        if !add {
            c.chunks_exact_mut(stride).for_each(|row| row[..b.ncols()].fill(T::ZERO));
        }
        return;
    }
    match backend {
        Backend::Rust => T::by_rust(a, b, c, stride, add),
        #[cfg(feature = "blas")]
        Backend::Blas => T::by_blas(a, b, c, stride, add),
    }
}

/// The element's own entry points.
pub trait Typed: Sized {
    #[doc(hidden)]
    fn by_rust(a: View<'_, Self>, b: View<'_, Self>, c: &mut [Self], stride: usize, add: bool);
    #[cfg(feature = "blas")]
    #[doc(hidden)]
    fn by_blas(a: View<'_, Self>, b: View<'_, Self>, c: &mut [Self], stride: usize, add: bool);
}

macro_rules! typed {
    ($t:ident, $cblas:ident) => {
        impl Typed for $t {
            fn by_rust(a: View<'_, $t>, b: View<'_, $t>, c: &mut [$t], stride: usize, add: bool) {
                // SAFETY: A and B are views, C is m×stride with stride ≥ n: all that is read or written exists.
                unsafe {
                    ::gemm::gemm(
                        a.nrows(),
                        b.ncols(),
                        a.ncols(),
                        c.as_mut_ptr(),
                        1,
                        stride as isize,
                        add,
                        a.as_ptr(),
                        a.col_stride(),
                        a.row_stride(),
                        b.as_ptr(),
                        b.col_stride(),
                        b.row_stride(),
                        1.0,
                        1.0,
                        false,
                        false,
                        false,
                        ::gemm::Parallelism::None,
                    );
                }
            }

            #[cfg(feature = "blas")]
            fn by_blas(a: View<'_, $t>, b: View<'_, $t>, c: &mut [$t], stride: usize, add: bool) {
                let (m, n, p) = (a.nrows(), b.ncols(), a.ncols());
                let largest = m.max(p).max(stride);
                let ((Some((ta, lda)), Some((tb, ldb))), false) =
                    ((blas::layout(a), blas::layout(b)), largest > i32::MAX as usize)
                else {
                    // strides that CBLAS has no words for
                    return Self::by_rust(a, b, c, stride, add);
                };
                blas::one_thread();
                let beta = if add { 1.0 } else { 0.0 };
                // SAFETY: `layout` found the operands to be what CBLAS calls row-major or transposed with these
                // leading dimensions, inside borrowed views; C is m×n, checked by the caller.
                unsafe {
                    cblas_sys::$cblas(
                        cblas_sys::CBLAS_LAYOUT::CblasRowMajor,
                        ta,
                        tb,
                        m as i32,
                        n as i32,
                        p as i32,
                        1.0,
                        a.as_ptr(),
                        lda,
                        b.as_ptr(),
                        ldb,
                        beta,
                        c.as_mut_ptr(),
                        stride as i32,
                    );
                }
            }
        }
    };
}

typed!(f32, cblas_sgemm);
typed!(f64, cblas_dgemm);

/// The processor that OpenBLAS has chosen its kernels for, as it names it.
#[cfg(feature = "openblas")]
pub fn openblas_core() -> String {
    unsafe extern "C" {
        fn openblas_get_corename() -> *const std::ffi::c_char;
    }
    // SAFETY: OpenBLAS' own function; it returns a string that is never freed.
    unsafe { std::ffi::CStr::from_ptr(openblas_get_corename()) }.to_string_lossy().into_owned()
}

#[cfg(feature = "blas")]
mod blas {
    use cblas_sys::CBLAS_TRANSPOSE::{self, CblasNoTrans, CblasTrans};

    use crate::{Real, View};

    #[cfg(feature = "openblas")]
    extern crate blas_src;
    #[cfg(feature = "openblas")]
    extern crate openblas_src;

    /// How CBLAS names a view's layout: transposition and leading dimension, of a row-major matrix.
    pub(super) fn layout<T: Real>(v: View<'_, T>) -> Option<(CBLAS_TRANSPOSE, i32)> {
        let (m, n, r, c) = (v.nrows(), v.ncols(), v.row_stride(), v.col_stride());
        let leading = |stride: isize, least: usize, count: usize| {
            let stride = if count <= 1 { least as isize } else { stride };
            i32::try_from(stride).ok().filter(|&s| s > 0 && s as usize >= least)
        };
        if c == 1 || n <= 1 {
            Some((CblasNoTrans, leading(r, n, m)?))
        } else if r == 1 || m <= 1 {
            Some((CblasTrans, leading(c, m, n)?))
        } else {
            None
        }
    }

    /// Threads are ours: a BLAS that starts its own inside every worker is slower, and OpenBLAS' sums then depend
    /// on their number.
    #[cfg(feature = "openblas")]
    pub(super) fn one_thread() {
        static ONCE: std::sync::Once = std::sync::Once::new();
        unsafe extern "C" {
            fn openblas_set_num_threads(threads: std::ffi::c_int);
        }
        // SAFETY: OpenBLAS' own function, with its documented signature; no product of ours runs before it.
        ONCE.call_once(|| unsafe { openblas_set_num_threads(1) });
    }

    #[cfg(not(feature = "openblas"))]
    pub(super) fn one_thread() {}
}
