//! Starts.

use orthant_kernel::{Real, View};

pub use numpy::{Generator, RandomState};

pub(crate) use mean::mean;

use crate::{Error, Start};

mod mean;
mod numpy;

/// √(mean(V)/k)·|N(0,1)| for H (k×n), then W (m×k), as scikit-learn's `init="random"` draws them; H comes transposed
/// (n×k). `scale` is applied to V, whose mean is
/// taken on the threads at hand if `parallel`.
/// W and Hᵀ by any start but a given one.
pub(crate) fn generate<T: Real>(
    start: &Start<T>,
    v: View<'_, T>,
    scale: T,
    k: usize,
    generator: &mut Generator,
    workers: usize,
) -> Result<(Vec<T>, Vec<T>), Error> {
    let _ = start;
    let Generator::Seed(seed) = generator else { todo!() };
    Ok(random(v, scale, k, *seed, workers > 1))
}

pub(crate) fn random<T: Real>(
    v: View<'_, T>,
    scale: T,
    k: usize,
    seed: u32,
    parallel: bool,
) -> (Vec<T>, Vec<T>) {
    let (m, n) = (v.nrows(), v.ncols());
    let average = (mean(v, scale, parallel) / T::from_f64(k as f64)).sqrt();
    let mut generator = RandomState::new(seed);
    let mut draw = || (average * T::from_f64(generator.standard_normal())).abs();
    let mut ht = vec![T::ZERO; n * k];
    for t in 0..k {
        for j in 0..n {
            ht[j * k + t] = draw();
        }
    }
    let w = (0..m * k).map(|_| draw()).collect();
    (w, ht)
}
