//! An npy file whose elements stay where they are until they are needed.

use std::fmt;
use std::fs::{File, Metadata};
use std::marker::PhantomData;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use orthant::{Error, OutOfCore, ReadLines};

use super::decode::{CHUNK, convert, is_as_in_memory};
use super::header::Header;
use crate::at::{read_exact_at, read_soon};
use crate::{Fingerprint, IoError, Order, Place, Scalar, Table};

/// A dense matrix in an npy file, of which lines are read when they are needed: rows, or columns in Fortran order.
///
/// Elements have their own width in the file, whatever `T` is. A file that is changed or cut short meanwhile is an error.
///
/// ```
/// use orthant::{Dense, Nmf};
/// use orthant_io::{AnyTable, ReadOptions, Source, write_matrix};
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("v.npy");
/// let v = Dense::from_fn(50, 8, |i, j| ((i * j) % 5) as f32);
/// write_matrix(&path, v.view(), Default::default())?;
///
/// let table = Source::open(&path, &ReadOptions::default())?.read_within::<f32>(0)?;
/// assert!(matches!(table, AnyTable::OutOfCore(_)), "more than 0 bytes");
/// assert_eq!(Nmf::new(2).fit(&table)?.w, Nmf::new(2).fit(&v)?.w);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct NpyLines<T> {
    file: Arc<File>,
    path: PathBuf,
    header: Header,
    nrows: usize,
    ncols: usize,
    order: Order,
    /// The file as it was when it was opened.
    was: Stamp,
    element: PhantomData<fn() -> T>,
}

/// Bytes that are converted at a time: what a [reader](ReadLines::read) may take.
const CONVERTED: usize = 1 << 16;

/// Bytes that the system is asked to fetch ahead of a reader.
const AHEAD: u64 = 8 << 20;

/// What a change to a file changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(meta: &Metadata) -> Self {
        Self { len: meta.len(), modified: meta.modified().ok() }
    }
}

impl<T> NpyLines<T> {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of rows.
    pub fn nrows(&self) -> usize {
        self.nrows
    }

    /// Number of columns.
    pub fn ncols(&self) -> usize {
        self.ncols
    }

    /// How the elements follow one another.
    pub fn order(&self) -> Order {
        self.order
    }

    /// Rows for columns and columns for rows. Moves no element.
    #[must_use]
    pub fn transposed(self) -> Self {
        let (nrows, ncols, order) = (self.ncols, self.nrows, self.order.transposed());
        Self { nrows, ncols, order, ..self }
    }

    /// Where an element stands.
    pub fn locate(&self, row: usize, col: usize) -> Place {
        Place::of(&self.path, row, col)
    }
}

impl<T: Scalar> NpyLines<T> {
    /// The elements behind `header` in a file.
    pub(crate) fn new(file: File, header: Header, path: PathBuf) -> Result<Self, IoError> {
        let meta = file.metadata().map_err(IoError::read(&path))?;
        header.check(Some(meta.len()), &path)?;
        let (rows, cols) = header.sides(&path)?;
        let sides = (usize::try_from(rows), usize::try_from(cols));
        let (Ok(nrows), Ok(ncols)) = sides else { return Err(header.too_large(&path)) };
        let (was, order) = (Stamp::of(&meta), header.order);
        let file = Arc::new(file);
        Ok(Self { file, path, header, nrows, ncols, order, was, element: PhantomData })
    }

    /// The fingerprint of its elements: that of the same table in memory.
    ///
    /// # Errors
    /// Whatever keeps the file from being read.
    pub fn fingerprint(&self) -> Result<Fingerprint, IoError> {
        let found = Fingerprint::of(&OutOfCore::new(self))?;
        // a single line lies in both orders
        Ok(Fingerprint { order: self.order, ..found })
    }

    /// All of it, in memory.
    ///
    /// # Errors
    /// [`IoError::TooLarge`] if there is no memory for it, and whatever keeps the file from being read.
    pub fn load(&self) -> Result<Table<T>, IoError> {
        let mut data = Vec::new();
        data.try_reserve_exact(self.nrows * self.ncols).map_err(|_| self.header.too_large(&self.path))?;
        self.each(|part| data.extend_from_slice(part))?;
        let mut table = Table::new(data, self.nrows, self.ncols, self.order).expect("all elements were read");
        table.path.clone_from(&self.path);
        Ok(table)
    }

