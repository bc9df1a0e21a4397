//! The front door: options, and the call that fits.

use std::sync::Arc;
use std::time::Duration;

use orthant_kernel::Dense;

use crate::error::invalid;
use crate::known::{self, Limits};
use crate::line_weights::LineWeights;
use crate::observe::{Iteration, Observer};
use crate::random::{Generator, RandomState};
use crate::ranks::{Communicator, Ranks};
use crate::{
    Cancel, Checkpoint, EntryWeights, Error, Factor, Holdout, Init, InitKind, Loss, Method, Missing, Model,
    Options, Penalty, Products, Real, Report, Scale, Stop, StopReason, ToMatrix, Update, scale,
};

/// Non-negative matrix factorisation of V (m×n, samples in rows) into W (m×k) · H (k×n).
///
/// ```
/// use orthant::{Dense, Nmf};
/// // two parts, mixed
/// let v = Dense::from_fn(20, 12, |i, j| if (i + j) % 2 == 0 { 3.0 } else { 1.0 });
/// let fit = Nmf::<f64>::new(2).seed(1).fit(&v)?;
/// assert!(fit.report.relative_error < 1e-3);
/// assert_eq!((fit.w.nrows(), fit.w.ncols()), (20, 2));
/// assert_eq!(fit.model.components().ncols(), 12);
/// # Ok::<(), orthant::Error>(())
/// ```
///
/// [`Nmf::new`] has the library's own defaults, which reach a given loss soonest. [`Nmf::sklearn`] has the same start,
/// updates and stopping as `sklearn.decomposition.NMF(k)`, and its numbers.
///
/// Cost of an iteration: 4mnk flops for the products and 2(m+n)k² a sweep; V is read once, and a
/// second time where the loss is below 256·ε·‖V‖², so small that only the residual itself can tell it. Memory: V as given,
/// the factors, and the accumulators that [`Plan::accumulators`](crate::Plan::accumulators) counts.
#[derive(Clone, Debug)]
pub struct Nmf<T> {
    pub(crate) options: Options,
    /// The start of the kind that the options name, with its factors if these are given.
    pub(crate) init: Option<Init<T>>,
    pub(crate) random: Generator,
    pub(crate) cancel: Option<Cancel>,
    /// What to go on from.
    pub(crate) checkpoint: Option<Arc<Checkpoint>>,
    /// How much entries count, if they do not count alike.
    pub(crate) weights: Option<Arc<EntryWeights<T>>>,
    /// How often rows and columns count, if not once each.
    pub(crate) lines: LineWeights,
    /// What is known of W and of H.
    pub(crate) known: Arc<[Factor<T>; 2]>,
    /// Who work on the fit together.
    pub(crate) ranks: Ranks,
}

/// A finished fit.
#[derive(Clone, Debug)]
pub struct Fit<T> {
    /// W, m×k: the weights of each sample.
    pub w: Dense<T>,
    /// H (k×n, the components) with what `transform` needs.
    pub model: Model<T>,
    /// Why it stopped, and every figure.
    pub report: Report,
    /// The [generator](Nmf::random_state), if one was given, as the fit left it.
    pub random_state: Option<RandomState>,
}

impl<T: Real> Fit<T> {
    /// The same factorisation at another scale, whatever fixed the scale of the fit: WH is unchanged but for rounding. The
    /// value of penalties can change; the report's figures are those of the fit, its components those of the result.
    ///
    /// ```
    /// use orthant::{Dense, Nmf, Scale};
    /// let v = Dense::from_fn(9, 7, |i, j| ((i + 1) * (j + 2)) as f64);
    /// let fit = Nmf::sklearn(1).fit(&v)?.rescaled(Scale::Balanced);
    /// let norm = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
    /// let (w, h) = (norm(fit.w.as_slice()), norm(fit.model.components().as_slice()));
    /// assert!((w - h).abs() < 1e-12 * w);
    /// # Ok::<(), orthant::Error>(())
    /// ```
    #[must_use]
    pub fn rescaled(mut self, scale: Scale) -> Self {
        let mut h = self.model.components().clone();
        scale::apply(scale, &mut self.w, &mut h);
        self.report.components = scale::components(&self.w, &h);
        Self { model: self.model.with_components(h), ..self }
    }
}

impl<T: Real> Nmf<T> {
    /// `rank` components by [`Update::Auto`] for the Frobenius loss, until [`Stop::Progress`] at 1e-5, at most 500 iterations.
    pub fn new(rank: usize) -> Self {
        Self::from_options(Options::new(rank, Method::auto(Loss::Frobenius)))
    }

