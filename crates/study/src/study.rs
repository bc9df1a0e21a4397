//! The front door: what is studied.

use std::path::Path;

use orthant::{
    Cancel, EntryWeights, Error, Explanation, InitKind, Loss, Matrix, Method, Missing, Nmf, Options, ToMatrix,
};
use orthant_io::{Fingerprint, Scalar};

use crate::error::{invalid, unsupported};
use crate::folder::{Folder, Manifest};
use crate::holdout::DIVISIONS;
use crate::run::{self, Ended};
use crate::variation::{resample, subset};
use crate::{Holdout, Key, Kind, Ranks, Shard, StudyError, Thresholds, Variation, data};

/// Fits of several ranks, each from several starts and on data that is held out in part.
///
/// ```
/// use orthant::Dense;
/// use orthant_study::Study;
/// // three groups of columns, each with its own rows
/// let v = Dense::from_fn(45, 18, |i, j| if i % 3 == j % 3 { (1 + (i * 7 + j * 3) % 5) as f64 } else { 0.0 });
/// let ranks = Study::new(2..=5).replicates(6).fit(&v)?;
/// assert_eq!(ranks.recommendation().rank, Some(3));
/// let consensus = ranks.consensus(&v, 3, Default::default())?;
/// assert_eq!(consensus.fit.model.components().nrows(), 3);
/// # Ok::<(), orthant_study::StudyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Study<T> {
    pub(crate) ranks: Vec<usize>,
    pub(crate) replicates: usize,
    pub(crate) fit: Options,
    pub(crate) weights: Option<EntryWeights<T>>,
    pub(crate) variation: Variation,
    pub(crate) holdout: Holdout,
    pub(crate) folds: usize,
    pub(crate) thresholds: Thresholds,
    pub(crate) shard: Option<Shard>,
    pub(crate) cancel: Cancel,
    origin: Option<serde_json::Value>,
}

/// The share of the entries that a window holds out, and how many of its folds are tested.
const WINDOW: f64 = 0.05;
const WINDOWS: usize = 5;

/// What a study will do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Fits that are compared.
    pub fits: usize,
    /// What differs between them.
    pub variation: Variation,
    /// Fits of a part of it.
    pub held_out: usize,
    /// How data is held out; never [`Holdout::Auto`].
    pub holdout: Holdout,
    /// How many jobs are done side by side, a thread each; none where all threads do one job after the other.
    pub side_by_side: Option<usize>,
    /// Threads.
    pub threads: usize,
    /// Bytes of V.
    pub data_bytes: usize,
    /// Bytes besides, at most, while jobs run.
    pub working_bytes: usize,
    /// A fit of the largest rank.
    pub largest: Explanation,
}

impl<T: Scalar> Study<T> {
    /// Of these numbers of components: 30 fits of each by [`Nmf::new`]'s method, and data held out as [`Holdout::Auto`] says.
    pub fn new(ranks: impl IntoIterator<Item = usize>) -> Self {
        Self {
            ranks: ranks.into_iter().collect(),
            replicates: 30,
            fit: Options::new(1, Method::auto(Loss::Frobenius)),
            weights: None,
            variation: Variation::Starts,
            holdout: Holdout::Auto,
            folds: 5,
            thresholds: Thresholds::default(),
            shard: None,
            cancel: Cancel::new(),
            origin: None,
        }
    }

    /// Of other numbers of components.
    #[must_use]
    pub fn ranks(self, ranks: impl IntoIterator<Item = usize>) -> Self {
        Self { ranks: ranks.into_iter().collect(), ..self }
    }

    /// The options of every fit; the rank in them says nothing, and the seed is that of the study.
    #[must_use]
    pub fn options(self, fit: Options) -> Self {
        Self { fit, ..self }
    }

    /// The seed that the seeds of all jobs follow from ([`Key::seed`]).
    #[must_use]
    pub fn seed(mut self, seed: u32) -> Self {
        self.fit.seed = seed;
        self
    }

    /// Fits of each rank that are compared, each from a start of its own, at least 1; default 30.
    #[must_use]
    pub fn replicates(self, replicates: usize) -> Self {
        Self { replicates, ..self }
    }

    /// How much each entry counts, in every fit.
    #[must_use]
    pub fn entry_weights(self, weights: EntryWeights<T>) -> Self {
        Self { weights: Some(weights), ..self }
    }

    /// What differs between these fits besides their starts; default nothing.
    ///
    /// ```
    /// use orthant::Dense;
    /// use orthant_study::{Study, Variation};
    /// let v = Dense::from_fn(30, 12, |i, j| if i % 2 == j % 2 { ((i * 5 + j) % 7 + 1) as f64 } else { 0.0 });
    /// let ranks = Study::new(2..=3).replicates(4).vary(Variation::Resample).fit(&v)?;
    /// assert!(ranks.table()[0].silhouette_mean > Some(0.9));
    /// # Ok::<(), orthant_study::StudyError>(())
    /// ```
    #[must_use]
    pub fn vary(self, variation: Variation) -> Self {
        Self { variation, ..self }
    }

