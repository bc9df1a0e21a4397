//! New rows on given components: the convex half of the problem, solved row by row.
//!
//! For every row v of V: min ½‖v − wH‖² + l1·Σw + ½·l2·‖w‖² over w ≥ 0, from w = 0, by coordinate descent on
//! (a, G) = (vHᵀ, HHᵀ + l2·I) until √k times the norm of a sweep's steps, in the units of v, is at most tol·‖v‖.
//! Coordinate t's remaining step after a sweep is a sum of later steps with weights of at most 1 in those units, so
//! that each is then below tol·‖v‖. V is read once; a row's result does not depend on the rows beside it.

use std::sync::{Mutex, PoisonError};

use orthant_kernel::{
    Dense, Isa, Real, View, accumulate, accumulator_stride, numerators, rows, scan as sums,
};

use crate::fit::{by_columns, on_threads};
use crate::model::{Model, Transform, TransformReport};
use crate::penalty::Weights;
use crate::reduce::{MAX_LANES, Reducer, lane, split};
use crate::{Error, scan};

/// Rows that are transformed together.
const BLOCK: usize = 96;

/// A worker's own memory.
struct Scratch<T> {
    copy: Vec<T>,
    a: Vec<T>,
    spare: Vec<T>,
    enough: Vec<T>,
    left: Vec<T>,
    rows: Vec<Row>,
}

impl<T: Real> Scratch<T> {
    fn new(block: usize, k: usize) -> Self {
        Self {
            copy: Vec::new(),
            a: vec![T::ZERO; block * k],
            spare: vec![T::ZERO; rows::scratch_len(k)],
            enough: vec![T::ZERO; block],
            left: vec![T::ZERO; block],
            rows: vec![Row::default(); block],
        }
    }
}

/// A row of V divided by 2^exponent, which is not 0 only where its largest entry is outside the safe exponents.
#[derive(Clone, Copy, Default)]
struct Row {
    exponent: i32,
    squares: f64,
}

impl Row {
    /// Finds each row's exponent and squares, and returns the rows so scaled: in place if that is what they are.
    fn scaled<'a, T: Real>(isa: Isa, v: View<'a, T>, rows: &mut [Self], copy: &'a mut Vec<T>) -> View<'a, T> {
        let cols = v.ncols();
        let adjacent = v.col_stride() == 1 || cols == 1;
        if !adjacent {
            copy.resize(v.nrows() * cols, T::ZERO);
            v.copy_to(copy);
        }
        for (r, row) in rows.iter_mut().enumerate() {
            let line = if adjacent { v.rows(r..r + 1) } else { Self::line(copy, r, cols) };
            let found = sums::scan(isa, line, T::ONE, 0.0);
            *row = Self {
                exponent: scan::scale_exponent(found.max, 1, scan::Safe::squares::<T>()),
                squares: found.squares,
            };
        }
        if adjacent && rows.iter().all(|row| row.exponent == 0) {
            return v;
        }
        if adjacent {
            copy.resize(v.nrows() * cols, T::ZERO);
            v.copy_to(copy);
        }
        for (r, row) in rows.iter_mut().enumerate() {
            if row.exponent != 0 {
                let line = &mut copy[r * cols..(r + 1) * cols];
                line.iter_mut().for_each(|x| *x = scan::scale_by(*x, -row.exponent));
                row.squares = sums::scan(isa, Self::line(copy, r, cols), T::ONE, 0.0).squares;
            }
        }
        View::row_major(copy, v.nrows(), cols).expect("as many elements")
    }

    fn line<T: Real>(copy: &[T], r: usize, cols: usize) -> View<'_, T> {
        View::row_major(&copy[r * cols..(r + 1) * cols], 1, cols).expect("one row")
    }
}

pub(crate) fn transform<T: Real>(
    model: &Model<T>,
    v: View<'_, T>,
    options: &Transform,
) -> Result<(Dense<T>, TransformReport), Error> {
    let (m, n) = (v.nrows(), v.ncols());
    if n != model.n_features() {
        return Err(Error::ShapeMismatch { operand: "V", expected: (m, model.n_features()), found: (m, n) });
    }
    if m == 0 {
        return Err(Error::Empty { rows: m, cols: n });
    }
    on_threads(options.threads, |workers| run(model, v, options, workers))?.0
}

