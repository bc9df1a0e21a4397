//! Law 25 of sparse data: entries that are read when they are needed give the bits of the same matrix in memory.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use orthant::{
    Csc, Csr, Dense, Error, Factor, Init, InitKind, Loss, Matrix, Method, MiniBatchNmf, Missing, Nmf,
    OutOfCore, Penalty, Products, ReadSparseLines, Real, Transform, Update,
};
use orthant_verify::compare::{cast, first_other_bit};
use orthant_verify::forms::methods;
use orthant_verify::made::{drawn, positive};

use crate::out_of_core::{as_read, gone, kept, same_fit};

const LOSSES: [Loss; 4] = [Loss::Frobenius, Loss::KullbackLeibler, Loss::Beta(1.5), Loss::Beta(3.0)];

/// A sparse matrix that is handed out some lines at a time, until it has been asked so often.
#[derive(Debug)]
pub struct Entries<T> {
    starts: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<T>,
    /// Rows and columns.
    shape: (usize, usize),
    by_columns: bool,
    left: AtomicUsize,
}

impl<T: Real> Entries<T> {
    pub fn new(v: &Dense<T>, by_columns: bool) -> Self {
        let lines = if by_columns { v.transposed() } else { v.clone() };
        let (mut starts, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
        for i in 0..lines.nrows() {
            for (j, &x) in lines.row(i).iter().enumerate().filter(|(_, x)| **x != T::ZERO) {
                indices.push(j as u32);
                values.push(x);
            }
            starts.push(indices.len());
        }
        let shape = (v.nrows(), v.ncols());
        Self { starts, indices, values, shape, by_columns, left: usize::MAX.into() }
    }

    fn for_reads(v: &Dense<T>, by_columns: bool, reads: usize) -> Self {
        Self { left: reads.into(), ..Self::new(v, by_columns) }
    }

    fn reads(&self) -> usize {
        usize::MAX - self.left.load(Ordering::Relaxed)
    }

    /// The same in memory.
    fn matrix(&self) -> Matrix<'_, T> {
        let (m, n) = self.shape;
        let (starts, indices, values) = (&self.starts[..], &self.indices[..], self.values.clone());
        match self.by_columns {
            false => Matrix::Csr(Csr::new(m, n, starts, indices, values).unwrap()),
            true => Matrix::Csc(Csc::new(m, n, starts, indices, values).unwrap()),
        }
    }

    pub fn read(&self) -> OutOfCore<'_, T> {
        OutOfCore::sparse(self).unwrap()
    }
}

impl<T: Real> ReadSparseLines<T> for Entries<T> {
    fn nrows(&self) -> usize {
        self.shape.0
    }

    fn ncols(&self) -> usize {
        self.shape.1
    }

    fn by_columns(&self) -> bool {
        self.by_columns
    }

    fn starts(&self) -> &[usize] {
        &self.starts
    }

    fn read(&self, lines: Range<usize>, indices: &mut [u32], values: &mut [T]) -> Result<(), Error> {
        let taken = |left: usize| left.checked_sub(1);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_err() {
            return Err(gone());
        }
        let entries = self.starts[lines.start]..self.starts[lines.end];
        indices.copy_from_slice(&self.indices[entries.clone()]);
        values.copy_from_slice(&self.values[entries]);
        Ok(())
    }
}

/// Of ten elements `tenths` are not 0, in no order.
pub fn data<T: Real>(m: usize, n: usize, tenths: u32) -> Dense<T> {
    let v = positive(m, n, 5);
    let kept = |e: usize| (e as u32).wrapping_mul(2_246_822_519) >> 16 < 6_554 * tenths;
    let v = Dense::from_fn(m, n, |i, j| if kept(i * n + j + 1) { v[(i, j)] } else { 0.0 });
    cast(&v)
}

fn check<T: Real>(nmf: &Nmf<T>, v: &Dense<T>, what: &str) {
    check_of(&[false, true], nmf, v, what);
}

