//! How many bytes numbers need.

use orthant::little_endian_bytes;

use crate::Scalar;

/// The type of an array that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    U8,
    U16,
    U32,
    I32,
    /// Of the precision of the numbers.
    Whole,
}

impl Width {
    /// For indices below `bound` ≤ 2³².
    pub fn of_indices(bound: usize) -> Self {
        match bound {
            0..=0x1_0000 => Self::U16,
            // what scipy works with
            0x1_0001..=0x8000_0000 => Self::I32,
            _ => Self::U32,
        }
    }

    /// numpy's name of it.
    pub fn descr<T>(self) -> String {
        match self {
            Self::U8 => "|u1".into(),
            Self::U16 => "<u2".into(),
            Self::U32 => "<u4".into(),
            Self::I32 => "<i4".into(),
            Self::Whole => format!("<f{}", size_of::<T>()),
        }
    }

    /// Bytes of indices.
    pub fn indices(self, from: &[u32], to: &mut Vec<u8>) {
        to.clear();
        match self {
            Self::U16 => to.extend(from.iter().flat_map(|&i| (i as u16).to_le_bytes())),
            _ => to.extend(from.iter().flat_map(|&i| i.to_le_bytes())),
        }
    }

    /// Bytes of values that it holds.
    pub fn values<T: Scalar>(self, from: &[T], to: &mut Vec<u8>) {
        to.clear();
        let whole = from.iter().map(|x| x.to_f64());
        match self {
            Self::U8 => to.extend(whole.map(|x| x as u8)),
            Self::U16 => to.extend(whole.flat_map(|x| (x as u16).to_le_bytes())),
            Self::U32 | Self::I32 => to.extend(whole.flat_map(|x| (x as u32).to_le_bytes())),
            Self::Whole => to.extend_from_slice(&little_endian_bytes(from)),
        }
    }
}

/// What the widths of values follow from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    whole: bool,
    largest: f64,
}

impl Default for Found {
    fn default() -> Self {
        Self { whole: true, largest: 0.0 }
    }
}

impl Found {
    /// With these values.
    pub fn add<T: Scalar>(&mut self, values: &[T]) {
        for x in values {
            let x = x.to_f64();
            // NaN and what is negative are not; nor is -0.0, whose sign would be lost
            self.whole &= x >= 0.0 && x.fract() == 0.0 && x.is_sign_positive();
            self.largest = self.largest.max(x);
        }
    }

    pub fn width(self) -> Width {
        match self {
            Self { whole: true, largest } if largest <= f64::from(u8::MAX) => Width::U8,
            Self { whole: true, largest } if largest <= f64::from(u16::MAX) => Width::U16,
            Self { whole: true, largest } if largest <= f64::from(u32::MAX) => Width::U32,
            _ => Width::Whole,
        }
    }
}
