//! The scale and the order of components.
//!
//! WH does not change where W_t is multiplied and H_t divided by the same number, nor where components change places. A
//! fit without penalty leaves both to chance; [`Scale`] settles them when it has ended.

use orthant_kernel::{Dense, Real};

use crate::Error;

/// How the size of each component is shared between its column of W and its row of H.
///
/// But for [`Scale::None`], components stand in the order of their [totals](Component::total), the largest first.
///
/// ```
/// use orthant::{Dense, Nmf, Scale};
/// let v = Dense::from_fn(20, 12, |i, j| if (i + j) % 2 == 0 { 3.0 } else { 1.0 });
/// let fit = Nmf::new(2).scale(Scale::HMax).fit(&v)?;
/// let largest = |row: &[f64]| row.iter().copied().fold(0.0, f64::max);
/// assert!((largest(fit.model.components().row(0)) - 1.0).abs() < 1e-12);
/// assert!(fit.report.components[0].total >= fit.report.components[1].total);
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Scale {
    /// Rows of H sum to 1, so that W has the units of V: W_it is what component t gives to the sum of row i.
    HSum,
    /// The largest entry of each row of H is 1.
    HMax,
    /// ‖W_t‖ = ‖H_t‖, Euclidean.
    Balanced,
    /// The scale and the order that the iterations ended with.
    None,
}

impl Scale {
    /// Every scale.
    pub const ALL: [Self; 4] = [Self::HSum, Self::HMax, Self::Balanced, Self::None];

    /// Its name: `h-sum`, `h-max`, `balanced` or `none`.
    pub fn name(self) -> &'static str {
        match self {
            Self::HSum => "h-sum",
            Self::HMax => "h-max",
            Self::Balanced => "balanced",
            Self::None => "none",
        }
    }
}

impl std::fmt::Display for Scale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Scale {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|scale| scale.name() == text).ok_or_else(|| Error::InvalidParam {
            name: "scale",
            value: text.to_owned(),
            allowed: "h-sum, h-max, balanced or none".into(),
        })
    }
}

/// What a component contributes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Component {
    /// The sum of all entries of W_t·H_t, in the units of V; it does not depend on the scale.
    pub total: f64,
    /// The same over the sum of all entries of WH; 0 where WH is 0.
    pub share: f64,
}

/// The sum, the largest entry and the Euclidean norm of a component in one of the factors, in double precision.
#[derive(Clone, Copy, Default)]
struct Sizes {
    sum: f64,
    largest: f64,
    norm: f64,
}

impl Sizes {
    /// Of k components, whose entries come with their number.
    fn of<T: Real>(k: usize, entries: impl Iterator<Item = (usize, T)> + Clone) -> Vec<Self> {
        let mut sizes = vec![Self::default(); k];
        for (t, x) in entries.clone() {
            sizes[t].sum += x.to_f64();
            sizes[t].largest = sizes[t].largest.max(x.to_f64());
        }
        // by the largest entry, as squares could leave the range
        for (t, x) in entries.filter(|(_, x)| *x > T::ZERO) {
            sizes[t].norm += (x.to_f64() / sizes[t].largest).powi(2);
        }
        sizes.iter_mut().for_each(|size| size.norm = size.largest * size.norm.sqrt());
        sizes
    }

    fn of_columns<T: Real>(w: &Dense<T>) -> Vec<Self> {
        let k = w.ncols();
        Self::of(k, w.as_slice().iter().enumerate().map(|(at, &x)| (at % k, x)))
    }

    fn of_rows<T: Real>(h: &Dense<T>) -> Vec<Self> {
        let n = h.ncols();
        Self::of(h.nrows(), h.as_slice().iter().enumerate().map(|(at, &x)| (at / n, x)))
    }
}