    /// How data is held out.
    #[must_use]
    pub fn holdout(self, holdout: Holdout) -> Self {
        Self { holdout, ..self }
    }

    /// Folds that counts are shared out among, at least 2; default 5.
    #[must_use]
    pub fn folds(self, folds: usize) -> Self {
        Self { folds, ..self }
    }

    /// What a rank needs to be called stable.
    #[must_use]
    pub fn thresholds(self, thresholds: Thresholds) -> Self {
        Self { thresholds, ..self }
    }

    /// A part of the jobs only. It goes with [`fit_into`](Self::fit_into); what shards have left is done by a run without one.
    #[must_use]
    pub fn shard(self, shard: Shard) -> Self {
        Self { shard: Some(shard), ..self }
    }

    /// A flag that ends the study; what is done by then is kept.
    #[must_use]
    pub fn cancel(self, cancel: &Cancel) -> Self {
        Self { cancel: cancel.clone(), ..self }
    }

    /// Where the data comes from, for whoever reads the study: it is kept as it is given first.
    #[must_use]
    pub fn origin(self, origin: serde_json::Value) -> Self {
        Self { origin: Some(origin), ..self }
    }

    /// Does all jobs, and keeps their results in memory.
    ///
    /// # Errors
    /// [`StudyError::Fit`] for data or options that cannot be fitted, [`StudyError::Interrupted`].
    pub fn fit(&self, v: &impl ToMatrix<T>) -> Result<Ranks<T>, StudyError> {
        self.fit_observed(v, &mut |_| {})
    }

