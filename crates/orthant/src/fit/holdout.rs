//! A fit with entries held out, and how well it predicts them.

use crate::error::invalid;
use crate::holdout::{HeldOut, Holdout, Split, each_out};
use crate::nmf::{Fit, Nmf};
use crate::observe::Observer;
use crate::{Dense, Error, Explanation, Matrix, Missing, Options, Real, available, check, explain, threads};

/// The options of the fit of what is not held out, and the data.
struct Parts<T: Real> {
    nmf: Nmf<T>,
    split: Split<T>,
    copied: usize,
}

impl<T: Real> Parts<T> {
    fn of(nmf: &Nmf<T>, v: &Matrix<'_, T>, holdout: &Holdout) -> Result<Self, Error> {
        threads::caught(|| Self::split(nmf, v, holdout))
    }

    fn split(nmf: &Nmf<T>, v: &Matrix<'_, T>, holdout: &Holdout) -> Result<Self, Error> {
        nmf.check()?;
        check::shapes(nmf, v, None)?;
        let Options { missing, memory_limit, .. } = nmf.options;
        if let Some(weights) = &nmf.weights {
            check::weights(weights, v)?;
        }
        let copied = match (v, &nmf.weights) {
            (Matrix::Dense(_), None) => v.nrows() * v.ncols() * size_of::<T>(),
            _ => 0,
        };
        available::check(copied, memory_limit)?;
        let mut any = false;
        // also what is not fitted is to be data
        each_out(v, missing, nmf.weights.as_deref(), holdout, |row, col, value, _| match value {
            value if !value.is_finite() => Err(Error::NonFinite { operand: "V", row, col, value }),
            value if value < 0.0 => Err(Error::Negative { operand: "V", row, col, value }),
            _ => {
                any = true;
                Ok(())
            }
        })?;
        if !any {
            let allowed = "a share that holds out one at least of the observed entries";
            return Err(invalid("holdout", holdout.fraction, allowed));
        }
        let split = Split::of(v, missing, nmf.weights.as_deref(), holdout)?;
        let missing = if split.view().is_some() { Missing::Nan } else { missing };
        let memory_limit = memory_limit.map(|limit| limit - copied);
        let options = Options { holdout: None, missing, memory_limit, ..nmf.options.clone() };
        let mut nmf = Nmf { options, ..nmf.clone() };
        if let Split::Weights(weights) = &split {
            nmf = nmf.entry_weights(weights.clone());
        }
        Ok(Self { nmf, split, copied })
    }

    fn matrix<'a>(&'a self, v: &'a Matrix<'a, T>) -> Matrix<'a, T> {
        self.split.view().map_or_else(|| v.by_ref(), Matrix::Dense)
    }
}

/// The fit, with what it says of the entries that are held out.
pub(super) fn fit<T: Real>(
    nmf: &Nmf<T>,
    v: &Matrix<'_, T>,
    given: Option<&Dense<T>>,
    observer: &mut (dyn Observer<T> + Send),
    holdout: &Holdout,
) -> Result<Fit<T>, Error> {
    let parts = Parts::of(nmf, v, holdout)?;
    let mut fit = super::fit(&parts.nmf, &parts.matrix(v), given, observer)?;
    let heldout = score(nmf, v, &fit, holdout)?;
    fit.report.heldout = Some(heldout);
    Ok(fit)
}

/// What the fit takes and does, the copy included.
pub(crate) fn explain<T: Real>(
    nmf: &Nmf<T>,
    v: &Matrix<'_, T>,
    holdout: &Holdout,
) -> Result<Explanation, Error> {
    let parts = Parts::of(nmf, v, holdout)?;
    let mut explained = explain::explain(&parts.nmf, &parts.matrix(v))?;
    explained.working_bytes += parts.copied;
    (explained.data_bytes, explained.entries) = (v.bytes(), v.nnz());
    Ok(explained)
}

fn score<T: Real>(
    nmf: &Nmf<T>,
    v: &Matrix<'_, T>,
    fit: &Fit<T>,
    holdout: &Holdout,
) -> Result<HeldOut, Error> {
    let Options { missing, .. } = nmf.options;
    let weights = nmf.weights.as_deref();
    let (w, ht, loss_function) = (&fit.w, fit.model.components().transposed(), nmf.options.method.loss);
    let (mut entries, mut infinite, mut loss, mut all, mut held) = (0, 0, 0.0, 0.0, 0.0);
    each_out(v, missing, weights, holdout, |i, j, x, weight| {
        let weight = weight * nmf.lines.of_entry(i, j);
        let p: f64 = w.row(i).iter().zip(ht.row(j)).map(|(w, h)| w.to_f64() * h.to_f64()).sum();
        let lost = weight * loss_function.of(x, p);
        (entries, held) = (entries + 1, held + weight);
        if lost.is_infinite() {
            infinite += 1;
        } else {
            (loss, all) = (loss + lost, all + weight);
        }
        Ok(())
    })?;
    let fitted = fitted_weight(nmf, v, fit, entries);
    Ok(HeldOut { entries, infinite, loss, mean: loss / all, fitted_mean: fit.report.loss / (fitted - held) })
}

/// The weights of all observed entries, added.
fn fitted_weight<T: Real>(nmf: &Nmf<T>, v: &Matrix<'_, T>, fit: &Fit<T>, out: usize) -> f64 {
    let (m, n, lines, missing) = (v.nrows(), v.ncols(), &nmf.lines, nmf.options.missing);
    let uneven = lines.rows.is_some() || lines.columns.is_some();
    match (&nmf.weights, fit.report.observed) {
        (Some(weights), _) => weights.iter().map(|(i, j, w)| w.to_f64() * lines.of_entry(i, j)).sum(),
        (None, Some(_)) if uneven => {
            let rows = v.with_rows();
            let of_row = |i: usize| match &rows {
                Matrix::Dense(v) => {
                    let seen = (0..n).filter(|&j| !missing.is_missing(v.at(i, j)));
                    seen.map(|j| lines.of_entry(i, j)).sum::<f64>()
                }
                Matrix::Csr(v) => v.row(i).map(|(j, _)| lines.of_entry(i, j)).sum(),
                Matrix::Csc(_) | Matrix::OutOfCore(_) => unreachable!("rows are in memory"),
            };
            (0..m).map(of_row).sum()
        }
        (None, Some(observed)) => (observed.entries + out) as f64,
        (None, None) => lines.sum(m, n),
    }
}
