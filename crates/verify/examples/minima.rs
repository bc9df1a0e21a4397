//! Prints where methods end that are run to convergence: mean losses over many seeds, and how far each is from plain
//! HALS, seed by seed. The second table of `docs/acceleration.md`.
//!
//!     cargo run --release -p orthant-verify --example minima -- [SEEDS]

#![allow(clippy::print_stdout)]

use orthant::{Dense, Method, Nmf};
use orthant_verify::compare::cast;
use orthant_verify::made::{log_counts, planted, strokes};
use orthant_verify::oracle;

type Make = fn(u64) -> Dense<f64>;

fn main() {
    let seeds: u64 = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(20);
    let problems: [(&str, usize, Make); 4] = [
        ("strokes 900×324", 16, |s| strokes(900, 18, s)),
        ("strokes 900×324", 30, |s| strokes(900, 18, s)),
        ("log counts 800×500", 10, |s| log_counts(800, 500, 10, s)),
        ("planted 900×400", 12, |s| planted(900, 400, 12, 0.1, s)),
    ];
    let extrapolated = Method::hals().extrapolated();
    let methods = [
        ("HALS, 1 sweep", Method::hals().sweeps(1), false),
        ("HALS", Method::hals(), false),
        ("extrapolated, 3 sweeps", extrapolated.sweeps(3), false),
        ("extrapolated", extrapolated, false),
        ("compressed start", extrapolated, true),
    ];
    for (problem, k, make) in problems {
        let mut all = vec![Vec::new(); methods.len()];
        for seed in 0..seeds {
            let v = cast::<f64, f32>(&make(seed));
            let half = 0.5 * oracle::norm_squared(&cast(&v));
            for (losses, (_, method, compress)) in all.iter_mut().zip(methods) {
                let nmf = Nmf::<f32>::new(k).method(method).seed(seed as u32).max_iter(1000).tol(1e-6);
                let nmf = if compress { nmf.compress(true) } else { nmf };
                losses.push(nmf.fit(&v).expect("a plain fit").report.objective / half);
            }
        }
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        for ((name, ..), losses) in methods.iter().zip(&all) {
            let off: Vec<f64> = losses.iter().zip(&all[0]).map(|(a, b)| 100.0 * (a / b - 1.0)).collect();
            let (m, count) = (mean(&off), off.len() as f64);
            let error = (off.iter().map(|x| (x - m).powi(2)).sum::<f64>() / (count * (count - 1.0))).sqrt();
            println!("{problem}, k = {k}, {name:22} {:.6}, {m:+.3} % ± {error:.3}", mean(losses));
        }
    }
}
