//! The fused kernels on one core: numerators, accumulation, and a whole pass over V in cache blocks, with the
//! coordinate sweep and the Gram matrix in between.
//!
//! Throughput is in elements a second, one element being one flop of the products (4mnk for a pass; the sweep's and
//! the Gram matrix' flops are done but not counted).

use criterion::{BenchmarkId, Criterion, Throughput};
use orthant_benches::{FusedPass, block_rows, introduce, numbers, sizes, tiny};
use orthant_kernel::{Isa, Real, View};

fn pass<T: Real>(c: &mut Criterion, isa: Isa) {
    let (m, n, ranks) = sizes();
    let data = numbers::<T>(m * n, 1);
    let v = View::row_major(&data, m, n).expect("m·n numbers");
    let mut group = c.benchmark_group(format!("pass/{}/{}", isa.name(), T::NAME));
    group.sample_size(10);
    for &k in ranks {
        let mut pass = FusedPass::new(isa, m, n, k, block_rows::<T>(n, k));
        group.throughput(Throughput::Elements(2 * (m * n * k) as u64));
        group.bench_function(BenchmarkId::new("numerators", k), |b| b.iter(|| pass.numerators(v)));
        group.bench_function(BenchmarkId::new("accumulate", k), |b| b.iter(|| pass.accumulate(v)));
        group.throughput(Throughput::Elements(4 * (m * n * k) as u64));
        group.bench_function(BenchmarkId::new("whole", k), |b| b.iter(|| pass.whole(v)));
    }
    group.finish();
}

fn main() {
    introduce("pass");
    let mut c = Criterion::default().configure_from_args();
    for isa in Isa::available() {
        if tiny() || isa == Isa::detect() {
            pass::<f32>(&mut c, isa);
            pass::<f64>(&mut c, isa);
        }
    }
    if !tiny() {
        c.final_summary();
    }
}
