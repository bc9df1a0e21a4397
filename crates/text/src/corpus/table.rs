//! A column of a csv or tsv file.

use std::path::Path;

use super::records::Records;
use super::{Column, Document, ReadOptions};
use crate::TextError;

/// Reads a document from each row.
pub(super) fn read(
    path: &Path,
    delimiter: u8,
    options: &ReadOptions,
    documents: &mut Vec<Document>,
) -> Result<(), TextError> {
    let mut records = Records::open(path, delimiter)?;
    if !records.advance()? {
        return Ok(());
    }
    let columns = records.len();
    let header: Option<Vec<String>> = match options.header {
        true => Some((0..columns).map(|j| records.field(j)).collect::<Result<_, _>>()?),
        false => None,
    };
    let available = || header.clone().unwrap_or_else(|| (0..columns).map(|j| j.to_string()).collect());
    let find = |column: &Column| {
        column.find(header.as_deref(), columns).ok_or_else(|| TextError::NoSuchColumn {
            path: path.to_owned(),
            column: column.clone(),
            available: available(),
        })
    };
    let Some(column) = &options.column else {
        return Err(TextError::ColumnNeeded { path: path.to_owned(), available: available() });
    };
    let (text, name) = (find(column)?, options.name_column.as_ref().map(find).transpose()?);
    let mut more = !options.header || records.advance()?;
    let mut number = 0_usize;
    while more {
        let name = name.map_or_else(|| Ok(number.to_string()), |j| records.field(j))?;
        documents.push(Document { name, text: records.field(text)? });
        number += 1;
        more = records.advance()?;
    }
    Ok(())
}
