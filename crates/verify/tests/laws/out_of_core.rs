//! Law 25: data that is read when it is needed has the bits of the same data in memory.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicUsize, Ordering};

use orthant::{
    Cancel, Checkpoint, Dense, EntryWeights, Error, Factor, Fit, Holdout, Init, InitKind, Iteration, Loss,
    Method, MiniBatchNmf, Missing, Nmf, OutOfCore, Penalty, Products, ReadLines, Real, StopReason, ToMatrix,
    Transform, Update, View,
};
use orthant_verify::compare::{cast, first_other_bit};
use orthant_verify::forms::methods;
use orthant_verify::made::{drawn, positive};

const LOSSES: [Loss; 6] = [
    Loss::Frobenius,
    Loss::KullbackLeibler,
    Loss::ItakuraSaito,
    Loss::Beta(0.5),
    Loss::Beta(1.5),
    Loss::Beta(3.0),
];

/// A matrix that is handed out some lines at a time, until it has been asked so often.
#[derive(Debug)]
pub struct Lines<T: Real> {
    /// A line in each row.
    lines: Dense<T>,
    by_columns: bool,
    left: AtomicUsize,
}

impl<T: Real> Lines<T> {
    pub fn new(v: &Dense<T>, by_columns: bool) -> Self {
        let lines = if by_columns { v.transposed() } else { v.clone() };
        Self { lines, by_columns, left: usize::MAX.into() }
    }

    pub fn for_reads(v: &Dense<T>, by_columns: bool, reads: usize) -> Self {
        Self { left: reads.into(), ..Self::new(v, by_columns) }
    }

    pub fn reads(&self) -> usize {
        usize::MAX - self.left.load(Ordering::Relaxed)
    }

    /// The same in memory.
    fn view(&self) -> View<'_, T> {
        if self.by_columns { self.lines.view().transposed() } else { self.lines.view() }
    }
}

impl<T: Real> ReadLines<T> for Lines<T> {
    fn nrows(&self) -> usize {
        self.view().nrows()
    }

    fn ncols(&self) -> usize {
        self.view().ncols()
    }

    fn by_columns(&self) -> bool {
        self.by_columns
    }

    fn read(&self, lines: Range<usize>, out: &mut [T]) -> Result<(), Error> {
        let taken = |left: usize| left.checked_sub(1);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_err() {
            return Err(gone());
        }
        assert_eq!(out.len(), lines.len() * self.lines.ncols());
        let length = self.lines.ncols();
        out.copy_from_slice(&self.lines.as_slice()[lines.start * length..lines.end * length]);
        Ok(())
    }
}

pub fn gone() -> Error {
    Error::Unreadable { reason: "v.npy: gone".into() }
}

/// Numbers that need no zeros, of lines that are few or many.
pub fn data<T: Real>(m: usize, n: usize) -> Dense<T> {
    cast(&positive(m, n, 5))
}

pub fn same_fit<T: Real>(read: &Fit<T>, here: &Fit<T>, what: &str) {
    assert_eq!(first_other_bit(&read.w, &here.w), None, "{what}: W");
    let (read_h, here_h) = (read.model.components(), here.model.components());
    assert_eq!(first_other_bit(read_h, here_h), None, "{what}: H");
    let of = |fit: &Fit<T>| {
        let r = &fit.report;
        let figures = [r.objective, r.loss, r.relative_error, r.kkt_residual];
        (r.iterations, figures.map(f64::to_bits), r.stop_reason, r.compression)
    };
    assert_eq!(of(read), of(here), "{what}");
}

/// With the rule that data which is read takes where the library chooses.
pub fn as_read<T: Real>(nmf: &Nmf<T>) -> Nmf<T> {
    match nmf.options().method {
        Method { update: Update::Auto, loss: Loss::KullbackLeibler, .. } => {
            let nmf = nmf.clone().update(Update::Mm);
            // one that is chosen is extrapolated, and stops by its own rule
            nmf.extrapolate(true)
        }
        _ => nmf.clone(),
    }
}

fn check<T: Real>(nmf: &Nmf<T>, v: &Dense<T>, what: &str) {
    for by_columns in [false, true] {
        let lines = Lines::new(v, by_columns);
        let what = format!("{what}, by columns {by_columns}");
        let here = as_read(nmf).fit(&lines.view()).unwrap();
        for threads in [1, 3] {
            let read = nmf.clone().threads(threads).fit(&OutOfCore::new(&lines)).unwrap();
            same_fit(&read, &here, &what);
        }
    }
}

