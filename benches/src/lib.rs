//! What the criterion suites and programs share: data, sizes, the fused pass, the gemms it is compared with, and what
//! the machine can do at most.

use std::hint::black_box;
use std::time::Instant;

pub use gather::gathered_rows;
pub use gemms::{Element, Gemms, Peer};
pub use texts::Texts;

use orthant_kernel::rows::{self, Step};
use orthant_kernel::{
    Buffer, Isa, Real, View, accumulate, accumulator_stride, gram, numerators, probe, scan,
    second_level_cache,
};

mod gather;
mod gemms;
mod texts;

/// Whether the suites run as tests, on tiny sizes (`cargo test --benches`).
pub fn tiny() -> bool {
    !std::env::args().any(|arg| arg == "--bench")
}

/// m, n and the ranks of a suite: 4800×4000 and 8 to 256, or tiny.
pub fn sizes() -> (usize, usize, &'static [usize]) {
    if tiny() { (70, 50, &[3, 17]) } else { (4800, 4000, &[8, 16, 32, 64, 128, 256]) }
}

/// The linear congruential sequence x ← 6364136223846793005·x + 1442695040888963407 modulo 2⁶⁴.
pub struct Sequence(u64);

impl Sequence {
    /// From x = `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number in [0, 1): the top 24 bits of the next x.
    #[inline]
    pub fn draw(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1u64 << 24) as f64
    }
}

/// `count` numbers in [0, 1) from the [`Sequence`] of `seed`.
///
/// ```
/// assert_eq!(orthant_benches::numbers::<f64>(2, 1), orthant_benches::numbers::<f64>(2, 1));
/// ```
pub fn numbers<T: Real>(count: usize, seed: u64) -> Vec<T> {
    let mut sequence = Sequence::new(seed);
    (0..count).map(|_| T::from_f64(sequence.draw())).collect()
}

/// Rounds of multiply-adds that take long enough to time: some milliseconds.
pub const ROUNDS: usize = 2_000_000;

/// The rate of multiply-adds on registers alone, one core, in flops a second: the best of several runs of `rounds`.
pub fn peak<T: Real>(rounds: usize) -> f64 {
    let rate = |_| {
        let start = Instant::now();
        let flops = probe::multiply_adds::<T>(Isa::detect(), rounds);
        flops as f64 / start.elapsed().as_secs_f64()
    };
    (0..20).map(rate).fold(0.0, f64::max)
}

/// Bytes that reads from the caches next to a core: half a megabyte, as a block of V.
pub const NEAR: usize = 512 << 10;

/// Bytes that reads from memory: more than any cache holds.
pub const FAR: usize = 1 << 30;

/// Bytes a second that one core reads of `bytes` bytes, in order, over and over: the best of several runs.
///
/// It is an inner product of two halves, in the processor's widest registers.
pub fn bandwidth(bytes: usize) -> f64 {
    let half = (bytes / 2 / size_of::<f64>()).max(1);
    let (a, b) = (numbers::<f64>(half, 1), numbers::<f64>(half, 2));
    let rounds = (FAR / bytes).clamp(1, 200);
    let rate = |_| {
        let start = Instant::now();
        for _ in 0..rounds {
            black_box(scan::inner_product(Isa::detect(), black_box(&a), half, black_box(&b), half, 0.0));
        }
        (rounds * 2 * half * size_of::<f64>()) as f64 / start.elapsed().as_secs_f64()
    };
    (0..10).map(rate).fold(0.0, f64::max)
}

/// Rows of V in a block of the pass, as the library takes them here.
pub fn block_rows<T: Real>(cols: usize, k: usize) -> usize {
    orthant_kernel::block_rows::<T>(Isa::detect(), second_level_cache(), cols, k)
}

/// One pass over V in cache blocks, as an iteration does it: numerators, a coordinate sweep, accumulation, and the
/// Gram matrix of the new rows.
pub struct FusedPass<T> {
    isa: Isa,
    k: usize,
    block: usize,
    w: Buffer<T>,
    ht: Buffer<T>,
    gram: Vec<T>,
    a: Buffer<T>,
    b: Buffer<T>,
    g: Buffer<T>,
    scratch: Vec<T>,
}

impl<T: Real> FusedPass<T> {
    /// Factors for m×n data from [`numbers`], W with seed 2 and Hᵀ with seed 3, in blocks of `block` rows.
    ///
    /// # Panics
    /// If `block` is 0.
    pub fn new(isa: Isa, m: usize, n: usize, k: usize, block: usize) -> Self {
        assert!(block > 0, "a row a block at least");
        let stride = accumulator_stride::<T>(k);
        let ht = Buffer::from(numbers::<T>(n * k, 3));
        let mut g = Buffer::zeros(k * stride);
        accumulate(isa, View::row_major(&ht, n, k).expect("n·k numbers"), &ht, k, &mut g);
        let gram = g.chunks_exact(stride).flat_map(|row| row[..k].to_vec()).collect();
        let scratch = vec![T::ZERO; rows::scratch_len(k)];
        let (a, b) = (Buffer::zeros(block * k), Buffer::zeros(n * stride));
        Self { isa, k, block, w: numbers(m * k, 2).into(), ht, gram, a, b, g, scratch }
    }

    /// A_b = V_b·Hᵀ for each block.
    pub fn numerators(&mut self, v: View<'_, T>) {
        for start in (0..v.nrows()).step_by(self.block) {
            let rows = v.rows(start..(start + self.block).min(v.nrows()));
            numerators(self.isa, rows, &self.ht, self.k, &mut self.a[..rows.nrows() * self.k]);
        }
    }

    /// B += W_bᵀ·V_b for each block.
    pub fn accumulate(&mut self, v: View<'_, T>) {
        for start in (0..v.nrows()).step_by(self.block) {
            let end = (start + self.block).min(v.nrows());
            let w = &self.w[start * self.k..end * self.k];
            accumulate(self.isa, v.rows(start..end), w, self.k, &mut self.b);
        }
    }

    /// All of it.
    pub fn whole(&mut self, v: View<'_, T>) -> Step {
        let Self { isa, k, block, w, ht, gram: coupling, a, b, g, scratch } = self;
        let (isa, k, block) = (*isa, *k, *block);
        b.fill(T::ZERO);
        g.fill(T::ZERO);
        let order: Vec<usize> = (0..k).collect();
        let mut step = Step::default();
        for start in (0..v.nrows()).step_by(block) {
            let end = (start + block).min(v.nrows());
            let (part, a, x) = (v.rows(start..end), &mut a[..(end - start) * k], &mut w[start * k..end * k]);
            numerators(isa, part, ht, k, a);
            rows::sweeps(isa, x, a, k, coupling, T::ZERO, &order, 1, scratch, &mut step);
            accumulate(isa, part, x, k, b);
            gram(isa, x, k, g);
        }
        step
    }
}

/// Says what a suite runs on, the peak of both element types, and how fast a core reads.
#[expect(clippy::print_stdout, reason = "a suite says what it runs on")]
pub fn introduce(suite: &str) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (rounds, far) = if tiny() { (1000, NEAR) } else { (ROUNDS, FAR) };
    println!(
        "{suite}: kernels {}, {cores} cores; one core: multiply-add peak {:.0} GFLOP/s in f32, {:.0} in f64, reads \
         {:.0} GB/s from its caches, {:.1} from memory",
        Isa::detect().name(),
        peak::<f32>(rounds) / 1e9,
        peak::<f64>(rounds) / 1e9,
        bandwidth(NEAR) / 1e9,
        bandwidth(far) / 1e9,
    );
}
