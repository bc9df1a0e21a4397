//! A sparse matrix by rows.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::parts::{Any, Indices, Indptr, Numbers, Values};
use super::rows::room;
use super::{SparseRows, Unfolded};
use crate::buffer::Zero;
use crate::{Dense, Real, allocate};

/// Why parts are no sparse matrix. Lines are rows of a [`Csr`] and columns of a [`Csc`](super::Csc), counted from 0, as are entries.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SparseError {
    /// The offsets are not one for each line and one more.
    IndptrLength {
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// The first offset is not 0.
    IndptrStart,
    /// A line ends before it begins.
    IndptrFalls {
        /// The line.
        line: usize,
    },
    /// There are fewer indices or values than the last offset says.
    Entries {
        /// The last offset.
        expected: usize,
        /// Indices.
        indices: usize,
        /// Values.
        values: usize,
    },
    /// An index outside the matrix.
    Index {
        /// The line.
        line: usize,
        /// The entry.
        entry: usize,
        /// Its index.
        index: i128,
        /// What it must be below.
        bound: usize,
    },
    /// The entries of a line are not in ascending order of their indices, each at most once, where they have to be.
    Order {
        /// The line.
        line: usize,
    },
    /// A line stores a zero, where none may be.
    Zero {
        /// The line.
        line: usize,
    },
    /// An integer that the element type does not hold exactly.
    Inexact {
        /// The line.
        line: usize,
        /// Its index: of the column in a [`Csr`], of the row in a [`Csc`](super::Csc).
        index: usize,
        /// The integer.
        value: i128,
    },
    /// More columns (rows of a [`Csc`](super::Csc)) than 2³², or more elements than can be counted.
    TooLarge {
        /// Lines.
        lines: usize,
        /// Their length.
        length: usize,
    },
}

impl fmt::Display for SparseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IndptrLength { expected, found } => {
                write!(f, "{found} offsets (indptr), but {expected} are needed")
            }
            Self::IndptrStart => write!(f, "the first offset (indptr) is not 0"),
            Self::IndptrFalls { line } => write!(f, "line {line} ends before it begins (indptr)"),
            Self::Entries { expected, indices, values } => {
                write!(
                    f,
                    "{indices} indices and {values} values, but the last offset (indptr) says {expected}"
                )
            }
            Self::Index { line, entry, index, bound } => {
                write!(
                    f,
                    "entry {entry}, in line {line}, has index {index}, outside 0 to {}",
                    *bound as i128 - 1
                )
            }
            Self::Order { line } => {
                write!(
                    f,
                    "the indices of line {line} do not ascend: they are unsorted, or one is there twice"
                )
            }
            Self::Zero { line } => write!(f, "line {line} stores a zero"),
            Self::Inexact { line, index, value } => {
                write!(f, "{value}, at index {index} of line {line}, is not exact as a floating-point number")
            }
            Self::TooLarge { lines, length } => {
                write!(f, "{lines} lines of {length} are more than can be indexed")
            }
        }
    }
}

impl std::error::Error for SparseError {}

/// A sparse matrix by rows: scipy's `csr`.
///
/// It borrows its parts, whatever the types of its indices and values; or owns them. Rows have their columns in ascending
/// order, each at most once, and no stored zeros: parts that do not are copied when it is made, sorted, with duplicates
/// summed and zeros left out.
///
/// ```
/// use orthant_kernel::Csr;
/// // | 1 0 2 |
/// // | 0 0 3 |
/// let (indptr, indices, values) = ([0_i32, 2, 3], [0_i32, 2, 2], [1.0_f32, 2.0, 3.0]);
/// let v = Csr::<f32>::new(2, 3, &indptr[..], &indices[..], &values[..])?;
/// assert_eq!((v.nrows(), v.ncols(), v.nnz(), v.copied_bytes()), (2, 3, 3, 24)); // only the offsets are
/// assert_eq!(v.row(0).collect::<Vec<_>>(), [(0, 1.0), (2, 2.0)]);
/// // a row out of order, with a duplicate
/// let untidy = Csr::<f32>::new(1, 3, &[0_usize, 3][..], &[2_u32, 0, 2][..], &[1_u8, 1, 1][..])?;
/// assert_eq!(untidy.row(0).collect::<Vec<_>>(), [(0, 1.0), (2, 2.0)]);
/// # Ok::<(), orthant_kernel::SparseError>(())
/// ```
#[derive(Clone)]
pub struct Csr<'a, T: Real> {
    nrows: usize,
    ncols: usize,
    /// Ascending from the offset of the first entry that `indices` and `values` begin with, one for each row and the
    /// end of the last.
    indptr: Cow<'a, [usize]>,
    /// Below ncols ≤ 2³², ascending in every row.
    indices: Any<'a>,
    /// What they are at most if somebody has written to them since, where that can be: the last column.
    last: Option<u32>,
    values: Numbers<'a, T>,
}

