//! What the criterion suites share: data, sizes and the peak that rates are compared with.

use std::time::Instant;

use orthant_kernel::{Isa, Real, probe};

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
