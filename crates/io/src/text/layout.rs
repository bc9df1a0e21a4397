//! Where a text file has names rather than numbers.

use super::records::Record;
use crate::{Detect, ReadOptions};

/// What the first column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Labels {
    /// Numbers.
    None,
    /// Names, because the first row has text there. A number further down makes that doubtful.
    Guessed,
    /// Names, because the options or the header line say so.
    Sure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// The first line has names.
    pub header: bool,
    /// The header line has a field above the labels.
    pub corner: bool,
    pub labels: Labels,
    /// The options settled the header.
    pub told: bool,
}

impl Layout {
    /// Decides from the first two lines.
    ///
    /// - A header has no numbers in it. One exception: an empty corner before the column numbers 0, 1, 2, …, as
    ///   pandas writes a frame without names, or before anything at all if the second line begins with text.
    /// - Labels: an empty corner, a header one field shorter than the rows (as R writes it), or text where the
    ///   first row's first number should be.
    pub fn of(first: Option<&Record>, second: Option<&Record>, options: &ReadOptions) -> Self {
        let header = match options.header {
            Detect::Yes => first.is_some(),
            Detect::No => false,
            Detect::Auto => first.is_some_and(|f| looks_like_header(f, second)),
        };
        let row = if header { second } else { first };
        let corner_is_empty = |f: &Record| f.len() > 1 && blank(f.field(0));
        let short = header && first.zip(row).is_some_and(|(f, r)| f.len() + 1 == r.len());
        let labels = match options.labels {
            Detect::Yes if first.is_some_and(|f| f.len() > 0) => Labels::Sure,
            Detect::Yes | Detect::No => Labels::None,
            Detect::Auto if header && (short || first.is_some_and(corner_is_empty)) => Labels::Sure,
            Detect::Auto => match row {
                Some(r) if r.len() > 1 && !blank(r.field(0)) && number(r.field(0)).is_none() => {
                    Labels::Guessed
                }
                _ => Labels::None,
            },
        };
        let corner = labels != Labels::None && !short;
        Self { header, corner, labels, told: options.header != Detect::Auto }
    }
}

fn looks_like_header(first: &Record, second: Option<&Record>) -> bool {
    let rest_numeric = (1..first.len()).any(|i| number(first.field(i)).is_some());
    if !rest_numeric {
        return first.len() > 0 && number(first.field(0)).is_none();
    }
    if !blank(first.field(0)) {
        return false;
    }
    let counted = || (1..first.len()).all(|i| number(first.field(i)) == Some((i - 1) as f64));
    second.is_some_and(|s| s.len() > 0 && !blank(s.field(0)) && (number(s.field(0)).is_none() || counted()))
}

fn blank(field: &[u8]) -> bool {
    field.trim_ascii().is_empty()
}

/// The number that a field holds; `inf` and `nan` count.
pub(super) fn number(field: &[u8]) -> Option<f64> {
    str::from_utf8(field.trim_ascii()).ok()?.parse().ok()
}

/// Whether a field is an integer other than the double `x` that it is read as. The shortest text of a large double, such as
/// 1152921504606847000, is that double.
pub(super) fn is_another_integer(field: &[u8], x: f64) -> bool {
    let field = field.trim_ascii();
    let digits = field.strip_prefix(b"-").or(field.strip_prefix(b"+")).unwrap_or(field);
    if digits.len() <= 15 || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let text = str::from_utf8(digits).unwrap_or_default().trim_start_matches('0');
    text.parse::<i128>().ok() != Some(x.abs() as i128) && text != x.abs().to_string()
}

pub(super) fn has_digits(field: &[u8]) -> bool {
    field.iter().any(u8::is_ascii_digit)
}
