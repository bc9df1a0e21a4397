//! Coordinate descent by Newton's steps for Kullback–Leibler. Choose [`Update::Newton`] for counts and magnitudes, wherever a
//! good fit matters and memory for V's columns is there.
//!
//! # Problem
//! For every row x of a factor, with v the row of V (or column), Y the other factor (cols×k) and p = xYᵀ:
//! min Σ_j p_j − v_j ln p_j + l1·Σ_t x_t + ½·l2·‖x‖² over x ≥ 0.
//!
//! # Update
//! One coordinate after another, two sweeps while p is in cache ([`orthant_kernel::newton`] has the derivation):
//! ```text
//! g, h = the coordinate's slope and curvature     ρ = the largest y/p of an entry of v that is not 0
//! to the right   Newton's step g/h, which stays short of the minimum
//! to the left    Newton's step if ρ·step ≤ 0.68, else that over 1 + ρ·step: the objective still falls
//! or the multiplicative step, where it goes further
//! ```
//! Entries of p that shrink to a 64th of what they were are computed anew, as their rounding does not shrink.
//!
//! # Shapes
//! X rows×k in place, against rows of V and the other factor, with its column sums.
//!
//! # Cost
//! A division and some eight operations an element of V (an entry, if sparse), component and sweep; V by rows for W, by
//! columns for H.
//!
//! # Guarantees
//! The objective does not rise in any step, penalties included, while no floor is active. Zeros can leave 0.
//!
//! # Stopping quantity
//! Σ max(x, x′)·|∂F/∂x| over ΣV, at each coordinate's turn in the first sweep, from x to x′: 0 where the factors are
//! stationary, and the same when components are rescaled.
//!
//! # Numerics
//! In units in which the largest entry of V is between 1 and 4, p is divided by as if it were at least 2⁻⁸⁰ in f32 and
//! 2⁻⁶⁰⁰ in f64, as in [`Update::Mm`]. Where the square of a ratio overflows, other steps
//! are taken.
//!
//! # Determinism
//! A row's arithmetic is the same in any block.
//!
//! # Parity
//! None: scikit-learn has no such solver.
//!
//! # References
//! Hsieh & Dhillon 2011, doi:10.1145/2020408.2020577; Hien & Gillis 2021, doi:10.1007/s10915-021-01504-0.
//!
//! [`Update::Mm`]: crate::Update::Mm
//! [`Update::Newton`]: crate::Update::Newton

use crate::Loss;
use crate::rule::{Descriptor, Losses, Sweeps};

/// Of 1 to 6 sweeps 2 take the fewest seconds to a loss on made spectra, and nearly on counts; extrapolated, of 1 to 4 one sweep
/// does on spectra, counts and digits.
pub(crate) const NEWTON: Descriptor = Descriptor {
    losses: Losses::Only(Loss::KullbackLeibler),
    extrapolates: Losses::Only(Loss::KullbackLeibler),
    in_turn: true,
    bounded: true,
    sweeps: Sweeps::Fixed(2, 1),
    ..Descriptor::FROBENIUS
};
