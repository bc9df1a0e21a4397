//! Multiplicative updates for any β-divergence, as minimisers of a majorant. Choose [`Update::Mm`] for counts and spectra;
//! [`Update::Mu`] to match scikit-learn.
//!
//! # Problem
//! For every row x of a factor, with v the row of V (or column), Y the other factor (cols×k) and p = xYᵀ:
//! min Σ_j d_β(v_j | p_j) + l1·Σ_t x_t + ½·l2·‖x‖² over x ≥ 0.
//!
//! # Update
//! ```text
//! N = (v∘p^(β−2))·Y,   D = p^(β−1)·Y                   all of a row at once
//! x = x∘(N/(D + l1 + l2·x))^γ                          γ = 1 for 1 ≤ β ≤ 2, 1/(2−β) below, 1/(β−1) above
//! ```
//! [`Update::Mu`] does this whatever the penalties, as scikit-learn. It is then not sure to descend: with an L2 penalty
//! and β < 2 the objective can rise. [`Update::Mm`] keeps the promise. Bounding the linear and the L2 terms by powers of
//! x/x₀ that touch them at 1 leaves the same form with γ = 1/(3−β) for l2 > 0 and β < 2; and for β = 1 with l2 > 0 the
//! majorant's minimiser itself has a closed form, x = 2x₀N/(b + √(b² + 4·l2·x₀N)) with b = D + l1, which does not cancel.
//!
//! Extrapolated, [`Update::Mm`] takes the exponent 1 while that lowers the objective, and the guaranteed one where it does not
//! ([`extrapolation`](crate::methods::extrapolation)).
//!
//! [`Update::JointMm`] has β = 1, and N of both factors from the WH that an iteration begins with.
//! D of H is of the new W. Extrapolated it goes by the power 3/2 of each step, but for the first and those after a restart.
//!
//! # Shapes
//! X rows×k in place, N and D rows×k (D one row for all if β = 1).
//!
//! # Cost
//! One division and one power an element; the products N and D are the pass's.
//!
//! # Guarantees
//! Mm and JointMm do not raise the objective while no floor is active. Zeros stay zero.
//!
//! # Stopping quantity
//! Σ x·|∂F/∂x| over ΣV^β, before each update: 0 where the factors are stationary, and the same when components are
//! rescaled.
//!
//! # Numerics
//! Floors in units in which the largest entry of V is between 1 and 4 (Mm), or in V's own unless that is below 2⁻¹⁰
//! (Mu). Mu: p is at least 2⁻²³ where V is divided by it, in D for β < 1 only; results below 2⁻⁵² become 0, in W for β < 1
//! and in H for β ≤ 1. Results of either rule whose products could be subnormal, with which processors are
//! slow, stop at the least number that has none; from there they can grow again. Mm: p is at least what keeps p^(β−2) below 2⁸⁰ in f32 and 2⁶⁰⁰ in f64.
//!
//! # Determinism
//! A row's arithmetic is the same in any block.
//!
//! # Parity
//! Mu is `solver="mu"` of scikit-learn 1.9 for every `beta_loss`, to rounding (1e-10 relative a step in f64).
//!
//! # References
//! Févotte & Idier, Algorithms for nonnegative matrix factorization with the β-divergence, Neural Computation 23(9),
//! 2011, doi:10.1162/NECO_a_00168, section 4.1. Penalties: Tan & Févotte, Automatic relevance determination in
//! nonnegative matrix factorization with the β-divergence, IEEE TPAMI 35(7), 2013, doi:10.1109/TPAMI.2012.240, section 4.
//! Both factors at once: Marmin, Goulart & Févotte, arXiv:2106.15214.
//!
//! [`Update::Mm`]: crate::Update::Mm
//! [`Update::JointMm`]: crate::Update::JointMm
//! [`Update::Mu`]: crate::Update::Mu

use orthant_kernel::Real;

use orthant_kernel::divergence::Beta;
use orthant_kernel::rows::{Least, Majorant};

use crate::rule::{Descriptor, Losses};
use crate::{Loss, Stop};

/// scikit-learn's, whose floors and L2 penalties can raise the objective.
pub(crate) const MU: Descriptor = Descriptor {
    losses: Losses::Any,
    descends: false,
    keeps_zeros: true,
    bounded: true,
    stop: Stop::ErrorDecrease { tol: 1e-4 },
    compatible: true,
    ..Descriptor::FROBENIUS
};

/// Extrapolated in the logarithms of the factors.
pub(crate) const MM: Descriptor = Descriptor {
    losses: Losses::Any,
    extrapolates: Losses::AllBut(Loss::Frobenius),
    keeps_zeros: true,
    bounded: true,
    ..Descriptor::FROBENIUS
};

