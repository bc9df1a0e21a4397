//! Opening a safetensors file that may be damaged.

use std::collections::HashMap;

use safetensors::SafeTensors;

/// The tensors and the metadata of a safetensors file with this content, whatever the content is.
///
/// # Errors
/// What is wrong with it, in words.
///
/// ```
/// use orthant::file::open_safetensors;
/// assert_eq!(open_safetensors(b"short").unwrap_err(), "shorter than 8 bytes");
/// ```
pub fn open_safetensors(bytes: &[u8]) -> Result<(SafeTensors<'_>, HashMap<String, String>), String> {
    check_offsets(bytes)?;
    let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
    Ok((file, header.metadata().clone().unwrap_or_default()))
}

/// Refuses offsets beyond the end of the file, which the library adds up without a check.
fn check_offsets(bytes: &[u8]) -> Result<(), String> {
    #[derive(serde::Deserialize)]
    struct Entry {
        #[serde(default)]
        data_offsets: Vec<u64>,
    }
    let head: [u8; 8] = bytes.get(..8).and_then(|h| h.try_into().ok()).ok_or("shorter than 8 bytes")?;
    let end = usize::try_from(u64::from_le_bytes(head)).ok().and_then(|n| n.checked_add(8));
    let header = end.and_then(|end| bytes.get(8..end)).ok_or("the header ends beyond the file")?;
    let entries: HashMap<String, Entry> =
        serde_json::from_slice(header).map_err(|e| format!("header: {e}"))?;
    let data = (bytes.len() - 8 - header.len()) as u64;
    if entries.values().any(|e| e.data_offsets.iter().any(|&o| o > data)) {
        return Err("cut short: a tensor ends beyond the file".into());
    }
    Ok(())
}
