//! Writing a sparse matrix as scipy reads it, and arrays as numpy does.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use orthant::{Csr, View, little_endian_bytes};
use rawzip::{CompressionMethod, ZipArchiveWriter};

use super::{NAMES, PRECISION};
use crate::convert::{Entries, Found};
use crate::{Names, Order, Scalar, npy};

/// Writes `v` as `scipy.sparse.save_npz` writes a `csr`: packed, with indices of 32 bits if they suffice.
pub(crate) fn write<T: Scalar>(out: &mut dyn Write, v: &Csr<'_, T>) -> io::Result<()> {
    let mut out = Latch { out, failure: None };
    let written = write_arrays(&mut out, v);
    // the first failure, in its own words
    out.failure.map_or(written, Err)
}

fn write_arrays<T: Scalar>(out: &mut Latch<'_>, v: &Csr<'_, T>) -> io::Result<()> {
    let (m, n, nnz) = (v.nrows(), v.ncols(), v.nnz());
    let wide = m.max(n).max(nnz) > i32::MAX as usize;
    let index = |bytes: &mut Vec<u8>, i: usize| {
        if wide {
            bytes.extend((i as i64).to_le_bytes());
        } else {
            bytes.extend((i as i32).to_le_bytes());
        }
    };
    let index_type = if wide { "<i8" } else { "<i4" };
    let mut zip = ZipArchiveWriter::new(out);
    let mut bytes = Vec::new();

    array(&mut zip, "indices.npy", |out| {
        npy::write_header(out, index_type, &format!("({nnz},)"))?;
        for i in 0..m {
            bytes.clear();
            v.row(i).for_each(|(j, _)| index(&mut bytes, j));
            out.write_all(&bytes)?;
        }
        Ok(())
    })?;
    array(&mut zip, "indptr.npy", |out| {
        npy::write_header(out, index_type, &format!("({},)", m + 1))?;
        bytes.clear();
        index(&mut bytes, 0);
        let mut end = 0;
        for i in 0..m {
            end += v.row_nnz(i);
            index(&mut bytes, end);
        }
        out.write_all(&bytes)
    })?;
    array(&mut zip, "format.npy", |out| {
        npy::write_header(out, "|S3", "()")?;
        out.write_all(b"csr")
    })?;
    array(&mut zip, "shape.npy", |out| {
        npy::write_header(out, "<i8", "(2,)")?;
        out.write_all(&[(m as i64).to_le_bytes(), (n as i64).to_le_bytes()].concat())
    })?;
    array(&mut zip, "data.npy", |out| {
        npy::write_header(out, &format!("<f{}", size_of::<T>()), &format!("({nnz},)"))?;
        let mut values = Vec::new();
        for i in 0..m {
            values.clear();
            values.extend(v.row(i).map(|(_, x)| x));
            out.write_all(&little_endian_bytes(&values))?;
        }
        Ok(())
    })?;
    zip.finish().map_err(io::Error::other)?;
    Ok(())
}

