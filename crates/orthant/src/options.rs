//! The options of a fit as plain data.

use std::time::Duration;

use crate::error::invalid;
use crate::{
    Error, Holdout, Init, InitKind, Loss, Method, Missing, Penalty, Products, Scale, Stop, Support, clock,
};

/// The options of a fit: all that is chosen besides the data, given factors and a generator's state.
///
/// [`Nmf`](crate::Nmf) and [`MiniBatchNmf`](crate::MiniBatchNmf) are builders of it, and are built from it. With the feature
/// `serde` it can be stored beside a result; when it is read, a missing field has its default.
///
/// ```
/// use orthant::{Dense, Method, Nmf, Options};
/// let options = Options { max_iter: 50, ..Options::new(2, Method::cd()) };
/// let v = Dense::from_fn(5, 4, |i, j| (i + j) as f64);
/// let fit = Nmf::from_options(options).fit(&v)?;
/// assert!(fit.report.iterations <= 50);
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Options {
    /// Number of components k, at least 1.
    pub rank: usize,
    /// The loss, the update, and whether it is extrapolated. Mini-batches go by [`Update::Mu`](crate::Update::Mu) alone.
    pub method: Method,
    /// Where to start; `None` is the method's default. [`InitKind::Custom`] needs the factors too:
    /// [`Nmf::init`](crate::Nmf::init).
    #[cfg_attr(feature = "serde", serde(default))]
    pub init: Option<InitKind>,
    /// The stopping rule; `None` is the method's default. Mini-batches have a rule of their own, which takes the tolerance.
    #[cfg_attr(feature = "serde", serde(default))]
    pub stop: Option<Stop>,
    /// Tolerance of the stopping rule, at least 0, instead of the rule's own.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub tol: Option<f64>,
    /// Limit of iterations, at least 1; of mini-batches, of passes over V.
    pub max_iter: usize,
    /// Limit of time, looked at after each iteration.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub max_time: Option<Duration>,
    /// Which entries of V are not observed.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Missing::is_none"))]
    pub missing: Missing,
    /// Which entries are held out of the fit, to see how well it predicts them, if any are.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub holdout: Option<Holdout>,
    /// L1 and L2 penalties.
    #[cfg_attr(feature = "serde", serde(default))]
    pub penalty: Penalty,
    /// The scale and the order that components end with; `None` leaves it to what else fixes it.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub scale: Option<Scale>,
    /// Seed of everything random.
    #[cfg_attr(feature = "serde", serde(default))]
    pub seed: u32,
    /// Whether coordinate descent draws the order of the components.
    #[cfg_attr(feature = "serde", serde(default))]
    pub shuffle: bool,
    /// Whether the start is improved on a sketch or a sample of V; `None` leaves it to the method.
    #[cfg_attr(feature = "serde", serde(default))]
    pub compress: Option<bool>,
    /// What multiplies V with the factors.
    #[cfg_attr(feature = "serde", serde(default))]
    pub products: Products,
    /// Threads, at least 1; `None` is the rayon pool that the call runs in. No bit of the result depends on it.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub threads: Option<usize>,
    /// The most bytes that the fit may take besides V, if there is a limit.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub memory_limit: Option<usize>,
    /// Rows of V (columns, if it is column-major) in a cache block, at least 1; `None` is the built-in choice.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub block: Option<usize>,
    /// The options of a fit by mini-batches, if it is one.
    #[cfg_attr(feature = "serde", serde(default))]
    pub minibatch: Option<BatchOptions>,
}

/// The options that only a fit by mini-batches has. The default is scikit-learn's.
///
/// ```
/// use orthant::{BatchOptions, Dense, Loss, Method, MiniBatchNmf, Options};
/// let minibatch = Some(BatchOptions { batch_size: 20, ..BatchOptions::default() });
/// let options = Options { minibatch, ..Options::new(2, Method::mu(Loss::KullbackLeibler)) };
/// let v = Dense::from_fn(50, 6, |i, j| ((i + j) % 5) as f64);
/// let fit = MiniBatchNmf::from_options(options).fit(&v)?;
/// assert_eq!(fit.model.loss(), Loss::KullbackLeibler);
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
pub struct BatchOptions {
    /// Rows in a batch, at least 1.
    pub batch_size: usize,
    /// What is left of the past after a pass, from 0 to 1.
    pub forget_factor: f64,
    /// Whether each step solves for W from a constant.
    pub fresh_restarts: bool,
    /// The most updates of W in a fresh restart, at least 1.
    pub fresh_restarts_max_iter: usize,
    /// The most updates of W for new rows, at least 1; `None` is the limit of passes.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub transform_max_iter: Option<usize>,
    /// Steps without improvement that end the fit, at least 1; `None` for no such limit.
    pub max_no_improvement: Option<usize>,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self {
            batch_size: 1024,
            forget_factor: 0.7,
            fresh_restarts: false,
            fresh_restarts_max_iter: 30,
            transform_max_iter: None,
            max_no_improvement: Some(10),
        }
    }
}

