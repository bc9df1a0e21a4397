//! Where a table has names rather than numbers. Found from its first lines.

use std::collections::HashSet;
use std::path::Path;

use super::number::{self, Decimal, is_missing, is_word, whole};
use crate::{Detect, IoError, ReadOptions, Remark};

/// One of the first lines.
pub(crate) struct Line {
    /// Its number in the file, from 1.
    pub line: u64,
    pub fields: Vec<String>,
    /// The first field is in quotes, and no other is.
    pub first_quoted: bool,
}

impl Line {
    fn field(&self, i: usize) -> &[u8] {
        self.fields.get(i).map_or(b"", String::as_bytes)
    }
}

/// What each field of a line is.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// The first line has names.
    pub header: bool,
    /// The field with the names of the rows.
    pub labels: Option<usize>,
    /// Nothing but text in the first row says that these are names. A number further down makes that doubtful.
    pub guessed: bool,
    /// The fields with numbers.
    pub columns: Vec<usize>,
    /// The names above these.
    pub col_names: Option<Vec<String>>,
    /// Fields of a line.
    pub width: usize,
    pub decimal: Decimal,
    /// The options settled the header.
    pub told: bool,
    /// Fields without a value are NaN.
    pub missing: bool,
}

/// Names of columns that hold what tells rows apart.
const IDENTIFIERS: [&str; 21] = [
    "id",
    "ids",
    "index",
    "idx",
    "key",
    "row",
    "rows",
    "rowname",
    "rownames",
    "row.names",
    "row_names",
    "no",
    "no.",
    "nr",
    "nr.",
    "#",
    "num",
    "number",
    "sample",
    "subject",
    "patient",
];

fn names_identifiers(name: &str) -> bool {
    let lower = name.trim().to_lowercase();
    IDENTIFIERS.contains(&lower.as_str())
        || ["_id", " id", ".id", "-id"].iter().any(|end| lower.ends_with(end))
        || (name.ends_with("Id") || name.ends_with("ID")) && name.len() > 2
}

impl Layout {
    /// Decides from the first lines, the fields in `drop` left out besides those that the options name.
    ///
    /// - A header has no numbers in it. Exceptions are numbers that look like names: under an empty corner 0, 1, 2, …, as pandas
    ///   writes a frame without names; and numbers that rise in equal steps above all numbers of the table, as years do.
    /// - Labels: an empty corner, a header one field shorter than the rows (as R writes it), text where the first row's first
    ///   number should be, or whole numbers that tell rows apart: alone in quotes, under a name such as `id`, or counting the rows.
    pub fn of(
        lines: &[Line],
        decimal: Decimal,
        drop: &[usize],
        options: &ReadOptions,
        remarks: &mut Vec<Remark>,
        path: &Path,
    ) -> Result<Self, IoError> {
        let (told, missing) = (options.header != Detect::Auto, options.missing);
        let Some(first) = lines.first() else {
            let none = Self {
                header: false,
                labels: None,
                guessed: false,
                columns: vec![],
                col_names: None,
                width: 0,
                decimal,
                told,
                missing,
            };
            return super::columns::none_dropped(options, path).map(|()| none);
        };
        let usual = super::usual(lines[1..].iter().map(|line| line.fields.len()));
        let short = first.fields.len() + 1 == usual;
        let width = if short { usual } else { first.fields.len() };
        let mut kept = super::columns::kept(&first.fields, width, &options.drop, path)?;
        kept.retain(|i| !drop.contains(i));
        let table = Edges { lines, kept: &kept, shift: usize::from(short), decimal, path };
        let header = match options.header {
            Detect::Yes => true,
            Detect::No => false,
            Detect::Auto => table.has_header(remarks)?,
        };
        let shape = first.fields.len();
        if let (false, true, Some(other)) =
            (header, short, lines.iter().find(|line| line.fields.len() != shape))
        {
            let (line, found) = (other.line, other.fields.len());
            return Err(IoError::Ragged { path: path.to_owned(), line, expected: shape, found });
        }
        let (labelled, guessed) = match options.labels {
            Detect::Yes => (!kept.is_empty(), false),
            Detect::No => (false, false),
            Detect::Auto => table.has_labels(header, remarks),
        };
        let columns = kept[usize::from(labelled)..].to_vec();
        let name = |&i: &usize| i.checked_sub(table.shift).map_or("", |i| first.fields[i].trim()).to_owned();
        let col_names = header.then(|| columns.iter().map(name).collect());
        let labels = labelled.then(|| kept[0]);
        Ok(Self { header, labels, guessed, columns, col_names, width, decimal, told, missing })
    }
}

/// The first lines and the fields of them that are read.
struct Edges<'a> {
    lines: &'a [Line],
    kept: &'a [usize],
    /// 1 where the first line has no field above the first of the others.
    shift: usize,
    decimal: Decimal,
    path: &'a Path,
}