impl<T: Real> fmt::Debug for Csr<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Csr")
            .field("nrows", &self.nrows)
            .field("ncols", &self.ncols)
            .field("nnz", &self.nnz())
            .finish_non_exhaustive()
    }
}

/// Equal entries at equal places.
impl<T: Real> PartialEq for Csr<'_, T> {
    fn eq(&self, other: &Csr<'_, T>) -> bool {
        (self.nrows, self.ncols, self.nnz()) == (other.nrows, other.ncols, other.nnz())
            && (0..self.nrows).all(|i| self.row(i).eq(other.row(i)))
    }
}

impl<'a, T: Real> Csr<'a, T> {
    /// A matrix over its parts: where each row begins, the column of each entry, and the entries. Entries beyond the last
    /// offset are left alone.
    ///
    /// Looks at every index and entry once.
    ///
    /// # Errors
    /// [`SparseError`] for parts that are no matrix, before anything is read by them.
    pub fn new(
        nrows: usize,
        ncols: usize,
        indptr: impl Into<Indptr<'a>>,
        indices: impl Into<Indices<'a>>,
        values: impl Into<Values<'a, T>>,
    ) -> Result<Self, SparseError> {
        Self::over(nrows, ncols, indptr.into(), indices.into(), values.into(), false)
    }

    /// The same with the zeros that are stored among the entries: where these are what is observed, a 0 is too.
    ///
    /// ```
    /// use orthant_kernel::Csr;
    /// let parts = (&[0_usize, 2][..], &[0_u32, 2][..], &[0.0, 9.0][..]);
    /// assert_eq!(Csr::<f64>::new(1, 3, parts.0, parts.1, parts.2)?.nnz(), 1);
    /// assert_eq!(Csr::<f64>::keeping_zeros(1, 3, parts.0, parts.1, parts.2)?.nnz(), 2);
    /// # Ok::<(), orthant_kernel::SparseError>(())
    /// ```
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn keeping_zeros(
        nrows: usize,
        ncols: usize,
        indptr: impl Into<Indptr<'a>>,
        indices: impl Into<Indices<'a>>,
        values: impl Into<Values<'a, T>>,
    ) -> Result<Self, SparseError> {
        Self::over(nrows, ncols, indptr.into(), indices.into(), values.into(), true)
    }

