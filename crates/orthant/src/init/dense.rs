//! The small dense decompositions that a truncated singular value decomposition is made of.
//!
//! One thread and fixed orders, so that they have the same bits everywhere they are called. Matrices handed to faer
//! are column-major: its products of small matrices are only sound for those.

use std::cell::Cell;

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch as apply_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj as apply,
};
use faer::linalg::matmul::matmul;
use faer::linalg::qr::no_pivoting::factor::{qr_in_place, qr_in_place_scratch, recommended_block_size};
use faer::linalg::svd::{ComputeSvdVectors, svd, svd_scratch};
use faer::{Accum, Conj, Mat, Par};
use orthant_kernel::{Buffer, allocate, second_level_cache};

use crate::{Error, Real};

/// The P·L of A's (rows×cols, row-major) LU decomposition P·L·U with row exchanges: a basis of the same space, of
/// rows×min(rows, cols) elements and its entries at most 1; and its columns.
///
/// Where nothing is left of a column to divide by, it becomes a unit vector: no basis is lost, and nothing is NaN.
/// rows·cols² flops. Golub & Van Loan, Matrix Computations, 4th ed. (2013), algorithm 3.4.1.
pub(super) fn lower_factor<T: Real>(mut a: Vec<T>, cols: usize) -> (Vec<T>, usize) {
    let rows = a.len() / cols;
    let count = rows.min(cols);
    let mut order = allocate::collected(0..rows);
    let largest = |a: &[T], from: usize, t: usize| {
        (from..rows).fold((from, T::ZERO), |(best, most), i| {
            let x = a[i * cols + t].abs();
            if x > most { (i, x) } else { (best, most) }
        })
    };
    let mut pivot = largest(&a, 0, 0).0;
    for t in 0..count {
        if pivot != t {
            let (head, tail) = a.split_at_mut(pivot * cols);
            head[t * cols..(t + 1) * cols].swap_with_slice(&mut tail[..cols]);
            order.swap(t, pivot);
        }
        let (head, tail) = a.split_at_mut((t + 1) * cols);
        let top = &head[t * cols..];
        let (mut best, mut most) = (t + 1, T::ZERO);
        for (i, row) in tail.chunks_exact_mut(cols).enumerate() {
            if top[t] != T::ZERO {
                let factor = row[t] / top[t];
                row[t] = factor;
                row[t + 1..].iter_mut().zip(&top[t + 1..]).for_each(|(x, &y)| *x -= factor * y);
            }
            // the next pivot, while the row is at hand
            if t + 1 < count && row[t + 1].abs() > most {
                (best, most) = (t + 1 + i, row[t + 1].abs());
            }
        }
        pivot = best;
    }
    let mut out = allocate::filled(rows * count, T::ZERO);
    for (i, (&to, row)) in order.iter().zip(a.chunks_exact(cols)).enumerate() {
        let out = &mut out[to * count..(to + 1) * count];
        let below = i.min(count);
        out[..below].copy_from_slice(&row[..below]);
        if i < count {
            out[i] = T::ONE;
        }
    }
    (out, count)
}

/// An orthonormal basis, rows×min(rows, cols) and row-major, of a space that holds A's columns (rows×cols, row-major).
///
/// Householder reflections in double precision: orthonormal to rounding, whatever the rank of A. 4·rows·cols² flops.
pub(crate) fn orthonormal<T: Real>(a: Vec<T>, cols: usize) -> (Vec<T>, usize) {
    let rows = a.len() / cols;
    let count = rows.min(cols);
    keep_for_products();
    sure(orthonormal_bytes::<T>(rows, cols) - Buffer::<T>::bytes(rows * cols));
    let mut qr = column_major(a, cols);
    let block = recommended_block_size::<f64>(rows, cols);
    let mut reflectors = Mat::<f64>::zeros(block, count);
    let need = qr_in_place_scratch::<f64>(rows, cols, block, Par::Seq, Default::default());
    let need = need.or(apply_scratch::<f64>(rows, block, count));
    let mut memory = MemBuffer::new(need);
    let stack = MemStack::new(&mut memory);
    qr_in_place(qr.as_mut(), reflectors.as_mut(), Par::Seq, stack, Default::default());
    let mut q = Mat::<f64>::identity(rows, count);
    apply(qr.as_ref().subcols(0, count), reflectors.as_ref(), Conj::No, q.as_mut(), Par::Seq, stack);
    drop((qr, reflectors, memory));
    (row_major(&q, count), count)
}