fn run<T: Real>(
    model: &Model<T>,
    v: View<'_, T>,
    options: &Transform,
    workers: usize,
) -> Result<(Dense<T>, TransformReport), Error> {
    let (m, n, k) = (v.nrows(), v.ncols(), model.rank());
    let isa = Isa::detect();
    scan::data(v, by_columns(v), T::ONE, workers)?;
    let largest = model.components().as_slice().iter().fold(T::ZERO, |a, &b| a.max(b)).to_f64();
    // v/2^e and H/2^b have w/2^(e−b); e is a row's own
    let b = scan::scale_exponent(largest, 1, scan::Safe::squares::<T>());
    let mut ht = model.components().transposed().into_vec();
    if b != 0 {
        ht.iter_mut().for_each(|x| *x = scan::scale_by(*x, -b));
    }
    let weights = model.penalty().on_w(n);
    let l2 = Weights { l1: 0.0, l2: scan::scale_by(weights.l2, -2 * b) }.elements::<T>().1;
    let l1_of = |e: i32| Weights { l1: scan::scale_by(weights.l1, -e - b), l2: 0.0 }.elements::<T>().0;

    let stride = accumulator_stride::<T>(k);
    let mut padded = vec![T::ZERO; k * stride];
    accumulate(isa, View::row_major(&ht, n, k)?, &ht, k, &mut padded);
    let mut gram = vec![T::ZERO; k * k];
    for (t, (to, from)) in gram.chunks_exact_mut(k).zip(padded.chunks_exact(stride)).enumerate() {
        to.copy_from_slice(&from[..k]);
        to[t] += l2;
    }
    // what rounding in the gradient lets be seen of a step
    let tol = options.tol.max(4.0 * k as f64 * T::EPSILON.to_f64());

    let block = BLOCK.min(m);
    let scratch: Vec<_> = (0..workers).map(|_| Mutex::new(Scratch::new(block, k))).collect();
    let mut w = vec![T::ZERO; m * k];
    let slots = split(&mut w, k, MAX_LANES);
    let start = || TransformReport { unconverged_rows: 0, sweeps: 0, kkt_residual: 0.0, threads: workers };
    let mut reducer = Reducer::new(MAX_LANES, workers, start);
    let report = reducer.run(
        |l, worker, out| {
            *out = start();
            let mut w = slots[l].lock().unwrap_or_else(PoisonError::into_inner);
            let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
            let Scratch { copy, a, spare, enough, left, rows: found } = &mut *scratch;
            let first = lane(m, MAX_LANES, l).start;
            for (i, w) in w.chunks_mut(block * k).enumerate() {
                let (start, count) = (first + i * block, w.len() / k);
                let part = Row::scaled(isa, v.rows(start..start + count), &mut found[..count], copy);
                let (a, enough, left) = (&mut a[..count * k], &mut enough[..count], &mut left[..count]);
                numerators(isa, part, &ht, k, a);
                for (r, row) in found[..count].iter().enumerate() {
                    // the penalty goes into the numerators: its weight is the row's own
                    let l1 = l1_of(row.exponent);
                    a[r * k..(r + 1) * k].iter_mut().for_each(|a| *a -= l1);
                    enough[r] = T::from_f64(row.squares * tol * tol / k as f64);
                    left[r] = T::ZERO;
                }
                let most = options.max_sweeps;
                let sweeps = rows::solve(isa, w, a, &gram, T::ZERO, k, enough, most, spare, left);
                out.sweeps = out.sweeps.max(sweeps);
                for (r, row) in found[..count].iter().enumerate() {
                    let done = left[r] <= enough[r];
                    out.unconverged_rows += usize::from(!done);
                    if row.squares > 0.0 {
                        let residual = (left[r].to_f64() * k as f64 / row.squares).sqrt();
                        let residual = if residual.is_nan() { f64::INFINITY } else { residual };
                        out.kkt_residual = out.kkt_residual.max(residual);
                    }
                    if row.exponent != b {
                        let w = &mut w[r * k..(r + 1) * k];
                        w.iter_mut().for_each(|x| *x = scan::scale_by(*x, row.exponent - b));
                    }
                }
            }
        },
        |a, b| {
            a.unconverged_rows += b.unconverged_rows;
            a.sweeps = a.sweeps.max(b.sweeps);
            a.kkt_residual = a.kkt_residual.max(b.kkt_residual);
        },
    );
    let w = Dense::from_vec(w, m, k)?;
    Ok((w, report))
}
