//! Which entries of V are not observed.

use std::fmt;
use std::str::FromStr;

use orthant_kernel::Real;

use crate::Error;

/// Which entries of V are missing: not observed, and without any part in the fit.
///
/// The objective is the sum of the loss over the observed entries, and penalties as ever. No bit of a result depends on what stands at
/// a missing entry. An infinite entry is an error in any case.
///
/// ```
/// use orthant::{Dense, Missing, Nmf};
/// let mut v = Dense::from_fn(20, 12, |i, j| ((i % 3 + 1) * (j % 4 + 1)) as f64);
/// v[(3, 5)] = f64::NAN;
/// assert!(Nmf::new(1).fit(&v).is_err());
/// let fit = Nmf::new(1).missing(Missing::Nan).fit(&v)?;
/// let p = fit.w[(3, 0)] * fit.model.components()[(0, 5)];
/// assert!((p - 2.0).abs() < 1e-3);
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Missing {
    /// None: a NaN is an error.
    #[default]
    None,
    /// Those that are NaN.
    Nan,
    /// Those that are 0 in dense data. In sparse data those that are not stored: a 0 that is stored is observed.
    Zeros,
}

impl Missing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::None, Self::Nan, Self::Zeros];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Nan => "nan",
            Self::Zeros => "zeros",
        }
    }

    /// Whether none are.
    #[cfg(feature = "serde")]
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::None
    }

    /// Whether an element of dense data is missing.
    pub(crate) fn is_missing<T: Real>(self, x: T) -> bool {
        match self {
            Self::None => false,
            Self::Nan => x.to_f64().is_nan(),
            Self::Zeros => x == T::ZERO,
        }
    }
}

/// What was observed of data with missing entries.
///
/// ```
/// use orthant::{Dense, Missing, Nmf};
/// let v = Dense::from_fn(9, 7, |i, j| if (i, j) == (4, 2) { f64::NAN } else { (i + j) as f64 });
/// let observed = Nmf::new(2).missing(Missing::Nan).fit(&v)?.report.observed.unwrap();
/// assert_eq!((observed.entries, observed.fewest_in_row, observed.fewest_in_column), (62, (4, 6), (2, 8)));
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Observed {
    /// Entries that were.
    pub entries: usize,
    /// A row with the fewest of them, counting from 0, and how many it has.
    pub fewest_in_row: (usize, usize),
    /// A column likewise.
    pub fewest_in_column: (usize, usize),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Missing {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|missing| missing.name() == text).ok_or_else(|| Error::InvalidParam {
            name: "missing",
            value: text.to_owned(),
            allowed: "none, nan or zeros".into(),
        })
    }
}
