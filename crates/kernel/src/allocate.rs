//! Vectors whose length data or options decide: where the system has not the memory, an unwinding that solvers make an error of,
//! in place of the process's end.

use std::hint::black_box;
use std::sync::{Mutex, PoisonError};

use crate::OutOfMemory;

/// Bytes that an allocation is to leave: for the small ones that follow it and cannot fail, an error's among them.
pub const ROOM: usize = 32 << 10;

/// What an unwinding takes where nothing is left at all.
static SET_ASIDE: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Sets a little memory aside for the unwinding of an allocation that fails: to be called before such allocations begin. Whether there is
/// so much.
///
/// ```
/// assert!(orthant_kernel::allocate::set_aside());
/// ```
pub fn set_aside() -> bool {
    const LITTLE: usize = 4096;
    SET_ASIDE.lock().unwrap_or_else(PoisonError::into_inner).try_reserve_exact(LITTLE).is_ok()
}

/// Leaves that to whoever allocates next.
pub(crate) fn give_back() {
    *SET_ASIDE.lock().unwrap_or_else(PoisonError::into_inner) = Vec::new();
}

/// Whether [`ROOM`] bytes can still be allocated after an allocation of `bytes`, if that was large enough to matter.
pub(crate) fn leaves_room(bytes: usize) -> bool {
    const LARGE: usize = 8 << 10;
    // compilers leave out what nobody looks at
    bytes < LARGE || black_box(&mut Vec::<u8>::new()).try_reserve_exact(ROOM).is_ok()
}

/// Nothing yet, with room for `len` elements.
///
/// ```
/// use orthant_kernel::allocate;
/// assert!(allocate::room::<f64>(10).capacity() >= 10);
/// ```
///
/// # Panics
/// Where the system has not the memory: the payload is an [`OutOfMemory`].
pub fn room<T>(len: usize) -> Vec<T> {
    let mut out = Vec::new();
    reserve(&mut out, len);
    out
}

/// Makes room for `more` elements.
///
/// ```
/// use orthant_kernel::allocate;
/// let mut x = vec![1.0];
/// allocate::reserve(&mut x, 10);
/// assert!(x.capacity() >= 11);
/// ```
///
/// # Panics
/// Where the system has not the memory: the payload is an [`OutOfMemory`].
pub fn reserve<T>(x: &mut Vec<T>, more: usize) {
    let bytes = more.saturating_mul(size_of::<T>());
    if x.try_reserve_exact(more).is_err() || !leaves_room(bytes) {
        x.shrink_to_fit();
        OutOfMemory::unwind(bytes);
    }
}

/// `len` times `value`.
///
/// ```
/// use orthant_kernel::allocate;
/// assert_eq!(allocate::filled(3, 0.5), [0.5, 0.5, 0.5]);
/// ```
///
/// # Panics
/// Where the system has not the memory: the payload is an [`OutOfMemory`].
pub fn filled<T: Clone>(len: usize, value: T) -> Vec<T> {
    let mut out = room(len);
    out.resize(len, value);
    out
}

/// A copy.
///
/// ```
/// use orthant_kernel::allocate;
/// assert_eq!(allocate::copied(&[1.0, 2.0]), [1.0, 2.0]);
/// ```
///
/// # Panics
/// Where the system has not the memory: the payload is an [`OutOfMemory`].
pub fn copied<T: Clone>(x: &[T]) -> Vec<T> {
    let mut out = room(x.len());
    out.extend_from_slice(x);
    out
}

/// What an iterator gives, that says how much it is at least.
///
/// ```
/// use orthant_kernel::allocate;
/// assert_eq!(allocate::collected((0..3).map(f64::from)), [0.0, 1.0, 2.0]);
/// ```
///
/// # Panics
/// Where the system has not the memory: the payload is an [`OutOfMemory`].
pub fn collected<T>(x: impl Iterator<Item = T>) -> Vec<T> {
    let mut out = room(x.size_hint().0);
    out.extend(x);
    out
}

/// A vector of `len` elements, which may have to grow, by `value`.
///
/// ```
/// use orthant_kernel::allocate;
/// let mut x = vec![1.0];
/// allocate::resize(&mut x, 3, 0.0);
/// assert_eq!(x, [1.0, 0.0, 0.0]);
/// ```
///
/// # Panics
/// Where the system has not the memory: the payload is an [`OutOfMemory`].
pub fn resize<T: Clone>(x: &mut Vec<T>, len: usize, value: T) {
    reserve(x, len.saturating_sub(x.len()));
    x.resize(len, value);
}