/// Writes arrays by their names, as `numpy.load` reads them.
pub(crate) fn write_named(out: &mut dyn Write, arrays: &[(&str, View<'_, f64>)]) -> io::Result<()> {
    let mut out = Latch { out, failure: None };
    let mut written = || {
        let mut zip = ZipArchiveWriter::new(&mut out);
        for (name, view) in arrays {
            array(&mut zip, &format!("{name}.npy"), |out| npy::write(out, *view))?;
        }
        zip.finish().map_err(io::Error::other).map(drop)
    };
    let written = written();
    // the first failure, in its own words
    out.failure.map_or(written, Err)
}

/// Writes a dense matrix: as an array that is called `matrix`, not packed, with the `names` beside it, or else as a file of its own.
/// Elements are in C order, or `by_columns` in Fortran's; whole numbers take as few bytes as they need.
pub(crate) fn write_dense<T: Scalar>(
    out: &mut dyn Write,
    data: &[T],
    (m, n): (usize, usize),
    by_columns: bool,
    names: Option<Names<'_>>,
) -> io::Result<()> {
    let mut found = Found::default();
    found.add(data);
    let width = found.width();
    let elements = |out: &mut dyn Write| {
        npy::write_header_of(out, &width.descr::<T>(), &format!("({m}, {n})"), by_columns)?;
        let mut bytes = Vec::new();
        for part in data.chunks(1 << 16) {
            width.values(part, &mut bytes);
            out.write_all(&bytes)?;
        }
        Ok(())
    };
    let Some(names) = names else { return elements(out) };
    archive(out, |zip| {
        write_precision::<T>(zip)?;
        plain(zip, "matrix.npy", elements)?;
        write_names(zip, names)
    })
}

/// Writes a sparse matrix as `scipy.sparse.load_npz` reads it, not packed, with the names beside it.
pub(crate) fn write_gathered<T: Scalar>(
    out: &mut dyn Write,
    v: &mut Entries<T>,
    names: Names<'_>,
) -> io::Result<()> {
    let nnz = v.nnz();
    archive(out, |zip| {
        plain(zip, "format.npy", |out| {
            npy::write_header(out, "|S3", "()")?;
            out.write_all(if v.order == Order::RowMajor { b"csr" } else { b"csc" })
        })?;
        plain(zip, "shape.npy", |out| {
            npy::write_header(out, "<i8", "(2,)")?;
            out.write_all(&[(v.nrows as i64).to_le_bytes(), (v.ncols as i64).to_le_bytes()].concat())
        })?;
        plain(zip, "indptr.npy", |out| {
            npy::write_header(out, "<i8", &format!("({},)", v.starts.len()))?;
            v.starts.iter().try_for_each(|&start| out.write_all(&(start as i64).to_le_bytes()))
        })?;
        write_precision::<T>(zip)?;
        write_names(zip, names)?;
        plain(zip, "indices.npy", |out| {
            npy::write_header(out, &v.of_indices.descr::<T>(), &format!("({nnz},)"))?;
            v.write_indices(out)
        })?;
        plain(zip, "data.npy", |out| {
            npy::write_header(out, &v.of_values.descr::<T>(), &format!("({nnz},)"))?;
            v.write_values(out)
        })
    })
}

/// The precision that numbers came in, whatever width they have now.
fn write_precision<T: Scalar>(zip: &mut Zip<'_, '_>) -> io::Result<()> {
    plain(zip, &format!("{PRECISION}.npy"), |out| {
        npy::write_header(out, "|S7", "()")?;
        out.write_all(T::PRECISION.to_string().as_bytes())
    })
}

/// Arrays of words, as numpy writes them: characters of four bytes, and zeros behind the shorter ones.
fn write_names(zip: &mut Zip<'_, '_>, names: Names<'_>) -> io::Result<()> {
    for (name, words) in NAMES.into_iter().zip([names.rows, names.cols]) {
        let Some(words) = words else { continue };
        let longest = words.iter().map(|word| word.chars().count()).max().unwrap_or(0).max(1);
        plain(zip, &format!("{name}.npy"), |out| {
            npy::write_header(out, &format!("<U{longest}"), &format!("({},)", words.len()))?;
            let mut bytes = Vec::new();
            for word in words {
                bytes.clear();
                bytes.extend(word.chars().flat_map(|c| u32::from(c).to_le_bytes()));
                bytes.resize(4 * longest, 0);
                out.write_all(&bytes)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

type Zip<'a, 'b> = ZipArchiveWriter<&'a mut Latch<'b>>;

/// Writes an archive, of which `fill` writes the entries.
fn archive(out: &mut dyn Write, fill: impl FnOnce(&mut Zip<'_, '_>) -> io::Result<()>) -> io::Result<()> {
    let mut out = Latch { out, failure: None };
    let mut zip = ZipArchiveWriter::new(&mut out);
    let written = fill(&mut zip).and_then(|()| zip.finish().map_err(io::Error::other).map(drop));
    // the first failure, in its own words
    out.failure.map_or(written, Err)
}

/// Adds an entry that is not packed, whose bytes `fill` writes.
fn plain(
    zip: &mut Zip<'_, '_>,
    name: &str,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let entry = zip.new_file(name).compression_method(CompressionMethod::STORE).start();
    let (mut entry, config) = entry.map_err(io::Error::other)?;
    let mut out = config.wrap(&mut entry);
    fill(&mut out)?;
    let (_, descriptor) = out.finish().map_err(io::Error::other)?;
    entry.finish(descriptor).map_err(io::Error::other)?;
    Ok(())
}

/// Adds a packed entry, whose bytes `fill` writes.
fn array(
    zip: &mut ZipArchiveWriter<&mut Latch<'_>>,
    name: &str,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let entry = zip.new_file(name).compression_method(CompressionMethod::DEFLATE).start();
    let (mut entry, config) = entry.map_err(io::Error::other)?;
    let mut out = config.wrap(DeflateEncoder::new(&mut entry, Compression::default()));
    fill(&mut out)?;
    let (packed, descriptor) = out.finish().map_err(io::Error::other)?;
    packed.finish()?;
    entry.finish(descriptor).map_err(io::Error::other)?;
    Ok(())
}

/// Keeps the first failure, and takes everything from then on: an encoder that is dropped would write again.
struct Latch<'a> {
    out: &'a mut dyn Write,
    failure: Option<io::Error>,
}

impl Write for Latch<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failure.is_none()
            && let Err(e) = self.out.write_all(bytes)
        {
            self.failure = Some(e);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes some bytes, then fails once, and must not be tried again.
    struct Full {
        room: usize,
        failed: bool,
    }

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            assert!(!self.failed, "written to after a failure");
            if bytes.len() > self.room {
                self.failed = true;
                return Err(io::Error::new(io::ErrorKind::StorageFull, "no space left"));
            }
            self.room -= bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_failure_is_told_wherever_it_comes() {
        let v = Csr::<f64>::new(2, 3, vec![0, 1, 2], vec![0_u32, 2], vec![1.0, 2.0]).unwrap();
        let mut whole = Vec::new();
        write(&mut whole, &v).unwrap();
        for room in 0..whole.len() {
            let error = write(&mut Full { room, failed: false }, &v).unwrap_err();
            assert_eq!(error.to_string(), "no space left", "{room}");
        }
        write(&mut Full { room: whole.len(), failed: false }, &v).unwrap();
    }
}
