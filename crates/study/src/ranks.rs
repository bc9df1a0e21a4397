//! What a study found.

use std::path::Path;

use orthant::{Cancel, Dense, EntryWeights, Matrix, Options, ToMatrix};
use orthant_io::{Fingerprint, Precision, Scalar};
use rayon::prelude::*;

use crate::consensus::{Consensus, Making};
use crate::folder::{Folder, Manifest};
use crate::holdout::overdispersion::overdispersion;
use crate::recommend::{Recommendation, recommend};
use crate::record::Record;
use crate::stats::{information, samples, silhouette};
use crate::table::{self, Row, matched};
use crate::{Density, Key, Kind, Recipe, StudyError, Thresholds, Variation, data};

/// An overdispersion above which thinned counts do not test what they should.
const OVERDISPERSED: f64 = 0.1;

/// The ranks of a study: a row of figures for each, a recommendation, and the consensus of each on request.
#[derive(Debug)]
pub struct Ranks<T> {
    pub(crate) source: Source<T>,
    pub(crate) manifest: Manifest,
    pub(crate) thresholds: Thresholds,
    rows: Vec<Row>,
    recommendation: Recommendation,
    pub(crate) holdout: Option<Kind>,
    pub(crate) overdispersion: Option<f64>,
    recipe: Recipe,
    /// Ranks of which every fit failed, and why.
    pub(crate) failed: Vec<(usize, String)>,
}

#[derive(Debug)]
pub(crate) enum Source<T> {
    Memory(Vec<Record<T>>),
    Folder(Folder),
}

/// How often samples are put together by the fits of a rank.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleConsensus {
    /// The samples, in the order of a tree of them by average linkage.
    pub rows: Vec<usize>,
    /// The share of the fits that put two of them together: as many rows and columns as there are samples here.
    pub matrix: Vec<f64>,
}

/// How stable the components of a rank are, and how well they fit, as cNMF says it.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct KSelection {
    /// The rank.
    pub rank: usize,
    /// The mean silhouette of the components of all fits, by Euclidean distances between them at length 1; 1 of a single cluster.
    pub silhouette: f64,
    /// ‖V − WH‖² of the consensus.
    pub prediction_error: f64,
}

/// ‖V − WH‖², summed row by row in double precision.
fn squared_error<T: Scalar>(v: &Matrix<'_, T>, w: &Dense<T>, h: &Dense<T>) -> f64 {
    let v = &data::by_rows(v);
    let row = |i: usize| {
        let mut rest = vec![0.0; v.ncols()];
        data::each(v, i, |j, x| rest[j] = x.to_f64());
        for (t, w) in w.row(i).iter().enumerate() {
            let w = w.to_f64();
            rest.iter_mut().zip(h.row(t)).for_each(|(rest, h)| *rest -= w * h.to_f64());
        }
        rest.iter().map(|rest| rest * rest).sum::<f64>()
    };
    let rows: Vec<f64> = (0..v.nrows()).into_par_iter().map(row).collect();
    rows.iter().sum()
}

/// The precision of the data of a study in a folder.
///
/// # Errors
/// [`StudyError::NotAStudy`].
pub fn precision(dir: impl AsRef<Path>) -> Result<Precision, StudyError> {
    Ok(Folder::read(dir.as_ref())?.1.input.dtype)
}

impl<T: Scalar> Ranks<T> {
    /// Reads the study in a folder as it stands.
    ///
    /// # Errors
    /// [`StudyError::NotAStudy`], [`StudyError::Io`].
    pub fn open(dir: impl AsRef<Path>, thresholds: Thresholds) -> Result<Self, StudyError> {
        thresholds.check()?;
        let (folder, manifest) = Folder::read(dir.as_ref())?;
        Self::of_folder(folder, manifest, thresholds)
    }

    pub(crate) fn of_folder(
        folder: Folder,
        manifest: Manifest,
        thresholds: Thresholds,
    ) -> Result<Self, StudyError> {
        let keys = folder.keys()?;
        Self::new(Source::Folder(folder), &keys, manifest, thresholds)
    }

    pub(crate) fn of_records(
        records: Vec<Record<T>>,
        manifest: Manifest,
        thresholds: Thresholds,
    ) -> Result<Self, StudyError> {
        let keys: Vec<Key> = records.iter().map(|record| record.key).collect();
        Self::new(Source::Memory(records), &keys, manifest, thresholds)
    }

