//! What the processor is like, as far as blocks are cut by it.

use std::sync::OnceLock;

use crate::arch::Isa;
use crate::{Real, tile_rows};

/// Sizes of one core's caches, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caches {
    /// First level, data.
    pub first: usize,
    /// Second level.
    pub second: usize,
}

impl Caches {
    /// Small ones, as of ten-year-old laptops: where the processor does not tell.
    pub const SMALL: Self = Self { first: 32 << 10, second: 256 << 10 };

    /// This processor's; asked once.
    ///
    /// ```
    /// let caches = orthant_kernel::Caches::detect();
    /// assert!(caches.first <= caches.second);
    /// ```
    pub fn detect() -> Self {
        static FOUND: OnceLock<Caches> = OnceLock::new();
        *FOUND.get_or_init(|| ask().unwrap_or(Self::SMALL))
    }
}

#[cfg(target_arch = "x86_64")]
fn ask() -> Option<Caches> {
    use raw_cpuid::{CacheType, CpuId};
    let size = |level: u8| {
        CpuId::new()
            .get_cache_parameters()?
            .filter(|c| c.level() == level && c.cache_type() != CacheType::Instruction)
            .map(|c| c.associativity() * c.physical_line_partitions() * c.coherency_line_size() * c.sets())
            .max()
    };
    let (first, second) = (size(1)?, size(2)?);
    (first > 0 && second >= first).then_some(Caches { first, second })
}

#[cfg(not(target_arch = "x86_64"))]
fn ask() -> Option<Caches> {
    None
}

/// Rows of a block of V (`cols` columns of `T`) that [`numerators`](crate::numerators) and then
/// [`accumulate`](crate::accumulate) take with k columns of a factor: as many as fill half of the second-level cache, so
/// that they stay there from the one to the other; but at least 42, so that the factors, which pass by once a block, do
/// not cost more than the block (84 from k = 64 on), and at most 112. About that many: a multiple of the register tile's rows.
///
/// ```
/// use orthant_kernel::{Caches, Isa, block_rows};
/// let caches = Caches { first: 48 << 10, second: 2 << 20 };
/// let rows = block_rows::<f32>(Isa::PORTABLE, caches, 4000, 32);
/// assert_eq!(rows, 60);
/// ```
pub fn block_rows<T: Real>(isa: Isa, caches: Caches, cols: usize, k: usize) -> usize {
    let rows = caches.second / 2 / (cols.max(1) * size_of::<T>());
    let rows = rows.clamp(if k < 64 { 42 } else { 84 }, 112);
    let tile = tile_rows::<T>(isa, k);
    (rows / tile).max(1) * tile
}
