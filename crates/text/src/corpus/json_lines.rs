//! A field of the JSON objects in a file, one a line.

use std::path::Path;

use serde_json::{Map, Value};

use super::plain::Input;
use super::{Column, Document, ReadOptions};
use crate::TextError;

/// Reads a document from each line that is not empty.
pub(super) fn read(
    path: &Path,
    options: &ReadOptions,
    documents: &mut Vec<Document>,
) -> Result<(), TextError> {
    let mut input = Input::open(path)?;
    let text_field = options.column.as_ref().map(Column::field);
    let name_field = options.name_column.as_ref().map(Column::field);
    let (mut raw, mut line, mut number) = (Vec::new(), 0, 0_usize);
    loop {
        raw.clear();
        if input.read_line(&mut raw, path)? == 0 {
            return Ok(());
        }
        line += 1;
        // a byte order mark is no JSON
        let bytes = raw.strip_prefix(b"\xef\xbb\xbf").filter(|_| line == 1).unwrap_or(&raw);
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let object = Object::parse(bytes, path, line)?;
        let Some(field) = &text_field else {
            let available = object.fields.keys().cloned().collect();
            return Err(TextError::ColumnNeeded { path: path.to_owned(), available });
        };
        let text = match object.get(field)? {
            Value::String(text) => text.clone(),
            other => return Err(object.wrong(field, other, "a string")),
        };
        let name = match &name_field {
            None => number.to_string(),
            Some(field) => match object.get(field)? {
                Value::String(name) => name.clone(),
                Value::Number(name) => name.to_string(),
                other => return Err(object.wrong(field, other, "a string or a number")),
            },
        };
        documents.push(Document { name, text });
        number += 1;
    }
}

/// The object on a line.
struct Object<'a> {
    path: &'a Path,
    line: u64,
    fields: Map<String, Value>,
}

impl<'a> Object<'a> {
    fn parse(bytes: &[u8], path: &'a Path, line: u64) -> Result<Self, TextError> {
        let text = str::from_utf8(bytes).map_err(|_| TextError::NotUtf8 { path: path.to_owned(), line })?;
        let not_json = |reason: String| TextError::NotJson { path: path.to_owned(), line, reason };
        match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => Ok(Self { path, line, fields }),
            Ok(other) => Err(not_json(format!("it is {}", kind(&other)))),
            Err(e) => Err(not_json(format!("{e}"))),
        }
    }

    fn get(&self, field: &str) -> Result<&Value, TextError> {
        self.fields.get(field).ok_or_else(|| TextError::NoSuchField {
            path: self.path.to_owned(),
            line: self.line,
            field: field.to_owned(),
            available: self.fields.keys().cloned().collect(),
        })
    }

    fn wrong(&self, field: &str, value: &Value, allowed: &'static str) -> TextError {
        let (path, field) = (self.path.to_owned(), field.to_owned());
        TextError::FieldType { path, line: self.line, field, found: kind(value), allowed }
    }
}

/// What a value is, for messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
