//! A sparse matrix read from a file, with what the file said about it.

use std::path::PathBuf;

use orthant::{Csc, Csr, Error, Matrix, Real, ToMatrix};

use super::Coordinates;
use crate::{Fingerprint, IoError, Order, Place, Remark, Scalar};

/// A sparse matrix with the names of its rows and columns, if it has any, by rows or by columns as its file is.
///
/// It can be handed to a fit as it is.
///
/// ```
/// use orthant_io::{AnyTable, Order, ReadOptions, Source};
/// let text = "%%MatrixMarket matrix coordinate integer general\n2 3 3\n1 1 4\n2 1 5\n1 3 6\n";
/// let source = Source::from_reader("v.mtx", text.as_bytes(), None, &ReadOptions::default())?;
/// let AnyTable::Sparse(table) = source.read_any::<f64>()? else { panic!("coordinates are sparse") };
/// assert_eq!((table.nrows(), table.ncols(), table.nnz(), table.density()), (2, 3, 3, 0.5));
/// assert_eq!(table.order(), Order::ColMajor); // column by column, as the entries follow one another
/// # Ok::<(), orthant_io::IoError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SparseTable<T: Real> {
    /// The matrix itself where the order is by columns; by rows its transpose, of which the matrix is the lines.
    held: Csc<'static, T>,
    order: Order,
    pub(crate) row_names: Option<Vec<String>>,
    pub(crate) col_names: Option<Vec<String>>,
    pub(crate) path: PathBuf,
    pub(crate) remarks: Vec<Remark>,
}

/// The entries of a [`SparseTable`], where they lie.
///
/// ```
/// use orthant::Csr;
/// use orthant_io::{SparseStorage, SparseTable};
/// let csr = Csr::<f64>::new(2, 3, vec![0, 1, 2], vec![0_u32, 2], vec![1.0, 2.0])?;
/// let table = SparseTable::by_rows(csr);
/// let SparseStorage::ByRows(csr) = table.storage() else { panic!("by rows it was given") };
/// assert_eq!(csr.row(1).collect::<Vec<_>>(), [(2, 2.0)]);
/// # Ok::<(), orthant::SparseError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum SparseStorage<'a, T: Real> {
    /// Row after row.
    ByRows(&'a Csr<'static, T>),
    /// Column after column.
    ByColumns(&'a Csc<'static, T>),
}

impl<T: Real> SparseTable<T> {
    /// A table without names, by rows.
    pub fn by_rows(csr: Csr<'static, T>) -> Self {
        Self::held(Csc::of_transposed(csr), Order::RowMajor)
    }

    /// A table without names, by columns.
    pub fn by_columns(csc: Csc<'static, T>) -> Self {
        Self::held(csc, Order::ColMajor)
    }

    fn held(held: Csc<'static, T>, order: Order) -> Self {
        Self { held, order, row_names: None, col_names: None, path: PathBuf::new(), remarks: vec![] }
    }

    /// The same with other names.
    ///
    /// # Panics
    /// If there is not one for each row, or each column.
    ///
    /// ```
    /// use orthant::Csr;
    /// use orthant_io::SparseTable;
    /// let csr = Csr::<f64>::new(1, 2, vec![0, 1], vec![1_u32], vec![1.0])?;
    /// let table = SparseTable::by_rows(csr).named(None, Some(vec!["apple".into(), "pear".into()]));
    /// assert_eq!(table.col_names().unwrap()[1], "pear");
    /// # Ok::<(), orthant::SparseError>(())
    /// ```
    #[must_use]
    pub fn named(self, rows: Option<Vec<String>>, cols: Option<Vec<String>>) -> Self {
        assert!(rows.as_ref().is_none_or(|names| names.len() == self.nrows()), "a name for each row");
        assert!(cols.as_ref().is_none_or(|names| names.len() == self.ncols()), "a name for each column");
        Self { row_names: rows, col_names: cols, ..self }
    }

    /// Number of rows.
    pub fn nrows(&self) -> usize {
        match self.order {
            Order::RowMajor => self.held.ncols(),
            Order::ColMajor => self.held.nrows(),
        }
    }

    /// Number of columns.
    pub fn ncols(&self) -> usize {
        match self.order {
            Order::RowMajor => self.held.nrows(),
            Order::ColMajor => self.held.ncols(),
        }
    }

