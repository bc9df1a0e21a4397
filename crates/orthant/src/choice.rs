//! What the library chooses by itself, and what it expects that to cost.
//!
//! The choice depends on the shape, the number of entries, the rank, the precision and the memory that may be taken alone, by
//! the constants below: never on timing, and not on threads either, so that these cannot change a bit of a result.
//!
//! Costs are in flops as the fused products of dense data make them; one of sparse data costs as much as four. With z for
//! m·n, or four times the entries, an iteration is 4zk of them and the sweeps, 2k² per row. A start on
//! a sketch of l columns is the sketch (6zl), its basis (4nl²), iterations on it (4(m + n)lk and the sweeps) and a look
//! whether they led anywhere (4zk); it saves iterations on V. How many, is what `docs/acceleration.md` measures. Sparse data
//! with entries enough for a few rows to tell what the components are is sampled instead, which costs a few iterations.

use orthant_kernel::{Buffer, Isa, allocate, second_level_cache};

use crate::available;
use crate::compress::{self, columns};
use crate::fit::sampled;
use crate::init;
use crate::iterate::Held;
use crate::reduce::accumulators;
use crate::report::HistoryPoint;
use crate::shape::Shape;
use crate::source::{Reading, SparsePlan};
use crate::{Error, InitKind, Matrix, Method, Options, Plan, Real, Update, drive, scan, source};

/// Iterations on V to convergence, about: from a random start, and from one that was improved on a sketch.
const ITERATIONS: f64 = 50.0;
const ITERATIONS_LEFT: f64 = 25.0;
/// Iterations on the sketch, about.
const ITERATIONS_ON_SKETCH: f64 = 30.0;
/// A flop of a sweep costs as much as this many of the products, in which registers are used over and over.
const SWEEP: f64 = 2.0;
/// A flop of the basis likewise: in double precision on one thread, whatever the precision of the data.
const BASIS: f64 = 10.0;
/// A flop on an entry of sparse data likewise: rows of the factors come from anywhere.
const SPARSE: usize = 4;

/// Zeroing and summing an element of a lane costs as much as this many flops of the products.
const LANE: usize = 40;
/// Where a pass with four lanes would spend more than a fifth of its time on them, the transpose is kept instead, if it may
/// be: where they would have to be fewer than this to be worth it.
const TOO_FEW: usize = 1;

/// A sample of sparse data has one of at most this many rows, and at least …
const MOST_SAMPLED: usize = 16;
/// … one of this many, or it saves too little, with …
const LEAST_SAMPLED: usize = 4;
/// … this many entries for each number of H.
const ENTRIES_FOR_ONE: usize = 5;

/// A sketch is made of data of which at most this share is not observed.
const MOST_GUESSED: f64 = 0.2;

/// Bytes that copies which only save time may take with sparse data: these, or a fifth of V and the factors.
const ROOM: usize = 64 << 20;

impl Shape {
    /// What V is to the products: m·n, or as many entries as cost the same.
    fn size(&self) -> f64 {
        self.entries.map_or(self.m as f64 * self.n as f64, |z| (SPARSE * z) as f64)
    }

    /// The numbers that a row of W and a row of Hᵀ meet in the products, likewise.
    fn met(&self) -> (usize, usize) {
        match self.entries {
            None => (self.n, self.m),
            Some(z) => (SPARSE * z / self.m.max(1), SPARSE * z / self.n.max(1)),
        }
    }
}

impl SparsePlan {
    /// For a matrix with `cols` columns and `entries` entries, whose rows are summed over: as many lanes, 4 at least, as keep zeroing
    /// and summing them at a twentieth of the pass.
    pub fn summed(cols: usize, entries: usize) -> Self {
        let worth = Self::worth(cols, entries).clamp(4, crate::lanes::MAX_LANES);
        Self { lanes: 1 << worth.ilog2(), transpose: false }
    }

    /// With the transpose beside it.
    fn transposed() -> Self {
        Self { lanes: crate::lanes::MAX_LANES, transpose: true }
    }

    fn worth(cols: usize, entries: usize) -> usize {
        4 * SPARSE * entries / (20 * LANE * cols.max(1))
    }

    /// Whether so few lanes are worth their sums that the transpose is better.
    fn too_few(rows: usize, cols: usize, entries: usize) -> bool {
        Self::worth(cols, entries) < TOO_FEW && rows > 1 && cols > 1
    }
}

/// What may be done for speed at the expense of memory.
#[derive(Clone, Copy, Debug)]
struct Extras {
    transpose: bool,
    extrapolated: bool,
    sketch: bool,
    /// Rows of a sample, of which little is to be held.
    sample: Option<usize>,
}

