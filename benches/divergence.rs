//! What multiplicative updates need of V and X·Yᵀ, on one core, for Kullback–Leibler, Itakura–Saito and β = 0.5:
//! packing Y, numerators, accumulation and the divergence itself, and for the first of them all of these at once.
//!
//! Throughput is in entries of V a second (of Y, for packing).

use criterion::{BenchmarkId, Criterion, Throughput};
use orthant_benches::{introduce, numbers, sizes, tiny};
use orthant_kernel::divergence::{self, Beta, Operands};
use orthant_kernel::{Isa, Real, View, accumulator_stride};

fn divergences<T: Real>(c: &mut Criterion, isa: Isa) {
    let (m, n, ranks) = sizes();
    // the time of an entry does not depend on how many there are
    let m = m.min(960);
    let data: Vec<T> = numbers::<T>(m * n, 1).into_iter().map(|x| x + T::from_f64(1e-3)).collect();
    let v = View::row_major(&data, m, n).expect("m·n numbers");
    let mut group = c.benchmark_group(format!("divergence/{}/{}", isa.name(), T::NAME));
    group.sample_size(10);
    for &k in ranks {
        let (x, y) = (numbers::<T>(m * k, 2), numbers::<T>(n * k, 3));
        let mut packed = vec![T::ZERO; n * k];
        group.throughput(Throughput::Elements((n * k) as u64));
        group.bench_function(BenchmarkId::new("pack", k), |b| {
            b.iter(|| divergence::pack(&y, k, &mut packed));
        });
        divergence::pack(&y, k, &mut packed);
        let operands = Operands { v, x: &x, y: &y, packed: &packed, k };
        let stride = accumulator_stride::<T>(k);
        let (mut num, mut den) = (vec![T::ZERO; m * k], vec![T::ZERO; m * k]);
        let (mut to, mut under) = (vec![T::ZERO; n * stride], vec![T::ZERO; n * stride]);
        let mut scratch = vec![T::ZERO; divergence::scratch_len(k)];
        group.throughput(Throughput::Elements((m * n) as u64));
        for (name, beta) in [("kl", 1.0), ("is", 0.0), ("half", 0.5)] {
            let beta = Beta::new(beta, T::from_f64(1e-9), T::ZERO);
            group.bench_function(BenchmarkId::new(format!("numerators/{name}"), k), |b| {
                b.iter(|| {
                    divergence::numerators(isa, &beta, operands, &mut num, &mut den, &mut scratch, None)
                });
            });
            group.bench_function(BenchmarkId::new(format!("accumulate/{name}"), k), |b| {
                b.iter(|| {
                    // from zero, or the sums would grow out of range
                    to.fill(T::ZERO);
                    under.fill(T::ZERO);
                    divergence::accumulate(isa, &beta, operands, &mut to, &mut under, &mut scratch, None);
                });
            });
            if beta.is_kullback_leibler() {
                group.bench_function(BenchmarkId::new(format!("joint/{name}"), k), |b| {
                    b.iter(|| {
                        to.fill(T::ZERO);
                        let mut sum = 0.0;
                        divergence::joint(isa, &beta, operands, &mut num, &mut to, &mut scratch, &mut sum);
                        sum
                    });
                });
            }
            group.bench_function(BenchmarkId::new(format!("sum/{name}"), k), |b| {
                b.iter(|| divergence::sum(isa, &beta, operands, &mut scratch, 0.0));
            });
        }
    }
    group.finish();
}

fn main() {
    introduce("divergence");
    let mut c = Criterion::default().configure_from_args();
    for isa in Isa::available() {
        if tiny() || isa == Isa::detect() {
            divergences::<f32>(&mut c, isa);
            divergences::<f64>(&mut c, isa);
        }
    }
    if !tiny() {
        c.final_summary();
    }
}