fn every_method<T: Real>(m: usize, n: usize, k: usize) {
    let v = data::<T>(m, n);
    let large = Dense::from_fn(m, n, |i, j| v[(i, j)] * T::from_f64(1e30));
    for method in methods(&LOSSES).into_iter().filter(|method| method.update != Update::Newton) {
        let penalty = Penalty { alpha_w: 1e-3, alpha_h: Some(2e-3), l1_ratio: 0.5 };
        let nmf = Nmf::new(k).method(method).max_iter(9).seed(3);
        check(&nmf, &v, &format!("{method} with {}", method.loss));
        check(&nmf.clone().penalty(penalty), &v, &format!("{method} with {} and penalties", method.loss));
        check(&nmf, &large, &format!("{method} with {}, large", method.loss));
    }
}

/// Law 25.
#[test]
fn every_method_has_the_bits_of_data_in_memory() {
    every_method::<f64>(70, 23, 4);
    every_method::<f32>(23, 70, 3);
}

/// Law 25.
#[test]
fn odd_shapes_have_the_bits_of_data_in_memory() {
    for (m, n, k) in [(1, 1, 1), (1, 40, 2), (40, 1, 2), (7, 5, 9), (2500, 3, 2), (3, 2500, 2)] {
        for loss in [Loss::Frobenius, Loss::KullbackLeibler, Loss::ItakuraSaito] {
            check(
                &Nmf::new(k).method(Method::auto(loss)).max_iter(6),
                &data::<f64>(m, n),
                &format!("{m}×{n} {loss}"),
            );
        }
    }
}

/// Law 25.
#[test]
fn every_start_and_product_has_the_bits_of_data_in_memory() {
    let v = data::<f64>(90, 31);
    for &start in InitKind::ALL.iter().filter(|&&start| start != InitKind::Custom) {
        let init = start.init::<f64>().unwrap();
        let nmf = Nmf::new(4).init(init).update(Update::Hals).max_iter(5).seed(2);
        for by_columns in [false, true] {
            let lines = Lines::new(&v, by_columns);
            let read = nmf.fit(&OutOfCore::new(&lines));
            if by_columns && start == InitKind::Spa {
                assert!(matches!(read, Err(Error::Unsupported { .. })));
                continue;
            }
            same_fit(&read.unwrap(), &nmf.fit(&lines.view()).unwrap(), &format!("{start:?} {by_columns}"));
            let (read, here) = (OutOfCore::new(&lines), lines.view());
            assert_eq!(nmf.init_factors(&read).unwrap(), nmf.init_factors(&here).unwrap(), "{start:?}");
        }
    }
    check(&Nmf::new(4).products(Products::Gemm).max_iter(7), &v, "gemm");
    check(&Nmf::new(3).compress(true).max_iter(7), &data::<f32>(260, 190), "a sketch");
    let parts = Dense::from_fn(4, 31, |t, j| if t == 0 { (j % 5) as f64 } else { f64::NAN });
    check(&Nmf::new(4).h(Factor::new().fixed(&parts)).max_iter(7), &v, "a known component");
}

/// Law 25. Numpy's mean is a pairwise sum over what lies in memory, whose halves are cut inside lines.
#[test]
fn the_random_start_has_numpys_mean_of_data_that_is_read() {
    // one sum may round alike however it is cut, but not so many
    let many = (0..12).map(|extra| (1200 + extra, 37));
    for (m, n) in [(700, 311), (3, 90_001), (150_000, 2)].into_iter().chain(many) {
        let v = data::<f32>(m, n);
        for by_columns in [false, true] {
            let lines = Lines::new(&v, by_columns);
            let nmf = Nmf::<f32>::new(1).init(Init::Random);
            let (w, h) = nmf.init_factors(&OutOfCore::new(&lines)).unwrap();
            assert_eq!((w, h), nmf.init_factors(&lines.view()).unwrap(), "{m}×{n}");
        }
    }
}