    fn over(
        nrows: usize,
        ncols: usize,
        indptr: Indptr<'a>,
        indices: Indices<'a>,
        values: Values<'a, T>,
        zeros: bool,
    ) -> Result<Self, SparseError> {
        let (Indptr(indptr), Indices { all: indices, shared }, Values(values)) = (indptr, indices, values);
        let count = nrows.checked_add(1).filter(|_| ncols as u128 <= 1 << 32);
        let Some(expected) = count else { return Err(SparseError::TooLarge { lines: nrows, length: ncols }) };
        if indptr.len() != expected {
            return Err(SparseError::IndptrLength { expected, found: indptr.len() });
        }
        if indptr[0] != 0 {
            return Err(SparseError::IndptrStart);
        }
        if let Some(line) = (0..nrows).find(|&i| indptr[i] > indptr[i + 1]) {
            return Err(SparseError::IndptrFalls { line });
        }
        let nnz = indptr[nrows];
        if nnz > indices.len() || nnz > values.len() {
            let (indices, values) = (indices.len(), values.len());
            return Err(SparseError::Entries { expected: nnz, indices, values });
        }
        let mut tidy = true;
        for line in 0..nrows {
            let range = indptr[line]..indptr[line + 1];
            tidy &= match &indices {
                Any::I32(x) => ascending(&x[range.clone()], ncols),
                Any::I64(x) => ascending(&x[range.clone()], ncols),
                Any::U32(x) => ascending(&x[range.clone()], ncols),
                Any::U64(x) => ascending(&x[range.clone()], ncols),
            }
            .map_err(|at| {
                let entry = range.start + at;
                SparseError::Index { line, entry, index: indices.at(entry), bound: ncols }
            })?;
        }
        let used = values.slice(0..nnz);
        if let Some((entry, value)) = used.inexact() {
            let line = indptr.partition_point(|&start| start <= entry) - 1;
            return Err(SparseError::Inexact { line, index: indices.at(entry) as usize, value });
        }
        tidy &= zeros || !used.has_zero();
        let last = shared.then(|| ncols.saturating_sub(1) as u32);
        let whole = Self { nrows, ncols, indptr, indices, last, values };
        if tidy { Ok(whole) } else { whole.tidied(zeros) }
    }

    /// Sorted, with duplicates summed in the order in which they are stored, and without zeros unless these are kept.
    fn tidied(&self, zeros: bool) -> Result<Self, SparseError> {
        let (mut indptr, mut indices, mut values) = (allocate::room(self.nrows + 1), Vec::new(), Vec::new());
        indptr.push(0);
        let mut row: Vec<(u32, usize)> = Vec::new();
        for i in 0..self.nrows {
            row.clear();
            let count = self.row_nnz(i);
            allocate::reserve(&mut row, count);
            double(&mut indices, count);
            double(&mut values, count);
            row.extend((self.indptr[i]..self.indptr[i + 1]).map(|e| (self.index(e), e)));
            row.sort_by_key(|&(j, _)| j);
            let mut rest = &row[..];
            while let Some(&(j, _)) = rest.first() {
                let count = rest.partition_point(|&(other, _)| other == j);
                let alike = rest[..count].iter().map(|&(_, e)| e);
                let sum = self.values.sum(alike).map_err(|value| SparseError::Inexact {
                    line: i,
                    index: j as usize,
                    value,
                })?;
                if zeros || sum != T::ZERO {
                    indices.push(j);
                    values.push(sum);
                }
                rest = &rest[count..];
            }
            indptr.push(indices.len());
        }
        Ok(Self::owned(self.ncols, indptr, indices, values))
    }

    /// From parts that are known to be in order.
    fn owned(ncols: usize, indptr: Vec<usize>, indices: Vec<u32>, values: Vec<T>) -> Self {
        Self {
            nrows: indptr.len() - 1,
            ncols,
            indptr: indptr.into(),
            indices: Any::U32(indices.into()),
            last: None,
            values: Numbers::Real(values.into()),
        }
    }

    /// The entries of a dense matrix that are not 0.
    pub fn of_dense(v: &Dense<T>) -> Csr<'static, T> {
        let (mut indptr, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
        for i in 0..v.nrows() {
            for (j, &x) in v.row(i).iter().enumerate().filter(|(_, x)| **x != T::ZERO) {
                indices.push(j as u32);
                values.push(x);
            }
            indptr.push(indices.len());
        }
        Csr::owned(v.ncols(), indptr, indices, values)
    }

    /// The same places with other values.
    ///
    /// # Panics
    /// If there are not as many.
    #[must_use]
    pub fn with_values<'b>(&'b self, values: &'b [T]) -> Csr<'b, T> {
        assert_eq!(values.len(), self.nnz(), "a value for each entry");
        Csr { values: Numbers::Real(values.into()), ..self.by_ref() }
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
        self.indptr[self.nrows] - self.indptr[0]
    }

