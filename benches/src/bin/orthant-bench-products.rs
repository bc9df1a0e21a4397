//! The fused pass, sweep and Gram matrix included, against the two products of an iteration by gemm alone.
//!
//! Everything runs on one core, in turn, in one run: each round takes every shape and rank, the pass first and then
//! every peer. Prints a Markdown table, or JSON. Rates are 4mnk over the time, medians; a ratio above 1 says how many
//! times as fast the pass is. faer multiplies into either order, and the faster counts. The roofline is the peak of
//! multiply-adds, or what reading V once allows, if that is less.

use std::str::FromStr;
use std::time::Instant;

use clap::Parser;
use orthant_benches::{
    Element, FAR, FusedPass, Gemms, NEAR, Peer, ROUNDS, bandwidth, block_rows, numbers, peak,
};
#[cfg(feature = "openblas")]
use orthant_kernel::gemm::openblas_core;
use orthant_kernel::{Isa, View};
use serde_json::{Value, json};

/// Times the fused pass, and gemms alone.
#[derive(Parser)]
struct Args {
    /// Shapes of V, as 4800x4000; 4800x4000c for column-major, where the pass is one over Vᵀ
    #[arg(long, value_delimiter = ',', default_value = "4800x4000")]
    shapes: Vec<Shape>,
    /// Components
    #[arg(long, value_delimiter = ',', default_value = "8,16,32,64,128,256")]
    ranks: Vec<usize>,
    /// Element types
    #[arg(long, value_delimiter = ',', default_value = "float32,float64", value_parser = ["float32", "float64"])]
    dtypes: Vec<String>,
    /// Rows of V (columns, if column-major) in a block, instead of the library's choice
    #[arg(long)]
    block: Option<usize>,
    /// The pass alone, without the gemms
    #[arg(long)]
    alone: bool,
    /// Timed rounds
    #[arg(long, default_value_t = 9)]
    runs: usize,
    /// Look only shortly what the processor and memory can do: to see that it works
    #[arg(long)]
    tiny: bool,
    /// One line of JSON for the machine and one for each row of the table
    #[arg(long)]
    json: bool,
}

/// V's extents and order.
#[derive(Clone, Copy)]
struct Shape {
    rows: usize,
    cols: usize,
    col_major: bool,
}

impl FromStr for Shape {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (extents, col_major) = text.strip_suffix('c').map_or((text, false), |extents| (extents, true));
        let parsed = extents.split_once('x').and_then(|(m, n)| Some((m.parse().ok()?, n.parse().ok()?)));
        match parsed {
            Some((rows, cols)) if rows > 0 && cols > 0 => Ok(Self { rows, cols, col_major }),
            _ => Err("a shape is as 4800x4000 or 4800x4000c"),
        }
    }
}

impl Shape {
    /// Rows and columns of what the pass reads: Vᵀ of a column-major V.
    fn read(self) -> (usize, usize) {
        if self.col_major { (self.cols, self.rows) } else { (self.rows, self.cols) }
    }
}

fn main() {
    let args = Args::parse();
    head(&args);
    for dtype in &args.dtypes {
        if dtype == "float32" { table::<f32>(&args) } else { table::<f64>(&args) }
    }
}

