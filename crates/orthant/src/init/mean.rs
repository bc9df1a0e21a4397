//! The mean as numpy takes it, in the data's own precision, so that the random start has scikit-learn's numbers.

use std::ops::Range;

use orthant_kernel::{Csr, View, allocate};

use crate::lines::{DenseLines, SparseLines};
use crate::shape::Shape;
use crate::{Error, Matrix, Real};

/// Elements that numpy sums in one go.
const BLOCK: usize = 128;
/// Elements below which the two halves are not worth two threads.
const SERIAL: usize = 1 << 16;

/// Mean of `scale`·V. Dense: numpy's pairwise sum over contiguous memory, else row by row (column by column where columns
/// are the closer ones), divided by the count. Sparse: scipy's, the pairwise sum of all entries as they lie, each times
/// one over the count. Data that is not in memory is contiguous.
///
/// # Errors
/// Whatever keeps that from being read.
pub(crate) fn mean<T: Real>(v: &Matrix<'_, T>, scale: T, parallel: bool) -> Result<T, Error> {
    let entries = |v: &Csr<'_, T>| {
        let part = T::from_f64(1.0 / (v.nrows() as f64 * v.ncols() as f64));
        sum_of_entries(v, 0..v.nnz(), (scale, part), parallel)
    };
    Ok(match v {
        Matrix::Dense(v) => dense(*v, scale, parallel),
        Matrix::Csr(v) => entries(v),
        Matrix::Csc(v) => entries(v.transposed()),
        Matrix::OutOfCore(part) => {
            let (m, n) = (v.nrows(), v.ncols());
            let count = m as f64 * n as f64;
            match part.entries() {
                Some(lines) => {
                    let by = (scale, T::from_f64(1.0 / count));
                    sum_of_read_entries(&lines, lines.longest(), 0..lines.nnz(), by, parallel)?
                }
                None => {
                    let lines = DenseLines::OutOfCore(part.clone());
                    sum_of_lines(&lines, 0..m * n, scale, parallel)? / T::from_f64(count)
                }
            }
        }
    })
}

/// Elements of lines that are not in memory which are read at once, at most, but for the ends of the first and the last line.
fn read_at_once(line: usize) -> usize {
    (SERIAL / 8).max(line)
}

/// What [`mean`] takes of data that is not in memory.
pub(crate) fn mean_bytes<T>(v: &Shape, workers: usize) -> usize {
    if !v.out_of_core {
        return 0;
    }
    let (line, element) = match v.entries {
        Some(_) => (v.lines_of_s.longest, size_of::<u32>() + size_of::<T>()),
        None => (v.lines().1, size_of::<T>()),
    };
    workers * (read_at_once(line) + 2 * line) * element
}

/// [`pairwise`] over elements of lines, as one lies after the other.
fn sum_of_lines<T: Real>(
    v: &DenseLines<'_, T>,
    range: Range<usize>,
    scale: T,
    parallel: bool,
) -> Result<T, Error> {
    let (n, line) = (range.len(), v.ncols());
    if n <= read_at_once(line) {
        let (first, last) = (range.start / line, range.end.div_ceil(line));
        let mut copy = allocate::filled((last - first) * line, T::ZERO);
        v.copy_to(first..last, &mut copy)?;
        return Ok(pairwise(&copy[range.start - first * line..][..n], scale, false));
    }
    let middle = range.start + half(n);
    let (a, b) = (range.start..middle, middle..range.end);
    if !parallel {
        return Ok(sum_of_lines(v, a, scale, false)? + sum_of_lines(v, b, scale, false)?);
    }
    let (a, b) = rayon::join(|| sum_of_lines(v, a, scale, true), || sum_of_lines(v, b, scale, true));
    Ok(a? + b?)
}

