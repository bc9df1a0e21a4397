//! β-divergences.

use std::fmt;
use std::str::FromStr;

/// A β-divergence: how far WH is from V.
///
/// ```text
/// D(V | P) = Σ_ij d(v_ij | p_ij),  P = WH
///
/// d(v | p) = ½(v − p)²                                       β = 2, Frobenius
///          = v·ln(v/p) − v + p                               β = 1, Kullback–Leibler (generalised)
///          = v/p − ln(v/p) − 1                               β = 0, Itakura–Saito
///          = (v^β + (β−1)·p^β − β·v·p^(β−1)) / (β·(β−1))     otherwise
/// ```
///
/// d(c·v | c·p) = c^β·d(v | p): the smaller β, the more small entries count. With β ≤ 0 an entry of 0 is infinitely
/// far from any other, so V must be positive.
///
/// Févotte & Idier, Algorithms for nonnegative matrix factorization with the β-divergence, Neural Computation 23(9),
/// 2011, doi:10.1162/NECO_a_00168, equation 2.3.
///
/// Two losses are equal if their β is: `Loss::Beta(1.0) == Loss::KullbackLeibler`.
///
/// ```
/// use orthant::Loss;
/// assert_eq!("kl".parse(), Ok(Loss::KullbackLeibler));
/// assert_eq!("0.5".parse(), Ok(Loss::Beta(0.5)));
/// assert_eq!(Loss::ItakuraSaito.beta(), 0.0);
/// assert_eq!(Loss::Beta(2.0).to_string(), "frobenius");
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Loss {
    /// β = 2: half the squared Frobenius norm of V − WH. Normal noise of constant variance.
    Frobenius,
    /// β = 1: the generalised Kullback–Leibler divergence. Counts (Poisson noise).
    KullbackLeibler,
    /// β = 0: the Itakura–Saito divergence. Power spectra (multiplicative Gamma noise); V must be positive.
    ItakuraSaito,
    /// Any real β.
    Beta(f64),
}

impl Loss {
    /// The loss of a β, by name where it has one.
    pub fn from_beta(beta: f64) -> Self {
        match beta {
            2.0 => Self::Frobenius,
            1.0 => Self::KullbackLeibler,
            0.0 => Self::ItakuraSaito,
            beta => Self::Beta(beta),
        }
    }

    /// β.
    pub fn beta(self) -> f64 {
        match self {
            Self::Frobenius => 2.0,
            Self::KullbackLeibler => 1.0,
            Self::ItakuraSaito => 0.0,
            Self::Beta(beta) => beta,
        }
    }

    /// Whether it is ½‖V − WH‖², for which Gram matrices say everything.
    pub fn is_quadratic(self) -> bool {
        self.beta() == 2.0
    }

    /// d(v | p); infinite where p is 0, v is not and β ≤ 1.
    pub(crate) fn of(self, v: f64, p: f64) -> f64 {
        let beta = self.beta();
        if beta == 2.0 {
            0.5 * (v - p) * (v - p)
        } else if beta == 1.0 {
            if v > 0.0 { v * (v / p).ln() - v + p } else { p }
        } else if beta == 0.0 {
            v / p - (v / p).ln() - 1.0
        } else {
            let of_v = if v > 0.0 || beta > 0.0 { v.powf(beta) } else { f64::INFINITY };
            let cross = if v > 0.0 { beta * v * p.powf(beta - 1.0) } else { 0.0 };
            (of_v + (beta - 1.0) * p.powf(beta) - cross) / (beta * (beta - 1.0))
        }
    }

    /// The exponent γ that makes multiplicative updates monotone: 1 for β from 1 to 2, 1/(2−β) below, 1/(β−1) above
    /// (Févotte & Idier 2011, equation 4.1).
    pub(crate) fn exponent(self) -> f64 {
        let beta = self.beta();
        if beta < 1.0 {
            1.0 / (2.0 - beta)
        } else if beta > 2.0 {
            1.0 / (beta - 1.0)
        } else {
            1.0
        }
    }
}

impl PartialEq for Loss {
    fn eq(&self, other: &Self) -> bool {
        self.beta() == other.beta()
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::from_beta(self.beta()) {
            Self::Frobenius => f.write_str("frobenius"),
            Self::KullbackLeibler => f.write_str("kullback-leibler"),
            Self::ItakuraSaito => f.write_str("itakura-saito"),
            Self::Beta(beta) => write!(f, "beta {beta}"),
        }
    }
}

/// A text that names no loss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownLoss(String);

impl fmt::Display for UnknownLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text) = self;
        write!(
            f,
            "{text:?} is no loss: frobenius, kl (kullback-leibler), is (itakura-saito) or a finite β are"
        )
    }
}

impl std::error::Error for UnknownLoss {}

impl FromStr for Loss {
    type Err = UnknownLoss;

    fn from_str(text: &str) -> Result<Self, UnknownLoss> {
        match text {
            "frobenius" => Ok(Self::Frobenius),
            "kl" | "kullback-leibler" => Ok(Self::KullbackLeibler),
            "is" | "itakura-saito" => Ok(Self::ItakuraSaito),
            number => match number.parse::<f64>() {
                Ok(beta) if beta.is_finite() => Ok(Self::from_beta(beta)),
                _ => Err(UnknownLoss(text.to_owned())),
            },
        }
    }
}