    /// Entries over nrows·ncols; 0 for an empty matrix.
    pub fn density(&self) -> f64 {
        self.nnz() as f64 / (self.nrows as f64 * self.ncols as f64).max(1.0)
    }

    /// Bytes of the parts: those that are borrowed, and those that are not.
    pub fn bytes(&self) -> usize {
        let index = if matches!(self.indices, Any::I64(_) | Any::U64(_)) { 8 } else { 4 };
        let value = match &self.values {
            Numbers::Real(_) => size_of::<T>(),
            Numbers::I8(_) | Numbers::U8(_) => 1,
            Numbers::I16(_) | Numbers::U16(_) => 2,
            Numbers::I32(_) | Numbers::U32(_) => 4,
            Numbers::I64(_) | Numbers::U64(_) => 8,
        };
        self.indptr.len() * size_of::<usize>() + self.nnz() * (index + value)
    }

    /// Bytes of an entry in [`block`](Self::block)'s scratch: of its index and its value, unless they are read where they lie, which
    /// values that are `scaled` are not.
    pub fn unfolded_bytes(&self, scaled: bool) -> usize {
        let of = |folded: bool, bytes: usize| if folded { bytes } else { 0 };
        of(self.native().is_none(), size_of::<u32>())
            + of(scaled || self.values.native().is_none(), size_of::<T>())
    }

    /// Bytes of the parts that are the matrix's own copies.
    pub fn copied_bytes(&self) -> usize {
        let mut bytes = 0;
        if let Cow::Owned(x) = &self.indptr {
            bytes += size_of_val(&x[..]);
        }
        if let Any::U32(Cow::Owned(x)) = &self.indices {
            bytes += size_of_val(&x[..]);
        }
        if let Numbers::Real(Cow::Owned(x)) = &self.values {
            bytes += size_of_val(&x[..]);
        }
        bytes
    }

