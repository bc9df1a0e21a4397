//! Entries that are held out of a fit, to see how well it predicts them.

use orthant_kernel::{Dense, Real, View};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::error::invalid;
use crate::missing::Missing;
use crate::out_of_core::needs_memory;
use crate::weights::EntryWeights;
use crate::{Error, Matrix};

/// Which entries are held out: one of every 1/`fraction` neighbours in a row, drawn by hashing and never stored.
///
/// Entries are taken in the order of rows and cut into windows of L = 1/`fraction`, rounded. Of each window one entry is out, at a
/// place that the hash of the window's number and the seed decides, and of the next fold the one after it: the L folds hold out each
/// entry once. What is held out has no part in the fit, which is that of data in which these entries are missing.
///
/// ```
/// use orthant::{Dense, Holdout, Nmf};
/// // two components, and some noise
/// let noise = |i: usize, j: usize| 0.1 * ((i * 31 + j * 17) % 7) as f64;
/// let v = Dense::from_fn(60, 40, |i, j| ((i % 3) * (j % 4) + (i % 4) * (j % 5)) as f64 + noise(i, j));
/// let heldout = |k| {
///     let fit = Nmf::new(k).holdout(Holdout { fraction: 0.1, ..Holdout::default() }).fit(&v)?;
///     Ok::<_, orthant::Error>(fit.report.heldout.expect("it was asked for").mean)
/// };
/// assert!(heldout(2)? < heldout(1)?);
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
pub struct Holdout {
    /// The share of the entries, above 0 and at most a half.
    pub fraction: f64,
    /// Which of the L folds, from 0.
    pub fold: usize,
    /// What the places depend on; not the seed of the fit, so that fits from other starts hold out the same.
    pub seed: u64,
}

impl Default for Holdout {
    /// A twentieth, of fold 0.
    fn default() -> Self {
        Self { fraction: 0.05, fold: 0, seed: 0 }
    }
}

/// How well a fit predicts what was held out of it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HeldOut {
    /// Entries that were held out, of those that are observed.
    pub entries: usize,
    /// Those of them whose loss is infinite: they are above 0, and WH is 0 there. They are left out of the figures below.
    pub infinite: usize,
    /// The sum of the loss of the others, by the factors that the fit ended with.
    pub loss: f64,
    /// The same for each entry, by its weight if it has one.
    pub mean: f64,
    /// The mean loss of the entries that were fitted.
    pub fitted_mean: f64,
}

impl Holdout {
    /// The number of folds, L.
    pub fn folds(&self) -> usize {
        (1.0 / self.fraction).round() as usize
    }

    /// Whether the entry in row i and column j of data with n columns is out.
    ///
    /// ```
    /// use orthant::Holdout;
    /// let out = |fold| (0..100).filter(|&j| Holdout { fraction: 0.1, fold, seed: 1 }.is_out(0, j, 100)).count();
    /// assert_eq!((0..10).map(out).collect::<Vec<_>>(), [10; 10]);
    /// ```
    pub fn is_out(&self, i: usize, j: usize, n: usize) -> bool {
        let folds = self.folds() as u64;
        let at = i as u64 * n as u64 + j as u64;
        self.place(at / folds, folds) == at % folds
    }

    /// Which one of a window is out.
    fn place(&self, window: u64, folds: u64) -> u64 {
        (xxh3_64_with_seed(&window.to_le_bytes(), self.seed) % folds + self.fold as u64) % folds
    }

    /// The columns of the entries of a row that are out: with a hash for each window.
    pub(crate) fn out_of_row(&self, i: usize, n: usize) -> impl Iterator<Item = usize> + use<> {
        let (this, folds) = (*self, self.folds() as u64);
        let (first, end) = (i as u64 * n as u64, (i as u64 + 1) * n as u64);
        let out = move |window| window * folds + this.place(window, folds);
        let within = move |at: &u64| (first..end).contains(at);
        (first / folds..end.div_ceil(folds)).map(out).filter(within).map(move |at| (at - first) as usize)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if !(self.fraction > 0.0 && self.fraction <= 0.5) {
            return Err(invalid("holdout", self.fraction, "a share above 0 and of at most 0.5"));
        }
        if self.fold >= self.folds() {
            return Err(invalid(
                "holdout_fold",
                self.fold,
                format!("below the number of folds, {}", self.folds()),
            ));
        }
        Ok(())
    }
}

