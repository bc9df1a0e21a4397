//! The kernels of β-divergences against the plain loops of `naive`, on every instruction set, around every tile.

use orthant_kernel::divergence::{self, Beta, Operands};
use orthant_kernel::rows::{self, Least, Majorant};
use orthant_kernel::{Isa, Real, View, accumulator_stride, naive};

const BETAS: [f64; 8] = [2.0, 1.0, 0.0, 0.5, 1.5, 3.0, -1.0, 0.3];
const ROWS: [usize; 5] = [1, 47, 48, 49, 97];
const COLS: [usize; 6] = [1, 2, 255, 256, 257, 513];
const RANKS: [usize; 4] = [1, 2, 17, 33];

/// A fixed, uneven sequence in (0, 1), with zeros in it if asked for.
fn numbers<T: Real>(count: usize, seed: usize, zeros: bool) -> Vec<T> {
    (0..count)
        .map(|i| {
            let x = ((i + 1) * (2 * seed + 7919)) % 10_007;
            T::from_f64(if zeros && x.is_multiple_of(11) { 0.0 } else { (x + 1) as f64 / 10_008.0 })
        })
        .collect()
}

/// Sums of non-negative terms, each off by its own rounding: relative errors.
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

fn bits<T: Real>(x: &[T]) -> Vec<u64> {
    x.iter().map(|x| x.to_f64().to_bits()).collect()
}

/// V with rows further apart than they are long, X and Y of one size, and everything the kernels want besides.
struct Case<T> {
    data: Vec<T>,
    rows: usize,
    cols: usize,
    k: usize,
    x: Vec<T>,
    y: Vec<T>,
    packed: Vec<T>,
    beta: Beta<T>,
    floor: f64,
    what: String,
}

impl<T: Real> Case<T> {
    fn new(isa: Isa, (rows, cols, k): (usize, usize, usize), beta: f64) -> Self {
        // with β ≤ 0 the data is positive; X has zeros, and where k = 1 so has P
        let (pitch, zeros) = (cols + 3, beta > 0.0);
        let floor = T::from_f64(1e-3);
        let y = numbers(cols * k, 2, k > 1);
        let mut packed = vec![T::ZERO; y.len()];
        divergence::pack(&y, k, &mut packed);
        Self {
            data: numbers(2 + rows * pitch, 1, zeros),
            rows,
            cols,
            k,
            x: numbers(rows * k, 3, true),
            y,
            packed,
            beta: Beta::new(beta, floor, T::from_f64(1e-2)),
            floor: floor.to_f64(),
            what: format!("{} {} β={beta} {rows}×{cols} k={k}", isa.name(), T::NAME),
        }
    }

    fn v(&self) -> View<'_, T> {
        let pitch = self.cols as isize + 3;
        View::strided(&self.data, 2, self.rows, self.cols, pitch, 1).unwrap()
    }

    fn operands(&self, start: usize, end: usize) -> Operands<'_, T> {
        let x = &self.x[start * self.k..end * self.k];
        Operands { v: self.v().rows(start..end), x, y: &self.y, packed: &self.packed, k: self.k }
    }

    /// Relative error of a sum of `terms` non-negative terms, each with a power of a product of k.
    fn tolerance(&self, terms: usize) -> f64 {
        let power = (self.beta.beta() - 2.0).abs().max(1.0);
        T::EPSILON.to_f64() * (16.0 + terms as f64 + power * (self.k + 8) as f64)
    }

    fn blocks(&self) -> Vec<(usize, usize)> {
        let mut start = 0;
        let sizes = [1, 5, 47, 2, 48, 13].into_iter().cycle();
        sizes
            .map_while(|size| {
                let block = (start, self.rows.min(start + size));
                start = block.1;
                (block.0 < block.1).then_some(block)
            })
            .collect()
    }
}

fn cases<T: Real>(isa: Isa) -> impl Iterator<Item = Case<T>> {
    let shapes = ROWS.into_iter().flat_map(|rows| COLS.map(|cols| (rows, cols)));
    let shapes = shapes.flat_map(|(rows, cols)| RANKS.map(|k| (rows, cols, k)));
    // all of the small ones, and every third of the large ones, a different third for each β
    shapes.enumerate().flat_map(move |(at, shape)| {
        let small = shape.0 * shape.1 * shape.2 <= 60_000;
        let chosen = BETAS.into_iter().enumerate().filter(move |(b, _)| small || (at + b) % 3 == 0);
        chosen.map(move |(_, beta)| Case::new(isa, shape, beta))
    })
}