/// Law 25.
#[test]
fn new_rows_and_given_components_have_the_bits_of_data_in_memory() {
    let (v, h) = (data::<f64>(301, 17), drawn(3, 17, 8));
    for loss in LOSSES {
        let nmf = Nmf::new(3).method(Method::auto(loss)).max_iter(8);
        let model = nmf.fit(&v).unwrap().model;
        let lines = Lines::new(&v, false);
        let read = OutOfCore::new(&lines);
        for threads in [1, 2] {
            let options = Transform { threads: Some(threads), ..Transform::default() };
            let (here, _) = model.transform_with(&v, &options).unwrap();
            assert_eq!(
                first_other_bit(&model.transform_with(&read, &options).unwrap().0, &here),
                None,
                "{loss}"
            );
        }
        let taken = model.working_bytes(&read, &Transform::default()).unwrap();
        assert!(taken >= model.working_bytes(&v, &Transform::default()).unwrap());
        for by_columns in [false, true] {
            let lines = Lines::new(&v, by_columns);
            // Newton's steps for W alone go by rows, and so need no other
            let nmf = if by_columns { as_read(&nmf) } else { nmf.clone() };
            let read = nmf.fit_weights(&OutOfCore::new(&lines), &h).unwrap();
            same_fit(&read, &nmf.fit_weights(&lines.view(), &h).unwrap(), &format!("{loss} {by_columns}"));
        }
    }
    let lines = Lines::new(&v, true);
    let model = Nmf::new(3).fit(&v).unwrap().model;
    assert!(matches!(model.transform(&OutOfCore::new(&lines)), Err(Error::Unsupported { .. })));
}

/// Law 25.
#[test]
fn mini_batches_of_rows_have_the_bits_of_data_in_memory() {
    let v = data::<f64>(250, 13);
    for loss in LOSSES {
        for fresh in [false, true] {
            let nmf = MiniBatchNmf::new(3).loss(loss).batch_size(60).fresh_restarts(fresh).max_iter(3);
            let lines = Lines::new(&v, false);
            let (read, here) = (nmf.fit(&OutOfCore::new(&lines)).unwrap(), nmf.fit(&v).unwrap());
            assert_eq!(first_other_bit(&read.w, &here.w), None, "{loss}");
            assert_eq!(read.learnt, here.learnt, "{loss}");
            assert_eq!(read.report.objective.to_bits(), here.report.objective.to_bits());
            let h = here.model.components();
            assert_eq!(nmf.transform(&OutOfCore::new(&lines), h).unwrap(), nmf.transform(&v, h).unwrap());
        }
    }
    let lines = Lines::new(&v, true);
    let error = MiniBatchNmf::<f64>::new(3).fit(&OutOfCore::new(&lines)).unwrap_err();
    assert!(
        error.to_string().starts_with("mini-batches of columns with data that is not in memory"),
        "{error}"
    );
}

/// After seven iterations.
pub fn kept(nmf: &Nmf<f64>, v: &impl ToMatrix<f64>) -> Checkpoint {
    let mut kept = None;
    nmf.fit_observed(v, &mut |it: &Iteration<'_, f64>| {
        kept = it.checkpoint().ok();
        if it.number < 7 { ControlFlow::Continue(()) } else { ControlFlow::Break(StopReason::Observer) }
    })
    .unwrap();
    kept.unwrap()
}

/// Law 30, across where the data is.
#[test]
fn a_checkpoint_goes_on_wherever_the_data_is() {
    let v = data::<f64>(80, 19);
    for by_columns in [false, true] {
        let lines = Lines::new(&v, by_columns);
        let (read, here) = (OutOfCore::new(&lines), lines.view());
        let nmf = Nmf::new(3).tol(0.0).max_iter(20);
        let whole = nmf.fit(&here).unwrap();
        let (of_read, of_here) = (kept(&nmf, &read), kept(&nmf, &here));
        same_fit(&nmf.clone().checkpoint(of_read).fit(&here).unwrap(), &whole, "read, then in memory");
        same_fit(&nmf.clone().checkpoint(of_here).fit(&read).unwrap(), &whole, "in memory, then read");
    }
}

#[test]
fn what_needs_memory_is_refused_with_its_name() {
    let v = data::<f64>(12, 9);
    let weights = EntryWeights::new(&v).unwrap();
    let nmf = || Nmf::<f64>::new(2);
    let cases = [
        (nmf().missing(Missing::Nan), "missing entries"),
        (nmf().missing(Missing::Zeros), "missing entries"),
        (nmf().entry_weights(weights), "weights of entries"),
        (nmf().row_weights(&[1.0; 12]), "weights of rows or columns"),
        (nmf().column_weights(&[2.0; 9]), "weights of rows or columns"),
        (nmf().holdout(Holdout { fraction: 0.1, fold: 0, seed: 1 }), "entries that are held out"),
        (nmf().method(Method::newton()), "Newton's steps for both factors"),
        (nmf().method(Method::auto(Loss::KullbackLeibler)).sweeps(2), "Newton's steps for both factors"),
    ];
    for (nmf, name) in cases {
        for by_columns in [false, true] {
            let lines = Lines::new(&v, by_columns);
            let read = OutOfCore::new(&lines);
            let expected = format!("{name} with data that is not in memory is not supported; ");
            let start = nmf.init_factors(&read).unwrap_err();
            for error in [nmf.fit(&read).unwrap_err(), nmf.explain(&read).unwrap_err(), start] {
                assert!(matches!(error, Error::Unsupported { .. }), "{error}");
                assert!(error.to_string().starts_with(&expected), "{error}");
            }
        }
    }
    let lines = Lines::new(&v, false);
    assert!(matches!(EntryWeights::new(&OutOfCore::new(&lines)), Err(Error::Unsupported { .. })));
}

