//! An owned row-major matrix.

use std::ops::{Index, IndexMut};

use crate::{LayoutError, Real, View, allocate};

/// An owned `nrows`×`ncols` matrix, row-major and contiguous.
///
/// ```
/// use orthant_kernel::Dense;
/// let a = Dense::from_vec(vec![1.0, 2.0, 3.0, 4.0], 2, 2)?;
/// assert_eq!(a[(1, 0)], 3.0);
/// assert_eq!(a.transposed().row(0), &[1.0, 3.0]);
/// # Ok::<(), orthant_kernel::LayoutError>(())
/// ```
#[derive(Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "Parts<T>", bound(deserialize = "T: Real + serde::Deserialize<'de>"))
)]
pub struct Dense<T> {
    data: Vec<T>,
    nrows: usize,
    ncols: usize,
}

/// What a serialised matrix says, which may not be true of its elements.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
struct Parts<T> {
    data: Vec<T>,
    nrows: usize,
    ncols: usize,
}

#[cfg(feature = "serde")]
impl<T: Real> TryFrom<Parts<T>> for Dense<T> {
    type Error = LayoutError;

    fn try_from(Parts { data, nrows, ncols }: Parts<T>) -> Result<Self, LayoutError> {
        Self::from_vec(data, nrows, ncols)
    }
}

impl<T: Clone> Clone for Dense<T> {
    fn clone(&self) -> Self {
        Self { data: allocate::copied(&self.data), nrows: self.nrows, ncols: self.ncols }
    }
}

impl<T: Real> Dense<T> {
    /// Takes row-major `data` of exactly `nrows·ncols` elements.
    ///
    /// # Errors
    /// [`LayoutError`] if the length differs.
    pub fn from_vec(data: Vec<T>, nrows: usize, ncols: usize) -> Result<Self, LayoutError> {
        if nrows.checked_mul(ncols) != Some(data.len()) {
            return Err(LayoutError { nrows, ncols, len: data.len() });
        }
        Ok(Self { data, nrows, ncols })
    }

    /// A matrix with element (i, j) = `f(i, j)`, called in row-major order.
    pub fn from_fn(nrows: usize, ncols: usize, mut f: impl FnMut(usize, usize) -> T) -> Self {
        let mut data = allocate::room(nrows.saturating_mul(ncols));
        for i in 0..nrows {
            for j in 0..ncols {
                data.push(f(i, j));
            }
        }
        Self { data, nrows, ncols }
    }

    /// A matrix of zeros.
    ///
    /// # Panics
    /// If `nrows·ncols` elements cannot be counted or allocated.
    pub fn zeros(nrows: usize, ncols: usize) -> Self {
        let count = nrows.checked_mul(ncols).expect("as many elements as can be counted");
        Self { data: T::zeros(count), nrows, ncols }
    }

    /// A row-major copy of any view.
    pub fn copy_of(view: View<'_, T>) -> Self {
        let mut out = Self::zeros(view.nrows(), view.ncols());
        view.copy_to(&mut out.data);
        out
    }

    /// Number of rows.
    pub fn nrows(&self) -> usize {
        self.nrows
    }

    /// Number of columns.
    pub fn ncols(&self) -> usize {
        self.ncols
    }

    /// The elements, row-major.
    pub fn as_slice(&self) -> &[T] {
        &self.data
    }

    /// The elements, row-major, to write.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// Gives the elements away, row-major.
    pub fn into_vec(self) -> Vec<T> {
        self.data
    }

    /// Row `i`.
    ///
    /// # Panics
    /// If `i` is out of range.
    pub fn row(&self, i: usize) -> &[T] {
        &self.data[i * self.ncols..(i + 1) * self.ncols]
    }

    /// A borrowed view.
    pub fn view(&self) -> View<'_, T> {
        View::row_major(&self.data, self.nrows, self.ncols).expect("a Dense holds nrows·ncols elements")
    }

    /// The transpose, copied.
    #[must_use]
    pub fn transposed(&self) -> Self {
        Self::copy_of(self.view().transposed())
    }
}

impl<T: Real> Index<(usize, usize)> for Dense<T> {
    type Output = T;
    fn index(&self, (i, j): (usize, usize)) -> &T {
        assert!(j < self.ncols, "column {j} of {}", self.ncols);
        &self.data[i * self.ncols + j]
    }
}

impl<T: Real> IndexMut<(usize, usize)> for Dense<T> {
    fn index_mut(&mut self, (i, j): (usize, usize)) -> &mut T {
        assert!(j < self.ncols, "column {j} of {}", self.ncols);
        &mut self.data[i * self.ncols + j]
    }
}
