//! A limit of document frequency.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::TextError;

/// In how many documents, as a number of them or a share of all.
///
/// As text a whole number is a count, and a number with a point a share, as in Python: `1` is one document, `1.0` all.
///
/// ```
/// use orthant_text::Frequency;
/// assert_eq!("2".parse(), Ok(Frequency::Count(2)));
/// assert_eq!("0.5".parse(), Ok(Frequency::Share(0.5)));
/// assert_eq!(Frequency::Share(1.0).to_string(), "1.0");
/// let error = "half".parse::<Frequency>().unwrap_err();
/// assert_eq!(error.to_string(), "\"half\" is neither a number of documents (2) nor a share of them (0.5)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frequency {
    /// Documents, at least 1.
    Count(usize),
    /// A share of all documents, from 0 to 1. It is not rounded: 0.5 of 3 documents is 1.5.
    Share(f64),
}

impl Frequency {
    /// Documents of `all`, as scikit-learn reckons them.
    pub(crate) fn documents(self, all: usize) -> f64 {
        match self {
            Self::Count(count) => count as f64,
            Self::Share(share) => share * all as f64,
        }
    }

    /// Refuses a value outside its range.
    pub(crate) fn check(self, option: &'static str) -> Result<(), TextError> {
        let (fine, allowed) = match self {
            Self::Count(count) => (count >= 1, "a number of documents is at least 1"),
            Self::Share(share) => ((0.0..=1.0).contains(&share), "a share of documents is from 0.0 to 1.0"),
        };
        if fine { Ok(()) } else { Err(TextError::Option { option, value: self.to_string(), allowed }) }
    }
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            // with its point, which makes it a share
            Self::Share(share) => write!(f, "{share:?}"),
        }
    }
}

/// A text that is neither a count nor a share.
///
/// ```
/// use orthant_text::{Frequency, NoFrequency};
/// assert_eq!("5 %".parse::<Frequency>(), Err(NoFrequency { text: "5 %".into() }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is neither a number of documents (2) nor a share of them (0.5)")]
pub struct NoFrequency {
    /// The text.
    pub text: String,
}

impl FromStr for Frequency {
    type Err = NoFrequency;

    fn from_str(text: &str) -> Result<Self, NoFrequency> {
        let count = text.parse().map(Self::Count);
        count.or_else(|_| text.parse().map(Self::Share)).map_err(|_| NoFrequency { text: text.to_owned() })
    }
}
