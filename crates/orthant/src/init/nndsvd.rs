//! Non-negative double singular value decomposition: a start from the singular vectors of V.
//!
//! V's first pair of singular vectors has no signs. Every further rank-one part s·u·xᵀ is non-negative where u and x
//! have the same sign: of its two non-negative sections, s·u⁺x⁺ᵀ and s·u⁻x⁻ᵀ, the larger in norm is kept, and each
//! factor gets the root of its norm:
//!
//! ```text
//! W₁ = √s₁ |u₁|,  H₁ = √s₁ |x₁|
//! p = ‖u⁺‖‖x⁺‖,  q = ‖u⁻‖‖x⁻‖                       for t > 1
//! W_t = √(s p) u⁺/‖u⁺‖,  H_t = √(s p) x⁺/‖x⁺‖       if p > q, else with u⁻, x⁻ and q
//! ```
//!
//! Entries near zero are cut to zero, and zeros, which multiplicative updates could not leave, are filled. Two
//! personalities differ in what "near zero" is and in where the vectors come from; see [`Variant`].
//!
//! A component whose singular value or section is zero is zero, where dividing by its norm would give NaN.
//!
//! Boutsidis & Gallopoulos, SVD based initialization: A head start for nonnegative matrix factorization, Pattern
//! Recognition 41 (2008) 1350–1362, doi:10.1016/j.patcog.2007.09.010.

use super::Data;
use super::svd::{Triplets, leading, leading_bytes, randomized, randomized_bytes};
use crate::random::Generator;
use crate::source::Reading;
use crate::{Error, Missing, Real, scan};

/// Entries below this are cut.
const CUT: f64 = 1e-6;

/// A factor whose largest entry is below this has its entries cut in proportion, not at 1e-6 itself: all of them could
/// be.
const SMALL: f64 = 1.0 / 1024.0;

/// What the zeros become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// They stay.
    Zero,
    /// V's mean.
    Mean,
    /// V's mean, times |N(0,1)|/100: W's first and then H's, row by row.
    Random,
}

/// Whose NNDSVD it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// scikit-learn's `nndsvd`, `nndsvda` and `nndsvdar`: randomized vectors from the generator's stream, entries
    /// below 1e-6 cut and V's mean as it is for a fill, whatever V's units; but of the scaled V, where V is scaled, since
    /// its own 1e-6 and mean would drown the factors there or vanish beside them; and less than 1e-6 of factors whose
    /// largest entry is below 2⁻¹⁰.
    Sklearn(Fill),
    /// The library's own: vectors that depend on V alone; cut below 1e-6 of the factor's largest entry; components
    /// cut whose singular value is rounding of the first; filled with what scikit-learn's fill is for V divided by its
    /// largest entry. The start of c·V is √c times that of V.
    Exact(Fill),
}

