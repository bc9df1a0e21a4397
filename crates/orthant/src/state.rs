//! What changes between iterations, as bytes: what a [checkpoint](crate::Checkpoint) keeps of a fit.
//!
//! A value is restored in place, over one that was made in the same way: what follows from the data and the options is not
//! kept, and sizes that differ are an error. Numbers are little-endian; an element of a factor has its own width.

use orthant_kernel::rows::Step;
use orthant_kernel::{Buffer, Real};

use crate::Error;

/// A value that can be saved and restored.
pub(crate) trait State {
    /// Appends it.
    fn save(&self, to: &mut Vec<u8>);

    /// Takes it from the front of `from`.
    ///
    /// # Errors
    /// [`Error::CheckpointMismatch`], if that is cut short or of another size.
    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Error>;
}

/// Implements [`State`] for a struct, by some of its fields in this order.
macro_rules! state {
    ($type:ident $(<$t:ident>)?: $($field:ident),+) => {
        impl $(<$t: orthant_kernel::Real>)? $crate::state::State for $type $(<$t>)? {
            fn save(&self, to: &mut Vec<u8>) {
                $($crate::state::State::save(&self.$field, to);)+
            }

            fn restore(&mut self, from: &mut &[u8]) -> Result<(), $crate::Error> {
                $($crate::state::State::restore(&mut self.$field, from)?;)+
                Ok(())
            }
        }
    };
}
pub(crate) use state;

/// A checkpoint that says something else than it can have been saved with.
pub(crate) fn damaged(reason: impl Into<String>) -> Error {
    Error::CheckpointMismatch { reason: format!("it is damaged: {}", reason.into()) }
}

/// The next bytes.
fn take<'a>(from: &mut &'a [u8], count: usize) -> Result<&'a [u8], Error> {
    let (bytes, rest) = from.split_at_checked(count).ok_or_else(|| damaged("its state is cut short"))?;
    *from = rest;
    Ok(bytes)
}

fn array<const N: usize>(from: &mut &[u8]) -> Result<[u8; N], Error> {
    Ok(take(from, N)?.try_into().expect("as many as were taken"))
}

macro_rules! number {
    ($($t:ty as $stored:ty),*) => {$(
        impl State for $t {
            fn save(&self, to: &mut Vec<u8>) {
                to.extend((*self as $stored).to_le_bytes());
            }

            fn restore(&mut self, from: &mut &[u8]) -> Result<(), Error> {
                *self = <$stored>::from_le_bytes(array(from)?) as $t;
                Ok(())
            }
        }
    )*};
}

number!(u32 as u32, u64 as u64, usize as u64, f32 as f32, f64 as f64);

impl State for bool {
    fn save(&self, to: &mut Vec<u8>) {
        to.push(u8::from(*self));
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        *self = match array(from)? {
            [0] => false,
            [1] => true,
            _ => return Err(damaged("what should be yes or no is neither")),
        };
        Ok(())
    }
}

impl<S: State + Default> State for Option<S> {
    fn save(&self, to: &mut Vec<u8>) {
        self.is_some().save(to);
        if let Some(value) = self {
            value.save(to);
        }
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        let mut there = false;
        there.restore(from)?;
        *self = if there { Some(S::default()) } else { None };
        self.as_mut().map_or(Ok(()), |value| value.restore(from))
    }
}

impl State for Step {
    fn save(&self, to: &mut Vec<u8>) {
        (self.violation, self.movement).save(to);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        self.violation.restore(from)?;
        self.movement.restore(from)
    }
}

impl<A: State, B: State> State for (A, B) {
    fn save(&self, to: &mut Vec<u8>) {
        self.0.save(to);
        self.1.save(to);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        self.0.restore(from)?;
        self.1.restore(from)
    }
}

/// Restores the sum of the last pass, which an accumulator of `idle` becomes.
pub(crate) fn restore_sums<S: State>(
    sums: &mut Option<S>,
    idle: impl FnOnce() -> S,
    from: &mut &[u8],
) -> Result<(), Error> {
    sums.get_or_insert_with(idle).restore(from)
}

/// Saves what is there by the way that a value was made.
pub(crate) fn save_made<S: State>(made: Option<&S>, to: &mut Vec<u8>) {
    if let Some(made) = made {
        made.save(to);
    }
}

/// Restores what is there by the way that a value was made.
pub(crate) fn restore_made<S: State>(made: Option<&mut S>, from: &mut &[u8]) -> Result<(), Error> {
    made.map_or(Ok(()), |made| made.restore(from))
}

/// Appends elements in their own width.
pub(crate) fn save_elements<T: Real>(x: &[T], to: &mut Vec<u8>) {
    to.reserve(size_of_val(x));
    match size_of::<T>() {
        4 => x.iter().for_each(|x| to.extend((x.to_f64() as f32).to_le_bytes())),
        _ => x.iter().for_each(|x| to.extend(x.to_f64().to_le_bytes())),
    }
}

/// Takes as many elements from the front of `from`.
///
/// # Errors
/// [`Error::CheckpointMismatch`] where that is cut short.
pub(crate) fn elements<T: Real>(x: &mut [T], from: &mut &[u8]) -> Result<(), Error> {
    let bytes = take(from, size_of_val(x))?;
    for (x, bytes) in x.iter_mut().zip(bytes.chunks_exact(size_of::<T>())) {
        *x = match *bytes {
            [a, b, c, d] => T::from_f64(f64::from(f32::from_le_bytes([a, b, c, d]))),
            _ => T::from_f64(f64::from_le_bytes(bytes.try_into().expect("four bytes or eight"))),
        };
    }
    Ok(())
}

/// Elements, in their own width.
impl<T: Real> State for [T] {
    fn save(&self, to: &mut Vec<u8>) {
        self.len().save(to);
        save_elements(self, to);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        let mut len = 0_usize;
        len.restore(from)?;
        if len != self.len() {
            return Err(damaged(format!("{len} numbers where there are {}", self.len())));
        }
        elements(self, from)
    }
}

impl<T: Real> State for Vec<T> {
    fn save(&self, to: &mut Vec<u8>) {
        self[..].save(to);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        self[..].restore(from)
    }
}

impl<T: Real> State for Buffer<T> {
    fn save(&self, to: &mut Vec<u8>) {
        self[..].save(to);
    }

    fn restore(&mut self, from: &mut &[u8]) -> Result<(), Error> {
        self[..].restore(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Both {
        count: usize,
        yes: bool,
        rows: Vec<f32>,
        last: Option<f64>,
    }

    state!(Both: count, yes, rows, last);

    fn both() -> Both {
        Both { count: 7, yes: true, rows: vec![1.5, f32::MIN_POSITIVE / 8.0], last: Some(-0.0) }
    }

    #[test]
    fn what_is_restored_is_what_was_saved() {
        let mut bytes = Vec::new();
        both().save(&mut bytes);
        let mut other = Both { rows: vec![0.0; 2], ..Both::default() };
        let mut from = &bytes[..];
        other.restore(&mut from).unwrap();
        assert_eq!((other, from.len()), (both(), 0));
    }

    #[test]
    fn what_is_cut_short_or_of_another_size_is_an_error() {
        let mut bytes = Vec::new();
        both().save(&mut bytes);
        for len in 0..bytes.len() {
            let mut other = Both { rows: vec![0.0; 2], ..Both::default() };
            assert!(other.restore(&mut &bytes[..len]).is_err(), "{len} bytes");
        }
        let mut other = Both { rows: vec![0.0; 3], ..Both::default() };
        assert!(other.restore(&mut &bytes[..]).is_err());
    }
}