    /// The same matrix, borrowed.
    pub fn by_ref(&self) -> Csr<'_, T> {
        Csr {
            nrows: self.nrows,
            ncols: self.ncols,
            indptr: Cow::Borrowed(&self.indptr),
            indices: self.indices.by_ref(),
            last: self.last,
            values: self.values.by_ref(),
        }
    }

    /// The rows of `range`, without a copy.
    ///
    /// # Panics
    /// If the range does not lie inside the rows.
    pub fn rows(&self, range: Range<usize>) -> Csr<'_, T> {
        let indptr = &self.indptr[range.start..=range.end];
        let first = self.indptr[0];
        let entries = indptr[0] - first..indptr[range.len()] - first;
        Csr {
            nrows: range.len(),
            ncols: self.ncols,
            indptr: Cow::Borrowed(indptr),
            indices: self.indices.slice(entries.clone()),
            last: self.last,
            values: self.values.slice(entries),
        }
    }

    /// The entries of row `i` in the order of their columns.
    ///
    /// # Panics
    /// If `i` is out of range.
    pub fn row(&self, i: usize) -> impl ExactSizeIterator<Item = (usize, T)> + '_ {
        let first = self.indptr[0];
        let entries = self.indptr[i] - first..self.indptr[i + 1] - first;
        entries.map(|e| (self.index(e) as usize, self.values.at(e)))
    }

    /// Copies the entries of `range`, counted from the first entry of the first row on, times `scale`.
    ///
    /// # Panics
    /// If there are no such entries, or `out` has another length.
    ///
    /// ```
    /// use orthant_kernel::Csr;
    /// let v = Csr::<f32>::new(2, 3, &[0_i32, 2, 3][..], &[0_i32, 2, 2][..], &[1_u8, 2, 3][..])?;
    /// let mut out = [0.0; 2];
    /// v.copy_entries(1..3, 0.5, &mut out);
    /// assert_eq!(out, [1.0, 1.5]);
    /// # Ok::<(), orthant_kernel::SparseError>(())
    /// ```
    pub fn copy_entries(&self, range: Range<usize>, scale: T, out: &mut [T]) {
        assert_eq!(range.len(), out.len(), "a place for each entry");
        assert!(range.end <= self.nnz(), "{range:?} of {} entries", self.nnz());
        self.values.copy_to(range, scale, out);
    }

    /// The entries of row `i`, counted.
    ///
    /// # Panics
    /// If `i` is out of range.
    pub fn row_nnz(&self, i: usize) -> usize {
        self.indptr[i + 1] - self.indptr[i]
    }

    /// Entries in the rows of `range`.
    ///
    /// # Panics
    /// If the range does not lie inside the rows.
    pub fn range_nnz(&self, range: Range<usize>) -> usize {
        self.indptr[range.end] - self.indptr[range.start]
    }

    /// Entries in the rows before row `i`, which may be one beyond the last.
    ///
    /// # Panics
    /// If `i` is out of range.
    pub fn entries_before(&self, i: usize) -> usize {
        self.indptr[i] - self.indptr[0]
    }

    /// The transpose, in memory of its own.
    pub fn to_transposed(&self) -> Csr<'static, T> {
        let mut scratch = Unfolded::default();
        let mut indptr = usize::zeros(self.ncols + 1);
        for rows in self.parts() {
            for &j in self.block(rows, T::ONE, &mut scratch).indices {
                indptr[j as usize + 1] += 1;
            }
        }
        for j in 0..self.ncols {
            indptr[j + 1] += indptr[j];
        }
        let mut next = allocate::copied(&indptr[..self.ncols]);
        let (mut indices, mut values) = (u32::zeros(self.nnz()), T::zeros(self.nnz()));
        for rows in self.parts() {
            let block = self.block(rows.clone(), T::ONE, &mut scratch);
            for (i, of_block) in rows.zip(0..) {
                let (columns, entries) = block.row(of_block);
                for (&j, &x) in columns.iter().zip(entries) {
                    let to = &mut next[j as usize];
                    indices[*to] = i as u32;
                    values[*to] = x;
                    *to += 1;
                }
            }
        }
        Csr::owned(self.nrows, indptr, indices, values)
    }

    /// The index of entry `e`.
    fn index(&self, e: usize) -> u32 {
        (self.indices.at(e) as u32).min(self.last.unwrap_or(u32::MAX))
    }

    /// The indices, where kernels can read them in their place.
    fn native(&self) -> Option<&[u32]> {
        if self.last.is_some() { None } else { self.indices.native() }
    }

    /// Some rows at a time, of few entries.
    fn parts(&self) -> impl Iterator<Item = Range<usize>> + use<T> {
        let (nrows, step) = (self.nrows, 256);
        (0..nrows).step_by(step).map(move |first| first..nrows.min(first + step))
    }

    /// All entries, in a matrix that has the others too.
    ///
    /// # Panics
    /// If that cannot be held.
    pub fn to_dense(&self) -> Dense<T> {
        let mut out = Dense::zeros(self.nrows, self.ncols);
        for i in 0..self.nrows {
            for (j, x) in self.row(i) {
                out[(i, j)] = x;
            }
        }
        out
    }

    /// The rows of `range` as the kernels read them, times `scale`: where they lie, if they can be, or else unfolded in
    /// `scratch`, which grows to their size and is of use for as many entries from then on.
    ///
    /// # Panics
    /// If the range does not lie inside the rows.
    pub fn block<'b>(
        &'b self,
        range: Range<usize>,
        scale: T,
        scratch: &'b mut Unfolded<T>,
    ) -> SparseRows<'b, T> {
        let indptr = &self.indptr[range.start..=range.end];
        let first = self.indptr[0];
        let entries = indptr[0] - first..indptr[range.len()] - first;
        let Unfolded { indices, values } = scratch;
        let indices = match self.native() {
            Some(all) => &all[entries.clone()],
            None => {
                let out = room(indices, entries.len());
                self.indices.copy_to(entries.clone(), self.last.unwrap_or(u32::MAX), out);
                out
            }
        };
        let values = match self.values.native() {
            Some(all) if scale == T::ONE => &all[entries],
            _ => {
                let out = room(values, entries.len());
                self.values.copy_to(entries, scale, out);
                out
            }
        };
        SparseRows { indptr, indices, values, ncols: self.ncols }
    }

    /// Scratch for blocks of at most `entries` entries, times a scale that is 1 or not.
    pub fn scratch(&self, entries: usize, scaled: bool) -> Unfolded<T> {
        let of = |folded: bool| if folded { entries } else { 0 };
        Unfolded {
            indices: allocate::room(of(self.native().is_none())),
            values: allocate::room(of(scaled || self.values.native().is_none())),
        }
    }
}

