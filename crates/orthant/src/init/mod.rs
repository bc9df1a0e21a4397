//! Starts.

use orthant_kernel::{Real, View};

pub(crate) use dense::orthonormal;
pub(crate) use mean::mean;
pub use numpy::{Generator, RandomState};

pub(crate) use products::Operand;
pub(crate) use scaled::gram;

use crate::{Error, Start};
use nndsvd::{Fill, Variant, nndsvd};

mod dense;
mod mean;
mod nndsvd;
mod numpy;
mod products;
mod scaled;
mod spa;
mod svd;

/// W (m×k) and Hᵀ (n×k) for `scale`·V by any start but a given one.
///
/// # Errors
/// [`Error::RankTooLargeForInit`] where the start needs singular vectors or rows of V.
pub(crate) fn generate<T: Real>(
    start: &Start<T>,
    v: View<'_, T>,
    scale: T,
    k: usize,
    generator: &mut Generator,
    workers: usize,
) -> Result<(Vec<T>, Vec<T>), Error> {
    let by_vectors = |variant, generator| nndsvd(v, scale, k, variant, generator, workers);
    match start {
        Start::Random => Ok(random(v, scale, k, generator, workers > 1)),
        Start::ScaledRandom => scaled::scaled(v, scale, k, generator, workers),
        Start::Nndsvd => by_vectors(Variant::Sklearn(Fill::Zero), generator),
        Start::Nndsvda => by_vectors(Variant::Sklearn(Fill::Mean), generator),
        Start::Nndsvdar => by_vectors(Variant::Sklearn(Fill::Random), generator),
        Start::ExactNndsvd => by_vectors(Variant::Exact(Fill::Zero), generator),
        Start::ExactNndsvda => by_vectors(Variant::Exact(Fill::Mean), generator),
        Start::Spa => spa::spa(v, scale, k, workers),
        Start::Custom { .. } => unreachable!("given factors are not made"),
    }
}

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
    let average = (mean(v, scale, parallel) / T::from_f64(k as f64)).sqrt();
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
