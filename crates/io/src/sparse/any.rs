//! What a file holds: a matrix with all its entries, or a sparse one.

use std::path::PathBuf;

use orthant::{Error, Matrix, Real, ToMatrix};

use crate::{FileLines, IoError, Place, Remark, Scalar, SparseTable, Table};

/// A matrix as its file has it. It can be handed to a fit as it is.
///
/// ```
/// use orthant_io::{AnyTable, ReadOptions, Source};
/// let read = |name: &str, text: &'static str| {
///     Source::from_reader(name, text.as_bytes(), None, &ReadOptions::default())?.read_any::<f64>()
/// };
/// let dense = read("v.csv", "0,1\n2,0\n0,3\n")?;
/// let sparse = read("v.mtx", "%%MatrixMarket matrix coordinate integer general\n3 2 3\n1 2 1\n2 1 2\n3 2 3\n")?;
/// assert!(matches!((&dense, &sparse), (AnyTable::Dense(_), AnyTable::Sparse(_))));
/// assert_eq!((dense.nrows(), dense.ncols()), (sparse.nrows(), sparse.ncols()));
/// assert!(orthant::Nmf::new(2).fit(&sparse)?.report.relative_error < 1e-3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum AnyTable<T: Real> {
    /// All entries.
    Dense(Table<T>),
    /// Those that are not 0.
    Sparse(SparseTable<T>),
    /// Either, read when they are needed.
    OutOfCore(FileLines<T>),
}

impl<T: Real> AnyTable<T> {
    /// Number of rows.
    pub fn nrows(&self) -> usize {
        match self {
            Self::Dense(table) => table.nrows(),
            Self::Sparse(table) => table.nrows(),
            Self::OutOfCore(file) => file.nrows(),
        }
    }

    /// Number of columns.
    pub fn ncols(&self) -> usize {
        match self {
            Self::Dense(table) => table.ncols(),
            Self::Sparse(table) => table.ncols(),
            Self::OutOfCore(file) => file.ncols(),
        }
    }

    /// The names of the rows, if the file had them.
    pub fn row_names(&self) -> Option<&[String]> {
        match self {
            Self::Dense(table) => table.row_names(),
            Self::Sparse(table) => table.row_names(),
            Self::OutOfCore(file) => file.row_names(),
        }
    }

    /// The names of the columns, if the file had them.
    pub fn col_names(&self) -> Option<&[String]> {
        match self {
            Self::Dense(table) => table.col_names(),
            Self::Sparse(table) => table.col_names(),
            Self::OutOfCore(file) => file.col_names(),
        }
    }

    /// What its reader has to say of the file.
    pub fn remarks(&self) -> &[Remark] {
        match self {
            Self::Dense(table) => table.remarks(),
            Self::Sparse(table) => table.remarks(),
            Self::OutOfCore(_) => &[],
        }
    }

    /// Rows for columns and columns for rows. Moves no entry.
    #[must_use]
    pub fn transposed(self) -> Self {
        match self {
            Self::Dense(table) => Self::Dense(table.transposed()),
            Self::Sparse(table) => Self::Sparse(table.transposed()),
            Self::OutOfCore(file) => Self::OutOfCore(file.transposed()),
        }
    }

    /// The table of some columns, in the order of `columns`, each of which may be there once. Copies the entries.
    ///
    /// # Errors
    /// [`IoError::TooLarge`] if there is no memory for them.
    ///
    /// # Panics
    /// If there is no such column, or one is named twice.
    ///
    /// ```
    /// use orthant_io::{ReadOptions, read_any};
    /// let dir = tempfile::tempdir()?;
    /// std::fs::write(dir.path().join("a.csv"), "a,b,c\n1,2,3\n4,5,6\n")?;
    /// let table = read_any::<f64>(dir.path().join("a.csv"), &ReadOptions::default())?.select_columns(&[2, 0])?;
    /// assert_eq!(table.col_names().unwrap(), ["c", "a"]);
    /// assert!(table.locate(1, 0).to_string().ends_with("line 3, field 3 (row 1, column 0 \"c\")"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn select_columns(self, columns: &[usize]) -> Result<Self, IoError>
    where
        T: Scalar,
    {
        match self {
            Self::Dense(table) => table.select_columns(columns).map(Self::Dense),
            Self::Sparse(table) => table.select_columns(columns).map(Self::Sparse),
            Self::OutOfCore(file) => file.load()?.select_columns(columns),
        }
    }

    /// Where entry (`row`, `col`), counted from 0, stands in the file.
    pub fn locate(&self, row: usize, col: usize) -> Place {
        match self {
            Self::Dense(table) => table.locate(row, col),
            Self::Sparse(table) => table.locate(row, col),
            Self::OutOfCore(file) => file.locate(row, col),
        }
    }

    /// The same as of a file at this path, with which places of entries begin. What stays in its file keeps its own.
    ///
    /// ```
    /// use orthant_io::{AnyTable, Order, Table};
    /// let table = AnyTable::Dense(Table::new(vec![1.0, 2.0], 1, 2, Order::RowMajor)?).of_file("a.csv");
    /// assert_eq!(table.locate(0, 1).to_string(), "a.csv: row 0, column 1 (counting from 0)");
    /// # Ok::<(), orthant::LayoutError>(())
    /// ```
    #[must_use]
    pub fn of_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.set_path(path.into());
        self
    }

    pub(crate) fn set_path(&mut self, path: PathBuf) {
        match self {
            Self::Dense(table) => table.path = path,
            Self::Sparse(table) => table.path = path,
            // it knows it
            Self::OutOfCore(_) => {}
        }
    }

    pub(crate) fn remark(&mut self, remarks: impl IntoIterator<Item = Remark>) {
        match self {
            Self::Dense(table) => table.remarks.extend(remarks),
            Self::Sparse(table) => table.remarks.extend(remarks),
            // nothing is said of what stays in its file
            Self::OutOfCore(_) => {}
        }
    }

    pub(crate) fn set_names(&mut self, rows: Option<Vec<String>>, cols: Option<Vec<String>>) {
        match self {
            Self::Dense(table) => (table.row_names, table.col_names) = (rows, cols),
            Self::Sparse(table) => (table.row_names, table.col_names) = (rows, cols),
            // it has those of the file
            Self::OutOfCore(_) => {}
        }
    }
}

impl<T: Scalar> ToMatrix<T> for AnyTable<T> {
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        match self {
            Self::Dense(table) => table.to_matrix(),
            Self::Sparse(table) => table.to_matrix(),
            Self::OutOfCore(file) => file.to_matrix(),
        }
    }
}
