//! What the criterion suites share: data, sizes and the peak that rates are compared with.

use std::time::Instant;

use orthant_kernel::rows::{self, Step};
use orthant_kernel::{Isa, Real, View, accumulate, accumulator_stride, numerators, probe};

/// Whether the suites run as tests, on tiny sizes (`cargo test --benches`).
pub fn tiny() -> bool {
    !std::env::args().any(|arg| arg == "--bench")
}

/// m, n and the ranks of a suite: 4800×4000 and 8 to 128, or tiny.
pub fn sizes() -> (usize, usize, &'static [usize]) {
    if tiny() { (70, 50, &[3, 17]) } else { (4800, 4000, &[8, 16, 32, 64, 128]) }
}

/// `count` numbers in [0, 1) from the linear congruential sequence x ← 6364136223846793005·x + 1442695040888963407
/// modulo 2⁶⁴, from x = `seed`, its top 24 bits.
///
/// ```
/// assert_eq!(orthant_benches::numbers::<f64>(2, 1), orthant_benches::numbers::<f64>(2, 1));
/// ```
pub fn numbers<T: Real>(count: usize, seed: u64) -> Vec<T> {
    let mut x = seed;
    (0..count)
        .map(|_| {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            T::from_f64((x >> 40) as f64 / (1u64 << 24) as f64)
        })
        .collect()
}

/// The rate of multiply-adds on registers alone, one core, in flops a second: the best of several runs.
pub fn peak<T: Real>() -> f64 {
    let rounds = if tiny() { 1000 } else { 2_000_000 };
    let rate = |_| {
        let start = Instant::now();
        let flops = probe::multiply_adds::<T>(Isa::detect(), rounds);
        flops as f64 / start.elapsed().as_secs_f64()
    };
    (0..20).map(rate).fold(0.0, f64::max)
}

/// One pass over V in cache blocks, as an iteration does it: numerators, a coordinate sweep, accumulation, and the
/// Gram matrix of the new rows.
pub struct FusedPass<T> {
    isa: Isa,
    k: usize,
    w: Vec<T>,
    ht: Vec<T>,
    gram: Vec<T>,
    a: Vec<T>,
    b: Vec<T>,
    g: Vec<T>,
    scratch: Vec<T>,
}

/// Rows in a block.
const BLOCK: usize = 48;

impl<T: Real> FusedPass<T> {
    /// Factors for m×n data from [`numbers`], W with seed 2 and Hᵀ with seed 3.
    pub fn new(isa: Isa, m: usize, n: usize, k: usize) -> Self {
        let stride = accumulator_stride::<T>(k);
        let ht = numbers::<T>(n * k, 3);
        let mut g = vec![T::ZERO; k * stride];
        accumulate(isa, View::row_major(&ht, n, k).expect("n·k numbers"), &ht, k, &mut g);
        let gram = g.chunks_exact(stride).flat_map(|row| row[..k].to_vec()).collect();
        let scratch = vec![T::ZERO; rows::scratch_len(k)];
        let (a, b) = (vec![T::ZERO; BLOCK * k], vec![T::ZERO; n * stride]);
        Self { isa, k, w: numbers(m * k, 2), ht, gram, a, b, g, scratch }
    }

    /// A_b = V_b·Hᵀ for each block.
    pub fn numerators(&mut self, v: View<'_, T>) {
        for start in (0..v.nrows()).step_by(BLOCK) {
            let rows = v.rows(start..(start + BLOCK).min(v.nrows()));
            numerators(self.isa, rows, &self.ht, self.k, &mut self.a[..rows.nrows() * self.k]);
        }
    }

    /// B += W_bᵀ·V_b for each block.
    pub fn accumulate(&mut self, v: View<'_, T>) {
        for start in (0..v.nrows()).step_by(BLOCK) {
            let end = (start + BLOCK).min(v.nrows());
            let w = &self.w[start * self.k..end * self.k];
            accumulate(self.isa, v.rows(start..end), w, self.k, &mut self.b);
        }
    }

    /// All of it.
    pub fn whole(&mut self, v: View<'_, T>) -> Step {
        let Self { isa, k, w, ht, gram, a, b, g, scratch } = self;
        let (isa, k) = (*isa, *k);
        b.fill(T::ZERO);
        g.fill(T::ZERO);
        let order: Vec<usize> = (0..k).collect();
        let mut step = Step::default();
        for start in (0..v.nrows()).step_by(BLOCK) {
            let end = (start + BLOCK).min(v.nrows());
            let (part, a, x) = (v.rows(start..end), &mut a[..(end - start) * k], &mut w[start * k..end * k]);
            numerators(isa, part, ht, k, a);
            rows::sweeps(isa, x, a, k, gram, T::ZERO, &order, 1, scratch, &mut step);
            accumulate(isa, part, x, k, b);
            accumulate(isa, View::row_major(x, end - start, k).expect("rows of k"), x, k, g);
        }
        step
    }
}

/// Says what a suite runs on and the peak of both element types.
#[expect(clippy::print_stdout, reason = "a suite says what it runs on")]
pub fn introduce(suite: &str) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{suite}: kernels {}, {cores} cores, multiply-add peak of one core {:.0} GFLOP/s in f32, {:.0} in f64",
        Isa::detect().name(),
        peak::<f32>() / 1e9,
        peak::<f64>() / 1e9,
    );
}
