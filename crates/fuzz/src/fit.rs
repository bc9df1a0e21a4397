//! Whole fits of arbitrary small matrices with arbitrary options.
//!
//! Whatever is asked for: no panic, an error that is typed, or factors and figures that are finite and not negative, of the
//! shapes that they should have; and an end, as limits of iterations and sizes are small.

use std::time::Duration;

use arbitrary::{Result, Unstructured};
use orthant::{
    BatchOptions, Csc, Csr, Dense, Error, Init, InitKind, Loss, Matrix, Method, MiniBatchNmf, Model, Nmf,
    Options, Penalty, Products, Real, Report, Scale, Stop, ToMatrix, Update,
};

/// Numbers that no matrix and no option may have.
const BAD: [f64; 5] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, -1e-300];

/// A number of at least 0 that is an edge of something, or anything at all.
fn number(u: &mut Unstructured<'_>) -> Result<f64> {
    const EDGES: [f64; 18] = [
        0.0, -0.0, 1.0, 2.0, 0.5, 1e-3, 1e-40, 1e-160, 5e-324, 1e30, 1e39, 1e160, 1e308, 3.5, 7.0, 100.0,
        1e-310, 1e-8,
    ];
    Ok(match u.int_in_range(0..=63_u8)? {
        0..=47 => f64::from(u.int_in_range(0..=9_u8)?),
        48..=55 => *u.choose(&EDGES)?,
        56 => f64::from_bits(u.arbitrary::<u64>()? >> 1),
        _ => f64::from(u.arbitrary::<u16>()?) / 256.0,
    })
}

/// One of the numbers that are refused, now and then.
fn bad(u: &mut Unstructured<'_>, often: u8) -> Result<Option<f64>> {
    if u.ratio(1, often)? { u.choose(&BAD).copied().map(Some) } else { Ok(None) }
}

/// A number of at least 0, mostly of a size that makes sense.
fn parameter(u: &mut Unstructured<'_>) -> Result<f64> {
    match bad(u, 48)? {
        Some(number) => Ok(number),
        None if u.ratio(1, 6)? => number(u),
        None => Ok(f64::from(u.int_in_range(0..=20_u8)?) / 20.0),
    }
}

fn side(u: &mut Unstructured<'_>) -> Result<usize> {
    if u.ratio(1, 16)? { u.int_in_range(0..=90) } else { u.int_in_range(1..=12) }
}

/// The data, in one of the ways to store it.
enum Data<T: Real> {
    Dense(Dense<T>),
    ByColumns(Dense<T>),
    Csr(Csr<'static, T>),
    Csc(Csc<'static, T>),
}

impl<T: Real> ToMatrix<T> for Data<T> {
    fn to_matrix(&self) -> std::result::Result<Matrix<'_, T>, Error> {
        match self {
            Self::Dense(v) => v.to_matrix(),
            Self::ByColumns(vt) => Ok(Matrix::Dense(vt.view().transposed())),
            Self::Csr(v) => v.to_matrix(),
            Self::Csc(v) => v.to_matrix(),
        }
    }
}

fn dense<T: Real>(u: &mut Unstructured<'_>, m: usize, n: usize) -> Result<Dense<T>> {
    // one table of values for the whole matrix makes large ones cheap in bytes, and ties and multiples likely
    let values: Vec<f64> = (0..u.int_in_range(1..=6_usize)?).map(|_| number(u)).collect::<Result<_>>()?;
    let scale = if u.ratio(1, 8)? { number(u)? } else { 1.0 };
    let data = (0..m * n).map(|_| Ok(T::from_f64(scale * values[u.choose_index(values.len())?])));
    let mut data: Vec<T> = data.collect::<Result<_>>()?;
    if let Some(number) = bad(u, 24)?.filter(|_| !data.is_empty()) {
        let at = u.choose_index(data.len())?;
        data[at] = T::from_f64(number);
    }
    Ok(Dense::from_vec(data, m, n).expect("m·n elements"))
}

fn data<T: Real>(u: &mut Unstructured<'_>) -> Result<(Data<T>, usize, usize)> {
    let (m, n) = (side(u)?, side(u)?);
    let stored = match u.int_in_range(0..=3_u8)? {
        0 => Data::Dense(dense(u, m, n)?),
        1 => Data::ByColumns(dense(u, n, m)?),
        by => {
            let (lines, length) = if by == 2 { (m, n) } else { (n, m) };
            let (mut indptr, mut indices, mut values) = (vec![0_usize], Vec::new(), Vec::new());
            for _ in 0..lines {
                for _ in 0..u.int_in_range(0..=length.min(6))? {
                    indices.push(u.int_in_range(0..=length.max(1) - 1)? as u32);
                    values.push(T::from_f64(number(u)?));
                }
                indptr.push(indices.len());
            }
            if let Some(number) = bad(u, 24)?.filter(|_| !values.is_empty()) {
                let at = u.choose_index(values.len())?;
                values[at] = T::from_f64(number);
            }
            if u.ratio(1, 16)? {
                let at = u.choose_index(indptr.len())?;
                indptr[at] = u.int_in_range(0..=40)?;
            }
            let made = if by == 2 {
                Csr::new(m, n, indptr, indices, values).map(Data::Csr)
            } else {
                Csc::new(m, n, indptr, indices, values).map(Data::Csc)
            };
            match made {
                Ok(data) => data,
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    return Err(arbitrary::Error::IncorrectFormat);
                }
            }
        }
    };
    Ok((stored, m, n))
}

