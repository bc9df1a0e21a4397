//! The Frobenius loss: min ½‖v − wH‖² + l1·Σw + ½·l2·‖w‖² over w ≥ 0, row by row.
//!
//! From w = 0, by coordinate descent on (a, G) = (vHᵀ, HHᵀ + l2·I) until √k times the norm of a sweep's steps, in the
//! units of v, is at most tol·‖v‖. Coordinate t's remaining step after a sweep is a sum of later steps with weights of
//! at most 1 in those units, so that each is then below tol·‖v‖. V is read once.
//!
//! Where components nearly depend on each other sweeps take forever: rows that are not done after `max_sweeps` are
//! solved by block principal pivoting, in double precision from the same (a, G). Where G is not positive definite, by
//! proximal steps: each finds the minimum with ½λ·Σ G_tt·(change of w_t)² added, and in a few that vanishes.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use orthant_kernel::{
    Dense, Isa, Unfolded, View, accumulate, accumulator_stride, allocate, numerators, rows, scan as sums,
    sparse,
};

use super::by_lanes;
use super::partial::{Partial, Whole};
use crate::cancel::Halt;
use crate::lanes::MAX_LANES;
use crate::lines::SparseLines;
use crate::model::{Model, Transform, TransformReport};
use crate::penalty::Weights;
use crate::rule::cholesky::{Definite, dot};
use crate::rule::nnls::Nnls;
use crate::shape::Shape;
use crate::{Error, Matrix, Missing, Real, scan};

/// Proximal steps for a row, at most.
const PROXIMAL: usize = 20;

/// Rows that are transformed together.
const BLOCK: usize = 96;

/// A worker's own memory.
struct Scratch<T> {
    copy: Vec<T>,
    unfolded: Unfolded<T>,
    a: Vec<T>,
    spare: Vec<T>,
    enough: Vec<T>,
    left: Vec<T>,
    rows: Vec<Row>,
    /// For rows that sweeps do not finish.
    exact: Nnls,
    /// For rows that are not observed everywhere.
    partial: Option<Partial<T>>,
}

impl<T: Real> Scratch<T> {
    /// With room for `copied` elements.
    fn new(block: usize, k: usize, copied: usize, partial: Option<Partial<T>>) -> Self {
        Self {
            copy: allocate::room(copied),
            unfolded: Unfolded::default(),
            a: allocate::filled(block * k, T::ZERO),
            spare: allocate::filled(rows::scratch_len(k), T::ZERO),
            enough: allocate::filled(block, T::ZERO),
            left: allocate::filled(block, T::ZERO),
            rows: allocate::filled(block, Row::default()),
            exact: Nnls::new(k),
            partial,
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
        if v.col_stride() == 1 || cols == 1 {
            rows.iter_mut().enumerate().for_each(|(r, row)| *row = Self::of(isa, v.rows(r..r + 1)));
            if rows.iter().all(|row| row.exponent == 0) {
                return v;
            }
        }
        allocate::resize(copy, v.nrows() * cols, T::ZERO);
        v.copy_to(copy);
        Self::scaled_copy(isa, rows, copy, cols)
    }

    /// The same of a copy of the rows.
    fn scaled_copy<'a, T: Real>(isa: Isa, rows: &mut [Self], copy: &'a mut [T], cols: usize) -> View<'a, T> {
        for (r, row) in rows.iter_mut().enumerate() {
            *row = Self::of(isa, Self::line(copy, r, cols));
            if row.exponent != 0 {
                let line = &mut copy[r * cols..(r + 1) * cols];
                line.iter_mut().for_each(|x| *x = scan::scale_by(*x, -row.exponent));
                row.squares = sums::scan(isa, Self::line(copy, r, cols), T::ONE, 0.0).squares;
            }
        }
        View::row_major(copy, rows.len(), cols).expect("as many elements")
    }

    fn of<T: Real>(isa: Isa, line: View<'_, T>) -> Self {
        let found = sums::scan(isa, line, T::ONE, 0.0);
        let exponent = scan::scale_exponent(found.max, 1, scan::Safe::squares::<T>());
        Self { exponent, squares: found.squares }
    }

    /// Finds the exponent and squares of each of these rows, and the products of the rows so scaled with Y.
    fn products<T: Real>(
        isa: Isa,
        v: &SparseLines<'_, T>,
        range: Range<usize>,
        rows: &mut [Self],
        (y, k): (&[T], usize),
        unfolded: &mut Unfolded<T>,
        out: &mut [T],
    ) -> Result<(), Error> {
        let look = |values: &[T]| {
            sums::scan(isa, View::row_major(values, 1, values.len()).expect("one row"), T::ONE, 0.0)
        };
        let block = v.read(range.clone(), T::ONE, unfolded)?;
        sparse::numerators(isa, block, y, k, out);
        for (r, row) in rows.iter_mut().enumerate() {
            let found = look(block.row(r).1);
            let exponent = scan::scale_exponent(found.max, 1, scan::Safe::squares::<T>());
            *row = Self { exponent, squares: found.squares };
        }
        // a row's products do not depend on the others
        for (r, row) in rows.iter_mut().enumerate().filter(|(_, row)| row.exponent != 0) {
            let i = range.start + r;
            let one = v.read(i..i + 1, scan::scale_by(T::ONE, -row.exponent), unfolded)?;
            sparse::numerators(isa, one, y, k, &mut out[r * k..(r + 1) * k]);
            row.squares = look(one.row(0).1).squares;
        }
        Ok(())
    }

    fn line<T: Real>(copy: &[T], r: usize, cols: usize) -> View<'_, T> {
        View::row_major(&copy[r * cols..(r + 1) * cols], 1, cols).expect("one row")
    }
}