impl Options {
    /// The defaults that go with a method: at most 200 iterations of scikit-learn's methods, 500 of the others.
    pub fn new(rank: usize, method: Method) -> Self {
        Self {
            rank,
            method,
            init: None,
            stop: None,
            tol: None,
            max_iter: if method.is_compatible() { 200 } else { 500 },
            max_time: None,
            missing: Missing::None,
            holdout: None,
            penalty: Penalty::default(),
            scale: None,
            seed: 0,
            shuffle: false,
            compress: None,
            products: Products::default(),
            threads: None,
            memory_limit: None,
            block: None,
            minibatch: None,
        }
    }

    /// The stopping rule in force. Unless [`stop`](Self::stop) says otherwise, it is the one that belongs to the method:
    /// [`Stop::Violation`] for CD and [`Stop::ErrorDecrease`] for MU (1e-4 both, as scikit-learn),
    /// [`Stop::Progress`] (1e-5) for the others.
    ///
    /// ```
    /// use orthant::{Method, Options, Stop};
    /// let options = Options { tol: Some(0.5), ..Options::new(2, Method::cd()) };
    /// assert_eq!(options.stopping(), Stop::Violation { tol: 0.5 });
    /// ```
    pub fn stopping(&self) -> Stop {
        let rule = self.stop.unwrap_or(self.method.stop());
        rule.at(self.tol.unwrap_or(rule.tol()))
    }

    /// Where a fit of an m×n matrix starts if nothing is said.
    pub(crate) fn default_start<T>(&self, m: usize, n: usize) -> Init<T> {
        match self.method.is_compatible() {
            true if self.rank <= m.min(n) => Init::Nndsvda,
            true => Init::Random,
            false => Init::ScaledRandom,
        }
    }

    /// Whether factors are given to start from.
    pub(crate) fn starts_at_factors(&self) -> bool {
        self.init == Some(InitKind::Custom)
    }

    /// Whether there is a penalty.
    pub(crate) fn penalises(&self) -> bool {
        self.penalty.alpha_w > 0.0 || self.penalty.alpha_h() > 0.0
    }

    /// Whether nothing fixes the factors but their product: no penalty, nothing given, no other library's numbers.
    pub(crate) fn is_free(&self, given: bool) -> bool {
        !given && !self.starts_at_factors() && !self.penalises() && !self.method.is_compatible()
    }

    /// The scale in force: as chosen, or h-sum where nothing else fixes the scale.
    pub(crate) fn scaling(&self, given: bool) -> Scale {
        self.scale.unwrap_or(if self.is_free(given) { Scale::HSum } else { Scale::None })
    }

    /// Refuses a scale that is not free.
    pub(crate) fn check_scale(&self, given: bool) -> Result<(), Error> {
        let what = match self.scale {
            None | Some(Scale::None) => return Ok(()),
            Some(scale) if given => format!("scale {scale} where H is given"),
            Some(scale) if self.penalises() => format!("scale {scale} with a penalty"),
            Some(_) => return Ok(()),
        };
        let supported = "there the scale is fixed and stays as it is (none); a finished fit can be rescaled";
        Err(Error::Unsupported { what, supported: supported.into() })
    }

