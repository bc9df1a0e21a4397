//! A matrix read from a file, with what the file said about it.

use std::path::PathBuf;

use orthant::{Error, Matrix, Real, ToMatrix, ToView, View};

use crate::{Fingerprint, IoError, Order, Place, Remark};

/// A matrix with the names of its rows and columns, if it has any, and where each entry came from.
///
/// It can be handed to a fit as it is.
///
/// ```
/// use orthant::Nmf;
/// use orthant_io::{ReadOptions, Source};
/// let text = "gene,s1,s2\nTP53,1,2\nMYC,3,4\n";
/// let table = Source::from_reader("genes.csv", text.as_bytes(), None, &ReadOptions::default())?.read::<f64>()?;
/// assert_eq!(table.row_names().unwrap(), ["TP53", "MYC"]);
/// assert_eq!(table.locate(1, 0).to_string(), "genes.csv: line 3, field 2 (row 1 \"MYC\", column 0 \"s1\")");
/// let fit = Nmf::new(1).fit(&table)?;
/// assert_eq!(fit.w.nrows(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Table<T> {
    data: Vec<T>,
    nrows: usize,
    ncols: usize,
    order: Order,
    pub(crate) row_names: Option<Vec<String>>,
    pub(crate) col_names: Option<Vec<String>>,
    pub(crate) path: PathBuf,
    pub(crate) remarks: Vec<Remark>,
    /// For text, the line on which each row of the file begins, from 1.
    pub(crate) lines: Option<Vec<u64>>,
    /// For text, the field of each column of the file, from 0.
    pub(crate) fields: Option<Vec<usize>>,
    /// Rows of the file are columns here.
    transposed: bool,
}

impl<T: Real> Table<T> {
    /// A table without names over `data`, which must hold exactly `nrows·ncols` elements.
    ///
    /// # Errors
    /// [`orthant::LayoutError`] if the length differs.
    ///
    /// ```
    /// use orthant_io::{Order, Table};
    /// assert!(Table::new(vec![1.0_f32; 6], 2, 3, Order::RowMajor).is_ok());
    /// assert!(Table::new(vec![1.0_f32; 6], 2, 2, Order::RowMajor).is_err());
    /// ```
    pub fn new(data: Vec<T>, nrows: usize, ncols: usize, order: Order) -> Result<Self, orthant::LayoutError> {
        View::row_major(&data, nrows, ncols)?;
        Ok(Self {
            data,
            nrows,
            ncols,
            order,
            row_names: None,
            col_names: None,
            path: PathBuf::new(),
            remarks: vec![],
            lines: None,
            fields: None,
            transposed: false,
        })
    }

    /// The same with other names.
    ///
    /// # Panics
    /// If there is not one for each row, or each column.
    ///
    /// ```
    /// use orthant_io::{Order, Table};
    /// let table = Table::new(vec![1.0, 2.0], 1, 2, Order::RowMajor)?;
    /// let table = table.named(None, Some(vec!["apple".into(), "pear".into()]));
    /// assert_eq!(table.col_names().unwrap()[1], "pear");
    /// # Ok::<(), orthant::LayoutError>(())
    /// ```
    #[must_use]
    pub fn named(self, rows: Option<Vec<String>>, cols: Option<Vec<String>>) -> Self {
        assert!(rows.as_ref().is_none_or(|names| names.len() == self.nrows), "a name for each row");
        assert!(cols.as_ref().is_none_or(|names| names.len() == self.ncols), "a name for each column");
        Self { row_names: rows, col_names: cols, ..self }
    }

    /// Number of rows.
    pub fn nrows(&self) -> usize {
        self.nrows
    }

    /// Number of columns.
    pub fn ncols(&self) -> usize {
        self.ncols
    }

    /// The order of [`data`](Self::data): that of the file.
    pub fn order(&self) -> Order {
        self.order
    }

    /// The elements, in [`order`](Self::order).
    pub fn data(&self) -> &[T] {
        &self.data
    }

    /// Gives the elements away.
    pub fn into_data(self) -> Vec<T> {
        self.data
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

    /// A view without a copy.
    pub fn view(&self) -> View<'_, T> {
        match self.order {
            Order::RowMajor => View::row_major(&self.data, self.nrows, self.ncols),
            Order::ColMajor => View::col_major(&self.data, self.nrows, self.ncols),
        }
        .expect("a Table holds nrows·ncols elements")
    }

