//! A fit as it stands between two iterations, to be kept and gone on from.

use std::sync::OnceLock;

use orthant_kernel::{Isa, Real};
use xxhash_rust::xxh3::Xxh3;

use crate::lines::Near;
use crate::state::damaged;
use crate::{Compression, Error, Matrix, Options, Warning};

/// Which data a fit is of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Data {
    rows: usize,
    cols: usize,
    /// Of sparse data.
    entries: Option<usize>,
    by_columns: bool,
    dtype: String,
    /// Of the elements, line by line; of sparse lines the positions and then the values.
    xxh3_64: String,
}

impl Data {
    /// The same with numbers that go with them, if there are any: weights of the entries, bounds of a factor.
    #[must_use]
    pub fn besides<T: Real>(mut self, what: &str, numbers: Option<&[T]>) -> Self {
        if let Some(numbers) = numbers {
            let mut hash = Xxh3::new();
            numbers.iter().for_each(|x| hash.update(&x.to_f64().to_le_bytes()));
            self.xxh3_64 += &format!(", {what} {:016x}", hash.digest());
        }
        self
    }

    /// What is kept, made first if there is none.
    ///
    /// # Errors
    /// Those of making it.
    pub fn kept(kept: &OnceLock<Self>, make: impl FnOnce() -> Result<Self, Error>) -> Result<Self, Error> {
        let data = match kept.get() {
            Some(data) => data.clone(),
            None => make()?,
        };
        Ok(kept.get_or_init(|| data).clone())
    }

    /// In one pass over V.
    ///
    /// # Errors
    /// Whatever keeps it from being read.
    pub fn of<T: Real>(v: &Matrix<'_, T>) -> Result<Self, Error> {
        let mut hash = Xxh3::new();
        let mut bytes = Vec::new();
        let element = |x: T, bytes: &mut Vec<u8>| match size_of::<T>() {
            4 => bytes.extend((x.to_f64() as f32).to_le_bytes()),
            _ => bytes.extend(x.to_f64().to_le_bytes()),
        };
        match (v.dense_lines(), v.sparse_lines()) {
            (Some(lines), _) => {
                let mut copy = Vec::new();
                for start in (0..lines.nrows()).step_by(lines.together()) {
                    let end = lines.nrows().min(start + lines.together());
                    let block = lines.read(start..end, &mut copy)?;
                    for i in 0..block.nrows() {
                        bytes.clear();
                        (0..block.ncols()).for_each(|j| element(block.at(i, j), &mut bytes));
                        hash.update(&bytes);
                    }
                }
            }
            (_, Some(lines)) => {
                let mut near = Near::default();
                for i in 0..lines.nrows() {
                    bytes.clear();
                    bytes.extend((lines.range_nnz(i..i + 1) as u64).to_le_bytes());
                    lines.each(i, &mut near, |j, _| bytes.extend((j as u64).to_le_bytes()))?;
                    lines.each(i, &mut near, |_, x| element(x, &mut bytes))?;
                    hash.update(&bytes);
                }
            }
            _ => unreachable!("sparse data has lines"),
        }
        Ok(Self {
            rows: v.nrows(),
            cols: v.ncols(),
            entries: v.nnz(),
            by_columns: v.by_columns(),
            dtype: T::NAME.to_owned(),
            xxh3_64: format!("{:016x}", hash.digest()),
        })
    }
}

/// A fit as it stands after an iteration. [`Iteration::checkpoint`](crate::Iteration::checkpoint) makes one, and
/// [`Nmf::checkpoint`](crate::Nmf::checkpoint) goes on from it: factors, figures and random numbers are then, to the bit, those of
/// the fit that was not interrupted, whatever the number of threads.
///
/// A checkpoint goes with the same data in the same layout and precision, the same instruction set and the same options, but
/// for the limits of iterations and time and the number of threads. Sketches and samples, which a fit may begin with, are
/// not done again.
///
/// It takes the memory of the factors and their copies (at most four of each), the numerators of one factor and those that a loss
/// leaves for the other: at most 8(m + n)k numbers.
///
/// `orthant-io` writes and reads it as a file.
///
/// ```
/// use std::ops::ControlFlow;
/// use orthant::{Dense, Iteration, Nmf, StopReason};
/// let v = Dense::from_fn(30, 20, |i, j| ((i * j) % 7) as f64);
/// let nmf = Nmf::new(3).tol(0.0).max_iter(40);
///
/// let mut kept = None;
/// nmf.fit_observed(&v, &mut |it: &Iteration<'_, f64>| {
///     if it.number < 10 { return ControlFlow::Continue(()) }
///     kept = it.checkpoint().ok();
///     ControlFlow::Break(StopReason::Observer)
/// })?;
/// let kept = kept.unwrap();
/// assert_eq!(kept.iterations(), 10);
///
/// let resumed = nmf.clone().checkpoint(kept).fit(&v)?;
/// let whole = nmf.fit(&v)?;
/// assert_eq!(resumed.w, whole.w);
/// assert_eq!(resumed.report.objective, whole.report.objective);
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Checkpoint {
    data: Data,
    isa: String,
    options: Options,
    /// H is given.
    weights_only: bool,
    iterations: usize,
    /// What was remarked of the start.
    warnings: Vec<Warning>,
    compression: Option<Compression>,
    /// What changes between iterations.
    #[cfg_attr(feature = "serde", serde(skip))]
    state: Vec<u8>,
}