pub(super) fn run<T: Real>(
    model: &Model<T>,
    v: &Matrix<'_, T>,
    options: &Transform,
    workers: usize,
    halt: &Halt,
) -> Result<(Dense<T>, TransformReport), Error> {
    let (m, n, k) = (v.nrows(), v.ncols(), model.rank());
    let isa = Isa::detect();
    scan::data(v, T::ONE, options.missing, workers)?;
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
    let mut padded = allocate::filled(k * stride, T::ZERO);
    accumulate(isa, View::row_major(&ht, n, k)?, &ht, k, &mut padded);
    let mut gram = allocate::filled(k * k, T::ZERO);
    for (t, (to, from)) in gram.chunks_exact_mut(k).zip(padded.chunks_exact(stride)).enumerate() {
        to.copy_from_slice(&from[..k]);
        to[t] += l2;
    }
    // what rounding in the gradient lets be seen of a step
    let tol = options.tol.max(4.0 * k as f64 * T::EPSILON.to_f64());

    let mut definite = Definite::new(k);
    definite.set(&gram);

    let block = BLOCK.min(m);
    let copied = match v {
        Matrix::Dense(v) if v.col_stride() != 1 && n > 1 => block.min(m.div_ceil(MAX_LANES)) * n,
        Matrix::OutOfCore(v) if v.entries().is_none() => block.min(m.div_ceil(MAX_LANES)) * n,
        _ => 0,
    };
    let (lines, entries) = (v.dense_lines(), v.sparse_lines());
    let whole = (options.missing != Missing::None).then(|| Whole::new(&ht, k, l2.to_f64()));
    let scratch = || {
        let partial = whole.as_ref().map(|_| Partial::new(options.missing, k));
        Mutex::new(Scratch::new(block, k, copied, partial))
    };
    let scratch: Vec<_> = std::iter::repeat_with(scratch).take(workers).collect();
    by_lanes((m, k), workers, |first, w, worker, out| {
        let mut scratch = scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
        let Scratch { copy, unfolded, a, spare, enough, left, rows: found, exact, partial } = &mut *scratch;
        for (i, w) in w.chunks_mut(block * k).enumerate() {
            halt.check()?;
            let (start, count) = (first + i * block, w.len() / k);
            let (a, enough, left) = (&mut a[..count * k], &mut enough[..count], &mut left[..count]);
            match v.rows(start..start + count) {
                Matrix::Dense(part) => {
                    let part = match partial {
                        Some(partial) => partial.observed(part, start)?,
                        None => part,
                    };
                    let part = Row::scaled(isa, part, &mut found[..count], copy);
                    numerators(isa, part, &ht, k, a);
                }
                Matrix::Csr(_) | Matrix::OutOfCore(_) if entries.is_some() => {
                    let lines = entries.as_ref().expect("sparse data has lines");
                    let rows = start..start + count;
                    Row::products(isa, lines, rows, &mut found[..count], (&ht, k), unfolded, a)?;
                }
                Matrix::OutOfCore(_) => {
                    let lines = lines.as_ref().expect("dense data has lines");
                    allocate::resize(copy, count * n, T::ZERO);
                    lines.copy_to(start..start + count, copy)?;
                    let part = Row::scaled_copy(isa, &mut found[..count], copy, n);
                    numerators(isa, part, &ht, k, a);
                }
                Matrix::Csr(_) | Matrix::Csc(_) => unreachable!("rows have entries, and were copied first"),
            }
            for (r, row) in found[..count].iter().enumerate() {
                // the penalty goes into the numerators: its weight is the row's own
                let l1 = l1_of(row.exponent);
                a[r * k..(r + 1) * k].iter_mut().for_each(|a| *a -= l1);
                enough[r] = T::from_f64(row.squares * tol * tol / k as f64);
                left[r] = T::ZERO;
                if partial.as_ref().is_some_and(|partial| !partial.is_whole(r)) {
                    // it has a Gram matrix of its own
                    enough[r] = T::from_f64(f64::INFINITY);
                }
            }
            let most = options.max_sweeps;
            let sweeps = rows::solve(isa, w, a, &gram, T::ZERO, k, enough, most, spare, left);
            out.sweeps = out.sweeps.max(sweeps);
            for (r, row) in found[..count].iter().enumerate() {
                let w = &mut w[r * k..(r + 1) * k];
                let (mut left, mut enough) = (left[r].to_f64(), enough[r].to_f64());
                let own =
                    partial.as_mut().zip(whole.as_ref()).and_then(|(partial, whole)| partial.own(r, whole));
                if let Some(own) = own {
                    w.fill(T::ZERO);
                    enough = row.squares * tol * tol / k as f64;
                    // its factors are of another matrix
                    exact.forget();
                    left = solve(exact, own, &a[r * k..(r + 1) * k], w, enough);
                    exact.forget();
                } else if left > enough {
                    left = solve(exact, &definite, &a[r * k..(r + 1) * k], w, enough);
                }
                // a NaN is not done
                out.unconverged_rows += usize::from(left.is_nan() || left > enough);
                if row.squares > 0.0 {
                    let residual = (left * k as f64 / row.squares).sqrt();
                    let residual = if residual.is_nan() { f64::INFINITY } else { residual };
                    out.kkt_residual = out.kkt_residual.max(residual);
                }
                if row.exponent != b {
                    w.iter_mut().for_each(|x| *x = scan::scale_by(*x, row.exponent - b));
                }
            }
        }
        Ok(())
    })
}