/// Of these layouts.
fn check_of<T: Real>(layouts: &[bool], nmf: &Nmf<T>, v: &Dense<T>, what: &str) {
    for &by_columns in layouts {
        let entries = Entries::new(v, by_columns);
        let what = format!("{what}, by columns {by_columns}");
        let here = as_read(nmf).fit(&entries.matrix()).unwrap();
        assert!(!here.report.plan.transpose, "{what}: data for which no transpose is kept");
        for threads in [1, 3] {
            let read = nmf.clone().threads(threads).fit(&entries.read()).unwrap();
            same_fit(&read, &here, &what);
        }
    }
}

fn every_method<T: Real>(m: usize, n: usize, k: usize) {
    let v = data::<T>(m, n, 6);
    let large = Dense::from_fn(m, n, |i, j| v[(i, j)] * T::from_f64(1e30));
    for method in methods(&LOSSES).into_iter().filter(|method| method.update != Update::Newton) {
        let penalty = Penalty { alpha_w: 1e-3, alpha_h: Some(2e-3), l1_ratio: 0.5 };
        let nmf = Nmf::new(k).method(method).max_iter(6).seed(3);
        check(&nmf.clone().penalty(penalty), &v, &format!("{method} with {} and penalties", method.loss));
        check(&nmf, &large, &format!("{method} with {}, large", method.loss));
    }
}

/// Law 25.
#[test]
fn every_method_has_the_bits_of_entries_in_memory() {
    every_method::<f64>(130, 110, 3);
    every_method::<f32>(100, 120, 2);
}

/// Law 25. Lanes of many rows, with columns that are in each of them; empty lines; a line of more entries than are read together.
#[test]
fn odd_shapes_have_the_bits_of_entries_in_memory() {
    for (m, n, k, tenths) in [(1, 1, 1, 10), (1, 60, 2, 9), (60, 1, 2, 9), (55, 55, 60, 10), (3000, 4, 2, 5)]
    {
        for loss in [Loss::Frobenius, Loss::KullbackLeibler, Loss::Beta(1.5)] {
            let entries = data::<f64>(m, n, tenths);
            for by_columns in [false, true] {
                let entries = Entries::new(&entries, by_columns);
                let nmf = as_read(&Nmf::new(k).method(Method::auto(loss)).max_iter(6));
                let here = nmf.fit(&entries.matrix()).unwrap();
                if here.report.plan.transpose {
                    // this is not kept of what is read
                    let read = nmf.fit(&entries.read()).unwrap().report;
                    assert!(
                        !read.plan.transpose && (read.objective / here.report.objective - 1.0).abs() < 0.05
                    );
                } else {
                    same_fit(&nmf.fit(&entries.read()).unwrap(), &here, &format!("{m}×{n} {loss}"));
                }
            }
        }
    }
    let long = Dense::from_fn(9000, 2000, |i, j| match (i * 7 + j * 13) % 100 {
        _ if j == 5 && i % 50 != 1 => 1.0 + (i % 9) as f32,
        0 => 0.5 + (j % 7) as f32,
        _ if i == 77 => 0.25,
        _ => 0.0,
    });
    for loss in [Loss::Frobenius, Loss::KullbackLeibler] {
        let nmf = Nmf::new(3).method(Method::mu(loss)).max_iter(2);
        check_of(&[false], &nmf, &long, &format!("long lanes {loss}"));
    }
    let wide = data::<f32>(60, 9000, 10);
    let nmf = Nmf::new(2).method(Method::mu(Loss::KullbackLeibler)).max_iter(2);
    check_of(&[false], &nmf, &wide, "long lines");
}