fn loss(u: &mut Unstructured<'_>) -> Result<Loss> {
    Ok(match u.int_in_range(0..=4_u8)? {
        0 | 1 => Loss::Frobenius,
        2 => Loss::KullbackLeibler,
        3 => Loss::ItakuraSaito,
        _ => match u.int_in_range(0..=7_u8)? {
            7 => Loss::Beta(number(u)?),
            by => Loss::Beta([-1.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0][usize::from(by)]),
        },
    })
}

fn maybe<'a, X>(
    u: &mut Unstructured<'a>,
    f: impl FnOnce(&mut Unstructured<'a>) -> Result<X>,
) -> Result<Option<X>> {
    if u.ratio(1, 4)? { f(u).map(Some) } else { Ok(None) }
}

/// Options of every kind. What takes time or memory by itself (rank, iterations, sweeps, threads) is small.
fn options(u: &mut Unstructured<'_>) -> Result<Options> {
    let rank = if u.ratio(1, 12)? { u.int_in_range(0..=20)? } else { u.int_in_range(1..=5)? };
    let update = if u.ratio(1, 3)? { Update::Auto } else { *u.choose(Update::ALL)? };
    let mut loss = loss(u)?;
    if !update.minimises(loss) && u.ratio(7, 8)? {
        loss = if update.minimises(Loss::Frobenius) { Loss::Frobenius } else { Loss::KullbackLeibler };
    }
    let method = Method {
        loss,
        update,
        extrapolate: maybe(u, |u| u.arbitrary())?,
        sweeps: maybe(u, |u| u.int_in_range(0..=4))?.filter(|_| update.takes_sweeps()),
    };
    let max_iter = if u.ratio(1, 24)? { 0 } else { u.int_in_range(1..=40)? };
    let penalty = match maybe(u, |_| Ok(()))? {
        None => Penalty::default(),
        Some(()) => Penalty {
            alpha_w: parameter(u)?,
            alpha_h: maybe(u, parameter)?,
            l1_ratio: if u.ratio(1, 24)? {
                parameter(u)?
            } else {
                f64::from(u.int_in_range(0..=4_u8)?) / 4.0
            },
        },
    };
    let stop = |u: &mut Unstructured<'_>| {
        let tol = parameter(u)?;
        let rules = [Stop::Violation { tol }, Stop::ErrorDecrease { tol }, Stop::Progress { tol }];
        u.choose(&rules).copied()
    };
    Ok(Options {
        init: maybe(u, |u| u.choose(&InitKind::ALL).copied())?,
        stop: maybe(u, stop)?,
        tol: maybe(u, parameter)?,
        max_iter,
        max_time: maybe(u, |u| Ok(Duration::from_millis(u.int_in_range(0..=50)?)))?.filter(|_| rank % 4 == 0),
        penalty,
        scale: maybe(u, |u| u.choose(&[Scale::HSum, Scale::HMax, Scale::Balanced, Scale::None]).copied())?,
        seed: u.arbitrary()?,
        shuffle: u.ratio(1, 8)?,
        compress: maybe(u, |u| u.arbitrary())?.filter(|_| method.update == Update::Auto || rank % 4 == 3),
        products: if u.ratio(1, 8)? { Products::Gemm } else { Products::Fused },
        threads: Some(u.int_in_range(1..=3)?),
        memory_limit: maybe(u, |u| u.int_in_range(0..=1 << 20))?.filter(|_| rank % 3 == 1),
        block: maybe(u, |u| if u.ratio(1, 16)? { u.arbitrary() } else { u.int_in_range(1..=50) })?,
        ..Options::new(rank, method)
    })
}

