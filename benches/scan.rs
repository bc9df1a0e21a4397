//! Checks and sums over V on one core, in double precision: the scan that every fit begins with, the residual that it
//! ends with, and inner products.
//!
//! Throughput is in bytes of V a second (of both operands, for inner products).

use criterion::{BenchmarkId, Criterion, Throughput};
use orthant_benches::{introduce, numbers, sizes, tiny};
use orthant_kernel::scan::{inner_product, residual_scratch_len, scan, squared_residual};
use orthant_kernel::{Isa, Real, View};

fn scans<T: Real>(c: &mut Criterion, isa: Isa) {
    let (m, n, ranks) = sizes();
    let data = numbers::<T>(m * n, 1);
    let v = View::row_major(&data, m, n).expect("m·n numbers");
    let bytes = (m * n * size_of::<T>()) as u64;
    let mut group = c.benchmark_group(format!("scan/{}/{}", isa.name(), T::NAME));
    group.sample_size(10);
    group.throughput(Throughput::Bytes(bytes));
    group.bench_function("scan", |b| b.iter(|| scan(isa, v, T::ONE, 0.0)));
    for &k in ranks {
        let (x, y) = (numbers::<T>(m * k, 2), numbers::<T>(n * k, 3));
        let mut scratch = vec![T::ZERO; residual_scratch_len(k)];
        group.throughput(Throughput::Bytes(bytes));
        group.bench_function(BenchmarkId::new("squared residual", k), |b| {
            b.iter(|| squared_residual(isa, v, &x, &y, k, &mut scratch, 0.0));
        });
        group.throughput(Throughput::Bytes((2 * m * k * size_of::<T>()) as u64));
        let other = numbers::<T>(m * k, 4);
        group.bench_function(BenchmarkId::new("inner product", k), |b| {
            b.iter(|| inner_product(isa, &x, k, &other, k, 0.0));
        });
    }
    group.finish();
}

fn main() {
    introduce("scan");
    let mut c = Criterion::default().configure_from_args();
    for isa in Isa::available() {
        if tiny() || isa == Isa::detect() {
            scans::<f32>(&mut c, isa);
            scans::<f64>(&mut c, isa);
        }
    }
    if !tiny() {
        c.final_summary();
    }
}