fn numerators<T: Real>(isa: Isa) {
    for case in cases::<T>(isa) {
        let (rows, k, what) = (case.rows, case.k, &case.what);
        let nan = vec![T::from_f64(f64::NAN); rows * k];
        let (mut n, mut d) = (nan.clone(), nan);
        let mut scratch = vec![T::from_f64(f64::NAN); divergence::scratch_len(k)];
        let mut told = 2.0;
        let whole = case.operands(0, rows);
        divergence::numerators(isa, &case.beta, whole, &mut n, &mut d, &mut scratch, Some(&mut told));
        let apart = divergence::sum(isa, &case.beta, whole, &mut scratch, 2.0);
        assert_eq!(told.to_bits(), apart.to_bits(), "told with N, {what}");
        let (beta, floor) = (case.beta.beta(), case.floor);
        let expected = naive::ratio_numerators(case.v(), &case.x, &case.y, k, beta, floor);
        close(&format!("N {what}"), &n, &expected.0, case.tolerance(case.cols));
        let kl = case.beta.is_kullback_leibler();
        if kl {
            assert!(d.iter().all(|x| !x.is_finite()), "D was touched, {what}");
        } else {
            close(&format!("D {what}"), &d, &expected.1, case.tolerance(case.cols));
        }
        // rows are on their own, to the bit
        let (mut n_parts, mut d_parts) = (vec![T::ZERO; rows * k], vec![T::ZERO; rows * k]);
        for (start, end) in case.blocks() {
            let range = start * k..end * k;
            let (n, d) = (&mut n_parts[range.clone()], &mut d_parts[range]);
            divergence::numerators(isa, &case.beta, case.operands(start, end), n, d, &mut scratch, None);
        }
        assert_eq!(bits(&n_parts), bits(&n), "N by blocks, {what}");
        if !kl {
            assert_eq!(bits(&d_parts), bits(&d), "D by blocks, {what}");
        }
    }
}

fn accumulate<T: Real>(isa: Isa) {
    for case in cases::<T>(isa) {
        let (rows, cols, k, what) = (case.rows, case.cols, case.k, &case.what);
        let stride = accumulator_stride::<T>(k);
        let mut scratch = vec![T::from_f64(f64::NAN); divergence::scratch_len(k)];
        let (mut b, mut d) = (vec![T::ONE; cols * stride], vec![T::ONE; cols * stride]);
        let mut told = 2.0;
        let whole = case.operands(0, rows);
        divergence::accumulate(isa, &case.beta, whole, &mut b, &mut d, &mut scratch, Some(&mut told));
        let apart = divergence::sum(isa, &case.beta, whole, &mut scratch, 2.0);
        assert_eq!(told.to_bits(), apart.to_bits(), "told with B, {what}");
        let (beta, floor) = (case.beta.beta(), case.floor);
        let (mut on_b, mut on_d) = naive::ratio_accumulate(case.v(), &case.x, &case.y, k, beta, floor);
        on_b.iter_mut().chain(&mut on_d).for_each(|x| *x += 1.0);
        close(&format!("B {what}"), &compact(&b, stride, k), &on_b, case.tolerance(rows));
        let kl = case.beta.is_kullback_leibler();
        if kl {
            assert!(d.iter().all(|&x| x == T::ONE), "D was touched, {what}");
        } else {
            close(&format!("D {what}"), &compact(&d, stride, k), &on_d, case.tolerance(rows));
        }
        // block by block, the same bits
        let (mut b_parts, mut d_parts) = (vec![T::ONE; cols * stride], vec![T::ONE; cols * stride]);
        for (start, end) in case.blocks() {
            let operands = case.operands(start, end);
            divergence::accumulate(isa, &case.beta, operands, &mut b_parts, &mut d_parts, &mut scratch, None);
        }
        assert_eq!(bits(&compact(&b_parts, stride, k)), bits(&compact(&b, stride, k)), "B by blocks, {what}");
        assert_eq!(bits(&compact(&d_parts, stride, k)), bits(&compact(&d, stride, k)), "D by blocks, {what}");
    }
}

