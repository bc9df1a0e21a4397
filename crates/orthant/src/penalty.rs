//! Penalties.

use orthant_kernel::Real;

use crate::Error;

/// L1 and L2 penalties on either factor, in scikit-learn's parametrisation.
///
/// For V m×n the objective is
///
/// ```text
/// F(W, H) = D(V | WH)  +  l1_W Σ|W| + ½ l2_W ‖W‖²  +  l1_H Σ|H| + ½ l2_H ‖H‖²
///
/// l1_W = n·alpha_w·l1_ratio     l2_W = n·alpha_w·(1 − l1_ratio)
/// l1_H = m·alpha_h·l1_ratio     l2_H = m·alpha_h·(1 − l1_ratio)
/// ```
///
/// with D of [`Loss`](crate::Loss), so that each α means the same whatever the number of samples (m) and features (n).
///
/// ```
/// use orthant::Penalty;
/// let p = Penalty { alpha_w: 0.1, alpha_h: None, l1_ratio: 0.5 };
/// assert_eq!(p.alpha_h(), 0.1); // as alpha_w, unless it is given
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Penalty {
    /// α of W, at least 0; default 0.
    pub alpha_w: f64,
    /// α of H, at least 0; `None`, the default, is the same as `alpha_w`.
    pub alpha_h: Option<f64>,
    /// Share of L1, between 0 (all L2, the default) and 1 (all L1).
    pub l1_ratio: f64,
}

/// The absolute weights on one factor.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Weights {
    pub l1: f64,
    pub l2: f64,
}

impl Weights {
    /// The penalty of a factor with Σ|x| = `sum` and Σx² = `squares`.
    pub fn value(self, sum: f64, squares: f64) -> f64 {
        let term = |weight: f64, x: f64| if x == 0.0 { 0.0 } else { weight * x };
        term(self.l1, sum) + 0.5 * term(self.l2, squares)
    }

    /// Whether there is a penalty.
    pub fn penalises(self) -> bool {
        self.l1 > 0.0 || self.l2 > 0.0
    }

    /// The weights for V·4^-p, whose factors are those of V over 2^p and whose β-divergences are those of V over 4^βp.
    pub fn scaled(self, p: i32, beta: f64) -> Self {
        let scale = |x: f64, e: f64| if x == 0.0 { x } else { x * (f64::from(p) * e).exp2() };
        Self { l1: scale(self.l1, 1.0 - 2.0 * beta), l2: scale(self.l2, 2.0 - 2.0 * beta) }
    }

    /// The weights as elements: those that no gradient can outweigh stay finite.
    pub fn elements<T: Real>(self) -> (T, T) {
        let most = if T::NAME == "float32" { 1e30 } else { 1e300 };
        (T::from_f64(self.l1.min(most)), T::from_f64(self.l2.min(most)))
    }
}

impl Penalty {
    /// α of H.
    pub fn alpha_h(&self) -> f64 {
        self.alpha_h.unwrap_or(self.alpha_w)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        for (name, alpha) in [("alpha_w", self.alpha_w), ("alpha_h", self.alpha_h())] {
            if !(alpha >= 0.0 && alpha.is_finite()) {
                return Err(Error::InvalidParam {
                    name,
                    value: alpha.to_string(),
                    allowed: "a finite number of at least 0".into(),
                });
            }
        }
        if !(0.0..=1.0).contains(&self.l1_ratio) {
            return Err(Error::InvalidParam {
                name: "l1_ratio",
                value: self.l1_ratio.to_string(),
                allowed: "a number from 0 (all L2) to 1 (all L1)".into(),
            });
        }
        Ok(())
    }

    /// The weights on W, for data with `n` columns.
    pub(crate) fn on_w(&self, n: usize) -> Weights {
        self.weights(self.alpha_w, n)
    }

    /// The weights on H, for data with `m` rows.
    pub(crate) fn on_h(&self, m: usize) -> Weights {
        self.weights(self.alpha_h(), m)
    }

    fn weights(&self, alpha: f64, count: usize) -> Weights {
        let scaled = count as f64 * alpha;
        Weights { l1: scaled * self.l1_ratio, l2: scaled * (1.0 - self.l1_ratio) }
    }
}
