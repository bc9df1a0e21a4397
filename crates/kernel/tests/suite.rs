//! One suite for every instruction set and both element types: each kernel against the plain loops of `naive`, on
//! shapes around every register, tile, block and chunk boundary.

use orthant_kernel::gemm::{Backend, gemm};
use orthant_kernel::rows::{self, Step};
use orthant_kernel::{Isa, Real, View, accumulate, accumulator_stride, gram, naive, numerators, scan};

/// A fixed, uneven sequence in [0, 1) with zeros in it.
fn numbers<T: Real>(count: usize, seed: usize) -> Vec<T> {
    (0..count)
        .map(|i| {
            let x = ((i + 1) * (2 * seed + 7919)) % 10_007;
            T::from_f64(if x.is_multiple_of(11) { 0.0 } else { x as f64 / 10_007.0 })
        })
        .collect()
}

fn close<T: Real>(what: &str, found: &[T], expected: &[f64], scale: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    // a sum of `scale` terms of at most 1, whose roundings are about independent
    let tolerance = 4.0 * T::EPSILON.to_f64() * scale * scale.sqrt();
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f.to_f64() - e).abs() <= tolerance, "{what}: {f} against {e} at {i}");
    }
}

/// Rows apart by `stride`, cut to k.
fn compact<T: Real>(padded: &[T], stride: usize, k: usize) -> Vec<T> {
    padded.chunks_exact(stride).flat_map(|row| row[..k].to_vec()).collect()
}

const RANKS: [usize; 18] = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 48, 50, 63, 64, 129];
const SHAPES: [(usize, usize); 9] =
    [(1, 1), (1, 40), (40, 1), (3, 5), (7, 17), (16, 33), (29, 64), (53, 100), (48, 5000)];

fn products<T: Real>(isa: Isa) {
    for (rows, cols) in SHAPES {
        for k in RANKS {
            if rows * cols * k > 4_000_000 {
                continue;
            }
            // rows further apart than they are long, as in a column range of a wider matrix
            let pitch = cols + 3;
            let data: Vec<T> = numbers(rows * pitch, 1);
            let v = View::strided(&data, 2, rows, cols, pitch as isize, 1)
                .or_else(|_| View::strided(&data, 0, rows, cols, pitch as isize, 1))
                .unwrap();
            let what = format!("{} {} {rows}×{cols} k={k}", isa.name(), T::NAME);
            let y: Vec<T> = numbers(cols * k, 2);
            let mut out = vec![T::from_f64(f64::NAN); rows * k];
            numerators(isa, v, &y, k, &mut out);
            close(&what, &out, &naive::numerators(v, &y, k), cols as f64);

            let z: Vec<T> = numbers(rows * k, 3);
            let stride = accumulator_stride::<T>(k);
            let mut acc = vec![T::ONE; cols * stride];
            accumulate(isa, v, &z, k, &mut acc);
            let expected: Vec<f64> = naive::accumulate(v, &z, k).iter().map(|x| x + 1.0).collect();
            close(&what, &compact(&acc, stride, k), &expected, rows as f64 + 1.0);

            // block by block, the same bits
            let mut blocks = vec![T::ONE; cols * stride];
            let mut by_rows = vec![T::ZERO; rows * k];
            let mut start = 0;
            for size in [1, 5, 2, 13].into_iter().cycle() {
                let end = (start + size).min(rows);
                let (part, range) = (v.rows(start..end), start * k..end * k);
                accumulate(isa, part, &z[range.clone()], k, &mut blocks);
                numerators(isa, part, &y, k, &mut by_rows[range]);
                start = end;
                if start == rows {
                    break;
                }
            }
            // the upper triangle of XᵀX
            let mut whole = vec![T::ONE; k * stride];
            let mut half = whole.clone();
            accumulate(isa, View::row_major(&z, rows, k).unwrap(), &z, k, &mut whole);
            gram(isa, &z, k, &mut half);
            for t in 0..k {
                assert_eq!(whole[t * stride + t..][..k - t], half[t * stride + t..][..k - t], "{what}");
            }

            assert_eq!(blocks, acc, "{what}");
            assert_eq!(by_rows, out, "{what}");
        }
    }
}

