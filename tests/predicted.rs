//! What a call is predicted to take beside V, against the peak of what it allocates: never less, and at most 15 % more.

#![expect(clippy::print_stdout, reason = "the table is for whoever runs the test")]

mod counting;

use std::ops::Range;
use std::sync::OnceLock;
use std::time::Duration;

use counting::peak_of;
use orthant::{
    Csc, Csr, Dense, Error, Factor, Holdout, Init, Loss, Matrix, Method, MiniBatchNmf, Model, Nmf, OutOfCore,
    Penalty, ReadLines, ReadSparseLines, Real, Transform, View,
};

/// How V lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Rows,
    Columns,
    Strided,
    Csr,
    Csc,
    /// Rows, or columns, that are read when they are needed.
    ReadRows,
    ReadColumns,
    /// The same of sparse data.
    ReadCsr,
    ReadCsc,
}

use Layout::*;

/// A matrix that stands for one in a file: its lines are copied.
#[derive(Debug)]
struct Lines<T> {
    elements: Vec<T>,
    shape: (usize, usize),
    by_columns: bool,
}

impl<T: Real> ReadLines<T> for Lines<T> {
    fn nrows(&self) -> usize {
        self.shape.0
    }

    fn ncols(&self) -> usize {
        self.shape.1
    }

    fn by_columns(&self) -> bool {
        self.by_columns
    }

    fn read(&self, lines: Range<usize>, out: &mut [T]) -> Result<(), Error> {
        // what a reader may take
        std::hint::black_box(vec![0_u8; 64 << 10]);
        let length = if self.by_columns { self.shape.0 } else { self.shape.1 };
        out.copy_from_slice(&self.elements[lines.start * length..lines.end * length]);
        Ok(())
    }
}

