//! What is read from its file in each pass, because it is more than memory has room for.

use std::path::Path;

use orthant::available_memory;
use orthant_io::{AnyTable, Extent, IoError, Order, Scalar, Source};

use crate::args::ReadArgs;
use crate::failure::size;
use crate::{Failure, say};

/// Bytes of data that are loaded without a word, whatever there is room for.
const LITTLE: usize = 1 << 20;

/// Copies of both factors that are held at most.
const COPIES: usize = 8;

/// The most bytes of data that are loaded beside factors with `rank` components: as many as may be taken, or as can be had.
pub fn room<T>(limit: Option<usize>, source: &Source<'_>, rank: usize) -> usize {
    let factors = source.extent().map_or(0, |Extent { rows, cols, .. }| {
        let lines = usize::try_from(rows.saturating_add(cols)).unwrap_or(usize::MAX);
        lines.saturating_mul(rank).saturating_mul(COPIES * size_of::<T>())
    });
    let had = || available_memory().map_or(usize::MAX, |bytes| bytes.saturating_sub(factors));
    limit.unwrap_or_else(had)
}

/// Reads a matrix, or leaves it in its file if it takes more than `room` bytes; but not where it is needed in memory, which depends on
/// its order.
pub fn read<T: Scalar>(
    args: &ReadArgs,
    path: &Path,
    source: Source<'_>,
    room: usize,
    is_needed: impl Fn(Order) -> bool,
) -> Result<AnyTable<T>, IoError> {
    let bytes = source.extent().map_or(0, bytes::<T>);
    let loaded = !source.stays_in_file::<T>(room)?;
    let table = args.turned(path, source.read_within(room)?);
    if loaded && bytes > room.max(LITTLE) && !is_needed(Order::RowMajor) {
        say::note(&format!(
            "{}: {} are loaded, and there is room for {}; of a file that `orthant convert` writes they are read in each pass",
            path.display(),
            size(bytes),
            size(room)
        ));
    }
    match table {
        AnyTable::OutOfCore(file) if is_needed(file.order()) => file.load(),
        table => Ok(table),
    }
}

/// A matrix that several ranks read from its file, each its own lines.
pub fn shared<T: Scalar>(args: &ReadArgs, path: &Path, source: Source<'_>) -> Result<AnyTable<T>, Failure> {
    match args.turned(path, source.read_within(0)?) {
        table @ AnyTable::OutOfCore(_) => Ok(table),
        _ => Err(Failure::Run(format!(
            "{}: several ranks read a file some lines at a time, and this one is read as a whole: `orthant convert` writes one that \
             they can share",
            path.display()
        ))),
    }
}

/// Bytes of a matrix in memory.
fn bytes<T>(Extent { rows, cols, nnz }: Extent) -> usize {
    let of_dense = rows.saturating_mul(cols).saturating_mul(size_of::<T>() as u64);
    let bytes = nnz.map_or(of_dense, |nnz| nnz.saturating_mul((size_of::<u32>() + size_of::<T>()) as u64));
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
