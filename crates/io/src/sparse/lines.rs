//! A sparse matrix whose entries stay in their file until they are needed.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use orthant::{Error, OutOfCore, ReadSparseLines};

use super::Parts;
use crate::{Fingerprint, IoError, Order, Place, Scalar, SparseTable};

/// The entries of a sparse matrix, line after line, in a file.
pub(crate) trait Entries<T>: fmt::Debug + Send + Sync {
    /// The file.
    fn path(&self) -> &Path;

    /// How many indices and values there are.
    fn counts(&self) -> [usize; 2];

    /// The indices from `first` on, as many as `out` holds.
    fn indices(&self, first: usize, out: &mut [u32]) -> Result<(), IoError>;

    /// The values likewise; `place` says where one of them stands.
    fn values(&self, first: usize, out: &mut [T], place: &dyn Fn(usize) -> Place) -> Result<(), IoError>;
}

/// A sparse matrix in a file, of which lines are read when they are needed: in an npz file that is not packed, rows of scipy's `csr` or
/// columns of its `csc`; or in an HDF5 file. Where each line begins is in memory.
///
/// Indices and values have their own width in the file, whatever `T` is. A file that is changed or cut short meanwhile is an error.
/// The sums of an archive are not compared, which would take a pass over the file.
///
/// ```
/// use orthant::{Csr, Nmf};
/// use orthant_io::{AnyTable, ReadOptions, Source, SparseTable, convert};
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("v.npz");
/// let columns: Vec<u32> = (0..400).flat_map(|i| [i % 3, 3 + i % 4]).collect();
/// let v = Csr::<f32>::new(400, 7, (0..=400).map(|i| 2 * i).collect::<Vec<_>>(), columns, vec![2.0_f32; 800])?;
/// convert(&AnyTable::Sparse(SparseTable::by_rows(v.clone())), &path)?;
///
/// let table = Source::open(&path, &ReadOptions::default())?.read_within::<f32>(0)?;
/// assert!(matches!(table, AnyTable::OutOfCore(_)), "more than 0 bytes");
/// assert_eq!(Nmf::new(2).fit(&table)?.w, Nmf::new(2).fit(&v)?.w);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SparseLines<T> {
    starts: Arc<[usize]>,
    entries: Arc<dyn Entries<T>>,
    /// What messages call a file of its kind.
    format: &'static str,
    nrows: usize,
    ncols: usize,
    order: Order,
    row_names: Option<Arc<[String]>>,
    col_names: Option<Arc<[String]>>,
}

impl<T> SparseLines<T> {
    /// The file.
    pub fn path(&self) -> &Path {
        self.entries.path()
    }

    /// Number of rows.
    pub fn nrows(&self) -> usize {
        self.nrows
    }

    /// Number of columns.
    pub fn ncols(&self) -> usize {
        self.ncols
    }

    /// Number of entries.
    pub fn nnz(&self) -> usize {
        self.starts[self.starts.len() - 1]
    }

    /// Whether its lines are rows or columns.
    pub fn order(&self) -> Order {
        self.order
    }

    /// The names of the rows, if the file has them.
    pub fn row_names(&self) -> Option<&[String]> {
        self.row_names.as_deref()
    }

    /// The names of the columns, if the file has them.
    pub fn col_names(&self) -> Option<&[String]> {
        self.col_names.as_deref()
    }

    /// Rows for columns and columns for rows. Moves no entry.
    #[must_use]
    pub fn transposed(self) -> Self {
        let (nrows, ncols, order) = (self.ncols, self.nrows, self.order.transposed());
        let (row_names, col_names) = (self.col_names, self.row_names);
        Self { nrows, ncols, order, row_names, col_names, ..self }
    }

    /// Where an entry stands.
    pub fn locate(&self, row: usize, col: usize) -> Place {
        let name = |names: &Option<Arc<[String]>>, i: usize| names.as_ref().and_then(|n| n.get(i).cloned());
        Place {
            row_name: name(&self.row_names, row),
            col_name: name(&self.col_names, col),
            ..Place::of(self.path(), row, col)
        }
    }
}

impl<T: Scalar> SparseLines<T> {
    /// The lines that begin at `starts`, of a matrix of this shape in a file of kind `format`.
    pub(crate) fn new(
        (nrows, ncols): (usize, usize),
        order: Order,
        starts: Vec<usize>,
        entries: Arc<dyn Entries<T>>,
        format: &'static str,
    ) -> Result<Self, IoError> {
        let path = entries.path();
        let corrupt = |reason: String| IoError::Corrupt { path: path.to_owned(), format, reason };
        let lines = if order == Order::RowMajor { nrows } else { ncols };
        check_starts(&starts, lines).map_err(corrupt)?;
        let (end, [indices, values]) = (starts[lines], entries.counts());
        if end > indices || end > values {
            let found = format!("{indices} indices and {values} values");
            return Err(corrupt(format!("{found}, but the last offset (indptr) says {end}")));
        }
        let (row_names, col_names, starts) = (None, None, starts.into());
        Ok(Self { starts, entries, format, nrows, ncols, order, row_names, col_names })
    }