/// A matrix in one of the layouts.
enum Data<T: Real> {
    Dense(Vec<T>, (usize, usize), (isize, isize)),
    Csr(Csr<'static, T>),
    Csc(Csc<'static, T>),
    Read(Lines<T>),
    ReadEntries(Entries<T>),
}

/// A sparse matrix of which lines are handed out.
#[derive(Debug)]
struct Entries<T: Real> {
    lines: Csr<'static, T>,
    starts: Vec<usize>,
    by_columns: bool,
}

impl<T: Real> Entries<T> {
    fn new(lines: Csr<'static, T>, by_columns: bool) -> Self {
        let starts = (0..=lines.nrows()).map(|i| lines.entries_before(i)).collect();
        Self { lines, starts, by_columns }
    }
}

impl<T: Real> ReadSparseLines<T> for Entries<T> {
    fn nrows(&self) -> usize {
        if self.by_columns { self.lines.ncols() } else { self.lines.nrows() }
    }

    fn ncols(&self) -> usize {
        if self.by_columns { self.lines.nrows() } else { self.lines.ncols() }
    }

    fn by_columns(&self) -> bool {
        self.by_columns
    }

    fn starts(&self) -> &[usize] {
        &self.starts
    }

    fn read(&self, lines: Range<usize>, indices: &mut [u32], values: &mut [T]) -> Result<(), Error> {
        // what a reader may take
        std::hint::black_box(vec![0_u8; 64 << 10]);
        let entries = lines.flat_map(|i| self.lines.row(i));
        for ((j, x), (index, value)) in entries.zip(indices.iter_mut().zip(values)) {
            (*index, *value) = (j as u32, x);
        }
        Ok(())
    }
}

impl<T: Real> Data<T> {
    /// Entries of positive data of rank three with something on top; of sparse layouts one of ten.
    fn new(layout: Layout, (m, n): (usize, usize)) -> Self {
        let at = |i: usize, j: usize| {
            let noise = ((i * 31 + j) as u32).wrapping_mul(2_654_435_761) >> 22;
            T::from_f64(0.25 + ((i % 3 + 1) * (j % 5 + 1)) as f64 / 16.0 + f64::from(noise) / 4096.0)
        };
        let kept = |i: usize, j: usize| ((i * n + j) as u32).wrapping_mul(2_246_822_519) >> 16 < 6_554;
        let sparse = |m: usize, n: usize, entry: &dyn Fn(usize, usize) -> Option<T>| {
            let (mut indptr, mut indices, mut values) = (vec![0_usize], Vec::<u32>::new(), Vec::new());
            for i in 0..m {
                for j in 0..n {
                    if let Some(x) = entry(i, j) {
                        indices.push(j as u32);
                        values.push(x);
                    }
                }
                indptr.push(indices.len());
            }
            Csr::<T>::new(m, n, indptr, indices, values).unwrap()
        };
        match layout {
            Rows => Self::Dense((0..m * n).map(|e| at(e / n, e % n)).collect(), (m, n), (n as isize, 1)),
            Columns => Self::Dense((0..m * n).map(|e| at(e % m, e / m)).collect(), (m, n), (1, m as isize)),
            Strided => {
                let all = (0..2 * m * n).map(|e| at(e / (2 * n), e % (2 * n) / 2)).collect();
                Self::Dense(all, (m, n), (2 * n as isize, 2))
            }
            ReadRows => {
                let elements = (0..m * n).map(|e| at(e / n, e % n)).collect();
                Self::Read(Lines { elements, shape: (m, n), by_columns: false })
            }
            ReadColumns => {
                let elements = (0..m * n).map(|e| at(e % m, e / m)).collect();
                Self::Read(Lines { elements, shape: (m, n), by_columns: true })
            }
            Csr | ReadCsr => {
                let rows = sparse(m, n, &|i, j| kept(i, j).then(|| at(i, j)));
                if layout == Csr { Self::Csr(rows) } else { Self::ReadEntries(Entries::new(rows, false)) }
            }
            Csc | ReadCsc => {
                let columns = sparse(n, m, &|j, i| kept(i, j).then(|| at(i, j)));
                match layout {
                    Csc => Self::Csc(Csc::of_transposed(columns)),
                    _ => Self::ReadEntries(Entries::new(columns, true)),
                }
            }
        }
    }

    fn matrix(&self) -> Matrix<'_, T> {
        match self {
            Self::Dense(x, (m, n), (row, col)) => {
                Matrix::Dense(View::strided(x, 0, *m, *n, *row, *col).unwrap())
            }
            Self::Csr(v) => Matrix::Csr(v.by_ref()),
            Self::Csc(v) => Matrix::Csc(Csc::of_transposed(v.transposed().by_ref())),
            Self::Read(lines) => Matrix::OutOfCore(OutOfCore::new(lines)),
            Self::ReadEntries(lines) => Matrix::OutOfCore(OutOfCore::sparse(lines).unwrap()),
        }
    }
}

/// What cannot be counted beforehand: pools of threads, lists of a few elements, strings. 64 KiB, and 32 KiB a thread.
const ALLOWED: usize = 64 << 10;

struct Table {
    worst_under: f64,
    worst_over: f64,
    bad: Vec<String>,
    count: usize,
}

impl Table {
    /// `may_take_less` says that what is predicted counts a way out that is seldom taken.
    fn row(&mut self, what: &str, predicted: usize, measured: usize, may_take_less: bool, readers: usize) {
        let ratio = predicted as f64 / measured as f64;
        // threads that could read at the same time need not do so
        let over = predicted.saturating_sub(ALLOWED + readers * (64 << 10)) as f64 / measured as f64;
        self.count += 1;
        self.worst_under = self.worst_under.min(ratio);
        if !may_take_less {
            self.worst_over = self.worst_over.max(over);
        }
        let bad = predicted < measured || over > 1.15 && !may_take_less;
        let line =
            format!("{predicted:>12} {measured:>12} {ratio:>6.3}{} {what}", if bad { " !" } else { "  " });
        println!("{line}");
        if bad {
            self.bad.push(line);
        }
    }
}

/// The threads that may read at the same time, of data that is read.
fn readers(layout: Layout, threads: usize) -> usize {
    if matches!(layout, ReadRows | ReadColumns | ReadCsr | ReadCsc) { threads } else { 0 }
}

/// A start, made for a shape.
fn start<T: Real>(name: &str, (m, n, k): (usize, usize, usize)) -> Option<Init<T>> {
    Some(match name {
        "default" => return None,
        "random" => Init::Random,
        "scaled" => Init::ScaledRandom,
        "nndsvd" => Init::Nndsvd,
        "nndsvda" => Init::Nndsvda,
        "nndsvdar" => Init::Nndsvdar,
        "exact-nndsvd" => Init::ExactNndsvd,
        "exact-nndsvda" => Init::ExactNndsvda,
        "spa" => Init::Spa,
        _ => Init::Custom {
            w: Dense::from_fn(m, k, |i, t| T::from_f64(((i + t) % 5 + 1) as f64)),
            h: Dense::from_fn(k, n, |t, j| T::from_f64(((j * 3 + t) % 7 + 1) as f64)),
        },
    })
}

/// The threads that this process has, where the system tells.
fn alive() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("Threads:")?.trim().parse().ok())
}