    fn new(
        source: Source<T>,
        keys: &[Key],
        manifest: Manifest,
        thresholds: Thresholds,
    ) -> Result<Self, StudyError> {
        let mut ranks: Vec<usize> = keys.iter().map(|key| key.rank).collect();
        ranks.sort_unstable();
        ranks.dedup();
        // the kind that most ranks were tested by
        let tested = |kind: Kind| {
            ranks.iter().filter(|rank| keys.iter().any(|key| key.kind == kind && key.rank == **rank)).count()
        };
        let holdout = [Kind::Block, Kind::Window, Kind::Thin]
            .into_iter()
            .filter(|kind| tested(*kind) > 0)
            .max_by_key(|kind| tested(*kind));
        let of_fits = (manifest.input.cols, manifest.options.method.loss.beta());
        let row = |&rank: &usize| {
            let of_rank: Vec<Key> = keys.iter().copied().filter(|key| key.rank == rank).collect();
            let records = source.records(&of_rank)?;
            match table::row(rank, records, holdout, of_fits, &thresholds) {
                Ok(row) => Ok(Ok(row)),
                Err(StudyError::NoFits { rank, reason }) => Ok(Err((rank, reason))),
                Err(e) => Err(e),
            }
        };
        let found: Vec<Result<Row, (usize, String)>> =
            ranks.par_iter().map(row).collect::<Result<_, StudyError>>()?;
        let (mut rows, mut failed) = (Vec::new(), Vec::new());
        for row in found {
            match row {
                Ok(row) => rows.push(row),
                Err(reason) => failed.push(reason),
            }
        }
        table::compare_folds(&mut rows);
        let mut recommendation = recommend(&rows, &thresholds);
        for (rank, reason) in &failed {
            recommendation.remarks.push(format!("k = {rank}: no fit came to an end: {reason}"));
        }
        let mut this = Self {
            source,
            manifest,
            thresholds,
            rows,
            recommendation,
            holdout,
            overdispersion: None,
            recipe: Recipe::default(),
            failed,
        };
        this.measure_overdispersion()?;
        Ok(this)
    }

    /// Measures how counts are spread around the best fit of the rank that predicts best, and remarks on it.
    fn measure_overdispersion(&mut self) -> Result<(), StudyError> {
        let Some(rank) = self.recommendation.heldout_minimum.filter(|_| self.holdout == Some(Kind::Thin))
        else {
            return Ok(());
        };
        let (m, n) = (self.manifest.input.rows, self.manifest.input.cols);
        let fits = self.fits_of(rank)?.fits;
        let best = fits.iter().map(|fit| fit.figures).min_by(|a, b| a.loss.total_cmp(&b.loss));
        let free = information::free_numbers(m, n, rank);
        self.overdispersion = best
            .and_then(|figures| figures.moments)
            .and_then(|moments| overdispersion(&moments, m as f64 * n as f64, free));
        if let Some(x) = self.overdispersion.filter(|x| *x > OVERDISPERSED) {
            self.recommendation.remarks.push(format!(
                "counts are overdispersed (a variance of p + {x:.2}·p²): thinned parts are not independent then, which flatters \
                 large ranks; compare with blocks held out"
            ));
        }
        Ok(())
    }

    /// A row for each rank, in ascending order.
    pub fn table(&self) -> &[Row] {
        &self.rows
    }

    /// Which rank to take, and why.
    pub fn recommendation(&self) -> &Recommendation {
        &self.recommendation
    }

    /// How data was held out, if it was.
    pub fn holdout(&self) -> Option<Kind> {
        self.holdout
    }

    /// How much more counts vary than Poisson ones: φ of a variance of p + φ·p². Where counts were thinned.
    pub fn overdispersion(&self) -> Option<f64> {
        self.overdispersion
    }

    /// The options of the fits; the rank in them says nothing.
    pub fn options(&self) -> &Options {
        &self.manifest.options
    }

    /// The folds that counts are shared out among.
    pub fn folds(&self) -> usize {
        self.manifest.folds
    }

