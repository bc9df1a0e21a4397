//! ½‖S − X·Yᵀ‖²: two products with rows of S, and the residual.

use orthant_kernel::gemm::gemm;
use orthant_kernel::{Real, View, accumulate, accumulator_stride, numerators, scan, sparse};

use crate::source::{Rows, SparseRows};
use crate::twofold::Twofold;

/// How a residual of sparse rows, which is computed by their entries, is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Residual {
    /// From products in the element type.
    Quick,
    /// All in double precision.
    Wide,
    /// In twice that precision.
    Twofold,
}

impl<T: Real> Rows<'_, T> {
    /// out (rows×k) = S_b·Y, with Y cols×k, its rows a [`row_stride`](crate::source::Extent::row_stride) or k apart.
    pub fn numerators(&self, y: &[T], k: usize, out: &mut [T]) {
        match self {
            Self::Dense(s) => match (s.view(), s.backend) {
                (view, None) => numerators(s.isa, view, y, k, out),
                (view, Some(backend)) => {
                    let y = View::row_major(y, view.ncols(), k).expect("Y is cols×k");
                    gemm(backend, view, y, out, k, false);
                }
            },
            Self::Sparse(SparseRows { rows, isa, .. }) => sparse::numerators(*isa, *rows, y, k, out),
        }
    }

    /// acc (cols×stride) += S_bᵀ·Z, with Z rows×k and the kernel's [`accumulator_stride`].
    pub fn accumulate(&self, z: &[T], k: usize, acc: &mut [T]) {
        match self {
            Self::Dense(s) => match (s.view(), s.backend) {
                (view, None) => accumulate(s.isa, view, z, k, acc),
                (view, Some(backend)) => {
                    let z = View::row_major(z, view.nrows(), k).expect("Z is rows×k");
                    gemm(backend, view.transposed(), z, acc, accumulator_stride::<T>(k), true);
                }
            },
            Self::Sparse(SparseRows { rows, isa, .. }) => sparse::accumulate(*isa, *rows, z, k, acc),
        }
    }

    /// `sum` + ‖S_b − X·Yᵀ‖², with X rows×k, Y cols×k and the kernel's
    /// [`residual_scratch_len`](orthant_kernel::scan::residual_scratch_len) of scratch; of sparse rows without ‖X·Yᵀ‖².
    pub fn squared_residual(
        &mut self,
        how: Residual,
        x: &[T],
        y: &[T],
        k: usize,
        scratch: &mut [T],
        sum: Twofold,
    ) -> Twofold {
        match self {
            Self::Dense(s) => sum.after(|sum| scan::squared_residual(s.isa, s.view(), x, y, k, scratch, sum)),
            Self::Sparse(s) => {
                s.row.resize(k, 0.0);
                if how == Residual::Twofold {
                    return s.twofold(x, y, sum);
                }
                let (wide, SparseRows { rows, isa, row, .. }) = (how == Residual::Wide, s);
                sum.after(|sum| sparse::residual_entries(*isa, *rows, x, y, k, wide, row, sum))
            }
        }
    }
}

impl<T: Real> SparseRows<'_, T> {
    /// `sum` + Σ v(v − 2p) over the entries, for P = X·Yᵀ.
    fn twofold(&mut self, x: &[T], y: &[T], mut sum: Twofold) -> Twofold {
        let k = self.row.len();
        for (i, x) in x.chunks_exact(k).enumerate() {
            self.row.iter_mut().zip(x).for_each(|(to, x)| *to = -2.0 * x.to_f64());
            let (indices, values) = self.rows.row(i);
            for (&j, v) in indices.iter().zip(values) {
                let (v, y) = (v.to_f64(), &y[j as usize * k..][..k]);
                let terms = self.row.iter().zip(y).filter(|(x, y)| **x != 0.0 && **y != T::ZERO);
                let left =
                    terms.fold(v.into(), |left: Twofold, (&x, y)| left.plus(Twofold::product(x, y.to_f64())));
                sum = sum.plus(left.times(v));
            }
        }
        sum
    }
}