/// The relative error of V·Y over a million columns, in f32, of equal terms (whose roundings are all alike) and of
/// uneven ones: it must not grow with their number.
fn long_sums(isa: Isa) {
    let k = 3;
    for equal in [true, false] {
        let mut errors = Vec::new();
        for cols in [1_000, 30_000, 1_000_000] {
            let data: Vec<f32> = if equal { vec![0.1; cols] } else { numbers(cols, 1) };
            let y: Vec<f32> = if equal { vec![0.7; cols * k] } else { numbers(cols * k, 2) };
            let v = View::row_major(&data, 1, cols).unwrap();
            let mut out = vec![0.0; k];
            numerators(isa, v, &y, k, &mut out);
            let exact = naive::numerators(v, &y, k);
            let error =
                out.iter().zip(&exact).map(|(x, e)| (f64::from(*x) / e - 1.0).abs()).fold(0.0, f64::max);
            errors.push(error);
        }
        assert!(errors.iter().all(|&e| e < 1e-5), "{} equal={equal}: {errors:?}", isa.name());
    }
}

fn updates<T: Real>(isa: Isa) {
    for rows in [1, 2, 7, 8, 9, 16, 17, 31, 32, 33, 65, 130] {
        for k in [1, 2, 3, 8, 17, 33] {
            for l1 in [0.0, 0.3] {
                let what = format!("{} {} {rows} rows k={k} l1={l1}", isa.name(), T::NAME);
                let y: Vec<T> = numbers(50 * k, 4);
                let mut gram: Vec<T> = vec![T::ZERO; k * k];
                let wide: Vec<f64> = y.iter().map(|x| x.to_f64()).collect();
                for t in 0..k {
                    for r in 0..k {
                        let sum: f64 = (0..50).map(|j| wide[j * k + t] * wide[j * k + r]).sum();
                        // one dead component
                        gram[t * k + r] = T::from_f64(if k > 2 && (t == 1 || r == 1) { 0.0 } else { sum });
                    }
                }
                let gram64: Vec<f64> = gram.iter().map(|x| x.to_f64()).collect();
                let a_stride = k + 3;
                let padded: Vec<T> = numbers::<T>(rows * a_stride, 5);
                let scaled: Vec<T> = padded.iter().map(|x| *x * T::from_f64(20.0)).collect();
                let a = compact(&scaled, a_stride, k);
                let a64: Vec<f64> = a.iter().map(|x| x.to_f64()).collect();
                let start: Vec<T> = numbers(rows * k, 6);
                let mut scratch = vec![T::ZERO; rows::scratch_len(k)];
                for count in [1, 3] {
                    let mut x = start.clone();
                    let mut step = Step::default();
                    let l1t = T::from_f64(l1);
                    let g = &gram[..];
                    // in turn for one sweep, else by another permutation
                    let order: Vec<usize> =
                        if count == 1 { (0..k).collect() } else { (0..k).map(|t| (t + k / 2) % k).collect() };
                    rows::sweeps(
                        isa,
                        &mut x,
                        &scaled,
                        a_stride,
                        g,
                        l1t,
                        &order,
                        count,
                        &mut scratch,
                        &mut step,
                    );
                    let mut x64: Vec<f64> = start.iter().map(|x| x.to_f64()).collect();
                    let expected = naive::sweeps(&mut x64, &a64, &gram64, l1t.to_f64(), &order, count);
                    // errors of a sweep feed the next, through quotients of Gram entries
                    close(&what, &x, &x64, 400.0 * k as f64);
                    let tolerance = 100.0 * k as f64 * T::EPSILON.to_f64();
                    for (f, e) in [(step.violation, expected.violation), (step.movement, expected.movement)] {
                        assert!((f - e).abs() <= tolerance * e.max(1.0), "{what}: {f} against {e}");
                    }
                    // one row alone, the same bits
                    let last = rows - 1;
                    let mut alone = start[last * k..].to_vec();
                    let mut ignored = Step::default();
                    let row = &scaled[last * a_stride..];
                    rows::sweeps(
                        isa,
                        &mut alone,
                        row,
                        a_stride,
                        g,
                        l1t,
                        &order,
                        count,
                        &mut scratch,
                        &mut ignored,
                    );
                    assert_eq!(alone, x[last * k..], "{what}");
                }

                let mut d = vec![T::ZERO; rows * k];
                rows::products(isa, &start, &gram, k, &mut d);
                let diagonal: Vec<T> = (0..k).map(|t| gram[t * k + t]).collect();
                let mut x64: Vec<f64> = start.iter().map(|x| x.to_f64()).collect();
                let mut left = 0.0;
                for i in 0..rows {
                    for t in 0..k {
                        let h = gram64[t * k + t];
                        let g = (0..k).map(|r| gram64[t * k + r] * x64[i * k + r]).sum::<f64>()
                            - a64[i * k + t]
                            + T::from_f64(l1).to_f64();
                        if h > 0.0 {
                            left += h * (x64[i * k + t] - (x64[i * k + t] - g / h).max(0.0)).powi(2);
                        }
                    }
                }
                let l1t = T::from_f64(l1);
                let found = rows::distance(isa, &start, &scaled, a_stride, &d, &diagonal, l1t, 1.0);
                let tolerance = 100.0 * k as f64 * T::EPSILON.to_f64() * (left + 1.0);
                assert!((found - 1.0 - left).abs() <= tolerance, "{what}: {found} against {left}");

                let mut x = start.clone();
                let least = 1e-2;
                rows::multiply(
                    isa,
                    &mut x,
                    &scaled,
                    a_stride,
                    &d,
                    k,
                    l1t,
                    T::from_f64(1e-7),
                    rows::Least { zero: T::ZERO, raise: T::from_f64(least) },
                );
                naive::multiply(&mut x64, &a64, &gram64, l1t.to_f64(), 1e-7, k);
                for (f, &e) in x.iter().zip(&x64) {
                    let tolerance = 20.0 * k as f64 * T::EPSILON.to_f64() * e.abs();
                    let e = if e > 0.0 { e.max(least) } else { e };
                    assert!((f.to_f64() - e).abs() <= tolerance, "{what}: {f} against {e}");
                }
            }
        }
    }
}

