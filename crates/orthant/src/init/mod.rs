//! Starts.

pub(crate) use dense::{kept_by_products, orthonormal, orthonormal_bytes};
pub(crate) use mean::{mean, mean_bytes};

pub(crate) use products::Operand;
pub(crate) use scaled::{gram, gram_bytes};

use orthant_kernel::{Buffer, Dense};

use crate::cancel::Halt;
use crate::random::Generator;
use crate::ranks::Ranks;
use crate::source::{Estimate, Reading, Sources, Unobserved};
use crate::{Error, Init, Matrix, Real};
use nndsvd::{Fill, Variant, nndsvd};

mod dense;
mod mean;
mod nndsvd;
mod products;
mod scaled;
mod spa;
mod svd;

/// What starts are made from: `scale`·V, and that as a source.
#[derive(Clone, Copy)]
pub(crate) struct Data<'a, T: Real> {
    pub v: &'a Matrix<'a, T>,
    /// A power of two.
    pub scale: T,
    pub source: Sources<'a, T>,
    pub workers: usize,
    /// What ends the making of a start.
    pub halt: &'a Halt,
    /// Who share the lanes of the source.
    pub ranks: &'a Ranks,
    /// What the source has in place of what is not observed of V, by its lines.
    pub missing: Option<(&'a Unobserved, &'a Estimate<T>)>,
    /// The mean of what is observed, where V is that alone.
    pub mean: Option<f64>,
}

impl<'a, T: Real> Data<'a, T> {
    pub fn operand(&self) -> Operand<'a, T> {
        Operand::new(self.source, self.v.by_columns(), self.workers).halted_by(self.halt).over(self.ranks)
    }

    pub fn mean(&self) -> Result<T, Error> {
        match (self.mean, self.missing) {
            (Some(mean), _) => Ok(T::from_f64(mean)),
            (_, Some((_, estimate))) => Ok(T::from_f64(estimate.mean)),
            _ => mean(self.v, self.scale, self.workers > 1),
        }
    }

    /// All of it, as the source has it.
    pub fn whole(&self) -> Result<Dense<T>, Error> {
        let mut whole = self.v.to_dense(self.scale)?;
        let by_columns = self.v.by_columns();
        if let Some((unobserved, estimate)) = self.missing {
            for line in 0..unobserved.nrows() {
                let (x, y) = estimate.factors(line..line + 1);
                for &j in unobserved.row(line) {
                    let at = if by_columns { (j as usize, line) } else { (line, j as usize) };
                    whole[at] = x[0] * y[j as usize];
                }
            }
        }
        Ok(whole)
    }
}

/// Gives rows that are all zero the mean of Hᵀ. Where a row of W and one of Hᵀ are zero, the slope along either is none, so that
/// no step leaves there, though an entry of V may make the divergence infinite; with either row above zero both grow.
pub(crate) fn fill_zero_rows<T: Real>(ht: &mut [T], k: usize) {
    let sum: f64 = ht.iter().map(|x| x.to_f64()).sum();
    let mean = T::from_f64(sum / ht.len() as f64);
    ht.chunks_exact_mut(k).filter(|row| row.iter().all(|&x| x == T::ZERO)).for_each(|row| row.fill(mean));
}

/// W (m×k) and Hᵀ (n×k) for `scale`·V by any start but a given one.
///
/// # Errors
/// [`Error::RankTooLargeForInit`] where the start needs singular vectors or rows of V.
pub(crate) fn generate<T: Real>(
    start: &Init<T>,
    data: &Data<'_, T>,
    k: usize,
    generator: &mut Generator,
) -> Result<(Vec<T>, Vec<T>), Error> {
    let by_vectors = |variant, generator| nndsvd(data, k, variant, generator);
    match start {
        Init::Random => random(data, k, generator),
        Init::ScaledRandom => scaled::scaled(data, k, generator),
        Init::Nndsvd => by_vectors(Variant::Sklearn(Fill::Zero), generator),
        Init::Nndsvda => by_vectors(Variant::Sklearn(Fill::Mean), generator),
        Init::Nndsvdar => by_vectors(Variant::Sklearn(Fill::Random), generator),
        Init::ExactNndsvd => by_vectors(Variant::Exact(Fill::Zero), generator),
        Init::ExactNndsvda => by_vectors(Variant::Exact(Fill::Mean), generator),
        Init::Spa => spa::spa(data, k),
        Init::Custom { .. } => unreachable!("given factors are not made"),
    }
}

