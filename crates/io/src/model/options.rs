//! The options of a fit, as they are kept with its results.

use orthant::{Loss, Method, MiniBatchNmf, Nmf, Penalty, Products, Scale, StartKind, Stop};
use serde::{Deserialize, Deserializer, Serialize};

use crate::Scalar;

/// The options of a fit, as they are kept with its results. One set gives the fit and the record of it.
///
/// ```
/// use orthant::{Dense, Method};
/// use orthant_io::FitOptions;
/// let options = FitOptions { max_iter: 50, ..FitOptions::new(2, Method::Cd) };
/// let v = Dense::from_fn(5, 4, |i, j| (i + j) as f64);
/// let fit = options.nmf::<f64>().fit(&v)?;
/// assert!(fit.report.iterations <= 50);
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitOptions {
    /// Number of components k.
    pub rank: usize,
    /// The update, with its loss.
    #[serde(deserialize_with = "method")]
    pub method: Method,
    /// Where to start; `None` is the method's default.
    #[serde(default = "random")]
    pub start: Option<StartKind>,
    /// The stopping rule. Of mini-batches, which have a rule of their own, it gives the tolerance.
    pub stop: Stop,
    /// The limit of iterations; with mini-batches, of passes.
    pub max_iter: usize,
    /// The penalties.
    pub penalty: Penalty,
    /// The scale that components were to end with; `None` left it to what else fixed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// The seed of everything random.
    pub seed: u32,
    /// Whether coordinate descent draws the order of the components.
    #[serde(default)]
    pub shuffle: bool,
    /// Whether the start was to be improved on a sketch; `None` left it to the method.
    #[serde(default)]
    pub compress: Option<bool>,
    /// What multiplied V with the factors.
    pub products: Products,
    /// The most bytes that the fit was to take besides V, if there was a limit, which may have decided how it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit: Option<usize>,
    /// How to go by mini-batches, if so: then `method` is [`Method::Mu`].
    #[serde(default)]
    pub minibatch: Option<MiniBatchOptions>,
}

/// What only a fit by mini-batches needs.
///
/// ```
/// use orthant::{Dense, Loss, Method};
/// use orthant_io::{FitOptions, MiniBatchOptions};
/// let minibatch = Some(MiniBatchOptions { batch_size: 20, ..MiniBatchOptions::default() });
/// let options = FitOptions { minibatch, ..FitOptions::new(2, Method::Mu(Loss::KullbackLeibler)) };
/// let v = Dense::from_fn(50, 6, |i, j| ((i + j) % 5) as f64);
/// let fit = options.minibatch::<f64>().unwrap().fit(&v)?;
/// assert_eq!(fit.model.loss(), Loss::KullbackLeibler);
/// # Ok::<(), orthant::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MiniBatchOptions {
    /// Rows in a batch.
    pub batch_size: usize,
    /// What is left of the past after a pass, from 0 to 1.
    pub forget_factor: f64,
    /// Whether each step solves for W from a constant.
    pub fresh_restarts: bool,
    /// Steps without improvement that end the fit; `None` for no such limit.
    pub max_no_improvement: Option<usize>,
}

/// scikit-learn's.
impl Default for MiniBatchOptions {
    fn default() -> Self {
        Self { batch_size: 1024, forget_factor: 0.7, fresh_restarts: false, max_no_improvement: Some(10) }
    }
}

impl FitOptions {
    /// The defaults that go with a method: scikit-learn's for CD and MU, by mini-batches or not, the library's own for
    /// the others.
    pub fn new(rank: usize, method: Method) -> Self {
        let (stop, max_iter) = match method {
            Method::Cd => (Stop::Violation { tol: 1e-4 }, 200),
            Method::Mu(_) => (Stop::ErrorDecrease { tol: 1e-4 }, 200),
            _ => (Stop::Progress { tol: 1e-5 }, 500),
        };
        Self {
            rank,
            method,
            start: None,
            stop,
            max_iter,
            penalty: Penalty::default(),
            scale: None,
            seed: 0,
            shuffle: false,
            compress: None,
            products: Products::default(),
            memory_limit: None,
            minibatch: None,
        }
    }

    /// The same with another tolerance of the stopping rule.
    #[must_use]
    pub fn tol(mut self, value: f64) -> Self {
        if let Stop::Violation { tol } | Stop::ErrorDecrease { tol } | Stop::Progress { tol } = &mut self.stop
        {
            *tol = value;
        }
        self
    }

    /// A fit with these options, of the whole data at once. [`StartKind::Custom`] leaves the start to be given.
    pub fn nmf<T: Scalar>(&self) -> Nmf<T> {
        let nmf = Nmf::new(self.rank)
            .method(self.method)
            .stop(self.stop)
            .max_iter(self.max_iter)
            .penalty(self.penalty)
            .seed(self.seed)
            .shuffle(self.shuffle)
            .products(self.products);
        let nmf = match self.compress {
            Some(compress) => nmf.compress(compress),
            None => nmf,
        };
        let nmf = match self.scale {
            Some(scale) => nmf.scale(scale),
            None => nmf,
        };
        let nmf = match self.memory_limit {
            Some(bytes) => nmf.memory_limit(bytes),
            None => nmf,
        };
        match self.start.and_then(StartKind::start) {
            Some(start) => nmf.start(start),
            None => nmf,
        }
    }

    /// A fit with these options by mini-batches, if they say so. [`StartKind::Custom`] leaves the start to be given.
    pub fn minibatch<T: Scalar>(&self) -> Option<MiniBatchNmf<T>> {
        let own = self.minibatch.as_ref()?;
        let nmf = MiniBatchNmf::new(self.rank)
            .loss(self.method.loss())
            .tol(self.stop.tol())
            .max_iter(self.max_iter)
            .penalty(self.penalty)
            .seed(self.seed)
            .batch_size(own.batch_size)
            .forget_factor(own.forget_factor)
            .fresh_restarts(own.fresh_restarts)
            .max_no_improvement(own.max_no_improvement);
        Some(match self.start.and_then(StartKind::start) {
            Some(start) => nmf.start(start),
            None => nmf,
        })
    }
}

/// The start of every fit whose record does not say where it started.
fn random() -> Option<StartKind> {
    Some(StartKind::Random)
}

/// Also reads MU as it was written before it carried a loss.
fn method<'de, D: Deserializer<'de>>(from: D) -> Result<Method, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Plain {
        Mu,
    }
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "no method that this release knows")]
    enum Written {
        Now(Method),
        Before(Plain),
    }
    Ok(match Written::deserialize(from)? {
        Written::Now(method) => method,
        Written::Before(Plain::Mu) => Method::Mu(Loss::Frobenius),
    })
}
