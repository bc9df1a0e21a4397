//! The random start, scaled to the data: √α times the factors of [`random`](super::random), where
//! α = ⟨VHᵀ, W⟩ / ⟨HHᵀ, WᵀW⟩ is the minimiser of ‖V − αWH‖.
//!
//! Multiplicative and coordinate updates from W·H of about V's size skip the iterations that would only find the
//! size. One read of V, 2mnk + (m + n)k² flops; sums of lanes in double precision. Gillis,
//! Nonnegative Matrix Factorization: Complexity, Algorithms and Applications, thesis, Université catholique de
//! Louvain (2011).

use orthant_kernel::{Buffer, Isa, accumulator_stride, allocate};

use super::Data;
use crate::lanes::{lane, lanes};
use crate::random::Generator;
use crate::reduce::{Reducer, accumulators};
use crate::source::Reading;
use crate::{Error, Real};

/// W (m×k) and Hᵀ (n×k), row-major, for `scale`·V. Where α is 0 or not finite, as for V = 0, the factors are left as
/// they were drawn.
pub(crate) fn scaled<T: Real>(
    data: &Data<'_, T>,
    k: usize,
    generator: &mut Generator,
) -> Result<(Vec<T>, Vec<T>), Error> {
    let workers = data.workers;
    let (mut w, mut ht) = super::random(data, k, generator)?;
    let fit = data.operand().inner_product(&w, &ht, k)?;
    let (of_w, of_h) = (gram(&w, k, workers), gram(&ht, k, workers));
    let size: f64 = of_w.iter().zip(&of_h).map(|(a, b)| a * b).sum();
    let root = (fit / size).sqrt();
    if root > 0.0 && root.is_finite() {
        w.iter_mut().chain(&mut ht).for_each(|x| *x = T::from_f64(x.to_f64() * root));
    }
    Ok((w, ht))
}

/// What that takes, W and Hᵀ with it.
pub(super) fn bytes<T: Real>(reading: &Reading<'_>, k: usize) -> usize {
    let (m, n) = (reading.v.m, reading.v.n);
    let products =
        reading.scratch::<T>(k).max(gram_bytes::<T>(m.max(n), k, reading.workers) + k * k * size_of::<f64>());
    super::random_bytes::<T>(reading, k) + products
}

/// What [`gram`] takes of a matrix with so many rows.
pub(crate) fn gram_bytes<T: Real>(rows: usize, k: usize, workers: usize) -> usize {
    let each = k * k * size_of::<f64>() + Buffer::<T>::bytes(k * accumulator_stride::<T>(k));
    accumulators(lanes(rows), workers) * each
}

/// XᵀX of a matrix with k columns: lane by lane in the data's precision, the lanes together in double precision.
pub(crate) fn gram<T: Real>(x: &[T], k: usize, workers: usize) -> Vec<f64> {
    let rows = x.len() / k;
    let (count, stride) = (lanes(rows), accumulator_stride::<T>(k));
    let isa = Isa::detect();
    let start = || (allocate::filled(k * k, 0.0), Buffer::zeros(k * stride));
    let (sum, _) = Reducer::new(count, workers, start).run(
        |which, _, (sum, part)| {
            part.fill(T::ZERO);
            let range = lane(rows, count, which);
            orthant_kernel::gram(isa, &x[range.start * k..range.end * k], k, part);
            for t in 0..k {
                for r in t..k {
                    // one triangle is there
                    let entry = part[t * stride + r].to_f64();
                    (sum[t * k + r], sum[r * k + t]) = (entry, entry);
                }
            }
        },
        |(a, _), (b, _)| a.iter_mut().zip(b).for_each(|(a, b)| *a += b),
    );
    sum
}

#[cfg(test)]
mod tests {
    use orthant_kernel::View;

    use super::*;
    use crate::init::random;
    use crate::init::testing::of_view;

    fn scaled<T: Real>(
        v: View<'_, T>,
        scale: T,
        k: usize,
        generator: &mut Generator,
        workers: usize,
    ) -> (Vec<T>, Vec<T>) {
        of_view(v, scale, workers, |data| super::scaled(data, k, generator)).unwrap()
    }

    fn data(m: usize, n: usize) -> Vec<f64> {
        let mut r = crate::RandomState::new(8);
        (0..m * n).map(|_| r.random_sample()).collect()
    }

    /// ‖V − αWH‖² by plain loops.
    fn loss(v: &[f64], w: &[f64], ht: &[f64], k: usize, alpha: f64) -> f64 {
        let n = ht.len() / k;
        let entry = |i: usize| {
            let (w, h) = (&w[i / n * k..][..k], &ht[i % n * k..][..k]);
            v[i] - alpha * w.iter().zip(h).map(|(a, b)| a * b).sum::<f64>()
        };
        (0..v.len()).map(|i| entry(i).powi(2)).sum()
    }

    #[test]
    fn no_other_multiple_of_the_start_is_nearer() {
        let (m, n, k) = (130, 41, 3);
        let x = data(m, n);
        let v = View::row_major(&x, m, n).unwrap();
        let (w, ht) = scaled(v, 1.0, k, &mut Generator::Seed(4), 1);
        let at = |alpha| loss(&x, &w, &ht, k, alpha);
        assert!(at(1.0) < at(1.001) && at(1.0) < at(0.999));
        let (drawn, _) = of_view(v, 1.0, 1, |data| random(data, k, &mut Generator::Seed(4)).unwrap());
        let ratio = w[0] / drawn[0];
        assert!(w.iter().zip(&drawn).all(|(a, b)| (a / b - ratio).abs() < 1e-14 * ratio));
    }

    #[test]
    fn threads_and_layouts_do_not_matter() {
        let (m, n, k) = (450, 310, 4);
        let x = data(m, n);
        let v = View::row_major(&x, m, n).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let one = scaled(v, 1.0, k, &mut Generator::Seed(4), 1);
        assert_eq!(pool.install(|| scaled(v, 1.0, k, &mut Generator::Seed(4), 2)), one);
        let mut columns = vec![0.0; m * n];
        v.transposed().copy_to(&mut columns);
        let c = View::col_major(&columns, m, n).unwrap();
        let other = scaled(c, 1.0, k, &mut Generator::Seed(4), 1);
        for (a, b) in one.0.iter().chain(&one.1).zip(other.0.iter().chain(&other.1)) {
            assert!((a - b).abs() <= 1e-12 * a);
        }
        // 16·V, as it is and as what is read
        let larger: Vec<f64> = x.iter().map(|x| 16.0 * x).collect();
        let larger = View::row_major(&larger, m, n).unwrap();
        let four = scaled(larger, 1.0, k, &mut Generator::Seed(4), 1);
        for (a, b) in one.0.iter().chain(&one.1).zip(four.0.iter().chain(&four.1)) {
            assert!((4.0 * a - b).abs() <= 1e-12 * b);
        }
        assert_eq!(scaled(v, 16.0, k, &mut Generator::Seed(4), 1), four);
    }

    #[test]
    fn zero_data_starts_at_zero() {
        let v = View::row_major(&[0.0; 12], 4, 3).unwrap();
        let (w, ht) = scaled(v, 1.0, 2, &mut Generator::Seed(4), 1);
        assert!(w.iter().chain(&ht).all(|&x| x == 0.0));
    }
}
