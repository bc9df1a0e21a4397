//! The lines of a sparse matrix, gathered in files.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use orthant::{Csr, SparseError, Values, little_endian_bytes};

use super::width::{Found, Width};
use crate::read::read_up_to;
#[cfg(feature = "h5")]
use crate::sparse::check_starts;
use crate::{IoError, Order, Remark, Scalar};

/// Entries that are tidied together, at least, but for those of one line; and that are copied together.
const TOGETHER: usize = 1 << 16;

/// What has been read of a sparse matrix: its lines, and the names of its rows and columns.
pub(crate) struct Lines<T> {
    pub gather: Gather<T>,
    pub rows: Option<Vec<String>>,
    pub cols: Option<Vec<String>>,
    pub remarks: Vec<Remark>,
}

impl<T> Lines<T> {
    /// Rows for columns and columns for rows.
    pub fn transposed(self) -> Self {
        let Self { mut gather, rows, cols, remarks } = self;
        gather.order = gather.order.transposed();
        (gather.nrows, gather.ncols) = (gather.ncols, gather.nrows);
        Self { gather, rows: cols, cols: rows, remarks }
    }
}

/// Lines that come one after another, in order or not.
pub(crate) struct Gather<T> {
    order: Order,
    nrows: usize,
    ncols: usize,
    /// Where each line begins, and where the last one so far ends.
    starts: Vec<usize>,
    indices: BufWriter<File>,
    values: BufWriter<File>,
    found: Found,
    /// Those of a line.
    bytes: Vec<u8>,
    /// The file that is to be, for messages.
    path: PathBuf,
    element: std::marker::PhantomData<T>,
}

/// Lines that have been gathered, to be written.
pub(crate) struct Entries<T> {
    pub order: Order,
    pub nrows: usize,
    pub ncols: usize,
    pub starts: Vec<usize>,
    pub of_indices: Width,
    pub of_values: Width,
    indices: BufReader<File>,
    values: BufReader<File>,
    element: std::marker::PhantomData<T>,
}

