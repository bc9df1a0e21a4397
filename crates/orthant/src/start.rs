//! Where a fit starts, by kind and by name. How starts are made is in [`init`](crate::init).

use std::str::FromStr;

use orthant_kernel::Dense;

use crate::Error;

/// Where the iteration starts.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Start<T> {
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
    /// above the smaller side of V (else [`Start::Random`]).
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

/// The kinds of [`Start`], by name.
///
/// ```
/// use orthant::StartKind;
/// assert_eq!("nndsvda".parse(), Ok(StartKind::Nndsvda));
/// assert_eq!(StartKind::ExactNndsvd.name(), "exact-nndsvd");
/// assert!(StartKind::Custom.start::<f64>().is_none()); // needs factors
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum StartKind {
    /// [`Start::Random`].
    Random,
    /// [`Start::ScaledRandom`].
    ScaledRandom,
    /// [`Start::Nndsvd`].
    Nndsvd,
    /// [`Start::Nndsvda`].
    Nndsvda,
    /// [`Start::Nndsvdar`].
    Nndsvdar,
    /// [`Start::ExactNndsvd`].
    ExactNndsvd,
    /// [`Start::ExactNndsvda`].
    ExactNndsvda,
    /// [`Start::Spa`].
    Spa,
    /// [`Start::Custom`].
    Custom,
}

impl StartKind {
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
    pub fn start<T>(self) -> Option<Start<T>> {
        match self {
            Self::Random => Some(Start::Random),
            Self::ScaledRandom => Some(Start::ScaledRandom),
            Self::Nndsvd => Some(Start::Nndsvd),
            Self::Nndsvda => Some(Start::Nndsvda),
            Self::Nndsvdar => Some(Start::Nndsvdar),
            Self::ExactNndsvd => Some(Start::ExactNndsvd),
            Self::ExactNndsvda => Some(Start::ExactNndsvda),
            Self::Spa => Some(Start::Spa),
            Self::Custom => None,
        }
    }
}

impl<T> Start<T> {
    /// Its kind.
    pub fn kind(&self) -> StartKind {
        match self {
            Self::Random => StartKind::Random,
            Self::ScaledRandom => StartKind::ScaledRandom,
            Self::Nndsvd => StartKind::Nndsvd,
            Self::Nndsvda => StartKind::Nndsvda,
            Self::Nndsvdar => StartKind::Nndsvdar,
            Self::ExactNndsvd => StartKind::ExactNndsvd,
            Self::ExactNndsvda => StartKind::ExactNndsvda,
            Self::Spa => StartKind::Spa,
            Self::Custom { .. } => StartKind::Custom,
        }
    }
}

impl FromStr for StartKind {
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