/// min over x ≥ 0 of ½xGx − ax + l1·Σx, by trying every set of positive coordinates.
fn enumerate(gram: &[f64], a: &[f64], l1: f64, k: usize) -> f64 {
    let mut best = 0.0_f64;
    for set in 1..1_u32 << k {
        let on: Vec<usize> = (0..k).filter(|t| set >> t & 1 == 1).collect();
        let p = on.len();
        // Gaussian elimination on the subset's normal equations
        let mut rows: Vec<Vec<f64>> =
            on.iter().map(|&t| on.iter().map(|&r| gram[t * k + r]).chain([a[t] - l1]).collect()).collect();
        for c in 0..p {
            let pivot = rows[c].clone();
            for r in 0..p {
                if r != c {
                    let f = rows[r][c] / pivot[c];
                    rows[r].iter_mut().zip(&pivot).for_each(|(x, y)| *x -= f * y);
                }
            }
        }
        let x: Vec<f64> = (0..p).map(|c| rows[c][p] / rows[c][c]).collect();
        if x.iter().all(|&x| x >= 0.0) {
            let value: f64 = on.iter().zip(&x).map(|(&t, x)| -0.5 * (a[t] - l1) * x).sum();
            best = best.min(value);
        }
    }
    best
}

fn solutions(isa: Isa) {
    for k in [1, 2, 3, 5, 6] {
        let y: Vec<f64> = numbers(20 * k, 9);
        let gram: Vec<f64> = (0..k * k)
            .map(|i| (0..20).map(|j| y[j * k + i / k] * y[j * k + i % k]).sum::<f64>())
            .enumerate()
            .map(|(i, g)| if i / k == i % k { g + 0.5 } else { g })
            .collect();
        for l1 in [0.0, 0.7] {
            let rows = 19;
            let a: Vec<f64> = numbers::<f64>(rows * k, 10).iter().map(|x| 8.0 * x - 2.0).collect();
            let mut x = vec![0.0; rows * k];
            let mut left = vec![1.0; rows];
            let mut scratch = vec![0.0; rows::scratch_len(k)];
            let enough = vec![1e-26; rows];
            let sweeps =
                rows::solve(isa, &mut x, &a, &gram, l1, k, &enough, 100_000, &mut scratch, &mut left);
            assert!(sweeps < 100_000);
            for i in 0..rows {
                let (x, a) = (&x[i * k..(i + 1) * k], &a[i * k..(i + 1) * k]);
                let quadratic: f64 = (0..k * k).map(|e| 0.5 * gram[e] * x[e / k] * x[e % k]).sum();
                let value = quadratic - (0..k).map(|t| (a[t] - l1) * x[t]).sum::<f64>();
                let best = enumerate(&gram, a, l1, k);
                assert!((value - best).abs() <= 1e-9, "{} k={k} row {i}: {value} against {best}", isa.name());
                assert!(left[i] <= enough[i]);
            }
        }
    }
}

