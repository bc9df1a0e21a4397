//! One job: a fit, and what is kept of it.

use orthant::{Dense, Error, Fit, Matrix, Nmf, Real, Report, StopReason};
use orthant_io::Scalar;

use crate::holdout::block::Blocks;
use crate::holdout::loss::{Prediction, loss, marginals};
use crate::holdout::overdispersion::Moments;
use crate::record::{Figures, FitRecord, Outcome};
use crate::stats::samples::UNLABELLED;
use crate::study::Study;
use crate::{Key, data, refit};

/// What jobs of one group share.
#[derive(Debug)]
pub enum Shared<'a, T: Real> {
    /// All of V, by rows.
    Whole(Matrix<'a, T>),
    /// Counts without a fold, and the fold.
    Thinned(data::Part<T>, orthant::Csr<'static, T>),
    /// Quarters of V.
    Blocks(Blocks<T>),
    /// Which entries of V are held out.
    Window(orthant::Holdout),
}

/// Does a job, on one thread or on those of the pool.
///
/// # Errors
/// What would end every job: data or options that cannot be fitted, memory that cannot be had, a raised flag.
pub fn run<T: Scalar>(
    study: &Study<T>,
    v: &Matrix<'_, T>,
    shared: &Shared<'_, T>,
    key: Key,
    threads: Option<usize>,
) -> Result<Outcome<T>, Error> {
    let mut nmf = study.nmf(key.rank, key.seed(study.fit.seed));
    if let Some(threads) = threads {
        nmf = nmf.threads(threads);
    }
    let done = match shared {
        Shared::Whole(rows) => match study.variation.data(rows, study.fit.seed, key.replicate)? {
            None => nmf.fit(v).map(|fit| kept(fit, rows, study)),
            Some(data) => of_varied(study, v, rows, &data, &nmf),
        },
        Shared::Thinned(train, test) => nmf.fit(train).and_then(|fit| {
            let factor = 1.0 / (study.folds - 1) as f64;
            let prediction = Prediction::new(&fit.w, fit.model.components(), factor);
            let train = orthant::ToMatrix::to_matrix(train)?;
            let (rows, columns) = marginals(&train);
            let of = fit.report.loss_function;
            // the noise of counts is what the test of a divergence asks about, whichever it is
            let of = if of.beta() == 2.0 { of } else { orthant::Loss::KullbackLeibler };
            Ok(Outcome::HeldOut { loss: loss(of, &prediction, &Matrix::Csr(test.by_ref()), &rows, &columns) })
        }),
        Shared::Window(holdout) => {
            let fit = nmf.holdout(*holdout).fit(v);
            fit.map(|fit| match fit.report.heldout.expect("it was asked for") {
                of if of.infinite > 0 => Outcome::Failed {
                    reason: format!(
                        "{} of {} entries held out are above 0 where the fit is 0",
                        of.infinite, of.entries
                    ),
                },
                of => Outcome::HeldOut { loss: of.mean },
            })
        }
        Shared::Blocks(blocks) => {
            let (rows, columns) = blocks.fitted()?;
            if key.rank > rows.min(columns) {
                return Ok(Outcome::Failed {
                    reason: format!(
                        "{rows}×{columns} of the data are fitted, too few for {} components",
                        key.rank
                    ),
                });
            }
            let solve =
                orthant::Transform { threads, cancel: Some(study.cancel.clone()), ..Default::default() };
            blocks.test(&nmf, &solve).map(|loss| Outcome::HeldOut { loss })
        }
    };
    if study.cancel.is_cancelled() {
        // whatever came of it, it may not have come to its end
        return Err(Error::Interrupted);
    }
    match done {
        Ok(Outcome::HeldOut { loss }) if !loss.is_finite() => {
            Ok(Outcome::Failed { reason: "the loss on what was held out is not finite".to_owned() })
        }
        Ok(Outcome::Fit(fit)) if !fit.figures.loss.is_finite() => {
            Ok(Outcome::Failed { reason: "the loss is not finite".to_owned() })
        }
        Err(
            e @ (Error::Diverged { .. }
            | Error::SingularValues
            | Error::RankTooLargeForInit { .. }
            | Error::Panicked { .. }),
        ) => Ok(Outcome::Failed { reason: e.to_string() }),
        done => done,
    }
}

/// A fit of varied data, as of V.
fn of_varied<T: Scalar>(
    study: &Study<T>,
    v: &Matrix<'_, T>,
    rows: &Matrix<'_, T>,
    data: &data::Part<T>,
    nmf: &Nmf<T>,
) -> Result<Outcome<T>, Error> {
    let failed = |why: &str| Ok(Outcome::Failed { reason: format!("of the data that it got: {why}") });
    let fit = match nmf.fit(data) {
        // V has what the rows that were drawn do not
        Err(e @ Error::Unobserved { .. }) => return failed(&e.to_string()),
        fit => fit?,
    };
    let fit = match fit.report.stop_reason {
        StopReason::ZeroData if data::is_zero(v) => nmf.fit(v)?,
        StopReason::ZeroData => return failed("no entry is above 0"),
        _ => refit::of_varied(fit, v, nmf.options(), study.weights.as_ref(), &study.cancel)?,
    };
    Ok(kept(fit, rows, study))
}

fn kept<T: Scalar>(fit: Fit<T>, v: &Matrix<'_, T>, study: &Study<T>) -> Outcome<T> {
    let Report { loss, relative_error, iterations, stop_reason, .. } = fit.report;
    let h = fit.model.components().clone();
    let whole = fit.report.observed.is_none() && study.weights.is_none();
    let moments = whole.then(|| {
        let prediction = Prediction::new(&fit.w, &h, 1.0);
        let squares = prediction.squares();
        let residual = if fit.report.loss_function.beta() == 2.0 {
            2.0 * loss
        } else {
            let (products, own) = prediction.products(v);
            (own - 2.0 * products + squares).max(0.0)
        };
        Moments { residual, sum: prediction.sum(), squares }
    });
    let figures = Figures {
        loss,
        explained: 1.0 - relative_error.powi(2),
        iterations,
        stop_reason,
        entries: fit.report.observed.map_or(v.nrows() * v.ncols(), |observed| observed.entries),
        moments,
    };
    Outcome::Fit(Box::new(FitRecord { figures, labels: labels(&fit.w, &h), h }))
}

/// For each sample the component that gives most to the sum of its row, the first of equal ones.
pub fn labels<T: Real>(w: &Dense<T>, h: &Dense<T>) -> Vec<u16> {
    let sums: Vec<f64> = (0..h.nrows()).map(|t| h.row(t).iter().map(|x| x.to_f64()).sum()).collect();
    let label = |row: &[T]| {
        let mut most = (UNLABELLED, 0.0);
        for (t, (x, sum)) in row.iter().zip(&sums).enumerate() {
            if x.to_f64() * sum > most.1 {
                most = (t as u16, x.to_f64() * sum);
            }
        }
        most.0
    };
    w.as_slice().chunks_exact(h.nrows()).map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_do_not_depend_on_the_scale() {
        let w = Dense::from_vec(vec![1.0, 2.0, 3.0, 0.1, 0.0, 0.0], 3, 2).unwrap();
        let h = Dense::from_vec(vec![1.0, 1.0, 0.25, 0.5], 2, 2).unwrap();
        // 2 against 1.5; 6 against 0.075; nothing
        assert_eq!(labels(&w, &h), [0, 0, UNLABELLED]);
        let w = Dense::from_vec(vec![1.0, 8.0, 3.0, 0.4, 0.0, 0.0], 3, 2).unwrap();
        let h = Dense::from_vec(vec![1.0, 1.0, 0.0625, 0.125], 2, 2).unwrap();
        assert_eq!(labels(&w, &h), [0, 0, UNLABELLED]);
    }
}
