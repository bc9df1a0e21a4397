//! Prints how many passes over V each method takes until within 0.1 % of the best loss seen, and where it ends: the
//! table of `docs/acceleration.md` and, of sparse data, that of `docs/sparse.md`. Counts only, so that a busy machine does
//! not matter.
//!
//!     cargo run --release -p orthant-verify --example passes -- [SEEDS [PROBLEM]]

#![allow(clippy::print_stdout)]

use orthant::{Csr, Dense, Loss, Method, Nmf, Real, ToMatrix};
use orthant_verify::compare::cast;
use orthant_verify::made::{log_counts, planted, strokes};

type Make = fn(u64) -> Dense<f64>;

/// Passes over V, sketch included, after each iteration, and the lowest objective by then.
struct Run {
    name: &'static str,
    curve: Vec<(f64, f64)>,
    iterations: usize,
    compressed: usize,
    restarts: usize,
    last: f64,
}

fn run<T: Real>(name: &'static str, nmf: &Nmf<T>, v: &impl ToMatrix<T>) -> Run {
    let fit = nmf.fit(v).expect("a plain fit");
    let report = &fit.report;
    // the sketch is two reads, looking whether it led anywhere another two; a sample is read as often as it is iterated on
    let before = report.compression.map_or(0.0, |c| match report.plan.sample {
        Some(rows) => (c.iterations * rows) as f64 / fit.w.nrows() as f64,
        None => 4.0,
    });
    let mut best = f64::INFINITY;
    let curve = report.history.iter().map(|point| {
        best = best.min(point.objective);
        (before + point.iteration as f64, best)
    });
    Run {
        name,
        curve: curve.collect(),
        iterations: report.iterations,
        compressed: report.compression.map_or(0, |c| c.iterations),
        restarts: report.history.iter().filter(|point| point.restarted).count(),
        last: report.objective,
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let seeds: u64 = args.next().and_then(|a| a.parse().ok()).unwrap_or(5);
    let only = args.next();
    let problems: [(&str, usize, Make); 9] = [
        ("planted 2000×2000", 32, |s| planted(2000, 2000, 32, 0.1, s)),
        ("planted 4000×500", 16, |s| planted(4000, 500, 16, 0.1, s)),
        ("planted 1000×800", 64, |s| planted(1000, 800, 64, 0.1, s)),
        ("strokes 3000×400", 49, |s| strokes(3000, 20, s)),
        ("log counts 3000×800", 20, |s| log_counts(3000, 800, 20, s)),
        ("log counts 1500×1200", 40, |s| log_counts(1500, 1200, 30, s)),
        ("sparse log counts 12000×600", 16, |s| log_counts(12_000, 600, 16, s)),
        ("sparse log counts 24000×300", 16, |s| log_counts(24_000, 300, 16, s)),
        ("sparse log counts 48000×200", 12, |s| log_counts(48_000, 200, 12, s)),
    ];
    for (problem, k, make) in problems {
        if only.as_ref().is_some_and(|only| !problem.contains(only.as_str())) {
            continue;
        }
        let mut mean = Vec::new();
        for seed in 0..seeds {
            let v = cast::<f64, f32>(&make(seed));
            let half = 0.5 * v.as_slice().iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
            let nmf = |method| Nmf::<f32>::new(k).method(method).seed(seed as u32).max_iter(150).tol(0.0);
            let extrapolated = |sweeps| nmf(Method { sweeps, ..Method::hals().extrapolated() });
            let hals = |sweeps| nmf(Method { sweeps, ..Method::hals() }).max_iter(600);
            let stop = |nmf: Nmf<f32>| nmf.tol(1e-5).max_iter(2000);
            if problem.starts_with("sparse") {
                let v = Csr::of_dense(&v);
                let auto = nmf(Method::auto(Loss::Frobenius));
                let runs = [
                    run("hals", &hals(None), &v),
                    run("ext", &extrapolated(None), &v),
                    run("compressed", &extrapolated(None).compress(true), &v),
                    run("auto", &auto, &v),
                    run("auto stopped", &stop(auto.clone()), &v),
                ];
                add(&mut mean, &runs, half, seeds);
                continue;
            }
            let mut runs = vec![
                run("hals 1", &hals(Some(1)), &v),
                run("hals", &hals(None), &v),
                run("ext 3", &extrapolated(Some(3)), &v),
                run("ext 4", &extrapolated(Some(4)), &v),
                run("ext 5", &extrapolated(Some(5)), &v),
                run("compressed", &extrapolated(None).compress(true), &v),
                run("comp 3", &extrapolated(Some(3)).compress(true), &v),
            ];
            runs.push(run("hals stopped", &stop(hals(None)), &v));
            runs.push(run("ext stopped", &stop(extrapolated(None)), &v));
            runs.push(run("comp stopped", &stop(extrapolated(None).compress(true)), &v));
            add(&mut mean, &runs, half, seeds);
        }
        println!("{problem}, k = {k}, {seeds} seeds, means");
        println!(
            "    method        to 0.1 %  reached  to its own  iterations  on the sketch  restarts  loss/½‖V‖²"
        );
        for (name, f) in mean {
            println!(
                "    {name:12}  {:8.1}  {:7.2}  {:10.1}  {:10.1}  {:13.1}  {:8.1}  {:.6}",
                f[0], f[1], f[2], f[3], f[4], f[5], f[6]
            );
        }
    }
}

/// Adds what the runs of one seed came to.
fn add(mean: &mut Vec<(&'static str, [f64; 7])>, runs: &[Run], half: f64, seeds: u64) {
    let best = runs.iter().map(|r| r.last).fold(f64::INFINITY, f64::min);
    for (at, r) in runs.iter().enumerate() {
        let first = r.curve.iter().find(|(_, f)| *f <= 1.001 * best);
        let own = r.curve.iter().find(|(_, f)| *f <= 1.001 * r.last).expect("the last");
        let reached = first.map_or(r.curve[r.curve.len() - 1].0, |p| p.0);
        let figures = [
            reached,
            f64::from(u8::from(first.is_some())),
            own.0,
            r.iterations as f64,
            r.compressed as f64,
            r.restarts as f64,
            r.last / half,
        ];
        if mean.len() <= at {
            mean.push((r.name, [0.0; 7]));
        }
        mean[at].1.iter_mut().zip(figures).for_each(|(m, f)| *m += f / seeds as f64);
    }
}
