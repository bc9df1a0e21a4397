//! Writing a matrix as JSON.

use std::io::{self, Write};

use orthant::View;

use super::shortest;
use crate::Scalar;

/// A list of rows, one on a line. Numbers that JSON lacks (NaN, infinities) become null.
pub(super) fn write<T: Scalar>(out: &mut dyn Write, view: View<'_, T>) -> io::Result<()> {
    let mut line = String::new();
    for i in 0..view.nrows() {
        line.clear();
        line.push_str(if i == 0 { "[\n[" } else { ",\n[" });
        for j in 0..view.ncols() {
            if j > 0 {
                line.push(',');
            }
            let x = view.at(i, j);
            if x.is_finite() { shortest(&mut line, x) } else { line.push_str("null") }
        }
        line.push(']');
        out.write_all(line.as_bytes())?;
    }
    out.write_all(if view.nrows() == 0 { b"[]\n" } else { b"\n]\n" })
}