/// Gives the columns of W (m×k) and the rows of H (k×n) that scale, in place, and puts them in order. A component that is 0 in
/// H becomes 0 in W too, and one becomes 0 in both whose total is below ε² of the largest and out of the range of W. Where W would
/// leave the range of normal numbers otherwise, the factors stay as they are.
pub(crate) fn apply<T: Real>(scale: Scale, w: &mut Dense<T>, h: &mut Dense<T>) {
    if scale == Scale::None {
        return;
    }
    let (k, n) = (h.nrows(), h.ncols());
    let (columns, rows) = (Sizes::of_columns(w), Sizes::of_rows(h));
    let mut by: Vec<f64> = columns
        .iter()
        .zip(&rows)
        .map(|(w, h)| match scale {
            _ if h.largest == 0.0 => 0.0,
            Scale::Balanced if w.largest == 0.0 => 0.0,
            Scale::HMax => h.largest,
            Scale::Balanced => h.norm.sqrt() / w.norm.sqrt(),
            _ => h.sum,
        })
        .collect();
    let in_range = |x: f64| x == 0.0 || T::from_f64(x) >= T::NEGLIGIBLE && T::from_f64(x).is_finite();
    let totals: Vec<f64> = columns.iter().zip(&rows).map(|(w, h)| w.sum * h.sum).collect();
    let least = totals.iter().fold(0.0, |most, &total| f64::max(most, total)) * T::EPSILON.to_f64().powi(2);
    for (t, by) in by.iter_mut().enumerate() {
        if totals[t] < least && !in_range(columns[t].largest * *by) {
            *by = 0.0;
        }
    }
    if !columns.iter().zip(&by).all(|(w, by)| in_range(w.largest * by) && by.is_finite()) {
        return;
    }
    let total = |t: usize| columns[t].sum * by[t] * if by[t] > 0.0 { rows[t].sum / by[t] } else { 0.0 };
    let mut order: Vec<usize> = (0..k).collect();
    order.sort_by(|&a, &b| total(b).total_cmp(&total(a)));
    let mut line = vec![T::ZERO; k];
    for row in w.as_mut_slice().chunks_exact_mut(k) {
        line.copy_from_slice(row);
        for (to, &t) in row.iter_mut().zip(&order) {
            *to = T::from_f64(line[t].to_f64() * by[t]);
        }
    }
    let old = h.clone();
    for (row, &t) in h.as_mut_slice().chunks_exact_mut(n).zip(&order) {
        // what is 0 in H stays so, and of a balanced pair both are
        let back = if by[t] > 0.0 { by[t] } else { f64::INFINITY };
        for (x, old) in row.iter_mut().zip(old.row(t)) {
            *x = T::from_f64(old.to_f64() / back);
        }
    }
}

/// Puts numbers that have lost bits to underflow at 0.
pub(crate) fn clear_subnormal<T: Real>(x: &mut Dense<T>) {
    let least = T::NEGLIGIBLE * T::EPSILON;
    x.as_mut_slice().iter_mut().filter(|x| **x < least).for_each(|x| *x = T::ZERO);
}

