//! What a fit would do, and why, without doing it.

use std::fmt;

use orthant_kernel::{Isa, second_level_cache};

use crate::choice::Choice;
use crate::compress::OVERSAMPLED;
use crate::fit::lists;
use crate::rule::Sweeps;
use crate::source::sparse_block_rows;
use crate::{
    Error, Matrix, Method, Nmf, Plan, Products, Real, Support, ToMatrix, check, choice, scan, threads,
};

/// What a fit would do with data of that shape and layout. Its [`Display`](fmt::Display) is a line for each choice, with
/// the reason.
///
/// ```
/// use orthant::{Dense, Method, Nmf};
/// let v = Dense::<f32>::zeros(2000, 1000);
/// let explained = Nmf::new(16).threads(1).explain(&v)?;
/// assert_eq!((explained.plan.method, explained.plan.sketch), (Method::hals().extrapolated(), Some(36)));
/// assert!(explained.to_string().contains("a sketch of 36 columns"));
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The method asked for.
    pub asked: Method,
    /// How the fit would be laid out.
    pub plan: Plan,
    /// Whether it was the caller who said so.
    pub sketch_asked: bool,
    /// What the fit is expected to cost without and with a sketch, in iterations on V; for the methods that can.
    pub expected: Option<(f64, f64)>,
    /// Rows and columns of V.
    pub shape: (usize, usize),
    /// Entries of V, if it is sparse.
    pub entries: Option<usize>,
    /// Whether V is not in memory, and each pass reads it.
    pub out_of_core: bool,
    /// Entries of V that are not observed.
    pub unobserved: usize,
    /// Whether the fit goes by lists of what is observed, each row and column by itself.
    pub lists: bool,
    /// Bytes of V, which is not copied.
    pub data_bytes: usize,
    /// Bytes that the fit takes besides, at most: the largest phase's, of the start, the iterations and handing over, with the
    /// factors that come out.
    pub working_bytes: usize,
    start_given: bool,
    rank: usize,
}

impl<T: Real> Nmf<T> {
    /// What [`fit`](Self::fit) would do with `v`, which is read once: its memory depends on the largest entry, and of sparse data
    /// on how the entries are spread.
    ///
    /// # Errors
    /// As a fit, for options and shapes.
    pub fn explain(&self, v: &impl ToMatrix<T>) -> Result<Explanation, Error> {
        T::explain(self, &v.to_matrix()?)
    }
}

pub(crate) fn explain<T: Real>(nmf: &Nmf<T>, v: &Matrix<'_, T>) -> Result<Explanation, Error> {
    check::in_memory(nmf, v, false)?;
    if let Some(holdout) = &nmf.options.holdout {
        return crate::fit::holdout::explain(nmf, v, holdout);
    }
    nmf.options.check()?;
    check::shapes(nmf, v, None)?;
    if let Some(lines) = nmf.lines.checked(v.nrows(), v.ncols())? {
        return crate::fit::weighted::explain(nmf, v, &lines);
    }
    let (lists, _) = threads::on(nmf.options.threads, |workers| lists::wanted(nmf, v, workers))?;
    match lists? {
        None => of_data(nmf, v, false),
        Some(lists) => {
            let of_lists = lists::with_options(nmf)?;
            let observed = Matrix::Csr(lists.values.by_ref());
            let explained = of_data(&of_lists, &observed, true)?;
            let unobserved = v.nrows() * v.ncols() - lists.values.nnz();
            let (entries, data_bytes) = (v.nnz(), v.bytes());
            Ok(Explanation { asked: nmf.options.method, unobserved, entries, data_bytes, ..explained })
        }
    }
}