/// One P for both: the bits of the two apart, which are held to the plain loops above, and the oracle's numbers.
fn joint<T: Real>(isa: Isa) {
    for case in cases::<T>(isa).filter(|case| case.beta.is_kullback_leibler()) {
        let (rows, cols, k, what) = (case.rows, case.cols, case.k, &case.what);
        let stride = accumulator_stride::<T>(k);
        let mut scratch = vec![T::from_f64(f64::NAN); divergence::scratch_len(k)];
        let (mut n, mut b) = (vec![T::from_f64(f64::NAN); rows * k], vec![T::ONE; cols * stride]);
        let (mut told, whole) = (2.0, case.operands(0, rows));
        divergence::joint(isa, &case.beta, whole, &mut n, &mut b, &mut scratch, &mut told);
        let on_n = naive::ratio_numerators(case.v(), &case.x, &case.y, k, 1.0, case.floor).0;
        close(&format!("N {what}"), &n, &on_n, case.tolerance(cols));
        let mut on_b = naive::ratio_accumulate(case.v(), &case.x, &case.y, k, 1.0, case.floor).0;
        on_b.iter_mut().for_each(|x| *x += 1.0);
        close(&format!("B {what}"), &compact(&b, stride, k), &on_b, case.tolerance(rows));
        let (mut n_apart, mut b_apart) = (vec![T::ZERO; rows * k], vec![T::ONE; cols * stride]);
        divergence::numerators(isa, &case.beta, whole, &mut n_apart, &mut [], &mut scratch, None);
        divergence::accumulate(isa, &case.beta, whole, &mut b_apart, &mut [], &mut scratch, None);
        let apart = divergence::sum(isa, &case.beta, whole, &mut scratch, 2.0);
        // block by block, the same bits
        let (mut n_parts, mut b_parts, mut parts) =
            (vec![T::ZERO; rows * k], vec![T::ONE; cols * stride], 2.0);
        for (start, end) in case.blocks() {
            let (n, operands) = (&mut n_parts[start * k..end * k], case.operands(start, end));
            divergence::joint(isa, &case.beta, operands, n, &mut b_parts, &mut scratch, &mut parts);
        }
        for (how, n_other, b_other, other) in
            [("apart", n_apart, b_apart, apart), ("by blocks", n_parts, b_parts, parts)]
        {
            assert_eq!(bits(&n), bits(&n_other), "N {how}, {what}");
            assert_eq!(bits(&compact(&b, stride, k)), bits(&compact(&b_other, stride, k)), "B {how}, {what}");
            assert_eq!(told.to_bits(), other.to_bits(), "told {how}, {what}");
        }
    }
}

fn sum<T: Real>(isa: Isa) {
    for case in cases::<T>(isa) {
        let (rows, k, what) = (case.rows, case.k, &case.what);
        let mut scratch = vec![T::from_f64(f64::NAN); divergence::scratch_len(k)];
        let found = divergence::sum(isa, &case.beta, case.operands(0, rows), &mut scratch, 2.0);
        let ignore = T::from_f64(1e-2).to_f64();
        let beta = case.beta.beta();
        let (value, size) = naive::divergence(case.v(), &case.x, &case.y, k, beta, (case.floor, ignore));
        // products are the element type's; what is made of them is not
        let power = beta.abs().max(1.0) * (beta - 1.0).abs().max(1.0);
        let tolerance = T::EPSILON.to_f64() * power * (k + 8) as f64 + 64.0 * f64::EPSILON;
        let off = (found - 2.0 - value).abs();
        assert!(off <= tolerance * (size + 2.0), "{what}: {} against {value}", found - 2.0);
        let mut parts = 2.0;
        for (start, end) in case.blocks() {
            parts = divergence::sum(isa, &case.beta, case.operands(start, end), &mut scratch, parts);
        }
        assert_eq!(parts.to_bits(), found.to_bits(), "{what}: by blocks");
    }
}

