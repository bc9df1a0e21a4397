//! An npy file whose elements stay where they are until they are needed.

use std::fs::File;
use std::marker::PhantomData;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use orthant::{Error, OutOfCore, ReadLines};

use super::decode::CHUNK;
use super::header::Header;
use super::stored::Stored;
use crate::{Fingerprint, IoError, Order, Place, Scalar, Table};

/// A dense matrix in an npy file, or in an archive of such files, of which lines are read when they are needed: rows, or columns in Fortran order.
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
#[derive(Clone, Debug, PartialEq)]
pub struct NpyLines<T> {
    elements: Stored,
    nrows: usize,
    ncols: usize,
    order: Order,
    row_names: Option<Arc<[String]>>,
    col_names: Option<Arc<[String]>>,
    element: PhantomData<fn() -> T>,
}

impl<T> NpyLines<T> {
    /// The file.
    pub fn path(&self) -> &Path {
        self.elements.path()
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
        let (row_names, col_names) = (self.col_names, self.row_names);
        Self { nrows, ncols, order, row_names, col_names, ..self }
    }

    /// Where an element stands.
    pub fn locate(&self, row: usize, col: usize) -> Place {
        let name = |names: &Option<Arc<[String]>>, i: usize| names.as_ref().and_then(|n| n.get(i).cloned());
        Place {
            row_name: name(&self.row_names, row),
            col_name: name(&self.col_names, col),
            ..Place::of(self.path(), row, col)
        }
    }

    /// The names of the rows, if the file has them.
    pub fn row_names(&self) -> Option<&[String]> {
        self.row_names.as_deref()
    }

    /// The names of the columns, if the file has them.
    pub fn col_names(&self) -> Option<&[String]> {
        self.col_names.as_deref()
    }
}

impl<T: Scalar> NpyLines<T> {
    /// The elements behind `header` in a file, of which messages call the array `array`.
    pub(crate) fn new(file: Arc<File>, header: Header, path: &Path, array: &Path) -> Result<Self, IoError> {
        let ((nrows, ncols), order) = (header.counts(array)?, header.order);
        let elements = Stored::new(file, header, path, array)?;
        let (row_names, col_names) = (None, None);
        Ok(Self { elements, nrows, ncols, order, row_names, col_names, element: PhantomData })
    }

    /// With these names, one for each row or column.
    pub(crate) fn named(self, rows: Option<Vec<String>>, cols: Option<Vec<String>>) -> Self {
        Self { row_names: rows.map(Arc::from), col_names: cols.map(Arc::from), ..self }
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
        data.try_reserve_exact(self.nrows * self.ncols).map_err(|_| self.elements.too_large())?;
        self.each(|part| data.extend_from_slice(part))?;
        let mut table = Table::new(data, self.nrows, self.ncols, self.order).expect("all elements were read");
        table.path = self.path().to_owned();
        let owned = |names: Option<&[String]>| names.map(<[String]>::to_vec);
        (table.row_names, table.col_names) = (owned(self.row_names()), owned(self.col_names()));
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
        let most = together.min(lines) * line;
        let mut part = Vec::new();
        part.try_reserve_exact(most).map_err(|_| self.elements.too_large())?;
        part.resize(most, T::ZERO);
        for start in (0..lines).step_by(together) {
            let range = start..lines.min(start + together);
            let part = &mut part[..range.len() * line];
            self.elements(range, part)?;
            f(part);
        }
        Ok(())
    }

    fn elements(&self, lines: Range<usize>, out: &mut [T]) -> Result<(), IoError> {
        let line = self.lines().1;
        self.elements.elements(lines.start * line, out, |at| match self.order {
            Order::RowMajor => self.locate(at / line, at % line),
            Order::ColMajor => self.locate(at % line, at / line),
        })
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
