//! What differs between the fits of a rank that are compared: their starts alone, or their data too.

use std::fmt;
use std::str::FromStr;

use orthant::{Error, Matrix, Real};
use serde::{Deserialize, Serialize};

use crate::Kind;
use crate::data::Part;
use crate::error::invalid;

pub mod noise;
pub mod resample;
pub mod subset;

/// The bound of the noise where none is given: that of T-ELF's NMFk.
const NOISE: f64 = 0.015;
/// The share of the rows where none is given: that of consensus clustering (Monti et al. 2003, doi:10.1023/A:1023949509487).
const SHARE: f64 = 0.8;
/// The texts that are read.
const TEXTS: &str = "starts, resample (counts), noise or noise=E with E above 0 and up to 1, rows or rows=SHARE with a share above 0 \
                     and below 1, or halves";

/// What differs between the fits of a rank that are compared. Each has a start of its own in any case.
///
/// Fits of other data than V say which components are found again when the data are drawn again. Their W is fitted to V once more,
/// with their components as they are, so that losses, labels and shares are those of V.
///
/// ```
/// use orthant_study::Variation;
/// assert_eq!("noise=0.03".parse::<Variation>()?, Variation::Noise(0.03));
/// assert_eq!("rows".parse::<Variation>()?.to_string(), "rows=0.8");
/// assert!("noise=2".parse::<Variation>().is_err());
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Variation {
    /// The start alone: every fit is of V.
    #[default]
    Starts,
    /// Counts that are drawn again: each row is a multinomial draw with its total, in the proportions of its entries.
    Resample,
    /// Every entry is multiplied by a number of its own, uniform from 1 − ε to 1 + ε.
    Noise(f64),
    /// A random subset of the rows, this share of them.
    Rows(f64),
    /// Half of the rows: fits 0 and 1 have the two halves of one random division, fits 2 and 3 those of the next.
    Halves,
}

impl Variation {
    /// The kind of its jobs.
    pub fn kind(self) -> Kind {
        match self {
            Self::Starts => Kind::Start,
            Self::Resample => Kind::Resample,
            Self::Noise(_) => Kind::Noise,
            Self::Rows(_) => Kind::Rows,
            Self::Halves => Kind::Halves,
        }
    }

    /// What a fit is of, in words.
    pub fn describe(self) -> String {
        match self {
            Self::Starts => "all the data from a start of its own".to_owned(),
            Self::Resample => {
                "counts that are drawn again with the totals of the rows (a multinomial draw for each row)"
                    .to_owned()
            }
            Self::Noise(bound) => {
                format!(
                    "the data with every entry times a random number from 1 − E to 1 + E, where E is {bound}"
                )
            }
            Self::Rows(share) => format!("a random share of the rows, {share} of them"),
            Self::Halves => "half of the rows, two fits for each random division".to_owned(),
        }
    }

    pub(crate) fn is_starts(&self) -> bool {
        *self == Self::Starts
    }

    /// Refuses numbers out of range.
    pub(crate) fn check(self) -> Result<(), Error> {
        match self {
            Self::Noise(bound) if !(bound > 0.0 && bound <= 1.0) => {
                Err(invalid("vary", self, "noise=E with E above 0 and up to 1"))
            }
            Self::Rows(share) if !(share > 0.0 && share < 1.0) => {
                Err(invalid("vary", self, "rows=SHARE with a share above 0 and below 1"))
            }
            _ => Ok(()),
        }
    }

    /// The data of a replicate, of a matrix by rows; none where it is V itself. All ranks have the same.
    pub(crate) fn data<T: Real>(
        self,
        v: &Matrix<'_, T>,
        seed: u32,
        replicate: usize,
    ) -> Result<Option<Part<T>>, Error> {
        Ok(Some(match self {
            Self::Starts => return Ok(None),
            Self::Resample => resample::counts(v, seed, replicate)?,
            Self::Noise(bound) => noise::scattered(v, bound, seed, replicate)?,
            Self::Rows(share) => subset::rows(v, share, seed, replicate)?,
            Self::Halves => subset::half(v, seed, replicate)?,
        }))
    }
}

impl fmt::Display for Variation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starts => f.write_str("starts"),
            Self::Resample => f.write_str("resample"),
            Self::Noise(bound) => write!(f, "noise={bound}"),
            Self::Rows(share) => write!(f, "rows={share}"),
            Self::Halves => f.write_str("halves"),
        }
    }
}

impl FromStr for Variation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || invalid("vary", text, TEXTS);
        let number = |text: &str| text.parse::<f64>().map_err(|_| wrong());
        let read = match text.split_once('=') {
            None => match text {
                "starts" => Self::Starts,
                "resample" => Self::Resample,
                "noise" => Self::Noise(NOISE),
                "rows" => Self::Rows(SHARE),
                "halves" => Self::Halves,
                _ => return Err(wrong()),
            },
            Some(("noise", bound)) => Self::Noise(number(bound)?),
            Some(("rows", share)) => Self::Rows(number(share)?),
            Some(_) => return Err(wrong()),
        };
        read.check()?;
        Ok(read)
    }
}

impl From<Variation> for String {
    fn from(variation: Variation) -> Self {
        variation.to_string()
    }
}

impl TryFrom<String> for Variation {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_they_are_written() {
        let all = [
            Variation::Starts,
            Variation::Resample,
            Variation::Noise(0.1 + 0.2),
            Variation::Rows(0.5),
            Variation::Halves,
        ];
        for variation in all {
            assert_eq!(variation.to_string().parse::<Variation>().unwrap(), variation);
        }
        assert_eq!("noise".parse::<Variation>().unwrap(), Variation::Noise(0.015));
        for wrong in
            ["", "start", "noise=", "noise=0", "noise=1.5", "noise=nan", "rows=1", "rows=-1", "halves=2"]
        {
            let error = wrong.parse::<Variation>().unwrap_err().to_string();
            assert!(error.contains("vary"), "{error}");
        }
    }
}
