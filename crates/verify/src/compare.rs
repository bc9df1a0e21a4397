//! Differences between matrices.

use orthant::{Dense, Real};

/// The largest magnitude in a matrix; infinite if any entry is not finite.
pub fn max_abs<T: Real>(a: &Dense<T>) -> f64 {
    a.as_slice().iter().fold(0.0, |top: f64, x| {
        let x = x.to_f64().abs();
        if x.is_finite() { top.max(x) } else { f64::INFINITY }
    })
}

/// max |a − b| over max |b|, so relative to the reference's largest entry. 0 if both are all zero, infinite if
/// the shapes differ, an entry is not finite, or the reference alone is all zero.
pub fn difference<T: Real, U: Real>(a: &Dense<T>, reference: &Dense<U>) -> f64 {
    if (a.nrows(), a.ncols()) != (reference.nrows(), reference.ncols()) {
        return f64::INFINITY;
    }
    let mut largest = 0.0_f64;
    for (x, y) in a.as_slice().iter().zip(reference.as_slice()) {
        let d = (x.to_f64() - y.to_f64()).abs();
        if !d.is_finite() {
            return f64::INFINITY;
        }
        largest = largest.max(d);
    }
    if largest == 0.0 { 0.0 } else { largest / max_abs(reference) }
}

/// The largest |a − b| over |b|, entry by entry; entries below the share `least` of the largest count as that.
pub fn worst_entry<T: Real, U: Real>(a: &Dense<T>, reference: &Dense<U>, least: f64) -> f64 {
    if (a.nrows(), a.ncols()) != (reference.nrows(), reference.ncols()) {
        return f64::INFINITY;
    }
    let least = least * max_abs(reference);
    let apart = |(x, y): (&T, &U)| {
        let (x, y) = (x.to_f64(), y.to_f64());
        let d = (x - y).abs();
        if d == 0.0 { 0.0 } else { d / y.abs().max(least) }
    };
    let worst = |top: f64, d: f64| if d.is_finite() { top.max(d) } else { f64::INFINITY };
    a.as_slice().iter().zip(reference.as_slice()).map(apart).fold(0.0, worst)
}

/// How far apart two results of the same step are, in the data's units; see [`after_step`].
#[derive(Clone, Copy, Debug)]
pub struct Apart {
    /// Of W.
    pub w: f64,
    /// Of H, where rounding does not decide it.
    pub h: Option<f64>,
}

impl Apart {
    /// The larger of the two.
    pub fn worst(self) -> f64 {
        self.w.max(self.h.unwrap_or(0.0))
    }
}

fn norms<T: Real>(a: &Dense<T>) -> Vec<f64> {
    let squares = |i| a.row(i).iter().map(|x| x.to_f64().powi(2)).sum::<f64>();
    (0..a.nrows()).map(|i| squares(i).sqrt()).collect()
}

/// Compares two results (W, H) of one step on V from an H of `before`, in the data's units: each column of W times
/// its component's norm in `before`, against which it was solved, and each row of H times its column's norm in W;
/// over the largest entry of the reference or the largest row (column) norm of V.
///
/// This is what rounding bounds, and what no rescaling of components alters. Where a component is nothing but
/// rounding, the weights on it are arbitrary and count for as little as they do in WH. H is compared unless a
/// column of W came out below the share `weak` of ‖V‖ without being zero: the smaller it is, the more it is
/// rounding that points it, and with it what H makes of it.
pub fn after_step<T: Real, U: Real, A: Real, B: Real>(
    v: &Dense<A>,
    before: &Dense<B>,
    (w, h): (&Dense<T>, &Dense<T>),
    (w_reference, h_reference): (&Dense<U>, &Dense<U>),
    weak: f64,
) -> Apart {
    fn scaled<T: Real>(a: &Dense<T>, scales: &[f64]) -> Dense<f64> {
        Dense::from_fn(a.nrows(), a.ncols(), |i, j| a[(i, j)].to_f64() * scales[i])
    }
    fn apart(a: &Dense<f64>, reference: &Dense<f64>, data: &[f64]) -> f64 {
        let relative = difference(a, reference);
        let size = max_abs(reference);
        let unit = data.iter().copied().fold(size, f64::max);
        // from relative to the reference's largest entry to relative to `unit`
        if relative == f64::INFINITY && size == 0.0 { max_abs(a) / unit } else { relative * (size / unit) }
    }
    let on_w = norms(before);
    let (wt, wt_reference) = (w.transposed(), w_reference.transposed());
    let (ours, theirs) = (norms(&wt), norms(&wt_reference));
    let on_h: Vec<f64> = ours.iter().zip(&theirs).map(|(a, b)| a.max(*b)).collect();
    let rows = norms(v);
    let whole = rows.iter().map(|x| x * x).sum::<f64>().sqrt();
    let clear = on_h.iter().zip(&on_w).all(|(w, h)| *w == 0.0 || w * h >= weak * whole);
    Apart {
        w: apart(&scaled(&wt, &on_w), &scaled(&wt_reference, &on_w), &rows),
        h: clear.then(|| apart(&scaled(h, &on_h), &scaled(h_reference, &on_h), &norms(&v.transposed()))),
    }
}

