//! What stands in front of a table: comments, and the two lines that begin a gct file.

use std::path::Path;

use memchr::memchr;

use super::{Delimiter, Layout, Record, Records, is_all_words};
use crate::{Detect, IoError, ReadOptions};

/// The lines in front of a table.
#[derive(Debug, Default)]
pub(super) struct Preamble {
    /// Their bytes.
    pub bytes: usize,
    /// Their number.
    pub lines: u64,
    /// What a gct file says of itself.
    pub gct: Option<Gct>,
    /// The last line, a comment, without its `#`.
    comment: Vec<u8>,
}

/// What the beginning of a gct file says: GenePattern's table of expression.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gct {
    /// Columns of text behind the names of the rows.
    pub descriptions: usize,
    /// Rows of text below the names of the columns.
    pub column_descriptions: usize,
}

impl Preamble {
    /// Of the first lines of a text.
    pub fn of(text: &[u8], path: &Path) -> Result<Self, IoError> {
        let mut preamble = Self::default();
        while let Some(line) = preamble.line(text) {
            let trimmed = line.trim_ascii();
            let version = preamble.lines == 0 && (trimmed == b"#1.2" || trimmed == b"#1.3");
            if !trimmed.is_empty() && !trimmed.starts_with(b"#") {
                break;
            }
            if let Some(comment) = trimmed.strip_prefix(b"#") {
                preamble.comment = comment.to_vec();
            }
            preamble.skip(line, text);
            if version {
                let second = preamble.line(text).unwrap_or_default();
                let sizes: Option<Vec<usize>> = second
                    .split(u8::is_ascii_whitespace)
                    .filter(|size| !size.is_empty())
                    .map(|size| str::from_utf8(size).ok()?.parse().ok())
                    .collect();
                let gct = match sizes.as_deref() {
                    Some([_, _]) if trimmed == b"#1.2" => Gct { descriptions: 1, column_descriptions: 0 },
                    Some(&[_, _, descriptions, column_descriptions])
                        if trimmed == b"#1.3" && descriptions.max(column_descriptions) < text.len() =>
                    {
                        Gct { descriptions, column_descriptions }
                    }
                    _ => {
                        let reason =
                            "line 2 must have the sizes of the table: 2 in version 1.2, 4 in version 1.3"
                                .to_owned();
                        return Err(IoError::Corrupt { path: path.to_owned(), format: "gct", reason });
                    }
                };
                preamble.gct = Some(gct);
                preamble.skip(second, text);
                preamble.comment.clear();
                break;
            }
        }
        Ok(preamble)
    }

    fn line<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        let rest = text.get(self.bytes..).filter(|rest| !rest.is_empty())?;
        Some(&rest[..memchr(b'\n', rest).unwrap_or(rest.len())])
    }

    fn skip(&mut self, line: &[u8], text: &[u8]) {
        self.bytes = (self.bytes + line.len() + 1).min(text.len());
        self.lines += 1;
    }

    /// The names of the columns in the last comment, as QIIME and numpy write them, where the table has none of its own.
    pub fn names_above(
        &self,
        layout: &Layout,
        delimiter: Delimiter,
        options: &ReadOptions,
    ) -> Option<Vec<String>> {
        if layout.header || options.header == Detect::No || delimiter == Delimiter::Blanks || layout.width < 2
        {
            return None;
        }
        let mut records = Records::new(&self.comment, 1, delimiter);
        let mut record = Record::default();
        if !records.next(&mut record)
            || record.len() != layout.width
            || !is_all_words(&record, layout.decimal)
        {
            return None;
        }
        Some(layout.columns.iter().map(|&i| super::word(record.field(i), &mut false)).collect())
    }
}
