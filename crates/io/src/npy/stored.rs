//! The elements of an array that stay in their file until they are needed.

use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::decode::{convert, is_as_in_memory};
use super::header::{Header, Kind};
use crate::at::{read_exact_at, read_soon};
use crate::{IoError, Place, Scalar};

/// Bytes that are converted at a time: what a [reader](orthant::ReadLines::read) may take.
const CONVERTED: usize = 1 << 16;

/// Bytes that the system is asked to fetch ahead of a reader.
const AHEAD: u64 = 8 << 20;

/// What a change to a file changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    pub fn of(meta: &Metadata) -> Self {
        Self { len: meta.len(), modified: meta.modified().ok() }
    }

    /// Refuses a file that is not as it was: bytes that were written over while they were read are none of this file.
    pub fn unchanged(self, file: &File, path: &Path) -> Result<(), IoError> {
        let now = Self::of(&file.metadata().map_err(IoError::read(path))?);
        match self {
            was if now == was => Ok(()),
            was if now.len < was.len => {
                let (expected, found) = (was.len, now.len);
                Err(IoError::Truncated { path: path.to_owned(), expected, found })
            }
            _ => Err(IoError::Changed { path: path.to_owned() }),
        }
    }
}

/// An array in a file.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    file: Arc<File>,
    /// That of the file, and of the array in it, for messages.
    path: PathBuf,
    array: PathBuf,
    header: Header,
    /// The file as it was when it was opened.
    was: Stamp,
}

impl Stored {
    /// The elements behind `header`, whose offset is from the beginning of the file. Messages about the elements call them `array`.
    pub fn new(file: Arc<File>, header: Header, path: &Path, array: &Path) -> Result<Self, IoError> {
        let meta = file.metadata().map_err(IoError::read(path))?;
        header.check(Some(meta.len()), array)?;
        let was = Stamp::of(&meta);
        Ok(Self { file, path: path.to_owned(), array: array.to_owned(), header, was })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn too_large(&self) -> IoError {
        self.header.too_large(&self.array)
    }

    /// Elements.
    pub fn len(&self) -> usize {
        self.header.size().map_or(0, |(count, _)| count)
    }

    /// The elements from `first` on, as many as `out` holds; `place` says where one of them stands.
    pub fn elements<T: Scalar>(
        &self,
        first: usize,
        out: &mut [T],
        place: impl Fn(usize) -> Place,
    ) -> Result<(), IoError> {
        if is_as_in_memory::<T>(&self.header) {
            self.bytes(first, bytemuck::cast_slice_mut(out))?;
        } else {
            self.converted(first, out, |start, bytes, out| {
                convert(bytes, &self.header, out).map_err(|(at, unfit)| unfit.at::<T>(place(start + at)))
            })?;
        }
        self.was.unchanged(&self.file, &self.path)
    }

    /// The same of integers that are indices.
    pub fn indices(&self, first: usize, out: &mut [u32]) -> Result<(), IoError> {
        let Header { kind, big_endian, .. } = self.header;
        let native = cfg!(target_endian = "big") == big_endian;
        if native && matches!(kind, Kind::Int(4) | Kind::Uint(4)) {
            self.bytes(first, bytemuck::cast_slice_mut(out))?;
            let largest = out.iter().fold(0, |largest, &i| largest.max(i));
            if kind == Kind::Int(4) && largest > i32::MAX as u32 {
                let at = out.iter().position(|&i| i > i32::MAX as u32).unwrap_or(0);
                return Err(self.no_index(first + at, i128::from(out[at] as i32)));
            }
        } else {
            self.converted(first, out, |start, bytes, out| self.widen(start, bytes, out))?;
        }
        self.was.unchanged(&self.file, &self.path)
    }

    fn widen(&self, first: usize, bytes: &mut [u8], out: &mut [u32]) -> Result<(), IoError> {
        if self.header.big_endian {
            bytes.chunks_exact_mut(self.header.width()).for_each(<[u8]>::reverse);
        }
        macro_rules! each {
            ($t:ty) => {
                for (at, (to, &b)) in
                    out.iter_mut().zip(bytes.as_chunks::<{ size_of::<$t>() }>().0).enumerate()
                {
                    let x = <$t>::from_le_bytes(b);
                    *to = u32::try_from(x).map_err(|_| self.no_index(first + at, x.into()))?;
                }
            };
        }
        match self.header.kind {
            Kind::Int(1) => each!(i8),
            Kind::Int(2) => each!(i16),
            Kind::Int(4) => each!(i32),
            Kind::Int(_) => each!(i64),
            Kind::Uint(4) => each!(u32),
            Kind::Uint(8) => each!(u64),
            // these fit, so that several are converted at a time
            Kind::Uint(2) => {
                let pairs = out.iter_mut().zip(bytes.as_chunks::<2>().0);
                pairs.for_each(|(to, &b)| *to = u16::from_le_bytes(b).into());
            }
            Kind::Uint(_) => out.iter_mut().zip(bytes).for_each(|(to, &mut b)| *to = b.into()),
            Kind::Bool | Kind::Float(_) => {
                let reason = "these must be integers".to_owned();
                return Err(IoError::Corrupt { path: self.array.clone(), format: "npy", reason });
            }
        }
        Ok(())
    }

    fn no_index(&self, at: usize, index: i128) -> IoError {
        let reason = format!("element {at} is {index}");
        IoError::Corrupt { path: self.array.clone(), format: "npy", reason }
    }

    /// Reads the elements from `first` on, some at a time, for `of(first of them, their bytes, out)` to convert.
    fn converted<E>(
        &self,
        first: usize,
        out: &mut [E],
        of: impl Fn(usize, &mut [u8], &mut [E]) -> Result<(), IoError>,
    ) -> Result<(), IoError> {
        let width = self.header.width();
        let together = (CONVERTED / width).min(out.len()).max(1);
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(together * width).map_err(|_| self.too_large())?;
        buffer.resize(together * width, 0);
        for (i, out) in out.chunks_mut(together).enumerate() {
            let (start, bytes) = (first + i * together, &mut buffer[..out.len() * width]);
            self.bytes(start, bytes)?;
            of(start, bytes, out)?;
        }
        Ok(())
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

/// The same elements of one file.
impl PartialEq for Stored {
    fn eq(&self, other: &Self) -> bool {
        (&self.path, &self.header, self.was) == (&other.path, &other.header, other.was)
    }
}
