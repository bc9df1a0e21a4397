//! Opening a safetensors file that may be damaged.

use std::collections::HashMap;
use std::path::Path;

use safetensors::SafeTensors;

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
    orthant::file::open_safetensors(bytes).map_err(|reason| IoError::Corrupt {
        path: path.to_owned(),
        format,
        reason,
    })
}
