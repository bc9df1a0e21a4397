//! New rows on given components: the convex half of the problem, solved row by row.
//!
//! For every row v of V: min ½‖v − wH‖² + l1·Σw + ½·l2·‖w‖² over w ≥ 0, from w = 0, by coordinate descent on
//! (a, G) = (vHᵀ, HHᵀ + l2·I) until √k times the norm of a sweep's steps, in the units of v, is at most tol·‖v‖.
//! Coordinate t's remaining step after a sweep is a sum of later steps with weights of at most 1 in those units, so
//! that each is then below tol·‖v‖. V is read once; a row's result does not depend on the rows beside it.

use std::sync::{Mutex, PoisonError};

use orthant_kernel::{Dense, Isa, Real, View, accumulate, accumulator_stride, rows};

use crate::fit::{by_columns, on_threads};
use crate::model::{Model, Transform, TransformReport};
use crate::reduce::{MAX_LANES, Reducer, lane, split};
use crate::source::{Block, DenseSource, Source};
use crate::{Error, Products, scan};

/// Rows that are transformed together.
const BLOCK: usize = 96;

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
    let found = scan::data(v, by_columns(v), T::ONE, workers)?;
    let largest = model.components().as_slice().iter().fold(T::ZERO, |a, &b| a.max(b)).to_f64();
    // V/2^a and H/2^b have W/2^(a−b)
    let (a, b) = (scan::scale_exponent::<T>(found.max, 1), scan::scale_exponent::<T>(largest, 1));
    let mut ht = model.components().transposed().into_vec();
    if b != 0 {
        ht.iter_mut().for_each(|x| *x = scan::scale_by(*x, -b));
    }
    let mut weights = model.penalty().on_w(n);
    weights.l1 = scan::scale_by(weights.l1, -a - b);
    weights.l2 = scan::scale_by(weights.l2, -2 * b);
    let (l1, l2): (T, T) = weights.elements();

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

    let source = DenseSource::new(v, scan::scale_by(T::ONE, -a), Products::Fused)?;
    let block = BLOCK.min(m);
    let scratch: Vec<_> = (0..workers)
        .map(|_| {
            let rows = vec![T::ZERO; source.scratch_len(block)];
            let wide = vec![T::ZERO; block * k];
            Mutex::new((rows, wide, vec![T::ZERO; rows::scratch_len(k)], vec![T::ZERO; 2 * block]))
        })
        .collect();
    let mut w = vec![T::ZERO; m * k];
    let slots = split(&mut w, k, MAX_LANES);
    let start = || TransformReport { unconverged_rows: 0, sweeps: 0, kkt_residual: 0.0 };
    let mut reducer = Reducer::new(MAX_LANES, workers, start);
    let report = reducer.run(
        |l, worker, out| {
            *out = start();
            let mut w = slots[l].lock().unwrap_or_else(PoisonError::into_inner);
            let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
            let (copy, numerators, spare, lines) = &mut *scratch;
            let first = lane(m, MAX_LANES, l).start;
            for (b, w) in w.chunks_mut(block * k).enumerate() {
                let (start, count) = (first + b * block, w.len() / k);
                let a = &mut numerators[..count * k];
                let s = source.block(start..start + count, copy);
                s.numerators(&ht, k, a);
                let (enough, left) = lines.split_at_mut(block);
                let (enough, left) = (&mut enough[..count], &mut left[..count]);
                for (r, e) in enough.iter_mut().enumerate() {
                    *e = T::from_f64(s.row_squares(r) * tol * tol / k as f64);
                    left[r] = T::ZERO;
                }
                let sweeps = rows::solve(isa, w, a, &gram, l1, k, enough, options.max_sweeps, spare, left);
                out.sweeps = out.sweeps.max(sweeps);
                for (r, (left, enough)) in left.iter().zip(&*enough).enumerate() {
                    out.unconverged_rows += usize::from(left > enough);
                    let squares = s.row_squares(r);
                    if squares > 0.0 {
                        let residual = (left.to_f64() * k as f64 / squares).sqrt();
                        out.kkt_residual = out.kkt_residual.max(residual);
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
    if a != b {
        w.iter_mut().for_each(|x| *x = scan::scale_by(*x, a - b));
    }
    let w = Dense::from_vec(w, m, k)?;
    Ok((w, report))
}
