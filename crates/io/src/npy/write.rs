//! Writing an npy file.

use std::io::{self, Write};

use orthant::{View, little_endian_bytes};

use crate::Scalar;

/// Writes `view` in C order, little-endian.
pub(crate) fn write<T: Scalar>(out: &mut dyn Write, view: View<'_, T>) -> io::Result<()> {
    let (m, n) = (view.nrows(), view.ncols());
    write_header(out, &format!("<f{}", size_of::<T>()), &format!("({m}, {n})"))?;
    let mut gathered = Vec::new();
    for i in 0..m {
        match view.row(i) {
            Some(row) => out.write_all(&little_endian_bytes(row))?,
            None => {
                gathered.clear();
                gathered.extend((0..n).map(|j| view.at(i, j)));
                out.write_all(&little_endian_bytes(&gathered))?;
            }
        }
    }
    Ok(())
}

/// Writes the header of an array in C order, in format version 1.0. `shape` is a tuple as Python writes it.
pub(crate) fn write_header(out: &mut dyn Write, descr: &str, shape: &str) -> io::Result<()> {
    write_header_of(out, descr, shape, false)
}

/// The same of an array in C order, or `by_columns` in Fortran's.
pub(crate) fn write_header_of(
    out: &mut dyn Write,
    descr: &str,
    shape: &str,
    by_columns: bool,
) -> io::Result<()> {
    let fortran = if by_columns { "True" } else { "False" };
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
    // magic, version, length, header and a newline fill a multiple of 64 bytes
    let total = (10 + header.len() + 1).next_multiple_of(64);
    header.extend(std::iter::repeat_n(' ', total - 10 - header.len() - 1));
    header.push('\n');
    out.write_all(b"\x93NUMPY\x01\x00")?;
    let length = u16::try_from(header.len()).expect("two numbers of 64 bits are short");
    out.write_all(&length.to_le_bytes())?;
    out.write_all(header.as_bytes())
}
