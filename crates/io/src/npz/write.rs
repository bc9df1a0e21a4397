//! Writing a sparse matrix as scipy reads it, and arrays as numpy does.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use orthant::{Csr, View, little_endian_bytes};
use rawzip::{CompressionMethod, ZipArchiveWriter};

use crate::{Scalar, npy};

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
