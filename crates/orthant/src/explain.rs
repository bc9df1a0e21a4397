//! What a fit would do, and why, without doing it.

use std::fmt;

use orthant_kernel::{Isa, Real, accumulator_stride};

use crate::compress::OVERSAMPLED;
use crate::pass::Layout;
use crate::{Error, Method, Nmf, Products, Start, ToView, check, choice, fit, reduce};

/// What a fit would do with data of that shape and layout. Its [`Display`](fmt::Display) is a line for each choice, with
/// the reason.
///
/// ```
/// use orthant::{Dense, Method, Nmf};
/// let v = Dense::<f32>::zeros(2000, 1000);
/// let plan = Nmf::new(16).threads(1).explain(&v)?;
/// assert_eq!((plan.method, plan.sketch), (Method::Accelerated { sweeps: None }, Some(36)));
/// assert!(plan.to_string().contains("a sketch of 36 columns"));
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The method asked for.
    pub asked: Method,
    /// The update.
    pub method: Method,
    /// Sweeps over W and over H in an iteration.
    pub sweeps: (usize, usize),
    /// Columns of the sketch that the start is compressed by, if it is.
    pub sketch: Option<usize>,
    /// Whether it was the caller who said so.
    pub sketch_asked: bool,
    /// What the fit is expected to cost without and with a sketch, in iterations on V; for the methods that can.
    pub expected: Option<(f64, f64)>,
    /// Whether the pass runs over columns of V.
    pub by_columns: bool,
    /// Independent summation lanes.
    pub lanes: usize,
    /// Rows (or columns) of V in a cache block.
    pub block: usize,
    /// Threads.
    pub threads: usize,
    /// The instruction set of the kernels.
    pub isa: &'static str,
    /// What multiplies V with the factors.
    pub products: Products,
    /// Bytes of V, which is not copied.
    pub data_bytes: usize,
    /// Bytes that the fit takes besides, at most; not what a start by singular vectors or projection, or a gemm, needs
    /// meanwhile.
    pub working_bytes: usize,
    start_given: bool,
}

impl<T: Real> Nmf<T> {
    /// What [`fit`](Self::fit) would do with `v`, of which only the shape and the strides are looked at.
    ///
    /// # Errors
    /// As a fit, for options and shapes.
    pub fn explain(&self, v: &impl ToView<T>) -> Result<Explanation, Error> {
        self.check()?;
        let v = v.to_view();
        let (m, n, k) = (v.nrows(), v.ncols(), self.rank);
        check::shapes(self, m, n, None)?;
        let method = self.method.resolved(false);
        let by_columns = fit::by_columns(v);
        let (rows, cols) = if by_columns { (n, m) } else { (m, n) };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = self.threads.map_or_else(rayon::current_num_threads, |asked| asked.min(cores));
        let Layout { lanes, block, .. } = fit::layout(self, rows, cols, threads);
        let sketch = choice::sketch(self, m, n, false);
        let compresses = matches!(method, Method::Accelerated { .. });
        let of_divergence = usize::from(!method.loss().is_quadratic());

        let accumulators = reduce::accumulators(lanes, threads);
        let (first, second) = if compresses { (4, 3) } else { (1, 1) };
        // W, H and the fit's own copies, and the start while it is made or kept
        let factors = ((first + 1) * m + (second + 1) * n) * k;
        let sums = accumulators * ((1 + of_divergence) * cols + 3 * k) * accumulator_stride::<T>(k);
        let blocks = threads * block * (2 * k + if v.col_stride() == 1 || by_columns { 0 } else { cols });
        let sketched = sketch.map_or(0, |l| {
            let sums = accumulators * cols * accumulator_stride::<T>(l);
            // the basis is found in double precision
            let basis = (3 * n * l * size_of::<f64>()).div_ceil(size_of::<T>());
            (m + 3 * n) * l + sums + basis + threads * block.max(240) * (l + k)
        });
        Ok(Explanation {
            asked: self.method,
            method,
            sweeps: (choice::sweeps_of(method, n, k), choice::sweeps_of(method, m, k)),
            sketch,
            sketch_asked: self.compress.is_some(),
            expected: compresses.then(|| choice::expected(m, n, k, method)),
            by_columns,
            lanes,
            block,
            threads,
            isa: Isa::detect().name(),
            products: self.products,
            data_bytes: m * n * size_of::<T>(),
            working_bytes: (factors + sums + blocks + sketched) * size_of::<T>(),
            start_given: matches!(self.start, Some(Start::Custom { .. })),
        })
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line =
            |what: &str, choice: &dyn fmt::Display, why: &str| writeln!(f, "{what:9} {choice}: {why}");
        let automatic = matches!(self.asked, Method::Auto(_));
        let solver = crate::Solver::of(self.method);
        let why = if automatic { "the default for this loss" } else { "as asked" };
        line("method", &format!("{solver}, {}", self.method.loss()), why)?;
        let (w, h) = self.sweeps;
        let why = match self.method {
            Method::Hals { sweeps: None } | Method::Accelerated { sweeps: None } => {
                "as many as cost half as much again as the products, within the method's limit"
            }
            Method::Hals { .. } | Method::Accelerated { .. } => "as asked",
            _ => "the method's own",
        };
        line("sweeps", &format!("{w} over W and {h} over H an iteration"), why)?;
        if let Some((plain, compressed)) = self.expected {
            let costs = format!("about {compressed:.0} iterations' worth with a sketch, {plain:.0} without");
            let why = match (self.sketch_asked, automatic, self.start_given) {
                (true, ..) => format!("as asked; {costs}"),
                (_, false, _) => format!("only auto chooses to compress; {costs}"),
                (.., true) => format!("the start is given; {costs}"),
                _ => costs,
            };
            match self.sketch {
                Some(l) => line(
                    "start",
                    &format!("improved on a sketch of {l} columns, k + {OVERSAMPLED} at most"),
                    &why,
                )?,
                None => line("start", &"not compressed", &why)?,
            }
        }
        let (along, why) = if self.by_columns {
            ("columns", "they are the closer ones in memory")
        } else {
            ("rows", "they are contiguous, or nothing is")
        };
        line("pass", &format!("over {along} of V"), why)?;
        line("lanes", &self.lanes, "by the shape alone, so that threads cannot change a bit")?;
        line("block", &format!("{} {along}", self.block), "what a cache holds")?;
        line("threads", &self.threads, "the pool at hand, or as asked")?;
        let products = match self.products {
            Products::Fused => format!("fused kernels on {}", self.isa),
            Products::Gemm => format!("gemm in Rust, other kernels on {}", self.isa),
            Products::Blas => format!("gemm by BLAS, other kernels on {}", self.isa),
        };
        let why = match self.products {
            Products::Fused => "V is read once an iteration; the processor's widest instructions",
            Products::Gemm | Products::Blas => "as asked",
        };
        line("products", &products, why)?;
        let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
        let memory = format!("{:.1} MiB beside V's {:.1} MiB", mib(self.working_bytes), mib(self.data_bytes));
        line("memory", &memory, "factors with their copies, lanes, blocks and sketch, at most")
    }
}
