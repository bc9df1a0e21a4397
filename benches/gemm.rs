//! The two products of an iteration, V·Hᵀ and Vᵀ·W, by gemm alone: what the fused pass has to beat.
//!
//! Throughput is in elements a second, one element being one flop.

use criterion::{BenchmarkId, Criterion, Throughput};
use orthant_benches::{introduce, numbers, sizes, tiny};
use orthant_kernel::gemm::{Backend, gemm};
use orthant_kernel::{Real, View, accumulator_stride};

fn backends() -> Vec<(&'static str, Backend)> {
    vec![
        ("rust", Backend::Rust),
        #[cfg(feature = "openblas")]
        ("openblas", Backend::Blas),
    ]
}

fn products<T: Real>(c: &mut Criterion) {
    let (m, n, ranks) = sizes();
    let v = numbers::<T>(m * n, 1);
    let v = View::row_major(&v, m, n).expect("m·n numbers");
    let mut group = c.benchmark_group(format!("gemm/{}", T::NAME));
    group.sample_size(10);
    for &k in ranks {
        let (w, ht) = (numbers::<T>(m * k, 2), numbers::<T>(n * k, 3));
        let (wv, hv) = (View::row_major(&w, m, k).expect("m·k"), View::row_major(&ht, n, k).expect("n·k"));
        let stride = accumulator_stride::<T>(k);
        let (mut a, mut b) = (vec![T::ZERO; m * k], vec![T::ZERO; n * stride]);
        group.throughput(Throughput::Elements(4 * (m * n * k) as u64));
        for (name, backend) in backends() {
            group.bench_function(BenchmarkId::new(format!("{name}/both products"), k), |bencher| {
                bencher.iter(|| {
                    gemm(backend, v, hv, &mut a, k, false);
                    gemm(backend, v.transposed(), wv, &mut b, stride, false);
                });
            });
        }
    }
    group.finish();
}

fn main() {
    introduce("gemm");
    let mut c = Criterion::default().configure_from_args();
    products::<f32>(&mut c);
    products::<f64>(&mut c);
    if !tiny() {
        c.final_summary();
    }
}