    /// A fit with these options, of the whole data at once: those of mini-batches have no meaning here. Where the options
    /// say [`InitKind::Custom`](crate::InitKind::Custom), [`init`](Self::init) gives the factors.
    pub fn from_options(options: Options) -> Self {
        let init = options.init.and_then(InitKind::init);
        Self {
            init,
            random: Generator::Seed(options.seed),
            options,
            cancel: None,
            checkpoint: None,
            weights: None,
            lines: LineWeights::default(),
            known: Arc::new([Factor::new(), Factor::new()]),
            ranks: Ranks::default(),
        }
    }

    /// The options as they stand.
    ///
    /// ```
    /// use orthant::{Nmf, Options, Method};
    /// assert_eq!(Nmf::<f64>::sklearn(3).options(), &Options::new(3, Method::cd()));
    /// ```
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// `rank` components as scikit-learn's default solver does it: [`Update::Cd`] until [`Stop::Violation`] at
    /// 1e-4, at most 200 iterations, from `init=None`.
    ///
    /// ```
    /// use orthant::{Dense, Nmf, Init};
    /// let x = [1.0, 1.0, 2.0, 1.0, 3.0, 1.2, 4.0, 1.0, 5.0, 0.8, 6.0, 1.0];
    /// let x = Dense::from_vec(x.to_vec(), 6, 2).unwrap();
    /// let fit = Nmf::<f64>::sklearn(2).init(Init::Random).seed(0).fit(&x)?;
    /// assert_eq!(fit.report.iterations, 30);
    /// assert!((fit.report.reconstruction_error - 0.00115993492160).abs() < 1e-13);
    /// # Ok::<(), orthant::Error>(())
    /// ```
    pub fn sklearn(rank: usize) -> Self {
        Self::from_options(Options::new(rank, Method::cd()))
    }

