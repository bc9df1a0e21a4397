//! The borrowed parts of a compressed matrix: offsets, indices and values of the types that other libraries keep.

use std::borrow::Cow;
use std::ops::Range;

use crate::{Real, allocate};

/// Where each row begins among the entries, and where the last one ends: scipy's `indptr`, as machine words.
#[derive(Clone, Debug)]
pub struct Indptr<'a>(pub(super) Cow<'a, [usize]>);

/// The column of each entry: scipy's `indices`.
#[derive(Clone, Debug)]
pub struct Indices<'a> {
    pub(super) all: Any<'a>,
    pub(super) shared: bool,
}

impl<'a> Indices<'a> {
    fn of(all: Any<'a>) -> Self {
        Self { all, shared: false }
    }

    /// The same, in memory that somebody else may write to meanwhile: an index that is changed to one outside the matrix after
    /// it has been checked is read as the last column, so that nothing beside the matrix is read or written by it. What the entries
    /// then say is another matter.
    ///
    /// Blocks of them are copied before they are read.
    ///
    /// ```
    /// use orthant_kernel::{Csr, Indices, Unfolded};
    /// let indices = Indices::from(&[0_i32, 2][..]).shared();
    /// let v = Csr::<f32>::new(1, 3, &[0_usize, 2][..], indices, &[1.0_f32, 2.0][..])?;
    /// assert_eq!(v.block(0..1, 1.0, &mut Unfolded::default()).indices(), [0, 2]);
    /// # Ok::<(), orthant_kernel::SparseError>(())
    /// ```
    #[must_use]
    pub fn shared(self) -> Self {
        Self { shared: true, ..self }
    }
}

/// Indices of one of four types. Owned ones are always `u32`.
#[derive(Clone, Debug)]
pub(super) enum Any<'a> {
    I32(&'a [i32]),
    I64(&'a [i64]),
    U32(Cow<'a, [u32]>),
    U64(&'a [u64]),
}

/// The entries: scipy's `data`. Numbers of the element type are read where they lie; integers are widened as they are
/// read.
#[derive(Clone, Debug)]
pub struct Values<'a, T: Real>(pub(super) Numbers<'a, T>);

#[derive(Clone, Debug)]
pub(super) enum Numbers<'a, T: Real> {
    Real(Cow<'a, [T]>),
    I8(&'a [i8]),
    I16(&'a [i16]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    U8(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
    U64(&'a [u64]),
}

/// A number that is no offset: negative, or more than the machine can address.
const NO_OFFSET: usize = usize::MAX;

macro_rules! indptr {
    ($($t:ty),*) => {$(
        impl<'a> From<&'a [$t]> for Indptr<'a> {
            fn from(x: &'a [$t]) -> Self {
                Self(Cow::Owned(allocate::collected(x.iter().map(|&i| usize::try_from(i).unwrap_or(NO_OFFSET)))))
            }
        }
    )*};
}

indptr!(i32, i64, u32, u64);

impl<'a> From<&'a [usize]> for Indptr<'a> {
    fn from(x: &'a [usize]) -> Self {
        Self(x.into())
    }
}

impl From<Vec<usize>> for Indptr<'_> {
    fn from(x: Vec<usize>) -> Self {
        Self(x.into())
    }
}

impl<'a> From<&'a [i32]> for Indices<'a> {
    fn from(x: &'a [i32]) -> Self {
        Self::of(Any::I32(x))
    }
}

impl<'a> From<&'a [i64]> for Indices<'a> {
    fn from(x: &'a [i64]) -> Self {
        Self::of(Any::I64(x))
    }
}

impl<'a> From<&'a [u32]> for Indices<'a> {
    fn from(x: &'a [u32]) -> Self {
        Self::of(Any::U32(x.into()))
    }
}

impl<'a> From<&'a [u64]> for Indices<'a> {
    fn from(x: &'a [u64]) -> Self {
        Self::of(Any::U64(x))
    }
}