    /// What differs between the fits of a rank that are compared.
    pub fn variation(&self) -> Variation {
        self.manifest.vary
    }

    /// Whether entries of the data are weighted.
    pub fn is_weighted(&self) -> bool {
        self.manifest.weights.is_some()
    }

    /// The jobs that have records, in order.
    ///
    /// # Errors
    /// [`StudyError::Io`].
    pub fn keys(&self) -> Result<Vec<Key>, StudyError> {
        self.source.keys()
    }

    /// Where the data comes from, as whoever began the study [said](crate::Study::origin).
    pub fn origin(&self) -> Option<&serde_json::Value> {
        self.manifest.origin.as_ref()
    }

    /// The same, with the consensus of each rank made by another recipe.
    #[must_use]
    pub fn recipe(self, recipe: Recipe) -> Self {
        Self { recipe, ..self }
    }

    /// The consensus of a rank: from each cluster of matched components the median of those that are not left out for their
    /// `density`, and W of all data on these.
    ///
    /// # Errors
    /// [`StudyError::NoRank`], [`StudyError::NoFits`], [`StudyError::Filtered`]; [`StudyError::Different`] for other data than
    /// was studied.
    pub fn consensus(
        &self,
        v: &impl ToMatrix<T>,
        rank: usize,
        density: Density,
    ) -> Result<Consensus<T>, StudyError> {
        self.consensus_with(v, rank, density, None, &Cancel::new())
    }

    /// The same of data whose entries are weighted, which ends with [`Interrupted`](orthant::Error::Interrupted) once the flag is raised.
    ///
    /// # Errors
    /// As [`consensus`](Self::consensus).
    pub fn consensus_with(
        &self,
        v: &impl ToMatrix<T>,
        rank: usize,
        density: Density,
        weights: Option<&EntryWeights<T>>,
        cancel: &Cancel,
    ) -> Result<Consensus<T>, StudyError> {
        let v = &v.to_matrix()?;
        data::in_memory(v)?;
        let here = Fingerprint::of(v)?;
        if here != self.manifest.input {
            let order = if here.order == self.manifest.input.order { "" } else { data::OTHER_ORDER };
            let (m, n) = (self.manifest.input.rows, self.manifest.input.cols);
            let found = format!("{}×{}", v.nrows(), v.ncols());
            return Err(StudyError::Different {
                path: self.dir(),
                differences: format!(
                    "it is of {m}×{n} data with another fingerprint than this {found} data{order}"
                ),
            });
        }
        if weights.map(data::fingerprint_of_weights) != self.manifest.weights {
            let differences = match (weights, &self.manifest.weights) {
                (Some(_), Some(_)) => "its entries have other weights than these",
                _ => "entries are weighted in one of them",
            };
            return Err(StudyError::Different { path: self.dir(), differences: differences.to_owned() });
        }
        let matched = self.fits_of(rank)?;
        let options = Options { rank, ..self.manifest.options.clone() };
        let thresholds = self.thresholds;
        let (recipe, cancel) = (self.recipe, cancel.clone());
        Making { v, options, weights, density, recipe, thresholds, cancel }.of(&matched)
    }

    /// H of each fit of a rank that came to an end, by replicate: k×n each.
    ///
    /// ```
    /// use orthant::Dense;
    /// use orthant_study::Study;
    /// let v = Dense::from_fn(30, 12, |i, j| if i % 2 == j % 2 { ((i * 5 + j) % 7 + 1) as f64 } else { 0.0 });
    /// let all = Study::new([2]).replicates(3).fit(&v)?.components(2)?;
    /// assert_eq!((all.len(), all[0].nrows(), all[0].ncols()), (3, 2, 12));
    /// # Ok::<(), orthant_study::StudyError>(())
    /// ```
    ///
    /// # Errors
    /// [`StudyError::NoRank`], [`StudyError::NoFits`], [`StudyError::Io`].
    pub fn components(&self, rank: usize) -> Result<Vec<Dense<T>>, StudyError> {
        Ok(self.fits_of(rank)?.fits.into_iter().map(|fit| fit.h).collect())
    }