    /// With these names, one for each row or column.
    pub(crate) fn named(self, rows: Option<Vec<String>>, cols: Option<Vec<String>>) -> Self {
        Self { row_names: rows.map(Arc::from), col_names: cols.map(Arc::from), ..self }
    }

    /// All of it, in memory, where it is tidied.
    ///
    /// # Errors
    /// [`IoError::TooLarge`] if there is no memory for it, and whatever keeps the file from being read.
    pub fn load(&self) -> Result<SparseTable<T>, IoError> {
        let count = self.nnz();
        let (mut indices, mut values) = (Vec::new(), Vec::new());
        indices.try_reserve_exact(count).map_err(|_| self.too_large())?;
        values.try_reserve_exact(count).map_err(|_| self.too_large())?;
        indices.resize(count, 0);
        values.resize(count, T::ZERO);
        self.entries.indices(0, &mut indices)?;
        self.values(0, &mut values)?;
        let (order, nrows, ncols, indptr) = (self.order, self.nrows, self.ncols, self.starts.to_vec());
        let table = Parts { order, nrows, ncols, indptr, indices, values }.table(self.format, self.path())?;
        let owned = |names: Option<&[String]>| names.map(<[String]>::to_vec);
        let mut table = table.named(owned(self.row_names()), owned(self.col_names()));
        table.path = self.path().to_owned();
        Ok(table)
    }

    fn too_large(&self) -> IoError {
        let (rows, cols) = (self.nrows as u64, self.ncols as u64);
        IoError::TooLarge { path: self.path().to_owned(), rows, cols }
    }

    fn values(&self, first: usize, out: &mut [T]) -> Result<(), IoError> {
        self.entries.values(first, out, &|entry| self.place_of(entry))
    }

    fn place_of(&self, entry: usize) -> Place {
        let line = self.starts.partition_point(|&start| start <= entry).saturating_sub(1);
        let mut index = [0];
        // a message may do without it
        let at = self.entries.indices(entry, &mut index).map_or(0, |()| index[0] as usize);
        match self.order {
            Order::RowMajor => self.locate(line, at),
            Order::ColMajor => self.locate(at, line),
        }
    }

    /// The fingerprint of its entries: that of the same table in memory.
    ///
    /// # Errors
    /// Whatever keeps the file from being read, and entries that are not in order.
    pub fn fingerprint(&self) -> Result<Fingerprint, IoError> {
        Ok(Fingerprint::of(&OutOfCore::sparse(self)?)?)
    }
}

impl<T: Scalar> ReadSparseLines<T> for SparseLines<T> {
    fn nrows(&self) -> usize {
        self.nrows
    }

    fn ncols(&self) -> usize {
        self.ncols
    }

    fn by_columns(&self) -> bool {
        self.order == Order::ColMajor
    }

    fn starts(&self) -> &[usize] {
        &self.starts
    }

    fn read(&self, lines: Range<usize>, indices: &mut [u32], values: &mut [T]) -> Result<(), Error> {
        let first = self.starts[lines.start];
        let read = self.entries.indices(first, indices).and_then(|()| self.values(first, values));
        read.map_err(|error| Error::Unreadable { reason: error.to_string() })
    }
}

/// The same entries of one file in one layout.
impl<T> PartialEq for SparseLines<T> {
    fn eq(&self, other: &Self) -> bool {
        let of = |lines: &Self| (lines.nrows, lines.ncols, lines.order);
        self.path() == other.path() && of(self) == of(other) && self.starts == other.starts
    }
}

/// Refuses what does not say where so many lines begin.
pub(crate) fn check_starts(starts: &[usize], lines: usize) -> Result<(), String> {
    if starts.len().checked_sub(1) != Some(lines) {
        return Err(format!("{} offsets (indptr), but {} are needed", starts.len(), lines + 1));
    }
    if starts[0] != 0 {
        return Err("the first offset (indptr) is not 0".into());
    }
    match (0..lines).find(|&i| starts[i] > starts[i + 1]) {
        Some(line) => Err(format!("line {line} ends before it begins (indptr)")),
        None => Ok(()),
    }
}