/// Law 25.
#[test]
fn every_start_has_the_bits_of_entries_in_memory() {
    let v = data::<f64>(120, 110, 6);
    for &start in InitKind::ALL.iter().filter(|&&start| start != InitKind::Custom) {
        let init = start.init::<f64>().unwrap();
        let nmf = Nmf::new(4).init(init).update(Update::Hals).max_iter(5).seed(2);
        for by_columns in [false, true] {
            let entries = Entries::new(&v, by_columns);
            let read = nmf.fit(&entries.read());
            if by_columns && start == InitKind::Spa {
                assert!(matches!(read, Err(Error::Unsupported { .. })));
                continue;
            }
            same_fit(
                &read.unwrap(),
                &nmf.fit(&entries.matrix()).unwrap(),
                &format!("{start:?} {by_columns}"),
            );
            let factors = |v: &dyn Fn() -> Result<(Dense<f64>, Dense<f64>), Error>| v().unwrap();
            let (read, here) = (
                factors(&|| nmf.init_factors(&entries.read())),
                factors(&|| nmf.init_factors(&entries.matrix())),
            );
            assert_eq!(read, here, "{start:?}");
        }
    }
    let sketched = data::<f32>(260, 190, 9);
    check(&Nmf::new(3).compress(true).max_iter(7), &sketched, "a sketch");
    // where the library chooses, some rows are sampled
    let sampled = Entries::new(&v, false);
    assert!(Nmf::new(2).fit(&sampled.read()).unwrap().report.plan.sample.is_some());
    check(&Nmf::new(2).max_iter(7), &v, "a sample");
    let parts = Dense::from_fn(4, 110, |t, j| if t == 0 { (j % 5) as f64 } else { f64::NAN });
    check(&Nmf::new(4).h(Factor::new().fixed(&parts)).max_iter(7), &v, "a known component");
}

/// Law 25. Scipy's mean is a pairwise sum over all entries, whose halves are cut inside lines.
#[test]
fn the_random_start_has_scipys_mean_of_entries_that_are_read() {
    // one sum may round alike however it is cut, but not so many
    for (m, n) in (0..12).map(|extra| (700 + extra, 61)).chain([(2, 30_001), (60_000, 2)]) {
        let v = data::<f32>(m, n, 7);
        for by_columns in [false, true] {
            let entries = Entries::new(&v, by_columns);
            let nmf = Nmf::<f32>::new(1).init(Init::Random);
            let read = nmf.init_factors(&entries.read()).unwrap();
            assert_eq!(read, nmf.init_factors(&entries.matrix()).unwrap(), "{m}×{n}");
        }
    }
}

/// Law 25.
#[test]
fn new_rows_and_given_components_have_the_bits_of_entries_in_memory() {
    let (v, h) = (data::<f64>(301, 170, 4), drawn(3, 170, 8));
    // rows at scales of their own
    let uneven = Dense::from_fn(301, 170, |i, j| v[(i, j)] * if i % 9 == 4 { 1e-200 } else { 1.0 });
    for loss in LOSSES {
        let nmf = Nmf::new(3).method(Method::auto(loss)).max_iter(8);
        let model = nmf.fit(&v).unwrap().model;
        for (v, threads) in [(&v, 1), (&v, 2), (&uneven, 2)] {
            let entries = Entries::new(v, false);
            let options = Transform { threads: Some(threads), ..Transform::default() };
            let (here, _) = model.transform_with(&entries.matrix(), &options).unwrap();
            let (read, _) = model.transform_with(&entries.read(), &options).unwrap();
            assert_eq!(first_other_bit(&read, &here), None, "{loss}");
        }
        for by_columns in [false, true] {
            let entries = Entries::new(&v, by_columns);
            let nmf = if by_columns { as_read(&nmf) } else { nmf.clone() };
            let read = nmf.fit_weights(&entries.read(), &h).unwrap();
            let here = nmf.fit_weights(&entries.matrix(), &h).unwrap();
            same_fit(&read, &here, &format!("{loss} {by_columns}"));
        }
    }
    let model = Nmf::new(3).fit(&v).unwrap().model;
    let columns = Entries::new(&v, true);
    assert!(matches!(model.transform(&columns.read()), Err(Error::Unsupported { .. })));
}