/// What that takes beside W.
pub(super) fn bytes<T: Real>(v: &Shape, k: usize, workers: usize) -> usize {
    let (n, block, s) = (v.n, BLOCK.min(v.m), size_of::<T>());
    let copied = block.min(v.m.div_ceil(MAX_LANES));
    let copy = match v.entries {
        Some(_) => v.lines_of_s.most(copied) * v.unfolded,
        None if v.copied => copied * n * s,
        None => 0,
    };
    let partial = if v.unobserved > 0 { Partial::<T>::bytes(block, n, k) } else { 0 };
    let worker = partial
        + copy
        + (block * (k + 2) + rows::scratch_len(k)) * s
        + block * size_of::<Row>()
        + Nnls::bytes(k);
    let gram = k * (accumulator_stride::<T>(k) + k) * s + Definite::bytes(k);
    n * k * s + gram + workers * worker
}

/// The minimum for numerators a, from w; what is left of Σ G_tt·(step)².
fn solve<T: Real>(nnls: &mut Nnls, g: &Definite, a: &[T], w: &mut [T], enough: f64) -> f64 {
    let Definite { k, gram, root, raised, live, .. } = g;
    for (x, w) in nnls.x.iter_mut().zip(&*w) {
        *x = w.to_f64();
    }
    let mut left = f64::INFINITY;
    for _ in 0..PROXIMAL {
        for t in 0..*k {
            nnls.b[t] = a[t].to_f64() + raised[t] * nnls.x[t];
        }
        nnls.minimise(g);
        let step = |&t: &usize| {
            let slope = dot(&gram[t * k..(t + 1) * k], &nnls.x) - raised[t] * nnls.x[t] - a[t].to_f64();
            (slope / root[t]).min(nnls.x[t] * root[t]).powi(2)
        };
        left = live.iter().map(step).sum();
        if left <= enough || raised.iter().all(|&r| r == 0.0) {
            break;
        }
    }
    for (w, x) in w.iter_mut().zip(&nnls.x) {
        *w = T::from_f64(*x);
    }
    left
}