fn sums<T: Real>(isa: Isa) {
    for (rows, cols) in SHAPES {
        let data: Vec<T> = numbers(rows * cols, 7);
        let v = View::row_major(&data, rows, cols).unwrap();
        let what = format!("{} {} {rows}×{cols}", isa.name(), T::NAME);
        let squares = naive::sum(data.iter().map(|x| x.to_f64().powi(2)));
        let max = data.iter().map(|x| x.to_f64()).fold(0.0, f64::max);
        let found = scan::scan(isa, v, T::ONE, 0.0);
        assert!(found.valid && found.max == max, "{what}");
        assert!((found.squares - squares).abs() <= 1e-13 * squares, "{what}");
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0] {
            for at in [0, data.len() / 2, data.len() - 1] {
                let mut data = data.clone();
                data[at] = T::from_f64(bad);
                let v = View::row_major(&data, rows, cols).unwrap();
                assert!(!scan::scan(isa, v, T::ONE, 0.0).valid, "{what}: {bad} at {at}");
            }
        }
        for k in [1, 3, 17] {
            let (x, y): (Vec<T>, Vec<T>) = (numbers(rows * k, 8), numbers(cols * k, 9));
            let mut scratch = vec![T::ZERO; scan::residual_scratch_len(k)];
            let found = scan::squared_residual(isa, v, &x, &y, k, &mut scratch, 2.0);
            let expected = 2.0 + naive::squared_residual(v, &x, &y, k);
            let tolerance = 16.0 * T::EPSILON.to_f64() * k as f64 * expected;
            assert!((found - expected).abs() <= tolerance, "{what} k={k}: {found} against {expected}");
            let part = rows / 3;
            let head = scan::squared_residual(isa, v.rows(0..part), &x[..part * k], &y, k, &mut scratch, 2.0);
            let tail = v.rows(part..rows);
            let both = scan::squared_residual(isa, tail, &x[part * k..], &y, k, &mut scratch, head);
            assert_eq!(both.to_bits(), found.to_bits(), "{what} k={k}: in two blocks");
            let inner = scan::inner_product(isa, &x, k, &x, k, 0.0);
            let expected = naive::sum(x.iter().map(|x| x.to_f64().powi(2)));
            assert!((inner - expected).abs() <= 1e-13 * expected, "{what} k={k}");
        }
    }
}

macro_rules! suite {
    ($($isa:ident => $name:literal),*) => {$(
        mod $isa {
            use super::*;

            /// The instruction set, or `None` on a processor without it.
            fn isa() -> Option<Isa> {
                let found = Isa::available().into_iter().find(|isa| isa.name() == $name);
                if found.is_none() {
                    eprintln!("skipped: this processor has no {}", $name);
                }
                found
            }

            #[test]
            fn products_f32() { isa().into_iter().for_each(products::<f32>) }
            #[test]
            fn products_f64() { isa().into_iter().for_each(products::<f64>) }
            #[test]
            fn updates_f32() { isa().into_iter().for_each(updates::<f32>) }
            #[test]
            fn updates_f64() { isa().into_iter().for_each(updates::<f64>) }
            #[test]
            fn solutions_are_the_minimum() { isa().into_iter().for_each(solutions) }
            #[test]
            fn long_sums_do_not_drift() { isa().into_iter().for_each(long_sums) }
            #[test]
            fn sums_f32() { isa().into_iter().for_each(sums::<f32>) }
            #[test]
            fn sums_f64() { isa().into_iter().for_each(sums::<f64>) }
        }
    )*};
}

