//! Successive projection: k rows of V that the others are mixtures of, if V has such rows.
//!
//! If V = W·H where each component has a row of V to itself, that row divided by its sum is an extreme point of all
//! rows so divided. The row farthest from 0 is one; so is, in what is left after projecting it away, the next:
//!
//! ```text
//! x_i = v_i / Σ v_i
//! k times:  i = the row with the largest ‖residual of x_i‖, the first of them
//!           u = residual of x_i / its norm
//!           ‖residual of x_j‖² −= ⟨x_j, u⟩²   for every j
//! ```
//!
//! The residuals themselves are never made: the directions u are orthonormal, so that the norms follow from V·u, and
//! only a picked row is projected. V is read k + 1 times, at 2mnk flops, and neither copied nor changed; k·n doubles
//! for the directions.
//!
//! The subtraction leaves rounding: a residual below 16·ε of its row's square is taken for 0. Once all are, V has no
//! more independent rows, and those not yet picked follow, the first ones first and rows of zeros last.
//!
//! H is the picked rows, and W the non-negative weights of each row of V on them, by coordinate descent as in
//! [`Model::transform`]. Of the many ways to share a component's size between the two, each gets one and the same
//! norm.
//!
//! Gillis & Vavasis, Fast and Robust Recursive Algorithms for Separable Nonnegative Matrix Factorization, IEEE
//! Transactions on Pattern Analysis and Machine Intelligence 36 (2014) 698–714, doi:10.1109/TPAMI.2013.226.

use std::sync::PoisonError;

use orthant_kernel::{Buffer, Dense, allocate};

use super::Data;
use crate::lanes::{Lanes, MAX_LANES};
use crate::lines::Near;
use crate::reduce::{Reducer, split};
use crate::source::{Reading, transposing_bytes, with_rows_bytes};
use crate::transform;
use crate::{Error, Loss, Matrix, Model, Penalty, Real, Transform, check};

/// A residual of this many ε of its row's square is rounding.
const ROUNDING: f64 = 16.0;
/// Sweeps that a row of W may take: a start need not be exact.
const MOST_SWEEPS: usize = 500;

/// W (m×k) and Hᵀ (n×k), row-major, for `scale`·V.
///
/// # Errors
/// [`Error::RankTooLargeForInit`] for more components than rows.
pub(crate) fn spa<T: Real>(data: &Data<'_, T>, k: usize) -> Result<(Vec<T>, Vec<T>), Error> {
    let Data { scale, workers, .. } = *data;
    check::has_rows(data.v, "the start spa of columns")?;
    // rows of columns are far apart
    let v = &data.v.with_rows();
    let picked = pick(data, v, k)?;
    let mut h = Dense::zeros(k, v.ncols());
    let n = v.ncols();
    let mut sizes = Vec::with_capacity(k);
    for (row, &i) in h.as_mut_slice().chunks_exact_mut(n).zip(&picked) {
        row.copy_from_slice(v.rows(i..i + 1).to_dense(T::ONE)?.as_slice());
        let largest = row.iter().fold(T::ZERO, |a, &b| a.max(b));
        if largest > T::ZERO {
            row.iter_mut().for_each(|x| *x /= largest);
        }
        sizes.push((largest * scale).to_f64());
    }
    let model = Model::new(h, Penalty::default(), Loss::Frobenius);
    let threads = (workers == 1).then_some(1);
    let options = Transform { max_sweeps: MOST_SWEEPS, threads, ..Transform::default() };
    let mut w = transform::halted(&model, v, &options, data.halt)?.0.into_vec();
    let mut ht = super::transposed(model.components());
    for t in 0..k {
        let norm = |x: &[T]| x.iter().skip(t).step_by(k).map(|x| x.to_f64().powi(2)).sum::<f64>().sqrt();
        w.iter_mut().skip(t).step_by(k).for_each(|x| *x *= scale);
        let (of_w, of_h) = (norm(&w), norm(&ht));
        // a component that weighs nothing has what is its share of a row of its own
        let ratio = if of_w > 0.0 { of_w / of_h } else { sizes[t] };
        if of_h > 0.0 {
            let root = ratio.sqrt();
            w.iter_mut().skip(t).step_by(k).for_each(|x| *x = T::from_f64(x.to_f64() / root));
            ht.iter_mut().skip(t).step_by(k).for_each(|x| *x = T::from_f64(x.to_f64() * root));
        }
    }
    Ok((w, ht))
}

