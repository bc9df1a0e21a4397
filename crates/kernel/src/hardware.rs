//! What the processor is like, as far as blocks are cut by it.

use std::sync::OnceLock;

use crate::isa::Isa;
use crate::{Real, tile_rows};

/// Bytes of a core's second-level cache, asked of the processor once; 256 KiB, as of ten-year-old laptops, where it does
/// not tell.
///
/// ```
/// assert!(orthant_kernel::second_level_cache() >= 1 << 16);
/// ```
pub fn second_level_cache() -> usize {
    static FOUND: OnceLock<usize> = OnceLock::new();
    *FOUND.get_or_init(|| ask().filter(|&bytes| bytes > 0).unwrap_or(256 << 10))
}

#[cfg(target_arch = "x86_64")]
fn ask() -> Option<usize> {
    use raw_cpuid::{CacheType, CpuId};
    CpuId::new()
        .get_cache_parameters()?
        .filter(|c| c.level() == 2 && c.cache_type() != CacheType::Instruction)
        .map(|c| c.associativity() * c.physical_line_partitions() * c.coherency_line_size() * c.sets())
        .max()
}

#[cfg(not(target_arch = "x86_64"))]
fn ask() -> Option<usize> {
    None
}

/// Rows of a block of V (`cols` columns of `T`) that [`numerators`](crate::numerators) and then
/// [`accumulate`](crate::accumulate) take with k columns of a factor: as many as fill half of a second-level `cache` of so
/// many bytes, so
/// that they stay there from the one to the other; but at least 42, so that the factors, which pass by once per block, do
/// not cost more than the block (84 from k = 64 on), and at most 112. About that many: a multiple of the register tile's rows.
///
/// ```
/// use orthant_kernel::{Isa, block_rows};
/// let rows = block_rows::<f32>(Isa::PORTABLE, 2 << 20, 4000, 32);
/// assert_eq!(rows, 60);
/// ```
pub fn block_rows<T: Real>(isa: Isa, cache: usize, cols: usize, k: usize) -> usize {
    let rows = cache / 2 / (cols.max(1) * size_of::<T>());
    let rows = rows.clamp(if k < 64 { 42 } else { 84 }, 112);
    let tile = tile_rows::<T>(isa, k);
    (rows / tile).max(1) * tile
}
