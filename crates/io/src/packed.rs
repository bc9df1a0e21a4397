//! Files that hold another file: unpacked while they are read.

#[cfg(feature = "packed")]
mod others;

use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::IoError;
#[cfg(not(feature = "packed"))]
use crate::absent::others;
use crate::format::Packing;

/// What a packed file holds.
pub(crate) fn unpack<'a>(
    packing: Packing,
    input: Box<dyn BufRead + 'a>,
    path: &Path,
) -> Result<Box<dyn BufRead + 'a>, IoError> {
    match packing {
        Packing::Gzip => Ok(Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(input)))),
        _ => others::unpack(packing, input, path),
    }
}