/// For data, or for the lists of what is observed of it.
fn of_data<T: Real>(nmf: &Nmf<T>, v: &Matrix<'_, T>, lists: bool) -> Result<Explanation, Error> {
    let (k, missing) = (nmf.options.rank, nmf.options.missing);
    // what cannot be factorised takes no memory either
    let (found, threads) = threads::on(nmf.options.threads, |workers| {
        let unobserved = check::unobserved(nmf, v, workers)?.map_or(0, |unobserved| unobserved.count());
        Ok::<_, Error>((scan::data(v, T::ONE, missing, workers)?, unobserved))
    })?;
    let limits = threads::caught(|| nmf.limits(v.nrows(), v.ncols()))?;
    let unobserved = found.as_ref().map_or(0, |(_, unobserved)| *unobserved);
    let exponent = scan::exponent::<T>(nmf.options.method, found.map_or(0.0, |(found, _)| found.max));
    let shape = choice::measured(&nmf.options, v, unobserved, lists, false, exponent != 0);
    let shape = shape.bounded(&limits);
    let choice = Choice::new::<T>(&nmf.options, &shape, false, threads)?;
    let (rows, cols) = shape.lines();
    let block = nmf.options.block.unwrap_or_else(|| match shape.entries {
        Some(entries) => sparse_block_rows::<T>(second_level_cache(), rows, entries, k),
        None => orthant_kernel::block_rows::<T>(Isa::detect(), second_level_cache(), cols, k),
    });
    let compresses = choice.method.compresses() == Support::Yes;
    Ok(Explanation {
        asked: nmf.options.method,
        plan: choice.plan(&shape, &nmf.options, block.min(rows), threads, exponent),
        sketch_asked: nmf.options.compress.is_some(),
        expected: compresses.then(|| choice::expected(&shape, k, choice.method)),
        shape: (shape.m, shape.n),
        entries: shape.entries,
        out_of_core: shape.out_of_core,
        unobserved,
        lists,
        data_bytes: shape.bytes,
        working_bytes: choice.working_bytes,
        rank: nmf.options.rank,
        start_given: nmf.options.starts_at_factors(),
    })
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line =
            |what: &str, choice: &dyn fmt::Display, why: &str| writeln!(f, "{what:9} {choice}: {why}");
        let plan = &self.plan;
        let (m, n) = self.shape;
        if let Some(entries) = self.entries {
            let share = 100.0 * entries as f64 / (m as f64 * n as f64);
            let why = match self.out_of_core {
                true => "it is not in memory, and each pass reads its entries",
                false => "zeros are not looked at",
            };
            line("data", &format!("{m}×{n}, {entries} entries, {share:.3} %"), why)?;
        } else {
            let why = match self.out_of_core {
                true => "it is not in memory, and each pass reads it",
                false => "every element is looked at",
            };
            line("data", &format!("{m}×{n}"), why)?;
        }
        let share = 100.0 * self.unobserved as f64 / (m as f64 * n as f64);
        let what = format!("{} entries, {share:.3} %", self.unobserved);
        if self.lists {
            line(
                "missing",
                &what,
                "each row and column is solved by itself, from the list of what is observed of it",
            )?;
        } else if self.unobserved > 0 {
            line("missing", &what, "each pass takes them to be what WH is there, so that they pull nowhere")?;
        }
        let automatic = self.asked.is_automatic();
        let why = match (automatic, plan.method == self.asked.resolved_for(self.rank, false)) {
            (true, true) => "the default for this loss",
            (true, false) if self.out_of_core => "of the default for this loss what goes without V in memory",
            (true, false) => "what the memory that may be taken allows of the default for this loss",
            (false, _) => "as asked",
        };
        line("method", &format!("{}, {}", plan.method, plan.method.loss), why)?;
        let (w, h) = plan.sweeps;
        let why = match (plan.method.sweeps, plan.method.update.descriptor().sweeps) {
            (Some(_), _) => "as asked",
            (_, Sweeps::AsPays(..)) => {
                "as many as cost half as much again as the products, within the method's limit"
            }
            _ => "the method's own",
        };
        line("sweeps", &format!("{w} over W and {h} over H an iteration"), why)?;
        if let Some(rows) = plan.sample {
            let why = "they have entries enough to tell what the components are, and cost little";
            line("start", &format!("found on a sample of {rows} rows"), why)?;
        } else if let Some((plain, compressed)) = self.expected {
            let costs = format!("about {compressed:.0} iterations' worth with a sketch, {plain:.0} without");
            let why = match (self.sketch_asked, automatic, self.start_given) {
                (true, ..) => format!("as asked; {costs}"),
                (_, false, _) => format!("only auto chooses to compress; {costs}"),
                (.., true) => format!("the start is given; {costs}"),
                _ => costs,
            };
            match plan.sketch {
                Some(l) => line(
                    "start",
                    &format!("improved on a sketch of {l} columns, k + {OVERSAMPLED} at most"),
                    &why,
                )?,
                None => line("start", &"not compressed", &why)?,
            }
        }
        let (along, why) = if plan.by_columns {
            ("columns", "they are the closer ones in memory")
        } else {
            ("rows", "they are contiguous, or nothing is")
        };
        let why = if plan.method.is_newton() && plan.transpose {
            "and then over the transpose, as both updates need V itself"
        } else if plan.transpose {
            "and then over the transpose, as sums of lanes would cost more"
        } else {
            why
        };
        line("pass", &format!("over {along} of V"), why)?;
        line("lanes", &plan.lanes, "by the data alone, so that threads cannot change a bit")?;
        line("block", &format!("{} {along}", plan.block), "what a cache holds")?;
        line("threads", &plan.threads, "the pool at hand, or as asked")?;
        let products = match plan.products {
            Products::Fused => format!("fused kernels on {}", plan.isa),
            Products::Gemm => format!("gemm in Rust, other kernels on {}", plan.isa),
            Products::Blas => format!("gemm by BLAS, other kernels on {}", plan.isa),
        };
        let why = match plan.products {
            Products::Fused if plan.method.is_newton() => {
                "V is read by rows and by columns once an iteration; the processor's widest instructions"
            }
            Products::Fused
                if !plan.method.loss.is_quadratic() && !plan.by_columns && !plan.method.is_joint() =>
            {
                "V is read once for W and H and once for the loss an iteration; the processor's widest instructions"
            }
            Products::Fused => "V is read once an iteration; the processor's widest instructions",
            Products::Gemm | Products::Blas => "as asked",
        };
        line("products", &products, why)?;
        let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
        let memory = format!("{:.1} MiB beside V's {:.1} MiB", mib(self.working_bytes), mib(self.data_bytes));
        line("memory", &memory, "at the peak, the start included")
    }
}