impl<'a> From<&'a [usize]> for Indices<'a> {
    fn from(x: &'a [usize]) -> Self {
        #[cfg(target_pointer_width = "64")]
        return Self::of(Any::U64(bytemuck::cast_slice(x)));
        #[cfg(not(target_pointer_width = "64"))]
        return Self::of(Any::U32(Cow::Borrowed(bytemuck::cast_slice(x))));
    }
}

impl From<Vec<u32>> for Indices<'_> {
    fn from(x: Vec<u32>) -> Self {
        Self::of(Any::U32(x.into()))
    }
}

impl Any<'_> {
    pub fn len(&self) -> usize {
        match self {
            Self::I32(x) => x.len(),
            Self::I64(x) => x.len(),
            Self::U32(x) => x.len(),
            Self::U64(x) => x.len(),
        }
    }

    /// The index of entry `e`.
    pub fn at(&self, e: usize) -> i128 {
        match self {
            Self::I32(x) => x[e].into(),
            Self::I64(x) => x[e].into(),
            Self::U32(x) => x[e].into(),
            Self::U64(x) => x[e].into(),
        }
    }

    /// The same indices, borrowed.
    pub fn by_ref(&self) -> Any<'_> {
        match self {
            Self::I32(x) => Any::I32(x),
            Self::I64(x) => Any::I64(x),
            Self::U32(x) => Any::U32(Cow::Borrowed(x)),
            Self::U64(x) => Any::U64(x),
        }
    }

    /// Those of the entries in `range`.
    pub fn slice(&self, range: Range<usize>) -> Any<'_> {
        match self {
            Self::I32(x) => Any::I32(&x[range]),
            Self::I64(x) => Any::I64(&x[range]),
            Self::U32(x) => Any::U32(Cow::Borrowed(&x[range])),
            Self::U64(x) => Any::U64(&x[range]),
        }
    }

    /// As they are read by the kernels, if they lie so. They must have been found to be below 2³².
    pub fn native(&self) -> Option<&[u32]> {
        match self {
            // an i32 of at least 0 has the bits of a u32
            Self::I32(x) => Some(bytemuck::cast_slice(x)),
            Self::U32(x) => Some(x),
            Self::I64(_) | Self::U64(_) => None,
        }
    }

    /// Copies those of the entries in `range`, which are below 2³², as no more than `last`.
    pub fn copy_to(&self, range: Range<usize>, last: u32, out: &mut [u32]) {
        fn each<I: Copy>(from: &[I], out: &mut [u32], index: impl Fn(I) -> u32) {
            out.iter_mut().zip(from).for_each(|(out, &i)| *out = index(i));
        }
        match self {
            Self::I32(x) => each(&x[range], out, |i| (i as u32).min(last)),
            Self::I64(x) => each(&x[range], out, |i| (i as u32).min(last)),
            Self::U32(x) => each(&x[range], out, |i| i.min(last)),
            Self::U64(x) => each(&x[range], out, |i| (i as u32).min(last)),
        }
    }
}

macro_rules! values {
    ($($t:ty: $kind:ident),*) => {$(
        impl<'a, T: Real> From<&'a [$t]> for Values<'a, T> {
            fn from(x: &'a [$t]) -> Self {
                Self(Numbers::$kind(x))
            }
        }
    )*};
}

values!(i8: I8, i16: I16, i32: I32, i64: I64, u8: U8, u16: U16, u32: U32, u64: U64);

macro_rules! real_values {
    ($($t:ty),*) => {$(
        impl<'a> From<&'a [$t]> for Values<'a, $t> {
            fn from(x: &'a [$t]) -> Self {
                Self(Numbers::Real(x.into()))
            }
        }
    )*};
}

real_values!(f32, f64);

impl<T: Real> From<Vec<T>> for Values<'_, T> {
    fn from(x: Vec<T>) -> Self {
        Self(Numbers::Real(x.into()))
    }
}