/// The size of the smallest component of W·H over that of the largest.
pub fn weakest<T: Real>(w: &Dense<T>, h: &Dense<T>) -> f64 {
    let sizes = norms(&w.transposed()).into_iter().zip(norms(h)).map(|(a, b)| a * b);
    let (low, high) = sizes.fold((f64::INFINITY, 0.0), |(a, b): (f64, f64), x| (a.min(x), b.max(x)));
    low / high
}

/// Where two matrices differ in a bit, and by what; nothing if they are identical.
pub fn first_other_bit<T: Real>(a: &Dense<T>, b: &Dense<T>) -> Option<String> {
    if (a.nrows(), a.ncols()) != (b.nrows(), b.ncols()) {
        return Some(format!("{}×{} and {}×{}", a.nrows(), a.ncols(), b.nrows(), b.ncols()));
    }
    // widening to a double is exact and keeps the sign of zero
    let other = |(x, y): (&T, &T)| x.to_f64().to_bits() != y.to_f64().to_bits();
    let at = a.as_slice().iter().zip(b.as_slice()).position(other)?;
    Some(format!("({}, {}): {} and {}", at / a.ncols(), at % a.ncols(), a.as_slice()[at], b.as_slice()[at]))
}

/// Whether all entries are at least 0 and finite.
pub fn is_non_negative<T: Real>(a: &Dense<T>) -> bool {
    a.as_slice().iter().all(|x| x.is_finite() && *x >= T::ZERO)
}

/// A matrix rounded (or widened) to another precision.
pub fn cast<T: Real, U: Real>(a: &Dense<T>) -> Dense<U> {
    Dense::from_fn(a.nrows(), a.ncols(), |i, j| U::from_f64(a[(i, j)].to_f64()))
}

/// Unit roundoff: half of the spacing at 1.
pub fn unit_roundoff<T: Real>() -> f64 {
    T::EPSILON.to_f64() / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn difference_sees_what_it_should() {
        let a = Dense::from_vec(vec![1.0, 2.0, 4.0, 0.0], 2, 2).unwrap();
        let mut b = a.clone();
        assert_eq!(difference(&a, &b), 0.0);
        assert_eq!(first_other_bit(&a, &b), None);
        assert_eq!(worst_entry(&a, &b, 0.0), 0.0);
        b[(0, 0)] = 1.25;
        assert_eq!((worst_entry(&a, &b, 0.0), worst_entry(&a, &b, 0.5)), (0.2, 0.125));
        b[(0, 0)] = 1.0;
        b[(1, 1)] = -0.0;
        assert_eq!(difference(&a, &b), 0.0);
        assert!(first_other_bit(&a, &b).is_some_and(|at| at.starts_with("(1, 1)")));
        b[(1, 1)] = 1.0;
        assert_eq!(difference(&a, &b), 0.25);
        b[(1, 1)] = f64::NAN;
        assert_eq!(difference(&a, &b), f64::INFINITY);
        assert_eq!(difference(&a, &Dense::<f64>::zeros(2, 2)), f64::INFINITY);
        assert_eq!(difference(&a, &Dense::<f64>::zeros(2, 3)), f64::INFINITY);
        assert!(!is_non_negative(&b) && is_non_negative(&a));
    }

    #[test]
    fn a_steps_difference_is_in_the_datas_units() {
        let v = Dense::from_vec(vec![4.0], 1, 1).unwrap();
        let before = Dense::from_vec(vec![1e-9, 4.0], 2, 1).unwrap();
        let (w, h) = (Dense::from_vec(vec![0.0, 1.0], 1, 2).unwrap(), before.clone());
        let same = after_step(&v, &before, (&w, &h), (&w, &h), 1e-3);
        assert_eq!((same.w, same.h), (0.0, Some(0.0)));
        // a weight on next to nothing: little to W, but H is not to be compared
        let off = Dense::from_vec(vec![1.0, 1.0], 1, 2).unwrap();
        let d = after_step(&v, &before, (&off, &h), (&w, &h), 1e-3);
        assert!((d.w - 1e-9 / 4.0).abs() < 1e-20 && d.h.is_none(), "{d:?}");
        // and one on the component
        let off = Dense::from_vec(vec![0.0, 2.0], 1, 2).unwrap();
        assert_eq!(after_step(&v, &before, (&off, &h), (&w, &h), 1e-3).w, 1.0);
        let far = Dense::from_vec(vec![1e-9, 5.0], 2, 1).unwrap();
        assert_eq!(after_step(&v, &before, (&w, &far), (&w, &h), 1e-3).h, Some(0.25));
        // where the reference is nothing, what is there is measured by the data
        let nothing = Dense::zeros(1, 2);
        assert_eq!(after_step(&v, &before, (&w, &h), (&nothing, &h), 1e-3).w, 1.0);
        assert_eq!(weakest(&w, &h), 0.0);
    }
}
