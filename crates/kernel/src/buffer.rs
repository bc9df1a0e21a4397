//! Memory that begins at a cache line.

use std::ops::{Deref, DerefMut};

use crate::Real;

/// Numbers of which the first begins a cache line (64 bytes), so that rows of whole registers are not split between
/// two. A slice otherwise.
///
/// ```
/// use orthant_kernel::Buffer;
/// let mut x = Buffer::from(vec![1.0_f32, 2.0, 3.0]);
/// assert_eq!(x.as_ptr().align_offset(64), 0);
/// x[1] = 5.0;
/// assert_eq!(Vec::from(x), [1.0, 5.0, 3.0]);
/// ```
#[derive(Debug, Default)]
pub struct Buffer<T> {
    data: Vec<T>,
    start: usize,
    len: usize,
}

const LINE: usize = 64;

impl<T: Real> Buffer<T> {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        if len == 0 {
            return Self::default();
        }
        let data = vec![T::ZERO; len + LINE / size_of::<T>()];
        let start = data.as_ptr().align_offset(LINE).min(LINE / size_of::<T>());
        Self { data, start, len }
    }

    /// A vector of `len` zeros with room to become a buffer where it lies, without being copied to another place.
    ///
    /// ```
    /// use orthant_kernel::Buffer;
    /// let x = Buffer::<f64>::roomy(3);
    /// let at = x.as_ptr() as usize;
    /// assert!(Buffer::from(x).as_ptr() as usize - at < 64);
    /// ```
    pub fn roomy(len: usize) -> Vec<T> {
        let mut x = vec![T::ZERO; len + LINE / size_of::<T>()];
        x.truncate(len);
        x
    }

    /// Bytes that a buffer of `len` numbers takes, or a vector with room to become one.
    pub const fn bytes(len: usize) -> usize {
        if len == 0 { 0 } else { len * size_of::<T>() + LINE }
    }
}

impl<T: Real> From<&[T]> for Buffer<T> {
    fn from(x: &[T]) -> Self {
        let mut out = Self::zeros(x.len());
        out.copy_from_slice(x);
        out
    }
}

impl<T: Real> From<Vec<T>> for Buffer<T> {
    fn from(mut data: Vec<T>) -> Self {
        let len = data.len();
        data.reserve_exact(LINE / size_of::<T>());
        data.resize(len + LINE / size_of::<T>(), T::ZERO);
        let start = data.as_ptr().align_offset(LINE).min(LINE / size_of::<T>());
        data.copy_within(..len, start);
        Self { data, start, len }
    }
}

impl<T: Real> From<Buffer<T>> for Vec<T> {
    fn from(Buffer { mut data, start, len }: Buffer<T>) -> Self {
        data.copy_within(start..start + len, 0);
        data.truncate(len);
        data
    }
}

impl<T: Real> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        // another address, another start
        Self::from(&self[..])
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.data[self.start..self.start + self.len]
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.data[self.start..self.start + self.len]
    }
}

impl<'a, T> IntoIterator for &'a Buffer<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