    /// Number of entries, none of which is 0.
    pub fn nnz(&self) -> usize {
        self.held.nnz()
    }

    /// Entries over rows times columns; 0 for an empty matrix.
    pub fn density(&self) -> f64 {
        self.lines().density()
    }

    /// Whether rows or columns lie one after another: that of the file.
    pub fn order(&self) -> Order {
        self.order
    }

    /// The entries.
    pub fn storage(&self) -> SparseStorage<'_, T> {
        match self.order {
            Order::RowMajor => SparseStorage::ByRows(self.held.transposed()),
            Order::ColMajor => SparseStorage::ByColumns(&self.held),
        }
    }

    /// The rows if they lie one after another, or else the columns.
    pub(crate) fn lines(&self) -> &Csr<'static, T> {
        self.held.transposed()
    }

    /// The names of the rows, if the file had them.
    pub fn row_names(&self) -> Option<&[String]> {
        self.row_names.as_deref()
    }

    /// The names of the columns, if the file had them.
    pub fn col_names(&self) -> Option<&[String]> {
        self.col_names.as_deref()
    }

    /// What its reader has to say of the file.
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// The fingerprint of its entries, in [`order`](Self::order).
    ///
    /// ```
    /// use orthant::Csr;
    /// use orthant_io::SparseTable;
    /// let csr = Csr::<f64>::new(2, 3, vec![0, 1, 2], vec![0_u32, 2], vec![1.0, 2.0])?;
    /// assert_eq!(SparseTable::by_rows(csr).fingerprint().nnz, Some(2));
    /// # Ok::<(), orthant::SparseError>(())
    /// ```
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self).expect("a SparseTable is in memory, and sorted out")
    }

    /// Rows for columns and columns for rows. Moves no entry.
    ///
    /// ```
    /// use orthant::Csr;
    /// use orthant_io::{Order, SparseTable};
    /// let csr = Csr::<f64>::new(2, 3, vec![0, 1, 2], vec![0_u32, 2], vec![1.0, 2.0])?;
    /// let table = SparseTable::by_rows(csr).transposed();
    /// assert_eq!((table.nrows(), table.ncols(), table.order()), (3, 2, Order::ColMajor));
    /// # Ok::<(), orthant::SparseError>(())
    /// ```
    #[must_use]
    pub fn transposed(self) -> Self {
        Self { order: self.order.transposed(), row_names: self.col_names, col_names: self.row_names, ..self }
    }

    /// Some columns, each at most once.
    pub(crate) fn select_columns(self, columns: &[usize]) -> Result<Self, IoError>
    where
        T: Scalar,
    {
        let mut new = vec![None; self.ncols()];
        for (to, &from) in columns.iter().enumerate() {
            assert!(new[from].replace(to as u32).is_none(), "a column is taken once");
        }
        let mut entries = Coordinates::with_room(0);
        let by_rows = self.order == Order::RowMajor;
        for i in 0..self.lines().nrows() {
            for (j, x) in self.lines().row(i) {
                let (row, col) = if by_rows { (i, j) } else { (j, i) };
                if let Some(col) = new[col] {
                    let too_large = || IoError::TooLarge {
                        path: self.path.clone(),
                        rows: self.nrows() as u64,
                        cols: columns.len() as u64,
                    };
                    entries.push(row as u32, col, x).ok_or_else(too_large)?;
                }
            }
        }
        let mut table = entries.table(self.nrows(), columns.len(), "selection", &self.path)?;
        table.row_names = self.row_names;
        table.col_names = self.col_names.map(|names| columns.iter().map(|&j| names[j].clone()).collect());
        (table.path, table.remarks) = (self.path, self.remarks);
        Ok(table)
    }

    /// Where entry (`row`, `col`), counted from 0, stands in the file: its names, if there are any.
    pub fn locate(&self, row: usize, col: usize) -> Place {
        let name = |names: &Option<Vec<String>>, i: usize| names.as_ref().and_then(|n| n.get(i).cloned());
        Place {
            row_name: name(&self.row_names, row),
            col_name: name(&self.col_names, col),
            ..Place::of(&self.path, row, col)
        }
    }
}

impl<T: Real> ToMatrix<T> for SparseTable<T> {
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        match self.storage() {
            SparseStorage::ByRows(csr) => csr.to_matrix(),
            SparseStorage::ByColumns(csc) => csc.to_matrix(),
        }
    }
}
