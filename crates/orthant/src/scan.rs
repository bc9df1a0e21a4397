//! Checking data before anything is computed with it.

use std::ops::Range;

use orthant_kernel::{Isa, Real, Unfolded, View, allocate, scan};

use crate::cancel::Halt;
use crate::lanes::{Lanes, MAX_LANES, lanes};
use crate::lines::{DenseLines, Near, SparseLines, together};
use crate::ranks::{Few, Ranks, Shared};
use crate::reduce::Reducer;
use crate::shape::Shape;
use crate::state::{State, state};
use crate::{Error, Loss, Matrix, Method, Missing};

/// Lines of sparse data that are looked at together, …
const LINES: usize = 256;
/// … if they have so many entries, and else as many lines as do.
const ENTRIES: usize = 1 << 16;

/// What the whole of V holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Found {
    /// The largest entry.
    pub max: f64,
    /// Σ v², in double precision.
    pub squares: f64,
}

/// Looks at every entry of V that is not missing, times `scale`, on `workers` threads.
///
/// # Errors
/// [`Error::NonFinite`] or [`Error::Negative`] for the first offending entry in row-major order.
pub(crate) fn data<T: Real>(
    v: &Matrix<'_, T>,
    scale: T,
    missing: Missing,
    workers: usize,
) -> Result<Found, Error> {
    shared(v, scale, missing, workers, &Halt::default(), &Ranks::default())
}

/// The same, ended by that, where each of those ranks looks at lanes of its own.
pub(crate) fn shared<T: Real>(
    v: &Matrix<'_, T>,
    scale: T,
    missing: Missing,
    workers: usize,
    halt: &Halt,
    ranks: &Ranks,
) -> Result<Found, Error> {
    let isa = Isa::detect();
    let found = match (v.dense_lines(), v.sparse_lines()) {
        (Some(s), _) => {
            let cuts = Lanes::even(s.nrows(), lanes(s.nrows()));
            over_blocks(&cuts, s.together(), workers, (halt, ranks), |rows, copy: &mut Vec<T>, squares| {
                if missing == Missing::Nan {
                    allocate::resize(copy, rows.len() * s.ncols(), T::ZERO);
                    s.copy_to(rows.clone(), copy)?;
                    copy.iter_mut().for_each(|x| *x = if missing.is_missing(*x) { T::ZERO } else { *x });
                    let block = View::row_major(copy, rows.len(), s.ncols())?;
                    return Ok(over_rows(isa, block, scale, squares));
                }
                Ok(over_rows(isa, s.read(rows, copy)?, scale, squares))
            })?
        }
        (_, lines) => {
            let lines = lines.expect("sparse matrices have lines");
            let cuts = Lanes::weighted(lines.nrows(), MAX_LANES, |i| lines.entries_before(i) + i);
            over_blocks(&cuts, LINES, workers, (halt, ranks), |rows, room: &mut Unfolded<T>, squares| {
                let mut found = scan::Scan { valid: true, max: 0.0, squares };
                for part in lines.parts(rows, ENTRIES) {
                    let values = lines.read(part, T::ONE, room)?.values();
                    let row = View::row_major(values, 1, values.len()).expect("one row");
                    let of_part = scan::scan(isa, row, scale, found.squares);
                    let (valid, max) = (found.valid && of_part.valid, found.max.max(of_part.max));
                    found = scan::Scan { valid, max, ..of_part };
                }
                Ok(found)
            })?
        }
    };
    if !found.valid {
        match v {
            Matrix::OutOfCore(_) => {
                let bad = |i, j, x: T| entry("V", i, j, x.to_f64()).is_err();
                first(v, bad)?.map_or(Ok(()), |(i, j, x)| entry("V", i, j, x.to_f64()))?;
            }
            Matrix::Dense(v) => all("V", *v, missing)?,
            Matrix::Csr(v) => {
                for row in 0..v.nrows() {
                    v.row(row).try_for_each(|(col, x)| entry("V", row, col, x.to_f64()))?;
                }
            }
            Matrix::Csc(v) => {
                let lines = v.transposed();
                let bad = |&(i, j, x): &(usize, usize, T)| entry("V", i, j, x.to_f64()).is_err();
                let all = (0..lines.nrows()).flat_map(|j| lines.row(j).map(move |(i, x)| (i, j, x)));
                let first = all.filter(bad).min_by_key(|&(i, j, _)| (i, j));
                first.map_or(Ok(()), |(i, j, x)| entry("V", i, j, x.to_f64()))?;
            }
        }
    }
    Ok(Found { max: found.max, squares: found.squares })
}