/// Everything that a fit's options and data decide.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    /// The options' method, resolved.
    pub method: Method,
    /// Columns of the sketch that the start is compressed by, if it is.
    pub sketch: Option<usize>,
    /// Rows of the sample that the start is found on, if it is.
    pub sample: Option<usize>,
    /// Sweeps over W and over H.
    pub sweeps: (usize, usize),
    /// For sparse data.
    pub sparse: SparsePlan,
    /// Lanes of the pass.
    pub lanes: usize,
    /// Whether sums over rows are taken, by accumulators of lanes.
    sums: bool,
    /// Bytes that the fit takes besides V, at most, on the threads at hand.
    pub working_bytes: usize,
}

/// What memory depends on besides the data and the options.
#[derive(Clone, Copy, Debug)]
struct Machine {
    workers: usize,
    /// Bytes of a second-level cache.
    cache: usize,
}

/// The one that memory is reckoned with where it decides: the one at hand is not to.
const NOMINAL: Machine = Machine { workers: 8, cache: 1 << 20 };

/// Bytes of what is not counted one by one: lists of a few elements, figures, names; what a thread pool has for each thread; and what an
/// allocation is to leave.
pub(crate) fn of_any(workers: usize) -> usize {
    (16 << 10) + allocate::ROOM + workers * (10 << 10)
}

/// Factors of so many bytes, or Gram matrices, are beyond all memory, and are not counted further: their sums might be beyond what
/// can be counted.
const BEYOND: usize = if usize::BITS > 48 { 1 << 48 } else { usize::MAX };

impl Choice {
    /// For a fit on `workers` threads; with H given, if `fixed`.
    ///
    /// # Errors
    /// [`Error::MemoryLimit`] and [`Error::OutOfMemory`].
    pub fn new<T: Real>(options: &Options, v: &Shape, fixed: bool, workers: usize) -> Result<Self, Error> {
        let asked = options.method.resolved_for(options.rank, fixed);
        let machine = Machine { workers, cache: second_level_cache() };
        // a number of sweeps asks for Newton's steps
        if !options.method.is_automatic() || !asked.is_newton() || asked.sweeps.is_some() {
            return Self::of::<T>(options, v, asked, fixed, machine).1;
        }
        // what is not in memory has no transpose
        let has_transpose = !v.out_of_core || fixed && !v.by_columns;
        // the transpose, or what each of many threads holds, may be more than is to be taken
        match Self::of::<T>(options, v, asked, fixed, machine) {
            (true, Ok(choice)) if has_transpose => Ok(choice),
            _ => Self::of::<T>(options, v, Method { update: Update::Mm, ..asked }, fixed, machine).1,
        }
    }

    /// For that method, and whether it takes no more memory than it is to.
    fn of<T: Real>(
        options: &Options,
        v: &Shape,
        asked: Method,
        fixed: bool,
        machine: Machine,
    ) -> (bool, Result<Self, Error>) {
        let automatic = options.method.is_automatic();
        let can = asked.is_extrapolated();
        let on_less = can && asked.loss.is_quadratic() && !v.lists;
        let (rows, cols) = v.lines();
        let sample =
            // what is known of rows of W is known of rows that are not in it
            if on_less && v.bounds == 0 && automatic && !options.starts_at_factors() && options.compress != Some(false)
            {
                sampled_rows(v, options.rank)
            } else {
                None
            };
        let needs_transpose = (asked.is_newton() || v.lists) && (!fixed || v.by_columns);
        // one WH for both factors leaves no use for a transpose
        let wanted = Extras {
            transpose: !v.out_of_core
                && v.entries.is_some_and(|entries| {
                    // nothing is summed over rows where H is fixed
                    !fixed
                        && by_entries(asked)
                        && !asked.is_joint()
                        && SparsePlan::too_few(rows, cols, entries)
                })
                || needs_transpose,
            extrapolated: can,
            sketch: on_less
                && sample.is_none()
                && options.compress.unwrap_or_else(|| sketch_pays(v, options, asked)),
            sample,
        };
        let (asked_for_copies, asked_for_sketch) =
            (can && options.method.extrapolate == Some(true), options.compress == Some(true));
        let fits = |extras: Extras| match (options.memory_limit, v.entries) {
            (Some(limit), _) => {
                Self::with::<T>(options, v, asked, fixed, extras, NOMINAL).working_bytes <= limit
            }
            (None, Some(_)) => {
                let free = Extras {
                    extrapolated: extras.extrapolated && !asked_for_copies,
                    sketch: extras.sketch && !asked_for_sketch,
                    ..extras
                };
                extra_bytes::<T>(v, free, options.rank)
                    <= ROOM.max((v.bytes + factor_bytes::<T>(v, options.rank)) / 5)
            }
            (None, None) => true,
        };
        // what saves least time for its memory goes first
        let fewer = [
            (true, true, true),
            (true, true, false),
            (false, true, true),
            (false, true, false),
            (true, false, false),
        ];
        let choose = |(transpose, extrapolated, sketch): (bool, bool, bool)| Extras {
            transpose: wanted.transpose && transpose || needs_transpose,
            extrapolated: wanted.extrapolated && (extrapolated || asked_for_copies || asked_for_sketch),
            sketch: wanted.sketch && (sketch || asked_for_sketch),
            // without the copies that go first there is no need to save what it takes
            sample: wanted.sample.filter(|_| sketch),
        };
        let least = choose((false, false, false));
        let found = fewer.into_iter().map(choose).find(|&extras| fits(extras));
        let choice = Self::with::<T>(options, v, asked, fixed, found.unwrap_or(least), machine);
        let allowed = available::check(choice.working_bytes, options.memory_limit);
        (found.is_some(), allowed.map(|()| choice))
    }