    /// Number of lines, and elements of one.
    fn lines(&self) -> (usize, usize) {
        match self.order {
            Order::RowMajor => (self.nrows, self.ncols),
            Order::ColMajor => (self.ncols, self.nrows),
        }
    }

    /// All elements in the file's order, some at a time.
    fn each(&self, mut f: impl FnMut(&[T])) -> Result<(), IoError> {
        let (lines, line) = self.lines();
        let together = (CHUNK / size_of::<T>() / line.max(1)).max(1);
        let mut part = vec![T::ZERO; together.min(lines) * line];
        for start in (0..lines).step_by(together) {
            let range = start..lines.min(start + together);
            let part = &mut part[..range.len() * line];
            self.elements(range, part)?;
            f(part);
        }
        Ok(())
    }

    fn elements(&self, lines: Range<usize>, out: &mut [T]) -> Result<(), IoError> {
        let (line, width) = (self.lines().1, self.header.width());
        let first = lines.start * line;
        if is_as_in_memory::<T>(&self.header) {
            self.bytes(first, bytemuck::cast_slice_mut(out))?;
        } else {
            let together = (CONVERTED / width).min(out.len());
            let mut buffer = Vec::new();
            buffer.try_reserve_exact(together * width).map_err(|_| self.header.too_large(&self.path))?;
            buffer.resize(together * width, 0_u8);
            for (i, out) in out.chunks_mut(together.max(1)).enumerate() {
                let (start, bytes) = (first + i * together, &mut buffer[..out.len() * width]);
                self.bytes(start, bytes)?;
                if let Err((at, unfit)) = convert(bytes, &self.header, out) {
                    let (across, along) = ((start + at) / line, (start + at) % line);
                    let place = match self.order {
                        Order::RowMajor => self.locate(across, along),
                        Order::ColMajor => self.locate(along, across),
                    };
                    return Err(unfit.at::<T>(place));
                }
            }
        }
        // bytes that were written over while they were read are none of this file
        let now = Stamp::of(&self.file.metadata().map_err(IoError::read(&self.path))?);
        match self.was {
            was if now == was => Ok(()),
            was if now.len < was.len => Err(self.truncated(now.len)),
            _ => Err(IoError::Changed { path: self.path.clone() }),
        }
    }

    fn truncated(&self, found: u64) -> IoError {
        IoError::Truncated { path: self.path.clone(), expected: self.was.len, found }
    }

    /// The bytes from an element on.
    fn bytes(&self, first: usize, out: &mut [u8]) -> Result<(), IoError> {
        let at = self.header.offset + (first * self.header.width()) as u64;
        let got = read_exact_at(&self.file, out, at).map_err(IoError::read(&self.path))?;
        let (end, part) = (at + out.len() as u64, AHEAD / 2);
        // of two parts ahead the farther one is asked for where the nearer one begins
        if at / part != end / part {
            read_soon(&self.file, (end / part + 1) * part, part);
        }
        if got < out.len() {
            return Err(self.truncated(at + got as u64));
        }
        Ok(())
    }
}

impl<T: Scalar> ReadLines<T> for NpyLines<T> {
    fn nrows(&self) -> usize {
        self.nrows
    }

    fn ncols(&self) -> usize {
        self.ncols
    }

    fn by_columns(&self) -> bool {
        self.order == Order::ColMajor
    }

    fn read(&self, lines: Range<usize>, out: &mut [T]) -> Result<(), Error> {
        self.elements(lines, out).map_err(|error| Error::Unreadable { reason: error.to_string() })
    }
}

/// The same elements of one file in one layout.
impl<T> PartialEq for NpyLines<T> {
    fn eq(&self, other: &Self) -> bool {
        let of = |lines: &Self| (lines.nrows, lines.ncols, lines.order, lines.was);
        self.path == other.path && self.header == other.header && of(self) == of(other)
    }
}

impl<T> fmt::Debug for NpyLines<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NpyLines")
            .field("path", &self.path)
            .field("nrows", &self.nrows)
            .field("ncols", &self.ncols)
            .finish_non_exhaustive()
    }
}