/// Room for `more`, in steps that double what there is.
fn double<T>(x: &mut Vec<T>, more: usize) {
    if x.capacity() - x.len() < more {
        allocate::reserve(x, more.max(x.len()));
    }
}

/// Whether indices ascend strictly; the place of the first that is outside 0 to `bound` − 1.
fn ascending<I: Copy + Ord>(x: &[I], bound: usize) -> Result<bool, usize>
where
    i128: From<I>,
{
    let mut tidy = true;
    for (at, &i) in x.iter().enumerate() {
        let i = i128::from(i);
        if i < 0 || i >= bound as i128 {
            return Err(at);
        }
        tidy &= at == 0 || i128::from(x[at - 1]) < i;
    }
    Ok(tidy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries<T: Real>(v: &Csr<'_, T>) -> Vec<(usize, usize, T)> {
        (0..v.nrows()).flat_map(|i| v.row(i).map(move |(j, x)| (i, j, x)).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn every_type_of_index_and_value_gives_the_same_matrix() {
        let expected = vec![(0, 1, 2.0), (0, 3, 7.0), (2, 0, 1.0), (2, 3, 3.0)];
        let (p, i) = ([0_i32, 2, 2, 4], [1_i32, 3, 0, 3]);
        let p64: Vec<i64> = p.iter().map(|&x| x.into()).collect();
        let pu: Vec<usize> = p.iter().map(|&x| x as usize).collect();
        let i64s: Vec<i64> = i.iter().map(|&x| x.into()).collect();
        let u32s: Vec<u32> = i.iter().map(|&x| x as u32).collect();
        let u64s: Vec<u64> = i.iter().map(|&x| x as u64).collect();
        let us: Vec<usize> = i.iter().map(|&x| x as usize).collect();
        let x = [2.0_f64, 7.0, 1.0, 3.0];
        for v in [
            Csr::new(3, 4, &p[..], &i[..], &x[..]),
            Csr::new(3, 4, &p64[..], &i64s[..], &[2_i64, 7, 1, 3][..]),
            Csr::new(3, 4, &pu[..], &u32s[..], &[2_u8, 7, 1, 3][..]),
            Csr::new(3, 4, &pu[..], &u64s[..], &[2_u64, 7, 1, 3][..]),
            Csr::new(3, 4, pu.clone(), &us[..], &[2_i16, 7, 1, 3][..]),
            Csr::new(3, 4, pu.clone(), u32s.clone(), x.to_vec()),
        ] {
            let v = v.unwrap();
            assert_eq!(entries(&v), expected);
            let mut scratch = v.scratch(v.nnz(), false);
            for range in [0..3, 0..1, 1..2, 2..3, 1..3, 3..3] {
                for scale in [1.0, 0.5] {
                    let block = v.block(range.clone(), scale, &mut scratch);
                    let mut full = vec![f64::NAN; range.len() * 4];
                    block.unfold(&mut full);
                    for i in 0..range.len() {
                        let (indices, values) = block.row(i);
                        let row: Vec<_> =
                            indices.iter().zip(values).map(|(&j, &x)| (j as usize, x)).collect();
                        let plain: Vec<_> = v.row(range.start + i).map(|(j, x)| (j, x * scale)).collect();
                        assert_eq!(row, plain);
                        assert_eq!(block.rows(i..i + 1).row(0), (indices, values));
                        let of_full = full[i * 4..i * 4 + 4].iter().enumerate().filter(|(_, x)| **x != 0.0);
                        assert!(of_full.map(|(j, &x)| (j, x)).eq(plain));
                    }
                }
                let rows = v.rows(range.clone());
                assert_eq!(rows.nrows(), range.len());
                assert!((0..range.len()).all(|i| rows.row(i).eq(v.row(range.start + i))));
                assert_eq!(rows.to_transposed().to_transposed(), rows);
            }
            assert_eq!(v, Csr::of_dense(&v.to_dense()));
        }
    }

    #[test]
    fn only_what_is_out_of_order_is_copied() {
        let (p, i, x) = ([0_usize, 2, 3], [0_u32, 2, 1], [1.0_f32, 2.0, 3.0]);
        assert_eq!(Csr::<f32>::new(2, 3, &p[..], &i[..], &x[..]).unwrap().copied_bytes(), 0);
        let tidy = [(0, 0, 1.0), (0, 2, 2.0), (1, 1, 3.0)];
        for (i, x) in [
            (vec![2_u32, 0, 1], vec![2.0_f32, 1.0, 3.0]),
            (vec![2_u32, 0, 0, 2, 2, 1, 1, 0], vec![0.5_f32, 1.0, 0.0, 0.5, 1.0, 4.0, -1.0, -0.0]),
        ] {
            let p = [0, i.len() - if i.len() == 3 { 1 } else { 3 }, i.len()];
            let v = Csr::<f32>::new(2, 3, &p[..], &i[..], &x[..]).unwrap();
            assert_eq!(entries(&v), tidy);
            assert!(v.copied_bytes() > 0);
        }
    }

    #[test]
    fn corrupt_parts_are_refused() {
        let x = [1.0_f64; 3];
        let new = |p: &[i64], i: &[i64]| Csr::<f64>::new(2, 3, p, i, &x[..]).unwrap_err();
        assert_eq!(new(&[0, 3], &[0, 1, 2]), SparseError::IndptrLength { expected: 3, found: 2 });
        assert_eq!(new(&[1, 2, 3], &[0, 1, 2]), SparseError::IndptrStart);
        assert_eq!(new(&[0, 3, 2], &[0, 1, 2]), SparseError::IndptrFalls { line: 1 });
        assert_eq!(new(&[0, -1, 2], &[0, 1, 2]), SparseError::IndptrFalls { line: 1 });
        let expected = SparseError::Entries { expected: 4, indices: 3, values: 3 };
        assert_eq!(new(&[0, 2, 4], &[0, 1, 2]), expected);
        for (index, at) in [(3, 0), (-1, 1), (i64::MAX, 2), (1 << 32, 2)] {
            let mut i = [0, 1, 2];
            i[at] = index;
            let line = usize::from(at == 2);
            let expected = SparseError::Index { line, entry: at, index: index.into(), bound: 3 };
            assert_eq!(new(&[0, 2, 3], &i), expected);
        }
        let error = Csr::<f64>::new(1, 1, &[0_i32, 1][..], &[-5_i32][..], &x[..]).unwrap_err();
        assert_eq!(error.to_string(), "entry 0, in line 0, has index -5, outside 0 to 0");
        let large = [1_u64, (1 << 53) + 1];
        let error = Csr::<f64>::new(2, 3, &[0_usize, 1, 2][..], &[0_u32, 2][..], &large[..]).unwrap_err();
        assert_eq!(error, SparseError::Inexact { line: 1, index: 2, value: (1 << 53) + 1 });
        assert!(Csr::<f32>::new(1, 3, &[0_usize, 1][..], &[0_u32][..], &[(1 << 24) + 1_i32][..]).is_err());
        assert!(Csr::<f32>::new(1, 3, &[0_usize, 1][..], &[0_u32][..], &[1 << 30_i32][..]).is_ok());
        let wide = Csr::<f64>::new(0, (1 << 32) + 1, &[0_usize][..], &[0_u32][..], &x[..]);
        assert_eq!(wide.unwrap_err(), SparseError::TooLarge { lines: 0, length: (1 << 32) + 1 });
    }
}
