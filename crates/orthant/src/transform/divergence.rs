//! Losses other than the Frobenius one: min D_β(v | wH) + l1·Σw + ½·l2·‖w‖² over w ≥ 0, row by row.
//!
//! Under Kullback–Leibler a row's entries of 0 are no more than a slope, and its columns are not looked at.
//!
//! Everything is in double precision, from the row itself: no sums that rows share say enough. Rows and components are
//! divided by powers of two, so that the largest entry of each is in [1, 2); with d(c·v | c·p) = c^β·d(v | p) the
//! penalties follow.

use std::sync::{Mutex, PoisonError};

use orthant_kernel::{Dense, allocate};

use super::newton::{Components, Newton};
use super::{by_lanes, times_power};
use crate::cancel::Halt;
use crate::lanes::MAX_LANES;
use crate::lines::{Near, together};
use crate::model::{Model, Transform, TransformReport};
use crate::ranks::Ranks;
use crate::shape::Shape;
use crate::{Error, Loss, Matrix, Missing, Real, scan};

/// What that takes beside W.
pub(super) fn bytes<T: Real>(v: &Shape, loss: Loss, k: usize, workers: usize) -> usize {
    let entries = if v.entries.is_some() { v.lines_of_s.longest } else { v.n };
    let read = match (v.out_of_core, v.entries) {
        (false, _) => 0,
        (true, None) => workers * together(v.n) * v.n * size_of::<T>(),
        // and a row of them
        (true, Some(_)) => {
            v.near::<T>(v.m.div_ceil(MAX_LANES), workers)
                + workers * v.lines_of_s.longest * size_of::<(usize, f64)>()
        }
    };
    Components::bytes(k, v.n) + read + workers * Newton::bytes(k, v.n, entries, loss, v.unobserved > 0)
}

pub(super) fn run<T: Real>(
    model: &Model<T>,
    v: &Matrix<'_, T>,
    options: &Transform,
    workers: usize,
    halt: &Halt,
) -> Result<(Dense<T>, TransformReport), Error> {
    let (m, n, k) = (v.nrows(), v.ncols(), model.rank());
    scan::data(v, T::ONE, options.missing, workers)?;
    if model.loss().beta() <= 0.0 {
        // for the zeros, which it refuses
        scan::size(v, T::ONE, options.missing, model.loss(), workers, &Ranks::default())?;
    }
    let components = Components::new(model.components(), model.loss(), model.penalty().on_w(n));
    // what rounding in the gradient lets be seen of a step
    let tol = options.tol.max(4.0 * k as f64 * f64::EPSILON);
    let longest = v.sparse_lines().map_or(n, |lines| lines.longest());
    let (missing, partial) = (options.missing, options.missing != Missing::None);
    let rows: Vec<_> = (0..workers).map(|_| Mutex::new(Newton::new(&components, longest, partial))).collect();
    let (lines, entries) = (v.dense_lines(), v.sparse_lines());
    let of_row = if matches!(v, Matrix::OutOfCore(_)) && entries.is_some() { longest } else { 0 };
    by_lanes((m, k), workers, |first, w, worker, out| {
        let (mut read, mut near, mut of_row) = (Vec::new(), Near::default(), allocate::room(of_row));
        near.end(first + w.len() / k);
        let mut row = rows[worker].lock().unwrap_or_else(PoisonError::into_inner);
        for (i, w) in w.chunks_exact_mut(k).enumerate() {
            halt.check()?;
            match v {
                Matrix::Dense(v) if partial => {
                    let all = (0..n).map(|j| (j, v.at(first + i, j)));
                    let mut entries = all.filter(|(_, x)| !missing.is_missing(*x)).peekable();
                    if entries.peek().is_none() {
                        return Err(Error::Unobserved { line: "row", at: first + i });
                    }
                    row.set_partial(&components, entries.map(|(j, x)| (j, x.to_f64())));
                }
                Matrix::Dense(v) => {
                    let entries = components.columns.iter().map(|&j| (j, v.at(first + i, j).to_f64()));
                    row.set(&components, entries.filter(|(_, x)| *x != 0.0));
                }
                Matrix::Csr(v) => row.set(&components, v.row(first + i).map(|(j, x)| (j, x.to_f64()))),
                Matrix::OutOfCore(_) if entries.is_some() => {
                    of_row.clear();
                    let lines = entries.as_ref().expect("sparse data has lines");
                    lines.each(first + i, &mut near, |j, x| of_row.push((j, x.to_f64())))?;
                    row.set(&components, of_row.iter().copied());
                }
                Matrix::OutOfCore(_) => {
                    let lines = lines.as_ref().expect("dense data has lines");
                    let together = lines.together();
                    if i % together == 0 {
                        let end = m.min(first + i + together);
                        lines.read(first + i..end, &mut read)?;
                    }
                    let line = &read[i % together * n..][..n];
                    let entries = components.columns.iter().map(|&j| (j, line[j].to_f64()));
                    row.set(&components, entries.filter(|(_, x)| *x != 0.0));
                }
                Matrix::Csc(_) => unreachable!("rows were copied first"),
            }
            let exponent = row.scale();
            let (residual, steps) = row.minimise(&components, exponent, tol);
            out.sweeps = out.sweeps.max(steps);
            // a NaN is not done
            out.unconverged_rows += usize::from(residual.is_nan() || residual > tol);
            out.kkt_residual = out.kkt_residual.max(if residual.is_nan() { f64::INFINITY } else { residual });
            for t in 0..k {
                w[t] = T::from_f64(times_power(row.w[t], exponent - components.exponents[t]));
            }
        }
        Ok(())
    })
}