/// What [`data`] and [`size`] take: a row for each worker, or entries as kernels read them.
pub(crate) fn bytes<T: Real>(v: &Shape, workers: usize) -> usize {
    let each = match v.entries {
        Some(_) => {
            let most = v.lines_of_s.most(LINES).min(ENTRIES.max(v.lines_of_s.longest));
            let most = most.min(v.entries_of_lane(MAX_LANES, 1));
            (most * v.unfolded).max(v.near::<T>(LINES, 1))
        }
        None if v.out_of_core => together(v.lines().1) * v.lines().1 * size_of::<T>(),
        None => v.lines().1 * size_of::<T>(),
    };
    workers * each
}

/// `one(rows, room for a copy, squares so far)` for each block of `rows` rows, lane by lane.
fn over_blocks<M: Default>(
    lanes: &Lanes,
    rows: usize,
    workers: usize,
    (halt, ranks): (&Halt, &Ranks),
    one: impl Fn(Range<usize>, &mut M, f64) -> Result<scan::Scan, Error> + Sync,
) -> Result<scan::Scan, Error> {
    let empty = || Looked(scan::Scan { valid: true, max: 0.0, squares: 0.0 });
    let all = Reducer::new(lanes.count(), workers, empty).over(ranks).try_sum(
        |l, _, looked| {
            *looked = empty();
            let out = &mut looked.0;
            halt.check()?;
            let mut memory = M::default();
            for (block, _) in lanes.blocks(l, rows) {
                let found = one(block, &mut memory, out.squares)?;
                out.valid &= found.valid;
                out.max = out.max.max(found.max);
                out.squares = found.squares;
            }
            Ok(())
        },
        Looked::merge,
    )?;
    Ok(all.0)
}

/// What lanes have found.
struct Looked(scan::Scan);

impl Shared for Looked {
    type Element = f64;

    fn pack(&self, to: &mut Vec<u8>) {
        self.0.valid.save(to);
        (self.0.max, self.0.squares).save(to);
    }

    fn unpack(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        self.0.valid.restore(from)?;
        self.0.max.restore(from)?;
        self.0.squares.restore(from)
    }

    fn merge(&mut self, other: &Self) {
        self.0.valid &= other.0.valid;
        self.0.max = self.0.max.max(other.0.max);
        self.0.squares += other.0.squares;
    }
}

/// What is found in some rows, one after the other, with what squares there are already.
fn over_rows<T: Real>(isa: Isa, rows: View<'_, T>, scale: T, squares: f64) -> scan::Scan {
    let mut all = scan::Scan { valid: true, max: 0.0, squares };
    for r in 0..rows.nrows() {
        let found = scan::scan(isa, rows.rows(r..r + 1), scale, all.squares);
        let (valid, max) = (all.valid && found.valid, all.max.max(found.max));
        all = scan::Scan { valid, max, squares: found.squares };
    }
    all
}

/// Checks every entry, one by one in row-major order.
///
/// # Errors
/// [`Error::NonFinite`] or [`Error::Negative`] for the first offending entry.
pub(crate) fn entries<T: Real>(operand: &'static str, v: View<'_, T>) -> Result<(), Error> {
    all(operand, v, Missing::None)
}

/// The same of those that are not missing.
fn all<T: Real>(operand: &'static str, v: View<'_, T>, missing: Missing) -> Result<(), Error> {
    for row in 0..v.nrows() {
        for col in 0..v.ncols() {
            if !missing.is_missing(v.at(row, col)) {
                entry(operand, row, col, v.at(row, col).to_f64())?;
            }
        }
    }
    Ok(())
}

fn entry(operand: &'static str, row: usize, col: usize, value: f64) -> Result<(), Error> {
    if !value.is_finite() {
        return Err(Error::NonFinite { operand, row, col, value });
    }
    if value < 0.0 {
        return Err(Error::Negative { operand, row, col, value });
    }
    Ok(())
}

/// The exponents that V's largest entry may have for V to be used as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Safe {
    low: i32,
    high: i32,
    /// As far as one factor reaches.
    reach: i32,
}

impl Safe {
    /// Where no product or sum of squares can overflow or lose precision to subnormals.
    pub fn squares<T: Real>() -> Self {
        let (safe, reach) = if T::NAME == "float32" { (20, 126) } else { (200, 1022) };
        Self { low: -safe, high: safe, reach }
    }