/// What a fit says of its beginning, which is not done again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub warnings: Vec<Warning>,
    pub compression: Option<Compression>,
}

impl Checkpoint {
    /// Of a fit of that data.
    pub(crate) fn new(
        data: Data,
        options: Options,
        weights_only: bool,
        iterations: usize,
        said: Said,
        state: Vec<u8>,
    ) -> Self {
        let Said { warnings, compression } = said;
        let isa = Isa::detect().name().to_owned();
        Self { data, isa, options, weights_only, iterations, warnings, compression, state }
    }

    /// Iterations done; steps, of a fit by mini-batches.
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// The options of the fit.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// What a file has to keep beside the serialised rest. Its meaning belongs to this version of the crate.
    pub fn state(&self) -> &[u8] {
        &self.state
    }

    /// The same with the state that a file has kept.
    #[must_use]
    pub fn with_state(self, state: Vec<u8>) -> Self {
        Self { state, ..self }
    }

    pub(crate) fn said(&self) -> Said {
        Said { warnings: self.warnings.clone(), compression: self.compression }
    }

    /// Refuses what is of another fit than of `data` with these options; which data that is.
    ///
    /// # Errors
    /// [`Error::CheckpointMismatch`], and whatever keeps V from being read.
    pub(crate) fn check(
        &self,
        data: impl FnOnce() -> Result<Data, Error>,
        options: &Options,
        weights_only: bool,
    ) -> Result<Data, Error> {
        let mismatch = |reason: String| Err(Error::CheckpointMismatch { reason });
        if self.isa != Isa::detect().name() {
            return mismatch(format!(
                "it was saved with the instruction set {}, and here is {}; where a processor has both, the environment variable \
                 ORTHANT_ISA chooses",
                self.isa,
                Isa::detect().name()
            ));
        }
        let limits_aside = |options: &Options| Options {
            max_iter: 1,
            max_time: None,
            threads: None,
            stop: Some(options.stopping()),
            tol: None,
            ..options.clone()
        };
        if weights_only != self.weights_only {
            let given = if self.weights_only { "H was given" } else { "H was fitted, too" };
            return mismatch(format!("{given} in the fit that it is of"));
        }
        let (before, now) = (limits_aside(&self.options), limits_aside(options));
        if before != now {
            return mismatch(format!("it is of a fit with other options: {}", difference(&before, &now)));
        }
        let data = data()?;
        if self.data != data {
            let of = |data: &Data| {
                let kind = if data.entries.is_some() { "sparse" } else { "dense" };
                let order = if data.by_columns { "columns" } else { "rows" };
                format!("{kind} data of {}×{} by {order}, {}", data.rows, data.cols, data.dtype)
            };
            let (before, now) = (of(&self.data), of(&data));
            return mismatch(if before == now {
                "it is of data with other entries".to_owned()
            } else {
                format!("it is of {before}, and here is {now}")
            });
        }
        if self.state.is_empty() {
            return Err(damaged("it has no state"));
        }
        Ok(data)
    }
}

/// What of two sets of options is not the same.
fn difference(a: &Options, b: &Options) -> String {
    let (a, b) = (format!("{a:#?}"), format!("{b:#?}"));
    let differs = a.lines().zip(b.lines()).find(|(a, b)| a != b);
    let (a, b) = differs.unwrap_or((&a, &b));
    format!("{}, and here {}", a.trim().trim_end_matches(','), b.trim().trim_end_matches(','))
}
