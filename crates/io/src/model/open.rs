//! Opening a safetensors file that may be damaged.

use std::collections::HashMap;
use std::path::Path;

use safetensors::SafeTensors;

use super::check_offsets;
use crate::IoError;

/// The tensors and the metadata of a safetensors file with this content, whatever the content is; `format` names it in errors.
///
/// # Errors
/// [`IoError::Corrupt`].
///
/// ```
/// use orthant_io::{IoError, open_safetensors};
/// let error = open_safetensors(b"no such file", "x".as_ref(), "model").unwrap_err();
/// assert!(matches!(error, IoError::Corrupt { .. }));
/// ```
pub fn open_safetensors<'a>(
    bytes: &'a [u8],
    path: &Path,
    format: &'static str,
) -> Result<(SafeTensors<'a>, HashMap<String, String>), IoError> {
    let corrupt = |reason: String| IoError::Corrupt { path: path.to_owned(), format, reason };
    check_offsets(bytes).map_err(corrupt)?;
    let file = SafeTensors::deserialize(bytes).map_err(|e| corrupt(e.to_string()))?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| corrupt(e.to_string()))?;
    Ok((file, header.metadata().clone().unwrap_or_default()))
}