/// Law 25.
#[test]
fn mini_batches_have_the_bits_of_entries_in_memory() {
    let v = data::<f64>(250, 40, 6);
    for loss in LOSSES {
        for fresh in [false, true] {
            let nmf = MiniBatchNmf::new(3).loss(loss).batch_size(60).fresh_restarts(fresh).max_iter(3);
            let entries = Entries::new(&v, false);
            let (read, here) = (nmf.fit(&entries.read()).unwrap(), nmf.fit(&entries.matrix()).unwrap());
            assert_eq!(first_other_bit(&read.w, &here.w), None, "{loss}");
            assert_eq!(read.learnt, here.learnt, "{loss}");
            assert_eq!(read.report.objective.to_bits(), here.report.objective.to_bits());
            let h = here.model.components();
            let transformed = nmf.transform(&entries.read(), h).unwrap();
            assert_eq!(transformed, nmf.transform(&entries.matrix(), h).unwrap());
        }
    }
    let columns = Entries::new(&v, true);
    assert!(matches!(MiniBatchNmf::new(3).fit(&columns.read()), Err(Error::Unsupported { .. })));
}

/// Law 30, across where the entries are.
#[test]
fn a_checkpoint_goes_on_wherever_the_entries_are() {
    let v = data::<f64>(110, 100, 7);
    for by_columns in [false, true] {
        let entries = Entries::new(&v, by_columns);
        let (read, here) = (entries.read(), entries.matrix());
        let nmf = Nmf::new(3).tol(0.0).max_iter(20);
        let whole = nmf.fit(&here).unwrap();
        let (of_read, of_here) = (kept(&nmf, &read), kept(&nmf, &here));
        same_fit(&nmf.clone().checkpoint(of_read).fit(&here).unwrap(), &whole, "read, then in memory");
        same_fit(&nmf.clone().checkpoint(of_here).fit(&read).unwrap(), &whole, "in memory, then read");
    }
}

#[test]
fn what_needs_entries_in_memory_is_refused_with_its_name() {
    let v = data::<f64>(12, 9, 8);
    let nmf = || Nmf::<f64>::new(2);
    let cases = [
        (nmf().missing(Missing::Zeros), "missing entries with data that is not in memory"),
        (nmf().row_weights(&[1.0; 12]), "weights of rows or columns with data that is not in memory"),
        (nmf().method(Method::newton()), "Newton's steps for both factors with data that is not in memory"),
        (nmf().products(Products::Gemm), "sparse data with gemm or BLAS products"),
    ];
    for (nmf, name) in cases {
        for by_columns in [false, true] {
            let entries = Entries::new(&v, by_columns);
            let error = nmf.fit(&entries.read()).unwrap_err();
            assert!(matches!(error, Error::Unsupported { .. }), "{error}");
            assert!(error.to_string().starts_with(name), "{error}");
        }
    }
}

