//! Writing csv and tsv.

use std::io::{self, Write};

use orthant::View;

use super::shortest;
use crate::{Names, Scalar};

/// Writes a matrix with the fewest digits that read back as the same numbers. With both kinds of names the corner
/// is empty.
pub(super) fn write<T: Scalar>(
    out: &mut dyn Write,
    delimiter: u8,
    view: View<'_, T>,
    names: Names<'_>,
) -> io::Result<()> {
    assert!(names.rows.is_none_or(|n| n.len() == view.nrows()), "a name for each row");
    assert!(names.cols.is_none_or(|n| n.len() == view.ncols()), "a name for each column");
    let mut csv = csv::WriterBuilder::new().delimiter(delimiter).flexible(true).from_writer(out);
    if let Some(cols) = names.cols {
        if names.rows.is_some() {
            csv.write_field("").map_err(of_the_writer)?;
        }
        for name in cols {
            csv.write_field(name).map_err(of_the_writer)?;
        }
        csv.write_record(None::<&[u8]>).map_err(of_the_writer)?;
    }
    let mut number = String::new();
    for i in 0..view.nrows() {
        if let Some(rows) = names.rows {
            csv.write_field(&rows[i]).map_err(of_the_writer)?;
        }
        for j in 0..view.ncols() {
            number.clear();
            shortest(&mut number, view.at(i, j));
            csv.write_field(&number).map_err(of_the_writer)?;
        }
        csv.write_record(None::<&[u8]>).map_err(of_the_writer)?;
    }
    csv.flush()
}

/// The writer's own error, of its own kind: a reader that has gone away is not a failure to everyone.
fn of_the_writer(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
