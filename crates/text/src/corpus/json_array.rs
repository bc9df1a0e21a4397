//! The strings of a JSON array, or a field of its objects.

use std::io::Read;
use std::path::Path;

use serde_json::Value;

use super::json_lines::kind;
use super::plain::{self, Input};
use super::{Column, Document, ReadOptions};
use crate::TextError;

/// Reads a document from each element.
pub(super) fn read(
    path: &Path,
    options: &ReadOptions,
    documents: &mut Vec<Document>,
) -> Result<(), TextError> {
    let mut input = Input::open(path)?;
    let mut bytes = Vec::new();
    input.reader.read_to_end(&mut bytes).map_err(|source| input.error(path, source))?;
    let text = plain::utf8(bytes, path)?;
    let no_array = |reason: String| TextError::NotJsonArray { path: path.to_owned(), reason };
    // a byte order mark is no JSON
    let elements = match serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(&text)) {
        Ok(Value::Array(elements)) => elements,
        Ok(other) => return Err(no_array(format!("it is {}", kind(&other)))),
        Err(e) => return Err(no_array(e.to_string())),
    };
    let column = |column: &Option<Column>| column.as_ref().map(Column::field);
    let (text_field, name_field) = (column(&options.column), column(&options.name_column));
    for (number, element) in elements.into_iter().enumerate() {
        let wrong =
            |reason: String| TextError::JsonElement { path: path.to_owned(), element: number, reason };
        let document = match (element, &text_field) {
            (Value::String(text), None) if name_field.is_none() => {
                Document { name: number.to_string(), text }
            }
            (Value::String(_), _) => {
                return Err(wrong("it is a string, which has no fields to be named".into()));
            }
            (Value::Object(fields), None) => {
                let available = fields.keys().cloned().collect();
                return Err(TextError::ColumnNeeded { path: path.to_owned(), available });
            }
            (Value::Object(mut fields), Some(text_field)) => {
                let name = match name_field.as_ref().map(|field| (field, fields.get(field))) {
                    None => number.to_string(),
                    Some((_, Some(Value::String(name)))) => name.clone(),
                    Some((_, Some(Value::Number(name)))) => name.to_string(),
                    Some((field, None)) => return Err(wrong(format!("it has no field {field:?}"))),
                    Some((field, Some(other))) => {
                        let found = kind(other);
                        return Err(wrong(format!("field {field:?} is {found}, not a string or a number")));
                    }
                };
                match fields.remove(text_field) {
                    Some(Value::String(text)) => Document { name, text },
                    None => return Err(wrong(format!("it has no field {text_field:?}"))),
                    Some(other) => {
                        return Err(wrong(format!("field {text_field:?} is {}, not a string", kind(&other))));
                    }
                }
            }
            (other, _) => return Err(wrong(format!("it is {}, not a string or an object", kind(&other)))),
        };
        documents.push(document);
    }
    Ok(())
}
