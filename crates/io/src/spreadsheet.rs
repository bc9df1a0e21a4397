//! Spreadsheets: Excel's xlsx and OpenDocument's ods.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Cursor};
use std::path::Path;

use calamine::{Data, DataRef, Ods, Reader, Xlsx};

use crate::format::Book;
use crate::{AnyTable, Decimal, Delimiter, IoError, ReadOptions, Scalar, text};

/// The most cells that are read of a sheet of a kind that is read as a whole.
const MOST_CELLS: usize = 1 << 24;

/// An opened book, and the sheet that is read.
pub(crate) struct Spreadsheet {
    book: Open,
    sheet: String,
}

enum Open {
    Xlsx(Box<Xlsx<BufReader<File>>>),
    Ods(Box<Ods<BufReader<File>>>),
}

/// Cells that are not empty, by row and column.
type Cells = BTreeMap<u32, BTreeMap<u32, String>>;

impl Spreadsheet {
    /// Opens a book, and takes the sheet that `layer` names, or the only one that has cells.
    pub fn open(kind: Book, file: File, layer: Option<&str>, path: &Path) -> Result<Self, IoError> {
        let file = BufReader::new(file);
        let mut book = match kind {
            Book::Xlsx => Xlsx::new(file).map(Box::new).map(Open::Xlsx).map_err(corrupt(path)),
            Book::Ods => Ods::new(file).map(Box::new).map(Open::Ods).map_err(corrupt(path)),
        }?;
        let mut names = match &book {
            Open::Xlsx(book) => book.sheet_names(),
            Open::Ods(book) => book.sheet_names(),
        };
        if let Some(layer) = layer {
            let sheet = layer.to_owned();
            if !names.contains(&sheet) {
                return Err(IoError::NoLayer { path: path.to_owned(), layer: sheet, available: names });
            }
            return Ok(Self { book, sheet });
        }
        if names.len() > 1 {
            let mut used = Vec::new();
            for name in names {
                if !cells(&mut book, &name, path)?.is_empty() {
                    used.push(name);
                }
            }
            names = used;
        }
        match &names[..] {
            [one] => Ok(Self { book, sheet: one.clone() }),
            [] => Err(corrupt(path)("no sheet has a cell")),
            _ => Err(IoError::SeveralMatrices { path: path.to_owned(), names }),
        }
    }

    /// Reads the sheet.
    pub fn read<T: Scalar>(mut self, options: &ReadOptions, path: &Path) -> Result<AnyTable<T>, IoError> {
        let cells = cells(&mut self.book, &self.sheet, path)?;
        let options = ReadOptions {
            delimiter: Some(Delimiter::Comma),
            decimal: Some(Decimal::Point),
            layer: None,
            ..options.clone()
        };
        text::read(Box::new(Cursor::new(as_csv(cells))), &options, path)
    }
}

/// The cells as csv, a line for each row of the sheet, without columns that are empty on either side.
fn as_csv(cells: Cells) -> String {
    let from = cells.values().filter_map(|row| row.keys().next()).min().copied().unwrap_or(0);
    let end = cells.values().filter_map(|row| row.keys().next_back()).max().map_or(0, |last| last + 1);
    let (mut text, mut line) = (String::new(), 0);
    for (row, cells) in cells {
        text.extend(std::iter::repeat_n('\n', (row - line) as usize));
        line = row;
        for col in from..end {
            if col > from {
                text.push(',');
            }
            if let Some(cell) = cells.get(&col) {
                text.push_str(cell);
            }
        }
    }
    text
}

/// The cells of a sheet.
fn cells(book: &mut Open, sheet: &str, path: &Path) -> Result<Cells, IoError> {
    let mut cells = Cells::new();
    let range = match book {
        Open::Xlsx(book) => {
            let mut reader = book.worksheet_cells_reader(sheet).map_err(corrupt(path))?;
            while let Some(cell) = reader.next_cell().map_err(corrupt(path))? {
                let (row, col) = cell.get_position();
                let text = match cell.get_value() {
                    DataRef::SharedString(text) => quoted(text),
                    value => shown(&value.clone().into()),
                };
                if !text.is_empty() {
                    cells.entry(row).or_default().insert(col, text);
                }
            }
            return Ok(cells);
        }
        Open::Ods(book) => book.worksheet_range(sheet).map_err(corrupt(path))?,
    };
    let (height, width) = range.get_size();
    if height.saturating_mul(width) > MOST_CELLS {
        return Err(IoError::TooLarge { path: path.to_owned(), rows: height as u64, cols: width as u64 });
    }
    let (row, col) = range.start().unwrap_or_default();
    for (i, j, value) in range.used_cells() {
        let text = shown(value);
        if !text.is_empty() {
            cells.entry(row + i as u32).or_default().insert(col + j as u32, text);
        }
    }
    Ok(cells)
}

/// A cell as a field of csv, from which the same number is read again. A date is a word: it is no amount of anything.
fn shown(value: &Data) -> String {
    match value {
        Data::Empty => String::new(),
        Data::Int(x) => x.to_string(),
        Data::Float(x) if x.fract() == 0.0 && x.abs() < 1e15 => format!("{x}"),
        Data::Float(x) => format!("{x:?}"),
        Data::Bool(true) => "TRUE".to_owned(),
        Data::Bool(false) => "FALSE".to_owned(),
        Data::DateTime(date) => quoted(&format!("date {}", date.as_f64())),
        other => quoted(&other.to_string()),
    }
}

/// A text in quotes, on one line; nothing if it is empty.
fn quoted(text: &str) -> String {
    let text = text.replace(|c: char| c.is_control(), " ").replace('"', "\"\"");
    if text.is_empty() { text } else { format!("\"{text}\"") }
}

fn corrupt<E: ToString>(path: &Path) -> impl Fn(E) -> IoError {
    |error| IoError::Corrupt { path: path.to_owned(), format: "spreadsheet", reason: error.to_string() }
}