    /// The fingerprint of its elements, in [`order`](Self::order).
    ///
    /// ```
    /// use orthant::Dense;
    /// use orthant_io::{Fingerprint, Order, Table};
    /// let table = Table::new(vec![1.0, 2.0], 1, 2, Order::RowMajor)?;
    /// let factor = Dense::from_vec(vec![1.0, 2.0], 1, 2)?;
    /// assert_eq!(table.fingerprint(), Fingerprint::of(&factor)?);
    /// # Ok::<(), orthant::Error>(())
    /// ```
    pub fn fingerprint(&self) -> Fingerprint {
        let found = Fingerprint::of(self).expect("a Table is in memory");
        // a single line lies in both orders
        Fingerprint { order: self.order, ..found }
    }

    /// Rows for columns and columns for rows. Moves no element.
    ///
    /// ```
    /// use orthant_io::{ReadOptions, Source};
    /// let text = "gene,s1,s2\nTP53,1,2\nMYC,3,4\n";
    /// let genes = Source::from_reader("genes.csv", text.as_bytes(), None, &ReadOptions::default())?.read::<f64>()?;
    /// let samples = genes.transposed();
    /// assert_eq!(samples.row_names().unwrap(), ["s1", "s2"]);
    /// assert_eq!(samples.view().at(0, 1), 3.0);
    /// assert_eq!(samples.locate(0, 1).to_string(), "genes.csv: line 3, field 2 (row 0 \"s1\", column 1 \"MYC\")");
    /// # Ok::<(), orthant_io::IoError>(())
    /// ```
    #[must_use]
    pub fn transposed(self) -> Self {
        Self {
            nrows: self.ncols,
            ncols: self.nrows,
            order: self.order.transposed(),
            row_names: self.col_names,
            col_names: self.row_names,
            transposed: !self.transposed,
            ..self
        }
    }

    /// Some columns, row after row.
    pub(crate) fn select_columns(self, columns: &[usize]) -> Result<Self, IoError> {
        let mut data = Vec::new();
        let (rows, cols) = (self.nrows as u64, columns.len() as u64);
        let room = self.nrows.checked_mul(columns.len()).and_then(|n| data.try_reserve_exact(n).ok());
        room.ok_or_else(|| IoError::TooLarge { path: self.path.clone(), rows, cols })?;
        let view = self.view();
        for i in 0..self.nrows {
            data.extend(columns.iter().map(|&j| view.at(i, j)));
        }
        let of = |names: Vec<String>| columns.iter().map(|&j| names[j].clone()).collect();
        let (mut lines, mut fields) = (self.lines, self.fields);
        if self.transposed {
            lines = lines.map(|lines| columns.iter().map(|&j| lines[j]).collect());
        } else {
            fields = fields.map(|fields| columns.iter().map(|&j| fields[j]).collect());
        }
        let (ncols, order, col_names) = (columns.len(), Order::RowMajor, self.col_names.map(of));
        Ok(Self { data, ncols, order, col_names, lines, fields, ..self })
    }

    /// Where entry (`row`, `col`), counted from 0, stands in the file.
    pub fn locate(&self, row: usize, col: usize) -> Place {
        let name = |names: &Option<Vec<String>>, i: usize| names.as_ref().and_then(|n| n.get(i).cloned());
        let (down, across) = if self.transposed { (col, row) } else { (row, col) };
        let line = self.lines.as_ref().and_then(|l| l.get(down).copied());
        Place {
            line,
            field: line.and(self.fields.as_ref()).and_then(|fields| fields.get(across)).map(|at| at + 1),
            row_name: name(&self.row_names, row),
            col_name: name(&self.col_names, col),
            ..Place::of(&self.path, row, col)
        }
    }
}

impl<T: Real> ToMatrix<T> for Table<T> {
    fn to_matrix(&self) -> Result<Matrix<'_, T>, Error> {
        Ok(Matrix::Dense(self.view()))
    }
}

impl<T: Real> ToView<T> for Table<T> {
    fn to_view(&self) -> View<'_, T> {
        self.view()
    }
}