suite!(portable => "portable", avx2 => "avx2", avx512 => "avx512");

fn backends() -> Vec<Backend> {
    vec![
        Backend::Rust,
        #[cfg(feature = "blas")]
        Backend::Blas,
    ]
}

/// Every layout of every operand, and nothing written between or after the rows of C.
fn multiplies<T: Real>() {
    let sizes = [1, 2, 3, 5, 8, 17, 40, 100];
    for backend in backends() {
        for (i, &m) in sizes.iter().enumerate() {
            for (j, &n) in sizes.iter().enumerate() {
                let p = sizes[(i * 3 + j) % sizes.len()];
                let (a, b): (Vec<T>, Vec<T>) = (numbers(m * p * 4, 1), numbers(n * p * 4, 2));
                let view = |data: &'_ [T], r: usize, c: usize, layout: usize| {
                    // the first element, and row and column strides
                    let (start, rs, cs) = match layout {
                        0 => (0, c as isize, 1),
                        1 => (0, 1, r as isize),
                        2 => (1, c as isize + 3, 1),
                        3 => (0, 2, 2 * r as isize),
                        _ => (r * c - 1, -(c as isize), -1),
                    };
                    let mut copy = Vec::new();
                    let padded = (start + (r - 1) * rs.unsigned_abs() + (c - 1) * cs.unsigned_abs() + 1)
                        .max(data.len());
                    copy.extend(data.iter().copied().cycle().take(padded));
                    (copy, start, rs, cs)
                };
                for layout in 0..25 {
                    let (da, sa, ra, ca) = view(&a, m, p, layout / 5);
                    let (db, sb, rb, cb) = view(&b, p, n, layout % 5);
                    let a = View::strided(&da, sa, m, p, ra, ca).unwrap();
                    let b = View::strided(&db, sb, p, n, rb, cb).unwrap();
                    for (stride, add) in [(n, false), (n + 2, true), (n + 5, false)] {
                        let seven = T::from_f64(7.0);
                        let mut memory = vec![seven; m * stride + 64];
                        gemm(backend, a, b, &mut memory[32..32 + m * stride], stride, add);
                        let (guard, rest) = memory.split_at(32);
                        let (c, end) = rest.split_at(m * stride);
                        assert!(guard.iter().chain(end).all(|&x| x == seven), "written outside C");
                        for (i, row) in c.chunks_exact(stride).enumerate() {
                            for (j, &x) in row.iter().enumerate() {
                                if j >= n {
                                    assert_eq!(x, seven, "written between the rows of C");
                                    continue;
                                }
                                let sum: f64 =
                                    (0..p).map(|q| a.at(i, q).to_f64() * b.at(q, j).to_f64()).sum();
                                let expected = sum + if add { 7.0 } else { 0.0 };
                                let tolerance = 4.0 * T::EPSILON.to_f64() * (p as f64 + 7.0);
                                assert!((x.to_f64() - expected).abs() <= tolerance, "{m}×{p}×{n} {layout}");
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn gemm_f32() {
    multiplies::<f32>();
}

#[test]
fn gemm_f64() {
    multiplies::<f64>();
}

#[test]
fn gemm_of_nothing() {
    for backend in backends() {
        let (a, b) = (View::row_major(&[], 2, 0).unwrap(), View::row_major(&[], 0, 3).unwrap());
        let mut c = [5.0; 8];
        gemm(backend, a, b, &mut c, 4, true);
        assert_eq!(c, [5.0; 8]);
        gemm(backend, a, b, &mut c, 4, false);
        assert_eq!(c, [0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 5.0]);
    }
}