    /// What of a fit with these options needs V in memory, if anything does: of dense data that lies by rows, or by columns. All
    /// else is done [out of core](crate::OutOfCore).
    ///
    /// ```
    /// use orthant::{Loss, Method, Options};
    /// assert_eq!(Options::new(5, Method::auto(Loss::KullbackLeibler)).needs_memory(false), None);
    /// assert_eq!(Options::new(5, Method::newton()).needs_memory(false), Some("Newton's steps for both factors"));
    /// ```
    pub fn needs_memory(&self, by_columns: bool) -> Option<&'static str> {
        self.needs_memory_for(by_columns, false)
    }

    /// The same of a fit in which H is given, if `fixed`.
    pub(crate) fn needs_memory_for(&self, by_columns: bool, fixed: bool) -> Option<&'static str> {
        // a number of sweeps asks for Newton's steps; else there are others to choose
        let chosen = !self.method.is_automatic() || self.method.sweeps.is_some();
        let newton = chosen && self.method.resolved_for(self.rank, fixed).is_newton();
        let needs = [
            (self.missing != Missing::None, "missing entries"),
            (self.holdout.is_some(), "entries that are held out"),
            (newton && (!fixed || by_columns), "Newton's steps for both factors"),
            (by_columns && self.init == Some(InitKind::Spa), "the start spa of columns"),
            (by_columns && self.minibatch.is_some(), "mini-batches of columns"),
        ];
        needs.into_iter().find(|(asked, _)| *asked).map(|(_, what)| what)
    }

    /// What every fit asks of its options.
    fn check_common(&self) -> Result<(), Error> {
        if self.rank == 0 {
            return Err(Error::InvalidRank { rank: self.rank });
        }
        self.penalty.check()?;
        self.holdout.map_or(Ok(()), |holdout| holdout.check())?;
        check_loss(self.method.loss)?;
        clock::check_limit(self.max_time)?;
        let tol = self.stopping().tol();
        if tol.is_nan() || tol < 0.0 {
            return Err(invalid("tol", tol, "a number of at least 0"));
        }
        at_least_one(&[("max_iter", Some(self.max_iter)), ("threads", self.threads), ("block", self.block)])
    }

    /// Refuses what is out of range or does not go together, of a fit of the whole data at once.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.check_common()?;
        if self.minibatch.is_some() {
            return Err(Error::Unsupported {
                what: "options of mini-batches in a fit of the whole data at once".into(),
                supported: "they go with MiniBatchNmf".into(),
            });
        }
        self.method.check()?;
        let (method, loss) = (self.method, self.method.loss);
        let unsupported = |what: String, supported: &'static str| {
            Err(Error::Unsupported { what, supported: supported.into() })
        };
        if method.stops_by(self.stopping()) == Support::No {
            return unsupported(
                format!("stopping {method} on the violation, which only coordinate descent has,"),
                "cd and hals stop by any rule, the others and what is extrapolated by ErrorDecrease or Progress",
            );
        }
        if self.missing != Missing::None && self.init == Some(InitKind::Spa) {
            return unsupported(
                "the start spa where entries are missing, as it takes components from rows of V,".into(),
                "random, scaled-random and the starts by singular vectors go with missing entries",
            );
        }
        if self.shuffle && method.shuffles() == Support::No {
            return unsupported(
                format!("shuffling the components of {method}"),
                "cd takes them in a drawn order, the others in theirs",
            );
        }
        if self.compress == Some(true) && method.compresses() == Support::No {
            return unsupported(
                format!("a compressed start for {method} with loss {loss}"),
                "auto and extrapolated hals have one, with the Frobenius loss",
            );
        }
        if method.multiplies_by(self.products) == Support::No {
            return unsupported(
                format!("loss {loss} with gemm or BLAS products"),
                "gemm and BLAS go with the Frobenius loss, the fused kernels with any",
            );
        }
        Ok(())
    }

    /// The same of a fit by mini-batches.
    pub(crate) fn check_batches(&self, batches: &BatchOptions) -> Result<(), Error> {
        self.check_common()?;
        let others = [
            ("a method other than mu", self.method != Method::mu(self.method.loss)),
            ("a stopping rule", self.stop.is_some_and(|stop| !matches!(stop, Stop::ErrorDecrease { .. }))),
            ("a scale", !matches!(self.scale, None | Some(Scale::None))),
            ("missing entries", self.missing != Missing::None),
            ("held-out entries", self.holdout.is_some()),
            ("shuffling", self.shuffle),
            ("a compressed start", self.compress == Some(true)),
            ("gemm or BLAS products", self.products != Products::Fused),
            ("a size of cache blocks", self.block.is_some()),
        ];
        if let Some((what, _)) = others.iter().find(|(_, given)| *given) {
            return Err(Error::Unsupported {
                what: format!("{what} in a fit by mini-batches"),
                supported: "mini-batches take a loss, a start, penalties, a seed, a tolerance and limits"
                    .into(),
            });
        }
        if !(0.0..=1.0).contains(&batches.forget_factor) {
            return Err(invalid("forget_factor", batches.forget_factor, "a number from 0 to 1"));
        }
        at_least_one(&[
            ("batch_size", Some(batches.batch_size)),
            ("fresh_restarts_max_iter", Some(batches.fresh_restarts_max_iter)),
            ("transform_max_iter", batches.transform_max_iter),
            ("max_no_improvement", batches.max_no_improvement),
        ])
    }
}

