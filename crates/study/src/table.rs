//! What the fits of a rank say, in a row.

use orthant::StopReason;
use orthant_io::Scalar;
use serde::Serialize;

use crate::record::{Figures, FitRecord, Outcome, Record};
use crate::stats::matching::{Clusters, match_replicates};
use crate::stats::quantile::{median, quantile};
use crate::stats::samples::{self, ROWS};
use crate::stats::units::Units;
use crate::stats::{information, silhouette, stability};
use crate::{Kind, StudyError, Thresholds};

/// The most replicates that a matching starts from.
const STARTS: usize = 20;

/// The figures of a rank. What cannot be said of it is none: of one fit, nothing about what comes back.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The number of components.
    pub k: usize,
    /// Fits that came to an end, those on data held out aside.
    pub fits: usize,
    /// Jobs that failed.
    pub failed: usize,
    /// Fits that ended at their limit of iterations.
    pub unconverged: usize,
    /// The least loss of a fit, penalties aside.
    pub loss_best: f64,
    /// The median.
    pub loss_median: f64,
    /// The third less the first quartile.
    pub loss_iqr: f64,
    /// The share of V that the best fit explains.
    pub explained: f64,
    /// The mean loss on what was held out.
    pub heldout: Option<f64>,
    /// The standard error of its difference from the least one, over the same folds.
    pub heldout_se: Option<f64>,
    /// The mean silhouette of matched components.
    pub silhouette_mean: Option<f64>,
    /// The least of a component.
    pub silhouette_min: Option<f64>,
    /// The least support of a component.
    pub support_min: Option<f64>,
    /// 1 less the mean cosine of matched components of two fits.
    pub instability: Option<f64>,
    /// The cophenetic correlation of the consensus of samples.
    pub cophenetic: Option<f64>,
    /// Its dispersion.
    pub dispersion: Option<f64>,
    /// The share of ambiguous pairs in it.
    pub pac: Option<f64>,
    /// The Bayesian information criterion of the best fit.
    pub bic: Option<f64>,
    /// The median of the iterations.
    pub iterations_median: f64,
    /// The silhouette of each component, by their support.
    #[serde(skip)]
    pub components: Vec<ComponentRow>,
    /// The loss on each fold that was held out, in their order.
    #[serde(skip)]
    pub folds: Vec<f64>,
    /// These fits, by replicate.
    #[serde(skip)]
    pub each: Vec<FitFigures>,
    /// Why jobs failed: each reason once, and how many failed for it.
    #[serde(skip)]
    pub reasons: Vec<(String, usize)>,
}

impl Row {
    /// Why jobs failed, in words; with counts where there are several reasons.
    pub fn why_failed(&self) -> String {
        match &self.reasons[..] {
            [(reason, _)] => reason.clone(),
            reasons => reasons
                .iter()
                .map(|(reason, count)| format!("{reason} ({count})"))
                .collect::<Vec<_>>()
                .join("; "),
        }
    }
}

/// How one of the fits that are compared ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FitFigures {
    /// The replicate.
    pub replicate: usize,
    /// Its loss, penalties aside.
    pub loss: f64,
    /// The share of V that it explains.
    pub explained: f64,
    /// Its iterations.
    pub iterations: usize,
    /// Whether it ended before its limit of iterations.
    pub converged: bool,
}

/// How well a component of a rank is found again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ComponentRow {
    /// The mean silhouette of its members.
    pub silhouette: f64,
    /// The share of the fits in which it comes back.
    pub support: f64,
}

