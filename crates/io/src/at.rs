//! Reading a file at a place, by several threads at the same time.

use std::fs::File;
use std::io::{Error, ErrorKind};

/// Fills `out` with what stands from `at` on; how many bytes there were.
pub(crate) fn read_exact_at(file: &File, out: &mut [u8], at: u64) -> Result<usize, Error> {
    let mut filled = 0;
    while filled < out.len() {
        match read_at(file, &mut out[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Tells the system that the bytes from `at` on are read next, so that it fetches them meanwhile. It may do so or not.
#[cfg(target_os = "linux")]
pub(crate) fn read_soon(file: &File, at: u64, len: u64) {
    if let Some(len) = std::num::NonZeroU64::new(len) {
        rustix::fs::fadvise(file, at, Some(len), rustix::fs::Advice::WillNeed).unwrap_or_default();
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn read_soon(_: &File, _: u64, _: u64) {}

#[cfg(unix)]
fn read_at(file: &File, out: &mut [u8], at: u64) -> Result<usize, Error> {
    std::os::unix::fs::FileExt::read_at(file, out, at)
}

#[cfg(windows)]
fn read_at(file: &File, out: &mut [u8], at: u64) -> Result<usize, Error> {
    std::os::windows::fs::FileExt::seek_read(file, out, at)
}

#[cfg(not(any(unix, windows)))]
fn read_at(_: &File, _: &mut [u8], _: u64) -> Result<usize, Error> {
    Err(Error::new(ErrorKind::Unsupported, "files cannot be read at a place on this system"))
}