/// W (m×k) and Hᵀ (n×k), row-major, for `scale`·V, which is an even power of two.
///
/// # Errors
/// [`Error::RankTooLargeForInit`] above the shorter side of V.
pub(crate) fn nndsvd<T: Real>(
    data: &Data<'_, T>,
    k: usize,
    variant: Variant,
    generator: &mut Generator,
) -> Result<(Vec<T>, Vec<T>), Error> {
    let Data { v, scale, workers, .. } = *data;
    let (m, n) = (v.nrows(), v.ncols());
    if k > m.min(n) {
        return Err(Error::RankTooLargeForInit { rank: k, rows: m, cols: n });
    }
    let mean = || data.mean().map(|mean| mean.to_f64());
    let (mut w, mut ht, fill, average);
    match variant {
        Variant::Sklearn(with) => {
            let found = generator.with(|stream| randomized(&data.operand(), (m, n), k, stream, workers))?;
            (w, ht) = sections(found, 0.0);
            for x in [&mut w, &mut ht] {
                let largest = x.iter().fold(T::ZERO, |a, &b| a.max(b)).to_f64();
                cut(x, CUT * (largest / SMALL).min(1.0));
            }
            (fill, average) = (with, if with == Fill::Zero { 0.0 } else { mean()? });
        }
        Variant::Exact(with) => {
            let found = leading(data, k)?;
            let negligible = T::EPSILON.to_f64() * m.max(n) as f64 * found.s[0].to_f64();
            (w, ht) = sections(found, negligible);
            for x in [&mut w, &mut ht] {
                let largest = x.iter().fold(T::ZERO, |a, &b| a.max(b));
                cut(x, CUT * largest.to_f64());
            }
            fill = with;
            average = if with == Fill::Zero {
                0.0
            } else {
                let missing = if data.missing.is_some() { Missing::Nan } else { Missing::None };
                let largest = scan::data(v, scale, missing, workers)?.max;
                if largest > 0.0 { mean()? / largest.sqrt() } else { 0.0 }
            };
        }
    }
    match fill {
        Fill::Zero => {}
        Fill::Mean => {
            for x in w.iter_mut().chain(&mut ht).filter(|x| **x == T::ZERO) {
                *x = T::from_f64(average);
            }
        }
        Fill::Random => generator.with(|stream| {
            let mut draw = || T::from_f64((average * stream.standard_normal() / 100.0).abs());
            w.iter_mut().filter(|x| **x == T::ZERO).for_each(|x| *x = draw());
            for t in 0..k {
                ht.iter_mut().skip(t).step_by(k).filter(|x| **x == T::ZERO).for_each(|x| *x = draw());
            }
        }),
    }
    Ok((w, ht))
}

/// What that takes, W and Hᵀ with it.
pub(super) fn bytes<T: Real>(reading: &Reading<'_>, k: usize, variant: Variant) -> usize {
    match variant {
        _ if k > reading.v.m.min(reading.v.n) => 0,
        Variant::Sklearn(_) => randomized_bytes::<T>(reading, k),
        Variant::Exact(_) => leading_bytes::<T>(reading, k),
    }
}

/// W and Hᵀ before anything is cut or filled; without the components (but the first) of a singular value of at most
/// `negligible`.
fn sections<T: Real>(found: Triplets<T>, negligible: f64) -> (Vec<T>, Vec<T>) {
    // they take the place of the vectors
    let Triplets { u: mut w, s, x: mut ht } = found;
    let k = s.len();
    for (t, s) in s.into_iter().enumerate() {
        // the sign of the section, the norms of its halves, and the weight of the part
        let (sign, norms, weight) = if t == 0 {
            (None, (1.0, 1.0), s.sqrt())
        } else {
            let section = |sign| (norm(&w, k, t, sign), norm(&ht, k, t, sign));
            let (plus, minus) = (section(T::ONE), section(-T::ONE));
            let positive = plus.0 * plus.1 > minus.0 * minus.1;
            let (sign, norms) = if positive { (T::ONE, plus) } else { (-T::ONE, minus) };
            (Some(sign), norms, (s * T::from_f64(norms.0 * norms.1)).sqrt())
        };
        let cut = weight == T::ZERO || (t > 0 && s.to_f64() <= negligible);
        for (x, norm) in [(&mut w, norms.0), (&mut ht, norms.1)] {
            let norm = T::from_f64(norm);
            for x in x.iter_mut().skip(t).step_by(k) {
                let part = sign.map_or(x.abs(), |sign| if *x * sign > T::ZERO { x.abs() } else { T::ZERO });
                *x = if cut { T::ZERO } else { weight * (part / norm) };
            }
        }
    }
    (w, ht)
}

/// Norm of the entries of one sign of a column, rounded where numpy rounds it.
fn norm<T: Real>(x: &[T], k: usize, t: usize, sign: T) -> f64 {
    let part = x.iter().skip(t).step_by(k).filter(|x| **x * sign > T::ZERO);
    let squares: f64 = part.map(|x| x.to_f64() * x.to_f64()).sum();
    T::from_f64(squares).to_f64().sqrt()
}

fn cut<T: Real>(x: &mut [T], below: f64) {
    let below = T::from_f64(below);
    x.iter_mut().filter(|x| **x < below).for_each(|x| *x = T::ZERO);
}

#[cfg(test)]
#[path = "nndsvd_tests.rs"]
mod tests;
