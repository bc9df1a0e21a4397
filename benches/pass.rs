//! The fused kernels on one core: numerators, accumulation, and a whole pass over V in cache blocks, with the
//! coordinate sweep and the Gram matrix in between.
//!
//! Throughput is in elements a second, one element being one flop of the products (4mnk for a pass; the sweep's and
//! the Gram matrix' flops are done but not counted).

use criterion::{BenchmarkId, Criterion, Throughput};
use orthant_benches::{introduce, numbers, sizes, tiny};
use orthant_kernel::rows::{self, Step};
use orthant_kernel::{Isa, Real, View, accumulate, accumulator_stride, numerators};

fn pass<T: Real>(c: &mut Criterion, isa: Isa) {
    let (m, n, ranks) = sizes();
    let data = numbers::<T>(m * n, 1);
    let v = View::row_major(&data, m, n).expect("m·n numbers");
    let block = 48;
    let mut group = c.benchmark_group(format!("pass/{}/{}", isa.name(), T::NAME));
    group.sample_size(10);
    for &k in ranks {
        let stride = accumulator_stride::<T>(k);
        let (mut w, ht) = (numbers::<T>(m * k, 2), numbers::<T>(n * k, 3));
        let mut gram = vec![T::ZERO; k * stride];
        accumulate(isa, View::row_major(&ht, n, k).expect("n·k"), &ht, k, &mut gram);
        let gram: Vec<T> = gram.chunks_exact(stride).flat_map(|row| row[..k].to_vec()).collect();
        let mut a = vec![T::ZERO; block * k];
        let mut b = vec![T::ZERO; n * stride];
        let mut g = vec![T::ZERO; k * stride];
        let mut scratch = vec![T::ZERO; rows::scratch_len(k)];

        group.throughput(Throughput::Elements(2 * (m * n * k) as u64));
        group.bench_function(BenchmarkId::new("numerators", k), |bencher| {
            bencher.iter(|| {
                for start in (0..m).step_by(block) {
                    let rows = start..(start + block).min(m);
                    let count = rows.len();
                    numerators(isa, v.rows(rows), &ht, k, &mut a[..count * k]);
                }
            });
        });
        group.bench_function(BenchmarkId::new("accumulate", k), |bencher| {
            bencher.iter(|| {
                for start in (0..m).step_by(block) {
                    let rows = start..(start + block).min(m);
                    accumulate(isa, v.rows(rows.clone()), &w[rows.start * k..rows.end * k], k, &mut b);
                }
            });
        });
        group.throughput(Throughput::Elements(4 * (m * n * k) as u64));
        group.bench_function(BenchmarkId::new("whole", k), |bencher| {
            bencher.iter(|| {
                b.fill(T::ZERO);
                g.fill(T::ZERO);
                let mut step = Step::default();
                for start in (0..m).step_by(block) {
                    let end = (start + block).min(m);
                    let a = &mut a[..(end - start) * k];
                    let part = v.rows(start..end);
                    numerators(isa, part, &ht, k, a);
                    let x = &mut w[start * k..end * k];
                    rows::sweeps(isa, x, a, k, &gram, T::ZERO, k, 1, &mut scratch, &mut step);
                    accumulate(isa, part, x, k, &mut b);
                    accumulate(isa, View::row_major(x, end - start, k).expect("rows of k"), x, k, &mut g);
                }
                step
            });
        });
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
