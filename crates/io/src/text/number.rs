//! The number that a field of text stands for.

use serde::{Deserialize, Serialize};

/// What stands between the whole part of a number and its fraction.
///
/// ```
/// use orthant_io::{Decimal, ReadOptions, Source};
/// let options = ReadOptions { decimal: Some(Decimal::Comma), ..ReadOptions::default() };
/// let table = Source::from_reader("a.txt", &b"a;b\n1,250;2,500\n"[..], None, &options)?.read::<f64>()?;
/// assert_eq!(table.data(), [1.25, 2.5]);
/// # Ok::<(), orthant_io::IoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decimal {
    /// 1.5
    Point,
    /// 1,5
    Comma,
}

/// Fields that programs write for a value that is missing.
const MISSING: [&str; 13] =
    ["", "NA", "N/A", "#N/A", "n/a", "na", "<NA>", "NULL", "null", "None", ".", "-", "?"];

/// The number in a field: `inf` and `nan` count, and the words of truth are 1 and 0.
pub(super) fn number(field: &[u8], decimal: Decimal) -> Option<f64> {
    let field = field.trim_ascii();
    if decimal == Decimal::Comma && field.len() < 64 {
        if field.contains(&b'.') {
            return None;
        }
        if let Some(comma) = field.iter().position(|&b| b == b',') {
            let mut digits = [0; 64];
            digits[..field.len()].copy_from_slice(field);
            digits[comma] = b'.';
            return fast_float2::parse(&digits[..field.len()]).ok();
        }
    }
    fast_float2::parse(field).ok().or_else(|| truth(field))
}

/// Whether a field is an integer other than the double `x` that it is read as. The shortest text of a large double, such as
/// 1152921504606847000, is that double.
pub(super) fn is_another_integer(field: &[u8], x: f64) -> bool {
    if field.len() <= 15 {
        return false;
    }
    let field = field.trim_ascii();
    let digits = field.strip_prefix(b"-").or(field.strip_prefix(b"+")).unwrap_or(field);
    if digits.len() <= 15 || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let text = str::from_utf8(digits).unwrap_or_default().trim_start_matches('0');
    text.parse::<i128>().ok() != Some(x.abs() as i128) && text != x.abs().to_string()
}

/// 1 and 0 for true and false, as R, Python, Excel and polars write them.
fn truth(field: &[u8]) -> Option<f64> {
    match field {
        b"TRUE" | b"True" | b"true" => Some(1.0),
        b"FALSE" | b"False" | b"false" => Some(0.0),
        _ => None,
    }
}

/// Whether a field stands for no value.
pub(super) fn is_missing(field: &[u8]) -> bool {
    let field = field.trim_ascii();
    field.len() <= 4 && MISSING.iter().any(|word| word.as_bytes() == field)
}

/// Whether a field is neither a number nor missing.
pub(super) fn is_word(field: &[u8], decimal: Decimal) -> bool {
    number(field, decimal).is_none() && !is_missing(field)
}

/// A whole number written with digits alone.
pub(super) fn whole(field: &[u8]) -> Option<u64> {
    let field = field.trim_ascii();
    let digits = !field.is_empty() && field.iter().all(u8::is_ascii_digit);
    digits.then(|| str::from_utf8(field).ok()?.parse().ok()).flatten()
}

pub(super) fn has_digits(field: &[u8]) -> bool {
    field.iter().any(u8::is_ascii_digit)
}

/// Whether a field could be a number with a decimal comma as well as one with a mark between thousands: `1,234`.
pub(super) fn is_thousands_or_decimals(field: &[u8]) -> bool {
    let field = field.trim_ascii();
    let field = field.strip_prefix(b"-").or_else(|| field.strip_prefix(b"+")).unwrap_or(field);
    let Some(comma) = field.iter().position(|&b| b == b',') else { return false };
    let (before, after) = (&field[..comma], &field[comma + 1..]);
    (1..=3).contains(&before.len())
        && before[0] != b'0'
        && after.len() == 3
        && before.iter().chain(after).all(u8::is_ascii_digit)
}