/// What [`generate`] takes, W and Hᵀ with it.
pub(crate) fn bytes<T: Real>(start: &Init<T>, reading: &Reading<'_>, k: usize) -> usize {
    let of_vectors = |variant| nndsvd::bytes::<T>(reading, k, variant);
    match start {
        Init::Random => random_bytes::<T>(reading, k),
        Init::ScaledRandom => scaled::bytes::<T>(reading, k),
        Init::Nndsvd | Init::Nndsvda | Init::Nndsvdar => of_vectors(Variant::Sklearn(Fill::Zero)),
        Init::ExactNndsvd | Init::ExactNndsvda => of_vectors(Variant::Exact(Fill::Zero)),
        Init::Spa => spa::bytes::<T>(reading, k),
        Init::Custom { .. } => Buffer::<T>::bytes(reading.v.m * k) + Buffer::<T>::bytes(reading.v.n * k),
    }
}

/// Whether a start is by singular vectors, with products of which a thread keeps [memory](kept_by_products).
pub(crate) fn decomposes<T>(start: &Init<T>) -> bool {
    use Init::{ExactNndsvd, ExactNndsvda, Nndsvd, Nndsvda, Nndsvdar};
    matches!(start, Nndsvd | Nndsvda | Nndsvdar | ExactNndsvd | ExactNndsvda)
}

/// What [`random`] takes: the factors, and a row at a time of data that is not contiguous, or what is read at once.
fn random_bytes<T: Real>(reading: &Reading<'_>, k: usize) -> usize {
    let (m, n) = (reading.v.m, reading.v.n);
    let line = reading.v.lines().1;
    let row = match reading.v {
        v if v.out_of_core => mean_bytes::<T>(v, reading.workers),
        v if v.copied => line * size_of::<T>(),
        _ => 0,
    };
    Buffer::<T>::bytes(m * k) + Buffer::<T>::bytes(n * k) + row
}

/// H transposed, with room to become a factor.
pub(crate) fn transposed<T: Real>(h: &Dense<T>) -> Vec<T> {
    let mut out = Buffer::roomy(h.nrows() * h.ncols());
    h.view().transposed().copy_to(&mut out);
    out
}

/// √(mean(V)/k)·|N(0,1)| for H (k×n), then W (m×k), as scikit-learn's `init="random"` draws them; H comes transposed
/// (n×k).
///
/// # Errors
/// Whatever keeps V from being read.
pub(crate) fn random<T: Real>(
    data: &Data<'_, T>,
    k: usize,
    generator: &mut Generator,
) -> Result<(Vec<T>, Vec<T>), Error> {
    let (m, n) = (data.v.nrows(), data.v.ncols());
    let average = (data.mean()? / T::from_f64(k as f64)).sqrt();
    Ok(generator.with(|stream| {
        let mut draw = || (average * T::from_f64(stream.standard_normal())).abs();
        let mut ht = Buffer::roomy(n * k);
        for t in 0..k {
            for j in 0..n {
                ht[j * k + t] = draw();
            }
        }
        let mut w = Buffer::roomy(m * k);
        w.iter_mut().for_each(|w| *w = draw());
        (w, ht)
    }))
}

#[cfg(test)]
pub(crate) mod testing {
    use orthant_kernel::View;

    use super::*;
    use crate::Products;
    use crate::source::SparsePlan;
    use crate::source::Stored;

    /// Calls `f` with what starts are made from.
    pub fn of_matrix<T: Real, R>(
        v: &Matrix<'_, T>,
        scale: T,
        workers: usize,
        f: impl FnOnce(&Data<'_, T>) -> R,
    ) -> R {
        let plan = SparsePlan { lanes: 4, transpose: false };
        let source = Stored::new(v, scale, Products::Fused, &plan, 2).unwrap();
        f(&Data {
            v,
            scale,
            source: source.sources(),
            workers,
            halt: &Halt::default(),
            ranks: &Ranks::default(),
            missing: None,
            mean: None,
        })
    }

    pub fn of_view<T: Real, R>(
        v: View<'_, T>,
        scale: T,
        workers: usize,
        f: impl FnOnce(&Data<'_, T>) -> R,
    ) -> R {
        of_matrix(&Matrix::Dense(v), scale, workers, f)
    }
}