/// Without floors an entry of P that is 0 is 0 where that is finite: β > 1 leaves v^β/(β(β − 1)) of it.
fn unfloored<T: Real>(isa: Isa) {
    let v: Vec<T> = [0.5, 2.0, 0.0, 5e-4].map(T::from_f64).to_vec();
    let view = View::row_major(&v, 2, 2).unwrap();
    let (x, y) = ([T::ZERO, T::ONE], [T::ZERO, T::ZERO]);
    let mut scratch = vec![T::ZERO; divergence::scratch_len(1)];
    for beta in [1.1, 1.5, 1.7, 2.5, 3.0] {
        let floored = Beta::new(beta, T::from_f64(1e-3), T::from_f64(1e-3));
        let operands = Operands { v: view, x: &x, y: &y, packed: &y, k: 1 };
        let found = divergence::sum(isa, &floored.unfloored(), operands, &mut scratch, 0.0);
        let expected: f64 = v.iter().map(|v| v.to_f64().powf(beta) / (beta * (beta - 1.0))).sum();
        let what = format!("{} {} β = {beta}: {found} against {expected}", isa.name(), T::NAME);
        assert!((found - expected).abs() <= 1e-14 * expected, "{what}");
        let with = divergence::sum(isa, &floored, operands, &mut scratch, 0.0);
        assert!((with - expected).abs() > 1e-12 * expected, "{what}, {with} with floors");
    }
}

fn majorize<T: Real>(isa: Isa) {
    let majorants = [
        Majorant::Ratio { exponent: 1.0 },
        Majorant::Ratio { exponent: 0.5 },
        Majorant::Ratio { exponent: 1.0 / 2.7 },
        Majorant::Ratio { exponent: 1.5 },
        Majorant::Root { exponent: 1.0 },
        Majorant::Root { exponent: 1.5 },
        Majorant::Root { exponent: 0.7 },
    ];
    for rows in [1, 2, 8, 33] {
        for k in [1, 2, 7, 8, 9, 17, 33] {
            for majorant in majorants {
                for (l1, l2) in [(0.0, 0.0), (0.3, 0.0), (0.0, 0.7), (0.3, 0.7)] {
                    for shared in [false, true] {
                        let what = format!("{} {} {rows}×{k} {majorant:?} {l1} {l2}", isa.name(), T::NAME);
                        let (n_stride, d_stride) = (k + 3, if shared { 0 } else { k + 1 });
                        let n: Vec<T> = numbers(rows * n_stride, 4, true);
                        let d: Vec<T> = numbers(if shared { k } else { rows * d_stride }, 5, true);
                        let start: Vec<T> = numbers(rows * k, 6, true);
                        let wide = |x: &[T]| x.iter().map(|x| x.to_f64()).collect::<Vec<_>>();
                        let n64 = wide(&compact(&n, n_stride, k));
                        let d64 =
                            if shared { wide(&d).repeat(rows) } else { wide(&compact(&d, d_stride, k)) };
                        let weights = (T::from_f64(l1), T::from_f64(l2));
                        let floor = T::from_f64(0.01);
                        let least = Least { zero: T::from_f64(0.05), raise: T::from_f64(0.09) };
                        let run = |x: &mut [T], first: usize, sum: f64| {
                            let n = &n[first * n_stride..];
                            let d = &d[first * d_stride..];
                            rows::majorize(
                                isa, x, n, n_stride, d, d_stride, k, weights, majorant, floor, least, sum,
                            )
                        };
                        let mut x = start.clone();
                        let left = run(&mut x, 0, 1.5);
                        let mut expected = wide(&start);
                        let weights = (weights.0.to_f64(), weights.1.to_f64());
                        let floor = floor.to_f64();
                        let least = Least { zero: least.zero.to_f64(), raise: least.raise.to_f64() };
                        let mut raw = expected.clone();
                        naive::majorize(&mut raw, &n64, &d64, weights, majorant, floor, Least::NONE);
                        let on = naive::majorize(&mut expected, &n64, &d64, weights, majorant, floor, least);
                        let epsilon = T::EPSILON.to_f64();
                        for ((f, e), raw) in x.iter().zip(&expected).zip(&raw) {
                            // either side of what becomes 0
                            let edge = (raw - least.zero).abs() <= 64.0 * epsilon;
                            let off = (f.to_f64() - e).abs();
                            assert!(edge || off <= 32.0 * epsilon * e, "{what}: {f} against {e}");
                        }
                        let off = (left - 1.5 - on).abs();
                        assert!(off <= 32.0 * epsilon * (rows * k) as f64, "{what}: {left} against {on}");
                        // a row alone and the rest after it, the same bits
                        let mut parts = start.clone();
                        let (one, rest) = parts.split_at_mut(k);
                        let sum = run(one, 0, 1.5);
                        let sum = if rows > 1 { run(rest, 1, sum) } else { sum };
                        assert_eq!(bits(&parts), bits(&x), "{what}");
                        assert_eq!(sum.to_bits(), left.to_bits(), "{what}");
                    }
                }
            }
        }
    }
}