/// What each component contributes.
pub(crate) fn components<T: Real>(w: &Dense<T>, h: &Dense<T>) -> Vec<Component> {
    let totals = Sizes::of_columns(w).into_iter().zip(Sizes::of_rows(h)).map(|(w, h)| w.sum * h.sum);
    let totals: Vec<f64> = totals.collect();
    let all: f64 = totals.iter().sum();
    let share = |total: f64| if all > 0.0 { total / all } else { 0.0 };
    totals.into_iter().map(|total| Component { total, share: share(total) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors() -> (Dense<f64>, Dense<f64>) {
        let w = Dense::from_vec(vec![1.0, 8.0, 0.0, 3.0, 0.0, 5.0], 2, 3).unwrap();
        let h = Dense::from_vec(vec![2.0, 0.0, 4.0, 0.5, 0.25, 0.25, 0.0, 0.0, 0.0], 3, 3).unwrap();
        (w, h)
    }

    #[test]
    fn the_product_stays_and_rows_have_the_scale() {
        let product = |w: &Dense<f64>, h: &Dense<f64>| {
            Dense::from_fn(2, 3, |i, j| (0..3).map(|t| w[(i, t)] * h[(t, j)]).sum::<f64>())
        };
        let (w, h) = factors();
        for scale in Scale::ALL {
            let (mut a, mut b) = factors();
            apply(scale, &mut a, &mut b);
            let apart = |x: &Dense<f64>, y: &Dense<f64>| {
                x.as_slice().iter().zip(y.as_slice()).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
            };
            assert!(apart(&product(&a, &b), &product(&w, &h)) < 1e-14, "{scale}");
            let (of_w, of_h) = (Sizes::of_columns(&a), Sizes::of_rows(&b));
            // the first component has 4·6 = 24 in all, the second 8, and the third nothing
            let found: Vec<f64> = components(&a, &b).iter().map(|c| c.total).collect();
            for (found, total) in found.iter().zip([24.0, 8.0, 0.0]) {
                assert!((found - total).abs() < 1e-13, "{scale}: {found} for {total}");
            }
            for t in 0..2 {
                match scale {
                    Scale::HSum => assert!((of_h[t].sum - 1.0).abs() < 1e-15),
                    Scale::HMax => assert_eq!(of_h[t].largest, 1.0),
                    Scale::Balanced => assert!((of_h[t].norm - of_w[t].norm).abs() < 1e-14),
                    Scale::None => assert_eq!((&a, &b), (&w, &h)),
                }
            }
            if scale != Scale::None {
                assert_eq!((a[(1, 2)], of_h[2].sum), (0.0, 0.0), "what is 0 in H is 0 in W");
            }
        }
    }

    #[test]
    fn components_stand_in_the_order_of_their_totals() {
        let w = Dense::from_vec(vec![1.0, 8.0, 8.0], 1, 3).unwrap();
        let h = Dense::from_vec(vec![1.0, 2.0, 1.0, 1.0, 2.0, 0.0], 3, 2).unwrap();
        let (mut a, mut b) = (w.clone(), h.clone());
        apply(Scale::HSum, &mut a, &mut b);
        // equal totals keep their order
        assert_eq!(a.as_slice(), [16.0, 16.0, 3.0]);
        assert_eq!(b.as_slice()[..4], [0.5, 0.5, 1.0, 0.0]);
        let shares: f64 = components(&a, &b).iter().map(|c| c.share).sum();
        assert!((shares - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_component_too_small_for_the_range_becomes_nothing() {
        let w = Dense::from_vec(vec![1e-19_f32, 1.0, 2e-19, 3.0], 2, 2).unwrap();
        let h = Dense::from_vec(vec![1e-19_f32, 1e-20, 1.0, 3.0], 2, 2).unwrap();
        for scale in [Scale::HSum, Scale::HMax, Scale::Balanced] {
            let (mut a, mut b) = (w.clone(), h.clone());
            apply(scale, &mut a, &mut b);
            let sizes = (Sizes::of_columns(&a), Sizes::of_rows(&b));
            if scale == Scale::Balanced {
                // either factor can hold its half
                assert!(sizes.0[1].largest > 0.0 && sizes.1[1].largest > 0.0);
            } else {
                assert_eq!((sizes.0[1].largest, sizes.1[1].largest), (0.0, 0.0), "{scale}");
            }
            assert!(sizes.0[0].largest > 0.0 && sizes.1[0].largest > 0.0, "{scale}");
        }
    }

    #[test]
    fn what_would_leave_the_range_stays() {
        let w = Dense::from_vec(vec![1e300_f64, 1.0], 1, 2).unwrap();
        let h = Dense::from_vec(vec![1e10, 2.0], 2, 1).unwrap();
        let (mut a, mut b) = (w.clone(), h.clone());
        apply(Scale::HSum, &mut a, &mut b);
        assert_eq!((a, b), (w, h));
    }
}