/// Data with entries held out.
pub(crate) enum Split<T: Real> {
    /// A copy with NaN in their place, by its contiguous lines, which are columns if so.
    Copy(Dense<T>, bool),
    /// V itself, with weights that leave them out.
    Weights(EntryWeights<T>),
}

impl<T: Real> Split<T> {
    /// Of V with that missing, whose entries have weights or not.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for sparse data whose zeros are data.
    pub fn of(
        v: &Matrix<'_, T>,
        missing: Missing,
        weights: Option<&EntryWeights<T>>,
        holdout: &Holdout,
    ) -> Result<Self, Error> {
        let n = v.ncols();
        let stays = |i: usize, j: usize| !holdout.is_out(i, j, n);
        match (v, weights) {
            (_, Some(weights)) => Ok(Self::Weights(weights.only(stays))),
            (Matrix::Dense(view), None) => {
                let by_columns = v.by_columns();
                let lines = if by_columns { view.transposed() } else { *view };
                let nan = T::from_f64(f64::NAN);
                let whole = |x: T| if missing.is_missing(x) { nan } else { x };
                let mut copy = Dense::from_fn(lines.nrows(), lines.ncols(), |a, b| whole(lines.at(a, b)));
                for i in 0..v.nrows() {
                    for j in holdout.out_of_row(i, n) {
                        copy[if by_columns { (j, i) } else { (i, j) }] = nan;
                    }
                }
                Ok(Self::Copy(copy, by_columns))
            }
            (_, None) if missing == Missing::Zeros => Ok(Self::Weights(EntryWeights::observed(v)?.only(stays))),
            _ => Err(Error::Unsupported {
                what: "holding out entries of sparse data whose zeros are data".into(),
                supported: "dense data, sparse data whose zeros are missing and entries with weights have held-out entries".into(),
            }),
        }
    }

    /// The copy, if there is one.
    pub fn view(&self) -> Option<View<'_, T>> {
        match self {
            Self::Copy(copy, true) => Some(copy.view().transposed()),
            Self::Copy(copy, false) => Some(copy.view()),
            Self::Weights(_) => None,
        }
    }
}

/// Calls `f` with row, column, value and weight of each observed entry that is out.
pub(crate) fn each_out<T: Real>(
    v: &Matrix<'_, T>,
    missing: Missing,
    weights: Option<&EntryWeights<T>>,
    holdout: &Holdout,
    mut f: impl FnMut(usize, usize, f64, f64) -> Result<(), Error>,
) -> Result<(), Error> {
    let (m, n) = (v.nrows(), v.ncols());
    let rows = v.with_rows();
    for i in 0..m {
        match (&rows, weights) {
            (Matrix::Dense(v), None) => {
                for j in holdout.out_of_row(i, n).filter(|&j| !missing.is_missing(v.at(i, j))) {
                    f(i, j, v.at(i, j).to_f64(), 1.0)?;
                }
            }
            (Matrix::Dense(v), Some(weights)) => {
                for (j, w) in weights
                    .row(i)
                    .filter(|&(j, _)| holdout.is_out(i, j, n) && !missing.is_missing(v.at(i, j)))
                {
                    f(i, j, v.at(i, j).to_f64(), w.to_f64())?;
                }
            }
            (Matrix::Csr(v), None) => {
                for (j, x) in v.row(i).filter(|&(j, _)| holdout.is_out(i, j, n)) {
                    f(i, j, x.to_f64(), 1.0)?;
                }
            }
            (Matrix::Csr(v), Some(weights)) => {
                let mut stored = v.row(i).peekable();
                for (j, w) in weights.row(i).filter(|&(j, _)| holdout.is_out(i, j, n)) {
                    while stored.next_if(|(at, _)| *at < j).is_some() {}
                    let x = stored.next_if(|(at, _)| *at == j).map(|(_, x)| x);
                    if let Some(x) = x.or((missing != Missing::Zeros).then_some(T::ZERO)) {
                        f(i, j, x.to_f64(), w.to_f64())?;
                    }
                }
            }
            (Matrix::Csc(_), _) => unreachable!("rows were copied"),
            (Matrix::OutOfCore(_), _) => return Err(needs_memory("entries that are held out")),
        }
    }
    Ok(())
}