impl<T: Scalar> Gather<T> {
    /// For a matrix of this shape that is to be written to `path`, beside which the entries are kept meanwhile.
    pub fn new(order: Order, (nrows, ncols): (usize, usize), path: &Path) -> Result<Self, IoError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = || tempfile::tempfile_in(folder).map(BufWriter::new).map_err(IoError::write(path));
        Ok(Self {
            order,
            nrows,
            ncols,
            starts: vec![0],
            indices: file()?,
            values: file()?,
            found: Found::default(),
            bytes: Vec::new(),
            path: path.to_owned(),
            element: std::marker::PhantomData,
        })
    }

    /// Whether its lines are rows or columns.
    pub fn order(&self) -> Order {
        self.order
    }

    /// Rows and columns.
    pub fn shape(&self) -> (usize, usize) {
        (self.nrows, self.ncols)
    }

    /// Entries so far.
    pub fn nnz(&self) -> usize {
        self.starts[self.starts.len() - 1]
    }

    /// How many lines there are to be, and how long they are.
    fn lines(&self) -> (usize, usize) {
        match self.order {
            Order::RowMajor => (self.nrows, self.ncols),
            Order::ColMajor => (self.ncols, self.nrows),
        }
    }

    /// Appends a line, whose indices ascend, without zeros.
    pub fn line(&mut self, indices: &[u32], values: &[T]) -> Result<(), IoError> {
        Width::U32.indices(indices, &mut self.bytes);
        self.indices.write_all(&self.bytes).map_err(IoError::write(&self.path))?;
        self.values.write_all(&little_endian_bytes(values)).map_err(IoError::write(&self.path))?;
        self.found.add(values);
        self.starts.push(self.nnz() + values.len());
        Ok(())
    }

    /// Appends the rows of a matrix as lines.
    pub fn lines_of(&mut self, lines: &Csr<'_, T>) -> Result<(), IoError> {
        let (mut indices, mut values) = (Vec::new(), Vec::new());
        for i in 0..lines.nrows() {
            indices.clear();
            values.clear();
            lines.row(i).for_each(|(j, x)| {
                indices.push(j as u32);
                values.push(x);
            });
            self.line(&indices, &values)?;
        }
        Ok(())
    }

    /// Appends lines whose entries are in no order, of a file of kind `format` at `from`; `starts` says where they begin among the
    /// entries.
    fn untidy(
        &mut self,
        starts: &[usize],
        indices: &[u32],
        values: &[T],
        (format, from): (&'static str, &Path),
    ) -> Result<(), IoError> {
        let (nrows, ncols) = (self.nrows as u64, self.ncols as u64);
        let first = self.starts.len() - 1;
        let relative: Vec<usize> = starts.iter().map(|start| start - starts[0]).collect();
        let lines = Csr::<T>::new(starts.len() - 1, self.lines().1, relative, indices, Values::real(values));
        let lines = lines.map_err(|error| match error {
            SparseError::TooLarge { .. } => {
                IoError::TooLarge { path: from.to_owned(), rows: nrows, cols: ncols }
            }
            // counted from the first of these lines
            SparseError::Index { line, entry, index, bound } => {
                let (line, entry) = (first + line, starts[0] + entry);
                let error = SparseError::Index { line, entry, index, bound };
                IoError::Corrupt { path: from.to_owned(), format, reason: error.to_string() }
            }
            error => IoError::Corrupt { path: from.to_owned(), format, reason: error.to_string() },
        })?;
        self.lines_of(&lines)
    }

    /// Appends all lines. `offsets` says where each of them begins; `next(count, indices, values)` appends the `count` entries that
    /// follow.
    #[cfg(feature = "h5")]
    pub fn all(
        &mut self,
        offsets: &[usize],
        format: (&'static str, &Path),
        mut next: impl FnMut(usize, &mut Vec<u32>, &mut Vec<T>) -> Result<(), IoError>,
    ) -> Result<(), IoError> {
        let corrupt =
            |reason: String| IoError::Corrupt { path: format.1.to_owned(), format: format.0, reason };
        let lines = self.lines().0;
        check_starts(offsets, lines).map_err(corrupt)?;
        let (mut indices, mut values) = (Vec::new(), Vec::new());
        let mut first = 0;
        while first < lines {
            let most = offsets[first] + TOGETHER;
            let end =
                offsets.partition_point(|&start| start <= most).saturating_sub(1).clamp(first + 1, lines);
            let count = offsets[end] - offsets[first];
            indices.clear();
            values.clear();
            next(count, &mut indices, &mut values)?;
            if indices.len() != count || values.len() != count {
                let found = format!("{} indices and {} values", indices.len(), values.len());
                return Err(corrupt(format!("{found} where the offsets (indptr) say {count}")));
            }
            self.untidy(&offsets[first..=end], &indices, &values, format)?;
            first = end;
        }
        Ok(())
    }

    /// Lines up to the last are empty.
    fn fill_up(&mut self) {
        let (lines, end) = (self.lines().0, self.nnz());
        self.starts.resize(lines + 1, end);
    }

    /// Appends an entry of what comes by lines in ascending order, kept in `pending` until its line is over.
    pub fn entry(
        &mut self,
        pending: &mut (Vec<u32>, Vec<T>),
        (line, index, value): (usize, u32, T),
        format: (&'static str, &Path),
    ) -> Result<(), IoError> {
        let at = self.starts.len() - 1;
        if line > at {
            self.end_line(pending, format)?;
            let end = self.nnz();
            self.starts.resize(line + 1, end);
        }
        pending.0.push(index);
        pending.1.push(value);
        Ok(())
    }

    /// Ends the line whose entries are pending.
    pub fn end_line(
        &mut self,
        (indices, values): &mut (Vec<u32>, Vec<T>),
        format: (&'static str, &Path),
    ) -> Result<(), IoError> {
        if !indices.is_empty() {
            self.untidy(&[0, indices.len()], indices, values, format)?;
        }
        indices.clear();
        values.clear();
        Ok(())
    }

    /// All lines, to be read again.
    pub fn finish(mut self) -> Result<Entries<T>, IoError> {
        self.fill_up();
        let Self { order, nrows, ncols, starts, indices, values, found, path, element, .. } = self;
        let length = if order == Order::RowMajor { ncols } else { nrows };
        let again = |written: BufWriter<File>| -> io::Result<BufReader<File>> {
            let mut file = written.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.rewind()?;
            Ok(BufReader::with_capacity(1 << 16, file))
        };
        let (indices, values) =
            (again(indices).map_err(IoError::write(&path))?, again(values).map_err(IoError::write(&path))?);
        let (of_indices, of_values) = (Width::of_indices(length), found.width());
        Ok(Entries { order, nrows, ncols, starts, of_indices, of_values, indices, values, element })
    }
}

impl<T: Scalar> Entries<T> {
    /// Entries.
    pub fn nnz(&self) -> usize {
        self.starts[self.starts.len() - 1]
    }

    /// Writes all indices.
    pub fn write_indices(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let (count, width) = (self.nnz(), self.of_indices);
        let (mut part, mut bytes) = (Vec::<u32>::new(), Vec::new());
        for first in (0..count).step_by(TOGETHER) {
            part.resize(TOGETHER.min(count - first), 0);
            fill(&mut self.indices, bytemuck::cast_slice_mut(&mut part))?;
            part.iter_mut().for_each(|i| *i = u32::from_le(*i));
            width.indices(&part, &mut bytes);
            out.write_all(&bytes)?;
        }
        Ok(())
    }

    /// Writes all values.
    pub fn write_values(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let (count, width) = (self.nnz(), self.of_values);
        let (mut part, mut bytes) = (Vec::<T>::new(), Vec::new());
        for first in (0..count).step_by(TOGETHER) {
            part.resize(TOGETHER.min(count - first), T::ZERO);
            let raw: &mut [u8] = bytemuck::cast_slice_mut(&mut part);
            fill(&mut self.values, raw)?;
            if cfg!(target_endian = "big") {
                raw.chunks_exact_mut(size_of::<T>()).for_each(<[u8]>::reverse);
            }
            width.values(&part, &mut bytes);
            out.write_all(&bytes)?;
        }
        Ok(())
    }
}

fn fill(from: &mut impl Read, to: &mut [u8]) -> io::Result<()> {
    match read_up_to(from, to)? {
        got if got < to.len() => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}