impl Edges<'_> {
    fn number(&self, field: &[u8]) -> Option<f64> {
        number::number(field, self.decimal)
    }

    fn has_header(&self, remarks: &mut Vec<Remark>) -> Result<bool, IoError> {
        let (first, body) = (&self.lines[0], &self.lines[1..]);
        let above: Vec<&[u8]> =
            self.kept.iter().filter_map(|&i| Some(first.field(i.checked_sub(self.shift)?))).collect();
        if above.is_empty() {
            return Ok(false);
        }
        let (corner, rest) = if self.shift == 1 { (None, &above[..]) } else { (Some(above[0]), &above[1..]) };
        let word = |field: &&[u8]| is_word(field, self.decimal);
        let numbers = rest.iter().filter(|field| self.number(field).is_some()).count();
        if numbers == 0 && (rest.is_empty() || rest.iter().any(word)) {
            return Ok(corner.is_none_or(|corner| self.number(corner).is_none()));
        }
        if numbers < rest.len() {
            return Ok(false);
        }
        let blank = corner.is_some_and(|corner| corner.trim_ascii().is_empty());
        let named = corner.is_some_and(|corner| word(&corner));
        let across = if named || blank || self.shift == 1 { rest } else { &above[..] };
        let across: Vec<f64> = across.iter().filter_map(|field| self.number(field)).collect();
        let counted = across.iter().enumerate().all(|(j, &x)| x == j as f64);
        let Some(second) = body.first() else { return Ok(false) };
        let begin = second.field(self.kept[0]).trim_ascii();
        if (blank || self.shift == 1) && !begin.is_empty() && (self.number(begin).is_none() || counted) {
            return Ok(true);
        }
        let from = usize::from(across.len() < self.kept.len());
        let below = |line: &Line| -> Vec<f64> {
            self.kept[from..].iter().filter_map(|&i| self.number(line.field(i))).collect()
        };
        let most = body.iter().flat_map(below).fold(f64::NEG_INFINITY, f64::max);
        let outside = most.is_finite() && across.first().is_some_and(|&x| x > most);
        let enough = if from == 1 { 2 } else { 3 };
        if across.len() >= enough && rises_evenly(&across) && outside {
            remarks.push(Remark::NumbersAsHeader { line: first.line, first: excerpt(across[0]) });
            return Ok(true);
        }
        let ambiguous = || {
            let (line, path) = (first.line, self.path.to_owned());
            let settle = "the line could be names of columns or numbers: say ReadOptions::header=yes or ReadOptions::header=no";
            Err(IoError::Ambiguous {
                path,
                line,
                text: super::excerpt(first.fields.join(" ").as_bytes()),
                settle,
            })
        };
        if from == 0 && counted && across.len() >= 3 && above.iter().all(|field| whole(field).is_some()) {
            // pandas without its index; or counts that happen to be 0, 1, 2
            let fractions = body.iter().flat_map(below).any(|x| x.fract() != 0.0);
            if fractions || across.len() >= 5 {
                remarks.push(Remark::NumbersAsHeader { line: first.line, first: excerpt(across[0]) });
                return Ok(true);
            }
            return ambiguous();
        }
        let regular =
            across.len() >= 3 && rises_evenly(&across) && !body.iter().all(|line| rises_evenly(&below(line)));
        let words_below = named && body.iter().all(|line| is_word(line.field(self.kept[0]), self.decimal));
        if words_below && regular && !are_alike(corner.unwrap_or_default(), begin) {
            return ambiguous();
        }
        Ok(false)
    }

    /// Whether the first column has names of rows, and whether that is a guess that a number would refute.
    fn has_labels(&self, header: bool, remarks: &mut Vec<Remark>) -> (bool, bool) {
        let body = &self.lines[usize::from(header)..];
        let (Some(&at), Some(row)) = (self.kept.first(), body.first()) else {
            return (
                header && self.kept.len() > 1 && self.corner().is_some_and(|c| c.trim().is_empty()),
                false,
            );
        };
        let corner = self.corner().filter(|_| header);
        if header && (corner.is_none() || self.kept.len() > 1 && corner.is_some_and(is_no_name)) {
            return (true, false);
        }
        if self.kept.len() < 2 {
            return (false, false);
        }
        let field = row.field(at);
        if is_word(field, self.decimal) && number::advice(&String::from_utf8_lossy(field)).is_none() {
            return (true, true);
        }
        let Some(ids) = body.iter().map(|line| whole(line.field(at))).collect::<Option<Vec<u64>>>() else {
            return (false, false);
        };
        let distinct = ids.iter().collect::<HashSet<_>>().len() == ids.len();
        let quoted = at == 0 && body.iter().all(|line| line.first_quoted);
        let counting = ids.len() >= 3 && ids.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]));
        let name = corner.unwrap_or_default().trim().to_owned();
        if quoted || header && distinct && ids.len() >= 2 && (counting || names_identifiers(&name)) {
            remarks.push(Remark::NumbersAsLabels { column: name });
            return (true, false);
        }
        let others = body.iter().flat_map(|line| self.kept[1..].iter().map(|&i| line.field(i)));
        let most = others.filter_map(|field| self.number(field)).fold(f64::NEG_INFINITY, f64::max);
        let rising = ids.len() >= 3 && ids.is_sorted() && distinct;
        // two columns without names are hardly labels and data
        let likely = header || self.kept.len() > 2;
        if likely && (counting || rising && ids[0] as f64 > most) {
            remarks.push(Remark::LabelsAsNumbers { column: name });
        }
        (false, false)
    }

    /// The field above the first column.
    fn corner(&self) -> Option<&str> {
        let at = self.kept.first()?.checked_sub(self.shift)?;
        self.lines[0].fields.get(at).map(String::as_str)
    }
}

