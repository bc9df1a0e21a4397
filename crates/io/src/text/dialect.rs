//! How a text is written: what stands between fields, and which decimal mark. Found from its first lines.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use super::number::{self, Decimal};
use super::records::{Record, Records};
use crate::{IoError, ReadOptions, Remark};

/// Lines that are looked at.
const LINES: usize = 100;

/// What stands between the fields of a text.
///
/// ```
/// use orthant_io::{Delimiter, ReadOptions, Source};
/// let text = &b"name|x\na, b|1\nc, d|2\n"[..];
/// let table = Source::from_reader("t", text, None, &ReadOptions::default())?.read::<f64>()?;
/// assert_eq!(table.row_names().unwrap()[0], "a, b"); // found
/// let options = ReadOptions { delimiter: Some(Delimiter::Bar), ..ReadOptions::default() };
/// assert_eq!(Source::from_reader("t", text, None, &options)?.read::<f64>()?, table); // given
/// # Ok::<(), orthant_io::IoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delimiter {
    /// `\t`
    Tab,
    /// `;`
    Semicolon,
    /// `|`
    Bar,
    /// `,`
    Comma,
    /// Runs of blanks and tabs. What follows a `#` in front of a field is a comment.
    Blanks,
}

impl Delimiter {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Tab, Self::Semicolon, Self::Bar, Self::Comma, Self::Blanks];

    /// The character; none for runs of blanks.
    pub(super) fn byte(self) -> Option<u8> {
        match self {
            Self::Tab => Some(b'\t'),
            Self::Semicolon => Some(b';'),
            Self::Bar => Some(b'|'),
            Self::Comma => Some(b','),
            Self::Blanks => None,
        }
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tab => "tab",
            Self::Semicolon => ";",
            Self::Bar => "|",
            Self::Comma => ",",
            Self::Blanks => "blanks",
        })
    }
}

/// The character itself, or `tab` or `blanks`.
impl FromStr for Delimiter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "\t" | "\\t" => Ok(Self::Tab),
            " " => Ok(Self::Blanks),
            _ => Self::ALL
                .into_iter()
                .find(|d| d.to_string() == text)
                .ok_or("one of , ; | tab and blanks is needed"),
        }
    }
}

/// How a text is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dialect {
    pub delimiter: Delimiter,
    pub decimal: Decimal,
}

impl Dialect {
    /// Finds what the options do not say, from text that begins with a record, on line `line`.
    pub fn of(
        text: &[u8],
        line: u64,
        options: &ReadOptions,
        remarks: &mut Vec<Remark>,
        path: &Path,
    ) -> Result<Self, IoError> {
        let candidates =
            Delimiter::ALL.into_iter().filter(|d| options.delimiter.is_none_or(|given| given == *d));
        let mut best: Option<Candidate> = None;
        let mut rival = None;
        for delimiter in candidates {
            let Some(next) = Candidate::of(text, line, delimiter, options.decimal) else { continue };
            match &best {
                Some(best) if best.score >= next.score => {
                    if best.is_as_good(&next) {
                        rival = Some(next.delimiter);
                    }
                }
                _ => {
                    rival = best.filter(|best| best.is_as_good(&next)).map(|best| best.delimiter);
                    best = Some(next);
                }
            }
        }
        let Some(best) = best else {
            // one column: nothing stands between fields
            let delimiter = options.delimiter.unwrap_or(Delimiter::Comma);
            return Ok(Self { delimiter, decimal: options.decimal.unwrap_or(Decimal::Point) });
        };
        if let Some(settle) = best.doubt(options) {
            return Err(IoError::Ambiguous {
                path: path.to_owned(),
                line: best.doubtful.0,
                text: best.doubtful.1,
                settle,
            });
        }
        if let Some(other) = rival {
            remarks.push(Remark::Delimiter { taken: best.delimiter, other });
        }
        Ok(Self { delimiter: best.delimiter, decimal: best.decimal })
    }
}

/// A delimiter, and how well the first lines go with it.
struct Candidate {
    delimiter: Delimiter,
    decimal: Decimal,
    score: Score,
    /// Fields of the first line, and of most of the others.
    widths: (usize, usize),
    /// All numbers with a comma could have marks between thousands.
    thousands: bool,
    /// The first field of which something is unclear, and its line.
    doubtful: (u64, String),
}