    /// For a method: other losses take powers of entries and have floors under them. scikit-learn's floors are
    /// absolute, so that its method keeps data of ordinary size as it is; the library's own scales all data alike.
    pub fn of<T: Real>(method: Method) -> Self {
        let squares = Self::squares::<T>();
        match method {
            _ if method.loss.is_quadratic() => squares,
            method if method.is_compatible() => Self { low: -10, high: 20, ..squares },
            _ => Self { low: 0, high: 1, ..squares },
        }
    }
}

/// The exponent e for which a fit by that method divides data with this largest entry by 2^e.
pub(crate) fn exponent<T: Real>(method: Method, max: f64) -> i32 {
    scale_exponent(max, 2, Safe::of::<T>(method))
}

/// The exponent e for which data with this largest entry is to be divided by 2^e, a multiple of `step`: 0 inside the
/// safe range.
pub(crate) fn scale_exponent(max: f64, step: i32, safe: Safe) -> i32 {
    if max == 0.0 {
        return 0;
    }
    // log2 of a subnormal f64 is exact enough: a step more or less is as good
    let exponent = max.log2().floor() as i32;
    if (safe.low..=safe.high).contains(&exponent) {
        0
    } else {
        (exponent.div_euclid(step) * step).clamp(-safe.reach, safe.reach)
    }
}

/// 2^e as an element, in two factors where one would leave the range.
pub(crate) fn scale_by<T: Real>(x: T, e: i32) -> T {
    let half = e / 2;
    x * T::from_f64(2f64.powi(half)) * T::from_f64(2f64.powi(e - half))
}

/// ‖scale·V‖² of a sparse matrix, in double precision.
///
/// # Errors
/// Whatever keeps it from being read.
pub(crate) fn squares<T: Real>(v: &Matrix<'_, T>, scale: T) -> Result<f64, Error> {
    let Some(lines) = v.sparse_lines() else { return Ok(0.0) };
    let (mut near, mut sum) = (Near::default(), 0.0);
    for i in 0..lines.nrows() {
        let mut of_line = 0.0;
        lines.each(i, &mut near, |_, x| of_line += (x * scale).to_f64().powi(2))?;
        sum += of_line;
    }
    Ok(sum)
}

/// What a loss is compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// ΣV^β.
    pub powers: f64,
    /// The smallest entry above 0; of the Frobenius loss, which does not ask, infinity.
    pub smallest: f64,
    /// The loss of a fit that explains nothing: D(V|0), or where that is infinite, for β ≤ 1, D(V|v̄) with the mean of V.
    none: f64,
}

impl Size {
    /// For the Frobenius loss, from ‖V‖².
    pub fn quadratic(squares: f64) -> Self {
        Self { powers: squares, smallest: f64::INFINITY, none: 0.5 * squares }
    }

    /// Of Σ v^β and the loss of a fit that explains nothing, where that is known otherwise.
    pub fn of(powers: f64, none: f64) -> Self {
        Self { powers, smallest: f64::INFINITY, none }
    }

    fn new(beta: f64, Totals { count, powers, sum, logs, smallest, .. }: Totals) -> Self {
        let count = count as f64;
        let mean = sum / count;
        let none = if beta > 1.0 {
            powers / (beta * (beta - 1.0))
        } else if beta == 1.0 {
            logs - sum * mean.ln()
        } else if beta == 0.0 {
            count * mean.ln() - logs
        } else {
            (powers - count * mean.powf(beta)) / (beta * (beta - 1.0))
        };
        Self { powers, smallest, none }
    }

    /// √(loss over that of no fit): 0 where V is met, 1 where nothing of it is explained. Of data that is all alike, where
    /// the mean explains it all, √(2·loss/ΣV^β).
    pub fn relative_error(&self, loss: f64) -> f64 {
        // what the difference of two sums is known to
        let known = self.none > 1e-12 * self.powers.abs();
        if known { (loss / self.none).sqrt() } else { (2.0 * loss / self.powers).sqrt() }
    }
}

