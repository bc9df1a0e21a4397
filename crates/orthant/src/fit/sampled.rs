//! A start found on some rows of sparse data.
//!
//! ```text
//! V'       one row, drawn at random, of every s          s ≤ 16, with 5nk entries at least
//! (W', H)  from the start, by HALS on V', 15 iterations
//! (0, H)   is the start on V
//! ```
//!
//! Where rows are alike, few of them tell as much of H as all do: an iteration on them costs an s-th, and the first one on
//! V itself is near to a minimum. `docs/sparse.md` has what it saves.
//!
//! Cost: 15/s iterations. Memory: twice an s-th of V at most; where the rows that are drawn have more entries, which is
//! where a few have most of them, where a component is left without entries, and where the iterations fail, the ordinary
//! start is taken. Which rows these are follows from the seed, by a stream of its own. By columns the same rows are taken,
//! with the same sequence of updates.
//!
//! Gillis & Glineur, A multilevel approach for nonnegative matrix factorization, Journal of Computational and Applied
//! Mathematics 236(7), 2012, doi:10.1016/j.cam.2011.10.002, start from smaller data likewise: there neighbouring pixels are
//! averaged, here rows are left out.

use std::ops::ControlFlow;

use orthant_kernel::{Buffer, Csc, Csr, allocate};

use super::{Problem, run};
use crate::init;
use crate::lines::Near;
use crate::random::RandomState;
use crate::shape::Shape;
use crate::{Compression, Error, Iteration, Matrix, Method, Nmf, Options, Real, Scale, Stop, StopReason};

/// W and Hᵀ, if there is something to start from.
pub(super) type Found<T> = Option<(Vec<T>, Vec<T>)>;

/// Iterations on the sample.
const ITERATIONS: usize = 15;
/// The sample may hold at most this many times its proportional share of the entries.
const MOST_OF_ITS_SHARE: usize = 2;

impl<T: Real> Problem<'_, T> {
    /// W and Hᵀ for the scaled V as `rows` of its rows lead to them, unless they lead nowhere; and what was done.
    pub(super) fn sampled(&self, rows: usize) -> Result<(Found<T>, Compression), Error> {
        let (m, n, k) = (self.v.nrows(), self.v.ncols(), self.nmf.options.rank);
        let step = m.div_ceil(rows);
        let mut stream = self.nmf.random.clone().with(RandomState::fork);
        let drawn: Vec<usize> = (0..m)
            .step_by(step)
            .map(|first| {
                let of = step.min(m - first);
                first + ((stream.random_sample() * of as f64) as usize).min(of - 1)
            })
            .collect();
        let done = |iterations, kept| Compression { rows: drawn.len(), columns: n, iterations, kept };
        let most = MOST_OF_ITS_SHARE * share(self.v.nnz().unwrap_or(0), m, drawn.len());
        let Some(sample) = take(self.v, &drawn, most)? else { return Ok((None, done(0, false))) };
        let nmf = Nmf { options: options(&self.nmf.options), ..self.nmf.clone() };
        let mut unobserved = |_: &Iteration<'_, T>| ControlFlow::<StopReason>::Continue(());
        let fit = match run(&nmf, &sample, None, &mut unobserved, self.workers, self.began) {
            Ok(fit) => fit,
            Err(Error::Diverged { .. } | Error::LossOverflow { .. }) => {
                nmf.ranks.go_on();
                return Ok((None, done(0, false)));
            }
            Err(other) => return Err(other),
        };
        let h = fit.model.components();
        let alive = (0..k).all(|t| h.row(t).iter().any(|&x| x > T::ZERO));
        let found = alive.then(|| (Buffer::roomy(m * k), self.scaled(init::transposed(h))));
        Ok((found, done(fit.report.iterations, alive)))
    }
}

/// The options of the fit of a sample, in a fit with those.
pub(crate) fn options(of: &Options) -> Options {
    Options {
        stop: Some(Stop::Progress { tol: 0.0 }),
        tol: None,
        max_iter: ITERATIONS,
        method: Method::hals(),
        scale: Some(Scale::None),
        compress: None,
        memory_limit: None,
        block: None,
        ..of.clone()
    }
}

/// A sample of `rows` rows, at most.
pub(crate) fn shape<T>(v: &Shape, rows: usize) -> Shape {
    let most = MOST_OF_ITS_SHARE * share(v.entries.unwrap_or(0), v.m, rows);
    Shape::sparse::<T>(rows, v.n, most, v.by_columns)
}

