//! The fused pass, sweep and Gram matrix included, against two gemms alone: in turn, on one core, in one run.
//!
//! Prints a Markdown table. With the feature `openblas` the gemms are also OpenBLAS'. Rates are 4mnk over the time,
//! medians; a ratio above 1 says how many times as fast the pass is.

use std::time::Instant;

use clap::Parser;
use orthant_benches::{FusedPass, numbers, peak};
#[cfg(feature = "openblas")]
use orthant_kernel::gemm::openblas_core;
use orthant_kernel::gemm::{Backend, gemm};
use orthant_kernel::{Isa, Real, View, accumulator_stride};

/// Times the fused pass against gemm.
#[derive(Parser)]
struct Args {
    /// Rows of V
    #[arg(long, default_value_t = 4800)]
    rows: usize,
    /// Columns of V
    #[arg(long, default_value_t = 4000)]
    cols: usize,
    /// Components
    #[arg(long, value_delimiter = ',', default_value = "8,16,32,64,128")]
    ranks: Vec<usize>,
    /// Timed runs of each
    #[arg(long, default_value_t = 9)]
    runs: usize,
}

fn main() {
    let args = Args::parse();
    head();
    table::<f32>(&args);
    table::<f64>(&args);
}

#[expect(clippy::print_stdout, reason = "this program's result")]
fn head() {
    #[cfg(feature = "openblas")]
    println!("OpenBLAS' kernels: {}.\n", openblas_core());
    println!("| V | k | peak GFLOP/s | fused pass | share of peak | gemms | GFLOP/s | ratio |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
}

fn backends() -> Vec<(&'static str, Backend)> {
    vec![
        ("Rust", Backend::Rust),
        #[cfg(feature = "openblas")]
        ("OpenBLAS", Backend::Blas),
    ]
}

fn median(seconds: &mut [f64]) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn seconds(f: impl FnOnce()) -> f64 {
    let start = Instant::now();
    f();
    start.elapsed().as_secs_f64()
}

#[expect(clippy::print_stdout, reason = "this program's result")]
fn table<T: Real>(args: &Args) {
    let (m, n) = (args.rows, args.cols);
    let data = numbers::<T>(m * n, 1);
    let v = View::row_major(&data, m, n).expect("m·n numbers");
    let peak = peak::<T>() / 1e9;
    for &k in &args.ranks {
        let stride = accumulator_stride::<T>(k);
        let mut pass = FusedPass::new(Isa::detect(), m, n, k);
        let (w, ht) = (numbers::<T>(m * k, 2), numbers::<T>(n * k, 3));
        let w = View::row_major(&w, m, k).expect("m·k numbers");
        let ht = View::row_major(&ht, n, k).expect("n·k numbers");
        let (mut a, mut b) = (vec![T::ZERO; m * k], vec![T::ZERO; n * stride]);
        let backends = backends();
        let mut ours = Vec::new();
        let mut theirs = vec![Vec::new(); backends.len()];
        for run in 0..=args.runs {
            let pass = seconds(|| {
                pass.whole(v);
            });
            let each: Vec<f64> = backends
                .iter()
                .map(|&(_, backend)| {
                    seconds(|| {
                        gemm(backend, v, ht, &mut a, k, false);
                        gemm(backend, v.transposed(), w, &mut b, stride, false);
                    })
                })
                .collect();
            // the first round warms up
            if run > 0 {
                ours.push(pass);
                theirs.iter_mut().zip(each).for_each(|(all, one)| all.push(one));
            }
        }
        let rate = |seconds: f64| 4.0 * (m * n * k) as f64 / seconds / 1e9;
        let fused = median(&mut ours);
        for ((name, _), theirs) in backends.iter().zip(&mut theirs) {
            let gemms = median(theirs);
            println!(
                "| {m}×{n} {} | {k} | {peak:.0} | {:.1} | {:.0} % | {name} | {:.1} | {:.2} |",
                T::NAME,
                rate(fused),
                100.0 * rate(fused) / peak,
                rate(gemms),
                gemms / fused,
            );
        }
    }
}
