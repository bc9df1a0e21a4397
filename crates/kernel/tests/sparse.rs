//! The kernels on sparse rows against the plain loops of `naive` on the same matrix in full, on every instruction set.

use orthant_kernel::divergence::Beta;
use orthant_kernel::sparse::{self, SparseOperands};
use orthant_kernel::{Csr, Dense, Isa, Real, Unfolded, accumulator_stride, naive};

const RANKS: [usize; 16] = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 20, 31, 33, 64, 100, 129];
const SHAPES: [(usize, usize); 7] = [(1, 1), (1, 40), (40, 1), (7, 17), (29, 64), (53, 300), (5, 3000)];

/// A fixed, uneven sequence in [0, 1) with zeros in it.
fn numbers<T: Real>(count: usize, seed: usize) -> Vec<T> {
    let number = |i: usize| ((i + 1) * (2 * seed + 7919)) % 10_007;
    (0..count)
        .map(|i| {
            let x = number(i);
            T::from_f64(if x.is_multiple_of(11) { 0.0 } else { x as f64 / 10_007.0 })
        })
        .collect()
}

/// A matrix of which one row is full, some are empty and the others hold a share of their entries.
fn matrix<T: Real>(rows: usize, cols: usize) -> Dense<T> {
    let (values, places) = (numbers::<T>(rows * cols, 1), numbers::<f64>(rows * cols, 5));
    Dense::from_fn(rows, cols, |i, j| match i % 4 {
        _ if i == rows / 2 => T::ONE + values[i * cols + j],
        3 => T::ZERO,
        share if places[i * cols + j] < 0.1 + 0.2 * share as f64 => values[i * cols + j],
        _ => T::ZERO,
    })
}

/// Relative errors of sums of non-negative terms.
fn close<T: Real>(what: &str, found: &[T], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f.to_f64() - e).abs() <= tolerance * e.abs(), "{what}: {f} against {e} at {i}");
    }
}

/// Rows apart by `stride`, cut to k.
fn compact<T: Real>(padded: &[T], stride: usize, k: usize) -> Vec<T> {
    padded.chunks_exact(stride).flat_map(|row| row[..k].to_vec()).collect()
}

/// Consecutive ranges of uneven sizes.
fn blocks(rows: usize) -> Vec<std::ops::Range<usize>> {
    let mut start = 0;
    [1, 5, 2, 13]
        .into_iter()
        .cycle()
        .map_while(|size| {
            let block = start..rows.min(start + size);
            start = block.end;
            (!block.is_empty()).then_some(block)
        })
        .collect()
}