#[expect(clippy::print_stdout, reason = "this program's result")]
fn head(args: &Args) {
    let far = if args.tiny { 4 << 20 } else { FAR };
    let (near, far) = (bandwidth(NEAR) / 1e9, bandwidth(far) / 1e9);
    #[cfg(feature = "openblas")]
    let blas = Some(openblas_core());
    #[cfg(not(feature = "openblas"))]
    let blas = None::<String>;
    if args.json {
        println!(
            "{}",
            json!({ "isa": Isa::detect().name(), "openblas": blas, "near_gbs": near, "memory_gbs": far })
        );
        return;
    }
    println!("Kernels: {}, OpenBLAS' {}.", Isa::detect().name(), blas.as_deref().unwrap_or("not built in"));
    println!("One core reads {near:.0} GB/s from its caches, {far:.1} from memory.\n");
    println!(
        "| V | k | block | peak GFLOP/s | roofline | fused pass | share of peak | gemms | GFLOP/s | ratio |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
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

/// A row of the table.
struct Case<'a, T: Element> {
    shape: Shape,
    k: usize,
    block: usize,
    v: View<'a, T>,
    /// Bytes a second that a core reads of an array as large as V.
    bandwidth: f64,
    pass: FusedPass<T>,
    peers: Vec<(Peer, Gemms<T>)>,
    /// Seconds of the pass, then of every peer.
    seconds: Vec<Vec<f64>>,
}

fn table<T: Element>(args: &Args) {
    let peers = if args.alone { &[] } else { Peer::ALL };
    let most = args.shapes.iter().map(|s| s.rows * s.cols).max().unwrap_or(0);
    let data = numbers::<T>(most, 1);
    let mut cases = Vec::new();
    for &shape in &args.shapes {
        let (m, n) = shape.read();
        let bandwidth = bandwidth(m * n * size_of::<T>());
        for &k in &args.ranks {
            let block = args.block.unwrap_or_else(|| block_rows::<T>(n, k));
            cases.push(Case {
                shape,
                k,
                block,
                v: View::row_major(&data[..m * n], m, n).expect("m·n numbers"),
                bandwidth,
                pass: FusedPass::new(Isa::detect(), m, n, k, block),
                peers: peers.iter().map(|&peer| (peer, Gemms::new(peer, m, n, k))).collect(),
                seconds: vec![Vec::new(); 1 + peers.len()],
            });
        }
    }
    let rounds = if args.tiny { 1000 } else { ROUNDS };
    let mut best = peak::<T>(rounds);
    for run in 0..=args.runs {
        for case in &mut cases {
            let Case { v, pass, peers, seconds: all, .. } = case;
            let mut each = vec![seconds(|| {
                pass.whole(*v);
            })];
            each.extend(peers.iter_mut().map(|(_, gemms)| seconds(|| gemms.both(*v))));
            // the first round warms up
            if run > 0 {
                all.iter_mut().zip(each).for_each(|(all, one)| all.push(one));
            }
        }
        best = best.max(peak::<T>(rounds));
    }
    for case in cases {
        show(case, best, args.json);
    }
}

#[expect(clippy::print_stdout, reason = "this program's result")]
fn show<T: Element>(mut case: Case<'_, T>, peak: f64, as_json: bool) {
    let Shape { rows, cols, col_major } = case.shape;
    let medians: Vec<f64> = case.seconds.iter_mut().map(|s| median(s)).collect();
    let rate = |seconds: f64| 4.0 * (rows * cols * case.k) as f64 / seconds / 1e9;
    let peak = peak / 1e9;
    // 4k flops for every element read
    let roof = peak.min(4.0 * case.k as f64 / size_of::<T>() as f64 * case.bandwidth / 1e9);
    let mut peers: Vec<(&str, f64)> = Vec::new();
    for ((peer, _), &seconds) in case.peers.iter().zip(&medians[1..]) {
        match peers.iter_mut().find(|(library, _)| *library == peer.library()) {
            Some((_, best)) => *best = best.min(seconds),
            None => peers.push((peer.library(), seconds)),
        }
    }
    if as_json {
        let peers: serde_json::Map<String, Value> =
            peers.into_iter().map(|(name, seconds)| (name.to_owned(), json!(seconds))).collect();
        println!(
            "{}",
            json!({
                "dtype": T::NAME, "rows": rows, "cols": cols, "col_major": col_major, "k": case.k, "block": case.block,
                "peak_gflops": peak, "roof_gflops": roof, "read_gbs": case.bandwidth / 1e9, "seconds": medians[0], "peers": peers,
            })
        );
        return;
    }
    let order = if col_major { ", column-major" } else { "" };
    let about = format!(
        "| {rows}×{cols} {}{order} | {} | {} | {peak:.0} | {roof:.0} | {:.1} | {:.0} %",
        T::NAME,
        case.k,
        case.block,
        rate(medians[0]),
        100.0 * rate(medians[0]) / peak
    );
    if peers.is_empty() {
        println!("{about} | – | – | – |");
    }
    for (name, seconds) in peers {
        println!("{about} | {name} | {:.1} | {:.2} |", rate(seconds), seconds / medians[0]);
    }
}