    /// The same, showing every job to `observer` when it has ended.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_observed(
        &self,
        v: &impl ToMatrix<T>,
        observer: &mut dyn FnMut(&Ended),
    ) -> Result<Ranks<T>, StudyError> {
        if self.shard.is_some() {
            return Err(unsupported("a shard in memory", "shards share a folder: fit_into").into());
        }
        let v = v.to_matrix()?;
        let holdout = self.check(&v)?;
        let records = run::in_memory(self, &v, &self.jobs(holdout), observer)?;
        Ranks::of_records(records, self.manifest(&v)?, self.thresholds)
    }

    /// Does the jobs that have no record yet in the folder of a study, which is made if need be, and reads all that there are.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and [`StudyError::Io`], [`StudyError::NotAStudy`], [`StudyError::Different`], [`StudyError::Locked`].
    pub fn fit_into(&self, v: &impl ToMatrix<T>, dir: impl AsRef<Path>) -> Result<Ranks<T>, StudyError> {
        self.fit_into_observed(v, dir, &mut |_| {})
    }

    /// The same, showing every job to `observer` when it has ended.
    ///
    /// # Errors
    /// As [`fit_into`](Self::fit_into).
    pub fn fit_into_observed(
        &self,
        v: &impl ToMatrix<T>,
        dir: impl AsRef<Path>,
        observer: &mut dyn FnMut(&Ended),
    ) -> Result<Ranks<T>, StudyError> {
        let v = v.to_matrix()?;
        let holdout = self.check(&v)?;
        let manifest = self.manifest(&v)?;
        let folder = Folder::work_on(dir.as_ref(), &manifest, self.shard)?;
        run::into_folder(self, &v, &self.jobs(holdout), &folder, observer)?;
        Ranks::of_folder(folder.released(), manifest, self.thresholds)
    }

    /// What [`fit`](Self::fit) would do.
    ///
    /// # Errors
    /// As there.
    pub fn plan(&self, v: &impl ToMatrix<T>) -> Result<Plan, StudyError> {
        let v = v.to_matrix()?;
        let holdout = self.check(&v)?;
        Ok(run::plan(self, &v, holdout)?)
    }

    /// Refuses what cannot be studied; says how data is held out.
    fn check(&self, v: &Matrix<'_, T>) -> Result<Holdout, StudyError> {
        data::in_memory(v)?;
        let Options { minibatch, max_time, init, holdout, .. } = &self.fit;
        if holdout.is_some() {
            return Err(unsupported(
                "a study of fits that hold entries out",
                "the study holds data out: holdout window",
            )
            .into());
        }
        if self.ranks.is_empty() {
            return Err(invalid("ranks", "nothing", "at least one number of components").into());
        }
        if let Some(&rank) = self.ranks.iter().find(|&&rank| rank == 0) {
            return Err(Error::InvalidRank { rank }.into());
        }
        if self.ranks.iter().any(|&rank| rank >= usize::from(u16::MAX)) {
            return Err(invalid("ranks", "65535 or more", "fewer components than that").into());
        }
        if self.replicates == 0 {
            return Err(invalid("replicates", 0, "at least 1").into());
        }
        if self.folds < 2 {
            return Err(invalid("folds", self.folds, "at least 2").into());
        }
        self.thresholds.check()?;
        self.variation.check()?;
        if minibatch.is_some() {
            return Err(unsupported(
                "a study of fits by mini-batches",
                "studies go with fits of the whole data",
            )
            .into());
        }
        if max_time.is_some() {
            return Err(unsupported(
                "a study with a limit of time for each fit, by which its results would depend on the machine,",
                "max_iter limits fits, and a study that is ended goes on where it stood",
            ).into());
        }
        let random = matches!(init, None | Some(InitKind::Random | InitKind::ScaledRandom));
        let varies = random || !self.variation.is_starts();
        if *init == Some(InitKind::Custom) || !varies && self.replicates > 1 {
            let kind = init.map_or("", InitKind::name);
            return Err(unsupported(
                format!("a study of several fits from the start {kind}, which would be the same fit"),
                "random and scaled-random give each its own; other starts but custom go with one replicate, or where vary is not starts",
            ).into());
        }
        let whole = self.fit.missing == Missing::None && self.weights.is_none();
        match self.variation {
            Variation::Resample => resample::check(v, self.fit.method.loss.beta(), whole)?,
            Variation::Rows(_) | Variation::Halves => subset::check(v.nrows(), self.weights.is_some())?,
            Variation::Starts | Variation::Noise(_) => {}
        }
        let holdout = match self.holdout {
            Holdout::Auto if !whole => Holdout::Window,
            Holdout::Auto if data::is_counts(v) => Holdout::Thin,
            Holdout::Auto => Holdout::Block,
            Holdout::Thin if !data::is_counts(v) => {
                return Err(unsupported(
                    "thinning data that is not counts",
                    "holdout block goes with any data",
                )
                .into());
            }
            Holdout::Thin | Holdout::Block if !whole => {
                return Err(unsupported(
                    "holding out data of which entries are missing or weighted",
                    "holdout window goes with it, and none",
                )
                .into());
            }
            chosen => chosen,
        };
        // data and options that no fit goes with are better known before the jobs
        self.largest(holdout).threads(1).explain(v)?;
        Ok(holdout)
    }

    /// The fit of a job.
    pub(crate) fn nmf(&self, rank: usize, seed: u32) -> Nmf<T> {
        let init = self.fit.init.or(self.fit.method.is_compatible().then_some(InitKind::Random));
        let options = Options { rank, seed, init, threads: None, ..self.fit.clone() };
        let nmf = Nmf::from_options(options).cancel(&self.cancel);
        match &self.weights {
            Some(weights) => nmf.entry_weights(weights.clone()),
            None => nmf,
        }
    }

    /// All jobs, in order.
    pub(crate) fn jobs(&self, holdout: Holdout) -> Vec<Key> {
        let mut ranks = self.ranks.clone();
        ranks.sort_unstable();
        ranks.dedup();
        let mut jobs = Vec::new();
        for &rank in &ranks {
            let key = |kind, replicate, fold| Key { kind, rank, replicate, fold };
            jobs.extend((0..self.replicates).map(|r| key(self.variation.kind(), r, 0)));
            match holdout {
                Holdout::Thin => jobs.extend((0..self.folds).map(|fold| key(Kind::Thin, 0, fold))),
                Holdout::Block => {
                    let all = (0..DIVISIONS).flat_map(|r| (0..4).map(move |fold| (r, fold)));
                    jobs.extend(all.map(|(r, fold)| key(Kind::Block, r, fold)));
                }
                Holdout::Window => jobs.extend((0..WINDOWS).map(|fold| key(Kind::Window, 0, fold))),
                Holdout::Auto | Holdout::None => {}
            }
        }
        jobs
    }

    /// A fit of the largest rank, of the kind of job that takes most memory.
    pub(crate) fn largest(&self, holdout: Holdout) -> Nmf<T> {
        let nmf = self.nmf(self.ranks.iter().copied().max().unwrap_or(1), 0);
        if holdout == Holdout::Window { nmf.holdout(self.window(0)) } else { nmf }
    }

    /// What is held out of a fold.
    pub(crate) fn window(&self, fold: usize) -> orthant::Holdout {
        orthant::Holdout { fraction: WINDOW, fold, seed: self.fit.seed.into() }
    }

    fn manifest(&self, v: &Matrix<'_, T>) -> Result<Manifest, StudyError> {
        let weights = self.weights.as_ref().map(data::fingerprint_of_weights);
        let input = Fingerprint::of(v)?;
        Ok(Manifest::new(&self.fit, input, weights, self.folds, self.variation, self.origin.clone()))
    }
}