    /// The loss, the update, extrapolation and sweeps, all at once. Unless [`stop`](Self::stop) says otherwise, the stopping rule is
    /// the one that belongs to the update: [`Stop::Violation`] for CD and [`Stop::ErrorDecrease`] for MU (1e-4 both, as
    /// scikit-learn), [`Stop::Progress`] (1e-5) for the others.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.options.method = method;
        self
    }

    /// What is minimised, penalties aside; default [`Loss::Frobenius`].
    ///
    /// ```
    /// use orthant::{Dense, Loss, Nmf};
    /// let counts = Dense::from_fn(9, 7, |i, j| ((i + j) % 4) as f64);
    /// let fit = Nmf::new(2).loss(Loss::KullbackLeibler).fit(&counts)?;
    /// assert_eq!(fit.report.loss_function, Loss::KullbackLeibler);
    /// # Ok::<(), orthant::Error>(())
    /// ```
    #[must_use]
    pub fn loss(mut self, loss: Loss) -> Self {
        self.options.method.loss = loss;
        self
    }

    /// The update of the factors; default [`Update::Auto`], of [`Nmf::sklearn`] [`Update::Cd`]. The stopping rule that belongs to it
    /// comes with it, as for [`method`](Self::method).
    ///
    /// ```
    /// use orthant::{Dense, Nmf, Update};
    /// let v = Dense::from_fn(9, 7, |i, j| ((i + j) % 4) as f64);
    /// let fit = Nmf::new(2).update(Update::Hals).fit(&v)?;
    /// assert!(fit.report.history.windows(2).all(|p| p[1].objective <= p[0].objective * (1.0 + 1e-9)));
    /// # Ok::<(), orthant::Error>(())
    /// ```
    #[must_use]
    pub fn update(mut self, update: Update) -> Self {
        self.options.method.update = update;
        self
    }

    /// Whether both factors are [extrapolated](Method#extrapolation). Unless it is said, [`Update::Auto`] is and a named update is
    /// not.
    #[must_use]
    pub fn extrapolate(mut self, extrapolate: bool) -> Self {
        self.options.method.extrapolate = Some(extrapolate);
        self
    }

    /// Sweeps over each factor an iteration, at least 1, of the updates that [can have several](Update::takes_sweeps). Unless it is
    /// said, as many as pay.
    #[must_use]
    pub fn sweeps(mut self, sweeps: usize) -> Self {
        self.options.method.sweeps = Some(sweeps);
        self
    }

    /// The stopping rule, with its tolerance.
    #[must_use]
    pub fn stop(mut self, stop: Stop) -> Self {
        (self.options.stop, self.options.tol) = (Some(stop), None);
        self
    }

    /// The tolerance of the stopping rule, whichever it is.
    #[must_use]
    pub fn tol(mut self, tol: f64) -> Self {
        self.options.tol = Some(tol);
        self
    }

    /// Where to start. The default is scikit-learn's for its methods ([`Init::Nndsvda`], or [`Init::Random`] if the
    /// rank is above the smaller side of V), and [`Init::ScaledRandom`] for the others.
    #[must_use]
    pub fn init(mut self, init: Init<T>) -> Self {
        self.options.init = Some(init.kind());
        Self { init: Some(init), ..self }
    }

    /// Seed of everything random; default 0. Each use (the SVD of a start, the numbers of a start, shuffling) begins
    /// its stream anew, as an integer `random_state` does in scikit-learn.
    #[must_use]
    pub fn seed(mut self, seed: u32) -> Self {
        self.options.seed = seed;
        Self { random: Generator::Seed(seed), ..self }
    }

    /// A generator that every use continues, as a `RandomState` given to scikit-learn. Each fit starts from this
    /// state, and tells in [`Fit::random_state`] where it has come to.
    #[must_use]
    pub fn random_state(self, state: RandomState) -> Self {
        Self { random: Generator::State(state), ..self }
    }

    /// Which entries of V are not observed; default none. A NaN that is not said to be missing is an error.
    #[must_use]
    pub fn missing(mut self, missing: Missing) -> Self {
        self.options.missing = missing;
        self
    }

    /// Which entries are held out of the fit, to see how well it [predicts](Report::heldout) them; default none. Of sparse data only where
    /// its zeros are missing. Of dense data a copy is made, without them.
    #[must_use]
    pub fn holdout(mut self, holdout: Holdout) -> Self {
        self.options.holdout = Some(holdout);
        self
    }

    /// How much each entry of V counts; default all alike. With [`EntryWeights::observed`], which are observed.
    #[must_use]
    pub fn entry_weights(self, weights: EntryWeights<T>) -> Self {
        Self { weights: Some(Arc::new(weights)), ..self }
    }

    /// How often each of the m rows counts; default once. A row of weight 2 counts as two rows that are the same, its penalty on W
    /// too; one of weight 0 has no part in H, and its row of W is what [`Model::transform`] finds. A copy of V's elements is made.
    ///
    /// ```
    /// use orthant::{Dense, Init, Nmf};
    /// // the second row three times, once as rows and once by its weight
    /// let rows = [[1.0, 2.0, 0.5], [2.0, 0.0, 3.0]];
    /// let often = Dense::from_fn(4, 3, |i, j| rows[i.min(1)][j]);
    /// let once = Dense::from_fn(2, 3, |i, j| rows[i][j]);
    /// let start = |m| Init::Custom { w: Dense::from_fn(m, 1, |_, _| 1.0), h: Dense::from_fn(1, 3, |_, _| 1.0) };
    /// let often = Nmf::new(1).init(start(4)).fit(&often)?;
    /// let once = Nmf::new(1).init(start(2)).row_weights(&[1.0, 3.0]).fit(&once)?;
    /// assert!((often.report.loss - once.report.loss).abs() < 1e-9);
    /// # Ok::<(), orthant::Error>(())
    /// ```
    #[must_use]
    pub fn row_weights(mut self, weights: &[f64]) -> Self {
        self.lines.rows = Some(weights.into());
        self
    }

    /// How often each of the n columns counts; default once. As [`row_weights`](Self::row_weights): the penalty on H counts as often, and
    /// a column of weight 0 has no part in W. The model [keeps](Model::column_weights) them, as new rows are fitted by them too.
    #[must_use]
    pub fn column_weights(mut self, weights: &[f64]) -> Self {
        self.lines.columns = Some(weights.into());
        self
    }

    /// What is known of W, m×k: entries that are fixed, and bounds. The result is then at the scale that this sets.
    #[must_use]
    pub fn w(mut self, known: Factor<T>) -> Self {
        Arc::make_mut(&mut self.known)[0] = known;
        self
    }

    /// Likewise of H, k×n.
    #[must_use]
    pub fn h(mut self, known: Factor<T>) -> Self {
        Arc::make_mut(&mut self.known)[1] = known;
        self
    }

    /// The bounds of W and of Hᵀ, for data of m×n.
    pub(crate) fn limits(&self, m: usize, n: usize) -> Result<[Option<Limits<T>>; 2], Error> {
        let ([of_w, of_h], k) = (&*self.known, self.options.rank);
        Ok([of_w.limits(&known::W, m, k)?, of_h.limits(&known::H, n, k)?])
    }

    /// Whether anything is known of W or H.
    pub(crate) fn knows(&self) -> bool {
        self.known.iter().any(Factor::is_known)
    }

    /// Whether coordinate descent takes the components in an order that is drawn for every half-step; default not.
    /// Only for [`Update::Cd`].
    #[must_use]
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.options.shuffle = shuffle;
        self
    }

    /// Whether the start is improved on a sketch of V, or found on a sample of the rows of sparse data, before V itself is
    /// iterated on. The default is [`Update::Auto`]'s choice (a sample needs five entries for each number of H, and factors
    /// that are not given), and not to with the other methods. Only for [`Update::Auto`] with the Frobenius loss and, with a
    /// sketch: an extrapolated update for the Frobenius loss. Not where H is given.
    ///
    /// The iterations on the sketch or the sample are counted apart ([`Report::compression`]), and no observer sees them.
    #[must_use]
    pub fn compress(mut self, compress: bool) -> Self {
        self.options.compress = Some(compress);
        self
    }

    /// L1 and L2 penalties; default none.
    #[must_use]
    pub fn penalty(mut self, penalty: Penalty) -> Self {
        self.options.penalty = penalty;
        self
    }

    /// The scale and the order that the components end with. The default is [`Scale::HSum`], but [`Scale::None`] where
    /// something else fixes the scale, a penalty or factors that are given, and for scikit-learn's methods. With a penalty or
    /// where H is given there is no other.
    #[must_use]
    pub fn scale(mut self, scale: Scale) -> Self {
        self.options.scale = Some(scale);
        self
    }

    /// Iteration limit, at least 1.
    #[must_use]
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.options.max_iter = max_iter;
        self
    }

    /// Time limit. The fit ends with the iteration in which it passes, or within it where that takes more than 0.3 seconds more;
    /// that is an error where it is the first one ([`Error::TimeLimit`]).
    #[must_use]
    pub fn max_time(mut self, limit: Duration) -> Self {
        self.options.max_time = Some(limit);
        self
    }

    /// Threads, at least 1. The default is the rayon pool that the call runs in. The result is the same to the
    /// bit on any number.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.options.threads = Some(threads);
        self
    }

    /// Bytes that the fit may take besides the data, which it does not copy. What only saves time is left out where it would
    /// take more: a sketch, the copies that extrapolation needs (with [`Update::Auto`]), the transpose of sparse data.
    /// [`Explanation::working_bytes`](crate::Explanation::working_bytes) is what a fit takes at most.
    ///
    /// By default there is no limit, but with sparse data such copies are not to take more than 64 MiB, or a fifth of the
    /// data and the factors where that is more.
    ///
    /// ```
    /// use orthant::{Dense, Error, Nmf};
    /// let v = Dense::from_fn(500, 400, |i, j| ((i * j) % 7) as f64);
    /// let error = Nmf::new(5).memory_limit(10_000).fit(&v).unwrap_err();
    /// assert!(matches!(error, Error::MemoryLimit { have: 10_000, .. }));
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.options.memory_limit = Some(bytes);
        self
    }

    /// What multiplies V with the factors; default [`Products::Fused`]. Sparse data goes with those alone.
    #[must_use]
    pub fn products(mut self, products: Products) -> Self {
        self.options.products = products;
        self
    }

    /// Rows of V (columns, if it is column-major) in a cache block, instead of the built-in choice. With the
    /// fused kernels the result is the same to the bit for any size.
    #[must_use]
    pub fn block(mut self, rows: usize) -> Self {
        self.options.block = Some(rows);
        self
    }

    /// A flag that ends the fit with its current iteration, or within it where that takes more than 0.3 seconds more. A fit
    /// that has not ended an iteration then is an error ([`Error::Interrupted`]). Final figures that take longer than that are
    /// left out ([`Warning::Unmeasured`](crate::Warning::Unmeasured)).
    #[must_use]
    pub fn cancel(self, cancel: &Cancel) -> Self {
        Self { cancel: Some(cancel.clone()), ..self }
    }

    /// Goes on from where an earlier fit of the same data with the same options stood. The limits of iterations and time and the
    /// threads may be others. Time is counted from this call, but for the [history](Report::history). A start that is given is not
    /// looked at again.
    ///
    /// A fit of anything else is [`Error::CheckpointMismatch`].
    #[must_use]
    pub fn checkpoint(self, checkpoint: Checkpoint) -> Self {
        Self { checkpoint: Some(Arc::new(checkpoint)), ..self }
    }

    /// Shares the work of a fit with other processes, its *ranks*: each calls the same fit with the same options, on the same data
    /// [read by lines](crate::OutOfCore), of which it reads its own share in each iteration. Every rank has the whole result, which
    /// is that of one process to the bit. [`LocalCommunicator`](crate::LocalCommunicator) has an example, and `docs/cluster.md` says what a fit sends and
    /// keeps.
    ///
    /// An error of one rank ends the fit on all, and so does a raised flag or a passed time limit, each with the next exchange.
    #[must_use]
    pub fn communicator(self, communicator: Arc<dyn Communicator>) -> Self {
        Self { ranks: Ranks::new(communicator), ..self }
    }

    /// Factorises `v`, which is not copied.
    ///
    /// # Errors
    /// [`Error`], if `v` has entries that are negative or not finite, or is empty; or an option is outside its
    /// range. Not converging is no error: see [`Report::stop_reason`].
    pub fn fit(&self, v: &impl ToMatrix<T>) -> Result<Fit<T>, Error> {
        self.fit_observed(v, &mut |_: &Iteration<'_, T>| std::ops::ControlFlow::<StopReason>::Continue(()))
    }

    /// The same, showing every iteration to `observer`.
    ///
    /// # Errors
    /// As [`fit`](Self::fit); a panic in the observer is [`Error::Panicked`].
    pub fn fit_observed(
        &self,
        v: &impl ToMatrix<T>,
        observer: &mut (impl Observer<T> + Send),
    ) -> Result<Fit<T>, Error> {
        T::fit(self, &v.to_matrix()?, None, observer)
    }

    /// W for `v` with H given and kept: what scikit-learn's `non_negative_factorization(update_H=False)` does, and
    /// with [`Nmf::sklearn`]'s options its `transform`.
    ///
    /// W starts from 0, or from √(mean(V)/k) with multiplicative updates; the stopping rule looks at all rows
    /// together, so that a row's weights depend on the rows beside it. [`Model::transform`] solves each row on its own.
    ///
    /// ```
    /// use orthant::{Dense, Nmf};
    /// let v = Dense::from_fn(6, 4, |i, j| (i * j + 1) as f64);
    /// let h = Dense::from_vec(vec![1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 2.0, 3.0], 2, 4)?;
    /// let fit = Nmf::sklearn(2).tol(1e-12).fit_weights(&v, &h)?;
    /// assert_eq!(fit.model.components(), &h);
    /// assert!((fit.w[(3, 0)] - 1.0).abs() < 1e-6 && (fit.w[(3, 1)] - 3.0).abs() < 1e-6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`fit`](Self::fit), [`Error::ShapeMismatch`] unless `h` is k×n, and [`Error::Unsupported`] if a start was
    /// chosen, which H leaves no room for.
    pub fn fit_weights(&self, v: &impl ToMatrix<T>, h: &Dense<T>) -> Result<Fit<T>, Error> {
        self.fit_weights_observed(v, h, &mut |_: &Iteration<'_, T>| {
            std::ops::ControlFlow::<StopReason>::Continue(())
        })
    }

    /// The same, showing every iteration to `observer`.
    ///
    /// # Errors
    /// As [`fit_weights`](Self::fit_weights); a panic in the observer is [`Error::Panicked`].
    pub fn fit_weights_observed(
        &self,
        v: &impl ToMatrix<T>,
        h: &Dense<T>,
        observer: &mut (impl Observer<T> + Send),
    ) -> Result<Fit<T>, Error> {
        T::fit(self, &v.to_matrix()?, Some(h), observer)
    }

    /// The start alone: W (m×k) and H (k×n) as the first iteration would find them.
    ///
    /// ```
    /// use orthant::{Dense, Nmf, Init};
    /// let v = Dense::from_fn(8, 5, |i, j| (i + j) as f64);
    /// let (w, h) = Nmf::sklearn(2).init(Init::Random).seed(0).init_factors(&v)?;
    /// assert_eq!((w.nrows(), h.ncols()), (8, 5));
    /// # Ok::<(), orthant::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn init_factors(&self, v: &impl ToMatrix<T>) -> Result<(Dense<T>, Dense<T>), Error> {
        T::init_factors(self, &v.to_matrix()?)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        self.options.check()?;
        given(&self.options, self.init.as_ref())
    }
}

/// Refuses options that name factors which nobody gave.
pub(crate) fn given<T>(options: &Options, start: Option<&Init<T>>) -> Result<(), Error> {
    if options.starts_at_factors() && start.is_none() {
        return Err(invalid("start", "custom", "a start that needs no factors, unless they are given"));
    }
    Ok(())
}