fn batches(u: &mut Unstructured<'_>) -> Result<BatchOptions> {
    let defaults = BatchOptions::default();
    Ok(BatchOptions {
        batch_size: if u.ratio(1, 12)? { u.arbitrary()? } else { u.int_in_range(1..=9)? },
        forget_factor: maybe(u, parameter)?.unwrap_or(defaults.forget_factor),
        fresh_restarts: u.arbitrary()?,
        fresh_restarts_max_iter: u.int_in_range(0..=20)?,
        transform_max_iter: maybe(u, |u| u.int_in_range(0..=20))?,
        max_no_improvement: maybe(u, |u| u.int_in_range(0..=20))?,
    })
}

/// The start that a fit needs beside its options.
fn given<T: Real>(
    u: &mut Unstructured<'_>,
    options: &Options,
    m: usize,
    n: usize,
) -> Result<Option<Init<T>>> {
    if options.init != Some(InitKind::Custom) {
        return Ok(None);
    }
    // mostly of the shape that is needed
    let k = if u.ratio(1, 8)? { side(u)? } else { options.rank };
    Ok(Some(Init::Custom { w: dense(u, m, k)?, h: dense(u, k, n)? }))
}

/// What was asked for, which a failure tells.
fn told<T: Real>(v: &Data<T>, options: &Options) -> String {
    let of_rows = |v: &Csr<'_, T>| -> Vec<f64> {
        (0..v.nrows()).flat_map(|i| v.row(i).map(|(_, x)| x.to_f64()).collect::<Vec<_>>()).collect()
    };
    let entries = match v {
        Data::Dense(v) | Data::ByColumns(v) => v.as_slice().iter().map(|x| x.to_f64()).collect(),
        Data::Csr(v) => of_rows(v),
        Data::Csc(v) => of_rows(v.transposed()),
    };
    let positive = || entries.iter().copied().filter(|x| *x > 0.0);
    let (least, most) = (positive().fold(f64::INFINITY, f64::min), positive().fold(0.0, f64::max));
    let stored = match v {
        Data::Dense(_) => "dense",
        Data::ByColumns(_) => "dense by columns",
        Data::Csr(_) => "sparse",
        Data::Csc(_) => "sparse by columns",
    };
    format!("{}, {stored}, entries from {least:e} to {most:e}, {options:?}", T::NAME)
}

fn typed(error: &Error) {
    assert!(!matches!(error, Error::Panicked { .. }), "{error}");
    assert!(!error.to_string().is_empty());
}

fn fine<T: Real>(told: &str, what: &str, factor: &Dense<T>, rows: usize, cols: usize) {
    assert_eq!((factor.nrows(), factor.ncols()), (rows, cols), "the shape of {what}: {told}");
    let bad = factor.as_slice().iter().find(|x| !(x.is_finite() && x.to_f64() >= 0.0));
    assert!(bad.is_none(), "an entry of {what} is {:?}: {told}", bad.map(|x| x.to_f64()));
}

fn check<T: Real>(
    told: &str,
    v: &Data<T>,
    w: &Dense<T>,
    model: &Model<T>,
    report: &Report,
    shape: (usize, usize, usize),
) {
    let (m, n, k) = shape;
    fine(told, "W", w, m, k);
    fine(told, "H", model.components(), k, n);
    let figures = [report.objective, report.loss, report.reconstruction_error, report.relative_error];
    assert!(figures.iter().all(|x| *x >= 0.0), "a figure of {figures:?}: {told}");
    match model.transform(v) {
        Ok(w) => fine(told, "transform", &w, m, k),
        Err(error) => typed(&error),
    }
    match model.inverse_transform(w) {
        Ok(product) => assert_eq!((product.nrows(), product.ncols()), (m, n)),
        Err(error) => typed(&error),
    }
}

/// What came of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ended {
    /// They are no matrix with options.
    Unread,
    /// An error.
    Refused,
    /// Factors.
    Fitted,
}

