//! The two products of an iteration, V·Hᵀ and Vᵀ·W, by gemm alone: what the fused pass has to beat.
//!
//! Throughput is in elements a second, one element being one flop.

use criterion::{BenchmarkId, Criterion, Throughput};
use orthant_benches::{Element, Gemms, Peer, introduce, numbers, sizes, tiny};
use orthant_kernel::View;

fn products<T: Element>(c: &mut Criterion) {
    let (m, n, ranks) = sizes();
    let v = numbers::<T>(m * n, 1);
    let v = View::row_major(&v, m, n).expect("m·n numbers");
    let mut group = c.benchmark_group(format!("gemm/{}", T::NAME));
    group.sample_size(10);
    for &k in ranks {
        group.throughput(Throughput::Elements(4 * (m * n * k) as u64));
        for &peer in Peer::ALL {
            let mut gemms = Gemms::new(peer, m, n, k);
            let id = BenchmarkId::new(format!("{}/both products", peer.name()), k);
            group.bench_function(id, |b| b.iter(|| gemms.both(v)));
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
