//! The mean as numpy takes it, in the data's own precision, so that the random start has scikit-learn's numbers.

use orthant_kernel::{Csr, Real, Unfolded, View};

use crate::Matrix;

/// Elements that numpy sums in one go.
const BLOCK: usize = 128;
/// Rows of sparse data that are read together.
const ROWS: usize = 256;
/// Elements below which the two halves are not worth two threads.
const SERIAL: usize = 1 << 16;

/// Mean of `scale`·V. Dense: numpy's pairwise sum over contiguous memory, else row by row (column by column where columns
/// are the closer ones), divided by the count. Sparse: scipy's, of which each entry is divided by the count first, each row
/// then summed one by one, and the rows pairwise.
pub(crate) fn mean<T: Real>(v: &Matrix<'_, T>, scale: T, parallel: bool) -> T {
    let count = T::from_f64(v.nrows() as f64 * v.ncols() as f64);
    match v {
        Matrix::Dense(v) => dense(*v, scale, parallel),
        Matrix::Csr(v) => {
            let mut sums = Vec::with_capacity(v.nrows());
            let mut scratch = Unfolded::default();
            for first in (0..v.nrows()).step_by(ROWS) {
                let rows = v.block(first..v.nrows().min(first + ROWS), T::ONE, &mut scratch);
                let sum = |i| rows.row(i).1.iter().fold(T::ZERO, |sum, &x| sum + x * scale / count);
                sums.extend((0..rows.nrows()).map(sum));
            }
            pairwise(&sums, T::ONE, parallel)
        }
        Matrix::Csc(v) => pairwise(&sums_across(v.transposed(), scale, count), T::ONE, parallel),
    }
}

/// Σ x·scale/count over the lines, for each index.
fn sums_across<T: Real>(lines: &Csr<'_, T>, scale: T, count: T) -> Vec<T> {
    let mut sums = vec![T::ZERO; lines.ncols()];
    for line in 0..lines.nrows() {
        for (i, x) in lines.row(line) {
            sums[i] += x * scale / count;
        }
    }
    sums
}

fn dense<T: Real>(v: View<'_, T>, scale: T, parallel: bool) -> T {
    let count = T::from_f64(v.nrows() as f64 * v.ncols() as f64);
    if let Some(all) = v.as_contiguous() {
        return pairwise(all, scale, parallel) / count;
    }
    let v = if v.col_stride().unsigned_abs() <= v.row_stride().unsigned_abs() { v } else { v.transposed() };
    let mut row = vec![T::ZERO; v.ncols()];
    let mut sum = T::ZERO;
    for i in 0..v.nrows() {
        v.rows(i..i + 1).copy_to(&mut row);
        sum += pairwise(&row, scale, parallel);
    }
    sum / count
}

fn pairwise<T: Real>(x: &[T], scale: T, parallel: bool) -> T {
    let n = x.len();
    if n < 8 {
        return x.iter().fold(T::ZERO, |sum, &x| sum + x * scale);
    }
    if n <= BLOCK {
        let mut r: [T; 8] = std::array::from_fn(|l| x[l] * scale);
        let mut chunks = x[8..].chunks_exact(8);
        for chunk in &mut chunks {
            for l in 0..8 {
                r[l] += chunk[l] * scale;
            }
        }
        let sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
        return chunks.remainder().iter().fold(sum, |sum, &x| sum + x * scale);
    }
    let half = n / 2 - n / 2 % 8;
    let (a, b) = x.split_at(half);
    if n <= SERIAL || !parallel {
        return pairwise(a, scale, false) + pairwise(b, scale, false);
    }
    let (a, b) = rayon::join(|| pairwise(a, scale, true), || pairwise(b, scale, true));
    a + b
}