/// Bytes that a sample of `rows` rows takes where a fit of it takes `fitting`: either with which rows are drawn, and with the factors
/// that are found.
pub(crate) fn bytes<T: Real>(v: &Shape, rows: usize, k: usize, fitting: usize) -> usize {
    let (drawn, places) = (rows * size_of::<usize>(), v.m * size_of::<u32>());
    let fitted = (rows + v.n) * k * size_of::<T>();
    let found = Buffer::<T>::bytes(v.m * k) + Buffer::<T>::bytes(v.n * k);
    drawn
        + shape::<T>(v, rows).bytes
        + (places + v.near::<T>(v.lines().0, 1)).max(fitting).max(fitted + found)
}

/// Entries that `rows` of m rows have on average.
fn share(entries: usize, m: usize, rows: usize) -> usize {
    entries.div_ceil(m.max(1)) * rows
}

/// Some rows of a sparse matrix, in the same order of memory, unless they have more than `most` entries.
///
/// # Errors
/// Whatever keeps V from being read.
fn take<T: Real>(
    v: &Matrix<'_, T>,
    rows: &[usize],
    most: usize,
) -> Result<Option<Matrix<'static, T>>, Error> {
    let lines = v.sparse_lines().expect("only sparse data is sampled");
    let by_columns = v.by_columns();
    // what has a place among them
    let mut place = allocate::filled(v.nrows(), u32::MAX);
    rows.iter().zip(0..).for_each(|(&i, new)| place[i] = new);
    let held = |i: usize| (place[i] != u32::MAX).then_some(place[i]);
    let mut near = Near::default();
    let mut count = 0;
    if by_columns {
        for j in 0..lines.nrows() {
            lines.each(j, &mut near, |i, _| count += usize::from(held(i).is_some()))?;
        }
    } else {
        count = rows.iter().map(|&i| lines.range_nnz(i..i + 1)).sum();
    }
    if count > most {
        return Ok(None);
    }
    let (mut indices, mut values) = (allocate::room(count), allocate::room(count));
    let mut indptr = allocate::room(1 + if by_columns { v.ncols() } else { rows.len() });
    indptr.push(0);
    let mut take_line = |line: usize, place: &dyn Fn(usize) -> Option<u32>| {
        lines.each(line, &mut near, |j, x| {
            if let Some(j) = place(j) {
                indices.push(j);
                values.push(x);
            }
        })?;
        indptr.push(indices.len());
        Ok::<(), Error>(())
    };
    if by_columns {
        (0..v.ncols()).try_for_each(|j| take_line(j, &held))?;
    } else {
        rows.iter().try_for_each(|&i| take_line(i, &|j| Some(j as u32)))?;
    }
    let n = v.ncols();
    let (lines, length) = if by_columns { (n, rows.len()) } else { (rows.len(), n) };
    let taken = Csr::new(lines, length, indptr, indices, values).expect("rows of a matrix are one");
    Ok(Some(if by_columns { Matrix::Csc(Csc::of_transposed(taken)) } else { Matrix::Csr(taken) }))
}

#[cfg(test)]
mod tests {
    use orthant_kernel::Dense;

    use super::*;

    #[test]
    fn the_rows_that_are_taken() {
        let dense = Dense::from_fn(7, 5, |i, j| if (i * j) % 3 == 1 { (i * 10 + j) as f64 } else { 0.0 });
        let rows = [0, 2, 4, 5];
        let expected = Dense::from_fn(4, 5, |i, j| dense[(rows[i], j)]);
        let csr = Csr::of_dense(&dense);
        let csc = Csc::of_transposed(csr.to_transposed());
        let count = expected.as_slice().iter().filter(|x| **x != 0.0).count();
        let (csr, csc) = (Matrix::Csr(csr), Matrix::Csc(csc));
        let taken = |v, most| take(v, &rows, most).unwrap();
        match (taken(&csr, count), taken(&csc, count)) {
            (Some(Matrix::Csr(a)), Some(Matrix::Csc(b))) => {
                assert_eq!((a.to_dense(), b.to_dense()), (expected.clone(), expected))
            }
            other => panic!("{other:?}"),
        }
        assert!(taken(&csr, count - 1).is_none() && taken(&csc, count - 1).is_none());
    }
}