/// What that takes, W and Hᵀ with it.
pub(super) fn bytes<T: Real>(reading: &Reading<'_>, k: usize) -> usize {
    let (v, workers) = (reading.v, reading.workers);
    let (m, n, s) = (v.m, v.n, size_of::<T>());
    if k > m {
        return 0;
    }
    // a row is widened, where it is dense from a copy; a list of entries may have grown
    let row = match v.entries {
        Some(_) if !v.by_columns => {
            3 * v.lines_of_s.longest * size_of::<f64>() + v.near::<T>(m.div_ceil(MAX_LANES), 1)
        }
        _ => n * (s + size_of::<f64>()),
    };
    let direction = n * size_of::<f64>() + size_of::<Vec<f64>>();
    let projecting = (k * direction).max((k - 1) * direction + reading.times::<T>(false, 1).0) + n * s;
    let picking = m * size_of::<Row>() + projecting.max(workers * row);
    let h = k * n * s;
    let rows = with_rows_bytes::<T>(v);
    let weights = transform::bytes::<T>(&v.with_rows(), Loss::Frobenius, k, workers);
    rows + transposing_bytes(m)
        .max(picking)
        .max(h + n * s)
        .max(h + weights)
        .max(h + Buffer::<T>::bytes(m * k) + Buffer::<T>::bytes(n * k))
}

/// A row of V, divided by its sum.
#[derive(Clone, Copy, Default)]
struct Row {
    sum: f64,
    /// Its square, and what is left of it.
    square: f64,
    left: f64,
    picked: bool,
}

impl Row {
    /// Takes off a part, or as much as there is.
    fn take_off(&mut self, part: f64, epsilon: f64) {
        let left = self.left - part;
        self.left = if left > ROUNDING * epsilon * self.square { left } else { 0.0 };
    }
}

/// k different rows, in the order in which they are found.
fn pick<T: Real>(data: &Data<'_, T>, v: &Matrix<'_, T>, k: usize) -> Result<Vec<usize>, Error> {
    let Data { scale, workers, .. } = *data;
    let (m, n) = (v.nrows(), v.ncols());
    if k > m {
        return Err(Error::RankTooLargeForInit { rank: k, rows: m, cols: n });
    }
    let operand = data.operand();
    let epsilon = T::EPSILON.to_f64();
    let mut rows = squares(v, scale, workers)?;
    let mut picked: Vec<usize> = Vec::with_capacity(k);
    let mut directions: Vec<Vec<f64>> = Vec::with_capacity(k);
    while picked.len() < k {
        let farthest = (0..m).fold(0, |best, i| if rows[i].left > rows[best].left { i } else { best });
        let Row { sum, square, left, .. } = rows[farthest];
        if left <= 0.0 {
            break;
        }
        let mut x = entries(v, farthest, scale)?;
        x.iter_mut().for_each(|x| *x /= sum);
        // twice is enough for directions that are orthogonal to rounding
        for _ in 0..2 {
            for u in &directions {
                let part: f64 = x.iter().zip(u).map(|(x, u)| x * u).sum();
                x.iter_mut().zip(u).for_each(|(x, u)| *x -= part * u);
            }
        }
        let rest: f64 = x.iter().map(|x| x * x).sum();
        if rest <= ROUNDING * epsilon * square {
            rows[farthest].left = 0.0;
            continue;
        }
        let norm = rest.sqrt();
        x.iter_mut().for_each(|x| *x /= norm);
        rows[farthest].picked = true;
        picked.push(farthest);
        let u: Vec<T> = allocate::collected(x.iter().map(|&x| T::from_f64(x)));
        directions.push(x);
        if picked.len() < k {
            for (row, part) in rows.iter_mut().zip(operand.times(false, &u, 1)?) {
                if row.sum > 0.0 {
                    row.take_off((part.to_f64() / row.sum).powi(2), epsilon);
                }
            }
            rows[farthest].left = 0.0;
        }
    }
    for zero in [false, true] {
        let others = (0..m).filter(|&i| !rows[i].picked && (rows[i].sum == 0.0) == zero);
        picked.extend(others.take(k - picked.len()));
    }
    Ok(picked)
}