fn at_least_one(counts: &[(&'static str, Option<usize>)]) -> Result<(), Error> {
    match counts.iter().find(|(_, count)| *count == Some(0)) {
        Some((name, _)) => Err(invalid(name, 0, "at least 1")),
        None => Ok(()),
    }
}

/// β can be any number, but a number.
pub(crate) fn check_loss(loss: Loss) -> Result<(), Error> {
    let beta = loss.beta();
    if beta.is_finite() { Ok(()) } else { Err(invalid("beta", beta, "a finite number")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dense, MiniBatchNmf, Nmf};

    fn refused(error: Error, word: &str) {
        assert!(matches!(error, Error::Unsupported { .. }) && error.to_string().contains(word), "{error}");
    }

    #[test]
    fn nothing_is_silently_ignored() {
        let v = Dense::from_fn(6, 5, |i, j| ((i * j) % 3) as f64 + 0.5);
        let whole = Options::new(2, Method::mu(Loss::Frobenius));
        let minibatch = Some(BatchOptions::default());
        refused(
            Nmf::from_options(Options { minibatch, ..whole.clone() }).fit(&v).unwrap_err(),
            "MiniBatchNmf",
        );
        for (word, options) in [
            ("method", Options { method: Method::cd(), ..whole.clone() }),
            ("stopping rule", Options { stop: Some(Stop::Progress { tol: 0.1 }), ..whole.clone() }),
            ("scale", Options { scale: Some(Scale::HSum), ..whole.clone() }),
            ("missing entries", Options { missing: Missing::Nan, ..whole.clone() }),
            ("held-out entries", Options { holdout: Some(Holdout::default()), ..whole.clone() }),
            ("shuffling", Options { shuffle: true, ..whole.clone() }),
            ("compressed start", Options { compress: Some(true), ..whole.clone() }),
            ("products", Options { products: Products::Gemm, ..whole.clone() }),
            ("cache blocks", Options { block: Some(3), ..whole.clone() }),
        ] {
            refused(MiniBatchNmf::from_options(options).fit(&v).unwrap_err(), word);
        }
        // factors that are named have to be given
        let custom = Options { init: Some(InitKind::Custom), ..whole };
        for error in [
            Nmf::from_options(custom.clone()).fit(&v).unwrap_err(),
            MiniBatchNmf::from_options(custom.clone()).fit(&v).unwrap_err(),
        ] {
            assert!(error.to_string().contains("custom"), "{error}");
        }
        let (w, h) =
            (Dense::from_fn(6, 2, |i, _| i as f64 + 1.0), Dense::from_fn(2, 5, |t, j| (t + j) as f64 + 1.0));
        assert!(Nmf::from_options(custom).init(Init::Custom { w, h }).fit(&v).is_ok());
    }

    #[test]
    fn builders_fill_the_options() {
        let options = Options {
            init: Some(InitKind::Spa),
            stop: Some(Stop::Violation { tol: 0.5 }),
            max_iter: 6,
            max_time: Some(Duration::from_secs(9)),
            missing: Missing::Nan,
            holdout: Some(Holdout { fraction: 0.1, fold: 3, seed: 9 }),
            penalty: Penalty { alpha_w: 0.01, alpha_h: None, l1_ratio: 0.5 },
            scale: Some(Scale::None),
            seed: 5,
            shuffle: true,
            compress: Some(false),
            products: Products::Gemm,
            threads: Some(2),
            memory_limit: Some(1 << 20),
            block: Some(3),
            ..Options::new(3, Method::cd())
        };
        let built = Nmf::<f64>::new(3)
            .method(Method::cd())
            .init(Init::Spa)
            .tol(0.1)
            .stop(Stop::Violation { tol: 0.5 })
            .max_iter(6)
            .max_time(Duration::from_secs(9))
            .missing(Missing::Nan)
            .holdout(Holdout { fraction: 0.1, fold: 3, seed: 9 })
            .penalty(options.penalty)
            .scale(Scale::None)
            .seed(5)
            .shuffle(true)
            .compress(false)
            .products(Products::Gemm)
            .threads(2)
            .memory_limit(1 << 20)
            .block(3);
        assert_eq!(built.options(), &options);
        let batches = BatchOptions {
            batch_size: 4,
            forget_factor: 0.25,
            fresh_restarts: true,
            fresh_restarts_max_iter: 7,
            transform_max_iter: Some(8),
            max_no_improvement: None,
        };
        let options = Options {
            tol: Some(0.1),
            seed: 5,
            minibatch: Some(batches),
            ..Options::new(3, Method::mu(Loss::ItakuraSaito))
        };
        let built = MiniBatchNmf::<f64>::new(3)
            .loss(Loss::ItakuraSaito)
            .tol(0.1)
            .seed(5)
            .batch_size(4)
            .forget_factor(0.25)
            .fresh_restarts(true)
            .fresh_restarts_max_iter(7)
            .transform_max_iter(8)
            .max_no_improvement(None);
        assert_eq!(built.options(), options);
    }
}