    /// The figures by which cNMF's users choose a rank, for each that has fits: of its consensus with no component left out, on the data
    /// that was studied.
    ///
    /// Cost: a [consensus](Self::consensus) of each rank, and (R·k)²·n for R fits.
    ///
    /// ```
    /// use orthant::Dense;
    /// use orthant_study::Study;
    /// let v = Dense::from_fn(30, 12, |i, j| if i % 2 == j % 2 { ((i * 5 + j) % 7 + 1) as f64 } else { 0.0 });
    /// let found = Study::new(2..=3).replicates(3).fit(&v)?.k_selection(&v, &Default::default())?;
    /// assert!(found[0].rank == 2 && found[0].silhouette > 0.9);
    /// assert!(found[1].prediction_error <= found[0].prediction_error);
    /// # Ok::<(), orthant_study::StudyError>(())
    /// ```
    ///
    /// # Errors
    /// As [`consensus_with`](Self::consensus_with).
    pub fn k_selection(&self, v: &impl ToMatrix<T>, cancel: &Cancel) -> Result<Vec<KSelection>, StudyError> {
        let v = v.to_matrix()?;
        let of = |row: &Row| {
            let found = self.consensus_with(&v, row.k, Density::Off, None, cancel)?;
            let matched = self.fits_of(row.k)?;
            Ok(KSelection {
                rank: row.k,
                silhouette: silhouette::euclidean(&matched.units, &matched.clusters),
                prediction_error: squared_error(&v, &found.fit.w, found.fit.model.components()),
            })
        };
        self.rows.iter().map(of).collect()
    }

    /// How often samples are put together by the fits of a rank: all, or `most` that are drawn.
    ///
    /// # Errors
    /// [`StudyError::NoRank`], [`StudyError::NoFits`].
    pub fn sample_consensus(&self, rank: usize, most: usize) -> Result<SampleConsensus, StudyError> {
        let fits = self.fits_of(rank)?.fits;
        let labels: Vec<&[u16]> = fits.iter().map(|fit| &fit.labels[..]).collect();
        let some = samples::some_rows(labels[0].len(), most);
        let pairs = samples::consensus(&labels, &some);
        let order = samples::tree(&pairs, some.len()).order;
        let count = some.len();
        let at = |a: usize, b: usize| {
            let (i, j) = (a.min(b), a.max(b));
            if i == j { 1.0 } else { pairs[i * (2 * count - i - 1) / 2 + (j - i - 1)] }
        };
        let matrix = order.iter().flat_map(|&a| order.iter().map(move |&b| (a, b))).map(|(a, b)| at(a, b));
        Ok(SampleConsensus { matrix: matrix.collect(), rows: order.iter().map(|&a| some[a]).collect() })
    }

    pub(crate) fn fits_of(&self, rank: usize) -> Result<table::Matched<T>, StudyError> {
        let keys: Vec<Key> = self.source.keys()?.into_iter().filter(|key| key.rank == rank).collect();
        if keys.is_empty() {
            let ranks: Vec<String> = self.rows.iter().map(|row| row.k.to_string()).collect();
            return Err(StudyError::NoRank {
                rank,
                ranks: if ranks.is_empty() { "no rank".into() } else { ranks.join(", ") },
            });
        }
        matched(rank, self.source.records(&keys)?)
    }

    fn dir(&self) -> std::path::PathBuf {
        match &self.source {
            Source::Memory(_) => "in memory".into(),
            Source::Folder(folder) => folder.dir().to_owned(),
        }
    }

    /// Fits and other jobs that have a record, by whether they failed.
    pub(crate) fn counts(&self) -> Result<(usize, usize), StudyError> {
        let failed: usize = self.rows.iter().map(|row| row.failed).sum();
        Ok((self.source.keys()?.len(), failed))
    }
}

impl<T: Scalar> Source<T> {
    fn keys(&self) -> Result<Vec<Key>, StudyError> {
        match self {
            Self::Memory(records) => Ok(records.iter().map(|record| record.key).collect()),
            Self::Folder(folder) => folder.keys(),
        }
    }

    pub(crate) fn records(&self, keys: &[Key]) -> Result<Vec<Record<T>>, StudyError> {
        match self {
            Self::Memory(records) => {
                Ok(records.iter().filter(|record| keys.contains(&record.key)).cloned().collect())
            }
            Self::Folder(folder) => keys.iter().map(|&key| folder.record(key)).collect(),
        }
    }
}