/// What stands above an index that has no name.
fn is_no_name(corner: &str) -> bool {
    let corner = corner.trim();
    corner.is_empty() || corner == "Unnamed: 0"
}

fn rises_evenly(numbers: &[f64]) -> bool {
    let step = if numbers.len() > 1 { numbers[1] - numbers[0] } else { 0.0 };
    step > 0.0 && numbers.windows(2).all(|pair| ((pair[1] - pair[0]) - step).abs() <= 1e-6 * step)
}

/// Whether two labels differ in their numbers alone, or are single letters: then both are names of rows.
fn are_alike(a: &[u8], b: &[u8]) -> bool {
    let stem = |label: &[u8]| {
        let label = label.trim_ascii();
        label.iter().filter(|byte| !byte.is_ascii_digit()).copied().collect::<Vec<u8>>()
    };
    let (one, other) = (stem(a), stem(b));
    one == other || (a.trim_ascii().len() == 1 && b.trim_ascii().len() == 1)
}

fn excerpt(x: f64) -> String {
    format!("{x}")
}

/// What the first lines say of a table that is read: columns of words are an error, and entries in a list are remarked on.
pub(crate) fn judge(
    lines: &[Line],
    layout: &Layout,
    remarks: &mut Vec<Remark>,
    path: &Path,
) -> Result<(), IoError> {
    let body = &lines[usize::from(layout.header).min(lines.len())..];
    if body.len() < 2 {
        return Ok(());
    }
    let named = |j: usize| match &layout.col_names {
        Some(names) if !names[j].is_empty() => names[j].clone(),
        _ => (layout.columns[j] + 1).to_string(),
    };
    let even = |line: &&Line| line.fields.len() == layout.width;
    let of_words = |&j: &usize| {
        let mut fields = body.iter().filter(even).map(|line| line.field(layout.columns[j])).peekable();
        let mut words = 0;
        fields.peek().is_some()
            && fields.all(|field| {
                words += usize::from(is_word(field, layout.decimal));
                (is_word(field, layout.decimal) && number::advice(&String::from_utf8_lossy(field)).is_none())
                    || is_missing(field)
            })
            && words > 1
    };
    let words: Vec<usize> = (0..layout.columns.len()).filter(of_words).collect();
    if let Some(&j) = words.first() {
        let line = body.iter().find(|line| is_word(line.field(layout.columns[j]), layout.decimal));
        let text = line.map(|line| super::excerpt(line.field(layout.columns[j]))).unwrap_or_default();
        return Err(IoError::TextColumns {
            path: path.to_owned(),
            columns: words.iter().map(|&j| named(j)).collect(),
            text,
            triplets: layout.columns.len() + usize::from(layout.labels.is_some()) == 3,
        });
    }
    if looks_like_triplets(body, layout) {
        remarks.push(Remark::LooksLikeTriplets);
    }
    Ok(())
}

/// Whether rows look like entries of a matrix: two columns of names that recur in ever other pairs, and a number.
fn looks_like_triplets(body: &[Line], layout: &Layout) -> bool {
    let fields: Vec<usize> = layout.labels.iter().chain(&layout.columns).copied().collect();
    let [a, b, _] = fields[..] else { return false };
    if body.len() < 5 {
        return false;
    }
    let ids = |at: usize| body.iter().map(move |line| line.field(at)).collect::<Vec<_>>();
    let (left, right) = (ids(a), ids(b));
    let recurs = |ids: &[&[u8]]| ids.iter().collect::<HashSet<_>>().len() < ids.len();
    let is_id = |field: &&[u8]| whole(field).is_some() || is_word(field, layout.decimal);
    let pairs: HashSet<_> = left.iter().zip(&right).collect();
    let third = layout.col_names.as_ref().and_then(|names| names.last()).map(|name| name.to_lowercase());
    let value = ["value", "rating", "count", "score", "weight", "n", "freq", "frequency", "x", "tpm", "umi"];
    let named = third.is_some_and(|name| value.contains(&name.as_str()));
    left.iter().chain(&right).all(is_id)
        && recurs(&left)
        && recurs(&right)
        && pairs.len() == body.len()
        && (named || body.len() >= 20)
}