/// What to do about a field that is no number, if its marks say it.
pub(crate) fn advice(field: &str) -> Option<&'static str> {
    let field = field.trim();
    if is_thousands_or_decimals(field.as_bytes()) {
        return Some(
            "marks between thousands are not read: write the table without them, or, if this is a decimal comma, say so by \
             ReadOptions::decimal=,",
        );
    }
    if field.contains(',') && number(field.as_bytes(), Decimal::Comma).is_some() {
        return Some("if the comma is a decimal mark, say so by ReadOptions::decimal=,");
    }
    if field.contains('.') && number(field.as_bytes(), Decimal::Point).is_some() {
        return Some(
            "other numbers have decimal commas: write the table with one decimal mark and no marks between thousands",
        );
    }
    has_thousands(field).then_some("marks between thousands are not read: write the table without them")
}

/// Whether digits stand in groups of three.
fn has_thousands(field: &str) -> bool {
    let field = field.strip_prefix(['-', '+']).unwrap_or(field);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    [',', '.', '\'', '’', ' ', '\u{a0}', '\u{202f}', '_'].into_iter().any(|mark| {
        let decimal = field.rfind(|c| (c == ',' || c == '.') && c != mark);
        let (whole, fraction) = decimal.map_or((field, "0"), |at| (&field[..at], &field[at + 1..]));
        let mut groups = whole.split(mark);
        let first = groups.next().is_some_and(|group| digits(group) && group.len() <= 3);
        let mut others = groups.peekable();
        first
            && others.peek().is_some()
            && others.all(|group| digits(group) && group.len() == 3)
            && digits(fraction)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The standard library's parser is the oracle.
    #[test]
    fn numbers_are_those_of_the_standard_library() {
        for text in [
            "0",
            "-0",
            "1",
            "+1.5",
            "1.",
            ".5",
            "1e5",
            "1E-5",
            "1e+05",
            "4.9e-324",
            "1.7976931348623157e308",
            "1e999",
            "inf",
            "-Infinity",
            "nan",
            "NaN",
            "9007199254740993",
            "0.1",
            "123456789012345678901234567890",
            "2.2250738585072011e-308",
            "1e",
            "e5",
            "",
            "+",
            "-",
            "1_000",
            "0x10",
            "1,5",
            "--1",
            "1.2.3",
            "infinit",
            "1 2",
        ] {
            let want: Option<f64> = text.parse().ok();
            let got = number(text.as_bytes(), Decimal::Point);
            assert_eq!(got.map(f64::to_bits), want.map(f64::to_bits), "{text:?}");
            let got = number(text.replace('.', ",").as_bytes(), Decimal::Comma);
            if !text.contains(',') {
                assert_eq!(got.map(f64::to_bits), want.map(f64::to_bits), "{text:?} with a comma");
            }
        }
        assert_eq!(number(b"1.5", Decimal::Comma), None);
        assert_eq!(number(b"1,2,5", Decimal::Comma), None);
    }

    #[test]
    fn words_of_truth_and_of_nothing() {
        assert_eq!(number(b" TRUE ", Decimal::Point), Some(1.0));
        assert_eq!(number(b"false", Decimal::Comma), Some(0.0));
        for field in ["", "  ", "NA", ".", "-", "NULL"] {
            assert!(
                is_missing(field.as_bytes()) && number(field.as_bytes(), Decimal::Point).is_none(),
                "{field:?}"
            );
        }
        assert!(!is_missing(b"0") && !is_missing(b"none at all"));
    }

    #[test]
    fn groups_of_three_digits() {
        for (field, grouped) in [
            ("1.234,5", true),
            ("1,234,567.25", true),
            ("-12 000", true),
            ("1'000'000", true),
            ("2023-01-05", false),
            ("1.2.3", false),
            ("12,34,567", false),
            ("1,234,56", false),
            ("gene 100", false),
            ("", false),
        ] {
            assert_eq!(has_thousands(field), grouped, "{field}");
            assert_eq!(advice(field).is_some(), grouped, "{field}");
        }
    }

    #[test]
    fn marks_that_can_be_read_in_two_ways() {
        for (field, two) in [
            ("1,234", true),
            ("-12,000", true),
            ("0,125", false),
            ("1,25", false),
            ("1234,567", false),
            ("1,2345", false),
        ] {
            assert_eq!(is_thousands_or_decimals(field.as_bytes()), two, "{field}");
        }
    }
}