/// The names of the columns of a table, and how each is printed.
type Column = (&'static str, fn(&Row) -> Option<f64>);

/// The figures of a row by their names, in the order of the table.
pub const COLUMNS: [Column; 19] = [
    ("k", |row| Some(row.k as f64)),
    ("fits", |row| Some(row.fits as f64)),
    ("failed", |row| Some(row.failed as f64)),
    ("unconverged", |row| Some(row.unconverged as f64)),
    ("loss_best", |row| Some(row.loss_best)),
    ("loss_median", |row| Some(row.loss_median)),
    ("loss_iqr", |row| Some(row.loss_iqr)),
    ("explained", |row| Some(row.explained)),
    ("heldout", |row| row.heldout),
    ("heldout_se", |row| row.heldout_se),
    ("silhouette_mean", |row| row.silhouette_mean),
    ("silhouette_min", |row| row.silhouette_min),
    ("support_min", |row| row.support_min),
    ("instability", |row| row.instability),
    ("cophenetic", |row| row.cophenetic),
    ("dispersion", |row| row.dispersion),
    ("pac", |row| row.pac),
    ("bic", |row| row.bic),
    ("iterations_median", |row| Some(row.iterations_median)),
];

/// The fits of a rank, matched.
pub(crate) struct Matched<T> {
    pub fits: Vec<FitRecord<T>>,
    /// The replicate of each.
    pub replicates: Vec<usize>,
    pub units: Vec<Units>,
    pub clusters: Clusters,
}

/// The fits among records of a rank, with their components matched.
///
/// # Errors
/// [`StudyError::NoFits`].
pub(crate) fn matched<T: Scalar>(rank: usize, records: Vec<Record<T>>) -> Result<Matched<T>, StudyError> {
    let (mut fits, mut replicates, mut why) = (Vec::new(), Vec::new(), None);
    for record in records.into_iter().filter(|record| !record.key.kind.holds_out()) {
        match record.outcome {
            Outcome::Fit(fit) => {
                replicates.push(record.key.replicate);
                fits.push(*fit);
            }
            Outcome::Failed { reason } => _ = why.get_or_insert(reason),
            Outcome::HeldOut { .. } => {}
        }
    }
    if fits.is_empty() {
        let reason = why.unwrap_or_else(|| "none has been done yet".to_owned());
        return Err(StudyError::NoFits { rank, reason });
    }
    let units: Vec<Units> = fits
        .iter()
        .map(|fit| Units::of(fit.h.ncols(), fit.h.as_slice().iter().map(|x| x.to_f64()).collect()))
        .collect();
    let mut best: Vec<usize> = (0..fits.len()).collect();
    best.sort_by(|&a, &b| fits[a].figures.loss.total_cmp(&fits[b].figures.loss));
    best.truncate(STARTS);
    let clusters = match_replicates(&units, &best);
    Ok(Matched { fits, replicates, units, clusters })
}

/// The row of a rank, but for what needs the other ranks; with losses on folds of `holdout`.
pub(crate) fn row<T: Scalar>(
    rank: usize,
    records: Vec<Record<T>>,
    holdout: Option<Kind>,
    (n, beta): (usize, f64),
    thresholds: &Thresholds,
) -> Result<Row, StudyError> {
    let mut reasons: Vec<(String, usize)> = Vec::new();
    let (mut failed, mut folds) = (0, Vec::new());
    let (mut asked, mut tested) = (0, 0);
    for record in &records {
        let of_holdout = holdout == Some(record.key.kind);
        asked += usize::from(of_holdout);
        match &record.outcome {
            Outcome::Failed { reason } => {
                failed += 1;
                match reasons.iter_mut().find(|(of, _)| of == reason) {
                    Some((_, count)) => *count += 1,
                    None => reasons.push((reason.clone(), 1)),
                }
            }
            Outcome::HeldOut { loss } if of_holdout => {
                folds.push(*loss);
                tested += 1;
            }
            _ => {}
        }
    }
    if tested < asked {
        // means over other folds would not be comparable
        folds.clear();
    }
    let Matched { fits, replicates, units, clusters } = matched(rank, records)?;
    let losses: Vec<f64> = fits.iter().map(|fit| fit.figures.loss).collect();
    let best = fits.iter().min_by(|a, b| a.figures.loss.total_cmp(&b.figures.loss)).expect("there are fits");
    let labels: Vec<&[u16]> = fits.iter().map(|fit| &fit.labels[..]).collect();
    let m = labels[0].len();
    let several = fits.len() > 1;
    let silhouettes = silhouette::silhouettes(&units, &clusters);
    let support = stability::support(&units, &clusters, thresholds.cosine);
    let least = |x: &[f64]| x.iter().copied().min_by(f64::total_cmp).filter(|_| several);
    let cophenetic = || {
        let rows = samples::some_rows(m, ROWS);
        samples::tree(&samples::consensus(&labels, &rows), rows.len()).cophenetic
    };
    let iterations: Vec<f64> = fits.iter().map(|fit| fit.figures.iterations as f64).collect();
    let free = information::free_numbers(m, n, rank);
    let converged = |fit: &FitRecord<T>| fit.figures.stop_reason != StopReason::MaxIterations;
    let figures = |(fit, &replicate): (&FitRecord<T>, &usize)| {
        let Figures { loss, explained, iterations, .. } = fit.figures;
        FitFigures { replicate, loss, explained, iterations, converged: converged(fit) }
    };
    let each: Vec<FitFigures> = fits.iter().zip(&replicates).map(figures).collect();
    Ok(Row {
        k: rank,
        fits: fits.len(),
        failed,
        unconverged: each.iter().filter(|fit| !fit.converged).count(),
        loss_best: best.figures.loss,
        loss_median: median(&losses),
        loss_iqr: quantile(&losses, 0.75) - quantile(&losses, 0.25),
        explained: best.figures.explained,
        heldout: None,
        heldout_se: None,
        silhouette_mean: several.then_some(silhouettes.mean),
        silhouette_min: least(&silhouettes.clusters),
        support_min: least(&support),
        instability: stability::instability(&units, &clusters),
        cophenetic: several.then(cophenetic),
        dispersion: several.then(|| samples::dispersion(&labels)),
        pac: several.then(|| samples::ambiguous(&labels)).flatten(),
        bic: information::bic(beta, best.figures.loss, free, best.figures.entries as f64),
        iterations_median: median(&iterations),
        components: silhouettes
            .clusters
            .iter()
            .zip(&support)
            .map(|(&silhouette, &support)| ComponentRow { silhouette, support })
            .collect(),
        folds,
        each,
        reasons,
    })
}

/// Fills in what is held out: means, and standard errors of the differences from the least mean.
pub(crate) fn compare_folds(rows: &mut [Row]) {
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    // ranks that were tested on fewer folds than others are left out
    let most = rows.iter().map(|row| row.folds.len()).max().unwrap_or(0);
    let tested = |row: &&mut Row| most > 0 && row.folds.len() == most;
    for row in rows.iter_mut().filter(|row| tested(row)) {
        row.heldout = Some(mean(&row.folds));
    }
    let least = rows.iter().filter(|row| row.heldout.is_some());
    let least = least.min_by(|a, b| a.heldout.partial_cmp(&b.heldout).expect("losses are finite"));
    let Some(least) = least.map(|row| row.folds.clone()) else { return };
    for row in rows.iter_mut().filter(|row| row.heldout.is_some()) {
        let differences: Vec<f64> = row.folds.iter().zip(&least).map(|(a, b)| a - b).collect();
        let middle = mean(&differences);
        let squares: f64 = differences.iter().map(|d| (d - middle).powi(2)).sum();
        let count = differences.len() as f64;
        row.heldout_se = (count > 1.0).then(|| (squares / (count - 1.0) / count).sqrt());
    }
}
