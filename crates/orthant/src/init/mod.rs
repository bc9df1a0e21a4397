//! Starts.

use orthant_kernel::{Real, View};

pub use numpy::{Generator, RandomState};

mod dense;
mod mean;
#[cfg_attr(not(test), expect(dead_code, reason = "no option of a fit leads here yet"))]
pub(crate) mod nndsvd;
mod numpy;
mod products;
#[cfg_attr(not(test), expect(dead_code, reason = "no option of a fit leads here yet"))]
pub(crate) mod scaled;
#[cfg_attr(not(test), expect(dead_code, reason = "no option of a fit leads here yet"))]
pub(crate) mod spa;
mod svd;

/// √(mean(V)/k)·|N(0,1)| for H (k×n), then W (m×k), as scikit-learn's `init="random"` draws them; H comes transposed
/// (n×k). `scale` is applied to V, whose mean is taken on the threads at hand if `parallel`.
pub(crate) fn random<T: Real>(
    v: View<'_, T>,
    scale: T,
    k: usize,
    generator: &mut Generator,
    parallel: bool,
) -> (Vec<T>, Vec<T>) {
    let (m, n) = (v.nrows(), v.ncols());
    let average = (mean::mean(v, scale, parallel) / T::from_f64(k as f64)).sqrt();
    generator.with(|stream| {
        let mut draw = || (average * T::from_f64(stream.standard_normal())).abs();
        let mut ht = vec![T::ZERO; n * k];
        for t in 0..k {
            for j in 0..n {
                ht[j * k + t] = draw();
            }
        }
        let w = (0..m * k).map(|_| draw()).collect();
        (w, ht)
    })
}