#[test]
fn a_bad_entry_is_named_as_it_is_of_data_in_memory() {
    let mut v = data::<f64>(40, 30);
    // by columns the second comes first
    for (bad, loss) in [
        (-1.0, Loss::Frobenius),
        (f64::NAN, Loss::Frobenius),
        (f64::INFINITY, Loss::KullbackLeibler),
        (0.0, Loss::ItakuraSaito),
    ] {
        (v[(7, 20)], v[(31, 4)]) = (bad, bad);
        for by_columns in [false, true] {
            let lines = Lines::new(&v, by_columns);
            let nmf = Nmf::new(2).method(Method::auto(loss));
            let read = nmf.fit(&OutOfCore::new(&lines)).unwrap_err().to_string();
            assert_eq!(read, nmf.fit(&lines.view()).unwrap_err().to_string());
            assert!(read.contains("row 7, column 20"), "{read}");
        }
    }
}

/// A fit of some kind.
type FitOf = Box<dyn Fn(&OutOfCore<'_, f64>) -> Result<(), Error>>;

/// Fault 52: whatever is read when it cannot be any more, the fit ends with that.
#[test]
fn data_that_cannot_be_read_any_more_ends_the_fit() {
    let v = data::<f64>(60, 21);
    let fits: [(&str, FitOf); 7] = [
        ("default", Box::new(|v| Nmf::new(3).max_iter(4).fit(v).map(drop))),
        ("a sketch", Box::new(|v| Nmf::new(3).compress(true).max_iter(4).fit(v).map(drop))),
        ("mm", Box::new(|v| Nmf::new(3).method(Method::mm(Loss::Beta(0.5))).max_iter(3).fit(v).map(drop))),
        (
            "kl",
            Box::new(|v| {
                Nmf::new(3).method(Method::auto(Loss::KullbackLeibler)).max_iter(3).fit(v).map(drop)
            }),
        ),
        (
            "joint",
            Box::new(|v| {
                Nmf::new(3).method(Method::joint_mm()).init(Init::Nndsvda).max_iter(3).fit(v).map(drop)
            }),
        ),
        ("spa", Box::new(|v| Nmf::new(3).init(Init::Spa).max_iter(3).fit(v).map(drop))),
        ("batches", Box::new(|v| MiniBatchNmf::new(3).batch_size(20).max_iter(2).fit(v).map(drop))),
    ];
    for (name, fit) in fits {
        let whole = Lines::new(&v, false);
        fit(&OutOfCore::new(&whole)).unwrap();
        let reads = whole.reads();
        assert!(reads > 10, "{name} reads {reads} times");
        for few in 0..reads {
            let cut = Lines::for_reads(&v, false, few);
            let ended = fit(&OutOfCore::new(&cut));
            assert_eq!(ended, Err(gone()), "{name} after {few} of {reads} reads");
        }
    }
}

#[test]
fn data_that_is_read_is_not_counted_as_memory() {
    let v = data::<f64>(4000, 50);
    let lines = Lines::new(&v, false);
    let read = Nmf::<f64>::new(3).explain(&OutOfCore::new(&lines)).unwrap();
    let here = Nmf::<f64>::new(3).explain(&v).unwrap();
    assert_eq!(read.data_bytes, here.data_bytes);
    // but blocks of it are
    assert!(read.working_bytes > here.working_bytes, "{} {}", read.working_bytes, here.working_bytes);
    let limit = here.working_bytes / 2;
    let error = Nmf::<f64>::new(3).memory_limit(limit).fit(&OutOfCore::new(&lines)).unwrap_err();
    assert!(matches!(error, Error::MemoryLimit { .. }), "{error}");
    assert_eq!(OutOfCore::new(&lines).to_matrix().unwrap().bytes(), 8 * 4000 * 50);
}

#[test]
fn a_flag_ends_a_fit_of_data_that_is_read() {
    let v = data::<f64>(50, 20);
    let lines = Lines::new(&v, false);
    let cancel = Cancel::new();
    cancel.cancel();
    let fit = Nmf::new(2).cancel(&cancel).fit(&OutOfCore::new(&lines)).unwrap();
    assert_eq!((fit.report.iterations, fit.report.stop_reason), (1, StopReason::Interrupted));
}