    /// The plan of a fit, with what only the data or the pool at hand tell.
    pub fn plan(&self, v: &Shape, options: &Options, block: usize, threads: usize, exponent: i32) -> Plan {
        let Self { method, sketch, sample, sweeps, sparse, lanes, .. } = *self;
        Plan {
            method,
            by_columns: v.by_columns,
            lanes,
            block,
            threads,
            sketch,
            sample,
            sweeps,
            isa: Isa::detect().name(),
            products: options.products,
            accumulators: if self.sums { accumulators(lanes, threads) } else { 0 },
            transpose: sparse.transpose,
            scale_exponent: exponent / 2,
        }
    }

    fn with<T: Real>(
        options: &Options,
        v: &Shape,
        asked: Method,
        fixed: bool,
        extras: Extras,
        machine: Machine,
    ) -> Self {
        let k = options.rank;
        let method = if extras.extrapolated { asked } else { asked.plain() };
        let (rows, cols) = v.lines();
        let sparse = match v.entries {
            Some(_) if extras.transpose => SparsePlan::transposed(),
            None if extras.transpose => SparsePlan { lanes: crate::lanes::lanes(rows), transpose: true },
            Some(entries) if by_entries(method) => SparsePlan::summed(cols, entries),
            _ => SparsePlan { lanes: crate::lanes::lanes(rows), transpose: false },
        };
        let sketch = extras.sketch.then(|| columns(v.m, v.n, k));
        let sample = extras.sample;
        let reading = Reading { v, plan: sparse, workers: machine.workers, cache: machine.cache };
        let held = Held {
            reading,
            method,
            by_entries: by_entries(method),
            k,
            block: options.block,
            fixed,
            product: None,
            loss_is_due: false,
        };
        let gram = k.saturating_mul(k).saturating_mul(size_of::<T>());
        let working_bytes = match factor_bytes::<T>(v, k).max(gram) >= BEYOND {
            true => factor_bytes::<T>(v, k).saturating_add(gram),
            false => working_bytes::<T>(options, &held, sketch, sample, machine),
        };
        let (of_w, of_h) = v.met();
        let sweeps = (method.sweeps_over(of_w, k), method.sweeps_over(of_h, k));
        Self {
            method,
            sketch,
            sample,
            sweeps,
            sparse,
            lanes: sparse.lanes,
            sums: !sparse.transpose && (!fixed || v.by_columns),
            working_bytes,
        }
    }
}

/// Whether sparse data is worked on at its entries.
fn by_entries(method: Method) -> bool {
    matches!(method.loss.beta(), 1.0 | 2.0)
}

/// Bytes of W and H.
fn factor_bytes<T>(v: &Shape, k: usize) -> usize {
    (v.m + v.n) * k * size_of::<T>()
}

