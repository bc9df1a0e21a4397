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
//! Cost: 15/s iterations. Memory: an s-th of V. Guarantee: that of the fit, as H is non-negative; where a component is left
//! without entries, or the iterations fail, the ordinary start is taken. Which rows these are follows from the seed, by a
//! stream of its own. By columns the same rows are taken, with the same sequence of updates.
//!
//! Gillis & Glineur, A multilevel approach for nonnegative matrix factorization, Journal of Computational and Applied
//! Mathematics 236(7), 2012, doi:10.1016/j.cam.2011.10.002, start from coarser data likewise: theirs has all rows, with
//! columns averaged.

use std::ops::ControlFlow;

use orthant_kernel::{Csc, Csr, Real};

use super::{Problem, run};
use crate::init::RandomState;
use crate::{Compression, Error, Iteration, Matrix, Method, Nmf, Stop, StopReason};

/// W and Hᵀ, if there is something to start from.
pub(super) type Found<T> = Option<(Vec<T>, Vec<T>)>;

/// Iterations on the sample.
const ITERATIONS: usize = 15;

impl<T: Real> Problem<'_, T> {
    /// W and Hᵀ for the scaled V as so many rows lead to them, unless they lead nowhere; and what was done.
    pub(super) fn sampled(&self, rows: usize) -> Result<(Found<T>, Compression), Error> {
        let (m, n, k) = (self.v.nrows(), self.v.ncols(), self.nmf.rank);
        let step = m.div_ceil(rows);
        let mut stream = self.nmf.random.clone().with(RandomState::fork);
        let drawn: Vec<usize> = (0..m)
            .step_by(step)
            .map(|first| {
                let of = step.min(m - first);
                first + ((stream.random_sample() * of as f64) as usize).min(of - 1)
            })
            .collect();
        let sample = take(self.v, &drawn);
        let nmf = Nmf {
            method: Method::Hals { sweeps: None },
            stop: Some(Stop::Progress { tol: 0.0 }),
            tol: None,
            max_iter: ITERATIONS,
            compress: None,
            memory_limit: None,
            block: None,
            ..self.nmf.clone()
        };
        let mut unobserved = |_: &Iteration<'_, T>| ControlFlow::<StopReason>::Continue(());
        let done = |iterations, kept| Compression { rows: drawn.len(), columns: n, iterations, kept };
        let fit = match run(&nmf, &sample, None, &mut unobserved, self.workers, self.began) {
            Ok(fit) => fit,
            Err(Error::Diverged { .. } | Error::LossOverflow { .. }) => return Ok((None, done(0, false))),
            Err(other) => return Err(other),
        };
        let h = fit.model.components();
        let alive = (0..k).all(|t| h.row(t).iter().any(|&x| x > T::ZERO));
        let found = alive.then(|| (vec![T::ZERO; m * k], self.scaled(h.transposed())));
        Ok((found, done(fit.report.iterations, alive)))
    }
}

/// Some rows of a sparse matrix, in the same order of memory.
fn take<T: Real>(v: &Matrix<'_, T>, rows: &[usize]) -> Matrix<'static, T> {
    let (mut indptr, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
    let mut push = |(j, x): (usize, T)| {
        indices.push(j as u32);
        values.push(x);
        indices.len()
    };
    match v {
        Matrix::Dense(_) => unreachable!("only sparse data is sampled"),
        Matrix::Csr(v) => {
            for &i in rows {
                let end = v.row(i).map(&mut push).last();
                indptr.push(end.unwrap_or(indptr[indptr.len() - 1]));
            }
            let csr = Csr::new(rows.len(), v.ncols(), indptr, indices, values);
            Matrix::Csr(csr.expect("rows of a matrix are one"))
        }
        Matrix::Csc(v) => {
            let mut place = vec![None; v.nrows()];
            rows.iter().enumerate().for_each(|(new, &i)| place[i] = Some(new));
            let columns = v.transposed();
            for j in 0..columns.nrows() {
                let of = columns.row(j).filter_map(|(i, x)| place[i].map(|new| (new, x)));
                let end = of.map(&mut push).last();
                indptr.push(end.unwrap_or(indptr[indptr.len() - 1]));
            }
            let columns = Csr::new(v.ncols(), rows.len(), indptr, indices, values);
            Matrix::Csc(Csc::of_transposed(columns.expect("rows of a matrix are one")))
        }
    }
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
        let (by_rows, by_columns) = (take(&Matrix::Csr(csr), &rows), take(&Matrix::Csc(csc), &rows));
        match (by_rows, by_columns) {
            (Matrix::Csr(a), Matrix::Csc(b)) => {
                assert_eq!((a.to_dense(), b.to_dense()), (expected.clone(), expected))
            }
            other => panic!("{other:?}"),
        }
    }
}