/// In the order in which they count.
#[derive(PartialEq, PartialOrd)]
struct Score {
    /// The share of lines with as many fields as most of them.
    even: f64,
    /// The share of numbers behind the first fields.
    numbers: f64,
    /// Tabs are hardly ever there for another reason.
    tabs: bool,
    /// The share of numbers among the first fields.
    first: f64,
}

impl Candidate {
    /// Nothing where the delimiter does not occur.
    fn of(text: &[u8], line: u64, delimiter: Delimiter, decimal: Option<Decimal>) -> Option<Self> {
        let mut records = Records::new(text, line, delimiter);
        let mut lines = Vec::new();
        loop {
            let mut record = Record::default();
            if lines.len() == LINES || !records.next(&mut record) {
                break;
            }
            lines.push(record);
        }
        let body = if lines.len() > 1 { &lines[1..] } else { &lines[..] };
        let width = super::usual(body.iter().map(Record::len));
        let header = lines.first()?.len();
        if width < 2 && lines.iter().all(|record| record.len() < 2) {
            return None;
        }
        let fitting = body.iter().filter(|record| record.len() == width).count();
        let fits = header == width || header + 1 == width;
        let even = fitting as f64 / body.len() as f64 * if fits { 1.0 } else { 0.5 };
        let share = |lines: &[Record<'_>], decimal, fields: fn(usize) -> Range<usize>| {
            let (mut numbers, mut all) = (0, 0);
            for record in lines {
                for i in fields(record.len()) {
                    all += 1;
                    numbers += usize::from(!number::is_word(record.field(i), decimal));
                }
            }
            if all == 0 { 0.0 } else { numbers as f64 / all as f64 }
        };
        let decimal = decimal.unwrap_or_else(|| {
            let better =
                share(&lines, Decimal::Comma, |len| 0..len) > share(&lines, Decimal::Point, |len| 0..len);
            if delimiter != Delimiter::Comma && better { Decimal::Comma } else { Decimal::Point }
        });
        let commas = || {
            let fields =
                lines.iter().flat_map(|record| record.fields().map(move |field| (record.line, field)));
            fields
                .filter(|(_, field)| field.contains(&b',') && number::number(field, Decimal::Comma).is_some())
        };
        let with_comma =
            commas().next().map_or((line, String::new()), |(line, field)| (line, super::excerpt(field)));
        let only_column = width == 2 && header == 1 && delimiter == Delimiter::Comma;
        let doubtful = match body.iter().find(|record| record.len() == 2) {
            Some(record) if only_column => (
                record.line,
                format!("{},{}", super::excerpt(record.field(0)), super::excerpt(record.field(1))),
            ),
            _ => with_comma,
        };
        let numbers = share(body, decimal, |len| 1..len.max(1));
        // a table of words is no table: evenness alone says little
        let even = if numbers < 0.5 { even * numbers } else { even };
        Some(Self {
            delimiter,
            decimal,
            score: Score {
                even,
                numbers,
                tabs: delimiter == Delimiter::Tab,
                first: share(body, decimal, |len| 0..len.min(1)),
            },
            widths: (header, width),
            thousands: commas().all(|(_, field)| number::is_thousands_or_decimals(field)),
            doubtful,
        })
    }

    fn is_as_good(&self, other: &Self) -> bool {
        let (a, b) = (&self.score, &other.score);
        let blanks = [self.delimiter, other.delimiter].contains(&Delimiter::Blanks);
        !blanks && (a.even, a.numbers) == (b.even, b.numbers) && a.numbers > 0.0
    }

    /// Which option settles what cannot be told.
    fn doubt(&self, options: &ReadOptions) -> Option<&'static str> {
        let open = options.decimal.is_none();
        if open && self.decimal == Decimal::Comma && self.thousands {
            return Some(
                "the comma could be a decimal mark or a mark between thousands: say ReadOptions::decimal=, for a decimal \
                 mark, or write the table without marks between thousands",
            );
        }
        // `x` above `3,5`: a column of one number with a decimal comma, or a row's name and a number
        let one = self.delimiter == Delimiter::Comma && self.widths == (1, 2) && self.score.first == 1.0;
        let untold = options.delimiter.is_none() && options.labels == crate::Detect::Auto;
        (open && one && untold && self.score.numbers == 1.0).then_some(
            "this could be one number with a decimal comma, or a row's name and a number: say ReadOptions::decimal=, with \
             ReadOptions::delimiter=; or ReadOptions::delimiter=,",
        )
    }
}
