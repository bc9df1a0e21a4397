//! A column by its name or number.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// A column of a table, or a field of JSON lines (where a number is its name).
///
/// As text, a whole number is a number, and everything else a name.
///
/// ```
/// use orthant_text::Column;
/// assert_eq!("2".parse(), Ok(Column::Number(2)));
/// assert_eq!("review".parse(), Ok(Column::from("review")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// By its name in the header. Of columns of the same name, the first.
    Name(String),
    /// By its number, from 0.
    Number(usize),
}

impl Column {
    /// Its place among columns, whose names are known if there is a header.
    pub(super) fn find(&self, header: Option<&[String]>, columns: usize) -> Option<usize> {
        match self {
            Self::Name(name) => header?.iter().position(|other| other == name),
            Self::Number(number) => Some(*number).filter(|&number| number < columns),
        }
    }

    /// As the name of a field.
    pub(super) fn field(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Number(number) => number.to_string(),
        }
    }
}

impl From<&str> for Column {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<usize> for Column {
    fn from(number: usize) -> Self {
        Self::Number(number)
    }
}

impl FromStr for Column {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.parse().map_or_else(|_| Self::from(text), Self::Number))
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "{name:?}"),
            Self::Number(number) => write!(f, "{number} (counting from 0)"),
        }
    }
}