/// `scale`·V's row.
fn entries<T: Real>(v: &Matrix<'_, T>, i: usize, scale: T) -> Result<Vec<f64>, Error> {
    let row = v.rows(i..i + 1).to_dense(scale)?;
    Ok(allocate::collected(row.as_slice().iter().map(|x| x.to_f64())))
}

/// The sum of each row, and the square of the row so divided.
fn squares<T: Real>(v: &Matrix<'_, T>, scale: T, workers: usize) -> Result<Vec<Row>, Error> {
    let (lanes, lines) = (Lanes::even(v.nrows(), MAX_LANES), v.sparse_lines());
    let mut rows = allocate::filled(v.nrows(), Row::default());
    let slots = split(&mut rows, 1, &lanes);
    Reducer::new(MAX_LANES, workers, || ()).try_run(
        |which, _, ()| {
            let mut rows = slots[which].lock().unwrap_or_else(PoisonError::into_inner);
            let mut near = Near::default();
            near.end(lanes.range(which).end);
            for (row, i) in rows.iter_mut().zip(lanes.range(which)) {
                let line: Vec<f64> = match &lines {
                    Some(lines) => {
                        let mut line = Vec::new();
                        lines.each(i, &mut near, |_, x| line.push(x.to_f64() * scale.to_f64()))?;
                        line
                    }
                    None => entries(v, i, scale)?,
                };
                let sum: f64 = line.iter().sum();
                if sum > 0.0 {
                    let square = line.iter().map(|x| (x / sum).powi(2)).sum();
                    *row = Row { sum, square, left: square, picked: false };
                }
            }
            Ok(())
        },
        |(), ()| {},
    )?;
    drop(slots);
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use orthant_kernel::View;

    use super::*;
    use crate::RandomState;
    use crate::init::testing::of_view;

    fn spa<T: Real>(v: View<'_, T>, scale: T, k: usize, workers: usize) -> Result<(Vec<T>, Vec<T>), Error> {
        of_view(v, scale, workers, |data| super::spa(data, k))
    }

    fn pick<T: Real>(v: View<'_, T>, scale: T, k: usize, workers: usize) -> Result<Vec<usize>, Error> {
        of_view(v, scale, workers, |data| super::pick(data, data.v, k))
    }

    /// k independent rows at known places, all others mixtures of them, row-major.
    fn separable(m: usize, n: usize, pure: &[usize]) -> Vec<f64> {
        let mut r = RandomState::new(11);
        let k = pure.len();
        let h: Vec<f64> = (0..k * n).map(|_| r.random_sample()).collect();
        let mut x = vec![0.0; m * n];
        for i in 0..m {
            let own = pure.iter().position(|&p| p == i);
            let weights: Vec<f64> = (0..k).map(|_| 0.05 + r.random_sample()).collect();
            for j in 0..n {
                x[i * n + j] = match own {
                    Some(t) => h[t * n + j] * 10f64.powi(t as i32 - 1),
                    None => (0..k).map(|t| weights[t] * h[t * n + j]).sum(),
                };
            }
        }
        x
    }

    fn product(w: &[f64], ht: &[f64], k: usize) -> Vec<f64> {
        let n = ht.len() / k;
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum();
        (0..w.len() / k * n).map(|i| dot(&w[i / n * k..][..k], &ht[i % n * k..][..k])).collect()
    }

    #[test]
    fn pure_rows_are_found_whatever_their_size_and_layout() {
        let (m, n) = (211, 17);
        let pure = [3, 50, 117, 208];
        let x = separable(m, n, &pure);
        let v = View::row_major(&x, m, n).unwrap();
        let mut columns = vec![0.0; m * n];
        v.transposed().copy_to(&mut columns);
        let c = View::col_major(&columns, m, n).unwrap();
        let picked = pick(v, 1.0, 4, 1).unwrap();
        assert_eq!(pick(c, 1.0, 4, 1).unwrap(), picked);
        assert_eq!(pick(v, 0.25, 4, 1).unwrap(), picked);
        let mut sorted = picked;
        sorted.sort_unstable();
        assert_eq!(sorted, pure);
        let (w, ht) = spa(v, 1.0, 4, 1).unwrap();
        assert!(w.iter().chain(&ht).all(|&x| x >= 0.0));
        for (a, b) in product(&w, &ht, 4).iter().zip(&x) {
            assert!((a - b).abs() < 1e-6 * (1.0 + b), "{a} {b}");
        }
        let x: Vec<f32> = x.iter().map(|&x| x as f32).collect();
        let mut sorted = pick(View::row_major(&x, m, n).unwrap(), 1.0, 4, 2).unwrap();
        sorted.sort_unstable();
        assert_eq!(sorted, pure);
    }

    #[test]
    fn threads_do_not_matter_and_scale_goes_by_its_root() {
        let (m, n) = (300, 40);
        let mut r = RandomState::new(2);
        let x: Vec<f64> = (0..m * n).map(|_| r.random_sample()).collect();
        let v = View::row_major(&x, m, n).unwrap();
        let one = spa(v, 1.0, 6, 1).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        assert_eq!(pool.install(|| spa(v, 1.0, 6, 2)).unwrap(), one);
        let larger: Vec<f64> = x.iter().map(|x| x * 1e-13).collect();
        let other = spa(View::row_major(&larger, m, n).unwrap(), 1.0, 6, 1).unwrap();
        let root = 1e-13_f64.sqrt();
        for (a, b) in one.0.iter().chain(&one.1).zip(other.0.iter().chain(&other.1)) {
            assert!((a * root - b).abs() <= 1e-9 * root);
        }
        let four = spa(v, 16.0, 6, 1).unwrap();
        for (a, b) in one.0.iter().chain(&one.1).zip(four.0.iter().chain(&four.1)) {
            assert!((4.0 * a - b).abs() <= 1e-14 * b);
        }
    }

    /// Rank one, and with rows of zeros: rows in order, those of zeros last; ties go to the first.
    #[test]
    fn dependent_rows_are_filled_up() {
        let x = [0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 2.0, 4.0, 3.0, 6.0];
        let v = View::row_major(&x, 5, 2).unwrap();
        assert_eq!(pick(v, 1.0, 5, 1).unwrap(), [1, 3, 4, 0, 2]);
        let (w, ht) = spa(v, 1.0, 5, 1).unwrap();
        for (a, b) in product(&w, &ht, 5).iter().zip(&x) {
            assert!((a - b).abs() < 1e-7);
        }
        let zero = View::row_major(&[0.0; 6], 3, 2).unwrap();
        assert_eq!(pick(zero, 1.0, 2, 1).unwrap(), [0, 1]);
        assert!(spa(zero, 1.0, 2, 1).unwrap().0.iter().all(|&x| x == 0.0));
        let identity = [1.0, 0.0, 0.0, 1.0];
        assert_eq!(pick(View::row_major(&identity, 2, 2).unwrap(), 1.0, 2, 1).unwrap(), [0, 1]);
        let error = Error::RankTooLargeForInit { rank: 3, rows: 2, cols: 2 };
        assert_eq!(spa(View::row_major(&identity, 2, 2).unwrap(), 1.0, 3, 1).unwrap_err(), error);
    }
}
