//! How fast rows of a table can be gathered and added up, whatever is made of them: the roofline of sparse products.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512, _mm256_fmadd_ps, _mm256_set1_ps, _mm512_fmadd_ps, _mm512_set1_ps};
use std::hint::black_box;
use std::time::Instant;

use orthant_kernel::Isa;
use rayon::prelude::*;

/// Rounds, of which the fastest counts.
const TIMES: usize = 5;

/// Σ vₑ·yₑ over entries e, with yₑ the row of the table that entry e points at: N registers, in C chains.
///
/// One multiply-add for a register loaded, nothing stored, no rows to begin or end: no product with as many entries can be
/// faster, as long as it takes a row of the table for each.
macro_rules! loops {
    ($name:ident, $register:ty, $splat:expr, $multiply_add:expr $(, $features:literal)?) => {
        $(#[target_feature(enable = $features)])?
        fn $name<const N: usize, const C: usize>(indices: &[u32], values: &[f32], table: &[[$register; N]]) {
            let mut sums = [[$splat(0.0); N]; C];
            let (mut indices, mut values) = (indices.chunks_exact(C), values.chunks_exact(C));
            for (i, v) in indices.by_ref().zip(values.by_ref()) {
                for c in 0..C {
                    let (v, y) = ($splat(v[c]), &table[i[c] as usize]);
                    for part in 0..N {
                        sums[c][part] = $multiply_add(v, y[part], sums[c][part]);
                    }
                }
            }
            for (&i, &v) in indices.remainder().iter().zip(values.remainder()) {
                let (v, y) = ($splat(v), &table[i as usize]);
                for part in 0..N {
                    sums[0][part] = $multiply_add(v, y[part], sums[0][part]);
                }
            }
            black_box(sums);
        }
    };
}

type Four = [f32; 4];

fn splat(x: f32) -> Four {
    [x; 4]
}

fn multiply_add(v: Four, y: Four, sum: Four) -> Four {
    std::array::from_fn(|l| v[l] * y[l] + sum[l])
}

loops!(portable, Four, splat, multiply_add);
#[cfg(target_arch = "x86_64")]
loops!(avx2, __m256, _mm256_set1_ps, _mm256_fmadd_ps, "avx2,fma");
#[cfg(target_arch = "x86_64")]
loops!(avx512, __m512, _mm512_set1_ps, _mm512_fmadd_ps, "avx512f");

/// Rows a second that can be gathered from a table of `rows` rows of `k` numbers and added up, by these indices and
/// factors, in order, cut evenly for so many threads of a rayon pool: the fastest of several rounds, by registers of every
/// width that the processor has. Rows begin where whole registers do.
///
/// ```
/// assert!(orthant_benches::gathered_rows(&[1, 0, 2], &[1.0, 2.0, 3.0], 3, 5, 1).expect("a rank as that") > 0.0);
/// ```
///
/// # Errors
/// Says so where k is above 48 and too many for registers, or threads cannot be had.
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
    let each = |one: &(dyn Fn(&[u32], &[f32]) + Sync)| {
        let round = |_| {
            let start = Instant::now();
            pool.install(|| {
                indices.par_chunks(part).zip(values.par_chunks(part)).for_each(|(i, v)| one(i, v))
            });
            start.elapsed().as_secs_f64()
        };
        indices.len() as f64 / (0..TIMES).map(round).fold(f64::INFINITY, f64::min)
    };
    let mut best = 0.0_f64;
    /// For one number of registers to a row, out of those that there are loops for.
    macro_rules! with {
        ($one:expr, $lanes:literal, $run:expr, $($n:literal),*) => {
            match k.div_ceil($lanes) {
                $($n => {
                    let table = vec![[$one; $n]; rows];
                    best = best.max(each(&|indices, values| $run(indices, values, &table)));
                })*
                _ => {}
            }
        };
    }
    #[cfg(target_arch = "x86_64")]
    for isa in Isa::available() {
        // SAFETY: `Isa` has found that the processor has what the functions need.
        unsafe {
            match isa.name() {
                "avx512" => with!(_mm512_set1_ps(1.0), 16, |i, v, t| avx512::<_, 4>(i, v, t), 1, 2, 3, 4),
                "avx2" => with!(_mm256_set1_ps(1.0), 8, |i, v, t| avx2::<_, 2>(i, v, t), 1, 2, 3, 4, 5, 6),
                _ => {}
            }
        }
    }
    if best == 0.0 {
        with!(splat(1.0), 4, portable::<_, 1>, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
    }
    if best > 0.0 { Ok(best) } else { Err(format!("there is no loop for k = {k}")) }
}