/// Runs on that many threads, new ones: in a pool of its own that the call makes, or in one that is there, where that has more threads
/// than there may be cores.
fn on<R: Send>(threads: usize, f: impl FnOnce(Option<usize>) -> R + Send) -> R {
    // threads of pools that are gone may still have to give back their memory
    static AT_FIRST: OnceLock<Option<usize>> = OnceLock::new();
    let at_first = *AT_FIRST.get_or_init(alive);
    while alive() > at_first {
        std::thread::sleep(Duration::from_millis(1));
    }
    if threads <= 2 {
        return std::thread::scope(|scope| scope.spawn(|| f(Some(threads))).join().unwrap());
    }
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| f(None))
}

fn fit<T: Real>(
    table: &mut Table,
    layout: Layout,
    shape: (usize, usize, usize),
    method: Method,
    from: &str,
    threads: usize,
    with: impl Fn(Nmf<T>) -> Nmf<T> + Sync,
) {
    let (m, n, k) = shape;
    let data = Data::<T>::new(layout, (m, n));
    let v = data.matrix();
    let mut nmf = Nmf::<T>::new(k).method(method).max_iter(3).tol(0.0);
    if let Some(init) = start(from, shape) {
        nmf = nmf.init(init);
    }
    let nmf = with(nmf);
    let (plan, predicted, measured) = on(threads, |threads| {
        let nmf = match threads {
            Some(threads) => nmf.clone().threads(threads),
            None => nmf.clone(),
        };
        let explained = nmf.explain(&v).unwrap();
        let (fit, measured) = peak_of(|| nmf.fit(&v));
        (fit.unwrap().report.plan, explained.working_bytes, measured)
    });
    let extra = match (plan.sketch, plan.sample, plan.transpose) {
        (Some(l), ..) => format!(" sketch {l}"),
        (_, Some(rows), _) => format!(" sample {rows}"),
        (.., true) => " transpose".into(),
        _ => String::new(),
    };
    let what = format!(
        "{m}×{n} k={k} {layout:?} {} {} {} from {from}, {threads} threads{extra}",
        T::NAME,
        plan.method,
        plan.method.loss
    );
    // where a sample says too little, the start is of all rows
    let less = plan.sample.is_some() && from.contains("nndsvd");
    table.row(&what, predicted, measured, less, readers(layout, threads));
}

fn transform<T: Real>(
    table: &mut Table,
    layout: Layout,
    (m, n, k): (usize, usize, usize),
    loss: Loss,
    threads: usize,
) {
    let data = Data::<T>::new(layout, (m, n));
    let v = data.matrix();
    let h = Dense::from_fn(k, n, |t, j| T::from_f64(((j * 3 + t * 5) % 7 + 1) as f64));
    let model = Model::from_components(h, Penalty::default()).unwrap().with_loss(loss).unwrap();
    let (predicted, measured) = on(threads, |threads| {
        let options = Transform { threads, max_sweeps: 3, tol: 0.1, ..Transform::default() };
        let (done, measured) = peak_of(|| model.transform_with(&v, &options));
        done.unwrap();
        (model.working_bytes(&v, &options).unwrap(), measured)
    });
    let what = format!("{m}×{n} k={k} {layout:?} {} transform {loss}, {threads} threads", T::NAME);
    table.row(&what, predicted, measured, false, readers(layout, threads));
}