/// The peak of what a fit takes beside V: that of its phases which takes most, with what stays from one to the next. Each says its own
/// where it allocates.
fn working_bytes<T: Real>(
    options: &Options,
    held: &Held<'_>,
    sketch: Option<usize>,
    sample: Option<usize>,
    machine: Machine,
) -> usize {
    let Held { reading, k, fixed, .. } = *held;
    let (v, workers) = (reading.v, machine.workers);
    let (m, n) = (v.m, v.n);
    let (w, h) = (Buffer::<T>::bytes(m * k), Buffer::<T>::bytes(n * k));
    let drawn = matches!(options.init, None | Some(InitKind::Random | InitKind::ScaledRandom));
    let line = m.min(n) == 1 && drawn && options.is_free(fixed || v.bounds > 0);
    let given = options.starts_at_factors() || fixed || line;
    let start = match options.init {
        Some(kind) => kind.init::<T>(),
        None => Some(options.default_start(m, n)),
    };
    let start = start.filter(|_| !given);
    let scanning = scan::bytes::<T>(v, workers);
    let of_given = w + h + init::mean_bytes::<T>(v, workers);
    let starting = start.as_ref().map_or(of_given, |start| init::bytes::<T>(start, &reading, k));
    let kept_after = |decomposes: bool| if decomposes { init::kept_by_products() } else { 0 };
    let decomposes = start.as_ref().is_some_and(init::decomposes);
    let kept = kept_after(decomposes || sketch.is_some());
    let sampling = sample.map_or(0, |rows| {
        let shape = sampled::shape::<T>(v, rows);
        let method = Method::hals();
        let of_sample = sampled::options(options);
        let choice = Choice::of::<T>(&of_sample, &shape, method, fixed, machine).1;
        let fitting = choice.map_or(0, |choice| choice.working_bytes);
        sampled::bytes::<T>(v, rows, k, fitting)
    });
    let sketching = sketch.map_or(0, |l| {
        let before = kept_after(decomposes);
        w + h + 2 * k * k * size_of::<T>() + compress::bytes::<T>(&reading, k, l, options.block, before)
    });
    let history = drive::history_len(options.max_iter) * size_of::<HistoryPoint>();
    let iterating = history + held.bytes::<T>();
    // H is turned round, and again to be scaled
    let handing_over = history + w + 2 * h;
    let later = kept + iterating.max(handing_over);
    let working = starting.max(sketching).max(later).max(sampling).max(reading.storing::<T>());
    of_any(workers) + v.readers(workers) + v.bounds + scanning.max(reading.stored::<T>() + working)
}

/// Looks at what the bytes of V follow from but choices do not: which entries the lines have, and whether what is read is `scaled`.
pub(crate) fn measured<T: Real>(
    options: &Options,
    v: &Matrix<'_, T>,
    unobserved: usize,
    lists: bool,
    fixed: bool,
    scaled: bool,
) -> Shape {
    let shape = Shape::of(v).read_scaled(v, scaled).but(unobserved).as_lists(lists);
    let method = options.method.resolved_for(options.rank, fixed);
    let (rows, cols) = shape.lines();
    let transposes = shape.entries.is_some_and(|entries| SparsePlan::too_few(rows, cols, entries));
    if shape.entries.is_some() && !shape.out_of_core && (transposes || lists || method.is_newton()) {
        across(shape, v, options.memory_limit)
    } else {
        shape
    }
}

/// With the lines across counted, unless there is no memory even for that: then there is none for a factor either.
pub(crate) fn across<T: Real>(shape: Shape, v: &Matrix<'_, T>, limit: Option<usize>) -> Shape {
    const LITTLE: usize = 16 << 20;
    let counting = (shape.lines().1 + 1).saturating_mul(size_of::<usize>());
    let may = counting <= LITTLE || available::check(counting, limit).is_ok();
    if may { shape.across(v) } else { shape }
}

/// Bytes of what only saves time, as the choice between that and memory reckons them.
fn extra_bytes<T>(v: &Shape, extras: Extras, k: usize) -> usize {
    let of = |wanted: bool, bytes: usize| if wanted { bytes } else { 0 };
    // of dense data only blocks are copied
    let transpose = v.entries.map_or(0, |entries| source::transpose_bytes::<T>(entries, v.lines().1));
    let sample = extras.sample.map_or(0, |rows| {
        let factors = (rows + v.n) * (size_of::<usize>() + 3 * k * size_of::<T>());
        let entries = sampled::shape::<T>(v, rows).entries.unwrap_or(0) * (size_of::<u32>() + size_of::<T>());
        entries + v.m * size_of::<u32>() + factors
    });
    let l = columns(v.m, v.n, k);
    let sketch =
        ((v.m + 3 * v.n) * l + 2 * (v.m + v.n) * k) * size_of::<T>() + 3 * v.n * l * size_of::<f64>();
    sample
        + of(extras.transpose, transpose)
        + of(extras.extrapolated, 3 * factor_bytes::<T>(v, k))
        + of(extras.sketch, sketch)
}