impl<'a, T: Real> Values<'a, T> {
    /// Numbers of the element type.
    pub fn real(x: &'a [T]) -> Self {
        Self(Numbers::Real(x.into()))
    }
}

/// Does the same for each kind of integers.
macro_rules! each {
    ($self:expr, $real:ident => $with_real:expr, $x:ident => $with:expr) => {
        match $self {
            Numbers::Real($real) => $with_real,
            Numbers::I8($x) => $with,
            Numbers::I16($x) => $with,
            Numbers::I32($x) => $with,
            Numbers::I64($x) => $with,
            Numbers::U8($x) => $with,
            Numbers::U16($x) => $with,
            Numbers::U32($x) => $with,
            Numbers::U64($x) => $with,
        }
    };
}

impl<T: Real> Numbers<'_, T> {
    pub fn len(&self) -> usize {
        each!(self, x => x.len(), x => x.len())
    }

    /// Entry `e`.
    pub fn at(&self, e: usize) -> T {
        // widening as `copy_to`
        each!(self, x => x[e], x => T::from_f64(x[e] as f64))
    }

    /// Whether one of them is 0.
    pub fn has_zero(&self) -> bool {
        each!(self, x => x.contains(&T::ZERO), x => x.contains(&0))
    }

    /// The first entry, if there is one, that the element type does not hold exactly.
    pub fn inexact(&self) -> Option<(usize, i128)> {
        each!(self, _x => None, x => {
            let exact = |&x: &_| T::from_f64(x as f64).to_f64() as i128 == i128::from(x);
            x.iter().position(|x| !exact(x)).map(|e| (e, i128::from(x[e])))
        })
    }

    /// Sum of some entries: one after the other, or exactly, if they are integers.
    ///
    /// # Errors
    /// The sum of integers that the element type does not hold.
    pub fn sum(&self, mut entries: impl Iterator<Item = usize>) -> Result<T, i128> {
        each!(
            self,
            x => {
                let first = entries.next().map_or(T::ZERO, |e| x[e]);
                Ok(entries.fold(first, |sum, e| sum + x[e]))
            },
            x => {
                let sum: i128 = entries.map(|e| i128::from(x[e])).sum();
                let near = T::from_f64(sum as f64);
                if near.to_f64() as i128 == sum { Ok(near) } else { Err(sum) }
            }
        )
    }

    /// The same numbers, borrowed.
    pub fn by_ref(&self) -> Numbers<'_, T> {
        self.slice(0..self.len())
    }

    /// Those in `range`.
    pub fn slice(&self, range: Range<usize>) -> Numbers<'_, T> {
        match self {
            Self::Real(x) => Numbers::Real(Cow::Borrowed(&x[range])),
            Self::I8(x) => Numbers::I8(&x[range]),
            Self::I16(x) => Numbers::I16(&x[range]),
            Self::I32(x) => Numbers::I32(&x[range]),
            Self::I64(x) => Numbers::I64(&x[range]),
            Self::U8(x) => Numbers::U8(&x[range]),
            Self::U16(x) => Numbers::U16(&x[range]),
            Self::U32(x) => Numbers::U32(&x[range]),
            Self::U64(x) => Numbers::U64(&x[range]),
        }
    }

    /// As they are, if they are of the element type.
    pub fn native(&self) -> Option<&[T]> {
        match self {
            Self::Real(x) => Some(x),
            _ => None,
        }
    }

    /// Copies those in `range`, times `scale`.
    pub fn copy_to(&self, range: Range<usize>, scale: T, out: &mut [T]) {
        each!(
            self,
            x => out.iter_mut().zip(&x[range]).for_each(|(o, &x)| *o = x * scale),
            x => out.iter_mut().zip(&x[range]).for_each(|(o, &x)| *o = T::from_f64(x as f64) * scale)
        );
    }
}
