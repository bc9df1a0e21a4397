//! The kernels of sparse rows on one core: both products of the pass, the residual at the entries, what
//! Kullback–Leibler needs of them, and a whole pass in cache blocks, with the coordinate sweep and the Gram matrix in
//! between. The matrix is [`Texts`] of 20000×4000 with 1 % of the entries, 20 topics, seed 1.
//!
//! Throughput is in entries a second.

use criterion::{BenchmarkId, Criterion, Throughput};
use orthant_benches::{Texts, introduce, numbers, tiny};
use orthant_kernel::divergence::Beta;
use orthant_kernel::rows::{self, Step};
use orthant_kernel::sparse::{self, SparseOperands, row_stride};
use orthant_kernel::{Csr, Isa, Real, Unfolded, Values, accumulator_stride, gram};

/// Rows in a block of the pass.
const BLOCK: usize = 256;

fn products<T: Real>(c: &mut Criterion, isa: Isa) {
    let (m, n, entries, ranks): (_, _, _, &[usize]) =
        if tiny() { (70, 50, 300, &[3, 17]) } else { (20_000, 4000, 800_000, &[8, 16, 20, 32, 64, 128]) };
    let texts = Texts::new(m, n, entries, 20.min(m / 10), 1);
    let values: Vec<T> = texts.values.iter().map(|&x| T::from_f64(x.into())).collect();
    let v = Csr::<T>::new(m, n, &texts.indptr[..], &texts.indices[..], Values::real(&values));
    let v = v.expect("made in order");
    let mut unfolded = Unfolded::default();
    let whole = v.block(0..m, T::ONE, &mut unfolded);
    let mut group = c.benchmark_group(format!("sparse/{}/{}", isa.name(), T::NAME));
    group.sample_size(10);
    group.throughput(Throughput::Elements(v.nnz() as u64));
    for &k in ranks {
        let (stride, y_stride) = (accumulator_stride::<T>(k), row_stride::<T>(k));
        let mut x = numbers::<T>(m * k, 2);
        // rows of Y as far apart as the pass has them
        let mut y = vec![T::ZERO; n * y_stride];
        for (to, from) in y.chunks_exact_mut(y_stride).zip(numbers::<T>(n * k, 3).chunks_exact(k)) {
            to[..k].copy_from_slice(from);
        }
        let (mut a, mut b) = (vec![T::ZERO; m * k], vec![T::ZERO; n * stride]);
        let mut row = vec![0.0; k];
        group.bench_function(BenchmarkId::new("numerators", k), |bench| {
            bench.iter(|| sparse::numerators(isa, whole, &y, k, &mut a));
        });
        // all sums from zero, or they would grow out of range
        group.bench_function(BenchmarkId::new("accumulate", k), |bench| {
            bench.iter(|| {
                b.fill(T::ZERO);
                sparse::accumulate(isa, whole, &x, k, &mut b);
            });
        });
        for (name, wide) in [("residual", false), ("residual, wide", true)] {
            group.bench_function(BenchmarkId::new(name, k), |bench| {
                bench.iter(|| sparse::residual_entries(isa, whole, &x, &y, k, wide, &mut row, 0.0));
            });
        }
        let beta = Beta::new(1.0, T::from_f64(1e-9), T::ZERO);
        let operands = SparseOperands { v: whole, x: &x, y: &y, k };
        group.bench_function(BenchmarkId::new("numerators/kl", k), |bench| {
            bench.iter(|| sparse::ratio_numerators(isa, &beta, operands, &mut a, None));
        });
        group.bench_function(BenchmarkId::new("accumulate/kl", k), |bench| {
            bench.iter(|| {
                b.fill(T::ZERO);
                sparse::ratio_accumulate(isa, &beta, operands, &mut b, None);
            });
        });
        group.bench_function(BenchmarkId::new("joint/kl", k), |bench| {
            bench.iter(|| {
                b.fill(T::ZERO);
                let mut sum = 0.0;
                sparse::ratio_joint(isa, &beta, operands, &mut a, &mut b, &mut sum);
                sum
            });
        });
        group.bench_function(BenchmarkId::new("sum/kl", k), |bench| {
            bench.iter(|| sparse::ratio_sum(isa, &beta, operands, 0.0));
        });
        let coupling = {
            let (ht, mut g) = (numbers::<T>(n * k, 3), vec![T::ZERO; k * stride]);
            gram(isa, &ht, k, &mut g);
            symmetric(&g, k, stride)
        };
        let mut g = vec![T::ZERO; k * stride];
        let order: Vec<usize> = (0..k).collect();
        let mut scratch = vec![T::ZERO; rows::scratch_len(k)];
        group.bench_function(BenchmarkId::new("whole", k), |bench| {
            bench.iter(|| {
                let mut step = Step::default();
                b.fill(T::ZERO);
                g.fill(T::ZERO);
                for first in (0..m).step_by(BLOCK) {
                    let range = first..m.min(first + BLOCK);
                    let part = whole.rows(range.clone());
                    let (x, a) = (&mut x[range.start * k..range.end * k], &mut a[..range.len() * k]);
                    sparse::numerators(isa, part, &y, k, a);
                    rows::sweeps(isa, x, a, k, &coupling, T::ZERO, &order, 1, &mut scratch, &mut step);
                    sparse::accumulate(isa, part, x, k, &mut b);
                    gram(isa, x, k, &mut g);
                }
                step
            });
        });
    }
    group.finish();
}

/// Both triangles of a Gram matrix, rows without padding, from the one that [`gram`] makes.
fn symmetric<T: Real>(g: &[T], k: usize, stride: usize) -> Vec<T> {
    let at = |i: usize, j: usize| g[i.min(j) * stride + i.max(j)];
    (0..k * k).map(|e| at(e / k, e % k)).collect()
}

fn main() {
    introduce("sparse");
    let mut c = Criterion::default().configure_from_args();
    for isa in Isa::available() {
        if tiny() || isa == Isa::detect() {
            products::<f32>(&mut c, isa);
            products::<f64>(&mut c, isa);
        }
    }
    if !tiny() {
        c.final_summary();
    }
}