fn ahead<T: Real>(isa: Isa) {
    for (len, k) in [(1, 1), (2, 2), (63, 7), (64, 1), (65, 13), (130, 65)] {
        for beta in [0.0, 0.3, 0.9, 1.0] {
            let (now, from): (Vec<T>, Vec<T>) = (numbers(len, 2, true), numbers(len, 5, true));
            let by: Vec<T> = (0..k).map(|t| T::from_f64(0.5 + t as f64)).collect();
            let mut x = now.clone();
            divergence::ahead(isa, &mut x, &from, &by, beta);
            for (i, ((x, now), from)) in x.iter().zip(&now).zip(&from).enumerate() {
                let (x, now, from) = (x.to_f64(), now.to_f64(), from.to_f64());
                let ratio = (now / (by[i % k].to_f64() * from)).clamp(1.0 / 1024.0, 1024.0);
                let expected = if from == 0.0 { now } else { now * ratio.powf(beta) };
                let off = (x - expected).abs();
                assert!(off <= 16.0 * T::EPSILON.to_f64() * expected, "{}: {x} for {expected}", isa.name());
            }
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
            fn numerators_f32() { isa().into_iter().for_each(numerators::<f32>) }
            #[test]
            fn numerators_f64() { isa().into_iter().for_each(numerators::<f64>) }
            #[test]
            fn accumulate_f32() { isa().into_iter().for_each(accumulate::<f32>) }
            #[test]
            fn accumulate_f64() { isa().into_iter().for_each(accumulate::<f64>) }
            #[test]
            fn joint_f32() { isa().into_iter().for_each(joint::<f32>) }
            #[test]
            fn joint_f64() { isa().into_iter().for_each(joint::<f64>) }
            #[test]
            fn sum_f32() { isa().into_iter().for_each(sum::<f32>) }
            #[test]
            fn sum_f64() { isa().into_iter().for_each(sum::<f64>) }
            #[test]
            fn unfloored_f32() { isa().into_iter().for_each(unfloored::<f32>) }
            #[test]
            fn unfloored_f64() { isa().into_iter().for_each(unfloored::<f64>) }
            #[test]
            fn majorize_f32() { isa().into_iter().for_each(majorize::<f32>) }
            #[test]
            fn majorize_f64() { isa().into_iter().for_each(majorize::<f64>) }
            #[test]
            fn ahead_f32() { isa().into_iter().for_each(ahead::<f32>) }
            #[test]
            fn ahead_f64() { isa().into_iter().for_each(ahead::<f64>) }
        }
    )*};
}

suite!(portable => "portable", avx2 => "avx2", avx512 => "avx512");

/// Where P is 0, a denominator may be and a numerator is what a floor makes of it: the quotient leaves the range, and a
/// zero times that is no number.
#[test]
fn a_zero_stays_zero_beside_a_quotient_out_of_range() {
    for isa in Isa::available() {
        for exponent in [1.0, 0.5, 0.4] {
            let mut x = [0.0_f32, -0.0, 2.0];
            let (n, d) = ([1e15, 1e15, 3.0], [0.0, 0.0, 3.0]);
            let ratio = Majorant::Ratio { exponent };
            rows::majorize(isa, &mut x, &n, 3, &d, 3, 3, (0.0, 0.0), ratio, 1e-30, Least::NONE, 0.0);
            assert_eq!(x.map(f32::to_bits), [0.0, 0.0, 2.0].map(f32::to_bits), "{} {exponent}", isa.name());
        }
    }
}