/// What [`orthonormal`] takes of a rows×cols matrix, that included.
pub(crate) fn orthonormal_bytes<T: Real>(rows: usize, cols: usize) -> usize {
    let count = rows.min(cols);
    let (a, out) = (Buffer::<T>::bytes(rows * cols), Buffer::<T>::bytes(rows * count));
    let block = recommended_block_size::<f64>(rows, cols);
    let need = qr_in_place_scratch::<f64>(rows, cols, block, Par::Seq, Default::default());
    let need = need.or(apply_scratch::<f64>(rows, block, count)).unaligned_bytes_required();
    let (qr, q) = (mat_bytes(rows, cols), mat_bytes(rows, count));
    (a + qr).max(qr + q + mat_bytes(block, count) + need).max(q + out)
}

/// What [`thin`] takes of a rows×cols matrix, that included.
pub(super) fn thin_bytes(rows: usize, cols: usize) -> usize {
    let vectors = ComputeSvdVectors::Thin;
    let need = svd_scratch::<f64>(rows, cols, vectors, vectors, Par::Seq, Default::default());
    let vectors = mat_bytes(rows, cols) + mat_bytes(cols, cols);
    mat_bytes(rows, cols) + vectors + need.unaligned_bytes_required()
}

/// Bytes of a matrix of faer's: columns begin at cache lines.
pub(super) fn mat_bytes(rows: usize, cols: usize) -> usize {
    rows.next_multiple_of(8) * cols * size_of::<f64>()
}

/// What faer's products keep for each thread that has made one, as long as it lives: copies of both operands of as much as a
/// third-level cache has, which on x86-64 is taken for 2 MiB, and of one as much as the second-level cache elsewhere. Most of it is
/// seldom touched.
pub(crate) fn kept_by_products() -> usize {
    if cfg!(target_arch = "x86_64") { 2 * (2 << 20) } else { second_level_cache() }
}

/// Lets this thread's products take what they [keep](kept_by_products), unless they have it.
///
/// # Panics
/// As [`sure`] does.
fn keep_for_products() {
    thread_local! {
        static KEPT: Cell<bool> = const { Cell::new(false) };
    }
    if KEPT.get() {
        return;
    }
    sure(kept_by_products());
    // faer allocates it only inside a product of matrices, so a small one is made
    const SIDE: usize = 32;
    let (a, mut product) = (Mat::<f64>::identity(SIDE, SIDE), Mat::zeros(SIDE, SIDE));
    matmul(product.as_mut(), Accum::Replace, a.as_ref(), a.as_ref(), 1.0, Par::Seq);
    KEPT.set(true);
}

/// Makes sure of memory that faer takes next, which ends the process where it finds none.
///
/// # Panics
/// With an [`OutOfMemory`](orthant_kernel::OutOfMemory), which ends the fit with an error.
pub(super) fn sure(bytes: usize) {
    drop(allocate::room::<u8>(bytes));
}

/// A = U·diag(s)·Vᵀ, with s falling.
pub(super) struct Thin {
    /// rows×cols.
    pub u: Mat<f64>,
    pub s: Vec<f64>,
    /// cols×cols.
    pub v: Mat<f64>,
}

/// The singular value decomposition of a matrix with no more columns than rows, column-major.
///
/// # Errors
/// [`Error::SingularValues`].
pub(super) fn thin(a: Mat<f64>) -> Result<Thin, Error> {
    let (rows, cols) = (a.nrows(), a.ncols());
    debug_assert!(rows >= cols);
    keep_for_products();
    sure(thin_bytes(rows, cols) - mat_bytes(rows, cols));
    let (mut u, mut v) = (Mat::zeros(rows, cols), Mat::zeros(cols, cols));
    let mut s = faer::diag::Diag::<f64>::zeros(cols);
    let vectors = ComputeSvdVectors::Thin;
    let need = svd_scratch::<f64>(rows, cols, vectors, vectors, Par::Seq, Default::default());
    let mut memory = MemBuffer::new(need);
    let stack = MemStack::new(&mut memory);
    let (to_u, to_v) = (Some(u.as_mut()), Some(v.as_mut()));
    svd(a.as_ref(), s.as_mut(), to_u, to_v, Par::Seq, stack, Default::default())
        .map_err(|_| Error::SingularValues)?;
    let s = (0..cols).map(|t| s.column_vector()[t]).collect();
    Ok(Thin { u, s, v })
}

/// A row-major matrix in faer's order.
pub(super) fn column_major<T: Real>(a: Vec<T>, cols: usize) -> Mat<f64> {
    sure(mat_bytes(a.len() / cols, cols));
    Mat::from_fn(a.len() / cols, cols, |i, j| a[i * cols + j].to_f64())
}

