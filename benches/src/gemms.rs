//! The two products of an iteration, V·Hᵀ and Vᵀ·W, by gemm alone: what the fused pass has to beat.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use orthant_kernel::gemm::{Backend, gemm};
use orthant_kernel::{Real, View, accumulator_stride};

use crate::numbers;

/// An element of both libraries.
pub trait Element: Real + faer::traits::ComplexField {}

impl<T: Real + faer::traits::ComplexField> Element for T {}

/// Who multiplies. One thread each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// The crate `gemm`.
    Gemm,
    /// faer's matmul into m×k and n×k, in its own column-major order.
    Faer,
    /// faer's matmul into their transposes, in the same order: rows of k adjacent.
    FaerTransposed,
    /// The system's OpenBLAS.
    #[cfg(feature = "openblas")]
    OpenBlas,
}

impl Peer {
    /// All that this program was built with.
    pub const ALL: &[Self] = &[
        Self::Gemm,
        Self::Faer,
        Self::FaerTransposed,
        #[cfg(feature = "openblas")]
        Self::OpenBlas,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gemm => "gemm",
            Self::Faer => "faer",
            Self::FaerTransposed => "faer, transposed",
            #[cfg(feature = "openblas")]
            Self::OpenBlas => "OpenBLAS",
        }
    }

    /// Whose it is: of one library's, the faster counts.
    pub fn library(self) -> &'static str {
        if self == Self::FaerTransposed { Self::Faer.name() } else { self.name() }
    }
}

/// Factors for V and room for both products, laid out as the peer likes it.
pub struct Gemms<T: Element> {
    by: By<T>,
}

enum By<T: Element> {
    Kernel { backend: Backend, k: usize, w: Vec<T>, ht: Vec<T>, a: Vec<T>, b: Vec<T> },
    Faer { transposed: bool, k: usize, w: Vec<T>, ht: Vec<T>, a: Mat<T>, b: Mat<T> },
}

impl<T: Element> Gemms<T> {
    /// Factors for m×n data from [`numbers`], W with seed 2 and Hᵀ with seed 3.
    pub fn new(peer: Peer, m: usize, n: usize, k: usize) -> Self {
        let (w, ht) = (numbers::<T>(m * k, 2), numbers::<T>(n * k, 3));
        let kernel = |backend, w, ht| {
            let (a, b) = (vec![Real::ZERO; m * k], vec![Real::ZERO; n * accumulator_stride::<T>(k)]);
            By::Kernel { backend, k, w, ht, a, b }
        };
        let by = match peer {
            Peer::Gemm => kernel(Backend::Rust, w, ht),
            #[cfg(feature = "openblas")]
            Peer::OpenBlas => kernel(Backend::Blas, w, ht),
            Peer::Faer => By::Faer { transposed: false, k, w, ht, a: Mat::zeros(m, k), b: Mat::zeros(n, k) },
            Peer::FaerTransposed => {
                By::Faer { transposed: true, k, w, ht, a: Mat::zeros(k, m), b: Mat::zeros(k, n) }
            }
        };
        Self { by }
    }

    /// V·Hᵀ and Vᵀ·W, for V m×n with adjacent rows and columns.
    ///
    /// # Panics
    /// If V has gaps or another shape.
    pub fn both(&mut self, v: View<'_, T>) {
        match &mut self.by {
            By::Kernel { backend, k, w, ht, a, b } => {
                let rows = |x, count| View::row_major(x, count, *k).expect("rows of k");
                gemm(*backend, v, rows(ht, v.ncols()), a, *k, false);
                gemm(*backend, v.transposed(), rows(w, v.nrows()), b, accumulator_stride::<T>(*k), false);
            }
            By::Faer { transposed, k, w, ht, a, b } => {
                let (m, n) = (v.nrows(), v.ncols());
                let v = MatRef::from_row_major_slice(v.as_contiguous().expect("rows without gaps"), m, n);
                let (w, ht) =
                    (MatRef::from_row_major_slice(w, m, *k), MatRef::from_row_major_slice(ht, n, *k));
                let one = <T as Real>::ONE;
                if *transposed {
                    matmul(a, Accum::Replace, ht.transpose(), v.transpose(), one, Par::Seq);
                    matmul(b, Accum::Replace, w.transpose(), v, one, Par::Seq);
                } else {
                    matmul(a, Accum::Replace, v, ht, one, Par::Seq);
                    matmul(b, Accum::Replace, v.transpose(), w, one, Par::Seq);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use orthant_kernel::naive;

    use super::*;

    /// V·Hᵀ and Vᵀ·W, both row-major.
    fn products<T: Element>(gemms: &Gemms<T>, (m, n, k): (usize, usize, usize)) -> (Vec<f64>, Vec<f64>) {
        let of = |rows: usize, at: &dyn Fn(usize, usize) -> T| {
            (0..rows * k).map(|e| at(e / k, e % k).to_f64()).collect()
        };
        match &gemms.by {
            By::Kernel { a, b, .. } => {
                let stride = accumulator_stride::<T>(k);
                (of(m, &|i, t| a[i * k + t]), of(n, &|j, t| b[j * stride + t]))
            }
            By::Faer { transposed: true, a, b, .. } => (of(m, &|i, t| a[(t, i)]), of(n, &|j, t| b[(t, j)])),
            By::Faer { a, b, .. } => (of(m, &|i, t| a[(i, t)]), of(n, &|j, t| b[(j, t)])),
        }
    }

    fn check<T: Element>((m, n, k): (usize, usize, usize), tolerance: f64) {
        let v = numbers::<T>(m * n, 1);
        let v = View::row_major(&v, m, n).unwrap();
        let a = naive::numerators(v, &numbers::<T>(n * k, 3), k);
        let b = naive::accumulate(v, &numbers::<T>(m * k, 2), k);
        for &peer in Peer::ALL {
            let mut gemms = Gemms::new(peer, m, n, k);
            gemms.both(v);
            let (found_a, found_b) = products(&gemms, (m, n, k));
            assert_eq!((found_a.len(), found_b.len()), (a.len(), b.len()));
            for (found, sum) in found_a.iter().zip(&a).chain(found_b.iter().zip(&b)) {
                assert!((found - sum).abs() <= tolerance * sum.abs(), "{} {m}×{n} k={k}", peer.name());
            }
        }
    }

    #[test]
    fn every_peer_multiplies() {
        for shape in [(33, 50, 17), (3, 5, 1), (200, 130, 32)] {
            check::<f32>(shape, 1e-5);
            check::<f64>(shape, 1e-13);
        }
    }
}
