//! Whole iterations of a fit, on one thread and on all: 20 iterations less 10, so that checking V, the start and the
//! last measurement cancel.
//!
//! The table has milliseconds an iteration and GFLOP/s (4mnk a pass, whatever the sweeps cost), beside the peak.

use std::hint::black_box;
use std::time::{Duration, Instant};

use orthant::{Dense, Loss, Method, Nmf, Products, Real};
use orthant_benches::{introduce, numbers, sizes, tiny};

fn time<T: Real>(nmf: &Nmf<T>, v: &Dense<T>, iterations: usize) -> Duration {
    let nmf = nmf.clone().tol(0.0).max_iter(iterations);
    let start = Instant::now();
    black_box(nmf.fit(v).expect("a fit of valid data"));
    start.elapsed()
}

#[expect(clippy::print_stdout, reason = "a suite shows its result")]
fn iterations<T: Real>() {
    let (m, n, ranks) = sizes();
    let v = Dense::from_vec(numbers::<T>(m * n, 1), m, n).expect("m·n numbers");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut threads = vec![1, cores];
    threads.dedup();
    for &k in ranks {
        for (name, method) in
            [("cd", Method::cd()), ("hals", Method::hals()), ("mu", Method::mu(Loss::Frobenius))]
        {
            for &threads in &threads {
                for (label, products) in products() {
                    let nmf = Nmf::<T>::new(k).method(method).threads(threads).products(products);
                    let rounds = if tiny() { 1 } else { 5 };
                    let mut each: Vec<f64> = (0..rounds)
                        .map(|_| {
                            let (short, long) = (time(&nmf, &v, 10), time(&nmf, &v, 20));
                            long.saturating_sub(short).as_secs_f64() / 10.0
                        })
                        .collect();
                    each.sort_by(f64::total_cmp);
                    let median = each[rounds / 2];
                    println!(
                        "{} {m}×{n} k={k} {name} {label} {threads} threads: {:.3} ms, {:.0} GFLOP/s",
                        T::NAME,
                        1e3 * median,
                        4.0 * (m * n * k) as f64 / median / 1e9,
                    );
                }
            }
        }
    }
}

fn products() -> Vec<(&'static str, Products)> {
    vec![
        ("fused", Products::Fused),
        ("gemm", Products::Gemm),
        #[cfg(feature = "openblas")]
        ("openblas", Products::Blas),
    ]
}

fn main() {
    introduce("iteration");
    iterations::<f32>();
    iterations::<f64>();
}