/// [`sum_of_entries`] over entries that are read.
fn sum_of_read_entries<T: Real>(
    v: &SparseLines<'_, T>,
    longest: usize,
    range: Range<usize>,
    by: (T, T),
    parallel: bool,
) -> Result<T, Error> {
    let n = range.len();
    if n <= read_at_once(longest) {
        // the lines that the entries are of
        let first = line_of(v, range.start);
        let last = if n == 0 { first } else { line_of(v, range.end - 1) + 1 };
        let mut room = v.room(v.range_nnz(first..last), false);
        let skipped = range.start - v.entries_before(first);
        let values = v.read(first..last, by.0, &mut room)?.values();
        return Ok(pairwise(&values[skipped..][..n], by.1, false));
    }
    let middle = range.start + half(n);
    let (a, b) = (range.start..middle, middle..range.end);
    let of = |part| sum_of_read_entries(v, longest, part, by, parallel);
    if !parallel {
        return Ok(of(a)? + of(b)?);
    }
    let (a, b) = rayon::join(|| of(a), || of(b));
    Ok(a? + b?)
}

/// The line of that entry.
fn line_of<T: Real>(v: &SparseLines<'_, T>, entry: usize) -> usize {
    let (mut first, mut end) = (0, v.nrows());
    while first + 1 < end {
        let middle = first.midpoint(end);
        if v.entries_before(middle) <= entry { first = middle } else { end = middle }
    }
    first
}

/// [`pairwise`] over entries of any type, each times the scale and then the part: their product could vanish.
fn sum_of_entries<T: Real>(v: &Csr<'_, T>, range: Range<usize>, by: (T, T), parallel: bool) -> T {
    let n = range.len();
    if n <= BLOCK {
        let mut block = [T::ZERO; BLOCK];
        v.copy_entries(range, by.0, &mut block[..n]);
        return pairwise(&block[..n], by.1, false);
    }
    let middle = range.start + half(n);
    let (a, b) = (range.start..middle, middle..range.end);
    if n <= SERIAL || !parallel {
        return sum_of_entries(v, a, by, false) + sum_of_entries(v, b, by, false);
    }
    let (a, b) = rayon::join(|| sum_of_entries(v, a, by, true), || sum_of_entries(v, b, by, true));
    a + b
}

/// Where numpy cuts n elements in two.
fn half(n: usize) -> usize {
    n / 2 - n / 2 % 8
}

fn dense<T: Real>(v: View<'_, T>, scale: T, parallel: bool) -> T {
    let count = T::from_f64(v.nrows() as f64 * v.ncols() as f64);
    if let Some(all) = v.as_contiguous() {
        return pairwise(all, scale, parallel) / count;
    }
    let v = if v.col_stride().unsigned_abs() <= v.row_stride().unsigned_abs() { v } else { v.transposed() };
    let mut row = allocate::filled(v.ncols(), T::ZERO);
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
    let (a, b) = x.split_at(half(n));
    if n <= SERIAL || !parallel {
        return pairwise(a, scale, false) + pairwise(b, scale, false);
    }
    let (a, b) = rayon::join(|| pairwise(a, scale, true), || pairwise(b, scale, true));
    a + b
}

#[cfg(test)]
mod tests {
    use orthant_kernel::Dense;

    use super::*;

    /// Entries near the end of the range have a scale so small that one over the count times it would vanish.
    #[test]
    fn the_scale_of_sparse_data_does_not_matter() {
        let plain =
            Dense::from_fn(
                300,
                200,
                |i, j| if (i * 7 + j) % 5 == 0 { 1.0 + (i + j) as f32 / 500.0 } else { 0.0 },
            );
        let by = 2f32.powi(124);
        let large = Dense::from_fn(300, 200, |i, j| plain[(i, j)] * by);
        let mean_of = |v: &Dense<f32>, scale| mean(&Matrix::Csr(Csr::of_dense(v)), scale, false).unwrap();
        let expected = mean_of(&plain, 1.0);
        assert!((f64::from(expected) - 0.3).abs() < 0.01, "{expected}");
        assert_eq!(mean_of(&large, 1.0 / by).to_bits(), expected.to_bits());
    }
}
