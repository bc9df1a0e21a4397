//! Memory that begins at a cache line.

use std::alloc::{Layout, alloc_zeroed};
use std::ops::{Deref, DerefMut};
use std::panic::resume_unwind;

use crate::{Real, allocate};

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
///
/// # Panics
/// Where the system has not the memory: the payload is an [`OutOfMemory`], and no message is printed.
#[derive(Debug, Default)]
pub struct Buffer<T> {
    data: Vec<T>,
    start: usize,
    len: usize,
}

const LINE: usize = 64;

/// An allocation that failed: what a panic of it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory {
    /// Bytes that were asked for.
    pub bytes: usize,
}

impl OutOfMemory {
    /// Unwinds without a message: whoever runs solvers makes an error of it.
    pub(crate) fn unwind(bytes: usize) -> ! {
        allocate::give_back();
        resume_unwind(Box::new(Self { bytes }))
    }
}

/// What is all zero where its bytes are.
pub trait Zero: Copy {
    /// `len` zeros, as `vec!` makes them.
    ///
    /// # Panics
    /// Where the system has not the memory: the payload is an [`OutOfMemory`].
    fn zeros(len: usize) -> Vec<Self> {
        zeros(len)
    }
}

impl Zero for u32 {}
impl Zero for usize {}
impl Zero for f32 {}
impl Zero for f64 {}

/// `len` zeros, as `vec!` makes them, or the unwinding of an [`OutOfMemory`] in place of the process's end.
fn zeros<T: Zero>(len: usize) -> Vec<T> {
    let layout = Layout::array::<T>(len).unwrap_or_else(|_| OutOfMemory::unwind(usize::MAX));
    if layout.size() == 0 {
        return Vec::new();
    }
    // SAFETY: the layout's size is not 0.
    let data = unsafe { alloc_zeroed(layout) }.cast::<T>();
    if data.is_null() {
        OutOfMemory::unwind(layout.size());
    }
    // SAFETY: the global allocator has made room for `len` elements of T at once, and zeros are a T each.
    let zeros = unsafe { Vec::from_raw_parts(data, len, len) };
    if !allocate::leaves_room(layout.size()) {
        drop(zeros);
        OutOfMemory::unwind(layout.size());
    }
    zeros
}

impl<T: Real> Buffer<T> {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        if len == 0 {
            return Self::default();
        }
        let data = T::zeros(len + LINE / size_of::<T>());
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
        let mut x = T::zeros(len + LINE / size_of::<T>());
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
        let more = LINE / size_of::<T>();
        data.try_reserve_exact(more).unwrap_or_else(|_| OutOfMemory::unwind((len + more) * size_of::<T>()));
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