fn whole_of<T: Real>(u: &mut Unstructured<'_>) -> Result<Ended> {
    let options = options(u)?;
    let (v, m, n) = data::<T>(u)?;
    let told = &told(&v, &options);
    let mut nmf = Nmf::<T>::from_options(options.clone());
    if let Some(start) = given(u, &options, m, n)? {
        nmf = nmf.init(start);
    }
    let shape = (m, n, options.rank);
    match nmf.explain(&v) {
        Ok(plan) => assert!(!plan.to_string().is_empty()),
        Err(error) => typed(&error),
    }
    match nmf.fit(&v) {
        Err(error) => {
            typed(&error);
            return Ok(Ended::Refused);
        }
        Ok(fit) => {
            check(told, &v, &fit.w, &fit.model, &fit.report, shape);
            match nmf.fit_weights(&v, fit.model.components()) {
                Ok(again) => fine(told, "W with H given", &again.w, m, options.rank),
                Err(error) => typed(&error),
            }
            let rescaled =
                fit.rescaled(*u.choose(&[Scale::HSum, Scale::HMax, Scale::Balanced, Scale::None])?);
            fine(told, "W rescaled", &rescaled.w, m, options.rank);
            fine(told, "H rescaled", rescaled.model.components(), options.rank, n);
        }
    }
    Ok(Ended::Fitted)
}

fn minibatch_of<T: Real>(u: &mut Unstructured<'_>) -> Result<Ended> {
    let mut options = options(u)?;
    if u.ratio(7, 8)? {
        let all = options;
        options = Options {
            init: all.init,
            tol: all.tol,
            max_iter: all.max_iter.min(8),
            penalty: all.penalty,
            seed: all.seed,
            threads: all.threads,
            ..Options::new(all.rank, Method::mu(all.method.loss))
        };
    }
    options.minibatch = Some(batches(u)?);
    let (v, m, n) = data::<T>(u)?;
    let told = &told(&v, &options);
    let mut nmf = MiniBatchNmf::<T>::from_options(options.clone());
    if let Some(start) = given(u, &options, m, n)? {
        nmf = nmf.init(start);
    }
    let ended = match nmf.fit(&v) {
        Err(error) => {
            typed(&error);
            Ended::Refused
        }
        Ok(fit) => {
            check(told, &v, &fit.w, &fit.model, &fit.report, (m, n, options.rank));
            match nmf.transform(&v, fit.model.components()) {
                Ok(w) => fine(told, "transform by mini-batches", &w, m, options.rank),
                Err(error) => typed(&error),
            }
            Ended::Fitted
        }
    };
    match nmf.online() {
        Err(error) => typed(&error),
        Ok(mut online) => {
            for _ in 0..2 {
                if let Err(error) = online.partial_fit(&v) {
                    typed(&error);
                    return Ok(ended);
                }
            }
            if let Some(model) = online.model() {
                fine(told, "H of partial fits", model.components(), options.rank, n);
            }
        }
    }
    Ok(ended)
}

type Run = fn(&mut Unstructured<'_>) -> Result<Ended>;

fn in_a_precision(data: &[u8], [single, double]: [Run; 2]) -> Ended {
    let mut u = Unstructured::new(data);
    let run = if u.ratio(1, 2).unwrap_or(false) { single } else { double };
    run(&mut u).unwrap_or(Ended::Unread)
}

/// [`Nmf`]: fits, their weights with H given, transforms, other scales.
pub fn whole(data: &[u8]) -> Ended {
    in_a_precision(data, [whole_of::<f32>, whole_of::<f64>])
}

/// [`MiniBatchNmf`]: fits, transforms, partial fits.
pub fn minibatch(data: &[u8]) -> Ended {
    in_a_precision(data, [minibatch_of::<f32>, minibatch_of::<f64>])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::Numbers;

    #[test]
    fn many_of_the_fits_are_allowed() {
        for run in [whole, minibatch] {
            let mut counts = [0; 3];
            for n in 0..400 {
                let mut numbers = Numbers::new(7, n);
                let data: Vec<u8> = (0..800).map(|_| numbers.draw() as u8).collect();
                counts[run(&data) as usize] += 1;
            }
            assert!(counts[1] > 20 && counts[2] > 150, "{counts:?}");
        }
    }
}
