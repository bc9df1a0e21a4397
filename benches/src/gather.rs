//! How fast rows of a table can be gathered and added up, whatever is made of them: the roofline of sparse products.

use std::array;
use std::hint::black_box;
use std::time::Instant;

use orthant_kernel::Isa;
use rayon::prelude::*;

/// Rounds, of which the fastest counts.
const TIMES: usize = 5;

/// Σ vₑ·yₑ over entries e, with yₑ the row of the table that entry e points at: N parts of as many numbers as a register
/// has, in C chains.
///
/// One multiply-add for a number loaded, nothing stored, no rows to begin or end: no product with as many entries can be
/// faster, as long as it takes a row of the table for each. It is all in one function, for the compiler to use the
/// registers that the function may.
macro_rules! loops {
    ($name:ident, $lanes:literal, $add:expr $(, $features:literal)?) => {
        $(#[target_feature(enable = $features)])?
        fn $name<const N: usize, const C: usize>(
            indices: &[u32],
            values: &[f32],
            table: &[[[f32; $lanes]; N]],
        ) -> f32 {
            let mut sums = [[[0.0_f32; $lanes]; N]; C];
            let (mut indices, mut values) = (indices.chunks_exact(C), values.chunks_exact(C));
            for (i, v) in indices.by_ref().zip(values.by_ref()) {
                for c in 0..C {
                    let y = &table[i[c] as usize];
                    for part in 0..N {
                        for l in 0..$lanes {
                            sums[c][part][l] = $add(v[c], y[part][l], sums[c][part][l]);
                        }
                    }
                }
            }
            for (&i, &v) in indices.remainder().iter().zip(values.remainder()) {
                for (sum, &y) in sums[0].as_flattened_mut().iter_mut().zip(table[i as usize].as_flattened()) {
                    *sum += v * y;
                }
            }
            sums.as_flattened().as_flattened().iter().sum()
        }
    };
}

loops!(portable, 4, |v: f32, y: f32, sum: f32| v * y + sum);
#[cfg(target_arch = "x86_64")]
loops!(avx2, 8, f32::mul_add, "avx2,fma");
#[cfg(target_arch = "x86_64")]
loops!(avx512, 16, f32::mul_add, "avx512f");

/// Rows a second that can be gathered from a table of `rows` rows of `k` numbers and added up, by these indices and
/// factors, in order, cut evenly for so many threads of a rayon pool: the fastest of several rounds, by registers of every
/// width that the processor has. Rows begin where whole registers do.
///
/// ```
/// assert!(orthant_benches::gathered_rows(&[1, 0, 2], &[1.0, 2.0, 3.0], 3, 5, 1).expect("a rank as that") > 0.0);
/// ```
///
/// # Errors
/// Says so where k is above 64, too large for one panel of registers, or threads cannot be had.
///
/// # Panics
/// For an index that is no row.
pub fn gathered_rows(
    indices: &[u32],
    values: &[f32],
    rows: usize,
    k: usize,
    threads: usize,
) -> Result<f64, String> {
    assert!(indices.len() == values.len() && k > 0, "a factor for each index");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|e| e.to_string())?;
    let part = indices.len().div_ceil(threads).max(1);
    let each = |one: &(dyn Fn(&[u32], &[f32]) -> f32 + Sync)| {
        let round = |_| {
            let start = Instant::now();
            let sum: f32 = pool.install(|| {
                indices.par_chunks(part).zip(values.par_chunks(part)).map(|(i, v)| one(i, v)).sum()
            });
            black_box(sum);
            start.elapsed().as_secs_f64()
        };
        indices.len() as f64 / (0..TIMES).map(round).fold(f64::INFINITY, f64::min)
    };
    let mut best = 0.0_f64;
    /// With the number of registers that a row takes.
    macro_rules! with {
        ($run:expr, $lanes:literal, $($n:literal),*) => {
            match k.div_ceil($lanes) {
                $($n => {
                    let row = |i: usize| array::from_fn::<[f32; $lanes], $n, _>(|p| {
                        array::from_fn(|l| ((i + p + l) % 7) as f32)
                    });
                    let table: Vec<[[f32; $lanes]; $n]> = (0..rows).map(row).collect();
                    best = best.max(each(&|indices, values| $run(indices, values, &table)));
                })*
                _ => {}
            }
        };
    }
    #[cfg(target_arch = "x86_64")]
    for isa in Isa::available() {
        // SAFETY: `Isa` has found that the processor has these.
        match isa.name() {
            "avx512" => with!(|i, v, t| unsafe { avx512::<_, 4>(i, v, t) }, 16, 1, 2, 3, 4),
            "avx2" => with!(|i, v, t| unsafe { avx2::<_, 2>(i, v, t) }, 8, 1, 2, 3, 4, 5, 6, 7, 8),
            _ => {}
        }
    }
    if best == 0.0 {
        with!(portable::<_, 1>, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
    }
    if best > 0.0 { Ok(best) } else { Err(format!("no roofline for k = {k}: at most 64")) }
}
