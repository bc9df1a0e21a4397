//! What is true of an update, and what it is made with.

use std::fmt;

use orthant_kernel::Isa;

use crate::{Loss, Stop};

/// A set of losses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Losses {
    None,
    Any,
    Only(Loss),
    AllBut(Loss),
}

impl Losses {
    pub fn contain(self, loss: Loss) -> bool {
        match self {
            Self::None => false,
            Self::Any => true,
            Self::Only(only) => loss.beta() == only.beta(),
            Self::AllBut(but) => loss.beta() != but.beta(),
        }
    }
}

impl fmt::Display for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("no loss"),
            Self::Any => f.write_str("any loss"),
            Self::Only(loss) => loss.fmt(f),
            Self::AllBut(loss) => write!(f, "any loss but {loss}"),
        }
    }
}

/// How often an update sweeps over a factor in an iteration, if nobody says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sweeps {
    /// Once, and nobody can say otherwise.
    Once,
    /// This often; and where the factors are extrapolated.
    Fixed(usize, usize),
    /// As often as costs half as much again as the products, but no more often than this; and where the factors are extrapolated.
    AsPays(usize, usize),
}

/// What is true of an update.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Descriptor {
    /// What it minimises.
    pub losses: Losses,
    /// Where both factors can be extrapolated.
    pub extrapolates: Losses,
    /// Whether it never raises the objective, penalties included, unless it is extrapolated.
    pub descends: bool,
    /// Whether entries of 0 stay 0.
    pub keeps_zeros: bool,
    /// Whether coordinates move in turn, each to its best place.
    pub in_turn: bool,
    /// Whether it knows bounds of entries, and entries that are fixed.
    pub bounded: bool,
    pub sweeps: Sweeps,
    /// The stopping rule that belongs to it.
    pub stop: Stop,
    /// Whether it has a violation to stop on, unless it is extrapolated.
    pub violation: bool,
    /// Whether it draws the order of the components, if asked.
    pub shuffles: bool,
    /// Whether it is scikit-learn's, number for number.
    pub compatible: bool,
}

impl Descriptor {
    /// Of an update of the library's own for the Frobenius loss, which does not raise it.
    pub const FROBENIUS: Self = Self {
        losses: Losses::Only(Loss::Frobenius),
        extrapolates: Losses::None,
        descends: true,
        keeps_zeros: false,
        in_turn: false,
        bounded: false,
        sweeps: Sweeps::Once,
        stop: Stop::Progress { tol: 1e-5 },
        violation: false,
        shuffles: false,
        compatible: false,
    };
}

/// What row updates for the Frobenius loss are made with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup<T> {
    pub isa: Isa,
    /// Components.
    pub k: usize,
    /// The most workers at a time.
    pub workers: usize,
    /// V is read over 2 to this power.
    pub exponent: i32,
    /// The least positive entry of a factor that multiplication is to leave.
    pub negligible: T,
}