fn batches<T: Real>(
    table: &mut Table,
    layout: Layout,
    (m, n, k): (usize, usize, usize),
    loss: Loss,
    fresh: bool,
    threads: usize,
) {
    let data = Data::<T>::new(layout, (m, n));
    let v = data.matrix();
    let mut nmf = MiniBatchNmf::<T>::new(k).loss(loss).max_iter(1).batch_size(m / 5).fresh_restarts(fresh);
    nmf = nmf.fresh_restarts_max_iter(2).init(Init::Random);
    let (predicted, measured) = on(threads, |threads| {
        let nmf = threads.into_iter().fold(nmf.clone(), MiniBatchNmf::threads);
        let (done, measured) = peak_of(|| nmf.fit(&v));
        done.unwrap();
        (nmf.working_bytes(&v).unwrap(), measured)
    });
    let restarts = if fresh { " with fresh restarts" } else { "" };
    let what = format!("{m}×{n} k={k} {layout:?} {} batches {loss}{restarts}, {threads} threads", T::NAME);
    table.row(&what, predicted, measured, false, readers(layout, threads));
}

#[test]
fn what_is_predicted_is_what_is_taken() {
    let mut table = Table { worst_under: f64::INFINITY, worst_over: 0.0, bad: Vec::new(), count: 0 };
    let t = &mut table;
    let shapes = [
        (12_000, 160, 24),
        (160, 12_000, 24),
        (420, 420, 45),
        (40_000, 40, 3),
        (40, 40_000, 3),
        (330, 260, 130),
    ];
    let methods = [
        Method::cd(),
        Method::hals(),
        Method::hals().extrapolated(),
        Method::auto(Loss::Frobenius),
        Method::mu(Loss::Frobenius),
        Method::mu(Loss::KullbackLeibler),
        Method::mu(Loss::ItakuraSaito),
        Method::mu(Loss::Beta(1.5)),
        Method::mm(Loss::KullbackLeibler).extrapolated(),
        Method::mm(Loss::Beta(0.5)).extrapolated(),
        Method::mm(Loss::Beta(1.5)),
        Method::newton(),
        Method::newton().extrapolated(),
        Method::joint_mm(),
        Method::joint_mm().extrapolated(),
        Method::anls(),
        Method::projected_gradient(),
        Method::als(),
        Method::auto(Loss::KullbackLeibler),
        Method::auto(Loss::Beta(1.5)),
    ];
    let starts = [
        "random",
        "scaled",
        "nndsvd",
        "exact-nndsvda",
        "spa",
        "nndsvda",
        "custom",
        "nndsvdar",
        "exact-nndsvd",
        "default",
    ];
    let layouts = [Rows, Columns, Strided, Csr, Csc];
    let mut number = 0;
    for (at, method) in methods.into_iter().enumerate() {
        for (which, layout) in layouts.into_iter().enumerate() {
            for turn in 0..2 {
                let shape = shapes[(at + which + 3 * turn) % shapes.len()];
                // what starts at zeros, or is infinitely far from them
                let sparse = matches!(layout, Csr | Csc);
                if sparse && method.loss.beta() <= 0.0 {
                    continue;
                }
                let from = starts[number % starts.len()];
                let from = if from == "spa" && shape.2 > shape.0 { "random" } else { from };
                let from =
                    if from.contains("nndsvd") && shape.2 > shape.0.min(shape.1) { "random" } else { from };
                let threads = 1 + (number / 3) % 4;
                if number % 2 == 0 {
                    fit::<f32>(t, layout, shape, method, from, threads, |nmf| nmf);
                } else {
                    fit::<f64>(t, layout, shape, method, from, threads, |nmf| nmf);
                }
                number += 1;
            }
        }
    }
    // known components and bounds, and entries that are held out
    for (number, layout) in layouts.into_iter().enumerate() {
        for (at, (m, n, k)) in [(6000, 160, 24), (160, 6000, 24), (20_000, 40, 3)].into_iter().enumerate() {
            let threads = 1 + (number + at) % 4;
            let h = Dense::from_fn(k - k / 3, n, |t, j| ((t * 5 + j * 3) % 7) as f64 / 7.0);
            let known = Factor::new().fixed(&h).upper(9.0);
            for method in [Method::hals(), Method::hals().extrapolated(), Method::auto(Loss::KullbackLeibler)]
            {
                fit::<f64>(t, layout, (m, n, k), method, "scaled", threads, |nmf| {
                    nmf.h(known.clone()).w(Factor::new().lower(1e-3)).compress(false)
                });
            }
            if matches!(layout, Rows | Columns | Strided) {
                let holdout = Holdout::default();
                let method = Method::auto(Loss::Frobenius);
                fit::<f64>(t, layout, (m, n, k), method, "scaled", threads, |nmf| nmf.holdout(holdout));
            }
            // and rows and columns that count unlike
            let lines = |count: usize| (0..count).map(|i| 1.0 + (i % 5) as f64).collect::<Vec<_>>();
            for loss in [Loss::Frobenius, Loss::KullbackLeibler] {
                fit::<f64>(t, layout, (m, n, k), Method::auto(loss), "scaled", threads, |nmf| {
                    nmf.row_weights(&lines(m)).column_weights(&lines(n)).w(Factor::new().upper(1e3))
                });
            }
        }
    }
    // data that is not in memory
    for (at, method) in methods.into_iter().filter(|method| method.update.name() != "newton").enumerate() {
        for (which, layout) in [ReadRows, ReadColumns, ReadCsr, ReadCsc].into_iter().enumerate() {
            // each method once
            if matches!(layout, ReadCsr | ReadCsc) && (method.loss.beta() <= 0.0 || (at + which) % 2 == 0) {
                continue;
            }
            let shape = shapes[(at + 3 * which) % shapes.len()];
            let from = starts[(at + which) % starts.len()];
            let small = shape.2 > shape.0.min(shape.1) && from.contains("nndsvd");
            let rows = from == "spa" && (matches!(layout, ReadColumns | ReadCsc) || shape.2 > shape.0);
            let from = if small || rows { "random" } else { from };
            if at % 2 == 0 {
                fit::<f32>(t, layout, shape, method, from, 1 + at % 3, |nmf| nmf);
            } else {
                fit::<f64>(t, layout, shape, method, from, 1 + at % 3, |nmf| nmf);
            }
        }
    }
    let with_read = layouts.into_iter().chain([ReadRows, ReadCsr]);
    for (number, layout) in with_read.clone().chain(with_read).enumerate() {
        let shape = [(30_000, 60, 20), (400, 3_000, 30), (9_000, 500, 8)][number % 3];
        for loss in [Loss::Frobenius, Loss::KullbackLeibler, Loss::Beta(1.5)] {
            let shape = if loss == Loss::Frobenius { shape } else { (shape.0 / 10, shape.1, shape.2) };
            if number % 2 == 0 {
                transform::<f32>(t, layout, shape, loss, 1 + number % 4);
            } else {
                transform::<f64>(t, layout, shape, loss, 1 + number % 4);
            }
            for fresh in [false, true] {
                if number % 2 == 0 {
                    batches::<f32>(t, layout, shape, loss, fresh, 1 + number % 3);
                } else {
                    batches::<f64>(t, layout, shape, loss, fresh, 1 + number % 3);
                }
            }
        }
    }
    println!("{} cases, least {:.3}, most {:.3}", table.count, table.worst_under, table.worst_over);
    assert!(table.bad.is_empty(), "{} of {} cases:\n{}", table.bad.len(), table.count, table.bad.join("\n"));
}
