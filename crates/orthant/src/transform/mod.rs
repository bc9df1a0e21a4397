//! New rows on given components: half of the problem, solved row by row.
//!
//! For every row v of V: min D(v | wH) + l1·Σw + ½·l2·‖w‖² over w ≥ 0. A row is at its own scale and on its own: its
//! result does not depend on the rows beside it, to the bit.
//!
//! `frobenius`: by sweeps over what the row's products with H and the Gram matrix tell, then exactly. `divergence`: by
//! projected Newton steps (`newton`) on the row itself.

use std::sync::PoisonError;

use orthant_kernel::{Buffer, Dense};

use crate::available;
use crate::cancel::Halt;
use crate::choice::{across, of_any};
use crate::clock::Instant;
use crate::lanes::{Lanes, MAX_LANES};
use crate::model::{Model, Transform, TransformReport};
use crate::out_of_core::needs_memory;
use crate::reduce::{Reducer, split};
use crate::shape::Shape;
use crate::source::{transposing_bytes, with_rows_bytes};
use crate::threads;
use crate::{Error, Loss, Matrix, Missing, Real, check, scan};

mod divergence;
mod frobenius;
mod newton;
mod partial;
mod weighted;

pub(crate) fn transform<T: Real>(
    model: &Model<T>,
    v: &Matrix<'_, T>,
    options: &Transform,
) -> Result<(Dense<T>, TransformReport), Error> {
    halted(model, v, options, &Halt::new(Instant::now(), options.cancel.as_ref(), None))
}

/// The same, ended by that.
pub(crate) fn halted<T: Real>(
    model: &Model<T>,
    v: &Matrix<'_, T>,
    options: &Transform,
    halt: &Halt,
) -> Result<(Dense<T>, TransformReport), Error> {
    let (m, n) = (v.nrows(), v.ncols());
    if n != model.n_features() {
        return Err(Error::ShapeMismatch { operand: "V", expected: (m, model.n_features()), found: (m, n) });
    }
    if options.missing != Missing::None && v.nnz().is_some() {
        return Err(check::sparse(options.missing));
    }
    if matches!(v, Matrix::OutOfCore(_)) {
        check::has_rows(v, "transform of columns")?;
        let weighted = model.lines().map(|_| "weights of columns");
        let partial = (options.missing != Missing::None).then_some("missing entries");
        if let Some(what) = weighted.or(partial) {
            return Err(needs_memory(what));
        }
    }
    if m == 0 {
        return Err(Error::Empty { rows: m, cols: n });
    }
    if let Some(lines) = model.lines() {
        return weighted::transform(model, v, options, halt, &lines);
    }
    threads::on(options.threads, |workers| {
        available::check(working_bytes(model, v, options, workers), options.memory_limit)?;
        let v = &v.with_rows();
        if model.loss().is_quadratic() {
            frobenius::run(model, v, options, workers, halt)
        } else {
            divergence::run(model, v, options, workers, halt)
        }
    })?
    .0
}

/// The peak of what a transform takes beside V, W with it.
pub(crate) fn working_bytes<T: Real>(
    model: &Model<T>,
    v: &Matrix<'_, T>,
    options: &Transform,
    workers: usize,
) -> usize {
    if model.column_weights().is_some() {
        return weighted::working_bytes(model, v, options, workers);
    }
    let partial = options.missing != Missing::None;
    let (k, shape, limit) = (model.rank(), Shape::of(v).but(usize::from(partial)), options.memory_limit);
    let shape = if v.nnz().is_some() && shape.by_columns { across(shape, v, limit) } else { shape };
    let rows = shape.with_rows();
    let working = bytes::<T>(&rows, model.loss(), k, workers).max(scan::bytes::<T>(&rows, workers));
    let copy = with_rows_bytes::<T>(&shape);
    of_any(workers)
        + shape.readers(workers)
        + copy
        + working.max(if copy > 0 { transposing_bytes(shape.m) } else { 0 })
}

/// What a transform of rows takes, W with it, but not the copy of rows of what is sparse by columns.
pub(crate) fn bytes<T: Real>(v: &Shape, loss: Loss, k: usize, workers: usize) -> usize {
    let of_loss = match loss.is_quadratic() {
        true => frobenius::bytes::<T>(v, k, workers),
        false => divergence::bytes::<T>(v, loss, k, workers),
    };
    Buffer::<T>::bytes(v.m * k) + of_loss
}

/// Rows of W (m×k) by lanes: `work(first row, rows of W, worker, report)` for each.
fn by_lanes<T: Real>(
    (m, k): (usize, usize),
    workers: usize,
    work: impl Fn(usize, &mut [T], usize, &mut TransformReport) -> Result<(), Error> + Sync,
) -> Result<(Dense<T>, TransformReport), Error> {
    let mut w = Buffer::roomy(m * k);
    let lanes = Lanes::even(m, MAX_LANES);
    let slots = split(&mut w, k, &lanes);
    let start = || TransformReport { unconverged_rows: 0, sweeps: 0, kkt_residual: 0.0, threads: workers };
    let report = Reducer::new(MAX_LANES, workers, start).try_run(
        |l, worker, out| {
            *out = start();
            let mut w = slots[l].lock().unwrap_or_else(PoisonError::into_inner);
            work(lanes.range(l).start, &mut w, worker, out)
        },
        |a, b| {
            a.unconverged_rows += b.unconverged_rows;
            a.sweeps = a.sweeps.max(b.sweeps);
            a.kkt_residual = a.kkt_residual.max(b.kkt_residual);
        },
    )?;
    drop(slots);
    if let Some(at) = w.iter().position(|x| !x.is_finite()) {
        return Err(Error::WeightOverflow { row: at / k });
    }
    Ok((Dense::from_vec(w, m, k)?, report))
}

/// x·2^e, for any e that an element can need.
fn times_power(x: f64, e: i32) -> f64 {
    // two factors, as one could leave the range that the product is in
    scan::scale_by(x, e)
}