/// What a loss of scale·V is compared with, in double precision; each of those ranks looks at lanes of its own.
///
/// # Errors
/// [`Error::ZeroInNonPositiveBeta`] and [`Error::RangeTooWide`].
pub(crate) fn size<T: Real>(
    v: &Matrix<'_, T>,
    scale: T,
    missing: Missing,
    loss: Loss,
    workers: usize,
    ranks: &Ranks,
) -> Result<Size, Error> {
    let beta = loss.beta();
    let add = |totals: &mut Totals, x: T| totals.add(x == T::ZERO, (x * scale).to_f64(), beta);
    let totals = match (v.dense_lines(), v.sparse_lines()) {
        (Some(s), _) => {
            let cuts = Lanes::even(s.nrows(), lanes(s.nrows()));
            totals(&cuts, s.together(), workers, ranks, |rows, copy: &mut Vec<T>, out| {
                let block = s.read(rows, copy)?;
                for i in 0..block.nrows() {
                    let mut of_row = Totals::default();
                    let row = (0..block.ncols()).map(|j| block.at(i, j));
                    row.filter(|x| !missing.is_missing(*x)).for_each(|x| add(&mut of_row, x));
                    out.add_all(&of_row);
                }
                Ok(())
            })?
        }
        (_, lines) => {
            let lines = lines.expect("sparse matrices have lines");
            let cuts = Lanes::weighted(lines.nrows(), MAX_LANES, |i| lines.entries_before(i) + i);
            totals(&cuts, LINES, workers, ranks, |rows, near: &mut Near<T>, out| {
                near.end(rows.end);
                for i in rows {
                    let mut of_row = Totals::zeros(lines.ncols() - lines.range_nnz(i..i + 1));
                    lines.each(i, near, |_, x| add(&mut of_row, x))?;
                    out.add_all(&of_row);
                }
                Ok(())
            })?
        }
    };
    if beta <= 0.0
        && totals.zeros > 0
        && let Some((row, col, _)) = first(v, |_, _, x| x == T::ZERO)?
    {
        return Err(Error::ZeroInNonPositiveBeta { row, col, count: totals.zeros });
    }
    if beta <= 0.0
        && totals.vanished
        && let Some((row, col, value)) = first(v, |_, _, x| x * scale == T::ZERO)?
    {
        let max = data(v, T::ONE, missing, workers)?.max;
        return Err(Error::RangeTooWide { row, col, value: value.to_f64(), max });
    }
    Ok(Size::new(beta, totals))
}

/// Sums over entries.
#[derive(Clone, Copy, Debug)]
struct Totals {
    /// How many.
    count: usize,
    /// ΣV^β.
    powers: f64,
    sum: f64,
    /// Σv·ln v for β = 1, Σln v for β = 0.
    logs: f64,
    smallest: f64,
    zeros: usize,
    /// Whether an entry that is not 0 is 0 once it is scaled.
    vanished: bool,
}

impl Default for Totals {
    fn default() -> Self {
        Self {
            count: 0,
            powers: 0.0,
            sum: 0.0,
            logs: 0.0,
            smallest: f64::INFINITY,
            zeros: 0,
            vanished: false,
        }
    }
}

impl Totals {
    /// Of so many zeros.
    fn zeros(count: usize) -> Self {
        Self { count, zeros: count, ..Self::default() }
    }

    /// A scaled entry, and whether it was 0 before.
    fn add(&mut self, zero: bool, x: f64, beta: f64) {
        self.count += 1;
        self.powers += power(x, beta);
        self.sum += x;
        if x == 0.0 {
            self.zeros += usize::from(zero);
            self.vanished |= !zero;
            return;
        }
        self.smallest = self.smallest.min(x);
        if beta == 1.0 {
            self.logs += x * x.ln();
        } else if beta == 0.0 {
            self.logs += x.ln();
        }
    }

    fn add_all(&mut self, other: &Self) {
        self.count += other.count;
        self.powers += other.powers;
        self.sum += other.sum;
        self.logs += other.logs;
        self.smallest = self.smallest.min(other.smallest);
        self.zeros += other.zeros;
        self.vanished |= other.vanished;
    }
}

/// Totals of all rows, lane by lane: `one(rows, room for a copy, totals)` adds those of a block of at most `rows`.
fn totals<M: Default>(
    lanes: &Lanes,
    rows: usize,
    workers: usize,
    ranks: &Ranks,
    one: impl Fn(Range<usize>, &mut M, &mut Totals) -> Result<(), Error> + Sync,
) -> Result<Totals, Error> {
    Reducer::new(lanes.count(), workers, Totals::default).over(ranks).try_sum(
        |l, _, out| {
            *out = Totals::default();
            let mut memory = M::default();
            lanes.blocks(l, rows).try_for_each(|(block, _)| one(block, &mut memory, out))
        },
        Totals::merge,
    )
}

state!(Totals: count, powers, sum, logs, smallest, zeros, vanished);

impl Few for Totals {
    fn add(&mut self, other: &Self) {
        self.add_all(other);
    }
}

