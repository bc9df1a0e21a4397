//! What is chosen of a study besides the options of its fits.

use std::fmt;
use std::str::FromStr;

use orthant::Error;
use serde::{Deserialize, Serialize};

use crate::error::invalid;

/// How data is held out, to see what more components say of data that they were not fitted to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Holdout {
    /// [`Thin`](Self::Thin) for counts, [`Block`](Self::Block) for other data, and [`Window`](Self::Window) where entries are missing or
    /// weighted.
    #[default]
    Auto,
    /// Each count is shared out among folds at random: a fit of the others is tested on each. For counts.
    Thin,
    /// Rows and columns are halved: a fit of one quarter is tested on the opposite one.
    Block,
    /// One of every twenty entries is held out, as [`orthant::Holdout`] says. For dense data, sparse data whose zeros are missing, and
    /// entries with weights.
    Window,
    /// Nothing is held out.
    None,
}

impl Holdout {
    const ALL: [Self; 5] = [Self::Auto, Self::Thin, Self::Block, Self::Window, Self::None];

    /// Its name: `auto`, `thin`, `block`, `window` or `none`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Thin => "thin",
            Self::Block => "block",
            Self::Window => "window",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Holdout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Holdout {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|holdout| holdout.name() == text);
        found.ok_or_else(|| {
            invalid(
                "holdout",
                text,
                "auto, thin (counts), block (any data), window (dense data and entries with weights) or none",
            )
        })
    }
}

/// What a rank needs to be called stable.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// The least mean silhouette.
    pub silhouette_mean: f64,
    /// The least silhouette of any component.
    pub silhouette_min: f64,
    /// The least support of any component: the share of the replicates in which it comes back.
    pub support: f64,
    /// The cosine to its cluster's centre from which a component counts as come back.
    pub cosine: f64,
}

impl Default for Thresholds {
    /// 0.8, 0.2, 0.8 and 0.8.
    fn default() -> Self {
        Self { silhouette_mean: 0.8, silhouette_min: 0.2, support: 0.8, cosine: 0.8 }
    }
}

impl Thresholds {
    pub(crate) fn check(&self) -> Result<(), Error> {
        let all = [
            ("stable_mean", self.silhouette_mean),
            ("stable_min", self.silhouette_min),
            ("stable_support", self.support),
            ("stable_cosine", self.cosine),
        ];
        match all.into_iter().find(|(_, x)| !(-1.0..=1.0).contains(x)) {
            Some((name, x)) => Err(invalid(name, x, "a number from -1 to 1")),
            None => Ok(()),
        }
    }
}

/// Which components are too far from others to have a part in a consensus.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Density {
    /// Those five robust standard deviations above the median of all, a threshold from 0.05 to 0.5.
    #[default]
    Auto,
    /// Those at this mean distance to their neighbours or above; 2 keeps all.
    Below(f64),
    /// None.
    Off,
}

impl FromStr for Density {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "auto" => Ok(Self::Auto),
            "off" => Ok(Self::Off),
            _ => match text.parse() {
                Ok(x) if x > 0.0 && x <= 2.0 => Ok(Self::Below(x)),
                _ => Err(invalid("density", text, "auto, off, or a number above 0 and up to 2")),
            },
        }
    }
}

/// A part of the jobs, for one of several machines.
///
/// ```
/// use orthant_study::Shard;
/// let third: Shard = "3/16".parse()?;
/// assert_eq!((third.index, third.of), (3, 16));
/// assert!("17/16".parse::<Shard>().is_err());
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which part, from 1.
    pub index: usize,
    /// How many there are.
    pub of: usize,
}

impl FromStr for Shard {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parts = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match parts {
            Some((index, of)) if 1 <= index && index <= of => Ok(Self { index, of }),
            _ => Err(invalid("shard", text, "I/N with I from 1 to N, as 3/16")),
        }
    }
}

/// How the consensus of a rank is made of the members of its clusters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recipe {
    /// Medians of members at sum 1. The component with the largest total, over all of W·H, comes first.
    #[default]
    Shares,
    /// Medians of members at Euclidean length 1, as cNMF takes them. The component that the samples have most of, in the mean of their
    /// shares, comes first.
    Cnmf,
}