/// What no matrix has is found before anything is read by it, in whichever pass it is read.
#[test]
fn entries_that_are_not_in_order_are_refused() {
    let good = Entries::new(&data::<f64>(40, 30, 5), false);
    let refused = |change: &dyn Fn(&mut Entries<f64>)| {
        let mut entries = Entries::new(&data::<f64>(40, 30, 5), false);
        change(&mut entries);
        Nmf::new(2).fit(&entries.read()).unwrap_err().to_string()
    };
    // the first entry of line 7, and the one after
    let at = good.starts[7];
    assert!(good.starts[8] - at > 2);
    let unsorted = refused(&|entries| entries.indices.swap(at, at + 1));
    assert!(unsorted.contains("the indices of line 7 do not ascend"), "{unsorted}");
    let twice = refused(&|entries| entries.indices[at + 1] = entries.indices[at]);
    assert!(twice.contains("the indices of line 7 do not ascend"), "{twice}");
    let zero = refused(&|entries| entries.values[at + 2] = 0.0);
    assert!(zero.contains("line 7 stores a zero"), "{zero}");
    let last = good.starts[8] - 1;
    let outside = refused(&|entries| entries.indices[last] = 30);
    assert!(
        outside.contains(&format!("entry {last}, in line 7, has index 30, outside 0 to 29")),
        "{outside}"
    );
    for (starts, why) in [
        (vec![0; 40], "40 offsets (indptr), but 41 are needed"),
        ([vec![1], vec![9; 40]].concat(), "the first offset (indptr) is not 0"),
        ([vec![0, 9, 8], vec![9; 38]].concat(), "line 1 ends before it begins (indptr)"),
    ] {
        let entries = Entries { starts, ..Entries::new(&data::<f64>(40, 30, 5), false) };
        let error = OutOfCore::sparse(&entries).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[test]
fn a_bad_entry_is_named_as_it_is_of_entries_in_memory() {
    // by columns the second comes first
    for (bad, loss) in [(-1.0, Loss::Frobenius), (f64::NAN, Loss::Frobenius), (0.0, Loss::ItakuraSaito)] {
        let mut v = data::<f64>(40, 30, if bad == 0.0 { 10 } else { 5 });
        v.as_mut_slice().iter_mut().for_each(|x| *x = if bad == 0.0 && *x == 0.0 { 1.0 } else { *x });
        (v[(7, 20)], v[(31, 4)]) = (bad, bad);
        for by_columns in [false, true] {
            let entries = Entries::new(&v, by_columns);
            let nmf = Nmf::new(2).method(Method::auto(loss));
            let read = nmf.fit(&entries.read()).unwrap_err().to_string();
            assert_eq!(read, nmf.fit(&entries.matrix()).unwrap_err().to_string());
            assert!(read.contains("row 7, column 20"), "{read}");
        }
    }
}

/// A fit of some kind.
type FitOf = Box<dyn Fn(&OutOfCore<'_, f64>) -> Result<(), Error>>;

/// Fault 52: whatever is read when it cannot be any more, the fit ends with that.
#[test]
fn entries_that_cannot_be_read_any_more_end_the_fit() {
    let v = data::<f64>(60, 51, 9);
    let kl = Method::auto(Loss::KullbackLeibler);
    let fits: [(&str, FitOf); 7] = [
        ("default", Box::new(|v| Nmf::new(3).max_iter(4).fit(v).map(drop))),
        ("a sketch", Box::new(|v| Nmf::new(3).compress(true).max_iter(4).fit(v).map(drop))),
        ("mm", Box::new(|v| Nmf::new(3).method(Method::mm(Loss::Beta(1.5))).max_iter(3).fit(v).map(drop))),
        ("kl", Box::new(move |v| Nmf::new(3).method(kl).max_iter(3).fit(v).map(drop))),
        ("weights", Box::new(move |v| Nmf::new(3).method(kl).fit_weights(v, &drawn(3, 51, 8)).map(drop))),
        ("spa", Box::new(|v| Nmf::new(3).init(Init::Spa).max_iter(3).fit(v).map(drop))),
        ("batches", Box::new(|v| MiniBatchNmf::new(3).batch_size(20).max_iter(2).fit(v).map(drop))),
    ];
    for (name, fit) in fits {
        let whole = Entries::new(&v, false);
        fit(&whole.read()).unwrap();
        let reads = whole.reads();
        assert!(reads > 10, "{name} reads {reads} times");
        for few in 0..reads {
            let cut = Entries::for_reads(&v, false, few);
            let ended = fit(&cut.read());
            assert_eq!(ended, Err(gone()), "{name} after {few} of {reads} reads");
        }
    }
}

#[test]
fn entries_that_are_read_are_not_counted_as_memory() {
    let entries = Entries::new(&data::<f64>(4000, 50, 3), false);
    let read = Nmf::<f64>::new(3).explain(&entries.read()).unwrap();
    let here = Nmf::<f64>::new(3).explain(&entries.matrix()).unwrap();
    assert_eq!(read.data_bytes, here.data_bytes);
    assert!(read.to_string().contains("it is not in memory, and each pass reads its entries"), "{read}");
    // but blocks of them are
    assert!(read.working_bytes > here.working_bytes, "{} {}", read.working_bytes, here.working_bytes);
    let error = Nmf::<f64>::new(3).memory_limit(here.working_bytes / 3).fit(&entries.read()).unwrap_err();
    assert!(matches!(error, Error::MemoryLimit { .. }), "{error}");
}