/// What a fit by a method that iterates on sketches is expected to cost, in iterations on V: without a sketch,
/// and with one.
pub(crate) fn expected(v: &Shape, k: usize, method: Method) -> (f64, f64) {
    let l = columns(v.m, v.n, k) as f64;
    let (of_w, of_h) = v.met();
    let sweeps = SWEEP
        * 2.0
        * (k * k) as f64
        * ((v.m * method.sweeps_over(of_w, k)) as f64 + (v.n * method.sweeps_over(of_h, k)) as f64);
    let (m, n, k, z) = (v.m as f64, v.n as f64, k as f64, v.size());
    let products = 4.0 * z * k;
    let iteration = products + sweeps;
    let on_sketch = 4.0 * (m + n) * l * k + sweeps;
    let sketch = 6.0 * z * l + BASIS * 4.0 * n * l * l;
    let apart = sketch + ITERATIONS_ON_SKETCH * on_sketch + products;
    (ITERATIONS, ITERATIONS_LEFT + apart / iteration)
}

/// Whether a sketch is expected to pay, where nobody says so.
fn sketch_pays(v: &Shape, options: &Options, method: Method) -> bool {
    let (plain, compressed) = expected(v, options.rank, method);
    // what a sketch tells of data that is mostly a guess is little
    let known = v.unobserved as f64 <= MOST_GUESSED * v.m as f64 * v.n as f64;
    options.method.is_automatic() && !options.starts_at_factors() && known && compressed < plain
}

/// Rows of sparse data that tell enough of H: one of 16, or of as many as leave five entries for each of its numbers, and
/// four rows for each component.
fn sampled_rows(v: &Shape, k: usize) -> Option<usize> {
    let step = (v.entries? / (ENTRIES_FOR_ONE * v.n * k).max(1)).min(v.m / (4 * k)).min(MOST_SAMPLED);
    (step >= LEAST_SAMPLED).then(|| v.m.div_ceil(step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Loss;

    fn dense(m: usize, n: usize) -> Shape {
        Shape::dense::<f32>(m, n, false)
    }

    #[test]
    fn sketches_pay_where_they_are_much_thinner_than_v() {
        let pays = |m, n, k| {
            let (plain, compressed) = expected(&dense(m, n), k, Method::hals().extrapolated());
            compressed < plain
        };
        for (m, n, k) in [(2000, 2000, 32), (10_000, 1000, 16), (5000, 5000, 64), (10_000, 784, 49)] {
            assert!(pays(m, n, k), "{m}×{n} at rank {k}");
        }
        for (m, n, k) in [(20, 12, 2), (150, 100, 10), (100_000, 30, 10), (400, 400, 200), (1, 1, 1)] {
            assert!(!pays(m, n, k), "{m}×{n} at rank {k}");
        }
    }

    #[test]
    fn the_transpose_is_kept_where_lanes_would_cost_too_much() {
        let plan = |m, n, z| {
            let v = Shape::sparse::<f32>(m, n, z, false);
            Choice::new::<f32>(&Options::new(8, Method::cd()), &v, false, 2).unwrap().sparse
        };
        let lanes = |lanes| SparsePlan { lanes, transpose: false };
        assert_eq!(plan(20_000, 10_000, 1_000_000), lanes(4));
        assert_eq!(plan(30_000, 2_000, 4_800_000), lanes(32));
        assert_eq!(plan(1_000_000, 30_000, 100_000_000), lanes(64));
        assert_eq!(plan(10_000, 1_000_000, 1_000_000), SparsePlan { lanes: 64, transpose: true });
        // but not where it would be more than the data may bring with it
        assert_eq!(plan(100_000, 10_000_000, 20_000_000), lanes(4));
    }

    /// What the documentation promises of sparse data: copies that only save time stay small beside it.
    #[test]
    fn large_sparse_data_takes_little_besides() {
        let (m, n, z) = (1_000_000, 30_000, 100_000_000);
        let v = Shape::sparse::<f32>(m, n, z, false);
        let options = Options::new(20, Method::auto(Loss::Frobenius));
        let choice = Choice::new::<f32>(&options, &v, false, 2).unwrap();
        assert_eq!((choice.method, choice.sketch), (Method::hals(), None));
        let factors = 4 * (m + n) * 20;
        assert!(choice.working_bytes < factors + (v.bytes + factors) / 5, "{}", choice.working_bytes);
        let asked = Options { memory_limit: Some(1 << 30), ..options.clone() };
        let choice = Choice::new::<f32>(&asked, &v, false, 2).unwrap();
        assert_eq!(choice.method, Method::hals().extrapolated());
        let least = Options { memory_limit: Some(1 << 20), ..options };
        assert!(matches!(Choice::new::<f32>(&least, &v, false, 2), Err(Error::MemoryLimit { .. })));
    }
}