/// The first k columns, row-major.
pub(super) fn row_major<T: Real>(a: &Mat<f64>, k: usize) -> Vec<T> {
    let mut out = Buffer::roomy(a.nrows() * k);
    out.iter_mut().enumerate().for_each(|(i, x)| *x = T::from_f64(a[(i / k, i % k)]));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes around faer's block and register sizes, odd ones first of all; rank r of what is asked for.
    fn each_shape(check: impl Fn(usize, usize, &[f64])) {
        let sizes = [1_usize, 2, 3, 5, 7, 8, 9, 13, 17, 31, 33, 65, 131];
        for (a, rows) in sizes.into_iter().enumerate() {
            for (b, cols) in sizes.into_iter().enumerate() {
                for rank in [0, 1, 2, cols.div_ceil(2), cols] {
                    let mut r = crate::RandomState::new((a * 1000 + b * 10 + rank) as u32);
                    let x: Vec<f64> = (0..rows * rank).map(|_| r.standard_normal()).collect();
                    let y: Vec<f64> = (0..rank * cols).map(|_| r.standard_normal()).collect();
                    let at = |i: usize, j: usize| (0..rank).map(|t| x[i * rank + t] * y[t * cols + j]).sum();
                    let a: Vec<f64> = (0..rows * cols).map(|i| at(i / cols, i % cols)).collect();
                    check(rows, cols, &a);
                }
            }
        }
    }

    /// How far A's columns are from the space of the orthonormal Q's.
    fn outside(a: &[f64], cols: usize, q: &[f64], count: usize) -> f64 {
        let rows = a.len() / cols;
        let mut worst = 0.0_f64;
        for j in 0..cols {
            let mut rest: Vec<f64> = (0..rows).map(|i| a[i * cols + j]).collect();
            for t in 0..count {
                let dot: f64 = (0..rows).map(|i| q[i * count + t] * rest[i]).sum();
                (0..rows).for_each(|i| rest[i] -= dot * q[i * count + t]);
            }
            worst = rest.iter().fold(worst, |w, x| w.max(x.abs()));
        }
        worst
    }

    #[test]
    fn a_basis_is_orthonormal_and_holds_the_columns() {
        each_shape(|rows, cols, a| {
            let (q, count) = orthonormal(a.to_vec(), cols);
            assert_eq!((count, q.len()), (rows.min(cols), rows * rows.min(cols)));
            for s in 0..count {
                for t in 0..count {
                    let dot: f64 = (0..rows).map(|i| q[i * count + s] * q[i * count + t]).sum();
                    assert!((dot - f64::from(s == t)).abs() < 1e-13, "{rows}×{cols}: {dot}");
                }
            }
            assert!(outside(a, cols, &q, count) < 1e-11, "{rows}×{cols}");
        });
    }

    #[test]
    fn a_lower_factor_spans_the_columns() {
        each_shape(|rows, cols, a| {
            let (l, count) = lower_factor(a.to_vec(), cols);
            assert_eq!((count, l.len()), (rows.min(cols), rows * rows.min(cols)));
            assert!(l.iter().all(|x| x.abs() <= 1.0), "{rows}×{cols}");
            let (q, count) = orthonormal(l, count);
            assert!(outside(a, cols, &q, count) < 1e-9, "{rows}×{cols}");
        });
    }

    #[test]
    fn singular_values_put_the_matrix_together() {
        each_shape(|rows, cols, a| {
            if rows < cols {
                return;
            }
            let Thin { u, s, v } = thin(column_major(a.to_vec(), cols)).unwrap();
            assert!(s.is_sorted_by(|a, b| a >= b) && s[cols - 1] >= 0.0);
            for i in 0..rows {
                for j in 0..cols {
                    let x: f64 = (0..cols).map(|t| u[(i, t)] * s[t] * v[(j, t)]).sum();
                    assert!((x - a[i * cols + j]).abs() < 1e-11 * (1.0 + s[0]), "{rows}×{cols}");
                }
            }
        });
    }

    /// Against scipy.linalg.lu([[1, 2], [4, 6], [2, 5]], permute_l=True).
    #[test]
    fn exchanges_are_undone() {
        let a = vec![1.0, 2.0, 4.0, 6.0, 2.0, 5.0];
        assert_eq!(lower_factor(a, 2), (vec![0.25, 0.25, 1.0, 0.0, 0.5, 1.0], 2));
    }
}