/// The first entry (i, j, x) for which `is` holds, in row-major order, with the zeros that are not stored.
fn first<T: Real>(
    v: &Matrix<'_, T>,
    is: impl Fn(usize, usize, T) -> bool,
) -> Result<Option<(usize, usize, T)>, Error> {
    Ok(match v.with_rows() {
        Matrix::Csr(v) => (0..v.nrows()).find_map(|i| {
            // columns ascend: one that is not where it would be without a gap comes after a zero
            let mut column = 0;
            for (j, x) in v.row(i) {
                if j > column && is(i, column, T::ZERO) {
                    return Some((i, column, T::ZERO));
                }
                if is(i, j, x) {
                    return Some((i, j, x));
                }
                column = j + 1;
            }
            (column < v.ncols() && is(i, column, T::ZERO)).then_some((i, column, T::ZERO))
        }),
        Matrix::Dense(v) => {
            let mut all = (0..v.nrows()).flat_map(|i| (0..v.ncols()).map(move |j| (i, j, v.at(i, j))));
            all.find(|&(i, j, x)| is(i, j, x))
        }
        Matrix::OutOfCore(v) => match v.entries() {
            Some(lines) => first_in_entries(&lines, v.by_columns(), is)?,
            None => first_in_lines(&DenseLines::OutOfCore(v.clone()), v.by_columns(), is)?,
        },
        Matrix::Csc(_) => unreachable!("rows were copied"),
    })
}

/// The same of sparse lines that are read.
fn first_in_entries<T: Real>(
    lines: &SparseLines<'_, T>,
    by_columns: bool,
    is: impl Fn(usize, usize, T) -> bool,
) -> Result<Option<(usize, usize, T)>, Error> {
    let mut near = Near::default();
    let mut found: Option<(usize, usize, T)> = None;
    for line in 0..lines.nrows() {
        let place = |along| if by_columns { (along, line) } else { (line, along) };
        let mut of_line = None;
        let mut look = |along: usize, x: T| {
            let (i, j) = place(along);
            if of_line.is_none() && is(i, j, x) {
                of_line = Some((i, j, x));
            }
        };
        // indices ascend: one that is not where it would be without a gap comes after a zero
        let mut next = 0;
        lines.each(line, &mut near, |along, x| {
            if along > next {
                look(next, T::ZERO);
            }
            look(along, x);
            next = along + 1;
        })?;
        if next < lines.ncols() {
            look(next, T::ZERO);
        }
        if let Some(new) = of_line.filter(|new| found.is_none_or(|found| (new.0, new.1) < (found.0, found.1)))
        {
            found = Some(new);
        }
        if found.is_some() && !by_columns {
            break;
        }
    }
    Ok(found)
}

/// The same of dense lines: of rows one that is found ends the search, of columns the others may have one in a row before.
fn first_in_lines<T: Real>(
    lines: &DenseLines<'_, T>,
    by_columns: bool,
    is: impl Fn(usize, usize, T) -> bool,
) -> Result<Option<(usize, usize, T)>, Error> {
    let mut copy = Vec::new();
    let mut found: Option<(usize, usize, T)> = None;
    for start in (0..lines.nrows()).step_by(lines.together()) {
        let block = lines.read(start..lines.nrows().min(start + lines.together()), &mut copy)?;
        for line in 0..block.nrows() {
            let at = |along| if by_columns { (along, start + line) } else { (start + line, along) };
            let entries = (0..block.ncols()).map(|along| (at(along), block.at(line, along)));
            let first = entries.map(|((i, j), x)| (i, j, x)).find(|&(i, j, x)| is(i, j, x));
            if let Some(new) =
                first.filter(|new| found.is_none_or(|found| (new.0, new.1) < (found.0, found.1)))
            {
                found = Some(new);
            }
        }
        if found.is_some() && !by_columns {
            break;
        }
    }
    Ok(found)
}

fn power(x: f64, beta: f64) -> f64 {
    if beta == 1.0 { x } else { x.powf(beta) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_zero_in_the_safe_range_and_even_outside() {
        assert_eq!(scale_exponent(1.0, 2, Safe::squares::<f32>()), 0);
        assert_eq!(scale_exponent(1e6, 2, Safe::squares::<f32>()), 0);
        assert_eq!(scale_exponent(1e30, 2, Safe::squares::<f32>()), 98);
        assert_eq!(scale_exponent(1e-30, 2, Safe::squares::<f32>()), -100);
        assert_eq!(scale_exponent(1e30, 2, Safe::squares::<f64>()), 0);
        assert_eq!(scale_exponent(5e-324, 2, Safe::squares::<f64>()), -1022);
    }
}
