//! Writing a sparse matrix as scipy reads it.

use std::io::{self, Write};

use orthant::Csr;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::scalar::little_endian_bytes;
use crate::{Scalar, npy};

/// Writes `v` as `scipy.sparse.save_npz` writes a `csr`: packed, with indices of 32 bits if they suffice.
pub(crate) fn write<T: Scalar>(out: &mut dyn Write, v: &Csr<'_, T>) -> io::Result<()> {
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
    let mut failure = None;
    let mut zip = ZipWriter::new_stream(Latch { out, failure: &mut failure });
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        // an array of 4 GiB or more needs longer sizes
        .large_file(nnz.max(m) >= 1 << 28);
    let mut bytes = Vec::new();

    zip.start_file("indices.npy", options)?;
    npy::write_header(&mut zip, index_type, &format!("({nnz},)"))?;
    for i in 0..m {
        bytes.clear();
        v.row(i).for_each(|(j, _)| index(&mut bytes, j));
        zip.write_all(&bytes)?;
    }
    zip.start_file("indptr.npy", options)?;
    npy::write_header(&mut zip, index_type, &format!("({},)", m + 1))?;
    bytes.clear();
    index(&mut bytes, 0);
    let mut end = 0;
    for i in 0..m {
        end += v.row_nnz(i);
        index(&mut bytes, end);
    }
    zip.write_all(&bytes)?;
    zip.start_file("format.npy", options)?;
    npy::write_header(&mut zip, "|S3", "()")?;
    zip.write_all(b"csr")?;
    zip.start_file("shape.npy", options)?;
    npy::write_header(&mut zip, "<i8", "(2,)")?;
    zip.write_all(&[(m as i64).to_le_bytes(), (n as i64).to_le_bytes()].concat())?;
    zip.start_file("data.npy", options)?;
    npy::write_header(&mut zip, &format!("<f{}", size_of::<T>()), &format!("({nnz},)"))?;
    let mut values = Vec::new();
    for i in 0..m {
        values.clear();
        values.extend(v.row(i).map(|(_, x)| x));
        zip.write_all(&little_endian_bytes(&values))?;
    }
    zip.finish()?;
    failure.map_or(Ok(()), Err)
}

/// Keeps the first failure to itself, and takes everything from then on: the library would complain on standard error
/// when it is dropped with an archive that it could not finish.
struct Latch<'a> {
    out: &'a mut dyn Write,
    failure: &'a mut Option<io::Error>,
}

impl Write for Latch<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failure.is_none()
            && let Err(e) = self.out.write_all(bytes)
        {
            *self.failure = Some(e);
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
