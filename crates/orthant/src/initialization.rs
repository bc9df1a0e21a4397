//! The initial factors, by kind and by name. How they are made is in [`init`](mod@crate::init).

use std::str::FromStr;

use orthant_kernel::Dense;

use crate::Error;

/// The factors that iterations start from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Init<T> {
    /// √(mean(V)/k)·|N(0,1)|, H drawn before W, from numpy's legacy generator: the very numbers of
    /// scikit-learn's `init="random"` with the same integer seed.
    Random,
    /// The same, times the scalar that fits V best. The default of the library's own methods.
    ScaledRandom,
    /// scikit-learn's `init="nndsvd"`: non-negative parts of the leading singular vectors, by its randomised SVD,
    /// which takes 24·(m + n)·(k + 10) bytes meanwhile.
    Nndsvd,
    /// The same with the mean of V for every 0: the default of [`Update::Cd`](crate::Update::Cd) and
    /// [`Update::Mu`](crate::Update::Mu) where the rank is not
    /// above the smaller side of V (else [`Init::Random`]).
    Nndsvda,
    /// The same with small random numbers for every 0.
    Nndsvdar,
    /// The library's own: an exact SVD, and thresholds that scale with V.
    ExactNndsvd,
    /// The same with the mean of V for every 0.
    ExactNndsvda,
    /// Successive projection: H is k rows of V, W the weights on them. Exact for separable data, in which each
    /// component has a sample of its own.
    Spa,
    /// Given factors, W m×k and H k×n. They are read, never changed.
    Custom {
        /// W, m×k.
        w: Dense<T>,
        /// H, k×n.
        h: Dense<T>,
    },
}

/// The kinds of [`Init`], by name.
///
/// ```
/// use orthant::InitKind;
/// assert_eq!("nndsvda".parse(), Ok(InitKind::Nndsvda));
/// assert_eq!(InitKind::ExactNndsvd.name(), "exact-nndsvd");
/// assert!(InitKind::Custom.init::<f64>().is_none()); // needs factors
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum InitKind {
    /// [`Init::Random`].
    Random,
    /// [`Init::ScaledRandom`].
    ScaledRandom,
    /// [`Init::Nndsvd`].
    Nndsvd,
    /// [`Init::Nndsvda`].
    Nndsvda,
    /// [`Init::Nndsvdar`].
    Nndsvdar,
    /// [`Init::ExactNndsvd`].
    ExactNndsvd,
    /// [`Init::ExactNndsvda`].
    ExactNndsvda,
    /// [`Init::Spa`].
    Spa,
    /// [`Init::Custom`].
    Custom,
}

impl InitKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Random,
        Self::ScaledRandom,
        Self::Nndsvd,
        Self::Nndsvda,
        Self::Nndsvdar,
        Self::ExactNndsvd,
        Self::ExactNndsvda,
        Self::Spa,
        Self::Custom,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::ScaledRandom => "scaled-random",
            Self::Nndsvd => "nndsvd",
            Self::Nndsvda => "nndsvda",
            Self::Nndsvdar => "nndsvdar",
            Self::ExactNndsvd => "exact-nndsvd",
            Self::ExactNndsvda => "exact-nndsvda",
            Self::Spa => "spa",
            Self::Custom => "custom",
        }
    }

    /// The start, unless it needs factors.
    pub fn init<T>(self) -> Option<Init<T>> {
        match self {
            Self::Random => Some(Init::Random),
            Self::ScaledRandom => Some(Init::ScaledRandom),
            Self::Nndsvd => Some(Init::Nndsvd),
            Self::Nndsvda => Some(Init::Nndsvda),
            Self::Nndsvdar => Some(Init::Nndsvdar),
            Self::ExactNndsvd => Some(Init::ExactNndsvd),
            Self::ExactNndsvda => Some(Init::ExactNndsvda),
            Self::Spa => Some(Init::Spa),
            Self::Custom => None,
        }
    }
}

impl<T> Init<T> {
    /// Its kind.
    pub fn kind(&self) -> InitKind {
        match self {
            Self::Random => InitKind::Random,
            Self::ScaledRandom => InitKind::ScaledRandom,
            Self::Nndsvd => InitKind::Nndsvd,
            Self::Nndsvda => InitKind::Nndsvda,
            Self::Nndsvdar => InitKind::Nndsvdar,
            Self::ExactNndsvd => InitKind::ExactNndsvd,
            Self::ExactNndsvda => InitKind::ExactNndsvda,
            Self::Spa => InitKind::Spa,
            Self::Custom { .. } => InitKind::Custom,
        }
    }
}

impl FromStr for InitKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| Error::InvalidParam {
            name: "init",
            value: text.to_owned(),
            allowed:
                "random, scaled-random, nndsvd, nndsvda, nndsvdar, exact-nndsvd, exact-nndsvda, spa or custom"
                    .into(),
        })
    }
}