fn each_case<T: Real>(mut f: impl FnMut(&str, &Dense<T>, &Csr<'_, T>, usize)) {
    for (rows, cols) in SHAPES {
        let full = matrix::<T>(rows, cols);
        let sparse = Csr::of_dense(&full);
        for k in RANKS {
            if rows * cols * k <= 2_000_000 {
                f(&format!("{} {rows}×{cols} k={k}", T::NAME), &full, &sparse, k);
            }
        }
    }
}

fn products<T: Real>(isa: Isa) {
    each_case::<T>(|what, full, v, k| {
        let what = format!("{} {what}", isa.name());
        let (rows, cols) = (v.nrows(), v.ncols());
        let mut scratch = Unfolded::default();
        let y: Vec<T> = numbers(cols * k, 2);
        let mut out = vec![T::from_f64(f64::NAN); rows * k];
        sparse::numerators(isa, v.block(0..rows, T::ONE, &mut scratch), &y, k, &mut out);
        let tolerance = T::EPSILON.to_f64() * (4.0 + cols as f64);
        close(&what, &out, &naive::numerators(full.view(), &y, k), tolerance);

        let z: Vec<T> = numbers(rows * k, 3);
        let stride = accumulator_stride::<T>(k);
        let mut acc = vec![T::ONE; cols * stride];
        sparse::accumulate(isa, v.block(0..rows, T::ONE, &mut scratch), &z, k, &mut acc);
        let expected: Vec<f64> = naive::accumulate(full.view(), &z, k).iter().map(|x| x + 1.0).collect();
        close(&what, &compact(&acc, stride, k), &expected, T::EPSILON.to_f64() * (4.0 + rows as f64));

        // rows of Y further apart, the same bits
        let apart = sparse::row_stride::<T>(k) + 8;
        let padded: Vec<T> = y
            .chunks_exact(k)
            .flat_map(|row| row.iter().copied().chain(std::iter::repeat_n(T::from_f64(f64::NAN), apart - k)))
            .collect();
        let mut again = vec![T::ZERO; rows * k];
        sparse::numerators(isa, v.block(0..rows, T::ONE, &mut scratch), &padded, k, &mut again);
        assert_eq!(again, out, "{what}");

        // block by block, the same bits; half of V, exactly half
        let mut by_rows = vec![T::ZERO; rows * k];
        let mut parts = vec![T::ONE; cols * stride];
        let mut halves = vec![T::ZERO; rows * k];
        for block in blocks(rows) {
            let elements = block.start * k..block.end * k;
            let s = v.block(block.clone(), T::ONE, &mut scratch);
            sparse::numerators(isa, s, &y, k, &mut by_rows[elements.clone()]);
            sparse::accumulate(isa, s, &z[elements.clone()], k, &mut parts);
            let s = v.block(block, T::from_f64(0.5), &mut scratch);
            sparse::numerators(isa, s, &y, k, &mut halves[elements]);
        }
        assert_eq!(by_rows, out, "{what}");
        assert_eq!(compact(&parts, stride, k), compact(&acc, stride, k), "{what}");
        assert!(halves.iter().zip(&out).all(|(h, o)| *h * T::from_f64(2.0) == *o), "{what}");
    });
}

/// ‖XYᵀ‖².
fn size<T: Real>(x: &[T], y: &[T], k: usize) -> f64 {
    let of =
        |x: &[T], t: usize, r: usize| naive::sum(x.chunks_exact(k).map(|x| x[t].to_f64() * x[r].to_f64()));
    naive::sum((0..k * k).map(|i| of(x, i / k, i % k) * of(y, i / k, i % k)))
}

fn residuals<T: Real>(isa: Isa) {
    each_case::<T>(|what, full, v, k| {
        let (rows, cols) = (v.nrows(), v.ncols());
        let (x, y): (Vec<T>, Vec<T>) = (numbers(rows * k, 8), numbers(cols * k, 9));
        let (mut row, mut scratch) = (vec![f64::NAN; k], Unfolded::default());
        let all = size(&x, &y, k);
        let squares: f64 = full.as_slice().iter().map(|v| v.to_f64().powi(2)).sum();
        let expected = 2.0 + naive::squared_residual(full.view(), &x, &y, k);
        for wide in [false, true] {
            let what = format!("{} {what} wide={wide}", isa.name());
            let epsilon = if wide { 1e-13 } else { 1e-13 + T::EPSILON.to_f64() * (4 + k) as f64 };
            let s = v.block(0..rows, T::ONE, &mut scratch);
            let found = sparse::residual_entries(isa, s, &x, &y, k, wide, &mut row, 2.0);
            let off = (found + all - expected).abs();
            assert!(off <= epsilon * (squares + all + 2.0), "{what}: {} against {expected}", found + all);
            let mut parts = 2.0;
            for block in blocks(rows) {
                let part = &x[block.start * k..block.end * k];
                let s = v.block(block, T::ONE, &mut scratch);
                parts = sparse::residual_entries(isa, s, part, &y, k, wide, &mut row, parts);
            }
            assert_eq!(parts.to_bits(), found.to_bits(), "{what}: by blocks");
        }
    });
}

fn ratios<T: Real>(isa: Isa) {
    let (floor, ignore) = (T::from_f64(1e-3), T::from_f64(1e-2));
    let beta = Beta::new(1.0, floor, ignore);
    let (low, least) = (floor.to_f64(), ignore.to_f64());
    each_case::<T>(|what, full, v, k| {
        let what = format!("{} {what}", isa.name());
        let (rows, cols) = (v.nrows(), v.ncols());
        let (x, y): (Vec<T>, Vec<T>) = (numbers(rows * k, 8), numbers(cols * k, 9));
        let stride = accumulator_stride::<T>(k);
        let column = |x: &[T], t: usize| x.iter().skip(t).step_by(k).map(|x| x.to_f64()).sum::<f64>();
        let all: f64 = (0..k).map(|t| column(&x, t) * column(&y, t)).sum();
        let (mut n, mut b, mut sum) =
            (vec![T::from_f64(f64::NAN); rows * k], vec![T::ONE; cols * stride], 2.0);
        let (mut n_parts, mut b_parts, mut sum_parts) = (vec![T::ZERO; rows * k], b.clone(), 2.0);
        let mut scratch = Unfolded::default();
        let mut on = |block: std::ops::Range<usize>, n: &mut [T], b: &mut [T], sum: &mut f64| {
            let x = &x[block.start * k..block.end * k];
            let n = &mut n[block.start * k..block.end * k];
            let operands = SparseOperands { v: v.block(block, T::ONE, &mut scratch), x, y: &y, k };
            let mut on_the_way = *sum;
            sparse::ratio_numerators(isa, &beta, operands, n, Some(&mut on_the_way));
            let (mut again, mut b_too) = (*sum, b.to_vec());
            sparse::ratio_accumulate(isa, &beta, operands, b, Some(&mut again));
            let (mut n_too, mut at_once) = (vec![T::from_f64(f64::NAN); n.len()], *sum);
            sparse::ratio_joint(isa, &beta, operands, &mut n_too, &mut b_too, &mut at_once);
            assert_eq!(
                (&n_too[..], compact(&b_too, stride, k)),
                (&*n, compact(b, stride, k)),
                "{what}: at once"
            );
            *sum = sparse::ratio_sum(isa, &beta, operands, *sum);
            assert_eq!(at_once.to_bits(), sum.to_bits(), "{what}: at once");
            assert_eq!(on_the_way.to_bits(), sum.to_bits(), "{what}: on the way");
            assert_eq!(again.to_bits(), sum.to_bits(), "{what}: on the way");
        };
        on(0..rows, &mut n, &mut b, &mut sum);
        for block in blocks(rows) {
            on(block, &mut n_parts, &mut b_parts, &mut sum_parts);
        }
        let tolerance = |terms: usize| T::EPSILON.to_f64() * (16.0 + (terms + k) as f64);
        let expected = naive::ratio_numerators(full.view(), &x, &y, k, 1.0, low).0;
        close(&format!("N {what}"), &n, &expected, tolerance(cols));
        let expected = naive::ratio_accumulate(full.view(), &x, &y, k, 1.0, low).0;
        let expected: Vec<f64> = expected.iter().map(|x| x + 1.0).collect();
        close(&format!("B {what}"), &compact(&b, stride, k), &expected, tolerance(rows));
        let (value, size) = naive::divergence(full.view(), &x, &y, k, 1.0, (low, least));
        let sum_of_all = sum + all;
        let allowed = (T::EPSILON.to_f64() * (k + 8) as f64 + 64.0 * f64::EPSILON) * (size + 2.0);
        assert!((sum_of_all - 2.0 - value).abs() <= allowed, "{what}: {} against {value}", sum_of_all - 2.0);
        assert_eq!(n_parts, n, "{what}: by blocks");
        assert_eq!(compact(&b_parts, stride, k), compact(&b, stride, k), "{what}: by blocks");
        assert_eq!(sum_parts.to_bits(), sum.to_bits(), "{what}: by blocks");
    });
}

/// The relative error of V·Y over a row of a million entries, in f32: it must not grow with their number.
fn long_sums(isa: Isa) {
    let k = 3;
    for equal in [true, false] {
        for cols in [1_000, 30_000, 1_000_000] {
            let data: Vec<f32> = if equal { vec![0.1; cols] } else { numbers(cols, 1) };
            let y: Vec<f32> = if equal { vec![0.7; cols * k] } else { numbers(cols * k, 2) };
            let full = Dense::from_vec(data, 1, cols).unwrap();
            let v = Csr::of_dense(&full);
            let mut out = vec![0.0; k];
            sparse::numerators(isa, v.block(0..1, 1.0, &mut Unfolded::default()), &y, k, &mut out);
            close("long", &out, &naive::numerators(full.view(), &y, k), 1e-5);
        }
    }
}

macro_rules! on_every_isa {
    ($($name:ident: $kernel:expr;)*) => {$(
        #[test]
        fn $name() {
            for isa in Isa::available() {
                $kernel(isa);
            }
        }
    )*};
}

on_every_isa! {
    products_f32: products::<f32>;
    products_f64: products::<f64>;
    residuals_f32: residuals::<f32>;
    residuals_f64: residuals::<f64>;
    ratios_f32: ratios::<f32>;
    ratios_f64: ratios::<f64>;
    sums_over_a_million_entries: long_sums;
}

#[test]
#[should_panic(expected = "Y is cols×k")]
fn a_factor_of_another_size_is_refused() {
    let v = Csr::<f64>::new(1, 3, &[0_usize, 1][..], &[2_u32][..], &[1.0][..]).unwrap();
    let mut scratch = Unfolded::default();
    sparse::numerators(Isa::detect(), v.block(0..1, 1.0, &mut scratch), &[1.0; 2], 1, &mut [0.0]);
}