/// Both factors from the same WH.
pub(crate) const JOINT_MM: Descriptor = Descriptor {
    losses: Losses::Only(Loss::KullbackLeibler),
    extrapolates: Losses::Only(Loss::KullbackLeibler),
    bounded: false,
    ..MM
};

/// scikit-learn's floor: the epsilon of f32, in either precision.
const FLOOR: f64 = f32::EPSILON as f64;

/// The power of a step of both factors at once that is taken with momentum: their majorant bends up to twice as much as the loss.
const JOINT: f64 = 1.5;

/// A loss with how its updates are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Majorizer<T> {
    loss: Loss,
    guaranteed: bool,
    /// The exponent where a rise is taken back.
    bold: f64,
    pub beta: Beta<T>,
    /// What a zero denominator becomes.
    pub floor: T,
    /// What becomes of small entries of W and of H.
    least: [Least<T>; 2],
}

impl<T: Real> Majorizer<T> {
    /// scikit-learn's, for V over 2^`exponent`: its floors are absolute, in the units of V and of the factors, unless V is so
    /// small that they would spoil it.
    pub fn compatible(loss: Loss, exponent: i32) -> Self {
        let beta = loss.beta();
        let of_p = in_units::<T>(FLOOR, f64::from(exponent));
        let below = in_units::<T>(f64::EPSILON, f64::from(exponent) / 2.0);
        let zeroed = |yes| Least { zero: if yes { below } else { T::ZERO }, raise: T::ZERO };
        Self {
            loss,
            guaranteed: false,
            bold: 1.0,
            beta: Beta::new(beta, of_p, of_p),
            floor: denominator_floor(beta, exponent),
            least: [zeroed(beta < 1.0), zeroed(beta <= 1.0)],
        }
    }

    /// The library's own.
    pub fn guaranteed(loss: Loss) -> Self {
        let (most, lowest) = if T::NAME == "float32" { (80.0, -100.0) } else { (600.0, -600.0) };
        let floor = if loss.beta() < 2.0 { f64::max(-most / (2.0 - loss.beta()), lowest) } else { lowest };
        let floor = T::from_f64(floor.exp2());
        let beta = Beta::new(loss.beta(), floor, T::ZERO);
        Self { loss, guaranteed: true, bold: 1.0, beta, floor, least: [Least::NONE; 2] }
    }

    /// The same with entries raised to `negligible`, whatever the loss; of W to less, where H has no entry but 0 below a floor and
    /// the products of the two are normal numbers.
    pub fn at_least(self, negligible: T) -> Self {
        let [of_w, of_h] = self.least;
        let beside_h = T::NEGLIGIBLE * T::EPSILON / of_h.zero.max(negligible);
        let raise = if beside_h < negligible { beside_h } else { negligible };
        Self { least: [Least { raise, ..of_w }, Least { raise: negligible, ..of_h }], ..self }
    }

    /// Whether floors can be seen in a loss: scikit-learn's, below which it ignores entries of V too; and the library's where a
    /// power of P that falls slowly with P is multiplied by V, or rises.
    pub fn floors_tell(&self) -> bool {
        let beta = self.loss.beta();
        !self.guaranteed || beta < 2.0 && beta != 1.0
    }

    /// The same for both factors at once.
    pub fn joint(self) -> Self {
        Self { bold: JOINT, ..self }
    }

    /// The step for a factor with these weights; unless `careful` with the exponent 1 where the guaranteed one is smaller, or for
    /// both factors at once with a larger one.
    pub fn majorant(&self, l2: T, careful: bool) -> Majorant {
        let (beta, penalised) = (self.loss.beta(), self.guaranteed && l2 > T::ZERO);
        if penalised && beta == 1.0 {
            return Majorant::Root { exponent: if careful { 1.0 } else { self.bold } };
        }
        let exponent = match careful {
            false => self.bold,
            true if penalised && beta < 2.0 => 1.0 / (3.0 - beta),
            true => self.loss.exponent(),
        };
        Majorant::Ratio { exponent }
    }

    /// What becomes of small entries of W, or of H.
    pub fn least(&self, of_h: bool) -> Least<T> {
        self.least[usize::from(of_h)]
    }
}

/// A floor in units that are 2^`exponent` times larger; not 0 or subnormal. In smaller units it stays: floors shrink with data.
fn in_units<T: Real>(floor: f64, exponent: f64) -> T {
    T::from_f64(floor * (-exponent.max(0.0)).exp2()).max(T::NEGLIGIBLE * T::EPSILON)
}

/// What scikit-learn puts in place of a zero denominator, for V over 2^`exponent`: it has the units of V^(β−1) and a factor.
pub(super) fn denominator_floor<T: Real>(beta: f64, exponent: i32) -> T {
    let floor = T::from_f64(FLOOR * (-f64::from(exponent.max(0)) * (beta - 0.5)).exp2());
    floor.max(T::NEGLIGIBLE * T::EPSILON)
}
