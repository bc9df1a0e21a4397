//! Arrays of integers: indices and shapes.

use std::io::Read;
use std::path::Path;

use super::decode::{Body, CHUNK};
use super::header::{Header, Kind};
use crate::IoError;

/// Reads all elements that follow `header`, which must be integers that an `I` can be.
pub(crate) fn read_integers<I: TryFrom<i128>>(
    input: &mut impl Read,
    header: &Header,
    len: Option<u64>,
    path: &Path,
) -> Result<Vec<I>, IoError> {
    let corrupt = |reason| IoError::Corrupt { path: path.to_owned(), format: "npy", reason };
    if !matches!(header.kind, Kind::Int(_) | Kind::Uint(_)) {
        return Err(corrupt("these must be integers".to_owned()));
    }
    let mut body = Body::open(input, header, len, size_of::<I>(), path)?;
    let (mut out, count) = (body.vector(len)?, body.count);
    let width = header.width();
    let mut buffer = vec![0_u8; CHUNK.min(count * width)];
    while out.len() < count {
        let n = (CHUNK / width).min(count - out.len());
        out.try_reserve(n).map_err(|_| body.too_large())?;
        let bytes = &mut buffer[..n * width];
        body.take(bytes)?;
        if header.big_endian {
            bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
        }
        macro_rules! append {
            ($t:ty) => {
                for &b in bytes.as_chunks::<{ size_of::<$t>() }>().0 {
                    let x = <$t>::from_le_bytes(b);
                    let fits = I::try_from(i128::from(x));
                    out.push(fits.map_err(|_| corrupt(format!("element {} is {x}", out.len())))?);
                }
            };
        }
        match header.kind {
            Kind::Int(1) => append!(i8),
            Kind::Int(2) => append!(i16),
            Kind::Int(4) => append!(i32),
            Kind::Int(_) => append!(i64),
            Kind::Uint(1) => append!(u8),
            Kind::Uint(2) => append!(u16),
            Kind::Uint(4) => append!(u32),
            _ => append!(u64),
        }
    }
    Ok(out)
}
