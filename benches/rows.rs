//! Updates of a factor's rows on one core: coordinate sweeps, a solve, the product with a Gram matrix, both
//! multiplicative updates, and the distance from stationarity. X is 4800×k.
//!
//! Throughput is in rows a second.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use orthant_benches::{introduce, numbers, sizes, tiny};
use orthant_kernel::rows::{self, Majorant, Step};
use orthant_kernel::{Isa, Real, View, accumulate, accumulator_stride};

fn updates<T: Real>(c: &mut Criterion, isa: Isa) {
    let (m, n, ranks) = sizes();
    let mut group = c.benchmark_group(format!("rows/{}/{}", isa.name(), T::NAME));
    group.sample_size(10);
    group.throughput(Throughput::Elements(m as u64));
    for &k in ranks {
        // A = X·G for another X, so that the steps go somewhere
        let (x, ht) = (numbers::<T>(m * k, 2), numbers::<T>(n * k, 3));
        let stride = accumulator_stride::<T>(k);
        let mut padded = vec![T::ZERO; k * stride];
        accumulate(isa, View::row_major(&ht, n, k).expect("n·k numbers"), &ht, k, &mut padded);
        let gram: Vec<T> = padded.chunks_exact(stride).flat_map(|row| row[..k].to_vec()).collect();
        let diagonal: Vec<T> = (0..k).map(|t| gram[t * k + t]).collect();
        let (mut a, mut d) = (vec![T::ZERO; m * k], vec![T::ZERO; m * k]);
        rows::products(isa, &numbers::<T>(m * k, 4), &gram, k, &mut a);
        rows::products(isa, &x, &gram, k, &mut d);
        let order: Vec<usize> = (0..k).collect();
        let mut scratch = vec![T::ZERO; rows::scratch_len(k)];
        let floor = T::from_f64(1e-9);

        for count in [1, 4] {
            group.bench_function(BenchmarkId::new(format!("sweeps of {count}"), k), |b| {
                let sweep = |mut x: Vec<T>| {
                    let mut step = Step::default();
                    rows::sweeps(isa, &mut x, &a, k, &gram, T::ZERO, &order, count, &mut scratch, &mut step);
                    x
                };
                b.iter_batched(|| x.clone(), sweep, BatchSize::LargeInput);
            });
        }
        let (enough, mut left) = (vec![T::ZERO; m], vec![T::ZERO; m]);
        group.bench_function(BenchmarkId::new("solve, 4 rounds", k), |b| {
            let solve = |mut x: Vec<T>| {
                rows::solve(isa, &mut x, &a, &gram, T::ZERO, k, &enough, 4, &mut scratch, &mut left);
                x
            };
            b.iter_batched(|| x.clone(), solve, BatchSize::LargeInput);
        });
        group.bench_function(BenchmarkId::new("products", k), |b| {
            b.iter(|| rows::products(isa, &x, &gram, k, &mut d));
        });
        group.bench_function(BenchmarkId::new("multiply", k), |b| {
            let multiply = |mut x: Vec<T>| {
                rows::multiply(isa, &mut x, &a, k, &d, k, T::ZERO, floor, rows::Least::NONE);
                x
            };
            b.iter_batched(|| x.clone(), multiply, BatchSize::LargeInput);
        });
        for (name, majorant) in [
            ("majorize", Majorant::Ratio { exponent: 1.0 }),
            ("majorize, square root", Majorant::Ratio { exponent: 0.5 }),
            ("majorize, three halves", Majorant::Ratio { exponent: 1.5 }),
            ("majorize, root", Majorant::Root { exponent: 1.0 }),
        ] {
            group.bench_function(BenchmarkId::new(name, k), |b| {
                let majorize = |mut x: Vec<T>| {
                    let weights = (T::ZERO, T::from_f64(0.5));
                    rows::majorize(
                        isa,
                        &mut x,
                        &a,
                        k,
                        &d,
                        k,
                        k,
                        weights,
                        majorant,
                        floor,
                        rows::Least::NONE,
                        0.0,
                    );
                    x
                };
                b.iter_batched(|| x.clone(), majorize, BatchSize::LargeInput);
            });
        }
        group.bench_function(BenchmarkId::new("distance", k), |b| {
            b.iter(|| rows::distance(isa, &x, &a, k, &d, &diagonal, T::ZERO, 0.0));
        });
    }
    group.finish();
}

fn main() {
    introduce("rows");
    let mut c = Criterion::default().configure_from_args();
    for isa in Isa::available() {
        if tiny() || isa == Isa::detect() {
            updates::<f32>(&mut c, isa);
            updates::<f64>(&mut c, isa);
        }
    }
    if !tiny() {
        c.final_summary();
    }
}
